/* SPDX-License-Identifier: MIT
 *
 * CSV, field by field.
 */
#ifndef DATASETS_CSV_H
#define DATASETS_CSV_H

#include "core/core.h"

typedef struct csv_field {
    const char *text; /* in the file, without quotes and blanks around */
    size_t length;
    bool doubled; /* it has quotes that stand twice for one */
    int64_t line; /* that it begins in, from 1 */
    bool last;    /* of its row */
} csv_field;

/* What the file has instead of a good field. */
typedef enum csv_fault { CSV_FINE, CSV_OPEN_QUOTE, CSV_BEHIND_QUOTE, CSV_BAD_BYTE, CSV_NUL } csv_fault;

typedef struct csv_scan {
    const char *at, *end;
    const char *bad; /* the first byte that no text has, or `end` */
    int64_t line;
    bool stops[256]; /* bytes that end a field without quotes */
    char delimiter;
    csv_fault fault;
    char byte; /* of CSV_BEHIND_QUOTE and CSV_BAD_BYTE */
} csv_scan;

/* The first byte of a text that is NUL or no UTF-8, or `end`. */
const char *csv_bad_byte(const char *text, const char *end);
/* Starts behind a byte order mark. `bad` as csv_bad_byte says. */
void csv_start(csv_scan *s, const char *text, const char *end, const char *bad, char delimiter);
/* The next field; false at the end, and at a fault, which is then in `s->fault` with the field's place in *f. */
bool csv_next(csv_scan *s, csv_field *f);
/* Goes past empty lines; false when there is nothing behind them. */
bool csv_row(csv_scan *s);
/* The field's bytes as they are meant, without a NUL, at `to`, which has room for f->length; returns how many. */
size_t csv_copy(const csv_field *f, char *to);

/* The delimiter that the first lines suggest. */
char csv_guess(const char *text, const char *end, const char *bad);

/* A text for a sentence: cut after 40 bytes, control characters as '.'. */
#define CSV_QUOTE_SIZE 64
char *csv_quote(char quoted[CSV_QUOTE_SIZE], const char *text, size_t length);

#endif
