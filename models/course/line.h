/* SPDX-License-Identifier: MIT
 *
 * A straight line through points, for descend(): parameter 0 is the slope w and the height at 0, b.
 */
#ifndef COURSE_LINE_H
#define COURSE_LINE_H

#include "descent.h"

typedef struct line_data {
    int count;
    const double *x, *y; /* (count) */
} line_data;

/* Mean over the points of (w x + b - y)^2. `user`: a line_data. */
reel_value line_loss(reel_tape *tape, reel_params *params, void *user);

#endif
