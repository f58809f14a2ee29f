/* SPDX-License-Identifier: MIT
 *
 * The Gaussian image as a built-in model, for the commands that measure one.
 */
#include "fit/fit.h"

#include "optimizer_flags.h"

#include <stdlib.h>

static void free_own(void *own)
{
    fit_run *r = own;
    reel_context_free(r->context);
    chart_free(&r->losses);
    free(r);
}

static optimizer_flags optimizers;

static void print_more(FILE *file)
{
    optimizer_flags_help(&optimizers, file);
}

/* Reads the flags; -1, or the exit status. */
static int read_flags(const build_request *q, reel_context *context, fit_choice *choice, optimizer_choice *optimizer)
{
    static const optimizer_preset presets[] = {{"adam", "adam", {{"lr", FIT_RATE}}, false},
                                               {NULL, NULL, {{NULL, 0}}, false}};
    static const char *name;
    const option_row rows[] = {
        {"optimizer", "NAME", "Kind of optimizer, adam by default: see below for their flags.", .word = &name},
        image_fit_seed_row()};
    option_group groups[FIT_GROUPS + 3];
    name = "adam";
    image_fit_flags_init();
    optimizer_flags_init(&optimizers, presets);
    image_fit_groups(groups);
    groups[2] = (option_group){"training", rows, 2}; /* in the place of output */
    groups[3] = (option_group){"hyper-parameters", optimizers.rows, optimizers.count};
    groups[4] = q->own[0];
    groups[5] = q->own[1];
    q->set->groups = groups;
    q->set->group_count = FIT_GROUPS + 3;
    q->set->operands = "IMAGE";
    q->set->least = q->set->most = 1;
    q->set->more = print_more;
    int first = options_parse(q->set, context, q->argc, q->argv), status = first < 0 ? -1 - first : -1;
    const char *wrong = status < 0 ? image_fit_read(&image_fit_asked, choice) : NULL;
    if (wrong) status = option_fail(q->set, "%s", wrong);
    if (status < 0 && !optimizer_choose(q->set, context, &optimizers, name, optimizer)) status = EXIT_USAGE;
    if (status < 0) image_fit_asked.image = q->argv[first];
    q->set->groups = NULL;
    q->set->group_count = 0;
    return status;
}

int image_fit_model_build(const build_request *q, built_model *m)
{
    fit_choice choice;
    optimizer_choice optimizer;
    fit_run *r = calloc(1, sizeof *r);
    if (!r) return complain(q->set->command, "out of memory"), EXIT_FAILED;
    r->context = reel_context_new(NULL);
    m->own = r;
    m->free_own = free_own;
    int status = read_flags(q, r->context, &choice, &optimizer);
    if (status >= 0) return status;
    if (!image_fit_build(r, &image_fit_asked, &choice, r->context)) return complain_of(q->set->command, r->context);
    r->optimizer = optimizer_build(r->params, &optimizer);
    image_fit_trainer_new(r);
    m->trainer = r->trainer;
    m->optimizer = r->optimizer;
    m->context = r->context;
    snprintf(m->title, sizeof m->title, "Gaussian image");
    snprintf(m->rows, sizeof m->rows, "images");
    snprintf(m->loss, sizeof m->loss, "%.60s", image_fit_asked.loss);
    snprintf(m->choice, sizeof m->choice, "%s", optimizer.name);
    return reel_failed(r->context) ? complain_of(q->set->command, r->context) : -1;
}
