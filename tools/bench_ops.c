/* SPDX-License-Identifier: MIT
 *
 * Every operation of the registry on its first smooth sample, as it is and scaled up: all sizes above 1 grow by one
 * factor, in all operands at once, which most shape rules accept.
 */
#include "bench.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 65536 };

typedef struct trial {
    reel_context *context;
    reel_tape *tape;
    const reel_op *op;
    const reel_sample *sample;
    int64_t factor;
    reel_array *operand[REEL_SAMPLE_OPERANDS];
    reel_array *seed;
    reel_rng *rng;
    reel_value result;
    int64_t elements; /* of all operands and the result */
    double bytes;     /* of the same */
} trial;

static void forward(void *user, int64_t repeat)
{
    trial *t = user;
    for (int64_t k = 0; k < repeat; k++) {
        reel_value values[REEL_SAMPLE_OPERANDS];
        reel_tape_rewind(t->tape);
        for (int i = 0; i < t->sample->count; i++) {
            reel_array *a = t->operand[i];
            bool varies = a->dtype == REEL_FLOAT && !t->sample->operand[i].constant;
            values[i] = varies ? reel_variable(t->tape, a) : reel_input(t->tape, a);
        }
        t->result = reel_record(t->op, t->sample->count, values, t->sample->attributes);
    }
}

static void backward(void *user, int64_t repeat)
{
    trial *t = user;
    for (int64_t k = 0; k < repeat; k++) reel_backward_from(t->result, t->seed);
}

static int64_t scaled(int64_t size, int64_t factor)
{
    return size > 1 ? size * factor : size;
}

static int64_t operand_elements(const reel_sample_operand *o, int64_t factor)
{
    int64_t n = 1;
    for (int d = 0; d < o->rank; d++) n *= scaled(o->shape[d], factor);
    return n;
}

/* Numbers of the sample's range; numbers given are repeated. */
static void fill(reel_array *a, const reel_sample_operand *o, uint64_t *state)
{
    int64_t given = operand_elements(o, 1);
    for (int64_t i = 0; i < a->size; i++) {
        double x = o->data ? o->data[i % given] : o->low + (o->high - o->low) * 0.5 * (1 + (double)bench_random(state));
        switch (a->dtype) {
        case REEL_FLOAT: ((float *)a->data)[i] = (float)x; break;
        case REEL_DOUBLE: ((double *)a->data)[i] = x; break;
        case REEL_INT64: ((int64_t *)a->data)[i] = (int64_t)x; break;
        default: ((uint8_t *)a->data)[i] = (uint8_t)x; break;
        }
    }
}

static void drop(trial *t)
{
    for (int i = 0; i < REEL_SAMPLE_OPERANDS; i++) {
        reel_array_free(t->operand[i]);
        t->operand[i] = NULL;
    }
    reel_array_free(t->seed);
    t->seed = NULL;
}

/* Records the sample once, scaled. False when its shape rule, or something else, refuses. */
static bool try_factor(trial *t, int64_t factor)
{
    uint64_t state = 0x9e3779b97f4a7c15ull;
    t->factor = factor;
    for (int i = 0; i < t->sample->count; i++) {
        const reel_sample_operand *o = &t->sample->operand[i];
        int64_t shape[REEL_MAX_RANK];
        for (int d = 0; d < o->rank; d++) shape[d] = scaled(o->shape[d], factor);
        t->operand[i] = reel_array_new(t->context, o->dtype, o->rank, shape);
        if (!t->operand[i]) break;
        fill(t->operand[i], o, &state);
    }
    if (!reel_failed(t->context)) forward(t, 1);
    reel_array out = reel_data(t->result);
    if (!reel_failed(t->context) && (out.dtype == REEL_FLOAT || out.dtype == REEL_DOUBLE)) {
        t->seed = reel_array_new(t->context, out.dtype, out.rank, out.shape);
        for (int64_t i = 0; t->seed && i < out.size; i++) ((float *)t->seed->data)[i] = 1;
    }
    if (reel_failed(t->context)) {
        reel_error_clear(t->context);
        drop(t);
        return false;
    }
    t->elements = out.size;
    t->bytes = (double)out.size * (double)reel_dtype_size(out.dtype);
    for (int i = 0; i < t->sample->count; i++) {
        t->elements += t->operand[i]->size;
        t->bytes += (double)t->operand[i]->size * (double)reel_dtype_size(t->operand[i]->dtype);
    }
    return true;
}

/* The largest factor that keeps every operand to ELEMENTS and one call to `most` seconds. */
static bool scale_up(trial *t, double most)
{
    int64_t factor = 1, operand = 1;
    for (int64_t f = 1; operand <= ELEMENTS; f++) {
        int64_t largest = 0;
        for (int i = 0; i < t->sample->count; i++) {
            operand = operand_elements(&t->sample->operand[i], f);
            if (operand > largest) largest = operand;
        }
        operand = largest;
        if (operand <= ELEMENTS) factor = f;
        if (operand_elements(&t->sample->operand[0], 2) == operand_elements(&t->sample->operand[0], 1)) break;
    }
    for (; factor > 1; factor = factor * 3 / 4) {
        double start = bench_cpu();
        if (!try_factor(t, factor)) continue;
        if (bench_cpu() - start < most) return true;
        drop(t);
    }
    return try_factor(t, 1);
}

static const reel_sample *smooth_sample(const reel_op *op)
{
    for (int i = 0; i < op->sample_count; i++)
        if (!op->samples[i].kink) return &op->samples[i];
    return op->sample_count ? op->samples : NULL;
}

typedef struct timing {
    bench_figure forward, backward; /* seconds */
} timing;

static timing measure(bench *b, trial *t)
{
    bench_side sides[] = {{.name = "forward", .run = forward, .user = t},
                          {.name = "backward", .run = backward, .user = t}};
    int count = t->seed && reel_wants_gradient(t->result) ? 2 : 1;
    timing found = {{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}};
    if (bench_alternate(b, b->clock, sides, count)) {
        found.forward = bench_time(b, &sides[0], 1);
        if (count == 2) found.backward = bench_time(b, &sides[1], 1);
    }
    bench_sides_free(sides, 2);
    return found;
}

static void add_timing(cJSON *line, const char *name, const trial *t, timing found)
{
    cJSON *o = cJSON_AddObjectToObject(line, name);
    json_add_whole(o, "elements", t->elements);
    json_add_number(o, "bytes", t->bytes, REEL_DOUBLE);
    bench_add_figure(o, "forward_seconds", found.forward);
    if (found.backward.median > 0) bench_add_figure(o, "backward_seconds", found.backward);
}

/* Forward and backward in ns; the second is 0 where there is none. */
static void print_cost(const char *name, int width, double forward_ns, double backward_ns, int places)
{
    if (width) printf("  %-*s", width, name);
    printf(" %8.*f", places, forward_ns);
    if (backward_ns > 0)
        printf(" %8.*f ns", places, backward_ns);
    else
        printf(" %8s ns", "-");
}

static void one_operation(bench *b, trial *t)
{
    t->sample = smooth_sample(t->op);
    if (!t->sample || !try_factor(t, 1)) {
        bench_note(b, "%s: has no sample that can be recorded", t->op->name);
        return;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddItemToArray(b->lines, line);
    json_add_text(line, "name", t->op->name);
    timing small = measure(b, t);
    add_timing(line, "small", t, small);
    drop(t);
    if (!scale_up(t, 0.02)) return;
    timing large = measure(b, t);
    json_add_whole(line, "factor", t->factor);
    add_timing(line, "large", t, large);
    double n = (double)t->elements;
    print_cost(t->op->name, 20, 1e9 * small.forward.median, 1e9 * small.backward.median, 0);
    printf("   %8lld ", (long long)t->elements);
    print_cost("", 0, 1e9 * large.forward.median / n, 1e9 * large.backward.median / n, 3);
    if (t->op->flags & REEL_OP_SHARES_VALUE)
        printf("  %7s", "-"); /* nothing is read or written */
    else
        printf("  %7.2f", t->bytes / large.forward.median / 1e9);
    printf("%s\n", t->factor == 1 ? "  not scaled" : "");
    drop(t);
}

void bench_ops(bench *b)
{
    bench_heap heap;
    trial t = {0};
    double share = b->share;
    b->share /= 8; /* of each: there are many */
    bench_title(b, "every operation on a sample of its own, and on the same scaled up", b->clock);
    printf("  %-20s %17s      %8s  %17s      %s\n", "", "smallest: fwd bwd", "elements", "an element: fwd bwd",
           "GB/s fwd");
    t.context = bench_context_new(b, &heap);
    t.tape = reel_tape_new(t.context, REEL_FLOAT);
    t.rng = reel_rng_philox_new(t.context, 1, "bench");
    reel_tape_set_rng(t.tape, t.rng);
    for (int i = 0; !bench_broken(b, t.context) && (t.op = reel_op_at(i)) != NULL; i++) one_operation(b, &t);
    b->share = share;
    reel_context_free(t.context);
}
