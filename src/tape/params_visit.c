/* SPDX-License-Identifier: MIT
 *
 * The parameter store in checkpoint and state hash.
 */
#include "tape/params.h"

#include <math.h>

static void slices_visit(reel_params *params, slice_vector *vector, visitor *v, const char *name)
{
    visit_begin(v, name);
    for (int i = 0; i < vector->count; i++) {
        reel_array view = slice_view(params, &vector->slices[i], vector->data);
        visit_array(v, vector->slices[i].name, &view);
    }
    visit_end(v);
}

/* For the reader and the report of what changed; the program's stay. An infinite bound is left out. */
static void bounds_visit(const reel_params *params, visitor *v)
{
    const bool reading = visit_mode_of(v) == VISIT_CHECK || visit_mode_of(v) == VISIT_LOAD;
    bool any = false;
    for (int i = 0; i < params->values.count; i++) any |= params->values.slices[i].bounded;
    if (reading ? !visit_has(v, "bounds") : !any) return;
    visit_begin(v, "bounds");
    for (int i = 0; i < params->values.count; i++) {
        const slice *s = &params->values.slices[i];
        double low = s->low, high = s->high;
        if (reading ? !visit_has(v, s->name) : !s->bounded) continue;
        visit_begin(v, s->name);
        if (reading ? visit_has(v, "low") : isfinite(low)) visit_double(v, "low", &low);
        if (reading ? visit_has(v, "high") : isfinite(high)) visit_double(v, "high", &high);
        visit_end(v);
    }
    visit_end(v);
}

void params_visit(reel_params *params, visitor *v, const char *name)
{
    visit_begin(v, name);
    slices_visit(params, &params->values, v, "values");
    if (params->buffers.count > 0) slices_visit(params, &params->buffers, v, "buffers");
    visit_apart_begin(v);
    bounds_visit(params, v);
    visit_apart_end(v);
    visit_end(v);
    if (visit_mode_of(v) == VISIT_LOAD) {
        reel_params_touch(params);
        reel_params_drop_gradient(params);
    }
}
