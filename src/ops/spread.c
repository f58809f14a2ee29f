/* SPDX-License-Identifier: MIT
 *
 * Large element-wise operations on the threads of the context.
 */
#include "ops/spread.h"
#include "core/threads.h"
#include "tape/tape.h"

/* Elements that one thread takes at a time, a multiple of every vector: 64 or 128 kB of each array. */
#define CHUNK 16384

typedef struct spread {
    const reel_call *call;
    const unary_kernel *unary;
    double p0, p1;
    binary_forward *forward;
    binary_backward *backward;
    bool runs_a, runs_b; /* a, b have an element for each of the result */
    int which;
} spread;

static void run(const reel_call *call, threads_work *work, spread *s)
{
    threads_run(call->tape->object.context->threads, (call->out->size + CHUNK - 1) / CHUNK, work, s);
}

/* Elements of a chunk; *offset: where it starts, in bytes. */
static int64_t part_of(const spread *s, int64_t chunk, size_t *offset)
{
    const reel_array *y = s->call->out;
    *offset = (size_t)(chunk * CHUNK) * element_size(y->dtype);
    return y->size - chunk * CHUNK < CHUNK ? y->size - chunk * CHUNK : CHUNK;
}

/* ---- unary ---- */

static void unary_forward_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    const spread *s = argument;
    const reel_call *c = s->call;
    size_t at;
    int64_t n = part_of(s, chunk, &at);
    s->unary->forward(n, (const char *)c->in[0]->data + at, (char *)c->out->data + at, s->p0, s->p1);
}

static void unary_backward_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    const spread *s = argument;
    const reel_call *c = s->call;
    size_t at;
    int64_t n = part_of(s, chunk, &at);
    s->unary->backward(n, (const char *)c->in[0]->data + at, (const char *)c->out->data + at,
                       (const char *)c->out_gradient + at, (char *)c->in_gradient[0] + at, c->add[0], s->p0, s->p1);
}

void spread_unary_forward(const reel_call *call, const unary_kernel *kernel, double p0, double p1)
{
    run(call, unary_forward_chunk, &(spread){.call = call, .unary = kernel, .p0 = p0, .p1 = p1});
}

void spread_unary_backward(const reel_call *call, const unary_kernel *kernel, double p0, double p1)
{
    run(call, unary_backward_chunk, &(spread){.call = call, .unary = kernel, .p0 = p0, .p1 = p1});
}

/* ---- binary ---- */

/* Which operands run (RUN_...), or -1. */
static int runs_of(const reel_call *call, spread *s)
{
    const int64_t a = call->in[0]->size, b = call->in[1]->size, n = call->out->size;
    s->runs_a = a == n;
    s->runs_b = b == n;
    if (s->runs_a && s->runs_b) return RUN_BOTH;
    if (s->runs_a && b == 1) return RUN_A;
    return s->runs_b && a == 1 ? RUN_B : -1;
}

static void binary_forward_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    const spread *s = argument;
    const reel_call *c = s->call;
    size_t at;
    int64_t n = part_of(s, chunk, &at);
    s->forward(n, (const char *)c->in[0]->data + (s->runs_a ? at : 0),
               (const char *)c->in[1]->data + (s->runs_b ? at : 0), (char *)c->out->data + at);
}

static void binary_backward_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    const spread *s = argument;
    const reel_call *c = s->call;
    size_t at;
    int64_t n = part_of(s, chunk, &at);
    s->backward(n, (const char *)c->in[0]->data + (s->runs_a ? at : 0),
                (const char *)c->in[1]->data + (s->runs_b ? at : 0), (const char *)c->out->data + at,
                (const char *)c->out_gradient + at, (char *)c->in_gradient[s->which] + at, c->add[s->which]);
}

bool spread_binary_forward(const reel_call *call, const binary_kernel *kernel)
{
    spread s = {.call = call};
    int runs = runs_of(call, &s);
    if (runs < 0) return false;
    s.forward = kernel->forward[runs];
    run(call, binary_forward_chunk, &s);
    return true;
}

bool spread_binary_backward(const reel_call *call, const binary_kernel *kernel, int which)
{
    spread s = {.call = call, .which = which};
    int runs = runs_of(call, &s);
    if (runs < 0 || !(which ? s.runs_b : s.runs_a)) return false;
    s.backward = kernel->backward[which][runs];
    run(call, binary_backward_chunk, &s);
    return true;
}
