/* SPDX-License-Identifier: MIT
 *
 * Where the published run starts: its image and its Gaussians.
 */
#ifndef TOOLS_STUDY_START_H
#define TOOLS_STUDY_START_H

#include "published.h"

#include <stdbool.h>

/* The study's image: value(x, y) = 0.7 x / 64, and 0.2 more on every second square of 8 x 8 pixels. False without memory. */
bool study_image(float target[PUBLISHED_PIXELS]);
/* The published run before its first update; NULL without memory. */
published_run *published_start(int count, uint64_t seed);

#endif
