/* SPDX-License-Identifier: MIT
 *
 * Two moons.
 */
#include "dataset.h"

#include <math.h>

#define PI 3.141592653589793

void moons_fill(int64_t n, double noise, double *x)
{
    int64_t half = n / 2;
    double step = half > 1 ? PI / (double)(half - 1) : 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t k = i % half;
        /* The end of the range is exact, as numpy.linspace makes it. */
        double t = half > 1 && k == half - 1 ? PI : (double)k * step;
        double first = i < half ? cos(t) : 1 - cos(t), second = i < half ? sin(t) : 0.5 - sin(t);
        x[2 * i] = noise > 0 ? first + noise * x[2 * i] : first;
        x[2 * i + 1] = noise > 0 ? second + noise * x[2 * i + 1] : second;
    }
}

static reel_status moons_check(const char *site, const char *who, reel_context *context, int64_t n, double noise,
                               const reel_rng *rng)
{
    if (reel_failed(context)) return reel_error_status(context);
    if (n < 2 || n % 2)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "%lld points, expected an even number of 2 or more", (long long)n);
    if (!isfinite(noise) || noise < 0)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "noise is %g, expected a finite number, 0 or more",
                              noise);
    if (noise > 0 && !rng) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "noise needs a random stream");
    return REEL_OK;
}

reel_dataset *reel_moons_new(const char *site, reel_context *context, int64_t n, double noise, reel_rng *rng)
{
    const char *who = "moons_new";
    if (moons_check(site, who, context, n, noise, rng) != REEL_OK) return NULL;
    int64_t x_shape[] = {n, 2}, y_shape[] = {n, 1};
    reel_array *points = reel_array_new(site, context, REEL_DOUBLE, 2, x_shape);
    reel_array *y = reel_array_new(site, context, REEL_FLOAT, 2, y_shape);
    reel_array *x = NULL;
    reel_status drawn = rng && points ? reel_rng_normal(site, rng, points, 0, 1) : REEL_OK;
    if (drawn != REEL_OK) reel_error_set(context, drawn, site, who, "the random stream gave no numbers");
    if (points && y && drawn == REEL_OK) {
        moons_fill(n, noise, points->data);
        for (int64_t i = n / 2; i < n; i++) ((float *)y->data)[i] = 1;
        x = reel_array_cast(site, context, REEL_FLOAT, points);
    }
    reel_array_free(points);
    return dataset_new(site, who, context, x, y);
}
