/* SPDX-License-Identifier: MIT
 *
 * Averages in checkpoint and state hash.
 */
#include "optim/average.h"
#include "optim/optim.h"

void average_visit(reel_average *a, visitor *v, const char *name)
{
    if (!a || !v) return;
    double scratch[AVERAGE_SHARED > 16 ? AVERAGE_SHARED : 16];
    int shared_count;
    const reel_hyper *shared = reel_average_shared_hypers(&shared_count);
    visit_begin(v, name);
    visit_same_text(v, "kind", a->type->name);
    visit_count(v, "count", &a->count);
    visit_bool(v, "swapped", &a->swapped);
    visit_begin(v, "shared");
    visit_hypers(v, shared, shared_count, a->shared, scratch);
    visit_end(v);
    visit_begin(v, "hypers");
    for (int i = 0; i < a->type->hyper_count; i++) visit_hypers(v, &a->type->hypers[i], 1, &a->values[i], scratch);
    visit_end(v);
    visit_begin(v, "values");
    for (int i = 0; i < a->params->values.count && !visit_failed(v); i++) {
        reel_array view = slice_view(a->params, &a->params->values.slices[i], a->data);
        visit_array(v, a->params->values.slices[i].name, &view);
    }
    visit_end(v);
    visit_end(v);
}
