/* SPDX-License-Identifier: MIT
 *
 * Reductions over any set of axes.
 */
#include "ops/axes.h"

axis_set axes_given(int count, const int *axes, bool keepdim)
{
    axis_set set = {.count = count, .keepdim = keepdim};
    for (int i = 0; axes && i < count && i < REEL_MAX_RANK; i++) set.axes[i] = axes[i];
    return set;
}

static bool is_reduced(const axis_set *set, int axis)
{
    bool found = set->count == ALL_AXES;
    for (int i = 0; i < set->count; i++) found |= set->axes[i] == axis;
    return found;
}

reel_status axes_rule(reel_call *call, axis_set *set)
{
    const reel_array *x = call->in[0];
    if (set->count < ALL_AXES || set->count > REEL_MAX_RANK)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found %d axes, expected 0 to %d", set->count, REEL_MAX_RANK);
    for (int i = 0; i < set->count; i++) {
        /* a scalar has axis 0, as in PyTorch */
        int axis = rule_axis(call, set->axes[i], x->rank ? x->rank : 1);
        if (axis < 0) return REEL_BAD_ARGUMENT;
        for (int j = 0; j < i; j++)
            if (set->axes[j] == axis) return reel_call_fail(call, REEL_BAD_ARGUMENT, "axis %d is named twice", axis);
        set->axes[i] = axis;
    }
    call->out->rank = 0;
    for (int d = 0; d < x->rank; d++)
        if (!is_reduced(set, d))
            call->out->shape[call->out->rank++] = x->shape[d];
        else if (set->keepdim)
            call->out->shape[call->out->rank++] = 1;
    return REEL_OK;
}

/* Places of all combinations of indices along the axes that are reduced, or of those that are not. */
static void list_places(const reel_array *x, const axis_set *set, bool reduced, int64_t count, int64_t *places)
{
    for (int64_t k = 0; k < count; k++) {
        int64_t rest = k, stride = 1, place = 0;
        for (int d = x->rank - 1; d >= 0; d--) {
            if (is_reduced(set, d) == reduced) {
                place += rest % x->shape[d] * stride;
                rest /= x->shape[d];
            }
            stride *= x->shape[d];
        }
        places[k] = place;
    }
}

reel_status axes_members(reel_call *call, const axis_set *set, axis_members *members)
{
    const reel_array *x = call->in[0];
    *members = (axis_members){.results = 1, .count = 1};
    for (int d = 0; d < x->rank; d++) *(is_reduced(set, d) ? &members->count : &members->results) *= x->shape[d];
    members->base = reel_call_scratch(call, (size_t)members->results * sizeof *members->base);
    members->offset = reel_call_scratch(call, (size_t)members->count * sizeof *members->offset);
    if (!members->base || !members->offset) return REEL_NO_MEMORY;
    list_places(x, set, false, members->results, members->base);
    list_places(x, set, true, members->count, members->offset);
    return REEL_OK;
}
