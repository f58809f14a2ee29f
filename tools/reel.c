/* SPDX-License-Identifier: MIT
 *
 * The command `reel`: its subcommands are the rows of commands.def.
 */
#include "options.h"

#include <string.h>

static const command commands[] = {
#define COMMAND(function, name, text) {name, text, command_##function},
#include "commands.def"
#undef COMMAND
    {NULL, NULL, NULL},
};

static void print_commands(FILE *file)
{
    fprintf(file, "\ncommands (each has a --help of its own):\n");
    for (const command *c = commands; c->name; c++) fprintf(file, "  %-10s %s\n", c->name, c->text);
    fprintf(file, "\nExit status: 0 done, 1 failed (diff: different), 2 wrong usage, 128 + n after signal n.\n");
}

static void print_version(void)
{
    const char *name;
    char value[256];
    printf("reel %s\n", reel_version());
    for (int i = 0; (name = reel_fingerprint(i, value, sizeof value)) != NULL; i++)
        if (strcmp(name, "reel") != 0) printf("  %-15s %s\n", name, value);
}

static int run_bare(int argc, char **argv)
{
    bool version = false;
    const option_row rows[] = {
        {.name = "version",
         .text = "Print version, compiler, kernels and whatever else bits depend on.",
         .set = &version},
    };
    const option_group groups[] = {{"flags", rows, 1}};
    const option_set set = {.command = "reel",
                            .operands = "COMMAND",
                            .text = "Trains small networks and shows what happens on the way.",
                            .example = "reel train two-moons --optimizer adam --out out",
                            .groups = groups,
                            .group_count = 1,
                            .more = print_commands};
    int first = options_parse(&set, NULL, argc, argv);
    if (first < 0) return finish_output("reel", -1 - first);
    if (!version) return option_fail(&set, "a command is missing");
    print_version();
    return finish_output("reel", EXIT_DONE);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-') return run_bare(argc, argv);
    const command *found = command_find(commands, argv[1]);
    if (!found) return command_unknown("reel", "command", commands, argv[1]);
    return found->run(argc - 1, argv + 1);
}
