/* SPDX-License-Identifier: MIT
 *
 * `reel landscape`: flags, and which of the three modes they ask for.
 */
#include "landscape/claims.h"
#include "landscape/landscape.h"
#include "signals.h"

#include <math.h>

#define WHOLE .kind = REEL_HYPER_WHOLE
static const reel_hyper seed_row = {.name = "seed",
                                    .value = 42,
                                    .most = 9007199254740992.0,
                                    WHOLE,
                                    .text = "of the initial weights; with --random of the directions"};
static const reel_hyper epochs_row = {.name = "epochs",
                                      .value = 200,
                                      .least = 1,
                                      .most = 1e6,
                                      WHOLE,
                                      .text = "passes over the points with each optimizer"};
static const reel_hyper rate_epochs_row = {
    .name = "lr_epochs", .value = 100, .least = 1, .most = 1e6, WHOLE, .text = "passes with each rate of --lr"};
static const reel_hyper rate_row = {.name = "lr", .most = INFINITY, .open_least = true, .open_most = true};
static const reel_hyper from_row = {
    .name = "from", .most = 1e15, WHOLE, .text = "first step of the checkpoints to use"};
static const reel_hyper to_row = {
    .name = "to", .value = INFINITY, .most = INFINITY, .text = "last step of the checkpoints to use"};
static const reel_hyper at_row = {.name = "at",
                                  .value = NAN,
                                  .most = 1e15,
                                  WHOLE,
                                  .text = "the newest checkpoint up to this step; default: the newest"};
static const reel_hyper span_row = {.name = "span",
                                    .value = 1,
                                    .most = INFINITY,
                                    .open_least = true,
                                    .open_most = true,
                                    .text = "how far the plane goes along each direction, both ways"};
static const reel_hyper points_row = {.name = "points",
                                      .value = NAN,
                                      .least = 2,
                                      .most = 2000,
                                      WHOLE,
                                      .text =
                                          "points of the surface along each side; default: 50, of a random plane 51"};
static const reel_hyper margin_row = {
    .name = "margin",
    .value = NAN,
    .most = INFINITY,
    .open_most = true,
    .text = "around the paths, in the units of the parameters; default: 0.5, of a run a tenth of its extent"};

static landscape_settings asked;
static const char *rates;

static const struct {
    double *to;
    const reel_hyper *row;
} defaults[] = {{&asked.seed, &seed_row}, {&asked.epochs, &epochs_row}, {&asked.rate_epochs, &rate_epochs_row},
                {&asked.from, &from_row}, {&asked.to, &to_row},         {&asked.at, &at_row},
                {&asked.span, &span_row}, {&asked.points, &points_row}, {&asked.margin, &margin_row}};

static const option_row lab_rows[] = {
    {"optimizers", "NAME,...",
     "Trained from one start, with the rates that reel train two-moons has for them; default "
     "sgd,momentum,adam.",
     .word = &asked.optimizers},
    {.name = "epochs", .number = &asked.epochs, .hyper = &epochs_row},
    {"lr", "R,...|none", "Rates of plain descent to compare; default 0.1,0.5,1,2.", .word = &rates},
    {.name = "lr-epochs", .number = &asked.rate_epochs, .hyper = &rate_epochs_row},
    {.name = "seed", .number = &asked.seed, .hyper = &seed_row},
    {"samples", "N", "Points, as in reel train two-moons; so are the next five.", .word = &asked.samples},
    {"noise", "X", "Deviation of the points from the half circles.", .word = &asked.noise},
    {"data-seed", "N", "Of the points.", .word = &asked.data_seed},
    {"hidden", "N[,N...]", "Sizes of the hidden layers.", .word = &asked.hidden},
    {"precision", "TYPE", "float or double, of the trainings; the losses drawn are computed in double.",
     .word = &asked.precision},
    {"batch", "N", "Points a batch; 0: all of them.", .word = &asked.batch},
    {"notebook", NULL,
     "Draw the surface about the end of Adam's path, as the notebook does, though the paths are about the "
     "mean.",
     .set = &asked.notebook},
};
static const option_row run_rows[] = {
    {"run", "DIR|FILE",
     "The checkpoints of a finished run are the path; of several runs when DIR has a folder for each.",
     .word = &asked.run},
    {.name = "from", .number = &asked.from, .hyper = &from_row},
    {.name = "to", .number = &asked.to, .hyper = &to_row},
    {"recipe", "WORDS",
     "What makes model and data again, for checkpoints that do not say it; flags alone, as '--csv moved.csv', change "
     "what "
     "they say.",
     .word = &asked.recipe},
};
static const option_row random_rows[] = {
    {"random", NULL, "With --run: the plane of two random, filter-normalised directions about a checkpoint.",
     .set = &asked.random},
    {.name = "at", .number = &asked.at, .hyper = &at_row},
    {.name = "span", .number = &asked.span, .hyper = &span_row},
    {"vectors", NULL, "Biases and other vectors move too.", .set = &asked.vectors},
};
static const option_row output_rows[] = {
    {.name = "points", .number = &asked.points, .hyper = &points_row},
    {.name = "margin", .number = &asked.margin, .hyper = &margin_row},
    {"out", "DIR",
     "Write landscape.png, relief.png, rates.png (random.png, random-relief.png) and landscape.json here.",
     .word = &asked.out},
    {"svg", NULL, "The pictures as SVG besides.", .set = &asked.svg},
    {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &asked.json},
    {"quiet", NULL, "No progress.", .set = &asked.quiet},
};

static void print_more(FILE *file)
{
    static const char *const members[] = {
        "\"runs\": by name, and \"rates\": a list: loss[i] of all points, scores[i] (coordinates in the plane), "
        "surface_loss[i] and, in the lab, parameters[i] after step[i] updates; final_loss, printed_final_loss (the "
        "notebook's), rises, first_rise, peak, peak_at, best, best_at, diverges, path_length, direct_distance, "
        "efficiency.",
        "\"pca\": mean, components, variance, share, total_variance.",
        "\"surface\": origin, a, b, loss[j][i] at (a[i], b[j]), least, most; \"rates_surface\": the same about the "
        "paths of "
        "the rates.",
        "\"claims\": a list: name, claim, holds, found.",
        "With --random: checkpoint, step, loss, directions, surface."};
    fprintf(file, "\nJSON:\n");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) option_words(file, 0, 4, members[i]);
}

static const char *conflict(void)
{
    if (asked.random && !asked.run) return "--random needs --run, a checkpoint or its folder";
    if (asked.notebook && asked.run) return "--notebook is for the lab: leave --run out";
    if (asked.recipe && !asked.run) return "--recipe is for --run";
    if (!asked.run && (asked.from > 0 || isfinite(asked.to))) return "--from and --to are for --run";
    if (!asked.random && !isnan(asked.at)) return "--at is for --random";
    if (asked.from > asked.to) return "--from is above --to";
    if (asked.svg && !asked.out) return "--svg needs --out";
    return NULL;
}

/* --lr none, or a list. */
static bool read_rates(const option_set *set)
{
    const char none[] = "none";
    asked.rates = 0;
    for (int i = 0; rates[i] == none[i]; i++)
        if (!none[i]) return true;
    asked.rates = numbers_read(set, "lr", &rate_row, rates, PATHS_MOST, asked.rate);
    return asked.rates > 0;
}

int command_landscape(int argc, char **argv)
{
    static const option_group groups[] = {{"the lab: two moons, several optimizers", OPTION_ROWS(lab_rows)},
                                          {"a finished run", OPTION_ROWS(run_rows)},
                                          {"a random plane", OPTION_ROWS(random_rows)},
                                          {"output", OPTION_ROWS(output_rows)}};
    static const option_set set = {
        .command = "reel landscape",
        .text = "Shows where trainings went: trains two moons with several optimizers from one start, or takes the "
                "checkpoints of a finished run; finds the plane in which the parameters moved most (principal "
                "components), computes the loss over it and draws the paths on it.",
        .example = "reel landscape --run out/checkpoints --from 1000 --to 2000 --out out",
        .groups = groups,
        .group_count = sizeof groups / sizeof *groups,
        .more = print_more};
    asked = (landscape_settings){.who = set.command, .set = &set, .optimizers = "sgd,momentum,adam"};
    rates = "0.1,0.5,1,2";
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) *defaults[i].to = defaults[i].row->value;
    int first = options_parse(&set, NULL, argc, argv), status = first < 0 ? -1 - first : EXIT_USAGE;
    const char *wrong = first < 0 ? NULL : conflict();
    if (wrong) option_fail(&set, "%s", wrong);
    if (first < 0 || wrong || !read_rates(&set)) return finish_output(set.command, status);
    if (!asked.run && isnan(asked.margin)) asked.margin = 0.5;
    if (isnan(asked.points)) asked.points = asked.random ? 51 : 50; /* an odd number has the checkpoint in the middle */
    if (asked.out && !make_folder(set.command, asked.out)) return EXIT_FAILED;
    if (asked.json && !json_probe(set.command, asked.json)) return EXIT_FAILED;
    signals_install();
    status = asked.random ? landscape_random(&asked) : asked.run ? landscape_run(&asked) : landscape_lab(&asked);
    return finish_output(set.command, status);
}
