/* SPDX-License-Identifier: MIT
 *
 * Lines of JSON as they are made, piece by piece, in memory that is there before.
 */
#ifndef REEL_TRAIN_TEXT_ROWS_H
#define REEL_TRAIN_TEXT_ROWS_H

#include <stddef.h>
#include <stdint.h>

typedef struct text_rows {
    char *text;
    size_t count, room;
    size_t whole; /* length of the lines that are complete */
} text_rows;

#define TEXT_NUMBER 32 /* the most that a number takes */

void text_put(text_rows *to, const char *text);
/* `before`, and a float or an integer. */
void text_put_number(text_rows *to, const char *before, double x);
void text_put_integer(text_rows *to, const char *before, int64_t x);
/* "name", with whatever has to be escaped: at most 6 times its length and 2. */
void text_put_name(text_rows *to, const char *name);

#endif
