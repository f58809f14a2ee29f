/* SPDX-License-Identifier: MIT
 *
 * The same run with several seeds: ranges, comparisons, pictures.
 */
#ifndef COURSE_SEEDS_H
#define COURSE_SEEDS_H

#include "course.h"

#include "fit.h"

/* A difference is said to be found where it has the same sign with all six seeds: chance alone does that in 1 of 32. */
#define SEEDS 6

/* The recipe of the flags with seed number s, at a rate, for so many rows: whole epochs, enough for the updates asked
 * for. */
fit_recipe seeds_recipe(const course *c, double rate, int64_t rows, int s);

typedef struct spread {
    double mean, least, most;
} spread;
spread spread_of(const double *values); /* (SEEDS) */

/* 1: a is smaller than b with every seed; -1: larger with every seed; 0: no difference found. */
int seeds_compare(const double *a, const double *b);
/* "smaller", "larger", "no difference found". */
const char *seeds_word(const double *a, const double *b);

#define SEEDS_TEXT 48
/* "0.951 (0.943 to 0.960)". */
char *seeds_text(const double *values, int digits, char text[SEEDS_TEXT]);
/* "name": a list with a number for each seed. */
void seeds_json(cJSON *object, const char *name, const double *values);

/* Dots for every seed and a bar for their mean, a row for each method; panels side by side. */
typedef struct seeds_panel {
    const char *title;
    const double *values; /* (methods, SEEDS) */
    bool log;
} seeds_panel;
void seeds_picture(course *c, const char *name, const char *caption, int methods, const char *const *labels, int panels,
                   const seeds_panel *panel);

#endif
