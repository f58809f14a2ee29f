/* SPDX-License-Identifier: MIT
 *
 * The loop that every exercise of the course turns.
 */
#include "descent.h"

#include <string.h>

reel_params *descent_params(reel_context *reel, const char *name, int count, const double *start)
{
    reel_params *params = reel_params_new(reel, REEL_DOUBLE);
    reel_params_add(params, name, 1, (const int64_t[]){count});
    reel_array from = reel_array_view(REEL_DOUBLE, (void *)start, 1, (const int64_t[]){count});
    reel_params_write(params, &from);
    return params;
}

int descend(reel_optimizer *optimizer, descent_loss loss, void *user, int steps, double *path, double *losses)
{
    reel_params *params = reel_optimizer_params(optimizer);
    reel_context *reel = reel_params_context(params);
    reel_tape *tape = reel_tape_new(reel, REEL_DOUBLE);
    int64_t size = reel_params_size(params);
    int step = 0;

    for (;; step++) {
        reel_tape_rewind(tape);
        reel_value now = loss(tape, params, user);
        if (losses) losses[step] = reel_item(now);
        if (reel_failed(reel)) break;
        if (path) memcpy(path + step * size, reel_params_flat(params).data, (size_t)size * sizeof *path);
        if (step == steps) break;
        reel_backward(now);
        if (reel_optimizer_step(optimizer) != REEL_OK) break;
    }
    reel_tape_free(tape);
    return step;
}
