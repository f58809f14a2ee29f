/* SPDX-License-Identifier: MIT
 *
 * Inside of optimizers: groups, state vectors, what the built-in kinds share.
 */
#ifndef REEL_OPTIM_OPTIM_H
#define REEL_OPTIM_OPTIM_H

#include "tape/params.h"
#include <math.h>
#include <reel/optim.h>
#include <reel/random.h>

#define STATE_MOST 8

/* Rows of the table that all optimizers share. */
enum {
    SHARED_CLIP_VALUE,
    SHARED_CLIP_NORM,
    SHARED_CLIP_NORM_TYPE,
    SHARED_CLIP_NONFINITE,
    SHARED_NOISE,
    SHARED_NOISE_DECAY,
    SHARED_NOISE_SEED,
    SHARED_COUNT
};

typedef struct optimizer_group {
    double *values;  /* hyper-parameters as set */
    double *current; /* as scheduled, in the step that runs */
    double *scalars;
    reel_schedule *schedule; /* borrowed, or NULL */
} optimizer_group;

typedef struct state_vector {
    void *data, *block;
    size_t bytes;
    bool started; /* holds more than what initial() says */
} state_vector;

struct reel_optimizer {
    reel_object object;
    reel_params *params;
    const reel_optimizer_type *type;
    double shared[SHARED_COUNT];
    optimizer_group *groups;
    int group_count;
    int *group_of;    /* (parameters) */
    int parameters;   /* length of group_of */
    int rate_row;     /* row of "lr" in the type's table, or -1 */
    int momentum_row; /* row of "momentum" or "beta1", or -1 */
    state_vector state[STATE_MOST];
    int64_t steps, skipped, origin;
    bool takes_other; /* a checkpoint of another kind is no fault: its clipping, noise and schedules are taken over */
    double gradient_norm;
    reel_rng *noise; /* older than the optimizer, so that a context frees it later */
};

/* The largest stretches that an update is called for: adjacent trainable parameters of one group, merged unless the type
 * wants them one by one. Start with {0}; false when there is none left. */
typedef struct run {
    int next; /* parameter to go on with */
    int group;
    int64_t offset, size;
} run;

/* Allocates state vector i unless it is there; gives it back. */
reel_status optimizer_state_new(reel_optimizer *o, const char *site, const char *who, int i);
void optimizer_state_free(reel_optimizer *o, int i);
/* Allocates the state vectors that the hyper-parameters ask for and that are not there yet. */
reel_status optimizer_reserve(reel_optimizer *o, const char *site, const char *who);
/* The step of a schedule that the next update counts as. */
int64_t optimizer_schedule_step(const reel_optimizer *o);

/* By name, among the built-in kinds and those of the context; NULL when there is none. */
const reel_optimizer_type *optimizer_find_known(const reel_context *context, const char *name);
/* reel_optimizer_new with the learning rate set. */
reel_optimizer *optimizer_with_rate(const char *site, reel_params *params, const reel_optimizer_type *type, double lr);

/* Visits the values of a table by name. A row that the file has not, because it is older than the row, takes the default.
 * `scratch` (count) receives the file's values, in CHECK mode too. And a count, which cannot be negative. */
void visit_hypers(visitor *v, const reel_hyper *table, int count, double *values, double *scratch);
void visit_count(visitor *v, const char *name, int64_t *count);
/* Saves, checks, loads or hashes kind, counts, every hyper-parameter of every group, schedules and state vectors. */
void optimizer_visit(reel_optimizer *o, visitor *v, const char *name);

/* Adds the noise of this step to the gradient. */
reel_status gradient_noise(reel_optimizer *o, const char *site);

/* Clipping, for callers that have checked that there is a gradient. `skip` is set when the policy drops the gradient. */
void gradient_clip_value(reel_params *params, double limit);
reel_status gradient_clip_norm(reel_params *params, const char *site, const char *who, double max_norm, double p,
                               reel_nonfinite policy, double *total, bool *skip);

/* Rows that most tables have. Infinity itself is never a sensible hyper-parameter, hence the open upper bounds. */
#define UNBOUNDED .most = INFINITY, .open_most = true
#define HYPER_LR(number)                                                                                               \
    {                                                                                                                  \
        .name = "lr", .value = (number), UNBOUNDED, .text = "learning rate"                                            \
    }
#define HYPER_WEIGHT_DECAY(number, sentence)                                                                           \
    {                                                                                                                  \
        .name = "weight_decay", .value = (number), UNBOUNDED, .text = (sentence)                                       \
    }
#define HYPER_L2 HYPER_WEIGHT_DECAY(0, "added to the gradient, times the parameter")
#define HYPER_EPS(number)                                                                                              \
    {                                                                                                                  \
        .name = "eps", .value = (number), UNBOUNDED, .text = "keeps the denominator from zero"                         \
    }
#define HYPER_BETA(label, number, sentence)                                                                            \
    {                                                                                                                  \
        .name = (label), .value = (number), .most = 1, .open_most = true, .text = (sentence)                           \
    }
#define HYPER_MAXIMIZE                                                                                                 \
    {                                                                                                                  \
        .name = "maximize", .kind = REEL_HYPER_SWITCH, .text = "climb instead of descend"                              \
    }
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* Adam's update; `decoupled` as in AdamW. Rows of the table: lr beta1 beta2 eps weight_decay amsgrad maximize. */
enum { ADAM_LR, ADAM_BETA1, ADAM_BETA2, ADAM_EPS, ADAM_DECAY, ADAM_AMSGRAD, ADAM_MAXIMIZE };
#define ADAM_HYPERS(weight_decay)                                                                                      \
    HYPER_LR(1e-3), HYPER_BETA("beta1", 0.9, "decay of the mean of the gradient"),                                     \
        HYPER_BETA("beta2", 0.999, "decay of the mean of its square"), HYPER_EPS(1e-8), weight_decay,                  \
        {.name = "amsgrad", .kind = REEL_HYPER_SWITCH, .text = "divide by the largest mean square so far"},            \
        HYPER_MAXIMIZE
extern const char *const adam_states[];
reel_status adam_step(const reel_update *u, bool decoupled);
unsigned adam_uses(const double *hyper);

/* 1 - beta^t of a mean that started from 0, for 0 <= beta < 1 after t steps. When t (1 - beta) is above 38, beta^t is below
 * exp(-38) < 2^-54 and the difference rounds to 1: the power need not be taken. */
static inline double bias_correction(double beta, double t)
{
    return t * (1 - beta) > 38 ? 1 : 1 - pow(beta, t);
}

#endif
