/* SPDX-License-Identifier: MIT
 *
 * The gradient of the published formulas beside Reel's.
 */
#ifndef TOOLS_STUDY_GRADIENT_H
#define TOOLS_STUDY_GRADIENT_H

#include "published.h"

#include <stdbool.h>

/* At some Gaussians, distances between gradients of L2 relative to their length, |g - g'| / |g|, the largest of position,
 * scale and colour. */
typedef struct gradient_distance {
    double formulas; /* Reel in double from the published formulas in double: is the derivation right? */
    double rounding; /* the published arithmetic, in float, from its own formulas in double */
} gradient_distance;

/* `published` (count): the gradient that the published arithmetic has at these Gaussians. False: Reel failed, no memory. */
bool study_gradient_distance(int count, const published_gaussian *at, const published_gaussian *published,
                             gradient_distance *distance);

#endif
