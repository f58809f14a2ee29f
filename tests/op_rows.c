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

/* ---- element by element ---- */

#define UNARY_ROWS(X)                                                                                                  \
    X(neg)                                                                                                             \
    X(exp)                                                                                                             \
    X(log)                                                                                                             \
    X(log1p)                                                                                                           \
    X(expm1)                                                                                                           \
    X(sqrt)                                                                                                            \
    X(rsqrt)                                                                                                           \
    X(abs)                                                                                                             \
    X(sign) X(sin) X(cos) X(tanh) X(sigmoid) X(logsigmoid) X(relu) X(silu) X(square) X(reciprocal) X(erf) X(softsign)
#define BINARY_ROWS(X) X(mul) X(div) X(pow) X(maximum) X(minimum)

#define RUN_UNARY(name)                                                                                                \
    static reel_value run_##name(op_run *r)                                                                            \
    {                                                                                                                  \
        return reel_##name(HERE, x_of(r));                                                                             \
    }
UNARY_ROWS(RUN_UNARY)

#define RUN_BINARY(name)                                                                                               \
    static reel_value run_##name(op_run *r)                                                                            \
    {                                                                                                                  \
        return reel_##name(HERE, operand(r, "a"), operand(r, "b"));                                                    \
    }
BINARY_ROWS(RUN_BINARY)

/* b, times alpha if there is one. */
static reel_value scaled_b(op_run *r)
{
    return param(r, "alpha") ? reel_mul_scalar(HERE, operand(r, "b"), real_param(r, "alpha", 1)) : operand(r, "b");
}

static reel_value run_add(op_run *r)
{
    return reel_add(HERE, operand(r, "a"), scaled_b(r));
}

static reel_value run_sub(op_run *r)
{
    return reel_sub(HERE, operand(r, "a"), scaled_b(r));
}

static reel_value run_pow_scalar(op_run *r)
{
    return reel_pow_scalar(HERE, operand(r, "a"), real_param(r, "exponent", NAN));
}

static reel_value run_rpow_scalar(op_run *r)
{
    return reel_rpow_scalar(HERE, operand(r, "a"), real_param(r, "base", NAN));
}

static reel_value run_leaky_relu(op_run *r)
{
    return reel_leaky_relu(HERE, x_of(r), real_param(r, "negative_slope", 0.01));
}

static reel_value run_elu(op_run *r)
{
    return reel_elu(HERE, x_of(r), real_param(r, "alpha", 1));
}

static reel_value run_gelu(op_run *r)
{
    const char *kind = text_param(r, "approximate");
    if (strcmp(kind, "tanh") == 0) return reel_gelu_tanh(HERE, x_of(r));
    if (*kind && strcmp(kind, "none") != 0) return not_covered(r, "approximate is neither none nor tanh");
    return reel_gelu(HERE, x_of(r));
}

static reel_value run_softplus(op_run *r)
{
    return reel_softplus(HERE, x_of(r), real_param(r, "beta", 1), real_param(r, "threshold", 20));
}

static reel_value run_clamp(op_run *r)
{
    return reel_clamp(HERE, x_of(r), real_param(r, "min", -INFINITY), real_param(r, "max", INFINITY));
}

static reel_value run_hardtanh(op_run *r)
{
    return reel_hardtanh(HERE, x_of(r), real_param(r, "min_val", -1), real_param(r, "max_val", 1));
}

static reel_value run_where(op_run *r)
{
    return reel_where(HERE, operand(r, "cond"), operand(r, "a"), operand(r, "b"));
}

static reel_value run_masked_fill(op_run *r)
{
    return reel_masked_fill(HERE, x_of(r), operand(r, "mask"), real_param(r, "value", NAN));
}

/* ---- products, softmax, and sums of the above ---- */

static reel_value run_matmul(op_run *r)
{
    return reel_matmul(HERE, operand(r, "a"), operand(r, "b"));
}

static reel_value run_linear(op_run *r)
{
    return reel_linear(HERE, x_of(r), operand(r, "weight"), operand(r, "bias"));
}

static reel_value run_softmax(op_run *r)
{
    return reel_softmax(HERE, x_of(r), (int)real_param(r, "dim", -1));
}

static reel_value run_log_softmax(op_run *r)
{
    return reel_log_softmax(HERE, x_of(r), (int)real_param(r, "dim", -1));
}

static reel_value run_x_times_x_plus_x(op_run *r)
{
    return reel_add(HERE, reel_mul(HERE, x_of(r), x_of(r)), x_of(r));
}

/* e^x sin(x) + x / (1 + x^2): x reaches the result on several paths. */
static reel_value run_exp_sin_mix(op_run *r)
{
    reel_value x = x_of(r);
    reel_value below = reel_add_scalar(HERE, reel_square(HERE, x), 1);
    return reel_add(HERE, reel_mul(HERE, reel_exp(HERE, x), reel_sin(HERE, x)), reel_div(HERE, x, below));
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

/* ---- repeating, reversing, surrounding, cutting, rows by index ---- */

static reel_value run_expand(op_run *r)
{
    int64_t shape[OP_LIST];
    int rank = list_param(r, "shape", shape);
    return reel_expand(HERE, x_of(r), rank, shape);
}

static reel_value run_flip(op_run *r)
{
    int64_t dims[OP_LIST];
    int axes[OP_LIST], count = list_param(r, "dims", dims);
    for (int i = 0; i < count; i++) axes[i] = (int)dims[i];
    return reel_flip(HERE, x_of(r), count, axes);
}

/* Pairs (before, after), the last axis first; negative ones cut. */
static reel_value run_pad(op_run *r)
{
    int64_t pad[OP_LIST], before[REEL_MAX_RANK] = {0}, after[REEL_MAX_RANK] = {0};
    int count = list_param(r, "pad", pad);
    reel_value x = x_of(r);
    reel_array a = reel_data(x);
    if (count < 0 || count % 2 || count / 2 > a.rank) return not_covered(r, "pad is no list of pairs");
    for (int i = 0; i < count / 2; i++) {
        int axis = a.rank - 1 - i;
        int64_t first = pad[2 * i], last = pad[2 * i + 1];
        if (first < 0 || last < 0)
            x = reel_slice(HERE, x, axis, first < 0 ? -first : 0, last < 0 ? a.shape[axis] + last : a.shape[axis], 1);
        before[axis] = first > 0 ? first : 0;
        after[axis] = last > 0 ? last : 0;
    }
    return reel_pad(HERE, x, before, after, real_param(r, "value", 0));
}

static reel_value run_tril(op_run *r)
{
    return reel_tril(HERE, x_of(r), (int64_t)real_param(r, "diagonal", 0));
}

static reel_value run_index_select(op_run *r)
{
    return reel_index_select(HERE, x_of(r), (int)real_param(r, "dim", 0), operand(r, "index"));
}

static reel_value run_embedding(op_run *r)
{
    int64_t padding = (int64_t)real_param(r, "padding_idx", -1);
    bool from_end = cJSON_IsNumber(param(r, "padding_idx")) && padding < 0;
    if (from_end) padding += reel_data(operand(r, "weight")).shape[0];
    return reel_embedding(HERE, operand(r, "weight"), operand(r, "index"), padding);
}

static reel_value run_one_hot(op_run *r)
{
    return reel_one_hot(HERE, operand(r, "index"), (int64_t)real_param(r, "num_classes", -1));
}

/* ---- reductions ---- */

/* "dim": null (all), a number or a list. */
static int axes_param(op_run *r, int axes[OP_LIST])
{
    int64_t dims[OP_LIST];
    int count = list_param(r, "dim", dims);
    for (int i = 0; i < count; i++) axes[i] = (int)dims[i];
    return count;
}

/* All axes with their size kept at 1. */
static reel_value keep_all(op_run *r, reel_value y)
{
    static const int64_t ones[REEL_MAX_RANK] = {1, 1, 1, 1, 1, 1};
    return flag_param(r, "keepdim", false) ? reel_reshape(HERE, y, reel_data(x_of(r)).rank, ones) : y;
}

#define RUN_REDUCTION(name)                                                                                            \
    static reel_value run_##name(op_run *r)                                                                            \
    {                                                                                                                  \
        int axes[OP_LIST], count = axes_param(r, axes);                                                                \
        if (count < 0) return keep_all(r, reel_##name(HERE, x_of(r)));                                                 \
        return reel_##name##_axes(HERE, x_of(r), count, axes, flag_param(r, "keepdim", false));                        \
    }
RUN_REDUCTION(prod)
RUN_REDUCTION(sum)
RUN_REDUCTION(mean)
RUN_REDUCTION(logsumexp)

/* PyTorch's amax and amin share the gradient; so do max and min over everything. */
static reel_value run_amax(op_run *r)
{
    int axes[OP_LIST], count = axes_param(r, axes);
    if (count < 0) return keep_all(r, reel_max(HERE, x_of(r)));
    return reel_max_axes(HERE, x_of(r), count, axes, flag_param(r, "keepdim", false));
}

static reel_value run_amin(op_run *r)
{
    int axes[OP_LIST], count = axes_param(r, axes);
    if (count < 0) return keep_all(r, reel_min(HERE, x_of(r)));
    return reel_min_axes(HERE, x_of(r), count, axes, flag_param(r, "keepdim", false));
}

#define RUN_ARGUMENT(name)                                                                                             \
    static reel_value run_##name(op_run *r)                                                                            \
    {                                                                                                                  \
        int axes[OP_LIST], count = axes_param(r, axes);                                                                \
        if (count < 0) return keep_all(r, reel_##name##_all(HERE, x_of(r)));                                           \
        return reel_##name(HERE, x_of(r), axes[0], flag_param(r, "keepdim", false));                                   \
    }
RUN_ARGUMENT(argmax)
RUN_ARGUMENT(argmin)

/* Along an axis with the indices; the first of equal ones takes the gradient. */
static reel_value run_max(op_run *r)
{
    if (!param(r, "dim") || cJSON_IsNull(param(r, "dim"))) return run_amax(r);
    also(r, "indices", reel_data(run_argmax(r)));
    return reel_max_axis(HERE, x_of(r), (int)real_param(r, "dim", 0), flag_param(r, "keepdim", false));
}

static reel_value run_min(op_run *r)
{
    if (!param(r, "dim") || cJSON_IsNull(param(r, "dim"))) return run_amin(r);
    also(r, "indices", reel_data(run_argmin(r)));
    return reel_min_axis(HERE, x_of(r), (int)real_param(r, "dim", 0), flag_param(r, "keepdim", false));
}

#define RUN_SPREAD(name)                                                                                               \
    static reel_value run_##name(op_run *r)                                                                            \
    {                                                                                                                  \
        int axes[OP_LIST], count = axes_param(r, axes);                                                                \
        double correction = flag_param(r, "unbiased", true);                                                           \
        if (count < 0) return keep_all(r, reel_##name(HERE, x_of(r), correction));                                     \
        return reel_##name##_axes(HERE, x_of(r), count, axes, flag_param(r, "keepdim", false), correction);            \
    }
RUN_SPREAD(var)
RUN_SPREAD(std)

static reel_value run_norm(op_run *r)
{
    int axes[OP_LIST], count = axes_param(r, axes);
    double p = real_param(r, "p", 2);
    if (count < 0) return keep_all(r, reel_norm(HERE, x_of(r), p));
    return reel_norm_axes(HERE, x_of(r), count, axes, flag_param(r, "keepdim", false), p);
}

static reel_value run_cumsum(op_run *r)
{
    return reel_cumsum(HERE, x_of(r), (int)real_param(r, "dim", 0));
}

/* ---- normalisation ---- */

static reel_value run_layer_norm(op_run *r)
{
    int64_t shape[OP_LIST];
    int axes = list_param(r, "normalized_shape", shape);
    return reel_layer_norm(HERE, x_of(r), axes, operand(r, "weight"), operand(r, "bias"), real_param(r, "eps", 1e-5));
}

static reel_value run_group_norm(op_run *r)
{
    return reel_group_norm(HERE, x_of(r), (int)real_param(r, "num_groups", 1), operand(r, "weight"), operand(r, "bias"),
                           real_param(r, "eps", 1e-5));
}

static reel_value run_batch_norm(op_run *r)
{
    reel_array running[2];
    static const char *const names[] = {"running_mean", "running_var"};
    for (int i = 0; i < 2; i++) {
        running[i] = reel_data(operand(r, names[i]));
        also(r, i ? "new_running_var" : "new_running_mean", running[i]);
    }
    bool given = running[0].data && running[1].data;
    reel_tape_set_training(r->tape, flag_param(r, "training", true));
    return reel_batch_norm(HERE, x_of(r), operand(r, "weight"), operand(r, "bias"), given ? &running[0] : NULL,
                           given ? &running[1] : NULL, real_param(r, "momentum", 0.1), real_param(r, "eps", 1e-5));
}

/* ---- images ---- */

/* One number for both axes, or two; `otherwise` (one number) when absent or null. */
static const int64_t *pair_param(op_run *r, const char *name, int64_t pair[2], int64_t otherwise)
{
    int64_t list[OP_LIST];
    int count = list_param(r, name, list);
    pair[0] = count > 0 ? list[0] : otherwise;
    pair[1] = count > 1 ? list[1] : pair[0];
    return pair;
}

static reel_value run_conv2d(op_run *r)
{
    int64_t stride[2], padding[2], dilation[2];
    return reel_conv2d(HERE, x_of(r), operand(r, "weight"), operand(r, "bias"), pair_param(r, "stride", stride, 1),
                       pair_param(r, "padding", padding, 0), pair_param(r, "dilation", dilation, 1),
                       (int64_t)real_param(r, "groups", 1));
}

static reel_value run_avg_pool2d(op_run *r)
{
    int64_t kernel[2], stride[2], padding[2];
    bool own = cJSON_IsNull(param(r, "stride")) || !param(r, "stride");
    pair_param(r, "kernel_size", kernel, 0);
    return reel_avg_pool2d(HERE, x_of(r), kernel, own ? NULL : pair_param(r, "stride", stride, 0),
                           pair_param(r, "padding", padding, 0), flag_param(r, "ceil_mode", false),
                           flag_param(r, "count_include_pad", true));
}

static reel_value run_max_pool2d(op_run *r)
{
    int64_t kernel[2], stride[2], padding[2];
    bool own = cJSON_IsNull(param(r, "stride")) || !param(r, "stride");
    pair_param(r, "kernel_size", kernel, 0);
    return reel_max_pool2d(HERE, x_of(r), kernel, own ? NULL : pair_param(r, "stride", stride, 0),
                           pair_param(r, "padding", padding, 0), flag_param(r, "ceil_mode", false));
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

#define ROW(name) {#name, run_##name},
const op_row op_rows[] = {
    UNARY_ROWS(ROW) BINARY_ROWS(ROW){"add", run_add},
    {"sub", run_sub},
    {"pow_scalar", run_pow_scalar},
    {"rpow_scalar", run_rpow_scalar},
    {"leaky_relu", run_leaky_relu},
    {"elu", run_elu},
    {"gelu", run_gelu},
    {"softplus", run_softplus},
    {"clamp", run_clamp},
    {"hardtanh", run_hardtanh},
    {"where", run_where},
    {"masked_fill", run_masked_fill},
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
    {"expand", run_expand},
    {"flip", run_flip},
    {"pad", run_pad},
    {"tril", run_tril},
    {"index_select", run_index_select},
    {"embedding", run_embedding},
    {"one_hot", run_one_hot},
    {"matmul", run_matmul},
    {"linear", run_linear},
    {"softmax", run_softmax},
    {"log_softmax", run_log_softmax},
    {"x_times_x_plus_x", run_x_times_x_plus_x},
    {"exp_sin_mix", run_exp_sin_mix},
    {"sum", run_sum},
    {"mean", run_mean},
    {"logsumexp", run_logsumexp},
    {"amax", run_amax},
    {"amin", run_amin},
    {"argmax", run_argmax},
    {"argmin", run_argmin},
    {"max", run_max},
    {"min", run_min},
    {"var", run_var},
    {"std", run_std},
    {"prod", run_prod},
    {"norm", run_norm},
    {"cumsum", run_cumsum},
    {"layer_norm", run_layer_norm},
    {"group_norm", run_group_norm},
    {"batch_norm", run_batch_norm},
    {"conv2d", run_conv2d},
    {"avg_pool2d", run_avg_pool2d},
    {"max_pool2d", run_max_pool2d},
    {"dropout", run_dropout},
    {NULL, NULL},
};
