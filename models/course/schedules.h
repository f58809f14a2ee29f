/* SPDX-License-Identifier: MIT
 *
 * Training under a schedule of the learning rate.
 */
#ifndef COURSE_SCHEDULES_H
#define COURSE_SCHEDULES_H

#include "fit.h"

#define SCHEDULES_ROWS 1000
/* Fits a linear layer of ten inputs to y = x . (1, ..., 1) + 0.5 z, SCHEDULES_ROWS rows of numpy.random.seed(seed),
 * randn(1000, 10), randn(1000). `spec` is a schedule as reel_schedule_parse reads it. Returns the mean squared error on
 * all rows after the last update less that of the least-squares solution, which is the smallest there is. */
double schedules_train(reel_context *reel, const char *spec, const fit_recipe *how);

#endif
