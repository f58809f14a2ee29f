/* SPDX-License-Identifier: MIT
 *
 * Adagrad.
 */
#ifdef REAL

static void NAME(adagrad)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict gradient,
                          REAL *restrict sum)
{
    const REAL rate = (REAL)c->rate, decay = (REAL)c->decay, sign = (REAL)c->sign, eps = (REAL)c->eps;
    const REAL tiny = NAME(tiny)(eps);
    for (int64_t i = 0; i < n; i++) {
        REAL g = sign * gradient[i] + decay * x[i], s = sum[i] + g * g;
        s = s < tiny ? 0 : s;
        sum[i] = s;
        x[i] -= rate * g / (SQRT(s) + eps);
    }
}

#else
#include "optim/optim.h"

typedef struct constants {
    double rate, decay, sign, eps;
} constants;

#define BOTH_TYPES "optim/adagrad.c"
#include "optim/both_types.h"

enum { LR, LR_DECAY, DECAY, INITIAL, EPS, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(1e-2),   {.name = "lr_decay", UNBOUNDED, .text = "the rate of step t is lr / (1 + (t - 1) lr_decay)"},
    HYPER_L2,         {.name = "initial_accumulator_value", UNBOUNDED, .text = "what the sum of squares starts from"},
    HYPER_EPS(1e-10), HYPER_MAXIMIZE,
};

static double initial(const double *h, int i)
{
    (void)i;
    return h[INITIAL];
}

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    constants c = {h[LR] / (1 + (double)(u->t - 1) * h[LR_DECAY]), h[DECAY], h[MAXIMIZE] != 0 ? -1 : 1, h[EPS]};
    BY_TYPE(adagrad, u->dtype, &c, u->n, u->parameter, u->gradient, u->state[0]);
    return REEL_OK;
}

const reel_optimizer_type adagrad_type = {
    .size = sizeof adagrad_type,
    .name = "adagrad",
    .formula = "s += g^2; x -= lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)",
    .source = "Duchi, Hazan and Singer 2011",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"sum"},
    .state_count = 1,
    .initial = initial,
    .update = update,
    .elementwise = true,
};

reel_optimizer *reel_adagrad_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &adagrad_type, lr);
}

#endif
