/* SPDX-License-Identifier: MIT
 *
 * What a learning-rate finder finds, and what the curvature allows.
 */
#include "course.h"

#include "lr_finder.h"

#include <math.h>

#define FIRST 1e-7
#define FACTOR 1.1
#define STOP 4.0
#define MOST 400
#define TRIALS 5

/* A rate to be tried, and what it leads to. */
typedef struct trial {
    const char *name, *text;
    double rate, loss;
} trial;

static void print_sweep(course *c, int count, const double *rate, const double *loss, double steepest, double limit)
{
    char text[2][NUMBER_SIZE];
    fprintf(c->table, "lr finder: stops at %s after %d steps; steepest at %s critical lr of this problem %.7g\n",
            number_text(rate[count - 1], REEL_DOUBLE, text[0]), count, number_text(steepest, REEL_DOUBLE, text[1]),
            limit);
    json_add_number(c->json, "stops_at", rate[count - 1], REEL_DOUBLE);
    json_add_whole(c->json, "sweep_steps", count);
    json_add_number(c->json, "steepest", steepest, REEL_DOUBLE);
    json_add_number(c->json, "limit", limit, REEL_DOUBLE);
    json_add_numbers(c->json, "rate", rate, count, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "loss", loss, count, REEL_DOUBLE, NULL);
}

static void run_trials(course *c, reel_dataset *data, const fit_recipe *how, trial *trials)
{
    cJSON *list = cJSON_AddArrayToObject(c->json, "trials");
    fprintf(c->more, "%-44s %-12s loss after %d updates\n", "rate", "", c->steps);
    for (int k = 0; k < TRIALS && !reel_failed(c->reel); k++) {
        fit_recipe own = *how;
        own.lr = trials[k].rate;
        trials[k].loss = isfinite(own.lr) && own.lr > 0 ? lr_finder_train(c->reel, data, &own) : NAN;
        fprintf(c->more, "%-44s %-12.6g %.6g\n", trials[k].text, trials[k].rate, trials[k].loss);
        cJSON *o = cJSON_CreateObject();
        json_add_text(o, "name", trials[k].name);
        json_add_number(o, "rate", trials[k].rate, REEL_DOUBLE);
        json_add_number(o, "loss", trials[k].loss, REEL_DOUBLE);
        cJSON_AddItemToArray(list, o);
    }
}

static void draw(course *c, int count, const double *rate, const double *loss, double steepest, double limit)
{
    plot p;
    if (!course_picture(c, &p, "lr-finder", 1000, 560,
                        "The loss while the rate grows by a tenth each step, with the rate of steepest descent, the "
                        "largest rate that the curvature allows, and the rate at which the sweep stops."))
        return;
    double *rows = course_numbers(c, 2 * (int64_t)count);
    for (int k = 0; k < count; k++) rows[2 * k] = rate[k], rows[2 * k + 1] = loss[k];
    course_data(c, &p, count, 2, rows);
    fprintf(p.script,
            "set logscale xy\nset format x '%%g'\nset format y '%%g'\nset xlabel 'learning rate'\n"
            "set ylabel 'mean squared error before the update'\nset key bottom left\nset samples 2\n"
            "set title 'Learning-rate finder on the house prices'\nset xrange [%g:%g]\n",
            rate[0], 3 * rate[count - 1]);
    const struct {
        const char *title;
        double at;
        int colour, dash;
    } marks[] = {{"steepest descent", steepest, 2, 4},
                 {"a tenth of where it stops", rate[count - 1] / 10, 3, 2},
                 {"stability limit", limit, 6, 1},
                 {"stops", rate[count - 1], 1, 3}};
    for (int k = 0; k < 4; k++)
        fprintf(p.script,
                "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead linewidth 2 dashtype %d linecolor rgb '%s'\n",
                marks[k].at, marks[k].at, marks[k].dash, plot_colour[marks[k].colour]);
    fprintf(p.script, "plot 'lr-finder.dat' using 1:2 with lines linewidth 2 linecolor rgb '%s' title 'loss'",
            plot_colour[0]);
    for (int k = 0; k < 4; k++)
        fprintf(p.script, ", \\\n    NaN with lines linewidth 2 dashtype %d linecolor rgb '%s' title '%s: %.4g'",
                marks[k].dash, plot_colour[marks[k].colour], marks[k].title, marks[k].at);
    fprintf(p.script, "\n");
    course_draw(c, &p);
}

static void run(course *c)
{
    double rate[MOST], loss[MOST];
    reel_dataset data = houses_new(c->reel, false);
    fit_recipe how = {.optimizer = c->optimizer, .momentum = c->momentum, .lr = 0.01, .epochs = c->steps};
    int count = lr_finder_sweep(c->reel, &data, &how, FIRST, FACTOR, STOP, MOST, rate, loss);
    double steepest = lr_finder_steepest(count, rate, loss), limit = lr_finder_limit(c->reel, &data, &how);
    reel_lr_test *test = lr_finder_library(c->reel, &data, &how);
    if (reel_failed(c->reel)) return;
    print_sweep(c, count, rate, loss, steepest, limit);

    double stop = rate[count - 1], tenth = stop / 10;
    trial trials[TRIALS] = {{"steepest", "steepest descent of the sweep", steepest, 0},
                            {"suggestion", "suggestion of reel_lr_find", test->suggestion, 0},
                            {"tenth", "a tenth of where the sweep stops", tenth, 0},
                            {"below", "just below the limit", 0.99 * limit, 0},
                            {"stop", "where the sweep stops", stop, 0}};
    run_trials(c, &data, &how, trials);
    fprintf(c->more, "\nreel_lr_find: %s\n", test->why);
    json_add_number(c->json, "suggestion", test->suggestion, REEL_DOUBLE);
    json_add_text(c->json, "why", test->why);

    course_claim(
        c, "explosion", stop <= 2 * limit && limit <= 2 * stop, "The finder discovers where training becomes unstable.",
        "It stops at %.4g after %d steps, %.3g times the limit that the curvature sets, %.4g. %d updates at the rate "
        "where it stops end at %.3g, just below the limit at %.4g.",
        stop, count, stop / limit, limit, c->steps, trials[4].loss, trials[3].loss);
    course_claim(
        c, "tenth", tenth < limit && trials[2].loss <= trials[0].loss,
        "The best rate is a tenth of where the loss explodes.",
        "That is %.4g, %.2g of the limit: %d updates leave a loss of %.4g, the rate of steepest descent, %.4g, "
        "%.4g.",
        tenth, tenth / limit, c->steps, trials[2].loss, steepest, trials[0].loss);
    course_claim(c, "steepest", trials[0].loss <= trials[2].loss && trials[0].loss <= trials[3].loss,
                 "The best rate is where the loss falls fastest.",
                 "That is %.4g, %.2g of the limit: after %d updates the loss is %.4g; just below the limit it is %.4g.",
                 steepest, steepest / limit, c->steps, trials[0].loss, trials[3].loss);
    draw(c, count, rate, loss, steepest, limit);
    reel_lr_test_free(test);
}

const exercise exercise_lr_finder = {
    .name = "lr-finder",
    .text = "Let the rate grow until the loss explodes, and compare with what the curvature allows.",
    .steps = "100",
    .momentum = "0",
    .optimizer = "sgd",
    .meaning = "The house prices, all five at once. --steps is how long each of the rates found is tried.",
    .json = "stops_at, sweep_steps, steepest  of the sweep from 1e-7 by a tenth a step\n"
            "limit  largest stable rate, from the curvature\n"
            "rate, loss  of the sweep\n"
            "suggestion, why  of reel_lr_find\n"
            "trials  name, rate and loss after --steps updates of the steepest descent, the suggestion, a tenth of "
            "where it "
            "stops, just below the limit, where it stops",
    .run = run,
};
