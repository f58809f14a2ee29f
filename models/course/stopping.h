/* SPDX-License-Identifier: MIT
 *
 * Descent that stops by itself.
 */
#ifndef COURSE_STOPPING_H
#define COURSE_STOPPING_H

#include "descent.h"

/* 0 turns a rule off; `most` always holds. */
typedef struct stopping_rules {
    double gradient; /* stop when the norm of the gradient is below */
    double change;   /* stop when the loss has changed by less in the last step */
    int most;        /* stop after so many steps */
} stopping_rules;

typedef enum stopping_reason { STOPPED_GRADIENT, STOPPED_CHANGE, STOPPED_MOST } stopping_reason;

/* Steps until a rule stops; returns how many, the loss there in *loss_there, which rule in *reason. */
int descend_until(reel_optimizer *optimizer, descent_loss loss, void *user, const stopping_rules *rules,
                  double *loss_there, stopping_reason *reason);

#endif
