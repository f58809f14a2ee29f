/* SPDX-License-Identifier: MIT
 *
 * The operations of reference files in terms of Reel's. Parameters have PyTorch's names.
 */
#include "op_cases.h"

#include <math.h>
#include <string.h>

#define HERE "conform"

static reel_value x_of(op_run *r)
{
    return operand(r, "x");
}

/* ---- moving elements ---- */

static reel_value run_transpose(op_run *r)
{
    return reel_transpose(HERE, x_of(r), (int)real_param(r, "dim0", 0), (int)real_param(r, "dim1", 1));
}

static reel_value run_permute(op_run *r)
{
    int64_t dims[OP_LIST];
    int order[OP_LIST], count = list_param(r, "dims", dims), rank = reel_data(x_of(r)).rank;
    if (count != rank) return not_covered(r, "dims does not name every axis");
    for (int i = 0; i < count; i++) order[i] = (int)(dims[i] < 0 ? dims[i] + rank : dims[i]);
    return reel_permute(HERE, x_of(r), order);
}

static reel_value run_reshape(op_run *r)
{
    int64_t shape[OP_LIST];
    int rank = list_param(r, "shape", shape);
    return reel_reshape(HERE, x_of(r), rank, shape);
}

static reel_value run_reshape_of_transpose(op_run *r)
{
    int64_t shape[OP_LIST];
    int rank = list_param(r, "shape", shape);
    return reel_reshape(HERE, run_transpose(r), rank, shape);
}

/* The same elements without axis `axis`, which has one entry. */
static reel_value drop_axis(reel_value x, int axis)
{
    reel_array a = reel_data(x);
    for (int d = axis; d + 1 < a.rank; d++) a.shape[d] = a.shape[d + 1];
    return reel_reshape(HERE, x, a.rank - 1, a.shape);
}

/* For each axis null (all), a number (select) or [start, stop, step], where null means from the start, to the end. */
static reel_value run_slice(op_run *r)
{
    const cJSON *slices = param(r, "slices"), *item;
    reel_value y = x_of(r);
    int axis = 0;
    cJSON_ArrayForEach(item, slices)
    {
        reel_array a = reel_data(y);
        if (cJSON_IsNumber(item)) {
            int64_t at = (int64_t)item->valuedouble;
            if (at < 0) at += a.shape[axis];
            y = drop_axis(reel_slice(HERE, y, axis, at, at + 1, 1), axis);
            continue;
        }
        if (cJSON_IsArray(item)) {
            const cJSON *start = cJSON_GetArrayItem(item, 0), *stop = cJSON_GetArrayItem(item, 1),
                        *step = cJSON_GetArrayItem(item, 2);
            y = reel_slice(HERE, y, axis, cJSON_IsNumber(start) ? (int64_t)start->valuedouble : 0,
                           cJSON_IsNumber(stop) ? (int64_t)stop->valuedouble : INT64_MAX,
                           cJSON_IsNumber(step) ? (int64_t)step->valuedouble : 1);
        }
        axis++;
    }
    return y;
}

/* Inputs x0, x1, ... */
static int operands_in_order(op_run *r, reel_value values[OP_OPERANDS])
{
    static const char *const names[OP_OPERANDS] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"};
    int count = 0;
    while (count < OP_OPERANDS && has_operand(r, names[count])) {
        values[count] = operand(r, names[count]);
        count++;
    }
    return count;
}

static reel_value run_concat(op_run *r)
{
    reel_value values[OP_OPERANDS];
    int count = operands_in_order(r, values);
    return reel_concat(HERE, count, values, (int)real_param(r, "dim", 0));
}

static reel_value run_stack(op_run *r)
{
    reel_value values[OP_OPERANDS];
    int count = operands_in_order(r, values);
    return reel_stack(HERE, count, values, (int)real_param(r, "dim", 0));
}

static reel_value run_concat_twice(op_run *r)
{
    return reel_concat(HERE, 2, (reel_value[]){x_of(r), x_of(r)}, (int)real_param(r, "dim", 0));
}

static reel_value run_gather(op_run *r)
{
    return reel_gather(HERE, x_of(r), (int)real_param(r, "dim", 0), operand(r, "index"));
}

static reel_value run_unsqueeze(op_run *r)
{
    reel_array a = reel_data(x_of(r));
    int axis = (int)real_param(r, "dim", 0);
    if (axis < 0) axis += a.rank + 1;
    if (axis < 0 || axis > a.rank || a.rank == REEL_MAX_RANK) return not_covered(r, "dim is out of range");
    memmove(a.shape + axis + 1, a.shape + axis, (size_t)(a.rank - axis) * sizeof *a.shape);
    a.shape[axis] = 1;
    return reel_reshape(HERE, x_of(r), a.rank + 1, a.shape);
}

static reel_value run_squeeze(op_run *r)
{
    reel_array a = reel_data(x_of(r));
    int axis = (int)real_param(r, "dim", 0);
    if (axis < 0) axis += a.rank;
    if (axis < 0 || axis >= a.rank) return not_covered(r, "dim is out of range");
    return a.shape[axis] == 1 ? drop_axis(x_of(r), axis) : x_of(r);
}

/* ---- random ---- */

static reel_value run_dropout(op_run *r)
{
    reel_tape_set_rng(r->tape, reel_rng_torch_new(HERE, r->context, 0));
    reel_tape_set_training(r->tape, flag_param(r, "training", true));
    double p = real_param(r, "p", 0.5);
    if (reel_tape_training(r->tape) && p > 0 && p < 1) return not_covered(r, "the mask depends on a seed");
    return reel_dropout(HERE, x_of(r), p);
}

const op_row op_rows[] = {
    {"transpose", run_transpose},
    {"permute", run_permute},
    {"reshape", run_reshape},
    {"reshape_of_transpose", run_reshape_of_transpose},
    {"slice", run_slice},
    {"concat", run_concat},
    {"concat_twice", run_concat_twice},
    {"stack", run_stack},
    {"gather", run_gather},
    {"unsqueeze", run_unsqueeze},
    {"squeeze", run_squeeze},
    {"dropout", run_dropout},
    {NULL, NULL},
};
