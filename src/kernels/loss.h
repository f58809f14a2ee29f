/* SPDX-License-Identifier: MIT
 *
 * Losses that compare two arrays element by element.
 */
#ifndef REEL_KERNELS_LOSS_H
#define REEL_KERNELS_LOSS_H

#include <stdbool.h>
#include <stdint.h>

/* The loss of an element x with target t; p is a parameter. Kinks as in PyTorch. */
typedef enum loss_kind {
    LOSS_SQUARE,     /* (x - t)^2 */
    LOSS_ABS,        /* |x - t| */
    LOSS_HUBER,      /* d = |x - t|: d^2 / 2 if d <= p, else p (d - p / 2) */
    LOSS_BCE,        /* -(t log x + (1 - t) log(1 - x)), each logarithm at least -100 */
    LOSS_BCE_LOGITS, /* max(x, 0) - x t + log1p(exp(-|x|)); the first two as x (1 - t) or -x t */
    LOSS_COUNT
} loss_kind;

struct loss_kernels {
    /* y (n): the loss of each element. */
    void (*each)(loss_kind kind, int64_t n, const void *x, const void *t, double p, void *y);
    /* *y = the sum of the losses, divided by `divisor` unless that is 1. Its order depends on n alone: stretches of 8 kB
     * as reduce.h says, their sums in a tree. slope (n), unless NULL: the derivatives by x, which share what is costly. */
    void (*total)(loss_kind kind, int64_t n, const void *x, const void *t, double p, double divisor, void *y,
                  void *slope);
    /* to (n) = or += scale g slope: `gradient` by x from what `total` has kept, with the same bits. */
    void (*pass_on)(int64_t n, const void *slope, const void *g, double scale, void *to, bool add);
    /* to (n) = or += scale g d, with d the derivative by x, or by t when `target`; g is one number (g_step 0) or n
     * (g_step 1). */
    void (*gradient)(loss_kind kind, bool target, int64_t n, const void *x, const void *t, double p, const void *g,
                     int g_step, double scale, void *to, bool add);
};

#endif
