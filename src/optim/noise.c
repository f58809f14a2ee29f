/* SPDX-License-Identifier: MIT
 *
 * Gradient noise: g += N(0, sigma_t^2), sigma_t = noise / (1 + t)^noise_decay (Welling and Teh 2011; Neelakantan et al.
 * 2015). Step t draws from position t of a stream of its own, so that nothing but the step need be saved.
 */
#ifdef REAL

static void NAME(add)(REAL *g, int64_t n, reel_rng *rng, double sigma)
{
    REAL noise[CHUNK];
    for (int64_t from = 0; from < n; from += CHUNK) {
        int64_t size = n - from < CHUNK ? n - from : CHUNK;
        reel_array view = reel_array_view(sizeof(REAL) == sizeof(double) ? REEL_DOUBLE : REEL_FLOAT, noise, 1, &size);
        reel_rng_normal(NULL, rng, &view, 0, sigma);
        for (int64_t i = 0; i < size; i++) g[from + i] += noise[i];
    }
}

#else
#include "optim/optim.h"

#define CHUNK 256
#define BOTH_TYPES "optim/noise.c"
#include "optim/both_types.h"

reel_status gradient_noise(reel_optimizer *o, const char *site)
{
    if (!(o->shared[SHARED_NOISE] > 0)) return REEL_OK;
    double sigma = o->shared[SHARED_NOISE] / pow(1 + (double)o->steps, o->shared[SHARED_NOISE_DECAY]);
    if (!(sigma > 0)) return REEL_OK;
    reel_params *params = o->params;
    reel_rng_seed(o->noise, (uint64_t)o->shared[SHARED_NOISE_SEED]);
    reel_status status = reel_rng_seek(site, o->noise, (uint64_t)o->steps);
    for (int i = 0; i < o->parameters && status == REEL_OK; i++) {
        const slice *s = &params->values.slices[i];
        if (!s->trainable || s->size == 0) continue;
        void *g = (char *)params->gradient + (size_t)s->offset * reel_dtype_size(params->dtype);
        BY_TYPE(add, params->dtype, g, s->size, o->noise, sigma);
    }
    return status;
}

#endif
