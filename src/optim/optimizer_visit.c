/* SPDX-License-Identifier: MIT
 *
 * Optimizers in checkpoint and state hash. Hyper-parameters are read into `current` first and taken over when they are
 * good; which state vectors there must be follows from them.
 */
#include "optim/optim.h"
#include "optim/schedule.h"

#include <string.h>

static bool reading(const visitor *v)
{
    visit_mode mode = visit_mode_of(v);
    return mode == VISIT_CHECK || mode == VISIT_LOAD;
}

void visit_count(visitor *v, const char *name, int64_t *count)
{
    int64_t found = 0;
    if (visit_peek_int64(v, name, &found) && found < 0)
        visit_reject(v, REEL_BAD_FILE, "%s: found %lld, expected 0 or above", name, (long long)found);
    visit_int64(v, name, count);
}

void visit_hypers(visitor *v, const reel_hyper *table, int count, double *values, double *scratch)
{
    for (int i = 0; i < count && !visit_failed(v); i++) {
        const reel_hyper *h = &table[i];
        if (!reading(v)) {
            visit_double(v, h->name, &values[i]);
            continue;
        }
        scratch[i] = h->value;
        if (visit_has(v, h->name)) {
            double field = scratch[i];
            visit_peek_double(v, h->name, &scratch[i]);
            visit_double(v, h->name, &field);
            char range[REEL_HYPER_TEXT], found[REEL_HYPER_TEXT];
            if (!visit_failed(v) && reel_hyper_check(NULL, NULL, NULL, h, scratch[i]) != REEL_OK)
                visit_reject(v, REEL_BAD_FILE, "%s: found %s, expected %s", h->name,
                             reel_hyper_print(h, scratch[i], found), reel_hyper_range(h, range));
        }
        if (visit_mode_of(v) == VISIT_LOAD && !visit_failed(v)) values[i] = scratch[i];
    }
}

/* Which parameters a group has must be the same. */
static void membership_visit(reel_optimizer *o, int group, visitor *v)
{
    int64_t own = 0;
    for (int i = 0; i < o->parameters; i++) own += o->group_of[i] == group;
    int64_t count = own;
    visit_list_begin(v, "parameters", &count);
    if (count != own)
        visit_reject(v, REEL_MISMATCH, "found %lld parameters, expected %lld", (long long)count, (long long)own);
    for (int i = 0; i < o->parameters && !visit_failed(v); i++) {
        if (o->group_of[i] != group) continue;
        visit_item_begin(v);
        visit_same_text(v, "name", reel_params_name(o->params, i));
        visit_item_end(v);
    }
    visit_list_end(v);
}

static void group_visit(reel_optimizer *o, int g, visitor *v)
{
    optimizer_group *group = &o->groups[g];
    const reel_optimizer_type *type = o->type;
    visit_item_begin(v);
    membership_visit(o, g, v);
    visit_begin(v, "hypers");
    visit_hypers(v, type->hypers, type->hyper_count, group->values, group->current);
    visit_end(v);
    if (type->scalar_count > 0) visit_begin(v, "scalars");
    for (int i = 0; i < type->scalar_count; i++) visit_double(v, type->scalar_names[i], &group->scalars[i]);
    if (type->scalar_count > 0) visit_end(v);
    bool shared = false;
    for (int earlier = 0; earlier < g; earlier++) shared |= o->groups[earlier].schedule == group->schedule;
    group->schedule = schedule_visit(group->schedule, shared, v, "schedule");
    visit_item_end(v);
}

static void groups_visit(reel_optimizer *o, visitor *v)
{
    int64_t count = o->group_count;
    visit_list_begin(v, "groups", &count);
    if (count != o->group_count)
        visit_reject(v, REEL_MISMATCH, "found %lld groups, expected %d", (long long)count, o->group_count);
    for (int g = 0; g < o->group_count && !visit_failed(v); g++) group_visit(o, g, v);
    visit_list_end(v);
}

/* Does a group of the file need state vector i? */
static bool needed(const reel_optimizer *o, int i)
{
    for (int g = 0; g < o->group_count; g++)
        if (!o->type->uses || o->type->uses(o->groups[g].current) >> i & 1) return true;
    return false;
}

/* One state vector by parameter names; an empty object when nothing was written to it yet. What is only checked is
 * compared with the shapes of the parameters themselves. */
static void vector_visit(reel_optimizer *o, state_vector *s, visitor *v, const char *name)
{
    void *base = visit_mode_of(v) == VISIT_CHECK ? o->params->values.data : s->data;
    bool started = s->started;
    visit_begin(v, name);
    if (reading(v)) started = visit_has(v, "values");
    if (started) visit_begin(v, "values");
    for (int i = 0; i < o->parameters && started && !visit_failed(v); i++) {
        reel_array view = slice_view(o->params, &o->params->values.slices[i], base);
        visit_array(v, o->params->values.slices[i].name, &view);
    }
    if (started) visit_end(v);
    visit_end(v);
    if (visit_mode_of(v) != VISIT_LOAD || visit_failed(v)) return;
    if (!started) memset(s->data, 0, (size_t)o->params->values.size * reel_dtype_size(o->params->dtype));
    s->started = started;
}

static void state_visit(reel_optimizer *o, visitor *v)
{
    visit_begin(v, "state");
    for (int i = 0; i < o->type->state_count && !visit_failed(v); i++) {
        state_vector *s = &o->state[i];
        const char *name = o->type->state_names[i];
        bool there = s->data != NULL;
        if (reading(v)) there = visit_has(v, name) || needed(o, i); /* a needed one that is missing is refused below */
        if (visit_mode_of(v) == VISIT_LOAD) {
            if (there && optimizer_state_new(o, NULL, "optimizer_visit", i) != REEL_OK) break;
            if (!there) optimizer_state_free(o, i);
        }
        if (there) vector_visit(o, s, v, name);
    }
    visit_end(v);
}

/* Step 0 of the schedule may lie before the first counted step, but not out of reach. */
static void origin_visit(visitor *v, int64_t *origin)
{
    const int64_t most = (int64_t)1 << 53;
    int64_t found = 0;
    if (visit_peek_int64(v, "origin", &found) && (found < -most || found > most))
        visit_reject(v, REEL_BAD_FILE, "origin: found %lld, expected -2^53 to 2^53", (long long)found);
    visit_int64(v, "origin", origin);
}

/* What another kind of optimizer leaves to this one: clipping and noise, the schedules, and where they stand. */
static void other_visit(reel_optimizer *o, visitor *v)
{
    static const char *const left[] = {"kind", "skipped", "gradient_norm", "state"};
    static const char *const left_of_group[] = {"parameters", "hypers", "scalars"};
    double scratch[SHARED_COUNT];
    int table_count;
    const reel_hyper *table = reel_optimizer_shared_hypers(&table_count);
    int64_t steps = 0, origin = 0, count = 0;
    for (int i = 0; i < COUNT(left); i++) visit_skip(v, left[i]);
    visit_count(v, "steps", &steps);
    origin_visit(v, &origin);
    visit_begin(v, "shared");
    visit_hypers(v, table, table_count, o->shared, scratch);
    visit_end(v);
    visit_list_begin(v, "groups", &count);
    for (int g = 0; g < count && !visit_failed(v); g++) {
        optimizer_group *group = g < o->group_count ? &o->groups[g] : NULL;
        visit_item_begin(v);
        for (int i = 0; i < COUNT(left_of_group); i++) visit_skip(v, left_of_group[i]);
        if (group)
            group->schedule = schedule_visit(group->schedule, g > 0, v, "schedule");
        else
            visit_skip(v, "schedule");
        visit_item_end(v);
    }
    visit_list_end(v);
    if (visit_mode_of(v) != VISIT_LOAD || visit_failed(v)) return;
    reel_optimizer_reset(o, true);
    o->skipped = 0;
    o->gradient_norm = NAN;
    o->origin = origin - steps;
}

static bool is_other(const reel_optimizer *o, visitor *v)
{
    char kind[256];
    return reading(v) && o->takes_other && visit_peek_text(v, "kind", kind, sizeof kind) &&
           strcmp(kind, o->type->name) != 0;
}

void optimizer_visit(reel_optimizer *o, visitor *v, const char *name)
{
    if (!o || !v) return;
    double scratch[SHARED_COUNT];
    int table_count;
    const reel_hyper *table = reel_optimizer_shared_hypers(&table_count);
    visit_begin(v, name);
    if (is_other(o, v)) {
        other_visit(o, v);
        visit_end(v);
        if (visit_mode_of(v) == VISIT_LOAD && !visit_failed(v)) optimizer_reserve(o, NULL, "optimizer_visit");
        return;
    }
    visit_same_text(v, "kind", o->type->name);
    visit_count(v, "steps", &o->steps);
    visit_count(v, "skipped", &o->skipped);
    origin_visit(v, &o->origin);
    visit_double(v, "gradient_norm", &o->gradient_norm);
    visit_begin(v, "shared");
    visit_hypers(v, table, table_count, o->shared, scratch);
    visit_end(v);
    groups_visit(o, v);
    state_visit(o, v);
    visit_end(v);
    if (visit_mode_of(v) == VISIT_LOAD && !visit_failed(v)) optimizer_reserve(o, NULL, "optimizer_visit");
}
