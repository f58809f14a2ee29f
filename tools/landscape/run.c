/* SPDX-License-Identifier: MIT
 *
 * `reel landscape --run`: the checkpoints of a finished run are its trajectory.
 */
#include "checkpoints.h"
#include "landscape/landscape.h"
#include "signals.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which folders ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool holds_checkpoints(const char *folder)
{
    checkpoint_list list;
    bool found = checkpoint_list_read(&list, folder) && list.count > 0;
    checkpoint_list_free(&list);
    return found;
}

/* The folders in it that hold checkpoints, in order of their names; returns how many, of which the first PATHS_MOST found
 * are told. */
static int folders_in(const char *folder, char *folders[PATHS_MOST])
{
    DIR *directory = opendir(folder);
    int count = 0;
    for (struct dirent *e; directory && (e = readdir(directory));) {
        char *path = e->d_name[0] == '.' ? NULL : path_join(folder, e->d_name);
        if (path && is_folder(path) && holds_checkpoints(path) && count++ < PATHS_MOST)
            folders[count - 1] = path;
        else
            free(path);
    }
    if (directory) closedir(directory);
    qsort(folders, (size_t)(count < PATHS_MOST ? count : PATHS_MOST), sizeof *folders, by_name);
    return count;
}

/* The folders of a run, at most PATHS_MOST: itself, its folder "checkpoints", or the folders in it that hold checkpoints.
 * Returns how many, 0: complained. Free the names. */
static int run_folders(const char *who, const char *folder, char *folders[PATHS_MOST])
{
    errno = 0;
    if (!is_folder(folder)) return complain(who, "%s: %s", folder, strerror(errno ? errno : ENOTDIR)), 0;
    char *below = path_join(folder, "checkpoints");
    const char *places[] = {folder, below};
    int count = 0;
    for (int i = 0; below && i < 2 && count == 0; i++) {
        if (holds_checkpoints(places[i]) && (folders[0] = strdup(places[i]))) count = 1;
        if (count == 0) count = folders_in(places[i], folders);
    }
    free(below);
    if (count > PATHS_MOST) {
        complain(who, "%s holds %d runs: %d can be told apart", folder, count, PATHS_MOST);
        for (int i = 0; i < PATHS_MOST; i++) free(folders[i]);
        return 0;
    }
    if (count == 0) complain(who, "%s holds no checkpoints, nor do the folders in it", folder);
    return count;
}

bool run_checkpoint(const char *who, const char *place, double step, char path[PATH_SIZE])
{
    char *folders[PATHS_MOST];
    checkpoint_list list;
    bool found = false;
    snprintf(path, PATH_SIZE, "%s", place);
    if (!is_folder(place)) return true;
    int count = run_folders(who, place, folders);
    if (count == 0) return false;
    if (count > 1)
        complain(who, "%s holds %d runs: name the folder of one", place, count);
    else if (!checkpoint_list_read(&list, folders[0]))
        complain(who, "%s: %s", folders[0], strerror(errno));
    else {
        for (int64_t i = 0; i < list.count; i++)
            if (isnan(step) || (double)list.items[i].step <= step)
                found = snprintf(path, PATH_SIZE, "%s", list.items[i].path) < PATH_SIZE;
        if (!found) complain(who, "%s has no checkpoint up to step %g", folders[0], step);
        checkpoint_list_free(&list);
    }
    for (int i = 0; i < count; i++) free(folders[i]);
    return found;
}

bool run_model(const landscape_settings *s, const char *path, built_model *m)
{
    checkpoint_view v = {.context = NULL};
    char why[TEXT_SIZE] = "";
    rebuilt built = REBUILT_FAILED;
    if (!view_open(&v, path))
        complain_of(s->who, v.context);
    else
        built = model_rebuild(&v, s->who, path, s->recipe, m, why);
    if (built == REBUILT_NOT) complain(s->who, "%s: the model cannot be made again: %s", path, why);
    reel_context_free(v.context);
    return built == REBUILT;
}

/* ---- its points ---- */

/* The parameters of a checkpoint, by the names that the model has; false: complained. */
static bool read_point(const landscape_settings *s, const char *file, const reel_params *params, double *point)
{
    checkpoint_view v = {.context = NULL};
    bool right = view_open(&v, file);
    for (int i = 0; right && i < reel_params_count(params); i++) {
        char path[2 * PATH_SIZE];
        const reel_array expected = reel_params_value(params, i);
        snprintf(path, sizeof path, "%s/values/%.900s", v.parameters, reel_params_name(params, i));
        reel_array *a = reel_checkpoint_array(NULL, v.checkpoint, path);
        if (a && a->size != expected.size)
            reel_error_set(v.context, REEL_MISMATCH, NULL, NULL, "%s: %s has %lld numbers, the model's has %lld", file,
                           reel_params_name(params, i), (long long)a->size, (long long)expected.size);
        right = a && a->size == expected.size;
        for (int64_t k = 0; right && k < a->size; k++) *point++ = reel_array_get(a, k);
        reel_array_free(a);
    }
    if (!right) complain_of(s->who, v.context);
    reel_context_free(v.context);
    return right;
}

static bool read_points(const landscape_settings *s, const checkpoint_list *list, const reel_params *params,
                        landscape_path *p)
{
    int64_t n = reel_params_size(params), kept = 0;
    double *point = malloc((size_t)n * sizeof *point + 1);
    p->steps = malloc((size_t)list->count * sizeof *p->steps);
    bool right = point && p->steps;
    if (!right) complain(s->who, "out of memory");
    const reel_array view = reel_array_view(REEL_DOUBLE, point, 1, &n);
    for (int64_t i = 0; right && i < list->count && !signals_caught(); i++) {
        double step = (double)list->items[i].step;
        if (step < s->from || step > s->to) continue;
        right = read_point(s, list->items[i].path, params, point);
        if (!right) break;
        if (reel_trajectory_add_vector(NULL, p->points, &view) != REEL_OK) {
            complain(s->who, "%s: a parameter is not finite; --to %g stops before it", list->items[i].path, step - 1);
            right = false;
        }
        p->steps[kept++] = list->items[i].step;
    }
    free(point);
    return right;
}

/* Name of a folder: its last part, or that above when it is called "checkpoints". */
static void name_path(landscape_path *p, const char *folder)
{
    char text[PATH_SIZE];
    snprintf(text, sizeof text, "%s", folder);
    for (int turn = 0; turn < 2; turn++) {
        char *slash;
        while ((slash = strrchr(text, '/')) && slash > text && !slash[1]) *slash = '\0';
        slash = strrchr(text, '/');
        const char *last = slash ? slash + 1 : text;
        snprintf(p->name, sizeof p->name, "%.60s", last);
        if (strcmp(last, "checkpoints") != 0 || !slash || slash == text) break;
        *slash = '\0';
    }
    memcpy(p->label, p->name, sizeof p->label);
}

static int load_path(const landscape_settings *s, const char *folder, reel_context *context, built_model *m,
                     landscape_path *p)
{
    checkpoint_list list;
    if (!checkpoint_list_read(&list, folder)) return complain(s->who, "%s: %s", folder, strerror(errno)), EXIT_FAILED;
    model_free(m);
    bool right = run_model(s, list.items[list.count - 1].path, m);
    const reel_params *params = right ? reel_optimizer_params(m->optimizer) : NULL;
    name_path(p, folder);
    right = right && path_begin(p, context, reel_params_size(params)) && read_points(s, &list, params, p);
    checkpoint_list_free(&list);
    if (signals_caught()) return EXIT_SIGNAL + signals_caught();
    if (right && reel_trajectory_count(p->points) == 0) {
        complain(s->who, "%s has no checkpoint between the steps %g and %g", folder, s->from, s->to);
        right = false;
    }
    if (right) right = path_measure(p, s->who, m);
    if (!right) return EXIT_FAILED;
    char name[sizeof p->name];
    memcpy(name, p->name, sizeof name);
    snprintf(p->title, sizeof p->title, "%s, steps %lld to %lld", name, (long long)p->steps[0],
             (long long)p->steps[p->count - 1]);
    return EXIT_DONE;
}

/* ---- the command ---- */

typedef struct run_work {
    const landscape_settings *s;
    reel_context *context;
    built_model model;
    landscape_path paths[PATHS_MOST];
    int count;
    reel_pca *pca;
    landscape_surface surface;
} run_work;

static int find_plane(run_work *w)
{
    const char *who = w->s->who;
    reel_trajectory *all[PATHS_MOST];
    int64_t points = 0;
    for (int i = 0; i < w->count; i++) {
        all[i] = w->paths[i].points;
        points += w->paths[i].count;
    }
    if (points < 3) {
        complain(who,
                 "found %lld checkpoints, expected three or more: a plane needs them (reel train ... --keep all "
                 "--every K)",
                 (long long)points);
        return EXIT_FAILED;
    }
    w->pca = reel_pca_new(NULL, w->context, 2, w->count, all);
    if (!w->pca) return complain_of(who, w->context);
    if (!(w->pca->variance[1] > 0)) {
        complain(who, "the checkpoints lie on a line: there is no plane");
        return EXIT_FAILED;
    }
    for (int i = 0; i < w->count; i++)
        if (!path_project(&w->paths[i], who, w->pca)) return EXIT_FAILED;
    return EXIT_DONE;
}

static int make_surface(run_work *w)
{
    const landscape_settings *s = w->s;
    const reel_plane plane = {w->pca->mean, w->pca->components, w->pca->components + w->pca->size};
    snprintf(w->surface.origin, sizeof w->surface.origin, "mean");
    if (!surface_axes(&w->surface, s->who, (int)s->points, w->paths, w->count, s->margin)) return EXIT_FAILED;
    int status = surface_fill(&w->surface, s->who, &w->model, &plane, s->quiet);
    for (int i = 0; i < w->count && status == EXIT_DONE; i++)
        if (!path_draw_on(&w->paths[i], s->who, &w->model, &plane)) status = EXIT_FAILED;
    return status;
}

static void print_run(FILE *file, const run_work *w)
{
    fprintf(file, "%-28s  %-6s  %-12s  %-12s  %-22s  %-10s  %-10s  %s\n", "run", "points", "first loss", "last loss",
            "lowest, in step", "length", "distance", "efficiency");
    for (int i = 0; i < w->count; i++) {
        const landscape_path *p = &w->paths[i];
        path_course c = path_course_of(p);
        char lowest[64];
        snprintf(lowest, sizeof lowest, "%.6g, %lld", c.best, (long long)p->steps[c.best_at]);
        fprintf(file, "%-28s  %-6lld  %-12.6g  %-12.6g  %-22s  %-10.4g  %-10.4g  %.1f %%\n", p->title,
                (long long)p->count, p->losses[0], p->losses[p->count - 1], lowest, p->path.length, p->path.direct,
                100 * p->path.efficiency);
    }
    fprintf(file, "plane: %.1f %% + %.1f %% of the variance of %lld points in %lld dimensions\n",
            100 * w->pca->share[0], 100 * w->pca->share[1], (long long)w->pca->points, (long long)w->pca->size);
    fprintf(file, "surface: %d by %d points, loss %.6g to %.6g\n", w->surface.points, w->surface.points,
            w->surface.least, w->surface.most);
}

static int report(run_work *w)
{
    static const char *const names[] = {"landscape", "relief"};
    const landscape_settings *s = w->s;
    FILE *file = landscape_report(s);
    print_run(file, w);
    cJSON *document = cJSON_CreateObject();
    json_add_text(document, "command", "landscape --run");
    json_add_text(document, "version", reel_version());
    json_add_fingerprint(document);
    json_add_text(document, "run", s->run);
    cJSON *runs = cJSON_AddObjectToObject(document, "runs");
    for (int i = 0; i < w->count; i++)
        json_add_path(cJSON_AddObjectToObject(runs, w->paths[i].name), &w->paths[i], false);
    json_add_pca(document, w->pca);
    json_add_surface(document, "surface", &w->surface);
    landscape_view v = {.who = s->who,
                        .folder = s->out,
                        .svg = s->svg,
                        .loss = w->model.loss,
                        .surface = &w->surface,
                        .paths = w->paths,
                        .count = w->count};
    snprintf(v.title, sizeof v.title, "%s: checkpoints from circle to diamond", w->model.title);
    snprintf(v.a_label, sizeof v.a_label, "first component (%.1f %% of the variance)", 100 * w->pca->share[0]);
    snprintf(v.b_label, sizeof v.b_label, "second component (%.1f %%)", 100 * w->pca->share[1]);
    const landscape_view views[] = {v, v};
    int status = landscape_write(s, document, views, names, 2, file);
    cJSON_Delete(document);
    return status;
}

int landscape_run(const landscape_settings *s)
{
    run_work w = {.s = s, .context = reel_context_new(NULL)};
    char *folders[PATHS_MOST];
    int count = run_folders(s->who, s->run, folders), status = count > 0 ? EXIT_DONE : EXIT_FAILED;
    for (int i = 0; i < count && status == EXIT_DONE; i++) {
        status = load_path(s, folders[i], w.context, &w.model, &w.paths[i]);
        w.count = i + 1;
    }
    if (status == EXIT_DONE) status = find_plane(&w);
    if (status == EXIT_DONE) status = make_surface(&w);
    if (status == EXIT_DONE) status = report(&w);
    for (int i = 0; i < w.count; i++) path_free(&w.paths[i]);
    for (int i = 0; i < count; i++) free(folders[i]);
    surface_free(&w.surface);
    reel_context_free(w.context);
    model_free(&w.model);
    return status;
}
