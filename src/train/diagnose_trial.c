/* SPDX-License-Identifier: MIT
 *
 * What the diagnosis tries: steps at other rates, and learning a few rows by heart.
 */
#include "train/diagnosis.h"

#include "core/random.h"

#include <math.h>
#include <string.h>

#define STEPS 50
#define SUBSET 100
#define MEMORY_STEPS 800
#define MEMORY_ENOUGH 0.05 /* of the baseline */

/* ---- steps at other rates ---- */

double diagnosis_rate(const reel_optimizer *o, int group)
{
    double rate = reel_optimizer_group_rate(o, group);
    return rate == 0 && o->rate_row >= 0 ? o->groups[group].values[o->rate_row] : rate;
}

static void scale_rates(reel_optimizer *o, double factor)
{
    double rates[64];
    for (int first = 0; first < o->group_count; first += 64) {
        int end = first + 64 < o->group_count ? first + 64 : o->group_count;
        for (int g = first; g < end; g++) rates[g - first] = diagnosis_rate(o, g);
        for (int g = first; g < end; g++) {
            o->groups[g].schedule = NULL;
            o->groups[g].values[o->rate_row] = factor * rates[g - first];
        }
    }
}

/* The rows of step i, in an order of the diagnosis' own. */
static bool step_rows(examination *e, probe *p, reel_rng *order, int64_t i)
{
    int64_t rows = trainer_rows(p->trainer), size = probe_step_rows(p->trainer);
    p->position = (uint64_t)(p->trainer->step + i);
    p->step = p->trainer->step + i;
    if (!p->trainer->data || size >= rows) return true;
    int64_t per_epoch = (rows + size - 1) / size, first = i % per_epoch * size;
    int64_t count = first + size <= rows ? size : rows - first;
    int64_t *to = e->rows + e->row_count;
    for (int64_t k = 0; k < count; k++) to[k] = reel_rng_permuted(order, (uint64_t)(i / per_epoch), rows, first + k);
    return probe_set_rows(p, to, count);
}

static bool measured_rows(examination *e, probe *p)
{
    if (!p->trainer->data || (p->rows == e->row_count && e->row_count == trainer_rows(p->trainer))) return true;
    return probe_set_rows(p, e->rows, e->row_count);
}

static double try_rate(examination *e, probe *p, reel_rng *order, double factor)
{
    double loss = NAN;
    bool right = true;
    probe_restore(p);
    scale_rates(p->trainer->optimizer, factor);
    p->training = true;
    p->steady = false;
    for (int64_t i = 0; i < STEPS && right; i++) {
        right = step_rows(e, p, order, i) && isfinite(probe_loss(p, NULL, e->slope));
        right = right && !reel_failed(e->context) && probe_step(p) == REEL_OK;
    }
    p->training = false;
    p->position = (uint64_t)p->trainer->step;
    p->step = p->trainer->step;
    if (measured_rows(e, p) && right) loss = probe_loss(p, NULL, NULL);
    diagnosis_forgive(e);
    probe_restore(p);
    p->steady = true;
    return isfinite(loss) ? loss : NAN;
}

/* Factors 0.01, 0.1, ... 1000, and on while the last has gained little. */
void diagnosis_trials(examination *e, probe *p)
{
    reel_diagnosis *out = e->out;
    if (p->trainer->optimizer->rate_row < 0) return;
    reel_rng *order = reel_rng_philox_new(e->site, e->context, 0, "diagnosis order");
    out->trial_steps = STEPS;
    for (int i = 0; i < REEL_TRIAL_MOST && order && !reel_failed(e->context); i++) {
        double factor = i < 2 ? (i ? 0.1 : 0.01) : pow(10, i - 2);
        double loss = try_rate(e, p, order, factor);
        out->trials[i] = (reel_trial){factor, loss};
        out->trial_count = i + 1;
        if (i >= 5 && !(loss < out->loss && loss > 0.9 * out->loss)) break;
    }
    reel_rng_free(order);
}

/* ---- learning by heart ---- */

static bool ends_in_bias(const char *name)
{
    size_t n = strlen(name);
    return n >= 4 && strcmp(name + n - 4, "bias") == 0;
}

/* Weights uniform in +-sqrt(3 / inputs), which keeps the size of what goes through; biases 0; the rest, that of
 * normalisations, as it is. */
static void fresh_start(examination *e, const probe *p, reel_rng *rng)
{
    probe_origin(p, e->point);
    for (int i = 0; i < p->params->values.count; i++) {
        const slice *s = &p->params->values.slices[i];
        double bound = s->rank >= 2 && s->size ? sqrt(3 / ((double)s->size / (double)s->shape[0])) : 0;
        for (int64_t k = s->offset; s->trainable && k < s->offset + s->size; k++) {
            double u = 2 * reel_rng_uniform_one(rng) - 1;
            if (s->rank >= 2)
                e->point[k] = bound * u;
            else if (ends_in_bias(s->name) || !isfinite(e->point[k]))
                e->point[k] = 0;
        }
    }
}

/* Adam (Kingma and Ba 2015) with a rate that falls to 0 in a straight line. Smallest loss. */
static double learn(examination *e, probe *p, double rate, double enough, double *first_norm, double *first_loss)
{
    const double beta1 = 0.9, beta2 = 0.999;
    double best = INFINITY, power1 = 1, power2 = 1;
    memset(e->moment, 0, (size_t)p->n * sizeof *e->moment);
    memset(e->square, 0, (size_t)p->n * sizeof *e->square);
    for (int i = 0; i < MEMORY_STEPS; i++) {
        double loss = probe_loss(p, e->point, e->slope), squares = 0;
        if (reel_failed(e->context) || !isfinite(loss)) break;
        best = fmin(best, loss);
        if (best < enough) break;
        power1 *= beta1;
        power2 *= beta2;
        double now = rate * (1 - (double)i / MEMORY_STEPS);
        for (int64_t k = 0; k < p->n; k++) {
            double g = e->slope[k];
            squares += g * g;
            e->moment[k] += (1 - beta1) * (g - e->moment[k]);
            e->square[k] += (1 - beta2) * (g * g - e->square[k]);
            if (e->start[k] != 0)
                e->point[k] -= now * e->moment[k] / (1 - power1) / (sqrt(e->square[k] / (1 - power2)) + 1e-30);
        }
        if (i == 0) *first_norm = sqrt(squares), *first_loss = loss;
    }
    return best;
}

void diagnosis_memory(examination *e)
{
    static const double rates[] = {0.03, 0.1, 0.01};
    reel_trainer *t = e->trainer;
    reel_diagnosis *out = e->out;
    probe p;
    const probe_options how = {.rows = REEL_ROWS_ALL, .as_double = true};
    int64_t rows = trainer_rows(t), count = rows < SUBSET ? rows : SUBSET, subset[SUBSET];
    if (rows < 2) return;
    reel_rng *rng = reel_rng_philox_new(e->site, e->context, 1, "diagnosis subset");
    for (int64_t i = 0; i < count && rng; i++) subset[i] = reel_rng_permuted(rng, 0, rows, i);
    double baseline = rng ? diagnosis_baseline(e, subset, count) : NAN;
    if (rng && probe_begin(&p, e->site, DIAGNOSE_WHO, t, &how) && probe_set_rows(&p, subset, count)) {
        probe_trainable(&p, e->start);
        for (size_t i = 0; i < sizeof rates / sizeof *rates && !reel_failed(e->context); i++) {
            double norm = NAN, first = NAN;
            fresh_start(e, &p, rng);
            if (isnan(baseline)) baseline = probe_loss(&p, e->point, NULL);
            double reached = learn(e, &p, rates[i], MEMORY_ENOUGH * baseline, &norm, &first);
            if (!(reached >= out->memorised)) out->memorised = reached;
            if (i == 0) out->fresh_gradient = norm, out->fresh_loss = first;
            if (reached < MEMORY_ENOUGH * baseline) break;
        }
        out->subset = count;
    }
    if (rng) probe_end(&p);
    diagnosis_forgive(e);
    if (!isfinite(out->memorised)) out->subset = 0;
    reel_rng_free(rng);
}
