/* SPDX-License-Identifier: MIT
 *
 * Linear regression by mini-batches. Parameter 0 is the weights (features).
 */
#ifndef COURSE_BATCHES_H
#define COURSE_BATCHES_H

#include "descent.h"

typedef struct batches_data {
    int rows, features;
    double *x; /* (rows, features) */
    double *y; /* (rows) */
} batches_data;

/* Samples whose targets are x . weights + deviation * z; x and then z standard normal from `rng`. Arrays of the
 * context. */
batches_data batches_samples(reel_context *reel, int rows, int features, const double *weights, double deviation,
                             reel_rng *rng);

/* Mean over the rows of (x . w - y)^2. `user`: a batches_data. */
reel_value batches_loss(reel_tape *tape, reel_params *params, void *user);

/* Trains for some epochs: in each, all rows once, in the order of a permutation from `rng` (NULL: as they stand),
 * `batch` at a time. Writes the loss on all rows after each epoch to `history` (epochs) and, unless NULL, after each of
 * the first `updates_most` updates to `updates`. Returns the number of updates. */
int batches_train(reel_optimizer *optimizer, const batches_data *data, int batch, int epochs, reel_rng *rng,
                  double *history, double *updates, int updates_most);

#endif
