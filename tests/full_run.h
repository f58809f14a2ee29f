/* SPDX-License-Identifier: MIT
 *
 * A run with everything in it that a checkpoint has to hold: any optimizer, schedule and averager, batches, batch norm,
 * dropout, gradient noise, clipping, plateaus.
 */
#ifndef TESTS_FULL_RUN_H
#define TESTS_FULL_RUN_H

#include "moons_run.h"
#include "train/state.h"

typedef struct full_run {
    moons_run run;
    reel_average *average;
    int64_t stop; /* 0: not */
    reel_array mean, variance;
} full_run;

/* A net with batch norm, whose running statistics are buffers. */
static inline reel_value normalised_loss(const reel_batch *batch, void *user)
{
    const full_run *f = user;
    reel_tape *tape = batch->tape;
    reel_params *p = f->run.params;
    reel_value h = reel_linear(NULL, batch->x, reel_param(NULL, tape, p, 0), reel_param(NULL, tape, p, 1));
    h = reel_batch_norm(NULL, h, REEL_NIL, REEL_NIL, &f->mean, &f->variance, 0.1, 1e-5);
    h = reel_dropout(NULL, reel_tanh(NULL, h), 0.2);
    h = reel_linear(NULL, h, reel_param(NULL, tape, p, 2), reel_param(NULL, tape, p, 3));
    return reel_bce_with_logits(NULL, h, batch->y);
}

static inline void observe_full(const reel_event *event, void *user)
{
    full_run *f = user;
    if (event->kind != REEL_EVENT_STEP) return;
    reel_optimizer_observe(f->run.optimizer, event->loss);
    if (event->step == f->stop) reel_trainer_request_stop(f->run.trainer);
}

static inline double slower(void *user, int64_t step)
{
    (void)user;
    return 1 / (1 + 0.1 * (double)step);
}

/* "step:3", "onecycle:0.1": a kind with what it requires, from its table. */
static inline reel_schedule *schedule_of(const reel_schedule_type *type, reel_context *own, int64_t steps)
{
    char spec[256];
    size_t n = (size_t)snprintf(spec, sizeof spec, "%s", type->name);
    if (strcmp(type->name, "lambda") == 0) return reel_schedule_lambda_new(NULL, own, slower, NULL);
    for (int i = 0; i < type->hyper_count; i++)
        if (type->hypers[i].required)
            n += (size_t)snprintf(spec + n, sizeof spec - n, ":%s=%s", type->hypers[i].name,
                                  type->hypers[i].kind == REEL_HYPER_NUMBER ? "0.02" : "3");
    return reel_schedule_parse(NULL, own, spec, steps);
}

enum { FULL_EPOCHS = 3, FULL_STEPS = 12 };

/* False: the schedule cycles a momentum that the optimizer has not. */
static inline bool full_new(full_run *f, const reel_optimizer_type *o, const reel_schedule_type *s,
                            const reel_average_type *a, bool wide, int threads)
{
    reel_context *own = reel_context_new(NULL);
    moons_run *r = &f->run;
    *f = (full_run){.run = {.context = own}};
    reel_context_set_threads(own, threads);
    r->data = reel_moons_new(NULL, own, 50, 0.15, reel_rng_numpy_new(NULL, own, 4));
    r->params = reel_params_new(NULL, own, wide ? REEL_DOUBLE : REEL_FLOAT);
    reel_rng *init = reel_rng_torch_new(NULL, own, 2);
    reel_linear_new(NULL, r->params, "first", 2, 6, init);
    reel_linear_new(NULL, r->params, "last", 6, 1, init);
    int mean = reel_params_add_buffer(NULL, r->params, "norm.mean", 1, (const int64_t[]){6});
    int variance = reel_params_add_buffer(NULL, r->params, "norm.variance", 1, (const int64_t[]){6});
    r->optimizer = reel_optimizer_new(NULL, r->params, o);
    reel_optimizer_set(NULL, r->optimizer, "lr", 0.02);
    reel_optimizer_set(NULL, r->optimizer, "noise", 0.01);
    reel_optimizer_set(NULL, r->optimizer, "clip_norm", 0.5);
    if (strcmp(o->name, "sgd") == 0) reel_optimizer_set(NULL, r->optimizer, "momentum", 0.9);
    f->mean = reel_params_buffer(r->params, mean);
    f->variance = reel_params_buffer(r->params, variance);
    for (int i = 0; i < 6; i++) {
        if (wide)
            ((double *)f->variance.data)[i] = 1;
        else
            ((float *)f->variance.data)[i] = 1;
    }
    ck_assert_msg(!reel_failed(own), "%s", reel_error_text(own));
    reel_schedule *schedule = schedule_of(s, own, FULL_STEPS);
    ck_assert_msg(schedule != NULL, "%s: %s", s->name, reel_error_text(own));
    if (reel_optimizer_set_schedule(NULL, r->optimizer, schedule) != REEL_OK) return false;
    r->trainer = reel_trainer_custom_new(NULL, r->optimizer, NULL, r->data, normalised_loss, f);
    reel_trainer_set(NULL, r->trainer, "epochs", FULL_EPOCHS);
    reel_trainer_set(NULL, r->trainer, "batch", 13);
    reel_trainer_set(NULL, r->trainer, "seed", 9);
    f->average = a ? reel_average_new(NULL, r->params, a) : NULL;
    if (a) reel_trainer_set_average(NULL, r->trainer, f->average);
    reel_trainer_set_observer(r->trainer, observe_full, f);
    ck_assert_msg(!reel_failed(own), "%s", reel_error_text(own));
    return true;
}

/* Thousands of small files: the disk need not have each of them. */
static inline int no_sync(void *user, int file)
{
    (void)user;
    (void)file;
    return 0;
}

#endif
