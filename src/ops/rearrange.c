/* SPDX-License-Identifier: MIT
 *
 * Operations that repeat, reverse, surround or cut away elements: expand, flip, pad, tril.
 */
#include "kernels/broadcast.h"
#include "ops/families.h"
#include "ops/strided.h"
#include <reel/ops.h>

#include <string.h>

/* ---- expand ---- */

typedef struct expand_attributes {
    int rank;
    int64_t shape[REEL_MAX_RANK];
} expand_attributes;

static reel_status expand_shape(reel_call *call)
{
    const expand_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    reel_array asked = {.rank = a->rank};
    int lead = a->rank - x->rank;
    bool fits = lead >= 0;
    for (int d = 0; fits && d < a->rank; d++) {
        int64_t n = d < lead ? -1 : x->shape[d - lead];
        asked.shape[d] = a->shape[d] == -1 ? n : a->shape[d];
        fits = asked.shape[d] >= 0 && (n == -1 || n == 1 || n == asked.shape[d]);
    }
    char texts[2][SHAPE_TEXT_SIZE];
    memcpy(call->out->shape, asked.shape, sizeof asked.shape);
    if (!fits) memcpy(asked.shape, a->shape, sizeof asked.shape);
    if (!fits)
        return reel_call_fail(call, REEL_BAD_SHAPE, "%s does not broadcast to %s", shape_text(texts[0], x),
                              shape_text(texts[1], &asked));
    call->out->rank = a->rank;
    return REEL_OK;
}

static reel_status expand_forward(reel_call *call)
{
    const reel_array *x = call->in[0], *y = call->out;
    strided w = {.rank = y->rank};
    int64_t stride[REEL_MAX_RANK];
    int lead = y->rank - x->rank;
    row_major_strides(x, stride);
    for (int d = 0; d < y->rank; d++) {
        w.shape[d] = y->shape[d];
        w.stride[d] = d < lead || x->shape[d - lead] == 1 ? 0 : stride[d - lead];
    }
    walk_take(&w, y->dtype, y->data, x->data);
    return REEL_OK;
}

static reel_status expand_backward(reel_call *call)
{
    if (call->in_gradient[0])
        broadcast_sum(kernels_get(call->out->dtype), call->in[0], call->out, call->out_gradient, call->in_gradient[0],
                      call->add[0]);
    return REEL_OK;
}

static const reel_sample expand_samples[] = {
    {"rows", 1, {{1, {4}, -2, 2, NULL, REEL_FLOAT, false}}, &(expand_attributes){2, {3, 4}}, false},
    {"inside", 1, {{3, {2, 1, 3}, -2, 2, NULL, REEL_FLOAT, false}}, &(expand_attributes){4, {2, -1, 4, 3}}, false},
    {"scalar", 1, {{0, {0}, -2, 2, NULL, REEL_FLOAT, false}}, &(expand_attributes){1, {5}}, false},
};

static const reel_op expand_op = {
    .size = sizeof(reel_op),
    .name = "expand",
    .formula = "y[..i..] = x, repeated along axes of size 1",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(expand_attributes),
    .shape = expand_shape,
    .forward = expand_forward,
    .backward = expand_backward,
    .samples = expand_samples,
    .sample_count = 3,
};

reel_value reel_expand(const char *site, reel_value x, int rank, const int64_t *shape)
{
    if (rank < 0 || rank > REEL_MAX_RANK || (rank && !shape)) {
        reel_error_set(reel_tape_context(x.tape), REEL_BAD_SHAPE, site, "expand", "found rank %d, expected 0 to %d",
                       rank, REEL_MAX_RANK);
        return REEL_NIL;
    }
    expand_attributes a = {.rank = rank};
    if (rank) memcpy(a.shape, shape, (size_t)rank * sizeof *shape);
    return reel_record(site, &expand_op, 1, &x, &a);
}

/* ---- flip ---- */

typedef struct flip_attributes {
    int count;
    int axes[REEL_MAX_RANK];
} flip_attributes;

static reel_status flip_shape(reel_call *call)
{
    flip_attributes *a = call->attributes;
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    for (int i = 0; i < a->count; i++) {
        a->axes[i] = rule_axis(call, a->axes[i], call->in[0]->rank);
        if (a->axes[i] < 0) return REEL_BAD_ARGUMENT;
    }
    rule_shape_of(call, 0);
    return REEL_OK;
}

static strided flip_walk(const reel_call *call)
{
    const flip_attributes *a = call->attributes;
    strided w = {.rank = call->out->rank};
    memcpy(w.shape, call->out->shape, (size_t)w.rank * sizeof *w.shape);
    row_major_strides(call->in[0], w.stride);
    for (int i = 0; i < a->count; i++) {
        w.start += (w.shape[a->axes[i]] - 1) * w.stride[a->axes[i]];
        w.stride[a->axes[i]] *= -1;
    }
    return w;
}

static reel_status flip_forward(reel_call *call)
{
    strided w = flip_walk(call);
    walk_take(&w, call->out->dtype, call->out->data, call->in[0]->data);
    return REEL_OK;
}

static reel_status flip_backward(reel_call *call)
{
    strided w = flip_walk(call);
    if (call->in_gradient[0]) walk_put(&w, call->out->dtype, call->out_gradient, call->in_gradient[0], call->add[0]);
    return REEL_OK;
}

static const reel_sample flip_samples[] = {
    {"vector", 1, {{1, {5}, -2, 2, NULL, REEL_FLOAT, false}}, &(flip_attributes){1, {0}}, false},
    {"first and last", 1, {{3, {2, 3, 4}, -2, 2, NULL, REEL_FLOAT, false}}, &(flip_attributes){2, {0, -1}}, false},
};

static const reel_op flip_op = {
    .size = sizeof(reel_op),
    .name = "flip",
    .formula = "y[..i..] = x[..n-1-i..] along some axes",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(flip_attributes),
    .shape = flip_shape,
    .forward = flip_forward,
    .backward = flip_backward,
    .samples = flip_samples,
    .sample_count = 2,
};

reel_value reel_flip(const char *site, reel_value x, int count, const int *axes)
{
    flip_attributes a = {.count = count};
    unsigned seen = 0;
    int rank = reel_data(x).rank;
    bool good = count >= 0 && count <= rank && (!count || axes);
    for (int i = 0; good && i < count; i++) {
        unsigned bit = 1u << ((axes[i] < 0 ? axes[i] + rank : axes[i]) & 31);
        good = !(seen & bit);
        seen |= bit;
        a.axes[i] = axes[i];
    }
    if (!good && !reel_is_nil(x)) {
        reel_error_set(reel_tape_context(x.tape), REEL_BAD_ARGUMENT, site, "flip",
                       "found %d axes, expected some of the %d axes, each at most once", count, rank);
        return REEL_NIL;
    }
    return reel_record(site, &flip_op, 1, &x, &a);
}

/* ---- pad ---- */

typedef struct pad_attributes {
    int64_t before[REEL_MAX_RANK], after[REEL_MAX_RANK];
    double value;
} pad_attributes;

#define MOST_PADDING (INT64_C(1) << 40)

static reel_status pad_shape(reel_call *call)
{
    const pad_attributes *a = call->attributes;
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    rule_shape_of(call, 0);
    for (int d = 0; d < call->out->rank; d++) {
        if (a->before[d] < 0 || a->after[d] < 0 || a->before[d] > MOST_PADDING || a->after[d] > MOST_PADDING)
            return reel_call_fail(call, REEL_BAD_ARGUMENT,
                                  "axis %d: found padding of %lld and %lld, expected 0 to 2^40", d,
                                  (long long)a->before[d], (long long)a->after[d]);
        call->out->shape[d] += a->before[d] + a->after[d];
    }
    return REEL_OK;
}

static strided pad_walk(const reel_call *call)
{
    const pad_attributes *a = call->attributes;
    strided w = {.rank = call->out->rank};
    memcpy(w.shape, call->in[0]->shape, (size_t)w.rank * sizeof *w.shape);
    row_major_strides(call->out, w.stride);
    for (int d = 0; d < w.rank; d++) w.start += a->before[d] * w.stride[d];
    return w;
}

static reel_status pad_forward(reel_call *call)
{
    const pad_attributes *a = call->attributes;
    strided w = pad_walk(call);
    reel_array *y = call->out;
    for (int64_t i = 0; i < y->size; i++) real_put(y, y->data, i, a->value, false);
    walk_put(&w, y->dtype, call->in[0]->data, y->data, false);
    return REEL_OK;
}

static reel_status pad_backward(reel_call *call)
{
    strided w = pad_walk(call);
    if (call->in_gradient[0]) walk_get(&w, call->out->dtype, call->in_gradient[0], call->out_gradient, call->add[0]);
    return REEL_OK;
}

static const reel_sample pad_samples[] = {
    {"vector", 1, {{1, {3}, -2, 2, NULL, REEL_FLOAT, false}}, &(pad_attributes){{2}, {1}, 0.5}, false},
    {"columns", 1, {{3, {2, 3, 2}, -2, 2, NULL, REEL_FLOAT, false}}, &(pad_attributes){{0, 1, 2}, {0, 0, 1}, 0}, false},
};

static const reel_op pad_op = {
    .size = sizeof(reel_op),
    .name = "pad",
    .formula = "y = x, surrounded by a constant",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(pad_attributes),
    .shape = pad_shape,
    .forward = pad_forward,
    .backward = pad_backward,
    .samples = pad_samples,
    .sample_count = 2,
};

reel_value reel_pad(const char *site, reel_value x, const int64_t *before, const int64_t *after, double value)
{
    pad_attributes a = {.value = value};
    size_t bytes = (size_t)reel_data(x).rank * sizeof *before;
    if (bytes && before) memcpy(a.before, before, bytes);
    if (bytes && after) memcpy(a.after, after, bytes);
    return reel_record(site, &pad_op, 1, &x, &a);
}

/* ---- tril ---- */

typedef struct tril_attributes {
    int64_t diagonal;
} tril_attributes;

static reel_status tril_shape(reel_call *call)
{
    reel_status status = rule_real(call, 0);
    if (status != REEL_OK) return status;
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->rank < 2)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found %s, expected a matrix or a batch of them",
                              shape_text(text, call->in[0]));
    rule_shape_of(call, 0);
    return REEL_OK;
}

/* Copies (or adds) the part of each matrix on and below the diagonal, and writes (or adds) zeros above. */
static void copy_lower(const reel_call *call, const void *from, void *to, bool add)
{
    const tril_attributes *a = call->attributes;
    const reel_array *y = call->out;
    int64_t cols = y->shape[y->rank - 1], rows = y->shape[y->rank - 2];
    for (int64_t i = 0; i < y->size; i++) {
        int64_t row = i / cols % rows, col = i % cols;
        bool inside = col - a->diagonal <= row;
        if (add && !inside) continue;
        if (y->dtype == REEL_FLOAT) {
            float v = inside ? ((const float *)from)[i] : 0;
            ((float *)to)[i] = add ? ((float *)to)[i] + v : v;
        } else {
            double v = inside ? ((const double *)from)[i] : 0;
            ((double *)to)[i] = add ? ((double *)to)[i] + v : v;
        }
    }
}

static reel_status tril_forward(reel_call *call)
{
    copy_lower(call, call->in[0]->data, call->out->data, false);
    return REEL_OK;
}

static reel_status tril_backward(reel_call *call)
{
    if (call->in_gradient[0]) copy_lower(call, call->out_gradient, call->in_gradient[0], call->add[0]);
    return REEL_OK;
}

static const reel_sample tril_samples[] = {
    {"square", 1, {{2, {4, 4}, -2, 2, NULL, REEL_FLOAT, false}}, &(tril_attributes){0}, false},
    {"batch, below", 1, {{3, {2, 3, 4}, -2, 2, NULL, REEL_FLOAT, false}}, &(tril_attributes){-1}, false},
    {"wide, above", 1, {{2, {2, 5}, -2, 2, NULL, REEL_FLOAT, false}}, &(tril_attributes){2}, false},
};

static const reel_op tril_op = {
    .size = sizeof(reel_op),
    .name = "tril",
    .formula = "y[i][j] = x[i][j] where j <= i + diagonal, else 0",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(tril_attributes),
    .shape = tril_shape,
    .forward = tril_forward,
    .backward = tril_backward,
    .samples = tril_samples,
    .sample_count = 3,
};

reel_value reel_tril(const char *site, reel_value x, int64_t diagonal)
{
    int64_t most = INT64_C(1) << 60;
    int64_t kept = diagonal < -most ? -most : diagonal > most ? most : diagonal;
    return reel_record(site, &tril_op, 1, &x, &(tril_attributes){kept});
}

reel_value reel_masked_fill(const char *site, reel_value x, reel_value mask, double value)
{
    if (reel_is_nil(x) || reel_is_nil(mask)) return REEL_NIL;
    return reel_where(site, mask, reel_scalar(site, x.tape, value), x);
}

op_family rearrange_family = {&expand_op, &flip_op, &pad_op, &tril_op, NULL};
