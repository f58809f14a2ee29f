/* SPDX-License-Identifier: MIT
 *
 * Reductions along one axis of x (outer, count, inner), which is what any set of neighbouring axes of a row-major array
 * comes down to, and their gradients.
 */
#ifndef REEL_KERNELS_REDUCE_H
#define REEL_KERNELS_REDUCE_H

#include <stdbool.h>
#include <stdint.h>

/* y (outer, inner) over the axis, given a center c (outer, inner) where the formula has one. */
typedef enum reduce_kind {
    REDUCE_SUM,        /* sum x */
    REDUCE_SQUARES,    /* sum x^2 */
    REDUCE_MAGNITUDES, /* sum |x| */
    REDUCE_DEVIATIONS, /* sum (x - c)^2 */
    REDUCE_EXP,        /* sum exp(x - c), c = +-inf being read as 0 */
    REDUCE_EQUAL,      /* number of x equal to c; NaN equals NaN */
    REDUCE_MAX,        /* NaN as soon as one x is NaN; -inf of nothing */
    REDUCE_MIN,
    REDUCE_COUNT
} reduce_kind;

/* x_gradient (outer, count, inner) = or += scale g c', with g and c (outer, inner). */
typedef enum spread_kind {
    SPREAD_SUM,        /* c' = 1 */
    SPREAD_DEVIATIONS, /* c' = x - c */
    SPREAD_EXP,        /* c' = exp(x - c) */
    SPREAD_EQUAL,      /* c' = 1 where x equals c (NaN equals NaN), else 0 */
    SPREAD_COUNT
} spread_kind;

typedef struct axis_shape {
    int64_t outer, count, inner;
} axis_shape;

/* The order of a sum depends on the shape alone, not on the instruction set and not on who else is summed. Elements come
 * in blocks of 64 bytes: consecutive ones of a run (inner = 1, or a few columns that divide a block), or 64 bytes of the
 * columns of a row. Block number b is added to sum b mod 4 of its stretch of 128 blocks, the four sums pairwise, the
 * stretches pairwise in a tree, and at last the lanes of a run by halves. So rounding errors grow with the logarithm of
 * the length, beyond the 32 additions within a stretch. */
struct reduce_kernels {
    /* y = the reduction, divided by `divisor` unless that is 1; added to what y holds when `add`. */
    void (*run)(reduce_kind kind, axis_shape shape, const void *x, const void *center, void *y, double divisor,
                bool add);
    /* index (outer, inner) of the first greatest (or smallest) element along the axis; NaN counts as greatest and as
     * smallest. count >= 1. */
    void (*find)(bool greatest, axis_shape shape, const void *x, int64_t *index);
    void (*spread)(spread_kind kind, axis_shape shape, const void *x, const void *center, const void *g, double scale,
                   void *x_gradient, bool add);
    /* sum x^2 in double, for norms: with float elements it overflows for no finite ones; with double elements it is
     * infinite where squares are, as PyTorch's. */
    double (*squares)(int64_t n, const void *x);
    /* sum exp(x - max) etc. aside: c (n) = c + log s, the logsumexp from its two parts; c = -inf where s = 0. */
    void (*log_add)(int64_t n, const void *sum, void *center);
};

#endif
