/* SPDX-License-Identifier: MIT
 *
 * What helps against wrong labels.
 */
#include "seeds.h"

#include "noisy_labels.h"

#include <math.h>

#define ROWS 1000
#define TEST_ROWS 1000
#define NOISE 0.10
#define FOLDS 5

static const char *const names[] = {"plain", "smoothing", "early_stopping", "mixup", "suspects_removed", "true_labels"};
static const char *const labels[] = {"plain training", "label smoothing",  "early stopping",
                                     "mixup",          "suspects removed", "true labels"};

/* Over seeds, a row for each method. */
typedef struct figures {
    double accuracy[NOISY_METHODS][SEEDS], loss[NOISY_METHODS][SEEDS], learned[NOISY_METHODS][SEEDS];
    double epochs[NOISY_METHODS][SEEDS];
    double caught[SEEDS]; /* of the wrong labels, among as many suspects */
} figures;

static noisy_options options_of(const course *c, int s)
{
    return (noisy_options){
        .how = seeds_recipe(c, c->lr.at[0], ROWS, s), .epsilon = 0.1, .alpha = 0.4, .suspects = NOISE};
}

/* Of the wrong labels, the share among the first suspects, as many as there are. */
static double share_caught(course *c, const noisy_data *data, const noisy_options *options)
{
    int64_t order[ROWS], hits = 0;
    noisy_rank(c->reel, data, &options->how, FOLDS, order);
    for (int64_t k = 0; k < data->flipped && !reel_failed(c->reel); k++)
        hits += fit_elements(data->noisy)[order[k]] != fit_elements(data->clean)[order[k]];
    return data->flipped ? (double)hits / (double)data->flipped : 0;
}

static void measure(course *c, int s, figures *f)
{
    noisy_data data = noisy_data_new(c->reel, reel_rng_numpy_new(c->reel, c->seed + (uint64_t)s), ROWS, NOISE);
    noisy_data test = noisy_data_new(c->reel, reel_rng_numpy_new(c->reel, c->seed + 1000 + (uint64_t)s), TEST_ROWS, 0);
    noisy_options options = options_of(c, s);
    if (s == 0) {
        fprintf(c->table, "Noisy labels: %lld out of %d\n", (long long)data.flipped, ROWS);
        json_add_whole(c->json, "flipped", data.flipped);
    }
    for (int m = 0; m < NOISY_METHODS && !reel_failed(c->reel); m++) {
        noisy_result r = noisy_train(c->reel, &data, &test, m, &options);
        f->accuracy[m][s] = r.accuracy;
        f->loss[m][s] = r.loss;
        f->learned[m][s] = r.learned;
        f->epochs[m][s] = (double)r.epochs;
    }
    f->caught[s] = share_caught(c, &data, &options);
}

static void print_figures(course *c, const figures *f)
{
    fprintf(c->more, "Over %d seeds: mean (least to most)\n%-18s %-26s %-26s %-24s\n", SEEDS, "",
            "accuracy, true labels", "loss, true labels", "wrong labels learned");
    for (int m = 0; m < NOISY_METHODS; m++) {
        char text[3][SEEDS_TEXT];
        fprintf(c->more, "%-18s %-26s %-26s %-24s\n", labels[m], seeds_text(f->accuracy[m], 3, text[0]),
                seeds_text(f->loss[m], 3, text[1]), seeds_text(f->learned[m], 3, text[2]));
        cJSON *o = cJSON_AddObjectToObject(c->json, names[m]);
        seeds_json(o, "accuracy", f->accuracy[m]);
        seeds_json(o, "loss", f->loss[m]);
        seeds_json(o, "learned", f->learned[m]);
        seeds_json(o, "epochs", f->epochs[m]);
    }
    seeds_json(c->json, "caught", f->caught);
}

static void claim_of_method(course *c, const figures *f, noisy_method m, const char *name, const char *claim)
{
    char text[2][SEEDS_TEXT];
    const double *plain = f->accuracy[NOISY_PLAIN], *with = f->accuracy[m];
    course_claim(c, name, seeds_compare(plain, with) > 0, claim, "Accuracy on true labels %s, without it %s: %s.",
                 seeds_text(with, 3, text[0]), seeds_text(plain, 3, text[1]),
                 seeds_compare(plain, with) == 0  ? "no difference found"
                 : seeds_compare(plain, with) > 0 ? "better with every seed"
                                                  : "worse with every seed");
}

static void draw_memory(course *c)
{
    noisy_data data = noisy_data_new(c->reel, reel_rng_numpy_new(c->reel, c->seed), ROWS, NOISE);
    noisy_data test = noisy_data_new(c->reel, reel_rng_numpy_new(c->reel, c->seed + 1000), TEST_ROWS, 0);
    noisy_options options = options_of(c, 0);
    int64_t epochs = options.how.epochs;
    double *accuracy = course_numbers(c, epochs), *learned = course_numbers(c, epochs);
    noisy_memory(c->reel, &data, &test, &options.how, accuracy, learned);
    int best = 0;
    for (int k = 1; k < epochs; k++)
        if (accuracy[k] > accuracy[best]) best = k;
    json_add_numbers(c->json, "accuracy_by_epoch", accuracy, epochs, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "learned_by_epoch", learned, epochs, REEL_DOUBLE, NULL);
    json_add_whole(c->json, "best_epoch", best + 1);
    course_claim(c, "clean_first", accuracy[best] > accuracy[epochs - 1] && learned[best] < learned[epochs - 1],
                 "Networks learn the clean pattern first, so that stopping early helps.",
                 "The accuracy on true labels is largest after epoch %d of %lld, %.1f %%, when %.0f %% of the wrong "
                 "labels are given back; at the end it is %.1f %%, and %.0f %% are.",
                 best + 1, (long long)epochs, 100 * accuracy[best], 100 * learned[best], 100 * accuracy[epochs - 1],
                 100 * learned[epochs - 1]);
    chart lines = {.title = "Plain training on labels of which a tenth is wrong",
                   .kind = "quantity",
                   .x = "epoch",
                   .x_label = "epoch",
                   .y = {"share of rows"},
                   .panels = 1};
    for (int k = 0; k < 2; k++) {
        series *s = chart_add(&lines, k ? "wrong labels given back" : "right on new rows with true labels");
        for (int64_t e = 0; s && e < epochs; e++) series_add(&lines, s, (double)(e + 1), &(k ? learned : accuracy)[e]);
    }
    course_chart(c, &lines, "noisy-labels",
                 "Plain training, epoch by epoch: the share of new rows that it gets right, and the share of the wrong "
                 "labels that it gives back.");
}

static void run(course *c)
{
    figures f = {0};
    for (int s = 0; s < SEEDS && !reel_failed(c->reel); s++) measure(c, s, &f);
    if (reel_failed(c->reel)) return;
    print_figures(c, &f);
    reel_array hard = reel_array_view(REEL_DOUBLE, (double[]){0, 1}, 1, (const int64_t[]){2});
    reel_array *soft = smooth_labels(c->reel, &hard, 0.1);
    if (!soft) return;
    json_add_numbers(c->json, "smoothed", fit_elements(soft), 2, REEL_DOUBLE, NULL);
    char low[NUMBER_SIZE], high[NUMBER_SIZE];
    fprintf(c->more, "label smoothing of 0 and 1: %s %s\n", number_text(fit_elements(soft)[0], REEL_DOUBLE, low),
            number_text(fit_elements(soft)[1], REEL_DOUBLE, high));

    claim_of_method(c, &f, NOISY_SMOOTHING, "smoothing", "Label smoothing makes up for wrong labels.");
    claim_of_method(c, &f, NOISY_EARLY_STOPPING, "early_stopping", "Early stopping makes up for wrong labels.");
    claim_of_method(c, &f, NOISY_MIXUP, "mixup", "Mixup makes up for wrong labels.");
    claim_of_method(c, &f, NOISY_SUSPECTS, "suspects",
                    "Finding the wrong labels by their loss and leaving them out helps.");
    char text[SEEDS_TEXT];
    course_claim(c, "identified", spread_of(f.caught).least > 0.95, "Confident learning identifies the noisy samples.",
                 "Of the wrong labels %s are among as many rows with the largest loss out of fold; chance finds %.2f.",
                 seeds_text(f.caught, 2, text), NOISE);
    draw_memory(c);
    seeds_picture(
        c, "noisy-labels-methods",
        "A dot for each seed, a bar for their mean. Left: accuracy on rows with true labels. Right: share of the "
        "wrong labels that the network gives back.",
        NOISY_METHODS, labels, 2,
        (const seeds_panel[]){{"accuracy on true labels", f.accuracy[0], false},
                              {"share of wrong labels learned", f.learned[0], false}});
}

const exercise exercise_noisy_labels = {
    .name = "noisy-labels",
    .text = "Train on labels of which a tenth is wrong, with four remedies.",
    .lr = "0.01",
    .steps = "1200",
    .momentum = "0",
    .optimizer = "adam",
    .seed = "42",
    .batch = "50",
    .meaning = "A network 10-32-1 on 1000 rows. --seed is the first of six seeds.",
    .json = "flipped  labels turned round with the first seed\n"
            "smoothed  what label smoothing makes of 0 and 1\n"
            "plain, smoothing, early_stopping, mixup, suspects_removed, true_labels  of each method, a number a seed: "
            "accuracy and loss on new rows with true labels, share of the wrong labels learned, epochs\n"
            "caught  share of the wrong labels among as many suspects, a number a seed\n"
            "accuracy_by_epoch, learned_by_epoch, best_epoch  of plain training with the first seed",
    .run = run,
};
