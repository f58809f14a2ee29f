/* SPDX-License-Identifier: MIT
 *
 * Images that are computed. Natural-looking ones are made of value noise: random numbers at the corners of a lattice,
 * blended by a smooth step, several octaves of it (Ebert et al., Texturing and Modeling, 2003).
 */
#include "core/core.h"

#include <reel/image.h>

#include <math.h>
#include <string.h>

typedef struct colour {
    double v[3];
} colour;

static double smooth(double t)
{
    return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

static colour mix(colour a, colour b, double t)
{
    colour c;
    for (int k = 0; k < 3; k++) c.v[k] = a.v[k] + (b.v[k] - a.v[k]) * t;
    return c;
}

/* A number of [0,1) for a corner of the lattice, by the finaliser of MurmurHash3 (Appleby 2011). */
static double corner(int64_t x, int64_t y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u ^ seed * 0xcb1ab31fu;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return (h ^ h >> 16) * 0x1p-32;
}

static double noise(double x, double y, uint32_t seed)
{
    int64_t i = (int64_t)floor(x), j = (int64_t)floor(y);
    double s = smooth(x - (double)i), t = smooth(y - (double)j);
    double top = corner(i, j, seed) + (corner(i + 1, j, seed) - corner(i, j, seed)) * s;
    double bottom = corner(i, j + 1, seed) + (corner(i + 1, j + 1, seed) - corner(i, j + 1, seed)) * s;
    return top + (bottom - top) * t;
}

/* Octaves of half the size and half the height each, in [0,1). */
static double octaves(double x, double y, int count, uint32_t seed)
{
    double sum = 0, part = 0.5, all = 0;
    for (int i = 0; i < count; i++, x *= 2, y *= 2, part /= 2) {
        sum += part * noise(x, y, seed + (uint32_t)i);
        all += part;
    }
    return sum / all;
}

static colour landscape(double x, double y)
{
    static const colour zenith = {{0.25, 0.45, 0.75}}, horizon = {{0.95, 0.80, 0.65}}, far = {{0.45, 0.50, 0.60}};
    static const colour near = {{0.16, 0.28, 0.14}}, water = {{0.20, 0.33, 0.45}};
    double mirrored = y > 0.72 ? 1.44 - y : y; /* the lake shows what is above it */
    colour c = mix(zenith, horizon, smooth(mirrored / 0.55));
    c = mix(c, (colour){{1, 0.97, 0.93}}, 0.8 * smooth(3 * octaves(3 * x, 8 * mirrored, 5, 7) - 1.5));
    for (int layer = 0; layer < 4; layer++) {
        double ridge = 0.36 + 0.09 * layer + (0.22 - 0.03 * layer) * (octaves(2.5 * x + 9 * layer, 0, 6, 20) - 0.5);
        colour ground = mix(far, near, layer / 3.0);
        double grain = octaves(40 * x, 40 * mirrored, 3, 31 + (uint32_t)layer) - 0.5;
        for (int k = 0; k < 3; k++) ground.v[k] += 0.18 * grain;
        if (mirrored > ridge) c = ground;
    }
    if (y > 0.72) c = mix(c, water, 0.45 + 0.25 * octaves(6 * x, 90 * y, 3, 50));
    return c;
}

/* 1 inside an ellipse, 0 outside, with an edge of the given width. */
static double blob(double x, double y, double cx, double cy, double rx, double ry, double edge)
{
    double r = hypot((x - cx) / rx, (y - cy) / ry);
    return 1 - smooth((r - 1) / edge + 0.5);
}

static colour portrait(double x, double y)
{
    static const colour skin = {{0.85, 0.66, 0.54}}, hair = {{0.22, 0.13, 0.09}}, cloth = {{0.25, 0.33, 0.50}};
    colour c = mix((colour){{0.72, 0.76, 0.74}}, (colour){{0.42, 0.47, 0.50}}, smooth(octaves(2 * x, 2 * y, 3, 3)));
    c = mix(c, cloth, blob(x, y, 0.5, 1.12, 0.46, 0.36, 0.1));
    c = mix(c, hair, blob(x, y, 0.5, 0.42, 0.25, 0.31, 0.2));
    c = mix(c, skin, blob(x, y, 0.5, 0.72, 0.10, 0.16, 0.3));
    c = mix(c, skin, blob(x, y, 0.5, 0.46, 0.18, 0.24, 0.1));
    double shade = smooth((x - 0.35) / 0.5);
    for (int side = -1; side <= 1; side += 2) {
        c = mix(c, (colour){{0.95, 0.93, 0.9}}, blob(x, y, 0.5 + 0.075 * side, 0.43, 0.035, 0.018, 0.4));
        c = mix(c, (colour){{0.15, 0.2, 0.25}}, blob(x, y, 0.5 + 0.075 * side, 0.43, 0.015, 0.016, 0.4));
        c = mix(c, hair, 0.8 * blob(x, y, 0.5 + 0.078 * side, 0.385, 0.045, 0.01, 0.6));
        c = mix(c, (colour){{0.88, 0.5, 0.45}}, 0.35 * blob(x, y, 0.5 + 0.1 * side, 0.53, 0.05, 0.04, 1.5));
    }
    c = mix(c, (colour){{0.7, 0.3, 0.3}}, blob(x, y, 0.5, 0.6, 0.055, 0.018, 0.5));
    c = mix(c, (colour){{0.7, 0.5, 0.4}}, 0.6 * blob(x, y, 0.515, 0.51, 0.02, 0.035, 0.8));
    return mix(c, (colour){{0.05, 0.05, 0.08}}, 0.35 * shade);
}

static colour blossoms(double x, double y)
{
    double leaf = octaves(7 * x, 7 * y, 5, 11), vein = fabs(sin(25 * (x + 0.6 * y + 0.4 * leaf)));
    colour c = mix((colour){{0.08, 0.22, 0.10}}, (colour){{0.35, 0.55, 0.22}}, 0.7 * leaf + 0.3 * vein);
    for (int i = 0; i < 14; i++) {
        double cx = corner(i, 1, 90), cy = corner(i, 2, 90), radius = 0.06 + 0.08 * corner(i, 3, 90);
        double angle = atan2(y - cy, x - cx) + 6 * corner(i, 4, 90), r = hypot(x - cx, y - cy) / radius;
        double edge = 0.72 + 0.28 * fabs(cos(2.5 * angle));
        if (r > edge) continue;
        colour petal =
            mix((colour){{0.95, 0.85, 0.90}}, (colour){{0.80, 0.15 + 0.5 * corner(i, 5, 90), 0.45}}, smooth(r));
        c = r < 0.25 ? (colour){{0.95, 0.78, 0.15}} : mix(petal, (colour){{0.3, 0.1, 0.2}}, 0.3 * smooth(r / edge));
    }
    return c;
}

static colour text(double x, double y)
{
    double paper = 0.93 + 0.05 * (octaves(5 * x, 5 * y, 3, 61) - 0.5) - 0.08 * hypot(x - 0.5, y - 0.5);
    double line = (y - 0.06) / 0.055, column = (x - 0.07) / 0.0215;
    double row = floor(line), place = floor(column), u = column - place, v = line - row;
    bool written = row >= 0 && row < 16 && place >= 0 && place < 40 && corner((int64_t)place, (int64_t)row, 70) > 0.16;
    double ink = 0;
    if (written && u > 0.1 && u < 0.9 && v > 0.15 && v < 0.8) { /* a mark of 3 x 5 cells */
        int64_t i = (int64_t)((u - 0.1) / 0.8 * 3), j = (int64_t)((v - 0.15) / 0.65 * 5);
        ink = corner(3 * (int64_t)place + i, 5 * (int64_t)row + j, 80) > 0.45;
    }
    return mix((colour){{paper, paper, paper * 0.94}}, (colour){{0.10, 0.10, 0.14}}, ink);
}

static const struct {
    const char *name;
    colour (*at)(double x, double y);
} images[] = {
    {"baseline1", NULL}, {"landscape", landscape}, {"portrait", portrait}, {"blossoms", blossoms}, {"text", text},
};
#define IMAGES ((int)(sizeof images / sizeof *images))

const char *reel_test_image_name(int index)
{
    return index >= 0 && index < IMAGES ? images[index].name : NULL;
}

/* In float, as the study computes it. */
static void fill_baseline1(int64_t width, int64_t height, float *to)
{
    for (int64_t i = 0; i < 3 * width * height; i++) {
        int64_t x = i % width, y = i / width % height;
        bool light = (x * 8 / width + y * 8 / height) % 2 == 0;
        to[i] = (float)x / (float)width * 0.7f + (light ? 0.2f : 0.0f);
    }
}

/* At the middle of each pixel. */
static void fill(colour (*at)(double x, double y), int64_t width, int64_t height, float *to)
{
    for (int64_t i = 0; i < width * height; i++) {
        colour c = at(((double)(i % width) + 0.5) / (double)width, ((double)(i / width) + 0.5) / (double)height);
        for (int k = 0; k < 3; k++) to[k * width * height + i] = (float)(c.v[k] < 0 ? 0 : c.v[k] > 1 ? 1 : c.v[k]);
    }
}

reel_array *reel_test_image_new(const char *site, reel_context *context, const char *name, int64_t width,
                                int64_t height)
{
    const char *who = "test_image_new";
    if (reel_failed(context)) return NULL;
    int found = 0;
    while (found < IMAGES && (!name || strcmp(images[found].name, name) != 0)) found++;
    if (found == IMAGES) {
        reel_error_set(context, REEL_NOT_FOUND, site, who,
                       "there is no test image \"%s\", expected baseline1, landscape, portrait, blossoms or text",
                       name ? name : "");
        return NULL;
    }
    if (width < 1 || height < 1 || width > REEL_IMAGE_MOST || height > REEL_IMAGE_MOST) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found %lld x %lld pixels, expected 1 to %d each way",
                       (long long)width, (long long)height, REEL_IMAGE_MOST);
        return NULL;
    }
    reel_array *image = reel_array_new(site, context, REEL_FLOAT, 3, (const int64_t[]){3, height, width});
    if (!image) return NULL;
    if (images[found].at)
        fill(images[found].at, width, height, image->data);
    else
        fill_baseline1(width, height, image->data);
    return image;
}
