/* SPDX-License-Identifier: MIT
 *
 * What is in a table, column by column.
 */
#ifndef TOOLS_DESCRIBE_H
#define TOOLS_DESCRIBE_H

#include "output.h"

#define BINS 12

typedef struct value_count {
    const char *text; /* the table's, or `number` printed */
    double number;    /* of texts: 1 when it is one */
    int64_t rows;
} value_count;

typedef struct column_facts {
    const char *name;
    reel_column_kind kind;
    int64_t rows, missing;
    int64_t distinct;
    bool constant;
    /* of numbers; deviation over n - 1, quartiles by linear interpolation, outliers beyond 1.5 times their distance */
    double least, most, mean, deviation, quartiles[3];
    int64_t outliers;
    double fences[2];
    int64_t histogram[BINS]; /* equal parts from least to most */
    bool whole;              /* every number is */
    /* of texts, the most frequent first; of numbers with at most 20 different ones, by value. NULL: others */
    value_count *values;
    int64_t numbers, first_text_line; /* of texts: fields that are numbers, and the line of the first that is not */
} column_facts;

/* False: no memory. Free in any case. */
bool column_describe(column_facts *facts, const reel_table *table, int column);
void column_facts_free(column_facts *facts);

/* Rows that are the same as an earlier one in every column, and rows that are the same as others in every column but
 * `target` (-1: not looked for) and differ in that, where it is there. False: no memory. */
bool table_duplicates(const reel_table *table, int target, int64_t *duplicates, int64_t *contradictions);

#endif
