/* SPDX-License-Identifier: MIT
 *
 * `reel train`: the models it knows, one row each.
 */
#include "options.h"

#include <string.h>

static const command models[] = {
    {"two-moons", "A small network that tells two interleaved half circles apart.", train_two_moons},
    {NULL, NULL, NULL},
};

static void print_models(FILE *file)
{
    fprintf(file, "\nmodels (each has a --help of its own):\n");
    for (const command *m = models; m->name; m++) fprintf(file, "  %-10s %s\n", m->name, m->text);
}

int command_train(int argc, char **argv)
{
    const option_group groups[] = {{"flags", NULL, 0}};
    const option_set set = {.command = "reel train",
                            .operands = "MODEL",
                            .least = 1,
                            .most = 1,
                            .text = "Trains a built-in model.",
                            .example = "reel train two-moons --compare --out out",
                            .groups = groups,
                            .group_count = 1,
                            .more = print_models};
    if (argc < 2 || argv[1][0] == '-') {
        int first = options_parse(&set, NULL, argc, argv);
        return finish_output(set.command, first < 0 ? -1 - first : option_fail(&set, "the model comes first"));
    }
    const command *found = command_find(models, argv[1]);
    if (!found) return command_unknown(set.command, "model", models, argv[1]);
    return found->run(argc - 1, argv + 1);
}
