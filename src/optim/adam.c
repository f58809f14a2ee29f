/* SPDX-License-Identifier: MIT
 *
 * Adam, with AMSGrad's maximum and, for AdamW, decoupled weight decay.
 */
#include "kernels/kernels.h"
#include "kernels/update.h"
#include "optim/optim.h"

const char *const adam_states[] = {"mean", "square", "largest_square"};

unsigned adam_uses(const double *hyper)
{
    return hyper[ADAM_AMSGRAD] != 0 ? 7 : 3;
}

reel_status adam_step(const reel_update *u, bool decoupled)
{
    const double *h = u->hyper;
    double t = (double)u->t;
    adam_constants c = {
        .rate = h[ADAM_LR] / bias_correction(h[ADAM_BETA1], t),
        .shrink = decoupled ? 1 - h[ADAM_LR] * h[ADAM_DECAY] : 1,
        .decay = decoupled ? 0 : h[ADAM_DECAY],
        .sign = h[ADAM_MAXIMIZE] != 0 ? -1 : 1,
        .beta1 = h[ADAM_BETA1],
        .beta2 = h[ADAM_BETA2],
        .root = 1 / sqrt(bias_correction(h[ADAM_BETA2], t)),
        .eps = h[ADAM_EPS],
    };
    kernels_get(u->dtype)->update->adam(&c, u->n, u->parameter, u->gradient, u->state[0], u->state[1], u->state[2]);
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
    .elementwise = true,
};

reel_optimizer *reel_adam_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &adam_type, lr);
}
