/* SPDX-License-Identifier: MIT
 *
 * What happens in a run, pixel by pixel: which ones no Gaussian reaches, when they were lost, and what that cost.
 */
#ifndef TOOLS_STUDY_MECHANISM_H
#define TOOLS_STUDY_MECHANISM_H

#include "../output.h"

/* A pixel is lost or regained by an update. */
typedef struct pixel_event {
    int64_t iteration; /* of the update */
    int32_t x, y;
    int32_t
        gaussian; /* nearest in its own deviations: before the update for a lost pixel, after it for a regained one */
    bool lost;
    double jump; /* change of the pixel's part of L2 */
} pixel_event;

typedef struct pixel_events {
    pixel_event *items;
    int64_t count, room;
} pixel_events;

/* Two images before and after an update: masks (height, width) 1 where nothing reaches, squared errors (height, width)
 * summed over the colours and divided by the number of values. `nearest` names the Gaussian of a pixel, of the state before
 * (after false) or after. Adds the events; false without memory. */
typedef int (*nearest_gaussian)(void *user, int x, int y, bool after);
bool pixel_events_add(pixel_events *events, int64_t iteration, int width, int height, const uint8_t *mask_before,
                      const uint8_t *mask_after, const double *error_before, const double *error_after,
                      nearest_gaussian nearest, void *user);
void pixel_events_free(pixel_events *events);

/* Of the events in updates `from` ... `to` - 1: how many were lost and regained, the sum of their jumps, and the share of
 * `rise` that it is. */
typedef struct pixel_account {
    int64_t lost, regained;
    double jumps_lost, jumps_regained, share;
} pixel_account;
pixel_account pixel_events_account(const pixel_events *events, int64_t from, int64_t to, double rise);

#endif
