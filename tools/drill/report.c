/* SPDX-License-Identifier: MIT
 *
 * The drill's text and numbers.
 */
#include "drill/drill.h"
#include "landscape/claims.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONVERGED 0.01 /* the notebook's bound on the last loss */
#define SHOWN 5        /* losses that it prints of the diverging run */

/* ---- as the notebook prints it ---- */

static void print_diverging(FILE *file, const drill_run *r)
{
    char rate[NUMBER_SIZE];
    fprintf(file, "=== Original (Divergent) ===\nLearning rate: %s\n", python_number(r->rate, rate));
    for (int k = 0; k < SHOWN && k <= r->steps; k++) {
        if (!isfinite(r->losses[k])) {
            fprintf(file, "  Step %d: EXPLODED!\n", k);
            break;
        }
        fprintf(file, "  Step %d: %.2f\n", k, r->losses[k]);
    }
}

static void print_converging(FILE *file, const drill_settings *s, const drill_run *r)
{
    char rate[NUMBER_SIZE];
    double last = r->losses[r->steps];
    fprintf(file, "=== Fixed Training (lr=%s) ===\n", python_number(r->rate, rate));
    fprintf(file, "Starting loss: %.4f\nFinal loss: %.6f\nFinal position: (", r->losses[0], last);
    for (int i = 0; i < s->size; i++) fprintf(file, "%s%.4f", i ? ", " : "", r->points[r->steps * s->size + i]);
    fprintf(file, ")\n\nConverged: %s\n", last < CONVERGED ? "True" : "False");
}

void drill_print_notebook(FILE *file, const drill_settings *s, const drill_run *runs)
{
    for (int i = 0; i < s->rates; i++)
        if (drill_diverges(&runs[i]))
            print_diverging(file, &runs[i]);
        else
            print_converging(file, s, &runs[i]);
}

/* ---- what is found ---- */

static void print_step(FILE *file, int64_t step, const char *never)
{
    if (step < 0)
        fprintf(file, "  %-7s", never);
    else
        fprintf(file, "  %-7lld", (long long)step);
}

static void print_rates(FILE *file, const drill_findings *f)
{
    if (f->rate_count == 0) return;
    fprintf(file, "\n%-10s  %-9s  %-12s  %-12s  %s\n", "rate", "of limit", "x times", "loss",
            "along the sharpest axis it, in so many steps,");
    for (int i = 0; i < f->rate_count; i++) {
        const drill_rate *r = &f->rates[i];
        fprintf(file, "%-10.6g  %-9.3g  ", r->rate, r->share);
        if (isnan(r->factor))
            fprintf(file, "%-12s", "");
        else
            fprintf(file, "%-12.4g", r->factor);
        fprintf(file, "  %-12.6g  %d: %s", r->loss, r->steps, drill_course_text(r->course));
        if (r->course == COURSE_LANDS) fprintf(file, " (step %lld)", (long long)r->landed);
        fprintf(file, "\n");
    }
}

static void print_rescues(FILE *file, const drill_findings *f)
{
    fprintf(file, "\n%-58s  %-7s  %-7s  %-10s  %s\n", "what would have prevented it", "acts at", "saved", "highest",
            "last loss");
    for (int i = 0; i < f->rescue_count; i++) {
        const drill_rescue *r = &f->rescues[i];
        fprintf(file, "%-58s", r->advice);
        print_step(file, r->acts, "-");
        print_step(file, r->below, "no");
        fprintf(file, "  %-10.4g  %.4g\n", r->highest, r->loss);
    }
    fprintf(file, "saved: the step from which on the loss stays below where it started; %d steps\n",
            f->rescues[0].steps);
}

void drill_print_findings(FILE *file, const drill_findings *f)
{
    const reel_curvature *c = &f->curvature;
    fprintf(file, "\nlargest curvature  %.9g (largest eigenvalue of the Hessian; residual %.1g)\n", c->largest.value,
            c->largest.residual);
    if (isnan(c->limit))
        fprintf(file, "largest stable rate: %s\n", c->why);
    else
        fprintf(file, "largest stable rate  %.9g = %s%s%s\n", c->limit, c->formula, *c->why ? "; " : "", c->why);
    print_rates(file, f);
    print_rescues(file, f);
}

/* ---- the notebook's claims ---- */

static void claim_infinity(FILE *file, cJSON *list, const drill_run *r)
{
    char steps[400];
    if (r->loss_infinite < 0)
        snprintf(steps, sizeof steps, "not within %d steps", OVERFLOW_STEPS);
    else if (r->x_nan < 0)
        snprintf(steps, sizeof steps, "the loss is infinite at step %lld, no x within %d steps",
                 (long long)r->loss_infinite, OVERFLOW_STEPS);
    else
        snprintf(steps, sizeof steps, "the loss is infinite at step %lld, x at step %lld and not a number at %lld",
                 (long long)r->loss_infinite, (long long)r->x_infinite, (long long)r->x_nan);
    claim_put(file, list, "infinity", r->loss_infinite >= 0 && r->loss_infinite <= r->steps,
              "the loss of the run shown goes to infinity", "Rate %g: after its %d steps it is %.2f, from %.2f; %s",
              r->rate, r->steps, r->losses[r->steps], r->losses[0], steps);
}

/* The same start, with curvature ten times as large. */
static bool claim_below_one(FILE *file, cJSON *list, const drill_settings *s, double limit)
{
    drill_settings sharp = *s;
    drill_rate below, at;
    reel_curvature c;
    for (int i = 0; i < s->size; i++) sharp.eigenvalues[i] *= 10;
    sharp.rate[0] = 0.5;
    if (!drill_curvature(&sharp, &c) || !drill_rate_at(&sharp, 0.5, c.limit, 20, &below)) return false;
    if (!drill_rate_at(s, limit, limit, 20, &at)) return false;
    bool holds = fabs(limit - 1) < 1e-6 && below.course != COURSE_GROWS;
    claim_put(
        file, list, "below_one", holds, "for a quadratic the rate must be below 1.0",
        "The limit is %s = %.6g here; with ten times the curvature it is %.6g, and the rate 0.5 then gives a loss "
        "of %.4g after 20 steps; at the limit itself x %s along the sharpest axis: the loss is %.6g after 20 steps",
        "2/lambda", limit, c.limit, below.loss, at.course == COURSE_STAYS ? "keeps its size" : "changes", at.loss);
    return true;
}

static bool claim_overshoot(FILE *file, cJSON *list, const drill_settings *s, double limit)
{
    drill_rate r[3];
    static const double shares[] = {0.49, 0.51, 1.01};
    for (int i = 0; i < 3; i++)
        if (!drill_rate_at(s, shares[i] * limit, limit, 20, &r[i])) return false;
    bool holds = r[0].turns == 0 && r[1].turns == 0 && r[2].turns > 0;
    claim_put(
        file, list, "overshoot", holds, "updates overshoot when the rate is above the limit",
        "They change the sign %lld, %lld and %lld times in 20 steps at %g, %g and %g: overshooting begins at half "
        "the limit, %g, growing at the limit, %g",
        (long long)r[0].turns, (long long)r[1].turns, (long long)r[2].turns, r[0].rate, r[1].rate, r[2].rate, limit / 2,
        limit);
    return true;
}

static void claim_small_rates(FILE *file, cJSON *list, const drill_findings *f)
{
    const drill_rescue *r = f->rescues; /* rates 0.001, 0.01, 0.1 */
    bool holds = true;
    for (int i = 0; i < 3; i++) holds = holds && r[i].loss < CONVERGED;
    claim_put(file, list, "small_rates", holds, "start with a rate of 0.001 to 0.1",
              "After %d steps the loss is %.4g, %.4g and %.4g at 0.001, 0.01 and 0.1", r[0].steps, r[0].loss, r[1].loss,
              r[2].loss);
}

static void claim_tenth(FILE *file, cJSON *list, const drill_findings *f)
{
    for (int i = 0; i < f->rescue_count; i++) {
        const drill_rescue *r = &f->rescues[i];
        if (r->kind != RESCUE_TENTH) continue;
        claim_put(file, list, "tenth", r->below >= 0, "if the loss explodes, divide the rate by 10",
                  r->below >= 0 ? "Cut at step %lld: the loss is below its start from step %lld on, and %.3g at the end"
                                : "Cut at step %lld: no step saves the run (%lld), the loss ends at %.3g",
                  (long long)r->acts, (long long)r->below, r->loss);
    }
}

static void claim_schedules(FILE *file, cJSON *list, const drill_findings *f)
{
    char text[500] = "";
    int saved = 0, count = 0;
    for (int i = 0; i < f->rescue_count; i++) {
        const drill_rescue *r = &f->rescues[i];
        if (r->kind != RESCUE_SCHEDULE) continue;
        size_t used = strlen(text);
        count++;
        saved += r->below >= 0;
        snprintf(text + used, sizeof text - used, "%s%s %s at %.3g after a peak of %.3g", used ? "; " : "", r->schedule,
                 r->below >= 0 ? "ends" : "does not save it:", r->loss, r->highest);
    }
    claim_put(file, list, "schedules", saved == count, "schedules make it stable", "%d of %d do: %s", saved, count,
              text);
}

/* What the printed digits hide, and what the picture of the notebook shows that never was. */
static void claim_printed(FILE *file, cJSON *list, const drill_settings *s, const drill_run *r)
{
    char zero[64], where[128] = "";
    double last = r->losses[r->steps];
    snprintf(zero, sizeof zero, "%.6f", last);
    for (int i = 0; i < s->size && strlen(where) < 100; i++)
        snprintf(where + strlen(where), sizeof where - strlen(where), "%s%.3g", i ? ", " : "",
                 r->points[r->steps * s->size + i]);
    claim_put(file, list, "printed_zero", last == 0 || strtod(zero, NULL) != 0, "the digits show how it ended",
              "Rate %g: printed is %s, it is %.3g, at (%s)", r->rate, zero, last, where);
}

static void claim_clipped(FILE *file, cJSON *list, const drill_settings *s, const drill_run *r)
{
    int outside = 0, first = -1, shown = r->steps + 1 < 10 ? r->steps + 1 : 10;
    for (int k = 0; k < shown; k++) {
        bool out = false;
        for (int i = 0; i < s->size; i++) out = out || fabs(r->points[k * s->size + i]) > 5;
        outside += out;
        if (out && first < 0) first = k;
    }
    claim_put(file, list, "clipped", outside == 0, "the path that the notebook draws is the one that was taken",
              outside > 0
                  ? "Of its first %d points %d are drawn on the border of the axes, at places it never visited; "
                    "the first is step %d"
                  : "All %d points are inside the axes (%d outside, %d)",
              shown, outside, first);
}

bool drill_claims(FILE *file, cJSON *list, const drill_settings *s, const drill_run *runs, const drill_findings *f)
{
    double limit = f->curvature.limit;
    const drill_run *bad = NULL, *good = NULL;
    for (int i = s->rates - 1; i >= 0; i--)
        if (drill_diverges(&runs[i]))
            bad = &runs[i];
        else
            good = &runs[i];
    fprintf(file, "\nwhat the notebook says, and what comes out\n");
    if (bad) claim_infinity(file, list, bad);
    bool plain = strcmp(s->kind->name, "sgd") == 0 && s->momentum == 0; /* which these two are about */
    if (plain && isfinite(limit) && !(claim_below_one(file, list, s, limit) && claim_overshoot(file, list, s, limit)))
        return false;
    claim_small_rates(file, list, f);
    claim_tenth(file, list, f);
    claim_schedules(file, list, f);
    if (good) claim_printed(file, list, s, good);
    if (bad) claim_clipped(file, list, s, bad);
    return true;
}

/* ---- JSON ---- */

static void add_step(cJSON *object, const char *name, int64_t step)
{
    if (step < 0)
        cJSON_AddNullToObject(object, name);
    else
        json_add_whole(object, name, step);
}

static void add_run(cJSON *list, const drill_settings *s, const drill_run *r)
{
    cJSON *o = cJSON_CreateObject();
    json_add_number(o, "rate", r->rate, REEL_DOUBLE);
    json_add_whole(o, "steps", r->steps);
    cJSON_AddBoolToObject(o, "diverges", drill_diverges(r));
    add_step(o, "first_rise", r->rises);
    add_step(o, "loss_infinite", r->loss_infinite);
    add_step(o, "x_infinite", r->x_infinite);
    add_step(o, "x_nan", r->x_nan);
    json_add_numbers(o, "loss", r->losses, r->steps + 1, REEL_DOUBLE, NULL);
    json_add_numbers(o, "x", r->points, (int64_t)(r->steps + 1) * s->size, REEL_DOUBLE, NULL);
    cJSON_AddItemToArray(list, o);
}

static void add_rates(cJSON *document, const drill_findings *f)
{
    cJSON *list = cJSON_AddArrayToObject(document, "around_the_limit");
    for (int i = 0; i < f->rate_count; i++) {
        const drill_rate *r = &f->rates[i];
        cJSON *o = cJSON_CreateObject();
        json_add_number(o, "rate", r->rate, REEL_DOUBLE);
        json_add_number(o, "share_of_limit", r->share, REEL_DOUBLE);
        json_add_number(o, "factor", r->factor, REEL_DOUBLE);
        json_add_whole(o, "steps", r->steps);
        json_add_number(o, "loss", r->loss, REEL_DOUBLE);
        json_add_whole(o, "sign_changes", r->turns);
        add_step(o, "zero_at", r->landed);
        json_add_text(o, "what", drill_course_text(r->course));
        cJSON_AddItemToArray(list, o);
    }
}

static void add_rescues(cJSON *document, const drill_findings *f)
{
    cJSON *list = cJSON_AddArrayToObject(document, "prevention");
    for (int i = 0; i < f->rescue_count; i++) {
        const drill_rescue *r = &f->rescues[i];
        cJSON *o = cJSON_CreateObject();
        json_add_text(o, "advice", r->advice);
        add_step(o, "acts_at", r->acts);
        add_step(o, "saved_at", r->below);
        json_add_number(o, "highest", r->highest, REEL_DOUBLE);
        json_add_whole(o, "highest_at", r->peak);
        json_add_whole(o, "steps", r->steps);
        json_add_number(o, "loss", r->loss, REEL_DOUBLE);
        cJSON_AddItemToArray(list, o);
    }
}

cJSON *drill_numbers(const drill_settings *s, const drill_run *runs, const drill_findings *f, cJSON *claims)
{
    cJSON *document = cJSON_CreateObject();
    json_add_text(document, "command", "drill");
    json_add_text(document, "version", reel_version());
    json_add_fingerprint(document);
    json_add_numbers(document, "eigenvalues", s->eigenvalues, s->size, REEL_DOUBLE, NULL);
    json_add_numbers(document, "start", s->start, s->size, REEL_DOUBLE, NULL);
    json_add_text(document, "optimizer", s->kind->name);
    json_add_number(document, "momentum", s->momentum, REEL_DOUBLE);
    cJSON *list = cJSON_AddArrayToObject(document, "runs");
    for (int i = 0; i < s->rates; i++) add_run(list, s, &runs[i]);
    if (f) {
        json_add_number(document, "curvature", f->curvature.largest.value, REEL_DOUBLE);
        json_add_number(document, "curvature_residual", f->curvature.largest.residual, REEL_DOUBLE);
        json_add_number(document, "limit", f->curvature.limit, REEL_DOUBLE);
        json_add_text(document, "limit_formula", f->curvature.formula);
        add_rates(document, f);
        add_rescues(document, f);
    }
    if (claims) cJSON_AddItemToObject(document, "claims", claims);
    return document;
}
