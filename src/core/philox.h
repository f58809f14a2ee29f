/* SPDX-License-Identifier: MIT
 *
 * Philox 4x32-10: its constants, and the loops over many numbers, which src/kernels provides for each instruction set.
 */
#ifndef REEL_CORE_PHILOX_H
#define REEL_CORE_PHILOX_H

#include <reel/array.h>

#define PHILOX_MULTIPLIER0 0xd2511f53u
#define PHILOX_MULTIPLIER1 0xcd9e8d57u
#define PHILOX_WEYL0 0x9e3779b9u
#define PHILOX_WEYL1 0xbb67ae85u
#define PHILOX_ROUNDS 10

/* The ten rounds; in place, as blocks do not depend on each other and the processor works on several at a time. */
static inline void philox_block(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int r = 0; r < PHILOX_ROUNDS; r++, k0 += PHILOX_WEYL0, k1 += PHILOX_WEYL1) {
        uint64_t p0 = (uint64_t)PHILOX_MULTIPLIER0 * c0, p1 = (uint64_t)PHILOX_MULTIPLIER1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Where in which stream. */
typedef struct philox_place {
    uint32_t key[2];
    uint64_t position;
} philox_place;

/* Every one gives the same numbers in every instruction set. */
struct random_kernels {
    /* The four words of each of `blocks` blocks from block `first` on. */
    void (*words)(const philox_place *at, uint64_t first, int64_t blocks, uint32_t *out);
    /* n numbers of the type of [low, high) from a word each, doubles from two: low + (high - low) u; a sum that rounds up
     * to `high` becomes the number before it. */
    void (*uniform)(int64_t n, const uint32_t *word, double low, double high, void *out);
    /* 1 where the word is below the threshold, which may be 2^32. */
    void (*keep)(int64_t n, const uint32_t *word, uint64_t threshold, uint8_t *mask);
    /* low + the high half of word * range; words in the incomplete last interval are passed over (Lemire, ACM TOMACS
     * 29(1), 2019). Returns how many numbers there are; room for n. */
    int64_t (*integers)(int64_t n, const uint32_t *word, int64_t low, uint32_t range, int64_t *out);
};

/* The loops for float or double on the chosen instruction set. */
const struct random_kernels *random_kernels_get(reel_dtype dtype);

#endif
