/* SPDX-License-Identifier: MIT
 *
 * p-norms of vectors.
 */
#include "ops/axes.h"
#include "ops/families.h"
#include <reel/ops.h>

#include <math.h>

typedef struct norm_attributes {
    axis_set set;
    double p;
    axis_members members; /* scratch */
} norm_attributes;

/* What |x| = size adds to the sum. */
static inline double norm_term(double p, double size)
{
    return p == 2 ? size * size : p == 1 ? size : p == 0 ? (double)(size != 0) : pow(size, p);
}

/* A NaN equals the NaN it made of the norm. */
static inline bool norm_equals(double size, double norm)
{
    return size == norm || (isnan(size) && isnan(norm));
}

#define LOOPS "ops/norm_loops.h"
#include "ops/typed.h"

DISPATCH(norm_reduce)
DISPATCH(norm_spread)

static reel_status norm_shape(reel_call *call)
{
    norm_attributes *a = call->attributes;
    reel_status status = rule_real(call, 0);
    if (status == REEL_OK && isnan(a->p)) return reel_call_fail(call, REEL_BAD_ARGUMENT, "found p = nan");
    return status == REEL_OK ? axes_rule(call, &a->set) : status;
}

static reel_status norm_forward(reel_call *call)
{
    norm_attributes *a = call->attributes;
    reel_status status = axes_members(call, &a->set, &a->members);
    if (status != REEL_OK) return status;
    if (a->members.count == 0 && a->members.results && (a->p < 0 || isinf(a->p)))
        return reel_call_fail(call, REEL_BAD_SHAPE, "nothing has no norm with p = %g", a->p);
    return norm_reduce(call);
}

#define ALL                                                                                                            \
    {                                                                                                                  \
        .count = ALL_AXES                                                                                              \
    }
#define LAST                                                                                                           \
    {                                                                                                                  \
        .count = 1, .axes = {-1}, .keepdim = true                                                                      \
    }
#define X(rank, ...)                                                                                                   \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, 0.2, 2, NULL, REEL_FLOAT, false                                                           \
    }
static const double at_zero[] = {0, 0}, equal[] = {1.5, -1.5};
static const reel_sample norm_samples[] = {
    {"2", 1, {X(2, 3, 4)}, &(norm_attributes){.set = ALL, .p = 2}, false},
    {"2, rows", 1, {{2, {3, 4}, -2, -0.2, NULL, REEL_FLOAT, false}}, &(norm_attributes){.set = LAST, .p = 2}, false},
    {"1, rows", 1, {X(2, 3, 4)}, &(norm_attributes){.set = LAST, .p = 1}, false},
    {"3, outer axes", 1, {X(3, 2, 3, 2)}, &(norm_attributes){.set = {2, {0, 2}, false}, .p = 3}, false},
    {"1.5", 1, {X(1, 5)}, &(norm_attributes){.set = ALL, .p = 1.5}, false},
    {"infinite, rows", 1, {X(2, 3, 4)}, &(norm_attributes){.set = LAST, .p = INFINITY}, false},
    {"minus infinite", 1, {X(1, 5)}, &(norm_attributes){.set = ALL, .p = -INFINITY}, false},
    {"0", 1, {X(1, 5)}, &(norm_attributes){.set = ALL, .p = 0}, false},
    {"2 at zero", 1, {{1, {2}, 0, 0, at_zero, REEL_FLOAT, false}}, &(norm_attributes){.set = ALL, .p = 2}, true},
    {"1 at zero", 1, {{1, {2}, 0, 0, at_zero, REEL_FLOAT, false}}, &(norm_attributes){.set = ALL, .p = 1}, true},
    {"infinite, equal",
     1,
     {{1, {2}, 0, 0, equal, REEL_FLOAT, false}},
     &(norm_attributes){.set = ALL, .p = INFINITY},
     true},
};

static const reel_op norm_op = {
    .size = sizeof(reel_op),
    .name = "norm",
    .formula = "y = (sum of |x|^p)^(1/p); p infinite: max |x|",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(norm_attributes),
    .shape = norm_shape,
    .forward = norm_forward,
    .backward = norm_spread,
    .samples = norm_samples,
    .sample_count = sizeof norm_samples / sizeof *norm_samples,
};

reel_value reel_norm(const char *site, reel_value x, double p)
{
    return reel_record(site, &norm_op, 1, &x, &(norm_attributes){.set = ALL, .p = p});
}

reel_value reel_norm_axes(const char *site, reel_value x, int count, const int *axes, bool keepdim, double p)
{
    return reel_record(site, &norm_op, 1, &x, &(norm_attributes){.set = axes_given(count, axes, keepdim), .p = p});
}

op_family norm_family = {&norm_op, NULL};
