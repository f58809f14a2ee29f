/* SPDX-License-Identifier: MIT
 *
 * The loops of the Gaussian renderer. Compiled once for every pair of instruction set (GAUSSIAN_ISA) and element type
 * (GAUSSIAN_REAL, GAUSSIAN_BITS).
 *
 * Down a column, at the distance d = x / width - m_x, the form q of a Gaussian is a parabola,
 *     q = C (y - y_x)^2 + K d^2,   C = s^2 X + c^2 Y,  B = c s (X - Y),  K = X Y / C,  y_x = m_y - (B / C) d,
 * with c, s the cosine and sine of the rotation, X = 1 / s_x^2, Y = 1 / s_y^2. So no digits cancel however thin the ellipse,
 * and the pixels within the cut-off are those with |y - y_x| <= sqrt((cutoff^2 - K d^2) / C). A weight below 2^-100 (2^-900
 * in double) counts as 0, which bounds the ellipse when there is no cut-off.
 */
#include "gaussian_kernel.h"
#include "gaussian_vector.h"

/* In columns of a vector's width, at the distance d = x - m_x, the form is a parabola of y. */
typedef struct shape {
    real mx, my, c, s, x, y, colour[3], opacity;
    real a, slant, k, reach; /* C, B / C, K; cutoff^2, a little more for the spans' sake */
    real top;                /* the distance of the topmost point */
    int64_t rows_at;         /* where the factors of its rows begin, */
    int64_t columns_at;      /* those of its columns */
    int64_t kept_at, kept;   /* its first and its next weight among those in memory */
} shape;

/* The columns, as whole vectors, and the rows that a Gaussian reaches. */
typedef struct bounds {
    int32_t left, right, first, last;
} bounds;

/* With axes along those of the image exp(-q/2) is the product of a factor of the column and one of the row. */
INLINE bool is_upright(const shape *f)
{
    return f->slant == 0;
}

static real limit_of(const gaussian_scene *g)
{
    real most = R(2 * 0.6931471805599453 * LEAST_EXPONENT), square = (real)(g->cutoff * g->cutoff);
    return square < most ? square : most;
}

INLINE int64_t round_up(int64_t n)
{
    return (n + LANES - 1) & -LANES;
}

/* x, not below 0 nor above most, as an integer. */
INLINE int32_t within(real x, real most)
{
    x = x > 0 ? x : 0;
    return (int32_t)(x < most ? x : most);
}

/* The pixels from middle - half to middle + half, and what rounding may hide. */
INLINE void range(real middle, real half, int64_t size, int32_t *from, int32_t *to)
{
    const real n = (real)size;
    *from = within((middle - half) * n, n);
    *to = within((middle + half) * n + R(1.02), n);
    if (*to < *from) *to = *from;
}

/* 1 / s^2 with s or its logarithm given, never 0. */
static real inverse_square(const gaussian_scene *g, real s)
{
    if (g->log_scale) s = (real)exp((double)s);
    real i = 1 / (s * s);
    return i > R(1e-24) ? i : R(1e-24);
}

static bool shape_of(const gaussian_scene *g, int64_t i, shape *to, bounds *box)
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
    const real b = f.c * f.s * (f.x - f.y), a = f.c * f.c * f.x + f.s * f.s * f.y;
    f.a = f.s * f.s * f.x + f.c * f.c * f.y;
    f.slant = b / f.a;
    f.k = f.x * (f.y / f.a);
    f.reach = limit_of(g) * (1 + R(1e-5));
    real sum = f.mx + f.my + f.slant + f.k + f.a + f.opacity;
    for (int k = 0; k < 3; k++) sum += f.colour[k] = colour[k];
    if (!(sum - sum == 0)) return false;
    const real high = (real)sqrt((double)(f.reach / (f.x * (f.y / a))));
    f.top = b != 0 ? -b / a * high : 0; /* a needle's height may be more than there are numbers for */
    range(f.my, high, g->height, &box->first, &box->last);
    range(f.mx, (real)sqrt((double)(f.reach / f.k)), g->width, &box->left, &box->right);
    box->left &= -LANES;
    box->right = (int32_t)round_up(box->right);
    *to = f;
    return true;
}

static bool prepare(gaussian_scene *g)
{
    const int64_t stride = round_up(g->width);
    real *column = g->axes, *row = column + stride;
    for (int64_t x = 0; x < stride; x++) column[x] = (real)x / (real)g->width;
    for (int64_t y = 0; y < g->height + LANES; y++) row[y] = (real)y / (real)g->height;
    shape *shapes = g->shapes;
    bounds *boxes = g->bounds;
    g->rows = g->columns = 0;
    for (int64_t i = 0; i < g->count; i++) {
        if (!shape_of(g, i, &shapes[i], &boxes[i])) return false;
        shapes[i].rows_at = g->rows;
        shapes[i].columns_at = g->columns;
        g->columns += boxes[i].right - boxes[i].left;
        if (is_upright(&shapes[i])) g->rows += round_up(boxes[i].last - boxes[i].first);
    }
    return true;
}

/* Of the columns of an upright ellipse: the factors, vector by vector with their part of q. */
static void column_factors(const gaussian_scene *g, const shape *f, const bounds *box)
{
    const real *column = g->axes;
    real *to = (real *)g->column_factors + 2 * f->columns_at;
    for (int32_t x = box->left; x < box->right; x += LANES, to += 2 * LANES) {
        V distance = v_load(column + x) - f->mx, q = f->k * distance * distance;
        v_store(to, v_bell(q));
        v_store(to + LANES, q);
    }
}

/* Of its rows: the factors, in a second place what they leave to q, in a third their distance. */
static void row_factors(const gaussian_scene *g, const shape *f, const bounds *box)
{
    const real *row = (const real *)g->axes + round_up(g->width);
    const V limit = v_set(limit_of(g));
    real *to = (real *)g->row_factors + f->rows_at;
    for (int32_t y = box->first; y < box->last; y += LANES, to += LANES) {
        V e = v_load(row + y) - f->my, q = f->a * e * e;
        v_store(to, v_bell(q));
        v_store(to + g->rows, limit - q);
        v_store(to + 2 * g->rows, e);
    }
}

/* Rows that a Gaussian reaches in each vector of columns: the highest point there is its topmost one or the nearest to it,
 * and so below. A hundredth of a pixel and the little more of `reach` make up for rounding, the test of q decides. */
static int64_t spans_of(const gaussian_scene *g, const shape *f, const bounds *box)
{
    const real high = (real)g->height, step = R(LANES) / (real)g->width;
    const V least = v_set((real)box->first), most = v_set((real)box->last); /* row_factors has no other rows */
    int32_t *from = g->spans + f->columns_at / LANES, *to = from + g->columns / LANES;
    int64_t pixels = 0;
    V number;
    for (int i = 0; i < LANES; i++) number[i] = (real)i;
    const V apart = number * step;
    for (int32_t left = box->left; left < box->right; left += LANES * LANES) {
        const V near = apart + (((real)left / (real)g->width) - f->mx), far = near + R(LANES - 1) / (real)g->width;
        V up = v_clamp(v_set(f->top), near, far), down = v_clamp(v_set(-f->top), near, far);
        up = f->my - f->slant * up + v_root((f->reach - f->k * up * up) / f->a);
        down = f->my - f->slant * down - v_root((f->reach - f->k * down * down) / f->a);
        const VS first = v_within(down * high + R(0.99), least, most),
                 last = v_within(up * high + R(1.01), least, most);
        for (int i = 0; i < LANES && left + LANES * i < box->right; i++, from++, to++) {
            *from = first[i];
            *to = last[i] < first[i] ? first[i] : last[i];
            pixels += LANES * (*to - *from);
        }
    }
    return pixels;
}

static int64_t measure(const gaussian_scene *g)
{
    shape *shapes = g->shapes;
    const bounds *boxes = g->bounds;
    int64_t kept = 0;
    for (int64_t i = 0; i < g->count; i++) {
        shape *f = &shapes[i];
        int64_t pixels = spans_of(g, f, &boxes[i]);
        f->kept_at = f->kept = kept;
        if (is_upright(f)) {
            column_factors(g, f, &boxes[i]);
            row_factors(g, f, &boxes[i]);
        } else {
            kept += pixels;
        }
    }
    return kept;
}

INLINE V weight_of(V distance, V a, V base, V limit)
{
    V q = v_fma(a * distance, distance, base);
    return v_where(q <= limit, v_bell(q));
}

/* A vector of columns, and the rows of it whose sums stay in the nearest cache. All Gaussians are worked through for one
 * tile, then for the next. */
typedef struct tile {
    int64_t column, first, last;
} tile;

/* Begins with a tile of zeros. */
static bool next_tile(const gaussian_scene *g, tile *t)
{
    if (t->last > 0) t->column += LANES;
    if (t->column >= g->width) {
        t->column = 0;
        t->first = t->last;
    }
    t->last = t->first + g->tile_rows < g->height ? t->first + g->tile_rows : g->height;
    return t->first < g->height;
}

INLINE bool is_in(const bounds *box, const tile *t)
{
    return (box->left <= t->column) & (t->column < box->right) & (box->first < t->last) & (box->last > t->first);
}

/* A Gaussian in a tile: its rows there, and what the tile's columns are to it. */
typedef struct strip {
    int64_t first, last;
    V distance, base;                 /* x - m_x, K d^2 */
    V factor_of_column, centre;       /* upright; slanted: y_x */
    const real *factor, *left, *away; /* upright: of a row the factor, what is left to q, and y - m_y */
    const real *row;                  /* slanted: y / height */
} strip;

INLINE strip strip_of(const gaussian_scene *g, const shape *f, const bounds *box, const tile *t)
{
    const real *column = g->axes;
    const int64_t at = f->columns_at + t->column - box->left;
    const int32_t from = g->spans[at / LANES], to = g->spans[(at + g->columns) / LANES];
    strip s = {.first = from > t->first ? from : t->first, .last = to < t->last ? to : t->last};
    s.distance = v_load(column + t->column) - f->mx;
    if (is_upright(f)) {
        s.factor = (const real *)g->row_factors + f->rows_at - box->first;
        s.left = s.factor + g->rows;
        s.away = s.left + g->rows;
        s.factor_of_column = v_load((const real *)g->column_factors + 2 * at);
        s.base = v_load((const real *)g->column_factors + 2 * at + LANES);
    } else {
        s.row = column + round_up(g->width);
        s.centre = f->my - f->slant * s.distance;
        s.base = f->k * s.distance * s.distance;
    }
    return s;
}

/* How the weights of a Gaussian are had. */
typedef enum weights_from { FROM_FACTORS, FROM_FORM, FROM_MEMORY } weights_from;

/* a <= b for a not below 0, where bits order as numbers do: integers are compared while others multiply. */
INLINE VI not_above(V a, V b)
{
    return ~((VI)a > (VI)b);
}

/* y - y_x in row y. */
INLINE V away_of(const strip *s, int64_t y, weights_from way)
{
    return way == FROM_FACTORS ? v_set(s->away[y]) : s->row[y] - s->centre;
}

INLINE V weights_of(const strip *s, int64_t y, V away, V a, V limit, weights_from way, const real *kept)
{
    if (way == FROM_FACTORS) return v_where(not_above(s->base, v_set(s->left[y])), s->factor_of_column * s->factor[y]);
    return way == FROM_FORM ? weight_of(away, a, s->base, limit) : v_load(kept);
}

/* `keep`: the weights go to memory. */
INLINE void splat(const gaussian_scene *g, shape *f, const bounds *box, const tile *t, weights_from way, bool keep)
{
    const strip s = strip_of(g, f, box, t);
    const V limit = v_set(limit_of(g)), a = v_set(f->a), opacity = v_set(f->opacity);
    const V red = opacity * f->colour[0], green = opacity * f->colour[1], blue = opacity * f->colour[2];
    real *at = (real *)g->sums + 4 * LANES * (s.first - t->first), *kept = keep ? (real *)g->weights + f->kept : NULL;
    for (int64_t y = s.first; y < s.last; y++, at += 4 * LANES) {
        const V w = weights_of(&s, y, away_of(&s, y, way), a, limit, way, NULL);
        if (keep) {
            v_store(kept, w);
            kept += LANES;
        }
        v_store(at, v_fma(w, opacity, v_load(at)));
        v_store(at + LANES, v_fma(w, red, v_load(at + LANES)));
        v_store(at + 2 * LANES, v_fma(w, green, v_load(at + 2 * LANES)));
        v_store(at + 3 * LANES, v_fma(w, blue, v_load(at + 3 * LANES)));
    }
    if (keep) f->kept = kept - (real *)g->weights;
}

/* What C is multiplied by. */
INLINE V factor_of(const gaussian_scene *g, V sum)
{
    if (!g->divides) return v_set(1);
    V inverse = R(1) / (sum + (real)g->eps);
    return g->least ? v_where(sum > R(GAUSSIAN_LEAST_WEIGHT), inverse) : inverse;
}

/* `left`: columns of the tile that are in the image. */
INLINE void blend_columns(const gaussian_scene *g, const tile *t, int64_t left, real *to)
{
    const int64_t plane = g->width * g->height, stride = round_up(g->width);
    const real *sums = g->sums;
    real *weight = (real *)g->weight_sums + t->first * stride + t->column;
    if (to) to += t->first * g->width + t->column;
    for (int64_t y = t->first; y < t->last; y++, sums += 4 * LANES, weight += stride) {
        v_store(weight, v_load(sums));
        if (!to) continue;
        const V factor = factor_of(g, v_load(sums));
        for (int k = 0; k < 3; k++) v_store_up_to(to + k * plane, v_load(sums + (k + 1) * LANES) * factor, left);
        to += g->width;
    }
}

static void blend(const gaussian_scene *g, const tile *t, void *image)
{
    if (g->width - t->column >= LANES)
        blend_columns(g, t, LANES, image);
    else
        blend_columns(g, t, g->width - t->column, image);
}

static void render(const gaussian_scene *g, void *image)
{
    shape *shapes = g->shapes;
    const bounds *boxes = g->bounds;
    for (tile t = {0}; next_tile(g, &t);) {
        memset(g->sums, 0, (size_t)(4 * LANES * (t.last - t.first)) * sizeof(real));
        for (int64_t i = 0; i < g->count; i++) {
            if (!is_in(&boxes[i], &t)) continue;
            if (is_upright(&shapes[i]))
                splat(g, &shapes[i], &boxes[i], &t, FROM_FACTORS, false);
            else
                splat(g, &shapes[i], &boxes[i], &t, FROM_FORM, g->weights != NULL);
        }
        blend(g, &t, image);
    }
}

/* The gradient by the sums. By C: g factor; by W: -(g . colour) factor where C is divided. Beyond the image, where the
 * factor need not be finite, it is 0. */
INLINE void unblend_columns(const gaussian_scene *g, const tile *t, int64_t left, const real *image, const real *by)
{
    const int64_t plane = g->width * g->height, stride = round_up(g->width), first = t->first * g->width + t->column;
    const real *weight = (const real *)g->weight_sums + t->first * stride + t->column;
    const VI inside = v_lanes(left);
    real *to = g->sums;
    image += first;
    by += first;
    for (int64_t y = t->first; y < t->last; y++, to += 4 * LANES, weight += stride) {
        const V factor = v_where(inside, factor_of(g, v_load(weight)));
        V product = v_set(0);
        for (int k = 0; k < 3; k++) {
            V by_sum = v_load_up_to(by + k * plane, left) * factor;
            product = v_fma(by_sum, v_load_up_to(image + k * plane, left), product);
            v_store(to + (k + 1) * LANES, by_sum);
        }
        v_store(to, g->divides ? -product : v_set(0));
        image += g->width;
        by += g->width;
    }
}

static void unblend(const gaussian_scene *g, const tile *t, const void *image, const void *gradient)
{
    if (g->width - t->column >= LANES)
        unblend_columns(g, t, LANES, image, gradient);
    else
        unblend_columns(g, t, g->width - t->column, image, gradient);
}

/* Sums over the pixels of a Gaussian, with b = exp(-q/2): of b times the gradient by C, and of d = b times the gradient by
 * the weight, alone and times powers of x - m_x and of y - y_x. */
typedef struct moments {
    V red, green, blue, one, x, y, xx, xy, yy;
} moments;

INLINE void collect(const gaussian_scene *g, shape *f, const bounds *box, const tile *t, moments *to, weights_from way)
{
    const strip s = strip_of(g, f, box, t);
    const V limit = v_set(limit_of(g)), a = v_set(f->a);
    const real *at = (const real *)g->sums + 4 * LANES * (s.first - t->first);
    const real *kept = way == FROM_MEMORY ? (const real *)g->weights + f->kept : NULL;
    const V red = v_set(f->colour[0]), green = v_set(f->colour[1]), blue = v_set(f->colour[2]);
    V by_red = to->red, by_green = to->green, by_blue = to->blue, one = {0}, first = {0}, second = {0};
    for (int64_t y = s.first; y < s.last; y++, at += 4 * LANES) {
        const V away = away_of(&s, y, way), w = weights_of(&s, y, away, a, limit, way, kept);
        if (way == FROM_MEMORY) kept += LANES;
        V d = v_fma(red, v_load(at + LANES), v_load(at));
        d = v_fma(green, v_load(at + 2 * LANES), d);
        d = w * v_fma(blue, v_load(at + 3 * LANES), d);
        by_red = v_fma(w, v_load(at + LANES), by_red);
        by_green = v_fma(w, v_load(at + 2 * LANES), by_green);
        by_blue = v_fma(w, v_load(at + 3 * LANES), by_blue);
        const V times = d * away;
        one += d;
        first += times;
        second = v_fma(times, away, second);
    }
    const V x = one * s.distance;
    to->red = by_red;
    to->green = by_green;
    to->blue = by_blue;
    to->one += one;
    to->x += x;
    to->y += first;
    to->xx = v_fma(x, s.distance, to->xx);
    to->xy = v_fma(first, s.distance, to->xy);
    to->yy += second;
    if (way == FROM_MEMORY) f->kept = kept - (const real *)g->weights;
}

INLINE void put(void *to, bool add, int64_t i, real value)
{
    if (to) ((real *)to)[i] = add ? ((real *)to)[i] + value : value;
}

/* With d = x - m_x, e = y - y_x, and u = s e + (c Y / C) d, v = c e - (s X / C) d, the coordinates along the axes,
 *     dq/dm_x = -2 B e - 2 K d,  dq/dm_y = -2 C e,  dq/ds_x = -2 u^2 X / s_x,  dq/dt = 2 u v (X - Y),
 * and the gradient by q is -opacity d / 2. */
static void finish(const gaussian_scene *g, int64_t i, const moments *m, void *const to[5], const bool add[5])
{
    const shape *f = (const shape *)g->shapes + i;
    const real *scale = (const real *)g->part[1] + 2 * i, c = f->c, s = f->s, opacity = f->opacity;
    const real x = opacity * v_total(m->x), y = opacity * v_total(m->y);
    const real xx = opacity * v_total(m->xx), xy = opacity * v_total(m->xy), yy = opacity * v_total(m->yy);
    const real ud = c * f->y / f->a, vd = s * f->x / f->a;
    const real uu = s * s * yy + 2 * s * ud * xy + ud * ud * xx, vv = c * c * yy - 2 * c * vd * xy + vd * vd * xx;
    const real uv = c * s * yy + (c * ud - s * vd) * xy - ud * vd * xx;
    put(to[0], add[0], 2 * i, f->a * f->slant * y + f->k * x);
    put(to[0], add[0], 2 * i + 1, f->a * y);
    put(to[1], add[1], 2 * i, uu * f->x / (g->log_scale ? 1 : scale[0]));
    put(to[1], add[1], 2 * i + 1, vv * f->y / (g->log_scale ? 1 : scale[1]));
    put(to[2], add[2], i, uv * (f->y - f->x));
    put(to[3], add[3], 3 * i, opacity * v_total(m->red));
    put(to[3], add[3], 3 * i + 1, opacity * v_total(m->green));
    put(to[3], add[3], 3 * i + 2, opacity * v_total(m->blue));
    put(to[4], add[4], i, v_total(m->one));
}

static void gather(const gaussian_scene *g, const void *image, const void *by_image, void *const gradient[5],
                   const bool add[5])
{
    shape *shapes = g->shapes;
    const bounds *boxes = g->bounds;
    moments *m = g->moments;
    memset(m, 0, (size_t)g->count * sizeof *m);
    for (int64_t i = 0; i < g->count; i++) shapes[i].kept = shapes[i].kept_at;
    for (tile t = {0}; next_tile(g, &t);) {
        unblend(g, &t, image, by_image);
        for (int64_t i = 0; i < g->count; i++) {
            if (!is_in(&boxes[i], &t)) continue;
            if (is_upright(&shapes[i]))
                collect(g, &shapes[i], &boxes[i], &t, &m[i], FROM_FACTORS);
            else if (g->weights)
                collect(g, &shapes[i], &boxes[i], &t, &m[i], FROM_MEMORY);
            else
                collect(g, &shapes[i], &boxes[i], &t, &m[i], FROM_FORM);
        }
    }
    for (int64_t i = 0; i < g->count; i++) finish(g, i, &m[i], gradient, add);
}

static int64_t uncovered(const gaussian_scene *g, uint8_t *mask)
{
    const int64_t stride = round_up(g->width);
    const real *weight_sums = g->weight_sums;
    int64_t count = 0;
    for (int64_t y = 0; y < g->height; y++)
        for (int64_t x = 0; x < g->width; x++) {
            bool dark = !(weight_sums[y * stride + x] > R(GAUSSIAN_LEAST_WEIGHT));
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
    .bounds_bytes = sizeof(bounds),
    .moments_bytes = sizeof(moments),
    .prepare = prepare,
    .measure = measure,
    .render = render,
    .gather = gather,
    .uncovered = uncovered,
};
