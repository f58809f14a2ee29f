/* SPDX-License-Identifier: MIT
 *
 * Going on from a checkpoint: what was asked for wins over what the file says.
 */
#include "train/resume.h"

#include "optim/schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LINE_ROOM = 4 * SPEC_SIZE };

/* ---- asking ---- */

static resume_asks *asks_of(reel_trainer *t, const char *site, const char *who)
{
    if (!t->asks) t->asks = memory_zero(t->object.context, site, who, sizeof *t->asks);
    return t->asks;
}

void resume_free(reel_trainer *t)
{
    reel_context *context = t->object.context;
    resume_asks *a = t->asks;
    resume_told_free(t);
    if (!a) return;
    for (int i = 0; i < a->count; i++) memory_string_free(context, a->items[i].source);
    memory_free(context, a->items, (size_t)a->room * sizeof *a->items);
    char *texts[] = {a->schedule, a->schedule_source, a->origin_source, a->reset_source};
    for (int i = 0; i < 4; i++) memory_string_free(context, texts[i]);
    memory_free(context, a, sizeof *a);
    t->asks = NULL;
}

/* Replaces a text that belongs to the context. */
static reel_status keep(reel_context *context, const char *site, const char *who, char **field, const char *text)
{
    char *copy = memory_string(context, site, who, text);
    if (!copy) return REEL_NO_MEMORY;
    memory_string_free(context, *field);
    *field = copy;
    return REEL_OK;
}

const resume_ask *resume_asked(const reel_trainer *t, const reel_hyper *row)
{
    for (int i = 0; t->asks && i < t->asks->count; i++)
        if (t->asks->items[i].row == row) return &t->asks->items[i];
    return NULL;
}

/* The row of a name: of the kind, of all optimizers, of the trainer. */
static const reel_hyper *row_of(const reel_trainer *t, const char *name)
{
    int shared, i;
    const reel_hyper *table = reel_optimizer_shared_hypers(&shared), *own = t->optimizer->type->hypers;
    if ((i = reel_hyper_find(own, t->optimizer->type->hyper_count, name)) >= 0) return &own[i];
    if ((i = reel_hyper_find(table, shared, name)) >= 0) return &table[i];
    for (i = 0; i < SETTING_COUNT; i++)
        if (name && strcmp(reel_trainer_setting(i)->name, name) == 0) return reel_trainer_setting(i);
    return NULL;
}

static bool is_setting(const reel_hyper *row)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        if (reel_trainer_setting(i) == row) return true;
    return false;
}

reel_status reel_trainer_ask(const char *site, reel_trainer *t, const char *name, double value, const char *source)
{
    const char *who = "trainer_ask";
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    const reel_hyper *row = row_of(t, name);
    reel_status status =
        is_setting(row) ? reel_trainer_set(site, t, name, value) : reel_optimizer_set(site, t->optimizer, name, value);
    resume_asks *a = status == REEL_OK ? asks_of(t, site, who) : NULL;
    if (!a) return reel_error_status(context);
    resume_ask *ask = (resume_ask *)(uintptr_t)resume_asked(t, row);
    if (!ask && a->count == a->room) {
        int room = a->room ? 2 * a->room : 8;
        resume_ask *grown =
            memory_resize(context, site, who, a->items, (size_t)a->room * sizeof *grown, (size_t)room * sizeof *grown);
        if (!grown) return REEL_NO_MEMORY;
        a->items = grown;
        a->room = room;
    }
    char *copy = memory_string(context, site, who, source ? source : "program");
    if (!copy) return REEL_NO_MEMORY;
    if (ask)
        memory_string_free(context, ask->source);
    else
        ask = &a->items[a->count++];
    *ask = (resume_ask){row, value, copy};
    return REEL_OK;
}

/* The schedule of a text, for `steps` steps; false with an error kept. "none": NULL. */
static bool schedule_of(reel_trainer *t, const char *site, const char *spec, int64_t steps, reel_schedule **schedule)
{
    *schedule = NULL;
    if (strcmp(spec, "none") == 0) return true;
    *schedule = reel_schedule_parse(site, t->object.context, spec, steps > 0 ? steps : 1);
    return *schedule != NULL;
}

reel_status reel_trainer_ask_schedule(const char *site, reel_trainer *t, const char *spec, const char *source)
{
    const char *who = "trainer_ask_schedule";
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (!spec || !*spec) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there is no text");
    reel_schedule *schedule;
    if (!schedule_of(t, site, spec, reel_trainer_steps(t), &schedule)) return reel_error_status(context);
    reel_status status = reel_optimizer_set_schedule(site, t->optimizer, schedule);
    resume_asks *a = status == REEL_OK ? asks_of(t, site, who) : NULL;
    if (!a) return reel_error_status(context);
    status = keep(context, site, who, &a->schedule_source, source ? source : "program");
    return status == REEL_OK ? keep(context, site, who, &a->schedule, spec) : status;
}

reel_status reel_trainer_ask_origin(const char *site, reel_trainer *t, reel_schedule_origin origin, const char *source)
{
    const char *who = "trainer_ask_origin";
    if (!t) return REEL_BAD_ARGUMENT;
    if (reel_failed(t->object.context)) return reel_error_status(t->object.context);
    resume_asks *a = asks_of(t, site, who);
    if (!a) return REEL_NO_MEMORY;
    a->origin = origin;
    return keep(t->object.context, site, who, &a->origin_source, source ? source : "program");
}

reel_status reel_trainer_ask_reset(const char *site, reel_trainer *t, bool steps, const char *source)
{
    const char *who = "trainer_ask_reset";
    if (!t) return REEL_BAD_ARGUMENT;
    if (reel_failed(t->object.context)) return reel_error_status(t->object.context);
    resume_asks *a = asks_of(t, site, who);
    if (!a) return REEL_NO_MEMORY;
    a->reset = true;
    a->reset_steps = steps;
    return keep(t->object.context, site, who, &a->reset_source, source ? source : "program");
}

/* ---- doing it ---- */

static void forget_moments(reel_trainer *t)
{
    reel_optimizer *o = t->optimizer;
    const resume_asks *a = t->asks;
    char text[LINE_ROOM], count[32];
    if (!a || !a->reset) return;
    int64_t steps = o->steps;
    snprintf(count, sizeof count, "%lld", (long long)steps);
    reel_optimizer_reset(o, a->reset_steps);
    if (a->reset_steps) o->origin -= steps; /* the schedule goes on where it was */
    snprintf(text, sizeof text, "moments forgotten%s%s (%s)",
             a->reset_steps ? ", and the count of steps, which was " : ", the count of steps stays ", count,
             a->reset_source);
    resume_add(t, REEL_CHANGE_ASKED, -1, "moments", count, a->reset_steps ? "0" : count, a->reset_source, text);
}

/* The schedule that was asked for, unless the checkpoint's is the same: that one has a state. */
static void set_schedule(reel_trainer *t, const char *site)
{
    const resume_asks *a = t->asks;
    reel_optimizer *o = t->optimizer;
    char file[SPEC_SIZE], now[SPEC_SIZE], text[LINE_ROOM];
    if (!a || !a->schedule) return;
    bool here = a->origin == REEL_ORIGIN_HERE;
    reel_schedule *schedule;
    if (!schedule_of(t, site, a->schedule, reel_trainer_steps(t) - (here ? t->step : 0), &schedule)) return;
    snprintf(now, sizeof now, "none");
    if (schedule) reel_schedule_describe(schedule, now, sizeof now);
    resume_schedule_text(t, 0, file);
    if (strcmp(file, now) == 0 && !here) {
        reel_schedule_free(schedule);
        return;
    }
    double before = reel_optimizer_rate(o);
    if (reel_optimizer_set_schedule(site, o, schedule) != REEL_OK) return;
    if (a->origin == REEL_ORIGIN_HERE) o->origin = o->steps;
    if (a->origin == REEL_ORIGIN_START) o->origin = o->steps - t->step;
    snprintf(text, sizeof text, "schedule %s -> %s (%s)%s: the next update has the rate %g instead of %g", file, now,
             a->schedule_source, here ? " from here on" : "", reel_optimizer_rate(o), before);
    resume_add(t, REEL_CHANGE_ASKED, -1, "schedule", file, now, a->schedule_source, text);
}

/* The origin by itself: the checkpoint's schedule from its first step, or counted from the start of the run again. */
static void set_origin(reel_trainer *t, const char *site)
{
    const resume_asks *a = t->asks;
    reel_optimizer *o = t->optimizer;
    char text[LINE_ROOM], spec[SPEC_SIZE], before[32], now[32];
    if (!a || a->origin == REEL_ORIGIN_KEPT || !reel_optimizer_schedule(o, 0)) return;
    int64_t start = a->origin == REEL_ORIGIN_HERE ? t->step : 0, origin = o->steps - t->step + start;
    if (origin == o->origin) return;
    double rate = reel_optimizer_rate(o);
    snprintf(before, sizeof before, "%lld", (long long)(o->origin - o->steps + t->step));
    snprintf(now, sizeof now, "%lld", (long long)start);
    o->origin = origin;
    for (int g = 0; g < o->group_count; g++) {
        reel_schedule *schedule = o->groups[g].schedule;
        int64_t left = reel_trainer_steps(t) - start;
        if (reel_schedule_uses_horizon(schedule)) reel_schedule_set_horizon(site, schedule, left > 0 ? left : 1);
    }
    snprintf(text, sizeof text,
             "schedule %s counts from step %s instead of %s (%s): the next update has the rate %g instead of %g",
             resume_schedule_text(t, 0, spec), now, before, a->origin_source, reel_optimizer_rate(o), rate);
    resume_add(t, REEL_CHANGE_ASKED, -1, "schedule origin", before, now, a->origin_source, text);
}

/* A length that came from the number of steps of the run follows it. */
static void follow_horizon(reel_trainer *t, const char *site)
{
    reel_optimizer *o = t->optimizer;
    int64_t was = t->told->total - t->told->schedule_start, now = reel_trainer_steps(t) - t->told->schedule_start;
    if (t->asks && t->asks->origin != REEL_ORIGIN_KEPT) return;
    for (int g = 0; g < o->group_count; g++) {
        reel_schedule *schedule = o->groups[g].schedule;
        bool done = false;
        for (int earlier = 0; earlier < g; earlier++) done |= o->groups[earlier].schedule == schedule;
        if (done || !schedule || now < 1 || was == now || reel_schedule_horizon(schedule) != was) continue;
        if (!reel_schedule_uses_horizon(schedule)) { /* it is kept with the schedule, and moves no rate */
            if (reel_schedule_set_horizon(site, schedule, now) == REEL_BAD_ARGUMENT)
                reel_error_clear(t->object.context);
            continue;
        }
        double rate = reel_optimizer_group_rate(o, g);
        char spec[SPEC_SIZE], text[LINE_ROOM], before[32], after[32];
        if (reel_schedule_set_horizon(site, schedule, now) != REEL_OK) return;
        snprintf(before, sizeof before, "%lld", (long long)was);
        snprintf(after, sizeof after, "%lld", (long long)now);
        snprintf(text, sizeof text,
                 "schedule %s now ends after %s updates instead of %s: the next one has the rate %g instead of %g",
                 resume_schedule_text(t, g, spec), after, before, reel_optimizer_group_rate(o, g), rate);
        resume_add(t, REEL_CHANGE_SETTING, g, "schedule end", before, after, "epochs", text);
    }
}

/* A schedule of another optimizer's checkpoint may cycle a momentum that this one has not. */
static void check_schedules(reel_trainer *t, const char *site)
{
    for (int g = 0; g < t->optimizer->group_count; g++)
        reel_optimizer_group_set_schedule(site, t->optimizer, g, t->optimizer->groups[g].schedule);
}

static void apply(reel_trainer *t, const char *site)
{
    const resume_asks *a = t->asks;
    forget_moments(t);
    for (int i = 0; a && i < a->count; i++)
        if (!is_setting(a->items[i].row))
            reel_optimizer_set(site, t->optimizer, a->items[i].row->name, a->items[i].value);
    follow_horizon(t, site);
    set_schedule(t, site);
    set_origin(t, site);
    check_schedules(t, site);
}

/* Tells which part of a file was refused, and what would allow it. */
static reel_status load(reel_trainer *t, const char *site, const char *path, json_document *document,
                        reel_hash_verdict verdict)
{
    reel_context *context = t->object.context;
    reel_checkpoint *c = checkpoint_of(site, context, document, verdict);
    if (!c) return reel_error_status(context);
    reel_status status = resume_compare(t, site, path, c) ? REEL_OK : reel_error_status(context);
    bool verify = status == REEL_OK && verdict == REEL_HASH_RIGHT && !resume_leaves_out(t, c);
    t->optimizer->takes_other = setting_of(t, SETTING_OTHER_OPTIMIZER) != 0;
    if (status == REEL_OK) status = state_load_document(site, t->state, path, document, verify);
    t->optimizer->takes_other = false;
    reel_checkpoint_free(c);
    return status;
}

reel_status resume_load(reel_trainer *t, const char *site, const char *path)
{
    json_document *document;
    reel_hash_verdict verdict;
    reel_status status =
        state_read_document(site, t->object.context, path, setting_of(t, SETTING_ACCEPT_EDITED), &document, &verdict);
    if (status == REEL_OK) status = load(t, site, path, document, verdict);
    if (status == REEL_OK) {
        apply(t, site);
        status = reel_error_status(t->object.context);
    }
    if (status != REEL_OK) resume_told_free(t);
    return status;
}

void resume_tell(reel_trainer *t)
{
    for (int i = 0; t->told && i < t->told->report.count; i++)
        trainer_tell(t, REEL_EVENT_NOTE, t->told->changes[i].text);
}

const reel_resume_report *reel_trainer_report(const reel_trainer *t)
{
    return t && t->told ? &t->told->report : NULL;
}
