/* SPDX-License-Identifier: MIT
 *
 * The matrix product as operations use it.
 */
#ifndef REEL_OPS_PRODUCT_H
#define REEL_OPS_PRODUCT_H

#include "kernels/matmul.h"
#include "ops/ops.h"

/* Runs the kernel of the result's type with scratch memory of the tape, which is given back; a large product in pieces, on
 * the threads of the context. */
reel_status product_run(reel_call *call, const matmul_task *task);

#endif
