/* SPDX-License-Identifier: MIT
 *
 * The first suspect: is the gradient right?
 */
#include "gradient.h"
#include "plain.h"
#include "start.h"

#include "../../models/gaussian_image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where each part stands in the seven numbers of a Gaussian. */
static const struct {
    gaussian_part part;
    int first, count;
} parts[] = {{GAUSSIAN_POSITION, 0, 2}, {GAUSSIAN_SCALE, 2, 2}, {GAUSSIAN_COLOUR, 4, 3}};
enum { PARTS = sizeof parts / sizeof *parts };

static void write_gaussians(const gaussian_image *model, const published_gaussian *at, int count)
{
    for (int k = 0; k < PARTS; k++) {
        reel_array value = reel_params_value(model->params, model->index[parts[k].part]);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < parts[k].count; j++)
                ((double *)value.data)[i * parts[k].count + j] = (double)(&at[i].x)[parts[k].first + j];
    }
    reel_array opacity = reel_params_value(model->params, model->index[GAUSSIAN_OPACITY]);
    for (int64_t i = 0; i < opacity.size; i++) ((double *)opacity.data)[i] = 1;
    reel_params_touch(model->params);
}

/* |g - g'| / |g| of the part that is worst; `g` and `other` (count, 7). */
static double distance_of(int count, const double *g, const double *other)
{
    double worst = 0;
    for (int k = 0; k < PARTS; k++) {
        double whole = 0, difference = 0;
        for (int i = 0; i < count; i++)
            for (int j = parts[k].first; j < parts[k].first + parts[k].count; j++) {
                double d = g[7 * i + j] - other[7 * i + j];
                whole += g[7 * i + j] * g[7 * i + j];
                difference += d * d;
            }
        if (!(whole > 0)) return NAN;
        worst = fmax(worst, sqrt(difference / whole));
    }
    return worst;
}

/* Reel's gradient of L2 (count, 7), in double. */
static bool gradient_of_tape(int count, const published_gaussian *at, double *gradient)
{
    reel_context *context = reel_context_new(NULL);
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    gaussian_settings settings = gaussian_settings_new();
    gaussian_image model;
    settings.count = count;
    gaussian_image_init(&model, params, &settings);
    if (!reel_failed(context)) write_gaussians(&model, at, count);
    reel_value image = gaussian_image_render(&model, tape);
    reel_backward(
        NULL, reel_mse(NULL, image,
                       reel_input(NULL, tape,
                                  reel_test_image_new(NULL, context, "baseline1", PUBLISHED_SIDE, PUBLISHED_SIDE))));
    bool right = !reel_failed(context);
    for (int k = 0; k < PARTS && right; k++) {
        reel_array found = reel_params_gradient(params, model.index[parts[k].part]);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < parts[k].count; j++)
                gradient[7 * i + parts[k].first + j] = reel_array_get(&found, (int64_t)i * parts[k].count + j);
    }
    reel_context_free(context);
    return right;
}

bool study_gradient_distance(int count, const published_gaussian *at, const published_gaussian *published,
                             gradient_distance *distance)
{
    size_t size = 7 * (size_t)count;
    float target[PUBLISHED_PIXELS];
    double *formulas = calloc(size, sizeof *formulas), *other = calloc(size, sizeof *other);
    bool right = formulas && other && study_image(target) && plain_gradient_double(count, at, target, formulas) &&
                 gradient_of_tape(count, at, other);
    if (right) {
        distance->formulas = distance_of(count, formulas, other);
        for (size_t i = 0; i < size; i++) other[i] = (double)(&published->x)[i];
        distance->rounding = distance_of(count, formulas, other);
    }
    free(formulas);
    free(other);
    return right;
}
