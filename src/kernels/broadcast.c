/* SPDX-License-Identifier: MIT
 *
 * From shapes to runs.
 */
#include "kernels/broadcast.h"
#include <string.h>

/* Can dimension d of y be merged with the one before it in the plan (which runs faster)? */
static bool mergeable(const broadcast *p, int count, int inner, const int64_t step[])
{
    for (int o = 0; o < count; o++)
        if (step[o] != p->step[o][inner] * p->shape[inner]) return false;
    return true;
}

broadcast broadcast_plan(const reel_array *y, int count, const reel_array *const *operands)
{
    broadcast p = {.rank = 0};
    int64_t size[BROADCAST_OPERANDS] = {1, 1, 1}; /* elements of each operand within the dimensions seen */
    int at = REEL_MAX_RANK;                       /* filled from the end, moved to the front below */
    for (int back = 1; back <= y->rank; back++) {
        int64_t extent = y->shape[y->rank - back], step[BROADCAST_OPERANDS] = {0};
        if (extent == 1) continue;
        for (int o = 0; o < count; o++) {
            int64_t own = back <= operands[o]->rank ? operands[o]->shape[operands[o]->rank - back] : 1;
            step[o] = own == 1 ? 0 : size[o];
            size[o] *= own;
        }
        if (at < REEL_MAX_RANK && mergeable(&p, count, at, step)) {
            p.shape[at] *= extent;
            continue;
        }
        p.shape[--at] = extent;
        for (int o = 0; o < count; o++) p.step[o][at] = step[o];
    }
    while (at > REEL_MAX_RANK - 2) {
        p.shape[--at] = 1;
        for (int o = 0; o < count; o++) p.step[o][at] = 0;
    }
    p.rank = REEL_MAX_RANK - at;
    memmove(p.shape, p.shape + at, (size_t)p.rank * sizeof *p.shape);
    for (int o = 0; o < count; o++) memmove(p.step[o], p.step[o] + at, (size_t)p.rank * sizeof *p.step[o]);
    return p;
}

/* The next index of the dimensions before the last two; false after the last one. at[o]: element of operand o. */
static bool next_matrix(const broadcast *p, int count, int64_t index[], int64_t at[])
{
    for (int d = p->rank - 3; d >= 0; d--) {
        for (int o = 0; o < count; o++) at[o] += p->step[o][d];
        if (++index[d] < p->shape[d]) return true;
        for (int o = 0; o < count; o++) at[o] -= p->step[o][d] * p->shape[d];
        index[d] = 0;
    }
    return false;
}

/* The last two dimensions of a plan and where they stand now. */
typedef struct matrix {
    size_t unit; /* bytes of an element */
    int64_t rows, cols;
    const char *operand[2];
    int64_t row_step[2];
    int runs;
    const char *y, *g;
} matrix;

static matrix matrix_of(const kernels *k, const broadcast *p)
{
    int row = p->rank - 2, col = p->rank - 1;
    matrix m = {.unit = k->dtype == REEL_FLOAT ? 4 : 8, .rows = p->shape[row], .cols = p->shape[col]};
    for (int o = 0; o < 2; o++) m.row_step[o] = p->step[o][row];
    m.runs = p->step[0][col] == p->step[1][col] ? RUN_BOTH : p->step[0][col] ? RUN_A : RUN_B;
    return m;
}

#define TILE 256     /* elements of a short row repeated */
#define SHORT_ROW 64 /* rows up to this are */
typedef union tile {
    float f[TILE];
    double d[TILE];
    char bytes[TILE * 8];
} tile;

/* When one operand is a short row for every row of the result, several rows are one run over a repeated copy of it.
 * Returns how many, 1 when not; then operand o stands in `t`. */
static int64_t repeat_row(const matrix *m, int o, tile *t)
{
    if (m->runs != RUN_BOTH || m->row_step[o] || m->rows < 2 || m->cols > SHORT_ROW) return 1;
    int64_t times = TILE / m->cols;
    if (times > m->rows) times = m->rows;
    size_t row = (size_t)m->cols * m->unit;
    for (int64_t i = 0; i < times; i++) memcpy(t->bytes + (size_t)i * row, m->operand[o], row);
    return times;
}

/* Rows `row` and up, `rows` of them as one run, with operand o taken from the tile when it is used. */
static const char *row_of(const matrix *m, int o, int64_t row)
{
    return m->operand[o] + (size_t)(row * m->row_step[o]) * m->unit;
}

/* The operand that is the same short row for all rows, or -1. */
static int repeated_operand(const matrix *m, tile *t, int64_t *times)
{
    for (int o = 0; o < 2; o++) {
        *times = repeat_row(m, o, t);
        if (*times > 1) return o;
    }
    *times = 1;
    return -1;
}

static void matrix_forward(const matrix *m, binary_forward *forward, char *y)
{
    tile t;
    int64_t times;
    int repeated = repeated_operand(m, &t, &times);
    for (int64_t row = 0; row < m->rows; row += times) {
        int64_t rows = m->rows - row < times ? m->rows - row : times;
        forward(rows * m->cols, repeated == 0 ? t.bytes : row_of(m, 0, row),
                repeated == 1 ? t.bytes : row_of(m, 1, row), y + (size_t)(row * m->cols) * m->unit);
    }
}

void broadcast_forward(const kernels *k, int op, const reel_array *a, const reel_array *b, const reel_array *y)
{
    const binary_kernel *kernel = &k->elementwise->binary[op];
    if (a->size == y->size && b->size == y->size) {
        kernel->forward[RUN_BOTH](y->size, a->data, b->data, y->data);
        return;
    }
    if (!y->size) return;
    broadcast p = broadcast_plan(y, 2, (const reel_array *const[]){a, b});
    matrix m = matrix_of(k, &p);
    int64_t index[REEL_MAX_RANK] = {0}, at[BROADCAST_OPERANDS] = {0};
    char *out = y->data;
    do {
        m.operand[0] = (const char *)a->data + (size_t)at[0] * m.unit;
        m.operand[1] = (const char *)b->data + (size_t)at[1] * m.unit;
        matrix_forward(&m, kernel->forward[m.runs], out);
        out += (size_t)(m.rows * m.cols) * m.unit;
    } while (next_matrix(&p, 2, index, at));
}

/* The operand has an element for every element of the matrix. */
static void gradient_all(const matrix *m, binary_backward *backward, char *gradient, bool add)
{
    tile t;
    int64_t times;
    int repeated = repeated_operand(m, &t, &times);
    for (int64_t row = 0; row < m->rows; row += times) {
        int64_t rows = m->rows - row < times ? m->rows - row : times;
        size_t at = (size_t)(row * m->cols) * m->unit;
        backward(rows * m->cols, repeated == 0 ? t.bytes : row_of(m, 0, row),
                 repeated == 1 ? t.bytes : row_of(m, 1, row), m->y + at, m->g + at, gradient + at, add);
    }
}

static gradient_source source_of(const matrix *m, binary_backward *of, int64_t row)
{
    size_t at = (size_t)(row * m->cols) * m->unit;
    return (gradient_source){.of = of,
                             .a = row_of(m, 0, row),
                             .b = row_of(m, 1, row),
                             .y = m->y + at,
                             .g = m->g + at,
                             .a_row = m->row_step[0],
                             .b_row = m->row_step[1],
                             .runs = m->runs};
}

/* The operand is one short row for all rows: several copies of it are summed side by side, as in a wide row, the rows
 * that are left are added to the first of them, and the copies are added by halves. */
static bool gradient_short_row(const kernels *k, const matrix *m, int which, binary_backward *of, char *gradient,
                               bool add)
{
    tile t, sums;
    int64_t copies = repeat_row(m, which, &t);
    while (copies & (copies - 1)) copies &= copies - 1; /* a power of 2 */
    if (copies < 2) return false;
    gradient_source wide = source_of(m, of, 0);
    int64_t wide_rows = m->rows / copies, done = wide_rows * copies;
    if (which == 0)
        wide.a = t.bytes, wide.b_row *= copies;
    else
        wide.b = t.bytes, wide.a_row *= copies;
    k->elementwise->sum_rows(wide_rows, copies * m->cols, &wide, sums.bytes, false);
    if (done < m->rows) {
        binary_backward *backward = of ? of : k->elementwise->binary[BINARY_add].backward[0][RUN_BOTH];
        gradient_source left = source_of(m, of, done);
        backward((m->rows - done) * m->cols, which == 0 ? t.bytes : left.a, which == 1 ? t.bytes : left.b, left.y,
                 left.g, sums.bytes, true);
    }
    binary_forward *plus = k->elementwise->binary[BINARY_add].forward[RUN_BOTH];
    for (int64_t half = copies / 2 * m->cols; half >= m->cols; half /= 2)
        plus(half, sums.bytes, sums.bytes + (size_t)half * m->unit, sums.bytes);
    if (add)
        plus(m->cols, gradient, sums.bytes, gradient);
    else
        memcpy(gradient, sums.bytes, (size_t)m->cols * m->unit);
    return true;
}

/* The operand is one row for all rows. */
static void gradient_row(const kernels *k, const matrix *m, int which, binary_backward *of, char *gradient, bool add)
{
    if (gradient_short_row(k, m, which, of, gradient, add)) return;
    gradient_source source = source_of(m, of, 0);
    k->elementwise->sum_rows(m->rows, m->cols, &source, gradient, add);
}

/* The operand is one number in each row (one for all rows would have been merged into one row). */
static void gradient_column(const kernels *k, const matrix *m, int which, binary_backward *of, char *gradient, bool add)
{
    for (int64_t row = 0; row < m->rows; row++) {
        gradient_source source = source_of(m, of, row);
        size_t at = (size_t)(row * m->row_step[which]) * m->unit;
        k->elementwise->sum_run(m->cols, &source, gradient + at, add);
    }
}

/* Is the derivative by this operand 1 everywhere? */
static bool passes_gradient(int op, int which)
{
    return op == BINARY_add || (op == BINARY_sub && which == 0);
}

void broadcast_backward(const kernels *k, int op, int which, const reel_array *a, const reel_array *b,
                        const reel_array *y, const void *g, void *gradient, bool add)
{
    const binary_kernel *kernel = &k->elementwise->binary[op];
    if (a->size == y->size && b->size == y->size) {
        kernel->backward[which][RUN_BOTH](y->size, a->data, b->data, y->data, g, gradient, add);
        return;
    }
    const reel_array *own = which ? b : a;
    broadcast p = broadcast_plan(y, 2, (const reel_array *const[]){a, b});
    matrix m = matrix_of(k, &p);
    const int64_t *step = p.step[which];
    bool revisited = !y->size; /* does the outer loop come back to the same elements? */
    for (int d = 0; d < p.rank - 2; d++) revisited |= !step[d];
    if (revisited && !add) memset(gradient, 0, (size_t)own->size * m.unit), add = true;
    if (!y->size) return;

    binary_backward *backward = kernel->backward[which][m.runs], *of = passes_gradient(op, which) ? NULL : backward;
    bool runs = m.runs == RUN_BOTH || m.runs == (which ? RUN_B : RUN_A);
    int64_t index[REEL_MAX_RANK] = {0}, at[BROADCAST_OPERANDS] = {0};
    m.y = y->data, m.g = g;
    do {
        m.operand[0] = (const char *)a->data + (size_t)at[0] * m.unit;
        m.operand[1] = (const char *)b->data + (size_t)at[1] * m.unit;
        char *to = (char *)gradient + (size_t)at[which] * m.unit;
        if (!runs)
            gradient_column(k, &m, which, of, to, add);
        else if (m.rows > 1 && !m.row_step[which])
            gradient_row(k, &m, which, of, to, add);
        else
            gradient_all(&m, backward, to, add);
        m.y += (size_t)(m.rows * m.cols) * m.unit;
        m.g += (size_t)(m.rows * m.cols) * m.unit;
    } while (next_matrix(&p, 2, index, at));
}

void broadcast_sum(const kernels *k, const reel_array *operand, const reel_array *y, const void *g, void *gradient,
                   bool add)
{
    broadcast_backward(k, BINARY_add, 0, operand, y, y, g, gradient, add);
}

void broadcast_where(const kernels *k, const reel_array *mask, const reel_array *a, const reel_array *b,
                     const reel_array *y)
{
    broadcast p = broadcast_plan(y, 3, (const reel_array *const[]){mask, a, b});
    int row = p.rank - 2, col = p.rank - 1;
    size_t unit = k->dtype == REEL_FLOAT ? 4 : 8;
    int64_t index[REEL_MAX_RANK] = {0}, at[BROADCAST_OPERANDS] = {0};
    char *out = y->data;
    if (!y->size) return;
    do {
        for (int64_t r = 0; r < p.shape[row]; r++) {
            const uint8_t *m = (const uint8_t *)mask->data + at[0] + r * p.step[0][row];
            const char *yes = (const char *)a->data + (size_t)(at[1] + r * p.step[1][row]) * unit;
            const char *no = (const char *)b->data + (size_t)(at[2] + r * p.step[2][row]) * unit;
            k->elementwise->where(p.shape[col], m, p.step[0][col], yes, p.step[1][col], no, p.step[2][col], out);
            out += (size_t)p.shape[col] * unit;
        }
    } while (next_matrix(&p, 3, index, at));
}

void broadcast_where_gradient(const kernels *k, const reel_array *mask, bool taken, const reel_array *y, const void *g,
                              void *gradient, bool add)
{
    broadcast p = broadcast_plan(y, 1, (const reel_array *const[]){mask});
    int row = p.rank - 2, col = p.rank - 1;
    size_t unit = k->dtype == REEL_FLOAT ? 4 : 8, run = (size_t)p.shape[col] * unit;
    int64_t index[REEL_MAX_RANK] = {0}, at[BROADCAST_OPERANDS] = {0};
    const char *from = g;
    char *to = gradient;
    if (!y->size) return;
    do {
        for (int64_t r = 0; r < p.shape[row]; r++, from += run, to += run)
            k->elementwise->where_gradient(p.shape[col], (const uint8_t *)mask->data + at[0] + r * p.step[0][row],
                                           p.step[0][col], taken, from, to, add);
    } while (next_matrix(&p, 1, index, at));
}
