/* SPDX-License-Identifier: MIT
 *
 * Moving elements between a row-major array and places a fixed step apart along each axis.
 */
#ifndef REEL_OPS_STRIDED_H
#define REEL_OPS_STRIDED_H

#include "core/core.h"

/* A walk over the elements of a row-major array `shape` whose partner elements lie `stride` apart in another one,
 * starting at `start`. A stride may be 0 or negative. */
typedef struct strided {
    int rank;
    int64_t shape[REEL_MAX_RANK], stride[REEL_MAX_RANK], start;
} strided;

void row_major_strides(const reel_array *a, int64_t stride[REEL_MAX_RANK]);
/* dense = far */
void walk_take(const strided *w, reel_dtype dtype, void *dense, const void *far);
/* far = dense, or far += dense */
void walk_put(const strided *w, reel_dtype dtype, const void *dense, void *far, bool add);
/* dense = far, or dense += far */
void walk_get(const strided *w, reel_dtype dtype, void *dense, const void *far, bool add);

#endif
