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

#if defined(__AVX512F__)
#define V_BYTES 64
#elif defined(__AVX2__)
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

/* a * b + c: rounded once where the instruction set fuses, twice in the generic one. */
KERNEL_INLINE V vfma(V a, V b, V c)
{
#if KERNEL_FMA
    V r;
#if KERNEL_BITS == 32
    for (int i = 0; i < LANES; i++) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
#else
    for (int i = 0; i < LANES; i++) r[i] = __builtin_fma(a[i], b[i], c[i]);
#endif
    return r;
#else
    return a * b + c;
#endif
}

/* mask ? a : b, lane by lane; a mask is what a comparison of two V gives. */
KERNEL_INLINE V v_select(VI mask, V a, V b)
{
    return (V)((mask & (VI)a) | (~mask & (VI)b));
}

#endif
