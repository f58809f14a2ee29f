/* SPDX-License-Identifier: MIT
 *
 * Flags, driven by tables: a row says what a flag is called, what it means and where its value goes; parsing, ranges and
 * help follow from it.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include "command.h"

#include <reel/args.h>

typedef reel_flag option_row;
typedef reel_flag_group option_group;
#define OPTION_ROWS(rows) rows, (int)(sizeof(rows) / sizeof *(rows)) /* of a group, after its title */

typedef struct option_set {
    const char *command;  /* "reel train two-moons" */
    const char *operands; /* "FILE|DIR"; NULL: none */
    int least, most;      /* number of operands */
    const char *text;     /* what the command does */
    const char *example;
    const option_group *groups;
    int group_count;
    void (*more)(FILE *file); /* further help, or NULL */
} option_set;

/* Reads the flags. Returns the index of the first operand in argv, operands last; -1 - status when the command is over:
 * help was asked for (EXIT_DONE), or wrong usage (EXIT_USAGE, one line was printed). */
int options_parse(const option_set *set, reel_context *context, int argc, char **argv);
/* Runs the command of a model of the table (ends with a NULL name), which argv[1] names; help lists them. */
int command_of_model(const command *models, const char *name, const char *text, const char *example, int argc,
                     char **argv);

/* Reads one value; on failure prints a line that names the flag and returns false. */
bool option_read(const option_set *set, reel_context *context, const char *flag, const reel_hyper *hyper,
                 const char *text, double *value);
/* `reel x: sentence (see reel x --help)` on stderr; returns EXIT_USAGE. */
int option_fail(const option_set *set, const char *format, ...) REEL_PRINTF(2, 3);

/* Words from `column` on, wrapped between `left` and the width of help. */
void option_words(FILE *file, int column, int left, const char *text);
/* The schedules and how their text is written. */
void option_help_schedules(FILE *file);
/* The averages, likewise. */
void option_help_averages(FILE *file);
/* clip_norm -> clip-norm. */
void option_name(const char *hyper_name, char *name, size_t size);

/* The name of a list nearest to what was typed, NULL when none is near: about a third of its letters may differ. */
typedef const char *(*name_at)(const void *list, int index);
const char *nearest_name(const char *typed, name_at at, const void *list);

#endif
