/* SPDX-License-Identifier: MIT
 *
 * Element-wise kernels: choice of the instruction set; every set against generic, float against double; tails against
 * bodies; broadcasting against plain loops; sums; random numbers.
 */
#include "common.h"
#include "core/philox.h"
#include "core/random.h"
#include "kernels/broadcast.h"

typedef struct row {
    const char *name;
    double low, high, p0, p1;
} row;

static const row unary_rows[] = {
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, f, df) {#name, low, high, q0, q1},
#include "kernels/elementwise.def"
};

static const row binary_rows[] = {
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, f, da, db) {#name, b_low, b_high, a_low, a_high},
#include "kernels/elementwise.def"
};

#define N 1000

/* Operands x (or a, b), result, upstream and its gradient, in one type. */
static _Alignas(64) double a[N], b[N], y[N], g[N], out[N], other[N];

static uint64_t state;

static double uniform(double low, double high)
{
    state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's linear congruential generator */
    return low + (high - low) * ((double)(state >> 11) * 0x1p-53);
}

static double get(const kernels *k, const void *p, int64_t i)
{
    return k->dtype == REEL_FLOAT ? ((const float *)p)[i] : ((const double *)p)[i];
}

static void put(const kernels *k, void *p, int64_t i, double value)
{
    if (k->dtype == REEL_FLOAT)
        ((float *)p)[i] = (float)value;
    else
        ((double *)p)[i] = value;
}

static void *at_element(const kernels *k, void *p, int64_t i)
{
    return (char *)p + (size_t)i * reel_dtype_size(k->dtype);
}

static void fill(const kernels *k, void *p, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++) put(k, p, i, uniform(low, high));
}

/* Same bits, or both NaN. */
static bool same(const kernels *k, const void *p, const void *q, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double u = get(k, p, i), v = get(k, q, i);
        if (isnan(u) && isnan(v)) continue;
        if (u != v || signbit(u) != signbit(v)) return false;
    }
    return true;
}

/* Calls f for every table there is on this machine. */
static void for_all(void (*f)(const kernels *k))
{
    for (int isa = 0; isa < ISA_COUNT; isa++)
        for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
            const kernels *k = kernels_get_isa((kernels_isa)isa, (reel_dtype)dtype);
            if (k) f(k);
        }
}

START_TEST(test_choice)
{
    ck_assert_int_eq(kernels_isa_choose(NULL, ISA_AVX512), ISA_AVX512);
    ck_assert_int_eq(kernels_isa_choose("generic", ISA_AVX512), ISA_GENERIC);
    ck_assert_int_eq(kernels_isa_choose("avx2", ISA_AVX512), ISA_AVX2);
    ck_assert_int_eq(kernels_isa_choose("avx512", ISA_AVX2), ISA_AVX2);
    ck_assert_int_eq(kernels_isa_choose("avx512", ISA_GENERIC), ISA_GENERIC);
    ck_assert_int_eq(kernels_isa_choose("no such set", ISA_AVX2), ISA_AVX2);
    ck_assert_int_eq(kernels_isa_choose("", ISA_AVX512), ISA_AVX512);
    const kernels *k = kernels_get(REEL_DOUBLE);
    ck_assert_ptr_nonnull(k);
    ck_assert_int_eq(k->dtype, REEL_DOUBLE);
    ck_assert_str_eq(k->isa, kernels_isa_name());
    ck_assert_int_eq(kernels_get(REEL_FLOAT)->dtype, REEL_FLOAT);
    ck_assert_ptr_null(kernels_get(REEL_INT64));
    ck_assert_ptr_null(kernels_get_isa(ISA_GENERIC, REEL_UINT8));
    ck_assert_ptr_null(kernels_get_isa((kernels_isa)ISA_COUNT, REEL_FLOAT));
    ck_assert_str_eq(kernels_get_isa(ISA_GENERIC, REEL_FLOAT)->isa, "generic");
    for (int isa = 0; isa < ISA_COUNT; isa++)
        if (kernels_get_isa((kernels_isa)isa, REEL_FLOAT))
            printf("%s ", kernels_get_isa((kernels_isa)isa, REEL_FLOAT)->isa);
    printf("available, %s chosen\n", kernels_isa_name());
}
END_TEST

/* Each element computed in a run of every length and at every place gives the bits it gives alone. */
static void tails(const kernels *k)
{
    state = 5;
    for (int u = 0; u < UNARY_COUNT; u++) {
        const row *r = &unary_rows[u];
        const unary_kernel *kernel = &k->elementwise->unary[u];
        fill(k, a, N, r->low, r->high), fill(k, g, N, -2, 2);
        kernel->forward(N, a, y, r->p0, r->p1);
        kernel->backward(N, a, y, g, other, false, r->p0, r->p1);
        for (int64_t n = 1; n <= 70; n++) {
            int64_t start = n % 7;
            for (int64_t i = 0; i < N; i++) put(k, out, i, 77);
            kernel->forward(n, at_element(k, a, start), at_element(k, out, start), r->p0, r->p1);
            ck_assert_msg(same(k, at_element(k, y, start), at_element(k, out, start), n), "%s %s n = %d", r->name,
                          k->isa, (int)n);
            ck_assert_double_eq(get(k, out, start + n), 77);
            for (int64_t i = 0; i < N; i++) put(k, out, i, 77);
            kernel->backward(n, at_element(k, a, start), at_element(k, y, start), at_element(k, g, start),
                             at_element(k, out, start), false, r->p0, r->p1);
            ck_assert_msg(same(k, at_element(k, other, start), at_element(k, out, start), n), "%s %s n = %d, gradient",
                          r->name, k->isa, (int)n);
            ck_assert_double_eq(get(k, out, start + n), 77);
        }
    }
}

START_TEST(test_tails)
{
    for_all(tails);
}
END_TEST

/* Adding adds. */
static void adding(const kernels *k)
{
    state = 6;
    for (int u = 0; u < UNARY_COUNT; u++) {
        const row *r = &unary_rows[u];
        const unary_kernel *kernel = &k->elementwise->unary[u];
        fill(k, a, N, r->low, r->high), fill(k, g, N, -2, 2);
        kernel->forward(N, a, y, r->p0, r->p1);
        kernel->backward(N, a, y, g, other, false, r->p0, r->p1);
        for (int64_t i = 0; i < N; i++) put(k, out, i, 3);
        kernel->backward(N - 1, a, y, g, out, true, r->p0, r->p1);
        for (int64_t i = 0; i < N - 1; i++) {
            double want = k->dtype == REEL_FLOAT ? (float)get(k, other, i) + 3.0f : get(k, other, i) + 3;
            ck_assert_double_eq(get(k, out, i), want);
        }
        ck_assert_double_eq(get(k, out, N - 1), 3);
        kernel->backward(1, a, y, g, out, true, r->p0, r->p1); /* a scalar */
    }
}

START_TEST(test_adding)
{
    for_all(adding);
}
END_TEST

/* Results of one set: forward and gradient of every row, and of sums. */
enum { RESULTS = (2 * UNARY_COUNT + 9 * BINARY_COUNT + 2) * N };

static int64_t all_results(const kernels *k, double *results)
{
    int64_t count = 0;
    state = 9;
#define KEEP(n)                                                                                                        \
    for (int64_t i = 0; i < (n); i++) results[count++] = get(k, out, i)
    for (int u = 0; u < UNARY_COUNT; u++) {
        const row *r = &unary_rows[u];
        fill(k, a, N, 2 * r->low - r->high, 2 * r->high - r->low), fill(k, g, N, -2, 2);
        k->elementwise->unary[u].forward(N, a, out, r->p0, r->p1);
        memcpy(y, out, sizeof y);
        KEEP(N);
        k->elementwise->unary[u].backward(N, a, y, g, out, false, r->p0, r->p1);
        KEEP(N);
    }
    for (int o = 0; o < BINARY_COUNT; o++) {
        const row *r = &binary_rows[o];
        fill(k, a, N, r->p0, r->p1), fill(k, b, N, r->low, r->high);
        for (int runs = 0; runs < RUN_COUNT; runs++) {
            k->elementwise->binary[o].forward[runs](N, a, b, out);
            memcpy(y, out, sizeof y);
            KEEP(N);
            for (int which = 0; which < 2; which++) {
                k->elementwise->binary[o].backward[which][runs](N, a, b, y, g, out, false);
                KEEP(N);
            }
        }
    }
    gradient_source source = {.g = g};
    k->elementwise->sum_run(N, &source, out, false);
    KEEP(1);
    k->elementwise->sum_rows(10, 100, &source, out, false);
    KEEP(100);
    return count;
}

START_TEST(test_sets_agree)
{
    static double result[ISA_COUNT][RESULTS];
    for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
        const kernels *k[ISA_COUNT];
        int64_t count = 0;
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            k[isa] = kernels_get_isa((kernels_isa)isa, (reel_dtype)dtype);
            if (k[isa]) count = all_results(k[isa], result[isa]);
        }
        for (int64_t i = 0; k[ISA_AVX2] && i < count; i++) {
            double generic = result[ISA_GENERIC][i], fused = result[ISA_AVX2][i];
            double bound = (dtype == REEL_FLOAT ? 2e-6 : 4e-15) * fmax(1, fabs(generic));
            ck_assert_msg(fabs(generic - fused) <= bound || generic == fused || (isnan(generic) && isnan(fused)),
                          "number %d: generic %.17g, avx2 %.17g", (int)i, generic, fused);
            if (!k[ISA_AVX512]) continue;
            double wide = result[ISA_AVX512][i]; /* the same bits */
            ck_assert_msg((fused == wide && signbit(fused) == signbit(wide)) || (isnan(fused) && isnan(wide)),
                          "number %d: avx2 %.17g, avx512 %.17g", (int)i, fused, wide);
        }
    }
}
END_TEST

START_TEST(test_float_against_double)
{
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        const kernels *f = kernels_get_isa((kernels_isa)isa, REEL_FLOAT),
                      *d = kernels_get_isa((kernels_isa)isa, REEL_DOUBLE);
        state = 11;
        for (int u = 0; f && u < UNARY_COUNT; u++) {
            const row *r = &unary_rows[u];
            static float x32[N], y32[N], g32[N], out32[N];
            for (int i = 0; i < N; i++) a[i] = x32[i] = (float)uniform(r->low, r->high), g[i] = g32[i] = 1;
            f->elementwise->unary[u].forward(N, x32, y32, (float)r->p0, (float)r->p1);
            d->elementwise->unary[u].forward(N, a, y, (float)r->p0, (float)r->p1);
            f->elementwise->unary[u].backward(N, x32, y32, g32, out32, false, (float)r->p0, (float)r->p1);
            d->elementwise->unary[u].backward(N, a, y, g, out, false, (float)r->p0, (float)r->p1);
            for (int i = 0; i < N; i++) {
                ck_assert_double_eq_tol(y32[i], y[i], 1e-6 * fmax(1, fabs(y[i])));
                ck_assert_double_eq_tol(out32[i], out[i], 1e-6 * fmax(1, fabs(out[i])));
            }
        }
    }
}
END_TEST

/* Special values of one row: x, y, and the gradient for g = 1. */
static void expect_unary(const kernels *k, int u, double x, double want, double slope)
{
    const row *r = &unary_rows[u];
    put(k, a, 0, x), put(k, g, 0, 1);
    k->elementwise->unary[u].forward(1, a, y, r->p0, r->p1);
    k->elementwise->unary[u].backward(1, a, y, g, out, false, r->p0, r->p1);
    double found = get(k, y, 0), found_slope = get(k, out, 0), bound = k->dtype == REEL_FLOAT ? 1e-7 : 1e-15;
    bool fine = isnan(want) ? isnan(found) : found == want || fabs(found - want) <= bound;
    bool fine_slope = isnan(slope) ? isnan(found_slope) : found_slope == slope || fabs(found_slope - slope) <= bound;
    ck_assert_msg(fine && fine_slope, "%s(%g) %s: %.17g with slope %.17g, expected %.17g and %.17g", r->name, x, k->isa,
                  found, found_slope, want, slope);
}

static void expect_binary(const kernels *k, int o, double x, double z, double want, double slope_a, double slope_b)
{
    double slopes[2] = {slope_a, slope_b};
    put(k, a, 0, x), put(k, b, 0, z), put(k, g, 0, 1);
    k->elementwise->binary[o].forward[RUN_BOTH](1, a, b, y);
    double found = get(k, y, 0);
    ck_assert_msg(found == want || (isnan(found) && isnan(want)), "%s(%g, %g) %s: %.17g, expected %.17g",
                  binary_rows[o].name, x, z, k->isa, found, want);
    for (int which = 0; which < 2; which++) {
        k->elementwise->binary[o].backward[which][RUN_BOTH](1, a, b, y, g, out, false);
        found = get(k, out, 0);
        ck_assert_msg(found == slopes[which] || (isnan(found) && isnan(slopes[which])),
                      "%s(%g, %g) %s: gradient %d is %.17g, expected %.17g", binary_rows[o].name, x, z, k->isa, which,
                      found, slopes[which]);
    }
}

static void conventions(const kernels *k)
{
    double inf = INFINITY, nan = NAN;
    expect_unary(k, UNARY_abs, 0, 0, 0);
    expect_unary(k, UNARY_sign, 0, 0, 0);
    expect_unary(k, UNARY_sign, -inf, -1, 0);
    expect_unary(k, UNARY_relu, 0, 0, 0);
    expect_unary(k, UNARY_relu, -0.0, 0, 0);
    expect_unary(k, UNARY_relu, nan, nan, 1);
    expect_unary(k, UNARY_relu, -inf, 0, 0);
    expect_unary(k, UNARY_leaky_relu, 0, 0, k->dtype == REEL_FLOAT ? 0.1f : 0.1);
    expect_unary(k, UNARY_elu, 0, 0, 0.5);
    expect_unary(k, UNARY_elu, -inf, -0.5, 0);
    expect_unary(k, UNARY_clamp, 1, 1, 1);
    expect_unary(k, UNARY_clamp, -1, -1, 1);
    expect_unary(k, UNARY_clamp, 1.5, 1, 0);
    expect_unary(k, UNARY_clamp, nan, nan, 1);
    expect_unary(k, UNARY_hardtanh, 1, 1, 0);
    expect_unary(k, UNARY_hardtanh, -1, -1, 0);
    expect_unary(k, UNARY_sqrt, 0, 0, inf);
    expect_unary(k, UNARY_sqrt, -1, nan, nan);
    expect_unary(k, UNARY_log, 0, -inf, inf);
    expect_unary(k, UNARY_log, -1, nan, -1);
    expect_unary(k, UNARY_log, inf, inf, 0);
    expect_unary(k, UNARY_log1p, -1, -inf, inf);
    expect_unary(k, UNARY_exp, -inf, 0, 0);
    expect_unary(k, UNARY_exp, inf, inf, inf);
    expect_unary(k, UNARY_exp, nan, nan, nan);
    expect_unary(k, UNARY_tanh, inf, 1, 0);
    expect_unary(k, UNARY_tanh, -inf, -1, 0);
    expect_unary(k, UNARY_sigmoid, -inf, 0, 0);
    expect_unary(k, UNARY_erf, -inf, -1, 0);
    expect_unary(k, UNARY_softplus, inf, inf, 1);
    expect_unary(k, UNARY_softplus, 10.5, 10.5, 1);
    expect_unary(k, UNARY_logsigmoid, -inf, -inf, 1);
    expect_unary(k, UNARY_sin, inf, nan, nan);
    expect_binary(k, BINARY_maximum, 2, 2, 2, 0.5, 0.5);
    expect_binary(k, BINARY_maximum, 2, 3, 3, 0, 1);
    expect_binary(k, BINARY_maximum, nan, 3, nan, 1, 1);
    expect_binary(k, BINARY_maximum, 3, nan, nan, 1, 1);
    expect_binary(k, BINARY_minimum, 2, 2, 2, 0.5, 0.5);
    expect_binary(k, BINARY_minimum, 2, 3, 2, 1, 0);
    expect_binary(k, BINARY_minimum, nan, 3, nan, 1, 1);
    expect_binary(k, BINARY_pow, 0, 0, 1, 0, 0);
    expect_binary(k, BINARY_pow, 0, 2, 0, 0, 0);
    expect_binary(k, BINARY_pow, -2, 2, 4, -4, nan);
    expect_binary(k, BINARY_pow, -3, 0, 1, 0, nan);
    expect_binary(k, BINARY_pow, 0, 0.5, 0, inf, 0);
    expect_binary(k, BINARY_div, 1, 0, inf, inf, -inf);
    expect_binary(k, BINARY_div, 0, 0, nan, inf, nan);
    for (int whole = 1; whole < 9; whole++) /* exact results come out exactly */
        for (int base = 1; base < 8; base++) {
            double product = 1;
            put(k, a, 0, -base);
            for (int i = 0; i < whole; i++) product *= -base;
            k->elementwise->unary[UNARY_pow_scalar].forward(1, a, y, whole, 0);
            ck_assert_double_eq(get(k, y, 0), product);
        }
}

START_TEST(test_conventions)
{
    for_all(conventions);
}
END_TEST

/* Broadcasting against plain loops over all indices. */
typedef struct shaped {
    int rank;
    int64_t shape[REEL_MAX_RANK];
} shaped;

static int64_t offset_of(const reel_array *operand, const reel_array *result, int64_t index)
{
    int64_t offset = 0, size = 1;
    for (int back = 1; back <= result->rank; back++) {
        int64_t extent = result->shape[result->rank - back], i = index % extent;
        index /= extent;
        if (back > operand->rank) continue;
        int64_t own = operand->shape[operand->rank - back];
        if (own > 1) offset += i * size;
        size *= own;
    }
    return offset;
}

static reel_array *new_array(const kernels *k, const shaped *s, double low, double high)
{
    reel_array *array = reel_array_new(NULL, context, k->dtype, s->rank, s->shape);
    ck_assert_ptr_nonnull(array);
    fill(k, array->data, array->size, low, high);
    return array;
}

static shaped broadcast_of(const shaped *p, const shaped *q)
{
    shaped r = {.rank = p->rank > q->rank ? p->rank : q->rank};
    for (int back = 1; back <= r.rank; back++) {
        int64_t u = back <= p->rank ? p->shape[p->rank - back] : 1, v = back <= q->rank ? q->shape[q->rank - back] : 1;
        r.shape[r.rank - back] = u == 1 ? v : u;
    }
    return r;
}

static void check_gradient(const kernels *k, int o, int which, const reel_array *p, const reel_array *q,
                           const reel_array *result, const reel_array *upstream, bool add)
{
    const reel_array *own = which ? q : p;
    reel_array *gradient = reel_array_new(NULL, context, k->dtype, own->rank, own->shape);
    double *want = calloc((size_t)own->size + 1, sizeof *want), *scale = calloc((size_t)own->size + 1, sizeof *scale);
    for (int64_t i = 0; i < own->size; i++) put(k, gradient->data, i, add ? 5 : NAN), want[i] = add ? 5 : 0;
    for (int64_t i = 0; i < result->size; i++) {
        put(k, a, 0, get(k, p->data, offset_of(p, result, i))), put(k, b, 0, get(k, q->data, offset_of(q, result, i)));
        put(k, y, 0, get(k, result->data, i)), put(k, g, 0, get(k, upstream->data, i));
        k->elementwise->binary[o].backward[which][RUN_BOTH](1, a, b, y, g, out, false);
        int64_t to = offset_of(own, result, i);
        want[to] += get(k, out, 0), scale[to] += fabs(get(k, out, 0));
    }
    broadcast_backward(k, o, which, p, q, result, upstream->data, gradient->data, add);
    for (int64_t i = 0; i < own->size; i++) {
        double bound = (k->dtype == REEL_FLOAT ? 1e-6 : 2e-15) * (scale[i] + 5);
        ck_assert_msg(fabs(get(k, gradient->data, i) - want[i]) <= bound,
                      "%s %s operand %d element %d of %d: gradient %.17g, expected %.17g", binary_rows[o].name, k->isa,
                      which, (int)i, (int)own->size, get(k, gradient->data, i), want[i]);
    }
    free(want), free(scale);
    reel_array_free(gradient);
}

static void check_pair(const kernels *k, int o, const shaped *ps, const shaped *qs)
{
    const row *r = &binary_rows[o];
    shaped rs = broadcast_of(ps, qs);
    reel_array *p = new_array(k, ps, r->p0, r->p1), *q = new_array(k, qs, r->low, r->high);
    reel_array *result = new_array(k, &rs, 0, 0), *upstream = new_array(k, &rs, -1, 2);
    broadcast_forward(k, o, p, q, result);
    for (int64_t i = 0; i < result->size; i++) {
        put(k, a, 0, get(k, p->data, offset_of(p, result, i))), put(k, b, 0, get(k, q->data, offset_of(q, result, i)));
        k->elementwise->binary[o].forward[RUN_BOTH](1, a, b, y);
        ck_assert_msg(get(k, y, 0) == get(k, result->data, i), "%s %s element %d of %d: %.17g, expected %.17g", r->name,
                      k->isa, (int)i, (int)result->size, get(k, result->data, i), get(k, y, 0));
    }
    for (int which = 0; which < 2; which++)
        for (int add = 0; add < 2; add++) check_gradient(k, o, which, p, q, result, upstream, add);
    reel_array_free(p), reel_array_free(q), reel_array_free(result), reel_array_free(upstream);
}

static void broadcasting(const kernels *k)
{
    static const shaped pairs[][2] = {
        {{2, {3, 7}}, {2, {3, 7}}},
        {{0, {0}}, {0, {0}}},
        {{2, {200, 8}}, {1, {8}}},
        {{1, {8}}, {2, {201, 8}}},
        {{2, {150, 3}}, {2, {1, 3}}},
        {{2, {70, 1}}, {0, {0}}},
        {{2, {37, 67}}, {1, {67}}},
        {{2, {1, 129}}, {2, {40, 129}}},
        {{2, {9, 5}}, {2, {9, 1}}},
        {{2, {9, 1}}, {2, {9, 70}}},
        {{2, {1, 70}}, {2, {40, 1}}},
        {{2, {40, 1}}, {2, {1, 5}}},
        {{3, {2, 3, 5}}, {0, {0}}},
        {{2, {1, 1}}, {3, {2, 3, 5}}},
        {{3, {4, 3, 5}}, {3, {1, 3, 1}}},
        {{3, {4, 3, 5}}, {3, {4, 1, 5}}},
        {{4, {2, 1, 3, 1}}, {4, {1, 4, 1, 5}}},
        {{6, {2, 1, 2, 1, 2, 3}}, {5, {3, 1, 2, 1, 3}}},
        {{2, {0, 3}}, {2, {1, 3}}},
        {{2, {4, 1}}, {2, {4, 0}}},
        {{2, {3000, 1}}, {1, {1}}},
    };
    state = 13;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int o = 0; o < BINARY_COUNT; o++) check_pair(k, o, &pairs[i][0], &pairs[i][1]);
    for (int trial = 0; trial < 60; trial++) {
        shaped s[2];
        int64_t extent[REEL_MAX_RANK];
        for (int d = 0; d < REEL_MAX_RANK; d++) extent[d] = (int64_t)uniform(1, 5);
        for (int o = 0; o < 2; o++) {
            s[o].rank = (int)uniform(0, REEL_MAX_RANK + 0.99);
            for (int d = 0; d < s[o].rank; d++)
                s[o].shape[d] = uniform(0, 1) < 0.4 ? 1 : extent[REEL_MAX_RANK - s[o].rank + d];
        }
        check_pair(k, trial % BINARY_COUNT, &s[0], &s[1]);
    }
}

START_TEST(test_broadcasting)
{
    for_all(broadcasting);
}
END_TEST

static void choosing(const kernels *k)
{
    static const shaped cases[][3] = {
        {{2, {5, 7}}, {2, {5, 7}}, {2, {5, 7}}}, {{2, {5, 7}}, {0, {0}}, {2, {5, 7}}},
        {{2, {5, 7}}, {2, {5, 7}}, {1, {7}}},    {{1, {7}}, {2, {5, 7}}, {2, {5, 1}}},
        {{0, {0}}, {2, {5, 7}}, {0, {0}}},       {{3, {2, 5, 1}}, {1, {7}}, {2, {5, 1}}},
        {{1, {100}}, {1, {100}}, {0, {0}}},
    };
    state = 17;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        shaped values = broadcast_of(&cases[c][1], &cases[c][2]), rs = broadcast_of(&cases[c][0], &values);
        reel_array *mask = reel_array_new(NULL, context, REEL_UINT8, cases[c][0].rank, cases[c][0].shape);
        for (int64_t i = 0; i < mask->size; i++)
            ((uint8_t *)mask->data)[i] = (uint8_t)(uniform(0, 1) < 0.5 ? 0 : uniform(1, 256));
        reel_array *p = new_array(k, &cases[c][1], -2, 2), *q = new_array(k, &cases[c][2], -2, 2);
        reel_array *result = new_array(k, &rs, 0, 0), *upstream = new_array(k, &rs, -1, 1),
                   *gradient = new_array(k, &rs, 3, 3);
        broadcast_where(k, mask, p, q, result);
        for (int64_t i = 0; i < result->size; i++) {
            bool taken = ((uint8_t *)mask->data)[offset_of(mask, result, i)];
            double want = taken ? get(k, p->data, offset_of(p, result, i)) : get(k, q->data, offset_of(q, result, i));
            ck_assert_double_eq(get(k, result->data, i), want);
        }
        for (int which = 0; which < 2; which++)
            for (int add = 0; add < 2; add++) {
                for (int64_t i = 0; i < result->size; i++) put(k, gradient->data, i, 3);
                broadcast_where_gradient(k, mask, !which, result, upstream->data, gradient->data, add);
                for (int64_t i = 0; i < result->size; i++) {
                    bool taken = ((uint8_t *)mask->data)[offset_of(mask, result, i)] != 0;
                    put(k, a, 0, (taken == !which ? get(k, upstream->data, i) : 0) + (add ? 3 : 0));
                    ck_assert_double_eq(get(k, gradient->data, i), get(k, a, 0));
                }
            }
        reel_array_free(mask), reel_array_free(p), reel_array_free(q);
        reel_array_free(result), reel_array_free(upstream), reel_array_free(gradient);
    }
}

START_TEST(test_where)
{
    for_all(choosing);
}
END_TEST

/* A million tenths in float: one after another they would miss by a percent. */
START_TEST(test_long_sums)
{
    enum { LONG = 1000000 };
    float *numbers = malloc(LONG * sizeof *numbers);
    for (int i = 0; i < LONG; i++) numbers[i] = 0.1f;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        const kernels *k = kernels_get_isa((kernels_isa)isa, REEL_FLOAT);
        if (!k) continue;
        gradient_source source = {.g = numbers};
        float sum, columns[2];
        k->elementwise->sum_run(LONG, &source, &sum, false);
        k->elementwise->sum_rows(LONG / 2, 2, &source, columns, false);
        ck_assert_double_eq_tol(sum, LONG * (double)0.1f, 1e-6 * LONG * 0.1);
        ck_assert_double_eq_tol(columns[0], LONG / 2 * (double)0.1f, 1e-6 * LONG * 0.05);
        ck_assert_double_eq_tol(columns[1], LONG / 2 * (double)0.1f, 1e-6 * LONG * 0.05);
    }
    free(numbers);
}
END_TEST

/* An empty result as the first thing on a tape, and the sum over nothing as its gradient. */
START_TEST(test_empty)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    reel_array *none = doubles(2, (const int64_t[]){0, 3}, NULL), *row_array = doubles(1, (const int64_t[]){3}, NULL);
    reel_value x = reel_variable(NULL, tape, none), z = reel_variable(NULL, tape, row_array);
    reel_value sum = reel_add(NULL, x, z);
    ck_assert(!reel_is_nil(sum));
    ck_assert_int_eq(reel_backward_from(NULL, sum, none), REEL_OK);
    expect_fine();
    reel_array gradient = reel_gradient(z);
    ck_assert_ptr_nonnull(gradient.data);
    for (int64_t i = 0; i < 3; i++) ck_assert_double_eq(at(gradient, i), 0);
}
END_TEST

START_TEST(test_errors)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    reel_value x = reel_variable(NULL, tape, doubles(2, (const int64_t[]){2, 3}, NULL));
    reel_value z = reel_variable(NULL, tape, doubles(1, (const int64_t[]){2}, NULL));
    ck_assert(reel_is_nil(reel_mul("e.c:1", x, z)));
    expect_error(REEL_BAD_SHAPE, "e.c:1: mul: shapes (2,3) and (2) do not broadcast: 3 and 2 differ");
    ck_assert(reel_is_nil(reel_softplus("e.c:2", x, 0, 20)));
    expect_error(REEL_BAD_ARGUMENT, "e.c:2: softplus: found beta = 0, expected a finite number other than 0");
    ck_assert(reel_is_nil(reel_hardtanh("e.c:3", x, 1, -1)));
    expect_error(REEL_BAD_ARGUMENT, "e.c:3: hardtanh: found low = 1 above high = -1");
    ck_assert(reel_is_nil(reel_leaky_relu("e.c:4", x, NAN)));
    expect_error(REEL_BAD_ARGUMENT, "e.c:4: leaky_relu: found nan as parameter 1, expected a number");
    ck_assert(reel_is_nil(reel_where("e.c:5", x, x, x)));
    expect_error(REEL_BAD_DTYPE, "e.c:5: where: operand 1, the mask: found float64, expected uint8");
    uint8_t taken[2] = {1, 0};
    reel_array mask = reel_array_view(REEL_UINT8, taken, 1, (const int64_t[]){2});
    ck_assert(reel_is_nil(reel_where("e.c:6", reel_input(NULL, tape, &mask), x, x)));
    expect_error(REEL_BAD_SHAPE, "the mask's shape (2) does not broadcast with that of the values, (2,3)");
    ck_assert(reel_is_nil(reel_tanh("e.c:7", reel_input(NULL, tape, &mask))));
    expect_error(REEL_BAD_DTYPE, "e.c:7: tanh: operand 1: found uint8, expected float64");
    ck_assert(reel_is_nil(reel_add(NULL, x, REEL_NIL)));
    reel_error_clear(context);
}
END_TEST

/* Words as one block after another gives them, for any number of blocks, across 2^32 and at the end of a position; and what
 * is made of them has the same bits in every instruction set. */
START_TEST(test_random)
{
    enum { BLOCKS = 150, WORDS = 4 * BLOCKS };
    static uint32_t word[WORDS + 1], want[WORDS];
    static double x[WORDS], x_generic[WORDS];
    static int64_t whole[WORDS], whole_generic[WORDS];
    static uint8_t mask[WORDS], mask_generic[WORDS];
    static const uint64_t firsts[] = {0, 5, ((uint64_t)1 << 32) - 3, UINT64_MAX - BLOCKS};
    const philox_place at = {{0x243f6a88, 0x85a308d3}, 0x13198a2e03707344};
    for (int isa = 0; isa < ISA_COUNT; isa++)
        for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
            const kernels *k = kernels_get_isa((kernels_isa)isa, (reel_dtype)dtype);
            const kernels *generic = kernels_get_isa(ISA_GENERIC, (reel_dtype)dtype);
            const int64_t n = dtype == REEL_FLOAT ? WORDS : WORDS / 2;
            for (size_t f = 0; k && f < sizeof firsts / sizeof *firsts; f++) {
                for (uint64_t i = 0; i < BLOCKS; i++) {
                    const uint64_t block = firsts[f] + i;
                    const uint32_t counter[] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)at.position,
                                                (uint32_t)(at.position >> 32)};
                    philox4x32(at.key, counter, want + 4 * i);
                }
                for (int64_t blocks = 0; blocks <= BLOCKS; blocks += blocks < 40 ? 1 : 37) {
                    memset(word, 0, sizeof word);
                    k->random->words(&at, firsts[f], blocks, word);
                    ck_assert_msg(memcmp(word, want, (size_t)blocks * 16) == 0, "%s: %d blocks", k->isa, (int)blocks);
                    ck_assert_uint_eq(word[4 * blocks], 0);
                }
                const double high = f == 1 ? 1 : f == 2 ? 0x1p-100 : 3.75, low = f == 3 ? -2.5 : high - f;
                k->random->uniform(n, want, low, high, x);
                generic->random->uniform(n, want, low, high, x_generic);
                ck_assert(same(k, x, x_generic, n));
                for (int64_t i = 0; i < n; i++) ck_assert(get(k, x, i) >= low && get(k, x, i) <= high);
                k->random->keep(WORDS, want, (uint64_t)1 << (8 * f + 8), mask);
                generic->random->keep(WORDS, want, (uint64_t)1 << (8 * f + 8), mask_generic);
                ck_assert(memcmp(mask, mask_generic, WORDS) == 0);
                for (int i = 0; i < WORDS; i++) ck_assert_int_eq(mask[i], want[i] < (uint64_t)1 << (8 * f + 8));
                const uint32_t range = f == 0 ? 10 : f == 1 ? 3000000000u : f == 2 ? UINT32_MAX : 1;
                int64_t count = k->random->integers(WORDS, want, -5, range, whole);
                ck_assert_int_eq(count, generic->random->integers(WORDS, want, -5, range, whole_generic));
                ck_assert(memcmp(whole, whole_generic, (size_t)count * sizeof *whole) == 0);
                ck_assert_int_eq(count < WORDS, f == 1); /* some three in ten are passed over there */
                for (int64_t i = 0; i < count; i++) ck_assert(whole[i] >= -5 && whole[i] < (int64_t)range - 5);
            }
        }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("kernels");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_choice);
    tcase_add_test(tests, test_tails);
    tcase_add_test(tests, test_adding);
    tcase_add_test(tests, test_sets_agree);
    tcase_add_test(tests, test_float_against_double);
    tcase_add_test(tests, test_conventions);
    tcase_add_test(tests, test_broadcasting);
    tcase_add_test(tests, test_where);
    tcase_add_test(tests, test_long_sums);
    tcase_add_test(tests, test_empty);
    tcase_add_test(tests, test_random);
    tcase_add_test(tests, test_errors);
    return run_case(tests, "kernels");
}
