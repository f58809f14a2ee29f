/* SPDX-License-Identifier: MIT
 *
 * The lesson's starting rates, and what each of them does where there is something to try it on.
 */
#ifndef COURSE_GUIDELINES_H
#define COURSE_GUIDELINES_H

#include "houses.h"

/* A row of the lesson's table. `train` is what it is tried on here: the loss after training at how->lr, INFINITY when
 * it has blown up; NULL: nothing here is such a model. */
typedef struct guideline {
    const char *model;     /* the lesson's name */
    double rate;           /* the lesson's */
    const char *optimizer; /* that the lesson gives it, or else its decision chart */
    const char *trial;
    double (*train)(reel_context *reel, const fit_recipe *how);
    int64_t epochs, batch;
    double momentum;
} guideline;

#define GUIDELINES 7
extern const guideline guidelines[GUIDELINES];

#endif
