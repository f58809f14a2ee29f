/* SPDX-License-Identifier: MIT
 *
 * What to put where a number is missing.
 */
#include "seeds.h"

#include "missing_features.h"

#include <math.h>

#define ROWS 1000
#define TEST_ROWS 1000
#define NOISE 0.10

static const char *const names[] = {"dropped", "mean", "zero", "zero_indicator", "mean_indicator", "nothing_missing"};
static const char *const labels[] = {"rows dropped",     "mean",           "zero", "zero + indicator",
                                     "mean + indicator", "nothing missing"};

/* How numbers get lost. */
enum { LESSON, MANY, LARGE, SHIFTED, SCENES };
static const struct {
    const char *name, *text;
    double rate, shift;
    bool large;
} scenes[SCENES] = {
    {"lesson", "5 % at random, as in the lesson", 0.05, 0, false},
    {"many", "30 % at random", 0.3, 0, false},
    {"large", "30 %, always numbers above 0", 0.3, 0, true},
    {"shifted", "5 % at random, features with mean 3", 0.05, 3, false},
};

typedef struct figures {
    double accuracy[SCENES][MISSING_METHODS][SEEDS], loss[SCENES][MISSING_METHODS][SEEDS];
    double rows[SCENES][SEEDS];     /* without a gap */
    double mean_gap[SCENES][SEEDS]; /* largest distance of a column's mean from 0 */
} figures;

static noisy_data shifted_data(course *c, reel_rng *numpy, int64_t rows, double noise, double shift)
{
    noisy_data data = noisy_data_new(c->reel, numpy, rows, noise);
    for (int64_t i = 0; i < rows * MESSY_FEATURES && !reel_failed(c->reel); i++) fit_elements(data.x)[i] += shift;
    return data;
}

static void measure(course *c, int scene, int s, figures *f)
{
    uint64_t seed = c->seed + (uint64_t)s;
    reel_rng *numpy = reel_rng_numpy_new(c->reel, seed), *other = reel_rng_numpy_new(c->reel, seed + 1000);
    noisy_data data = shifted_data(c, numpy, ROWS, NOISE, scenes[scene].shift);
    noisy_data test = shifted_data(c, other, TEST_ROWS, NOISE, scenes[scene].shift);
    if (reel_failed(c->reel)) return;
    reel_array *holed = reel_array_cast(c->reel, REEL_DOUBLE, data.x);
    reel_array *test_holed = reel_array_cast(c->reel, REEL_DOUBLE, test.x);
    int64_t lost = missing_take(holed, numpy, scenes[scene].rate, scenes[scene].large), take[ROWS];
    missing_take(test_holed, other, scenes[scene].rate, scenes[scene].large);
    if (reel_failed(c->reel)) return;
    if (scene == LESSON && s == 0) {
        fprintf(c->table, "Noisy labels: %lld out of %d\nMissing values: %lld out of %d\n", (long long)data.flipped,
                ROWS, (long long)lost, ROWS * MESSY_FEATURES);
        json_add_whole(c->json, "missing", lost);
    }
    f->rows[scene][s] = (double)missing_complete(holed, take);
    double means[MESSY_FEATURES];
    missing_means(holed, means);
    for (int j = 0; j < MESSY_FEATURES; j++) f->mean_gap[scene][s] = fmax(f->mean_gap[scene][s], fabs(means[j]));
    fit_recipe how = seeds_recipe(c, c->lr.at[0], ROWS, s);
    for (int m = 0; m < MISSING_METHODS && !reel_failed(c->reel); m++) {
        missing_result r = missing_train(c->reel, &data, holed, &test, test_holed, m, &how);
        f->accuracy[scene][m][s] = r.accuracy;
        f->loss[scene][m][s] = r.loss;
    }
}

static void print_scene(course *c, int scene, const figures *f)
{
    char text[2][SEEDS_TEXT];
    fprintf(c->more, "%s%s (%s of %d rows are whole)\n%-18s %-26s %-26s\n", scene ? "\n" : "", scenes[scene].text,
            seeds_text(f->rows[scene], 3, text[0]), ROWS, "", "accuracy", "loss");
    cJSON *o = cJSON_AddObjectToObject(c->json, scenes[scene].name);
    seeds_json(o, "whole_rows", f->rows[scene]);
    for (int m = 0; m < MISSING_METHODS; m++) {
        fprintf(c->more, "%-18s %-26s %-26s\n", labels[m], seeds_text(f->accuracy[scene][m], 3, text[0]),
                seeds_text(f->loss[scene][m], 3, text[1]));
        cJSON *method = cJSON_AddObjectToObject(o, names[m]);
        seeds_json(method, "accuracy", f->accuracy[scene][m]);
        seeds_json(method, "loss", f->loss[scene][m]);
    }
}

/* "loss a, with b: ..." of two methods in a scene. */
static void compare(course *c, const figures *f, const char *name, int scene, missing_method with,
                    missing_method without, const char *claim)
{
    char text[2][SEEDS_TEXT];
    const double *a = f->loss[scene][with], *b = f->loss[scene][without];
    course_claim(c, name, seeds_compare(a, b) > 0, claim, "%s: loss %s with \"%s\", %s with \"%s\": %s.",
                 scenes[scene].text, seeds_text(a, 3, text[0]), labels[with], seeds_text(b, 3, text[1]),
                 labels[without], seeds_word(a, b));
}

static void make_claims(course *c, const figures *f)
{
    char text[4][SEEDS_TEXT];
    compare(c, f, "impute", LESSON, MISSING_MEAN, MISSING_DROP, "Filling in the mean beats dropping rows.");
    compare(c, f, "impute_many", MANY, MISSING_MEAN, MISSING_DROP,
            "Filling in the mean beats dropping rows where much is missing.");
    compare(c, f, "indicator", LESSON, MISSING_ZERO_INDICATOR, MISSING_MEAN,
            "Zero and an indicator of what is missing beat the mean.");
    compare(c, f, "indicator_many", MANY, MISSING_ZERO_INDICATOR, MISSING_MEAN,
            "Zero and an indicator beat the mean where much is missing.");
    compare(c, f, "indicator_large", LARGE, MISSING_ZERO_INDICATOR, MISSING_MEAN,
            "Zero and an indicator beat the mean where large numbers are missing.");
    const double *zero = f->loss[SHIFTED][MISSING_ZERO], *mean = f->loss[SHIFTED][MISSING_MEAN];
    course_claim(
        c, "zero", seeds_compare(zero, mean) >= 0, "A gap can be replaced by 0.",
        "In the lesson's data the means of the columns are within %.2f of 0, so that 0 is the mean (loss %s and "
        "%s). With means of %g it is not: loss %s with 0, %s with the mean: %s.",
        spread_of(f->mean_gap[LESSON]).most, seeds_text(f->loss[LESSON][MISSING_ZERO], 3, text[0]),
        seeds_text(f->loss[LESSON][MISSING_MEAN], 3, text[1]), scenes[SHIFTED].shift, seeds_text(zero, 3, text[2]),
        seeds_text(mean, 3, text[3]), seeds_word(zero, mean));
}

static void run(course *c)
{
    figures f = {0};
    for (int scene = 0; scene < SCENES; scene++)
        for (int s = 0; s < SEEDS && !reel_failed(c->reel); s++) measure(c, scene, s, &f);
    if (reel_failed(c->reel)) return;
    for (int scene = 0; scene < SCENES; scene++) print_scene(c, scene, &f);
    make_claims(c, &f);
    seeds_panel panels[SCENES];
    static const char *const titles[SCENES] = {"5 % at random", "30 % at random", "30 %, always above 0",
                                               "5 %, means of 3"};
    for (int scene = 0; scene < SCENES; scene++) panels[scene] = (seeds_panel){titles[scene], f.loss[scene][0], true};
    seeds_picture(
        c, "missing-features",
        "Cross-entropy on new rows with gaps of the same kind, a dot for each seed and a bar for their mean; a "
        "panel for each way in which numbers get lost.",
        MISSING_METHODS, labels, SCENES, panels);
}

const exercise exercise_missing_features = {
    .name = "missing-features",
    .text = "Train on rows with gaps: dropped, filled, and marked.",
    .lr = "0.01",
    .steps = "600",
    .momentum = "0",
    .optimizer = "adam",
    .seed = "42",
    .batch = "50",
    .meaning =
        "A network 10-16-1 (20-16-1 with indicators) on 1000 rows with true labels; what is put into the gaps of the "
        "test rows comes from the training rows. --seed is the first of six seeds.",
    .json =
        "missing  numbers lost with the first seed, 5 % at random\n"
        "lesson, many, large, shifted  of each way in which numbers get lost: whole_rows, and of each method (dropped, "
        "mean, zero, zero_indicator, mean_indicator, nothing_missing) accuracy and loss, a number a seed",
    .run = run,
};
