/* SPDX-License-Identifier: MIT
 *
 * The table of built-in models, and building one again from a checkpoint.
 */
#include "model/recipe.h"

#include <math.h>
#include <string.h>

const model_row model_rows[] = {
    {"two-moons", "The network that tells two interleaved half circles apart.", two_moons_build, two_moons_guess},
    {"fit", "An image as a sum of Gaussians.", image_fit_model_build, NULL},
    {"csv", "A network on a table of one's own.", csv_build, NULL},
    {NULL, NULL, NULL, NULL},
};

const model_row *model_find(const char *name)
{
    for (const model_row *row = model_rows; row->name; row++)
        if (strcmp(row->name, name) == 0) return row;
    return NULL;
}

void model_free(built_model *m)
{
    if (m->free_own)
        m->free_own(m->own);
    else
        reel_context_free(m->context);
    *m = (built_model){.context = NULL};
}

static bool own_recipe(checkpoint_view *v, char recipe[RECIPE_SIZE])
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.900s/recipe", v->trainer);
    if (*v->trainer && reel_checkpoint_text(v->checkpoint, path, recipe, RECIPE_SIZE)) return true;
    for (const model_row *row = model_rows; row->name; row++)
        if (row->guess && row->guess(v, recipe)) return true;
    return false;
}

static bool find_recipe(checkpoint_view *v, const char *given, char recipe[RECIPE_SIZE], char why[TEXT_SIZE])
{
    bool flags = given && *given == '-'; /* they come last, and win */
    snprintf(why, TEXT_SIZE, "it holds no recipe, and no built-in model has this form");
    if (given && !flags) return snprintf(recipe, RECIPE_SIZE, "%s", given) < RECIPE_SIZE;
    if (!own_recipe(v, recipe)) return false;
    size_t used = strlen(recipe);
    return !flags || snprintf(recipe + used, RECIPE_SIZE - used, " %s", given) < (int)(RECIPE_SIZE - used);
}

static int build(const char *who, char *recipe, built_model *m, char why[TEXT_SIZE])
{
    char *words[RECIPE_WORDS + 1];
    int count = recipe_split(recipe, words);
    const model_row *row = count > 0 ? model_find(words[0]) : NULL;
    if (!row) {
        snprintf(why, TEXT_SIZE, "its recipe, \"%.200s\", is of no built-in model", count > 0 ? words[0] : "");
        return EXIT_FAILED;
    }
    static const option_group none[2] = {{"", NULL, 0}, {"", NULL, 0}};
    option_set set = {.command = who, .text = "", .example = ""};
    int status = row->build(&(build_request){&set, none, count, words}, m);
    if (status >= 0) snprintf(why, TEXT_SIZE, "its recipe cannot be followed");
    return status;
}

/* What a resume has to find as the checkpoint has it. */
static void take_settings(const checkpoint_view *v, reel_trainer *trainer)
{
    static const char *const names[] = {"batch", "seed", "accumulate"};
    char base[PATH_SIZE];
    snprintf(base, sizeof base, "%.900s/settings", v->trainer);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double value = view_number(v, base, names[i]);
        if (isnan(value)) value = view_number(v, v->trainer, names[i]); /* an older file */
        if (!isnan(value)) reel_trainer_set(NULL, trainer, names[i], value);
    }
    /* A run of no epochs takes no step: it prepares streams and moments and reads the file. */
    reel_trainer_set(NULL, trainer, "epochs", 0);
    reel_trainer_set(NULL, trainer, "accept_edited", 1);
}

/* The file holds the values and the hyper-parameters of an average, but it must be there. */
static void take_average(const checkpoint_view *v, built_model *m)
{
    char kind[TEXT_SIZE];
    if (!view_text(v, "state/average", "kind", kind) || reel_trainer_average(m->trainer)) return;
    reel_average *a = reel_average_parse(NULL, reel_optimizer_params(m->optimizer), kind);
    if (a) reel_trainer_set_average(NULL, m->trainer, a);
}

/* A resume keeps the checkpoint's schedule; one of a length of its own must be known before. */
static void take_schedule(checkpoint_view *v, built_model *m)
{
    char path[PATH_SIZE], spec[TEXT_SIZE];
    snprintf(path, sizeof path, "%.900s/groups/0/schedule", v->optimizer);
    if (!view_text(v, path, "spec", spec) || !*spec) return;
    double horizon = view_number(v, path, "horizon");
    reel_schedule *s = reel_schedule_parse(NULL, m->context, spec, horizon > 0 ? (int64_t)horizon : 0);
    if (s) reel_optimizer_set_schedule(NULL, m->optimizer, s);
}

rebuilt model_rebuild(checkpoint_view *v, const char *who, const char *path, const char *given, built_model *m,
                      char why[TEXT_SIZE])
{
    char recipe[RECIPE_SIZE] = "";
    *m = (built_model){.context = NULL};
    if (!find_recipe(v, given, recipe, why)) return REBUILT_NOT;
    int status = build(who, recipe, m, why);
    if (status >= 0) return m->context && reel_failed(m->context) ? REBUILT_FAILED : REBUILT_NOT;
    take_settings(v, m->trainer);
    take_schedule(v, m);
    take_average(v, m);
    reel_trainer_resume_file(NULL, m->trainer, path);
    if (reel_trainer_run(NULL, m->trainer) == REEL_OK) {
        why[0] = '\0';
        return REBUILT;
    }
    snprintf(why, TEXT_SIZE, "%s", reel_error_text(m->context));
    return REBUILT_NOT;
}
