/* SPDX-License-Identifier: MIT
 *
 * Loops of the normalisations; see typed.h and normalize_plan in normalize.c.
 */

/* Place of element i of set s: sets are contiguous but for batch norm. */
static inline int64_t TYPED(place)(const normalize_plan *p, int64_t s, int64_t i)
{
    return p->across ? (i / p->places * p->sets + s) * p->places + i % p->places : s * p->length + i;
}

/* Index of weight and bias of element i of set s. */
static inline int64_t TYPED(channel)(const normalize_plan *p, int64_t s, int64_t i)
{
    return p->across ? s : s % p->groups * p->channels + i / p->places;
}

/* Mean and 1 / deviation of every set, in two passes. */
static void TYPED(normalize_measure)(const normalize_plan *p, const REAL *x)
{
    for (int64_t s = 0; s < p->sets; s++) {
        double sum = 0, squares = 0, n = (double)p->length;
        for (int64_t i = 0; i < p->length; i++) sum += (double)x[TYPED(place)(p, s, i)];
        for (int64_t i = 0; i < p->length; i++) {
            double d = (double)x[TYPED(place)(p, s, i)] - sum / n;
            squares += d * d;
        }
        p->mean[s] = sum / n;
        p->scale[s] = 1 / sqrt(squares / n + p->eps);
        p->squares[s] = squares;
    }
}

/* running = (1 - momentum) running + momentum found, the variance found with n - 1 below. */
static void TYPED(normalize_update_running)(const normalize_plan *p)
{
    REAL *mean = p->running_mean, *variance = p->running_variance;
    for (int64_t s = 0; s < p->sets; s++) {
        double found = p->squares[s] / ((double)p->length - 1);
        mean[s] = (REAL)(p->momentum * p->mean[s] + (1 - p->momentum) * (double)mean[s]);
        variance[s] = (REAL)(p->momentum * found + (1 - p->momentum) * (double)variance[s]);
    }
}

static void TYPED(normalize_take_running)(const normalize_plan *p)
{
    const REAL *mean = p->running_mean, *variance = p->running_variance;
    for (int64_t s = 0; s < p->sets; s++) {
        p->mean[s] = (double)mean[s];
        p->scale[s] = 1 / sqrt((double)variance[s] + p->eps);
    }
}

static reel_status TYPED(normalize_apply)(reel_call *call)
{
    const normalize_plan *p = call->attributes;
    const REAL *x = call->in[0]->data;
    const REAL *weight = normalize_operand(call, 1), *bias = normalize_operand(call, 2);
    REAL *y = call->out->data;
    if (p->fixed)
        TYPED(normalize_take_running)(p);
    else
        TYPED(normalize_measure)(p, x);
    if (p->running_mean && !p->fixed) TYPED(normalize_update_running)(p);
    for (int64_t s = 0; s < p->sets; s++)
        for (int64_t i = 0; i < p->length; i++) {
            int64_t k = TYPED(place)(p, s, i), c = TYPED(channel)(p, s, i);
            double z = ((double)x[k] - p->mean[s]) * p->scale[s];
            if (weight) z *= (double)weight[c];
            if (bias) z += (double)bias[c];
            y[k] = (REAL)z;
        }
    return REEL_OK;
}

/* With z the normalised x and h = g weight: x' = scale (h - mean of h - z mean of h z); with fixed statistics scale h. */
static void TYPED(normalize_input_gradient)(const reel_call *call, const normalize_plan *p)
{
    const REAL *x = call->in[0]->data, *g = call->out_gradient, *weight = normalize_operand(call, 1);
    REAL *to = call->in_gradient[0];
    for (int64_t s = 0; s < p->sets; s++) {
        double sum = 0, product = 0, n = (double)p->length;
        for (int64_t i = 0; i < p->length && !p->fixed; i++) {
            int64_t k = TYPED(place)(p, s, i);
            double h = (double)g[k] * (weight ? (double)weight[TYPED(channel)(p, s, i)] : 1);
            sum += h;
            product += h * ((double)x[k] - p->mean[s]) * p->scale[s];
        }
        for (int64_t i = 0; i < p->length; i++) {
            int64_t k = TYPED(place)(p, s, i);
            double h = (double)g[k] * (weight ? (double)weight[TYPED(channel)(p, s, i)] : 1);
            double z = ((double)x[k] - p->mean[s]) * p->scale[s];
            REAL slope = (REAL)(p->scale[s] * (h - sum / n - z * (product / n)));
            to[k] = call->add[0] ? to[k] + slope : slope;
        }
    }
}

/* weight' = sum of g z, bias' = sum of g, gathered in `sums`. */
static void TYPED(normalize_affine_gradient)(const reel_call *call, const normalize_plan *p, int operand, double *sums)
{
    const REAL *x = call->in[0]->data, *g = call->out_gradient;
    REAL *to = call->in_gradient[operand];
    int64_t count = call->in[operand]->size;
    for (int64_t c = 0; c < count; c++) sums[c] = 0;
    for (int64_t s = 0; s < p->sets; s++)
        for (int64_t i = 0; i < p->length; i++) {
            int64_t k = TYPED(place)(p, s, i);
            double z = operand == 1 ? ((double)x[k] - p->mean[s]) * p->scale[s] : 1;
            sums[TYPED(channel)(p, s, i)] += (double)g[k] * z;
        }
    for (int64_t c = 0; c < count; c++) to[c] = call->add[operand] ? to[c] + (REAL)sums[c] : (REAL)sums[c];
}

static reel_status TYPED(normalize_backward)(reel_call *call)
{
    const normalize_plan *p = call->attributes;
    if (call->in_gradient[0]) TYPED(normalize_input_gradient)(call, p);
    for (int i = 1; i < call->count; i++) {
        if (!call->in_gradient[i]) continue;
        double *sums = reel_call_scratch(call, (size_t)call->in[i]->size * sizeof *sums);
        if (!sums) return REEL_NO_MEMORY;
        TYPED(normalize_affine_gradient)(call, p, i, sums);
    }
    return REEL_OK;
}
