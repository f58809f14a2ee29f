/* SPDX-License-Identifier: MIT
 *
 * The operations, formula by formula. Every one takes values of one tape, records its result there and returns it; nil
 * operands give nil, errors give nil and are kept in the context. Shapes are written (rows, columns); axes count from 0,
 * negative ones from the end. g is the gradient of the result.
 */
#ifndef REEL_OPS_H
#define REEL_OPS_H

#include <reel/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- shape (src/ops/shape.c) ---- */

/* The same elements in another shape; one dimension may be -1: what remains. Shares value and gradient with x. */
REEL_API reel_value reel_reshape(REEL_SITE reel_value x, int rank, const int64_t *shape);
/* Exchanges two axes. Copies. Gradient: g transposed back. */
REEL_API reel_value reel_transpose(REEL_SITE reel_value x, int axis, int other);
/* Axis i of the result is axis order[i] of x (rank of x entries). Copies. */
REEL_API reel_value reel_permute(REEL_SITE reel_value x, const int *order);
/* Elements start, start + step, ... before stop along an axis; step >= 1. Negative start and stop count from the end and
 * both are cut to the axis, as in Python. Gradient: g in its place, 0 elsewhere. */
REEL_API reel_value reel_slice(REEL_SITE reel_value x, int axis, int64_t start, int64_t stop, int64_t step);
/* Joins `count` values along an existing axis; the other dimensions are equal. */
REEL_API reel_value reel_concat(REEL_SITE int count, const reel_value *values, int axis);
/* Joins `count` values of one shape along a new axis. */
REEL_API reel_value reel_stack(REEL_SITE int count, const reel_value *values, int axis);
/* y[..i..] = x[..index[..i..]..] along `axis`; index (int64) has the rank of x and the shape of y, no dimension larger
 * than that of x except along the axis (torch.gather). Gradient: g added at the places read. */
REEL_API reel_value reel_gather(REEL_SITE reel_value x, int axis, reel_value index);
/* The value without its history: no gradient flows back. Shares the value. */
REEL_API reel_value reel_detach(REEL_SITE reel_value x);

/* ---- random (src/ops/dropout.c) ---- */

/* In training mode each element is 0 with probability p and x / (1 - p) otherwise, drawn from the tape's stream
 * (reel_tape_set_rng); in evaluation mode x. Srivastava et al., JMLR 2014. */
REEL_API reel_value reel_dropout(REEL_SITE reel_value x, double p);

#ifndef REEL_NO_SITE_MACROS
#define reel_reshape(...) reel_reshape(REEL_HERE, __VA_ARGS__)
#define reel_transpose(...) reel_transpose(REEL_HERE, __VA_ARGS__)
#define reel_permute(...) reel_permute(REEL_HERE, __VA_ARGS__)
#define reel_slice(...) reel_slice(REEL_HERE, __VA_ARGS__)
#define reel_concat(...) reel_concat(REEL_HERE, __VA_ARGS__)
#define reel_stack(...) reel_stack(REEL_HERE, __VA_ARGS__)
#define reel_gather(...) reel_gather(REEL_HERE, __VA_ARGS__)
#define reel_detach(...) reel_detach(REEL_HERE, __VA_ARGS__)
#define reel_dropout(...) reel_dropout(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
