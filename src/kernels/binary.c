/* SPDX-License-Identifier: MIT
 *
 * Binary kernels, from the rows of elementwise.def, and the choice between two operands. The functions of a row are
 * written once, for the operand that is differentiated (WHICH) and the operands that run (RUNS) as constants.
 */
#include "kernels/activations.h"
#include "kernels/elementwise.h"

extern const struct elementwise_kernels KERNEL(elementwise_table);
extern const unary_kernel KERNEL(unary_kernels)[UNARY_COUNT];
extern sum_run_kernel KERNEL(sum_run);
extern sum_rows_kernel KERNEL(sum_rows);

/* Elements i .. i+n-1 of an operand: of LANES or fewer, or the one number it is. */
KERNEL_INLINE V operand(const real *p, bool runs, int64_t i, int64_t n)
{
    if (!runs) return v_set(*p);
    return n >= LANES ? v_load(p + i) : v_load_some(p + i, n);
}

KERNEL_INLINE void put(real *p, V v, bool add, int64_t n)
{
    if (n >= LANES)
        v_store(p, add ? v_load(p) + v : v);
    else
        v_store_some(p, add ? v_load_some(p, n) + v : v, n);
}

/* What the gradient expressions of one row give for elements i .. i+n-1. */
typedef V gradient_of(V a, V b, V y, V g);

KERNEL_INLINE V gradient_at(gradient_of *of, int runs, const real *a, const real *b, const real *y, const real *g,
                            int64_t i, int64_t n)
{
    return of(operand(a, runs != RUN_B, i, n), operand(b, runs != RUN_A, i, n), operand(y, true, i, n),
              operand(g, true, i, n));
}

KERNEL_INLINE void run_backward(gradient_of *of, int runs, int64_t n, const real *a, const real *b, const real *y,
                                const real *g, real *out, bool add)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) put(out + i, gradient_at(of, runs, a, b, y, g, i, LANES), add, LANES);
    if (i < n) put(out + i, gradient_at(of, runs, a, b, y, g, i, n - i), add, n - i);
}

#define FORWARD(name, RUNS)                                                                                            \
    static void name##_forward_##RUNS(int64_t n, const void *as, const void *bs, void *ys)                             \
    {                                                                                                                  \
        const real *a = as, *b = bs;                                                                                   \
        real *y = ys;                                                                                                  \
        int64_t i = 0;                                                                                                 \
        for (; i + LANES <= n; i += LANES)                                                                             \
            v_store(y + i, name##_of(operand(a, RUNS != RUN_B, i, LANES), operand(b, RUNS != RUN_A, i, LANES)));       \
        if (i < n)                                                                                                     \
            v_store_some(y + i, name##_of(operand(a, RUNS != RUN_B, i, n - i), operand(b, RUNS != RUN_A, i, n - i)),   \
                         n - i);                                                                                       \
    }
#define BACKWARD(name, WHICH, RUNS)                                                                                    \
    static void name##_backward_##WHICH##_##RUNS(int64_t n, const void *a, const void *b, const void *y,               \
                                                 const void *g, void *out, bool add)                                   \
    {                                                                                                                  \
        run_backward(name##_gradient_##WHICH, RUNS, n, a, b, y, g, out, add);                                          \
    }
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, forward, a_gradient, b_gradient)                     \
    KERNEL_INLINE V name##_of(V a, V b)                                                                                \
    {                                                                                                                  \
        return forward;                                                                                                \
    }                                                                                                                  \
    KERNEL_INLINE V name##_gradient_0(V a, V b, V y, V g)                                                              \
    {                                                                                                                  \
        (void)a, (void)b, (void)y;                                                                                     \
        return a_gradient;                                                                                             \
    }                                                                                                                  \
    KERNEL_INLINE V name##_gradient_1(V a, V b, V y, V g)                                                              \
    {                                                                                                                  \
        (void)a, (void)b, (void)y;                                                                                     \
        return b_gradient;                                                                                             \
    }                                                                                                                  \
    FORWARD(name, RUN_BOTH)                                                                                            \
    FORWARD(name, RUN_A)                                                                                               \
    FORWARD(name, RUN_B)                                                                                               \
    BACKWARD(name, 0, RUN_BOTH)                                                                                        \
    BACKWARD(name, 0, RUN_A)                                                                                           \
    BACKWARD(name, 0, RUN_B)                                                                                           \
    BACKWARD(name, 1, RUN_BOTH)                                                                                        \
    BACKWARD(name, 1, RUN_A)                                                                                           \
    BACKWARD(name, 1, RUN_B)
#include "kernels/elementwise.def"

static const binary_kernel binary_kernels[BINARY_COUNT] = {
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, of, of_a, of_b)                                      \
    {.forward = {name##_forward_RUN_BOTH, name##_forward_RUN_A, name##_forward_RUN_B},                                 \
     .backward = {{name##_backward_0_RUN_BOTH, name##_backward_0_RUN_A, name##_backward_0_RUN_B},                      \
                  {name##_backward_1_RUN_BOTH, name##_backward_1_RUN_A, name##_backward_1_RUN_B}}},
#include "kernels/elementwise.def"
};

KERNEL_INLINE void choose(int64_t n, const uint8_t *mask, int64_t mask_step, const real *a, int64_t a_step,
                          const real *b, int64_t b_step, real *y)
{
    for (int64_t i = 0; i < n; i++) {
        real yes = a[i * a_step], no = b[i * b_step];
        y[i] = mask[i * mask_step] ? yes : no;
    }
}

static void where(int64_t n, const uint8_t *mask, int64_t mask_step, const void *a, int64_t a_step, const void *b,
                  int64_t b_step, void *y)
{
    if (mask_step == 1 && a_step == 1 && b_step == 1)
        choose(n, mask, 1, a, 1, b, 1, y);
    else if (mask_step == 1 && a_step == 1 && b_step == 0)
        choose(n, mask, 1, a, 1, b, 0, y);
    else if (mask_step == 1 && a_step == 0 && b_step == 1)
        choose(n, mask, 1, a, 0, b, 1, y);
    else
        choose(n, mask, mask_step, a, a_step, b, b_step, y);
}

static void where_gradient(int64_t n, const uint8_t *mask, int64_t mask_step, bool taken, const void *gs, void *out,
                           bool add)
{
    const real *g = gs;
    real *o = out;
    if (mask_step == 0 && add && (*mask != 0) != taken) return;
    for (int64_t i = 0; i < n; i++) {
        real value = (mask[i * mask_step] != 0) == taken ? g[i] : 0;
        o[i] = add ? o[i] + value : value;
    }
}

const struct elementwise_kernels KERNEL(elementwise_table) = {
    .unary = KERNEL(unary_kernels),
    .binary = binary_kernels,
    .sum_run = KERNEL(sum_run),
    .sum_rows = KERNEL(sum_rows),
    .where = where,
    .where_gradient = where_gradient,
};
