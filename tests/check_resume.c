/* SPDX-License-Identifier: MIT
 *
 * Going on from a checkpoint: what changed is told, what was asked for wins, other data are refused, and every
 * optimizer, schedule and averager stopped half-way and resumed with another number of threads.
 */
#include "full_run.h"
#include "noted_run.h"
#include "train/state.h"

#include <sys/stat.h>

static const reel_change *change_of(const moons_run *r, const char *name)
{
    const reel_resume_report *report = reel_trainer_report(r->trainer);
    for (int i = 0; report && i < report->count; i++)
        if (strcmp(report->changes[i].name, name) == 0) return &report->changes[i];
    return NULL;
}

START_TEST(test_report)
{
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 4, .clip_norm = 0.5, .schedule = "cosine"};
    make_run(folder, &s);

    s.epochs = 8;
    moons_run r = run_in(folder, REEL_CONTINUE, &s);
    reel_optimizer_set(NULL, r.optimizer, "beta1", 0.8);
    ck_assert_int_eq(reel_trainer_ask(NULL, r.trainer, "lr", 0.0005, "flag"), REEL_OK);
    ck_assert_int_eq(reel_trainer_ask(NULL, r.trainer, "clip_norm", 2, NULL), REEL_OK);
    ck_assert_int_eq(reel_trainer_ask(NULL, r.trainer, "keep", 3, "flag"), REEL_OK);
    reel_context_set_threads(r.context, reel_context_threads(r.context) + 1);
    expect_run(&r, REEL_OK);
    expect_note("resumed at step 4\n");
    expect_note("\nlr 0.05 -> 0.0005 (flag)\n");
    expect_note("\nbeta1 0.9 kept (the program has 0.8)\n");
    expect_note("\nclip_norm 0.5 -> 2 (program)\n");
    expect_note("\nepochs 4 -> 8 (program)\n");
    expect_note("\nkeep 2 -> 3 (flag)\n");
    expect_note("\ndata hash unchanged\n");
    expect_note(
        "schedule cosine now ends after 8 updates instead of 4: the next one has the rate 0.00025 instead of 0\n");
    expect_note("(the bits stay the same)\n");
    expect_no_note("beta2");
    ck_assert_double_eq(reel_optimizer_get(r.optimizer, "lr"), 0.0005);
    ck_assert_double_eq(reel_optimizer_get(r.optimizer, "beta1"), 0.9);
    ck_assert_double_eq(reel_optimizer_get(r.optimizer, "clip_norm"), 2);
    ck_assert_int_eq(reel_trainer_report(r.trainer)->step, 4);
    ck_assert_int_eq(change_of(&r, "lr")->kind, REEL_CHANGE_ASKED);
    ck_assert_int_eq(change_of(&r, "beta1")->kind, REEL_CHANGE_KEPT);
    ck_assert_str_eq(change_of(&r, "epochs")->before, "4");
    ck_assert_str_eq(change_of(&r, "epochs")->now, "8");
    ck_assert_int_eq(change_of(&r, "data hash")->kind, REEL_CHANGE_SAME);
    reel_context_free(r.context);

    /* What was asked for is in the next checkpoint, and nothing is left to tell. */
    r = run_in(folder, REEL_CONTINUE, &s);
    reel_trainer_ask(NULL, r.trainer, "lr", 0.0005, "flag");
    reel_trainer_ask(NULL, r.trainer, "clip_norm", 2, "flag");
    reel_trainer_ask(NULL, r.trainer, "keep", 3, "flag");
    reel_trainer_set(NULL, r.trainer, "epochs", 9);
    expect_run(&r, REEL_OK);
    expect_no_note("lr");
    expect_no_note("clip_norm");
    expect_no_note("beta1");
    reel_context_free(r.context);
    folder_remove(folder);
}
END_TEST

START_TEST(test_asking_refuses)
{
    run_setup s = {.epochs = 4};
    moons_run r = run_new(context, &s);
    reel_trainer_ask(NULL, r.trainer, "betta", 1, NULL);
    expect_error(REEL_NOT_FOUND, "betta");
    reel_trainer_ask(NULL, r.trainer, "lr", -1, NULL);
    expect_error(REEL_BAD_ARGUMENT, "lr: found -1");
    reel_trainer_ask(NULL, r.trainer, "epochs", 0.5, NULL);
    expect_error(REEL_BAD_ARGUMENT, "whole number");
    reel_trainer_ask_schedule(NULL, r.trainer, "cosin", NULL);
    expect_error(REEL_NOT_FOUND, "cosin");
    reel_trainer_prove(NULL, r.trainer, 3, NULL);
    expect_error(REEL_BAD_STATE, "no checkpoint of step 0");
}
END_TEST

START_TEST(test_schedule_from_here)
{
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 4};
    make_run(folder, &s);
    s.epochs = 12;
    for (int here = 0; here < 2; here++) {
        char copy[64], name[] = "step-000000004.json";
        size_t size;
        folder_fresh(copy);
        char *text = slurp(folder, name, &size);
        spill(copy, name, text, size);
        free(text);
        text = slurp(folder, "log.jsonl", &size);
        spill(copy, "log.jsonl", text, size);
        free(text);
        moons_run r = run_in(copy, REEL_CONTINUE, &s);
        reel_trainer_ask_schedule(NULL, r.trainer, "linear:1:0", "flag");
        reel_trainer_ask_origin(NULL, r.trainer, here ? REEL_ORIGIN_HERE : REEL_ORIGIN_START, "flag");
        reel_trainer_set(NULL, r.trainer, "log_every", 1);
        expect_run(&r, REEL_OK);
        expect_note(here ? "schedule none -> linear (flag) from here on: the next update has the rate 0.05"
                         : "schedule none -> linear (flag): the next update has the rate 0.0333");
        ck_assert_int_eq(reel_optimizer_origin(r.optimizer), here ? 4 : 0);
        /* The twelfth update is the eighth from here, or the twelfth of twelve. */
        double rate = here ? 0.05 * (1 - 7 / 8.0) : 0.05 * (1 - 11 / 12.0);
        text = slurp(copy, "log.jsonl", &size);
        char *last = strrchr(text, '{');
        ck_assert_double_eq_tol(strtod(strstr(last, "\"rate\": ") + 8, NULL), rate, 1e-15);
        free(text);
        reel_context_free(r.context);

        /* Going on keeps the origin; a later end of the run moves the end of the schedule. */
        s.epochs = 16;
        r = run_in(copy, REEL_CONTINUE, &s);
        expect_run(&r, REEL_OK);
        expect_note(here ? "now ends after 12 updates instead of 8" : "now ends after 16 updates instead of 12");
        ck_assert_int_eq(reel_optimizer_origin(r.optimizer), here ? 4 : 0);
        reel_context_free(r.context);
        s.epochs = 12;
        folder_remove(copy);
    }
    folder_remove(folder);
}
END_TEST

/* The checkpoint's own schedule counts from here. */
START_TEST(test_origin_alone)
{
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 4, .schedule = "step:2:0.5"};
    make_run(folder, &s);
    s.epochs = 5;
    moons_run r = run_in(folder, REEL_CONTINUE, &s);
    reel_trainer_ask_origin(NULL, r.trainer, REEL_ORIGIN_HERE, "flag");
    expect_run(&r, REEL_OK);
    expect_note(
        "schedule step:2:0.5 counts from step 4 instead of 0 (flag): the next update has the rate 0.05 instead of "
        "0.0125");
    reel_context_free(r.context);
    s.epochs = 6;
    r = run_in(folder, REEL_CONTINUE, &s);
    reel_trainer_ask_schedule(NULL, r.trainer, "none", "flag");
    expect_run(&r, REEL_OK);
    expect_note("schedule step:2:0.5 -> none (flag)");
    ck_assert_ptr_null(reel_optimizer_schedule(r.optimizer, 0));
    reel_context_free(r.context);
    folder_remove(folder);
}
END_TEST

/* Before the first step after a resume: what the optimizer holds. */
typedef struct moments {
    moons_run *run;
    double largest;
    int64_t steps;
    double rate;
} moments;

static void look_at_begin(const reel_event *event, void *user)
{
    moments *m = user;
    keep_notes(event, NULL);
    if (event->kind != REEL_EVENT_BEGIN) return;
    m->steps = reel_optimizer_steps(m->run->optimizer);
    m->rate = reel_optimizer_rate(m->run->optimizer);
    for (int i = 0; i < reel_params_count(m->run->params); i++) {
        reel_array a = reel_optimizer_state(m->run->optimizer, "mean", i);
        for (int64_t j = 0; a.data && j < a.size; j++) m->largest = fmax(m->largest, fabs(reel_array_get(&a, j)));
    }
}

START_TEST(test_fresh_moments)
{
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 4, .schedule = "exponential:0.5"};
    make_run(folder, &s);
    for (int kind = 0; kind < 3; kind++) {
        s.epochs = 5 + kind;
        moons_run r = run_in(folder, REEL_CONTINUE, &s);
        moments m = {.run = &r};
        reel_trainer_set_observer(r.trainer, look_at_begin, &m);
        if (kind) reel_trainer_ask_reset(NULL, r.trainer, kind == 2, "flag");
        expect_run(&r, REEL_OK);
        ck_assert_int_eq(m.steps, kind == 2 ? 0 : 4 + kind);
        ck_assert_int_eq(m.largest == 0, kind > 0);
        ck_assert_double_eq(m.rate, ldexp(0.05, -4 - kind)); /* the schedule goes on in any case */
        if (kind == 1) expect_note("moments forgotten, the count of steps stays 5 (flag)");
        if (kind == 2) expect_note("moments forgotten, and the count of steps, which was 6 (flag)");
        if (kind == 0) expect_no_note("moments");
        reel_context_free(r.context);
    }
    /* A file with a negative origin is read again. */
    s.epochs = 8;
    moons_run r = run_in(folder, REEL_CONTINUE, &s);
    expect_run(&r, REEL_OK);
    ck_assert_int_eq(reel_optimizer_origin(r.optimizer), -6);
    ck_assert_int_eq(reel_optimizer_steps(r.optimizer), 2);
    ck_assert_double_eq(reel_optimizer_rate(r.optimizer), ldexp(0.05, -8));
    reel_context_free(r.context);
    folder_remove(folder);
}
END_TEST

START_TEST(test_another_optimizer)
{
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 4, .optimizer = "sgd", .clip_norm = 0.25, .schedule = "exponential:0.5", .batch = 32};
    make_run(folder, &s);
    run_setup other = {.epochs = 5, .optimizer = "adamw", .batch = 32};
    moons_run r = run_in(folder, REEL_CONTINUE, &other);
    expect_run(&r, REEL_MISMATCH);
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "optimizer.kind"));
    reel_context_free(r.context);

    r = run_in(folder, REEL_CONTINUE, &other);
    moments m = {.run = &r};
    reel_trainer_set_observer(r.trainer, look_at_begin, &m);
    reel_trainer_set(NULL, r.trainer, "other_optimizer", 1);
    expect_run(&r, REEL_OK);
    expect_note("optimizer sgd -> adamw (allowed): its moments start fresh");
    ck_assert_int_eq(m.steps, 0);
    ck_assert_double_eq(m.largest, 0);
    ck_assert_double_eq(m.rate, ldexp(0.05, -16)); /* the schedule goes on */
    ck_assert_double_eq(reel_optimizer_get(r.optimizer, "clip_norm"), 0.25);
    ck_assert_int_eq(reel_trainer_step(r.trainer), 20);
    reel_context_free(r.context);

    /* Nothing else moved: without an update parameters and sampler are those of the file. */
    other.epochs = 5;
    char hash[2][33];
    for (int i = 0; i < 2; i++) {
        other.optimizer = i ? "adagrad" : "adamw";
        r = run_in(folder, REEL_CONTINUE, &other);
        reel_trainer_set(NULL, r.trainer, "other_optimizer", 1);
        expect_run(&r, REEL_OK);
        reel_state *values = reel_state_new(NULL, r.context, "test");
        reel_state_add_params(NULL, values, "parameters", r.params);
        ck_assert_int_eq(reel_state_hash(NULL, values, hash[i]), REEL_OK);
        reel_context_free(r.context);
    }
    ck_assert_str_eq(hash[0], hash[1]);
    folder_remove(folder);
}
END_TEST

START_TEST(test_other_data)
{
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 3, .batch = 32, .sampler = "numpy"};
    make_run(folder, &s);
    for (int kind = 0; kind < 4; kind++) {
        bool allowed = kind % 2, smaller = kind / 2;
        moons_run r = run_in(folder, REEL_CONTINUE, &s);
        if (smaller)
            r.data->x->shape[0] = r.data->y->shape[0] = 90, r.data->x->size = 180, r.data->y->size = 90;
        else
            ((float *)r.data->x->data)[0] += 1;
        reel_trainer_set(NULL, r.trainer, "epochs", 20 + kind);
        reel_trainer_set(NULL, r.trainer, "other_data", allowed);
        expect_run(&r, allowed ? REEL_OK : REEL_MISMATCH);
        if (allowed) {
            expect_note("data hash ");
            expect_no_note("unchanged");
            if (smaller) expect_note("rows 100 -> 90 (allowed)");
        } else {
            ck_assert_msg(strstr(reel_error_text(r.context), smaller ? "rows" : "not the data of the run"), "%s",
                          reel_error_text(r.context));
            ck_assert_ptr_null(reel_trainer_report(r.trainer));
        }
        reel_context_free(r.context);
        if (allowed) {
            folder_remove(folder);
            mkdir(folder, 0700);
            make_run(folder, &s);
        }
    }
    folder_remove(folder);
}
END_TEST

/* A run whose validation data are `points`; 0: none. */
static moons_run validated_run(const char *folder, reel_resume how, int64_t points)
{
    run_setup s = {.epochs = 4, .batch = 32};
    moons_run r = run_in(folder, how, &s);
    if (points > 0)
        reel_trainer_set_validation(
            NULL, r.trainer, reel_moons_new(NULL, r.context, points, 0.15, reel_rng_numpy_new(NULL, r.context, 7)));
    return r;
}

START_TEST(test_other_validation)
{
    static const struct {
        int64_t was, now;
        bool allowed;
        reel_status expected;
        const char *says; /* error or note */
    } cases[] = {
        {40, 40, false, REEL_OK, "validation data hash unchanged"},
        {40, 42, false, REEL_MISMATCH, "these are not the validation data of the run"},
        {40, 0, false, REEL_MISMATCH, "expected none: these are not the validation data of the run"},
        {0, 40, false, REEL_MISMATCH, "found none, expected"},
        {40, 42, true, REEL_OK, "validation data hash "},
        {40, 0, true, REEL_OK, "-> none (allowed)"},
        {0, 0, false, REEL_OK, "data hash unchanged"},
    };
    char folder[64];
    folder_fresh(folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        moons_run r = validated_run(folder, REEL_FORCE, cases[i].was);
        expect_run(&r, REEL_OK);
        reel_context_free(r.context);
        r = validated_run(folder, REEL_CONTINUE, cases[i].now);
        reel_trainer_set(NULL, r.trainer, "epochs", 6);
        reel_trainer_set(NULL, r.trainer, "other_data", cases[i].allowed);
        expect_run(&r, cases[i].expected);
        if (cases[i].expected == REEL_OK)
            expect_note(cases[i].says);
        else
            ck_assert_msg(strstr(reel_error_text(r.context), cases[i].says), "%s", reel_error_text(r.context));
        if (cases[i].now == 0) expect_no_note("validation data hash unchanged");
        reel_context_free(r.context);
    }
    folder_remove(folder);
}
END_TEST

/* A file from before the validation data were part of it is loaded. */
START_TEST(test_validation_of_older_file)
{
    char folder[64];
    size_t size;
    folder_fresh(folder);
    moons_run r = validated_run(folder, REEL_START, 40);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    char *text = slurp(folder, "step-000000016.json", &size), *at = text ? strstr(text, "\"validation_hash\"") : NULL;
    ck_assert_ptr_nonnull(at);
    char *end = strchr(at, ',') + 1;
    memmove(at, end, strlen(end) + 1);
    spill_text(folder, "step-000000016.json", text);
    free(text);
    r = validated_run(folder, REEL_CONTINUE, 42);
    reel_trainer_set(NULL, r.trainer, "epochs", 6);
    reel_trainer_set(NULL, r.trainer, "accept_edited", 1);
    expect_run(&r, REEL_OK);
    expect_no_note("validation");
    reel_context_free(r.context);
    folder_remove(folder);
}
END_TEST

/* ---- every optimizer, schedule and averager ---- */

static void full_hash(full_run *f, char hash[33])
{
    ck_assert_msg(reel_state_hash(NULL, reel_trainer_state(f->run.trainer), hash) == REEL_OK, "%s",
                  reel_error_text(f->run.context));
}

/* Whole in one folder; stopped and resumed with other threads in another. False: they do not go together. */
static bool stopped_equals_whole(const reel_optimizer_type *o, const reel_schedule_type *s, const reel_average_type *a,
                                 bool wide, int64_t stop)
{
    char whole[64], parts[64], hash[2][33];
    full_run f;
    if (!full_new(&f, o, s, a, wide, 1)) {
        reel_context_free(f.run.context);
        return false;
    }
    folder_fresh(whole);
    folder_fresh(parts);
    file_ops files = file_system;
    files.sync = no_sync;
    reel_trainer_state(f.run.trainer)->files = &files;
    reel_trainer_set_folder(NULL, f.run.trainer, whole, REEL_START);
    expect_run(&f.run, REEL_OK);
    ck_assert_double_ne(at(f.mean, 0), 0);
    full_hash(&f, hash[0]);
    reel_context_free(f.run.context);
    for (int part = 0; part < 2; part++) {
        full_new(&f, o, s, a, wide, part ? 3 : 2);
        f.stop = part ? 0 : stop;
        reel_trainer_state(f.run.trainer)->files = &files;
        reel_trainer_set_folder(NULL, f.run.trainer, parts, REEL_AUTO);
        expect_run(&f.run, part ? REEL_OK : REEL_STOPPED);
        full_hash(&f, hash[1]);
        if (a) ck_assert_int_eq(reel_average_count(f.average), part ? FULL_STEPS : stop);
        reel_context_free(f.run.context);
    }
    ck_assert_msg(strcmp(hash[0], hash[1]) == 0, "%s, %s, %s, stopped at %lld: the states differ", o->name, s->name,
                  a ? a->name : "no average", (long long)stop);
    expect_same_file(whole, parts, "log.jsonl");
    folder_remove(whole);
    folder_remove(parts);
    return true;
}

START_TEST(test_everything_resumes)
{
    const reel_optimizer_type *o;
    const reel_schedule_type *s;
    int made = 0, unfit = 0;
    reel_rng *rng = reel_rng_philox_new(NULL, context, 1, "stops");
    for (int i = 0; (o = reel_optimizer_at(i)) != NULL; i++)
        for (int j = 0; (s = reel_schedule_at(j)) != NULL; j++)
            for (int k = 0; k == 0 || reel_average_at(k - 1); k++) {
                const reel_average_type *a = k ? reel_average_at(k - 1) : NULL;
                int64_t stop = 1 + (int64_t)(reel_rng_uniform_one(rng) * (FULL_STEPS - 1));
                bool fits = stopped_equals_whole(o, s, a, (i + j + k) % 2, stop);
                made += fits;
                unfit += !fits;
            }
    /* Only those that cycle a momentum do not go with the kinds that have none. */
    ck_assert_int_ge(made, 11 * 14 * 3 - 3 * 3 * 3);
    ck_assert_int_le(unfit, 3 * 3 * 3);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("resume");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_report);
    tcase_add_test(tests, test_asking_refuses);
    tcase_add_test(tests, test_schedule_from_here);
    tcase_add_test(tests, test_origin_alone);
    tcase_add_test(tests, test_fresh_moments);
    tcase_add_test(tests, test_another_optimizer);
    tcase_add_test(tests, test_other_data);
    tcase_add_test(tests, test_other_validation);
    tcase_add_test(tests, test_validation_of_older_file);
    tcase_add_test(tests, test_everything_resumes);
    return run_case(tests, "resume");
}
