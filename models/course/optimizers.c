/* SPDX-License-Identifier: MIT
 *
 * Four problems for optimizers. To copy and change, with descent.h, fit.h, houses.h and their files.
 *
 *     cc optimizers.c descent.c fit.c houses.c -o optimizers $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: two-moons      sgd with momentum    0.58977  adam    0.11863
 */
#include "optimizers.h"

#include "descent.h"
#include "houses.h"

#include <math.h>
#include <stdlib.h>

/* The same number of updates whatever the rows. */
static double net_loss(const fit_net *net, reel_dataset *data, reel_dataset *test, reel_loss_of loss,
                       const fit_recipe *how)
{
    fit_recipe own = *how;
    int64_t per_epoch = data->y && own.batch > 0 ? (data->y->size + own.batch - 1) / own.batch : 1;
    own.epochs = (how->epochs + per_epoch - 1) / per_epoch;
    return fit_loss_after(net, data, test, loss, &own);
}

static void draw_start(reel_context *reel, uint64_t seed, double start[2])
{
    reel_rng *numpy = reel_rng_numpy_new(reel, seed);
    for (int j = 0; j < 2; j++) start[j] = reel_rng_normal_one(numpy);
    reel_rng_free(numpy);
}

static double house_prices(reel_context *reel, const fit_recipe *how)
{
    reel_dataset data = houses_new(reel, false);
    fit_net net = houses_line(reel);
    double start[2];
    draw_start(reel, how->seed, start);
    reel_array at = reel_array_view(REEL_DOUBLE, start, 1, (const int64_t[]){2});
    reel_params_write(net.params, &at);
    fit_recipe whole = *how;
    whole.batch = 0;
    return net_loss(&net, &data, &data, reel_mse, &whole);
}

/* (1 - x)^2 + 100 (y - x^2)^2: a bent valley with steep walls (Rosenbrock, Computer Journal 3, 1960). */
static reel_value rosenbrock_loss(reel_tape *tape, reel_params *params, void *user)
{
    (void)user;
    reel_value both = reel_param(tape, params, 0);
    reel_value x = reel_slice(both, 0, 0, 1, 1), y = reel_slice(both, 0, 1, 2, 1);
    reel_value along = reel_square(reel_add_scalar(reel_neg(x), 1)), across = reel_square(reel_sub(y, reel_square(x)));
    return reel_sum(reel_add(along, reel_mul_scalar(across, 100)));
}

static double rosenbrock(reel_context *reel, const fit_recipe *how)
{
    double start[2], *losses = malloc((size_t)(how->epochs + 1) * sizeof *losses), last = NAN;
    draw_start(reel, how->seed, start);
    start[0] = 0.1 * start[0] - 1;
    start[1] = 0.1 * start[1] + 1;
    reel_optimizer *optimizer = fit_optimizer(descent_params(reel, "x", 2, start), how);
    if (losses && !reel_failed(reel)) {
        int made = descend(optimizer, rosenbrock_loss, NULL, (int)how->epochs, NULL, losses);
        last = made == how->epochs && isfinite(losses[made]) ? losses[made] : INFINITY;
        if (reel_error_status(reel) == REEL_NOT_FINITE) reel_error_clear(reel);
    }
    free(losses);
    return last;
}

/* The lesson's data for mini-batches: y = 2 x0 - 1.5 x1 + 0.5 x2 + 0.5 z. */
static double mini_batch(reel_context *reel, const fit_recipe *how)
{
    static const double truth[] = {2, -1.5, 0.5};
    enum { FEATURES = 3 };
    reel_dataset data = fit_line_data(reel, reel_rng_numpy_new(reel, how->seed), 1000, FEATURES, truth);
    fit_net net = {.params = reel_params_new(reel, REEL_DOUBLE)};
    net.module = reel_linear_plain_new(net.params, "line", FEATURES, 1, NULL);
    return net_loss(&net, &data, &data, reel_mse, how);
}

static double two_moons(reel_context *reel, const fit_recipe *how)
{
    reel_dataset data = fit_moons(reel, 200, 0.2, how->seed), test = fit_moons(reel, 1000, 0.2, how->seed + 1000);
    fit_net net = fit_net_new(reel, 4, (const int[]){2, 16, 16, 1}, "relu", how->seed);
    return net_loss(&net, &data, &test, reel_bce_with_logits, how);
}

const optimizers_problem optimizers_problems[OPTIMIZERS_PROBLEMS] = {
    {"house-prices", "a line through five houses, all at once", house_prices},
    {"rosenbrock", "a bent valley, from near (-1, 1)", rosenbrock},
    {"mini-batch", "three weights from 1000 noisy rows in batches", mini_batch},
    {"two-moons", "a net of 337 parameters, loss on 1000 new rows", two_moons},
};

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    reel_context *reel = reel_context_new(NULL);
    for (int i = 0; i < OPTIMIZERS_PROBLEMS && !reel_failed(reel); i++) {
        fit_recipe sgd = {.optimizer = "sgd", .lr = 0.001, .momentum = 0.9, .epochs = 500, .batch = 32, .seed = 42};
        fit_recipe adam = {.optimizer = "adam", .lr = 0.01, .epochs = 500, .batch = 32, .seed = 42};
        printf("%-14s sgd with momentum %10.5f  adam %10.5f\n", optimizers_problems[i].name,
               optimizers_problems[i].train(reel, &sgd), optimizers_problems[i].train(reel, &adam));
    }
    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
