/* SPDX-License-Identifier: MIT
 *
 * Baseline 1 in the arithmetic of the run that was published: floats in a given order, a gradient derived by hand, no
 * tape. The trajectory is chaotic, so that the published digits come out only where every rounding is the same.
 */
#ifndef TOOLS_STUDY_PUBLISHED_H
#define TOOLS_STUDY_PUBLISHED_H

#include <stdint.h>

enum {
    PUBLISHED_SIDE = 64,
    PUBLISHED_PIXELS = PUBLISHED_SIDE * PUBLISHED_SIDE,
    PUBLISHED_TRAINED = 7 /* numbers of a Gaussian that are trained */
};

/* What is trained of a Gaussian, in this order; rotation stays 0 and opacity 1. */
typedef struct published_gaussian {
    float x, y, scale_x, scale_y, red, green, blue;
} published_gaussian;

typedef struct published_run published_run;

/* The state before the first update: `start` (count) Gaussians (copied), `target` (64, 64) grey values (copied). NULL when
 * there is no memory. */
published_run *published_new(int count, const published_gaussian *start, const float *target);
void published_free(published_run *run);

/* One iteration: rendering, gradient of the L2 term, Adam, clamps. The image it renders is that of before the update. */
void published_step(published_run *run);

/* Of the image rendered last: 0.2 L1 + 0.8 L2 + 0.1 (1 - SSIM), the pixels that no Gaussian reaches, and the mean of all
 * scales. */
double published_loss(const published_run *run);
int published_uncovered(const published_run *run);
double published_mean_scale(const published_run *run);

/* (count) Gaussians now; (count) gradients of the last step, of the L2 term, in the same layout. */
const published_gaussian *published_gaussians(const published_run *run);
const published_gaussian *published_gradient(const published_run *run);

#endif
