/* SPDX-License-Identifier: MIT
 *
 * `reel train two-moons`: flags, one training or a comparison of three, what is written at the end.
 */
#include "two_moons.h"

#include "model/models.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const optimizer_preset presets[] = {
    {"sgd", "sgd", {{"lr", 0.5}}, true},    {"momentum", "sgd", {{"lr", 0.5}, {"momentum", 0.9}}, true},
    {"adam", "adam", {{"lr", 0.05}}, true}, {"adamw", "adamw", {{"lr", 0.05}}, false},
    {NULL, NULL, {{NULL, 0}}, false},
};

static const reel_hyper samples_row = {.name = "samples",
                                       .text = "points, half of each class",
                                       .value = 200,
                                       .least = 2,
                                       .most = INFINITY,
                                       .open_most = true,
                                       .kind = REEL_HYPER_WHOLE};
static const reel_hyper noise_row = {.name = "noise",
                                     .text = "deviation of the points from the half circles",
                                     .value = 0.15,
                                     .most = INFINITY,
                                     .open_most = true};
static const reel_hyper validation_row = {.name = "validation",
                                          .text = "further points that the loss is measured on after each epoch, which "
                                                  "--patience then watches; 0: none",
                                          .most = INFINITY,
                                          .open_most = true,
                                          .kind = REEL_HYPER_WHOLE};
static const reel_hyper data_seed_row = {.name = "data_seed",
                                         .text = "of the points; the stream is NumPy's",
                                         .value = 42,
                                         .most = INFINITY,
                                         .open_most = true,
                                         .kind = REEL_HYPER_WHOLE};
static const reel_hyper seed_row = {.name = "seed",
                                    .text = "of the initial weights, whose stream is PyTorch's, and of the batches",
                                    .value = 42,
                                    .most = INFINITY,
                                    .open_most = true,
                                    .kind = REEL_HYPER_WHOLE};
static const reel_hyper epochs_row = {.name = "epochs",
                                      .text = "passes over the points in total, those before a resume included",
                                      .value = 200,
                                      .most = INFINITY,
                                      .open_most = true,
                                      .kind = REEL_HYPER_WHOLE};
static const reel_hyper batch_row = {.name = "batch",
                                     .text = "points a batch; 0: all of them",
                                     .most = INFINITY,
                                     .open_most = true,
                                     .kind = REEL_HYPER_WHOLE};
static const reel_hyper hidden_row = {.name = "hidden", .least = 1, .most = 1e6, .kind = REEL_HYPER_WHOLE};

/* What is typed as words and read afterwards. */
typedef struct words {
    const char *optimizer, *hidden, *precision;
} words;

static optimizer_flags optimizers;
static struct {
    bool epochs, batch, seed;
} given; /* on the command line */

static void print_more(FILE *file)
{
    optimizer_flags_help(&optimizers, file);
    option_help_schedules(file);
    option_help_averages(file);
    fprintf(file,
            "\n" SIGNALS_HELP "\n"
            "In the JSON file entry e of \"loss\" is the loss before update e + 1 (of its batch), the last one that\n"
            "of all points after the last update; \"parameters\" are those after it, in the order of the layers.\n");
}

/* ---- reading words ---- */

static bool read_hidden(moons_settings *s, reel_context *context, const char *text)
{
    while (true) {
        char one[32];
        size_t length = strcspn(text, ",");
        double size;
        snprintf(one, sizeof one, "%.*s", (int)length, text);
        if (s->hidden_count == LAYERS_MOST) {
            option_fail(s->set, "--hidden: %d layers at most", LAYERS_MOST);
            return false;
        }
        if (!option_read(s->set, context, "hidden", &hidden_row, one, &size)) return false;
        s->hidden[s->hidden_count++] = (int)size;
        if (text[length] == '\0') return true;
        text += length + 1;
    }
}

static bool read_words(moons_settings *s, reel_context *context, const words *w)
{
    if (!run_flags_read(&s->run, s->set, context)) return false;
    if (strcmp(w->precision, "float") == 0)
        s->precision = REEL_FLOAT;
    else if (strcmp(w->precision, "double") == 0)
        s->precision = REEL_DOUBLE;
    else {
        option_fail(s->set, "--precision: found \"%s\", expected float or double", w->precision);
        return false;
    }
    return read_hidden(s, context, w->hidden);
}

/* Flags against each other: NULL, or what does not fit. */
static const char *conflict(const moons_settings *s, const words *w)
{
    const run_flags *run = &s->run;
    bool resumes_auto = run->resume && strcmp(run->resume, "auto") == 0;
    if (fmod(s->validation, 2) != 0) return "--validation: expected an even number, half of each class";
    if (fmod(s->samples, 2) != 0) return "--samples: expected an even number, half of each class";
    if (s->compare && w->optimizer) return "--compare trains sgd, momentum and adam: leave --optimizer out";
    if (s->compare && optimizer_flags_own(&optimizers))
        return "--compare trains each optimizer as it is: leave hyper-parameters of optimizers out";
    if (s->compare && run->resume && !resumes_auto)
        return "--compare has several runs: only --resume auto goes with it";
    const char *wrong = run_flags_conflict(run, s->out);
    if (wrong || s->out || run->checkpoints || (run->resume && !resumes_auto)) return wrong;
    if (run->every > 0) return "--every needs a folder for the checkpoints: --out or --checkpoint-dir";
    if (run->keep_typed) return "--keep needs a folder for the checkpoints: --out or --checkpoint-dir";
    if (run->durable) return "--durable needs a folder for the checkpoints: --out or --checkpoint-dir";
    if (run->force) return "--force needs a folder for the checkpoints: --out or --checkpoint-dir";
    return NULL;
}

/* ---- training ---- */

static void print_run(FILE *file, const moons_run *r)
{
    fprintf(file, "%-32s loss %.6f  accuracy %.1f %%  best %.6f after %lld of %lld updates\n", r->title, r->loss,
            100 * r->accuracy, r->best, (long long)r->best_step, (long long)r->steps);
    if (!isnan(r->average_loss))
        fprintf(file, "%-32s loss %.6f  accuracy %.1f %%\n", "  with the averaged parameters", r->average_loss,
                100 * r->average_accuracy);
    if (r->validation) fprintf(file, "%-32s loss %.6f\n", "  on the points for validation", r->validation_loss);
    if (*r->proof.text) fprintf(file, "%s\n", r->proof.text);
}

/* The folder of one run: those of a comparison have one each. */
static char *run_folder(const moons_settings *s, const char *name)
{
    char *base = run_flags_folder(&s->run, s->out);
    if (!base || !s->compare) return base;
    char *folder = path_join(base, name);
    free(base);
    return folder;
}

static int write_results(const moons_settings *s, moons_run *runs, int count, FILE *report)
{
    if (!s->json && !s->out) return EXIT_DONE;
    static const char *const pictures[] = {"losses", "boundary"};
    cJSON *numbers = moons_numbers(s, runs, count);
    bool right = json_write_results(s->who, s->out, "two-moons.json", s->json, numbers);
    cJSON_Delete(numbers);
    if (!right) return EXIT_FAILED;
    if (!s->out) return EXIT_DONE;
    plot_result drawn = moons_draw(s, runs, count);
    if (signals_caught()) return EXIT_SIGNAL + signals_caught();
    return plot_tell(report, drawn, s->out, pictures, 2, false, "two-moons.json");
}

static int train(const moons_settings *s, const optimizer_choice *choices, int count)
{
    moons_run runs[RUNS_MOST];
    int status = EXIT_DONE, made = 0;
    FILE *report = s->json && strcmp(s->json, "-") == 0 ? stderr : stdout;
    if (s->out && !make_folder(s->who, s->out)) return EXIT_FAILED;
    if (s->json && !json_probe(s->who, s->json)) return EXIT_FAILED;
    signals_install();
    while (made < count && status == EXIT_DONE) {
        char *folder = run_folder(s, choices[made].name);
        if (s->compare && !s->quiet) fprintf(stderr, "%s\n", choices[made].name);
        status = moons_train(&runs[made], s, &choices[made], folder);
        if (status == EXIT_DONE) print_run(report, &runs[made]);
        fflush(report);
        made++;
        free(folder);
    }
    if (status == EXIT_DONE) status = write_results(s, runs, count, report);
    if (status == EXIT_DONE && runs[0].folder) {
        char *base = run_flags_folder(&s->run, s->out);
        fprintf(report, "%s: checkpoints\n", base ? base : runs[0].folder);
        free(base);
    }
    for (int i = 0; i < made; i++) moons_free(&runs[i]);
    return status;
}

/* Flags that are not given keep the values of the checkpoint that is to be resumed; *name becomes its optimizer. */
static void adopt(moons_settings *s, reel_context *context, const char **name)
{
    static char average[64];
    char *folder = run_flags_folder(&s->run, s->out);
    reel_checkpoint *c = run_flags_checkpoint(&s->run, folder, context, name);
    free(folder);
    const struct {
        double *to;
        bool given;
        const char *path, *older;
    } kept[] = {
        {&s->epochs, given.epochs, "state/trainer/settings/epochs", "state/trainer/epochs"},
        {&s->batch, given.batch, "state/trainer/settings/batch", "state/trainer/batch"},
        {&s->seed, given.seed, "state/trainer/settings/seed", "state/trainer/seed"},
        {&s->run.every, s->run.every_given, "state/trainer/settings/checkpoint_every", ""},
        {&s->run.keep, s->run.keep_typed != NULL, "state/trainer/settings/keep", ""},
    };
    for (size_t i = 0; c && i < sizeof kept / sizeof *kept; i++) {
        double value = reel_checkpoint_number(c, kept[i].path);
        if (isnan(value) && *kept[i].older) value = reel_checkpoint_number(c, kept[i].older);
        if (!kept[i].given && value >= 0 && value <= 1e15) *kept[i].to = value;
    }
    trainer_flags_adopt(&s->trainer, c);
    if (!s->average && reel_checkpoint_text(c, "state/average/kind", average, sizeof average)) s->average = average;
    /* What is wrong with the file is told when it is loaded. */
    reel_checkpoint_free(c);
    reel_error_clear(context);
}

/* Fills in what is to be trained; returns how many, 0 after wrong usage. */
static int choose(const moons_settings *s, reel_context *context, const char *name, optimizer_choice choices[RUNS_MOST])
{
    int count = 0;
    if (!s->compare) return optimizer_choose(s->set, context, &optimizers, name ? name : "sgd", &choices[0]);
    for (const optimizer_preset *p = presets; p->name && count < RUNS_MOST; p++)
        if (p->marked && !optimizer_choose(s->set, context, &optimizers, p->name, &choices[count++])) return 0;
    return count;
}

/* ---- the flags ---- */

static const words words_start = {.hidden = "8", .precision = "float"};
static const run_flags_kind run_kind = {.keep = 2, .other_data = true};
static words typed;
static moons_settings asked;
static const struct {
    double *to;
    const reel_hyper *row;
} defaults[] = {{&asked.samples, &samples_row},
                {&asked.noise, &noise_row},
                {&asked.data_seed, &data_seed_row},
                {&asked.seed, &seed_row},
                {&asked.epochs, &epochs_row}};

static const option_row data[] = {
    {.name = "samples", .number = &asked.samples, .hyper = &samples_row},
    {.name = "noise", .number = &asked.noise, .hyper = &noise_row},
    {.name = "validation", .number = &asked.validation, .hyper = &validation_row},
    {.name = "data-seed", .number = &asked.data_seed, .hyper = &data_seed_row},
};
static const option_row model[] = {
    {"hidden", "N[,N...]", "Sizes of the hidden layers; default 8.", .word = &typed.hidden},
    {"precision", "TYPE", "float or double; double starts from the same float points and weights.",
     .word = &typed.precision},
    {.name = "seed", .number = &asked.seed, .hyper = &seed_row, .given = &given.seed},
};
static const option_row steps[] = {
    {"optimizer", "NAME", "sgd (default), momentum, adam, adamw, ...: see below for their flags.",
     .word = &typed.optimizer},
    {.name = "batch", .number = &asked.batch, .hyper = &batch_row, .given = &given.batch},
};
static const option_row training[] = {
    {"compare", NULL, "Train with sgd, momentum and adam, from the same weights.", .set = &asked.compare},
    {"schedule", "SPEC", "How the rate changes, see below; default: not at all.", .word = &asked.run.schedule},
    {"average", "SPEC", "Average the parameters over the updates, see below; default: not.", .word = &asked.average},
    {.name = "epochs", .number = &asked.epochs, .hyper = &epochs_row, .given = &given.epochs},
};
static const option_row output[] = {
    {"out", "DIR", "Write losses.png, boundary.png, two-moons.json and checkpoints here.", .word = &asked.out},
    {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &asked.json},
    {"quiet", NULL, "No progress.", .set = &asked.quiet},
};
/* Settings of the trainer that have a flag of their own, or none. */
static const char *const own_flags[] = {
    "epochs",     "batch",           "seed",  "checkpoint_every", "keep", "durable", "accept_edited",
    "other_data", "other_optimizer", "prove", "steady_loss",      NULL};

/* Those that make data, model and optimizer. */
static const option_group makers[] = {
    {"data", OPTION_ROWS(data)}, {"model", OPTION_ROWS(model)}, {"optimizer and batches", OPTION_ROWS(steps)}};

static void start_flags(void)
{
    typed = words_start;
    asked = (moons_settings){.who = NULL};
    run_flags_init(&asked.run, &run_kind);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) *defaults[i].to = defaults[i].row->value;
    optimizer_flags_init(&optimizers, presets);
}

int train_two_moons(int argc, char **argv)
{
    start_flags();
    trainer_flags_init(&asked.trainer, own_flags);
    trainer_flags_default(&asked.trainer, "hashes", 1);
    const option_group groups[] = {makers[0],
                                   makers[1],
                                   makers[2],
                                   {"training", OPTION_ROWS(training)},
                                   {"trainer", asked.trainer.rows, asked.trainer.count},
                                   {"hyper-parameters", optimizers.rows, optimizers.count},
                                   {"checkpoints", asked.run.rows, RUN_FLAG_ROWS},
                                   {"output", OPTION_ROWS(output)}};
    const option_set set = {
        .command = "reel train two-moons",
        .text =
            "Trains a network on two interleaved half circles: linear layers with ReLU between, binary cross-entropy.",
        .example = "reel train two-moons --optimizer adam --lr 0.02 --schedule cosine --out out",
        .groups = groups,
        .group_count = sizeof groups / sizeof *groups,
        .more = print_more};
    asked.who = set.command;
    asked.set = &set;
    reel_context *context = reel_context_new(NULL);
    optimizer_choice choices[RUNS_MOST];
    int first = options_parse(&set, context, argc, argv), count = 0;
    if (first >= 0 && read_words(&asked, context, &typed)) {
        const char *wrong = conflict(&asked, &typed);
        if (!wrong && asked.run.resume && !asked.compare) adopt(&asked, context, &typed.optimizer);
        if (wrong)
            option_fail(&set, "%s", wrong);
        else
            count = choose(&asked, context, typed.optimizer, choices);
    }
    reel_context_free(context);
    int status = first < 0 ? -1 - first : count == 0 ? EXIT_USAGE : train(&asked, choices, count);
    return finish_output(set.command, status);
}

void moons_recipe(reel_trainer *trainer, const char *optimizer)
{
    typed.optimizer = optimizer; /* of a comparison, too, in which none was typed */
    recipe_set(trainer, "two-moons", makers, (int)(sizeof makers / sizeof *makers), NULL);
}

/* ---- the flags, for other commands ---- */

static void print_optimizers(FILE *file)
{
    optimizer_flags_help(&optimizers, file);
}

int moons_flags(option_set *set, const option_group *own, int argc, char **argv, moons_settings *settings,
                optimizer_choice *choice)
{
    start_flags();
    const option_group groups[] = {
        makers[0], makers[1], makers[2], {"hyper-parameters", optimizers.rows, optimizers.count}, own[0], own[1]};
    set->groups = groups;
    set->group_count = sizeof groups / sizeof *groups;
    set->more = print_optimizers;
    asked.who = set->command;
    asked.set = set;
    asked.quiet = true;
    reel_context *context = reel_context_new(NULL);
    int first = options_parse(set, context, argc, argv), status = first < 0 ? -1 - first : EXIT_USAGE;
    bool right = first >= 0 && read_words(&asked, context, &typed);
    const char *wrong = right ? conflict(&asked, &typed) : NULL;
    if (wrong) option_fail(set, "%s", wrong);
    right = right && !wrong && choose(&asked, context, typed.optimizer, choice) == 1;
    reel_context_free(context);
    set->groups = NULL;
    set->group_count = 0;
    *settings = asked;
    return right ? -1 : status;
}
