/* SPDX-License-Identifier: MIT
 *
 * Optimizers side by side on problems with a name.
 */
#ifndef COURSE_OPTIMIZERS_H
#define COURSE_OPTIMIZERS_H

#include "fit.h"

/* A problem: trains by the recipe, whose epochs are updates here and whose seed is that of start and data; returns the
 * loss after the last update, NaN or infinity where it has blown up. */
typedef struct optimizers_problem {
    const char *name;
    const char *text;
    double (*train)(reel_context *reel, const fit_recipe *how);
} optimizers_problem;

#define OPTIMIZERS_PROBLEMS 4
extern const optimizers_problem optimizers_problems[OPTIMIZERS_PROBLEMS];

#endif
