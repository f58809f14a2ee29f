/* SPDX-License-Identifier: MIT
 *
 * `reel train`: the models it knows, one row each.
 */
#include "options.h"

#include <string.h>

static const command models[] = {
    {"two-moons", "A small network that tells two interleaved half circles apart.", train_two_moons},
    {"csv", "A network on a table of your own, a CSV file: classes or numbers.", train_csv},
    {NULL, NULL, NULL},
};

/* `reel train --csv FILE` is `reel train csv --csv FILE`. */
static bool names_table(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] != '-') return false;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--csv") == 0 || strncmp(argv[i], "--csv=", 6) == 0) return true;
    return false;
}

int command_train(int argc, char **argv)
{
    if (names_table(argc, argv)) return train_csv(argc, argv);
    return command_of_model(models, "reel train", "Trains a built-in model.",
                            "reel train two-moons --compare --out out", argc, argv);
}
