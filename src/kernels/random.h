/* SPDX-License-Identifier: MIT
 *
 * Random numbers by the thousand: blocks of words of a Philox stream, and what is made of words.
 */
#ifndef REEL_RANDOM_KERNELS_H
#define REEL_RANDOM_KERNELS_H

#include "core/philox.h"
#include "kernels/kernels.h"

#endif
