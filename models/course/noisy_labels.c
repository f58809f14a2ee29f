/* SPDX-License-Identifier: MIT
 *
 * Smoothing, early stopping, mixup and loss-ranked suspects against wrong labels. To copy and change, with fit.h,
 * messy.h and their files.
 *
 *     cc noisy_labels.c fit.c messy.c -o noisy_labels $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: true labels        accuracy 0.986  loss 0.033  wrong labels learned 0.000
 */
#include "noisy_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int sizes[] = {MESSY_FEATURES, 32, 1};

reel_array *smooth_labels(reel_context *reel, const reel_array *labels, double epsilon)
{
    reel_array *soft = reel_array_cast(reel, REEL_DOUBLE, labels);
    for (int64_t i = 0; soft && i < soft->size; i++)
        fit_elements(soft)[i] = fit_elements(soft)[i] * (1 - epsilon) + 0.5 * epsilon;
    return soft;
}

/* A number from Beta(alpha, alpha) as Johnk's method has it: u^(1/alpha) / (u^(1/alpha) + v^(1/alpha)) where the sum is
 * at most 1. */
static double beta(reel_rng *rng, double alpha)
{
    for (;;) {
        double u = pow(reel_rng_uniform_one(rng), 1 / alpha), v = pow(reel_rng_uniform_one(rng), 1 / alpha);
        if (u + v > 0 && u + v <= 1) return u / (u + v);
    }
}

/* Mixup (Zhang et al., ICLR 2018): every row of the batch with another one of it, lambda x + (1 - lambda) x', and so
 * its label; one lambda a batch. Here the batch is mixed with its own reverse, which is as random as the batch. */
typedef struct mixing {
    reel_module *module;
    reel_rng *rng;
    double alpha;
} mixing;

static reel_value mix(reel_value value, double lambda)
{
    return reel_add(reel_mul_scalar(value, lambda), reel_mul_scalar(reel_flip(value, 1, (const int[]){0}), 1 - lambda));
}

static reel_value mixup_loss(const reel_batch *batch, void *user)
{
    const mixing *m = user;
    double lambda = beta(m->rng, m->alpha);
    return reel_bce_with_logits(reel_forward(m->module, mix(batch->x, lambda)), mix(batch->y, lambda));
}

/* The rows whose number modulo `folds` is `fold`, or the others. */
static int64_t fold_rows(int64_t rows, int folds, int fold, bool inside, int64_t *take)
{
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++)
        if ((i % folds == fold) == inside) take[count++] = i;
    return count;
}

typedef struct suspect {
    double loss;
    int64_t row;
} suspect;

static int by_loss(const void *a, const void *b)
{
    const suspect *x = a, *y = b;
    return x->loss != y->loss ? (x->loss < y->loss) - (x->loss > y->loss) : (x->row > y->row) - (x->row < y->row);
}

void noisy_rank(reel_context *reel, const noisy_data *data, const fit_recipe *how, int folds, int64_t *order)
{
    reel_dataset all = {data->x, data->noisy};
    suspect *list = calloc((size_t)data->rows, sizeof *list);
    for (int fold = 0; list && fold < folds && !reel_failed(reel); fold++) {
        reel_dataset train = fit_rows(reel, &all, order, fold_rows(data->rows, folds, fold, false, order));
        int64_t held = fold_rows(data->rows, folds, fold, true, order);
        reel_dataset rest = fit_rows(reel, &all, order, held);
        fit_net net = fit_net_new(reel, 3, sizes, "relu", how->seed);
        reel_trainer_run(fit_trainer_new(&net, &train, reel_bce_with_logits, how));
        reel_array *logits = fit_predict(&net, rest.x);
        for (int64_t k = 0; k < held && !reel_failed(reel); k++) {
            double z = fit_elements(logits)[k], sign = fit_elements(rest.y)[k] > 0.5 ? 1 : -1;
            list[order[k]] = (suspect){log1p(exp(-fabs(z))) + fmax(0, -sign * z), order[k]};
        }
    }
    if (list) qsort(list, (size_t)data->rows, sizeof *list, by_loss);
    for (int64_t i = 0; list && i < data->rows; i++) order[i] = list[i].row;
    free(list);
}

static noisy_result measure(reel_context *reel, const fit_net *net, const noisy_data *data, const noisy_data *test)
{
    noisy_result result = {0};
    reel_array *logits = fit_predict(net, test->x), *own = fit_predict(net, data->x);
    if (reel_failed(reel)) return result;
    result.accuracy = fit_accuracy(logits, test->clean);
    result.loss = fit_loss(reel_bce_with_logits, reel, logits, test->clean);
    for (int64_t i = 0; i < data->rows; i++)
        if (fit_elements(data->noisy)[i] != fit_elements(data->clean)[i])
            result.learned += (fit_elements(own)[i] > 0) == (fit_elements(data->noisy)[i] > 0.5);
    if (data->flipped > 0) result.learned /= (double)data->flipped;
    reel_array_free(logits);
    reel_array_free(own);
    return result;
}

noisy_result noisy_train(reel_context *reel, const noisy_data *data, const noisy_data *test, noisy_method method,
                         const noisy_options *options)
{
    const fit_recipe *how = &options->how;
    fit_net net = fit_net_new(reel, 3, sizes, "relu", how->seed);
    reel_dataset set = {data->x, method == NOISY_CLEAN ? data->clean : data->noisy}, validation;
    int64_t *take = calloc((size_t)data->rows, sizeof *take), removed = 0;
    reel_trainer *trainer = NULL;
    mixing mixed = {net.module, reel_rng_philox_new(reel, how->seed, "mixup"), options->alpha};

    if (method == NOISY_SMOOTHING) set.y = smooth_labels(reel, set.y, options->epsilon);
    if (method == NOISY_EARLY_STOPPING && take) { /* a fifth of the rows, with their noisy labels, decides */
        validation =
            fit_rows(reel, &(reel_dataset){data->x, data->noisy}, take, fold_rows(data->rows, 5, 0, true, take));
        set = fit_rows(reel, &(reel_dataset){data->x, data->noisy}, take, fold_rows(data->rows, 5, 0, false, take));
    }
    if (method == NOISY_SUSPECTS && take) {
        noisy_rank(reel, data, how, 5, take);
        removed = (int64_t)(options->suspects * (double)data->rows);
        set = fit_rows(reel, &set, take + removed, data->rows - removed);
    }
    trainer = method == NOISY_MIXUP ? fit_trainer_custom_new(&net, &set, mixup_loss, &mixed, how)
                                    : fit_trainer_new(&net, &set, reel_bce_with_logits, how);
    if (method == NOISY_EARLY_STOPPING) {
        reel_trainer_set(trainer, "patience", 3);
        reel_trainer_set_validation(trainer, &validation);
    }
    reel_trainer_run(trainer);
    noisy_result result = measure(reel, &net, data, test);
    int64_t per_epoch = how->epochs > 0 ? reel_trainer_steps(trainer) / how->epochs : 0;
    result.epochs = per_epoch > 0 ? reel_trainer_step(trainer) / per_epoch : 0;
    result.removed = removed;
    reel_trainer_free(trainer);
    free(take);
    return result;
}

void noisy_memory(reel_context *reel, const noisy_data *data, const noisy_data *test, const fit_recipe *how,
                  double *accuracies, double *learned)
{
    reel_dataset set = {data->x, data->noisy};
    fit_net net = fit_net_new(reel, 3, sizes, "relu", how->seed);
    reel_trainer *trainer = fit_trainer_new(&net, &set, reel_bce_with_logits, how);
    for (int64_t epoch = 0; epoch < how->epochs; epoch++) {
        reel_trainer_set(trainer, "epochs", (double)(epoch + 1));
        reel_trainer_run(trainer);
        noisy_result now = measure(reel, &net, data, test);
        accuracies[epoch] = now.accuracy;
        learned[epoch] = now.learned;
    }
    reel_trainer_free(trainer);
}

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    static const char *const names[NOISY_METHODS] = {"plain", "smoothing",        "early stopping",
                                                     "mixup", "suspects removed", "true labels"};
    noisy_options options = {.how = {.optimizer = "adam", .lr = 0.01, .epochs = 60, .batch = 50, .seed = 42},
                             .epsilon = 0.1,
                             .alpha = 0.4,
                             .suspects = 0.1};
    reel_context *reel = reel_context_new(NULL);
    noisy_data data = noisy_data_new(reel, reel_rng_numpy_new(reel, 42), 1000, 0.1);
    noisy_data test = noisy_data_new(reel, reel_rng_numpy_new(reel, 1042), 1000, 0);
    for (int m = 0; m < NOISY_METHODS && !reel_failed(reel); m++) {
        noisy_result result = noisy_train(reel, &data, &test, m, &options);
        printf("%-18s accuracy %.3f  loss %.3f  wrong labels learned %.3f\n", names[m], result.accuracy, result.loss,
               result.learned);
    }

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
