/* SPDX-License-Identifier: MIT
 *
 * Softmax and the gradient of cross-entropy.
 */
#include "kernels/softmax.h"
#include "kernels/kernels.h"
#include "kernels/lanes.h"

extern const struct softmax_kernels KERNEL(softmax_table);

static real row_max(int64_t n, const real *x)
{
    block most = block_of(v_set(-INF));
    EACH_VECTOR(n) most.v[k] = v_greater(most.v[k], first_or(load_up_to(x + i, left), left, v_set(-INF)));
    return block_max(most);
}

/* sum exp(x - most); the terms go to y unless that is NULL. */
KERNEL_INLINE real row_exp(int64_t n, const real *x, real most, real *y)
{
    block sum = block_of(v_set(0));
    EACH_VECTOR(n)
    {
        V e = v_exp(load_up_to(x + i, left) - most);
        if (y) store_up_to(y + i, e, left);
        sum.v[k] += first_or(e, left, v_set(0));
    }
    return block_sum(sum);
}

static real log_real(real x)
{
    return v_log(v_set(x))[0];
}

static void forward_row(bool logarithm, int64_t n, const real *x, real *y)
{
    real most = row_max(n, x), sum = row_exp(n, x, most, logarithm ? NULL : y);
    if (logarithm) {
        real shift = log_real(sum);
        EACH_VECTOR(n) store_up_to(y + i, (load_up_to(x + i, left) - most) - shift, left);
    } else {
        EACH_VECTOR(n) store_up_to(y + i, load_up_to(y + i, left) / sum, left);
    }
}

/* One vector of columns of (count, inner). */
static void forward_columns(bool logarithm, int64_t count, int64_t inner, const real *x, real *y, int64_t left)
{
    V most = v_set(-INF), sum = v_set(0);
    for (int64_t i = 0; i < count; i++) most = v_greater(most, load_up_to(x + i * inner, left));
    for (int64_t i = 0; i < count; i++) {
        V e = v_exp(load_up_to(x + i * inner, left) - most);
        if (!logarithm) store_up_to(y + i * inner, e, left);
        sum += e;
    }
    V shift = logarithm ? v_log(sum) : sum;
    for (int64_t i = 0; i < count; i++) {
        V value = logarithm ? (load_up_to(x + i * inner, left) - most) - shift : load_up_to(y + i * inner, left) / sum;
        store_up_to(y + i * inner, value, left);
    }
}

static void forward(bool logarithm, axis_shape s, const void *from, void *to)
{
    const real *x = from;
    real *y = to;
    for (int64_t o = 0; o < s.outer; o++, x += s.count * s.inner, y += s.count * s.inner) {
        if (s.inner == 1)
            forward_row(logarithm, s.count, x, y);
        else
            for (int64_t j = 0; j < s.inner; j += LANES)
                forward_columns(logarithm, s.count, s.inner, x + j, y + j, s.inner - j);
    }
}

KERNEL_INLINE void put(real *to, V value, int64_t left, bool add)
{
    if (add) value += load_up_to(to, left);
    store_up_to(to, value, left);
}

static void backward_row(bool logarithm, int64_t n, const real *y, const real *g, real *to, bool add)
{
    block sum = block_of(v_set(0));
    EACH_VECTOR(n)
    {
        V term = load_up_to(g + i, left);
        if (!logarithm) term *= load_up_to(y + i, left);
        sum.v[k] += first_or(term, left, v_set(0));
    }
    real total = block_sum(sum);
    EACH_VECTOR(n)
    {
        V gv = load_up_to(g + i, left), yv = load_up_to(y + i, left);
        put(to + i, logarithm ? gv - v_exp(yv) * total : yv * (gv - total), left, add);
    }
}

static void backward_columns(bool logarithm, int64_t count, int64_t inner, const real *y, const real *g, real *to,
                             int64_t left, bool add)
{
    V total = v_set(0);
    for (int64_t i = 0; i < count; i++) {
        V term = load_up_to(g + i * inner, left);
        if (!logarithm) term *= load_up_to(y + i * inner, left);
        total += term;
    }
    for (int64_t i = 0; i < count; i++) {
        V gv = load_up_to(g + i * inner, left), yv = load_up_to(y + i * inner, left);
        put(to + i * inner, logarithm ? gv - v_exp(yv) * total : yv * (gv - total), left, add);
    }
}

static void backward(bool logarithm, axis_shape s, const void *value, const void *gradient, void *x_gradient, bool add)
{
    const real *y = value, *g = gradient;
    real *to = x_gradient;
    int64_t size = s.count * s.inner;
    for (int64_t o = 0; o < s.outer; o++, y += size, g += size, to += size) {
        if (s.inner == 1)
            backward_row(logarithm, s.count, y, g, to, add);
        else
            for (int64_t j = 0; j < s.inner; j += LANES)
                backward_columns(logarithm, s.count, s.inner, y + j, g + j, to + j, s.inner - j, add);
    }
}

static void logsumexp(int64_t rows, int64_t cols, const void *logits, void *shift, void *log_sum)
{
    const real *x = logits;
    real *to = shift, *sums = log_sum;
    for (int64_t r = 0; r < rows; r++, x += cols) {
        real most = row_max(cols, x);
        to[r] = most == INF || most == -INF ? 0 : most;
        sums[r] = row_exp(cols, x, to[r], NULL);
    }
    EACH_VECTOR(rows) store_up_to(sums + i, v_log(load_up_to(sums + i, left)), left);
}

static void cross_entropy_gradient(int64_t rows, int64_t cols, const void *logits, const void *shift,
                                   const void *log_sum, const int64_t *class, const void *soft, const void *hard,
                                   void *x_gradient, bool add)
{
    const real *x = logits;
    real *to = x_gradient;
    for (int64_t r = 0; r < rows; r++, x += cols, to += cols) {
        real a = ((const real *)soft)[r], b = ((const real *)hard)[r];
        real most = ((const real *)shift)[r], log_part = ((const real *)log_sum)[r];
        if (a == 0 && b == 0) {
            if (!add && cols > 0) memset(to, 0, (size_t)cols * sizeof *to);
            continue;
        }
        EACH_VECTOR(cols) put(to + i, v_exp((load_up_to(x + i, left) - most) - log_part) * a, left, add);
        to[class[r]] -= b;
    }
}

const struct softmax_kernels KERNEL(softmax_table) = {forward, backward, logsumexp, cross_entropy_gradient};
