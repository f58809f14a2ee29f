/* SPDX-License-Identifier: MIT
 *
 * From the rows of a table to numbers.
 */
#include "csv.h"
#include "dataset.h"
#include "preparation.h"

#include <math.h>
#include <string.h>

static const char who[] = "preparation";

typedef struct applying {
    const char *site;
    reel_context *context;
    const reel_preparation *p;
    const reel_table *t;
    const reel_array *rows;
    reel_array *x; /* (rows, inputs) */
} applying;

static void put(const reel_array *to, int64_t index, double value)
{
    if (to->dtype == REEL_FLOAT)
        ((float *)to->data)[index] = (float)value;
    else
        ((double *)to->data)[index] = value;
}

static bool refuse_missing(const applying *a, int64_t row, int column)
{
    table_fault(a->site, a->t, REEL_BAD_FILE, a->t->lines[row], column, "found no value, expected one");
    return false;
}

/* A number of the column: of one of texts the text, read; false with a fault. */
static bool number_of(const applying *a, int64_t row, int column, double *value)
{
    const char *text = reel_table_text(a->t, row, column);
    *value = reel_table_number(a->t, row, column);
    if (!text || table_number(text, strlen(text), value) == 1) return true;
    char quote[CSV_QUOTE_SIZE];
    table_fault(a->site, a->t, REEL_BAD_FILE, a->t->lines[row], column, "found \"%s\", expected a number",
                csv_quote(quote, text, strlen(text)));
    return false;
}

static bool standardise(const applying *a, const prepared *c, int column, const reel_array *to, int64_t first,
                        int64_t step)
{
    int64_t count = row_count(a->rows, a->t);
    double scale = c->deviation > 0 ? c->deviation : 1;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = row_at(a->rows, i);
        double value;
        if (!number_of(a, row, column, &value)) return false;
        if (isnan(value)) value = c->fill;
        if (isnan(value)) return refuse_missing(a, row, column);
        double z = (value - c->mean) / scale;
        if (!isfinite(z)) z = value / scale - c->mean / scale; /* the difference overflows */
        if (!(fabs(z) <= (to->dtype == REEL_FLOAT ? 3.4e38 : 1.7e308))) {
            table_fault(a->site, a->t, REEL_BAD_FILE, a->t->lines[row], column,
                        "found %g, which is (x - %g) / %g too large for a %s, expected a number like those of training",
                        value, c->mean, scale, reel_dtype_name(to->dtype));
            return false;
        }
        put(to, first + i * step, z);
    }
    return true;
}

/* Up to a few names, for a sentence. */
static void list_names(const prepared *c, char *list, size_t size)
{
    size_t used = 0;
    *list = '\0';
    for (int64_t i = 0; i < c->count && used + 24 < size; i++) {
        char quote[CSV_QUOTE_SIZE];
        if (i == 8) {
            snprintf(list + used, size - used, ", ... (%lld)", (long long)c->count);
            return;
        }
        int n = snprintf(list + used, size - used, "%s\"%s\"", i ? ", " : "",
                         csv_quote(quote, c->names[i], strlen(c->names[i])));
        used = n > 0 && (size_t)n < size - used ? used + (size_t)n : size - 1;
    }
}

static bool refuse_category(const applying *a, const prepared *c, int64_t row, int column, const char *name,
                            const char *what)
{
    char quote[CSV_QUOTE_SIZE], list[400];
    list_names(c, list, sizeof list);
    table_fault(a->site, a->t, REEL_BAD_FILE, a->t->lines[row], column,
                "found the %s \"%s\", which training had not, expected one of %s", what,
                csv_quote(quote, name, strlen(name)), list);
    return false;
}

/* Calls back for each row with its category, -1: missing. */
typedef bool (*take_category)(const applying *a, const prepared *c, int column, int64_t i, int64_t category, void *to);

static bool each_category(const applying *a, const prepared *c, int column, const char *what, take_category take,
                          void *to)
{
    text_set names = {NULL, 0, 0, NULL, 0, 0, NULL, 0};
    char number[CATEGORY_NUMBER];
    bool right = true;
    for (int64_t i = 0; i < c->count; i++) text_set_add(a->context, &names, c->names[i], strlen(c->names[i]));
    for (int64_t i = 0; right && !reel_failed(a->context) && i < row_count(a->rows, a->t); i++) {
        int64_t row = row_at(a->rows, i);
        const char *name = table_category(a->t, row, column, number);
        int64_t category = name ? text_set_add(a->context, &names, name, strlen(name)) : -1;
        right =
            category < c->count ? take(a, c, column, i, category, to) : refuse_category(a, c, row, column, name, what);
    }
    text_set_free(a->context, &names);
    return right && !reel_failed(a->context);
}

static bool take_input(const applying *a, const prepared *c, int column, int64_t i, int64_t category, void *to)
{
    int64_t width = a->x->shape[1], first = *(const int64_t *)to;
    if (category < 0) category = c->fill_category;
    if (category < 0 && a->p->imputation == REEL_IMPUTE_NONE) return refuse_missing(a, row_at(a->rows, i), column);
    if (category >= 0) put(a->x, i * width + first + category, 1);
    return true;
}

static bool fill_inputs(const applying *a)
{
    int64_t first = 0, width = a->x->shape[1];
    for (int64_t k = 0; k < a->p->columns; k++) {
        const prepared *c = &a->p->column[k];
        int column = reel_table_find(a->site, a->t, c->name);
        if (column < 0) return false;
        if (c->role == REEL_ROLE_NUMERIC ? !standardise(a, c, column, a->x, first, width)
                                         : !each_category(a, c, column, "category", take_input, &first))
            return false;
        first += prepared_inputs(c);
    }
    return true;
}

reel_array *reel_preparation_inputs(const char *site, const reel_preparation *p, const reel_table *t,
                                    const reel_array *rows, reel_dtype dtype)
{
    if (!p || reel_failed(p->object.context)) return NULL;
    reel_context *context = p->object.context;
    if (!p->fitted) return reel_error_set(context, REEL_BAD_STATE, site, who, "it is not fitted"), NULL;
    if (!t || t->object.context != context)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "a table of the same context is needed"), NULL;
    if (dtype != REEL_FLOAT && dtype != REEL_DOUBLE)
        return reel_error_set(context, REEL_BAD_DTYPE, site, who, "found %s, expected float32 or float64",
                              reel_dtype_name(dtype)),
               NULL;
    if (rows_check(site, who, t, rows) != REEL_OK) return NULL;
    int64_t shape[2] = {row_count(rows, t), reel_preparation_input_count(p)};
    applying a = {site, context, p, t, rows, reel_array_new(site, context, dtype, 2, shape)};
    if (a.x && fill_inputs(&a)) return a.x;
    reel_array_free(a.x);
    return NULL;
}

static bool take_class(const applying *a, const prepared *c, int column, int64_t i, int64_t category, void *to)
{
    (void)c;
    if (category < 0) {
        table_fault(a->site, a->t, REEL_BAD_FILE, a->t->lines[row_at(a->rows, i)], column,
                    "found no target, expected one");
        return false;
    }
    ((int64_t *)((reel_array *)to)->data)[i] = category;
    return true;
}

static reel_array *targets(const char *site, const reel_preparation *p, const reel_table *t, const reel_array *rows,
                           reel_dtype dtype)
{
    int64_t shape[2] = {row_count(rows, t), 1};
    bool classes = is_classification(p);
    int column = reel_table_find(site, t, p->target.name);
    if (column < 0) return NULL;
    reel_array *y = reel_array_new(site, p->object.context, classes ? REEL_INT64 : dtype, classes ? 1 : 2, shape);
    applying a = {site, p->object.context, p, t, rows, NULL};
    if (y && (classes ? each_category(&a, &p->target, column, "class", take_class, y)
                      : standardise(&a, &p->target, column, y, 0, 1)))
        return y;
    reel_array_free(y);
    return NULL;
}

reel_dataset *reel_preparation_data(const char *site, const reel_preparation *p, const reel_table *t,
                                    const reel_array *rows, reel_dtype dtype)
{
    reel_array *x = reel_preparation_inputs(site, p, t, rows, dtype);
    reel_array *y = x ? targets(site, p, t, rows, dtype) : NULL;
    return dataset_new(site, who, p ? p->object.context : NULL, x, y);
}
