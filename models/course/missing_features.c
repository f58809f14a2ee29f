/* SPDX-License-Identifier: MIT
 *
 * Imputation and indicators. To copy and change, with fit.h, messy.h and their files.
 *
 *     cc missing_features.c fit.c messy.c -o missing_features $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: nothing missing    accuracy 0.995  loss 0.022  from 1000 rows
 */
#include "missing_features.h"

#include <math.h>
#include <stdlib.h>

void missing_means(const reel_array *x, double *means)
{
    for (int64_t j = 0; j < x->shape[1]; j++) {
        double sum = 0;
        int64_t count = 0;
        for (int64_t i = j; i < x->size; i += x->shape[1])
            if (!isnan(fit_elements(x)[i])) sum += fit_elements(x)[i], count++;
        means[j] = count > 0 ? sum / (double)count : 0;
    }
}

reel_array *missing_fill(reel_context *reel, const reel_array *x, const double *means, bool indicators)
{
    int64_t columns = x->shape[1], width = indicators ? 2 * columns : columns;
    reel_array *filled = fit_matrix(reel, x->shape[0], width);
    for (int64_t i = 0; filled && i < x->size; i++) {
        double number = fit_elements(x)[i], *row = fit_elements(filled) + i / columns * width;
        row[i % columns] = isnan(number) ? means[i % columns] : number;
        if (indicators) row[columns + i % columns] = isnan(number);
    }
    return filled;
}

int64_t missing_complete(const reel_array *x, int64_t *take)
{
    int64_t columns = x->shape[1], count = 0;
    for (int64_t i = 0; i < x->shape[0]; i++) {
        bool whole = true;
        for (int64_t j = 0; j < columns; j++) whole = whole && !isnan(fit_elements(x)[i * columns + j]);
        if (whole) take[count++] = i;
    }
    return count;
}

missing_result missing_train(reel_context *reel, const noisy_data *data, const reel_array *holed,
                             const noisy_data *test, const reel_array *test_holed, missing_method method,
                             const fit_recipe *how)
{
    missing_result result = {0};
    int64_t columns = holed->shape[1], *take = calloc((size_t)data->rows, sizeof *take);
    double *fill = calloc((size_t)columns, sizeof *fill);
    bool indicators = method == MISSING_ZERO_INDICATOR || method == MISSING_MEAN_INDICATOR;
    reel_dataset set = {(reel_array *)(method == MISSING_NOTHING ? data->x : holed), data->clean};
    const reel_array *asked = method == MISSING_NOTHING ? test->x : test_holed;

    if (!take || !fill) goto done;
    if (method == MISSING_DROP) set = fit_rows(reel, &set, take, missing_complete(holed, take));
    if (reel_failed(reel)) goto done;
    if (method != MISSING_ZERO && method != MISSING_ZERO_INDICATOR) missing_means(set.x, fill);
    set.x = missing_fill(reel, set.x, fill, indicators);
    reel_array *filled = missing_fill(reel, asked, fill, indicators);
    if (reel_failed(reel)) goto done;

    fit_net net = fit_net_new(reel, 3, (const int[]){(int)set.x->shape[1], 16, 1}, "relu", how->seed);
    reel_trainer *trainer = fit_trainer_new(&net, &set, reel_bce_with_logits, how);
    reel_trainer_run(trainer);
    reel_array *logits = fit_predict(&net, filled);
    result = (missing_result){fit_accuracy(logits, test->clean),
                              fit_loss(reel_bce_with_logits, reel, logits, test->clean), set.x->shape[0]};
    reel_trainer_free(trainer);
    reel_array_free(filled);
    reel_array_free(set.x);
done:
    free(take);
    free(fill);
    return result;
}

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    static const char *const names[MISSING_METHODS] = {"rows dropped",     "mean",           "zero", "zero + indicator",
                                                       "mean + indicator", "nothing missing"};
    fit_recipe how = {.optimizer = "adam", .lr = 0.01, .epochs = 30, .batch = 50, .seed = 42};
    reel_context *reel = reel_context_new(NULL);
    reel_rng *numpy = reel_rng_numpy_new(reel, 42), *other = reel_rng_numpy_new(reel, 1042);
    noisy_data data = noisy_data_new(reel, numpy, 1000, 0.1), test = noisy_data_new(reel, other, 1000, 0.1);
    reel_array *holed = reel_array_cast(reel, REEL_DOUBLE, data.x);
    reel_array *test_holed = reel_array_cast(reel, REEL_DOUBLE, test.x);
    missing_take(holed, numpy, 0.05, false);
    missing_take(test_holed, other, 0.05, false);
    for (int m = 0; m < MISSING_METHODS && !reel_failed(reel); m++) {
        missing_result result = missing_train(reel, &data, holed, &test, test_holed, m, &how);
        printf("%-18s accuracy %.3f  loss %.3f  from %lld rows\n", names[m], result.accuracy, result.loss,
               (long long)result.rows);
    }

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
