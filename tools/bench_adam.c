/* SPDX-License-Identifier: MIT
 *
 * An update by Adam.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

typedef struct update {
    reel_context *context;
    reel_params *params;
    reel_optimizer *adam;
    reel_array given; /* the gradient */
    const limits *limits;
    limit_adam state;
    float *parameter, *gradient, *m, *v; /* the limit's */
} update;

/* A step consumes the gradient, so it is given anew each time. The copy is timed by itself and taken off on both sides,
 * which then find the same vectors in the cache. */
static void updates(void *user, int64_t repeat)
{
    update *u = user;
    for (int64_t i = 0; i < repeat; i++) {
        reel_params_set_gradient(u->params, &u->given);
        reel_optimizer_step(u->adam);
    }
}

static void copies(void *user, int64_t repeat)
{
    update *u = user;
    for (int64_t i = 0; i < repeat; i++) reel_params_set_gradient(u->params, &u->given);
}

static void limit_copies(void *user, int64_t repeat)
{
    update *u = user;
    for (int64_t i = 0; i < repeat; i++) {
        memcpy(u->gradient, u->given.data, (size_t)u->given.size * sizeof(float));
        __asm__ volatile("" : : "r"(u->gradient) : "memory"); /* every copy counts */
    }
}

static void limit_updates(void *user, int64_t repeat)
{
    update *u = user;
    for (int64_t i = 0; i < repeat; i++) {
        limit_copies(u, 1);
        u->limits->adam(u->given.size, u->parameter, u->gradient, u->m, u->v, &u->state);
    }
}

/* Vectors that start at equal places of a page compete for the same lines of the cache. */
static float *staggered(float *memory, int64_t n, int i)
{
    return memory + i * ((n + 1023) / 1024 * 1024 + 272);
}

static void build(update *u, bench *b, bench_heap *heap, float *given, float *memory, int64_t n)
{
    u->context = bench_context_new(b, heap);
    u->params = reel_params_new(u->context, REEL_FLOAT);
    reel_params_add(u->params, "x", 1, &n);
    u->adam = reel_adam_new(u->params, 1e-3);
    u->given = reel_array_view(REEL_FLOAT, given, 1, &n);
    float **own[] = {&u->parameter, &u->gradient, &u->m, &u->v};
    for (int i = 0; i < 4; i++) *own[i] = staggered(memory, n, i);
    memset(memory, 0, (size_t)(staggered(memory, n, 4) - memory) * sizeof(float));
}

static void take_off(const bench *b, bench_side *whole, const bench_side *part)
{
    for (int r = 0; r < b->rounds; r++) whole->seconds[r] -= part->seconds[r];
}

static void one_size(bench *b, int64_t n, float *given, float *memory)
{
    update u = {.limits = b->limits, .state = LIMIT_ADAM(1e-3)};
    bench_heap heap;
    char name[32];
    build(&u, b, &heap, given, memory, n);
    snprintf(name, sizeof name, "%lld parameters", (long long)n);
    if (!bench_broken(b, u.context)) {
        bench_side sides[] = {{.name = "reel", .run = updates, .user = &u},
                              {.name = "limit", .run = limit_updates, .user = &u},
                              {.name = "copy", .run = copies, .user = &u},
                              {.name = "limit's copy", .run = limit_copies, .user = &u}};
        if (bench_alternate(b, b->clock, sides, 4) && !bench_broken(b, u.context)) {
            double allocations = bench_allocations(&sides[0], &heap, 3), scale = 1e9 / (double)n;
            take_off(b, &sides[0], &sides[2]);
            take_off(b, &sides[1], &sides[3]);
            cJSON *line = bench_print(b, &(bench_line){.name = name,
                                                       .unit = "ns a parameter",
                                                       .scale = scale,
                                                       .reel = &sides[0],
                                                       .limit = &sides[1],
                                                       .allocations = &allocations});
            if (n == 100000)
                bench_goal(b, line, "at most 0.7 ns a parameter", bench_time(b, &sides[0], scale).median, 0.7, true);
            bench_goal_allocations(b, line, allocations);
        }
        bench_sides_free(sides, 4);
    }
    reel_context_free(u.context);
}

void bench_adam(bench *b)
{
    static const int64_t sizes[] = {1000, 100000, 1000000};
    enum { MOST = 1000000 };
    bench_title(b, "one update by Adam, the gradient being there", b->clock);
    float *given = bench_floats(b, MOST), *memory = bench_floats(b, 4 * (MOST + 2048));
    bench_fill(given, MOST, 4);
    for (int i = 0; i < 3 && !b->failed; i++) one_size(b, sizes[i], given, memory);
    free(given);
    free(memory);
}
