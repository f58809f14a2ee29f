/* SPDX-License-Identifier: MIT
 *
 * The flags of a run that is kept and resumed: where its checkpoints go, what it goes on from, and what then wins over the
 * checkpoint.
 */
#ifndef TOOLS_RUN_FLAGS_H
#define TOOLS_RUN_FLAGS_H

#include "optimizer_flags.h"

#define RUN_FLAG_ROWS 10

typedef struct run_flags {
    option_row rows[RUN_FLAG_ROWS];
    reel_hyper every_row;
    const char *checkpoints, *resume, *keep_typed; /* --resume: "auto", a file, a folder, or NULL */
    const char *origin, *reset;                    /* "start", "here"; "moments", "steps"; or NULL */
    const char *schedule;                          /* or NULL; its row is the command's */
    double every, keep, prove;                     /* keep 0: all; prove 0: no proof */
    bool durable, force, accept_edited, every_given;
    bool other_optimizer; /* than the checkpoint's may be asked for */
} run_flags;

/* How commands differ. */
typedef struct run_flags_kind {
    double every;    /* by default; 0: a tenth of the run */
    double keep;     /* by default; 0: all */
    bool other_data; /* --force with --resume goes on with other data */
} run_flags_kind;

/* Defaults and rows; the rows point into `flags`. */
void run_flags_init(run_flags *flags, const run_flags_kind *kind);
/* Reads what was typed for --keep; false after wrong usage. */
bool run_flags_read(run_flags *flags, const option_set *set, reel_context *context);
/* Flags against each other: NULL, or what does not fit. `out`: the folder of --out, or NULL. */
const char *run_flags_conflict(const run_flags *flags, const char *out);
/* Where checkpoints go; NULL: nowhere. The caller's to free. */
char *run_flags_folder(const run_flags *flags, const char *out);

/* The checkpoint that is to be resumed, opened; NULL: none that can be read, which is told when it is loaded. Flags that are
 * not given keep its values: *optimizer, when it is NULL, becomes the checkpoint's, in memory that stays. */
reel_checkpoint *run_flags_checkpoint(run_flags *flags, const char *folder, reel_context *context,
                                      const char **optimizer);

/* Tells the trainer what wins over a checkpoint. Returns the exit status. */
int run_flags_ask(const run_flags *flags, const option_set *set, const optimizer_choice *choice, reel_context *context,
                  reel_trainer *trainer);
/* Tells the trainer its folder, or NULL, and what to go on from; the path of a checkpoint of another place is written to
 * `path`, else "". Returns the exit status. */
int run_flags_start(const run_flags *flags, const option_set *set, const char *folder, reel_context *context,
                    reel_trainer *trainer, char *path, size_t size);
/* Complains of how a run ended: of a folder that holds one already with the flags that help, else of the error. */
int run_flags_complain(const run_flags *flags, const option_set *set, const char *folder, reel_status ended,
                       const reel_context *context);

#endif
