/* SPDX-License-Identifier: MIT
 *
 * The settings of the trainer as flags: all of it follows from the table of the library.
 */
#ifndef TOOLS_TRAINER_FLAGS_H
#define TOOLS_TRAINER_FLAGS_H

#include "options.h"

#define SETTINGS_MOST 64

typedef struct trainer_flags {
    option_row rows[SETTINGS_MOST];
    char names[SETTINGS_MOST][40];
    const reel_hyper *settings[SETTINGS_MOST];
    double values[SETTINGS_MOST];
    bool given[SETTINGS_MOST]; /* on the command line */
    int count;
} trainer_flags;

/* A row for every setting but those in `except` (ends with NULL), which the command has flags of its own for. */
void trainer_flags_init(trainer_flags *flags, const char *const *except);
/* Another default than the library's. */
void trainer_flags_default(trainer_flags *flags, const char *name, double value);
/* Those not given take the values of a checkpoint that is to be resumed; NULL: none. */
void trainer_flags_adopt(trainer_flags *flags, const reel_checkpoint *checkpoint);
/* Sets them; an error is kept in the trainer's context. */
void trainer_flags_apply(const trainer_flags *flags, reel_trainer *trainer);

#endif
