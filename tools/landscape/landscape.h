/* SPDX-License-Identifier: MIT
 *
 * `reel landscape`: paths of trainings, the plane they move in most, the loss over it.
 */
#ifndef TOOLS_LANDSCAPE_H
#define TOOLS_LANDSCAPE_H

#include "model/models.h"
#include "output.h"
#include "plot.h"

#define PATHS_MOST 7 /* colours that can be told apart */

typedef struct landscape_settings {
    const char *who;
    const option_set *set;
    /* the lab */
    const char *samples, *noise, *data_seed, *hidden, *precision, *batch; /* flags of the model, or NULL */
    const char *optimizers;                                               /* "sgd,momentum,adam" */
    double rate[PATHS_MOST];
    int rates;
    double epochs, rate_epochs;
    bool notebook;
    /* a finished run */
    const char *run, *recipe;
    double from, to; /* steps */
    /* a random plane */
    bool random, vectors;
    double at, span;

    double seed; /* of the weights; of random directions */
    double points, margin;
    const char *out, *json;
    bool svg, quiet;
} landscape_settings;

/* Where one training went. Entry i of each list belongs to vector i of the trajectory. */
typedef struct landscape_path {
    char name[64], label[64], title[240]; /* "momentum", "SGD + Momentum", "momentum lr 0.5 momentum 0.9" */
    double rate, momentum;                /* of an optimizer that has them */
    reel_trajectory *points;
    bool not_finite; /* ended where numbers were no longer finite */
    int64_t count;
    int64_t *steps;
    double *losses; /* of all rows */
    double *scores; /* (count, 2) coordinates in the plane */
    double *drawn;  /* loss of the surface at these coordinates */
    reel_path path;
} landscape_path;

typedef struct landscape_surface {
    int points;
    char origin[64];
    double *a, *b;      /* (points) */
    double *losses;     /* (points, points), row j at b[j] */
    double least, most; /* of those that are finite */
} landscape_surface;

/* Appends a vector to the path that stands where the model does; false: an error is kept in the trajectory's context. */
bool path_begin(landscape_path *path, reel_context *context, int64_t size);
/* Loss at every vector, length, room for the rest; false: complained. */
bool path_measure(landscape_path *path, const char *who, const built_model *model);
/* Coordinates in the plane; with `origin` NULL about the mean. */
bool path_project(landscape_path *path, const char *who, const reel_pca *pca);
/* The surface's loss along it. */
bool path_draw_on(landscape_path *path, const char *who, const built_model *model, const reel_plane *plane);
void path_free(landscape_path *path);

/* Updates after which the loss is above that before: how many, the first (-1: none), the highest loss from then on and when; the
 * lowest loss and when. */
typedef struct path_course {
    int64_t rises, first_rise, peak_at, best_at;
    double peak, best;
    bool diverges; /* ends above its start, or not finite */
} path_course;
path_course path_course_of(const landscape_path *path);
/* Index of the first vector with a loss of at most `bound`; -1. */
int64_t path_reaches(const landscape_path *path, double bound);

/* Axes of `points` values that hold all paths, with a margin; or from -span to span. */
bool surface_axes(landscape_surface *s, const char *who, int points, const landscape_path *paths, int count,
                  double margin);
bool surface_square(landscape_surface *s, const char *who, int points, double span);
/* Fills in the losses, row by row, with a line of progress on a terminal unless `quiet`. Returns the exit status. */
int surface_fill(landscape_surface *s, const char *who, const built_model *model, const reel_plane *plane, bool quiet);
void surface_free(landscape_surface *s);

/* JSON */
void json_add_rows(cJSON *object, const char *name, const double *rows, int64_t count, int64_t width);
void json_add_path(cJSON *object, const landscape_path *path, bool vectors);
void json_add_pca(cJSON *document, const reel_pca *pca);
void json_add_surface(cJSON *document, const char *name, const landscape_surface *s);

/* ---- pictures ---- */

typedef struct landscape_view {
    const char *who, *folder;
    bool svg, floating; /* floating: paths at their own loss in three dimensions, as the notebook has them */
    char title[240], a_label[80], b_label[80];
    const char *loss; /* "binary cross-entropy" */
    const landscape_surface *surface;
    const landscape_path *paths;
    int count;
} landscape_view;

/* The end of every mode: writes the document to --out and --json, tells of the pictures. Returns the exit status. */
int landscape_write(const landscape_settings *s, cJSON *document, const landscape_view *views, const char *const *names,
                    int count, FILE *report);

/* ---- the three modes; each returns the exit status ---- */

int landscape_lab(const landscape_settings *s);
int landscape_run(const landscape_settings *s);
int landscape_random(const landscape_settings *s);

/* Where text goes: standard error when the numbers go to standard output. */
static inline FILE *landscape_report(const landscape_settings *s)
{
    return s->json && s->json[0] == '-' && !s->json[1] ? stderr : stdout;
}

/* ---- checkpoints as trajectories ---- */

/* The checkpoint of a file, or of a folder the newest one up to `step`; false: complained. */
bool run_checkpoint(const char *who, const char *place, double step, char path[PATH_SIZE]);
/* Builds its model and loads it; false: complained. */
bool run_model(const landscape_settings *s, const char *path, built_model *model);

#endif
