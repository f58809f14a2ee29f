/* SPDX-License-Identifier: MIT
 *
 * Trajectories: parameter vectors one after the other.
 */
#include "core/core.h"
#include "tape/params.h"

#include <reel/landscape.h>

#include <math.h>
#include <string.h>

struct reel_trajectory {
    reel_object object;
    int64_t size, count, room;
    double *points; /* (room, size) */
};

static size_t bytes_of(const reel_trajectory *t, int64_t points)
{
    return (size_t)points * (size_t)t->size * sizeof(double);
}

static void trajectory_destroy(reel_object *object)
{
    reel_trajectory *t = (reel_trajectory *)object;
    memory_free(object->context, t->points, bytes_of(t, t->room));
    object_release(object, sizeof *t);
}

reel_trajectory *reel_trajectory_new(const char *site, reel_context *context, int64_t size)
{
    const char *who = "trajectory_new";
    if (!reel_failed(context) && (size < 0 || size > INT64_MAX / 64))
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "vectors of %lld numbers, expected 0 or more",
                       (long long)size);
    reel_trajectory *t = object_new(context, site, who, sizeof *t, trajectory_destroy);
    if (t) t->size = size;
    return t;
}

void reel_trajectory_free(reel_trajectory *t)
{
    object_free(t);
}

/* Room for one more. */
static bool grow(reel_trajectory *t, const char *site)
{
    if (t->count < t->room) return true;
    int64_t room = t->room ? 2 * t->room : 64;
    if (t->size && room > INT64_MAX / 16 / t->size) room = t->room + 1;
    double *grown = memory_resize(t->object.context, site, "trajectory_add", t->points, bytes_of(t, t->room),
                                  bytes_of(t, room) + (t->size == 0));
    if (!grown) return false;
    t->points = grown;
    t->room = room;
    return true;
}

reel_status reel_trajectory_add_vector(const char *site, reel_trajectory *t, const reel_array *vector)
{
    if (!t || !vector) return REEL_BAD_ARGUMENT;
    const char *who = "trajectory_add";
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (vector->size != t->size)
        return reel_error_set(context, REEL_BAD_SHAPE, site, who, "found %lld numbers, expected %lld",
                              (long long)vector->size, (long long)t->size);
    if (vector->dtype != REEL_FLOAT && vector->dtype != REEL_DOUBLE)
        return reel_error_set(context, REEL_BAD_DTYPE, site, who, "found %s, expected float32 or float64",
                              reel_dtype_name(vector->dtype));
    if (!grow(t, site)) return REEL_NO_MEMORY;
    double *to = t->points + t->count * t->size;
    reel_array into = reel_array_view(REEL_DOUBLE, to, 1, &t->size);
    if (t->size) array_convert(&into, vector);
    for (int64_t i = 0; i < t->size; i++)
        if (!isfinite(to[i]))
            return reel_error_set(context, REEL_NOT_FINITE, site, who, "number %lld of vector %lld is %g", (long long)i,
                                  (long long)t->count, isnan(to[i]) ? (double)NAN : to[i]);
    t->count++;
    return REEL_OK;
}

reel_status reel_trajectory_add(const char *site, reel_trajectory *t, const reel_params *params)
{
    if (!t || !params) return REEL_BAD_ARGUMENT;
    reel_array flat = reel_params_flat(params);
    return reel_trajectory_add_vector(site, t, &flat);
}

int64_t reel_trajectory_count(const reel_trajectory *t)
{
    return t ? t->count : 0;
}

int64_t reel_trajectory_size(const reel_trajectory *t)
{
    return t ? t->size : 0;
}

const double *reel_trajectory_point(const reel_trajectory *t, int64_t index)
{
    return t && index >= 0 && index < t->count ? t->points + index * t->size : NULL;
}

static double distance(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

reel_path reel_trajectory_path(const reel_trajectory *t)
{
    reel_path p = {0, 0, NAN};
    int64_t count = reel_trajectory_count(t);
    for (int64_t i = 1; i < count; i++)
        p.length += distance(t->size, reel_trajectory_point(t, i), reel_trajectory_point(t, i - 1));
    if (count > 1) p.direct = distance(t->size, reel_trajectory_point(t, count - 1), reel_trajectory_point(t, 0));
    if (p.length > 0) p.efficiency = p.direct / p.length;
    return p;
}
