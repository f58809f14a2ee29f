/* SPDX-License-Identifier: MIT
 *
 * Generated runs of which is known what is wrong with them: data, model, optimizer and state are drawn from a seed.
 */
#ifndef TESTS_DIAGNOSIS_RUNS_H
#define TESTS_DIAGNOSIS_RUNS_H

#include <reel/reel.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef struct drill {
    reel_context *context;
    reel_cause cause;
    reel_rng *rng;
    reel_dataset data, validation; /* arrays of the context's */
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
    bool moons;    /* else a curve of three columns */
    int kind;      /* which of the ways to get the cause wrong */
    double hidden; /* size of the term that the tape does not see */
} drill;

static inline double drill_between(drill *d, double least, double most)
{
    return least + (most - least) * reel_rng_uniform_one(d->rng);
}

static inline double drill_log_between(drill *d, double least, double most)
{
    return exp(drill_between(d, log(least), log(most)));
}

static inline int drill_one_of(drill *d, int count)
{
    return (int)drill_between(d, 0, count) % count;
}

/* ---- data ---- */

static inline void drill_put(reel_array *a, int64_t i, double x)
{
    ((float *)a->data)[i] = (float)x;
}

static inline reel_dataset drill_data(drill *d, int64_t rows, double noise, double wrong)
{
    int64_t columns = d->moons ? 2 : 3;
    reel_dataset made = {reel_array_new(NULL, d->context, REEL_FLOAT, 2, (int64_t[]){rows, columns}),
                         reel_array_new(NULL, d->context, REEL_FLOAT, 2, (int64_t[]){rows, 1})};
    for (int64_t i = 0; i < rows; i++) {
        if (d->moons) {
            double t = acos(-1) * reel_rng_uniform_one(d->rng);
            bool second = i % 2;
            drill_put(made.x, 2 * i, (second ? 1 - cos(t) : cos(t)) + drill_between(d, -noise, noise));
            drill_put(made.x, 2 * i + 1, (second ? 0.5 - sin(t) : sin(t)) + drill_between(d, -noise, noise));
            drill_put(made.y, i, reel_rng_uniform_one(d->rng) < wrong ? !second : second);
        } else {
            double x[3];
            for (int c = 0; c < 3; c++) drill_put(made.x, 3 * i + c, x[c] = drill_between(d, -1.7, 1.7));
            double y = sin(2 * x[0]) + 0.5 * x[1] * x[2] + drill_between(d, -1, 1) * (noise + 3 * wrong);
            drill_put(made.y, i, y);
        }
    }
    return made;
}

static inline void drill_spoil_data(drill *d)
{
    reel_array *x = d->data.x, *y = d->data.y;
    int64_t rows = x->shape[0], columns = x->shape[1], column = drill_one_of(d, (int)columns);
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = i * columns + column;
        float *value = &((float *)x->data)[at];
        if (d->kind == 0 && i == rows / 3) *value = drill_one_of(d, 2) ? NAN : INFINITY;
        if (d->kind == 1) *value = 3;
        if (d->kind == 2) *value *= 3000;
        if (d->kind == 3 && i % 7 == 0 && i + 1 < rows) { /* the next row again, with the other label */
            for (int64_t c = 0; c < columns; c++)
                ((float *)x->data)[i * columns + c] = ((float *)x->data)[(i + 1) * columns + c];
            ((float *)y->data)[i] = 1 - ((float *)y->data)[i + 1];
        }
    }
}

/* ---- losses ---- */

static inline reel_value drill_loss_of(const drill *d, reel_value prediction, reel_value target)
{
    return d->moons ? reel_bce_with_logits(NULL, prediction, target) : reel_mse(NULL, prediction, target);
}

/* A term that the tape takes for a constant. */
static inline reel_value drill_hidden_loss(const reel_batch *batch, void *user)
{
    drill *d = user;
    reel_array flat = reel_params_flat(d->params);
    double sum = 0;
    for (int64_t i = 0; i < flat.size; i++) sum += pow(reel_array_get(&flat, i), 2);
    reel_value loss = drill_loss_of(d, reel_forward(NULL, d->net, batch->x), batch->y);
    return reel_add_scalar(NULL, loss, isfinite(sum) ? d->hidden * sum : 0);
}

/* Logarithm of what may be negative, or an exponential that overflows. */
static inline reel_value drill_wild_loss(const reel_batch *batch, void *user)
{
    drill *d = user;
    reel_value out = reel_forward(NULL, d->net, batch->x);
    if (d->kind % 2) return reel_mean(NULL, reel_log(NULL, reel_add_scalar(NULL, out, -0.5)));
    return reel_mean(NULL, reel_square(NULL, reel_exp(NULL, reel_mul_scalar(NULL, reel_square(NULL, out), 1e5))));
}

static inline reel_value drill_squashed_loss(const reel_batch *batch, void *user)
{
    drill *d = user;
    return reel_mse(NULL, reel_sigmoid(NULL, reel_forward(NULL, d->net, batch->x)), batch->y);
}

/* ---- model and state ---- */

static inline void drill_set(drill *d, const char *name, double factor, double shift, double share)
{
    reel_array flat = reel_params_value(d->params, reel_params_find(d->params, name));
    for (int64_t i = 0; i < flat.size; i++)
        if (share >= 1 || (double)i < share * (double)flat.size)
            ((float *)flat.data)[i] = (float)(factor * reel_array_get(&flat, i) + shift);
    reel_params_touch(d->params);
}

static inline double drill_limit(drill *d)
{
    reel_curvature c;
    reel_status status = reel_sharpness(NULL, d->trainer, NULL, &c);
    if (status == REEL_NOT_FINITE) reel_error_clear(d->context);
    return status == REEL_OK && isfinite(c.limit) ? c.limit : 0.1;
}

static inline void drill_train(drill *d, int epochs)
{
    if (epochs < 1) return;
    reel_trainer_set(NULL, d->trainer, "epochs", epochs);
    reel_trainer_set(NULL, d->trainer, "stop_when_not_finite", 0);
    reel_trainer_run(NULL, d->trainer);
}

static inline void drill_model(drill *d)
{
    bool small = d->cause == REEL_CAUSE_TOO_SMALL, relu = drill_one_of(d, 3) == 0;
    if (d->cause == REEL_CAUSE_DEAD_UNITS) relu = true;
    if (d->cause == REEL_CAUSE_PLATEAU) relu = false; /* weights of 0 are dead units there */
    int inputs = d->moons ? 2 : 3, units = 16 + drill_one_of(d, 17);
    const char *activation = relu ? "relu" : "tanh";
    if (d->cause == REEL_CAUSE_OVERFITTING) units = 48;
    reel_rng *init = reel_rng_torch_new(NULL, d->context, (uint64_t)drill_one_of(d, 1000000));
    d->params = reel_params_new(NULL, d->context, REEL_FLOAT);
    if (small)
        d->net = reel_mlp_new(NULL, d->params, "net", 2, (int[]){inputs, 1}, activation, init);
    else
        d->net = reel_mlp_new(NULL, d->params, "net", 4, (int[]){inputs, units, units, 1}, activation, init);
}

static inline void drill_trainer(drill *d, bool adam, double momentum)
{
    d->optimizer = adam ? reel_adam_new(NULL, d->params, 0.01) : reel_sgd_new(NULL, d->params, 0.1);
    if (!adam) reel_optimizer_set(NULL, d->optimizer, "momentum", momentum);
    reel_loss_function custom = NULL;
    if (d->cause == REEL_CAUSE_GRADIENT) custom = drill_hidden_loss;
    if (d->cause == REEL_CAUSE_NOT_FINITE) custom = drill_wild_loss;
    if (d->cause == REEL_CAUSE_PLATEAU && d->kind == 0) custom = drill_squashed_loss;
    if (custom)
        d->trainer = reel_trainer_custom_new(NULL, d->optimizer, d->net, &d->data, custom, d);
    else
        d->trainer = reel_trainer_new(NULL, d->net, &d->data, d->moons ? reel_bce_with_logits : reel_mse, d->optimizer);
    bool all = d->cause == REEL_CAUSE_RATE_HIGH || drill_one_of(d, 2);
    reel_trainer_set(NULL, d->trainer, "batch", all ? 0 : 64);
}

/* The state that has the cause. */
static inline void drill_state(drill *d, bool adam)
{
    double limit = drill_limit(d);
    if (reel_trainer_get(d->trainer, "batch") > 0) limit /= 3; /* batches are more curved than all rows */
    double rate = adam ? drill_log_between(d, 0.003, 0.02) : limit * drill_log_between(d, 0.05, 0.2);
    int epochs = drill_one_of(d, 60);
    if (d->cause == REEL_CAUSE_RATE_HIGH) {
        rate = adam ? drill_log_between(d, 3, 20) : limit * drill_log_between(d, 4, 40);
        epochs = drill_one_of(d, 8);
    }
    if (d->cause == REEL_CAUSE_RATE_LOW) rate *= drill_log_between(d, 1e-5, adam ? 1e-3 : 3e-4);
    if (d->cause == REEL_CAUSE_OVERFITTING) {
        rate = adam ? 0.01 : rate;
        epochs = 1500;
        reel_trainer_set_validation(NULL, d->trainer, &d->validation);
    }
    if (d->cause == REEL_CAUSE_TOO_SMALL) epochs = 100 + drill_one_of(d, 100);
    if (d->cause == REEL_CAUSE_NOT_FINITE || d->cause == REEL_CAUSE_INPUT || d->cause == REEL_CAUSE_PLATEAU) epochs = 0;
    if (d->cause == REEL_CAUSE_DEAD_UNITS) {
        drill_set(d, "net.0.bias", 0, -30, drill_between(d, 0.7, 1));
        drill_set(d, "net.1.bias", 0, -30, drill_between(d, 0.7, 1));
        epochs = drill_one_of(d, 5);
    }
    if (d->cause == REEL_CAUSE_PLATEAU && d->kind == 0) drill_set(d, "net.2.bias", 1, drill_one_of(d, 2) ? 25 : -25, 1);
    if (d->cause == REEL_CAUSE_PLATEAU && d->kind == 1)
        for (int i = 0; i < reel_params_count(d->params); i++) drill_set(d, reel_params_name(d->params, i), 0, 0, 1);
    if (d->cause == REEL_CAUSE_NOTHING && d->kind == 1) reel_trainer_set_validation(NULL, d->trainer, &d->validation);
    reel_optimizer_set(NULL, d->optimizer, "lr", rate);
    drill_train(d, epochs);
}

/* All of it, in a context that the caller frees. */
static inline void drill_new(drill *d, reel_context *own, reel_cause cause, uint64_t seed)
{
    *d = (drill){.context = own, .cause = cause};
    d->rng = reel_rng_philox_new(NULL, own, seed, reel_cause_name(cause));
    d->kind = drill_one_of(d, cause == REEL_CAUSE_INPUT ? 4 : 2);
    bool labels = cause == REEL_CAUSE_PLATEAU || cause == REEL_CAUSE_TOO_SMALL;
    d->moons = drill_one_of(d, 2) || labels || (cause == REEL_CAUSE_INPUT && d->kind == 3);
    if (cause == REEL_CAUSE_TOO_SMALL) d->moons = false;
    d->hidden = drill_log_between(d, 0.05, 1);
    bool over = cause == REEL_CAUSE_OVERFITTING;
    d->data = drill_data(d, over ? 30 : 100 + 2 * drill_one_of(d, 150), 0.1, over ? 0.25 : 0);
    d->validation = drill_data(d, 200, 0.1, over ? 0.25 : 0);
    if (cause == REEL_CAUSE_INPUT) drill_spoil_data(d);
    bool adam = drill_one_of(d, 2) || over;
    drill_model(d);
    drill_trainer(d, adam, drill_one_of(d, 2) ? 0.9 : 0);
    drill_state(d, adam);
}

#endif
