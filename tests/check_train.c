/* SPDX-License-Identifier: MIT
 *
 * The trainer: resuming to the bit, its folder, stopping, settings, evaluation.
 */
#include "failing.h"
#include "moons_run.h"
#include "train/saver.h"
#include "train/state.h"

#include <sys/stat.h>
#include <time.h>

static void expect_run(moons_run *r, reel_status expected)
{
    reel_status status = reel_trainer_run(NULL, r->trainer);
    ck_assert_msg(status == expected, "status %d (%s), expected %d", status, reel_error_text(r->context), expected);
}

static void hash_of(moons_run *r, char hash[33])
{
    ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(r->trainer), hash), REEL_OK);
    ck_assert_uint_eq(strlen(hash), 32);
}

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
    hash_of(&r, hashes[0]);
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
    hash_of(&r, hashes[1]);
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

/* Text of the notes an observer was told. */
static char notes[4096];

static void keep_notes(const reel_event *event, void *user)
{
    (void)user;
    if (event->kind != REEL_EVENT_NOTE) return;
    size_t n = strlen(notes);
    snprintf(notes + n, sizeof notes - n, "%s\n", event->text);
}

static moons_run run_in(const char *folder, reel_resume how, int epochs, int every, int keep)
{
    run_setup s = {.epochs = epochs, .every = every};
    moons_run r = run_new(reel_context_new(NULL), &s);
    reel_trainer_set(NULL, r.trainer, "keep", keep);
    reel_trainer_set_folder(NULL, r.trainer, folder, how);
    notes[0] = '\0';
    reel_trainer_set_observer(r.trainer, keep_notes, NULL);
    return r;
}

START_TEST(test_folder_start_continue_force)
{
    char folder[64];
    size_t size = 0;
    folder_fresh(folder);
    moons_run r = run_in(folder, REEL_CONTINUE, 6, 2, 0);
    expect_run(&r, REEL_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "holds no checkpoint to resume from"));
    reel_context_free(r.context);

    r = run_in(folder, REEL_START, 6, 2, 0);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    for (int step = 0; step <= 6; step += 2) {
        char name[64];
        snprintf(name, sizeof name, "step-%09d.json", step);
        char *text = slurp(folder, name, &size);
        ck_assert_msg(text != NULL, "%s is missing", name);
        free(text);
    }
    r = run_in(folder, REEL_START, 8, 2, 0);
    expect_run(&r, REEL_BAD_STATE);
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "holds a run up to step 6"));
    reel_context_free(r.context);

    r = run_in(folder, REEL_CONTINUE, 8, 2, 0);
    expect_run(&r, REEL_OK);
    ck_assert_int_eq(reel_trainer_step(r.trainer), 8);
    ck_assert_str_eq(notes, "resumed at step 6\nepochs 6 -> 8 (program)\ndata hash unchanged\n");
    reel_context_free(r.context);

    r = run_in(folder, REEL_FORCE, 2, 1, 0);
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
    moons_run r = run_in(folder, REEL_START, 20, 1, 3);
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
    moons_run r = run_in(folder, REEL_START, 6, 2, 0);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    char *text = slurp(folder, "step-000000006.json", &size);
    text[size / 2] ^= 1;
    spill(folder, "step-000000006.json", text, size);
    spill(folder, ".step-000000008.json.tmp-1", text, size / 3);
    free(text);
    r = run_in(folder, REEL_AUTO, 8, 2, 0);
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
    moons_run r = run_in(folder, REEL_AUTO, 2, 1, 0);
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
    moons_run r = run_in(folder, REEL_START, 8, 2, 0);
    expect_run(&r, REEL_OK);
    hash_of(&r, hashes[0]);
    reel_context_free(r.context);
    snprintf(path, sizeof path, "%s/step-000000004.json", folder);
    /* going on in the same folder would lose what is newer */
    r = run_in(folder, REEL_CONTINUE, 8, 2, 0);
    reel_trainer_resume_file(NULL, r.trainer, path);
    expect_run(&r, REEL_BAD_STATE);
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "would lose"));
    reel_context_free(r.context);
    r = run_in(other, REEL_START, 8, 2, 0);
    reel_trainer_resume_file(NULL, r.trainer, path);
    expect_run(&r, REEL_OK);
    hash_of(&r, hashes[1]);
    reel_context_free(r.context);
    ck_assert_str_eq(hashes[0], hashes[1]);
    expect_same_file(folder, other, "log.jsonl");
    expect_same_file(folder, other, "step-000000008.json");
    /* forced, in the same folder */
    r = run_in(folder, REEL_FORCE, 8, 2, 0);
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
    moons_run r = run_in(folder, REEL_START, 2, 1, 0);
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
        hash_of(&r, before);
        expect_run(&r, REEL_MISMATCH);
        ck_assert_msg(strstr(reel_error_text(r.context), cases[i].part), "\"%s\" lacks \"%s\"",
                      reel_error_text(r.context), cases[i].part);
        reel_error_clear(r.context);
        hash_of(&r, after);
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

/* ---- writing fails ---- */

typedef struct faulty {
    int left; /* calls until one fails */
    enum { FAULT_SHORT, FAULT_FULL, FAULT_SYNC, FAULT_RENAME } kind;
    bool struck;
} faulty;

static bool strikes(faulty *f)
{
    bool now = f->left-- == 0;
    f->struck |= now;
    return now;
}

static ssize_t faulty_write(void *user, int file, const void *data, size_t size)
{
    faulty *f = user;
    bool writes = f->kind == FAULT_SHORT || f->kind == FAULT_FULL;
    /* A full disk stays full. */
    if (writes && (strikes(f) || (f->struck && f->kind == FAULT_FULL))) {
        if (f->kind == FAULT_SHORT) return file_system.write(file_system.user, file, data, size / 2);
        errno = ENOSPC;
        return -1;
    }
    return file_system.write(file_system.user, file, data, size);
}

static int faulty_sync(void *user, int file)
{
    faulty *f = user;
    if (f->kind == FAULT_SYNC && strikes(f)) return errno = EIO, -1;
    return file_system.sync(file_system.user, file);
}

static int faulty_rename(void *user, const char *from, const char *to)
{
    faulty *f = user;
    if (f->kind == FAULT_RENAME && strikes(f)) return errno = EACCES, -1;
    return file_system.rename(file_system.user, from, to);
}

/* Every call of one kind fails once, in turn: the run stops with an error (a short write is written on), whatever
 * checkpoint was there is whole, and a resume ends as the run without faults. */
static int fail_each(int kind, bool background, const char *good)
{
    int struck = 0;
    for (int n = 0;; n++) {
        char folder[64];
        folder_fresh(folder);
        faulty f = {.left = n, .kind = kind};
        file_ops ops = file_system;
        ops.user = &f;
        ops.write = faulty_write;
        ops.sync = faulty_sync;
        ops.rename = faulty_rename;
        moons_run r = run_in(folder, REEL_START, 6, 2, 0);
        reel_trainer_set(NULL, r.trainer, "durable", 1);
        reel_trainer_set(NULL, r.trainer, "background", background);
        reel_trainer_state(r.trainer)->files = &ops;
        reel_status status = reel_trainer_run(NULL, r.trainer);
        ck_assert_int_eq(status, f.struck && kind != FAULT_SHORT ? REEL_IO : REEL_OK);
        if (status != REEL_OK) ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), folder));
        reel_context_free(r.context);
        r = run_in(folder, REEL_AUTO, 6, 2, 0);
        expect_run(&r, REEL_OK);
        ck_assert_ptr_null(strstr(notes, "passed over"));
        reel_context_free(r.context);
        expect_same_file(folder, good, "log.jsonl");
        expect_same_file(folder, good, "step-000000006.json");
        folder_remove(folder);
        if (!f.struck) return struck;
        struck++;
    }
}

START_TEST(test_every_write_may_fail)
{
    char good[64];
    folder_fresh(good);
    moons_run r = run_in(good, REEL_START, 6, 2, 0);
    reel_trainer_set(NULL, r.trainer, "durable", 1);
    expect_run(&r, REEL_OK);
    reel_context_free(r.context);
    for (int kind = FAULT_SHORT; kind <= FAULT_RENAME; kind++)
        for (int background = 0; background < 2; background++) ck_assert_int_ge(fail_each(kind, background, good), 4);
    folder_remove(good);
}
END_TEST

START_TEST(test_background_fault_names_the_file)
{
    char folder[64];
    folder_fresh(folder);
    faulty f = {.left = 2, .kind = FAULT_RENAME}; /* after 0 and 2 */
    file_ops ops = file_system;
    ops.user = &f;
    ops.rename = faulty_rename;
    moons_run r = run_in(folder, REEL_START, 1000, 2, 0);
    reel_trainer_state(r.trainer)->files = &ops;
    ck_assert_int_eq(reel_trainer_run("r.c:7", r.trainer), REEL_IO);
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "r.c:7: /tmp/"));
    ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), "step-000000004.json: cannot be renamed"));
    ck_assert_int_lt(reel_trainer_step(r.trainer), 1000);
    reel_context_free(r.context);
    folder_remove(folder);
}
END_TEST

/* ---- saving in the background ---- */

/* A net whose arrays are large enough to be held back; one of its runs in a folder of its own. */
typedef struct wide_run {
    moons_run r;
    char folder[64];
} wide_run;

static reel_value own_loss(const char *site, reel_value prediction, reel_value target)
{
    return reel_bce_with_logits(site, prediction, target);
}

static wide_run wide_new(reel_context *own, reel_dtype dtype, const char *optimizer, bool library_loss)
{
    wide_run w = {.r = {.context = own}};
    moons_run *r = &w.r;
    folder_fresh(w.folder);
    r->data = reel_moons_new(NULL, own, 100, 0.15, reel_rng_numpy_new(NULL, own, 42));
    r->params = reel_params_new(NULL, own, dtype);
    r->net = reel_mlp_new(NULL, r->params, "net", 4, (int[]){2, 40, 9, 1}, "tanh", reel_rng_torch_new(NULL, own, 1));
    r->optimizer = reel_optimizer_new(NULL, r->params, reel_optimizer_find(optimizer));
    r->trainer = reel_trainer_new(NULL, r->net, r->data, library_loss ? reel_bce_with_logits : own_loss, r->optimizer);
    reel_trainer_set(NULL, r->trainer, "batch", 30);
    reel_trainer_set(NULL, r->trainer, "epochs", 4);
    reel_trainer_set(NULL, r->trainer, "checkpoint_every", 1);
    reel_trainer_set(NULL, r->trainer, "keep", 0);
    reel_trainer_set(NULL, r->trainer, "base64_above", 100);
    reel_trainer_set_folder(NULL, r->trainer, w.folder, REEL_START);
    return w;
}

static void wide_free(wide_run *w)
{
    reel_context_free(w->r.context);
    folder_remove(w->folder);
}

static void expect_same_run(const wide_run *a, const wide_run *b, int steps)
{
    for (int step = 0; step <= steps; step++) {
        char name[64];
        snprintf(name, sizeof name, "step-%09d.json", step);
        expect_same_file(a->folder, b->folder, name);
    }
    expect_same_file(a->folder, b->folder, "log.jsonl");
}

static int no_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *user)
{
    (void)thread, (void)attributes, (void)start, (void)user;
    return EAGAIN;
}

/* In the background, at once, and where no thread can be made: the same files, byte for byte, whether the loss after the
 * update is computed by the one thread or the other. */
START_TEST(test_background_equals_blocking)
{
    static const char *const optimizers[] = {"adam", "sgd", "lamb", "adagrad"};
    for (int i = 0; i < 8; i++) {
        wide_run runs[3];
        for (int how = 0; how < 3; how++) {
            runs[how] = wide_new(reel_context_new(NULL), i % 2 ? REEL_DOUBLE : REEL_FLOAT, optimizers[i / 2], i != 3);
            reel_trainer *t = runs[how].r.trainer;
            reel_trainer_set(NULL, t, "background", how != 1);
            ck_assert_int_eq(saver_prepare(t, NULL), REEL_OK);
            object_raise(t);
            if (how == 2) t->folder.saver->writer.create = no_thread;
            expect_run(&runs[how].r, REEL_OK);
            ck_assert_int_eq(t->folder.saver->evaluator != NULL, how == 0 && i != 3);
            ck_assert(!t->folder.saver->writer.running);
        }
        expect_same_run(&runs[0], &runs[1], 16);
        expect_same_run(&runs[0], &runs[2], 16);
        for (int how = 0; how < 3; how++) wide_free(&runs[how]);
    }
}
END_TEST

static void stop_at_seven(const reel_event *event, void *user)
{
    if (event->kind == REEL_EVENT_STEP && event->step == 7) reel_trainer_request_stop(user);
}

/* A loss that depends on the parameters alone is taken from the step that follows: the same files again, those of a run
 * that stops between two saves included. */
START_TEST(test_steady_loss)
{
    for (int i = 0; i < 4; i++) {
        wide_run runs[2];
        for (int steady = 0; steady < 2; steady++) {
            runs[steady] = wide_new(reel_context_new(NULL), i % 2 ? REEL_DOUBLE : REEL_FLOAT, "adam", i < 2);
            reel_trainer *t = runs[steady].r.trainer;
            reel_trainer_set(NULL, t, "batch", 0);
            reel_trainer_set(NULL, t, "epochs", 16);
            reel_trainer_set(NULL, t, "steady_loss", steady);
            if (i == 3) reel_trainer_set_observer(t, stop_at_seven, t);
            ck_assert_int_eq(reel_trainer_run(NULL, t), i == 3 ? REEL_STOPPED : REEL_OK);
            ck_assert_int_eq(t->folder.saver->evaluator != NULL, !steady && i < 2);
        }
        expect_same_run(&runs[0], &runs[1], i == 3 ? 7 : 16);
        for (int steady = 0; steady < 2; steady++) wide_free(&runs[steady]);
    }
}
END_TEST

/* The disk is slow, and looks at each rename of a checkpoint whether the log is long enough. */
typedef struct slow_disk {
    const char *folder;
    int renamed, short_logs;
} slow_disk;

static void sleep_milliseconds(int n)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000L * n}, NULL);
}

static ssize_t slow_write(void *user, int file, const void *data, size_t size)
{
    (void)user;
    sleep_milliseconds(2);
    return file_system.write(file_system.user, file, data, size);
}

static int slow_rename(void *user, const char *from, const char *to)
{
    slow_disk *d = user;
    size_t size = 0;
    int lines = 0;
    char *log = slurp(d->folder, "log.jsonl", &size);
    for (size_t i = 0; i < size; i++) lines += log[i] == '\n';
    free(log);
    const char *name = strstr(to, "step-");
    ck_assert_ptr_nonnull(name);
    d->renamed++;
    d->short_logs += lines < (int)strtol(name + 5, NULL, 10);
    return file_system.rename(file_system.user, from, to);
}

/* What an observer sees of checkpoints. */
typedef struct witness {
    wide_run *run;
    int told, missing, wrong_order, asked_missing;
    bool ended, save_by_hand;
    int64_t last;
    uint64_t allocations[2];
} witness;

static bool is_there(const wide_run *w, int64_t step)
{
    char path[128];
    snprintf(path, sizeof path, "%s/step-%09lld.json", w->folder, (long long)step);
    return access(path, R_OK) == 0;
}

static void save_by_hand(wide_run *w)
{
    char path[128];
    snprintf(path, sizeof path, "%s/by-hand.json", w->folder);
    ck_assert_int_eq(reel_state_save(NULL, reel_trainer_state(w->r.trainer), path, NULL), REEL_OK);
    reel_context *own = reel_context_new(NULL);
    reel_checkpoint *c = reel_checkpoint_open(NULL, own, path);
    size_t size = 0;
    free(slurp(w->folder, "log.jsonl", &size));
    ck_assert_double_eq(reel_checkpoint_number(c, "state/trainer/log_bytes"), (double)size);
    ck_assert_double_eq(reel_checkpoint_number(c, "state/trainer/step"), (double)reel_trainer_step(w->r.trainer));
    reel_context_free(own);
}

static void watch(const reel_event *event, void *user)
{
    witness *w = user;
    if (event->kind == REEL_EVENT_CHECKPOINT) {
        char name[64];
        snprintf(name, sizeof name, "step-%09lld.json", (long long)event->step);
        w->missing += !is_there(w->run, event->step);
        w->wrong_order += w->ended || strstr(event->text, name) == NULL || event->step != w->told;
        w->told++;
    }
    if (event->kind == REEL_EVENT_END) w->ended = true;
    if (event->kind != REEL_EVENT_STEP) return;
    if (event->step == 6) reel_trainer_request_save(w->run->r.trainer);
    if (event->step == 7) w->asked_missing += !is_there(w->run, 6);
    if (event->step == 9 && w->save_by_hand) save_by_hand(w->run);
    w->last = event->step;
    int which = event->step == 4 ? 0 : event->step == 15 ? 1 : -1;
    if (which >= 0) w->allocations[which] = reel_context_memory(w->run->r.context).allocations;
}

START_TEST(test_slow_disk_drops_nothing)
{
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        wide_run fast = wide_new(reel_context_new(NULL), REEL_FLOAT, "adam", true);
        wide_run slow = wide_new(reel_context_new(NULL), REEL_FLOAT, "adam", true);
        slow_disk disk = {.folder = slow.folder};
        file_ops ops = file_system;
        ops.user = &disk;
        ops.write = slow_write;
        if (!by_hand) ops.rename = slow_rename;
        reel_trainer_state(slow.r.trainer)->files = &ops;
        witness w = {.run = &slow, .save_by_hand = by_hand};
        reel_trainer_set_observer(slow.r.trainer, watch, &w);
        expect_run(&slow.r, REEL_OK);
        expect_run(&fast.r, REEL_OK);
        ck_assert_int_eq(w.told, 17);
        ck_assert_int_eq(w.missing, 0);
        ck_assert_int_eq(w.wrong_order, 0);
        ck_assert_int_eq(w.asked_missing, 0);
        ck_assert_int_eq(disk.renamed, by_hand ? 0 : 17);
        ck_assert_int_eq(disk.short_logs, 0);
        expect_same_run(&slow, &fast, 16);
        wide_free(&slow);
        wide_free(&fast);
    }
}
END_TEST

/* From the second save on nothing is allocated. */
START_TEST(test_saves_allocate_nothing)
{
    for (int background = 0; background < 2; background++) {
        wide_run run = wide_new(reel_context_new(NULL), REEL_DOUBLE, "adam", true);
        witness w = {.run = &run};
        reel_trainer_set(NULL, run.r.trainer, "background", background);
        reel_trainer_set_observer(run.r.trainer, watch, &w);
        expect_run(&run.r, REEL_OK);
        ck_assert_uint_gt(w.allocations[0], 0);
        ck_assert_uint_eq(w.allocations[0], w.allocations[1]);
        wide_free(&run);
    }
}
END_TEST

/* More lines than are held back, without a checkpoint between; and an error that ends the run before the next one. */
START_TEST(test_long_log)
{
    for (int fails = 0; fails < 2; fails++) {
        char folder[64];
        size_t size = 0;
        folder_fresh(folder);
        moons_run r = run_in(folder, REEL_START, 5000, 0, 2);
        if (fails) reel_optimizer_set(NULL, r.optimizer, "lr", 1e38);
        reel_status status = reel_trainer_run(NULL, r.trainer);
        ck_assert_int_eq(status, fails ? REEL_NOT_FINITE : REEL_OK);
        char *log = slurp(folder, "log.jsonl", &size), *at = log, line[64];
        for (int64_t step = 1; step <= reel_trainer_step(r.trainer); step++) {
            snprintf(line, sizeof line, "{\"step\": %lld, ", (long long)step);
            ck_assert_msg(at && strncmp(at, line, strlen(line)) == 0, "line %lld is missing", (long long)step);
            at = strchr(at, '\n') + 1;
        }
        ck_assert_int_eq(at - log, (int64_t)size);
        free(log);
        reel_context_free(r.context);
        folder_remove(folder);
    }
}
END_TEST

/* The n-th allocation of a run with checkpoints fails, and none is made by another thread. */
typedef struct lonely {
    failing memory;
    pthread_t thread;
    bool elsewhere;
} lonely;

static void *fail_here(void *user, void *pointer, size_t old_size, size_t new_size)
{
    lonely *l = user;
    l->elsewhere |= !pthread_equal(l->thread, pthread_self());
    return fail_after(&l->memory, pointer, old_size, new_size);
}

START_TEST(test_every_allocation_may_fail)
{
    bool whole = false;
    uint64_t n = 0;
    for (; !whole; n++) {
        lonely l = {.memory.left = n, .thread = pthread_self()};
        reel_context *own = reel_context_new(&(reel_allocator){fail_here, &l});
        wide_run w = wide_new(own, REEL_FLOAT, "adam", true);
        reel_status status = reel_trainer_run(NULL, w.r.trainer);
        whole = w.r.trainer && status == REEL_OK;
        if (own && !whole)
            ck_assert_msg(reel_error_status(own) == REEL_NO_MEMORY, "%d: %s", (int)n, reel_error_text(own));
        wide_free(&w);
        ck_assert_uint_eq(l.memory.in_use, 0);
        ck_assert(!l.elsewhere);
    }
    ck_assert_uint_gt(n, 60);
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
    tcase_add_test(tests, test_every_write_may_fail);
    tcase_add_test(tests, test_edited_positions);
    tcase_add_test(tests, test_background_fault_names_the_file);
    tcase_add_test(tests, test_background_equals_blocking);
    tcase_add_test(tests, test_steady_loss);
    tcase_add_test(tests, test_slow_disk_drops_nothing);
    tcase_add_test(tests, test_saves_allocate_nothing);
    tcase_add_test(tests, test_long_log);
    tcase_add_test(tests, test_every_allocation_may_fail);
    tcase_add_test(tests, test_settings);
    tcase_add_test(tests, test_evaluate_in_batches);
    tcase_add_test(tests, test_loss_not_finite);
    tcase_add_test(tests, test_steps_allocate_nothing);
    return run_case(tests, "training");
}
