/* SPDX-License-Identifier: MIT
 *
 * Convolution of images in two dimensions (cross-correlation, as everywhere in neural networks).
 */
#include "ops/families.h"
#include <reel/ops.h>

#include <string.h>

/* Index 0 is the height, 1 the width. */
typedef struct conv_plan {
    int64_t stride[2], padding[2], dilation[2], groups;
    int64_t images, in_channels, out_channels, depth; /* depth: input channels of a group */
    int64_t in[2], out[2], kernel[2];
} conv_plan;

/* The rows and columns first .. last-1 of the output for which a kernel place falls inside the input, and its offset:
 * output place q reads input place q stride + offset. */
typedef struct conv_reach {
    int64_t first[2], last[2], offset[2];
} conv_reach;

/* Kernel place ij counts row by row. */
static conv_reach conv_reach_of(const conv_plan *p, int64_t ij)
{
    conv_reach r;
    int64_t place[2] = {ij / p->kernel[1], ij % p->kernel[1]};
    for (int d = 0; d < 2; d++) {
        int64_t offset = place[d] * p->dilation[d] - p->padding[d], s = p->stride[d];
        int64_t first = offset < 0 ? (-offset + s - 1) / s : 0;
        int64_t last = p->in[d] > offset ? (p->in[d] - offset - 1) / s + 1 : 0;
        r.offset[d] = offset;
        r.last[d] = last < p->out[d] ? last : p->out[d];
        r.first[d] = first < r.last[d] ? first : r.last[d];
    }
    return r;
}

static inline int64_t conv_input(const conv_plan *p, conv_reach r, int d, int64_t q)
{
    return q * p->stride[d] + r.offset[d];
}

/* Which channel of all images together is channel c of the group of output channel o. */
static inline int64_t conv_channel(const conv_plan *p, int64_t n, int64_t o, int64_t c)
{
    return n * p->in_channels + o / (p->out_channels / p->groups) * p->depth + c;
}

#define LOOPS "ops/conv2d_loops.h"
#include "ops/typed.h"

DISPATCH(conv_forward)
DISPATCH(conv_backward)

#define MOST_STEP (INT64_C(1) << 30)

static reel_status conv_rule(reel_call *call, const conv_plan *p)
{
    const reel_array *x = call->in[0], *weight = call->in[1], *bias = call->count > 2 ? call->in[2] : NULL;
    char texts[2][SHAPE_TEXT_SIZE];
    for (int d = 0; d < 2; d++)
        if (p->stride[d] < 1 || p->stride[d] > MOST_STEP || p->dilation[d] < 1 || p->dilation[d] > MOST_STEP ||
            p->padding[d] < 0 || p->padding[d] > MOST_STEP)
            return reel_call_fail(call, REEL_BAD_ARGUMENT,
                                  "found stride %lld, dilation %lld, padding %lld, expected at least 1, 1, 0",
                                  (long long)p->stride[d], (long long)p->dilation[d], (long long)p->padding[d]);
    if (x->rank != 4 || weight->rank != 4)
        return reel_call_fail(call, REEL_BAD_SHAPE,
                              "found %s and %s, expected (batch, channels, height, width) and (out, in, height, width)",
                              shape_text(texts[0], x), shape_text(texts[1], weight));
    if (p->groups < 1 || x->shape[1] % p->groups || weight->shape[0] % p->groups ||
        weight->shape[1] != x->shape[1] / p->groups || weight->shape[0] < 1)
        return reel_call_fail(call, REEL_BAD_SHAPE, "%s and weight %s do not fit together in %lld groups",
                              shape_text(texts[0], x), shape_text(texts[1], weight), (long long)p->groups);
    if (bias && (bias->rank != 1 || bias->shape[0] != weight->shape[0]))
        return reel_call_fail(call, REEL_BAD_SHAPE, "bias: found %s, expected (%lld)", shape_text(texts[0], bias),
                              (long long)weight->shape[0]);
    return REEL_OK;
}

static reel_status conv_shape(reel_call *call)
{
    conv_plan *p = call->attributes;
    const reel_array *x = call->in[0], *weight = call->in[1];
    reel_status status = rule_all_real(call);
    if (status == REEL_OK) status = conv_rule(call, p);
    if (status != REEL_OK) return status;
    p->images = x->shape[0];
    p->in_channels = x->shape[1];
    p->out_channels = weight->shape[0];
    p->depth = weight->shape[1];
    call->out->rank = 4;
    call->out->shape[0] = p->images;
    call->out->shape[1] = p->out_channels;
    for (int d = 0; d < 2; d++) {
        p->in[d] = x->shape[2 + d];
        p->kernel[d] = weight->shape[2 + d];
        if (p->kernel[d] < 1 || p->kernel[d] > MOST_STEP ||
            p->in[d] + 2 * p->padding[d] < (p->kernel[d] - 1) * p->dilation[d] + 1) {
            char texts[2][SHAPE_TEXT_SIZE];
            return reel_call_fail(call, REEL_BAD_SHAPE, "the kernel of %s is larger than the padded image of %s",
                                  shape_text(texts[0], weight), shape_text(texts[1], x));
        }
        p->out[d] = (p->in[d] + 2 * p->padding[d] - (p->kernel[d] - 1) * p->dilation[d] - 1) / p->stride[d] + 1;
        call->out->shape[2 + d] = p->out[d];
    }
    return REEL_OK;
}

#define IMAGE(...)                                                                                                     \
    {                                                                                                                  \
        4, {__VA_ARGS__}, -2, 2, NULL, REEL_FLOAT, false                                                               \
    }
#define BIAS(n)                                                                                                        \
    {                                                                                                                  \
        1, {n}, -2, 2, NULL, REEL_FLOAT, false                                                                         \
    }
static const reel_sample conv_samples[] = {
    {"plain",
     2,
     {IMAGE(2, 2, 4, 3), IMAGE(3, 2, 2, 2)},
     &(conv_plan){.stride = {1, 1}, .dilation = {1, 1}, .groups = 1},
     false},
    {"stride and padding",
     3,
     {IMAGE(1, 2, 5, 4), IMAGE(3, 2, 3, 2), BIAS(3)},
     &(conv_plan){.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 1}, .groups = 1},
     false},
    {"dilation and groups",
     3,
     {IMAGE(2, 4, 5, 5), IMAGE(2, 2, 2, 3), BIAS(2)},
     &(conv_plan){.stride = {1, 2}, .padding = {0, 1}, .dilation = {3, 2}, .groups = 2},
     false},
};

static const reel_op conv_op = {
    .size = sizeof(reel_op),
    .name = "conv2d",
    .formula = "y[n][o] = bias[o] + sum over c of weight[o][c] * x[n][c], * the cross-correlation",
    .least = 2,
    .most = 3,
    .attributes_size = sizeof(conv_plan),
    .shape = conv_shape,
    .forward = conv_forward,
    .backward = conv_backward,
    .samples = conv_samples,
    .sample_count = 3,
};

reel_value reel_conv2d(const char *site, reel_value x, reel_value weight, reel_value bias, const int64_t *stride,
                       const int64_t *padding, const int64_t *dilation, int64_t groups)
{
    conv_plan p = {.stride = {1, 1}, .dilation = {1, 1}, .groups = groups};
    for (int d = 0; d < 2; d++) {
        if (stride) p.stride[d] = stride[d];
        if (padding) p.padding[d] = padding[d];
        if (dilation) p.dilation[d] = dilation[d];
    }
    return reel_record(site, &conv_op, 3, (const reel_value[]){x, weight, bias}, &p);
}

op_family conv2d_family = {&conv_op, NULL};
