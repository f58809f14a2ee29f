/* SPDX-License-Identifier: MIT
 *
 * Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), and
 * permutations whose elements can be had one by one.
 */
#include "core/philox.h"
#include "core/random.h"

#include <math.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NOTHING_CACHED UINT64_MAX

void philox4x32(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    philox_block(key, counter, out);
}

static void block_at(const uint32_t key[2], uint64_t position, uint64_t block, uint32_t out[4])
{
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)position, (uint32_t)(position >> 32)};
    philox4x32(key, counter, out);
}

static uint32_t next_word(philox *p)
{
    uint64_t block = p->index >> 2;
    if (p->cached != block) {
        block_at(p->key, p->position, block, p->block);
        p->cached = block;
    }
    return p->block[p->index++ & 3];
}

static uint64_t next_word64(philox *p)
{
    uint64_t high = next_word(p);
    return high << 32 | next_word(p);
}

/* The next n words; whole blocks are written in place. */
static void next_words(philox *p, int64_t n, uint32_t *out)
{
    const philox_place at = {{p->key[0], p->key[1]}, p->position};
    int64_t i = 0;
    for (; i < n && (p->index & 3); i++) out[i] = next_word(p);
    const int64_t blocks = (n - i) / 4;
    if (blocks > 0) random_kernels_get(REEL_FLOAT)->words(&at, p->index >> 2, blocks, out + i);
    p->index += (uint64_t)blocks * 4;
    for (i += 4 * blocks; i < n; i++) out[i] = next_word(p);
}

void rng_philox_seek(reel_rng *rng, uint64_t position)
{
    rng_drop_kept(rng);
    rng->philox.position = position;
    rng->philox.index = 0;
    rng->philox.cached = NOTHING_CACHED;
}

/* key = seed xor hash of the name: for one name different seeds never share a key. */
static void philox_seed(reel_rng *rng)
{
    uint64_t key = rng->seed ^ XXH3_64bits(rng->name, strlen(rng->name));
    rng->philox.key[0] = (uint32_t)key;
    rng->philox.key[1] = (uint32_t)(key >> 32);
    rng_philox_seek(rng, 0);
}

static uint32_t philox_bits32(reel_rng *rng)
{
    return next_word(&rng->philox);
}

static uint64_t philox_bits64(reel_rng *rng)
{
    return next_word64(&rng->philox);
}

static double unit_double(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

static double philox_uniform_one(reel_rng *rng)
{
    return unit_double(next_word64(&rng->philox));
}

/* A pair of normal numbers from four words: Box and Muller (1958), in double whatever the type of the array. */
static double normal_pair(const uint32_t word[4], double *second)
{
    double radius = sqrt(-2 * log(1 - unit_double((uint64_t)word[0] << 32 | word[1])));
    double angle = 6.283185307179586 * unit_double((uint64_t)word[2] << 32 | word[3]);
    *second = radius * sin(angle);
    return radius * cos(angle);
}

/* The sine is kept for the next request. So the k-th normal number of a stream is the same however many are asked for at
 * a time. */
static double philox_normal_one(reel_rng *rng)
{
    if (rng->has_kept) {
        double kept = rng->kept;
        rng_drop_kept(rng);
        return kept;
    }
    uint32_t word[4];
    next_words(&rng->philox, 4, word);
    double first = normal_pair(word, &rng->kept);
    rng->has_kept = true;
    return first;
}

#define CHUNK 1024

static int64_t chunk_size(int64_t left, int64_t most)
{
    return left < most ? left : most;
}

static void philox_uniform(reel_rng *rng, reel_array *out, double low, double high)
{
    const struct random_kernels *k = random_kernels_get(out->dtype);
    const int64_t each = out->dtype == REEL_FLOAT ? 1 : 2; /* words */
    uint32_t word[CHUNK];
    for (int64_t i = 0; i < out->size; i += CHUNK / each) {
        int64_t n = chunk_size(out->size - i, CHUNK / each);
        next_words(&rng->philox, n * each, word);
        k->uniform(n, word, low, high, (char *)out->data + (size_t)i * element_size(out->dtype));
    }
}

static void put_normal(reel_array *out, int64_t i, double x)
{
    if (out->dtype == REEL_FLOAT)
        ((float *)out->data)[i] = (float)x;
    else
        ((double *)out->data)[i] = x;
}

static void philox_normal(reel_rng *rng, reel_array *out, double mean, double deviation)
{
    uint32_t word[CHUNK];
    int64_t i = 0;
    if (rng->has_kept && out->size > 0) put_normal(out, i++, mean + deviation * philox_normal_one(rng));
    while (out->size - i >= 2) {
        int64_t pairs = chunk_size((out->size - i) / 2, CHUNK / 4);
        next_words(&rng->philox, 4 * pairs, word);
        for (int64_t k = 0; k < pairs; k++, i += 2) {
            double second, first = normal_pair(word + 4 * k, &second);
            put_normal(out, i, mean + deviation * first);
            put_normal(out, i + 1, mean + deviation * second);
        }
    }
    if (i < out->size) put_normal(out, i, mean + deviation * philox_normal_one(rng));
}

/* 64 bits masked, and rejected while they are too large. */
static uint64_t below(philox *p, uint64_t range)
{
    uint64_t mask = range - 1, value;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    do {
        value = next_word64(p) & mask;
    } while (value >= range);
    return value;
}

/* Unbiased. No more words are drawn at a time than numbers are missing, so that the stream is left where drawing them one
 * by one would leave it. */
static void philox_integers(reel_rng *rng, int64_t count, int64_t *out, int64_t low, uint64_t range)
{
    uint32_t word[CHUNK];
    for (int64_t i = 0; i < count;) {
        if (range > UINT32_MAX) {
            out[i++] = (int64_t)((uint64_t)low + below(&rng->philox, range));
            continue;
        }
        int64_t n = chunk_size(count - i, CHUNK);
        next_words(&rng->philox, n, word);
        i += random_kernels_get(REEL_FLOAT)->integers(n, word, low, (uint32_t)range, out + i);
    }
}

/* Permutations. An index x < n is written x = l b + r with l < a and r < b, a b >= n and a b - n < a, and passed through
 * an unbalanced Feistel network on Z_a x Z_b, l += f(r) mod a and r += f(l) mod b in turn; a result of n or more is sent
 * through again until it is below n (cycle walking; Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
 * 2002). Each round has a 64-bit key of its own from the stream. What is left of the order shrinks about b times with
 * every two rounds, so that small n need more of them; the smallest are shuffled outright. */
#define MOST_ROUNDS 16
#define MANY 4096 /* from here on half the rounds */
#define FEW 16    /* up to here a table */

typedef struct ordering {
    uint64_t n, a, b, key[MOST_ROUNDS];
    int rounds; /* 0: use the table */
    int8_t table[FEW];
} ordering;

/* Fisher and Yates's shuffle with the keys for random numbers. */
static void ordering_table(ordering *o)
{
    for (int i = 0; i < (int)o->n; i++) o->table[i] = (int8_t)i;
    for (int i = (int)o->n - 1; i > 0; i--) {
        int j = (int)((o->key[i] >> 32) * (uint64_t)(i + 1) >> 32);
        int8_t held = o->table[i];
        o->table[i] = o->table[j];
        o->table[j] = held;
    }
}

/* Takes 2 MOST_ROUNDS words from the stream, for any n >= 1. */
static void ordering_init(ordering *o, philox *p, int64_t size)
{
    uint32_t word[2 * MOST_ROUNDS];
    next_words(p, 2 * MOST_ROUNDS, word);
    for (int r = 0; r < MOST_ROUNDS; r++) o->key[r] = (uint64_t)word[2 * r] << 32 | word[2 * r + 1];
    uint64_t n = o->n = (uint64_t)size;
    o->rounds = n <= FEW ? 0 : n < MANY ? MOST_ROUNDS : MOST_ROUNDS / 2;
    if (o->rounds == 0) {
        ordering_table(o);
        return;
    }
    uint64_t a = (uint64_t)sqrt((double)n);
    while (a * a < n) a++;
    while ((a - 1) * (a - 1) >= n) a--;
    o->a = a;
    o->b = (n + a - 1) / a;
}

/* A function from x to [0, range) for each key: Steele, Lea and Flood's 64-bit mixer (SplitMix, OOPSLA 2014). */
static uint64_t round_function(uint64_t x, uint64_t key, uint64_t range)
{
    x ^= key;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return (x >> 32) * range >> 32;
}

static int64_t ordering_at(const ordering *o, int64_t i)
{
    if (o->rounds == 0) return o->table[i];
    uint64_t x = (uint64_t)i;
    do {
        uint64_t l = x / o->b, r = x % o->b;
        for (int round = 0; round < o->rounds; round += 2) {
            l += round_function(r, o->key[round], o->a);
            if (l >= o->a) l -= o->a;
            r += round_function(l, o->key[round + 1], o->b);
            if (r >= o->b) r -= o->b;
        }
        x = l * o->b + r;
    } while (x >= o->n);
    return (int64_t)x;
}

static void philox_permutation(reel_rng *rng, int64_t n, int64_t count, int64_t *out)
{
    ordering o;
    ordering_init(&o, &rng->philox, n);
    for (int64_t i = 0; i < count; i++) out[i] = ordering_at(&o, i);
}

int64_t reel_rng_permuted(const reel_rng *rng, uint64_t position, int64_t n, int64_t i)
{
    if (!rng || rng->methods != &rng_philox || i < 0 || i >= n) return -1;
    philox p = rng->philox;
    p.position = position;
    p.index = 0;
    p.cached = NOTHING_CACHED;
    ordering o;
    ordering_init(&o, &p, n);
    return ordering_at(&o, i);
}

/* Kept where the word is below (1 - p) 2^32. */
static void philox_keep_mask(reel_rng *rng, int64_t count, uint8_t *mask, double p)
{
    uint32_t word[CHUNK];
    uint64_t threshold = (uint64_t)llrint((1 - p) * 0x1p32);
    for (int64_t i = 0; i < count; i += CHUNK) {
        int64_t n = chunk_size(count - i, CHUNK);
        next_words(&rng->philox, n, word);
        random_kernels_get(REEL_FLOAT)->keep(n, word, threshold, mask + i);
    }
}

const rng_methods rng_philox = {
    .kind = "philox",
    .seed = philox_seed,
    .bits32 = philox_bits32,
    .bits64 = philox_bits64,
    .uniform_one = philox_uniform_one,
    .normal_one = philox_normal_one,
    .uniform = philox_uniform,
    .normal = philox_normal,
    .integers = philox_integers,
    .permutation = philox_permutation,
    .keep_mask = philox_keep_mask,
    .permutes_in_part = true,
};
