/* SPDX-License-Identifier: MIT
 *
 * Going on from a checkpoint: what is to be otherwise from then on, what has changed, and the proof that it is exact.
 *
 * A checkpoint brings its hyper-parameters, clipping, schedule and moments along: they win over what the program has set
 * on its optimizer. What was asked for here wins over the checkpoint. Settings of the trainer are the program's; batch,
 * seed, data and model must be those of the run.
 */
#ifndef REEL_RESUME_H
#define REEL_RESUME_H

#include <reel/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sets a hyper-parameter of the optimizer (its own or a shared one, as clip_norm), or a setting of the trainer, by name:
 * now, and again after a checkpoint is loaded. `source` (copied; NULL: "program") is what the report calls it. Error: no
 * such name, out of range. */
REEL_API reel_status reel_trainer_ask(REEL_SITE reel_trainer *trainer, const char *name, double value,
                                      const char *source);
/* The same for the schedule of all groups, as reel_schedule_parse reads it; "none": no schedule. The horizon is the number
 * of steps of the run, or those that are left when the origin is here: set epochs and batch first. */
REEL_API reel_status reel_trainer_ask_schedule(REEL_SITE reel_trainer *trainer, const char *spec, const char *source);
/* Where the schedule counts from after a resume: from the first step of the run, or from the step resumed at. Without it
 * the checkpoint's origin stays. */
typedef enum reel_schedule_origin { REEL_ORIGIN_KEPT, REEL_ORIGIN_START, REEL_ORIGIN_HERE } reel_schedule_origin;
REEL_API reel_status reel_trainer_ask_origin(REEL_SITE reel_trainer *trainer, reel_schedule_origin origin,
                                             const char *source);
/* Forgets the moments after a resume; with `steps` the count of steps as well, on which bias corrections depend. The
 * schedule goes on where it was. */
REEL_API reel_status reel_trainer_ask_reset(REEL_SITE reel_trainer *trainer, bool steps, const char *source);

typedef enum reel_change_kind {
    REEL_CHANGE_ASKED,   /* asked for: it wins over the checkpoint */
    REEL_CHANGE_KEPT,    /* the checkpoint's stays, although the program has another value */
    REEL_CHANGE_SETTING, /* of the trainer: the program's wins */
    REEL_CHANGE_MACHINE, /* fingerprint: program, version, compiler, kernels, threads, ... */
    REEL_CHANGE_SAME     /* said because it matters: the data are the same */
} reel_change_kind;

typedef struct reel_change {
    reel_change_kind kind;
    int group;          /* of a hyper-parameter or schedule; -1: of the whole */
    const char *name;   /* "lr", "schedule", "epochs", "kernels", "data hash" */
    const char *before; /* in the checkpoint */
    const char *now;    /* what the program or a flag says */
    const char *text;   /* "lr 0.001 -> 0.0005 (flag)" */
} reel_change;

/* What differs between the checkpoint and the program, row by row of the tables of hyper-parameters and settings. */
typedef struct reel_resume_report {
    const char *path; /* of the checkpoint */
    int64_t step;
    int count;
    const reel_change *changes;
} reel_resume_report;

/* The report of the last resume; NULL when the run started anew. It belongs to the trainer. An observer is told its lines
 * as notes before REEL_EVENT_BEGIN. */
REEL_API const reel_resume_report *reel_trainer_report(const reel_trainer *trainer);

/* What a proof has found. */
typedef struct reel_proof {
    bool same;
    int64_t from, steps; /* the checkpoint's step; steps compared */
    int64_t differs_at;  /* step after which the first difference was found, 0: the file against the state; -1: none */
    char tensor[256];    /* the first that differs: "parameters/net.0.weight" */
    char text[512];      /* one sentence */
} reel_proof;

/* Proves that the run's last checkpoint is complete: a copy of the process (fork) goes on for `steps` steps, loads the
 * file, makes the same steps again and compares the state bit for bit after each. The steps in between leave their mark on
 * everything that is not in the file, so what the program has forgotten to add to the state shows as a difference. The
 * calling process and its run are left as they are. After reel_trainer_run with a folder, when log and checkpoint are
 * written and the background thread has ended; threads of the program's own are not there in the copy. Error:
 * REEL_MISMATCH, a difference; REEL_BAD_STATE, no checkpoint of the present step; REEL_IO, no second process. `proof` may
 * be NULL. */
REEL_API reel_status reel_trainer_prove(REEL_SITE reel_trainer *trainer, int64_t steps, reel_proof *proof);

#ifndef REEL_NO_SITE_MACROS
#define reel_trainer_ask(...) reel_trainer_ask(REEL_HERE, __VA_ARGS__)
#define reel_trainer_ask_schedule(...) reel_trainer_ask_schedule(REEL_HERE, __VA_ARGS__)
#define reel_trainer_ask_origin(...) reel_trainer_ask_origin(REEL_HERE, __VA_ARGS__)
#define reel_trainer_ask_reset(...) reel_trainer_ask_reset(REEL_HERE, __VA_ARGS__)
#define reel_trainer_prove(...) reel_trainer_prove(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
