/* SPDX-License-Identifier: MIT
 *
 * Revenue of a shop, to be made large: descend() walks down its negative. Parameter 0 is (advertising in $1000,
 * discount in per cent).
 */
#ifndef COURSE_REVENUE_H
#define COURSE_REVENUE_H

#include "descent.h"

/* -(100 x1 + 50 x2 - x1^2 - x2^2): least, -3125, at (50, 25). */
reel_value revenue_loss(reel_tape *tape, reel_params *params, void *user);

#endif
