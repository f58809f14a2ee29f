/* SPDX-License-Identifier: MIT
 *
 * The limits: choice of the instruction set, and what is not timed.
 */
#include "limit.h"

#include <stdlib.h>
#include <string.h>

extern const limits limit_table_generic;
#ifdef KERNEL_X86
extern const limits limit_table_avx2, limit_table_avx512;
#endif

const limits *limits_at(int index)
{
    if (index == 0) return &limit_table_generic;
#ifdef KERNEL_X86
    __builtin_cpu_init();
    if (index == 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &limit_table_avx2;
    if (index == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return &limit_table_avx512;
#endif
    return NULL;
}

const limits *limits_best(void)
{
    int best = 0;
    while (limits_at(best + 1)) best++;
    return limits_at(best);
}

void limit_turn(int64_t n, int64_t k, const float *a, float *b)
{
    enum { SIDE = 16 };
    for (int64_t i0 = 0; i0 < n; i0 += SIDE)
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = i0; i < n && i < i0 + SIDE; i++) b[j * n + i] = a[i * k + j];
}

/* ---- W1 ---- */

void limit_w1_start(limit_w1 *w, const float *x, const float *y, const float *parameters, double rate)
{
    enum { H = W1_HIDDEN };
    *w = (limit_w1){.adam = LIMIT_ADAM(rate)};
    for (int i = 0; i < W1_POINTS; i++) {
        w->x0[i] = x[2 * i];
        w->x1[i] = x[2 * i + 1];
        w->y[i] = y[i];
        w->inside[i] = 1;
    }
    for (int j = 0; j < H; j++) {
        w->parameter[j] = parameters[2 * j];
        w->parameter[H + j] = parameters[2 * j + 1];
    }
    memcpy(w->parameter + 2 * H, parameters + 2 * H, (2 * H + 1) * sizeof(float));
}

void limit_w1_order(const float slots[W1_SLOTS], float parameters[W1_PARAMETERS])
{
    enum { H = W1_HIDDEN };
    for (int j = 0; j < H; j++) {
        parameters[2 * j] = slots[j];
        parameters[2 * j + 1] = slots[H + j];
    }
    memcpy(parameters + 2 * H, slots + 2 * H, (2 * H + 1) * sizeof(float));
}

/* ---- W2 ---- */

static const int w2_sizes[] = {W2_IN, W2_FIRST, W2_SECOND, W2_OUT};

/* Vectors that start at equal places of a page compete for the same lines of the cache: each starts a bit further on. */
enum { STAGGER = 1088, PAGE = 4096 };

static float *take(char **next, int64_t count)
{
    float *p = (float *)*next;
    size_t bytes = ((size_t)count * sizeof(float) + PAGE - 1) / PAGE * PAGE;
    *next += bytes + STAGGER;
    return p;
}

bool limit_w2_start(limit_w2 *w, int64_t batch, const float *x, const int64_t *classes, const float *parameters,
                    double rate)
{
    int64_t need = 4 * W2_PARAMETERS + batch * (2 * W2_FIRST + 2 * W2_SECOND + 2 * W2_STRIDE) + W2_FIRST * W2_SECOND +
                   LIMIT_PACK * W2_IN;
    size_t bytes = ((size_t)need * sizeof(float) + 16 * (PAGE + STAGGER) + PAGE - 1) / PAGE * PAGE;
    *w = (limit_w2){.batch = batch, .x = x, .classes = classes, .adam = LIMIT_ADAM(rate)};
    w->memory = aligned_alloc(PAGE, bytes);
    if (!w->memory) return false;
    memset(w->memory, 0, bytes);
    char *next = w->memory;
    float **vectors[] = {&w->parameter, &w->gradient, &w->m, &w->v};
    for (int i = 0; i < 4; i++) *vectors[i] = take(&next, W2_PARAMETERS);
    w->h1 = take(&next, batch * W2_FIRST);
    w->d1 = take(&next, batch * W2_FIRST);
    w->h2 = take(&next, batch * W2_SECOND);
    w->d2 = take(&next, batch * W2_SECOND);
    w->z = take(&next, batch * W2_STRIDE);
    w->d3 = take(&next, batch * W2_STRIDE);
    w->turned = take(&next, W2_FIRST * W2_SECOND);
    w->pack = take(&next, LIMIT_PACK * W2_IN);
    limit_w2_restart(w, parameters);
    return true;
}

void limit_w2_restart(limit_w2 *w, const float *parameters)
{
    float *to = w->parameter;
    w->adam = LIMIT_ADAM(w->adam.rate);
    memset(w->m, 0, W2_PARAMETERS * sizeof(float));
    memset(w->v, 0, W2_PARAMETERS * sizeof(float));
    for (int l = 0; l < 3; l++) {
        int64_t in = w2_sizes[l], out = w2_sizes[l + 1];
        limit_turn(out, in, parameters, to);
        memcpy(to + in * out, parameters + in * out, (size_t)out * sizeof(float));
        to += (in + 1) * out;
        parameters += (in + 1) * out;
    }
}

void limit_w2_end(limit_w2 *w)
{
    free(w->memory);
    w->memory = NULL;
}

void limit_w2_order(const float *own, float *parameters)
{
    for (int l = 0; l < 3; l++) {
        int64_t in = w2_sizes[l], out = w2_sizes[l + 1];
        limit_turn(in, out, own, parameters);
        memcpy(parameters + in * out, own + in * out, (size_t)out * sizeof(float));
        own += (in + 1) * out;
        parameters += (in + 1) * out;
    }
}

/* ---- W3 ---- */

void limit_w3_start(limit_w3 *w, const float *target, const float *position, const float *scale, const float *colour,
                    double rate)
{
    enum { S = W3_SIDE };
    const float low[8] = {0, 0, 0.001f, 0.001f, -1e30f, 0, 0, 0}, high[8] = {1, 1, 0.5f, 0.5f, 1e30f, 1, 1, 1};
    memset(w, 0, sizeof *w);
    w->adam = LIMIT_ADAM(rate);
    memset(w->inside, 0xff, W3_WINDOWS * sizeof(float));
    for (int i = 0; i < 16; i++) w->low[i] = low[i % 8], w->high[i] = high[i % 8];
    for (int i = 0; i < S; i++) w->columns[i] = (float)i / S;
    memcpy(w->target, target, sizeof w->target);
    for (int i = 0; i < W3_COUNT; i++) {
        float *p = w->parameter[i];
        memcpy(p, position + 2 * i, 2 * sizeof *p);
        memcpy(p + 2, scale + 2 * i, 2 * sizeof *p);
        memcpy(p + 5, colour + 3 * i, 3 * sizeof *p);
    }
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < W3_WINDOWS * W3_WINDOWS; i++) {
            int y = i / W3_WINDOWS, x = i % W3_WINDOWS;
            double sum = 0, squares = 0;
            for (int j = 0; j < 64; j++) {
                double t = (double)w->target[k][(y + j / 8) * S + x + j % 8];
                sum += t / 64;
                squares += t * t / 64;
            }
            w->mean[k][y * S + x] = (float)sum;
            w->variance[k][y * S + x] = (float)(squares - sum * sum);
        }
}
