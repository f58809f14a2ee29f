/* SPDX-License-Identifier: MIT
 *
 * Adam with and without its correction, and with and without a warm-up. To copy and change, with fit.h and fit.c.
 *
 *     cc warm_up.c fit.c -o warm_up $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: warm-up 40  loss 0.0306  largest on the way 0.6800
 */
#include "warm_up.h"

#include <math.h>

#define PARAMETERS 1000

/* ---- an optimizer of one's own ---- */

enum { LR, BETA1, BETA2, EPS };

static const reel_hyper hypers[] = {
    {.name = "lr", .text = "learning rate", .value = 0.001, .most = INFINITY, .open_most = true},
    {.name = "beta1", .text = "share of the first moment that stays", .value = 0.9, .most = 1, .open_most = true},
    {.name = "beta2", .text = "share of the second moment that stays", .value = 0.999, .most = 1, .open_most = true},
    {.name = "eps",
     .text = "added to the root of the second moment",
     .value = 1e-8,
     .most = INFINITY,
     .open_most = true},
};

static reel_status update(const reel_update *u)
{
    if (u->dtype != REEL_DOUBLE) return REEL_BAD_DTYPE;
    double *x = u->parameter, *m = u->state[0], *v = u->state[1];
    const double *g = u->gradient, *h = u->hyper;
    for (int64_t i = 0; i < u->n; i++) {
        m[i] = h[BETA1] * m[i] + (1 - h[BETA1]) * g[i];
        v[i] = h[BETA2] * v[i] + (1 - h[BETA2]) * g[i] * g[i];
        x[i] -= h[LR] * m[i] / (sqrt(v[i]) + h[EPS]);
    }
    return REEL_OK;
}

const reel_optimizer_type warm_up_uncorrected = {
    .size = sizeof(reel_optimizer_type),
    .name = "adam-uncorrected",
    .formula = "m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, x -= lr m / (sqrt(v) + eps)",
    .source = "Kingma and Ba 2015, without section 3",
    .hypers = hypers,
    .hyper_count = sizeof hypers / sizeof *hypers,
    .state_names = (const char *const[]){"m", "v"},
    .state_count = 2,
    .update = update,
    .elementwise = true,
};

void warm_up_first_steps(reel_context *reel, const reel_optimizer_type *kind, double scale, uint64_t seed, int steps,
                         double *sizes, double *largest)
{
    reel_params *params = reel_params_new(reel, REEL_DOUBLE);
    reel_params_add(params, "x", 1, (const int64_t[]){PARAMETERS});
    reel_optimizer *optimizer = reel_optimizer_new(params, kind);
    reel_optimizer_set(optimizer, "lr", 1);
    reel_rng *numpy = reel_rng_numpy_new(reel, seed);
    reel_array *noise = fit_matrix(reel, PARAMETERS, 1), *before = fit_matrix(reel, PARAMETERS, 1);
    for (int t = 0; t < steps && !reel_failed(reel); t++) {
        reel_rng_normal(numpy, noise, 0, scale);
        reel_params_read(params, before);
        reel_params_set_gradient(params, noise);
        reel_optimizer_step(optimizer);
        reel_array after = reel_params_flat(params);
        sizes[t] = largest[t] = 0;
        for (int64_t i = 0; i < PARAMETERS; i++) {
            double moved = fabs(reel_array_get(&after, i) - reel_array_get(before, i));
            sizes[t] += moved * moved / PARAMETERS;
            largest[t] = fmax(largest[t], moved);
        }
        sizes[t] = sqrt(sizes[t]);
    }
    reel_array_free(noise);
    reel_array_free(before);
}

/* ---- training ---- */

double warm_up_train(reel_context *reel, int64_t warmup, const fit_recipe *how, double *peak)
{
    reel_dataset data = fit_moons(reel, WARM_UP_ROWS, 0.15, how->seed);
    if (reel_failed(reel)) return NAN;
    fit_net net = fit_net_new(reel, 5, (const int[]){2, 32, 32, 32, 1}, "relu", how->seed);
    reel_optimizer *optimizer = fit_optimizer(net.params, how);
    reel_trainer *trainer = fit_set_up(reel_trainer_new(net.module, &data, reel_bce_with_logits, optimizer), how);
    if (warmup > 0) reel_optimizer_set_schedule(optimizer, reel_schedule_warmup_new(reel, warmup));
    double sum = 0;
    int64_t count = 0, epochs = how->epochs;
    *peak = 0;
    for (int64_t epoch = 1; epoch <= epochs && !reel_failed(reel); epoch++) {
        reel_trainer_set(trainer, "epochs", (double)epoch);
        reel_trainer_run(trainer);
        double loss = reel_trainer_epoch_loss(trainer);
        *peak = fmax(*peak, loss);
        if (epoch > epochs - (epochs + 9) / 10) sum += loss, count++;
    }
    reel_trainer_free(trainer);
    if (reel_error_status(reel) == REEL_NOT_FINITE) { /* a result, not an error */
        reel_error_clear(reel);
        return *peak = INFINITY;
    }
    return sum / (double)count;
}

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    reel_context *reel = reel_context_new(NULL);
    for (int warmup = 0; warmup <= 40; warmup += 20) {
        fit_recipe how = {.optimizer = "adam", .lr = 0.03, .epochs = 40, .batch = 20, .seed = 42};
        double peak, loss = warm_up_train(reel, warmup, &how, &peak);
        printf("warm-up %2d  loss %.4f  largest on the way %.4f\n", warmup, loss, peak);
    }
    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
