/* SPDX-License-Identifier: MIT
 *
 * Visitors: one field each.
 */
#include "io/visit_inside.h"

#include "io/base64.h"
#include "io/number.h"

#include <stdio.h>
#include <string.h>

/* Reads a member with one of json_get_... into *value; an error when it is missing or something else. */
#define TAKE(v, name, get, value, expected)                                                                            \
    do {                                                                                                               \
        const json_node *node_ = visitor_take(v, name, expected);                                                      \
        if (node_ && !get((v)->document, node_, value)) visitor_unexpected(v, name, node_, expected);                  \
    } while (0)

#define EXPECT_BOOL "true or false"
#define EXPECT_INT64 "an integer from -2^63 to 2^63 - 1"
#define EXPECT_UINT64 "an integer from 0 to 2^64 - 1"
#define EXPECT_DOUBLE "a number within the range of float64"

void visit_bool(visitor *v, const char *name, bool *value)
{
    if (visitor_misplaced(v, false)) return;
    if (v->mode == VISIT_SAVE) json_write_bool(v->writer, name, *value);
    if (visitor_hashing(v)) {
        visitor_mix_tag(v, HASH_BOOL, name);
        visitor_mix_uint64(v, *value);
    }
    if (!visitor_reading(v)) return;
    bool found = false;
    TAKE(v, name, json_get_bool, &found, EXPECT_BOOL);
    if (v->mode == VISIT_LOAD && !visit_failed(v)) *value = found;
}

/* Writes or mixes an integer. */
static void give_int64(visitor *v, const char *name, int64_t value)
{
    if (v->mode == VISIT_SAVE) json_write_int64(v->writer, name, value);
    if (visitor_hashing(v)) {
        visitor_mix_tag(v, HASH_INT64, name);
        visitor_mix_uint64(v, (uint64_t)value);
    }
}

void visit_int64(visitor *v, const char *name, int64_t *value)
{
    if (visitor_misplaced(v, false)) return;
    if (!visitor_reading(v)) {
        give_int64(v, name, *value);
        return;
    }
    int64_t found = 0;
    TAKE(v, name, json_get_int64, &found, EXPECT_INT64);
    if (v->mode == VISIT_LOAD && !visit_failed(v)) *value = found;
}

void visit_late_int64(visitor *v, const char *name, int64_t *value)
{
    if (!v || !v->draft || v->apart == 0)
        visit_int64(v, name, value);
    else if (!visitor_misplaced(v, false))
        draft_late_int64(v->draft, name, value);
}

void visit_late_double(visitor *v, const char *name, double *value)
{
    if (!v || !v->draft) {
        visit_double(v, name, value);
        return;
    }
    if (visitor_misplaced(v, false)) return;
    draft_late_double(v->draft, name, value);
    if (!visitor_hashing(v)) return;
    visitor_mix_tag(v, HASH_DOUBLE, name);
    draft_mix_late(v->draft);
}

void visit_uint64(visitor *v, const char *name, uint64_t *value)
{
    if (visitor_misplaced(v, false)) return;
    if (v->mode == VISIT_SAVE) json_write_uint64(v->writer, name, *value);
    if (visitor_hashing(v)) {
        visitor_mix_tag(v, HASH_UINT64, name);
        visitor_mix_uint64(v, *value);
    }
    if (!visitor_reading(v)) return;
    uint64_t found = 0;
    TAKE(v, name, json_get_uint64, &found, EXPECT_UINT64);
    if (v->mode == VISIT_LOAD && !visit_failed(v)) *value = found;
}

static void give_double(visitor *v, const char *name, double value)
{
    if (v->mode == VISIT_SAVE) json_write_double(v->writer, name, value);
    if (visitor_hashing(v)) {
        visitor_mix_tag(v, HASH_DOUBLE, name);
        visitor_mix_double(v, value);
    }
}

void visit_double(visitor *v, const char *name, double *value)
{
    if (visitor_misplaced(v, false)) return;
    if (!visitor_reading(v)) {
        give_double(v, name, *value);
        return;
    }
    double found = 0;
    TAKE(v, name, json_get_double, &found, EXPECT_DOUBLE);
    if (v->mode == VISIT_LOAD && !visit_failed(v)) *value = found;
}

static void give_text(visitor *v, const char *name, const char *value)
{
    if (v->mode == VISIT_SAVE) json_write_text(v->writer, name, value);
    if (visitor_hashing(v)) {
        visitor_mix_tag(v, value ? HASH_TEXT : HASH_NO_TEXT, name);
        if (value) visitor_mix_text(v, value, strlen(value));
    }
}

/* *value becomes a copy of the text, or NULL. */
static void load_text(visitor *v, char **value, const char *text, size_t length)
{
    reel_context *context = v->object.context;
    char *copy = text ? memory_new(context, NULL, "visitor", length + 1) : NULL;
    if (text && !copy) return;
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    memory_string_free(context, *value);
    *value = copy;
}

void visit_text(visitor *v, const char *name, char **value)
{
    if (visitor_misplaced(v, false)) return;
    if (!visitor_reading(v)) {
        give_text(v, name, *value);
        return;
    }
    const json_node *node = visitor_take(v, name, "a text");
    if (!node) return;
    size_t length;
    const char *text = json_get_text(v->document, node, &length);
    if (!text && json_kind_of(v->document, node) != JSON_NULL)
        visitor_unexpected(v, name, node, "a text or null");
    else if (v->mode == VISIT_LOAD)
        load_text(v, value, text, length);
}

/* A difference in what must be the same: the file is of something else. */
static void differs(visitor *v, const char *name, const json_node *node, const char *expected)
{
    char found[JSON_FOUND_SIZE];
    visitor_mismatch(v, REEL_MISMATCH, name, json_found(v->document, node, found), expected);
}

void visit_same_text(visitor *v, const char *name, const char *value)
{
    if (visitor_misplaced(v, false)) return;
    if (!visitor_reading(v)) {
        give_text(v, name, value);
        return;
    }
    char expected[JSON_FOUND_SIZE];
    if (value)
        snprintf(expected, sizeof expected, "\"%.70s\"", value);
    else
        snprintf(expected, sizeof expected, "null");
    const json_node *node = visitor_take(v, name, expected);
    if (!node) return;
    size_t length;
    const char *text = json_get_text(v->document, node, &length);
    bool null = json_kind_of(v->document, node) == JSON_NULL;
    if (!text && !null)
        visitor_unexpected(v, name, node, expected);
    else if (!value ? !null : null || strlen(value) != length || memcmp(text, value, length) != 0)
        differs(v, name, node, expected);
}

void visit_same_int64(visitor *v, const char *name, int64_t value)
{
    if (visitor_misplaced(v, false)) return;
    if (!visitor_reading(v)) {
        give_int64(v, name, value);
        return;
    }
    char expected[NUMBER_TEXT_SIZE];
    number_print_int64(expected, value);
    const json_node *node = visitor_take(v, name, expected);
    int64_t found = 0;
    if (!node) return;
    if (!json_get_int64(v->document, node, &found))
        visitor_unexpected(v, name, node, expected);
    else if (found != value)
        differs(v, name, node, expected);
}

void visit_same_double(visitor *v, const char *name, double value)
{
    if (visitor_misplaced(v, false)) return;
    if (!visitor_reading(v)) {
        give_double(v, name, value);
        return;
    }
    char expected[NUMBER_TEXT_SIZE];
    number_print_double(expected, value);
    const json_node *node = visitor_take(v, name, expected);
    double found = 0;
    if (!node) return;
    if (!json_get_double(v->document, node, &found))
        visitor_unexpected(v, name, node, expected);
    else if (memcmp(&found, &value, sizeof found) != 0 && (found == found || value == value))
        differs(v, name, node, expected);
}

/* ---- tensors ---- */

/* [2,8], from an array or (shape NULL for the first) from the file; cut when longer. */
static void shape_list(char text[SHAPE_TEXT_SIZE], const int64_t *shape, int64_t rank)
{
    size_t n = (size_t)snprintf(text, SHAPE_TEXT_SIZE, "[");
    for (int64_t i = 0; i < rank && n < SHAPE_TEXT_SIZE; i++)
        n += (size_t)snprintf(text + n, SHAPE_TEXT_SIZE - n, "%s%lld", i ? "," : "", (long long)shape[i]);
    if (n < SHAPE_TEXT_SIZE) snprintf(text + n, SHAPE_TEXT_SIZE - n, "]");
}

#define RANK_SHOWN 12

static void check_shape(visitor *v, const reel_array *array)
{
    int64_t shape[RANK_SHOWN] = {0};
    char found[SHAPE_TEXT_SIZE], expected[SHAPE_TEXT_SIZE];
    json_fault fault;
    shape_list(expected, array->shape, array->rank);
    const json_node *node = visitor_take(v, "shape", expected);
    if (!node) return;
    int64_t rank = json_count(v->document, node);
    json_kind kind = json_kind_of(v->document, node);
    bool list = (kind == JSON_NUMBERS || (kind == JSON_LIST && rank == 0)) && rank <= RANK_SHOWN;
    if (!list || !json_decode(v->document, node, REEL_INT64, shape, &fault)) {
        visitor_unexpected(v, "shape", node, expected);
    } else if (rank != array->rank || memcmp(shape, array->shape, (size_t)rank * sizeof shape[0]) != 0) {
        shape_list(found, shape, rank);
        visitor_mismatch(v, REEL_MISMATCH, "shape", found, expected);
    }
}

static void read_data(visitor *v, const json_node *node, const reel_array *array)
{
    char found[64], expected[64];
    json_fault fault;
    int64_t count = json_count(v->document, node);
    json_kind kind = json_kind_of(v->document, node);
    if (kind != JSON_NUMBERS && kind != JSON_LIST) {
        visitor_unexpected(v, "data", node, "a list of numbers");
    } else if (count != array->size) {
        snprintf(found, sizeof found, "%lld numbers", (long long)count);
        snprintf(expected, sizeof expected, "%lld as the shape says", (long long)array->size);
        visitor_mismatch(v, REEL_BAD_FILE, "data", found, expected);
    } else if (!json_decode(v->document, node, array->dtype, v->mode == VISIT_LOAD ? array->data : NULL, &fault)) {
        char member[64];
        snprintf(member, sizeof member, "data[%lld]", (long long)fault.index);
        visitor_mismatch(v, REEL_BAD_FILE, member, fault.found, fault.expected);
    }
}

static void swap_bytes(uint8_t *data, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++, data += size)
        for (size_t j = 0; j < size / 2; j++) {
            uint8_t kept = data[j];
            data[j] = data[size - 1 - j];
            data[size - 1 - j] = kept;
        }
}

static void read_base64(visitor *v, const json_node *node, const reel_array *array)
{
    size_t length, position, element = reel_dtype_size(array->dtype), size = (size_t)array->size * element;
    const char *text = json_get_text(v->document, node, &length);
    char found[96], expected[64];
    if (!text) {
        visitor_unexpected(v, "base64", node, "a text");
        return;
    }
    bool fits = length == base64_encoded_size(size) && base64_decoded_size(text, length) == size;
    uint8_t *data = v->mode == VISIT_LOAD && fits ? array->data : NULL;
    const char *fault = base64_decode(data, text, length, &position);
    if (fault) {
        snprintf(found, sizeof found, "%s, at letter %zu", fault, position);
        visitor_mismatch(v, REEL_BAD_FILE, "base64", found, "base64 as in RFC 4648");
    } else if (!fits) {
        snprintf(found, sizeof found, "%zu bytes", base64_decoded_size(text, length));
        snprintf(expected, sizeof expected, "%zu as shape and dtype say", size);
        visitor_mismatch(v, REEL_BAD_FILE, "base64", found, expected);
    }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bool swap = true;
#else
    bool swap = false;
#endif
    if (swap && data && !fault) swap_bytes(data, (size_t)array->size, element);
}

static void read_array(visitor *v, const char *name, const reel_array *array)
{
    const json_node *node = visitor_take(v, name, "an object with dtype, shape and data");
    if (!node) return;
    if (json_kind_of(v->document, node) != JSON_OBJECT) {
        visitor_unexpected(v, name, node, "an object with dtype, shape and data");
        return;
    }
    visitor_mark_all(node);
    visitor_push(v, node, false, name, 0);
    visit_same_text(v, "dtype", reel_dtype_name(array->dtype));
    if (!visit_failed(v)) check_shape(v, array);
    if (!visit_failed(v)) {
        const json_node *data = json_member(node, "data"), *base64 = json_member(node, "base64");
        if (data && base64)
            visitor_mismatch(v, REEL_BAD_FILE, NULL, "both data and base64", "one of them");
        else if (base64)
            read_base64(v, visitor_take(v, "base64", ""), array);
        else if (visitor_take(v, "data", "a list of numbers"))
            read_data(v, data, array);
    }
    if (!visit_failed(v)) visitor_pop_object(v);
}

void visit_array(visitor *v, const char *name, const reel_array *array)
{
    if (visitor_misplaced(v, false)) return;
    if (!array || array->rank < 0 || array->rank > REEL_MAX_RANK || (array->size && !array->data)) {
        visit_reject(v, REEL_BAD_ARGUMENT, "%s: an array without data", name);
        return;
    }
    if (v->mode == VISIT_SAVE) json_write_tensor(v->writer, name, array, array->size > v->base64_from);
    if (visitor_hashing(v)) {
        visitor_mix_tag(v, HASH_ARRAY, name);
        visitor_mix_uint64(v, (uint64_t)array->dtype);
        visitor_mix_uint64(v, (uint64_t)array->rank);
        for (int i = 0; i < array->rank; i++) visitor_mix_uint64(v, (uint64_t)array->shape[i]);
        if (!v->draft || !draft_mix_held(v->draft, array)) visitor_mix_elements(v, array);
    }
    if (visitor_reading(v)) read_array(v, name, array);
}

/* ---- short lists of integers ---- */

static void give_list(visitor *v, const char *name, const int64_t *values, int64_t count)
{
    reel_array list = reel_array_view(REEL_INT64, (int64_t *)(uintptr_t)values, 1, &count);
    if (v->mode == VISIT_SAVE) json_write_numbers(v->writer, name, &list);
    if (visitor_hashing(v)) {
        visitor_mix_tag(v, HASH_ARRAY, name);
        visitor_mix_uint64(v, (uint64_t)count);
        visitor_mix_elements(v, &list);
    }
}

/* Reads at most `room` integers; -1 with an error kept. */
static int64_t take_list(visitor *v, const char *name, int64_t *values, int64_t room, const char *expected)
{
    const json_node *node = visitor_take(v, name, expected);
    if (!node) return -1;
    json_fault fault;
    json_kind kind = json_kind_of(v->document, node);
    int64_t count = kind == JSON_NUMBERS || kind == JSON_LIST ? json_count(v->document, node) : -1;
    if (count >= 0 && count <= room && json_decode(v->document, node, REEL_INT64, values, &fault)) return count;
    visitor_unexpected(v, name, node, expected);
    return -1;
}

void visit_int64_list(visitor *v, const char *name, int64_t *values, int64_t room, int64_t *count)
{
    if (visitor_misplaced(v, false)) return;
    if (!visitor_reading(v)) {
        give_list(v, name, values, *count);
        return;
    }
    int64_t found[INT64_LIST_MOST], most = room < INT64_LIST_MOST ? room : INT64_LIST_MOST;
    char expected[64];
    snprintf(expected, sizeof expected, "a list of at most %lld integers", (long long)most);
    int64_t n = take_list(v, name, found, most, expected);
    if (n < 0 || v->mode != VISIT_LOAD) return;
    memcpy(values, found, (size_t)n * sizeof *values);
    *count = n;
}

void visit_same_int64_list(visitor *v, const char *name, const int64_t *values, int64_t count)
{
    if (visitor_misplaced(v, false)) return;
    if (!visitor_reading(v)) {
        give_list(v, name, values, count);
        return;
    }
    int64_t found[INT64_LIST_MOST];
    char expected[SHAPE_TEXT_SIZE], text[SHAPE_TEXT_SIZE];
    shape_list(expected, values, count);
    int64_t n = take_list(v, name, found, INT64_LIST_MOST, expected);
    if (n < 0 || (n == count && memcmp(found, values, (size_t)n * sizeof *values) == 0)) return;
    shape_list(text, found, n);
    visitor_mismatch(v, REEL_MISMATCH, name, text, expected);
}

/* ---- looking ahead ---- */

static const json_node *peek(visitor *v, const char *name)
{
    return visitor_reading(v) && !visitor_misplaced(v, false) ? json_member(v->frames[v->depth].node, name) : NULL;
}

bool visit_peek_double(visitor *v, const char *name, double *value)
{
    const json_node *node = v ? peek(v, name) : NULL;
    return node && json_get_double(v->document, node, value);
}

bool visit_peek_int64(visitor *v, const char *name, int64_t *value)
{
    const json_node *node = v ? peek(v, name) : NULL;
    return node && json_get_int64(v->document, node, value);
}

bool visit_peek_text(visitor *v, const char *name, char *text, size_t size)
{
    size_t length;
    const json_node *node = v ? peek(v, name) : NULL;
    const char *found = node ? json_get_text(v->document, node, &length) : NULL;
    if (!found || length >= size) return false;
    memcpy(text, found, length);
    text[length] = '\0';
    return true;
}

bool visit_peek_array(visitor *v, const char *name, const reel_array *array)
{
    if (visit_failed(v) || v->mode != VISIT_CHECK || visitor_misplaced(v, false)) return false;
    v->mode = VISIT_LOAD; /* reading into memory of the caller's, which is not the object */
    read_array(v, name, array);
    v->mode = VISIT_CHECK;
    return !visit_failed(v);
}
