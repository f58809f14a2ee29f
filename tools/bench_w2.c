/* SPDX-License-Identifier: MIT
 *
 * W2: MLP 784-256-128-10, cross entropy, Adam, one training step.
 */
#include "bench_w2.h"

#include <stdlib.h>
#include <string.h>

void digits_steps(void *user, int64_t repeat)
{
    digits *m = user;
    for (int64_t i = 0; i < repeat; i++) {
        reel_tape_rewind(m->tape);
        reel_value logits = reel_forward(m->net, reel_input(m->tape, &m->x));
        reel_value loss = reel_cross_entropy(logits, reel_input(m->tape, &m->classes));
        reel_backward(loss);
        reel_optimizer_step(m->optimizer);
        m->loss = reel_item(loss);
    }
}

/* Every round starts from the same weights: a loss that has reached 0 would leave nothing but denormal moments. */
void digits_restart(void *user)
{
    digits *m = user;
    int64_t size = W2_PARAMETERS;
    reel_array start = reel_array_view(REEL_FLOAT, m->start, 1, &size);
    reel_params_write(m->params, &start);
    reel_optimizer_free(m->optimizer);
    m->optimizer = reel_adam_new(m->params, 1e-3);
    digits_steps(m, 2);
}

void digits_fill(float *x, int64_t classes[W2_BATCH])
{
    bench_fill(x, W2_BATCH * W2_IN, 1);
    for (int i = 0; i < W2_BATCH; i++) classes[i] = i * 7 % W2_OUT;
}

typedef struct by_hand {
    const digits *of;
    const limits *limits;
    limit_w2 limit;
    double loss;
} by_hand;

static void limit_steps(void *user, int64_t repeat)
{
    by_hand *h = user;
    for (int64_t i = 0; i < repeat; i++) h->loss = h->limits->w2_step(&h->limit);
}

static void limit_restart(void *user)
{
    by_hand *h = user;
    limit_w2_restart(&h->limit, h->of->start);
    limit_steps(h, 2);
}

void digits_build(digits *m, bench *b, bench_heap *heap, int64_t batch, float *x, int64_t *classes)
{
    m->context = bench_context_new(b, heap);
    m->params = reel_params_new(m->context, REEL_FLOAT);
    m->net = reel_mlp_new(m->params, "net", 4, (const int[]){W2_IN, W2_FIRST, W2_SECOND, W2_OUT}, "relu",
                          reel_rng_philox_new(m->context, 1, "weights"));
    m->tape = reel_tape_new(m->context, REEL_FLOAT);
    m->x = reel_array_view(REEL_FLOAT, x, 2, (const int64_t[]){batch, W2_IN});
    m->classes = reel_array_view(REEL_INT64, classes, 1, &batch);
    reel_array flat = reel_params_flat(m->params);
    if (!reel_failed(m->context)) memcpy(m->start, flat.data, W2_PARAMETERS * sizeof(float));
}

/* Forward and the gradients of weights: each weight once a row, multiply and add; gradients of activations: all but the
 * first layer's. */
static double digits_operations(int64_t batch)
{
    return 2.0 * (double)batch * (2.0 * W2_IN * W2_FIRST + 3.0 * W2_FIRST * W2_SECOND + 3.0 * W2_SECOND * W2_OUT);
}

static void one_batch(bench *b, int64_t batch, float *x, int64_t *classes, float *start)
{
    digits m = {.start = start};
    by_hand hand = {.of = &m, .limits = b->limits};
    bench_heap heap;
    char name[32];
    snprintf(name, sizeof name, "batch %d", (int)batch);
    digits_build(&m, b, &heap, batch, x, classes);
    bool ready = limit_w2_start(&hand.limit, batch, x, classes, m.start, 1e-3);
    if (!ready) {
        complain(b->who, "out of memory");
        b->failed = true;
    } else if (!bench_broken(b, m.context)) {
        bench_side sides[] = {{.name = "reel",
                               .run = digits_steps,
                               .prepare = digits_restart,
                               .user = &m,
                               .operations = digits_operations(batch),
                               .most = 200},
                              {.name = "limit",
                               .run = limit_steps,
                               .prepare = limit_restart,
                               .user = &hand,
                               .operations = digits_operations(batch),
                               .most = 200},
                              bench_peak(b)};
        if (bench_alternate(b, b->clock, sides, 3) && !bench_broken(b, m.context)) {
            double allocations = bench_allocations(&sides[0], &heap, 3);
            cJSON *line = bench_print(b, &(bench_line){.name = name,
                                                       .unit = "us",
                                                       .scale = 1e6,
                                                       .reel = &sides[0],
                                                       .limit = &sides[1],
                                                       .peak = &sides[2],
                                                       .allocations = &allocations});
            bench_goal(b, line, "at most 1.15 x the limit", bench_ratio(b, &sides[0], &sides[1]).median, 1.15, true);
            bench_goal_allocations(b, line, allocations);
            if (batch == W2_BATCH) bench_add_heap(b, &heap);
        }
        bench_sides_free(sides, 3);
    }
    limit_w2_end(&hand.limit);
    reel_context_free(m.context);
}

void bench_w2(bench *b)
{
    static const int64_t batches[] = {W2_BATCH, 32, 1};
    int64_t classes[W2_BATCH];
    bench_title(b, "MLP 784-256-128-10, cross entropy, one step: forward, backward, Adam 0.001", b->clock);
    float *x = bench_floats(b, W2_BATCH * W2_IN), *start = bench_floats(b, W2_PARAMETERS);
    if (x) digits_fill(x, classes);
    for (int i = 0; i < 3 && !b->failed; i++) one_batch(b, batches[i], x, classes, start);
    free(x);
    free(start);
}
