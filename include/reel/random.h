/* SPDX-License-Identifier: MIT
 *
 * Named random streams. None is global; whoever needs numbers is given a stream.
 *
 *   philox  counter-based (Philox 4x32-10; Salmon et al., SC 2011). Keyed by seed and name; any position is reached at
 *           once, so that its whole state is a few integers. For everything new.
 *   numpy   numpy.random.RandomState, bit for bit.
 *   torch   PyTorch's CPU generator (x86-64 with AVX2), bit for bit.
 *   rust    StdRng of Rust's crate rand 0.8, bit for bit: ChaCha with 12 rounds, seeded by seed_from_u64.
 */
#ifndef REEL_RANDOM_H
#define REEL_RANDOM_H

#include <reel/array.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_rng reel_rng;

/* Makes a stream, owned by the context. numpy and torch use the low 32 bits of the seed, as their originals do. The
 * name (copied; NULL: "") separates philox streams of one seed: the key is the seed xor XXH3-64 of the name. Error: no
 * memory; then NULL, which every function accepts. */
REEL_API reel_rng *reel_rng_philox_new(REEL_SITE reel_context *context, uint64_t seed, const char *name);
REEL_API reel_rng *reel_rng_numpy_new(REEL_SITE reel_context *context, uint64_t seed);
REEL_API reel_rng *reel_rng_torch_new(REEL_SITE reel_context *context, uint64_t seed);
REEL_API reel_rng *reel_rng_rust_new(REEL_SITE reel_context *context, uint64_t seed);
REEL_API void reel_rng_free(reel_rng *rng);

/* "philox", "numpy", "torch" or "rust"; "none" for NULL. */
REEL_API const char *reel_rng_kind(const reel_rng *rng);
/* Starts again from `seed`, philox at position 0; a kept normal number is dropped. */
REEL_API void reel_rng_seed(reel_rng *rng, uint64_t seed);
/* philox: goes to the start of block `position` of the stream; two positions never share numbers as long as fewer than
 * 2^64 words are drawn from each. A kept normal number is dropped. Error: another kind of stream (REEL_BAD_STATE). */
REEL_API reel_status reel_rng_seek(REEL_SITE reel_rng *rng, uint64_t position);

/* The next 32 bits; the next 64 (two draws of 32, the first one the high half). 0 without a stream. On torch
 * reel_rng_bits64(rng) & INT64_MAX is what Tensor.random_() puts into an int64 tensor. */
REEL_API uint32_t reel_rng_bits32(reel_rng *rng);
REEL_API uint64_t reel_rng_bits64(reel_rng *rng);

/* Fill `out` (float or double, any shape) with uniform numbers of [low, high), or normal ones of the given mean and
 * standard deviation.
 *   philox  uniform: float from 24 bits of one word, double from 53 bits of two; `high` is never reached unless it
 *           equals `low`. Normal: Box and Muller's transform in double, four words a pair, for float rounded at the end.
 *           The second number of a pair is kept for the next request, so that the numbers do not depend on how many
 *           are asked for in one call, nor on the type.
 *   numpy   draws doubles and rounds.
 *   torch   draws in the type of `out`, as PyTorch does, which for normal numbers depends on whether there are 16 or
 *           more.
 *   rust    draws in the type of `out`: rng.gen_range(low..high), float from 23 bits of one word, double from 52 bits of
 *           two; `high` is never reached. Normal: Box and Muller's transform in double.
 * With rounding, numpy and torch can reach `high`, as their originals do. Error: another element type; bounds out of
 * order, or not finite in the type of `out` (their distance too); a negative deviation. */
REEL_API reel_status reel_rng_uniform(REEL_SITE reel_rng *rng, reel_array *out, double low, double high);
REEL_API reel_status reel_rng_normal(REEL_SITE reel_rng *rng, reel_array *out, double mean, double deviation);
/* One number of the stream as a double: uniform in [0, 1), standard normal. NaN without a stream. */
REEL_API double reel_rng_uniform_one(reel_rng *rng);
REEL_API double reel_rng_normal_one(reel_rng *rng);

/* Fills `out` (int64) with integers of [low, high). Each is equally likely on philox, numpy and rust (gen_range of i64);
 * torch takes remainders of 32 bits (64 when high - low is 2^32 or more), with the slight bias that goes with it. Error:
 * low >= high. */
REEL_API reel_status reel_rng_integers(REEL_SITE reel_rng *rng, reel_array *out, int64_t low, int64_t high);

/* Writes a random permutation of 0 .. n-1 to `out` (n): numpy.random.permutation, torch.randperm, SliceRandom::shuffle of
 * rand 0.8; philox: a keyed permutation, see reel_rng_permuted, which uses up 32 words whatever n. Error: n negative; no
 * `out`. */
REEL_API reel_status reel_rng_permutation(REEL_SITE reel_rng *rng, int64_t n, int64_t *out);
/* philox only: element i of the permutation of 0 .. n-1 that reel_rng_permutation gives right after
 * reel_rng_seek(philox, position), in O(1): a sampler reaches any batch of any epoch at once. The stream is left as it
 * is. Up to 16 elements all orders are equally likely; beyond, a Feistel network with cycle walking (Black and Rogaway,
 * CT-RSA 2002). Returns -1 for another kind of stream, NULL, or i outside 0 .. n-1. */
REEL_API int64_t reel_rng_permuted(const reel_rng *philox, uint64_t position, int64_t n, int64_t i);
/* Writes the order in which one epoch visits n samples to `out` (n): on torch that of DataLoader(shuffle=True), which
 * draws a seed for the workers and one for a generator of its own; otherwise a permutation. */
REEL_API reel_status reel_rng_epoch_order(REEL_SITE reel_rng *rng, int64_t n, int64_t *out);
/* Shuffles the first dimension of `array` (any type) in place: row i becomes the old row p[i] of the next permutation
 * p, on numpy numpy.random.shuffle, on torch x[torch.randperm(n)]. Errors: a scalar; no memory. */
REEL_API reel_status reel_rng_shuffle(REEL_SITE reel_rng *rng, reel_array *array);
/* Fills `out` (int64) with a choice from 0 .. n-1: with replacement (integers) or without (start of a permutation);
 * `weights` (n) doubles that need not sum to 1, or NULL for equal ones (weights only with replacement): each number is
 * the count of cumulative weights <= a uniform double. numpy.random.choice; PyTorch has no such function. */
REEL_API reel_status reel_rng_choice(REEL_SITE reel_rng *rng, reel_array *out, int64_t n, bool replace,
                                     const double *weights);

/* Fills `mask` (uint8) with 1 where an element is kept and 0 where it is dropped; each is dropped with probability p.
 * Draws nothing for p = 0 and p = 1. torch: the mask of torch.nn.functional.dropout in builds without MKL. philox: one
 * word an element, p to 32 bits. numpy and rust: kept where a uniform number < 1 - p. */
REEL_API reel_status reel_rng_keep_mask(REEL_SITE reel_rng *rng, reel_array *mask, double p);
/* Fills `out` (uint8) with 1 with probability p, else 0. `p` (float or double): as many elements as `out`, or one for
 * all. A uniform number in the type of `p` is drawn for each, and is 1 where it is below p: torch.bernoulli of a tensor
 * of probabilities, and Tensor.bernoulli_(number) for one double. */
REEL_API reel_status reel_rng_bernoulli(REEL_SITE reel_rng *rng, reel_array *out, const reel_array *p);

/* Initialisers (weight matrices are (out, in): fan_in is shape[1] times the receptive field shape[2..], fan_out is
 * shape[0] times it). Names and formulas as in torch.nn.init. The numbers are drawn in the type of the array.
 *
 *   kaiming   deviation s = sqrt(2 / (1 + negative_slope^2)) / sqrt(fan); uniform in +-sqrt(3) s, or normal (0, s).
 *             fan is fan_in, or fan_out in the functions named so. He et al. 2015.
 *             negative_slope 0: relu; sqrt(5): the weights of torch.nn.Linear and Conv2d.
 *   xavier    s = gain sqrt(2 / (fan_in + fan_out)); Glorot and Bengio 2010. gain 1, for tanh 5/3.
 *   orthogonal  gain times a matrix with orthonormal rows or columns, whichever are fewer, of shape (shape[0], rest):
 *             the factor Q of standard normal numbers, with diag(R) > 0. Saxe et al. 2014.
 *   truncated normal  mean + deviation sqrt(2) erfinv(u), u uniform between the bounds' probabilities, so that
 *             low <= x <= high.
 *
 * Kaiming and xavier repeat PyTorch bit for bit on a torch stream, the other two up to rounding. Nothing is drawn for
 * an array without elements. Errors: element type; rank below 2; a gain that
 * is not above 0, bounds not finite or out of order; no memory (orthogonal). */
REEL_API reel_status reel_init_kaiming_uniform(REEL_SITE reel_rng *rng, reel_array *weight, double negative_slope);
REEL_API reel_status reel_init_kaiming_normal(REEL_SITE reel_rng *rng, reel_array *weight, double negative_slope);
REEL_API reel_status reel_init_kaiming_uniform_fan_out(REEL_SITE reel_rng *rng, reel_array *weight,
                                                       double negative_slope);
REEL_API reel_status reel_init_kaiming_normal_fan_out(REEL_SITE reel_rng *rng, reel_array *weight,
                                                      double negative_slope);
REEL_API reel_status reel_init_xavier_uniform(REEL_SITE reel_rng *rng, reel_array *weight, double gain);
REEL_API reel_status reel_init_xavier_normal(REEL_SITE reel_rng *rng, reel_array *weight, double gain);
REEL_API reel_status reel_init_orthogonal(REEL_SITE reel_rng *rng, reel_array *weight, double gain);
REEL_API reel_status reel_init_truncated_normal(REEL_SITE reel_rng *rng, reel_array *out, double mean, double deviation,
                                                double low, double high);

#ifndef REEL_NO_SITE_MACROS
#define reel_rng_philox_new(...) reel_rng_philox_new(REEL_HERE, __VA_ARGS__)
#define reel_rng_numpy_new(...) reel_rng_numpy_new(REEL_HERE, __VA_ARGS__)
#define reel_rng_torch_new(...) reel_rng_torch_new(REEL_HERE, __VA_ARGS__)
#define reel_rng_rust_new(...) reel_rng_rust_new(REEL_HERE, __VA_ARGS__)
#define reel_rng_seek(...) reel_rng_seek(REEL_HERE, __VA_ARGS__)
#define reel_rng_uniform(...) reel_rng_uniform(REEL_HERE, __VA_ARGS__)
#define reel_rng_normal(...) reel_rng_normal(REEL_HERE, __VA_ARGS__)
#define reel_rng_integers(...) reel_rng_integers(REEL_HERE, __VA_ARGS__)
#define reel_rng_permutation(...) reel_rng_permutation(REEL_HERE, __VA_ARGS__)
#define reel_rng_epoch_order(...) reel_rng_epoch_order(REEL_HERE, __VA_ARGS__)
#define reel_rng_shuffle(...) reel_rng_shuffle(REEL_HERE, __VA_ARGS__)
#define reel_rng_choice(...) reel_rng_choice(REEL_HERE, __VA_ARGS__)
#define reel_rng_keep_mask(...) reel_rng_keep_mask(REEL_HERE, __VA_ARGS__)
#define reel_rng_bernoulli(...) reel_rng_bernoulli(REEL_HERE, __VA_ARGS__)
#define reel_init_kaiming_uniform(...) reel_init_kaiming_uniform(REEL_HERE, __VA_ARGS__)
#define reel_init_kaiming_normal(...) reel_init_kaiming_normal(REEL_HERE, __VA_ARGS__)
#define reel_init_kaiming_uniform_fan_out(...) reel_init_kaiming_uniform_fan_out(REEL_HERE, __VA_ARGS__)
#define reel_init_kaiming_normal_fan_out(...) reel_init_kaiming_normal_fan_out(REEL_HERE, __VA_ARGS__)
#define reel_init_xavier_uniform(...) reel_init_xavier_uniform(REEL_HERE, __VA_ARGS__)
#define reel_init_xavier_normal(...) reel_init_xavier_normal(REEL_HERE, __VA_ARGS__)
#define reel_init_orthogonal(...) reel_init_orthogonal(REEL_HERE, __VA_ARGS__)
#define reel_init_truncated_normal(...) reel_init_truncated_normal(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
