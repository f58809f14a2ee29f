/* SPDX-License-Identifier: MIT
 *
 * The parameter store.
 */
#include "tape/params.h"

#include <math.h>
#include <string.h>

#define VECTOR_STAGGER 1088 /* bytes between the starts of two slots, modulo a page */
#define VECTOR_SLOTS 32

static void slices_free(reel_params *params, slice_vector *v)
{
    reel_context *context = params->object.context;
    for (int i = 0; i < v->count; i++) memory_string_free(context, v->slices[i].name);
    memory_free(context, v->slices, (size_t)v->capacity * sizeof(slice));
}

size_t params_vector_bytes(const reel_params *params, int slot)
{
    return (size_t)params->values.size * reel_dtype_size(params->dtype) + ARENA_ALIGN +
           (size_t)(slot % VECTOR_SLOTS) * VECTOR_STAGGER;
}

void *params_vector_new(reel_params *params, const char *site, const char *who, int slot, void **block)
{
    *block = memory_zero(params->object.context, site, who, params_vector_bytes(params, slot));
    if (!*block) return NULL;
    uintptr_t at = ((uintptr_t)*block + ARENA_ALIGN - 1) & ~(uintptr_t)(ARENA_ALIGN - 1);
    return (char *)at + (size_t)(slot % VECTOR_SLOTS) * VECTOR_STAGGER;
}

void params_vector_free(reel_params *params, int slot, void *block)
{
    memory_free(params->object.context, block, params_vector_bytes(params, slot));
}

static void params_destroy(reel_object *object)
{
    reel_params *params = (reel_params *)object;
    size_t element = reel_dtype_size(params->dtype);
    slices_free(params, &params->values);
    slices_free(params, &params->buffers);
    if (params->sealed) {
        params_vector_free(params, 0, params->values.block);
        params_vector_free(params, 1, params->gradient_block);
    } else {
        memory_free(object->context, params->values.block, (size_t)params->values.room * element);
    }
    memory_free(object->context, params->buffers.block, (size_t)params->buffers.room * element);
    object_release(object, sizeof *params);
}

reel_params *reel_params_new(const char *site, reel_context *context, reel_dtype dtype)
{
    if (dtype != REEL_FLOAT && dtype != REEL_DOUBLE) {
        reel_error_set(context, REEL_BAD_DTYPE, site, "params_new", "found %s, expected float32 or float64",
                       reel_dtype_name(dtype));
        return NULL;
    }
    reel_params *params = object_new(context, site, "params_new", sizeof *params, params_destroy);
    if (params) params->dtype = dtype;
    return params;
}

void reel_params_free(reel_params *params)
{
    object_free(params);
}

reel_dtype reel_params_dtype(const reel_params *params)
{
    return params ? params->dtype : REEL_FLOAT;
}

reel_context *reel_params_context(const reel_params *params)
{
    return params ? params->object.context : NULL;
}

/* Room for one more slice of `size` elements. */
static bool vector_reserve(reel_params *params, const char *site, slice_vector *v, int64_t size)
{
    reel_context *context = params->object.context;
    const char *who = "params_add";
    if (v->count == v->capacity) {
        int capacity = v->capacity ? 2 * v->capacity : 8;
        slice *grown = memory_resize(context, site, who, v->slices, (size_t)v->capacity * sizeof(slice),
                                     (size_t)capacity * sizeof(slice));
        if (!grown) return false;
        v->slices = grown;
        v->capacity = capacity;
    }
    int64_t needed = v->size + size;
    if (needed > v->room) {
        size_t element = reel_dtype_size(params->dtype);
        int64_t room = v->room ? v->room : 16;
        while (room < needed) room *= 2;
        void *grown = memory_resize(context, site, who, v->block, (size_t)v->room * element, (size_t)room * element);
        if (!grown) return false;
        v->block = v->data = grown;
        v->room = room;
    }
    return true;
}

static int slice_find(const slice_vector *v, const char *name)
{
    for (int i = 0; i < v->count; i++)
        if (strcmp(v->slices[i].name, name) == 0) return i;
    return -1;
}

static int slice_add(reel_params *params, const char *site, slice_vector *v, const char *name, int rank,
                     const int64_t *shape)
{
    const char *who = "params_add";
    if (!params || reel_failed(params->object.context)) return -1;
    reel_context *context = params->object.context;
    if (!name || !*name) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "a parameter needs a name"), -1;
    if (params->sealed)
        return reel_error_set(context, REEL_BAD_STATE, site, who,
                              "\"%s\" comes too late: an optimizer or a recording has sealed the store", name),
               -1;
    if (slice_find(&params->values, name) >= 0 || slice_find(&params->buffers, name) >= 0)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "the name \"%s\" is taken", name), -1;
    int64_t size = shape_size(params->dtype, rank, shape);
    if (size < 0 || size > INT64_MAX / 64 - v->size)
        return reel_error_set(context, REEL_BAD_SHAPE, site, who,
                              "\"%s\": rank must be 0 to %d, dimensions not negative and the size sensible", name,
                              REEL_MAX_RANK),
               -1;
    if (!vector_reserve(params, site, v, size)) return -1;
    char *copy = memory_string(context, site, who, name);
    if (!copy) return -1;
    slice *s = &v->slices[v->count];
    *s = (slice){.name = copy, .offset = v->size, .size = size, .rank = rank, .trainable = true};
    s->low = -INFINITY;
    s->high = INFINITY;
    for (int i = 0; i < rank; i++) s->shape[i] = shape[i];
    size_t element = reel_dtype_size(params->dtype);
    memset((char *)v->data + (size_t)v->size * element, 0, (size_t)size * element);
    v->size += size;
    return v->count++;
}

int reel_params_add(const char *site, reel_params *params, const char *name, int rank, const int64_t *shape)
{
    return slice_add(params, site, params ? &params->values : NULL, name, rank, shape);
}

int reel_params_add_buffer(const char *site, reel_params *params, const char *name, int rank, const int64_t *shape)
{
    return slice_add(params, site, params ? &params->buffers : NULL, name, rank, shape);
}

reel_status reel_params_seal(const char *site, reel_params *params)
{
    if (!params) return REEL_BAD_ARGUMENT;
    if (params->sealed) return REEL_OK;
    reel_context *context = params->object.context;
    if (reel_failed(context)) return context->status;
    void *value_block, *gradient_block;
    void *values = params_vector_new(params, site, "params_seal", 0, &value_block);
    if (!values) return context->status;
    void *gradient = params_vector_new(params, site, "params_seal", 1, &gradient_block);
    if (!gradient) {
        params_vector_free(params, 0, value_block);
        return context->status;
    }
    size_t element = reel_dtype_size(params->dtype);
    if (params->values.size) memcpy(values, params->values.data, (size_t)params->values.size * element);
    memory_free(context, params->values.block, (size_t)params->values.room * element);
    params->values.block = value_block;
    params->values.data = values;
    params->values.room = params->values.size;
    params->gradient_block = gradient_block;
    params->gradient = gradient;
    params->sealed = true;
    return REEL_OK;
}

int reel_params_count(const reel_params *params)
{
    return params ? params->values.count : 0;
}

int reel_params_buffer_count(const reel_params *params)
{
    return params ? params->buffers.count : 0;
}

int64_t reel_params_size(const reel_params *params)
{
    return params ? params->values.size : 0;
}

int reel_params_find(const reel_params *params, const char *name)
{
    return params && name ? slice_find(&params->values, name) : -1;
}

static const slice *slice_at(const slice_vector *v, int index)
{
    return index >= 0 && index < v->count ? &v->slices[index] : NULL;
}

const char *reel_params_name(const reel_params *params, int index)
{
    const slice *s = params ? slice_at(&params->values, index) : NULL;
    return s ? s->name : NULL;
}

const char *reel_params_buffer_name(const reel_params *params, int index)
{
    const slice *s = params ? slice_at(&params->buffers, index) : NULL;
    return s ? s->name : NULL;
}

reel_array slice_view(const reel_params *params, const slice *s, void *base)
{
    if (!s || !base) return (reel_array){.dtype = params->dtype};
    char *at = (char *)base + (size_t)s->offset * reel_dtype_size(params->dtype);
    return reel_array_view(params->dtype, at, s->rank, s->shape);
}

reel_array reel_params_value(const reel_params *params, int index)
{
    if (!params) return (reel_array){0};
    return slice_view(params, slice_at(&params->values, index), params->values.data);
}

reel_array reel_params_buffer(const reel_params *params, int index)
{
    if (!params) return (reel_array){0};
    return slice_view(params, slice_at(&params->buffers, index), params->buffers.data);
}

reel_array reel_params_gradient(const reel_params *params, int index)
{
    if (!params) return (reel_array){0};
    return slice_view(params, slice_at(&params->values, index),
                      params->state == GRADIENT_FRESH ? params->gradient : NULL);
}

reel_array reel_params_flat(const reel_params *params)
{
    if (!params) return (reel_array){0};
    return reel_array_view(params->dtype, params->values.data, 1, &params->values.size);
}

reel_array reel_params_flat_gradient(const reel_params *params)
{
    if (!params || params->state != GRADIENT_FRESH) return (reel_array){0};
    return reel_array_view(params->dtype, params->gradient, 1, &params->values.size);
}

static reel_status check_flat(const char *site, const char *who, const reel_params *params, const reel_array *flat)
{
    if (!params) return REEL_BAD_ARGUMENT;
    reel_context *context = params->object.context;
    if (reel_failed(context)) return context->status;
    if (!flat || flat->size != params->values.size || (flat->size && !flat->data))
        return reel_error_set(context, REEL_BAD_SHAPE, site, who, "found %lld elements, expected %lld",
                              flat ? (long long)flat->size : 0LL, (long long)params->values.size);
    return REEL_OK;
}

reel_status reel_params_read(const char *site, const reel_params *params, reel_array *out)
{
    reel_status status = check_flat(site, "params_read", params, out);
    if (status != REEL_OK || !out->size) return status;
    reel_array flat = reel_params_flat(params);
    array_convert(out, &flat);
    return REEL_OK;
}

reel_status reel_params_write(const char *site, reel_params *params, const reel_array *values)
{
    reel_status status = check_flat(site, "params_write", params, values);
    if (status != REEL_OK || !values->size) return status;
    reel_array flat = reel_params_flat(params);
    array_convert(&flat, values);
    reel_params_touch(params);
    return REEL_OK;
}

static reel_status vector_copy(const char *site, reel_params *to, slice_vector *t, const reel_params *from,
                               const slice_vector *f, bool write)
{
    for (int i = 0; i < t->count; i++) {
        int j = slice_find(f, t->slices[i].name);
        if (j < 0)
            return reel_error_set(to->object.context, REEL_NOT_FOUND, site, "params_copy", "the source has no \"%s\"",
                                  t->slices[i].name);
        reel_array a = slice_view(to, &t->slices[i], t->data), b = slice_view(from, &f->slices[j], f->data);
        bool same = a.rank == b.rank && memcmp(a.shape, b.shape, sizeof a.shape) == 0;
        char texts[2][SHAPE_TEXT_SIZE];
        if (!same)
            return reel_error_set(to->object.context, REEL_BAD_SHAPE, site, "params_copy",
                                  "\"%s\": found %s, expected %s", t->slices[i].name, shape_text(texts[0], &b),
                                  shape_text(texts[1], &a));
        if (write && a.size) array_convert(&a, &b);
    }
    return REEL_OK;
}

reel_status reel_params_copy(const char *site, reel_params *to, const reel_params *from)
{
    if (!to || !from) return REEL_BAD_ARGUMENT;
    if (reel_failed(to->object.context)) return to->object.context->status;
    for (int write = 0; write < 2; write++) {
        reel_status status = vector_copy(site, to, &to->values, from, &from->values, write);
        if (status == REEL_OK) status = vector_copy(site, to, &to->buffers, from, &from->buffers, write);
        if (status != REEL_OK) return status;
    }
    reel_params_touch(to);
    return REEL_OK;
}

void reel_params_touch(reel_params *params)
{
    if (params) params->version++;
}

reel_status reel_params_set_trainable(const char *site, reel_params *params, int index, bool trainable)
{
    if (!params) return REEL_BAD_ARGUMENT;
    if (index < 0 || index >= params->values.count)
        return reel_error_set(params->object.context, REEL_BAD_INDEX, site, "params_set_trainable",
                              "found parameter %d, expected 0 to %d", index, params->values.count - 1);
    params->values.slices[index].trainable = trainable;
    return REEL_OK;
}

bool reel_params_trainable(const reel_params *params, int index)
{
    const slice *s = params ? slice_at(&params->values, index) : NULL;
    return s && s->trainable;
}

reel_status reel_params_set_bounds(const char *site, reel_params *params, int index, double low, double high)
{
    const char *who = "params_set_bounds";
    if (!params) return REEL_BAD_ARGUMENT;
    reel_context *context = params->object.context;
    if (index < 0 || index >= params->values.count)
        return reel_error_set(context, REEL_BAD_INDEX, site, who, "found parameter %d, expected 0 to %d", index,
                              params->values.count - 1);
    slice *s = &params->values.slices[index];
    if (!(low <= high))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "\"%s\": found bounds %g and %g, expected low <= high", s->name, low, high);
    s->low = low;
    s->high = high;
    s->bounded = low > -INFINITY || high < INFINITY;
    return REEL_OK;
}

void reel_params_bounds(const reel_params *params, int index, double *low, double *high)
{
    const slice *s = params ? slice_at(&params->values, index) : NULL;
    if (low) *low = s ? s->low : -INFINITY;
    if (high) *high = s ? s->high : INFINITY;
}

/* NaN passes: no comparison with it holds. */
static void project_float(float *x, int64_t n, float low, float high)
{
    for (int64_t i = 0; i < n; i++) {
        float v = x[i] < low ? low : x[i];
        x[i] = v > high ? high : v;
    }
}

static void project_double(double *x, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++) {
        double v = x[i] < low ? low : x[i];
        x[i] = v > high ? high : v;
    }
}

void params_project(reel_params *params)
{
    for (int i = 0; i < params->values.count; i++) {
        const slice *s = &params->values.slices[i];
        if (!s->bounded || !s->trainable) continue;
        if (params->dtype == REEL_FLOAT)
            project_float((float *)params->values.data + s->offset, s->size, (float)s->low, (float)s->high);
        else
            project_double((double *)params->values.data + s->offset, s->size, s->low, s->high);
    }
}

bool reel_params_has_gradient(const reel_params *params)
{
    return params && params->state == GRADIENT_FRESH;
}

void reel_params_drop_gradient(reel_params *params)
{
    if (!params) return;
    params->state = GRADIENT_NONE;
    for (int i = 0; i < params->values.count; i++) params->values.slices[i].written = false;
}

reel_status reel_params_set_gradient(const char *site, reel_params *params, const reel_array *flat)
{
    reel_status status = check_flat(site, "params_set_gradient", params, flat);
    if (status == REEL_OK) status = reel_params_seal(site, params);
    if (status != REEL_OK) return status;
    reel_array gradient = reel_array_view(params->dtype, params->gradient, 1, &params->values.size);
    if (gradient.size) array_convert(&gradient, flat);
    for (int i = 0; i < params->values.count; i++) params->values.slices[i].written = true;
    params->state = GRADIENT_FRESH;
    return REEL_OK;
}
