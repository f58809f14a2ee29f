/* SPDX-License-Identifier: MIT
 *
 * A checkpoint as the commands look at it.
 */
#include "checkpoint_view.h"

#include "output.h"

#include <math.h>
#include <string.h>

double view_number(const checkpoint_view *v, const char *base, const char *name)
{
    char path[PATH_SIZE];
    if (!*base || snprintf(path, sizeof path, "%s/%s", base, name) >= (int)sizeof path) return NAN;
    return reel_checkpoint_number(v->checkpoint, path);
}

bool view_text(const checkpoint_view *v, const char *base, const char *name, char text[TEXT_SIZE])
{
    char path[PATH_SIZE];
    text[0] = '\0';
    if (snprintf(path, sizeof path, "%s%s%s", base, *base ? "/" : "", name) >= (int)sizeof path) return false;
    return reel_checkpoint_text(v->checkpoint, path, text, TEXT_SIZE);
}

static bool has_member(const checkpoint_view *v, const char *path, const char *name)
{
    const char *member;
    for (int i = 0; (member = reel_checkpoint_member(v->checkpoint, path, i)) != NULL; i++)
        if (strcmp(member, name) == 0) return true;
    return false;
}

/* The first member of the state that has a member of this name. The trainer's names are not relied on: a program may
 * have chosen its own. */
static void find_part(checkpoint_view *v, const char *has, char path[PATH_SIZE])
{
    const char *member;
    for (int i = 0; (member = reel_checkpoint_member(v->checkpoint, "state", i)) != NULL; i++)
        if (snprintf(path, PATH_SIZE, "state/%s", member) < PATH_SIZE && has_member(v, path, has)) return;
    path[0] = '\0';
}

const char *verdict_text(reel_hash_verdict verdict)
{
    switch (verdict) {
    case REEL_HASH_RIGHT: return "right";
    case REEL_HASH_WRONG: return "wrong: damaged or edited";
    default: return "missing: cut off, or not written by Reel";
    }
}

/* Rate of the next update: the group's lr as the schedule has it at this step. */
double view_rate(checkpoint_view *v, const char *group, double rate, char spec[TEXT_SIZE])
{
    char schedule[PATH_SIZE];
    snprintf(schedule, sizeof schedule, "%.900s/schedule", group);
    if (!view_text(v, schedule, "spec", spec) || !*spec) return rate;
    double horizon = view_number(v, schedule, "horizon"), steps = view_number(v, v->optimizer, "steps"),
           origin = view_number(v, v->optimizer, "origin");
    reel_schedule *parsed = reel_schedule_parse(NULL, v->context, spec, horizon > 0 ? (int64_t)horizon : 0);
    reel_error_clear(v->context); /* a schedule of the program's own, say: its rate cannot be told */
    if (!parsed || reel_schedule_watches(parsed)) return NAN;
    return reel_schedule_rate(parsed, (int64_t)(steps - (isnan(origin) ? 0 : origin)), rate);
}

/* The row of a hyper-parameter in the tables of this version of Reel; NULL when it has none. */
const reel_hyper *view_hyper(const checkpoint_view *v, const char *name)
{
    char kind[TEXT_SIZE];
    int shared, row;
    const reel_hyper *table = reel_optimizer_shared_hypers(&shared);
    if ((row = reel_hyper_find(table, shared, name)) >= 0) return &table[row];
    view_text(v, v->optimizer, "kind", kind);
    const reel_optimizer_type *type = reel_optimizer_find(kind);
    row = type ? reel_hyper_find(type->hypers, type->hyper_count, name) : -1;
    return row >= 0 ? &type->hypers[row] : NULL;
}

bool view_open(checkpoint_view *v, const char *path)
{
    v->context = reel_context_new(NULL);
    v->checkpoint = reel_checkpoint_open(NULL, v->context, path);
    if (!v->checkpoint) return false;
    find_part(v, "steps_per_epoch", v->trainer);
    find_part(v, "module", v->model);
    find_part(v, "values", v->parameters);
    find_part(v, "groups", v->optimizer);
    return true;
}

void shape_text(const reel_array *a, char text[128])
{
    size_t used = 1;
    strcpy(text, "(");
    for (int d = 0; d < a->rank; d++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%lld", d ? ", " : "", (long long)a->shape[d]);
    snprintf(text + used, 128 - used, ")");
}
