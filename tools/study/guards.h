/* SPDX-License-Identifier: MIT
 *
 * The guards of the trainer that the full study tries.
 */
#ifndef TOOLS_STUDY_GUARDS_H
#define TOOLS_STUDY_GUARDS_H

typedef struct study_guard {
    const char *name;
    const char *text;
    const char *flags;
    const char *note; /* words of the trainer's note that say that it has fired; NULL: it ends the run */
} study_guard;

extern const study_guard study_guards[];
extern const int study_guard_count;

/* What the guards watch: runs of which the first goes up, the others do not. */
typedef struct study_guarded {
    const char *name, *flags;
} study_guarded;
extern const study_guarded study_guarded_runs[];
extern const int study_guarded_count;

#endif
