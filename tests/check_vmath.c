/* SPDX-License-Identifier: MIT
 *
 * Accuracy of the elementary functions, measured through the unary kernels against the C library in long double:
 * random arguments, all exponents, special values. With REEL_SLOW=1 forty times as many, and every 37th float.
 * Prints the largest error of each.
 */
#include "kernels/elementwise.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long double wide;

static wide exact_sigmoid(wide x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

static wide exact_logsigmoid(wide x)
{
    return x < 0 ? x - log1pl(expl(x)) : -log1pl(expl(-x));
}

static wide exact_softplus(wide x)
{
    return -exact_logsigmoid(-x);
}

static wide exact_rsqrt(wide x)
{
    return 1 / sqrtl(x);
}

static wide exact_gelu(wide x)
{
    return x * erfcl(-x * sqrtl(0.5L)) / 2;
}

static wide exact_silu(wide x)
{
    return x * exact_sigmoid(x);
}

static const struct function {
    const char *name;
    int kernel;
    wide (*exact)(wide);
    double bound;     /* ulp */
    double low, high; /* interval drawn from, beside all bit patterns */
    double p0, p1;
    int slack; /* powers of 2 by which the product of x and a denormal may miss more */
} functions[] = {
    {"exp", UNARY_exp, expl, 2, -110, 90, 0, 0, 0},
    {"expm1", UNARY_expm1, expm1l, 2, -25, 5, 0, 0, 0},
    {"log", UNARY_log, logl, 2, 0, 4, 0, 0, 0},
    {"log1p", UNARY_log1p, log1pl, 2, -1, 4, 0, 0, 0},
    {"tanh", UNARY_tanh, tanhl, 2, -10, 10, 0, 0, 0},
    {"sigmoid", UNARY_sigmoid, exact_sigmoid, 2, -100, 40, 0, 0, 0},
    {"logsigmoid", UNARY_logsigmoid, exact_logsigmoid, 2, -40, 40, 0, 0, 0},
    {"softplus", UNARY_softplus, exact_softplus, 2, -40, 40, 1, 1e30, 0},
    {"erf", UNARY_erf, erfl, 2, -4, 4, 0, 0, 0},
    {"sin", UNARY_sin, sinl, 2, -1e5, 1e5, 0, 0, 0},
    {"cos", UNARY_cos, cosl, 2, -1e5, 1e5, 0, 0, 0},
    {"sin near 0", UNARY_sin, sinl, 2, -8, 8, 0, 0, 0},
    {"cos near 0", UNARY_cos, cosl, 2, -8, 8, 0, 0, 0},
    {"sqrt", UNARY_sqrt, sqrtl, 0.5, 0, 4, 0, 0, 0},
    {"rsqrt", UNARY_rsqrt, exact_rsqrt, 1.5, 0, 4, 0, 0, 0},
    {"gelu", UNARY_gelu, exact_gelu, 2, -8, 8, 0, 0, 0},
    {"gelu far", UNARY_gelu, exact_gelu, 2, -40, 10, 0, 0, 0},
    {"silu", UNARY_silu, exact_silu, 2, -120, 120, 0, 0, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, BATCH = 4096 };

static uint64_t state;

static uint64_t random_bits(void)
{
    state += 0x9e3779b97f4a7c15u; /* splitmix64 (Steele et al., OOPSLA 2014) */
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double random_in(double low, double high)
{
    return low + (high - low) * ((double)(random_bits() >> 11) * 0x1p-53);
}

/* Distance in units of the last place of `want`, at least 2^slack of the smallest denormal; a wrong kind of number is infinitely far. */
static double ulps(double got, wide want, reel_dtype dtype, int slack)
{
    int digits = dtype == REEL_FLOAT ? 24 : 53, least = (dtype == REEL_FLOAT ? -149 : -1074) + slack;
    double rounded = dtype == REEL_FLOAT ? (float)want : (double)want;
    if (isnan(rounded) || isnan(got)) return isnan(rounded) && isnan(got) ? 0 : INFINITY;
    if (rounded == 0 && got == 0) return signbit(rounded) == signbit(got) ? 0 : INFINITY;
    if (rounded == got) return 0;
    int exponent;
    frexpl(want, &exponent);
    int unit = exponent - digits < least ? least : exponent - digits;
    if (isinf(got)) got = ldexp(got > 0 ? 1 : -1, dtype == REEL_FLOAT ? 128 : 1023);
    return (double)(fabsl(want - got) / ldexpl(1, unit));
}

static double number(const void *p, int i, reel_dtype dtype)
{
    return dtype == REEL_FLOAT ? ((const float *)p)[i] : ((const double *)p)[i];
}

static void put_number(void *p, int i, reel_dtype dtype, double value)
{
    if (dtype == REEL_FLOAT)
        ((float *)p)[i] = (float)value;
    else
        ((double *)p)[i] = value;
}

static double argument(const struct function *f, int i, reel_dtype dtype)
{
    static const double special[] = {0.0,      -0.0,      INFINITY, -INFINITY, NAN,    1,      -1,      1e-30,
                                     -1e-30,   1e-45,     -1e-45,   0.5,       -0.5,   1e-310, -1e-310, 88.7,
                                     88.8,     -87.3,     -103.9,   -104,      709.7,  709.8,  -745.1,  -745.2,
                                     0x1p-126, 0x1p-1022, 1e4,      99999,     100001, 1e22};
    if (i < (int)(sizeof special / sizeof *special)) return special[i];
    if (i % 4) return random_in(f->low, f->high);
    uint64_t bits = random_bits();
    if (dtype == REEL_FLOAT) {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The largest error over the numbers of x. */
static double worst_of(const struct function *f, const kernels *k, int n, const void *x, double worst, double *where)
{
    static double y[BATCH];
    k->elementwise->unary[f->kernel].forward(n, x, y, f->p0, f->p1);
    for (int i = 0; i < n; i++) {
        double error = ulps(number(y, i, k->dtype), f->exact((wide)number(x, i, k->dtype)), k->dtype, f->slack);
        if (error > worst) worst = error, *where = number(x, i, k->dtype);
    }
    return worst;
}

static double worst_error(const struct function *f, const kernels *k, double *where)
{
    static double x[BATCH];
    double worst = 0;
    bool slow = getenv("REEL_SLOW") != NULL;
    state = 1;
    for (int batch = 0; batch < (slow ? 2000 : 50); batch++) {
        for (int i = 0; i < BATCH; i++) put_number(x, i, k->dtype, argument(f, batch ? i + 100 : i, k->dtype));
        worst = worst_of(f, k, BATCH, x, worst, where);
    }
    for (uint64_t bits = 0; slow && k->dtype == REEL_FLOAT && bits < (uint64_t)1 << 32; bits += 37 * BATCH) {
        for (int i = 0; i < BATCH; i++) ((uint32_t *)(void *)x)[i] = (uint32_t)(bits + 37 * (uint64_t)i);
        worst = worst_of(f, k, BATCH, x, worst, where);
    }
    return worst;
}

START_TEST(accuracy)
{
    const struct function *f = &functions[_i % FUNCTIONS];
    reel_dtype dtype = _i / FUNCTIONS ? REEL_DOUBLE : REEL_FLOAT;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        const kernels *k = kernels_get_isa((kernels_isa)isa, dtype);
        double where = 0;
        if (!k) continue;
        double worst = worst_error(f, k, &where);
        printf("%-12s %-8s %-8s %6.3f ulp at %.9g\n", f->name, reel_dtype_name(dtype), k->isa, worst, where);
        ck_assert_msg(worst <= f->bound, "%s %s %s: %g ulp at %.17g", f->name, reel_dtype_name(dtype), k->isa, worst,
                      where);
    }
}
END_TEST

START_TEST(powers)
{
    static double a[BATCH], b[BATCH], y[BATCH];
    static const double special[] = {0.0,  -0.0,     1,         -1,  2,      -2,    3,      0.5,
                                     -0.5, INFINITY, -INFINITY, NAN, 1e-310, 1e300, 1e-300, 7};
    enum { SPECIAL = sizeof special / sizeof *special };
    for (int isa = 0; isa < ISA_COUNT; isa++)
        for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
            const kernels *k = kernels_get_isa((kernels_isa)isa, (reel_dtype)dtype);
            double worst = 0, at_a = 0, at_b = 0;
            if (!k) continue;
            state = 7;
            for (int batch = 0; batch < 100; batch++) {
                for (int i = 0; i < BATCH; i++) {
                    double reach = batch % 2 ? 1 : dtype == REEL_FLOAT ? 90 : 720;
                    double base = exp(random_in(-3, 3) * (i % 3 ? 1 : 8));
                    if (!batch && i < SPECIAL * SPECIAL) base = special[i / SPECIAL];
                    put_number(a, i, k->dtype, base);
                    put_number(b, i, k->dtype,
                               !batch && i < SPECIAL * SPECIAL ? special[i % SPECIAL]
                                                               : random_in(-reach, reach) / log(base));
                }
                k->elementwise->binary[BINARY_pow].forward[RUN_BOTH](BATCH, a, b, y);
                for (int i = 0; i < BATCH; i++) {
                    double base = number(a, i, k->dtype), exponent = number(b, i, k->dtype);
                    double error = ulps(number(y, i, k->dtype), powl((wide)base, (wide)exponent), k->dtype, 0);
                    if (error > worst) worst = error, at_a = base, at_b = exponent;
                }
            }
            printf("%-12s %-8s %-8s %6.3f ulp at %.9g ^ %.9g\n", "pow", reel_dtype_name(k->dtype), k->isa, worst, at_a,
                   at_b);
            ck_assert_msg(worst <= 2, "pow: %g ulp at %.17g ^ %.17g", worst, at_a, at_b);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vmath");
    TCase *tests = tcase_create("accuracy");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, accuracy, 0, 2 * FUNCTIONS);
    tcase_add_test(tests, powers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
