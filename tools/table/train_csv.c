/* SPDX-License-Identifier: MIT
 *
 * `reel train csv`, also `reel train --csv FILE`: a classifier or a regression on a table.
 */
#include "table/csv_model.h"

#include "signals.h"
#include "training_args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static csv_settings asked;
static const option_row output[] = {
    {"out", "DIR", "Write losses.png, confusion.png or residuals.png, csv.json and checkpoints here.",
     .word = &asked.out},
    {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &asked.json},
    {"quiet", NULL, "No progress.", .set = &asked.quiet},
};

static void print_more(void)
{
    putchar('\n');
    option_words(
        stdout, 0, 0,
        "Unless flags or a checkpoint say otherwise: --optimizer adam --lr 0.01 --epochs 200 --batch 32 --seed 42, "
        "--patience 20 where there are rows for validation, a checkpoint every tenth of the run. The seed is that "
        "of the split, of the initial weights (PyTorch's stream) and of the batches.");
    putchar('\n');
    option_words(stdout, 0, 0, SIGNALS_HELP);
    putchar('\n');
    metrics_help(
        stdout, "\"csv\", \"target\", \"task\", \"hidden\", \"activation\", \"loss_function\", \"precision\", "
                "\"seed\", \"optimizer\", "
                "\"schedule\", \"trainer\" (its settings), \"ended\" (why), \"steps\", \"judged_epoch\" (0: the last), "
                "\"best_validation_loss\", \"inputs\"; \"columns\", each with \"name\", \"role\", \"missing\", "
                "\"mean\", \"deviation\", "
                "\"categories\", \"fill\", as learned of the rows of training; \"split\", the numbers of the rows of "
                "\"training\", "
                "\"validation\" and \"test\", from 0, and \"left_out\", how many have no target; \"epoch_loss\", means "
                "over the steps "
                "of each epoch, and \"epoch_validation_loss\"; and \"training\", \"validation\" and \"test\" with");
    printf("\nexample: reel train --csv datasets/iris.csv --target species --hidden 32,16 --patience 20 --out out\n");
}

static const char who[] = "reel train csv";
static const training_command this_command = {
    .name = who,
    .text =
        "Trains a network on a table of one's own, a CSV file: a classifier with softmax and cross-entropy, or a "
        "regression. Columns are standardised, texts become one input a category, missing values are filled in, all "
        "with what the rows of training say.",
    .out = &asked.out,
    .resume = "--resume auto",
    .more = print_more};

/* ---- flags ---- */

/* `--resume FILE` is `--resume=FILE`. Copies argv, with a name for help; the caller's to free, words too. */
static char **own_arguments(int argc, char **argv, int *count)
{
    char **own = calloc((size_t)argc + 1, sizeof *own);
    *count = 0;
    for (int i = 0; own && i < argc; i++) {
        bool joined = strcmp(argv[i], "--resume") == 0 && i + 1 < argc && argv[i + 1][0] != '-';
        size_t size = strlen(argv[i]) + (joined ? strlen(argv[i + 1]) : 0) + sizeof who;
        char *word = own[(*count)++] = malloc(size);
        if (word) snprintf(word, size, "%s%s%s", i == 0 ? who : argv[i], joined ? "=" : "", joined ? argv[i + 1] : "");
        i += joined;
    }
    return own;
}

static void free_arguments(char **own, int count)
{
    for (int i = 0; own && i < count; i++) free(own[i]);
    free(own);
}

static reel_args *read_flags(reel_context *context, int argc, char **argv)
{
    static option_group groups[CSV_GROUPS + 1];
    csv_groups(&asked, groups);
    groups[CSV_GROUPS] = (option_group){"output", OPTION_ROWS(output)};
    return training_args_new(&this_command, context, argc, argv, groups, CSV_GROUPS + 1);
}

/* Flags that are not given are those of the checkpoint that is to be resumed. Returns -1, or the exit status. */
static int adopt(reel_context *context, reel_args **args, int argc, char **argv)
{
    char recipe[RECIPE_SIZE];
    const char *path;
    const reel_checkpoint *c = reel_args_checkpoint(NULL, *args, &path);
    if (reel_failed(context)) return complain_of(who, context);
    if (!c) return -1;
    if (!reel_checkpoint_text(c, "state/trainer/recipe", recipe, sizeof recipe)) return -1;
    if (!csv_recipe_read(context, &asked, recipe)) {
        complain(who, "%s is no checkpoint of a training on a table", path);
        return EXIT_FAILED;
    }
    *args = read_flags(context, argc, argv);
    return training_args_read(&this_command, *args);
}

/* ---- training ---- */

typedef struct watching {
    csv_run *run;
    csv_curve *curve;
    reel_progress *progress;
    int64_t steps_per_epoch;
} watching;

static void observe(const reel_event *event, void *user)
{
    watching *w = user;
    if (event->kind == REEL_EVENT_STEP && w->steps_per_epoch > 0) {
        bool whole = event->step % w->steps_per_epoch == 0;
        csv_curve_add(w->curve, (event->step - 1) / w->steps_per_epoch, event->loss, whole ? event->validation : NAN);
        if (whole) csv_run_watch(w->run, event->step / w->steps_per_epoch, event->validation);
    }
    reel_progress_observe(event, w->progress);
}

/* Trainer and optimizer with everything that was given. */
static bool set_up(csv_run *r, reel_args *args)
{
    r->optimizer = reel_args_optimizer(NULL, args, r->params, "adam", CSV_RATE);
    if (!r->optimizer || !csv_run_trainer(r)) return false;
    reel_trainer_set(NULL, r->trainer, "epochs", 200);
    reel_trainer_set(NULL, r->trainer, "batch", 32);
    if (r->validation) reel_trainer_set(NULL, r->trainer, "patience", 20);
    reel_trainer_set(NULL, r->trainer, "seed", asked.seed);
    if (reel_args_apply(NULL, args, r->trainer) != REEL_OK) return false;
    double tenth = ceil((double)reel_trainer_steps(r->trainer) / 10);
    if (reel_trainer_get(r->trainer, "checkpoint_every") == 0 && !reel_args_given(args, "every") && tenth > 0)
        reel_trainer_set(NULL, r->trainer, "checkpoint_every", tenth);
    csv_recipe_set(r, &asked);
    return !reel_failed(r->context);
}

static bool measure(csv_results *results, csv_run *r)
{
    if (r->best && r->best_epoch > 0 && !r->settings->last) {
        reel_params_copy(NULL, r->params, r->best);
        results->judged_epoch = r->best_epoch;
    }
    return metrics_measure(&results->train, r->context, r->preparation, r->net, r->train, r->precision) &&
           (!r->validation ||
            metrics_measure(&results->validation, r->context, r->preparation, r->net, r->validation, r->precision)) &&
           (!r->test || metrics_measure(&results->test, r->context, r->preparation, r->net, r->test, r->precision));
}

static int write_results(csv_results *results, const char *folder, FILE *report)
{
    if (!asked.json && !asked.out) return EXIT_DONE;
    if (folder && !csv_curve_read(&results->curve, who, folder)) return EXIT_FAILED;
    cJSON *numbers = csv_numbers(results);
    bool right = json_write_results(who, asked.out, "csv.json", asked.json, numbers);
    cJSON_Delete(numbers);
    if (!right) return EXIT_FAILED;
    if (!asked.out) return EXIT_DONE;
    const char *title, *const pictures[] = {"losses", metrics_picture_name(csv_judged(results, &title))};
    return plot_tell(report, csv_draw(results), asked.out, pictures, 2, false, "csv.json");
}

static int finish(csv_run *r, csv_curve *curve, const reel_args *args, double prove, FILE *report)
{
    const char *folder = reel_args_given(args, "checkpoint-dir");
    csv_results results = {.run = r, .curve = *curve, .steps = reel_trainer_step(r->trainer)};
    reel_trainer_stop_reason(r->trainer, &results.ended);
    if (prove > 0 && reel_trainer_prove(NULL, r->trainer, (int64_t)prove, &results.proof) != REEL_OK)
        return complain_of(who, r->context);
    int status = EXIT_FAILED;
    if (measure(&results, r)) {
        csv_report(&results, report);
        status = write_results(&results, folder, report);
    } else {
        status =
            signals_caught() ? training_args_stopped(&this_command, args, r->trainer) : complain_of(who, r->context);
    }
    metrics_free(&results.train);
    metrics_free(&results.validation);
    metrics_free(&results.test);
    *curve = results.curve;
    if (status == EXIT_DONE && folder) fprintf(report, "%s: checkpoints\n", folder);
    return status;
}

static int run(csv_run *r, const reel_args *args, FILE *report)
{
    csv_curve curve = {NULL, NULL, NULL, 0, 0};
    int64_t epochs = (int64_t)reel_trainer_get(r->trainer, "epochs");
    watching w = {
        .run = r, .curve = &curve, .steps_per_epoch = epochs > 0 ? reel_trainer_steps(r->trainer) / epochs : 0};
    double prove = reel_trainer_get(r->trainer, "prove"); /* done here, for its sentence */
    reel_trainer_set(NULL, r->trainer, "prove", 0);
    if (!asked.quiet) w.progress = reel_progress_new(NULL, r->context, stderr);
    reel_trainer_set_observer(r->trainer, observe, &w);
    signals_watch(r->trainer);
    reel_status ended = reel_trainer_run(NULL, r->trainer);
    signals_watch(NULL);
    int status = training_args_ended(&this_command, args, r->context, r->trainer, ended);
    if (status < 0) status = finish(r, &curve, args, prove, report);
    csv_curve_free(&curve);
    return status;
}

static int train(reel_context *context, reel_args *args)
{
    csv_run r;
    const char *path = "";
    FILE *report = asked.json && strcmp(asked.json, "-") == 0 ? stderr : stdout;
    bool resumed = reel_args_checkpoint(NULL, args, &path) != NULL;
    bool others = resumed && reel_args_given(args, "force");
    if (asked.out && !make_folder(who, asked.out)) return EXIT_FAILED;
    if (asked.json && !json_probe(who, asked.json)) return EXIT_FAILED;
    signals_install();
    if (!csv_run_build(&r, &asked, context, others ? path : NULL)) return complain_of(who, context);
    if (!set_up(&r, args)) return complain_of(who, context);
    return run(&r, args, report);
}

int train_csv(int argc, char **argv)
{
    int count, status;
    char **own = own_arguments(argc, argv, &count);
    csv_settings_init(&asked, who);
    reel_context *context = reel_context_new(NULL);
    reel_args *args = read_flags(context, count, own);
    status = training_args_read(&this_command, args);
    if (status < 0) status = adopt(context, &args, count, own);
    if (status < 0) status = training_args_seed(&this_command, context, args, &csv_seed_row, &asked.seed);
    const char *wrong = status < 0 ? csv_settings_check(&asked) : NULL;
    if (wrong) status = training_args_fail(&this_command, wrong);
    if (status < 0) status = train(context, args);
    reel_context_free(context);
    free_arguments(own, count);
    return finish_output(who, status);
}
