/* SPDX-License-Identifier: MIT
 *
 * The data of trainings made on purpose.
 */
#include "diagnosis/made_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MADE_TASKS] = {"moons", "circles", "spirals", "parity",
                                              "blobs", "curve",   "waves",   "products"};

const char *made_task_name(made_task task)
{
    return names[task];
}

static void put(reel_array *a, int64_t i, double x)
{
    if (a->dtype == REEL_FLOAT)
        ((float *)a->data)[i] = (float)x;
    else if (a->dtype == REEL_DOUBLE)
        ((double *)a->data)[i] = x;
    else
        ((int64_t *)a->data)[i] = (int64_t)x;
}

static double between(reel_rng *rng, double least, double most)
{
    return least + (most - least) * reel_rng_uniform_one(rng);
}

/* One point of two classes into x (2), and its class. */
static int two_classes(made_task task, reel_rng *rng, int64_t i, double noise, double x[3])
{
    int side = (int)(i % 2);
    double t = reel_rng_uniform_one(rng), pi = acos(-1), radius;
    switch (task) {
    case MADE_MOONS:
        x[0] = side ? 1 - cos(pi * t) : cos(pi * t);
        x[1] = side ? 0.5 - sin(pi * t) : sin(pi * t);
        break;
    case MADE_CIRCLES:
        radius = side ? 0.5 : 1.3;
        x[0] = radius * cos(2 * pi * t);
        x[1] = radius * sin(2 * pi * t);
        break;
    case MADE_SPIRALS:
        radius = 0.3 + 1.4 * t;
        x[0] = radius * cos(2.5 * pi * t + pi * side);
        x[1] = radius * sin(2.5 * pi * t + pi * side);
        break;
    default:
        for (int c = 0; c < 3; c++) x[c] = between(rng, 0.2, 1.5) * (reel_rng_uniform_one(rng) < 0.5 ? -1 : 1);
        return x[0] * x[1] > 0;
    }
    for (int c = 0; c < 2; c++) x[c] += between(rng, -noise, noise);
    return side;
}

static double regression(made_task task, reel_rng *rng, double *x)
{
    int columns = task == MADE_CURVE ? 3 : task == MADE_WAVES ? 1 : 6;
    for (int c = 0; c < columns; c++) x[c] = between(rng, -1.7, 1.7);
    if (task == MADE_CURVE) return sin(2 * x[0]) + 0.5 * x[1] * x[2];
    if (task == MADE_WAVES) return sin(3 * x[0]) + 0.3 * x[0];
    return 0.6 * x[0] * x[1] - 0.5 * x[2] + 0.4 * fabs(x[3]) + 0.2 * x[4] * x[5];
}

/* Heaps on a ring, the classes in turn, each twice. */
static int blobs(const made_plan *plan, reel_rng *rng, int64_t i, double x[2])
{
    int heaps = 2 * (int)plan->classes, heap = (int)(i % heaps);
    double angle = 2 * acos(-1) * heap / heaps;
    x[0] = 1.5 * cos(angle) + between(rng, -0.25, 0.25);
    x[1] = 1.5 * sin(angle) + between(rng, -0.25, 0.25);
    return heap % (int)plan->classes;
}

reel_dataset made_data(const made_plan *plan, reel_context *context, int64_t rows, uint64_t seed)
{
    reel_rng *rng = reel_rng_philox_new(NULL, context, seed, "made data");
    bool names_classes = plan->task == MADE_BLOBS;
    reel_dataset made = {reel_array_new(NULL, context, plan->dtype, 2, (int64_t[]){rows, plan->columns}),
                         reel_array_new(NULL, context, names_classes ? REEL_INT64 : plan->dtype, names_classes ? 1 : 2,
                                        (int64_t[]){rows, 1})};
    for (int64_t i = 0; i < rows && made.x && made.y; i++) {
        double x[6] = {0}, y;
        if (names_classes)
            y = blobs(plan, rng, i, x);
        else if (plan->classes)
            y = two_classes(plan->task, rng, i, plan->noise, x);
        else
            y = regression(plan->task, rng, x) + between(rng, -1, 1) * (plan->noise + 3 * plan->wrong);
        if (plan->classes && reel_rng_uniform_one(rng) < plan->wrong) y = (double)(((int64_t)y + 1) % plan->classes);
        for (int64_t c = 0; c < plan->columns; c++) put(made.x, i * plan->columns + c, x[c]);
        put(made.y, i, y);
    }
    reel_rng_free(rng);
    return made;
}

void made_spoil(const made_plan *plan, reel_dataset *data)
{
    enum { NOT_FINITE, CONSTANT, SCALED, TARGET, CONTRADICTION };
    int64_t rows = data->x->shape[0], columns = data->x->shape[1],
            column = (int64_t)(plan->data_seed % (uint64_t)columns);
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = i * columns + column;
        if (plan->way == NOT_FINITE && i == rows / 3) put(data->x, at, plan->amount > 0.5 ? NAN : INFINITY);
        if (plan->way == CONSTANT) put(data->x, at, 6 * plan->amount - 3);
        if (plan->way == SCALED) put(data->x, at, reel_array_get(data->x, at) * pow(10, 2.5 + 2 * plan->amount));
        if (plan->way == TARGET && i == rows / 2) put(data->y, i, plan->amount > 0.5 ? NAN : -INFINITY);
        if (plan->way == CONTRADICTION && i % 7 == 0 && i + 1 < rows) { /* the next row again, with another label */
            for (int64_t c = 0; c < columns; c++)
                put(data->x, i * columns + c, reel_array_get(data->x, (i + 1) * columns + c));
            put(data->y, i, fmod(reel_array_get(data->y, i + 1) + 1, (double)plan->classes));
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double made_baseline(const made_plan *plan, const reel_dataset *data)
{
    int64_t rows = data->y->shape[0];
    double mean = 0, squares = 0, counts[8] = {0}, sum = 0;
    for (int64_t i = 0; i < rows; i++) {
        double y = reel_array_get(data->y, i);
        mean += y / (double)rows;
        if (plan->classes) counts[(int64_t)y % 8]++;
    }
    for (int64_t c = 0; c < plan->classes && c < 8; c++)
        if (counts[c] > 0) sum -= counts[c] / (double)rows * log(counts[c] / (double)rows);
    if (plan->classes) return sum;
    if (plan->loss == reel_l1) { /* the median's */
        double *sorted = malloc((size_t)rows * sizeof *sorted);
        for (int64_t i = 0; sorted && i < rows; i++) sorted[i] = reel_array_get(data->y, i);
        if (sorted) qsort(sorted, (size_t)rows, sizeof *sorted, by_size);
        for (int64_t i = 0; sorted && i < rows; i++) sum += fabs(sorted[i] - sorted[rows / 2]) / (double)rows;
        free(sorted);
        return sum;
    }
    for (int64_t i = 0; i < rows; i++) {
        double d = fabs(reel_array_get(data->y, i) - mean);
        bool squared = plan->loss == reel_mse; /* else the smooth one, whose corner is at 1/2 */
        squares += (squared ? d * d : d < 0.5 ? d * d : d - 0.25) / (double)rows;
    }
    return squares;
}
