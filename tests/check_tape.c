/* SPDX-License-Identifier: MIT
 *
 * The tape: leaves, walks, accumulation, marks, rewind, handles, errors, gradient check, listing.
 */
#include "common.h"
#include "failing.h"
#include "tape/tape.h"

/* Operations of the tests' own: y = x^2 + sum over operands, to need no other family. */

static reel_status like_first(reel_call *call)
{
    *call->out = (reel_array){.rank = call->in[0]->rank, .dtype = call->out->dtype, .size = 1};
    memcpy(call->out->shape, call->in[0]->shape, sizeof call->out->shape);
    for (int i = 1; i < call->count; i++)
        if (call->in[i] && call->in[i]->size != call->in[0]->size)
            return reel_call_fail(call, REEL_BAD_SHAPE, "operands differ in size");
    return REEL_OK;
}

/* product of all operands, element by element, in double */
static reel_status times_forward(reel_call *call)
{
    double *y = call->out->data;
    for (int64_t k = 0; k < call->out->size; k++) {
        y[k] = 1;
        for (int i = 0; i < call->count; i++) y[k] *= ((double *)call->in[i]->data)[k];
    }
    return REEL_OK;
}

static reel_status times_backward(reel_call *call)
{
    const double *g = call->out_gradient;
    for (int i = 0; i < call->count; i++) {
        double *to = call->in_gradient[i];
        for (int64_t k = 0; to && k < call->out->size; k++) {
            double d = g[k];
            for (int j = 0; j < call->count; j++) d *= j == i ? 1 : ((double *)call->in[j]->data)[k];
            to[k] = call->add[i] ? to[k] + d : d;
        }
    }
    return REEL_OK;
}

static const reel_sample times_samples[] = {
    {"two", 2, {{1, {3}, 1, 2, NULL, REEL_FLOAT, false}, {1, {3}, 1, 2, NULL, REEL_FLOAT, false}}, NULL, false}};

static const reel_op times_op = {.size = sizeof(reel_op),
                                 .name = "times",
                                 .formula = "y = x1 x2 ...",
                                 .least = 1,
                                 .most = 100,
                                 .shape = like_first,
                                 .forward = times_forward,
                                 .backward = times_backward,
                                 .samples = times_samples,
                                 .sample_count = 1};

static reel_status sum_shape(reel_call *call)
{
    call->out->rank = 0;
    return REEL_OK;
}

static reel_status sum_forward(reel_call *call)
{
    double sum = 0;
    for (int64_t k = 0; k < call->in[0]->size; k++) sum += ((double *)call->in[0]->data)[k];
    *(double *)call->out->data = sum;
    return REEL_OK;
}

static reel_status sum_backward(reel_call *call)
{
    double *to = call->in_gradient[0], g = *(const double *)call->out_gradient;
    for (int64_t k = 0; to && k < call->in[0]->size; k++) to[k] = call->add[0] ? to[k] + g : g;
    return REEL_OK;
}

static const reel_op sum_op = {.size = sizeof(reel_op),
                               .name = "total",
                               .formula = "y = sum x",
                               .least = 1,
                               .most = 1,
                               .shape = sum_shape,
                               .forward = sum_forward,
                               .backward = sum_backward};

static reel_value times(reel_value a, reel_value b)
{
    return reel_record("test.c:1", &times_op, 2, (reel_value[]){a, b}, NULL);
}

static reel_value total(reel_value a)
{
    return reel_record("test.c:2", &sum_op, 1, &a, NULL);
}

static reel_tape *tape_of_doubles(void)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    ck_assert_ptr_nonnull(tape);
    return tape;
}

START_TEST(test_square_and_reuse)
{
    reel_tape *tape = tape_of_doubles();
    reel_array *x = doubles(1, (int64_t[]){3}, (double[]){1, -2, 3});
    reel_value v = reel_variable(NULL, tape, x);
    /* x x x = x^3, used through two paths */
    reel_value y = total(times(times(v, v), v));
    ck_assert_double_eq(reel_item(NULL, y), 1 - 8 + 27);
    ck_assert_int_eq(reel_backward(NULL, y), REEL_OK);
    for (int i = 0; i < 3; i++) ck_assert_double_eq(at(reel_gradient(v), i), 3 * at(*x, i) * at(*x, i));
    /* a second walk adds to the leaf and not to what lies between */
    ck_assert_int_eq(reel_backward(NULL, y), REEL_OK);
    for (int i = 0; i < 3; i++) ck_assert_double_eq(at(reel_gradient(v), i), 6 * at(*x, i) * at(*x, i));
    ck_assert_double_eq(at(reel_gradient(y), 0), 1);
}
END_TEST

START_TEST(test_two_losses_on_one_tape)
{
    reel_tape *tape = tape_of_doubles();
    reel_value a = reel_variable(NULL, tape, doubles(0, NULL, (double[]){3}));
    reel_value b = reel_variable(NULL, tape, doubles(0, NULL, (double[]){5}));
    reel_value ab = times(a, b), aa = times(a, a);
    ck_assert_int_eq(reel_backward(NULL, ab), REEL_OK);
    ck_assert_double_eq(at(reel_gradient(a), 0), 5);
    ck_assert_int_eq(reel_backward(NULL, aa), REEL_OK);
    ck_assert_double_eq(at(reel_gradient(a), 0), 5 + 6);
    ck_assert_double_eq(at(reel_gradient(b), 0), 3);
    /* the second walk did not reach ab */
    ck_assert_ptr_null(reel_gradient(ab).data);
}
END_TEST

START_TEST(test_parameters_write_then_add)
{
    reel_tape *tape = tape_of_doubles();
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    int p = reel_params_add(NULL, params, "p", 1, (int64_t[]){2});
    int q = reel_params_add(NULL, params, "q", 1, (int64_t[]){2});
    ((double *)reel_params_value(params, p).data)[0] = 2;
    ((double *)reel_params_value(params, p).data)[1] = 3;
    ck_assert(!reel_params_has_gradient(params));
    for (int pass = 1; pass <= 2; pass++) {
        reel_tape_rewind(tape);
        reel_value v = reel_param(NULL, tape, params, p);
        ck_assert_int_eq(reel_backward(NULL, total(times(v, v))), REEL_OK);
        /* micro-batches add; what nothing reached is zero */
        ck_assert_double_eq(at(reel_params_gradient(params, p), 0), 4 * pass);
        ck_assert_double_eq(at(reel_params_gradient(params, q), 1), 0);
        ck_assert(reel_params_has_gradient(params));
    }
    reel_params_drop_gradient(params);
    reel_tape_rewind(tape);
    reel_value v = reel_param(NULL, tape, params, q);
    ck_assert_int_eq(
        reel_backward(NULL, total(times(v, reel_input(NULL, tape, doubles(1, (int64_t[]){2}, (double[]){7, 8}))))),
        REEL_OK);
    ck_assert_double_eq(at(reel_params_gradient(params, p), 0), 0);
    ck_assert_double_eq(at(reel_params_gradient(params, q), 1), 8);
    expect_fine();
    ck_assert_int_eq(reel_params_add(NULL, params, "late", 0, NULL), -1);
    expect_error(REEL_BAD_STATE, "\"late\" comes too late");
}
END_TEST

START_TEST(test_changed_parameters_are_noticed)
{
    reel_tape *tape = tape_of_doubles();
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "w", 0, NULL);
    reel_value w = reel_param("user.c:7", tape, params, 0);
    reel_value y = times(w, w);
    reel_params_touch(params);
    ck_assert_int_eq(reel_backward("user.c:9", y), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "user.c:9: backward: parameter \"w\" was changed after it was recorded at user.c:7");
}
END_TEST

START_TEST(test_frozen_parameters_and_modes)
{
    reel_tape *tape = tape_of_doubles();
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "a", 0, NULL);
    reel_params_add(NULL, params, "b", 0, NULL);
    reel_params_set_trainable(NULL, params, 0, false);
    reel_value a = reel_param(NULL, tape, params, 0), b = reel_param(NULL, tape, params, 1);
    ck_assert(!reel_wants_gradient(a) && reel_wants_gradient(b));
    ck_assert(reel_tape_set_gradients(tape, false));
    ck_assert(!reel_wants_gradient(times(b, b)));
    ck_assert(!reel_tape_set_gradients(tape, true));
    ck_assert(reel_tape_set_training(tape, false) && !reel_tape_training(tape));
    ck_assert_int_eq(reel_backward("x.c:3", a), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "x.c:3: backward: the value () depends on no parameter");
}
END_TEST

START_TEST(test_detach_and_reshape)
{
    reel_tape *tape = tape_of_doubles();
    reel_array *x = doubles(2, (int64_t[]){2, 2}, (double[]){1, 2, 3, 4});
    reel_value v = reel_variable(NULL, tape, x);
    reel_value flat = reel_reshape(NULL, v, 1, (int64_t[]){-1});
    reel_value again = reel_reshape(NULL, flat, 2, (int64_t[]){1, 4});
    ck_assert_ptr_eq(reel_data(again).data, x->data);
    reel_value held = reel_detach(NULL, flat);
    ck_assert(!reel_wants_gradient(held));
    ck_assert_int_eq(reel_backward(NULL, total(times(flat, held))), REEL_OK);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(at(reel_gradient(v), i), i + 1);
    ck_assert_int_eq(reel_gradient(again).rank, 2);
    ck_assert_ptr_eq(reel_gradient(again).data, reel_gradient(v).data);
    /* both views feed one gradient */
    ck_assert_int_eq(reel_backward(NULL, total(times(reel_reshape(NULL, again, 1, (int64_t[]){4}), flat))), REEL_OK);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(at(reel_gradient(v), i), 3 * (i + 1));
    ck_assert(reel_is_nil(reel_reshape("r.c:1", v, 2, (int64_t[]){3, 2})));
    expect_error(REEL_BAD_SHAPE, "r.c:1: reshape: (2,2) has 4 elements, the shape asked for, (3,2), has not");
}
END_TEST

START_TEST(test_root_is_reshape)
{
    reel_tape *tape = tape_of_doubles();
    reel_value v = reel_variable(NULL, tape, doubles(1, (int64_t[]){1}, (double[]){3}));
    reel_value y = reel_reshape(NULL, times(v, v), 0, NULL);
    ck_assert_int_eq(reel_backward(NULL, y), REEL_OK);
    ck_assert_double_eq(at(reel_gradient(v), 0), 6);
}
END_TEST

START_TEST(test_backward_from)
{
    reel_tape *tape = tape_of_doubles();
    reel_value v = reel_variable(NULL, tape, doubles(1, (int64_t[]){2}, (double[]){3, 4}));
    reel_value y = times(v, v);
    float seed_data[] = {10, 100};
    reel_array seed = reel_array_view(REEL_FLOAT, seed_data, 1, (int64_t[]){2});
    ck_assert_int_eq(reel_backward_from(NULL, y, &seed), REEL_OK);
    ck_assert_double_eq(at(reel_gradient(v), 0), 60);
    ck_assert_double_eq(at(reel_gradient(v), 1), 800);
    ck_assert_int_eq(reel_backward("b.c:1", y), REEL_BAD_SHAPE);
    expect_error(REEL_BAD_SHAPE, "found shape (2), expected one element");
    seed = reel_array_view(REEL_FLOAT, seed_data, 1, (int64_t[]){1});
    ck_assert_int_eq(reel_backward_from(NULL, y, &seed), REEL_BAD_SHAPE);
    expect_error(REEL_BAD_SHAPE, "found a seed of float32 (1), expected (2)");
}
END_TEST

START_TEST(test_handles)
{
    reel_tape *tape = tape_of_doubles(), *other = tape_of_doubles();
    reel_array *x = doubles(0, NULL, (double[]){2});
    reel_value old = reel_variable(NULL, tape, x);
    reel_tape_rewind(tape);
    ck_assert(reel_is_nil(old));
    reel_value now = reel_variable(NULL, tape, x);
    ck_assert(reel_is_nil(times(now, old)));
    expect_error(REEL_BAD_HANDLE, "test.c:1: times: operand 2 is older than the last rewind or release");
    ck_assert(reel_is_nil(times(now, reel_variable(NULL, other, x))));
    expect_error(REEL_BAD_HANDLE, "operand 2 belongs to another tape");
    /* nil in, nil out, and no error on top */
    ck_assert(reel_is_nil(times(REEL_NIL, now)) && reel_is_nil(total(REEL_NIL)));
    expect_fine();
    ck_assert(isnan(reel_item(NULL, REEL_NIL)));
    ck_assert_int_eq(reel_backward(NULL, REEL_NIL), REEL_BAD_HANDLE);
    ck_assert_ptr_null(reel_data(REEL_NIL).data);
}
END_TEST

START_TEST(test_mark_and_release)
{
    reel_tape *tape = tape_of_doubles();
    reel_value kept = reel_variable(NULL, tape, doubles(1, (int64_t[]){3}, (double[]){1, 2, 3}));
    reel_value square = times(kept, kept);
    reel_mark mark = reel_tape_mark(tape);
    uint64_t allocations = 0;
    for (int round = 0; round < 20; round++) {
        reel_value v = square;
        for (int i = 0; i < 3000; i++) v = times(v, kept);
        ck_assert(!reel_is_nil(v));
        ck_assert_int_eq(reel_tape_release(NULL, tape, mark), REEL_OK);
        ck_assert(reel_is_nil(v));
        ck_assert(!reel_is_nil(square));
        if (round == 1) allocations = reel_context_memory(context).allocations;
    }
    ck_assert_uint_eq(reel_context_memory(context).allocations, allocations);
    /* a handle of before the release does not come to life again with its index */
    reel_value stale = times(square, kept);
    reel_tape_release(NULL, tape, mark);
    reel_value fresh = times(square, kept);
    ck_assert_uint_eq(stale.index, fresh.index);
    ck_assert(reel_is_nil(stale) && !reel_is_nil(fresh));
    ck_assert_int_eq(reel_backward(NULL, total(fresh)), REEL_OK);
    for (int i = 0; i < 3; i++) ck_assert_double_eq(at(reel_gradient(kept), i), 3 * (i + 1) * (i + 1));
    reel_tape_rewind(tape);
    ck_assert_int_eq(reel_tape_release(NULL, tape, mark), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "not across a rewind");
}
END_TEST

START_TEST(test_rewind_allocates_nothing)
{
    reel_tape *tape = tape_of_doubles();
    int64_t n = 1000;
    reel_array *x = doubles(1, &n, NULL);
    uint64_t after_first = 0;
    for (int step = 0; step < 50; step++) {
        reel_tape_rewind(tape);
        reel_value v = reel_variable(NULL, tape, x), many[40];
        for (int i = 0; i < 40; i++) many[i] = times(v, v);
        reel_value y = total(reel_record(NULL, &times_op, 40, many, NULL));
        ck_assert_int_eq(reel_backward(NULL, y), REEL_OK);
        if (step == 1) after_first = reel_context_memory(context).allocations;
    }
    ck_assert_uint_eq(reel_context_memory(context).allocations, after_first);
    expect_fine();
}
END_TEST

START_TEST(test_inputs_convert_or_are_borrowed)
{
    reel_tape *tape = tape_of_doubles();
    float f[] = {1.5f, 2.5f};
    reel_array a = reel_array_view(REEL_FLOAT, f, 1, (int64_t[]){2});
    reel_value v = reel_input(NULL, tape, &a);
    ck_assert_int_eq(reel_data(v).dtype, REEL_DOUBLE);
    ck_assert_double_eq(at(reel_data(v), 1), 2.5);
    reel_array *d = doubles(1, (int64_t[]){2}, (double[]){1, 2});
    ck_assert_ptr_eq(reel_data(reel_input(NULL, tape, d)).data, d->data);
    int64_t i[] = {1, 2};
    a = reel_array_view(REEL_INT64, i, 1, (int64_t[]){2});
    ck_assert_int_eq(reel_data(reel_input(NULL, tape, &a)).dtype, REEL_INT64);
    ck_assert(reel_is_nil(reel_variable("v.c:1", tape, &a)));
    expect_error(REEL_BAD_DTYPE, "v.c:1: variable: found int64, expected float32 or float64");
    ck_assert(reel_is_nil(reel_input("v.c:2", tape, NULL)));
    expect_error(REEL_BAD_ARGUMENT, "v.c:2: input: there is no valid array");
    reel_params *params = reel_params_new(NULL, context, REEL_FLOAT);
    reel_params_add(NULL, params, "f", 0, NULL);
    ck_assert(reel_is_nil(reel_param("v.c:3", tape, params, 0)));
    expect_error(REEL_BAD_DTYPE, "found parameters of float32 on a tape of float64");
    ck_assert_double_eq(reel_item(NULL, reel_scalar(NULL, tape, 0.1)), 0.1);
}
END_TEST

START_TEST(test_first_error_stays)
{
    reel_tape *tape = tape_of_doubles();
    reel_value a = reel_variable(NULL, tape, doubles(1, (int64_t[]){2}, NULL));
    reel_value b = reel_variable(NULL, tape, doubles(1, (int64_t[]){3}, NULL));
    reel_value bad = times(a, b);
    ck_assert(reel_is_nil(bad));
    int64_t before = reel_tape_length(tape);
    ck_assert(reel_is_nil(times(a, a)));
    ck_assert_int_eq(reel_tape_length(tape), before);
    ck_assert_int_eq(reel_backward("late.c:1", a), REEL_BAD_SHAPE);
    ck_assert_str_eq(reel_error_text(context), "test.c:1: times: operands differ in size");
    reel_error_clear(context);
    ck_assert(!reel_is_nil(times(a, a)));
    ck_assert_str_eq(reel_error_text(context), "");
}
END_TEST

/* A wrong backward, a kink, and a parameter store, for the gradient check. */

static reel_status times_wrong(reel_call *call)
{
    times_backward(call);
    if (call->in_gradient[0]) ((double *)call->in_gradient[0])[call->out->size - 1] *= 1.001;
    return REEL_OK;
}

static reel_status absolute_forward(reel_call *call)
{
    for (int64_t k = 0; k < call->out->size; k++)
        ((double *)call->out->data)[k] = fabs(((double *)call->in[0]->data)[k]);
    return REEL_OK;
}

static reel_status absolute_backward(reel_call *call)
{
    double *to = call->in_gradient[0];
    for (int64_t k = 0; to && k < call->out->size; k++) {
        double x = ((double *)call->in[0]->data)[k], d = ((const double *)call->out_gradient)[k] * (x > 0 ? 1 : -1);
        to[k] = call->add[0] ? to[k] + d : d;
    }
    return REEL_OK;
}

START_TEST(test_operation_check_finds_errors_and_kinks)
{
    reel_check_report report;
    ck_assert_int_eq(reel_check_operation(NULL, context, &times_op, &report), REEL_OK);
    ck_assert_int_eq(report.failed, 0);
    ck_assert_int_eq(report.checked, 6);
    reel_op wrong = times_op;
    wrong.backward = times_wrong;
    ck_assert_int_eq(reel_check_operation(NULL, context, &wrong, &report), REEL_OK);
    ck_assert_int_ge(report.failed, 1);
    ck_assert_int_eq(report.index, 2);
    ck_assert_ptr_nonnull(strstr(report.text, "times, sample \"two\""));

    static const double at_kink[] = {-1, 0, 2};
    reel_sample sample = {"kink", 1, {{1, {3}, 0, 0, at_kink, REEL_FLOAT, false}}, NULL, true};
    reel_op absolute = {.size = sizeof(reel_op),
                        .name = "absolute",
                        .least = 1,
                        .most = 1,
                        .shape = like_first,
                        .forward = absolute_forward,
                        .backward = absolute_backward,
                        .samples = &sample,
                        .sample_count = 1};
    ck_assert_int_eq(reel_check_operation(NULL, context, &absolute, &report), REEL_OK);
    ck_assert_int_eq(report.kinks, 1);
    ck_assert_int_eq(report.failed, 0);
    sample.kink = false;
    ck_assert_int_eq(reel_check_operation(NULL, context, &absolute, &report), REEL_OK);
    ck_assert_int_eq(report.failed, 1);
    ck_assert_ptr_nonnull(strstr(report.text, "no kink was declared"));
}
END_TEST

static reel_value model(reel_tape *tape, const reel_value *inputs, int count, void *user)
{
    ck_assert_int_eq(count, 1);
    return times(times(inputs[0], reel_param(NULL, tape, user, 0)), inputs[0]);
}

START_TEST(test_gradient_check_of_a_model)
{
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "w", 1, (int64_t[]){3});
    double *w = reel_params_value(params, 0).data;
    for (int i = 0; i < 3; i++) w[i] = i - 0.7;
    const reel_array *point = doubles(1, (int64_t[]){3}, (double[]){0.3, 5, -2});
    reel_check_report report;
    ck_assert_int_eq(reel_check_gradient(NULL, context, model, params, 1, &point, params, NULL, &report), REEL_OK);
    ck_assert_int_eq(report.checked, 6);
    ck_assert_msg(report.failed == 0 && report.kinks == 0, "%s", report.text);
    ck_assert_str_eq(report.text, "6 derivatives: 6 right, 0 wrong, 0 at a kink");
    ck_assert(!reel_params_has_gradient(params));
    ck_assert_double_eq(((double *)reel_params_value(params, 0).data)[2], 2 - 0.7);
    size_t in_use = reel_context_memory(context).in_use;
    reel_check_gradient(NULL, context, model, params, 1, &point, params, NULL, &report);
    ck_assert_uint_eq(reel_context_memory(context).in_use, in_use);
}
END_TEST

static char *read_back(FILE *file)
{
    static char text[8192];
    rewind(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

START_TEST(test_print_and_dot)
{
    reel_tape *tape = tape_of_doubles();
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "w\"1", 1, (int64_t[]){2});
    reel_value w = reel_param("m.c:5", tape, params, 0);
    reel_value x = reel_input("m.c:6", tape, doubles(1, (int64_t[]){2}, (double[]){3, -4}));
    reel_value y = total(times(w, x));
    ck_assert_int_eq(reel_backward(NULL, y), REEL_OK);
    FILE *file = tmpfile();
    ck_assert_int_eq(reel_tape_print(NULL, tape, file), REEL_OK);
    char *text = read_back(file);
    ck_assert_msg(strstr(text, "times %0 %1  (2)") && strstr(text, "value -4 .. 3, rms 3.536") &&
                      strstr(text, "gradient 3 .. -4") == NULL && strstr(text, "gradient -4 .. 3") &&
                      strstr(text, "[m.c:6]") && strstr(text, "total %2  ()  value 0  gradient 1  [test.c:2]"),
                  "%s", text);
    file = tmpfile();
    ck_assert_int_eq(reel_tape_dot(NULL, tape, file), REEL_OK);
    text = read_back(file);
    ck_assert_msg(strstr(text, "digraph tape {") && strstr(text, "n0 -> n2;") && strstr(text, "w\\\"1\\n(2)"), "%s",
                  text);
    ck_assert_int_eq(reel_tape_print("p.c:1", tape, NULL), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "there is no file");
}
END_TEST

/* The n-th allocation fails. */

START_TEST(test_every_allocation_may_fail)
{
    for (uint64_t n = 0;; n++) {
        failing f = {.left = n};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &f});
        reel_params *params = reel_params_new(NULL, own, REEL_DOUBLE);
        for (int i = 0; i < 10; i++) {
            char name[8];
            snprintf(name, sizeof name, "p%d", i);
            reel_params_add(NULL, params, name, 1, (int64_t[]){100});
        }
        reel_tape *tape = reel_tape_new(NULL, own, REEL_DOUBLE);
        reel_status status = REEL_OK;
        for (int step = 0; step < 3; step++) {
            reel_tape_rewind(tape);
            reel_value v[40];
            for (int i = 0; i < 40; i++) v[i] = reel_param(NULL, tape, params, i % 10);
            reel_value y = reel_record(NULL, &times_op, 40, v, NULL);
            for (int i = 0; i < 600; i++) y = times(y, v[0]);
            status = reel_backward(NULL, total(y));
        }
        bool failed = reel_failed(own);
        ck_assert_int_eq(failed, status != REEL_OK);
        if (failed) ck_assert_int_eq(reel_error_status(own), REEL_NO_MEMORY);
        if (failed && own) ck_assert_ptr_nonnull(strstr(reel_error_text(own), "out of memory"));
        reel_context_free(own);
        ck_assert_uint_eq(f.in_use, 0);
        if (!failed) {
            ck_assert_uint_gt(n, 15);
            return;
        }
    }
}
END_TEST

/* Walks back between a mark and its release: gradients of variables add up over them, and nothing is kept of those that
 * went with the release. */
START_TEST(test_walks_before_release)
{
    reel_tape *tape = tape_of_doubles();
    reel_value x = reel_variable(NULL, tape, doubles(1, (int64_t[]){3}, (double[]){1, 2, 3}));
    reel_value square = times(x, x);
    reel_mark mark = reel_tape_mark(tape);
    for (int round = 1; round <= 4; round++) {
        reel_value y = times(times(square, x), x);
        ck_assert_int_eq(reel_backward(NULL, total(y)), REEL_OK);
        for (int i = 0; i < 3; i++) {
            ck_assert_double_eq(at(reel_gradient(x), i), round * 4 * pow(i + 1, 3));
            ck_assert_double_eq(at(reel_gradient(square), i), pow(i + 1, 2));
        }
        ck_assert_int_eq(reel_tape_release(NULL, tape, mark), REEL_OK);
        ck_assert_ptr_null(reel_gradient(square).data);
        reel_value over = times(times(square, square), square);
        for (int i = 0; i < 3; i++) {
            ck_assert_double_eq(at(reel_gradient(x), i), round * 4 * pow(i + 1, 3));
            ck_assert_double_eq(at(reel_data(over), i), pow(i + 1, 6));
        }
        ck_assert_int_eq(reel_tape_release(NULL, tape, mark), REEL_OK);
    }
    ck_assert_int_eq(reel_backward(NULL, total(square)), REEL_OK);
    mark = reel_tape_mark(tape);
    ck_assert_int_eq(reel_backward(NULL, total(square)), REEL_OK);
    ck_assert_int_eq(reel_tape_release(NULL, tape, mark), REEL_OK);
    ck_assert_double_eq(at(reel_gradient(square), 0), 1); /* its memory is older than the mark */
    expect_fine();
}
END_TEST

/* A mark whose place was released and recorded over is none any more. */
START_TEST(test_marks_newest_first)
{
    reel_tape *tape = tape_of_doubles();
    reel_value x = reel_variable(NULL, tape, doubles(1, (int64_t[]){3}, (double[]){1, 2, 3})), y = x;
    reel_mark marks[4];
    for (int i = 0; i < 4; i++) {
        marks[i] = reel_tape_mark(tape);
        for (int k = 0; k < 3000; k++) y = times(x, x);
    }
    ck_assert_int_eq(reel_tape_release(NULL, tape, marks[3]), REEL_OK);
    ck_assert_int_eq(reel_tape_release(NULL, tape, marks[3]), REEL_OK);
    ck_assert_int_eq(reel_tape_release(NULL, tape, marks[1]), REEL_OK);
    for (int k = 0; k < 12000; k++) y = times(x, x);
    for (int i = 2; i < 4; i++) {
        ck_assert_int_eq(reel_tape_release(NULL, tape, marks[i]), REEL_BAD_STATE);
        expect_error(REEL_BAD_STATE, "marks are released newest first");
    }
    ck_assert_double_eq(at(reel_data(y), 2), 9);
    ck_assert_int_eq(reel_tape_release(NULL, tape, marks[0]), REEL_OK);
    expect_fine();
}
END_TEST

/* A walk that ends for want of memory leaves nothing that a later one, or the tracer, could take for a gradient. */
static void *fail_and_fill(void *user, void *pointer, size_t old_size, size_t new_size)
{
    char *p = fail_after(user, pointer, old_size, new_size);
    if (p && new_size > old_size) memset(p + old_size, 0xff, new_size - old_size);
    return p;
}

START_TEST(test_walk_again_after_failure)
{
    bool failed = true;
    for (uint64_t n = 0; failed; n++) {
        failing f = {UINT64_MAX, 0, false};
        reel_context *own = reel_context_new(&(reel_allocator){fail_and_fill, &f});
        reel_array *ones = reel_array_new(NULL, own, REEL_DOUBLE, 1, (const int64_t[]){20000});
        for (int i = 0; i < 20000; i++) ((double *)ones->data)[i] = 1;
        reel_tape *tape = reel_tape_new(NULL, own, REEL_DOUBLE);
        reel_value x = reel_variable(NULL, tape, ones), y = x;
        for (int i = 0; i < 9; i++) y = times(y, x);
        reel_value loss = total(y);
        f.left = n;
        failed = reel_backward(NULL, loss) != REEL_OK;
        f.left = UINT64_MAX;
        ck_assert(!failed || reel_error_status(own) == REEL_NO_MEMORY);
        reel_error_clear(own);
        reel_origin origin;
        ck_assert(!failed || !reel_trace_not_finite(NULL, loss, &origin));
        if (!failed) ck_assert_double_eq(at(reel_gradient(x), 19999), 10);
        ck_assert_int_eq(reel_backward(NULL, total(times(x, x))), REEL_OK);
        ck_assert(failed || at(reel_gradient(x), 19999) == 12);
        ck_assert(isfinite(at(reel_gradient(x), 0)) && isfinite(at(reel_gradient(x), 19999)));
        reel_context_free(own);
        ck_assert_uint_eq(f.in_use, 0);
        ck_assert(failed || n > 0);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("tape");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_square_and_reuse);
    tcase_add_test(tests, test_two_losses_on_one_tape);
    tcase_add_test(tests, test_parameters_write_then_add);
    tcase_add_test(tests, test_changed_parameters_are_noticed);
    tcase_add_test(tests, test_frozen_parameters_and_modes);
    tcase_add_test(tests, test_detach_and_reshape);
    tcase_add_test(tests, test_root_is_reshape);
    tcase_add_test(tests, test_backward_from);
    tcase_add_test(tests, test_handles);
    tcase_add_test(tests, test_mark_and_release);
    tcase_add_test(tests, test_rewind_allocates_nothing);
    tcase_add_test(tests, test_inputs_convert_or_are_borrowed);
    tcase_add_test(tests, test_first_error_stays);
    tcase_add_test(tests, test_operation_check_finds_errors_and_kinks);
    tcase_add_test(tests, test_gradient_check_of_a_model);
    tcase_add_test(tests, test_print_and_dot);
    tcase_add_test(tests, test_every_allocation_may_fail);
    tcase_add_test(tests, test_walks_before_release);
    tcase_add_test(tests, test_marks_newest_first);
    tcase_add_test(tests, test_walk_again_after_failure);
    return run_case(tests, "tape");
}
