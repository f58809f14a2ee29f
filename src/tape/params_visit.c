/* SPDX-License-Identifier: MIT
 *
 * The parameter store in checkpoint and state hash.
 */
#include "tape/params.h"

static void slices_visit(reel_params *params, slice_vector *vector, visitor *v, const char *name)
{
    visit_begin(v, name);
    for (int i = 0; i < vector->count; i++) {
        reel_array view = slice_view(params, &vector->slices[i], vector->data);
        visit_array(v, vector->slices[i].name, &view);
    }
    visit_end(v);
}

void params_visit(reel_params *params, visitor *v, const char *name)
{
    visit_begin(v, name);
    slices_visit(params, &params->values, v, "values");
    if (params->buffers.count > 0) slices_visit(params, &params->buffers, v, "buffers");
    visit_end(v);
    if (visit_mode_of(v) == VISIT_LOAD) {
        reel_params_touch(params);
        reel_params_drop_gradient(params);
    }
}
