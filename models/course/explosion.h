/* SPDX-License-Identifier: MIT
 *
 * A training that may blow up, and two ways to keep it: clipping, and going back to a copy of the parameters.
 */
#ifndef COURSE_EXPLOSION_H
#define COURSE_EXPLOSION_H

#include <reel/reel.h>

/* tanh between two linear layers. */
typedef struct explosion_net {
    reel_module *hidden, *out;
} explosion_net;

explosion_net explosion_net_new(reel_params *params, int inputs, int hidden, reel_rng *rng);

/* What is logged before each update; the loss is that of the parameters then. */
typedef struct explosion_step {
    double weight;   /* largest |w| */
    double gradient; /* norm; NaN: there is none */
    double loss;
} explosion_step;

/* Where numbers stop being finite: before which update (-1: never), which operation made the first such number, on the
 * way forwards or back, and the tracer's sentence. */
typedef struct explosion_origin {
    int step;
    bool backward;
    char operation[32], text[512];
    bool zero_times_infinity; /* an infinite gradient met a derivative of tanh that is 0 and became NaN */
} explosion_origin;

/* Trains the network on (x, y) by mean squared error for `steps` updates and logs each; (steps + 1) entries. Unless
 * NULL, origins[0] is where the first infinity or NaN comes from, origins[1] the first NaN. */
void explosion_train(explosion_net net, reel_optimizer *optimizer, const reel_array *x, const reel_array *y, int steps,
                     explosion_step *log, explosion_origin origins[2]);

/* The same, with a copy of the parameters every `every` updates: when the loss is not finite, or ten times what it was
 * at the copy, training goes back to the copy and on at a tenth of the rate. Returns how often it went back. */
int explosion_train_with_copies(explosion_net net, reel_optimizer *optimizer, const reel_array *x, const reel_array *y,
                                int steps, int every, explosion_step *log);

#endif
