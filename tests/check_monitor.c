/* SPDX-License-Identifier: MIT
 *
 * The monitor, and the rollback to the best checkpoint.
 */
#include "guarded_run.h"

#include <cjson/cJSON.h>

/* ---- monitor ---- */

static double entry(const cJSON *line, const char *column, const char *name)
{
    const cJSON *number = cJSON_GetObjectItem(cJSON_GetObjectItem(line, column), name);
    ck_assert_msg(cJSON_IsNumber(number), "%s of %s is missing", column, name);
    return number->valuedouble;
}

static double norm_of(reel_array a, const double *minus)
{
    double sum = 0;
    for (int64_t i = 0; i < a.size; i++) sum += pow(at(a, i) - (minus ? minus[i] : 0), 2);
    return sqrt(sum);
}

static double earlier[64];

static void keep_earlier(const reel_event *e, void *user)
{
    moons_run *r = user;
    reel_array bias = reel_params_value(r->params, 1);
    if (e->kind == REEL_EVENT_STEP && e->step == 4)
        for (int64_t i = 0; i < bias.size; i++) earlier[i] = at(bias, i);
}

START_TEST(test_monitor_figures)
{
    char folder[64];
    size_t size;
    folder_fresh(folder);
    moons_run r = {.context = context};
    r.data = reel_moons_new(NULL, context, 100, 0.15, reel_rng_numpy_new(NULL, context, 42));
    r.params = reel_params_new(NULL, context, REEL_DOUBLE);
    r.net =
        reel_mlp_new(NULL, r.params, "a \"net\"", 4, (int[]){2, 8, 5, 1}, "relu", reel_rng_torch_new(NULL, context, 1));
    reel_array bias = reel_params_value(r.params, 1);
    for (int i = 0; i < 3; i++) ((double *)bias.data)[2 * i] = -1000;
    r.optimizer = reel_sgd_new(NULL, r.params, 0.1);
    r.trainer = reel_trainer_new(NULL, r.net, r.data, reel_bce_with_logits, r.optimizer);
    reel_trainer_set(NULL, r.trainer, "epochs", 5);
    reel_trainer_set(NULL, r.trainer, "monitor", 5);
    reel_trainer_set_folder(NULL, r.trainer, folder, REEL_START);
    reel_trainer_set_observer(r.trainer, keep_earlier, &r);
    ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
    char *text = slurp(folder, "monitor.jsonl", &size), *end = strchr(text, '\n');
    ck_assert_ptr_eq(end + 1, text + size); /* one line */
    cJSON *line = cJSON_Parse(text);
    const char *name = reel_params_name(r.params, 1);
    bias = reel_params_value(r.params, 1);
    double update = norm_of(bias, earlier), weight = norm_of(bias, NULL);
    ck_assert_double_gt(update, 0);
    ck_assert_double_eq_tol(entry(line, "update", name), update, 1e-6 * update);
    ck_assert_double_eq_tol(entry(line, "weight", name), weight, 1e-6 * weight);
    ck_assert_double_eq_tol(entry(line, "ratio", name), update / weight, 1e-6 * update / weight);
    ck_assert_double_eq_tol(entry(line, "gradient", name), update / 0.1, 1e-5 * update / 0.1);
    weight = norm_of(reel_params_flat(r.params), NULL);
    ck_assert_double_eq_tol(entry(line, "weight", "all"), weight, 1e-6 * weight);
    const cJSON *relus = cJSON_GetObjectItem(line, "relu");
    ck_assert_int_eq(cJSON_GetArraySize(relus), 2);
    ck_assert_int_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(relus, 0), "units")->valueint, 8);
    ck_assert_double_eq_tol(cJSON_GetObjectItem(cJSON_GetArrayItem(relus, 0), "dead")->valuedouble, 0.375, 1e-7);
    cJSON_Delete(line);
    free(text);
    folder_remove(folder);
}
END_TEST

/* More text than is held back. */
START_TEST(test_monitor_long)
{
    char folder[64];
    size_t size;
    folder_fresh(folder);
    watch_setup s = {.run = {.epochs = 3000}, .accumulate = 1, .monitor = 1};
    guarded *w = watched_new(context, &s, folder);
    expect_guarded(w, REEL_OK);
    char *text = slurp(folder, "monitor.jsonl", &size), *at = text, head[64];
    ck_assert_uint_gt(size, 1 << 20);
    for (int step = 1; step <= 3000; step++) {
        snprintf(head, sizeof head, "{\"step\": %d, ", step);
        ck_assert_msg(at && strncmp(at, head, strlen(head)) == 0, "line %d is missing", step);
        at = strchr(at, '\n') + 1;
    }
    ck_assert_ptr_eq(at, text + size);
    free(text);
    context = NULL;
    guarded_free(w);
    folder_remove(folder);
}
END_TEST

START_TEST(test_monitor_tells_jumps_and_rises)
{
    run_setup s = {.epochs = 60, .dtype = REEL_DOUBLE};
    for (int on = 0; on < 2; on++) {
        guarded *w = guarded_new(reel_context_new(NULL), &s, NULL);
        set(w, "monitor", on);
        w->bad_step = 40;
        w->scale = 100;
        expect_guarded(w, REEL_OK);
        if (on)
            expect_text(w->notes, "the loss jumps to ");
        else
            ck_assert_str_eq(w->notes, "");
        if (on) expect_text(w->notes, " in step 41: ");
        ck_assert_ptr_null(strstr(w->notes, "risen"));
        guarded_free(w);
    }
    s.optimizer = "sgd";
    guarded *w = guarded_new(reel_context_new(NULL), &s, NULL);
    reel_optimizer_set(NULL, w->r.optimizer, "maximize", 1);
    set(w, "monitor", 100);
    expect_guarded(w, REEL_OK);
    expect_text(w->notes, "the mean loss of an epoch has risen 40 times");
    ck_assert_ptr_null(strstr(w->notes, "15 times"));
    expect_text(w->notes, "the mean loss of an epoch has risen 10 times in a row, from 0.66");
    guarded_free(w);

    /* A run that does well is left in peace. */
    w = guarded_new(reel_context_new(NULL), &s, NULL);
    set(w, "monitor", 1);
    expect_guarded(w, REEL_OK);
    ck_assert_str_eq(w->notes, "");
    guarded_free(w);
}
END_TEST

/* ---- rollback ---- */

static const watch_setup wild = {.run = {.epochs = 40, .every = 1, .optimizer = "sgd", .dtype = REEL_DOUBLE},
                                 .accumulate = 1,
                                 .rollback = 3,
                                 .rate = 60};

START_TEST(test_rollback)
{
    char folder[64];
    size_t size;
    folder_fresh(folder);
    guarded *w = watched_new(reel_context_new(NULL), &wild, folder);
    set(w, "rollback_most", 12);
    set(w, "keep", 3);
    expect_guarded(w, REEL_OK);
    ck_assert_int_eq(reel_trainer_step(w->r.trainer), 40);
    char *log = slurp(folder, "log.jsonl", &size);
    int64_t count = w->r.trainer->guards.rollbacks, lines = 0;
    for (char *at = log; (at = strstr(at, "{\"rollback_to\": ")) != NULL; at++) lines++;
    ck_assert_int_ge(count, 3);
    ck_assert_int_eq(lines, count);
    /* However far back each went, the rate is that of so many halvings. */
    ck_assert_double_eq(reel_optimizer_get(w->r.optimizer, "lr"), 60 * pow(0.5, (double)count));
    expect_text(w->notes, "times the best, ");
    expect_text(w->notes, "(rollback 1 of 12)");
    ck_assert_double_lt(w->losses[w->events - 1], 0.7);
    free(log);
    guarded_free(w);
    folder_remove(folder);

    /* The only checkpoint with a loss is worse than none: back to the first one. */
    watch_setup wilder = wild;
    wilder.rate = 3000;
    folder_fresh(folder);
    w = watched_new(reel_context_new(NULL), &wilder, folder);
    set(w, "rollback_most", 40);
    expect_guarded(w, REEL_OK);
    expect_text(w->notes, "from step 2 to step 0, rate times 0.5 (rollback 1 of 40)");
    guarded_free(w);
    folder_remove(folder);

    /* Off. */
    watch_setup calm = wild;
    calm.rollback = 0;
    folder_fresh(folder);
    w = watched_new(reel_context_new(NULL), &calm, folder);
    expect_guarded(w, REEL_OK);
    ck_assert_int_eq(w->events, 40);
    ck_assert_ptr_null(strstr(w->notes, "rollback"));
    guarded_free(w);
    folder_remove(folder);
}
END_TEST

START_TEST(test_rollback_at_most)
{
    char folder[64];
    folder_fresh(folder);
    watch_setup s = {.run = {.epochs = 10, .every = 2}, .accumulate = 1, .rollback = 100};
    guarded *w = watched_new(reel_context_new(NULL), &s, folder);
    w->bad_step = 5; /* whatever the rate */
    set(w, "rollback_most", 2);
    set(w, "rollback_rate", 0.25);
    expect_guarded(w, REEL_NOT_FINITE);
    expect_text(reel_error_text(w->r.context), "the loss is -inf in step 6 (epoch 6): log at guard.c:42 made -inf");
    expect_text(w->notes, "back from step 5 to step 4, rate times 0.25 (rollback 1 of 2)");
    expect_text(w->notes, "back from step 5 to step 4, rate times 0.25 (rollback 2 of 2)");
    ck_assert_double_eq(reel_optimizer_get(w->r.optimizer, "lr"), 0.05 * 0.25 * 0.25);
    ck_assert_int_eq(reel_trainer_step(w->r.trainer), 5);
    guarded_free(w);
    folder_remove(folder);
    w = watched_new(context, &s, NULL);
    ck_assert_int_eq(reel_trainer_run("r.c:1", w->r.trainer), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "r.c:1: trainer_run: rollback goes back to a checkpoint: a folder for them is needed");
    reel_trainer_set("r.c:2", w->r.trainer, "rollback", 0.5);
    expect_error(REEL_BAD_ARGUMENT, "rollback: found 0.5, expected 0 or a number above 1");
    reel_trainer_set("r.c:3", w->r.trainer, "rollback_rate", 1);
    expect_error(REEL_BAD_ARGUMENT, "rollback_rate: found 1, expected from 1e-06 to below 1");
    context = NULL;
    guarded_free(w);
}
END_TEST

/* The second time the checkpoint itself is of no use; the one before it knows nothing of the first. */
START_TEST(test_rollback_goes_further)
{
    char folder[64];
    size_t size;
    folder_fresh(folder);
    watch_setup s = {.run = {.epochs = 10, .every = 2}, .accumulate = 1, .rollback = 100};
    guarded *w = watched_new(reel_context_new(NULL), &s, folder);
    set(w, "keep", 0);
    set(w, "rollback_rate", 0.25);
    w->bad_step = 5;
    w->second_bad = 4;
    expect_guarded(w, REEL_OK);
    expect_text(w->notes, "from step 5 to step 4, rate times 0.25 (rollback 1 of 3)");
    expect_text(w->notes, "from step 4 to step 2, rate times 0.0625 (rollback 2 of 3)");
    ck_assert_double_eq(reel_optimizer_get(w->r.optimizer, "lr"), 0.05 * 0.0625);
    ck_assert_int_eq(reel_trainer_step(w->r.trainer), 10);
    guarded_free(w);
    char *log = slurp(folder, "log.jsonl", &size);
    expect_text(log, "{\"rollback_to\": 2, \"from\": 4, \"loss\": \"-inf\", \"rate_factor\": 0.0625}\n{\"step\": 3, ");
    free(log);
    folder_remove(folder);
}
END_TEST

/* Every step has its checkpoint, so that a stop adds none. */
START_TEST(test_rollback_resumes)
{
    watch_setup s = wild;
    s.monitor = 3;
    ck_assert_int_gt(resume_after_every_batch(&s), 40);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("monitor");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_monitor_figures);
    tcase_add_test(tests, test_monitor_long);
    tcase_add_test(tests, test_monitor_tells_jumps_and_rises);
    tcase_add_test(tests, test_rollback);
    tcase_add_test(tests, test_rollback_at_most);
    tcase_add_test(tests, test_rollback_goes_further);
    tcase_add_test(tests, test_rollback_resumes);
    return run_case(tests, "monitor");
}
