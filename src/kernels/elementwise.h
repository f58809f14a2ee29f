/* SPDX-License-Identifier: MIT
 *
 * Element-wise kernels: runs over contiguous elements. Operands of any shape: broadcast.h.
 */
#ifndef REEL_ELEMENTWISE_H
#define REEL_ELEMENTWISE_H

#include "kernels/kernels.h"

enum {
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, forward, gradient) UNARY_##name,
#include "kernels/elementwise.def"
    UNARY_COUNT
};

enum {
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, forward, a_gradient, b_gradient) BINARY_##name,
#include "kernels/elementwise.def"
    BINARY_COUNT
};

/* Which operands of a run have an element for each of the result; the other one is a single number. */
enum { RUN_BOTH, RUN_A, RUN_B, RUN_COUNT };

/* y = f(x) over n elements, in place too; x_gradient = or += g f'(x). */
typedef struct unary_kernel {
    void (*forward)(int64_t n, const void *x, void *y, double p0, double p1);
    void (*backward)(int64_t n, const void *x, const void *y, const void *g, void *x_gradient, bool add, double p0,
                     double p1);
} unary_kernel;

/* One run of a result y (n). */
typedef void binary_forward(int64_t n, const void *a, const void *b, void *y);
/* g times the derivative by one operand: n elements, written or added. */
typedef void binary_backward(int64_t n, const void *a, const void *b, const void *y, const void *g, void *gradient,
                             bool add);
typedef struct binary_kernel {
    binary_forward *forward[RUN_COUNT];
    binary_backward *backward[2][RUN_COUNT]; /* [0]: by a; [1]: by b */
} binary_kernel;

/* What a broadcast operand's gradient is summed from: elements of a result with `of`, or g itself where `of` is NULL. */
typedef struct gradient_source {
    binary_backward *of;
    const void *a, *b, *y, *g;
    int64_t a_row, b_row; /* elements from one row of the operand to the next */
    int runs;             /* which operands run along a row */
} gradient_source;

/* The sum over a run of n elements (one row): one number, written or added. Lane by lane, then pairwise. */
typedef void sum_run_kernel(int64_t n, const gradient_source *source, void *sum, bool add);
/* The sums over the rows of (rows, cols): cols numbers, written or added. Pairwise over chunks of rows. */
typedef void sum_rows_kernel(int64_t rows, int64_t cols, const gradient_source *source, void *sums, bool add);

/* y = mask ? a : b over n elements; an operand with step 0 is a single one, with step 1 it runs. */
typedef void where_kernel(int64_t n, const uint8_t *mask, int64_t mask_step, const void *a, int64_t a_step,
                          const void *b, int64_t b_step, void *y);
/* gradient = or += g where (mask != 0) == taken, 0 elsewhere. */
typedef void where_gradient_kernel(int64_t n, const uint8_t *mask, int64_t mask_step, bool taken, const void *g,
                                   void *gradient, bool add);

struct elementwise_kernels {
    const unary_kernel *unary;   /* [UNARY_COUNT] */
    const binary_kernel *binary; /* [BINARY_COUNT] */
    sum_run_kernel *sum_run;
    sum_rows_kernel *sum_rows;
    where_kernel *where;
    where_gradient_kernel *where_gradient;
};

#endif
