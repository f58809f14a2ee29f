/* SPDX-License-Identifier: MIT
 *
 * Losses that compare a prediction with a target element by element: mse, l1, huber, bce, bce_with_logits.
 */
#include "kernels/loss.h"
#include "kernels/kernels.h"
#include "kernels/reduce.h"
#include "ops/families.h"
#include "tape/tape.h"
#include <reel/ops.h>

#include <math.h>

typedef struct loss_attributes {
    reel_reduction reduction;
    double p;
    void *slope; /* the derivatives by x that forward has kept for the walk back, or NULL */
} loss_attributes;

static const reel_op ops[LOSS_COUNT];

/* The same elements in the same order: shapes equal but for dimensions of size 1. */
static bool alike(const reel_array *a, const reel_array *b)
{
    int i = 0, j = 0;
    for (;; i++, j++) {
        while (i < a->rank && a->shape[i] == 1) i++;
        while (j < b->rank && b->shape[j] == 1) j++;
        if (i >= a->rank || j >= b->rank) return i >= a->rank && j >= b->rank;
        if (a->shape[i] != b->shape[j]) return false;
    }
}

static reel_status loss_shape(reel_call *call)
{
    const loss_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *t = call->in[1];
    char texts[2][SHAPE_TEXT_SIZE];
    reel_status status = rule_all_real(call);
    if (status != REEL_OK) return status;
    if (!alike(x, t))
        return reel_call_fail(call, REEL_BAD_SHAPE, "prediction %s and target %s differ", shape_text(texts[0], x),
                              shape_text(texts[1], t));
    if ((unsigned)a->reduction > REEL_NONE)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found reduction %d, expected REEL_MEAN, REEL_SUM or REEL_NONE",
                              (int)a->reduction);
    if (call->op == &ops[LOSS_HUBER] && !(a->p > 0 && a->p < INFINITY))
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found delta = %g, expected a positive number", a->p);
    if (a->reduction == REEL_NONE) rule_shape_of(call, 0);
    return REEL_OK;
}

static reel_status loss_forward(reel_call *call)
{
    loss_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *t = call->in[1];
    const struct loss_kernels *kernel = call_kernels(call)->loss;
    const loss_kind kind = (loss_kind)(call->op - ops);
    if (a->reduction == REEL_NONE) {
        kernel->each(kind, x->size, x->data, t->data, a->p, call->out->data);
        return REEL_OK;
    }
    a->slope = NULL;
    if (kind == LOSS_BCE_LOGITS && call->wants_gradient) { /* value and slope share the exponential */
        a->slope = reel_call_scratch(call, (size_t)x->size * element_size(x->dtype));
        if (!a->slope) return REEL_NO_MEMORY;
    }
    kernel->total(kind, x->size, x->data, t->data, a->p, a->reduction == REEL_MEAN ? (double)x->size : 1,
                  call->out->data, a->slope);
    return REEL_OK;
}

static reel_status loss_backward(reel_call *call)
{
    const loss_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *t = call->in[1];
    const struct loss_kernels *kernel = call_kernels(call)->loss;
    const loss_kind kind = (loss_kind)(call->op - ops);
    const double scale = a->reduction == REEL_MEAN ? 1 / (double)x->size : 1;
    for (int i = 0; i < 2; i++) {
        if (!call->in_gradient[i] || x->size == 0) continue;
        if (i == 0 && a->reduction != REEL_NONE && a->slope)
            kernel->pass_on(x->size, a->slope, call->out_gradient, scale, call->in_gradient[0], call->add[0]);
        else
            kernel->gradient(kind, i == 1, x->size, x->data, t->data, a->p, call->out_gradient,
                             a->reduction == REEL_NONE, scale, call->in_gradient[i], call->add[i]);
    }
    return REEL_OK;
}

#define SAMPLES(name, low, high, t_low, t_high, p)                                                                     \
    static const reel_sample name[] = {                                                                                \
        {"mean",                                                                                                       \
         2,                                                                                                            \
         {{2, {5, 4}, low, high, NULL, REEL_FLOAT, false}, {2, {5, 4}, t_low, t_high, NULL, REEL_FLOAT, false}},       \
         &(loss_attributes){REEL_MEAN, p, NULL},                                                                       \
         false},                                                                                                       \
        {"sum",                                                                                                        \
         2,                                                                                                            \
         {{2, {33, 1}, low, high, NULL, REEL_FLOAT, false}, {1, {33}, t_low, t_high, NULL, REEL_FLOAT, false}},        \
         &(loss_attributes){REEL_SUM, p, NULL},                                                                        \
         false},                                                                                                       \
        {"none",                                                                                                       \
         2,                                                                                                            \
         {{3, {2, 1, 3}, low, high, NULL, REEL_FLOAT, false}, {3, {2, 1, 3}, t_low, t_high, NULL, REEL_FLOAT, false}}, \
         &(loss_attributes){REEL_NONE, p, NULL},                                                                       \
         false},                                                                                                       \
    }
SAMPLES(real_samples, -2, 2, -2, 2, 0.7);
SAMPLES(bce_samples, 0.1, 0.9, 0.1, 0.9, 0);
SAMPLES(logit_samples, -4, 4, 0, 1, 0);

#define DESCRIPTOR(name_, formula_, rows)                                                                              \
    {                                                                                                                  \
        .size = sizeof(reel_op), .name = name_, .formula = formula_, .least = 2, .most = 2,                            \
        .attributes_size = sizeof(loss_attributes), .shape = loss_shape, .forward = loss_forward,                      \
        .backward = loss_backward, .samples = rows, .sample_count = 3                                                  \
    }
static const reel_op ops[LOSS_COUNT] = {
    [LOSS_SQUARE] = DESCRIPTOR("mse", "(x - t)^2", real_samples),
    [LOSS_ABS] = DESCRIPTOR("l1", "|x - t|", real_samples),
    [LOSS_HUBER] = DESCRIPTOR("huber", "d = |x - t|: d^2 / 2 if d <= delta, else delta (d - delta / 2)", real_samples),
    [LOSS_BCE] = DESCRIPTOR("bce", "-(t log(x) + (1 - t) log(1 - x))", bce_samples),
    [LOSS_BCE_LOGITS] = DESCRIPTOR("bce_with_logits", "max(x, 0) - x t + log(1 + exp(-|x|))", logit_samples),
};

#define LOSS(name, kind)                                                                                               \
    reel_value reel_##name(const char *site, reel_value prediction, reel_value target)                                 \
    {                                                                                                                  \
        return reel_##name##_reduced(site, prediction, target, REEL_MEAN);                                             \
    }                                                                                                                  \
    reel_value reel_##name##_reduced(const char *site, reel_value prediction, reel_value target,                       \
                                     reel_reduction reduction)                                                         \
    {                                                                                                                  \
        return reel_record(site, &ops[kind], 2, (const reel_value[]){prediction, target},                              \
                           &(loss_attributes){reduction, 0, NULL});                                                    \
    }
LOSS(mse, LOSS_SQUARE)
LOSS(l1, LOSS_ABS)
LOSS(bce, LOSS_BCE)
LOSS(bce_with_logits, LOSS_BCE_LOGITS)

reel_value reel_huber(const char *site, reel_value prediction, reel_value target, double delta)
{
    return reel_huber_reduced(site, prediction, target, delta, REEL_MEAN);
}

reel_value reel_huber_reduced(const char *site, reel_value prediction, reel_value target, double delta,
                              reel_reduction reduction)
{
    return reel_record(site, &ops[LOSS_HUBER], 2, (const reel_value[]){prediction, target},
                       &(loss_attributes){reduction, delta, NULL});
}

op_family loss_family = {&ops[LOSS_SQUARE], &ops[LOSS_ABS],        &ops[LOSS_HUBER],
                         &ops[LOSS_BCE],    &ops[LOSS_BCE_LOGITS], NULL};
