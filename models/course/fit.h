/* SPDX-License-Identifier: MIT
 *
 * What the lessons that train a network share: the network, how it is trained, and what comes of it.
 */
#ifndef COURSE_FIT_H
#define COURSE_FIT_H

#include <reel/reel.h>

/* How to train. */
typedef struct fit_recipe {
    const char *optimizer; /* a name that reel_optimizer_find knows */
    double lr;
    double momentum;       /* 0: the optimizer's own, of sgd 0 */
    int64_t epochs, batch; /* batch 0: all rows */
    uint64_t seed;         /* of the order of the rows */
    double clip_norm;      /* of the gradient; 0: none */
} fit_recipe;

/* A network in double and its parameters. */
typedef struct fit_net {
    reel_params *params;
    reel_module *module;
} fit_net;

/* A matrix of zeros in double; and one of standard normal numbers, numpy.random.randn(rows, columns). */
reel_array *fit_matrix(reel_context *reel, int64_t rows, int64_t columns);
reel_array *fit_normal(reel_context *reel, reel_rng *rng, int64_t rows, int64_t columns);
/* Its elements, row after row; NULL without an array. */
double *fit_elements(const reel_array *array);
/* The rows `take` (count) of a data set, as a data set of its own. */
reel_dataset fit_rows(reel_context *reel, const reel_dataset *from, const int64_t *take, int64_t count);

/* Two moons in double, of numpy.random.seed(seed). */
reel_dataset fit_moons(reel_context *reel, int64_t rows, double noise, uint64_t seed);
/* y = w . x + 0.5 z with x (features) and z standard normal: randn(rows, features), then randn(rows). */
reel_dataset fit_line_data(reel_context *reel, reel_rng *numpy, int64_t rows, int features, const double *w);

/* Linear layers between sizes[0], ..., sizes[count - 1] with the activation between them. */
fit_net fit_net_new(reel_context *reel, int count, const int *sizes, const char *activation, uint64_t seed);
/* The optimizer of a recipe. */
reel_optimizer *fit_optimizer(reel_params *params, const fit_recipe *how);
/* Tells a trainer the recipe's epochs, batch and seed, and returns it. */
reel_trainer *fit_set_up(reel_trainer *trainer, const fit_recipe *how);
/* A trainer with the recipe's optimizer, without files; the loss of the library, or a function of the program's. */
reel_trainer *fit_trainer_new(const fit_net *net, reel_dataset *data, reel_loss_of loss, const fit_recipe *how);
reel_trainer *fit_trainer_custom_new(const fit_net *net, reel_dataset *data, reel_loss_function loss, void *user,
                                     const fit_recipe *how);

/* Trains to the end of the recipe and tells the mean loss on `test`: INFINITY where a number is no longer finite, which
 * is a result here and no error. */
double fit_loss_after(const fit_net *net, reel_dataset *data, reel_dataset *test, reel_loss_of loss,
                      const fit_recipe *how);

/* What the network says of each row: (rows, outputs). */
reel_array *fit_predict(const fit_net *net, const reel_array *x);
/* Share of the rows whose logit is on the side of 0 that the label, 0 or 1, says. */
double fit_accuracy(const reel_array *logits, const reel_array *labels);
/* The loss of predictions. */
double fit_loss(reel_loss_of loss, reel_context *reel, const reel_array *prediction, const reel_array *target);

#endif
