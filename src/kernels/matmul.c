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
#include "kernels/matmul_small.h"
#include "kernels/tile.h"

extern const struct matmul_kernels KERNEL(matmul_table);

/* Tiles: at most TILE_ROWS(v) rows of v vectors, so that the sums, the vectors of one row of Q and one element of P fit
 * into the registers. Of the shapes with 12 sums 4 x 3 loads least: 7 times a step, 6 x 2 loads 8 times, which on a core that
 * another thread shares is 15 % slower. WIDE vectors for at most WIDE_ROWS rows. With sanitizers the registers do not matter,
 * but every access in the unrolled tiles costs them code, so that compilation would take minutes. */
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
#define VECTORS (V_BYTES == 32 ? 3 : 2)
#define WIDE_ROWS 1
#endif
#ifdef SANITIZED
#define TILE_ROWS(v) ((v) == 8 ? WIDE_ROWS : (v) == 1 ? 4 : WIDE_ROWS + 1)
#elif V_BYTES == 64
#define TILE_ROWS(v) ((v) == 8 ? 3 : (v) == 1 ? 12 : (v) == 2 ? 8 : 6)
#else
#define TILE_ROWS(v) ((v) == 8 ? 1 : (v) == 1 ? 10 : (v) == 2 ? 6 : 4)
#endif
#define SWAPPED_MOST 6 /* columns of a C that may be computed transposed */
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
PANEL_FUNCTION(panel_3, 3, true)
PANEL_FUNCTION(part_1, 1, false)
PANEL_FUNCTION(part_2, 2, false)
PANEL_FUNCTION(part_3, 3, false)
PANEL_FUNCTION(part_8, 8, false)
static panel_function *const panels[2][WIDE + 1] = {
    {NULL, part_1, part_2, part_3, NULL, NULL, NULL, NULL, part_8},
    {NULL, panel_1, panel_2, panel_3, NULL, NULL, NULL, NULL, panel_8},
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
    int64_t group; /* panels that are packed together, for blocks of rows of P that stay in the second cache; 1: none */
} form;

KERNEL_INLINE int64_t vectors_for(int64_t n)
{
    return (n + LANES - 1) / LANES;
}

/* Width of the next panel when `columns` are left: `most`, if there are so many, but two of 2 vectors rather than 3 and 1. */
KERNEL_INLINE int64_t panel_width(int64_t columns, int64_t most)
{
    const int64_t vectors = vectors_for(columns);
    if (most == 3 && vectors == 4) return 2;
    return vectors >= most ? most : vectors < VECTORS ? vectors : VECTORS;
}

/* Bytes of a packed panel, for few rows of D and for many: AVX-512 is fed from the second cache as well as from the first
 * one, narrower vectors want most of the panel in the first. */
#define SMALL_PANEL_BYTES (16 * 1024)
#define PANEL_BYTES ((V_BYTES < 64 ? 24 : 128) * 1024)

/* A P of more bytes than that would come from afar for each panel: with narrow vectors GROUP panels take BLOCK_ROWS rows of
 * it, before the next rows come. */
#define NEAR_BYTES (256 * 1024)
#define GROUP 8
#define BLOCK_ROWS 96

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
    f.vectors = VECTORS;
    if (f.rows <= WIDE_ROWS && f.columns > VECTORS * LANES) f.vectors = WIDE;
    if (V_BYTES == 32 && (f.rows == 5 || f.rows == 6)) f.vectors = 2; /* one tile */
    f.packed = f.qj != 1 || (V_BYTES == 16 && f.columns % LANES) || (!swapped && pack_rows_of(t));
    int64_t bytes = f.rows < 2 * TILE_ROWS(VECTORS) ? SMALL_PANEL_BYTES : PANEL_BYTES;
    f.depth = f.packed ? bytes / (f.vectors * V_BYTES) : f.k;
    if (f.packed && f.depth < f.k) { /* pieces of about one size */
        const int64_t pieces = (f.k + f.depth - 1) / f.depth;
        f.depth = ((f.k + pieces - 1) / pieces + 3) & -4;
    }
    if (f.depth > f.k) f.depth = f.k;
    const bool far = f.rows * f.k * (int64_t)sizeof(real) > NEAR_BYTES && f.columns > f.vectors * LANES;
    f.group = V_BYTES < 64 && f.packed && !swapped && far ? GROUP : 1;
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

/* The rows t ... t + depth - 1 of the panel whose first column is j. */
static void pack_panel(const form *f, int64_t j, int64_t t, int64_t depth, int64_t vectors, int64_t columns, real *to)
{
    const real *q = f->q + j * f->qj + t * f->qk;
    if (f->qj == 1)
        pack(to, q, f->qk, depth, vectors, columns);
    else
        pack_transposed(to, q, f->qj, depth, vectors, columns);
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
            pack_panel(f, j, t, s->k, vectors, columns, scratch);
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

/* Where the panel of `vectors` vectors from column j on begins in C, and with what. */
static panel panel_of(const matmul_task *task, const form *f, int64_t j, int64_t vectors, int64_t columns)
{
    const real *bias = task->bias;
    panel s = {.rows = f->rows, .pi = f->pi, .pk = f->pk, .d = (real *)task->c + j, .ldd = task->ldc};
    s.part = tile_part_of((int)(columns - (vectors - 1) * LANES));
    s.start = task->add ? s.d : bias ? bias + j : zeros;
    s.start_step = task->add ? s.ldd : 0;
    return s;
}

/* f->group panels from column `first` on, over all of k, a block of rows of P after the other. Returns the next column. */
static int64_t run_group(const matmul_task *task, const form *f, int64_t first, real *scratch)
{
    const int64_t room = f->depth * f->vectors * LANES;
    int64_t next = first;
    for (int64_t t = 0, depth; t < f->k; t += depth) {
        depth = f->k - t < f->depth ? f->k - t : f->depth;
        for (int64_t i = 0; i < f->rows; i += BLOCK_ROWS) {
            next = first;
            for (int64_t k = 0; k < f->group && next < f->columns; k++) {
                const int64_t j = next, left = f->columns - j, vectors = panel_width(left, f->vectors);
                const int64_t columns = left < vectors * LANES ? left : vectors * LANES;
                if (i == 0) pack_panel(f, j, t, depth, vectors, columns, scratch + k * room);
                panel s = panel_of(task, f, j, vectors, columns);
                s.rows = f->rows - i < BLOCK_ROWS ? f->rows - i : BLOCK_ROWS;
                s.d += i * s.ldd;
                s.start = t > 0 ? s.d : s.start + i * s.start_step;
                if (t > 0) s.start_step = s.ldd;
                s.k = depth;
                s.p = f->p + i * f->pi + t * f->pk;
                s.q = scratch + k * room;
                s.ldq = vectors * LANES;
                s.relu = t + depth == f->k && task->activation == MATMUL_RELU;
                panels[1][vectors](&s);
                next += columns;
            }
        }
    }
    return next;
}

static void run_panels(const matmul_task *task, const form *f, real *scratch)
{
    for (int64_t j = 0; j < f->columns;) {
        if (f->group > 1) {
            j = run_group(task, f, j, scratch);
            continue;
        }
        const int64_t left = f->columns - j, vectors = panel_width(left, f->vectors);
        const int64_t columns = left < vectors * LANES ? left : vectors * LANES;
        panel s = panel_of(task, f, j, vectors, columns);
        if (f->swapped)
            run_swapped(task, &s, f, j, vectors, columns, scratch);
        else
            run_depth(&s, f, j, vectors, columns, task->activation == MATMUL_RELU, scratch);
        j += columns;
    }
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
    return t->n <= SWAPPED_MOST && t->n < t->m && swap_is_less_work(t);
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
    return f.packed ? (size_t)(f.group * f.depth * f.vectors) * V_BYTES : 0;
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
