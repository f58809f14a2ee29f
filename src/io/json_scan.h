/* SPDX-License-Identifier: MIT
 *
 * The scan of a JSON text that precedes cJSON.
 */
#ifndef REEL_JSON_SCAN_H
#define REEL_JSON_SCAN_H

#include "core/core.h"

/* What is known of all numbers of a list: that they have no exponents but negative ones and at most 30 characters, which
 * is within the range of float32; or at most 62, within that of float64; or nothing. */
enum { JSON_SHORT, JSON_MEDIUM, JSON_ANY_LENGTH };

/* What stays in the text: [begin, end), brackets and quotes included. count: elements of a list of numbers, or one of
 * the following. */
#define SPAN_NUMBER (-1)
#define SPAN_TEXT (-2)
typedef struct json_span {
    size_t begin, end;
    int64_t count;
    int length; /* of the numbers of a list */
} json_span;

/* A growing array in context memory. */
typedef struct json_buffer {
    void *items;
    size_t count, capacity, item_size;
} json_buffer;

/* Checks the whole text and writes it anew to `rewritten` (chars), without blanks and with the index of a span in place
 * of each number, list of numbers and long text. So every number of the rewritten text is an index into `spans`. */
typedef struct json_scan {
    reel_context *context;
    const char *site, *name;
    const char *text, *end;
    json_buffer rewritten, spans;
    json_buffer keys; /* of the objects that are open */
    json_buffer scratch;
    int depth;
} json_scan;

bool json_scan_text(json_scan *scan);
void json_scan_free(json_scan *scan);
void json_buffer_free(reel_context *context, json_buffer *buffer);

/* Behind the closing quote of the text whose opening quote is at `text`, known to be good. */
const char *json_skip_text(const char *text);
/* Behind blanks. */
const char *json_skip_blanks(const char *text, const char *end);
/* Behind numbers of a list, each with the comma behind it, from blanks or the first of them at `text`: as many as can be
 * judged together. Counts them and raises *length, one of the enumeration above, when some are longer. */
const char *json_skip_numbers(const char *text, const char *end, int64_t *count, int *length);
/* nan, inf or -inf in quotes at `text`: what follows, or NULL. */
const char *json_skip_word(const char *text, const char *end);

#endif
