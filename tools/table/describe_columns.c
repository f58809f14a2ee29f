/* SPDX-License-Identifier: MIT
 *
 * What is in a column, and rows that come twice.
 */
#include "table/describe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted values, at the share q of the way: linear between the two beside. */
static double quantile(const double *x, int64_t n, double q)
{
    double at = q * (double)(n - 1);
    int64_t low = (int64_t)floor(at);
    double part = at - (double)low;
    return part > 0 ? x[low] * (1 - part) + x[low + 1] * part : x[low];
}

static void spread_of(column_facts *f, const double *x, int64_t n)
{
    double unit = fmax(fabs(f->least), fabs(f->most)), sum = 0, rest = 0, squares = 0;
    if (!(unit > 0)) unit = 1;
    for (int64_t i = 0; i < n; i++) sum += x[i] / unit;
    double middle = sum / (double)n;
    for (int64_t i = 0; i < n; i++) rest += x[i] / unit - middle;
    middle += rest / (double)n;
    for (int64_t i = 0; i < n; i++) squares += (x[i] / unit - middle) * (x[i] / unit - middle);
    f->mean = f->least == f->most ? f->least : middle * unit;
    f->deviation = n < 2 ? NAN : f->least == f->most ? 0 : sqrt(squares / (double)(n - 1)) * unit;
}

/* Different numbers of sorted ones, listed when they are few. */
static bool list_numbers(column_facts *f, const double *x, int64_t n)
{
    enum { FEW = 20 };
    f->distinct = 0;
    for (int64_t i = 0; i < n; i++) f->distinct += i == 0 || x[i] != x[i - 1];
    if (f->distinct == 0 || f->distinct > FEW) return true;
    f->values = calloc((size_t)f->distinct, sizeof *f->values);
    for (int64_t i = 0, k = -1; f->values && i < n; i++) {
        if (i == 0 || x[i] != x[i - 1]) f->values[++k].number = x[i];
        f->values[k].rows++;
    }
    return f->values != NULL;
}

static bool describe_numbers(column_facts *f, const reel_table *t, int column)
{
    int64_t n = 0;
    double *x = malloc((size_t)f->rows * sizeof *x);
    if (!x) return false;
    f->whole = true;
    for (int64_t row = 0; row < f->rows; row++) {
        double value = reel_table_number(t, row, column);
        if (isnan(value)) continue;
        f->whole &= value == floor(value);
        x[n++] = value;
    }
    qsort(x, (size_t)n, sizeof *x, by_value);
    f->least = x[0];
    f->most = x[n - 1];
    f->constant = f->least == f->most;
    for (int q = 0; q < 3; q++) f->quartiles[q] = quantile(x, n, 0.25 * (q + 1));
    double reach = 1.5 * (f->quartiles[2] - f->quartiles[0]);
    f->fences[0] = f->quartiles[0] - reach;
    f->fences[1] = f->quartiles[2] + reach;
    spread_of(f, x, n);
    for (int64_t i = 0; i < n; i++) {
        f->outliers += x[i] < f->fences[0] || x[i] > f->fences[1];
        double part = f->constant ? 0 : (x[i] / 2 - f->least / 2) / (f->most / 2 - f->least / 2) * BINS;
        f->histogram[part < BINS ? (int)part : BINS - 1]++;
    }
    bool right = list_numbers(f, x, n);
    free(x);
    return right;
}

static int by_rows(const void *a, const void *b)
{
    const value_count *x = a, *y = b;
    if (x->rows != y->rows) return x->rows < y->rows ? 1 : -1;
    return strcmp(x->text, y->text);
}

static bool is_number(const char *text)
{
    static const reel_hyper any = {.name = "field", .least = -INFINITY, .most = INFINITY};
    double value;
    reel_context *context = NULL;
    return reel_hyper_read(NULL, context, NULL, &any, text, strlen(text), &value) == REEL_OK && isfinite(value);
}

static bool describe_texts(column_facts *f, const reel_table *t, int column)
{
    int64_t most = -1;
    for (int64_t row = 0; row < f->rows; row++) {
        int64_t code = reel_table_code(t, row, column);
        if (code > most) most = code;
    }
    f->distinct = most + 1;
    f->constant = f->distinct == 1;
    f->values = calloc((size_t)f->distinct, sizeof *f->values);
    if (!f->values) return false;
    for (int64_t row = 0; row < f->rows; row++) {
        int64_t code = reel_table_code(t, row, column);
        if (code < 0) continue;
        f->values[code].text = reel_table_text(t, row, column);
        f->values[code].rows++;
        if (f->values[code].rows == 1) f->values[code].number = is_number(f->values[code].text);
        bool number = f->values[code].number != 0;
        f->numbers += number;
        if (!number && f->first_text_line == 0) f->first_text_line = reel_table_line(t, row);
    }
    qsort(f->values, (size_t)f->distinct, sizeof *f->values, by_rows);
    return true;
}

bool column_describe(column_facts *f, const reel_table *t, int column)
{
    *f = (column_facts){
        .name = reel_table_name(t, column), .kind = reel_table_kind(t, column), .rows = reel_table_rows(t)};
    for (int64_t row = 0; row < f->rows; row++) f->missing += reel_table_missing(t, row, column);
    return f->kind == REEL_COLUMN_EMPTY     ? true
           : f->kind == REEL_COLUMN_NUMBERS ? describe_numbers(f, t, column)
                                            : describe_texts(f, t, column);
}

void column_facts_free(column_facts *f)
{
    free(f->values);
    f->values = NULL;
}

/* ---- rows that come twice ---- */

/* What qsort's comparison needs. */
static const reel_table *sorted_table;
static int sorted_target;

static int compare_cell(const reel_table *t, int64_t a, int64_t b, int column)
{
    bool texts = reel_table_kind(t, column) == REEL_COLUMN_TEXTS;
    double x = texts ? (double)reel_table_code(t, a, column) : reel_table_number(t, a, column);
    double y = texts ? (double)reel_table_code(t, b, column) : reel_table_number(t, b, column);
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

/* All columns but the target. */
static int compare_inputs(int64_t a, int64_t b)
{
    int order = 0;
    for (int column = 0; order == 0 && column < reel_table_columns(sorted_table); column++)
        if (column != sorted_target) order = compare_cell(sorted_table, a, b, column);
    return order;
}

static int by_cells(const void *first, const void *second)
{
    int64_t a = *(const int64_t *)first, b = *(const int64_t *)second;
    int order = compare_inputs(a, b);
    return order || sorted_target < 0 ? order : compare_cell(sorted_table, a, b, sorted_target);
}

bool table_duplicates(const reel_table *t, int target, int64_t *duplicates, int64_t *contradictions)
{
    int64_t rows = reel_table_rows(t), *order = malloc((size_t)rows * sizeof *order);
    *duplicates = *contradictions = 0;
    if (!order) return false;
    for (int64_t i = 0; i < rows; i++) order[i] = i;
    sorted_table = t;
    sorted_target = target;
    qsort(order, (size_t)rows, sizeof *order, by_cells);
    for (int64_t first = 0, end; first < rows; first = end) {
        for (end = first + 1; end < rows && compare_inputs(order[first], order[end]) == 0; end++)
            *duplicates += by_cells(&order[end - 1], &order[end]) == 0;
        if (target < 0) continue;
        int64_t last = end - 1; /* missing targets come last, and contradict nothing */
        while (last > first && reel_table_missing(t, order[last], target)) last--;
        if (by_cells(&order[first], &order[last]) != 0) *contradictions += last - first + 1;
    }
    free(order);
    return true;
}
