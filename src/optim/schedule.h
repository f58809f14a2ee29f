/* SPDX-License-Identifier: MIT
 *
 * Inside of schedules, and the list of built-in kinds, one row each.
 */
#ifndef REEL_OPTIM_SCHEDULE_H
#define REEL_OPTIM_SCHEDULE_H

#include "core/core.h"
#include "core/visit.h"
#include <reel/schedule.h>

#define SCHEDULES(X)                                                                                                   \
    X(constant_schedule)                                                                                               \
    X(step_schedule)                                                                                                   \
    X(multistep_schedule)                                                                                              \
    X(exponential_schedule)                                                                                            \
    X(cosine_schedule)                                                                                                 \
    X(warmup_schedule)                                                                                                 \
    X(linear_schedule)                                                                                                 \
    X(polynomial_schedule)                                                                                             \
    X(restarts_schedule)                                                                                               \
    X(onecycle_schedule)                                                                                               \
    X(cyclic_schedule)                                                                                                 \
    X(plateau_schedule)                                                                                                \
    X(swa_schedule)                                                                                                    \
    X(lambda_schedule)

#define DECLARE_SCHEDULE(name) extern const reel_schedule_type name;
SCHEDULES(DECLARE_SCHEDULE)
#undef DECLARE_SCHEDULE

/* What tables of schedules have in common. */
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define UNBOUNDED .most = INFINITY, .open_most = true
#define STEPS(sentence)                                                                                                \
    {                                                                                                                  \
        .name = "steps", .value = NAN, .least = 1, UNBOUNDED, .kind = REEL_HYPER_STEPS, .text = (sentence)             \
    }
#define LEAST                                                                                                          \
    {                                                                                                                  \
        .name = "least", UNBOUNDED, .text = "rate at the end"                                                          \
    }
/* From `from` at 0 to `to` at 1 along half a cosine wave. */
double schedule_half_wave(double from, double to, double at);

#define MEMBERS_MOST 64

/* A schedule of a type, or, without a type, a sequence or chain of members. */
struct reel_schedule {
    reel_object object;
    const reel_schedule_type *type;
    double *given;  /* (count) as set; NaN: not given */
    double *values; /* (count) with defaults, and with lengths from the horizon */
    double *state;
    int count;
    void *user;
    double (*factor)(void *user, int64_t step); /* lambda */
    reel_schedule **members;
    int64_t *lengths; /* (members) in steps, 0: not given */
    int64_t *starts;  /* (members) first step of each */
    int member_count;
    bool chained;
    reel_schedule *owner; /* whose member it is, or NULL */
    bool open;            /* a length is missing */
    bool uses_horizon;
    int64_t horizon;
};

/* Makes a sequence or chain; lengths may be NULL. Takes the members over, whatever happens. */
reel_schedule *schedule_compose(const char *site, reel_context *context, const char *who, int count,
                                reel_schedule *const *members, const int64_t *lengths, bool chained);
/* The number of steps a schedule lasts by what was given; 0: not given, or it has no end. */
int64_t schedule_length(const reel_schedule *s);
/* Works out lengths from `horizon` (0: not known) and keeps an error when that is not possible. */
reel_status schedule_fit(reel_schedule *s, const char *site, const char *who, int64_t horizon);

/* Saves text, horizon and states of a schedule, or that there is none (s NULL). Loading gives back the schedule that the
 * file describes: s itself with new contents, or another one when s is NULL or `shared`; NULL when the file has none. */
reel_schedule *schedule_visit(reel_schedule *s, bool shared, visitor *v, const char *name);

#endif
