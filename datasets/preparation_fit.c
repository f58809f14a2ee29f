/* SPDX-License-Identifier: MIT
 *
 * What is learned of the rows of training.
 */
#include "preparation.h"
#include "csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char who[] = "preparation_fit";

#define CATEGORIES_MOST 100 /* of a column that nobody has called categorical */

typedef struct fitting {
    const char *site;
    reel_context *context;
    reel_preparation *p;
    const reel_table *t;
    const reel_array *rows;
    double *values; /* (rows) those of a column that are there */
} fitting;

/* The first row of those of training where the condition of a column's cell holds, or the table's first. */
static int64_t first_text_row(const fitting *f, int column)
{
    int64_t count = row_count(f->rows, f->t);
    for (int64_t i = 0; i < count; i++)
        if (!reel_table_missing(f->t, row_at(f->rows, i), column)) return row_at(f->rows, i);
    return 0;
}

static bool is_number_text(const char *text)
{
    double value;
    return table_number(text, strlen(text), &value) == 1;
}

/* The first field of a column of texts that is no number; the table's first such, as the kind is the table's. */
static void refuse_text(const char *site, const reel_table *t, int column, const char *more)
{
    char quote[CSV_QUOTE_SIZE];
    for (int64_t row = 0; row < t->rows; row++) {
        const char *text = reel_table_text(t, row, column);
        if (!text || is_number_text(text)) continue;
        table_fault(site, t, REEL_BAD_FILE, t->lines[row], column, "found \"%s\", expected a number%s",
                    csv_quote(quote, text, strlen(text)), more);
        return;
    }
    table_fault(site, t, REEL_BAD_FILE, t->lines[0], column, "found texts, expected numbers%s", more);
}

/* ---- numbers ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Values of the rows in f->values; returns how many. */
static int64_t gather(const fitting *f, int column)
{
    int64_t count = row_count(f->rows, f->t), there = 0;
    for (int64_t i = 0; i < count; i++) {
        double value = table_cell(f->t, row_at(f->rows, i), column);
        if (!isnan(value)) f->values[there++] = value;
    }
    return there;
}

/* Mean and deviation over n, exact for equal values and without overflow: in units of the power of 2 above the largest,
 * with the mean corrected by the mean of what it leaves. */
static void moments(const double *x, int64_t n, double *mean, double *deviation)
{
    double least = INFINITY, most = -INFINITY, sum = 0, rest = 0, squares = 0;
    int exponent = 0;
    for (int64_t i = 0; i < n; i++) least = fmin(least, x[i]), most = fmax(most, x[i]);
    *mean = n > 0 ? least : 0;
    *deviation = 0;
    if (n == 0 || least == most) return;
    frexp(fmax(fabs(least), fabs(most)), &exponent);
    double unit = ldexp(1, exponent - 1), down = 1 / unit;
    for (int64_t i = 0; i < n; i++) sum += x[i] * down;
    double middle = sum / (double)n;
    for (int64_t i = 0; i < n; i++) rest += x[i] * down - middle;
    middle += rest / (double)n;
    for (int64_t i = 0; i < n; i++) squares += (x[i] * down - middle) * (x[i] * down - middle);
    *mean = middle * unit;
    *deviation = sqrt(squares / (double)n) * unit;
}

static double median(double *x, int64_t n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return n % 2 ? x[n / 2] : x[n / 2 - 1] / 2 + x[n / 2] / 2;
}

static double most_frequent(double *x, int64_t n)
{
    double best = NAN;
    int64_t longest = 0;
    qsort(x, (size_t)n, sizeof *x, by_value);
    for (int64_t i = 0, run = 0; i < n; i++) {
        run = i > 0 && x[i] == x[i - 1] ? run + 1 : 1;
        if (run > longest) longest = run, best = x[i];
    }
    return best;
}

static bool fit_numeric(fitting *f, int column, prepared *c)
{
    const reel_preparation *p = f->p;
    if (f->t->column[column].is_text)
        return refuse_text(f->site, f->t, column, " (or a column that is categorical or ignored)"), false;
    int64_t there = gather(f, column);
    c->role = REEL_ROLE_NUMERIC;
    c->fill_category = -1;
    c->missing = row_count(f->rows, f->t) - there;
    if (there == 0 && p->imputation != REEL_IMPUTE_CONSTANT) {
        table_fault(f->site, f->t, REEL_BAD_FILE, f->t->lines[row_at(f->rows, 0)], column,
                    "found no value in any row of training, expected one at least (or a column that is ignored)");
        return false;
    }
    moments(f->values, there, &c->mean, &c->deviation);
    c->fill = p->imputation == REEL_IMPUTE_MEAN            ? c->mean
              : p->imputation == REEL_IMPUTE_MEDIAN        ? median(f->values, there)
              : p->imputation == REEL_IMPUTE_MOST_FREQUENT ? most_frequent(f->values, there)
              : p->imputation == REEL_IMPUTE_CONSTANT      ? p->constant
                                                           : NAN;
    return true;
}

/* ---- categories ---- */

typedef struct counted {
    const char *name;
    double value; /* of a number */
    int64_t rows;
} counted;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const counted *)a)->name, ((const counted *)b)->name);
}

static int by_number(const void *a, const void *b)
{
    return by_value(&((const counted *)a)->value, &((const counted *)b)->value);
}

/* Different categories with their rows, in the order in which they come up. The names are those of the set. */
static counted *count_categories(const fitting *f, int column, text_set *names, int64_t *missing)
{
    int64_t count = row_count(f->rows, f->t), room = 0;
    counted *found = NULL;
    char number[CATEGORY_NUMBER];
    *missing = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = row_at(f->rows, i), before = names->count;
        const char *name = table_category(f->t, row, column, number);
        if (!name) ++*missing;
        if (!name) continue;
        int64_t which = text_set_add(f->context, names, name, strlen(name));
        if (which == before && which >= room) {
            counted *grown = realloc(found, (size_t)(2 * room + 8) * sizeof *grown);
            if (grown) found = grown, room = 2 * room + 8;
        }
        if (which < 0 || which >= room) {
            reel_error_set(f->context, REEL_NO_MEMORY, f->site, who, "no room for the categories");
            free(found);
            return NULL;
        }
        if (which == before) found[which] = (counted){NULL, table_cell(f->t, row, column), 0};
        found[which].rows++;
    }
    for (int64_t i = 0; i < names->count; i++) found[i].name = text_set_at(names, i);
    return found;
}

static bool keep_categories(fitting *f, int column, prepared *c, counted *found, int64_t count)
{
    bool numbers = !f->t->column[column].is_text;
    if (count > 0) qsort(found, (size_t)count, sizeof *found, numbers ? by_number : by_name);
    if (!prepared_room(f->context, f->site, c, count)) return count == 0;
    c->fill_category = -1;
    for (int64_t i = 0; i < count; i++) {
        c->names[i] = memory_string(f->context, f->site, who, found[i].name);
        c->rows[i] = found[i].rows;
        if (!c->names[i]) return false;
        if (c->fill_category < 0 || c->rows[i] > c->rows[c->fill_category]) c->fill_category = i;
    }
    return true;
}

static bool fit_categories(fitting *f, int column, prepared *c)
{
    text_set names = {NULL, 0, 0, NULL, 0, 0, NULL, 0};
    c->role = REEL_ROLE_CATEGORICAL;
    c->mean = c->deviation = 0;
    c->fill = NAN;
    counted *found = count_categories(f, column, &names, &c->missing);
    bool right = !reel_failed(f->context) && keep_categories(f, column, c, found, names.count);
    free(found);
    text_set_free(f->context, &names);
    return right;
}

/* A column of texts that nobody has called categorical: is it meant as one? */
static bool check_texts(const fitting *f, int column)
{
    const text_set *texts = &f->t->column[column].texts;
    int64_t numbers = 0, there = 0;
    for (int64_t row = 0; row < f->t->rows; row++) {
        const char *text = reel_table_text(f->t, row, column);
        there += text != NULL;
        numbers += text && is_number_text(text);
    }
    if (2 * numbers > there) {
        refuse_text(f->site, f->t, column, " as in most rows (or a column that is categorical or ignored)");
        return false;
    }
    if (texts->count <= CATEGORIES_MOST) return true;
    table_fault(f->site, f->t, REEL_BAD_FILE, f->t->lines[first_text_row(f, column)], column,
                "found %lld different texts in the column, expected %d at most (or a column that is categorical or "
                "ignored)",
                (long long)texts->count, CATEGORIES_MOST);
    return false;
}

static bool fit_input(fitting *f, int column, reel_role role, prepared *c)
{
    const table_column *from = &f->t->column[column];
    c->name = memory_string(f->context, f->site, who, from->name);
    if (!c->name) return false;
    if (role == REEL_ROLE_NUMERIC || (role == REEL_ROLE_AUTO && !from->is_text)) return fit_numeric(f, column, c);
    if (role == REEL_ROLE_AUTO && !check_texts(f, column)) return false;
    if (!fit_categories(f, column, c)) return false;
    if (f->p->imputation == REEL_IMPUTE_CONSTANT || f->p->imputation == REEL_IMPUTE_NONE) c->fill_category = -1;
    if (c->count > 0) return true;
    table_fault(f->site, f->t, REEL_BAD_FILE, f->t->lines[row_at(f->rows, 0)], column,
                "found no value in any row of training, expected one at least (or a column that is ignored)");
    return false;
}

/* ---- the target ---- */

static bool fit_target(fitting *f, int column)
{
    reel_preparation *p = f->p;
    const reel_table *t = f->t;
    prepared *c = &p->target;
    p->task = target_task(p, t, column);
    c->name = memory_string(f->context, f->site, who, t->column[column].name);
    if (!c->name) return false;
    if (is_classification(p) ? !fit_categories(f, column, c) : !fit_numeric(f, column, c)) return false;
    c->fill = NAN;
    c->fill_category = -1;
    int64_t line = t->lines[row_at(f->rows, 0)];
    if (is_classification(p) && c->count == 1)
        table_fault(f->site, t, REEL_BAD_FILE, line, column,
                    "found the class \"%s\" alone in the rows of training, expected two classes at least", c->names[0]);
    else if (!is_classification(p) && c->deviation == 0)
        table_fault(f->site, t, REEL_BAD_FILE, line, column,
                    "found the value %g alone in the rows of training, expected values that differ", c->mean);
    return !reel_failed(f->context);
}

/* Every row has a target. */
static bool check_target(const fitting *f, int column)
{
    for (int64_t i = 0; i < row_count(f->rows, f->t); i++) {
        int64_t row = row_at(f->rows, i);
        if (!reel_table_missing(f->t, row, column)) continue;
        table_fault(f->site, f->t, REEL_BAD_FILE, f->t->lines[row], column, "found no target, expected one");
        return false;
    }
    return true;
}

/* ---- the whole ---- */

/* What each column is for; false with an error for a column that is not there. */
static bool find_roles(const fitting *f, int target, uint8_t *roles)
{
    const reel_preparation *p = f->p;
    for (int i = 0; i < p->asked_count; i++) {
        int column = reel_table_find(f->site, f->t, p->asked[i].column);
        if (column < 0) return false;
        if (column == target && p->asked[i].role != REEL_ROLE_TARGET) {
            reel_error_set(f->context, REEL_BAD_ARGUMENT, f->site, who,
                           "%s: column \"%s\" is the target, and is named as something else too", f->t->path,
                           f->t->column[column].name);
            return false;
        }
        roles[column] = (uint8_t)p->asked[i].role;
    }
    return true;
}

static bool fit_inputs(fitting *f, const uint8_t *roles)
{
    reel_preparation *p = f->p;
    int64_t count = 0, inputs = 0;
    for (int i = 0; i < f->t->columns; i++) count += roles[i] < REEL_ROLE_IGNORED;
    if (count == 0) {
        reel_error_set(f->context, REEL_BAD_FILE, f->site, who, "%s: found no column but the target, expected inputs",
                       f->t->path);
        return false;
    }
    p->column = memory_zero(f->context, f->site, who, (size_t)count * sizeof *p->column);
    if (!p->column) return false;
    p->columns = count;
    for (int i = 0, to = 0; i < f->t->columns; i++) {
        if (roles[i] >= REEL_ROLE_IGNORED) continue;
        if (!fit_input(f, i, (reel_role)roles[i], &p->column[to])) return false;
        inputs += prepared_inputs(&p->column[to++]);
    }
    if (inputs <= 1 << 24) return true;
    reel_error_set(f->context, REEL_BAD_FILE, f->site, who, "%s: found %lld inputs, expected %d at most", f->t->path,
                   (long long)inputs, 1 << 24);
    return false;
}

/* Back to one that knows nothing. */
static void forget(reel_preparation *p, int task)
{
    reel_context *context = p->object.context;
    for (int64_t i = 0; p->column && i < p->columns; i++) prepared_free(context, &p->column[i]);
    memory_free(context, p->column, (size_t)p->columns * sizeof *p->column);
    prepared_free(context, &p->target);
    p->column = NULL;
    p->columns = 0;
    p->task = task;
}

reel_status reel_preparation_fit(const char *site, reel_preparation *p, const reel_table *t, const reel_array *rows)
{
    if (!p) return REEL_BAD_ARGUMENT;
    reel_context *context = p->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (p->fitted) return reel_error_set(context, REEL_BAD_STATE, site, who, "the preparation is fitted already");
    if (!t || t->object.context != context)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "a table of the same context is needed");
    if (rows_check(site, who, t, rows) != REEL_OK) return reel_error_status(context);
    if (row_count(rows, t) == 0) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there are no rows");
    int target = target_column(site, who, p, t), task = p->task;
    if (target < 0) return reel_error_status(context);
    size_t bytes = (size_t)row_count(rows, t) * sizeof(double), columns = (size_t)t->columns;
    fitting f = {site, context, p, t, rows, memory_new(context, site, who, bytes)};
    uint8_t *roles = memory_zero(context, site, who, columns);
    p->fitted = f.values && roles && find_roles(&f, target, roles) && check_target(&f, target) &&
                fit_target(&f, target) && fit_inputs(&f, roles);
    memory_free(context, f.values, bytes);
    memory_free(context, roles, columns);
    if (!p->fitted) forget(p, task);
    return reel_error_status(context);
}
