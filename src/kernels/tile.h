/* SPDX-License-Identifier: MIT
 *
 * For kernels that work on small matrices in registers: vectors of which only the first lanes exist, and the
 * transposition of a square of LANES vectors.
 */
#ifndef REEL_TILE_H
#define REEL_TILE_H

#include "kernels/vector.h"

#if V_BYTES > 16
#include <immintrin.h>
#endif

#define TILE_PRAGMA(x) _Pragma(#x)
/* Before a loop with constant bounds whose vectors are to stay in registers. */
#ifdef __clang__
#define TILE_UNROLL(n) TILE_PRAGMA(clang loop unroll(full))
#else
#define TILE_UNROLL(n) TILE_PRAGMA(GCC unroll n)
#endif

/* tile_part: the first `lanes` lanes of a vector, 1 <= lanes <= LANES. Loads give 0 in the others and touch no memory
 * there; stores leave it alone. */
#if V_BYTES == 64
#if KERNEL_BITS == 32
typedef __mmask16 tile_part;
#else
typedef __mmask8 tile_part;
#endif

KERNEL_INLINE tile_part tile_part_of(int lanes)
{
    return (tile_part)((1u << lanes) - 1);
}

KERNEL_INLINE V tile_load(const real *p, tile_part part)
{
#if KERNEL_BITS == 32
    return (V)_mm512_maskz_loadu_ps(part, p);
#else
    return (V)_mm512_maskz_loadu_pd(part, p);
#endif
}

KERNEL_INLINE void tile_store(real *p, tile_part part, V v)
{
#if KERNEL_BITS == 32
    _mm512_mask_storeu_ps(p, part, (__m512)v);
#else
    _mm512_mask_storeu_pd(p, part, (__m512d)v);
#endif
}

#elif V_BYTES == 32
typedef struct tile_part {
    __m256i mask;
    int lanes;
} tile_part;

KERNEL_INLINE tile_part tile_part_of(int lanes)
{
    VI index;
    for (int i = 0; i < LANES; i++) index[i] = i;
    return (tile_part){(__m256i)(index < (lane_int)lanes), lanes};
}

KERNEL_INLINE V tile_load(const real *p, tile_part part)
{
#if KERNEL_BITS == 32
    return (V)_mm256_maskload_ps(p, part.mask);
#else
    return (V)_mm256_maskload_pd(p, part.mask);
#endif
}

/* By halves: the masked store of AVX2 takes twenty cycles on some processors. */
KERNEL_INLINE void tile_store(real *p, tile_part part, V v)
{
#if KERNEL_BITS == 32
    if (part.lanes == LANES) {
        v_store(p, v);
        return;
    }
    __m128 rest = _mm256_castps256_ps128((__m256)v);
    if (part.lanes & 4) {
        _mm_storeu_ps(p, rest);
        rest = _mm256_extractf128_ps((__m256)v, 1);
        p += 4;
    }
    if (part.lanes & 2) {
        _mm_storel_pi((__m64 *)p, rest);
        rest = _mm_movehl_ps(rest, rest);
        p += 2;
    }
    if (part.lanes & 1) _mm_store_ss(p, rest);
#else
    if (part.lanes == LANES) {
        v_store(p, v);
        return;
    }
    __m128d rest = _mm256_castpd256_pd128((__m256d)v);
    if (part.lanes & 2) {
        _mm_storeu_pd(p, rest);
        rest = _mm256_extractf128_pd((__m256d)v, 1);
        p += 2;
    }
    if (part.lanes & 1) _mm_store_sd(p, rest);
#endif
}

#else
typedef int tile_part;

KERNEL_INLINE tile_part tile_part_of(int lanes)
{
    return lanes;
}

KERNEL_INLINE V tile_load(const real *p, tile_part part)
{
    V v = {0};
    for (int i = 0; i < LANES; i++)
        if (i < part) v[i] = p[i];
    return v;
}

KERNEL_INLINE void tile_store(real *p, tile_part part, V v)
{
    for (int i = 0; i < LANES; i++)
        if (i < part) p[i] = v[i];
}
#endif

/* Two vectors interleaved within each 16 bytes: the first halves (low) or the second ones (high). */
#if V_BYTES == 64 && KERNEL_BITS == 32
#define V_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#elif V_BYTES == 32 && KERNEL_BITS == 32
#define V_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#elif KERNEL_BITS == 32
#define V_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

/* The same with units of 8 bytes, and of 16: V_EVEN takes units 0, 2 of a, then of b; V_ODD units 1, 3. */
typedef double V8 __attribute__((vector_size(V_BYTES)));
#if V_BYTES == 64
#define V8_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define V8_HIGH(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#define V8_EVEN(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13)
#define V8_ODD(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15)
#elif V_BYTES == 32
#define V8_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define V8_HIGH(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#define V8_EVEN(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define V8_ODD(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#else
#define V8_LOW(a, b) __builtin_shufflevector(a, b, 0, 2)
#define V8_HIGH(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* The little squares of 16 bytes width, within each 16 bytes: to[c] is column c of each of them. */
KERNEL_INLINE void tile_transpose_units(const V *r, V8 *to)
{
#if KERNEL_BITS == 32
    V8 low01 = (V8)V_LOW(r[0], r[1]), high01 = (V8)V_HIGH(r[0], r[1]);
    V8 low23 = (V8)V_LOW(r[2], r[3]), high23 = (V8)V_HIGH(r[2], r[3]);
    to[0] = V8_LOW(low01, low23);
    to[1] = V8_HIGH(low01, low23);
    to[2] = V8_LOW(high01, high23);
    to[3] = V8_HIGH(high01, high23);
#else
    to[0] = V8_LOW(r[0], r[1]);
    to[1] = V8_HIGH(r[0], r[1]);
#endif
}

#if V_BYTES == 32
/* 16 bytes of each of two rows. */
KERNEL_INLINE V tile_load_units(const real *low, const real *high)
{
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)low);
    return (V)_mm256_inserti128_si256(_mm256_castsi128_si256(first),
                                      _mm_loadu_si128((const __m128i *)(const void *)high), 1);
}
#endif

/* Transposes the square matrix whose rows are v[0] ... v[LANES - 1]: first the little squares of 16 bytes width that
 * one instruction can reach, g the group of rows and c the column within the unit; then the units among the groups. */
KERNEL_INLINE void tile_transpose(V v[LANES])
{
    enum { UNIT = 16 / sizeof(real), GROUPS = LANES / UNIT };
    V8 t[UNIT][GROUPS];
    TILE_UNROLL(4)
    for (int g = 0; g < GROUPS; g++) {
        V8 c[UNIT];
        tile_transpose_units(v + g * UNIT, c);
        TILE_UNROLL(4)
        for (int i = 0; i < UNIT; i++) t[i][g] = c[i];
    }
    TILE_UNROLL(4)
    for (int c = 0; c < UNIT; c++) {
#if V_BYTES == 64
        V8 even01 = V8_EVEN(t[c][0], t[c][1]), odd01 = V8_ODD(t[c][0], t[c][1]);
        V8 even23 = V8_EVEN(t[c][2], t[c][3]), odd23 = V8_ODD(t[c][2], t[c][3]);
        v[c] = (V)V8_EVEN(even01, even23);
        v[UNIT + c] = (V)V8_EVEN(odd01, odd23);
        v[2 * UNIT + c] = (V)V8_ODD(even01, even23);
        v[3 * UNIT + c] = (V)V8_ODD(odd01, odd23);
#elif V_BYTES == 32
        v[c] = (V)V8_EVEN(t[c][0], t[c][1]);
        v[UNIT + c] = (V)V8_ODD(t[c][0], t[c][1]);
#else
        v[c] = (V)t[c][0];
#endif
    }
}

/* The same for rows of LANES / 2 elements, half the work: v[x] holds two rows, as tile_load_pair puts them together. */
#if V_BYTES > 16
enum { TILE_HALF = LANES / 2 };

/* Rows of `count` elements each, count <= LANES / 2, side by side. */
KERNEL_INLINE V tile_load_pair(const real *low, const real *high, int count)
{
    const real *before = (const real *)((uintptr_t)high - TILE_HALF * sizeof(real)); /* nothing there is touched */
#if V_BYTES == 64 && KERNEL_BITS == 32
    __mmask16 part = (__mmask16)((1u << count) - 1);
    return (V)_mm512_mask_loadu_ps(_mm512_maskz_loadu_ps(part, low), (__mmask16)(part << 8), before);
#elif V_BYTES == 64
    __mmask8 part = (__mmask8)((1u << count) - 1);
    return (V)_mm512_mask_loadu_pd(_mm512_maskz_loadu_pd(part, low), (__mmask8)(part << 4), before);
#else
    VI index;
    for (int i = 0; i < LANES; i++) index[i] = i;
    __m256i first = (__m256i)(index < (lane_int)count);
    __m256i second = (__m256i)((index >= TILE_HALF) & (index < (lane_int)(TILE_HALF + count)));
#if KERNEL_BITS == 32
    return (V)_mm256_or_ps(_mm256_maskload_ps(low, first), _mm256_maskload_ps(before, second));
#else
    return (V)_mm256_or_pd(_mm256_maskload_pd(low, first), _mm256_maskload_pd(before, second));
#endif
#endif
}

/* Row number x of the pair in v[k]: its first one is tile_pair_row(k), its second one the row 16 bytes' worth further. */
KERNEL_INLINE int tile_pair_row(int k)
{
    enum { UNIT = 16 / sizeof(real) };
    return k / UNIT * 2 * UNIT + k % UNIT;
}

KERNEL_INLINE void tile_transpose_half(V v[TILE_HALF])
{
    enum { UNIT = 16 / sizeof(real), GROUPS = TILE_HALF / UNIT };
    V8 t[UNIT][GROUPS];
    TILE_UNROLL(4)
    for (int g = 0; g < GROUPS; g++) {
        V *r = v + g * UNIT;
        V8 c[UNIT];
        tile_transpose_units(r, c);
        TILE_UNROLL(4)
        for (int i = 0; i < UNIT; i++) t[i][g] = c[i];
    }
    TILE_UNROLL(4)
    for (int c = 0; c < UNIT; c++) {
#if V_BYTES == 64
        v[c] = (V)V8_EVEN(t[c][0], t[c][1]);
        v[UNIT + c] = (V)V8_ODD(t[c][0], t[c][1]);
#else
        v[c] = (V)t[c][0];
#endif
    }
}
#endif

#endif
