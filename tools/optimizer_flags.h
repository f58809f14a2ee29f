/* SPDX-License-Identifier: MIT
 *
 * --optimizer, and every hyper-parameter of every optimizer as a flag: all of it follows from the tables of the library.
 */
#ifndef TOOLS_OPTIMIZER_FLAGS_H
#define TOOLS_OPTIMIZER_FLAGS_H

#include "options.h"

#define HYPERS_MOST REEL_HYPER_FLAGS

typedef reel_hyper_value hyper_value;
typedef reel_optimizer_preset optimizer_preset; /* marked: --compare trains it */
typedef reel_optimizer_flags optimizer_flags;
typedef reel_optimizer_choice optimizer_choice;

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
/* "lr 0.5 momentum 0.9": the rate, and what differs from the defaults. */
void optimizer_describe(const reel_optimizer *optimizer, char *text, size_t size);

#endif
