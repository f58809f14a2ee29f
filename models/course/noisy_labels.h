/* SPDX-License-Identifier: MIT
 *
 * Labels of which a tenth is wrong.
 */
#ifndef COURSE_NOISY_LABELS_H
#define COURSE_NOISY_LABELS_H

#include "messy.h"

/* y (1 - epsilon) + epsilon / 2, in a new matrix (Szegedy et al., CVPR 2016, for two classes). */
reel_array *smooth_labels(reel_context *reel, const reel_array *labels, double epsilon);

/* What can be done about wrong labels. */
typedef enum noisy_method {
    NOISY_PLAIN,
    NOISY_SMOOTHING,
    NOISY_EARLY_STOPPING,
    NOISY_MIXUP,
    NOISY_SUSPECTS,
    NOISY_CLEAN, /* no remedy: what the true labels would give */
    NOISY_METHODS
} noisy_method;

/* What came of it, measured on rows with true labels that were not trained on. */
typedef struct noisy_result {
    double accuracy, loss; /* there */
    double learned;        /* share of the wrong labels that the network gives back */
    int64_t epochs;        /* trained; of early stopping fewer */
    int64_t removed;       /* rows left out as suspects */
} noisy_result;

typedef struct noisy_options {
    fit_recipe how;
    double epsilon;  /* of smoothing */
    double alpha;    /* of mixup: weights from Beta(alpha, alpha) */
    double suspects; /* share of the rows taken for wrong */
} noisy_options;

/* Trains a network 10-32-1 on the noisy labels with one remedy and measures it on `test`. */
noisy_result noisy_train(reel_context *reel, const noisy_data *data, const noisy_data *test, noisy_method method,
                         const noisy_options *options);
/* Ranks the rows by the loss that a network of `folds` cross-validation has on the row it was not trained on, largest
 * first, the idea of confident learning (Northcutt et al., JAIR 70, 2021): order (rows). */
void noisy_rank(reel_context *reel, const noisy_data *data, const fit_recipe *how, int folds, int64_t *order);
/* After each epoch of plain training: accuracy on true labels, and the share of the wrong labels given back; both
 * (epochs). */
void noisy_memory(reel_context *reel, const noisy_data *data, const noisy_data *test, const fit_recipe *how,
                  double *accuracies, double *learned);

#endif
