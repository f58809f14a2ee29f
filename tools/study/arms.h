/* SPDX-License-Identifier: MIT
 *
 * The arms of the full study: settings as a line of flags, and where they start.
 */
#ifndef TOOLS_STUDY_ARMS_H
#define TOOLS_STUDY_ARMS_H

#include "../output.h"

typedef struct study_arm {
    const char *name;    /* of its file */
    const char *group;   /* of its table in the report */
    const char *text;    /* what it is */
    const char *flags;   /* of `reel study baseline1` */
    double start;        /* 0, or the iteration of the checkpoint of the constant-rate run that it goes on from */
    const char *against; /* the arm it is compared with; NULL: none */
} study_arm;

/* The group of the arms that change one thing at the constant rate. */
extern const char study_interventions[];

typedef struct study_arms {
    study_arm *rows;
    int count;
    cJSON *own; /* the file that rows of the researcher's point into */
} study_arms;

/* The built-in arms and, with a file, the researcher's. False: complained. */
bool study_arms_read(study_arms *arms, const char *who, const char *file);
void study_arms_free(study_arms *arms);
const study_arm *study_arms_find(const study_arms *arms, const char *name);

#endif
