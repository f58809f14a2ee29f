/* SPDX-License-Identifier: MIT
 *
 * Loss and gradient where a trainer stands.
 */
#include "train/probe.h"

#define WHO "trainer_gradient"

static reel_status measure(probe *p, reel_array *gradient, double *loss)
{
    double *values = NULL;
    size_t bytes = (size_t)p->n * sizeof *values;
    if (gradient) values = memory_zero(p->context, p->site, WHO, bytes);
    if (gradient && !values) return REEL_NO_MEMORY;
    double found = probe_loss(p, NULL, values);
    bool right = !reel_failed(p->context);
    for (int64_t i = 0; right && gradient && i < p->n; i++)
        if (gradient->dtype == REEL_FLOAT)
            ((float *)gradient->data)[i] = (float)values[i];
        else
            ((double *)gradient->data)[i] = values[i];
    if (right && loss) *loss = found;
    memory_free(p->context, values, values ? bytes : 0);
    return reel_error_status(p->context);
}

reel_status reel_trainer_gradient(const char *site, reel_trainer *t, int64_t rows, reel_array *gradient, double *loss)
{
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    int64_t size = reel_params_size(t->params);
    bool real = gradient && (gradient->dtype == REEL_FLOAT || gradient->dtype == REEL_DOUBLE);
    if (gradient && (!real || !gradient->data || gradient->size != size))
        return reel_error_set(context, REEL_BAD_SHAPE, site, WHO,
                              "found %lld elements of type %s, expected %lld of float or double",
                              (long long)gradient->size, reel_dtype_name(gradient->dtype), (long long)size);
    probe p;
    const probe_options how = {.rows = rows};
    if (probe_begin(&p, site, WHO, t, &how)) measure(&p, gradient, loss);
    probe_end(&p);
    return reel_error_status(context);
}
