/* SPDX-License-Identifier: MIT
 *
 * LAMB: Adam with decoupled weight decay whose step is as long as a share of each parameter's norm.
 */
#ifdef REAL

/* r = m first / (sqrt(v second) + eps) + decay x. */
#define DIRECTION(i) (m[i] * first / (SQRT(v[i] * second) + eps) + decay * x[i])

/* Moves the moments. */
static void NAME(moments)(const constants *c, int64_t n, const REAL *restrict gradient, REAL *restrict m,
                          REAL *restrict v)
{
    const REAL sign = (REAL)c->sign, beta1 = (REAL)c->beta1, beta2 = (REAL)c->beta2;
    const REAL take1 = (REAL)(1 - c->beta1), take2 = (REAL)(1 - c->beta2), tiny = NAME(tiny)((REAL)c->eps);
    for (int64_t i = 0; i < n; i++) {
        REAL g = sign * gradient[i];
        REAL mean = beta1 * m[i] + take1 * g, square = beta2 * v[i] + take2 * (g * g);
        m[i] = ABS(mean) < tiny ? 0 : mean;
        v[i] = square < tiny ? 0 : square;
    }
}

/* |x|^2 and |r|^2, summed in double in a fixed order. */
static void NAME(norms)(const constants *c, int64_t n, const REAL *restrict x, const REAL *restrict m,
                        const REAL *restrict v, double *xx, double *rr)
{
    const REAL decay = (REAL)c->decay, first = (REAL)c->first, second = (REAL)c->second, eps = (REAL)c->eps;
    double x_lane[LANES] = {0}, r_lane[LANES] = {0};
    for (int64_t from = 0; from < n; from += LANES) {
        int64_t end = n - from < LANES ? n - from : LANES;
        for (int64_t k = 0; k < end; k++) {
            double at = (double)x[from + k], r = (double)DIRECTION(from + k);
            x_lane[k] += at * at;
            r_lane[k] += r * r;
        }
    }
    *xx = *rr = 0;
    for (int k = 0; k < LANES; k++) *xx += x_lane[k], *rr += r_lane[k];
}

static void NAME(move)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict m, const REAL *restrict v)
{
    const REAL decay = (REAL)c->decay, first = (REAL)c->first, second = (REAL)c->second, eps = (REAL)c->eps;
    const REAL rate = (REAL)c->rate;
    for (int64_t i = 0; i < n; i++) x[i] -= rate * DIRECTION(i);
}

#undef DIRECTION

#else
#include "optim/optim.h"

#define LANES 8

/* first, second: what undoes the bias of the moments. */
typedef struct constants {
    double rate, decay, sign, beta1, beta2, first, second, eps;
} constants;

#define BOTH_TYPES "optim/lamb.c"
#include "optim/both_types.h"

enum { LR, BETA1, BETA2, EPS, DECAY, TRUST_MOST, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(1e-3),
    HYPER_BETA("beta1", 0.9, "decay of the mean of the gradient"),
    HYPER_BETA("beta2", 0.999, "decay of the mean of its square"),
    HYPER_EPS(1e-6),
    HYPER_WEIGHT_DECAY(0.01, "added to the direction, times the parameter"),
    {.name = "trust_most",
     .value = INFINITY,
     .open_least = true,
     .most = INFINITY,
     .text = "limit of the ratio of parameter norm to direction norm"},
    HYPER_MAXIMIZE,
};

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    double t = (double)u->t, xx, rr;
    constants c = {
        .decay = h[DECAY],
        .sign = h[MAXIMIZE] != 0 ? -1 : 1,
        .beta1 = h[BETA1],
        .beta2 = h[BETA2],
        .first = 1 / bias_correction(h[BETA1], t),
        .second = 1 / bias_correction(h[BETA2], t),
        .eps = h[EPS],
    };
    void *x = u->parameter, *m = u->state[0], *v = u->state[1];
    BY_TYPE(moments, u->dtype, &c, u->n, u->gradient, m, v);
    BY_TYPE(norms, u->dtype, &c, u->n, x, m, v, &xx, &rr);
    double trust = xx > 0 && rr > 0 ? fmin(sqrt(xx / rr), h[TRUST_MOST]) : 1;
    c.rate = h[LR] * trust;
    BY_TYPE(move, u->dtype, &c, u->n, x, m, v);
    return REEL_OK;
}

const reel_optimizer_type lamb_type = {
    .size = sizeof lamb_type,
    .name = "lamb",
    .formula = "r = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay x; x -= lr min(|x| / |r|, "
               "trust_most) r, for each parameter; ratio 1 where a norm is 0",
    .source = "You et al. 2020",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"mean", "square"},
    .state_count = 2,
    .per_parameter = true,
    .update = update,
};

reel_optimizer *reel_lamb_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &lamb_type, lr);
}

#endif
