/* SPDX-License-Identifier: MIT
 *
 * The loop: one step after the other, from wherever the run stands to its last epoch.
 */
#include "train/saver.h"

#include <reel/resume.h>

#include <math.h>

/* Records the loss of a batch; nil with an error kept. */
static reel_value record_loss(reel_trainer *t, const char *site, const reel_batch *batch)
{
    reel_value loss = t->loss_function(batch, t->user);
    if (reel_is_nil(loss) && !reel_failed(t->object.context))
        reel_error_set(t->object.context, REEL_BAD_STATE, site, "trainer_run", "the loss function gave no value");
    return loss;
}

static reel_status train_step(reel_trainer *t, const char *site)
{
    reel_context *context = t->object.context;
    reel_batch batch;
    reel_tape_rewind(t->tape);
    reel_rng_seek(site, t->dropout, (uint64_t)t->step);
    if (batch_of_step(t, site, t->step, &batch) != REEL_OK) return reel_error_status(context);
    reel_value loss = record_loss(t, site, &batch);
    reel_backward(site, loss);
    double value = reel_item(site, loss);
    if (reel_failed(context)) return reel_error_status(context);
    t->loss_before = value;
    if (!isfinite(value) && setting_of(t, SETTING_STOP_NOT_FINITE))
        return reel_error_set(context, REEL_NOT_FINITE, site, "trainer_run", "the loss is %g in step %lld (epoch %lld)",
                              isnan(value) ? (double)NAN : value, (long long)t->step + 1,
                              (long long)(t->step / trainer_steps_per_epoch(t)) + 1);
    saver_changes(t);
    t->rate = reel_optimizer_rate(t->optimizer);
    reel_status status = reel_optimizer_step(site, t->optimizer);
    if (status != REEL_OK) return status;
    if (value < t->best_loss) {
        t->best_loss = value;
        t->best_step = t->step;
    }
    t->step++;
    return t->average ? reel_average_step(site, t->average, t->step) : REEL_OK;
}

/* Runs `batch` in evaluation mode and without gradients. */
static double loss_of_batch(reel_trainer *t, const char *site, const reel_batch *batch)
{
    return reel_item(site, record_loss(t, site, batch));
}

double trainer_loss_now(reel_trainer *t, const char *site)
{
    if (t->step == 0) return NAN;
    bool gradients = reel_tape_set_gradients(t->tape, false), training = reel_tape_set_training(t->tape, false);
    reel_batch batch;
    reel_tape_rewind(t->tape);
    double loss = NAN;
    if (batch_of_step(t, site, t->step - 1, &batch) == REEL_OK) loss = loss_of_batch(t, site, &batch);
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
    for (int64_t first = 0; first < rows && !t->stop_requested; first += size) {
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
    return reel_failed(t->object.context) || t->stop_requested ? NAN : sum / (double)rows;
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

reel_status trainer_one_step(reel_trainer *t, const char *site)
{
    return train_step(t, site);
}

static reel_status train_to_end(reel_trainer *t, const char *site)
{
    int64_t steps = reel_trainer_steps(t), saved = t->step;
    reel_status status = REEL_OK;
    while (status == REEL_OK && t->step < steps && !t->stop_requested) {
        status = train_step(t, site);
        if (status != REEL_OK) return status;
        if (t->folder.path) status = folder_log_step(t, site);
        trainer_tell(t, REEL_EVENT_STEP, NULL);
        if (status == REEL_OK && t->folder.path) status = folder_collect(t, site);
        if (status == REEL_OK && t->folder.path && t->step < steps && !t->stop_requested)
            status = save_due(t, site, &saved);
    }
    if (status == REEL_OK && t->folder.path && (saved < t->step || t->step == 0))
        status = folder_save(t, site, SAVE_LAST);
    if (status == REEL_OK && t->stop_requested && t->step < steps) return REEL_STOPPED;
    return status;
}

reel_status reel_trainer_run(const char *site, reel_trainer *t)
{
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    reel_status status = reel_params_seal(site, t->params);
    if (status == REEL_OK) status = batches_prepare(t, site);
    if (status == REEL_OK && t->folder.path) status = saver_prepare(t, site);
    object_raise(t);
    if (status == REEL_OK && !t->tape->rng) reel_tape_set_rng(t->tape, t->dropout);
    if (status == REEL_OK && t->folder.path)
        status = folder_open(t, site);
    else if (status == REEL_OK && t->resume_path)
        status = resume_load(t, site, t->resume_path);
    if (status == REEL_OK) {
        resume_tell(t);
        trainer_tell(t, REEL_EVENT_BEGIN, NULL);
        status = train_to_end(t, site);
        if (t->folder.path) saver_settle(t, site);
        trainer_tell(t, REEL_EVENT_END, reel_error_text(context));
    }
    folder_close(t);
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
