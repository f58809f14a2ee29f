/* SPDX-License-Identifier: MIT
 *
 * Structural similarity (Wang et al., IEEE Transactions on Image Processing 13(4), 2004) of two planes. Windows are
 * filtered along rows, then down columns, four quantities side by side:
 *     x' = x - 1/2,  y' = y - 1/2,  x'^2 + y'^2,  x' y'.
 * Taking 1/2 away leaves variances as they are and saves digits. The walk back is the same filter on the slopes by these
 * four, with zeros around them, for the weights are symmetric.
 */
#include "kernels/ssim.h"
#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "kernels/reduce.h"

extern const struct ssim_kernels KERNEL(ssim_table);
extern const struct reduce_kernels KERNEL(reduce_table);

#define QUANTITIES 4
#define C1 R(1e-4) /* 0.01^2 */
#define C2 R(9e-4) /* 0.03^2 */

/* One row of the four quantities. */
typedef struct ssim_rows {
    real *of[QUANTITIES];
} ssim_rows;

/* A filter that is given rows one by one. For equal weights sums of 1, 2 and 4 rows are kept, so that the sum of 8 costs
 * three additions; else as many rows as there are weights. */
typedef struct ssim_filter {
    int size;
    int64_t stride, columns; /* of a row; of the result */
    const double *weight;
    real *ring; /* [place][quantity][stride] */
    ssim_rows in, out;
} ssim_filter;

/* Rows in a filter's memory: the ring, two rows to work on, input and result. */
#define RING_PLACES (3 * 8)
#define FILTER_ROWS ((RING_PLACES + 2) * QUANTITIES + 2)
_Static_assert(FILTER_ROWS + 1 == SSIM_WORK_ROWS, "and one for the similarity of a row of windows");

KERNEL_INLINE real *ring_row(const ssim_filter *f, int place, int quantity)
{
    return f->ring + (place * QUANTITIES + quantity) * f->stride;
}

static ssim_filter filter_new(const ssim_plane *p, int64_t width, int64_t columns, real *memory)
{
    ssim_filter f = {
        .size = p->size, .stride = width + SSIM_PAD, .columns = columns, .weight = p->weight, .ring = memory};
    real *next = memory + RING_PLACES * QUANTITIES * f.stride;
    for (int q = 0; q < QUANTITIES; q++, next += 2 * f.stride) {
        f.in.of[q] = next;
        f.out.of[q] = next + f.stride;
    }
    memset(memory, 0, (size_t)(FILTER_ROWS * f.stride) * sizeof(real));
    return f;
}

/* to[x] = a[x] + a[x + step] */
KERNEL_INLINE void add_shifted(real *to, const real *a, int step, int64_t n)
{
    for (int64_t x = 0; x < n; x += LANES) v_store(to + x, v_load(a + x) + v_load(a + x + step));
}

/* Row y, in f->in, comes in; f->out is then the result of the rows y-7 ... y. */
static void push_equal(const ssim_filter *f, int64_t y)
{
    const int64_t n = f->columns;
    real *twos = f->ring + RING_PLACES * QUANTITIES * f->stride + 2 * QUANTITIES * f->stride, *fours = twos + f->stride;
    for (int q = 0; q < QUANTITIES; q++) {
        real *one = ring_row(f, (int)(y & 7), q);
        add_shifted(twos, f->in.of[q], 1, n + 6);
        add_shifted(fours, twos, 2, n + 4);
        add_shifted(one, fours, 4, n);
        const real *before = ring_row(f, (int)((y - 1) & 7), q), *two = ring_row(f, 8 + (int)((y - 3) & 7), q);
        const real *four = ring_row(f, 16 + (int)((y - 7) & 7), q);
        real *new_two = ring_row(f, 8 + (int)((y - 1) & 7), q), *new_four = ring_row(f, 16 + (int)((y - 3) & 7), q);
        for (int64_t x = 0; x < n; x += LANES) {
            V pair = v_load(before + x) + v_load(one + x), quad = v_load(two + x) + pair;
            v_store(new_two + x, pair);
            v_store(new_four + x, quad);
            v_store(f->out.of[q] + x, (v_load(four + x) + quad) * R(1.0 / 64));
        }
    }
}

static void push_weighted(const ssim_filter *f, int64_t y)
{
    V weight[SSIM_SIZE_MOST];
    for (int i = 0; i < f->size; i++) weight[i] = v_set((real)f->weight[i]);
    for (int q = 0; q < QUANTITIES; q++) {
        const real *in = f->in.of[q], *row[SSIM_SIZE_MOST];
        real *one = ring_row(f, (int)(y % f->size), q), *out = f->out.of[q];
        for (int i = 0; i < f->size; i++) row[i] = ring_row(f, (int)((y + 1 + i) % f->size), q);
        for (int64_t x = 0; x < f->columns; x += LANES) {
            V sum = weight[0] * v_load(in + x);
            for (int i = 1; i < f->size; i++) sum = vfma(weight[i], v_load(in + x + i), sum);
            v_store(one + x, sum);
            sum = weight[0] * v_load(row[0] + x);
            for (int i = 1; i < f->size; i++) sum = vfma(weight[i], v_load(row[i] + x), sum);
            v_store(out + x, sum);
        }
    }
}

static void filter_push(const ssim_filter *f, int64_t y)
{
    if (f->weight)
        push_weighted(f, y);
    else
        push_equal(f, y);
}

/* What filters take in: one row of both images. */
static void take_row(const ssim_plane *p, int64_t row, const ssim_rows *to)
{
    const real *x = (const real *)p->x + row * p->width, *y = (const real *)p->y + row * p->width;
    EACH_VECTOR(p->width)
    {
        V a = load_up_to(x + i, left) - R(0.5), b = load_up_to(y + i, left) - R(0.5);
        v_store(to->of[0] + i, a);
        v_store(to->of[1] + i, b);
        v_store(to->of[2] + i, vfma(a, a, b * b));
        v_store(to->of[3] + i, a * b);
    }
}

/* The similarity of each window of a row, and with `slopes` its derivatives by the four filtered quantities. */
static void compare_row(const ssim_rows *m, int64_t n, real *similarity, const ssim_rows *slopes)
{
    EACH_VECTOR(n)
    {
        V x = v_load(m->of[0] + i), y = v_load(m->of[1] + i), product = x * y, squares = vfma(x, x, y * y);
        V mx = x + R(0.5), my = y + R(0.5);
        V variances = v_load(m->of[2] + i) - squares, covariance = v_load(m->of[3] + i) - product;
        V a1 = vfma(mx * R(2), my, v_set(C1)), a2 = vfma(v_set(2), covariance, v_set(C2));
        V b1 = vfma(mx, mx, vfma(my, my, v_set(C1))), b2 = variances + C2;
        V inverse = R(1) / (b1 * b2), s = a1 * a2 * inverse;
        store_up_to(similarity + i, s, left);
        if (!slopes) continue;
        V by_variances = -s * b1 * inverse, by_covariance = R(2) * a1 * inverse;
        V common = R(2) * a2 * inverse, down = R(2) * s * b2 * inverse;
        V by_x = common * my - down * mx - by_covariance * y - R(2) * by_variances * x;
        V by_y = common * mx - down * my - by_covariance * x - R(2) * by_variances * y;
        store_up_to(slopes->of[0] + i, by_x, left);
        store_up_to(slopes->of[1] + i, by_y, left);
        store_up_to(slopes->of[2] + i, by_variances, left);
        store_up_to(slopes->of[3] + i, by_covariance, left);
    }
}

/* Slopes of windows of row r, in rows of p->columns. */
KERNEL_INLINE ssim_rows slopes_of(const ssim_plane *p, int64_t r)
{
    ssim_rows rows;
    for (int q = 0; q < QUANTITIES; q++) rows.of[q] = (real *)p->slopes + (r * QUANTITIES + q) * p->columns;
    return rows;
}

static double total(const ssim_plane *p)
{
    ssim_filter f = filter_new(p, p->width, p->columns, p->work);
    real *similarity = f.ring + FILTER_ROWS * f.stride;
    double sum = 0;
    for (int64_t y = 0; y < p->rows + p->size - 1; y++) {
        take_row(p, y, &f.in);
        filter_push(&f, y);
        int64_t r = y - p->size + 1;
        if (r < 0) continue;
        real part;
        ssim_rows slopes;
        if (p->slopes) slopes = slopes_of(p, r);
        compare_row(&f.out, p->columns, similarity, p->slopes ? &slopes : NULL);
        KERNEL(reduce_table).run(REDUCE_SUM, (axis_shape){1, p->columns, 1}, similarity, NULL, &part, 1, false);
        sum += (double)part;
    }
    return sum;
}

/* One row of the gradient: the slopes by means, squares and product, chained. */
static void chain_row(const ssim_plane *p, int64_t row, const ssim_rows *by, real scale, bool by_y, real *to, bool add)
{
    const real *x = (const real *)(by_y ? p->y : p->x) + row * p->width;
    const real *y = (const real *)(by_y ? p->x : p->y) + row * p->width;
    const real *mean = by->of[by_y];
    EACH_VECTOR(p->width)
    {
        V a = load_up_to(x + i, left) - R(0.5), b = load_up_to(y + i, left) - R(0.5);
        V sum = vfma(b, v_load(by->of[3] + i), vfma(a * R(2), v_load(by->of[2] + i), v_load(mean + i))) * scale;
        if (add) sum += load_up_to(to + i, left);
        store_up_to(to + i, sum, left);
    }
}

static void gradient(const ssim_plane *p, double scale, bool by_y, void *to, bool add)
{
    const int64_t border = p->size - 1, reached = p->columns + border;
    ssim_filter f = filter_new(p, reached + border, reached, p->work);
    for (int64_t y = border; y < p->height + border; y++) { /* rows before are zeros, as the filter's memory is */
        const int64_t row = y - border;
        const bool inside = row < p->rows;
        ssim_rows slopes;
        if (inside) slopes = slopes_of(p, row);
        for (int q = 0; q < QUANTITIES; q++) {
            if (inside)
                memcpy(f.in.of[q] + border, slopes.of[q], (size_t)p->columns * sizeof(real));
            else if (row == p->rows)
                memset(f.in.of[q] + border, 0, (size_t)p->columns * sizeof(real));
        }
        filter_push(&f, y);
        /* Columns that no window reaches: zeros, not what the last vectors left there. */
        for (int q = 0; q < QUANTITIES; q++)
            memset(f.out.of[q] + reached, 0, (size_t)(p->width - reached) * sizeof(real));
        chain_row(p, row, &f.out, (real)scale, by_y, (real *)to + row * p->width, add);
    }
}

const struct ssim_kernels KERNEL(ssim_table) = {total, gradient};
