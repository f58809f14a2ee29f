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
    X(lambda_schedule)

#define DECLARE_SCHEDULE(name) extern const reel_schedule_type name;
SCHEDULES(DECLARE_SCHEDULE)
#undef DECLARE_SCHEDULE

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
    bool owned; /* is a member */
    bool open;  /* a length is missing */
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

void schedule_visit(reel_schedule *s, visitor *v, const char *name);

#endif
