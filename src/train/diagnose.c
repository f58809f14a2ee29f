/* SPDX-License-Identifier: MIT
 *
 * The diagnosis: what is measured, in which order, and everything put back.
 */
#include "train/diagnosis.h"

#include "core/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MOST 4096 /* that losses are measured on */
#define VECTORS 5
#define DIRECTIONS_MOST 32 /* parameters whose gradient is looked at by itself */
#define LENGTHS 12         /* of differences, each a quarter of the one before */
#define SLOPE_LEAST 1e-7   /* of the loss, or the baseline, over a step as long as all parameters */

bool diagnosis_forgive(examination *e)
{
    if (reel_error_status(e->context) != REEL_NOT_FINITE) return false;
    reel_error_clear(e->context);
    return true;
}

const char *reel_cause_name(reel_cause cause)
{
    static const char *const names[REEL_CAUSE_COUNT] = {
        "nothing wrong",  "not finite",    "gradient does not describe the loss",
        "unfit input",    "rate too high", "rate too low",
        "plateau",        "dead units",    "overfitting",
        "model too small"};
    return (int)cause >= 0 && (int)cause < REEL_CAUSE_COUNT ? names[cause] : NULL;
}

static double norm(int64_t n, const double *a)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * a[i];
    return sqrt(sum);
}

/* ---- the point ---- */

/* Loss and gradient where the trainer stands, in the model's own type. False: not finite, or an error. */
static bool measure_point(examination *e, probe *p)
{
    reel_diagnosis *out = e->out;
    probe_origin(p, e->point);
    out->parameter_norm = norm(p->n, e->point);
    out->loss = probe_loss(p, NULL, e->slope);
    out->gradient_norm = norm(p->n, e->slope);
    out->rows = p->rows;
    monitor_units(p->tape, &out->units, &out->dead, &out->dead_layer);
    if (reel_failed(e->context) && !diagnosis_forgive(e)) return false;
    if (isfinite(out->loss) && isfinite(out->gradient_norm)) return true;
    e->not_finite = true;
    if (!reel_trace_not_finite(e->site, p->loss, &e->origin)) e->origin = (reel_origin){.element = -1};
    e->origin.site = NULL; /* these texts go with the tape; the sentence stays */
    e->origin.value = REEL_NIL;
    return false;
}

/* ---- gradient against differences ---- */

/* The derivative along a direction: the difference quotient that agrees best with the one of a quarter of its length,
 * and how far the two are apart. */
static bool difference(examination *e, probe *p, const double *origin, const double *direction, double *found,
                       double *error)
{
    double before = NAN, length = 1e-2 * (1 + norm(p->n, origin)) / norm(p->n, direction);
    *error = INFINITY;
    for (int k = 0; k < LENGTHS; k++, length /= 4) {
        double loss[2];
        for (int side = 0; side < 2; side++) {
            double to = side ? -length : length;
            for (int64_t i = 0; i < p->n; i++) e->point[i] = origin[i] + to * direction[i];
            loss[side] = probe_loss(p, e->point, NULL);
        }
        if (reel_failed(e->context)) return false;
        double slope = (loss[0] - loss[1]) / (2 * length);
        double rounding = 2 * p->epsilon * fmax(fabs(loss[0]), fabs(loss[1])) / length;
        if (k > 0 && isfinite(slope) && fabs(slope - before) + rounding < *error) {
            *error = fabs(slope - before) + rounding;
            *found = slope;
        }
        before = slope;
    }
    return true;
}

static void compare(examination *e, probe *p, const char *name, const double *origin, const double *gradient,
                    const double *direction)
{
    double promised = 0, found = 0, error, worst = e->out->fidelity;
    for (int64_t i = 0; i < p->n; i++) promised += gradient[i] * direction[i];
    if (!difference(e, p, origin, direction, &found, &error) || !isfinite(error)) return;
    /* Where nothing moves any more the slopes are rounding. */
    double larger = fmax(fabs(found), fabs(promised)), size = fmax(fabs(e->out->loss), fmax(e->out->baseline, 0));
    if (larger * (1 + norm(p->n, origin)) < SLOPE_LEAST * size * norm(p->n, direction)) return;
    double off = fmax(0, fabs(found - promised) - 3 * error) / larger;
    if (!(larger > 0) || !(off >= fabs(1 - worst) || isnan(worst))) return;
    /* Kept as the ratio, or what stands for one when nothing is promised. */
    e->out->fidelity = 1 + (found < promised ? -off : off);
    e->out->fidelity_error = error / larger;
    e->gradient = (gradient_report){.promised = promised, .happened = found, .error = error};
    snprintf(e->gradient.parameter, sizeof e->gradient.parameter, "%s", name);
}

/* Along the gradient, and for each parameter by itself along a direction of random signs. */
static void measure_gradient(examination *e)
{
    probe p;
    const probe_options how = {.rows = REEL_ROWS_BATCH, .training = true, .as_double = true};
    double *origin = e->start, *gradient = e->moment, *direction = e->square;
    reel_rng *rng = reel_rng_philox_new(e->site, e->context, 2, "diagnosis signs");
    if (!rng) return;
    if (probe_begin(&p, e->site, DIAGNOSE_WHO, e->trainer, &how)) {
        probe_origin(&p, origin);
        probe_loss(&p, origin, gradient);
        if (norm(p.n, gradient) > 0) compare(e, &p, "", origin, gradient, gradient);
        int count = p.params->values.count;
        for (int i = 0; i < count && i < DIRECTIONS_MOST && !reel_failed(e->context); i++) {
            const slice *s = &p.params->values.slices[i];
            if (!s->trainable || s->size == 0) continue;
            memset(direction, 0, (size_t)p.n * sizeof *direction);
            for (int64_t k = s->offset; k < s->offset + s->size; k++)
                direction[k] = reel_rng_uniform_one(rng) < 0.5 ? -1 : 1;
            compare(e, &p, s->name, origin, gradient, direction);
        }
    }
    probe_end(&p);
    diagnosis_forgive(e);
    reel_rng_free(rng);
}

/* ---- curvature, validation ---- */

static void measure_curvature(examination *e)
{
    reel_curvature *c = &e->out->curvature;
    int64_t rows = trainer_rows(e->trainer);
    const reel_sharpness_options how = {
        .rows = rows > ROWS_MOST ? ROWS_MOST : REEL_ROWS_ALL, .iterations = 60, .tolerance = 1e-3};
    if (reel_sharpness(e->site, e->trainer, &how, c) != REEL_OK) {
        diagnosis_forgive(e);
        c->limit = NAN;
    }
}

/* The probe's rows are those of the trainer's data set: for this one evaluation that is the validation set. */
static void measure_validation(examination *e)
{
    reel_trainer *t = e->trainer;
    reel_dataset *data = t->data;
    probe p;
    const probe_options how = {.rows = REEL_ROWS_ALL};
    if (!t->validation || !data) return;
    t->data = t->validation;
    if (probe_begin(&p, e->site, DIAGNOSE_WHO, t, &how)) e->out->validation = probe_loss(&p, NULL, NULL);
    probe_end(&p);
    t->data = data;
    diagnosis_forgive(e);
}

/* ---- all of it ---- */

static bool choose_rows(examination *e)
{
    int64_t rows = trainer_rows(e->trainer), step = probe_step_rows(e->trainer);
    e->row_count = rows < ROWS_MOST ? rows : ROWS_MOST;
    e->row_bytes = (size_t)(e->row_count + step + 1) * sizeof *e->rows;
    e->rows = memory_new(e->context, e->site, DIAGNOSE_WHO, e->row_bytes);
    reel_rng *rng = reel_rng_philox_new(e->site, e->context, 0, "diagnosis rows");
    for (int64_t i = 0; e->rows && rng && i < e->row_count; i++)
        e->rows[i] = e->row_count == rows ? i : reel_rng_permuted(rng, 0, rows, i);
    bool right = e->rows && rng;
    reel_rng_free(rng);
    return right;
}

static bool examination_begin(examination *e)
{
    size_t n = (size_t)reel_params_size(e->trainer->params);
    e->bytes = VECTORS * n * sizeof(double) + sizeof(double);
    e->block = memory_zero(e->context, e->site, DIAGNOSE_WHO, e->bytes);
    if (!e->block) return false;
    e->slope = (double *)(void *)e->block;
    e->point = e->slope + n;
    e->moment = e->point + n;
    e->square = e->moment + n;
    e->start = e->square + n;
    return choose_rows(e) && diagnosis_data(e);
}

static void examination_end(examination *e)
{
    if (e->block) memory_free(e->context, e->block, e->bytes);
    if (e->rows) memory_free(e->context, e->rows, e->row_bytes);
}

static void examine(examination *e)
{
    probe p;
    const probe_options how = {.rows = REEL_ROWS_ALL};
    bool right = probe_begin(&p, e->site, DIAGNOSE_WHO, e->trainer, &how);
    if (right && e->row_count < trainer_rows(e->trainer)) right = probe_set_rows(&p, e->rows, e->row_count);
    right = right && measure_point(e, &p);
    if (right) diagnosis_trials(e, &p);
    probe_end(&p);
    if (!right || reel_failed(e->context)) return;
    if (e->data.rows) e->out->baseline = diagnosis_baseline(e, e->rows, e->row_count);
    measure_gradient(e);
    measure_curvature(e);
    measure_validation(e);
    if (e->data.bad_row < 0 && e->data.rows) diagnosis_memory(e);
}

reel_status reel_diagnose(const char *site, reel_trainer *t, reel_diagnosis *out)
{
    if (!t || !out) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    *out = (reel_diagnosis){.step = t->step,
                            .loss = NAN,
                            .gradient_norm = NAN,
                            .parameter_norm = NAN,
                            .baseline = NAN,
                            .best = t->step > 0 ? t->best_loss : (double)NAN,
                            .validation = NAN,
                            .fidelity = NAN,
                            .fidelity_error = NAN,
                            .curvature = {.limit = NAN, .loss = NAN},
                            .memorised = NAN,
                            .fresh_gradient = NAN,
                            .fresh_loss = NAN};
    examination e = {.trainer = t, .context = context, .site = site, .out = out};
    if (reel_params_seal(site, t->params) != REEL_OK) return reel_error_status(context);
    if (examination_begin(&e)) examine(&e);
    if (!reel_failed(context)) diagnosis_find(&e);
    examination_end(&e);
    return reel_error_status(context);
}
