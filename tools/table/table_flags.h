/* SPDX-License-Identifier: MIT
 *
 * How a CSV file is read, as flags of the commands that take one.
 */
#ifndef TOOLS_TABLE_FLAGS_H
#define TOOLS_TABLE_FLAGS_H

#include "options.h"

typedef struct table_flags {
    const char *csv, *delimiter, *header, *missing; /* as typed, or NULL */
} table_flags;

#define TABLE_FLAG_ROWS 4
/* Rows for --csv, --delimiter, --header and --missing; the first is --csv. */
void table_flags_rows(table_flags *flags, option_row rows[TABLE_FLAG_ROWS]);
/* NULL, or what is wrong with what was typed, in memory that stays. */
const char *table_flags_check(const table_flags *flags);
/* Reads the table; NULL with the error kept. */
reel_table *table_flags_read(reel_context *context, const table_flags *flags);

/* A text as a CSV field, quoted where it must be. */
void csv_write_field(FILE *file, const char *text);
/* Text for a terminal: its width in columns, counting every character as one; and padded to `width`, or cut with a ~. */
int text_width(const char *text);
void print_padded(FILE *file, const char *text, int width);

#endif
