/* SPDX-License-Identifier: MIT
 *
 * What ends a run early: patience, with a validation too, small gradients, small changes.
 */
#include "guarded_run.h"

static reel_stop ended(const guarded *w, const char *part)
{
    const char *text;
    reel_stop stop = reel_trainer_stop_reason(w->r.trainer, &text);
    expect_text(text, part);
    return stop;
}

START_TEST(test_patience)
{
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 50, .batch = 32, .optimizer = "sgd", .dtype = REEL_DOUBLE};
    /* With the rate 0 the first epoch is the best one for ever. */
    static const int patience[] = {3, 3, 5, 60}, epochs[] = {4, 4, 6, 50};
    for (int i = 0; i < 4; i++) {
        guarded *w = guarded_new(reel_context_new(NULL), &s, folder);
        reel_optimizer_set(NULL, w->r.optimizer, "lr", 0);
        set(w, "patience", patience[i]);
        set(w, "min_delta", 1e-6); /* another order of the rows changes the last bits */
        expect_guarded(w, REEL_OK);
        ck_assert_int_eq(reel_trainer_step(w->r.trainer), 4 * epochs[i]);
        ck_assert_int_eq(w->batches, 4 * (epochs[i] - (i ? epochs[i - 1] : 0)));
        if (i == 3) {
            ck_assert_int_eq(ended(w, "the last epoch is done"), REEL_STOP_EPOCHS);
        } else {
            ck_assert_int_eq(ended(w, "the mean loss has not improved in "), REEL_STOP_PATIENCE);
            ended(w, "after step 4");
            expect_text(w->notes,
                        i ? "ended after step" : "ended after step 16: the mean loss has not improved in 3 epochs");
        }
        guarded_free(w);
    }
    folder_remove(folder);
}
END_TEST

START_TEST(test_min_delta)
{
    double least[] = {0, 0.01};
    int64_t steps[2];
    for (int i = 0; i < 2; i++) {
        run_setup s = {.epochs = 400, .optimizer = "sgd", .dtype = REEL_DOUBLE};
        guarded *w = guarded_new(reel_context_new(NULL), &s, NULL);
        set(w, "patience", 2);
        set(w, "min_delta", least[i]);
        expect_guarded(w, REEL_OK);
        steps[i] = reel_trainer_step(w->r.trainer);
        double best = INFINITY;
        int64_t waited = 0, expected = 0;
        while (expected < w->events && waited < 2) {
            double loss = w->losses[expected++];
            bool better = loss < best && loss <= best - least[i];
            waited = better ? 0 : waited + 1;
            if (better) best = loss;
        }
        ck_assert_int_eq(steps[i], expected);
        guarded_free(w);
    }
    ck_assert_int_lt(steps[1], steps[0]);
}
END_TEST

START_TEST(test_gradient_and_change)
{
    run_setup s = {.epochs = 60, .dtype = REEL_DOUBLE, .optimizer = "sgd"};
    guarded *w = guarded_new(reel_context_new(NULL), &s, NULL);
    set(w, "min_gradient", 1e-300);
    expect_guarded(w, REEL_OK);
    ck_assert_int_eq(w->events, 60);
    double norm = w->norms[30], losses[60];
    ck_assert_double_gt(norm, 0);
    memcpy(losses, w->losses, sizeof losses);
    int64_t expected = 0;
    while (!(w->norms[expected++] < norm * 1.01)) continue;
    guarded_free(w);
    w = guarded_new(reel_context_new(NULL), &s, NULL);
    set(w, "min_gradient", norm * 1.01);
    expect_guarded(w, REEL_OK);
    ck_assert_int_eq(reel_trainer_step(w->r.trainer), expected);
    ck_assert_int_eq(ended(w, "the gradient norm"), REEL_STOP_GRADIENT);
    guarded_free(w);

    double change = 1.01 * fabs(losses[20] - losses[19]) / losses[19];
    for (expected = 1; !(fabs(losses[expected] - losses[expected - 1]) < change * losses[expected - 1]);) expected++;
    w = guarded_new(reel_context_new(NULL), &s, NULL);
    set(w, "min_change", change);
    expect_guarded(w, REEL_OK);
    ck_assert_int_eq(reel_trainer_step(w->r.trainer), expected + 1);
    ck_assert_int_eq(ended(w, "has changed by less than"), REEL_STOP_CHANGE);
    guarded_free(w);
}
END_TEST

START_TEST(test_validation)
{
    char folder[64];
    size_t size;
    folder_fresh(folder);
    watch_setup s = {
        .run = {.epochs = 40, .batch = 32, .dropout = 0.3}, .accumulate = 1, .patience = 4, .validate = true};
    guarded *w = watched_new(context, &s, folder);
    set(w, "log_every", 3); /* the last step of an epoch has its line all the same */
    reel_trainer_set_validation("v.c:1", w->r.trainer, &(reel_dataset){NULL, NULL});
    expect_error(REEL_BAD_SHAPE, "v.c:1: trainer_set_validation: the data set has no rows");
    expect_guarded(w, REEL_OK);
    double last = reel_trainer_evaluate(NULL, w->r.trainer, w->r.trainer->validation), best = INFINITY;
    ck_assert_double_eq(reel_trainer_validation_loss(w->r.trainer), last);
    ck_assert_double_eq(w->validation[w->events - 1], last);
    int64_t waited = 0, epochs = w->events / 4;
    for (int64_t e = 0; e < epochs; e++) {
        ck_assert_int_lt(waited, 4);
        waited = w->validation[4 * e + 3] < best ? 0 : waited + 1;
        best = fmin(best, w->validation[4 * e + 3]);
    }
    ck_assert(epochs == 40 || waited == 4);
    char *log = slurp(folder, "log.jsonl", &size), *at = log;
    int64_t lines = 0;
    for (int64_t e = 0; e < epochs; e++) {
        at = strstr(at, "\"validation_loss\": ");
        ck_assert_ptr_nonnull(at);
        ck_assert_double_eq(strtod(at += 19, NULL), w->validation[4 * e + 3]);
    }
    for (char *c = log; *c; c++) lines += *c == '\n';
    int64_t expected = 0;
    for (int64_t step = 1; step <= w->events; step++) expected += step % 3 == 0 || step % 4 == 0;
    ck_assert_int_eq(lines, expected);
    free(log);
    context = NULL;
    guarded_free(w);
    folder_remove(folder);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("stopping");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_patience);
    tcase_add_test(tests, test_min_delta);
    tcase_add_test(tests, test_gradient_and_change);
    tcase_add_test(tests, test_validation);
    return run_case(tests, "stopping");
}
