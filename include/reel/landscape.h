/* SPDX-License-Identifier: MIT
 *
 * The landscape of a loss: where a training went, the plane in which it moved most, and the loss over a plane.
 *
 *     reel_trajectory *path = reel_trajectory_new(reel, reel_params_size(params));
 *     reel_trajectory_add(path, params);                                 // before the first step, and after each
 *     reel_pca *pca = reel_pca_new(reel, 2, 1, &path);
 *     const reel_plane plane = {pca->mean, pca->components, pca->components + pca->size};
 *     reel_surface(trainer, NULL, &plane, 50, x, 50, y, losses);
 *
 * What evaluates a loss leaves trainer, model and random streams as they were, bit for bit, as reel/diagnose.h says.
 */
#ifndef REEL_LANDSCAPE_H
#define REEL_LANDSCAPE_H

#include <reel/diagnose.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- trajectories ---- */

/* Parameter vectors one after the other, as doubles: where a training has been. */
typedef struct reel_trajectory reel_trajectory;

/* An empty trajectory of vectors of `size` numbers, owned by the context. Error: a negative size, no memory; then NULL. */
REEL_API reel_trajectory *reel_trajectory_new(REEL_SITE reel_context *context, int64_t size);
REEL_API void reel_trajectory_free(reel_trajectory *trajectory);
/* Appends a copy of all parameters, in the order of reel_params_flat; or of any vector (size) of float or double. Error:
 * another size or type, a number that is not finite (REEL_NOT_FINITE; it is not appended), no memory. */
REEL_API reel_status reel_trajectory_add(REEL_SITE reel_trajectory *trajectory, const reel_params *params);
REEL_API reel_status reel_trajectory_add_vector(REEL_SITE reel_trajectory *trajectory, const reel_array *vector);
/* Number of vectors, and of numbers in one. */
REEL_API int64_t reel_trajectory_count(const reel_trajectory *trajectory);
REEL_API int64_t reel_trajectory_size(const reel_trajectory *trajectory);
/* Vector `index` (size); NULL outside the range. Belongs to the trajectory, valid until the next is appended. */
REEL_API const double *reel_trajectory_point(const reel_trajectory *trajectory, int64_t index);

/* How far a trajectory went, and how directly. */
typedef struct reel_path {
    double length;     /* sum over i of |w_(i+1) - w_i| */
    double direct;     /* |w_last - w_0| */
    double efficiency; /* direct / length, 1 for a straight line; NaN where nothing moved */
} reel_path;
/* Of all vectors; zeros and NaN for fewer than two. */
REEL_API reel_path reel_trajectory_path(const reel_trajectory *trajectory);

/* ---- principal components ---- */

/* The directions in which the points of trajectories spread most, about their mean. */
typedef struct reel_pca {
    int64_t points, size; /* m vectors of n numbers */
    int count;
    double *mean;       /* (n) */
    double *components; /* (count, n) orthonormal rows, the one of largest variance first */
    double *variance;   /* (count) along each: sum of squared scores / (m - 1) */
    double *share;      /* (count) of the total variance */
    double total;       /* variance in all directions together */
} reel_pca;

/* Principal components of the points of all trajectories together (Pearson 1901), from the complete eigendecomposition of
 * the smaller one of X'X and XX', X (m, n) being the centred points: Householder's tridiagonal form and QL with implicit
 * shifts. Memory: the square of the smaller one of m and n. Sign: the point with the largest absolute score on a component,
 * the first of those that are equal up to rounding, has a positive one. A component beyond the rank of X is 0, with variance 0. Error: fewer than two
 * points, `count` below 1 or above min(m, n), trajectories of different sizes, no memory. Then NULL. Owned by the context. */
REEL_API reel_pca *reel_pca_new(REEL_SITE reel_context *context, int count, int trajectory_count,
                                reel_trajectory *const *trajectories);
REEL_API void reel_pca_free(reel_pca *pca);
/* scores[i][k] = (w_i - mean) . component k, to `scores` (points of the trajectory, count). Error: another size. */
REEL_API reel_status reel_pca_project(REEL_SITE const reel_pca *pca, const reel_trajectory *trajectory, double *scores);

/* ---- the loss over a plane ---- */

/* w(a, b) = origin + a first + b second. Vectors (n) of the caller's, in the order of reel_params_flat. */
typedef struct reel_plane {
    const double *origin; /* NULL: where the parameters are */
    const double *first, *second;
} reel_plane;

/* What a loss is measured on. */
typedef struct reel_landscape_options {
    int64_t rows;  /* of the data: REEL_ROWS_ALL, REEL_ROWS_BATCH, or the first so many (reel/diagnose.h) */
    bool training; /* modules in training mode, with the same random numbers at every point; default: evaluation */
} reel_landscape_options;

/* losses[k] = L(w(a_k, b_k)) for coordinates (count, 2) a_0, b_0, a_1, ... The loss is the trainer's, any function of a
 * tape (reel_trainer_custom_new), over rows that stay the same; computed in double where the model is made of built-in
 * modules and the loss is one of the library, else in the model's type. One tape is rewound from point to point: from the
 * second on nothing is allocated. A loss that is not finite stands as it is and is no error. options NULL: all rows, evaluation
 * mode. Error: what the loss function says. */
REEL_API reel_status reel_plane_losses(REEL_SITE reel_trainer *trainer, const reel_landscape_options *options,
                                       const reel_plane *plane, int64_t count, const double *coordinates,
                                       double *losses);
/* The same on a grid: losses (b_count, a_count), losses[j][i] = L(w(a_i, b_j)). */
REEL_API reel_status reel_surface(REEL_SITE reel_trainer *trainer, const reel_landscape_options *options,
                                  const reel_plane *plane, int64_t a_count, const double *a, int64_t b_count,
                                  const double *b, double *losses);
/* The same at the vectors of a trajectory: losses (count). Error: another size than the trainer's parameters have. */
REEL_API reel_status reel_trajectory_losses(REEL_SITE reel_trainer *trainer, const reel_landscape_options *options,
                                            const reel_trajectory *trajectory, double *losses);

/* A random direction with the scale of the parameters, filter by filter (Li et al., "Visualizing the Loss Landscape of
 * Neural Nets", 2018): standard normal numbers d from `rng`, all trainable parameters in order, and then for each filter f
 *     direction_f = d_f |w_f| / |d_f|.
 * A filter is what one unit sees: a slice along the first axis of a parameter of rank 2 or more. Parameters of a lower
 * rank (biases) stay where they are; `vectors`: they move too, each as one filter. What is not trainable does not move. To
 * `direction` (n). Error: no parameter moves (REEL_BAD_STATE), a parameter is not finite, what the stream says. */
REEL_API reel_status reel_filter_direction(REEL_SITE const reel_params *params, reel_rng *rng, bool vectors,
                                           double *direction);

#ifndef REEL_NO_SITE_MACROS
#define reel_trajectory_new(...) reel_trajectory_new(REEL_HERE, __VA_ARGS__)
#define reel_trajectory_add(...) reel_trajectory_add(REEL_HERE, __VA_ARGS__)
#define reel_trajectory_add_vector(...) reel_trajectory_add_vector(REEL_HERE, __VA_ARGS__)
#define reel_pca_new(...) reel_pca_new(REEL_HERE, __VA_ARGS__)
#define reel_pca_project(...) reel_pca_project(REEL_HERE, __VA_ARGS__)
#define reel_plane_losses(...) reel_plane_losses(REEL_HERE, __VA_ARGS__)
#define reel_surface(...) reel_surface(REEL_HERE, __VA_ARGS__)
#define reel_trajectory_losses(...) reel_trajectory_losses(REEL_HERE, __VA_ARGS__)
#define reel_filter_direction(...) reel_filter_direction(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
