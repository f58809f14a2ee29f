/* SPDX-License-Identifier: MIT
 *
 * Loops of norm; see typed.h.
 */

static reel_status TYPED(norm_reduce)(reel_call *call)
{
    const norm_attributes *a = call->attributes;
    const axis_members *m = &a->members;
    const REAL *x = call->in[0]->data;
    REAL *y = call->out->data;
    for (int64_t r = 0; r < m->results; r++) {
        double total = a->p == -INFINITY ? INFINITY : 0;
        for (int64_t j = 0; j < m->count; j++) {
            double size = fabs((double)x[m->base[r] + m->offset[j]]);
            if (isinf(a->p))
                total = isnan(total) || isnan(size) ? NAN : (size > total) == (a->p > 0) ? size : total;
            else
                total += norm_term(a->p, size);
        }
        y[r] = (REAL)(a->p == 2 ? sqrt(total) : isinf(a->p) || a->p == 1 || a->p == 0 ? total : pow(total, 1 / a->p));
    }
    return REEL_OK;
}

/* The largest (smallest) elements share g evenly; p = 0 is flat; else g sign(x) (|x| / y)^(p - 1), 0 where x or y is 0. */
static reel_status TYPED(norm_spread)(reel_call *call)
{
    const norm_attributes *a = call->attributes;
    const axis_members *m = &a->members;
    const REAL *x = call->in[0]->data, *y = call->out->data, *g = call->out_gradient;
    REAL *to = call->in_gradient[0];
    if (!to) return REEL_OK;
    for (int64_t r = 0; r < m->results; r++) {
        double ties = 0;
        for (int64_t j = 0; j < m->count && isinf(a->p); j++)
            ties += norm_equals(fabs((double)x[m->base[r] + m->offset[j]]), (double)y[r]);
        for (int64_t j = 0; j < m->count; j++) {
            int64_t k = m->base[r] + m->offset[j];
            double v = (double)x[k], sign = isnan(v) ? v : (double)((v > 0) - (v < 0)), slope;
            if (isinf(a->p))
                slope = norm_equals(fabs(v), (double)y[r]) ? sign / ties : 0;
            else if (a->p == 1)
                slope = sign;
            else if (a->p == 0 || v == 0 || y[r] == 0)
                slope = 0;
            else
                slope = a->p == 2 ? v / (double)y[r] : sign * pow(fabs(v) / (double)y[r], a->p - 1);
            REAL part = (REAL)((double)g[r] * slope);
            to[k] = call->add[0] ? to[k] + part : part;
        }
    }
    return REEL_OK;
}
