/* SPDX-License-Identifier: MIT
 *
 * A run that is watched over: its events, how it ends, and a resume after every batch.
 */
#ifndef TESTS_GUARDED_RUN_H
#define TESTS_GUARDED_RUN_H

#include "moons_run.h"
#include "train/state.h"

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

static inline reel_value loss_of_run(const reel_batch *batch, void *user)
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

static inline void observe(const reel_event *e, void *user)
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
static inline guarded *guarded_new(reel_context *own, const run_setup *s, const char *folder)
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

static inline void set(guarded *w, const char *name, double value)
{
    ck_assert_int_eq(reel_trainer_set(NULL, w->r.trainer, name, value), REEL_OK);
}

static inline void expect_guarded(guarded *w, reel_status expected)
{
    reel_status status = reel_trainer_run("run.c:7", w->r.trainer);
    ck_assert_msg(status == expected, "status %d (%s), expected %d", status, reel_error_text(w->r.context), expected);
}

static inline void guarded_free(guarded *w)
{
    reel_context_free(w->r.context);
    free(w);
}

static inline void expect_text(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" lacks \"%s\"", text, part);
}

typedef struct watch_setup {
    run_setup run;
    int accumulate, patience, monitor;
    double min_gradient, rollback, rate;
    bool validate;
} watch_setup;

static inline guarded *watched_new(reel_context *own, const watch_setup *s, const char *folder)
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
static inline void add_lines(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "a");
    ck_assert_ptr_nonnull(file);
    fputs("{\"step\": 999}\n{\"step\": 10", file);
    fclose(file);
}

/* Stops after each batch in turn and goes on; returns how many batches the whole run has. */
static inline int64_t resume_after_every_batch(const watch_setup *s)
{
    char whole[64], parts[64], hashes[2][33];
    folder_fresh(whole);
    guarded *w = watched_new(reel_context_new(NULL), s, whole);
    expect_guarded(w, REEL_OK);
    ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(w->r.trainer), hashes[0]), REEL_OK);
    int64_t batches = w->batches, steps = reel_trainer_step(w->r.trainer);
    guarded_free(w);
    for (int64_t n = 1; n < batches; n++) {
        folder_fresh(parts);
        w = watched_new(reel_context_new(NULL), s, parts);
        w->stop_at_batch = n;
        expect_guarded(w, REEL_STOPPED);
        const char *why;
        ck_assert_int_eq(reel_trainer_stop_reason(w->r.trainer, &why), REEL_STOP_REQUEST);
        ck_assert_str_eq(why, "stopped on request");
        guarded_free(w);
        add_lines(parts, "log.jsonl");
        if (s->monitor) add_lines(parts, "monitor.jsonl");
        w = watched_new(reel_context_new(NULL), s, parts);
        expect_guarded(w, REEL_OK);
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

#endif
