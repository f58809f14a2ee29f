/* SPDX-License-Identifier: MIT
 *
 * `reel fit`: flags, training, what is written at the end.
 */
#include "fit/fit.h"

#include "runlog.h"
#include "signals.h"
#include "training_args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char who[] = "reel fit";
static const training_command this_command = {
    .name = who,
    .text = "Fits an image by Gaussians: position, scale, rotation, colour and opacity of each are trained until their "
            "rendering looks like it.",
    .operand = "IMAGE",
    .out = &image_fit_asked.out,
    .resume = "--resume",
    .more = image_fit_more_help};

static reel_args *read_flags(reel_context *context, int argc, char **argv)
{
    static option_group groups[FIT_GROUPS];
    image_fit_groups(groups);
    return training_args_new(&this_command, context, argc, argv, groups, FIT_GROUPS);
}

/* Flags that are not given are those of the checkpoint that is to be resumed. Returns -1, or the exit status. */
static int adopt(reel_context *context, reel_args **args, int argc, char **argv)
{
    char recipe[RECIPE_SIZE];
    const char *path;
    const reel_checkpoint *c = reel_args_checkpoint(NULL, *args, &path);
    if (reel_failed(context)) return complain_of(who, context);
    if (!c) return -1;
    if (!reel_checkpoint_text(c, "state/trainer/recipe", recipe, sizeof recipe) ||
        !image_fit_recipe_read(context, recipe)) {
        complain(who, "%s is a checkpoint of another model, expected one of %s", path, who);
        return EXIT_FAILED;
    }
    *args = read_flags(context, argc, argv);
    return training_args_read(&this_command, *args);
}

/* The losses of all updates, from the log, which a run that was resumed goes on with. */
static bool read_losses(fit_run *r, const char *folder)
{
    runlog_list logs = {NULL, 0};
    if (reel_trainer_step(r->trainer) == 0) return true; /* there is none */
    if (!runlog_read(&logs, who, folder)) return false;
    const log_column *step = runlog_column(&logs.items[0], "step"), *loss = runlog_column(&logs.items[0], "loss");
    series *s = chart_add(&r->losses, "loss");
    for (int64_t i = 0; s && step && loss && i < logs.items[0].lines; i++)
        if (step->numbers[i] != ABSENT) series_add(&r->losses, s, step->numbers[i] - 1, &loss->numbers[i]);
    runlog_list_free(&logs);
    return true;
}

static int write_results(fit_run *r, FILE *report)
{
    const fit_settings *s = r->settings;
    if (!s->json && !s->out) return EXIT_DONE;
    cJSON *numbers = image_fit_numbers(r);
    bool right = json_write_results(who, s->out, "fit.json", s->json, numbers);
    cJSON_Delete(numbers);
    if (!right) return EXIT_FAILED;
    if (!s->out) return EXIT_DONE;
    if (!image_fit_draw(r, s->out)) return complain_of(who, r->context);
    fprintf(report, "%s: rendering.png, error.png, ellipses.png, fit.json\n", s->out);
    chart_extent extent;
    if (!chart_extent_of(&r->losses, -1, &extent)) return EXIT_DONE;
    char title[256];
    snprintf(title, sizeof title, "%.100s, %lld Gaussians: loss", s->image, (long long)r->choice.model.count);
    r->losses.title = title;
    plot_result drawn = chart_draw(&r->losses, who, s->out, "losses");
    return plot_tell(report, drawn, s->out, (const char *const[]){"losses"}, 1, false, "losses.dat");
}

static int finish(fit_run *r, const char *folder, FILE *report)
{
    double proof = reel_trainer_get(r->trainer, "prove");
    reel_proof proven = {.text = ""};
    if (proof > 0 && reel_trainer_prove(NULL, r->trainer, (int64_t)proof, &proven) != REEL_OK)
        return complain_of(who, r->context);
    if (!image_fit_measure(r)) return complain_of(who, r->context);
    if (folder && (r->settings->out || r->settings->json) && !read_losses(r, folder)) return EXIT_FAILED;
    image_fit_print(r, report);
    if (*proven.text) fprintf(report, "%s\n", proven.text);
    int status = write_results(r, report);
    if (status == EXIT_DONE && folder) fprintf(report, "%s: checkpoints\n", folder);
    return status;
}

static int run(fit_run *r, reel_args *args, FILE *report)
{
    const char *folder = reel_args_given(args, "checkpoint-dir");
    fit_progress progress = image_fit_progress_new(r, !folder && (r->settings->out || r->settings->json));
    reel_trainer_set_observer(r->trainer, image_fit_observe, &progress);
    signals_watch(r->trainer);
    reel_status ended = reel_trainer_run(NULL, r->trainer);
    signals_watch(NULL);
    image_fit_progress_end(&progress);
    int status = training_args_ended(&this_command, args, r->context, r->trainer, ended);
    if (status >= 0) return status;
    return finish(r, folder, report);
}

static int fit(reel_context *context, reel_args *args)
{
    fit_run r;
    fit_choice choice;
    const char *wrong = image_fit_read(&image_fit_asked, &choice);
    FILE *report = image_fit_asked.json && strcmp(image_fit_asked.json, "-") == 0 ? stderr : stdout;
    if (wrong) return training_args_fail(&this_command, wrong);
    if (!image_fit_build(&r, &image_fit_asked, &choice, context)) return complain_of(who, context);
    if (image_fit_asked.out && !make_folder(who, image_fit_asked.out)) return EXIT_FAILED;
    if (image_fit_asked.json && !json_probe(who, image_fit_asked.json)) return EXIT_FAILED;
    signals_install();
    int status = image_fit_trainer(&r, args) ? run(&r, args, report) : complain_of(who, context);
    chart_free(&r.losses);
    return status;
}

int command_fit(int argc, char **argv)
{
    static const reel_hyper seed_row = {.name = "seed", .most = 9007199254740992.0, .kind = REEL_HYPER_WHOLE};
    char name[] = "reel fit";
    int status;
    if (argc > 0) argv[0] = name;
    image_fit_flags_init();
    reel_context *context = reel_context_new(NULL);
    reel_args *args = read_flags(context, argc, argv);
    status = training_args_read(&this_command, args);
    if (status < 0) status = adopt(context, &args, argc, argv);
    if (status < 0 && reel_args_operand(args, 0)) image_fit_asked.image = reel_args_operand(args, 0);
    if (status < 0) status = training_args_seed(&this_command, context, args, &seed_row, &image_fit_asked.seed);
    if (status < 0 && !image_fit_asked.image) status = training_args_fail(&this_command, "an image is missing");
    if (status < 0) status = fit(context, args);
    reel_context_free(context);
    return finish_output(who, status);
}
