/* SPDX-License-Identifier: MIT
 *
 * Two moons against PyTorch's figures: the library alone, the command, the programs of models/; a run that was stopped
 * against one that was not.
 */
#include "json_file.h"
#include "spawn.h"

/* ---- the reference ---- */

enum { UPDATES = 200, PARAMETERS = 33 };

typedef struct figures {
    double loss[UPDATES + 1]; /* loss[e]: after e updates */
    double parameters[PARAMETERS];
    double accuracy;
} figures;

static void numbers(const cJSON *object, const char *name, int skip, int count, double *out)
{
    const cJSON *list = cJSON_GetObjectItem(object, name);
    ck_assert_msg(cJSON_GetArraySize(list) == skip + count, "%s has %d entries, expected %d", name,
                  cJSON_GetArraySize(list), skip + count);
    for (int i = 0; i < count; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, skip + i);
        ck_assert_msg(cJSON_IsNumber(item), "%s[%d] is no number", name, skip + i);
        out[i] = item->valuedouble;
    }
}

/* The reference lags by one update: losses[e] is the loss at the start of epoch e, and losses[0] is there twice. */
static figures expected_of(const char *run)
{
    figures f;
    cJSON *document = read_json(REFERENCE "/moons", "optimizers.json");
    const cJSON *found = cJSON_GetObjectItem(cJSON_GetObjectItem(document, "runs"), run);
    numbers(found, "losses", 1, UPDATES, f.loss);
    f.loss[UPDATES] = number(found, "loss_after_last_step");
    numbers(found, "final_params", 0, PARAMETERS, f.parameters);
    f.accuracy = number(found, "accuracy_after_last_step");
    cJSON_Delete(document);
    return f;
}

/* One of the runs: tolerances of loss and parameters in double and in float. In float Adam forks: at epoch 154 the side
 * of a kink on which a sample falls depends on rounding, which moves parameters by up to 1e-2 and losses by 1.6e-5. */
typedef struct moons_case {
    const char *name, *run, *kind;
    double lr, momentum;
    double tolerance[2][2]; /* float, double; loss, parameters */
} moons_case;

static const moons_case cases[] = {
    {"sgd", "SGD", "sgd", 0.5, 0, {{3e-6, 3e-6}, {1e-12, 1e-12}}},
    {"momentum", "SGD + Momentum", "sgd", 0.5, 0.9, {{3e-6, 3e-6}, {1e-12, 1e-12}}},
    {"adam", "Adam", "adam", 0.05, 0, {{2e-5, 1.5e-2}, {1e-12, 1e-12}}},
};
enum { CASES = sizeof cases / sizeof *cases };

static void compare(const moons_case *c, bool in_double, const char *where, const figures *found)
{
    figures f = expected_of(c->run);
    const double *tolerance = c->tolerance[in_double];
    for (int e = 0; e <= UPDATES; e++)
        ck_assert_msg(fabs(found->loss[e] - f.loss[e]) <= tolerance[0],
                      "%s, %s, %s: loss after %d updates is %.17g, expected %.17g", where, c->name,
                      in_double ? "double" : "float", e, found->loss[e], f.loss[e]);
    for (int i = 0; i < PARAMETERS; i++)
        ck_assert_msg(fabs(found->parameters[i] - f.parameters[i]) <= tolerance[1],
                      "%s, %s, %s: parameter %d is %.17g, expected %.17g", where, c->name,
                      in_double ? "double" : "float", i, found->parameters[i], f.parameters[i]);
    ck_assert_double_eq(found->accuracy, f.accuracy);
}

/* ---- the library alone ---- */

static figures train(const moons_case *c, reel_dtype dtype)
{
    figures f;
    const int sizes[] = {2, 8, 1};
    reel_dataset *moons = reel_moons_new(NULL, context, 200, 0.15, reel_rng_numpy_new(NULL, context, 42));
    reel_params *drawn = reel_params_new(NULL, context, REEL_FLOAT), *params = reel_params_new(NULL, context, dtype);
    reel_mlp_new(NULL, drawn, "net", 3, sizes, "relu", reel_rng_torch_new(NULL, context, 42));
    reel_module *net = reel_mlp_new(NULL, params, "net", 3, sizes, "relu", NULL);
    reel_params_copy(NULL, params, drawn);
    reel_optimizer *optimizer = reel_optimizer_new(NULL, params, reel_optimizer_find(c->kind));
    reel_optimizer_set(NULL, optimizer, "lr", c->lr);
    if (c->momentum > 0) reel_optimizer_set(NULL, optimizer, "momentum", c->momentum);
    reel_tape *tape = reel_tape_new(NULL, context, dtype);
    for (int e = 0; e <= UPDATES; e++) {
        reel_tape_rewind(tape);
        reel_value logits = reel_forward(NULL, net, reel_input(NULL, tape, moons->x));
        reel_value loss = reel_bce_with_logits(NULL, logits, reel_input(NULL, tape, moons->y));
        f.loss[e] = reel_item(NULL, loss);
        if (e < UPDATES) {
            reel_backward(NULL, loss);
            reel_optimizer_step(NULL, optimizer);
            continue;
        }
        int right = 0;
        for (int i = 0; i < 200; i++) right += (at(reel_data(logits), i) > 0) == (reel_array_get(moons->y, i) > 0.5);
        f.accuracy = right / 200.0;
    }
    ck_assert_int_eq(reel_params_size(params), PARAMETERS);
    for (int i = 0; i < PARAMETERS; i++) f.parameters[i] = at(reel_params_flat(params), i);
    expect_fine();
    return f;
}

START_TEST(library_agrees_with_pytorch)
{
    const moons_case *c = &cases[_i / 2];
    bool in_double = _i % 2;
    figures found = train(c, in_double ? REEL_DOUBLE : REEL_FLOAT);
    compare(c, in_double, "library", &found);
}
END_TEST

/* ---- the command ---- */

static char folder[64];

static void make_folder(void)
{
    folder_fresh(folder);
}

static void drop_folder(void)
{
    folder_remove_deep(folder);
}

/* reel train two-moons --quiet ARGUMENT... in the test's folder; the list ends with NULL. */
static pid_t start_reel(const char *const *arguments)
{
    const char *argv[32] = {REEL, "train", "two-moons", "--quiet"};
    int count = 4;
    while (*arguments && count < 31) argv[count++] = *arguments++;
    return spawn(folder, argv, "out.txt", "err.txt");
}

static void expect_reel(int status, const char *const *arguments)
{
    int found = spawn_end(start_reel(arguments));
    size_t size;
    char *text = slurp(folder, "err.txt", &size);
    ck_assert_msg(found == status, "exit status %d, expected %d: %s", found, status, text ? text : "");
    free(text);
}

static figures figures_of(const char *name)
{
    figures f;
    cJSON *document = read_json(folder, name);
    numbers(document, "loss", 0, UPDATES + 1, f.loss);
    numbers(document, "parameters", 0, PARAMETERS, f.parameters);
    f.accuracy = number(document, "accuracy");
    cJSON_Delete(document);
    return f;
}

START_TEST(command_agrees_with_pytorch)
{
    const moons_case *c = &cases[_i / 2];
    bool in_double = _i % 2;
    expect_reel(0, (const char *const[]){"--optimizer", c->name, "--precision", in_double ? "double" : "float",
                                         "--json", "run.json", NULL});
    figures found = figures_of("run.json");
    compare(c, in_double, "command", &found);
}
END_TEST

START_TEST(compare_trains_all_three)
{
    expect_reel(0, (const char *const[]){"--compare", "--precision", "double", "--out", "out", NULL});
    cJSON *document = read_json(folder, "out/two-moons.json");
    const cJSON *runs = cJSON_GetObjectItem(document, "runs");
    ck_assert_int_eq(cJSON_GetArraySize(runs), CASES);
    for (int i = 0; i < CASES; i++) {
        figures f;
        char path[64];
        const cJSON *run = cJSON_GetObjectItem(runs, cases[i].name);
        numbers(run, "loss", 0, UPDATES + 1, f.loss);
        numbers(run, "parameters", 0, PARAMETERS, f.parameters);
        f.accuracy = number(run, "accuracy");
        compare(&cases[i], true, "comparison", &f);
        snprintf(path, sizeof path, "out/checkpoints/%s/step-000000200.json", cases[i].name);
        cJSON_Delete(read_json(folder, path));
    }
    cJSON_Delete(document);
}
END_TEST

/* Stops a run with a signal and resumes it: numbers and log are those of the run that was left alone. */
static void stop_and_resume(int number_of_signal, const char *const *more)
{
    const char *arguments[24] = {"--optimizer", "adam", "--schedule", "warmup:10,cosine",
                                 "--batch",     "64",   "--every",    "50"};
    int count = 8;
    while (*more) arguments[count++] = *more++;
    const char *const tails[2][7] = {{"--checkpoint-dir", "whole", "--json", "whole.json", NULL},
                                     {"--checkpoint-dir", "parts", "--json", "parts.json", "--resume", "auto", NULL}};
    for (int i = 0; i < 5; i++) arguments[count + i] = tails[0][i];
    expect_reel(0, arguments);
    for (int i = 0; i < 7; i++) arguments[count + i] = tails[1][i];
    char begun[128];
    snprintf(begun, sizeof begun, "%s/parts/times.jsonl", folder);
    int stops = 0, status;
    do {
        pid_t child = start_reel(arguments);
        for (int i = 0; i < 10000 && access(begun, F_OK) != 0; i++) sleep_seconds(0.001);
        /* Each try runs longer, so that it ends however slowly the program starts. */
        sleep_seconds(0.004 * pow(1.5, stops));
        kill(child, number_of_signal);
        status = spawn_end(child);
        ck_assert_msg(status == 0 || status == 128 + number_of_signal ||
                          (stops > 0 && status == 1000 + number_of_signal),
                      "exit status %d", status);
        stops += status != 0;
    } while (status != 0);
    ck_assert_int_ge(stops, 1);
    char a[128], b[128];
    snprintf(a, sizeof a, "%s/whole", folder);
    snprintf(b, sizeof b, "%s/parts", folder);
    expect_same_file(a, b, "log.jsonl");
    size_t sizes[2];
    char *whole = slurp(folder, "whole.json", &sizes[0]), *parts = slurp(folder, "parts.json", &sizes[1]);
    ck_assert_msg(whole && parts && strcmp(whole, parts) == 0, "the numbers differ after %d stops", stops);
    free(whole);
    free(parts);
}

START_TEST(stopped_and_resumed)
{
    stop_and_resume(SIGTERM, (const char *const[]){"--epochs", "1500", NULL});
}
END_TEST

START_TEST(stopped_and_resumed_in_double)
{
    stop_and_resume(SIGINT,
                    (const char *const[]){"--epochs", "1500", "--precision", "double", "--clip-norm", "0.1", NULL});
}
END_TEST

/* Is a signal sent to the process not delivered yet (proc(5))? It waits while the process flushes a file. */
static bool is_pending(pid_t child, int number)
{
    char path[64], line[256];
    unsigned long long mask, both = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)child);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "SigPnd: %llx", &mask) == 1 || sscanf(line, "ShdPnd: %llx", &mask) == 1) both |= mask;
    if (file) fclose(file);
    return both >> (number - 1) & 1;
}

START_TEST(second_signal_stops_at_once)
{
    /* Whatever the first signal finds it at, an update or a save of 16 million parameters, it is not done at once. */
    pid_t child = start_reel((const char *const[]){"--hidden", "4000,4000", "--samples", "1000", "--epochs", "1000000",
                                                   "--checkpoint-dir", "run", NULL});
    char first[128];
    snprintf(first, sizeof first, "%s/run/times.jsonl", folder);
    for (int i = 0; i < 60000 && access(first, F_OK) != 0; i++) sleep_seconds(0.001);
    kill(child, SIGINT);
    for (int i = 0; i < 60000 && is_pending(child, SIGINT); i++) sleep_seconds(0.001);
    kill(child, SIGTERM);
    ck_assert_int_eq(spawn_end(child), 128 + SIGTERM);
}
END_TEST

START_TEST(saved_on_request)
{
    pid_t child = start_reel((const char *const[]){"--epochs", "100000000", "--checkpoint-dir", "run", "--every",
                                                   "100000000", "--keep", "all", NULL});
    char path[128];
    int saved = 0;
    snprintf(path, sizeof path, "%s/run", folder);
    for (int i = 0; i < 10000 && saved < 3; i++) {
        sleep_seconds(0.002);
        if (i % 10 == 0 && saved > 0) kill(child, SIGUSR1);
        saved = 0;
        DIR *dir = opendir(path);
        for (struct dirent *e; dir && (e = readdir(dir));) saved += strncmp(e->d_name, "step-", 5) == 0;
        if (dir) closedir(dir);
    }
    kill(child, SIGTERM);
    ck_assert_int_eq(spawn_end(child), 128 + SIGTERM);
    ck_assert_int_ge(saved, 3);
}
END_TEST

/* A resume from a file takes the losses before it from the log beside it; without one they are null. */
START_TEST(resumed_from_a_file)
{
    expect_reel(0, (const char *const[]){"--checkpoint-dir", "a", "--keep", "all", "--json", "whole.json", NULL});
    expect_reel(0, (const char *const[]){"--resume", "a/step-000000060.json", "--json", "parts.json", NULL});
    size_t sizes[2];
    char *whole = slurp(folder, "whole.json", &sizes[0]), *parts = slurp(folder, "parts.json", &sizes[1]);
    ck_assert_str_eq(whole, parts);
    free(whole);
    free(parts);
    char log[128];
    snprintf(log, sizeof log, "%s/a/log.jsonl", folder);
    ck_assert_int_eq(unlink(log), 0);
    expect_reel(0, (const char *const[]){"--resume", "a/step-000000060.json", "--json", "parts.json", NULL});
    cJSON *document = read_json(folder, "parts.json");
    const cJSON *loss = cJSON_GetObjectItem(document, "loss");
    ck_assert_int_eq(cJSON_GetArraySize(loss), UPDATES + 1);
    ck_assert(cJSON_IsNull(cJSON_GetArrayItem(loss, 59)));
    ck_assert(cJSON_IsNumber(cJSON_GetArrayItem(loss, 60)));
    cJSON_Delete(document);
}
END_TEST

/* ---- the programs ---- */

/* The number after the last "loss " of what a program printed. */
static double last_loss(const char *name)
{
    size_t size;
    char *text = slurp(folder, name, &size), *found = NULL;
    for (char *next = text; next && (next = strstr(next, "loss ")); next++) found = next;
    double loss = found ? strtod(found + 5, NULL) : NAN;
    free(text);
    return loss;
}

START_TEST(program_trains)
{
    ck_assert_int_eq(spawn_run(folder, (const char *const[]){PROGRAMS "/two_moons", NULL}, "out.txt", "err.txt"), 0);
    figures f = expected_of("Adam");
    /* Six decimals, and Adam's fork in float. */
    ck_assert_double_eq_tol(last_loss("out.txt"), f.loss[UPDATES], 2.1e-5);
}
END_TEST

START_TEST(program_resumes)
{
    const char *const whole[] = {PROGRAMS "/two_moons_resume", "--checkpoint-dir", "whole", "--resume", NULL};
    const char *const parts[] = {PROGRAMS "/two_moons_resume", "--checkpoint-dir", "parts", "--resume", NULL};
    ck_assert_int_eq(spawn_run(folder, whole, "whole.txt", "err.txt"), 0);
    double loss = last_loss("whole.txt");
    ck_assert_msg(loss > 0 && loss < 0.05, "the loss is %g", loss);
    for (int i = 0; i < 50; i++) {
        pid_t child = spawn(folder, parts, "parts.txt", "err.txt");
        sleep_seconds(0.003 * i);
        kill(child, SIGINT);
        /* A signal before the handler is there ends the program. */
        int status = spawn_end(child);
        ck_assert_msg(status == 0 || status == 1000 + SIGINT, "exit status %d", status);
        if (status == 0 && !isnan(last_loss("parts.txt"))) break;
    }
    ck_assert_double_eq(last_loss("parts.txt"), loss);
    char a[128], b[128];
    snprintf(a, sizeof a, "%s/whole", folder);
    snprintf(b, sizeof b, "%s/parts", folder);
    expect_same_file(a, b, "log.jsonl");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("moons");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(tests, make_folder, drop_folder);
    tcase_add_loop_test(tests, library_agrees_with_pytorch, 0, 2 * CASES);
    tcase_add_loop_test(tests, command_agrees_with_pytorch, 0, 2 * CASES);
    tcase_add_test(tests, compare_trains_all_three);
    tcase_add_test(tests, stopped_and_resumed);
    tcase_add_test(tests, stopped_and_resumed_in_double);
    tcase_add_test(tests, second_signal_stops_at_once);
    tcase_add_test(tests, saved_on_request);
    tcase_add_test(tests, resumed_from_a_file);
    tcase_add_test(tests, program_trains);
    tcase_add_test(tests, program_resumes);
    return run_case(tests, "moons");
}
