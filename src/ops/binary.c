/* SPDX-License-Identifier: MIT
 *
 * Binary element-wise operations with broadcasting: descriptors and functions from the rows of kernels/elementwise.def.
 */
#include "kernels/broadcast.h"
#include "ops/families.h"
#include "ops/spread.h"
#include "tape/numbers.h"
#include <reel/ops.h>

static const reel_op binary_ops[BINARY_COUNT];

static reel_status binary_shape(reel_call *call)
{
    reel_status status = rule_all_real(call);
    return status == REEL_OK ? rule_broadcast(call, 0, 1) : status;
}

static const binary_kernel *kernel_of(const reel_call *call)
{
    return &call_kernels(call)->elementwise->binary[call->op - binary_ops];
}

static reel_status binary_record_forward(reel_call *call)
{
    const int64_t n = call->out->size;
    if (n >= SPREAD_LEAST && spread_binary_forward(call, kernel_of(call))) return REEL_OK;
    broadcast_forward(call_kernels(call), (int)(call->op - binary_ops), call->in[0], call->in[1], call->out);
    return REEL_OK;
}

static reel_status binary_record_backward(reel_call *call)
{
    const kernels *k = call_kernels(call);
    const int64_t n = call->out->size;
    for (int i = 0; i < 2; i++)
        if (call->in_gradient[i] && !(n >= SPREAD_LEAST && spread_binary_backward(call, kernel_of(call), i)))
            broadcast_backward(k, (int)(call->op - binary_ops), i, call->in[0], call->in[1], call->out,
                               call->out_gradient, call->in_gradient[i], call->add[i]);
    return REEL_OK;
}

/* Every way of broadcasting that the driver tells apart: alike, a row (short and repeated, and long), a column, a row
 * with a column, one number, in the middle, on the outside. */
#define PAIR(title, a_rank, a_shape, b_rank, b_shape, ...)                                                             \
    {                                                                                                                  \
        title, 2, {{a_rank, SHAPE a_shape, RANGE_A(__VA_ARGS__)}, {b_rank, SHAPE b_shape, RANGE_B(__VA_ARGS__)}},      \
            NULL, false                                                                                                \
    }
#define SHAPE(...)                                                                                                     \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define RANGE_A(a_low, a_high, b_low, b_high) a_low, a_high, NULL, REEL_FLOAT, false
#define RANGE_B(a_low, a_high, b_low, b_high) b_low, b_high, NULL, REEL_FLOAT, false
#define PAIRS(...)                                                                                                     \
    PAIR("alike", 2, (3, 7), 2, (3, 7), __VA_ARGS__), PAIR("scalars", 0, (0), 0, (0), __VA_ARGS__),                    \
        PAIR("short row", 2, (100, 3), 1, (3), __VA_ARGS__), PAIR("row first", 1, (5), 2, (4, 5), __VA_ARGS__),        \
        PAIR("long row", 2, (3, 67), 2, (1, 67), __VA_ARGS__), PAIR("column", 2, (4, 5), 2, (4, 1), __VA_ARGS__),      \
        PAIR("column first", 2, (4, 1), 2, (4, 5), __VA_ARGS__),                                                       \
        PAIR("row and column", 2, (1, 5), 2, (4, 1), __VA_ARGS__),                                                     \
        PAIR("one number", 3, (2, 3, 2), 0, (0), __VA_ARGS__),                                                         \
        PAIR("one number first", 2, (1, 1), 2, (3, 4), __VA_ARGS__),                                                   \
        PAIR("middle", 3, (2, 3, 4), 3, (1, 3, 1), __VA_ARGS__),                                                       \
        PAIR("outside", 3, (2, 3, 4), 3, (2, 1, 4), __VA_ARGS__),                                                      \
        PAIR("four", 4, (2, 1, 3, 1), 4, (1, 2, 1, 3), __VA_ARGS__)
#define PAIR_COUNT 13
static const double tie[] = {0.5};
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, f, da, db)                                           \
    static const reel_sample name##_samples[] = {                                                                      \
        PAIRS(a_low, a_high, b_low, b_high),                                                                           \
        {"kink", 2, {{1, {1}, 0, 0, tie, REEL_FLOAT, false}, {1, {1}, 0, 0, tie, REEL_FLOAT, false}}, NULL, true},     \
    };
#include "kernels/elementwise.def"

static const reel_op binary_ops[BINARY_COUNT] = {
#define BINARY(name_, formula_, a_low, a_high, b_low, b_high, kink, f, da, db)                                         \
    {.size = sizeof(reel_op),                                                                                          \
     .name = #name_,                                                                                                   \
     .formula = formula_,                                                                                              \
     .least = 2,                                                                                                       \
     .most = 2,                                                                                                        \
     .shape = binary_shape,                                                                                            \
     .forward = binary_record_forward,                                                                                 \
     .backward = binary_record_backward,                                                                               \
     .samples = name_##_samples,                                                                                       \
     .sample_count = PAIR_COUNT + (kink)},
#include "kernels/elementwise.def"
};

/* The tape's type and instruction set have a function for each. */
static inline reel_value record(const char *site, reel_value a, reel_value b, int which)
{
    if (a.tape) return a.tape->numbers->binary[which](site, a, b);
    return reel_record(site, &binary_ops[which], 2, (const reel_value[]){a, b}, NULL);
}

#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, f, da, db)                                           \
    reel_value reel_##name(const char *site, reel_value a, reel_value b)                                               \
    {                                                                                                                  \
        return record(site, a, b, BINARY_##name);                                                                      \
    }
#include "kernels/elementwise.def"

op_family binary_family = {
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, f, da, db) &binary_ops[BINARY_##name],
#include "kernels/elementwise.def"
    NULL};
