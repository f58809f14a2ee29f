/* SPDX-License-Identifier: MIT
 *
 * Operations by a list of indices: index_select and embedding read rows, one_hot writes ones.
 */
#include "ops/families.h"
#include <reel/ops.h>

#include <string.h>

/* x is seen as (outer, n, inner), y as (outer, count, inner): y[o][k] = x[o][index[k]]. */
typedef struct take_plan {
    int64_t outer, n, inner, count;
    int64_t skipped; /* an index whose row gets no gradient, or -1 */
} take_plan;

#define NO_ROW (-1)

static reel_status check_indices(reel_call *call, const reel_array *index, int64_t n)
{
    const int64_t *at = index->data;
    for (int64_t k = 0; k < index->size; k++)
        if (at[k] < 0 || at[k] >= n)
            return reel_call_fail(call, REEL_BAD_INDEX, "index[%lld]: found %lld, expected 0 to %lld", (long long)k,
                                  (long long)at[k], (long long)n - 1);
    return REEL_OK;
}

static reel_status take_forward(reel_call *call, const take_plan *p)
{
    reel_status status = check_indices(call, call->in[1], p->n);
    if (status != REEL_OK) return status;
    const int64_t *at = call->in[1]->data;
    size_t row = (size_t)p->inner * reel_dtype_size(call->out->dtype);
    char *to = call->out->data;
    if (!call->out->size) return REEL_OK;
    for (int64_t o = 0; o < p->outer; o++)
        for (int64_t k = 0; k < p->count; k++, to += row)
            memcpy(to, (const char *)call->in[0]->data + (size_t)(o * p->n + at[k]) * row, row);
    return REEL_OK;
}

/* Adds row by row, in the order of the indices. */
static reel_status take_backward(reel_call *call, const take_plan *p)
{
    const reel_array *x = call->in[0];
    const int64_t *at = call->in[1]->data;
    void *gradient = call->in_gradient[0];
    if (!gradient) return REEL_OK;
    if (!call->add[0]) memset(gradient, 0, (size_t)x->size * reel_dtype_size(x->dtype));
    for (int64_t o = 0; o < p->outer; o++)
        for (int64_t k = 0; k < p->count; k++) {
            int64_t to = (o * p->n + at[k]) * p->inner, from = (o * p->count + k) * p->inner;
            if (at[k] == p->skipped) continue;
            for (int64_t i = 0; i < p->inner; i++)
                if (x->dtype == REEL_FLOAT)
                    ((float *)gradient)[to + i] += ((const float *)call->out_gradient)[from + i];
                else
                    ((double *)gradient)[to + i] += ((const double *)call->out_gradient)[from + i];
        }
    return REEL_OK;
}

/* ---- index_select ---- */

typedef struct select_attributes {
    int axis;
} select_attributes;

static reel_status select_shape(reel_call *call)
{
    select_attributes *a = call->attributes;
    reel_status status = rule_real(call, 0);
    if (status == REEL_OK) status = rule_int64(call, 1);
    if (status != REEL_OK) return status;
    int axis = rule_axis(call, a->axis, call->in[0]->rank);
    if (axis < 0) return REEL_BAD_ARGUMENT;
    char text[SHAPE_TEXT_SIZE];
    if (call->in[1]->rank > 1)
        return reel_call_fail(call, REEL_BAD_SHAPE, "index: found %s, expected a list", shape_text(text, call->in[1]));
    a->axis = axis;
    rule_shape_of(call, 0);
    call->out->shape[axis] = call->in[1]->size;
    return REEL_OK;
}

static take_plan select_plan(const reel_call *call)
{
    const select_attributes *a = call->attributes;
    const reel_array *x = call->in[0];
    take_plan p = {1, x->shape[a->axis], 1, call->in[1]->size, NO_ROW};
    for (int d = 0; d < a->axis; d++) p.outer *= x->shape[d];
    for (int d = a->axis + 1; d < x->rank; d++) p.inner *= x->shape[d];
    return p;
}

static reel_status select_forward(reel_call *call)
{
    take_plan p = select_plan(call);
    return take_forward(call, &p);
}

static reel_status select_backward(reel_call *call)
{
    take_plan p = select_plan(call);
    return take_backward(call, &p);
}

static const double picked[] = {2, 0, 2, 1, 1, 0};

static const reel_sample select_samples[] = {
    {"rows",
     2,
     {{2, {3, 4}, -2, 2, NULL, REEL_FLOAT, false}, {1, {4}, 0, 0, picked, REEL_INT64, true}},
     &(select_attributes){0},
     false},
    {"middle axis",
     2,
     {{3, {2, 3, 2}, -2, 2, NULL, REEL_FLOAT, false}, {1, {5}, 0, 0, picked, REEL_INT64, true}},
     &(select_attributes){-2},
     false},
};

static const reel_op select_op = {
    .size = sizeof(reel_op),
    .name = "index_select",
    .formula = "y[..k..] = x[..index[k]..] along an axis",
    .least = 2,
    .most = 2,
    .attributes_size = sizeof(select_attributes),
    .shape = select_shape,
    .forward = select_forward,
    .backward = select_backward,
    .samples = select_samples,
    .sample_count = 2,
};

reel_value reel_index_select(const char *site, reel_value x, int axis, reel_value index)
{
    return reel_record(site, &select_op, 2, (const reel_value[]){x, index}, &(select_attributes){axis});
}

/* ---- embedding ---- */

typedef struct embedding_attributes {
    int64_t padding;
} embedding_attributes;

static reel_status embedding_shape(reel_call *call)
{
    embedding_attributes *a = call->attributes;
    const reel_array *table = call->in[0], *index = call->in[1];
    reel_status status = rule_real(call, 0);
    if (status == REEL_OK) status = rule_int64(call, 1);
    if (status != REEL_OK) return status;
    char text[SHAPE_TEXT_SIZE];
    if (table->rank != 2)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found a table of shape %s, expected (entries, features)",
                              shape_text(text, table));
    if (index->rank == REEL_MAX_RANK)
        return reel_call_fail(call, REEL_BAD_SHAPE, "index: found rank %d, expected at most %d", index->rank,
                              REEL_MAX_RANK - 1);
    if (a->padding < NO_ROW || a->padding >= table->shape[0])
        return reel_call_fail(call, REEL_BAD_INDEX, "found padding index %lld, expected -1 (none) to %lld",
                              (long long)a->padding, (long long)table->shape[0] - 1);
    rule_shape_of(call, 1);
    call->out->shape[call->out->rank++] = table->shape[1];
    return REEL_OK;
}

static take_plan embedding_plan(const reel_call *call)
{
    const embedding_attributes *a = call->attributes;
    const reel_array *table = call->in[0];
    return (take_plan){1, table->shape[0], table->shape[1], call->in[1]->size, a->padding};
}

static reel_status embedding_forward(reel_call *call)
{
    take_plan p = embedding_plan(call);
    return take_forward(call, &p);
}

static reel_status embedding_backward(reel_call *call)
{
    take_plan p = embedding_plan(call);
    return take_backward(call, &p);
}

static const reel_sample embedding_samples[] = {
    {"repeated",
     2,
     {{2, {3, 4}, -2, 2, NULL, REEL_FLOAT, false}, {2, {2, 3}, 0, 0, picked, REEL_INT64, true}},
     &(embedding_attributes){NO_ROW},
     false},
    {"one",
     2,
     {{2, {3, 2}, -2, 2, NULL, REEL_FLOAT, false}, {0, {0}, 0, 0, picked, REEL_INT64, true}},
     &(embedding_attributes){1},
     false},
};

static const reel_op embedding_op = {
    .size = sizeof(reel_op),
    .name = "embedding",
    .formula = "y[..] = table[index[..]]",
    .least = 2,
    .most = 2,
    .attributes_size = sizeof(embedding_attributes),
    .shape = embedding_shape,
    .forward = embedding_forward,
    .backward = embedding_backward,
    .samples = embedding_samples,
    .sample_count = 2,
};

reel_value reel_embedding(const char *site, reel_value table, reel_value index, int64_t padding)
{
    return reel_record(site, &embedding_op, 2, (const reel_value[]){table, index}, &(embedding_attributes){padding});
}

/* ---- one_hot ---- */

typedef struct one_hot_attributes {
    int64_t classes;
} one_hot_attributes;

static reel_status one_hot_shape(reel_call *call)
{
    const one_hot_attributes *a = call->attributes;
    reel_status status = rule_int64(call, 0);
    if (status != REEL_OK) return status;
    if (a->classes < 1)
        return reel_call_fail(call, REEL_BAD_ARGUMENT, "found %lld classes, expected 1 or more", (long long)a->classes);
    if (call->in[0]->rank == REEL_MAX_RANK)
        return reel_call_fail(call, REEL_BAD_SHAPE, "found rank %d, expected at most %d", REEL_MAX_RANK,
                              REEL_MAX_RANK - 1);
    rule_shape_of(call, 0);
    call->out->shape[call->out->rank++] = a->classes;
    call->out->dtype = REEL_INT64;
    return REEL_OK;
}

static reel_status one_hot_forward(reel_call *call)
{
    const one_hot_attributes *a = call->attributes;
    const int64_t *at = call->in[0]->data;
    int64_t *to = call->out->data;
    reel_status status = check_indices(call, call->in[0], a->classes);
    if (status != REEL_OK) return status;
    if (call->out->size) memset(to, 0, (size_t)call->out->size * sizeof *to);
    for (int64_t k = 0; k < call->in[0]->size; k++) to[k * a->classes + at[k]] = 1;
    return REEL_OK;
}

static const reel_sample one_hot_samples[] = {
    {"three classes", 1, {{1, {6}, 0, 0, picked, REEL_INT64, true}}, &(one_hot_attributes){3}, false},
};

static const reel_op one_hot_op = {
    .size = sizeof(reel_op),
    .name = "one_hot",
    .formula = "y[k][j] = 1 where j = index[k], else 0",
    .least = 1,
    .most = 1,
    .attributes_size = sizeof(one_hot_attributes),
    .shape = one_hot_shape,
    .forward = one_hot_forward,
    .samples = one_hot_samples,
    .sample_count = 1,
};

reel_value reel_one_hot(const char *site, reel_value index, int64_t classes)
{
    return reel_record(site, &one_hot_op, 1, &index, &(one_hot_attributes){classes});
}

op_family take_family = {&select_op, &embedding_op, &one_hot_op, NULL};
