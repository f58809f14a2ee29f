/* SPDX-License-Identifier: MIT
 *
 * Matrix products of the limits: a tile of the result in registers, one column strip of the second factor after the
 * other.
 */
#ifndef TOOLS_LIMIT_PRODUCT_H
#define TOOLS_LIMIT_PRODUCT_H

#include "limit_vector.h"

/* Rows and vectors of the tile: as many sums as hide the latency and leave registers for the factors. */
#if V_BYTES == 64
enum { TILE_ROWS = 6, TILE_VECTORS = 4, ROW_VECTORS = 16 };
#elif V_BYTES == 32
enum { TILE_ROWS = 6, TILE_VECTORS = 2, ROW_VECTORS = 8 };
#else
enum { TILE_ROWS = 4, TILE_VECTORS = 2, ROW_VECTORS = 8 };
#endif

enum { PACK_FROM = 48 }; /* rows from which copying a strip of b pays */

/* c = after(start + a b): a by the steps from row to row and along k, b and c by rows. */
typedef struct product {
    int64_t k;
    const float *a;
    int64_t a_row, a_k;
    const float *b;
    int64_t b_row;
    float *c;
    int64_t c_row;
    const float *bias; /* of the columns: what the sums start from; NULL: 0 */
    bool relu;
    const float *gate; /* of c's shape: 0 where it is not positive; NULL: none */
} product;

/* A tile of constant size; the last vector of a row has `last` lanes. */
INLINE void tile(const product *p, const int rows, const int vectors, int last)
{
    V sum[TILE_ROWS][ROW_VECTORS];
    const float *a = p->a, *b = p->b;
    const int64_t a_row = p->a_row, a_k = p->a_k, b_row = p->b_row, terms = p->k;
    UNROLL(6)
    for (int i = 0; i < rows; i++) {
        UNROLL(16)
        for (int j = 0; j < vectors; j++)
            sum[i][j] = !p->bias           ? v_set(0)
                        : j == vectors - 1 ? v_load_first(p->bias + j * LANES, last)
                                           : v_load(p->bias + j * LANES);
    }
    for (int64_t k = 0; k < terms; k++, a += a_k, b += b_row) {
        V row[ROW_VECTORS];
        UNROLL(16)
        for (int j = 0; j < vectors; j++)
            row[j] = j == vectors - 1 ? v_load_first(b + j * LANES, last) : v_load(b + j * LANES);
        UNROLL(6)
        for (int i = 0; i < rows; i++) {
            V factor = v_set(a[i * a_row]);
            UNROLL(16)
            for (int j = 0; j < vectors; j++) sum[i][j] = v_fma(factor, row[j], sum[i][j]);
        }
    }
    UNROLL(6)
    for (int i = 0; i < rows; i++) {
        UNROLL(16)
        for (int j = 0; j < vectors; j++) {
            int64_t at = i * p->c_row + j * LANES;
            int lanes = j == vectors - 1 ? last : LANES;
            V s = p->relu ? v_max(sum[i][j], v_set(0)) : sum[i][j];
            if (p->gate) s = v_where_positive(v_load_first(p->gate + at, lanes), s);
            v_store_first(p->c + at, s, lanes);
        }
    }
}

/* `m` rows of a strip of constant width. */
INLINE void strip(product p, int64_t m, const int vectors, int last)
{
    for (; m >= TILE_ROWS; m -= TILE_ROWS) {
        if (last == LANES)
            tile(&p, TILE_ROWS, vectors, LANES);
        else
            tile(&p, TILE_ROWS, vectors, last);
        p.a += TILE_ROWS * p.a_row;
        p.c += TILE_ROWS * p.c_row;
        if (p.gate) p.gate += TILE_ROWS * p.c_row;
    }
    switch (m) {
    case 5: tile(&p, TILE_ROWS > 5 ? 5 : 1, vectors, last); break;
    case 4: tile(&p, TILE_ROWS > 4 ? 4 : 1, vectors, last); break;
    case 3: tile(&p, 3, vectors, last); break;
    case 2: tile(&p, 2, vectors, last); break;
    case 1: tile(&p, 1, vectors, last); break;
    default: break;
    }
}

static void strip_of(const product *p, int64_t m, int vectors, int last)
{
    switch (vectors) {
#if V_BYTES == 64
    case 4: strip(*p, m, 4, last); break;
    case 3: strip(*p, m, 3, last); break;
#endif
    case 2: strip(*p, m, 2, last); break;
    default: strip(*p, m, 1, last); break;
    }
}

/* One row: as many columns at once as there are registers, so that b is read from end to end. */
static void one_row(product p, int64_t n)
{
    for (; n >= ROW_VECTORS * LANES; n -= ROW_VECTORS * LANES) {
        tile(&p, 1, ROW_VECTORS, LANES);
        p.b += ROW_VECTORS * LANES;
        p.c += ROW_VECTORS * LANES;
        if (p.bias) p.bias += ROW_VECTORS * LANES;
        if (p.gate) p.gate += ROW_VECTORS * LANES;
    }
    for (; n >= 8 * LANES; n -= 8 * LANES) {
        tile(&p, 1, 8, LANES);
        p.b += 8 * LANES;
        p.c += 8 * LANES;
        if (p.bias) p.bias += 8 * LANES;
        if (p.gate) p.gate += 8 * LANES;
    }
    for (int64_t j = 0; j < n;) {
        int64_t width = n - j < TILE_VECTORS * LANES ? n - j : TILE_VECTORS * LANES;
        product q = p;
        q.b += j;
        q.c += j;
        if (q.bias) q.bias += j;
        if (q.gate) q.gate += j;
        int vectors = (int)((width + LANES - 1) / LANES);
        strip_of(&q, 1, vectors, (int)(width - (vectors - 1) * LANES));
        j += width;
    }
}

/* k = 1: c = a b, each row of c written from end to end. */
static void outer(const product *p, int64_t m, int64_t n)
{
    for (int64_t i = 0; i < m; i++) {
        V a = v_set(p->a[i * p->a_row]);
        float *c = p->c + i * p->c_row;
        int64_t j = 0;
        for (; j + LANES <= n; j += LANES) v_store(c + j, a * v_load(p->b + j));
        if (j < n) v_store_first(c + j, a * v_load_first(p->b + j, (int)(n - j)), (int)(n - j));
    }
}

/* `pack` holds LIMIT_PACK k floats: strips of b are copied there when they are used often enough. */
static void multiply(const product *p, int64_t m, int64_t n, float *pack)
{
    if (m == 1) {
        one_row(*p, n);
        return;
    }
    if (p->k == 1 && !p->bias && !p->relu && !p->gate) {
        outer(p, m, n);
        return;
    }
    for (int64_t j = 0; j < n; j += TILE_VECTORS * LANES) {
        int64_t width = n - j < TILE_VECTORS * LANES ? n - j : TILE_VECTORS * LANES;
        int vectors = (int)((width + LANES - 1) / LANES);
        product q = *p;
        q.b += j;
        q.c += j;
        if (q.bias) q.bias += j;
        if (q.gate) q.gate += j;
        if (pack && width == TILE_VECTORS * LANES && m >= PACK_FROM && p->b_row > width) {
            for (int64_t k = 0; k < p->k; k++)
                memcpy(pack + k * width, q.b + k * p->b_row, (size_t)width * sizeof(float));
            q.b = pack;
            q.b_row = width;
        }
        strip_of(&q, m, vectors, (int)(width - (vectors - 1) * LANES));
    }
}

#endif
