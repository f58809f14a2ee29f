/* SPDX-License-Identifier: MIT
 *
 * The lab: training, recording, the plane.
 */
#include "landscape/lab.h"
#include "optimizer_flags.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- training ---- */

enum { WORDS_MOST = 24 };

/* The words that build the model with this optimizer, and rate unless it is NaN. */
static int words_of(const landscape_settings *s, const char *optimizer, double rate, char numbers[2][NUMBER_SIZE],
                    char *words[WORDS_MOST])
{
    const struct {
        const char *flag, *value;
    } flags[] = {{"--samples", s->samples},
                 {"--noise", s->noise},
                 {"--data-seed", s->data_seed},
                 {"--hidden", s->hidden},
                 {"--precision", s->precision},
                 {"--batch", s->batch},
                 {"--seed", number_text(s->seed, REEL_DOUBLE, numbers[0])},
                 {"--optimizer", optimizer},
                 {"--lr", isnan(rate) ? NULL : number_text(rate, REEL_DOUBLE, numbers[1])}};
    int count = 0;
    words[count++] = (char *)(uintptr_t) "two-moons";
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!flags[i].value) continue;
        words[count++] = (char *)(uintptr_t)flags[i].flag;
        words[count++] = (char *)(uintptr_t)flags[i].value;
    }
    words[count] = NULL;
    return count;
}

static int build(lab *l, const char *optimizer, double rate)
{
    static const option_group none[2] = {{"", NULL, 0}, {"", NULL, 0}};
    char *words[WORDS_MOST], numbers[2][NUMBER_SIZE];
    option_set set = {.command = l->settings->who, .text = "", .example = ""};
    int count = words_of(l->settings, optimizer, rate, numbers, words);
    model_free(&l->model);
    int status = model_find("two-moons")->build(&(build_request){&set, none, count, words}, &l->model);
    return status < 0 ? EXIT_DONE : status;
}

static void record(const reel_event *event, void *user)
{
    const landscape_path *p = ((void **)user)[0];
    const reel_params *params = ((void **)user)[1];
    if (event->kind == REEL_EVENT_BEGIN || event->kind == REEL_EVENT_STEP) reel_trajectory_add(NULL, p->points, params);
}

static void name_path(landscape_path *p, const built_model *m, bool by_rate)
{
    static const char *const labels[][2] = {{"sgd", "SGD"}, {"momentum", "SGD + Momentum"}, {"adam", "Adam"}};
    char how[160], rate[NUMBER_SIZE];
    p->rate = reel_optimizer_get(m->optimizer, "lr");
    p->momentum = reel_optimizer_get(m->optimizer, "momentum");
    snprintf(p->name, sizeof p->name, "%s", m->choice);
    snprintf(p->label, sizeof p->label, "%s", m->choice);
    for (int i = 0; i < 3; i++)
        if (strcmp(labels[i][0], m->choice) == 0) snprintf(p->label, sizeof p->label, "%s", labels[i][1]);
    optimizer_describe(m->optimizer, how, sizeof how);
    snprintf(p->title, sizeof p->title, "%s %s", m->choice, how);
    if (by_rate) snprintf(p->title, sizeof p->title, "%s lr %s", m->choice, number_text(p->rate, REEL_DOUBLE, rate));
}

/* One training from the common start. Returns the exit status. */
static int train(lab *l, landscape_path *p, const char *optimizer, double rate, double epochs)
{
    int status = build(l, optimizer, rate);
    if (status != EXIT_DONE) return status;
    built_model *m = &l->model;
    reel_params *params = reel_optimizer_params(m->optimizer);
    void *both[] = {p, params};
    name_path(p, m, !isnan(rate));
    if (!path_begin(p, l->context, reel_params_size(params))) return complain_of(l->settings->who, l->context);
    reel_trainer_set(NULL, m->trainer, "epochs", epochs);
    reel_trainer_set_observer(m->trainer, record, both);
    signals_watch(m->trainer);
    reel_status ended = reel_trainer_run(NULL, m->trainer);
    signals_watch(NULL);
    reel_trainer_set_observer(m->trainer, NULL, NULL);
    if (ended == REEL_STOPPED && signals_caught()) return EXIT_SIGNAL + signals_caught();
    p->not_finite = ended == REEL_NOT_FINITE;
    if (p->not_finite) reel_error_clear(m->context); /* the path ends where numbers do */
    if (ended != REEL_OK && !p->not_finite) return complain_of(l->settings->who, m->context);
    if (reel_error_status(l->context) == REEL_NOT_FINITE) p->not_finite = true, reel_error_clear(l->context);
    if (reel_failed(l->context)) return complain_of(l->settings->who, l->context);
    return path_measure(p, l->settings->who, m) ? EXIT_DONE : EXIT_FAILED;
}

/* "sgd,momentum,adam" */
static int train_optimizers(lab *l)
{
    const landscape_settings *s = l->settings;
    int status = EXIT_DONE;
    for (const char *at = s->optimizers; status == EXIT_DONE && at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        if (l->run_count == PATHS_MOST) return option_fail(s->set, "--optimizers: %d at most", PATHS_MOST);
        for (int i = 0; i < l->run_count; i++)
            if (strcmp(l->runs[i].name, name) == 0) return option_fail(s->set, "--optimizers: %s is there twice", name);
        status = train(l, &l->runs[l->run_count], name, NAN, s->epochs);
        l->run_count += status == EXIT_DONE;
    }
    l->reference = l->run_count - 1;
    for (int i = 0; i < l->run_count; i++)
        if (strcmp(l->runs[i].name, "adam") == 0) l->reference = i;
    return status;
}

static int train_rates(lab *l)
{
    const landscape_settings *s = l->settings;
    int status = EXIT_DONE;
    for (int i = 0; i < s->rates && status == EXIT_DONE; i++) {
        status = train(l, &l->rates[i], "sgd", s->rate[i], s->rate_epochs);
        l->rate_count += status == EXIT_DONE;
    }
    return status;
}

/* ---- the plane ---- */

static int find_plane(lab *l)
{
    const char *who = l->settings->who;
    reel_trajectory *all[PATHS_MOST];
    for (int i = 0; i < l->run_count; i++) all[i] = l->runs[i].points;
    l->pca = reel_pca_new(NULL, l->context, 2, l->run_count, all);
    if (!l->pca) return complain_of(who, l->context);
    if (!(l->pca->variance[1] > 0)) {
        complain(who, "the points lie on a line: there is no plane; more epochs or another optimizer give one");
        return EXIT_FAILED;
    }
    for (int i = 0; i < l->run_count; i++)
        if (!path_project(&l->runs[i], who, l->pca)) return EXIT_FAILED;
    for (int i = 0; i < l->rate_count; i++)
        if (!path_project(&l->rates[i], who, l->pca)) return EXIT_FAILED;
    return EXIT_DONE;
}

/* A surface, and what it shows under the paths, at the ends of the runs to `ends`. */
static int make_surface(lab *l, landscape_surface *to, const double *origin, const char *name, double (*ends)[2])
{
    const landscape_settings *s = l->settings;
    const reel_plane plane = {origin, l->pca->components, l->pca->components + l->pca->size};
    snprintf(to->origin, sizeof to->origin, "%s", name);
    if (!surface_axes(to, s->who, (int)s->points, l->runs, l->run_count, s->margin)) return EXIT_FAILED;
    int status = surface_fill(to, s->who, &l->model, &plane, s->quiet);
    for (int i = 0; i < l->run_count && status == EXIT_DONE; i++) {
        landscape_path *p = &l->runs[i];
        if (!path_draw_on(p, s->who, &l->model, &plane)) return EXIT_FAILED;
        ends[i][0] = p->drawn[0];
        ends[i][1] = p->drawn[p->count - 1];
    }
    for (int i = 0; i < l->rate_count && status == EXIT_DONE; i++)
        if (!path_draw_on(&l->rates[i], s->who, &l->model, &plane)) return EXIT_FAILED;
    return status;
}

/* Both; the one that is shown comes last, so that the paths have what it shows. */
static int make_surfaces(lab *l)
{
    const landscape_path *reference = &l->runs[l->reference];
    const double *end = reel_trajectory_point(reference->points, reference->count - 1);
    char name[64];
    snprintf(name, sizeof name, "end of %.40s", reference->name);
    int status = EXIT_DONE;
    for (int turn = 0; turn < 2 && status == EXIT_DONE; turn++)
        status = (turn == 1) == l->settings->notebook
                     ? make_surface(l, &l->notebook, end, name, l->notebook_drawn)
                     : make_surface(l, &l->consistent, l->pca->mean, "mean", l->consistent_drawn);
    return status;
}

/* The part that the rates have seen, closer. */
static int make_closer(lab *l)
{
    const landscape_settings *s = l->settings;
    const landscape_path *reference = &l->runs[l->reference];
    const double *end = reel_trajectory_point(reference->points, reference->count - 1);
    const reel_plane plane = {s->notebook ? end : l->pca->mean, l->pca->components, l->pca->components + l->pca->size};
    if (l->rate_count == 0) return EXIT_DONE;
    memcpy(l->closer.origin, (s->notebook ? &l->notebook : &l->consistent)->origin, sizeof l->closer.origin);
    if (!surface_axes(&l->closer, s->who, (int)s->points, l->rates, l->rate_count, s->margin)) return EXIT_FAILED;
    return surface_fill(&l->closer, s->who, &l->model, &plane, s->quiet);
}

/* ---- what comes of it ---- */

static landscape_view view_of(const lab *l, const landscape_surface *surface, const landscape_path *paths, int count)
{
    const landscape_settings *s = l->settings;
    landscape_view v = {.who = s->who,
                        .folder = s->out,
                        .svg = s->svg,
                        .floating = s->notebook,
                        .loss = l->model.loss,
                        .surface = surface,
                        .paths = paths,
                        .count = count};
    snprintf(v.title, sizeof v.title, "%s: paths from circle to diamond; origin of the surface: %s%s", l->model.title,
             surface->origin, s->notebook ? ", of the paths: mean" : "");
    snprintf(v.a_label, sizeof v.a_label, "first component (%.1f %% of the variance)", 100 * l->pca->share[0]);
    snprintf(v.b_label, sizeof v.b_label, "second component (%.1f %%)", 100 * l->pca->share[1]);
    return v;
}

static int report(lab *l)
{
    static const char *const names[] = {"landscape", "relief", "rates"};
    FILE *file = landscape_report(l->settings);
    cJSON *claims = cJSON_CreateArray();
    lab_print_notebook(file, l);
    lab_print_corrections(file, l);
    lab_claims(file, claims, l);
    cJSON *document = lab_numbers(l, claims);
    const landscape_surface *shown = l->settings->notebook ? &l->notebook : &l->consistent;
    const landscape_view views[3] = {view_of(l, shown, l->runs, l->run_count), view_of(l, shown, l->runs, l->run_count),
                                     view_of(l, &l->closer, l->rates, l->rate_count)};
    int status = landscape_write(l->settings, document, views, names, l->rate_count > 0 ? 3 : 2, file);
    cJSON_Delete(document);
    return status;
}

int landscape_lab(const landscape_settings *s)
{
    lab l = {.settings = s, .context = reel_context_new(NULL)};
    int status = train_optimizers(&l);
    if (status == EXIT_DONE) status = train_rates(&l);
    if (status == EXIT_DONE) status = find_plane(&l);
    if (status == EXIT_DONE) status = make_surfaces(&l);
    if (status == EXIT_DONE) status = make_closer(&l);
    if (status == EXIT_DONE) status = report(&l);
    for (int i = 0; i < PATHS_MOST; i++) {
        path_free(&l.runs[i]);
        path_free(&l.rates[i]);
    }
    surface_free(&l.consistent);
    surface_free(&l.notebook);
    surface_free(&l.closer);
    reel_context_free(l.context);
    model_free(&l.model);
    return status;
}
