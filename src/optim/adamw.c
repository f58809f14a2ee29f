/* SPDX-License-Identifier: MIT
 *
 * AdamW: Adam whose weight decay shrinks the parameters directly instead of entering the moments.
 */
#include "optim/optim.h"

static reel_status update(const reel_update *u)
{
    return adam_step(u, true);
}

static const reel_hyper hypers[] = {
    ADAM_HYPERS(HYPER_WEIGHT_DECAY(0.01, "share of the parameter, times lr, that each step takes away"))};

const reel_optimizer_type adamw_type = {
    .size = sizeof adamw_type,
    .name = "adamw",
    .formula = "x *= 1 - lr weight_decay; then as adam without weight decay",
    .source = "Loshchilov and Hutter 2019",
    .hypers = hypers,
    .hyper_count = COUNT(hypers),
    .state_names = adam_states,
    .state_count = 3,
    .uses = adam_uses,
    .update = update,
    .elementwise = true,
};

reel_optimizer *reel_adamw_new(const char *site, reel_params *params, double lr)
{
    return optimizer_with_rate(site, params, &adamw_type, lr);
}
