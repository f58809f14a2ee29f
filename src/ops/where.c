/* SPDX-License-Identifier: MIT
 *
 * Choice between two operands by a mask.
 */
#include "kernels/broadcast.h"
#include "ops/families.h"
#include "tape/tape.h"
#include <reel/ops.h>

/* out's shape, broadcast further by the mask's. */
static reel_status widen(reel_call *call, const reel_array *mask)
{
    reel_array *out = call->out;
    reel_array values = *out;
    out->rank = mask->rank > values.rank ? mask->rank : values.rank;
    for (int d = 1; d <= out->rank; d++) {
        int64_t p = d <= mask->rank ? mask->shape[mask->rank - d] : 1;
        int64_t q = d <= values.rank ? values.shape[values.rank - d] : 1;
        if (p != q && p != 1 && q != 1) {
            char texts[2][SHAPE_TEXT_SIZE];
            return reel_call_fail(call, REEL_BAD_SHAPE,
                                  "the mask's shape %s does not broadcast with that of the values, %s",
                                  shape_text(texts[0], mask), shape_text(texts[1], &values));
        }
        out->shape[out->rank - d] = p == 1 ? q : p;
    }
    return REEL_OK;
}

static reel_status where_shape(reel_call *call)
{
    const reel_array *mask = call->in[0];
    if (mask->dtype != REEL_UINT8)
        return reel_call_fail(call, REEL_BAD_DTYPE, "operand 1, the mask: found %s, expected uint8",
                              reel_dtype_name(mask->dtype));
    for (int i = 1; i < 3; i++) {
        reel_status status = rule_real(call, i);
        if (status != REEL_OK) return status;
    }
    reel_status status = rule_broadcast(call, 1, 2);
    return status == REEL_OK ? widen(call, mask) : status;
}

static reel_status where_forward(reel_call *call)
{
    broadcast_where(call_kernels(call), call->in[0], call->in[1], call->in[2], call->out);
    return REEL_OK;
}

/* Straight into the gradient of an operand of the result's shape; by way of scratch where it has to be summed. */
static reel_status where_backward(reel_call *call)
{
    const kernels *k = call_kernels(call);
    const reel_array *y = call->out;
    for (int i = 1; i < 3; i++) {
        if (!call->in_gradient[i]) continue;
        if (call->in[i]->size == y->size) {
            broadcast_where_gradient(k, call->in[0], i == 1, y, call->out_gradient, call->in_gradient[i], call->add[i]);
            continue;
        }
        void *whole = reel_call_scratch(call, (size_t)y->size * reel_dtype_size(y->dtype));
        if (!whole) return REEL_NO_MEMORY;
        broadcast_where_gradient(k, call->in[0], i == 1, y, call->out_gradient, whole, false);
        broadcast_sum(k, call->in[i], y, whole, call->in_gradient[i], call->add[i]);
    }
    return REEL_OK;
}

#define MASK(rank, ...)                                                                                                \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, 0, 2, NULL, REEL_UINT8, true                                                              \
    }
#define REAL(rank, ...)                                                                                                \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, -2, 2, NULL, REEL_FLOAT, false                                                            \
    }
static const reel_sample where_samples[] = {
    {"alike", 3, {MASK(2, 4, 5), REAL(2, 4, 5), REAL(2, 4, 5)}, NULL, false},
    {"scalars", 3, {MASK(0, 0), REAL(0, 0), REAL(0, 0)}, NULL, false},
    {"row and number", 3, {MASK(2, 6, 3), REAL(1, 3), REAL(0, 0)}, NULL, false},
    {"mask of a row", 3, {MASK(1, 5), REAL(2, 4, 5), REAL(2, 4, 1)}, NULL, false},
    {"mask of a column", 3, {MASK(2, 4, 1), REAL(2, 1, 5), REAL(3, 2, 4, 1)}, NULL, false},
};

static const reel_op where_op = {
    .size = sizeof(reel_op),
    .name = "where",
    .formula = "y = a where the mask is not 0, else b",
    .least = 3,
    .most = 3,
    .shape = where_shape,
    .forward = where_forward,
    .backward = where_backward,
    .samples = where_samples,
    .sample_count = sizeof where_samples / sizeof *where_samples,
};

reel_value reel_where(const char *site, reel_value mask, reel_value a, reel_value b)
{
    return reel_record(site, &where_op, 3, (const reel_value[]){mask, a, b}, NULL);
}

op_family where_family = {&where_op, NULL};
