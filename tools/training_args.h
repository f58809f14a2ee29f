/* SPDX-License-Identifier: MIT
 *
 * What the commands share whose flags are those of any program (reel_args) beside their own.
 */
#ifndef TOOLS_TRAINING_ARGS_H
#define TOOLS_TRAINING_ARGS_H

#include "options.h"

typedef struct training_command {
    const char *name;       /* "reel fit" */
    const char *text;       /* what it does */
    const char *operand;    /* one, or none; NULL: none */
    const char *const *out; /* --out; its checkpoints go to a folder in it */
    const char *resume;     /* how the newest checkpoint is asked for: "--resume" */
    void (*more)(void);     /* further help */
} training_command;

/* The flags, with the command's own groups (borrowed). */
reel_args *training_args_new(const training_command *kind, reel_context *context, int argc, char **argv,
                             const option_group *groups, int group_count);
/* Reads them, and prints help or what is wrong. Returns -1, or the exit status. */
int training_args_read(const training_command *kind, reel_args *args);
/* What was typed for --seed, which makes more than batches. Returns -1, or the exit status. */
int training_args_seed(const training_command *kind, reel_context *context, const reel_args *args,
                       const reel_hyper *row, double *seed);
/* `reel fit: sentence (see reel fit --help)`; returns EXIT_USAGE. */
int training_args_fail(const training_command *kind, const char *sentence);
/* Complains of a run that has not come to its end. Returns -1 when it has, else the exit status. */
int training_args_ended(const training_command *kind, const reel_args *args, reel_context *context,
                        const reel_trainer *trainer, reel_status ended);
/* Stopped by a signal. */
int training_args_stopped(const training_command *kind, const reel_args *args, const reel_trainer *trainer);

#endif
