/* SPDX-License-Identifier: MIT
 *
 * Step fidelity: what a step did to the loss, over what the gradient promised.
 */
#include "train/probe.h"

#include <math.h>
#include <string.h>

#define WHO "step_fidelity"
#define HALVINGS 10

typedef struct fidelity_work {
    reel_context *context;
    double *block; /* 4 vectors */
    double *origin, *step, *gradient, *point;
    uint8_t *sides; /* (places) at the origin */
    int64_t places, n;
} fidelity_work;

static bool work_new(fidelity_work *w, const char *site, reel_context *context, int64_t n)
{
    *w = (fidelity_work){.context = context, .n = n};
    w->block = memory_zero(context, site, WHO, 4 * (size_t)n * sizeof(double));
    if (!w->block) return false;
    w->origin = w->block;
    w->step = w->origin + n;
    w->gradient = w->step + n;
    w->point = w->gradient + n;
    return true;
}

static void work_free(fidelity_work *w)
{
    memory_free(w->context, w->sides, (size_t)w->places);
    memory_free(w->context, w->block, 4 * (size_t)w->n * sizeof(double));
}

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static reel_status not_finite(probe *p, const char *what, double value)
{
    return reel_error_set(p->context, REEL_NOT_FINITE, p->site, WHO, "%s is %g where the step starts", what,
                          isnan(value) ? (double)NAN : value);
}

/* The step the optimizer would take, as a difference of parameters. */
static reel_status rehearse(probe *p, fidelity_work *w, reel_fidelity *out)
{
    reel_optimizer *o = p->trainer->optimizer;
    int64_t before = reel_optimizer_steps(o);
    out->rate = reel_optimizer_rate(o);
    double loss = probe_loss(p, NULL, w->gradient);
    if (reel_failed(p->context)) return reel_error_status(p->context);
    if (!isfinite(loss)) return not_finite(p, "the loss", loss);
    double norm = sqrt(dot(p->n, w->gradient, w->gradient));
    if (!isfinite(norm)) return not_finite(p, "the gradient norm", norm);
    if (probe_step(p) != REEL_OK) return reel_error_status(p->context);
    if (reel_optimizer_steps(o) == before)
        return reel_error_set(p->context, REEL_NOT_FINITE, p->site, WHO,
                              "the optimizer drops this gradient (clip_nonfinite), so that there is no step");
    reel_array now = reel_params_flat(p->params);
    probe_origin(p, w->origin);
    for (int64_t i = 0; i < p->n; i++) w->step[i] = reel_array_get(&now, i) - w->origin[i];
    return REEL_OK;
}

/* Loss and gradient where the step starts. */
static reel_status measure_start(probe *p, fidelity_work *w, reel_fidelity *out)
{
    probe_origin(p, w->origin);
    p->watch_kinks = true;
    out->rows = p->rows;
    out->dtype = p->dtype;
    out->loss = probe_loss(p, w->origin, w->gradient);
    if (reel_failed(p->context)) return reel_error_status(p->context);
    if (!isfinite(out->loss)) return not_finite(p, "the loss", out->loss);
    out->gradient_norm = sqrt(dot(p->n, w->gradient, w->gradient));
    out->step_norm = sqrt(dot(p->n, w->step, w->step));
    out->cosine = -dot(p->n, w->gradient, w->step) / (out->gradient_norm * out->step_norm);
    w->sides = memory_new(p->context, p->site, WHO, (size_t)p->kinks.count);
    if (!w->sides) return REEL_NO_MEMORY;
    w->places = p->kinks.count;
    if (w->places) memcpy(w->sides, p->kinks.sides, (size_t)w->places);
    return REEL_OK;
}

static void fill_row(probe *p, fidelity_work *w, const reel_fidelity *out, double promised, reel_fidelity_row *row)
{
    for (int64_t i = 0; i < p->n; i++) w->point[i] = w->origin[i] + row->fraction * w->step[i];
    row->loss = probe_loss(p, w->point, NULL);
    row->change = row->loss - out->loss;
    row->promised = row->fraction * promised;
    row->ratio = row->promised != 0 ? row->change / row->promised : NAN;
    double largest = fmax(fabs(row->loss), fabs(out->loss));
    row->error = row->promised != 0 ? 2 * p->epsilon * largest / fabs(row->promised) : NAN;
    int64_t places = p->kinks.count < w->places ? p->kinks.count : w->places;
    if (!reel_failed(p->context)) row->kinks = probe_kinks_between(w->sides, p->kinks.sides, places);
}

reel_status reel_step_fidelity(const char *site, reel_trainer *t, const reel_fidelity_options *options,
                               reel_fidelity *out)
{
    static const reel_fidelity_options usual = {.rows = REEL_ROWS_BATCH};
    if (!t || !out) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (!options) options = &usual;
    *out = (reel_fidelity){.loss = NAN};
    if (options->halvings < 0 || options->halvings > REEL_FIDELITY_MOST)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO, "found %d halvings, expected 0 to %d",
                              options->halvings, REEL_FIDELITY_MOST);
    probe p;
    fidelity_work w;
    probe_options how = {.rows = options->rows, .training = !options->evaluation};
    bool right = work_new(&w, site, context, reel_params_size(t->params));
    if (right) {
        right = probe_begin(&p, site, WHO, t, &how) && rehearse(&p, &w, out) == REEL_OK;
        probe_end(&p);
    }
    how.as_double = true;
    if (right) {
        right = probe_begin(&p, site, WHO, t, &how) && measure_start(&p, &w, out) == REEL_OK;
        double promised = dot(w.n, w.gradient, w.step);
        int count = 1 + (options->halvings ? options->halvings : HALVINGS);
        for (int k = 0; right && k < count; k++, out->count = k) {
            out->table[k].fraction = ldexp(1, -k);
            fill_row(&p, &w, out, promised, &out->table[k]);
            right = !reel_failed(context);
        }
        probe_end(&p);
    }
    work_free(&w);
    return reel_error_status(context);
}
