/* SPDX-License-Identifier: MIT
 *
 * A linear layer under a schedule. To copy and change, with fit.h and fit.c.
 *
 *     cc schedules.c fit.c -o schedules $(pkg-config --cflags --libs reel)
 *
 * Its last line: warmup:3,linear  0.011998 above the least squared error
 */
#include "schedules.h"

#include <math.h>

#define FEATURES 10

double schedules_train(reel_context *reel, const char *spec, const fit_recipe *how)
{
    static const double ones[FEATURES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    reel_dataset data = fit_line_data(reel, reel_rng_numpy_new(reel, how->seed), SCHEDULES_ROWS, FEATURES, ones);
    fit_net net = fit_net_new(reel, 2, (const int[]){FEATURES, 1}, "identity", how->seed);
    if (reel_failed(reel)) return NAN;
    reel_optimizer *optimizer = fit_optimizer(net.params, how);
    reel_trainer *trainer = reel_trainer_new(net.module, &data, reel_mse, optimizer);
    fit_set_up(trainer, how);
    reel_optimizer_set_schedule(optimizer, reel_schedule_parse(reel, spec, reel_trainer_steps(trainer)));
    reel_trainer_run(trainer);
    double reached = reel_trainer_evaluate(trainer, &data);
    reel_trainer_free(trainer);

    /* The least-squares solution: full batches and a rate below the limit, until nothing moves. */
    fit_recipe exact = {.optimizer = "sgd", .lr = 0.3, .momentum = 0, .epochs = 200};
    trainer = fit_trainer_new(&net, &data, reel_mse, &exact);
    reel_trainer_run(trainer);
    double least = reel_trainer_evaluate(trainer, &data);
    reel_trainer_free(trainer);
    return reached - least;
}

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    const char *const specs[] = {"constant", "step:8:0.1", "cosine:1e-6", "onecycle:0.1", "warmup:3,linear"};
    fit_recipe how = {.optimizer = "sgd", .lr = 0.1, .epochs = 1, .batch = 32, .seed = 42};
    reel_context *reel = reel_context_new(NULL);
    for (size_t i = 0; i < sizeof specs / sizeof *specs && !reel_failed(reel); i++)
        printf("%-16s %.6f above the least squared error\n", specs[i], schedules_train(reel, specs[i], &how));

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
