/* SPDX-License-Identifier: MIT
 *
 * Sums of gradients over the dimensions along which an operand was broadcast, in an order that depends on the shape
 * alone.
 */
#include "kernels/elementwise.h"
#include "kernels/vector.h"

extern sum_run_kernel KERNEL(sum_run);
extern sum_rows_kernel KERNEL(sum_rows);

/* Elements summed lane by lane before their sum goes to the cascade. */
#define SUM_CHUNK (32 * ROUND)

KERNEL_INLINE real sum_chunk(int64_t n, const real *p)
{
    V sum[ROUND_VECTORS] = {{0}};
    int64_t i = 0;
    for (; i + ROUND <= n; i += ROUND)
        for (int k = 0; k < ROUND_VECTORS; k++) sum[k] += v_load(p + i + k * LANES);
    for (int k = 0; k < ROUND_VECTORS && i < n; k++, i += LANES)
        sum[k] += n - i < LANES ? v_first(v_load_part(p + i, n - i), n - i) : v_load(p + i);
    return v_sum_round(sum);
}

/* Element `first` of row `row` of an operand. */
static const real *element(const void *operand, int64_t step, int64_t row, bool runs, int64_t first)
{
    return (const real *)operand + row * step + (runs ? first : 0);
}

/* n elements of row `row` of the source, from element `first` on: where they are, or computed into `buffer`. */
static const real *source_row(const gradient_source *s, int64_t row, int64_t cols, int64_t first, int64_t n,
                              real *buffer)
{
    int64_t at = row * cols + first;
    if (!s->of) return (const real *)s->g + at;
    s->of(n, element(s->a, s->a_row, row, s->runs != RUN_B, first),
          element(s->b, s->b_row, row, s->runs != RUN_A, first), (const real *)s->y + at, (const real *)s->g + at,
          buffer, false);
    return buffer;
}

void KERNEL(sum_run)(int64_t n, const gradient_source *source, void *sum, bool add)
{
    real buffer[SUM_CHUNK], *out = sum, total;
    if (n <= SUM_CHUNK) {
        total = sum_chunk(n, source_row(source, 0, n, 0, n, buffer));
    } else {
        cascade parts;
        parts.count = 0;
        for (int64_t i = 0; i < n; i += SUM_CHUNK) {
            int64_t size = n - i < SUM_CHUNK ? n - i : SUM_CHUNK;
            cascade_push(&parts, sum_chunk(size, source_row(source, 0, n, i, size, buffer)));
        }
        total = cascade_total(&parts);
    }
    *out = add ? *out + total : total;
}

#define ROW_CHUNK 32 /* rows summed one after another before their sum goes to the cascade */

KERNEL_INLINE V load_up_to(const real *p, int64_t n)
{
    return n < LANES ? v_load_part(p, n) : v_load(p);
}

/* A cascade of whole strips of ROUND columns. */
typedef struct strip_cascade {
    uint64_t count;
    V level[40][ROUND_VECTORS];
} strip_cascade;

static void strip_push(strip_cascade *c, V part[ROUND_VECTORS], int vectors)
{
    int k = 0;
    for (; c->count >> k & 1; k++)
        for (int v = 0; v < vectors; v++) part[v] += c->level[k][v];
    for (int v = 0; v < vectors; v++) c->level[k][v] = part[v];
    c->count++;
}

static void strip_sum(int64_t rows, int64_t cols, int64_t first, int width, const gradient_source *source, real *out,
                      bool add)
{
    strip_cascade parts;
    real buffer[ROUND];
    int vectors = (width + LANES - 1) / LANES;
    parts.count = 0;
    for (int64_t start = 0; start < rows; start += ROW_CHUNK) {
        int64_t end = rows - start < ROW_CHUNK ? rows : start + ROW_CHUNK;
        V sum[ROUND_VECTORS] = {{0}};
        for (int64_t row = start; row < end; row++) {
            const real *p = source_row(source, row, cols, first, width, buffer);
            if (width == ROUND)
                for (int v = 0; v < ROUND_VECTORS; v++) sum[v] += v_load(p + v * LANES);
            else
                for (int v = 0; v < vectors; v++) sum[v] += load_up_to(p + v * LANES, width - v * LANES);
        }
        strip_push(&parts, sum, vectors);
    }
    V total[ROUND_VECTORS] = {{0}};
    for (int k = 0; parts.count >> k; k++)
        if (parts.count >> k & 1)
            for (int v = 0; v < vectors; v++) total[v] += parts.level[k][v];
    for (int v = 0; v < vectors; v++) {
        real *p = out + first + v * LANES;
        int left = width - v * LANES;
        if (add) total[v] += load_up_to(p, left);
        if (left < LANES)
            v_store_part(p, total[v], left);
        else
            v_store(p, total[v]);
    }
}

void KERNEL(sum_rows)(int64_t rows, int64_t cols, const gradient_source *source, void *sums, bool add)
{
    for (int64_t first = 0; first < cols; first += ROUND)
        strip_sum(rows, cols, first, cols - first < ROUND ? (int)(cols - first) : ROUND, source, sums, add);
}
