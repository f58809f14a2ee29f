/* SPDX-License-Identifier: MIT
 *
 * Operations that move elements without changing them: reshape, permute, slice, concat, stack, gather, detach.
 */
#include "ops/families.h"
#include "ops/strided.h"
#include <reel/ops.h>

#include <string.h>

static size_t array_bytes(const reel_array *a)
{
    return (size_t)a->size * reel_dtype_size(a->dtype);
}

/* ---- reshape and detach ---- */

typedef struct reshape_attributes {
    int rank;
    int64_t shape[REEL_MAX_RANK];
} reshape_attributes;

static reel_status reshape_shape(reel_call *call)
{
    const reshape_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    reel_array asked = {.rank = a->rank};
    memcpy(asked.shape, a->shape, sizeof asked.shape);
    int64_t known = 1;
    int rest = -1;
    for (int d = 0; d < a->rank; d++) {
        if (a->shape[d] == -1 && rest < 0)
            rest = d;
        else
            known = a->shape[d] < 0 || (a->shape[d] && known > INT64_MAX / a->shape[d]) ? -1 : known * a->shape[d];
        if (known < 0) break;
    }
    if (rest >= 0 && known > 0 && x->size % known == 0) {
        asked.shape[rest] = x->size / known;
        known = x->size;
    }
    char texts[2][SHAPE_TEXT_SIZE];
    if (known != x->size || (rest >= 0 && asked.shape[rest] < 0))
        return reel_call_fail(call, REEL_BAD_SHAPE, "%s has %lld elements, the shape asked for, %s, has not",
                              shape_text(texts[0], x), (long long)x->size, shape_text(texts[1], &asked));
    call->out->rank = a->rank;
    memcpy(call->out->shape, asked.shape, sizeof asked.shape);
    call->out->dtype = x->dtype;
    return REEL_OK;
}

static const reel_sample reshape_samples[] = {
    {"matrix to vector", 1, {{2, {3, 4}, -2, 2, NULL, REEL_FLOAT, false}}, &(reshape_attributes){1, {12}}, false},
    {"the rest", 1, {{3, {2, 3, 4}, -2, 2, NULL, REEL_FLOAT, false}}, &(reshape_attributes){2, {4, -1}}, false},
};

static const reel_op reshape_op = {
    .size = sizeof(reel_op),
    .name = "reshape",
    .formula = "y = x, read in another shape",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(reshape_attributes),
    .flags = REEL_OP_SHARES_VALUE | REEL_OP_SHARES_GRADIENT,
    .shape = reshape_shape,
    .samples = reshape_samples,
    .sample_count = 2,
};

reel_value reel_reshape(const char *site, reel_value x, int rank, const int64_t *shape)
{
    if (rank < 0 || rank > REEL_MAX_RANK || (rank && !shape)) {
        reel_error_set(reel_tape_context(x.tape), REEL_BAD_SHAPE, site, "reshape", "found rank %d, expected 0 to %d",
                       rank, REEL_MAX_RANK);
        return REEL_NIL;
    }
    reshape_attributes a = {.rank = rank};
    if (rank) memcpy(a.shape, shape, (size_t)rank * sizeof *shape);
    return reel_record(site, &reshape_op, 1, &x, &a);
}

static reel_status shape_of_first(reel_call *call)
{
    rule_shape_of(call, 0);
    call->out->dtype = call->in[0]->dtype;
    return REEL_OK;
}

static const reel_sample detach_samples[] = {{"vector", 1, {{1, {3}, -2, 2, NULL, REEL_FLOAT, false}}, NULL, false}};

static const reel_op detach_op = {
    .size = sizeof(reel_op),
    .name = "detach",
    .formula = "y = x, no gradient flows back",
    .least = 1,
    .most = 1,
    .flags = REEL_OP_SHARES_VALUE,
    .shape = shape_of_first,
    .samples = detach_samples,
    .sample_count = 1,
};

reel_value reel_detach(const char *site, reel_value x)
{
    return reel_record(site, &detach_op, 1, &x, NULL);
}

/* ---- permute ---- */

typedef struct permute_attributes {
    int order[REEL_MAX_RANK];
} permute_attributes;

static reel_status permute_shape(reel_call *call)
{
    const permute_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    if (rule_real(call, 0) != REEL_OK) return REEL_BAD_DTYPE;
    unsigned seen = 0;
    for (int d = 0; d < x->rank; d++) {
        if (a->order[d] < 0 || a->order[d] >= x->rank || seen >> a->order[d] & 1)
            return reel_call_fail(call, REEL_BAD_ARGUMENT, "the order must name each of the %d axes once", x->rank);
        seen |= 1u << a->order[d];
        call->out->shape[d] = x->shape[a->order[d]];
    }
    call->out->rank = x->rank;
    return REEL_OK;
}

static strided permute_walk(const reel_call *call)
{
    const permute_attributes *a = call->attributes;
    strided w = {.rank = call->out->rank};
    int64_t stride[REEL_MAX_RANK];
    row_major_strides(call->in[0], stride);
    for (int d = 0; d < w.rank; d++) {
        w.shape[d] = call->out->shape[d];
        w.stride[d] = stride[a->order[d]];
    }
    return w;
}

static reel_status permute_forward(reel_call *call)
{
    strided w = permute_walk(call);
    walk_take(&w, call->out->dtype, call->out->data, call->in[0]->data);
    return REEL_OK;
}

static reel_status permute_backward(reel_call *call)
{
    if (!call->in_gradient[0]) return REEL_OK;
    strided w = permute_walk(call);
    walk_put(&w, call->out->dtype, call->out_gradient, call->in_gradient[0], call->add[0]);
    return REEL_OK;
}

static const reel_sample permute_samples[] = {
    {"transpose", 1, {{2, {3, 4}, -2, 2, NULL, REEL_FLOAT, false}}, &(permute_attributes){{1, 0}}, false},
    {"rank 4", 1, {{4, {2, 3, 1, 4}, -2, 2, NULL, REEL_FLOAT, false}}, &(permute_attributes){{2, 0, 3, 1}}, false},
};

static const reel_op permute_op = {
    .size = sizeof(reel_op),
    .name = "permute",
    .formula = "y[i] = x[i reordered]",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(permute_attributes),
    .shape = permute_shape,
    .forward = permute_forward,
    .backward = permute_backward,
    .samples = permute_samples,
    .sample_count = 2,
};

reel_value reel_permute(const char *site, reel_value x, const int *order)
{
    permute_attributes a = {{0}};
    int rank = reel_data(x).rank;
    if (rank && order) memcpy(a.order, order, (size_t)rank * sizeof *order);
    return reel_record(site, &permute_op, 1, &x, &a);
}

reel_value reel_transpose(const char *site, reel_value x, int axis, int other)
{
    int rank = reel_data(x).rank, order[REEL_MAX_RANK];
    int a = axis < 0 ? axis + rank : axis, b = other < 0 ? other + rank : other;
    if (!reel_is_nil(x) && (a < 0 || a >= rank || b < 0 || b >= rank)) {
        reel_error_set(reel_tape_context(x.tape), REEL_BAD_ARGUMENT, site, "transpose",
                       "found axes %d and %d of a value with rank %d", axis, other, rank);
        return REEL_NIL;
    }
    for (int d = 0; d < rank; d++) order[d] = d == a ? b : d == b ? a : d;
    return reel_permute(site, x, order);
}

/* ---- slice ---- */

typedef struct slice_attributes {
    int axis;
    int64_t start, stop, step;
} slice_attributes;

static int64_t clip_to_axis(int64_t at, int64_t n)
{
    if (at < 0) at += n;
    return at < 0 ? 0 : at > n ? n : at;
}

static reel_status slice_shape(reel_call *call)
{
    slice_attributes *a = call->attributes;
    if (rule_real(call, 0) != REEL_OK) return REEL_BAD_DTYPE;
    int axis = rule_axis(call, a->axis, call->in[0]->rank);
    if (axis < 0) return REEL_BAD_ARGUMENT;
    if (a->step < 1)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found step %lld, expected 1 or more", (long long)a->step);
    rule_shape_of(call, 0);
    int64_t n = call->in[0]->shape[axis];
    a->axis = axis;
    a->start = clip_to_axis(a->start, n);
    a->stop = clip_to_axis(a->stop, n);
    call->out->shape[axis] = a->stop > a->start ? (a->stop - a->start - 1) / a->step + 1 : 0;
    return REEL_OK;
}

static strided slice_walk(const reel_call *call)
{
    const slice_attributes *a = call->attributes;
    strided w = {.rank = call->out->rank};
    row_major_strides(call->in[0], w.stride);
    memcpy(w.shape, call->out->shape, (size_t)w.rank * sizeof *w.shape);
    w.start = a->start * w.stride[a->axis];
    w.stride[a->axis] *= a->step;
    return w;
}

static reel_status slice_forward(reel_call *call)
{
    strided w = slice_walk(call);
    walk_take(&w, call->out->dtype, call->out->data, call->in[0]->data);
    return REEL_OK;
}

static reel_status slice_backward(reel_call *call)
{
    if (!call->in_gradient[0]) return REEL_OK;
    if (!call->add[0]) memset(call->in_gradient[0], 0, array_bytes(call->in[0]));
    strided w = slice_walk(call);
    walk_put(&w, call->out->dtype, call->out_gradient, call->in_gradient[0], true);
    return REEL_OK;
}

static const reel_sample slice_samples[] = {
    {"columns", 1, {{2, {3, 5}, -2, 2, NULL, REEL_FLOAT, false}}, &(slice_attributes){1, 1, 4, 1}, false},
    {"every second, from the end",
     1,
     {{3, {5, 2, 3}, -2, 2, NULL, REEL_FLOAT, false}},
     &(slice_attributes){0, -5, 100, 2},
     false},
};

static const reel_op slice_op = {
    .size = sizeof(reel_op),
    .name = "slice",
    .formula = "y[i] = x[start + i step] along an axis",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(slice_attributes),
    .shape = slice_shape,
    .forward = slice_forward,
    .backward = slice_backward,
    .samples = slice_samples,
    .sample_count = 2,
};

reel_value reel_slice(const char *site, reel_value x, int axis, int64_t start, int64_t stop, int64_t step)
{
    return reel_record(site, &slice_op, 1, &x, &(slice_attributes){axis, start, stop, step});
}

/* ---- concat; stack is concat of reshaped values ---- */

typedef struct concat_attributes {
    int axis;
} concat_attributes;

static reel_status concat_shape(reel_call *call)
{
    concat_attributes *a = call->attributes;
    reel_status status = rule_all_real(call);
    if (status != REEL_OK) return status;
    int axis = rule_axis(call, a->axis, call->in[0]->rank);
    if (axis < 0) return REEL_BAD_ARGUMENT;
    a->axis = axis;
    rule_shape_of(call, 0);
    for (int i = 1; i < call->count; i++) {
        const reel_array *x = call->in[i];
        bool fits = x->rank == call->out->rank;
        for (int d = 0; fits && d < x->rank; d++) fits = d == axis || x->shape[d] == call->out->shape[d];
        char texts[2][SHAPE_TEXT_SIZE];
        if (!fits)
            return reel_call_fail(call, REEL_BAD_SHAPE, "operand %d: found %s, expected %s but for axis %d", i + 1,
                                  shape_text(texts[0], x), shape_text(texts[1], call->in[0]), axis);
        call->out->shape[axis] += x->shape[axis];
    }
    return REEL_OK;
}

static strided concat_walk(const reel_call *call, int i, int64_t before)
{
    const concat_attributes *a = call->attributes;
    strided w = {.rank = call->out->rank};
    row_major_strides(call->out, w.stride);
    memcpy(w.shape, call->in[i]->shape, (size_t)w.rank * sizeof *w.shape);
    w.start = before * w.stride[a->axis];
    return w;
}

static reel_status concat_forward(reel_call *call)
{
    const concat_attributes *a = call->attributes;
    int64_t before = 0;
    for (int i = 0; i < call->count; i++) {
        strided w = concat_walk(call, i, before);
        walk_put(&w, call->out->dtype, call->in[i]->data, call->out->data, false);
        before += call->in[i]->shape[a->axis];
    }
    return REEL_OK;
}

static reel_status concat_backward(reel_call *call)
{
    const concat_attributes *a = call->attributes;
    int64_t before = 0;
    for (int i = 0; i < call->count; i++) {
        strided w = concat_walk(call, i, before);
        if (call->in_gradient[i])
            walk_get(&w, call->out->dtype, call->in_gradient[i], call->out_gradient, call->add[i]);
        before += call->in[i]->shape[a->axis];
    }
    return REEL_OK;
}

static const reel_sample concat_samples[] = {
    {"rows",
     2,
     {{2, {2, 3}, -2, 2, NULL, REEL_FLOAT, false}, {2, {1, 3}, -2, 2, NULL, REEL_FLOAT, false}},
     &(concat_attributes){0},
     false},
    {"last axis, three",
     3,
     {{3, {2, 1, 2}, -2, 2, NULL, REEL_FLOAT, false},
      {3, {2, 1, 3}, -2, 2, NULL, REEL_FLOAT, false},
      {3, {2, 1, 1}, -2, 2, NULL, REEL_FLOAT, false}},
     &(concat_attributes){-1},
     false},
};

static const reel_op concat_op = {
    .size = sizeof(reel_op),
    .name = "concat",
    .formula = "y = x1, x2, ... joined along an axis",
    .least = 1,
    .most = UINT16_MAX,
    .attributes_size = sizeof(concat_attributes),
    .shape = concat_shape,
    .forward = concat_forward,
    .backward = concat_backward,
    .samples = concat_samples,
    .sample_count = 2,
};

reel_value reel_concat(const char *site, int count, const reel_value *values, int axis)
{
    if (count < 1 || !values) return REEL_NIL;
    return reel_record(site, &concat_op, count, values, &(concat_attributes){axis});
}

static reel_status stack_shape(reel_call *call)
{
    concat_attributes *a = call->attributes;
    reel_status status = rule_all_real(call);
    if (status != REEL_OK) return status;
    const reel_array *x = call->in[0];
    if (x->rank == REEL_MAX_RANK)
        return reel_call_fail(call, REEL_BAD_SHAPE, "rank %d is the most, there is no axis left", REEL_MAX_RANK);
    int axis = rule_axis(call, a->axis, x->rank + 1);
    if (axis < 0) return REEL_BAD_ARGUMENT;
    a->axis = axis;
    char texts[2][SHAPE_TEXT_SIZE];
    for (int i = 1; i < call->count; i++)
        if (!same_shape(call->in[i], x))
            return reel_call_fail(call, REEL_BAD_SHAPE, "operand %d: found %s, expected %s", i + 1,
                                  shape_text(texts[0], call->in[i]), shape_text(texts[1], x));
    call->out->rank = x->rank + 1;
    for (int d = 0; d < call->out->rank; d++)
        call->out->shape[d] = d == axis ? call->count : x->shape[d < axis ? d : d - 1];
    return REEL_OK;
}

static strided stack_walk(const reel_call *call, int i)
{
    const concat_attributes *a = call->attributes;
    strided w = {.rank = call->out->rank};
    row_major_strides(call->out, w.stride);
    memcpy(w.shape, call->out->shape, (size_t)w.rank * sizeof *w.shape);
    w.shape[a->axis] = 1;
    w.start = i * w.stride[a->axis];
    return w;
}

static reel_status stack_forward(reel_call *call)
{
    for (int i = 0; i < call->count; i++) {
        strided w = stack_walk(call, i);
        walk_put(&w, call->out->dtype, call->in[i]->data, call->out->data, false);
    }
    return REEL_OK;
}

static reel_status stack_backward(reel_call *call)
{
    for (int i = 0; i < call->count; i++) {
        strided w = stack_walk(call, i);
        if (call->in_gradient[i])
            walk_get(&w, call->out->dtype, call->in_gradient[i], call->out_gradient, call->add[i]);
    }
    return REEL_OK;
}

static const reel_sample stack_samples[] = {
    {"new first axis",
     2,
     {{1, {3}, -2, 2, NULL, REEL_FLOAT, false}, {1, {3}, -2, 2, NULL, REEL_FLOAT, false}},
     &(concat_attributes){0},
     false},
    {"new last axis",
     2,
     {{2, {2, 3}, -2, 2, NULL, REEL_FLOAT, false}, {2, {2, 3}, -2, 2, NULL, REEL_FLOAT, false}},
     &(concat_attributes){-1},
     false},
};

static const reel_op stack_op = {
    .size = sizeof(reel_op),
    .name = "stack",
    .formula = "y = x1, x2, ... joined along a new axis",
    .least = 1,
    .most = UINT16_MAX,
    .attributes_size = sizeof(concat_attributes),
    .shape = stack_shape,
    .forward = stack_forward,
    .backward = stack_backward,
    .samples = stack_samples,
    .sample_count = 2,
};

reel_value reel_stack(const char *site, int count, const reel_value *values, int axis)
{
    if (count < 1 || !values) return REEL_NIL;
    return reel_record(site, &stack_op, count, values, &(concat_attributes){axis});
}

op_family shape_family = {&reshape_op, &permute_op, &slice_op, &concat_op, &stack_op, &detach_op, NULL};
