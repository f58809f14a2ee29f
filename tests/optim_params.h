/* SPDX-License-Identifier: MIT
 *
 * Parameters p0, p1, ... with values and gradients by a formula, for tests of what moves them.
 */
#ifndef TESTS_OPTIM_PARAMS_H
#define TESTS_OPTIM_PARAMS_H

#include "common.h"

static inline reel_params *params_of(reel_dtype dtype, int count, const int64_t *sizes)
{
    reel_params *params = reel_params_new(NULL, context, dtype);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        ck_assert_int_eq(reel_params_add(NULL, params, name, 1, &sizes[i]), i);
    }
    return params;
}

static inline reel_params *one_param(reel_dtype dtype, int64_t size)
{
    return params_of(dtype, 1, &size);
}

static inline void set_all(reel_array array, double (*f)(int64_t i))
{
    for (int64_t i = 0; i < array.size; i++)
        if (array.dtype == REEL_DOUBLE)
            ((double *)array.data)[i] = f(i);
        else
            ((float *)array.data)[i] = (float)f(i);
}

static inline double wave(int64_t i)
{
    return sin(1 + 0.7 * (double)i) * (1 + (double)(i % 5));
}

static inline double one(int64_t i)
{
    (void)i;
    return 1;
}

static inline double zero(int64_t i)
{
    (void)i;
    return 0;
}

static inline void set_gradient(reel_params *params, double (*f)(int64_t i))
{
    int64_t size = reel_params_size(params);
    reel_array *g = reel_array_new(NULL, reel_params_context(params), reel_params_dtype(params), 1, &size);
    ck_assert(g != NULL);
    set_all(*g, f);
    ck_assert_int_eq(reel_params_set_gradient(NULL, params, g), REEL_OK);
    reel_array_free(g);
}

#endif
