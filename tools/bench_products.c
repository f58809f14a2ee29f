/* SPDX-License-Identifier: MIT
 *
 * Matrix products. The tape needs three of the four transpositions: matmul forward is A B, linear forward is X W', and the
 * gradients of a matmul are G B' and A' G; A' B' never occurs.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

typedef enum kind { PLAIN, TURNED_B, LEFT_GRADIENT, RIGHT_GRADIENT } kind;

/* In terms of the product measured: c (m, n) from k terms. */
typedef struct product {
    int64_t m, n, k;
    reel_context *context;
    reel_params *params;
    reel_tape *tape;
    reel_array seed;
    reel_value result;
    const limits *limits;
    kind kind;
    const float *a, *b;
    float *c, *pack, *turned; /* the limit's */
} product;

static reel_array matrix(const float *data, int64_t rows, int64_t columns)
{
    return reel_array_view(REEL_FLOAT, (float *)(uintptr_t)data, 2, (const int64_t[]){rows, columns});
}

static void forward(void *user, int64_t repeat)
{
    product *p = user;
    reel_array a = matrix(p->a, p->m, p->k);
    reel_array b = p->kind == PLAIN ? matrix(p->b, p->k, p->n) : matrix(p->b, p->n, p->k);
    for (int64_t i = 0; i < repeat; i++) {
        reel_tape_rewind(p->tape);
        reel_value x = reel_input(p->tape, &a), y = reel_input(p->tape, &b);
        p->result = p->kind == PLAIN ? reel_matmul(x, y) : reel_linear(x, y, REEL_NIL);
    }
}

/* The factor whose gradient is wanted is a parameter; its gradient is written, not added, once it was dropped. */
static void backward(void *user, int64_t repeat)
{
    product *p = user;
    for (int64_t i = 0; i < repeat; i++) {
        reel_params_drop_gradient(p->params);
        reel_backward_from(p->result, &p->seed);
    }
}

static void by_hand(void *user, int64_t repeat)
{
    product *p = user;
    bool left = p->kind == RIGHT_GRADIENT, right = p->kind == TURNED_B || p->kind == LEFT_GRADIENT;
    for (int64_t i = 0; i < repeat; i++) {
        if (right && p->m < 8) {
            p->limits->dots(p->m, p->n, p->k, p->a, p->b, p->c);
            continue;
        }
        if (right) limit_turn(p->n, p->k, p->b, p->turned);
        p->limits->product(p->m, p->n, p->k, p->a, left, right ? p->turned : p->b, p->c, p->pack);
    }
}

/* For a gradient the product is recorded whose gradient it is: of A (m, n) in A B, G (m, k), B (n, k); of B (m, n) in
 * A B, A (k, m), G (k, n). */
static void record(product *p)
{
    bool left = p->kind == LEFT_GRADIENT;
    reel_array other = left ? matrix(p->b, p->n, p->k) : matrix(p->a, p->k, p->m);
    p->seed = left ? matrix(p->a, p->m, p->k) : matrix(p->b, p->k, p->n);
    p->params = reel_params_new(p->context, REEL_FLOAT);
    reel_params_add(p->params, "factor", 2, (const int64_t[]){p->m, p->n});
    reel_params_seal(p->params);
    reel_value wanted = reel_param(p->tape, p->params, 0), fixed = reel_input(p->tape, &other);
    p->result = left ? reel_matmul(wanted, fixed) : reel_matmul(fixed, wanted);
}

static void measure(bench *b, product *p, const char *name, bool goal)
{
    bench_heap heap;
    double operations = 2.0 * (double)p->m * (double)p->n * (double)p->k, allocations;
    bool gradient = p->kind == LEFT_GRADIENT || p->kind == RIGHT_GRADIENT;
    p->context = bench_context_new(b, &heap);
    p->tape = reel_tape_new(p->context, REEL_FLOAT);
    if (gradient) record(p);
    if (!bench_broken(b, p->context)) {
        bench_side sides[] = {
            {.name = "reel", .run = gradient ? backward : forward, .user = p, .operations = operations},
            {.name = "limit", .run = by_hand, .user = p, .operations = operations},
            bench_peak(b)};
        if (bench_alternate(b, b->clock, sides, 3) && !bench_broken(b, p->context)) {
            allocations = bench_allocations(&sides[0], &heap, 3);
            cJSON *line = bench_print(b, &(bench_line){.name = name,
                                                       .unit = "us",
                                                       .scale = 1e6,
                                                       .reel = &sides[0],
                                                       .limit = &sides[1],
                                                       .peak = &sides[2],
                                                       .allocations = &allocations});
            bench_goal_allocations(b, line, allocations);
            if (goal)
                bench_goal(b, line, "at least 85 % of the peak", bench_share(b, &sides[0], &sides[2]).median, 0.85,
                           false);
        }
        bench_sides_free(sides, 3);
    }
    reel_context_free(p->context);
}

void bench_products(bench *b)
{
    static const struct {
        int64_t m, n, k;
        bool all, goal; /* every transposition; the goal is for this one */
    } shapes[] = {{256, 256, 256, true, true}, {512, 512, 512, true, true}, {128, 10, 128, true, false},
                  {1, 256, 784, true, false},  {200, 8, 2, false, false},   {200, 1, 8, false, false}};
    static const char *const forms[] = {"A B", "X W'", "G B'", "A' G"};
    enum { MOST = 512 };
    bench_title(
        b,
        "matrix products (rows x columns x terms); A B: matmul, X W': linear, G B' and A' G: the gradients of matmul",
        b->clock);
    float *memory = bench_floats(b, 4 * MOST * MOST + LIMIT_PACK * 1024);
    bench_fill(memory, 2 * MOST * MOST, 5);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (kind k = PLAIN; k <= RIGHT_GRADIENT && !b->failed; k++) {
            if (!shapes[i].all && k > TURNED_B) break;
            product p = {.m = shapes[i].m,
                         .n = shapes[i].n,
                         .k = shapes[i].k,
                         .limits = b->limits,
                         .kind = k,
                         .a = memory,
                         .b = memory + MOST * MOST,
                         .c = memory + 2 * MOST * MOST,
                         .turned = memory + 3 * MOST * MOST,
                         .pack = memory + 4 * MOST * MOST};
            char name[48];
            snprintf(name, sizeof name, "%dx%dx%d %s", (int)p.m, (int)p.n, (int)p.k, forms[k]);
            measure(b, &p, name, shapes[i].goal && k == PLAIN);
        }
    }
    free(memory);
}
