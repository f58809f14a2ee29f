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
 *   batch 0               rows a step; 0: the whole set
 *   seed 0                of the sampler and of dropout
 *   checkpoint_every 0    steps between checkpoints; 0: only the first and the last
 *   keep 2                checkpoints kept besides the best (at least 2); 0: all
 *   durable 0             1: flush every checkpoint to the disk; 0: at most once a second, and the last
 *   log_every 1           steps between lines of the log
 *   stop_when_not_finite 1  a loss that is not finite is an error; 0: go on
 *   accept_edited 0       1: resume from a checkpoint whose hash is wrong
 *   other_data 0          1: resume with other data or another batch size than the checkpoint's
 *   other_optimizer 0     1: resume with another kind of optimizer (reel/resume.h)
 *   prove 0               steps to prove the run's last checkpoint with (reel_trainer_prove); 0: none
 *   background 1          checkpoints and log are written by a thread of the trainer while training goes on; 0: training
 *                         waits for each
 *   base64_above 16384    arrays with more elements are saved as base64; -1: never
 *
 * In the background a save costs the training thread the copy of the batch and of what is small; the thread copies the
 * rest before the optimizer's next step, computes the loss after the update on a copy of the model, converts, hashes and
 * writes. With a loss function, modules or buffers of the program's own the training thread does the copying and the
 * evaluation. The files are the same, byte for byte. A save that is due waits for the one before it; the first and the
 * last one, and those that were requested, are on the disk before training goes on; an error of the thread is the
 * context's at the next step or save. The thread lives in reel_trainer_run and takes no signals. */
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
/* Start from this checkpoint file instead of from the folder's newest. */
REEL_API reel_status reel_trainer_resume_file(REEL_SITE reel_trainer *trainer, const char *path);

/* A stream of the program's own that belongs to the run: saved and restored with it. `sampler` NULL (default): a philox
 * stream of the seed; numpy or torch: that stream shuffles each epoch. */
REEL_API reel_status reel_trainer_add_rng(REEL_SITE reel_trainer *trainer, const char *name, reel_rng *rng);
REEL_API reel_status reel_trainer_set_sampler(REEL_SITE reel_trainer *trainer, reel_rng *sampler);
/* An average of the parameters (reel/average.h), told of every update and saved as "average". Borrowed. Error: one was set
 * before. */
REEL_API reel_status reel_trainer_set_average(REEL_SITE reel_trainer *trainer, reel_average *average);
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
    double gradient_norm; /* NaN unless clipping measured it */
    const char *text;
} reel_event;

typedef void (*reel_observer)(const reel_event *event, void *user);
REEL_API void reel_trainer_set_observer(reel_trainer *trainer, reel_observer observer, void *user);

/* A ready observer that reports to a file: a bar on a terminal (10 times a second at most), else a line every 5 % or
 * 30 seconds. Give reel_progress_observe and the progress to reel_trainer_set_observer. Honours NO_COLOR. */
typedef struct reel_progress reel_progress;
REEL_API reel_progress *reel_progress_new(REEL_SITE reel_context *context, FILE *file);
REEL_API void reel_progress_observe(const reel_event *event, void *progress);
REEL_API void reel_progress_free(reel_progress *progress);

/* Trains until the last epoch. REEL_STOPPED after reel_trainer_request_stop: the state is saved, and resuming goes on. */
REEL_API reel_status reel_trainer_run(REEL_SITE reel_trainer *trainer);
/* Mean loss over a data set, in evaluation mode and without gradients, in batches; NaN on error or stop. */
REEL_API double reel_trainer_evaluate(REEL_SITE reel_trainer *trainer, reel_dataset *data);

/* May be called from a signal handler or another thread: stop after this step, or save and go on. */
REEL_API void reel_trainer_request_stop(reel_trainer *trainer);
REEL_API void reel_trainer_request_save(reel_trainer *trainer);

/* Updates done; updates in total; epochs begun and done; loss of the last step before and (evaluated for a checkpoint)
 * after its update; smallest loss so far and its step. */
REEL_API int64_t reel_trainer_step(const reel_trainer *trainer);
REEL_API int64_t reel_trainer_steps(const reel_trainer *trainer);
REEL_API double reel_trainer_loss(const reel_trainer *trainer);
REEL_API double reel_trainer_best(const reel_trainer *trainer, int64_t *step);

#ifndef REEL_NO_SITE_MACROS
#define reel_trainer_new(...) reel_trainer_new(REEL_HERE, __VA_ARGS__)
#define reel_trainer_custom_new(...) reel_trainer_custom_new(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set(...) reel_trainer_set(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set_folder(...) reel_trainer_set_folder(REEL_HERE, __VA_ARGS__)
#define reel_trainer_resume_file(...) reel_trainer_resume_file(REEL_HERE, __VA_ARGS__)
#define reel_trainer_add_rng(...) reel_trainer_add_rng(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set_sampler(...) reel_trainer_set_sampler(REEL_HERE, __VA_ARGS__)
#define reel_trainer_set_average(...) reel_trainer_set_average(REEL_HERE, __VA_ARGS__)
#define reel_progress_new(...) reel_progress_new(REEL_HERE, __VA_ARGS__)
#define reel_trainer_run(...) reel_trainer_run(REEL_HERE, __VA_ARGS__)
#define reel_trainer_evaluate(...) reel_trainer_evaluate(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
