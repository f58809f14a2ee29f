/* SPDX-License-Identifier: MIT
 *
 * Saving: every system call may fail, in the background too, where a slow disk drops nothing.
 */
#include "failing.h"
#include "noted_run.h"
#include "train/saver.h"
#include "train/state.h"

#include <sys/stat.h>
#include <time.h>

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
        moons_run r = run_few(folder, REEL_START, 6, 2, 0);
        reel_trainer_set(NULL, r.trainer, "durable", 1);
        reel_trainer_set(NULL, r.trainer, "background", background);
        reel_trainer_state(r.trainer)->files = &ops;
        reel_status status = reel_trainer_run(NULL, r.trainer);
        ck_assert_int_eq(status, f.struck && kind != FAULT_SHORT ? REEL_IO : REEL_OK);
        if (status != REEL_OK) ck_assert_ptr_nonnull(strstr(reel_error_text(r.context), folder));
        reel_context_free(r.context);
        r = run_few(folder, REEL_AUTO, 6, 2, 0);
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
    moons_run r = run_few(good, REEL_START, 6, 2, 0);
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
    moons_run r = run_few(folder, REEL_START, 1000, 2, 0);
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
        moons_run r = run_few(folder, REEL_START, 5000, 0, 2);
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

int main(void)
{
    TCase *tests = tcase_create("saving");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_every_write_may_fail);
    tcase_add_test(tests, test_background_fault_names_the_file);
    tcase_add_test(tests, test_background_equals_blocking);
    tcase_add_test(tests, test_steady_loss);
    tcase_add_test(tests, test_slow_disk_drops_nothing);
    tcase_add_test(tests, test_saves_allocate_nothing);
    tcase_add_test(tests, test_long_log);
    tcase_add_test(tests, test_every_allocation_may_fail);
    return run_case(tests, "saving");
}
