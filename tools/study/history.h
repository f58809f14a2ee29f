/* SPDX-License-Identifier: MIT
 *
 * What is kept of a run: a line at chosen iterations, and what follows from it.
 */
#ifndef TOOLS_STUDY_HISTORY_H
#define TOOLS_STUDY_HISTORY_H

#include "../output.h"

/* Before update `iteration`, the first being 1. */
typedef struct study_point {
    int64_t iteration;
    double loss;    /* 0.2 L1 + 0.8 L2 + 0.1 (1 - SSIM) */
    double squares; /* L2; NaN: not known */
    double scale;   /* mean of all scales; NaN: not known */
    int64_t uncovered;
} study_point;

typedef struct study_history {
    study_point *points; /* by iteration */
    int64_t count, room;
} study_history;

/* The iterations the study prints: powers of two and multiples of 100. */
bool study_is_printed(int64_t iteration);
/* False without memory. */
bool history_add(study_history *history, study_point point);
void history_free(study_history *history);
/* The point of this iteration; NULL: none. */
const study_point *history_at(const study_history *history, int64_t iteration);
/* The first point with the smallest loss; NULL when there is none. */
const study_point *history_best(const study_history *history);
/* "history": [[iteration, loss, uncovered], ...], with the mean scale as a fourth number where it is known; "best". */
void history_json(const study_history *history, cJSON *object);
/* Reads such a list; false without memory, or when it is none. */
bool history_read(study_history *history, const cJSON *object);

#endif
