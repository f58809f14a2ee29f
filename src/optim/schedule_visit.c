/* SPDX-License-Identifier: MIT
 *
 * Schedules in checkpoint and state hash: the text says all but the states.
 */
#include "optim/schedule.h"

#include <stdio.h>
#include <string.h>

#define SPEC_SIZE 4096

static void states_visit(reel_schedule *s, visitor *v)
{
    for (int i = 0; i < s->member_count; i++) states_visit(s->members[i], v);
    if (!s->type || s->type->state_count == 0) return;
    visit_item_begin(v);
    for (int i = 0; i < s->type->state_count; i++) visit_double(v, s->type->state_names[i], &s->state[i]);
    visit_item_end(v);
}

static int64_t count_states(const reel_schedule *s)
{
    int64_t count = s->type && s->type->state_count > 0;
    for (int i = 0; i < s->member_count; i++) count += count_states(s->members[i]);
    return count;
}

/* What the file describes: s when it is the same, else a new one; NULL with an error when the text is bad. */
static reel_schedule *described(reel_schedule *s, visitor *v, const char *own, const char *spec, int64_t horizon)
{
    reel_context *context = visit_context(v);
    if (s && strcmp(own, spec) == 0 && s->horizon == horizon) return s;
    reel_schedule *parsed = reel_schedule_parse(NULL, context, spec, horizon);
    if (parsed || reel_error_status(context) == REEL_NO_MEMORY) return parsed;
    char why[ERROR_TEXT_SIZE];
    snprintf(why, sizeof why, "%s", reel_error_text(context));
    reel_error_clear(context);
    visit_reject(v, REEL_BAD_FILE, "spec: %s", why);
    return NULL;
}

/* s becomes what `parsed` is, which is freed. */
static void take_over(reel_schedule *s, reel_schedule *parsed)
{
    reel_schedule kept = *s;
    reel_object first = s->object, second = parsed->object;
    *s = *parsed;
    *parsed = kept;
    s->object = first;
    parsed->object = second;
    for (int i = 0; i < s->member_count; i++) s->members[i]->owner = s;
    for (int i = 0; i < parsed->member_count; i++) parsed->members[i]->owner = parsed;
    object_free(parsed);
}

reel_schedule *schedule_visit(reel_schedule *s, bool shared, visitor *v, const char *name)
{
    visit_mode mode = visit_mode_of(v);
    bool reading = mode == VISIT_CHECK || mode == VISIT_LOAD;
    char own[SPEC_SIZE] = "", spec[SPEC_SIZE];
    if (reel_schedule_describe(s, own, sizeof own) >= sizeof own) {
        visit_reject(v, REEL_BAD_STATE, "the text of the schedule is longer than %d characters", SPEC_SIZE - 1);
        return s;
    }
    visit_begin(v, name);
    int64_t horizon = s ? s->horizon : 0, count = s ? count_states(s) : 0;
    reel_schedule *target = s;
    if (reading) {
        bool any = visit_peek_text(v, "spec", spec, sizeof spec) && visit_peek_int64(v, "horizon", &horizon);
        target = any && !visit_failed(v) ? described(s, v, own, spec, horizon) : NULL;
        count = target ? count_states(target) : 0;
    }
    char *text = target ? (reading ? spec : own) : NULL;
    visit_same_text(v, "spec", text);
    visit_same_int64(v, "horizon", target ? horizon : 0);
    int64_t found = count;
    visit_list_begin(v, "states", &found);
    if (found != count)
        visit_reject(v, REEL_BAD_FILE, "found %lld, expected %lld", (long long)found, (long long)count);
    else if (target)
        states_visit(target, v);
    visit_list_end(v);
    visit_end(v);
    if (!reading || target == s) return target;
    if (mode == VISIT_CHECK || visit_failed(v))
        object_free(target);
    else if (s && target && !shared)
        take_over(s, target);
    else
        return target;
    return s;
}
