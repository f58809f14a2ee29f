/* SPDX-License-Identifier: MIT
 *
 * The loss of the best constant prediction, for a loss of which no formula is known: it is looked for.
 */
#include "train/diagnosis.h"

#include <reel/ops.h>

#include <math.h>
#include <string.h>

#define SEARCH_STEPS 300

/* A context of its own: what fails in it is no error of the diagnosis. */
typedef struct search {
    const reel_trainer *trainer;
    reel_context *context;
    reel_params *params; /* one vector, the prediction of every row */
    reel_tape *tape;
    reel_array *zeros, *y;
} search;

/* The elements of rows `rows` (NULL: the first `count`), as a new array of `dtype`. */
static reel_array *gathered(reel_context *context, const reel_array *whole, reel_dtype dtype, const int64_t *rows,
                            int64_t count)
{
    int64_t shape[REEL_MAX_RANK] = {count}, row = whole->size / whole->shape[0];
    for (int d = 1; d < whole->rank; d++) shape[d] = whole->shape[d];
    reel_array *all = reel_array_cast(NULL, context, dtype, whole);
    reel_array *some = reel_array_new(NULL, context, dtype, whole->rank, shape);
    size_t size = (size_t)row * reel_dtype_size(dtype);
    for (int64_t i = 0; all && some && i < count; i++)
        memcpy((char *)some->data + (size_t)i * size, (const char *)all->data + (size_t)(rows ? rows[i] : i) * size,
               size);
    reel_array_free(all);
    return some;
}

/* The shape that the model gives a row; false: it gives none. */
static bool output_shape(const reel_trainer *t, reel_array *out)
{
    reel_context *context = t->object.context;
    reel_tape *tape = reel_tape_new(NULL, context, t->params->dtype);
    reel_array row = *t->data->x;
    row.size /= row.shape[0];
    row.shape[0] = 1;
    reel_tape_set_gradients(tape, false);
    reel_tape_set_training(tape, false);
    *out = reel_data(reel_forward(NULL, t->module, reel_input(NULL, tape, &row)));
    bool right = !reel_failed(context) && out->rank > 0 && out->shape[0] == 1 && out->size > 0;
    reel_tape_free(tape);
    return right;
}

static double evaluate(search *s, bool back)
{
    reel_params_drop_gradient(s->params);
    reel_tape_rewind(s->tape);
    reel_value all = reel_add(NULL, reel_input(NULL, s->tape, s->zeros), reel_param(NULL, s->tape, s->params, 0));
    reel_value loss = s->trainer->loss_of(NULL, all, reel_input(NULL, s->tape, s->y));
    double value = reel_item(NULL, loss);
    if (back) reel_backward(NULL, loss);
    return value;
}

/* Starts from the mean of the targets where they have the prediction's shape, with steps of their size. */
static double start(search *s, double *point, int64_t size)
{
    int64_t rows = s->zeros->shape[0];
    bool alike = s->y->size == s->zeros->size && (s->y->dtype == REEL_FLOAT || s->y->dtype == REEL_DOUBLE);
    double spread = 0;
    for (int64_t k = 0; k < size && alike; k++) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < rows; i++) mean += reel_array_get(s->y, i * size + k) / (double)rows;
        for (int64_t i = 0; i < rows; i++) squares += pow(reel_array_get(s->y, i * size + k) - mean, 2);
        point[k] = mean;
        spread = fmax(spread, sqrt(squares / (double)rows));
    }
    return alike && spread > 0 ? spread : 1;
}

/* Adam with a rate that falls to 0 in a straight line; the smallest loss met. */
static double descend(search *s)
{
    int64_t size = reel_params_size(s->params);
    double *point = reel_params_flat(s->params).data, best = INFINITY, power1 = 1, power2 = 1;
    reel_array *moments = reel_array_new(NULL, s->context, REEL_DOUBLE, 1, &(int64_t){2 * size});
    if (!moments) return NAN;
    double *mean = moments->data, *square = mean + size, scale = start(s, point, size);
    for (int step = 0; step < SEARCH_STEPS && !reel_failed(s->context); step++) {
        reel_params_touch(s->params);
        double loss = evaluate(s, true), rate = 0.1 * scale * (1 - (double)step / SEARCH_STEPS);
        if (!isfinite(loss)) break;
        best = fmin(best, loss);
        power1 *= 0.9;
        power2 *= 0.99;
        reel_array gradient = reel_params_flat_gradient(s->params);
        for (int64_t k = 0; k < size; k++) {
            double g = reel_array_get(&gradient, k);
            mean[k] += 0.1 * (g - mean[k]);
            square[k] += 0.01 * (g * g - square[k]);
            point[k] -= rate * mean[k] / (1 - power1) / (sqrt(square[k] / (1 - power2)) + 1e-30);
        }
    }
    return isfinite(best) && !reel_failed(s->context) ? best : NAN;
}

double diagnosis_constant(const examination *e, const int64_t *rows, int64_t count)
{
    const reel_trainer *t = e->trainer;
    reel_array out;
    search s = {.trainer = t, .context = reel_context_new(NULL)};
    double found = NAN;
    if (s.context && t->module && t->loss_of && output_shape(t, &out)) {
        bool whole = t->data->y->dtype != REEL_FLOAT && t->data->y->dtype != REEL_DOUBLE;
        int64_t shape[REEL_MAX_RANK] = {count};
        for (int d = 1; d < out.rank; d++) shape[d] = out.shape[d];
        s.params = reel_params_new(NULL, s.context, REEL_DOUBLE);
        reel_params_add(NULL, s.params, "constant", out.rank - 1, out.shape + 1);
        s.tape = reel_tape_new(NULL, s.context, REEL_DOUBLE);
        s.zeros = reel_array_new(NULL, s.context, REEL_DOUBLE, out.rank, shape);
        s.y = gathered(s.context, t->data->y, whole ? t->data->y->dtype : REEL_DOUBLE, rows, count);
        reel_params_seal(NULL, s.params);
        if (!reel_failed(s.context)) found = descend(&s);
    }
    reel_context_free(s.context);
    return found;
}
