/* SPDX-License-Identifier: MIT
 *
 * The text of a recipe: words as a shell would be given them, 'single quotes' around those with other characters.
 */
#ifndef TOOLS_MODEL_RECIPE_H
#define TOOLS_MODEL_RECIPE_H

#include "model/models.h"

/* Cuts the text in place. Returns the number of words, followed by NULL; 0: a quote is left open, or too many words. */
int recipe_split(char *recipe, char *words[RECIPE_WORDS + 1]);
/* Appends a word; false: there is no room. */
bool recipe_word(char recipe[RECIPE_SIZE], const char *word);

#endif
