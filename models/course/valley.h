/* SPDX-License-Identifier: MIT
 *
 * Functions of one number to walk down, for descend(). The number is parameter 0.
 */
#ifndef COURSE_VALLEY_H
#define COURSE_VALLEY_H

#include "descent.h"

/* x^2 - 4 x + 5: one minimum, 1 at 2; second derivative 2 everywhere. */
reel_value valley_parabola(reel_tape *tape, reel_params *params, void *user);
/* x^4 - 3 x^3 + 2: one minimum, -6.54296875 at 9/4; a flat place at 0 that is none. */
reel_value valley_quartic(reel_tape *tape, reel_params *params, void *user);
/* x^4 - 8 x^2 + x: two minima, the lower one on the left. */
reel_value valley_two(reel_tape *tape, reel_params *params, void *user);

#endif
