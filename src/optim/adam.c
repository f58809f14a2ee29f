/* SPDX-License-Identifier: MIT
 *
 * Adam, with AMSGrad's maximum and, for AdamW, decoupled weight decay.
 */
#ifdef REAL

/* m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; x -= rate m / (sqrt(w) root + eps), w the moment v or its
 * running maximum. Moments below `tiny` become 0. */
static inline void NAME(loop)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict gradient,
                              REAL *restrict m, REAL *restrict v, REAL *restrict most)
{
    const REAL rate = (REAL)c->rate, shrink = (REAL)c->shrink, decay = (REAL)c->decay, sign = (REAL)c->sign;
    const REAL beta1 = (REAL)c->beta1, beta2 = (REAL)c->beta2, root = (REAL)c->root, eps = (REAL)c->eps;
    const REAL take1 = (REAL)(1 - c->beta1), take2 = (REAL)(1 - c->beta2);
    const REAL tiny = NAME(tiny)(eps);
    for (int64_t i = 0; i < n; i++) {
        REAL g = sign * gradient[i] + decay * x[i];
        REAL first = beta1 * m[i] + take1 * g, second = beta2 * v[i] + take2 * (g * g);
        first = ABS(first) < tiny ? 0 : first;
        second = second < tiny ? 0 : second;
        m[i] = first;
        v[i] = second;
        if (most) {
            second = most[i] > second ? most[i] : second;
            most[i] = second;
        }
        x[i] = x[i] * shrink - rate * first / (SQRT(second) * root + eps);
    }
}

static void NAME(adam)(const constants *c, const reel_update *u)
{
    if (u->state[2])
        NAME(loop)(c, u->n, u->parameter, u->gradient, u->state[0], u->state[1], u->state[2]);
    else
        NAME(loop)(c, u->n, u->parameter, u->gradient, u->state[0], u->state[1], NULL);
}

#else
#include "optim/optim.h"

typedef struct constants {
    double rate, shrink, decay, sign, beta1, beta2, root, eps;
} constants;

#define BOTH_TYPES "optim/adam.c"
#include "optim/both_types.h"

const char *const adam_states[] = {"mean", "square", "largest_square"};

unsigned adam_uses(const double *hyper)
{
    return hyper[ADAM_AMSGRAD] != 0 ? 7 : 3;
}

reel_status adam_step(const reel_update *u, bool decoupled)
{
    const double *h = u->hyper;
    double t = (double)u->t;
    constants c = {
        .rate = h[ADAM_LR] / (1 - pow(h[ADAM_BETA1], t)),
        .shrink = decoupled ? 1 - h[ADAM_LR] * h[ADAM_DECAY] : 1,
        .decay = decoupled ? 0 : h[ADAM_DECAY],
        .sign = h[ADAM_MAXIMIZE] != 0 ? -1 : 1,
        .beta1 = h[ADAM_BETA1],
        .beta2 = h[ADAM_BETA2],
        .root = 1 / sqrt(1 - pow(h[ADAM_BETA2], t)),
        .eps = h[ADAM_EPS],
    };
    BY_TYPE(adam, u->dtype, &c, u);
    return REEL_OK;
}

static reel_status update(const reel_update *u)
{
    return adam_step(u, false);
}

static const reel_hyper hypers[] = {ADAM_HYPERS(HYPER_L2)};

const reel_optimizer_type adam_type = {
    .size = sizeof adam_type,
    .name = "adam",
    .formula = "m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; "
               "x -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)",
    .source = "Kingma and Ba 2015; amsgrad: Reddi et al. 2018",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = adam_states,
    .state_count = 3,
    .uses = adam_uses,
    .update = update,
};

reel_optimizer *reel_adam_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &adam_type, lr);
}

#endif
