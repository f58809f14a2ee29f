/* SPDX-License-Identifier: MIT
 *
 * The loss of the last step's batch after its update, computed by another thread while training goes on: a copy of the
 * model, in a context of its own, is given the parameters and the batch as they are at the moment of a save.
 */
#ifndef REEL_TRAIN_EVALUATOR_H
#define REEL_TRAIN_EVALUATOR_H

#include "train/trainer.h"

typedef struct evaluator evaluator;

/* May the model be made again: is the loss one of the library, and the module one that uses the trainer's store alone? */
bool evaluator_possible(const reel_trainer *trainer);
/* Makes the module again from what a checkpoint would say of it, with parameters of zero in `params`, in its context; NULL
 * with an error there when it cannot be described. */
reel_module *evaluator_module(reel_context *context, reel_params *params, reel_module *module);

/* NULL when the model cannot be made again from its description, or the loss is a function of the program's own, which
 * only the program's thread may call. Nothing is kept in the trainer's context. When there is one no code of the
 * program's runs in a step before the optimizer, so that until then parameters and optimizer state do not change. */
evaluator *evaluator_new(const reel_trainer *trainer);
void evaluator_free(evaluator *e);
/* Copies the batch and the small parameters; called by the trainer's thread. */
void evaluator_take(evaluator *e, const reel_trainer *trainer);
/* Copies the large ones, of DRAFT_HELD elements or more; of any thread. */
void evaluator_take_large(evaluator *e, const reel_trainer *trainer);
/* The loss, the same number as trainer_loss_now's. Its context has failed after an error. */
double evaluator_loss(evaluator *e);
reel_context *evaluator_context(const evaluator *e);

#endif
