/* SPDX-License-Identifier: MIT
 *
 * Adamax: Adam with the infinity norm.
 */
#ifdef REAL

static void NAME(adamax)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict gradient,
                         REAL *restrict m, REAL *restrict u)
{
    const REAL rate = (REAL)c->rate, decay = (REAL)c->decay, sign = (REAL)c->sign, eps = (REAL)c->eps;
    const REAL beta1 = (REAL)c->beta1, beta2 = (REAL)c->beta2, take = (REAL)(1 - c->beta1);
    const REAL tiny = NAME(tiny)(eps);
    for (int64_t i = 0; i < n; i++) {
        REAL g = sign * gradient[i] + decay * x[i];
        REAL first = beta1 * m[i] + take * g, faded = beta2 * u[i], size = ABS(g) + eps;
        first = ABS(first) < tiny ? 0 : first;
        m[i] = first;
        size = faded > size ? faded : size;
        u[i] = size;
        x[i] -= rate * first / size;
    }
}

#else
#include "optim/optim.h"

typedef struct constants {
    double rate, decay, sign, beta1, beta2, eps;
} constants;

#define BOTH_TYPES "optim/adamax.c"
#include "optim/both_types.h"

enum { LR, BETA1, BETA2, EPS, DECAY, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(2e-3),
    HYPER_BETA("beta1", 0.9, "decay of the mean of the gradient"),
    HYPER_BETA("beta2", 0.999, "decay of the largest gradient"),
    HYPER_EPS(1e-8),
    HYPER_L2,
    HYPER_MAXIMIZE,
};

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    constants c = {h[LR] / bias_correction(h[BETA1], (double)u->t),
                   h[DECAY],
                   h[MAXIMIZE] != 0 ? -1 : 1,
                   h[BETA1],
                   h[BETA2],
                   h[EPS]};
    BY_TYPE(adamax, u->dtype, &c, u->n, u->parameter, u->gradient, u->state[0], u->state[1]);
    return REEL_OK;
}

const reel_optimizer_type adamax_type = {
    .size = sizeof adamax_type,
    .name = "adamax",
    .formula = "m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g| + eps); x -= lr / (1 - beta1^t) m / u",
    .source = "Kingma and Ba 2015",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"mean", "largest"},
    .state_count = 2,
    .update = update,
    .elementwise = true,
};

reel_optimizer *reel_adamax_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &adamax_type, lr);
}

#endif
