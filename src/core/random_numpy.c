/* SPDX-License-Identifier: MIT
 *
 * numpy.random.RandomState: the functions of np.random after np.random.seed, bit for bit.
 */
#include "core/random.h"

#include <math.h>

static void numpy_seed(reel_rng *rng)
{
    mt19937_seed(&rng->mt, (uint32_t)rng->seed);
}

static uint32_t numpy_bits32(reel_rng *rng)
{
    return mt19937_next(&rng->mt);
}

static uint64_t numpy_bits64(reel_rng *rng)
{
    return mt19937_next64(&rng->mt);
}

/* 53 bits of two words: (a 2^26 + b) / 2^53. */
static double numpy_uniform_one(reel_rng *rng)
{
    double a = mt19937_next(&rng->mt) >> 5;
    double b = mt19937_next(&rng->mt) >> 6;
    return (a * 0x1p26 + b) * 0x1p-53;
}

/* Marsaglia's polar method; the second coordinate is returned, the first one kept. */
static double numpy_normal_one(reel_rng *rng)
{
    if (rng->has_kept) {
        double kept = rng->kept;
        rng_drop_kept(rng);
        return kept;
    }
    double x, y, r;
    do {
        x = 2 * numpy_uniform_one(rng) - 1;
        y = 2 * numpy_uniform_one(rng) - 1;
        r = x * x + y * y;
    } while (r >= 1 || r == 0);
    double f = sqrt(-2 * log(r) / r);
    rng->has_kept = true;
    rng->kept = f * x;
    return f * y;
}

/* out[i] = offset + scale * draw, in double, then rounded. */
static void fill(reel_rng *rng, reel_array *out, double (*draw)(reel_rng *), double offset, double scale)
{
    for (int64_t i = 0; i < out->size; i++) {
        double x = offset + scale * draw(rng);
        if (out->dtype == REEL_FLOAT)
            ((float *)out->data)[i] = (float)x;
        else
            ((double *)out->data)[i] = x;
    }
}

static void numpy_uniform(reel_rng *rng, reel_array *out, double low, double high)
{
    fill(rng, out, numpy_uniform_one, low, high - low);
}

static void numpy_normal(reel_rng *rng, reel_array *out, double mean, double deviation)
{
    fill(rng, out, numpy_normal_one, mean, deviation);
}

/* An integer of [0, top]: words are masked to the bits of `top` and rejected while they exceed it. */
static uint64_t interval(reel_rng *rng, uint64_t top)
{
    if (top == 0) return 0;
    uint64_t mask = top;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    uint64_t value;
    do {
        value = (top <= UINT32_MAX ? mt19937_next(&rng->mt) : mt19937_next64(&rng->mt)) & mask;
    } while (value > top);
    return value;
}

static void numpy_integers(reel_rng *rng, int64_t count, int64_t *out, int64_t low, uint64_t range)
{
    for (int64_t i = 0; i < count; i++) out[i] = (int64_t)((uint64_t)low + interval(rng, range - 1));
}

/* Fisher and Yates, from the back. */
static void numpy_permutation(reel_rng *rng, int64_t n, int64_t count, int64_t *out)
{
    (void)count;
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)interval(rng, (uint64_t)i);
        int64_t held = out[i];
        out[i] = out[j];
        out[j] = held;
    }
}

static void numpy_keep_mask(reel_rng *rng, int64_t count, uint8_t *mask, double p)
{
    for (int64_t i = 0; i < count; i++) mask[i] = numpy_uniform_one(rng) < 1 - p;
}

const rng_methods rng_numpy = {
    .kind = "numpy",
    .seed = numpy_seed,
    .bits32 = numpy_bits32,
    .bits64 = numpy_bits64,
    .uniform_one = numpy_uniform_one,
    .normal_one = numpy_normal_one,
    .uniform = numpy_uniform,
    .normal = numpy_normal,
    .integers = numpy_integers,
    .permutation = numpy_permutation,
    .keep_mask = numpy_keep_mask,
};
