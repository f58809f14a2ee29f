/* SPDX-License-Identifier: MIT
 *
 * The lesson's five houses, of one size in thousands of square feet and of another data set in square feet.
 */
#ifndef COURSE_HOUSES_H
#define COURSE_HOUSES_H

#include "line.h"

/* Price in $1000 against size in 1000 square feet: price = 100 size + 100. */
static const line_data houses = {5, (const double[]){1, 1.5, 2, 2.5, 3}, (const double[]){200, 250, 300, 350, 400}};
/* Size in square feet. */
static const line_data houses_in_feet = {5, (const double[]){1000, 1500, 2000, 2500, 3000},
                                         (const double[]){200, 280, 350, 400, 480}};

#endif
