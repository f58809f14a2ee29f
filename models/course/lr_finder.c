/* SPDX-License-Identifier: MIT
 *
 * A rate that grows, and the limit that the curvature sets. To copy and change, with fit.h, houses.h and their files.
 *
 *     cc lr_finder.c fit.c houses.c -o lr_finder $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: stops at 1.08832 after 171 updates; steepest at 0.00475744; stable up to 0.184927
 */
#include "lr_finder.h"

#include <math.h>

int lr_finder_sweep(reel_context *reel, reel_dataset *data, const fit_recipe *how, double first, double factor,
                    double stop, int most, double *rate, double *loss)
{
    fit_net net = houses_line(reel);
    reel_optimizer *optimizer = fit_optimizer(net.params, how);
    reel_tape *tape = reel_tape_new(reel, REEL_DOUBLE);
    double least = INFINITY, next = first;
    int count = 0;
    while (count < most && !reel_failed(reel)) {
        reel_tape_rewind(tape);
        reel_value now = reel_mse(reel_forward(net.module, reel_input(tape, data->x)), reel_input(tape, data->y));
        reel_backward(now);
        reel_optimizer_set(optimizer, "lr", next);
        if (reel_optimizer_step(optimizer) != REEL_OK) break;
        rate[count] = next;
        loss[count] = reel_item(now);
        least = fmin(least, loss[count]);
        next *= factor;
        if (!(loss[count++] <= stop * least)) break;
    }
    reel_tape_free(tape);
    return count;
}

double lr_finder_steepest(int count, const double *rate, const double *loss)
{
    double steepest = INFINITY, where = NAN;
    for (int i = 0; i < count; i++) {
        int left = i > 0 ? i - 1 : 0, right = i + 1 < count ? i + 1 : count - 1;
        double slope = (loss[right] - loss[left]) / (log(rate[right]) - log(rate[left]));
        if (slope >= steepest) continue;
        steepest = slope;
        where = rate[i];
    }
    return where;
}

double lr_finder_train(reel_context *reel, reel_dataset *data, const fit_recipe *how)
{
    fit_net net = houses_line(reel);
    return fit_loss_after(&net, data, data, reel_mse, how);
}

double lr_finder_limit(reel_context *reel, reel_dataset *data, const fit_recipe *how)
{
    fit_net net = houses_line(reel);
    reel_trainer *trainer = fit_trainer_new(&net, data, reel_mse, how);
    reel_curvature curvature = {0};
    reel_sharpness(trainer, NULL, &curvature);
    reel_trainer_free(trainer);
    return curvature.limit;
}

reel_lr_test *lr_finder_library(reel_context *reel, reel_dataset *data, const fit_recipe *how)
{
    fit_net net = houses_line(reel);
    reel_trainer *trainer = fit_trainer_new(&net, data, reel_mse, how);
    reel_lr_test *test = reel_lr_find(trainer, NULL);
    reel_trainer_free(trainer);
    return test;
}

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    double rate[400], loss[400];
    fit_recipe how = {.optimizer = "sgd", .lr = 0.01, .epochs = 100};
    reel_context *reel = reel_context_new(NULL);
    reel_dataset houses = houses_new(reel, false);
    int count = lr_finder_sweep(reel, &houses, &how, 1e-7, 1.1, 4, 400, rate, loss);
    double limit = lr_finder_limit(reel, &houses, &how);
    if (!reel_failed(reel))
        printf("stops at %g after %d updates; steepest at %g; stable up to %g\n", rate[count - 1], count,
               lr_finder_steepest(count, rate, loss), limit);

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
