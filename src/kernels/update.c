/* SPDX-License-Identifier: MIT
 *
 * Optimizer updates. No step is fused that the formulas do not fuse: double gives the roundings of the formulas as
 * written.
 */
#include "kernels/update.h"
#include "kernels/kernels.h"
#include "kernels/lanes.h"

extern const struct update_kernels KERNEL(update_table);

#if KERNEL_BITS == 32
#define EPSILON R(0x1p-23)
#else
#define EPSILON R(0x1p-52)
#endif

KERNEL_INLINE V flush(V x, real tiny)
{
    return v_select(v_abs(x) < tiny, v_set(0), x);
}

static void sgd(const sgd_constants *c, int64_t n, void *parameters, const void *gradient)
{
    real *restrict x = parameters;
    const real *restrict from = gradient;
    const V lr = v_set((real)c->lr), decay = v_set((real)c->decay), sign = v_set((real)c->sign);
    for (int64_t i = 0, left = n; left > 0; i += LANES, left -= LANES) {
        V xv = load_up_to(x + i, left), g = sign * load_up_to(from + i, left) + decay * xv;
        store_up_to(x + i, xv - lr * g, left);
    }
}

static void momentum(const sgd_constants *c, int64_t n, void *parameters, const void *gradient, void *buffer)
{
    real *restrict x = parameters, *restrict to = buffer;
    const real *restrict from = gradient;
    const V lr = v_set((real)c->lr), decay = v_set((real)c->decay), sign = v_set((real)c->sign);
    const V keep = v_set((real)c->keep), take = v_set((real)c->take);
    const V direct = v_set((real)c->direct), look = v_set((real)c->look);
    for (int64_t i = 0, left = n; left > 0; i += LANES, left -= LANES) {
        V xv = load_up_to(x + i, left), g = sign * load_up_to(from + i, left) + decay * xv;
        V b = flush(keep * load_up_to(to + i, left) + take * g, SMALLEST_NORMAL);
        store_up_to(to + i, b, left);
        store_up_to(x + i, xv - lr * (direct * g + look * b), left);
    }
}

KERNEL_INLINE void adam_loop(const adam_constants *c, int64_t n, real *restrict x, const real *restrict from,
                             real *restrict m, real *restrict v, real *restrict largest)
{
    const V rate = v_set((real)c->rate), shrink = v_set((real)c->shrink), decay = v_set((real)c->decay);
    const V sign = v_set((real)c->sign), beta1 = v_set((real)c->beta1), beta2 = v_set((real)c->beta2);
    const V take1 = v_set((real)(1 - c->beta1)), take2 = v_set((real)(1 - c->beta2));
    const V root = v_set((real)c->root), eps = v_set((real)c->eps);
    const real tiny = v_sqrt(v_set(SMALLEST_NORMAL))[0] <= (real)c->eps * EPSILON ? SMALLEST_NORMAL : 0;
    for (int64_t i = 0, left = n; left > 0; i += LANES, left -= LANES) {
        V xv = load_up_to(x + i, left), g = sign * load_up_to(from + i, left) + decay * xv;
        V first = flush(beta1 * load_up_to(m + i, left) + take1 * g, tiny);
        V second = flush(beta2 * load_up_to(v + i, left) + take2 * (g * g), tiny);
        store_up_to(m + i, first, left);
        store_up_to(v + i, second, left);
        if (largest) {
            V most = load_up_to(largest + i, left);
            second = v_select(most > second, most, second);
            store_up_to(largest + i, second, left);
        }
        store_up_to(x + i, xv * shrink - rate * first / (v_sqrt(second) * root + eps), left);
    }
}

static void adam(const adam_constants *c, int64_t n, void *x, const void *gradient, void *m, void *v, void *largest)
{
    if (largest)
        adam_loop(c, n, x, gradient, m, v, largest);
    else
        adam_loop(c, n, x, gradient, m, v, NULL);
}

const struct update_kernels KERNEL(update_table) = {sgd, momentum, adam};
