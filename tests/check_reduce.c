/* SPDX-License-Identifier: MIT
 *
 * Reductions, softmax, losses and optimizer updates in every instruction set, against long double, with the bits
 * compared between instruction sets wherever the arithmetic promises them.
 */
#include "kernels/kernels.h"
#include "kernels/loss.h"
#include "kernels/reduce.h"
#include "kernels/softmax.h"
#include "kernels/update.h"
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 0x853c49e6748fea9bu;

static double random_real(void) /* (-1, 1) */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(int64_t)(random_state * 0x2545f4914f6cdd1du) * 0x1p-63;
}

/* Numbers of either type, in exactly as much memory as they need. */
typedef struct numbers {
    reel_dtype dtype;
    int64_t n;
    void *data;
} numbers;

static double get(const numbers *a, int64_t i)
{
    return a->dtype == REEL_FLOAT ? (double)((const float *)a->data)[i] : ((const double *)a->data)[i];
}

static void put(numbers *a, int64_t i, double x)
{
    if (a->dtype == REEL_FLOAT)
        ((float *)a->data)[i] = (float)x;
    else
        ((double *)a->data)[i] = x;
}

static numbers numbers_new(reel_dtype dtype, int64_t n, double low, double high)
{
    numbers a = {dtype, n, malloc((size_t)n * reel_dtype_size(dtype) + (n == 0))};
    for (int64_t i = 0; i < n; i++) put(&a, i, low + (high - low) * (0.5 + 0.5 * random_real()));
    return a;
}

static bool same_bits(const numbers *a, const numbers *b)
{
    for (int64_t i = 0; i < a->n; i++) {
        double x = get(a, i), y = get(b, i);
        if (!(isnan(x) && isnan(y)) && memcmp(&x, &y, sizeof x)) return false;
    }
    return true;
}

static long double unit(reel_dtype dtype)
{
    return dtype == REEL_FLOAT ? FLT_EPSILON / 2 : DBL_EPSILON / 2;
}

/* For each instruction set this processor has. */
static const kernels *next_kernel(int *isa, reel_dtype dtype)
{
    const kernels *k = NULL;
    while (!k && ++*isa < ISA_COUNT) k = kernels_get_isa((kernels_isa)*isa, dtype);
    return k;
}
#define EACH_ISA(k, dtype)                                                                                             \
    for (int isa = -1, more = 1; more; more = 0)                                                                       \
        for (const kernels *k; (k = next_kernel(&isa, dtype));)

static const axis_shape shapes[] = {
    {1, 0, 1},    {2, 0, 3},   {1, 1, 1},    {3, 1, 2},    {1, 7, 1},    {5, 10, 1},  {2, 16, 1},   {1, 17, 1},
    {2, 33, 1},   {1, 64, 1},  {1, 65, 1},   {3, 127, 1},  {1, 200, 8},  {2, 200, 1}, {2, 13, 2},   {1, 31, 4},
    {2, 9, 8},    {1, 5, 16},  {3, 6, 10},   {2, 131, 17}, {1, 300, 33}, {1, 4, 257}, {1, 2048, 1}, {1, 2049, 1},
    {2, 3001, 1}, {1, 900, 5}, {1, 9000, 1}, {1, 3000, 8}, {1, 2, 3},    {4, 3, 1},
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

static long double term(reduce_kind kind, double x, double c)
{
    switch (kind) {
    case REDUCE_SQUARES: return (long double)x * x;
    case REDUCE_MAGNITUDES: return fabsl((long double)x);
    case REDUCE_DEVIATIONS: return ((long double)x - c) * ((long double)x - c);
    case REDUCE_EXP: return expl((long double)x - c);
    case REDUCE_EQUAL: return x == c;
    default: return x;
    }
}

static void check_reduction(reduce_kind kind, axis_shape s, const numbers *x, const numbers *center, const numbers *y,
                            double divisor, const numbers *before)
{
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t j = 0; j < s.inner; j++) {
            long double exact = kind == REDUCE_MAX ? -INFINITY : kind == REDUCE_MIN ? INFINITY : 0, size = 0;
            for (int64_t i = 0; i < s.count; i++) {
                double c = get(center, o * s.inner + j);
                long double t = term(kind, get(x, (o * s.count + i) * s.inner + j), c);
                exact = kind == REDUCE_MAX ? fmaxl(exact, t) : kind == REDUCE_MIN ? fminl(exact, t) : exact + t;
                size += fabsl(t);
            }
            double old = before ? get(before, o * s.inner + j) : 0, found = get(y, o * s.inner + j);
            exact = exact / divisor + old;
            /* some roundings in each term, 32 additions in a stretch, then a tree, the division and the last addition */
            long double bound = (size / divisor + fabsl((long double)old)) * unit(x->dtype) *
                                (8 + 32 + log2l((long double)s.count + 2));
            if (kind == REDUCE_MAX || kind == REDUCE_MIN) bound = unit(x->dtype) * 2 * fabsl(exact);
            ck_assert_msg(found == exact || fabsl(found - exact) <= bound,
                          "kind %d (%d,%d,%d): found %.17g, expected %.17Lg, bound %Lg", kind, (int)s.outer,
                          (int)s.count, (int)s.inner, found, exact, bound);
        }
}

START_TEST(reductions)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    for (int shape = 0; shape < SHAPES; shape++)
        for (int kind = 0; kind < REDUCE_COUNT; kind++) {
            axis_shape s = shapes[shape];
            bool add = (shape + kind) & 1 && kind != REDUCE_MAX && kind != REDUCE_MIN;
            double divisor = add ? 1 : 3;
            numbers x = numbers_new(dtype, s.outer * s.count * s.inner, -1, 2), y[ISA_COUNT];
            numbers center = numbers_new(dtype, s.outer * s.inner, 0, 1);
            numbers before = numbers_new(dtype, s.outer * s.inner, -1, 1);
            if (kind == REDUCE_EQUAL)
                for (int64_t i = 0; i < x.n; i++) put(&x, i, get(&center, i % center.n));
            EACH_ISA(k, dtype)
            {
                y[isa] = numbers_new(dtype, center.n, 0, 0);
                if (center.n) memcpy(y[isa].data, before.data, (size_t)center.n * reel_dtype_size(dtype));
                k->reduce->run((reduce_kind)kind, s, x.data, center.data, y[isa].data, divisor, add);
                check_reduction((reduce_kind)kind, s, &x, &center, &y[isa], divisor, add ? &before : NULL);
                int reference = kind == REDUCE_EXP && isa > ISA_AVX2 ? ISA_AVX2
                                : kind == REDUCE_EXP                 ? isa
                                                                     : ISA_GENERIC;
                ck_assert_msg(same_bits(&y[isa], &y[reference]), "%s: kind %d shape %d: bits differ", k->isa, kind,
                              shape);
            }
            for (int isa = 0; isa < ISA_COUNT; isa++)
                if (kernels_get_isa((kernels_isa)isa, dtype)) free(y[isa].data);
            free(x.data);
            free(center.data);
            free(before.data);
        }
}
END_TEST

/* A million times 0.1: one long chain of additions would be wrong in the third digit. */
START_TEST(error_does_not_grow)
{
    const int64_t n = 1 << 19;
    numbers x = numbers_new(REEL_FLOAT, n, 0.1f, 0.1f);
    EACH_ISA(k, REEL_FLOAT)
    {
        float sum = 0;
        k->reduce->run(REDUCE_SUM, (axis_shape){1, n, 1}, x.data, NULL, &sum, 1, false);
        ck_assert_double_le(fabs(sum / ((double)0.1f * (double)n) - 1), 3e-7);
        float sums[10];
        k->reduce->run(REDUCE_SUM, (axis_shape){1, n / 10, 10}, x.data, NULL, sums, 1, false);
        for (int j = 0; j < 10; j++) ck_assert_double_le(fabs(sums[j] / ((double)0.1f * (double)(n / 10)) - 1), 3e-7);
    }
    free(x.data);
}
END_TEST

START_TEST(norms_of_large_numbers)
{
    numbers x = numbers_new(REEL_FLOAT, 9001, 1e30, 3e38);
    double first = 0;
    long double exact = 0;
    for (int64_t i = 0; i < x.n; i++) exact += (long double)get(&x, i) * get(&x, i);
    EACH_ISA(k, REEL_FLOAT)
    {
        double sum = k->reduce->squares(x.n, x.data);
        ck_assert_double_le((double)fabsl(sum / exact - 1), 1e-13);
        if (isa == ISA_GENERIC) first = sum;
        ck_assert(memcmp(&first, &sum, sizeof sum) == 0);
        ck_assert(k->reduce->squares(0, NULL) == 0);
    }
    EACH_ISA(d, REEL_DOUBLE) ck_assert(isinf(d->reduce->squares(2, (double[]){1e200, 1})));
    free(x.data);
}
END_TEST

START_TEST(not_a_number)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    for (int shape = 0; shape < SHAPES; shape++) {
        axis_shape s = shapes[shape];
        if (s.count == 0) continue;
        for (int trial = 0; trial < 8; trial++) {
            numbers x = numbers_new(dtype, s.outer * s.count * s.inner, -3, -1);
            numbers y = numbers_new(dtype, s.outer * s.inner, 0, 0);
            int64_t *index = malloc((size_t)y.n * sizeof *index);
            int64_t at = (int64_t)((random_real() + 1) / 2 * (double)x.n) % x.n;
            int64_t hit = at / (s.count * s.inner) * s.inner + at % s.inner, row = at / s.inner % s.count;
            double special = trial % 4 == 0 ? NAN : trial % 4 == 1 ? 5 : trial % 4 == 2 ? INFINITY : NAN;
            put(&x, at, special);
            EACH_ISA(k, dtype)
            {
                k->reduce->run(REDUCE_MAX, s, x.data, NULL, y.data, 1, false);
                double found = get(&y, hit);
                ck_assert(isnan(special) ? isnan(found) : found == special);
                for (int64_t i = 0; i < y.n; i++) ck_assert(i == hit || !isnan(get(&y, i)));
                k->reduce->find(true, s, x.data, index);
                ck_assert_int_eq(index[hit], row);
                k->reduce->run(REDUCE_MIN, s, x.data, NULL, y.data, 1, false);
                ck_assert(isnan(get(&y, hit)) == isnan(special));
                for (int64_t i = 0; i < x.n; i++) put(&x, i, i == at ? special : 0);
                k->reduce->find(true, s, x.data, index); /* ties: the first */
                for (int64_t i = 0; i < y.n; i++) ck_assert_int_eq(index[i], i == hit ? row : 0);
                k->reduce->run(REDUCE_SUM, s, x.data, NULL, y.data, 1, false);
                for (int64_t i = 0; i < y.n; i++) ck_assert(i == hit || get(&y, i) == 0);
                for (int64_t i = 0; i < x.n; i++) put(&x, i, i == at ? special : random_real() - 2);
            }
            free(x.data);
            free(y.data);
            free(index);
        }
    }
}
END_TEST

static double factor(spread_kind kind, double x, double c)
{
    switch (kind) {
    case SPREAD_DEVIATIONS: return x - c;
    case SPREAD_EXP: return exp(x - c);
    case SPREAD_EQUAL: return x == c;
    default: return 1;
    }
}

START_TEST(spreading)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    for (int shape = 0; shape < SHAPES; shape++)
        for (int kind = 0; kind < SPREAD_COUNT; kind++) {
            axis_shape s = shapes[shape];
            numbers x = numbers_new(dtype, s.outer * s.count * s.inner, -1, 1), c, g, before, to;
            c = numbers_new(dtype, s.outer * s.inner, 0, 1);
            g = numbers_new(dtype, s.outer * s.inner, -1, 1);
            before = numbers_new(dtype, x.n, -1, 1);
            to = numbers_new(dtype, x.n, 0, 0);
            for (int64_t i = 0; i < x.n; i += 3) put(&x, i, get(&c, i / (s.count * s.inner) * s.inner + i % s.inner));
            EACH_ISA(k, dtype)
            {
                if (x.n) memcpy(to.data, before.data, (size_t)x.n * reel_dtype_size(dtype));
                k->reduce->spread((spread_kind)kind, s, x.data, c.data, g.data, 0.5, to.data, shape & 1);
                for (int64_t i = 0; i < x.n; i++) {
                    int64_t at = i / (s.count * s.inner) * s.inner + i % s.inner;
                    double exact = 0.5 * get(&g, at) * factor((spread_kind)kind, get(&x, i), get(&c, at));
                    if (shape & 1) exact += get(&before, i);
                    ck_assert_double_le(fabs(get(&to, i) - exact), 12 * (double)unit(dtype));
                }
            }
            free(x.data), free(c.data), free(g.data), free(before.data), free(to.data);
        }
}
END_TEST

/* Element i of the axis of column j. */
static int64_t at(axis_shape s, int64_t o, int64_t i, int64_t j)
{
    return (o * s.count + i) * s.inner + j;
}

START_TEST(softmaxes)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    const bool logarithm = _i & 2;
    for (int shape = 0; shape < SHAPES; shape++) {
        axis_shape s = shapes[shape];
        numbers x = numbers_new(dtype, s.outer * s.count * s.inner, -20, 20), y = numbers_new(dtype, x.n, 0, 0);
        numbers g = numbers_new(dtype, x.n, -1, 1), to = numbers_new(dtype, x.n, 0, 0);
        numbers before = numbers_new(dtype, x.n, -1, 1), fused = numbers_new(dtype, x.n, 0, 0);
        if (x.n > 4) put(&x, 3, -INFINITY);
        EACH_ISA(k, dtype)
        {
            if (x.n) memcpy(to.data, before.data, (size_t)x.n * reel_dtype_size(dtype));
            k->softmax->forward(logarithm, s, x.data, y.data);
            if (isa == ISA_AVX2 && x.n) memcpy(fused.data, y.data, (size_t)x.n * reel_dtype_size(dtype));
            if (isa == ISA_AVX512) ck_assert(same_bits(&fused, &y));
            k->softmax->backward(logarithm, s, y.data, g.data, to.data, true);
            for (int64_t o = 0; o < s.outer; o++)
                for (int64_t j = 0; j < s.inner; j++) {
                    long double most = -INFINITY, sum = 0, dot = 0;
                    for (int64_t i = 0; i < s.count; i++) most = fmaxl(most, get(&x, at(s, o, i, j)));
                    if (!(most > -INFINITY)) continue;
                    for (int64_t i = 0; i < s.count; i++) sum += expl(get(&x, at(s, o, i, j)) - most);
                    for (int64_t i = 0; i < s.count; i++)
                        dot += get(&g, at(s, o, i, j)) * (logarithm ? 1 : expl(get(&x, at(s, o, i, j)) - most) / sum);
                    for (int64_t i = 0; i < s.count; i++) {
                        int64_t e = at(s, o, i, j);
                        long double p = expl(get(&x, e) - most) / sum, log_p = get(&x, e) - most - logl(sum);
                        long double gradient = logarithm ? get(&g, e) - p * dot : p * (get(&g, e) - dot);
                        long double exact = logarithm ? log_p : p, found = get(&y, e);
                        long double scale = logarithm ? 1 + fabsl(log_p) : 60 * p;
                        ck_assert(found == exact || fabsl(found - exact) <= (10 + s.count / 8) * scale * unit(dtype));
                        /* the sum of g adds errors of count terms of size 1 */
                        ck_assert_double_le((double)fabsl(get(&to, e) - get(&before, e) - gradient),
                                            (double)((200 + 4 * s.count) * unit(dtype)));
                    }
                }
        }
        free(x.data), free(y.data), free(g.data), free(to.data), free(before.data), free(fused.data);
    }
}
END_TEST

START_TEST(softmax_of_nothing_left)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    numbers x = numbers_new(dtype, 20, -1, 1), y = numbers_new(dtype, 20, 0, 0);
    for (int64_t i = 0; i < 10; i++) put(&x, i, -INFINITY);
    EACH_ISA(k, dtype)
    {
        k->softmax->forward(_i & 2, (axis_shape){2, 10, 1}, x.data, y.data);
        for (int64_t i = 0; i < 20; i++) ck_assert(isnan(get(&y, i)) == (i < 10));
        numbers shift = numbers_new(dtype, 2, 1, 1);
        k->softmax->logsumexp(2, 10, x.data, shift.data, y.data);
        ck_assert(get(&shift, 0) == 0 && get(&y, 0) == -INFINITY && isfinite(get(&shift, 1)) && isfinite(get(&y, 1)));
        free(shift.data);
    }
    free(x.data), free(y.data);
}
END_TEST

START_TEST(cross_entropy)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    static const int64_t sizes[][2] = {{1, 1}, {5, 2}, {128, 10}, {3, 16}, {7, 33}, {18, 100}, {1, 3}};
    for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++) {
        int64_t rows = sizes[z][0], cols = sizes[z][1], *class = malloc((size_t)rows * sizeof *class);
        numbers x = numbers_new(dtype, rows * cols, -30, 30), lse = numbers_new(dtype, rows, 0, 0);
        numbers shift = numbers_new(dtype, rows, 0, 0);
        numbers soft = numbers_new(dtype, rows, 0.1, 2), hard = numbers_new(dtype, rows, 0.1, 2);
        numbers before = numbers_new(dtype, x.n, -1, 1), to = numbers_new(dtype, x.n, 0, 0);
        for (int64_t r = 0; r < rows; r++) class[r] = r * 7 % cols;
        if (rows > 2) put(&soft, 1, 0), put(&hard, 1, 0), put(&x, cols, NAN);
        EACH_ISA(k, dtype)
        {
            bool add = z & 1;
            memcpy(to.data, before.data, (size_t)x.n * reel_dtype_size(dtype));
            k->softmax->logsumexp(rows, cols, x.data, shift.data, lse.data);
            k->softmax->cross_entropy_gradient(rows, cols, x.data, shift.data, lse.data, class, soft.data, hard.data,
                                               to.data, add);
            for (int64_t r = 0; r < rows; r++) {
                long double sum = 0;
                for (int64_t c = 0; c < cols; c++) sum += expl(get(&x, r * cols + c));
                for (int64_t c = 0; c < cols; c++) {
                    long double exact = add ? get(&before, r * cols + c) : 0;
                    if (get(&soft, r) != 0)
                        exact +=
                            get(&soft, r) * expl(get(&x, r * cols + c)) / sum - (c == class[r] ? get(&hard, r) : 0);
                    ck_assert_double_le((double)fabsl(get(&to, r * cols + c) - exact), (double)(300 * unit(dtype)));
                }
                if (get(&soft, r) != 0)
                    ck_assert_double_le((double)fabsl(get(&shift, r) + get(&lse, r) - logl(sum)),
                                        (double)(200 * unit(dtype)));
            }
        }
        free(x.data), free(lse.data), free(shift.data), free(soft.data), free(hard.data), free(before.data),
            free(to.data), free(class);
    }
}
END_TEST

static long double loss(loss_kind kind, long double x, long double t, long double p)
{
    long double d = fabsl(x - t);
    switch (kind) {
    case LOSS_SQUARE: return d * d;
    case LOSS_ABS: return d;
    case LOSS_HUBER: return d <= p ? d * d / 2 : p * (d - p / 2);
    case LOSS_BCE: return -(t * fmaxl(logl(x), -100) + (1 - t) * fmaxl(log1pl(-x), -100));
    default: return fmaxl(x, 0) - x * t + log1pl(expl(-fabsl(x)));
    }
}

START_TEST(losses)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    static const int64_t sizes[] = {0, 1, 5, 16, 33, 200, 2100};
    for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++)
        for (int kind = 0; kind < LOSS_COUNT; kind++) {
            const int64_t n = sizes[z];
            const double p = 0.5, low = kind == LOSS_BCE ? 0.01 : -4, high = kind == LOSS_BCE ? 0.99 : 4;
            numbers x = numbers_new(dtype, n, low, high), t = numbers_new(dtype, n, 0, 1),
                    y = numbers_new(dtype, n, 0, 0);
            numbers to = numbers_new(dtype, n, 0, 0), total = numbers_new(dtype, 1, 0, 0),
                    g = numbers_new(dtype, n, 0, 1);
            numbers one = numbers_new(dtype, 1, 0.5, 2), slopes = numbers_new(dtype, n, 0, 0);
            EACH_ISA(k, dtype)
            {
                long double exact = 0, size = 0;
                k->loss->each((loss_kind)kind, n, x.data, t.data, p, y.data);
                k->loss->total((loss_kind)kind, n, x.data, t.data, p, 2, total.data, NULL);
                for (int64_t i = 0; i < n; i++) {
                    long double e = loss((loss_kind)kind, get(&x, i), get(&t, i), p);
                    /* terms of size 10 may cancel */
                    ck_assert_double_le((double)fabsl(get(&y, i) - e), (double)(20 * (1 + fabsl(e)) * unit(dtype)));
                    exact += e;
                    size += 1 + fabsl(e);
                }
                ck_assert_double_le((double)fabsl(get(&total, 0) - exact / 2), (double)(40 * size * unit(dtype)));
                /* the slopes kept on the way give the bits of the gradient */
                const double alone = get(&total, 0);
                k->loss->total((loss_kind)kind, n, x.data, t.data, p, 2, total.data, slopes.data);
                ck_assert_double_eq(get(&total, 0), alone);
                k->loss->pass_on(n, slopes.data, one.data, 3, slopes.data, false);
                k->loss->gradient((loss_kind)kind, false, n, x.data, t.data, p, one.data, 0, 3, to.data, false);
                for (int64_t i = 0; i < n; i++) ck_assert_double_eq(get(&slopes, i), get(&to, i));
                for (int side = 0; side < 2; side++) {
                    k->loss->gradient((loss_kind)kind, side, n, x.data, t.data, p, side ? one.data : g.data, !side, 3,
                                      to.data, false);
                    for (int64_t i = 0; i < n; i++) {
                        const long double h = 1e-6L, xi = get(&x, i), ti = get(&t, i);
                        if (fabsl(fabsl(xi - ti) - p) < 1e-5L || fabsl(xi - ti) < 1e-5L || fabsl(xi) < 1e-5L) continue;
                        long double slope = (loss((loss_kind)kind, side ? xi : xi + h, side ? ti + h : ti, p) -
                                             loss((loss_kind)kind, side ? xi : xi - h, side ? ti - h : ti, p)) /
                                            (2 * h) * 3 * (side ? get(&one, 0) : get(&g, i));
                        ck_assert_double_le((double)fabsl(get(&to, i) - slope),
                                            (double)((1 + fabsl(slope)) * (60 * unit(dtype) + 1e-7L)));
                    }
                }
            }
            free(x.data), free(t.data), free(y.data), free(to.data), free(total.data), free(g.data), free(one.data);
            free(slopes.data);
        }
}
END_TEST

START_TEST(losses_at_the_edges)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    numbers x = numbers_new(dtype, 4, 0, 0), t = numbers_new(dtype, 4, 0, 0), y = numbers_new(dtype, 4, 0, 0);
    numbers one = numbers_new(dtype, 1, 1, 1);
    EACH_ISA(k, dtype)
    {
        put(&x, 0, 0), put(&t, 0, 1), put(&x, 1, 1), put(&t, 1, 0), put(&x, 2, 1), put(&t, 2, 1), put(&x, 3, 0);
        k->loss->each(LOSS_BCE, 4, x.data, t.data, 0, y.data);
        ck_assert(get(&y, 0) == 100 && get(&y, 1) == 100 && get(&y, 2) == 0 && get(&y, 3) == 0);
        k->loss->gradient(LOSS_BCE, false, 4, x.data, t.data, 0, one.data, 0, 1, y.data, false);
        ck_assert_double_le(fabs(get(&y, 0) * 1e-12 + 1), 1e-6);
        ck_assert(get(&y, 2) == 0 && get(&y, 3) == 0);
        put(&x, 0, 200), put(&t, 0, 1), put(&x, 1, -200), put(&t, 1, 1), put(&x, 2, INFINITY), put(&t, 2, 0.5);
        put(&x, 3, NAN);
        k->loss->each(LOSS_BCE_LOGITS, 4, x.data, t.data, 0, y.data);
        ck_assert(get(&y, 0) >= 0 && get(&y, 0) < 1e-30 && get(&y, 1) == 200 && get(&y, 2) == INFINITY);
        ck_assert(isnan(get(&y, 3)));
        put(&x, 0, 2), put(&t, 0, 2), put(&x, 1, 3), put(&t, 1, 2.5);
        k->loss->gradient(LOSS_ABS, false, 4, x.data, t.data, 0, one.data, 0, 1, y.data, false);
        ck_assert(get(&y, 0) == 0 && get(&y, 1) == 1 && isnan(get(&y, 3)));
    }
    free(x.data), free(t.data), free(y.data), free(one.data);
}
END_TEST

/* Adam and momentum against the formulas in the type's own arithmetic, step by step: equal bits. */
START_TEST(updates)
{
    const adam_constants adam = {0.01, 0.999, 0.02, -1, 0.9, 0.999, 1.1, 1e-8};
    const sgd_constants sgd = {0.1, 0.02, -1, 0.9, 0.7, 0.3, 0.8};
    for (int64_t n = 0; n < 70; n += n < 20 ? 1 : 7) EACH_ISA(k, REEL_DOUBLE)
        {
            numbers x = numbers_new(REEL_DOUBLE, n, -1, 1), g = numbers_new(REEL_DOUBLE, n, -1, 1), m, v, most, e;
            m = numbers_new(REEL_DOUBLE, n, -1, 1), v = numbers_new(REEL_DOUBLE, n, 0, 1);
            most = numbers_new(REEL_DOUBLE, n, 0, 1), e = numbers_new(REEL_DOUBLE, n, 0, 0);
            bool amsgrad = n & 1;
            for (int64_t i = 0; i < n; i++) {
                volatile double decayed = 0.02 * get(&x, i), gi = -get(&g, i) + decayed, squared = gi * gi;
                volatile double a = 0.9 * get(&m, i), b = (1 - 0.9) * gi, mi = a + b;
                volatile double c = 0.999 * get(&v, i), d = (1 - 0.999) * squared, vi = c + d;
                if (amsgrad && get(&most, i) > vi) vi = get(&most, i);
                volatile double root = sqrt(vi) * 1.1, below = root + 1e-8, shrunk = get(&x, i) * 0.999;
                volatile double step = 0.01 * mi, ratio = step / below;
                put(&e, i, shrunk - ratio);
            }
            k->update->adam(&adam, n, x.data, g.data, m.data, v.data, amsgrad ? most.data : NULL);
            ck_assert(same_bits(&x, &e));
            for (int64_t i = 0; i < n; i++) {
                volatile double decayed = 0.02 * get(&x, i), gi = -get(&g, i) + decayed, a = 0.9 * get(&m, i);
                volatile double b = 0.7 * gi, buffer = a + b, look = 0.8 * buffer, direct = 0.3 * gi;
                volatile double both = direct + look, step = 0.1 * both;
                put(&e, i, get(&x, i) - step);
            }
            k->update->momentum(&sgd, n, x.data, g.data, m.data);
            ck_assert(same_bits(&x, &e));
            for (int64_t i = 0; i < n; i++) {
                volatile double decayed = 0.02 * get(&x, i), gi = -get(&g, i) + decayed, step = 0.1 * gi;
                put(&e, i, get(&x, i) - step);
            }
            k->update->sgd(&sgd, n, x.data, g.data);
            ck_assert(same_bits(&x, &e));
            free(x.data), free(g.data), free(m.data), free(v.data), free(most.data), free(e.data);
        }
}
END_TEST

START_TEST(small_moments_vanish)
{
    EACH_ISA(k, REEL_FLOAT)
    {
        float x[3] = {1, 1, 1}, g[3] = {0, 0, 0}, m[3] = {1e-38f, 1e-3f, -1e-38f}, v[3] = {1e-38f, 1, 1e-38f};
        k->update->adam(&(adam_constants){0.1, 1, 0, 1, 0.9, 0.999, 1, 1e-8}, 3, x, g, m, v, NULL);
        ck_assert(m[0] == 0 && m[2] == 0 && v[0] == 0 && v[2] == 0 && m[1] > 0 && v[1] > 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reduce");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, reductions, 0, 2);
    tcase_add_test(all, error_does_not_grow);
    tcase_add_test(all, norms_of_large_numbers);
    tcase_add_loop_test(all, not_a_number, 0, 2);
    tcase_add_loop_test(all, spreading, 0, 2);
    tcase_add_loop_test(all, softmaxes, 0, 4);
    tcase_add_loop_test(all, softmax_of_nothing_left, 0, 4);
    tcase_add_loop_test(all, cross_entropy, 0, 2);
    tcase_add_loop_test(all, losses, 0, 2);
    tcase_add_loop_test(all, losses_at_the_edges, 0, 2);
    tcase_add_test(all, updates);
    tcase_add_test(all, small_moments_vanish);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
