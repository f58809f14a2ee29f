/* SPDX-License-Identifier: MIT
 *
 * What watches over a run: numbers that are not finite, plateau, accumulation; and its state in checkpoints.
 */
#include "failing.h"
#include "guarded_run.h"
#include "train/saver.h"

#include <sys/stat.h>

/* ---- numbers that are not finite ---- */

enum { PLAIN, CLIPPED, LIMITED, ACCUMULATED, WAYS };

/* A run that goes bad in step 4: the error names the operation, the parameters are those of before, and so is the
 * checkpoint, which goes on when what is wrong is put right. */
static void goes_bad(int way, bool bad_gradient)
{
    run_setup s = {.epochs = 6, .dtype = way % 2 ? REEL_FLOAT : REEL_DOUBLE, .clip_norm = way == CLIPPED ? 1 : 0};
    char folder[64], hashes[2][33];
    folder_fresh(folder);
    guarded *w = guarded_new(reel_context_new(NULL), &s, folder);
    if (way == ACCUMULATED) set(w, "batch", 50);
    if (way == ACCUMULATED) set(w, "accumulate", 2);
    if (way == LIMITED) reel_optimizer_set(NULL, w->r.optimizer, "clip_norm", 1);
    if (way == LIMITED) reel_optimizer_set(NULL, w->r.optimizer, "clip_value", 1);
    w->bad_step = 3;
    w->bad_gradient = bad_gradient;
    expect_guarded(w, REEL_NOT_FINITE);
    const char *text = reel_error_text(w->r.context);
    expect_text(text, "run.c:7: trainer_run: the loss is ");
    expect_text(text, way == ACCUMULATED ? " in step 4 (epoch 4, batch 1 of 2)" : " in step 4 (epoch 4)");
    if (bad_gradient) {
        expect_text(text, "but its gradient is not finite: sqrt at guard.c:43 made inf (element 0 of (");
        expect_text(text, ") on the way back");
    } else {
        expect_text(text, ": log at guard.c:42 made -inf (element 0 of (");
        expect_text(text, ",1)) from finite numbers: operand 1 (");
    }
    expect_text(w->notes, "the state of before step 4 is saved");
    ck_assert_int_eq(reel_trainer_step(w->r.trainer), 3);
    ck_assert_int_eq(reel_optimizer_steps(w->r.optimizer), 3);
    reel_error_clear(w->r.context);
    guarded_free(w);

    w = guarded_new(reel_context_new(NULL), &s, folder);
    if (way == ACCUMULATED) set(w, "batch", 50);
    if (way == ACCUMULATED) set(w, "accumulate", 2);
    expect_guarded(w, REEL_OK);
    expect_text(w->notes, "resumed at step 3");
    ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(w->r.trainer), hashes[0]), REEL_OK);
    guarded_free(w);
    folder_remove(folder);

    w = guarded_new(reel_context_new(NULL), &s, folder);
    if (way == ACCUMULATED) set(w, "batch", 50);
    if (way == ACCUMULATED) set(w, "accumulate", 2);
    if (way == LIMITED) reel_optimizer_set(NULL, w->r.optimizer, "clip_norm", 1);
    if (way == LIMITED) reel_optimizer_set(NULL, w->r.optimizer, "clip_value", 1);
    expect_guarded(w, REEL_OK);
    ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(w->r.trainer), hashes[1]), REEL_OK);
    ck_assert_str_eq(hashes[0], hashes[1]);
    guarded_free(w);
    folder_remove(folder);
}

START_TEST(test_origin_is_named)
{
    for (int way = 0; way < WAYS; way++)
        for (int gradient = 0; gradient < 2; gradient++) goes_bad(way, gradient);
}
END_TEST

START_TEST(test_not_finite_let_pass)
{
    run_setup s = {.epochs = 6, .dtype = REEL_DOUBLE};
    guarded *w = guarded_new(reel_context_new(NULL), &s, NULL);
    w->bad_step = 3;
    set(w, "stop_when_not_finite", 0);
    expect_guarded(w, REEL_OK);
    ck_assert_double_eq(w->losses[3], -INFINITY);
    ck_assert(isnan(w->losses[4]));
    guarded_free(w);

    /* What clipping drops is no error either. */
    s.clip_norm = 1;
    w = guarded_new(reel_context_new(NULL), &s, NULL);
    w->bad_step = 3;
    w->bad_gradient = true;
    reel_optimizer_set(NULL, w->r.optimizer, "clip_nonfinite", REEL_NONFINITE_SKIP);
    expect_guarded(w, REEL_OK);
    ck_assert_int_eq(reel_optimizer_skipped(w->r.optimizer), 1);
    ck_assert(isfinite(w->losses[5]));
    guarded_free(w);
}
END_TEST

/* Squares of large doubles overflow: that is no gradient that is not finite. */
START_TEST(test_large_gradient_is_finite)
{
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "x", 1, (int64_t[]){3});
    reel_params_seal(NULL, params);
    reel_array *g = doubles(1, (int64_t[]){3}, (double[]){1e200, -1e200, 0});
    reel_params_set_gradient(NULL, params, g);
    ck_assert(guards_gradient_finite(params));
    ((double *)g->data)[2] = NAN;
    reel_params_set_gradient(NULL, params, g);
    ck_assert(!guards_gradient_finite(params));
    expect_fine();
}
END_TEST

/* Recording changes buffers; the checkpoint has those of before the step. */
START_TEST(test_buffers_of_before)
{
    char folder[64];
    folder_fresh(folder);
    guarded *w = calloc(1, sizeof *w);
    reel_context *own = reel_context_new(NULL);
    w->bad_step = 3;
    w->r.context = own;
    w->r.data = reel_moons_new(NULL, own, 20, 0.1, reel_rng_numpy_new(NULL, own, 1));
    w->r.params = reel_params_new(NULL, own, REEL_DOUBLE);
    w->buffer = reel_params_add_buffer(NULL, w->r.params, "batches", 1, (int64_t[]){1});
    w->r.net = reel_mlp_new(NULL, w->r.params, "net", 2, (int[]){2, 1}, "relu", reel_rng_torch_new(NULL, own, 1));
    w->r.optimizer = reel_sgd_new(NULL, w->r.params, 0.1);
    w->r.trainer = reel_trainer_custom_new(NULL, w->r.optimizer, w->r.net, w->r.data, loss_of_run, w);
    reel_trainer_set_folder(NULL, w->r.trainer, folder, REEL_START);
    expect_guarded(w, REEL_NOT_FINITE);
    ck_assert_int_eq(w->batches, 4);
    reel_error_clear(own);
    char path[128];
    snprintf(path, sizeof path, "%s/step-000000003.json", folder);
    *(double *)reel_params_buffer(w->r.params, 0).data = 17;
    ck_assert_int_eq(reel_state_load(NULL, reel_trainer_state(w->r.trainer), path, false), REEL_OK);
    ck_assert_double_eq(*(double *)reel_params_buffer(w->r.params, 0).data, 3);
    guarded_free(w);
    folder_remove(folder);
}
END_TEST

/* ---- the mean of the epoch ---- */

/* Rows of the updates of an epoch: 32, 32, 32, 4. */
static double mean_of_epoch(const double *losses)
{
    return (losses[0] * 32 + losses[1] * 32 + losses[2] * 32 + losses[3] * 4) / 100;
}

START_TEST(test_plateau_sees_the_mean)
{
    run_setup s = {.epochs = 30, .batch = 32, .optimizer = "sgd", .dtype = REEL_DOUBLE, .schedule = "plateau:0.5:1"};
    guarded *w = guarded_new(context, &s, NULL);
    reel_optimizer_set(NULL, w->r.optimizer, "lr", 3);
    expect_guarded(w, REEL_OK);
    context = NULL;
    reel_schedule *own = reel_schedule_parse(NULL, w->r.context, "plateau:0.5:1", 120);
    double best = INFINITY;
    int64_t best_step = -1, step;
    for (int epoch = 0; epoch < 30; epoch++) {
        double mean = mean_of_epoch(w->losses + 4 * epoch);
        for (int i = 0; i < 4; i++) ck_assert_double_eq(w->rates[4 * epoch + i], reel_schedule_rate(own, 1, 3));
        ck_assert_double_eq(w->epoch_losses[4 * epoch + 3], mean);
        reel_schedule_observe(own, 4 * epoch + 4, mean);
        if (mean < best) best_step = 4 * epoch + 4;
        best = fmin(best, mean);
    }
    ck_assert_double_lt(w->rates[119], 3 * 0.3);
    ck_assert_double_eq(reel_trainer_best(w->r.trainer, &step), best);
    ck_assert_int_eq(step, best_step);
    guarded_free(w);
}
END_TEST

/* ---- accumulation ---- */

START_TEST(test_accumulation_is_a_larger_batch)
{
    static const int batches[][3] = {{10, 5, 50}, {15, 2, 30}, {25, 9, 100}, {7, 4, 28}};
    for (int i = 0; i < 4; i++) {
        guarded *w[2];
        for (int how = 0; how < 2; how++) {
            run_setup s = {.epochs = 5, .batch = batches[i][how ? 2 : 0], .dtype = REEL_DOUBLE, .clip_norm = 0.2};
            w[how] = guarded_new(reel_context_new(NULL), &s, NULL);
            if (!how) set(w[how], "accumulate", batches[i][1]);
            expect_guarded(w[how], REEL_OK);
        }
        ck_assert_int_eq(reel_trainer_step(w[0]->r.trainer), reel_trainer_step(w[1]->r.trainer));
        ck_assert_int_eq(reel_trainer_step(w[0]->r.trainer), 5 * ((100 + batches[i][2] - 1) / batches[i][2]));
        for (int64_t k = 0; k < w[0]->events; k++) {
            ck_assert_double_eq_tol(w[0]->losses[k], w[1]->losses[k], 1e-12);
            ck_assert_double_eq_tol(w[0]->norms[k], w[1]->norms[k], 1e-12);
        }
        reel_array a = reel_params_flat(w[0]->r.params), b = reel_params_flat(w[1]->r.params);
        for (int64_t k = 0; k < a.size; k++) ck_assert_double_eq_tol(at(a, k), at(b, k), 1e-11);
        ck_assert_double_eq_tol(reel_trainer_best(w[0]->r.trainer, NULL), reel_trainer_best(w[1]->r.trainer, NULL),
                                1e-12);
        for (int how = 0; how < 2; how++) guarded_free(w[how]);
    }
}
END_TEST

/* ---- resume ---- */

START_TEST(test_resume_after_every_batch)
{
    watch_setup s = {.run = {.epochs = 4, .batch = 15, .dropout = 0.2, .every = 2, .schedule = "plateau:0.5:0"},
                     .accumulate = 3,
                     .patience = 3,
                     .monitor = 2,
                     .min_gradient = 1e-9,
                     .validate = true};
    ck_assert_int_eq(resume_after_every_batch(&s), 28);
    s.run.sampler = "numpy";
    s.run.dtype = REEL_DOUBLE;
    s.run.every = 1;
    ck_assert_int_eq(resume_after_every_batch(&s), 28);
    s.accumulate = 1;
    s.run.optimizer = "sgd";
    s.rate = 8;
    s.run.epochs = 20;
    s.patience = 1; /* ends early */
    int64_t batches = resume_after_every_batch(&s);
    ck_assert_int_lt(batches, 140);
    ck_assert_int_eq(batches % 7, 0);
}
END_TEST

/* A gradient of the file must be of an update that is open. */
START_TEST(test_open_update_in_the_file)
{
    char folder[64];
    size_t size;
    folder_fresh(folder);
    watch_setup s = {.run = {.epochs = 2, .batch = 20}, .accumulate = 5};
    guarded *w = watched_new(reel_context_new(NULL), &s, folder);
    w->stop_at_batch = 8;
    expect_guarded(w, REEL_STOPPED);
    ck_assert_int_eq(reel_trainer_step(w->r.trainer), 1);
    guarded_free(w);
    char *text = slurp(folder, "step-000000001.json", &size), *found = strstr(text, "\"parts\": 3");
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_nonnull(strstr(text, "\"open_gradient\": {"));
    for (int bad = 0; bad < 2; bad++) {
        found[9] = bad ? '5' : '0'; /* too many; none, though there is a gradient */
        folder_remove(folder);
        ck_assert_int_eq(mkdir(folder, 0777), 0);
        spill(folder, "step-000000001.json", text, size);
        w = watched_new(reel_context_new(NULL), &s, folder);
        set(w, "accept_edited", 1);
        expect_guarded(w, REEL_BAD_FILE);
        expect_text(reel_error_text(w->r.context),
                    bad ? "guards: parts: found 5, expected 0 to 4" : "state.open_gradient: found an object");
        guarded_free(w);
    }
    /* Another number of batches is another run. */
    folder_remove(folder);
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    found[9] = '3';
    spill(folder, "step-000000001.json", text, size);
    for (int other = 1; other < 7; other += 3) {
        s.accumulate = other;
        w = watched_new(reel_context_new(NULL), &s, folder);
        expect_guarded(w, REEL_MISMATCH);
        expect_text(reel_error_text(w->r.context), "accumulate: found the number 5, expected");
        guarded_free(w);
    }
    free(text);
    folder_remove(folder);
}
END_TEST

/* ---- files, memory ---- */

/* A checkpoint that the trainer of the version before wrote, in the middle of an epoch. Do not make it anew. */
START_TEST(test_older_checkpoint)
{
    run_setup s = {.batch = 32, .dropout = 0.2, .epochs = 3, .schedule = "cosine"};
    moons_run r = run_new(context, &s);
    reel_trainer_set(NULL, r.trainer, "patience", 5);
    reel_trainer_set(NULL, r.trainer, "monitor", 1);
    ck_assert_int_eq(reel_trainer_resume_file(NULL, r.trainer, REFERENCE "/trainer-version-1.json"), REEL_OK);
    reel_status status = reel_trainer_run(NULL, r.trainer);
    expect_fine();
    ck_assert_int_eq(status, REEL_OK);
    ck_assert_int_eq(reel_trainer_step(r.trainer), 12);
    ck_assert_double_eq_tol(r.trainer->guards.epoch_loss, 0.44, 0.02);
    int64_t step;
    ck_assert(isfinite(reel_trainer_best(r.trainer, &step)));
    ck_assert(step == 8 || step == 12);
}
END_TEST

START_TEST(test_background_equals_blocking)
{
    watch_setup s = {.run = {.epochs = 6, .batch = 32, .every = 3, .dropout = 0.2},
                     .accumulate = 2,
                     .monitor = 1,
                     .patience = 9,
                     .validate = true};
    char folders[2][64];
    for (int how = 0; how < 2; how++) {
        folder_fresh(folders[how]);
        guarded *w = watched_new(reel_context_new(NULL), &s, folders[how]);
        set(w, "background", how);
        expect_guarded(w, REEL_OK);
        guarded_free(w);
    }
    static const char *const names[] = {"log.jsonl", "monitor.jsonl", "step-000000009.json", "step-000000012.json"};
    for (int i = 0; i < 4; i++) expect_same_file(folders[0], folders[1], names[i]);
    for (int how = 0; how < 2; how++) folder_remove(folders[how]);
}
END_TEST

START_TEST(test_every_allocation_may_fail)
{
    watch_setup s = {.run = {.epochs = 2, .batch = 20, .every = 1, .optimizer = "sgd"},
                     .accumulate = 2,
                     .monitor = 1,
                     .patience = 9,
                     .rollback = 1.01,
                     .rate = 80,
                     .validate = true};
    bool whole = false;
    uint64_t n = 0;
    for (; !whole; n++) {
        char folder[64];
        folder_fresh(folder);
        failing f = {.left = n};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &f});
        guarded *w = watched_new(own, &s, folder);
        reel_status status = reel_trainer_run(NULL, w->r.trainer);
        whole = w->r.trainer && status == REEL_OK;
        if (own && !whole)
            ck_assert_msg(reel_error_status(own) == REEL_NO_MEMORY, "%d: %s", (int)n, reel_error_text(own));
        if (whole) ck_assert_ptr_nonnull(strstr(w->notes, "rollback 1 of 3"));
        guarded_free(w);
        ck_assert_uint_eq(f.in_use, 0);
        folder_remove(folder);
    }
    ck_assert_uint_gt(n, 60);
}
END_TEST

START_TEST(test_steps_allocate_nothing)
{
    watch_setup s = {.run = {.epochs = 3, .batch = 10, .schedule = "plateau"},
                     .accumulate = 3,
                     .patience = 99,
                     .min_gradient = 1e-12,
                     .validate = true};
    guarded *w = watched_new(context, &s, NULL);
    expect_guarded(w, REEL_OK);
    uint64_t before = reel_context_memory(context).allocations;
    set(w, "epochs", 50);
    expect_guarded(w, REEL_OK);
    ck_assert_uint_eq(reel_context_memory(context).allocations, before);
    context = NULL;
    guarded_free(w);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("guards");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_origin_is_named);
    tcase_add_test(tests, test_not_finite_let_pass);
    tcase_add_test(tests, test_large_gradient_is_finite);
    tcase_add_test(tests, test_buffers_of_before);
    tcase_add_test(tests, test_plateau_sees_the_mean);
    tcase_add_test(tests, test_accumulation_is_a_larger_batch);
    tcase_add_test(tests, test_resume_after_every_batch);
    tcase_add_test(tests, test_open_update_in_the_file);
    tcase_add_test(tests, test_older_checkpoint);
    tcase_add_test(tests, test_background_equals_blocking);
    tcase_add_test(tests, test_every_allocation_may_fail);
    tcase_add_test(tests, test_steps_allocate_nothing);
    return run_case(tests, "guards");
}
