/* SPDX-License-Identifier: MIT
 *
 * JSON writer.
 */
#include "io/json_write.h"

#include "core/core.h"
#include "io/base64.h"
#include "io/number.h"
#include "io/utf8.h"

#include <string.h>

static const char who[] = "json";

void json_writer_init(json_writer *w, reel_context *context, int indent)
{
    *w = (json_writer){.context = context, .indent = indent < 0 ? 0 : indent > 8 ? 8 : indent};
}

void json_writer_free(json_writer *w)
{
    if (!w) return;
    memory_free(w->context, w->text, w->capacity);
    json_writer_init(w, w->context, w->indent);
}

static bool stopped(const json_writer *w)
{
    return !w || w->failed || reel_failed(w->context);
}

static bool reserve(json_writer *w, size_t more)
{
    if (w->capacity - w->length >= more) return true;
    size_t capacity = w->capacity ? w->capacity : 1024;
    while (capacity - w->length < more) {
        if (capacity > SIZE_MAX / 4) capacity = 0;
        if (capacity == 0) break;
        capacity *= 2;
    }
    char *text = capacity ? memory_resize(w->context, NULL, who, w->text, w->capacity, capacity) : NULL;
    if (!text) {
        w->failed = true;
        reel_error_set(w->context, REEL_NO_MEMORY, NULL, who, "a text of more than %zu bytes", w->length);
        return false;
    }
    w->text = text;
    w->capacity = capacity;
    return true;
}

static void put(json_writer *w, const char *text, size_t size)
{
    if (!reserve(w, size)) return;
    memcpy(w->text + w->length, text, size);
    w->length += size;
}

static void put_line(json_writer *w, int depth)
{
    size_t blanks = (size_t)(w->indent * depth);
    if (!reserve(w, blanks + 1)) return;
    w->text[w->length++] = '\n';
    w->line = w->length;
    memset(w->text + w->length, ' ', blanks);
    w->length += blanks;
}

static void refuse(json_writer *w, const char *what, const char *key)
{
    w->failed = true;
    reel_error_set(w->context, REEL_BAD_STATE, NULL, who, "%s%s%s", what, key ? ", member " : "", key ? key : "");
}

/* Writes an escape for a control character, quote or backslash. */
static void put_escape(json_writer *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef", plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *known = c ? strchr(plain, c) : NULL;
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (known) escape[1] = letters[known - plain];
    put(w, escape, known ? 2 : 6);
}

static void put_text(json_writer *w, const char *text)
{
    const char *at = text, *end = text + strlen(text);
    put(w, "\"", 1);
    while (at < end && !w->failed) {
        const char *from = at;
        int length = 1;
        while (at < end && (unsigned char)*at >= 0x20 && *at != '"' && *at != '\\' && length > 0) {
            length = utf8_length(at, end);
            at += length;
        }
        if (length == 0) {
            refuse(w, "a text is not UTF-8", NULL);
            return;
        }
        put(w, from, (size_t)(at - from));
        if (at < end) put_escape(w, (unsigned char)*at++);
    }
    put(w, "\"", 1);
}

/* Comma, line and name before a value. False when nothing may be written here. */
static bool begin_value(json_writer *w, const char *key)
{
    if (stopped(w)) return false;
    if (w->depth == 0) {
        if (w->length)
            refuse(w, "a second outermost value", key);
        else if (key)
            refuse(w, "a name outside an object", key);
        return !w->failed;
    }
    struct json_open *open = &w->open[w->depth - 1];
    if (open->list != !key) {
        refuse(w, key ? "a name within a list" : "a value without a name within an object", key);
        return false;
    }
    if (!open->empty) put(w, ",", 1);
    open->empty = false;
    put_line(w, w->depth);
    if (key) {
        put_text(w, key);
        put(w, ": ", 2);
    }
    return !w->failed;
}

static void begin_group(json_writer *w, const char *key, bool list)
{
    if (!begin_value(w, key)) return;
    if (w->depth == JSON_DEPTH_LIMIT) {
        refuse(w, "more than 64 levels of objects and lists", key);
        return;
    }
    w->open[w->depth++] = (struct json_open){.start = w->length, .line = w->line, .list = list, .empty = true};
    put(w, list ? "[" : "{", 1);
}

/* Joins the lines from `start` on when the result fits behind what stands there already. Newlines are only where the
 * writer put them, as those in texts are escaped. */
static bool join_lines(json_writer *w, size_t start, size_t line)
{
    char joined[JSON_COLUMNS];
    size_t n = 0, room = start - line + 2 < JSON_COLUMNS ? JSON_COLUMNS - (start - line) - 2 : 0;
    for (size_t i = start; i < w->length; i++) {
        char c = w->text[i];
        if (c == '\n') {
            while (i + 1 < w->length && w->text[i + 1] == ' ') i++;
            if (n == 0 || joined[n - 1] != ',') continue;
            c = ' ';
        }
        if (n >= room) return false;
        joined[n++] = c;
    }
    memcpy(w->text + start, joined, n);
    w->length = start + n;
    w->line = line;
    return true;
}

static void end_group(json_writer *w, bool list)
{
    if (stopped(w)) return;
    if (w->depth == 0 || w->open[w->depth - 1].list != list) {
        refuse(w, list ? "the end of a list that is not open" : "the end of an object that is not open", NULL);
        return;
    }
    struct json_open open = w->open[--w->depth];
    bool one_line = open.empty || (w->depth > 0 && join_lines(w, open.start, open.line));
    if (!one_line) put_line(w, w->depth);
    put(w, list ? "]" : "}", 1);
}

void json_write_object_begin(json_writer *w, const char *key)
{
    begin_group(w, key, false);
}

void json_write_object_end(json_writer *w)
{
    end_group(w, false);
}

void json_write_list_begin(json_writer *w, const char *key)
{
    begin_group(w, key, true);
}

void json_write_list_end(json_writer *w)
{
    end_group(w, true);
}

void json_write_null(json_writer *w, const char *key)
{
    if (begin_value(w, key)) put(w, "null", 4);
}

void json_write_bool(json_writer *w, const char *key, bool value)
{
    if (begin_value(w, key)) put(w, value ? "true" : "false", value ? 4 : 5);
}

/* Writes an integer, in quotes when a double might not hold it. Returns its length. */
static size_t print_integer(char *text, bool exact, int64_t negative, uint64_t value)
{
    char number[NUMBER_TEXT_SIZE];
    size_t n = negative < 0 ? number_print_int64(number, negative) : number_print_uint64(number, value);
    if (!exact) *text++ = '"';
    memcpy(text, number, n);
    if (!exact) text[n] = '"';
    return n + (exact ? 0 : 2);
}

static size_t print_int64(char *text, int64_t value)
{
    const int64_t limit = (int64_t)1 << JSON_EXACT_INTEGER;
    return print_integer(text, value >= -limit && value <= limit, value < 0 ? value : 0, (uint64_t)value);
}

void json_write_int64(json_writer *w, const char *key, int64_t value)
{
    char text[NUMBER_TEXT_SIZE];
    if (begin_value(w, key)) put(w, text, print_int64(text, value));
}

void json_write_uint64(json_writer *w, const char *key, uint64_t value)
{
    char text[NUMBER_TEXT_SIZE];
    if (begin_value(w, key)) put(w, text, print_integer(text, value <= (uint64_t)1 << JSON_EXACT_INTEGER, 0, value));
}

void json_write_double(json_writer *w, const char *key, double value)
{
    char text[NUMBER_TEXT_SIZE];
    if (begin_value(w, key)) put(w, text, number_print_double(text, value));
}

void json_write_text(json_writer *w, const char *key, const char *value)
{
    if (!value)
        json_write_null(w, key);
    else if (begin_value(w, key))
        put_text(w, value);
}

static inline size_t print_element(char *text, const reel_array *array, int64_t i)
{
    switch (array->dtype) {
    case REEL_FLOAT: return number_print_float(text, ((const float *)array->data)[i]);
    case REEL_DOUBLE: return number_print_double(text, ((const double *)array->data)[i]);
    case REEL_INT64: return print_int64(text, ((const int64_t *)array->data)[i]);
    case REEL_UINT8: return number_print_uint64(text, ((const uint8_t *)array->data)[i]);
    }
    return 0;
}

/* Numbers go straight into the text; a separator is decided when the length of the next one is known. */
static void put_numbers(json_writer *w, const reel_array *array)
{
    int64_t size = array && array->data ? array->size : 0;
    put(w, "[", 1);
    for (int64_t i = 0; i < size; i++) {
        if (!reserve(w, 2 * NUMBER_TEXT_SIZE)) return;
        char *at = w->text + w->length;
        size_t gap = i ? 2 : 0, n = print_element(at + gap, array, i);
        if (i && w->length - w->line + gap + n + 1 > JSON_COLUMNS) {
            char number[NUMBER_TEXT_SIZE];
            memcpy(number, at + gap, n);
            *at = ',';
            w->length++;
            put_line(w, w->depth + 1);
            put(w, number, n);
            continue;
        }
        memcpy(at, ", ", gap);
        w->length += gap + n;
    }
    put(w, "]", 1);
}

void json_write_numbers(json_writer *w, const char *key, const reel_array *array)
{
    if (begin_value(w, key)) put_numbers(w, array);
}

static void put_base64(json_writer *w, const reel_array *array)
{
    size_t element = reel_dtype_size(array->dtype), size = (size_t)array->size * element;
    size_t length = base64_encoded_size(size);
    if (!reserve(w, length + 2)) return;
    char *at = w->text + w->length;
    *at = at[length + 1] = '"';
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint8_t block[3 * 1024];
    for (size_t done = 0; done < size; done += sizeof block) {
        size_t n = size - done < sizeof block ? size - done : sizeof block;
        for (size_t i = 0; i < n; i++) /* the bytes of each element in reverse */
            block[i] = ((const uint8_t *)array->data)[done + i / element * element + element - 1 - i % element];
        base64_encode(at + 1 + done / 3 * 4, block, n);
    }
#else
    base64_encode(at + 1, array->data, size);
#endif
    w->length += length + 2;
}

void json_write_tensor(json_writer *w, const char *key, const reel_array *array, bool base64)
{
    if (stopped(w)) return;
    if (!array || (array->size && !array->data)) {
        refuse(w, "an array without data", key);
        return;
    }
    if (!begin_value(w, key)) return;
    const char *dtype = reel_dtype_name(array->dtype);
    put(w, "{\"dtype\": \"", 11);
    put(w, dtype, strlen(dtype));
    put(w, "\", \"shape\": [", 13);
    for (int i = 0; i < array->rank; i++) {
        char number[NUMBER_TEXT_SIZE];
        put(w, ", ", i ? 2 : 0);
        put(w, number, number_print_int64(number, array->shape[i]));
    }
    put(w, base64 ? "], \"base64\": " : "], \"data\": ", base64 ? 13 : 11);
    if (base64 && !w->failed)
        put_base64(w, array);
    else if (!w->failed)
        put_numbers(w, array);
    put(w, "}", 1);
}

const char *json_writer_text(json_writer *w, size_t *length)
{
    if (length) *length = 0;
    if (stopped(w)) return NULL;
    if (w->depth > 0 || w->length == 0) {
        refuse(w, w->depth ? "an object or list was not closed" : "nothing was written", NULL);
        return NULL;
    }
    if (w->text[w->length - 1] != '\n') {
        put(w, "\n", 2);
        if (w->failed) return NULL;
        w->length--; /* the NUL is not counted */
    }
    if (length) *length = w->length;
    return w->text;
}
