/* SPDX-License-Identifier: MIT
 *
 * Linear layers so small that a general product would spend its time on calls and on sums across lanes: at most
 * LAYER_FEW features on one side and LAYER_MOST on the other, any number of rows.
 *
 * Orders of the sums, which depend on the two sizes alone and are the same in every instruction set:
 *   y and x', over at most LAYER_FEW terms   one chain from the start value, as in a product;
 *   y and x', over more                      term t is added to lane t mod 8, lane by lane in the order of t; the lanes by
 *                                            halves (8 to 4 to 2 to 1); the start value last;
 *   weight' and bias'                        row r is added to sum r mod 4; (sum 0 + sum 1) + (sum 2 + sum 3), and last
 *                                            what was there before.
 * So a row of a batch has the bits of the row alone. Each term is a fused multiply-add where the instruction set fuses. */
#ifndef REEL_KERNELS_LAYER_H
#define REEL_KERNELS_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#define LAYER_FEW 4
#define LAYER_MOST 32

static inline bool layer_is_small(int64_t out, int64_t in)
{
    int64_t few = out < in ? out : in, most = out < in ? in : out;
    return few >= 1 && few <= LAYER_FEW && most <= LAYER_MOST;
}

/* y (rows, out) = x (rows, in) weight^T + bias, weight (out, in), bias (out) or NULL; with relu: 0 where that is below 0. */
typedef struct layer_task {
    int64_t rows, out, in;
    const void *x, *weight, *bias;
    void *y;
    bool relu;
    /* for the gradients: g (rows, out) is that of y, and counts as 0 where the relu's y is <= 0 */
    const void *g;
    void *x_gradient, *weight_gradient, *bias_gradient; /* NULL where not wanted */
    bool add_x, add_weight, add_bias;
} layer_task;

struct layer_kernels {
    void (*forward)(const layer_task *task);
    void (*backward)(const layer_task *task);
};

#endif
