/* SPDX-License-Identifier: MIT
 *
 * The list of built-in optimizers, one row each: the registry and the declarations follow from it.
 */
#ifndef REEL_OPTIM_OPTIMIZERS_H
#define REEL_OPTIM_OPTIMIZERS_H

#include <reel/optim.h>

#define OPTIMIZERS(X)                                                                                                  \
    X(sgd_type)                                                                                                        \
    X(adam_type)                                                                                                       \
    X(adamw_type)                                                                                                      \
    X(nadam_type)                                                                                                      \
    X(radam_type)                                                                                                      \
    X(adamax_type)                                                                                                     \
    X(rmsprop_type)                                                                                                    \
    X(adagrad_type)                                                                                                    \
    X(adadelta_type)                                                                                                   \
    X(lamb_type)                                                                                                       \
    X(lars_type)

#define DECLARE_OPTIMIZER(name) extern const reel_optimizer_type name;
OPTIMIZERS(DECLARE_OPTIMIZER)
#undef DECLARE_OPTIMIZER

#endif
