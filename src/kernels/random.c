/* SPDX-License-Identifier: MIT
 *
 * Loops over many random words, the same numbers in every instruction set.
 */
#include "core/philox.h"
#include "kernels/vector.h"

#include <math.h>

extern const struct random_kernels KERNEL(random_table);

#if KERNEL_FMA
/* ---- Philox 4x32-10, as core/random_philox.c has it for one block: a block in each 64-bit lane ---- */

#define BLOCKS (V_BYTES / 8) /* in a vector */
#define CHAINS 4             /* vectors at a time, as each round waits for the one before it */

typedef uint64_t W __attribute__((vector_size(V_BYTES)));

/* The product of the lower 32 bits; what stands above them does not matter. */
KERNEL_INLINE W multiply(W a, uint32_t b)
{
#if V_BYTES == 64
    return (W)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#else
    return (W)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#endif
}

/* Lanes a[0] b[0] a[1] b[1] ... */
KERNEL_INLINE void put_pairs(uint32_t *out, W a, W b)
{
#if V_BYTES == 64
    W first = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    W second = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
    W first = __builtin_shufflevector(a, b, 0, 4, 1, 5), second = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
    memcpy(out, &first, sizeof first);
    memcpy(out + V_BYTES / 4, &second, sizeof second);
}

/* Two words of each block, from the lower halves. */
KERNEL_INLINE W join_words(W low, W high)
{
    return (low & UINT32_MAX) | high << 32;
}

KERNEL_INLINE void some_blocks(const philox_place *at, uint64_t first, const int chains, uint32_t *out)
{
    W c0[CHAINS], c1[CHAINS], c2[CHAINS], c3[CHAINS], index;
    for (int i = 0; i < BLOCKS; i++) index[i] = (uint64_t)i;
    for (int c = 0; c < chains; c++) {
        W block = index + (first + (uint64_t)(c * BLOCKS));
        c0[c] = block;
        c1[c] = block >> 32;
        c2[c] = (W){0} + at->position;
        c3[c] = (W){0} + (at->position >> 32);
    }
    uint32_t k0 = at->key[0], k1 = at->key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++, k0 += PHILOX_WEYL0, k1 += PHILOX_WEYL1)
        for (int c = 0; c < chains; c++) {
            W p0 = multiply(c0[c], PHILOX_MULTIPLIER0), p1 = multiply(c2[c], PHILOX_MULTIPLIER1);
            c0[c] = (p1 >> 32) ^ c1[c] ^ k0;
            c1[c] = p1;
            c2[c] = (p0 >> 32) ^ c3[c] ^ k1;
            c3[c] = p0;
        }
    for (int c = 0; c < chains; c++)
        put_pairs(out + c * (4 * BLOCKS), join_words(c0[c], c1[c]), join_words(c2[c], c3[c]));
}

static void words(const philox_place *at, uint64_t first, int64_t blocks, uint32_t *out)
{
    int64_t b = 0;
    for (; b + CHAINS * BLOCKS <= blocks; b += CHAINS * BLOCKS, out += 4 * CHAINS * BLOCKS)
        some_blocks(at, first + (uint64_t)b, CHAINS, out);
    for (; b + BLOCKS <= blocks; b += BLOCKS, out += 4 * BLOCKS) some_blocks(at, first + (uint64_t)b, 1, out);
    if (b == blocks) return;
    uint32_t rest[4 * BLOCKS];
    some_blocks(at, first + (uint64_t)b, 1, rest);
    memcpy(out, rest, (size_t)(blocks - b) * 4 * sizeof *out);
}
#else
static void words(const philox_place *at, uint64_t first, int64_t blocks, uint32_t *out)
{
    for (int64_t b = 0; b < blocks; b++, first++, out += 4) {
        const uint32_t counter[] = {(uint32_t)first, (uint32_t)(first >> 32), (uint32_t)at->position,
                                    (uint32_t)(at->position >> 32)};
        philox_block(at->key, counter, out);
    }
}
#endif

/* ---- what is made of words ---- */

#if KERNEL_BITS == 32
#define WORDS_EACH 1
#define UNIT(word) ((real)(int32_t)(*(word) >> 8) * R(0x1p-24))
#else
/* The upper 53 of 64 bits in two parts, each exact, and so is their sum. */
#define WORDS_EACH 2
#define UNIT(word)                                                                                                     \
    (((real)(int32_t)((word)[0] ^ 0x80000000u) + R(0x1p31)) * R(0x1p-32) +                                             \
     (real)(int32_t)((word)[1] >> 11) * R(0x1p-53))
#endif

static void uniform(int64_t n, const uint32_t *word, double low, double high, void *out)
{
    real *x = out;
    const real from = (real)low, to = (real)high, width = to - from;
    const real last = KERNEL_BITS == 32 ? (real)nextafterf((float)to, (float)from) : (real)nextafter(to, from);
    for (int64_t i = 0; i < n; i++) {
        real value = from + width * UNIT(word + i * WORDS_EACH);
        x[i] = value < to ? value : last;
    }
}

static void keep(int64_t n, const uint32_t *word, uint64_t threshold, uint8_t *mask)
{
    if (threshold > UINT32_MAX) {
        memset(mask, 1, (size_t)n);
        return;
    }
    const uint32_t bound = (uint32_t)threshold;
    for (int64_t i = 0; i < n; i++) mask[i] = word[i] < bound;
}

static int64_t integers(int64_t n, const uint32_t *word, int64_t low, uint32_t range, int64_t *out)
{
    const uint32_t reject = (0u - range) % range;
    int64_t taken = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t product = (uint64_t)word[i] * range;
        out[taken] = (int64_t)((uint64_t)low + (product >> 32));
        taken += (uint32_t)product >= reject;
    }
    return taken;
}

const struct random_kernels KERNEL(random_table) = {words, uniform, keep, integers};
