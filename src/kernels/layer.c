/* SPDX-License-Identifier: MIT
 *
 * Small linear layers, in vectors of eight numbers whatever the width of the registers.
 */
#include "kernels/layer.h"
#include "kernels/kernels.h"
#include "kernels/vector.h"

#include <math.h>

extern const struct layer_kernels KERNEL(layer_table);

typedef real L __attribute__((vector_size(8 * sizeof(real))));
typedef lane_int LI __attribute__((vector_size(8 * sizeof(real))));

/* Vectors of 32 bytes where there are registers for them: x86 sets need an intrinsic for a fused multiply-add. */
#if KERNEL_FMA && KERNEL_BITS == 32
#define L_FMA(a, b, c) ((L)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#elif KERNEL_FMA && V_BYTES == 64
#define L_FMA(a, b, c) ((L)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#elif KERNEL_FMA
typedef union l_halves {
    L whole;
    __m256d half[2];
} l_halves;
KERNEL_INLINE L l_fma(L a, L b, L c)
{
    l_halves x = {a}, y = {b}, z = {c};
    for (int i = 0; i < 2; i++) z.half[i] = _mm256_fmadd_pd(x.half[i], y.half[i], z.half[i]);
    return z.whole;
}
#define L_FMA(a, b, c) l_fma(a, b, c)
#else
#define L_FMA(a, b, c) ((a) * (b) + (c))
#endif

KERNEL_INLINE L l_set(real x)
{
    return x - (L){0};
}

KERNEL_INLINE L l_load(const real *p)
{
    L v;
    memcpy(&v, p, sizeof v);
    return v;
}

KERNEL_INLINE void l_store(real *p, L v)
{
    memcpy(p, &v, sizeof v);
}

/* The first n elements, the others 0. */
KERNEL_INLINE L l_load_up_to(const real *p, int64_t n)
{
    if (n >= 8) return l_load(p);
#if KERNEL_FMA && KERNEL_BITS == 32
    LI index = {0, 1, 2, 3, 4, 5, 6, 7};
    return (L)_mm256_maskload_ps(p, (__m256i)(index < (lane_int)n));
#else
    L v = {0};
    for (int i = 0; i < 8; i++)
        if (i < n) v[i] = p[i];
    return v;
#endif
}

KERNEL_INLINE void l_store_up_to(real *p, L v, int64_t n)
{
    if (n >= 8) {
        l_store(p, v);
        return;
    }
    for (int i = 0; i < 8; i++)
        if (i < n) p[i] = v[i];
}

/* v where the relu's result y is not <= 0. */
KERNEL_INLINE L l_passed(L v, L y)
{
    return (L)(~(y <= (L){0}) & (LI)v);
}

/* v, or `least` where v is below it; NaN passes. */
KERNEL_INLINE L l_at_least(L least, L v)
{
#if KERNEL_FMA && KERNEL_BITS == 32
    return (L)_mm256_max_ps((__m256)least, (__m256)v);
#elif KERNEL_FMA && V_BYTES == 64
    return (L)_mm512_max_pd((__m512d)least, (__m512d)v);
#else
    LI below = v < least;
    return (L)((below & (LI)least) | (~below & (LI)v));
#endif
}

KERNEL_INLINE real passed(real g, const real *y, int64_t i)
{
    return y && y[i] <= 0 ? 0 : g;
}

/* C (rows, n) = P (rows, k) Q (k, n): what a pass over the rows needs. */
typedef struct pass {
    int64_t rows, n, k;
    const real *p, *y; /* y (rows, k): P counts as 0 where y <= 0; or NULL */
    const real *start; /* (n), or NULL: 0 */
    real *c;
    bool add, relu;
    real q[LAYER_FEW * LAYER_MOST]; /* k <= LAYER_FEW: rows of Q, LAYER_MOST apart; else its columns */
} pass;

/* ---- k <= LAYER_FEW: row r of C is a few multiples of rows of Q ---- */

KERNEL_INLINE void whole_rows(int64_t rows, const int k, const int64_t n, const real *p, const L q[], L start, L least,
                              real *c)
{
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4, p += 4 * k, c += 4 * n)
        for (int x = 0; x < 4; x++) {
            L sum = start;
            for (int t = 0; t < k; t++) sum = L_FMA(l_set(p[x * k + t]), q[t], sum);
            l_store(c + x * n, l_at_least(least, sum));
        }
    for (; r < rows; r++, p += k, c += n) {
        L sum = start;
        for (int t = 0; t < k; t++) sum = L_FMA(l_set(p[t]), q[t], sum);
        l_store(c, l_at_least(least, sum));
    }
}

KERNEL_INLINE void combine_rows(const pass *s, const int k, const bool add, const bool masked)
{
    for (int64_t j = 0; j < s->n; j += 8) {
        const int64_t left = s->n - j, n = s->n;
        const L start = s->start ? l_load_up_to(s->start + j, left) : (L){0};
        const real *p = s->p;
        real *c = s->c + j;
        L q[LAYER_FEW];
        for (int t = 0; t < k; t++) q[t] = l_load(s->q + t * LAYER_MOST + j);
        const L least = l_set(s->relu ? 0 : -(real)INFINITY);
        if (!add && !masked && left >= 8) { /* what a forward pass mostly is */
            if (n == 8)
                whole_rows(s->rows, k, 8, p, q, start, least, c);
            else
                whole_rows(s->rows, k, n, p, q, start, least, c);
            continue;
        }
        for (int64_t r = 0; r < s->rows; r++, p += k, c += n) {
            L sum = add ? l_load_up_to(c, left) : start;
            for (int t = 0; t < k; t++) sum = L_FMA(l_set(masked ? passed(p[t], s->y, r * k + t) : p[t]), q[t], sum);
            l_store_up_to(c, l_at_least(least, sum), left);
        }
    }
}

/* Without a branch on each row where speed is asked for most; elsewhere compilers take a minute for the same. */
#if KERNEL_FMA && KERNEL_BITS == 32
#define COMBINE(k)                                                                                                     \
    case 4 * (k): combine_rows(s, k, false, false); break;                                                             \
    case 4 * (k) + 1: combine_rows(s, k, false, true); break;                                                          \
    case 4 * (k) + 2: combine_rows(s, k, true, false); break;                                                          \
    case 4 * (k) + 3:                                                                                                  \
        combine_rows(s, k, true, true);                                                                                \
        break;
#else
#define COMBINE(k)                                                                                                     \
    case 4 * (k):                                                                                                      \
    case 4 * (k) + 1:                                                                                                  \
    case 4 * (k) + 2:                                                                                                  \
    case 4 * (k) + 3:                                                                                                  \
        combine_rows(s, k, s->add, s->y != NULL);                                                                      \
        break;
#endif

static void combine(const pass *s)
{
    switch (4 * (int)s->k + 2 * s->add + (s->y != NULL)) {
        COMBINE(1)
        COMBINE(2)
        COMBINE(3)
        COMBINE(4)
    }
}

/* ---- k > LAYER_FEW: inner products ---- */

KERNEL_INLINE L lanes_of_row(const real *p, const real *y, const real *q, int64_t k)
{
    L sum = {0};
    for (int64_t t = 0; t < k; t += 8) {
        L v = l_load_up_to(p + t, k - t);
        if (y) v = l_passed(v, l_load_up_to(y + t, k - t));
        sum = L_FMA(v, l_load(q + t), sum);
    }
    return sum;
}

KERNEL_INLINE real fold(L v)
{
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1);
    return v[0] + v[1];
}

/* Lane r: the fold of v[r]. */
KERNEL_INLINE L fold_eight(const L v[8])
{
    L four[4], two[2];
    for (int i = 0; i < 4; i++)
        four[i] = __builtin_shufflevector(v[i], v[i + 4], 0, 1, 2, 3, 8, 9, 10, 11) +
                  __builtin_shufflevector(v[i], v[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    for (int i = 0; i < 2; i++)
        two[i] = __builtin_shufflevector(four[2 * i], four[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13) +
                 __builtin_shufflevector(four[2 * i], four[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
    return __builtin_shufflevector(two[0], two[1], 0, 2, 8, 10, 4, 6, 12, 14) +
           __builtin_shufflevector(two[0], two[1], 1, 3, 9, 11, 5, 7, 13, 15);
}

KERNEL_INLINE void put_product(const pass *s, int64_t at, real value, real start)
{
    value += s->add ? s->c[at] : start;
    s->c[at] = s->relu && value < 0 ? 0 : value;
}

KERNEL_INLINE void inner_products(const pass *s, const int64_t k, const bool masked)
{
    for (int64_t j = 0; j < s->n; j++) {
        const real *q = s->q + j * LAYER_MOST, start = s->start ? s->start[j] : 0;
        int64_t r = 0;
        for (; r + 8 <= s->rows; r += 8) {
            L v[8];
            for (int i = 0; i < 8; i++)
                v[i] = lanes_of_row(s->p + (r + i) * k, masked ? s->y + (r + i) * k : NULL, q, k);
            L sums = fold_eight(v);
            if (s->n == 1 && !s->add) {
                sums += start;
                l_store(s->c + r, l_at_least(l_set(s->relu ? 0 : -(real)INFINITY), sums));
            } else {
                for (int i = 0; i < 8; i++) put_product(s, (r + i) * s->n + j, sums[i], start);
            }
        }
        for (; r < s->rows; r++)
            put_product(s, r * s->n + j, fold(lanes_of_row(s->p + r * k, masked ? s->y + r * k : NULL, q, k)), start);
    }
}

static void multiply(const pass *s)
{
    if (s->k <= LAYER_FEW)
        combine(s);
    else if (s->y)
        inner_products(s, s->k, true);
    else if (s->k == 8)
        inner_products(s, 8, false);
    else if (s->k == 16)
        inner_products(s, 16, false);
    else
        inner_products(s, s->k, false);
}

/* Q[t][j] = from[t * row + j * column]; what lies beyond it is 0. */
static void take_q(pass *s, const real *from, int64_t row, int64_t column)
{
    const bool columns = s->k > LAYER_FEW;
    const int64_t outer = columns ? s->n : s->k, inner = columns ? s->k : s->n;
    const int64_t outer_step = columns ? column : row, inner_step = columns ? row : column;
    for (int64_t x = 0; x < outer; x++) {
        real *to = s->q + x * LAYER_MOST;
        for (int64_t i = 0; i < inner; i++) to[i] = from[x * outer_step + i * inner_step];
        for (int64_t i = inner; i % 8; i++) to[i] = 0;
    }
}

static void forward(const layer_task *t)
{
    pass s;
    s.rows = t->rows, s.n = t->out, s.k = t->in;
    s.p = t->x, s.y = NULL, s.start = t->bias, s.c = t->y;
    s.add = false, s.relu = t->relu;
    take_q(&s, t->weight, 1, t->in);
    multiply(&s);
}

static void backward_input(const layer_task *t)
{
    pass s;
    s.rows = t->rows, s.n = t->in, s.k = t->out;
    s.p = t->g, s.y = t->relu ? t->y : NULL, s.start = NULL, s.c = t->x_gradient;
    s.add = t->add_x, s.relu = false;
    take_q(&s, t->weight, t->in, 1);
    multiply(&s);
}

/* ---- the weights' gradient: one pass over the rows, four sums ---- */

/* What one pass over the rows collects for eight features of the wider side v (rows, width), of which `left` exist: its
 * products with the `few` features of the other one b (rows, few), and its own sum. y masks the side that is g. */
typedef struct side {
    const real *v, *y;
    int64_t step;
} side;

KERNEL_INLINE void outer_row(side wide, side other, int64_t left, int64_t r, const int few, L sum[], L *total)
{
    const real *v = wide.v + r * wide.step, *b = other.v + r * few;
    L value = l_load_up_to(v, left);
    if (wide.y) value = l_passed(value, l_load_up_to(wide.y + r * wide.step, left));
    *total += value;
    for (int i = 0; i < few; i++) {
        real x = other.y ? passed(b[i], other.y, r * few + i) : b[i];
        sum[i] = L_FMA(value, l_set(x), sum[i]);
    }
}

KERNEL_INLINE void outer_products(int64_t rows, side wide, side other, int64_t left, const int few, L sums[], L *total)
{
    L sum[4][LAYER_FEW], whole[4];
    for (int c = 0; c < 4; c++) {
        whole[c] = (L){0};
        for (int i = 0; i < few; i++) sum[c][i] = (L){0};
    }
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
        for (int c = 0; c < 4; c++) outer_row(wide, other, left, r + c, few, sum[c], &whole[c]);
    for (int c = 0; c < 3; c++)
        if (r + c < rows) outer_row(wide, other, left, r + c, few, sum[c], &whole[c]);
    for (int i = 0; i < few; i++) sums[i] = (sum[0][i] + sum[1][i]) + (sum[2][i] + sum[3][i]);
    *total = (whole[0] + whole[1]) + (whole[2] + whole[3]);
}

static void put_sum(real *to, real value, bool add)
{
    *to = add ? value + *to : value;
}

/* The sum of a narrow g over the rows. */
KERNEL_INLINE void sum_rows(const layer_task *t, const int few, const real *g, const real *y)
{
    real sum[4][LAYER_FEW] = {{0}};
    int64_t r = 0;
    for (; r + 4 <= t->rows; r += 4)
        for (int c = 0; c < 4; c++)
            for (int i = 0; i < few; i++) sum[c][i] += passed(g[(r + c) * few + i], y, (r + c) * few + i);
    for (int c = 0; c < 3; c++)
        for (int i = 0; r + c < t->rows && i < few; i++)
            sum[c][i] += passed(g[(r + c) * few + i], y, (r + c) * few + i);
    for (int i = 0; i < few; i++)
        put_sum((real *)t->bias_gradient + i, (sum[0][i] + sum[1][i]) + (sum[2][i] + sum[3][i]), t->add_bias);
}

KERNEL_INLINE void backward_weight(const layer_task *t, const int few, const bool wide_out, const bool masked)
{
    const side g = {t->g, masked ? t->y : NULL, t->out}, x = {t->x, NULL, t->in};
    const int64_t width = wide_out ? t->out : t->in;
    real *weight = t->weight_gradient;
    for (int64_t j = 0; j < width; j += 8) {
        const int64_t left = width - j;
        side wide = wide_out ? g : x;
        wide.v += j;
        if (wide.y) wide.y += j;
        L sums[LAYER_FEW], total;
        if (left >= 8)
            outer_products(t->rows, wide, wide_out ? x : g, 8, few, sums, &total);
        else
            outer_products(t->rows, wide, wide_out ? x : g, left, few, sums, &total);
        for (int i = 0; weight && i < few; i++)
            for (int lane = 0; lane < 8 && lane < left; lane++)
                put_sum(weight + (wide_out ? (j + lane) * few + i : i * t->in + j + lane), sums[i][lane],
                        t->add_weight);
        for (int lane = 0; wide_out && t->bias_gradient && lane < 8 && lane < left; lane++)
            put_sum((real *)t->bias_gradient + j + lane, total[lane], t->add_bias);
    }
    if (!wide_out && t->bias_gradient) sum_rows(t, few, g.v, g.y);
}

#if KERNEL_FMA && KERNEL_BITS == 32
#define WEIGHT(few)                                                                                                    \
    case 4 * (few): backward_weight(t, few, false, false); break;                                                      \
    case 4 * (few) + 1: backward_weight(t, few, false, true); break;                                                   \
    case 4 * (few) + 2: backward_weight(t, few, true, false); break;                                                   \
    case 4 * (few) + 3:                                                                                                \
        backward_weight(t, few, true, true);                                                                           \
        break;
#else
#define WEIGHT(few)                                                                                                    \
    case 4 * (few):                                                                                                    \
    case 4 * (few) + 1:                                                                                                \
    case 4 * (few) + 2:                                                                                                \
    case 4 * (few) + 3:                                                                                                \
        backward_weight(t, few, wide_out, t->relu);                                                                    \
        break;
#endif

static void backward(const layer_task *t)
{
    if (t->x_gradient) backward_input(t);
    if (!t->weight_gradient && !t->bias_gradient) return;
    const bool wide_out = t->out >= t->in;
    switch (4 * (int)(wide_out ? t->in : t->out) + 2 * wide_out + t->relu) {
        WEIGHT(1)
        WEIGHT(2)
        WEIGHT(3)
        WEIGHT(4)
    }
}

const struct layer_kernels KERNEL(layer_table) = {forward, backward};
