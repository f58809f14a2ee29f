/* SPDX-License-Identifier: MIT
 *
 * `reel landscape` and `reel drill`, run as people run them, against the figures of the notebooks they come from.
 */
#include "json_file.h"
#include "spawn.h"

#include <cjson/cJSON.h>

static char folder[64];

static void make_folder(void)
{
    folder_fresh(folder);
}

static void drop_folder(void)
{
    folder_remove_deep(folder);
}

/* reel ARGUMENT... in the test's folder, with this exit status; the list ends with NULL. */
static void expect_reel(int status, const char *const *arguments)
{
    const char *argv[32] = {REEL};
    int count = 1;
    while (*arguments && count < 31) argv[count++] = *arguments++;
    int found = spawn_run(folder, argv, "out.txt", "err.txt");
    size_t size;
    char *text = slurp(folder, "err.txt", &size);
    ck_assert_msg(found == status, "exit status %d, expected %d: %s", found, status, text ? text : "");
    free(text);
}
#define REEL_RUN(status, ...) expect_reel(status, (const char *const[]){__VA_ARGS__, NULL})

static void expect_text(const char *name, const char *part)
{
    size_t size;
    char *text = slurp(folder, name, &size);
    ck_assert_msg(text && strstr(text, part), "%s lacks \"%s\": %s", name, part, text ? text : "");
    free(text);
}

static double entry(const cJSON *list, int i)
{
    const cJSON *item = cJSON_GetArrayItem(list, i);
    ck_assert_msg(cJSON_IsNumber(item), "entry %d is no number", i);
    return item->valuedouble;
}

static void expect_equal(const char *what, const cJSON *found, int from, const cJSON *expected, int skip, int count,
                         double tolerance)
{
    for (int i = 0; i < count; i++)
        ck_assert_msg(fabs(entry(found, from + i) - entry(expected, skip + i)) <= tolerance,
                      "%s[%d] is %.17g, expected %.17g", what, from + i, entry(found, from + i),
                      entry(expected, skip + i));
}

/* The one of a list of objects whose member `key` is this text. */
static const cJSON *row_of(const cJSON *list, const char *key, const char *text)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, list) if (strcmp(member(row, key)->valuestring, text) == 0) return row;
    ck_abort_msg("there is no row whose %s is %s", key, text);
    return NULL;
}

static bool holds(const cJSON *document, const char *claim)
{
    return cJSON_IsTrue(member(row_of(member(document, "claims"), "name", claim), "holds"));
}

static void expect_found(const cJSON *document, const char *claim, const char *part)
{
    const char *found = member(row_of(member(document, "claims"), "name", claim), "found")->valuestring;
    ck_assert_msg(strstr(found, part), "%s: \"%s\" lacks \"%s\"", claim, found, part);
}

/* Every line of a reference file stands in the text, in this order. `or_else` may stand for the line that begins alike. */
static void expect_lines(const char *text, const char *lines, const char *or_else)
{
    for (const char *at = lines; *at;) {
        char line[256], *found;
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "\n%.*s\n", (int)length, at);
        found = strstr(text, line);
        if (!found && or_else && strncmp(at, or_else + 1, 20) == 0) found = strstr(text, or_else);
        ck_assert_msg(found, "there is no line \"%.*s\" after the one before it", (int)length, at);
        text = found + 1;
        at += length + (at[length] == '\n');
    }
}

/* ---- the drill ---- */

START_TEST(drill_prints_what_the_notebook_prints)
{
    size_t sizes[2];
    REEL_RUN(0, "drill");
    char *found = slurp(folder, "out.txt", &sizes[0]), *expected = slurp(REFERENCE "/drill", "printed.out", &sizes[1]);
    ck_assert_ptr_nonnull(expected);
    ck_assert_uint_gt(sizes[0], sizes[1]);
    ck_assert_msg(strncmp(found, expected, sizes[1]) == 0, "%s", found);
    free(found);
    free(expected);
}
END_TEST

START_TEST(drill_finds_the_cause)
{
    REEL_RUN(0, "drill", "--json", "drill.json");
    cJSON *d = read_json(folder, "drill.json");
    const cJSON *bad = cJSON_GetArrayItem(member(d, "runs"), 0), *good = cJSON_GetArrayItem(member(d, "runs"), 1);
    ck_assert_double_eq(entry(member(bad, "loss"), 20), 5600301.572728552);
    ck_assert_double_eq(number(bad, "loss_infinite"), 1052);
    ck_assert_double_eq(number(bad, "x_infinite"), 2106);
    ck_assert_double_eq(number(bad, "x_nan"), 2107);
    ck_assert_double_eq(number(bad, "first_rise"), 1);
    ck_assert_double_eq(entry(member(good, "loss"), 50), 1.6296287810675901e-09);
    ck_assert_double_eq_tol(entry(member(good, "x"), 100), -2.85449539e-05, 1e-13);
    ck_assert(cJSON_IsNull(member(good, "loss_infinite")));
    ck_assert_double_eq_tol(number(d, "curvature"), 2, 1e-9);
    ck_assert_double_eq(number(d, "limit"), 1);
    static const struct {
        double rate;
        const char *what;
    } expected[] = {{0.001, "falls, without overshooting"},
                    {0.1, "falls, without overshooting"},
                    {0.49, "falls, without overshooting"},
                    {0.5, "lands on the minimum"},
                    {0.51, "falls, overshooting"},
                    {0.9, "falls, overshooting"},
                    {1, "neither falls nor grows"},
                    {1.1, "grows"},
                    {1.2, "grows"}};
    for (int i = 0; i < 9; i++) {
        const cJSON *row = cJSON_GetArrayItem(member(d, "around_the_limit"), i);
        ck_assert_double_eq_tol(number(row, "rate"), expected[i].rate, 1e-15);
        ck_assert_str_eq(member(row, "what")->valuestring, expected[i].what);
    }
    ck_assert_double_eq(number(cJSON_GetArrayItem(member(d, "around_the_limit"), 6), "loss"), 8);
    cJSON_Delete(d);
}
END_TEST

START_TEST(drill_tries_the_advice)
{
    REEL_RUN(0, "drill", "--json", "drill.json");
    cJSON *d = read_json(folder, "drill.json");
    const cJSON *list = member(d, "prevention");
    const cJSON *tenth = row_of(list, "advice", "a tenth of the rate once the loss has risen");
    ck_assert_double_eq(number(tenth, "acts_at"), 1);
    /* 15.68 after the rise, then times (1 - 0.24)^2 a step: below 8 at the third. */
    ck_assert_double_eq(number(tenth, "saved_at"), 3);
    ck_assert_double_eq_tol(number(tenth, "loss"), 15.68 * pow(0.76, 98), 1e-20);
    const cJSON *small = row_of(list, "advice", "start with the rate 0.001");
    ck_assert_double_eq_tol(number(small, "loss"), 8 * pow(0.998, 100), 1e-12);
    /* 1.2 0.9^t is below 1 from t = 2 on. */
    ck_assert_double_eq(number(row_of(list, "advice", "the schedule exponential:0.9"), "acts_at"), 2);
    const cJSON *warmup = row_of(list, "advice", "the schedule warmup:10");
    ck_assert(cJSON_IsNull(member(warmup, "saved_at")));
    const cJSON *monitor = row_of(list, "advice", "the trainer's monitor, and a tenth of the rate at its note");
    ck_assert_double_ge(number(monitor, "acts_at"), 5); /* it waits for five rises */
    ck_assert_double_gt(number(monitor, "saved_at"), number(monitor, "acts_at"));
    static const char *const wrong[] = {"infinity",  "below_one",    "overshoot", "small_rates",
                                        "schedules", "printed_zero", "clipped"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) ck_assert_msg(!holds(d, wrong[i]), "%s holds", wrong[i]);
    ck_assert(holds(d, "tenth"));
    expect_found(d, "infinity", "5600301.57");
    expect_found(d, "infinity", "infinite at step 1052, x at step 2106 and not a number at 2107");
    expect_found(d, "below_one", "it is 0.1, and the rate 0.5 then gives");
    expect_found(d, "below_one", "x keeps its size along the sharpest axis: the loss is 8 after");
    expect_found(d, "overshoot", "begins at half the limit, 0.5");
    expect_found(d, "small_rates", "6.549, 1.061 and 1.63e-09");
    expect_found(d, "clipped", "Of its first 10 points 7 are");
    expect_found(d, "clipped", "the first is step 3");
    cJSON_Delete(d);
}
END_TEST

/* Verdicts follow the runs: with curvature 2 and 0.2 and rates below the limit nothing of the accident is left. */
START_TEST(drill_of_another_quadratic)
{
    REEL_RUN(0, "drill", "--eigenvalues", "0.2,20", "--lr", "0.09", "--start", "1,1", "--steps", "300", "--json",
             "drill.json");
    cJSON *d = read_json(folder, "drill.json");
    ck_assert_double_eq_tol(number(d, "limit"), 0.1, 1e-9);
    ck_assert(!cJSON_IsTrue(member(cJSON_GetArrayItem(member(d, "runs"), 0), "diverges")));
    ck_assert(!holds(d, "small_rates")); /* 0.1 is the limit itself */
    expect_found(d, "below_one", "The limit is 2/lambda = 0.1 here");
    expect_found(d, "below_one", "x keeps its size"); /* while the loss falls along the flat axis */
    cJSON_Delete(d);
    /* Heavy ball: the limit is 2 (1 + m) / lambda, and the run at 1.2 with m 0.5 is within it. */
    REEL_RUN(0, "drill", "--momentum", "0.5", "--steps", "200", "--json", "drill.json");
    d = read_json(folder, "drill.json");
    ck_assert_double_eq_tol(number(d, "limit"), 1.5, 1e-9);
    ck_assert(!cJSON_IsTrue(member(cJSON_GetArrayItem(member(d, "runs"), 0), "diverges")));
    cJSON_Delete(d);
    /* Numbers overflow in a few steps: findings, no failure. */
    REEL_RUN(0, "drill", "--lr", "1e10", "--json", "drill.json");
    d = read_json(folder, "drill.json");
    const cJSON *monitor =
        row_of(member(d, "prevention"), "advice", "the trainer's monitor, and a tenth of the rate at its note");
    ck_assert(cJSON_IsNull(member(monitor, "saved_at")));
    cJSON_Delete(d);
    /* A saddle has no minimum to fall to. */
    REEL_RUN(0, "drill", "--eigenvalues", "1,-1,3", "--lr", "0.1", "--json", "drill.json");
    d = read_json(folder, "drill.json");
    ck_assert_double_eq_tol(number(d, "curvature"), 3, 1e-8);
    cJSON_Delete(d);
}
END_TEST

START_TEST(drill_as_an_exercise)
{
    size_t size;
    REEL_RUN(0, "drill", "--exercise", "--json", "drill.json");
    cJSON *d = read_json(folder, "drill.json");
    char *text = slurp(folder, "out.txt", &size);
    ck_assert_int_eq(cJSON_GetArraySize(member(d, "runs")), 1);
    static const char *const answers[] = {"limit", "claims", "prevention", "curvature"};
    for (int i = 0; i < 4; i++) ck_assert_ptr_null(cJSON_GetObjectItem(d, answers[i]));
    ck_assert_ptr_nonnull(strstr(text, "Step 4: 118.06"));
    ck_assert_ptr_null(strstr(text, "eigenvalue"));
    ck_assert_ptr_null(strstr(text, "0.1"));
    free(text);
    cJSON_Delete(d);
}
END_TEST

START_TEST(drill_refuses)
{
    REEL_RUN(2, "drill", "--lr", "1.2,x");
    expect_text("err.txt", "--lr: found \"x\"");
    REEL_RUN(2, "drill", "--start", "1,2,3");
    expect_text("err.txt", "--start: found 3 numbers, expected one for each of the 2 eigenvalues");
    REEL_RUN(2, "drill", "--optimizer", "adm");
    expect_text("err.txt", "did you mean adam");
    REEL_RUN(2, "drill", "--optimizer", "adam", "--momentum", "0.5");
    expect_text("err.txt", "--momentum: adam has none");
    REEL_RUN(2, "drill", "--lr", "1,1,1,1,1,1,1,1");
    expect_text("err.txt", "--lr: 7 numbers at most");
}
END_TEST

/* ---- the landscape ---- */

enum { UPDATES = 200, RATE_UPDATES = 100, PARAMETERS = 33, GRID = 50 };
static const char *const names[][2] = {{"sgd", "SGD"}, {"momentum", "SGD + Momentum"}, {"adam", "Adam"}};
static const char *const rates[] = {"LR=0.1", "LR=0.5", "LR=1.0", "LR=2.0"};

/* The reference lags by one update. */
static void expect_path(const char *name, const cJSON *found, const cJSON *expected, const cJSON *vectors, int updates)
{
    expect_equal(name, member(found, "loss"), 0, member(expected, "losses"), 1, updates, 1e-12);
    ck_assert_double_eq_tol(number(found, "final_loss"), number(expected, "loss_after_last_step"), 1e-12);
    ck_assert_double_eq_tol(entry(member(found, "loss"), updates), number(expected, "loss_after_last_step"), 1e-12);
    ck_assert_double_eq_tol(number(found, "path_length"), number(expected, "path_length"), 1e-10);
    ck_assert_double_eq_tol(number(found, "direct_distance"), number(expected, "direct_distance"), 1e-10);
    ck_assert_int_eq(cJSON_GetArraySize(member(found, "parameters")), updates + 1);
    for (int i = 0; i <= updates / 20; i++)
        expect_equal(name, cJSON_GetArrayItem(member(found, "parameters"), 20 * i), 0, cJSON_GetArrayItem(vectors, i),
                     0, PARAMETERS, 1e-12);
    expect_equal(name, cJSON_GetArrayItem(member(found, "parameters"), updates), 0, member(expected, "final_params"), 0,
                 PARAMETERS, 1e-12);
}

static void expect_scores(const char *name, const cJSON *found, const cJSON *expected)
{
    for (int i = 0; i < cJSON_GetArraySize(expected); i++)
        expect_equal(name, cJSON_GetArrayItem(found, 10 * i), 0, cJSON_GetArrayItem(expected, i), 0, 2, 1e-9);
}

static void expect_surface(const cJSON *document, const char *name)
{
    cJSON *reference = read_json(REFERENCE "/moons", "surface.json");
    const cJSON *found = member(document, "surface");
    expect_equal("a", member(found, "a"), 0, member(reference, "x_range"), 0, GRID, 1e-9);
    expect_equal("b", member(found, "b"), 0, member(reference, "y_range"), 0, GRID, 1e-9);
    for (int j = 0; j < GRID; j++)
        expect_equal(name, cJSON_GetArrayItem(member(found, "loss"), j), 0,
                     cJSON_GetArrayItem(member(reference, name), j), 0, GRID, 1e-9);
    cJSON_Delete(reference);
}

START_TEST(landscape_agrees_with_the_notebook)
{
    REEL_RUN(0, "landscape", "--precision", "double", "--quiet", "--json", "lab.json");
    cJSON *d = read_json(folder, "lab.json"), *runs = read_json(REFERENCE "/moons", "optimizers.json"),
          *slow = read_json(REFERENCE "/moons", "learning_rates.json"),
          *points = read_json(REFERENCE "/moons", "trajectories.json"),
          *pca = read_json(REFERENCE "/moons", "pca.json");
    for (int k = 0; k < 3; k++) {
        const cJSON *found = member(member(d, "runs"), names[k][0]);
        expect_path(names[k][0], found, member(member(runs, "runs"), names[k][1]),
                    member(member(points, "optimizers"), names[k][1]), UPDATES);
        expect_scores(names[k][0], member(found, "scores"), member(member(pca, "projected_optimizers"), names[k][1]));
    }
    for (int k = 0; k < 4; k++) {
        const cJSON *found = cJSON_GetArrayItem(member(d, "rates"), k);
        expect_path(rates[k], found, member(member(slow, "runs"), rates[k]),
                    member(member(points, "learning_rates"), rates[k]), RATE_UPDATES);
        expect_scores(rates[k], member(found, "scores"), member(member(pca, "projected_learning_rates"), rates[k]));
    }
    const cJSON *exact = member(pca, "exact_float64"), *found = member(d, "pca");
    for (int c = 0; c < 2; c++)
        expect_equal("components", cJSON_GetArrayItem(member(found, "components"), c), 0,
                     cJSON_GetArrayItem(member(exact, "components"), c), 0, PARAMETERS, 1e-9);
    expect_equal("share", member(found, "share"), 0, member(exact, "explained_variance_ratio"), 0, 2, 1e-12);
    ck_assert_str_eq(member(member(d, "surface"), "origin")->valuestring, "mean");
    expect_surface(d, "consistent_surface");
    cJSON_Delete(d);
    REEL_RUN(0, "landscape", "--precision", "double", "--quiet", "--notebook", "--json", "lab.json");
    d = read_json(folder, "lab.json");
    ck_assert_str_eq(member(member(d, "surface"), "origin")->valuestring, "end of adam");
    expect_surface(d, "surface");
    cJSON_Delete(d);
    cJSON_Delete(runs);
    cJSON_Delete(slow);
    cJSON_Delete(points);
    cJSON_Delete(pca);
}
END_TEST

START_TEST(landscape_prints_what_the_notebook_prints)
{
    size_t sizes[2];
    REEL_RUN(0, "landscape", "--precision", _i ? "double" : "float", "--quiet");
    char *found = slurp(folder, "out.txt", &sizes[0]), *expected = slurp(REFERENCE "/moons", "printed.out", &sizes[1]);
    ck_assert_ptr_nonnull(expected);
    expect_lines(found, expected, "\nLoss surface computed! Range: [0.046, 0.648]\n");
    free(found);
    free(expected);
}
END_TEST

START_TEST(landscape_corrects)
{
    REEL_RUN(0, "landscape", "--precision", "double", "--quiet", "--json", "lab.json");
    cJSON *d = read_json(folder, "lab.json");
    static const char *const right[] = {"same_start", "sgd_direct_but_slow", "momentum_overshoots", "rate_0.1",
                                        "rate_2"};
    static const char *const wrong[] = {"adam_best", "final_losses", "paths_on_surface", "rate_0.5", "rate_1"};
    for (int i = 0; i < 5; i++) {
        ck_assert_msg(holds(d, right[i]), "%s does not hold", right[i]);
        ck_assert_msg(!holds(d, wrong[i]), "%s holds", wrong[i]);
    }
    expect_found(d, "final_losses", "sgd 0.2627, not 0.2631; momentum 0.0286, not 0.0287; adam 0.2425, not 0.2426");
    expect_found(d, "adam_best", "that of momentum, 0.0286");
    expect_found(d, "rate_1", "falls in every update");
    expect_found(d, "rate_2", "rises in 19 updates");
    expect_found(d, "rate_2", "its lowest is 0.2234");
    expect_text("out.txt", "(-2.84, 4.71) apart");
    expect_text("out.txt", "start    0.720      0.485      ");
    cJSON_Delete(d);
    /* Of other runs the verdicts are others. */
    REEL_RUN(0, "landscape", "--quiet", "--optimizers", "sgd,adam", "--lr", "0.1,0.2", "--json", "lab.json");
    d = read_json(folder, "lab.json");
    ck_assert(holds(d, "adam_best"));
    ck_assert(!holds(d, "rate_0.2"));
    cJSON_Delete(d);
    REEL_RUN(0, "landscape", "--quiet", "--hidden", "3", "--seed", "1", "--epochs", "30", "--lr", "none", "--points",
             "5", "--json", "lab.json");
    d = read_json(folder, "lab.json");
    ck_assert_int_eq(cJSON_GetArraySize(member(member(d, "surface"), "a")), 5);
    ck_assert_int_eq(cJSON_GetArraySize(member(d, "rates")), 0);
    ck_assert_int_eq(cJSON_GetArraySize(member(member(member(d, "runs"), "sgd"), "loss")), 31);
    cJSON_Delete(d);
    /* A rate at which numbers overflow is a finding and no failure. */
    REEL_RUN(0, "landscape", "--quiet", "--epochs", "20", "--lr", "0.1,1e300", "--points", "4", "--json", "lab.json");
    d = read_json(folder, "lab.json");
    ck_assert(cJSON_IsTrue(member(cJSON_GetArrayItem(member(d, "rates"), 1), "diverges")));
    cJSON_Delete(d);
}
END_TEST

START_TEST(landscape_of_checkpoints)
{
    REEL_RUN(0, "train", "two-moons", "--quiet", "--compare", "--precision", "double", "--checkpoint-dir", "run",
             "--every", "20", "--keep", "all");
    REEL_RUN(0, "landscape", "--quiet", "--run", "run", "--points", "6", "--json", "run.json");
    cJSON *d = read_json(folder, "run.json"), *reference = read_json(REFERENCE "/moons", "optimizers.json");
    ck_assert_int_eq(cJSON_GetArraySize(member(d, "runs")), 3);
    for (int k = 0; k < 3; k++) {
        const cJSON *found = member(member(d, "runs"), names[k][0]),
                    *expected = member(member(reference, "runs"), names[k][1]);
        ck_assert_int_eq(cJSON_GetArraySize(member(found, "loss")), UPDATES / 20 + 1);
        for (int i = 0; i < UPDATES / 20; i++) {
            ck_assert_double_eq(entry(member(found, "step"), i), 20 * i);
            ck_assert_double_eq_tol(entry(member(found, "loss"), i), entry(member(expected, "losses"), 20 * i + 1),
                                    1e-12);
        }
        ck_assert_double_eq_tol(number(found, "final_loss"), number(expected, "loss_after_last_step"), 1e-12);
        ck_assert_double_eq_tol(number(found, "direct_distance"), number(expected, "direct_distance"), 1e-10);
    }
    cJSON_Delete(d);
    REEL_RUN(0, "landscape", "--quiet", "--run", "run/adam", "--from", "60", "--to", "140", "--points", "4", "--json",
             "run.json");
    d = read_json(folder, "run.json");
    const cJSON *steps = member(member(member(d, "runs"), "adam"), "step");
    ck_assert_int_eq(cJSON_GetArraySize(steps), 5);
    ck_assert_double_eq(entry(steps, 0), 60);
    ck_assert_double_eq(entry(steps, 4), 140);
    cJSON_Delete(d);
    cJSON_Delete(reference);
    REEL_RUN(1, "landscape", "--run", "run/adam", "--from", "60", "--to", "61");
    expect_text("err.txt", "found 1 checkpoints, expected three or more");
    REEL_RUN(1, "landscape", "--run", "nowhere");
    expect_text("err.txt", "nowhere: No such file or directory");
}
END_TEST

/* Whatever is in the table of models: here a loss of a program's own, in float. */
START_TEST(landscape_of_an_image)
{
    REEL_RUN(0, "fit", "test:baseline1:16x16", "--gaussians", "5", "--iterations", "40", "--every", "10", "--keep", "0",
             "--quiet", "--checkpoint-dir", "run", "--json", "fit.json");
    REEL_RUN(0, "landscape", "--quiet", "--run", "run", "--points", "4", "--json", "run.json");
    cJSON *fit = read_json(folder, "fit.json"), *d = read_json(folder, "run.json");
    const cJSON *path = member(member(d, "runs"), "run");
    ck_assert_int_eq(cJSON_GetArraySize(member(path, "loss")), 5);
    ck_assert_double_eq_tol(number(path, "final_loss"), number(fit, "final_loss"), 1e-8);
    cJSON_Delete(fit);
    cJSON_Delete(d);
}
END_TEST

START_TEST(landscape_of_a_table)
{
    REEL_RUN(0, "train", "--csv", TEST_FOLDER "/../datasets/iris.csv", "--target", "species", "--hidden", "4",
             "--epochs", "5", "--every", "5", "--keep", "all", "--quiet", "--checkpoint-dir", "run");
    REEL_RUN(0, "landscape", "--quiet", "--run", "run", "--points", "4", "--json", "run.json");
    cJSON *d = read_json(folder, "run.json");
    const cJSON *losses = member(member(member(d, "runs"), "run"), "loss");
    ck_assert_int_ge(cJSON_GetArraySize(losses), 3);
    ck_assert_double_lt(entry(losses, cJSON_GetArraySize(losses) - 1), entry(losses, 0));
    cJSON_Delete(d);
}
END_TEST

START_TEST(landscape_of_random_directions)
{
    REEL_RUN(0, "train", "two-moons", "--quiet", "--epochs", "60", "--checkpoint-dir", "run", "--every", "20", "--keep",
             "all");
    cJSON *d[3];
    static const char *const seeds[] = {"7", "7", "8"};
    for (int i = 0; i < 3; i++) {
        REEL_RUN(0, "landscape", "--quiet", "--run", "run", "--random", "--at", "45", "--seed", seeds[i], "--points",
                 "5", "--span", "0.5", "--json", "random.json");
        d[i] = read_json(folder, "random.json");
        ck_assert_double_eq(number(d[i], "step"), 40);
        const cJSON *middle = cJSON_GetArrayItem(member(member(d[i], "surface"), "loss"), 2);
        ck_assert_double_eq_tol(entry(middle, 2), number(d[i], "loss"), 1e-12);
        ck_assert_double_eq(entry(member(member(d[i], "surface"), "a"), 0), -0.5);
    }
    ck_assert(cJSON_Compare(member(d[0], "surface"), member(d[1], "surface"), true));
    ck_assert(!cJSON_Compare(member(d[0], "surface"), member(d[2], "surface"), true));
    for (int i = 0; i < 3; i++) cJSON_Delete(d[i]);
    REEL_RUN(2, "landscape", "--random");
    expect_text("err.txt", "--random needs --run");
    REEL_RUN(2, "landscape", "--notebook", "--run", "run");
    REEL_RUN(2, "landscape", "--optimizers", "sgd,sgd");
    expect_text("err.txt", "sgd is there twice");
    REEL_RUN(2, "landscape", "--hidden", "x");
    expect_text("err.txt", "--hidden");
}
END_TEST

/* ---- pictures, program ---- */

static void expect_picture(const char *out, const char *name)
{
    static const char png[] = "\x89PNG";
    char file[96];
    size_t size;
    snprintf(file, sizeof file, "%s/%s.gp", out, name);
    char *script = slurp(folder, file, &size);
    ck_assert_msg(script && size > 500, "%s is missing", file);
    free(script);
    if (access("/usr/bin/gnuplot", X_OK) != 0) return;
    snprintf(file, sizeof file, "%s/%s.png", out, name);
    char *picture = slurp(folder, file, &size);
    ck_assert_msg(picture && size > 5000 && memcmp(picture, png, 4) == 0, "%s is no picture", file);
    free(picture);
    snprintf(file, sizeof file, "%s/%s.svg", out, name);
    picture = slurp(folder, file, &size);
    ck_assert_msg(picture && strstr(picture, "</svg>"), "%s is no picture", file);
    free(picture);
}

START_TEST(pictures)
{
    REEL_RUN(0, "landscape", "--quiet", "--svg", "--points", "20", "--epochs", "20", "--lr-epochs", "10", "--out",
             "it's");
    expect_picture("it's", "landscape");
    expect_picture("it's", "relief");
    expect_picture("it's", "rates");
    cJSON_Delete(read_json(folder, "it's/landscape.json"));
    REEL_RUN(0, "drill", "--svg", "--out", "drill");
    expect_picture("drill", "drill");
    cJSON_Delete(read_json(folder, "drill/drill.json"));
    REEL_RUN(0, "drill", "--svg", "--eigenvalues", "3", "--lr", "0.7,0.3", "--out", "one");
    expect_picture("one", "drill");
    REEL_RUN(0, "train", "two-moons", "--quiet", "--epochs", "40", "--checkpoint-dir", "a 'b' $c", "--every", "10",
             "--keep", "all");
    REEL_RUN(0, "landscape", "--quiet", "--svg", "--points", "20", "--run", "a 'b' $c", "--out", "run");
    expect_picture("run", "landscape");
    REEL_RUN(0, "landscape", "--quiet", "--svg", "--points", "20", "--run", "a 'b' $c", "--random", "--out", "random");
    expect_picture("random", "random");
    expect_picture("random", "random-relief");
}
END_TEST

START_TEST(program)
{
    ck_assert_int_eq(spawn_run(folder, (const char *const[]){PROGRAMS "/landscape", NULL}, "out.txt", "err.txt"), 0);
    expect_text("out.txt", "length 11.96, distance 7.22, efficiency 60.4 %\n");
    expect_text("out.txt", "the plane holds 96.3 % of the variance\n");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("lab");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(tests, make_folder, drop_folder);
    tcase_add_test(tests, drill_prints_what_the_notebook_prints);
    tcase_add_test(tests, drill_finds_the_cause);
    tcase_add_test(tests, drill_tries_the_advice);
    tcase_add_test(tests, drill_of_another_quadratic);
    tcase_add_test(tests, drill_as_an_exercise);
    tcase_add_test(tests, drill_refuses);
    tcase_add_test(tests, landscape_agrees_with_the_notebook);
    tcase_add_loop_test(tests, landscape_prints_what_the_notebook_prints, 0, 2);
    tcase_add_test(tests, landscape_corrects);
    tcase_add_test(tests, landscape_of_checkpoints);
    tcase_add_test(tests, landscape_of_an_image);
    tcase_add_test(tests, landscape_of_a_table);
    tcase_add_test(tests, landscape_of_random_directions);
    tcase_add_test(tests, pictures);
    tcase_add_test(tests, program);
    return run_case(tests, "lab");
}
