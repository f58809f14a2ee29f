/* SPDX-License-Identifier: MIT
 *
 * Arrays: shapes, ownership, conversion.
 */
#include "core/core.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

size_t reel_dtype_size(reel_dtype dtype)
{
    switch (dtype) {
    case REEL_FLOAT: return 4;
    case REEL_DOUBLE: return 8;
    case REEL_INT64: return 8;
    case REEL_UINT8: return 1;
    }
    return 0;
}

const char *reel_dtype_name(reel_dtype dtype)
{
    switch (dtype) {
    case REEL_FLOAT: return "float32";
    case REEL_DOUBLE: return "float64";
    case REEL_INT64: return "int64";
    case REEL_UINT8: return "uint8";
    }
    return "?";
}

int64_t shape_size(reel_dtype dtype, int rank, const int64_t *shape)
{
    if ((unsigned)dtype > REEL_UINT8 || rank < 0 || rank > REEL_MAX_RANK || (rank > 0 && !shape)) return -1;
    int64_t nonzero = 1, bytes;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0) return -1;
        empty |= shape[i] == 0;
        if (shape[i] && __builtin_mul_overflow(nonzero, shape[i], &nonzero)) return -1;
    }
    if (__builtin_mul_overflow(nonzero, (int64_t)element_size(dtype), &bytes) || bytes > (int64_t)1 << 62) return -1;
    return empty ? 0 : nonzero;
}

char *shape_text(char text[SHAPE_TEXT_SIZE], const reel_array *array)
{
    size_t used = 0;
    text[used++] = '(';
    for (int i = 0; i < array->rank && i < REEL_MAX_RANK; i++) {
        const char *comma = i + 1 < array->rank ? "," : "";
        used += (size_t)snprintf(text + used, SHAPE_TEXT_SIZE - used, "%lld%s", (long long)array->shape[i], comma);
    }
    snprintf(text + used, SHAPE_TEXT_SIZE - used, ")");
    return text;
}

reel_array reel_array_view(reel_dtype dtype, void *data, int rank, const int64_t *shape)
{
    reel_array a = {.dtype = dtype};
    int64_t size = shape_size(dtype, rank, shape);
    if (size < 0) return a;
    a.data = data;
    a.size = size;
    a.rank = rank;
    for (int i = 0; i < rank; i++) a.shape[i] = shape[i];
    return a;
}

typedef struct owned_array {
    reel_object object;
    reel_array array;
} owned_array;

static void array_destroy(reel_object *object)
{
    reel_array *a = &((owned_array *)object)->array;
    memory_free(object->context, a->data, (size_t)a->size * reel_dtype_size(a->dtype));
    object_release(object, sizeof(owned_array));
}

reel_array *reel_array_new(const char *site, reel_context *context, reel_dtype dtype, int rank, const int64_t *shape)
{
    const char *who = "array_new";
    int64_t size = shape_size(dtype, rank, shape);
    if (size < 0) {
        reel_error_set(context, REEL_BAD_SHAPE, site, who,
                       "rank must be 0 to %d, dimensions not negative and the size below 2^62 bytes", REEL_MAX_RANK);
        return NULL;
    }
    owned_array *owned = object_new(context, site, who, sizeof *owned, array_destroy);
    if (!owned) return NULL;
    size_t bytes = (size_t)size * reel_dtype_size(dtype);
    void *data = memory_zero(context, site, who, bytes);
    if (!data) {
        object_release(&owned->object, sizeof *owned);
        return NULL;
    }
    owned->array = reel_array_view(dtype, data, rank, shape);
    return &owned->array;
}

void reel_array_free(reel_array *array)
{
    if (array) object_free((char *)array - offsetof(owned_array, array));
}

double reel_array_get(const reel_array *array, int64_t index)
{
    if (!array || !array->data || index < 0 || index >= array->size) return NAN;
    switch (array->dtype) {
    case REEL_FLOAT: return ((const float *)array->data)[index];
    case REEL_DOUBLE: return ((const double *)array->data)[index];
    case REEL_INT64: return (double)((const int64_t *)array->data)[index];
    case REEL_UINT8: return ((const uint8_t *)array->data)[index];
    }
    return NAN;
}

/* to[i] = from[i], converted; a double outside an integer type goes to its nearest bound, NaN to 0. */
void array_convert(reel_array *to, const reel_array *from)
{
    if (to->dtype == from->dtype) {
        memcpy(to->data, from->data, (size_t)to->size * reel_dtype_size(to->dtype));
        return;
    }
    for (int64_t i = 0; i < to->size; i++) {
        double x = reel_array_get(from, i);
        switch (to->dtype) {
        case REEL_FLOAT: ((float *)to->data)[i] = (float)x; break;
        case REEL_DOUBLE: ((double *)to->data)[i] = x; break;
        case REEL_INT64:
            if (from->dtype == REEL_UINT8)
                ((int64_t *)to->data)[i] = ((const uint8_t *)from->data)[i];
            else if (x != x)
                ((int64_t *)to->data)[i] = 0;
            else if (x >= 0x1p63)
                ((int64_t *)to->data)[i] = INT64_MAX;
            else if (x < -0x1p63)
                ((int64_t *)to->data)[i] = INT64_MIN;
            else
                ((int64_t *)to->data)[i] = (int64_t)x;
            break;
        case REEL_UINT8: ((uint8_t *)to->data)[i] = x != x || x < 0 ? 0 : x > 255 ? 255 : (uint8_t)x; break;
        }
    }
}

reel_array *reel_array_cast(const char *site, reel_context *context, reel_dtype dtype, const reel_array *source)
{
    if (reel_failed(context)) return NULL;
    if (!source || (source->size && !source->data)) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "array_cast", "there is no source array");
        return NULL;
    }
    reel_array *copy = reel_array_new(site, context, dtype, source->rank, source->shape);
    if (copy && copy->size) array_convert(copy, source);
    return copy;
}
