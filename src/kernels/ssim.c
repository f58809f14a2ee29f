/* SPDX-License-Identifier: MIT
 *
 * Structural similarity (Wang et al., IEEE Transactions on Image Processing 13(4), 2004) of two planes. Windows are
 * filtered along rows, then down columns, four quantities side by side:
 *     x' = x - 1/2,  y' = y - 1/2,  x'^2 + y'^2,  x' y'.
 * Taking 1/2 away leaves variances as they are and saves digits. The walk back is the same filter on the slopes by these
 * four, with zeros around them, for the weights are symmetric. Windows of 8 x 8 equal weights are summed eight rows of them
 * at a time, columns first (M. van Herk, Pattern Recognition Letters 13, 1992): the rows of a window end one group of eight
 * and begin the next, so that running sums from the middle, upwards and downwards, give all eight.
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

/* One row of the four quantities: quantity q of column x is at[q stride + x]. */
typedef struct ssim_rows {
    real *at;
    int64_t stride;
} ssim_rows;

/* A filter that is given rows one by one. For equal weights sums of 1, 2 and 4 rows are kept, so that the sum of 8 costs
 * three additions; else as many rows as there are weights. */
typedef struct ssim_filter {
    int size;
    int64_t stride, columns; /* of a row; of the result */
    const double *weight;
    real *memory; /* rows: eight of each sum, then those below */
    ssim_rows in, out, twos, fours;
} ssim_filter;

#define RING_ROWS (3 * 8)
#define FILTER_ROWS ((RING_ROWS + 4) * QUANTITIES)
_Static_assert(FILTER_ROWS == SSIM_WORK_ROWS, "as told to those who provide the memory");

KERNEL_INLINE ssim_rows filter_row(const ssim_filter *f, int64_t place)
{
    return (ssim_rows){f->memory + place * QUANTITIES * f->stride, f->stride};
}

/* `zeros`: rows before the first one are zeros. They are not looked at otherwise, but are to be numbers. */
static ssim_filter filter_new(const ssim_plane *p, int64_t width, int64_t columns, bool zeros)
{
    ssim_filter f = {.size = p->size, .stride = width + SSIM_PAD, .columns = columns, .weight = p->weight};
    f.memory = p->work;
    f.in = filter_row(&f, RING_ROWS);
    f.out = filter_row(&f, RING_ROWS + 1);
    f.twos = filter_row(&f, RING_ROWS + 2);
    f.fours = filter_row(&f, RING_ROWS + 3);
    memset(zeros ? f.memory : f.in.at, 0, (size_t)((zeros ? FILTER_ROWS : 4 * QUANTITIES) * f.stride) * sizeof(real));
    return f;
}

#define EACH_QUANTITY for (int q = 0; q < QUANTITIES; q++)

/* to[x] = a[x] + a[x + step] */
KERNEL_INLINE void add_shifted(ssim_rows to, ssim_rows a, int step, int64_t n)
{
    for (int64_t x = 0; x < n; x += LANES) {
        EACH_QUANTITY
        v_store(to.at + q * to.stride + x, v_load(a.at + q * a.stride + x) + v_load(a.at + q * a.stride + x + step));
    }
}

/* Row y, in f->in, comes in after rows of zeros or others; f->out is then the sum of the rows y-7 ... y over 64. */
static void push_equal(const ssim_filter *f, int64_t y)
{
    const int64_t n = f->columns, s = f->stride;
    add_shifted(f->twos, f->in, 1, n + 6);
    add_shifted(f->fours, f->twos, 2, n + 4);
    real *one = filter_row(f, y & 7).at, *new_two = filter_row(f, 8 + ((y - 1) & 7)).at;
    real *new_four = filter_row(f, 16 + ((y - 3) & 7)).at, *out = f->out.at;
    const real *before = filter_row(f, (y - 1) & 7).at, *two = filter_row(f, 8 + ((y - 3) & 7)).at;
    const real *four = filter_row(f, 16 + ((y - 7) & 7)).at, *wide = f->fours.at;
    for (int64_t x = 0; x < n; x += LANES) {
        EACH_QUANTITY
        {
            const int64_t i = q * s + x;
            V row = v_load(wide + i) + v_load(wide + i + 4), pair = v_load(before + i) + row;
            V quad = v_load(two + i) + pair;
            v_store(one + i, row);
            v_store(new_two + i, pair);
            v_store(out + i, (v_load(four + i) + quad) * R(1.0 / 64));
            v_store(new_four + i, quad);
        }
    }
}

/* `complete`: all rows of the window that ends here have come. */
static void push_weighted(const ssim_filter *f, int64_t y, bool complete)
{
    V weight[SSIM_SIZE_MOST];
    for (int i = 0; i < f->size; i++) weight[i] = v_set((real)f->weight[i]);
    EACH_QUANTITY
    {
        const real *in = f->in.at + q * f->stride, *row[SSIM_SIZE_MOST];
        real *one = filter_row(f, y % f->size).at + q * f->stride, *out = f->out.at + q * f->stride;
        for (int i = 0; i < f->size; i++) row[i] = filter_row(f, (y + 1 + i) % f->size).at + q * f->stride;
        for (int64_t x = 0; x < f->columns; x += LANES) {
            V sum = weight[0] * v_load(in + x);
            for (int i = 1; i < f->size; i++) sum = vfma(weight[i], v_load(in + x + i), sum);
            v_store(one + x, sum);
            if (!complete) continue;
            sum = weight[0] * v_load(row[0] + x);
            for (int i = 1; i < f->size; i++) sum = vfma(weight[i], v_load(row[i] + x), sum);
            v_store(out + x, sum);
        }
    }
}

/* The four quantities of the pixels at x and y, of which `left` are in the row. */
KERNEL_INLINE void quantities(const real *x, const real *y, int64_t left, V to[QUANTITIES])
{
    V a = load_up_to(x, left) - R(0.5), b = load_up_to(y, left) - R(0.5);
    to[0] = a;
    to[1] = b;
    to[2] = vfma(a, a, b * b);
    to[3] = a * b;
}

/* What filters take in: one row of both images. */
static void take_row(const ssim_plane *p, int64_t row, ssim_rows to)
{
    const real *x = (const real *)p->x + row * p->width, *y = (const real *)p->y + row * p->width;
    EACH_VECTOR(p->width)
    {
        V taken[QUANTITIES];
        quantities(x + i, y + i, left, taken);
        EACH_QUANTITY v_store(to.at + q * to.stride + i, taken[q]);
    }
}

/* The similarity of windows with the means m[0] and m[1], and with `slopes` its derivatives by the four quantities. */
KERNEL_INLINE V compare(const V m[QUANTITIES], V slopes[QUANTITIES])
{
    V x = m[0], y = m[1], product = x * y, squares = vfma(x, x, y * y);
    V mx = x + R(0.5), my = y + R(0.5);
    V variances = m[2] - squares, covariance = m[3] - product;
    V a1 = vfma(mx * R(2), my, v_set(C1)), a2 = vfma(v_set(2), covariance, v_set(C2));
    V b1 = vfma(mx, mx, vfma(my, my, v_set(C1))), b2 = variances + C2;
    V inverse = R(1) / (b1 * b2), s = a1 * a2 * inverse;
    if (slopes) {
        V by_variances = -s * b1 * inverse, by_covariance = R(2) * a1 * inverse;
        V common = R(2) * a2 * inverse, down = R(2) * s * b2 * inverse;
        slopes[0] = common * my - down * mx - by_covariance * y - R(2) * by_variances * x;
        slopes[1] = common * mx - down * my - by_covariance * x - R(2) * by_variances * y;
        slopes[2] = by_variances;
        slopes[3] = by_covariance;
    }
    return s;
}

/* A vector of windows, of which `left` are in the row. */
KERNEL_INLINE void compare_at(const V m[QUANTITIES], int64_t i, int64_t left, real *similarity, const ssim_rows *slopes)
{
    V by[QUANTITIES];
    store_up_to(similarity + i, compare(m, slopes ? by : NULL), left);
    if (slopes) EACH_QUANTITY store_up_to(slopes->at + q * slopes->stride + i, by[q], left);
}

/* Slopes of the windows of row r; NULL where none are kept. */
KERNEL_INLINE ssim_rows slopes_of(const ssim_plane *p, int64_t r)
{
    return (ssim_rows){p->slopes ? (real *)p->slopes + r * QUANTITIES * p->columns : NULL, p->columns};
}

static void weighted_windows(const ssim_plane *p, real *similarity)
{
    ssim_filter f = filter_new(p, p->width, p->columns, false);
    for (int64_t y = 0; y < p->rows + p->size - 1; y++) {
        take_row(p, y, f.in);
        push_weighted(&f, y, y >= p->size - 1);
        const int64_t r = y - p->size + 1;
        if (r < 0) continue;
        const ssim_rows slopes = slopes_of(p, r);
        EACH_VECTOR(p->columns)
        {
            V m[QUANTITIES];
            EACH_QUANTITY m[q] = v_load(f.out.at + q * f.out.stride + i);
            compare_at(m, i, left, similarity + r * p->columns, p->slopes ? &slopes : NULL);
        }
    }
}

/* Sums down the columns of the windows of `count` rows, at most 8, whose first pixels are at x and y. */
KERNEL_INLINE void sum_columns(const real *x, const real *y, int64_t width, int64_t left, int64_t count, real *to,
                               int64_t stride)
{
    V sum[QUANTITIES], more[QUANTITIES], ending[8][QUANTITIES];
    quantities(x + 7 * width, y + 7 * width, left, sum);
    for (int k = 6; k >= 0; k--) {
        EACH_QUANTITY ending[k + 1][q] = sum[q];
        quantities(x + k * width, y + k * width, left, more);
        EACH_QUANTITY sum[q] += more[q];
    }
    EACH_QUANTITY v_store(to + q * stride, sum[q]);
    EACH_QUANTITY sum[q] = v_set(0);
    for (int64_t k = 1; k < count; k++) {
        to += QUANTITIES * stride;
        quantities(x + (7 + k) * width, y + (7 + k) * width, left, more);
        EACH_QUANTITY sum[q] += more[q];
        EACH_QUANTITY v_store(to + q * stride, sum[q] + ending[k][q]);
    }
}

/* Sums of four neighbours, and of eight from those of this vector and the next one, which begins at `next`. */
KERNEL_INLINE V sum_of_4(const real *at)
{
    return (v_load(at) + v_load(at + 1)) + (v_load(at + 2) + v_load(at + 3));
}

KERNEL_INLINE V sum_of_8(V fours, V next, const real *at)
{
#if V_BYTES == 64 && KERNEL_BITS == 32
    return fours + __builtin_shufflevector(fours, next, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
#elif V_BYTES / KERNEL_BITS == 1
    return fours + __builtin_shufflevector(fours, next, 4, 5, 6, 7, 8, 9, 10, 11);
#elif V_BYTES * 8 / KERNEL_BITS == 4
    return fours + next;
#else
    return fours + sum_of_4(at + 4);
#endif
    (void)next;
    (void)at;
}

static void equal_windows(const ssim_plane *p, real *similarity)
{
    const int64_t stride = p->width + SSIM_PAD;
    real *sums = p->work;
    for (int i = 0; i < 8 * QUANTITIES; i++)
        for (int x = 0; x < SSIM_PAD; x += LANES) v_store(sums + i * stride + p->width + x, v_set(0));
    for (int64_t y = 0; y < p->rows; y++, similarity += p->columns) {
        const real *sum = sums + (y & 7) * QUANTITIES * stride;
        if ((y & 7) == 0) {
            const int64_t first = y * p->width, count = p->rows - y < 8 ? p->rows - y : 8, whole = p->width & -LANES;
            const real *at = (const real *)p->x + first, *at_y = (const real *)p->y + first;
            for (int64_t x = 0; x < whole; x += LANES)
                sum_columns(at + x, at_y + x, p->width, LANES, count, sums + x, stride);
            if (whole < p->width)
                sum_columns(at + whole, at_y + whole, p->width, p->width - whole, count, sums + whole, stride);
        }
        const ssim_rows slopes = slopes_of(p, y);
        V fours[QUANTITIES], next[QUANTITIES], m[QUANTITIES];
        EACH_QUANTITY next[q] = sum_of_4(sum + q * stride);
        EACH_VECTOR(p->columns)
        {
            EACH_QUANTITY
            {
                fours[q] = next[q];
                next[q] = sum_of_4(sum + q * stride + i + LANES);
                m[q] = sum_of_8(fours[q], next[q], sum + q * stride + i) * R(1.0 / 64);
            }
            compare_at(m, i, left, similarity, p->slopes ? &slopes : NULL);
        }
    }
}

static double total(const ssim_plane *p)
{
    real *similarity = (real *)p->work + FILTER_ROWS * (p->width + SSIM_PAD), sum;
    if (p->weight)
        weighted_windows(p, similarity);
    else
        equal_windows(p, similarity);
    KERNEL(reduce_table).run(REDUCE_SUM, (axis_shape){1, p->rows * p->columns, 1}, similarity, NULL, &sum, 1, false);
    return (double)sum;
}

/* One row of the gradient: the slopes by means, squares and product, chained. */
static void chain_row(const ssim_plane *p, int64_t row, ssim_rows by, real scale, bool by_y, real *to, bool add)
{
    const real *x = (const real *)(by_y ? p->y : p->x) + row * p->width;
    const real *y = (const real *)(by_y ? p->x : p->y) + row * p->width;
    const real *mean = by.at + (by_y ? by.stride : 0);
    EACH_VECTOR(p->width)
    {
        V a = load_up_to(x + i, left) - R(0.5), b = load_up_to(y + i, left) - R(0.5);
        V sum = vfma(b, v_load(by.at + 3 * by.stride + i),
                     vfma(a * R(2), v_load(by.at + 2 * by.stride + i), v_load(mean + i))) *
                scale;
        if (add) sum += load_up_to(to + i, left);
        store_up_to(to + i, sum, left);
    }
}

static void gradient(const ssim_plane *p, double scale, bool by_y, void *to, bool add)
{
    const int64_t border = p->size - 1, reached = p->columns + border;
    ssim_filter f = filter_new(p, reached + border, reached, true);
    for (int64_t row = 0; row < p->height; row++) {
        const ssim_rows slopes = slopes_of(p, row < p->rows ? row : 0);
        EACH_QUANTITY
        {
            real *in = f.in.at + q * f.in.stride + border;
            if (row < p->rows)
                memcpy(in, slopes.at + q * slopes.stride, (size_t)p->columns * sizeof(real));
            else if (row == p->rows)
                memset(in, 0, (size_t)p->columns * sizeof(real));
        }
        if (f.weight)
            push_weighted(&f, row, true);
        else
            push_equal(&f, row);
        /* Columns that no window reaches: zeros, not what the last vectors left there. */
        EACH_QUANTITY
        memset(f.out.at + q * f.out.stride + reached, 0, (size_t)(p->width - reached) * sizeof(real));
        chain_row(p, row, f.out, (real)scale, by_y, (real *)to + row * p->width, add);
    }
}

const struct ssim_kernels KERNEL(ssim_table) = {total, gradient};
