/* SPDX-License-Identifier: MIT
 *
 * Loops of prod and cumsum; see typed.h.
 */

static reel_status TYPED(prod_multiply)(reel_call *call)
{
    const prod_attributes *a = call->attributes;
    const axis_members *m = &a->members;
    const REAL *x = call->in[0]->data;
    REAL *y = call->out->data;
    for (int64_t r = 0; r < m->results; r++) {
        double product = 1;
        for (int64_t j = 0; j < m->count; j++) product *= (double)x[m->base[r] + m->offset[j]];
        y[r] = (REAL)product;
    }
    return REEL_OK;
}

/* g times the product of the others: of those before and those behind, so that zeros need no division. */
static reel_status TYPED(prod_backward)(reel_call *call)
{
    const prod_attributes *a = call->attributes;
    const axis_members *m = &a->members;
    const REAL *x = call->in[0]->data, *g = call->out_gradient;
    REAL *to = call->in_gradient[0];
    if (!to) return REEL_OK;
    double *behind = reel_call_scratch(call, ((size_t)m->count + 1) * sizeof *behind);
    if (!behind) return REEL_NO_MEMORY;
    for (int64_t r = 0; r < m->results; r++) {
        behind[m->count] = 1;
        for (int64_t j = m->count; j-- > 0;) behind[j] = behind[j + 1] * (double)x[m->base[r] + m->offset[j]];
        double before = 1;
        for (int64_t j = 0; j < m->count; j++) {
            int64_t k = m->base[r] + m->offset[j];
            REAL part = (REAL)((double)g[r] * (before * behind[j + 1]));
            to[k] = call->add[0] ? to[k] + part : part;
            before *= (double)x[k];
        }
    }
    return REEL_OK;
}

static reel_status TYPED(cumsum_forward)(reel_call *call)
{
    cumsum_shape_of s = cumsum_sizes(call);
    const REAL *x = call->in[0]->data;
    REAL *y = call->out->data;
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++) {
            double sum = 0;
            for (int64_t k = 0; k < s.count; k++) {
                int64_t place = (o * s.count + k) * s.inner + i;
                sum += (double)x[place];
                y[place] = (REAL)sum;
            }
        }
    return REEL_OK;
}

static reel_status TYPED(cumsum_backward)(reel_call *call)
{
    cumsum_shape_of s = cumsum_sizes(call);
    const REAL *g = call->out_gradient;
    REAL *to = call->in_gradient[0];
    if (!to) return REEL_OK;
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++) {
            double sum = 0;
            for (int64_t k = s.count; k-- > 0;) {
                int64_t place = (o * s.count + k) * s.inner + i;
                sum += (double)g[place];
                to[place] = call->add[0] ? to[place] + (REAL)sum : (REAL)sum;
            }
        }
    return REEL_OK;
}
