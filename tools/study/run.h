/* SPDX-License-Identifier: MIT
 *
 * One run of Baseline 1 on Reel's tape: model, optimizer, trainer, where it starts, what is recorded.
 */
#ifndef TOOLS_STUDY_RUN_H
#define TOOLS_STUDY_RUN_H

#include "history.h"
#include "study.h"

typedef struct study_run study_run;

/* What the state is in before an update: called with the parameters it is to be made from and their rendering
 * (3, height, width). */
typedef void (*study_look)(study_run *run, int64_t iteration, const reel_array *rendering, void *user);
/* After an update, or before the first one (step: where the run starts). */
typedef void (*study_after)(study_run *run, int64_t step, void *user);
/* Notes of the trainer, of its guards too. */
typedef void (*study_note)(study_run *run, int64_t step, const char *text, void *user);

struct study_run {
    const study_settings *settings;
    const char *folder; /* of its checkpoints; NULL: none */
    study_look look;
    study_after after;
    study_note note;
    void *user;

    reel_context *context;
    reel_params *params;
    gaussian_image model;
    reel_array *target; /* (3, height, width) */
    reel_optimizer *optimizer;
    reel_trainer *trainer;
    reel_progress *progress;
    char resume_path[4096];
    double kept[16];    /* the settings in the state, see study_kept */
    int64_t image_hash; /* in the state */
    bool squares_only;  /* the loss is L2 alone, for measurements along the step */

    int64_t first; /* updates made before the run began: after a resume those of the checkpoint */
    study_history history;
    study_point point; /* the last one that was printed or logged */
    double *losses;    /* losses[i]: before update i + 1; NaN: before `first` */
    int64_t loss_count, loss_room;
    double best; /* smallest of them, and its iteration */
    int64_t best_iteration;
    double gradient_norm; /* of the last update's gradient; NaN unless clipping or min_gradient asks for it */
    double seconds;       /* of training, on the clock */
    char ended[256];      /* why it ended before its last iteration; "" */
};

/* Builds everything; trains. Return the exit status, a line was printed unless it is EXIT_DONE. Set settings, folder and
 * the functions before, free afterwards in any case. */
int study_build(study_run *run);
int study_train(study_run *run);
void study_free(study_run *run);

/* The last iteration whose loss is within 10 % of the smallest one, plus 1: from there on the loss never comes back. NaN:
 * it is there at the end. NaN losses count as above. */
double study_onset(const double *losses, int64_t count, double best);
/* The largest loss after the best one, as a multiple of it. */
double study_overshoot(const double *losses, int64_t count, int64_t best_iteration);

#endif
