/* SPDX-License-Identifier: MIT
 *
 * Adam's first steps, and what a warm-up changes.
 */
#ifndef COURSE_WARM_UP_H
#define COURSE_WARM_UP_H

#include "fit.h"

/* Adam without the correction of its moments' start at 0: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
 * x -= lr m / (sqrt(v) + eps). A kind of the program's own, for reel_optimizer_new. */
extern const reel_optimizer_type warm_up_uncorrected;

/* `steps` updates of 1000 parameters from gradients that are nothing but noise, N(0, scale^2): sizes[t] is the root
 * mean square of update t + 1 in units of the rate, largest[t] the largest. */
void warm_up_first_steps(reel_context *reel, const reel_optimizer_type *kind, double scale, uint64_t seed, int steps,
                         double *sizes, double *largest);

#define WARM_UP_ROWS 200
/* A network 2-32-32-32-1 (relu) on WARM_UP_ROWS points of two moons: the mean loss of the last tenth of the epochs
 * after training with a linear warm-up over `warmup` updates (0: none), then a constant rate; and the largest loss of
 * all on the way. Both are INFINITY where a loss is no longer finite. */
double warm_up_train(reel_context *reel, int64_t warmup, const fit_recipe *how, double *peak);

#endif
