/* SPDX-License-Identifier: MIT
 *
 * Plans of trainings: what is drawn, and whether the cause is there by how the training turns out.
 */
#include "diagnosis/made_run.h"

#include <math.h>
#include <string.h>

#define TRIES 200
#define STEPS 120      /* of a trial */
#define RATES 13       /* 1e-5, ... 10 in half decades */
#define LEARNED 0.7    /* of the baseline: below it something was learned */
#define UNLEARNED 0.35 /* above it a small net has not learned its data */
#define PLACES(list) (int)(sizeof(list) / sizeof *(list))

static double between(reel_rng *rng, double least, double most)
{
    return least + (most - least) * reel_rng_uniform_one(rng);
}

static int one_of(reel_rng *rng, int count)
{
    return (int)between(rng, 0, count) % count;
}

static bool chance(reel_rng *rng, double share)
{
    return reel_rng_uniform_one(rng) < share;
}

static reel_value smooth_l1(const char *site, reel_value prediction, reel_value target)
{
    return reel_smooth_l1(site, prediction, target, 0.5, REEL_MEAN);
}

/* ---- drawing ---- */

static const struct {
    const char *name;
    double rate, momentum; /* a usual rate */
} optimizers[] = {{"sgd", 0.1, 0},      {"sgd", 0.1, 0.9},    {"adam", 0.01, 0},  {"adamw", 0.01, 0},
                  {"rmsprop", 0.01, 0}, {"adagrad", 0.05, 0}, {"nadam", 0.01, 0}, {"radam", 0.01, 0},
                  {"adamax", 0.01, 0},  {"lamb", 0.02, 0},    {"sgd", 0.1, 0.5},  {"rmsprop", 0.01, 0.5}};
static const char *const smooth[] = {"tanh", "gelu", "silu", "elu"};
static const char *const activations[] = {"relu", "relu",       "tanh",     "gelu",   "silu",
                                          "elu",  "leaky_relu", "softplus", "sigmoid"};

static void choose_task(made_plan *plan, made_task task, reel_rng *rng)
{
    static const int columns[MADE_TASKS] = {2, 2, 2, 3, 2, 3, 1, 6};
    plan->task = task;
    plan->columns = columns[task];
    plan->classes = task < MADE_BLOBS ? 2 : task == MADE_BLOBS ? 3 + one_of(rng, 3) : 0;
    static const reel_loss_of regressions[] = {reel_mse, reel_mse, smooth_l1, reel_l1};
    plan->loss = plan->classes > 2 ? reel_cross_entropy
                 : plan->classes   ? reel_bce_with_logits
                                   : regressions[one_of(rng, PLACES(regressions))];
}

static void choose_net(made_plan *plan, reel_rng *rng, int least, int most)
{
    plan->depth = 1 + one_of(rng, 3);
    for (int i = 0; i < MADE_DEPTH_MOST; i++) plan->widths[i] = least + one_of(rng, most - least + 1);
    plan->activation = activations[one_of(rng, PLACES(activations))];
    plan->dropout = chance(rng, 0.15) ? 0.1 : 0;
}

static void choose_optimizer(made_plan *plan, reel_rng *rng)
{
    int i = one_of(rng, PLACES(optimizers));
    plan->optimizer = optimizers[i].name;
    plan->rate = optimizers[i].rate;
    plan->momentum = optimizers[i].momentum;
    plan->clip = chance(rng, 0.2) ? between(rng, 0.5, 5) : 0;
}

/* Whatever the cause is. */
static void draw_common(made_plan *plan, reel_cause cause, reel_rng *rng)
{
    static const int batches[] = {0, 0, 16, 32, 64};
    *plan = (made_plan){.cause = cause};
    choose_task(plan, (made_task)one_of(rng, MADE_TASKS), rng);
    plan->rows = 100 + 2 * one_of(rng, 200);
    plan->noise = between(rng, 0.02, 0.12);
    plan->data_seed = (uint64_t)one_of(rng, 1000000);
    plan->init_seed = (uint64_t)one_of(rng, 1000000);
    plan->dtype = chance(rng, 0.5) ? REEL_DOUBLE : REEL_FLOAT;
    plan->batch = batches[one_of(rng, PLACES(batches))];
    plan->amount = reel_rng_uniform_one(rng);
    choose_net(plan, rng, 12, 40);
    choose_optimizer(plan, rng);
}

static int64_t steps_per_epoch(const made_plan *plan)
{
    return plan->batch > 0 && plan->batch < plan->rows ? (plan->rows + plan->batch - 1) / plan->batch : 1;
}

static int epochs_of(const made_plan *plan, double steps)
{
    return (int)ceil(steps / (double)steps_per_epoch(plan));
}

/* The same, now and then none. */
static int few_epochs(const made_plan *plan, double steps)
{
    int epochs = epochs_of(plan, steps);
    return epochs > 0 ? epochs - 1 : 0;
}

/* ---- how a training turns out ---- */

typedef struct turned_out {
    double before, after; /* loss of all rows; after: INFINITY when it is not finite */
    double baseline, validation;
} turned_out;

static turned_out try_plan(const made_plan *plan)
{
    turned_out t = {NAN, INFINITY, NAN, NAN};
    made_plan start = *plan;
    made_run run;
    start.epochs = 0;
    reel_context *context = reel_context_new(NULL);
    made_begin(&run, context, &start);
    t.baseline = reel_failed(context) ? NAN : made_baseline(plan, &run.data);
    t.before = reel_trainer_evaluate(NULL, run.trainer, &run.data);
    reel_trainer_set(NULL, run.trainer, "epochs", plan->epochs);
    if (plan->epochs > 0) reel_trainer_run(NULL, run.trainer);
    t.validation = reel_trainer_evaluate(NULL, run.trainer, &run.validation);
    double after = reel_trainer_evaluate(NULL, run.trainer, &run.data);
    if (!reel_failed(context) && isfinite(after)) t.after = after;
    reel_context_free(context);
    return t;
}

/* The same plan without anything wrong, trained from the start for so many steps at a rate. */
static turned_out try_rate(const made_plan *plan, double rate, double steps)
{
    made_plan clean = *plan;
    clean.cause = REEL_CAUSE_NOTHING;
    clean.rate = rate;
    clean.epochs = epochs_of(plan, steps);
    return try_plan(&clean);
}

typedef struct rate_scan {
    double rates[RATES], losses[RATES]; /* after STEPS */
    double before, baseline;
    int best;
} rate_scan;

/* False: no rate learns anything. */
static bool scan_rates(const made_plan *plan, rate_scan *s)
{
    s->best = -1;
    for (int i = 0; i < RATES; i++) {
        s->rates[i] = pow(10, -5 + 0.5 * i);
        turned_out t = try_rate(plan, s->rates[i], STEPS);
        s->losses[i] = t.after;
        s->before = t.before;
        s->baseline = t.baseline;
        if (isfinite(t.after) && (s->best < 0 || t.after < s->losses[s->best])) s->best = i;
    }
    return s->best > 0 && s->losses[s->best] < LEARNED * s->baseline && s->losses[s->best] < 0.8 * s->before;
}

/* A rate at which training learns nearly as much as at the best, with a margin to where it fails. */
static double good_rate(const rate_scan *s)
{
    return s->rates[s->best] / 3;
}

/* ---- causes ---- */

static bool draw_nothing(made_plan *plan, reel_rng *rng)
{
    rate_scan s;
    if (!scan_rates(plan, &s)) return false;
    plan->rate = good_rate(&s);
    double steps = between(rng, 0, 300);
    turned_out now = try_rate(plan, plan->rate, steps), later = try_rate(plan, plan->rate, steps + 150);
    plan->epochs = epochs_of(plan, steps);
    plan->validated = chance(rng, 0.5) && now.validation < 1.3 * now.after + 0.03 * now.baseline;
    return later.after < now.after * 1.02 && later.after < LEARNED * later.baseline;
}

/* Training at it fails, where it succeeds at a lower one. */
static bool draw_rate_high(made_plan *plan, reel_rng *rng)
{
    rate_scan s;
    if (!scan_rates(plan, &s) || !(s.losses[s.best] < 0.5 * s.baseline)) return false;
    double factor = between(rng, 1, 4), steps = between(rng, 0, 60);
    for (int k = 2; k < 8; k++) {
        double rate = s.rates[s.best] * pow(10, 0.5 * k);
        turned_out t = try_rate(plan, rate, STEPS);
        if (t.after < fmax(s.before, s.baseline)) continue;
        plan->rate = rate * factor;
        plan->epochs = few_epochs(plan, steps);
        return try_rate(plan, plan->rate, STEPS).after > fmax(s.before, s.baseline) &&
               try_plan(plan).after > LEARNED * s.baseline; /* it has not gone well up to here either */
    }
    return false;
}

static bool draw_rate_low(made_plan *plan, reel_rng *rng)
{
    rate_scan s;
    if (!scan_rates(plan, &s)) return false;
    plan->rate = good_rate(&s) * pow(10, -between(rng, 3, 5));
    plan->epochs = few_epochs(plan, between(rng, 0, 60));
    turned_out t = try_rate(plan, plan->rate, 50);
    return t.after > 0.99 * t.before && t.after < 1.01 * t.before && s.losses[s.best] < 0.6 * s.before;
}

static bool draw_gradient(made_plan *plan, reel_rng *rng)
{
    rate_scan s;
    plan->way = one_of(rng, 3);
    if (plan->way == 0) plan->amount = pow(10, between(rng, -1.3, 0));
    if (plan->way == 1) plan->amount = between(rng, 0.2, 0.9);
    if (plan->way == 2) plan->amount = between(rng, 0.05, 0.3);
    plan->dropout = 0;
    if (!scan_rates(plan, &s)) return false;
    plan->rate = good_rate(&s);
    plan->epochs = few_epochs(plan, between(rng, 0, 60));
    turned_out t = try_plan(plan);
    return t.after > 0.05 * t.baseline && t.after < 2 * t.baseline; /* there is something to describe */
}

/* It is not finite where the diagnosis looks. */
static bool draw_not_finite(made_plan *plan, reel_rng *rng)
{
    made_run run;
    plan->way = one_of(rng, 4);
    reel_context *context = reel_context_new(NULL);
    made_begin(&run, context, plan);
    double loss = reel_trainer_evaluate(NULL, run.trainer, &run.data), slope = NAN;
    if (isfinite(loss)) { /* then perhaps its gradient */
        int64_t size = reel_params_size(run.params);
        reel_array *g = reel_array_new(NULL, context, REEL_DOUBLE, 1, &size);
        if (reel_trainer_gradient(NULL, run.trainer, REEL_ROWS_ALL, g, NULL) == REEL_OK)
            for (int64_t i = 0; i < size; i++) slope = (i ? slope : 0) + reel_array_get(g, i);
    }
    reel_context_free(context);
    return !isfinite(loss) || !isfinite(slope);
}

static bool draw_input(made_plan *plan, reel_rng *rng)
{
    enum { NOT_FINITE, CONSTANT, SCALED, TARGET, CONTRADICTION, WAYS };
    plan->way = one_of(rng, WAYS);
    if ((plan->way == CONSTANT || plan->way == SCALED) && plan->columns < 2) return false;
    return plan->way == TARGET ? plan->classes < 3 : plan->way != CONTRADICTION || plan->classes > 0;
}

static bool draw_dead(made_plan *plan, reel_rng *rng)
{
    rate_scan s;
    plan->way = one_of(rng, 2);
    plan->activation = "relu";
    plan->dropout = 0;
    if (plan->way == 1 && plan->depth < 2) return false;
    if (!scan_rates(plan, &s)) return false;
    plan->rate = good_rate(&s);
    plan->epochs = few_epochs(plan, between(rng, 0, 10));
    return true;
}

static bool draw_plateau(made_plan *plan, reel_rng *rng)
{
    plan->way = one_of(rng, 4);
    plan->dropout = 0;
    if (plan->way == 1) { /* with as many of each class nothing moves the bias */
        if (plan->classes != 2 || plan->task == MADE_PARITY) return false;
        plan->activation = smooth[one_of(rng, PLACES(smooth))];
        plan->batch = 0;
        return true;
    }
    return plan->way == 3 ? plan->classes == 0 : plan->classes == 2;
}

static bool draw_overfitting(made_plan *plan, reel_rng *rng)
{
    static const char *const kinds[] = {"adam", "nadam", "rmsprop", "adamax"};
    plan->rows = 20 + 2 * one_of(rng, 20);
    plan->wrong = between(rng, 0.2, 0.3);
    plan->optimizer = kinds[one_of(rng, PLACES(kinds))];
    plan->rate = 0.01;
    plan->momentum = plan->dropout = 0;
    for (int i = 0; i < MADE_DEPTH_MOST; i++) plan->widths[i] = 32 + one_of(rng, 33);
    if (plan->depth < 2) plan->depth = 2;
    plan->epochs = epochs_of(plan, 1500);
    plan->validated = true;
    turned_out t = try_plan(plan);
    return t.after < 0.5 * t.baseline && t.validation > 2 * t.after + 0.3 * t.baseline;
}

/* Nothing that it is trained with gets below a third of the baseline. */
static bool draw_too_small(made_plan *plan, reel_rng *rng)
{
    static const made_task tasks[] = {MADE_CIRCLES, MADE_SPIRALS, MADE_PARITY, MADE_WAVES, MADE_CURVE, MADE_BLOBS};
    choose_task(plan, tasks[one_of(rng, PLACES(tasks))], rng);
    plan->depth = one_of(rng, 2);
    plan->widths[0] = 1 + one_of(rng, 2);
    plan->dropout = 0;
    plan->epochs = epochs_of(plan, between(rng, 100, 300));
    const double rates[] = {0.1, 0.03, 0.01};
    for (int i = 0; i < PLACES(rates); i++) {
        made_plan best = *plan;
        best.cause = REEL_CAUSE_NOTHING;
        best.optimizer = "adam";
        best.rate = rates[i];
        best.momentum = best.clip = 0;
        best.batch = 0;
        best.epochs = 1500;
        turned_out t = try_plan(&best);
        if (!(t.after > UNLEARNED * t.baseline)) return false;
    }
    return true;
}

bool made_draw(made_plan *plan, reel_cause cause, uint64_t seed)
{
    reel_context *context = reel_context_new(NULL);
    reel_rng *rng = reel_rng_philox_new(NULL, context, seed, reel_cause_name(cause));
    bool found = false;
    for (int i = 0; rng && i < TRIES && !found; i++) {
        draw_common(plan, cause, rng);
        switch (cause) {
        case REEL_CAUSE_NOTHING: found = draw_nothing(plan, rng); break;
        case REEL_CAUSE_NOT_FINITE: found = draw_not_finite(plan, rng); break;
        case REEL_CAUSE_GRADIENT: found = draw_gradient(plan, rng); break;
        case REEL_CAUSE_INPUT: found = draw_input(plan, rng); break;
        case REEL_CAUSE_RATE_HIGH: found = draw_rate_high(plan, rng); break;
        case REEL_CAUSE_RATE_LOW: found = draw_rate_low(plan, rng); break;
        case REEL_CAUSE_PLATEAU: found = draw_plateau(plan, rng); break;
        case REEL_CAUSE_DEAD_UNITS: found = draw_dead(plan, rng); break;
        case REEL_CAUSE_OVERFITTING: found = draw_overfitting(plan, rng); break;
        case REEL_CAUSE_TOO_SMALL: found = draw_too_small(plan, rng); break;
        }
    }
    reel_context_free(context);
    return found;
}
