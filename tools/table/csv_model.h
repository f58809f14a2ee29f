/* SPDX-License-Identifier: MIT
 *
 * A training on a table as a recipe.
 */
#ifndef TOOLS_CSV_MODEL_H
#define TOOLS_CSV_MODEL_H

#include "model/models.h"
#include "table/csv_run.h"

/* Writes the recipe of the run into its checkpoints. */
void csv_recipe_set(csv_run *run, csv_settings *settings);
/* Takes the settings of a recipe; false when it is none of a training on a table. */
bool csv_recipe_read(reel_context *context, csv_settings *settings, const char *recipe);

#endif
