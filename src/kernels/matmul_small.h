/* SPDX-License-Identifier: MIT
 *
 * Products for which panels are too much: of few terms, and of one row with B transposed.
 */
#ifndef REEL_KERNELS_MATMUL_SMALL_H
#define REEL_KERNELS_MATMUL_SMALL_H

#include "kernels/matmul.h"
#include "kernels/tile.h"

static const real zeros[8 * LANES];

/* k <= SHALLOW and n <= LANES: all of op(B) stays in registers. */
#define SHALLOW 4

/* `lanes`: n if that is LANES or half of it (a masked store that straddles cache lines costs twice), else 0. */
KERNEL_INLINE void shallow_rows(const matmul_task *t, const int k, const V *row, tile_part part, const int lanes)
{
    const int64_t pi = t->transpose_a ? 1 : t->lda, pk = t->transpose_a ? t->lda : 1, ldc = t->ldc;
    const real *p = t->a;
    real *c = t->c;
    const bool add = t->add, relu = t->activation == MATMUL_RELU;
    V start = t->bias && !add ? tile_load(t->bias, part) : (V){0};
    for (int64_t i = 0, m = t->m; i < m; i++, p += pi, c += ldc) {
        V sum = add ? tile_load(c, part) : start;
        TILE_UNROLL(4)
        for (int x = 0; x < k; x++) sum = vfma(v_set(p[x * pk]), row[x], sum);
        if (relu) sum = v_select(sum < (V){0}, (V){0}, sum);
        if (lanes == LANES)
            v_store(c, sum);
        else if (lanes > 0)
            memcpy(c, &sum, sizeof sum / 2);
        else
            tile_store(c, part, sum);
    }
}

/* The same for any n, B not transposed: row after row, since such a product is mostly writing. */
KERNEL_INLINE void shallow_wide(const matmul_task *t, const int k)
{
    const int64_t pi = t->transpose_a ? 1 : t->lda, pk = t->transpose_a ? t->lda : 1, ldb = t->ldb, n = t->n;
    const real *p = t->a, *q = t->b, *bias = t->bias;
    real *c = t->c;
    const bool add = t->add, relu = t->activation == MATMUL_RELU;
    const int64_t whole = n / LANES * LANES;
    const tile_part part = tile_part_of(n > whole ? (int)(n - whole) : LANES);
    for (int64_t i = 0, m = t->m; i < m; i++, p += pi, c += t->ldc) {
        const real *start = add ? c : bias;
        V a[SHALLOW];
        TILE_UNROLL(4)
        for (int x = 0; x < k; x++) a[x] = v_set(p[x * pk]);
        for (int64_t j = 0; j < whole; j += LANES) {
            V sum = start ? v_load(start + j) : (V){0};
            TILE_UNROLL(4)
            for (int x = 0; x < k; x++) sum = vfma(a[x], v_load(q + x * ldb + j), sum);
            if (relu) sum = v_select(sum < (V){0}, (V){0}, sum);
            v_store(c + j, sum);
        }
        if (n == whole) continue;
        V sum = start ? tile_load(start + whole, part) : (V){0};
        TILE_UNROLL(4)
        for (int x = 0; x < k; x++) sum = vfma(a[x], tile_load(q + x * ldb + whole, part), sum);
        if (relu) sum = v_select(sum < (V){0}, (V){0}, sum);
        tile_store(c + whole, part, sum);
    }
}

static void run_shallow_wide(const matmul_task *t)
{
    switch (t->k) {
    case 1: shallow_wide(t, 1); break;
    case 2: shallow_wide(t, 2); break;
    case 3: shallow_wide(t, 3); break;
    case 4: shallow_wide(t, 4); break;
    }
}

static void run_shallow(const matmul_task *t)
{
    V row[SHALLOW];
    const tile_part part = tile_part_of((int)t->n);
    const real *b = t->b;
    if (t->transpose_b) {
        real kept[SHALLOW][LANES] = {{0}};
        for (int64_t j = 0; j < t->n; j++)
            for (int64_t x = 0; x < t->k; x++) kept[x][j] = b[j * t->ldb + x];
        for (int x = 0; x < SHALLOW; x++) row[x] = v_load(kept[x]);
    } else {
        for (int64_t x = 0; x < t->k; x++) row[x] = tile_load(b + x * t->ldb, part);
    }
#define SHALLOW_CASE(k, lanes)                                                                                         \
    case 4 * (lanes) + k:                                                                                              \
        shallow_rows(t, k, row, part, lanes);                                                                          \
        break;
#define SHALLOW_CASES(lanes) SHALLOW_CASE(1, lanes) SHALLOW_CASE(2, lanes) SHALLOW_CASE(3, lanes) SHALLOW_CASE(4, lanes)
    switch (t->k + (t->n == LANES || t->n == LANES / 2 ? 4 * t->n : 0)) {
        SHALLOW_CASES(0)
        SHALLOW_CASES(LANES / 2)
        SHALLOW_CASES(LANES)
    }
}

/* One row, B transposed: squares of op(B) are turned in registers, and what they hold is used at once. */
#define ROW_VECTORS 4

/* sum, and LANES terms of each of LANES columns: x[i * step] times element i of a row of `square`. */
KERNEL_INLINE V row_square(const real *square, int64_t ldb, const real *x, int64_t step, V sum)
{
#if V_BYTES == 32
    enum { UNIT = 16 / sizeof(real) };
    TILE_UNROLL(2)
    for (int h = 0; h < LANES; h += UNIT) { /* half a square at a time: no half need cross to the other */
        V pair[UNIT];
        V8 column[UNIT];
        TILE_UNROLL(4)
        for (int r = 0; r < UNIT; r++) pair[r] = tile_load_units(square + r * ldb + h, square + (r + UNIT) * ldb + h);
        tile_transpose_units(pair, column);
        TILE_UNROLL(4)
        for (int r = 0; r < UNIT; r++) sum = vfma(v_set(x[(h + r) * step]), (V)column[r], sum);
    }
#else
    V v[LANES];
    TILE_UNROLL(16)
    for (int r = 0; r < LANES; r++) v[r] = v_load(square + r * ldb);
    tile_transpose(v);
    TILE_UNROLL(16)
    for (int r = 0; r < LANES; r++) sum = vfma(v_set(x[r * step]), v[r], sum);
#endif
    return sum;
}

/* The same of a square of which `columns` and `terms` exist. */
KERNEL_INLINE V row_part(const real *square, int64_t ldb, int64_t columns, int terms, const real *x, int64_t step,
                         V sum)
{
    const tile_part part = tile_part_of(terms);
    V v[LANES];
    TILE_UNROLL(16)
    for (int r = 0; r < LANES; r++) v[r] = tile_load(r < columns ? square + r * ldb : zeros, part);
    tile_transpose(v);
    for (int r = 0; r < terms; r++) sum = vfma(v_set(x[r * step]), v[r], sum);
    return sum;
}

KERNEL_INLINE void row_block(const matmul_task *t, int64_t j, const int vectors, int64_t columns)
{
    const real *start = t->add ? t->c : t->bias;
    const int end = vectors - 1;
    const tile_part part = tile_part_of((int)(columns - end * LANES));
    real *c = t->c;
    V sum[ROW_VECTORS] = {{0}};
    c += j;
    if (start) {
        for (int y = 0; y < end; y++) sum[y] = v_load(start + j + y * LANES);
        sum[end] = tile_load(start + j + end * LANES, part);
    }
    const real *x = t->a, *q = t->b;
    const int64_t step = t->transpose_a ? t->lda : 1, ldb = t->ldb, whole = columns < LANES ? 0 : t->k / LANES * LANES;
    q += j * ldb;
    for (int64_t k = 0; k < whole; k += LANES) TILE_UNROLL(4)
    for (int y = 0; y < vectors; y++) sum[y] = row_square(q + y * LANES * ldb + k, ldb, x + k * step, step, sum[y]);
    for (int64_t k = whole; k < t->k; k += LANES)
        for (int y = 0; y < vectors; y++)
            sum[y] = row_part(q + y * LANES * ldb + k, ldb, columns - y * LANES,
                              (int)(t->k - k < LANES ? t->k - k : LANES), x + k * step, step, sum[y]);
    for (int y = 0; y < vectors && t->activation == MATMUL_RELU; y++)
        sum[y] = v_select(sum[y] < (V){0}, (V){0}, sum[y]);
    for (int y = 0; y < end; y++) v_store(c + y * LANES, sum[y]);
    tile_store(c + end * LANES, part, sum[end]);
}

static inline bool is_row(const matmul_task *t)
{
    return t->m == 1 && t->transpose_b && t->n >= LANES && t->k >= LANES;
}

static void run_row(const matmul_task *t)
{
    int64_t j = 0;
    for (; j + ROW_VECTORS * LANES <= t->n; j += ROW_VECTORS * LANES) row_block(t, j, ROW_VECTORS, ROW_VECTORS * LANES);
    for (; j < t->n; j += LANES) row_block(t, j, 1, t->n - j < LANES ? t->n - j : LANES);
}

#endif
