/* SPDX-License-Identifier: MIT
 *
 * Descent on a quadratic: recorded on a tape, walked back, stepped.
 */
#include "drill/drill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static reel_value record(reel_tape *tape, drill_model *m)
{
    reel_value x = reel_param(NULL, tape, m->params, 0);
    return reel_sum(NULL, reel_mul(NULL, reel_input(NULL, tape, m->half), reel_square(NULL, x)));
}

static reel_value loss_of(const reel_batch *batch, void *user)
{
    return record(batch->tape, user);
}

bool drill_model_new(drill_model *m, const drill_settings *s, double rate)
{
    int64_t n = s->size;
    *m = (drill_model){.context = reel_context_new(NULL)};
    m->params = reel_params_new(NULL, m->context, REEL_DOUBLE);
    reel_params_add(NULL, m->params, "x", 1, &n);
    m->half = reel_array_new(NULL, m->context, REEL_DOUBLE, 1, &n);
    m->tape = reel_tape_new(NULL, m->context, REEL_DOUBLE);
    m->optimizer = reel_optimizer_new(NULL, m->params, s->kind);
    reel_optimizer_set(NULL, m->optimizer, "lr", rate);
    if (s->momentum > 0) reel_optimizer_set(NULL, m->optimizer, "momentum", s->momentum);
    m->trainer = reel_trainer_custom_new(NULL, m->optimizer, NULL, NULL, loss_of, m);
    const reel_array start = reel_array_view(REEL_DOUBLE, (void *)(uintptr_t)s->start, 1, &n);
    reel_params_write(NULL, m->params, &start);
    for (int i = 0; m->half && i < n; i++) ((double *)m->half->data)[i] = s->eigenvalues[i] / 2;
    if (!reel_failed(m->context)) return true;
    complain_of(s->who, m->context);
    return false;
}

void drill_model_free(drill_model *m)
{
    reel_context_free(m->context);
    *m = (drill_model){.context = NULL};
}

double drill_loss(drill_model *m, bool walk)
{
    reel_tape_rewind(m->tape);
    reel_value loss = record(m->tape, m);
    if (walk) reel_backward(NULL, loss);
    return reel_item(NULL, loss);
}

void drill_step(drill_model *m)
{
    reel_optimizer_step(NULL, m->optimizer);
}

static void keep_point(const drill_model *m, double *point)
{
    reel_array x = reel_params_flat(m->params);
    if (x.data) memcpy(point, x.data, (size_t)x.size * sizeof *point);
}

/* Goes on after the last step until nothing is finite any more, if that happens. */
static void find_overflow(drill_model *m, drill_run *r, double loss)
{
    for (int64_t step = r->steps; step < OVERFLOW_STEPS && !reel_failed(m->context) && r->x_nan < 0; step++) {
        reel_array x = reel_params_flat(m->params);
        for (int64_t i = 0; i < x.size; i++) {
            double at = reel_array_get(&x, i);
            if (isinf(at) && r->x_infinite < 0) r->x_infinite = step;
            if (isnan(at) && r->x_nan < 0) r->x_nan = step;
        }
        if (!isfinite(loss) && r->loss_infinite < 0) r->loss_infinite = step;
        drill_step(m);
        loss = drill_loss(m, true);
        if (loss < r->losses[0]) break; /* it does not grow for good */
    }
}

bool drill_train(drill_run *r, const drill_settings *s, double rate, int steps)
{
    drill_model m;
    size_t n = (size_t)s->size, count = (size_t)steps + 1;
    *r = (drill_run){.rate = rate, .steps = steps, .rises = -1, .loss_infinite = -1, .x_infinite = -1, .x_nan = -1};
    r->losses = malloc(count * sizeof *r->losses);
    r->points = malloc(count * n * sizeof *r->points);
    if (!r->losses || !r->points) return complain(s->who, "out of memory"), false;
    if (!drill_model_new(&m, s, rate)) return drill_model_free(&m), false;
    for (int k = 0; k <= steps; k++) {
        if (k > 0) drill_step(&m);
        r->losses[k] = drill_loss(&m, true);
        keep_point(&m, r->points + (size_t)k * n);
        if (k > 0 && r->rises < 0 && !(r->losses[k] <= r->losses[k - 1])) r->rises = k;
    }
    if (drill_diverges(r)) find_overflow(&m, r, r->losses[steps]);
    bool right = !reel_failed(m.context);
    if (!right) complain_of(s->who, m.context);
    drill_model_free(&m);
    return right;
}

void drill_run_free(drill_run *r)
{
    free(r->losses);
    free(r->points);
    *r = (drill_run){.losses = NULL};
}
