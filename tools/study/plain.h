/* SPDX-License-Identifier: MIT
 *
 * The published formulas in a plain loop: in float the yardstick of `reel bench`, in double without the rounding of the
 * published run.
 */
#ifndef TOOLS_STUDY_PLAIN_H
#define TOOLS_STUDY_PLAIN_H

#include "published.h"

#include <stdbool.h>

typedef struct plain_run {
    int count;
    int64_t steps;
    float *now, *gradient, *m, *v; /* (count, 7) */
    float target[PUBLISHED_PIXELS], out[3 * PUBLISHED_PIXELS], total[PUBLISHED_PIXELS];
} plain_run;

/* As published_new; NULL without memory. */
plain_run *plain_new(int count, const published_gaussian *start, const float *target);
void plain_free(plain_run *run);
/* One iteration: rendering, gradient, Adam, clamps. */
void plain_step(plain_run *run);

/* Gradient (count, 7) of L2 at `at` in double; false without memory. */
bool plain_gradient_double(int count, const published_gaussian *at, const float *target, double *gradient);

#endif
