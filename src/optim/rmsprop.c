/* SPDX-License-Identifier: MIT
 *
 * RMSprop, centred or not, with momentum.
 */
#ifdef REAL

/* v = alpha v + (1 - alpha) g^2, a the mean gradient (centred); s = g / (sqrt(v - a^2) + eps); x -= lr s, or with
 * momentum b = momentum b + s, x -= lr b. */
static inline void NAME(loop)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict gradient,
                              REAL *restrict v, REAL *restrict a, REAL *restrict b)
{
    const REAL lr = (REAL)c->lr, decay = (REAL)c->decay, sign = (REAL)c->sign, eps = (REAL)c->eps;
    const REAL alpha = (REAL)c->alpha, take = (REAL)(1 - c->alpha), keep = (REAL)c->momentum;
    const REAL tiny = NAME(tiny)(eps);
    for (int64_t i = 0; i < n; i++) {
        REAL g = sign * gradient[i] + decay * x[i];
        REAL square = alpha * v[i] + take * (g * g), spread;
        square = square < tiny ? 0 : square;
        v[i] = spread = square;
        if (a) {
            REAL mean = alpha * a[i] + take * g;
            mean = ABS(mean) < tiny ? 0 : mean;
            a[i] = mean;
            spread -= mean * mean;
        }
        REAL step = g / (SQRT(spread) + eps);
        if (b) {
            step += keep * b[i];
            step = ABS(step) < SMALLEST ? 0 : step;
            b[i] = step;
        }
        x[i] -= lr * step;
    }
}

static void NAME(rmsprop)(const constants *c, const reel_update *u)
{
    void *x = u->parameter, *v = u->state[0], *a = u->state[1], *b = u->state[2];
    if (a && b)
        NAME(loop)(c, u->n, x, u->gradient, v, a, b);
    else if (a)
        NAME(loop)(c, u->n, x, u->gradient, v, a, NULL);
    else if (b)
        NAME(loop)(c, u->n, x, u->gradient, v, NULL, b);
    else
        NAME(loop)(c, u->n, x, u->gradient, v, NULL, NULL);
}

#else
#include "optim/optim.h"

typedef struct constants {
    double lr, decay, sign, eps, alpha, momentum;
} constants;

#define BOTH_TYPES "optim/rmsprop.c"
#include "optim/both_types.h"

enum { LR, ALPHA, EPS, DECAY, MOMENTUM, CENTERED, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(1e-2),
    HYPER_BETA("alpha", 0.99, "decay of the mean square of the gradient"),
    HYPER_EPS(1e-8),
    HYPER_L2,
    {.name = "momentum", UNBOUNDED, .text = "share of the buffer that stays"},
    {.name = "centered", .kind = REEL_HYPER_SWITCH, .text = "divide by the spread around the mean gradient"},
    HYPER_MAXIMIZE,
};

static unsigned uses(const double *h)
{
    return 1u | (h[CENTERED] != 0 ? 2u : 0) | (h[MOMENTUM] != 0 ? 4u : 0);
}

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    constants c = {h[LR], h[DECAY], h[MAXIMIZE] != 0 ? -1 : 1, h[EPS], h[ALPHA], h[MOMENTUM]};
    BY_TYPE(rmsprop, u->dtype, &c, u);
    return REEL_OK;
}

const reel_optimizer_type rmsprop_type = {
    .size = sizeof rmsprop_type,
    .name = "rmsprop",
    .formula = "v = alpha v + (1 - alpha) g^2; b = momentum b + g / (sqrt(v) + eps); x -= lr b; centered: v less the "
               "squared mean gradient",
    .source = "Tieleman and Hinton 2012; centred: Graves 2013",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"square", "mean", "momentum"},
    .state_count = 3,
    .uses = uses,
    .update = update,
    .elementwise = true,
};

reel_optimizer *reel_rmsprop_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &rmsprop_type, lr);
}

#endif
