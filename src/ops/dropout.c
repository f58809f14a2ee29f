/* SPDX-License-Identifier: MIT
 *
 * Dropout (Srivastava et al., JMLR 2014), inverted: what is kept is scaled, so that evaluation needs nothing.
 */
#include "ops/families.h"
#include <reel/ops.h>

#include <string.h>

typedef struct dropout_attributes {
    double p;
    uint8_t *keep; /* scratch; NULL when nothing was dropped */
} dropout_attributes;

static reel_status dropout_shape(reel_call *call)
{
    const dropout_attributes *a = call->attributes;
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    if (!(a->p >= 0 && a->p <= 1))
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found p = %g, expected 0 to 1", a->p);
    if (call->training && a->p > 0 && !call->rng)
        return reel_call_fail(call, REEL_BAD_STATE, "the tape has no random stream: call reel_tape_set_rng first");
    rule_shape_of(call, 0);
    return REEL_OK;
}

/* to[i] (+)= keep[i] ? from[i] * factor : 0, in the arithmetic of the type; p = 1 drops everything. */
#define DEFINE_APPLY(NAME, TYPE)                                                                                       \
    static void NAME(int64_t n, const uint8_t *keep, double p, const TYPE *from, TYPE *to, bool add)                   \
    {                                                                                                                  \
        TYPE kept = (TYPE)(1 - p), factor = kept > 0 ? 1 / kept : 0;                                                   \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            TYPE y = keep[i] ? from[i] * factor : 0;                                                                   \
            to[i] = add ? to[i] + y : y;                                                                               \
        }                                                                                                              \
    }

DEFINE_APPLY(apply_float, float)
DEFINE_APPLY(apply_double, double)

static void copy_or_add(reel_dtype dtype, int64_t n, const void *from, void *to, bool add)
{
    if (!add)
        memcpy(to, from, (size_t)n * reel_dtype_size(dtype));
    else if (dtype == REEL_FLOAT)
        for (int64_t i = 0; i < n; i++) ((float *)to)[i] += ((const float *)from)[i];
    else
        for (int64_t i = 0; i < n; i++) ((double *)to)[i] += ((const double *)from)[i];
}

static void apply(const reel_call *call, const void *from, void *to, bool add)
{
    const dropout_attributes *a = call->attributes;
    int64_t n = call->out->size;
    if (!a->keep)
        copy_or_add(call->out->dtype, n, from, to, add);
    else if (call->out->dtype == REEL_FLOAT)
        apply_float(n, a->keep, a->p, from, to, add);
    else
        apply_double(n, a->keep, a->p, from, to, add);
}

static reel_status dropout_forward(reel_call *call)
{
    dropout_attributes *a = call->attributes;
    if (call->training && a->p > 0) {
        a->keep = reel_call_scratch(call, (size_t)call->out->size);
        if (!a->keep) return REEL_NO_MEMORY;
        reel_array mask = reel_array_view(REEL_UINT8, a->keep, 1, &call->out->size);
        reel_status status = reel_rng_keep_mask(call->site, call->rng, &mask, a->p);
        if (status != REEL_OK) return status;
    }
    apply(call, call->in[0]->data, call->out->data, false);
    return REEL_OK;
}

static reel_status dropout_backward(reel_call *call)
{
    if (call->in_gradient[0]) apply(call, call->out_gradient, call->in_gradient[0], call->add[0]);
    return REEL_OK;
}

static const reel_sample dropout_samples[] = {
    {"half", 1, {{2, {4, 5}, -2, 2, NULL, REEL_FLOAT, false}}, &(dropout_attributes){0.5, NULL}, false},
    {"none", 1, {{1, {6}, -2, 2, NULL, REEL_FLOAT, false}}, &(dropout_attributes){0, NULL}, false},
};

static const reel_op dropout_op = {
    .size = sizeof(reel_op),
    .name = "dropout",
    .formula = "y = x / (1 - p) with probability 1 - p, else 0",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(dropout_attributes),
    .flags = REEL_OP_RANDOM,
    .shape = dropout_shape,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .samples = dropout_samples,
    .sample_count = 2,
};

reel_value reel_dropout(const char *site, reel_value x, double p)
{
    return reel_record(site, &dropout_op, 1, &x, &(dropout_attributes){p, NULL});
}

op_family dropout_family = {&dropout_op, NULL};
