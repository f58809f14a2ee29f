/* SPDX-License-Identifier: MIT
 *
 * Matrix product, batched.
 */
#include "kernels/kernels.h"
#include "ops/families.h"
#include "ops/product.h"
#include "tape/tape.h"
#include <reel/ops.h>

#include <string.h>

/* A batch of products C (m, n) = A (m, k) B (k, n): the leading axes, with the steps of A and B from one matrix to the
 * next along each, in elements, 0 where an operand is repeated. Where only A has them they count as rows of A. */
typedef struct batch {
    int64_t m, n, k, count;
    int rank;
    int64_t shape[REEL_MAX_RANK], a_step[REEL_MAX_RANK], b_step[REEL_MAX_RANK];
} batch;

static batch batch_of(const reel_call *call)
{
    const reel_array *a = call->in[0], *b = call->in[1], *c = call->out;
    bool vector_a = a->rank == 1, vector_b = b->rank == 1;
    batch p = {.m = vector_a ? 1 : a->shape[a->rank - 2],
               .k = a->shape[a->rank - 1],
               .n = vector_b ? 1 : b->shape[b->rank - 1],
               .count = 1};
    if (b->rank <= 2) {
        for (int d = 0; d < a->rank - 2; d++) p.m *= a->shape[d];
        return p;
    }
    p.rank = c->rank - !vector_a - 1;
    int64_t a_step = p.m * p.k, b_step = p.k * p.n;
    for (int d = p.rank - 1, back = 3; d >= 0; d--, back++) {
        int64_t a_size = a->rank >= back ? a->shape[a->rank - back] : 1;
        int64_t b_size = b->rank >= back ? b->shape[b->rank - back] : 1;
        p.shape[d] = c->shape[d];
        p.a_step[d] = a_size == 1 ? 0 : a_step;
        p.b_step[d] = b_size == 1 ? 0 : b_step;
        a_step *= a_size;
        b_step *= b_size;
        p.count *= p.shape[d];
    }
    return p;
}

static reel_status matmul_fail(reel_call *call, const char *what)
{
    char texts[2][SHAPE_TEXT_SIZE];
    return reel_call_fail(call, REEL_BAD_SHAPE, "%s, %s x %s", what, shape_text(texts[0], call->in[0]),
                          shape_text(texts[1], call->in[1]));
}

static reel_status matmul_shape(reel_call *call)
{
    const reel_array *a = call->in[0], *b = call->in[1];
    reel_array *c = call->out;
    reel_status status = rule_all_real(call);
    if (status != REEL_OK) return status;
    if (a->rank == 0 || b->rank == 0) return matmul_fail(call, "found a scalar, expected matrices or vectors");
    if (a->shape[a->rank - 1] != b->shape[b->rank == 1 ? 0 : b->rank - 2])
        return matmul_fail(call, "inner sizes differ");
    int leading = a->rank > b->rank ? a->rank - 2 : b->rank - 2;
    if (leading < 0) leading = 0;
    for (int d = leading - 1, back = 3; d >= 0; d--, back++) {
        int64_t p = a->rank >= back ? a->shape[a->rank - back] : 1, q = b->rank >= back ? b->shape[b->rank - back] : 1;
        if (p != q && p != 1 && q != 1) return matmul_fail(call, "leading sizes do not broadcast");
        c->shape[d] = p == 1 ? q : p;
    }
    c->rank = leading;
    if (a->rank > 1) c->shape[c->rank++] = a->shape[a->rank - 2];
    if (b->rank > 1) c->shape[c->rank++] = b->shape[b->rank - 1];
    return REEL_OK;
}

/* Matrix number i of the batch: where the operands' matrices start, and whether either is met for the first time. */
typedef struct place {
    int64_t a, b;
    bool first_a, first_b;
} place;

static place place_of(const batch *p, int64_t i)
{
    place at = {0, 0, true, true};
    for (int d = p->rank - 1; d >= 0; d--) {
        int64_t index = i % p->shape[d];
        i /= p->shape[d];
        at.a += index * p->a_step[d];
        at.b += index * p->b_step[d];
        if (index && !p->a_step[d]) at.first_a = false;
        if (index && !p->b_step[d]) at.first_b = false;
    }
    return at;
}

static reel_status matmul_forward(reel_call *call)
{
    const batch p = batch_of(call);
    const size_t bytes = reel_dtype_size(call->out->dtype);
    reel_status status = REEL_OK;
    for (int64_t i = 0; i < p.count && status == REEL_OK; i++) {
        place at = place_of(&p, i);
        matmul_task task = {.m = p.m, .n = p.n, .k = p.k, .lda = p.k, .ldb = p.n, .ldc = p.n};
        task.a = (const char *)call->in[0]->data + (size_t)at.a * bytes;
        task.b = (const char *)call->in[1]->data + (size_t)at.b * bytes;
        task.c = (char *)call->out->data + (size_t)(i * p.m * p.n) * bytes;
        status = product_run(call, &task);
    }
    return status;
}

/* A' = G B^T, B' = A^T G; a matrix that was repeated collects the sum of its products in the order of the batch. */
static reel_status matmul_backward(reel_call *call)
{
    const batch p = batch_of(call);
    const size_t bytes = reel_dtype_size(call->out->dtype);
    reel_status status = REEL_OK;
    for (int operand = 0; operand < 2; operand++) {
        char *gradient = call->in_gradient[operand];
        if (!gradient) continue;
        if (p.count == 0 && !call->add[operand]) memset(gradient, 0, (size_t)call->in[operand]->size * bytes);
        for (int64_t i = 0; i < p.count && status == REEL_OK; i++) {
            place at = place_of(&p, i);
            const char *g = (const char *)call->out_gradient + (size_t)(i * p.m * p.n) * bytes;
            const char *a = (const char *)call->in[0]->data + (size_t)at.a * bytes;
            const char *b = (const char *)call->in[1]->data + (size_t)at.b * bytes;
            matmul_task task = {.m = p.m, .n = p.k, .k = p.n, .a = g, .lda = p.n, .b = b, .ldb = p.n};
            task.transpose_b = true;
            task.c = gradient + (size_t)at.a * bytes;
            task.add = call->add[0] || !at.first_a;
            if (operand == 1) {
                task = (matmul_task){.m = p.k, .n = p.n, .k = p.m, .a = a, .lda = p.k, .b = g, .ldb = p.n};
                task.transpose_a = true;
                task.c = gradient + (size_t)at.b * bytes;
                task.add = call->add[1] || !at.first_b;
            }
            task.ldc = task.n;
            status = product_run(call, &task);
        }
    }
    return status;
}

#define PAIR(name, ra, sa, rb, sb)                                                                                     \
    {                                                                                                                  \
        name, 2, {{ra, SHAPE sa, -2, 2, NULL, REEL_FLOAT, false}, {rb, SHAPE sb, -2, 2, NULL, REEL_FLOAT, false}},     \
            NULL, false                                                                                                \
    }
#define SHAPE(...)                                                                                                     \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
static const reel_sample matmul_samples[] = {
    PAIR("matrices", 2, (3, 4), 2, (4, 5)),
    PAIR("matrix and vector", 2, (3, 4), 1, (4)),
    PAIR("vector and matrix", 1, (3), 2, (3, 2)),
    PAIR("vectors", 1, (5), 1, (5)),
    PAIR("batch", 3, (2, 3, 4), 3, (2, 4, 3)),
    PAIR("batch and matrix", 3, (2, 3, 4), 2, (4, 3)),
    PAIR("matrix and batch", 2, (3, 4), 3, (2, 4, 3)),
    PAIR("broadcast", 4, (2, 1, 3, 2), 3, (3, 2, 2)),
    PAIR("vector and batch", 1, (3), 3, (2, 3, 2)),
    PAIR("batch and vector", 3, (2, 2, 3), 1, (3)),
    PAIR("columns", 2, (17, 3), 2, (3, 1)),
};

static const reel_op matmul_op = {
    .size = sizeof(reel_op),
    .name = "matmul",
    .formula = "c[i][j] = sum over t of a[i][t] b[t][j]",
    .least = 2,
    .most = 2,
    .shape = matmul_shape,
    .forward = matmul_forward,
    .backward = matmul_backward,
    .samples = matmul_samples,
    .sample_count = sizeof matmul_samples / sizeof *matmul_samples,
};

reel_value reel_matmul(const char *site, reel_value a, reel_value b)
{
    return reel_record(site, &matmul_op, 2, (const reel_value[]){a, b}, NULL);
}

op_family matmul_family = {&matmul_op, NULL};
