/* SPDX-License-Identifier: MIT
 *
 * Paths, surfaces, and their numbers.
 */
#include "landscape/landscape.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- paths ---- */

bool path_begin(landscape_path *p, reel_context *context, int64_t size)
{
    p->points = reel_trajectory_new(NULL, context, size);
    return p->points != NULL;
}

bool path_measure(landscape_path *p, const char *who, const built_model *m)
{
    size_t n = (size_t)reel_trajectory_count(p->points);
    p->count = (int64_t)n;
    p->path = reel_trajectory_path(p->points);
    p->losses = malloc(n * sizeof *p->losses);
    p->scores = malloc(2 * n * sizeof *p->scores);
    p->drawn = malloc(n * sizeof *p->drawn);
    bool own_steps = p->steps == NULL;
    if (own_steps) p->steps = malloc(n * sizeof *p->steps);
    if (!p->losses || !p->scores || !p->drawn || !p->steps) return complain(who, "out of memory"), false;
    for (size_t i = 0; own_steps && i < n; i++) p->steps[i] = (int64_t)i;
    if (reel_trajectory_losses(NULL, m->trainer, NULL, p->points, p->losses) == REEL_OK) return true;
    complain_of(who, m->context);
    return false;
}

bool path_project(landscape_path *p, const char *who, const reel_pca *pca)
{
    if (reel_pca_project(NULL, pca, p->points, p->scores) == REEL_OK) return true;
    complain(who, "%s: other parameters than those of the runs before", p->name);
    return false;
}

bool path_draw_on(landscape_path *p, const char *who, const built_model *m, const reel_plane *plane)
{
    if (reel_plane_losses(NULL, m->trainer, NULL, plane, p->count, p->scores, p->drawn) == REEL_OK) return true;
    complain_of(who, m->context);
    return false;
}

void path_free(landscape_path *p)
{
    reel_trajectory_free(p->points);
    free(p->steps);
    free(p->losses);
    free(p->scores);
    free(p->drawn);
    *p = (landscape_path){.name = ""};
}

path_course path_course_of(const landscape_path *p)
{
    path_course c = {.first_rise = -1, .peak_at = -1, .peak = NAN, .best = p->losses[0]};
    for (int64_t i = 1; i < p->count; i++) {
        bool rises = !(p->losses[i] <= p->losses[i - 1]);
        c.rises += rises;
        if (rises && c.first_rise < 0) c.first_rise = i;
        if (c.first_rise >= 0 && !(p->losses[i] <= c.peak)) c.peak = p->losses[i], c.peak_at = i;
        if (p->losses[i] < c.best) c.best = p->losses[i], c.best_at = i;
    }
    c.diverges = p->not_finite || !(p->losses[p->count - 1] <= p->losses[0]);
    return c;
}

int64_t path_reaches(const landscape_path *p, double bound)
{
    for (int64_t i = 0; i < p->count; i++)
        if (p->losses[i] <= bound) return i;
    return -1;
}

/* ---- surfaces ---- */

static bool surface_new(landscape_surface *s, const char *who, int points)
{
    size_t n = (size_t)points;
    s->points = points;
    s->a = malloc(n * sizeof *s->a);
    s->b = malloc(n * sizeof *s->b);
    s->losses = malloc(n * n * sizeof *s->losses);
    if (s->a && s->b && s->losses) return true;
    complain(who, "out of memory for a surface of %d by %d points", points, points);
    return false;
}

/* As numpy.linspace: the last value is exact. */
static void fill_axis(double *axis, int count, double first, double last)
{
    double step = (last - first) / (count - 1);
    for (int i = 0; i < count; i++) axis[i] = i * step + first;
    axis[count - 1] = last;
}

bool surface_axes(landscape_surface *s, const char *who, int points, const landscape_path *paths, int count,
                  double margin)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int k = 0; k < count; k++)
        for (int64_t i = 0; i < 2 * paths[k].count; i++) {
            low[i % 2] = fmin(low[i % 2], paths[k].scores[i]);
            high[i % 2] = fmax(high[i % 2], paths[k].scores[i]);
        }
    for (int d = 0; d < 2; d++) {
        double room = isnan(margin) ? fmax(0.1 * fmax(high[0] - low[0], high[1] - low[1]), 1e-12) : margin;
        low[d] -= room;
        high[d] += room;
        if (d == 0 && !surface_new(s, who, points)) return false;
        fill_axis(d ? s->b : s->a, points, low[d], high[d]);
    }
    return true;
}

bool surface_square(landscape_surface *s, const char *who, int points, double span)
{
    if (!surface_new(s, who, points)) return false;
    fill_axis(s->a, points, -span, span);
    fill_axis(s->b, points, -span, span);
    return true;
}

int surface_fill(landscape_surface *s, const char *who, const built_model *m, const reel_plane *plane, bool quiet)
{
    bool shown = !quiet && isatty(STDERR_FILENO);
    s->least = INFINITY;
    s->most = -INFINITY;
    for (int j = 0; j < s->points; j++) {
        double *row = s->losses + (size_t)j * (size_t)s->points;
        if (reel_surface(NULL, m->trainer, NULL, plane, s->points, s->a, 1, &s->b[j], row) != REEL_OK)
            return complain_of(who, m->context);
        for (int i = 0; i < s->points; i++) {
            if (!isfinite(row[i])) continue;
            s->least = fmin(s->least, row[i]);
            s->most = fmax(s->most, row[i]);
        }
        if (shown) fprintf(stderr, "\rsurface: row %d of %d%s", j + 1, s->points, j + 1 < s->points ? "" : "\n");
        if (signals_caught()) return EXIT_SIGNAL + signals_caught();
    }
    if (!(s->least <= s->most)) return complain(who, "the loss is nowhere finite on the surface"), EXIT_FAILED;
    return EXIT_DONE;
}

void surface_free(landscape_surface *s)
{
    free(s->a);
    free(s->b);
    free(s->losses);
    *s = (landscape_surface){.points = 0};
}

/* ---- JSON ---- */

void json_add_rows(cJSON *object, const char *name, const double *rows, int64_t count, int64_t width)
{
    cJSON *list = cJSON_AddArrayToObject(object, name), *holder = cJSON_CreateObject();
    for (int64_t i = 0; i < count; i++) {
        json_add_numbers(holder, "row", rows + i * width, width, REEL_DOUBLE, NULL);
        cJSON *row = cJSON_DetachItemFromObject(holder, "row");
        if (row) cJSON_AddItemToArray(list, row);
    }
    cJSON_Delete(holder);
}

static void add_course(cJSON *o, const landscape_path *p)
{
    path_course c = path_course_of(p);
    json_add_whole(o, "rises", c.rises);
    if (c.first_rise >= 0) {
        json_add_whole(o, "first_rise", p->steps[c.first_rise]);
        json_add_number(o, "peak", c.peak, REEL_DOUBLE);
        json_add_whole(o, "peak_at", p->steps[c.peak_at]);
    }
    json_add_number(o, "best", c.best, REEL_DOUBLE);
    json_add_whole(o, "best_at", p->steps[c.best_at]);
    cJSON_AddBoolToObject(o, "diverges", c.diverges);
}

void json_add_path(cJSON *o, const landscape_path *p, bool vectors)
{
    double *steps = malloc((size_t)p->count * sizeof *steps);
    for (int64_t i = 0; steps && i < p->count; i++) steps[i] = (double)p->steps[i];
    json_add_text(o, "title", p->title);
    if (steps) json_add_numbers(o, "step", steps, p->count, REEL_DOUBLE, NULL);
    free(steps);
    json_add_numbers(o, "loss", p->losses, p->count, REEL_DOUBLE, NULL);
    json_add_number(o, "final_loss", p->losses[p->count - 1], REEL_DOUBLE);
    add_course(o, p);
    json_add_number(o, "path_length", p->path.length, REEL_DOUBLE);
    json_add_number(o, "direct_distance", p->path.direct, REEL_DOUBLE);
    json_add_number(o, "efficiency", p->path.efficiency, REEL_DOUBLE);
    json_add_rows(o, "scores", p->scores, p->count, 2);
    json_add_numbers(o, "surface_loss", p->drawn, p->count, REEL_DOUBLE, NULL);
    if (vectors)
        json_add_rows(o, "parameters", reel_trajectory_point(p->points, 0), p->count, reel_trajectory_size(p->points));
}

void json_add_pca(cJSON *document, const reel_pca *pca)
{
    cJSON *o = cJSON_AddObjectToObject(document, "pca");
    json_add_whole(o, "points", pca->points);
    json_add_numbers(o, "mean", pca->mean, pca->size, REEL_DOUBLE, NULL);
    json_add_rows(o, "components", pca->components, pca->count, pca->size);
    json_add_numbers(o, "variance", pca->variance, pca->count, REEL_DOUBLE, NULL);
    json_add_numbers(o, "share", pca->share, pca->count, REEL_DOUBLE, NULL);
    json_add_number(o, "total_variance", pca->total, REEL_DOUBLE);
}

void json_add_surface(cJSON *document, const char *name, const landscape_surface *s)
{
    cJSON *o = cJSON_AddObjectToObject(document, name);
    json_add_text(o, "origin", s->origin);
    json_add_numbers(o, "a", s->a, s->points, REEL_DOUBLE, NULL);
    json_add_numbers(o, "b", s->b, s->points, REEL_DOUBLE, NULL);
    json_add_rows(o, "loss", s->losses, s->points, s->points);
    json_add_number(o, "least", s->least, REEL_DOUBLE);
    json_add_number(o, "most", s->most, REEL_DOUBLE);
}
