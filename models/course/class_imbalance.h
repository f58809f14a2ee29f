/* SPDX-License-Identifier: MIT
 *
 * One row in a hundred is of the class that is looked for.
 */
#ifndef COURSE_CLASS_IMBALANCE_H
#define COURSE_CLASS_IMBALANCE_H

#include "fit.h"

/* The lesson's labels: the first `positives` of `rows` are 1, the others 0. It has no features; here they are
 * numpy.random.randn(rows, 2), to which a positive row has `distance` added in both, every other one subtracted: two
 * islands in a sea, which no straight line cuts out. */
reel_dataset imbalance_data(reel_context *reel, reel_rng *numpy, int64_t rows, int64_t positives, double distance);
int64_t imbalance_positives(const reel_dataset *data);

/* The rows of class 1 again and again, drawn with replacement, until the classes are equal. */
reel_dataset oversample(reel_context *reel, const reel_dataset *data, uint64_t seed);
/* SMOTE (Chawla et al., JAIR 16, 2002): new rows x + u (x' - x) of class 1, x' one of the `neighbours` nearest to x
 * within the class and u uniform, until the classes are equal. */
reel_dataset smote(reel_context *reel, const reel_dataset *data, int neighbours, uint64_t seed);
/* As many rows of class 0 as there are of class 1, drawn without replacement. */
reel_dataset undersample(reel_context *reel, const reel_dataset *data, uint64_t seed);

/* The lesson's focal loss of one prediction, recorded on a tape: gamma 2 and eps 1e-8 are its defaults (Lin et al.,
 * ICCV 2017). */
double focal_value(reel_context *reel, double label, double probability, double gamma);

typedef enum imbalance_method {
    IMBALANCE_PLAIN,
    IMBALANCE_WEIGHTS,
    IMBALANCE_OVERSAMPLE,
    IMBALANCE_SMOTE,
    IMBALANCE_UNDERSAMPLE,
    IMBALANCE_FOCAL,
    IMBALANCE_METHODS
} imbalance_method;

/* Measured on `test`. A row counts as positive where its probability is above the threshold. */
typedef struct imbalance_result {
    double precision, recall, f1; /* threshold 1/2; precision 0 where no row counts as positive */
    double moved_f1;              /* at the threshold whose F1 on the training rows is largest */
    double threshold;             /* that one */
    double average_precision;     /* of the ranking: the thresholds do not matter */
    double mean_probability;      /* what the network says on average; share of positives: 1 % */
    double loss;                  /* cross-entropy, against which probabilities are honest */
} imbalance_result;

/* Trains a network 2-16-1 with one remedy; `weight` is that of class 1, `gamma` that of focal loss. */
imbalance_result imbalance_train(reel_context *reel, const reel_dataset *data, const reel_dataset *test,
                                 imbalance_method method, double weight, double gamma, const fit_recipe *how);

#endif
