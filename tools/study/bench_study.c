/* SPDX-License-Identifier: MIT
 *
 * The study's runs: the published arithmetic beside a plain loop that does the same, and what keeping every tenth state
 * costs.
 */
#include "../bench.h"

#include "plain.h"
#include "plan.h"
#include "start.h"

#include <math.h>
#include <string.h>

enum { GAUSSIANS = 50, SEED = 42, WARM = 3, STEPS = 1000 };

/* ---- the published arithmetic ---- */

typedef struct two_loops {
    published_gaussian start[GAUSSIANS];
    float target[PUBLISHED_PIXELS];
    published_run *published;
    plain_run *plain;
} two_loops;

static void published_steps_of(void *user, int64_t repeat)
{
    two_loops *l = user;
    for (int64_t i = 0; i < repeat; i++) published_step(l->published);
}

static void plain_steps_of(void *user, int64_t repeat)
{
    two_loops *l = user;
    for (int64_t i = 0; i < repeat; i++) plain_step(l->plain);
}

/* Every round starts from the same Gaussians. */
static void published_restart(void *user)
{
    two_loops *l = user;
    published_free(l->published);
    l->published = published_new(GAUSSIANS, l->start, l->target);
    published_steps_of(l, WARM);
}

static void plain_restart(void *user)
{
    two_loops *l = user;
    plain_free(l->plain);
    l->plain = plain_new(GAUSSIANS, l->start, l->target);
    plain_steps_of(l, WARM);
}

static void compare_arithmetic(bench *b)
{
    two_loops l = {.published = published_start(GAUSSIANS, SEED)};
    if (!l.published || !study_image(l.target)) {
        complain(b->who, "out of memory");
        b->failed = true;
        return;
    }
    memcpy(l.start, published_gaussians(l.published), sizeof l.start);
    bench_side sides[] = {{.name = "published", .run = published_steps_of, .prepare = published_restart, .user = &l},
                          {.name = "plain loop", .run = plain_steps_of, .prepare = plain_restart, .user = &l}};
    if (bench_alternate(b, b->clock, sides, 2)) {
        cJSON *line = bench_print(b, &(bench_line){.name = "published arithmetic",
                                                   .unit = "us",
                                                   .scale = 1e6,
                                                   .reel = &sides[0],
                                                   .limit = &sides[1],
                                                   .limit_name = "plain loop"});
        bench_goal(b, line, "at least 0.9 of the plain loop's speed", bench_ratio(b, &sides[1], &sides[0]).median, 0.9,
                   false);
    }
    bench_sides_free(sides, 2);
    published_free(l.published);
    plain_free(l.plain);
}

/* ---- keeping states ---- */

typedef struct keeping {
    bench *b;
    const char *folder;
    int every;
} keeping;

static double train(void *user)
{
    keeping *k = user;
    char flags[100];
    study_line line;
    study_settings settings;
    const study_plan plan = {.who = k->b->who, .iterations = STEPS, .gaussians = GAUSSIANS};
    snprintf(flags, sizeof flags, "--every %d --force", k->every);
    study_run run = {.settings = &settings, .folder = k->folder};
    bool right = study_line_read(&plan, &line, &settings, flags, SEED, 0, NULL) < 0 && study_build(&run) == EXIT_DONE &&
                 study_train(&run) == EXIT_DONE;
    if (!right) k->b->failed = true;
    double seconds = right ? run.seconds : NAN;
    study_free(&run);
    study_line_free(&line);
    return seconds;
}

static void compare_keeping(bench *b)
{
    char kind[32], *folder = bench_folder_new(b);
    if (!folder) return;
    keeping all = {b, folder, 10}, none = {b, folder, STEPS};
    bench_side sides[] = {{.name = "every 10", .clocked = train, .user = &all},
                          {.name = "first and last alone", .clocked = train, .user = &none}};
    if (bench_alternate(b, BENCH_WALL, sides, 2) && !b->failed) {
        cJSON *line = bench_print(b, &(bench_line){.name = "every tenth state kept",
                                                   .unit = "us a step",
                                                   .scale = 1e6 / STEPS,
                                                   .reel = &sides[0],
                                                   .limit = &sides[1],
                                                   .limit_name = "not keeping"});
        bench_goal(b, line, "at most 10 % slower", bench_ratio(b, &sides[0], &sides[1]).median, 1.1, true);
        bench_note(b, "file system %s, time on the clock; %d steps", bench_file_system(folder, kind), STEPS);
    }
    bench_sides_free(sides, 2);
    bench_folder_free(folder);
}

void bench_study(bench *b)
{
    bench_title(b, "Baseline 1, 50 Gaussians at 64 x 64: an iteration in the published arithmetic; a run that is kept",
                b->clock);
    compare_arithmetic(b);
    if (!b->failed) compare_keeping(b);
}
