/* SPDX-License-Identifier: MIT
 *
 * Averages of the parameters over the steps of a training, which often do better than the last ones.
 */
#ifndef REEL_AVERAGE_H
#define REEL_AVERAGE_H

#include <reel/hyper.h>
#include <reel/params.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_average reel_average;

/* A kind of average: a += weight (x - a), and a = x at first. A program's own is a static descriptor like the built-in
 * ones. */
typedef struct reel_average_type {
    size_t size; /* sizeof(reel_average_type) */
    const char *name;
    const char *formula;
    const char *source;
    const reel_hyper *hypers;
    int hyper_count;
    double (*weight)(const double *hyper, int64_t n); /* of the parameters after n updates, n from 1 */
} reel_average_type;

/* Built-in kinds in a fixed order, NULL past the end; and by name, NULL when there is none. */
REEL_API const reel_average_type *reel_average_at(int index);
REEL_API const reel_average_type *reel_average_find(const char *name);
/* The table that all averages share: start, the first step that counts (from 1), and every, the steps from one that
 * counts to the next. */
REEL_API const reel_hyper *reel_average_shared_hypers(int *count);

/* An average over a store, which it seals; owned by the context. Buffers are not averaged. */
REEL_API reel_average *reel_average_new(REEL_SITE reel_params *params, const reel_average_type *type);
REEL_API void reel_average_free(reel_average *average);
/* The mean of all: a += (x - a) / (n + 1) (Polyak and Juditsky 1992; Izmailov et al. 2018). */
REEL_API reel_average *reel_average_swa_new(REEL_SITE reel_params *params);
/* a = decay a + (1 - decay) x; with the hyper-parameter warmup at most (1 + n) / (10 + n) of a stays. */
REEL_API reel_average *reel_average_ema_new(REEL_SITE reel_params *params, double decay);

/* The average of a text, "ema:0.99" or "swa:start=50:every=5": a kind, the values of its own table in their order, and any
 * value by name. NULL with an error kept for what is no such text. */
REEL_API reel_average *reel_average_parse(REEL_SITE reel_params *params, const char *spec);

REEL_API const reel_average_type *reel_average_kind(const reel_average *average);
REEL_API reel_status reel_average_set(REEL_SITE reel_average *average, const char *name, double value);
REEL_API double reel_average_get(const reel_average *average, const char *name);

/* Tells that `step` updates of the parameters were made: takes them in when that step counts. Error: the average stands
 * in the parameters' place. */
REEL_API reel_status reel_average_step(REEL_SITE reel_average *average, int64_t step);
/* Takes the parameters in. */
REEL_API reel_status reel_average_update(REEL_SITE reel_average *average);
/* How often parameters were taken in. */
REEL_API int64_t reel_average_count(const reel_average *average);
/* A view (size) of the average, flat as the parameters; zeros before the first update. */
REEL_API reel_array reel_average_flat(const reel_average *average);
/* Exchanges average and parameters, for evaluation; and back again. Error: nothing was taken in yet. */
REEL_API reel_status reel_average_swap(REEL_SITE reel_average *average);
REEL_API bool reel_average_swapped(const reel_average *average);

#ifndef REEL_NO_SITE_MACROS
#define reel_average_new(...) reel_average_new(REEL_HERE, __VA_ARGS__)
#define reel_average_swa_new(...) reel_average_swa_new(REEL_HERE, __VA_ARGS__)
#define reel_average_ema_new(...) reel_average_ema_new(REEL_HERE, __VA_ARGS__)
#define reel_average_parse(...) reel_average_parse(REEL_HERE, __VA_ARGS__)
#define reel_average_set(...) reel_average_set(REEL_HERE, __VA_ARGS__)
#define reel_average_step(...) reel_average_step(REEL_HERE, __VA_ARGS__)
#define reel_average_update(...) reel_average_update(REEL_HERE, __VA_ARGS__)
#define reel_average_swap(...) reel_average_swap(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
