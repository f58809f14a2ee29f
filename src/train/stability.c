/* SPDX-License-Identifier: MIT
 *
 * The stability limits of the optimizers on a quadratic with Hessian H. In an eigendirection of the scaled operator with
 * eigenvalue l the iteration is linear; it leaves the unit circle at -1, where (for the step x -= r b, r the rate)
 *     descent      b = l x                                                r l = 2
 *     heavy ball   b' = m b + (1 - d) l x                                 r l = 2 (1 + m) / (1 - d)
 *     Nesterov     b' = m b + l x, step along l x + m b'                  r l = 2 (1 + m) / (1 + 2 m)
 *     mean         b' = m b + (1 - m) l x                                 r l = 2 (1 + m) / (1 - m)
 *     decoupled    the mean with x *= 1 - r w besides                     r (w + l (1 - m) / (1 + m)) = 2
 * (Cohen et al. 2021, appendix B; 2022). Adaptive optimizers divide by D, taken as frozen: l is of D^-1/2 H D^-1/2.
 */
#include "train/sharpness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum optimizer_family {
    FAMILY_SGD,
    FAMILY_ADAM,
    FAMILY_RMSPROP,
    FAMILY_ADAGRAD,
    FAMILY_ADAMAX
} optimizer_family;

static const struct {
    const char *name;
    optimizer_family family;
    bool decoupled;
} kinds[] = {
    {"sgd", FAMILY_SGD, false},         {"adam", FAMILY_ADAM, false},       {"adamw", FAMILY_ADAM, true},
    {"rmsprop", FAMILY_RMSPROP, false}, {"adagrad", FAMILY_ADAGRAD, false}, {"adamax", FAMILY_ADAMAX, false},
};

/* A hyper-parameter as it is in the next step; 0 when the kind has none of this name. */
static double hyper(const reel_optimizer *o, int group, const char *name)
{
    int row = reel_hyper_find(o->type->hypers, o->type->hyper_count, name);
    if (row < 0) return 0;
    const optimizer_group *g = &o->groups[group];
    double value = g->values[row];
    if (row == o->momentum_row && g->schedule)
        value = reel_schedule_momentum(g->schedule, optimizer_schedule_step(o), value);
    return value;
}

/* Rate of a group over that of the first one. */
static double relative_rate(const reel_optimizer *o, int group)
{
    double first = reel_optimizer_group_rate(o, 0), own = reel_optimizer_group_rate(o, group);
    if (first == 0) first = hyper(o, 0, "lr"), own = hyper(o, group, "lr");
    return first > 0 ? own / first : 1;
}

/* Element i of a state vector; `start` before the first step, or after the moments were reset. */
static double state_at(const reel_optimizer *o, const char *name, int64_t i, double start)
{
    for (int k = 0; k < o->type->state_count; k++) {
        const state_vector *s = &o->state[k];
        if (strcmp(o->type->state_names[k], name) != 0) continue;
        if (!s->data || !s->started) return start;
        return o->params->dtype == REEL_DOUBLE ? ((const double *)s->data)[i] : (double)((const float *)s->data)[i];
    }
    return start;
}

static bool has_moments(const reel_optimizer *o)
{
    for (int k = 0; k < o->type->state_count; k++)
        if (o->state[k].started) return true;
    return false;
}

/* D of element i, as the last step had it; before the first one as that will have it, from the gradient g. */
static double divisor(const reel_optimizer *o, optimizer_family family, int group, int64_t i, double g, bool moments)
{
    const double eps = hyper(o, group, "eps");
    double corrected, mean, start;
    switch (family) {
    case FAMILY_SGD: return 1;
    case FAMILY_ADAM:
        if (!moments) return fabs(g) + eps;
        corrected = 1 - pow(hyper(o, group, "beta2"), (double)o->steps);
        return sqrt(state_at(o, hyper(o, group, "amsgrad") != 0 ? "largest_square" : "square", i, 0) / corrected) + eps;
    case FAMILY_RMSPROP:
        mean = hyper(o, group, "centered") != 0 ? state_at(o, "mean", i, (1 - hyper(o, group, "alpha")) * g) : 0;
        start = (1 - hyper(o, group, "alpha")) * g * g;
        return sqrt(fmax(state_at(o, "square", i, start) - mean * mean, 0)) + eps;
    case FAMILY_ADAGRAD:
        start = hyper(o, group, "initial_accumulator_value") + g * g;
        return sqrt(state_at(o, "sum", i, start)) + eps;
    case FAMILY_ADAMAX: return state_at(o, "largest", i, fabs(g) + eps);
    }
    return NAN;
}

/* The factor of the limit and its formula. */
static void factor_of(stability *s, const reel_optimizer *o, optimizer_family family, bool decoupled,
                      reel_curvature *out)
{
    const char *lambda = family == FAMILY_SGD ? "lambda" : "lambda'", *text = "2 / ";
    double momentum = hyper(o, 0, "momentum"), beta1 = hyper(o, 0, "beta1"), dampening = hyper(o, 0, "dampening");
    s->factor = 1;
    if (family == FAMILY_ADAM || family == FAMILY_ADAMAX) {
        s->factor = (1 + beta1) / (1 - beta1);
        text = "2 (1 + beta1) / (1 - beta1) / ";
    } else if (family == FAMILY_ADAGRAD && hyper(o, 0, "lr_decay") > 0) {
        s->factor = 1 + (double)o->steps * hyper(o, 0, "lr_decay");
        text = "2 (1 + (t - 1) lr_decay) / ";
    } else if (momentum != 0 && hyper(o, 0, "nesterov") != 0) {
        s->factor = (1 + momentum) / (1 + 2 * momentum);
        text = "2 (1 + momentum) / (1 + 2 momentum) / ";
    } else if (momentum != 0) {
        s->factor = (1 + momentum) / (1 - dampening);
        text = dampening != 0 ? "2 (1 + momentum) / (1 - dampening) / " : "2 (1 + momentum) / ";
    }
    if (decoupled && hyper(o, 0, "weight_decay") > 0) {
        s->decay = hyper(o, 0, "weight_decay");
        snprintf(out->formula, sizeof out->formula, "2 / (weight_decay + lambda' (1 - beta1) / (1 + beta1))");
    } else {
        snprintf(out->formula, sizeof out->formula, "%s%s", text, lambda);
    }
}

/* NULL, or why groups together have no one limit. */
static const char *disagreement(const reel_optimizer *o, bool decoupled)
{
    static const char *const names[] = {"momentum", "dampening", "nesterov", "beta1", "maximize", "lr_decay"};
    for (int g = 1; g < o->group_count; g++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (hyper(o, g, names[i]) != hyper(o, 0, names[i])) return names[i];
        if (decoupled && relative_rate(o, g) * hyper(o, g, "weight_decay") != hyper(o, 0, "weight_decay"))
            return "decoupled weight decay";
    }
    return NULL;
}

/* S = sqrt(relative rate / D), W = L2 weight decay. */
static bool scale_elements(stability *s, const probe *p, optimizer_family family, bool decoupled, const double *origin,
                           const double *gradient)
{
    const reel_optimizer *o = p->trainer->optimizer;
    const reel_params *params = p->params;
    bool moments = has_moments(o);
    for (int i = 0; i < o->parameters; i++) {
        const slice *one = &params->values.slices[i];
        int group = o->group_of[i];
        double rate = relative_rate(o, group), decay = decoupled ? 0 : hyper(o, group, "weight_decay");
        for (int64_t k = one->offset; one->trainable && k < one->offset + one->size; k++) {
            double g = s->sign * gradient[k] + decay * origin[k];
            s->scale[k] = sqrt(rate / divisor(o, family, group, k, g, moments));
            s->addition[k] = decay;
            if (!isfinite(s->scale[k])) return false;
        }
    }
    return true;
}

void stability_of(stability *s, const probe *p, const double *origin, const double *gradient, reel_curvature *out)
{
    const reel_optimizer *o = p->trainer->optimizer;
    const size_t count = sizeof kinds / sizeof *kinds;
    size_t k = 0;
    s->known = false;
    s->decay = 0;
    s->factor = 1;
    out->rate = reel_optimizer_rate(o);
    out->limit = NAN;
    while (k < count && strcmp(kinds[k].name, o->type->name) != 0) k++;
    if (k == count) {
        snprintf(out->why, sizeof out->why, "no stability limit is known for %s", o->type->name);
        return;
    }
    const optimizer_family family = kinds[k].family;
    const char *different = disagreement(o, kinds[k].decoupled);
    if (different) {
        snprintf(out->why, sizeof out->why, "the groups differ in %s, so that no one rate is the limit", different);
        return;
    }
    s->sign = hyper(o, 0, "maximize") != 0 ? -1 : 1;
    factor_of(s, o, family, kinds[k].decoupled, out);
    if (!scale_elements(s, p, family, kinds[k].decoupled, origin, gradient)) {
        snprintf(out->why, sizeof out->why,
                 "a divisor of %s is 0 or not finite, and its eps does not keep it from that", o->type->name);
        return;
    }
    if (family != FAMILY_SGD && !has_moments(o))
        snprintf(out->why, sizeof out->why,
                 "there are no moments yet: the limit is that of the first step, which divides by its own gradient");
    s->known = true;
    s->plain = family == FAMILY_SGD && s->sign > 0;
    s->shift = hyper(o, 0, "weight_decay");
    for (int g = 1; g < o->group_count; g++)
        s->plain = s->plain && relative_rate(o, g) == 1 && hyper(o, g, "weight_decay") == s->shift;
}
