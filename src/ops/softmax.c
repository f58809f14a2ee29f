/* SPDX-License-Identifier: MIT
 *
 * Softmax and its logarithm along an axis.
 */
#include "kernels/softmax.h"
#include "kernels/kernels.h"
#include "ops/families.h"
#include <reel/ops.h>

typedef struct softmax_attributes {
    int axis;
} softmax_attributes;

static const reel_op softmax_op, log_softmax_op;

static reel_status softmax_shape(reel_call *call)
{
    softmax_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    a->axis = rule_axis(call, a->axis, x->rank ? x->rank : 1);
    if (a->axis < 0) return REEL_BAD_ARGUMENT;
    rule_shape_of(call, 0);
    return REEL_OK;
}

static axis_shape axis_of(const reel_call *call)
{
    const softmax_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    axis_shape s = {1, x->rank ? x->shape[a->axis] : 1, 1};
    for (int d = 0; d < a->axis; d++) s.outer *= x->shape[d];
    for (int d = a->axis + 1; d < x->rank; d++) s.inner *= x->shape[d];
    return s;
}

static reel_status softmax_forward(reel_call *call)
{
    kernels_get(call->out->dtype)
        ->softmax->forward(call->op == &log_softmax_op, axis_of(call), call->in[0]->data, call->out->data);
    return REEL_OK;
}

static reel_status softmax_backward(reel_call *call)
{
    if (call->in_gradient[0])
        kernels_get(call->out->dtype)
            ->softmax->backward(call->op == &log_softmax_op, axis_of(call), call->out->data, call->out_gradient,
                                call->in_gradient[0], call->add[0]);
    return REEL_OK;
}

static const reel_sample softmax_samples[] = {
    {"rows", 1, {{2, {3, 10}, -2, 2, NULL, REEL_FLOAT, false}}, &(softmax_attributes){-1}, false},
    {"columns", 1, {{2, {5, 3}, -2, 2, NULL, REEL_FLOAT, false}}, &(softmax_attributes){0}, false},
    {"the middle", 1, {{3, {2, 3, 17}, -2, 2, NULL, REEL_FLOAT, false}}, &(softmax_attributes){1}, false},
    {"long rows", 1, {{2, {1, 70}, -9, 9, NULL, REEL_FLOAT, false}}, &(softmax_attributes){1}, false},
    {"a scalar", 1, {{0, {0}, -2, 2, NULL, REEL_FLOAT, false}}, &(softmax_attributes){0}, false},
};

static const reel_op softmax_op = {
    .size = sizeof(reel_op),
    .name = "softmax",
    .formula = "y[i] = exp(x[i]) / sum over j of exp(x[j])",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(softmax_attributes),
    .shape = softmax_shape,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .samples = softmax_samples,
    .sample_count = sizeof softmax_samples / sizeof *softmax_samples,
};

static const reel_op log_softmax_op = {
    .size = sizeof(reel_op),
    .name = "log_softmax",
    .formula = "y[i] = x[i] - log(sum over j of exp(x[j]))",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(softmax_attributes),
    .shape = softmax_shape,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .samples = softmax_samples,
    .sample_count = sizeof softmax_samples / sizeof *softmax_samples,
};

reel_value reel_softmax(const char *site, reel_value x, int axis)
{
    return reel_record(site, &softmax_op, 1, &x, &(softmax_attributes){axis});
}

reel_value reel_log_softmax(const char *site, reel_value x, int axis)
{
    return reel_record(site, &log_softmax_op, 1, &x, &(softmax_attributes){axis});
}

op_family softmax_family = {&softmax_op, &log_softmax_op, NULL};
