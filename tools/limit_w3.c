/* SPDX-License-Identifier: MIT
 *
 * The limit of W3: weights kept between the passes, sums of a block of pixels side by side, the target's part of the
 * similarity computed once.
 */
#include "limit_vector.h"

typedef uint32_t VU __attribute__((vector_size(V_BYTES)));

enum { S = W3_SIDE, N = W3_COUNT, BLOCKS = S / LANES };

/* exp(-q / 2), relative error about 2e-7 for q in [0, 12.25]: a power of two and a polynomial in the rest. */
INLINE V bell(V q)
{
    const V magic = v_set(12582912.0f);
    V n = v_fma(q, v_set(-0.72134752f), magic), t = v_fma(q, v_set(-0.72134752f), magic - n);
    V p = v_set(1.3333558e-3f);
    p = v_fma(p, t, v_set(9.6181291e-3f));
    p = v_fma(p, t, v_set(5.5504109e-2f));
    p = v_fma(p, t, v_set(2.4022651e-1f));
    p = v_fma(p, t, v_set(6.9314718e-1f));
    p = v_fma(p, t, v_set(1.0f));
    return (V)((VU)p + ((VU)n << 23));
}

/* Along a row at the height e above the middle: q = a (x - m - slant e)^2 + k e^2. */
INLINE void prepare(limit_w3 *w, int i)
{
    const float *p = w->parameter[i];
    limit_w3_shape *s = &w->shape[i];
    const float c = p[4] == 0 ? 1 : __builtin_cosf(p[4]), t = p[4] == 0 ? 0 : __builtin_sinf(p[4]);
    const float x = 1 / (p[2] * p[2]), y = 1 / (p[3] * p[3]);
    *s = (limit_w3_shape){.c = c, .s = t, .x = x, .y = y, .a = c * c * x + t * t * y};
    s->slant = c * t * (x - y) / s->a;
    s->k = x * y / s->a;
    const float half = __builtin_sqrtf(12.25f / s->k);
    int first = (int)((p[1] - half) * S + 1), last = (int)((p[1] + half) * S) + 1;
    s->first = (p[1] - half) < 0 ? 0 : first;
    s->last = last > S ? S : last;
    const float inverse = 1 / s->a;
    for (int r = s->first; r < s->last; r++) {
        float e = (float)r * (1.0f / S) - p[1], d = (12.25f - s->k * e * e) * inverse, middle = p[0] - s->slant * e;
        float reach = __builtin_sqrtf(d > 0 ? d : 0);
        float from = (middle - reach) * S, to = (middle + reach) * S + 1;
        from = from < 0 ? 0 : from > S ? S : from;
        to = to < 0 ? 0 : to > S ? S : to;
        w->span[i][r][0] = (int16_t)((int)from & -LANES);
        w->span[i][r][1] = (int16_t)(((int)to + LANES - 1) & -LANES);
    }
}

INLINE void splat(limit_w3 *w)
{
    float *weight = w->weight;
    memset(w->sums, 0, sizeof w->sums);
    for (int i = 0; i < N; i++) {
        prepare(w, i);
        const float *p = w->parameter[i];
        const limit_w3_shape *s = &w->shape[i];
        const V a = v_set(s->a), red = v_set(p[5]), green = v_set(p[6]), blue = v_set(p[7]), limit = v_set(12.25f);
        for (int r = s->first; r < s->last; r++) {
            const float e = (float)r * (1.0f / S) - p[1];
            const V middle = v_set(p[0] - s->slant * e), base = v_set(s->k * e * e);
            for (int x = w->span[i][r][0]; x < w->span[i][r][1]; x += LANES) {
                V d = v_load(w->columns + x) - middle, q = v_fma(a * d, d, base), b = (V)((q <= limit) & (VI)bell(q));
                float *at = w->sums + 4 * (r * S + x);
                v_store(weight, b);
                weight += LANES;
                v_store(at, v_load(at) + b);
                v_store(at + LANES, v_fma(b, red, v_load(at + LANES)));
                v_store(at + 2 * LANES, v_fma(b, green, v_load(at + 2 * LANES)));
                v_store(at + 3 * LANES, v_fma(b, blue, v_load(at + 3 * LANES)));
            }
        }
    }
}

/* Colours, the gradients by the sums, and the sum of squared differences. */
INLINE float blend(limit_w3 *w)
{
    V loss = v_set(0);
    const V share = v_set(2.0f / (3 * S * S));
    for (int i = 0; i < S * S; i += LANES) {
        const float *at = w->sums + 4 * i;
        float *to = w->slopes + 4 * i;
        V sum = v_load(at), inverse = (V)((sum > 1e-10f) & (VI)(1 / sum)), total = v_set(0), factor = share * inverse;
        UNROLL(3)
        for (int k = 0; k < 3; k++) {
            V out = v_load(at + (k + 1) * LANES) * inverse, d = out - v_load(w->target[k] + i);
            v_store(w->out[k] + i, out);
            loss = v_fma(d, d, loss);
            V by = d * factor;
            v_store(to + (k + 1) * LANES, by);
            total = v_fma(by, out, total);
        }
        v_store(to, -total);
    }
    return v_sum(loss);
}

INLINE void gather(limit_w3 *w)
{
    const float *weight = w->weight;
    for (int i = 0; i < N; i++) {
        const float *p = w->parameter[i];
        const limit_w3_shape *s = &w->shape[i];
        const V red = v_set(p[5]), green = v_set(p[6]), blue = v_set(p[7]), z = v_set(0);
        V by_red = z, by_green = z, by_blue = z, mx = z, my = z, mxx = z, mxy = z, myy = z;
        for (int r = s->first; r < s->last; r++) {
            const float e = (float)r * (1.0f / S) - p[1];
            const V middle = v_set(p[0] - s->slant * e), ev = v_set(e);
            V one = z, first = z;
            for (int x = w->span[i][r][0]; x < w->span[i][r][1]; x += LANES) {
                const float *at = w->slopes + 4 * (r * S + x);
                V b = v_load(weight), dx = v_load(w->columns + x) - middle;
                V g1 = v_load(at + LANES), g2 = v_load(at + 2 * LANES), g3 = v_load(at + 3 * LANES);
                weight += LANES;
                by_red = v_fma(b, g1, by_red);
                by_green = v_fma(b, g2, by_green);
                by_blue = v_fma(b, g3, by_blue);
                V d = b * v_fma(g1, red, v_fma(g2, green, v_fma(g3, blue, v_load(at)))), moved = d * dx;
                one += d;
                first += moved;
                mxx = v_fma(moved, dx, mxx);
            }
            V up = one * ev;
            mx += first;
            my += up;
            mxy = v_fma(first, ev, mxy);
            myy = v_fma(up, ev, myy);
        }
        float *g = w->gradient[i], x = v_sum(mx), y = v_sum(my), xx = v_sum(mxx), xy = v_sum(mxy), yy = v_sum(myy);
        float u = s->s * s->y / s->a, v = s->c * s->x / s->a, c = s->c, t = s->s;
        g[0] = s->a * x;
        g[1] = s->a * s->slant * x + s->k * y;
        g[2] = (c * c * xx + 2 * c * u * xy + u * u * yy) * s->x / p[2];
        g[3] = (t * t * xx - 2 * t * v * xy + v * v * yy) * s->y / p[3];
        g[5] = v_sum(by_red);
        g[6] = v_sum(by_green);
        g[7] = v_sum(by_blue);
    }
}

/* The lanes of a and b from lane n of a on. */
#if V_BYTES == 64
#define SHIFT1(a, b) __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
#define SHIFT2(a, b) __builtin_shufflevector(a, b, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
#define SHIFT4(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
#elif V_BYTES == 32
#define SHIFT1(a, b) __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8)
#define SHIFT2(a, b) __builtin_shufflevector(a, b, 2, 3, 4, 5, 6, 7, 8, 9)
#define SHIFT4(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 8, 9, 10, 11)
#else
#define SHIFT1(a, b) __builtin_shufflevector(a, b, 1, 2, 3, 4)
#define SHIFT2(a, b) __builtin_shufflevector(a, b, 2, 3, 4, 5)
#define SHIFT4(a, b) (b)
#endif

/* v[x] = the sum of v[x] ... v[x + 7] of a row. */
INLINE void eight(V v[BLOCKS + 1])
{
    UNROLL(16)
    for (int i = 0; i < BLOCKS; i++) v[i] += SHIFT1(v[i], v[i + 1]);
    UNROLL(16)
    for (int i = 0; i < BLOCKS; i++) v[i] += SHIFT2(v[i], v[i + 1]);
    UNROLL(16)
    for (int i = 0; i < BLOCKS; i++) v[i] += SHIFT4(v[i], v[i + 1]);
}

/* Sums of eight rows of the colours, their squares and their products with the target, row after row. */
INLINE V fill_columns(limit_w3 *w, int k)
{
    V away = v_set(0);
    for (int x = 0; x < S; x += LANES) {
        V one = v_set(0), two = v_set(0), product = v_set(0);
        for (int y = 0; y < W3_WINDOWS + 7; y++) {
            V o = v_load(w->out[k] + y * S + x), t = v_load(w->target[k] + y * S + x), d = o - t;
            away += (V)((VI)d & 0x7fffffff);
            one += o;
            two = v_fma(o, o, two);
            product = v_fma(o, t, product);
            if (y < 7) continue;
            const int to = (y - 7) * S + x;
            v_store(w->filtered[0] + to, one);
            v_store(w->filtered[1] + to, two);
            v_store(w->filtered[2] + to, product);
            o = v_load(w->out[k] + to);
            t = v_load(w->target[k] + to);
            one -= o;
            two = v_fma(-o, o, two);
            product = v_fma(-o, t, product);
        }
        V d = v_load(w->out[k] + (S - 1) * S + x) - v_load(w->target[k] + (S - 1) * S + x);
        away += (V)((VI)d & 0x7fffffff);
    }
    return away;
}

/* 0.2 L1 + 0.8 L2 + 0.1 (1 - SSIM), windows of 8 x 8. */
INLINE double report(limit_w3 *w, float squares)
{
    const V share = v_set(1.0f / 64), c1 = v_set(1e-4f), c2 = v_set(9e-4f), two = v_set(2);
    V away = v_set(0), total = v_set(0);
    for (int k = 0; k < 3; k++) {
        away += fill_columns(w, k);
        for (int y = 0; y < W3_WINDOWS; y++) {
            V h[3][BLOCKS + 1];
            UNROLL(3)
            for (int q = 0; q < 3; q++) {
                UNROLL(16)
                for (int i = 0; i < BLOCKS; i++) h[q][i] = v_load(w->filtered[q] + y * S + i * LANES);
                h[q][BLOCKS] = v_set(0);
                eight(h[q]);
            }
            UNROLL(16)
            for (int i = 0; i < (W3_WINDOWS + LANES - 1) / LANES; i++) {
                V m = v_load(w->mean[k] + y * S + i * LANES), s = v_load(w->variance[k] + y * S + i * LANES);
                V o = h[0][i] * share, square = o * o, of_out = v_fma(h[1][i], share, -square);
                V both = v_fma(-o, m, h[2][i] * share);
                V up = v_fma(two * o, m, c1) * v_fma(two, both, c2);
                V down = (v_fma(m, m, square) + c1) * (of_out + s + c2);
                VI ratio = (VI)(up / down);
                total += (V)(W3_WINDOWS % LANES ? ratio & (VI)v_load(w->inside + i * LANES) : ratio);
            }
        }
    }
    return 0.2 * (double)v_sum(away) / (3 * S * S) + 0.8 * (double)squares / (3 * S * S) +
           0.1 * (1 - (double)v_sum(total) / (3 * W3_WINDOWS * W3_WINDOWS));
}

INLINE void update(limit_w3 *w)
{
    V rate, correction;
    adam_next(&w->adam, &rate, &correction);
    float *p = w->parameter[0], *g = w->gradient[0], *m = w->m[0], *v = w->v[0];
    for (int i = 0; i < N * 8; i += LANES) {
        V mean = v_load(m + i), square = v_load(v + i);
        V x = v_adam(v_load(p + i), v_load(g + i), &mean, &square, rate, correction);
        v_store(p + i, v_max(v_min(x, v_load(w->high + i % 16)), v_load(w->low + i % 16)));
        v_store(m + i, mean);
        v_store(v + i, square);
    }
}

double LIMIT(w3_step)(limit_w3 *w)
{
    splat(w);
    float squares = blend(w);
    gather(w);
    double loss = report(w, squares);
    update(w);
    return loss;
}
