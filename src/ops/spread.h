/* SPDX-License-Identifier: MIT
 *
 * Large element-wise operations on the threads of the context.
 */
#ifndef REEL_OPS_SPREAD_H
#define REEL_OPS_SPREAD_H

#include "kernels/elementwise.h"
#include "ops/ops.h"

/* Elements from which on an operation is spread. For half of them relu takes 2.4 us on one thread and on two; for these
 * 4.7 and 3.6, tanh 27 and 14. */
#define SPREAD_LEAST 65536

/* y = f(x), and x' = or += g f'(x), for a result of any size. */
void spread_unary_forward(const reel_call *call, const unary_kernel *kernel, double p0, double p1);
void spread_unary_backward(const reel_call *call, const unary_kernel *kernel, double p0, double p1);

/* y = f(a, b), and the gradient of operand `which`, if the operands are as large as the result, or one of them (not
 * the one differentiated) a single number, so that elements do not depend on each other. False, and nothing done,
 * otherwise. */
bool spread_binary_forward(const reel_call *call, const binary_kernel *kernel);
bool spread_binary_backward(const reel_call *call, const binary_kernel *kernel, int which);

#endif
