/* SPDX-License-Identifier: MIT
 *
 * The limit of W4: the same network without a tape, a vector for the 16 units of a layer, four points at a time so that
 * their chains overlap.
 */
#include "limit_vector.h"

enum { H = W4_HIDDEN, VECTORS = H / LANES, AT_ONCE = 4 };

/* A row of H units. */
typedef struct row {
    V v[VECTORS];
} row;

INLINE row row_of(const float *p)
{
    row r;
    for (int k = 0; k < VECTORS; k++) r.v[k] = v_load(p + k * LANES);
    return r;
}

#define EACH(k) UNROLL(4) for (int k = 0; k < VECTORS; k++)

/* Everything as the vectors want it: units side by side. */
typedef struct network {
    float bias1[H], x0[H], x1[H], bias2[H], out[H], bias3;
    float second[H][H]; /* (to, from) */
    float turned[H][H]; /* (from, to) */
} network;

typedef struct sums {
    row bias1, x0, x1, bias2, out;
    float bias3, loss;
    float second[H][H];
} sums;

static void unpack(const float *p, network *n)
{
    for (int j = 0; j < H; j++, p += 3) {
        n->bias1[j] = p[0];
        n->x0[j] = p[1];
        n->x1[j] = p[2];
    }
    for (int j = 0; j < H; j++, p += H + 1) {
        n->bias2[j] = p[0];
        for (int i = 0; i < H; i++) n->second[j][i] = n->turned[i][j] = p[1 + i];
    }
    n->bias3 = *p++;
    memcpy(n->out, p, sizeof n->out);
}

static void pack(const sums *s, float *p)
{
    float bias1[H], x0[H], x1[H], bias2[H];
    memcpy(bias1, &s->bias1, sizeof bias1);
    memcpy(x0, &s->x0, sizeof x0);
    memcpy(x1, &s->x1, sizeof x1);
    memcpy(bias2, &s->bias2, sizeof bias2);
    for (int j = 0; j < H; j++, p += 3) {
        p[0] = bias1[j];
        p[1] = x0[j];
        p[2] = x1[j];
    }
    for (int j = 0; j < H; j++, p += H + 1) {
        p[0] = bias2[j];
        memcpy(p + 1, s->second[j], sizeof s->second[j]);
    }
    *p++ = s->bias3;
    memcpy(p, &s->out, sizeof s->out);
}

/* AT_ONCE points, forward and backward. */
INLINE void points(const network *n, sums *s, const float x[AT_ONCE][2], const float *y)
{
    row h1[AT_ONCE], h2[AT_ONCE], d2[AT_ONCE], d1[AT_ONCE];
    float first[AT_ONCE][H], back[AT_ONCE][H];
    V z = v_set(0);
    for (int p = 0; p < AT_ONCE; p++) {
        row bias = row_of(n->bias1), x0 = row_of(n->x0), x1 = row_of(n->x1);
        EACH(k) h1[p].v[k] = v_tanh(v_fma(x0.v[k], v_set(x[p][0]), v_fma(x1.v[k], v_set(x[p][1]), bias.v[k])));
        memcpy(first[p], &h1[p], sizeof first[p]);
        h2[p] = row_of(n->bias2);
        d1[p] = row_of((const float[H]){0});
    }
    for (int i = 0; i < H; i++) {
        row weights = row_of(n->turned[i]);
        UNROLL(4)
        for (int p = 0; p < AT_ONCE; p++) EACH(k) h2[p].v[k] = v_fma(weights.v[k], v_set(first[p][i]), h2[p].v[k]);
    }
    row out = row_of(n->out);
    for (int p = 0; p < AT_ONCE; p++) {
        V sum = v_set(0);
        EACH(k)
        {
            h2[p].v[k] = v_tanh(h2[p].v[k]);
            sum = v_fma(h2[p].v[k], out.v[k], sum);
        }
        z[p] = v_sum(sum) + n->bias3;
    }
    z = v_tanh(z);
    for (int p = 0; p < AT_ONCE; p++) {
        float away = z[p] - y[p], d = 2 * away * (1 - z[p] * z[p]);
        s->loss += away * away;
        s->bias3 += d;
        EACH(k)
        {
            s->out.v[k] = v_fma(v_set(d), h2[p].v[k], s->out.v[k]);
            d2[p].v[k] = v_set(d) * out.v[k] * (1 - h2[p].v[k] * h2[p].v[k]);
            s->bias2.v[k] += d2[p].v[k];
        }
        memcpy(back[p], &d2[p], sizeof back[p]);
    }
    for (int j = 0; j < H; j++) {
        row weights = row_of(n->second[j]), sum = row_of(s->second[j]);
        UNROLL(4)
        for (int p = 0; p < AT_ONCE; p++) {
            EACH(k)
            {
                d1[p].v[k] = v_fma(v_set(back[p][j]), weights.v[k], d1[p].v[k]);
                sum.v[k] = v_fma(v_set(back[p][j]), h1[p].v[k], sum.v[k]);
            }
        }
        memcpy(s->second[j], &sum, sizeof sum);
    }
    for (int p = 0; p < AT_ONCE; p++) {
        EACH(k)
        {
            V d = d1[p].v[k] * (1 - h1[p].v[k] * h1[p].v[k]);
            s->bias1.v[k] += d;
            s->x0.v[k] = v_fma(v_set(x[p][0]), d, s->x0.v[k]);
            s->x1.v[k] = v_fma(v_set(x[p][1]), d, s->x1.v[k]);
        }
    }
}

double LIMIT(w4)(limit_w4 *w)
{
    network n;
    sums s;
    unpack(w->parameter, &n);
    memset(&s, 0, sizeof s);
    for (int p = 0; p < W4_POINTS; p += AT_ONCE) points(&n, &s, (const float(*)[2])w->x + p, w->y + p);
    pack(&s, w->gradient);
    return (double)s.loss;
}
