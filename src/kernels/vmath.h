/* SPDX-License-Identifier: MIT
 *
 * Elementary functions of a vector, to 2 units in the last place (measured by tests/check_vmath.c), with the special
 * values of IEEE 754 and C: NaN in NaN out, signed zeros, infinities, gradual underflow. The same operations in the
 * same order in every instruction set; only vfma differs.
 *
 * Reduction of the argument after Cody and Waite, Software Manual for the Elementary Functions, 1980; the logarithm in
 * s = f / (2 + f) and the compensated sums after Tang, ACM TOMS 16, 1990, and Dekker, Numer. Math. 18, 1971; the
 * complementary error function after Shepherd and Laframboise, Math. Comp. 36, 1981. Polynomials: coefficients.h.
 */
#ifndef REEL_VMATH_H
#define REEL_VMATH_H

#include "kernels/coefficients.h"
#include "kernels/vector.h"
#include <math.h>

#if KERNEL_BITS == 32
#define MANTISSA 23         /* stored bits of the significand */
#define BIAS 127            /* of the exponent */
#define ROUNDER R(0x1.8p23) /* adding it rounds to an integer, which then stands in the low bits */
#define SMALLEST_NORMAL R(0x1p-126)
#define SQRT_HALF_BITS 0x3f3504f3 /* sqrt(1/2) */
#define SILU_REACH R(110.0)       /* x exp(-x) rounds to 0 beyond */
#define EXP_LOW R(-104.0)         /* exp rounds to 0 below */
#define EXP_HIGH R(89.0)          /* exp rounds to infinity above */
#define EXPM1_LOW R(-20.0)        /* expm1 rounds to -1 below */
#define TANH_HIGH R(9.5)          /* tanh rounds to 1 above */
#define LN2_HIGH R(0x1.63p-1)     /* 9 bits: its product with an exponent is exact */
#define LN2_LOW R(-0x1.bd0106p-13)
#define ERFC_K R(2.5)
#define TWO_SQRT2 R(0x1.6a09e6p+1) /* 2 sqrt(2), and what rounding took from it */
#define TWO_SQRT2_LOW R(0x1.9fcef4p-25)
#define TWO_THIRDS_LOW R(-0x1.555556p-26) /* what R(2.0 / 3.0) leaves out */
#define SPLITTER R(0x1.001p12)            /* 2^12 + 1: halves of 12 bits */
#define POW_HIGH R(86.0)                  /* |y log x| up to which pow is a normal number */
#define real_sin sinf
#define real_cos cosf
#define real_pow powf
#else
#define MANTISSA 52
#define BIAS 1023
#define ROUNDER R(0x1.8p52)
#define SMALLEST_NORMAL R(0x1p-1022)
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcd
#define SILU_REACH R(753.0)
#define EXP_LOW R(-746.0)
#define EXP_HIGH R(710.0)
#define EXPM1_LOW R(-40.0)
#define TANH_HIGH R(22.0)
#define LN2_HIGH R(0x1.62e42feep-1) /* 32 bits */
#define LN2_LOW R(0x1.a39ef35793c76p-33)
#define ERFC_K R(3.75)
#define TWO_SQRT2 R(0x1.6a09e667f3bcdp+1)
#define TWO_SQRT2_LOW R(-0x1.bdd3413b26456p-53)
#define TWO_THIRDS_LOW R(0x1.5555555555555p-55)
#define SPLITTER R(0x1.0000002p27)
#define POW_HIGH R(707.0)
#define real_sin sin
#define real_cos cos
#define real_pow pow
#endif

#define INF ((real)__builtin_inf())
#define NOT_A_NUMBER ((real)__builtin_nan(""))
#define LOG2E R(0x1.71547652b82fep+0)
#define SQRT_HALF R(0x1.6a09e667f3bcdp-1)

/* c[0] + c[1] x + ... */
KERNEL_INLINE V v_poly_n(V x, const real *c, int n)
{
    V sum = v_set(c[n - 1]);
    for (int i = n - 2; i >= 0; i--) sum = vfma(sum, x, v_set(c[i]));
    return sum;
}

/* The same in two halves, even and odd powers, which run side by side. */
KERNEL_INLINE V v_poly_halves_n(V x, const real *c, int n)
{
    V square = x * x, even = v_set(c[(n - 1) / 2 * 2]), odd = v_set(c[n / 2 * 2 - 1]);
    for (int i = (n - 1) / 2 * 2 - 2; i >= 0; i -= 2) even = vfma(even, square, v_set(c[i]));
    for (int i = n / 2 * 2 - 3; i >= 0; i -= 2) odd = vfma(odd, square, v_set(c[i]));
    return vfma(odd, x, even);
}

#define v_poly(x, c) v_poly_n(x, c, (int)(sizeof(c) / sizeof *(c)))
#define v_poly_halves(x, c) v_poly_halves_n(x, c, (int)(sizeof(c) / sizeof *(c)))

KERNEL_INLINE VI v_sign_bit(V x)
{
    return (VI)x & (VI)v_set(R(-0.0));
}

KERNEL_INLINE V v_abs(V x)
{
    return (V)((VI)x & ~(VI)v_set(R(-0.0)));
}

/* x with the sign of `sign`, for x >= 0 or of that sign. */
KERNEL_INLINE V v_with_sign(V x, V sign)
{
    return (V)((VI)x | v_sign_bit(sign));
}

/* x > high ? high : x and x < low ? low : x: NaN passes. */
KERNEL_INLINE V v_at_most(V x, real high)
{
#if KERNEL_FMA
    return X86(min)(v_set(high), x); /* gives its second operand when one is NaN */
#else
    return v_select(x > high, v_set(high), x);
#endif
}

KERNEL_INLINE V v_at_least(V x, real low)
{
#if KERNEL_FMA
    return X86(max)(v_set(low), x);
#else
    return v_select(x < low, v_set(low), x);
#endif
}

/* 2^k for -BIAS < k <= BIAS. */
KERNEL_INLINE V v_power_of_2(VI k)
{
    return (V)(((VU)k + BIAS) << MANTISSA);
}

/* The integer that x + ROUNDER holds. */
KERNEL_INLINE VI v_rounded(V x)
{
    return (VI)((VU)x - (VU)v_set(ROUNDER));
}

/* An integer of less than MANTISSA bits as a real. */
KERNEL_INLINE V v_real(VI k)
{
    return (V)((VU)k + (VU)v_set(ROUNDER)) - ROUNDER;
}

/* product = a * b rounded; returns what the rounding left out. */
KERNEL_INLINE V v_product_error(V a, V b, V product)
{
#if KERNEL_FMA
    return vfma(a, b, -product);
#else
    V ta = a * SPLITTER, tb = b * SPLITTER;
    V ah = ta - (ta - a), bh = tb - (tb - b), al = a - ah, bl = b - bh;
    return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
#endif
}

/* sum = a + b rounded; returns what the rounding left out. */
KERNEL_INLINE V v_sum_error(V a, V b, V sum)
{
    V b_part = sum - a;
    return (a - (sum - b_part)) + (b - b_part);
}

/* x = k log 2 + r, |r| <= log(2)/2; returns exp(r) - 1. k stands in the low bits of `shifted`. */
KERNEL_INLINE V v_exp_reduced(V x, V *shifted)
{
    *shifted = vfma(x, v_set(LOG2E), v_set(ROUNDER));
    V n = *shifted - ROUNDER, r = vfma(n, v_set(-LN2_LOW), vfma(n, v_set(-LN2_HIGH), x));
    return vfma(r * r, v_poly_halves(r, exp_c), r);
}

/* The same for x + low, with `low` small beside x; what rounding r leaves out is put back. */
KERNEL_INLINE V v_exp_reduced_pair(V x, V low, V *shifted)
{
    *shifted = vfma(x, v_set(LOG2E), v_set(ROUNDER));
    V n = *shifted - ROUNDER, high = vfma(n, v_set(-LN2_HIGH), x), below = n * LN2_LOW - low;
    V r = high - below, rest = (high - r) - below;
    return r + vfma(r * r, v_poly_halves(r, exp_c), rest);
}

/* p 2^k, rounded once when it falls below the normal numbers; -2 BIAS <= k <= BIAS + 1. */
KERNEL_INLINE V v_scaled(V p, V shifted)
{
#if KERNEL_FMA && V_BYTES == 64
    return X86(scalef)(p, shifted - ROUNDER);
#else
    VU biased = (VU)v_rounded(shifted) + 2 * BIAS, half = biased >> 1; /* in two factors */
    return p * (V)(half << MANTISSA) * (V)((biased - half) << MANTISSA);
#endif
}

KERNEL_INLINE V v_exp(V x)
{
    V shifted, e = v_exp_reduced(v_at_least(v_at_most(x, EXP_HIGH), EXP_LOW), &shifted);
    return v_scaled(R(1) + e, shifted);
}

KERNEL_INLINE V v_expm1(V x)
{
    V shifted, e = v_exp_reduced_pair(v_at_least(v_at_most(x, EXP_HIGH), EXPM1_LOW), v_set(0), &shifted);
    VI k = v_rounded(shifted);
    V scale = v_power_of_2(k - 1); /* half of it: 2^128 is too large */
    return v_with_sign(v_select(k == 0, e, R(2) * vfma(scale, e, scale - R(0.5))), x); /* -0 */
}

/* 1 - 2 / (exp(2|x|) + 1), and a polynomial where that would cancel. With e = exp(2|x|) 2^-k - 1 half of the
 * denominator is 2^(k-1) e + 2^(k-1) + 1/2. */
KERNEL_INLINE V v_tanh(V x)
{
    V size = v_at_most(v_abs(x), TANH_HIGH), z = x * x, shifted;
    V e = v_exp_reduced(R(2) * size, &shifted), scale = v_power_of_2(v_rounded(shifted) - 1);
    V outer = R(1) - R(1) / vfma(scale, e, scale + R(0.5));
    V inner = vfma(size * z, v_poly_halves(z, tanh_c), size);
    return v_with_sign(v_select(size < R(0.55), inner, outer), x);
}

/* 1 / (1 + exp(-x)), with z = exp(-|x|), which does not overflow: z / (1 + z) for negative x. What rounding 1 + z
 * loses is made up for, with 1 - z/2 near enough to 1 / (1 + z). */
KERNEL_INLINE V v_sigmoid(V x)
{
    V z = v_exp(-v_abs(x)), d = R(1) + z, lost = (R(1) - d) + z;
    V y = v_select(x < R(0), z, v_set(1)) / d;
    return vfma(y * -lost, vfma(z, v_set(R(-0.5)), v_set(1)), y);
}

/* x sigmoid(x), as above; x enters before exp(-|x|) is rounded. NaN for -inf, where the factors are -inf and 0. */
KERNEL_INLINE V v_silu(V x)
{
    V shifted, size = v_at_most(v_abs(x), SILU_REACH), e = v_exp_reduced(-size, &shifted);
    V z = v_scaled(R(1) + e, shifted), d = R(1) + z, lost = (R(1) - d) + z;
    V y = v_select(x < R(0), v_scaled(vfma(-size, e, -size), shifted), x) / d;
    y = v_with_sign(vfma(y * -lost, vfma(z, v_set(R(-0.5)), v_set(1)), y), x); /* -0 */
    return v_select(v_abs(x) > SILU_REACH, v_select(x < R(0), x * R(0), x), y);
}

/* log(1 + f) for sqrt(1/2) <= 1 + f <= sqrt(2), plus `low`. */
KERNEL_INLINE V v_log_reduced(V f, V low)
{
    V s = f / (R(2) + f), z = s * s, half_square = R(0.5) * f * f;
    return f - (half_square - vfma(s, vfma(z, v_poly(z, log_c), half_square), low));
}

/* x = 2^e m, sqrt(1/2) <= m < sqrt(2), for normal x > 0. */
KERNEL_INLINE VI v_exponent(V x, V *m)
{
    VU bits = (VU)x, e = ((bits + (((lane_bits)BIAS << MANTISSA) - SQRT_HALF_BITS)) >> MANTISSA) - BIAS;
    *m = (V)(bits - (e << MANTISSA));
    return (VI)e;
}

/* What a logarithm with its pole at `zero` gives outside its domain and at infinity: NaN, -inf, inf. */
KERNEL_INLINE V v_log_special(V x, V zero)
{
    return v_select(x == zero, v_set(-INF), v_select(x < zero, v_set(NOT_A_NUMBER), x));
}

KERNEL_INLINE V v_log(V x)
{
    VI tiny = x < SMALLEST_NORMAL;
    V m, normal = v_select(tiny, x * R((lane_int)1 << (MANTISSA + 2)), x);
    V e = v_real(v_exponent(normal, &m) - (tiny & (MANTISSA + 2)));
    V y = vfma(e, v_set(LN2_HIGH), v_log_reduced(m - R(1), e * LN2_LOW));
    return v_select((x > R(0)) & (x < INF), y, v_log_special(x, v_set(0)));
}

/* u = 1 + x is rounded; `rest` is what is missing. Where u needs no scaling f = x is exact. */
KERNEL_INLINE V v_log1p(V x)
{
    V u = R(1) + x, rest = v_sum_error(v_set(1), x, u), m;
    VI k = v_exponent(u, &m);
    V e = v_real(k), f = v_select(k == 0, x, (m - R(1)) + v_select(k < BIAS, rest * v_power_of_2(-k), v_set(0)));
    V y = vfma(e, v_set(LN2_HIGH), v_log_reduced(f, e * LN2_LOW));
    V special = v_select(x == R(0), x, v_log_special(x, v_set(-1)));
    return v_select((x > R(-1)) & (x < INF) & (x != R(0)), y, special);
}

/* log(1 + exp(-|x|)). */
KERNEL_INLINE V v_softplus_part(V x)
{
    return v_log1p(v_exp(-v_abs(x)));
}

/* pi/2 in parts, of 8 and 36 bits in the generic set, so that their products with a quadrant below 2^16 are exact. */
#if KERNEL_FMA
#if KERNEL_BITS == 32
static const real half_pi_parts[] = {0x1.921fb4p+0f, 0x1.4442dp-24f, 0x1.84698ap-48f};
#else
static const real half_pi_parts[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c06p-54, 0x1.c1cd129024e09p-107};
#endif
#elif KERNEL_BITS == 32
static const real half_pi_parts[] = {0x1.92p+0f,  0x1.fap-12f, 0x1.54p-20f,    0x1.1p-30f,
                                     0x1.68p-39f, 0x1.84p-48f, 0x1.a62634p-58f};
#else
static const real half_pi_parts[] = {0x1.921fb5444p+0, 0x1.68c234c4cp-39, 0x1.98a2e03707345p-77};
#endif

#define HALF_PI_PARTS ((int)(sizeof half_pi_parts / sizeof *half_pi_parts))
#define SINE_REACH R(1e5) /* beyond it the C library's functions are called */

/* x = q pi/2 + r, |r| <= pi/4, for |x| <= SINE_REACH: sine and cosine of r. Returns q. */
KERNEL_INLINE VI v_sine_reduced(V x, V *sine, V *cosine)
{
    V shifted = vfma(x, v_set(R(0x1.45f306dc9c883p-1)), v_set(ROUNDER)), n = shifted - ROUNDER, r = x;
#if KERNEL_BITS == 32 && !KERNEL_FMA
    V rest = v_set(0); /* too many parts for a rounding each */
    for (int i = 0; i < HALF_PI_PARTS; i++) {
        V part = n * -half_pi_parts[i], sum = r + part;
        rest += v_sum_error(r, part, sum);
        r = sum;
    }
    r = v_select(n == R(0), x, r + rest); /* -0 */
#else
    for (int i = 0; i < HALF_PI_PARTS; i++) r = vfma(n, v_set(-half_pi_parts[i]), r);
#endif
    V z = r * r, half = R(0.5) * z, head = R(1) - half;
    *sine = v_with_sign(vfma(r * z, v_poly(z, sin_c), r), r); /* -0 */
    *cosine = head + vfma(z * z, v_poly(z, cos_c), (R(1) - head) - half);
    return v_rounded(shifted);
}

/* Sine of x + turns pi/2. */
KERNEL_INLINE V v_sine_quadrant(V x, lane_bits turns)
{
    V sine, cosine;
    VI q = (VI)((VU)v_sine_reduced(x, &sine, &cosine) + turns);
    V value = v_select((q & 1) != 0, cosine, sine);
    return (V)((VU)value ^ ((VU)(q & 2) << (KERNEL_BITS - 2)));
}

/* The C library's function in the lanes of `mask`. */
#define KERNEL_FAR static __attribute__((noinline, cold, unused))

KERNEL_FAR V sin_lanes(V y, VI mask, V x)
{
    for (int i = 0; i < LANES; i++)
        if (mask[i]) y[i] = real_sin(x[i]);
    return y;
}

KERNEL_FAR V cos_lanes(V y, VI mask, V x)
{
    for (int i = 0; i < LANES; i++)
        if (mask[i]) y[i] = real_cos(x[i]);
    return y;
}

KERNEL_FAR V pow_lanes(V result, VI mask, V x, V y)
{
    for (int i = 0; i < LANES; i++)
        if (mask[i]) result[i] = real_pow(x[i], y[i]);
    return result;
}

KERNEL_INLINE V v_sin(V x)
{
    V y = v_sine_quadrant(x, 0);
    VI far = v_abs(x) > SINE_REACH;
    return __builtin_expect(v_any(far), 0) ? sin_lanes(y, far, x) : y;
}

KERNEL_INLINE V v_cos(V x)
{
    V y = v_sine_quadrant(x, 1);
    VI far = v_abs(x) > SINE_REACH;
    return __builtin_expect(v_any(far), 0) ? cos_lanes(y, far, x) : y;
}

#define NORMAL_REACH R(KERNEL_BITS == 32 ? 15 : 39) /* exp(-x^2 / 2) is 0 beyond */

/* Upper tail of the normal distribution, 1/2 erfc(x / sqrt(2)), for 0 <= x <= NORMAL_REACH, to 1 ulp: the number returned
 * and *rest together, times the power of 2 in `shifted`. With u = x / sqrt(2) it is P(t) / (2 + 4 u) exp(-u^2); the quotient is carried in a
 * pair, and the rounding error of x^2 / 2 is put back in. */
KERNEL_INLINE V v_normal_tail(V x, V *rest, V *shifted)
{
    V u = x * SQRT_HALF, t = (u - ERFC_K) / (u + ERFC_K);
    V s = t * v_poly_halves_n(t, erfc_c + 1, (int)(sizeof erfc_c / sizeof *erfc_c) - 1), p = erfc_c[0] + s;
    V p_low = ((erfc_c[0] - p) + s) + erfc_c_low;
    V four_u = x * TWO_SQRT2, d = R(2) + four_u;
    V d_low = v_sum_error(v_set(2), four_u, d) + (v_product_error(x, v_set(TWO_SQRT2), four_u) + x * TWO_SQRT2_LOW);
    V q = p / d, product = q * d;
    V q_low = (((p - product) - v_product_error(q, d, product)) + (p_low - q * d_low)) / d;
    V square = x * x, error = v_product_error(x, x, square);
    V e = v_exp_reduced_pair(R(-0.5) * square, R(-0.5) * error, shifted);
    *rest = vfma(q, e, vfma(q_low, e, q_low));
    return q;
}

/* erf(x) for |x| <= 1. */
KERNEL_INLINE V v_erf_inner(V x)
{
    return vfma(x, v_poly_halves(v_at_most(x * x, R(1)), erf_c), x);
}

KERNEL_INLINE V v_erf(V x)
{
    V shifted, rest, size = v_abs(x), far = v_at_most(size * R(0x1.6a09e667f3bcdp+0), NORMAL_REACH);
    V tail = v_normal_tail(far, &rest, &shifted), outer = R(1) - R(2) * v_scaled(tail + rest, shifted);
    return v_with_sign(v_select(size < R(1), v_erf_inner(size), outer), x);
}

/* Distribution function of the standard normal distribution for |x| < 1: 1/2 + h + h (erf(u) / u - 1), u = x / sqrt(2) and
 * h = u / 2, the first two terms carried in pairs. */
KERNEL_INLINE V v_normal_inner(V x)
{
    V u = x * SQRT_HALF, h = R(0.5) * u, sum = R(0.5) + h;
    V h_low = R(0.5) * v_product_error(x, v_set(SQRT_HALF), u) + x * (TWO_SQRT2_LOW * R(0.125));
    V rest = h * v_poly_halves(v_at_most(u * u, R(1)), erf_c);
    return sum + (v_sum_error(v_set(0.5), h, sum) + h_low + rest);
}

KERNEL_INLINE V v_normal_cdf(V x)
{
    V shifted, rest, size = v_abs(x), tail = v_normal_tail(v_at_most(size, NORMAL_REACH), &rest, &shifted);
    tail = v_scaled(tail + rest, shifted);
    return v_select(size < R(1), v_normal_inner(x), v_select(x < R(0), tail, R(1) - tail));
}

/* x times it; a negative x enters before the tail is rounded to what may be no normal number. NaN for -inf, where the
 * factors are -inf and 0. */
KERNEL_INLINE V v_gelu(V x)
{
    V shifted, rest, size = v_abs(x), near = v_at_most(size, NORMAL_REACH);
    V tail = v_normal_tail(near, &rest, &shifted), product = near * tail;
    V below = v_scaled(-product - vfma(near, rest, v_product_error(near, tail, product)), shifted);
    V above = x * v_select(size < R(1), v_normal_inner(x), R(1) - v_scaled(tail + rest, shifted));
    V y = v_select(x <= R(-1), below, above);
    return v_select(size > NORMAL_REACH, v_select(x < R(0), x * R(0), x), y);
}

/* exp(-f x^2) for f = 1 or 1/2; the rounding error of x^2 is put back in. */
KERNEL_INLINE V v_bell(V x, real f)
{
    x = v_at_most(v_abs(x), f == R(1) ? R(KERNEL_BITS == 32 ? 11 : 28) : NORMAL_REACH);
    V square = x * x, error = v_product_error(x, x, square), shifted;
    V e = v_exp_reduced_pair(-f * square, -f * error, &shifted);
    return v_scaled(R(1) + e, shifted);
}

/* log(x) = high + low to twice the precision, for normal x > 0: with s = f / (2 + f),
 * 2 s + s^3 (2/3 + s^2 (2/5 + ...)), the first two terms carried in pairs. */
KERNEL_INLINE V v_log_pair(V x, V *low)
{
    V m, e = v_real(v_exponent(x, &m)), f = m - R(1), d = f + R(2);
    V s = f / d, product = s * d;
    V s_low = (((f - product) - v_product_error(s, d, product)) - s * (f - (d - R(2)))) / d;
    V z = s * s, z_low = v_product_error(s, s, z) + R(2) * s * s_low;

    V tail = z * v_poly(z, log_tail_c);
    V c = R(2.0 / 3.0) + tail, c_low = ((R(2.0 / 3.0) - c) + tail) + TWO_THIRDS_LOW;
    V w = z * c, w_low = v_product_error(z, c, w) + vfma(z, c_low, z_low * c);
    V v = s * w, v_low = v_product_error(s, w, v) + vfma(s, w_low, s_low * w);

    V two_s = R(2) * s, main = e * LN2_HIGH;
    V first = main + two_s, first_low = v_sum_error(main, two_s, first);
    V second = first + v, second_low = v_sum_error(first, v, second);
    V rest = ((first_low + second_low) + (R(2) * s_low + v_low)) + e * LN2_LOW;
    V high = second + rest;
    *low = (second - high) + rest;
    return high;
}

/* exp(y log x) with the logarithm in twice the precision. Lanes whose base is not a normal positive number, or whose
 * result is not far from overflow and underflow, are left to the C library. */
static __attribute__((noinline, unused)) V v_pow(V x, V y)
{
    VI usual = (x >= SMALLEST_NORMAL) & (x < INF) & (v_abs(y) < R(0x1p100));
    V safe = v_select(usual, x, v_set(1)), low, high = v_log_pair(safe, &low);
    V power = y * high;
    usual &= v_abs(power) < POW_HIGH;
    power = v_select(usual, power, v_set(0));
    V power_low = v_select(usual, vfma(y, low, v_product_error(y, high, power)), v_set(0));
    V shifted, e = v_exp_reduced_pair(power, power_low, &shifted), result = v_scaled(R(1) + e, shifted);
    VI unusual = ~usual;
    return __builtin_expect(v_any(unusual), 0) ? pow_lanes(result, unusual, x, y) : result;
}

/* x^e for one e. The exponents that have a shorter form take it: they are exact, and cheaper. A whole exponent of
 * a negative base goes by its absolute value. */
KERNEL_INLINE V v_pow_scalar(V x, real e)
{
    if (e == R(2)) return x * x;
    if (e == R(3)) return x * x * x;
    if (e == R(1)) return x;
    if (e == R(0)) return v_set(1);
    if (e == R(0.5)) return v_sqrt(x);
    if (e == R(-0.5)) return R(1) / v_sqrt(x);
    if (e == R(-1)) return R(1) / x;
    if (e == R(-2)) return R(1) / (x * x);
    if (e > R(-1e6) && e < R(1e6) && e == (real)(int)e) {
        V y = v_pow(v_abs(x), v_set(e));
        return (int)e % 2 ? v_with_sign(y, x) : y;
    }
    return v_pow(x, v_set(e));
}

#endif
