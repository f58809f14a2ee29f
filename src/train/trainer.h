/* SPDX-License-Identifier: MIT
 *
 * Inside of the trainer.
 */
#ifndef REEL_TRAIN_TRAINER_H
#define REEL_TRAIN_TRAINER_H

#include "core/core.h"
#include "tape/tape.h"
#include "core/visit.h"
#include "io/file.h"
#include <reel/hyper.h>
#include <reel/train.h>

#include <math.h>
#include <signal.h>

/* The settings: one row is the table entry and the place in trainer->settings. A NUMBER's upper bound is excluded. */
#define TRAINER_SETTINGS(X)                                                                                            \
    X(EPOCHS, "epochs", WHOLE, 100, 0, 1e15, "passes over the data in total")                                          \
    X(BATCH, "batch", WHOLE, 0, 0, 1e15, "rows a batch; 0: the whole set")                                             \
    X(SEED, "seed", WHOLE, 0, 0, 9007199254740992.0, "of the sampler and of dropout")                                  \
    X(CHECKPOINT_EVERY, "checkpoint_every", WHOLE, 0, 0, 1e15,                                                         \
      "steps between checkpoints; 0: only the first and the last")                                                     \
    X(KEEP, "keep", WHOLE, 2, 0, 1e15, "checkpoints kept besides the best, at least 2; 0: all")                        \
    X(DURABLE, "durable", WHOLE, 0, 0, 1,                                                                              \
      "1: flush every checkpoint to the disk; 0: at most once a second, and the last")                                 \
    X(LOG_EVERY, "log_every", WHOLE, 1, 1, 1e15, "steps between lines of the log")                                     \
    X(STOP_NOT_FINITE, "stop_when_not_finite", WHOLE, 1, 0, 1,                                                         \
      "1: a loss or gradient that is not finite is an error; 0: go on")                                                \
    X(ACCEPT_EDITED, "accept_edited", WHOLE, 0, 0, 1, "1: resume from a checkpoint whose hash is wrong")               \
    X(OTHER_DATA, "other_data", WHOLE, 0, 0, 1,                                                                        \
      "1: resume with other data or another batch size than the checkpoint's")                                         \
    X(OTHER_OPTIMIZER, "other_optimizer", WHOLE, 0, 0, 1,                                                              \
      "1: resume with another kind of optimizer than the checkpoint's")                                                \
    X(PROVE, "prove", WHOLE, 0, 0, 1e6, "steps to prove the last checkpoint with, see reel_trainer_prove; 0: none")    \
    X(BACKGROUND, "background", WHOLE, 1, 0, 1,                                                                        \
      "1: checkpoints are written while training goes on; 0: training waits")                                          \
    X(BASE64_ABOVE, "base64_above", WHOLE, REEL_BASE64_ABOVE, -1, 1e15,                                                \
      "arrays with more elements are saved as base64; -1: never")                                                      \
    X(ACCUMULATE, "accumulate", WHOLE, 1, 1, 1e15, "batches whose gradients are averaged for one update")              \
    X(PATIENCE, "patience", WHOLE, 0, 0, 1e15, "epochs without improvement that end the run; 0: off")                  \
    X(MIN_DELTA, "min_delta", NUMBER, 0, 0, INFINITY, "by which the loss must fall to count as improvement")           \
    X(MIN_GRADIENT, "min_gradient", NUMBER, 0, 0, INFINITY, "a gradient norm below it ends the run; 0: off")           \
    X(MIN_CHANGE, "min_change", NUMBER, 0, 0, INFINITY,                                                                \
      "a relative change of the epoch's mean loss below it ends the run; 0: off")                                      \
    X(MONITOR, "monitor", WHOLE, 0, 0, 1e15, "steps between lines of monitor.jsonl, norms by parameter; 0: off")       \
    X(HASHES, "hashes", WHOLE, 0, 0, 1e15,                                                                             \
      "steps between lines of hashes.jsonl, a hash of each gradient and parameter; 0: off")                            \
    X(STEADY_LOSS, "steady_loss", WHOLE, 0, 0, 1,                                                                      \
      "1: the loss depends on the parameters alone: a save takes it from the step that follows")                       \
    X(SAVE_GRADIENT, "save_gradient", WHOLE, 0, 0, 1, "1: a checkpoint holds the gradient of its last step")           \
    X(ROLLBACK, "rollback", NUMBER, 0, 0, INFINITY,                                                                    \
      "above so many times the best loss go back to the best checkpoint; 0: off")                                      \
    X(ROLLBACK_RATE, "rollback_rate", NUMBER, 0.5, 1e-6, 1, "factor of the learning rate at each rollback")            \
    X(ROLLBACK_MOST, "rollback_most", WHOLE, 3, 0, 1e15, "rollbacks at most")

typedef enum setting {
#define SETTING_ENUM(id, ...) SETTING_##id,
    TRAINER_SETTINGS(SETTING_ENUM)
#undef SETTING_ENUM
        SETTING_COUNT
} setting;

/* The order of rows. A philox stream gives any row of any epoch at once; the others draw the order of an epoch when it
 * begins, which is then part of the state. */
typedef struct sampler {
    reel_rng *rng;       /* NULL until prepared */
    bool own;            /* made by the trainer from the seed */
    reel_array *order;   /* int64 (rows), not for philox */
    int64_t order_epoch; /* the epoch that order belongs to; -1 */
} sampler;

/* Files of lines besides the log: cut and brought along on resume as it is. */
typedef enum text_file { TEXT_MONITOR, TEXT_HASHES, TEXT_FILES } text_file;
extern const struct text_file_row {
    const char *name;   /* of the file */
    const char *member; /* of the checkpoint, its length; only there once it is asked for */
    setting every;      /* steps between its lines */
} text_files[TEXT_FILES];

/* The folder of the run. */
typedef struct run_folder {
    char *path; /* NULL: none */
    reel_resume resume;
    folder_lock *lock;
    struct saver *saver; /* writes log and checkpoints (saver.h) */
    /* Lengths of log.jsonl and the files of text_files as they are written; while the saver's thread writes they are the
     * thread's. */
    int64_t log_bytes, text_bytes[TEXT_FILES];
    double flushed_at; /* when a checkpoint was last flushed to the disk */
} run_folder;

/* What watches over the run: part of its state, and saved once it differs from guards_start. */
typedef struct guards {
    int64_t parts;      /* batches of the update that is open, whose gradient is there */
    double part_loss;   /* what they have added to its loss */
    double epoch_sum;   /* of loss times rows, over the updates of the epoch that is open */
    int64_t epoch_rows; /* their rows */
    double epoch_loss;  /* mean of the last whole epoch, and of the one before it; NaN */
    double epoch_loss_before;
    double validation;      /* last validation loss, NaN */
    double watched_best;    /* what patience watches: the smallest, */
    int64_t watched_step;   /* the updates made by then, */
    int64_t waited;         /* and the epochs since */
    double gradient_norm;   /* of the last update, when it was measured */
    double mean, deviation; /* of the losses of the last steps, for the monitor */
    int64_t seen;           /* losses in them */
    double rising_from;     /* mean loss that the last epochs have risen from, */
    int64_t rising;         /* so many in a row */
    int64_t rollbacks;
} guards;

extern const guards guards_start;

struct reel_trainer {
    reel_object object;
    reel_module *module;
    reel_dataset *data;
    reel_optimizer *optimizer;
    reel_params *params;
    reel_loss_of loss_of;
    reel_loss_function loss_function;
    void *user;
    const char *site; /* where the program runs it, for what the trainer records itself */
    reel_tape *tape;
    reel_state *state;
    reel_observer observer;
    void *observer_user;
    double settings[SETTING_COUNT];
    sampler order;
    reel_rng *dropout; /* philox, at position = step */
    reel_array *rows;  /* int64 (batch): the rows of this step */
    reel_array *x, *y; /* (batch, ...): those rows */
    run_folder folder;
    reel_average *average; /* or NULL */
    char *resume_path;
    char *recipe;                      /* or NULL */
    char *data_hash, *validation_hash; /* NULL: not known yet */
    struct resume_asks *asks;          /* what wins over a checkpoint; NULL: nothing */
    struct resume_told *told;          /* what changed since the checkpoint; NULL: not resumed */

    /* what is saved, besides the objects */
    int64_t step;
    double loss_before, loss_after; /* of the last step's batch, around its update */
    double rate;                    /* that the last update used */
    double best_loss;
    int64_t best_step;
    double best_saved_loss; /* loss_after of the best checkpoint kept */
    int64_t best_saved_step;
    guards guards;

    reel_dataset *validation; /* borrowed, or NULL */
    reel_stop stop;           /* why the run has ended */
    char reason[256];
    void *before; /* parameters and buffers as they were: what the monitor and a step that fails need; or NULL */
    size_t before_bytes;
    int64_t gradient_step; /* the update whose gradient the store holds; -1: of none, or of an open one */
    int64_t parts_found;   /* guards.parts of the file that is being read */
    bool validated;        /* this step has ended an epoch and measured the validation loss */

    volatile sig_atomic_t stop_requested, save_requested;
};

static inline int64_t setting_of(const reel_trainer *trainer, setting s)
{
    return (int64_t)trainer->settings[s];
}

int64_t trainer_rows(const reel_trainer *trainer);       /* of the data set; 0 without one */
int64_t trainer_batch_size(const reel_trainer *trainer); /* rows a batch */
int64_t trainer_batches_per_epoch(const reel_trainer *trainer);
int64_t trainer_steps_per_epoch(const reel_trainer *trainer); /* updates */
/* Batches and rows (without data: batches) of the update that follows `step` others. */
int64_t trainer_parts(const reel_trainer *trainer, int64_t step);
int64_t trainer_step_rows(const reel_trainer *trainer, int64_t step);
void trainer_tell(reel_trainer *trainer, reel_event_kind kind, const char *text);
/* The same of another step than the present one. */
void trainer_tell_of(reel_trainer *trainer, reel_event_kind kind, const char *text, int64_t step);

/* batch.c: the rows of a step, recorded as inputs. */
reel_status batches_prepare(reel_trainer *trainer, const char *site);
reel_status batch_of_step(reel_trainer *trainer, const char *site, int64_t step, int64_t part, reel_batch *batch);
void sampler_visit(reel_trainer *trainer, visitor *v);

/* folder.c */
reel_status folder_open(reel_trainer *trainer, const char *site);
typedef enum save_when {
    SAVE_LATER,
    SAVE_NOW,
    SAVE_LAST
} save_when; /* LATER: in the background, unless set otherwise */
reel_status folder_save(reel_trainer *trainer, const char *site, save_when when);
/* Tells of a checkpoint that is there by now, or keeps the error. */
reel_status folder_collect(reel_trainer *trainer, const char *site);
reel_status folder_log_step(reel_trainer *trainer, const char *site);
/* Goes back to the best checkpoint that is there: loads it and removes those after it; *step becomes its step. *found is
 * false, and nothing has happened, when there is none. */
reel_status folder_go_back(reel_trainer *trainer, const char *site, int64_t *step, bool *found);
void folder_close(reel_trainer *trainer);

/* resume.c: loads a checkpoint, does what was asked for on top, and knows what changed. */
reel_status resume_load(reel_trainer *trainer, const char *site, const char *path);
void resume_tell(reel_trainer *trainer);
void resume_free(reel_trainer *trainer);
/* Is a setting kept in checkpoints? Those of one session are not. */
bool setting_is_saved(setting s);
/* XXH3-128 of element types, shapes and bytes of x and y, as text; "none" without data. */
const char *trainer_data_hash(reel_trainer *trainer, reel_context *context);
const char *trainer_validation_hash(reel_trainer *trainer, reel_context *context);

/* run.c: one update, without log, observer and checkpoint. */
reel_status trainer_one_step(reel_trainer *trainer, const char *site);

/* visit.c: what the trainer adds to the state. */
void trainer_visit(void *trainer, visitor *v, const char *name);

/* guards.c */
void guards_visit(reel_trainer *trainer, visitor *v);
/* The gradient of the update that is open, if there is one. */
void gradient_visit(void *trainer, visitor *v, const char *name);
/* That of the last update, when it is asked for; no part of the state hash, since nothing depends on it. */
void last_gradient_visit(void *trainer, visitor *v, const char *name);
/* Memory for what the settings ask for. */
reel_status guards_prepare(reel_trainer *trainer, const char *site);
/* Before a batch is recorded: keeps the buffers, which recording may change. */
void guards_before(reel_trainer *trainer);
/* Is the gradient to be looked at after each walk back, and is it finite? */
bool guards_look(const reel_trainer *trainer);
bool guards_gradient_finite(const reel_params *params);
/* Loss or gradient of the open update are not finite: goes back when that is asked for, else writes the checkpoint of before
 * it and keeps the error, which names the origin. */
reel_status guards_not_finite(reel_trainer *trainer, const char *site, reel_value loss, double value);
/* After an update: the loss counts for its epoch, and at its end for schedules, patience and rollback. */
reel_status guards_step_done(reel_trainer *trainer, const char *site, double loss);
/* Is one of the conditions met that end a run before its last epoch? Then trainer->stop and reason say so. */
bool guards_stop(reel_trainer *trainer);

/* monitor.c */
/* Before an update, and after it: a line about each parameter when one is due. */
reel_status monitor_before(reel_trainer *trainer, const char *site);
void monitor_after(reel_trainer *trainer);
/* Tells of a loss that jumps, and of epochs that go on rising. */
void monitor_loss(reel_trainer *trainer, double loss);
void monitor_epoch(reel_trainer *trainer, double mean);
/* Units of all relus on a tape, those that are 0 in every row, and the units of the largest relu that is dead as a whole. */
void monitor_units(const reel_tape *tape, int64_t *units, int64_t *dead, int64_t *layer);

/* hashes.c: the same with a line of hashes. */
reel_status hashes_before(reel_trainer *trainer, const char *site);
void hashes_after(reel_trainer *trainer);

/* Norm of the last gradient, NaN unless clipping or a guard has measured it. */
double trainer_gradient_norm(const reel_trainer *trainer);
/* Says something to the observer. */
void trainer_note(reel_trainer *trainer, const char *format, ...) REEL_PRINTF(2, 3);
/* Mean loss over a data set. `whole`: a request to stop does not cut it short. */
double trainer_evaluate(reel_trainer *trainer, const char *site, reel_dataset *data, bool whole);
/* Loss of the last step's batch with the present parameters, in evaluation mode. */
double trainer_loss_now(reel_trainer *trainer, const char *site);

#endif
