/* SPDX-License-Identifier: MIT
 *
 * Unary element-wise operations: descriptors and functions from the rows of kernels/elementwise.def.
 */
#include "kernels/elementwise.h"
#include "ops/families.h"
#include "ops/spread.h"
#include "tape/numbers.h"
#include <reel/ops.h>

#include <math.h>

/* The parameters of those that have any, in the order of the function's arguments. */
typedef struct scalars {
    double p[2];
} scalars;

static const reel_op unary_ops[UNARY_COUNT];

static scalars parameters_of(const reel_call *call)
{
    return call->attributes ? *(const scalars *)call->attributes : (scalars){{0, 0}};
}

static reel_status unary_shape(reel_call *call)
{
    int which = (int)(call->op - unary_ops);
    scalars s = parameters_of(call);
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    if (isnan(s.p[0]) || isnan(s.p[1]))
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found nan as parameter %d, expected a number",
                              isnan(s.p[0]) ? 1 : 2);
    if (which == UNARY_softplus && (s.p[0] == 0 || isinf(s.p[0])))
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found beta = %g, expected a finite number other than 0",
                              s.p[0]);
    if (which == UNARY_hardtanh && s.p[0] > s.p[1])
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found low = %g above high = %g", s.p[0], s.p[1]);
    rule_shape_of(call, 0);
    return REEL_OK;
}

static const unary_kernel *kernel_of(const reel_call *call)
{
    return &call_kernels(call)->elementwise->unary[call->op - unary_ops];
}

static reel_status unary_forward(reel_call *call)
{
    scalars s = parameters_of(call);
    if (call->out->size >= SPREAD_LEAST)
        spread_unary_forward(call, kernel_of(call), s.p[0], s.p[1]);
    else
        kernel_of(call)->forward(call->out->size, call->in[0]->data, call->out->data, s.p[0], s.p[1]);
    return REEL_OK;
}

static reel_status unary_backward(reel_call *call)
{
    scalars s = parameters_of(call);
    if (!call->in_gradient[0]) return REEL_OK;
    if (call->out->size >= SPREAD_LEAST)
        spread_unary_backward(call, kernel_of(call), s.p[0], s.p[1]);
    else
        kernel_of(call)->backward(call->out->size, call->in[0]->data, call->out->data, call->out_gradient,
                                  call->in_gradient[0], call->add[0], s.p[0], s.p[1]);
    return REEL_OK;
}

/* A matrix, a scalar, and the kink if there is one. */
#define OPERAND(...)                                                                                                   \
    {                                                                                                                  \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define SAMPLES_0(q0, q1) NULL
#define SAMPLES_1(q0, q1)                                                                                              \
    &(const scalars)                                                                                                   \
    {                                                                                                                  \
        {                                                                                                              \
            q0, q1                                                                                                     \
        }                                                                                                              \
    }
#define SAMPLES_2(q0, q1)                                                                                              \
    &(const scalars)                                                                                                   \
    {                                                                                                                  \
        {                                                                                                              \
            q0, q1                                                                                                     \
        }                                                                                                              \
    }
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, f, df)                                               \
    static const double name##_kink[] = {kink};                                                                        \
    static const reel_sample name##_samples[] = {                                                                      \
        {"matrix", 1, OPERAND(2, {5, 7}, low, high, NULL, REEL_FLOAT, false), SAMPLES_##parameters(q0, q1), false},    \
        {"scalar", 1, OPERAND(0, {0}, low, high, NULL, REEL_FLOAT, false), SAMPLES_##parameters(q0, q1), false},       \
        {"kink", 1, OPERAND(1, {1}, 0, 0, name##_kink, REEL_FLOAT, false), SAMPLES_##parameters(q0, q1), true},        \
    };
#include "kernels/elementwise.def"

static const reel_op unary_ops[UNARY_COUNT] = {
#define UNARY(name_, parameters, formula_, low, high, kink, q0, q1, f, df)                                             \
    {.size = sizeof(reel_op),                                                                                          \
     .name = #name_,                                                                                                   \
     .formula = formula_,                                                                                              \
     .least = 1,                                                                                                       \
     .most = 1,                                                                                                        \
     .attributes_size = (parameters) ? sizeof(scalars) : 0,                                                            \
     .shape = unary_shape,                                                                                             \
     .forward = unary_forward,                                                                                         \
     .backward = unary_backward,                                                                                       \
     .samples = name_##_samples,                                                                                       \
     .sample_count = (kink) < NO_KINK ? 3 : 2},
#include "kernels/elementwise.def"
};

/* Parameters that no rule of unary_shape is about. */
static inline bool plain(int which, const double *p)
{
    return !(isnan(p[0]) || isnan(p[1]) || which == UNARY_softplus || which == UNARY_hardtanh);
}

/* Not inline: each operation's function is then no more than the jump to here with its number. */
static __attribute__((noinline)) reel_value record(const char *site, reel_value x, int which)
{
    reel_value y = x.tape ? x.tape->numbers->unary(site, which, x, NULL) : REEL_NIL;
    return y.tape ? y : reel_record(site, &unary_ops[which], 1, &x, NULL);
}

static __attribute__((noinline)) reel_value record_with(const char *site, reel_value x, int which, double p0, double p1)
{
    const double p[] = {p0, p1};
    reel_value y = x.tape && plain(which, p) ? x.tape->numbers->unary(site, which, x, p) : REEL_NIL;
    return y.tape ? y : reel_record(site, &unary_ops[which], 1, &x, p);
}

#define FUNCTION_0(name)                                                                                               \
    reel_value reel_##name(const char *site, reel_value x)                                                             \
    {                                                                                                                  \
        return record(site, x, UNARY_##name);                                                                          \
    }
#define FUNCTION_1(name)                                                                                               \
    reel_value reel_##name(const char *site, reel_value x, double p)                                                   \
    {                                                                                                                  \
        return record_with(site, x, UNARY_##name, p, 0);                                                               \
    }
#define FUNCTION_2(name)                                                                                               \
    reel_value reel_##name(const char *site, reel_value x, double p, double q)                                         \
    {                                                                                                                  \
        return record_with(site, x, UNARY_##name, p, q);                                                               \
    }
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, f, df) FUNCTION_##parameters(name)
#include "kernels/elementwise.def"

op_family unary_family = {
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, f, df) &unary_ops[UNARY_##name],
#include "kernels/elementwise.def"
    NULL};
