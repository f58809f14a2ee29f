/* SPDX-License-Identifier: MIT
 *
 * The registry of built-in optimizers.
 */
#include "optim/optim.h"
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

const reel_optimizer_type *reel_optimizer_known(const reel_context *context, int index)
{
    const reel_optimizer_type *type;
    for (int i = 0; (type = reel_optimizer_at(i)) != NULL; i++)
        if (index-- == 0) return type;
    return context && index >= 0 && index < context->own_optimizer_count ? context->own_optimizers[index] : NULL;
}

reel_status reel_optimizer_register(const char *site, reel_context *context, const reel_optimizer_type *type)
{
    const char *who = "optimizer_register";
    const reel_optimizer_type *known;
    if (reel_failed(context)) return reel_error_status(context);
    if (!type || !type->name || !*type->name || type->size != sizeof *type || !type->update)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "the descriptor is missing, has no name, no update, or another size than this version's");
    for (int i = 0; (known = reel_optimizer_known(context, i)) != NULL; i++)
        if (strcmp(known->name, type->name) == 0)
            return known == type ? REEL_OK
                                 : reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "the name \"%.80s\" is taken",
                                                  type->name);
    if (context->own_optimizer_count == OWN_KINDS)
        return reel_error_set(context, REEL_BAD_STATE, site, who, "a context knows %d kinds at most", OWN_KINDS);
    context->own_optimizers[context->own_optimizer_count++] = type;
    return REEL_OK;
}

const reel_optimizer_type *optimizer_find_known(const reel_context *context, const char *name)
{
    const reel_optimizer_type *type;
    for (int i = 0; (type = reel_optimizer_known(context, i)) != NULL; i++)
        if (name && strcmp(type->name, name) == 0) break;
    return type;
}
