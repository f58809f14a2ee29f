/* SPDX-License-Identifier: MIT
 *
 * Normalisation to mean 0 and variance 1, then weight and bias: layer norm (Ba et al., arXiv 1607.06450), group norm (Wu
 * and He, ECCV 2018), batch norm (Ioffe and Szegedy, ICML 2015).
 */
#include "ops/families.h"
#include <reel/ops.h>

#include <math.h>

/* What the three have in common: sets of `length` elements are normalised together, and weight and bias belong to a
 * channel. Layer and group norm: x (rows, groups, channels, places), a set is one (row, group); in layer norm there is
 * one group and each element of a row is a channel. Batch norm (across): x (rows, sets, places), a set is one channel
 * over all rows and places. */
typedef struct normalize_plan {
    int axes; /* asked for: the last axes (layer norm), groups (group norm) */
    int64_t sets, length, groups, channels, places;
    bool across;
    bool fixed; /* the running statistics are used instead of those of x */
    double eps, momentum;
    void *running_mean, *running_variance; /* numbers of the tape's type, or NULL */
    double *mean, *scale, *squares;        /* of each set; scale = 1 / sqrt(variance + eps) */
} normalize_plan;

/* Elements of weight or bias; NULL when there is none. */
static const void *normalize_operand(const reel_call *call, int i)
{
    return i < call->count && call->in[i] ? call->in[i]->data : NULL;
}

#define LOOPS "ops/normalize_loops.h"
#include "ops/typed.h"

DISPATCH(normalize_apply)
DISPATCH(normalize_backward)

static reel_status normalize_forward(reel_call *call)
{
    normalize_plan *p = call->attributes;
    p->mean = reel_call_scratch(call, (size_t)p->sets * 3 * sizeof *p->mean);
    if (!p->mean) return REEL_NO_MEMORY;
    p->scale = p->mean + p->sets;
    p->squares = p->scale + p->sets;
    return normalize_apply(call);
}

/* Operands real, eps positive, weight and bias (if any) of the last or only dimensions given. */
static reel_status normalize_rule(reel_call *call, int rank, const int64_t *shape)
{
    const normalize_plan *p = call->attributes;
    reel_status status = rule_all_real(call);
    if (status != REEL_OK) return status;
    if (!(p->eps >= 0)) return reel_call_fail(call, REEL_BAD_ARGUMENT, "found eps = %g, expected 0 or more", p->eps);
    reel_array expected = {.rank = rank};
    for (int d = 0; d < rank; d++) expected.shape[d] = shape[d];
    for (int i = 1; i < call->count; i++) {
        char texts[2][SHAPE_TEXT_SIZE];
        if (call->in[i] && !same_shape(call->in[i], &expected))
            return reel_call_fail(call, REEL_BAD_SHAPE, "%s: found %s, expected %s", i == 1 ? "weight" : "bias",
                                  shape_text(texts[0], call->in[i]), shape_text(texts[1], &expected));
    }
    rule_shape_of(call, 0);
    return REEL_OK;
}

/* ---- layer norm ---- */

static reel_status layer_norm_shape(reel_call *call)
{
    normalize_plan *p = call->attributes;
    const reel_array *x = call->in[0];
    if (p->axes < 1 || p->axes > x->rank)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found %d axes of a value with rank %d", p->axes, x->rank);
    int lead = x->rank - p->axes;
    p->sets = p->length = p->groups = p->places = 1;
    for (int d = 0; d < x->rank; d++) *(d < lead ? &p->sets : &p->length) *= x->shape[d];
    p->channels = p->length;
    return normalize_rule(call, p->axes, x->shape + lead);
}

#define NORM_X(rank, ...)                                                                                              \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, -2, 2, NULL, REEL_FLOAT, false                                                            \
    }
static const reel_sample layer_norm_samples[] = {
    {"rows", 3, {NORM_X(2, 3, 5), NORM_X(1, 5), NORM_X(1, 5)}, &(normalize_plan){.axes = 1, .eps = 1e-5}, false},
    {"two axes",
     3,
     {NORM_X(3, 2, 3, 2), NORM_X(2, 3, 2), NORM_X(2, 3, 2)},
     &(normalize_plan){.axes = 2, .eps = 1e-5},
     false},
    {"plain", 1, {NORM_X(2, 2, 4)}, &(normalize_plan){.axes = 1, .eps = 0.1}, false},
};

static const reel_op layer_norm_op = {
    .size = sizeof(reel_op),
    .name = "layer_norm",
    .formula = "y = (x - mean) / sqrt(variance + eps) * weight + bias over the last axes",
    .least = 1,
    .most = 3,
    .attributes_size = sizeof(normalize_plan),
    .shape = layer_norm_shape,
    .forward = normalize_forward,
    .backward = normalize_backward,
    .samples = layer_norm_samples,
    .sample_count = 3,
};

reel_value reel_layer_norm(const char *site, reel_value x, int axes, reel_value weight, reel_value bias, double eps)
{
    return reel_record(site, &layer_norm_op, 3, (const reel_value[]){x, weight, bias},
                       &(normalize_plan){.axes = axes, .eps = eps});
}

/* ---- group norm ---- */

static reel_status group_norm_shape(reel_call *call)
{
    normalize_plan *p = call->attributes;
    const reel_array *x = call->in[0];
    char text[SHAPE_TEXT_SIZE];
    if (x->rank < 2)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found %s, expected (batch, channels, ...)", shape_text(text, x));
    if (p->axes < 1 || x->shape[1] % p->axes)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found %d groups, expected a divisor of the %lld channels",
                              p->axes, (long long)x->shape[1]);
    p->groups = p->axes;
    p->sets = x->shape[0] * p->groups;
    p->channels = x->shape[1] / p->groups;
    p->places = 1;
    for (int d = 2; d < x->rank; d++) p->places *= x->shape[d];
    p->length = p->channels * p->places;
    return normalize_rule(call, 1, x->shape + 1);
}

static const reel_sample group_norm_samples[] = {
    {"two groups",
     3,
     {NORM_X(3, 2, 4, 3), NORM_X(1, 4), NORM_X(1, 4)},
     &(normalize_plan){.axes = 2, .eps = 1e-5},
     false},
    {"one group", 1, {NORM_X(2, 3, 4)}, &(normalize_plan){.axes = 1, .eps = 1e-5}, false},
};

static const reel_op group_norm_op = {
    .size = sizeof(reel_op),
    .name = "group_norm",
    .formula = "y = (x - mean) / sqrt(variance + eps) * weight + bias over groups of channels",
    .least = 1,
    .most = 3,
    .attributes_size = sizeof(normalize_plan),
    .shape = group_norm_shape,
    .forward = normalize_forward,
    .backward = normalize_backward,
    .samples = group_norm_samples,
    .sample_count = 2,
};

reel_value reel_group_norm(const char *site, reel_value x, int groups, reel_value weight, reel_value bias, double eps)
{
    return reel_record(site, &group_norm_op, 3, (const reel_value[]){x, weight, bias},
                       &(normalize_plan){.axes = groups, .eps = eps});
}

/* ---- batch norm ---- */

static reel_status batch_norm_shape(reel_call *call)
{
    normalize_plan *p = call->attributes;
    const reel_array *x = call->in[0];
    char text[SHAPE_TEXT_SIZE];
    if (x->rank < 2)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found %s, expected (batch, channels, ...)", shape_text(text, x));
    p->across = true;
    p->fixed = p->running_mean && !call->training;
    p->sets = x->shape[1];
    p->places = 1;
    for (int d = 2; d < x->rank; d++) p->places *= x->shape[d];
    p->length = x->shape[0] * p->places;
    if (!p->fixed && p->length < 2)
        return reel_call_fail(call, REEL_BAD_SHAPE, "%s has %lld elements a channel, expected at least 2",
                              shape_text(text, x), (long long)p->length);
    return normalize_rule(call, 1, x->shape + 1);
}

static const reel_sample batch_norm_samples[] = {
    {"rows", 3, {NORM_X(2, 5, 3), NORM_X(1, 3), NORM_X(1, 3)}, &(normalize_plan){.eps = 1e-5}, false},
    {"images", 3, {NORM_X(4, 2, 3, 2, 2), NORM_X(1, 3), NORM_X(1, 3)}, &(normalize_plan){.eps = 1e-5}, false},
};

static const reel_op batch_norm_op = {
    .size = sizeof(reel_op),
    .name = "batch_norm",
    .formula = "y = (x - mean) / sqrt(variance + eps) * weight + bias for each channel over the batch",
    .least = 1,
    .most = 3,
    .attributes_size = sizeof(normalize_plan),
    .shape = batch_norm_shape,
    .forward = normalize_forward,
    .backward = normalize_backward,
    .samples = batch_norm_samples,
    .sample_count = 2,
};

static bool running_fits(reel_value x, const reel_array *running)
{
    reel_array a = reel_data(x);
    return running->data && running->dtype == a.dtype && a.rank >= 2 && running->size == a.shape[1];
}

reel_value reel_batch_norm(const char *site, reel_value x, reel_value weight, reel_value bias,
                           const reel_array *running_mean, const reel_array *running_variance, double momentum,
                           double eps)
{
    normalize_plan p = {.eps = eps, .momentum = momentum};
    bool fits = !running_mean == !running_variance;
    if (fits && running_mean) {
        fits = running_fits(x, running_mean) && running_fits(x, running_variance);
        p.running_mean = running_mean->data;
        p.running_variance = running_variance->data;
    }
    if ((!fits || !(momentum >= 0 && momentum <= 1)) && !reel_is_nil(x)) {
        reel_error_set(
            reel_tape_context(x.tape), REEL_BAD_ARGUMENT, site, "batch_norm", "%s",
            fits ? "the momentum is outside 0 to 1"
                 : "running mean and variance must be both given, of the tape's type and one number a channel");
        return REEL_NIL;
    }
    return reel_record(site, &batch_norm_op, 3, (const reel_value[]){x, weight, bias}, &p);
}

op_family normalize_family = {&layer_norm_op, &group_norm_op, &batch_norm_op, NULL};
