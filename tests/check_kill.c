/* SPDX-License-Identifier: MIT
 *
 * Kill -9 at random moments of a run that saves after every update: each time the newest whole checkpoint resumes, and
 * the last checkpoint and the log are, byte for byte, those of a run that was left alone.
 */
#include "spawn.h"

enum { KILLS = 200, MOST = 2000 };

static char folder[64];

static void make_folder(void)
{
    folder_fresh(folder);
}

static void drop_folder(void)
{
    folder_remove_deep(folder);
}

static pid_t start(const char *run)
{
    const char *const argv[] = {REEL,       "train",      "two-moons", "--quiet", "--optimizer",
                                "adam",     "--schedule", "cosine",    "--batch", "64",
                                "--epochs", "40",         "--every",   "1",       "--checkpoint-dir",
                                run,        "--resume",   "auto",      NULL};
    return spawn(folder, argv, NULL, "err.txt");
}

static void expect_done(int status, int kill_number)
{
    size_t size;
    char *text = slurp(folder, "err.txt", &size);
    ck_assert_msg(status == 0, "kill %d: the resume has exit status %d: %s", kill_number, status, text ? text : "");
    free(text);
}

static void expect_equal(int kill_number)
{
    static const char *const names[] = {"log.jsonl", "step-000000160.json", "step-000000159.json"};
    char whole[128], run[128];
    snprintf(whole, sizeof whole, "%s/whole", folder);
    snprintf(run, sizeof run, "%s/run", folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t sizes[2];
        char *a = slurp(whole, names[i], &sizes[0]), *b = slurp(run, names[i], &sizes[1]);
        ck_assert_msg(a && b && sizes[0] == sizes[1] && memcmp(a, b, sizes[0]) == 0, "kill %d: %s differs", kill_number,
                      names[i]);
        free(a);
        free(b);
    }
}

/* Did the killed process leave a run behind that had begun and not ended? */
static bool left_halfway(void)
{
    char path[128];
    bool begun = false, ended = false;
    snprintf(path, sizeof path, "%s/run", folder);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        begun |= strncmp(e->d_name, "step-", 5) == 0;
        ended |= strcmp(e->d_name, "step-000000160.json") == 0;
    }
    if (dir) closedir(dir);
    return begun && !ended;
}

/* One run, killed after a random part of the time that a whole run takes; every third one a second time while it
 * resumes. Returns whether it was hit halfway. */
static bool kill_once(int number, double whole, reel_rng *rng)
{
    char path[128];
    snprintf(path, sizeof path, "%s/run", folder);
    folder_remove_deep(path);
    bool halfway = false;
    for (int part = 0; part < (number % 3 == 0 ? 2 : 1); part++) {
        pid_t child = start("run");
        sleep_seconds(whole * reel_rng_uniform_one(rng));
        kill(child, SIGKILL);
        int status = spawn_end(child);
        ck_assert_msg(status == 1000 + SIGKILL || status == 0, "kill %d: exit status %d", number, status);
        halfway |= left_halfway();
    }
    expect_done(spawn_end(start("run")), number);
    expect_equal(number);
    return halfway;
}

START_TEST(killed_at_any_moment)
{
    reel_rng *rng = reel_rng_philox_new(NULL, context, 1, "kill");
    double began = seconds();
    expect_done(spawn_end(start("whole")), 0);
    double whole = seconds() - began;
    int halfway = 0, number = 0;
    while (halfway < KILLS && number < MOST) {
        began = seconds();
        halfway += kill_once(++number, whole, rng);
    }
    printf("%d kills, %d of them halfway through a run of %.1f ms\n", number, halfway, 1e3 * whole);
    ck_assert_msg(halfway == KILLS, "only %d of %d kills came halfway", halfway, number);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("kill");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(tests, make_folder, drop_folder);
    tcase_add_test(tests, killed_at_any_moment);
    return run_case(tests, "kill");
}
