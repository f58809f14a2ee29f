/* SPDX-License-Identifier: MIT
 *
 * Inside of the sharpness.
 */
#ifndef REEL_TRAIN_SHARPNESS_H
#define REEL_TRAIN_SHARPNESS_H

#include "train/probe.h"

/* What an optimizer makes of a quadratic with Hessian H, as far as its stability goes: it is stable as long as its rate is
 * below 2 / (decay + lambda / factor), lambda the largest eigenvalue of S (sign H + W) S. */
typedef struct stability {
    double *scale, *addition; /* (n) S and W, the caller's memory */
    double sign;              /* -1 where it climbs */
    double factor, decay;
    bool known; /* else out->why says why not */
    bool plain; /* S is 1, sign 1 and W the same number `shift` everywhere */
    double shift;
} stability;

/* Fills it in from the trainer's optimizer; `origin` and `gradient` (n) are where it stands. Writes rate, formula and why
 * to `out`. */
void stability_of(stability *s, const probe *p, const double *origin, const double *gradient, reel_curvature *out);

#endif
