/* SPDX-License-Identifier: MIT
 *
 * Rows in which numbers are missing.
 */
#ifndef COURSE_MISSING_FEATURES_H
#define COURSE_MISSING_FEATURES_H

#include "messy.h"

/* The mean of each column over the numbers that are there: means (columns). */
void missing_means(const reel_array *x, double *means);
/* A new matrix in which means[j] stands where a number of column j is missing; `indicators`: followed by as many
 * columns that say where, 1 or 0. */
reel_array *missing_fill(reel_context *reel, const reel_array *x, const double *means, bool indicators);
/* The rows without a gap: take (rows); returns how many. */
int64_t missing_complete(const reel_array *x, int64_t *take);

/* What can be done about gaps. Means are those of the training rows, for the test rows too. */
typedef enum missing_method {
    MISSING_DROP,           /* train on the rows without a gap; the test rows are filled with means */
    MISSING_MEAN,           /* the mean of the column */
    MISSING_ZERO,           /* 0 */
    MISSING_ZERO_INDICATOR, /* 0, and a column that says where */
    MISSING_MEAN_INDICATOR,
    MISSING_NOTHING, /* no remedy: what the data without gaps would give */
    MISSING_METHODS
} missing_method;

typedef struct missing_result {
    double accuracy, loss; /* on rows not trained on */
    int64_t rows;          /* trained on */
} missing_result;

/* Trains a network with 16 hidden units on the true labels of `data`, whose features are `holed`, and measures it on
 * the rows `test`, whose features are `test_holed`. */
missing_result missing_train(reel_context *reel, const noisy_data *data, const reel_array *holed,
                             const noisy_data *test, const reel_array *test_holed, missing_method method,
                             const fit_recipe *how);

#endif
