/* SPDX-License-Identifier: MIT
 *
 * The lesson's starting rates and its advice, tried where there is something to try them on.
 */
#include "seeds.h"

#include "guidelines.h"
#include "lr_finder.h"

#include <math.h>

#define FACTORS 6

static const double factors[FACTORS] = {0.01, 0.1, 1, 10, 100, 1000};
enum { OWN = 2 }; /* factor 1 */

typedef struct results {
    double loss[GUIDELINES][FACTORS][SEEDS];
} results;

static void try_row(course *c, int row, results *r)
{
    const guideline *g = &guidelines[row];
    for (int f = 0; f < FACTORS; f++)
        for (int s = 0; s < SEEDS && !reel_failed(c->reel); s++) {
            fit_recipe how = {.optimizer = g->optimizer,
                              .lr = factors[f] * g->rate,
                              .momentum = g->momentum,
                              .epochs = g->epochs,
                              .batch = g->batch,
                              .seed = c->seed + (uint64_t)s};
            /* Without chance there is one run. */
            r->loss[row][f][s] = g->batch == 0 && s > 0 ? r->loss[row][f][0] : g->train(c->reel, &how);
        }
}

static void print_rows(course *c, const results *r)
{
    fprintf(c->table, "Always start with these, then adjust based on:\n"
                      "  - Loss not decreasing? Try 10x smaller\n"
                      "  - Loss decreasing too slowly? Try 2-5x larger\n"
                      "  - Loss oscillating? Try 2-10x smaller\n");
    fprintf(c->more, "Mean loss over %d seeds at the starting rate times\n%-22s %-8s", SEEDS, "", "rate");
    for (int f = 0; f < FACTORS; f++) fprintf(c->more, " %9g", factors[f]);
    fprintf(c->more, "  tried on\n");
    cJSON *list = cJSON_AddArrayToObject(c->json, "guidelines");
    for (int row = 0; row < GUIDELINES; row++) {
        const guideline *g = &guidelines[row];
        fprintf(c->more, "%-22s %-8g", g->model, g->rate);
        cJSON *o = cJSON_CreateObject();
        json_add_text(o, "model", g->model);
        json_add_number(o, "rate", g->rate, REEL_DOUBLE);
        json_add_text(o, "trial", g->trial);
        for (int f = 0; f < FACTORS && g->train; f++) {
            char name[20];
            fprintf(c->more, " %9.3g", spread_of(r->loss[row][f]).mean);
            snprintf(name, sizeof name, "times_%g", factors[f]);
            seeds_json(o, name, r->loss[row][f]);
        }
        cJSON_AddItemToArray(list, o);
        if (g->train)
            fprintf(c->more, "  %s, %s\n", g->trial, g->optimizer);
        else
            fprintf(c->more, "  not tried: no such model here\n");
    }
}

/* Of the factors first ... last, the one with the least mean loss. */
static int best_factor(const results *r, int row, int first, int last)
{
    int best = first;
    for (int f = first + 1; f <= last; f++)
        if (!(spread_of(r->loss[row][f]).mean >= spread_of(r->loss[row][best]).mean)) best = f;
    return best;
}

/* A starting rate is one from which a step of the advice, up to ten times, leads to a rate that no other one tried
 * beats with every seed. */
static void claim_of_row(course *c, int row, const results *r)
{
    const guideline *g = &guidelines[row];
    int best = best_factor(r, row, 0, FACTORS - 1), near = best_factor(r, row, OWN - 1, OWN + 1);
    char text[3][SEEDS_TEXT], claim[100];
    const double *own = r->loss[row][OWN], *other = r->loss[row][best], *reached = r->loss[row][near];
    bool beaten = seeds_compare(other, reached) > 0;
    snprintf(claim, sizeof claim, "Start %s at %g.", g->model, g->rate);
    course_claim(c, g->model, !beaten, claim,
                 "On %s, %s: loss %s. Up to ten times away, %g is best: %s. Of all rates tried %g is: %s, %s.",
                 g->trial, g->optimizer, seeds_text(own, 3, text[0]), factors[near] * g->rate,
                 seeds_text(reached, 3, text[1]), factors[best] * g->rate, seeds_text(other, 3, text[2]),
                 best == near ? "the same"
                 : beaten     ? "smaller with every seed"
                              : "no difference found");
}

/* The linear regression again with the sizes in square feet. */
static void claim_of_units(course *c)
{
    reel_dataset data = houses_new(c->reel, true);
    fit_recipe how = {.optimizer = "sgd", .lr = guidelines[0].rate, .epochs = c->steps};
    double limit = lr_finder_limit(c->reel, &data, &how), loss = lr_finder_train(c->reel, &data, &how);
    json_add_number(c->json, "limit_in_feet", limit, REEL_DOUBLE);
    json_add_number(c->json, "loss_in_feet", loss, REEL_DOUBLE);
    course_claim(
        c, "units", how.lr < limit, "Start linear_regression at 0.01, whatever the data.",
        "With sizes in square feet the largest stable rate is %.3g: %g is %.2g times too large, and the loss after %d "
        "updates is %.3g.",
        limit, how.lr, how.lr / limit, c->steps, loss);
}

/* The advice on the house prices: at `rate` something is wrong; the factors that should help. */
typedef struct advice {
    const char *name, *claim;
    double rate[2];
    double factor[2];
} advice;

static const advice advices[] = {
    {"not_decreasing", "The loss does not decrease? Try 10 times smaller.", {0.2, 1e-7}, {0.1, 0.1}},
    {"too_slow", "The loss decreases too slowly? Try 2 to 5 times larger.", {0.001, 0.05}, {2, 5}},
    {"oscillating", "The loss oscillates? Try 2 to 10 times smaller.", {0.18, 0.184}, {0.5, 0.1}},
};
#define ADVICES ((int)(sizeof advices / sizeof *advices))

static void try_advice(course *c, const advice *a, reel_dataset *data, double limit)
{
    int helped = 0, tried = 0;
    char list[600] = "";
    size_t used = 0;
    cJSON *o = cJSON_AddArrayToObject(c->json, a->name);
    for (int i = 0; i < 2; i++) {
        fit_recipe how = {.optimizer = "sgd", .lr = a->rate[i], .epochs = c->steps};
        double before = lr_finder_train(c->reel, data, &how);
        for (int k = 0; k < 2; k++) {
            if (k && a->factor[1] == a->factor[0]) continue;
            how.lr = a->rate[i] * a->factor[k];
            double after = lr_finder_train(c->reel, data, &how);
            tried++;
            helped += after < before;
            used += (size_t)snprintf(list + used, used < sizeof list ? sizeof list - used : 0,
                                     "%s%g to %g: %.4g to %.4g", used ? "; " : "", a->rate[i], how.lr, before, after);
            if (used >= sizeof list) used = sizeof list - 1;
            cJSON *one = cJSON_CreateObject();
            json_add_number(one, "rate", a->rate[i], REEL_DOUBLE);
            json_add_number(one, "advised", how.lr, REEL_DOUBLE);
            json_add_number(one, "loss", before, REEL_DOUBLE);
            json_add_number(one, "advised_loss", after, REEL_DOUBLE);
            cJSON_AddItemToArray(o, one);
        }
    }
    course_claim(c, a->name, helped == tried, a->claim,
                 "On the house prices (stable below %.4g) it helps in %d of %d cases, loss after %d updates: %s.",
                 limit, helped, tried, c->steps, list);
}

static void draw(course *c, const results *r)
{
    plot p;
    if (!course_picture(
            c, &p, "guidelines", 1200, 860,
            "Loss after training against the learning rate, a panel a model that was tried: the line is the mean "
            "over the seeds, the bars go from the least to the largest, the dotted line is the starting rate "
            "that the lesson gives. Where the line ends the loss is no longer finite or above 10^6."))
        return;
    fprintf(p.script, "set multiplot layout 2,2\nset logscale xy\nset format x '%%g'\nset format y '%%g'\nunset key\n");
    for (int row = 0, drawn = 0; row < GUIDELINES && drawn < 4; row++) {
        const guideline *g = &guidelines[row];
        if (!g->train) continue;
        double table[FACTORS][4];
        for (int f = 0; f < FACTORS; f++) {
            spread s = spread_of(r->loss[row][f]);
            table[f][0] = factors[f] * g->rate;
            table[f][1] = s.most <= 1e6 ? s.mean : NAN;
            table[f][2] = s.least;
            table[f][3] = s.most;
        }
        course_data(c, &p, FACTORS, 4, table[0]);
        fprintf(p.script,
                "set title '%s, %s'\nset xlabel '%s'\nset ylabel '%s'\nunset arrow\nset xrange [%g:%g]\n"
                "set arrow from %g, graph 0 to %g, graph 1 nohead linewidth 2 dashtype 3 linecolor rgb '%s'\n"
                "plot 'guidelines.dat' index %d using 1:2:3:4 with yerrorlines linewidth 2 pointtype 7 linecolor rgb "
                "'%s'\n",
                g->model, g->optimizer, drawn >= 2 ? "learning rate" : "", drawn % 2 ? "" : "loss",
                factors[0] * g->rate / 1.5, factors[FACTORS - 1] * g->rate * 1.5, g->rate, g->rate, plot_colour[1],
                drawn, plot_colour[0]);
        drawn++;
    }
    fprintf(p.script, "unset multiplot\n");
    course_draw(c, &p);
}

static void run(course *c)
{
    results r = {0};
    for (int row = 0; row < GUIDELINES; row++)
        if (guidelines[row].train) try_row(c, row, &r);
    if (reel_failed(c->reel)) return;
    print_rows(c, &r);
    for (int row = 0; row < GUIDELINES; row++)
        if (guidelines[row].train) claim_of_row(c, row, &r);
    claim_of_units(c);
    reel_dataset data = houses_new(c->reel, false);
    double limit = lr_finder_limit(c->reel, &data, &(fit_recipe){.optimizer = "sgd", .lr = 0.01, .epochs = 1});
    for (int k = 0; k < ADVICES; k++) try_advice(c, &advices[k], &data, limit);
    draw(c, &r);
}

const exercise exercise_guidelines = {
    .name = "guidelines",
    .text = "Try the lesson's starting rates and its advice on what to do about the loss.",
    .steps = "100",
    .seed = "42",
    .meaning = "--seed is the first of six seeds; --steps is the number of updates in the trials of the advice.",
    .json = "guidelines  of each row: model, rate, trial (null: not tried), and times_0.01 ... times_1000, the loss, a "
            "number a "
            "seed, at that multiple of the rate\n"
            "limit_in_feet, loss_in_feet  of the linear regression with sizes in square feet\n"
            "not_decreasing, too_slow, oscillating  of each advice and case: rate, advised, loss, advised_loss",
    .run = run,
};
