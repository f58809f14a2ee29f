/* SPDX-License-Identifier: MIT
 *
 * A twentieth of the rows far off.
 */
#include "seeds.h"

#include "outliers.h"

#include <math.h>
#include <stdlib.h>

#define ROWS 1000
#define SHARE 0.05
#define DELTA 1.0

static const double size_of[OUTLIER_KINDS] = {20, 10};
static const char *const kind_names[OUTLIER_KINDS] = {"target", "features"};
static const char *const kind_texts[OUTLIER_KINDS] = {"the target 20 too large",
                                                      "the features in another unit, 10 times"};
static const char *const names[] = {"mse", "mse_clipped", "huber", "l1"};
static const char *const labels[] = {"mean squared error", "the same, clipped to 1", "Huber, delta 1",
                                     "absolute error"};

typedef struct figures {
    double distance[OUTLIER_KINDS][OUTLIER_METHODS][SEEDS]; /* of the weights from the truth */
    double clean[SEEDS];                                    /* without outliers, mean squared error */
    double share[OUTLIER_KINDS][SEEDS];                     /* of the sum of the gradient norms that is the outliers' */
    double found[OUTLIER_KINDS][SEEDS]; /* share of the outliers among as many of the largest norms */
} figures;

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Gradient norms of the samples where Huber's loss has led. */
static void weigh(course *c, const reel_dataset *data, const double *weights, outlier_kind kind, int s, figures *f,
                  double *norms)
{
    double sorted[ROWS], all = 0, theirs = 0;
    int hits = 0, outliers = 0;
    outlier_norms(c->reel, data, weights, norms);
    for (int i = 0; i < ROWS; i++) {
        sorted[i] = norms[i];
        all += norms[i];
        if (outlier_row(i, SHARE)) outliers++, theirs += norms[i];
    }
    qsort(sorted, ROWS, sizeof *sorted, descending);
    for (int i = 0; i < ROWS; i++) hits += outlier_row(i, SHARE) && norms[i] >= sorted[outliers - 1];
    f->share[kind][s] = theirs / all;
    f->found[kind][s] = (double)hits / outliers;
}

static void measure(course *c, int s, figures *f, double *norms)
{
    uint64_t seed = c->seed + (uint64_t)s;
    fit_recipe how = seeds_recipe(c, c->lr.at[0], ROWS, s);
    double weights[OUTLIER_FEATURE_COUNT];
    reel_dataset clean = outlier_data(c->reel, reel_rng_numpy_new(c->reel, seed), ROWS, 0, 0, OUTLIER_TARGET);
    if (reel_failed(c->reel)) return;
    f->clean[s] = outlier_train(c->reel, &clean, OUTLIER_MSE, DELTA, &how, weights);
    for (int k = 0; k < OUTLIER_KINDS; k++) {
        reel_dataset data = outlier_data(c->reel, reel_rng_numpy_new(c->reel, seed), ROWS, SHARE, size_of[k], k);
        double huber[OUTLIER_FEATURE_COUNT] = {0};
        for (int m = 0; m < OUTLIER_METHODS && !reel_failed(c->reel); m++) {
            f->distance[k][m][s] = outlier_train(c->reel, &data, m, DELTA, &how, weights);
            for (int j = 0; m == OUTLIER_HUBER && j < OUTLIER_FEATURE_COUNT; j++) huber[j] = weights[j];
        }
        if (!reel_failed(c->reel)) weigh(c, &data, huber, k, s, f, norms + (s ? 0 : k * ROWS));
    }
}

static void print_figures(course *c, const figures *f)
{
    char text[2][SEEDS_TEXT];
    fprintf(c->more, "Distance of the weights from (2, -1.5, 0.5), %g %% of %d rows far off, over %d seeds\n%-24s",
            100 * SHARE, ROWS, SEEDS, "");
    for (int k = 0; k < OUTLIER_KINDS; k++) fprintf(c->more, " %-40s", kind_texts[k]);
    fprintf(c->more, "\n");
    for (int m = 0; m < OUTLIER_METHODS; m++)
        fprintf(c->more, "%-24s %-40s %-40s\n", labels[m], seeds_text(f->distance[0][m], 3, text[0]),
                seeds_text(f->distance[1][m], 3, text[1]));
    fprintf(c->more, "without outliers, mean squared error: %s\n", seeds_text(f->clean, 3, text[0]));
    fprintf(c->more, "\nGradient of each sample, at Huber's weights\n");
    for (int k = 0; k < OUTLIER_KINDS; k++)
        fprintf(c->more, "%-40s share of all norms %s, found among the largest %s\n", kind_texts[k],
                seeds_text(f->share[k], 3, text[0]), seeds_text(f->found[k], 3, text[1]));
    seeds_json(c->json, "clean", f->clean);
    for (int k = 0; k < OUTLIER_KINDS; k++) {
        cJSON *o = cJSON_AddObjectToObject(c->json, kind_names[k]);
        for (int m = 0; m < OUTLIER_METHODS; m++) seeds_json(o, names[m], f->distance[k][m]);
        seeds_json(o, "share", f->share[k]);
        seeds_json(o, "found", f->found[k]);
    }
}

static void make_claims(course *c, const figures *f)
{
    char text[4][SEEDS_TEXT];
    course_claim(
        c, "dominate", spread_of(f->share[0]).least > 0.5, "Outliers can dominate the gradient.",
        "%g %% of the rows have %s of the sum of all gradient norms where the target is off, %s where the features "
        "are.",
        100 * SHARE, seeds_text(f->share[0], 2, text[0]), seeds_text(f->share[1], 2, text[1]));
    const double *mse = f->distance[0][OUTLIER_MSE], *clipped = f->distance[0][OUTLIER_CLIPPED];
    const double *huber = f->distance[0][OUTLIER_HUBER];
    course_claim(c, "clipping", seeds_compare(clipped, mse) > 0, "Gradient clipping is a safety net.",
                 "Target off: the weights end %s from the truth with clipping, %s without: %s.",
                 seeds_text(clipped, 2, text[0]), seeds_text(mse, 2, text[1]), seeds_word(clipped, mse));
    course_claim(c, "huber", seeds_compare(huber, mse) > 0, "Huber's loss bounds what an outlier can do.",
                 "Target off: %s from the truth, squared error %s, without outliers %s.", seeds_text(huber, 2, text[0]),
                 seeds_text(mse, 2, text[1]), seeds_text(f->clean, 2, text[2]));
    /* The gradient of a sample is its residual, which Huber bounds, times its features, which nothing does. */
    const double *leverage = f->distance[1][OUTLIER_HUBER];
    course_claim(c, "leverage", spread_of(leverage).most < 0.1, "Huber's loss makes up for outliers of any kind.",
                 "Features off: %s from the truth, without outliers %s.", seeds_text(leverage, 2, text[0]),
                 seeds_text(f->clean, 2, text[1]));
    course_claim(
        c, "norms", spread_of(f->found[0]).least > 0.9 && spread_of(f->found[1]).least > 0.9,
        "Monitoring gradient norms finds the outliers.",
        "Of the outliers %s (target) and %s (features) are among as many samples with the largest gradient norm.",
        seeds_text(f->found[0], 3, text[0]), seeds_text(f->found[1], 3, text[1]));
}

/* How many samples have a gradient norm in each of the bins of equal width on a logarithmic scale. */
static void draw(course *c, const double *norms)
{
    plot p;
    enum { BINS = 40 };
    if (!course_picture(
            c, &p, "outliers", 1100, 460,
            "Gradient norms of the samples, the ordinary ones and the outliers, at the weights that Huber's "
            "loss has found with the first seed. Left: target off. Right: features off."))
        return;
    for (int k = 0; k < OUTLIER_KINDS; k++) {
        double bins[BINS][3] = {{0}};
        for (int b = 0; b < BINS; b++) bins[b][0] = pow(10, -2.9 + 0.15 * b + 0.075);
        for (int i = 0; i < ROWS; i++) {
            int b = norms[k * ROWS + i] > 0 ? (int)floor((log10(norms[k * ROWS + i]) + 2.9) / 0.15) : 0;
            bins[b < 0 ? 0 : b >= BINS ? BINS - 1 : b][outlier_row(i, SHARE) ? 2 : 1]++;
        }
        course_data(c, &p, BINS, 3, bins[0]);
    }
    fprintf(p.script,
            "set logscale x\nset format x '%%g'\nset xrange [0.001:2000]\nset xlabel 'gradient norm of a sample'\n"
            "set ylabel 'samples'\nset style fill solid 0.8 noborder\nset key top left\n"
            "set multiplot layout 1,2\n");
    for (int k = 0; k < OUTLIER_KINDS; k++)
        fprintf(p.script,
                "set title '%s'\nplot 'outliers.dat' index %d using 1:2:($1*0.3) with boxes linecolor rgb '%s' title "
                "'others', \\\n    'outliers.dat' index %d using 1:3:($1*0.3) with boxes linecolor rgb '%s' title "
                "'outliers'\nset ylabel ''\n",
                kind_texts[k], k, plot_colour[0], k, plot_colour[1]);
    fprintf(p.script, "unset multiplot\n");
    course_draw(c, &p);
}

static void run(course *c)
{
    figures f = {0};
    double *norms = course_numbers(c, OUTLIER_KINDS * ROWS), *further = course_numbers(c, ROWS);
    for (int s = 0; s < SEEDS && !reel_failed(c->reel); s++) measure(c, s, &f, s ? further : norms);
    if (reel_failed(c->reel)) return;
    print_figures(c, &f);
    make_claims(c, &f);
    draw(c, norms);
    seeds_picture(
        c, "outliers-methods", "Distance of the weights from the truth, a dot for each seed and a bar for their mean.",
        OUTLIER_METHODS, labels, 2,
        (const seeds_panel[]){{"target off", f.distance[0][0], true}, {"features off", f.distance[1][0], true}});
}

const exercise exercise_outliers = {
    .name = "outliers",
    .text = "Fit a line where a row in twenty is far off: Huber's loss, clipping, gradient norms of the samples.",
    .lr = "0.01",
    .steps = "640",
    .momentum = "0",
    .optimizer = "sgd",
    .seed = "42",
    .batch = "32",
    .meaning = "The data are those of mini-batch. --seed is the first of six seeds.",
    .json =
        "clean  distance of the weights from the truth without outliers, a number a seed\n"
        "target, features  of each kind of outlier, a number a seed: the distance with mse, mse_clipped, huber, l1; "
        "share of all gradient norms that is the outliers'; found among as many of the largest norms",
    .run = run,
};
