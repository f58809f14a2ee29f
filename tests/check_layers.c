/* SPDX-License-Identifier: MIT
 *
 * Operations that move, take, reduce and normalise, images, and losses: values that are easy to see, modes, errors,
 * empty arrays, lack of memory. Their gradients are checked in check_ops.c, their values also by conform.
 */
#include "failing.h"
#include "common.h"

static reel_tape *tape;

static void setup_tape(void)
{
    setup();
    tape = reel_tape_new(NULL, context, REEL_DOUBLE);
}

static reel_value variable(int rank, const int64_t *shape, const double *elements)
{
    return reel_variable(NULL, tape, doubles(rank, shape, elements));
}

/* 1, 2, 3, ... */
static reel_value counted(int rank, const int64_t *shape)
{
    reel_array *a = doubles(rank, shape, NULL);
    for (int64_t i = 0; i < a->size; i++) ((double *)a->data)[i] = (double)(i + 1);
    return reel_variable(NULL, tape, a);
}

static reel_value integers(int rank, const int64_t *shape, const int64_t *elements)
{
    reel_array *a = reel_array_new(NULL, context, REEL_INT64, rank, shape);
    if (a->size) memcpy(a->data, elements, (size_t)a->size * sizeof *elements);
    return reel_input(NULL, tape, a);
}

static void expect_values(reel_value y, int rank, const int64_t *shape, const double *expected)
{
    expect_fine();
    reel_array a = reel_data(y);
    ck_assert_int_eq(a.rank, rank);
    for (int d = 0; d < rank; d++) ck_assert_int_eq(a.shape[d], shape[d]);
    for (int64_t i = 0; i < a.size; i++)
        ck_assert_msg(fabs(at(a, i) - expected[i]) <= 1e-14 * fabs(expected[i]), "element %d: %.17g, expected %.17g",
                      (int)i, at(a, i), expected[i]);
}

#define SHAPE(...)                                                                                                     \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[])                                       \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define VALUES(...)                                                                                                    \
    (const double[])                                                                                                   \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

START_TEST(test_moved)
{
    reel_value x = counted(SHAPE(2, 3));
    expect_values(reel_expand(NULL, x, SHAPE(2, 2, -1)), SHAPE(2, 2, 3), VALUES(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6));
    expect_values(reel_flip(NULL, x, 2, (const int[]){-1, 0}), SHAPE(2, 3), VALUES(6, 5, 4, 3, 2, 1));
    expect_values(reel_pad(NULL, x, NULL, (const int64_t[]){1, 1}, 9), SHAPE(3, 4),
                  VALUES(1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9, 9));
    expect_values(reel_tril(NULL, x, 0), SHAPE(2, 3), VALUES(1, 0, 0, 4, 5, 0));
    expect_values(reel_tril(NULL, x, INT64_MAX), SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    expect_values(reel_tril(NULL, x, INT64_MIN), SHAPE(2, 3), VALUES(0, 0, 0, 0, 0, 0));
    expect_values(reel_index_select(NULL, x, -1, integers(SHAPE(2), (const int64_t[]){2, 0})), SHAPE(2, 2),
                  VALUES(3, 1, 6, 4));
    uint8_t mask[] = {0, 1, 0};
    reel_array m = reel_array_view(REEL_UINT8, mask, SHAPE(3));
    expect_values(reel_masked_fill(NULL, x, reel_input(NULL, tape, &m), -1), SHAPE(2, 3), VALUES(1, -1, 3, 4, -1, 6));
    expect_values(reel_one_hot(NULL, integers(SHAPE(2), (const int64_t[]){2, 0}), 3), SHAPE(2, 3),
                  VALUES(0, 0, 1, 1, 0, 0));
    ck_assert_int_eq(reel_data(reel_one_hot(NULL, integers(SHAPE(1), (const int64_t[]){0}), 1)).dtype, REEL_INT64);
}
END_TEST

START_TEST(test_errors_of_moves)
{
    reel_value x = counted(SHAPE(2, 3)), index = integers(SHAPE(2), (const int64_t[]){0, 3});
    ck_assert(reel_is_nil(reel_expand("e.c:1", x, SHAPE(2, 2))));
    expect_error(REEL_BAD_SHAPE, "e.c:1: expand: (2,3) does not broadcast to (2,2)");
    ck_assert(reel_is_nil(reel_expand(NULL, x, SHAPE(3))));
    expect_error(REEL_BAD_SHAPE, "(2,3) does not broadcast to (3)");
    ck_assert(reel_is_nil(reel_expand(NULL, x, SHAPE(-1, 2, 3))));
    expect_error(REEL_BAD_SHAPE, "does not broadcast to (-1,2,3)");
    ck_assert(reel_is_nil(reel_expand(NULL, x, 7, NULL)));
    expect_error(REEL_BAD_SHAPE, "found rank 7");
    ck_assert(reel_is_nil(reel_flip(NULL, x, 2, (const int[]){1, -1})));
    expect_error(REEL_BAD_ARGUMENT, "flip: found 2 axes, expected some of the 2 axes, each at most once");
    ck_assert(reel_is_nil(reel_flip(NULL, x, 1, (const int[]){2})));
    expect_error(REEL_BAD_ARGUMENT, "found axis 2, expected -2 to 1");
    ck_assert(reel_is_nil(reel_pad(NULL, x, (const int64_t[]){0, -1}, NULL, 0)));
    expect_error(REEL_BAD_ARGUMENT, "pad: axis 1: found padding of -1 and 0");
    ck_assert(reel_is_nil(reel_tril(NULL, counted(SHAPE(3)), 0)));
    expect_error(REEL_BAD_SHAPE, "tril: found (3), expected a matrix");
    ck_assert(reel_is_nil(reel_index_select("i.c:1", x, 1, index)));
    expect_error(REEL_BAD_INDEX, "i.c:1: index_select: index[1]: found 3, expected 0 to 2");
    ck_assert(reel_is_nil(reel_index_select(NULL, x, 1, x)));
    expect_error(REEL_BAD_DTYPE, "operand 2: found float64, expected int64");
    ck_assert(reel_is_nil(reel_embedding(NULL, x, index, -1)));
    expect_error(REEL_BAD_INDEX, "embedding: index[1]: found 3, expected 0 to 1");
    ck_assert(reel_is_nil(reel_embedding(NULL, x, index, 2)));
    expect_error(REEL_BAD_INDEX, "found padding index 2, expected -1 (none) to 1");
    ck_assert(reel_is_nil(reel_one_hot(NULL, index, 3)));
    expect_error(REEL_BAD_INDEX, "one_hot: index[1]: found 3, expected 0 to 2");
    ck_assert(reel_is_nil(reel_one_hot(NULL, index, 0)));
    expect_error(REEL_BAD_ARGUMENT, "found 0 classes");
}
END_TEST

START_TEST(test_padding_row_gets_no_gradient)
{
    reel_value table = counted(SHAPE(3, 2)), index = integers(SHAPE(2, 2), (const int64_t[]){1, 2, 1, 0});
    reel_value y = reel_embedding(NULL, table, index, 1);
    expect_values(y, SHAPE(2, 2, 2), VALUES(3, 4, 5, 6, 3, 4, 1, 2));
    ck_assert_int_eq(reel_backward(NULL, reel_sum(NULL, y)), REEL_OK);
    const double expected[] = {1, 1, 0, 0, 1, 1};
    for (int i = 0; i < 6; i++) ck_assert_double_eq(at(reel_gradient(table), i), expected[i]);
    y = reel_embedding(NULL, table, index, -1);
    ck_assert_int_eq(reel_backward(NULL, reel_sum(NULL, y)), REEL_OK);
    ck_assert_double_eq(at(reel_gradient(table), 2), 2);
}
END_TEST

START_TEST(test_reduced)
{
    reel_value x = counted(SHAPE(2, 3)), nothing = variable(SHAPE(0, 2), NULL);
    expect_values(reel_prod(NULL, x), 0, NULL, VALUES(720));
    expect_values(reel_prod_axes(NULL, x, 1, (const int[]){0}, true), SHAPE(1, 3), VALUES(4, 10, 18));
    expect_values(reel_cumsum(NULL, x, 1), SHAPE(2, 3), VALUES(1, 3, 6, 4, 9, 15));
    expect_values(reel_norm(NULL, x, 1), 0, NULL, VALUES(21));
    expect_values(reel_norm(NULL, x, 0), 0, NULL, VALUES(6));
    expect_values(reel_norm(NULL, x, -INFINITY), 0, NULL, VALUES(1));
    expect_values(reel_norm_axes(NULL, x, 1, (const int[]){-1}, false, INFINITY), SHAPE(2), VALUES(3, 6));
    expect_values(reel_norm_axes(NULL, x, 0, NULL, false, 2), SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    expect_values(reel_prod_axes(NULL, nothing, 1, (const int[]){0}, false), SHAPE(2), VALUES(1, 1));
    expect_values(reel_norm(NULL, nothing, 2), 0, NULL, VALUES(0));
    expect_values(reel_cumsum(NULL, nothing, 0), SHAPE(0, 2), NULL);
    ck_assert(isnan(reel_item(NULL, reel_norm(NULL, variable(SHAPE(2), VALUES(NAN, 1)), INFINITY))));
    ck_assert(reel_is_nil(reel_norm(NULL, nothing, INFINITY)));
    expect_error(REEL_BAD_SHAPE, "norm: nothing has no norm with p = inf");
    ck_assert(reel_is_nil(reel_norm(NULL, x, NAN)));
    expect_error(REEL_BAD_ARGUMENT, "found p = nan");
    ck_assert(reel_is_nil(reel_prod_axes(NULL, x, 2, (const int[]){1, -1}, false)));
    expect_error(REEL_BAD_ARGUMENT, "prod: axis 1 is named twice");
    ck_assert(reel_is_nil(reel_prod_axes(NULL, x, 99, NULL, false)));
    expect_error(REEL_BAD_ARGUMENT, "found 99 axes, expected 0 to 6");
    ck_assert(reel_is_nil(reel_cumsum(NULL, x, 2)));
    expect_error(REEL_BAD_ARGUMENT, "cumsum: found axis 2, expected -2 to 1");
}
END_TEST

/* x (4, 2) with columns 1 3 5 7 and 2 2 2 2. */
START_TEST(test_batch_norm_modes)
{
    reel_array *mean = doubles(SHAPE(2), VALUES(0, 1)), *variance = doubles(SHAPE(2), VALUES(1, 1));
    reel_value x = variable(SHAPE(4, 2), VALUES(1, 2, 3, 2, 5, 2, 7, 2));
    reel_value y = reel_batch_norm(NULL, x, REEL_NIL, REEL_NIL, mean, variance, 0.5, 0);
    expect_fine();
    ck_assert_double_eq_tol(at(reel_data(y), 0), -3 / sqrt(5), 1e-15);
    ck_assert_double_eq(at(*mean, 0), 2);
    ck_assert_double_eq(at(*mean, 1), 1.5);
    ck_assert_double_eq_tol(at(*variance, 0), 0.5 + 0.5 * 20 / 3, 1e-15);
    ck_assert_double_eq(at(*variance, 1), 0.5);
    reel_tape_set_training(tape, false);
    double before = at(*variance, 0);
    y = reel_batch_norm(NULL, x, REEL_NIL, REEL_NIL, mean, variance, 0.5, 0);
    ck_assert_double_eq_tol(at(reel_data(y), 0), (1 - 2) / sqrt(before), 1e-15);
    ck_assert_double_eq(at(*variance, 0), before);
    /* one sample is enough then, and its gradient is that of a scaling */
    reel_value one = variable(SHAPE(1, 2), VALUES(5, 5));
    y = reel_batch_norm(NULL, one, REEL_NIL, REEL_NIL, mean, variance, 0.5, 0);
    ck_assert_int_eq(reel_backward(NULL, reel_sum(NULL, y)), REEL_OK);
    ck_assert_double_eq_tol(at(reel_gradient(one), 0), 1 / sqrt(before), 1e-15);
    /* without running statistics those of x are used in both modes */
    y = reel_batch_norm(NULL, x, REEL_NIL, REEL_NIL, NULL, NULL, 0.5, 0);
    ck_assert_double_eq_tol(at(reel_data(y), 0), -3 / sqrt(5), 1e-15);
}
END_TEST

START_TEST(test_errors_of_normalisation)
{
    reel_value x = counted(SHAPE(2, 4)), w = counted(SHAPE(3));
    reel_array *three = doubles(SHAPE(3), NULL), *four = doubles(SHAPE(4), NULL);
    ck_assert(reel_is_nil(reel_layer_norm(NULL, x, 1, w, REEL_NIL, 1e-5)));
    expect_error(REEL_BAD_SHAPE, "layer_norm: weight: found (3), expected (4)");
    ck_assert(reel_is_nil(reel_layer_norm(NULL, x, 3, REEL_NIL, REEL_NIL, 1e-5)));
    expect_error(REEL_BAD_ARGUMENT, "found 3 axes of a value with rank 2");
    ck_assert(reel_is_nil(reel_layer_norm(NULL, x, 1, REEL_NIL, REEL_NIL, -1)));
    expect_error(REEL_BAD_ARGUMENT, "found eps = -1");
    ck_assert(reel_is_nil(reel_group_norm(NULL, x, 3, REEL_NIL, REEL_NIL, 1e-5)));
    expect_error(REEL_BAD_ARGUMENT, "group_norm: found 3 groups, expected a divisor of the 4 channels");
    ck_assert(reel_is_nil(reel_batch_norm(NULL, x, REEL_NIL, w, NULL, NULL, 0.1, 1e-5)));
    expect_error(REEL_BAD_SHAPE, "batch_norm: bias: found (3), expected (4)");
    ck_assert(reel_is_nil(reel_batch_norm(NULL, x, REEL_NIL, REEL_NIL, four, NULL, 0.1, 1e-5)));
    expect_error(REEL_BAD_ARGUMENT, "running mean and variance must be both given");
    ck_assert(reel_is_nil(reel_batch_norm(NULL, x, REEL_NIL, REEL_NIL, four, three, 0.1, 1e-5)));
    expect_error(REEL_BAD_ARGUMENT, "one number a channel");
    ck_assert(reel_is_nil(reel_batch_norm(NULL, x, REEL_NIL, REEL_NIL, four, four, 2, 1e-5)));
    expect_error(REEL_BAD_ARGUMENT, "the momentum is outside 0 to 1");
    ck_assert(reel_is_nil(reel_batch_norm(NULL, counted(SHAPE(1, 4)), REEL_NIL, REEL_NIL, four, four, 0.1, 1e-5)));
    expect_error(REEL_BAD_SHAPE, "(1,4) has 1 elements a channel, expected at least 2");
    for (int i = 0; i < 4; i++) ck_assert_double_eq(at(*four, i), 0);
}
END_TEST

START_TEST(test_images)
{
    reel_value x = counted(SHAPE(1, 1, 3, 3)), w = variable(SHAPE(1, 1, 2, 2), VALUES(1, 0, 0, -1));
    const int64_t two[] = {2, 2}, one[] = {1, 1}, five[] = {5, 5};
    expect_values(reel_conv2d(NULL, x, w, REEL_NIL, NULL, NULL, NULL, 1), SHAPE(1, 1, 2, 2), VALUES(-4, -4, -4, -4));
    expect_values(reel_conv2d(NULL, x, w, REEL_NIL, two, one, NULL, 1), SHAPE(1, 1, 2, 2), VALUES(-1, -3, -7, -4));
    expect_values(reel_conv2d(NULL, x, w, REEL_NIL, NULL, NULL, two, 1), SHAPE(1, 1, 1, 1), VALUES(-8));
    expect_values(reel_max_pool2d(NULL, x, two, NULL, NULL, true), SHAPE(1, 1, 2, 2), VALUES(5, 6, 8, 9));
    expect_values(reel_max_pool2d(NULL, x, two, NULL, NULL, false), SHAPE(1, 1, 1, 1), VALUES(5));
    expect_values(reel_avg_pool2d(NULL, x, two, NULL, one, false, true), SHAPE(1, 1, 2, 2),
                  VALUES(0.25, 1.25, 2.75, 7));
    expect_values(reel_avg_pool2d(NULL, x, two, NULL, one, false, false), SHAPE(1, 1, 2, 2), VALUES(1, 2.5, 5.5, 7));
    ck_assert(isnan(reel_item(
        NULL, reel_max_pool2d(NULL, variable(SHAPE(1, 2), VALUES(1, NAN)), (int64_t[]){1, 2}, NULL, NULL, false))));
    ck_assert(reel_is_nil(reel_conv2d(NULL, x, w, REEL_NIL, (int64_t[]){0, 1}, NULL, NULL, 1)));
    expect_error(REEL_BAD_ARGUMENT, "conv2d: found stride 0, dilation 1, padding 0");
    ck_assert(reel_is_nil(reel_conv2d(NULL, x, w, REEL_NIL, NULL, NULL, five, 1)));
    expect_error(REEL_BAD_SHAPE, "the kernel of (1,1,2,2) is larger than the padded image of (1,1,3,3)");
    ck_assert(reel_is_nil(reel_conv2d(NULL, x, w, REEL_NIL, NULL, NULL, NULL, 2)));
    expect_error(REEL_BAD_SHAPE, "(1,1,3,3) and weight (1,1,2,2) do not fit together in 2 groups");
    ck_assert(reel_is_nil(reel_conv2d(NULL, x, w, counted(SHAPE(2)), NULL, NULL, NULL, 1)));
    expect_error(REEL_BAD_SHAPE, "bias: found (2), expected (1)");
    ck_assert(reel_is_nil(reel_conv2d(NULL, counted(SHAPE(3)), w, REEL_NIL, NULL, NULL, NULL, 1)));
    expect_error(REEL_BAD_SHAPE, "expected (batch, channels, height, width)");
    ck_assert(reel_is_nil(reel_max_pool2d(NULL, x, two, NULL, two, false)));
    expect_error(REEL_BAD_ARGUMENT, "max_pool2d: found kernel 2, stride 2, padding 2");
    ck_assert(reel_is_nil(reel_avg_pool2d(NULL, x, five, NULL, NULL, false, true)));
    expect_error(REEL_BAD_SHAPE, "avg_pool2d: a window of 5 is larger than the padded image");
    ck_assert(reel_is_nil(reel_avg_pool2d(NULL, x, NULL, NULL, NULL, false, true)));
    expect_error(REEL_BAD_ARGUMENT, "found kernel 0");
    ck_assert(reel_is_nil(reel_max_pool2d(NULL, variable(SHAPE(0, 3), NULL), two, NULL, one, false)));
    expect_error(REEL_BAD_SHAPE, "larger than the padded image of (0,3)");
}
END_TEST

START_TEST(test_losses)
{
    reel_value x = variable(SHAPE(2, 2), VALUES(0, -1, -3, -2)), t = variable(SHAPE(2, 2), VALUES(0, 1, 1, 1));
    reel_value classes = integers(SHAPE(2), (const int64_t[]){1, 0}),
               wrong = integers(SHAPE(2), (const int64_t[]){1, 2});
    expect_values(reel_smooth_l1(NULL, x, t, 1, REEL_NONE), SHAPE(2, 2), VALUES(0, 1.5, 3.5, 2.5));
    expect_values(reel_kl_div(NULL, x, t, false, REEL_SUM), 0, NULL, VALUES(6));
    expect_values(reel_hinge(NULL, x, t, REEL_MEAN), 0, NULL, VALUES(10. / 4));
    expect_values(reel_nll(NULL, x, classes, REEL_NIL, -100, REEL_MEAN), 0, NULL, VALUES(2));
    expect_values(reel_nll(NULL, x, wrong, REEL_NIL, 2, REEL_NONE), SHAPE(2), VALUES(1, 0));
    expect_values(reel_nll(NULL, x, classes, variable(SHAPE(2), VALUES(3, 1)), -100, REEL_MEAN), 0, NULL, VALUES(2.5));
    reel_value p = variable(SHAPE(2), VALUES(0.5, 0.5)), w = variable(SHAPE(1), VALUES(2));
    expect_values(reel_bce_weighted(NULL, p, variable(SHAPE(2), VALUES(1, 0)), w, REEL_SUM), 0, NULL,
                  VALUES(4 * log(2)));
    expect_values(reel_focal(NULL, p, variable(SHAPE(2), VALUES(1, 0)), 2, 0, REEL_MEAN), 0, NULL,
                  VALUES(0.25 * log(2)));
    reel_value zero = variable(SHAPE(2), VALUES(0, 0)), label = variable(SHAPE(2), VALUES(1, 0));
    expect_values(reel_bce_with_logits_weighted(NULL, zero, label, REEL_NIL, w, REEL_SUM), 0, NULL, VALUES(3 * log(2)));
    expect_values(reel_cross_entropy_probs(NULL, counted(SHAPE(2, 1)), counted(SHAPE(2, 1)), REEL_NIL, 0, REEL_SUM), 0,
                  NULL, VALUES(0));
    ck_assert(isnan(reel_item(NULL, reel_nll(NULL, x, classes, REEL_NIL, 1, REEL_MEAN))) == 0);
    ck_assert(reel_is_nil(reel_smooth_l1(NULL, x, p, 1, REEL_MEAN)));
    expect_error(REEL_BAD_SHAPE, "smooth_l1: prediction (2,2) and target (2) differ");
    ck_assert(reel_is_nil(reel_smooth_l1(NULL, x, t, -1, REEL_MEAN)));
    expect_error(REEL_BAD_ARGUMENT, "found a parameter of -1, expected 0 or more");
    ck_assert(reel_is_nil(reel_hinge(NULL, x, t, (reel_reduction)7)));
    expect_error(REEL_BAD_ARGUMENT, "found reduction 7");
    ck_assert(reel_is_nil(reel_nll("n.c:1", x, wrong, REEL_NIL, -100, REEL_MEAN)));
    expect_error(REEL_BAD_INDEX, "n.c:1: nll: class[1]: found 2, expected 0 to 1");
    ck_assert(reel_is_nil(reel_nll(NULL, x, integers(SHAPE(3), (const int64_t[]){0, 0, 0}), REEL_NIL, -100, REEL_SUM)));
    expect_error(REEL_BAD_SHAPE, "found (2,2) and classes (3), expected (rows,classes,..) and (rows,..)");
    ck_assert(reel_is_nil(reel_nll(NULL, x, classes, counted(SHAPE(3)), -100, REEL_SUM)));
    expect_error(REEL_BAD_SHAPE, "found class weights (3) for (2,2)");
    ck_assert(reel_is_nil(reel_cross_entropy_probs(NULL, x, p, REEL_NIL, 0, REEL_MEAN)));
    expect_error(REEL_BAD_SHAPE, "cross_entropy_probs: found logits (2,2) and probabilities (2)");
    ck_assert(reel_is_nil(reel_cross_entropy_probs(NULL, x, t, REEL_NIL, 1.5, REEL_MEAN)));
    expect_error(REEL_BAD_ARGUMENT, "found smoothing = 1.5");
    ck_assert(reel_is_nil(reel_bce_with_logits_weighted(NULL, x, t, counted(SHAPE(3)), REEL_NIL, REEL_SUM)));
    expect_error(REEL_BAD_SHAPE, "expand: (3) does not broadcast to (2,2)");
}
END_TEST

START_TEST(test_nil_stays_nil)
{
    reel_value none = REEL_NIL;
    reel_value results[] = {
        reel_expand(NULL, none, SHAPE(2)),
        reel_flip(NULL, none, 1, (const int[]){0}),
        reel_pad(NULL, none, NULL, NULL, 0),
        reel_tril(NULL, none, 0),
        reel_masked_fill(NULL, none, none, 0),
        reel_index_select(NULL, none, 0, none),
        reel_embedding(NULL, none, none, -1),
        reel_one_hot(NULL, none, 2),
        reel_prod(NULL, none),
        reel_norm(NULL, none, 2),
        reel_cumsum(NULL, none, 0),
        reel_layer_norm(NULL, none, 1, none, none, 0),
        reel_group_norm(NULL, none, 1, none, none, 0),
        reel_batch_norm(NULL, none, none, none, NULL, NULL, 0.1, 0),
        reel_conv2d(NULL, none, none, none, NULL, NULL, NULL, 1),
        reel_avg_pool2d(NULL, none, NULL, NULL, NULL, false, false),
        reel_max_pool2d(NULL, none, NULL, NULL, NULL, false),
        reel_smooth_l1(NULL, none, none, 1, REEL_MEAN),
        reel_kl_div(NULL, none, none, false, REEL_MEAN),
        reel_hinge(NULL, none, none, REEL_MEAN),
        reel_focal(NULL, none, none, 2, 0, REEL_MEAN),
        reel_bce_weighted(NULL, none, none, none, REEL_MEAN),
        reel_bce_with_logits_weighted(NULL, none, none, none, none, REEL_MEAN),
        reel_nll(NULL, none, none, none, -100, REEL_MEAN),
        reel_cross_entropy_probs(NULL, none, none, none, 0, REEL_MEAN),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) ck_assert(reel_is_nil(results[i]));
    expect_fine();
}
END_TEST

/* ---- lack of memory ---- */

/* Images large enough that the tape asks for memory again and again. */
static void record_many(reel_context *own)
{
    reel_tape *t = reel_tape_new(NULL, own, REEL_FLOAT);
    reel_array *image = reel_array_new(NULL, own, REEL_FLOAT, SHAPE(2, 4, 40, 40));
    reel_array *kernel = reel_array_new(NULL, own, REEL_FLOAT, SHAPE(4, 4, 3, 3));
    if (!image || !kernel) return;
    reel_value x = reel_variable(NULL, t, image), w = reel_variable(NULL, t, kernel);
    reel_value y = reel_conv2d(NULL, x, w, REEL_NIL, NULL, NULL, NULL, 1);
    y = reel_batch_norm(NULL, y, REEL_NIL, REEL_NIL, NULL, NULL, 0.1, 1e-5);
    y = reel_max_pool2d(NULL, y, (int64_t[]){2, 2}, NULL, NULL, false);
    y = reel_group_norm(NULL, reel_flip(NULL, y, 1, (const int[]){1}), 2, REEL_NIL, REEL_NIL, 1e-5);
    y = reel_cumsum(NULL, reel_pad(NULL, y, NULL, (int64_t[]){0, 0, 1, 1}, 0), 2);
    y = reel_norm_axes(NULL, y, 2, (const int[]){2, 3}, false, 2);
    y = reel_hinge(NULL, reel_prod(NULL, y), reel_scalar(NULL, t, 1), REEL_SUM);
    reel_backward(NULL, y);
}

START_TEST(test_lack_of_memory)
{
    int limit = 0, failures = 0;
    for (bool enough = false; !enough && limit < 200; limit++) {
        failing l = {.left = (uint64_t)limit};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &l});
        record_many(own);
        reel_status status = reel_error_status(own);
        enough = own && status == REEL_OK;
        failures += own && !enough;
        ck_assert_msg(!own || enough || status == REEL_NO_MEMORY, "limit %d: %s", limit, reel_error_text(own));
        reel_context_free(own);
        ck_assert_uint_eq(l.in_use, 0);
    }
    ck_assert_int_gt(failures, 5);
    ck_assert_int_lt(limit, 200);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("layers");
    tcase_add_checked_fixture(tests, setup_tape, teardown);
    tcase_add_test(tests, test_moved);
    tcase_add_test(tests, test_errors_of_moves);
    tcase_add_test(tests, test_padding_row_gets_no_gradient);
    tcase_add_test(tests, test_reduced);
    tcase_add_test(tests, test_batch_norm_modes);
    tcase_add_test(tests, test_errors_of_normalisation);
    tcase_add_test(tests, test_images);
    tcase_add_test(tests, test_losses);
    tcase_add_test(tests, test_nil_stays_nil);
    tcase_add_test(tests, test_lack_of_memory);
    return run_case(tests, "layers");
}
