/* SPDX-License-Identifier: MIT
 *
 * A run looked at from all sides: coverage, parts of the loss, moments, fidelity of steps, sharpness.
 */
#include "mechanism.h"
#include "plan.h"

#include "../signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MECHANISM_MARKS = 5, HALVINGS = 4 };

typedef struct watch {
    const study_plan *plan;
    cJSON *document;
    cJSON *lines, *fidelity;
    int width, height;
    uint8_t *mask[2];     /* before the last update seen, and now */
    double *error[2];     /* squared errors by pixel */
    double *now, *before; /* parameters */
    int64_t size;
    double *step_norms, *momentum_norms, *gradient_norms; /* by update */
    int64_t room;
    pixel_events events;
    int64_t iteration; /* that `mask[1]` is of; 0: none yet */
    double largest_gradient;
    int status;
} watch;

/* ---- pixels ---- */

/* q of the Gaussian at a pixel, from a copy of all parameters. */
static double distance(const watch *w, const study_run *r, const double *flat, int64_t i, int x, int y)
{
    int64_t offset[GAUSSIAN_PARTS], at = 0;
    for (int k = 0; k < GAUSSIAN_PARTS; k++) {
        offset[k] = at;
        at += reel_params_value(r->params, r->model.index[k]).size;
    }
    const double *position = flat + offset[GAUSSIAN_POSITION] + 2 * i, *scale = flat + offset[GAUSSIAN_SCALE] + 2 * i;
    double turn = flat[offset[GAUSSIAN_ROTATION] + i], c = cos(turn), s = sin(turn);
    double dx = (double)x / w->width - position[0], dy = (double)y / w->height - position[1];
    double sx = r->model.settings.log_scale ? exp(scale[0]) : scale[0];
    double sy = r->model.settings.log_scale ? exp(scale[1]) : scale[1];
    double a = (dx * c + dy * s) / sx, b = (-dx * s + dy * c) / sy;
    return a * a + b * b;
}

typedef struct nearest_of {
    const watch *w;
    const study_run *r;
} nearest_of;

static int nearest(void *user, int x, int y, bool after)
{
    const nearest_of *n = user;
    const double *flat = after ? n->w->now : n->w->before;
    int best = -1;
    double least = INFINITY;
    for (int64_t i = 0; i < n->r->model.settings.count; i++) {
        double q = distance(n->w, n->r, flat, i, x, y);
        if (q < least) least = q, best = (int)i;
    }
    return best;
}

static void errors_of(const reel_array *image, const reel_array *target, double *error)
{
    int64_t pixels = image->size / 3;
    for (int64_t p = 0; p < pixels; p++) {
        error[p] = 0;
        for (int k = 0; k < 3; k++) {
            double d = reel_array_get(image, k * pixels + p) - reel_array_get(target, k * pixels + p);
            error[p] += d * d / (double)image->size;
        }
    }
}

static void copy_parameters(const study_run *r, double *flat)
{
    int64_t at = 0;
    for (int k = 0; k < GAUSSIAN_PARTS; k++) {
        reel_array part = reel_params_value(r->params, r->model.index[k]);
        for (int64_t i = 0; i < part.size; i++) flat[at++] = reel_array_get(&part, i);
    }
}

static void add_line(watch *w, int64_t iteration)
{
    double covered = 0, uncovered = 0;
    int64_t pixels = (int64_t)w->width * w->height, lost = 0;
    for (int64_t p = 0; p < pixels; p++) {
        *(w->mask[1][p] ? &uncovered : &covered) += w->error[1][p];
        lost += w->mask[1][p];
    }
    double row[] = {(double)iteration, covered, uncovered, (double)lost};
    cJSON_AddItemToArray(w->lines, cJSON_CreateDoubleArray(row, 4));
}

/* An image as base64 needs more than is worth it: bytes as a list. */
static void add_rendering(watch *w, int64_t iteration, const reel_array *image)
{
    char name[40];
    int64_t pixels = (int64_t)w->width * w->height;
    double *bytes = malloc((size_t)image->size * sizeof *bytes), *mask = malloc((size_t)pixels * sizeof *mask);
    if (bytes && mask) {
        for (int64_t i = 0; i < image->size; i++)
            bytes[i] = floor(255 * fmin(fmax(reel_array_get(image, i), 0), 1) + 0.5);
        for (int64_t p = 0; p < pixels; p++) mask[p] = w->mask[1][p];
        snprintf(name, sizeof name, "%lld", (long long)iteration);
        cJSON *one = cJSON_AddObjectToObject(cJSON_GetObjectItem(w->document, "renderings"), name);
        json_add_whole(one, "width", w->width);
        json_add_whole(one, "height", w->height);
        json_add_numbers(one, "rgb", bytes, image->size, REEL_DOUBLE, NULL);
        json_add_numbers(one, "uncovered", mask, pixels, REEL_DOUBLE, NULL);
    }
    free(bytes);
    free(mask);
}

static const double marks[MECHANISM_MARKS] = {0, 0.05, 0.15, 0.3, 1}; /* 1, 500, 1500, 3000, 10000 of 10000 */

static bool is_mark(const study_plan *plan, int64_t iteration)
{
    for (int i = 0; i < MECHANISM_MARKS; i++)
        if (iteration == (int64_t)fmax(1, marks[i] * (double)plan->iterations)) return true;
    return false;
}

static void look(study_run *r, int64_t iteration, const reel_array *image, void *user)
{
    watch *w = user;
    nearest_of n = {w, r};
    uint8_t *mask = w->mask[0];
    double *error = w->error[0], *flat = w->before;
    w->mask[0] = w->mask[1], w->mask[1] = mask;
    w->error[0] = w->error[1], w->error[1] = error;
    w->before = w->now, w->now = flat;
    gaussian_image_uncovered(&r->model, mask);
    errors_of(image, r->target, error);
    copy_parameters(r, flat);
    if (w->iteration > 0 && !pixel_events_add(&w->events, iteration - 1, w->width, w->height, w->mask[0], mask,
                                              w->error[0], error, nearest, &n))
        w->status = EXIT_FAILED;
    w->iteration = iteration;
    if (study_is_printed(iteration)) add_line(w, iteration);
    if (is_mark(w->plan, iteration)) add_rendering(w, iteration, image);
}

/* ---- steps ---- */

/* Lengths of the update, of Adam's first moment after it, and of the gradient it was made from. */
static void note_lengths(watch *w, const study_run *r, int64_t step)
{
    int64_t at = 0;
    double moments = 0, moved = 0;
    if (step > w->room) return;
    for (int k = 0; k < GAUSSIAN_PARTS; k++) {
        int index = r->model.index[k];
        reel_array value = reel_params_value(r->params, index), m = reel_optimizer_state(r->optimizer, "mean", index);
        for (int64_t i = 0; i < value.size; i++, at++) {
            double d = reel_array_get(&value, i) - w->now[at], moment = m.data ? reel_array_get(&m, i) : 0;
            moments += moment * moment;
            moved += d * d;
        }
    }
    w->gradient_norms[step - 1] = r->gradient_norm;
    w->momentum_norms[step - 1] = sqrt(moments);
    w->step_norms[step - 1] = sqrt(moved);
    w->largest_gradient = fmax(w->largest_gradient, r->gradient_norm);
}

/* Where the loss surface along the next step is looked at. */
static bool is_measured(const study_plan *plan, int64_t step)
{
    static const double shares[] = {0.01, 0.02, 0.04, 0.07, 0.1, 0.11, 0.12, 0.13,
                                    0.14, 0.15, 0.16, 0.2,  0.3, 0.5,  0.8};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (step == (int64_t)(shares[i] * (double)plan->iterations + 0.5)) return true;
    return false;
}

static void measure(watch *w, study_run *r, int64_t step)
{
    reel_fidelity f;
    reel_curvature c;
    r->squares_only = true;
    reel_step_fidelity(NULL, r->trainer, &(reel_fidelity_options){.halvings = HALVINGS}, &f);
    reel_sharpness(NULL, r->trainer, NULL, &c);
    r->squares_only = false;
    if (reel_failed(r->context)) return;
    cJSON *one = cJSON_CreateObject();
    json_add_whole(one, "iteration", step);
    json_add_number(one, "squares", f.loss, REEL_DOUBLE);
    json_add_number(one, "rate", f.rate, REEL_DOUBLE);
    json_add_number(one, "limit", c.limit, REEL_DOUBLE);
    json_add_number(one, "sharpness", c.largest.value, REEL_DOUBLE);
    json_add_number(one, "gradient_norm", f.gradient_norm, REEL_DOUBLE);
    json_add_number(one, "step_norm", f.step_norm, REEL_DOUBLE);
    cJSON *rows = cJSON_AddArrayToObject(one, "fidelity");
    for (int i = 0; i < f.count; i++) {
        cJSON *row = cJSON_CreateObject();
        json_add_number(row, "fraction", f.table[i].fraction, REEL_DOUBLE);
        json_add_number(row, "change", f.table[i].change, REEL_DOUBLE);
        json_add_number(row, "promised", f.table[i].promised, REEL_DOUBLE);
        json_add_number(row, "ratio", f.table[i].ratio, REEL_DOUBLE);
        json_add_number(row, "error", f.table[i].error, REEL_DOUBLE);
        cJSON_AddItemToArray(rows, row);
    }
    cJSON_AddItemToArray(w->fidelity, one);
}

static void after(study_run *r, int64_t step, void *user)
{
    watch *w = user;
    if (step > 0) note_lengths(w, r, step);
    if (is_measured(w->plan, step)) measure(w, r, step);
}

/* ---- the job ---- */

static bool watch_init(watch *w, const study_run *r)
{
    w->height = (int)r->target->shape[1], w->width = (int)r->target->shape[2];
    size_t pixels = (size_t)w->width * (size_t)w->height;
    w->size = reel_params_size(r->params);
    size_t size = (size_t)w->size, room = (size_t)w->plan->iterations;
    w->room = w->plan->iterations;
    w->now = calloc(size, sizeof(double)), w->before = calloc(size, sizeof(double));
    w->step_norms = calloc(room, sizeof(double)), w->momentum_norms = calloc(room, sizeof(double));
    w->gradient_norms = calloc(room, sizeof(double));
    for (int i = 0; i < 2; i++) w->mask[i] = calloc(pixels, 1), w->error[i] = calloc(pixels, sizeof(double));
    w->lines = cJSON_AddArrayToObject(w->document, "parts");
    w->fidelity = cJSON_AddArrayToObject(w->document, "steps");
    cJSON_AddObjectToObject(w->document, "renderings");
    return w->now && w->before && w->step_norms && w->momentum_norms && w->gradient_norms && w->mask[0] && w->mask[1] &&
           w->error[0] && w->error[1];
}

static void watch_free(watch *w)
{
    free(w->now), free(w->before);
    free(w->step_norms), free(w->momentum_norms), free(w->gradient_norms);
    for (int i = 0; i < 2; i++) free(w->mask[i]), free(w->error[i]);
    pixel_events_free(&w->events);
}

static void events_json(const watch *w, const study_run *r)
{
    cJSON *list = cJSON_AddArrayToObject(w->document, "events");
    for (int64_t i = 0; i < w->events.count; i++) {
        const pixel_event *e = &w->events.items[i];
        char row[200], jump[NUMBER_SIZE];
        snprintf(row, sizeof row, "[%lld, %d, %d, \"%s\", %d, %s]", (long long)e->iteration, e->x, e->y,
                 e->lost ? "lost" : "regained", e->gaussian, number_text(e->jump, REEL_DOUBLE, jump));
        cJSON_AddItemToArray(list, cJSON_CreateRaw(row));
    }
    /* The rise of L2 from the best iteration to the last, and the part of it that happened in pixels when they were lost or
     * regained. */
    const study_point *best = history_best(&r->history),
                      *last = r->history.count ? &r->history.points[r->history.count - 1] : NULL;
    if (!best || !last) return;
    double rise = last->squares - best->squares;
    pixel_account a = pixel_events_account(&w->events, best->iteration, last->iteration, rise);
    cJSON *account = cJSON_AddObjectToObject(w->document, "account");
    json_add_whole(account, "from", best->iteration);
    json_add_whole(account, "to", last->iteration);
    json_add_number(account, "rise", rise, REEL_DOUBLE);
    json_add_whole(account, "lost", a.lost);
    json_add_whole(account, "regained", a.regained);
    json_add_number(account, "jumps_lost", a.jumps_lost, REEL_DOUBLE);
    json_add_number(account, "jumps_regained", a.jumps_regained, REEL_DOUBLE);
    json_add_number(account, "share", a.share, REEL_DOUBLE);
}

int study_job_mechanism(const study_plan *plan, const study_job *job, cJSON *document)
{
    char folder[4096], flags[300];
    study_line line;
    study_settings settings;
    watch w = {.plan = plan, .document = document, .status = EXIT_DONE};
    snprintf(folder, sizeof folder, "%s/checkpoints/%s", plan->out, job->name);
    snprintf(flags, sizeof flags, "%s --every 10 --keep all --force --min-gradient 1e-30", (const char *)job->of);
    int status = study_line_read(plan, &line, &settings, flags, plan->seed[0], 0, NULL);
    study_run run = {.settings = &settings, .folder = folder, .look = look, .after = after, .user = &w};
    if (status < 0) status = study_build(&run);
    if (status == EXIT_DONE && !watch_init(&w, &run)) w.status = EXIT_FAILED;
    if (status == EXIT_DONE && w.status == EXIT_DONE) status = study_train(&run);
    if (status == EXIT_DONE) status = w.status;
    if (status == EXIT_DONE) {
        json_add_text(document, "flags", job->of);
        history_json(&run.history, document);
        json_add_numbers(document, "losses", run.losses, run.loss_count, REEL_DOUBLE, NULL);
        json_add_numbers(document, "step_norms", w.step_norms, w.room, REEL_DOUBLE, NULL);
        json_add_numbers(document, "momentum_norms", w.momentum_norms, w.room, REEL_DOUBLE, NULL);
        json_add_numbers(document, "gradient_norms", w.gradient_norms, w.room, REEL_DOUBLE, NULL);
        json_add_number(document, "largest_gradient", w.largest_gradient, REEL_DOUBLE);
        json_add_number(document, "seconds", run.seconds, REEL_DOUBLE);
        events_json(&w, &run);
    }
    watch_free(&w);
    study_free(&run);
    study_line_free(&line);
    return status;
}
