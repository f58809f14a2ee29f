/* SPDX-License-Identifier: MIT
 *
 * The loop: one step after the other, from wherever the run stands to its last epoch.
 */
#include "train/saver.h"

#include <reel/resume.h>

#include <math.h>
#include <stdio.h>

/* Records the loss of a batch; nil with an error kept. */
static reel_value record_loss(reel_trainer *t, const char *site, const reel_batch *batch)
{
    reel_value loss = t->loss_function(batch, t->user);
    if (reel_is_nil(loss) && !reel_failed(t->object.context))
        reel_error_set(t->object.context, REEL_BAD_STATE, site, "trainer_run", "the loss function gave no value");
    return loss;
}

/* The share of a batch in its update: that of its rows. */
static double share_of(const reel_trainer *t, const reel_batch *batch)
{
    return (double)(t->data ? batch->size : 1) / (double)trainer_step_rows(t, batch->step);
}

/* Walks back with the gradient scaled by `share`. */
static void walk_back(const char *site, reel_value loss, double share)
{
    if (share == 1) {
        reel_backward(site, loss);
        return;
    }
    reel_array seed = reel_data(loss);
    seed.dtype = REEL_DOUBLE;
    seed.data = &share;
    if (seed.size != 1 || reel_is_nil(loss))
        reel_backward(site, loss); /* which says what is wrong */
    else
        reel_backward_from(site, loss, &seed);
}

/* Records batch number `part` of the update after `step`; nil with an error kept. */
static reel_value record_part(reel_trainer *t, const char *site, int64_t step, int64_t part, reel_batch *batch)
{
    reel_tape_rewind(t->tape);
    if (batch_of_step(t, site, step, part, batch) != REEL_OK) return REEL_NIL;
    return record_loss(t, site, batch);
}

static reel_status update(reel_trainer *t, const char *site, reel_value loss)
{
    guards *g = &t->guards;
    reel_context *context = t->object.context;
    double value = g->part_loss;
    g->gradient_norm = t->settings[SETTING_MIN_GRADIENT] > 0 ? reel_gradient_norm(t->params, 2) : NAN;
    reel_status status = monitor_before(t, site);
    if (status == REEL_OK) status = hashes_before(t, site);
    if (status != REEL_OK) return status;
    saver_changes(t);
    t->rate = reel_optimizer_rate(t->optimizer);
    status = reel_optimizer_step(site, t->optimizer);
    if (status == REEL_NOT_FINITE && reel_params_has_gradient(t->params) && !guards_gradient_finite(t->params) &&
        (setting_of(t, SETTING_STOP_NOT_FINITE) || t->settings[SETTING_ROLLBACK] > 0)) {
        reel_error_clear(context); /* the walk back is there still: where the number comes from can be told */
        g->parts--;
        return guards_not_finite(t, site, loss, value);
    }
    if (status != REEL_OK) return status;
    t->loss_before = value;
    if (trainer_steps_per_epoch(t) == 1 && value < t->best_loss) {
        t->best_loss = value;
        t->best_step = t->step;
    }
    t->step++;
    t->gradient_step = t->step;
    g->parts = 0;
    g->part_loss = 0;
    monitor_after(t);
    hashes_after(t);
    return t->average ? reel_average_step(site, t->average, t->step) : REEL_OK;
}

/* One batch, and the update when it is the last one of it. *updated: an update was made, and the run stands after it. */
static reel_status train_batch(reel_trainer *t, const char *site, bool *updated)
{
    reel_context *context = t->object.context;
    guards *g = &t->guards;
    reel_batch batch;
    int64_t per_epoch = trainer_steps_per_epoch(t), parts = trainer_parts(t, t->step);
    *updated = t->validated = false;
    /* Dropout has its place in the stream by the number of the batch, in the run. */
    int64_t number = per_epoch == 1 ? t->step * parts
                                    : t->step / per_epoch * trainer_batches_per_epoch(t) +
                                          t->step % per_epoch * setting_of(t, SETTING_ACCUMULATE);
    reel_rng_seek(site, t->dropout, (uint64_t)(number + g->parts));
    if (g->parts == 0) guards_before(t);
    reel_value loss = record_part(t, site, t->step, g->parts, &batch);
    double share = reel_failed(context) ? 1 : share_of(t, &batch);
    walk_back(site, loss, share);
    double value = reel_item(site, loss);
    if (reel_failed(context)) return reel_error_status(context);
    if (saver_know(t, site, value) != REEL_OK) return reel_error_status(context);
    bool look = guards_look(t);
    if (!isfinite(value) && (setting_of(t, SETTING_STOP_NOT_FINITE) || t->settings[SETTING_ROLLBACK] > 0))
        return guards_not_finite(t, site, loss, value);
    if (look && !guards_gradient_finite(t->params)) return guards_not_finite(t, site, loss, value);
    g->part_loss = g->parts == 0 ? share * value : g->part_loss + share * value;
    if (++g->parts < parts) return REEL_OK;
    int64_t step = t->step;
    reel_status status = update(t, site, loss);
    if (status != REEL_OK || t->step != step + 1) return status;
    status = guards_step_done(t, site, t->loss_before);
    *updated = status == REEL_OK && t->step == step + 1;
    return status;
}

/* Runs `batch` in evaluation mode and without gradients. */
static double loss_of_batch(reel_trainer *t, const char *site, const reel_batch *batch)
{
    return reel_item(site, record_loss(t, site, batch));
}

double trainer_loss_now(reel_trainer *t, const char *site)
{
    if (t->step == 0) return NAN;
    int64_t step = t->step - 1, parts = trainer_parts(t, step);
    /* The order of that epoch is gone when the next one has begun. */
    if (t->order.order && t->order.order_epoch != step / trainer_steps_per_epoch(t)) return NAN;
    bool gradients = reel_tape_set_gradients(t->tape, false), training = reel_tape_set_training(t->tape, false);
    reel_batch batch;
    double loss = 0;
    for (int64_t part = 0; part < parts && !reel_failed(t->object.context); part++) {
        double value = reel_item(site, record_part(t, site, step, part, &batch));
        loss = parts == 1 ? value : loss + share_of(t, &batch) * value;
    }
    if (reel_failed(t->object.context)) loss = NAN;
    reel_tape_set_gradients(t->tape, gradients);
    reel_tape_set_training(t->tape, training);
    return loss;
}

static reel_array rows_view(const reel_array *whole, int64_t first, int64_t count)
{
    reel_array view = *whole;
    int64_t row = whole->size / whole->shape[0];
    view.data = (char *)whole->data + (size_t)(first * row) * reel_dtype_size(whole->dtype);
    view.shape[0] = count;
    view.size = count * row;
    return view;
}

double reel_trainer_evaluate(const char *site, reel_trainer *t, reel_dataset *data)
{
    return trainer_evaluate(t, site, data, false);
}

double trainer_evaluate(reel_trainer *t, const char *site, reel_dataset *data, bool whole)
{
    if (!t || reel_failed(t->object.context)) return NAN;
    int64_t rows = data && data->x && data->x->rank ? data->x->shape[0] : 0;
    if (rows == 0 || !data->y || data->y->rank == 0 || data->y->shape[0] != rows) {
        reel_error_set(t->object.context, REEL_BAD_SHAPE, site, "trainer_evaluate",
                       "the data set has no rows, or x and y have not as many");
        return NAN;
    }
    int64_t size = setting_of(t, SETTING_BATCH);
    if (size == 0 || size > rows) size = rows;
    bool gradients = reel_tape_set_gradients(t->tape, false), training = reel_tape_set_training(t->tape, false);
    double sum = 0;
    for (int64_t first = 0; first < rows && (whole || !t->stop_requested); first += size) {
        int64_t count = first + size <= rows ? size : rows - first;
        reel_array x = rows_view(data->x, first, count), y = rows_view(data->y, first, count);
        reel_tape_rewind(t->tape);
        reel_batch batch = {.tape = t->tape,
                            .x = reel_input(site, t->tape, &x),
                            .y = reel_input(site, t->tape, &y),
                            .size = count,
                            .step = t->step};
        sum += loss_of_batch(t, site, &batch) * (double)count;
        if (reel_failed(t->object.context)) break;
    }
    reel_tape_set_gradients(t->tape, gradients);
    reel_tape_set_training(t->tape, training);
    return reel_failed(t->object.context) || (t->stop_requested && !whole) ? NAN : sum / (double)rows;
}

/* Saves when a checkpoint is due after this step; one that was asked for is there before the next step. */
static reel_status save_due(reel_trainer *t, const char *site, int64_t *saved)
{
    int64_t every = setting_of(t, SETTING_CHECKPOINT_EVERY);
    bool asked = t->save_requested;
    t->save_requested = 0;
    if (asked) *saved = t->step;
    if (asked) return folder_save(t, site, SAVE_NOW);
    return every > 0 && t->step % every == 0 ? folder_save(t, site, SAVE_LATER) : REEL_OK;
}

static void say_end(reel_trainer *t, reel_stop stop, const char *text)
{
    t->stop = stop;
    snprintf(t->reason, sizeof t->reason, "%s", text);
}

reel_status trainer_one_step(reel_trainer *t, const char *site)
{
    const int64_t step = t->step;
    reel_status status = REEL_OK;
    for (bool updated = false; status == REEL_OK && !updated && t->step <= step;)
        status = train_batch(t, site, &updated);
    return status;
}

static reel_status train_to_end(reel_trainer *t, const char *site)
{
    int64_t steps = reel_trainer_steps(t), saved = t->step;
    reel_status status = REEL_OK;
    bool ended = guards_stop(t);
    while (status == REEL_OK && t->step < steps && !t->stop_requested && !ended) {
        bool updated;
        int64_t before = t->step;
        status = train_batch(t, site, &updated);
        if (status != REEL_OK) return status;
        if (!updated) {
            if (t->step < before) saved = t->step; /* it has gone back, and saved itself there */
            continue;
        }
        ended = guards_stop(t);
        if (t->folder.path) status = folder_log_step(t, site);
        trainer_tell(t, REEL_EVENT_STEP, NULL);
        if (status == REEL_OK && t->folder.path) status = folder_collect(t, site);
        if (status == REEL_OK && t->folder.path && t->step < steps && !t->stop_requested && !ended)
            status = save_due(t, site, &saved);
    }
    if (status == REEL_OK && ended) trainer_note(t, "ended after step %lld: %s", (long long)t->step, t->reason);
    if (status == REEL_OK && t->folder.path && (saved < t->step || t->step == 0 || t->guards.parts > 0))
        status = folder_save(t, site, SAVE_LAST);
    if (status != REEL_OK || ended) return status;
    bool done = t->step >= steps;
    say_end(t, done ? REEL_STOP_EPOCHS : REEL_STOP_REQUEST, done ? "the last epoch is done" : "stopped on request");
    return done ? REEL_OK : REEL_STOPPED;
}

/* The smallest loss of a checkpoint of an older version is that of a batch, which no mean of an epoch would reach. */
static void renew_best(reel_trainer *t)
{
    const guards *g = &t->guards;
    if (t->step == 0 || trainer_steps_per_epoch(t) == 1 || g->epoch_rows > 0 || !isnan(g->epoch_loss)) return;
    t->best_loss = INFINITY;
    t->best_step = -1;
}

reel_status reel_trainer_run(const char *site, reel_trainer *t)
{
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    t->site = site && *site ? site : NULL;
    reel_status status = reel_params_seal(site, t->params);
    if (status == REEL_OK) status = batches_prepare(t, site);
    if (status == REEL_OK) status = guards_prepare(t, site);
    if (status == REEL_OK && t->folder.path) status = saver_prepare(t, site);
    say_end(t, REEL_STOP_NONE, "");
    object_raise(t);
    if (status == REEL_OK && !t->tape->rng) reel_tape_set_rng(t->tape, t->dropout);
    if (status == REEL_OK && t->folder.path)
        status = folder_open(t, site);
    else if (status == REEL_OK && t->resume_path)
        status = resume_load(t, site, t->resume_path);
    renew_best(t);
    if (status == REEL_OK) {
        resume_tell(t);
        trainer_tell(t, REEL_EVENT_BEGIN, NULL);
        status = train_to_end(t, site);
        if (t->folder.path) saver_settle(t, site);
        trainer_tell(t, REEL_EVENT_END, reel_error_text(context));
    }
    folder_close(t);
    t->site = NULL; /* a text of the caller's */
    t->stop_requested = 0;
    int64_t prove = setting_of(t, SETTING_PROVE);
    if ((status == REEL_OK || status == REEL_STOPPED) && prove > 0 && t->folder.path) {
        reel_proof proof;
        reel_status proved = reel_trainer_prove(site, t, prove, &proof);
        if (*proof.text) trainer_tell(t, REEL_EVENT_NOTE, proof.text);
        if (proved != REEL_OK) status = proved;
    }
    return status;
}

reel_tape *reel_trainer_tape(reel_trainer *t)
{
    return t ? t->tape : NULL;
}
