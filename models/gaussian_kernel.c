/* SPDX-License-Identifier: MIT
 *
 * The loops of the Gaussian renderer. Compiled once for every pair of instruction set (GAUSSIAN_ISA) and element type
 * (GAUSSIAN_REAL, GAUSSIAN_BITS).
 *
 * Along a row, at the distance e = y / height - m_y, the form q of a Gaussian is a parabola,
 *     q = A (x - x_e)^2 + K e^2,   A = c^2 X + s^2 Y,  B = c s (X - Y),  K = X Y / A,  x_e = m_x - (B / A) e,
 * with c, s the cosine and sine of the rotation, X = 1 / s_x^2, Y = 1 / s_y^2. So no digits cancel however thin the ellipse,
 * and the pixels within the cut-off are those with |x - x_e| <= sqrt((cutoff^2 - K e^2) / A). A weight below 2^-100 (2^-900
 * in double) counts as 0, which bounds the ellipse when there is no cut-off.
 */
#include "gaussian_kernel.h"

#include <math.h>
#include <string.h>
#if defined(__FMA__)
#include <immintrin.h>
#endif

#define PASTE_(name, isa, real) name##_##isa##_##real
#define PASTE(name, isa, real) PASTE_(name, isa, real)
#define NAME(name) PASTE(name, GAUSSIAN_ISA, GAUSSIAN_REAL)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

typedef GAUSSIAN_REAL real;
#if GAUSSIAN_BITS == 32
typedef int32_t lane_int;
typedef uint32_t lane_bits;
#define MANTISSA 23
#define ROUNDER R(0x1.8p23) /* adding it rounds to an integer, which then stands in the low bits */
#define LEAST_EXPONENT 100
#define HALF_LOG2E R(-0x1.715476p-1) /* -log2(e) / 2, and what it leaves out */
#define HALF_LOG2E_LOW R(-0x1.4ae0bf85ddf44p-27)
#else
typedef int64_t lane_int;
typedef uint64_t lane_bits;
#define MANTISSA 52
#define ROUNDER R(0x1.8p52)
#define LEAST_EXPONENT 900
#define HALF_LOG2E R(-0x1.71547652b82fep-1)
#define HALF_LOG2E_LOW R(-0x1.777d0ffda0d24p-57)
#endif
#define R(x) ((real)(x))

#if defined(__AVX512F__)
#define V_BYTES 64
#elif defined(__FMA__)
#define V_BYTES 32
#else
#define V_BYTES 16
#endif
#define LANES ((int)(V_BYTES / sizeof(real)))
typedef real V __attribute__((vector_size(V_BYTES)));
typedef lane_int VI __attribute__((vector_size(V_BYTES)));
typedef lane_bits VU __attribute__((vector_size(V_BYTES)));
#define INLINE static inline __attribute__((always_inline))

INLINE V v_load(const real *p)
{
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void v_store(real *p, V v)
{
    memcpy(p, &v, sizeof v);
}

/* As many elements as there are; the other lanes are 0. */
INLINE V v_load_up_to(const real *p, int64_t left)
{
    if (left >= LANES) return v_load(p);
    V v = {0};
    memcpy(&v, p, (size_t)left * sizeof *p);
    return v;
}

INLINE void v_store_up_to(real *p, V v, int64_t left)
{
    if (left >= LANES)
        v_store(p, v);
    else
        memcpy(p, &v, (size_t)left * sizeof *p);
}

INLINE V v_set(real x)
{
    return x - (V){0};
}

INLINE V v_where(VI mask, V v)
{
    return (V)(mask & (VI)v);
}

/* a b + c, rounded once where the instruction set can. */
INLINE V v_fma(V a, V b, V c)
{
#if !defined(__FMA__)
    return a * b + c;
#elif GAUSSIAN_BITS == 32 && V_BYTES == 64
    return _mm512_fmadd_ps(a, b, c);
#elif GAUSSIAN_BITS == 32
    return _mm256_fmadd_ps(a, b, c);
#elif V_BYTES == 64
    return _mm512_fmadd_pd(a, b, c);
#else
    return _mm256_fmadd_pd(a, b, c);
#endif
}

INLINE real v_total(V v)
{
    real lane[LANES];
    v_store(lane, v);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* exp(-q/2) = 2^t for 0 <= q <= 2 LEAST_EXPONENT log 2: the whole part of t goes into the exponent, 2^f of the rest is a
 * polynomial through Chebyshev's points of [-1/2, 1/2], of relative error 3e-9 in float and 5e-18 in double. */
INLINE V v_bell(V q)
{
#if GAUSSIAN_BITS == 32
    static const real c[] = {1.5461445e-4f, 1.3400428e-3f, 9.618057e-3f, 5.5503272e-2f, 0.24022651f, 0.69314721f, 1};
#else
    static const real c[] = {4.4558179083360645e-10, 7.0741942972885208e-9, 1.0178057087733941e-7,
                             1.3215432535912375e-6,  1.5252733841556773e-5, 1.5403530463724353e-4,
                             1.3333558146406470e-3,  9.6181291075872563e-3, 5.5504108664821625e-2,
                             0.24022650695910158,    0.69314718055994531,   1};
#endif
    V rounded = v_fma(q, v_set(HALF_LOG2E), v_set(ROUNDER)), n = rounded - ROUNDER;
    V f = v_fma(q, v_set(HALF_LOG2E_LOW), v_fma(q, v_set(HALF_LOG2E), -n)), p = v_set(c[0]);
    for (int i = 1; i < (int)(sizeof c / sizeof *c); i++) p = v_fma(p, f, v_set(c[i]));
    return (V)((VU)p + ((VU)rounded << MANTISSA)); /* whatever beyond the limit, where nobody looks */
}

typedef struct shape {
    real mx, my, slant, a, k, reach; /* slant: B / A; reach: cutoff^2, a little more for the spans' sake */
    real c, s, x, y, colour[3], opacity;
    int32_t first, last; /* rows */
} shape;

static real limit_of(const gaussian_scene *g)
{
    real most = R(2 * 0.6931471805599453 * LEAST_EXPONENT), square = (real)(g->cutoff * g->cutoff);
    return square < most ? square : most;
}

static int64_t stride_of(const gaussian_scene *g)
{
    return (g->width + LANES - 1) / LANES * LANES;
}

/* x, not below 0 nor above most, as an integer. */
INLINE int32_t within(real x, real most)
{
    x = x > 0 ? x : 0;
    return (int32_t)(x < most ? x : most);
}

/* 1 / s^2 with s or its logarithm given, never 0. */
static real inverse_square(const gaussian_scene *g, real s)
{
    if (g->log_scale) s = (real)exp((double)s);
    real i = 1 / (s * s);
    return i > R(1e-24) ? i : R(1e-24);
}

static bool shape_of(const gaussian_scene *g, int64_t i, shape *to)
{
    const real *position = (const real *)g->part[0] + 2 * i, *scale = (const real *)g->part[1] + 2 * i;
    const real turn = ((const real *)g->part[2])[i], *colour = (const real *)g->part[3] + 3 * i;
    shape f = {.mx = position[0], .my = position[1], .c = 1, .opacity = ((const real *)g->part[4])[i]};
    if (turn != 0) {
        f.c = GAUSSIAN_BITS == 32 ? (real)cosf((float)turn) : (real)cos((double)turn);
        f.s = GAUSSIAN_BITS == 32 ? (real)sinf((float)turn) : (real)sin((double)turn);
    }
    f.x = inverse_square(g, scale[0]);
    f.y = inverse_square(g, scale[1]);
    f.a = f.c * f.c * f.x + f.s * f.s * f.y;
    f.slant = f.c * f.s * (f.x - f.y) / f.a;
    f.k = f.x * (f.y / f.a);
    f.reach = limit_of(g) * (1 + R(1e-5));
    real sum = f.mx + f.my + f.slant + f.k + f.a + f.opacity;
    for (int k = 0; k < 3; k++) sum += f.colour[k] = colour[k];
    if (!(sum - sum == 0)) return false;
    real high = (real)g->height, half = (real)sqrt((double)(f.reach / f.k));
    f.first = within((f.my - half) * high, high);
    f.last = within((f.my + half) * high + R(1.01), high);
    if (f.last < f.first) f.last = f.first;
    *to = f;
    return true;
}

static int64_t prepare(const gaussian_scene *g)
{
    real *column = g->axes, *row = column + stride_of(g);
    for (int64_t x = 0; x < stride_of(g); x++) column[x] = (real)x / (real)g->width;
    for (int64_t y = 0; y < g->height; y++) row[y] = (real)y / (real)g->height;
    shape *shapes = g->shapes;
    int64_t rows = 0;
    for (int64_t i = 0; i < g->count; i++) {
        if (!shape_of(g, i, &shapes[i])) return -1;
        rows += shapes[i].last - shapes[i].first;
    }
    return rows;
}

/* Whole vectors; a hundredth of a pixel and the little more of `reach` make up for rounding, the test of q decides. */
static int64_t spans(const gaussian_scene *g)
{
    const shape *shapes = g->shapes;
    const real *row = (const real *)g->axes + stride_of(g), wide = (real)g->width;
    int32_t *to = g->spans;
    int64_t total = 0;
    for (int64_t i = 0; i < g->count; i++) {
        const shape f = shapes[i];
        const real inverse = 1 / f.a;
        int32_t lanes = 0;
        for (int32_t y = f.first; y < f.last; y++) {
            real e = row[y] - f.my, d = (f.reach - f.k * e * e) * inverse;
            real half = d > 0 ? GAUSSIAN_BITS == 32 ? (real)sqrtf((float)d) : (real)sqrt((double)d) : R(-1);
            real centre = f.mx - f.slant * e;
            int32_t first = within((centre - half) * wide + R(0.99), wide) & -LANES;
            int32_t last = (within((centre + half) * wide + R(1.01), wide) + LANES - 1) & -LANES;
            last = last < first || half < 0 ? first : last;
            to[2 * (y - f.first)] = first;
            to[2 * (y - f.first) + 1] = last;
            lanes += last - first;
        }
        to += 2 * (f.last - f.first);
        total += lanes;
    }
    return total;
}

INLINE V weight_of(V distance, V a, V base, V limit)
{
    V q = v_fma(a * distance, distance, base);
    return v_where(q <= limit, v_bell(q));
}

INLINE void splat_all(const gaussian_scene *g, real *weights)
{
    const int64_t stride = stride_of(g);
    const real *column = g->axes, *row = column + stride;
    const int32_t *span = g->spans;
    const V limit = v_set(limit_of(g));
    memset(g->sums, 0, (size_t)(4 * stride * g->height) * sizeof(real));
    for (int64_t i = 0; i < g->count; i++) {
        const shape *f = (const shape *)g->shapes + i;
        const V a = v_set(f->a), opacity = v_set(f->opacity);
        const V red = opacity * f->colour[0], green = opacity * f->colour[1], blue = opacity * f->colour[2];
        for (int32_t y = f->first; y < f->last; y++, span += 2) {
            const real e = row[y] - f->my;
            const V centre = v_set(f->mx - f->slant * e), base = v_set(f->k * e * e);
            real *sums = (real *)g->sums + 4 * (y * stride);
            for (int32_t x = span[0]; x < span[1]; x += LANES) {
                V w = weight_of(v_load(column + x) - centre, a, base, limit);
                real *at = sums + 4 * x;
                if (weights) {
                    v_store(weights, w);
                    weights += LANES;
                }
                v_store(at, v_fma(w, opacity, v_load(at)));
                v_store(at + LANES, v_fma(w, red, v_load(at + LANES)));
                v_store(at + 2 * LANES, v_fma(w, green, v_load(at + 2 * LANES)));
                v_store(at + 3 * LANES, v_fma(w, blue, v_load(at + 3 * LANES)));
            }
        }
    }
}

static void splat(const gaussian_scene *g)
{
    if (g->weights)
        splat_all(g, g->weights);
    else
        splat_all(g, NULL);
}

/* What C is multiplied by. */
INLINE V factor_of(const gaussian_scene *g, V sum)
{
    if (!g->divides) return v_set(1);
    V inverse = R(1) / (sum + (real)g->eps);
    return g->least ? v_where(sum > R(GAUSSIAN_LEAST_WEIGHT), inverse) : inverse;
}

static void blend(const gaussian_scene *g, void *image)
{
    const int64_t plane = g->width * g->height;
    const real *sums = g->sums;
    for (int64_t y = 0; y < g->height; y++)
        for (int64_t x = 0; x < g->width; x += LANES, sums += 4 * LANES) {
            V factor = factor_of(g, v_load(sums));
            real *to = (real *)image + y * g->width + x;
            for (int k = 0; k < 3; k++)
                v_store_up_to(to + k * plane, v_load(sums + (k + 1) * LANES) * factor, g->width - x);
        }
}

/* By C: g factor; by W: -(g . colour) factor where C is divided. */
static void unblend(const gaussian_scene *g, const void *image, const void *gradient)
{
    const int64_t plane = g->width * g->height;
    const real *sums = g->sums;
    real *to = g->by_sums;
    for (int64_t y = 0; y < g->height; y++)
        for (int64_t x = 0; x < g->width; x += LANES, sums += 4 * LANES, to += 4 * LANES) {
            V factor = factor_of(g, v_load(sums)), product = v_set(0);
            const int64_t at = y * g->width + x, left = g->width - x;
            for (int k = 0; k < 3; k++) {
                V by = v_load_up_to((const real *)gradient + k * plane + at, left) * factor;
                product = v_fma(by, v_load_up_to((const real *)image + k * plane + at, left), product);
                v_store(to + (k + 1) * LANES, by);
            }
            v_store(to, g->divides ? -product : v_set(0));
        }
}

/* Sums over the pixels of a Gaussian, with b = exp(-q/2): of b times the gradient by C, and of d = b times the gradient by
 * the weight, alone and times powers of x - x_e and e. */
typedef struct moments {
    V red, green, blue, one, x, y, xx, xy, yy;
} moments;

/* `kept`: the Gaussian's weights, or NULL. */
INLINE moments moments_of(const gaussian_scene *g, const shape *f, const int32_t *span, const real **kept)
{
    const int64_t stride = stride_of(g);
    const real *column = g->axes, *row = column + stride, *weights = kept ? *kept : NULL;
    const V limit = v_set(limit_of(g)), a = v_set(f->a);
    const V red = v_set(f->colour[0]), green = v_set(f->colour[1]), blue = v_set(f->colour[2]);
    moments m = {0};
    for (int32_t y = f->first; y < f->last; y++, span += 2) {
        const real e = row[y] - f->my;
        const V centre = v_set(f->mx - f->slant * e), base = v_set(f->k * e * e);
        const real *by_sums = (const real *)g->by_sums + 4 * (y * stride);
        V one = {0}, first = {0};
        for (int32_t x = span[0]; x < span[1]; x += LANES) {
            const real *at = by_sums + 4 * x;
            V distance = v_load(column + x) - centre, w;
            if (kept) {
                w = v_load(weights);
                weights += LANES;
            } else {
                w = weight_of(distance, a, base, limit);
            }
            V by_w = v_load(at), by_red = v_load(at + LANES);
            V by_green = v_load(at + 2 * LANES), by_blue = v_load(at + 3 * LANES);
            m.red = v_fma(w, by_red, m.red);
            m.green = v_fma(w, by_green, m.green);
            m.blue = v_fma(w, by_blue, m.blue);
            V d = w * v_fma(by_red, red, v_fma(by_green, green, v_fma(by_blue, blue, by_w)));
            V dx = d * distance;
            one += d;
            first += dx;
            m.xx = v_fma(dx, distance, m.xx);
        }
        const V ev = v_set(e), ye = one * ev;
        m.one += one;
        m.x += first;
        m.y += ye;
        m.xy = v_fma(first, ev, m.xy);
        m.yy = v_fma(ye, ev, m.yy);
    }
    if (kept) *kept = weights;
    return m;
}

INLINE void put(void *to, bool add, int64_t i, real value)
{
    if (to) ((real *)to)[i] = add ? ((real *)to)[i] + value : value;
}

/* With u = c (x - x_e) + (s Y / A) e and v = -s (x - x_e) + (c X / A) e, the coordinates along the axes,
 *     dq/dm_x = -2 A (x - x_e),  dq/dm_y = -2 B (x - x_e) - 2 K e,  dq/ds_x = -2 u^2 X / s_x,  dq/dt = 2 u v (X - Y),
 * and the gradient by q is -opacity d / 2. */
static void finish(const gaussian_scene *g, int64_t i, const moments *m, void *const to[5], const bool add[5])
{
    const shape *f = (const shape *)g->shapes + i;
    const real *scale = (const real *)g->part[1] + 2 * i, c = f->c, s = f->s, opacity = f->opacity;
    const real x = opacity * v_total(m->x), y = opacity * v_total(m->y);
    const real xx = opacity * v_total(m->xx), xy = opacity * v_total(m->xy), yy = opacity * v_total(m->yy);
    const real ue = s * f->y / f->a, ve = c * f->x / f->a;
    const real uu = c * c * xx + 2 * c * ue * xy + ue * ue * yy, vv = s * s * xx - 2 * s * ve * xy + ve * ve * yy;
    const real uv = -c * s * xx + (c * ve - s * ue) * xy + ue * ve * yy;
    put(to[0], add[0], 2 * i, f->a * x);
    put(to[0], add[0], 2 * i + 1, f->a * f->slant * x + f->k * y);
    put(to[1], add[1], 2 * i, uu * f->x / (g->log_scale ? 1 : scale[0]));
    put(to[1], add[1], 2 * i + 1, vv * f->y / (g->log_scale ? 1 : scale[1]));
    put(to[2], add[2], i, uv * (f->y - f->x));
    put(to[3], add[3], 3 * i, opacity * v_total(m->red));
    put(to[3], add[3], 3 * i + 1, opacity * v_total(m->green));
    put(to[3], add[3], 3 * i + 2, opacity * v_total(m->blue));
    put(to[4], add[4], i, v_total(m->one));
}

static void gather(const gaussian_scene *g, void *const gradient[5], const bool add[5])
{
    const shape *shapes = g->shapes;
    const int32_t *span = g->spans;
    const real *weights = g->weights;
    for (int64_t i = 0; i < g->count; i++) {
        moments m = weights ? moments_of(g, &shapes[i], span, &weights) : moments_of(g, &shapes[i], span, NULL);
        finish(g, i, &m, gradient, add);
        span += 2 * (shapes[i].last - shapes[i].first);
    }
}

static int64_t uncovered(const gaussian_scene *g, uint8_t *mask)
{
    const int64_t stride = stride_of(g);
    const real *sums = g->sums;
    int64_t count = 0;
    for (int64_t y = 0; y < g->height; y++)
        for (int64_t x = 0; x < g->width; x++) {
            bool dark = !(sums[4 * (y * stride + x / LANES * LANES) + x % LANES] > R(GAUSSIAN_LEAST_WEIGHT));
            if (mask) mask[y * g->width + x] = dark;
            count += dark;
        }
    return count;
}

extern const gaussian_kernels NAME(gaussian_table);
const gaussian_kernels NAME(gaussian_table) = {
    .isa = TEXT(GAUSSIAN_ISA),
    .wide = GAUSSIAN_BITS == 64,
    .lanes = LANES,
    .shape_bytes = sizeof(shape),
    .prepare = prepare,
    .spans = spans,
    .splat = splat,
    .blend = blend,
    .unblend = unblend,
    .gather = gather,
    .uncovered = uncovered,
};
