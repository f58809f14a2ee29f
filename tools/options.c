/* SPDX-License-Identifier: MIT
 *
 * Flags and help on standard output and error; the library reads the tables.
 */
#include "options.h"

#include <stdarg.h>
#include <string.h>

static void to_file(void *file, const char *text)
{
    fputs(text, file);
}

void option_name(const char *hyper_name, char *name, size_t size)
{
    reel_flag_name(hyper_name, name, size);
}

const char *nearest_name(const char *typed, name_at at, const void *list)
{
    return reel_nearest_name(typed, at, list);
}

void option_words(FILE *file, int column, int left, const char *text)
{
    reel_help_words(to_file, file, column, left, text);
}

void option_help_schedules(FILE *file)
{
    reel_help_schedules(NULL, to_file, file);
}

void option_help_averages(FILE *file)
{
    reel_help_averages(to_file, file);
}

int option_fail(const option_set *set, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", set->command);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, " (see %s --help)\n", set->command);
    va_end(arguments);
    return EXIT_USAGE;
}

bool option_read(const option_set *set, reel_context *context, const char *flag, const reel_hyper *hyper,
                 const char *text, double *value)
{
    char wrong[REEL_FLAGS_TEXT];
    if (reel_flag_read(context, flag, hyper, text, value, wrong)) return true;
    option_fail(set, "%s", wrong);
    return false;
}

static void print_help(const option_set *set, const reel_flag_set *flags)
{
    reel_flags_help(flags, to_file, stdout);
    if (set->more) set->more(stdout);
    printf("\nexample: %s\n", set->example);
}

int options_parse(const option_set *set, reel_context *context, int argc, char **argv)
{
    const reel_flag_set flags = {.command = set->command,
                                 .operands = set->operands,
                                 .least = set->least,
                                 .most = set->most,
                                 .text = set->text,
                                 .groups = set->groups,
                                 .group_count = set->group_count};
    char wrong[REEL_FLAGS_TEXT];
    reel_context *own = context ? NULL : reel_context_new(NULL);
    int first = reel_flags_read(context ? context : own, &flags, argc, argv, wrong);
    reel_context_free(own);
    if (first >= 0) return first;
    if (first == -2) return -1 - option_fail(set, "%s", wrong);
    if (first == -1) {
        print_help(set, &flags);
        return -1 - EXIT_DONE;
    }
    complain(set->command, "%s", wrong);
    return -1 - EXIT_FAILED;
}

static const command *listed;

static void print_models(FILE *file)
{
    fprintf(file, "\nmodels (each has a --help of its own):\n");
    for (const command *m = listed; m->name; m++) fprintf(file, "  %-10s %s\n", m->name, m->text);
}

int command_of_model(const command *models, const char *name, const char *text, const char *example, int argc,
                     char **argv)
{
    const option_group groups[] = {{"flags", NULL, 0}};
    const option_set set = {.command = name,
                            .operands = "MODEL",
                            .least = 1,
                            .most = 1,
                            .text = text,
                            .example = example,
                            .groups = groups,
                            .group_count = 1,
                            .more = print_models};
    listed = models;
    if (argc < 2 || argv[1][0] == '-') {
        int first = options_parse(&set, NULL, argc, argv);
        return finish_output(name, first < 0 ? -1 - first : option_fail(&set, "the model comes first"));
    }
    const command *found = command_find(models, argv[1]);
    if (!found) return command_unknown(name, "model", models, argv[1]);
    return found->run(argc - 1, argv + 1);
}
