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

#include <signal.h>

/* The settings: one row is the table entry and the place in trainer->settings. */
#define TRAINER_SETTINGS(X)                                                                                            \
    X(EPOCHS, "epochs", 100, 0, 1e15, "passes over the data in total")                                                 \
    X(BATCH, "batch", 0, 0, 1e15, "rows a step; 0: the whole set")                                                     \
    X(SEED, "seed", 0, 0, 9007199254740992.0, "of the sampler and of dropout")                                         \
    X(CHECKPOINT_EVERY, "checkpoint_every", 0, 0, 1e15, "steps between checkpoints; 0: only the first and the last")   \
    X(KEEP, "keep", 2, 0, 1e15, "checkpoints kept besides the best, at least 2; 0: all")                               \
    X(DURABLE, "durable", 0, 0, 1, "1: flush every checkpoint to the disk; 0: at most once a second, and the last")    \
    X(LOG_EVERY, "log_every", 1, 1, 1e15, "steps between lines of the log")                                            \
    X(STOP_NOT_FINITE, "stop_when_not_finite", 1, 0, 1, "1: a loss that is not finite is an error; 0: go on")          \
    X(ACCEPT_EDITED, "accept_edited", 0, 0, 1, "1: resume from a checkpoint whose hash is wrong")                      \
    X(OTHER_DATA, "other_data", 0, 0, 1, "1: resume with other data or another batch size than the checkpoint's")      \
    X(OTHER_OPTIMIZER, "other_optimizer", 0, 0, 1, "1: resume with another kind of optimizer than the checkpoint's")   \
    X(PROVE, "prove", 0, 0, 1e6, "steps to prove the last checkpoint with, see reel_trainer_prove; 0: none")           \
    X(BACKGROUND, "background", 1, 0, 1, "1: checkpoints are written while training goes on; 0: training waits")       \
    X(BASE64_ABOVE, "base64_above", REEL_BASE64_ABOVE, -1, 1e15,                                                       \
      "arrays with more elements are saved as base64; -1: never")

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

/* The folder of the run. */
typedef struct run_folder {
    char *path; /* NULL: none */
    reel_resume resume;
    folder_lock *lock;
    struct saver *saver; /* writes log and checkpoints (saver.h) */
    int64_t log_bytes;   /* length of the log as it is written; while the saver's thread writes it is the thread's */
    double flushed_at;   /* when a checkpoint was last flushed to the disk */
} run_folder;

struct reel_trainer {
    reel_object object;
    reel_module *module;
    reel_dataset *data;
    reel_optimizer *optimizer;
    reel_params *params;
    reel_loss_of loss_of;
    reel_loss_function loss_function;
    void *user;
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
    char *data_hash;
    struct resume_asks *asks; /* what wins over a checkpoint; NULL: nothing */
    struct resume_told *told; /* what changed since the checkpoint; NULL: not resumed */

    /* what is saved, besides the objects */
    int64_t step;
    double loss_before, loss_after; /* of the last step's batch, around its update */
    double rate;                    /* that the last update used */
    double best_loss;
    int64_t best_step;
    double best_saved_loss; /* loss_after of the best checkpoint kept */
    int64_t best_saved_step;

    volatile sig_atomic_t stop_requested, save_requested;
};

static inline int64_t setting_of(const reel_trainer *trainer, setting s)
{
    return (int64_t)trainer->settings[s];
}

int64_t trainer_rows(const reel_trainer *trainer);       /* of the data set; 0 without one */
int64_t trainer_batch_size(const reel_trainer *trainer); /* rows a step */
int64_t trainer_steps_per_epoch(const reel_trainer *trainer);
void trainer_tell(reel_trainer *trainer, reel_event_kind kind, const char *text);
/* The same of another step than the present one. */
void trainer_tell_of(reel_trainer *trainer, reel_event_kind kind, const char *text, int64_t step);

/* batch.c: the rows of a step, recorded as inputs. */
reel_status batches_prepare(reel_trainer *trainer, const char *site);
reel_status batch_of_step(reel_trainer *trainer, const char *site, int64_t step, reel_batch *batch);
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
void folder_close(reel_trainer *trainer);

/* resume.c: loads a checkpoint, does what was asked for on top, and knows what changed. */
reel_status resume_load(reel_trainer *trainer, const char *site, const char *path);
void resume_tell(reel_trainer *trainer);
void resume_free(reel_trainer *trainer);
/* Is a setting kept in checkpoints? Those of one session are not. */
bool setting_is_saved(setting s);
/* XXH3-128 of element types, shapes and bytes of x and y, as text; "none" without data. */
const char *trainer_data_hash(reel_trainer *trainer, reel_context *context);

/* run.c: one update, without log, observer and checkpoint. */
reel_status trainer_one_step(reel_trainer *trainer, const char *site);

/* visit.c: what the trainer adds to the state. */
void trainer_visit(void *trainer, visitor *v, const char *name);

/* Loss of the last step's batch with the present parameters, in evaluation mode. */
double trainer_loss_now(reel_trainer *trainer, const char *site);

#endif
