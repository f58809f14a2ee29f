/* SPDX-License-Identifier: MIT
 *
 * Parameters and modules: PyTorch's initialisation, names, reading out and writing back, errors, tables.
 */
#include "common.h"

#define PARAMETERS 33

/* SimpleNet(8) for torch.manual_seed(42), from reference/moons. */
static const float first_weights[] = {0.5406103730201721f, 0.5869042277336121f, -0.16565565764904022f,
                                      0.6495562791824341f};

static reel_params *store;
static reel_module *net;

static void make(void)
{
    store = reel_params_new(NULL, context, REEL_FLOAT);
    net = reel_mlp_new(NULL, store, "net", 3, (int[]){2, 8, 1}, "relu", reel_rng_torch_new(NULL, context, 42));
    ck_assert_ptr_nonnull(net);
}

START_TEST(test_initialised_as_pytorch)
{
    make();
    reel_array w = reel_params_value(store, reel_params_find(store, "net.0.weight"));
    ck_assert_int_eq(w.rank, 2);
    ck_assert_int_eq(w.shape[0], 8);
    for (int i = 0; i < 4; i++) ck_assert_float_eq(((float *)w.data)[i], first_weights[i]);
    ck_assert_float_eq(((float *)reel_params_value(store, 3).data)[0], 0.2729528844356537f);
    const char *const names[] = {"net.0.weight", "net.0.bias", "net.1.weight", "net.1.bias"};
    ck_assert_int_eq(reel_params_count(store), 4);
    for (int i = 0; i < 4; i++) ck_assert_str_eq(reel_params_name(store, i), names[i]);
    ck_assert_ptr_null(reel_params_name(store, 4));
    ck_assert_int_eq(reel_params_find(store, "net.2.weight"), -1);
    ck_assert_int_eq(reel_params_size(store), PARAMETERS);
}
END_TEST

START_TEST(test_flat_read_and_write)
{
    make();
    double flat[PARAMETERS];
    reel_array view = reel_array_view(REEL_DOUBLE, flat, 1, (int64_t[]){PARAMETERS});
    ck_assert_int_eq(reel_params_read(NULL, store, &view), REEL_OK);
    ck_assert_double_eq(flat[1], first_weights[1]);
    for (int i = 0; i < PARAMETERS; i++) flat[i] = i;
    ck_assert_int_eq(reel_params_write(NULL, store, &view), REEL_OK);
    ck_assert_double_eq(at(reel_params_value(store, 1), 0), 16);
    ck_assert_double_eq(at(reel_params_value(store, 3), 0), 32);
    view = reel_array_view(REEL_DOUBLE, flat, 1, (int64_t[]){PARAMETERS - 1});
    ck_assert_int_eq(reel_params_write("w.c:1", store, &view), REEL_BAD_SHAPE);
    expect_error(REEL_BAD_SHAPE, "w.c:1: params_write: found 32 elements, expected 33");
    /* widened into a store of double, by name */
    reel_params *wide = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_mlp_new(NULL, wide, "net", 3, (int[]){2, 8, 1}, "tanh", NULL);
    ck_assert_int_eq(reel_params_copy(NULL, wide, store), REEL_OK);
    ck_assert_double_eq(at(reel_params_value(wide, 2), 7), 31);
    reel_params *other = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_mlp_new(NULL, other, "net", 3, (int[]){2, 4, 1}, "tanh", NULL);
    ck_assert_int_eq(reel_params_copy("w.c:2", other, store), REEL_BAD_SHAPE);
    expect_error(REEL_BAD_SHAPE, "\"net.0.weight\": found (8,2), expected (4,2)");
    ck_assert_double_eq(at(reel_params_value(other, 0), 0), 0);
}
END_TEST

START_TEST(test_errors)
{
    make();
    ck_assert_ptr_null(reel_mlp_new("m.c:2", store, "n", 3, (int[]){2, 3, 1}, "relux", NULL));
    expect_error(REEL_NOT_FOUND, "m.c:2: activation_new: found \"relux\", expected one of: relu tanh");
    ck_assert_ptr_null(reel_linear_new("m.c:3", store, "net.0", 2, 3, NULL));
    expect_error(REEL_BAD_ARGUMENT, "the name \"net.0.weight\" is taken");
    ck_assert_ptr_null(reel_linear_new("m.c:4", store, "l", 0, 3, NULL));
    expect_error(REEL_BAD_ARGUMENT, "found a layer \"l\" from 0 to 3");
    ck_assert_ptr_null(reel_dropout_new("m.c:5", context, -0.1));
    expect_error(REEL_BAD_ARGUMENT, "found p = -0.1, expected 0 to 1");
    ck_assert_ptr_null(reel_sequential_new("m.c:6", context, 1, (reel_module *[]){NULL}));
    expect_error(REEL_BAD_ARGUMENT, "expected 1 or more, none of them missing");
    reel_tape *tape = reel_tape_new(NULL, context, REEL_FLOAT);
    reel_value x = reel_input(NULL, tape, doubles(2, (int64_t[]){4, 3}, NULL));
    ck_assert(reel_is_nil(reel_forward("m.c:7", net, x)));
    expect_error(REEL_BAD_SHAPE, "m.c:7: linear_relu:");
}
END_TEST

START_TEST(test_every_activation_runs)
{
    const char *const names[] = {"relu", "tanh", "sigmoid",  "leaky_relu", "elu",
                                 "gelu", "silu", "softplus", "identity"};
    const double at_minus_one[] = {0,           -0.76159416, 0.26894142, -0.01, -0.63212056,
                                   -0.15865525, -0.26894142, 0.31326169, -1};
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        reel_module *m = reel_activation_new(NULL, context, names[i]);
        double y = reel_item(NULL, reel_forward(NULL, m, reel_scalar(NULL, tape, -1)));
        ck_assert_msg(fabs(y - at_minus_one[i]) < 1e-8, "%s(-1) is %.9g", names[i], y);
    }
}
END_TEST

START_TEST(test_tables)
{
    make();
    reel_params_set_trainable(NULL, store, 1, false);
    FILE *file = tmpfile();
    ck_assert_int_eq(reel_params_summary(NULL, store, file), REEL_OK);
    ck_assert_int_eq(reel_module_summary(NULL, net, file), REEL_OK);
    char text[4096];
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *const parts[] = {"net.0.weight  (8,2)                   16", "all                                   33",
                                 "trainable                             25", "mlp \"net\", 33 numbers",
                                 "  linear \"net.0\" 2 -> 8, 24 numbers",    "  relu\n",
                                 "  linear \"net.1\" 8 -> 1, 9 numbers"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ck_assert_msg(strstr(text, parts[i]), "\"%s\" is not in\n%s", parts[i], text);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("modules");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_initialised_as_pytorch);
    tcase_add_test(tests, test_flat_read_and_write);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_every_activation_runs);
    tcase_add_test(tests, test_tables);
    return run_case(tests, "modules");
}
