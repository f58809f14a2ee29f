/* SPDX-License-Identifier: MIT
 *
 * The built-in kinds of schedules.
 */
#include "optim/schedule.h"

#include <math.h>

#define GAMMA(number)                                                                                                  \
    {                                                                                                                  \
        .name = "gamma", .value = (number), .open_least = true, UNBOUNDED, .text = "factor by which the rate changes"  \
    }

double schedule_half_wave(double from, double to, double at)
{
    return to + (from - to) * (1 + cos(3.14159265358979323846 * at)) / 2;
}

static double part_done(double step, double steps)
{
    return step < steps ? step / steps : 1;
}

/* ---------------------------------------------------------------------------------------------------------- constant */

static double constant_rate(const reel_schedule_point *at)
{
    return (double)at->step >= at->values[1] ? at->base : at->base * at->values[0];
}

static const reel_hyper constant_hypers[] = {
    {.name = "factor", .value = 1, UNBOUNDED, .text = "of the base rate"},
    {.name = "steps",
     .value = NAN,
     .least = 1,
     UNBOUNDED,
     .kind = REEL_HYPER_WHOLE,
     .text = "after these the factor is 1; not given: never"},
};

const reel_schedule_type constant_schedule = {
    .size = sizeof constant_schedule,
    .name = "constant",
    .text = "base factor, and base after `steps`",
    .source = "definition",
    .hypers = constant_hypers,
    .hyper_count = COUNT(constant_hypers),
    .length = 2,
    .rate = constant_rate,
};

/* -------------------------------------------------------------------------------------------------------------- step */

static double step_rate(const reel_schedule_point *at)
{
    return at->base * pow(at->values[1], floor((double)at->step / at->values[0]));
}

static const reel_hyper step_hypers[] = {
    {.name = "every",
     .value = NAN,
     .least = 1,
     UNBOUNDED,
     .kind = REEL_HYPER_WHOLE,
     .required = true,
     .text = "steps between two changes"},
    GAMMA(0.1),
};

const reel_schedule_type step_schedule = {
    .size = sizeof step_schedule,
    .name = "step",
    .text = "base gamma^floor(t / every)",
    .source = "definition",
    .hypers = step_hypers,
    .hyper_count = COUNT(step_hypers),
    .rate = step_rate,
};

/* --------------------------------------------------------------------------------------------------------- multistep */

static double multistep_rate(const reel_schedule_point *at)
{
    int passed = 0;
    for (int i = 1; i < at->count; i++) passed += (double)at->step >= at->values[i];
    return at->base * pow(at->values[0], passed);
}

static const reel_hyper multistep_hypers[] = {
    GAMMA(0.1),
    {.name = "milestone",
     .value = NAN,
     UNBOUNDED,
     .kind = REEL_HYPER_WHOLE,
     .required = true,
     .repeats = true,
     .text = "step at which the rate changes; any number of them"},
};

const reel_schedule_type multistep_schedule = {
    .size = sizeof multistep_schedule,
    .name = "multistep",
    .text = "base gamma^(number of milestones <= t)",
    .source = "definition",
    .hypers = multistep_hypers,
    .hyper_count = COUNT(multistep_hypers),
    .rate = multistep_rate,
};

/* ------------------------------------------------------------------------------------------------------- exponential */

static double exponential_rate(const reel_schedule_point *at)
{
    return at->base * pow(at->values[0], (double)at->step);
}

static const reel_hyper exponential_hypers[] = {{.name = "gamma",
                                                 .value = NAN,
                                                 .open_least = true,
                                                 UNBOUNDED,
                                                 .required = true,
                                                 .text = "factor by which the rate changes each step"}};

const reel_schedule_type exponential_schedule = {
    .size = sizeof exponential_schedule,
    .name = "exponential",
    .text = "base gamma^t",
    .source = "definition",
    .hypers = exponential_hypers,
    .hyper_count = COUNT(exponential_hypers),
    .rate = exponential_rate,
};

/* ------------------------------------------------------------------------------------------------------------ cosine */

static double cosine_rate(const reel_schedule_point *at)
{
    double least = at->values[0] + at->values[2] * at->base, t = (double)at->step / at->values[1];
    return schedule_half_wave(at->base, least, t > 1 && at->values[3] == 0 ? 1 : t);
}

static const reel_hyper cosine_hypers[] = {
    LEAST,
    STEPS("steps down to it"),
    {.name = "share", .most = 1, .text = "of the base rate, added to the rate at the end"},
    {.name = "climb", .kind = REEL_HYPER_SWITCH, .text = "go on along the wave after `steps` instead of staying"},
};

const reel_schedule_type cosine_schedule = {
    .size = sizeof cosine_schedule,
    .name = "cosine",
    .text = "least + (base - least) (1 + cos(pi t / steps)) / 2",
    .source = "Loshchilov and Hutter 2017",
    .hypers = cosine_hypers,
    .hyper_count = COUNT(cosine_hypers),
    .length = 2,
    .rate = cosine_rate,
};

/* ------------------------------------------------------------------------------------------------------------ warmup */

static double warmup_rate(const reel_schedule_point *at)
{
    double from = at->values[1];
    return at->base * (from + (1 - from) * part_done((double)at->step + 1, at->values[0]));
}

static const reel_hyper warmup_hypers[] = {
    STEPS("steps up to the base rate"),
    {.name = "start", .most = 1, .text = "factor of the base rate before the first step"},
};

const reel_schedule_type warmup_schedule = {
    .size = sizeof warmup_schedule,
    .name = "warmup",
    .text = "base (start + (1 - start) (t + 1) / steps)",
    .source = "Goyal et al. 2017",
    .hypers = warmup_hypers,
    .hyper_count = COUNT(warmup_hypers),
    .length = 1,
    .rate = warmup_rate,
};

/* ------------------------------------------------------------------------------------------------------------ linear */

static double linear_rate(const reel_schedule_point *at)
{
    double from = at->values[0], to = at->values[1];
    return at->base * (from + (to - from) * part_done((double)at->step, at->values[2]));
}

static const reel_hyper linear_hypers[] = {
    {.name = "start", .value = 1, UNBOUNDED, .text = "factor of the base rate at first"},
    {.name = "end", UNBOUNDED, .text = "factor of the base rate at the end"},
    STEPS("steps from one to the other"),
};

const reel_schedule_type linear_schedule = {
    .size = sizeof linear_schedule,
    .name = "linear",
    .text = "base (start + (end - start) t / steps)",
    .source = "definition",
    .hypers = linear_hypers,
    .hyper_count = COUNT(linear_hypers),
    .length = 3,
    .rate = linear_rate,
};

/* -------------------------------------------------------------------------------------------------------- polynomial */

static double polynomial_rate(const reel_schedule_point *at)
{
    return at->base * pow(1 - part_done((double)at->step, at->values[1]), at->values[0]);
}

static const reel_hyper polynomial_hypers[] = {
    {.name = "power", .value = 1, .open_least = true, UNBOUNDED, .text = "exponent"},
    STEPS("steps down to 0"),
};

const reel_schedule_type polynomial_schedule = {
    .size = sizeof polynomial_schedule,
    .name = "polynomial",
    .text = "base (1 - t / steps)^power",
    .source = "definition",
    .hypers = polynomial_hypers,
    .hyper_count = COUNT(polynomial_hypers),
    .length = 2,
    .rate = polynomial_rate,
};

/* ------------------------------------------------------------------------------------------------------------ lambda */

static double lambda_rate(const reel_schedule_point *at)
{
    const reel_schedule *s = at->user;
    return s->factor ? at->base * s->factor(s->user, at->step) : NAN;
}

const reel_schedule_type lambda_schedule = {
    .size = sizeof lambda_schedule,
    .name = "lambda",
    .text = "base f(t), with a function of the program",
    .source = "definition",
    .rate = lambda_rate,
};
