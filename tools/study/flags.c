/* SPDX-License-Identifier: MIT
 *
 * The flags of `reel study baseline1`.
 */
#include "study.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static study_settings asked;
static optimizer_flags optimizers;
static const char *typed_train;
static const optimizer_preset presets[] = {
    {"adam", "adam", {{"lr", 0.001}}, false},
    {"sgd", "sgd", {{"lr", 0.001}}, false},
    {"momentum", "sgd", {{"lr", 0.001}, {"momentum", 0.9}}, false},
    {NULL, NULL, {{NULL, 0}}, false},
};

static const char *const arithmetics[] = {"reel", "published", NULL};
static const char *const blendings[] = {"normalised", "smooth", "additive", NULL};
static const char *const gradients[] = {"l2", "full", NULL};
static const char *const precisions[] = {"float", "double", NULL};
static const char *const parts[] = {"position", "scale", "rotation", "colour", "opacity", NULL};

#define WHOLE(n, what, from, standard)                                                                                 \
    {                                                                                                                  \
        .name = n, .text = what, .value = standard, .least = from, .most = 1e9, .kind = REEL_HYPER_WHOLE               \
    }
#define CHOICE(n, what, names)                                                                                         \
    {                                                                                                                  \
        .name = n, .text = what, .most = 9, .kind = REEL_HYPER_CHOICE, .choices = names                                \
    }

static const reel_hyper arithmetic_row =
    CHOICE("arithmetic", "Reel's tape, renderer and Adam, or float by float that of the published run", arithmetics);
static const reel_hyper gaussians_row = {
    .name = "gaussians", .text = "how many", .value = 50, .least = 1, .most = 10000, .kind = REEL_HYPER_WHOLE};
static const reel_hyper seed_row = WHOLE("seed", "of the start; the stream is that of Rust's rand 0.8", 0, 42);
static const reel_hyper iterations_row =
    WHOLE("iterations", "updates in total, those before a resume included", 1, 10000);
static const reel_hyper blending_row = CHOICE(
    "blending", "of the Gaussians of a pixel: C / W, C / (W + eps), or C, of sums of weighted colours", blendings);
static const reel_hyper cutoff_row = {.name = "cutoff",
                                      .text = "deviations from a Gaussian beyond which it is left out; inf: nowhere",
                                      .value = 3.5,
                                      .most = INFINITY,
                                      .open_least = true};
static const reel_hyper eps_row = {.name = "eps",
                                   .text = "of smooth blending",
                                   .value = 0.001,
                                   .most = INFINITY,
                                   .open_least = true,
                                   .open_most = true};
static const reel_hyper least_scale_row = {
    .name = "least_scale", .text = "smallest scale", .value = 0.001, .most = 0.5, .open_least = true};
static const reel_hyper log_scale_row = {
    .name = "log_scale", .text = "train the logarithm of the scales", .most = 1, .kind = REEL_HYPER_SWITCH};
static const reel_hyper gradient_row = CHOICE(
    "gradient", "the one that is followed: of the mean square error alone, as the study did, or of the whole loss",
    gradients);
static const reel_hyper precision_row = CHOICE("precision", "of parameters and tape", precisions);
static const run_flags_kind run_kind = {.every = 10};
static const reel_hyper log_every_row = WHOLE("log_every", "iterations between lines that are printed", 1, 1000);
static const reel_hyper perturb_row =
    WHOLE("perturb", "K: change the last bit of the position of Gaussian K before the first update; 0: none", 0, 0);
static const reel_hyper jobs_row = {.name = "jobs",
                                    .text =
                                        "processes of the full study at a time; 0: as there are processors, 2 at most",
                                    .most = 64,
                                    .kind = REEL_HYPER_WHOLE};
static const reel_hyper train_row = WHOLE("train", NULL, 0, 11);

/* position, scale and colour, the bits of gaussian_part. */
enum { TRAINED = 1 << GAUSSIAN_POSITION | 1 << GAUSSIAN_SCALE | 1 << GAUSSIAN_COLOUR };

static struct {
    bool gaussians, seed, iterations, blending, cutoff, eps, least_scale, log_scale, train, gradient, precision,
        log_every;
} given;

static const struct {
    double *to;
    const reel_hyper *row;
} defaults[] = {{&asked.arithmetic, &arithmetic_row},
                {&asked.gaussians, &gaussians_row},
                {&asked.seed, &seed_row},
                {&asked.iterations, &iterations_row},
                {&asked.blending, &blending_row},
                {&asked.cutoff, &cutoff_row},
                {&asked.eps, &eps_row},
                {&asked.least_scale, &least_scale_row},
                {&asked.log_scale, &log_scale_row},
                {&asked.gradient, &gradient_row},
                {&asked.precision, &precision_row},
                {&asked.log_every, &log_every_row},
                {&asked.perturb, &perturb_row},
                {&asked.jobs, &jobs_row}};

#define KEPT(field)                                                                                                    \
    {                                                                                                                  \
#field, offsetof(study_settings, field), &field##_row, &given.field                                            \
    }
const study_kept study_kept_settings[] = {KEPT(gaussians), KEPT(seed),        KEPT(blending),  KEPT(cutoff),
                                          KEPT(eps),       KEPT(least_scale), KEPT(log_scale), KEPT(train),
                                          KEPT(gradient),  KEPT(precision)};
const int study_kept_count = sizeof study_kept_settings / sizeof *study_kept_settings;

static const option_row run_rows[] = {
    {.name = "arithmetic", .number = &asked.arithmetic, .hyper = &arithmetic_row},
    {.name = "gaussians", .number = &asked.gaussians, .hyper = &gaussians_row, .given = &given.gaussians},
    {.name = "seed", .number = &asked.seed, .hyper = &seed_row, .given = &given.seed},
    {.name = "iterations", .number = &asked.iterations, .hyper = &iterations_row, .given = &given.iterations},
    {"image", "FILE", "PNG or JPEG to be fitted; default: the study's, 64 x 64.", .word = &asked.image},
    {.name = "perturb", .argument = "K", .number = &asked.perturb, .hyper = &perturb_row},
};
static const option_row model_rows[] = {
    {.name = "blending", .number = &asked.blending, .hyper = &blending_row, .given = &given.blending},
    {.name = "cutoff", .number = &asked.cutoff, .hyper = &cutoff_row, .given = &given.cutoff},
    {.name = "eps", .number = &asked.eps, .hyper = &eps_row, .given = &given.eps},
    {.name = "least-scale", .number = &asked.least_scale, .hyper = &least_scale_row, .given = &given.least_scale},
    {.name = "log-scale",
     .number = &asked.log_scale,
     .hyper = &log_scale_row,
     .given = &given.log_scale,
     .without = "1"},
    {"train", "PART[,PART...]",
     "Parts that are trained: position, scale, rotation, colour, opacity; default: position,scale,colour.",
     .word = &typed_train, .given = &given.train},
    {.name = "gradient", .number = &asked.gradient, .hyper = &gradient_row, .given = &given.gradient},
    {.name = "precision", .number = &asked.precision, .hyper = &precision_row, .given = &given.precision},
};
static const option_row training_rows[] = {
    {"optimizer", "NAME", "adam (default), sgd, ...: see below for their flags.", .word = &asked.optimizer},
    {"schedule", "SPEC", "How the rate changes, see below; default: not at all.", .word = &asked.run.schedule},
};
static const option_row full_rows[] = {
    {"full", NULL, "Everything: the run, the note's experiments, the mechanism, the cure, and a report in --out.",
     .set = &asked.full},
    {"arms", "FILE", "JSON with arms of your own, which stand beside the built-in ones; see below.",
     .word = &asked.arms},
    {.name = "jobs", .number = &asked.jobs, .hyper = &jobs_row},
    {"quick", NULL, "The full study with short runs and few members: does all of it work?", .set = &asked.quick},
};
static const option_row output_rows[] = {
    {"out", "DIR", "Write what is measured here, and the checkpoints.", .word = &asked.out},
    {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &asked.json},
    {.name = "log-every", .number = &asked.log_every, .hyper = &log_every_row, .given = &given.log_every},
    {"quiet", NULL, "No progress.", .set = &asked.quiet},
};
static const char *const own_flags[] = {"epochs",    "batch",         "seed",       "checkpoint_every", "keep",
                                        "durable",   "accept_edited", "other_data", "other_optimizer",  "prove",
                                        "log_every", "steady_loss",   NULL};

static void print_more(FILE *file)
{
    optimizer_flags_help(&optimizers, file);
    option_help_schedules(file);
    fprintf(
        file,
        "\nThe file of --arms: {\"arms\": [{\"name\": \"mine\", \"text\": \"what it is\", \"start\": 1500,\n"
        "\"flags\": \"--lr 0.0005 --blending smooth\"}]}; start 0 (the default) is the first iteration, any other a\n"
        "checkpoint of the constant-rate run.\n"
        "\nIn the JSON file \"history\" has [iteration, loss before its update, pixels without a Gaussian, mean\n"
        "scale] at every power of two and multiple of 100, \"best\" the smallest loss of these.\n");
}

/* ---- reading ---- */

static int part_of(const char *text, size_t length)
{
    for (int i = 0; parts[i]; i++)
        if (strlen(parts[i]) == length && strncmp(parts[i], text, length) == 0) return i;
    return -1;
}

static int read_train(const option_set *set)
{
    asked.train = TRAINED;
    if (!typed_train) return -1;
    int mask = 0;
    for (const char *c = typed_train;; c++) {
        size_t length = strcspn(c, ",");
        int part = part_of(c, length);
        if (part < 0)
            return option_fail(set, "--train: found \"%.*s\", expected position, scale, rotation, colour or opacity",
                               (int)length, c);
        mask |= 1 << part;
        c += length;
        if (!*c) break;
    }
    asked.train = mask;
    return -1;
}

/* Is there a flag that makes the run another one than the published? */
static bool is_changed(const study_settings *s)
{
    for (int i = 0; i < optimizers.count; i++)
        if (optimizers.typed[i]) return true;
    for (int i = 0; i < s->trainer.count; i++)
        if (s->trainer.given[i]) return true;
    const run_flags *run = &s->run;
    return run->resume || run->checkpoints || run->schedule || run->every_given || run->keep_typed || run->prove > 0 ||
           run->force || run->durable || s->image || s->optimizer || given.blending || given.cutoff || given.gradient ||
           given.train || given.precision || given.eps || given.least_scale || given.log_scale || s->perturb > 0;
}

/* Flags against each other: NULL, or what does not fit. */
static const char *conflict(const study_settings *s)
{
    if (s->arithmetic == ARITHMETIC_PUBLISHED && (is_changed(s) || s->out || s->full))
        return "--arithmetic published is one run: only --gaussians, --seed, --iterations, --log-every and --json go "
               "with it";
    if (s->full && (is_changed(s) || s->json))
        return "--full has runs of its own: only --gaussians, --seed, --iterations, --out, --arms, --jobs, --quick and "
               "--quiet "
               "go with it; other settings are for --arms";
    const char *wrong = run_flags_conflict(&s->run, s->out);
    if (wrong) return wrong;
    if (s->full && !s->out) return "--full needs --out, the folder for what is measured and the report";
    if (!s->full && (s->arms || s->quick)) return "--arms and --quick are for --full";
    return NULL;
}

/* Flags that are not given keep the values of the checkpoint that is to be resumed. */
static void adopt(reel_context *context)
{
    char *folder = run_flags_folder(&asked.run, asked.out);
    reel_checkpoint *c = run_flags_checkpoint(&asked.run, folder, context, &asked.optimizer);
    reel_error_clear(context);
    free(folder);
    for (int i = 0; c && i < study_kept_count; i++) {
        char name[80];
        snprintf(name, sizeof name, "state/%s", study_kept_settings[i].name);
        double value = reel_checkpoint_number(c, name);
        if (*study_kept_settings[i].given || isnan(value)) continue;
        if (reel_hyper_check(NULL, context, "study", study_kept_settings[i].hyper, value) == REEL_OK)
            *(double *)((char *)&asked + study_kept_settings[i].offset) = value;
        reel_error_clear(context);
    }
    trainer_flags_adopt(&asked.trainer, c);
    /* What is wrong with the file is told when it is loaded. */
    reel_checkpoint_free(c);
    reel_error_clear(context);
}

static int read_rest(const option_set *set, reel_context *context)
{
    if (!run_flags_read(&asked.run, set, context)) return EXIT_USAGE;
    int status = read_train(set);
    if (status >= 0) return status;
    const char *wrong = conflict(&asked);
    if (wrong) return option_fail(set, "%s", wrong);
    if (asked.run.resume) adopt(context);
    return optimizer_choose(set, context, &optimizers, asked.optimizer ? asked.optimizer : "adam", &asked.choice)
               ? -1
               : EXIT_USAGE;
}

int study_settings_read(study_settings *s, int argc, char **argv)
{
    static option_group groups[8];
    static const option_set set = {
        .command = "reel study baseline1",
        .text = "Fits Gaussians to an image, as the run did whose loss began to rise after 1500 iterations. In the "
                "published "
                "arithmetic; on Reel's tape, from the start or from a checkpoint; or, with --full, everything that the "
                "note about that run asks for, with a report.",
        .example = "reel study baseline1 --full --out study",
        .groups = groups,
        .group_count = sizeof groups / sizeof *groups,
        .more = print_more};
    asked = (study_settings){.who = set.command, .set = &set};
    memset(&given, 0, sizeof given);
    typed_train = NULL;
    run_flags_init(&asked.run, &run_kind);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) *defaults[i].to = defaults[i].row->value;
    optimizer_flags_init(&optimizers, presets);
    trainer_flags_init(&asked.trainer, own_flags);
    const option_group all[] = {{"run", OPTION_ROWS(run_rows)},
                                {"model", OPTION_ROWS(model_rows)},
                                {"training", OPTION_ROWS(training_rows)},
                                {"trainer", asked.trainer.rows, asked.trainer.count},
                                {"hyper-parameters", optimizers.rows, optimizers.count},
                                {"checkpoints", asked.run.rows, RUN_FLAG_ROWS},
                                {"the full study", OPTION_ROWS(full_rows)},
                                {"output", OPTION_ROWS(output_rows)}};
    memcpy(groups, all, sizeof groups);
    reel_context *context = reel_context_new(NULL);
    int first = options_parse(&set, context, argc, argv);
    int status = first < 0 ? -1 - first : read_rest(&set, context);
    reel_context_free(context);
    *s = asked;
    return status;
}
