/* SPDX-License-Identifier: MIT
 *
 * The limit of W1: forward, backward and update, sums in registers.
 */
#include "limit_vector.h"

/* Lane i of the result: the sum of the lanes of row i. Rows are added in pairs, so that LANES of them take 2 LANES
 * shuffles instead of a tree of their own each. */
INLINE V sum_rows(V rows[LANES])
{
#if V_BYTES == 64
    V half[8];
    UNROLL(8)
    for (int i = 0; i < 8; i++)
        half[i] =
            __builtin_shufflevector(rows[i], rows[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
            __builtin_shufflevector(rows[i], rows[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    V quarter[4];
    UNROLL(4)
    for (int i = 0; i < 4; i++)
        quarter[i] =
            __builtin_shufflevector(half[i], half[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
            __builtin_shufflevector(half[i], half[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    V pair[2];
    UNROLL(2)
    for (int i = 0; i < 2; i++)
        pair[i] = __builtin_shufflevector(quarter[i], quarter[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13,
                                          28, 29) +
                  __builtin_shufflevector(quarter[i], quarter[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14,
                                          15, 30, 31);
    return __builtin_shufflevector(pair[0], pair[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
           __builtin_shufflevector(pair[0], pair[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
#else
    V sums = v_set(0);
    for (int i = 0; i < LANES; i++) sums[i] = v_sum(rows[i]);
    return sums;
#endif
}

enum { H = W1_HIDDEN, HALF = H / 2 };

/* What the backward pass needs of the forward pass. */
typedef struct passed {
    _Alignas(64) float h[H][W1_PADDED];
    _Alignas(64) float d[W1_PADDED]; /* of the logits */
} passed;

/* z = w2 relu(x W1' + b1) + b2, loss = mean of ln(1 + e^-z) + (1 - y) z, d = (sigmoid(z) - y) / n. */
INLINE double forward(limit_w1 *w, passed *t)
{
    V last = v_set(0), loss = v_set(0);
    const V share = v_set(1.0f / W1_POINTS);
    const float *p = w->parameter;
    UNROLL(2)
    for (int i = 0; i < W1_PADDED; i += LANES) {
        V x0 = v_load(w->x0 + i), x1 = v_load(w->x1 + i), y = v_load(w->y + i), inside = v_load(w->inside + i);
        V z[2] = {v_set(p[4 * H]), v_set(0)};
        __asm__ volatile("" ::: "memory"); /* weights are broadcast from memory: there are too few registers for them */
        UNROLL(8)
        for (int j = 0; j < H; j++) {
            V h = v_max(v_fma(x0, v_set(p[j]), v_fma(x1, v_set(p[H + j]), v_set(p[2 * H + j]))), v_set(0));
            z[j % 2] = v_fma(h, v_set(p[3 * H + j]), z[j % 2]);
            v_store(t->h[j] + i, h);
        }
        z[0] += z[1];
        V e = 1 + v_exp(-z[0]);
        loss = v_fma(inside, v_fma(z[0], 1 - y, v_log(e)), loss);
        V d = (v_reciprocal(e) - y) * (inside * share);
        last += d;
        v_store(t->d + i, d);
    }
    w->gradient[4 * H] = v_sum(last);
    return (double)v_sum(loss) / W1_POINTS;
}

/* Half of the units at a time, whose sums fit in the registers. */
INLINE double gradient(limit_w1 *w)
{
    passed t;
    V sums[4 * H]; /* of x0, of x1, biases, output weights */
    const float *p = w->parameter;
    double loss = forward(w, &t);
    UNROLL(2)
    for (int from = 0; from < H; from += HALF) {
        V s[4][HALF], weight[HALF];
        UNROLL(4)
        for (int j = 0; j < HALF; j++) {
            s[0][j] = s[1][j] = s[2][j] = s[3][j] = v_set(0);
            weight[j] = v_set(p[3 * H + from + j]);
        }
        for (int i = 0; i < W1_PADDED; i += LANES) {
            V x0 = v_load(w->x0 + i), x1 = v_load(w->x1 + i), d = v_load(t.d + i);
            UNROLL(4)
            for (int j = 0; j < HALF; j++) {
                V h = v_load(t.h[from + j] + i), back = v_where_positive(h, d * weight[j]);
                s[0][j] = v_fma(back, x0, s[0][j]);
                s[1][j] = v_fma(back, x1, s[1][j]);
                s[2][j] += back;
                s[3][j] = v_fma(d, h, s[3][j]);
            }
        }
        UNROLL(4)
        for (int k = 0; k < 4; k++) {
            UNROLL(4)
            for (int j = 0; j < HALF; j++) sums[k * H + from + j] = s[k][j];
        }
    }
    UNROLL(8)
    for (int j = 0; j < 4 * H; j += LANES) v_store(w->gradient + j, sum_rows(sums + j));
    return loss;
}

double LIMIT(w1_adam)(limit_w1 *w)
{
    V rate, correction;
    double loss = gradient(w);
    adam_next(&w->adam, &rate, &correction);
    UNROLL(12)
    for (int i = 0; i < W1_SLOTS; i += LANES) {
        V m = v_load(w->m + i), v = v_load(w->v + i);
        v_store(w->parameter + i, v_adam(v_load(w->parameter + i), v_load(w->gradient + i), &m, &v, rate, correction));
        v_store(w->m + i, m);
        v_store(w->v + i, v);
    }
    return loss;
}

double LIMIT(w1_sgd)(limit_w1 *w)
{
    double loss = gradient(w);
    for (int i = 0; i < W1_SLOTS; i += LANES)
        v_store(w->parameter + i,
                v_fma(v_set((float)-w->adam.rate), v_load(w->gradient + i), v_load(w->parameter + i)));
    return loss;
}
