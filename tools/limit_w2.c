/* SPDX-License-Identifier: MIT
 *
 * The limit of W2, and of matrix products: bias, relu and its derivative happen while a tile is in registers.
 */
#include "limit_product.h"

#include <math.h>

void LIMIT(product)(int64_t m, int64_t n, int64_t k, const float *a, bool turned, const float *b, float *c, float *pack)
{
    product p = {
        .k = k, .a = a, .a_row = turned ? 1 : k, .a_k = turned ? m : 1, .b = b, .b_row = n, .c = c, .c_row = n};
    multiply(&p, m, n, pack);
}

/* Four rows of b at a time, two sums each, so that loads and not latency decide. */
void LIMIT(dots)(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c)
{
    enum { ROWS = 4 };
    for (int64_t i = 0; i < m; i++, a += k) {
        for (int64_t j = 0; j < n; j += ROWS) {
            const float *row[ROWS];
            V sum[ROWS][2];
            UNROLL(4)
            for (int r = 0; r < ROWS; r++) {
                row[r] = b + (j + r < n ? j + r : n - 1) * k;
                sum[r][0] = sum[r][1] = v_set(0);
            }
            int64_t l = 0;
            for (; l + 2 * LANES <= k; l += 2 * LANES) {
                V x = v_load(a + l), y = v_load(a + l + LANES);
                UNROLL(4)
                for (int r = 0; r < ROWS; r++) {
                    sum[r][0] = v_fma(x, v_load(row[r] + l), sum[r][0]);
                    sum[r][1] = v_fma(y, v_load(row[r] + l + LANES), sum[r][1]);
                }
            }
            for (; l < k; l += LANES) {
                int part = k - l < LANES ? (int)(k - l) : LANES;
                V x = v_load_first(a + l, part);
                UNROLL(4)
                for (int r = 0; r < ROWS; r++) sum[r][0] = v_fma(x, v_load_first(row[r] + l, part), sum[r][0]);
            }
            for (int r = 0; r < ROWS && j + r < n; r++) c[i * n + j + r] = v_sum(sum[r][0] + sum[r][1]);
        }
    }
}

/* Sums of the columns. */
static void column_sums(int64_t m, int64_t n, int64_t row, const float *d, float *out)
{
    for (int64_t j = 0; j < n; j += LANES) {
        int part = n - j < LANES ? (int)(n - j) : LANES;
        V sum = v_set(0), more = v_set(0);
        int64_t i = 0;
        for (; i + 2 <= m; i += 2) {
            sum += v_load_first(d + i * row + j, part);
            more += v_load_first(d + (i + 1) * row + j, part);
        }
        if (i < m) sum += v_load_first(d + i * row + j, part);
        v_store_first(out + j, sum + more, part);
    }
}

/* d = (softmax(z) - one hot) / batch; returns the mean of ln sum e^z - z[class]. Padding of z is minus infinity nearly. */
static double cross_entropy(const limit_w2 *w)
{
    enum { VECTORS = W2_STRIDE / LANES };
    double loss = 0;
    float share = 1 / (float)w->batch;
    for (int64_t i = 0; i < w->batch; i++) {
        const float *z = w->z + i * W2_STRIDE;
        float *d = w->d3 + i * W2_STRIDE, top = z[0];
        for (int j = 1; j < W2_OUT; j++) top = z[j] > top ? z[j] : top;
        V e[VECTORS], sum = v_set(0);
        UNROLL(4)
        for (int k = 0; k < VECTORS; k++) {
            int left = W2_OUT - k * LANES, part = left < 0 ? 0 : left < LANES ? left : LANES;
            e[k] = v_set(0);
            if (part) e[k] = v_exp(v_load(z + k * LANES) - v_set(top));
            float lane[LANES];
            v_store(lane, e[k]);
            for (int l = part; l < LANES; l++) lane[l] = 0;
            e[k] = v_load(lane);
            sum += e[k];
        }
        float total = v_sum(sum);
        UNROLL(4)
        for (int k = 0; k < VECTORS; k++) v_store(d + k * LANES, e[k] * v_set(share / total));
        d[w->classes[i]] -= share;
        loss += (double)(logf(total) + top - z[w->classes[i]]);
    }
    return loss / (double)w->batch;
}

/* c = relu(a b + bias), or without relu. */
static void forward(const limit_w2 *w, int64_t in, int64_t out, int64_t stride, const float *x, const float *weight,
                    bool relu, float *y)
{
    product p = {.k = in,
                 .a = x,
                 .a_row = in,
                 .a_k = 1,
                 .b = weight,
                 .b_row = out,
                 .c = y,
                 .c_row = stride,
                 .bias = weight + in * out,
                 .relu = relu};
    multiply(&p, w->batch, out, w->pack);
}

/* Gradients of weight (in, out) and bias from d (batch, out). */
static void weight_gradient(const limit_w2 *w, int64_t in, int64_t out, int64_t stride, const float *x, const float *d,
                            float *gradient)
{
    product p = {.k = w->batch, .a = x, .a_row = 1, .a_k = in, .b = d, .b_row = stride, .c = gradient, .c_row = out};
    multiply(&p, in, out, w->pack);
    column_sums(w->batch, out, stride, d, gradient + in * out);
}

/* Gradient of the layer below, 0 where its activation h is. */
static void input_gradient(const limit_w2 *w, int64_t in, int64_t out, int64_t stride, const float *weight,
                           const float *d, const float *h, float *below)
{
    limit_turn(in, out, weight, w->turned);
    product p = {
        .k = out, .a = d, .a_row = stride, .a_k = 1, .b = w->turned, .b_row = in, .c = below, .c_row = in, .gate = h};
    multiply(&p, w->batch, in, w->pack);
}

double LIMIT(w2_step)(limit_w2 *w)
{
    const int64_t second = W2_IN * W2_FIRST + W2_FIRST, third = second + W2_FIRST * W2_SECOND + W2_SECOND;
    const float *p = w->parameter;
    forward(w, W2_IN, W2_FIRST, W2_FIRST, w->x, p, true, w->h1);
    forward(w, W2_FIRST, W2_SECOND, W2_SECOND, w->h1, p + second, true, w->h2);
    forward(w, W2_SECOND, W2_OUT, W2_STRIDE, w->h2, p + third, false, w->z);
    double loss = cross_entropy(w);
    weight_gradient(w, W2_SECOND, W2_OUT, W2_STRIDE, w->h2, w->d3, w->gradient + third);
    input_gradient(w, W2_SECOND, W2_OUT, W2_STRIDE, p + third, w->d3, w->h2, w->d2);
    weight_gradient(w, W2_FIRST, W2_SECOND, W2_SECOND, w->h1, w->d2, w->gradient + second);
    input_gradient(w, W2_FIRST, W2_SECOND, W2_SECOND, p + second, w->d2, w->h1, w->d1);
    weight_gradient(w, W2_IN, W2_FIRST, W2_FIRST, w->x, w->d1, w->gradient);
    LIMIT(adam)(W2_PARAMETERS, w->parameter, w->gradient, w->m, w->v, &w->adam);
    return loss;
}
