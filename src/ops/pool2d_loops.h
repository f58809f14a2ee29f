/* SPDX-License-Identifier: MIT
 *
 * Loops of avg_pool2d and max_pool2d; see typed.h.
 */

static reel_status TYPED(avg_pool_forward)(reel_call *call)
{
    const pool_plan *p = call->attributes;
    const REAL *x = call->in[0]->data;
    REAL *y = call->out->data;
    for (int64_t image = 0; image < p->images; image++, x += p->in[0] * p->in[1])
        for (int64_t row = 0; row < p->out[0]; row++)
            for (int64_t col = 0; col < p->out[1]; col++) {
                pool_window w = pool_window_of(p, row, col);
                double sum = 0;
                for (int64_t i = w.first[0]; i < w.last[0]; i++)
                    for (int64_t j = w.first[1]; j < w.last[1]; j++) sum += (double)x[i * p->in[1] + j];
                *y++ = (REAL)(sum / w.divisor);
            }
    return REEL_OK;
}

static reel_status TYPED(avg_pool_backward)(reel_call *call)
{
    const pool_plan *p = call->attributes;
    const REAL *g = call->out_gradient;
    REAL *to = call->in_gradient[0];
    if (!to) return REEL_OK;
    if (!call->add[0]) memset(to, 0, (size_t)call->in[0]->size * sizeof *to);
    for (int64_t image = 0; image < p->images; image++, to += p->in[0] * p->in[1])
        for (int64_t row = 0; row < p->out[0]; row++)
            for (int64_t col = 0; col < p->out[1]; col++) {
                pool_window w = pool_window_of(p, row, col);
                REAL share = (REAL)((double)*g++ / w.divisor);
                for (int64_t i = w.first[0]; i < w.last[0]; i++)
                    for (int64_t j = w.first[1]; j < w.last[1]; j++) to[i * p->in[1] + j] += share;
            }
    return REEL_OK;
}

/* The first of the largest elements in row-major order; a NaN counts as the largest. */
static reel_status TYPED(max_pool_forward)(reel_call *call)
{
    const pool_plan *p = call->attributes;
    const REAL *x = call->in[0]->data;
    REAL *y = call->out->data;
    int64_t *chosen = p->chosen;
    for (int64_t image = 0; image < p->images; image++, x += p->in[0] * p->in[1])
        for (int64_t row = 0; row < p->out[0]; row++)
            for (int64_t col = 0; col < p->out[1]; col++) {
                pool_window w = pool_window_of(p, row, col);
                int64_t best = w.first[0] * p->in[1] + w.first[1];
                for (int64_t i = w.first[0]; i < w.last[0]; i++)
                    for (int64_t j = w.first[1]; j < w.last[1]; j++) {
                        int64_t k = i * p->in[1] + j;
                        if (x[k] > x[best] || (isnan(x[k]) && !isnan(x[best]))) best = k;
                    }
                *chosen++ = best;
                *y++ = x[best];
            }
    return REEL_OK;
}

static reel_status TYPED(max_pool_backward)(reel_call *call)
{
    const pool_plan *p = call->attributes;
    const REAL *g = call->out_gradient;
    REAL *to = call->in_gradient[0];
    if (!to) return REEL_OK;
    if (!call->add[0]) memset(to, 0, (size_t)call->in[0]->size * sizeof *to);
    int64_t places = p->out[0] * p->out[1];
    for (int64_t k = 0; k < call->out->size; k++) to[k / places * p->in[0] * p->in[1] + p->chosen[k]] += g[k];
    return REEL_OK;
}
