/* SPDX-License-Identifier: MIT
 *
 * The loops that do the arithmetic. Each source that includes vector.h is compiled once for every pair of instruction
 * set (generic, avx2, avx512) and element type (float, double); table.c gathers what one pair offers in a `kernels`,
 * and dispatch.c chooses the instruction set when the first kernel is asked for.
 *
 * Every kind of kernel has a table of its own (struct elementwise_kernels, ...), defined in the source that implements
 * it as `const struct NAME_kernels KERNEL(NAME_table)`. A new kind: its struct and one pointer here, one line in table.c,
 * its source in meson.build. Pointers to numbers are void: float or double, as `dtype` says.
 */
#ifndef REEL_KERNELS_H
#define REEL_KERNELS_H

#include <reel/array.h>

struct elementwise_kernels;
struct matmul_kernels;
struct update_kernels;
struct loss_kernels;
struct softmax_kernels;
struct reduce_kernels;
struct layer_kernels;
struct random_kernels;
struct ssim_kernels;
struct number_kernels; /* tape/numbers.h */

typedef struct kernels {
    const char *isa; /* "generic", "avx2" or "avx512" */
    reel_dtype dtype;
    const struct elementwise_kernels *elementwise;
    const struct matmul_kernels *matmul;
    const struct update_kernels *update;
    const struct loss_kernels *loss;
    const struct softmax_kernels *softmax;
    const struct reduce_kernels *reduce;
    const struct layer_kernels *layer;
    const struct random_kernels *random;
    const struct ssim_kernels *ssim;
    const struct number_kernels *number;
} kernels;

typedef enum kernels_isa { ISA_GENERIC, ISA_AVX2, ISA_AVX512, ISA_COUNT } kernels_isa;

/* The kernels for float or double on the chosen instruction set: the best one of this processor, or the one named by
 * the environment variable REEL_ISA (generic, avx2, avx512), and if that is not supported here the best supported one
 * below it; an unknown name counts as none. Decided once, at the first call, from any thread. NULL for other types. */
const kernels *kernels_get(reel_dtype dtype);
/* Those of a given instruction set; NULL when the build or the processor does not have it. */
const kernels *kernels_get_isa(kernels_isa isa, reel_dtype dtype);
/* Name of the chosen instruction set. */
const char *kernels_isa_name(void);
/* What `wanted` (the value of REEL_ISA, or NULL) leads to on a processor that supports everything up to `best`. */
kernels_isa kernels_isa_choose(const char *wanted, kernels_isa best);

#endif
