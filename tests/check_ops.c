/* SPDX-License-Identifier: MIT
 *
 * All registered operations: descriptors, gradients in double, written and added, float against double.
 */
#include "common.h"

START_TEST(test_descriptors)
{
    for (int i = 0;; i++) {
        const reel_op *op = reel_op_at(i);
        if (!op) break;
        ck_assert_uint_eq(op->size, sizeof(reel_op));
        ck_assert_msg(op->name && *op->name && op->formula && *op->formula, "operation %d has no name or formula", i);
        ck_assert_ptr_eq(reel_op_find(op->name), op);
        ck_assert_msg(op->shape != NULL, "%s has no shape rule", op->name);
        ck_assert_msg(op->forward || op->flags & REEL_OP_SHARES_VALUE, "%s has no forward", op->name);
        ck_assert_msg(op->sample_count > 0, "%s has no samples", op->name);
        for (int s = 0; s < op->sample_count; s++)
            ck_assert_msg((op->samples[s].attributes != NULL) == (op->attributes_size > 0), "%s: sample %d", op->name,
                          s);
    }
    ck_assert_ptr_null(reel_op_at(-1));
    ck_assert_ptr_null(reel_op_find("no such operation"));
}
END_TEST

START_TEST(test_gradients)
{
    int operations = 0, wrong = 0;
    for (int i = 0;; i++) {
        const reel_op *op = reel_op_at(i);
        if (!op) break;
        reel_check_report report;
        reel_status status = reel_check_operation(NULL, context, op, &report);
        ck_assert_msg(status == REEL_OK, "%s", reel_error_text(context));
        if (report.failed) fprintf(stderr, "%s\n", report.text);
        wrong += report.failed > 0;
        operations++;
    }
    ck_assert_int_gt(operations, 5);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

/* The same operands on a tape of float: value and gradient agree with double to float's precision. */
static reel_value record_on(reel_tape *tape, const reel_op *op, const reel_sample *sample, reel_rng *rng,
                            reel_array **points, reel_value *inputs)
{
    reel_rng_seed(rng, 7);
    reel_tape_set_rng(tape, rng);
    reel_tape_rewind(tape);
    for (int i = 0; i < sample->count; i++) {
        bool real = (points[i]->dtype == REEL_DOUBLE || points[i]->dtype == REEL_FLOAT) && !sample->operand[i].constant;
        inputs[i] = real ? reel_variable(NULL, tape, points[i]) : reel_input(NULL, tape, points[i]);
    }
    return reel_record("sample", op, sample->count, inputs, sample->attributes);
}

static double difference(reel_array a, reel_array b)
{
    ck_assert_int_eq(a.size, b.size);
    ck_assert_int_eq(a.data == NULL, b.data == NULL);
    double scale = 1, worst = 0;
    for (int64_t i = 0; a.data && i < a.size; i++) scale = fmax(scale, fabs(at(b, i)));
    for (int64_t i = 0; a.data && i < a.size; i++) {
        double d = fabs(at(a, i) - at(b, i));
        worst = fmax(worst, isnan(d) && isnan(at(a, i)) && isnan(at(b, i)) ? 0 : isnan(d) ? INFINITY : d);
    }
    return worst / scale;
}

static void compare_types(const reel_op *op, const reel_sample *sample)
{
    reel_rng *rng = reel_rng_philox_new(NULL, context, 3, op->name);
    reel_tape *tapes[] = {reel_tape_new(NULL, context, REEL_FLOAT), reel_tape_new(NULL, context, REEL_DOUBLE)};
    reel_array *points[REEL_SAMPLE_OPERANDS];
    reel_value inputs[2][REEL_SAMPLE_OPERANDS], y[2];
    for (int i = 0; i < sample->count; i++) {
        const reel_sample_operand *o = &sample->operand[i];
        points[i] = reel_array_new(NULL, context, o->dtype, o->rank, o->shape);
        for (int64_t k = 0; k < points[i]->size; k++) {
            double u = o->data ? o->data[k] : o->low + reel_rng_uniform_one(rng) * (o->high - o->low);
            if (o->dtype == REEL_FLOAT)
                ((float *)points[i]->data)[k] = (float)u;
            else if (o->dtype == REEL_INT64)
                ((int64_t *)points[i]->data)[k] = (int64_t)u;
            else
                ((uint8_t *)points[i]->data)[k] = (uint8_t)u;
        }
    }
    for (int t = 0; t < 2; t++) {
        y[t] = record_on(tapes[t], op, sample, rng, points, inputs[t]);
        ck_assert_msg(!reel_is_nil(y[t]), "%s", reel_error_text(context));
        reel_array shape = reel_data(y[t]);
        reel_array *seed = reel_array_new(NULL, context, REEL_DOUBLE, shape.rank, shape.shape);
        for (int64_t k = 0; k < seed->size; k++) ((double *)seed->data)[k] = 1 + 0.1 * (double)(k % 7);
        if (reel_wants_gradient(y[t])) ck_assert_int_eq(reel_backward_from(NULL, y[t], seed), REEL_OK);
        reel_array_free(seed);
    }
    double d = difference(reel_data(y[0]), reel_data(y[1]));
    ck_assert_msg(d < 2e-6, "%s, sample \"%s\": values differ by %g between float and double", op->name, sample->name,
                  d);
    for (int i = 0; i < sample->count && !sample->kink; i++) {
        d = difference(reel_gradient(inputs[0][i]), reel_gradient(inputs[1][i]));
        ck_assert_msg(d < 2e-5, "%s, sample \"%s\": gradients of operand %d differ by %g", op->name, sample->name, i,
                      d);
    }
    for (int i = 0; i < sample->count; i++) reel_array_free(points[i]);
    for (int t = 0; t < 2; t++) reel_tape_free(tapes[t]);
    reel_rng_free(rng);
}

START_TEST(test_float_agrees_with_double)
{
    for (int i = 0; reel_op_at(i); i++) {
        const reel_op *op = reel_op_at(i);
        for (int s = 0; s < op->sample_count; s++)
            if (!(op->flags & REEL_OP_RANDOM)) compare_types(op, &op->samples[s]);
    }
}
END_TEST

START_TEST(test_errors_of_shape_operations)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    reel_value a = reel_input(NULL, tape, doubles(2, (int64_t[]){2, 3}, NULL));
    reel_value b = reel_input(NULL, tape, doubles(2, (int64_t[]){2, 4}, NULL));
    ck_assert(reel_is_nil(reel_concat("c.c:1", 2, (reel_value[]){a, b}, 0)));
    expect_error(REEL_BAD_SHAPE, "c.c:1: concat: operand 2: found (2,4), expected (2,3) but for axis 0");
    ck_assert(reel_is_nil(reel_stack(NULL, 2, (reel_value[]){a, b}, 0)));
    expect_error(REEL_BAD_SHAPE, "stack: operand 2: found (2,4), expected (2,3)");
    ck_assert(reel_is_nil(reel_slice(NULL, a, 2, 0, 1, 1)));
    expect_error(REEL_BAD_ARGUMENT, "slice: found axis 2, expected -2 to 1");
    ck_assert(reel_is_nil(reel_slice(NULL, a, 0, 0, 1, 0)));
    expect_error(REEL_BAD_ARGUMENT, "found step 0, expected 1 or more");
    ck_assert(reel_is_nil(reel_transpose(NULL, a, 0, 5)));
    expect_error(REEL_BAD_ARGUMENT, "found axes 0 and 5 of a value with rank 2");
    int64_t out_of_range[] = {0, 1, 2, 0, 3, 0};
    reel_array index = reel_array_view(REEL_INT64, out_of_range, 2, (int64_t[]){2, 3});
    ck_assert(reel_is_nil(reel_gather("g.c:1", a, 1, reel_input(NULL, tape, &index))));
    expect_error(REEL_BAD_INDEX, "g.c:1: gather: index[4]: found 3, expected 0 to 2");
    ck_assert(reel_is_nil(reel_gather(NULL, a, 1, b)));
    expect_error(REEL_BAD_DTYPE, "operand 2: found float64, expected int64");
}
END_TEST

START_TEST(test_dropout)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    int64_t n = 10000;
    reel_array *ones = doubles(1, &n, NULL);
    for (int64_t i = 0; i < n; i++) ((double *)ones->data)[i] = 1;
    reel_value x = reel_variable(NULL, tape, ones);
    ck_assert(reel_is_nil(reel_dropout("d.c:1", x, 0.25)));
    expect_error(REEL_BAD_STATE, "d.c:1: dropout: the tape has no random stream");
    reel_tape_set_rng(tape, reel_rng_philox_new(NULL, context, 1, "dropout"));
    reel_value y = reel_dropout(NULL, x, 0.25);
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = at(reel_data(y), i);
        ck_assert(v == 0 || v == 1 / 0.75);
        kept += v != 0;
    }
    /* 10,000 draws: five standard deviations are 217 */
    ck_assert_int_gt(kept, 7283);
    ck_assert_int_lt(kept, 7717);
    reel_array seed = *ones;
    ck_assert_int_eq(reel_backward_from(NULL, y, &seed), REEL_OK);
    for (int64_t i = 0; i < n; i++) ck_assert_double_eq(at(reel_gradient(x), i), at(reel_data(y), i));
    reel_tape_set_training(tape, false);
    ck_assert_double_eq(at(reel_data(reel_dropout(NULL, x, 0.25)), 17), 1);
    reel_tape_set_training(tape, true);
    ck_assert_double_eq(at(reel_data(reel_dropout(NULL, x, 1)), 17), 0);
    ck_assert(reel_is_nil(reel_dropout(NULL, x, 1.5)));
    expect_error(REEL_BAD_ARGUMENT, "found p = 1.5, expected 0 to 1");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("operations");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_descriptors);
    tcase_add_test(tests, test_gradients);
    tcase_add_test(tests, test_float_agrees_with_double);
    tcase_add_test(tests, test_errors_of_shape_operations);
    tcase_add_test(tests, test_dropout);
    return run_case(tests, "operations");
}
