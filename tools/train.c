/* SPDX-License-Identifier: MIT
 *
 * `reel train`: the models it knows, one row each.
 */
#include "options.h"

static const command models[] = {
    {"two-moons", "A small network that tells two interleaved half circles apart.", train_two_moons},
    {NULL, NULL, NULL},
};

int command_train(int argc, char **argv)
{
    return command_of_model(models, "reel train", "Trains a built-in model.",
                            "reel train two-moons --compare --out out", argc, argv);
}
