/* SPDX-License-Identifier: MIT
 *
 * Writes JSON that a person can read: one member a line, but a small object or list on one; numbers exact.
 */
#ifndef REEL_JSON_WRITE_H
#define REEL_JSON_WRITE_H

#include <reel/array.h>

#define JSON_DEPTH_LIMIT 64    /* objects and lists within each other */
#define JSON_COLUMNS 100       /* where lines of numbers are wrapped, and the most that stands on one line */
#define JSON_EXACT_INTEGER 53  /* integers up to 2^53 are numbers, larger ones texts: most readers have doubles */
#define JSON_BASE64_FROM 65536 /* tensors of more elements than this are base64 unless told otherwise */

typedef struct json_writer {
    reel_context *context;
    char *text;
    size_t length, capacity;
    size_t line; /* where the current line begins */
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
/* The elements as a list, row-major. */
void json_write_numbers(json_writer *w, const char *key, const reel_array *array);
/* {"dtype": "float32", "shape": [2, 8], "data": [...]}, or "base64": "..." of the little-endian bytes for "data". */
void json_write_tensor(json_writer *w, const char *key, const reel_array *array, bool base64);

#endif
