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

/* ---- products (src/ops/matmul.c, src/ops/linear.c) ----
 *
 * Each element of a product is one chain of multiply-add steps in the order of t, so that the rows of a batch, and
 * leading axes, give the bits they give alone. 0 times infinity is NaN. Linear layers with at most 4 features on one
 * side and 32 on the other add in another order (src/kernels/layer.h), with the same promise for rows.
 */

/* c[..][i][j] = sum over t of a[..][i][t] b[..][t][j]. a (.., m, k), b (.., k, n); the leading axes broadcast as in NumPy.
 * A vector (k) as a is a row, as b a column, and its axis is dropped from the result; two vectors give a scalar.
 * Gradients: g b^T and a^T g, summed over the axes along which an operand was repeated. Error: a scalar; k differs. */
REEL_API reel_value reel_matmul(REEL_SITE reel_value a, reel_value b);
/* y = x weight^T + bias: y[..][j] = bias[j] + sum over t of x[..][t] weight[j][t]. x (.., in), weight (out, in), bias (out)
 * or REEL_NIL. Gradients: g weight, g^T x, and the sum of g over all but the last axis. Error: sizes do not fit. */
REEL_API reel_value reel_linear(REEL_SITE reel_value x, reel_value weight, reel_value bias);
/* y = max(0, x weight^T + bias): reel_relu of reel_linear, with the same bits, in one operation. */
REEL_API reel_value reel_linear_relu(REEL_SITE reel_value x, reel_value weight, reel_value bias);

/* ---- reductions (src/ops/reduce.c) ----
 *
 * Over all elements, to a scalar, or over `count` axes: these disappear from the shape, or stay with size 1 when
 * keepdim. Sums are made pairwise over stretches, in an order that depends on the shape alone. n is the number of
 * elements that go into one result. Error: an axis outside, or named twice.
 */

/* y = sum of x; 0 of nothing. Gradient: g to each. */
REEL_API reel_value reel_sum(REEL_SITE reel_value x);
REEL_API reel_value reel_sum_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim);
/* y = sum of x / n; NaN of nothing. Gradient: g / n to each. */
REEL_API reel_value reel_mean(REEL_SITE reel_value x);
REEL_API reel_value reel_mean_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim);
/* y = sum of (x - mean)^2 / max(0, n - correction); correction 1 (Bessel) estimates without bias and is NaN for n = 1.
 * Gradient: 2 g (x - mean) / (n - correction). */
REEL_API reel_value reel_var(REEL_SITE reel_value x, double correction);
REEL_API reel_value reel_var_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim, double correction);
/* y = sqrt(var). Gradient: g (x - mean) / (y (n - correction)); 0 where y = 0. */
REEL_API reel_value reel_std(REEL_SITE reel_value x, double correction);
REEL_API reel_value reel_std_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim, double correction);
/* y = the greatest x; NaN where one is NaN. Gradient: shared evenly among equal greatest ones (torch.amax). Error: no
 * elements along an axis. */
REEL_API reel_value reel_max(REEL_SITE reel_value x);
REEL_API reel_value reel_max_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim);
/* y = the smallest x, alike. */
REEL_API reel_value reel_min(REEL_SITE reel_value x);
REEL_API reel_value reel_min_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim);
/* The same along one axis, with the gradient going to the first of equal ones, where argmax and argmin point
 * (torch.max and torch.min with dim). */
REEL_API reel_value reel_max_axis(REEL_SITE reel_value x, int axis, bool keepdim);
REEL_API reel_value reel_min_axis(REEL_SITE reel_value x, int axis, bool keepdim);
/* y (int64) = index along an axis of the first greatest or smallest x; a NaN counts as both. Not differentiated. The
 * forms without an axis count through all elements in row-major order. */
REEL_API reel_value reel_argmax(REEL_SITE reel_value x, int axis, bool keepdim);
REEL_API reel_value reel_argmin(REEL_SITE reel_value x, int axis, bool keepdim);
REEL_API reel_value reel_argmax_all(REEL_SITE reel_value x);
REEL_API reel_value reel_argmin_all(REEL_SITE reel_value x);
/* y = log(sum of exp(x)) = m + log(sum of exp(x - m)), m = max; -inf of nothing but -inf. Gradient: g exp(x - y). */
REEL_API reel_value reel_logsumexp(REEL_SITE reel_value x);
REEL_API reel_value reel_logsumexp_axes(REEL_SITE reel_value x, int count, const int *axes, bool keepdim);

/* ---- softmax (src/ops/softmax.c) ---- */

/* y[i] = exp(x[i]) / sum over j of exp(x[j]) along an axis. Entries of -inf give 0; all -inf give NaN. Gradient:
 * y (g - sum of g y). */
REEL_API reel_value reel_softmax(REEL_SITE reel_value x, int axis);
/* y = log(softmax(x)) = x - logsumexp(x). Gradient: g - exp(y) (sum of g). */
REEL_API reel_value reel_log_softmax(REEL_SITE reel_value x, int axis);

/* ---- losses (src/ops/loss.c, src/ops/cross_entropy.c) ----
 *
 * A prediction x and a target t with the same elements: equal shapes, but for dimensions of size 1. The plain forms give
 * the mean over all elements; _reduced the mean, the sum, or each element's loss (in the shape of x). A target has a
 * gradient if it wants one. Error: shapes that differ; another type than the tape's.
 */

typedef enum reel_reduction { REEL_MEAN, REEL_SUM, REEL_NONE } reel_reduction;

/* (x - t)^2. */
REEL_API reel_value reel_mse(REEL_SITE reel_value prediction, reel_value target);
REEL_API reel_value reel_mse_reduced(REEL_SITE reel_value prediction, reel_value target, reel_reduction reduction);
/* |x - t|. Gradient: g sign(x - t), 0 at equality. */
REEL_API reel_value reel_l1(REEL_SITE reel_value prediction, reel_value target);
REEL_API reel_value reel_l1_reduced(REEL_SITE reel_value prediction, reel_value target, reel_reduction reduction);
/* With d = |x - t|: d^2 / 2 if d <= delta, else delta (d - delta / 2) (Huber, Ann. Math. Statist. 35, 1964). Error: delta
 * is not positive. */
REEL_API reel_value reel_huber(REEL_SITE reel_value prediction, reel_value target, double delta);
REEL_API reel_value reel_huber_reduced(REEL_SITE reel_value prediction, reel_value target, double delta,
                                       reel_reduction reduction);
/* Binary cross-entropy of probabilities: -(t log(x) + (1 - t) log(1 - x)), each logarithm at least -100. Gradient:
 * g (x - t) / max(x (1 - x), 1e-12). For what comes out of a sigmoid, reel_bce_with_logits is more accurate. */
REEL_API reel_value reel_bce(REEL_SITE reel_value prediction, reel_value target);
REEL_API reel_value reel_bce_reduced(REEL_SITE reel_value prediction, reel_value target, reel_reduction reduction);
/* The same of x = the logit, log(p / (1 - p)): max(x, 0) - x t + log(1 + exp(-|x|)). Gradient: g (sigmoid(x) - t). */
REEL_API reel_value reel_bce_with_logits(REEL_SITE reel_value prediction, reel_value target);
REEL_API reel_value reel_bce_with_logits_reduced(REEL_SITE reel_value prediction, reel_value target,
                                                 reel_reduction reduction);
/* Mean over the rows of -log(softmax(x)[class]); logits x (rows, classes) and class numbers (rows), int64; or
 * (classes) and one number; or (rows, classes, ..) and (rows, ..), where everything but the classes counts as rows.
 * Gradient: g (softmax(x) - onehot) / rows. Error: a class outside 0 .. classes - 1, with its position. */
REEL_API reel_value reel_cross_entropy(REEL_SITE reel_value logits, reel_value classes);
/* With l[j] = -log(softmax(x)[j]), class weights w (classes) or REEL_NIL for 1, smoothing s of C classes:
 * (1 - s) w[class] l[class] + s / C sum over j of w[j] l[j] (Szegedy et al., CVPR 2016). Rows of class `ignored` (by
 * custom -100) count 0. The mean divides by the sum of w[class] over the rows that count: NaN when none does. */
REEL_API reel_value reel_cross_entropy_with(REEL_SITE reel_value logits, reel_value classes, reel_value weights,
                                            int64_t ignored, double smoothing, reel_reduction reduction);
/* ---- norms, products, running sums (src/ops/norm.c, src/ops/running.c) ----
 *
 * Over all elements, to a scalar, or over `count` axes: these disappear from the shape, or stay with size 1 when
 * keepdim. Error: an axis outside, or named twice.
 */

/* More losses (src/ops/loss_scalar.c, src/ops/loss_class.c). Weights of elements broadcast to the prediction. */

/* With d = |x - t|: d^2 / (2 beta) if d < beta, else d - beta / 2. beta = 0: |x - t|, with gradient -g at equality. */
REEL_API reel_value reel_smooth_l1(REEL_SITE reel_value prediction, reel_value target, double beta,
                                   reel_reduction reduction);
/* Kullback-Leibler divergence of x, logarithms of probabilities, from t: t (log(t) - x), 0 where t = 0; log_target: t is
 * a logarithm itself. The divergence per sample is the sum divided by the batch. */
REEL_API reel_value reel_kl_div(REEL_SITE reel_value prediction, reel_value target, bool log_target,
                                reel_reduction reduction);
/* max(0, 1 - t x), t = -1 or 1 (Cortes and Vapnik, Machine Learning 20, 1995). Gradient 0 on the corner. */
REEL_API reel_value reel_hinge(REEL_SITE reel_value prediction, reel_value target, reel_reduction reduction);
/* Of probabilities x and labels t, 0 or 1: -(1 - q)^gamma log(q + eps), q = t x + (1 - t) (1 - x) (Lin et al., ICCV
 * 2017). */
REEL_API reel_value reel_focal(REEL_SITE reel_value prediction, reel_value target, double gamma, double eps,
                               reel_reduction reduction);
/* reel_bce, each element times its weight; the mean divides by the number of elements. */
REEL_API reel_value reel_bce_weighted(REEL_SITE reel_value prediction, reel_value target, reel_value weights,
                                      reel_reduction reduction);
/* -w (v t log(s) + (1 - t) log(1 - s)), s = sigmoid(x): weights w, and weights v of what is positive, either may be
 * REEL_NIL for 1. The mean divides by the number of elements. */
REEL_API reel_value reel_bce_with_logits_weighted(REEL_SITE reel_value prediction, reel_value target,
                                                  reel_value weights, reel_value positive, reel_reduction reduction);
/* Negative log-likelihood: -w[class] x[class], x logarithms of probabilities; shapes and the rest as
 * reel_cross_entropy_with. */
REEL_API reel_value reel_nll(REEL_SITE reel_value logarithms, reel_value classes, reel_value weights, int64_t ignored,
                             reel_reduction reduction);
/* Cross-entropy with a distribution t (rows, classes, ..), the shape of the logits, for each row: the sum over j of
 * -w[j] ((1 - s) t[j] + s / C) log(softmax(x)[j]). The mean divides by the number of rows. */
REEL_API reel_value reel_cross_entropy_probs(REEL_SITE reel_value logits, reel_value probabilities, reel_value weights,
                                             double smoothing, reel_reduction reduction);

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

/* Structural similarity of images (src/ops/ssim.c; Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image
 * Processing 13(4), 2004). x and y (..., height, width) with numbers of [0,1]: the mean, over all planes and all windows, of
 *     (2 m n + C1) (2 cov + C2) / ((m^2 + n^2 + C1) (var x + var y + C2)),  C1 = 0.01^2, C2 = 0.03^2,
 * with the means m of x and n of y, the variances and the covariance under the weights of the window, divided by no n - 1.
 * 1 when x = y; 1 - ssim is a loss. Both operands get a gradient. Error: shapes that differ, or too small for a window. */
typedef enum reel_ssim_window {
    REEL_SSIM_UNIFORM, /* 8 x 8, equal weights, top left corners at rows 0 ... height-9 and columns 0 ... width-9 */
    REEL_SSIM_GAUSSIAN /* 11 x 11, weights exp(-r^2 / (2 1.5^2)) with sum 1, all windows that lie inside, as in the paper */
} reel_ssim_window;
REEL_API reel_value reel_ssim(REEL_SITE reel_value x, reel_value y, reel_ssim_window window);

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
#define reel_matmul(...) reel_matmul(REEL_HERE, __VA_ARGS__)
#define reel_linear(...) reel_linear(REEL_HERE, __VA_ARGS__)
#define reel_linear_relu(...) reel_linear_relu(REEL_HERE, __VA_ARGS__)
#define reel_sum(...) reel_sum(REEL_HERE, __VA_ARGS__)
#define reel_sum_axes(...) reel_sum_axes(REEL_HERE, __VA_ARGS__)
#define reel_mean(...) reel_mean(REEL_HERE, __VA_ARGS__)
#define reel_mean_axes(...) reel_mean_axes(REEL_HERE, __VA_ARGS__)
#define reel_var(...) reel_var(REEL_HERE, __VA_ARGS__)
#define reel_var_axes(...) reel_var_axes(REEL_HERE, __VA_ARGS__)
#define reel_std(...) reel_std(REEL_HERE, __VA_ARGS__)
#define reel_std_axes(...) reel_std_axes(REEL_HERE, __VA_ARGS__)
#define reel_max(...) reel_max(REEL_HERE, __VA_ARGS__)
#define reel_max_axes(...) reel_max_axes(REEL_HERE, __VA_ARGS__)
#define reel_min(...) reel_min(REEL_HERE, __VA_ARGS__)
#define reel_min_axes(...) reel_min_axes(REEL_HERE, __VA_ARGS__)
#define reel_max_axis(...) reel_max_axis(REEL_HERE, __VA_ARGS__)
#define reel_min_axis(...) reel_min_axis(REEL_HERE, __VA_ARGS__)
#define reel_argmax(...) reel_argmax(REEL_HERE, __VA_ARGS__)
#define reel_argmin(...) reel_argmin(REEL_HERE, __VA_ARGS__)
#define reel_argmax_all(...) reel_argmax_all(REEL_HERE, __VA_ARGS__)
#define reel_argmin_all(...) reel_argmin_all(REEL_HERE, __VA_ARGS__)
#define reel_logsumexp(...) reel_logsumexp(REEL_HERE, __VA_ARGS__)
#define reel_logsumexp_axes(...) reel_logsumexp_axes(REEL_HERE, __VA_ARGS__)
#define reel_softmax(...) reel_softmax(REEL_HERE, __VA_ARGS__)
#define reel_log_softmax(...) reel_log_softmax(REEL_HERE, __VA_ARGS__)
#define reel_mse(...) reel_mse(REEL_HERE, __VA_ARGS__)
#define reel_mse_reduced(...) reel_mse_reduced(REEL_HERE, __VA_ARGS__)
#define reel_l1(...) reel_l1(REEL_HERE, __VA_ARGS__)
#define reel_l1_reduced(...) reel_l1_reduced(REEL_HERE, __VA_ARGS__)
#define reel_huber(...) reel_huber(REEL_HERE, __VA_ARGS__)
#define reel_huber_reduced(...) reel_huber_reduced(REEL_HERE, __VA_ARGS__)
#define reel_bce(...) reel_bce(REEL_HERE, __VA_ARGS__)
#define reel_bce_reduced(...) reel_bce_reduced(REEL_HERE, __VA_ARGS__)
#define reel_bce_with_logits(...) reel_bce_with_logits(REEL_HERE, __VA_ARGS__)
#define reel_bce_with_logits_reduced(...) reel_bce_with_logits_reduced(REEL_HERE, __VA_ARGS__)
#define reel_cross_entropy(...) reel_cross_entropy(REEL_HERE, __VA_ARGS__)
#define reel_cross_entropy_with(...) reel_cross_entropy_with(REEL_HERE, __VA_ARGS__)
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
#define reel_smooth_l1(...) reel_smooth_l1(REEL_HERE, __VA_ARGS__)
#define reel_kl_div(...) reel_kl_div(REEL_HERE, __VA_ARGS__)
#define reel_hinge(...) reel_hinge(REEL_HERE, __VA_ARGS__)
#define reel_focal(...) reel_focal(REEL_HERE, __VA_ARGS__)
#define reel_bce_weighted(...) reel_bce_weighted(REEL_HERE, __VA_ARGS__)
#define reel_bce_with_logits_weighted(...) reel_bce_with_logits_weighted(REEL_HERE, __VA_ARGS__)
#define reel_nll(...) reel_nll(REEL_HERE, __VA_ARGS__)
#define reel_cross_entropy_probs(...) reel_cross_entropy_probs(REEL_HERE, __VA_ARGS__)
#define reel_dropout(...) reel_dropout(REEL_HERE, __VA_ARGS__)
#define reel_ssim(...) reel_ssim(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
