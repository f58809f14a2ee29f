/* SPDX-License-Identifier: MIT
 *
 * Cross-entropy of rows of logits with classes, with class weights, ignored rows and label smoothing
 * (Szegedy et al., CVPR 2016).
 */
#include "kernels/kernels.h"
#include "kernels/reduce.h"
#include "kernels/softmax.h"
#include "ops/families.h"
#include <reel/ops.h>

#include <string.h>

typedef struct cross_entropy_attributes {
    int64_t ignored;
    double smoothing;
    reel_reduction reduction;
    const void *rows;      /* the logits as (rows, cols) */
    void *shift, *log_sum; /* (rows): the parts of logsumexp, kept for the gradient */
    double divisor;        /* what the sum of the losses was divided by */
} cross_entropy_attributes;

/* Logits (rows / inner, cols, inner): `inner` is 1 unless there are axes behind that of the classes. */
typedef struct sizes {
    int64_t rows, cols, inner;
} sizes;

static sizes sizes_of(const reel_call *call)
{
    const reel_array *x = call->in[0];
    if (x->rank == 1) return (sizes){1, x->shape[0], 1};
    sizes s = {x->shape[0], x->shape[1], 1};
    for (int d = 2; d < x->rank; d++) s.inner *= x->shape[d];
    s.rows *= s.inner;
    return s;
}

/* Between logits and rows of them; `add` goes with `back`. */
#define DEFINE_MOVE(NAME, TYPE)                                                                                        \
    static void NAME(sizes s, TYPE *logits, TYPE *rows, bool back, bool add)                                           \
    {                                                                                                                  \
        for (int64_t r = 0; r < s.rows; r++)                                                                           \
            for (int64_t c = 0; c < s.cols; c++, rows++) {                                                             \
                TYPE *at = &logits[(r / s.inner * s.cols + c) * s.inner + r % s.inner];                                \
                if (!back)                                                                                             \
                    *rows = *at;                                                                                       \
                else                                                                                                   \
                    *at = add ? *at + *rows : *rows;                                                                   \
            }                                                                                                          \
    }
DEFINE_MOVE(move_float, float)
DEFINE_MOVE(move_double, double)

static void move(const reel_call *call, sizes s, void *logits, void *rows, bool back, bool add)
{
    if (call->in[0]->dtype == REEL_FLOAT)
        move_float(s, logits, rows, back, add);
    else
        move_double(s, logits, rows, back, add);
}

static reel_status cross_entropy_shape(reel_call *call)
{
    const cross_entropy_attributes *a = call->attributes;
    const reel_array *x = call->in[0], *t = call->in[1], *w = call->count > 2 ? call->in[2] : NULL;
    char texts[2][SHAPE_TEXT_SIZE];
    reel_status status = rule_real(call, 0);
    if (status == REEL_OK) status = rule_int64(call, 1);
    if (status == REEL_OK && w) status = rule_real(call, 2);
    if (status != REEL_OK) return status;
    if (x->rank < 1)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found logits %s, expected (rows,classes)",
                              shape_text(texts[0], x));
    sizes s = sizes_of(call);
    bool column = x->rank == 2 && t->rank == 2 && t->shape[1] == 1;
    if (t->size != s.rows || (x->rank > 1 && !column && t->rank != x->rank - 1))
        return reel_call_fail(call, REEL_BAD_SHAPE, "found classes %s for logits %s, expected (%lld)",
                              shape_text(texts[0], t), shape_text(texts[1], x), (long long)s.rows);
    if (w && (w->rank != 1 || w->shape[0] != s.cols))
        return reel_call_fail(call, REEL_BAD_SHAPE, "found class weights %s for logits %s, expected (%lld)",
                              shape_text(texts[0], w), shape_text(texts[1], x), (long long)s.cols);
    if (!(a->smoothing >= 0 && a->smoothing <= 1))
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found smoothing = %g, expected 0 to 1", a->smoothing);
    if ((unsigned)a->reduction > REEL_NONE)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found reduction %d, expected REEL_MEAN, REEL_SUM or REEL_NONE",
                              (int)a->reduction);
    if (a->reduction == REEL_NONE && x->rank > 1) {
        call->out->rank = x->rank - 1;
        call->out->shape[0] = x->shape[0];
        for (int d = 2; d < x->rank; d++) call->out->shape[d - 1] = x->shape[d];
    }
    return REEL_OK;
}

static reel_status check_classes(reel_call *call, sizes s)
{
    const cross_entropy_attributes *a = call->attributes;
    const int64_t *class = call->in[1]->data;
    for (int64_t i = 0; i < s.rows; i++)
        if ((class[i] < 0 || class[i] >= s.cols) && class[i] != a->ignored)
            return reel_call_fail(call, REEL_BAD_INDEX, "class[%lld]: found %lld, expected 0 to %lld", (long long)i,
                                  (long long)class[i], (long long)s.cols - 1);
    return REEL_OK;
}

/* Weight of class j. */
static double weight(const reel_call *call, int64_t j)
{
    const reel_array *w = call->count > 2 ? call->in[2] : NULL;
    if (!w) return 1;
    return w->dtype == REEL_FLOAT ? (double)((const float *)w->data)[j] : ((const double *)w->data)[j];
}

/* loss[i] = (1 - eps) w[t] l[t] + eps / C sum over j of w[j] l[j], l[j] = -log p[j] = log_sum - (x[j] - shift); 0 where
 * ignored. */
#define DEFINE_LOSSES(NAME, TYPE)                                                                                      \
    static void NAME(const reel_call *call, sizes s, TYPE *loss)                                                       \
    {                                                                                                                  \
        const cross_entropy_attributes *a = call->attributes;                                                          \
        const TYPE *x = a->rows, *shift = a->shift, *log_sum = a->log_sum;                                             \
        const int64_t *class = call->in[1]->data;                                                                      \
        const TYPE hard = (TYPE)(1 - a->smoothing), soft = (TYPE)(a->smoothing / (double)s.cols);                      \
        for (int64_t i = 0; i < s.rows; i++, x += s.cols) {                                                            \
            loss[i] = 0;                                                                                               \
            if (class[i] == a->ignored) continue;                                                                      \
            loss[i] = hard * ((TYPE)weight(call, class[i]) * (log_sum[i] - (x[class[i]] - shift[i])));                 \
            if (soft == 0) continue;                                                                                   \
            TYPE sum = 0;                                                                                              \
            for (int64_t j = 0; j < s.cols; j++) sum += (TYPE)weight(call, j) * (log_sum[i] - (x[j] - shift[i]));      \
            loss[i] += soft * sum;                                                                                     \
        }                                                                                                              \
    }
DEFINE_LOSSES(losses_float, float)
DEFINE_LOSSES(losses_double, double)

/* The sum of the weights of the classes that count. */
static double divisor_of(const reel_call *call, sizes s)
{
    const cross_entropy_attributes *a = call->attributes;
    const int64_t *class = call->in[1]->data;
    double sum = 0;
    if (a->reduction != REEL_MEAN) return 1;
    for (int64_t i = 0; i < s.rows; i++)
        if (class[i] != a->ignored) sum += weight(call, class[i]);
    return sum;
}

static reel_status cross_entropy_forward(reel_call *call)
{
    cross_entropy_attributes *a = call->attributes;
    const kernels *kernel = kernels_get(call->out->dtype);
    const sizes s = sizes_of(call);
    const size_t bytes = (size_t)s.rows * reel_dtype_size(call->out->dtype);
    reel_status status = check_classes(call, s);
    if (status != REEL_OK) return status;
    void *rows = s.inner == 1 ? call->in[0]->data : reel_call_scratch(call, bytes * (size_t)s.cols);
    if (!rows && bytes) return REEL_NO_MEMORY;
    if (s.inner != 1) move(call, s, call->in[0]->data, rows, false, false);
    a->rows = rows;
    a->shift = reel_call_scratch(call, bytes);
    a->log_sum = reel_call_scratch(call, bytes);
    void *loss = a->reduction == REEL_NONE ? call->out->data : reel_call_scratch(call, bytes);
    if (!a->shift || !a->log_sum || !loss) return REEL_NO_MEMORY;
    kernel->softmax->logsumexp(s.rows, s.cols, a->rows, a->shift, a->log_sum);
    if (call->out->dtype == REEL_FLOAT)
        losses_float(call, s, loss);
    else
        losses_double(call, s, loss);
    a->divisor = divisor_of(call, s);
    if (a->reduction != REEL_NONE)
        kernel->reduce->run(REDUCE_SUM, (axis_shape){1, s.rows, 1}, loss, NULL, call->out->data, a->divisor, false);
    return REEL_OK;
}

/* With r = g / divisor, or 0 where the row is ignored, and W = sum over j of w[j]:
 *   x'[j] = r ((1 - eps) w[t] + eps / C W) p[j] - r (1 - eps) w[t] (j == t) - r eps / C w[j] */
#define DEFINE_SCALES(NAME, TYPE)                                                                                      \
    static void NAME(const reel_call *call, sizes s, TYPE *soft, TYPE *hard)                                           \
    {                                                                                                                  \
        const cross_entropy_attributes *a = call->attributes;                                                          \
        const TYPE *g = call->out_gradient;                                                                            \
        const int64_t *class = call->in[1]->data;                                                                      \
        double spread = 0;                                                                                             \
        if (a->smoothing > 0)                                                                                          \
            for (int64_t j = 0; j < s.cols; j++) spread += weight(call, j) * a->smoothing / (double)s.cols;            \
        for (int64_t i = 0; i < s.rows; i++) {                                                                         \
            soft[i] = hard[i] = 0;                                                                                     \
            if (class[i] == a->ignored) continue;                                                                      \
            double r = (double)(a->reduction == REEL_NONE ? g[i] : *g) / a->divisor;                                   \
            double own = (1 - a->smoothing) * weight(call, class[i]);                                                  \
            hard[i] = (TYPE)(r * own);                                                                                 \
            soft[i] = (TYPE)(r * (own + spread));                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static void NAME##_smooth(const reel_call *call, sizes s, TYPE *to)                                                \
    {                                                                                                                  \
        const cross_entropy_attributes *a = call->attributes;                                                          \
        const TYPE *g = call->out_gradient;                                                                            \
        const int64_t *class = call->in[1]->data;                                                                      \
        for (int64_t i = 0; i < s.rows; i++, to += s.cols) {                                                           \
            if (class[i] == a->ignored) continue;                                                                      \
            double r = (double)(a->reduction == REEL_NONE ? g[i] : *g) / a->divisor * a->smoothing / (double)s.cols;   \
            for (int64_t j = 0; j < s.cols; j++) to[j] -= (TYPE)(r * weight(call, j));                                 \
        }                                                                                                              \
    }
DEFINE_SCALES(scales_float, float)
DEFINE_SCALES(scales_double, double)

static reel_status cross_entropy_backward(reel_call *call)
{
    const cross_entropy_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    const sizes s = sizes_of(call);
    const size_t bytes = (size_t)s.rows * reel_dtype_size(x->dtype);
    void *to = call->in_gradient[0];
    if (call->count > 2 && call->in_gradient[2])
        return reel_call_fail(call, REEL_BAD_ARGUMENT,
                              "class weights are not differentiated: pass them through detach");
    if (!to || s.rows == 0) return REEL_OK;
    void *soft = reel_call_scratch(call, bytes), *hard = reel_call_scratch(call, bytes);
    void *rows = s.inner == 1 ? to : reel_call_scratch(call, bytes * (size_t)s.cols);
    if (!soft || !hard || !rows) return REEL_NO_MEMORY;
    if (x->dtype == REEL_FLOAT)
        scales_float(call, s, soft, hard);
    else
        scales_double(call, s, soft, hard);
    kernels_get(x->dtype)->softmax->cross_entropy_gradient(s.rows, s.cols, a->rows, a->shift, a->log_sum,
                                                           call->in[1]->data, soft, hard, rows,
                                                           s.inner == 1 && call->add[0]);
    if (a->smoothing > 0) {
        if (x->dtype == REEL_FLOAT)
            scales_float_smooth(call, s, rows);
        else
            scales_double_smooth(call, s, rows);
    }
    if (s.inner != 1) move(call, s, to, rows, true, call->add[0]);
    return REEL_OK;
}

#define NOT_IGNORED (-100)
static const double classes[] = {1, 0, 3, 2, 1};
static const double some_classes[] = {1, -100, 3, -100, 0};
#define LOGITS                                                                                                         \
    {                                                                                                                  \
        2, {5, 4}, -3, 3, NULL, REEL_FLOAT, false                                                                      \
    }
#define CLASSES(from)                                                                                                  \
    {                                                                                                                  \
        1, {5}, 0, 0, from, REEL_INT64, true                                                                           \
    }
#define WEIGHTS                                                                                                        \
    {                                                                                                                  \
        1, {4}, 0.2, 2, NULL, REEL_FLOAT, true                                                                         \
    }
#define OPTIONS(smoothing, reduction)                                                                                  \
    &(cross_entropy_attributes)                                                                                        \
    {                                                                                                                  \
        NOT_IGNORED, smoothing, reduction, NULL, NULL, NULL, 1                                                         \
    }
static const reel_sample cross_entropy_samples[] = {
    {"mean", 2, {LOGITS, CLASSES(classes)}, OPTIONS(0, REEL_MEAN), false},
    {"sum", 2, {LOGITS, CLASSES(classes)}, OPTIONS(0, REEL_SUM), false},
    {"none", 2, {LOGITS, CLASSES(classes)}, OPTIONS(0, REEL_NONE), false},
    {"ignored rows", 2, {LOGITS, CLASSES(some_classes)}, OPTIONS(0, REEL_MEAN), false},
    {"weights", 3, {LOGITS, CLASSES(some_classes), WEIGHTS}, OPTIONS(0, REEL_MEAN), false},
    {"smoothed", 3, {LOGITS, CLASSES(some_classes), WEIGHTS}, OPTIONS(0.3, REEL_MEAN), false},
    {"more axes",
     2,
     {{4, {2, 4, 1, 3}, -3, 3, NULL, REEL_FLOAT, false}, {3, {2, 1, 3}, 0, 4, NULL, REEL_INT64, true}},
     OPTIONS(0.1, REEL_NONE),
     false},
    {"smoothed, none", 2, {LOGITS, CLASSES(some_classes)}, OPTIONS(0.1, REEL_NONE), false},
};

static const reel_op cross_entropy_op = {
    .size = sizeof(reel_op),
    .name = "cross_entropy",
    .formula = "-log(softmax(x)[class])",
    .least = 2,
    .most = 3,
    .attributes_size = sizeof(cross_entropy_attributes),
    .shape = cross_entropy_shape,
    .forward = cross_entropy_forward,
    .backward = cross_entropy_backward,
    .samples = cross_entropy_samples,
    .sample_count = sizeof cross_entropy_samples / sizeof *cross_entropy_samples,
};

reel_value reel_cross_entropy(const char *site, reel_value logits, reel_value classes_)
{
    return reel_cross_entropy_with(site, logits, classes_, REEL_NIL, NOT_IGNORED, 0, REEL_MEAN);
}

reel_value reel_cross_entropy_with(const char *site, reel_value logits, reel_value classes_, reel_value weights,
                                   int64_t ignored, double smoothing, reel_reduction reduction)
{
    cross_entropy_attributes a = {.ignored = ignored, .smoothing = smoothing, .reduction = reduction, .divisor = 1};
    return reel_record(site, &cross_entropy_op, weights.tape ? 3 : 2, (const reel_value[]){logits, classes_, weights},
                       &a);
}

op_family cross_entropy_family = {&cross_entropy_op, NULL};
