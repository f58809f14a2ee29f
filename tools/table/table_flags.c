/* SPDX-License-Identifier: MIT
 *
 * How a CSV file is read, as flags.
 */
#include "table/table_flags.h"

#include <string.h>

void table_flags_rows(table_flags *f, option_row rows[TABLE_FLAG_ROWS])
{
    const option_row all[TABLE_FLAG_ROWS] = {
        {"csv", "FILE", "The table: a CSV file in UTF-8.", .word = &f->csv},
        {"delimiter", "C", "What separates fields: a character, or tab; default: found out among , ; tab and |.",
         .word = &f->delimiter},
        {"header", "yes|no|auto",
         "Whether the first line has the names; default auto: when no field of it is a number. Without names columns "
         "are "
         "column1, column2, ...",
         .word = &f->header},
        {"missing", "TEXT[,TEXT...]",
         "Further texts that stand for a missing value, besides nothing, NA, N/A, ?, nan and null.",
         .word = &f->missing},
    };
    memcpy(rows, all, sizeof all);
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0) return true;
    return false;
}

const char *table_flags_check(const table_flags *f)
{
    static const char *const headers[] = {"yes", "no", "auto", NULL};
    static char sentence[160];
    bool tab = f->delimiter && (strcmp(f->delimiter, "tab") == 0 || strcmp(f->delimiter, "\\t") == 0);
    if (f->delimiter && !tab && strlen(f->delimiter) != 1) {
        snprintf(sentence, sizeof sentence, "--delimiter: found \"%.40s\", expected one character, or tab",
                 f->delimiter);
        return sentence;
    }
    if (f->header && !is_one_of(f->header, headers)) {
        snprintf(sentence, sizeof sentence, "--header: found \"%.40s\", expected yes, no or auto", f->header);
        return sentence;
    }
    return NULL;
}

reel_table *table_flags_read(reel_context *context, const table_flags *f)
{
    reel_csv_options o = {.missing = f->missing};
    if (f->delimiter) o.delimiter = f->delimiter[1] ? '\t' : f->delimiter[0];
    if (f->header)
        o.header = strcmp(f->header, "yes") == 0  ? REEL_HEADER_YES
                   : strcmp(f->header, "no") == 0 ? REEL_HEADER_NO
                                                  : REEL_HEADER_AUTO;
    return reel_table_read(NULL, context, f->csv, &o);
}

void csv_write_field(FILE *file, const char *text)
{
    size_t length = strlen(text);
    bool quoted = strpbrk(text, ",\"\r\n") || (length && (strchr(" \t", text[0]) || strchr(" \t", text[length - 1])));
    if (quoted) fputc('"', file);
    for (; *text; text++) {
        if (*text == '"') fputc('"', file);
        fputc(*text, file);
    }
    if (quoted) fputc('"', file);
}

int text_width(const char *text)
{
    int width = 0;
    for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void print_padded(FILE *file, const char *text, int width)
{
    int all = text_width(text), most = all <= width ? all : width - 1, shown = 0;
    for (; *text && shown <= most; text++) {
        shown += ((unsigned char)*text & 0xc0) != 0x80;
        if (shown <= most) fputc(*text, file);
    }
    if (all > width) fputc('~', file);
    for (int i = all; i < width; i++) fputc(' ', file);
}
