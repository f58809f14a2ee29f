/* SPDX-License-Identifier: MIT
 *
 * Ensembles: ranges, and the verdict that follows from two of them.
 */
#ifndef TOOLS_STUDY_STATS_H
#define TOOLS_STUDY_STATS_H

#include <stdint.h>

/* Of those values that are numbers; what is not finite but no NaN counts as it stands. */
typedef struct study_range {
    double least, median, most; /* NaN: no values */
    int count;                  /* values that are numbers */
    int missing;                /* NaN */
} study_range;
study_range study_range_of(const double *values, int count);

/* Smaller values are better. */
typedef enum study_verdict { VERDICT_BETTER, VERDICT_WORSE, VERDICT_UNDECIDED } study_verdict;
/* A verdict only where the ranges do not overlap, and nothing is missing in either. */
study_verdict study_compare(const study_range *a, const study_range *b);
/* "better", "worse", "not decided by these runs". */
const char *study_verdict_text(study_verdict verdict);

/* Line y = a + b x through points by least squares: share of the variance of y that it explains; NaN for fewer than three
 * points or when x or y does not vary. */
double study_fit(const double *x, const double *y, int64_t count, double *slope);

#endif
