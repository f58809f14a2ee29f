/* SPDX-License-Identifier: MIT
 *
 * Reductions along an axis. The order of additions: reduce.h.
 */
#include "kernels/reduce.h"
#include "kernels/kernels.h"
#include "kernels/lanes.h"

extern const struct reduce_kernels KERNEL(reduce_table);

#define CHAINS 4
#define STRETCH (32 * CHAINS) /* blocks */

KERNEL_INLINE V identity_of(reduce_kind kind)
{
    return v_set(kind == REDUCE_MAX ? -INF : kind == REDUCE_MIN ? INF : 0);
}

/* The term of the sum that x stands for. */
KERNEL_INLINE V term(reduce_kind kind, V x, V center)
{
    V d = x - center;
    switch (kind) {
    case REDUCE_SQUARES: return x * x;
    case REDUCE_MAGNITUDES: return v_abs(x);
    case REDUCE_DEVIATIONS: return d * d;
    case REDUCE_EXP: return v_exp(d);
    case REDUCE_EQUAL: return v_select((x == center) | ((x != x) & (center != center)), v_set(1), v_set(0));
    default: return x;
    }
}

KERNEL_INLINE V join(reduce_kind kind, V a, V b)
{
    return kind == REDUCE_MAX ? v_greater(a, b) : kind == REDUCE_MIN ? v_smaller(a, b) : a + b;
}

KERNEL_INLINE block join_blocks(reduce_kind kind, block a, block b)
{
    for (int k = 0; k < BLOCK_VECTORS; k++) a.v[k] = join(kind, a.v[k], b.v[k]);
    return a;
}

/* The first `lanes` elements at p; the rest is `rest`. */
KERNEL_INLINE block load_block(const real *p, int lanes, V rest)
{
    block b;
    for (int k = 0; k < BLOCK_VECTORS; k++) {
        int n = lanes - k * LANES;
        b.v[k] = n >= LANES ? v_load(p + k * LANES) : n > 0 ? v_load_part(p + k * LANES, n) : rest;
    }
    return b;
}

KERNEL_INLINE void store_block(real *p, int lanes, block b)
{
    for (int k = 0; k < BLOCK_VECTORS; k++) {
        int n = lanes - k * LANES;
        if (n >= LANES)
            v_store(p + k * LANES, b.v[k]);
        else if (n > 0)
            v_store_part(p + k * LANES, b.v[k], n);
    }
}

KERNEL_INLINE block add_terms(reduce_kind kind, block sum, const real *p, block center)
{
    for (int k = 0; k < BLOCK_VECTORS; k++)
        sum.v[k] = join(kind, sum.v[k], term(kind, v_load(p + k * LANES), center.v[k]));
    return sum;
}

/* The same for the first `lanes` lanes only. */
KERNEL_INLINE block add_part(reduce_kind kind, block sum, const real *p, block center, int lanes)
{
    block x = load_block(p, lanes, v_set(*p));
    for (int k = 0; k < BLOCK_VECTORS; k++) {
        V t = v_select(v_first_lanes(lanes - k * LANES), term(kind, x.v[k], center.v[k]), identity_of(kind));
        sum.v[k] = join(kind, sum.v[k], t);
    }
    return sum;
}

/* A run of blocks `step` elements apart, each with `lanes` lanes but the last one with `last`. */
typedef struct blocks {
    const real *x;
    int64_t count, step;
    int lanes, last;
    block center;
} blocks;

KERNEL_INLINE block reduce_stretch(reduce_kind kind, const blocks *s, int64_t first, int64_t count)
{
    const block center = s->center;
    const real *p = s->x + first * s->step;
    block sum[CHAINS];
    for (int c = 0; c < CHAINS; c++) sum[c] = block_of(identity_of(kind));
    int64_t b = 0;
    if (s->lanes == BLOCK_LANES)
        for (; b + CHAINS < count; b += CHAINS, p += CHAINS * s->step)
            for (int c = 0; c < CHAINS; c++) sum[c] = add_terms(kind, sum[c], p + c * s->step, center);
    else
        for (; b + CHAINS < count; b += CHAINS, p += CHAINS * s->step)
            for (int c = 0; c < CHAINS; c++) sum[c] = add_part(kind, sum[c], p + c * s->step, center, s->lanes);
    for (int c = 0; c < CHAINS; c++, b++) /* the last ones, 1 to CHAINS of them */
        if (b < count)
            sum[c] = add_part(kind, sum[c], p + c * s->step, center, first + b + 1 == s->count ? s->last : s->lanes);
    if (count <= 1) return sum[0];
    return join_blocks(kind, join_blocks(kind, sum[0], sum[2]), join_blocks(kind, sum[1], sum[3]));
}

/* Out of line, once for each kind: this is where the time goes, and the code. */
#define STRETCH_FUNCTION(name, kind)                                                                                   \
    static __attribute__((noinline)) block name(const blocks *s, int64_t first, int64_t count)                         \
    {                                                                                                                  \
        return reduce_stretch(kind, s, first, count);                                                                  \
    }
STRETCH_FUNCTION(stretch_sum, REDUCE_SUM)
STRETCH_FUNCTION(stretch_squares, REDUCE_SQUARES)
STRETCH_FUNCTION(stretch_magnitudes, REDUCE_MAGNITUDES)
STRETCH_FUNCTION(stretch_deviations, REDUCE_DEVIATIONS)
STRETCH_FUNCTION(stretch_exp, REDUCE_EXP)
STRETCH_FUNCTION(stretch_equal, REDUCE_EQUAL)
STRETCH_FUNCTION(stretch_max, REDUCE_MAX)
STRETCH_FUNCTION(stretch_min, REDUCE_MIN)

static block (*const stretches[REDUCE_COUNT])(const blocks *, int64_t, int64_t) = {
    [REDUCE_SUM] = stretch_sum,
    [REDUCE_SQUARES] = stretch_squares,
    [REDUCE_MAGNITUDES] = stretch_magnitudes,
    [REDUCE_DEVIATIONS] = stretch_deviations,
    [REDUCE_EXP] = stretch_exp,
    [REDUCE_EQUAL] = stretch_equal,
    [REDUCE_MAX] = stretch_max,
    [REDUCE_MIN] = stretch_min,
};

/* Level k holds the sum of 2^k stretches or nothing, as the bits of the number pushed so far say. */
static block reduce_blocks(reduce_kind kind, const blocks *s)
{
    if (s->count <= STRETCH) return stretches[kind](s, 0, s->count);
    block level[56], total = block_of(identity_of(kind));
    uint64_t pushed = 0;
    for (int64_t first = 0; first < s->count; first += STRETCH, pushed++) {
        int64_t left = s->count - first;
        block part = stretches[kind](s, first, left < STRETCH ? left : STRETCH);
        int k = 0;
        for (; pushed >> k & 1; k++) part = join_blocks(kind, level[k], part);
        level[k] = part;
    }
    for (int k = 0; pushed >> k; k++)
        if (pushed >> k & 1) total = join_blocks(kind, level[k], total);
    return total;
}

KERNEL_INLINE V finite_or_zero(V c)
{
    return v_select(v_abs(c) == INF, v_set(0), c);
}

/* `center` for each lane: one, or `inner` of them over and over. */
static block center_block(reduce_kind kind, const real *center, int64_t inner)
{
    real lane[BLOCK_LANES];
    block c = block_of(v_set(0));
    if (!center) return c;
    if (inner == 1) return block_of(kind == REDUCE_EXP ? finite_or_zero(v_set(*center)) : v_set(*center));
    for (int i = 0; i < BLOCK_LANES; i++) lane[i] = center[i % inner];
    for (int k = 0; k < BLOCK_VECTORS; k++) {
        c.v[k] = v_load(lane + k * LANES);
        if (kind == REDUCE_EXP) c.v[k] = finite_or_zero(c.v[k]);
    }
    return c;
}

/* A few columns that divide a block: consecutive blocks, then the lanes by halves. */
static void reduce_run(reduce_kind kind, axis_shape s, const real *x, const real *center, real *y, real divisor,
                       bool add)
{
    int64_t size = s.count * s.inner;
    blocks b = {.count = (size + BLOCK_LANES - 1) / BLOCK_LANES, .step = BLOCK_LANES, .lanes = BLOCK_LANES};
    b.last = (int)(size - (b.count - 1) * BLOCK_LANES);
    for (int64_t o = 0; o < s.outer; o++, x += size, y += s.inner) {
        b.x = x;
        b.center = center_block(kind, center ? center + o * s.inner : NULL, s.inner);
        block sum = reduce_blocks(kind, &b);
#define JOIN(p, q) join(kind, p, q)
        BLOCK_FOLD(sum, s.inner, JOIN);
        for (int k = 0; k < BLOCK_VECTORS && k * LANES < s.inner; k++) {
            int64_t left = s.inner - k * LANES;
            V value = divisor != 1 ? sum.v[k] / divisor : sum.v[k];
            if (add) value = load_up_to(y + k * LANES, left) + value;
            store_up_to(y + k * LANES, value, left);
        }
    }
}

/* Strips of 64 bytes of columns. */
static void reduce_rows(reduce_kind kind, axis_shape s, const real *x, const real *center, real *y, real divisor,
                        bool add)
{
    for (int64_t o = 0; o < s.outer; o++, x += s.count * s.inner, y += s.inner)
        for (int64_t j = 0; j < s.inner; j += BLOCK_LANES) {
            int lanes = s.inner - j < BLOCK_LANES ? (int)(s.inner - j) : BLOCK_LANES;
            blocks b = {.x = x + j, .count = s.count, .step = s.inner, .lanes = lanes, .last = lanes};
            b.center = block_of(v_set(0));
            if (center) b.center = load_block(center + o * s.inner + j, lanes, v_set(0));
            if (kind == REDUCE_EXP)
                for (int k = 0; k < BLOCK_VECTORS; k++) b.center.v[k] = finite_or_zero(b.center.v[k]);
            block sum = reduce_blocks(kind, &b);
            if (divisor != 1)
                for (int k = 0; k < BLOCK_VECTORS; k++) sum.v[k] /= divisor;
            if (add) {
                block old = load_block(y + j, lanes, v_set(0));
                for (int k = 0; k < BLOCK_VECTORS; k++) sum.v[k] = old.v[k] + sum.v[k];
            }
            store_block(y + j, lanes, sum);
        }
}

static void run(reduce_kind kind, axis_shape shape, const void *x, const void *center, void *y, double divisor,
                bool add)
{
    if (shape.outer <= 0 || shape.inner <= 0) return;
    if (shape.inner < BLOCK_LANES && BLOCK_LANES % shape.inner == 0)
        reduce_run(kind, shape, x, center, y, (real)divisor, add);
    else
        reduce_rows(kind, shape, x, center, y, (real)divisor, add);
}

static bool equal_real(real a, real b)
{
    return a == b || (a != a && b != b);
}

static void find(bool greatest, axis_shape s, const void *data, int64_t *index)
{
    const real *x = data;
    if (s.inner == 1) {
        for (int64_t o = 0; o < s.outer; o++, x += s.count) {
            real best;
            run(greatest ? REDUCE_MAX : REDUCE_MIN, (axis_shape){1, s.count, 1}, x, NULL, &best, 1, false);
            int64_t i = 0;
            while (!equal_real(x[i], best)) i++;
            index[o] = i;
        }
        return;
    }
    for (int64_t o = 0; o < s.outer; o++, x += s.count * s.inner, index += s.inner)
        for (int64_t j = 0; j < s.inner; j++) {
            int64_t best = 0;
            for (int64_t i = 1; i < s.count; i++) {
                real new = x[i * s.inner + j], old = x[best * s.inner + j];
                if (old == old && (new != new || (greatest ? new > old : new < old))) best = i;
            }
            index[j] = best;
        }
}

KERNEL_INLINE V factor(spread_kind kind, V x, V center)
{
    switch (kind) {
    case SPREAD_DEVIATIONS: return x - center;
    case SPREAD_EXP: return v_exp(x - center);
    case SPREAD_EQUAL: return v_select((x == center) | ((x != x) & (center != center)), v_set(1), v_set(0));
    default: return v_set(1);
    }
}

/* n consecutive elements; c and g are one number each (step 0) or run along (step 1). */
KERNEL_INLINE void spread_row(spread_kind kind, int64_t n, const real *x, const real *c, const real *g, int step,
                              real scale, real *to, bool add)
{
    V one_c = v_set(c ? *c : 0), one_g = v_set(*g) * scale;
    for (int64_t i = 0, left = n; left > 0; i += LANES, left -= LANES) {
        V value = step ? load_up_to(g + i, left) * scale : one_g;
        if (kind != SPREAD_SUM) {
            V f = factor(kind, load_up_to(x + i, left), step ? load_up_to(c + i, left) : one_c);
            value = kind == SPREAD_EQUAL ? v_select(f != R(0), value, v_set(0)) : value * f;
        }
        if (add) value += load_up_to(to + i, left);
        store_up_to(to + i, value, left);
    }
}

#define SPREAD_FUNCTION(name, kind)                                                                                    \
    static void name(axis_shape s, const real *x, const real *c, const real *g, real scale, real *to, bool add)        \
    {                                                                                                                  \
        int64_t runs = s.inner == 1 ? s.outer : s.outer * s.count, width = s.inner == 1 ? s.count : s.inner;           \
        for (int64_t r = 0; r < runs; r++) {                                                                           \
            int64_t at = s.inner == 1 ? r : r / s.count * s.inner;                                                     \
            spread_row(kind, width, x ? x + r *width : NULL, c ? c + at : NULL, g + at, s.inner != 1, scale,           \
                       to + r * width, add);                                                                           \
        }                                                                                                              \
    }
SPREAD_FUNCTION(spread_sum, SPREAD_SUM)
SPREAD_FUNCTION(spread_deviations, SPREAD_DEVIATIONS)
SPREAD_FUNCTION(spread_exp, SPREAD_EXP)
SPREAD_FUNCTION(spread_equal, SPREAD_EQUAL)

static void spread(spread_kind kind, axis_shape shape, const void *x, const void *center, const void *g, double scale,
                   void *x_gradient, bool add)
{
    static void (*const functions[SPREAD_COUNT])(axis_shape, const real *, const real *, const real *, real, real *,
                                                 bool) = {spread_sum, spread_deviations, spread_exp, spread_equal};
    if (shape.outer <= 0 || shape.count <= 0 || shape.inner <= 0) return;
    functions[kind](shape, x, center, g, (real)scale, x_gradient, add);
}

#if KERNEL_BITS == 64
static double squares(int64_t n, const void *x)
{
    double sum = 0;
    run(REDUCE_SQUARES, (axis_shape){1, n, 1}, x, NULL, &sum, 1, false);
    return sum;
}
#else
#define SQUARE_LANES 32
#define SQUARE_STRETCH 4096
typedef double VD __attribute__((vector_size(V_BYTES)));
typedef float VH __attribute__((vector_size(V_BYTES / 2)));
#define HALF (LANES / 2)

/* Element i goes to lane i mod 32; the lanes by halves; stretches of 4096 one after the other in double, whose error is
 * far below what float elements carry. */
static double squares(int64_t n, const void *data)
{
    const float *x = data;
    double total = 0;
    for (int64_t first = 0; first < n; first += SQUARE_STRETCH, x += SQUARE_STRETCH) {
        int64_t size = n - first < SQUARE_STRETCH ? n - first : SQUARE_STRETCH, i = 0;
        VD sum[SQUARE_LANES / HALF] = {{0}};
        double lane[SQUARE_LANES];
        for (; i + SQUARE_LANES <= size; i += SQUARE_LANES)
            for (int k = 0; k < SQUARE_LANES / HALF; k++) {
                VH h;
                memcpy(&h, x + i + k * HALF, sizeof h);
                VD d = __builtin_convertvector(h, VD);
                sum[k] += d * d;
            }
        memcpy(lane, sum, sizeof lane);
        for (int k = 0; i < size; i++, k++) lane[k] += (double)x[i] * (double)x[i];
        for (int half = SQUARE_LANES / 2; half; half /= 2)
            for (int k = 0; k < half; k++) lane[k] += lane[k + half];
        total += lane[0];
    }
    return total;
}
#endif

static void log_add(int64_t n, const void *sum, void *center)
{
    const real *s = sum;
    real *c = center;
    for (int64_t i = 0, left = n; left > 0; i += LANES, left -= LANES)
        store_up_to(c + i, finite_or_zero(load_up_to(c + i, left)) + v_log(load_up_to(s + i, left)), left);
}

const struct reduce_kernels KERNEL(reduce_table) = {run, find, spread, squares, log_add};
