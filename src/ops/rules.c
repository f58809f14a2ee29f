/* SPDX-License-Identifier: MIT
 *
 * Rules for operands.
 */
#include "ops/ops.h"

#include <string.h>

reel_status rule_real(reel_call *call, int i)
{
    const reel_array *a = call->in[i];
    if (!a) return reel_call_fail(call, REEL_BAD_ARGUMENT, "operand %d is missing", i + 1);
    if (a->dtype == call->out->dtype) return REEL_OK;
    return reel_call_fail(call, REEL_BAD_DTYPE, "operand %d: found %s, expected %s", i + 1, reel_dtype_name(a->dtype),
                          reel_dtype_name(call->out->dtype));
}

reel_status rule_all_real(reel_call *call)
{
    const reel_array *const *in = call->in;
    const reel_dtype expected = call->out->dtype;
    for (int i = 0; i < call->count; i++)
        if (in[i] && in[i]->dtype != expected) return rule_real(call, i);
    return REEL_OK;
}

reel_status rule_int64(reel_call *call, int i)
{
    const reel_array *a = call->in[i];
    if (a && a->dtype == REEL_INT64) return REEL_OK;
    return reel_call_fail(call, REEL_BAD_DTYPE, "operand %d: found %s, expected int64", i + 1,
                          a ? reel_dtype_name(a->dtype) : "none");
}

void rule_shape_of(reel_call *call, int i)
{
    const reel_array *a = call->in[i];
    call->out->rank = a->rank;
    memcpy(call->out->shape, a->shape, (size_t)a->rank * sizeof *a->shape);
}

bool same_shape(const reel_array *a, const reel_array *b)
{
    return a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

reel_status rule_broadcast(reel_call *call, int i, int j)
{
    const reel_array *a = call->in[i], *b = call->in[j];
    int rank = a->rank > b->rank ? a->rank : b->rank;
    call->out->rank = rank;
    for (int d = 1; d <= rank; d++) {
        int64_t p = d <= a->rank ? a->shape[a->rank - d] : 1, q = d <= b->rank ? b->shape[b->rank - d] : 1;
        if (p != q && p != 1 && q != 1) {
            char texts[2][SHAPE_TEXT_SIZE];
            return reel_call_fail(call, REEL_BAD_SHAPE, "shapes %s and %s do not broadcast: %lld and %lld differ",
                                  shape_text(texts[0], a), shape_text(texts[1], b), (long long)p, (long long)q);
        }
        call->out->shape[rank - d] = p == 1 ? q : p;
    }
    return REEL_OK;
}

int rule_axis(reel_call *call, int axis, int rank)
{
    int found = axis < 0 ? axis + rank : axis;
    if (found >= 0 && found < rank) return found;
    reel_call_fail(call, REEL_BAD_ARGUMENT, "found axis %d, expected %d to %d", axis, -rank, rank - 1);
    return -1;
}
