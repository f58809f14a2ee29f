/* SPDX-License-Identifier: MIT
 *
 * JSON writer.
 */
#include "io/json_write.h"

#include "core/core.h"
#include "io/base64.h"
#include "io/draft.h"
#include "io/number_float.h"
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

void json_writer_again(json_writer *w)
{
    w->length = w->line = w->fixed = 0;
    w->depth = 0;
    w->failed = false;
}

bool json_writer_stopped(const json_writer *w)
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
    if (json_writer_stopped(w)) return false;
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
    if (json_writer_stopped(w)) return;
    if (w->depth == 0 || w->open[w->depth - 1].list != list) {
        refuse(w, list ? "the end of a list that is not open" : "the end of an object that is not open", NULL);
        return;
    }
    struct json_open open = w->open[--w->depth];
    bool movable = w->depth > 0 && open.start >= w->fixed;
    bool one_line = open.empty || (movable && join_lines(w, open.start, open.line));
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

size_t json_print_int64(char *text, int64_t value)
{
    const int64_t limit = (int64_t)1 << JSON_EXACT_INTEGER;
    return print_integer(text, value >= -limit && value <= limit, value < 0 ? value : 0, (uint64_t)value);
}

void json_write_int64(json_writer *w, const char *key, int64_t value)
{
    char text[NUMBER_TEXT_SIZE];
    if (begin_value(w, key)) put(w, text, json_print_int64(text, value));
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

static inline size_t print_element(char *text, const json_array_text *t, int64_t i)
{
    switch (t->dtype) {
    case REEL_FLOAT: return number_print_float(text, ((const float *)t->data)[i]);
    case REEL_DOUBLE: return number_print_double(text, ((const double *)t->data)[i]);
    case REEL_INT64: return json_print_int64(text, ((const int64_t *)t->data)[i]);
    case REEL_UINT8: return number_print_uint64(text, ((const uint8_t *)t->data)[i]);
    }
    return 0;
}

json_array_text json_array_start(const reel_array *array, bool base64, size_t column, size_t blanks)
{
    json_array_text t = {.data = array ? array->data : NULL, .base64 = base64, .column = column, .blanks = blanks};
    if (!t.data) return t;
    t.dtype = array->dtype;
    t.size = array->size;
    return t;
}

#define PRINTED_AT_ONCE 64

/* Room for a decimal with the separator before it. */
static size_t decimal_room(const json_array_text *t)
{
    return NUMBER_TEXT_SIZE + t->blanks + 4;
}

/* Floats behind the first element, to one that does not go into 16 letters: with no branch on how long a number is or
 * whether it begins a line. The separator is a comma, a newline or blank, and blanks, of which the number covers those
 * that are too many. In two loops, so that the processor can work on several numbers at a time: all there is to do for
 * one is more than it looks ahead. Returns how much was written. */
static size_t print_floats(json_array_text *t, char *text, size_t room)
{
    const uint64_t blanks = 0x2020202020202020, comma = ' ' ^ ',', newline = (uint64_t)(' ' ^ '\n') << 8;
    const float *data = (const float *)t->data + t->next;
    uint32_t bits[PRINTED_AT_ONCE];
    number_digits digits[PRINTED_AT_ONCE];
    size_t i, fit = room / decimal_room(t), left = (size_t)(t->size - t->next);
    size_t column = t->column, line = t->blanks, count = left < PRINTED_AT_ONCE ? left : PRINTED_AT_ONCE;
    if (count > fit) count = fit;
    memcpy(bits, data, count * sizeof *bits);
    for (i = number_digits_avx2(bits, count, digits); i < count; i++) digits[i] = number_float_digits(bits[i]);
    char *at = text;
    for (i = 0; i < count; i++) {
        number_letters letters = number_float_letters(digits[i]);
        if (letters.length == 0) break;
        size_t negative = bits[i] >> 31, n = letters.length + negative;
        bool wrap = column + 2 + n + 1 > JSON_COLUMNS;
        size_t gap = wrap ? 2 + line : 2;
        number_store(at, blanks ^ comma ^ (wrap ? newline : 0));
        number_store(at + 8, blanks);
        at[gap] = '-';
        number_store(at + gap + negative, letters.low);
        number_store(at + gap + negative + 8, letters.high);
        at += gap + n;
        column = wrap ? line + n : column + 2 + n;
    }
    t->next += (int64_t)i;
    t->column = column;
    return (size_t)(at - text);
}

/* One element with its separator, which is decided when the length of the number is known. */
static size_t print_decimal(json_array_text *t, char *text)
{
    size_t gap = t->next ? 2 : 0, n = print_element(text + gap, t, t->next);
    t->next++;
    if (gap && t->column + gap + n + 1 > JSON_COLUMNS) {
        memmove(text + 2 + t->blanks, text + gap, n);
        memcpy(text, ",\n", 2);
        memset(text + 2, ' ', t->blanks);
        t->column = t->blanks + n;
        return 2 + t->blanks + n;
    }
    memcpy(text, ", ", gap);
    t->column += gap + n;
    return gap + n;
}

static size_t print_decimals(json_array_text *t, char *text, size_t room)
{
    size_t length = 0, most = decimal_room(t);
    bool floats = t->dtype == REEL_FLOAT && t->blanks <= 14;
    while (t->next < t->size && room - length >= most) {
        size_t n = floats && t->next ? print_floats(t, text + length, room - length) : 0;
        length += n ? n : print_decimal(t, text + length);
    }
    return length;
}

/* Whole groups of three bytes and of elements, but for the last piece. */
static size_t print_base64(json_array_text *t, char *text, size_t room)
{
    size_t element = element_size(t->dtype), size = (size_t)t->size * element, done = (size_t)t->next;
    size_t n = room / 4 * 3 / 24 * 24;
    if (n > size - done) n = size - done;
    t->next += (int64_t)n;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint8_t block[3 * 1024];
    for (size_t from = 0; from < n; from += sizeof block) {
        size_t part = n - from < sizeof block ? n - from : sizeof block;
        for (size_t i = 0; i < part; i++) /* the bytes of each element in reverse */
            block[i] = ((const uint8_t *)t->data)[done + from + i / element * element + element - 1 - i % element];
        base64_encode(text + from / 3 * 4, block, part);
    }
#else
    base64_encode(text, (const char *)t->data + done, n);
#endif
    return base64_encoded_size(n);
}

bool json_array_ended(const json_array_text *t)
{
    return t->next == (t->base64 ? t->size * (int64_t)element_size(t->dtype) : t->size);
}

size_t json_array_print(json_array_text *t, char *text, size_t room)
{
    return t->base64 ? print_base64(t, text, room) : print_decimals(t, text, room);
}

/* The elements between their brackets or quotes, now, or (a draft's) when the document is written. */
static void put_array(json_writer *w, const reel_array *array, bool base64, bool held)
{
    put(w, base64 ? "\"" : "[", 1);
    json_array_text t = json_array_start(array, base64, w->length - w->line, (size_t)(w->indent * (w->depth + 1)));
    if (held && w->draft && t.size >= DRAFT_HELD) {
        draft_hold(w->draft, &t);
    } else {
        while (!json_array_ended(&t) && !w->failed) {
            int64_t left = t.size - t.next / (base64 ? (int64_t)element_size(t.dtype) : 1);
            size_t room = JSON_ARRAY_ROOM + (size_t)(left < 256 ? left : 256) * NUMBER_TEXT_SIZE;
            if (reserve(w, room)) w->length += json_array_print(&t, w->text + w->length, room);
        }
        w->line = w->length - t.column;
    }
    put(w, base64 ? "\"" : "]", 1);
}

void json_write_numbers(json_writer *w, const char *key, const reel_array *array)
{
    if (begin_value(w, key)) put_array(w, array, false, false);
}

void json_write_tensor(json_writer *w, const char *key, const reel_array *array, bool base64)
{
    if (json_writer_stopped(w)) return;
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
    if (!w->failed) put_array(w, array, base64, true);
    put(w, "}", 1);
}

const char *json_writer_text(json_writer *w, size_t *length)
{
    if (length) *length = 0;
    if (json_writer_stopped(w)) return NULL;
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
