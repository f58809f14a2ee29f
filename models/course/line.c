/* SPDX-License-Identifier: MIT
 *
 * House prices from their size: a line fitted by a thousand steps. To copy and change, with descent.h and descent.c.
 *
 *     cc line.c descent.c -o line $(pkg-config --cflags --libs reel)
 *
 * Its last line: step 1000  loss     5.6450  price = 103.23 size + 92.88
 */
#include "line.h"

reel_value line_loss(reel_tape *tape, reel_params *params, void *user)
{
    const line_data *data = user;
    const int64_t shape[] = {data->count};
    reel_array x = reel_array_view(REEL_DOUBLE, (void *)data->x, 1, shape);
    reel_array y = reel_array_view(REEL_DOUBLE, (void *)data->y, 1, shape);
    reel_value both = reel_param(tape, params, 0);
    reel_value w = reel_slice(both, 0, 0, 1, 1), b = reel_slice(both, 0, 1, 2, 1);
    return reel_mse(reel_add(reel_mul(w, reel_input(tape, &x)), b), reel_input(tape, &y));
}

#ifndef COURSE_NO_MAIN
int main(void)
{
    enum { STEPS = 1000 };
    line_data houses = {5, (const double[]){1.0, 1.5, 2.0, 2.5, 3.0}, (const double[]){200, 250, 300, 350, 400}};
    double path[2 * (STEPS + 1)], loss[STEPS + 1];
    reel_context *reel = reel_context_new(NULL);
    reel_params *params = descent_params(reel, "line", 2, (const double[]){0, 0});
    reel_optimizer *sgd = reel_sgd_new(params, 0.01);

    int made = descend(sgd, line_loss, &houses, STEPS, path, loss);
    for (int step = 0; step <= made && !reel_failed(reel); step += 100)
        printf("step %4d  loss %10.4f  price = %.2f size + %.2f\n", step, loss[step], path[2 * step],
               path[2 * step + 1]);

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
