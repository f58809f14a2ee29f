/* SPDX-License-Identifier: MIT
 *
 * What a probe takes down and puts back: parameters with gradients and buffers, random streams, the optimizer.
 */
#include "train/probe_keep.h"

#include "core/random.h"

#include <string.h>

/* ---- parameters ---- */

struct probe_params {
    probe_params *next;
    reel_params *params;
    size_t value_bytes, gradient_bytes, buffer_bytes;
    char *values, *gradient, *buffers;
    bool *written; /* (parameters) */
    gradient_state state;
    uint32_t version;
    bool whole;
};

static void *copy_of(probe *p, const void *from, size_t size)
{
    void *copy = memory_new(p->context, p->site, p->who, size + 1); /* + 1: no parameters is no failure */
    if (copy && size) memcpy(copy, from, size);
    return copy;
}

static bool keep_store(probe *p, reel_params *params)
{
    probe_params *k = memory_zero(p->context, p->site, p->who, sizeof *k), **end = &p->kept;
    if (!k) return false;
    while (*end) end = &(*end)->next;
    *end = k;
    size_t element = element_size(params->dtype), count = (size_t)params->values.count;
    k->params = params;
    k->value_bytes = (size_t)params->values.size * element;
    k->gradient_bytes = params->gradient ? k->value_bytes : 0;
    k->buffer_bytes = (size_t)params->buffers.size * element;
    k->state = params->state;
    k->version = params->version;
    k->values = copy_of(p, params->values.data, k->value_bytes);
    k->gradient = copy_of(p, params->gradient, k->gradient_bytes);
    k->buffers = copy_of(p, params->buffers.data, k->buffer_bytes);
    k->written = memory_new(p->context, p->site, p->who, count + 1);
    k->whole = k->values && k->gradient && k->buffers && k->written;
    for (size_t i = 0; i < count && k->whole; i++) k->written[i] = params->values.slices[i].written;
    return k->whole;
}

/* The one that is moved comes first. A walk back reaches every store that the loss depends on, and normalisation writes
 * to the buffers of any; a copy of the model has only its own. */
bool keep_params(probe *p)
{
    if (!keep_store(p, p->params)) return false;
    for (reel_object *o = p->context->objects; o && !p->shadow; o = o->next)
        if (o->destroy == p->params->object.destroy && o != &p->params->object && !keep_store(p, (reel_params *)o))
            return false;
    return true;
}

const void *kept_values(const probe *p)
{
    return p->kept->values;
}

void put_buffers(probe *p)
{
    for (probe_params *k = p->kept; k; k = k->next)
        if (k->whole && k->buffer_bytes) memcpy(k->params->buffers.data, k->buffers, k->buffer_bytes);
}

/* The version is put back too: the bits are those that were recorded with it. */
void put_params(probe *p)
{
    put_buffers(p);
    for (probe_params *k = p->kept; k; k = k->next) {
        if (!k->whole) continue; /* nothing was changed yet */
        if (k->value_bytes) memcpy(k->params->values.data, k->values, k->value_bytes);
        if (k->gradient_bytes) memcpy(k->params->gradient, k->gradient, k->gradient_bytes);
        for (int i = 0; i < k->params->values.count; i++) k->params->values.slices[i].written = k->written[i];
        k->params->state = k->state;
        k->params->version = k->version;
    }
}

void drop_params(probe *p)
{
    for (probe_params *k = p->kept, *next; k; k = next) {
        next = k->next;
        if (k->values) memory_free(p->context, k->values, k->value_bytes + 1);
        if (k->gradient) memory_free(p->context, k->gradient, k->gradient_bytes + 1);
        if (k->buffers) memory_free(p->context, k->buffers, k->buffer_bytes + 1);
        if (k->written) memory_free(p->context, k->written, (size_t)k->params->values.count + 1);
        memory_free(p->context, k, sizeof *k);
    }
    p->kept = NULL;
}

/* ---- random streams ---- */

struct probe_stream {
    reel_rng *rng;
    reel_rng state;
};

/* The next stream of the context, from `o` on: those that the context owns are told by what destroys them. */
static reel_object *next_stream(reel_object *o, const reel_rng *like)
{
    while (o && o->destroy != like->object.destroy) o = o->next;
    return o;
}

bool keep_streams(probe *p)
{
    int64_t count = 0;
    for (reel_object *o = p->context->objects; (o = next_stream(o, p->own)) != NULL; o = o->next) count++;
    p->streams = memory_new(p->context, p->site, p->who, (size_t)count * sizeof *p->streams);
    if (!p->streams) return false;
    for (reel_object *o = p->context->objects; (o = next_stream(o, p->own)) != NULL; o = o->next)
        p->streams[p->stream_count++] = (probe_stream){(reel_rng *)o, *(reel_rng *)o};
    return true;
}

void put_streams(probe *p)
{
    for (int64_t i = 0; i < p->stream_count; i++) {
        reel_rng *rng = p->streams[i].rng;
        reel_object object = rng->object; /* its place in the list may have changed */
        *rng = p->streams[i].state;
        rng->object = object;
    }
}

void drop_streams(probe *p)
{
    memory_free(p->context, p->streams, (size_t)p->stream_count * sizeof *p->streams);
    p->streams = NULL;
    p->stream_count = 0;
}

/* ---- optimizer ---- */

struct probe_optimizer {
    reel_optimizer *optimizer;
    size_t group_bytes, state_bytes;
    double *groups;            /* values, current, scalars of every group */
    reel_schedule **schedules; /* (groups) */
    char *state[STATE_MOST];
    bool started[STATE_MOST];
    int64_t steps, skipped, origin;
    double gradient_norm;
};

static size_t group_bytes(const reel_optimizer *o)
{
    return (2 * (size_t)o->type->hyper_count + (size_t)o->type->scalar_count) * sizeof(double);
}

bool keep_optimizer(probe *p)
{
    reel_optimizer *o = p->trainer->optimizer;
    probe_optimizer *k = memory_zero(p->context, p->site, p->who, sizeof *k);
    if (!k) return false;
    p->optimizer = k;
    k->optimizer = o;
    k->steps = o->steps;
    k->skipped = o->skipped;
    k->origin = o->origin;
    k->gradient_norm = o->gradient_norm;
    k->group_bytes = group_bytes(o);
    k->state_bytes = (size_t)o->params->values.size * element_size(o->params->dtype);
    k->groups = memory_new(p->context, p->site, p->who, (size_t)o->group_count * k->group_bytes + 1);
    k->schedules = memory_new(p->context, p->site, p->who, (size_t)o->group_count * sizeof *k->schedules);
    if (!k->groups || !k->schedules) return false;
    for (int g = 0; g < o->group_count; g++) {
        memcpy((char *)k->groups + (size_t)g * k->group_bytes, o->groups[g].values, k->group_bytes);
        k->schedules[g] = o->groups[g].schedule;
    }
    for (int i = 0; i < o->type->state_count; i++) {
        k->started[i] = o->state[i].started;
        if (!o->state[i].data) continue;
        k->state[i] = copy_of(p, o->state[i].data, k->state_bytes);
        if (!k->state[i]) return false;
    }
    return true;
}

void put_optimizer(probe *p)
{
    probe_optimizer *k = p->optimizer;
    if (!k || !k->groups || !k->schedules) return;
    reel_optimizer *o = k->optimizer;
    for (int g = 0; g < o->group_count; g++) {
        memcpy(o->groups[g].values, (char *)k->groups + (size_t)g * k->group_bytes, k->group_bytes);
        o->groups[g].schedule = k->schedules[g];
    }
    for (int i = 0; i < o->type->state_count; i++) {
        if (!k->state[i]) continue;
        if (k->state_bytes) memcpy(o->state[i].data, k->state[i], k->state_bytes);
        o->state[i].started = k->started[i];
    }
    o->steps = k->steps;
    o->skipped = k->skipped;
    o->origin = k->origin;
    o->gradient_norm = k->gradient_norm;
}

void drop_optimizer(probe *p)
{
    probe_optimizer *k = p->optimizer;
    if (!k) return;
    size_t groups = (size_t)k->optimizer->group_count;
    for (int i = 0; i < STATE_MOST; i++)
        if (k->state[i]) memory_free(p->context, k->state[i], k->state_bytes + 1);
    if (k->groups) memory_free(p->context, k->groups, groups * k->group_bytes + 1);
    if (k->schedules) memory_free(p->context, k->schedules, groups * sizeof *k->schedules);
    memory_free(p->context, k, sizeof *k);
    p->optimizer = NULL;
}
