/* SPDX-License-Identifier: MIT
 *
 * Where three rules stop on five problems, and how much of the loss is then still to be gained.
 */
#include "course.h"

#include "line.h"
#include "neuron.h"
#include "stopping.h"
#include "valley.h"

#include <math.h>

enum { PROBLEMS = 5, HOUSES = 5 };

#define THRESHOLD 1e-6
#define LEFT 0.01 /* of the loss between start and minimum; less is called converged */

static const double size[HOUSES] = {1.0, 1.5, 2.0, 2.5, 3.0}, price[HOUSES] = {200, 250, 300, 350, 400};
static const double feet[HOUSES] = {1000, 1500, 2000, 2500, 3000}, paid[HOUSES] = {200, 280, 350, 400, 480};
static const double bit[2] = {0, 1};

/* A problem and where the rules stop on it. */
typedef struct problem {
    const char *name;
    descent_loss loss;
    void *data;
    int n;
    double start[2], rate, least;
    int steps[2]; /* by the gradient, by the change */
    stopping_reason reason[2];
    double there[2], left[2]; /* the loss, the share still to be gained */
    double *path;             /* losses (steps + 1) */
} problem;

static void stop_on(course *c, problem *p)
{
    for (int rule = 0; rule < 2; rule++) {
        const stopping_rules rules = {rule == 0 ? THRESHOLD : 0, rule == 1 ? THRESHOLD : 0, c->steps};
        reel_params *params = descent_params(c->reel, "x", p->n, p->start);
        p->steps[rule] = descend_until(course_optimizer(c, params, p->rate), p->loss, p->data, &rules, &p->there[rule],
                                       &p->reason[rule]);
    }
    p->path = course_numbers(c, c->steps + 1);
    course_descend(c, p->loss, p->data, p->n, p->start, p->rate, c->steps, NULL, p->path);
    for (int rule = 0; rule < 2; rule++) p->left[rule] = (p->there[rule] - p->least) / (p->path[0] - p->least);
}

/* ---- what is printed ---- */

static const char *const rule_text[] = {"gradient", "change"};

static void print_problems(const course *c, const problem *problems)
{
    fprintf(c->table, "%-32s %-9s %-8s %-14s %s\n", "problem", "rule", "stops", "loss", "still to gain");
    for (int i = 0; i < PROBLEMS; i++)
        for (int rule = 0; rule < 2; rule++) {
            const problem *p = &problems[i];
            fprintf(c->table, "%-32s %-9s %-8d %-14.6g %.3g %%%s\n", rule ? "" : p->name, rule_text[rule],
                    p->steps[rule], p->there[rule], 100 * p->left[rule],
                    p->reason[rule] == STOPPED_MOST ? ", by the most steps" : "");
        }
}

/* Is what the rule stops on its own account converged, on every problem? */
static void claim_rule(course *c, const char *claim, const problem *problems, int rule)
{
    int stopped = 0, early = 0;
    const problem *worst = NULL;
    for (int i = 0; i < PROBLEMS; i++) {
        if (problems[i].reason[rule] == STOPPED_MOST) continue;
        stopped++;
        early += problems[i].left[rule] > LEFT;
        if (!worst || problems[i].left[rule] > worst->left[rule]) worst = &problems[i];
    }
    char example[200] = "";
    if (worst)
        snprintf(example, sizeof example,
                 " The worst is %s: stopped in step %d with %.3g %% of the loss still to be gained.", worst->name,
                 worst->steps[rule], 100 * worst->left[rule]);
    course_claim(c, rule_text[rule], early == 0, claim,
                 "Within %d steps it stops %d of %d problems, %d of them with more than %g %% to gain.%s", c->steps,
                 stopped, PROBLEMS, early, 100 * LEFT, example);
}

/* The same threshold at several rates, on the houses. */
static void claim_rates(course *c, const problem *houses)
{
    double least = INFINITY, most = 0, there[COURSE_LIST], *numbers = there;
    fprintf(c->table, "\n%s, stopped by a change below %g\n%-10s %-10s %s\n", houses->name, THRESHOLD, "rate", "stops",
            "loss");
    for (int i = 0; i < c->lr.count; i++) {
        const stopping_rules rules = {0, THRESHOLD, 100 * c->steps};
        stopping_reason reason;
        reel_params *params = descent_params(c->reel, "x", 2, houses->start);
        int steps = descend_until(course_optimizer(c, params, c->lr.at[i]), houses->loss, houses->data, &rules,
                                  &there[i], &reason);
        fprintf(c->table, "%-10g %-10d %.6g\n", c->lr.at[i], steps, there[i]);
        least = fmin(least, there[i]);
        most = fmax(most, there[i]);
    }
    json_add_numbers(c->json, "loss_by_rate", numbers, c->lr.count, REEL_DOUBLE, NULL);
    course_claim(
        c, "rates", most < 2 * least, "The loss stops improving by 1e-6: converged, at whatever rate.",
        "On the houses it stops at the losses %.3g to %.3g, by the rate: the change of a step is the rate times the "
        "square of the gradient.",
        least, most);
}

static void add_numbers(course *c, const problem *problems)
{
    cJSON *list = cJSON_AddArrayToObject(c->json, "problems");
    for (int i = 0; i < PROBLEMS; i++) {
        cJSON *o = cJSON_CreateObject();
        json_add_text(o, "name", problems[i].name);
        for (int rule = 0; rule < 2; rule++) {
            cJSON *r = cJSON_AddObjectToObject(o, rule_text[rule]);
            json_add_whole(r, "steps", problems[i].steps[rule]);
            json_add_number(r, "loss", problems[i].there[rule], REEL_DOUBLE);
            json_add_number(r, "left", problems[i].left[rule], REEL_DOUBLE);
            cJSON_AddBoolToObject(r, "stopped", problems[i].reason[rule] != STOPPED_MOST);
        }
        cJSON_AddItemToArray(list, o);
    }
}

static void draw(course *c, const problem *problems)
{
    plot p;
    if (!course_picture(
            c, &p, "stopping", 1000, 680,
            "How much of the loss is still to be gained, over the steps, on five problems; a circle where the "
            "change of the loss stops the descent, a triangle where the gradient does."))
        return;
    double *rows = course_numbers(c, 2 * (c->steps + 1));
    for (int i = 0; i < PROBLEMS; i++) {
        int count = 0;
        double span = problems[i].path[0] - problems[i].least;
        for (int k = 1; k <= c->steps; k = k + 1 > (int)(1.01 * k) ? k + 1 : (int)(1.01 * k)) {
            double left = (problems[i].path[k] - problems[i].least) / span;
            rows[2 * count] = k;
            rows[2 * count + 1] = left > 1e-12 ? left : NAN;
            count++;
        }
        course_data(c, &p, count, 2, rows);
    }
    int marks = 0, of[2 * PROBLEMS];
    for (int k = 0; k < 2 * PROBLEMS; k++) {
        const problem *q = &problems[k / 2];
        if (q->reason[k % 2] == STOPPED_MOST) continue;
        course_data(c, &p, 1, 2, (const double[]){fmax(1, q->steps[k % 2]), fmax(q->left[k % 2], 1e-12)});
        of[marks++] = k;
    }
    fprintf(p.script,
            "set title 'Share of the loss still to be gained, and where the rules stop (at the bottom: below 1e-12)'\n"
            "set xlabel 'step'\nset logscale xy\nset format '%%g'\nset xrange [1:%d]\nset yrange [1e-12:2]\n"
            "set key outside below Left reverse maxrows 3 width 2\nplot ",
            c->steps);
    for (int i = 0; i < PROBLEMS; i++)
        fprintf(p.script,
                "'stopping.dat' index %d using 1:2 with lines linewidth 2 linecolor rgb '%s' title '%s', \\\n    ", i,
                plot_colour[i], problems[i].name);
    for (int k = 0; k < marks; k++)
        fprintf(p.script,
                "'stopping.dat' index %d using 1:2 with points pointtype %d pointsize 2 linecolor rgb '%s' notitle, "
                "\\\n    ",
                PROBLEMS + k, of[k] % 2 ? 7 : 9, plot_colour[of[k] / 2]);
    fprintf(p.script,
            "NaN with points pointtype 7 pointsize 2 linecolor rgb '#444444' title 'stopped by the change', \\\n"
            "    NaN with points pointtype 9 pointsize 2 linecolor rgb '#444444' title 'stopped by the gradient'\n");
    course_draw(c, &p);
}

static void run(course *c)
{
    line_data houses = {HOUSES, size, price}, in_feet = {HOUSES, feet, paid};
    neuron_data two = {2, 1, bit, bit};
    problem problems[PROBLEMS] = {
        {.name = "x^2 - 4 x + 5", .loss = valley_parabola, .n = 1, .start = {0}, .rate = 0.1, .least = 1},
        {.name = "x^4 - 3 x^3 + 2",
         .loss = valley_quartic,
         .n = 1,
         .start = {c->start.at[0]},
         .rate = 0.01,
         .least = -6.54296875},
        {.name = "house prices", .loss = line_loss, .data = &houses, .n = 2, .rate = c->lr.at[0]},
        {.name = "house prices, square feet",
         .loss = line_loss,
         .data = &in_feet,
         .n = 2,
         .start = {0.1, 50},
         .rate = 1e-7,
         .least = 48},
        {.name = "one neuron", .loss = neuron_loss, .data = &two, .n = 2, .start = {0.5, 0}, .rate = 1},
    };
    for (int i = 0; i < PROBLEMS; i++) stop_on(c, &problems[i]);
    if (reel_failed(c->reel)) return;
    print_problems(c, problems);
    add_numbers(c, problems);
    claim_rule(c, "The gradient is small (norm below 1e-6): converged.", problems, 0);
    claim_rule(c, "The loss stops improving (change below 1e-6): converged.", problems, 1);
    claim_rates(c, &problems[2]);
    draw(c, problems);
}

const exercise exercise_stopping = {
    .name = "stopping",
    .text = "Stop by a small gradient, by a small change or after enough steps, on five problems.",
    .lr = "0.01,0.001,0.0001",
    .start = "-1",
    .steps = "50000",
    .momentum = "0",
    .optimizer = "sgd",
    .any_lr = true,
    .meaning = "--steps is the most that is made, 100 times as many where rates are compared. --lr is of the house "
               "prices, --start "
               "of x^4 - 3 x^3 + 2.",
    .json = "problems  of each: name; gradient and change, the rules: steps, loss, left (to be gained), stopped (by "
            "the rule)\n"
            "loss_by_rate  at which the change stops the house prices, rate by rate",
    .run = run,
};
