/* SPDX-License-Identifier: MIT
 *
 * The mean of the last networks, and where it lies.
 */
#include "seeds.h"

#include "averaging.h"

#include <math.h>

#define ROWS 200
#define TEST_ROWS 1000
#define NOISE 0.3
#define SNAPSHOTS 10

enum { LAST, MEAN, AVERAGE, METHODS };
static const char *const names[] = {"last", "mean_of_snapshots", "average"};
static const char *const labels[] = {"last snapshot", "mean of the snapshots", "weights averaged"};

typedef struct figures {
    double sharpness[METHODS][SEEDS], test[METHODS][SEEDS], accuracy[METHODS][SEEDS], train[METHODS][SEEDS];
    double least[SEEDS], most[SEEDS]; /* sharpness of the snapshots */
    double below[SEEDS];              /* snapshots whose sharpness is above that of the average */
} figures;

static void measure(course *c, int s, figures *f, averaging_place *places, averaging_place *average)
{
    uint64_t seed = c->seed + (uint64_t)s;
    averaging_options options = {.rows = ROWS, .test_rows = TEST_ROWS, .noise = NOISE, .snapshots = SNAPSHOTS};
    options.how = seeds_recipe(c, c->lr.at[0], ROWS, s);
    if (options.how.epochs < SNAPSHOTS) options.how.epochs = SNAPSHOTS;
    *average = averaging_train(c->reel, seed, &options, places);
    averaging_place mean = {0}, all[METHODS];
    f->least[s] = INFINITY;
    f->most[s] = -INFINITY;
    for (int k = 0; k < SNAPSHOTS; k++) {
        mean.sharpness += places[k].sharpness / SNAPSHOTS;
        mean.test_loss += places[k].test_loss / SNAPSHOTS;
        mean.test_accuracy += places[k].test_accuracy / SNAPSHOTS;
        mean.train_loss += places[k].train_loss / SNAPSHOTS;
        f->least[s] = fmin(f->least[s], places[k].sharpness);
        f->most[s] = fmax(f->most[s], places[k].sharpness);
        f->below[s] += places[k].sharpness > average->sharpness;
    }
    all[LAST] = places[SNAPSHOTS - 1];
    all[MEAN] = mean;
    all[AVERAGE] = *average;
    for (int m = 0; m < METHODS; m++) {
        f->sharpness[m][s] = all[m].sharpness;
        f->test[m][s] = all[m].test_loss;
        f->accuracy[m][s] = all[m].test_accuracy;
        f->train[m][s] = all[m].train_loss;
    }
}

static void print_figures(course *c, const figures *f)
{
    char text[4][SEEDS_TEXT];
    fprintf(c->more, "Over %d seeds: mean (least to most)\n%-22s %-26s %-24s %-24s %-24s\n", SEEDS, "", "training loss",
            "loss on new rows", "accuracy on new rows", "sharpness");
    for (int m = 0; m < METHODS; m++) {
        fprintf(c->more, "%-22s %-26s %-24s %-24s %-24s\n", labels[m], seeds_text(f->train[m], 3, text[0]),
                seeds_text(f->test[m], 3, text[1]), seeds_text(f->accuracy[m], 3, text[2]),
                seeds_text(f->sharpness[m], 3, text[3]));
        cJSON *o = cJSON_AddObjectToObject(c->json, names[m]);
        seeds_json(o, "train_loss", f->train[m]);
        seeds_json(o, "test_loss", f->test[m]);
        seeds_json(o, "test_accuracy", f->accuracy[m]);
        seeds_json(o, "sharpness", f->sharpness[m]);
    }
    fprintf(c->more, "\n%-10s %-28s %-22s %s\n", "seed", "sharpness of the snapshots", "of the average",
            "snapshots above it");
    for (int s = 0; s < SEEDS; s++)
        fprintf(c->more, "%-10llu %-7.3f to %-17.3f %-22.3f %g of %d\n", (unsigned long long)c->seed + (unsigned)s,
                f->least[s], f->most[s], f->sharpness[AVERAGE][s], f->below[s], SNAPSHOTS);
    seeds_json(c->json, "sharpness_least", f->least);
    seeds_json(c->json, "sharpness_most", f->most);
    seeds_json(c->json, "snapshots_above", f->below);
}

static void make_claims(course *c, const figures *f)
{
    char text[2][SEEDS_TEXT];
    int flatter = 0;
    for (int s = 0; s < SEEDS; s++) flatter += f->below[s] == SNAPSHOTS;
    const double *sharp = f->sharpness[AVERAGE], *mean = f->sharpness[MEAN];
    course_claim(c, "flatter", flatter == SEEDS, "At the average the curvature is smaller than at any snapshot.",
                 "So it is with %d of %d seeds. Against the mean of the snapshots, %s, the average has %s: %s.",
                 flatter, SEEDS, seeds_text(mean, 3, text[0]), seeds_text(sharp, 3, text[1]), seeds_word(sharp, mean));
    const double *loss = f->test[AVERAGE], *each = f->test[MEAN];
    course_claim(c, "generalises", seeds_compare(loss, each) > 0, "The average generalises better than the snapshots.",
                 "Loss on new rows %s, mean of the snapshots %s: %s.", seeds_text(loss, 3, text[0]),
                 seeds_text(each, 3, text[1]), seeds_word(loss, each));
    double gain[SEEDS];
    for (int s = 0; s < SEEDS; s++) gain[s] = 100 * (f->accuracy[AVERAGE][s] - f->accuracy[LAST][s]);
    spread g = spread_of(gain);
    course_claim(c, "gain", g.least > 0 && g.mean >= 1, "It brings 1 to 2 % of accuracy.",
                 "Against the last snapshot %+.2f percentage points on average, %+.2f to %+.2f over the seeds.", g.mean,
                 g.least, g.most);
    int agree = 0;
    for (int s = 0; s < SEEDS; s++)
        agree += (f->sharpness[AVERAGE][s] < f->sharpness[LAST][s]) == (f->test[AVERAGE][s] < f->test[LAST][s]);
    course_claim(c, "flat_is_good", agree == SEEDS, "Flatter minima generalise better.",
                 "Of average and last snapshot the flatter one has the smaller loss on new rows with %d of %d seeds.",
                 agree, SEEDS);
}

static void draw(course *c, const averaging_place *places, const averaging_place *averages)
{
    plot p;
    if (!course_picture(c, &p, "averaging", 900, 560,
                        "Sharpness and loss on new rows of every snapshot (dots) and of the average of their weights "
                        "(triangles), a colour a seed."))
        return;
    double rows[2 * SNAPSHOTS];
    for (int s = 0; s < SEEDS; s++) {
        for (int k = 0; k < SNAPSHOTS; k++) {
            rows[2 * k] = places[s * SNAPSHOTS + k].sharpness;
            rows[2 * k + 1] = places[s * SNAPSHOTS + k].test_loss;
        }
        course_data(c, &p, SNAPSHOTS, 2, rows);
        course_data(c, &p, 1, 2, (const double[]){averages[s].sharpness, averages[s].test_loss});
    }
    fprintf(p.script, "set xlabel 'sharpness: largest eigenvalue of the Hessian of the training loss'\n"
                      "set ylabel 'cross-entropy on new rows'\nset key outside right\nplot ");
    for (int s = 0; s < SEEDS; s++)
        fprintf(
            p.script,
            "'averaging.dat' index %d with points pointtype 7 pointsize 0.9 linecolor rgb '%s' title 'seed %llu', \\\n"
            "    'averaging.dat' index %d with points pointtype 9 pointsize 2.6 linecolor rgb '%s' title '  "
            "averaged'%s",
            2 * s, plot_colour[s], (unsigned long long)c->seed + (unsigned)s, 2 * s + 1, plot_colour[s],
            s + 1 < SEEDS ? ", \\\n    " : "\n");
    course_draw(c, &p);
}

static void run(course *c)
{
    figures f = {0};
    averaging_place places[SEEDS * SNAPSHOTS], averages[SEEDS];
    for (int s = 0; s < SEEDS && !reel_failed(c->reel); s++) measure(c, s, &f, places + s * SNAPSHOTS, &averages[s]);
    if (reel_failed(c->reel)) return;
    print_figures(c, &f);
    make_claims(c, &f);
    draw(c, places, averages);
}

const exercise exercise_averaging = {
    .name = "averaging",
    .text = "Average the weights of the last epochs (SWA), and measure how sharp the minimum is.",
    .lr = "0.3",
    .steps = "1200",
    .momentum = "0.9",
    .optimizer = "sgd",
    .seed = "42",
    .batch = "10",
    .meaning =
        "A network 2-16-1 on two moons, 200 rows with noise 0.3. The parameters at the end of the last 10 epochs are "
        "averaged. --seed is the first of six seeds.",
    .json =
        "last, mean_of_snapshots, average  of each, a number a seed: train_loss, test_loss, test_accuracy, sharpness\n"
        "sharpness_least, sharpness_most  of the snapshots, a number a seed\n"
        "snapshots_above  how many of the 10 snapshots are sharper than the average, a number a seed",
    .run = run,
};
