/* SPDX-License-Identifier: MIT
 *
 * Making, training and measuring a network.
 */
#include "fit.h"

#include <math.h>
#include <string.h>

reel_array *fit_matrix(reel_context *reel, int64_t rows, int64_t columns)
{
    return reel_array_new(reel, REEL_DOUBLE, 2, (const int64_t[]){rows, columns});
}

reel_array *fit_normal(reel_context *reel, reel_rng *rng, int64_t rows, int64_t columns)
{
    reel_array *array = fit_matrix(reel, rows, columns);
    reel_rng_normal(rng, array, 0, 1);
    return array;
}

double *fit_elements(const reel_array *array)
{
    return array ? array->data : NULL;
}

static void take_rows(reel_array *to, const reel_array *from, const int64_t *take, int64_t count)
{
    if (!to) return;
    size_t width = (size_t)from->shape[1];
    for (int64_t i = 0; i < count; i++)
        memcpy(fit_elements(to) + (size_t)i * width, fit_elements(from) + (size_t)take[i] * width,
               width * sizeof(double));
}

reel_dataset fit_rows(reel_context *reel, const reel_dataset *from, const int64_t *take, int64_t count)
{
    reel_dataset part = {fit_matrix(reel, count, from->x->shape[1]), fit_matrix(reel, count, from->y->shape[1])};
    take_rows(part.x, from->x, take, count);
    take_rows(part.y, from->y, take, count);
    return part;
}

reel_dataset fit_moons(reel_context *reel, int64_t rows, double noise, uint64_t seed)
{
    reel_dataset data = {0}, *floats = reel_moons_new(reel, rows, noise, reel_rng_numpy_new(reel, seed));
    if (floats) {
        data.x = reel_array_cast(reel, REEL_DOUBLE, floats->x);
        data.y = reel_array_cast(reel, REEL_DOUBLE, floats->y);
    }
    reel_dataset_free(floats);
    return data;
}

reel_dataset fit_line_data(reel_context *reel, reel_rng *numpy, int64_t rows, int features, const double *w)
{
    reel_dataset data = {fit_normal(reel, numpy, rows, features), fit_normal(reel, numpy, rows, 1)};
    for (int64_t i = 0; i < rows && !reel_failed(reel); i++) {
        double *y = fit_elements(data.y) + i;
        *y *= 0.5;
        for (int j = 0; j < features; j++) *y += w[j] * fit_elements(data.x)[i * features + j];
    }
    return data;
}

fit_net fit_net_new(reel_context *reel, int count, const int *sizes, const char *activation, uint64_t seed)
{
    fit_net net = {.params = reel_params_new(reel, REEL_DOUBLE)};
    net.module = reel_mlp_new(net.params, "net", count, sizes, activation, reel_rng_torch_new(reel, seed));
    return net;
}

reel_optimizer *fit_optimizer(reel_params *params, const fit_recipe *how)
{
    reel_optimizer *optimizer = reel_optimizer_new(params, reel_optimizer_find(how->optimizer));
    reel_optimizer_set(optimizer, "lr", how->lr);
    if (how->momentum != 0) reel_optimizer_set(optimizer, "momentum", how->momentum);
    reel_optimizer_set(optimizer, "clip_norm", how->clip_norm);
    return optimizer;
}

reel_trainer *fit_set_up(reel_trainer *trainer, const fit_recipe *how)
{
    reel_trainer_set(trainer, "epochs", (double)how->epochs);
    reel_trainer_set(trainer, "batch", (double)how->batch);
    reel_trainer_set(trainer, "seed", (double)how->seed);
    return trainer;
}

reel_trainer *fit_trainer_new(const fit_net *net, reel_dataset *data, reel_loss_of loss, const fit_recipe *how)
{
    return fit_set_up(reel_trainer_new(net->module, data, loss, fit_optimizer(net->params, how)), how);
}

reel_trainer *fit_trainer_custom_new(const fit_net *net, reel_dataset *data, reel_loss_function loss, void *user,
                                     const fit_recipe *how)
{
    return fit_set_up(reel_trainer_custom_new(fit_optimizer(net->params, how), net->module, data, loss, user), how);
}

double fit_loss_after(const fit_net *net, reel_dataset *data, reel_dataset *test, reel_loss_of loss,
                      const fit_recipe *how)
{
    reel_context *reel = reel_params_context(net->params);
    if (reel_failed(reel)) return NAN;
    reel_trainer *trainer = fit_trainer_new(net, data, loss, how);
    reel_trainer_run(trainer);
    double value = reel_trainer_evaluate(trainer, test);
    if (reel_error_status(reel) == REEL_NOT_FINITE) reel_error_clear(reel);
    reel_trainer_free(trainer);
    return isfinite(value) ? value : INFINITY;
}

reel_array *fit_predict(const fit_net *net, const reel_array *x)
{
    reel_context *reel = reel_params_context(net->params);
    reel_tape *tape = reel_tape_new(reel, REEL_DOUBLE);
    reel_tape_set_gradients(tape, false);
    reel_tape_set_training(tape, false);
    reel_array said = reel_data(reel_forward(net->module, reel_input(tape, x)));
    reel_array *copy = said.data ? reel_array_cast(reel, REEL_DOUBLE, &said) : NULL;
    reel_tape_free(tape);
    return copy;
}

double fit_accuracy(const reel_array *logits, const reel_array *labels)
{
    if (!logits) return 0;
    int64_t right = 0;
    for (int64_t i = 0; i < logits->size; i++)
        right += (reel_array_get(logits, i) > 0) == (reel_array_get(labels, i) > 0.5);
    return (double)right / (double)logits->size;
}

double fit_loss(reel_loss_of loss, reel_context *reel, const reel_array *prediction, const reel_array *target)
{
    reel_tape *tape = reel_tape_new(reel, REEL_DOUBLE);
    double value = prediction ? reel_item(loss("fit_loss", reel_input(tape, prediction), reel_input(tape, target))) : 0;
    reel_tape_free(tape);
    return value;
}
