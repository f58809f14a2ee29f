/* SPDX-License-Identifier: MIT
 *
 * The command `reel`: its subcommands are the rows of commands.def.
 */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

static const command commands[] = {
#define COMMAND(function, name, text) {name, text, command_##function},
#include "commands.def"
#undef COMMAND
    {NULL, NULL, NULL},
};

/* ---- what the subcommands share ---- */

void complain(const char *who, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", who);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
}

int complain_of(const char *who, const reel_context *context)
{
    complain(who, "%s", context ? reel_error_text(context) : "out of memory");
    return EXIT_FAILED;
}

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int finish_output(const char *who, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    complain(who, "standard output: %s", strerror(errno));
    return status == EXIT_DONE ? EXIT_FAILED : status;
}

const command *command_find(const command *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0) return table;
    return NULL;
}

static const char *command_name_at(const void *table, int index)
{
    return ((const command *)table)[index].name;
}

int command_unknown(const char *who, const char *kind, const command *table, const char *name)
{
    const char *near = nearest_name(name, command_name_at, table);
    fprintf(stderr, "%s: there is no %s \"%s\"", who, kind, name);
    if (near)
        fprintf(stderr, "; did you mean %s?", near);
    else
        for (int i = 0; table[i].name; i++) fprintf(stderr, "%s%s", i ? ", " : "; there are ", table[i].name);
    fprintf(stderr, " (see %s --help)\n", who);
    return EXIT_USAGE;
}

/* ---- reel itself ---- */

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
