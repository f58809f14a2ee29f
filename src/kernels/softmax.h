/* SPDX-License-Identifier: MIT
 *
 * Softmax along one axis of x (outer, count, inner), and the cross-entropy of rows of logits.
 */
#ifndef REEL_KERNELS_SOFTMAX_H
#define REEL_KERNELS_SOFTMAX_H

#include "kernels/reduce.h"

/* Sums over a row (inner = 1) are made in 64 bytes of lanes and then by halves, those over a middle axis one after the
 * other for each column: a row alone has the bits of the row in a batch. Entries -inf are allowed; where all are -inf
 * the result is NaN. */
struct softmax_kernels {
    /* y = exp(x - max) / sum exp(x - max), or its logarithm x - max - log(sum exp(x - max)). */
    void (*forward)(bool logarithm, axis_shape shape, const void *x, void *y);
    /* x_gradient = or += y (g - sum g y), or g - exp(y) sum g. */
    void (*backward)(bool logarithm, axis_shape shape, const void *y, const void *g, void *x_gradient, bool add);
    /* Of the rows of logits (rows, cols): shift = max, or 0 where that is not finite; log_sum = log sum exp(x - shift). */
    void (*logsumexp)(int64_t rows, int64_t cols, const void *logits, void *shift, void *log_sum);
    /* x_gradient (rows, cols) = or += soft[i] p[i][j] - (j == class[i] ? hard[i] : 0), p = exp((logits - shift) - log_sum).
     * Rows with soft = hard = 0 give 0 whatever the logits; classes of other rows are in range. */
    void (*cross_entropy_gradient)(int64_t rows, int64_t cols, const void *logits, const void *shift,
                                   const void *log_sum, const int64_t *class, const void *soft, const void *hard,
                                   void *x_gradient, bool add);
};

#endif
