/* SPDX-License-Identifier: MIT
 *
 * One neuron, sigmoid(w . x + b), for descend(): parameter 0 is w (inputs) and then b.
 */
#ifndef COURSE_NEURON_H
#define COURSE_NEURON_H

#include "descent.h"

typedef struct neuron_data {
    int rows, inputs;
    const double *x; /* (rows, inputs) */
    const double *y; /* (rows) */
} neuron_data;

/* Mean over the rows of (sigmoid(w . x + b) - y)^2. `user`: a neuron_data. */
reel_value neuron_loss(reel_tape *tape, reel_params *params, void *user);

#endif
