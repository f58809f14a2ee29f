/* SPDX-License-Identifier: MIT
 *
 * Schedules of the learning rate: formulas, use, and three at once.
 */
#include "seeds.h"

#include "schedules.h"

#include <math.h>
#include <stdarg.h>

#define PEAK 0.1    /* of the one-cycle schedule */
#define CYCLE 1000  /* its steps */
#define EVERY 10    /* of the step decay */
#define GAMMA 0.1   /* its factor */
#define LAMBDA 0.05 /* of the exponential decay */
#define LEAST 1e-6  /* of the cosine */
#define WARMUP 10   /* steps of the warm-up */
#define PI 3.141592653589793

static const int shown[] = {0, 1, 9, 10, 25, 50, 75, 99, 100};
#define SHOWN ((int)(sizeof shown / sizeof *shown))

static reel_schedule *schedule_of(course *c, const char *format, ...) REEL_PRINTF(2, 3);

static reel_schedule *schedule_of(course *c, const char *format, ...)
{
    char spec[100];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(spec, sizeof spec, format, arguments);
    va_end(arguments);
    return reel_schedule_parse(c->reel, spec, c->steps);
}

/* ---- what the lesson's three schedulers say ---- */

static void print_rates(course *c, const char *head, const char *name, const reel_schedule *schedule)
{
    double rates[SHOWN];
    fprintf(c->table, "%-30s", head);
    for (int k = 0; k < SHOWN; k++) {
        rates[k] = reel_schedule_rate(schedule, shown[k], c->lr.at[0]);
        fprintf(c->table, " %d:%g", shown[k], rates[k]);
    }
    fprintf(c->table, "\n");
    json_add_numbers(c->json, name, rates, SHOWN, REEL_DOUBLE, NULL);
}

/* ---- the formulas ---- */

enum { BY_STEP, BY_EXPONENTIAL, BY_COSINE, BY_WARMUP, FORMULAS };

static double formula(int kind, double base, int t, int steps)
{
    switch (kind) {
    case BY_STEP: return base * pow(GAMMA, floor((double)t / EVERY));
    case BY_EXPONENTIAL: return base * exp(-LAMBDA * t);
    case BY_COSINE: return LEAST + 0.5 * (base - LEAST) * (1 + cos(t * PI / steps));
    default: return t < WARMUP ? base * (t + 1) / WARMUP : base * (steps - t) / (steps - WARMUP);
    }
}

static const char *const formula_names[FORMULAS] = {"step", "exponential", "cosine", "warmup_linear"};
static const char *const formula_texts[FORMULAS] = {"step decay, 0.1 each 10", "exponential, lambda 0.05", "cosine",
                                                    "warm-up 10, linear decay"};

static reel_schedule *formula_schedule(course *c, int kind)
{
    switch (kind) {
    case BY_STEP: return schedule_of(c, "step:%d:%.17g", EVERY, GAMMA);
    case BY_EXPONENTIAL: return schedule_of(c, "exponential:%.17g", exp(-LAMBDA));
    case BY_COSINE: return schedule_of(c, "cosine:%.17g:%d", LEAST, c->steps);
    default: return schedule_of(c, "warmup:%d,linear", WARMUP);
    }
}

static void compare_formulas(course *c)
{
    cJSON *o = cJSON_AddObjectToObject(c->json, "formulas");
    fprintf(c->more, "%-28s %-14s %-14s %s\n", "formula", "rate halfway", "rate at the end",
            "library off by, relative");
    for (int kind = 0; kind < FORMULAS; kind++) {
        reel_schedule *schedule = formula_schedule(c, kind);
        double worst = 0;
        for (int t = 0; t < c->steps && schedule; t++) {
            double right = formula(kind, c->lr.at[0], t, c->steps);
            worst = fmax(worst, fabs(reel_schedule_rate(schedule, t, c->lr.at[0]) - right) / right);
        }
        fprintf(c->more, "%-28s %-14.6g %-14.6g %.1e\n", formula_texts[kind],
                reel_schedule_rate(schedule, c->steps / 2, c->lr.at[0]),
                reel_schedule_rate(schedule, c->steps - 1, c->lr.at[0]), worst);
        json_add_number(o, formula_names[kind], worst, REEL_DOUBLE);
        reel_schedule_free(schedule);
    }
}

/* ---- three at once ---- */

/* Of three schedulers made one after the other for one optimizer the last sets the rate, and it alone is stepped. */
static void three_at_once(course *c, const reel_schedule *cycle)
{
    int rising = 0, high = 0;
    double beta1 = reel_schedule_momentum(cycle, c->steps - 1, 0.9);
    for (int t = 1; t < CYCLE; t++)
        if (reel_schedule_rate(cycle, t, c->lr.at[0]) > reel_schedule_rate(cycle, high, c->lr.at[0])) high = t;
    for (int t = 1; t < c->steps; t++)
        rising += reel_schedule_rate(cycle, t, c->lr.at[0]) > reel_schedule_rate(cycle, t - 1, c->lr.at[0]);
    double first = reel_schedule_rate(cycle, 0, c->lr.at[0]),
           last = reel_schedule_rate(cycle, c->steps - 1, c->lr.at[0]);
    json_add_number(c->json, "three_first", first, REEL_DOUBLE);
    json_add_number(c->json, "three_last", last, REEL_DOUBLE);
    json_add_number(c->json, "three_beta1", beta1, REEL_DOUBLE);
    json_add_whole(c->json, "three_peak", high);
    course_claim(
        c, "three", rising < c->steps - 1,
        "Step decay, cosine and one cycle on one optimizer: the rate is lowered during training.",
        "They are alternatives: the last one made holds the rate and is the only one stepped. With %d steps in its "
        "cycle and %d made, the rate goes from %.4g to %.4g, %.0f %% of its peak, rising in %d of %d steps; its "
        "peak is at step %d, and beta1 ends at %.4f.",
        CYCLE, c->steps, first, last, 100 * last / PEAK, rising, c->steps - 1, high, beta1);
}

/* ---- training ---- */

enum { CONSTANT, STEP, EXPONENTIAL, COSINE, LINEAR, CYCLED, METHODS };
static const char *const names[METHODS] = {"constant", "step", "exponential", "cosine", "warmup_linear", "onecycle"};
static const char *const labels[METHODS] = {"constant", "step decay",      "exponential",
                                            "cosine",   "warm-up, linear", "one cycle"};

static void train_all(course *c, double excess[METHODS][SEEDS])
{
    int64_t per_epoch = (SCHEDULES_ROWS + c->batch - 1) / c->batch, steps = 10 * per_epoch;
    char specs[METHODS][100];
    snprintf(specs[CONSTANT], 100, "constant");
    snprintf(specs[STEP], 100, "step:%lld:%g", (long long)(steps / 3 + 1), GAMMA);
    snprintf(specs[EXPONENTIAL], 100, "exponential:%.17g", exp(-5.0 / (double)steps));
    snprintf(specs[COSINE], 100, "cosine");
    snprintf(specs[LINEAR], 100, "warmup:%lld,linear", (long long)(steps / 10 + 1));
    snprintf(specs[CYCLED], 100, "onecycle:%.17g", 10 * c->lr.at[0]);
    fprintf(
        c->more,
        "\nA linear layer, %lld updates of sgd with batches of %d at the rate %g: squared error above the least one\n",
        (long long)steps, c->batch, 10 * c->lr.at[0]);
    for (int m = 0; m < METHODS && !reel_failed(c->reel); m++) {
        char text[SEEDS_TEXT];
        for (int s = 0; s < SEEDS; s++) {
            fit_recipe how = {.optimizer = "sgd",
                              .lr = 10 * c->lr.at[0],
                              .epochs = 10,
                              .batch = c->batch,
                              .seed = c->seed + (uint64_t)s};
            excess[m][s] = schedules_train(c->reel, specs[m], &how);
        }
        fprintf(c->more, "%-18s %s\n", labels[m], seeds_text(excess[m], 3, text));
        seeds_json(c->json, names[m], excess[m]);
    }
}

static void claims_of_training(course *c, double excess[METHODS][SEEDS])
{
    char text[4][SEEDS_TEXT];
    int best = STEP;
    for (int m = STEP; m < METHODS; m++)
        if (spread_of(excess[m]).mean < spread_of(excess[best]).mean) best = m;
    course_claim(
        c, "decay", seeds_compare(excess[best], excess[CONSTANT]) > 0,
        "The best rate changes during training: start high, then decrease.",
        "Batches of %d: with the best schedule (%s) the error ends %s above the least, with a constant rate %s: "
        "%s.",
        c->batch, labels[best], seeds_text(excess[best], 3, text[0]), seeds_text(excess[CONSTANT], 3, text[1]),
        seeds_word(excess[best], excess[CONSTANT]));
    int beaten = 0;
    for (int m = STEP; m < METHODS; m++) beaten += m != COSINE && seeds_compare(excess[COSINE], excess[m]) > 0;
    course_claim(
        c, "cosine", beaten == METHODS - 2, "Cosine annealing is the state of the art.",
        "It ends below %d of the %d other schedules with every seed: cosine %s, linear after a warm-up %s, step decay "
        "%s, exponential %s.",
        beaten, METHODS - 2, seeds_text(excess[COSINE], 2, text[0]), seeds_text(excess[LINEAR], 2, text[1]),
        seeds_text(excess[STEP], 2, text[2]), seeds_text(excess[EXPONENTIAL], 2, text[3]));
}

/* BERT warms up over 10000 of 1000000 steps and then decays linearly (Devlin et al., NAACL 2019, appendix A.2). */
static void claim_of_bert(course *c)
{
    reel_schedule *linear = reel_schedule_parse(c->reel, "warmup:10000,linear", 1000000);
    reel_schedule *cosine = reel_schedule_parse(c->reel, "warmup:10000,cosine", 1000000);
    double a = reel_schedule_rate(linear, 750000, 1), b = reel_schedule_rate(cosine, 750000, 1);
    json_add_number(c->json, "bert_linear", a, REEL_DOUBLE);
    json_add_number(c->json, "bert_cosine", b, REEL_DOUBLE);
    course_claim(
        c, "bert", fabs(a - b) < 0.01, "Cosine annealing is what BERT uses.",
        "BERT's schedule (Devlin et al. 2019) is a warm-up over 10000 of 1000000 steps and a linear decay: at step "
        "750000 %.3f of the peak, where the cosine has %.3f.",
        a, b);
    reel_schedule_free(linear);
    reel_schedule_free(cosine);
}

static void draw(course *c, const reel_schedule *cycle)
{
    chart lines = {.title = "Learning rate of each formula, and of the three schedulers at once",
                   .kind = "schedule",
                   .x = "step",
                   .x_label = "step",
                   .y = {"learning rate"},
                   .panels = 1};
    for (int kind = 0; kind <= FORMULAS; kind++) {
        series *s =
            chart_add(&lines, kind < FORMULAS ? formula_texts[kind] : "three schedulers at once: one cycle of 1000");
        reel_schedule *schedule = kind < FORMULAS ? formula_schedule(c, kind) : NULL;
        for (int t = 0; s && t < c->steps; t++) {
            double rate = reel_schedule_rate(kind < FORMULAS ? schedule : cycle, t, c->lr.at[0]);
            series_add(&lines, s, t, &rate);
        }
        reel_schedule_free(schedule);
    }
    course_chart(
        c, &lines, "schedules",
        "The rate over the steps by the lesson's formulas, and what its code, which makes three schedulers for one "
        "optimizer, leads to.");
}

static void run(course *c)
{
    reel_schedule *step = schedule_of(c, "step:%d:%g", EVERY, GAMMA);
    reel_schedule *cosine = schedule_of(c, "cosine:%g:%d", LEAST, c->steps);
    reel_schedule *cycle = schedule_of(c, "onecycle:%g:%d", PEAK, CYCLE);
    double *excess = course_numbers(c, METHODS * SEEDS);
    if (reel_failed(c->reel)) return;
    char head[3][40];
    snprintf(head[0], 40, "StepLR(%d, %g)", EVERY, GAMMA);
    snprintf(head[1], 40, "CosineAnnealingLR(%d, 1e-6)", c->steps);
    snprintf(head[2], 40, "OneCycleLR(%g, %d)", PEAK, CYCLE);
    print_rates(c, head[0], "step_rates", step);
    print_rates(c, head[1], "cosine_rates", cosine);
    print_rates(c, head[2], "onecycle_rates", cycle);
    compare_formulas(c);
    three_at_once(c, cycle);
    train_all(c, (double(*)[SEEDS])excess);
    if (reel_failed(c->reel)) return;
    claims_of_training(c, (double(*)[SEEDS])excess);
    claim_of_bert(c);
    draw(c, cycle);
    seeds_picture(
        c, "schedules-training",
        "Squared error above the least one after training with each schedule, a dot for each seed and a bar for "
        "their mean.",
        METHODS, labels, 1, (const seeds_panel[]){{"squared error above the least", excess, true}});
}

const exercise exercise_schedules = {
    .name = "schedules",
    .text = "Let the rate follow a schedule: the formulas, three at once, and what they bring.",
    .lr = "0.01",
    .steps = "100",
    .seed = "42",
    .batch = "32",
    .meaning =
        "--lr is the base rate of the formulas; training uses ten times it. --steps is the length of a schedule. "
        "--seed is the first of six seeds, --batch the samples of an update in training.",
    .json =
        "step_rates, cosine_rates, onecycle_rates  at steps 0, 1, 9, 10, 25, 50, 75, 99, 100\n"
        "formulas  of each formula, the largest relative distance of the library's rate from it\n"
        "three_first, three_last, three_beta1, three_peak  of three schedulers at once: first and last rate, beta1 at "
        "the "
        "end, step of the highest rate\n"
        "constant, step, exponential, cosine, warmup_linear, onecycle  squared error above the least, a number a seed\n"
        "bert_linear, bert_cosine  share of the peak at step 750000 of 1000000",
    .run = run,
};
