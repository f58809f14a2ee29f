/* SPDX-License-Identifier: MIT
 *
 * Losses that compare two arrays element by element.
 */
#include "kernels/loss.h"
#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "kernels/reduce.h"

extern const struct loss_kernels KERNEL(loss_table);
extern const struct reduce_kernels KERNEL(reduce_table);

/* log(1 + z) for 0 <= z <= 1: log 2 + log(1 + (z - 1) / 2) for the larger z, which v_log_reduced does not reach. */
KERNEL_INLINE V log1p_of_part(V z)
{
    VI large = z > R(0.41421356);
    V f = v_select(large, R(0.5) * (z - R(1)), z), e = v_select(large, v_set(1), v_set(0));
    return vfma(e, v_set(LN2_HIGH), v_log_reduced(f, e * LN2_LOW));
}

KERNEL_INLINE V v_least(V x, real low) /* NaN passes */
{
    return v_select(x < low, v_set(low), x);
}

KERNEL_INLINE V loss_of(loss_kind kind, V x, V t, real p)
{
    V d = x - t, size = v_abs(d);
    switch (kind) {
    case LOSS_SQUARE: return d * d;
    case LOSS_ABS: return size;
    case LOSS_HUBER: return v_select(size <= p, R(0.5) * d * d, p * (size - R(0.5) * p));
    case LOSS_BCE: return (t - R(1)) * v_least(v_log1p(-x), R(-100)) - t * v_least(v_log(x), R(-100));
    default: return x * v_select(x < R(0), -t, R(1) - t) + log1p_of_part(v_exp(-v_abs(x)));
    }
}

/* -1, 0 or 1, and NaN of NaN. */
KERNEL_INLINE V v_sign_of(V d)
{
    return v_select(d > R(0), v_set(1), v_select(d < R(0), v_set(-1), d));
}

KERNEL_INLINE V derivative(loss_kind kind, bool target, V x, V t, real p)
{
    V d = x - t, value;
    switch (kind) {
    case LOSS_SQUARE: value = R(2) * d; break;
    case LOSS_ABS: value = v_sign_of(d); break;
    case LOSS_HUBER: value = v_select(d > p, v_set(p), v_select(d < -p, v_set(-p), d)); break;
    case LOSS_BCE:
        if (target) return v_least(v_log1p(-x), R(-100)) - v_least(v_log(x), R(-100));
        return d / v_least((R(1) - x) * x, R(1e-12f)); /* in float for both types, as in PyTorch */
    default:
        if (target) return -x;
        return v_sigmoid(x) - t;
    }
    return target ? -value : value;
}

/* A vector, of which `left` elements are there. */
KERNEL_INLINE void each_at(loss_kind kind, int64_t i, int64_t left, const real *x, const real *t, real p, real *y,
                           real *slope)
{
    V xv = load_up_to(x + i, left), tv = load_up_to(t + i, left);
    store_up_to(y + i, loss_of(kind, xv, tv, p), left);
    if (slope) store_up_to(slope + i, derivative(kind, false, xv, tv, p), left);
}

KERNEL_INLINE void each_of(loss_kind kind, int64_t n, const real *x, const real *t, real p, real *y, real *slope)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) each_at(kind, i, LANES, x, t, p, y, slope);
    if (i < n) each_at(kind, i, n - i, x, t, p, y, slope);
}

static void pass_on(int64_t n, const void *slopes, const void *g, double scale, void *to, bool add)
{
    const real *slope = slopes;
    real *out = to;
    const V factor = v_set(*(const real *)g) * (real)scale;
    EACH_VECTOR(n)
    {
        V value = load_up_to(slope + i, left) * factor;
        if (add) value += load_up_to(out + i, left);
        store_up_to(out + i, value, left);
    }
}

/* `each`: an element of g for each of them, else `one` for all. */
KERNEL_INLINE void gradient_at(loss_kind kind, bool target, int64_t i, int64_t left, const real *x, const real *t,
                               real p, const real *each, V one, real scale, real *to, bool add)
{
    V d = derivative(kind, target, load_up_to(x + i, left), load_up_to(t + i, left), p);
    V value = d * (each ? load_up_to(each + i, left) * scale : one);
    if (add) value += load_up_to(to + i, left);
    store_up_to(to + i, value, left);
}

KERNEL_INLINE void gradient_of(loss_kind kind, bool target, int64_t n, const real *x, const real *t, real p,
                               const real *g, int g_step, real scale, real *to, bool add)
{
    const real *each = g_step ? g : NULL;
    const V one = each || n <= 0 ? v_set(0) : v_set(*g * scale); /* of nothing there need be no g */
    int64_t i = 0;
    if (each || add)
        for (; i + LANES <= n; i += LANES) gradient_at(kind, target, i, LANES, x, t, p, each, one, scale, to, add);
    for (; i + LANES <= n; i += LANES) gradient_at(kind, target, i, LANES, x, t, p, NULL, one, scale, to, false);
    if (i < n) gradient_at(kind, target, i, n - i, x, t, p, each, one, scale, to, add);
}

#define LOSS_FUNCTIONS(X)                                                                                              \
    X(square, LOSS_SQUARE) X(abs, LOSS_ABS) X(huber, LOSS_HUBER) X(bce, LOSS_BCE) X(bce_logits, LOSS_BCE_LOGITS)
#define DEFINE(name, kind)                                                                                             \
    static void each_##name(int64_t n, const real *x, const real *t, real p, real *y, real *slope)                     \
    {                                                                                                                  \
        if (slope)                                                                                                     \
            each_of(kind, n, x, t, p, y, slope);                                                                       \
        else                                                                                                           \
            each_of(kind, n, x, t, p, y, NULL);                                                                        \
    }                                                                                                                  \
    static void gradient_##name(bool target, int64_t n, const real *x, const real *t, real p, const real *g,           \
                                int g_step, real scale, real *to, bool add)                                            \
    {                                                                                                                  \
        if (target)                                                                                                    \
            gradient_of(kind, true, n, x, t, p, g, g_step, scale, to, add);                                            \
        else                                                                                                           \
            gradient_of(kind, false, n, x, t, p, g, g_step, scale, to, add);                                           \
    }
LOSS_FUNCTIONS(DEFINE)
#undef DEFINE

static void (*const each_functions[LOSS_COUNT])(int64_t, const real *, const real *, real, real *, real *) = {
#define ROW(name, kind) [kind] = each_##name,
    LOSS_FUNCTIONS(ROW)
#undef ROW
};

static void (*const gradient_functions[LOSS_COUNT])(bool, int64_t, const real *, const real *, real, const real *, int,
                                                    real, real *, bool) = {
#define ROW(name, kind) [kind] = gradient_##name,
    LOSS_FUNCTIONS(ROW)
#undef ROW
};

static void each(loss_kind kind, int64_t n, const void *x, const void *t, double p, void *y)
{
    each_functions[kind](n, x, t, (real)p, y, NULL);
}

#define STRETCH (8192 / (int)sizeof(real))

static void total(loss_kind kind, int64_t n, const void *from, const void *target, double p, double divisor, void *y,
                  void *slopes)
{
    const real *x = from, *t = target;
    real *slope = slopes;
    real losses[STRETCH];
    cascade sums;
    sums.count = 0;
    for (int64_t first = 0; first < n; first += STRETCH) {
        int64_t size = n - first < STRETCH ? n - first : STRETCH;
        real part;
        each_functions[kind](size, x + first, t + first, (real)p, losses, slope ? slope + first : NULL);
        KERNEL(reduce_table).run(REDUCE_SUM, (axis_shape){1, size, 1}, losses, NULL, &part, 1, false);
        cascade_push(&sums, part);
    }
    real sum = cascade_total(&sums);
    *(real *)y = divisor != 1 ? sum / (real)divisor : sum;
}

static void gradient(loss_kind kind, bool target, int64_t n, const void *x, const void *t, double p, const void *g,
                     int g_step, double scale, void *to, bool add)
{
    gradient_functions[kind](target, n, x, t, (real)p, g, g_step, (real)scale, to, add);
}

const struct loss_kernels KERNEL(loss_table) = {each, total, pass_on, gradient};
