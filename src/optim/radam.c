/* SPDX-License-Identifier: MIT
 *
 * RAdam: Adam whose denominator waits until the variance of its estimate is bounded.
 */
#ifdef REAL

/* rectified: x -= rate m / (sqrt(v) + eps); before that: x -= rate m. */
static inline void NAME(loop)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict gradient,
                              REAL *restrict m, REAL *restrict v, const bool rectified)
{
    const REAL rate = (REAL)c->rate, decay = (REAL)c->decay, sign = (REAL)c->sign, eps = (REAL)c->eps;
    const REAL beta1 = (REAL)c->beta1, beta2 = (REAL)c->beta2;
    const REAL take1 = (REAL)(1 - c->beta1), take2 = (REAL)(1 - c->beta2), tiny = NAME(tiny)(eps);
    for (int64_t i = 0; i < n; i++) {
        REAL g = sign * gradient[i] + decay * x[i];
        REAL first = beta1 * m[i] + take1 * g, second = beta2 * v[i] + take2 * (g * g);
        first = ABS(first) < tiny ? 0 : first;
        second = second < tiny ? 0 : second;
        m[i] = first;
        v[i] = second;
        x[i] -= rectified ? rate * first / (SQRT(second) + eps) : rate * first;
    }
}

static void NAME(radam)(const constants *c, const reel_update *u)
{
    if (c->rectified)
        NAME(loop)(c, u->n, u->parameter, u->gradient, u->state[0], u->state[1], true);
    else
        NAME(loop)(c, u->n, u->parameter, u->gradient, u->state[0], u->state[1], false);
}

#else
#include "optim/optim.h"

typedef struct constants {
    double rate, decay, sign, beta1, beta2, eps;
    bool rectified;
} constants;

#define BOTH_TYPES "optim/radam.c"
#include "optim/both_types.h"

enum { LR, BETA1, BETA2, EPS, DECAY, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(1e-3),
    HYPER_BETA("beta1", 0.9, "decay of the mean of the gradient"),
    HYPER_BETA("beta2", 0.999, "decay of the mean of its square"),
    HYPER_EPS(1e-8),
    HYPER_L2,
    HYPER_MAXIMIZE,
};

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    double t = (double)u->t, power = pow(h[BETA2], t), rho_end = 2 / (1 - h[BETA2]) - 1;
    double rho = rho_end - 2 * t * power / (1 - power);
    constants c = {
        h[LR] / bias_correction(h[BETA1], t), h[DECAY], h[MAXIMIZE] != 0 ? -1 : 1, h[BETA1], h[BETA2], h[EPS], rho > 5};
    if (c.rectified)
        c.rate *= sqrt(1 - power) * sqrt((rho - 4) * (rho - 2) * rho_end / ((rho_end - 4) * (rho_end - 2) * rho));
    BY_TYPE(radam, u->dtype, &c, u);
    return REEL_OK;
}

const reel_optimizer_type radam_type = {
    .size = sizeof radam_type,
    .name = "radam",
    .formula = "rho = 2 / (1 - beta2) - 1, rho_t = rho - 2 t beta2^t / (1 - beta2^t); rho_t > 5: r = sqrt((rho_t - 4) "
               "(rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t)), x -= lr r m / (1 - beta1^t) sqrt(1 - beta2^t) / "
               "(sqrt(v) + eps); else x -= lr m / (1 - beta1^t)",
    .source = "Liu et al. 2020",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"mean", "square"},
    .state_count = 2,
    .update = update,
    .elementwise = true,
};

reel_optimizer *reel_radam_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &radam_type, lr);
}

#endif
