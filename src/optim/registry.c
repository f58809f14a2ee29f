/* SPDX-License-Identifier: MIT
 *
 * The registry of built-in optimizers.
 */
#include "optim/optimizers.h"

#include <string.h>

static const reel_optimizer_type *const types[] = {
#define OPTIMIZER_ROW(name) &name,
    OPTIMIZERS(OPTIMIZER_ROW)
#undef OPTIMIZER_ROW
};

const reel_optimizer_type *reel_optimizer_at(int index)
{
    return index >= 0 && index < (int)(sizeof types / sizeof *types) ? types[index] : NULL;
}

const reel_optimizer_type *reel_optimizer_find(const char *name)
{
    if (!name) return NULL;
    for (int i = 0;; i++) {
        const reel_optimizer_type *type = reel_optimizer_at(i);
        if (!type || strcmp(type->name, name) == 0) return type;
    }
}
