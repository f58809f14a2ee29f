/* SPDX-License-Identifier: MIT
 *
 * A checkpoint as the commands look at it: its parts, found by what they hold.
 */
#ifndef TOOLS_CHECKPOINT_VIEW_H
#define TOOLS_CHECKPOINT_VIEW_H

#include "command.h"

#define PATH_SIZE 1024
#define TEXT_SIZE 1024

typedef struct checkpoint_view {
    reel_context *context;
    reel_checkpoint *checkpoint;
    char trainer[PATH_SIZE], model[PATH_SIZE], parameters[PATH_SIZE], optimizer[PATH_SIZE]; /* paths; "" when missing */
} checkpoint_view;

/* Free the context in any case; false: the error is kept there. */
bool view_open(checkpoint_view *v, const char *path);
const char *verdict_text(reel_hash_verdict verdict);

/* A number or a text at base/name; NaN, or false, when there is none. */
double view_number(const checkpoint_view *v, const char *base, const char *name);
bool view_text(const checkpoint_view *v, const char *base, const char *name, char text[TEXT_SIZE]);
/* Rate of the next update: the group's lr as the schedule has it at this step; NaN: not known. */
double view_rate(checkpoint_view *v, const char *group, double rate, char spec[TEXT_SIZE]);
/* The row of a hyper-parameter in the tables of this version of Reel; NULL when it has none. */
const reel_hyper *view_hyper(const checkpoint_view *v, const char *name);
/* "(8, 2)" */
void shape_text(const reel_array *a, char text[128]);

#endif
