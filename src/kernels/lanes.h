/* SPDX-License-Identifier: MIT
 *
 * Blocks of 64 bytes, whose lanes are the same in every instruction set, and rows read a vector at a time.
 */
#ifndef REEL_LANES_H
#define REEL_LANES_H

#include "kernels/vmath.h"

/* p[0] ... as far as `left` reaches. */
KERNEL_INLINE V load_up_to(const real *p, int64_t left)
{
    return left < LANES ? v_load_part(p, left) : v_load(p);
}

KERNEL_INLINE void store_up_to(real *p, V v, int64_t left)
{
    if (left < LANES)
        v_store_part(p, v, left);
    else
        v_store(p, v);
}

/* v, with `rest` from lane `left` on. */
KERNEL_INLINE V first_or(V v, int64_t left, V rest)
{
    return left < LANES ? v_select(v_first_lanes(left), v, rest) : v;
}

/* Lane i of the result is lane i + half of v, for i < half. */
KERNEL_INLINE V v_upper(V v, int half)
{
#if V_BYTES == 64 && KERNEL_BITS == 32
    if (half == 8) return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    if (half == 4) return __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
    if (half == 2) return __builtin_shufflevector(v, v, 2, 3, 2, 3, 6, 7, 6, 7, 10, 11, 10, 11, 14, 15, 14, 15);
    return __builtin_shufflevector(v, v, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15);
#elif V_BYTES / KERNEL_BITS == 1
    if (half == 4) return __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7);
    if (half == 2) return __builtin_shufflevector(v, v, 2, 3, 2, 3, 6, 7, 6, 7);
    return __builtin_shufflevector(v, v, 1, 1, 3, 3, 5, 5, 7, 7);
#elif (V_BYTES == 32 && KERNEL_BITS == 64) || (V_BYTES == 16 && KERNEL_BITS == 32)
    if (half == 2) return __builtin_shufflevector(v, v, 2, 3, 2, 3);
    return __builtin_shufflevector(v, v, 1, 1, 3, 3);
#else
    (void)half;
    return __builtin_shufflevector(v, v, 1, 1);
#endif
}

/* The greater one, lane by lane; NaN if one is. */
KERNEL_INLINE V v_greater(V a, V b)
{
    return v_select((b > a) | (b != b), b, a);
}

KERNEL_INLINE V v_smaller(V a, V b)
{
    return v_select((b < a) | (b != b), b, a);
}

/* 64 bytes of elements. */
typedef struct block {
    V v[BLOCK_VECTORS];
} block;

KERNEL_INLINE block block_of(V v)
{
    block b;
    for (int k = 0; k < BLOCK_VECTORS; k++) b.v[k] = v;
    return b;
}

/* Its lanes joined by halves down to `lanes` of them, in lanes 0 ... of the vectors. */
#define BLOCK_FOLD(b, lanes, JOIN)                                                                                     \
    do {                                                                                                               \
        for (int half = BLOCK_LANES / 2; half >= (lanes); half /= 2) {                                                 \
            if (half >= LANES)                                                                                         \
                for (int k = 0; k < half / LANES; k++) (b).v[k] = JOIN((b).v[k], (b).v[k + half / LANES]);             \
            else                                                                                                       \
                (b).v[0] = JOIN((b).v[0], v_upper((b).v[0], half));                                                    \
        }                                                                                                              \
    } while (0)
#define BLOCK_ADD(a, b) ((a) + (b))

KERNEL_INLINE real block_sum(block b)
{
    BLOCK_FOLD(b, 1, BLOCK_ADD);
    return b.v[0][0];
}

KERNEL_INLINE real block_max(block b)
{
    BLOCK_FOLD(b, 1, v_greater);
    return b.v[0][0];
}

/* For each vector of a row of n elements: element i its first, `left` elements from there on, vector k of its block. */
#define EACH_VECTOR(n)                                                                                                 \
    for (int64_t i = 0, left = (n), k = 0; left > 0; i += LANES, left -= LANES, k = (k + 1) % BLOCK_VECTORS)

#endif
