/* SPDX-License-Identifier: MIT
 *
 * Constructors of the built-in schedules.
 */
#include "optim/schedule.h"

#include <math.h>

#define MILESTONES_MOST 63

/* 0 stands for "from the horizon". */
static double steps_or_none(int64_t steps)
{
    return steps == 0 ? NAN : (double)steps;
}

reel_schedule *reel_schedule_constant_new(const char *site, reel_context *context, double factor)
{
    return reel_schedule_new(site, context, &constant_schedule, 1, &factor, NULL);
}

reel_schedule *reel_schedule_step_new(const char *site, reel_context *context, int64_t every, double gamma)
{
    return reel_schedule_new(site, context, &step_schedule, 2, (const double[]){(double)every, gamma}, NULL);
}

reel_schedule *reel_schedule_multistep_new(const char *site, reel_context *context, double gamma, int count,
                                           const int64_t *milestones)
{
    double values[1 + MILESTONES_MOST] = {gamma};
    if (count < 1 || count > MILESTONES_MOST || !milestones) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "schedule_multistep_new",
                       "found %d milestones, expected a list of 1 to %d", count, MILESTONES_MOST);
        return NULL;
    }
    for (int i = 0; i < count; i++) values[1 + i] = (double)milestones[i];
    return reel_schedule_new(site, context, &multistep_schedule, 1 + count, values, NULL);
}

reel_schedule *reel_schedule_exponential_new(const char *site, reel_context *context, double gamma)
{
    return reel_schedule_new(site, context, &exponential_schedule, 1, &gamma, NULL);
}

reel_schedule *reel_schedule_cosine_new(const char *site, reel_context *context, double least, int64_t steps)
{
    return reel_schedule_new(site, context, &cosine_schedule, 2, (const double[]){least, steps_or_none(steps)}, NULL);
}

reel_schedule *reel_schedule_warmup_new(const char *site, reel_context *context, int64_t steps)
{
    return reel_schedule_new(site, context, &warmup_schedule, 1, (const double[]){(double)steps}, NULL);
}

reel_schedule *reel_schedule_linear_new(const char *site, reel_context *context, double start, double end,
                                        int64_t steps)
{
    return reel_schedule_new(site, context, &linear_schedule, 3, (const double[]){start, end, steps_or_none(steps)},
                             NULL);
}

reel_schedule *reel_schedule_lambda_new(const char *site, reel_context *context,
                                        double (*factor)(void *user, int64_t step), void *user)
{
    const char *who = "schedule_lambda_new";
    if (!factor) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there is no function");
        return NULL;
    }
    reel_schedule *s = reel_schedule_new(site, context, &lambda_schedule, 0, NULL, user);
    if (s) s->factor = factor;
    return s;
}
