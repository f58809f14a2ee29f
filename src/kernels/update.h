/* SPDX-License-Identifier: MIT
 *
 * Optimizer updates of n parameters in one pass.
 */
#ifndef REEL_KERNELS_UPDATE_H
#define REEL_KERNELS_UPDATE_H

#include <stdint.h>

/* With g = sign gradient + decay x:
 *   plain     x -= lr g
 *   momentum  buffer = keep buffer + take g;  x -= lr (direct g + look buffer) */
typedef struct sgd_constants {
    double lr, decay, sign, keep, take, direct, look;
} sgd_constants;

/* With g = sign gradient + decay x:
 *   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  w = v, or the running maximum of v
 *   x = shrink x - rate m / (sqrt(w) root + eps) */
typedef struct adam_constants {
    double rate, shrink, decay, sign, beta1, beta2, root, eps;
} adam_constants;

/* Moments whose size is below the smallest normal number become 0, since denormal ones would cost a hundred times as
 * much from then on and move nothing: Adam's only if eps leaves them without effect, which it does unless it is tiny or 0.
 * The arrays do not overlap. */
struct update_kernels {
    void (*sgd)(const sgd_constants *c, int64_t n, void *x, const void *gradient);
    void (*momentum)(const sgd_constants *c, int64_t n, void *x, const void *gradient, void *buffer);
    /* largest: running maximum of v (AMSGrad), or NULL. */
    void (*adam)(const adam_constants *c, int64_t n, void *x, const void *gradient, void *m, void *v, void *largest);
};

#endif
