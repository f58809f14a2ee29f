/* SPDX-License-Identifier: MIT
 *
 * The range test of learning rates.
 */
#include "moons_run.h"

/* The course's house prices: price = w sqft + b, mean squared error, from w = b = 0. */
static reel_value house_loss(const reel_batch *batch, void *user)
{
    static double sqft[5] = {1, 1.5, 2, 2.5, 3}, prices[5] = {200, 250, 300, 350, 400};
    reel_array x = reel_array_view(REEL_DOUBLE, sqft, 1, &(int64_t){5});
    reel_array y = reel_array_view(REEL_DOUBLE, prices, 1, &(int64_t){5});
    reel_value w = reel_param(NULL, batch->tape, user, 0), b = reel_param(NULL, batch->tape, user, 1);
    reel_value line = reel_add(NULL, reel_mul(NULL, w, reel_input(NULL, batch->tape, &x)), b);
    return reel_mse(NULL, line, reel_input(NULL, batch->tape, &y));
}

/* On them the finder of the course, a rate 1.1 times larger each step and no smoothing, stops at 1.09, falls steepest at
 * 0.0048, while stability ends at 2 / 10.81507291 = 0.18492709. */
START_TEST(test_range_test_on_houses)
{
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "w", 1, &(int64_t){1});
    reel_params_add(NULL, params, "b", 1, &(int64_t){1});
    reel_optimizer *sgd = reel_sgd_new(NULL, params, 0.1);
    reel_trainer *trainer = reel_trainer_custom_new(NULL, sgd, NULL, NULL, house_loss, params);
    const reel_lr_options course = {.most = 1e-7 * pow(1.1, 193), .steps = 194, .smoothing = -1};
    reel_lr_test *t = reel_lr_find(NULL, trainer, &course);
    ck_assert_msg(t != NULL, "%s", reel_error_text(context));
    ck_assert_int_eq(t->count, 3);
    ck_assert(t->same);
    ck_assert_double_eq_tol(t->curvature.largest.value, 10.81507291, 1e-8);
    ck_assert_double_eq_tol(t->curvature.smallest.value, 0.18492709, 1e-7);
    ck_assert_double_eq_tol(t->curvature.limit, 0.1849270936326753, 1e-9);
    ck_assert_double_eq_tol(t->curves[0].blow_up, 1.09, 0.01);
    ck_assert_double_eq_tol(t->curves[0].steepest, 0.0048, 0.0001);
    ck_assert_double_eq_tol(t->suggestion, t->curves[0].steepest, 1e-12);
    ck_assert_double_lt(t->high, t->curvature.limit + 1e-12);
    ck_assert_ptr_nonnull(strstr(t->why, "although the test goes on to 1."));
    reel_lr_test_free(t);
    /* Above the limit the steps grow however long the test goes on falling: with long steps there is no suggestion. */
    t = reel_lr_find(NULL, trainer, &(reel_lr_options){.least = 0.3, .most = 10, .steps = 40});
    ck_assert(isnan(t->suggestion));
    ck_assert_ptr_nonnull(strstr(t->why, "no reliable suggestion"));
    reel_lr_test_free(t);
    expect_fine();
}
END_TEST

START_TEST(test_range_test_on_moons)
{
    static const char *const kinds[] = {"sgd", "adam", "lamb"};
    for (int i = 0; i < 3; i++) {
        run_setup s = {.optimizer = kinds[i], .dtype = REEL_FLOAT, .batch = 25, .dropout = 0.2, .epochs = 2};
        s.schedule = "warmup:4,cosine:1e-3";
        moons_run r = run_new(context, &s);
        char before[33], after[33];
        ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
        trainer_hash(r.trainer, before);
        reel_lr_test *t = reel_lr_find(NULL, r.trainer, NULL);
        ck_assert_msg(t != NULL, "%s", reel_error_text(context));
        trainer_hash(r.trainer, after);
        ck_assert_str_eq(before, after);
        ck_assert(!t->same);
        ck_assert_int_eq(t->count, 3);
        for (int k = 0; k < 3; k++) {
            const reel_lr_curve *c = &t->curves[k];
            ck_assert_int_gt(c->count, 100);
            ck_assert_double_eq(c->rate[0], 1e-7);
            ck_assert_double_eq_tol(c->rate[20] / c->rate[19], pow(1e8, 1.0 / 199), 1e-12);
            double best = INFINITY;
            for (int64_t p = 0; p < c->count; p++) best = fmin(best, c->smoothed[p]);
            ck_assert_double_eq(best, c->best);
            if (!isnan(c->blow_up)) ck_assert_double_eq(c->blow_up, c->rate[c->count - 1]);
            if (isfinite(c->blow_up) && isfinite(c->smoothed[c->count - 1]))
                ck_assert_double_gt(c->smoothed[c->count - 1], 4 * c->best);
        }
        ck_assert_msg(isnan(t->suggestion) == (strncmp(t->why, "no reliable", 11) == 0), "%s", t->why);
        if (!isnan(t->suggestion)) ck_assert(t->low <= t->suggestion && t->suggestion <= t->high);
        /* A second time it is the same to the bit. */
        reel_lr_test *again = reel_lr_find(NULL, r.trainer, NULL);
        ck_assert_int_eq(again->curves[1].count, t->curves[1].count);
        ck_assert_mem_eq(again->curves[1].loss, t->curves[1].loss, (size_t)t->curves[1].count * sizeof(double));
        ck_assert_str_eq(again->why, t->why);
        /* And it changes nothing in what follows. */
        reel_trainer_set(NULL, r.trainer, "epochs", 4);
        ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
        trainer_hash(r.trainer, after);
        moons_run plain = run_new(context, &s);
        ck_assert_int_eq(reel_trainer_run(NULL, plain.trainer), REEL_OK);
        reel_trainer_set(NULL, plain.trainer, "epochs", 4);
        ck_assert_int_eq(reel_trainer_run(NULL, plain.trainer), REEL_OK);
        trainer_hash(plain.trainer, before);
        ck_assert_str_eq(before, after);
    }
}
END_TEST

/* Any curve: the loss is what stands for its step. */
static double curve_value(int64_t step)
{
    if (step < 100) return 2;
    if (step < 140) return 2 - 0.02 * (double)(step - 100);
    return step < 150 ? 1.2 : step < 154 ? 3.2 : step < 180 ? 1.2 : 9;
}

static reel_value curve_loss(const reel_batch *batch, void *user)
{
    reel_value x = reel_sum(NULL, reel_param(NULL, batch->tape, user, 0));
    return reel_add_scalar(NULL, reel_mul_scalar(NULL, x, 0), curve_value(batch->step));
}

/* The way back from a spike is steep, but no descent; nothing that falls by less than 5 % is a reason to suggest. */
START_TEST(test_range_test_reads_curves)
{
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "x", 1, &(int64_t){1});
    reel_trainer *t = reel_trainer_custom_new(NULL, reel_sgd_new(NULL, params, 0.1), NULL, NULL, curve_loss, params);
    reel_lr_options o = {.smoothing = -1, .without_sharpness = true};
    reel_lr_test *test = reel_lr_find(NULL, t, &o);
    ck_assert_msg(test != NULL, "%s", reel_error_text(context));
    const reel_lr_curve *c = &test->curves[0];
    ck_assert_int_eq(c->count, 181);
    ck_assert_double_eq(c->blow_up, c->rate[180]);
    ck_assert_double_eq_tol(c->best, 1.2, 1e-12);
    ck_assert_double_eq_tol(c->fall, 0.4, 1e-12);
    ck_assert_msg(c->steepest > c->rate[100] && c->steepest < c->rate[140], "steepest at %g", c->steepest);
    ck_assert_double_eq_tol(test->suggestion, c->steepest, 1e-12);
    reel_lr_test_free(test);
    o.most = o.least = 0;
    o.steps = 100; /* flat as far as that */
    test = reel_lr_find(NULL, t, &o);
    ck_assert(isnan(test->suggestion) && isnan(test->low));
    ck_assert_ptr_nonnull(strstr(test->why, "no reliable suggestion: the loss falls by 5 % or more in 0 of 3 curves"));
    reel_lr_test_free(test);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("lr_find");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_range_test_on_houses);
    tcase_add_test(tests, test_range_test_on_moons);
    tcase_add_test(tests, test_range_test_reads_curves);
    return run_case(tests, "lr_find");
}
