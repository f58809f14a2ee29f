/* SPDX-License-Identifier: MIT
 *
 * Functions of one number to walk down, for descend(). The number is parameter 0.
 */
#ifndef COURSE_VALLEY_H
#define COURSE_VALLEY_H

#include "descent.h"

/* x^2 - 4 x + 5: one minimum, 1 at 2; second derivative 2 everywhere. */
reel_value valley_parabola(reel_tape *tape, reel_params *params, void *user);

#endif
