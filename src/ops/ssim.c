/* SPDX-License-Identifier: MIT
 *
 * Structural similarity of images.
 */
#include "kernels/ssim.h"
#include "kernels/kernels.h"
#include "ops/families.h"
#include "tape/tape.h"
#include <reel/ops.h>

#include <math.h>

typedef struct ssim_attributes {
    reel_ssim_window window;
    int64_t planes;
    double *weight; /* of a row of the Gaussian window, scratch */
    void *work, *slopes;
} ssim_attributes;

/* The planes all have this form. `unused`: rows and columns at the end of the image that no window reaches. */
static ssim_plane plane_of(const reel_call *call)
{
    const ssim_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    const int size = a->window == REEL_SSIM_UNIFORM ? 8 : 11, unused = a->window == REEL_SSIM_UNIFORM;
    ssim_plane p = {.height = x->shape[x->rank - 2], .width = x->shape[x->rank - 1], .size = size, .weight = a->weight};
    p.rows = p.height - size + 1 - unused;
    p.columns = p.width - size + 1 - unused;
    p.work = a->work;
    return p;
}

static void *element_at(const reel_array *a, const void *base, int64_t i)
{
    return base ? (char *)(uintptr_t)base + (size_t)i * element_size(a->dtype) : NULL;
}

static reel_status ssim_shape(reel_call *call)
{
    ssim_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *y = call->in[1];
    char texts[2][SHAPE_TEXT_SIZE];
    reel_status status = rule_all_real(call);
    if (status != REEL_OK) return status;
    if ((unsigned)a->window > REEL_SSIM_GAUSSIAN)
        return reel_call_fail(call, REEL_BAD_ARGUMENT,
                              "found window %d, expected REEL_SSIM_UNIFORM or REEL_SSIM_GAUSSIAN", (int)a->window);
    if (!same_shape(x, y))
        return reel_call_fail(call, REEL_BAD_SHAPE, "images %s and %s differ", shape_text(texts[0], x),
                              shape_text(texts[1], y));
    const int least = a->window == REEL_SSIM_UNIFORM ? 9 : 11;
    if (x->rank < 2 || x->size == 0 || x->shape[x->rank - 2] < least || x->shape[x->rank - 1] < least)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found %s, expected (..., height, width) of at least %d x %d",
                              shape_text(texts[0], x), least, least);
    a->planes = x->size / (x->shape[x->rank - 2] * x->shape[x->rank - 1]);
    return REEL_OK;
}

/* exp(-i^2 / (2 1.5^2)), i = -5 ... 5, with sum 1. */
static void gaussian_weights(double weight[SSIM_SIZE_MOST])
{
    double sum = 0;
    for (int i = 0; i < SSIM_SIZE_MOST; i++) sum += weight[i] = exp(-(i - 5) * (i - 5) / 4.5);
    for (int i = 0; i < SSIM_SIZE_MOST; i++) weight[i] /= sum;
}

static reel_status ssim_forward(reel_call *call)
{
    ssim_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    a->weight = NULL;
    if (a->window == REEL_SSIM_GAUSSIAN) {
        a->weight = reel_call_scratch(call, SSIM_SIZE_MOST * sizeof *a->weight);
        if (!a->weight) return REEL_NO_MEMORY;
        gaussian_weights(a->weight);
    }
    ssim_plane p = plane_of(call);
    const size_t element = element_size(x->dtype), slopes = (size_t)ssim_slopes_size(&p) * element;
    a->work = reel_call_scratch(call, (size_t)ssim_work_size(&p) * element);
    a->slopes = call->wants_gradient ? reel_call_scratch(call, (size_t)a->planes * slopes) : NULL;
    if (!a->work || (call->wants_gradient && !a->slopes)) return REEL_NO_MEMORY;
    p.work = a->work;
    double sum = 0;
    for (int64_t i = 0; i < a->planes; i++) {
        p.x = element_at(x, x->data, i * p.height * p.width);
        p.y = element_at(x, call->in[1]->data, i * p.height * p.width);
        p.slopes = element_at(x, a->slopes, i * ssim_slopes_size(&p));
        sum += call_kernels(call)->ssim->total(&p);
    }
    real_put(call->out, call->out->data, 0, sum / (double)(a->planes * p.rows * p.columns), false);
    return REEL_OK;
}

static reel_status ssim_backward(reel_call *call)
{
    const ssim_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    ssim_plane p = plane_of(call);
    const reel_array seed = {.data = (void *)(uintptr_t)call->out_gradient, .size = 1, .dtype = x->dtype};
    const double scale = real_at(&seed, 0) / (double)(a->planes * p.rows * p.columns);
    for (int side = 0; side < 2; side++) {
        if (!call->in_gradient[side]) continue;
        for (int64_t i = 0; i < a->planes; i++) {
            const int64_t first = i * p.height * p.width;
            p.x = element_at(x, x->data, first);
            p.y = element_at(x, call->in[1]->data, first);
            p.slopes = element_at(x, a->slopes, i * ssim_slopes_size(&p));
            call_kernels(call)->ssim->gradient(&p, scale, side == 1, element_at(x, call->in_gradient[side], first),
                                               call->add[side]);
        }
    }
    return REEL_OK;
}

static const reel_sample samples[] = {
    {"uniform",
     2,
     {{3, {2, 10, 13}, 0, 1, NULL, REEL_FLOAT, false}, {3, {2, 10, 13}, 0, 1, NULL, REEL_FLOAT, false}},
     &(ssim_attributes){.window = REEL_SSIM_UNIFORM},
     false},
    {"Gaussian",
     2,
     {{2, {12, 14}, 0, 1, NULL, REEL_FLOAT, false}, {2, {12, 14}, 0, 1, NULL, REEL_FLOAT, false}},
     &(ssim_attributes){.window = REEL_SSIM_GAUSSIAN},
     false},
};

static const reel_op ssim_op = {
    .size = sizeof(reel_op),
    .name = "ssim",
    .formula = "mean of (2 m n + C1) (2 cov + C2) / ((m^2 + n^2 + C1) (var x + var y + C2)), means m, n",
    .least = 2,
    .most = 2,
    .attributes_size = sizeof(ssim_attributes),
    .shape = ssim_shape,
    .forward = ssim_forward,
    .backward = ssim_backward,
    .samples = samples,
    .sample_count = (int)(sizeof samples / sizeof *samples),
};

reel_value reel_ssim(const char *site, reel_value x, reel_value y, reel_ssim_window window)
{
    return reel_record(site, &ssim_op, 2, (const reel_value[]){x, y}, &(ssim_attributes){.window = window});
}

op_family ssim_family = {&ssim_op, NULL};
