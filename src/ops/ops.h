/* SPDX-License-Identifier: MIT
 *
 * What the families of operations share: the list each one exports to the registry, and the rules for operands.
 */
#ifndef REEL_OPS_OPS_H
#define REEL_OPS_OPS_H

#include "core/core.h"
#include <reel/op.h>

/* One family: its descriptors, ended by NULL. The registry (registry.c) lists the families. */
typedef const reel_op *const op_family[];

/* Operand i is there and has the result's type, float or double. */
reel_status rule_real(reel_call *call, int i);
/* All operands given are real. */
reel_status rule_all_real(reel_call *call);
/* Operand i is an int64 array. */
reel_status rule_int64(reel_call *call, int i);
/* out takes the shape of operand i. */
void rule_shape_of(reel_call *call, int i);
bool same_shape(const reel_array *a, const reel_array *b);
/* out takes the broadcast of the shapes of operands i and j (as NumPy does it). */
reel_status rule_broadcast(reel_call *call, int i, int j);
/* Element i of a real array as a double; and value written to, or added to, element i of numbers of its type. For
 * operations that are not worth a loop for each type. */
static inline double real_at(const reel_array *a, int64_t i)
{
    return a->dtype == REEL_FLOAT ? (double)((const float *)a->data)[i] : ((const double *)a->data)[i];
}

static inline void real_put(const reel_array *a, void *to, int64_t i, double value, bool add)
{
    if (a->dtype == REEL_FLOAT)
        ((float *)to)[i] = add ? ((float *)to)[i] + (float)value : (float)value;
    else
        ((double *)to)[i] = add ? ((double *)to)[i] + value : value;
}

/* `axis` counted from the end when negative, brought into 0 .. rank-1; -1 with an error when outside. */
int rule_axis(reel_call *call, int axis, int rank);

#endif
