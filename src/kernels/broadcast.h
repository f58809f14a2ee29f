/* SPDX-License-Identifier: MIT
 *
 * Binary element-wise operations on operands of any shapes that broadcast to the shape of the result, as in NumPy:
 * dimensions that every operand runs through alike are merged, the last two go to the kernels, the rest is looped over.
 * The order of every sum depends on the shapes alone.
 */
#ifndef REEL_BROADCAST_H
#define REEL_BROADCAST_H

#include "kernels/elementwise.h"

/* y = op(a, b); op is BINARY_... */
void broadcast_forward(const kernels *k, int op, const reel_array *a, const reel_array *b, const reel_array *y);
/* gradient (the shape of a for which = 0, of b for which = 1) = or += g times the derivative by that operand, summed
 * over the dimensions along which the operand was broadcast. */
void broadcast_backward(const kernels *k, int op, int which, const reel_array *a, const reel_array *b,
                        const reel_array *y, const void *g, void *gradient, bool add);
/* gradient (the shape of `operand`) = or += g (the shape of y), summed over the dimensions along which the operand was
 * broadcast. */
void broadcast_sum(const kernels *k, const reel_array *operand, const reel_array *y, const void *g, void *gradient,
                   bool add);

/* y = mask ? a : b. */
void broadcast_where(const kernels *k, const reel_array *mask, const reel_array *a, const reel_array *b,
                     const reel_array *y);
/* gradient (the shape of y) = or += g where the mask is set (taken) or not set, 0 elsewhere. */
void broadcast_where_gradient(const kernels *k, const reel_array *mask, bool taken, const reel_array *y, const void *g,
                              void *gradient, bool add);

/* The dimensions that are left after merging, and the step of each operand along them in elements, 0 where it is
 * broadcast. At least two dimensions: the last two are the rows and columns given to the kernels. */
#define BROADCAST_OPERANDS 3
typedef struct broadcast {
    int rank;
    int64_t shape[REEL_MAX_RANK];
    int64_t step[BROADCAST_OPERANDS][REEL_MAX_RANK];
} broadcast;

broadcast broadcast_plan(const reel_array *y, int count, const reel_array *const *operands);

#endif
