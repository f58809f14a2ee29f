/* SPDX-License-Identifier: MIT
 *
 * The spread of a noisy walk on the parabola x^2: at the temperature T it is the variance T / 2, at any small rate. To
 * copy and change, with langevin.h, descent.h and descent.c.
 *
 *     cc langevin.c descent.c -o langevin $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: rate 0.01  variance 0.51, of exp(-x^2): 0.5
 */
#include "langevin.h"

#include <math.h>

reel_optimizer *langevin_new(reel_params *params, double rate, double temperature, uint64_t seed)
{
    reel_optimizer *sgd = reel_sgd_new(params, rate);
    reel_optimizer_set(sgd, "noise", sqrt(2 * temperature / rate));
    reel_optimizer_set(sgd, "noise_decay", 0);
    reel_optimizer_set(sgd, "noise_seed", (double)seed);
    return sgd;
}

#ifndef COURSE_NO_MAIN
static reel_value parabola(reel_tape *tape, reel_params *params, void *user)
{
    (void)user;
    return reel_sum(reel_square(reel_param(tape, params, 0)));
}

int main(void)
{
    enum { STEPS = 100000 };
    static double x[STEPS + 1];
    reel_context *reel = reel_context_new(NULL);
    for (double rate = 0.1; rate > 0.005; rate /= 10) {
        reel_params *params = descent_params(reel, "x", 1, (const double[]){0});
        descend(langevin_new(params, rate, 1, 42), parabola, NULL, STEPS, x, NULL);
        double sum = 0;
        for (int k = 0; k <= STEPS; k++) sum += x[k] * x[k];
        if (!reel_failed(reel)) printf("rate %.2f  variance %.2f, of exp(-x^2): 0.5\n", rate, sum / (STEPS + 1));
    }

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
