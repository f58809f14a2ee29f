/* SPDX-License-Identifier: MIT
 *
 * Facts from documents.
 */
#include "facts.h"
#include "guards.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NAME.json of the folder, whatever its key; NULL: there is none. */
static cJSON *study_document(const study_plan *plan, const char *name)
{
    char file[320];
    snprintf(file, sizeof file, "%.300s.json", name);
    char *path = path_join(plan->out, file),
         *text = path && access(path, R_OK) == 0 ? read_text(plan->who, path) : NULL;
    cJSON *document = text ? cJSON_Parse(text) : NULL;
    free(text);
    free(path);
    return document;
}

bool study_documents_read(study_documents *d, const study_plan *plan)
{
    char name[300];
    *d = (study_documents){.published = study_document(plan, "published"),
                           .gradient = study_document(plan, "gradient"),
                           .constant = study_document(plan, "constant"),
                           .smooth = study_document(plan, "smooth")};
    d->arms = calloc((size_t)plan->arms.count + 1, sizeof(cJSON *));
    d->guards = calloc((size_t)study_guard_count, sizeof(cJSON *));
    if (!d->arms || !d->guards) return false;
    for (int i = 0; i < plan->arms.count; i++) {
        snprintf(name, sizeof name, "arms/%s", plan->arms.rows[i].name);
        d->arms[i] = study_document(plan, name);
    }
    for (int i = 0; i < study_guard_count; i++) {
        snprintf(name, sizeof name, "guards/%s", study_guards[i].name);
        d->guards[i] = study_document(plan, name);
    }
    return true;
}

void study_documents_free(study_documents *d, const study_plan *plan)
{
    cJSON_Delete(d->published);
    cJSON_Delete(d->gradient);
    cJSON_Delete(d->constant);
    cJSON_Delete(d->smooth);
    for (int i = 0; d->arms && i < plan->arms.count; i++) cJSON_Delete(d->arms[i]);
    for (int i = 0; d->guards && i < study_guard_count; i++) cJSON_Delete(d->guards[i]);
    free(d->arms);
    free(d->guards);
}

double study_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    if (cJSON_IsNumber(item)) return item->valuedouble;
    const char *text = cJSON_GetStringValue(item);
    return text && strcmp(text, "inf") == 0 ? INFINITY : NAN;
}

/* Member of every member of an arm: "final", ...; count in *count. Free it. */
static double *study_members(const cJSON *arm, const char *name, int *count)
{
    const cJSON *members = cJSON_GetObjectItem(arm, "members"), *m;
    double *values = calloc((size_t)cJSON_GetArraySize(members) + 1, sizeof *values);
    *count = 0;
    cJSON_ArrayForEach(m, members) if (values) values[(*count)++] = study_number(m, name);
    return values;
}

arm_facts study_arm_facts(const cJSON *arm)
{
    arm_facts a = {0};
    double *final = study_members(arm, "final", &a.members), *best = study_members(arm, "best", &a.members),
           *onset = study_members(arm, "onset", &a.members), *over = study_members(arm, "overshoot", &a.members);
    if (!final || !best || !onset || !over) a.members = 0;
    for (int i = 0; i < a.members; i++) a.diverged += !(final[i] <= CLAIM_DIVERGED * best[i]);
    a.final = study_range_of(final, a.members);
    a.best = study_range_of(best, a.members);
    a.onset = study_range_of(onset, a.members);
    a.overshoot = study_range_of(over, a.members);
    free(final), free(best), free(onset), free(over);
    return a;
}

/* Median of entries from ... to - 1 of a list. */
static double median_of(const cJSON *list, int64_t from, int64_t to)
{
    double values[4096];
    int count = 0;
    int64_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (index >= from && index < to && count < 4096 && cJSON_IsNumber(item)) values[count++] = item->valuedouble;
        index++;
    }
    return study_range_of(values, count).median;
}

step_verdict study_step_verdict(const cJSON *step)
{
    const cJSON *row;
    double ratio = NAN, error = NAN;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(step, "fidelity"))
    {
        if (!(study_number(row, "error") <= STUDY_SETTLED)) continue;
        ratio = study_number(row, "ratio");
        error = study_number(row, "error");
    }
    if (isnan(ratio)) return STEP_UNSEEN;
    return fabs(ratio - 1) <= STUDY_SETTLED + error ? STEP_SETTLES : STEP_JUMPS;
}

static void read_steps(study_facts *f, const study_plan *plan, const cJSON *steps)
{
    const cJSON *step;
    f->rate_over_limit = NAN;
    cJSON_ArrayForEach(step, steps)
    {
        double iteration = study_number(step, "iteration"),
               over = study_number(step, "rate") / study_number(step, "limit");
        if (iteration <= (double)plan->start && !isnan(over)) f->rate_over_limit = fmax(f->rate_over_limit, over);
        if (iteration < 2.0 / 3 * (double)plan->start) continue;
        step_verdict verdict = study_step_verdict(step);
        f->steps_measured += verdict != STEP_UNSEEN;
        f->steps_settled += verdict == STEP_SETTLES;
    }
}

static double squares_at(const cJSON *parts, int64_t iteration)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, parts)
    {
        const cJSON *at = cJSON_GetArrayItem(row, 0), *a = cJSON_GetArrayItem(row, 1), *b = cJSON_GetArrayItem(row, 2);
        if (at && a && b && (int64_t)at->valuedouble == iteration) return a->valuedouble + b->valuedouble;
    }
    return NAN;
}

/* Of the arm "constant". */
static double speed_of(const study_plan *plan, const study_documents *d)
{
    const study_arm *arm = study_arms_find(&plan->arms, "constant");
    int count = 0;
    double *seconds = arm ? study_members(d->arms[arm - plan->arms.rows], "seconds", &count) : NULL;
    double median = study_range_of(seconds, seconds ? count : 0).median;
    free(seconds);
    return (double)plan->iterations / median;
}

bool study_facts_read(study_facts *f, const study_plan *plan, const study_documents *d, const cJSON *history_of)
{
    *f = (study_facts){.gradient_error = study_number(d->gradient, "worst")};
    if (history_of && !history_read(&f->run, history_of)) return false;
    for (int k = 0; k < CLAIM_ARMS; k++)
        for (int i = 0; i < plan->arms.count; i++)
            if (strcmp(plan->arms.rows[i].name, claim_arm_names[k]) == 0) f->arm[k] = study_arm_facts(d->arms[i]);
    const cJSON *norms = cJSON_GetObjectItem(d->constant, "step_norms"),
                *moments = cJSON_GetObjectItem(d->constant, "momentum_norms"),
                *parts = cJSON_GetObjectItem(d->constant, "parts");
    int64_t s = plan->start;
    f->step_before = median_of(norms, s / 3, 2 * s / 3);
    f->step_at = median_of(norms, s - s / 15, s + s / 15);
    f->momentum_before = median_of(moments, s / 3, 2 * s / 3);
    f->momentum_at = median_of(moments, s - s / 15, s + s / 15);
    f->speed = speed_of(plan, d);
    f->largest_gradient = study_number(d->constant, "largest_gradient");
    read_steps(f, plan, cJSON_GetObjectItem(d->constant, "steps"));
    f->share = study_number(cJSON_GetObjectItem(d->constant, "account"), "share");
    study_history own = {NULL, 0, 0};
    f->squares_rise = NAN;
    if (history_read(&own, d->constant)) {
        const study_point *best = history_best(&own);
        if (best)
            f->squares_rise =
                squares_at(parts, own.points[own.count - 1].iteration) / squares_at(parts, best->iteration);
    }
    history_free(&own);
    return true;
}

void study_facts_free(study_facts *f)
{
    history_free(&f->run);
}
