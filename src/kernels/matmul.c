/* SPDX-License-Identifier: MIT
 *
 * The matrix product by tiles held in registers.
 *
 * What is computed is D (rows, columns) = P (rows, k) Q (k, columns). P is read element by element, in any layout; Q is
 * read by vectors along its rows. D is C, P and Q are op(A) and op(B); or, where that is less work, D is C transposed
 * and P, Q are op(B), op(A) transposed. If the rows of Q are not contiguous in memory, panels of it are transposed into
 * the scratch memory.
 */
#include "kernels/kernels.h"
#include "kernels/matmul.h"
#include "kernels/tile.h"

extern const struct matmul_kernels KERNEL(matmul_table);

/* Tiles: at most TILE_ROWS(v) rows of v vectors, so that the sums, the vectors of one row of Q and one element of P fit
 * into the registers. WIDE vectors for at most WIDE_ROWS rows. With sanitizers the registers do not matter, but every
 * access in the unrolled tiles costs them code, so that compilation would take minutes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if V_BYTES == 64
#define VECTORS 4
#define WIDE_ROWS 3
#else
#define VECTORS 2
#define WIDE_ROWS 1
#endif
#ifdef SANITIZED
#define TILE_ROWS(v) ((v) == 8 ? WIDE_ROWS : (v) == 1 ? 4 : WIDE_ROWS + 1)
#elif V_BYTES == 64
#define TILE_ROWS(v) ((v) == 8 ? 3 : (v) == 1 ? 12 : (v) == 2 ? 8 : 6)
#else
#define TILE_ROWS(v) ((v) == 8 ? 1 : (v) == 1 ? 10 : 6)
#endif
#define WIDE 8
#define TILE_SIZE 24 /* vectors in the largest tile */

/* A panel: all rows of D, `vectors` vectors of its columns, of which the last one has `lanes` lanes. */
typedef struct panel {
    int64_t rows, k;
    const real *p; /* P[i][t] = p[i * pi + t * pk] */
    int64_t pi, pk;
    const real *q; /* Q[t] = q + t * ldq */
    int64_t ldq;
    real *d;
    int64_t ldd;
    const real *start; /* of the sums of row i: start + i * start_step */
    int64_t start_step;
    tile_part part;
    bool relu;
} panel;

/* Rows i ... i + rows - 1. `whole`: the last vector of a row of Q may be loaded whole. */
KERNEL_INLINE void tile(const panel *s, int64_t i, const int rows, const int vectors, const bool whole)
{
    V sum[TILE_SIZE];
    const tile_part part = s->part;
    const int64_t pi = s->pi, pk = s->pk, ldq = s->ldq, ldd = s->ldd, start_step = s->start_step;
    const real *p = s->p + i * pi, *q = s->q, *start = s->start + i * start_step;
    real *d = s->d + i * ldd;
    const int last = vectors - 1;
    TILE_UNROLL(12)
    for (int x = 0; x < rows; x++, start += start_step) {
        TILE_UNROLL(8)
        for (int y = 0; y < last; y++) sum[x * vectors + y] = v_load(start + y * LANES);
        sum[x * vectors + last] = tile_load(start + last * LANES, part);
    }
    for (int64_t t = s->k; t > 0; t--, p += pk, q += ldq) {
        V row[WIDE];
        TILE_UNROLL(8)
        for (int y = 0; y < last; y++) row[y] = v_load(q + y * LANES);
        row[last] = whole ? v_load(q + last * LANES) : tile_load(q + last * LANES, part);
        TILE_UNROLL(12)
        for (int x = 0; x < rows; x++) {
            V a = v_set(p[x * pi]);
            TILE_UNROLL(8)
            for (int y = 0; y < vectors; y++) sum[x * vectors + y] = vfma(a, row[y], sum[x * vectors + y]);
        }
    }
    if (s->relu) {
        TILE_UNROLL(24)
        for (int x = 0; x < rows * vectors; x++) sum[x] = v_select(sum[x] < (V){0}, (V){0}, sum[x]);
    }
    TILE_UNROLL(12)
    for (int x = 0; x < rows; x++, d += ldd) {
        TILE_UNROLL(8)
        for (int y = 0; y < last; y++) v_store(d + y * LANES, sum[x * vectors + y]);
        tile_store(d + last * LANES, part, sum[x * vectors + last]);
    }
}

/* All rows of a panel. */
#define REST(n, vectors, whole)                                                                                        \
    case n:                                                                                                            \
        if (n < TILE_ROWS(vectors)) tile(s, i, n < TILE_ROWS(vectors) ? n : 1, vectors, whole);                        \
        break;
#define PANEL_FUNCTION(name, vectors, whole)                                                                           \
    static __attribute__((noinline)) void name(const panel *s)                                                         \
    {                                                                                                                  \
        int64_t i = 0;                                                                                                 \
        for (; i + TILE_ROWS(vectors) <= s->rows; i += TILE_ROWS(vectors))                                             \
            tile(s, i, TILE_ROWS(vectors), vectors, whole);                                                            \
        switch (s->rows - i) {                                                                                         \
            REST(1, vectors, whole)                                                                                    \
            REST(2, vectors, whole)                                                                                    \
            REST(3, vectors, whole)                                                                                    \
            REST(4, vectors, whole)                                                                                    \
            REST(5, vectors, whole)                                                                                    \
            REST(6, vectors, whole)                                                                                    \
            REST(7, vectors, whole)                                                                                    \
            REST(8, vectors, whole)                                                                                    \
            REST(9, vectors, whole)                                                                                    \
            REST(10, vectors, whole)                                                                                   \
            REST(11, vectors, whole)                                                                                   \
        }                                                                                                              \
    }

#if V_BYTES == 64
PANEL_FUNCTION(panel_1, 1, false)
PANEL_FUNCTION(panel_2, 2, false)
PANEL_FUNCTION(panel_3, 3, false)
PANEL_FUNCTION(panel_4, 4, false)
PANEL_FUNCTION(panel_8, 8, false)
typedef void panel_function(const panel *);
static panel_function *const panels[2][WIDE + 1] = {
    {NULL, panel_1, panel_2, panel_3, panel_4, NULL, NULL, NULL, panel_8},
    {NULL, panel_1, panel_2, panel_3, panel_4, NULL, NULL, NULL, panel_8},
};
#else
PANEL_FUNCTION(panel_1, 1, true)
PANEL_FUNCTION(panel_2, 2, true)
PANEL_FUNCTION(panel_8, 8, true)
typedef void panel_function(const panel *);
#if V_BYTES == 32
PANEL_FUNCTION(part_1, 1, false)
PANEL_FUNCTION(part_2, 2, false)
PANEL_FUNCTION(part_8, 8, false)
static panel_function *const panels[2][WIDE + 1] = {
    {NULL, part_1, part_2, NULL, NULL, NULL, NULL, NULL, part_8},
    {NULL, panel_1, panel_2, NULL, NULL, NULL, NULL, NULL, panel_8},
};
#else
static panel_function *const panels[2][WIDE + 1] = {
    {NULL},
    {NULL, panel_1, panel_2, NULL, NULL, NULL, NULL, NULL, panel_8},
};
#endif
#endif

/* Which of A and B is read how. */
typedef struct form {
    bool swapped; /* D is C transposed */
    bool packed;  /* panels of Q are copied to the scratch memory first */
    int64_t rows, columns, k;
    const real *p, *q;
    int64_t pi, pk;
    int64_t qj, qk;  /* Q[t][j] = q[j * qj + t * qk] */
    int64_t vectors; /* width of a panel */
    int64_t depth;   /* rows of Q taken at a time */
} form;

KERNEL_INLINE int64_t vectors_for(int64_t n)
{
    return (n + LANES - 1) / LANES;
}

static const real zeros[WIDE * LANES];

/* Bytes of a packed panel, for few rows of D and for many: AVX-512 is fed from the second cache as well as from the first
 * one, narrower vectors want most of the panel in the first. */
#define SMALL_PANEL_BYTES (16 * 1024)
#define PANEL_BYTES ((V_BYTES < 64 ? 24 : 128) * 1024)

/* In steps of one vector: transposing C costs 2 per element, packing with transposition 5 per vector. For a C of one
 * column that is contiguous, transposed and not are the same. */
static bool swap_is_less_work(const matmul_task *t)
{
    int64_t direct = t->m * t->k * vectors_for(t->n), swapped = t->n * t->k * vectors_for(t->m);
    if (t->transpose_b) direct += 5 * t->k * vectors_for(t->n);
    if (!t->transpose_a) swapped += 5 * t->k * vectors_for(t->m);
    if (t->n > 1 || t->ldc > 1) swapped += 2 * t->m * t->n;
    return swapped < direct;
}

/* Narrow panels of distant rows use too little of what a cache line and a page of addresses bring. */
KERNEL_INLINE bool pack_rows_of(const matmul_task *t)
{
    const int64_t rows = V_BYTES < 64 ? 48 : 256, bytes = V_BYTES < 64 ? 1024 : 1536;
    return t->m >= rows && t->k > 1 && t->ldb * (int64_t)sizeof(real) >= bytes;
}

static form form_of(const matmul_task *t, bool swapped)
{
    form f = {.k = t->k, .swapped = swapped};
    int64_t a_row = t->transpose_a ? 1 : t->lda, a_k = t->transpose_a ? t->lda : 1;
    int64_t b_column = t->transpose_b ? t->ldb : 1, b_k = t->transpose_b ? 1 : t->ldb;
    if (swapped) {
        f.rows = t->n, f.columns = t->m;
        f.p = t->b, f.pi = b_column, f.pk = b_k;
        f.q = t->a, f.qj = a_row, f.qk = a_k;
    } else {
        f.rows = t->m, f.columns = t->n;
        f.p = t->a, f.pi = a_row, f.pk = a_k;
        f.q = t->b, f.qj = b_column, f.qk = b_k;
    }
    f.vectors = f.rows <= WIDE_ROWS && f.columns > VECTORS * LANES ? WIDE : VECTORS;
    f.packed = f.qj != 1 || (V_BYTES == 16 && f.columns % LANES) || (!swapped && pack_rows_of(t));
    int64_t bytes = f.rows < 2 * TILE_ROWS(VECTORS) ? SMALL_PANEL_BYTES : PANEL_BYTES;
    f.depth = f.packed ? bytes / (f.vectors * V_BYTES) : f.k;
    if (f.depth > f.k) f.depth = f.k;
    return f;
}

/* to[t][j] = q[t * qk + j] for t < depth, j < columns, and 0 for the other columns of `vectors` vectors. */
static void pack(real *to, const real *q, int64_t qk, int64_t depth, int64_t vectors, int64_t columns)
{
    const int64_t last = (vectors - 1) * LANES;
    const tile_part part = tile_part_of((int)(columns - last));
    for (int64_t t = 0; t < depth; t++, q += qk, to += vectors * LANES) {
        for (int64_t j = 0; j < last; j += LANES) v_store(to + j, v_load(q + j));
        v_store(to + last, tile_load(q + last, part));
    }
}

/* to[t][j] = q[t + j * qj] for t < count <= LANES and the LANES columns from j on, of which `columns` exist. */
KERNEL_INLINE void pack_square(real *to, const real *q, int64_t qj, int count, int64_t width, int64_t columns)
{
    V v[LANES];
    const tile_part part = tile_part_of(count);
    if (count == LANES && columns >= LANES) {
        TILE_UNROLL(16)
        for (int x = 0; x < LANES; x++) v[x] = v_load(q + x * qj);
    } else {
        TILE_UNROLL(16)
        for (int x = 0; x < LANES; x++) v[x] = tile_load(x < columns ? q + x * qj : zeros, part);
    }
    tile_transpose(v);
    TILE_UNROLL(16)
    for (int x = 0; x < LANES; x++)
        if (x < count) v_store(to + x * width, v[x]);
}

/* The same for count <= LANES / 2. */
#if V_BYTES > 16
KERNEL_INLINE void pack_half_square(real *to, const real *q, int64_t qj, int count, int64_t width, int64_t columns)
{
    enum { UNIT = 16 / sizeof(real) };
    V v[TILE_HALF];
    if (columns >= LANES) {
        TILE_UNROLL(8)
        for (int k = 0; k < TILE_HALF; k++)
            v[k] = tile_load_pair(q + tile_pair_row(k) * qj, q + (tile_pair_row(k) + UNIT) * qj, count);
    } else {
        TILE_UNROLL(8)
        for (int k = 0; k < TILE_HALF; k++) {
            int low = tile_pair_row(k), high = low + UNIT;
            v[k] = tile_load_pair(low < columns ? q + low * qj : zeros, high < columns ? q + high * qj : zeros, count);
        }
    }
    tile_transpose_half(v);
    TILE_UNROLL(8)
    for (int x = 0; x < TILE_HALF; x++)
        if (x < count) v_store(to + x * width, v[x]);
}
#endif

/* to[t][j] = q[t + j * qj], in squares of LANES. */
static void pack_transposed(real *to, const real *q, int64_t qj, int64_t depth, int64_t vectors, int64_t columns)
{
    const int64_t width = vectors * LANES;
    int64_t t = 0;
    for (; t + LANES <= depth; t += LANES)
        for (int64_t j = 0; j < width; j += LANES)
            pack_square(to + t * width + j, q + j * qj + t, qj, LANES, width, columns - j);
    const int count = (int)(depth - t);
    for (int64_t j = 0; count && j < width; j += LANES) {
#if V_BYTES > 16
        if (count <= TILE_HALF) {
            pack_half_square(to + t * width + j, q + j * qj + t, qj, count, width, columns - j);
            continue;
        }
#endif
        pack_square(to + t * width + j, q + j * qj + t, qj, count, width, columns - j);
    }
}

/* Runs the panel whose first column is j over all of k; d, start and part are set. */
static void run_depth(panel *s, const form *f, int64_t j, int64_t vectors, int64_t columns, bool relu, real *scratch)
{
    panel_function *function = panels[f->packed || V_BYTES == 16 || columns % LANES == 0][vectors];
    for (int64_t t = 0;;) {
        s->k = f->k - t < f->depth ? f->k - t : f->depth;
        s->p = f->p + t * f->pk;
        s->q = f->q + j * f->qj + t * f->qk;
        s->ldq = f->qk;
        if (f->packed) {
            if (f->qj == 1)
                pack(scratch, s->q, f->qk, s->k, vectors, columns);
            else
                pack_transposed(scratch, s->q, f->qj, s->k, vectors, columns);
            s->q = scratch;
            s->ldq = vectors * LANES;
        }
        t += s->k;
        s->relu = t == f->k && relu;
        function(s);
        if (t == f->k) return;
        s->start = s->d;
        s->start_step = s->ldd;
    }
}

/* A panel of D = C transposed, which is kept beside: few rows. */
static void run_swapped(const matmul_task *task, panel *s, const form *f, int64_t j, int64_t vectors, int64_t columns,
                        real *scratch)
{
    real kept[TILE_SIZE * LANES] __attribute__((aligned(64)));
    const int64_t width = vectors * LANES;
    const real *bias = task->bias;
    real *c = task->c;
    c += j * task->ldc;
    s->d = kept;
    s->ldd = width;
    s->start = zeros;
    s->start_step = 0;
    if (task->add || bias) {
        s->start = kept;
        s->start_step = width;
        for (int64_t i = 0; i < f->rows; i++)
            for (int64_t x = 0; x < columns; x++) kept[i * width + x] = task->add ? c[x * task->ldc + i] : bias[i];
    }
    if (f->rows == 1 && task->ldc == 1) {
        s->d = c;
        run_depth(s, f, j, vectors, columns, task->activation == MATMUL_RELU, scratch);
        return;
    }
    run_depth(s, f, j, vectors, columns, task->activation == MATMUL_RELU, scratch);
    for (int64_t x = 0; x < columns; x++)
        for (int64_t i = 0; i < f->rows; i++) c[x * task->ldc + i] = kept[i * width + x];
}

static void run_panels(const matmul_task *task, const form *f, real *scratch)
{
    real *c = task->c;
    const real *bias = task->bias;
    for (int64_t j = 0; j < f->columns;) {
        int64_t left = f->columns - j, vectors = vectors_for(left);
        vectors = vectors >= f->vectors ? f->vectors : vectors < VECTORS ? vectors : VECTORS;
        int64_t columns = left < vectors * LANES ? left : vectors * LANES;
        panel s = {.rows = f->rows, .pi = f->pi, .pk = f->pk};
        s.part = tile_part_of((int)(columns - (vectors - 1) * LANES));
        if (f->swapped) {
            run_swapped(task, &s, f, j, vectors, columns, scratch);
        } else {
            s.d = c + j;
            s.ldd = task->ldc;
            s.start = task->add ? s.d : bias ? bias + j : zeros;
            s.start_step = task->add ? s.ldd : 0;
            run_depth(&s, f, j, vectors, columns, task->activation == MATMUL_RELU, scratch);
        }
        j += columns;
    }
}

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

static bool is_row(const matmul_task *t)
{
    return t->m == 1 && t->transpose_b && t->n >= LANES && t->k >= LANES;
}

static void run_row(const matmul_task *t)
{
    int64_t j = 0;
    for (; j + ROW_VECTORS * LANES <= t->n; j += ROW_VECTORS * LANES) row_block(t, j, ROW_VECTORS, ROW_VECTORS * LANES);
    for (; j < t->n; j += LANES) row_block(t, j, 1, t->n - j < LANES ? t->n - j : LANES);
}

/* C no wider than a panel, B not transposed: one call. */
KERNEL_INLINE void run_small(const matmul_task *t)
{
    int64_t vectors = vectors_for(t->n);
    int lanes = (int)(t->n - (vectors - 1) * LANES);
    panel s = {.rows = t->m, .k = t->k, .p = t->a, .q = t->b, .ldq = t->ldb, .d = t->c, .ldd = t->ldc};
    s.pi = t->transpose_a ? 1 : t->lda;
    s.pk = t->transpose_a ? t->lda : 1;
    s.part = tile_part_of(lanes);
    s.relu = t->activation == MATMUL_RELU;
    s.start = t->add ? t->c : t->bias ? t->bias : zeros;
    s.start_step = t->add ? t->ldc : 0;
    panels[lanes == LANES][vectors](&s);
}

static bool is_swapped(const matmul_task *t)
{
    return t->n <= TILE_ROWS(VECTORS) && t->n < t->m && swap_is_less_work(t);
}

static void run_tiles(const matmul_task *task, real *scratch)
{
    const bool swapped = is_swapped(task);
    if (!swapped && !task->transpose_b && task->n <= VECTORS * LANES && task->k > 0 && !pack_rows_of(task) &&
        (V_BYTES > 16 || task->n % LANES == 0)) {
        run_small(task);
        return;
    }
    form f = form_of(task, swapped);
    if (f.k <= 0) { /* nothing is read */
        f.k = f.depth = 0;
        f.p = f.q = zeros;
        f.pi = f.pk = f.qj = f.qk = 0;
        f.packed = false;
    }
    run_panels(task, &f, scratch);
}

static size_t panel_size(const matmul_task *task)
{
    form f = form_of(task, is_swapped(task));
    return f.packed ? (size_t)(f.depth * f.vectors) * V_BYTES : 0;
}

/* A transposed, of distant rows, and too large for the second cache: each element of a row of op(A) is in a cache line of its
 * own, which comes from afar again and again. Some rows at a time are turned first. */
#define TURNED_BYTES (512 * 1024)

KERNEL_INLINE bool turns_a(const matmul_task *t)
{
    const int64_t size = sizeof(real);
    return t->transpose_a && t->m >= 64 && t->n >= 64 && t->k * size <= TURNED_BYTES / 64 && t->lda * size >= 1024 &&
           t->m * t->k * size > TURNED_BYTES;
}

/* The task of rows i ... of op(A), turned, each made up to whole vectors. */
static matmul_task turned_rows(const matmul_task *t, int64_t i, real *memory)
{
    matmul_task part = *t;
    const int64_t width = vectors_for(t->k) * LANES, most = TURNED_BYTES / (width * (int64_t)sizeof(real)) / 8 * 8;
    const real *a = t->a;
    real *c = t->c;
    part.m = t->m - i < most ? t->m - i : most;
    part.a = a + i;
    if (memory) { /* else only its form is asked for */
        pack_transposed(memory, part.a, t->lda, part.m, width / LANES, t->k);
        part.a = memory;
        part.c = c + i * t->ldc;
    }
    part.lda = width;
    part.transpose_a = false;
    return part;
}

static void run(const matmul_task *task, void *scratch)
{
    if (task->m <= 0 || task->n <= 0) return;
    if (task->k <= SHALLOW && task->n > 1 && task->k > 0 && (task->n <= LANES || !task->transpose_b))
        (task->n <= LANES ? run_shallow : run_shallow_wide)(task);
    else if (is_row(task))
        run_row(task);
    else if (!turns_a(task))
        run_tiles(task, scratch);
    else
        for (int64_t i = 0; i < task->m;) {
            matmul_task part = turned_rows(task, i, scratch);
            run_tiles(&part, (real *)scratch + part.m * part.lda);
            i += part.m;
        }
}

static size_t scratch_size(const matmul_task *task)
{
    if (task->m <= 0 || task->n <= 0 || task->k <= 0 || is_row(task)) return 0;
    if (!turns_a(task)) return panel_size(task);
    size_t most = 0;
    for (int64_t i = 0; i < task->m;) {
        matmul_task part = turned_rows(task, i, NULL);
        size_t size = (size_t)(part.m * part.lda) * sizeof(real) + panel_size(&part);
        if (size > most) most = size;
        i += part.m;
    }
    return most;
}

const struct matmul_kernels KERNEL(matmul_table) = {.scratch = scratch_size, .run = run};
