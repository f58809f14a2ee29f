/* SPDX-License-Identifier: MIT
 *
 * `reel landscape --run ... --random`: the loss around a checkpoint, in two random, filter-normalised directions.
 */
#include "landscape/landscape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct random_work {
    const landscape_settings *s;
    reel_context *context;
    char checkpoint[PATH_SIZE];
    built_model model;
    landscape_path here; /* the checkpoint alone, in the middle */
    double *directions;  /* (2, n) */
    landscape_surface surface;
} random_work;

static double norm(const double *a, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * a[i];
    return sqrt(sum);
}

static int make_directions(random_work *w)
{
    const landscape_settings *s = w->s;
    built_model *m = &w->model;
    const reel_params *params = reel_optimizer_params(m->optimizer);
    int64_t n = reel_params_size(params);
    w->directions = malloc(2 * (size_t)n * sizeof *w->directions + 1);
    if (!w->directions) return complain(s->who, "out of memory"), EXIT_FAILED;
    reel_rng *rng = reel_rng_philox_new(NULL, m->context, (uint64_t)s->seed, "landscape");
    for (int d = 0; d < 2; d++) reel_filter_direction(NULL, params, rng, s->vectors, w->directions + d * n);
    if (reel_error_status(m->context) == REEL_BAD_STATE && !s->vectors) {
        complain(s->who, "no parameter has rank 2 or more: --vectors moves the others");
        return EXIT_FAILED;
    }
    if (reel_failed(m->context)) return complain_of(s->who, m->context);
    if (!path_begin(&w->here, w->context, n) || reel_trajectory_add(NULL, w->here.points, params) != REEL_OK)
        return complain_of(s->who, w->context);
    if (!path_measure(&w->here, s->who, m)) return EXIT_FAILED;
    w->here.steps[0] = reel_trainer_step(m->trainer);
    w->here.scores[0] = w->here.scores[1] = 0;
    snprintf(w->here.name, sizeof w->here.name, "checkpoint");
    snprintf(w->here.title, sizeof w->here.title, "step %lld", (long long)w->here.steps[0]);
    return EXIT_DONE;
}

static int make_surface(random_work *w)
{
    const landscape_settings *s = w->s;
    int64_t n = reel_trajectory_size(w->here.points);
    const reel_plane plane = {reel_trajectory_point(w->here.points, 0), w->directions, w->directions + n};
    snprintf(w->surface.origin, sizeof w->surface.origin, "step %lld", (long long)w->here.steps[0]);
    if (!surface_square(&w->surface, s->who, (int)s->points, s->span)) return EXIT_FAILED;
    if (!path_draw_on(&w->here, s->who, &w->model, &plane)) return EXIT_FAILED;
    return surface_fill(&w->surface, s->who, &w->model, &plane, s->quiet);
}

static void print_surface(FILE *file, const random_work *w)
{
    const landscape_surface *f = &w->surface;
    int64_t n = reel_trajectory_size(w->here.points), cells = (int64_t)f->points * f->points, lower = 0, best = 0;
    for (int64_t i = 0; i < cells; i++) {
        lower += f->losses[i] < w->here.losses[0];
        if (f->losses[i] < f->losses[best]) best = i;
    }
    fprintf(file, "%s\nstep %lld: loss %.6g, norm of the parameters %.4g; of the directions %.4g and %.4g\n",
            w->checkpoint, (long long)w->here.steps[0], w->here.losses[0],
            norm(reel_trajectory_point(w->here.points, 0), n), norm(w->directions, n), norm(w->directions + n, n));
    fprintf(file, "surface: %d by %d points from %g to %g, loss %.6g to %.6g\n", f->points, f->points, f->a[0],
            f->a[f->points - 1], f->least, f->most);
    fprintf(file, "%lld of %lld points are below the checkpoint; the lowest is at (%.3g, %.3g)\n", (long long)lower,
            (long long)cells, f->a[best % f->points], f->b[best / f->points]);
}

static int report(random_work *w)
{
    static const char *const names[] = {"random", "random-relief"};
    const landscape_settings *s = w->s;
    FILE *file = landscape_report(s);
    int64_t n = reel_trajectory_size(w->here.points);
    print_surface(file, w);
    cJSON *document = cJSON_CreateObject();
    json_add_text(document, "command", "landscape --random");
    json_add_text(document, "version", reel_version());
    json_add_fingerprint(document);
    json_add_text(document, "checkpoint", w->checkpoint);
    json_add_number(document, "seed", s->seed, REEL_DOUBLE);
    json_add_whole(document, "step", w->here.steps[0]);
    json_add_number(document, "loss", w->here.losses[0], REEL_DOUBLE);
    json_add_rows(document, "directions", w->directions, 2, n);
    json_add_surface(document, "surface", &w->surface);
    landscape_view v = {.who = s->who,
                        .folder = s->out,
                        .svg = s->svg,
                        .loss = w->model.loss,
                        .surface = &w->surface,
                        .paths = &w->here,
                        .count = 1};
    snprintf(v.title, sizeof v.title, "%s, step %lld: loss in two random directions (seed %.0f)", w->model.title,
             (long long)w->here.steps[0], s->seed);
    snprintf(v.a_label, sizeof v.a_label, "first direction");
    snprintf(v.b_label, sizeof v.b_label, "second direction");
    const landscape_view views[] = {v, v};
    int status = landscape_write(s, document, views, names, 2, file);
    cJSON_Delete(document);
    return status;
}

int landscape_random(const landscape_settings *s)
{
    random_work w = {.s = s, .context = reel_context_new(NULL)};
    int status = EXIT_FAILED;
    if (run_checkpoint(s->who, s->run, s->at, w.checkpoint) && run_model(s, w.checkpoint, &w.model))
        status = make_directions(&w);
    if (status == EXIT_DONE) status = make_surface(&w);
    if (status == EXIT_DONE) status = report(&w);
    path_free(&w.here);
    surface_free(&w.surface);
    free(w.directions);
    reel_context_free(w.context);
    model_free(&w.model);
    return status;
}
