/* SPDX-License-Identifier: MIT
 *
 * The probe: making it, its rows, evaluating, putting back.
 */
#include "train/probe.h"

#include "core/random.h"
#include "train/evaluator.h"
#include "train/probe_keep.h"
#include "train/probe_kinks.h"
#include "train/saver.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- a copy of the model in double ---- */

/* In a context of its own, since whether it can be made shows only when it is tried. */
struct probe_shadow {
    reel_context *context;
    reel_params *params;
    reel_module *module;
    reel_tape *tape;
};

static void shadow_free(probe *p)
{
    if (!p->shadow) return;
    reel_context_free(p->shadow->context);
    memory_free(p->context, p->shadow, sizeof *p->shadow);
    p->shadow = NULL;
}

static bool shadow_make(probe *p)
{
    reel_trainer *t = p->trainer;
    if (!evaluator_possible(t)) return false;
    probe_shadow *s = p->shadow = memory_zero(p->context, p->site, p->who, sizeof *s);
    if (!s) return false;
    s->context = reel_context_new(&p->context->allocator);
    reel_context_set_threads(s->context, p->context->threads);
    s->params = reel_params_new(p->site, s->context, REEL_DOUBLE);
    s->module = evaluator_module(s->context, s->params, t->module);
    reel_params_seal(p->site, s->params);
    s->tape = reel_tape_new(p->site, s->context, REEL_DOUBLE);
    bool same = s->module && s->tape && reel_params_size(s->params) == reel_params_size(t->params);
    if (same) reel_params_copy(p->site, s->params, t->params);
    for (int i = 0; same && i < reel_params_count(s->params); i++) {
        same = strcmp(reel_params_name(s->params, i), reel_params_name(t->params, i)) == 0;
        reel_params_set_trainable(p->site, s->params, i, reel_params_trainable(t->params, i));
    }
    if (same && !reel_failed(s->context)) return true;
    if (reel_error_status(s->context) == REEL_NO_MEMORY)
        reel_error_set(p->context, REEL_NO_MEMORY, p->site, p->who, "out of memory for the model in double");
    shadow_free(p);
    return false;
}

/* ---- rows ---- */

static bool same_rows(const reel_trainer *t, const reel_array *a)
{
    return a && a->rank > 0 && a->shape[0] == trainer_rows(t);
}

static reel_array *rows_array(probe *p, const reel_array *whole, int64_t rows)
{
    int64_t shape[REEL_MAX_RANK] = {rows};
    for (int d = 1; d < whole->rank; d++) shape[d] = whole->shape[d];
    return reel_array_new(p->site, p->context, whole->dtype, whole->rank, shape);
}

static void gather(reel_array *to, const reel_array *from, const int64_t *rows, int64_t count)
{
    size_t row = (size_t)(from->size / from->shape[0]) * element_size(from->dtype);
    for (int64_t i = 0; i < count; i++)
        memcpy((char *)to->data + (size_t)i * row, (const char *)from->data + (size_t)rows[i] * row, row);
}

static bool rows_reserve(probe *p, int64_t count)
{
    reel_trainer *t = p->trainer;
    if (count <= p->index_room) return true;
    reel_array_free(p->x);
    reel_array_free(p->y);
    p->x = rows_array(p, t->data->x, count);
    p->y = rows_array(p, t->data->y, count);
    int64_t *grown = memory_resize(p->context, p->site, p->who, p->indices, (size_t)p->index_room * sizeof *grown,
                                   (size_t)count * sizeof *grown);
    if (grown) p->indices = grown;
    if (grown) p->index_room = count;
    return grown && p->x && p->y;
}

bool probe_set_rows(probe *p, const int64_t *indices, int64_t count)
{
    reel_trainer *t = p->trainer;
    if (!rows_reserve(p, count)) return false;
    if (indices != p->indices) memcpy(p->indices, indices, (size_t)count * sizeof *indices);
    gather(p->x, t->data->x, p->indices, count);
    gather(p->y, t->data->y, p->indices, count);
    p->rows = count;
    return true;
}

int64_t probe_step_rows(const reel_trainer *t)
{
    int64_t rows = trainer_rows(t), size = trainer_batch_size(t);
    double batches = reel_trainer_get(t, "accumulate");
    if (batches > 1) return batches * (double)size < (double)rows ? (int64_t)batches * size : rows;
    return size;
}

/* The rows of the next step, which the sampler need not have drawn yet: the streams are put back. */
static bool next_rows(probe *p)
{
    reel_trainer *t = p->trainer;
    int64_t rows = trainer_rows(t), size = probe_step_rows(t), per_epoch = trainer_steps_per_epoch(t);
    int64_t epoch = t->step / per_epoch, first = t->step % per_epoch * size;
    int64_t count = first + size <= rows ? size : rows - first, *order = NULL;
    if (size == rows) return true;
    reel_rng *made =
        t->order.rng ? NULL : reel_rng_philox_new(p->site, p->context, (uint64_t)t->settings[SETTING_SEED], "sampler");
    reel_rng *rng = t->order.rng ? t->order.rng : made;
    bool counted = strcmp(reel_rng_kind(rng), "philox") == 0, drawn = t->order.order && t->order.order_epoch == epoch;
    if (rows_reserve(p, count) && rng && !counted && !drawn) {
        order = memory_new(p->context, p->site, p->who, (size_t)rows * sizeof *order);
        if (order) reel_rng_permutation(p->site, rng, rows, order);
        put_streams(p);
    }
    const int64_t *from = drawn ? t->order.order->data : order;
    for (int64_t i = 0; i < count && !reel_failed(p->context); i++)
        p->indices[i] = counted ? reel_rng_permuted(rng, (uint64_t)epoch, rows, first + i) : from[first + i];
    memory_free(p->context, order, (size_t)rows * sizeof *order);
    reel_rng_free(made);
    return !reel_failed(p->context) && probe_set_rows(p, p->indices, count);
}

static bool choose_rows(probe *p, int64_t wanted)
{
    reel_trainer *t = p->trainer;
    int64_t rows = trainer_rows(t);
    p->step = t->step;
    if (!t->data) return true;
    if (rows == 0 || !same_rows(t, t->data->x) || !same_rows(t, t->data->y)) {
        reel_error_set(p->context, REEL_BAD_SHAPE, p->site, p->who,
                       "the data set has no rows, or x and y have not as many");
        return false;
    }
    p->rows = rows;
    if (wanted == REEL_ROWS_BATCH) return next_rows(p);
    if (wanted < REEL_ROWS_BATCH || wanted > rows) {
        reel_error_set(p->context, REEL_BAD_ARGUMENT, p->site, p->who,
                       "found %lld rows, expected 1 to %lld, REEL_ROWS_ALL or REEL_ROWS_BATCH", (long long)wanted,
                       (long long)rows);
        return false;
    }
    if (wanted == REEL_ROWS_ALL || wanted == rows) return true;
    if (!rows_reserve(p, wanted)) return false;
    for (int64_t i = 0; i < wanted; i++) p->indices[i] = i;
    return probe_set_rows(p, p->indices, wanted);
}

/* ---- making and ending ---- */

bool probe_begin(probe *p, const char *site, const char *who, reel_trainer *t, const probe_options *options)
{
    *p = (probe){.trainer = t, .site = site, .who = who, .steady = true, .training = options->training};
    if (!t || reel_failed(t->object.context)) return false;
    p->context = t->object.context;
    if (reel_params_seal(site, t->params) != REEL_OK) return false;
    p->n = reel_params_size(t->params);
    p->own = reel_rng_philox_new(site, p->context, (uint64_t)t->settings[SETTING_SEED], "dropout");
    if (!p->own || !keep_streams(p)) return false;
    p->own_dropout = !t->tape->rng || t->tape->rng == t->dropout;
    p->dropout = p->own_dropout ? p->own : t->tape->rng;
    p->position = (uint64_t)t->step;
    p->params = t->params;
    if (options->as_double && t->params->dtype == REEL_FLOAT && shadow_make(p)) {
        p->params = p->shadow->params;
        p->tape = p->shadow->tape;
    } else {
        saver_changes(t);
        p->tape = reel_tape_new(site, p->context, t->params->dtype);
    }
    p->dtype = p->params->dtype;
    p->epsilon = p->dtype == REEL_DOUBLE ? DBL_EPSILON : (double)FLT_EPSILON;
    reel_tape_set_rng(p->tape, p->dropout);
    return p->tape && keep_params(p) && (options->as_double || keep_optimizer(p)) && choose_rows(p, options->rows) &&
           !reel_failed(p->context);
}

void probe_restore(probe *p)
{
    put_params(p);
    put_streams(p);
    put_optimizer(p);
}

void probe_end(probe *p)
{
    if (!p->context) return;
    probe_restore(p);
    drop_optimizer(p);
    drop_streams(p);
    drop_params(p);
    if (!p->shadow) reel_tape_free(p->tape);
    shadow_free(p);
    reel_rng_free(p->own);
    reel_array_free(p->x);
    reel_array_free(p->y);
    memory_free(p->context, p->indices, (size_t)p->index_room * sizeof *p->indices);
    memory_free(p->context, p->kinks.sides, (size_t)p->kinks.room);
    *p = (probe){.trainer = NULL};
}

/* ---- evaluating ---- */

void probe_origin(const probe *p, double *point)
{
    reel_array to = reel_array_view(REEL_DOUBLE, point, 1, &p->n);
    reel_array from = reel_array_view(p->params->dtype, (void *)(uintptr_t)kept_values(p), 1, &p->n);
    if (p->n) array_convert(&to, &from);
}

void probe_trainable(const probe *p, double *trainable)
{
    for (int i = 0; i < p->params->values.count; i++) {
        const slice *s = &p->params->values.slices[i];
        for (int64_t k = 0; k < s->size; k++) trainable[s->offset + k] = s->trainable;
    }
}

/* The error of the shadow is the trainer's context's. */
static bool failed(probe *p)
{
    if (p->shadow && reel_failed(p->shadow->context)) {
        reel_error_set(p->context, reel_error_status(p->shadow->context), NULL, NULL, "%s",
                       reel_error_text(p->shadow->context));
        reel_error_clear(p->shadow->context);
    }
    return reel_failed(p->context);
}

static reel_value rows_input(probe *p, const reel_array *gathered, const reel_array *whole)
{
    if (!p->x || p->rows == trainer_rows(p->trainer)) return reel_input(p->site, p->tape, whole);
    reel_array view = *gathered;
    view.size = view.size / view.shape[0] * p->rows;
    view.shape[0] = p->rows;
    return reel_input(p->site, p->tape, &view);
}

static reel_value record(probe *p)
{
    reel_trainer *t = p->trainer;
    reel_batch batch = {.tape = p->tape, .x = REEL_NIL, .y = REEL_NIL, .size = p->rows, .step = p->step};
    if (t->data) {
        batch.x = rows_input(p, p->x, t->data->x);
        batch.y = rows_input(p, p->y, t->data->y);
        if (p->x && p->rows < trainer_rows(t)) batch.indices = p->indices;
    }
    if (p->shadow) return t->loss_of(p->site, reel_forward(p->site, p->shadow->module, batch.x), batch.y);
    reel_value loss = t->loss_function(&batch, t->user);
    if (reel_is_nil(loss) && !reel_failed(p->context))
        reel_error_set(p->context, REEL_BAD_STATE, p->site, p->who, "the loss function gave no value");
    return loss;
}

double probe_loss(probe *p, const double *point, double *gradient)
{
    if (failed(p)) return NAN;
    if (p->steady) {
        put_streams(p);
        put_buffers(p);
    }
    reel_array from = reel_array_view(REEL_DOUBLE, (void *)(uintptr_t)point, 1, &p->n);
    if (point) reel_params_write(p->site, p->params, &from);
    reel_params_drop_gradient(p->params);
    reel_tape_rewind(p->tape);
    reel_tape_set_gradients(p->tape, gradient != NULL);
    reel_tape_set_training(p->tape, p->training);
    if (p->own_dropout) reel_rng_seek(p->site, p->own, p->position);
    reel_value loss = p->loss = record(p);
    double value = reel_item(p->site, loss);
    if (gradient && !failed(p)) reel_backward(p->site, loss);
    if (failed(p)) return NAN;
    reel_array slope = gradient ? reel_params_flat_gradient(p->params) : (reel_array){0};
    reel_array to = reel_array_view(REEL_DOUBLE, gradient, 1, &p->n);
    if (gradient && slope.data && p->n) array_convert(&to, &slope);
    if (p->watch_kinks && !kinks_note(p, p->tape)) return NAN;
    return value;
}

reel_status probe_step(probe *p)
{
    return reel_optimizer_step(p->site, p->trainer->optimizer);
}
