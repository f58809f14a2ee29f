/* SPDX-License-Identifier: MIT
 *
 * Expressions of elementwise.def that need more than one line.
 */
#ifndef REEL_ACTIVATIONS_H
#define REEL_ACTIVATIONS_H

#include "kernels/vmath.h"

/* -1, 0, 1; NaN stays NaN. */
KERNEL_INLINE V v_sign(V x)
{
    V one = v_with_sign(v_set(1), x);
    return v_select((x < R(0)) | (x > R(0)), one, x);
}

/* NaN passes. */
KERNEL_INLINE V v_clamp(V x, real low, real high)
{
    return v_at_most(v_at_least(x, low), high);
}

/* log(1 + exp(beta x)) / beta, and x where beta x > threshold. */
KERNEL_INLINE V v_softplus(V x, real beta, real threshold)
{
    V z = beta * x, positive = v_select(z < R(0), v_set(0), z);
    return v_select(z > threshold, x, (positive + v_softplus_part(z)) / beta);
}

/* s (1 + x (1 - s)), s = sigmoid(x). */
KERNEL_INLINE V v_silu_slope(V x)
{
    V s = v_sigmoid(x);
    return s * (R(1) + x * (R(1) - s));
}

#define GELU_A R(0x1.9884533d43651p+0) /* 2 sqrt(2/pi) */
#define GELU_B R(0.044715)

/* (1 + tanh(u)) / 2 = sigmoid(2 u), which does not cancel; 2 u for gelu_tanh. */
KERNEL_INLINE V v_gelu_inner(V x)
{
    return GELU_A * (x + GELU_B * (x * x * x));
}

/* s + x s (1 - s) d(2 u)/dx. */
KERNEL_INLINE V v_gelu_tanh_slope(V x)
{
    V s = v_sigmoid(v_gelu_inner(x));
    V inner_slope = GELU_A * (R(1) + R(3) * GELU_B * (x * x));
    return s + x * (s * (R(1) - s)) * inner_slope;
}

/* e x^(e - 1) g; 0 for e = 0, also at x = 0. */
KERNEL_INLINE V v_pow_scalar_gradient(V g, V x, real e)
{
    if (e == R(0)) return v_set(0);
    return g * (e * v_pow_scalar(x, e - R(1)));
}

/* Gradient of the exponent: g y log(a); 0 where a = 0 and b >= 0. */
KERNEL_INLINE V v_pow_exponent_gradient(V g, V a, V b, V y)
{
    return v_select((a == R(0)) & (b >= R(0)), v_set(0), g * (y * v_log(a)));
}

/* Half of g where both are equal, none where the other one was taken; all of it with a NaN. */
KERNEL_INLINE V v_tie_gradient(V g, VI tie, VI lost)
{
    return v_select(tie, R(0.5) * g, v_select(lost, v_set(0), g));
}

#endif
