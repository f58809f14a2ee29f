/* SPDX-License-Identifier: MIT
 *
 * When to stop: the gradient is small, the loss no longer changes, or enough is enough. To copy and change, with
 * stopping.h, descent.h and descent.c.
 *
 *     cc stopping.c descent.c -o stopping $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: after 20 steps, loss 0.000532: the most steps are made
 */
#include "stopping.h"

#include <math.h>

int descend_until(reel_optimizer *optimizer, descent_loss loss, void *user, const stopping_rules *rules,
                  double *loss_there, stopping_reason *reason)
{
    reel_params *params = reel_optimizer_params(optimizer);
    reel_tape *tape = reel_tape_new(reel_params_context(params), REEL_DOUBLE);
    double before = NAN;
    int step = 0;

    for (;; step++) {
        reel_tape_rewind(tape);
        reel_value now = loss(tape, params, user);
        *loss_there = reel_item(now);
        reel_backward(now);
        *reason = STOPPED_GRADIENT;
        if (reel_gradient_norm(params, 2) < rules->gradient) break;
        *reason = STOPPED_CHANGE;
        if (fabs(*loss_there - before) < rules->change) break;
        *reason = STOPPED_MOST;
        if (step == rules->most || reel_optimizer_step(optimizer) != REEL_OK) break;
        before = *loss_there;
    }
    reel_tape_free(tape);
    return step;
}

#ifndef COURSE_NO_MAIN
static reel_value parabola(reel_tape *tape, reel_params *params, void *user)
{
    (void)user;
    return reel_sum(reel_square(reel_add_scalar(reel_param(tape, params, 0), -2)));
}

int main(void)
{
    static const char *const names[] = {"the gradient is small", "the loss no longer changes",
                                        "the most steps are made"};
    const stopping_rules rules[] = {{1e-6, 0, 10000}, {0, 1e-6, 10000}, {0, 0, 20}};
    reel_context *reel = reel_context_new(NULL);
    for (int k = 0; k < 3; k++) {
        double loss;
        stopping_reason reason;
        reel_params *params = descent_params(reel, "x", 1, (const double[]){0});
        int steps = descend_until(reel_sgd_new(params, 0.1), parabola, NULL, &rules[k], &loss, &reason);
        if (!reel_failed(reel)) printf("after %2d steps, loss %.3g: %s\n", steps, loss, names[reason]);
    }

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
