/* SPDX-License-Identifier: MIT
 *
 * The operation gaussian_render: what the renderer's loops are on the tape.
 */
#include "gaussian_image.h"
#include "gaussian_kernel.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define KEPT_MOST (INT64_C(32) << 20) /* bytes of weights that are kept for the walk back; more are computed again */

#define SUMS_IN_CACHE 16384 /* bytes of sums that stay in the nearest cache */

/* gaussian_table_generic_float, ... for every instruction set of the build: GAUSSIAN_ISAS is a list of X(isa). */
#define DECLARE(isa) extern const gaussian_kernels gaussian_table_##isa##_float, gaussian_table_##isa##_double;
GAUSSIAN_ISAS(DECLARE)
#define ROWS(isa) &gaussian_table_##isa##_float, &gaussian_table_##isa##_double,
static const gaussian_kernels *const tables[] = {GAUSSIAN_ISAS(ROWS)};
#define TABLES ((int)(sizeof tables / sizeof *tables))

const gaussian_kernels *gaussian_kernels_of(const char *isa, bool wide)
{
    for (int i = 0; i < TABLES; i++)
        if (strcmp(tables[i]->isa, isa) == 0 && tables[i]->wide == wide) return tables[i];
    return NULL;
}

/* The fingerprint tells what the library's own kernels were chosen for. Threads that decide at the same time decide the
 * same. */
const gaussian_kernels *gaussian_kernels_get(bool wide)
{
    static _Atomic(const gaussian_kernels *) chosen[2];
    const gaussian_kernels *k = atomic_load_explicit(&chosen[wide], memory_order_relaxed);
    if (k) return k;
    char isa[32] = "";
    const char *row;
    for (int i = 0; (row = reel_fingerprint(i, isa, sizeof isa)); i++)
        if (strcmp(row, "kernels") == 0) break;
    k = row ? gaussian_kernels_of(isa, wide) : NULL;
    if (!k) k = gaussian_kernels_of("generic", wide);
    atomic_store_explicit(&chosen[wide], k, memory_order_relaxed);
    return k;
}

static int64_t stride_of(const gaussian_kernels *k, const gaussian_scene *g)
{
    return (g->width + k->lanes - 1) / k->lanes * k->lanes;
}

gaussian_scene gaussian_scene_of(const gaussian_attributes *a, const reel_array *const parts[GAUSSIAN_PARTS])
{
    gaussian_scene g = {
        .count = parts[GAUSSIAN_ROTATION]->size,
        .width = a->width,
        .height = a->height,
        .cutoff = a->cutoff,
        .eps = a->blending == GAUSSIAN_SMOOTH ? a->eps : 0,
        .log_scale = a->log_scale,
        .divides = a->blending != GAUSSIAN_ADDITIVE,
        .least = a->blending == GAUSSIAN_NORMALISED,
    };
    for (int i = 0; i < GAUSSIAN_PARTS; i++) g.part[i] = parts[i]->data;
    return g;
}

/* To 64 bytes, as vectors want it. */
static void *aligned(gaussian_memory memory, size_t bytes)
{
    char *got = memory.get(memory.user, bytes + 63);
    return got ? got + (-(uintptr_t)got & 63) : NULL;
}

reel_status gaussian_scene_build(const gaussian_kernels *k, gaussian_scene *g, gaussian_memory memory, bool keeps)
{
    const size_t element = k->wide ? sizeof(double) : sizeof(float);
    const int64_t stride = stride_of(k, g);
    g->tile_rows = SUMS_IN_CACHE / (4 * k->lanes * (int64_t)element);
#define GET(to, count, size)                                                                                           \
    if (!((to) = aligned(memory, (size_t)(count) * (size_t)(size)))) return REEL_NO_MEMORY
    GET(g->axes, stride + g->height + k->lanes, element);
    GET(g->shapes, g->count, k->shape_bytes);
    GET(g->bounds, g->count, k->bounds_bytes);
    GET(g->sums, 4 * k->lanes * g->tile_rows, element);
    GET(g->weight_sums, stride * g->height, element);
    if (!k->prepare(g)) return REEL_NOT_FINITE;
    GET(g->spans, 2 * (g->columns / k->lanes), sizeof *g->spans);
    GET(g->row_factors, 3 * g->rows, element);
    GET(g->column_factors, 2 * g->columns, element);
    int64_t weights = k->measure(g);
    if (keeps) {
        GET(g->moments, g->count, k->moments_bytes);
        if (weights * (int64_t)element <= KEPT_MOST) GET(g->weights, weights, element);
    }
#undef GET
    return REEL_OK;
}

static reel_status render_shape(reel_call *call)
{
    static const int64_t columns[GAUSSIAN_PARTS] = {2, 2, 1, 3, 1};
    const gaussian_attributes *a = call->attributes;
    const int64_t count = call->in[0]->rank > 0 ? call->in[0]->shape[0] : 0;
    for (int i = 0; i < GAUSSIAN_PARTS; i++) {
        const reel_array *p = call->in[i];
        if (p->dtype != reel_tape_dtype(call->tape))
            return reel_call_fail(call, REEL_BAD_DTYPE, "%s is %s, expected %s", gaussian_part_names[i],
                                  reel_dtype_name(p->dtype), reel_dtype_name(reel_tape_dtype(call->tape)));
        if (p->rank != 2 || p->shape[0] != count || p->shape[1] != columns[i])
            return reel_call_fail(call, REEL_BAD_SHAPE,
                                  "%s has rank %d and %lld elements, expected (N,%lld) with the N of position, %lld",
                                  gaussian_part_names[i], p->rank, (long long)p->size, (long long)columns[i],
                                  (long long)count);
    }
    if (a->width < 1 || a->height < 1 || a->width > GAUSSIAN_MOST_SIDE || a->height > GAUSSIAN_MOST_SIDE)
        return reel_call_fail(call, REEL_BAD_ARGUMENT,
                              "found an image of %lld x %lld pixels, expected 1 to %d each way", (long long)a->width,
                              (long long)a->height, GAUSSIAN_MOST_SIDE);
    if (!(a->cutoff > 0) || !(a->eps >= 0) || (unsigned)a->blending > GAUSSIAN_ADDITIVE)
        return reel_call_fail(call, REEL_BAD_ARGUMENT,
                              "found cut-off %g, eps %g, blending %d: expected cut-off > 0, eps >= 0", a->cutoff,
                              a->eps, (int)a->blending);
    call->out->rank = 3;
    call->out->shape[0] = 3;
    call->out->shape[1] = a->height;
    call->out->shape[2] = a->width;
    return REEL_OK;
}

static void fill(reel_dtype dtype, void *to, int64_t n, double value, bool add)
{
    for (int64_t i = 0; to && i < n; i++) {
        if (dtype == REEL_FLOAT)
            ((float *)to)[i] = add ? ((float *)to)[i] + (float)value : (float)value;
        else
            ((double *)to)[i] = add ? ((double *)to)[i] + value : value;
    }
}

static void *scratch(void *call, size_t bytes)
{
    return reel_call_scratch(call, bytes);
}

/* A parameter that is not finite makes the whole image NaN, so that nobody can overlook it. */
static reel_status render_forward(reel_call *call)
{
    gaussian_attributes *a = call->attributes;
    const reel_dtype dtype = call->out->dtype;
    const gaussian_kernels *k = gaussian_kernels_get(dtype == REEL_DOUBLE);
    gaussian_scene *g = reel_call_scratch(call, sizeof *g);
    if (!g) return REEL_NO_MEMORY;
    *g = gaussian_scene_of(a, call->in);
    a->kept = g;
    reel_status status = gaussian_scene_build(k, g, (gaussian_memory){scratch, call}, call->wants_gradient);
    if (status == REEL_NO_MEMORY) return status;
    if (status == REEL_OK)
        k->render(g, call->out->data);
    else
        fill(dtype, call->out->data, call->out->size, NAN, false);
    return REEL_OK;
}

static reel_status render_backward(reel_call *call)
{
    const gaussian_attributes *a = call->attributes;
    const gaussian_scene *g = a->kept;
    const gaussian_kernels *k = gaussian_kernels_get(call->out->dtype == REEL_DOUBLE);
    if (g->spans) {
        k->gather(g, call->out->data, call->out_gradient, call->in_gradient, call->add);
        return REEL_OK;
    }
    for (int i = 0; i < GAUSSIAN_PARTS; i++)
        fill(call->out->dtype, call->in_gradient[i], call->in[i]->size, NAN, call->add[i]);
    return REEL_OK;
}

/* Three Gaussians on 7 x 6 pixels; no pixel stands at a cut-off or where W is 1e-10. */
#define OPERANDS                                                                                                       \
    {                                                                                                                  \
        {2, {3, 2}, 0.2, 0.8, NULL, REEL_FLOAT, false}, {2, {3, 2}, 0.1, 0.3, NULL, REEL_FLOAT, false},                \
            {2, {3, 1}, -2, 2, NULL, REEL_FLOAT, false}, {2, {3, 3}, 0, 1, NULL, REEL_FLOAT, false},                   \
        {                                                                                                              \
            2, {3, 1}, 0.3, 1, NULL, REEL_FLOAT, false                                                                 \
        }                                                                                                              \
    }
#define LOG_OPERANDS                                                                                                   \
    {                                                                                                                  \
        {2, {3, 2}, 0.2, 0.8, NULL, REEL_FLOAT, false}, {2, {3, 2}, -2.3, -1, NULL, REEL_FLOAT, false},                \
            {2, {3, 1}, -2, 2, NULL, REEL_FLOAT, false}, {2, {3, 3}, 0, 1, NULL, REEL_FLOAT, false},                   \
        {                                                                                                              \
            2, {3, 1}, 0.3, 1, NULL, REEL_FLOAT, false                                                                 \
        }                                                                                                              \
    }
#define ATTRIBUTES(...)                                                                                                \
    &(gaussian_attributes)                                                                                             \
    {                                                                                                                  \
        .width = 7, .height = 6, __VA_ARGS__                                                                           \
    }
static const reel_sample samples[] = {
    {"normalised, cut-off", 5, OPERANDS, ATTRIBUTES(.blending = GAUSSIAN_NORMALISED, .cutoff = 3.5), false},
    {"normalised, none", 5, OPERANDS, ATTRIBUTES(.blending = GAUSSIAN_NORMALISED, .cutoff = INFINITY), false},
    {"smooth", 5, OPERANDS, ATTRIBUTES(.blending = GAUSSIAN_SMOOTH, .cutoff = INFINITY, .eps = 0.001), false},
    {"smooth, cut-off", 5, OPERANDS, ATTRIBUTES(.blending = GAUSSIAN_SMOOTH, .cutoff = 3, .eps = 0.01), false},
    {"additive", 5, OPERANDS, ATTRIBUTES(.blending = GAUSSIAN_ADDITIVE, .cutoff = INFINITY), false},
    {"additive, log scale", 5, LOG_OPERANDS,
     ATTRIBUTES(.blending = GAUSSIAN_ADDITIVE, .cutoff = 3.5, .log_scale = true), false},
};

const reel_op gaussian_render = {
    .size = sizeof(reel_op),
    .name = "gaussian_render",
    .formula = "sum w c / sum w, / (sum w + eps), or sum w c, with w = opacity exp(-q/2)",
    .least = GAUSSIAN_PARTS,
    .most = GAUSSIAN_PARTS,
    .attributes_size = sizeof(gaussian_attributes),
    .shape = render_shape,
    .forward = render_forward,
    .backward = render_backward,
    .samples = samples,
    .sample_count = (int)(sizeof samples / sizeof *samples),
};
