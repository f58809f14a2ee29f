/* SPDX-License-Identifier: MIT
 *
 * Inside of resuming.
 */
#ifndef REEL_TRAIN_RESUME_H
#define REEL_TRAIN_RESUME_H

#include "optim/optim.h"
#include "train/state.h"
#include "train/trainer.h"
#include <reel/resume.h>

/* A value that was asked for; `row` is of the table of the optimizer's kind, of the shared one, or of the settings. */
typedef struct resume_ask {
    const reel_hyper *row;
    double value;
    char *source;
} resume_ask;

typedef struct resume_asks {
    resume_ask *items;
    int count, room;
    char *schedule, *schedule_source; /* NULL: not asked for */
    reel_schedule_origin origin;
    char *origin_source;
    bool reset, reset_steps;
    char *reset_source;
} resume_asks;

typedef struct resume_told {
    reel_resume_report report;
    reel_change *changes;
    int room;
    char *path;
    int64_t total;          /* steps of the whole run as the checkpoint has it */
    int64_t schedule_start; /* step of the run at which the checkpoint's schedule has its step 0 */
} resume_told;

/* What was asked for under this name; NULL: nothing. */
const resume_ask *resume_asked(const reel_trainer *trainer, const reel_hyper *row);

/* Adds a line; `text` NULL: "NAME BEFORE -> NOW (SOURCE)". Group -1: of the whole. */
void resume_add(reel_trainer *trainer, reel_change_kind kind, int group, const char *name, const char *before,
                const char *now, const char *source, const char *text);
/* Compares the program's objects, before anything is loaded, with the checkpoint. False with an error kept. */
bool resume_compare(reel_trainer *trainer, const char *site, const char *path, const reel_checkpoint *checkpoint);
void resume_told_free(reel_trainer *trainer);
/* Is something of the file left out by consent, so that the state hash of the file is no measure? */
bool resume_leaves_out(reel_trainer *trainer, const reel_checkpoint *checkpoint);

#define SPEC_SIZE 1024
/* The text of a group's schedule; "none". */
const char *resume_schedule_text(const reel_trainer *trainer, int group, char text[SPEC_SIZE]);

#endif
