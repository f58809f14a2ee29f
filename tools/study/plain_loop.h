/* SPDX-License-Identifier: MIT
 *
 * The published formulas as one would write them down: pixel by pixel, for each all Gaussians, forward and then backward.
 * For one REAL and its functions EXP, SIN, COS; NAME(x) makes the names of one precision.
 */

/* d = pixel - position, turned by -rotation (0), in standard deviations. */
static REAL NAME(weight)(const REAL *g, REAL px, REAL py, REAL *a, REAL *b)
{
    const REAL rotation = 0, c = COS(rotation), s = SIN(rotation), dx = px - g[0], dy = py - g[1];
    *a = dx * c + dy * s, *b = -dx * s + dy * c;
    REAL u = *a / g[2], v = *b / g[3], q = u * u + v * v;
    return q > (REAL)12.25 ? 0 : EXP((REAL)-0.5 * q);
}

/* Renders `g` (count, 7) into `out` (3, pixels) and the sums of the weights into `total` (pixels). */
static void NAME(render)(int count, const REAL *g, REAL *out, REAL *total)
{
    for (int p = 0; p < PUBLISHED_PIXELS; p++) {
        REAL px = (REAL)(p % PUBLISHED_SIDE) / PUBLISHED_SIDE, py = (REAL)(p / PUBLISHED_SIDE) / PUBLISHED_SIDE;
        REAL whole = 0, sum[3] = {0, 0, 0}, a, b;
        for (int i = 0; i < count; i++) {
            REAL w = NAME(weight)(g + 7 * i, px, py, &a, &b);
            if (w == 0) continue;
            whole += w;
            for (int k = 0; k < 3; k++) sum[k] += w * g[7 * i + 4 + k];
        }
        total[p] = whole;
        for (int k = 0; k < 3; k++) out[k * PUBLISHED_PIXELS + p] = whole > (REAL)1e-10 ? sum[k] / whole : 0;
    }
}

/* The part of pixel p in the gradient of one Gaussian. */
static void NAME(add_pixel)(const REAL *g, int p, const REAL *error, const REAL *out, REAL whole, REAL *to)
{
    const REAL c = 1, s = 0;
    REAL px = (REAL)(p % PUBLISHED_SIDE) / PUBLISHED_SIDE, py = (REAL)(p / PUBLISHED_SIDE) / PUBLISHED_SIDE, a, b;
    REAL w = NAME(weight)(g, px, py, &a, &b), dw = 0;
    if (w < (REAL)1e-10) return;
    for (int k = 0; k < 3; k++) {
        to[4 + k] += error[k] * (w / whole);
        dw += error[k] * ((g[4 + k] - out[k * PUBLISHED_PIXELS + p]) / whole);
    }
    REAL dq = dw * (w * (REAL)-0.5), qa = 2 * (a / g[2]) / g[2], qb = 2 * (b / g[3]) / g[3];
    to[0] += dq * (qa * c + qb * -s) * -1;
    to[1] += dq * (qa * s + qb * c) * -1;
    to[2] += dq * (-2 * (a * a) / (g[2] * g[2] * g[2]));
    to[3] += dq * (-2 * (b * b) / (g[3] * g[3] * g[3]));
}

/* Gradient (count, 7) of mean (out - target)^2 over the three colours. */
static void NAME(gradient)(int count, const REAL *g, const float *target, const REAL *out, const REAL *total, REAL *to)
{
    for (int i = 0; i < 7 * count; i++) to[i] = 0;
    for (int p = 0; p < PUBLISHED_PIXELS; p++) {
        REAL error[3];
        if (total[p] < (REAL)1e-10) continue;
        for (int k = 0; k < 3; k++) error[k] = 2 * (out[k * PUBLISHED_PIXELS + p] - (REAL)target[p]);
        for (int i = 0; i < count; i++) NAME(add_pixel)(g + 7 * i, p, error, out, total[p], to + 7 * i);
    }
    for (int i = 0; i < 7 * count; i++) to[i] /= 3 * PUBLISHED_PIXELS;
}
