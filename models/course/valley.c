/* SPDX-License-Identifier: MIT
 *
 * Twenty steps down the parabola x^2 - 4 x + 5, from 0. To copy and change, with descent.h and descent.c.
 *
 *     cc valley.c descent.c -o valley $(pkg-config --cflags --libs reel)
 *
 * Its last line: step 20  x 1.9769  height 1.0005
 */
#include "valley.h"

/* coefficient[0] + coefficient[1] x + ... + coefficient[degree] x^degree, by Horner's rule. */
static reel_value polynomial(reel_tape *tape, reel_params *params, int degree, const double *coefficient)
{
    reel_value x = reel_param(tape, params, 0);
    reel_value y = reel_mul_scalar(x, coefficient[degree]);
    for (int k = degree - 1; k > 0; k--) y = reel_mul(reel_add_scalar(y, coefficient[k]), x);
    return reel_sum(reel_add_scalar(y, coefficient[0]));
}

reel_value valley_parabola(reel_tape *tape, reel_params *params, void *user)
{
    (void)user;
    return polynomial(tape, params, 2, (const double[]){5, -4, 1});
}

reel_value valley_quartic(reel_tape *tape, reel_params *params, void *user)
{
    (void)user;
    return polynomial(tape, params, 4, (const double[]){2, 0, 0, -3, 1});
}

reel_value valley_two(reel_tape *tape, reel_params *params, void *user)
{
    (void)user;
    return polynomial(tape, params, 4, (const double[]){0, 1, -8, 0, 1});
}

#ifndef COURSE_NO_MAIN
int main(void)
{
    enum { STEPS = 20 };
    double x[STEPS + 1], height[STEPS + 1];
    reel_context *reel = reel_context_new(NULL);
    reel_params *params = descent_params(reel, "x", 1, (const double[]){0});
    reel_optimizer *sgd = reel_sgd_new(params, 0.1);

    int made = descend(sgd, valley_parabola, NULL, STEPS, x, height);
    for (int step = 0; step <= made && !reel_failed(reel); step++)
        printf("step %2d  x %.4f  height %.4f\n", step, x[step], height[step]);

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
