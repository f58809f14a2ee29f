/* SPDX-License-Identifier: MIT
 *
 * Named random streams. None is global; whoever needs numbers is given a stream.
 *
 *   philox  counter-based (Philox 4x32-10; Salmon et al., SC 2011). Keyed by seed and name; any position is reached at
 *           once, so that its whole state is a few integers. For everything new.
 *   numpy   numpy.random.RandomState, bit for bit.
 *   torch   PyTorch's CPU generator (x86-64 with AVX2), bit for bit.
 */
#ifndef REEL_RANDOM_H
#define REEL_RANDOM_H

#include <reel/array.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_rng reel_rng;

/* Makes a stream, owned by the context. numpy and torch use the low 32 bits of the seed, as their originals do. The
 * name (copied) separates philox streams of one seed. Error: no memory; then NULL, which every function accepts. */
REEL_API reel_rng *reel_rng_philox_new(REEL_SITE reel_context *context, uint64_t seed, const char *name);
REEL_API reel_rng *reel_rng_numpy_new(REEL_SITE reel_context *context, uint64_t seed);
REEL_API reel_rng *reel_rng_torch_new(REEL_SITE reel_context *context, uint64_t seed);
REEL_API void reel_rng_free(reel_rng *rng);

/* "philox", "numpy" or "torch". */
REEL_API const char *reel_rng_kind(const reel_rng *rng);
/* Starts again from `seed`. */
REEL_API void reel_rng_seed(reel_rng *rng, uint64_t seed);
/* philox: goes to the start of block `position` of the stream; two positions never share numbers as long as fewer than
 * 2^64 are drawn from each. Error: another kind of stream (REEL_BAD_STATE). */
REEL_API reel_status reel_rng_seek(REEL_SITE reel_rng *rng, uint64_t position);

/* The next 32 bits; the next 64 (numpy and torch: two draws of 32, the first one the high half). */
REEL_API uint32_t reel_rng_bits32(reel_rng *rng);
REEL_API uint64_t reel_rng_bits64(reel_rng *rng);

/* Fill `out` (float or double, any shape) with uniform numbers of [low, high), or normal ones of the given mean and
 * standard deviation. numpy draws doubles and rounds; torch draws in the type of `out`, as PyTorch does, which for
 * normal numbers depends on whether there are 16 or more. Error: another element type, bounds that are not finite or
 * out of order, a negative deviation. */
REEL_API reel_status reel_rng_uniform(REEL_SITE reel_rng *rng, reel_array *out, double low, double high);
REEL_API reel_status reel_rng_normal(REEL_SITE reel_rng *rng, reel_array *out, double mean, double deviation);
/* One number of the stream as a double: uniform in [0, 1), standard normal. */
REEL_API double reel_rng_uniform_one(reel_rng *rng);
REEL_API double reel_rng_normal_one(reel_rng *rng);

/* Fills `out` (int64) with integers of [low, high). */
REEL_API reel_status reel_rng_integers(REEL_SITE reel_rng *rng, reel_array *out, int64_t low, int64_t high);
/* Writes a random permutation of 0 .. n-1 to `out` (n). */
REEL_API reel_status reel_rng_permutation(REEL_SITE reel_rng *rng, int64_t n, int64_t *out);
/* Shuffles the first dimension of `array` in place. */
REEL_API reel_status reel_rng_shuffle(REEL_SITE reel_rng *rng, reel_array *array);
/* Fills `out` (int64) with a choice from 0 .. n-1: with replacement or without; `weights` (n) doubles that need not
 * sum to 1, or NULL for equal ones (weights only with replacement). */
REEL_API reel_status reel_rng_choice(REEL_SITE reel_rng *rng, reel_array *out, int64_t n, bool replace,
                                     const double *weights);
/* Fills `mask` (uint8) with 1 where an element is kept and 0 where it is dropped; each is dropped with probability p. */
REEL_API reel_status reel_rng_keep_mask(REEL_SITE reel_rng *rng, reel_array *mask, double p);

/* Initialisers (weight matrices are (out, in): fan_in is shape[1] times the receptive field shape[2..], fan_out is
 * shape[0] times it). Names and formulas as in torch.nn.init (He et al. 2015; Glorot and Bengio 2010; Saxe et al. 2014).
 * `gain` multiplies. */
REEL_API reel_status reel_init_kaiming_uniform(REEL_SITE reel_rng *rng, reel_array *weight, double negative_slope);
REEL_API reel_status reel_init_kaiming_normal(REEL_SITE reel_rng *rng, reel_array *weight, double negative_slope);
REEL_API reel_status reel_init_xavier_uniform(REEL_SITE reel_rng *rng, reel_array *weight, double gain);
REEL_API reel_status reel_init_xavier_normal(REEL_SITE reel_rng *rng, reel_array *weight, double gain);
REEL_API reel_status reel_init_orthogonal(REEL_SITE reel_rng *rng, reel_array *weight, double gain);
REEL_API reel_status reel_init_truncated_normal(REEL_SITE reel_rng *rng, reel_array *out, double mean, double deviation,
                                                double low, double high);

#ifndef REEL_NO_SITE_MACROS
#define reel_rng_philox_new(...) reel_rng_philox_new(REEL_HERE, __VA_ARGS__)
#define reel_rng_numpy_new(...) reel_rng_numpy_new(REEL_HERE, __VA_ARGS__)
#define reel_rng_torch_new(...) reel_rng_torch_new(REEL_HERE, __VA_ARGS__)
#define reel_rng_seek(...) reel_rng_seek(REEL_HERE, __VA_ARGS__)
#define reel_rng_uniform(...) reel_rng_uniform(REEL_HERE, __VA_ARGS__)
#define reel_rng_normal(...) reel_rng_normal(REEL_HERE, __VA_ARGS__)
#define reel_rng_integers(...) reel_rng_integers(REEL_HERE, __VA_ARGS__)
#define reel_rng_permutation(...) reel_rng_permutation(REEL_HERE, __VA_ARGS__)
#define reel_rng_shuffle(...) reel_rng_shuffle(REEL_HERE, __VA_ARGS__)
#define reel_rng_choice(...) reel_rng_choice(REEL_HERE, __VA_ARGS__)
#define reel_rng_keep_mask(...) reel_rng_keep_mask(REEL_HERE, __VA_ARGS__)
#define reel_init_kaiming_uniform(...) reel_init_kaiming_uniform(REEL_HERE, __VA_ARGS__)
#define reel_init_kaiming_normal(...) reel_init_kaiming_normal(REEL_HERE, __VA_ARGS__)
#define reel_init_xavier_uniform(...) reel_init_xavier_uniform(REEL_HERE, __VA_ARGS__)
#define reel_init_xavier_normal(...) reel_init_xavier_normal(REEL_HERE, __VA_ARGS__)
#define reel_init_orthogonal(...) reel_init_orthogonal(REEL_HERE, __VA_ARGS__)
#define reel_init_truncated_normal(...) reel_init_truncated_normal(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
