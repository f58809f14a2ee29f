/* SPDX-License-Identifier: MIT
 *
 * W1: the program of two moons, one training step.
 */
#include "bench.h"

#include <string.h>

typedef struct moons {
    reel_context *context;
    reel_dataset *data;
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_tape *tape;
    bool sgd;
    float start[W1_PARAMETERS];
    double loss;
} moons;

static void steps(void *user, int64_t repeat)
{
    moons *m = user;
    for (int64_t i = 0; i < repeat; i++) {
        reel_tape_rewind(m->tape);
        reel_value logits = reel_forward(m->net, reel_input(m->tape, m->data->x));
        reel_value loss = reel_bce_with_logits(logits, reel_input(m->tape, m->data->y));
        reel_backward(loss);
        reel_optimizer_step(m->optimizer);
        m->loss = reel_item(loss);
    }
}

/* Every round starts from the same weights, so that all do the same arithmetic. */
static void restart(void *user)
{
    moons *m = user;
    int64_t size = W1_PARAMETERS;
    reel_array start = reel_array_view(REEL_FLOAT, m->start, 1, &size);
    reel_params_write(m->params, &start);
    reel_optimizer_free(m->optimizer);
    m->optimizer = m->sgd ? reel_sgd_new(m->params, 0.5) : reel_adam_new(m->params, 0.05);
    steps(m, 2);
}

typedef struct by_hand {
    const moons *of;
    double (*step)(limit_w1 *w);
    limit_w1 limit;
    double loss;
} by_hand;

static void limit_steps(void *user, int64_t repeat)
{
    by_hand *h = user;
    for (int64_t i = 0; i < repeat; i++) h->loss = h->step(&h->limit);
}

static void limit_restart(void *user)
{
    by_hand *h = user;
    limit_w1_start(&h->limit, h->of->data->x->data, h->of->data->y->data, h->of->start, h->of->sgd ? 0.5 : 0.05);
    limit_steps(h, 2);
}

static void build(moons *m, bench *b, bench_heap *heap)
{
    m->context = bench_context_new(b, heap);
    m->data = reel_moons_new(m->context, W1_POINTS, 0.15, reel_rng_numpy_new(m->context, 42));
    m->params = reel_params_new(m->context, REEL_FLOAT);
    m->net =
        reel_mlp_new(m->params, "net", 3, (const int[]){2, W1_HIDDEN, 1}, "relu", reel_rng_torch_new(m->context, 42));
    m->tape = reel_tape_new(m->context, REEL_FLOAT);
    m->optimizer = NULL;
    reel_array flat = reel_params_flat(m->params);
    if (!reel_failed(m->context)) memcpy(m->start, flat.data, sizeof m->start);
}

/* Multiply-adds of a step count as two: two layers forward, the gradients of both weights, that of the hidden layer. */
static const double operations = W1_POINTS * 2.0 * (2 * W1_HIDDEN + W1_HIDDEN + 2 * W1_HIDDEN + W1_HIDDEN + W1_HIDDEN);

static void one_optimizer(bench *b, const char *name, bool sgd)
{
    moons m = {.sgd = sgd};
    by_hand hand = {.of = &m, .step = sgd ? b->limits->w1_sgd : b->limits->w1_adam};
    bench_heap heap;
    build(&m, b, &heap);
    if (!bench_broken(b, m.context)) {
        bench_side sides[] = {
            {.name = "reel", .run = steps, .prepare = restart, .user = &m, .operations = operations},
            {.name = "limit", .run = limit_steps, .prepare = limit_restart, .user = &hand, .operations = operations},
            bench_peak(b)};
        if (bench_alternate(b, b->clock, sides, 3) && !bench_broken(b, m.context)) {
            double allocations = bench_allocations(&sides[0], &heap, 100);
            cJSON *line = bench_print(b, &(bench_line){.name = name,
                                                       .unit = "us",
                                                       .scale = 1e6,
                                                       .reel = &sides[0],
                                                       .limit = &sides[1],
                                                       .peak = &sides[2],
                                                       .allocations = &allocations});
            bench_goal(b, line, "at most 2.5 x the limit", bench_ratio(b, &sides[0], &sides[1]).median, 2.5, true);
            bench_goal_allocations(b, line, allocations);
            if (!sgd) bench_add_heap(b, &heap);
        }
        bench_sides_free(sides, 3);
    }
    reel_context_free(m.context);
}

void bench_w1(bench *b)
{
    bench_title(b, "two moons, 2-8-1, batch 200, one step: forward, backward, update", b->clock);
    one_optimizer(b, "Adam 0.05", false);
    if (!b->failed) one_optimizer(b, "SGD 0.5", true);
}
