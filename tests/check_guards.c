/* SPDX-License-Identifier: MIT
 *
 * What watches over a run: numbers that are not finite, plateau, accumulation, early stopping, monitor, rollback.
 */
#include "failing.h"
#include "moons_run.h"
#include "train/saver.h"
#include "train/state.h"

#include <cjson/cJSON.h>

#include <sys/stat.h>

/* What the loss function does besides, and what an observer has seen. */
typedef struct guarded {
    moons_run r;
    char folder[64];
    int64_t batches;       /* recorded in training, in this process */
    int64_t stop_at_batch; /* 0: never */
    int64_t bad_step;      /* -1: none */
    bool bad_gradient;     /* else the loss */
    double scale;          /* of the loss in the bad step, instead */
    int64_t second_bad;    /* the bad step after the first rollback; none after the second; 0: as before */
    int buffer;            /* that counts the batches, or -1 */
    int64_t events;
    double losses[512], rates[512], norms[512], epoch_losses[512], validation[512];
    char notes[8192];
} guarded;

static reel_value loss_of_run(const reel_batch *batch, void *user)
{
    guarded *w = user;
    if (reel_tape_training(batch->tape)) {
        w->batches++;
        if (w->batches == w->stop_at_batch) reel_trainer_request_stop(w->r.trainer);
        reel_array count = w->buffer >= 0 ? reel_params_buffer(w->r.params, w->buffer) : (reel_array){0};
        if (count.data && count.dtype == REEL_DOUBLE) ++*(double *)count.data;
    }
    reel_value logits = reel_forward("guard.c:40", w->r.net, batch->x);
    reel_value loss = reel_bce_with_logits("guard.c:41", logits, batch->y);
    if (batch->step != w->bad_step || !reel_tape_training(batch->tape)) return loss;
    if (w->scale != 0) return reel_mul(NULL, loss, reel_scalar(NULL, batch->tape, w->scale));
    reel_value nothing = reel_abs(NULL, reel_mul(NULL, logits, reel_scalar(NULL, batch->tape, 0)));
    reel_value bad = w->bad_gradient ? reel_sqrt("guard.c:43", nothing) : reel_log("guard.c:42", nothing);
    return reel_add(NULL, loss, reel_mean(NULL, bad));
}

static void observe(const reel_event *e, void *user)
{
    guarded *w = user;
    size_t n = strlen(w->notes);
    if (e->kind == REEL_EVENT_NOTE) snprintf(w->notes + n, sizeof w->notes - n, "%s\n", e->text);
    if (e->kind == REEL_EVENT_NOTE && w->second_bad && strstr(e->text, "(rollback "))
        w->bad_step = strstr(e->text, "(rollback 1 of") ? w->second_bad : -1;
    if (e->kind != REEL_EVENT_STEP || w->events >= 512) return;
    w->losses[w->events] = e->loss;
    w->rates[w->events] = e->rate;
    w->norms[w->events] = e->gradient_norm;
    w->epoch_losses[w->events] = e->epoch_loss;
    w->validation[w->events++] = e->validation;
}

/* A run whose loss is a function of the program's own; `folder` NULL: none. */
static guarded *guarded_new(reel_context *own, const run_setup *s, const char *folder)
{
    guarded *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->r = run_new(own, s);
    reel_trainer_free(w->r.trainer);
    w->r.trainer = reel_trainer_custom_new(NULL, w->r.optimizer, w->r.net, w->r.data, loss_of_run, w);
    w->bad_step = w->buffer = -1;
    reel_trainer_set(NULL, w->r.trainer, "epochs", s->epochs);
    reel_trainer_set(NULL, w->r.trainer, "batch", s->batch);
    reel_trainer_set(NULL, w->r.trainer, "seed", 5);
    reel_trainer_set(NULL, w->r.trainer, "checkpoint_every", s->every);
    if (s->sampler) reel_trainer_set_sampler(NULL, w->r.trainer, reel_rng_numpy_new(NULL, own, 3));
    reel_trainer_set_observer(w->r.trainer, observe, w);
    if (folder) snprintf(w->folder, sizeof w->folder, "%s", folder);
    if (folder) reel_trainer_set_folder(NULL, w->r.trainer, folder, REEL_AUTO);
    return w;
}

static void set(guarded *w, const char *name, double value)
{
    ck_assert_int_eq(reel_trainer_set(NULL, w->r.trainer, name, value), REEL_OK);
}

static void expect_run(guarded *w, reel_status expected)
{
    reel_status status = reel_trainer_run("run.c:7", w->r.trainer);
    ck_assert_msg(status == expected, "status %d (%s), expected %d", status, reel_error_text(w->r.context), expected);
}

static void guarded_free(guarded *w)
{
    reel_context_free(w->r.context);
    free(w);
}

static void expect_text(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" lacks \"%s\"", text, part);
}

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
    expect_run(w, REEL_NOT_FINITE);
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
    expect_run(w, REEL_OK);
    expect_text(w->notes, "resumed at step 3");
    ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(w->r.trainer), hashes[0]), REEL_OK);
    guarded_free(w);
    folder_remove(folder);

    w = guarded_new(reel_context_new(NULL), &s, folder);
    if (way == ACCUMULATED) set(w, "batch", 50);
    if (way == ACCUMULATED) set(w, "accumulate", 2);
    if (way == LIMITED) reel_optimizer_set(NULL, w->r.optimizer, "clip_norm", 1);
    if (way == LIMITED) reel_optimizer_set(NULL, w->r.optimizer, "clip_value", 1);
    expect_run(w, REEL_OK);
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
    expect_run(w, REEL_OK);
    ck_assert_double_eq(w->losses[3], -INFINITY);
    ck_assert(isnan(w->losses[4]));
    guarded_free(w);

    /* What clipping drops is no error either. */
    s.clip_norm = 1;
    w = guarded_new(reel_context_new(NULL), &s, NULL);
    w->bad_step = 3;
    w->bad_gradient = true;
    reel_optimizer_set(NULL, w->r.optimizer, "clip_nonfinite", REEL_NONFINITE_SKIP);
    expect_run(w, REEL_OK);
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
    expect_run(w, REEL_NOT_FINITE);
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
    expect_run(w, REEL_OK);
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
            expect_run(w[how], REEL_OK);
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

typedef struct watch_setup {
    run_setup run;
    int accumulate, patience, monitor;
    double min_gradient, rollback, rate;
    bool validate;
} watch_setup;

static guarded *watched_new(reel_context *own, const watch_setup *s, const char *folder)
{
    guarded *w = guarded_new(own, &s->run, folder);
    reel_trainer *t = w->r.trainer;
    reel_trainer_set(NULL, t, "accumulate", s->accumulate);
    reel_trainer_set(NULL, t, "patience", s->patience);
    reel_trainer_set(NULL, t, "min_gradient", s->min_gradient);
    reel_trainer_set(NULL, t, "monitor", s->monitor);
    reel_trainer_set(NULL, t, "rollback", s->rollback);
    if (s->rate > 0) reel_optimizer_set(NULL, w->r.optimizer, "lr", s->rate);
    if (s->validate)
        reel_trainer_set_validation(NULL, t, reel_moons_new(NULL, own, 60, 0.3, reel_rng_numpy_new(NULL, own, 9)));
    return w;
}

/* As if the run had been killed some steps after its last checkpoint. */
static void add_lines(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "a");
    ck_assert_ptr_nonnull(file);
    fputs("{\"step\": 999}\n{\"step\": 10", file);
    fclose(file);
}

/* Stops after each batch in turn and goes on; returns how many batches the whole run has. */
static int64_t resume_after_every_batch(const watch_setup *s)
{
    char whole[64], parts[64], hashes[2][33];
    folder_fresh(whole);
    guarded *w = watched_new(reel_context_new(NULL), s, whole);
    expect_run(w, REEL_OK);
    ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(w->r.trainer), hashes[0]), REEL_OK);
    int64_t batches = w->batches, steps = reel_trainer_step(w->r.trainer);
    guarded_free(w);
    for (int64_t n = 1; n < batches; n++) {
        folder_fresh(parts);
        w = watched_new(reel_context_new(NULL), s, parts);
        w->stop_at_batch = n;
        expect_run(w, REEL_STOPPED);
        const char *why;
        ck_assert_int_eq(reel_trainer_stop_reason(w->r.trainer, &why), REEL_STOP_REQUEST);
        ck_assert_str_eq(why, "stopped on request");
        guarded_free(w);
        add_lines(parts, "log.jsonl");
        if (s->monitor) add_lines(parts, "monitor.jsonl");
        w = watched_new(reel_context_new(NULL), s, parts);
        expect_run(w, REEL_OK);
        if (s->rollback == 0) ck_assert_int_eq(w->batches, batches - n);
        ck_assert_int_eq(reel_trainer_step(w->r.trainer), steps);
        ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(w->r.trainer), hashes[1]), REEL_OK);
        ck_assert_msg(strcmp(hashes[0], hashes[1]) == 0, "stopped after batch %d: states differ", (int)n);
        expect_same_file(whole, parts, "log.jsonl");
        if (s->monitor) expect_same_file(whole, parts, "monitor.jsonl");
        guarded_free(w);
        folder_remove(parts);
    }
    folder_remove(whole);
    return batches;
}

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
    expect_run(w, REEL_STOPPED);
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
        expect_run(w, REEL_BAD_FILE);
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
        expect_run(w, REEL_MISMATCH);
        expect_text(reel_error_text(w->r.context), "accumulate: found the number 5, expected");
        guarded_free(w);
    }
    free(text);
    folder_remove(folder);
}
END_TEST

/* ---- early stopping ---- */

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
        expect_run(w, REEL_OK);
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
        expect_run(w, REEL_OK);
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
    expect_run(w, REEL_OK);
    ck_assert_int_eq(w->events, 60);
    double norm = w->norms[30], losses[60];
    ck_assert_double_gt(norm, 0);
    memcpy(losses, w->losses, sizeof losses);
    int64_t expected = 0;
    while (!(w->norms[expected++] < norm * 1.01)) continue;
    guarded_free(w);
    w = guarded_new(reel_context_new(NULL), &s, NULL);
    set(w, "min_gradient", norm * 1.01);
    expect_run(w, REEL_OK);
    ck_assert_int_eq(reel_trainer_step(w->r.trainer), expected);
    ck_assert_int_eq(ended(w, "the gradient norm"), REEL_STOP_GRADIENT);
    guarded_free(w);

    double change = 1.01 * fabs(losses[20] - losses[19]) / losses[19];
    for (expected = 1; !(fabs(losses[expected] - losses[expected - 1]) < change * losses[expected - 1]);) expected++;
    w = guarded_new(reel_context_new(NULL), &s, NULL);
    set(w, "min_change", change);
    expect_run(w, REEL_OK);
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
    expect_run(w, REEL_OK);
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
    expect_run(w, REEL_OK);
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
        expect_run(w, REEL_OK);
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
    expect_run(w, REEL_OK);
    expect_text(w->notes, "the mean loss of an epoch has risen 40 times");
    ck_assert_ptr_null(strstr(w->notes, "15 times"));
    expect_text(w->notes, "the mean loss of an epoch has risen 10 times in a row, from 0.66");
    guarded_free(w);

    /* A run that does well is left in peace. */
    w = guarded_new(reel_context_new(NULL), &s, NULL);
    set(w, "monitor", 1);
    expect_run(w, REEL_OK);
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
    expect_run(w, REEL_OK);
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
    expect_run(w, REEL_OK);
    expect_text(w->notes, "from step 2 to step 0, rate times 0.5 (rollback 1 of 40)");
    guarded_free(w);
    folder_remove(folder);

    /* Off. */
    watch_setup calm = wild;
    calm.rollback = 0;
    folder_fresh(folder);
    w = watched_new(reel_context_new(NULL), &calm, folder);
    expect_run(w, REEL_OK);
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
    expect_run(w, REEL_NOT_FINITE);
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
    expect_run(w, REEL_OK);
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
        expect_run(w, REEL_OK);
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
    expect_run(w, REEL_OK);
    uint64_t before = reel_context_memory(context).allocations;
    set(w, "epochs", 50);
    expect_run(w, REEL_OK);
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
    tcase_add_test(tests, test_patience);
    tcase_add_test(tests, test_min_delta);
    tcase_add_test(tests, test_gradient_and_change);
    tcase_add_test(tests, test_validation);
    tcase_add_test(tests, test_monitor_figures);
    tcase_add_test(tests, test_monitor_long);
    tcase_add_test(tests, test_monitor_tells_jumps_and_rises);
    tcase_add_test(tests, test_rollback);
    tcase_add_test(tests, test_rollback_at_most);
    tcase_add_test(tests, test_rollback_goes_further);
    tcase_add_test(tests, test_rollback_resumes);
    tcase_add_test(tests, test_older_checkpoint);
    tcase_add_test(tests, test_background_equals_blocking);
    tcase_add_test(tests, test_every_allocation_may_fail);
    tcase_add_test(tests, test_steps_allocate_nothing);
    return run_case(tests, "guards");
}
