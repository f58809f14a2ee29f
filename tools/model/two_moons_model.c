/* SPDX-License-Identifier: MIT
 *
 * Two moons as a built-in model, and the recipe of checkpoints that were written before there were recipes.
 */
#include "model/recipe.h"
#include "two_moons.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct moons_own {
    moons_settings settings;
    moons_run run;
} moons_own;

static void free_own(void *own)
{
    moons_free(&((moons_own *)own)->run);
    free(own);
}

int two_moons_build(const build_request *q, built_model *m)
{
    moons_own *own = calloc(1, sizeof *own);
    optimizer_choice choice;
    if (!own) return complain(q->set->command, "out of memory"), EXIT_FAILED;
    int status = moons_flags(q->set, q->own, q->argc, q->argv, &own->settings, &choice);
    if (status >= 0) {
        free(own);
        return status;
    }
    m->own = own;
    m->free_own = free_own;
    status = moons_build(&own->run, &own->settings, &choice);
    m->trainer = own->run.trainer;
    m->optimizer = own->run.optimizer;
    m->context = own->run.context;
    snprintf(m->title, sizeof m->title, "Two moons");
    snprintf(m->rows, sizeof m->rows, "points");
    snprintf(m->loss, sizeof m->loss, "binary cross-entropy");
    snprintf(m->choice, sizeof m->choice, "%s", choice.name);
    return status == EXIT_DONE ? -1 : status;
}

/* ---- guessing ---- */

/* The sizes of the hidden layers, as --hidden takes them; false: it is no net that `reel train two-moons` makes. */
static bool hidden_of(checkpoint_view *v, char *hidden, size_t size)
{
    char text[TEXT_SIZE], path[PATH_SIZE];
    if (!*v->model || !*v->trainer || !*v->optimizer) return false;
    if (!view_text(v, v->model, "module", text) || strcmp(text, "mlp") != 0) return false;
    if (!view_text(v, v->model, "activation", text) || strcmp(text, "relu") != 0) return false;
    snprintf(path, sizeof path, "%.900s/sizes", v->model);
    reel_array *sizes = reel_checkpoint_array(NULL, v->checkpoint, path);
    reel_error_clear(v->context);
    int64_t last = sizes ? sizes->size - 1 : 0;
    bool right = last >= 2 && last <= LAYERS_MOST && reel_array_get(sizes, 0) == 2 && reel_array_get(sizes, last) == 1;
    size_t used = 0;
    for (int64_t i = 1; right && i < last; i++) {
        used += (size_t)snprintf(hidden + used, size - used, "%s%.0f", i > 1 ? "," : "", reel_array_get(sizes, i));
        right = used < size;
    }
    reel_array_free(sizes);
    return right;
}

bool two_moons_guess(checkpoint_view *v, char recipe[RECIPE_SIZE])
{
    char hidden[TEXT_SIZE], kind[TEXT_SIZE], dtype[TEXT_SIZE], path[PATH_SIZE];
    double rows = view_number(v, v->trainer, "rows"), batch = view_number(v, v->trainer, "batch"),
           seed = view_number(v, v->trainer, "seed");
    if (!hidden_of(v, hidden, sizeof hidden) || !(rows >= 2) || isnan(batch) || isnan(seed)) return false;
    snprintf(path, sizeof path, "%.900s/values/net.0.weight", v->parameters);
    if (!view_text(v, v->optimizer, "kind", kind) || !view_text(v, path, "dtype", dtype)) return false;
    int n = snprintf(recipe, RECIPE_SIZE,
                     "two-moons --samples %.0f --hidden %s --seed %.0f --batch %.0f --precision %s "
                     "--optimizer ",
                     rows, hidden, seed, batch < rows ? batch : 0, strcmp(dtype, "float64") == 0 ? "double" : "float");
    return n < RECIPE_SIZE && recipe_word(recipe, kind);
}
