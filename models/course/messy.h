/* SPDX-License-Identifier: MIT
 *
 * The lesson's messy data: wrong labels, missing numbers.
 */
#ifndef COURSE_MESSY_H
#define COURSE_MESSY_H

#include "fit.h"

#define MESSY_FEATURES 10

/* The lesson's data: X (rows, MESSY_FEATURES) standard normal, the true label 1 where x0 + x1 > 0, each label turned
 * round with probability `noise`: numpy.random.seed(seed), randn(rows, MESSY_FEATURES), rand(rows) < noise. */
typedef struct noisy_data {
    reel_array *x, *clean, *noisy; /* labels (rows, 1) */
    int64_t rows, flipped;
} noisy_data;
noisy_data noisy_data_new(reel_context *reel, reel_rng *numpy, int64_t rows, double noise);

/* Takes numbers out of x: each with probability `rate` (numpy.random.rand(rows, columns) < rate), or, `large`, with
 * twice that where it is above 0 and never below. They become NaN. Returns how many. */
int64_t missing_take(reel_array *x, reel_rng *numpy, double rate, bool large);
#endif
