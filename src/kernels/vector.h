/* SPDX-License-Identifier: MIT
 *
 * Vectors of the element type a kernel source is compiled for, in GNU C. The build defines
 *   KERNEL_ISA   generic, avx2 or avx512        KERNEL_REAL   float or double        KERNEL_BITS   32 or 64
 *   KERNEL_FMA   1 where the instruction set fuses multiply and add, else 0
 *
 * V is as wide as the registers of the instruction set. Where the order of additions matters (sums), a kernel
 * works on BLOCK bytes at a time in every instruction set, as an array of V, so that the lanes are the same.
 */
#ifndef REEL_VECTOR_H
#define REEL_VECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if KERNEL_FMA
#include <immintrin.h>
#endif

/* KERNEL(name): name_avx2_float and so on. */
#define KERNEL_PASTE_(name, isa, real) name##_##isa##_##real
#define KERNEL_PASTE(name, isa, real) KERNEL_PASTE_(name, isa, real)
#define KERNEL(name) KERNEL_PASTE(name, KERNEL_ISA, KERNEL_REAL)
#define KERNEL_STRING_(x) #x
#define KERNEL_STRING(x) KERNEL_STRING_(x)

typedef KERNEL_REAL real;
#if KERNEL_BITS == 32
#define KERNEL_DTYPE REEL_FLOAT
typedef int32_t lane_int; /* the integer as wide as a real; comparisons give -1 or 0 in it */
typedef uint32_t lane_bits;
#else
#define KERNEL_DTYPE REEL_DOUBLE
typedef int64_t lane_int;
typedef uint64_t lane_bits;
#endif

#if KERNEL_FMA && defined(__AVX512F__)
#define V_BYTES 64
#elif KERNEL_FMA
#define V_BYTES 32
#else
#define V_BYTES 16
#endif

#define BLOCK 64                              /* bytes of one step of a summing loop in every instruction set */
#define LANES ((int)(V_BYTES / sizeof(real))) /* reals in a V */
#define BLOCK_LANES ((int)(BLOCK / sizeof(real)))
#define BLOCK_VECTORS (BLOCK / V_BYTES) /* Vs in a block */

typedef real V __attribute__((vector_size(V_BYTES)));
typedef lane_int VI __attribute__((vector_size(V_BYTES)));
typedef lane_bits VU __attribute__((vector_size(V_BYTES)));

#define KERNEL_INLINE static inline __attribute__((always_inline, unused))

/* A real constant: written as a double, used as a real. */
#define R(x) ((real)(x))

KERNEL_INLINE V v_load(const real *p)
{
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

KERNEL_INLINE void v_store(real *p, V v)
{
    memcpy(p, &v, sizeof v);
}

KERNEL_INLINE V v_set(real x)
{
    return x - (V){0};
}

/* What GNU C has no word for: fused multiply-add, square root, loads and stores of a part, a question to all lanes.
 * Loops over the lanes say the same, but gcc breaks some of them up into scalar code once they are inlined, so the x86
 * sets call the instruction. X86(fmadd) is _mm512_fmadd_ps, _mm256_fmadd_pd, ... */
#if KERNEL_FMA
#define X86_PASTE_(width, name, type) _mm##width##_##name##_##type
#define X86_PASTE(width, name, type) X86_PASTE_(width, name, type)
#if V_BYTES == 64
#define X86_WIDTH 512
#else
#define X86_WIDTH 256
#endif
#if KERNEL_BITS == 32
#define X86(name) X86_PASTE(X86_WIDTH, name, ps)
#define X86_TEST _mm512_test_epi32_mask
typedef __mmask16 lane_mask;
#else
#define X86(name) X86_PASTE(X86_WIDTH, name, pd)
#define X86_TEST _mm512_test_epi64_mask
typedef __mmask8 lane_mask;
#endif
#endif

/* -1 in the first n lanes, 0 in the others. */
KERNEL_INLINE VI v_first_lanes(int64_t n)
{
    VI index;
    for (int i = 0; i < LANES; i++) index[i] = i;
    return index < (lane_int)n;
}

/* The first n elements, 0 < n < LANES. The other lanes repeat the first element, so that nothing happens in them that
 * does not happen in the data (a division by zero, a slow path). */
KERNEL_INLINE V v_load_part(const real *p, int64_t n)
{
#if KERNEL_FMA && V_BYTES == 64
    return X86(mask_loadu)(v_set(*p), (lane_mask)((1u << n) - 1), p);
#elif KERNEL_FMA
    VI mask = v_first_lanes(n);
    return (V)((mask & (VI)X86(maskload)(p, (__m256i)mask)) | (~mask & (VI)v_set(*p)));
#else
    real part[LANES];
    v_store(part, v_set(*p));
    for (int i = 1; i < LANES - 1 && i < n; i++) part[i] = p[i];
    return v_load(part);
#endif
}

/* Stores the first n elements, 0 < n < LANES. */
KERNEL_INLINE void v_store_part(real *p, V v, int64_t n)
{
#if KERNEL_FMA && V_BYTES == 64
    X86(mask_storeu)(p, (lane_mask)((1u << n) - 1), v);
#elif KERNEL_FMA
    X86(maskstore)(p, (__m256i)v_first_lanes(n), v);
#else
    real part[LANES];
    v_store(part, v);
    for (int i = 0; i < LANES - 1 && i < n; i++) p[i] = part[i];
#endif
}

/* The same for n = 1, which scalars live on. */
KERNEL_INLINE V v_load_some(const real *p, int64_t n)
{
    if (n == 1) return v_set(*p);
    return v_load_part(p, n);
}

KERNEL_INLINE void v_store_some(real *p, V v, int64_t n)
{
    if (n == 1)
        *p = v[0];
    else
        v_store_part(p, v, n);
}

/* a * b + c: rounded once where the instruction set fuses, twice in the generic one. */
KERNEL_INLINE V vfma(V a, V b, V c)
{
#if KERNEL_FMA
    return X86(fmadd)(a, b, c);
#else
    return a * b + c;
#endif
}

/* mask ? a : b, lane by lane; a mask is what a comparison of two V gives. */
KERNEL_INLINE V v_select(VI mask, V a, V b)
{
#if V_BYTES == 32
    return X86(blendv)(b, a, (V)mask);
#else
    return (V)((mask & (VI)a) | (~mask & (VI)b));
#endif
}

/* Is any lane of the mask set? */
KERNEL_INLINE bool v_any(VI mask)
{
#if KERNEL_FMA && V_BYTES == 64
    return X86_TEST((__m512i)mask, (__m512i)mask) != 0;
#elif KERNEL_FMA
    return X86(movemask)((V)mask) != 0;
#else
    lane_int any = 0;
    for (int i = 0; i < LANES; i++) any |= mask[i];
    return any != 0;
#endif
}

KERNEL_INLINE V v_sqrt(V x)
{
#if KERNEL_FMA
    return X86(sqrt)(x);
#else
    V r;
    for (int i = 0; i < LANES; i++)
        r[i] = KERNEL_BITS == 32 ? (real)__builtin_sqrtf((float)x[i]) : (real)__builtin_sqrt((double)x[i]);
    return r;
#endif
}

/* Sums. Elements go to lanes by their index, ROUND of them at a time, in every instruction set; the lanes are added by
 * halves. */
#define ROUND (4 * BLOCK_LANES)
#define ROUND_VECTORS (4 * BLOCK_VECTORS)

/* Lane 0: the sum of the lanes, added by halves. */
KERNEL_INLINE real v_sum_lanes(V v)
{
#if V_BYTES * 8 / KERNEL_BITS >= 16
    v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1);
#elif V_BYTES * 8 / KERNEL_BITS == 8
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1);
#elif V_BYTES * 8 / KERNEL_BITS == 4
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1);
#endif
    return v[0] + v[1];
}

KERNEL_INLINE real v_sum_round(V sum[ROUND_VECTORS])
{
    for (int i = 0; i < 8 && ROUND_VECTORS >= 16; i++) sum[i] += sum[i + 8];
    for (int i = 0; i < 4 && ROUND_VECTORS >= 8; i++) sum[i] += sum[i + 4];
    return v_sum_lanes((sum[0] + sum[2]) + (sum[1] + sum[3]));
}

/* v, with 0 from lane n on. */
KERNEL_INLINE V v_first(V v, int64_t n)
{
    return (V)((VI)v & v_first_lanes(n));
}

/* Pairwise sum of the parts pushed: level k holds the sum of 2^k of them or nothing, as the bits of `count` say. */
typedef struct cascade {
    uint64_t count;
    real level[64];
} cascade;

KERNEL_INLINE void cascade_push(cascade *c, real part)
{
    int k = 0;
    for (; c->count >> k & 1; k++) part += c->level[k];
    c->level[k] = part;
    c->count++;
}

KERNEL_INLINE real cascade_total(const cascade *c)
{
    real total = 0;
    for (int k = 0; c->count >> k; k++)
        if (c->count >> k & 1) total += c->level[k];
    return total;
}

#endif
