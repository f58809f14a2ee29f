/* SPDX-License-Identifier: MIT
 *
 * Ways out of a local minimum: many starts, and shaking the parameters.
 */
#ifndef COURSE_ESCAPE_H
#define COURSE_ESCAPE_H

#include "descent.h"

/* Descends from `count` starts drawn uniformly from [low, high) and returns where the lowest of the walks ends; its
 * loss in *lowest. One parameter. */
double escape_by_restarts(reel_context *reel, descent_loss loss, double rate, int steps, reel_rng *rng, int count,
                          double low, double high, double *lowest);

/* Descends from `start`, adds a normal number of the given deviation to the parameter, descends again, and so on,
 * `shakes` times; returns the end of the lowest walk, its loss in *lowest. */
double escape_by_shaking(reel_context *reel, descent_loss loss, double rate, int steps, reel_rng *rng, int shakes,
                         double start, double deviation, double *lowest);

#endif
