/* SPDX-License-Identifier: MIT
 *
 * Schedules: the learning rate as a pure function of the step.
 *
 * Step t is the number of updates done: the first update uses rate(0). `base` is the rate of the parameter group, its
 * hyper-parameter "lr". Only plateau has a state, which reel_schedule_observe moves.
 */
#ifndef REEL_SCHEDULE_H
#define REEL_SCHEDULE_H

#include <reel/hyper.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_schedule reel_schedule;

/* What a type's functions are given. */
typedef struct reel_schedule_point {
    const double *values; /* hyper-parameters in table order; a repeated last one stands at the end. NaN: not given */
    int count;            /* length of values */
    const double *state;  /* the type's state, or NULL */
    int64_t step;         /* from 0 */
    double base;          /* rate (or momentum) of the group */
    void *user;
} reel_schedule_point;

/* A kind of schedule. A program's own is a static descriptor like the built-in ones. */
typedef struct reel_schedule_type {
    size_t size; /* sizeof(reel_schedule_type) */
    const char *name;
    const char *text;   /* one line: what it does, with the formula */
    const char *source; /* paper or definition */
    const reel_hyper *hypers;
    int hyper_count;
    int length; /* 1 + index of the hyper-parameter that says after how many steps it has ended; 0: it has no end */
    const char *const *state_names; /* as many as state_count */
    int state_count;
    double (*rate)(const reel_schedule_point *at);
    double (*momentum)(const reel_schedule_point *at);      /* NULL: leaves the momentum alone */
    bool (*cycles_momentum)(const reel_schedule_point *at); /* does it, with these values? NULL: when momentum is set */
    void (*start)(const double *values, double *state);     /* the state before anything was observed */
    void (*observe)(const double *values, double *state, double metric);
    const char *(*check)(const double *values, int count); /* values against each other: NULL or what is wrong */
} reel_schedule_type;

/* Built-in kinds in a fixed order, NULL past the end; and by name, NULL when there is none. */
REEL_API const reel_schedule_type *reel_schedule_at(int index);
REEL_API const reel_schedule_type *reel_schedule_find(const char *name);

/* Makes a kind of the program's own known by its name to this context: to reel_schedule_parse, so to checkpoints, and to
 * flags. The descriptor is borrowed. Error: a name that is taken, one that holds any of ":,*@()=", more than 32. */
REEL_API reel_status reel_schedule_register(REEL_SITE reel_context *context, const reel_schedule_type *type);
/* The built-in kinds, then those of the context; NULL past the end. */
REEL_API const reel_schedule_type *reel_schedule_known(const reel_context *context, int index);

/* A schedule of a kind, owned by the context. `values` (count) in table order; NaN, and those past count, take the
 * default. Error: out of range, a required one missing. `user` is handed to the type's functions. */
REEL_API reel_schedule *reel_schedule_new(REEL_SITE reel_context *context, const reel_schedule_type *type, int count,
                                          const double *values, void *user);

/* base * factor. */
REEL_API reel_schedule *reel_schedule_constant_new(REEL_SITE reel_context *context, double factor);
/* base * gamma^floor(t / every). */
REEL_API reel_schedule *reel_schedule_step_new(REEL_SITE reel_context *context, int64_t every, double gamma);
/* base * gamma^(number of milestones <= t). */
REEL_API reel_schedule *reel_schedule_multistep_new(REEL_SITE reel_context *context, double gamma, int count,
                                                    const int64_t *milestones);
/* base * gamma^t. */
REEL_API reel_schedule *reel_schedule_exponential_new(REEL_SITE reel_context *context, double gamma);
/* least + (base - least) (1 + cos(pi t / steps)) / 2, and least from then on (Loshchilov and Hutter 2017). steps 0: the
 * horizon. */
REEL_API reel_schedule *reel_schedule_cosine_new(REEL_SITE reel_context *context, double least, int64_t steps);
/* base (t + 1) / steps, and base from then on. */
REEL_API reel_schedule *reel_schedule_warmup_new(REEL_SITE reel_context *context, int64_t steps);
/* base (start + (end - start) min(1, t / steps)). steps 0: the horizon. */
REEL_API reel_schedule *reel_schedule_linear_new(REEL_SITE reel_context *context, double start, double end,
                                                 int64_t steps);
/* base * factor(user, t). */
REEL_API reel_schedule *reel_schedule_lambda_new(REEL_SITE reel_context *context,
                                                 double (*factor)(void *user, int64_t step), void *user);

/* One after the other: member i from step starts[i-1] on (starts: count - 1 increasing steps), each counting its own
 * steps from 0. Chained: all at once, the rate of each is the base of the next. The members (1 to 64, none a member of
 * another) belong to the result and are freed with it; they are also freed when an error is returned. */
REEL_API reel_schedule *reel_schedule_sequence_new(REEL_SITE reel_context *context, int count,
                                                   reel_schedule *const *members, const int64_t *starts);
REEL_API reel_schedule *reel_schedule_chained_new(REEL_SITE reel_context *context, int count,
                                                  reel_schedule *const *members);

/* Reads a schedule: parts joined by commas follow each other, parts joined by * are chained, @N says for how many steps
 * a part lasts, parentheses group. A part is a name and its hyper-parameters in table order or by name:
 *
 *     cosine    step:30:0.5    warmup:20,cosine:1e-4    warmup:5,linear:end=0.1@100,constant:0.1    linear:0.1:1:9*step:30
 *
 * `horizon` is the number of steps of the whole run (0: not known). It fills lengths that are not given; at most one
 * part of a sequence may leave its own open. Error: unknown names, values out of range, a length that nothing gives. */
REEL_API reel_schedule *reel_schedule_parse(REEL_SITE reel_context *context, const char *spec, int64_t horizon);
/* Writes the canonical text, which reel_schedule_parse reads back; what the horizon filled stays out. As snprintf:
 * returns its length, and cuts when size is too small. */
REEL_API size_t reel_schedule_describe(const reel_schedule *schedule, char *text, size_t size);

/* Does a length come from the horizon? Then changing the number of steps changes the rate on the way. */
REEL_API bool reel_schedule_uses_horizon(const reel_schedule *schedule);
REEL_API int64_t reel_schedule_horizon(const reel_schedule *schedule);
/* Error: a length that nothing gives, more fixed steps than the horizon has; the schedule is then as before. */
REEL_API reel_status reel_schedule_set_horizon(REEL_SITE reel_schedule *schedule, int64_t horizon);

/* The rate for step t and a group's base rate; `base` for NULL. */
REEL_API double reel_schedule_rate(const reel_schedule *schedule, int64_t step, double base);
/* The momentum (beta1 of Adam) for step t: `base` where the schedule leaves it alone. */
REEL_API double reel_schedule_momentum(const reel_schedule *schedule, int64_t step, double base);
REEL_API bool reel_schedule_cycles_momentum(const reel_schedule *schedule);
/* Tells a metric (after step t - 1, before t): plateau watches it, the others do nothing. */
REEL_API void reel_schedule_observe(reel_schedule *schedule, int64_t step, double metric);
/* Does any part watch a metric? */
REEL_API bool reel_schedule_watches(const reel_schedule *schedule);

/* Frees a schedule that is no member of another, and leaves a member alone. */
REEL_API void reel_schedule_free(reel_schedule *schedule);

#ifndef REEL_NO_SITE_MACROS
#define reel_schedule_register(...) reel_schedule_register(REEL_HERE, __VA_ARGS__)
#define reel_schedule_new(...) reel_schedule_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_constant_new(...) reel_schedule_constant_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_step_new(...) reel_schedule_step_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_multistep_new(...) reel_schedule_multistep_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_exponential_new(...) reel_schedule_exponential_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_cosine_new(...) reel_schedule_cosine_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_warmup_new(...) reel_schedule_warmup_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_linear_new(...) reel_schedule_linear_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_lambda_new(...) reel_schedule_lambda_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_sequence_new(...) reel_schedule_sequence_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_chained_new(...) reel_schedule_chained_new(REEL_HERE, __VA_ARGS__)
#define reel_schedule_parse(...) reel_schedule_parse(REEL_HERE, __VA_ARGS__)
#define reel_schedule_set_horizon(...) reel_schedule_set_horizon(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
