/* SPDX-License-Identifier: MIT
 *
 * MT19937 (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998), seeded as its authors' init_genrand does.
 */
#include "core/random.h"

#define SHIFT_WORDS 397

void mt19937_seed(mt19937 *mt, uint32_t seed)
{
    uint32_t *w = mt->word;
    w[0] = seed;
    for (uint32_t i = 1; i < MT19937_WORDS; i++) w[i] = 1812433253u * (w[i - 1] ^ (w[i - 1] >> 30)) + i;
    mt->index = MT19937_WORDS;
}

/* One word of the recurrence: the top bit of `a` and the low 31 of `b`, times the companion matrix. */
static uint32_t twist(uint32_t a, uint32_t b, uint32_t far)
{
    uint32_t y = (a & 0x80000000u) | (b & 0x7fffffffu);
    return far ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
}

static void next_block(mt19937 *mt)
{
    uint32_t *w = mt->word;
    int i = 0;
    for (; i < MT19937_WORDS - SHIFT_WORDS; i++) w[i] = twist(w[i], w[i + 1], w[i + SHIFT_WORDS]);
    for (; i < MT19937_WORDS - 1; i++) w[i] = twist(w[i], w[i + 1], w[i + SHIFT_WORDS - MT19937_WORDS]);
    w[i] = twist(w[i], w[0], w[SHIFT_WORDS - 1]);
    mt->index = 0;
}

uint32_t mt19937_next(mt19937 *mt)
{
    if (mt->index >= MT19937_WORDS) next_block(mt);
    uint32_t y = mt->word[mt->index++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

uint64_t mt19937_next64(mt19937 *mt)
{
    uint64_t high = mt19937_next(mt);
    return high << 32 | mt19937_next(mt);
}
