/* SPDX-License-Identifier: MIT
 *
 * Averages of the parameters: stochastic weight averaging and exponential moving average.
 */
#ifdef REAL

static void NAME(blend)(int64_t n, REAL *restrict a, const REAL *restrict x, double weight)
{
    const REAL w = (REAL)weight;
    for (int64_t i = 0; i < n; i++) a[i] += w * (x[i] - a[i]);
}

#else
#include "optim/average.h"

#include <math.h>
#include <string.h>

#define BOTH_TYPES "optim/average.c"
#include "optim/both_types.h"

#define SLOT 24 /* of params_vector_new: behind those of optimizers */
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ------------------------------------------------------------------------------------------------------------- kinds */

static double swa_weight(const double *hyper, int64_t n)
{
    (void)hyper;
    return 1 / ((double)n + 1);
}

static const reel_average_type swa_type = {
    .size = sizeof swa_type,
    .name = "swa",
    .formula = "a += (x - a) / (n + 1)",
    .source = "Polyak and Juditsky 1992; Izmailov et al. 2018",
    .weight = swa_weight,
};

static double ema_weight(const double *hyper, int64_t n)
{
    double decay = hyper[0];
    if (hyper[1] != 0) decay = fmin(decay, (1 + (double)n) / (10 + (double)n));
    return 1 - decay;
}

static const reel_hyper ema_hypers[] = {
    {.name = "decay", .value = 0.999, .most = 1, .open_most = true, .text = "share of the average that stays"},
    {.name = "warmup", .kind = REEL_HYPER_SWITCH, .text = "at most (1 + n) / (10 + n) of it stays after n updates"},
};

static const reel_average_type ema_type = {
    .size = sizeof ema_type,
    .name = "ema",
    .formula = "a = decay a + (1 - decay) x",
    .source = "Polyak and Juditsky 1992; Tarvainen and Valpola 2017",
    .hypers = ema_hypers,
    .hyper_count = COUNT(ema_hypers),
    .weight = ema_weight,
};

static const reel_hyper shared_table[AVERAGE_SHARED] = {
    [AVERAGE_START] = {.name = "start",
                       .value = 1,
                       .least = 1,
                       .most = INFINITY,
                       .open_most = true,
                       .kind = REEL_HYPER_WHOLE,
                       .text = "the first step that counts"},
    [AVERAGE_EVERY] = {.name = "every",
                       .value = 1,
                       .least = 1,
                       .most = INFINITY,
                       .open_most = true,
                       .kind = REEL_HYPER_WHOLE,
                       .text = "steps from one that counts to the next"},
};

const reel_hyper *reel_average_shared_hypers(int *count)
{
    if (count) *count = AVERAGE_SHARED;
    return shared_table;
}

const reel_average_type *reel_average_at(int index)
{
    static const reel_average_type *const types[] = {&swa_type, &ema_type};
    return index >= 0 && index < COUNT(types) ? types[index] : NULL;
}

const reel_average_type *reel_average_find(const char *name)
{
    for (int i = 0; name && reel_average_at(i); i++)
        if (strcmp(reel_average_at(i)->name, name) == 0) return reel_average_at(i);
    return NULL;
}

/* ------------------------------------------------------------------------------------------------ making and freeing */

static size_t values_bytes(const reel_average *a)
{
    return (size_t)a->type->hyper_count * sizeof(double);
}

static void average_destroy(reel_object *object)
{
    reel_average *a = (reel_average *)object;
    memory_free(object->context, a->block, a->bytes);
    memory_free(object->context, a->values, values_bytes(a));
    object_release(object, sizeof *a);
}

reel_average *reel_average_new(const char *site, reel_params *params, const reel_average_type *type)
{
    const char *who = "average_new";
    if (!params || reel_failed(params->object.context)) return NULL;
    reel_context *context = params->object.context;
    if (!type || !type->name || !type->weight || type->size != sizeof *type) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                       "the descriptor is missing, has no name, no weight, or another size than this version's");
        return NULL;
    }
    if (reel_params_seal(site, params) != REEL_OK) return NULL;
    reel_average *a = object_new(context, site, who, sizeof *a, average_destroy);
    if (!a) return NULL;
    a->params = params;
    a->type = type;
    a->values = memory_zero(context, site, who, values_bytes(a));
    a->data = a->values ? params_vector_new(params, site, who, SLOT, &a->block) : NULL;
    if (!a->data) {
        object_free(a);
        return NULL;
    }
    a->bytes = params_vector_bytes(params, SLOT);
    for (int i = 0; i < AVERAGE_SHARED; i++) a->shared[i] = shared_table[i].value;
    for (int i = 0; i < type->hyper_count; i++) a->values[i] = type->hypers[i].value;
    return a;
}

void reel_average_free(reel_average *average)
{
    object_free(average);
}

reel_average *reel_average_swa_new(const char *site, reel_params *params)
{
    return reel_average_new(site, params, &swa_type);
}

reel_average *reel_average_ema_new(const char *site, reel_params *params, double decay)
{
    reel_average *a = reel_average_new(site, params, &ema_type);
    if (a && reel_average_set(site, a, "decay", decay) != REEL_OK) {
        object_free(a);
        return NULL;
    }
    return a;
}

/* -------------------------------------------------------------------------------------------------- hyper-parameters */

const reel_average_type *reel_average_kind(const reel_average *a)
{
    return a ? a->type : NULL;
}

reel_status reel_average_set(const char *site, reel_average *a, const char *name, double value)
{
    const char *who = "average_set";
    if (!a) return REEL_BAD_ARGUMENT;
    reel_context *context = a->object.context;
    if (reel_failed(context)) return context->status;
    int row = reel_hyper_find(a->type->hypers, a->type->hyper_count, name);
    int common = row < 0 ? reel_hyper_find(shared_table, AVERAGE_SHARED, name) : -1;
    if (row < 0 && common < 0)
        return reel_hyper_unknown(site, context, who, name, name ? strlen(name) : 0, a->type->hypers,
                                  a->type->hyper_count, shared_table, AVERAGE_SHARED);
    const reel_hyper *h = row >= 0 ? &a->type->hypers[row] : &shared_table[common];
    reel_status status = reel_hyper_check(site, context, who, h, value);
    if (status == REEL_OK) *(row >= 0 ? &a->values[row] : &a->shared[common]) = value;
    return status;
}

double reel_average_get(const reel_average *a, const char *name)
{
    if (!a) return NAN;
    int row = reel_hyper_find(a->type->hypers, a->type->hyper_count, name);
    int common = reel_hyper_find(shared_table, AVERAGE_SHARED, name);
    return row >= 0 ? a->values[row] : common >= 0 ? a->shared[common] : NAN;
}

/* -------------------------------------------------------------------------------------------------------------- work */

reel_status reel_average_update(const char *site, reel_average *a)
{
    if (!a) return REEL_BAD_ARGUMENT;
    reel_context *context = a->object.context;
    if (reel_failed(context)) return context->status;
    if (a->swapped)
        return reel_error_set(context, REEL_BAD_STATE, site, "average_update",
                              "the average stands in the parameters' place: swap it back first");
    const reel_params *params = a->params;
    size_t bytes = (size_t)params->values.size * reel_dtype_size(params->dtype);
    if (a->count > 0)
        BY_TYPE(blend, params->dtype, params->values.size, a->data, params->values.data,
                a->type->weight(a->values, a->count));
    else if (bytes > 0)
        memcpy(a->data, params->values.data, bytes);
    a->count++;
    return REEL_OK;
}

reel_status reel_average_step(const char *site, reel_average *a, int64_t step)
{
    if (!a) return REEL_BAD_ARGUMENT;
    if (reel_failed(a->object.context)) return a->object.context->status;
    double since = (double)step - a->shared[AVERAGE_START];
    if (since < 0 || fmod(since, a->shared[AVERAGE_EVERY]) != 0) return REEL_OK;
    return reel_average_update(site, a);
}

int64_t reel_average_count(const reel_average *a)
{
    return a ? a->count : 0;
}

reel_array reel_average_flat(const reel_average *a)
{
    if (!a) return (reel_array){0};
    return reel_array_view(a->params->dtype, a->data, 1, &a->params->values.size);
}

reel_status reel_average_swap(const char *site, reel_average *a)
{
    if (!a) return REEL_BAD_ARGUMENT;
    reel_context *context = a->object.context;
    if (reel_failed(context)) return context->status;
    if (a->count == 0) return reel_error_set(context, REEL_BAD_STATE, site, "average_swap", "nothing was taken in yet");
    unsigned char *x = a->params->values.data, *y = a->data, kept[1024];
    size_t bytes = (size_t)a->params->values.size * reel_dtype_size(a->params->dtype);
    for (size_t from = 0; from < bytes; from += sizeof kept) {
        size_t n = bytes - from < sizeof kept ? bytes - from : sizeof kept;
        memcpy(kept, x + from, n);
        memcpy(x + from, y + from, n);
        memcpy(y + from, kept, n);
    }
    a->swapped = !a->swapped;
    reel_params_touch(a->params);
    return REEL_OK;
}

bool reel_average_swapped(const reel_average *a)
{
    return a && a->swapped;
}

#endif
