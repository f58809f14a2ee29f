/* SPDX-License-Identifier: MIT
 *
 * Reductions over any set of axes, for operations without kernels of their own: which elements go into which result.
 */
#ifndef REEL_OPS_AXES_H
#define REEL_OPS_AXES_H

#include "ops/ops.h"

#define ALL_AXES (-1)

typedef struct axis_set {
    int count; /* ALL_AXES, or of `axes` */
    int axes[REEL_MAX_RANK];
    bool keepdim; /* reduced axes stay, with size 1 */
} axis_set;

/* Member j of result r is element base[r] + offset[j] of operand 0. */
typedef struct axis_members {
    int64_t results, count;
    int64_t *base, *offset;
} axis_members;

/* At most REEL_MAX_RANK axes taken over; more give a set that axes_rule refuses. */
axis_set axes_given(int count, const int *axes, bool keepdim);
/* Checks the axes (each once, inside; they are counted from the end when negative) and sets out's shape. */
reel_status axes_rule(reel_call *call, axis_set *set);
/* The members, in scratch; row-major order for both. */
reel_status axes_members(reel_call *call, const axis_set *set, axis_members *members);

#endif
