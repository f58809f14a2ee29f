/* SPDX-License-Identifier: MIT
 *
 * Writes JSON that a person can read: one member a line, but a small object or list on one; numbers exact.
 */
#ifndef REEL_JSON_WRITE_H
#define REEL_JSON_WRITE_H

#include <reel/array.h>

#define JSON_DEPTH_LIMIT 64   /* objects and lists within each other */
#define JSON_COLUMNS 100      /* where lines of numbers are wrapped, and the most that stands on one line */
#define JSON_EXACT_INTEGER 53 /* integers up to 2^53 are numbers, larger ones texts: most readers have doubles */

struct draft;

typedef struct json_writer {
    reel_context *context;
    char *text;
    size_t length, capacity;
    size_t line;         /* where the current line begins */
    size_t fixed;        /* lines up to here are not joined */
    struct draft *draft; /* holds large tensors until the document is written (draft.h); NULL: none */
    int indent, depth;
    bool failed;
    struct json_open {
        size_t start, line; /* of its bracket */
        bool list, empty;
    } open[JSON_DEPTH_LIMIT];
} json_writer;

/* `indent`: blanks a level, 0 to 8. A failure (no memory, a text that is not UTF-8, calls that do not make JSON) is
 * kept in the context and makes everything after it do nothing. Free with json_writer_free. */
void json_writer_init(json_writer *w, reel_context *context, int indent);
void json_writer_free(json_writer *w);
/* Begins a new document in the same memory. */
void json_writer_again(json_writer *w);
/* After a failure? */
bool json_writer_stopped(const json_writer *w);
/* The finished text, with a closing newline and NUL; it belongs to the writer. NULL after a failure, or when something
 * is still open (an error). */
const char *json_writer_text(json_writer *w, size_t *length);

/* One value each. `key`: its name within an object; NULL in a list and for the outermost value. */
void json_write_object_begin(json_writer *w, const char *key);
void json_write_object_end(json_writer *w);
void json_write_list_begin(json_writer *w, const char *key);
void json_write_list_end(json_writer *w);
void json_write_null(json_writer *w, const char *key);
void json_write_bool(json_writer *w, const char *key, bool value);
void json_write_int64(json_writer *w, const char *key, int64_t value);
void json_write_uint64(json_writer *w, const char *key, uint64_t value);
void json_write_double(json_writer *w, const char *key, double value);
void json_write_text(json_writer *w, const char *key, const char *value); /* NULL: null */
/* The same text alone, NUMBER_TEXT_SIZE bytes at most; returns its length. */
size_t json_print_int64(char *text, int64_t value);
/* The elements as a list, row-major. */
void json_write_numbers(json_writer *w, const char *key, const reel_array *array);
/* {"dtype": "float32", "shape": [2, 8], "data": [...]}, or "base64": "..." of the little-endian bytes for "data". */
void json_write_tensor(json_writer *w, const char *key, const reel_array *array, bool base64);

/* The text of an array's elements, without brackets or quotes, in as many pieces as it takes. */
typedef struct json_array_text {
    const void *data;
    int64_t size;
    reel_dtype dtype;
    bool base64;
    size_t column, blanks; /* decimals: where on its line the next one stands; before those of a new line */
    int64_t next;          /* element to come; of base64: byte */
} json_array_text;

/* A piece needs at least this room; the indentation of 64 levels is in it. */
#define JSON_ARRAY_ROOM 640

/* `column`: of the first element; `blanks`: at the beginning of a line. */
json_array_text json_array_start(const reel_array *array, bool base64, size_t column, size_t blanks);
bool json_array_ended(const json_array_text *t);
/* Writes the next elements to text, at most `room` bytes. Returns their length. */
size_t json_array_print(json_array_text *t, char *text, size_t room);

#endif
