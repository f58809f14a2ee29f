/* SPDX-License-Identifier: MIT
 *
 * The operations, formula by formula. Every one takes values of one tape, records its result there and returns it; nil
 * operands give nil, errors give nil and are kept in the context. Shapes are written (rows, columns); axes count from 0,
 * negative ones from the end. g is the gradient of the result.
 */
#ifndef REEL_OPS_H
#define REEL_OPS_H

#include <reel/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- shape (src/ops/shape.c) ---- */

/* The same elements in another shape; one dimension may be -1: what remains. Shares value and gradient with x. */
REEL_API reel_value reel_reshape(REEL_SITE reel_value x, int rank, const int64_t *shape);
/* Exchanges two axes. Copies. Gradient: g transposed back. */
REEL_API reel_value reel_transpose(REEL_SITE reel_value x, int axis, int other);
/* Axis i of the result is axis order[i] of x (rank of x entries). Copies. */
REEL_API reel_value reel_permute(REEL_SITE reel_value x, const int *order);
/* Elements start, start + step, ... before stop along an axis; step >= 1. Negative start and stop count from the end and
 * both are cut to the axis, as in Python. Gradient: g in its place, 0 elsewhere. */
REEL_API reel_value reel_slice(REEL_SITE reel_value x, int axis, int64_t start, int64_t stop, int64_t step);
/* Joins `count` values along an existing axis; the other dimensions are equal. */
REEL_API reel_value reel_concat(REEL_SITE int count, const reel_value *values, int axis);
/* Joins `count` values of one shape along a new axis. */
REEL_API reel_value reel_stack(REEL_SITE int count, const reel_value *values, int axis);
/* y[..i..] = x[..index[..i..]..] along `axis`; index (int64) has the rank of x and the shape of y, no dimension larger
 * than that of x except along the axis (torch.gather). Gradient: g added at the places read. */
REEL_API reel_value reel_gather(REEL_SITE reel_value x, int axis, reel_value index);
/* The value without its history: no gradient flows back. Shares the value. */
REEL_API reel_value reel_detach(REEL_SITE reel_value x);

/* ---- element-wise (src/kernels/elementwise.def) ----
 *
 * Of one operand: y has the shape of x. Where f has no derivative the gradient is PyTorch's, as said below; elsewhere it
 * is g f'(x). A NaN in x is a NaN in y. Error: x is not of the tape's type; a parameter is NaN.
 */

/* y = -x. */
REEL_API reel_value reel_neg(REEL_SITE reel_value x);
/* y = |x|. Gradient: g sign(x), 0 at 0. */
REEL_API reel_value reel_abs(REEL_SITE reel_value x);
/* y = -1, 0 or 1, as x is negative, 0 or positive; NaN stays NaN. Gradient: 0. */
REEL_API reel_value reel_sign(REEL_SITE reel_value x);
/* y = x^2. */
REEL_API reel_value reel_square(REEL_SITE reel_value x);
/* y = sqrt(x); NaN for x < 0. Gradient: g / (2 y), infinite at 0. */
REEL_API reel_value reel_sqrt(REEL_SITE reel_value x);
/* y = 1 / sqrt(x). Gradient: -g y^3 / 2. */
REEL_API reel_value reel_rsqrt(REEL_SITE reel_value x);
/* y = 1 / x. Gradient: -g y^2. */
REEL_API reel_value reel_reciprocal(REEL_SITE reel_value x);
/* y = e^x. */
REEL_API reel_value reel_exp(REEL_SITE reel_value x);
/* y = e^x - 1, accurate near 0. */
REEL_API reel_value reel_expm1(REEL_SITE reel_value x);
/* y = log(x), the natural logarithm; -inf at 0, NaN below. Gradient: g / x. */
REEL_API reel_value reel_log(REEL_SITE reel_value x);
/* y = log(1 + x), accurate near 0; -inf at -1, NaN below. Gradient: g / (1 + x). */
REEL_API reel_value reel_log1p(REEL_SITE reel_value x);
/* y = sin(x), x in radians. */
REEL_API reel_value reel_sin(REEL_SITE reel_value x);
/* y = cos(x), x in radians. */
REEL_API reel_value reel_cos(REEL_SITE reel_value x);
/* y = erf(x) = 2/sqrt(pi) times the integral of exp(-t^2) over t = 0 .. x. */
REEL_API reel_value reel_erf(REEL_SITE reel_value x);
/* y = tanh(x). Gradient: g (1 - y^2). */
REEL_API reel_value reel_tanh(REEL_SITE reel_value x);
/* y = 1 / (1 + e^-x). Gradient: g y (1 - y). */
REEL_API reel_value reel_sigmoid(REEL_SITE reel_value x);
/* y = log(1 / (1 + e^-x)), without overflow. Gradient: g sigmoid(-x). */
REEL_API reel_value reel_logsigmoid(REEL_SITE reel_value x);
/* y = log(1 + e^(beta x)) / beta, and x itself where beta x > threshold (PyTorch: beta 1, threshold 20). Gradient:
 * g sigmoid(beta x), and g. Error: beta is 0 or infinite. */
REEL_API reel_value reel_softplus(REEL_SITE reel_value x, double beta, double threshold);
/* y = x / (1 + |x|). Gradient: g / (1 + |x|)^2. */
REEL_API reel_value reel_softsign(REEL_SITE reel_value x);
/* y = max(x, 0). Gradient: g where x > 0, 0 at 0 and below. */
REEL_API reel_value reel_relu(REEL_SITE reel_value x);
/* y = x where x > 0, slope x elsewhere. Gradient: g and slope g; slope g at 0. */
REEL_API reel_value reel_leaky_relu(REEL_SITE reel_value x, double slope);
/* y = x where x > 0, alpha (e^x - 1) elsewhere (Clevert et al., ICLR 2016). Gradient: g and g alpha e^x; alpha g at 0. */
REEL_API reel_value reel_elu(REEL_SITE reel_value x, double alpha);
/* y = x sigmoid(x) (Elfwing et al., Neural Networks 107, 2018). Gradient: g s (1 + x (1 - s)), s = sigmoid(x). */
REEL_API reel_value reel_silu(REEL_SITE reel_value x);
/* y = x Phi(x), Phi the distribution function of the standard normal distribution, (1 + erf(x / sqrt(2))) / 2 (Hendrycks
 * and Gimpel, arXiv 1606.08415). Gradient: g (Phi(x) + x phi(x)), phi(x) = exp(-x^2 / 2) / sqrt(2 pi). */
REEL_API reel_value reel_gelu(REEL_SITE reel_value x);
/* y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the same paper's approximation. */
REEL_API reel_value reel_gelu_tanh(REEL_SITE reel_value x);
/* y = min(max(x, low), high); a bound may be infinite. Gradient: g inside and on the bounds, 0 outside. */
REEL_API reel_value reel_clamp(REEL_SITE reel_value x, double low, double high);
/* y = min(max(x, low), high). Gradient: g inside, 0 on the bounds and outside. Error: low > high. */
REEL_API reel_value reel_hardtanh(REEL_SITE reel_value x, double low, double high);
/* y = x + c. */
REEL_API reel_value reel_add_scalar(REEL_SITE reel_value x, double c);
/* y = c x. */
REEL_API reel_value reel_mul_scalar(REEL_SITE reel_value x, double c);
/* y = x^exponent; NaN for x < 0 unless the exponent is whole. 2, 3, 1/2 and the like are computed as products, roots
 * and quotients; x^0 is 1, of a NaN too. Gradient: g exponent x^(exponent - 1); 0 for exponent 0, also at x = 0. */
REEL_API reel_value reel_pow_scalar(REEL_SITE reel_value x, double exponent);
/* y = base^x. Gradient: g y log(base); 0 for base 0 where x >= 0. */
REEL_API reel_value reel_rpow_scalar(REEL_SITE reel_value x, double base);

/* Of two operands, whose shapes broadcast as in NumPy: aligned at the last axis, equal or 1. The gradient of an operand
 * is summed over the axes along which it was broadcast, in an order that depends on the shapes alone. Error: an operand
 * is not of the tape's type; shapes that do not broadcast. */

/* y = a + b. */
REEL_API reel_value reel_add(REEL_SITE reel_value a, reel_value b);
/* y = a - b. */
REEL_API reel_value reel_sub(REEL_SITE reel_value a, reel_value b);
/* y = a b. */
REEL_API reel_value reel_mul(REEL_SITE reel_value a, reel_value b);
/* y = a / b. Gradients: g / b, -g y / b. */
REEL_API reel_value reel_div(REEL_SITE reel_value a, reel_value b);
/* y = a^b. Gradients: g b a^(b - 1), 0 where b = 0; g y log(a), 0 where a = 0 and b >= 0, NaN where a < 0. */
REEL_API reel_value reel_pow(REEL_SITE reel_value a, reel_value b);
/* y = max(a, b); NaN where one is. Gradient: g to the larger one, half each where equal, g to both with a NaN. */
REEL_API reel_value reel_maximum(REEL_SITE reel_value a, reel_value b);
/* y = min(a, b), alike. */
REEL_API reel_value reel_minimum(REEL_SITE reel_value a, reel_value b);

/* y = a where mask (uint8) is not 0, else b; the three shapes broadcast together. Gradient: g to the one taken, 0 to
 * the other. What is not taken does not matter: a NaN there stays out of y. */
REEL_API reel_value reel_where(REEL_SITE reel_value mask, reel_value a, reel_value b);

/* ---- norms, products, running sums (src/ops/norm.c, src/ops/running.c) ----
 *
 * Over all elements, to a scalar, or over `count` axes: these disappear from the shape, or stay with size 1 when
 * keepdim. Error: an axis outside, or named twice.
 */

/* y = (sum of |x|^p)^(1/p); p = 0: the number of elements other than 0; p infinite: the largest |x|, minus infinite: the
 * smallest. Gradient: g sign(x) (|x| / y)^(p - 1), 0 where x or y is 0; with an infinite p shared evenly among equal ones. */
REEL_API reel_value reel_norm(REEL_SITE reel_value x, double p);
REEL_API reel_value reel_norm_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim, double p);
/* y = product of x; 1 of nothing. Gradient: g times the product of the others. */
REEL_API reel_value reel_prod(REEL_SITE reel_value x);
REEL_API reel_value reel_prod_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim);
/* y[k] = x[0] + ... + x[k] along an axis. Gradient: the sum of g[k], g[k + 1], ... */
REEL_API reel_value reel_cumsum(REEL_SITE reel_value x, int axis);

/* ---- repeating, reversing, surrounding, cutting (src/ops/rearrange.c) ---- */

/* x repeated along axes of size 1 and new first axes, as broadcasting does it; -1 in `shape` (rank) keeps a dimension.
 * Gradient: g summed over what was repeated. Error: a shape that x does not broadcast to. */
REEL_API reel_value reel_expand(REEL_SITE reel_value x, int rank, const int64_t *shape);
/* The elements in reverse order along `count` axes. */
REEL_API reel_value reel_flip(REEL_SITE reel_value x, int count, const int *axes);
/* x with before[d] and after[d] elements `value` added at the ends of each axis d (rank entries each, >= 0; NULL: 0). */
REEL_API reel_value reel_pad(REEL_SITE reel_value x, const int64_t *before, const int64_t *after, double value);
/* y[i][j] = x[i][j] where j <= i + diagonal, else 0; x (..., rows, columns). */
REEL_API reel_value reel_tril(REEL_SITE reel_value x, int64_t diagonal);
/* y = value where mask (uint8, broadcasts with x) is not 0, else x. Gradient: g where it is 0. */
REEL_API reel_value reel_masked_fill(REEL_SITE reel_value x, reel_value mask, double value);

/* ---- rows by index (src/ops/take.c) ---- */

/* y[..k..] = x[..index[k]..] along `axis`; index (count) int64. Gradient: g added to the rows read. Error: an index
 * outside 0 .. n-1. */
REEL_API reel_value reel_index_select(REEL_SITE reel_value x, int axis, reel_value index);
/* y[..] = table[index[..]]: table (entries, features), index (...) int64, y (..., features). The row `padding` gets no
 * gradient; -1: every row does. Error: an index outside 0 .. entries-1. */
REEL_API reel_value reel_embedding(REEL_SITE reel_value table, reel_value index, int64_t padding);
/* y[..][j] = 1 where j = index[..], else 0: index (...) int64, y (..., classes) int64, never differentiated. */
REEL_API reel_value reel_one_hot(REEL_SITE reel_value index, int64_t classes);

/* ---- normalisation (src/ops/normalize.c) ----
 *
 * y = (x - mean) / sqrt(variance + eps) * weight + bias, the variance with n below. weight and bias may be REEL_NIL.
 */

/* Mean and variance of the last `axes` axes, whose shape weight and bias have. Ba et al., arXiv 1607.06450. */
REEL_API reel_value reel_layer_norm(REEL_SITE reel_value x, int axes, reel_value weight, reel_value bias, double eps);
/* x (batch, channels, ...): mean and variance over each of `groups` equal groups of neighbouring channels of a sample;
 * weight and bias (channels). Wu and He, ECCV 2018. */
REEL_API reel_value reel_group_norm(REEL_SITE reel_value x, int groups, reel_value weight, reel_value bias, double eps);
/* x (batch, channels, ...): mean and variance of each channel over everything else; weight and bias (channels). In
 * training mode running = (1 - momentum) running + momentum found, at once, the variance with n - 1 below; in evaluation
 * mode the running ones are used instead and x' = g weight / sqrt(variance + eps). running_mean and running_variance
 * (channels), of the tape's type, usually buffers of a parameter store; both NULL: always those of x. Error: fewer than
 * two elements a channel in training. Ioffe and Szegedy, ICML 2015. */
REEL_API reel_value reel_batch_norm(REEL_SITE reel_value x, reel_value weight, reel_value bias,
                                    const reel_array *running_mean, const reel_array *running_variance, double momentum,
                                    double eps);

/* ---- images (src/ops/conv2d.c, src/ops/pool2d.c) ----
 *
 * Pairs are (height, width); NULL: stride 1 (of a pool: the kernel), padding 0, dilation 1.
 */

/* y[n][o][p][q] = bias[o] + sum over c, i, j of weight[o][c][i][j] x[n][c'][p s + i d - a][q s' + j d' - a'], with stride
 * (s, s'), padding (a, a') by zeros, dilation (d, d'); c' runs over the channels of o's group. x (batch, channels, height,
 * width), weight (out, channels / groups, i, j), bias (out) or REEL_NIL; y (batch, out, floor((height + 2 a - d (i - 1) -
 * 1) / s) + 1, ...). */
REEL_API reel_value reel_conv2d(REEL_SITE reel_value x, reel_value weight, reel_value bias, const int64_t *stride,
                                const int64_t *padding, const int64_t *dilation, int64_t groups);
/* Mean over windows of x (..., height, width). The padding counts as zeros, or, unless count_padding, not at all. With
 * ceil_mode a last window may stick out; its outer part never counts. Padding is at most half the kernel. */
REEL_API reel_value reel_avg_pool2d(REEL_SITE reel_value x, const int64_t *kernel, const int64_t *stride,
                                    const int64_t *padding, bool ceil_mode, bool count_padding);
/* Maximum over windows; NaN where there is one. The padding never counts. Gradient: g to the first of the largest. */
REEL_API reel_value reel_max_pool2d(REEL_SITE reel_value x, const int64_t *kernel, const int64_t *stride,
                                    const int64_t *padding, bool ceil_mode);

/* ---- random (src/ops/dropout.c) ---- */

/* In training mode each element is 0 with probability p and x / (1 - p) otherwise, drawn from the tape's stream
 * (reel_tape_set_rng); in evaluation mode x. Srivastava et al., JMLR 2014. */
REEL_API reel_value reel_dropout(REEL_SITE reel_value x, double p);

#ifndef REEL_NO_SITE_MACROS
#define reel_reshape(...) reel_reshape(REEL_HERE, __VA_ARGS__)
#define reel_transpose(...) reel_transpose(REEL_HERE, __VA_ARGS__)
#define reel_permute(...) reel_permute(REEL_HERE, __VA_ARGS__)
#define reel_slice(...) reel_slice(REEL_HERE, __VA_ARGS__)
#define reel_concat(...) reel_concat(REEL_HERE, __VA_ARGS__)
#define reel_stack(...) reel_stack(REEL_HERE, __VA_ARGS__)
#define reel_gather(...) reel_gather(REEL_HERE, __VA_ARGS__)
#define reel_detach(...) reel_detach(REEL_HERE, __VA_ARGS__)
#define reel_neg(...) reel_neg(REEL_HERE, __VA_ARGS__)
#define reel_abs(...) reel_abs(REEL_HERE, __VA_ARGS__)
#define reel_sign(...) reel_sign(REEL_HERE, __VA_ARGS__)
#define reel_square(...) reel_square(REEL_HERE, __VA_ARGS__)
#define reel_sqrt(...) reel_sqrt(REEL_HERE, __VA_ARGS__)
#define reel_rsqrt(...) reel_rsqrt(REEL_HERE, __VA_ARGS__)
#define reel_reciprocal(...) reel_reciprocal(REEL_HERE, __VA_ARGS__)
#define reel_exp(...) reel_exp(REEL_HERE, __VA_ARGS__)
#define reel_expm1(...) reel_expm1(REEL_HERE, __VA_ARGS__)
#define reel_log(...) reel_log(REEL_HERE, __VA_ARGS__)
#define reel_log1p(...) reel_log1p(REEL_HERE, __VA_ARGS__)
#define reel_sin(...) reel_sin(REEL_HERE, __VA_ARGS__)
#define reel_cos(...) reel_cos(REEL_HERE, __VA_ARGS__)
#define reel_erf(...) reel_erf(REEL_HERE, __VA_ARGS__)
#define reel_tanh(...) reel_tanh(REEL_HERE, __VA_ARGS__)
#define reel_sigmoid(...) reel_sigmoid(REEL_HERE, __VA_ARGS__)
#define reel_logsigmoid(...) reel_logsigmoid(REEL_HERE, __VA_ARGS__)
#define reel_softplus(...) reel_softplus(REEL_HERE, __VA_ARGS__)
#define reel_softsign(...) reel_softsign(REEL_HERE, __VA_ARGS__)
#define reel_relu(...) reel_relu(REEL_HERE, __VA_ARGS__)
#define reel_leaky_relu(...) reel_leaky_relu(REEL_HERE, __VA_ARGS__)
#define reel_elu(...) reel_elu(REEL_HERE, __VA_ARGS__)
#define reel_silu(...) reel_silu(REEL_HERE, __VA_ARGS__)
#define reel_gelu(...) reel_gelu(REEL_HERE, __VA_ARGS__)
#define reel_gelu_tanh(...) reel_gelu_tanh(REEL_HERE, __VA_ARGS__)
#define reel_clamp(...) reel_clamp(REEL_HERE, __VA_ARGS__)
#define reel_hardtanh(...) reel_hardtanh(REEL_HERE, __VA_ARGS__)
#define reel_add_scalar(...) reel_add_scalar(REEL_HERE, __VA_ARGS__)
#define reel_mul_scalar(...) reel_mul_scalar(REEL_HERE, __VA_ARGS__)
#define reel_pow_scalar(...) reel_pow_scalar(REEL_HERE, __VA_ARGS__)
#define reel_rpow_scalar(...) reel_rpow_scalar(REEL_HERE, __VA_ARGS__)
#define reel_add(...) reel_add(REEL_HERE, __VA_ARGS__)
#define reel_sub(...) reel_sub(REEL_HERE, __VA_ARGS__)
#define reel_mul(...) reel_mul(REEL_HERE, __VA_ARGS__)
#define reel_div(...) reel_div(REEL_HERE, __VA_ARGS__)
#define reel_pow(...) reel_pow(REEL_HERE, __VA_ARGS__)
#define reel_maximum(...) reel_maximum(REEL_HERE, __VA_ARGS__)
#define reel_minimum(...) reel_minimum(REEL_HERE, __VA_ARGS__)
#define reel_where(...) reel_where(REEL_HERE, __VA_ARGS__)
#define reel_norm(...) reel_norm(REEL_HERE, __VA_ARGS__)
#define reel_norm_axes(...) reel_norm_axes(REEL_HERE, __VA_ARGS__)
#define reel_prod(...) reel_prod(REEL_HERE, __VA_ARGS__)
#define reel_prod_axes(...) reel_prod_axes(REEL_HERE, __VA_ARGS__)
#define reel_cumsum(...) reel_cumsum(REEL_HERE, __VA_ARGS__)
#define reel_expand(...) reel_expand(REEL_HERE, __VA_ARGS__)
#define reel_flip(...) reel_flip(REEL_HERE, __VA_ARGS__)
#define reel_pad(...) reel_pad(REEL_HERE, __VA_ARGS__)
#define reel_tril(...) reel_tril(REEL_HERE, __VA_ARGS__)
#define reel_masked_fill(...) reel_masked_fill(REEL_HERE, __VA_ARGS__)
#define reel_index_select(...) reel_index_select(REEL_HERE, __VA_ARGS__)
#define reel_embedding(...) reel_embedding(REEL_HERE, __VA_ARGS__)
#define reel_one_hot(...) reel_one_hot(REEL_HERE, __VA_ARGS__)
#define reel_layer_norm(...) reel_layer_norm(REEL_HERE, __VA_ARGS__)
#define reel_group_norm(...) reel_group_norm(REEL_HERE, __VA_ARGS__)
#define reel_batch_norm(...) reel_batch_norm(REEL_HERE, __VA_ARGS__)
#define reel_conv2d(...) reel_conv2d(REEL_HERE, __VA_ARGS__)
#define reel_avg_pool2d(...) reel_avg_pool2d(REEL_HERE, __VA_ARGS__)
#define reel_max_pool2d(...) reel_max_pool2d(REEL_HERE, __VA_ARGS__)
#define reel_dropout(...) reel_dropout(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
