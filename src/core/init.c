/* SPDX-License-Identifier: MIT
 *
 * Initialisers of weights. Formulas of torch.nn.init, in double; numbers are drawn in the type of the array.
 */
#include "core/random.h"

#include <math.h>

#define SQRT2 1.4142135623730951
#define SQRT3 1.7320508075688772

typedef struct fans {
    double in, out;
} fans;

/* fan_in = shape[1] * field, fan_out = shape[0] * field, field = product of shape[2..]. */
static reel_status find_fans(const char *site, const char *who, const reel_rng *rng, const reel_array *weight, fans *f)
{
    reel_status status = rng_check(site, who, rng, weight, RNG_REAL);
    if (status != REEL_OK) return status;
    if (weight->rank < 2) {
        char text[SHAPE_TEXT_SIZE];
        return rng_fail(rng, REEL_BAD_SHAPE, site, who, "the weight is %s, expected (out,in) or more dimensions",
                        shape_text(text, weight));
    }
    double field = 1;
    for (int i = 2; i < weight->rank; i++) field *= (double)weight->shape[i];
    f->in = (double)weight->shape[1] * field;
    f->out = (double)weight->shape[0] * field;
    return REEL_OK;
}

/* A gain of 0 or below, or none at all, is a mistake of the caller. */
static reel_status check_gain(const char *site, const char *who, const reel_rng *rng, double gain)
{
    if (isfinite(gain) && gain > 0) return REEL_OK;
    return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "the gain is %g, expected a finite number above 0", gain);
}

static reel_status draw(const char *site, reel_rng *rng, reel_array *weight, double deviation, bool normal)
{
    if (weight->size == 0) return REEL_OK;
    if (normal) return reel_rng_normal(site, rng, weight, 0, deviation);
    double bound = SQRT3 * deviation;
    return reel_rng_uniform(site, rng, weight, -bound, bound);
}

static reel_status kaiming(const char *site, const char *who, reel_rng *rng, reel_array *weight, double slope,
                           bool fan_out, bool normal)
{
    fans f = {0, 0};
    reel_status status = find_fans(site, who, rng, weight, &f);
    if (status != REEL_OK) return status;
    if (!isfinite(slope))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "the negative slope is %g, expected a finite number", slope);
    double gain = sqrt(2 / (1 + slope * slope));
    return draw(site, rng, weight, gain / sqrt(fan_out ? f.out : f.in), normal);
}

static reel_status xavier(const char *site, const char *who, reel_rng *rng, reel_array *weight, double gain,
                          bool normal)
{
    fans f = {0, 0};
    reel_status status = find_fans(site, who, rng, weight, &f);
    if (status == REEL_OK) status = check_gain(site, who, rng, gain);
    if (status != REEL_OK) return status;
    return draw(site, rng, weight, gain * sqrt(2 / (f.in + f.out)), normal);
}

reel_status reel_init_kaiming_uniform(const char *site, reel_rng *rng, reel_array *weight, double negative_slope)
{
    return kaiming(site, "init_kaiming_uniform", rng, weight, negative_slope, false, false);
}

reel_status reel_init_kaiming_normal(const char *site, reel_rng *rng, reel_array *weight, double negative_slope)
{
    return kaiming(site, "init_kaiming_normal", rng, weight, negative_slope, false, true);
}

reel_status reel_init_kaiming_uniform_fan_out(const char *site, reel_rng *rng, reel_array *weight,
                                              double negative_slope)
{
    return kaiming(site, "init_kaiming_uniform_fan_out", rng, weight, negative_slope, true, false);
}

reel_status reel_init_kaiming_normal_fan_out(const char *site, reel_rng *rng, reel_array *weight, double negative_slope)
{
    return kaiming(site, "init_kaiming_normal_fan_out", rng, weight, negative_slope, true, true);
}

reel_status reel_init_xavier_uniform(const char *site, reel_rng *rng, reel_array *weight, double gain)
{
    return xavier(site, "init_xavier_uniform", rng, weight, gain, false);
}

reel_status reel_init_xavier_normal(const char *site, reel_rng *rng, reel_array *weight, double gain)
{
    return xavier(site, "init_xavier_normal", rng, weight, gain, true);
}

/* Eight partial sums, added in a fixed order. */
static double dot(int64_t n, const double *x, const double *y)
{
    double s[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; l++) s[l] += x[i + l] * y[i + l];
    for (int l = 0; i < n; i++, l++) s[l] += x[i] * y[i];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

/* The n vectors of length m >= n in the rows of v become orthonormal: modified Gram-Schmidt, every vector twice, which
 * keeps them orthogonal to rounding (Giraud, Langou and Rozloznik, 2005). It is the factor Q of the QR decomposition
 * with a positive diagonal of R. False when the vectors depend on each other. */
static bool orthonormalise(int64_t n, int64_t m, double *v)
{
    for (int64_t j = 0; j < n; j++) {
        double *x = v + j * m, before = sqrt(dot(m, x, x));
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t i = 0; i < j; i++) {
                const double *q = v + i * m;
                double projection = dot(m, q, x);
                for (int64_t k = 0; k < m; k++) x[k] -= projection * q[k];
            }
        }
        double norm = sqrt(dot(m, x, x));
        if (!(norm > 1e-14 * before)) return false;
        for (int64_t k = 0; k < m; k++) x[k] /= norm;
    }
    return true;
}

/* v (columns, rows) = transposed weight (rows, columns), or back with a factor. */
static void transpose_out(const reel_array *weight, int64_t rows, int64_t columns, double *v)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) v[j * rows + i] = reel_array_get(weight, i * columns + j);
}

static void put(reel_array *weight, int64_t index, double x)
{
    if (weight->dtype == REEL_FLOAT)
        ((float *)weight->data)[index] = (float)x;
    else
        ((double *)weight->data)[index] = x;
}

reel_status reel_init_orthogonal(const char *site, reel_rng *rng, reel_array *weight, double gain)
{
    const char *who = "init_orthogonal";
    fans f = {0, 0};
    reel_status status = find_fans(site, who, rng, weight, &f);
    if (status == REEL_OK) status = check_gain(site, who, rng, gain);
    if (status != REEL_OK || weight->size == 0) return status;
    int64_t rows = weight->shape[0], columns = weight->size / rows;
    reel_context *context = rng->object.context;
    size_t bytes = (size_t)weight->size * sizeof(double);
    double *v = memory_new(context, site, who, bytes);
    if (!v) return reel_error_status(context);
    status = reel_rng_normal(site, rng, weight, 0, 1);
    bool wide = rows < columns;
    if (wide)
        for (int64_t i = 0; i < weight->size; i++) v[i] = reel_array_get(weight, i);
    else
        transpose_out(weight, rows, columns, v);
    if (status == REEL_OK && !orthonormalise(wide ? rows : columns, wide ? columns : rows, v))
        status = rng_fail(rng, REEL_NOT_FINITE, site, who, "the random vectors drawn depend on each other");
    for (int64_t i = 0; status == REEL_OK && i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            put(weight, i * columns + j, gain * (wide ? v[i * columns + j] : v[j * rows + i]));
    memory_free(context, v, bytes);
    return status;
}

/* The x with erf(x) = y: Winitzki's formula (2008), good to 2e-3, then Halley's iteration. Where |y| is near 1 the
 * difference is taken in erfc, which keeps its digits. */
static double inverse_erf(double y)
{
    double size = fabs(y);
    if (!(size < 1)) return size == 1 ? copysign(INFINITY, y) : NAN;
    double l = log1p(-y * y), a = 0.147, t = 2 / (3.141592653589793 * a) + l / 2;
    double x = sqrt(fmax(sqrt(t * t - l / a) - t, 0));
    for (int i = 0; i < 4; i++) {
        double difference = size < 0.5 ? erf(x) - size : (1 - size) - erfc(x);
        double step = difference / (1.1283791670955126 * exp(-x * x));
        x -= step / (1 + x * step);
    }
    return copysign(x, y);
}

/* Standard normal distribution function. */
static double phi(double x)
{
    return (1 + erf(x / SQRT2)) / 2;
}

reel_status reel_init_truncated_normal(const char *site, reel_rng *rng, reel_array *out, double mean, double deviation,
                                       double low, double high)
{
    const char *who = "init_truncated_normal";
    reel_status status = rng_check(site, who, rng, out, RNG_REAL);
    if (status != REEL_OK) return status;
    if (!isfinite(mean) || !isfinite(deviation) || !(deviation > 0))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who,
                        "mean %g and deviation %g must be finite and the deviation above 0", mean, deviation);
    if (!isfinite(low) || !isfinite(high) || !(low < high))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "bounds %g and %g must be finite and in order", low, high);
    double from = 2 * phi((low - mean) / deviation) - 1, to = 2 * phi((high - mean) / deviation) - 1;
    status = reel_rng_uniform(site, rng, out, from, to);
    for (int64_t i = 0; status == REEL_OK && i < out->size; i++) {
        double x = inverse_erf(reel_array_get(out, i)) * (deviation * SQRT2) + mean;
        put(out, i, fmin(fmax(x, low), high));
    }
    return status;
}
