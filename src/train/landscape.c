/* SPDX-License-Identifier: MIT
 *
 * The loss over a plane and along a trajectory; random directions to span a plane with.
 */
#include "train/probe.h"

#include <reel/landscape.h>

#include <math.h>
#include <string.h>

/* ---- evaluating ---- */

/* Where evaluation `index` is made: fills point (n). */
typedef void (*point_at)(const void *user, const double *origin, int64_t n, int64_t index, double *point);

static reel_status evaluate(const char *site, const char *who, reel_trainer *t, const reel_landscape_options *options,
                            int64_t count, point_at at, const void *user, double *losses)
{
    static const reel_landscape_options usual = {.rows = REEL_ROWS_ALL};
    reel_context *context = t->object.context;
    if (!options) options = &usual;
    if (count < 0) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "%lld points", (long long)count);
    probe p;
    const probe_options how = {.rows = options->rows, .training = options->training, .as_double = true};
    if (probe_begin(&p, site, who, t, &how)) {
        size_t bytes = 2 * (size_t)p.n * sizeof(double);
        double *block = memory_new(context, site, who, bytes + (bytes == 0));
        double *origin = block, *point = block + p.n;
        if (block) probe_origin(&p, origin);
        for (int64_t i = 0; block && i < count && !reel_failed(context); i++) {
            at(user, origin, p.n, i, point);
            losses[i] = probe_loss(&p, point, NULL);
        }
        memory_free(context, block, bytes + (bytes == 0));
    }
    probe_end(&p);
    return reel_error_status(context);
}

typedef struct grid {
    const reel_plane *plane;
    const double *pairs; /* (count, 2), or NULL: */
    int64_t a_count;
    const double *a, *b;
} grid;

static void point_of_plane(const void *user, const double *origin, int64_t n, int64_t index, double *point)
{
    const grid *g = user;
    const reel_plane *plane = g->plane;
    const double *from = plane->origin ? plane->origin : origin;
    double a = g->pairs ? g->pairs[2 * index] : g->a[index % g->a_count];
    double b = g->pairs ? g->pairs[2 * index + 1] : g->b[index / g->a_count];
    for (int64_t k = 0; k < n; k++) point[k] = from[k] + a * plane->first[k] + b * plane->second[k];
}

reel_status reel_plane_losses(const char *site, reel_trainer *t, const reel_landscape_options *options,
                              const reel_plane *plane, int64_t count, const double *coordinates, double *losses)
{
    if (!t || !plane || !plane->first || !plane->second || !coordinates || !losses) return REEL_BAD_ARGUMENT;
    if (reel_failed(t->object.context)) return reel_error_status(t->object.context);
    const grid g = {.plane = plane, .pairs = coordinates};
    return evaluate(site, "plane_losses", t, options, count, point_of_plane, &g, losses);
}

reel_status reel_surface(const char *site, reel_trainer *t, const reel_landscape_options *options,
                         const reel_plane *plane, int64_t a_count, const double *a, int64_t b_count, const double *b,
                         double *losses)
{
    if (!t || !plane || !plane->first || !plane->second || !a || !b || !losses) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (a_count < 1 || b_count < 1 || a_count > INT64_MAX / 16 / b_count)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, "surface", "found a grid of %lld by %lld points",
                              (long long)a_count, (long long)b_count);
    const grid g = {.plane = plane, .a_count = a_count, .a = a, .b = b};
    return evaluate(site, "surface", t, options, a_count * b_count, point_of_plane, &g, losses);
}

static void point_of_trajectory(const void *user, const double *origin, int64_t n, int64_t index, double *point)
{
    (void)origin;
    if (n) memcpy(point, reel_trajectory_point(user, index), (size_t)n * sizeof *point);
}

reel_status reel_trajectory_losses(const char *site, reel_trainer *t, const reel_landscape_options *options,
                                   const reel_trajectory *trajectory, double *losses)
{
    const char *who = "trajectory_losses";
    if (!t || !trajectory || !losses) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    int64_t size = reel_trajectory_size(trajectory), expected = reel_params_size(t->params);
    if (size != expected)
        return reel_error_set(context, REEL_BAD_SHAPE, site, who,
                              "the trajectory has vectors of %lld numbers, the model %lld parameters", (long long)size,
                              (long long)expected);
    return evaluate(site, who, t, options, reel_trajectory_count(trajectory), point_of_trajectory, trajectory, losses);
}

/* ---- random directions ---- */

/* Norms of direction and parameter over one filter; the direction is given the length of the parameter. */
static bool scale_filter(double *direction, const reel_array *value, int64_t first, int64_t count)
{
    double drawn = 0, there = 0;
    for (int64_t i = 0; i < count; i++) {
        double w = reel_array_get(value, first + i);
        drawn += direction[first + i] * direction[first + i];
        there += w * w;
    }
    double factor = drawn > 0 ? sqrt(there) / sqrt(drawn) : 0;
    for (int64_t i = 0; i < count; i++) direction[first + i] *= factor;
    return isfinite(there);
}

reel_status reel_filter_direction(const char *site, const reel_params *params, reel_rng *rng, bool vectors,
                                  double *direction)
{
    const char *who = "filter_direction";
    if (!params || !direction) return REEL_BAD_ARGUMENT;
    reel_context *context = reel_params_context(params);
    if (reel_failed(context)) return reel_error_status(context);
    if (!rng) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there is no random stream");
    double *to = direction;
    bool moves = false;
    for (int i = 0; i < reel_params_count(params); i++) {
        const reel_array value = reel_params_value(params, i);
        bool trainable = reel_params_trainable(params, i), whole = value.rank < 2;
        for (int64_t k = 0; k < value.size; k++) to[k] = trainable ? reel_rng_normal_one(rng) : 0;
        int64_t filters = whole || value.size == 0 ? 1 : value.shape[0], width = value.size / filters;
        for (int64_t f = 0; f < filters; f++)
            if (!scale_filter(to, &value, f * width, width))
                return reel_error_set(context, REEL_NOT_FINITE, site, who, "%s is not finite",
                                      reel_params_name(params, i));
        for (int64_t k = 0; k < value.size; k++) {
            if (whole && !vectors) to[k] = 0;
            moves |= to[k] != 0;
        }
        to += value.size;
    }
    if (moves) return REEL_OK;
    return reel_error_set(context, REEL_BAD_STATE, site, who, "no parameter moves: all that are trainable are 0%s",
                          vectors ? "" : ", or of rank 0 or 1, which move only when asked for");
}
