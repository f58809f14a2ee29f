/* SPDX-License-Identifier: MIT
 *
 * Optimizers, parameter groups, gradient clipping.
 */
#ifndef REEL_OPTIM_H
#define REEL_OPTIM_H

#include <reel/hyper.h>
#include <reel/params.h>
#include <reel/schedule.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_optimizer reel_optimizer;

/* What an update function is given: one contiguous run of n elements of one group. */
typedef struct reel_update {
    const double *hyper; /* the group's hyper-parameters in table order, rate and momentum as scheduled */
    int64_t t;           /* count of this step, from 1 */
    int64_t n;
    reel_dtype dtype;      /* of the four vectors below */
    void *parameter;       /* (n), to change */
    const void *gradient;  /* (n) */
    void *const *state;    /* state vectors (n) in the type's order; NULL where uses() leaves one out */
    const double *scalars; /* the group's scalars, as begin() left them */
} reel_update;

/* A kind of optimizer. A program's own is a static descriptor like the built-in ones. */
typedef struct reel_optimizer_type {
    size_t size; /* sizeof(reel_optimizer_type) */
    const char *name;
    const char *formula;
    const char *source;       /* paper or definition */
    const reel_hyper *hypers; /* "lr" is what a schedule moves, "momentum" or "beta1" what one with momentum cycles */
    int hyper_count;
    const char *const *state_names;  /* vectors of the size of the parameters */
    int state_count;                 /* at most 8 */
    const char *const *scalar_names; /* doubles of each group, 0 at first */
    int scalar_count;
    bool per_parameter; /* update is called for each parameter by itself, never for several adjacent ones as one run */
    /* Bit i: state vector i is needed with these hyper-parameters. NULL: all are. */
    unsigned (*uses)(const double *hyper);
    /* Hyper-parameters against each other: NULL, or a sentence that says what does not fit. May be NULL. */
    const char *(*check)(const double *hyper);
    /* What state vector i starts from. NULL: 0. */
    double (*initial)(const double *hyper, int i);
    /* Once a step and group, before the updates: moves the scalars. May be NULL. */
    void (*begin)(const double *hyper, int64_t t, double *scalars);
    /* Anything but REEL_OK ends the step and is kept as the error. */
    reel_status (*update)(const reel_update *u);
    /* Every element is updated by itself, from its own gradient and state: update may be called for parts of a run, in any
     * order and from several threads at once. */
    bool elementwise;
} reel_optimizer_type;

/* Built-in kinds in a fixed order, NULL past the end; and by name, NULL when there is none. */
REEL_API const reel_optimizer_type *reel_optimizer_at(int index);
REEL_API const reel_optimizer_type *reel_optimizer_find(const char *name);
/* Makes a kind of the program's own known by its name to this context, for flags (reel/args.h). The descriptor is
 * borrowed. Error: a name that is taken, more than 32. */
REEL_API reel_status reel_optimizer_register(REEL_SITE reel_context *context, const reel_optimizer_type *type);
/* The built-in kinds, then those of the context; NULL past the end. */
REEL_API const reel_optimizer_type *reel_optimizer_known(const reel_context *context, int index);
/* The table that all optimizers share: clip_value, clip_norm, clip_norm_type, clip_nonfinite, and gradient noise: noise,
 * noise_decay, noise_seed. Clipping by value comes first, then by norm, then N(0, (noise / (1 + t)^noise_decay)^2) is
 * added. noise sqrt(2 T / lr) makes sgd Langevin dynamics at temperature T (Welling and Teh 2011); with a decay it is
 * that of Neelakantan et al. 2015. */
REEL_API const reel_hyper *reel_optimizer_shared_hypers(int *count);

/* An optimizer of all parameters of a store, which it seals; owned by the context. The parameters must outlive every
 * step. Error: no memory. */
REEL_API reel_optimizer *reel_optimizer_new(REEL_SITE reel_params *params, const reel_optimizer_type *type);
REEL_API void reel_optimizer_free(reel_optimizer *optimizer);

/* Stochastic gradient descent: buf = momentum buf + (1 - dampening) g, at first g; x -= lr buf (Polyak 1964; Nesterov
 * 1983 as in Sutskever et al. 2013). Hyper-parameters: lr momentum dampening nesterov weight_decay maximize. */
REEL_API reel_optimizer *reel_sgd_new(REEL_SITE reel_params *params, double lr);
/* Adam (Kingma and Ba 2015; amsgrad: Reddi et al. 2018): m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
 * x -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps). Hyper-parameters: lr beta1 beta2 eps weight_decay
 * amsgrad maximize. */
REEL_API reel_optimizer *reel_adam_new(REEL_SITE reel_params *params, double lr);
/* Adam with decoupled weight decay (Loshchilov and Hutter 2019): x *= 1 - lr weight_decay first. */
REEL_API reel_optimizer *reel_adamw_new(REEL_SITE reel_params *params, double lr);
/* Adam with Nesterov's momentum (Dozat 2016). More: momentum_decay; torch_1_13 repeats a mistake of that version, which
 * multiplies the product of momenta once too often. */
REEL_API reel_optimizer *reel_nadam_new(REEL_SITE reel_params *params, double lr);
/* Adam whose denominator waits until it is reliable (Liu et al. 2020). lr beta1 beta2 eps weight_decay maximize. */
REEL_API reel_optimizer *reel_radam_new(REEL_SITE reel_params *params, double lr);
/* Adam with the infinity norm: u = max(beta2 u, |g| + eps), x -= lr / (1 - beta1^t) m / u (Kingma and Ba 2015). */
REEL_API reel_optimizer *reel_adamax_new(REEL_SITE reel_params *params, double lr);
/* v = alpha v + (1 - alpha) g^2, x -= lr g / (sqrt(v) + eps) (Tieleman and Hinton 2012). lr alpha eps weight_decay
 * momentum centered maximize. */
REEL_API reel_optimizer *reel_rmsprop_new(REEL_SITE reel_params *params, double lr);
/* s += g^2, x -= lr g / (sqrt(s) + eps) (Duchi et al. 2011). lr lr_decay weight_decay initial_accumulator_value eps
 * maximize. */
REEL_API reel_optimizer *reel_adagrad_new(REEL_SITE reel_params *params, double lr);
/* Steps in the units of the parameters, from two running mean squares (Zeiler 2012). lr rho eps weight_decay maximize. */
REEL_API reel_optimizer *reel_adadelta_new(REEL_SITE reel_params *params, double lr);
/* For large batches, the length of the step follows the norm of each parameter: Adam's direction (You et al. 2020), and
 * momentum's (You et al. 2017). lr beta1 beta2 eps weight_decay trust_most maximize; lr momentum weight_decay trust eps
 * maximize. */
REEL_API reel_optimizer *reel_lamb_new(REEL_SITE reel_params *params, double lr);
REEL_API reel_optimizer *reel_lars_new(REEL_SITE reel_params *params, double lr);

REEL_API const reel_optimizer_type *reel_optimizer_kind(const reel_optimizer *optimizer);
REEL_API reel_params *reel_optimizer_params(const reel_optimizer *optimizer);

/* Sets a hyper-parameter by name in all groups, one of the shared ones for the whole optimizer. Error: no such name (the
 * sentence lists those there are), out of range. */
REEL_API reel_status reel_optimizer_set(REEL_SITE reel_optimizer *optimizer, const char *name, double value);
/* Its value (in group 0); NaN when there is no such name. */
REEL_API double reel_optimizer_get(const reel_optimizer *optimizer, const char *name);

/* Moves `count` parameters into a group of their own, which starts with the values of group 0, and returns the group's
 * index; -1 on error: a parameter that does not exist or is listed twice, a step was made already. All parameters are in
 * group 0 at first. */
REEL_API int reel_optimizer_group(REEL_SITE reel_optimizer *optimizer, int count, const int *parameter_indices);
REEL_API int reel_optimizer_group_count(const reel_optimizer *optimizer);
/* The group of a parameter; -1 when there is no such parameter. */
REEL_API int reel_optimizer_group_of(const reel_optimizer *optimizer, int parameter);
REEL_API reel_status reel_optimizer_group_set(REEL_SITE reel_optimizer *optimizer, int group, const char *name,
                                              double value);
REEL_API double reel_optimizer_group_get(const reel_optimizer *optimizer, int group, const char *name);

/* One update of all trainable parameters from the gradient, which is consumed; others are left alone, by weight decay
 * too. Error, nothing changed: no gradient since the last step (REEL_BAD_STATE), a context that has failed, a gradient
 * norm or rate that is not finite (REEL_NOT_FINITE; with clip_nonfinite "skip" the gradient is dropped instead, the
 * step not counted and REEL_OK returned). Moments smaller than the smallest normal number are set to 0, unless eps is so
 * small that they count. */
REEL_API reel_status reel_optimizer_step(REEL_SITE reel_optimizer *optimizer);
/* Number of updates made, and of gradients that were skipped. */
REEL_API int64_t reel_optimizer_steps(const reel_optimizer *optimizer);
REEL_API int64_t reel_optimizer_skipped(const reel_optimizer *optimizer);
/* The rate of the next update in a group. */
REEL_API double reel_optimizer_rate(const reel_optimizer *optimizer);
REEL_API double reel_optimizer_group_rate(const reel_optimizer *optimizer, int group);
/* Norm of the last gradient before it was clipped by norm; NaN as long as clip_norm is 0. */
REEL_API double reel_optimizer_gradient_norm(const reel_optimizer *optimizer);
/* A view of a state vector of one parameter; data NULL when there is none (yet). */
REEL_API reel_array reel_optimizer_state(const reel_optimizer *optimizer, const char *state, int parameter);
/* Forgets the moments; the count of steps as well when `steps` is true. */
REEL_API void reel_optimizer_reset(reel_optimizer *optimizer, bool steps);

/* Update t uses the rate of the schedule at t - origin, in all groups or in one. NULL: the rate stays "lr". The schedule
 * is borrowed and must be freed after the optimizer. Error: the schedule cycles a momentum the optimizer has not. */
REEL_API reel_status reel_optimizer_set_schedule(REEL_SITE reel_optimizer *optimizer, reel_schedule *schedule);
REEL_API reel_status reel_optimizer_group_set_schedule(REEL_SITE reel_optimizer *optimizer, int group,
                                                       reel_schedule *schedule);
REEL_API reel_schedule *reel_optimizer_schedule(const reel_optimizer *optimizer, int group);
/* The update that counts as step 0 of the schedule; 0 at first; reel_optimizer_steps: from here on. Negative: the
 * schedule is ahead of the count, as after the steps were forgotten while it goes on. */
REEL_API void reel_optimizer_set_origin(reel_optimizer *optimizer, int64_t origin);
REEL_API int64_t reel_optimizer_origin(const reel_optimizer *optimizer);
/* Tells every schedule of the optimizer a metric, once. */
REEL_API void reel_optimizer_observe(reel_optimizer *optimizer, double metric);

/* What to do about a gradient whose norm is not finite: keep an error; change nothing (an optimizer: drop the gradient);
 * multiply all the same, as PyTorch does. */
typedef enum reel_nonfinite { REEL_NONFINITE_ERROR, REEL_NONFINITE_SKIP, REEL_NONFINITE_PASS } reel_nonfinite;

/* (sum |g|^p)^(1/p) over the gradients of all trainable parameters, the largest |g| for p = INFINITY; summed in double, in
 * a fixed order. NaN when there is no gradient or p is not above 0. */
REEL_API double reel_gradient_norm(const reel_params *params, double p);
/* Multiplies the gradients by min(1, max_norm / (norm + 1e-6)). *total (may be NULL) receives the norm before. Error: no
 * gradient, max_norm or p not above 0, a norm that is not finite under REEL_NONFINITE_ERROR: nothing is changed. */
REEL_API reel_status reel_clip_norm(REEL_SITE reel_params *params, double max_norm, double p, reel_nonfinite policy,
                                    double *total);
/* Limits every element of the gradients to [-limit, limit]; NaN stays. Error: no gradient, limit not above 0. */
REEL_API reel_status reel_clip_value(REEL_SITE reel_params *params, double limit);

#ifndef REEL_NO_SITE_MACROS
#define reel_optimizer_register(...) reel_optimizer_register(REEL_HERE, __VA_ARGS__)
#define reel_optimizer_new(...) reel_optimizer_new(REEL_HERE, __VA_ARGS__)
#define reel_sgd_new(...) reel_sgd_new(REEL_HERE, __VA_ARGS__)
#define reel_adam_new(...) reel_adam_new(REEL_HERE, __VA_ARGS__)
#define reel_adamw_new(...) reel_adamw_new(REEL_HERE, __VA_ARGS__)
#define reel_nadam_new(...) reel_nadam_new(REEL_HERE, __VA_ARGS__)
#define reel_radam_new(...) reel_radam_new(REEL_HERE, __VA_ARGS__)
#define reel_adamax_new(...) reel_adamax_new(REEL_HERE, __VA_ARGS__)
#define reel_rmsprop_new(...) reel_rmsprop_new(REEL_HERE, __VA_ARGS__)
#define reel_adagrad_new(...) reel_adagrad_new(REEL_HERE, __VA_ARGS__)
#define reel_adadelta_new(...) reel_adadelta_new(REEL_HERE, __VA_ARGS__)
#define reel_lamb_new(...) reel_lamb_new(REEL_HERE, __VA_ARGS__)
#define reel_lars_new(...) reel_lars_new(REEL_HERE, __VA_ARGS__)
#define reel_optimizer_set(...) reel_optimizer_set(REEL_HERE, __VA_ARGS__)
#define reel_optimizer_group(...) reel_optimizer_group(REEL_HERE, __VA_ARGS__)
#define reel_optimizer_group_set(...) reel_optimizer_group_set(REEL_HERE, __VA_ARGS__)
#define reel_optimizer_step(...) reel_optimizer_step(REEL_HERE, __VA_ARGS__)
#define reel_optimizer_set_schedule(...) reel_optimizer_set_schedule(REEL_HERE, __VA_ARGS__)
#define reel_optimizer_group_set_schedule(...) reel_optimizer_group_set_schedule(REEL_HERE, __VA_ARGS__)
#define reel_clip_norm(...) reel_clip_norm(REEL_HERE, __VA_ARGS__)
#define reel_clip_value(...) reel_clip_value(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
