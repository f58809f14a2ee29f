/* SPDX-License-Identifier: MIT
 *
 * Losses of a prediction and a target, element by element, each given by one scalar function that knows its value and
 * slopes: smooth_l1, kl_div, hinge, focal, and bce_with_logits with weights.
 */
#include "ops/families.h"
#include <reel/ops.h>

#include <math.h>

enum { PREDICTION, TARGET, WEIGHT, POSITIVE, OPERANDS };

typedef struct scalar_loss_attributes {
    reel_reduction reduction;
    double p[2];
} scalar_loss_attributes;

/* in: one number of each operand. Value and slopes are those without the factor in[WEIGHT]. */
typedef void (*scalar_loss)(const double in[OPERANDS], const double p[2], double *value, double slope[OPERANDS]);

/* With d = |x - t|, beta = p[0]: d^2 / (2 beta) if d < beta, else d - beta / 2. */
static void smooth_l1(const double in[OPERANDS], const double p[2], double *value, double slope[OPERANDS])
{
    double d = in[PREDICTION] - in[TARGET], beta = p[0];
    *value = fabs(d) < beta ? 0.5 * d * d / beta : fabs(d) - 0.5 * beta;
    slope[PREDICTION] = d <= -beta ? -1 : d >= beta ? 1 : d / beta;
    slope[TARGET] = -slope[PREDICTION];
}

/* t (log t - x), 0 where t is 0; with p[0] set t is log t itself. */
static void kl_div(const double in[OPERANDS], const double p[2], double *value, double slope[OPERANDS])
{
    double x = in[PREDICTION], t = in[TARGET];
    double probability = p[0] != 0 ? exp(t) : t, logarithm = p[0] != 0 ? t : log(t);
    bool none = probability == 0;
    *value = none ? 0 : probability * (logarithm - x);
    slope[PREDICTION] = none ? 0 : -probability;
    slope[TARGET] = none ? 0 : (p[0] != 0 ? probability : 1) * (logarithm - x + 1);
}

/* max(0, 1 - t x). */
static void hinge(const double in[OPERANDS], const double p[2], double *value, double slope[OPERANDS])
{
    double margin = 1 - in[TARGET] * in[PREDICTION];
    (void)p;
    *value = margin <= 0 ? 0 : margin;
    slope[PREDICTION] = margin <= 0 ? 0 : -in[TARGET];
    slope[TARGET] = margin <= 0 ? 0 : -in[PREDICTION];
}

/* -(1 - q)^gamma log(q + eps), q = t x + (1 - t) (1 - x), gamma = p[0], eps = p[1]. */
static void focal(const double in[OPERANDS], const double p[2], double *value, double slope[OPERANDS])
{
    double x = in[PREDICTION], t = in[TARGET];
    double q = t * x + (1 - t) * (1 - x), factor = pow(1 - q, p[0]), logarithm = log(q + p[1]);
    double change = p[0] == 0 ? 0 : p[0] * pow(1 - q, p[0] - 1);
    double by_q = change * logarithm - factor / (q + p[1]);
    *value = -factor * logarithm;
    slope[PREDICTION] = by_q * (2 * t - 1);
    slope[TARGET] = by_q * (2 * x - 1);
}

/* -(v t log s + (1 - t) log(1 - s)), s = sigmoid(x), v = in[POSITIVE], in a form that neither overflows nor cancels:
 * with u = (v - 1) t + 1: u log(1 + e^-|x|) + (x >= 0 ? (1 - t) x : -v t x). */
static void weighted_logits(const double in[OPERANDS], const double p[2], double *value, double slope[OPERANDS])
{
    double x = in[PREDICTION], t = in[TARGET], v = in[POSITIVE], u = (v - 1) * t + 1;
    double small = exp(-fabs(x)), tail = log1p(small), other = small / (1 + small); /* sigmoid(-|x|) */
    double softplus = tail + (x >= 0 ? 0 : -x);                                     /* -log s */
    (void)p;
    *value = u * tail + (x >= 0 ? (1 - t) * x : -v * t * x);
    slope[PREDICTION] = x >= 0 ? (1 - t) - u * other : u * other - v * t;
    slope[TARGET] = (v - 1) * softplus - x;
    slope[POSITIVE] = t * softplus;
}

enum { SMOOTH_L1, KL_DIV, HINGE, FOCAL, WEIGHTED_LOGITS, COUNT };
static const scalar_loss functions[COUNT] = {smooth_l1, kl_div, hinge, focal, weighted_logits};
static const reel_op ops[COUNT];

static reel_status scalar_loss_shape(reel_call *call)
{
    const scalar_loss_attributes *a = call->attributes;
    reel_status status = rule_all_real(call);
    if (status != REEL_OK) return status;
    for (int i = 1; i < call->count; i++) {
        static const char *const names[OPERANDS] = {"prediction", "target", "weights", "positive weights"};
        char texts[2][SHAPE_TEXT_SIZE];
        if (call->in[i] && !same_shape(call->in[0], call->in[i]))
            return reel_call_fail(call, REEL_BAD_SHAPE, "prediction %s and %s %s differ",
                                  shape_text(texts[0], call->in[0]), names[i], shape_text(texts[1], call->in[i]));
    }
    if ((unsigned)a->reduction > REEL_NONE)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found reduction %d, expected REEL_MEAN, REEL_SUM or REEL_NONE",
                              (int)a->reduction);
    if (!(a->p[0] >= 0 && a->p[1] >= 0))
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found a parameter of %g, expected 0 or more",
                              a->p[0] >= 0 ? a->p[1] : a->p[0]);
    if (a->reduction == REEL_NONE) rule_shape_of(call, 0);
    return REEL_OK;
}

/* Value and slopes of element i, the weight included. */
static double evaluate(const reel_call *call, int64_t i, double slope[OPERANDS])
{
    const scalar_loss_attributes *a = call->attributes;
    double in[OPERANDS] = {0, 0, 1, 1}, value;
    for (int k = 0; k < call->count; k++)
        if (call->in[k]) in[k] = real_at(call->in[k], i);
    slope[POSITIVE] = 0;
    functions[call->op - ops](in, a->p, &value, slope);
    slope[PREDICTION] *= in[WEIGHT];
    slope[TARGET] *= in[WEIGHT];
    slope[POSITIVE] *= in[WEIGHT];
    slope[WEIGHT] = value;
    return value * in[WEIGHT];
}

static reel_status scalar_loss_forward(reel_call *call)
{
    const scalar_loss_attributes *a = call->attributes;
    double sum = 0, slope[OPERANDS];
    int64_t n = call->in[0]->size;
    for (int64_t i = 0; i < n; i++) {
        double value = evaluate(call, i, slope);
        sum += value;
        if (a->reduction == REEL_NONE) real_put(call->out, call->out->data, i, value, false);
    }
    if (a->reduction != REEL_NONE)
        real_put(call->out, call->out->data, 0, a->reduction == REEL_MEAN ? sum / (double)n : sum, false);
    return REEL_OK;
}

static reel_status scalar_loss_backward(reel_call *call)
{
    const scalar_loss_attributes *a = call->attributes;
    int64_t n = call->in[0]->size;
    double share = a->reduction == REEL_MEAN ? (double)n : 1, slope[OPERANDS];
    reel_array g = *call->out;
    g.data = (void *)(uintptr_t)call->out_gradient;
    for (int k = 0; k < call->count; k++)
        for (int64_t i = 0; i < n && call->in_gradient[k]; i++) {
            evaluate(call, i, slope);
            double own = real_at(&g, a->reduction == REEL_NONE ? i : 0) / share;
            real_put(call->out, call->in_gradient[k], i, own * slope[k], call->add[k]);
        }
    return REEL_OK;
}

#define REAL(low, high)                                                                                                \
    {                                                                                                                  \
        2, {3, 4}, low, high, NULL, REEL_FLOAT, false                                                                  \
    }
#define WITH(reduction, ...)                                                                                           \
    &(scalar_loss_attributes)                                                                                          \
    {                                                                                                                  \
        reduction,                                                                                                     \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
static const double on_corner[] = {0.5}, beyond[] = {2};
static const reel_sample smooth_l1_samples[] = {
    {"mean", 2, {REAL(-2, 2), REAL(-2, 2)}, WITH(REEL_MEAN, 0.7), false},
    {"none", 2, {REAL(-2, 2), REAL(-2, 2)}, WITH(REEL_NONE, 1), false},
    {"sum, weights, beta 0", 3, {REAL(1, 2), REAL(-2, 0.5), REAL(0.5, 2)}, WITH(REEL_SUM, 0), false},
};
static const reel_sample kl_div_samples[] = {
    {"mean", 2, {REAL(-3, 0), REAL(0.1, 1)}, WITH(REEL_MEAN, 0), false},
    {"none, logarithms", 2, {REAL(-3, 0), REAL(-3, 0)}, WITH(REEL_NONE, 1), false},
};
static const reel_sample hinge_samples[] = {
    {"mean", 2, {REAL(-0.9, 0.9), REAL(-1, 1)}, WITH(REEL_MEAN, 0), false},
    {"none", 2, {REAL(1.5, 2), REAL(1, 2)}, WITH(REEL_NONE, 0), false},
    {"corner",
     2,
     {{1, {1}, 0, 0, on_corner, REEL_FLOAT, false}, {1, {1}, 0, 0, beyond, REEL_FLOAT, false}},
     WITH(REEL_SUM, 0),
     true},
};
static const reel_sample focal_samples[] = {
    {"mean", 2, {REAL(0.1, 0.9), REAL(0, 1)}, WITH(REEL_MEAN, 2, 1e-8), false},
    {"none, half", 2, {REAL(0.1, 0.9), REAL(0.1, 0.9)}, WITH(REEL_NONE, 0.5, 1e-8), false},
    {"sum, 0", 2, {REAL(0.1, 0.9), REAL(0, 1)}, WITH(REEL_SUM, 0, 1e-8), false},
};
static const reel_sample weighted_logits_samples[] = {
    {"mean", 4, {REAL(-4, 4), REAL(0, 1), REAL(0.2, 2), REAL(0.2, 3)}, WITH(REEL_MEAN, 0), false},
    {"none", 3, {REAL(-4, 4), REAL(0, 1), REAL(0.2, 2)}, WITH(REEL_NONE, 0), false},
};

#define DESCRIPTOR(name_, formula_, most_, rows)                                                                       \
    {                                                                                                                  \
        .size = sizeof(reel_op), .name = name_, .formula = formula_, .least = 2, .most = most_,                        \
        .attributes_size = sizeof(scalar_loss_attributes), .shape = scalar_loss_shape, .forward = scalar_loss_forward, \
        .backward = scalar_loss_backward, .samples = rows, .sample_count = sizeof rows / sizeof *rows                  \
    }
static const reel_op ops[COUNT] = {
    [SMOOTH_L1] =
        DESCRIPTOR("smooth_l1", "d = |x - t|: d^2 / (2 beta) if d < beta, else d - beta / 2", 3, smooth_l1_samples),
    [KL_DIV] = DESCRIPTOR("kl_div", "t (log(t) - x), x a logarithm of a probability", 2, kl_div_samples),
    [HINGE] = DESCRIPTOR("hinge", "max(0, 1 - t x)", 2, hinge_samples),
    [FOCAL] = DESCRIPTOR("focal", "-(1 - q)^gamma log(q + eps), q = t x + (1 - t) (1 - x)", 2, focal_samples),
    [WEIGHTED_LOGITS] = DESCRIPTOR("bce_with_logits_weighted", "-w (v t log(s) + (1 - t) log(1 - s)), s = sigmoid(x)",
                                   4, weighted_logits_samples),
};

reel_value reel_smooth_l1(const char *site, reel_value prediction, reel_value target, double beta,
                          reel_reduction reduction)
{
    return reel_record(site, &ops[SMOOTH_L1], 2, (const reel_value[]){prediction, target},
                       &(scalar_loss_attributes){reduction, {beta, 0}});
}

reel_value reel_kl_div(const char *site, reel_value prediction, reel_value target, bool log_target,
                       reel_reduction reduction)
{
    return reel_record(site, &ops[KL_DIV], 2, (const reel_value[]){prediction, target},
                       &(scalar_loss_attributes){reduction, {log_target, 0}});
}

reel_value reel_hinge(const char *site, reel_value prediction, reel_value target, reel_reduction reduction)
{
    return reel_record(site, &ops[HINGE], 2, (const reel_value[]){prediction, target},
                       &(scalar_loss_attributes){reduction, {0, 0}});
}

reel_value reel_focal(const char *site, reel_value prediction, reel_value target, double gamma, double eps,
                      reel_reduction reduction)
{
    return reel_record(site, &ops[FOCAL], 2, (const reel_value[]){prediction, target},
                       &(scalar_loss_attributes){reduction, {gamma, eps}});
}

/* Weights repeated to the shape of x; nil stays nil. */
static reel_value fitted(const char *site, reel_value weights, reel_value x)
{
    reel_array a = reel_data(x);
    return reel_is_nil(weights) ? weights : reel_expand(site, weights, a.rank, a.shape);
}

reel_value reel_bce_with_logits_weighted(const char *site, reel_value prediction, reel_value target, reel_value weights,
                                         reel_value positive, reel_reduction reduction)
{
    reel_value operands[OPERANDS] = {prediction, target, fitted(site, weights, prediction),
                                     fitted(site, positive, prediction)};
    return reel_record(site, &ops[WEIGHTED_LOGITS], OPERANDS, operands, &(scalar_loss_attributes){reduction, {0, 0}});
}

reel_value reel_bce_weighted(const char *site, reel_value prediction, reel_value target, reel_value weights,
                             reel_reduction reduction)
{
    reel_value each = reel_mul(site, reel_bce_reduced(site, prediction, target, REEL_NONE), weights);
    return reduction == REEL_NONE ? each : reduction == REEL_SUM ? reel_sum(site, each) : reel_mean(site, each);
}

op_family loss_scalar_family = {&ops[SMOOTH_L1], &ops[KL_DIV], &ops[HINGE], &ops[FOCAL], &ops[WEIGHTED_LOGITS], NULL};
