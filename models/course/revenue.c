/* SPDX-License-Identifier: MIT
 *
 * The best advertising and discount by fifty steps. To copy and change, with descent.h and descent.c.
 *
 *     cc revenue.c descent.c -o revenue $(pkg-config --cflags --libs reel)
 *
 * Its last line: step 50  advertising $50.00k  discount 25.00%  revenue 3125.00
 */
#include "revenue.h"

reel_value revenue_loss(reel_tape *tape, reel_params *params, void *user)
{
    (void)user;
    static const double gain[] = {100, 50};
    reel_array view = reel_array_view(REEL_DOUBLE, (void *)gain, 1, (const int64_t[]){2});
    reel_value x = reel_param(tape, params, 0);
    return reel_sum(reel_sub(reel_square(x), reel_mul(reel_input(tape, &view), x)));
}

#ifndef COURSE_NO_MAIN
int main(void)
{
    enum { STEPS = 50 };
    double path[2 * (STEPS + 1)], loss[STEPS + 1];
    reel_context *reel = reel_context_new(NULL);
    reel_params *params = descent_params(reel, "strategy", 2, (const double[]){0, 0});
    reel_optimizer *sgd = reel_sgd_new(params, 0.1);

    int made = descend(sgd, revenue_loss, NULL, STEPS, path, loss);
    for (int step = 0; step <= made && !reel_failed(reel); step += 10)
        printf("step %2d  advertising $%.2fk  discount %.2f%%  revenue %.2f\n", step, path[2 * step],
               path[2 * step + 1], -loss[step]);

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
