/* SPDX-License-Identifier: MIT
 *
 * Compiles the loops of a file twice, for float and for double: the file includes itself through this header, with
 * BOTH_TYPES its own path, and keeps its loops between `#ifdef REAL` and `#else`.
 */
#include <float.h>

/* tiny(eps): moments below it may become 0. Beside eps they do not count, as their root is less than its rounding; with
 * a smaller eps, nothing does. */
#ifndef REEL_OPTIM_BOTH_TYPES_H
#define REEL_OPTIM_BOTH_TYPES_H

static inline float tiny_float(float eps)
{
    return sqrtf(FLT_MIN) <= eps * FLT_EPSILON ? FLT_MIN : 0;
}

static inline double tiny_double(double eps)
{
    return sqrt(DBL_MIN) <= eps * DBL_EPSILON ? DBL_MIN : 0;
}

/* Calls the loop of the update's type. */
#define BY_TYPE(loop, dtype, ...) ((dtype) == REEL_DOUBLE ? loop##_double(__VA_ARGS__) : loop##_float(__VA_ARGS__))

#endif

/* clang-format off */
#define REAL float
#define NAME(loop) loop##_float
#define SQRT sqrtf
#define ABS fabsf
#define SMALLEST FLT_MIN
#define ULP FLT_EPSILON
#include BOTH_TYPES
#undef REAL
#undef NAME
#undef SQRT
#undef ABS
#undef SMALLEST
#undef ULP

#define REAL double
#define NAME(loop) loop##_double
#define SQRT sqrt
#define ABS fabs
#define SMALLEST DBL_MIN
#define ULP DBL_EPSILON
#include BOTH_TYPES
#undef REAL
#undef NAME
#undef SQRT
#undef ABS
#undef SMALLEST
#undef ULP
/* clang-format on */
