/* SPDX-License-Identifier: MIT
 *
 * Principal components: the eigenvectors of the smaller one of X'X and XX'.
 */
#include "train/eigen.h"

#include <reel/landscape.h>

#include <float.h>
#include <math.h>
#include <string.h>

#define WHO "pca_new"
#define BLOCK 256 /* columns of X at a time */
#define TIE 1e-12 /* scores that differ by less, relatively, are equal up to rounding */

typedef struct pca_object {
    reel_object object;
    reel_pca pca;
    double *block; /* mean, components, variance, share */
    size_t bytes;
} pca_object;

static void pca_destroy(reel_object *object)
{
    pca_object *p = (pca_object *)object;
    memory_free(object->context, p->block, p->bytes);
    object_release(object, sizeof *p);
}

void reel_pca_free(reel_pca *pca)
{
    if (pca) object_free((char *)pca - offsetof(pca_object, pca));
}

typedef struct pca_work {
    reel_context *context;
    const char *site;
    reel_pca *out;
    const double **points; /* (m) */
    int64_t side;          /* of the smaller matrix */
    double *matrix;        /* (side, side) */
    double *values, *work; /* (side), (2, side) */
    double *row;           /* (n), or (m, BLOCK) */
    size_t row_bytes;
    int *order; /* (side) eigenvalues, the largest first */
} pca_work;

static bool work_new(pca_work *w)
{
    size_t m = (size_t)w->out->points, n = (size_t)w->out->size, side = m < n ? m : n;
    w->side = (int64_t)side;
    w->row_bytes = (n <= m ? n : m * BLOCK) * sizeof(double);
    w->points = memory_new(w->context, w->site, WHO, m * sizeof *w->points);
    w->matrix = memory_zero(w->context, w->site, WHO, side * side * sizeof(double));
    w->values = memory_zero(w->context, w->site, WHO, 3 * side * sizeof(double));
    w->work = w->values + side;
    w->row = memory_new(w->context, w->site, WHO, w->row_bytes);
    w->order = memory_new(w->context, w->site, WHO, side * sizeof *w->order);
    return w->points && w->matrix && w->values && w->row && w->order;
}

static void work_free(pca_work *w)
{
    size_t m = (size_t)w->out->points, side = (size_t)w->side;
    memory_free(w->context, w->points, m * sizeof *w->points);
    memory_free(w->context, w->matrix, side * side * sizeof(double));
    memory_free(w->context, w->values, 3 * side * sizeof(double));
    memory_free(w->context, w->row, w->row_bytes);
    memory_free(w->context, w->order, side * sizeof *w->order);
}

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void find_mean(const pca_work *w)
{
    reel_pca *p = w->out;
    for (int64_t i = 0; i < p->points; i++)
        for (int64_t k = 0; k < p->size; k++) p->mean[k] += w->points[i][k];
    for (int64_t k = 0; k < p->size; k++) p->mean[k] /= (double)p->points;
}

/* X'X (n, n), below the diagonal. */
static void fill_columns(const pca_work *w)
{
    const reel_pca *p = w->out;
    for (int64_t i = 0; i < p->points; i++) {
        for (int64_t k = 0; k < p->size; k++) w->row[k] = w->points[i][k] - p->mean[k];
        for (int64_t k = 0; k < p->size; k++)
            for (int64_t l = 0; l <= k; l++) w->matrix[k * p->size + l] += w->row[k] * w->row[l];
    }
}

/* XX' (m, m), below the diagonal. */
static void fill_rows(const pca_work *w)
{
    const reel_pca *p = w->out;
    for (int64_t first = 0; first < p->size; first += BLOCK) {
        int64_t width = p->size - first < BLOCK ? p->size - first : BLOCK;
        for (int64_t i = 0; i < p->points; i++)
            for (int64_t k = 0; k < width; k++) w->row[i * BLOCK + k] = w->points[i][first + k] - p->mean[first + k];
        for (int64_t i = 0; i < p->points; i++)
            for (int64_t j = 0; j <= i; j++)
                w->matrix[i * p->points + j] += dot(width, w->row + i * BLOCK, w->row + j * BLOCK);
    }
}

/* The `count` largest first; the rest in any order. */
static void sort_largest(const pca_work *w)
{
    for (int i = 0; i < (int)w->side; i++) w->order[i] = i;
    for (int i = 0; i < w->out->count; i++)
        for (int j = i + 1; j < (int)w->side; j++)
            if (w->values[w->order[j]] > w->values[w->order[i]]) {
                int other = w->order[i];
                w->order[i] = w->order[j];
                w->order[j] = other;
            }
}

/* Column `column` of the eigenvectors v of XX' gives X'v; of X'X it is the component itself. */
static void take_component(const pca_work *w, int column, double *component)
{
    const reel_pca *p = w->out;
    memset(component, 0, (size_t)p->size * sizeof *component);
    if (p->size <= p->points) {
        for (int64_t k = 0; k < p->size; k++) component[k] = w->matrix[k * w->side + column];
        return;
    }
    for (int64_t i = 0; i < p->points; i++) {
        double weight = w->matrix[i * w->side + column];
        for (int64_t k = 0; k < p->size; k++) component[k] += weight * (w->points[i][k] - p->mean[k]);
    }
}

/* Orthogonal to those before it, of length 1. */
static void orthonormalise(const reel_pca *p, int index)
{
    double *own = p->components + index * p->size;
    for (int before = 0; before < index; before++) {
        const double *other = p->components + before * p->size;
        double along = dot(p->size, own, other);
        for (int64_t k = 0; k < p->size; k++) own[k] -= along * other[k];
    }
    double length = sqrt(dot(p->size, own, own));
    for (int64_t k = 0; k < p->size; k++) own[k] /= length;
}

static double score_of(const reel_pca *p, const double *point, const double *component)
{
    double sum = 0;
    for (int64_t k = 0; k < p->size; k++) sum += (point[k] - p->mean[k]) * component[k];
    return sum;
}

static void choose_sign(const pca_work *w, double *component)
{
    const reel_pca *p = w->out;
    double largest = 0;
    for (int64_t i = 0; i < p->points; i++) {
        double score = score_of(p, w->points[i], component);
        if (fabs(score) > fabs(largest) * (1 + TIE)) largest = score;
    }
    for (int64_t k = 0; largest < 0 && k < p->size; k++) component[k] = -component[k];
}

static void fill_results(const pca_work *w)
{
    reel_pca *p = w->out;
    double sum = 0;
    for (int64_t i = 0; i < w->side; i++) sum += fmax(w->values[i], 0);
    p->total = sum / (double)(p->points - 1);
    sort_largest(w);
    for (int c = 0; c < p->count; c++) {
        double value = w->values[w->order[c]];
        if (!(value > (double)w->side * DBL_EPSILON * sum)) break; /* rounding is all that is left */
        take_component(w, w->order[c], p->components + c * p->size);
        orthonormalise(p, c);
        choose_sign(w, p->components + c * p->size);
        p->variance[c] = value / (double)(p->points - 1);
        p->share[c] = value / sum;
    }
}

static reel_status decompose(pca_work *w, int count, reel_trajectory *const *trajectories)
{
    if (!work_new(w)) return REEL_NO_MEMORY;
    int64_t at = 0;
    for (int t = 0; t < count; t++)
        for (int64_t i = 0; i < reel_trajectory_count(trajectories[t]); i++)
            w->points[at++] = reel_trajectory_point(trajectories[t], i);
    find_mean(w);
    if (w->out->size <= w->out->points)
        fill_columns(w);
    else
        fill_rows(w);
    if (!symmetric_eigen((int)w->side, w->matrix, w->values, w->work))
        return reel_error_set(w->context, REEL_NOT_FINITE, w->site, WHO,
                              "the squares of the points overflow: no eigenvalues were found");
    fill_results(w);
    return REEL_OK;
}

static reel_status check(reel_context *context, const char *site, int count, int trajectory_count,
                         reel_trajectory *const *trajectories, int64_t *points, int64_t *size)
{
    *points = 0;
    if (reel_failed(context)) return reel_error_status(context);
    *size = trajectory_count > 0 ? reel_trajectory_size(trajectories[0]) : 0;
    for (int t = 0; t < trajectory_count; t++) {
        *points += reel_trajectory_count(trajectories[t]);
        if (reel_trajectory_size(trajectories[t]) != *size)
            return reel_error_set(context, REEL_BAD_SHAPE, site, WHO,
                                  "trajectory %d has vectors of %lld numbers, the first one of %lld", t,
                                  (long long)reel_trajectory_size(trajectories[t]), (long long)*size);
    }
    if (*points < 2)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO, "found %lld points, expected two or more",
                              (long long)*points);
    int64_t most = *points < *size ? *points : *size;
    if (most > INT32_MAX / 2)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO, "found %lld points of %lld numbers, too many",
                              (long long)*points, (long long)*size);
    if (count < 1 || count > most)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, WHO, "%d components, expected 1 to %lld", count,
                              (long long)most);
    return REEL_OK;
}

reel_pca *reel_pca_new(const char *site, reel_context *context, int count, int trajectory_count,
                       reel_trajectory *const *trajectories)
{
    int64_t points = 0, size = 0;
    if (check(context, site, count, trajectory_count, trajectories, &points, &size) != REEL_OK) return NULL;
    pca_object *p = object_new(context, site, WHO, sizeof *p, pca_destroy);
    if (!p) return NULL;
    p->bytes = ((size_t)size * (1 + (size_t)count) + 2 * (size_t)count) * sizeof(double);
    p->block = memory_zero(context, site, WHO, p->bytes);
    if (p->block)
        p->pca = (reel_pca){.points = points,
                            .size = size,
                            .count = count,
                            .mean = p->block,
                            .components = p->block + size,
                            .variance = p->block + size * (1 + count),
                            .share = p->block + size * (1 + count) + count};
    pca_work w = {.context = context, .site = site, .out = &p->pca};
    reel_status status = p->block ? decompose(&w, trajectory_count, trajectories) : REEL_NO_MEMORY;
    if (p->block) work_free(&w);
    if (status == REEL_OK) return &p->pca;
    object_free(p);
    return NULL;
}

reel_status reel_pca_project(const char *site, const reel_pca *p, const reel_trajectory *t, double *scores)
{
    if (!p || !t || !scores) return REEL_BAD_ARGUMENT;
    reel_context *context =
        ((const pca_object *)(const void *)((const char *)p - offsetof(pca_object, pca)))->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (reel_trajectory_size(t) != p->size)
        return reel_error_set(context, REEL_BAD_SHAPE, site, "pca_project",
                              "the trajectory has vectors of %lld numbers, the components of %lld",
                              (long long)reel_trajectory_size(t), (long long)p->size);
    for (int64_t i = 0; i < reel_trajectory_count(t); i++)
        for (int c = 0; c < p->count; c++)
            scores[i * p->count + c] = score_of(p, reel_trajectory_point(t, i), p->components + c * p->size);
    return REEL_OK;
}
