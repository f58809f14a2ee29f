/* SPDX-License-Identifier: MIT
 *
 * The matrix product on several threads. Every element is one chain of multiply-add steps however C is cut
 * (kernels/matmul.h), so the cutting may suit the number of threads without a change of bits.
 */
#include "ops/product.h"
#include "core/threads.h"
#include "kernels/kernels.h"
#include "tape/tape.h"

/* Multiply-add steps from which on a product is cut. Alone it takes some 9 us there, on two threads 6 to 8, as near or far
 * as their cores are; a quarter of it breaks even. */
#define PRODUCT_LEAST ((uint64_t)1 << 19)

/* Multiply-add steps of a piece, some 75 us, unless it would have fewer rows than make packing columns worth it. */
#define PIECE_MOST ((int64_t)1 << 22)
#define PIECE_HEIGHT 96
#define ROW_PIECE_HEIGHT 64

/* Pieces are as wide as the panels of the kernels, so that cutting costs nothing: 256 bytes of columns, 512 where there are
 * few rows. As high as fits the tiles where there are many columns; as wide panels are where C has fewer columns than
 * a tile has rows, which the kernels compute transposed. */
#define PANEL_BYTES 256
#define FEW_ROWS 3
#define TILE_HEIGHT 12 /* tiles have 4 or 6 rows */
#define FEW_COLUMNS 6
#define TRANSPOSED_HEIGHT 128

typedef struct pieces {
    const matmul_task *task;
    const struct matmul_kernels *kernel;
    size_t element;        /* bytes */
    int64_t height, width; /* of a piece */
    int64_t across, count; /* pieces in a row of pieces, and in all */
    char *scratch;
    size_t scratch_size; /* for each thread */
} pieces;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t round_up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* By columns, and by rows as well where pieces would be long or too few: for y = x W^T a thread then works on some rows
 * of W. By rows for the gradient of W, and the same thread works on the same rows, as it will in the optimizer's step.
 * The number of pieces is one that the threads divide, unless there are so many that it does not matter. */
static void cut(pieces *p, int threads)
{
    const matmul_task *t = p->task;
    const bool rows = t->transpose_a && t->m >= ROW_PIECE_HEIGHT * threads;
    const int64_t unit = rows ? ROW_PIECE_HEIGHT : t->n <= FEW_COLUMNS ? TRANSPOSED_HEIGHT : TILE_HEIGHT;
    p->width = rows ? t->n : PANEL_BYTES / (int64_t)p->element * (t->m <= FEW_ROWS ? 2 : 1);
    p->across = (t->n + p->width - 1) / p->width;
    int64_t down = t->m * least(t->n, p->width) / (PIECE_MOST / t->k + 1) + 1;
    down = least(down, t->m / (rows ? ROW_PIECE_HEIGHT : PIECE_HEIGHT));
    if (down < 1) down = 1;
    if (rows && down < 3 * threads)
        down = down < threads ? threads : down - down % threads;
    else if (p->across * down < 3 * threads)
        while (p->across * down % threads) down++;
    p->height = round_up((t->m + down - 1) / down, unit);
    p->count = p->across * ((t->m + p->height - 1) / p->height);
}

static matmul_task piece(const pieces *p, int64_t row, int64_t column)
{
    matmul_task t = *p->task;
    t.m = least(p->height, t.m - row);
    t.n = least(p->width, t.n - column);
    t.a = (const char *)t.a + (size_t)(row * (t.transpose_a ? 1 : t.lda)) * p->element;
    t.b = (const char *)t.b + (size_t)(column * (t.transpose_b ? t.ldb : 1)) * p->element;
    t.c = (char *)t.c + (size_t)(row * t.ldc + column) * p->element;
    if (t.bias) t.bias = (const char *)t.bias + (size_t)column * p->element;
    return t;
}

static void run_piece(void *argument, int64_t chunk, int thread)
{
    const pieces *p = argument;
    matmul_task t = piece(p, chunk / p->across * p->height, chunk % p->across * p->width);
    p->kernel->run(&t, p->scratch_size ? p->scratch + (size_t)thread * p->scratch_size : NULL);
}

/* The most that a piece wants: inside, at the right, at the bottom, in the corner. */
static size_t scratch_of(const pieces *p)
{
    const int64_t rows[2] = {0, (p->count / p->across - 1) * p->height}, columns[2] = {0, (p->across - 1) * p->width};
    size_t most = 0;
    for (int i = 0; i < 4; i++) {
        matmul_task t = piece(p, rows[i / 2], columns[i % 2]);
        size_t size = p->kernel->scratch(&t);
        if (size > most) most = size;
    }
    return (most + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

static reel_status run_pieces(reel_call *call, pieces *p, int threads)
{
    p->scratch_size = scratch_of(p);
    arena *memory = &call->tape->memory;
    arena_mark mark = arena_mark_here(memory);
    if (p->scratch_size) {
        p->scratch = arena_take(memory, (size_t)least(threads, p->count) * p->scratch_size);
        if (!p->scratch) return REEL_NO_MEMORY;
    }
    threads_run(threads, p->count, run_piece, p);
    arena_release(memory, mark);
    return REEL_OK;
}

reel_status product_run(reel_call *call, const matmul_task *task)
{
    const struct matmul_kernels *kernel = call_kernels(call)->matmul;
    if ((uint64_t)task->m * (uint64_t)task->n * (uint64_t)task->k >= PRODUCT_LEAST) {
        int threads = call->tape->object.context->threads;
        pieces p = {.task = task, .kernel = kernel, .element = element_size(call->out->dtype)};
        if (threads > 1) cut(&p, threads);
        if (p.count > 1) return run_pieces(call, &p, threads);
    }
    size_t size = kernel->scratch(task);
    if (size == 0) {
        kernel->run(task, NULL);
        return REEL_OK;
    }
    arena *memory = &call->tape->memory;
    arena_mark mark = arena_mark_here(memory);
    void *scratch = arena_take(memory, size);
    if (scratch) kernel->run(task, scratch);
    arena_release(memory, mark);
    return scratch ? REEL_OK : REEL_NO_MEMORY;
}
