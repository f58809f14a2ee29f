/* SPDX-License-Identifier: MIT
 *
 * The report of the full study, section by section, from the documents of its jobs.
 */
#include "facts.h"
#include "guards.h"
#include "page.h"
#include "pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 320 };

static char *range_text(const study_range *r, int digits, char text[CELL])
{
    if (r->count == 0)
        snprintf(text, CELL, "never");
    else if (r->missing)
        snprintf(text, CELL, "%.*f (%.*f to %.*f), never in %d", digits, r->median, digits, r->least, digits, r->most,
                 r->missing);
    else
        snprintf(text, CELL, "%.*f (%.*f to %.*f)", digits, r->median, digits, r->least, digits, r->most);
    return text;
}

/* ---- the answer ---- */

static void write_answer(page *p, const study_plan *plan, const study_documents *d, const study_facts *f)
{
    const cJSON *account = cJSON_GetObjectItem(d->constant, "account");
    const study_point *best = history_best(&f->run), *last = f->run.count ? &f->run.points[f->run.count - 1] : NULL;
    page_heading(p, "In short");
    if (!best || !last) return;
    bool diverges = last->loss > CLAIM_DIVERGED * best->loss;
    page_text(p,
              "The published run (N = %d, seed %d) has its best loss, %.6f, at iteration %lld and ends at %.6f: it %s. "
              "Pixels "
              "that no Gaussian reaches: %lld at the best iteration, %lld at the end.",
              plan->gaussians, plan->seed[0], best->loss, (long long)best->iteration, last->loss,
              diverges ? "diverges" : "does not diverge", (long long)best->uncovered, (long long)last->uncovered);
    double share = study_number(account, "share");
    if (!isnan(share))
        page_text(p,
                  "On Reel's tape the mean square error changes by %+.5f from iteration %.0f to %.0f. Pixels in the "
                  "moment they "
                  "are lost or regained (%.0f and %.0f times) account for %+.5f, %.0f %% of it: %s.",
                  study_number(account, "rise"), study_number(account, "from"), study_number(account, "to"),
                  study_number(account, "lost"), study_number(account, "regained"),
                  study_number(account, "jumps_lost") + study_number(account, "jumps_regained"), 100 * share,
                  share > 0.5 ? "more than half, and no gradient says so, as a pixel that nothing reaches has none"
                              : "less than half");
    page_text(p,
              "Of %d steps measured from iteration %.0f on, %d have a ratio of actual to promised change that comes to "
              "1 (within "
              "%g) as the step is cut to 1/16. A step that is merely too long would do that.",
              f->steps_measured, 2.0 / 3 * (double)plan->start, f->steps_settled, STUDY_SETTLED);
}

/* Interventions at the same constant rate, by what they did. */
static void write_interventions(page *p, const study_plan *plan, const study_documents *d)
{
    char lists[3][1200] = {"", "", ""};
    for (int i = 0; i < plan->arms.count; i++) {
        const study_arm *arm = &plan->arms.rows[i];
        if (strcmp(arm->group, study_interventions) != 0 || !d->arms[i]) continue;
        arm_facts a = study_arm_facts(d->arms[i]);
        char *list = lists[a.diverged == 0 ? 0 : a.diverged == a.members ? 1 : 2];
        size_t used = strlen(list);
        snprintf(list + used, sizeof lists[0] - used, "%s%s", used ? "; " : "", arm->text);
    }
    page_text(p,
              "At the same constant rate of 0.001, with only this changed: no run ends more than 10 %% above its best "
              "with: %s. Every run does with: %s.%s%s%s",
              *lists[0] ? lists[0] : "nothing", *lists[1] ? lists[1] : "nothing", *lists[2] ? " Some do with: " : "",
              lists[2], *lists[2] ? "." : "");
}

/* The arm with the smallest largest final loss among those that start at 0 and do not diverge. */
static void write_recommendation(page *p, const study_plan *plan, const study_documents *d)
{
    int found = -1;
    arm_facts best = {0};
    for (int i = 0; i < plan->arms.count; i++) {
        if (!d->arms[i] || plan->arms.rows[i].start > 0) continue;
        arm_facts a = study_arm_facts(d->arms[i]);
        if (a.members == 0 || a.diverged || strstr(plan->arms.rows[i].flags, "--gaussians")) continue;
        if (found < 0 || a.final.most < best.final.most) found = i, best = a;
    }
    if (found < 0) {
        page_text(p, "No arm from the first iteration stays within %.0f %% of its best.", 100 * (CLAIM_DIVERGED - 1));
        return;
    }
    char final[CELL], top[CELL], over[CELL];
    page_text(
        p,
        "Recommended, of all arms with this number of Gaussians the one whose worst member ends lowest: %s, "
        "`reel study baseline1 %s`. Last loss %s, best %s, largest loss after the best one %s times it, over %d runs.",
        plan->arms.rows[found].text, plan->arms.rows[found].flags, range_text(&best.final, 5, final),
        range_text(&best.best, 5, top), range_text(&best.overshoot, 3, over), best.members);
}

/* ---- statements ---- */

static void write_claims(page *p, const study_plan *plan, const study_facts *facts, const study_facts *smooth)
{
    static const char *const titles[] = {"of the note", "statement", "measured", "verdict",
                                         "the same of the smooth run"};
    int counts[3] = {0};
    char measured[CLAIM_TEXT], other[CLAIM_TEXT], last[CLAIM_TEXT + 40];
    page_heading(p, "The note, statement by statement");
    if (!plan->is_the_note)
        page_text(p, "The note is about 10,000 iterations with N = 50 and seed 42. This study has other settings: the "
                     "statements "
                     "are judged of its own run.");
    page_table(p, 5, titles);
    for (int i = 0; i < study_claim_count; i++) {
        const study_claim *c = &study_claims[i];
        claim_verdict verdict = study_claim_judge(c, facts, measured);
        counts[verdict]++;
        *last = '\0';
        if (c->of_run && smooth->run.count > 0) {
            claim_verdict there = study_claim_judge(c, smooth, other);
            snprintf(last, sizeof last, "%s: %s", claim_verdict_text(there), other);
        }
        page_row(p, 5, (const char *[]){c->section, c->text, measured, claim_verdict_text(verdict), last});
    }
    page_table_end(p);
    page_text(p, "%d hold, %d do not, %d cannot be decided.", counts[CLAIM_HOLDS], counts[CLAIM_FAILS],
              counts[CLAIM_OPEN]);
    page_text(
        p,
        "Bounds: a printed loss agrees within %g; a run diverges when its last loss is above %g times its best; the "
        "same "
        "level is within %.0f %%; sudden is %.0f %% of the whole rise in one interval; exponential is a line that "
        "explains %.0f %% of the variance of log(loss - best), and more than a line explains of the loss; a plateau "
        "varies by %.0f %%; a length has grown when it is above %g times what it was; gradients agree within %g of "
        "their "
        "length.",
        CLAIM_DIGITS, CLAIM_DIVERGED, 100 * CLAIM_LEVEL, 100 * CLAIM_SUDDEN, 100 * CLAIM_EXPONENTIAL,
        100 * CLAIM_PLATEAU, CLAIM_GROWTH, CLAIM_GRADIENT);
}

/* ---- arms ---- */

static int arm_index(const study_plan *plan, const char *name)
{
    const study_arm *arm = study_arms_find(&plan->arms, name);
    return arm ? (int)(arm - plan->arms.rows) : -1;
}

static void write_arm(page *p, const study_plan *plan, const study_documents *d, int i)
{
    const study_arm *arm = &plan->arms.rows[i];
    arm_facts a = study_arm_facts(d->arms[i]);
    char best[CELL], final[CELL], onset[CELL], diverged[CELL], verdict[CELL] = "", flags[CELL];
    snprintf(diverged, sizeof diverged, "%d of %d", a.diverged, a.members);
    int other = arm_index(plan, arm->against);
    if (other >= 0 && d->arms[other]) {
        arm_facts b = study_arm_facts(d->arms[other]);
        snprintf(verdict, sizeof verdict, "%s than %s", study_verdict_text(study_compare(&a.final, &b.final)),
                 arm->against);
        if (study_compare(&a.final, &b.final) == VERDICT_UNDECIDED)
            snprintf(verdict, sizeof verdict, "%s (against %s)", study_verdict_text(VERDICT_UNDECIDED), arm->against);
    }
    snprintf(flags, sizeof flags, "%s%s%s", *arm->flags ? "`" : "", arm->flags, *arm->flags ? "`" : "");
    page_row(p, 7,
             (const char *[]){arm->text, flags, range_text(&a.best, 4, best), range_text(&a.final, 4, final),
                              range_text(&a.onset, 0, onset), diverged, verdict});
}

static void write_arms(page *p, const study_plan *plan, const study_documents *d)
{
    static const char *const titles[] = {"arm",   "flags",   "best loss: median (range)", "last loss",
                                         "onset", "diverge", "verdict on the last loss"};
    page_heading(p, "The arms");
    page_text(p,
              "Each arm is an ensemble of %d runs: seeds %d to %d, and %d starts of seed %d that differ from it in the "
              "last bit of "
              "one number. A verdict needs ranges that do not overlap. The onset is the iteration from which on the "
              "loss never "
              "comes back within 10 %% of its best. What starts at a checkpoint starts at that of the constant-rate "
              "run of its "
              "seed.",
              plan->seeds + plan->perturbed, plan->seed[0], plan->seed[plan->seeds - 1], plan->perturbed,
              plan->seed[0]);
    for (int i = 0; i < plan->arms.count; i++) {
        const char *group = plan->arms.rows[i].group;
        bool first = true;
        for (int k = 0; k < i; k++) first = first && strcmp(plan->arms.rows[k].group, group) != 0;
        if (!first) continue;
        page_text(p, "%s:", group);
        page_table(p, 7, titles);
        for (int k = i; k < plan->arms.count; k++)
            if (strcmp(plan->arms.rows[k].group, group) == 0 && d->arms[k]) write_arm(p, plan, d, k);
        page_table_end(p);
    }
}

/* ---- mechanism ---- */

static void write_steps(page *p, const char *name, const cJSON *document)
{
    static const char *const titles[] = {"iteration", "L2",      "ratio, whole step",      "1/4",
                                         "1/16",      "settles", "rate / sharpness limit", "length of the step"};
    static const char *const verdicts[] = {"yes", "no", "rounding hides it"};
    const cJSON *step;
    page_text(p,
              "Along the next step of Adam, %s: (change of L2) / (gradient . step) for the whole step and parts of it. "
              "It settles when it is within %g, and what rounding may do, of 1 for the shortest part on which rounding "
              "does no "
              "more than that.",
              name, STUDY_SETTLED);
    page_table(p, 8, titles);
    cJSON_ArrayForEach(step, cJSON_GetObjectItem(document, "steps"))
    {
        const cJSON *rows = cJSON_GetObjectItem(step, "fidelity");
        char cells[8][CELL];
        const int at[] = {0, 2, 4};
        snprintf(cells[0], CELL, "%.0f", study_number(step, "iteration"));
        snprintf(cells[1], CELL, "%.6f", study_number(step, "squares"));
        for (int k = 0; k < 3; k++)
            snprintf(cells[2 + k], CELL, "%.3g", study_number(cJSON_GetArrayItem(rows, at[k]), "ratio"));
        snprintf(cells[5], CELL, "%s", verdicts[study_step_verdict(step)]);
        snprintf(cells[6], CELL, "%.3g", study_number(step, "rate") / study_number(step, "limit"));
        snprintf(cells[7], CELL, "%.4f", study_number(step, "step_norm"));
        page_row(p, 8,
                 (const char *[]){cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7]});
    }
    page_table_end(p);
}

/* Medians over a twentieth of the start's iteration around each. */
static double around(const cJSON *list, int64_t iteration, int64_t width)
{
    double values[1024];
    int count = 0;
    int64_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        index++;
        if (llabs(index - iteration) <= width && count < 1024 && cJSON_IsNumber(item))
            values[count++] = item->valuedouble;
    }
    return study_range_of(values, count).median;
}

static void write_lengths(page *p, const study_plan *plan, const cJSON *document)
{
    static const char *const titles[] = {"iteration", "bias correction", "length of the update",
                                         "norm of the first moment", "norm of the gradient"};
    static const double shares[] = {0.01, 0.03, 0.05, 0.1, 0.14, 0.15, 0.16, 0.2, 0.3, 0.5, 1};
    page_text(p, "What the note's first two hypotheses are about, on the constant-rate run: the factor sqrt(1 - "
                 "0.999^t) / (1 - 0.9^t) "
                 "that the bias corrections give the rate, and medians over the iterations around.");
    page_table(p, 5, titles);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        int64_t t = (int64_t)fmax(1, shares[i] * (double)plan->iterations), width = plan->start / 20;
        char cells[5][CELL];
        snprintf(cells[0], CELL, "%lld", (long long)t);
        snprintf(cells[1], CELL, "%.3f", sqrt(1 - pow(0.999, (double)t)) / (1 - pow(0.9, (double)t)));
        const char *const lists[] = {"step_norms", "momentum_norms", "gradient_norms"};
        for (int k = 0; k < 3; k++)
            snprintf(cells[2 + k], CELL, "%.3g", around(cJSON_GetObjectItem(document, lists[k]), t, width));
        page_row(p, 5, (const char *[]){cells[0], cells[1], cells[2], cells[3], cells[4]});
    }
    page_table_end(p);
}

static int by_jump(const void *a, const void *b)
{
    const cJSON *x = *(const cJSON *const *)a, *y = *(const cJSON *const *)b;
    double u = cJSON_GetArrayItem(x, 5)->valuedouble, v = cJSON_GetArrayItem(y, 5)->valuedouble;
    return (u < v) - (u > v);
}

static void write_events(page *p, const cJSON *document)
{
    static const char *const titles[] = {"update", "pixel", "", "nearest Gaussian", "jump of L2"};
    const cJSON *list = cJSON_GetObjectItem(document, "events"), *event;
    int count = cJSON_GetArraySize(list), used = 0;
    const cJSON **sorted = calloc((size_t)count + 1, sizeof *sorted);
    if (!sorted) return;
    cJSON_ArrayForEach(event, list) sorted[used++] = event;
    qsort(sorted, (size_t)used, sizeof *sorted, by_jump);
    page_text(
        p, "%d times a pixel was lost or regained (all of them are in `constant.json`). The ten largest jumps:", used);
    page_table(p, 5, titles);
    for (int i = 0; i < used && i < 10; i++) {
        char cells[4][CELL];
        snprintf(cells[0], CELL, "%.0f", cJSON_GetArrayItem(sorted[i], 0)->valuedouble);
        snprintf(cells[1], CELL, "(%.0f, %.0f)", cJSON_GetArrayItem(sorted[i], 1)->valuedouble,
                 cJSON_GetArrayItem(sorted[i], 2)->valuedouble);
        snprintf(cells[2], CELL, "%.0f", cJSON_GetArrayItem(sorted[i], 4)->valuedouble);
        snprintf(cells[3], CELL, "%+.3e", cJSON_GetArrayItem(sorted[i], 5)->valuedouble);
        page_row(p, 5,
                 (const char *[]){cells[0], cells[1], cJSON_GetStringValue(cJSON_GetArrayItem(sorted[i], 3)), cells[2],
                                  cells[3]});
    }
    page_table_end(p);
    free(sorted);
}

static void write_mechanism(page *p, const study_plan *plan, const study_documents *d)
{
    page_heading(p, "What happens");
    page_picture(p, "course.png", "Loss, pixels without a Gaussian and mean scale.");
    page_picture(p, "renderings.png", "Renderings; pixels that no Gaussian reaches are marked.");
    page_picture(p, "parts.png",
                 "The mean square error, split into pixels that a Gaussian reaches and those that none does.");
    write_lengths(p, plan, d->constant);
    write_steps(p, "constant rate", d->constant);
    write_steps(p, "smooth blending", d->smooth);
    write_events(p, d->constant);
    page_text(p,
              "The gradient: that of the published formulas, in double, is at most %.1e of its length away from "
              "Reel's. In the "
              "published arithmetic, in float, rounding moves it by up to %.1e of its length, late in the run, where "
              "what is left "
              "of it is small.",
              study_number(d->gradient, "worst"), study_number(d->gradient, "rounding"));
}

/* ---- guards ---- */

static void write_guards(page *p, const study_plan *plan, const study_documents *d)
{
    char titles[8][CELL];
    const char *columns[8] = {"guard", "flags"};
    for (int k = 0; k < study_guarded_count && k < 6; k++) {
        snprintf(titles[k], CELL, "%s", study_guarded_runs[k].name);
        columns[2 + k] = titles[k];
    }
    page_heading(p, "Guards");
    page_text(p,
              "The iteration at which each guard fires first, for seeds %d to %d; on the runs that do not diverge "
              "every one is "
              "a false alarm.",
              plan->seed[0], plan->seed[plan->seeds - 1]);
    page_table(p, 2 + study_guarded_count, columns);
    for (int i = 0; i < study_guard_count; i++) {
        char cells[8][CELL];
        const char *row[8] = {study_guards[i].text, study_guards[i].flags};
        for (int k = 0; k < study_guarded_count && k < 6; k++) {
            const cJSON *alarm;
            *cells[k] = '\0';
            row[2 + k] = cells[k];
            cJSON_ArrayForEach(alarm, cJSON_GetObjectItem(d->guards[i], "alarms"))
            {
                const char *of = cJSON_GetStringValue(cJSON_GetObjectItem(alarm, "run"));
                size_t used = strlen(cells[k]);
                double fired = study_number(alarm, "fired");
                if (!of || strcmp(of, study_guarded_runs[k].name) != 0) continue;
                if (fired > 0)
                    snprintf(cells[k] + used, CELL - used, "%s%.0f", used ? ", " : "", fired);
                else
                    snprintf(cells[k] + used, CELL - used, "%snever", used ? ", " : "");
            }
        }
        page_row(p, 2 + study_guarded_count, row);
    }
    page_table_end(p);
    page_text(
        p,
        "Clipping at norm 1 never acts on the constant-rate run if its largest gradient norm is below 1: it is %.4g.",
        study_number(d->constant, "largest_gradient"));
}

/* ---- the whole ---- */

static void write_setup(page *p, const study_plan *plan, const study_documents *d)
{
    page_heading(p, "How it was made");
    page_text(p,
              "`reel study baseline1 --full`: %lld iterations, %d Gaussians, the image of 64 x 64 pixels of the study, "
              "Adam, rate "
              "0.001, betas 0.9 and 0.999; unless an arm says otherwise. Losses are those before an update; the "
              "reported loss is "
              "0.2 L1 + 0.8 L2 + 0.1 (1 - SSIM), the gradient that is followed that of L2. A checkpoint every 10 "
              "iterations of "
              "the two runs above is in `checkpoints`. Every number is in the JSON files beside this report.",
              (long long)plan->iterations, plan->gaussians);
    page_text(p, "The constant-rate run with all measurements took %.1f s.", study_number(d->constant, "seconds"));
    char value[256];
    const char *name;
    static const char *const titles[] = {"", ""};
    page_table(p, 2, titles);
    for (int i = 0; (name = reel_fingerprint(i, value, sizeof value)) != NULL; i++)
        page_row(p, 2, (const char *[]){name, value});
    page_table_end(p);
}

static int draw(const study_plan *plan, const study_documents *d)
{
    plot_result (*const pictures[])(const study_plan *, const study_documents *) = {
        study_draw_course, study_draw_parts, study_draw_renderings, study_draw_arms};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        plot_result result = pictures[i](plan, d);
        if (result == PLOT_FAILED) return EXIT_FAILED;
        if (result == PLOT_NO_GNUPLOT)
            complain(plan->who, "without gnuplot the report has no pictures; scripts and data are in %s", plan->out);
        if (result == PLOT_NO_GNUPLOT) return EXIT_DONE;
    }
    return EXIT_DONE;
}

int study_report(const study_plan *plan)
{
    study_documents d;
    study_facts facts = {0}, smooth = {0};
    page p;
    int status = EXIT_FAILED;
    bool read = study_documents_read(&d, plan) && study_facts_read(&facts, plan, &d, d.published) &&
                study_facts_read(&smooth, plan, &d, d.smooth);
    if (!read) complain(plan->who, "what was measured cannot be read again");
    if (read && draw(plan, &d) == EXIT_DONE &&
        page_begin(&p, plan->who, plan->out, "Baseline 1: why its loss rises, and what cures it")) {
        write_answer(&p, plan, &d, &facts);
        write_interventions(&p, plan, &d);
        write_recommendation(&p, plan, &d);
        write_mechanism(&p, plan, &d);
        write_claims(&p, plan, &facts, &smooth);
        write_arms(&p, plan, &d);
        page_picture(&p, "arms.png", "Last and best losses of the arms.");
        write_guards(&p, plan, &d);
        write_setup(&p, plan, &d);
        status = page_end(&p) ? EXIT_DONE : EXIT_FAILED;
    }
    study_facts_free(&facts);
    study_facts_free(&smooth);
    study_documents_free(&d, plan);
    return status;
}
