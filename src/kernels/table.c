/* SPDX-License-Identifier: MIT
 *
 * What one pair of instruction set and element type offers.
 */
#include "kernels/kernels.h"
#include "kernels/vector.h"

extern const kernels KERNEL(kernels_table);
extern const struct elementwise_kernels KERNEL(elementwise_table);
extern const struct matmul_kernels KERNEL(matmul_table);
extern const struct update_kernels KERNEL(update_table);
extern const struct loss_kernels KERNEL(loss_table);
extern const struct softmax_kernels KERNEL(softmax_table);
extern const struct reduce_kernels KERNEL(reduce_table);
extern const struct layer_kernels KERNEL(layer_table);
extern const struct random_kernels KERNEL(random_table);
extern const struct ssim_kernels KERNEL(ssim_table);
extern const struct number_kernels KERNEL(number_table);

const kernels KERNEL(kernels_table) = {
    .isa = KERNEL_STRING(KERNEL_ISA),
    .dtype = KERNEL_DTYPE,
    .elementwise = &KERNEL(elementwise_table),
    .matmul = &KERNEL(matmul_table),
    .update = &KERNEL(update_table),
    .loss = &KERNEL(loss_table),
    .softmax = &KERNEL(softmax_table),
    .reduce = &KERNEL(reduce_table),
    .layer = &KERNEL(layer_table),
    .random = &KERNEL(random_table),
    .ssim = &KERNEL(ssim_table),
    .number = &KERNEL(number_table),
};
