/* SPDX-License-Identifier: MIT
 *
 * The list of families, one row each: the registry and the declarations follow from it.
 */
#ifndef REEL_OPS_FAMILIES_H
#define REEL_OPS_FAMILIES_H

#include "ops/ops.h"

#define OP_FAMILIES(X)                                                                                                 \
    X(shape_family)                                                                                                    \
    X(gather_family)                                                                                                   \
    X(dropout_family)                                                                                                  \
    X(unary_family)                                                                                                    \
    X(binary_family)                                                                                                   \
    X(where_family)                                                                                                    \
    X(matmul_family)                                                                                                   \
    X(linear_family)                                                                                                   \
    X(reduce_family)                                                                                                   \
    X(softmax_family)                                                                                                  \
    X(loss_family)                                                                                                     \
    X(cross_entropy_family)                                                                                            \
    X(rearrange_family)                                                                                                \
    X(take_family)                                                                                                     \
    X(normalize_family)                                                                                                \
    X(conv2d_family)                                                                                                   \
    X(pool2d_family)                                                                                                   \
    X(norm_family)                                                                                                     \
    X(running_family)                                                                                                  \
    X(loss_scalar_family)                                                                                              \
    X(loss_class_family)                                                                                               \
    X(ssim_family)

#define DECLARE_FAMILY(name) extern op_family name;
OP_FAMILIES(DECLARE_FAMILY)
#undef DECLARE_FAMILY

#endif
