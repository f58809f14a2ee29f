/* SPDX-License-Identifier: MIT
 *
 * Huber's loss, clipping, and the gradient of each sample, where a few rows are far off. To copy and change, with fit.h
 * and fit.c.
 *
 *     cc outliers.c fit.c -o outliers $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: absolute error   w = (1.996, -1.504, 0.458), 0.0421 from the truth
 */
#include "outliers.h"

#include <math.h>

static const double outlier_truth[OUTLIER_FEATURE_COUNT] = {2, -1.5, 0.5};

bool outlier_row(int64_t i, double share)
{
    return share > 0 && fmod((double)i, round(1 / share)) == 0;
}

reel_dataset outlier_data(reel_context *reel, reel_rng *numpy, int64_t rows, double share, double size,
                          outlier_kind kind)
{
    reel_dataset data = fit_line_data(reel, numpy, rows, OUTLIER_FEATURE_COUNT, outlier_truth);
    for (int64_t i = 0; i < rows && !reel_failed(reel); i++) {
        double *x = fit_elements(data.x) + i * OUTLIER_FEATURE_COUNT;
        if (!outlier_row(i, share)) continue;
        if (kind == OUTLIER_TARGET) fit_elements(data.y)[i] += size;
        for (int j = 0; kind == OUTLIER_FEATURES && j < OUTLIER_FEATURE_COUNT; j++) x[j] *= size;
    }
    return data;
}

typedef struct huber_options {
    reel_module *module;
    double delta;
} huber_options;

static reel_value huber_loss(const reel_batch *batch, void *user)
{
    const huber_options *o = user;
    return reel_huber(reel_forward(o->module, batch->x), batch->y, o->delta);
}

/* y = x w, without a bias; w = 0. */
static fit_net line(reel_context *reel)
{
    fit_net net = {.params = reel_params_new(reel, REEL_DOUBLE)};
    net.module = reel_linear_plain_new(net.params, "line", OUTLIER_FEATURE_COUNT, 1, NULL);
    return net;
}

double outlier_train(reel_context *reel, reel_dataset *data, outlier_method method, double delta, const fit_recipe *how,
                     double *weights)
{
    fit_net net = line(reel);
    huber_options options = {net.module, delta};
    fit_recipe own = *how;
    if (method == OUTLIER_CLIPPED) own.clip_norm = 1;
    reel_trainer *trainer = method == OUTLIER_HUBER ? fit_trainer_custom_new(&net, data, huber_loss, &options, &own)
                            : method == OUTLIER_L1  ? fit_trainer_new(&net, data, reel_l1, &own)
                                                    : fit_trainer_new(&net, data, reel_mse, &own);
    reel_trainer_run(trainer);
    reel_trainer_free(trainer);
    double distance = 0;
    for (int j = 0; j < OUTLIER_FEATURE_COUNT; j++) {
        reel_array w = reel_params_flat(net.params);
        weights[j] = reel_array_get(&w, j);
        distance += pow(weights[j] - outlier_truth[j], 2);
    }
    return sqrt(distance);
}

void outlier_norms(reel_context *reel, const reel_dataset *data, const double *w, double *norms)
{
    fit_net net = line(reel);
    reel_array at = reel_array_view(REEL_DOUBLE, (void *)w, 1, (const int64_t[]){OUTLIER_FEATURE_COUNT});
    reel_params_write(net.params, &at);
    reel_tape *tape = reel_tape_new(reel, REEL_DOUBLE);
    for (int64_t i = 0; i < data->y->size && !reel_failed(reel); i++) {
        reel_dataset one = fit_rows(reel, data, &i, 1);
        reel_tape_rewind(tape);
        reel_params_drop_gradient(net.params);
        reel_backward(reel_mse(reel_forward(net.module, reel_input(tape, one.x)), reel_input(tape, one.y)));
        norms[i] = reel_gradient_norm(net.params, 2);
        reel_array_free(one.x);
        reel_array_free(one.y);
    }
    reel_tape_free(tape);
}

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    static const char *const names[OUTLIER_METHODS] = {"squared error", "clipped", "Huber", "absolute error"};
    fit_recipe how = {.optimizer = "sgd", .lr = 0.01, .epochs = 20, .batch = 32, .seed = 42};
    double w[OUTLIER_FEATURE_COUNT];
    reel_context *reel = reel_context_new(NULL);
    reel_dataset data = outlier_data(reel, reel_rng_numpy_new(reel, 42), 1000, 0.05, 20, OUTLIER_TARGET);
    for (int m = 0; m < OUTLIER_METHODS && !reel_failed(reel); m++) {
        double distance = outlier_train(reel, &data, m, 1, &how, w);
        printf("%-16s w = (%.3f, %.3f, %.3f), %.4f from the truth\n", names[m], w[0], w[1], w[2], distance);
    }

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
