/* SPDX-License-Identifier: MIT
 *
 * A linear regression by the whole data set at a time and by batches of 32. To copy and change, with batches.h,
 * descent.h and descent.c.
 *
 *     cc batches.c descent.c -o batches $(pkg-config --cflags --libs reel)
 *
 * Its last line: epoch 100  whole data set 0.3801  batches of 32 0.2630
 */
#include "batches.h"

#include <stdlib.h>
#include <string.h>

static double *numbers(reel_context *reel, int64_t count)
{
    reel_array *array = reel_array_new(reel, REEL_DOUBLE, 1, &count);
    return array ? array->data : NULL;
}

batches_data batches_samples(reel_context *reel, int rows, int features, const double *weights, double deviation,
                             reel_rng *rng)
{
    batches_data data = {rows, features, numbers(reel, (int64_t)rows * features), numbers(reel, rows)};
    if (!data.x || !data.y) return (batches_data){0};
    for (int i = 0; i < rows * features; i++) data.x[i] = reel_rng_normal_one(rng);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < features; j++) data.y[i] += data.x[i * features + j] * weights[j];
        data.y[i] += deviation * reel_rng_normal_one(rng);
    }
    return data;
}

reel_value batches_loss(reel_tape *tape, reel_params *params, void *user)
{
    const batches_data *data = user;
    reel_array x = reel_array_view(REEL_DOUBLE, data->x, 2, (const int64_t[]){data->rows, data->features});
    reel_array y = reel_array_view(REEL_DOUBLE, data->y, 1, (const int64_t[]){data->rows});
    return reel_mse(reel_matmul(reel_input(tape, &x), reel_param(tape, params, 0)), reel_input(tape, &y));
}

/* The rows in another order. */
static void shuffle(const batches_data *data, const int64_t *order, batches_data *to)
{
    for (int i = 0; i < data->rows; i++) {
        memcpy(to->x + i * data->features, data->x + order[i] * data->features, (size_t)data->features * sizeof *to->x);
        to->y[i] = data->y[order[i]];
    }
}

int batches_train(reel_optimizer *optimizer, const batches_data *data, int batch, int epochs, reel_rng *rng,
                  double *history, double *updates, int updates_most)
{
    reel_params *params = reel_optimizer_params(optimizer);
    reel_context *reel = reel_params_context(params);
    reel_tape *tape = reel_tape_new(reel, REEL_DOUBLE);
    batches_data all = *data, shuffled = *data;
    int64_t *order = malloc((size_t)data->rows * sizeof *order);
    int made = 0;
    shuffled.x = malloc((size_t)(data->rows * data->features) * sizeof *shuffled.x);
    shuffled.y = malloc((size_t)data->rows * sizeof *shuffled.y);
    if (!order || !shuffled.x || !shuffled.y) reel_error_set(reel, REEL_NO_MEMORY, REEL_HERE, "batches", "no memory");

    for (int epoch = 0; epoch < epochs && !reel_failed(reel); epoch++) {
        for (int i = 0; i < data->rows; i++) order[i] = i;
        if (rng) reel_rng_permutation(rng, data->rows, order);
        shuffle(data, order, &shuffled);
        for (int from = 0; from < data->rows; from += batch) {
            batches_data part = shuffled;
            part.rows = data->rows - from < batch ? data->rows - from : batch;
            part.x += from * data->features;
            part.y += from;
            reel_tape_rewind(tape);
            reel_backward(batches_loss(tape, params, &part));
            reel_optimizer_step(optimizer);
            if (updates && made < updates_most) updates[made] = reel_item(batches_loss(tape, params, &all));
            made++;
        }
        reel_tape_rewind(tape);
        history[epoch] = reel_item(batches_loss(tape, params, &all));
    }
    free(shuffled.x);
    free(shuffled.y);
    free(order);
    reel_tape_free(tape);
    return made;
}

#ifndef COURSE_NO_MAIN
int main(void)
{
    enum { EPOCHS = 100 };
    const double zero[3] = {0};
    double history[2][EPOCHS];
    reel_context *reel = reel_context_new(NULL);
    reel_rng *rng = reel_rng_numpy_new(reel, 42);
    batches_data data = batches_samples(reel, 1000, 3, (const double[]){2, -1.5, 0.5}, 0.5, rng);
    for (int k = 0; k < 2; k++) {
        reel_params *params = descent_params(reel, "weights", 3, zero);
        batches_train(reel_sgd_new(params, 0.01), &data, k ? 32 : data.rows, EPOCHS, k ? rng : NULL, history[k], NULL,
                      0);
    }

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    for (int epoch = 1; epoch <= EPOCHS && !status; epoch *= 10)
        printf("epoch %3d  whole data set %.4f  batches of 32 %.4f\n", epoch, history[0][epoch - 1],
               history[1][epoch - 1]);
    reel_context_free(reel);
    return status;
}
#endif
