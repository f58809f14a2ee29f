/* SPDX-License-Identifier: MIT
 *
 * Langevin dynamics: gradient descent whose noise makes it a sampler.
 */
#ifndef COURSE_LANGEVIN_H
#define COURSE_LANGEVIN_H

#include "descent.h"

/* SGD that adds N(0, 2 T / rate) to the gradient: after many small steps the density of its parameters is proportional to
 * exp(-loss / T) (Welling and Teh, ICML 2011). */
reel_optimizer *langevin_new(reel_params *params, double rate, double temperature, uint64_t seed);

#endif
