/* SPDX-License-Identifier: MIT
 *
 * Vectors of float for the limits, in GNU C. The build defines LIMIT_ISA (generic, avx2 or avx512).
 */
#ifndef TOOLS_LIMIT_VECTOR_H
#define TOOLS_LIMIT_VECTOR_H

#include "limit.h"

#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define V_BYTES 64
#define V_X86(name) _mm512_##name
#elif defined(__AVX2__)
#include <immintrin.h>
#define V_BYTES 32
#define V_X86(name) _mm256_##name
#else
#define V_BYTES 16
#endif
#define LANES (V_BYTES / 4)

/* LIMIT(name): limit_name_avx2 and so on. */
#define LIMIT_PASTE_(name, isa) limit_##name##_##isa
#define LIMIT_PASTE(name, isa) LIMIT_PASTE_(name, isa)
#define LIMIT(name) LIMIT_PASTE(name, LIMIT_ISA)

/* What the table of an instruction set holds. */
extern const limits LIMIT(table);
double LIMIT(peak)(int64_t repeat);
double LIMIT(w1_adam)(limit_w1 *w);
double LIMIT(w1_sgd)(limit_w1 *w);
double LIMIT(w2_step)(limit_w2 *w);
double LIMIT(w3_step)(limit_w3 *w);
double LIMIT(w4)(limit_w4 *w);
void LIMIT(product)(int64_t m, int64_t n, int64_t k, const float *a, bool turned, const float *b, float *c,
                    float *pack);
void LIMIT(dots)(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c);
void LIMIT(adam)(int64_t n, float *restrict parameter, const float *restrict gradient, float *restrict m,
                 float *restrict v, limit_adam *state);

typedef float V __attribute__((vector_size(V_BYTES)));
typedef int32_t VI __attribute__((vector_size(V_BYTES)));

#define INLINE static inline __attribute__((always_inline, unused))
#define LIMIT_PRAGMA(x) _Pragma(#x)
#ifdef __clang__
#define UNROLL(n) LIMIT_PRAGMA(clang loop unroll(full))
#else
#define UNROLL(n) LIMIT_PRAGMA(GCC unroll n)
#endif

INLINE V v_load(const float *p)
{
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void v_store(float *p, V v)
{
    memcpy(p, &v, sizeof v);
}

INLINE V v_set(float x)
{
    return x - (V){0};
}

/* The first n lanes, 0 < n <= LANES; loads give 0 in the others. */
INLINE V v_load_first(const float *p, int n)
{
    if (n == LANES) return v_load(p);
#if V_BYTES == 64
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    float part[LANES] = {0};
    for (int i = 0; i < n; i++) part[i] = p[i];
    return v_load(part);
#endif
}

INLINE void v_store_first(float *p, V v, int n)
{
    if (n == LANES) {
        v_store(p, v);
        return;
    }
#if V_BYTES == 64
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
#else
    float part[LANES];
    v_store(part, v);
    for (int i = 0; i < n; i++) p[i] = part[i];
#endif
}

/* a b + c, rounded once where the instruction set can. */
INLINE V v_fma(V a, V b, V c)
{
#ifdef V_X86
    return V_X86(fmadd_ps)(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE V v_select(VI mask, V a, V b)
{
#if V_BYTES == 32
    return _mm256_blendv_ps(b, a, (V)mask);
#else
    return (V)((mask & (VI)a) | (~mask & (VI)b));
#endif
}

INLINE V v_max(V a, V b)
{
#ifdef V_X86
    return V_X86(max_ps)(a, b);
#else
    return v_select(a > b, a, b);
#endif
}

INLINE V v_min(V a, V b)
{
#ifdef V_X86
    return V_X86(min_ps)(a, b);
#else
    return v_select(a < b, a, b);
#endif
}

/* x where y > 0, else 0. */
INLINE V v_where_positive(V y, V x)
{
#if V_BYTES == 64
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ), x);
#else
    return (V)((y > 0) & (VI)x);
#endif
}

/* 1 / x and sqrt(x) to about 2^-22: an estimate and one step of Newton's where there is one that good; x is normal. */
INLINE V v_reciprocal(V x)
{
#if V_BYTES == 64
    V r = _mm512_rcp14_ps(x);
    return v_fma(r, v_fma(-x, r, v_set(1)), r);
#else
    return 1 / x;
#endif
}

INLINE V v_sqrt(V x)
{
#ifdef V_X86
    return V_X86(sqrt_ps)(x);
#else
    V r;
    for (int i = 0; i < LANES; i++) r[i] = __builtin_sqrtf(x[i]);
    return r;
#endif
}

INLINE float v_sum(V v)
{
#if V_BYTES >= 64
    v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
#if V_BYTES == 64
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
    v += __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3);
#elif V_BYTES == 32
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7);
    v += __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3);
#else
    v += __builtin_shufflevector(v, v, 2, 3, 2, 3);
#endif
    return v[0] + v[1];
}

/* e^x, relative error about 2e-7: x = n ln 2 + f with |f| <= ln 2 / 2, a Taylor polynomial of degree 7, and n added to
 * the exponent. x is clamped to [-87, 88]. */
INLINE V v_exp(V x)
{
    const V magic = v_set(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    x = v_max(v_min(x, v_set(88.0f)), v_set(-87.0f));
    V n = v_fma(x, v_set(1.44269504f), magic);
    VI bits = (VI)n << 23;
    n -= magic;
    V f = v_fma(n, v_set(-0.693145752f), x);
    f = v_fma(n, v_set(-1.42860677e-6f), f);
    V p = v_set(1.0f / 5040);
    p = v_fma(p, f, v_set(1.0f / 720));
    p = v_fma(p, f, v_set(1.0f / 120));
    p = v_fma(p, f, v_set(1.0f / 24));
    p = v_fma(p, f, v_set(1.0f / 6));
    p = v_fma(p, f, v_set(0.5f));
    p = v_fma(p, f, v_set(1.0f));
    p = v_fma(p, f, v_set(1.0f));
    return (V)((VI)p + bits);
}

/* ln x of a normal x > 0, absolute error about 1e-7: x = 2^e q with q in [1/sqrt 2, sqrt 2), s = (q - 1) / (q + 1),
 * ln q = 2 (s + s^3 / 3 + s^5 / 5 + ...). */
INLINE V v_log(V x)
{
    VI bits = (VI)x - 0x3f3504f3; /* 1 / sqrt 2 */
    VI e = bits >> 23;
    V q = (V)((bits & 0x7fffff) + 0x3f3504f3);
    V s = (q - 1) * v_reciprocal(q + 1), t = s * s;
    V p = v_set(2.0f / 9);
    p = v_fma(p, t, v_set(2.0f / 7));
    p = v_fma(p, t, v_set(2.0f / 5));
    p = v_fma(p, t, v_set(2.0f / 3));
    p = v_fma(p, t, v_set(2.0f));
    return v_fma(__builtin_convertvector(e, V), v_set(0.693147181f), s * p);
}

/* tanh x, absolute error about 2e-7: (e^2x - 1) / (e^2x + 1). */
INLINE V v_tanh(V x)
{
    V e = v_exp(2 * v_max(v_min(x, v_set(20)), v_set(-20)));
    return 1 - 2 * v_reciprocal(e + 1);
}

/* One step of Adam on a vector of each: m and v move, and x - rate m / (sqrt(v correction) + 1e-8) comes back. */
INLINE V v_adam(V x, V g, V *m, V *v, V rate, V correction)
{
    *m = v_fma(v_set(0.1f), g, *m * v_set(0.9f));
    *v = v_fma(v_set(0.001f) * g, g, *v * v_set(0.999f));
    V root = v_sqrt(*v * correction);
    return x - rate * *m / (root + v_set(1e-8f));
}

/* rate / (1 - beta1^t) and 1 / (1 - beta2^t) of the next step. */
INLINE void adam_next(limit_adam *state, V *rate, V *correction)
{
    state->power1 *= 0.9;
    state->power2 *= 0.999;
    *rate = v_set((float)(state->rate / (1 - state->power1)));
    *correction = v_set((float)(1 / (1 - state->power2)));
}

#endif
