/* SPDX-License-Identifier: MIT
 *
 * The linear layer, alone and with a relu behind it.
 */
#include "kernels/layer.h"
#include "kernels/reduce.h"
#include "ops/families.h"
#include "ops/product.h"
#include "tape/tape.h"
#include <reel/ops.h>

static const reel_op linear_relu_op;

static reel_status linear_shape(reel_call *call)
{
    const reel_array *x = call->in[0], *w = call->in[1], *b = call->count > 2 ? call->in[2] : NULL;
    char texts[2][SHAPE_TEXT_SIZE];
    reel_status status = rule_all_real(call);
    if (status != REEL_OK) return status;
    if (w->rank != 2)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found weight %s, expected (out,in)", shape_text(texts[0], w));
    if (x->rank == 0 || x->shape[x->rank - 1] != w->shape[1])
        return reel_call_fail(call, REEL_BAD_SHAPE, "the last size of x differs from that of the weight, %s and %s",
                              shape_text(texts[0], x), shape_text(texts[1], w));
    if (b && (b->rank != 1 || b->shape[0] != w->shape[0]))
        return reel_call_fail(call, REEL_BAD_SHAPE, "found bias %s with weight %s, expected (%lld)",
                              shape_text(texts[0], b), shape_text(texts[1], w), (long long)w->shape[0]);
    rule_shape_of(call, 0);
    call->out->shape[x->rank - 1] = w->shape[0];
    return REEL_OK;
}

static int64_t rows_of(const reel_array *x)
{
    int64_t rows = 1;
    for (int d = 0; d < x->rank - 1; d++) rows *= x->shape[d];
    return rows;
}

static layer_task layer_of(const reel_call *call)
{
    const reel_array *x = call->in[0], *w = call->in[1], *b = call->count > 2 ? call->in[2] : NULL;
    return (layer_task){
        .rows = rows_of(x),
        .out = w->shape[0],
        .in = w->shape[1],
        .x = x->data,
        .weight = w->data,
        .bias = b ? b->data : NULL,
        .y = call->out->data,
        .relu = call->op == &linear_relu_op,
    };
}

static reel_status linear_forward(reel_call *call)
{
    const layer_task t = layer_of(call);
    if (layer_is_small(t.out, t.in)) {
        call_kernels(call)->layer->forward(&t);
        return REEL_OK;
    }
    matmul_task task = {.m = t.rows, .n = t.out, .k = t.in, .a = t.x, .lda = t.in, .b = t.weight, .ldb = t.in};
    task.transpose_b = true;
    task.c = t.y;
    task.ldc = t.out;
    task.bias = t.bias;
    task.activation = t.relu ? MATMUL_RELU : MATMUL_LINEAR;
    return product_run(call, &task);
}

/* X' = G W, W' = G^T X, b' = column sums of G. */
static reel_status large_backward(reel_call *call, const layer_task *t)
{
    const kernels *k = call_kernels(call);
    reel_status status = REEL_OK;
    if (t->x_gradient) {
        matmul_task task = {.m = t->rows, .n = t->in, .k = t->out, .a = t->g, .lda = t->out, .b = t->weight};
        task.ldb = t->in;
        task.c = t->x_gradient;
        task.ldc = t->in;
        task.add = t->add_x;
        status = product_run(call, &task);
    }
    if (t->weight_gradient && status == REEL_OK) {
        matmul_task task = {.m = t->out, .n = t->in, .k = t->rows, .a = t->g, .lda = t->out, .b = t->x};
        task.ldb = t->in;
        task.transpose_a = true;
        task.c = t->weight_gradient;
        task.ldc = t->in;
        task.add = t->add_weight;
        status = product_run(call, &task);
    }
    if (t->bias_gradient)
        k->reduce->run(REDUCE_SUM, (axis_shape){1, t->rows, t->out}, t->g, NULL, t->bias_gradient, 1, t->add_bias);
    return status;
}

static reel_status linear_backward(reel_call *call)
{
    layer_task t = layer_of(call);
    const kernels *k = call_kernels(call);
    t.g = call->out_gradient;
    t.x_gradient = call->in_gradient[0];
    t.add_x = call->add[0];
    t.weight_gradient = call->in_gradient[1];
    t.add_weight = call->add[1];
    if (call->count > 2) {
        t.bias_gradient = call->in_gradient[2];
        t.add_bias = call->add[2];
    }
    if (layer_is_small(t.out, t.in)) {
        k->layer->backward(&t);
        return REEL_OK;
    }
    if (!t.relu) return large_backward(call, &t);
    arena *memory = &call->tape->memory;
    arena_mark mark = arena_mark_here(memory);
    void *passed = arena_take(memory, (size_t)call->out->size * element_size(call->out->dtype));
    if (!passed) return REEL_NO_MEMORY;
    k->elementwise->unary[UNARY_relu].backward(call->out->size, t.y, t.y, t.g, passed, false, 0, 0);
    t.g = passed;
    reel_status status = large_backward(call, &t);
    arena_release(memory, mark);
    return status;
}

#define REAL(rank, ...)                                                                                                \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, -2, 2, NULL, REEL_FLOAT, false                                                            \
    }
static const reel_sample samples[] = {
    {"bias", 3, {REAL(2, 4, 3), REAL(2, 5, 3), REAL(1, 5)}, NULL, false},
    {"no bias", 2, {REAL(2, 4, 3), REAL(2, 2, 3)}, NULL, false},
    {"a vector", 3, {REAL(1, 3), REAL(2, 2, 3), REAL(1, 2)}, NULL, false},
    {"more axes", 3, {REAL(3, 2, 3, 2), REAL(2, 8, 2), REAL(1, 8)}, NULL, false},
    {"one output", 3, {REAL(2, 20, 8), REAL(2, 1, 8), REAL(1, 1)}, NULL, false},
    {"few outputs", 3, {REAL(2, 11, 13), REAL(2, 3, 13), REAL(1, 3)}, NULL, false},
    {"few inputs", 3, {REAL(2, 11, 4), REAL(2, 19, 4), REAL(1, 19)}, NULL, false},
    {"wide", 3, {REAL(2, 3, 9), REAL(2, 7, 9), REAL(1, 7)}, NULL, false},
};

#define DESCRIPTOR(name_, formula_)                                                                                    \
    {                                                                                                                  \
        .size = sizeof(reel_op), .name = name_, .formula = formula_, .least = 2, .most = 3, .shape = linear_shape,     \
        .forward = linear_forward, .backward = linear_backward, .samples = samples,                                    \
        .sample_count = sizeof samples / sizeof *samples                                                               \
    }
static const reel_op linear_op = DESCRIPTOR("linear", "y[i][j] = bias[j] + sum over t of x[i][t] weight[j][t]");
static const reel_op linear_relu_op =
    DESCRIPTOR("linear_relu", "y[i][j] = max(0, bias[j] + sum over t of x[i][t] weight[j][t])");

static reel_value record(const char *site, const reel_op *op, reel_value x, reel_value weight, reel_value bias)
{
    return reel_record(site, op, bias.tape ? 3 : 2, (const reel_value[]){x, weight, bias}, NULL);
}

reel_value reel_linear(const char *site, reel_value x, reel_value weight, reel_value bias)
{
    return record(site, &linear_op, x, weight, bias);
}

reel_value reel_linear_relu(const char *site, reel_value x, reel_value weight, reel_value bias)
{
    return record(site, &linear_relu_op, x, weight, bias);
}

op_family linear_family = {&linear_op, &linear_relu_op, NULL};
