/* SPDX-License-Identifier: MIT
 *
 * The lesson's table of optimizers, on four problems.
 */
#include "seeds.h"

#include "optimizers.h"

#include <math.h>

#define PROBLEMS OPTIMIZERS_PROBLEMS
#define KINDS 5
#define NEAR 2.0 /* losses within this factor count as equally good */

/* The rows of the lesson's table, with the ends of the rates that it gives. */
static const struct {
    const char *name, *text, *kind;
    double momentum, low, high;
} rows[KINDS] = {
    {"sgd", "SGD", "sgd", 0, 0.01, 0.1},
    {"sgd_momentum", "SGD + momentum", "sgd", 0.9, 0.01, 0.1},
    {"adam", "Adam", "adam", 0, 1e-4, 1e-3},
    {"adamw", "AdamW", "adamw", 0, 1e-5, 1e-4},
    {"rmsprop", "RMSprop", "rmsprop", 0, 1e-4, 1e-3},
};
enum { SGD, MOMENTUM, ADAM };

typedef struct results {
    double loss[PROBLEMS][KINDS][COURSE_LIST][SEEDS]; /* at each rate that was asked for */
    double ends[PROBLEMS][KINDS][2][SEEDS];           /* at the ends of the table's rates */
    int best[PROBLEMS][KINDS];                        /* index of the rate with the least mean */
    int given[PROBLEMS][KINDS];                       /* index of the better end */
} results;

static void train(course *c, int problem, int kind, double rate, double *loss)
{
    for (int s = 0; s < SEEDS && !reel_failed(c->reel); s++) {
        fit_recipe how = {.optimizer = rows[kind].kind,
                          .lr = rate,
                          .momentum = rows[kind].momentum,
                          .epochs = c->steps,
                          .batch = c->batch,
                          .seed = c->seed + (uint64_t)s};
        loss[s] = optimizers_problems[problem].train(c->reel, &how);
    }
}

static void train_all(course *c, results *r)
{
    for (int p = 0; p < PROBLEMS; p++)
        for (int k = 0; k < KINDS; k++) {
            int best = 0;
            for (int i = 0; i < c->lr.count; i++) {
                train(c, p, k, c->lr.at[i], r->loss[p][k][i]);
                if (!(spread_of(r->loss[p][k][i]).mean >= spread_of(r->loss[p][k][best]).mean)) best = i;
            }
            for (int end = 0; end < 2; end++) {
                double rate = end ? rows[k].high : rows[k].low;
                int known = -1;
                for (int i = 0; i < c->lr.count; i++)
                    if (c->lr.at[i] == rate) known = i;
                for (int s = 0; known >= 0 && s < SEEDS; s++) r->ends[p][k][end][s] = r->loss[p][k][known][s];
                if (known < 0) train(c, p, k, rate, r->ends[p][k][end]);
            }
            r->best[p][k] = best;
            r->given[p][k] = spread_of(r->ends[p][k][1]).mean < spread_of(r->ends[p][k][0]).mean;
        }
}

static const double *tuned(const results *r, int p, int k)
{
    return r->loss[p][k][r->best[p][k]];
}

static const double *given(const results *r, int p, int k)
{
    return r->ends[p][k][r->given[p][k]];
}

static void print_problem(course *c, int p, const results *r)
{
    fprintf(c->more, "%s%s: %s; loss after %d updates, over %d seeds\n%-16s %-14s %-34s %-10s %s\n", p ? "\n" : "",
            optimizers_problems[p].name, optimizers_problems[p].text, c->steps, SEEDS, "", "table's rates",
            "loss at the better end", "best rate", "loss there");
    cJSON *problem = cJSON_AddObjectToObject(c->json, optimizers_problems[p].name);
    for (int k = 0; k < KINDS; k++) {
        char text[2][SEEDS_TEXT], range[32];
        snprintf(range, sizeof range, "%g-%g", rows[k].low, rows[k].high);
        fprintf(c->more, "%-16s %-14s %-34s %-10g %s\n", rows[k].text, range, seeds_text(given(r, p, k), 3, text[0]),
                c->lr.at[r->best[p][k]], seeds_text(tuned(r, p, k), 3, text[1]));
        cJSON *o = cJSON_AddObjectToObject(problem, rows[k].name);
        seeds_json(o, "given", given(r, p, k));
        json_add_number(o, "given_rate", r->given[p][k] > 0 ? rows[k].high : rows[k].low, REEL_DOUBLE);
        seeds_json(o, "tuned", tuned(r, p, k));
        json_add_number(o, "tuned_rate", c->lr.at[r->best[p][k]], REEL_DOUBLE);
        cJSON *list = cJSON_AddArrayToObject(o, "by_rate");
        for (int i = 0; i < c->lr.count; i++) {
            cJSON *numbers = cJSON_CreateObject();
            json_add_number(numbers, "rate", c->lr.at[i], REEL_DOUBLE);
            seeds_json(numbers, "loss", r->loss[p][k][i]);
            cJSON_AddItemToArray(list, numbers);
        }
    }
}

/* Of a problem, the optimizer with the least mean at its best rate. */
static int winner(const results *r, int p)
{
    int best = 0;
    for (int k = 1; k < KINDS; k++)
        if (!(spread_of(tuned(r, p, k)).mean >= spread_of(tuned(r, p, best)).mean)) best = k;
    return best;
}

static void claim_of_adam(course *c, const results *r)
{
    int near = 0;
    char list[300] = "";
    size_t used = 0;
    for (int p = 0; p < PROBLEMS; p++) {
        double factor = spread_of(given(r, p, ADAM)).mean / spread_of(tuned(r, p, winner(r, p))).mean;
        near += factor <= NEAR;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s %.3g", p ? ", " : "",
                                 optimizers_problems[p].name, factor);
    }
    course_claim(
        c, "out_of_the_box", near == PROBLEMS, "Adam works out of the box, at 1e-4 to 1e-3.",
        "Its loss there is within a factor of %g of the best that any of the five reaches on %d of %d problems; the "
        "factors: %s.",
        NEAR, near, PROBLEMS, list);
}

static void claim_of_sgd(course *c, const results *r)
{
    int slower = 0;
    char list[300] = "";
    size_t used = 0;
    for (int p = 0; p < PROBLEMS; p++) {
        int found = seeds_compare(tuned(r, p, MOMENTUM), tuned(r, p, SGD));
        slower += found > 0;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s %s", p ? ", " : "", optimizers_problems[p].name,
                                 found > 0   ? "momentum better"
                                 : found < 0 ? "plain better"
                                             : "no difference found");
    }
    course_claim(c, "slow", slower == PROBLEMS, "Plain SGD is slow; momentum is fast.",
                 "Each at its best rate, with every seed: %s.", list);
}

static void claim_of_winner(course *c, const results *r)
{
    int wins[KINDS] = {0}, most = 0;
    char list[300] = "";
    size_t used = 0;
    for (int p = 0; p < PROBLEMS; p++) {
        int first = winner(r, p), second = -1;
        for (int k = 0; k < KINDS; k++)
            if (k != first && (second < 0 || !(spread_of(tuned(r, p, k)).mean >= spread_of(tuned(r, p, second)).mean)))
                second = k;
        bool clear = seeds_compare(tuned(r, p, first), tuned(r, p, second)) > 0;
        wins[first]++;
        if (wins[first] > most) most = wins[first];
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s %s (%s %s)", p ? ", " : "",
                                 optimizers_problems[p].name, rows[first].text,
                                 clear ? "ahead with every seed of" : "no difference found to", rows[second].text);
    }
    course_claim(c, "best", wins[ADAM] == PROBLEMS, "Adam is the one for most cases.",
                 "Least mean loss at the best rate: %s.", list);
}

static void claim_of_rates(course *c, const results *r)
{
    int inside = 0;
    double worst = 1;
    for (int p = 0; p < PROBLEMS; p++)
        for (int k = 0; k < KINDS; k++) {
            double rate = c->lr.at[r->best[p][k]];
            inside += rate >= rows[k].low && rate <= rows[k].high;
            worst = fmax(worst, fmax(rows[k].low / rate, rate / rows[k].high));
        }
    course_claim(c, "rates", inside == PROBLEMS * KINDS, "The best rate lies between the ends that the table gives.",
                 "So it does in %d of %d cases; the farthest is a factor of %.3g outside.", inside, PROBLEMS * KINDS,
                 worst);
}

static void draw(course *c, const results *r)
{
    plot p;
    if (!course_picture(
            c, &p, "optimizers", 1200, 860,
            "Mean loss over the seeds against the learning rate, a panel a problem. Where a curve ends the loss "
            "is no longer finite with some seed; losses above 10^6 are left out."))
        return;
    for (int problem = 0; problem < PROBLEMS; problem++) {
        double table[COURSE_LIST][1 + KINDS];
        for (int i = 0; i < c->lr.count; i++) {
            table[i][0] = c->lr.at[i];
            for (int k = 0; k < KINDS; k++) {
                double mean = spread_of(r->loss[problem][k][i]).mean;
                table[i][1 + k] = mean < 1e6 ? fmax(mean, 1e-20) : NAN;
            }
        }
        course_data(c, &p, c->lr.count, 1 + KINDS, table[0]);
    }
    double low = c->lr.at[0], high = low;
    for (int i = 0; i < c->lr.count; i++) low = fmin(low, c->lr.at[i]), high = fmax(high, c->lr.at[i]);
    fprintf(p.script, "set xrange [%g:%g]\n", low / 1.5, high * 1.5);
    fprintf(p.script, "set multiplot layout 2,2\nset logscale xy\nset format x '%%g'\nset format y '%%.0e'\nset key "
                      "bottom left Left reverse samplen 3\n");
    for (int problem = 0; problem < PROBLEMS; problem++) {
        fprintf(p.script, "set title '%s'\nset xlabel '%s'\nset ylabel '%s'\nplot ", optimizers_problems[problem].name,
                problem >= 2 ? "learning rate" : "", problem % 2 ? "" : "loss");
        for (int k = 0; k < KINDS; k++)
            fprintf(p.script,
                    "'optimizers.dat' index %d using 1:%d with linespoints linewidth 2 pointtype %d dashtype %d "
                    "linecolor rgb "
                    "'%s' title '%s'%s",
                    problem, 2 + k, (const int[]){7, 5, 9, 11, 13}[k], k + 1, plot_colour[k], rows[k].text,
                    k + 1 < KINDS ? ", \\\n    " : "\nunset key\n");
    }
    fprintf(p.script, "unset multiplot\n");
    course_draw(c, &p);
}

static void run(course *c)
{
    results r = {0};
    train_all(c, &r);
    if (reel_failed(c->reel)) return;
    for (int p = 0; p < PROBLEMS; p++) print_problem(c, p, &r);
    claim_of_adam(c, &r);
    claim_of_sgd(c, &r);
    claim_of_winner(c, &r);
    claim_of_rates(c, &r);
    draw(c, &r);
}

const exercise exercise_optimizers = {
    .name = "optimizers",
    .text = "Run the table of optimizers on four problems, at its rates and at the best ones.",
    .lr = "0.00001,0.0001,0.001,0.01,0.1,1",
    .any_lr = true,
    .steps = "300",
    .seed = "42",
    .batch = "32",
    .meaning =
        "--lr: the rates among which the best one is looked for. The seeds, of which --seed is the first of six, draw "
        "start and data. --batch: of mini-batch and two-moons.",
    .json =
        "house-prices, rosenbrock, mini-batch, two-moons  of each problem, of each optimizer (sgd, sgd_momentum, adam, "
        "adamw, rmsprop): given and given_rate, the loss (a number a seed) at the better end of the table's rates; "
        "tuned "
        "and tuned_rate, at the best of --lr; by_rate, rate and loss of each",
    .run = run,
};
