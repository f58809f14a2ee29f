/* SPDX-License-Identifier: MIT
 *
 * What differs between a checkpoint and the program that goes on from it, row by row of the tables.
 */
#include "train/resume.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATH_ROOM = 320, NAME_ROOM = 200, LINE_ROOM = 4 * SPEC_SIZE };

static void change_free(reel_context *context, reel_change *c)
{
    const char *texts[] = {c->name, c->before, c->now, c->text};
    for (int i = 0; i < 4; i++) memory_string_free(context, (char *)(uintptr_t)texts[i]);
}

void resume_told_free(reel_trainer *t)
{
    resume_told *told = t->told;
    reel_context *context = t->object.context;
    if (!told) return;
    for (int i = 0; i < told->report.count; i++) change_free(context, &told->changes[i]);
    memory_free(context, told->changes, (size_t)told->room * sizeof *told->changes);
    memory_string_free(context, told->path);
    memory_free(context, told, sizeof *told);
    t->told = NULL;
}

static bool reserve(reel_context *context, resume_told *told)
{
    if (told->report.count < told->room) return true;
    int room = told->room ? 2 * told->room : 16;
    reel_change *grown = memory_resize(context, NULL, "trainer_run", told->changes, (size_t)told->room * sizeof *grown,
                                       (size_t)room * sizeof *grown);
    if (!grown) return false;
    told->report.changes = told->changes = grown;
    told->room = room;
    return true;
}

void resume_add(reel_trainer *t, reel_change_kind kind, int group, const char *name, const char *before,
                const char *now, const char *source, const char *text)
{
    reel_context *context = t->object.context;
    resume_told *told = t->told;
    if (reel_failed(context) || !told || !reserve(context, told)) return;
    char line[LINE_ROOM], of[32] = "";
    if (group >= 0 && t->optimizer->group_count > 1) snprintf(of, sizeof of, " of group %d", group);
    if (text)
        snprintf(line, sizeof line, "%s", text);
    else if (kind == REEL_CHANGE_KEPT)
        snprintf(line, sizeof line, "%s%s %s kept (the program has %s)", name, of, before, now);
    else
        snprintf(line, sizeof line, "%s%s %s -> %s (%s)", name, of, before, now, source);
    const char *who = "trainer_run";
    reel_change c = {.kind = kind, .group = group};
    c.name = memory_string(context, NULL, who, name);
    c.before = memory_string(context, NULL, who, before);
    c.now = memory_string(context, NULL, who, now);
    c.text = memory_string(context, NULL, who, line);
    if (reel_failed(context))
        change_free(context, &c);
    else
        told->changes[told->report.count++] = c;
}

/* ---- the rows ---- */

/* One hyper-parameter: in the file, in the program, asked for. */
static void compare_value(reel_trainer *t, int group, const reel_hyper *row, double file, double own)
{
    const resume_ask *ask = resume_asked(t, row);
    double now = ask ? ask->value : own;
    char before[REEL_HYPER_TEXT], after[REEL_HYPER_TEXT];
    if (isnan(file) || file == now) return;
    resume_add(t, ask ? REEL_CHANGE_ASKED : REEL_CHANGE_KEPT, group, row->name, reel_hyper_print(row, file, before),
               reel_hyper_print(row, now, after), ask ? ask->source : "", NULL);
}

static double file_number(const reel_checkpoint *c, const char *part, const char *name)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "state/%.*s/%.*s", 50, part, NAME_ROOM, name);
    return reel_checkpoint_number(c, path);
}

const char *resume_schedule_text(const reel_trainer *t, int group, char text[SPEC_SIZE])
{
    reel_schedule *schedule = reel_optimizer_schedule(t->optimizer, group);
    snprintf(text, SPEC_SIZE, "none");
    if (schedule) reel_schedule_describe(schedule, text, SPEC_SIZE);
    return text;
}

static void compare_group(reel_trainer *t, const reel_checkpoint *c, int g)
{
    const reel_optimizer *o = t->optimizer;
    char part[PATH_ROOM], path[PATH_ROOM], file[SPEC_SIZE] = "none", own[SPEC_SIZE];
    snprintf(part, sizeof part, "optimizer/groups/%d/hypers", g);
    for (int i = 0; i < o->type->hyper_count; i++)
        compare_value(t, g, &o->type->hypers[i], file_number(c, part, o->type->hypers[i].name), o->groups[g].values[i]);
    if (t->asks && t->asks->schedule) return; /* told when it is set */
    snprintf(path, sizeof path, "state/optimizer/groups/%d/schedule/spec", g);
    reel_checkpoint_text(c, path, file, sizeof file);
    resume_schedule_text(t, g, own);
    if (strcmp(file, own) != 0) resume_add(t, REEL_CHANGE_KEPT, g, "schedule", file, own, "", NULL);
}

static void compare_optimizer(reel_trainer *t, const reel_checkpoint *c)
{
    const reel_optimizer *o = t->optimizer;
    char kind[PATH_ROOM] = "", text[LINE_ROOM];
    int shared;
    const reel_hyper *table = reel_optimizer_shared_hypers(&shared);
    reel_checkpoint_text(c, "state/optimizer/kind", kind, sizeof kind);
    if (strcmp(kind, o->type->name) == 0) {
        for (int g = 0; g < o->group_count; g++) compare_group(t, c, g);
    } else {
        snprintf(text, sizeof text,
                 "optimizer %s -> %s (allowed): its moments start fresh with the program's hyper-parameters; "
                 "parameters, streams, sampler, clipping and schedule stay",
                 kind, o->type->name);
        resume_add(t, REEL_CHANGE_ASKED, -1, "optimizer", kind, o->type->name, "", text);
    }
    for (int i = 0; i < shared; i++)
        compare_value(t, -1, &table[i], file_number(c, "optimizer/shared", table[i].name), o->shared[i]);
}

static void compare_settings(reel_trainer *t, const reel_checkpoint *c)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        const reel_hyper *row = reel_trainer_setting(i);
        double file = file_number(c, "trainer/settings", row->name), now = t->settings[i];
        if (isnan(file) && i == SETTING_EPOCHS) file = file_number(c, "trainer", "epochs"); /* of an older file */
        if (!setting_is_saved((setting)i) || isnan(file) || file == now) continue;
        char before[REEL_HYPER_TEXT], after[REEL_HYPER_TEXT];
        const resume_ask *ask = resume_asked(t, row);
        resume_add(t, REEL_CHANGE_SETTING, -1, row->name, reel_hyper_print(row, file, before),
                   reel_hyper_print(row, now, after), ask ? ask->source : "program", NULL);
    }
}

/* Of training or validation data; where there are none in file and program nothing is said. */
static void compare_hash(reel_trainer *t, const reel_checkpoint *c, const char *name, const char *member,
                         const char *own)
{
    char file[64] = "", path[PATH_ROOM], text[LINE_ROOM];
    snprintf(path, sizeof path, "state/trainer/%s", member);
    if (!reel_checkpoint_text(c, path, file, sizeof file)) return;
    if (strcmp(file, own) == 0 && strcmp(own, "none") == 0) return;
    snprintf(text, sizeof text, "%s unchanged", name);
    if (strcmp(file, own) == 0)
        resume_add(t, REEL_CHANGE_SAME, -1, name, file, own, "", text);
    else
        resume_add(t, REEL_CHANGE_ASKED, -1, name, file, own, "allowed", NULL);
}

static void compare_data(reel_trainer *t, const reel_checkpoint *c)
{
    compare_hash(t, c, "validation data hash", "validation_hash", trainer_validation_hash(t, t->object.context));
    if (!t->data) return;
    compare_hash(t, c, "data hash", "data_hash", trainer_data_hash(t, t->object.context));
    double rows = file_number(c, "trainer", "rows"), batch = file_number(c, "trainer", "batch");
    const reel_hyper whole = {.kind = REEL_HYPER_WHOLE};
    char before[REEL_HYPER_TEXT], now[REEL_HYPER_TEXT];
    if (rows != (double)trainer_rows(t))
        resume_add(t, REEL_CHANGE_ASKED, -1, "rows", reel_hyper_print(&whole, rows, before),
                   reel_hyper_print(&whole, (double)trainer_rows(t), now), "allowed", NULL);
    if (batch != (double)trainer_batch_size(t))
        resume_add(t, REEL_CHANGE_ASKED, -1, "rows a step", reel_hyper_print(&whole, batch, before),
                   reel_hyper_print(&whole, (double)trainer_batch_size(t), now), "allowed", NULL);
}

static void compare_row(reel_trainer *t, const reel_checkpoint *c, const char *name, const char *now)
{
    char path[PATH_ROOM], before[FINGERPRINT_TEXT] = "", text[LINE_ROOM];
    snprintf(path, sizeof path, "fingerprint/%s", name);
    if (!reel_checkpoint_text(c, path, before, sizeof before) || strcmp(before, now) == 0) return;
    bool same_bits = strcmp(name, "threads") == 0 || strcmp(name, "program") == 0;
    snprintf(text, sizeof text, "%s %s -> %s (%s)", name, before, now,
             same_bits ? "the bits stay the same" : "the bits of the steps to come may be others");
    resume_add(t, REEL_CHANGE_MACHINE, -1, name, before, now, "", text);
}

static void compare_fingerprint(reel_trainer *t, const reel_checkpoint *c)
{
    fingerprint_row rows[FINGERPRINT_ROWS];
    int count = fingerprint_rows(reel_context_threads(t->object.context), rows);
    compare_row(t, c, "program", t->state->program);
    for (int i = 0; i < count; i++) compare_row(t, c, rows[i].name, rows[i].value);
}

bool resume_leaves_out(reel_trainer *t, const reel_checkpoint *c)
{
    char kind[PATH_ROOM] = "", hash[64] = "";
    reel_checkpoint_text(c, "state/optimizer/kind", kind, sizeof kind);
    reel_checkpoint_text(c, "state/trainer/data_hash", hash, sizeof hash);
    return strcmp(kind, t->optimizer->type->name) != 0 || strcmp(hash, trainer_data_hash(t, t->object.context)) != 0 ||
           file_number(c, "trainer", "batch") != (double)trainer_batch_size(t);
}

/* A number of steps, from a file that may say anything. */
static int64_t steps_of(double number)
{
    return number >= 0 && number <= 0x1p53 ? (int64_t)number : 0;
}

bool resume_compare(reel_trainer *t, const char *site, const char *path, const reel_checkpoint *c)
{
    reel_context *context = t->object.context;
    const char *who = "trainer_run";
    resume_told_free(t);
    resume_told *told = memory_zero(context, site, who, sizeof *told);
    if (!told) return false;
    t->told = told;
    told->path = memory_string(context, site, who, path);
    double step = file_number(c, "trainer", "step"), origin = file_number(c, "optimizer", "origin");
    told->report.path = told->path;
    told->report.step = steps_of(step);
    told->total = steps_of(file_number(c, "trainer", "epochs") * file_number(c, "trainer", "steps_per_epoch"));
    told->schedule_start = steps_of(step - file_number(c, "optimizer", "steps") + origin);
    compare_optimizer(t, c);
    compare_settings(t, c);
    compare_fingerprint(t, c);
    compare_data(t, c);
    return !reel_failed(context);
}
