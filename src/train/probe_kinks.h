/* SPDX-License-Identifier: MIT
 *
 * The kinks that a probe keeps an eye on.
 */
#ifndef REEL_TRAIN_PROBE_KINKS_H
#define REEL_TRAIN_PROBE_KINKS_H

#include "train/probe.h"

/* Writes the sides of all kinks on the tape to p->kinks; false without memory. */
bool kinks_note(probe *p, const reel_tape *tape);

#endif
