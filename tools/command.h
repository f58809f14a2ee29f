/* SPDX-License-Identifier: MIT
 *
 * What the subcommands of `reel` share. A subcommand is a file with one function and a row in commands.def.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <reel/reel.h>

/* Exit status. After a signal n it is 128 + n. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128 };

typedef struct command {
    const char *name;
    const char *text;                  /* one sentence */
    int (*run)(int argc, char **argv); /* argv[0] is the name of the subcommand; returns the exit status */
} command;

#define COMMAND(function, name, text) int command_##function(int argc, char **argv);
#include "commands.def"
#undef COMMAND

int train_two_moons(int argc, char **argv);
int train_csv(int argc, char **argv);

/* The row of a table that ends with a row without a name; NULL when there is none. */
const command *command_find(const command *table, const char *name);
/* Says on stderr that there is no such command, what there is, and which is nearest; returns EXIT_USAGE. */
int command_unknown(const char *who, const char *kind, const command *table, const char *name);

/* `reel train two-moons: ` sentence on stderr. */
void complain(const char *who, const char *format, ...) REEL_PRINTF(2, 3);
/* Complains of the error kept in the context and returns EXIT_FAILED. */
int complain_of(const char *who, const reel_context *context);
/* Of a clock that only goes forward. */
double seconds_now(void);
/* Did everything reach standard output? Complains if not. `status` unless it did not. */
int finish_output(const char *who, int status);

#endif
