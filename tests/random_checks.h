/* SPDX-License-Identifier: MIT
 *
 * What any stream's numbers have to be.
 */
#ifndef TESTS_RANDOM_CHECKS_H
#define TESTS_RANDOM_CHECKS_H

#include "common.h"

/* One of `n` elements. */
static inline reel_array *vector(reel_dtype dtype, int64_t n)
{
    reel_array *a = reel_array_new(NULL, context, dtype, 1, &n);
    ck_assert_ptr_nonnull(a);
    return a;
}

/* Mean and variance within five standard errors. */
static inline void check_moments(const reel_array *x, double mean, double variance, double fourth)
{
    double n = (double)x->size, m1 = 0, m2 = 0;
    for (int64_t i = 0; i < x->size; i++) m1 += reel_array_get(x, i);
    m1 /= n;
    for (int64_t i = 0; i < x->size; i++) m2 += pow(reel_array_get(x, i) - mean, 2);
    m2 /= n;
    ck_assert_double_lt(fabs(m1 - mean), 5 * sqrt(variance / n));
    ck_assert_double_lt(fabs(m2 - variance), 5 * sqrt((fourth - variance * variance) / n));
}

static inline void check_bijective(const int64_t *p, int64_t n)
{
    char *seen = calloc((size_t)n + 1, 1);
    for (int64_t i = 0; i < n; i++) {
        ck_assert(p[i] >= 0 && p[i] < n);
        ck_assert(!seen[p[i]]);
        seen[p[i]] = 1;
    }
    free(seen);
}

#endif
