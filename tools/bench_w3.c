/* SPDX-License-Identifier: MIT
 *
 * W3: Gaussians fitted to the image of the divergence study, the first 1,000 iterations. The gradient is that of the L2
 * term, the loss of the study is reported at every iteration.
 */
#include "bench.h"

#include "gaussian_image.h"

#include <stdlib.h>

#define ITERATIONS 1000

typedef struct fit {
    reel_context *context;
    reel_array *target, *start;
    reel_params *params;
    gaussian_image image;
    reel_optimizer *adam;
    reel_tape *tape;
    double loss;
} fit;

/* The work shrinks as the Gaussians do, so a repeat is the whole of these iterations. */
static void iterate(void *user, int64_t repeat)
{
    fit *f = user;
    for (int64_t r = 0; r < repeat; r++) {
        reel_params_write(f->params, f->start);
        reel_optimizer_reset(f->adam, true);
        for (int i = 0; i < ITERATIONS; i++) {
            reel_tape_rewind(f->tape);
            reel_value seen = gaussian_image_render(&f->image, f->tape), wanted = reel_input(f->tape, f->target);
            reel_value loss = reel_mse(seen, wanted);
            reel_tape_set_gradients(f->tape, false);
            f->loss = reel_item(gaussian_loss_record_with(&gaussian_loss_reported, seen, wanted, loss));
            reel_tape_set_gradients(f->tape, true);
            reel_backward(loss);
            reel_optimizer_step(f->adam);
        }
    }
}

typedef struct by_hand {
    const fit *of;
    double (*step)(limit_w3 *w);
    limit_w3 *limit;
    double loss;
} by_hand;

static void limit_iterate(void *user, int64_t repeat)
{
    by_hand *h = user;
    const fit *f = h->of;
    const float *part[GAUSSIAN_PARTS], *start = f->start->data;
    for (int i = 0; i < GAUSSIAN_PARTS; i++) {
        part[i] = start;
        start += reel_params_value(f->params, f->image.index[i]).size;
    }
    for (int64_t r = 0; r < repeat; r++) {
        limit_w3_start(h->limit, f->target->data, part[GAUSSIAN_POSITION], part[GAUSSIAN_SCALE], part[GAUSSIAN_COLOUR],
                       0.001);
        for (int i = 0; i < ITERATIONS; i++) h->loss = h->step(h->limit);
    }
}

static void build(fit *f, bench *b, bench_heap *heap, double low, double high)
{
    gaussian_settings settings = gaussian_settings_new();
    settings.start_low = low;
    settings.start_high = high;
    f->context = bench_context_new(b, heap);
    f->target = reel_test_image_new(f->context, "baseline1", W3_SIDE, W3_SIDE);
    f->params = reel_params_new(f->context, REEL_FLOAT);
    gaussian_image_init(&f->image, f->params, &settings);
    gaussian_image_start(&f->image, reel_rng_rust_new(f->context, 42));
    f->start = reel_array_new(f->context, REEL_FLOAT, 1, (const int64_t[]){reel_params_size(f->params)});
    if (f->start) reel_params_read(f->params, f->start);
    f->adam = reel_adam_new(f->params, 0.001);
    f->tape = reel_tape_new(f->context, REEL_FLOAT);
}

static void one_start(bench *b, const char *name, double low, double high)
{
    fit f = {0};
    bench_heap heap;
    build(&f, b, &heap, low, high);
    by_hand hand = {.of = &f, .step = b->limits->w3_step};
    hand.limit = aligned_alloc(64, (sizeof *hand.limit + 63) / 64 * 64);
    if (!hand.limit) {
        complain(b->who, "out of memory");
        b->failed = true;
    }
    if (hand.limit && !bench_broken(b, f.context)) {
        bench_side sides[] = {{.name = "reel", .run = iterate, .user = &f},
                              {.name = "limit", .run = limit_iterate, .user = &hand}};
        if (bench_alternate(b, b->clock, sides, 2) && !bench_broken(b, f.context)) {
            double allocations = bench_allocations(&sides[0], &heap, 1) / ITERATIONS;
            const double scale = 1e6 / ITERATIONS;
            cJSON *line = bench_print(b, &(bench_line){.name = name,
                                                       .unit = "us",
                                                       .scale = scale,
                                                       .reel = &sides[0],
                                                       .limit = &sides[1],
                                                       .allocations = &allocations});
            double time = bench_time(b, &sides[0], scale).median;
            bench_note(b, "%.0f iterations a second; loss after %d: %.6f, by hand %.6f", 1e6 / time, ITERATIONS, f.loss,
                       hand.loss);
            bench_goal(b, line, "at least 10,000 iterations a second", 1e6 / time, 1e4, false);
            bench_goal(b, line, "at least 0.7 of the limit's rate", 1 / bench_ratio(b, &sides[0], &sides[1]).median,
                       0.7, false);
        }
        bench_sides_free(sides, 2);
    }
    free(hand.limit);
    reel_context_free(f.context);
}

void bench_w3(bench *b)
{
    bench_title(b, "50 Gaussians, 64 x 64, cut-off 3.5, Adam 0.001, loss reported; one iteration, of 1,000", b->clock);
    one_start(b, "all scales start at 0.1", 0.1, 0.1);
    if (!b->failed) one_start(b, "the study's start", 0.01, 0.1);
}
