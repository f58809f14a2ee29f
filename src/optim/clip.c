/* SPDX-License-Identifier: MIT
 *
 * Gradient norm and clipping. Sums run in double, in eight lanes that are added as a fixed tree, so that squares of
 * floats cannot overflow and the bits do not depend on the machine.
 */
#ifdef REAL

static double NAME(power_sum)(const REAL *g, int64_t n, double p)
{
    double lane[LANES] = {0};
    int64_t i = 0;
    if (p == 2) {
        for (; i + LANES <= n; i += LANES)
            for (int k = 0; k < LANES; k++) lane[k] += (double)g[i + k] * (double)g[i + k];
        for (; i < n; i++) lane[i % LANES] += (double)g[i] * (double)g[i];
    } else if (p == 1) {
        for (; i + LANES <= n; i += LANES)
            for (int k = 0; k < LANES; k++) lane[k] += fabs((double)g[i + k]);
        for (; i < n; i++) lane[i % LANES] += fabs((double)g[i]);
    } else {
        for (; i < n; i++) lane[i % LANES] += pow(fabs((double)g[i]), p);
    }
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/* NaN wins. */
static double NAME(largest)(const REAL *g, int64_t n, double most)
{
    for (int64_t i = 0; i < n; i++) {
        double a = fabs((double)g[i]);
        if (a > most || isnan(a)) most = a;
    }
    return most;
}

static int64_t NAME(first_nonfinite)(const REAL *g, int64_t n)
{
    int64_t i = 0;
    while (i < n && isfinite(g[i])) i++;
    return i;
}

static void NAME(scale)(REAL *g, int64_t n, double factor)
{
    const REAL f = (REAL)factor;
    for (int64_t i = 0; i < n; i++) g[i] *= f;
}

static void NAME(limit)(REAL *g, int64_t n, double most)
{
    const REAL high = (REAL)most, low = -high;
    for (int64_t i = 0; i < n; i++) {
        REAL a = g[i] > high ? high : g[i];
        g[i] = a < low ? low : a;
    }
}

#else
#include "optim/optim.h"

#define LANES 8
#define BOTH_TYPES "optim/clip.c"
#include "optim/both_types.h"

/* The gradient of parameter i, or NULL where nothing is trained. */
static void *gradient_of(const reel_params *params, int i)
{
    const slice *s = &params->values.slices[i];
    if (!s->trainable || s->size == 0) return NULL;
    return (char *)params->gradient + (size_t)s->offset * reel_dtype_size(params->dtype);
}

double reel_gradient_norm(const reel_params *params, double p)
{
    if (!reel_params_has_gradient(params) || !(p > 0)) return NAN;
    double total = 0;
    for (int i = 0; i < params->values.count; i++) {
        const void *g = gradient_of(params, i);
        int64_t n = params->values.slices[i].size;
        if (!g) continue;
        if (isinf(p))
            total = isnan(total) ? total : BY_TYPE(largest, params->dtype, g, n, total);
        else
            total += BY_TYPE(power_sum, params->dtype, g, n, p);
    }
    return isinf(p) || p == 1 ? total : p == 2 ? sqrt(total) : pow(total, 1 / p);
}

/* The sentence about a norm that is not finite names the first element to blame. */
static reel_status refuse(const reel_params *params, const char *site, const char *who, double p, double total)
{
    for (int i = 0; i < params->values.count; i++) {
        const void *g = gradient_of(params, i);
        const slice *s = &params->values.slices[i];
        int64_t at = g ? BY_TYPE(first_nonfinite, params->dtype, g, s->size) : s->size;
        if (at == s->size) continue;
        reel_array view = slice_view(params, s, params->gradient);
        return reel_error_set(params->object.context, REEL_NOT_FINITE, site, who,
                              "the gradient norm is %g: \"%s\" has the gradient %g at element %lld", total, s->name,
                              reel_array_get(&view, at), (long long)at);
    }
    return reel_error_set(params->object.context, REEL_NOT_FINITE, site, who,
                          "the %g-norm of the gradient overflows, though every element is finite", p);
}

reel_status gradient_clip_norm(reel_params *params, const char *site, const char *who, double max_norm, double p,
                               reel_nonfinite policy, double *total, bool *skip)
{
    *total = reel_gradient_norm(params, p);
    if (!isfinite(*total) && policy != REEL_NONFINITE_PASS) {
        *skip = policy == REEL_NONFINITE_SKIP;
        return *skip ? REEL_OK : refuse(params, site, who, p, *total);
    }
    double factor = max_norm / (*total + 1e-6);
    if (factor >= 1) return REEL_OK;
    for (int i = 0; i < params->values.count; i++) {
        void *g = gradient_of(params, i);
        if (g) BY_TYPE(scale, params->dtype, g, params->values.slices[i].size, factor);
    }
    return REEL_OK;
}

void gradient_clip_value(reel_params *params, double limit)
{
    for (int i = 0; i < params->values.count; i++) {
        void *g = gradient_of(params, i);
        if (g) BY_TYPE(limit, params->dtype, g, params->values.slices[i].size, limit);
    }
}

static reel_status check_gradient(const char *site, const char *who, reel_params *params, double bound, double p)
{
    if (!params) return REEL_BAD_ARGUMENT;
    reel_context *context = params->object.context;
    if (reel_failed(context)) return context->status;
    if (!reel_params_has_gradient(params))
        return reel_error_set(context, REEL_BAD_STATE, site, who, "there is no gradient to clip");
    if (!(bound > 0))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found the limit %g, expected one above 0", bound);
    if (!(p > 0))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found the norm type %g, expected above 0", p);
    return REEL_OK;
}

reel_status reel_clip_norm(const char *site, reel_params *params, double max_norm, double p, reel_nonfinite policy,
                           double *total)
{
    const char *who = "clip_norm";
    double norm = NAN;
    bool skip = false;
    reel_status status = check_gradient(site, who, params, max_norm, p);
    if (status == REEL_OK) status = gradient_clip_norm(params, site, who, max_norm, p, policy, &norm, &skip);
    if (total) *total = norm;
    return status;
}

reel_status reel_clip_value(const char *site, reel_params *params, double limit)
{
    reel_status status = check_gradient(site, "clip_value", params, limit, 1);
    if (status == REEL_OK) gradient_clip_value(params, limit);
    return status;
}

#endif
