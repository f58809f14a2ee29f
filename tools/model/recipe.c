/* SPDX-License-Identifier: MIT
 *
 * Recipes: flags as text, and back.
 */
#include "model/recipe.h"

#include <string.h>

/* ---- writing ---- */

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+.,:/@%";

bool recipe_word(char recipe[RECIPE_SIZE], const char *word)
{
    bool quoted = !*word || word[strspn(word, plain)] != '\0';
    size_t used = strlen(recipe), room = RECIPE_SIZE - 1;
    char *end = recipe + used, *last = recipe + room;
    if (used + strlen(word) + 3 > room) return false;
    if (used) *end++ = ' ';
    if (quoted) *end++ = '\'';
    for (; *word; word++) {
        if (last - end < 6) return *recipe = '\0', false;
        if (*word == '\'') /* '\'' */
            memcpy(end, "'\\''", 4), end += 4;
        else
            *end++ = *word;
    }
    if (quoted) *end++ = '\'';
    *end = '\0';
    return true;
}

/* A flag with its value; nothing for a word or a switch that is not there. */
static bool add_row(char recipe[RECIPE_SIZE], const option_row *row)
{
    char flag[80], number[REEL_HYPER_TEXT];
    snprintf(flag, sizeof flag, "--%s", row->name);
    if (row->set) return !*row->set || recipe_word(recipe, flag);
    const char *value = row->word     ? *row->word
                        : row->number ? reel_hyper_print(row->hyper, *row->number, number)
                                      : NULL;
    if (!value) return true;
    if (!row->without) return recipe_word(recipe, flag) && recipe_word(recipe, value);
    char joined[sizeof flag + REEL_HYPER_TEXT]; /* a value that may be left out goes with = */
    int n = snprintf(joined, sizeof joined, "%s=%s", flag, value);
    return n < (int)sizeof joined && recipe_word(recipe, joined);
}

void recipe_set(reel_trainer *trainer, const char *name, const option_group *groups, int count,
                const char *const *operands)
{
    char recipe[RECIPE_SIZE] = "";
    bool fits = recipe_word(recipe, name);
    for (int i = 0; fits && operands && operands[i]; i++) fits = recipe_word(recipe, operands[i]);
    for (int g = 0; g < count; g++)
        for (int i = 0; fits && i < groups[g].count; i++) fits = add_row(recipe, &groups[g].rows[i]);
    if (fits) reel_trainer_set_recipe(NULL, trainer, recipe);
}

/* ---- reading ---- */

int recipe_split(char *text, char *words[RECIPE_WORDS + 1])
{
    int count = 0;
    char *to = text;
    while (true) {
        text += strspn(text, " \t\n");
        if (!*text) break;
        if (count == RECIPE_WORDS) return 0;
        words[count++] = to;
        for (bool quoted = false; *text && (quoted || !strchr(" \t\n", *text)); text++) {
            if (*text == '\'')
                quoted = !quoted;
            else if (*text == '\\' && !quoted && text[1])
                *to++ = *++text;
            else
                *to++ = *text;
            if (quoted && !text[1]) return 0;
        }
        if (*text) text++; /* the blank, which the end of the word may overwrite */
        *to++ = '\0';
    }
    words[count] = NULL;
    return count;
}
