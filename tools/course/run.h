/* SPDX-License-Identifier: MIT
 *
 * A run of an exercise, for the command.
 */
#ifndef COURSE_RUN_H
#define COURSE_RUN_H

#include "../options.h"
#include "course.h"

/* Makes texts and JSON of a run whose context and flags are set; false without memory. run_end in either case. */
bool run_begin(course *c);
/* Runs and completes c->json; returns the exit status, complained when it is not EXIT_DONE. */
int run_exercise(course *c);
/* Sentence, tables, claims, files written. */
void run_print(const course *c, FILE *file);
void run_end(course *c);

/* The HTML of several runs, one file that needs no other: DIR/index.html. False: complained. */
bool course_html(const char *who, const char *folder, const cJSON *runs);

#endif
