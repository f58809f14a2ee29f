/* SPDX-License-Identifier: MIT
 *
 * The trainer: resuming to the bit, its folder, stopping, settings, evaluation.
 */
#include "noted_run.h"
#include "train/state.h"

#include <sys/stat.h>

/* ---- resume, the folder ---- */

static void stop_at(const reel_event *event, void *user)
{
    moons_run *r = user;
    if (event->kind == REEL_EVENT_STEP && event->step == *(int64_t *)r->data) reel_trainer_request_stop(r->trainer);
}

/* Runs to the end in one folder; runs with a stop at `k` and a resume in another; compares states and logs. */
static void resume_equals(const run_setup *s, int64_t k)
{
    char whole[64], parts[64], hashes[2][33];
    folder_fresh(whole);
    folder_fresh(parts);
    moons_run r = run_new(reel_context_new(NULL), s);
    reel_trainer_set_folder(NULL, r.trainer, whole, REEL_START);
    expect_run(&r, REEL_OK);
    trainer_hash(r.trainer, hashes[0]);
    reel_context_free(r.context);

    r = run_new(reel_context_new(NULL), s);
    reel_trainer_set_folder(NULL, r.trainer, parts, REEL_AUTO);
    moons_run told = r;
    told.data = (reel_dataset *)&k;
    reel_trainer_set_observer(r.trainer, stop_at, &told);
    expect_run(&r, REEL_STOPPED);
    ck_assert_int_eq(reel_trainer_step(r.trainer), k);
    reel_context_free(r.context);

    r = run_new(reel_context_new(NULL), s);
    reel_trainer_set_folder(NULL, r.trainer, parts, REEL_AUTO);
    expect_run(&r, REEL_OK);
    trainer_hash(r.trainer, hashes[1]);
    reel_context_free(r.context);

    expect_same_file(whole, parts, "log.jsonl");
    const char *name = s->optimizer ? s->optimizer : "adam";
    ck_assert_msg(strcmp(hashes[0], hashes[1]) == 0, "%s, schedule %s, sampler %s, stop at %lld: states differ", name,
                  s->schedule ? s->schedule : "none", s->sampler ? s->sampler : "philox", (long long)k);
    folder_remove(whole);
    folder_remove(parts);
}

START_TEST(test_resume_is_exact)
{
    static const char *const schedules[] = {NULL, "warmup:4,cosine:1e-3", "exponential:0.97", "step:5:0.5"};
    static const char *const samplers[] = {NULL, "numpy", "torch"};
    int number = 0;
    for (int o = 0; reel_optimizer_at(o); o++) {
        for (int variant = 0; variant < 4; variant++, number++) {
            run_setup s = {.optimizer = reel_optimizer_at(o)->name,
                           .schedule = schedules[variant],
                           .sampler = samplers[number % 3],
                           .dtype = number % 2 ? REEL_DOUBLE : REEL_FLOAT,
                           .batch = variant == 3 ? 0 : 32,
                           .dropout = 0.3,
                           .clip_norm = variant % 2 ? 0.5 : 0,
                           .epochs = variant == 3 ? 12 : 4,
                           .every = 3};
            resume_equals(&s, 1 + number % 11);
        }
    }
    ck_assert_int_ge(number, 12);
}
END_TEST

START_TEST(test_resume_at_every_step)
{
    run_setup s = {.batch = 32, .dropout = 0.2, .epochs = 3, .every = 1, .schedule = "cosine"};
    for (int64_t k = 1; k < 12; k++) resume_equals(&s, k);
}
END_TEST

START_TEST(test_folder_start_continue_force)
{
    char folder[64];
    size_t size = 0;
    folder_fresh(folder);
    moons_run r = run_few(folder, REEL_CONTINUE, 6, 2, 0);
    expect_run(&r, REEL_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "holds no checkpoint to resume from"));
    reel_context_free(r.context);

    r = run_few(folder, REEL_START, 6, 2, 0);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    for (int step = 0; step <= 6; step += 2) {
        char name[64];
        snprintf(name, sizeof name, "step-%09d.json", step);
        char *text = slurp(folder, name, &size);
        ck_assert_msg(text != NULL, "%s is missing", name);
        free(text);
    }
    r = run_few(folder, REEL_START, 8, 2, 0);
    expect_run(&r, REEL_BAD_STATE);
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "holds a run up to step 6"));
    reel_context_free(r.context);

    r = run_few(folder, REEL_CONTINUE, 8, 2, 0);
    expect_run(&r, REEL_OK);
    ck_assert_int_eq(reel_trainer_step(r.trainer), 8);
    ck_assert_str_eq(notes, "resumed at step 6\nepochs 6 -> 8 (program)\ndata hash unchanged\n");
    reel_context_free(r.context);

    r = run_few(folder, REEL_FORCE, 2, 1, 0);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    ck_assert_ptr_null(slurp(folder, "step-000000006.json", &size));
    char *log = slurp(folder, "log.jsonl", &size);
    ck_assert_ptr_nonnull(log);
    ck_assert_int_eq((int)(strchr(strchr(log, '\n') + 1, '\n') + 1 - log), (int)size);
    free(log);
    folder_remove(folder);
}
END_TEST

START_TEST(test_kept_checkpoints)
{
    char folder[64];
    folder_fresh(folder);
    moons_run r = run_few(folder, REEL_START, 20, 1, 3);
    expect_run(&r, REEL_OK);
    int64_t best = r.trainer->best_saved_step;
    file_names names = folder_list(NULL, r.context, folder, "step-", ".json");
    ck_assert_int_eq(names.count, best > 17 ? 3 : 4);
    ck_assert_int_eq(names.items[names.count - 1].number, 20);
    bool best_kept = false;
    for (int64_t i = 0; i < names.count; i++) best_kept |= names.items[i].number == best;
    ck_assert(best_kept);
    file_names_free(r.context, &names);
    reel_context_free(r.context);
    folder_remove(folder);
}
END_TEST

START_TEST(test_damaged_newest_is_passed_over)
{
    char folder[64];
    size_t size = 0;
    folder_fresh(folder);
    moons_run r = run_few(folder, REEL_START, 6, 2, 0);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    char *text = slurp(folder, "step-000000006.json", &size);
    text[size / 2] ^= 1;
    spill(folder, "step-000000006.json", text, size);
    spill(folder, ".step-000000008.json.tmp-1", text, size / 3);
    free(text);
    r = run_few(folder, REEL_AUTO, 8, 2, 0);
    expect_run(&r, REEL_OK);
    ck_assert_ptr_nonnull(strstr(notes, "passed over a checkpoint: "));
    ck_assert_ptr_nonnull(strstr(notes, "step-000000006.json: the hash is wrong"));
    ck_assert_ptr_nonnull(strstr(notes, "resumed at step 4"));
    ck_assert_ptr_null(slurp(folder, ".step-000000008.json.tmp-1", &size));
    reel_context_free(r.context);
    folder_remove(folder);
}
END_TEST

START_TEST(test_folder_is_locked)
{
    char folder[64];
    folder_fresh(folder);
    folder_lock *lock = folder_lock_new(NULL, context, folder);
    ck_assert_ptr_nonnull(lock);
    moons_run r = run_few(folder, REEL_AUTO, 2, 1, 0);
    expect_run(&r, REEL_LOCKED);
    folder_unlock(lock);
    reel_error_clear(r.context);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    folder_remove(folder);
}
END_TEST

START_TEST(test_resume_from_file)
{
    char folder[64], other[64], path[128], hashes[2][33];
    folder_fresh(folder);
    folder_fresh(other);
    moons_run r = run_few(folder, REEL_START, 8, 2, 0);
    expect_run(&r, REEL_OK);
    trainer_hash(r.trainer, hashes[0]);
    reel_context_free(r.context);
    snprintf(path, sizeof path, "%s/step-000000004.json", folder);
    /* going on in the same folder would lose what is newer */
    r = run_few(folder, REEL_CONTINUE, 8, 2, 0);
    reel_trainer_resume_file(NULL, r.trainer, path);
    expect_run(&r, REEL_BAD_STATE);
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "would lose"));
    reel_context_free(r.context);
    r = run_few(other, REEL_START, 8, 2, 0);
    reel_trainer_resume_file(NULL, r.trainer, path);
    expect_run(&r, REEL_OK);
    trainer_hash(r.trainer, hashes[1]);
    reel_context_free(r.context);
    ck_assert_str_eq(hashes[0], hashes[1]);
    expect_same_file(folder, other, "log.jsonl");
    expect_same_file(folder, other, "step-000000008.json");
    /* forced, in the same folder */
    r = run_few(folder, REEL_FORCE, 8, 2, 0);
    reel_trainer_resume_file(NULL, r.trainer, path);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    expect_same_file(folder, other, "log.jsonl");
    expect_same_file(folder, other, "step-000000008.json");
    folder_remove(folder);
    folder_remove(other);
}
END_TEST

START_TEST(test_another_run_is_refused)
{
    char folder[64];
    folder_fresh(folder);
    moons_run r = run_few(folder, REEL_START, 2, 1, 0);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    struct {
        run_setup setup;
        const char *part;
    } cases[] = {
        {{.epochs = 4, .batch = 10}, "trainer.batch: found the number 100, expected 10"},
        {{.epochs = 4, .dtype = REEL_DOUBLE}, "parameters.values.first.weight.dtype"},
        {{.epochs = 4, .dropout = 0.5}, "model.modules[2].p"},
        {{.epochs = 4, .optimizer = "sgd"}, "optimizer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char before[33], after[33];
        r = run_new(reel_context_new(NULL), &cases[i].setup);
        reel_trainer_set_folder(NULL, r.trainer, folder, REEL_CONTINUE);
        ck_assert_int_eq(batches_prepare(r.trainer, NULL), REEL_OK);
        trainer_hash(r.trainer, before);
        expect_run(&r, REEL_MISMATCH);
        ck_assert_msg(strstr(reel_error_text(r.context), cases[i].part), "\"%s\" lacks \"%s\"",
                      reel_error_text(r.context), cases[i].part);
        reel_error_clear(r.context);
        trainer_hash(r.trainer, after);
        ck_assert_str_eq(before, after);
        reel_context_free(r.context);
    }
    folder_remove(folder);
}
END_TEST

/* Numbers that would lead out of the data are refused, even in a file that may be edited. */
START_TEST(test_edited_positions)
{
    static const struct {
        const char *from, *to, *sentence;
    } cases[] = {{"\"step\": 2,", "\"step\": -2,", "step: found -2, expected 0 or above"},
                 {"\"shape\": [100], \"data\": [", "\"shape\": [100], \"data\": [1", "order: found row 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[64];
        size_t size = 0;
        folder_fresh(folder);
        run_setup s = {.epochs = 1, .batch = 50, .sampler = "numpy"};
        moons_run r = run_new(reel_context_new(NULL), &s);
        reel_trainer_set_folder(NULL, r.trainer, folder, REEL_START);
        expect_run(&r, REEL_OK);
        reel_context_free(r.context);
        char *text = slurp(folder, "step-000000002.json", &size), *at = strstr(text, cases[i].from);
        ck_assert_msg(at != NULL, "no %s", cases[i].from);
        char *changed = malloc(size + 16);
        int n =
            snprintf(changed, size + 16, "%.*s%s%s", (int)(at - text), text, cases[i].to, at + strlen(cases[i].from));
        folder_remove(folder);
        ck_assert_int_eq(mkdir(folder, 0700), 0);
        spill(folder, "step-000000002.json", changed, (size_t)n);
        s.epochs = 2;
        r = run_new(reel_context_new(NULL), &s);
        reel_trainer_set(NULL, r.trainer, "accept_edited", 1);
        reel_trainer_set_folder(NULL, r.trainer, folder, REEL_CONTINUE);
        expect_run(&r, REEL_BAD_FILE);
        ck_assert_msg(strstr(reel_error_text(r.context), cases[i].sentence), "\"%s\" lacks \"%s\"",
                      reel_error_text(r.context), cases[i].sentence);
        reel_context_free(r.context);
        folder_remove(folder);
        free(text);
        free(changed);
    }
}
END_TEST

/* ---- settings, evaluation, losses that are not finite ---- */

START_TEST(test_settings)
{
    run_setup s = {.epochs = 1};
    moons_run r = run_new(context, &s);
    ck_assert_int_eq(reel_trainer_set("t.c:1", r.trainer, "epoch", 3), REEL_NOT_FOUND);
    expect_error(REEL_NOT_FOUND, "t.c:1: trainer_set: there is no setting \"epoch\"");
    reel_trainer_set(NULL, r.trainer, "batch", 1.5);
    expect_error(REEL_BAD_ARGUMENT, "batch: found 1.5, expected a whole number from 0 to 1e+15");
    reel_trainer_set(NULL, r.trainer, "log_every", 0);
    expect_error(REEL_BAD_ARGUMENT, "log_every: found 0");
    ck_assert_double_eq(reel_trainer_get(r.trainer, "epochs"), 1);
    ck_assert_ptr_null(reel_trainer_new("t.c:2", r.net, NULL, reel_mse, r.optimizer));
    expect_error(REEL_BAD_ARGUMENT, "t.c:2: trainer_new: a module, a data set and a loss are needed");
    int count = 0;
    while (reel_trainer_setting(count)) count++;
    ck_assert_int_eq(count, SETTING_COUNT);
}
END_TEST

START_TEST(test_evaluate_in_batches)
{
    run_setup s = {.epochs = 3, .dropout = 0.5, .dtype = REEL_DOUBLE};
    moons_run r = run_new(context, &s);
    expect_run(&r, REEL_OK);
    double whole = reel_trainer_evaluate(NULL, r.trainer, r.data);
    reel_trainer_set(NULL, r.trainer, "batch", 7);
    double parts = reel_trainer_evaluate(NULL, r.trainer, r.data);
    ck_assert_double_eq_tol(whole, parts, 1e-14);
    ck_assert_double_eq(parts, reel_trainer_evaluate(NULL, r.trainer, r.data));
    reel_trainer_request_stop(r.trainer);
    ck_assert(isnan(reel_trainer_evaluate(NULL, r.trainer, r.data)));
}
END_TEST

START_TEST(test_loss_not_finite)
{
    run_setup s = {.epochs = 5, .dtype = REEL_DOUBLE};
    moons_run r = run_new(context, &s);
    ((float *)r.data->x->data)[3] = NAN;
    expect_run(&r, REEL_NOT_FINITE);
    expect_error(REEL_NOT_FINITE, "the loss is nan in step 1 (epoch 1)");
    ck_assert_int_eq(reel_trainer_step(r.trainer), 0);
}
END_TEST

START_TEST(test_steps_allocate_nothing)
{
    run_setup s = {.epochs = 3, .batch = 10, .dropout = 0.1, .schedule = "cosine"};
    moons_run r = run_new(context, &s);
    expect_run(&r, REEL_OK);
    uint64_t before = reel_context_memory(context).allocations;
    reel_trainer_set(NULL, r.trainer, "epochs", 50);
    expect_run(&r, REEL_OK);
    ck_assert_uint_eq(reel_context_memory(context).allocations, before);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("training");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_resume_is_exact);
    tcase_add_test(tests, test_resume_at_every_step);
    tcase_add_test(tests, test_folder_start_continue_force);
    tcase_add_test(tests, test_kept_checkpoints);
    tcase_add_test(tests, test_damaged_newest_is_passed_over);
    tcase_add_test(tests, test_folder_is_locked);
    tcase_add_test(tests, test_resume_from_file);
    tcase_add_test(tests, test_another_run_is_refused);
    tcase_add_test(tests, test_edited_positions);
    tcase_add_test(tests, test_settings);
    tcase_add_test(tests, test_evaluate_in_batches);
    tcase_add_test(tests, test_loss_not_finite);
    tcase_add_test(tests, test_steps_allocate_nothing);
    return run_case(tests, "training");
}
