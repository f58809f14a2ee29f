/* SPDX-License-Identifier: MIT
 *
 * LARS: momentum whose rate follows, for each parameter, the ratio of its norm to the gradient's.
 */
#ifdef REAL

static double NAME(square_sum)(const REAL *a, int64_t n)
{
    double lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += (double)a[i + k] * (double)a[i + k];
    for (; i < n; i++) lane[i % LANES] += (double)a[i] * (double)a[i];
    for (int k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

/* b = momentum b + rate (g + decay x); x -= b. */
static void NAME(move)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict gradient,
                       REAL *restrict buffer)
{
    const REAL rate = (REAL)c->rate, decay = (REAL)c->decay, sign = (REAL)c->sign, keep = (REAL)c->momentum;
    for (int64_t i = 0; i < n; i++) {
        REAL b = keep * buffer[i] + rate * (sign * gradient[i] + decay * x[i]);
        b = ABS(b) < SMALLEST ? 0 : b;
        buffer[i] = b;
        x[i] -= b;
    }
}

#else
#include "optim/optim.h"

#define LANES 8

typedef struct constants {
    double rate, decay, sign, momentum;
} constants;

#define BOTH_TYPES "optim/lars.c"
#include "optim/both_types.h"

enum { LR, MOMENTUM, DECAY, TRUST, EPS, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(1e-1),
    {.name = "momentum", .value = 0.9, UNBOUNDED, .text = "share of the buffer that stays"},
    HYPER_L2,
    {.name = "trust", .value = 1e-3, .open_least = true, UNBOUNDED, .text = "how far one step may move a parameter"},
    HYPER_EPS(1e-8),
    HYPER_MAXIMIZE,
};

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    double x = sqrt(BY_TYPE(square_sum, u->dtype, u->parameter, u->n));
    double g = sqrt(BY_TYPE(square_sum, u->dtype, u->gradient, u->n));
    double local = x > 0 && g > 0 ? h[TRUST] * x / (g + h[DECAY] * x + h[EPS]) : 1;
    constants c = {h[LR] * local, h[DECAY], h[MAXIMIZE] != 0 ? -1 : 1, h[MOMENTUM]};
    BY_TYPE(move, u->dtype, &c, u->n, u->parameter, u->gradient, u->state[0]);
    return REEL_OK;
}

const reel_optimizer_type lars_type = {
    .size = sizeof lars_type,
    .name = "lars",
    .formula = "b = momentum b + lr trust |x| / (|g| + weight_decay |x| + eps) (g + weight_decay x); x -= b, for each "
               "parameter; ratio 1 where a norm is 0",
    .source = "You, Gitman and Ginsburg 2017",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"momentum"},
    .state_count = 1,
    .per_parameter = true,
    .update = update,
};

reel_optimizer *reel_lars_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &lars_type, lr);
}

#endif
