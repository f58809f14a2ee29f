/* SPDX-License-Identifier: MIT
 *
 * Inside of averages.
 */
#ifndef REEL_OPTIM_AVERAGE_H
#define REEL_OPTIM_AVERAGE_H

#include "core/visit.h"
#include "tape/params.h"
#include <reel/average.h>

enum { AVERAGE_START, AVERAGE_EVERY, AVERAGE_SHARED };

struct reel_average {
    reel_object object;
    reel_params *params;
    const reel_average_type *type;
    double shared[AVERAGE_SHARED];
    double *values; /* (hyper_count) */
    void *data, *block;
    size_t bytes;
    int64_t count;
    bool swapped;
};

void average_visit(reel_average *a, visitor *v, const char *name);

#endif
