/* SPDX-License-Identifier: MIT
 *
 * What a notebook says, whether it holds in the runs that were made, and the figures that say so; and how it writes numbers.
 */
#ifndef TOOLS_LANDSCAPE_CLAIMS_H
#define TOOLS_LANDSCAPE_CLAIMS_H

#include "options.h"
#include "output.h"

/* Prints the claim and writes it to `list`, a JSON array: name, claim, holds, found. `format`: the figures. */
void claim_put(FILE *report, cJSON *list, const char *name, bool holds, const char *claim, const char *format, ...)
    REEL_PRINTF(6, 7);

/* A number as Python prints it: 0.5, 1.0. */
char *python_number(double value, char text[NUMBER_SIZE]);

/* Numbers of a flag, separated by commas, at most `most`; returns how many, 0 after wrong usage. */
int numbers_read(const option_set *set, const char *flag, const reel_hyper *row, const char *text, int most,
                 double *out);

#endif
