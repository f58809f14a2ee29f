/* SPDX-License-Identifier: MIT
 *
 * What the subcommands share.
 */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

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
