/* SPDX-License-Identifier: MIT
 *
 * NAdam: Adam with Nesterov's momentum.
 */
#ifdef REAL

/* x -= direct g / d + look m / d with d = sqrt(v root) + eps. */
static void NAME(nadam)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict gradient,
                        REAL *restrict m, REAL *restrict v)
{
    const REAL decay = (REAL)c->decay, sign = (REAL)c->sign, direct = (REAL)c->direct, look = (REAL)c->look;
    const REAL beta1 = (REAL)c->beta1, beta2 = (REAL)c->beta2, root = (REAL)c->root, eps = (REAL)c->eps;
    const REAL take1 = (REAL)(1 - c->beta1), take2 = (REAL)(1 - c->beta2), tiny = NAME(tiny)(eps);
    for (int64_t i = 0; i < n; i++) {
        REAL g = sign * gradient[i] + decay * x[i];
        REAL first = beta1 * m[i] + take1 * g, second = beta2 * v[i] + take2 * (g * g);
        first = ABS(first) < tiny ? 0 : first;
        second = second < tiny ? 0 : second;
        m[i] = first;
        v[i] = second;
        x[i] -= (direct * g + look * first) / (SQRT(second) * root + eps);
    }
}

#else
#include "optim/optim.h"

typedef struct constants {
    double decay, sign, beta1, beta2, root, eps, direct, look;
} constants;

#define BOTH_TYPES "optim/nadam.c"
#include "optim/both_types.h"

enum { LR, BETA1, BETA2, EPS, DECAY, MOMENTUM_DECAY, QUIRK, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(2e-3),
    HYPER_BETA("beta1", 0.9, "decay of the mean of the gradient"),
    HYPER_BETA("beta2", 0.999, "decay of the mean of its square"),
    HYPER_EPS(1e-8),
    HYPER_L2,
    {.name = "momentum_decay", .value = 4e-3, UNBOUNDED, .text = "how fast the momentum reaches beta1"},
    {.name = "torch_1_13", .kind = REEL_HYPER_SWITCH, .text = "repeat the mistake of PyTorch 1.13 in the product"},
    HYPER_MAXIMIZE,
};

/* mu_t = beta1 (1 - 0.5 0.96^(t momentum_decay)). */
static double momentum_at(const double *h, int64_t t)
{
    return h[BETA1] * (1 - 0.5 * pow(0.96, (double)t * h[MOMENTUM_DECAY]));
}

/* P_t, the product of mu_1 .. mu_t; 0 stands for the empty one. PyTorch 1.13 kept it in float. */
static void begin(const double *h, int64_t t, double *scalars)
{
    double before = t == 1 || scalars[0] == 0 ? 1 : scalars[0];
    scalars[0] = before * momentum_at(h, t);
    if (h[QUIRK] != 0) scalars[0] = (double)((float)before * (float)momentum_at(h, t));
}

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    double now = momentum_at(h, u->t), next = momentum_at(h, u->t + 1), product = u->scalars[0];
    double product_next = product * next;
    if (h[QUIRK] != 0) product_next = (double)((float)product * (float)now * (float)next);
    constants c = {
        .decay = h[DECAY],
        .sign = h[MAXIMIZE] != 0 ? -1 : 1,
        .beta1 = h[BETA1],
        .beta2 = h[BETA2],
        .root = 1 / sqrt(bias_correction(h[BETA2], (double)u->t)),
        .eps = h[EPS],
        .direct = h[LR] * (1 - now) / (1 - product),
        .look = h[LR] * next / (1 - product_next),
    };
    BY_TYPE(nadam, u->dtype, &c, u->n, u->parameter, u->gradient, u->state[0], u->state[1]);
    return REEL_OK;
}

const reel_optimizer_type nadam_type = {
    .size = sizeof nadam_type,
    .name = "nadam",
    .formula = "mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), P_t = mu_1 ... mu_t; m, v as adam; d = sqrt(v / (1 - "
               "beta2^t)) + eps; x -= lr ((1 - mu_t) / (1 - P_t) g + mu_{t+1} / (1 - P_{t+1}) m) / d",
    .source = "Dozat 2016",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"mean", "square"},
    .state_count = 2,
    .scalar_names = (const char *const[]){"momentum_product"},
    .scalar_count = 1,
    .begin = begin,
    .update = update,
    .elementwise = true,
};

reel_optimizer *reel_nadam_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &nadam_type, lr);
}

#endif
