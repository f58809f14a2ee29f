/* SPDX-License-Identifier: MIT
 *
 * Stochastic weight averaging, and how sharp the minimum is.
 */
#ifndef COURSE_AVERAGING_H
#define COURSE_AVERAGING_H

#include "fit.h"

/* A network at one place. */
typedef struct averaging_place {
    double train_loss, test_loss, test_accuracy;
    double sharpness; /* largest eigenvalue of the Hessian of the training loss */
} averaging_place;

typedef struct averaging_options {
    int64_t rows, test_rows; /* of two moons */
    double noise;
    int snapshots; /* the last so many epochs are averaged */
    fit_recipe how;
} averaging_options;

/* Trains a network 2-16-1 (tanh) on two moons, and at the end of each of the last epochs takes its parameters into an
 * average (Izmailov et al., UAI 2018) and looks at the place: places (snapshots). Returns the place of the average. */
averaging_place averaging_train(reel_context *reel, uint64_t seed, const averaging_options *options,
                                averaging_place *places);

#endif
