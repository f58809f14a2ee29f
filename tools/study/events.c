/* SPDX-License-Identifier: MIT
 *
 * Pixels lost and regained.
 */
#include "mechanism.h"

#include <math.h>
#include <stdlib.h>

static bool add(pixel_events *e, pixel_event event)
{
    if (e->count == e->room) {
        int64_t room = e->room ? 2 * e->room : 1024;
        pixel_event *grown = realloc(e->items, (size_t)room * sizeof *grown);
        if (!grown) return false;
        e->items = grown;
        e->room = room;
    }
    e->items[e->count++] = event;
    return true;
}

bool pixel_events_add(pixel_events *events, int64_t iteration, int width, int height, const uint8_t *mask_before,
                      const uint8_t *mask_after, const double *error_before, const double *error_after,
                      nearest_gaussian nearest, void *user)
{
    for (int p = 0; p < width * height; p++) {
        if (mask_before[p] == mask_after[p]) continue;
        bool lost = mask_after[p] != 0;
        int x = p % width, y = p / width;
        pixel_event event = {
            iteration, x, y, nearest ? nearest(user, x, y, !lost) : -1, lost, error_after[p] - error_before[p]};
        if (!add(events, event)) return false;
    }
    return true;
}

void pixel_events_free(pixel_events *events)
{
    free(events->items);
    *events = (pixel_events){NULL, 0, 0};
}

pixel_account pixel_events_account(const pixel_events *events, int64_t from, int64_t to, double rise)
{
    pixel_account a = {0};
    for (int64_t i = 0; i < events->count; i++) {
        const pixel_event *e = &events->items[i];
        if (e->iteration < from || e->iteration >= to) continue;
        if (e->lost)
            a.lost++, a.jumps_lost += e->jump;
        else
            a.regained++, a.jumps_regained += e->jump;
    }
    a.share = rise > 0 ? (a.jumps_lost + a.jumps_regained) / rise : NAN;
    return a;
}
