/* SPDX-License-Identifier: MIT
 *
 * Unary kernels, from the rows of elementwise.def.
 */
#include "kernels/activations.h"
#include "kernels/elementwise.h"

extern const unary_kernel KERNEL(unary_kernels)[UNARY_COUNT];

/* Stores a gradient or adds it: all of a vector, or the first n lanes. */
KERNEL_INLINE void put(real *p, V v, bool add)
{
    v_store(p, add ? v_load(p) + v : v);
}

KERNEL_INLINE void put_some(real *p, V v, bool add, int64_t n)
{
    v_store_some(p, add ? v_load_some(p, n) + v : v, n);
}

#define UNARY(name, parameters, formula, low, high, kink, q0, q1, of, of_gradient)                                     \
    static void name##_forward(int64_t n, const void *xs, void *ys, double q0_, double q1_)                            \
    {                                                                                                                  \
        const real *xp = xs, p0 = (real)q0_, p1 = (real)q1_;                                                           \
        real *yp = ys;                                                                                                 \
        int64_t i = 0;                                                                                                 \
        (void)p0, (void)p1;                                                                                            \
        for (; i + LANES <= n; i += LANES) {                                                                           \
            V x = v_load(xp + i);                                                                                      \
            v_store(yp + i, of);                                                                                       \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            V x = v_load_some(xp + i, n - i);                                                                          \
            v_store_some(yp + i, of, n - i);                                                                           \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_backward(int64_t n, const void *xs, const void *ys, const void *gs, void *out, bool add,        \
                                double q0_, double q1_)                                                                \
    {                                                                                                                  \
        const real *xp = xs, *yp = ys, *gp = gs, p0 = (real)q0_, p1 = (real)q1_;                                       \
        real *op = out;                                                                                                \
        int64_t i = 0;                                                                                                 \
        (void)p0, (void)p1;                                                                                            \
        for (; i + LANES <= n; i += LANES) {                                                                           \
            V x = v_load(xp + i), y = v_load(yp + i), g = v_load(gp + i);                                              \
            (void)x, (void)y, (void)g;                                                                                 \
            put(op + i, of_gradient, add);                                                                             \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            V x = v_load_some(xp + i, n - i), y = v_load_some(yp + i, n - i), g = v_load_some(gp + i, n - i);          \
            (void)x, (void)y, (void)g;                                                                                 \
            put_some(op + i, of_gradient, add, n - i);                                                                 \
        }                                                                                                              \
    }
#include "kernels/elementwise.def"

const unary_kernel KERNEL(unary_kernels)[UNARY_COUNT] = {
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, of, of_gradient) {name##_forward, name##_backward},
#include "kernels/elementwise.def"
};
