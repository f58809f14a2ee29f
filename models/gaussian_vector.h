/* SPDX-License-Identifier: MIT
 *
 * Vectors of the Gaussian renderer's elements: GAUSSIAN_REAL, of GAUSSIAN_BITS bits, as many as the instruction set that is
 * compiled for takes at once. NAME(x) tells the builds apart.
 */
#ifndef GAUSSIAN_VECTOR_H
#define GAUSSIAN_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__FMA__)
#include <immintrin.h>
#endif

#define PASTE_(name, isa, real) name##_##isa##_##real
#define PASTE(name, isa, real) PASTE_(name, isa, real)
#define NAME(name) PASTE(name, GAUSSIAN_ISA, GAUSSIAN_REAL)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

typedef GAUSSIAN_REAL real;
#if GAUSSIAN_BITS == 32
typedef int32_t lane_int;
typedef uint32_t lane_bits;
#define MANTISSA 23
#define ROUNDER R(0x1.8p23) /* adding it rounds to an integer, which then stands in the low bits */
#define LEAST_EXPONENT 100
#define HALF_LOG2E R(-0x1.715476p-1) /* -log2(e) / 2, and what it leaves out */
#define HALF_LOG2E_LOW R(-0x1.4ae0bf85ddf44p-27)
#else
typedef int64_t lane_int;
typedef uint64_t lane_bits;
#define MANTISSA 52
#define ROUNDER R(0x1.8p52)
#define LEAST_EXPONENT 900
#define HALF_LOG2E R(-0x1.71547652b82fep-1)
#define HALF_LOG2E_LOW R(-0x1.777d0ffda0d24p-57)
#endif
#define R(x) ((real)(x))

#if defined(__AVX512F__)
#define V_BYTES 64
#elif defined(__FMA__)
#define V_BYTES 32
#else
#define V_BYTES 16
#endif
#define LANES ((int)(V_BYTES / sizeof(real)))
typedef real V __attribute__((vector_size(V_BYTES)));
typedef lane_int VI __attribute__((vector_size(V_BYTES)));
typedef lane_bits VU __attribute__((vector_size(V_BYTES)));
typedef int32_t VS __attribute__((vector_size(4 * V_BYTES / sizeof(real))));
#define INLINE static inline __attribute__((always_inline))

INLINE V v_load(const real *p)
{
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void v_store(real *p, V v)
{
    memcpy(p, &v, sizeof v);
}

/* As many elements as there are; the other lanes are 0. */
INLINE V v_load_up_to(const real *p, int64_t left)
{
    if (left >= LANES) return v_load(p);
    V v = {0};
    memcpy(&v, p, (size_t)left * sizeof *p);
    return v;
}

INLINE void v_store_up_to(real *p, V v, int64_t left)
{
    if (left >= LANES)
        v_store(p, v);
    else
        memcpy(p, &v, (size_t)left * sizeof *p);
}

INLINE V v_set(real x)
{
    return x - (V){0};
}

INLINE V v_where(VI mask, V v)
{
    return (V)(mask & (VI)v);
}

/* A mask of the first lanes. */
INLINE VI v_lanes(int64_t count)
{
    VI mask;
    for (int i = 0; i < LANES; i++) mask[i] = -(i < count);
    return mask;
}

/* a b + c, rounded once where the instruction set can. */
INLINE V v_fma(V a, V b, V c)
{
#if !defined(__FMA__)
    return a * b + c;
#elif GAUSSIAN_BITS == 32 && V_BYTES == 64
    return _mm512_fmadd_ps(a, b, c);
#elif GAUSSIAN_BITS == 32
    return _mm256_fmadd_ps(a, b, c);
#elif V_BYTES == 64
    return _mm512_fmadd_pd(a, b, c);
#else
    return _mm256_fmadd_pd(a, b, c);
#endif
}

INLINE V v_clamp(V x, V low, V high)
{
    VI under = x<low, over = x> high;
    return (V)((under & (VI)low) | (over & (VI)high) | (~(under | over) & (VI)x));
}

/* The square root, 0 below 0. */
INLINE V v_root(V x)
{
    x = v_where(x > 0, x);
#if !defined(__FMA__)
    for (int i = 0; i < LANES; i++) x[i] = GAUSSIAN_BITS == 32 ? (real)sqrtf((float)x[i]) : (real)sqrt((double)x[i]);
    return x;
#elif GAUSSIAN_BITS == 32 && V_BYTES == 64
    return _mm512_sqrt_ps(x);
#elif GAUSSIAN_BITS == 32
    return _mm256_sqrt_ps(x);
#elif V_BYTES == 64
    return _mm512_sqrt_pd(x);
#else
    return _mm256_sqrt_pd(x);
#endif
}

/* x, not below least nor above most, as integers. */
INLINE VS v_within(V x, V least, V most)
{
    return __builtin_convertvector(v_clamp(x, least, most), VS);
}

INLINE real v_total(V v)
{
    real lane[LANES];
    v_store(lane, v);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* exp(-q/2) = 2^t for 0 <= q <= 2 LEAST_EXPONENT log 2: the whole part of t goes into the exponent, 2^f of the rest is a
 * polynomial through Chebyshev's points of [-1/2, 1/2], of relative error 3e-9 in float and 5e-18 in double. */
INLINE V v_bell(V q)
{
#if GAUSSIAN_BITS == 32
    static const real c[] = {1.5461445e-4f, 1.3400428e-3f, 9.618057e-3f, 5.5503272e-2f, 0.24022651f, 0.69314721f, 1};
#else
    static const real c[] = {4.4558179083360645e-10, 7.0741942972885208e-9, 1.0178057087733941e-7,
                             1.3215432535912375e-6,  1.5252733841556773e-5, 1.5403530463724353e-4,
                             1.3333558146406470e-3,  9.6181291075872563e-3, 5.5504108664821625e-2,
                             0.24022650695910158,    0.69314718055994531,   1};
#endif
    V rounded = v_fma(q, v_set(HALF_LOG2E), v_set(ROUNDER)), n = rounded - ROUNDER;
    V f = v_fma(q, v_set(HALF_LOG2E_LOW), v_fma(q, v_set(HALF_LOG2E), -n)), p = v_set(c[0]);
    for (int i = 1; i < (int)(sizeof c / sizeof *c); i++) p = v_fma(p, f, v_set(c[i]));
    return (V)((VU)p + ((VU)rounded << MANTISSA)); /* whatever beyond the limit, where nobody looks */
}

#endif
