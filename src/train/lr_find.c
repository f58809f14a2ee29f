/* SPDX-License-Identifier: MIT
 *
 * The learning-rate range test.
 */
#include "train/probe.h"

#include "core/random.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WHO "lr_find"
#define STEPS_MOST 100000
#define LIMIT_ROWS 4096 /* that the sharpness is measured on at most */
#define FALL_LEAST 0.05
#define SPREAD_MOST 10 /* of the steepest points */

typedef struct lr_test {
    reel_object object;
    reel_lr_test test;
    double *block; /* (curves, 3, steps) */
    int steps;
} lr_test;

static void lr_test_destroy(reel_object *object)
{
    lr_test *t = (lr_test *)object;
    memory_free(object->context, t->block, (size_t)(3 * REEL_LR_CURVES * t->steps) * sizeof(double));
    object_release(object, sizeof *t);
}

void reel_lr_test_free(reel_lr_test *test)
{
    if (test) object_free((char *)test - offsetof(lr_test, test));
}

/* ---- options ---- */

static void fill_in(reel_lr_options *o)
{
    if (o->least == 0) o->least = 1e-7;
    if (o->most == 0) o->most = 10;
    if (o->steps == 0) o->steps = 200;
    if (o->smoothing == 0) o->smoothing = 0.8;
    if (o->smoothing < 0) o->smoothing = 0;
    if (o->stop == 0) o->stop = 4;
}

static reel_status check(const char *site, const reel_trainer *t, const reel_lr_options *o)
{
    reel_context *context = t->object.context;
    if (t->optimizer->rate_row < 0)
        return reel_error_set(context, REEL_BAD_STATE, site, WHO, "%s has no hyper-parameter lr",
                              t->optimizer->type->name);
    if (!(o->least > 0 && o->most > o->least && isfinite(o->most)))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO,
                              "found rates from %g to %g, expected the first above 0 and below the second", o->least,
                              o->most);
    if (o->steps < 10 || o->steps > STEPS_MOST)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO, "found %d steps, expected 10 to %d", o->steps,
                              STEPS_MOST);
    if (!(o->smoothing < 1))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO, "found smoothing %g, expected below 1",
                              o->smoothing);
    if (!(o->stop > 1))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO,
                              "found a stop at %g times the best, expected above 1", o->stop);
    return REEL_OK;
}

/* ---- one curve ---- */

typedef struct sweep {
    probe *p;
    const reel_lr_options *options;
    reel_rng *order;
    int64_t *rows;    /* (batch) or NULL: all */
    double *gradient; /* (n) */
    reel_lr_curve *curve;
    double average, weight;
} sweep;

/* Rates of all groups for a step; they keep the ratio that they have. Schedules are out of the way. */
static void set_rates(reel_optimizer *o, double factor)
{
    for (int g = 0; g < o->group_count; g++) o->groups[g].values[o->rate_row] *= factor;
}

/* The batch of step i, in the order of this curve's stream. */
static bool set_batch(sweep *s, int i)
{
    probe *p = s->p;
    int64_t rows = trainer_rows(p->trainer), size = probe_step_rows(p->trainer);
    p->position = (uint64_t)i;
    p->step = p->trainer->step + i;
    if (!s->rows) return true;
    int64_t per_epoch = trainer_steps_per_epoch(p->trainer), first = i % per_epoch * size;
    int64_t count = first + size <= rows ? size : rows - first;
    for (int64_t k = 0; k < count; k++)
        s->rows[k] = reel_rng_permuted(s->order, (uint64_t)(i / per_epoch), rows, first + k);
    return probe_set_rows(p, s->rows, count);
}

static bool is_finite(const double *a, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * 0; /* 0 unless one is not */
    return sum == 0;
}

/* Adds a point. Is it the one where the test stops? */
static bool add_point(sweep *s, double rate, double loss)
{
    reel_lr_curve *c = s->curve;
    const reel_lr_options *o = s->options;
    int64_t i = c->count++;
    s->average = o->smoothing * s->average + (1 - o->smoothing) * loss;
    s->weight = o->smoothing * s->weight + (1 - o->smoothing);
    c->rate[i] = rate;
    c->loss[i] = loss;
    c->smoothed[i] = s->average / s->weight;
    if (!isfinite(c->smoothed[i])) return true;
    /* For a loss that can be negative as many times its size above it. */
    if (i > 0 && c->smoothed[i] > c->best + (o->stop - 1) * fabs(c->best)) return true;
    if (i == 0 || c->smoothed[i] < c->best) {
        c->best = c->smoothed[i];
        c->best_rate = rate;
    }
    return false;
}

/* One step: its loss is measured, then it is taken. True when the test is over. */
static bool sweep_step(sweep *s, int i, double rate)
{
    probe *p = s->p;
    reel_context *context = p->context;
    if (!set_batch(s, i)) return true;
    double loss = probe_loss(p, NULL, s->gradient);
    if (reel_failed(context)) return true;
    if (i == 0 && !isfinite(loss)) {
        reel_error_set(context, REEL_NOT_FINITE, p->site, WHO, "the loss at the start is %g", isnan(loss) ? NAN : loss);
        return true;
    }
    bool over = add_point(s, rate, loss) || !is_finite(s->gradient, p->n);
    if (!over && probe_step(p) == REEL_NOT_FINITE) { /* a norm that overflows */
        reel_error_clear(context);
        over = true;
    }
    if (over) s->curve->blow_up = rate;
    return over || reel_failed(context);
}

/* Where the best smoothed loss so far falls fastest per log(rate): the slope of the straight line through the points within
 * a sixth of a decade (one on either side at least), which single batches do not move much. Of the best so far, since the
 * way back from a spike is no descent. */
static void find_steepest(reel_lr_curve *c, int steps, double decades)
{
    int64_t side = (int64_t)(steps / decades / 6);
    double steepest = 0, before = INFINITY; /* best up to the window */
    if (side < 1) side = 1;
    c->steepest = NAN;
    c->fall = (c->smoothed[0] - c->best) / fabs(c->smoothed[0]);
    for (int64_t i = side; i + side < c->count; i++) {
        double along = 0, squares = 0, best = before = fmin(before, c->smoothed[i - side]);
        for (int64_t k = -side; k <= side; k++) { /* rates are equally far apart in log(rate) */
            best = fmin(best, c->smoothed[i + k]);
            along += (double)k * best;
            squares += (double)(k * k);
        }
        if (!(along / squares < steepest)) continue;
        steepest = along / squares;
        c->steepest = c->rate[i];
    }
}

static reel_status run_curve(sweep *s)
{
    probe *p = s->p;
    reel_optimizer *o = p->trainer->optimizer;
    const reel_lr_options *options = s->options;
    reel_lr_curve *c = s->curve;
    s->average = s->weight = 0;
    c->blow_up = NAN;
    probe_restore(p);
    reel_rng_seed(p->own, c->seed);
    reel_rng_seed(s->order, c->seed);
    for (int g = 0; g < o->group_count; g++) o->groups[g].schedule = NULL;
    double now = o->groups[0].values[o->rate_row];
    if (now == 0) /* then there is no ratio to keep */
        for (int g = 0; g < o->group_count; g++) o->groups[g].values[o->rate_row] = 1;
    if (now == 0) now = 1;
    for (int i = 0; i < options->steps; i++) {
        double rate = options->least * pow(options->most / options->least, (double)i / (options->steps - 1));
        set_rates(o, rate / now);
        o->groups[0].values[o->rate_row] = now = rate;
        if (sweep_step(s, i, rate)) break;
    }
    if (!reel_failed(p->context)) find_steepest(c, options->steps, log10(options->most / options->least));
    return reel_error_status(p->context);
}

/* ---- what it comes to ---- */

static void say(reel_lr_test *t, const char *format, ...) REEL_PRINTF(2, 3);
static void say(reel_lr_test *t, const char *format, ...)
{
    size_t used = strlen(t->why);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(t->why + used, sizeof t->why - used, format, arguments);
    va_end(arguments);
}

typedef struct summary {
    int falling, blown;
    double least, most, mean; /* of the steepest points */
    double blow_up;           /* the smallest */
} summary;

static summary summarise(reel_lr_test *t)
{
    summary s = {.least = INFINITY, .most = 0, .blow_up = INFINITY};
    double logs = 0;
    t->low = INFINITY;
    t->high = -INFINITY;
    for (int k = 0; k < t->count; k++) {
        const reel_lr_curve *c = &t->curves[k];
        if (!isnan(c->blow_up)) {
            s.blown++;
            s.blow_up = fmin(s.blow_up, c->blow_up);
            t->low = fmin(t->low, c->blow_up / 10);
            t->high = fmax(t->high, c->blow_up / 10);
        }
        if (isnan(c->steepest)) continue;
        s.falling += c->fall >= FALL_LEAST;
        s.least = fmin(s.least, c->steepest);
        s.most = fmax(s.most, c->steepest);
        logs += log(c->steepest);
    }
    s.mean = exp(logs / t->count);
    t->low = fmin(t->low, s.least);
    t->high = fmax(t->high, s.most);
    return s;
}

/* NaN, or the suggestion; `why` in either case. */
static void suggest(reel_lr_test *t, const reel_lr_options *o)
{
    summary s = summarise(t);
    double limit = t->curvature.limit;
    t->suggestion = NAN;
    if (s.falling < t->count) {
        t->low = t->high = NAN;
        say(t,
            "no reliable suggestion: the loss falls by %g %% or more in %d of %d curves only, at rates from %g to %g",
            100 * FALL_LEAST, s.falling, t->count, o->least, o->most);
    } else if (s.most > SPREAD_MOST * s.least) {
        say(t, "no reliable suggestion: the curves fall steepest at rates as far apart as %.3g and %.3g", s.least,
            s.most);
    } else if (s.mean > limit) {
        say(t,
            "no reliable suggestion: the loss falls steepest at %.3g, but the sharpness at the start allows %.3g at "
            "most "
            "(%s)",
            s.mean, limit, t->curvature.formula);
    } else {
        t->suggestion = s.mean;
        say(t, "the loss falls steepest at %.3g", s.mean);
        if (s.blown > 0) say(t, ", a tenth of the rate where it blows up is %.3g", s.blow_up / 10);
        if (s.blown < t->count) say(t, "; in %d curves it does not blow up before %g", t->count - s.blown, o->most);
    }
    if (isfinite(limit) && !(s.mean > limit)) {
        say(t, "; the sharpness at the start allows %.3g at most", limit);
        if (s.blown > 0 && s.blow_up > limit) say(t, ", although the test goes on to %.3g", s.blow_up);
    }
    if (isfinite(limit) && t->high > limit) t->high = fmax(limit, t->low);
}

/* The limit, on at most so many rows; before the curves, from the same start. */
static reel_status measure_limit(const char *site, reel_trainer *t, const reel_lr_options *o, reel_lr_test *test)
{
    test->curvature = (reel_curvature){.limit = NAN, .loss = NAN, .largest = {NAN, NAN}, .smallest = {NAN, NAN}};
    if (o->without_sharpness) return REEL_OK;
    int64_t rows = trainer_rows(t);
    const reel_sharpness_options how = {.rows = rows > LIMIT_ROWS ? LIMIT_ROWS : REEL_ROWS_ALL};
    return reel_sharpness(site, t, &how, &test->curvature);
}

static lr_test *test_new(const char *site, reel_context *context, const reel_lr_options *o)
{
    lr_test *t = object_new(context, site, WHO, sizeof *t, lr_test_destroy);
    if (!t) return NULL;
    size_t steps = (size_t)o->steps;
    t->block = memory_zero(context, site, WHO, 3 * REEL_LR_CURVES * steps * sizeof(double));
    if (t->block) t->steps = o->steps;
    for (int k = 0; k < REEL_LR_CURVES && t->block; k++) {
        reel_lr_curve *c = &t->test.curves[k];
        c->seed = o->seed + (uint64_t)k;
        c->rate = t->block + (size_t)(3 * k) * steps;
        c->loss = c->rate + steps;
        c->smoothed = c->loss + steps;
    }
    if (t->block) return t;
    object_free(t);
    return NULL;
}

static bool same_curves(const reel_lr_test *t)
{
    const reel_lr_curve *a = &t->curves[0];
    for (int k = 1; k < t->count; k++) {
        const reel_lr_curve *b = &t->curves[k];
        if (a->count != b->count || memcmp(a->loss, b->loss, (size_t)a->count * sizeof *a->loss) != 0) return false;
    }
    return true;
}

static reel_status run_curves(probe *p, const reel_lr_options *o, reel_lr_test *test)
{
    reel_trainer *t = p->trainer;
    sweep s = {.p = p, .options = o};
    size_t size = (size_t)probe_step_rows(t) * sizeof *s.rows, slope = (size_t)p->n * sizeof *s.gradient;
    bool part = probe_step_rows(t) < trainer_rows(t);
    p->steady = false;
    p->own_dropout = true;
    reel_tape_set_rng(p->tape, p->own);
    s.order = reel_rng_philox_new(p->site, p->context, o->seed, "sampler");
    s.gradient = memory_zero(p->context, p->site, WHO, slope);
    if (part) s.rows = memory_zero(p->context, p->site, WHO, size);
    for (int k = 0; k < REEL_LR_CURVES && !reel_failed(p->context); k++) {
        s.curve = &test->curves[k];
        if (run_curve(&s) == REEL_OK) test->count = k + 1;
    }
    memory_free(p->context, s.rows, size);
    memory_free(p->context, s.gradient, slope);
    reel_rng_free(s.order);
    return reel_error_status(p->context);
}

reel_lr_test *reel_lr_find(const char *site, reel_trainer *t, const reel_lr_options *options)
{
    if (!t || reel_failed(t->object.context)) return NULL;
    reel_context *context = t->object.context;
    reel_lr_options o = options ? *options : (reel_lr_options){0};
    fill_in(&o);
    if (check(site, t, &o) != REEL_OK) return NULL;
    lr_test *made = test_new(site, context, &o);
    if (!made) return NULL;
    const probe_options how = {.rows = REEL_ROWS_ALL, .training = true};
    reel_status status = measure_limit(site, t, &o, &made->test);
    if (status == REEL_OK) {
        probe p;
        if (probe_begin(&p, site, WHO, t, &how)) run_curves(&p, &o, &made->test);
        probe_end(&p);
        status = reel_error_status(context);
    }
    if (status != REEL_OK) {
        object_free(made);
        return NULL;
    }
    made->test.same = same_curves(&made->test);
    suggest(&made->test, &o);
    return &made->test;
}
