/* SPDX-License-Identifier: MIT
 *
 * A net on a table as a built-in model: its recipe, and building it again.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "table/csv_model.h"

#include "model/recipe.h"
#include "optimizer_flags.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *optimizer_name;

/* The groups of a recipe: those of the settings, and what else makes the run. */
enum { RECIPE_GROUPS = CSV_GROUPS + 1 };
static void recipe_groups(csv_settings *s, option_group groups[RECIPE_GROUPS])
{
    static option_row more[2];
    csv_groups(s, groups);
    more[0] = (option_row){"optimizer", "NAME", "Kind of optimizer, by default adam: see below for their flags.",
                           .word = &optimizer_name};
    more[1] = (option_row){.name = "seed", .number = &s->seed, .hyper = &csv_seed_row};
    groups[CSV_GROUPS] = (option_group){"training", more, 2};
}

/* The path is made absolute, so that the recipe can be followed from elsewhere. */
void csv_recipe_set(csv_run *r, csv_settings *s)
{
    option_group groups[RECIPE_GROUPS];
    const char *typed = s->table.csv;
    char *absolute = realpath(typed, NULL);
    optimizer_name = reel_optimizer_kind(r->optimizer)->name;
    if (absolute) s->table.csv = absolute;
    recipe_groups(s, groups);
    recipe_set(r->trainer, "csv", groups, RECIPE_GROUPS, NULL);
    s->table.csv = typed;
    free(absolute);
}

bool csv_recipe_read(reel_context *context, csv_settings *s, const char *recipe)
{
    static char kept[RECIPE_SIZE]; /* the words of the settings stand in it */
    char *words[RECIPE_WORDS + 1], wrong[REEL_FLAGS_TEXT];
    option_group groups[RECIPE_GROUPS];
    snprintf(kept, sizeof kept, "%s", recipe);
    int count = recipe_split(kept, words);
    if (count < 1 || strcmp(words[0], "csv") != 0) return false;
    recipe_groups(s, groups);
    const reel_flag_set set = {.command = "recipe", .text = "", .groups = groups, .group_count = RECIPE_GROUPS};
    return reel_flags_read(context, &set, count, words, wrong) >= 0;
}

/* ---- for other commands ---- */

typedef struct csv_own {
    csv_settings settings;
    csv_run run;
    reel_context *context;
} csv_own;

static void free_own(void *own)
{
    reel_context_free(((csv_own *)own)->context);
    free(own);
}

static optimizer_flags optimizers;

static void print_optimizers(FILE *file)
{
    optimizer_flags_help(&optimizers, file);
}

/* Reads the flags; -1, or the exit status. */
static int read_flags(const build_request *q, reel_context *context, csv_settings *s, double *batch,
                      optimizer_choice *choice)
{
    static const reel_hyper batch_row = {.name = "batch",
                                         .text = "rows a batch; 0: all of them",
                                         .value = 0,
                                         .most = 9007199254740992,
                                         .kind = REEL_HYPER_WHOLE};
    static const optimizer_preset presets[] = {{"adam", "adam", {{"lr", CSV_RATE}}, false},
                                               {NULL, NULL, {{NULL, 0}}, false}};
    option_group groups[RECIPE_GROUPS + 4];
    const option_row steps[] = {{.name = "batch", .number = batch, .hyper = &batch_row}};
    optimizer_name = "adam";
    recipe_groups(s, groups);
    optimizer_flags_init(&optimizers, presets);
    groups[RECIPE_GROUPS] = (option_group){"steps", steps, 1};
    groups[RECIPE_GROUPS + 1] = (option_group){"hyper-parameters", optimizers.rows, optimizers.count};
    groups[RECIPE_GROUPS + 2] = q->own[0];
    groups[RECIPE_GROUPS + 3] = q->own[1];
    q->set->groups = groups;
    q->set->group_count = RECIPE_GROUPS + 4;
    q->set->more = print_optimizers;
    int first = options_parse(q->set, context, q->argc, q->argv), status = first < 0 ? -1 - first : -1;
    const char *wrong = first >= 0 ? csv_settings_check(s) : NULL;
    if (wrong) status = option_fail(q->set, "%s", wrong);
    if (status < 0 && !optimizer_choose(q->set, context, &optimizers, optimizer_name, choice)) status = EXIT_USAGE;
    q->set->groups = NULL;
    q->set->group_count = 0;
    return status;
}

static void fill(const csv_run *r, const csv_settings *s, const char *choice, built_model *m)
{
    const char *slash = strrchr(s->table.csv, '/');
    m->trainer = r->trainer;
    m->optimizer = r->optimizer;
    snprintf(m->title, sizeof m->title, "%.50s", slash ? slash + 1 : s->table.csv);
    snprintf(m->rows, sizeof m->rows, "rows");
    csv_loss_text(r, m->loss);
    snprintf(m->choice, sizeof m->choice, "%.60s", choice);
}

int csv_build(const build_request *q, built_model *m)
{
    csv_own *own = calloc(1, sizeof *own);
    optimizer_choice choice;
    double batch = 0;
    if (!own) return complain(q->set->command, "out of memory"), EXIT_FAILED;
    m->own = own;
    m->free_own = free_own;
    m->context = own->context = reel_context_new(NULL);
    csv_settings_init(&own->settings, q->set->command);
    int status = read_flags(q, own->context, &own->settings, &batch, &choice);
    if (status >= 0) return status;
    csv_run *r = &own->run;
    if (csv_run_build(r, &own->settings, own->context, NULL)) r->optimizer = optimizer_build(r->params, &choice);
    if (!reel_failed(own->context) && csv_run_trainer(r)) {
        reel_trainer_set(NULL, r->trainer, "batch", batch);
        reel_trainer_set(NULL, r->trainer, "seed", own->settings.seed);
    }
    if (reel_failed(own->context)) return complain_of(q->set->command, own->context);
    fill(r, &own->settings, choice.name, m);
    return -1;
}
