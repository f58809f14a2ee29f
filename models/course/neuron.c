/* SPDX-License-Identifier: MIT
 *
 * One neuron learns to give 0 for 0 and 1 for 1. To copy and change, with descent.h and descent.c.
 *
 *     cc neuron.c descent.c -o neuron $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: w 3.71  b -1.73  of 0: 0.15  of 1: 0.88
 */
#include "neuron.h"

#include <math.h>

reel_value neuron_loss(reel_tape *tape, reel_params *params, void *user)
{
    const neuron_data *data = user;
    reel_array x = reel_array_view(REEL_DOUBLE, (void *)data->x, 2, (const int64_t[]){data->rows, data->inputs});
    reel_array y = reel_array_view(REEL_DOUBLE, (void *)data->y, 1, (const int64_t[]){data->rows});
    reel_value both = reel_param(tape, params, 0);
    reel_value w = reel_slice(both, 0, 0, data->inputs, 1), b = reel_slice(both, 0, data->inputs, data->inputs + 1, 1);
    reel_value prediction = reel_sigmoid(reel_add(reel_matmul(reel_input(tape, &x), w), b));
    return reel_mse(prediction, reel_input(tape, &y));
}

#ifndef COURSE_NO_MAIN
int main(void)
{
    enum { STEPS = 100 };
    neuron_data data = {2, 1, (const double[]){0, 1}, (const double[]){0, 1}};
    double path[2 * (STEPS + 1)];
    reel_context *reel = reel_context_new(NULL);
    reel_params *params = descent_params(reel, "neuron", 2, (const double[]){0.5, 0});
    reel_optimizer *sgd = reel_sgd_new(params, 1.0);

    int made = descend(sgd, neuron_loss, &data, STEPS, path, NULL);
    double w = path[2 * made], b = path[2 * made + 1];

    int status = reel_failed(reel);
    if (status)
        fprintf(stderr, "%s\n", reel_error_text(reel));
    else
        printf("w %.2f  b %.2f  of 0: %.2f  of 1: %.2f\n", w, b, 1 / (1 + exp(-b)), 1 / (1 + exp(-w - b)));
    reel_context_free(reel);
    return status;
}
#endif
