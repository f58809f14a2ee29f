/* SPDX-License-Identifier: MIT
 *
 * What one pair of instruction set and element type offers.
 */
#include "kernels/kernels.h"
#include "kernels/vector.h"

extern const kernels KERNEL(kernels_table);
extern const struct elementwise_kernels KERNEL(elementwise_table);
extern const struct matmul_kernels KERNEL(matmul_table);

const kernels KERNEL(kernels_table) = {
    .isa = KERNEL_STRING(KERNEL_ISA),
    .dtype = KERNEL_DTYPE,
    .elementwise = &KERNEL(elementwise_table),
    .matmul = &KERNEL(matmul_table),
};
