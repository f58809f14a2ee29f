/* SPDX-License-Identifier: MIT
 *
 * The published arithmetic. A sum over Gaussians runs in the order of their indices, one over pixels row by row, all in
 * float. Going Gaussian by Gaussian through the box around its ellipse keeps both orders: every pixel meets the Gaussians
 * by index, every Gaussian its pixels row by row, and what is left out is what the cut-off leaves out. As the rotation is
 * 0, the two halves of q depend on the column alone and on the row alone.
 */
#include "published.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = PUBLISHED_SIDE, PIXELS = PUBLISHED_PIXELS, WINDOW = 8, WINDOWS = SIDE - WINDOW };
#define CUTOFF 12.25f /* 3.5 squared */
#define NOTHING 1e-10f

typedef struct box {
    int left, right, top, bottom; /* columns left ... right - 1, rows top ... bottom - 1 */
} box;

struct published_run {
    int count;
    int64_t steps;
    published_gaussian *now, *gradient, *m, *v; /* (count) */
    box *boxes;                                 /* (count) */
    float *weights;                             /* (count, pixels): w, 0 past the cut-off, inside the boxes only */
    float target[PIXELS];
    float out[3][PIXELS]; /* rendering */
    float total[PIXELS];  /* W, sum of w */
    double mean_scale;    /* of the Gaussians rendered */
};

published_run *published_new(int count, const published_gaussian *start, const float *target)
{
    published_run *r = calloc(1, sizeof *r);
    size_t room = (size_t)count;
    if (!r) return NULL;
    r->count = count;
    r->now = malloc(room * sizeof *r->now);
    r->gradient = calloc(room, sizeof *r->gradient);
    r->m = calloc(room, sizeof *r->m);
    r->v = calloc(room, sizeof *r->v);
    r->boxes = calloc(room, sizeof *r->boxes);
    r->weights = calloc(room * PIXELS, sizeof *r->weights);
    if (!r->now || !r->gradient || !r->m || !r->v || !r->boxes || !r->weights) {
        published_free(r);
        return NULL;
    }
    memcpy(r->now, start, room * sizeof *start);
    memcpy(r->target, target, sizeof r->target);
    return r;
}

void published_free(published_run *r)
{
    if (!r) return;
    free(r->now);
    free(r->gradient);
    free(r->m);
    free(r->v);
    free(r->boxes);
    free(r->weights);
    free(r);
}

/* ---- forward ---- */

/* ((i / 64 - at) / scale)^2 for all i of a row or column, and the range of those within the cut-off. */
static void distances(float at, float scale, float squares[SIDE], int *first, int *end)
{
    *first = SIDE, *end = 0;
    for (int i = 0; i < SIDE; i++) {
        float d = ((float)i / SIDE - at) / scale;
        squares[i] = d * d;
        if (squares[i] > CUTOFF) continue;
        if (*first == SIDE) *first = i;
        *end = i + 1;
    }
}

/* Adds a Gaussian to the sums of its pixels. */
static void splat(published_run *r, int index, float sums[3][PIXELS])
{
    const published_gaussian *g = &r->now[index];
    box *b = &r->boxes[index];
    float across[SIDE], down[SIDE];
    distances(g->x, g->scale_x, across, &b->left, &b->right);
    distances(g->y, g->scale_y, down, &b->top, &b->bottom);
    for (int y = b->top; y < b->bottom; y++) {
        float *w = r->weights + (size_t)index * PIXELS + y * SIDE;
        for (int x = b->left; x < b->right; x++) {
            float q = across[x] + down[y];
            w[x] = q > CUTOFF ? 0 : expf(-0.5f * q);
        }
        /* Adding 0 changes no sum: none is -0. */
        for (int x = b->left, p = y * SIDE + b->left; x < b->right; x++, p++) {
            r->total[p] += w[x];
            sums[0][p] += w[x] * g->red;
            sums[1][p] += w[x] * g->green;
            sums[2][p] += w[x] * g->blue;
        }
    }
}

/* Renders without a step. */
static void published_render(published_run *r)
{
    float(*sums)[PIXELS] = r->out;
    memset(r->total, 0, sizeof r->total);
    memset(r->out, 0, sizeof r->out);
    r->mean_scale = 0;
    for (int i = 0; i < r->count; i++) {
        splat(r, i, sums);
        r->mean_scale += ((double)r->now[i].scale_x + r->now[i].scale_y) / (2 * r->count);
    }
    for (int k = 0; k < 3; k++)
        for (int p = 0; p < PIXELS; p++) r->out[k][p] = r->total[p] > NOTHING ? sums[k][p] / r->total[p] : 0;
}

/* ---- backward ---- */

/* Gradient of one Gaussian: sums over its pixels, row by row. */
static void walk_back(published_run *r, int index)
{
    const published_gaussian *g = &r->now[index];
    const box *b = &r->boxes[index];
    published_gaussian s = {0};
    float cube_x = g->scale_x * g->scale_x * g->scale_x, cube_y = g->scale_y * g->scale_y * g->scale_y;
    for (int y = b->top; y < b->bottom; y++) {
        const float *w = r->weights + (size_t)index * PIXELS + y * SIDE;
        float dy = (float)y / SIDE - g->y;
        float slope_y = 2 * (dy / g->scale_y) / g->scale_y, squeeze_y = -2 * (dy * dy) / cube_y;
        for (int x = b->left; x < b->right; x++) {
            int p = y * SIDE + x;
            if (r->total[p] < NOTHING || w[x] < NOTHING) continue;
            float target = r->target[p], total = r->total[p], share = w[x] / total;
            float red = 2 * (r->out[0][p] - target), green = 2 * (r->out[1][p] - target),
                  blue = 2 * (r->out[2][p] - target);
            s.red += red * share;
            s.green += green * share;
            s.blue += blue * share;
            float dw = red * ((g->red - r->out[0][p]) / total) + green * ((g->green - r->out[1][p]) / total) +
                       blue * ((g->blue - r->out[2][p]) / total);
            float dq = dw * (w[x] * -0.5f);
            float dx = (float)x / SIDE - g->x;
            s.x -= dq * (2 * (dx / g->scale_x) / g->scale_x);
            s.y -= dq * slope_y;
            s.scale_x += dq * (-2 * (dx * dx) / cube_x);
            s.scale_y += dq * squeeze_y;
        }
    }
    const float values = 3 * PIXELS;
    r->gradient[index] = (published_gaussian){.x = s.x / values,
                                              .y = s.y / values,
                                              .scale_x = s.scale_x / values,
                                              .scale_y = s.scale_y / values,
                                              .red = s.red / values,
                                              .green = s.green / values,
                                              .blue = s.blue / values};
}

/* ---- Adam ---- */

/* base^exponent by repeated squaring, in float. */
static float power(float base, int64_t exponent)
{
    float result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1) result *= base;
        base *= base;
    }
    return result;
}

static float clamp(float value, float least, float most)
{
    return value < least ? least : value > most ? most : value;
}

static void update(published_run *r)
{
    const float beta1 = 0.9f, beta2 = 0.999f, rate = 0.001f, epsilon = 1e-8f;
    float correct1 = 1 - power(beta1, r->steps), correct2 = 1 - power(beta2, r->steps);
    float *now = &r->now->x, *m = &r->m->x, *v = &r->v->x;
    const float *gradient = &r->gradient->x;
    for (int i = 0; i < r->count * PUBLISHED_TRAINED; i++) {
        float g = gradient[i];
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * (g * g);
        now[i] -= rate * (m[i] / correct1) / (sqrtf(v[i] / correct2) + epsilon);
    }
    for (int i = 0; i < r->count; i++) {
        published_gaussian *g = &r->now[i];
        g->x = clamp(g->x, 0, 1), g->y = clamp(g->y, 0, 1);
        g->scale_x = clamp(g->scale_x, 0.001f, 0.5f), g->scale_y = clamp(g->scale_y, 0.001f, 0.5f);
        g->red = clamp(g->red, 0, 1), g->green = clamp(g->green, 0, 1), g->blue = clamp(g->blue, 0, 1);
    }
}

void published_step(published_run *r)
{
    r->steps++;
    published_render(r);
    for (int i = 0; i < r->count; i++) walk_back(r, i);
    update(r);
}

/* ---- what is reported ---- */

/* Mean over the windows whose corner is (x, y), x and y 0 ... 55, as the study had it: one less than fit. */
static double similarity(const float *a, const float *b)
{
    const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03, n = WINDOW * WINDOW;
    double sum = 0;
    for (int top = 0; top < WINDOWS; top++)
        for (int left = 0; left < WINDOWS; left++) {
            double sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
            for (int y = top; y < top + WINDOW; y++)
                for (int x = left; x < left + WINDOW; x++) {
                    double u = a[y * SIDE + x], v = b[y * SIDE + x];
                    sa += u, sb += v, aa += u * u, bb += v * v, ab += u * v;
                }
            sa /= n, sb /= n;
            double va = aa / n - sa * sa, vb = bb / n - sb * sb, cov = ab / n - sa * sb;
            sum += (2 * sa * sb + c1) * (2 * cov + c2) / ((sa * sa + sb * sb + c1) * (va + vb + c2));
        }
    return sum / (WINDOWS * WINDOWS);
}

double published_loss(const published_run *r)
{
    double absolute = 0, square = 0, similar = 0;
    for (int k = 0; k < 3; k++) {
        for (int p = 0; p < PIXELS; p++) {
            double d = (double)r->out[k][p] - r->target[p];
            absolute += fabs(d);
            square += d * d;
        }
        similar += similarity(r->out[k], r->target) / 3;
    }
    return 0.2 * absolute / (3 * PIXELS) + 0.8 * square / (3 * PIXELS) + 0.1 * (1 - similar);
}

int published_uncovered(const published_run *r)
{
    int uncovered = 0;
    for (int p = 0; p < PIXELS; p++) uncovered += !(r->total[p] > NOTHING);
    return uncovered;
}

double published_mean_scale(const published_run *r)
{
    return r->mean_scale;
}

const published_gaussian *published_gaussians(const published_run *r)
{
    return r->now;
}

const published_gaussian *published_gradient(const published_run *r)
{
    return r->gradient;
}
