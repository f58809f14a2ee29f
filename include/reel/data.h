/* SPDX-License-Identifier: MIT
 *
 * Data sets: generators and readers.
 */
#ifndef REEL_DATA_H
#define REEL_DATA_H

#include <reel/random.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Samples in rows, targets in the rows of the same number. Both arrays belong to the data set. */
typedef struct reel_dataset {
    reel_array *x; /* (samples, features) */
    reel_array *y; /* (samples, targets) */
} reel_dataset;

/* Two interleaved half circles of n points, the first half of class 0, the second of class 1, with normal noise:
 *     class 0: (cos t, sin t),  class 1: (1 - cos t, 1/2 - sin t),  t = 0 .. pi in n/2 equal steps, ends included;
 *     x = point + noise * z,    z standard normal from `rng`, row by row as doubles (numpy.random.randn(n, 2)).
 * x (n,2) float, computed in double and rounded at the end; y (n,1) float, 0 or 1. Owned by the context. `rng` may be
 * NULL when `noise` is 0; given, it advances by 2n normal numbers whatever the noise. Errors: n odd or below 2; noise
 * negative or not finite; no stream; no memory. Then NULL. Shape as in scikit-learn's make_moons. */
REEL_API reel_dataset *reel_moons_new(REEL_SITE reel_context *context, int64_t n, double noise, reel_rng *rng);

REEL_API void reel_dataset_free(reel_dataset *dataset);

#ifndef REEL_NO_SITE_MACROS
#define reel_moons_new(...) reel_moons_new(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
