/* SPDX-License-Identifier: MIT
 *
 * Schedules: their text, what they are made of, what they do to an optimizer.
 */
#include "optim_params.h"

START_TEST(schedule_text)
{
    const struct {
        const char *spec, *canonical;
        int64_t horizon;
        bool uses_horizon;
    } rows[] = {
        {"constant", "constant", 0, false},
        {"step:30", "step:30", 0, false},
        {"step:gamma=0.5:every=30", "step:30:0.5", 0, false},
        {"multistep:0.5:10:10:50", "multistep:0.5:10:10:50", 0, false},
        {"onecycle:anneal=linear:most=0.5", "onecycle:0.5:anneal=linear", 100, true},
        {"cyclic:0.5:mode=exp_range:gamma=0.9:least=0.1", "cyclic:0.5:2000:mode=exp_range:gamma=0.9:least=0.1", 0,
         false},
        {"multistep:milestone=30:milestone=80", "multistep:0.1:30:80", 0, false},
        {"cosine", "cosine", 100, true},
        {"cosine:1e-4:80", "cosine:0.0001:80", 0, false},
        {"cosine:climb=on:least=1e-4", "cosine:0.0001:climb=1", 100, true},
        {"warmup:20,cosine:1e-4", "warmup:20,cosine:0.0001", 200, true},
        {"warmup:20,cosine@100", "warmup:20,cosine@100", 0, false},
        {"warmup:20@20,cosine:0:80", "warmup:20,cosine:0:80", 0, false},
        {"warmup:5,cosine,constant:0.01@50", "warmup:5,cosine,constant:0.01@50", 200, true},
        {"linear:0.1:1:9*step:30", "linear:0.1:1:9*step:30", 0, false},
        {"(warmup:5,constant)*exponential:0.9", "(warmup:5,constant)*exponential:0.9", 0, false},
        {"constant:0.5:40,exponential:0.9", "constant:0.5:40,exponential:0.9", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reel_schedule *s = reel_schedule_parse(NULL, context, rows[i].spec, rows[i].horizon);
        ck_assert_msg(s != NULL, "%s: %s", rows[i].spec, reel_error_text(context));
        char text[200], again[200];
        ck_assert_uint_eq(reel_schedule_describe(s, text, sizeof text), strlen(rows[i].canonical));
        ck_assert_str_eq(text, rows[i].canonical);
        ck_assert_msg(reel_schedule_uses_horizon(s) == rows[i].uses_horizon, "%s", rows[i].spec);
        reel_schedule *t = reel_schedule_parse(NULL, context, text, rows[i].horizon);
        reel_schedule_describe(t, again, sizeof again);
        ck_assert_str_eq(again, text);
        for (int64_t step = 0; step < 300; step++)
            ck_assert_double_eq(reel_schedule_rate(s, step, 0.3), reel_schedule_rate(t, step, 0.3));
        char small[4];
        ck_assert_uint_eq(reel_schedule_describe(s, small, sizeof small), strlen(text));
        ck_assert_int_eq(strncmp(small, text, 3), 0);
        ck_assert_int_eq(small[3], 0);
        reel_schedule_free(s);
        reel_schedule_free(t);
    }
}
END_TEST

START_TEST(schedule_text_errors)
{
    size_t before = reel_context_memory(context).in_use;
    const struct {
        const char *spec;
        int64_t horizon;
        const char *text;
    } rows[] = {
        {"", 100, "expected the name of a schedule"},
        {"cosin", 100, "no schedule \"cosin\"; there are constant, step"},
        {"warmup:20,,cosine", 100, "found \",cosine\" at character 11"},
        {"cosine:-1", 100, "cosine: least: found -1, expected 0 or above"},
        {"cosine:1e-4x", 100, "cosine: least: found \"1e-4x\""},
        {"cosine:0:10:0:0:1", 100, "found more than 4 values"},
        {"cosine:0:least=1", 100, "least is given twice"},
        {"cosine:speed=1", 100, "no hyper-parameter \"speed\"; there are least, steps"},
        {"cosine", 0, "a part has no length"},
        {"warmup,cosine", 100, "warmup is one of several parts without a length"},
        {"warmup:100,cosine", 100, "nothing is left for cosine: the other parts last 100 steps of 100"},
        {"step", 100, "step needs a value for every"},
        {"step:0.5", 100, "every: found 0.5, expected a whole number"},
        {"step:inf", 100, "every: found inf"},
        {"warmup:20)", 100, "expected a comma"},
        {"(warmup:20", 100, "expected )"},
        {"warmup:20@0", 100, "expected a number of steps"},
        {"warmup:20@x", 100, "expected a number of steps"},
        {"lambda", 100, "no function of a program"},
        {"((((((((((((((((((constant))))))))))))))))))", 100, "fewer parentheses"},
        {"onecycle:rise=0.05", 10, "the rise takes less than one step"},
        {"onecycle:three_phase=1:rise=0.6", 10, "three phases need"},
        {"constant:nan", 100, "factor: found nan"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_ptr_null(reel_schedule_parse(NULL, context, rows[i].spec, rows[i].horizon));
        expect_error(i == 1 || i == 7 ? REEL_NOT_FOUND : REEL_BAD_ARGUMENT, rows[i].text);
        ck_assert_msg(reel_context_memory(context).in_use == before, "\"%s\" leaves memory", rows[i].spec);
    }
    char many[200 * 9 + 1] = "";
    for (int i = 0; i < 200; i++) memcpy(many + 9 * i, "constant,", 10);
    many[200 * 9 - 1] = '\0';
    ck_assert_ptr_null(reel_schedule_parse(NULL, context, many, 100));
    expect_error(REEL_BAD_ARGUMENT, "at most 64 parts");
    ck_assert_uint_eq(reel_context_memory(context).in_use, before);
}
END_TEST

START_TEST(schedule_composition)
{
    reel_schedule *s = reel_schedule_parse(NULL, context, "warmup:10,cosine:0.01,constant:0.1@30", 100);
    for (int t = 0; t < 150; t++) {
        double expected = t < 10   ? 0.5 * (t + 1) / 10
                          : t < 70 ? 0.01 + 0.49 * (1 + cos(acos(-1) * (t - 10) / 60)) / 2
                                   : 0.05;
        ck_assert_double_eq_tol(reel_schedule_rate(s, t, 0.5), expected, 1e-15);
    }
    /* A longer run stretches the cosine; a horizon that is too short leaves everything as it was. */
    ck_assert_int_eq(reel_schedule_set_horizon(NULL, s, 140), REEL_OK);
    ck_assert_double_eq_tol(reel_schedule_rate(s, 60, 0.5), 0.255, 1e-15);
    ck_assert_int_eq(reel_schedule_set_horizon(NULL, s, 40), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "nothing is left for cosine: the other parts last 40 steps of 40");
    ck_assert_double_eq_tol(reel_schedule_rate(s, 60, 0.5), 0.255, 1e-15);
    ck_assert_int_eq(reel_schedule_horizon(s), 140);
    /* Built in C: the same, and a member belongs to its whole. */
    reel_schedule *members[] = {reel_schedule_warmup_new(NULL, context, 10),
                                reel_schedule_cosine_new(NULL, context, 0.01, 0)};
    reel_schedule *c = reel_schedule_sequence_new(NULL, context, 2, members, (const int64_t[]){10});
    ck_assert(c && isnan(reel_schedule_rate(c, 5, 0.5)));
    ck_assert_int_eq(reel_schedule_set_horizon(NULL, c, 70), REEL_OK);
    ck_assert_double_eq_tol(reel_schedule_rate(c, 40, 0.5), 0.255, 1e-15);
    reel_schedule_free(members[1]);
    ck_assert_double_eq_tol(reel_schedule_rate(c, 40, 0.5), 0.255, 1e-15);
    ck_assert_ptr_null(reel_schedule_chained_new(NULL, context, 1, &members[1]));
    expect_error(REEL_BAD_ARGUMENT, "a member already");
    reel_schedule *twice[] = {reel_schedule_constant_new(NULL, context, 1), NULL};
    twice[1] = twice[0];
    ck_assert_ptr_null(reel_schedule_sequence_new(NULL, context, 2, twice, (const int64_t[]){3}));
    expect_error(REEL_BAD_ARGUMENT, "listed twice");
    reel_schedule *back[] = {reel_schedule_constant_new(NULL, context, 1), reel_schedule_constant_new(NULL, context, 1),
                             reel_schedule_constant_new(NULL, context, 1)};
    ck_assert_ptr_null(reel_schedule_sequence_new(NULL, context, 3, back, (const int64_t[]){5, 5}));
    expect_error(REEL_BAD_ARGUMENT, "found step 5 after 5");
}
END_TEST

START_TEST(schedule_drives_optimizer)
{
    reel_params *params = params_of(REEL_DOUBLE, 2, (const int64_t[]){1, 1});
    reel_optimizer *o = reel_sgd_new(NULL, params, 1);
    ck_assert_int_eq(reel_optimizer_group(NULL, o, 1, (const int[]){1}), 1);
    reel_optimizer_group_set(NULL, o, 1, "lr", 0.5);
    reel_schedule *s = reel_schedule_step_new(NULL, context, 2, 0.5);
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, o, s), REEL_OK);
    reel_array x = reel_params_flat(params);
    const double rates[] = {1, 1, 0.5, 0.5, 0.25};
    double sum = 0;
    for (int t = 0; t < 5; t++) {
        ck_assert_double_eq(reel_optimizer_rate(o), rates[t]);
        ck_assert_double_eq(reel_optimizer_group_rate(o, 1), rates[t] / 2);
        set_gradient(params, one);
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
        sum += rates[t];
        ck_assert_double_eq(reel_array_get(&x, 0), -sum);
        ck_assert_double_eq(reel_array_get(&x, 1), -sum / 2);
    }
    reel_optimizer_set_origin(o, 5);
    ck_assert_double_eq(reel_optimizer_rate(o), 1);
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, o, reel_schedule_cosine_new(NULL, context, 0, 0)), REEL_OK);
    set_gradient(params, one);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_NOT_FINITE);
    expect_error(REEL_NOT_FINITE, "the schedule gives the rate nan");
}
END_TEST

START_TEST(cycled_momentum)
{
    reel_params *params = one_param(REEL_DOUBLE, 1);
    reel_schedule *s = reel_schedule_parse(NULL, context, "onecycle:0.5:10", 0);
    reel_optimizer *none = reel_optimizer_new(NULL, params, reel_optimizer_find("adagrad"));
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, none, s), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "adagrad has neither momentum nor beta1");
    reel_optimizer *sgd = reel_sgd_new(NULL, params, 0.1);
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, sgd, s), REEL_OK);
    double x = 0, buffer = 0;
    for (int t = 0; t < 10; t++) {
        set_gradient(params, one);
        ck_assert_int_eq(reel_optimizer_step(NULL, sgd), REEL_OK);
        buffer = t == 0 ? 1 : reel_schedule_momentum(s, t, 0) * buffer + 1;
        x -= reel_schedule_rate(s, t, 0.1) * buffer;
        reel_array flat = reel_params_flat(params);
        ck_assert_double_eq_tol(reel_array_get(&flat, 0), x, 1e-14);
    }
    ck_assert_double_eq_tol(reel_schedule_rate(s, 2, 0.1), 0.5, 1e-15);
    ck_assert_double_eq_tol(reel_schedule_momentum(s, 2, 0.1), 0.85, 1e-15);
}
END_TEST

START_TEST(plateau_through_optimizer)
{
    reel_params *params = params_of(REEL_FLOAT, 2, (const int64_t[]){1, 1});
    reel_optimizer *o = reel_sgd_new(NULL, params, 1);
    reel_optimizer_group(NULL, o, 1, (const int[]){1}); /* two groups, one schedule: told once */
    reel_schedule *s = reel_schedule_parse(NULL, context, "plateau:0.5:1", 0);
    ck_assert(reel_schedule_watches(s));
    reel_optimizer_set_schedule(NULL, o, s);
    const double rates[] = {1, 1, 0.5, 0.5, 0.25};
    for (int t = 0; t < 5; t++) {
        reel_optimizer_observe(o, 3.0);
        ck_assert_double_eq(reel_optimizer_rate(o), rates[t]);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("schedule");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, schedule_text);
    tcase_add_test(tests, schedule_text_errors);
    tcase_add_test(tests, schedule_composition);
    tcase_add_test(tests, schedule_drives_optimizer);
    tcase_add_test(tests, cycled_momentum);
    tcase_add_test(tests, plateau_through_optimizer);
    return run_case(tests, "schedule");
}
