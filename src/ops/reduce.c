/* SPDX-License-Identifier: MIT
 *
 * Reductions over some or all axes: sum, mean, var, std, max, min, logsumexp; and the places of extremes.
 */
#include "kernels/reduce.h"
#include "kernels/kernels.h"
#include "ops/families.h"
#include <reel/ops.h>

#include <math.h>
#include <string.h>

enum { SUM, MEAN, VAR, STD, MAX, MIN, LOGSUMEXP, MAX_AXIS, MIN_AXIS, ARGMAX, ARGMIN, OP_COUNT };

static const reel_op ops[OP_COUNT];

#define ALL_AXES (-1)

typedef struct reduce_attributes {
    int count; /* ALL_AXES, or of `axes` */
    int axes[REEL_MAX_RANK];
    bool keep;
    double correction;
    unsigned reduced; /* bit d: axis d is reduced */
    void *center;     /* var, std: the means, kept for the gradient */
    int64_t *index;   /* max_axis, min_axis: where they are */
} reduce_attributes;

static reel_status reduce_shape(reel_call *call)
{
    reduce_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    reel_array *y = call->out;
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    if (a->count < ALL_AXES || a->count > REEL_MAX_RANK)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found %d axes, expected 0 to %d", a->count, REEL_MAX_RANK);
    a->reduced = a->count == ALL_AXES ? ~0u : 0;
    for (int i = 0; i < a->count; i++) {
        int axis = x->rank == 0 && (a->axes[i] == 0 || a->axes[i] == -1) ? 0 : rule_axis(call, a->axes[i], x->rank);
        if (axis < 0) return REEL_BAD_ARGUMENT;
        if (a->reduced >> axis & 1)
            return reel_call_fail(call, REEL_BAD_ARGUMENT, "axis %d is named twice", a->axes[i]);
        a->reduced |= 1u << axis;
    }
    y->rank = 0;
    for (int d = 0; d < x->rank; d++) {
        if (!(a->reduced >> d & 1))
            y->shape[y->rank++] = x->shape[d];
        else if (a->keep)
            y->shape[y->rank++] = 1;
    }
    return REEL_OK;
}

static reel_status extreme_shape(reel_call *call)
{
    const reel_array *x = call->in[0];
    reel_status status = reduce_shape(call);
    const reduce_attributes *a = call->attributes;
    char text[SHAPE_TEXT_SIZE];
    for (int d = 0; d < x->rank && status == REEL_OK; d++)
        if (a->reduced >> d & 1 && x->shape[d] == 0)
            return reel_call_fail(call, REEL_BAD_SHAPE, "no elements along axis %d of %s", d, shape_text(text, x));
    int which = (int)(call->op - ops);
    if (which == ARGMAX || which == ARGMIN) call->out->dtype = REEL_INT64;
    return status;
}

/* Elements over which a result is reduced. */
static int64_t reduced_count(const reel_call *call)
{
    const reduce_attributes *a = call->attributes;
    int64_t count = 1;
    for (int d = 0; d < call->in[0]->rank; d++)
        if (a->reduced >> d & 1) count *= call->in[0]->shape[d];
    return count;
}

/* The axes as (outer, count, inner), if those reduced are neighbours. */
static bool neighbours(const reel_call *call, axis_shape *s)
{
    const reduce_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    *s = (axis_shape){1, 1, 1};
    int part = 0; /* 0: before, 1: within, 2: behind what is reduced */
    for (int d = 0; d < x->rank; d++) {
        bool reduced = a->reduced >> d & 1;
        if (x->shape[d] == 1) continue;
        if (reduced && part == 2) return false;
        part = reduced ? 1 : part == 1 ? 2 : part;
        *(part == 0 ? &s->outer : part == 1 ? &s->count : &s->inner) *= x->shape[d];
    }
    return true;
}

/* Between x in its own order and in an order whose last axes are those reduced: `sorted` (results, reduced). */
typedef enum direction { TO_SORTED, FROM_SORTED, ADD_FROM_SORTED } direction;

static void sort_axes(const reel_call *call, void *own, void *sorted, direction way)
{
    const reduce_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    int64_t shape[REEL_MAX_RANK], step[REEL_MAX_RANK], index[REEL_MAX_RANK] = {0}, place = 0;
    int rank = 0;
    for (unsigned reduced = 0; reduced < 2; reduced++)
        for (int d = 0; d < x->rank; d++) {
            if ((a->reduced >> d & 1) != reduced) continue;
            shape[rank] = x->shape[d];
            step[rank] = 1;
            for (int e = d + 1; e < x->rank; e++) step[rank] *= x->shape[e];
            rank++;
        }
    for (int64_t i = 0; i < x->size; i++) {
        if (x->dtype == REEL_FLOAT) {
            float *p = (float *)own + place, *q = (float *)sorted + i;
            if (way == TO_SORTED)
                *q = *p;
            else
                *p = way == FROM_SORTED ? *q : *p + *q;
        } else {
            double *p = (double *)own + place, *q = (double *)sorted + i;
            if (way == TO_SORTED)
                *q = *p;
            else
                *p = way == FROM_SORTED ? *q : *p + *q;
        }
        for (int d = rank - 1; d >= 0; d--) {
            place += step[d];
            if (++index[d] < shape[d]) break;
            place -= step[d] * shape[d];
            index[d] = 0;
        }
    }
}

/* x as (outer, count, inner): itself, or a copy with its axes sorted. NULL without memory. */
static const void *arranged(reel_call *call, axis_shape *s)
{
    const reel_array *x = call->in[0];
    if (neighbours(call, s)) return x->data;
    void *copy = reel_call_scratch(call, (size_t)x->size * reel_dtype_size(x->dtype));
    if (copy) sort_axes(call, x->data, copy, TO_SORTED);
    *s = (axis_shape){call->out->size, reduced_count(call), 1};
    return copy;
}

/* ---- forward ---- */

static void square_root(reel_array *a)
{
    for (int64_t i = 0; i < a->size; i++) {
        if (a->dtype == REEL_FLOAT)
            ((float *)a->data)[i] = sqrtf(((float *)a->data)[i]);
        else
            ((double *)a->data)[i] = sqrt(((double *)a->data)[i]);
    }
}

static void *results(reel_call *call)
{
    return reel_call_scratch(call, (size_t)call->out->size * reel_dtype_size(call->in[0]->dtype));
}

/* One value of `index` for each result, from the array it points into. */
static void take_along(const reel_call *call, axis_shape s, const int64_t *index)
{
    const reel_array *x = call->in[0];
    for (int64_t i = 0; i < call->out->size; i++) {
        int64_t at = (i / s.inner * s.count + index[i]) * s.inner + i % s.inner;
        if (x->dtype == REEL_FLOAT)
            ((float *)call->out->data)[i] = ((const float *)x->data)[at];
        else
            ((double *)call->out->data)[i] = ((const double *)x->data)[at];
    }
}

static reel_status reduce_forward(reel_call *call)
{
    reduce_attributes *a = call->attributes;
    const struct reduce_kernels *kernel = kernels_get(call->in[0]->dtype)->reduce;
    const int which = (int)(call->op - ops);
    void *y = call->out->data, *parts;
    axis_shape s;
    const void *x = arranged(call, &s);
    if (!x && call->in[0]->size) return REEL_NO_MEMORY;
    double count = (double)reduced_count(call), freedom = count - a->correction;
    switch (which) {
    case SUM: kernel->run(REDUCE_SUM, s, x, NULL, y, 1, false); break;
    case MEAN: kernel->run(REDUCE_SUM, s, x, NULL, y, count, false); break;
    case VAR:
    case STD:
        if (!(a->center = results(call))) return REEL_NO_MEMORY;
        kernel->run(REDUCE_SUM, s, x, NULL, a->center, count, false);
        kernel->run(REDUCE_DEVIATIONS, s, x, a->center, y, freedom > 0 ? freedom : 0, false);
        if (which == STD) square_root(call->out);
        break;
    case MAX: kernel->run(REDUCE_MAX, s, x, NULL, y, 1, false); break;
    case MIN: kernel->run(REDUCE_MIN, s, x, NULL, y, 1, false); break;
    case LOGSUMEXP:
        if (!(parts = results(call))) return REEL_NO_MEMORY;
        kernel->run(REDUCE_MAX, s, x, NULL, y, 1, false);
        kernel->run(REDUCE_EXP, s, x, y, parts, 1, false);
        kernel->log_add(call->out->size, parts, y);
        break;
    case ARGMAX:
    case ARGMIN: kernel->find(which == ARGMAX, s, x, y); break;
    default:
        a->index = reel_call_scratch(call, (size_t)call->out->size * sizeof *a->index);
        if (!a->index) return REEL_NO_MEMORY;
        kernel->find(which == MAX_AXIS, s, x, a->index);
        take_along(call, s, a->index);
    }
    return REEL_OK;
}

/* ---- backward ---- */

/* to[i] = g[i] / by[i], 0 / 0 being 0 when `zero`. */
static void divide(reel_dtype dtype, int64_t n, const void *g, const void *by, void *to, bool zero)
{
    for (int64_t i = 0; i < n; i++) {
        if (dtype == REEL_FLOAT) {
            float d = ((const float *)by)[i];
            ((float *)to)[i] = zero && d == 0 ? 0 : ((const float *)g)[i] / d;
        } else {
            double d = ((const double *)by)[i];
            ((double *)to)[i] = zero && d == 0 ? 0 : ((const double *)g)[i] / d;
        }
    }
}

/* The gradient flows to the one element found. */
static void put_along(reel_call *call, axis_shape s)
{
    const reduce_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    void *to = call->in_gradient[0];
    if (!call->add[0]) memset(to, 0, (size_t)x->size * reel_dtype_size(x->dtype));
    for (int64_t i = 0; i < call->out->size; i++) {
        int64_t at = (i / s.inner * s.count + a->index[i]) * s.inner + i % s.inner;
        if (x->dtype == REEL_FLOAT)
            ((float *)to)[at] += ((const float *)call->out_gradient)[i];
        else
            ((double *)to)[at] += ((const double *)call->out_gradient)[i];
    }
}

static reel_status spread(reel_call *call, axis_shape s, const void *x, void *to, bool add)
{
    const reduce_attributes *a = call->attributes;
    const struct reduce_kernels *kernel = kernels_get(call->out->dtype)->reduce;
    const void *g = call->out_gradient, *y = call->out->data;
    const double count = (double)reduced_count(call), freedom = count - a->correction;
    const int which = (int)(call->op - ops);
    void *shared;
    switch (which) {
    case SUM: kernel->spread(SPREAD_SUM, s, x, NULL, g, 1, to, add); break;
    case MEAN: kernel->spread(SPREAD_SUM, s, x, NULL, g, 1 / count, to, add); break;
    case VAR: kernel->spread(SPREAD_DEVIATIONS, s, x, a->center, g, 2 / (freedom > 0 ? freedom : 0), to, add); break;
    case LOGSUMEXP: kernel->spread(SPREAD_EXP, s, x, y, g, 1, to, add); break;
    default:
        if (!(shared = results(call))) return REEL_NO_MEMORY;
        if (which == STD) {
            divide(call->out->dtype, call->out->size, g, y, shared, true);
            kernel->spread(SPREAD_DEVIATIONS, s, x, a->center, shared, 1 / (freedom > 0 ? freedom : 0), to, add);
        } else {
            kernel->run(REDUCE_EQUAL, s, x, y, shared, 1, false);
            divide(call->out->dtype, call->out->size, g, shared, shared, false);
            kernel->spread(SPREAD_EQUAL, s, x, y, shared, 1, to, add);
        }
    }
    return REEL_OK;
}

static reel_status reduce_backward(reel_call *call)
{
    const int which = (int)(call->op - ops);
    void *to = call->in_gradient[0];
    axis_shape s;
    if (!to || call->in[0]->size == 0) return REEL_OK;
    bool direct = neighbours(call, &s);
    if (which == MAX_AXIS || which == MIN_AXIS) {
        put_along(call, s);
        return REEL_OK;
    }
    if (direct) return spread(call, s, call->in[0]->data, to, call->add[0]);
    const void *x = arranged(call, &s);
    void *sorted = reel_call_scratch(call, (size_t)call->in[0]->size * reel_dtype_size(call->out->dtype));
    if (!x || !sorted) return REEL_NO_MEMORY;
    reel_status status = spread(call, s, x, sorted, false);
    sort_axes(call, to, sorted, call->add[0] ? ADD_FROM_SORTED : FROM_SORTED);
    return status;
}

/* ---- descriptors ---- */

#define REAL(rank, ...)                                                                                                \
    {                                                                                                                  \
        {                                                                                                              \
            rank, {__VA_ARGS__}, -2, 2, NULL, REEL_FLOAT, false                                                        \
        }                                                                                                              \
    }
#define AXES(n, keep, correction, ...)                                                                                 \
    &(reduce_attributes)                                                                                               \
    {                                                                                                                  \
        n, {__VA_ARGS__}, keep, correction, 0, NULL, NULL                                                              \
    }
static const reel_sample reduce_samples[] = {
    {"all", 1, REAL(2, 3, 4), AXES(ALL_AXES, false, 1, 0), false},
    {"rows", 1, REAL(2, 3, 20), AXES(1, false, 1, 1), false},
    {"columns", 1, REAL(2, 5, 3), AXES(1, true, 0, 0), false},
    {"the middle", 1, REAL(3, 2, 3, 17), AXES(1, false, 1, -2), false},
    {"two apart", 1, REAL(3, 3, 2, 4), AXES(2, false, 0, 0, -1), false},
    {"three of four", 1, REAL(4, 2, 3, 1, 4), AXES(3, true, 1, 0, 3, 2), false},
    {"no axis", 1, REAL(1, 3), AXES(0, false, 0, 0), false},
};
static const reel_sample axis_samples[] = {
    {"rows", 1, REAL(2, 3, 20), AXES(1, false, 0, 1), false},
    {"columns", 1, REAL(2, 5, 3), AXES(1, true, 0, 0), false},
    {"the middle", 1, REAL(3, 2, 3, 4), AXES(1, false, 0, -2), false},
    {"all", 1, REAL(2, 3, 4), AXES(ALL_AXES, false, 0, 0), false},
};
static const double ties[] = {1, 3, 3, 2, 0, 0};
static const reel_sample extreme_samples[] = {
    {"all", 1, REAL(2, 3, 4), AXES(ALL_AXES, false, 0, 0), false},
    {"rows", 1, REAL(2, 3, 20), AXES(1, false, 0, 1), false},
    {"two apart", 1, REAL(3, 3, 2, 4), AXES(2, true, 0, 0, -1), false},
    {"ties", 1, {{1, {6}, 0, 0, ties, REEL_FLOAT, false}}, AXES(ALL_AXES, false, 0, 0), true},
};

#define DESCRIPTOR(name_, formula_, rule, back, rows, n)                                                               \
    {                                                                                                                  \
        .size = sizeof(reel_op), .name = name_, .formula = formula_, .least = 1, .most = 1,                            \
        .attributes_size = sizeof(reduce_attributes), .shape = rule, .forward = reduce_forward, .backward = back,      \
        .samples = rows, .sample_count = n                                                                             \
    }
static const reel_op ops[OP_COUNT] = {
    [SUM] = DESCRIPTOR("sum", "y = sum of x", reduce_shape, reduce_backward, reduce_samples, 7),
    [MEAN] = DESCRIPTOR("mean", "y = sum of x / n", reduce_shape, reduce_backward, reduce_samples, 7),
    [VAR] = DESCRIPTOR("var", "y = sum of (x - mean)^2 / (n - correction)", reduce_shape, reduce_backward,
                       reduce_samples, 6),
    [STD] = DESCRIPTOR("std", "y = sqrt(var(x))", reduce_shape, reduce_backward, reduce_samples, 6),
    [MAX] = DESCRIPTOR("max", "y = the greatest x", extreme_shape, reduce_backward, extreme_samples, 4),
    [MIN] = DESCRIPTOR("min", "y = the smallest x", extreme_shape, reduce_backward, extreme_samples, 4),
    [LOGSUMEXP] = DESCRIPTOR("logsumexp", "y = log(sum of exp(x))", reduce_shape, reduce_backward, reduce_samples, 7),
    [MAX_AXIS] = DESCRIPTOR("max_axis", "y = the first greatest x along an axis", extreme_shape, reduce_backward,
                            axis_samples, 3),
    [MIN_AXIS] = DESCRIPTOR("min_axis", "y = the first smallest x along an axis", extreme_shape, reduce_backward,
                            axis_samples, 3),
    [ARGMAX] = DESCRIPTOR("argmax", "y = index of the first greatest x", extreme_shape, NULL, axis_samples, 4),
    [ARGMIN] = DESCRIPTOR("argmin", "y = index of the first smallest x", extreme_shape, NULL, axis_samples, 4),
};

static reel_value reduce(const char *site, int which, reel_value x, int count, const int *axes, bool keep,
                         double correction)
{
    reduce_attributes a = {.count = count, .keep = keep, .correction = correction};
    if (count > 0 && !axes) a.count = REEL_MAX_RANK + 1;
    if (count > 0 && count <= REEL_MAX_RANK && axes) memcpy(a.axes, axes, (size_t)count * sizeof *axes);
    return reel_record(site, &ops[which], 1, &x, &a);
}

#define REDUCTION(name, which)                                                                                         \
    reel_value reel_##name(const char *site, reel_value x)                                                             \
    {                                                                                                                  \
        return reduce(site, which, x, ALL_AXES, NULL, false, 0);                                                       \
    }                                                                                                                  \
    reel_value reel_##name##_axes(const char *site, reel_value x, int count, const int *axes, bool keepdim)            \
    {                                                                                                                  \
        return reduce(site, which, x, count < 0 ? -2 : count, axes, keepdim, 0);                                       \
    }
REDUCTION(sum, SUM)
REDUCTION(mean, MEAN)
REDUCTION(max, MAX)
REDUCTION(min, MIN)
REDUCTION(logsumexp, LOGSUMEXP)

#define SPREAD(name, which)                                                                                            \
    reel_value reel_##name(const char *site, reel_value x, double correction)                                          \
    {                                                                                                                  \
        return reduce(site, which, x, ALL_AXES, NULL, false, correction);                                              \
    }                                                                                                                  \
    reel_value reel_##name##_axes(const char *site, reel_value x, int count, const int *axes, bool keepdim,            \
                                  double correction)                                                                   \
    {                                                                                                                  \
        return reduce(site, which, x, count < 0 ? -2 : count, axes, keepdim, correction);                              \
    }
SPREAD(var, VAR)
SPREAD(std, STD)

#define ALONG(name, which)                                                                                             \
    reel_value reel_##name(const char *site, reel_value x, int axis, bool keepdim)                                     \
    {                                                                                                                  \
        return reduce(site, which, x, 1, &axis, keepdim, 0);                                                           \
    }
ALONG(max_axis, MAX_AXIS)
ALONG(min_axis, MIN_AXIS)
ALONG(argmax, ARGMAX)
ALONG(argmin, ARGMIN)

reel_value reel_argmax_all(const char *site, reel_value x)
{
    return reduce(site, ARGMAX, x, ALL_AXES, NULL, false, 0);
}

reel_value reel_argmin_all(const char *site, reel_value x)
{
    return reduce(site, ARGMIN, x, ALL_AXES, NULL, false, 0);
}

op_family reduce_family = {&ops[SUM],       &ops[MEAN],     &ops[VAR],      &ops[STD],    &ops[MAX],    &ops[MIN],
                           &ops[LOGSUMEXP], &ops[MAX_AXIS], &ops[MIN_AXIS], &ops[ARGMAX], &ops[ARGMIN], NULL};
