/* SPDX-License-Identifier: MIT
 *
 * The training of W2, which several workloads time.
 */
#ifndef TOOLS_BENCH_W2_H
#define TOOLS_BENCH_W2_H

#include "bench.h"

typedef struct digits {
    reel_context *context;
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_tape *tape;
    reel_array x, classes;
    float *start; /* (W2_PARAMETERS), filled by digits_build */
    double loss;
} digits;

/* x (batch, 784) and classes (batch) are borrowed, as is m->start. */
void digits_build(digits *m, bench *b, bench_heap *heap, int64_t batch, float *x, int64_t *classes);
/* The side's functions, `user` being the digits. */
void digits_steps(void *user, int64_t repeat);
void digits_restart(void *user);
/* Numbers and classes of a batch. */
void digits_fill(float *x, int64_t classes[W2_BATCH]);

#endif
