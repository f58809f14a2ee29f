/* SPDX-License-Identifier: MIT
 *
 * Averages the last snapshots of a network and measures loss and sharpness of each and of their mean. To copy and
 * change, with fit.h and fit.c.
 *
 *     cc averaging.c fit.c -o averaging $(pkg-config --cflags --libs reel)
 *
 * Its last line: average      loss on new rows 0.2834  sharpness 0.3442
 */
#include "averaging.h"

static averaging_place look(reel_trainer *trainer, const fit_net *net, reel_dataset *train, const reel_dataset *test)
{
    reel_context *reel = reel_params_context(net->params);
    averaging_place place = {0};
    reel_array *logits = fit_predict(net, test->x);
    reel_curvature curvature = {0};
    reel_sharpness(trainer, NULL, &curvature);
    place.sharpness = curvature.largest.value;
    place.train_loss = reel_trainer_evaluate(trainer, train);
    place.test_loss = fit_loss(reel_bce_with_logits, reel, logits, test->y);
    place.test_accuracy = fit_accuracy(logits, test->y);
    reel_array_free(logits);
    return place;
}

averaging_place averaging_train(reel_context *reel, uint64_t seed, const averaging_options *options,
                                averaging_place *places)
{
    reel_dataset train = fit_moons(reel, options->rows, options->noise, seed);
    reel_dataset test = fit_moons(reel, options->test_rows, options->noise, seed + 1000);
    if (reel_failed(reel)) return (averaging_place){0};
    fit_net net = fit_net_new(reel, 3, (const int[]){2, 16, 1}, "tanh", seed);
    reel_trainer *trainer = fit_trainer_new(&net, &train, reel_bce_with_logits, &options->how);
    reel_average *average = reel_average_swa_new(net.params);

    int64_t first = options->how.epochs - options->snapshots;
    for (int k = 0; k < options->snapshots && !reel_failed(reel); k++) {
        reel_trainer_set(trainer, "epochs", (double)(first + k + 1));
        reel_trainer_run(trainer);
        reel_average_update(average);
        places[k] = look(trainer, &net, &train, &test);
    }
    reel_average_swap(average);
    averaging_place mean = look(trainer, &net, &train, &test);
    reel_average_free(average);
    reel_trainer_free(trainer);
    return mean;
}

#ifndef COURSE_NO_MAIN
#include <stdio.h>

int main(void)
{
    enum { SNAPSHOTS = 10 };
    averaging_options options = {
        .rows = 200,
        .test_rows = 1000,
        .noise = 0.3,
        .snapshots = SNAPSHOTS,
        .how = {.optimizer = "sgd", .lr = 0.3, .momentum = 0.9, .epochs = 60, .batch = 10, .seed = 42}};
    averaging_place places[SNAPSHOTS];
    reel_context *reel = reel_context_new(NULL);
    averaging_place mean = averaging_train(reel, 42, &options, places);
    for (int k = 0; k < SNAPSHOTS && !reel_failed(reel); k++)
        printf("snapshot %2d  loss on new rows %.4f  sharpness %.4f\n", k + 1, places[k].test_loss,
               places[k].sharpness);
    if (!reel_failed(reel))
        printf("average      loss on new rows %.4f  sharpness %.4f\n", mean.test_loss, mean.sharpness);

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
