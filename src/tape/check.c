/* SPDX-License-Identifier: MIT
 *
 * Gradient check by central differences at shrinking steps.
 */
#include "tape/tape.h"
#include <reel/check.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_POINTS 16
#define LEVELS 3 /* steps h, h/8, h/64 */
#define SHRINK 8.0
#define KINK_RATIO                                                                                                     \
    0.5 /* a smooth function's one-sided slopes differ by an eighth at the next step, at a kink by as much */
#define KINK_LEAST 1e-4 /* of the slope: below it differences of slopes are rounding */

typedef struct checker {
    reel_context *context;
    reel_tape *tape;
    reel_function function;
    void *user;
    int count;
    reel_array *point[MOST_POINTS];    /* double copies of the real ones */
    reel_array *analytic[MOST_POINTS]; /* their gradients */
    const reel_array *given[MOST_POINTS];
    reel_params *params;
    reel_array *params_gradient;
    reel_array *weights;
    const char *site;
    reel_check_options options;
    reel_check_report *report;
} checker;

static bool is_real(const reel_array *a)
{
    return a->dtype == REEL_FLOAT || a->dtype == REEL_DOUBLE;
}

static reel_value record(checker *c)
{
    reel_value inputs[MOST_POINTS];
    reel_tape_rewind(c->tape);
    for (int i = 0; i < c->count; i++)
        inputs[i] =
            c->point[i] ? reel_variable(c->site, c->tape, c->point[i]) : reel_input(c->site, c->tape, c->given[i]);
    return c->function(c->tape, inputs, c->count, c->user);
}

/* L = sum(w f) */
static double evaluate(checker *c)
{
    bool before = reel_tape_set_gradients(c->tape, false);
    if (c->params) reel_params_touch(c->params);
    reel_array y = reel_data(record(c));
    reel_tape_set_gradients(c->tape, before);
    double sum = 0;
    for (int64_t i = 0; i < y.size; i++) sum += ((double *)y.data)[i] * ((double *)c->weights->data)[i];
    return reel_failed(c->context) ? NAN : sum;
}

static bool nearly(const checker *c, double analytic, double numeric)
{
    double scale = fmax(fabs(analytic), fabs(numeric));
    return fabs(analytic - numeric) <= c->options.absolute + c->options.relative * scale;
}

/* The derivative by *x, which belongs to element `index` of `operand`. */
static void check_element(checker *c, int operand, int64_t index, double *x, double analytic)
{
    reel_check_report *r = c->report;
    double x0 = *x, h = c->options.step * fmax(1, fabs(x0)), centre = evaluate(c);
    double gap_before = 0, numeric = NAN, best = INFINITY;
    bool good = false, kink = false;
    for (int level = 0; level < LEVELS && !kink; level++, h /= SHRINK) {
        volatile double above = x0 + h, below = x0 - h;
        *x = above;
        double up = evaluate(c);
        *x = below;
        double down = evaluate(c);
        *x = x0;
        double right = (up - centre) / (above - x0), left = (centre - down) / (x0 - below);
        double slope = (up - down) / (above - below), gap = fabs(right - left);
        double least = KINK_LEAST * fmax(1, fmax(fabs(right), fabs(left)));
        kink = level > 0 && gap > least && gap > KINK_RATIO * gap_before;
        gap_before = gap;
        good |= nearly(c, analytic, slope);
        if (!(fabs(slope - analytic) >= best)) {
            best = fabs(slope - analytic);
            numeric = slope;
        }
        if (good && gap <= least) break;
    }
    r->checked++;
    if (kink) r->kinks++;
    if (kink || good) return;
    double worst = fabs(r->analytic - r->numeric);
    if (r->failed++ == 0 || !(fabs(analytic - numeric) <= worst)) {
        r->operand = operand;
        r->index = index;
        r->analytic = analytic;
        r->numeric = numeric;
    }
}

static reel_status allocate(checker *c, const char *site, const reel_array *const *points)
{
    for (int i = 0; i < c->count; i++) {
        c->given[i] = points[i];
        if (!points[i] || (points[i]->size && !points[i]->data))
            return reel_error_set(c->context, REEL_BAD_ARGUMENT, site, "check_gradient", "point %d is missing", i);
        if (!is_real(points[i])) continue;
        c->point[i] = reel_array_cast(site, c->context, REEL_DOUBLE, points[i]);
        c->analytic[i] = reel_array_new(site, c->context, REEL_DOUBLE, points[i]->rank, points[i]->shape);
        if (!c->analytic[i]) return reel_error_status(c->context);
    }
    if (c->params) {
        int64_t size = reel_params_size(c->params);
        c->params_gradient = reel_array_new(site, c->context, REEL_DOUBLE, 1, &size);
        if (!c->params_gradient) return reel_error_status(c->context);
    }
    c->tape = reel_tape_new(site, c->context, REEL_DOUBLE);
    return reel_error_status(c->context);
}

/* The tape's gradient. The second walk adds to variables and parameters, so half of it has seen both ways. */
static reel_status analytic_gradient(checker *c, const char *site)
{
    if (c->params) {
        reel_params_drop_gradient(c->params);
        reel_params_touch(c->params);
    }
    reel_value y = record(c);
    reel_array value = reel_data(y);
    if (reel_failed(c->context)) return reel_error_status(c->context);
    for (int64_t i = 0; i < value.size; i++)
        if (!isfinite(reel_array_get(&value, i)))
            return reel_error_set(c->context, REEL_NOT_FINITE, site, "check_gradient",
                                  "the function gives %g in element %lld", reel_array_get(&value, i), (long long)i);
    c->weights = reel_array_new(site, c->context, REEL_DOUBLE, value.rank, value.shape);
    reel_rng *rng = reel_rng_philox_new(site, c->context, 1, "gradient check");
    reel_rng_uniform(site, rng, c->weights, 0.5, 1.5);
    reel_rng_free(rng);
    if (reel_failed(c->context) || !reel_wants_gradient(y)) return reel_error_status(c->context);
    for (int twice = 0; twice < 2; twice++)
        if (reel_backward_from(site, y, c->weights) != REEL_OK) return reel_error_status(c->context);
    for (int i = 0; i < c->count; i++) {
        if (!c->point[i]) continue;
        reel_value input = {c->tape, (uint32_t)i, c->tape->generation};
        reel_array gradient = reel_gradient(input);
        double *to = c->analytic[i]->data;
        for (int64_t k = 0; gradient.data && k < gradient.size; k++) to[k] = ((double *)gradient.data)[k] / 2;
    }
    reel_array flat = reel_params_flat_gradient(c->params);
    double *to = c->params_gradient ? c->params_gradient->data : NULL;
    for (int64_t k = 0; flat.data && k < flat.size; k++) to[k] = ((double *)flat.data)[k] / 2;
    return REEL_OK;
}

static void conclude(reel_check_report *r)
{
    int used = snprintf(r->text, sizeof r->text, "%lld derivatives: %lld right, %lld wrong, %lld at a kink",
                        (long long)r->checked, (long long)(r->checked - r->failed - r->kinks), (long long)r->failed,
                        (long long)r->kinks);
    if (r->failed && used > 0)
        snprintf(r->text + used, sizeof r->text - (size_t)used,
                 "; worst: input %d, element %lld, tape %.9g, differences %.9g", r->operand, (long long)r->index,
                 r->analytic, r->numeric);
}

static void release(checker *c)
{
    reel_tape_free(c->tape);
    for (int i = 0; i < c->count; i++) {
        reel_array_free(c->point[i]);
        reel_array_free(c->analytic[i]);
    }
    reel_array_free(c->params_gradient);
    reel_array_free(c->weights);
}

static void check_all(checker *c)
{
    for (int i = 0; i < c->count; i++) {
        if (!c->point[i]) continue;
        double *x = c->point[i]->data, *g = c->analytic[i]->data;
        for (int64_t k = 0; k < c->point[i]->size; k++) check_element(c, i, k, &x[k], g[k]);
    }
    if (!c->params) return;
    reel_array flat = reel_params_flat(c->params);
    double *x = flat.data, *g = c->params_gradient->data;
    for (int64_t k = 0; k < flat.size; k++) check_element(c, c->count, k, &x[k], g[k]);
    reel_params_drop_gradient(c->params);
    reel_params_touch(c->params);
}

reel_status reel_check_gradient(const char *site, reel_context *context, reel_function function, void *user, int count,
                                const reel_array *const *points, reel_params *params, const reel_check_options *options,
                                reel_check_report *report)
{
    reel_check_report own;
    if (!report) report = &own;
    *report = (reel_check_report){0};
    if (reel_failed(context)) return reel_error_status(context);
    if (!function || count < 0 || count > MOST_POINTS || (count && !points))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, "check_gradient",
                              "found %d points, expected 0 to %d and a function", count, MOST_POINTS);
    if (params && reel_params_dtype(params) != REEL_DOUBLE)
        return reel_error_set(context, REEL_BAD_DTYPE, site, "check_gradient",
                              "found parameters of %s, expected float64", reel_dtype_name(reel_params_dtype(params)));
    checker c = {.context = context,
                 .function = function,
                 .user = user,
                 .count = count,
                 .params = params,
                 .site = site,
                 .report = report};
    if (options) c.options = *options;
    if (c.options.step <= 0) c.options.step = 1e-5;
    if (c.options.relative <= 0) c.options.relative = 1e-6;
    if (c.options.absolute <= 0) c.options.absolute = 1e-7;
    reel_status status = params ? reel_params_seal(site, params) : REEL_OK;
    if (status == REEL_OK) status = allocate(&c, site, points);
    if (status == REEL_OK) status = analytic_gradient(&c, site);
    if (status == REEL_OK) check_all(&c);
    if (status == REEL_OK) status = reel_error_status(context);
    conclude(report);
    release(&c);
    return status;
}

/* ---- an operation on its samples ---- */

typedef struct sample_call {
    const reel_op *op;
    const reel_sample *sample;
    reel_rng *rng;
    reel_array *point[REEL_SAMPLE_OPERANDS];
    bool fixed[REEL_SAMPLE_OPERANDS]; /* not differentiated */
} sample_call;

static reel_value record_sample(reel_tape *tape, const reel_value *inputs, int count, void *user)
{
    sample_call *s = user;
    reel_value operands[REEL_SAMPLE_OPERANDS];
    (void)count;
    for (int i = 0; i < s->sample->count; i++)
        operands[i] = s->fixed[i] ? reel_input(s->sample->name, tape, s->point[i]) : *inputs++;
    if (s->op->flags & REEL_OP_RANDOM) {
        reel_rng_seed(s->rng, 1);
        reel_tape_set_rng(tape, s->rng);
    }
    return reel_record(s->sample->name, s->op, s->sample->count, operands, s->sample->attributes);
}

static reel_array *sample_point(const char *site, reel_context *context, const reel_sample_operand *o, reel_rng *rng)
{
    reel_dtype dtype = o->dtype == REEL_FLOAT ? REEL_DOUBLE : o->dtype;
    reel_array *a = reel_array_new(site, context, dtype, o->rank, o->shape);
    if (!a) return NULL;
    if (o->data) {
        reel_array from = reel_array_view(REEL_DOUBLE, (double *)(uintptr_t)o->data, o->rank, o->shape);
        if (a->size) array_convert(a, &from);
    } else if (dtype == REEL_DOUBLE) {
        reel_rng_uniform(site, rng, a, o->low, o->high);
    } else {
        for (int64_t i = 0; i < a->size; i++) {
            int64_t k = (int64_t)o->low + (int64_t)(reel_rng_uniform_one(rng) * (o->high - o->low));
            if (dtype == REEL_INT64)
                ((int64_t *)a->data)[i] = k;
            else
                ((uint8_t *)a->data)[i] = (uint8_t)k;
        }
    }
    return a;
}

static reel_status check_sample(const char *site, reel_context *context, const reel_op *op, const reel_sample *sample,
                                reel_rng *rng, reel_check_report *total)
{
    sample_call call = {.op = op, .sample = sample, .rng = rng};
    const reel_array *given[REEL_SAMPLE_OPERANDS];
    reel_check_report report = {0};
    bool differentiable = op->backward || op->flags & REEL_OP_SHARES_GRADIENT;
    int count = 0;
    for (int i = 0; i < sample->count; i++) {
        call.point[i] = sample_point(site, context, &sample->operand[i], rng);
        call.fixed[i] = !differentiable || sample->operand[i].constant || !call.point[i] || !is_real(call.point[i]);
        if (!call.fixed[i]) given[count++] = call.point[i];
    }
    reel_status status = reel_error_status(context);
    if (status == REEL_OK)
        status = reel_check_gradient(site, context, record_sample, &call, count, given, NULL, NULL, &report);
    for (int i = 0; i < sample->count; i++) reel_array_free(call.point[i]);
    bool wrong_kinks = differentiable && sample->kink != (report.kinks > 0);
    if (total->failed == 0 && (report.failed || wrong_kinks)) {
        total->operand = report.operand;
        total->index = report.index;
        total->analytic = report.analytic;
        total->numeric = report.numeric;
        snprintf(total->text, sizeof total->text, "%s, sample \"%s\": %.150s%s", op->name, sample->name, report.text,
                 !wrong_kinks   ? ""
                 : sample->kink ? "; a kink was declared"
                                : "; no kink was declared");
    }
    total->checked += report.checked;
    total->failed += report.failed + wrong_kinks;
    total->kinks += report.kinks;
    return status;
}

reel_status reel_check_operation(const char *site, reel_context *context, const reel_op *op, reel_check_report *report)
{
    reel_check_report own;
    if (!report) report = &own;
    *report = (reel_check_report){0};
    if (reel_failed(context)) return reel_error_status(context);
    if (!op) return reel_error_set(context, REEL_BAD_ARGUMENT, site, "check_operation", "there is no operation");
    reel_rng *rng = reel_rng_philox_new(site, context, 1, op->name);
    reel_status status = REEL_OK;
    for (int i = 0; i < op->sample_count && status == REEL_OK; i++)
        status = check_sample(site, context, op, &op->samples[i], rng, report);
    reel_rng_free(rng);
    if (report->failed == 0) conclude(report);
    return status;
}
