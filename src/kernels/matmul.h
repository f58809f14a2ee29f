/* SPDX-License-Identifier: MIT
 *
 * The matrix product.
 */
#ifndef REEL_KERNELS_MATMUL_H
#define REEL_KERNELS_MATMUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum matmul_activation { MATMUL_LINEAR, MATMUL_RELU } matmul_activation;

/* C = activation(start + op(A) op(B)), where start is 0, the bias (the same for every row), or C itself.
 *
 * op(A) (m, k) is stored as A (m, k), or (k, m) when transposed; op(B) (k, n) as B (k, n) or (n, k). All row-major; lda,
 * ldb, ldc are the distances of consecutive rows as stored. C overlaps nothing else. m, n, k may be 0.
 *
 * Every element is one chain, whatever the sizes, the path and the cutting into rows and columns:
 *   c = start;  for t = 0 ... k - 1: c = op(A)[i][t] * op(B)[t][j] + c, fused where the instruction set fuses.
 * So a row of a batch has the bits of the row alone, avx2 and avx512 agree, a product cut into pieces of rows or columns
 * agrees with the whole, and adding the products of two halves of the k range one after the other gives the bits of one.
 * Zeros are multiplied like anything else: 0 * inf is NaN. */
typedef struct matmul_task {
    int64_t m, n, k;
    const void *a, *b;
    void *c;
    int64_t lda, ldb, ldc;
    bool transpose_a, transpose_b;
    bool add;         /* start from C; without a bias */
    const void *bias; /* (n), or NULL */
    matmul_activation activation;
} matmul_task;

struct matmul_kernels {
    /* Bytes of working memory `run` wants for a product of this form; 0 for small ones, never more than some 700 kB. */
    size_t (*scratch)(const matmul_task *task);
    /* `scratch` has that many bytes, aligned to 64; it may be NULL when that is 0. */
    void (*run)(const matmul_task *task, void *scratch);
};

#endif
