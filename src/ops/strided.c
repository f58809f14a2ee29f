/* SPDX-License-Identifier: MIT
 *
 * Moving elements between a row-major array and places a fixed step apart along each axis.
 */
#include "ops/strided.h"

void row_major_strides(const reel_array *a, int64_t stride[REEL_MAX_RANK])
{
    int64_t product = 1;
    for (int d = a->rank - 1; d >= 0; d--) {
        stride[d] = product;
        product *= a->shape[d];
    }
}

/* dense[i] and far[place(i)] for each i in row-major order; the last axis is the inner loop. */
#define DEFINE_WALK(NAME, TYPE, STATEMENT)                                                                             \
    static void NAME(const strided *w, TYPE *dense, TYPE *far)                                                         \
    {                                                                                                                  \
        int64_t index[REEL_MAX_RANK] = {0}, place = w->start;                                                          \
        int last = w->rank - 1;                                                                                        \
        int64_t inner = w->rank ? w->shape[last] : 1, step = w->rank ? w->stride[last] : 0, i = 0;                     \
        for (int d = 0; d < w->rank; d++)                                                                              \
            if (w->shape[d] == 0) return;                                                                              \
        for (;;) {                                                                                                     \
            for (int64_t k = 0; k < inner; k++, i++) {                                                                 \
                TYPE *a = &dense[i], *b = &far[place + k * step];                                                      \
                STATEMENT;                                                                                             \
            }                                                                                                          \
            int d = last - 1;                                                                                          \
            for (; d >= 0; d--) {                                                                                      \
                place += w->stride[d];                                                                                 \
                if (++index[d] < w->shape[d]) break;                                                                   \
                place -= index[d] * w->stride[d];                                                                      \
                index[d] = 0;                                                                                          \
            }                                                                                                          \
            if (d < 0) return;                                                                                         \
        }                                                                                                              \
    }

DEFINE_WALK(take_float, float, *a = *b)
DEFINE_WALK(take_double, double, *a = *b)
DEFINE_WALK(put_float, float, *b = *a)
DEFINE_WALK(put_double, double, *b = *a)
DEFINE_WALK(add_to_float, float, *b += *a)
DEFINE_WALK(add_to_double, double, *b += *a)
DEFINE_WALK(add_from_float, float, *a += *b)
DEFINE_WALK(add_from_double, double, *a += *b)

void walk_take(const strided *w, reel_dtype dtype, void *dense, const void *far)
{
    if (dtype == REEL_FLOAT)
        take_float(w, dense, (float *)(uintptr_t)far);
    else
        take_double(w, dense, (double *)(uintptr_t)far);
}

void walk_put(const strided *w, reel_dtype dtype, const void *dense, void *far, bool add)
{
    if (dtype == REEL_FLOAT)
        (add ? add_to_float : put_float)(w, (float *)(uintptr_t)dense, far);
    else
        (add ? add_to_double : put_double)(w, (double *)(uintptr_t)dense, far);
}

void walk_get(const strided *w, reel_dtype dtype, void *dense, const void *far, bool add)
{
    if (!add)
        walk_take(w, dtype, dense, far);
    else if (dtype == REEL_FLOAT)
        add_from_float(w, dense, (float *)(uintptr_t)far);
    else
        add_from_double(w, dense, (double *)(uintptr_t)far);
}
