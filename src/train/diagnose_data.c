/* SPDX-License-Identifier: MIT
 *
 * The diagnosis of the data: columns, repeated rows, labels, and what a constant prediction comes to.
 */
#include "train/diagnosis.h"

#include <reel/ops.h>

#include <math.h>
#include <string.h>

#define CLASSES_MOST 1000 /* whole numbers from 0 that still count as labels */

/* ---- columns ---- */

static bool all_finite(data_report *d, const reel_array *a, int64_t rows, bool target)
{
    int64_t columns = rows ? a->size / rows : 0;
    for (int64_t i = 0; i < a->size; i++) {
        double x = reel_array_get(a, i);
        if (isfinite(x)) continue;
        d->bad_row = i / columns;
        d->bad_column = i % columns;
        d->bad_target = target;
        d->bad_number = x;
        return false;
    }
    return true;
}

static void look_at_column(data_report *d, const reel_array *x, int64_t column)
{
    double first = reel_array_get(x, column), mean = 0, squares = 0;
    bool constant = true;
    for (int64_t i = 0; i < d->rows; i++) { /* Welford's recurrence */
        double value = reel_array_get(x, i * d->columns + column), above = value - mean;
        mean += above / (double)(i + 1);
        squares += above * (value - mean);
        constant = constant && value == first;
    }
    double deviation = sqrt(squares / (double)d->rows);
    if (constant) {
        if (d->constant++ > 0) return;
        d->constant_column = column;
        d->constant_number = first;
        return;
    }
    if (d->wide_column < 0 || deviation > d->wide) d->wide = deviation, d->wide_column = column;
    if (d->narrow_column < 0 || deviation < d->narrow) d->narrow = deviation, d->narrow_column = column;
}

/* ---- rows ---- */

typedef struct row_order {
    const char *data;
    size_t size; /* of a row, bytes */
} row_order;

static int compare_rows(const row_order *o, int64_t a, int64_t b)
{
    int by_data = memcmp(o->data + (size_t)a * o->size, o->data + (size_t)b * o->size, o->size);
    return by_data ? by_data : (a > b) - (a < b);
}

static void sift(const row_order *o, int64_t *heap, int64_t at, int64_t count)
{
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare_rows(o, heap[child], heap[child + 1]) < 0) child++;
        if (compare_rows(o, heap[at], heap[child]) >= 0) return;
        int64_t held = heap[at];
        heap[at] = heap[child];
        heap[child] = held;
    }
}

/* Heapsort (Williams 1964): no more memory, and n log n whatever the rows are. */
static void sort_rows(const row_order *o, int64_t *rows, int64_t count)
{
    for (int64_t i = count / 2 - 1; i >= 0; i--) sift(o, rows, i, count);
    for (int64_t end = count - 1; end > 0; end--) {
        int64_t held = rows[0];
        rows[0] = rows[end];
        rows[end] = held;
        sift(o, rows, 0, end);
    }
}

static bool are_labels(const reel_array *y)
{
    for (int64_t i = 0; i < y->size; i++) {
        double value = reel_array_get(y, i);
        if (!(value >= 0 && value < CLASSES_MOST && value == floor(value))) return false;
    }
    return true;
}

/* Rows `first` to `end` of the order are equal: how many have not the commonest of their labels? */
static void count_contradictions(data_report *d, const row_order *labels, const int64_t *order, int64_t first,
                                 int64_t end)
{
    int64_t commonest = 0;
    d->repeated += end - first;
    for (int64_t i = first; i < end && 2 * commonest <= end - first; i++) {
        int64_t same = 0;
        for (int64_t k = first; k < end; k++) {
            const char *a = labels->data + (size_t)order[i] * labels->size;
            bool equal = memcmp(a, labels->data + (size_t)order[k] * labels->size, labels->size) == 0;
            same += equal;
            if (!equal && d->first < 0) d->first = order[i], d->second = order[k];
        }
        if (same > commonest) commonest = same;
    }
    d->contradicted += end - first - commonest;
}

#define GROUP_MOST 512 /* equal rows looked at together; more are looked at in parts */

static bool look_at_rows(examination *e, const reel_array *x, const reel_array *y)
{
    data_report *d = &e->data;
    row_order rows = {x->data, (size_t)d->columns * element_size(x->dtype)};
    row_order labels = {y->data, (size_t)(y->size / d->rows) * element_size(y->dtype)};
    if (!are_labels(y)) return true;
    int64_t *order = memory_new(e->context, e->site, DIAGNOSE_WHO, (size_t)d->rows * sizeof *order);
    if (!order) return false;
    for (int64_t i = 0; i < d->rows; i++) order[i] = i;
    sort_rows(&rows, order, d->rows);
    for (int64_t i = 0, end; i < d->rows; i = end) {
        const char *one = rows.data + (size_t)order[i] * rows.size;
        for (end = i + 1; end < d->rows && end - i < GROUP_MOST; end++)
            if (memcmp(one, rows.data + (size_t)order[end] * rows.size, rows.size) != 0) break;
        if (end - i > 1) count_contradictions(d, &labels, order, i, end);
    }
    memory_free(e->context, order, (size_t)d->rows * sizeof *order);
    return true;
}

bool diagnosis_data(examination *e)
{
    data_report *d = &e->data;
    reel_dataset *data = e->trainer->data;
    *d = (data_report){.bad_row = -1, .wide_column = -1, .narrow_column = -1, .first = -1, .second = -1};
    d->rows = trainer_rows(e->trainer);
    if (!data || d->rows < 1 || !data->x || !data->y || data->x->size == 0 || data->y->size == 0) return true;
    d->columns = data->x->size / d->rows;
    if (!all_finite(d, data->x, d->rows, false) || !all_finite(d, data->y, d->rows, true)) return true;
    if (d->rows < 2) return true;
    bool real = data->x->dtype == REEL_FLOAT || data->x->dtype == REEL_DOUBLE; /* whole numbers are names of things */
    for (int64_t c = 0; c < d->columns && data->x->rank == 2 && real; c++) look_at_column(d, data->x, c);
    return look_at_rows(e, data->x, data->y);
}

/* ---- a constant prediction ---- */

static double entropy(const double *counts, int64_t classes, double total)
{
    double sum = 0;
    for (int64_t c = 0; c < classes; c++)
        if (counts[c] > 0) sum -= counts[c] / total * log(counts[c] / total);
    return sum;
}

/* Squared error: the variance of each target. Binary cross-entropy: the entropy of its mean. */
static double column_baseline(const reel_array *y, const int64_t *rows, int64_t count, int64_t columns, bool binary)
{
    double sum = 0;
    for (int64_t c = 0; c < columns; c++) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < count; i++) {
            double value = reel_array_get(y, (rows ? rows[i] : i) * columns + c), above = value - mean;
            mean += above / (double)(i + 1);
            squares += above * (value - mean);
        }
        sum += binary ? entropy((double[]){mean, 1 - mean}, 2, 1) : squares / (double)count;
    }
    return sum / (double)columns;
}

double diagnosis_baseline(const examination *e, const int64_t *rows, int64_t count)
{
    const reel_trainer *t = e->trainer;
    if (!t->data || count < 1) return NAN;
    const reel_array *y = t->data->y;
    int64_t columns = y->size / e->data.rows;
    if (t->loss_of == reel_mse) return column_baseline(y, rows, count, columns, false);
    if (t->loss_of == reel_bce || t->loss_of == reel_bce_with_logits)
        return column_baseline(y, rows, count, columns, true);
    if (t->loss_of != reel_cross_entropy || columns != 1 || !are_labels(y)) return diagnosis_constant(e, rows, count);
    double counts[CLASSES_MOST] = {0};
    for (int64_t i = 0; i < count; i++) counts[(int64_t)reel_array_get(y, rows ? rows[i] : i)]++;
    return entropy(counts, CLASSES_MOST, (double)count);
}
