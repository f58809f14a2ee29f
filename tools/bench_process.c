/* SPDX-License-Identifier: MIT
 *
 * W1 as a process: the command starts itself again as the program of two moons, as the same by hand, and as nothing at
 * all, which is what starting and linking cost.
 */
#define _DEFAULT_SOURCE
#include "bench.h"
#include "output.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { EPOCHS = 200 };

/* ---- the children ---- */

/* Peak of the resident set in kB, of this process alone: what a parent sees in its accounts of a child begins with the
 * parent's own size. */
static long peak_kilobytes(void)
{
    char line[256];
    long peak = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &peak) == 1) break;
    if (file) fclose(file);
    return peak;
}

static int reel_child(void)
{
    reel_context *reel = reel_context_new(NULL);
    reel_dataset *moons = reel_moons_new(reel, W1_POINTS, 0.15, reel_rng_numpy_new(reel, 42));
    reel_params *params = reel_params_new(reel, REEL_FLOAT);
    reel_module *net =
        reel_mlp_new(params, "net", 3, (const int[]){2, W1_HIDDEN, 1}, "relu", reel_rng_torch_new(reel, 42));
    reel_optimizer *adam = reel_adam_new(params, 0.05);
    reel_tape *tape = reel_tape_new(reel, REEL_FLOAT);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        reel_tape_rewind(tape);
        reel_value logits = reel_forward(net, reel_input(tape, moons->x));
        reel_value loss = reel_bce_with_logits(logits, reel_input(tape, moons->y));
        reel_backward(loss);
        if (reel_optimizer_step(adam) != REEL_OK) break;
        if (epoch % 20 == 19) printf("%3d  %.6f\n", epoch + 1, reel_item(loss));
    }
    int status = reel_failed(reel) ? EXIT_FAILED : EXIT_DONE;
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}

/* A normal number (Box and Muller 1958). */
static double normal(uint64_t *state)
{
    double u = 0.5 * (1 + (double)bench_random(state)), v = (double)bench_random(state);
    return sqrt(-2 * log(u + 1e-12)) * cos(3.14159265358979 * v);
}

static int limit_child(void)
{
    static limit_w1 w;
    float x[2 * W1_POINTS], y[W1_POINTS], parameters[W1_PARAMETERS];
    const limits *l = limits_best();
    uint64_t state = 42;
    for (int i = 0; i < W1_POINTS; i++) {
        double t = 3.14159265358979 * (i % (W1_POINTS / 2)) / (W1_POINTS / 2 - 1);
        bool second = i >= W1_POINTS / 2;
        x[2 * i] = (float)((second ? 1 - cos(t) : cos(t)) + 0.15 * normal(&state));
        x[2 * i + 1] = (float)((second ? 0.5 - sin(t) : sin(t)) + 0.15 * normal(&state));
        y[i] = second;
    }
    for (int i = 0; i < W1_PARAMETERS; i++) parameters[i] = bench_random(&state) * (i < 24 ? 0.7071f : 0.3535f);
    limit_w1_start(&w, x, y, parameters, 0.05);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        double loss = l->w1_adam(&w);
        if (epoch % 20 == 19) printf("%3d  %.6f\n", epoch + 1, loss);
    }
    return EXIT_DONE;
}

int bench_child(const char *name)
{
    int status = strcmp(name, "reel") == 0      ? reel_child()
                 : strcmp(name, "limit") == 0   ? limit_child()
                 : strcmp(name, "nothing") == 0 ? EXIT_DONE
                                                : EXIT_USAGE;
    printf("peak %ld\n", peak_kilobytes());
    return fflush(stdout) == 0 ? status : EXIT_FAILED;
}

/* ---- the parent ---- */

typedef struct child {
    bench *b;
    const char *name;
    double cpu;  /* seconds of processor time of the last run */
    double peak; /* its peak in MB */
} child;

static void complain_of_child(child *c, const char *what)
{
    if (!c->b->failed) complain(c->b->who, "w1-process: the process \"%s\" %s", c->name, what);
    c->b->failed = true;
}

/* Reads what the child prints to its end, and keeps the peak it tells. */
static void listen_to(child *c, int from)
{
    char text[2048];
    size_t used = 0;
    ssize_t n;
    while ((n = read(from, text + used, sizeof text - 1 - used)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0) used += (size_t)n;
    text[used] = '\0';
    const char *told = strstr(text, "peak ");
    c->peak = told ? strtod(told + 5, NULL) * 1024 / 1e6 : NAN;
}

static void run_once(child *c)
{
    int ends[2], status = -1;
    char *argv[] = {(char *)(uintptr_t) "reel", (char *)(uintptr_t) "bench", (char *)(uintptr_t) "--child",
                    (char *)(uintptr_t)c->name, NULL};
    pid_t pid;
    posix_spawn_file_actions_t actions;
    struct rusage before, after;
    if (pipe(ends) != 0) {
        complain_of_child(c, strerror(errno));
        return;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    getrusage(RUSAGE_CHILDREN, &before);
    int wrong = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (!wrong) {
        listen_to(c, ends[0]);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    }
    close(ends[0]);
    getrusage(RUSAGE_CHILDREN, &after);
    c->cpu = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
             1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
                             before.ru_stime.tv_usec);
    if (wrong) complain_of_child(c, strerror(wrong));
    if (!wrong && (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_DONE)) complain_of_child(c, "failed");
}

static void run_child(void *user, int64_t repeat)
{
    for (int64_t i = 0; i < repeat; i++) run_once(user);
}

static void report(bench *b, bench_side sides[3], const child children[3])
{
    cJSON *line = bench_print(
        b, &(bench_line){.name = "200 epochs", .unit = "ms", .scale = 1e3, .reel = &sides[0], .limit = &sides[1]});
    bench_goal(b, line, "at most 4 ms", bench_time(b, &sides[0], 1e3).median, 4, true);
    bench_print_figure(b, "starting alone", "ms", bench_time(b, &sides[2], 1e3));
    static const char *const names[] = {"peak memory", "  limit", "  starting alone"};
    for (int i = 0; i < 3; i++) {
        double peak = children[i].peak;
        line = bench_print_figure(b, names[i], "MB", (bench_figure){peak, peak, peak, peak, peak});
        if (i == 0) bench_goal(b, line, "at most 8 MB", peak, 8, true);
    }
}

void bench_w1_process(bench *b)
{
    child children[] = {{b, "reel", NAN, NAN}, {b, "limit", NAN, NAN}, {b, "nothing", NAN, NAN}};
    bench_side sides[3];
    bench_title(b, "two moons, 2-8-1, Adam, 200 epochs, from start to end of a process", BENCH_WALL);
    for (int i = 0; i < 3; i++)
        sides[i] = (bench_side){.name = children[i].name, .run = run_child, .user = &children[i]};
    fflush(stdout);
    if (bench_alternate(b, BENCH_WALL, sides, 3) && !b->failed) report(b, sides, children);
    bench_sides_free(sides, 3);
}
