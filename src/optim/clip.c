/* SPDX-License-Identifier: MIT
 *
 * Gradient norm and clipping. Sums run in double, in eight lanes that are added as a fixed tree, chunk after chunk of a
 * parameter, so that squares of floats cannot overflow and the bits depend neither on the machine nor on the number of
 * threads.
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
#include "core/threads.h"
#include "optim/optim.h"

#define LANES 8
#define CHUNK 16384 /* elements that one thread takes at a time: 4 to 6 us */
#define CHUNKS 64   /* whose sums are kept until they are added */
#define BOTH_TYPES "optim/clip.c"
#include "optim/both_types.h"

/* The gradient of parameter i, or NULL where nothing is trained. */
static void *gradient_of(const reel_params *params, int i)
{
    const slice *s = &params->values.slices[i];
    if (!s->trainable || s->size == 0) return NULL;
    return (char *)params->gradient + (size_t)s->offset * reel_dtype_size(params->dtype);
}

typedef struct gradient_work {
    reel_dtype dtype;
    char *g;
    int64_t n;
    double p, factor, *sum;
} gradient_work;

static int64_t chunk_of(const gradient_work *w, int64_t chunk, void **g)
{
    *g = w->g + (size_t)(chunk * CHUNK) * element_size(w->dtype);
    return w->n - chunk * CHUNK < CHUNK ? w->n - chunk * CHUNK : CHUNK;
}

static void sum_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    const gradient_work *w = argument;
    void *g;
    int64_t n = chunk_of(w, chunk, &g);
    w->sum[chunk] = isinf(w->p) ? BY_TYPE(largest, w->dtype, g, n, 0) : BY_TYPE(power_sum, w->dtype, g, n, w->p);
}

static void scale_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    const gradient_work *w = argument;
    void *g;
    int64_t n = chunk_of(w, chunk, &g);
    BY_TYPE(scale, w->dtype, g, n, w->factor);
}

static void limit_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    const gradient_work *w = argument;
    void *g;
    int64_t n = chunk_of(w, chunk, &g);
    BY_TYPE(limit, w->dtype, g, n, w->factor);
}

/* Sum of |g|^p, or the largest |g|, of n elements. */
static double norm_part(const reel_params *params, void *g, int64_t n, double p)
{
    double total = 0, sum[CHUNKS];
    gradient_work w = {.dtype = params->dtype, .g = g, .p = p, .sum = sum};
    for (; n > 0; n -= w.n, w.g += (size_t)w.n * element_size(w.dtype)) {
        w.n = n < CHUNKS * CHUNK ? n : CHUNKS * CHUNK;
        int64_t chunks = (w.n + CHUNK - 1) / CHUNK;
        threads_run(params->object.context->threads, chunks, sum_chunk, &w);
        for (int64_t i = 0; i < chunks; i++)
            if (!isinf(p))
                total += sum[i];
            else if (sum[i] > total || isnan(sum[i]))
                total = sum[i];
    }
    return total;
}

/* Applies one of the above to every gradient. */
static void change_all(const reel_params *params, threads_work *work, double factor)
{
    for (int i = 0; i < params->values.count; i++) {
        gradient_work w = {.dtype = params->dtype, .g = gradient_of(params, i), .factor = factor};
        if (!w.g) continue;
        w.n = params->values.slices[i].size;
        threads_run(params->object.context->threads, (w.n + CHUNK - 1) / CHUNK, work, &w);
    }
}

double reel_gradient_norm(const reel_params *params, double p)
{
    if (!reel_params_has_gradient(params) || !(p > 0)) return NAN;
    double total = 0;
    for (int i = 0; i < params->values.count; i++) {
        void *g = gradient_of(params, i);
        if (!g) continue;
        double part = norm_part(params, g, params->values.slices[i].size, p);
        if (!isinf(p))
            total += part;
        else if (!isnan(total) && (part > total || isnan(part)))
            total = part;
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
    change_all(params, scale_chunk, factor);
    return REEL_OK;
}

void gradient_clip_value(reel_params *params, double limit)
{
    change_all(params, limit_chunk, limit);
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
