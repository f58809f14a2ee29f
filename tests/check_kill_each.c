/* SPDX-License-Identifier: MIT
 *
 * Kill -9 for every optimizer, schedule and averager: a run in a process of its own is killed half-way, within a step that
 * is drawn from the case's seed, and goes on in another process with another number of threads. Log, hashes of every step
 * and the last checkpoints are, byte for byte, those of a run that was left alone.
 *
 * Also drawn: batches an update (so that the kill may come within one), patience, validation data, monitor, the type of the
 * numbers, steps between checkpoints, and whether these are written in the background, so that the kill meets a file that
 * is being written. CASE in the environment runs that one alone.
 */
#include "full_run.h"
#include "spawn.h"

#include <inttypes.h>

typedef struct kill_case {
    const reel_optimizer_type *optimizer;
    const reel_schedule_type *schedule;
    const reel_average_type *average; /* or NULL */
    bool wide, background, validate;
    int accumulate, patience, monitor, every;
    int64_t kill_at; /* batch, counted from 1; 0: none */
} kill_case;

static int64_t batches_seen, kill_at_batch;

/* The kill comes while a step is recorded: whatever the writer is doing then. */
static reel_value deadly_loss(const reel_batch *batch, void *user)
{
    if (batch->tape && ++batches_seen == kill_at_batch) raise(SIGKILL);
    return normalised_loss(batch, user);
}

static int drawn(reel_rng *rng, int least, int most)
{
    return least + (int)(reel_rng_uniform_one(rng) * (most - least + 1));
}

/* What the case's number says of it. */
static void draw(kill_case *c, int number)
{
    reel_rng *rng = reel_rng_philox_new(NULL, context, (uint64_t)number, "kill");
    c->wide = drawn(rng, 0, 1);
    c->background = drawn(rng, 0, 3) > 0;
    c->validate = drawn(rng, 0, 1);
    c->accumulate = drawn(rng, 1, 3);
    c->patience = drawn(rng, 0, 1) ? 2 : 0;
    c->monitor = drawn(rng, 0, 2);
    c->every = drawn(rng, 1, 3);
    c->kill_at = drawn(rng, 2, FULL_STEPS); /* 12 batches, whatever makes an update */
    reel_rng_free(rng);
}

/* The whole run in this process; returns the exit status. */
static int train_in(const kill_case *c, const char *folder, int threads, int64_t kill_at)
{
    full_run f;
    file_ops files = file_system;
    files.sync = no_sync;
    if (!full_new(&f, c->optimizer, c->schedule, c->average, c->wide, threads)) return 77;
    reel_trainer *t = f.run.trainer;
    t->loss_function = deadly_loss;
    batches_seen = 0;
    kill_at_batch = kill_at;
    const struct {
        const char *name;
        double value;
    } settings[] = {{"accumulate", c->accumulate}, {"patience", c->patience},
                    {"monitor", c->monitor},       {"checkpoint_every", c->every},
                    {"background", c->background}, {"hashes", 1},
                    {"save_gradient", 1}};
    if (c->patience) { /* no epoch improves enough: the run ends after the third, as the others do */
        reel_trainer_set(NULL, t, "epochs", FULL_EPOCHS + 2);
        reel_trainer_set(NULL, t, "min_delta", 10);
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        reel_trainer_set(NULL, t, settings[i].name, settings[i].value);
    if (c->validate)
        reel_trainer_set_validation(
            NULL, t, reel_moons_new(NULL, f.run.context, 20, 0.3, reel_rng_numpy_new(NULL, f.run.context, 8)));
    reel_trainer_state(t)->files = &files;
    reel_trainer_set_folder(NULL, t, folder, REEL_AUTO);
    reel_status status = reel_trainer_run(NULL, t);
    if (status != REEL_OK) fprintf(stderr, "%s\n", reel_error_text(f.run.context));
    reel_context_free(f.run.context);
    return status == REEL_OK ? 0 : 1;
}

/* The same in a process of its own. */
static int train_apart(const kill_case *c, const char *folder, int threads, int64_t kill_at)
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) _exit(train_in(c, folder, threads, kill_at));
    return spawn_end(child);
}

/* From "state" on, without what the fingerprint says of threads and the hash of the text. */
static char *state_text(const char *folder, const char *name, size_t *size)
{
    char *text = slurp(folder, name, size);
    if (!text || !strstr(name, ".json") || strstr(name, ".jsonl")) return text;
    char *from = strstr(text, "\"state\":"), *to = strstr(text, "\"hash\": \"");
    ck_assert_msg(from && to, "%s/%s", folder, name);
    *size = 0;
    for (char *last = NULL; (last = strstr(to + 1, "\"hash\": \"")) != NULL;) to = last;
    *size = (size_t)(to - from);
    memmove(text, from, *size);
    text[*size] = '\0';
    return text;
}

static bool is_checked(const char *name)
{
    return strncmp(name, "step-", 5) == 0 || strcmp(name, "log.jsonl") == 0 || strcmp(name, "hashes.jsonl") == 0 ||
           strcmp(name, "monitor.jsonl") == 0;
}

/* Every such file of one folder is in the other. Returns how many. */
static int same_files(const char *from, const char *other, const char *what)
{
    int count = 0;
    DIR *dir = opendir(from);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        size_t sizes[2];
        if (!is_checked(e->d_name)) continue;
        char *a = state_text(from, e->d_name, &sizes[0]), *b = state_text(other, e->d_name, &sizes[1]);
        ck_assert_msg(a && b && sizes[0] == sizes[1] && memcmp(a, b, sizes[0]) == 0, "%s: %s differs", what, e->d_name);
        free(a);
        free(b);
        count++;
    }
    closedir(dir);
    return count;
}

/* The newest step in the folder. */
static int64_t newest(const char *folder)
{
    int64_t step = -1, one;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (sscanf(e->d_name, "step-%" SCNd64, &one) == 1 && one > step) step = one;
    if (dir) closedir(dir);
    return step;
}

static char base[64];

static void make_base(void)
{
    snprintf(base, sizeof base,
             "/dev/shm/reel-test-XXXXXX"); /* thousands of small files, where there is such a place */
    if (!mkdtemp(base)) folder_fresh(base);
}

static void drop_base(void)
{
    folder_remove_deep(base);
}

/* False: schedule and optimizer do not go together. */
static bool killed_equals_whole(kill_case *c, int number, int *within, int *steps_lost)
{
    char whole[80], parts[80], what[256];
    draw(c, number);
    snprintf(what, sizeof what, "case %d (%s, %s, %s, %d batches an update), killed in batch %lld", number,
             c->optimizer->name, c->schedule->name, c->average ? c->average->name : "no average", c->accumulate,
             (long long)c->kill_at);
    snprintf(whole, sizeof whole, "%s/whole", base);
    snprintf(parts, sizeof parts, "%s/parts", base);
    int status = train_apart(c, whole, 1, 0);
    if (status == 77) return false;
    ck_assert_msg(status == 0, "%s: the whole run has status %d", what, status);
    status = train_apart(c, parts, 2, c->kill_at);
    bool ended = status == 0; /* patience has ended it before */
    ck_assert_msg(ended || status == 1000 + SIGKILL, "%s: status %d", what, status);
    int64_t reached = newest(parts);
    ck_assert_int_ge(reached, 0);
    *within += !ended && (c->kill_at - 1) % c->accumulate != 0;
    *steps_lost += !ended && reached < (c->kill_at - 1) / c->accumulate;
    status = train_apart(c, parts, 3, 0);
    ck_assert_msg(status == 0, "%s: the resumed run has status %d", what, status);
    int count = same_files(whole, parts, what);
    ck_assert_int_ge(count, 4);
    ck_assert_int_eq(same_files(parts, whole, what), count);
    folder_remove_deep(whole);
    folder_remove_deep(parts);
    return true;
}

START_TEST(killed_half_way)
{
    kill_case c;
    const char *only = getenv("CASE");
    int number = 0, made = 0, unfit = 0, within = 0, lost = 0;
    for (int i = 0; (c.optimizer = reel_optimizer_at(i)) != NULL; i++)
        for (int j = 0; (c.schedule = reel_schedule_at(j)) != NULL; j++)
            for (int k = 0; k == 0 || reel_average_at(k - 1); k++) {
                c.average = k ? reel_average_at(k - 1) : NULL;
                number++;
                if (only && atoi(only) != number) continue;
                bool fits = killed_equals_whole(&c, number, &within, &lost);
                made += fits;
                unfit += !fits;
            }
    printf("%d runs killed and resumed, %d of them within an update, %d with steps since the newest checkpoint\n", made,
           within, lost);
    if (only) return;
    ck_assert_int_ge(made, 11 * 14 * 3 - 3 * 3 * 3);
    ck_assert_int_le(unfit, 3 * 3 * 3);
    ck_assert_int_gt(within, made / 10);
    ck_assert_int_gt(lost, made / 10);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("kill_each");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(tests, make_base, drop_base);
    tcase_add_test(tests, killed_half_way);
    return run_case(tests, "kill_each");
}
