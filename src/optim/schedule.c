/* SPDX-License-Identifier: MIT
 *
 * Schedules: making, composing, fitting to a horizon, evaluating.
 */
#include "optim/schedule.h"

#include <math.h>
#include <string.h>

static const reel_schedule_type *const types[] = {
#define SCHEDULE_ROW(name) &name,
    SCHEDULES(SCHEDULE_ROW)
#undef SCHEDULE_ROW
};

const reel_schedule_type *reel_schedule_at(int index)
{
    return index >= 0 && index < (int)(sizeof types / sizeof *types) ? types[index] : NULL;
}

const reel_schedule_type *reel_schedule_find(const char *name)
{
    if (!name) return NULL;
    for (int i = 0;; i++) {
        const reel_schedule_type *type = reel_schedule_at(i);
        if (!type || strcmp(type->name, name) == 0) return type;
    }
}

const reel_schedule_type *reel_schedule_known(const reel_context *context, int index)
{
    const reel_schedule_type *type;
    for (int i = 0; (type = reel_schedule_at(i)) != NULL; i++)
        if (index-- == 0) return type;
    return context && index >= 0 && index < context->own_schedule_count ? context->own_schedules[index] : NULL;
}

reel_status reel_schedule_register(const char *site, reel_context *context, const reel_schedule_type *type)
{
    const char *who = "schedule_register";
    const reel_schedule_type *known;
    if (reel_failed(context)) return reel_error_status(context);
    if (!type || !type->name || type->size != sizeof *type || !type->rate)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "the descriptor is missing, has no name, no rate, or another size than this version's");
    if (!*type->name || strpbrk(type->name, ":,*@()="))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "found the name \"%.80s\", expected one without :,*@()=", type->name);
    for (int i = 0; (known = reel_schedule_known(context, i)) != NULL; i++)
        if (strcmp(known->name, type->name) == 0)
            return known == type ? REEL_OK
                                 : reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "the name \"%.80s\" is taken",
                                                  type->name);
    if (context->own_schedule_count == OWN_KINDS)
        return reel_error_set(context, REEL_BAD_STATE, site, who, "a context knows %d kinds at most", OWN_KINDS);
    context->own_schedules[context->own_schedule_count++] = type;
    return REEL_OK;
}

/* ------------------------------------------------------------------------------------------------ making and freeing */

static size_t numbers_bytes(const reel_schedule *s)
{
    return (2 * (size_t)s->count + (size_t)(s->type ? s->type->state_count : 0)) * sizeof(double);
}

static size_t members_bytes(const reel_schedule *s)
{
    return (size_t)s->member_count * (sizeof *s->members + 2 * sizeof *s->lengths);
}

static void schedule_destroy(reel_object *object)
{
    reel_schedule *s = (reel_schedule *)object;
    /* A context that is freed may reach a member before its whole. */
    for (int i = 0; s->owner && i < s->owner->member_count; i++)
        if (s->owner->members[i] == s) s->owner->members[i] = NULL;
    for (int i = 0; i < s->member_count; i++) object_free(s->members[i]);
    memory_free(object->context, s->given, numbers_bytes(s));
    memory_free(object->context, s->lengths, members_bytes(s));
    object_release(object, sizeof *s);
}

void reel_schedule_free(reel_schedule *schedule)
{
    if (schedule && !schedule->owner) object_free(schedule);
}

/* Row of the table that value i belongs to. */
static const reel_hyper *row_of(const reel_schedule_type *type, int i)
{
    return &type->hypers[i < type->hyper_count ? i : type->hyper_count - 1];
}

static reel_status check_given(const char *site, reel_context *context, const char *who, const reel_schedule *s)
{
    const reel_schedule_type *type = s->type;
    for (int i = 0; i < s->count; i++) {
        const reel_hyper *h = row_of(type, i);
        if (!isnan(s->given[i])) {
            reel_status status = reel_hyper_check(site, context, who, h, s->given[i]);
            if (status != REEL_OK) return status;
        } else if (h->required) {
            return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "%s needs a value for %s: %s", type->name,
                                  h->name, h->text);
        }
    }
    return REEL_OK;
}

reel_schedule *reel_schedule_new(const char *site, reel_context *context, const reel_schedule_type *type, int count,
                                 const double *values, void *user)
{
    const char *who = "schedule_new";
    if (reel_failed(context)) return NULL;
    bool repeats = type && type->hyper_count > 0 && type->hypers[type->hyper_count - 1].repeats;
    if (!type || !type->name || !type->rate || type->size != sizeof *type || count < 0 || (count > 0 && !values) ||
        (count > type->hyper_count && !repeats)) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                       type && type->name ? "%s: found %d values, expected at most %d"
                                          : "%s: the descriptor has no name, no rate, or another version's size",
                       type && type->name ? type->name : "schedule", count, type ? type->hyper_count : 0);
        return NULL;
    }
    reel_schedule *s = object_new(context, site, who, sizeof *s, schedule_destroy);
    if (!s) return NULL;
    s->type = type;
    s->user = user;
    s->count = count > type->hyper_count ? count : type->hyper_count;
    s->given = memory_zero(context, site, who, numbers_bytes(s));
    if (s->given) {
        s->values = s->given + s->count;
        s->state = s->values + s->count;
        for (int i = 0; i < s->count; i++) s->given[i] = i < count ? values[i] : NAN;
        if (type->start) type->start(s->given, s->state);
    }
    if (!s->given || check_given(site, context, who, s) != REEL_OK || schedule_fit(s, site, who, 0) != REEL_OK) {
        object_free(s);
        return NULL;
    }
    return s;
}

static bool may_join(reel_schedule *const *members, int i)
{
    for (int j = 0; j < i; j++)
        if (members[j] == members[i]) return false; /* before a look inside: it may be freed already */
    return members[i] && !members[i]->owner;
}

static void free_members(int count, reel_schedule *const *members)
{
    for (int i = 0; i < count; i++)
        if (may_join(members, i)) object_free(members[i]);
}

reel_schedule *schedule_compose(const char *site, reel_context *context, const char *who, int count,
                                reel_schedule *const *members, const int64_t *lengths, bool chained)
{
    bool good = true;
    for (int i = 0; i < count; i++) good = may_join(members, i) && good;
    if (!good)
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "a member is NULL, listed twice or a member already");
    reel_schedule *s = good ? object_new(context, site, who, sizeof *s, schedule_destroy) : NULL;
    void *block = NULL;
    if (s) {
        s->member_count = count;
        block = memory_zero(context, site, who, members_bytes(s));
        if (!block) s->member_count = 0;
    }
    if (!block) {
        free_members(count, members);
        object_free(s);
        return NULL;
    }
    s->chained = chained;
    s->lengths = block;
    s->starts = s->lengths + count;
    s->members = (reel_schedule **)(s->starts + count);
    for (int i = 0; i < count; i++) {
        s->members[i] = members[i];
        members[i]->owner = s;
        if (lengths) s->lengths[i] = lengths[i];
    }
    return s;
}

static reel_schedule *compose(const char *site, reel_context *context, const char *who, int count,
                              reel_schedule *const *members, const int64_t *starts, bool chained)
{
    bool listed = count >= 1 && count <= MEMBERS_MOST && members && (chained || count == 1 || starts);
    int64_t lengths[MEMBERS_MOST] = {0}, before = 0;
    for (int i = 0; listed && !chained && i < count - 1; before = starts[i++]) {
        lengths[i] = starts[i] - before;
        if (lengths[i] > 0) continue;
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found step %lld after %lld, expected increasing starts",
                       (long long)starts[i], (long long)before);
        listed = false;
    }
    if (!listed) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found %d members, expected a list of 1 to %d", count,
                       MEMBERS_MOST);
        if (members) free_members(count, members);
        return NULL;
    }
    reel_schedule *s = schedule_compose(site, context, who, count, members, lengths, chained);
    if (s && schedule_fit(s, site, who, 0) != REEL_OK) {
        object_free(s);
        return NULL;
    }
    return s;
}

reel_schedule *reel_schedule_sequence_new(const char *site, reel_context *context, int count,
                                          reel_schedule *const *members, const int64_t *starts)
{
    return compose(site, context, "schedule_sequence_new", count, members, starts, false);
}

reel_schedule *reel_schedule_chained_new(const char *site, reel_context *context, int count,
                                         reel_schedule *const *members)
{
    return compose(site, context, "schedule_chained_new", count, members, NULL, true);
}

/* ----------------------------------------------------------------------------------------------------------- horizon */

int64_t schedule_length(const reel_schedule *s)
{
    if (s->type) {
        if (s->type->length == 0) return 0;
        int i = s->type->length - 1;
        double steps = isnan(s->given[i]) ? s->type->hypers[i].value : s->given[i];
        return isnan(steps) ? 0 : (int64_t)steps;
    }
    int64_t sum = 0;
    for (int i = 0; !s->chained && i < s->member_count; i++) {
        int64_t length = s->lengths[i] ? s->lengths[i] : schedule_length(s->members[i]);
        if (length == 0) return 0;
        sum += length;
    }
    return sum;
}

/* What is wrong with a horizon, for the sentence. */
typedef struct misfit {
    enum { FITS, NO_LENGTH, TWO_OPEN, TOO_SHORT } kind;
    const char *name;
    int64_t needed;
} misfit;

static const char *name_of(const reel_schedule *s)
{
    return s->type ? s->type->name : name_of(s->members[0]);
}

static misfit fit(reel_schedule *s, int64_t length, bool horizon);

static misfit fit_sequence(reel_schedule *s, int64_t length, bool horizon)
{
    int open = -1, open_count = 0;
    int64_t fixed = 0, given[MEMBERS_MOST];
    for (int i = 0; i < s->member_count; i++) {
        given[i] = s->lengths[i] ? s->lengths[i] : schedule_length(s->members[i]);
        fixed += given[i];
        if (given[i] == 0) open = i, open_count++;
    }
    int last = s->member_count - 1;
    if (open_count > 1) {
        int first = 0;
        while (given[first] > 0) first++;
        return (misfit){TWO_OPEN, name_of(s->members[first]), 0};
    }
    int64_t rest = length - fixed;
    if (open >= 0 && open < last) {
        if (length == 0) return (misfit){NO_LENGTH, name_of(s->members[open]), 0};
        if (rest <= 0) return (misfit){TOO_SHORT, name_of(s->members[open]), fixed};
        s->uses_horizon |= horizon;
    }
    misfit worst = {FITS, NULL, 0};
    int64_t start = 0;
    for (int i = 0; i <= last; i++) {
        s->starts[i] = start;
        bool from_horizon = i == open;
        int64_t own = from_horizon ? (length > 0 && rest > 0 ? rest : 0) : given[i];
        misfit m = fit(s->members[i], own, from_horizon && horizon);
        if (m.kind == NO_LENGTH && from_horizon && length > 0) m = (misfit){TOO_SHORT, m.name, fixed};
        if (worst.kind == FITS) worst = m;
        s->uses_horizon |= s->members[i]->uses_horizon;
        start += own;
    }
    return worst;
}

/* Fills what s leaves open from `length` steps (0: not known), which come from the horizon or from within the text. */
static misfit fit(reel_schedule *s, int64_t length, bool horizon)
{
    misfit worst = {FITS, NULL, 0};
    s->uses_horizon = false;
    if (s->type) {
        for (int i = 0; i < s->count; i++) {
            const reel_hyper *h = row_of(s->type, i);
            s->values[i] = isnan(s->given[i]) ? h->value : s->given[i];
            if (h->kind != REEL_HYPER_STEPS || !isnan(s->values[i])) continue;
            if (length == 0)
                worst = (misfit){NO_LENGTH, s->type->name, 0};
            else
                s->values[i] = (double)length, s->uses_horizon |= horizon;
        }
    } else if (s->chained) {
        for (int i = 0; i < s->member_count; i++) {
            misfit m = fit(s->members[i], length, horizon);
            if (worst.kind == FITS) worst = m;
            s->uses_horizon |= s->members[i]->uses_horizon;
        }
    } else {
        worst = fit_sequence(s, length, horizon);
    }
    s->open = worst.kind != FITS;
    return worst;
}

static const char *check_values(const reel_schedule *s)
{
    if (s->type) return s->type->check ? s->type->check(s->values, s->count) : NULL;
    const char *wrong = NULL;
    for (int i = 0; i < s->member_count && !wrong; i++) wrong = check_values(s->members[i]);
    return wrong;
}

/* A schedule made without a horizon may stay open; one that is told a horizon may not. */
reel_status schedule_fit(reel_schedule *s, const char *site, const char *who, int64_t horizon)
{
    reel_context *context = s->object.context;
    misfit m = fit(s, horizon, true);
    s->horizon = horizon;
    if (m.kind == TWO_OPEN)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "%s is one of several parts without a length: write how long it lasts, as in %s@100",
                              m.name, m.name);
    if (m.kind == TOO_SHORT)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "nothing is left for %s: the other parts last %lld steps of %lld", m.name,
                              (long long)m.needed, (long long)horizon);
    if (s->open) return REEL_OK;
    const char *wrong = check_values(s);
    return wrong ? reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "%s", wrong) : REEL_OK;
}

bool reel_schedule_uses_horizon(const reel_schedule *s)
{
    return s && (s->uses_horizon || s->open);
}

int64_t reel_schedule_horizon(const reel_schedule *s)
{
    return s ? s->horizon : 0;
}

reel_status reel_schedule_set_horizon(const char *site, reel_schedule *s, int64_t horizon)
{
    const char *who = "schedule_set_horizon";
    if (!s) return REEL_BAD_ARGUMENT;
    reel_context *context = s->object.context;
    if (reel_failed(context)) return context->status;
    if (horizon < 0 || s->owner)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found %lld steps of %s, expected 0 or more of %s",
                              (long long)horizon, s->owner ? "a member" : "a whole schedule", "a whole schedule");
    int64_t before = s->horizon;
    reel_status status = schedule_fit(s, site, who, horizon);
    if (status == REEL_OK && s->open)
        status = reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "a part has no length and the horizon is 0");
    if (status != REEL_OK) {
        fit(s, before, true);
        s->horizon = before;
    }
    return status;
}

/* -------------------------------------------------------------------------------------------------------- evaluation */

static reel_schedule_point point_of(const reel_schedule *s, int64_t step, double base)
{
    void *user = s->type == &lambda_schedule ? (void *)(uintptr_t)s : s->user;
    return (reel_schedule_point){s->values, s->count, s->state, step, base, user};
}

static int member_at(const reel_schedule *s, int64_t step)
{
    int i = s->member_count - 1;
    while (i > 0 && s->starts[i] > step) i--;
    return i;
}

double reel_schedule_rate(const reel_schedule *s, int64_t step, double base)
{
    if (!s) return base;
    if (s->open) return NAN;
    if (s->type) {
        reel_schedule_point at = point_of(s, step, base);
        return s->type->rate(&at);
    }
    if (!s->chained) {
        int i = member_at(s, step);
        return reel_schedule_rate(s->members[i], step - s->starts[i], base);
    }
    for (int i = 0; i < s->member_count; i++) base = reel_schedule_rate(s->members[i], step, base);
    return base;
}

bool reel_schedule_cycles_momentum(const reel_schedule *s)
{
    if (!s) return false;
    if (s->type) {
        reel_schedule_point at = point_of(s, 0, 0);
        return s->type->momentum && (!s->type->cycles_momentum || s->type->cycles_momentum(&at));
    }
    for (int i = 0; i < s->member_count; i++)
        if (reel_schedule_cycles_momentum(s->members[i])) return true;
    return false;
}

double reel_schedule_momentum(const reel_schedule *s, int64_t step, double base)
{
    if (!s || s->open || !reel_schedule_cycles_momentum(s)) return base;
    if (s->type) {
        reel_schedule_point at = point_of(s, step, base);
        return s->type->momentum(&at);
    }
    if (!s->chained) {
        int i = member_at(s, step);
        return reel_schedule_momentum(s->members[i], step - s->starts[i], base);
    }
    for (int i = 0; i < s->member_count; i++) base = reel_schedule_momentum(s->members[i], step, base);
    return base;
}

bool reel_schedule_watches(const reel_schedule *s)
{
    if (!s) return false;
    if (s->type) return s->type->observe != NULL;
    for (int i = 0; i < s->member_count; i++)
        if (reel_schedule_watches(s->members[i])) return true;
    return false;
}

void reel_schedule_observe(reel_schedule *s, int64_t step, double metric)
{
    if (!s || s->open) return;
    if (s->type) {
        if (s->type->observe) s->type->observe(s->values, s->state, metric);
    } else if (!s->chained) {
        int i = member_at(s, step);
        reel_schedule_observe(s->members[i], step - s->starts[i], metric);
    } else {
        for (int i = 0; i < s->member_count; i++) reel_schedule_observe(s->members[i], step, metric);
    }
}
