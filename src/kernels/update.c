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

/* x, or 0 where size < tiny. */
KERNEL_INLINE V flush(V x, V size, V tiny)
{
#if KERNEL_FMA && V_BYTES == 64 && KERNEL_BITS == 32
    return (V)_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(size, tiny, _CMP_NLT_UQ), x);
#elif KERNEL_FMA && V_BYTES == 64
    return (V)_mm512_maskz_mov_pd(_mm512_cmp_pd_mask(size, tiny, _CMP_NLT_UQ), x);
#else
    return (V)(~(size < tiny) & (VI)x);
#endif
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
    const V direct = v_set((real)c->direct), look = v_set((real)c->look), tiny = v_set(SMALLEST_NORMAL);
    for (int64_t i = 0, left = n; left > 0; i += LANES, left -= LANES) {
        V xv = load_up_to(x + i, left), g = sign * load_up_to(from + i, left) + decay * xv;
        V b = keep * load_up_to(to + i, left) + take * g;
        b = flush(b, v_abs(b), tiny);
        store_up_to(to + i, b, left);
        store_up_to(x + i, xv - lr * (direct * g + look * b), left);
    }
}

typedef struct adam_vectors {
    V rate, shrink, decay, sign, beta1, beta2, take1, take2, root, eps, tiny;
} adam_vectors;

/* `left` elements from i on, a vector at most. plain: neither decay nor shrinking nor climbing. */
KERNEL_INLINE void adam_vector(const adam_vectors *c, const bool plain, int64_t i, int64_t left, real *restrict x,
                               const real *restrict from, real *restrict m, real *restrict v, real *restrict largest)
{
    V xv = load_up_to(x + i, left), g = load_up_to(from + i, left);
    if (!plain) g = c->sign * g + c->decay * xv;
    V first = c->beta1 * load_up_to(m + i, left) + c->take1 * g;
    V second = c->beta2 * load_up_to(v + i, left) + c->take2 * (g * g);
    first = flush(first, v_abs(first), c->tiny);
    second = flush(second, second, c->tiny);
    store_up_to(m + i, first, left);
    store_up_to(v + i, second, left);
    if (largest) {
        V most = load_up_to(largest + i, left);
        second = v_select(most > second, most, second);
        store_up_to(largest + i, second, left);
    }
    if (!plain) xv *= c->shrink;
    store_up_to(x + i, xv - c->rate * first / (v_sqrt(second) * c->root + c->eps), left);
}

KERNEL_INLINE void adam_loop(const adam_constants *c, const bool plain, int64_t n, real *restrict x,
                             const real *restrict from, real *restrict m, real *restrict v, real *restrict largest)
{
    const adam_vectors k = {
        .rate = v_set((real)c->rate),
        .shrink = v_set((real)c->shrink),
        .decay = v_set((real)c->decay),
        .sign = v_set((real)c->sign),
        .beta1 = v_set((real)c->beta1),
        .beta2 = v_set((real)c->beta2),
        .take1 = v_set((real)(1 - c->beta1)),
        .take2 = v_set((real)(1 - c->beta2)),
        .root = v_set((real)c->root),
        .eps = v_set((real)c->eps),
        .tiny = v_set(v_sqrt(v_set(SMALLEST_NORMAL))[0] <= (real)c->eps * EPSILON ? SMALLEST_NORMAL : 0),
    };
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) adam_vector(&k, plain, i, LANES, x, from, m, v, largest);
    if (i < n) adam_vector(&k, plain, i, n - i, x, from, m, v, largest);
}

static void adam(const adam_constants *c, int64_t n, void *x, const void *gradient, void *m, void *v, void *largest)
{
    if (largest)
        adam_loop(c, false, n, x, gradient, m, v, largest);
    else if (c->decay == 0 && c->shrink == 1 && c->sign == 1)
        adam_loop(c, true, n, x, gradient, m, v, NULL);
    else
        adam_loop(c, false, n, x, gradient, m, v, NULL);
}

const struct update_kernels KERNEL(update_table) = {sgd, momentum, adam};
