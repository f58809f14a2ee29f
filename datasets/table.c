/* SPDX-License-Identifier: MIT
 *
 * What a table is asked.
 */
#include "csv.h"
#include "table.h"

#include "io/number.h"

#include <math.h>
#include <reel/args.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- different texts ---- */

static bool grow_slots(reel_context *context, text_set *s)
{
    size_t room = s->slot_room ? 2 * s->slot_room : 16;
    int64_t *slots = memory_zero(context, NULL, "table_read", room * sizeof *slots);
    if (!slots) return false;
    for (int64_t i = 0; i < s->count; i++) {
        const char *text = text_set_at(s, i);
        size_t slot = XXH3_64bits(text, strlen(text)) & (room - 1);
        while (slots[slot]) slot = (slot + 1) & (room - 1);
        slots[slot] = i + 1;
    }
    memory_free(context, s->slots, s->slot_room * sizeof *slots);
    s->slots = slots;
    s->slot_room = room;
    return true;
}

/* Room for one more text. */
static bool grow_texts(reel_context *context, text_set *s, size_t length)
{
    if (s->count == s->count_room) {
        int64_t room = s->count_room ? 2 * s->count_room : 8;
        size_t *grown = memory_resize(context, NULL, "table_read", s->starts, (size_t)s->count_room * sizeof *grown,
                                      (size_t)room * sizeof *grown);
        if (!grown) return false;
        s->starts = grown;
        s->count_room = room;
    }
    if (s->used + length + 1 > s->room) {
        size_t room = 2 * (s->used + length + 1);
        char *grown = memory_resize(context, NULL, "table_read", s->bytes, s->room, room);
        if (!grown) return false;
        s->bytes = grown;
        s->room = room;
    }
    return 2 * (size_t)(s->count + 1) <= s->slot_room || grow_slots(context, s);
}

int64_t text_set_add(reel_context *context, text_set *s, const char *text, size_t length)
{
    uint64_t hash = XXH3_64bits(text, length);
    size_t slot = 0;
    for (int tries = 0; tries < 2; tries++) {
        slot = s->slot_room ? hash & (s->slot_room - 1) : 0;
        while (s->slot_room && s->slots[slot]) {
            const char *known = text_set_at(s, s->slots[slot] - 1);
            if (strncmp(known, text, length) == 0 && known[length] == '\0') return s->slots[slot] - 1;
            slot = (slot + 1) & (s->slot_room - 1);
        }
        if (tries == 0 && !grow_texts(context, s, length)) return -1;
    }
    s->starts[s->count] = s->used;
    memcpy(s->bytes + s->used, text, length);
    s->bytes[s->used + length] = '\0';
    s->used += length + 1;
    s->slots[slot] = s->count + 1;
    return s->count++;
}

void text_set_free(reel_context *context, text_set *s)
{
    memory_free(context, s->bytes, s->room);
    memory_free(context, s->starts, (size_t)s->count_room * sizeof *s->starts);
    memory_free(context, s->slots, s->slot_room * sizeof *s->slots);
    *s = (text_set){NULL, 0, 0, NULL, 0, 0, NULL, 0};
}

/* ---- fields ---- */

int table_number(const char *text, size_t length, double *value)
{
    const char *at = text, *end = text + length;
    number_status status = number_read_double(&at, end, value);
    if (status == NUMBER_BAD || at != end || isnan(*value)) return 0;
    return status == NUMBER_OK && isfinite(*value) ? 1 : -1;
}

reel_status table_fault(const char *site, const reel_table *t, reel_status status, int64_t line, int column,
                        const char *format, ...)
{
    char sentence[ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    char quoted[CSV_QUOTE_SIZE];
    const char *name = column >= 0 && column < t->columns ? t->column[column].name : NULL;
    if (name) name = csv_quote(quoted, name, strlen(name));
    return reel_error_set(t->object.context, status, site, NULL, "%s: line %lld, column %d%s%s%s: %s", t->path,
                          (long long)line, column + 1, name ? " (\"" : "", name ? name : "", name ? "\")" : "",
                          sentence);
}

/* The shortest decimal, a whole number without point. */
static char *category_of_number(double value, char number[CATEGORY_NUMBER])
{
    if (value == floor(value) && fabs(value) < 1e15)
        snprintf(number, CATEGORY_NUMBER, "%.0f", value == 0 ? 0.0 : value);
    else
        number_print_double(number, value);
    return number;
}

const char *table_category(const reel_table *t, int64_t row, int column, char number[CATEGORY_NUMBER])
{
    double cell = table_cell(t, row, column);
    if (isnan(cell)) return NULL;
    if (t->column[column].is_text) return text_set_at(&t->column[column].texts, (int64_t)cell);
    return category_of_number(cell, number);
}

/* ---- what a table is asked ---- */

void reel_table_free(reel_table *table)
{
    object_free(table);
}

int64_t reel_table_rows(const reel_table *t)
{
    return t ? t->rows : 0;
}

int reel_table_columns(const reel_table *t)
{
    return t ? t->columns : 0;
}

const char *reel_table_path(const reel_table *t)
{
    return t ? t->path : "";
}

char reel_table_delimiter(const reel_table *t)
{
    return t ? t->delimiter : ',';
}

bool reel_table_has_header(const reel_table *t)
{
    return t && t->has_header;
}

const char *reel_table_name(const reel_table *t, int index)
{
    return t && index >= 0 && index < t->columns ? t->column[index].name : NULL;
}

static const char *name_at(const void *table, int index)
{
    return reel_table_name(table, index);
}

int reel_table_find(const char *site, const reel_table *t, const char *name)
{
    if (!t) return -1;
    for (int i = 0; name && i < t->columns; i++)
        if (strcmp(t->column[i].name, name) == 0) return i;
    if (name && *name && strspn(name, "0123456789") == strlen(name) && strlen(name) < 9) {
        long number = strtol(name, NULL, 10);
        if (number >= 1 && number <= t->columns) return (int)number - 1;
        reel_error_set(t->object.context, REEL_NOT_FOUND, site, NULL, "%s: there is no column %ld, there are %d",
                       t->path, number, t->columns);
        return -1;
    }
    const char *near = name ? reel_nearest_name(name, name_at, t) : NULL;
    char quoted[2][CSV_QUOTE_SIZE], list[256] = "";
    size_t used = 0;
    for (int i = 0; !near && i < t->columns && used < sizeof list - 1; i++) {
        int n = snprintf(list + used, sizeof list - used, "%s\"%s\"", i ? ", " : "; there are ",
                         csv_quote(quoted[0], t->column[i].name, strlen(t->column[i].name)));
        used = n > 0 && (size_t)n < sizeof list - used ? used + (size_t)n : sizeof list - 1;
    }
    if (near) snprintf(list, sizeof list, "; did you mean \"%s\"?", csv_quote(quoted[0], near, strlen(near)));
    reel_error_set(t->object.context, REEL_NOT_FOUND, site, NULL, "%s: there is no column \"%s\"%s", t->path,
                   name ? csv_quote(quoted[1], name, strlen(name)) : "", list);
    return -1;
}

static bool is_field(const reel_table *t, int64_t row, int column)
{
    return t && row >= 0 && row < t->rows && column >= 0 && column < t->columns;
}

reel_column_kind reel_table_kind(const reel_table *t, int column)
{
    if (!is_field(t, 0, column) || t->column[column].filled == 0) return REEL_COLUMN_EMPTY;
    return t->column[column].is_text ? REEL_COLUMN_TEXTS : REEL_COLUMN_NUMBERS;
}

double reel_table_number(const reel_table *t, int64_t row, int column)
{
    return is_field(t, row, column) && !t->column[column].is_text ? table_cell(t, row, column) : NAN;
}

int64_t reel_table_code(const reel_table *t, int64_t row, int column)
{
    if (!is_field(t, row, column) || !t->column[column].is_text) return -1;
    double cell = table_cell(t, row, column);
    return isnan(cell) ? -1 : (int64_t)cell;
}

const char *reel_table_text(const reel_table *t, int64_t row, int column)
{
    int64_t code = reel_table_code(t, row, column);
    return code < 0 ? NULL : text_set_at(&t->column[column].texts, code);
}

bool reel_table_missing(const reel_table *t, int64_t row, int column)
{
    return !is_field(t, row, column) || isnan(table_cell(t, row, column));
}

int64_t reel_table_line(const reel_table *t, int64_t row)
{
    return t && row >= 0 && row < t->rows ? t->lines[row] : 0;
}
