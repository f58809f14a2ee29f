/* SPDX-License-Identifier: MIT
 *
 * Arrays: dense, row-major, contiguous, rank 0 to 6.
 */
#ifndef REEL_ARRAY_H
#define REEL_ARRAY_H

#include <reel/context.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEL_MAX_RANK 6

/* Elements in row-major order: the last index runs fastest. A scalar has rank 0 and size 1; a dimension may be 0. */
typedef struct reel_array {
    void *data;                   /* float, double, int64_t or uint8_t, as dtype says */
    int64_t size;                 /* number of elements: the product of the shape */
    int64_t shape[REEL_MAX_RANK]; /* the first `rank` entries count */
    int32_t rank;
    reel_dtype dtype;
} reel_array;

/* An array over the caller's memory, which must outlive every use; nothing is copied. `shape` (rank); may be NULL for
 * rank 0. A bad rank or a negative dimension gives an array with data NULL and size 0. */
REEL_API reel_array reel_array_view(reel_dtype dtype, void *data, int rank, const int64_t *shape);

/* A new array of zeros, owned by the context. Error: rank, negative or overflowing sizes, no memory; then NULL. */
REEL_API reel_array *reel_array_new(REEL_SITE reel_context *context, reel_dtype dtype, int rank, const int64_t *shape);
/* A new array with the elements of `source` converted to `dtype` (rounded to nearest; to integers: toward zero). */
REEL_API reel_array *reel_array_cast(REEL_SITE reel_context *context, reel_dtype dtype, const reel_array *source);
REEL_API void reel_array_free(reel_array *array);

/* Element `index` of the flattened array as a double; NaN when there is no such element. */
REEL_API double reel_array_get(const reel_array *array, int64_t index);

#ifndef REEL_NO_SITE_MACROS
#define reel_array_new(...) reel_array_new(REEL_HERE, __VA_ARGS__)
#define reel_array_cast(...) reel_array_cast(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
