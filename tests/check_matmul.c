/* SPDX-License-Identifier: MIT
 *
 * The matrix product in every instruction set this processor has: each element against the chain of multiply-add steps
 * that matmul.h promises, bit for bit, and against a product in long double; what lies around the matrices stays
 * untouched; cutting into rows, columns and ranges of k changes no bit.
 */
#include "kernels/kernels.h"
#include "kernels/matmul.h"
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A small generator of its own, so that the test stands on nothing it tests. */
static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1du;
}

static double random_real(void) /* (-1, 1) */
{
    return (double)(int64_t)random_bits() * 0x1p-63;
}

static int64_t random_below(int64_t n)
{
    return (int64_t)(random_bits() >> 33) % n;
}

/* A matrix of `rows` rows in exactly as much memory as its rows and their distance need, so that the sanitizers see a
 * step outside, and a copy to find changes in the gaps between rows. */
typedef struct matrix {
    reel_dtype dtype;
    int64_t rows, columns, distance, size;
    void *data, *before;
} matrix;

static double matrix_get(const matrix *a, int64_t i, int64_t j)
{
    int64_t at = i * a->distance + j;
    return a->dtype == REEL_FLOAT ? (double)((const float *)a->data)[at] : ((const double *)a->data)[at];
}

static void matrix_put(matrix *a, int64_t i, int64_t j, double x)
{
    int64_t at = i * a->distance + j;
    if (a->dtype == REEL_FLOAT)
        ((float *)a->data)[at] = (float)x;
    else
        ((double *)a->data)[at] = x;
}

static matrix matrix_new(reel_dtype dtype, int64_t rows, int64_t columns, int64_t gap)
{
    matrix a = {.dtype = dtype, .rows = rows, .columns = columns, .distance = columns + gap};
    a.size = rows > 0 ? (rows - 1) * a.distance + columns : 0;
    size_t bytes = (size_t)a.size * reel_dtype_size(dtype);
    a.data = malloc(bytes ? bytes : 1);
    a.before = malloc(bytes ? bytes : 1);
    for (int64_t i = 0; i < a.size; i++) {
        double x = random_real();
        if (dtype == REEL_FLOAT)
            ((float *)a.data)[i] = (float)x;
        else
            ((double *)a.data)[i] = x;
    }
    if (bytes) memcpy(a.before, a.data, bytes);
    return a;
}

static void matrix_free(matrix *a)
{
    free(a->data);
    free(a->before);
}

/* The same bits, any NaN being equal to any other. */
static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static double step(reel_dtype dtype, bool fused, double a, double b, double c)
{
    if (dtype == REEL_FLOAT)
        return fused ? fmaf((float)a, (float)b, (float)c) : (float)((float)((float)a * (float)b) + (float)c);
    volatile double product = a * b;
    return fused ? fma(a, b, c) : product + c;
}

static void run(const kernels *k, const matmul_task *task)
{
    size_t size = k->matmul->scratch(task);
    ck_assert_uint_le(size, 700 * 1024);
    void *scratch = size ? aligned_alloc(64, (size + 63) / 64 * 64) : NULL;
    k->matmul->run(task, scratch);
    free(scratch);
}

typedef struct operands {
    matrix a, b, c, bias;
    matmul_task task;
} operands;

static operands operands_new(reel_dtype dtype, int64_t m, int64_t n, int64_t k, int form)
{
    bool ta = form & 1, tb = form & 2, add = form & 4, bias = (form & 8) && !add, relu = form & 16, gap = form & 32;
    operands o;
    o.a = ta ? matrix_new(dtype, k, m, gap ? 3 : 0) : matrix_new(dtype, m, k, gap ? 1 : 0);
    o.b = tb ? matrix_new(dtype, n, k, gap ? 2 : 0) : matrix_new(dtype, k, n, gap ? 5 : 0);
    o.c = matrix_new(dtype, m, n, gap ? 7 : 0);
    o.bias = matrix_new(dtype, 1, n, 0);
    o.task = (matmul_task){m,
                           n,
                           k,
                           o.a.data,
                           o.b.data,
                           o.c.data,
                           o.a.distance,
                           o.b.distance,
                           o.c.distance,
                           ta,
                           tb,
                           add,
                           bias ? o.bias.data : NULL,
                           relu ? MATMUL_RELU : MATMUL_LINEAR};
    return o;
}

static void operands_free(operands *o)
{
    matrix_free(&o->a);
    matrix_free(&o->b);
    matrix_free(&o->c);
    matrix_free(&o->bias);
}

/* Every element of C after the product, given C before it. */
static void check_product(const operands *o, const matrix *before, bool fused, const char *isa)
{
    const matmul_task *t = &o->task;
    const reel_dtype dtype = o->a.dtype;
    const long double unit = dtype == REEL_FLOAT ? FLT_EPSILON / 2 : DBL_EPSILON / 2;
    for (int64_t i = 0; i < t->m; i++)
        for (int64_t j = 0; j < t->n; j++) {
            double start = t->add ? matrix_get(before, i, j) : t->bias ? matrix_get(&o->bias, 0, j) : 0;
            double chain = start;
            long double exact = start, size = fabsl((long double)start);
            for (int64_t x = 0; x < t->k; x++) {
                double a = t->transpose_a ? matrix_get(&o->a, x, i) : matrix_get(&o->a, i, x);
                double b = t->transpose_b ? matrix_get(&o->b, j, x) : matrix_get(&o->b, x, j);
                chain = step(dtype, fused, a, b, chain);
                exact += (long double)a * b;
                size += fabsl((long double)a * b);
            }
            if (t->activation == MATMUL_RELU) {
                chain = chain < 0 ? 0 : chain;
                exact = exact < 0 ? 0 : exact;
            }
            double c = matrix_get(&o->c, i, j);
            /* two roundings a step, (1 + u)^(2 k) - 1 < 3 k u, and some for the long double's own */
            long double bound = 3 * (long double)(t->k + 1) * unit * size;
            ck_assert_msg(same(c, chain) && !(fabsl(c - exact) > bound),
                          "%s %s (%d,%d,%d) ta %d tb %d add %d: C[%d][%d] = %.17g, chain %.17g, exact %.17Lg", isa,
                          reel_dtype_name(dtype), (int)t->m, (int)t->n, (int)t->k, t->transpose_a, t->transpose_b,
                          t->add, (int)i, (int)j, c, chain, exact);
        }
    for (int64_t i = 0; i + 1 < t->m; i++)
        for (int64_t j = t->n; j < o->c.distance; j++) {
            matrix old = o->c;
            old.data = o->c.before;
            ck_assert(same(matrix_get(&o->c, i, j), matrix_get(&old, i, j)));
        }
}

static void one_product(reel_dtype dtype, int64_t m, int64_t n, int64_t k, int form)
{
    operands o = operands_new(dtype, m, n, k, form);
    size_t bytes = (size_t)o.c.size * reel_dtype_size(dtype);
    for (int isa = ISA_GENERIC; isa < ISA_COUNT; isa++) {
        const kernels *kernel = kernels_get_isa((kernels_isa)isa, dtype);
        if (!kernel) continue;
        if (bytes) memcpy(o.c.data, o.c.before, bytes);
        matrix before = o.c;
        before.data = o.c.before;
        run(kernel, &o.task);
        check_product(&o, &before, isa != ISA_GENERIC, kernel->isa);
    }
    operands_free(&o);
}

START_TEST(small_shapes)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    for (int64_t m = 0; m <= 9; m++)
        for (int64_t n = 0; n <= 9; n++)
            for (int64_t k = 0; k <= 5; k++)
                for (int form = 0; form < 4; form++) one_product(dtype, m, n, k, form + 4 * (int)random_below(16));
}
END_TEST

START_TEST(random_shapes)
{
    static const int64_t sizes[] = {0,  1,  2,  3,  5,  7,  8,  10, 11, 13,  16, 17,
                                    23, 31, 32, 33, 48, 61, 64, 65, 97, 127, 131};
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    const int count = sizeof sizes / sizeof *sizes;
    for (int trial = 0; trial < 120; trial++)
        one_product(dtype, sizes[random_below(count)], sizes[random_below(count)], sizes[random_below(count)],
                    (int)random_below(64));
}
END_TEST

/* Long sums, cut into several panels; tall and wide; what the networks of the benchmarks use. */
START_TEST(long_shapes)
{
    static const int64_t shapes[][3] = {
        {1, 1, 5000}, {1, 3, 3001}, {2, 1, 3001},    {3, 200, 1100}, {13, 70, 1201},  {50, 33, 1111},
        {200, 8, 2},  {200, 1, 8},  {8, 2, 200},     {1, 8, 200},    {200, 8, 1},     {131, 1, 17},
        {257, 3, 40}, {40, 400, 3}, {1, 300, 40},    {2, 130, 333},  {60, 10, 700},   {64, 96, 600},
        {5, 129, 2},  {300, 2, 1},  {61, 1, 4000},   {49, 448, 530}, {1, 100, 90},    {1, 45, 784},
        {1, 16, 16},  {1, 200, 33}, {150, 70, 1000}, {136, 64, 64},  {210, 301, 610},
    };
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int form = 0; form < 4; form++)
            one_product(dtype, shapes[s][0], shapes[s][1], shapes[s][2], form + 4 * (int)random_below(16));
}
END_TEST

/* A piece of C computed alone has the bits it has in the whole: single rows, columns, and two ranges of k in turn. */
START_TEST(pieces_agree)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    const size_t bytes = reel_dtype_size(dtype);
    for (int trial = 0; trial < 60; trial++) {
        int form = (int)random_below(64) & ~4;
        operands o = operands_new(dtype, 1 + random_below(90), 1 + random_below(90), 2 + random_below(300), form);
        const matmul_task *t = &o.task;
        matrix piece = matrix_new(dtype, t->m, t->n, 0);
        for (int isa = ISA_GENERIC; isa < ISA_COUNT; isa++) {
            const kernels *kernel = kernels_get_isa((kernels_isa)isa, dtype);
            if (!kernel) continue;
            run(kernel, t);
            int64_t i = random_below(t->m), rows = 1 + random_below(t->m - i);
            int64_t j = random_below(t->n), columns = 1 + random_below(t->n - j), half = 1 + random_below(t->k - 1);
            matmul_task part = *t;
            part.m = rows;
            part.n = columns;
            part.a = (const char *)t->a + (size_t)(i * (t->transpose_a ? 1 : t->lda)) * bytes;
            part.b = (const char *)t->b + (size_t)(j * (t->transpose_b ? t->ldb : 1)) * bytes;
            part.bias = t->bias ? (const char *)t->bias + (size_t)j * bytes : NULL;
            part.c = piece.data;
            part.ldc = t->n;
            part.k = half;
            part.activation = MATMUL_LINEAR;
            run(kernel, &part);
            part.a = (const char *)part.a + (size_t)(half * (t->transpose_a ? t->lda : 1)) * bytes;
            part.b = (const char *)part.b + (size_t)(half * (t->transpose_b ? 1 : t->ldb)) * bytes;
            part.bias = NULL;
            part.add = true;
            part.k = t->k - half;
            part.activation = t->activation;
            run(kernel, &part);
            for (int64_t x = 0; x < rows; x++)
                for (int64_t y = 0; y < columns; y++)
                    ck_assert_msg(same(matrix_get(&piece, x, y), matrix_get(&o.c, i + x, j + y)),
                                  "%s: rows %d+%d columns %d+%d of (%d,%d,%d)", kernel->isa, (int)i, (int)rows, (int)j,
                                  (int)columns, (int)t->m, (int)t->n, (int)t->k);
        }
        matrix_free(&piece);
        operands_free(&o);
    }
}
END_TEST

/* 0 * inf is NaN wherever it stands, NaN reaches every sum it belongs to and no other, relu keeps NaN. */
START_TEST(not_finite)
{
    const reel_dtype dtype = _i & 1 ? REEL_DOUBLE : REEL_FLOAT;
    for (int trial = 0; trial < 300; trial++) {
        int form = (int)random_below(64);
        operands o = operands_new(dtype, 1 + random_below(40), 1 + random_below(40), 1 + random_below(40), form);
        matmul_task *t = &o.task;
        int64_t i = random_below(t->m), j = random_below(t->n), x = random_below(t->k);
        matrix_put(&o.a, t->transpose_a ? x : i, t->transpose_a ? i : x, trial & 1 ? 0.0 : NAN);
        matrix_put(&o.b, t->transpose_b ? j : x, t->transpose_b ? x : j, trial & 2 ? INFINITY : -INFINITY);
        for (int isa = ISA_GENERIC; isa < ISA_COUNT; isa++) {
            const kernels *kernel = kernels_get_isa((kernels_isa)isa, dtype);
            if (!kernel) continue;
            memcpy(o.c.data, o.c.before, (size_t)o.c.size * reel_dtype_size(dtype));
            run(kernel, t);
            for (int64_t r = 0; r < t->m; r++)
                for (int64_t c = 0; c < t->n; c++) {
                    bool nan = (r == i && c == j) || (r == i && !(trial & 1));
                    ck_assert(!isnan(matrix_get(&o.c, r, c)) == !nan);
                }
        }
        operands_free(&o);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matmul");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, small_shapes, 0, 2);
    tcase_add_loop_test(all, random_shapes, 0, 2);
    tcase_add_loop_test(all, long_shapes, 0, 2);
    tcase_add_loop_test(all, pieces_agree, 0, 2);
    tcase_add_loop_test(all, not_finite, 0, 2);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
