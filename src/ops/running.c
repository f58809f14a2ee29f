/* SPDX-License-Identifier: MIT
 *
 * Products over axes and running sums along one.
 */
#include "ops/axes.h"
#include "ops/families.h"
#include <reel/ops.h>

typedef struct prod_attributes {
    axis_set set;
    axis_members members; /* scratch */
} prod_attributes;

typedef struct cumsum_attributes {
    int axis;
} cumsum_attributes;

typedef struct cumsum_shape_of {
    int64_t outer, count, inner;
} cumsum_shape_of;

static cumsum_shape_of cumsum_sizes(const reel_call *call)
{
    const cumsum_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    cumsum_shape_of s = {1, 1, 1};
    for (int d = 0; d < x->rank; d++) *(d < a->axis ? &s.outer : d == a->axis ? &s.count : &s.inner) *= x->shape[d];
    return s;
}

#define LOOPS "ops/running_loops.h"
#include "ops/typed.h"

DISPATCH(prod_multiply)
DISPATCH(prod_backward)
DISPATCH(cumsum_forward)
DISPATCH(cumsum_backward)

/* ---- prod ---- */

static reel_status prod_shape(reel_call *call)
{
    prod_attributes *a = call->attributes;
    reel_status status = rule_real(call, 0);
    return status == REEL_OK ? axes_rule(call, &a->set) : status;
}

static reel_status prod_forward(reel_call *call)
{
    prod_attributes *a = call->attributes;
    reel_status status = axes_members(call, &a->set, &a->members);
    return status == REEL_OK ? prod_multiply(call) : status;
}

#define X(rank, ...)                                                                                                   \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, -2, 2, NULL, REEL_FLOAT, false                                                            \
    }
static const double zeros[] = {1.5, 0, -2, 0, 3, 0};
static const reel_sample prod_samples[] = {
    {"all", 1, {X(2, 2, 3)}, &(prod_attributes){.set = {.count = ALL_AXES}}, false},
    {"rows", 1, {X(2, 3, 4)}, &(prod_attributes){.set = {1, {-1}, true}}, false},
    {"outer axes", 1, {X(3, 2, 3, 2)}, &(prod_attributes){.set = {2, {0, 2}, false}}, false},
    {"one zero, two zeros",
     1,
     {{2, {2, 3}, 0, 0, zeros, REEL_FLOAT, false}},
     &(prod_attributes){.set = {1, {1}, false}},
     false},
};

static const reel_op prod_op = {
    .size = sizeof(reel_op),
    .name = "prod",
    .formula = "y = product of x",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(prod_attributes),
    .shape = prod_shape,
    .forward = prod_forward,
    .backward = prod_backward,
    .samples = prod_samples,
    .sample_count = 4,
};

reel_value reel_prod(const char *site, reel_value x)
{
    return reel_record(site, &prod_op, 1, &x, &(prod_attributes){.set = {.count = ALL_AXES}});
}

reel_value reel_prod_axes(const char *site, reel_value x, int count, const int *axes, bool keepdim)
{
    return reel_record(site, &prod_op, 1, &x, &(prod_attributes){.set = axes_given(count, axes, keepdim)});
}

/* ---- cumsum ---- */

static reel_status cumsum_shape(reel_call *call)
{
    cumsum_attributes *a = call->attributes;
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    a->axis = rule_axis(call, a->axis, call->in[0]->rank ? call->in[0]->rank : 1);
    if (a->axis < 0) return REEL_BAD_ARGUMENT;
    rule_shape_of(call, 0);
    return REEL_OK;
}

static const reel_sample cumsum_samples[] = {
    {"vector", 1, {X(1, 5)}, &(cumsum_attributes){0}, false},
    {"middle axis", 1, {X(3, 2, 4, 3)}, &(cumsum_attributes){-2}, false},
};

static const reel_op cumsum_op = {
    .size = sizeof(reel_op),
    .name = "cumsum",
    .formula = "y[k] = x[0] + ... + x[k] along an axis",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(cumsum_attributes),
    .shape = cumsum_shape,
    .forward = cumsum_forward,
    .backward = cumsum_backward,
    .samples = cumsum_samples,
    .sample_count = 2,
};

reel_value reel_cumsum(const char *site, reel_value x, int axis)
{
    return reel_record(site, &cumsum_op, 1, &x, &(cumsum_attributes){axis});
}

op_family running_family = {&prod_op, &cumsum_op, NULL};
