/* SPDX-License-Identifier: MIT
 *
 * The tracer names the operation that made the first number that is not finite, in the values and on the way back.
 */
#include "common.h"
#include "tape/params.h"

static reel_tape *tape;
static reel_origin origin;

static reel_value vector(int n, const double *x)
{
    return reel_variable("t.c:1", tape, doubles(1, (const int64_t[]){n}, x));
}

static void fresh(void)
{
    tape = reel_tape_new(NULL, context, REEL_DOUBLE);
}

START_TEST(test_values)
{
    fresh();
    reel_value x = vector(3, (const double[]){1, 0, 2});
    reel_value masked = reel_log("t.c:2", x); /* has a -inf that goes nowhere */
    reel_value y = reel_sqrt("t.c:4", reel_sub("t.c:3", x, reel_scalar(NULL, tape, 1)));
    reel_value loss = reel_mean("t.c:5", reel_mul(NULL, y, x));
    ck_assert(isinf(at(reel_data(masked), 1)));
    ck_assert(reel_trace_not_finite(NULL, loss, &origin));
    ck_assert_str_eq(origin.operation, "sqrt");
    ck_assert_str_eq(origin.site, "t.c:4");
    ck_assert(!origin.backward && isnan(origin.number));
    ck_assert_int_eq(origin.element, 1);
    ck_assert_msg(strstr(origin.text, "nan (element 1 of (3)) from finite numbers: operand 1 (3) -1 .. 1"), "%s",
                  origin.text);
    ck_assert(!reel_trace_not_finite(NULL, reel_sum(NULL, x), &origin));
    ck_assert(!reel_trace_not_finite(NULL, REEL_NIL, &origin));
}
END_TEST

START_TEST(test_leaves)
{
    fresh();
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "net.weight", 1, (const int64_t[]){2});
    reel_array w = reel_params_value(params, 0);
    ((double *)w.data)[1] = INFINITY;
    reel_value x = vector(2, (const double[]){1, 2}), p = reel_param("t.c:7", tape, params, 0);
    ck_assert(reel_trace_not_finite(NULL, reel_sum(NULL, reel_mul(NULL, x, p)), &origin));
    ck_assert_ptr_null(origin.operation);
    ck_assert_str_eq(origin.parameter, "net.weight");
    ck_assert_str_eq(origin.text, "parameter \"net.weight\", recorded at t.c:7, holds inf (element 1 of (2))");
    reel_value bad = vector(2, (const double[]){NAN, 2});
    ck_assert(reel_trace_not_finite(NULL, reel_exp(NULL, bad), &origin));
    ck_assert_str_eq(origin.text, "the variable recorded at t.c:1 holds nan (element 0 of (2))");
}
END_TEST

/* The value of sqrt(0) is finite, its slope is not. */
START_TEST(test_way_back)
{
    fresh();
    reel_value x = vector(2, (const double[]){4, 0});
    reel_value root = reel_sqrt("t.c:9", reel_square("t.c:8", x)), loss = reel_sum(NULL, root);
    ck_assert_int_eq(reel_backward(NULL, loss), REEL_OK);
    ck_assert(!isfinite(at(reel_gradient(x), 1)));
    ck_assert(reel_trace_not_finite(NULL, loss, &origin));
    ck_assert(origin.backward);
    ck_assert_str_eq(origin.operation, "sqrt");
    ck_assert_str_eq(origin.site, "t.c:9");
    ck_assert_int_eq(origin.operand, 0);
    ck_assert_int_eq(origin.element, 1);
    ck_assert_msg(strstr(origin.text, "gradient of the result (2) 1 .. 1"), "%s", origin.text);
    /* nothing changed */
    ck_assert_double_eq(at(reel_gradient(x), 0), 1);
    ck_assert_int_eq(reel_backward(NULL, loss), REEL_OK);
    expect_fine();

    /* the same in single numbers */
    fresh();
    double zero = 0;
    reel_array start = reel_array_view(REEL_DOUBLE, &zero, 0, NULL);
    reel_value s = reel_variable(NULL, tape, &start), r = reel_sqrt("t.c:11", reel_mul("t.c:10", s, s));
    ck_assert_int_eq(reel_backward(NULL, r), REEL_OK);
    ck_assert(reel_trace_not_finite(NULL, r, &origin));
    ck_assert_str_eq(origin.site, "t.c:11");
}
END_TEST

START_TEST(test_overflow_of_sums)
{
    fresh();
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "p", 0, NULL);
    reel_value p = reel_param(NULL, tape, params, 0), big = reel_scalar(NULL, tape, 1e308);
    reel_value doubled = reel_add("t.c:12", p, reel_scalar(NULL, tape, 0));
    reel_value loss = reel_add(NULL, reel_mul(NULL, doubled, big), reel_mul(NULL, doubled, big));
    ck_assert_int_eq(reel_backward(NULL, loss), REEL_OK);
    ck_assert(reel_trace_not_finite(NULL, loss, &origin));
    ck_assert_int_eq(origin.operand, -1);
    ck_assert_msg(strstr(origin.text, "reach the result of add at t.c:12, (), are finite but add up to inf"), "%s",
                  origin.text);
    reel_tape_rewind(tape);
    reel_params_drop_gradient(params);
    p = reel_param(NULL, tape, params, 0), big = reel_scalar(NULL, tape, 1e308);
    loss = reel_add(NULL, reel_mul(NULL, p, big), reel_mul(NULL, p, big));
    ck_assert_int_eq(reel_backward(NULL, loss), REEL_OK);
    ck_assert(reel_trace_not_finite(NULL, loss, &origin));
    ck_assert_str_eq(origin.parameter, "p");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("trace");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_values);
    tcase_add_test(tests, test_leaves);
    tcase_add_test(tests, test_way_back);
    tcase_add_test(tests, test_overflow_of_sums);
    return run_case(tests, "trace");
}
