/* SPDX-License-Identifier: MIT
 *
 * Loops of conv2d; see typed.h. Every one walks over images n, output channels o, the input channels c of o's group and
 * kernel places (i, j), and for each over the rows and columns of the output that this kernel place reaches.
 */

/* y[row][0..count) += w * x[..], or x' += w * g: the pairs of places that kernel place (i, j) connects. `across` is the
 * step along a row of x. */
static void TYPED(conv_spread)(const conv_plan *p, conv_reach r, REAL w, const REAL *g, REAL *x)
{
    for (int64_t row = r.first[0]; row < r.last[0]; row++) {
        const REAL *from = g + row * p->out[1];
        REAL *to = x + conv_input(p, r, 0, row) * p->in[1];
        for (int64_t col = r.first[1]; col < r.last[1]; col++) to[conv_input(p, r, 1, col)] += w * from[col];
    }
}

static void TYPED(conv_collect)(const conv_plan *p, conv_reach r, REAL w, const REAL *x, REAL *y)
{
    for (int64_t row = r.first[0]; row < r.last[0]; row++) {
        REAL *to = y + row * p->out[1];
        const REAL *from = x + conv_input(p, r, 0, row) * p->in[1];
        for (int64_t col = r.first[1]; col < r.last[1]; col++) to[col] += w * from[conv_input(p, r, 1, col)];
    }
}

static double TYPED(conv_product)(const conv_plan *p, conv_reach r, const REAL *x, const REAL *g)
{
    double sum = 0;
    for (int64_t row = r.first[0]; row < r.last[0]; row++) {
        const REAL *a = g + row * p->out[1], *b = x + conv_input(p, r, 0, row) * p->in[1];
        for (int64_t col = r.first[1]; col < r.last[1]; col++)
            sum += (double)a[col] * (double)b[conv_input(p, r, 1, col)];
    }
    return sum;
}

static reel_status TYPED(conv_forward)(reel_call *call)
{
    const conv_plan *p = call->attributes;
    const REAL *x = call->in[0]->data, *weight = call->in[1]->data;
    const REAL *bias = call->count > 2 && call->in[2] ? call->in[2]->data : NULL;
    REAL *y = call->out->data;
    int64_t in_size = p->in[0] * p->in[1], out_size = p->out[0] * p->out[1];
    for (int64_t n = 0; n < p->images; n++)
        for (int64_t o = 0; o < p->out_channels; o++, y += out_size) {
            for (int64_t k = 0; k < out_size; k++) y[k] = bias ? bias[o] : 0;
            for (int64_t c = 0; c < p->depth; c++)
                for (int64_t ij = 0; ij < p->kernel[0] * p->kernel[1]; ij++) TYPED(conv_collect)
            (p, conv_reach_of(p, ij), weight[(o * p->depth + c) * p->kernel[0] * p->kernel[1] + ij],
             x + conv_channel(p, n, o, c) * in_size, y);
        }
    return REEL_OK;
}

static void TYPED(conv_input_gradient)(const reel_call *call)
{
    const conv_plan *p = call->attributes;
    const REAL *weight = call->in[1]->data, *g = call->out_gradient;
    REAL *to = call->in_gradient[0];
    int64_t in_size = p->in[0] * p->in[1], out_size = p->out[0] * p->out[1];
    if (!call->add[0]) memset(to, 0, (size_t)call->in[0]->size * sizeof *to);
    for (int64_t n = 0; n < p->images; n++)
        for (int64_t o = 0; o < p->out_channels; o++, g += out_size)
            for (int64_t c = 0; c < p->depth; c++)
                for (int64_t ij = 0; ij < p->kernel[0] * p->kernel[1]; ij++) TYPED(conv_spread)
    (p, conv_reach_of(p, ij), weight[(o * p->depth + c) * p->kernel[0] * p->kernel[1] + ij], g,
     to + conv_channel(p, n, o, c) * in_size);
}

static void TYPED(conv_weight_gradient)(const reel_call *call)
{
    const conv_plan *p = call->attributes;
    const REAL *x = call->in[0]->data, *g = call->out_gradient;
    REAL *to = call->in_gradient[1];
    int64_t in_size = p->in[0] * p->in[1], out_size = p->out[0] * p->out[1];
    for (int64_t o = 0; o < p->out_channels; o++)
        for (int64_t c = 0; c < p->depth; c++)
            for (int64_t ij = 0; ij < p->kernel[0] * p->kernel[1]; ij++, to++) {
                double sum = 0;
                for (int64_t n = 0; n < p->images; n++)
                    sum += TYPED(conv_product)(p, conv_reach_of(p, ij), x + conv_channel(p, n, o, c) * in_size,
                                               g + (n * p->out_channels + o) * out_size);
                *to = call->add[1] ? *to + (REAL)sum : (REAL)sum;
            }
}

static void TYPED(conv_bias_gradient)(const reel_call *call)
{
    const conv_plan *p = call->attributes;
    const REAL *g = call->out_gradient;
    REAL *to = call->in_gradient[2];
    int64_t out_size = p->out[0] * p->out[1];
    for (int64_t o = 0; o < p->out_channels; o++) {
        double sum = 0;
        for (int64_t n = 0; n < p->images; n++)
            for (int64_t k = 0; k < out_size; k++) sum += (double)g[(n * p->out_channels + o) * out_size + k];
        to[o] = call->add[2] ? to[o] + (REAL)sum : (REAL)sum;
    }
}

static reel_status TYPED(conv_backward)(reel_call *call)
{
    if (call->in_gradient[0]) TYPED(conv_input_gradient)(call);
    if (call->in_gradient[1]) TYPED(conv_weight_gradient)(call);
    if (call->count > 2 && call->in_gradient[2]) TYPED(conv_bias_gradient)(call);
    return REEL_OK;
}
