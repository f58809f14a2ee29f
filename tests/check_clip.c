/* SPDX-License-Identifier: MIT
 *
 * Clipping, the ratio of norms, gradient noise, averages of the parameters.
 */
#include "optim_params.h"

static double cosine_wave(int64_t i)
{
    return cos(0.3 + 1.1 * (double)i);
}

static double huge_float(int64_t i)
{
    return i % 2 ? 3e30 : -4e30;
}

static double with_nan(int64_t i)
{
    return i == 4 ? NAN : 1;
}

START_TEST(clip_does_not_overflow)
{
    reel_params *params = one_param(REEL_FLOAT, 2);
    set_gradient(params, huge_float);
    double total;
    ck_assert_int_eq(reel_clip_norm(NULL, params, 1, 2, REEL_NONFINITE_ERROR, &total), REEL_OK);
    ck_assert_double_eq_tol(total, 5e30, 1e24);
    reel_array g = reel_params_flat_gradient(params);
    ck_assert_double_eq_tol(reel_array_get(&g, 0), -0.8, 1e-6);
    ck_assert_double_eq_tol(reel_array_get(&g, 1), 0.6, 1e-6);
}
END_TEST

START_TEST(clip_policies)
{
    reel_params *params = params_of(REEL_DOUBLE, 2, (const int64_t[]){3, 3});
    reel_optimizer *o = reel_sgd_new(NULL, params, 1);
    reel_optimizer_set(NULL, o, "clip_norm", 1);
    set_gradient(params, with_nan);
    ck_assert_int_eq(reel_optimizer_step("a.c:3", o), REEL_NOT_FINITE);
    expect_error(REEL_NOT_FINITE, "a.c:3: optimizer_step: the gradient norm is nan: \"p1\" has the gradient nan "
                                  "at element 1");
    reel_array x = reel_params_flat(params);
    ck_assert_double_eq(reel_array_get(&x, 0), 0);
    ck_assert(reel_params_has_gradient(params));
    reel_optimizer_set(NULL, o, "clip_nonfinite", REEL_NONFINITE_SKIP);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    ck_assert_int_eq(reel_optimizer_skipped(o), 1);
    ck_assert_int_eq(reel_optimizer_steps(o), 0);
    ck_assert(!reel_params_has_gradient(params));
    ck_assert_double_eq(reel_array_get(&x, 0), 0);
    reel_optimizer_set(NULL, o, "clip_nonfinite", REEL_NONFINITE_PASS);
    set_gradient(params, with_nan);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    ck_assert(isnan(reel_array_get(&x, 0)) && isnan(reel_optimizer_gradient_norm(o)));
    double total = 0;
    ck_assert_int_eq(reel_clip_norm(NULL, params, 1, 2, REEL_NONFINITE_ERROR, &total), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "no gradient to clip");
    set_gradient(params, one);
    ck_assert_int_eq(reel_clip_norm(NULL, params, 0, 2, REEL_NONFINITE_ERROR, &total), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "found the limit 0, expected one above 0");
    ck_assert_int_eq(reel_clip_value(NULL, params, NAN), REEL_BAD_ARGUMENT);
    reel_error_clear(context);
    /* What is frozen counts for nothing. */
    reel_params_set_trainable(NULL, params, 1, false);
    ck_assert_double_eq_tol(reel_gradient_norm(params, 2), sqrt(3), 1e-15);
    ck_assert_double_eq(reel_gradient_norm(params, 1), 3);
    ck_assert_double_eq(reel_gradient_norm(params, INFINITY), 1);
    ck_assert(isnan(reel_gradient_norm(params, 0)));
}
END_TEST

/* LAMB and LARS by hand: one step of two parameters, each with its own ratio of norms; one that is 0 moves at ratio 1. */
START_TEST(ratio_of_norms)
{
    for (int lars = 0; lars < 2; lars++) {
        reel_params *params = params_of(REEL_DOUBLE, 3, (const int64_t[]){3, 10, 2});
        reel_params_seal(NULL, params); /* from here on views stay */
        reel_array x = reel_params_flat(params);
        set_all(x, wave);
        ((double *)x.data)[13] = ((double *)x.data)[14] = 0;
        double old[15];
        memcpy(old, x.data, sizeof old);
        reel_optimizer *o = lars ? reel_lars_new(NULL, params, 0.5) : reel_lamb_new(NULL, params, 0.5);
        reel_optimizer_set(NULL, o, "weight_decay", 0.1);
        set_gradient(params, cosine_wave);
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
        const int starts[] = {0, 3, 13, 15};
        for (int p = 0; p < 3; p++) {
            double xx = 0, rr = 0, gg = 0;
            for (int i = starts[p]; i < starts[p + 1]; i++) {
                double g = cosine_wave(i), r = g / (fabs(g) + 1e-6) + 0.1 * old[i];
                xx += old[i] * old[i], rr += r * r, gg += g * g;
            }
            for (int i = starts[p]; i < starts[p + 1]; i++) {
                double g = cosine_wave(i), r = g / (fabs(g) + 1e-6) + 0.1 * old[i], step;
                if (lars)
                    step = (xx > 0 ? 1e-3 * sqrt(xx) / (sqrt(gg) + 0.1 * sqrt(xx) + 1e-8) : 1) * (g + 0.1 * old[i]);
                else
                    step = (xx > 0 ? sqrt(xx / rr) : 1) * r;
                ck_assert_double_eq_tol(reel_array_get(&x, i), old[i] - 0.5 * step, 1e-14);
            }
        }
    }
}
END_TEST

/* Noise alone: the right spread, the same whatever came before, another one each step and seed, none when frozen. */
START_TEST(gradient_noise_is_reproducible)
{
    double point[3][1000];
    for (int k = 0; k < 3; k++) {
        reel_params *params = params_of(REEL_DOUBLE, 2, (const int64_t[]){999, 1});
        reel_params_set_trainable(NULL, params, 1, false);
        reel_optimizer *o = reel_sgd_new(NULL, params, 1);
        reel_optimizer_set(NULL, o, "noise", 0.5);
        reel_optimizer_set(NULL, o, "noise_decay", 0.5);
        reel_optimizer_set(NULL, o, "noise_seed", k == 2 ? 7 : 3);
        double before[1000] = {0};
        for (int t = 0; t < 4; t++) {
            reel_array x = reel_params_flat(params);
            memcpy(before, x.data, sizeof before);
            set_gradient(params, zero);
            ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
            double mean = 0, square = 0, sigma = 0.5 / sqrt(1 + t);
            for (int i = 0; i < 999; i++) {
                double d = ((double *)x.data)[i] - before[i];
                mean += d / 999, square += d * d / 999;
            }
            ck_assert_double_lt(fabs(mean), 4 * sigma / sqrt(999));
            ck_assert_double_eq_tol(sqrt(square), sigma, 4 * sigma / sqrt(2 * 999));
            ck_assert_double_eq(((double *)x.data)[999], 0);
        }
        memcpy(point[k], reel_params_flat(params).data, sizeof point[k]);
    }
    ck_assert_mem_eq(point[0], point[1], sizeof point[0]);
    ck_assert_mem_ne(point[0], point[2], sizeof point[0]);
}
END_TEST

START_TEST(averages)
{
    reel_params *params = one_param(REEL_DOUBLE, 300);
    reel_average *a = reel_average_swa_new(NULL, params);
    ck_assert_int_eq(reel_average_swap(NULL, a), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "nothing was taken in yet");
    ck_assert_int_eq(reel_average_set(NULL, a, "every", 0.5), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "every: found 0.5, expected a whole number 1 or above");
    ck_assert_int_eq(reel_average_set(NULL, a, "decay", 0.5), REEL_NOT_FOUND);
    expect_error(REEL_NOT_FOUND, "no hyper-parameter \"decay\"; there are start, every");
    reel_average_set(NULL, a, "every", 2);
    set_all(reel_params_flat(params), zero);
    for (int step = 1; step <= 4; step++) {
        ck_assert_int_eq(reel_average_step(NULL, a, step), REEL_OK);
        if (step == 2) set_all(reel_params_flat(params), one);
    }
    ck_assert_int_eq(reel_average_count(a), 2);
    ck_assert_int_eq(reel_average_swap(NULL, a), REEL_OK);
    reel_array x = reel_params_flat(params), y = reel_average_flat(a);
    for (int i = 0; i < 300; i++) ck_assert(reel_array_get(&x, i) == 0.5 && reel_array_get(&y, i) == 1);
    ck_assert_int_eq(reel_average_update(NULL, a), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "swap it back");
    ck_assert_int_eq(reel_average_swap(NULL, a), REEL_OK);
    ck_assert(reel_array_get(&x, 299) == 1 && reel_array_get(&y, 299) == 0.5 && !reel_average_swapped(a));
    ck_assert_ptr_null(reel_average_ema_new(NULL, params, 1));
    expect_error(REEL_BAD_ARGUMENT, "decay: found 1, expected from 0 to below 1");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("clip");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, clip_does_not_overflow);
    tcase_add_test(tests, clip_policies);
    tcase_add_test(tests, ratio_of_norms);
    tcase_add_test(tests, gradient_noise_is_reproducible);
    tcase_add_test(tests, averages);
    return run_case(tests, "clip");
}
