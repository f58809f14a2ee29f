/* SPDX-License-Identifier: MIT
 *
 * After the accident: the curvature and the limit it sets, rates around it, and what would have prevented it.
 */
#include "drill/drill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the limit ---- */

/* The limit to the nine digits that differences of gradients give, so that 1 is 1 and not 1 + 2e-12. */
static double nine_digits(double x)
{
    char text[64];
    snprintf(text, sizeof text, "%.9g", x);
    return strtod(text, NULL);
}

bool drill_curvature(const drill_settings *s, reel_curvature *c)
{
    drill_model m;
    bool right = drill_model_new(&m, s, s->rate[0]);
    if (right && reel_sharpness(NULL, m.trainer, NULL, c) != REEL_OK) {
        complain_of(s->who, m.context);
        right = false;
    }
    if (right) c->limit = nine_digits(c->limit);
    drill_model_free(&m);
    return right;
}

/* ---- rates around it ---- */

static int sharpest(const drill_settings *s)
{
    int index = 0;
    for (int i = 1; i < s->size; i++)
        if (s->eigenvalues[i] > s->eigenvalues[index]) index = i;
    return index;
}

/* Equal up to the rounding of so many steps. */
static bool same(double a, double b, int steps)
{
    return fabs(a - b) <= 1e-15 * steps * fmax(fabs(a), fabs(b));
}

/* How far out the run is after k steps: along the sharpest axis, or by its loss when it does not start out there. */
static double distance_at(const drill_settings *s, const drill_run *r, int axis, int k)
{
    return r->points[axis] != 0 ? fabs(r->points[k * s->size + axis]) : r->losses[k];
}

static drill_course course_of(double first, double last, const drill_rate *d)
{
    if (d->landed >= 0) return COURSE_LANDS;
    if (same(first, last, d->steps)) return COURSE_STAYS;
    if (!(last < first)) return COURSE_GROWS;
    return d->turns > 0 ? COURSE_OVERSHOOTS : COURSE_FALLS;
}

bool drill_rate_at(const drill_settings *s, double rate, double limit, int steps, drill_rate *d)
{
    drill_run r;
    int axis = sharpest(s);
    bool plain = strcmp(s->kind->name, "sgd") == 0 && s->momentum == 0, right = drill_train(&r, s, rate, steps);
    *d = (drill_rate){.rate = rate, .share = rate / limit, .factor = NAN, .steps = steps, .landed = -1};
    if (plain) d->factor = 1 - rate * s->eigenvalues[axis];
    for (int k = 0; right && k <= steps; k++) {
        if (distance_at(s, &r, axis, k) == 0 && d->landed < 0) d->landed = k;
        if (k > 0) d->turns += r.points[k * s->size + axis] * r.points[(k - 1) * s->size + axis] < 0;
    }
    if (right) {
        d->loss = r.losses[steps];
        d->course = course_of(distance_at(s, &r, axis, 0), distance_at(s, &r, axis, steps), d);
    }
    drill_run_free(&r);
    return right;
}

const char *drill_course_text(drill_course course)
{
    switch (course) {
    case COURSE_LANDS: return "lands on the minimum";
    case COURSE_FALLS: return "falls, without overshooting";
    case COURSE_OVERSHOOTS: return "falls, overshooting";
    case COURSE_STAYS: return "neither falls nor grows";
    default: return "grows";
    }
}

static bool examine_rates(const drill_settings *s, drill_findings *f)
{
    static const double shares[] = {0.001, 0.1, 0.49, 0.5, 0.51, 0.9, 1, 1.1, 1.2};
    double limit = f->curvature.limit;
    if (!isfinite(limit)) return true;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (!drill_rate_at(s, shares[i] * limit, limit, 50, &f->rates[f->rate_count++])) return false;
    return true;
}

/* ---- prevention ---- */

typedef struct rescue_work {
    drill_model m;
    const drill_settings *s;
    drill_rescue *out;
    double last; /* loss before; of the monitor: at the start */
    bool noted;
} rescue_work;

static void cut(rescue_work *w, int64_t step)
{
    if (w->out->acts >= 0) return; /* once */
    w->out->acts = step;
    reel_optimizer_set(NULL, w->m.optimizer, "lr", reel_optimizer_get(w->m.optimizer, "lr") / 10);
}

/* Steps counted by the largest loss, and the first one from which on the loss stays below the start's. */
static void note_loss(drill_rescue *r, int64_t step, double loss, double start)
{
    r->loss = isnan(loss) ? NAN : loss; /* without its sign */
    if (step == 0 || loss > r->highest) r->peak = step, r->highest = loss;
    if (!(loss < start))
        r->below = -1;
    else if (r->below < 0)
        r->below = step;
}

static bool rescue_run(rescue_work *w, int steps)
{
    drill_rescue *r = w->out;
    double start = 0;
    if (r->schedule) {
        reel_schedule *schedule = reel_schedule_parse(NULL, w->m.context, r->schedule, steps);
        reel_optimizer_set_schedule(NULL, w->m.optimizer, schedule);
    }
    for (int64_t k = 0; k <= steps; k++) {
        if (k > 0) drill_step(&w->m);
        double loss = drill_loss(&w->m, true);
        if (k == 0) start = loss;
        note_loss(r, k, loss, start);
        if (r->kind == RESCUE_TENTH && k > 0 && loss > w->last) cut(w, k);
        w->last = loss;
    }
    return !reel_failed(w->m.context);
}

/* A schedule acts when its rate has come below the limit. */
static void find_schedule_step(rescue_work *w, double limit, int steps)
{
    reel_schedule *schedule = reel_optimizer_schedule(w->m.optimizer, 0);
    for (int64_t k = 0; schedule && k < steps && w->out->acts < 0; k++)
        if (reel_schedule_rate(schedule, k, w->s->rate[0]) < limit) w->out->acts = k;
}

static void hear(const reel_event *event, void *user)
{
    rescue_work *w = user;
    if (event->kind == REEL_EVENT_NOTE) w->noted = true;
    if (event->kind != REEL_EVENT_STEP) return;
    double loss = drill_loss(&w->m, false);
    note_loss(w->out, event->step, loss, w->last);
    if (w->noted) cut(w, event->step);
}

/* The trainer's monitor: a note about the loss is the signal. A loss that overflows ends the run: it is not saved. */
static bool monitor_run(rescue_work *w, int steps)
{
    w->last = drill_loss(&w->m, false);
    note_loss(w->out, 0, w->last, w->last);
    reel_trainer_set(NULL, w->m.trainer, "monitor", 1);
    reel_trainer_set(NULL, w->m.trainer, "epochs", steps);
    reel_trainer_set_observer(w->m.trainer, hear, w);
    reel_status ended = reel_trainer_run(NULL, w->m.trainer);
    if (ended == REEL_NOT_FINITE) {
        w->out->below = -1;
        reel_error_clear(w->m.context);
    }
    return ended == REEL_OK || ended == REEL_NOT_FINITE;
}

typedef struct rescue_row {
    rescue_kind kind;
    const char *schedule; /* of RESCUE_SCHEDULE */
    double rate;          /* of RESCUE_RATE; the others start with the first rate */
} rescue_row;

static const rescue_row rescue_rows[] = {
    {RESCUE_RATE, NULL, 0.001},
    {RESCUE_RATE, NULL, 0.01},
    {RESCUE_RATE, NULL, 0.1},
    {RESCUE_TENTH, NULL, 0},
    {RESCUE_SCHEDULE, "exponential:0.9", 0},
    {RESCUE_SCHEDULE, "cosine", 0},
    {RESCUE_SCHEDULE, "step:10:0.1", 0},
    {RESCUE_SCHEDULE, "warmup:10", 0},
    {RESCUE_MONITOR, NULL, 0},
};

static void describe(const rescue_row *row, char *text, size_t size)
{
    char number[NUMBER_SIZE];
    switch (row->kind) {
    case RESCUE_RATE:
        snprintf(text, size, "start with the rate %s", number_text(row->rate, REEL_DOUBLE, number));
        break;
    case RESCUE_TENTH: snprintf(text, size, "a tenth of the rate once the loss has risen"); break;
    case RESCUE_SCHEDULE: snprintf(text, size, "the schedule %s", row->schedule); break;
    case RESCUE_MONITOR: snprintf(text, size, "the trainer's monitor, and a tenth of the rate at its note"); break;
    }
}

static bool rescue(const drill_settings *s, const rescue_row *row, double limit, drill_rescue *out)
{
    int steps = isnan(s->steps) ? 50 : (int)s->steps;
    rescue_work w = {.s = s, .out = out};
    *out = (drill_rescue){.kind = row->kind, .schedule = row->schedule, .acts = -1, .below = -1, .steps = steps};
    describe(row, out->advice, sizeof out->advice);
    bool right = drill_model_new(&w.m, s, row->kind == RESCUE_RATE ? row->rate : s->rate[0]);
    if (right) {
        right = row->kind == RESCUE_MONITOR ? monitor_run(&w, steps) : rescue_run(&w, steps);
        if (right && row->schedule) find_schedule_step(&w, limit, steps);
        if (!right) complain_of(s->who, w.m.context);
    }
    drill_model_free(&w.m);
    return right;
}

bool drill_examine(const drill_settings *s, drill_findings *f)
{
    *f = (drill_findings){.rate_count = 0};
    if (!drill_curvature(s, &f->curvature) || !examine_rates(s, f)) return false;
    for (size_t i = 0; i < sizeof rescue_rows / sizeof *rescue_rows; i++)
        if (!rescue(s, &rescue_rows[i], f->curvature.limit, &f->rescues[f->rescue_count++])) return false;
    return true;
}
