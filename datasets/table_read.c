/* SPDX-License-Identifier: MIT
 *
 * From the text of a file to the cells of a table. A column is taken for one of numbers until a text is found in it;
 * the fields of one that had numbers before are read again at the end, once for all such columns.
 */
#include "csv.h"
#include "table.h"

#include "io/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MOST_BYTES ((size_t)1 << 30)

static const char who[] = "table_read";

typedef struct reader {
    const char *site;
    reel_context *context;
    reel_table *table;
    reel_csv_options options;
    const char *text, *end, *bad;
    char *scratch; /* a field with doubled quotes, as it is meant */
    size_t scratch_room;
} reader;

static void table_destroy(reel_object *object)
{
    reel_table *t = (reel_table *)object;
    reel_context *context = object->context;
    for (int i = 0; t->column && i < t->columns; i++) {
        memory_string_free(context, t->column[i].name);
        text_set_free(context, &t->column[i].texts);
    }
    memory_free(context, t->column, (size_t)t->columns * sizeof *t->column);
    memory_free(context, t->cells, (size_t)t->room * (size_t)t->columns * sizeof *t->cells);
    memory_free(context, t->lines, (size_t)t->lines_room * sizeof *t->lines);
    memory_string_free(context, t->path);
    object_release(object, sizeof *t);
}

/* ---- fields ---- */

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* A text that the caller has named, which may be a number. */
static bool is_named_missing(const reader *r, const char *text, size_t length)
{
    for (const char *m = r->options.missing; m && *m;) {
        size_t word = strcspn(m, ",");
        if (word == length && memcmp(m, text, length) == 0) return true;
        m += word + (m[word] == ',');
    }
    return false;
}

static bool is_missing(const reader *r, const char *text, size_t length)
{
    if (length == 0) return true;
    if (length == 1 && *text == '?') return true;
    if (length == 2 && memcmp(text, "NA", 2) == 0) return true;
    if (length == 3 && (memcmp(text, "N/A", 3) == 0 || is_word(text, length, "nan"))) return true;
    return is_word(text, length, "null") || is_named_missing(r, text, length);
}

/* The bytes of a field as they are meant; NULL without memory. */
static const char *meant(reader *r, const csv_field *f, size_t *length)
{
    *length = f->length;
    if (!f->doubled) return f->text;
    if (f->length > r->scratch_room) {
        size_t room = 2 * f->length;
        char *grown = memory_resize(r->context, r->site, who, r->scratch, r->scratch_room, room);
        if (!grown) return NULL;
        r->scratch = grown;
        r->scratch_room = room;
    }
    *length = csv_copy(f, r->scratch);
    return r->scratch;
}

/* What the scanner stumbled over. */
static void refuse(const reader *r, const csv_scan *s, const csv_field *f, int column)
{
    const reel_table *t = r->table;
    if (s->fault == CSV_OPEN_QUOTE)
        table_fault(r->site, t, REEL_BAD_FILE, f->line, column,
                    "found a quote that is not closed, expected a second one before the end of the file");
    else if (s->fault == CSV_BEHIND_QUOTE)
        table_fault(r->site, t, REEL_BAD_FILE, s->line, column,
                    "found \"%c\" behind the closing quote, expected a delimiter or the end of the line",
                    (uint8_t)s->byte < 0x20 || (uint8_t)s->byte > 0x7e ? '.' : s->byte);
    else if (s->fault == CSV_BAD_BYTE)
        table_fault(r->site, t, REEL_BAD_FILE, f->line, column,
                    "found the byte 0x%02x, which is no UTF-8, expected a text in UTF-8", (unsigned)(uint8_t)s->byte);
    else
        table_fault(r->site, t, REEL_BAD_FILE, f->line, column, "found a NUL byte, expected a text");
}

/* ---- rows ---- */

static bool grow_rows(reader *r)
{
    reel_table *t = r->table;
    if (t->rows < t->lines_room) return true;
    int64_t room = t->room ? 2 * t->room : 64;
    size_t width = (size_t)t->columns * sizeof *t->cells;
    if ((size_t)room > ((size_t)1 << 60) / width) {
        reel_error_set(r->context, REEL_NO_MEMORY, r->site, who, "%s has too many rows", t->path);
        return false;
    }
    double *cells = memory_resize(r->context, r->site, who, t->cells, (size_t)t->room * width, (size_t)room * width);
    if (!cells) return false;
    t->cells = cells;
    t->room = room;
    int64_t *lines = memory_resize(r->context, r->site, who, t->lines, (size_t)t->lines_room * sizeof *lines,
                                   (size_t)room * sizeof *lines);
    if (!lines) return false;
    t->lines = lines;
    t->lines_room = room;
    return true;
}

/* A field of a column of texts. */
static bool take_text(reader *r, int column, const char *text, size_t length, double *cell)
{
    int64_t code = text_set_add(r->context, &r->table->column[column].texts, text, length);
    *cell = (double)code;
    return code >= 0;
}

static bool take_field(reader *r, const csv_field *f, int column, double *cell)
{
    reel_table *t = r->table;
    table_column *c = &t->column[column];
    size_t length;
    const char *text = meant(r, f, &length);
    if (!text) return false;
    *cell = NAN;
    if (r->options.missing && is_named_missing(r, text, length)) return true;
    int number = c->is_text ? 0 : table_number(text, length, cell);
    if (number == 1) {
        c->filled++;
        return true;
    }
    *cell = NAN;
    if (is_missing(r, text, length)) return true;
    if (number < 0) {
        char quote[CSV_QUOTE_SIZE];
        table_fault(r->site, t, REEL_BAD_FILE, f->line, column,
                    "found \"%s\", expected a finite number of at most 1.8e308", csv_quote(quote, text, length));
        return false;
    }
    if (!c->is_text) {
        c->is_text = true;
        c->mixed = c->filled > 0;
    }
    c->filled++;
    return c->mixed || take_text(r, column, text, length, cell);
}

/* The fields of a row; `again`: only those of mixed columns are wanted. */
static bool take_row(reader *r, csv_scan *s, double *cells, bool again)
{
    reel_table *t = r->table;
    csv_field f = {.last = false};
    int64_t line = s->line;
    int column = 0;
    for (; !f.last; column++) {
        if (!csv_next(s, &f)) return refuse(r, s, &f, column), false;
        if (column >= t->columns) continue; /* counted, and refused below */
        if (!again) {
            if (!take_field(r, &f, column, &cells[column])) return false;
        } else if (t->column[column].mixed) {
            size_t length;
            const char *text = meant(r, &f, &length);
            if (!text) return false;
            cells[column] = NAN;
            if (!is_missing(r, text, length) && !take_text(r, column, text, length, &cells[column])) return false;
        }
    }
    if (column == t->columns) return true;
    if (column < t->columns)
        table_fault(r->site, t, REEL_BAD_FILE, line, column,
                    "found the end of the line after %d field%s, expected %d fields as in the first line", column,
                    column == 1 ? "" : "s", t->columns);
    else
        table_fault(r->site, t, REEL_BAD_FILE, line, t->columns,
                    "found %d fields in the line, expected %d as in the first line", column, t->columns);
    return false;
}

static bool take_rows(reader *r, csv_scan s)
{
    reel_table *t = r->table;
    bool mixed = false;
    csv_scan start = s;
    while (csv_row(&s)) {
        if (!grow_rows(r)) return false;
        t->lines[t->rows] = s.line;
        if (!take_row(r, &s, t->cells + t->rows * t->columns, false)) return false;
        t->rows++;
    }
    for (int i = 0; i < t->columns; i++) mixed |= t->column[i].mixed;
    for (int64_t row = 0; mixed && row < t->rows && csv_row(&start); row++)
        if (!take_row(r, &start, t->cells + row * t->columns, true)) return false;
    return true;
}

/* ---- the first line ---- */

/* Counts the fields of the first row, and those of them that are numbers; false after a fault. */
static bool look_at_first(reader *r, csv_scan s, int *numbers)
{
    reel_table *t = r->table;
    csv_field f = {.last = false};
    int columns = 0;
    for (*numbers = 0; !f.last; columns++) {
        double value;
        if (!csv_next(&s, &f)) return refuse(r, &s, &f, columns), false;
        *numbers += table_number(f.text, f.length, &value) != 0;
        if (columns == 1 << 20) {
            table_fault(r->site, t, REEL_BAD_FILE, f.line, columns, "found more columns, expected %d at most", columns);
            return false;
        }
    }
    t->column = memory_zero(r->context, r->site, who, (size_t)columns * sizeof *t->column);
    if (t->column) t->columns = columns;
    return t->column != NULL;
}

static bool name_column(reader *r, int column, const csv_field *f)
{
    char number[32];
    size_t length = 0;
    const char *text = f ? meant(r, f, &length) : "";
    if (!text) return false;
    if (length == 0) {
        snprintf(number, sizeof number, "column%d", column + 1);
        return (r->table->column[column].name = memory_string(r->context, r->site, who, number)) != NULL;
    }
    char *name = memory_new(r->context, r->site, who, length + 1);
    if (!name) return false;
    memcpy(name, text, length);
    name[length] = '\0';
    r->table->column[column].name = name;
    return true;
}

/* No name twice. */
static bool check_names(reader *r, int64_t line)
{
    reel_table *t = r->table;
    text_set names = {NULL, 0, 0, NULL, 0, 0, NULL, 0};
    bool right = true;
    for (int i = 0; i < t->columns && right; i++) {
        const char *name = t->column[i].name;
        int64_t number = text_set_add(r->context, &names, name, strlen(name));
        right = number == i;
        if (!right && number >= 0)
            table_fault(r->site, t, REEL_BAD_FILE, line, i,
                        "found the name of column %lld again, expected names that differ%s", (long long)number + 1,
                        r->options.header == REEL_HEADER_AUTO ? " (or a table without names: header no)" : "");
    }
    text_set_free(r->context, &names);
    return right;
}

/* Reads the names, or gives them; *s then stands at the first row. */
static bool take_header(reader *r, csv_scan *s)
{
    reel_table *t = r->table;
    int numbers;
    if (!look_at_first(r, *s, &numbers)) return false;
    t->has_header = r->options.header == REEL_HEADER_YES || (r->options.header == REEL_HEADER_AUTO && numbers == 0);
    int64_t line = s->line;
    csv_field f;
    for (int i = 0; i < t->columns; i++) {
        if (t->has_header) csv_next(s, &f);
        if (!name_column(r, i, t->has_header ? &f : NULL)) return false;
    }
    return !t->has_header || check_names(r, line);
}

/* ---- the whole ---- */

static bool check_options(const char *site, reel_context *context, const reel_csv_options *o)
{
    bool wrong = o->delimiter == '"' || o->delimiter == '\n' || o->delimiter == '\r' || o->delimiter == ' ' ||
                 (o->delimiter & 0x80) != 0 || (unsigned)o->header > REEL_HEADER_NO;
    if (wrong)
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                       "found the delimiter 0x%02x and header %d, expected one ASCII character, but no quote, blank or "
                       "line end, and REEL_HEADER_AUTO, _YES or _NO",
                       (unsigned)(uint8_t)o->delimiter, (int)o->header);
    return !wrong;
}

static bool read_all(reader *r, size_t size)
{
    reel_table *t = r->table;
    csv_scan s;
    r->end = r->text + size;
    r->bad = csv_bad_byte(r->text, r->end);
    t->delimiter = r->options.delimiter ? r->options.delimiter : csv_guess(r->text, r->end, r->bad);
    csv_start(&s, r->text, r->end, r->bad, t->delimiter);
    if (!csv_row(&s)) {
        reel_error_set(r->context, REEL_BAD_FILE, r->site, NULL, "%s: the file is empty", t->path);
        return false;
    }
    if (!take_header(r, &s) || !take_rows(r, s)) return false;
    if (t->rows > 0) return true;
    reel_error_set(r->context, REEL_BAD_FILE, r->site, NULL,
                   "%s: line %lld: found the end of the file after the names, expected rows", t->path,
                   (long long)s.line);
    return false;
}

reel_table *reel_table_parse(const char *site, reel_context *context, const char *name, const char *text, size_t size,
                             const reel_csv_options *options)
{
    reader r = {.site = site, .context = context, .text = text};
    if (options) r.options = *options;
    if (reel_failed(context) || !check_options(site, context, &r.options)) return NULL;
    if (!text && size > 0) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "text is NULL"), NULL;
    reel_table *t = r.table = object_new(context, site, who, sizeof *t, table_destroy);
    if (!t) return NULL;
    t->path = memory_string(context, site, who, name ? name : "");
    if (!text) r.text = "";
    bool right = t->path && read_all(&r, size);
    memory_free(context, r.scratch, r.scratch_room);
    if (right) return t;
    object_free(t);
    return NULL;
}

reel_table *reel_table_read(const char *site, reel_context *context, const char *path, const reel_csv_options *options)
{
    size_t size, most = options && options->most_bytes ? options->most_bytes : MOST_BYTES;
    if (reel_failed(context)) return NULL;
    if (!path || !*path) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there is no path"), NULL;
    char *text = file_read(site, context, NULL, path, most, &size);
    if (!text) return NULL;
    reel_table *t = reel_table_parse(site, context, path, text, size, options);
    memory_free(context, text, size + 1);
    return t;
}
