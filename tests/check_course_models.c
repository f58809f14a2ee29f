/* SPDX-License-Identifier: MIT
 *
 * What the programs of the course make of data, row by row: sampling, imputation, smoothing, gradients of samples.
 */
#include "averaging.h"
#include "class_imbalance.h"
#include "lr_finder.h"
#include "missing_features.h"
#include "noisy_labels.h"
#include "outliers.h"
#include "schedules.h"
#include "warm_up.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static reel_context *reel;

static void setup(void)
{
    reel = reel_context_new(NULL);
}

static void teardown(void)
{
    ck_assert_msg(!reel_failed(reel), "%s", reel_error_text(reel));
    reel_context_free(reel);
}

static reel_dataset rare(void)
{
    return imbalance_data(reel, reel_rng_numpy_new(reel, 42), 500, 20, 2);
}

static double count_of(const reel_dataset *data, double label)
{
    double count = 0;
    for (int64_t i = 0; i < data->y->size; i++) count += fit_elements(data->y)[i] == label;
    return count;
}

static bool same_row(const reel_dataset *a, int64_t i, const reel_dataset *b, int64_t j)
{
    const double *x = fit_elements(a->x) + 2 * i, *y = fit_elements(b->x) + 2 * j;
    return x[0] == y[0] && x[1] == y[1] && fit_elements(a->y)[i] == fit_elements(b->y)[j];
}

START_TEST(oversampling_repeats_rows_until_the_classes_are_equal)
{
    reel_dataset data = rare(), more = oversample(reel, &data, 1);
    ck_assert_double_eq(count_of(&more, 1), 480);
    ck_assert_double_eq(count_of(&more, 0), 480);
    for (int64_t i = 0; i < 500; i++) ck_assert(same_row(&more, i, &data, i));
    int64_t drawn[20] = {0};
    for (int64_t i = 500; i < 960; i++) {
        int64_t k = 0;
        while (k < 20 && !same_row(&more, i, &data, k)) k++;
        ck_assert_msg(k < 20, "row %lld is no copy", (long long)i);
        drawn[k]++;
    }
    for (int k = 0; k < 20; k++)
        ck_assert_msg(drawn[k] > 5 && drawn[k] < 50, "row %d drawn %lld times", k, (long long)drawn[k]);
}
END_TEST

START_TEST(undersampling_takes_different_rows)
{
    reel_dataset data = rare(), fewer = undersample(reel, &data, 1);
    ck_assert_double_eq(count_of(&fewer, 1), 20);
    ck_assert_double_eq(count_of(&fewer, 0), 20);
    for (int64_t i = 0; i < 40; i++)
        for (int64_t k = 0; k < i; k++) ck_assert(!same_row(&fewer, i, &fewer, k));
    reel_dataset other = undersample(reel, &data, 2);
    int same = 0;
    for (int64_t i = 20; i < 40; i++) same += same_row(&fewer, i, &other, i);
    ck_assert_int_lt(same, 20);
}
END_TEST

/* Is p on the segment from a to b? */
static bool between(const double *p, const double *a, const double *b)
{
    double length = hypot(b[0] - a[0], b[1] - a[1]);
    return fabs(hypot(p[0] - a[0], p[1] - a[1]) + hypot(p[0] - b[0], p[1] - b[1]) - length) < 1e-9;
}

/* Is row j one of the five nearest to row i among the first twenty? */
static bool near(const double *x, int i, int j)
{
    int nearer = 0;
    double own = hypot(x[2 * i] - x[2 * j], x[2 * i + 1] - x[2 * j + 1]);
    for (int k = 0; k < 20; k++) nearer += k != i && hypot(x[2 * i] - x[2 * k], x[2 * i + 1] - x[2 * k + 1]) < own;
    return nearer < 5;
}

START_TEST(smote_stays_between_a_row_and_one_of_its_neighbours)
{
    reel_dataset data = rare(), more = smote(reel, &data, 5, 1);
    const double *x = fit_elements(data.x);
    ck_assert_double_eq(count_of(&more, 1), 480);
    for (int64_t i = 500; i < 960; i++) {
        bool found = false;
        for (int a = 0; a < 20; a++)
            for (int b = 0; b < 20; b++)
                found =
                    found || (a != b && near(x, a, b) && between(fit_elements(more.x) + 2 * i, x + 2 * a, x + 2 * b));
        ck_assert_msg(found, "row %lld lies elsewhere", (long long)i);
        ck_assert_double_eq(fit_elements(more.y)[i], 1);
    }
}
END_TEST

START_TEST(gaps_are_filled_and_marked)
{
    double numbers[] = {1, NAN, 3, 5, NAN, 7}, means[2];
    reel_array x = reel_array_view(REEL_DOUBLE, numbers, 2, (const int64_t[]){3, 2});
    int64_t take[3];
    missing_means(&x, means);
    ck_assert_double_eq(means[0], 2);
    ck_assert_double_eq(means[1], 6);
    reel_array *filled = missing_fill(reel, &x, means, true);
    static const double expected[] = {1, 6, 0, 1, 3, 5, 0, 0, 2, 7, 1, 0};
    ck_assert_int_eq(filled->shape[1], 4);
    for (int i = 0; i < 12; i++) ck_assert_double_eq(fit_elements(filled)[i], expected[i]);
    ck_assert_int_eq(missing_complete(&x, take), 1);
    ck_assert_int_eq(take[0], 1);
}
END_TEST

START_TEST(large_numbers_alone_get_lost)
{
    reel_rng *numpy = reel_rng_numpy_new(reel, 42);
    reel_array *x = fit_normal(reel, numpy, 1000, 2), *before = reel_array_cast(reel, REEL_DOUBLE, x);
    int64_t lost = missing_take(x, numpy, 0.3, true), positive = 0;
    for (int64_t i = 0; i < x->size; i++) {
        positive += fit_elements(before)[i] > 0;
        ck_assert(!isnan(fit_elements(x)[i]) || fit_elements(before)[i] > 0);
    }
    ck_assert_double_eq_tol((double)lost / (double)positive, 0.6, 0.05);
}
END_TEST

START_TEST(suspects_are_ranked_by_their_loss)
{
    noisy_data data = noisy_data_new(reel, reel_rng_numpy_new(reel, 42), 300, 0.1);
    fit_recipe how = {.optimizer = "adam", .lr = 0.01, .epochs = 10, .batch = 30, .seed = 42};
    int64_t order[300], seen[300] = {0}, early = 0;
    noisy_rank(reel, &data, &how, 5, order);
    for (int i = 0; i < 300; i++) seen[order[i]]++;
    for (int i = 0; i < 300; i++) ck_assert_int_eq(seen[i], 1);
    for (int i = 0; i < data.flipped; i++)
        early += fit_elements(data.noisy)[order[i]] != fit_elements(data.clean)[order[i]];
    ck_assert_msg(2 * early > data.flipped, "%lld of %lld", (long long)early, (long long)data.flipped);
}
END_TEST

/* Of one row, (w x - y)^2 has the gradient 2 (w x - y) x. */
START_TEST(gradients_of_samples_are_theirs)
{
    static const double w[] = {1, -1, 0.25};
    double norms[100];
    reel_dataset data = outlier_data(reel, reel_rng_numpy_new(reel, 42), 100, 0.1, 20, OUTLIER_TARGET);
    outlier_norms(reel, &data, w, norms);
    for (int i = 0; i < 100; i++) {
        const double *x = fit_elements(data.x) + 3 * i;
        double residual = w[0] * x[0] + w[1] * x[1] + w[2] * x[2] - fit_elements(data.y)[i];
        double norm = 2 * fabs(residual) * sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]);
        ck_assert_double_eq_tol(norms[i], norm, 1e-12 * norm);
    }
}
END_TEST

/* On the line through the houses everything is known: loss 95000 at 0, its gradient (-1300, -600). */
START_TEST(the_sweep_makes_the_steps_it_says)
{
    double rate[5], loss[5];
    reel_dataset data = houses_new(reel, false);
    fit_recipe how = {.optimizer = "sgd", .lr = 1};
    int count = lr_finder_sweep(reel, &data, &how, 1e-3, 2, 4, 5, rate, loss);
    ck_assert_int_eq(count, 5);
    double w = 0, b = 0;
    for (int i = 0; i < 5; i++) {
        double expected = 0, dw = 0, db = 0;
        for (int k = 0; k < 5; k++) {
            double x = 1 + 0.5 * k, error = w * x + b - (200 + 50 * k);
            expected += error * error / 5;
            dw += 2 * error * x / 5;
            db += 2 * error / 5;
        }
        if (i == 0) ck_assert_double_eq(loss[0], 95000);
        ck_assert_double_eq_tol(rate[i], 1e-3 * pow(2, i), 1e-15);
        ck_assert_double_eq_tol(loss[i], expected, 1e-9 * expected);
        w -= rate[i] * dw;
        b -= rate[i] * db;
    }
    ck_assert_double_eq_tol(lr_finder_limit(reel, &data, &how), 0.1849270936326753, 1e-8);
}
END_TEST

/* With beta1 = 0.9 and beta2 = 0.999 the first update is lr sign(g), without the correction sqrt(10) times that. */
START_TEST(the_correction_is_left_out)
{
    double sizes[3], largest[3];
    warm_up_first_steps(reel, &warm_up_uncorrected, 1, 1, 3, sizes, largest);
    ck_assert_double_eq_tol(largest[0], 0.1 / sqrt(0.001), 1e-5);
    warm_up_first_steps(reel, reel_optimizer_find("adam"), 1, 1, 3, sizes, largest);
    ck_assert_double_eq_tol(largest[0], 1, 1e-6);
}
END_TEST

/* Full batches reach the least-squares solution, above which nothing is left. */
START_TEST(nothing_is_left_above_the_least_error)
{
    fit_recipe how = {.optimizer = "sgd", .lr = 0.3, .epochs = 300, .batch = 0, .seed = 42};
    ck_assert_double_eq_tol(schedules_train(reel, "constant", &how), 0, 1e-12);
    how.epochs = 2;
    ck_assert_double_gt(schedules_train(reel, "constant", &how), 1e-3);
}
END_TEST

START_TEST(the_average_is_measured_apart)
{
    averaging_options options = {.rows = 60,
                                 .test_rows = 60,
                                 .noise = 0.2,
                                 .snapshots = 3,
                                 .how = {.optimizer = "sgd", .lr = 0.5, .epochs = 6, .batch = 10, .seed = 1}};
    averaging_place places[3], mean = averaging_train(reel, 1, &options, places), one;
    for (int k = 0; k < 3; k++) {
        ck_assert_double_gt(places[k].sharpness, 0);
        ck_assert_double_ne(places[k].train_loss, mean.train_loss);
    }
    /* Of a single snapshot the average is that snapshot. */
    options.snapshots = 1;
    one = averaging_train(reel, 1, &options, places);
    ck_assert_double_eq(one.train_loss, places[0].train_loss);
    ck_assert_double_eq(one.test_loss, places[0].test_loss);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("course_models");
    TCase *tests = tcase_create("course_models");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 280);
    tcase_add_test(tests, oversampling_repeats_rows_until_the_classes_are_equal);
    tcase_add_test(tests, undersampling_takes_different_rows);
    tcase_add_test(tests, smote_stays_between_a_row_and_one_of_its_neighbours);
    tcase_add_test(tests, gaps_are_filled_and_marked);
    tcase_add_test(tests, large_numbers_alone_get_lost);
    tcase_add_test(tests, suspects_are_ranked_by_their_loss);
    tcase_add_test(tests, gradients_of_samples_are_theirs);
    tcase_add_test(tests, the_sweep_makes_the_steps_it_says);
    tcase_add_test(tests, the_correction_is_left_out);
    tcase_add_test(tests, nothing_is_left_above_the_least_error);
    tcase_add_test(tests, the_average_is_measured_apart);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
