/* SPDX-License-Identifier: MIT
 *
 * Weights, more and fewer rows, SMOTE and focal loss for a rare class. To copy and change, with fit.h and fit.c.
 *
 *     cc class_imbalance.c fit.c -o class_imbalance $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: focal loss     precision 0.864  recall 0.190  average precision 0.425  mean probability 0.058
 */
#include "class_imbalance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEIGHBOURS_MOST 32

reel_dataset imbalance_data(reel_context *reel, reel_rng *numpy, int64_t rows, int64_t positives, double distance)
{
    reel_dataset data = {fit_normal(reel, numpy, rows, 2), fit_matrix(reel, rows, 1)};
    for (int64_t i = 0; i < positives && !reel_failed(reel); i++) {
        fit_elements(data.y)[i] = 1;
        for (int j = 0; j < 2; j++) fit_elements(data.x)[2 * i + j] += i % 2 ? -distance : distance;
    }
    return data;
}

/* The rows of a class: take (all rows); returns how many. */
static int64_t rows_of_class(const reel_dataset *data, double label, int64_t *take)
{
    int64_t count = 0;
    for (int64_t i = 0; i < data->y->size; i++)
        if (fit_elements(data->y)[i] == label) {
            if (take) take[count] = i;
            count++;
        }
    return count;
}

int64_t imbalance_positives(const reel_dataset *data)
{
    return data->y ? rows_of_class(data, 1, NULL) : 0;
}

static int64_t below(reel_rng *rng, int64_t n)
{
    return (int64_t)(reel_rng_uniform_one(rng) * (double)n);
}

reel_dataset oversample(reel_context *reel, const reel_dataset *data, uint64_t seed)
{
    reel_rng *rng = reel_rng_philox_new(reel, seed, "oversample");
    int64_t rows = data->y->size, ones = imbalance_positives(data), total = ones > 0 ? 2 * (rows - ones) : rows;
    int64_t *take = calloc((size_t)(total + rows), sizeof *take), *own = take + total;
    reel_dataset more = {0};
    if (take) {
        rows_of_class(data, 1, own);
        for (int64_t i = 0; i < total; i++) take[i] = i < rows ? i : own[below(rng, ones)];
        more = fit_rows(reel, data, take, total);
    }
    free(take);
    return more;
}

/* The rows nearest to row `from` among `own` (count): near (at most `most`); returns how many. */
static int nearest(const double *x, int64_t columns, const int64_t *own, int64_t count, int64_t from, int most,
                   int64_t *near)
{
    double distance[NEIGHBOURS_MOST];
    int found = 0;
    for (int64_t k = 0; k < count; k++) {
        if (own[k] == from) continue;
        double d = 0;
        for (int64_t j = 0; j < columns; j++) d += pow(x[own[k] * columns + j] - x[from * columns + j], 2);
        int place = found < most ? found++ : most;
        for (; place > 0 && distance[place - 1] > d; place--)
            if (place < most) distance[place] = distance[place - 1], near[place] = near[place - 1];
        if (place < most) distance[place] = d, near[place] = own[k];
    }
    return found;
}

reel_dataset smote(reel_context *reel, const reel_dataset *data, int neighbours, uint64_t seed)
{
    reel_rng *rng = reel_rng_philox_new(reel, seed, "smote");
    int64_t rows = data->y->size, columns = data->x->shape[1], near[NEIGHBOURS_MOST];
    int64_t *own = calloc((size_t)rows, sizeof *own), ones = own ? rows_of_class(data, 1, own) : 0;
    reel_dataset more = oversample(reel, data, seed);
    for (int64_t i = rows; ones > 1 && more.x && more.y && i < more.y->size; i++) {
        int64_t from = own[(i - rows) % ones];
        int found = nearest(fit_elements(data->x), columns, own, ones, from,
                            neighbours < NEIGHBOURS_MOST ? neighbours : NEIGHBOURS_MOST, near);
        const double *x = fit_elements(data->x) + from * columns,
                     *other = fit_elements(data->x) + near[below(rng, found)] * columns;
        double u = reel_rng_uniform_one(rng);
        for (int64_t j = 0; j < columns; j++) fit_elements(more.x)[i * columns + j] = x[j] + u * (other[j] - x[j]);
    }
    free(own);
    return more;
}

reel_dataset undersample(reel_context *reel, const reel_dataset *data, uint64_t seed)
{
    int64_t rows = data->y->size, *take = calloc(3 * (size_t)rows, sizeof *take);
    reel_dataset fewer = {0};
    if (take) {
        int64_t *zeros = take + rows, *order = zeros + rows, ones = rows_of_class(data, 1, take);
        int64_t others = rows_of_class(data, 0, zeros);
        reel_rng_permutation(reel_rng_philox_new(reel, seed, "undersample"), others, order);
        for (int64_t k = 0; k < ones && k < others; k++) take[ones + k] = zeros[order[k]];
        fewer = fit_rows(reel, data, take, ones + (ones < others ? ones : others));
    }
    free(take);
    return fewer;
}

double focal_value(reel_context *reel, double label, double probability, double gamma)
{
    reel_tape *tape = reel_tape_new(reel, REEL_DOUBLE);
    double value =
        reel_item(reel_focal(reel_scalar(tape, probability), reel_scalar(tape, label), gamma, 1e-8, REEL_MEAN));
    reel_tape_free(tape);
    return value;
}

/* The losses: that of a batch's logits with a weight for class 1, and the focal loss of its probabilities. */
typedef struct loss_options {
    reel_module *module;
    double weight, gamma;
} loss_options;

static reel_value weighted_loss(const reel_batch *batch, void *user)
{
    const loss_options *o = user;
    return reel_bce_with_logits_weighted(reel_forward(o->module, batch->x), batch->y, REEL_NIL,
                                         reel_scalar(batch->tape, o->weight), REEL_MEAN);
}

static reel_value focal_loss(const reel_batch *batch, void *user)
{
    const loss_options *o = user;
    return reel_focal(reel_sigmoid(reel_forward(o->module, batch->x)), batch->y, o->gamma, 1e-8, REEL_MEAN);
}

/* ---- measures ---- */

typedef struct ranked {
    double logit, label;
} ranked;

static int by_logit(const void *a, const void *b)
{
    double x = ((const ranked *)a)->logit, y = ((const ranked *)b)->logit;
    return (x < y) - (x > y);
}

static double f1_of(double hits, double said, double ones)
{
    return hits > 0 ? 2 * hits / (said + ones) : 0;
}

/* Rows by falling logit; NULL without memory. The caller's to free. */
static ranked *rank(const reel_array *logits, const reel_array *labels)
{
    ranked *list = logits ? calloc((size_t)logits->size, sizeof *list) : NULL;
    if (!list) return NULL;
    for (int64_t i = 0; i < logits->size; i++) list[i] = (ranked){fit_elements(logits)[i], fit_elements(labels)[i]};
    qsort(list, (size_t)logits->size, sizeof *list, by_logit);
    return list;
}

/* The logit above which F1 is largest. */
static double best_threshold(const reel_array *logits, const reel_dataset *data)
{
    ranked *list = rank(logits, data->y);
    double ones = (double)imbalance_positives(data), hits = 0, best = -1, threshold = 0;
    for (int64_t i = 0; list && i + 1 < logits->size; i++) {
        hits += list[i].label;
        if (list[i + 1].logit == list[i].logit || f1_of(hits, (double)(i + 1), ones) <= best) continue;
        best = f1_of(hits, (double)(i + 1), ones);
        threshold = (list[i].logit + list[i + 1].logit) / 2;
    }
    free(list);
    return threshold;
}

static imbalance_result measure(reel_context *reel, const fit_net *net, const reel_dataset *data,
                                const reel_dataset *test)
{
    imbalance_result result = {0};
    reel_array *own = fit_predict(net, data->x), *logits = fit_predict(net, test->x);
    ranked *list = rank(logits, test->y);
    if (!list || reel_failed(reel)) goto done;
    double cut = best_threshold(own, data), ones = (double)imbalance_positives(test), seen = 0;
    double hits[2] = {0}, said[2] = {0};
    for (int64_t i = 0; i < logits->size; i++) {
        for (int k = 0; k < 2; k++) {
            if (list[i].logit <= (k ? cut : 0)) continue;
            said[k]++;
            hits[k] += list[i].label;
        }
        seen += list[i].label;
        if (list[i].label > 0) result.average_precision += seen / (double)(i + 1) / ones;
        result.mean_probability += 1 / (1 + exp(-list[i].logit)) / (double)logits->size;
    }
    result.precision = said[0] > 0 ? hits[0] / said[0] : 0;
    result.recall = hits[0] / ones;
    result.f1 = f1_of(hits[0], said[0], ones);
    result.moved_f1 = f1_of(hits[1], said[1], ones);
    result.threshold = 1 / (1 + exp(-cut));
    result.loss = fit_loss(reel_bce_with_logits, reel, logits, test->y);
done:
    free(list);
    reel_array_free(own);
    reel_array_free(logits);
    return result;
}

imbalance_result imbalance_train(reel_context *reel, const reel_dataset *data, const reel_dataset *test,
                                 imbalance_method method, double weight, double gamma, const fit_recipe *how)
{
    fit_net net = fit_net_new(reel, 3, (const int[]){2, 16, 1}, "relu", how->seed);
    loss_options options = {net.module, weight, gamma};
    reel_dataset set = *data;
    if (method == IMBALANCE_OVERSAMPLE) set = oversample(reel, data, how->seed);
    if (method == IMBALANCE_SMOTE) set = smote(reel, data, 5, how->seed);
    if (method == IMBALANCE_UNDERSAMPLE) set = undersample(reel, data, how->seed);
    if (reel_failed(reel) || !set.x || !set.y) return (imbalance_result){0};

    fit_recipe same = *how; /* as many updates, up to an epoch, whatever the number of rows */
    same.epochs = how->epochs * data->y->size / set.y->size;
    if (same.epochs < 1) same.epochs = 1;
    reel_trainer *trainer =
        method == IMBALANCE_WEIGHTS ? fit_trainer_custom_new(&net, &set, weighted_loss, &options, &same)
        : method == IMBALANCE_FOCAL ? fit_trainer_custom_new(&net, &set, focal_loss, &options, &same)
                                    : fit_trainer_new(&net, &set, reel_bce_with_logits, &same);
    reel_trainer_run(trainer);
    reel_trainer_free(trainer);
    imbalance_result result = measure(reel, &net, data, test);
    if (set.x != data->x) {
        reel_array_free(set.x);
        reel_array_free(set.y);
    }
    return result;
}

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    static const char *const names[IMBALANCE_METHODS] = {"plain", "weights",       "oversampling",
                                                         "SMOTE", "undersampling", "focal loss"};
    fit_recipe how = {.optimizer = "adam", .lr = 0.01, .epochs = 16, .batch = 100, .seed = 42};
    reel_context *reel = reel_context_new(NULL);
    reel_dataset data = imbalance_data(reel, reel_rng_numpy_new(reel, 42), 10000, 100, 2);
    reel_dataset test = imbalance_data(reel, reel_rng_numpy_new(reel, 1042), 10000, 100, 2);
    for (int m = 0; m < IMBALANCE_METHODS && !reel_failed(reel); m++) {
        imbalance_result result = imbalance_train(reel, &data, &test, m, 99, 2, &how);
        printf("%-14s precision %.3f  recall %.3f  average precision %.3f  mean probability %.3f\n", names[m],
               result.precision, result.recall, result.average_precision, result.mean_probability);
    }

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
