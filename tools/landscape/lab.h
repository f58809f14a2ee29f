/* SPDX-License-Identifier: MIT
 *
 * The lab: several optimizers from one start, several rates, one plane.
 */
#ifndef TOOLS_LANDSCAPE_LAB_H
#define TOOLS_LANDSCAPE_LAB_H

#include "landscape/landscape.h"

typedef struct lab {
    const landscape_settings *settings;
    reel_context *context; /* of trajectories and components */
    built_model model;     /* the last one that was trained: evaluates the losses */
    landscape_path runs[PATHS_MOST], rates[PATHS_MOST];
    int run_count, rate_count;
    int reference; /* the run whose end the notebook takes for the origin of its surface */
    reel_pca *pca;
    landscape_surface consistent, notebook; /* about the mean of the points; about the end of the reference run */
    landscape_surface closer;               /* as the one that is shown, about the paths of the rates */
    /* what they show under the first and the last vector of the runs */
    double consistent_drawn[PATHS_MOST][2], notebook_drawn[PATHS_MOST][2];
} lab;

/* The figures that the notebook prints, then what is wrong with them. */
void lab_print_notebook(FILE *file, const lab *l);
void lab_print_corrections(FILE *file, const lab *l);
void lab_claims(FILE *file, cJSON *claims, const lab *l);
cJSON *lab_numbers(const lab *l, cJSON *claims);

/* What the notebook calls the loss at the end: that before the last update. */
static inline double notebook_final(const landscape_path *p)
{
    return p->losses[p->count > 1 ? p->count - 2 : 0];
}

#endif
