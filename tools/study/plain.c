/* SPDX-License-Identifier: MIT
 *
 * The plain loop.
 */
#include "plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REAL float
#define NAME(x) float_##x
#define EXP expf
#define SIN sinf
#define COS cosf
#include "plain_loop.h"
#undef REAL
#undef NAME
#undef EXP
#undef SIN
#undef COS

#define REAL double
#define NAME(x) double_##x
#define EXP exp
#define SIN sin
#define COS cos
#include "plain_loop.h"

plain_run *plain_new(int count, const published_gaussian *start, const float *target)
{
    plain_run *r = calloc(1, sizeof *r);
    size_t size = 7 * (size_t)count;
    if (!r) return NULL;
    r->count = count;
    r->now = calloc(size, sizeof(float));
    r->gradient = calloc(size, sizeof(float));
    r->m = calloc(size, sizeof(float));
    r->v = calloc(size, sizeof(float));
    if (!r->now || !r->gradient || !r->m || !r->v) {
        plain_free(r);
        return NULL;
    }
    memcpy(r->now, start, size * sizeof(float));
    memcpy(r->target, target, sizeof r->target);
    return r;
}

void plain_free(plain_run *r)
{
    if (!r) return;
    free(r->now);
    free(r->gradient);
    free(r->m);
    free(r->v);
    free(r);
}

static float power(float base, int64_t exponent)
{
    float result = 1;
    for (; exponent > 0; exponent >>= 1, base *= base)
        if (exponent & 1) result *= base;
    return result;
}

void plain_step(plain_run *r)
{
    float_render(r->count, r->now, r->out, r->total);
    float_gradient(r->count, r->now, r->target, r->out, r->total, r->gradient);
    r->steps++;
    float c1 = 1 - power(0.9f, r->steps), c2 = 1 - power(0.999f, r->steps);
    for (int i = 0; i < 7 * r->count; i++) {
        bool scale = i % 7 == 2 || i % 7 == 3;
        float g = r->gradient[i], least = scale ? 0.001f : 0, most = scale ? 0.5f : 1;
        r->m[i] = 0.9f * r->m[i] + (1 - 0.9f) * g;
        r->v[i] = 0.999f * r->v[i] + (1 - 0.999f) * (g * g);
        r->now[i] -= 0.001f * (r->m[i] / c1) / (sqrtf(r->v[i] / c2) + 1e-8f);
        r->now[i] = r->now[i] < least ? least : r->now[i] > most ? most : r->now[i];
    }
}

bool plain_gradient_double(int count, const published_gaussian *at, const float *target, double *gradient)
{
    size_t size = 7 * (size_t)count;
    double *g = calloc(size, sizeof *g), *out = calloc(3 * PUBLISHED_PIXELS, sizeof *out),
           *total = calloc(PUBLISHED_PIXELS, sizeof *total);
    bool right = g && out && total;
    if (right) {
        for (size_t i = 0; i < size; i++) g[i] = (double)(&at->x)[i];
        double_render(count, g, out, total);
        double_gradient(count, g, target, out, total, gradient);
    }
    free(g);
    free(out);
    free(total);
    return right;
}
