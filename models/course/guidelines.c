/* SPDX-License-Identifier: MIT
 *
 * A line, a small net, a convolutional net from scratch and one that is trained before. To copy and change, with fit.h,
 * houses.h and their files.
 *
 *     cc guidelines.c fit.c houses.c -o guidelines $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: linear_regression 0.01  x0.1: 158  x1: 5.65  x10: 1.4e-14  x100: inf  x1000: inf
 */
#include "guidelines.h"

#include <math.h>

static double linear_regression(reel_context *reel, const fit_recipe *how)
{
    reel_dataset data = houses_new(reel, false);
    fit_net net = houses_line(reel);
    return fit_loss_after(&net, &data, &data, reel_mse, how);
}

static double small_net(reel_context *reel, const fit_recipe *how)
{
    reel_dataset data = fit_moons(reel, 200, 0.15, how->seed);
    fit_net net = fit_net_new(reel, 4, (const int[]){2, 16, 16, 1}, "relu", how->seed);
    return fit_loss_after(&net, &data, &data, reel_bce_with_logits, how);
}

/* ---- a convolutional net on small pictures ---- */

#define SIDE 8
#define CHANNELS 4

/* Pictures of 8 by 8: a bar of 1 on noise, lying (0) or standing (1); `slanted`: falling (0) or rising (1). */
static reel_dataset pictures(reel_context *reel, int64_t rows, bool slanted, reel_rng *rng)
{
    reel_dataset data = {fit_normal(reel, rng, rows, SIDE * SIDE), fit_matrix(reel, rows, 1)};
    for (int64_t i = 0; i < rows && !reel_failed(reel); i++) {
        double *pixel = fit_elements(data.x) + i * SIDE * SIDE;
        int place = (int)(reel_rng_uniform_one(rng) * SIDE);
        bool one = i % 2;
        fit_elements(data.y)[i] = one;
        for (int k = 0; k < SIDE * SIDE; k++) pixel[k] *= 0.5;
        for (int k = 0; k < SIDE; k++) {
            int along = (k + place) % SIDE, row = slanted ? k : one ? k : place;
            int column = slanted ? (one ? SIDE - 1 - along : along) : one ? place : k;
            pixel[row * SIDE + column] += 1;
        }
    }
    return data;
}

typedef struct convolution {
    reel_params *params;
    int kernel, bias, weight, height; /* parameters of the filters and of the layer after them */
} convolution;

static reel_value forward(const char *site, void *user, reel_value x)
{
    (void)site;
    const convolution *c = user;
    reel_value image = reel_reshape(x, 4, (const int64_t[]){-1, 1, SIDE, SIDE});
    reel_value maps = reel_relu(reel_conv2d(image, reel_param(x.tape, c->params, c->kernel),
                                            reel_param(x.tape, c->params, c->bias), NULL, NULL, NULL, 1));
    reel_value pooled = reel_max_pool2d(maps, (const int64_t[]){SIDE - 2, SIDE - 2}, NULL, NULL, false);
    return reel_linear(reel_reshape(pooled, 2, (const int64_t[]){-1, CHANNELS}),
                       reel_param(x.tape, c->params, c->weight), reel_param(x.tape, c->params, c->height));
}

/* Four filters of 3 by 3, relu, the largest value of each map, a linear layer. */
static fit_net convolution_new(reel_context *reel, convolution *c, uint64_t seed)
{
    fit_net net = {.params = reel_params_new(reel, REEL_DOUBLE)};
    *c = (convolution){.params = net.params};
    c->kernel = reel_params_add(net.params, "filters", 4, (const int64_t[]){CHANNELS, 1, 3, 3});
    c->bias = reel_params_add(net.params, "filters.bias", 1, (const int64_t[]){CHANNELS});
    c->weight = reel_params_add(net.params, "weight", 2, (const int64_t[]){1, CHANNELS});
    c->height = reel_params_add(net.params, "bias", 1, (const int64_t[]){1});
    reel_rng *rng = reel_rng_torch_new(reel, seed);
    reel_array kernel = reel_params_value(net.params, c->kernel), weight = reel_params_value(net.params, c->weight);
    reel_init_kaiming_uniform(rng, &kernel, sqrt(5));
    reel_init_kaiming_uniform(rng, &weight, sqrt(5));
    net.module = reel_module_new(reel, "filters", forward, c);
    return net;
}

static double from_scratch(reel_context *reel, const fit_recipe *how)
{
    convolution c;
    reel_rng *rng = reel_rng_philox_new(reel, how->seed, "pictures");
    reel_dataset data = pictures(reel, 200, false, rng), test = pictures(reel, 200, false, rng);
    fit_net net = convolution_new(reel, &c, how->seed);
    return fit_loss_after(&net, &data, &test, reel_bce_with_logits, how);
}

/* Learns bars first, with Adam, then 40 pictures of slanted ones by the recipe; the loss on further slanted ones. */
static double transfer(reel_context *reel, const fit_recipe *how)
{
    convolution c;
    reel_rng *rng = reel_rng_philox_new(reel, how->seed, "pictures");
    reel_dataset bars = pictures(reel, 100, false, rng), data = pictures(reel, 40, true, rng),
                 test = pictures(reel, 200, true, rng);
    fit_net net = convolution_new(reel, &c, how->seed);
    fit_recipe before = {.optimizer = "adam", .lr = 0.03, .epochs = 20, .batch = 20, .seed = how->seed};
    fit_loss_after(&net, &bars, &bars, reel_bce_with_logits, &before);
    return fit_loss_after(&net, &data, &test, reel_bce_with_logits, how);
}

const guideline guidelines[GUIDELINES] = {
    {"linear_regression", 0.01, "sgd", "five house prices, 1000 steps", linear_regression, 1000, 0, 0},
    {"small_neural_net", 0.001, "adam", "two moons, a net of 337 parameters, 40 epochs", small_net, 40, 20, 0},
    {"cnn_from_scratch", 0.01, "sgd", "bars in 200 pictures of 8 by 8, 4 filters, 25 epochs", from_scratch, 25, 20,
     0.9},
    {"cnn_transfer_learning", 0.0001, "adamw", "slanted bars after bars, 40 pictures, 40 epochs", transfer, 40, 20, 0},
    {"transformer_training", 0.0001, "adamw", NULL, NULL, 0, 0, 0},
    {"llm_fine_tuning", 0.00001, "adamw", NULL, NULL, 0, 0, 0},
    {"stable_diffusion", 0.00001, "adamw", NULL, NULL, 0, 0, 0},
};

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    reel_context *reel = reel_context_new(NULL);
    for (int i = GUIDELINES - 1; i >= 0 && !reel_failed(reel); i--) {
        const guideline *g = &guidelines[i];
        if (!g->train) continue;
        printf("%s %g", g->model, g->rate);
        for (double factor = 0.1; factor < 2000; factor *= 10) {
            fit_recipe how = {.optimizer = g->optimizer,
                              .lr = factor * g->rate,
                              .momentum = g->momentum,
                              .epochs = g->epochs,
                              .batch = g->batch,
                              .seed = 42};
            printf("  x%g: %.3g", factor, g->train(reel, &how));
        }
        printf("\n");
    }
    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
