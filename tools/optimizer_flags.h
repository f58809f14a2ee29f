/* SPDX-License-Identifier: MIT
 *
 * --optimizer, and every hyper-parameter of every optimizer as a flag: all of it follows from the tables of the library.
 */
#ifndef TOOLS_OPTIMIZER_FLAGS_H
#define TOOLS_OPTIMIZER_FLAGS_H

#include "options.h"

#define HYPERS_MOST 64

typedef struct hyper_value {
    const char *name; /* as in the table */
    double value;
} hyper_value;

/* A named choice of a model: a kind of optimizer and the hyper-parameters that suit the model. A kind without a row has
 * its own defaults. Tables end with a row without a name. */
typedef struct optimizer_preset {
    const char *name, *kind;
    hyper_value values[4]; /* up to one without a name */
    bool compared;         /* --compare trains it */
} optimizer_preset;

/* The flags: a row for every name that any optimizer has. */
typedef struct optimizer_flags {
    const optimizer_preset *presets;
    option_row rows[HYPERS_MOST];
    char names[HYPERS_MOST][40];
    const char *hypers[HYPERS_MOST]; /* names in the tables */
    const char *typed[HYPERS_MOST];
    int count;
} optimizer_flags;

/* An optimizer as it was asked for. */
typedef struct optimizer_choice {
    const char *name; /* of the preset, or of the kind */
    const reel_optimizer_type *kind;
    const optimizer_preset *preset; /* or NULL */
    hyper_value given[HYPERS_MOST]; /* on the command line */
    int given_count;
} optimizer_choice;

void optimizer_flags_init(optimizer_flags *flags, const optimizer_preset *presets);
/* Lists the optimizers with their hyper-parameters. */
void optimizer_flags_help(const optimizer_flags *flags, FILE *file);
/* Looks up `name` and reads what was typed; false, with a line on stderr, when something is wrong. */
bool optimizer_choose(const option_set *set, reel_context *context, const optimizer_flags *flags, const char *name,
                      optimizer_choice *choice);
/* The first flag given that belongs to some optimizers only; NULL when there is none. */
const char *optimizer_flags_own(const optimizer_flags *flags);

/* The optimizer; NULL with an error kept. */
reel_optimizer *optimizer_build(reel_params *params, const optimizer_choice *choice);
/* After a checkpoint brought its own hyper-parameters: sets those given on the command line again and writes what
 * changed, "lr 0.1 instead of 0.5", to text. Returns how many. */
int optimizer_restate(reel_optimizer *optimizer, const optimizer_choice *choice, char *text, size_t size);
/* "lr 0.5 momentum 0.9": the rate, and what differs from the defaults. */
void optimizer_describe(const reel_optimizer *optimizer, char *text, size_t size);

#endif
