/* SPDX-License-Identifier: MIT
 *
 * Operations that read at given indices.
 */
#include "ops/families.h"
#include <reel/ops.h>

#include <string.h>

typedef struct gather_attributes {
    int axis;
} gather_attributes;

static reel_status gather_shape(reel_call *call)
{
    gather_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *index = call->in[1];
    reel_status status = rule_real(call, 0);
    if (status == REEL_OK) status = rule_int64(call, 1);
    if (status != REEL_OK) return status;
    int axis = rule_axis(call, a->axis, x->rank);
    if (axis < 0) return REEL_BAD_ARGUMENT;
    a->axis = axis;
    bool fits = x->rank == index->rank;
    for (int d = 0; fits && d < x->rank; d++) fits = d == axis || index->shape[d] <= x->shape[d];
    char texts[2][SHAPE_TEXT_SIZE];
    if (!fits)
        return reel_call_fail(call, REEL_BAD_SHAPE, "index: found %s, expected no more than %s but for axis %d",
                              shape_text(texts[0], index), shape_text(texts[1], x), axis);
    rule_shape_of(call, 1);
    return REEL_OK;
}

/* Place in x that element i of the index (row-major) reads; the index value has been checked. */
static int64_t gather_place(const reel_array *x, const reel_array *index, int axis, int64_t i)
{
    int64_t place = 0, stride = 1;
    const int64_t *at = index->data;
    int64_t chosen = at[i];
    for (int d = x->rank - 1; d >= 0; d--) {
        int64_t k = d == axis ? chosen : i % index->shape[d];
        i /= index->shape[d];
        place += k * stride;
        stride *= x->shape[d];
    }
    return place;
}

static reel_status gather_forward(reel_call *call)
{
    const gather_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *index = call->in[1];
    const int64_t *at = index->data;
    for (int64_t i = 0; i < index->size; i++) {
        if (at[i] < 0 || at[i] >= x->shape[a->axis])
            return reel_call_fail(call, REEL_BAD_INDEX, "index[%lld]: found %lld, expected 0 to %lld", (long long)i,
                                  (long long)at[i], (long long)x->shape[a->axis] - 1);
        int64_t place = gather_place(x, index, a->axis, i);
        if (x->dtype == REEL_FLOAT)
            ((float *)call->out->data)[i] = ((const float *)x->data)[place];
        else
            ((double *)call->out->data)[i] = ((const double *)x->data)[place];
    }
    return REEL_OK;
}

static reel_status gather_backward(reel_call *call)
{
    const gather_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *index = call->in[1];
    void *gradient = call->in_gradient[0];
    if (!gradient) return REEL_OK;
    if (!call->add[0]) memset(gradient, 0, (size_t)x->size * reel_dtype_size(x->dtype));
    for (int64_t i = 0; i < index->size; i++) {
        int64_t place = gather_place(x, index, a->axis, i);
        if (x->dtype == REEL_FLOAT)
            ((float *)gradient)[place] += ((const float *)call->out_gradient)[i];
        else
            ((double *)gradient)[place] += ((const double *)call->out_gradient)[i];
    }
    return REEL_OK;
}

static const double repeated[] = {2, 0, 0, 1, 1, 1};

static const reel_sample gather_samples[] = {
    {"columns, repeated",
     2,
     {{2, {2, 3}, -2, 2, NULL, REEL_FLOAT, false}, {2, {2, 3}, 0, 0, repeated, REEL_INT64, true}},
     &(gather_attributes){1},
     false},
    {"fewer rows",
     2,
     {{2, {3, 4}, -2, 2, NULL, REEL_FLOAT, false}, {2, {2, 3}, 0, 0, repeated, REEL_INT64, true}},
     &(gather_attributes){0},
     false},
};

static const reel_op gather_op = {
    .size = sizeof(reel_op),
    .name = "gather",
    .formula = "y[i] = x[index[i]] along an axis",
    .least = 2,
    .most = 2,
    .attributes_size = sizeof(gather_attributes),
    .shape = gather_shape,
    .forward = gather_forward,
    .backward = gather_backward,
    .samples = gather_samples,
    .sample_count = 2,
};

reel_value reel_gather(const char *site, reel_value x, int axis, reel_value index)
{
    return reel_record(site, &gather_op, 2, (reel_value[]){x, index}, &(gather_attributes){axis});
}

op_family gather_family = {&gather_op, NULL};
