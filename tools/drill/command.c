/* SPDX-License-Identifier: MIT
 *
 * `reel drill`: flags, runs, what is written.
 */
#include "drill/drill.h"
#include "landscape/claims.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const reel_hyper number_row = {
    .name = "number", .least = -INFINITY, .most = INFINITY, .open_least = true, .open_most = true};
static const reel_hyper rate_row = {.name = "lr", .most = INFINITY, .open_least = true, .open_most = true};
static const reel_hyper steps_row = {.name = "steps",
                                     .value = NAN,
                                     .least = 1,
                                     .most = 1e5,
                                     .kind = REEL_HYPER_WHOLE,
                                     .text = "of each run; default: 20 of one that diverges, else 50"};
static const reel_hyper momentum_row = {.name = "momentum", .most = 1, .open_most = true, .text = "of the optimizer"};

static struct {
    const char *eigenvalues, *start, *lr, *optimizer, *json, *out;
    double steps, momentum;
    bool exercise, svg;
} asked;

static void print_more(FILE *file)
{
    static const char *const members[] = {
        "\"runs\": a list: rate, steps, diverges, loss[k] after k steps, x[k n + i], first_rise, loss_infinite, "
        "x_infinite, "
        "x_nan: steps, null for never.",
        "\"curvature\", \"curvature_residual\", \"limit\", \"limit_formula\".",
        "\"around_the_limit\": a list: rate, share_of_limit, factor, loss, steps, sign_changes, zero_at, what.",
        "\"prevention\": a list: advice, acts_at, saved_at, highest, highest_at, steps, loss.",
        "\"claims\": a list: name, claim, holds, found. With --exercise there are the runs alone."};
    fprintf(file, "\nJSON:\n");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) option_words(file, 0, 4, members[i]);
}

/* ---- the run ---- */

static int write_results(const drill_settings *s, const drill_run *runs, cJSON *document, FILE *report)
{
    if (!json_write_results(s->who, s->out, "drill.json", s->json, document)) return EXIT_FAILED;
    if (!s->out) return EXIT_DONE;
    return plot_tell(report, drill_draw(s, runs), s->out, (const char *const[]){"drill"}, 1, s->svg, "drill.json");
}

static int report_runs(const drill_settings *s, const drill_run *runs, FILE *report)
{
    drill_findings found;
    cJSON *claims = NULL, *document;
    bool right = true;
    drill_print_notebook(report, s, runs);
    if (s->exercise) {
        fprintf(report, "\nWhy? Which rate is the largest that works, and what would have prevented this?\n"
                        "The same line without --exercise answers.\n");
    } else {
        claims = cJSON_CreateArray();
        right = drill_examine(s, &found);
        if (right) drill_print_findings(report, &found);
        right = right && drill_claims(report, claims, s, runs, &found);
    }
    if (!right) cJSON_Delete(claims);
    if (!right) return EXIT_FAILED;
    document = drill_numbers(s, runs, s->exercise ? NULL : &found, claims);
    int status = write_results(s, runs, document, report);
    cJSON_Delete(document);
    return status;
}

/* Steps of a run: 20 where the rate is past the limit, as the notebook makes them, else 50. */
static int steps_of(const drill_settings *s, double rate, double limit)
{
    return isnan(s->steps) ? (rate > limit ? 20 : 50) : (int)s->steps;
}

static int drill(const drill_settings *s)
{
    drill_run runs[DRILL_RUNS_MOST] = {{.rate = 0}};
    reel_curvature curvature;
    FILE *report = s->json && strcmp(s->json, "-") == 0 ? stderr : stdout;
    if (s->out && !make_folder(s->who, s->out)) return EXIT_FAILED;
    if (s->json && !json_probe(s->who, s->json)) return EXIT_FAILED;
    bool right = drill_curvature(s, &curvature);
    for (int i = 0; right && i < s->rates; i++)
        right = drill_train(&runs[i], s, s->rate[i], steps_of(s, s->rate[i], curvature.limit));
    int status = right ? report_runs(s, runs, report) : EXIT_FAILED;
    for (int i = 0; i < s->rates; i++) drill_run_free(&runs[i]);
    return status;
}

/* ---- the flags ---- */

static const char *optimizer_name_at(const void *list, int index)
{
    (void)list;
    return reel_optimizer_at(index) ? reel_optimizer_at(index)->name : NULL;
}

static bool read_optimizer(const option_set *set, drill_settings *s)
{
    s->kind = reel_optimizer_find(asked.optimizer);
    if (!s->kind) {
        const char *near = reel_nearest_name(asked.optimizer, optimizer_name_at, NULL);
        option_fail(set, "--optimizer: there is no \"%s\"%s%s", asked.optimizer, near ? "; did you mean " : "",
                    near ? near : "");
        return false;
    }
    bool takes = reel_hyper_find(s->kind->hypers, s->kind->hyper_count, "momentum") >= 0;
    if (s->momentum > 0 && !takes) return option_fail(set, "--momentum: %s has none", s->kind->name), false;
    return true;
}

static bool read_settings(const option_set *set, drill_settings *s)
{
    s->size = numbers_read(set, "eigenvalues", &number_row, asked.eigenvalues, DRILL_SIZE_MOST, s->eigenvalues);
    if (s->size == 0) return false;
    for (int i = 0; !asked.start && i < s->size; i++) s->start[i] = i % 2 ? 2 : -2;
    if (asked.start) {
        int count = numbers_read(set, "start", &number_row, asked.start, DRILL_SIZE_MOST, s->start);
        if (count > 0 && count != s->size)
            option_fail(set, "--start: found %d numbers, expected one for each of the %d eigenvalues", count, s->size);
        if (count != s->size) return false;
    }
    s->rates = numbers_read(set, "lr", &rate_row, asked.lr, DRILL_RUNS_MOST, s->rate);
    if (s->rates == 0 || !read_optimizer(set, s)) return false;
    if (s->exercise) s->rates = 1;
    return true;
}

int command_drill(int argc, char **argv)
{
    static const option_row problem[] = {
        {"eigenvalues", "L,...", "Of the loss, sum of L/2 x^2: its curvatures; default 2,2, which is x^2 + y^2.",
         .word = &asked.eigenvalues},
        {"start", "X,...", "Where the descent starts; default -2,2.", .word = &asked.start},
    };
    static const option_row descent[] = {
        {"lr", "R,...", "Learning rates, a run each; the first one is examined. Default 1.2,0.1.", .word = &asked.lr},
        {.name = "steps", .number = &asked.steps, .hyper = &steps_row},
        {"optimizer", "NAME", "Any kind that reel train has; default sgd.", .word = &asked.optimizer},
        {.name = "momentum", .number = &asked.momentum, .hyper = &momentum_row},
    };
    static const option_row output[] = {
        {"exercise", NULL, "Show the broken run alone, without the answer.", .set = &asked.exercise},
        {"out", "DIR", "Write drill.png and drill.json here.", .word = &asked.out},
        {"svg", NULL, "The picture as SVG besides.", .set = &asked.svg},
        {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &asked.json},
    };
    static const option_group groups[] = {{"loss", problem, 2}, {"descent", descent, 4}, {"output", output, 4}};
    static const option_set set = {
        .command = "reel drill",
        .text = "Descends on a quadratic with a rate that is too high and one that is not, says why the first one "
                "diverges (curvature, the limit that it sets, what happens below, at and above it, when numbers "
                "overflow), and tries what would have prevented it.",
        .example = "reel drill --eigenvalues 1,10 --lr 0.25,0.15 --out out",
        .groups = groups,
        .group_count = 3,
        .more = print_more};
    asked.eigenvalues = "2,2";
    asked.lr = "1.2,0.1";
    asked.optimizer = "sgd";
    asked.steps = NAN;
    int first = options_parse(&set, NULL, argc, argv), status = first < 0 ? -1 - first : EXIT_USAGE;
    drill_settings s = {.who = set.command,
                        .steps = asked.steps,
                        .momentum = asked.momentum,
                        .exercise = asked.exercise,
                        .svg = asked.svg,
                        .out = asked.out,
                        .json = asked.json};
    if (first >= 0 && s.svg && !s.out)
        option_fail(&set, "--svg needs --out");
    else if (first >= 0 && read_settings(&set, &s))
        status = drill(&s);
    return finish_output(set.command, status);
}
