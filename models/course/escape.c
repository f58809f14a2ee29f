/* SPDX-License-Identifier: MIT
 *
 * Out of the local minimum of x^4 - 8 x^2 + x on the right into the lower one on the left. To copy and change, with
 * escape.h, descent.h and descent.c.
 *
 *     cc escape.c descent.c -o escape $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: shaken 10 times: -2.0305 (-18.0154)
 */
#include "escape.h"

#include <math.h>

/* One walk; returns where it ends, the loss there in *loss_there. */
static double walk(reel_context *reel, descent_loss loss, double rate, int steps, double start, double *loss_there)
{
    reel_params *params = descent_params(reel, "x", 1, &start);
    reel_optimizer *sgd = reel_sgd_new(params, rate);
    descend(sgd, loss, NULL, steps, NULL, NULL);
    reel_array x = reel_params_flat(params);
    double end = reel_array_get(&x, 0);
    descend(sgd, loss, NULL, 0, NULL, loss_there);
    reel_optimizer_free(sgd);
    reel_params_free(params);
    return end;
}

double escape_by_restarts(reel_context *reel, descent_loss loss, double rate, int steps, reel_rng *rng, int count,
                          double low, double high, double *lowest)
{
    double best = NAN;
    *lowest = INFINITY;
    for (int k = 0; k < count; k++) {
        double there, end = walk(reel, loss, rate, steps, low + (high - low) * reel_rng_uniform_one(rng), &there);
        if (there < *lowest) *lowest = there, best = end;
    }
    return best;
}

double escape_by_shaking(reel_context *reel, descent_loss loss, double rate, int steps, reel_rng *rng, int shakes,
                         double start, double deviation, double *lowest)
{
    double best = walk(reel, loss, rate, steps, start, lowest), now = best;
    for (int k = 0; k < shakes; k++) {
        double there, end = walk(reel, loss, rate, steps, now + deviation * reel_rng_normal_one(rng), &there);
        if (there < *lowest) *lowest = there, best = end;
        now = end;
    }
    return best;
}

#ifndef COURSE_NO_MAIN
static reel_value two_valleys(reel_tape *tape, reel_params *params, void *user)
{
    (void)user;
    reel_value x = reel_param(tape, params, 0), square = reel_square(x);
    return reel_sum(reel_add(reel_sub(reel_square(square), reel_mul_scalar(square, 8)), x));
}

int main(void)
{
    double lowest[3];
    reel_context *reel = reel_context_new(NULL);
    reel_rng *rng = reel_rng_numpy_new(reel, 42);
    double plain = escape_by_shaking(reel, two_valleys, 0.01, 200, rng, 0, 3, 0, &lowest[0]);
    double restarted = escape_by_restarts(reel, two_valleys, 0.01, 200, rng, 10, -4, 4, &lowest[1]);
    double shaken = escape_by_shaking(reel, two_valleys, 0.01, 200, rng, 10, 3, 2, &lowest[2]);

    int status = reel_failed(reel);
    if (status)
        fprintf(stderr, "%s\n", reel_error_text(reel));
    else
        printf("from 3: %.4f (%.4f)\nbest of 10 starts: %.4f (%.4f)\nshaken 10 times: %.4f (%.4f)\n", plain, lowest[0],
               restarted, lowest[1], shaken, lowest[2]);
    reel_context_free(reel);
    return status;
}
#endif
