/* SPDX-License-Identifier: MIT
 *
 * What a probe takes down and puts back.
 */
#ifndef REEL_TRAIN_PROBE_KEEP_H
#define REEL_TRAIN_PROBE_KEEP_H

#include "train/probe.h"

/* Each takes its part down in the probe; false with an error kept. `put` puts it back, `drop` gives the memory back; both
 * accept a probe that has none. */
/* Every parameter store of the context, the one that is evaluated at other points first. */
bool keep_params(probe *p);
void put_params(probe *p);
void put_buffers(probe *p);
void drop_params(probe *p);
/* Its values as they were, whatever they are now. */
const void *kept_values(const probe *p);

/* All random streams of the context. */
bool keep_streams(probe *p);
void put_streams(probe *p);
void drop_streams(probe *p);

bool keep_optimizer(probe *p);
void put_optimizer(probe *p);
void drop_optimizer(probe *p);

#endif
