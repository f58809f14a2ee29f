/* SPDX-License-Identifier: MIT
 *
 * One instruction set's limits.
 */
#include "limit_vector.h"

#define NAME_(isa) #isa
#define NAME(isa) NAME_(isa)
const limits LIMIT(table) = {.isa = NAME(LIMIT_ISA),
                             .peak = LIMIT(peak),
                             .w1_adam = LIMIT(w1_adam),
                             .w1_sgd = LIMIT(w1_sgd),
                             .w2_step = LIMIT(w2_step),
                             .w3_step = LIMIT(w3_step),
                             .w4 = LIMIT(w4),
                             .product = LIMIT(product),
                             .dots = LIMIT(dots),
                             .adam = LIMIT(adam)};
