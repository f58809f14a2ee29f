/* SPDX-License-Identifier: MIT
 *
 * Stochastic gradient descent with momentum, dampening, Nesterov's variant and weight decay.
 */
#include "kernels/kernels.h"
#include "kernels/update.h"
#include "optim/optim.h"

enum { LR, MOMENTUM, DAMPENING, NESTEROV, DECAY, MAXIMIZE };

static const reel_hyper hypers[] = {
    HYPER_LR(1e-3),
    {.name = "momentum", UNBOUNDED, .text = "share of the buffer that stays"},
    {.name = "dampening",
     .least = -INFINITY,
     .open_least = true,
     UNBOUNDED,
     .text = "what the gradient loses of 1 when it enters the buffer"},
    {.name = "nesterov", .kind = REEL_HYPER_SWITCH, .text = "look ahead: step along g + momentum buf"},
    HYPER_L2,
    HYPER_MAXIMIZE,
};

static unsigned uses(const double *hyper)
{
    return hyper[MOMENTUM] != 0;
}

static const char *check(const double *hyper)
{
    if (hyper[NESTEROV] != 0 && hyper[DAMPENING] != 0) return "nesterov needs dampening 0";
    return NULL;
}

static void begin(const double *hyper, int64_t t, double *scalars)
{
    (void)t;
    if (hyper[MOMENTUM] != 0) scalars[0]++;
}

static reel_status update(const reel_update *u)
{
    const double *h = u->hyper;
    const struct update_kernels *kernel = kernels_get(u->dtype)->update;
    sgd_constants c = {h[LR], h[DECAY], h[MAXIMIZE] != 0 ? -1 : 1, h[MOMENTUM], 1 - h[DAMPENING], 0, 1};
    if (h[MOMENTUM] == 0) {
        kernel->sgd(&c, u->n, u->parameter, u->gradient);
        return REEL_OK;
    }
    if (u->scalars[0] == 1) c.keep = 0, c.take = 1;
    if (h[NESTEROV] != 0) c.direct = 1, c.look = h[MOMENTUM];
    kernel->momentum(&c, u->n, u->parameter, u->gradient, u->state[0]);
    return REEL_OK;
}

const reel_optimizer_type sgd_type = {
    .size = sizeof sgd_type,
    .name = "sgd",
    .formula = "buf = momentum buf + (1 - dampening) g; x -= lr buf",
    .source = "Polyak 1964; Nesterov 1983, as in Sutskever et al. 2013",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = (const char *const[]){"momentum"},
    .state_count = 1,
    .scalar_names = (const char *const[]){"momentum_steps"},
    .scalar_count = 1,
    .uses = uses,
    .check = check,
    .begin = begin,
    .update = update,
    .elementwise = true,
};

reel_optimizer *reel_sgd_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &sgd_type, lr);
}
