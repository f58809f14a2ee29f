/* SPDX-License-Identifier: MIT
 *
 * The registry of built-in operations: all families in order.
 */
#include "ops/families.h"
#include "tape/tape.h"

#include <string.h>

static const reel_op *const *const families[] = {
#define FAMILY_ROW(name) name,
    OP_FAMILIES(FAMILY_ROW)
#undef FAMILY_ROW
};

const reel_op *reel_op_at(int index)
{
    if (index < 0) return NULL;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const reel_op *const *op = families[f]; *op; op++)
            if (index-- == 0) return *op;
    return NULL;
}

const reel_op *reel_op_find(const char *name)
{
    if (!name) return NULL;
    for (int i = 0;; i++) {
        const reel_op *op = reel_op_at(i);
        if (!op || strcmp(op->name, name) == 0) return op;
    }
}

const reel_op *number_op(node_kind kind, int which)
{
    return kind == NODE_BINARY ? binary_family[which] : unary_family[which];
}
