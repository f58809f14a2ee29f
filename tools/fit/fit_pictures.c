/* SPDX-License-Identifier: MIT
 *
 * The pictures of `reel fit`, pixel by pixel.
 */
#include "fit/fit.h"

#include <math.h>
#include <stdlib.h>

/* viridis (van der Walt and Smith 2015) at equal steps. */
static const uint8_t viridis[9][3] = {{68, 1, 84},    {71, 45, 123}, {59, 82, 139},  {44, 114, 142}, {33, 145, 140},
                                      {40, 174, 128}, {94, 201, 98}, {173, 220, 48}, {253, 231, 37}};

static bool save(const fit_run *r, const char *folder, const char *name, const reel_array *image)
{
    char *path = path_join(folder, name);
    if (!path) return reel_error_set(r->context, REEL_NO_MEMORY, NULL, NULL, "no memory for %s", name), false;
    bool right = reel_image_save(NULL, r->context, path, image) == REEL_OK;
    free(path);
    return right;
}

/* The largest error of the channels, as a part of the largest of all. */
static bool draw_error(const fit_run *r, const char *folder)
{
    const int64_t pixels = r->target->size / 3;
    reel_array *image = reel_array_new(NULL, r->context, REEL_UINT8, 3, r->target->shape);
    if (!image) return false;
    for (int64_t i = 0; i < pixels; i++) {
        double error = 0;
        for (int k = 0; k < 3; k++)
            error = fmax(
                error, fabs(reel_array_get(r->rendering, k * pixels + i) - reel_array_get(r->target, k * pixels + i)));
        double at = r->largest > 0 ? 8 * fmin(error / r->largest, 1) : 0;
        int low = at < 7 ? (int)at : 7;
        for (int k = 0; k < 3; k++)
            ((uint8_t *)image->data)[k * pixels + i] =
                (uint8_t)(viridis[low][k] + (at - low) * (viridis[low + 1][k] - viridis[low][k]) + 0.5);
    }
    bool right = save(r, folder, "error.png", image);
    reel_array_free(image);
    return right;
}

/* ---- ellipses ---- */

typedef struct canvas {
    float *data; /* (3, height, width) */
    int64_t width, height;
} canvas;

/* A round dot of `radius` pixels, whose edge is a pixel wide; `cover` (0 to 1) of the colour. */
static void dot(const canvas *c, double x, double y, double radius, const float colour[3], double cover)
{
    for (int64_t j = (int64_t)floor(y - radius - 1); j <= (int64_t)ceil(y + radius + 1); j++)
        for (int64_t i = (int64_t)floor(x - radius - 1); i <= (int64_t)ceil(x + radius + 1); i++) {
            if (i < 0 || j < 0 || i >= c->width || j >= c->height) continue;
            double part = cover * fmin(fmax(radius + 0.5 - hypot((double)i - x, (double)j - y), 0), 1);
            for (int k = 0; k < 3; k++) {
                float *at = &c->data[(k * c->height + j) * c->width + i];
                *at += (float)part * (colour[k] - *at);
            }
        }
}

/* The ellipse of one standard deviation of Gaussian i. */
static void ellipse(const fit_run *r, const canvas *c, int64_t i, double radius, const float colour[3])
{
    reel_array part[GAUSSIAN_PARTS];
    for (int k = 0; k < GAUSSIAN_PARTS; k++) part[k] = reel_params_value(r->params, r->image.index[k]);
    double s[2], turn = reel_array_get(&part[GAUSSIAN_ROTATION], i);
    for (int k = 0; k < 2; k++) {
        s[k] = reel_array_get(&part[GAUSSIAN_SCALE], 2 * i + k);
        if (r->choice.model.log_scale) s[k] = exp(s[k]);
    }
    double mx = reel_array_get(&part[GAUSSIAN_POSITION], 2 * i),
           my = reel_array_get(&part[GAUSSIAN_POSITION], 2 * i + 1);
    double around = 6.3 * fmax(s[0], s[1]) * (double)(c->width > c->height ? c->width : c->height);
    int count = (int)fmin(fmax(around / fmax(radius, 0.5), 12), 20000);
    for (int k = 0; k < count; k++) {
        double t = 6.283185307179586 * k / count, a = s[0] * cos(t), b = s[1] * sin(t);
        dot(c, (mx + a * cos(turn) - b * sin(turn)) * (double)c->width,
            (my + a * sin(turn) + b * cos(turn)) * (double)c->height, radius, colour, 0.6);
    }
}

/* The image, enlarged to about 768 pixels and half way to grey, white lines with orange ones in their middle. */
static bool draw_ellipses(const fit_run *r, const char *folder)
{
    static const float white[3] = {1, 1, 1}, vermillion[3] = {0.835f, 0.369f, 0};
    const int64_t height = r->target->shape[1], width = r->target->shape[2], side = height > width ? height : width;
    const int64_t times = side < 768 ? (768 + side - 1) / side : 1;
    const int64_t shape[] = {3, height * times, width * times};
    reel_array *image = reel_array_new(NULL, r->context, REEL_FLOAT, 3, shape);
    if (!image) return false;
    canvas c = {image->data, shape[2], shape[1]};
    for (int64_t i = 0; i < image->size; i++) {
        int64_t x = i % shape[2] / times, y = i / shape[2] % shape[1] / times, k = i / (shape[1] * shape[2]);
        c.data[i] = (float)(0.25 + 0.5 * reel_array_get(r->target, (k * height + y) * width + x));
    }
    for (int64_t i = 0; i < r->choice.model.count; i++) ellipse(r, &c, i, 1.3, white);
    for (int64_t i = 0; i < r->choice.model.count; i++) ellipse(r, &c, i, 0.4, vermillion);
    bool right = save(r, folder, "ellipses.png", image);
    reel_array_free(image);
    return right;
}

bool image_fit_draw(const fit_run *r, const char *folder)
{
    return save(r, folder, "rendering.png", r->rendering) && draw_error(r, folder) && draw_ellipses(r, folder);
}
