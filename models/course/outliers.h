/* SPDX-License-Identifier: MIT
 *
 * A few rows that are far off.
 */
#ifndef COURSE_OUTLIERS_H
#define COURSE_OUTLIERS_H

#include "fit.h"

/* y = 2 x0 - 1.5 x1 + 0.5 x2 + 0.5 z, x and z standard normal: the lesson's data for mini-batches, numpy.random.seed,
 * randn(rows, 3), randn(rows). Then of the rows 0, step, 2 step, ... (step = 1 / share) either y is `size` too large,
 * or x is `size` times too large, as in another unit. */
typedef enum outlier_kind { OUTLIER_TARGET, OUTLIER_FEATURES, OUTLIER_KINDS } outlier_kind;
#define OUTLIER_FEATURE_COUNT 3
reel_dataset outlier_data(reel_context *reel, reel_rng *numpy, int64_t rows, double share, double size,
                          outlier_kind kind);
/* Is row i one of them? */
bool outlier_row(int64_t i, double share);

typedef enum outlier_method {
    OUTLIER_MSE,
    OUTLIER_CLIPPED, /* mean squared error, gradient clipped to norm 1 */
    OUTLIER_HUBER,
    OUTLIER_L1,
    OUTLIER_METHODS
} outlier_method;

/* Fits w to the data; `delta` is Huber's. Writes the weights found (3) and returns their distance from the truth. */
double outlier_train(reel_context *reel, reel_dataset *data, outlier_method method, double delta, const fit_recipe *how,
                     double *weights);

/* The norm of the gradient of each row's own squared error at the weights w (3): norms (rows). The batch gradient is
 * the mean of those gradients. */
void outlier_norms(reel_context *reel, const reel_dataset *data, const double *w, double *norms);

#endif
