/* SPDX-License-Identifier: MIT
 *
 * W4: the tape itself. A network of scalars, every number a value of its own.
 */
#include "bench.h"

#include <string.h>

typedef struct scalars {
    reel_context *context;
    reel_params *params; /* (W4_PARAMETERS) of rank 0 */
    reel_tape *tape;
    const limit_w4 *data;
    double loss;
} scalars;

/* s = bias + sum of weight input, unit by unit; returns the index of the next parameter. */
static int layer(const reel_value *parameter, int next, int in, int out, const reel_value *x, reel_value *h)
{
    for (int j = 0; j < out; j++) {
        reel_value s = parameter[next++];
        for (int i = 0; i < in; i++) s = reel_add(s, reel_mul(parameter[next++], x[i]));
        h[j] = reel_tanh(s);
    }
    return next;
}

static void passes(void *user, int64_t repeat)
{
    scalars *m = user;
    reel_value parameter[W4_PARAMETERS], first[W4_HIDDEN], second[W4_HIDDEN], out;
    for (int64_t k = 0; k < repeat; k++) {
        reel_params_drop_gradient(m->params);
        reel_tape_rewind(m->tape);
        for (int i = 0; i < W4_PARAMETERS; i++) parameter[i] = reel_param(m->tape, m->params, i);
        reel_value loss = reel_scalar(m->tape, 0);
        for (int p = 0; p < W4_POINTS; p++) {
            reel_value x[2] = {reel_scalar(m->tape, (double)m->data->x[p][0]),
                               reel_scalar(m->tape, (double)m->data->x[p][1])};
            int next = layer(parameter, 0, 2, W4_HIDDEN, x, first);
            next = layer(parameter, next, W4_HIDDEN, W4_HIDDEN, first, second);
            layer(parameter, next, W4_HIDDEN, 1, second, &out);
            reel_value away = reel_sub(out, reel_scalar(m->tape, (double)m->data->y[p]));
            loss = reel_add(loss, reel_mul(away, away));
        }
        reel_backward(loss);
        m->loss = reel_item(loss);
    }
}

static void build(scalars *m, bench *b, bench_heap *heap)
{
    m->context = bench_context_new(b, heap);
    m->params = reel_params_new(m->context, REEL_FLOAT);
    m->tape = reel_tape_new(m->context, REEL_FLOAT);
    for (int i = 0; i < W4_PARAMETERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        reel_params_add(m->params, name, 0, NULL);
    }
    int64_t size = W4_PARAMETERS;
    float values[W4_PARAMETERS];
    memcpy(values, m->data->parameter, sizeof values);
    reel_array view = reel_array_view(REEL_FLOAT, values, 1, &size);
    reel_params_write(m->params, &view);
}

typedef struct by_hand {
    const limits *limits;
    limit_w4 *data;
    double loss;
} by_hand;

static void without_tape(void *user, int64_t repeat)
{
    by_hand *h = user;
    for (int64_t i = 0; i < repeat; i++) h->loss = h->limits->w4(h->data);
}

static void opcodes(void *user, int64_t repeat)
{
    by_hand *h = user;
    for (int64_t i = 0; i < repeat; i++) h->loss = (double)limit_opcode_w4(h->data);
}

void bench_w4(bench *b)
{
    limit_w4 data = {0};
    scalars m = {.data = &data};
    by_hand hand = {b->limits, &data, 0};
    bench_heap heap;
    bench_title(b, "2-16-16-1 tanh network in scalars, 100 points, 64,400 operations, backward included", b->clock);
    bench_fill(data.parameter, W4_PARAMETERS, 2);
    bench_fill(&data.x[0][0], 2L * W4_POINTS, 3);
    for (int i = 0; i < W4_POINTS; i++) data.y[i] = i % 2 ? 1 : -1;
    build(&m, b, &heap);
    if (!bench_broken(b, m.context)) {
        bench_side sides[] = {{.name = "reel", .run = passes, .user = &m},
                              {.name = "by hand", .run = without_tape, .user = &hand},
                              {.name = "opcode tape", .run = opcodes, .user = &hand}};
        if (bench_alternate(b, b->clock, sides, 3) && !bench_broken(b, m.context)) {
            double allocations = bench_allocations(&sides[0], &heap, 3), scale = 1e9 / W4_OPERATIONS;
            cJSON *line = bench_print(b, &(bench_line){.name = "an operation",
                                                       .unit = "ns",
                                                       .scale = scale,
                                                       .reel = &sides[0],
                                                       .limit = &sides[1],
                                                       .limit_name = "by hand",
                                                       .allocations = &allocations});
            bench_goal(b, line, "at most 40 ns an operation", bench_time(b, &sides[0], scale).median, 40, true);
            bench_goal_allocations(b, line, allocations);
            bench_print(b, &(bench_line){.name = "beside a C tape",
                                         .unit = "ns",
                                         .scale = scale,
                                         .reel = &sides[0],
                                         .limit = &sides[2],
                                         .limit_name = "opcode tape"});
            bench_add_heap(b, &heap);
        }
        bench_sides_free(sides, 3);
    }
    reel_context_free(m.context);
}
