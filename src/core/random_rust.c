/* SPDX-License-Identifier: MIT
 *
 * Rust's rand 0.8: StdRng, which is ChaCha with 12 rounds (Bernstein, "ChaCha, a variant of Salsa20", 2008) and a 64-bit
 * block counter, seeded from 64 bits through PCG32 (O'Neill 2014), and the distributions of that crate that have a
 * counterpart here: Standard, Uniform of floats and of integers, and the shuffle of SliceRandom.
 */
#include "core/random.h"

#include <math.h>
#include <string.h>

#define TWO_PI 6.283185307179586
#define ROUNDS 12

static uint32_t rotate_left(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

/* The key of SeedableRng::seed_from_u64: eight words of a PCG32, each from the state after its step. */
static void expand_seed(uint64_t state, uint32_t key[8])
{
    for (int i = 0; i < 8; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(11634580027462260723);
        uint32_t x = (uint32_t)(((state >> 18) ^ state) >> 27), r = (uint32_t)(state >> 59);
        key[i] = x >> r | x << (-r & 31);
    }
}

static void quarter_round(uint32_t w[16], int a, int b, int c, int d)
{
    w[a] += w[b];
    w[d] = rotate_left(w[d] ^ w[a], 16);
    w[c] += w[d];
    w[b] = rotate_left(w[b] ^ w[c], 12);
    w[a] += w[b];
    w[d] = rotate_left(w[d] ^ w[a], 8);
    w[c] += w[d];
    w[b] = rotate_left(w[b] ^ w[c], 7);
}

/* Block number `counter` of stream 0. */
static void chacha_block(const uint32_t key[8], uint64_t counter, uint32_t out[16])
{
    const uint32_t start[16] = {0x61707865,
                                0x3320646e,
                                0x79622d32,
                                0x6b206574,
                                key[0],
                                key[1],
                                key[2],
                                key[3],
                                key[4],
                                key[5],
                                key[6],
                                key[7],
                                (uint32_t)counter,
                                (uint32_t)(counter >> 32)};
    memcpy(out, start, sizeof start);
    for (int i = 0; i < ROUNDS; i += 2) {
        for (int j = 0; j < 4; j++) quarter_round(out, j, 4 + j, 8 + j, 12 + j);
        for (int j = 0; j < 4; j++) quarter_round(out, j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4);
    }
    for (int i = 0; i < 16; i++) out[i] += start[i];
}

void rng_rust_seek(reel_rng *rng, uint64_t index)
{
    rng->chacha.index = index;
    rng->chacha.cached = UINT64_MAX;
}

static void rust_seed(reel_rng *rng)
{
    expand_seed(rng->seed, rng->chacha.key);
    rng_rust_seek(rng, 0);
}

static uint32_t rust_bits32(reel_rng *rng)
{
    chacha *c = &rng->chacha;
    uint64_t block = c->index / 16;
    if (block != c->cached) {
        chacha_block(c->key, block, c->block);
        c->cached = block;
    }
    return c->block[c->index++ % 16];
}

/* next_u64: two words, the first one the low half. */
static uint64_t next64(reel_rng *rng)
{
    uint64_t low = rust_bits32(rng);
    return (uint64_t)rust_bits32(rng) << 32 | low;
}

static uint64_t rust_bits64(reel_rng *rng)
{
    uint64_t high = rust_bits32(rng);
    return high << 32 | rust_bits32(rng);
}

/* Standard for f64: the high 53 bits. */
static double rust_uniform_one(reel_rng *rng)
{
    return (double)(next64(rng) >> 11) * 0x1p-53;
}

/* Box and Muller in double, the sine kept for the next call; that crate has no normal numbers of its own. */
static double rust_normal_one(reel_rng *rng)
{
    if (rng->has_kept) {
        double kept = rng->kept;
        rng_drop_kept(rng);
        return kept;
    }
    double radius = sqrt(-2 * log(1 - rust_uniform_one(rng))), angle = TWO_PI * rust_uniform_one(rng);
    rng->has_kept = true;
    rng->kept = radius * sin(angle);
    return radius * cos(angle);
}

/* UniformFloat::sample_single: the high bits become the fraction of a number in [1, 2); drawn again when rounding reaches
 * `high`. */
static float between_float(reel_rng *rng, float low, float high)
{
    float width = high - low;
    if (!(width > 0)) return low;
    for (;;) {
        uint32_t bits = rust_bits32(rng) >> 9 | 0x3f800000u;
        float x;
        memcpy(&x, &bits, sizeof x);
        x = (x - 1) * width + low;
        if (x < high) return x;
    }
}

static double between_double(reel_rng *rng, double low, double high)
{
    double width = high - low;
    if (!(width > 0)) return low;
    for (;;) {
        uint64_t bits = next64(rng) >> 12 | UINT64_C(0x3ff0000000000000);
        double x;
        memcpy(&x, &bits, sizeof x);
        x = (x - 1) * width + low;
        if (x < high) return x;
    }
}

static void rust_uniform(reel_rng *rng, reel_array *out, double low, double high)
{
    for (int64_t i = 0; i < out->size; i++) {
        if (out->dtype == REEL_FLOAT)
            ((float *)out->data)[i] = between_float(rng, (float)low, (float)high);
        else
            ((double *)out->data)[i] = between_double(rng, low, high);
    }
}

static void rust_normal(reel_rng *rng, reel_array *out, double mean, double deviation)
{
    for (int64_t i = 0; i < out->size; i++) {
        double x = rust_normal_one(rng) * deviation + mean;
        if (out->dtype == REEL_FLOAT)
            ((float *)out->data)[i] = (float)x;
        else
            ((double *)out->data)[i] = x;
    }
}

/* UniformInt::sample_single of u32: the high half of word times range, drawn again while the low half is beyond the zone,
 * the largest multiple of the range that a shift of it gives (Lemire 2019 without the division). */
static uint32_t below32(reel_rng *rng, uint32_t range)
{
    uint32_t zone = (range << __builtin_clz(range)) - 1;
    for (;;) {
        uint64_t product = (uint64_t)rust_bits32(rng) * range;
        if ((uint32_t)product <= zone) return (uint32_t)(product >> 32);
    }
}

/* The product of two 64-bit numbers, both halves. */
static uint64_t multiply_high(uint64_t a, uint64_t b, uint64_t *low)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint32_t)middle;
    *low = a * b;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

/* The same of i64 and u64. */
static uint64_t below64(reel_rng *rng, uint64_t range)
{
    uint64_t zone = (range << __builtin_clzll(range)) - 1;
    for (;;) {
        uint64_t low, high = multiply_high(next64(rng), range, &low);
        if (low <= zone) return high;
    }
}

static void rust_integers(reel_rng *rng, int64_t count, int64_t *out, int64_t low, uint64_t range)
{
    for (int64_t i = 0; i < count; i++) out[i] = (int64_t)((uint64_t)low + below64(rng, range));
}

/* SliceRandom::shuffle: Fisher and Yates from the back; bounds that fit 32 bits draw one word. */
static void rust_permutation(reel_rng *rng, int64_t n, int64_t count, int64_t *out)
{
    (void)count;
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        uint64_t bound = (uint64_t)i + 1;
        int64_t j = (int64_t)(bound <= UINT32_MAX ? below32(rng, (uint32_t)bound) : below64(rng, bound));
        int64_t held = out[i];
        out[i] = out[j];
        out[j] = held;
    }
}

static void rust_keep_mask(reel_rng *rng, int64_t count, uint8_t *mask, double p)
{
    for (int64_t i = 0; i < count; i++) mask[i] = rust_uniform_one(rng) < 1 - p;
}

const rng_methods rng_rust = {
    .kind = "rust",
    .seed = rust_seed,
    .bits32 = rust_bits32,
    .bits64 = rust_bits64,
    .uniform_one = rust_uniform_one,
    .normal_one = rust_normal_one,
    .uniform = rust_uniform,
    .normal = rust_normal,
    .integers = rust_integers,
    .permutation = rust_permutation,
    .keep_mask = rust_keep_mask,
};
