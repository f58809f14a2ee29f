/* SPDX-License-Identifier: MIT
 *
 * Trajectories, principal components, surfaces and random directions: against PyTorch and NumPy, against their definitions,
 * and without a trace.
 */
#include "failing.h"
#include "moons_run.h"
#include "train/eigen.h"

#include <cjson/cJSON.h>

/* ---- trajectories ---- */

static void add(reel_trajectory *t, const double *point)
{
    int64_t n = reel_trajectory_size(t);
    reel_array a = reel_array_view(REEL_DOUBLE, (void *)(uintptr_t)point, 1, &n);
    ck_assert_int_eq(reel_trajectory_add_vector(NULL, t, &a), REEL_OK);
}

START_TEST(path_of_a_right_angle)
{
    reel_trajectory *t = reel_trajectory_new(NULL, context, 2);
    ck_assert(isnan(reel_trajectory_path(t).efficiency));
    add(t, (const double[]){1, 1});
    add(t, (const double[]){4, 1});
    add(t, (const double[]){4, 5});
    reel_path p = reel_trajectory_path(t);
    ck_assert_double_eq(p.length, 7);
    ck_assert_double_eq(p.direct, 5);
    ck_assert_double_eq(p.efficiency, 5.0 / 7);
    ck_assert_int_eq(reel_trajectory_count(t), 3);
    ck_assert_double_eq(reel_trajectory_point(t, 2)[1], 5);
    ck_assert_ptr_null(reel_trajectory_point(t, 3));
    ck_assert_ptr_null(reel_trajectory_point(t, -1));
}
END_TEST

START_TEST(trajectory_refuses)
{
    reel_trajectory *t = reel_trajectory_new(NULL, context, 3);
    reel_array *two = doubles(1, (const int64_t[]){2}, NULL), *bad = doubles(1, (const int64_t[]){3}, NULL);
    reel_array *whole = reel_array_new(NULL, context, REEL_INT64, 1, (const int64_t[]){3});
    reel_trajectory_add_vector(NULL, t, two);
    expect_error(REEL_BAD_SHAPE, "found 2 numbers, expected 3");
    reel_trajectory_add_vector(NULL, t, whole);
    expect_error(REEL_BAD_DTYPE, "found int64");
    ((double *)bad->data)[1] = INFINITY;
    reel_trajectory_add_vector(NULL, t, bad);
    expect_error(REEL_NOT_FINITE, "number 1 of vector 0 is inf");
    ck_assert_int_eq(reel_trajectory_count(t), 0);
    ck_assert_ptr_null(reel_trajectory_new(NULL, context, -1));
    expect_error(REEL_BAD_ARGUMENT, "-1 numbers");
}
END_TEST

/* ---- eigenvectors ---- */

enum { SIDE_MOST = 24 };

/* |A v - value v| and |V'V - 1|, the largest element of each. */
static void check_eigen(int n, const double *a)
{
    double v[SIDE_MOST * SIDE_MOST], values[SIDE_MOST], work[2 * SIDE_MOST], size = 1;
    memcpy(v, a, (size_t)(n * n) * sizeof *v);
    for (int i = 0; i < n * n; i++) size = fmax(size, fabs(a[i]));
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++) v[i * n + j] = NAN; /* not to be read */
    ck_assert(symmetric_eigen(n, v, values, work));
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double product = 0, inner = 0;
            for (int k = 0; k < n; k++) product += a[i * n + k] * v[k * n + j], inner += v[k * n + i] * v[k * n + j];
            ck_assert_double_eq_tol(product, values[j] * v[i * n + j], 1e-13 * size * n);
            ck_assert_double_eq_tol(inner, i == j, 1e-13 * n);
        }
}

START_TEST(eigenvectors)
{
    reel_rng *rng = reel_rng_philox_new(NULL, context, 7, "eigen");
    for (int n = 1; n <= SIDE_MOST; n++) {
        double a[SIDE_MOST * SIDE_MOST] = {0};
        check_eigen(n, a); /* zeros */
        for (int i = 0; i < n; i++) a[i * n + i] = i % 3;
        check_eigen(n, a); /* a diagonal with equal values */
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = 100 * reel_rng_normal_one(rng);
        check_eigen(n, a);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) a[i * n + j] = (i + 1.0) * (j + 1.0); /* rank 1 */
        check_eigen(n, a);
    }
    double bad[4] = {1, 0, INFINITY, 1}, values[2], work[4];
    ck_assert(!symmetric_eigen(2, bad, values, work));
}
END_TEST

/* ---- principal components ---- */

static double inner(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Rows orthonormal; the variance of the scores is what is said; the largest score is positive. */
static void check_components(const reel_pca *p, reel_trajectory *const *paths, int count)
{
    double sums[8] = {0}, squares[8] = {0}, largest[8] = {0};
    for (int t = 0; t < count; t++) {
        int64_t points = reel_trajectory_count(paths[t]);
        double *scores = malloc((size_t)(points * p->count) * sizeof *scores);
        ck_assert_int_eq(reel_pca_project(NULL, p, paths[t], scores), REEL_OK);
        for (int64_t i = 0; i < points; i++)
            for (int c = 0; c < p->count; c++) {
                double s = scores[i * p->count + c];
                sums[c] += s;
                squares[c] += s * s;
                if (fabs(s) > fabs(largest[c]) + 1e-12) largest[c] = s;
            }
        free(scores);
    }
    for (int c = 0; c < p->count; c++) {
        const double *own = p->components + c * p->size;
        if (p->variance[c] == 0) continue;
        for (int d = 0; d <= c; d++)
            ck_assert_double_eq_tol(inner(p->size, own, p->components + d * p->size), c == d, 1e-13);
        ck_assert_double_eq_tol(sums[c], 0, 1e-10 * sqrt(p->total) * (double)p->points);
        ck_assert_double_eq_tol(squares[c] / (double)(p->points - 1), p->variance[c], 1e-12 * p->total);
        ck_assert_double_eq_tol(p->variance[c] / p->total, p->share[c], 1e-14);
        ck_assert_double_gt(largest[c], 0);
        if (c > 0) ck_assert(p->variance[c] <= p->variance[c - 1]);
    }
}

/* Fewer points than numbers and more: both matrices. */
START_TEST(components_both_ways)
{
    static const int shapes[][2] = {{40, 6}, {6, 40}, {7, 7}, {5, 700}, {2, 3}};
    const int *shape = shapes[_i];
    reel_rng *rng = reel_rng_philox_new(NULL, context, 3, "pca");
    reel_trajectory *paths[2];
    for (int t = 0; t < 2; t++) paths[t] = reel_trajectory_new(NULL, context, shape[1]);
    for (int i = 0; i < shape[0]; i++) {
        double *point = calloc((size_t)shape[1], sizeof *point);
        for (int k = 0; k < shape[1]; k++) point[k] = 5 + (1 + k % 5) * reel_rng_normal_one(rng);
        add(paths[i % 2], point);
        free(point);
    }
    int count = shape[0] < shape[1] ? shape[0] : shape[1];
    if (count > 8) count = 8;
    reel_pca *p = reel_pca_new(NULL, context, count, 2, paths);
    expect_fine();
    ck_assert_int_eq(p->points, shape[0]);
    check_components(p, paths, 2);
    double shares = 0;
    for (int c = 0; c < count; c++) shares += p->share[c];
    if (count == shape[1] || count == shape[0]) ck_assert_double_eq_tol(shares, 1, 1e-13);
    reel_pca_free(p);
}
END_TEST

START_TEST(components_of_a_line)
{
    for (int n = 2; n < 9; n += 6) {
        reel_trajectory *line = reel_trajectory_new(NULL, context, n);
        for (int i = 0; i < 5; i++) {
            double point[8];
            for (int k = 0; k < n; k++) point[k] = 1.0 / 3 - i * i * (k + 1.0);
            add(line, point);
        }
        reel_pca *p = reel_pca_new(NULL, context, 2, 1, &line);
        expect_fine();
        ck_assert_double_eq_tol(p->share[0], 1, 1e-14);
        ck_assert_double_eq(p->variance[1], 0);
        for (int k = 0; k < n; k++) ck_assert_double_eq(p->components[n + k], 0);
        /* The last point is the farthest: the component points to it, down every axis. */
        for (int k = 0; k < n; k++) ck_assert_double_lt(p->components[k], 0);
    }
}
END_TEST

START_TEST(components_refuse)
{
    reel_trajectory *paths[] = {reel_trajectory_new(NULL, context, 2), reel_trajectory_new(NULL, context, 3)};
    add(paths[0], (const double[]){1, 2});
    ck_assert_ptr_null(reel_pca_new(NULL, context, 1, 1, paths));
    expect_error(REEL_BAD_ARGUMENT, "found 1 points, expected two or more");
    add(paths[0], (const double[]){3, 4});
    ck_assert_ptr_null(reel_pca_new(NULL, context, 3, 1, paths));
    expect_error(REEL_BAD_ARGUMENT, "3 components, expected 1 to 2");
    ck_assert_ptr_null(reel_pca_new(NULL, context, 1, 2, paths));
    expect_error(REEL_BAD_SHAPE, "trajectory 1 has vectors of 3 numbers, the first one of 2");
    ck_assert_ptr_null(reel_pca_new(NULL, context, 1, 0, NULL));
    expect_error(REEL_BAD_ARGUMENT, "found 0 points");
    reel_pca *p = reel_pca_new(NULL, context, 1, 1, paths);
    double score;
    reel_pca_project(NULL, p, paths[1], &score);
    expect_error(REEL_BAD_SHAPE, "vectors of 3 numbers, the components of 2");
    add(paths[0], (const double[]){1e200, 4});
    ck_assert_ptr_null(reel_pca_new(NULL, context, 1, 1, paths));
    expect_error(REEL_NOT_FINITE, "overflow");
}
END_TEST

/* ---- the notebook's figures ---- */

enum { UPDATES = 200, PARAMETERS = 33, GRID = 50 };

static cJSON *reference(const char *name)
{
    size_t size;
    char *text = slurp(REFERENCE "/moons", name, &size);
    ck_assert_msg(text, "%s is missing", name);
    cJSON *document = cJSON_Parse(text);
    free(text);
    ck_assert_ptr_nonnull(document);
    return document;
}

static double item(const cJSON *list, int i)
{
    const cJSON *found = cJSON_GetArrayItem(list, i);
    ck_assert(cJSON_IsNumber(found));
    return found->valuedouble;
}

static void expect_numbers(const char *what, const cJSON *list, int count, const double *found, double tolerance)
{
    ck_assert_msg(cJSON_GetArraySize(list) == count, "%s has %d numbers, expected %d", what, cJSON_GetArraySize(list),
                  count);
    for (int i = 0; i < count; i++)
        ck_assert_msg(fabs(found[i] - item(list, i)) <= tolerance, "%s[%d] is %.17g, expected %.17g", what, i, found[i],
                      item(list, i));
}

typedef struct notebook_run {
    const char *name, *kind;
    double lr, momentum;
} notebook_run;

static const notebook_run notebook[] = {
    {"SGD", "sgd", 0.5, 0}, {"SGD + Momentum", "sgd", 0.5, 0.9}, {"Adam", "adam", 0.05, 0}};

typedef struct record {
    reel_trajectory *path;
    reel_params *params;
} record;

static void record_step(const reel_event *event, void *user)
{
    record *r = user;
    if (event->kind == REEL_EVENT_STEP || event->kind == REEL_EVENT_BEGIN)
        reel_trajectory_add(NULL, r->path, r->params);
}

/* The net of the notebook: from PyTorch's float weights, in double. */
static reel_trainer *notebook_trainer(const notebook_run *run, record *r)
{
    const int sizes[] = {2, 8, 1};
    reel_dataset *moons = reel_moons_new(NULL, context, 200, 0.15, reel_rng_numpy_new(NULL, context, 42));
    reel_params *drawn = reel_params_new(NULL, context, REEL_FLOAT);
    reel_mlp_new(NULL, drawn, "net", 3, sizes, "relu", reel_rng_torch_new(NULL, context, 42));
    r->params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_module *net = reel_mlp_new(NULL, r->params, "net", 3, sizes, "relu", NULL);
    reel_params_copy(NULL, r->params, drawn);
    reel_optimizer *optimizer = reel_optimizer_new(NULL, r->params, reel_optimizer_find(run->kind));
    reel_optimizer_set(NULL, optimizer, "lr", run->lr);
    if (run->momentum > 0) reel_optimizer_set(NULL, optimizer, "momentum", run->momentum);
    reel_trainer *trainer = reel_trainer_new(NULL, net, moons, reel_bce_with_logits, optimizer);
    reel_trainer_set(NULL, trainer, "epochs", UPDATES);
    r->path = reel_trajectory_new(NULL, context, PARAMETERS);
    reel_trainer_set_observer(trainer, record_step, r);
    expect_fine();
    return trainer;
}

static void expect_surface(reel_trainer *trainer, const reel_pca *pca, const double *origin, const char *name)
{
    cJSON *document = reference("surface.json");
    double a[GRID], b[GRID], losses[GRID * GRID];
    for (int i = 0; i < GRID; i++) {
        a[i] = item(cJSON_GetObjectItem(document, "x_range"), i);
        b[i] = item(cJSON_GetObjectItem(document, "y_range"), i);
    }
    const reel_plane plane = {origin, pca->components, pca->components + pca->size};
    ck_assert_int_eq(reel_surface(NULL, trainer, NULL, &plane, GRID, a, GRID, b, losses), REEL_OK);
    for (int j = 0; j < GRID; j++)
        expect_numbers(name, cJSON_GetArrayItem(cJSON_GetObjectItem(document, name), j), GRID, losses + j * GRID, 1e-9);
    cJSON_Delete(document);
}

START_TEST(agrees_with_the_notebook)
{
    record runs[3];
    reel_trainer *trainer = NULL;
    reel_trajectory *paths[3];
    cJSON *optimizers = reference("optimizers.json"), *pca = reference("pca.json"),
          *points = reference("trajectories.json");
    for (int k = 0; k < 3; k++) {
        trainer = notebook_trainer(&notebook[k], &runs[k]);
        ck_assert_int_eq(reel_trainer_run(NULL, trainer), REEL_OK);
        paths[k] = runs[k].path;
        ck_assert_int_eq(reel_trajectory_count(paths[k]), UPDATES + 1);
        const cJSON *expected = cJSON_GetObjectItem(cJSON_GetObjectItem(optimizers, "runs"), notebook[k].name);
        reel_path path = reel_trajectory_path(paths[k]);
        ck_assert_double_eq_tol(path.length, cJSON_GetObjectItem(expected, "path_length")->valuedouble, 1e-11);
        ck_assert_double_eq_tol(path.direct, cJSON_GetObjectItem(expected, "direct_distance")->valuedouble, 1e-11);
        ck_assert_double_eq_tol(100 * path.efficiency, cJSON_GetObjectItem(expected, "efficiency_percent")->valuedouble,
                                1e-10);
        double losses[UPDATES + 1];
        ck_assert_int_eq(reel_trajectory_losses(NULL, trainer, NULL, paths[k], losses), REEL_OK);
        const cJSON *list = cJSON_GetObjectItem(expected, "losses");
        for (int e = 0; e < UPDATES; e++) ck_assert_double_eq_tol(losses[e], item(list, e + 1), 1e-12);
        ck_assert_double_eq_tol(losses[UPDATES], cJSON_GetObjectItem(expected, "loss_after_last_step")->valuedouble,
                                1e-12);
        const cJSON *vectors = cJSON_GetObjectItem(cJSON_GetObjectItem(points, "optimizers"), notebook[k].name);
        ck_assert_int_eq(cJSON_GetArraySize(vectors), UPDATES / 20 + 1);
        for (int i = 0; i <= UPDATES / 20; i++)
            expect_numbers(notebook[k].name, cJSON_GetArrayItem(vectors, i), PARAMETERS,
                           reel_trajectory_point(paths[k], 20 * i), 1e-12);
    }
    reel_pca *found = reel_pca_new(NULL, context, 2, 3, paths);
    expect_fine();
    const cJSON *exact = cJSON_GetObjectItem(pca, "exact_float64");
    expect_numbers("mean", cJSON_GetObjectItem(exact, "mean"), PARAMETERS, found->mean, 1e-12);
    for (int c = 0; c < 2; c++)
        expect_numbers("components", cJSON_GetArrayItem(cJSON_GetObjectItem(exact, "components"), c), PARAMETERS,
                       found->components + c * PARAMETERS, 1e-12);
    expect_numbers("variance", cJSON_GetObjectItem(exact, "explained_variance"), 2, found->variance, 1e-11);
    expect_numbers("share", cJSON_GetObjectItem(exact, "explained_variance_ratio"), 2, found->share, 1e-12);
    check_components(found, paths, 3);
    expect_surface(trainer, found, found->mean, "consistent_surface");
    expect_surface(trainer, found, reel_trajectory_point(paths[2], UPDATES), "surface");
    expect_surface(trainer, found, NULL, "surface"); /* where the parameters are: Adam was trained last */
    cJSON_Delete(optimizers);
    cJSON_Delete(pca);
    cJSON_Delete(points);
}
END_TEST

/* ---- no trace ---- */

static void look(const moons_run *r, reel_trajectory *path)
{
    int64_t n = reel_params_size(r->params);
    double *vectors = calloc(2 * (size_t)n, sizeof *vectors), losses[9];
    reel_rng *rng = reel_rng_philox_new(NULL, context, 5, "directions");
    ck_assert_int_eq(reel_filter_direction(NULL, r->params, rng, false, vectors), REEL_OK);
    ck_assert_int_eq(reel_filter_direction(NULL, r->params, rng, true, vectors + n), REEL_OK);
    const reel_plane plane = {NULL, vectors, vectors + n};
    static const double at[] = {-1, 0, 1};
    const reel_landscape_options all[] = {{.rows = 0}, {.rows = -1, .training = true}, {.rows = 7}};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(reel_surface(NULL, r->trainer, &all[i], &plane, 3, at, 3, at, losses), REEL_OK);
    ck_assert_int_eq(reel_trajectory_losses(NULL, r->trainer, NULL, path, losses), REEL_OK);
    reel_rng_free(rng);
    free(vectors);
}

static void look_along(const reel_event *event, void *user)
{
    moons_run *r = user;
    if (event->kind != REEL_EVENT_STEP || event->step % 3) return;
    reel_trajectory *here = reel_trajectory_new(NULL, context, reel_params_size(r->params));
    reel_trajectory_add(NULL, here, r->params);
    look(r, here);
    reel_trajectory_free(here);
}

START_TEST(leaves_no_trace)
{
    char hashes[2][33];
    float values[64];
    for (int looks = 0; looks < 2; looks++) {
        run_setup s = {.dtype = REEL_FLOAT, .batch = 32, .dropout = 0.3, .epochs = 4, .schedule = "cosine"};
        moons_run r = run_new(context, &s);
        if (looks) reel_trainer_set_observer(r.trainer, look_along, &r);
        ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
        ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(r.trainer), hashes[looks]), REEL_OK);
        reel_array flat = reel_params_flat(r.params);
        ck_assert(!reel_params_has_gradient(r.params));
        ck_assert_int_le(flat.size, 64);
        if (looks) ck_assert_mem_eq(flat.data, values, (size_t)flat.size * sizeof(float));
        memcpy(values, flat.data, (size_t)flat.size * sizeof(float));
    }
    ck_assert_str_eq(hashes[0], hashes[1]);
}
END_TEST

/* ---- surfaces by their definition ---- */

typedef struct bowl {
    reel_params *params;
    int index;
    int64_t calls;
} bowl;

/* x^2 + 10 y^2; not finite beyond |x| = 5. */
static reel_value bowl_loss(const reel_batch *batch, void *user)
{
    bowl *b = user;
    const double scales[] = {1, 10};
    reel_array scale = reel_array_view(REEL_DOUBLE, (void *)(uintptr_t)scales, 1, &(int64_t){2});
    reel_value w = reel_param(NULL, batch->tape, b->params, b->index);
    if (fabs(at(reel_params_flat(b->params), 0)) > 5)
        w = reel_log(NULL, reel_mul_scalar(NULL, reel_square(NULL, w), -1));
    reel_array copy = *reel_array_cast(NULL, context, REEL_DOUBLE, &scale);
    b->calls++;
    return reel_sum(NULL, reel_mul(NULL, reel_square(NULL, w), reel_variable(NULL, batch->tape, &copy)));
}

static reel_trainer *bowl_new(bowl *b)
{
    b->params = reel_params_new(NULL, context, REEL_DOUBLE);
    b->index = reel_params_add(NULL, b->params, "w", 1, &(int64_t){2});
    return reel_trainer_custom_new(NULL, reel_sgd_new(NULL, b->params, 0.1), NULL, NULL, bowl_loss, b);
}

START_TEST(surface_of_a_bowl)
{
    bowl b = {.calls = 0};
    reel_trainer *trainer = bowl_new(&b);
    const double origin[] = {1, 2}, first[] = {1, 0}, second[] = {1, 1}, x[] = {-1, 0, 2}, y[] = {0, 3};
    const reel_plane plane = {origin, first, second};
    double losses[6], pairs[] = {2, 3, 0, 0};
    ck_assert_int_eq(reel_surface(NULL, trainer, NULL, &plane, 3, x, 2, y, losses), REEL_OK);
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 3; i++) {
            double u = 1 + x[i] + y[j], v = 2 + y[j];
            if (u > 5)
                ck_assert(isnan(losses[3 * j + i])); /* no error: the other points are there */
            else
                ck_assert_double_eq(losses[3 * j + i], u * u + 10 * v * v);
        }
    ck_assert_int_eq(b.calls, 6);
    ck_assert_int_eq(reel_plane_losses(NULL, trainer, NULL, &plane, 2, pairs, losses), REEL_OK);
    ck_assert(isnan(losses[0]));
    ck_assert_double_eq(losses[1], 41);
    ck_assert_double_eq(at(reel_params_flat(b.params), 0), 0);
    expect_fine();
    reel_surface(NULL, trainer, NULL, &plane, 0, x, 2, y, losses);
    expect_error(REEL_BAD_ARGUMENT, "a grid of 0 by 2 points");
    reel_trajectory *other = reel_trajectory_new(NULL, context, 3);
    reel_trajectory_losses(NULL, trainer, NULL, other, losses);
    expect_error(REEL_BAD_SHAPE, "vectors of 3 numbers, the model 2 parameters");
    ck_assert_int_eq(reel_surface(NULL, NULL, NULL, &plane, 3, x, 2, y, losses), REEL_BAD_ARGUMENT);
}
END_TEST

/* As many requests for memory for 400 points as for 4. */
START_TEST(points_allocate_nothing)
{
    uint64_t made[2];
    for (int k = 0; k < 2; k++) {
        run_setup s = {.dtype = k ? REEL_DOUBLE : REEL_FLOAT, .epochs = 1};
        moons_run r = run_new(context, &s);
        ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
        int64_t n = reel_params_size(r.params);
        double *vectors = calloc(2 * (size_t)n, sizeof *vectors), losses[400], at20[20];
        for (int i = 0; i < 20; i++) at20[i] = 0.1 * i;
        vectors[0] = vectors[n + 1] = 1;
        const reel_plane plane = {NULL, vectors, vectors + n};
        for (int size = 0; size < 2; size++) {
            uint64_t before = reel_context_memory(context).allocations;
            int side = size ? 20 : 2;
            ck_assert_int_eq(reel_surface(NULL, r.trainer, NULL, &plane, side, at20, side, at20, losses), REEL_OK);
            made[size] = reel_context_memory(context).allocations - before;
        }
        ck_assert_uint_eq(made[0], made[1]);
        free(vectors);
    }
}
END_TEST

/* ---- random directions ---- */

START_TEST(filters_keep_their_norm)
{
    reel_params *p = reel_params_new(NULL, context, REEL_FLOAT);
    reel_rng *init = reel_rng_torch_new(NULL, context, 1);
    reel_linear_new(NULL, p, "one", 3, 4, init);
    int fixed = reel_params_add(NULL, p, "fixed", 2, (const int64_t[]){2, 2});
    reel_params_add(NULL, p, "empty", 2, (const int64_t[]){0, 2});
    ck_assert_int_eq(reel_params_set_trainable(NULL, p, fixed, false), REEL_OK);
    double d[2][20], again[20];
    ck_assert_int_eq(reel_params_size(p), 20);
    for (int vectors = 0; vectors < 2; vectors++) {
        reel_rng *rng = reel_rng_philox_new(NULL, context, 9, "");
        ck_assert_int_eq(reel_filter_direction(NULL, p, rng, vectors, d[vectors]), REEL_OK);
    }
    reel_array w = reel_params_flat(p);
    for (int row = 0; row < 4; row++) {
        double norms[2] = {0};
        for (int k = 0; k < 3; k++) {
            norms[0] += at(w, 3 * row + k) * at(w, 3 * row + k);
            norms[1] += d[0][3 * row + k] * d[0][3 * row + k];
        }
        ck_assert_double_eq_tol(norms[0], norms[1], 1e-14);
    }
    double bias[2] = {0};
    for (int k = 0; k < 4; k++) {
        ck_assert_double_eq(d[0][12 + k], 0);
        bias[0] += at(w, 12 + k) * at(w, 12 + k);
        bias[1] += d[1][12 + k] * d[1][12 + k];
        ck_assert_double_eq(d[1][16 + k], 0); /* not trainable */
    }
    ck_assert_double_eq_tol(bias[0], bias[1], 1e-14);
    ck_assert_mem_eq(d[0], d[1], 12 * sizeof(double)); /* the same numbers are drawn */
    reel_rng *rng = reel_rng_philox_new(NULL, context, 10, "");
    ck_assert_int_eq(reel_filter_direction(NULL, p, rng, false, again), REEL_OK);
    ck_assert(memcmp(again, d[0], sizeof again) != 0);
}
END_TEST

START_TEST(directions_refuse)
{
    bowl b = {.calls = 0};
    bowl_new(&b);
    double d[2];
    reel_rng *rng = reel_rng_philox_new(NULL, context, 9, "");
    reel_filter_direction(NULL, b.params, rng, false, d);
    expect_error(REEL_BAD_STATE, "of rank 0 or 1");
    reel_filter_direction(NULL, b.params, rng, true, d);
    expect_error(REEL_BAD_STATE, "no parameter moves");
    reel_filter_direction(NULL, b.params, NULL, true, d);
    expect_error(REEL_BAD_ARGUMENT, "no random stream");
    ((double *)reel_params_flat(b.params).data)[1] = NAN;
    reel_filter_direction(NULL, b.params, rng, true, d);
    expect_error(REEL_NOT_FINITE, "w is not finite");
}
END_TEST

/* ---- memory ---- */

START_TEST(survives_short_memory)
{
    for (uint64_t n = 0, fine = 0; !fine; n++) {
        failing f = {.left = UINT64_MAX};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &f});
        run_setup s = {.dtype = n % 2 ? REEL_FLOAT : REEL_DOUBLE, .batch = 32, .epochs = 1};
        moons_run r = run_new(own, &s);
        ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
        char before[33], after[33];
        double losses[80], directions[2][64];
        reel_state_hash(NULL, reel_trainer_state(r.trainer), before);
        f.left = n / 2;
        reel_trajectory *t = reel_trajectory_new(NULL, own, reel_params_size(r.params));
        for (int i = 0; i < 70; i++) reel_trajectory_add(NULL, t, r.params);
        reel_trajectory_losses(NULL, r.trainer, NULL, t, losses);
        reel_pca *p = reel_pca_new(NULL, own, 2, 1, &t);
        reel_rng *rng = reel_rng_philox_new(NULL, own, 1, "");
        reel_filter_direction(NULL, r.params, rng, false, directions[0]);
        const reel_plane plane = {NULL, directions[0], directions[0]};
        reel_surface(NULL, r.trainer, NULL, &plane, 2, directions[0], 2, directions[0], losses);
        fine = !reel_failed(own) && p;
        if (!fine) ck_assert_int_eq(reel_error_status(own), REEL_NO_MEMORY);
        f.left = UINT64_MAX;
        reel_error_clear(own);
        reel_state_hash(NULL, reel_trainer_state(r.trainer), after);
        ck_assert_str_eq(before, after);
        reel_context_free(own);
        ck_assert_uint_eq(f.in_use, 0);
        ck_assert_uint_lt(n, 2000);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("landscape");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, path_of_a_right_angle);
    tcase_add_test(tests, trajectory_refuses);
    tcase_add_test(tests, eigenvectors);
    tcase_add_loop_test(tests, components_both_ways, 0, 5);
    tcase_add_test(tests, components_of_a_line);
    tcase_add_test(tests, components_refuse);
    tcase_add_test(tests, agrees_with_the_notebook);
    tcase_add_test(tests, leaves_no_trace);
    tcase_add_test(tests, surface_of_a_bowl);
    tcase_add_test(tests, points_allocate_nothing);
    tcase_add_test(tests, filters_keep_their_norm);
    tcase_add_test(tests, directions_refuse);
    tcase_add_test(tests, survives_short_memory);
    return run_case(tests, "landscape");
}
