/* SPDX-License-Identifier: MIT
 *
 * Inside of a table.
 */
#ifndef DATASETS_TABLE_H
#define DATASETS_TABLE_H

#include "core/core.h"

#include <reel/table.h>

/* Different texts, numbered in the order in which they come up. */
typedef struct text_set {
    char *bytes; /* one after the other, each with its NUL */
    size_t used, room;
    size_t *starts; /* (count_room) */
    int64_t count, count_room;
    int64_t *slots; /* (slot_room): numbers + 1 by hash, 0 where free; a power of 2 */
    size_t slot_room;
} text_set;

/* The number of a text, which is added when it is new; -1 without memory. */
int64_t text_set_add(reel_context *context, text_set *set, const char *text, size_t length);
static inline const char *text_set_at(const text_set *set, int64_t number)
{
    return set->bytes + set->starts[number];
}
void text_set_free(reel_context *context, text_set *set);

typedef struct table_column {
    char *name;
    bool is_text;
    bool mixed;     /* numbers came before the first text: its fields are read again */
    int64_t filled; /* fields that are not missing */
    text_set texts;
} table_column;

struct reel_table {
    reel_object object;
    char *path;
    char delimiter;
    bool has_header;
    int columns;
    table_column *column;
    int64_t rows, room, lines_room;
    double *cells;  /* (rows, columns): a number, or which text; NaN: missing */
    int64_t *lines; /* (rows) the line that each begins in */
};

static inline double table_cell(const reel_table *t, int64_t row, int column)
{
    return t->cells[row * t->columns + column];
}

/* All of `text` as a number: 1 yes, 0 no, -1 one out of the range of doubles or infinite. */
int table_number(const char *text, size_t length, double *value);
/* `iris.csv: line 3, column 2 ("name"): ` sentence, with REEL_BAD_FILE; column from 0. Returns the status. */
reel_status table_fault(const char *site, const reel_table *t, reel_status status, int64_t line, int column,
                        const char *format, ...) REEL_PRINTF(6, 7);
/* The text of a field as a category: that of a column of texts, or a number as its shortest decimal. `number` is used
 * for it. NULL: missing. */
#define CATEGORY_NUMBER 32
const char *table_category(const reel_table *t, int64_t row, int column, char number[CATEGORY_NUMBER]);

#endif
