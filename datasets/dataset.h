/* SPDX-License-Identifier: MIT
 *
 * What the generators and readers share.
 */
#ifndef DATASETS_DATASET_H
#define DATASETS_DATASET_H

#include "core/core.h"

#include <reel/data.h>

/* Makes a data set that takes over x and y, which are freed when there is no memory for it. NULL when either is. */
reel_dataset *dataset_new(const char *site, const char *who, reel_context *context, reel_array *x, reel_array *y);

/* Writes the points of reel_moons_new to x (n, 2), which holds 2n standard normal numbers on entry, or anything when
 * noise is 0. */
void moons_fill(int64_t n, double noise, double *x);

#endif
