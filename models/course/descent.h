/* SPDX-License-Identifier: MIT
 *
 * Gradient descent as the course has it: record the loss, walk back, step, rewind.
 */
#ifndef COURSE_DESCENT_H
#define COURSE_DESCENT_H

#include <reel/reel.h>

/* Records the loss of what stands in the store. `user`: the data, or NULL. */
typedef reel_value (*descent_loss)(reel_tape *tape, reel_params *params, void *user);

/* `steps` updates of the optimizer's parameters. Writes all parameters before each of them and after the last one to
 * `path` (steps + 1, parameters) and the losses there to `losses` (steps + 1); either may be NULL. Numbers that are no
 * longer finite go on as they are. Returns the number of updates made: fewer when something failed, which the context
 * then tells. */
int descend(reel_optimizer *optimizer, descent_loss loss, void *user, int steps, double *path, double *losses);

/* A store of double with one parameter, a vector that starts at `start` (count). */
reel_params *descent_params(reel_context *reel, const char *name, int count, const double *start);

#endif
