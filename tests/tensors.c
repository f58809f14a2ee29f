/* SPDX-License-Identifier: MIT
 *
 * Numbers and tensors of reference files.
 */
#include "tensors.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void decide(outcome *o, int verdict, const char *format, ...)
{
    if (o->verdict != CASE_PASSED) return;
    o->verdict = verdict;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(o->note, sizeof o->note, format, arguments);
    va_end(arguments);
}

char *file_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return NULL;
    }
    size_t size = 0, room = 1 << 16;
    char *text = malloc(room);
    for (size_t got = 1; text && got;) {
        if (room - size < 2) {
            char *larger = realloc(text, room *= 2);
            if (!larger) free(text);
            text = larger;
            if (!text) break;
        }
        got = fread(text + size, 1, room - size - 1, file);
        size += got;
    }
    if (text) text[size] = '\0';
    if (!text)
        fprintf(stderr, "%s: out of memory\n", path);
    else if (ferror(file)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

cJSON *document_load(const char *path)
{
    char *text = file_text(path);
    if (!text) return NULL;
    const char *end = text;
    cJSON *document = cJSON_ParseWithOpts(text, &end, true);
    if (!document) fprintf(stderr, "%s: byte %td: this is not JSON\n", path, end - text);
    free(text);
    return document;
}

const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *member_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(member(object, name));
    return text ? text : "";
}

static const struct {
    const char *text;
    double number;
} not_finite[] = {{"nan", NAN}, {"inf", INFINITY}, {"-inf", -INFINITY}};

bool is_number(const cJSON *item)
{
    if (cJSON_IsNumber(item) || cJSON_IsBool(item)) return true;
    const char *text = cJSON_GetStringValue(item);
    for (int i = 0; text && i < 3; i++)
        if (strcmp(text, not_finite[i].text) == 0) return true;
    return false;
}

double number_of(const cJSON *item)
{
    if (cJSON_IsNumber(item)) return item->valuedouble;
    if (cJSON_IsBool(item)) return cJSON_IsTrue(item);
    const char *text = cJSON_GetStringValue(item);
    for (int i = 0; text && i < 3; i++)
        if (strcmp(text, not_finite[i].text) == 0) return not_finite[i].number;
    return NAN;
}

reel_dtype case_dtype(const cJSON *test)
{
    return strcmp(member_text(test, "dtype"), "float32") == 0 ? REEL_FLOAT : REEL_DOUBLE;
}

static reel_dtype tensor_dtype(const cJSON *tensor, reel_dtype real)
{
    const char *name = member_text(tensor, "dtype");
    return strcmp(name, "int64") == 0 ? REEL_INT64 : strcmp(name, "bool") == 0 ? REEL_UINT8 : real;
}

static void put(reel_array *array, int64_t index, double x)
{
    switch (array->dtype) {
    case REEL_FLOAT: ((float *)array->data)[index] = (float)x; break;
    case REEL_DOUBLE: ((double *)array->data)[index] = x; break;
    case REEL_INT64: ((int64_t *)array->data)[index] = (int64_t)x; break;
    case REEL_UINT8: ((uint8_t *)array->data)[index] = x != 0; break;
    }
}

/* Rank, -1 when "shape" is not a list of at most six whole numbers. */
static int tensor_shape(const cJSON *tensor, int64_t shape[REEL_MAX_RANK])
{
    const cJSON *list = member(tensor, "shape"), *item;
    int rank = 0;
    if (!cJSON_IsArray(list)) return -1;
    cJSON_ArrayForEach(item, list)
    {
        if (rank == REEL_MAX_RANK || !cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < 1e15))
            return -1;
        shape[rank++] = (int64_t)item->valuedouble;
    }
    return rank;
}

reel_array *tensor_read(outcome *o, reel_context *context, const cJSON *tensor, reel_dtype real, const char *name)
{
    int64_t shape[REEL_MAX_RANK];
    int rank = tensor_shape(tensor, shape);
    const cJSON *data = member(tensor, "data"), *item;
    if (rank < 0 || !cJSON_IsArray(data)) {
        decide(o, CASE_NOT_COVERED, "%s is not a tensor with shape (rank at most %d) and data", name, REEL_MAX_RANK);
        return NULL;
    }
    reel_array *array = reel_array_new(NULL, context, tensor_dtype(tensor, real), rank, shape);
    int64_t index = 0;
    bool fits = array && cJSON_GetArraySize(data) == array->size;
    if (fits) cJSON_ArrayForEach(item, data)
        {
            fits &= is_number(item);
            put(array, index++, number_of(item));
        }
    if (!fits) decide(o, CASE_NOT_COVERED, "the data of %s do not fit its shape", name);
    return fits ? array : NULL;
}

void compare_number(outcome *o, double found, double expected, allowance allowed, const char *name, int64_t index)
{
    if (found == expected || (isnan(found) && isnan(expected))) return;
    double difference = isfinite(found) && isfinite(expected) ? fabs(found - expected) : INFINITY;
    if (difference > o->deviation) o->deviation = difference;
    double most = allowed.relative * fabs(expected) + allowed.absolute;
    if (!(difference <= most))
        decide(o, CASE_FAILED, "%s[%lld]: found %.17g, expected %.17g, %.3g allowed", name, (long long)index, found,
               expected, most);
}

void compare_tensor(outcome *o, const reel_array *found, const cJSON *expected, allowance allowed, const char *name)
{
    int64_t shape[REEL_MAX_RANK], index = 0;
    int rank = tensor_shape(expected, shape);
    const cJSON *data = member(expected, "data"), *item;
    if (rank < 0 || !cJSON_IsArray(data)) {
        decide(o, CASE_NOT_COVERED, "expected %s is not a tensor", name);
        return;
    }
    bool integer = found->dtype == REEL_INT64 || found->dtype == REEL_UINT8;
    if (integer != (tensor_dtype(expected, REEL_DOUBLE) != REEL_DOUBLE))
        decide(o, CASE_FAILED, "%s: found %s", name, reel_dtype_name(found->dtype));
    bool same = found->rank == rank && found->size == cJSON_GetArraySize(data);
    for (int d = 0; same && d < rank; d++) same = found->shape[d] == shape[d];
    if (!same) {
        decide(o, CASE_FAILED, "%s: found rank %d and %lld elements, expected rank %d and %d elements", name,
               found->rank, (long long)found->size, rank, cJSON_GetArraySize(data));
        return;
    }
    cJSON_ArrayForEach(item, data)
    {
        double x = found->data ? reel_array_get(found, index) : 0;
        compare_number(o, x, number_of(item), allowed, name, index);
        index++;
    }
}
