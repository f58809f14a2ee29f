/* SPDX-License-Identifier: MIT
 *
 * Optimizers: making and freeing, hyper-parameters, groups, schedules.
 */
#include "optim/optim.h"

#include <string.h>

static const char *const policies[] = {"error", "skip", "pass", NULL};
static const reel_hyper shared_table[SHARED_COUNT] = {
    [SHARED_CLIP_VALUE] = {.name = "clip_value", UNBOUNDED, .text = "limit of each gradient element; 0: none"},
    [SHARED_CLIP_NORM] = {.name = "clip_norm", UNBOUNDED, .text = "limit of the gradient norm; 0: none"},
    [SHARED_CLIP_NORM_TYPE] =
        {.name = "clip_norm_type", .value = 2, .open_least = true, .most = INFINITY, .text = "p of the norm"},
    [SHARED_CLIP_NONFINITE] = {.name = "clip_nonfinite",
                               .kind = REEL_HYPER_CHOICE,
                               .choices = policies,
                               .text = "what to do about a norm that is not finite"},
    [SHARED_NOISE] = {.name = "noise",
                      .flag = "gradient-noise",
                      UNBOUNDED,
                      .text = "standard deviation of gradient noise; 0: none"},
    [SHARED_NOISE_DECAY] = {.name = "noise_decay",
                            .flag = "gradient-noise-decay",
                            UNBOUNDED,
                            .text = "noise / (1 + t)^noise_decay at step t"},
    [SHARED_NOISE_SEED] = {.name = "noise_seed",
                           .flag = "gradient-noise-seed",
                           .kind = REEL_HYPER_WHOLE,
                           .most = 0x1p53,
                           .text = "seed of the noise"},
};

const reel_hyper *reel_optimizer_shared_hypers(int *count)
{
    if (count) *count = SHARED_COUNT;
    return shared_table;
}

/* ------------------------------------------------------------------------------------------------ making and freeing */

static size_t group_bytes(const reel_optimizer *o)
{
    return (2 * (size_t)o->type->hyper_count + (size_t)o->type->scalar_count) * sizeof(double);
}

static void optimizer_destroy(reel_object *object)
{
    reel_optimizer *o = (reel_optimizer *)object;
    for (int i = 0; i < STATE_MOST; i++) optimizer_state_free(o, i);
    for (int g = 0; g < o->group_count; g++) memory_free(object->context, o->groups[g].values, group_bytes(o));
    memory_free(object->context, o->groups, (size_t)o->group_count * sizeof *o->groups);
    reel_rng_free(o->noise);
    memory_free(object->context, o->group_of, (size_t)o->parameters * sizeof(int));
    object_release(object, sizeof *o);
}

/* Appends a group with the values of group 0, or the defaults. */
static optimizer_group *group_add(reel_optimizer *o, const char *site, const char *who)
{
    reel_context *context = o->object.context;
    double *block = memory_zero(context, site, who, group_bytes(o));
    if (!block) return NULL;
    size_t old_size = (size_t)o->group_count * sizeof *o->groups;
    optimizer_group *grown = memory_resize(context, site, who, o->groups, old_size, old_size + sizeof *o->groups);
    if (!grown) {
        memory_free(context, block, group_bytes(o));
        return NULL;
    }
    o->groups = grown;
    int hypers = o->type->hyper_count;
    optimizer_group *group = &o->groups[o->group_count++];
    *group = (optimizer_group){.values = block, .current = block + hypers, .scalars = block + 2 * hypers};
    for (int i = 0; i < hypers; i++) block[i] = group == o->groups ? o->type->hypers[i].value : o->groups[0].values[i];
    if (group != o->groups) group->schedule = o->groups[0].schedule;
    return group;
}

static reel_status check_type(const char *site, reel_context *context, const reel_optimizer_type *type)
{
    const char *who = "optimizer_new";
    if (!type || !type->name || !type->update || type->size != sizeof *type)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "the descriptor is missing, has no name, no update, or another size than this version's");
    if (type->state_count < 0 || type->state_count > STATE_MOST)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "%s: found %d state vectors, expected 0 to %d",
                              type->name, type->state_count, STATE_MOST);
    return REEL_OK;
}

reel_optimizer *reel_optimizer_new(const char *site, reel_params *params, const reel_optimizer_type *type)
{
    const char *who = "optimizer_new";
    if (!params || reel_failed(params->object.context)) return NULL;
    if (check_type(site, params->object.context, type) != REEL_OK) return NULL;
    if (reel_params_seal(site, params) != REEL_OK) return NULL;
    reel_rng *noise = reel_rng_philox_new(site, params->object.context, 0, "gradient noise");
    reel_optimizer *o = object_new(params->object.context, site, who, sizeof *o, optimizer_destroy);
    if (!o) {
        reel_rng_free(noise);
        return NULL;
    }
    o->noise = noise;
    o->params = params;
    o->type = type;
    o->gradient_norm = NAN;
    for (int i = 0; i < SHARED_COUNT; i++) o->shared[i] = shared_table[i].value;
    o->rate_row = reel_hyper_find(type->hypers, type->hyper_count, "lr");
    o->momentum_row = reel_hyper_find(type->hypers, type->hyper_count, "momentum");
    if (o->momentum_row < 0) o->momentum_row = reel_hyper_find(type->hypers, type->hyper_count, "beta1");
    o->group_of = memory_zero(o->object.context, site, who, (size_t)params->values.count * sizeof(int));
    if (o->group_of) o->parameters = params->values.count;
    if (!o->group_of || !group_add(o, site, who) || optimizer_reserve(o, site, who) != REEL_OK) {
        object_free(o);
        return NULL;
    }
    return o;
}

reel_optimizer *optimizer_with_rate(const char *site, reel_params *params, const reel_optimizer_type *type, double lr)
{
    reel_optimizer *o = reel_optimizer_new(site, params, type);
    if (o && reel_optimizer_set(site, o, "lr", lr) != REEL_OK) {
        object_free(o);
        return NULL;
    }
    return o;
}

void reel_optimizer_free(reel_optimizer *optimizer)
{
    object_free(optimizer);
}

/* Which state vectors some group needs; a cycled momentum counts as one that is not 0. */
static unsigned state_wanted(reel_optimizer *o)
{
    unsigned wanted = 0;
    for (int g = 0; g < o->group_count; g++) {
        optimizer_group *group = &o->groups[g];
        if (!o->type->uses) return (1u << o->type->state_count) - 1;
        wanted |= o->type->uses(group->values);
        if (o->momentum_row < 0 || !reel_schedule_cycles_momentum(group->schedule)) continue;
        memcpy(group->current, group->values, (size_t)o->type->hyper_count * sizeof(double));
        group->current[o->momentum_row] = 0.5;
        wanted |= o->type->uses(group->current);
    }
    return wanted;
}

reel_status optimizer_state_new(reel_optimizer *o, const char *site, const char *who, int i)
{
    state_vector *s = &o->state[i];
    if (s->data) return REEL_OK;
    s->data = params_vector_new(o->params, site, who, 2 + i, &s->block);
    if (!s->data) return o->object.context->status;
    s->bytes = params_vector_bytes(o->params, 2 + i);
    return REEL_OK;
}

void optimizer_state_free(reel_optimizer *o, int i)
{
    memory_free(o->object.context, o->state[i].block, o->state[i].bytes);
    o->state[i] = (state_vector){NULL, NULL, 0, false};
}

reel_status optimizer_reserve(reel_optimizer *o, const char *site, const char *who)
{
    unsigned wanted = state_wanted(o);
    reel_status status = REEL_OK;
    for (int i = 0; i < o->type->state_count && status == REEL_OK; i++)
        if (wanted >> i & 1) status = optimizer_state_new(o, site, who, i);
    return status;
}

const reel_optimizer_type *reel_optimizer_kind(const reel_optimizer *optimizer)
{
    return optimizer ? optimizer->type : NULL;
}

reel_params *reel_optimizer_params(const reel_optimizer *optimizer)
{
    return optimizer ? optimizer->params : NULL;
}

/* -------------------------------------------------------------------------------------------------- hyper-parameters */

static reel_status unknown(const char *site, reel_optimizer *o, const char *who, const char *name)
{
    return reel_hyper_unknown(site, o->object.context, who, name, name ? strlen(name) : 0, o->type->hypers,
                              o->type->hyper_count, shared_table, SHARED_COUNT);
}

/* Sets row of the type's table in groups first .. last - 1; memory for moments that are now needed comes at once. */
static reel_status set_row(const char *site, const char *who, reel_optimizer *o, int first, int last, int row,
                           double value)
{
    reel_status status = reel_hyper_check(site, o->object.context, who, &o->type->hypers[row], value);
    if (status != REEL_OK) return status;
    for (int g = first; g < last; g++) o->groups[g].values[row] = value;
    return optimizer_reserve(o, site, who);
}

reel_status reel_optimizer_set(const char *site, reel_optimizer *o, const char *name, double value)
{
    const char *who = "optimizer_set";
    if (!o) return REEL_BAD_ARGUMENT;
    if (reel_failed(o->object.context)) return o->object.context->status;
    int row = reel_hyper_find(o->type->hypers, o->type->hyper_count, name);
    if (row >= 0) return set_row(site, who, o, 0, o->group_count, row, value);
    row = reel_hyper_find(shared_table, SHARED_COUNT, name);
    if (row < 0) return unknown(site, o, who, name);
    reel_status status = reel_hyper_check(site, o->object.context, who, &shared_table[row], value);
    if (status == REEL_OK) o->shared[row] = value;
    return status;
}

double reel_optimizer_get(const reel_optimizer *o, const char *name)
{
    int row = o ? reel_hyper_find(shared_table, SHARED_COUNT, name) : -1;
    return row >= 0 ? o->shared[row] : reel_optimizer_group_get(o, 0, name);
}

static bool has_group(const char *site, const char *who, reel_optimizer *o, int group)
{
    if (group >= 0 && group < o->group_count) return true;
    reel_error_set(o->object.context, REEL_BAD_INDEX, site, who, "found group %d, expected 0 to %d", group,
                   o->group_count - 1);
    return false;
}

reel_status reel_optimizer_group_set(const char *site, reel_optimizer *o, int group, const char *name, double value)
{
    const char *who = "optimizer_group_set";
    if (!o) return REEL_BAD_ARGUMENT;
    reel_context *context = o->object.context;
    if (reel_failed(context)) return context->status;
    if (!has_group(site, who, o, group)) return REEL_BAD_INDEX;
    int row = reel_hyper_find(o->type->hypers, o->type->hyper_count, name);
    if (row >= 0) return set_row(site, who, o, group, group + 1, row, value);
    if (reel_hyper_find(shared_table, SHARED_COUNT, name) < 0) return unknown(site, o, who, name);
    return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "%s is one for the whole optimizer: use optimizer_set",
                          name);
}

double reel_optimizer_group_get(const reel_optimizer *o, int group, const char *name)
{
    if (!o || group < 0 || group >= o->group_count) return NAN;
    int row = reel_hyper_find(o->type->hypers, o->type->hyper_count, name);
    return row >= 0 ? o->groups[group].values[row] : NAN;
}

/* ------------------------------------------------------------------------------------------------------------ groups */

int reel_optimizer_group(const char *site, reel_optimizer *o, int count, const int *indices)
{
    const char *who = "optimizer_group";
    if (!o || reel_failed(o->object.context)) return -1;
    reel_context *context = o->object.context;
    if (o->steps > 0)
        return reel_error_set(context, REEL_BAD_STATE, site, who, "groups are made before the first step"), -1;
    if (count < 0 || (count > 0 && !indices))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found %d parameters, expected a list", count), -1;
    for (int i = 0; i < count; i++) {
        if (indices[i] < 0 || indices[i] >= o->parameters)
            return reel_error_set(context, REEL_BAD_INDEX, site, who, "found parameter %d, expected 0 to %d",
                                  indices[i], o->parameters - 1),
                   -1;
        for (int j = 0; j < i; j++)
            if (indices[j] == indices[i])
                return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "\"%s\" is listed twice",
                                      reel_params_name(o->params, indices[i])),
                       -1;
    }
    if (!group_add(o, site, who)) return -1;
    for (int i = 0; i < count; i++) o->group_of[indices[i]] = o->group_count - 1;
    return o->group_count - 1;
}

int reel_optimizer_group_count(const reel_optimizer *o)
{
    return o ? o->group_count : 0;
}

int reel_optimizer_group_of(const reel_optimizer *o, int parameter)
{
    return o && parameter >= 0 && parameter < o->parameters ? o->group_of[parameter] : -1;
}

/* --------------------------------------------------------------------------------------------------------- schedules */

static reel_status attach(const char *site, const char *who, reel_optimizer *o, int first, int last,
                          reel_schedule *schedule)
{
    reel_context *context = o->object.context;
    if (reel_failed(context)) return context->status;
    if (schedule && o->rate_row < 0)
        return reel_error_set(context, REEL_BAD_STATE, site, who, "%s has no hyper-parameter lr for a schedule to move",
                              o->type->name);
    if (o->momentum_row < 0 && reel_schedule_cycles_momentum(schedule))
        return reel_error_set(context, REEL_BAD_STATE, site, who,
                              "the schedule cycles the momentum, but %s has neither momentum nor beta1", o->type->name);
    for (int g = first; g < last; g++) o->groups[g].schedule = schedule;
    return optimizer_reserve(o, site, who);
}

reel_status reel_optimizer_set_schedule(const char *site, reel_optimizer *o, reel_schedule *schedule)
{
    if (!o) return REEL_BAD_ARGUMENT;
    return attach(site, "optimizer_set_schedule", o, 0, o->group_count, schedule);
}

reel_status reel_optimizer_group_set_schedule(const char *site, reel_optimizer *o, int group, reel_schedule *schedule)
{
    const char *who = "optimizer_group_set_schedule";
    if (!o) return REEL_BAD_ARGUMENT;
    if (!has_group(site, who, o, group)) return REEL_BAD_INDEX;
    return attach(site, who, o, group, group + 1, schedule);
}

reel_schedule *reel_optimizer_schedule(const reel_optimizer *o, int group)
{
    return o && group >= 0 && group < o->group_count ? o->groups[group].schedule : NULL;
}

void reel_optimizer_set_origin(reel_optimizer *o, int64_t origin)
{
    if (o) o->origin = origin;
}

int64_t reel_optimizer_origin(const reel_optimizer *o)
{
    return o ? o->origin : 0;
}

int64_t optimizer_schedule_step(const reel_optimizer *o)
{
    return o->steps > o->origin ? o->steps - o->origin : 0;
}

void reel_optimizer_observe(reel_optimizer *o, double metric)
{
    for (int g = 0; o && g < o->group_count; g++) {
        bool told = false;
        for (int earlier = 0; earlier < g; earlier++) told |= o->groups[earlier].schedule == o->groups[g].schedule;
        if (!told) reel_schedule_observe(o->groups[g].schedule, optimizer_schedule_step(o), metric);
    }
}

double reel_optimizer_group_rate(const reel_optimizer *o, int group)
{
    if (!o || o->rate_row < 0 || group < 0 || group >= o->group_count) return NAN;
    const optimizer_group *g = &o->groups[group];
    return reel_schedule_rate(g->schedule, optimizer_schedule_step(o), g->values[o->rate_row]);
}

double reel_optimizer_rate(const reel_optimizer *o)
{
    return reel_optimizer_group_rate(o, 0);
}
