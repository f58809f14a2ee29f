/* SPDX-License-Identifier: MIT
 *
 * One step of an optimizer: clip, schedule, update run by run, consume the gradient.
 */
#include "core/threads.h"
#include "optim/optim.h"

#include <stdatomic.h>
#include <string.h>

/* Parameters that one thread updates at a time, and from which on they are shared out: Adam takes 15 us for these on one
 * thread, 10 on two. */
#define UPDATE_CHUNK 16384
#define UPDATE_LEAST (2 * UPDATE_CHUNK)
#define UPDATE_LINE 16 /* elements, 64 bytes or more: as many as a vector holds */

static bool run_next(const reel_optimizer *o, run *r)
{
    const slice *slices = o->params->values.slices;
    int i = r->next;
    while (i < o->parameters && (!slices[i].trainable || slices[i].size == 0)) i++;
    if (i >= o->parameters) return false;
    *r = (run){.group = o->group_of[i], .offset = slices[i].offset, .size = slices[i].size, .next = i + 1};
    if (o->type->per_parameter) return true;
    for (i = r->next; i < o->parameters && slices[i].trainable && o->group_of[i] == r->group; i++)
        r->size += slices[i].size;
    r->next = i;
    return true;
}

static void *element(const reel_optimizer *o, void *vector, int64_t offset)
{
    return vector ? (char *)vector + (size_t)offset * element_size(o->params->dtype) : NULL;
}

/* Fills state vectors that nothing was written to with what their type says they start from. */
static void start_state(reel_optimizer *o)
{
    for (int i = 0; i < o->type->state_count; i++) {
        state_vector *s = &o->state[i];
        if (!s->data || s->started) continue;
        s->started = true;
        if (!o->type->initial) continue;
        for (run r = {0}; run_next(o, &r);) {
            double value = o->type->initial(o->groups[r.group].values, i);
            for (int64_t k = 0; k < r.size; k++)
                if (o->params->dtype == REEL_DOUBLE)
                    ((double *)s->data)[r.offset + k] = value;
                else
                    ((float *)s->data)[r.offset + k] = (float)value;
        }
    }
}

/* Every group's hyper-parameters for this step. */
static reel_status schedule_groups(reel_optimizer *o, const char *site, const char *who)
{
    int64_t step = optimizer_schedule_step(o);
    for (int g = 0; g < o->group_count; g++) {
        optimizer_group *group = &o->groups[g];
        memcpy(group->current, group->values, (size_t)o->type->hyper_count * sizeof(double));
        if (group->schedule) {
            double *rate = &group->current[o->rate_row];
            *rate = reel_schedule_rate(group->schedule, step, *rate);
            if (!isfinite(*rate))
                return reel_error_set(o->object.context, REEL_NOT_FINITE, site, who,
                                      "the schedule gives the rate %g at step %lld", *rate, (long long)step);
            if (o->momentum_row >= 0) {
                double *momentum = &group->current[o->momentum_row];
                *momentum = reel_schedule_momentum(group->schedule, step, *momentum);
            }
        }
        const char *wrong = o->type->check ? o->type->check(group->current) : NULL;
        if (wrong)
            return reel_error_set(o->object.context, REEL_BAD_ARGUMENT, site, who, "%s: %s", o->type->name, wrong);
    }
    return REEL_OK;
}

static reel_status clip(reel_optimizer *o, const char *site, const char *who, bool *skip)
{
    const double *shared = o->shared;
    if (shared[SHARED_CLIP_VALUE] > 0) gradient_clip_value(o->params, shared[SHARED_CLIP_VALUE]);
    if (!(shared[SHARED_CLIP_NORM] > 0)) return REEL_OK;
    return gradient_clip_norm(o->params, site, who, shared[SHARED_CLIP_NORM], shared[SHARED_CLIP_NORM_TYPE],
                              (reel_nonfinite)(int)shared[SHARED_CLIP_NONFINITE], &o->gradient_norm, skip);
}

/* The update of `size` elements from `offset` on. */
static reel_status update_part(const reel_optimizer *o, int group, int64_t offset, int64_t size)
{
    void *state[STATE_MOST];
    for (int i = 0; i < o->type->state_count; i++) state[i] = element(o, o->state[i].data, offset);
    /* A vector that another group has asked for, or an earlier setting, is not handed to a group that does not use it. */
    unsigned uses = o->type->uses ? o->type->uses(o->groups[group].current) : ~0u;
    for (int i = 0; i < o->type->state_count; i++)
        if (!(uses >> i & 1)) state[i] = NULL;
    reel_update u = {
        .hyper = o->groups[group].current,
        .t = o->steps + 1,
        .n = size,
        .dtype = o->params->dtype,
        .parameter = element(o, o->params->values.data, offset),
        .gradient = element(o, o->params->gradient, offset),
        .state = state,
        .scalars = o->groups[group].scalars,
    };
    return o->type->update(&u);
}

typedef struct shared_update {
    const reel_optimizer *o;
    int group;
    int64_t offset, size, chunk;
    atomic_int status; /* the first error */
} shared_update;

static void update_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    shared_update *s = argument;
    int64_t from = chunk * s->chunk, size = s->size - from < s->chunk ? s->size - from : s->chunk;
    reel_status status = update_part(s->o, s->group, s->offset + from, size);
    int none = REEL_OK;
    if (status != REEL_OK) atomic_compare_exchange_strong(&s->status, &none, (int)status);
}

/* The same on all threads, in chunks of whole cache lines that every thread gets as many of. */
static reel_status update_shared(const reel_optimizer *o, int group, int64_t offset, int64_t size)
{
    const int threads = o->object.context->threads;
    int64_t count = (size + threads * UPDATE_CHUNK - 1) / (threads * UPDATE_CHUNK) * threads;
    shared_update s = {.o = o, .group = group, .offset = offset, .size = size};
    s.chunk = (size + count * UPDATE_LINE - 1) / (count * UPDATE_LINE) * UPDATE_LINE;
    threads_run(threads, (size + s.chunk - 1) / s.chunk, update_chunk, &s);
    return (reel_status)s.status;
}

/* On several threads every large parameter is shared out by itself: a thread then works on about the part whose gradient it
 * has computed (ops/product.c), which another core's cache would give away slowly. */
static reel_status update_run(reel_optimizer *o, const run *r)
{
    if (r->size < UPDATE_LEAST || !o->type->elementwise || o->object.context->threads == 1)
        return update_part(o, r->group, r->offset, r->size);
    reel_status status = REEL_OK;
    int64_t done = r->offset;
    const int64_t end = r->offset + r->size;
    for (int i = 0; i < r->next && status == REEL_OK; i++) {
        const slice *s = &o->params->values.slices[i];
        if (s->offset < done || s->size < UPDATE_LEAST) continue;
        if (s->offset > done) status = update_part(o, r->group, done, s->offset - done);
        if (status == REEL_OK) status = update_shared(o, r->group, s->offset, s->size);
        done = s->offset + s->size;
    }
    return status == REEL_OK && done < end ? update_part(o, r->group, done, end - done) : status;
}

reel_status reel_optimizer_step(const char *site, reel_optimizer *o)
{
    const char *who = "optimizer_step";
    if (!o) return REEL_BAD_ARGUMENT;
    reel_context *context = o->object.context;
    if (context_failed(context)) return context->status;
    if (!reel_params_has_gradient(o->params))
        return reel_error_set(context, REEL_BAD_STATE, site, who,
                              "there is no gradient: no walk back has succeeded since the last step");
    bool skip = false;
    reel_status status = schedule_groups(o, site, who);
    if (status == REEL_OK) status = clip(o, site, who, &skip);
    if (status != REEL_OK) return status;
    if (skip) {
        o->skipped++;
        reel_params_drop_gradient(o->params);
        return REEL_OK;
    }
    status = gradient_noise(o, site);
    start_state(o);
    for (int g = 0; g < o->group_count && o->type->begin; g++)
        o->type->begin(o->groups[g].current, o->steps + 1, o->groups[g].scalars);
    for (run r = {0}; status == REEL_OK && run_next(o, &r);) status = update_run(o, &r);
    params_project(o->params);
    reel_params_touch(o->params);
    reel_params_drop_gradient(o->params);
    if (status != REEL_OK) return reel_error_set(context, status, site, who, "the update of %s failed", o->type->name);
    o->steps++;
    return REEL_OK;
}

int64_t reel_optimizer_steps(const reel_optimizer *o)
{
    return o ? o->steps : 0;
}

int64_t reel_optimizer_skipped(const reel_optimizer *o)
{
    return o ? o->skipped : 0;
}

double reel_optimizer_gradient_norm(const reel_optimizer *o)
{
    return o ? o->gradient_norm : NAN;
}

reel_array reel_optimizer_state(const reel_optimizer *o, const char *state, int parameter)
{
    if (!o || !state || parameter < 0 || parameter >= o->parameters) return (reel_array){0};
    for (int i = 0; i < o->type->state_count; i++)
        if (strcmp(o->type->state_names[i], state) == 0)
            return slice_view(o->params, &o->params->values.slices[parameter], o->state[i].data);
    return (reel_array){0};
}

void reel_optimizer_reset(reel_optimizer *o, bool steps)
{
    if (!o) return;
    size_t bytes = (size_t)o->params->values.size * reel_dtype_size(o->params->dtype);
    for (int i = 0; i < o->type->state_count; i++) {
        if (o->state[i].data) memset(o->state[i].data, 0, bytes);
        o->state[i].started = false;
    }
    for (int g = 0; g < o->group_count; g++)
        memset(o->groups[g].scalars, 0, (size_t)o->type->scalar_count * sizeof(double));
    if (steps) o->steps = 0;
}
