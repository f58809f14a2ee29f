/* SPDX-License-Identifier: MIT
 *
 * The trainer: epochs and mini-batches, schedule, clipping, checkpoints, resume, log, progress, stopping.
 */
#ifndef REEL_TRAIN_H
#define REEL_TRAIN_H

#include <reel/checkpoint.h>
#include <reel/data.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_trainer reel_trainer;

/* What a loss function is given: the rows of this step. Without a data set x and y are nil. */
typedef struct reel_batch {
    reel_tape *tape;
    reel_value x, y;
    int64_t size;           /* rows */
    const int64_t *indices; /* (size) rows of the data set; NULL when it is the whole set in order */
    int64_t step;           /* updates done before this one */
    int64_t part;           /* number of the batch among those of its update (`accumulate`), from 0 */
} reel_batch;

/* Records the loss of a batch and returns it (one element). */
typedef reel_value (*reel_loss_function)(const reel_batch *batch, void *user);
/* Records the loss from what the model says and what is right: reel_mse, reel_bce_with_logits, ... */
typedef reel_value (*reel_loss_of)(const char *site, reel_value prediction, reel_value target);

/* A trainer for a module, a data set and a loss; one for any loss function (module and data may be NULL; params are
 * those of the optimizer). All are borrowed. Owned by the context. */
REEL_API reel_trainer *reel_trainer_new(REEL_SITE reel_module *module, reel_dataset *data, reel_loss_of loss,
                                        reel_optimizer *optimizer);
REEL_API reel_trainer *reel_trainer_custom_new(REEL_SITE reel_optimizer *optimizer, reel_module *module,
                                               reel_dataset *data, reel_loss_function loss, void *user);
REEL_API void reel_trainer_free(reel_trainer *trainer);

/* Settings by name; reel_trainer_setting lists them with default, range and sentence:
 *   epochs 100            passes over the data in total, those before a resume included
 *   batch 0               rows a batch; 0: the whole set
 *   seed 0                of the sampler and of dropout
 *   checkpoint_every 0    steps between checkpoints; 0: only the first and the last
 *   keep 2                checkpoints kept besides the best (at least 2); 0: all
 *   durable 0             1: flush every checkpoint to the disk; 0: at most once a second, and the last
 *   log_every 1           steps between lines of the log
 *   stop_when_not_finite 1  a loss or gradient that is not finite is an error; 0: go on
 *   accept_edited 0       1: resume from a checkpoint whose hash is wrong
 *   other_data 0          1: resume with other data or another batch size than the checkpoint's
 *   other_optimizer 0     1: resume with another kind of optimizer (reel/resume.h)
 *   prove 0               steps to prove the run's last checkpoint with (reel_trainer_prove); 0: none
 *   background 1          checkpoints and log are written by a thread of the trainer while training goes on; 0: training
 *                         waits for each
 *   base64_above 16384    arrays with more elements are saved as base64; -1: never
 *   accumulate 1          batches whose gradients are averaged for one update
 *   patience 0            epochs without improvement that end the run; 0: off
 *   min_delta 0           by which the loss must fall to count as improvement
 *   min_gradient 0        a gradient norm below it ends the run; 0: off
 *   min_change 0          a relative change of the epoch's mean loss below it ends the run; 0: off
 *   monitor 0             steps between lines of monitor.jsonl; 0: off
 *   hashes 0              steps between lines of hashes.jsonl, a hash of each gradient and parameter; 0: off
 *   save_gradient 0       1: a checkpoint holds the gradient of its last step, as the optimizer was given it after clipping
 *                         and noise (state/last_gradient); for tools, and no part of the state hash
 *   steady_loss 0         1: the loss depends on the parameters alone, not on rows, streams or the mode of the tape; the
 *                         loss after an update is then taken from the step that follows it, not computed twice
 *   rollback 0            above so many times the best loss go back to the best checkpoint; 0: off
 *   rollback_rate 0.5     factor of the learning rate at each rollback
 *   rollback_most 3       rollbacks at most
 *
 * In the background a save costs the training thread the copy of the batch and of what is small; the thread copies the
 * rest before the optimizer's next step, computes the loss after the update on a copy of the model, converts, hashes and
 * writes. With a loss function, modules or buffers of the program's own the training thread does the copying and the
 * evaluation. The files are the same, byte for byte. A save that is due waits for the one before it; the first and the
 * last one, and those that were requested, are on the disk before training goes on; an error of the thread is the
 * context's at the next step or save. The thread lives in reel_trainer_run and takes no signals.
 *
 * A step is an update. With `accumulate` k it is made of k batches, fewer at the end of an epoch, whose gradients are
 * averaged by their rows: of a loss that is a mean over rows the gradient of one batch of all of them. Epochs, logs,
 * checkpoints and schedules count updates; a run that is stopped within an update saves its part of the gradient, and
 * goes on with the next batch. The training thread computes the loss after the update then.
 *
 * The mean loss of an epoch is that of its updates' losses, each before its update and counted by its rows; in a run
 * resumed from a checkpoint of an older version, of those since. At the end of each epoch a plateau schedule is shown it.
 *
 * A loss or gradient that is not finite is an error before a parameter is touched. It names the operation the first such
 * number came from (reel/trace.h), and the state of before the step is saved. With clip_norm and clip_nonfinite "skip" or
 * "pass" the gradient is the optimizer's business.
 *
 * The monitor writes for each parameter the norms of gradient, update and weights and the ratio of the last two, for
 * each relu of the last batch its units and the share of those that are 0 in every row; and tells of losses that
 * jump or go on rising. A rollback, when the loss (with mini-batches the epoch's mean) is above `rollback` times the best
 * or not finite, loads the best checkpoint kept (checkpoint 0, which stays, when none is below that), multiplies the learning rate, removes the checkpoints after it, and is
 * a line of the log without "step"; the lines of the steps that were given up stay before it. */
REEL_API reel_status reel_trainer_set(REEL_SITE reel_trainer *trainer, const char *name, double value);
REEL_API double reel_trainer_get(const reel_trainer *trainer, const char *name);
REEL_API const reel_hyper *reel_trainer_setting(int index); /* NULL past the end */

/* The folder of the run: checkpoints step-000000000.json, ..., log.jsonl and times.jsonl. Made when missing. */
typedef enum reel_resume {
    REEL_START,    /* a folder that holds a run is refused */
    REEL_CONTINUE, /* from its newest good checkpoint; an error when there is none */
    REEL_AUTO,     /* from its newest good checkpoint when there is one, else start */
    REEL_FORCE     /* delete the run that stands there and start */
} reel_resume;
REEL_API reel_status reel_trainer_set_folder(REEL_SITE reel_trainer *trainer, const char *folder, reel_resume resume);
/* What makes model and data again, in words that the program understands (copied; NULL: none): it stands in every checkpoint
 * as state/trainer/recipe, for tools that build the run's model from a file. No part of the state hash, and a resume keeps
 * the program's. */
REEL_API reel_status reel_trainer_set_recipe(REEL_SITE reel_trainer *trainer, const char *recipe);
/* Start from this checkpoint file instead of from the folder's newest. */
REEL_API reel_status reel_trainer_resume_file(REEL_SITE reel_trainer *trainer, const char *path);

/* A stream of the program's own that belongs to the run: saved and restored with it. `sampler` NULL (default): a philox
 * stream of the seed; numpy or torch: that stream shuffles each epoch. */
REEL_API reel_status reel_trainer_add_rng(REEL_SITE reel_trainer *trainer, const char *name, reel_rng *rng);
REEL_API reel_status reel_trainer_set_sampler(REEL_SITE reel_trainer *trainer, reel_rng *sampler);
/* Data that are evaluated at the end of each epoch, as reel_trainer_evaluate does: their loss goes into the log, and patience
 * watches it instead of the epoch's mean loss. A resume refuses others than those of the run, as it does with the training data
 * (other_data). Borrowed; NULL: none. Error: no rows. */
REEL_API reel_status reel_trainer_set_validation(REEL_SITE reel_trainer *trainer, reel_dataset *data);
/* An average of the parameters (reel/average.h), told of every update and saved as "average". Borrowed. Error: one was set
 * before. */
REEL_API reel_status reel_trainer_set_average(REEL_SITE reel_trainer *trainer, reel_average *average);
REEL_API reel_average *reel_trainer_average(const reel_trainer *trainer); /* NULL: none */
/* The state of the run: a program adds what else is to be saved. */
REEL_API reel_state *reel_trainer_state(reel_trainer *trainer);
/* The tape the trainer records on. A random stream set on it before the run takes the place of the seed's own philox
 * stream for dropout; add it with reel_trainer_add_rng, so that it is saved. */
REEL_API reel_tape *reel_trainer_tape(reel_trainer *trainer);

/* What an observer is told. Texts are valid during the call. */
typedef enum reel_event_kind {
    REEL_EVENT_BEGIN,      /* before the first step; `text`: where the run starts from */
    REEL_EVENT_STEP,       /* after a step */
    REEL_EVENT_CHECKPOINT, /* `text`: the file, which is there now; `step`: its step, which may be some steps ago */
    REEL_EVENT_NOTE,       /* `text`: something the user should know (a damaged checkpoint was passed over, ...) */
    REEL_EVENT_END
} reel_event_kind;

typedef struct reel_event {
    reel_event_kind kind;
    int64_t step, steps; /* updates done, in total */
    int64_t epoch, epochs;
    double loss;          /* of this step's batch, before its update */
    double rate;          /* learning rate used */
    double gradient_norm; /* NaN unless clipping or min_gradient measured it */
    const char *text;
    double epoch_loss; /* mean of the last whole epoch; NaN before */
    double validation; /* last validation loss; NaN before */
} reel_event;

typedef void (*reel_observer)(const reel_event *event, void *user);
REEL_API void reel_trainer_set_observer(reel_trainer *trainer, reel_observer observer, void *user);

/* A ready observer that reports to a file: a bar on a terminal (10 times a second at most), else a line every 5 % or
 * 30 seconds. Give reel_progress_observe and the progress to reel_trainer_set_observer. Honours NO_COLOR. */
typedef struct reel_progress reel_progress;
REEL_API reel_progress *reel_progress_new(REEL_SITE reel_context *context, FILE *file);
REEL_API void reel_progress_observe(const reel_event *event, void *progress);
REEL_API void reel_progress_free(reel_progress *progress);

/* Trains until the last epoch, or until patience, min_gradient or min_change end the run. REEL_STOPPED after reel_trainer_request_stop: the state is saved, and resuming goes on. */
REEL_API reel_status reel_trainer_run(REEL_SITE reel_trainer *trainer);
/* Mean loss over a data set, in evaluation mode and without gradients, in batches; NaN on error or stop. */
REEL_API double reel_trainer_evaluate(REEL_SITE reel_trainer *trainer, reel_dataset *data);

/* Why the last run has ended, and a sentence about it, "" for none and error. The text is the trainer's. */
typedef enum reel_stop {
    REEL_STOP_NONE,     /* it has not, or with an error */
    REEL_STOP_EPOCHS,   /* the last epoch is done */
    REEL_STOP_PATIENCE, /* these three are checked again by a run that goes on from there */
    REEL_STOP_GRADIENT,
    REEL_STOP_CHANGE,
    REEL_STOP_REQUEST
} reel_stop;
REEL_API reel_stop reel_trainer_stop_reason(const reel_trainer *trainer, const char **text);

/* May be called from a signal handler or another thread: stop after this batch, or save after this step and go on. */
REEL_API void reel_trainer_request_stop(reel_trainer *trainer);
REEL_API void reel_trainer_request_save(reel_trainer *trainer);

/* Updates done; updates in total; epochs begun and done; loss of the last step before and (evaluated for a checkpoint)
 * after its update; smallest loss so far and the updates made before it, with mini-batches the smallest mean of an epoch
 * and the updates made by its end; mean loss of the last whole epoch, last validation loss (NaN before). */
REEL_API int64_t reel_trainer_step(const reel_trainer *trainer);
REEL_API int64_t reel_trainer_steps(const reel_trainer *trainer);
REEL_API double reel_trainer_loss(const reel_trainer *trainer);
REEL_API double reel_trainer_epoch_loss(const reel_trainer *trainer);
REEL_API double reel_trainer_validation_loss(const reel_trainer *trainer);
REEL_API double reel_trainer_best(const reel_trainer *trainer, int64_t *step);

#ifndef REEL_NO_SITE_MACROS
#define reel_trainer_new(...) reel_trainer_new(REEL_HERE, __VA_ARGS__)
#define reel_trainer_custom_new(...) reel_trainer_custom_new(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set(...) reel_trainer_set(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set_folder(...) reel_trainer_set_folder(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set_recipe(...) reel_trainer_set_recipe(REEL_HERE, __VA_ARGS__)
#define reel_trainer_resume_file(...) reel_trainer_resume_file(REEL_HERE, __VA_ARGS__)
#define reel_trainer_add_rng(...) reel_trainer_add_rng(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set_sampler(...) reel_trainer_set_sampler(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set_validation(...) reel_trainer_set_validation(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set_average(...) reel_trainer_set_average(REEL_HERE, __VA_ARGS__)
#define reel_progress_new(...) reel_progress_new(REEL_HERE, __VA_ARGS__)
#define reel_trainer_run(...) reel_trainer_run(REEL_HERE, __VA_ARGS__)
#define reel_trainer_evaluate(...) reel_trainer_evaluate(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
