/* SPDX-License-Identifier: MIT
 *
 * Families of optimisation in reference files: building the Reel object that a case describes, running it, comparing.
 */
#include "optim_cases.h"

#include "tensors.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COORDINATES 16 /* most of a trajectory's point */

/* One case that runs. */
typedef struct trial {
    reel_context *context;
    const cJSON *test, *params, *inputs, *expected;
    outcome o;
} trial;

/* ---------------------------------------------------------------------------------------------------- reading the file */

static double number_or(const cJSON *object, const char *name, double otherwise)
{
    const cJSON *item = member(object, name);
    return item ? number_of(item) : otherwise;
}

static double element(const cJSON *tensor, int index)
{
    return number_of(cJSON_GetArrayItem(member(tensor, "data"), index));
}

static int size_of(const cJSON *tensor)
{
    return cJSON_GetArraySize(member(tensor, "data"));
}

/* Is `found` as close to `expected` as allowed? NaN matches NaN, infinities themselves. */
static void compare(trial *t, double found, double expected, double tolerance, const char *what, int step, int index)
{
    if (isnan(found) && isnan(expected)) return;
    if (found == expected) return;
    double difference = fabs(found - expected);
    if (!(difference <= t->o.deviation)) t->o.deviation = isnan(difference) ? INFINITY : difference;
    if (!(difference <= tolerance))
        decide(&t->o, CASE_FAILED, "%s[%d][%d]: found %.17g, expected %.17g within %.3g", what, step, index, found,
               expected, tolerance);
}

static void check_context(trial *t)
{
    if (reel_failed(t->context)) decide(&t->o, CASE_FAILED, "%s", reel_error_text(t->context));
}

static void write_at(reel_array *array, int64_t index, double value)
{
    if (array->dtype == REEL_DOUBLE)
        ((double *)array->data)[index] = value;
    else
        ((float *)array->data)[index] = (float)value;
}

/* A store with one parameter, or one for each group, filled from x0. */
static reel_params *point_new(trial *t, const cJSON *x0, const cJSON *groups)
{
    reel_params *params = reel_params_new(NULL, t->context, case_dtype(t->test));
    int count = groups ? cJSON_GetArraySize(groups) : 1;
    for (int i = 0; i < count; i++) {
        int64_t size = groups ? (int64_t)number_of(member(cJSON_GetArrayItem(groups, i), "size")) : size_of(x0);
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        reel_params_add(NULL, params, name, 1, &size);
    }
    if (reel_params_size(params) != size_of(x0) || size_of(x0) > COORDINATES) {
        decide(&t->o, CASE_NOT_COVERED, "found %d coordinates, expected at most %d", size_of(x0), COORDINATES);
        return NULL;
    }
    reel_array flat = reel_params_flat(params);
    for (int i = 0; i < flat.size; i++) write_at(&flat, i, element(x0, i));
    return params;
}

/* -------------------------------------------------------------------------------------------------------- objectives */

/* Gradient into g (n), value returned; computed in the type of x throughout. */
#define OBJECTIVES(real, suffix)                                                                                       \
    static double quadratic_##suffix(const cJSON *inputs, int n, const real *x, real *g)                               \
    {                                                                                                                  \
        const cJSON *a = member(member(inputs, "A"), "data"), *b = member(inputs, "b");                                \
        real value = 0;                                                                                                \
        for (int i = 0; i < n; i++) {                                                                                  \
            real sum = 0;                                                                                              \
            for (int j = 0; j < n; j++) sum += (real)number_of(cJSON_GetArrayItem(a, i * n + j)) * x[j];               \
            real bi = (real)element(b, i);                                                                             \
            g[i] = sum - bi;                                                                                           \
            value += x[i] * sum / 2 - bi * x[i];                                                                       \
        }                                                                                                              \
        return (double)value;                                                                                          \
    }                                                                                                                  \
    static double rosenbrock_##suffix(const real *x, real *g)                                                          \
    {                                                                                                                  \
        real away = 1 - x[0], off = x[1] - x[0] * x[0];                                                                \
        g[0] = -2 * away - 400 * x[0] * off;                                                                           \
        g[1] = 200 * off;                                                                                              \
        return (double)(away * away + 100 * off * off);                                                                \
    }                                                                                                                  \
    static double objective_##suffix(const trial *t, int n, const real *x, real *g)                                    \
    {                                                                                                                  \
        bool bowl = strcmp(member_text(t->params, "objective"), "quadratic") == 0;                                     \
        double value = bowl ? quadratic_##suffix(t->inputs, n, x, g) : rosenbrock_##suffix(x, g);                      \
        if (!cJSON_IsTrue(member(t->params, "negated"))) return value;                                                 \
        for (int i = 0; i < n; i++) g[i] = -g[i];                                                                      \
        return -value;                                                                                                 \
    }
OBJECTIVES(float, float)
OBJECTIVES(double, double)

/* -------------------------------------------------------------------------------------------------------- optimizers */

/* Sets what a case's params or a group say; the names are PyTorch's, which Reel shares. */
static void set_hypers(trial *t, reel_optimizer *o, int group, const cJSON *object)
{
    static const char *const others[] = {"op",       "objective", "negated",    "steps",  "clip",
                                         "max_norm", "norm_type", "clip_value", "groups", "size"};
    for (const cJSON *item = object->child; item; item = item->next) {
        bool other = false;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) other |= strcmp(item->string, others[i]) == 0;
        if (other) continue;
        if (strcmp(item->string, "betas") == 0) {
            reel_optimizer_group_set(NULL, o, group, "beta1", number_of(cJSON_GetArrayItem(item, 0)));
            reel_optimizer_group_set(NULL, o, group, "beta2", number_of(cJSON_GetArrayItem(item, 1)));
        } else {
            reel_optimizer_group_set(NULL, o, group, item->string, number_of(item));
        }
    }
    if (reel_error_status(t->context) == REEL_NOT_FOUND)
        decide(&t->o, CASE_NOT_COVERED, "%s", reel_error_text(t->context));
}

static reel_optimizer *optimizer_of(trial *t, reel_params *params)
{
    const char *op = member_text(t->test, "op");
    bool quirk = strcmp(op, "nadam") == 0; /* what PyTorch 1.13 computes */
    const reel_optimizer_type *type = reel_optimizer_find(strcmp(op, "nadam_documented") == 0 ? "nadam" : op);
    if (!type) {
        decide(&t->o, CASE_NOT_COVERED, "no optimizer \"%s\"", op);
        return NULL;
    }
    reel_optimizer *o = reel_optimizer_new(NULL, params, type);
    if (quirk) reel_optimizer_set(NULL, o, "torch_1_13", 1);
    if (o) set_hypers(t, o, 0, t->params);
    const cJSON *groups = member(t->params, "groups");
    for (int i = 0; groups && i < cJSON_GetArraySize(groups); i++) {
        int group = i == 0 ? 0 : reel_optimizer_group(NULL, o, 1, &i);
        if (group == i) set_hypers(t, o, group, cJSON_GetArrayItem(groups, i));
    }
    const char *clip = member_text(t->params, "clip");
    if (strcmp(clip, "norm") == 0) {
        reel_optimizer_set(NULL, o, "clip_norm", number_or(t->params, "max_norm", NAN));
        reel_optimizer_set(NULL, o, "clip_norm_type", number_or(t->params, "norm_type", 2));
    } else if (strcmp(clip, "value") == 0) {
        reel_optimizer_set(NULL, o, "clip_value", number_or(t->params, "clip_value", NAN));
    }
    check_context(t);
    return o;
}

/* Value and gradient at the present point; the gradient goes into the store. Returns sum |g|. */
static double evaluate(trial *t, reel_params *params, double *value)
{
    reel_array flat = reel_params_flat(params), gradient;
    int64_t n = flat.size;
    double steep = 0, as_double[COORDINATES];
    float as_float[COORDINATES];
    if (flat.dtype == REEL_DOUBLE) {
        *value = objective_double(t, (int)n, flat.data, as_double);
        gradient = reel_array_view(REEL_DOUBLE, as_double, 1, &n);
    } else {
        *value = objective_float(t, (int)n, flat.data, as_float);
        gradient = reel_array_view(REEL_FLOAT, as_float, 1, &n);
    }
    reel_params_set_gradient(NULL, params, &gradient);
    for (int64_t i = 0; i < n; i++) steep += fabs(reel_array_get(&gradient, i));
    return steep;
}

static void run_optimizer(trial *t)
{
    const char *objective = member_text(t->params, "objective");
    if (strcmp(objective, "quadratic") != 0 && strcmp(objective, "rosenbrock") != 0) {
        decide(&t->o, CASE_NOT_COVERED, "no objective \"%s\"", objective);
        return;
    }
    reel_params *params = point_new(t, member(t->inputs, "x0"), member(t->params, "groups"));
    reel_optimizer *o = params ? optimizer_of(t, params) : NULL;
    if (!o) return;
    bool single = case_dtype(t->test) == REEL_FLOAT;
    double tolerance = 20 * number_of(member(t->expected, "roundoff_spread")) + (single ? 1e-6 : 1e-13);
    double unit = single ? FLT_EPSILON : DBL_EPSILON;
    const cJSON *point = member(t->expected, "params")->child, *loss = member(t->expected, "loss")->child;
    const cJSON *norm = member(t->expected, "total_norm_before_clipping");
    norm = norm ? norm->child : NULL;
    for (int step = 0; point && t->o.verdict == CASE_PASSED; step++, point = point->next) {
        double value, steep = evaluate(t, params, &value);
        reel_array flat = reel_params_flat(params);
        for (int i = 0; i < flat.size; i++)
            compare(t, reel_array_get(&flat, i), number_of(cJSON_GetArrayItem(point, i)), tolerance, "params", step, i);
        /* To first order the loss moves by at most steep times the move of the point. */
        double kept = t->o.deviation;
        compare(t, value, number_of(loss), tolerance * (1 + steep) + 100 * unit * (1 + fabs(value)), "loss", step, 0);
        t->o.deviation = kept;
        loss = loss ? loss->next : NULL;
        if (!point->next) break;
        reel_optimizer_step(NULL, o);
        check_context(t);
        if (!norm) continue;
        compare(t, reel_optimizer_gradient_norm(o), number_of(norm), tolerance * (1 + steep), "total_norm", step, 0);
        norm = norm->next;
    }
    if (reel_optimizer_steps(o) != (int64_t)number_of(member(t->params, "steps")))
        decide(&t->o, CASE_FAILED, "%lld steps were made", (long long)reel_optimizer_steps(o));
}

/* ---------------------------------------------------------------------------------------------------------- clipping */

static void run_clip(trial *t)
{
    reel_params *params = reel_params_new(NULL, t->context, case_dtype(t->test));
    for (const cJSON *g = t->inputs->child; g; g = g->next) {
        int64_t size = size_of(g);
        reel_params_add(NULL, params, g->string, 1, &size);
    }
    int64_t total_size = reel_params_size(params);
    reel_array *flat = reel_array_new(NULL, t->context, case_dtype(t->test), 1, &total_size);
    if (!flat) return;
    int64_t at = 0;
    for (const cJSON *g = t->inputs->child; g; g = g->next)
        for (int i = 0; i < size_of(g); i++) write_at(flat, at++, element(g, i));
    reel_params_set_gradient(NULL, params, flat);
    const char *op = member_text(t->test, "op");
    bool single = case_dtype(t->test) == REEL_FLOAT;
    double relative = single ? 1e-6 : 1e-12, absolute = single ? 1e-7 : 1e-14;
    if (strcmp(op, "clip_grad_norm") == 0) {
        double total, expected = number_of(member(t->expected, "total_norm"));
        reel_clip_norm(NULL, params, number_of(member(t->params, "max_norm")), number_or(t->params, "norm_type", 2),
                       REEL_NONFINITE_PASS, &total);
        compare(t, total, expected, relative * fabs(expected) + absolute, "total_norm", 0, 0);
    } else if (strcmp(op, "clip_grad_value") == 0) {
        reel_clip_value(NULL, params, number_of(member(t->params, "clip_value")));
    } else {
        decide(&t->o, CASE_NOT_COVERED, "no clipping \"%s\"", op);
    }
    check_context(t);
    int index = 0;
    for (const cJSON *g = t->inputs->child; g; g = g->next, index++) {
        reel_array view = reel_params_gradient(params, index);
        for (int i = 0; i < view.size; i++) {
            double expected = element(member(t->expected, g->string), i);
            compare(t, reel_array_get(&view, i), expected, relative * fabs(expected) + absolute, g->string, 0, i);
        }
    }
}

/* --------------------------------------------------------------------------------------------------------- schedules */

/* From PyTorch's schedulers and their arguments to Reel's schedules and their hyper-parameters. `otherwise` is PyTorch's
 * default where it is not Reel's; a row without an argument is always set. */
typedef struct translation {
    const char *op, *argument, *hyper;
    double otherwise;
} translation;

static const translation translations[] = {
    {"step", "step_size", "every", NAN},
    {"step", "gamma", "gamma", NAN},
    {"multistep", "gamma", "gamma", NAN},
    {"multistep", "milestones", "milestone", NAN},
    {"exponential", "gamma", "gamma", NAN},
    {"multiplicative", "factor", "gamma", NAN},
    {"cosine", "T_max", "steps", NAN},
    {"cosine", "eta_min", "least", NAN},
    {"cosine", NULL, "climb", 1},
    {"cosine_restarts", "T_0", "first", NAN},
    {"cosine_restarts", "T_mult", "multiplier", NAN},
    {"cosine_restarts", "eta_min", "least", NAN},
    {"linear", "start_factor", "start", 1. / 3},
    {"linear", "end_factor", "end", 1},
    {"linear", "total_iters", "steps", 5},
    {"constant", "factor", "factor", 1. / 3},
    {"constant", "total_iters", "steps", 5},
    {"polynomial", "total_iters", "steps", 5},
    {"polynomial", "power", "power", NAN},
    {"onecycle", "max_lr", "most", NAN},
    {"onecycle", "total_steps", "steps", NAN},
    {"onecycle", "pct_start", "rise", NAN},
    {"onecycle", "anneal_strategy", "anneal", NAN},
    {"onecycle", "cycle_momentum", "cycle_momentum", NAN},
    {"onecycle", "base_momentum", "base_momentum", NAN},
    {"onecycle", "max_momentum", "max_momentum", NAN},
    {"onecycle", "div_factor", "div", NAN},
    {"onecycle", "final_div_factor", "final_div", NAN},
    {"onecycle", "three_phase", "three_phase", NAN},
    {"cyclic", "base_lr", "least", NAN},
    {"cyclic", "max_lr", "most", NAN},
    {"cyclic", "step_size_up", "up", 2000},
    {"cyclic", "step_size_down", "down", NAN},
    {"cyclic", "mode", "mode", NAN},
    {"cyclic", "gamma", "gamma", NAN},
    {"cyclic", "cycle_momentum", "cycle_momentum", NAN},
    {"cyclic", "base_momentum", "base_momentum", NAN},
    {"cyclic", "max_momentum", "max_momentum", NAN},
    {"plateau", "mode", "mode", NAN},
    {"plateau", "factor", "factor", NAN},
    {"plateau", "patience", "patience", NAN},
    {"plateau", "threshold", "threshold", NAN},
    {"plateau", "threshold_mode", "threshold_mode", NAN},
    {"plateau", "cooldown", "cooldown", NAN},
    {"plateau", "min_lr", "least", NAN},
    {"plateau", "eps", "eps", NAN},
    {"swalr", "swa_lr", "rate", NAN},
    {"swalr", "anneal_epochs", "steps", NAN},
    {"swalr", "anneal_strategy", "anneal", NAN},
};

static const char *kind_of(const char *op)
{
    if (strcmp(op, "multiplicative") == 0) return "exponential"; /* with a constant factor they are the same */
    if (strcmp(op, "cosine_restarts") == 0) return "restarts";
    if (strcmp(op, "swalr") == 0) return "swa";
    return op;
}

/* An argument as a number: of its group when it is a list, a word by its place among the choices. */
static double argument_value(trial *t, const reel_hyper *h, const cJSON *item, int group)
{
    if (cJSON_IsArray(item) && !h->repeats) item = cJSON_GetArrayItem(item, group);
    double value = NAN;
    const char *word = cJSON_GetStringValue(item);
    if (!word || h->kind != REEL_HYPER_CHOICE) return number_of(item);
    if (reel_hyper_read(NULL, t->context, "argument", h, word, strlen(word), &value) != REEL_OK)
        decide(&t->o, CASE_NOT_COVERED, "%s", reel_error_text(t->context));
    return value;
}

static reel_schedule *plain_schedule(trial *t, const char *op, const cJSON *object, int group)
{
    const reel_schedule_type *type = reel_schedule_find(kind_of(op));
    if (!type) {
        decide(&t->o, CASE_NOT_COVERED, "no schedule \"%s\"", op);
        return NULL;
    }
    double values[64];
    int count = type->hyper_count;
    for (int i = 0; i < 64; i++) values[i] = NAN;
    for (size_t i = 0; i < sizeof translations / sizeof *translations; i++) {
        const translation *row = &translations[i];
        if (strcmp(row->op, op) != 0) continue;
        int at = reel_hyper_find(type->hypers, type->hyper_count, row->hyper);
        if (at < 0) {
            decide(&t->o, CASE_FAILED, "%s has no %s", type->name, row->hyper);
            return NULL;
        }
        const cJSON *item = row->argument ? member(object, row->argument) : NULL;
        if (!item) {
            values[at] = row->otherwise;
        } else if (type->hypers[at].repeats) {
            count = at + cJSON_GetArraySize(item);
            for (int k = at; k < count && k < 64; k++) values[k] = number_of(cJSON_GetArrayItem(item, k - at));
        } else {
            values[at] = argument_value(t, &type->hypers[at], item, group);
        }
    }
    if (strcmp(op, "onecycle") == 0 && !member(object, "total_steps")) {
        int at = reel_hyper_find(type->hypers, type->hyper_count, "steps");
        values[at] = number_of(member(object, "epochs")) * number_of(member(object, "steps_per_epoch"));
    }
    return reel_schedule_new(NULL, t->context, type, count, values, NULL);
}

/* factor(t) = (t + 1) / warmup below warmup, else down a cosine from 1 to min_ratio at total. */
static double warmup_cosine(void *user, int64_t step)
{
    const cJSON *params = user;
    double t = (double)step, warmup = number_of(member(params, "warmup")), total = number_of(member(params, "total"));
    double least = number_of(member(params, "min_ratio"));
    if (t < warmup) return (t + 1) / warmup;
    return least + (1 - least) * (1 + cos(3.14159265358979323846 * fmin(1, (t - warmup) / (total - warmup)))) / 2;
}

static reel_schedule *schedule_of(trial *t, int group)
{
    const char *op = member_text(t->test, "op");
    if (strcmp(op, "lambda_warmup_cosine") == 0)
        return reel_schedule_lambda_new(NULL, t->context, warmup_cosine, (void *)(uintptr_t)t->params);
    bool sequence = strcmp(op, "sequential") == 0;
    if (!sequence && strcmp(op, "chained") != 0) return plain_schedule(t, op, t->params, group);
    reel_schedule *members[8] = {NULL};
    int64_t starts[8] = {0};
    int count = 0;
    for (const cJSON *m = member(t->params, "schedulers")->child; m && count < 8; m = m->next, count++) {
        members[count] = plain_schedule(t, member_text(m, "op"), m, group);
        const cJSON *start = cJSON_GetArrayItem(member(t->params, "milestones"), count);
        starts[count] = cJSON_IsNumber(start) ? (int64_t)start->valuedouble : 0;
    }
    if (t->o.verdict != CASE_PASSED) return NULL;
    return sequence ? reel_schedule_sequence_new(NULL, t->context, count, members, starts)
                    : reel_schedule_chained_new(NULL, t->context, count, members);
}

static void run_schedule(trial *t)
{
    const cJSON *bases = member(t->params, "initial_lr"), *metrics = member(t->inputs, "metrics");
    for (int group = 0; group < cJSON_GetArraySize(bases) && t->o.verdict == CASE_PASSED; group++) {
        reel_schedule *s = schedule_of(t, group);
        check_context(t);
        if (!s) return;
        double base = number_of(cJSON_GetArrayItem(bases, group));
        const cJSON *rates = member(t->expected, "lr")->child, *momenta = member(t->expected, "momentum");
        momenta = momenta ? momenta->child : NULL;
        if ((momenta != NULL) != reel_schedule_cycles_momentum(s))
            decide(&t->o, CASE_FAILED, "whether it cycles momentum");
        for (int step = 0; rates; rates = rates->next, step++) {
            if (metrics && step > 0) reel_schedule_observe(s, step, number_of(cJSON_GetArrayItem(metrics, step - 1)));
            double expected = number_of(cJSON_GetArrayItem(rates, group));
            /* Where a recursion ends in 0 its rounding errors remain. */
            compare(t, reel_schedule_rate(s, step, base), expected, 1e-9 * fabs(expected) + 1e-15 * base, "lr", step,
                    group);
            if (!momenta) continue;
            expected = number_of(cJSON_GetArrayItem(momenta, group));
            compare(t, reel_schedule_momentum(s, step, 0.9), expected, 1e-9 * fabs(expected), "momentum", step, group);
            momenta = momenta->next;
        }
    }
}

/* -------------------------------------------------------------------------------------------------------- averaging */

/* Mean squared error of y = x w' + bias over all rows (in the type of the point) and its gradient, weights first. */
#define REGRESSIONS(real, suffix)                                                                                      \
    static double regression_##suffix(const cJSON *inputs, int n, const real *point, real *g)                          \
    {                                                                                                                  \
        const cJSON *x = member(inputs, "X"), *y = member(inputs, "y");                                                \
        int rows = size_of(y), columns = n - 1;                                                                        \
        real value = 0;                                                                                                \
        for (int j = 0; j < n; j++) g[j] = 0;                                                                          \
        for (int i = 0; i < rows; i++) {                                                                               \
            real off = point[columns] - (real)element(y, i);                                                           \
            for (int j = 0; j < columns; j++) off += (real)element(x, i * columns + j) * point[j];                     \
            value += off * off / (real)rows;                                                                           \
            for (int j = 0; j < columns; j++) g[j] += 2 * off * (real)element(x, i * columns + j) / (real)rows;        \
            g[columns] += 2 * off / (real)rows;                                                                        \
        }                                                                                                              \
        return (double)value;                                                                                          \
    }
REGRESSIONS(float, float)
REGRESSIONS(double, double)

static double regression(trial *t, reel_params *params, bool keep)
{
    reel_array flat = reel_params_flat(params), gradient;
    int64_t n = flat.size;
    double value, as_double[COORDINATES];
    float as_float[COORDINATES];
    if (flat.dtype == REEL_DOUBLE) {
        value = regression_double(t->inputs, (int)n, flat.data, as_double);
        gradient = reel_array_view(REEL_DOUBLE, as_double, 1, &n);
    } else {
        value = regression_float(t->inputs, (int)n, flat.data, as_float);
        gradient = reel_array_view(REEL_FLOAT, as_float, 1, &n);
    }
    if (keep) reel_params_set_gradient(NULL, params, &gradient);
    return value;
}

static void compare_point(trial *t, reel_array point, const cJSON *expected, double tolerance, const char *what,
                          int step)
{
    for (int i = 0; i < point.size; i++)
        compare(t, reel_array_get(&point, i), number_of(cJSON_GetArrayItem(expected, i)), tolerance, what, step, i);
}

static reel_average *average_of(trial *t, reel_params *params)
{
    const char *op = member_text(t->test, "op");
    bool warm = strcmp(op, "ema_warmup") == 0;
    const reel_average_type *type = reel_average_find(warm ? "ema" : op);
    if (!type) decide(&t->o, CASE_NOT_COVERED, "no average \"%s\"", op);
    if (!type) return NULL;
    reel_average *a = reel_average_new(NULL, params, type);
    reel_average_set(NULL, a, "start", number_or(t->params, "start", 1));
    reel_average_set(NULL, a, "every", number_or(t->params, "every", 1));
    if (member(t->params, "decay")) reel_average_set(NULL, a, "decay", number_of(member(t->params, "decay")));
    if (warm) reel_average_set(NULL, a, "warmup", 1);
    return a;
}

/* Plain momentum descent; with swalr the rate turns to that of averaging at the start. */
static void run_averaging(trial *t)
{
    const cJSON *w = member(t->inputs, "weight0"), *b = member(t->inputs, "bias0"), *swalr = member(t->params, "swalr");
    reel_params *params = reel_params_new(NULL, t->context, case_dtype(t->test));
    reel_params_add(NULL, params, "weight", 1, (const int64_t[]){size_of(w)});
    reel_params_add(NULL, params, "bias", 1, (const int64_t[]){size_of(b)});
    reel_array flat = reel_params_flat(params);
    if (flat.size > COORDINATES || size_of(b) != 1) {
        decide(&t->o, CASE_NOT_COVERED, "a model of another size");
        return;
    }
    for (int i = 0; i < flat.size; i++) write_at(&flat, i, i < size_of(w) ? element(w, i) : element(b, 0));
    reel_optimizer *o = reel_sgd_new(NULL, params, number_of(member(t->params, "lr")));
    reel_optimizer_set(NULL, o, "momentum", number_or(t->params, "momentum", 0));
    reel_average *a = average_of(t, params);
    if (swalr) reel_optimizer_set_schedule(NULL, o, plain_schedule(t, "swalr", swalr, 0));
    if (swalr) reel_optimizer_set_origin(o, (int64_t)number_of(member(t->params, "start")) - 1);
    check_context(t);
    double tolerance = case_dtype(t->test) == REEL_FLOAT ? 2e-6 : 1e-13;
    const cJSON *points = member(t->expected, "params"), *averages = member(t->expected, "averaged");
    const cJSON *loss = member(t->expected, "loss"), *rates = member(t->expected, "lr"),
                *counts = member(t->expected, "n_averaged");
    int steps = (int)number_of(member(t->params, "steps"));
    for (int step = 1; step <= steps && t->o.verdict == CASE_PASSED; step++) {
        compare(t, regression(t, params, true), number_of(cJSON_GetArrayItem(loss, step - 1)), 4 * tolerance, "loss",
                step, 0);
        compare(t, reel_optimizer_rate(o), number_of(cJSON_GetArrayItem(rates, step - 1)), 1e-12, "lr", step, 0);
        reel_optimizer_step(NULL, o);
        reel_average_step(NULL, a, step);
        check_context(t);
        compare_point(t, reel_params_flat(params), cJSON_GetArrayItem(points, step), tolerance, "params", step);
        if (reel_average_count(a) > 0)
            compare_point(t, reel_average_flat(a), cJSON_GetArrayItem(averages, step), tolerance, "averaged", step);
        compare(t, (double)reel_average_count(a), number_of(cJSON_GetArrayItem(counts, step - 1)), 0, "n_averaged",
                step, 0);
    }
    reel_average_swap(NULL, a);
    compare(t, regression(t, params, false), number_of(member(t->expected, "loss_of_average")), 4 * tolerance,
            "loss_of_average", 0, 0);
}

/* ------------------------------------------------------------------------------------------------------------ family */

static const struct {
    const char *name;
    void (*run)(trial *t);
} families[] = {
    {"optimizers", run_optimizer},
    {"clip", run_clip},
    {"schedulers", run_schedule},
    {"averaging", run_averaging},
};

reel_optimizer *optim_cases_optimizer(reel_params *params, const cJSON *description, char note[CASE_NOTE])
{
    trial t = {
        .context = reel_params_context(params), .test = description, .params = description, .o.verdict = CASE_PASSED};
    reel_optimizer *o = optimizer_of(&t, params);
    snprintf(note, CASE_NOTE, "%s", t.o.note);
    return t.o.verdict == CASE_PASSED ? o : NULL;
}

reel_schedule *optim_cases_schedule(reel_context *context, const cJSON *description, char note[CASE_NOTE])
{
    trial t = {.context = context, .test = description, .params = description, .o.verdict = CASE_PASSED};
    reel_schedule *s = schedule_of(&t, 0);
    snprintf(note, CASE_NOTE, "%s", t.o.note);
    return t.o.verdict == CASE_PASSED ? s : NULL;
}

int optim_cases_run(const cJSON *document, case_report report, void *user)
{
    const char *family = member_text(document, "family");
    void (*run)(trial * t) = NULL;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i].name, family) == 0) run = families[i].run;
    const cJSON *cases = member(document, "cases");
    if (!run || !cJSON_IsArray(cases)) return -1;
    int failed = 0;
    for (const cJSON *c = cases->child; c; c = c->next) {
        trial t = {.context = reel_context_new(NULL), .test = c, .o.verdict = CASE_PASSED};
        t.params = member(c, "params");
        t.inputs = member(c, "inputs");
        t.expected = member(c, "expected");
        if (!t.params || !t.inputs || !t.expected)
            decide(&t.o, CASE_FAILED, "params, inputs or expected is missing");
        else
            run(&t);
        check_context(&t);
        failed += t.o.verdict == CASE_FAILED;
        report(user, family, member_text(c, "name"), t.o.verdict, t.o.deviation, t.o.note);
        reel_context_free(t.context);
    }
    return failed;
}
