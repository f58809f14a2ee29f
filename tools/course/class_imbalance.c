/* SPDX-License-Identifier: MIT
 *
 * A class with one row in a hundred.
 */
#include "seeds.h"

#include "class_imbalance.h"

#include <math.h>

#define ROWS 10000
#define POSITIVES 100
#define WEIGHT 99.0
#define GAMMA 2.0
#define DISTANCE 2.0

static const char *const names[] = {"plain", "weights", "oversampling", "smote", "undersampling", "focal"};
static const char *const labels[] = {"plain", "class weights 1:99", "oversampling",
                                     "SMOTE", "undersampling",      "focal loss, gamma 2"};

/* The fields of imbalance_result by name, in its order. */
enum { PRECISION, RECALL, F1, MOVED_F1, THRESHOLD, RANKING, MEAN, LOSS, FIELDS };
static const char *const fields[] = {"precision",         "recall",           "f1",  "moved_f1", "threshold",
                                     "average_precision", "mean_probability", "loss"};

typedef struct figures {
    double at[FIELDS][IMBALANCE_METHODS][SEEDS];
} figures;

static void measure(course *c, int s, figures *f)
{
    uint64_t seed = c->seed + (uint64_t)s;
    reel_dataset data = imbalance_data(c->reel, reel_rng_numpy_new(c->reel, seed), ROWS, POSITIVES, DISTANCE);
    reel_dataset test = imbalance_data(c->reel, reel_rng_numpy_new(c->reel, seed + 1000), ROWS, POSITIVES, DISTANCE);
    if (reel_failed(c->reel)) return;
    if (s == 0) {
        int64_t ones = imbalance_positives(&data);
        fprintf(c->table, "Class distribution: [%lld  %lld]\n", (long long)(ROWS - ones), (long long)ones);
    }
    fit_recipe how = seeds_recipe(c, c->lr.at[0], ROWS, s);
    for (int m = 0; m < IMBALANCE_METHODS && !reel_failed(c->reel); m++) {
        imbalance_result r = imbalance_train(c->reel, &data, &test, m, WEIGHT, GAMMA, &how);
        const double all[] = {r.precision,         r.recall,           r.f1,  r.moved_f1, r.threshold,
                              r.average_precision, r.mean_probability, r.loss};
        for (int k = 0; k < FIELDS; k++) f->at[k][m][s] = all[k];
    }
}

static void print_figures(course *c, const figures *f)
{
    fprintf(c->more, "Mean over %d seeds, on %d new rows\n%-20s", SEEDS, ROWS, "");
    static const char *const heads[] = {"precision", "recall",   "F1",     "F1 moved",
                                        "threshold", "avg prec", "mean p", "loss"};
    for (int k = 0; k < FIELDS; k++) fprintf(c->more, " %9s", heads[k]);
    fprintf(c->more, "\n");
    for (int m = 0; m < IMBALANCE_METHODS; m++) {
        cJSON *o = cJSON_AddObjectToObject(c->json, names[m]);
        fprintf(c->more, "%-20s", labels[m]);
        for (int k = 0; k < FIELDS; k++) {
            fprintf(c->more, " %9.4f", spread_of(f->at[k][m]).mean);
            seeds_json(o, fields[k], f->at[k][m]);
        }
        fprintf(c->more, "\n");
    }
    fprintf(c->more,
            "\nF1 moved: at the threshold whose F1 on the training rows is largest; mean p: mean probability, "
            "where %g is right\n",
            (double)POSITIVES / ROWS);
}

static void print_focal(course *c)
{
    static const double probability[] = {0.01, 0.1, 0.5, 0.9, 0.99}, gamma[] = {0, 2, 5};
    double values[15];
    fprintf(c->more, "\nfocal loss of a positive example, gamma = 0, 2, 5\n");
    for (int i = 0; i < 5; i++) {
        fprintf(c->more, "  p=%-5g", probability[i]);
        for (int k = 0; k < 3; k++) {
            values[3 * i + k] = focal_value(c->reel, 1, probability[i], gamma[k]);
            fprintf(c->more, " %.6f", values[3 * i + k]);
        }
        fprintf(c->more, "\n");
    }
    json_add_numbers(c->json, "focal_loss", values, 15, REEL_DOUBLE, NULL);
    course_claim(c, "easy", values[3 * 3 + 1] / values[3 * 3] < 0.05 && values[1] / values[0] > 0.5,
                 "Focal loss focuses on hard examples and ignores easy ones.",
                 "gamma 2 leaves %.2g of the loss of a positive example at p = 0.9, %.2g at 0.5 and %.2g at 0.01.",
                 values[10] / values[9], values[7] / values[6], values[1] / values[0]);
}

/* How many remedies rank better than plain training with every seed, and their names. */
static int better_ranking(const figures *f, char list[200])
{
    int better = 0;
    size_t used = 0;
    list[0] = '\0';
    for (int m = 1; m < IMBALANCE_METHODS; m++) {
        int found = seeds_compare(f->at[RANKING][IMBALANCE_PLAIN], f->at[RANKING][m]);
        better += found > 0;
        used += (size_t)snprintf(list + used, used < 200 ? 200 - used : 0, "%s%s %s", used ? ", " : "", labels[m],
                                 found > 0   ? "better"
                                 : found < 0 ? "worse"
                                             : "no difference found");
        if (used > 199) used = 199;
    }
    return better;
}

static void make_claims(course *c, const figures *f)
{
    char text[4][SEEDS_TEXT], list[200];
    const double *plain = f->at[RECALL][IMBALANCE_PLAIN], *weighted = f->at[RECALL][IMBALANCE_WEIGHTS];
    course_claim(c, "recall", seeds_compare(plain, weighted) > 0, "A weight of 99 for the rare class finds more of it.",
                 "Recall %s instead of %s, but precision %s instead of %s.", seeds_text(weighted, 3, text[0]),
                 seeds_text(plain, 3, text[1]), seeds_text(f->at[PRECISION][IMBALANCE_WEIGHTS], 3, text[2]),
                 seeds_text(f->at[PRECISION][IMBALANCE_PLAIN], 3, text[3]));
    int better = better_ranking(f, list);
    course_claim(c, "ranking", better == IMBALANCE_METHODS - 1, "The remedies make a better classifier.",
                 "By average precision, for which no threshold matters: %s.", list);
    const double *moved = f->at[MOVED_F1][IMBALANCE_PLAIN], *other = f->at[MOVED_F1][IMBALANCE_WEIGHTS];
    course_claim(
        c, "threshold", seeds_compare(moved, other) > 0, "Weights do what a moved threshold cannot.",
        "F1 of plain training with its threshold moved to %s: %s; of class weights with theirs moved to %s: %s: "
        "%s.",
        seeds_text(f->at[THRESHOLD][IMBALANCE_PLAIN], 2, text[0]), seeds_text(moved, 3, text[1]),
        seeds_text(f->at[THRESHOLD][IMBALANCE_WEIGHTS], 2, text[2]), seeds_text(other, 3, text[3]),
        seeds_word(moved, other));
    const double *mean = f->at[MEAN][IMBALANCE_WEIGHTS];
    course_claim(c, "probability", spread_of(mean).most < 2 * (double)POSITIVES / ROWS,
                 "With class weights the output can still be read as a probability.",
                 "On average it says %s where %g is right, plain training %s.", seeds_text(mean, 3, text[0]),
                 (double)POSITIVES / ROWS, seeds_text(f->at[MEAN][IMBALANCE_PLAIN], 3, text[1]));
    const double *copies = f->at[RANKING][IMBALANCE_OVERSAMPLE], *synthetic = f->at[RANKING][IMBALANCE_SMOTE];
    course_claim(c, "smote", seeds_compare(copies, synthetic) > 0, "SMOTE is how to oversample.",
                 "Average precision %s, of plain copies %s: %s.", seeds_text(synthetic, 3, text[0]),
                 seeds_text(copies, 3, text[1]),
                 seeds_compare(copies, synthetic) > 0   ? "better with every seed"
                 : seeds_compare(copies, synthetic) < 0 ? "worse with every seed"
                                                        : "no difference found");
}

static void run(course *c)
{
    figures f = {0};
    for (int s = 0; s < SEEDS && !reel_failed(c->reel); s++) measure(c, s, &f);
    if (reel_failed(c->reel)) return;
    print_figures(c, &f);
    print_focal(c);
    make_claims(c, &f);
    seeds_picture(
        c, "class-imbalance",
        "On new rows, a dot for each seed and a bar for their mean: what is found at the threshold 1/2, how much "
        "of what is found is right, the ranking, and the mean probability, where 0.01 is right.",
        IMBALANCE_METHODS, labels, 4,
        (const seeds_panel[]){{"recall", f.at[RECALL][0], false},
                              {"precision", f.at[PRECISION][0], false},
                              {"average precision", f.at[RANKING][0], false},
                              {"mean probability", f.at[MEAN][0], true}});
}

const exercise exercise_class_imbalance = {
    .name = "class-imbalance",
    .text = "Find the one row in a hundred: weights, sampling, SMOTE, focal loss.",
    .lr = "0.01",
    .steps = "1200",
    .momentum = "0",
    .optimizer = "adam",
    .seed = "42",
    .batch = "100",
    .meaning = "A network 2-16-1; every method makes as many updates. The lesson has labels only: the features are two "
               "islands of the rare class in a sea of the other. --seed is the first of six seeds.",
    .json =
        "plain, weights, oversampling, smote, undersampling, focal  of each method, a number a seed, on new rows: "
        "precision, recall, f1 at the threshold 1/2; moved_f1 at the threshold that is best on the training rows, and "
        "threshold; average_precision; mean_probability; loss\n"
        "focal_loss  of a positive example: p = 0.01, 0.1, 0.5, 0.9, 0.99, each with gamma = 0, 2, 5",
    .run = run,
};
