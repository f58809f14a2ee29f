/* SPDX-License-Identifier: MIT
 *
 * The learning-rate finder of the lesson, on its house prices.
 */
#ifndef COURSE_LR_FINDER_H
#define COURSE_LR_FINDER_H

#include "houses.h"

/* Trains on `data` from the line 0 while the rate grows: rate[i] = first factor^i, loss[i] before the update with it,
 * until a loss is above `stop` times the smallest, or `most` updates. Returns how many; an optimizer of `how`, whose
 * rate does not count. */
int lr_finder_sweep(reel_context *reel, reel_dataset *data, const fit_recipe *how, double first, double factor,
                    double stop, int most, double *rate, double *loss);
/* The rate where the loss falls fastest per log(rate). */
double lr_finder_steepest(int count, const double *rate, const double *loss);

/* `steps` full-batch updates at one rate, from the line 0: the last loss, INFINITY when it has blown up. */
double lr_finder_train(reel_context *reel, reel_dataset *data, const fit_recipe *how);
/* The largest rate that the curvature allows, by the library's sharpness; and the library's own range test. */
double lr_finder_limit(reel_context *reel, reel_dataset *data, const fit_recipe *how);
reel_lr_test *lr_finder_library(reel_context *reel, reel_dataset *data, const fit_recipe *how);

#endif
