/* SPDX-License-Identifier: MIT
 *
 * Sharpness: Lanczos over differences of gradients.
 */
#include "train/sharpness.h"

#include "train/lanczos.h"

#include <math.h>
#include <string.h>

#define WHO "sharpness"
#define ITERATIONS 200
#define RETRIES 3
#define SHRINK 16 /* of the difference, when it crosses kinks */

/* S (sign H + W) S as an operator. */
typedef struct curvature_operator {
    probe *p;
    const double *origin;           /* (n) the point */
    const double *support;          /* (n) 1 where trainable */
    const double *scale, *addition; /* (n) S and W; NULL: 1 and 0 */
    double sign;
    double step; /* h before it is made smaller */
    double *direction, *point, *plus, *minus;
    uint8_t *sides; /* (places) of the first gradient of a pair */
    int64_t room;
    reel_curvature *out;
} curvature_operator;

static double norm(int64_t n, const double *a)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * a[i];
    return sqrt(sum);
}

/* Gradient at origin + distance direction; false with an error kept. */
static bool gradient_at(curvature_operator *c, double distance, double *gradient)
{
    probe *p = c->p;
    for (int64_t i = 0; i < p->n; i++) c->point[i] = c->origin[i] + distance * c->direction[i];
    probe_loss(p, c->point, gradient);
    return !reel_failed(p->context);
}

/* g(w + h u) to plus and g(w - h u) to minus; returns the kinks between them, -1 with an error kept. */
static int64_t gradient_pair(curvature_operator *c, double h)
{
    probe *p = c->p;
    if (!gradient_at(c, h, c->plus)) return -1;
    if (p->kinks.count > c->room) {
        uint8_t *grown = memory_resize(p->context, p->site, WHO, c->sides, (size_t)c->room, (size_t)p->kinks.count);
        if (!grown) return -1;
        c->sides = grown;
        c->room = p->kinks.count;
    }
    int64_t places = p->kinks.count;
    if (places) memcpy(c->sides, p->kinks.sides, (size_t)places);
    if (!gradient_at(c, -h, c->minus)) return -1;
    c->out->kink_places = places;
    return probe_kinks_between(c->sides, p->kinks.sides, p->kinks.count < places ? p->kinks.count : places);
}

/* y = S (sign H + W) S x. */
static reel_status product(void *user, const double *x, double *y)
{
    curvature_operator *c = user;
    probe *p = c->p;
    const int64_t n = p->n;
    for (int64_t i = 0; i < n; i++) c->direction[i] = c->support[i] != 0 ? x[i] * (c->scale ? c->scale[i] : 1) : 0;
    double length = norm(n, c->direction), h = c->step;
    memset(y, 0, (size_t)n * sizeof *y);
    if (length == 0) return REEL_OK;
    for (int64_t i = 0; i < n; i++) c->direction[i] /= length;
    int64_t crossed = gradient_pair(c, h);
    for (int i = 0; i < RETRIES && crossed > 0 && p->dtype == REEL_DOUBLE; i++) crossed = gradient_pair(c, h /= SHRINK);
    if (crossed < 0) return reel_error_status(p->context);
    c->out->kinks += crossed;
    c->out->products++;
    for (int64_t i = 0; i < n; i++) {
        double curved = c->sign * (c->plus[i] - c->minus[i]) / (2 * h);
        if (c->addition) curved += c->addition[i] * c->direction[i];
        y[i] = c->support[i] != 0 ? curved * length * (c->scale ? c->scale[i] : 1) : 0;
    }
    return REEL_OK;
}

typedef struct sharpness_work {
    probe *p;
    const reel_sharpness_options *options;
    reel_curvature *out;
    curvature_operator operator;
    double *block; /* 10 vectors */
    double *origin, *support, *gradient, *scale, *addition, *vector;
} sharpness_work;

#define VECTORS 10

static bool work_new(sharpness_work *w)
{
    probe *p = w->p;
    size_t n = (size_t)p->n;
    w->block = memory_zero(p->context, p->site, WHO, VECTORS * n * sizeof(double));
    if (!w->block) return false;
    double *at = w->block,
           **parts[VECTORS] = {&w->origin, &w->support, &w->gradient, &w->scale, &w->addition, &w->vector,
                               &w->operator.direction, &w->operator.point, &w->operator.plus, &w->operator.minus };
    for (int i = 0; i < VECTORS; i++) {
        *parts[i] = at;
        at += n;
    }
    return true;
}

static void work_free(sharpness_work *w)
{
    memory_free(w->p->context, w->operator.sides, (size_t)w->operator.room);
    memory_free(w->p->context, w->block, VECTORS * (size_t)w->p->n * sizeof(double));
}

/* Loss and gradient where the parameters are. */
static reel_status measure_point(sharpness_work *w)
{
    probe *p = w->p;
    reel_curvature *out = w->out;
    probe_origin(p, w->origin);
    probe_trainable(p, w->support);
    out->loss = probe_loss(p, w->origin, w->gradient);
    out->gradient_norm = norm(p->n, w->gradient);
    out->rows = p->rows;
    out->dtype = p->dtype;
    for (int64_t i = 0; i < p->n; i++) out->parameters += w->support[i] != 0;
    if (reel_failed(p->context)) return reel_error_status(p->context);
    if (isfinite(out->loss) && isfinite(out->gradient_norm)) return REEL_OK;
    bool loss = !isfinite(out->loss);
    return reel_error_set(p->context, REEL_NOT_FINITE, p->site, p->who, "%s is not finite where it is measured",
                          loss ? "the loss" : "the gradient");
}

static reel_status eigen(sharpness_work *w, lanczos_task *task, bool largest_alone)
{
    const reel_sharpness_options *o = w->options;
    probe *p = w->p;
    *task = (lanczos_task){.n = p->n,
                           .support = w->support,
                           .dimension = w->out->parameters,
                           .product = product,
                           .user = &w->operator,
                           .iterations = o->iterations> 0 ? o->iterations : ITERATIONS,
                           .tolerance = o->tolerance,
                           .largest_alone = largest_alone,
                           .vector = w->vector};
    if (!(task->tolerance > 0)) task->tolerance = p->dtype == REEL_DOUBLE ? 1e-7 : 1e-4;
    return lanczos(p->context, p->site, p->who, task);
}

static reel_status measure_hessian(sharpness_work *w)
{
    probe *p = w->p;
    lanczos_task task;
    w->out->difference = 2 * cbrt(p->epsilon) * (1 + norm(p->n, w->origin));
    curvature_operator *c = &w->operator;
    c->p = p;
    c->origin = w->origin;
    c->support = w->support;
    c->sign = 1;
    c->step = w->out->difference / 2;
    c->out = w->out;
    p->watch_kinks = true;
    reel_status status = eigen(w, &task, false);
    w->out->largest = task.largest;
    w->out->smallest = task.smallest;
    w->out->iterations = task.made;
    return status;
}

static reel_status measure_limit(sharpness_work *w)
{
    reel_curvature *out = w->out;
    stability s = {.scale = w->scale, .addition = w->addition};
    lanczos_task task;
    reel_status status = REEL_OK;
    stability_of(&s, w->p, w->origin, w->gradient, out);
    out->scaled = (reel_eigenvalue){NAN, NAN};
    if (!s.known) return REEL_OK;
    if (s.plain) {
        out->scaled = out->largest;
        out->scaled.value += s.shift;
    } else {
        w->operator.scale = w->scale;
        w->operator.addition = w->addition;
        w->operator.sign = s.sign;
        status = eigen(w, &task, true);
        out->scaled = task.largest;
    }
    double bound = s.decay + out->scaled.value / s.factor;
    out->limit = bound > 0 ? 2 / bound : INFINITY;
    return status;
}

/* Measures with a probe that has begun. */
static reel_status sharpness_measure(probe *p, const reel_sharpness_options *options, reel_curvature *out)
{
    sharpness_work w = {.p = p, .options = options, .out = out};
    reel_status status = work_new(&w) ? measure_point(&w) : REEL_NO_MEMORY;
    if (status == REEL_OK) status = measure_hessian(&w);
    if (status == REEL_OK) status = measure_limit(&w);
    work_free(&w);
    return status;
}

reel_status reel_sharpness(const char *site, reel_trainer *t, const reel_sharpness_options *options,
                           reel_curvature *out)
{
    static const reel_sharpness_options usual = {.rows = REEL_ROWS_ALL};
    if (!t || !out) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (!options) options = &usual;
    *out = (reel_curvature){.limit = NAN, .loss = NAN};
    if (options->iterations < 0 || !(options->tolerance >= 0))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO,
                              "found %d iterations and tolerance %g, expected 0 or above", options->iterations,
                              options->tolerance);
    probe p;
    const probe_options how = {.rows = options->rows, .training = options->training, .as_double = true};
    if (probe_begin(&p, site, WHO, t, &how)) sharpness_measure(&p, options, out);
    probe_end(&p);
    return reel_error_status(context);
}
