/* SPDX-License-Identifier: MIT
 *
 * The lesson's house prices, and the line that is fitted to them.
 */
#ifndef COURSE_HOUSES_H
#define COURSE_HOUSES_H

#include "fit.h"

/* Prices in $1000 of five houses: of the first lesson, whose sizes are in 1000 square feet and whose prices lie on
 * 100 size + 100, or, `in_feet`, of its exercise, whose sizes are in square feet. */
reel_dataset houses_new(reel_context *reel, bool in_feet);
/* The line w x + b, from w = b = 0. */
fit_net houses_line(reel_context *reel);

#endif
