/* SPDX-License-Identifier: MIT
 *
 * The built-in schedules that go up and down, and the one that watches a metric.
 */
#include "optim/schedule.h"

#include <math.h>

static const char *const anneals[] = {"cos", "linear", NULL};

/* From `from` at 0 to `to` at 1. */
static double anneal(double from, double to, double at, bool linear)
{
    return linear ? from + (to - from) * at : schedule_half_wave(from, to, at);
}

/* ---------------------------------------------------------------------------------------------------------- restarts */

static double restarts_rate(const reel_schedule_point *at)
{
    double t = (double)at->step, period = at->values[0], factor = at->values[1];
    if (factor == 1) t = fmod(t, period);
    for (; t >= period; period *= factor) t -= period;
    return schedule_half_wave(at->base, at->values[2], t / period);
}

static const reel_hyper restarts_hypers[] = {
    {.name = "first", .value = NAN, .least = 1, UNBOUNDED, .kind = REEL_HYPER_STEPS, .text = "steps of the first wave"},
    {.name = "multiplier",
     .value = 1,
     .least = 1,
     UNBOUNDED,
     .kind = REEL_HYPER_WHOLE,
     .text = "how much longer each wave is than the one before"},
    LEAST,
};

const reel_schedule_type restarts_schedule = {
    .size = sizeof restarts_schedule,
    .name = "restarts",
    .text =
        "least + (base - least) (1 + cos(pi s / T)) / 2, s steps into a wave of T; T = first, first multiplier, ...",
    .source = "Loshchilov and Hutter 2017",
    .hypers = restarts_hypers,
    .hyper_count = COUNT(restarts_hypers),
    .rate = restarts_rate,
};

/* ---------------------------------------------------------------------------------------------------------- onecycle */

enum { MOST, STEPS_, RISE, ANNEAL, CYCLE_MOMENTUM, BASE_MOMENTUM, MAX_MOMENTUM, DIV, FINAL_DIV, THREE_PHASE };

/* Where step t stands: the phase and how much of it is done. Phases end at rise T - 1 (and 2 rise T - 2) and T - 1. */
static int onecycle_phase(const reel_schedule_point *at, double *done)
{
    const double *h = at->values;
    bool three = h[THREE_PHASE] != 0;
    double ends[] = {h[RISE] * h[STEPS_] - 1, three ? 2 * h[RISE] * h[STEPS_] - 2 : h[STEPS_] - 1, h[STEPS_] - 1};
    double t = fmin((double)at->step, h[STEPS_] - 1), start = 0;
    int last = three ? 2 : 1, phase = 0;
    while (phase < last && t > ends[phase]) start = ends[phase++];
    double length = ends[phase] - start;
    *done = length > 0 ? (t - start) / length : 1;
    return phase;
}

static double onecycle_rate(const reel_schedule_point *at)
{
    const double *h = at->values;
    double most = isnan(h[MOST]) ? at->base : h[MOST], first = most / h[DIV], last = first / h[FINAL_DIV], done;
    int phase = onecycle_phase(at, &done);
    bool linear = h[ANNEAL] != 0;
    if (phase == 0) return anneal(first, most, done, linear);
    if (h[THREE_PHASE] == 0) return anneal(most, last, done, linear);
    return phase == 1 ? anneal(most, first, done, linear) : anneal(first, last, done, linear);
}

static double onecycle_momentum(const reel_schedule_point *at)
{
    const double *h = at->values;
    double low = h[BASE_MOMENTUM], high = h[MAX_MOMENTUM], done;
    int phase = onecycle_phase(at, &done);
    if (phase == 2) return high;
    return anneal(phase ? low : high, phase ? high : low, done, h[ANNEAL] != 0);
}

static bool onecycle_cycles(const reel_schedule_point *at)
{
    return at->values[CYCLE_MOMENTUM] != 0;
}

static const char *onecycle_check(const double *h, int count)
{
    (void)count;
    if (h[RISE] * h[STEPS_] < 1) return "onecycle: the rise takes less than one step";
    if (h[THREE_PHASE] != 0 && 2 * h[RISE] > 1) return "onecycle: three phases need a rise of at most 0.5";
    return NULL;
}

static const reel_hyper onecycle_hypers[] = {
    {.name = "most", .value = NAN, UNBOUNDED, .text = "the highest rate; not given: the base rate"},
    STEPS("steps of the whole cycle"),
    {.name = "rise", .value = 0.3, .open_least = true, .most = 1, .open_most = true, .text = "share of the steps up"},
    {.name = "anneal", .kind = REEL_HYPER_CHOICE, .choices = anneals, .text = "shape of a phase"},
    {.name = "cycle_momentum", .value = 1, .kind = REEL_HYPER_SWITCH, .text = "move the momentum the other way"},
    {.name = "base_momentum", .value = 0.85, .most = 1, .text = "momentum at the highest rate"},
    {.name = "max_momentum", .value = 0.95, .most = 1, .text = "momentum at the lowest rate"},
    {.name = "div", .value = 25, .open_least = true, UNBOUNDED, .text = "highest over first rate"},
    {.name = "final_div", .value = 1e4, .open_least = true, UNBOUNDED, .text = "first over last rate"},
    {.name = "three_phase", .kind = REEL_HYPER_SWITCH, .text = "down as slowly as up, then to the last rate"},
};

const reel_schedule_type onecycle_schedule = {
    .size = sizeof onecycle_schedule,
    .name = "onecycle",
    .text = "from most / div up to most in rise steps, down to most / div / final_div",
    .source = "Smith and Topin 2018",
    .hypers = onecycle_hypers,
    .hyper_count = COUNT(onecycle_hypers),
    .length = 1 + STEPS_,
    .rate = onecycle_rate,
    .momentum = onecycle_momentum,
    .cycles_momentum = onecycle_cycles,
    .check = onecycle_check,
};

/* ------------------------------------------------------------------------------------------------------------ cyclic */

enum { C_MOST, C_UP, C_DOWN, C_MODE, C_GAMMA, C_LEAST, C_CYCLE, C_BASE, C_MAX };

/* Height of the wave at this step, 0 to 1, scaled by cycle or step as the mode says. */
static double cyclic_height(const reel_schedule_point *at)
{
    const double *h = at->values;
    double t = (double)at->step, down = isnan(h[C_DOWN]) ? h[C_UP] : h[C_DOWN], total = h[C_UP] + down;
    double cycle = floor(t / total), into = t - cycle * total;
    double height = into <= h[C_UP] ? into / h[C_UP] : (total - into) / down;
    if (h[C_MODE] == 1) return height * pow(0.5, cycle);
    return h[C_MODE] == 2 ? height * pow(h[C_GAMMA], t) : height;
}

static double cyclic_rate(const reel_schedule_point *at)
{
    double least = isnan(at->values[C_LEAST]) ? at->base : at->values[C_LEAST];
    return least + (at->values[C_MOST] - least) * cyclic_height(at);
}

static double cyclic_momentum(const reel_schedule_point *at)
{
    return at->values[C_MAX] - (at->values[C_MAX] - at->values[C_BASE]) * cyclic_height(at);
}

static bool cyclic_cycles(const reel_schedule_point *at)
{
    return at->values[C_CYCLE] != 0;
}

static const char *const cyclic_modes[] = {"triangular", "triangular2", "exp_range", NULL};
static const reel_hyper cyclic_hypers[] = {
    {.name = "most", .value = NAN, UNBOUNDED, .required = true, .text = "the highest rate"},
    {.name = "up", .value = 2000, .least = 1, UNBOUNDED, .kind = REEL_HYPER_WHOLE, .text = "steps up"},
    {.name = "down",
     .value = NAN,
     .least = 1,
     UNBOUNDED,
     .kind = REEL_HYPER_WHOLE,
     .text = "steps down; not given: as many as up"},
    {.name = "mode",
     .kind = REEL_HYPER_CHOICE,
     .choices = cyclic_modes,
     .text = "height of the waves: constant, halved each cycle, times gamma each step"},
    {.name = "gamma", .value = 1, .open_least = true, UNBOUNDED, .text = "factor of exp_range"},
    {.name = "least", .value = NAN, UNBOUNDED, .text = "the lowest rate; not given: the base rate"},
    {.name = "cycle_momentum", .value = 1, .kind = REEL_HYPER_SWITCH, .text = "move the momentum the other way"},
    {.name = "base_momentum", .value = 0.8, .most = 1, .text = "momentum at the highest rate"},
    {.name = "max_momentum", .value = 0.9, .most = 1, .text = "momentum at the lowest rate"},
};

const reel_schedule_type cyclic_schedule = {
    .size = sizeof cyclic_schedule,
    .name = "cyclic",
    .text = "from least up to most in `up` steps, down again in `down`, and so on",
    .source = "Smith 2017",
    .hypers = cyclic_hypers,
    .hyper_count = COUNT(cyclic_hypers),
    .rate = cyclic_rate,
    .momentum = cyclic_momentum,
    .cycles_momentum = cyclic_cycles,
};

/* --------------------------------------------------------------------------------------------------------------- swa */

static double swa_rate(const reel_schedule_point *at)
{
    double t = (double)at->step, done = t < at->values[1] ? t / at->values[1] : 1;
    return anneal(at->base, at->values[0], done, at->values[2] != 0);
}

static const reel_hyper swa_hypers[] = {
    {.name = "rate", .value = NAN, UNBOUNDED, .required = true, .text = "rate while weights are averaged"},
    {.name = "steps", .value = 10, .least = 1, UNBOUNDED, .kind = REEL_HYPER_WHOLE, .text = "steps to reach it"},
    {.name = "anneal", .kind = REEL_HYPER_CHOICE, .choices = anneals, .text = "shape of the way there"},
};

const reel_schedule_type swa_schedule = {
    .size = sizeof swa_schedule,
    .name = "swa",
    .text = "from base to `rate`, then constant, for averaging weights",
    .source = "Izmailov et al. 2018",
    .hypers = swa_hypers,
    .hyper_count = COUNT(swa_hypers),
    .rate = swa_rate,
};

/* ----------------------------------------------------------------------------------------------------------- plateau */

enum { P_FACTOR, P_PATIENCE, P_LEAST, P_MODE, P_THRESHOLD, P_THRESHOLD_MODE, P_COOLDOWN, P_EPS };
enum { S_BEST, S_BAD, S_COOLING, S_REDUCTIONS };

static void plateau_start(const double *h, double *state)
{
    state[S_BEST] = h[P_MODE] == 1 ? -INFINITY : INFINITY; /* NaN, not given, is min */
    state[S_BAD] = state[S_COOLING] = state[S_REDUCTIONS] = 0;
}

static bool plateau_better(const double *h, double metric, double best)
{
    bool max = h[P_MODE] == 1, absolute = h[P_THRESHOLD_MODE] == 1;
    double threshold = h[P_THRESHOLD];
    if (max) return metric > (absolute ? best + threshold : best * (1 + threshold));
    return metric < (absolute ? best - threshold : best * (1 - threshold));
}

static void plateau_observe(const double *h, double *state, double metric)
{
    if (plateau_better(h, metric, state[S_BEST]))
        state[S_BEST] = metric, state[S_BAD] = 0;
    else
        state[S_BAD]++;
    if (state[S_COOLING] > 0) state[S_COOLING]--, state[S_BAD] = 0;
    if (state[S_BAD] <= h[P_PATIENCE]) return;
    state[S_REDUCTIONS]++;
    state[S_COOLING] = h[P_COOLDOWN];
    state[S_BAD] = 0;
}

static double plateau_rate(const reel_schedule_point *at)
{
    const double *h = at->values;
    double rate = at->base;
    for (double i = 0; i < at->state[S_REDUCTIONS]; i++) {
        double next = fmax(rate * h[P_FACTOR], h[P_LEAST]);
        if (!(rate - next > h[P_EPS])) break; /* nor would a further reduction do anything */
        rate = next;
    }
    return rate;
}

static const char *const plateau_modes[] = {"min", "max", NULL}, *const threshold_modes[] = {"rel", "abs", NULL};
static const reel_hyper plateau_hypers[] = {
    {.name = "factor",
     .value = 0.1,
     .open_least = true,
     .most = 1,
     .open_most = true,
     .text = "by which the rate is reduced"},
    {.name = "patience",
     .value = 10,
     UNBOUNDED,
     .kind = REEL_HYPER_WHOLE,
     .text = "observations without improvement that are let pass"},
    {.name = "least", UNBOUNDED, .text = "the lowest rate"},
    {.name = "mode", .kind = REEL_HYPER_CHOICE, .choices = plateau_modes, .text = "is a small or a large metric good"},
    {.name = "threshold", .value = 1e-4, UNBOUNDED, .text = "what counts as improvement"},
    {.name = "threshold_mode",
     .kind = REEL_HYPER_CHOICE,
     .choices = threshold_modes,
     .text = "share of the best or not"},
    {.name = "cooldown",
     UNBOUNDED,
     .kind = REEL_HYPER_WHOLE,
     .text = "observations after a reduction that do not count"},
    {.name = "eps", .value = 1e-8, UNBOUNDED, .text = "a smaller change of the rate is left out"},
};

const reel_schedule_type plateau_schedule = {
    .size = sizeof plateau_schedule,
    .name = "plateau",
    .text = "base factor^k, k the number of times the metric has not improved for more than `patience` observations",
    .source = "definition, as in PyTorch",
    .hypers = plateau_hypers,
    .hyper_count = COUNT(plateau_hypers),
    .state_names = (const char *const[]){"best", "bad", "cooling", "reductions"},
    .state_count = 4,
    .rate = plateau_rate,
    .start = plateau_start,
    .observe = plateau_observe,
};
