/* SPDX-License-Identifier: MIT
 *
 * Adadelta.
 */
#ifdef REAL

static void NAME(adadelta)(const constants *c, int64_t n, REAL *restrict x, const REAL *restrict gradient,
                           REAL *restrict v, REAL *restrict d)
{
    const REAL lr = (REAL)c->lr, decay = (REAL)c->decay, sign = (REAL)c->sign, eps = (REAL)c->eps;
    const REAL rho = (REAL)c->rho, take = (REAL)(1 - c->rho), tiny = SMALLEST <= eps * ULP ? SMALLEST : 0;
    for (int64_t i = 0; i < n; i++) {
        REAL g = sign * gradient[i] + decay * x[i], square = rho * v[i] + take * (g * g);
        square = square < tiny ? 0 : square;
        v[i] = square;
        REAL step = SQRT(d[i] + eps) / SQRT(square + eps) * g, moved = rho * d[i] + take * (step * step);
        d[i] = moved < tiny ? 0 : moved;
        x[i] -= lr * step;
    }
}

#else
#include "optim/optim.h"

typedef struct constants {
    double lr, decay, sign, eps, rho;
} constants;

#define BOTH_TYPES "optim/adadelta.c"
#include "optim/both_types.h"

enum { LR, RHO, EPS, DECAY, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(1), HYPER_BETA("rho", 0.9, "decay of both mean squares"), HYPER_EPS(1e-6), HYPER_L2, HYPER_MAXIMIZE,
};

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    constants c = {h[LR], h[DECAY], h[MAXIMIZE] != 0 ? -1 : 1, h[EPS], h[RHO]};
    BY_TYPE(adadelta, u->dtype, &c, u->n, u->parameter, u->gradient, u->state[0], u->state[1]);
    return REEL_OK;
}

const reel_optimizer_type adadelta_type = {
    .size = sizeof adadelta_type,
    .name = "adadelta",
    .formula = "v = rho v + (1 - rho) g^2; s = sqrt(d + eps) / sqrt(v + eps) g; d = rho d + (1 - rho) s^2; x -= lr s",
    .source = "Zeiler 2012",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"square", "step_square"},
    .state_count = 2,
    .update = update,
    .elementwise = true,
};

reel_optimizer *reel_adadelta_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &adadelta_type, lr);
}

#endif
