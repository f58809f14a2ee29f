/* SPDX-License-Identifier: MIT
 *
 * Values of rank 0, which the tape records on a shorter path: the same bits as arrays of one element, which take the
 * long one, and the same life.
 */
#include "common.h"
#include "kernels/elementwise.h"

static void real_put(reel_array *a, double x)
{
    if (a->dtype == REEL_FLOAT)
        *(float *)a->data = (float)x;
    else
        *(double *)a->data = x;
}

static double bits_of(reel_value v)
{
    reel_array a = reel_data(v);
    ck_assert_int_eq(a.size, 1);
    return reel_array_get(&a, 0);
}

static double gradient_of(reel_value v)
{
    reel_array a = reel_gradient(v);
    ck_assert_ptr_nonnull(a.data);
    return reel_array_get(&a, 0);
}

static void expect_same(const char *name, double found, double expected)
{
    bool same = memcmp(&found, &expected, sizeof found) == 0 || (isnan(found) && isnan(expected));
    ck_assert_msg(same, "%s: found %.17g, expected %.17g", name, found, expected);
}

typedef reel_value (*function)(reel_value a, reel_value b);

/* f of two numbers, and of one number taken twice, with a second walk that adds; against arrays of one element. */
static void compare(const char *name, function f, reel_dtype dtype, double x, double y)
{
    reel_tape *tape = reel_tape_new(NULL, context, dtype);
    reel_array *a[2], *b[2];
    double found[2][5];
    for (int rank = 0; rank < 2; rank++) {
        a[rank] = reel_array_new(NULL, context, dtype, rank, (const int64_t[]){1});
        b[rank] = reel_array_new(NULL, context, dtype, rank, (const int64_t[]){1});
        real_put(a[rank], x);
        real_put(b[rank], y);
        reel_value u = reel_variable(NULL, tape, a[rank]), v = reel_variable(NULL, tape, b[rank]);
        reel_value once = f(u, v), twice = f(u, u);
        ck_assert_int_eq(reel_backward(NULL, once), REEL_OK);
        found[rank][0] = bits_of(once);
        found[rank][1] = gradient_of(u);
        found[rank][2] = reel_gradient(v).data ? gradient_of(v) : 0;
        ck_assert_int_eq(reel_backward(NULL, twice), REEL_OK);
        found[rank][3] = bits_of(twice);
        found[rank][4] = gradient_of(u);
    }
    for (int i = 0; i < 5; i++) expect_same(name, found[0][i], found[1][i]);
    reel_tape_free(tape);
}

#define CALL_0(name, q0, q1) reel_##name(NULL, a)
#define CALL_1(name, q0, q1) reel_##name(NULL, a, q0)
#define CALL_2(name, q0, q1) reel_##name(NULL, a, q0, q1)
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, f, df)                                               \
    static reel_value call_##name(reel_value a, reel_value b)                                                          \
    {                                                                                                                  \
        (void)b;                                                                                                       \
        return CALL_##parameters(name, q0, q1);                                                                        \
    }
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, f, da, db)                                           \
    static reel_value call_##name(reel_value a, reel_value b)                                                          \
    {                                                                                                                  \
        return reel_##name(NULL, a, b);                                                                                \
    }
#include "kernels/elementwise.def"

static const struct {
    const char *name;
    function call;
    double a_low, a_high, b_low, b_high;
} rows[] = {
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, f, df) {#name, call_##name, low, high, 0, 0},
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, f, da, db)                                           \
    {#name, call_##name, a_low, a_high, b_low, b_high},
#include "kernels/elementwise.def"
};

START_TEST(test_like_arrays)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
            for (double t = 0; t <= 1; t += 0.0625)
                compare(rows[i].name, rows[i].call, (reel_dtype)dtype,
                        rows[i].a_low + t * (rows[i].a_high - rows[i].a_low),
                        rows[i].b_high + t * (rows[i].b_low - rows[i].b_high));
            const double odd[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1e-310};
            for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
                compare(rows[i].name, rows[i].call, (reel_dtype)dtype, odd[k], 0.5);
                compare(rows[i].name, rows[i].call, (reel_dtype)dtype, 0.5, odd[k]);
            }
        }
    expect_fine();
}
END_TEST

/* Parameters of rank 0, values made by other operations, a reshape in between, a release, an older loss, no gradients. */
START_TEST(test_life)
{
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "slope", 0, NULL);
    reel_params_add(NULL, params, "row", 1, (const int64_t[]){3});
    reel_params_seal(NULL, params);
    reel_array slope = reel_params_value(params, 0), row = reel_params_value(params, 1);
    *(double *)slope.data = 3;
    for (int i = 0; i < 3; i++) ((double *)row.data)[i] = i + 1;
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    reel_value p = reel_param(NULL, tape, params, 0);
    reel_value total = reel_sum(NULL, reel_param(NULL, tape, params, 1));
    reel_value y = reel_mul(NULL, p, total); /* 18 */
    reel_value shaped = reel_reshape(NULL, y, 2, (const int64_t[]){1, 1});
    reel_value loss = reel_mean(NULL, reel_add(NULL, shaped, reel_mul(NULL, y, reel_scalar(NULL, tape, 2))));
    ck_assert_double_eq(reel_item(NULL, loss), 54);
    ck_assert_int_eq(reel_backward(NULL, loss), REEL_OK);
    ck_assert_double_eq(at(reel_params_gradient(params, 0), 0), 18);
    ck_assert_double_eq(at(reel_params_gradient(params, 1), 2), 9);
    ck_assert_double_eq(gradient_of(y), 3);

    reel_mark mark = reel_tape_mark(tape);
    reel_value late = reel_mul(NULL, reel_param(NULL, tape, params, 0), y);
    ck_assert_int_eq(reel_tape_release(NULL, tape, mark), REEL_OK);
    ck_assert(reel_is_nil(late) && reel_is_nil(reel_tanh(NULL, late)));
    expect_error(REEL_BAD_HANDLE, "older than the last rewind or release");
    ck_assert_int_eq(reel_backward(NULL, y), REEL_OK);
    ck_assert_double_eq(at(reel_params_gradient(params, 0), 0), 18 + 6);

    reel_tape_set_gradients(tape, false);
    reel_value plain = reel_mul(NULL, y, y);
    ck_assert(!reel_wants_gradient(plain));
    ck_assert_double_eq(reel_item(NULL, plain), 324);
    ck_assert_int_eq(reel_backward(NULL, plain), REEL_BAD_STATE);
    reel_error_clear(context);
    reel_tape_set_gradients(tape, true);

    *(double *)slope.data = 4;
    reel_params_touch(params);
    ck_assert_int_eq(reel_backward(NULL, y), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "was changed after it was recorded");
    ck_assert(reel_is_nil(reel_add("s.c:1", reel_scalar(NULL, reel_tape_new(NULL, context, REEL_DOUBLE), 1), y)));
    expect_error(REEL_BAD_HANDLE, "s.c:1: add: operand 2 belongs to another tape");
    ck_assert(reel_is_nil(reel_leaky_relu("s.c:2", y, NAN)));
    expect_error(REEL_BAD_ARGUMENT, "s.c:2: leaky_relu: found nan");
}
END_TEST

/* From the second round on nothing is asked for. */
START_TEST(test_rounds_allocate_nothing)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_FLOAT);
    uint64_t allocations = 0;
    for (int round = 0; round < 4; round++) {
        reel_tape_rewind(tape);
        float one = 1;
        reel_array start = reel_array_view(REEL_FLOAT, &one, 0, NULL);
        reel_value x = reel_variable(NULL, tape, &start), y = x;
        for (int i = 0; i < 5000; i++) y = reel_sub(NULL, reel_add(NULL, y, x), reel_mul(NULL, x, x));
        ck_assert_int_eq(reel_backward(NULL, y), REEL_OK);
        ck_assert_double_eq(gradient_of(x), 1 + 5000 - 2 * 5000);
        if (round == 1) allocations = reel_context_memory(context).allocations;
    }
    ck_assert_uint_eq(reel_context_memory(context).allocations, allocations);
}
END_TEST

/* More walks than a node's note of them tells apart: each one writes over what an earlier one left, a variable adds up. */
START_TEST(test_many_walks)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    double three = 3;
    reel_array start = reel_array_view(REEL_DOUBLE, &three, 0, NULL);
    reel_value x = reel_variable(NULL, tape, &start), square = reel_mul(NULL, x, x);
    reel_value left = reel_neg(NULL, square), right = reel_add(NULL, square, square);
    ck_assert_ptr_null(reel_gradient(square).data);
    for (int walk = 1; walk <= 600; walk++) {
        bool once = walk <= 3;
        ck_assert_int_eq(reel_backward(NULL, once ? left : right), REEL_OK);
        ck_assert_double_eq(gradient_of(square), once ? -1 : 2);
        ck_assert_double_eq(gradient_of(x), once ? -6 * walk : -18 + 12 * (walk - 3));
        ck_assert(!reel_gradient(left).data == !once && !reel_gradient(right).data == once);
    }
    expect_fine();
}
END_TEST

/* A release at every place around the end of the tape's first piece of memory, and recording on from there. */
START_TEST(test_release_anywhere)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_FLOAT);
    float one = 1;
    reel_array start = reel_array_view(REEL_FLOAT, &one, 0, NULL);
    reel_value x = reel_variable(NULL, tape, &start), y = x;
    for (int i = 0; i < 2040; i++) y = reel_add(NULL, y, x);
    for (int kept = 0; kept < 16; kept++) {
        reel_mark mark = reel_tape_mark(tape);
        reel_value late = y;
        for (int i = 0; i < 20; i++) late = i % 2 ? reel_mul(NULL, late, x) : reel_leaky_relu(NULL, late, 0.5);
        ck_assert_double_eq(reel_item(NULL, late), 2041 + kept);
        ck_assert_int_eq(reel_tape_release(NULL, tape, mark), REEL_OK);
        ck_assert_int_eq(reel_tape_length(tape), 2041 + kept);
        ck_assert(reel_is_nil(late) && !reel_is_nil(y));
        y = reel_add(NULL, y, x);
    }
    ck_assert_int_eq(reel_backward(NULL, y), REEL_OK);
    ck_assert_double_eq(gradient_of(x), 2057);
    expect_fine();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("scalars");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_like_arrays);
    tcase_add_test(tests, test_life);
    tcase_add_test(tests, test_rounds_allocate_nothing);
    tcase_add_test(tests, test_many_walks);
    tcase_add_test(tests, test_release_anywhere);
    return run_case(tests, "scalars");
}
