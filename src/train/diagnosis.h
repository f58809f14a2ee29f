/* SPDX-License-Identifier: MIT
 *
 * Inside of the diagnosis: what is measured, before the findings are drawn from it.
 */
#ifndef REEL_TRAIN_DIAGNOSIS_H
#define REEL_TRAIN_DIAGNOSIS_H

#include "train/probe.h"
#include <reel/trace.h>

#define DIAGNOSE_WHO "diagnose"

/* The data set as it lies there. Columns and rows are the first ones found; -1: none. */
typedef struct data_report {
    int64_t rows, columns;
    int64_t bad_row, bad_column; /* not finite */
    bool bad_target;
    double bad_number;
    int64_t constant, constant_column;
    double constant_number;
    int64_t wide_column, narrow_column; /* largest and smallest deviation of those that are not constant */
    double wide, narrow;
    int64_t repeated;      /* rows that stand there more than once */
    int64_t contradicted;  /* rows whose label is not the commonest one of the rows equal to them */
    int64_t first, second; /* two such rows */
} data_report;

/* Where the gradient describes the loss worst. */
typedef struct gradient_report {
    char parameter[64]; /* its name; "" along the whole gradient */
    double promised, happened, error;
} gradient_report;

typedef struct examination {
    reel_trainer *trainer;
    reel_context *context;
    const char *site;
    reel_diagnosis *out;
    data_report data;
    gradient_report gradient;
    reel_origin origin;
    bool not_finite;
    char *block; /* vectors */
    size_t bytes;
    double *slope, *point, *moment, *square, *start; /* (n) */
    int64_t *rows;                                   /* (row_room) the rows measured, then those of a step */
    int64_t row_count;
    size_t row_bytes;
} examination;

/* A number that is not finite ends a measurement and is no error of the diagnosis: cleared, true. */
bool diagnosis_forgive(examination *e);
/* Fills in e->data. False with an error kept. */
bool diagnosis_data(examination *e);
/* Loss of the best constant prediction on these rows (NULL: the first `count`); NaN for a loss not known. */
double diagnosis_baseline(const examination *e, const int64_t *rows, int64_t count);
/* The same looked for by descent, for any loss that is given what the model says and what is right; NaN: another kind. */
double diagnosis_constant(const examination *e, const int64_t *rows, int64_t count);
/* Rate of the next update in a group; the one the schedule scales where that has come down to 0. */
double diagnosis_rate(const reel_optimizer *optimizer, int group);
/* Rehearses steps at several rates. */
void diagnosis_trials(examination *e, probe *p);
/* Trains a fresh copy on a few rows. */
void diagnosis_memory(examination *e);
/* Draws the findings. */
void diagnosis_find(examination *e);

#endif
