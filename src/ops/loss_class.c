/* SPDX-License-Identifier: MIT
 *
 * Losses of rows of logarithms of probabilities: negative log-likelihood of a class, cross-entropy with probabilities.
 */
#include "ops/families.h"
#include <reel/ops.h>

#include <string.h>

typedef struct nll_attributes {
    int64_t ignored;
    reel_reduction reduction;
    double divisor;
} nll_attributes;

static reel_status nll_shape(reel_call *call)
{
    const nll_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *t = call->in[1], *w = call->count > 2 ? call->in[2] : NULL;
    char texts[2][SHAPE_TEXT_SIZE];
    reel_status status = rule_real(call, 0);
    if (status == REEL_OK) status = rule_int64(call, 1);
    if (status == REEL_OK && w) status = rule_real(call, 2);
    if (status != REEL_OK) return status;
    int axis = x->rank > 1;
    bool fits = x->rank >= 1 && t->rank == x->rank - 1;
    for (int d = 0; fits && d < t->rank; d++) fits = t->shape[d] == x->shape[d < axis ? d : d + 1];
    if (!fits)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found %s and classes %s, expected (rows,classes,..) and (rows,..)",
                              shape_text(texts[0], x), shape_text(texts[1], t));
    if (w && (w->rank != 1 || w->shape[0] != x->shape[axis]))
        return reel_call_fail(call, REEL_BAD_SHAPE, "found class weights %s for %s", shape_text(texts[0], w),
                              shape_text(texts[1], x));
    if ((unsigned)a->reduction > REEL_NONE)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found reduction %d, expected REEL_MEAN, REEL_SUM or REEL_NONE",
                              (int)a->reduction);
    if (a->reduction == REEL_NONE) rule_shape_of(call, 1);
    return REEL_OK;
}

static int64_t class_count(const reel_array *x)
{
    return x->shape[x->rank > 1];
}

/* Element of x for class `class` of row i, of x (rows, classes, places) rows and places together. */
static int64_t class_place(const reel_array *x, int64_t i, int64_t class)
{
    int64_t places = 1;
    for (int d = 2; d < x->rank; d++) places *= x->shape[d];
    return (i / places * class_count(x) + class) * places + i % places;
}

/* Weight of the class of row i; 0 where it is ignored. */
static double nll_weight(const reel_call *call, int64_t i)
{
    const nll_attributes *a = call->attributes;
    int64_t class = ((const int64_t *)call->in[1]->data)[i];
    if (class == a->ignored) return 0;
    return call->count > 2 && call->in[2] ? real_at(call->in[2], class) : 1;
}

static reel_status nll_forward(reel_call *call)
{
    nll_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *t = call->in[1];
    const int64_t *class = t->data, classes = class_count(x);
    double sum = 0, weights = 0;
    for (int64_t i = 0; i < t->size; i++) {
        bool counts = class[i] != a->ignored;
        if (counts && (class[i] < 0 || class[i] >= classes))
            return reel_call_fail(call, REEL_BAD_INDEX, "class[%lld]: found %lld, expected 0 to %lld", (long long)i,
                                  (long long)class[i], (long long)classes - 1);
        double w = nll_weight(call, i), loss = counts ? -w * real_at(x, class_place(x, i, class[i])) : 0;
        sum += loss;
        weights += w;
        if (a->reduction == REEL_NONE) real_put(call->out, call->out->data, i, loss, false);
    }
    a->divisor = a->reduction == REEL_MEAN ? weights : 1;
    if (a->reduction != REEL_NONE) real_put(call->out, call->out->data, 0, sum / a->divisor, false);
    return REEL_OK;
}

static reel_status nll_backward(reel_call *call)
{
    const nll_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *t = call->in[1];
    const int64_t *class = t->data;
    if (call->count > 2 && call->in_gradient[2])
        return reel_call_fail(call, REEL_BAD_ARGUMENT,
                              "class weights are not differentiated: pass them through detach");
    void *to = call->in_gradient[0];
    if (!to) return REEL_OK;
    if (!call->add[0]) memset(to, 0, (size_t)x->size * reel_dtype_size(x->dtype));
    reel_array g = *call->out;
    g.data = (void *)(uintptr_t)call->out_gradient;
    for (int64_t i = 0; i < t->size; i++) {
        if (class[i] == a->ignored) continue;
        double own = real_at(&g, a->reduction == REEL_NONE ? i : 0) / a->divisor;
        real_put(x, to, class_place(x, i, class[i]), -own * nll_weight(call, i), true);
    }
    return REEL_OK;
}

#define NOT_IGNORED (-100)
static const double all_classes[] = {1, 0, 3, 2, 1}, some_classes[] = {1, -100, 3, -100, 0};
#define ROWS                                                                                                           \
    {                                                                                                                  \
        2, {5, 4}, -3, 0, NULL, REEL_FLOAT, false                                                                      \
    }
#define CLASSES(from)                                                                                                  \
    {                                                                                                                  \
        1, {5}, 0, 0, from, REEL_INT64, true                                                                           \
    }
#define WEIGHTS                                                                                                        \
    {                                                                                                                  \
        1, {4}, 0.2, 2, NULL, REEL_FLOAT, true                                                                         \
    }
static const reel_sample nll_samples[] = {
    {"mean", 2, {ROWS, CLASSES(all_classes)}, &(nll_attributes){NOT_IGNORED, REEL_MEAN, 1}, false},
    {"sum, ignored rows", 2, {ROWS, CLASSES(some_classes)}, &(nll_attributes){NOT_IGNORED, REEL_SUM, 1}, false},
    {"none", 2, {ROWS, CLASSES(all_classes)}, &(nll_attributes){2, REEL_NONE, 1}, false},
    {"places",
     2,
     {{3, {2, 4, 2}, -3, 0, NULL, REEL_FLOAT, false}, {2, {2, 2}, 0, 0, all_classes, REEL_INT64, true}},
     &(nll_attributes){NOT_IGNORED, REEL_MEAN, 1},
     false},
    {"weights", 3, {ROWS, CLASSES(some_classes), WEIGHTS}, &(nll_attributes){NOT_IGNORED, REEL_MEAN, 1}, false},
};

static const reel_op nll_op = {
    .size = sizeof(reel_op),
    .name = "nll",
    .formula = "-w[class] x[class], x logarithms of probabilities",
    .least = 2,
    .most = 3,
    .attributes_size = sizeof(nll_attributes),
    .shape = nll_shape,
    .forward = nll_forward,
    .backward = nll_backward,
    .samples = nll_samples,
    .sample_count = 5,
};

reel_value reel_nll(const char *site, reel_value logarithms, reel_value classes, reel_value weights, int64_t ignored,
                    reel_reduction reduction)
{
    return reel_record(site, &nll_op, 3, (const reel_value[]){logarithms, classes, weights},
                       &(nll_attributes){ignored, reduction, 1});
}

/* weights (classes) in a shape that broadcasts with x, whose axis `axis` they belong to. */
static reel_value along(const char *site, reel_value weights, const reel_array *x, int axis)
{
    reel_array w = reel_data(weights);
    int64_t shape[REEL_MAX_RANK];
    for (int d = 0; d < x->rank; d++) shape[d] = d == axis ? w.size : 1;
    return x->rank > 2 && w.rank == 1 ? reel_reshape(site, weights, x->rank, shape) : weights;
}

/* From operations there are: -sum over j of w[j] ((1 - s) t[j] + s / C) log_softmax(x)[j]. */
reel_value reel_cross_entropy_probs(const char *site, reel_value logits, reel_value probabilities, reel_value weights,
                                    double smoothing, reel_reduction reduction)
{
    reel_array x = reel_data(logits), t = reel_data(probabilities);
    reel_context *context = reel_tape_context(logits.tape);
    if (reel_is_nil(logits) || reel_is_nil(probabilities) || reel_failed(context)) return REEL_NIL;
    char texts[2][SHAPE_TEXT_SIZE];
    int axis = x.rank > 1;
    if (x.rank < 1 || !same_shape(&x, &t) || !x.shape[axis]) {
        reel_error_set(context, REEL_BAD_SHAPE, site, "cross_entropy_probs",
                       "found logits %s and probabilities %s, expected both (rows,classes,..)",
                       shape_text(texts[0], &x), shape_text(texts[1], &t));
        return REEL_NIL;
    }
    if (!(smoothing >= 0 && smoothing <= 1) || (unsigned)reduction > REEL_NONE) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "cross_entropy_probs",
                       "found smoothing = %g and reduction %d, expected 0 to 1 and one of reel_reduction", smoothing,
                       (int)reduction);
        return REEL_NIL;
    }
    reel_value q = probabilities;
    if (smoothing > 0)
        q = reel_add_scalar(site, reel_mul_scalar(site, q, 1 - smoothing), smoothing / (double)x.shape[axis]);
    if (!reel_is_nil(weights)) q = reel_mul(site, q, along(site, weights, &x, axis));
    reel_value terms = reel_mul(site, reel_log_softmax(site, logits, axis), q);
    reel_value each = reel_neg(site, reel_sum_axes(site, terms, 1, &axis, false));
    return reduction == REEL_NONE ? each : reduction == REEL_SUM ? reel_sum(site, each) : reel_mean(site, each);
}

op_family loss_class_family = {&nll_op, NULL};
