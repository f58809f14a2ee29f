/* SPDX-License-Identifier: MIT
 *
 * Pooling of images: the mean or the maximum of each window.
 */
#include "ops/families.h"
#include <reel/ops.h>

#include <math.h>
#include <string.h>

/* Index 0 is the height, 1 the width. */
typedef struct pool_plan {
    int64_t kernel[2], stride[2], padding[2];
    bool ceil, count_padding;
    int64_t images; /* times channels */
    int64_t in[2], out[2];
    int64_t *chosen; /* max: the element of the image that each result is, scratch */
} pool_plan;

/* The part of a window inside the image, rows and columns first .. last-1, and what a sum over it is divided by. */
typedef struct pool_window {
    int64_t first[2], last[2];
    double divisor;
} pool_window;

static pool_window pool_window_of(const pool_plan *p, int64_t row, int64_t col)
{
    pool_window w = {.divisor = 1};
    int64_t at[2] = {row, col};
    for (int d = 0; d < 2; d++) {
        int64_t first = at[d] * p->stride[d] - p->padding[d], last = first + p->kernel[d];
        if (last > p->in[d] + p->padding[d]) last = p->in[d] + p->padding[d];
        if (p->count_padding) w.divisor *= (double)(last - first);
        w.first[d] = first < 0 ? 0 : first;
        w.last[d] = last > p->in[d] ? p->in[d] : last;
        if (!p->count_padding) w.divisor *= (double)(w.last[d] - w.first[d]);
    }
    return w;
}

#define LOOPS "ops/pool2d_loops.h"
#include "ops/typed.h"

DISPATCH(avg_pool_forward)
DISPATCH(avg_pool_backward)
DISPATCH(max_pool_forward)
DISPATCH(max_pool_backward)

#define MOST_STEP (INT64_C(1) << 30)

/* With `ceil` a last window may stick out, as long as it starts inside the image or the padding before it. */
static reel_status pool_shape(reel_call *call)
{
    pool_plan *p = call->attributes;
    const reel_array *x = call->in[0];
    char text[SHAPE_TEXT_SIZE];
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    if (x->rank < 2)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found %s, expected (..., height, width)", shape_text(text, x));
    rule_shape_of(call, 0);
    p->images = 1;
    for (int d = 0; d < x->rank - 2; d++) p->images *= x->shape[d];
    for (int d = 0; d < 2; d++) {
        int64_t k = p->kernel[d], s = p->stride[d], pad = p->padding[d], n = x->shape[x->rank - 2 + d];
        if (k < 1 || k > MOST_STEP || s < 1 || s > MOST_STEP || pad < 0 || pad > k / 2)
            return reel_call_fail(
                call, REEL_BAD_ARGUMENT,
                "found kernel %lld, stride %lld, padding %lld, expected at least 1, 1, and padding of "
                "0 to half the kernel",
                (long long)k, (long long)s, (long long)pad);
        if (n < 1 || n + 2 * pad < k)
            return reel_call_fail(call, REEL_BAD_SHAPE, "a window of %lld is larger than the padded image of %s",
                                  (long long)k, shape_text(text, x));
        int64_t out = (n + 2 * pad - k + (p->ceil ? s - 1 : 0)) / s + 1;
        if (p->ceil && (out - 1) * s >= n + pad) out--;
        p->in[d] = n;
        p->out[d] = out;
        call->out->shape[x->rank - 2 + d] = out;
    }
    return REEL_OK;
}

#define IMAGES(rank, ...)                                                                                              \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, -2, 2, NULL, REEL_FLOAT, false                                                            \
    }
static const reel_sample avg_pool_samples[] = {
    {"plain",
     1,
     {IMAGES(4, 2, 2, 4, 4)},
     &(pool_plan){.kernel = {2, 2}, .stride = {2, 2}, .padding = {0, 0}, .count_padding = true},
     false},
    {"padding counted",
     1,
     {IMAGES(3, 2, 4, 5)},
     &(pool_plan){.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}, .count_padding = true},
     false},
    {"padding left out, ceil",
     1,
     {IMAGES(2, 5, 4)},
     &(pool_plan){.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 0}, .ceil = true},
     false},
};

static const reel_op avg_pool_op = {
    .size = sizeof(reel_op),
    .name = "avg_pool2d",
    .formula = "y = mean of x over windows",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(pool_plan),
    .shape = pool_shape,
    .forward = avg_pool_forward,
    .backward = avg_pool_backward,
    .samples = avg_pool_samples,
    .sample_count = 3,
};

static void pair(int64_t to[2], const int64_t *from, const int64_t *otherwise)
{
    const int64_t none[2] = {0, 0}, *given = from ? from : otherwise ? otherwise : none;
    to[0] = given[0];
    to[1] = given[1];
}

reel_value reel_avg_pool2d(const char *site, reel_value x, const int64_t *kernel, const int64_t *stride,
                           const int64_t *padding, bool ceil_mode, bool count_padding)
{
    pool_plan p = {.ceil = ceil_mode, .count_padding = count_padding};
    pair(p.kernel, kernel, NULL);
    pair(p.stride, stride, kernel);
    pair(p.padding, padding, NULL);
    return reel_record(site, &avg_pool_op, 1, &x, &p);
}

static reel_status max_pool_record(reel_call *call)
{
    pool_plan *p = call->attributes;
    p->chosen = reel_call_scratch(call, (size_t)call->out->size * sizeof *p->chosen);
    return p->chosen ? max_pool_forward(call) : REEL_NO_MEMORY;
}

static const double tied[] = {1, 1, 0, 0};
static const reel_sample max_pool_samples[] = {
    {"plain", 1, {IMAGES(4, 2, 2, 4, 4)}, &(pool_plan){.kernel = {2, 2}, .stride = {2, 2}, .padding = {0, 0}}, false},
    {"overlap and padding",
     1,
     {IMAGES(3, 2, 4, 5)},
     &(pool_plan){.kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 1}},
     false},
    {"ceil",
     1,
     {IMAGES(2, 5, 4)},
     &(pool_plan){.kernel = {2, 2}, .stride = {2, 3}, .padding = {0, 0}, .ceil = true},
     false},
    {"tie",
     1,
     {{2, {2, 2}, 0, 0, tied, REEL_FLOAT, false}},
     &(pool_plan){.kernel = {2, 2}, .stride = {2, 2}, .padding = {0, 0}},
     true},
};

static const reel_op max_pool_op = {
    .size = sizeof(reel_op),
    .name = "max_pool2d",
    .formula = "y = max of x over windows",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(pool_plan),
    .shape = pool_shape,
    .forward = max_pool_record,
    .backward = max_pool_backward,
    .samples = max_pool_samples,
    .sample_count = 4,
};

reel_value reel_max_pool2d(const char *site, reel_value x, const int64_t *kernel, const int64_t *stride,
                           const int64_t *padding, bool ceil_mode)
{
    pool_plan p = {.ceil = ceil_mode};
    pair(p.kernel, kernel, NULL);
    pair(p.stride, stride, kernel);
    pair(p.padding, padding, NULL);
    return reel_record(site, &max_pool_op, 1, &x, &p);
}

op_family pool2d_family = {&avg_pool_op, &max_pool_op, NULL};
