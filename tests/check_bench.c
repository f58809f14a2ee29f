/* SPDX-License-Identifier: MIT
 *
 * The limits of `reel bench` compute what Reel computes, with every instruction set of the machine; the report of the
 * command is whole. Nothing here is timed.
 */
#include "json_file.h"
#include "spawn.h"

#include "gaussian_image.h"
#include "limit.h"

#include <cjson/cJSON.h>

enum { ISAS = 3 };

/* The instruction set of a loop test; NULL where the machine has it not. */
static const limits *limits_of(int i)
{
    return limits_at(i);
}

static float uniform(reel_rng *rng)
{
    return (float)(2 * reel_rng_uniform_one(rng) - 1);
}

static void fill(reel_rng *rng, float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) values[i] = uniform(rng);
}

/* Every element within `tolerance` times the largest one. */
static void expect_near(const char *what, const float *found, const float *expected, int64_t count, double tolerance)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)expected[i]));
    for (int64_t i = 0; i < count; i++) {
        double away = fabs((double)found[i] - (double)expected[i]);
        if (away <= tolerance * largest) continue; /* an assertion of each would take longer than the rest */
        ck_abort_msg("%s[%lld] is %.9g, expected %.9g (largest %g)", what, (long long)i, (double)found[i],
                     (double)expected[i], largest);
    }
}

static void expect_loss(double found, double expected)
{
    ck_assert_msg(fabs(found - expected) <= 1e-5 * fmax(1, fabs(expected)), "the loss is %.9g, expected %.9g", found,
                  expected);
}

/* ---- W1 ---- */

START_TEST(w1_agrees)
{
    const limits *l = limits_of(_i / 2);
    bool sgd = _i % 2;
    if (!l) return;
    static limit_w1 w;
    float gradient[W1_PARAMETERS], parameters[W1_PARAMETERS];
    reel_dataset *data = reel_moons_new(NULL, context, W1_POINTS, 0.15, reel_rng_numpy_new(NULL, context, 42));
    reel_params *params = reel_params_new(NULL, context, REEL_FLOAT);
    reel_module *net = reel_mlp_new(NULL, params, "net", 3, (const int[]){2, W1_HIDDEN, 1}, "relu",
                                    reel_rng_torch_new(NULL, context, 42));
    reel_optimizer *optimizer = sgd ? reel_sgd_new(NULL, params, 0.5) : reel_adam_new(NULL, params, 0.05);
    reel_tape *tape = reel_tape_new(NULL, context, REEL_FLOAT);
    reel_array flat = reel_params_flat(params);
    expect_fine();
    limit_w1_start(&w, data->x->data, data->y->data, flat.data, sgd ? 0.5 : 0.05);
    for (int step = 0; step < 50; step++) {
        reel_tape_rewind(tape);
        reel_value logits = reel_forward(NULL, net, reel_input(NULL, tape, data->x));
        reel_value loss = reel_bce_with_logits(NULL, logits, reel_input(NULL, tape, data->y));
        reel_backward(NULL, loss);
        expect_loss(sgd ? l->w1_sgd(&w) : l->w1_adam(&w), reel_item(NULL, loss));
        limit_w1_order(w.gradient, gradient);
        reel_array expected = reel_params_flat_gradient(params);
        expect_near("gradient", gradient, expected.data, W1_PARAMETERS, 1e-4);
        reel_optimizer_step(NULL, optimizer);
        limit_w1_order(w.parameter, parameters);
        expect_near("parameter", parameters, flat.data, W1_PARAMETERS, 1e-4);
    }
    expect_fine();
}
END_TEST

/* ---- W2 ---- */

START_TEST(w2_agrees)
{
    static const int64_t batches[] = {W2_BATCH, 32, 7, 1};
    const limits *l = limits_of(_i / 4);
    int64_t batch = batches[_i % 4], classes[W2_BATCH];
    if (!l) return;
    limit_w2 w;
    float *x = malloc((size_t)batch * W2_IN * sizeof *x), *own = malloc(W2_PARAMETERS * sizeof *own);
    reel_rng *rng = reel_rng_philox_new(NULL, context, 1, "bench");
    fill(rng, x, batch * W2_IN);
    for (int64_t i = 0; i < batch; i++) classes[i] = i * 7 % W2_OUT;
    reel_array inputs = reel_array_view(REEL_FLOAT, x, 2, (const int64_t[]){batch, W2_IN});
    reel_array targets = reel_array_view(REEL_INT64, classes, 1, &batch);
    reel_params *params = reel_params_new(NULL, context, REEL_FLOAT);
    reel_module *net = reel_mlp_new(NULL, params, "net", 4, (const int[]){W2_IN, W2_FIRST, W2_SECOND, W2_OUT}, "relu",
                                    reel_rng_torch_new(NULL, context, 1));
    reel_optimizer *adam = reel_adam_new(NULL, params, 1e-3);
    reel_tape *tape = reel_tape_new(NULL, context, REEL_FLOAT);
    reel_array flat = reel_params_flat(params);
    ck_assert_int_eq(reel_params_size(params), W2_PARAMETERS);
    ck_assert(limit_w2_start(&w, batch, x, classes, flat.data, 1e-3));
    for (int step = 0; step < 3; step++) {
        reel_tape_rewind(tape);
        reel_value logits = reel_forward(NULL, net, reel_input(NULL, tape, &inputs));
        reel_value loss = reel_cross_entropy(NULL, logits, reel_input(NULL, tape, &targets));
        reel_backward(NULL, loss);
        expect_loss(l->w2_step(&w), reel_item(NULL, loss));
        limit_w2_order(w.gradient, own);
        reel_array expected = reel_params_flat_gradient(params);
        expect_near("gradient", own, expected.data, W2_PARAMETERS, 1e-4);
        reel_optimizer_step(NULL, adam);
    }
    /* Adam divides by sqrt(v): where a gradient is rounding, the step is not, so a few parameters may be a step apart. */
    limit_w2_order(w.parameter, own);
    double sum = 0;
    for (int64_t i = 0; i < W2_PARAMETERS; i++) sum += fabs((double)own[i] - reel_array_get(&flat, i));
    ck_assert_msg(sum / W2_PARAMETERS < 1e-6, "parameters are %g apart on average", sum / W2_PARAMETERS);
    expect_fine();
    limit_w2_end(&w);
    free(x);
    free(own);
}
END_TEST

/* ---- W3 ---- */

/* The parts that are trained, in the order of the limit's rows. */
static void w3_take(float rows[][8], const gaussian_image *image, bool gradient, float *own, float *expected)
{
    static const struct {
        int part, columns, at;
    } parts[] = {{GAUSSIAN_POSITION, 2, 0}, {GAUSSIAN_SCALE, 2, 2}, {GAUSSIAN_COLOUR, 3, 5}};
    for (int p = 0; p < 3; p++) {
        int index = image->index[parts[p].part];
        reel_array a = gradient ? reel_params_gradient(image->params, index) : reel_params_value(image->params, index);
        for (int i = 0; i < W3_COUNT; i++)
            for (int k = 0; k < parts[p].columns; k++) {
                *own++ = rows[i][parts[p].at + k];
                *expected++ = ((float *)a.data)[parts[p].columns * i + k];
            }
    }
}

START_TEST(w3_agrees)
{
    enum { TRAINED = 7 * W3_COUNT };
    const limits *l = limits_of(_i);
    if (!l) return;
    static limit_w3 w;
    static float own[TRAINED], expected[TRAINED];
    gaussian_image image;
    gaussian_settings settings = gaussian_settings_new();
    reel_params *params = reel_params_new(NULL, context, REEL_FLOAT);
    reel_array *target = reel_test_image_new(NULL, context, "landscape", W3_SIDE, W3_SIDE), part[GAUSSIAN_PARTS];
    gaussian_image_init(&image, params, &settings);
    gaussian_image_start(&image, reel_rng_rust_new(NULL, context, 1));
    reel_optimizer *adam = reel_adam_new(NULL, params, 0.001);
    reel_tape *tape = reel_tape_new(NULL, context, REEL_FLOAT);
    for (int i = 0; i < GAUSSIAN_PARTS; i++) part[i] = reel_params_value(params, image.index[i]);
    limit_w3_start(&w, target->data, part[GAUSSIAN_POSITION].data, part[GAUSSIAN_SCALE].data,
                   part[GAUSSIAN_COLOUR].data, 0.001);
    /* Few steps: rounding moves a pixel over the cut-off sooner or later, and gradients with it. */
    for (int step = 0; step < 10; step++) {
        reel_tape_rewind(tape);
        reel_value seen = gaussian_image_render(&image, tape), wanted = reel_input(NULL, tape, target);
        reel_value loss = reel_mse(NULL, seen, wanted);
        double reported = reel_item(NULL, gaussian_loss_record_with(&gaussian_loss_reported, seen, wanted, loss));
        reel_backward(NULL, loss);
        expect_loss(l->w3_step(&w), reported);
        w3_take(w.gradient, &image, true, own, expected);
        expect_near("gradient", own, expected, TRAINED, 1e-3);
        reel_optimizer_step(NULL, adam);
        w3_take(w.parameter, &image, false, own, expected);
        expect_near("parameter", own, expected, TRAINED, 1e-4);
    }
    expect_fine();
}
END_TEST

/* ---- W4 ---- */

typedef struct tape_w4 {
    reel_value parameter[W4_PARAMETERS];
    int operations;
} tape_w4;

static int layer(tape_w4 *t, int next, int in, int out, const reel_value *x, reel_value *h)
{
    for (int j = 0; j < out; j++) {
        reel_value s = t->parameter[next++];
        for (int i = 0; i < in; i++) s = reel_add(NULL, s, reel_mul(NULL, t->parameter[next++], x[i]));
        h[j] = reel_tanh(NULL, s);
        t->operations += 2 * in + 1;
    }
    return next;
}

START_TEST(w4_agrees)
{
    const limits *l = limits_of(_i); /* the opcode tape stands at the end */
    if (_i < ISAS && !l) return;
    static limit_w4 w;
    static tape_w4 t;
    float expected[W4_PARAMETERS];
    reel_rng *rng = reel_rng_philox_new(NULL, context, 2, "bench");
    fill(rng, w.parameter, W4_PARAMETERS);
    fill(rng, &w.x[0][0], 2L * W4_POINTS);
    for (int p = 0; p < W4_POINTS; p++) w.y[p] = p % 2 ? 1 : -1;
    reel_tape *tape = reel_tape_new(NULL, context, REEL_FLOAT);
    reel_array each = reel_array_view(REEL_FLOAT, w.parameter, 0, NULL);
    t.operations = 0;
    for (int i = 0; i < W4_PARAMETERS; i++) {
        each.data = &w.parameter[i];
        t.parameter[i] = reel_variable(NULL, tape, &each);
    }
    reel_value loss = reel_scalar(NULL, tape, 0), first[W4_HIDDEN], second[W4_HIDDEN], out;
    for (int p = 0; p < W4_POINTS; p++) {
        reel_value x[2] = {reel_scalar(NULL, tape, (double)w.x[p][0]), reel_scalar(NULL, tape, (double)w.x[p][1])};
        int next = layer(&t, 0, 2, W4_HIDDEN, x, first);
        next = layer(&t, next, W4_HIDDEN, W4_HIDDEN, first, second);
        ck_assert_int_eq(layer(&t, next, W4_HIDDEN, 1, second, &out), W4_PARAMETERS);
        reel_value away = reel_sub(NULL, out, reel_scalar(NULL, tape, (double)w.y[p]));
        loss = reel_add(NULL, loss, reel_mul(NULL, away, away));
        t.operations += 3;
    }
    reel_backward(NULL, loss);
    expect_fine();
    ck_assert_int_eq(t.operations, W4_OPERATIONS);
    for (int i = 0; i < W4_PARAMETERS; i++) {
        reel_array gradient = reel_gradient(t.parameter[i]);
        expected[i] = (float)at(gradient, 0);
    }
    double found = _i < ISAS ? l->w4(&w) : (double)limit_opcode_w4(&w);
    ck_assert_msg(fabs(found - reel_item(NULL, loss)) <= 1e-5 * found, "the loss is %.9g, expected %.9g", found,
                  reel_item(NULL, loss));
    expect_near("gradient", w.gradient, expected, W4_PARAMETERS, 1e-5);
}
END_TEST

/* ---- products, Adam ---- */

static void expect_product(const limits *l, reel_rng *rng, int64_t m, int64_t n, int64_t k)
{
    float *a = malloc((size_t)(m * k) * sizeof *a), *turned_a = malloc((size_t)(m * k) * sizeof *a);
    float *b = malloc((size_t)(k * n) * sizeof *b), *turned_b = malloc((size_t)(k * n) * sizeof *b);
    float *c = malloc((size_t)(m * n) * sizeof *c), *expected = malloc((size_t)(m * n) * sizeof *c);
    float *pack = malloc((size_t)(LIMIT_PACK * k) * sizeof *pack);
    fill(rng, a, m * k);
    fill(rng, b, k * n);
    limit_turn(m, k, a, turned_a);
    limit_turn(k, n, b, turned_b);
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t p = 0; p < k; p++) sum += (double)a[i * k + p] * (double)b[p * n + j];
            expected[i * n + j] = (float)sum;
        }
    }
    l->product(m, n, k, a, false, b, c, pack);
    expect_near("a b", c, expected, m * n, 1e-4);
    memset(c, 0, (size_t)(m * n) * sizeof *c);
    l->product(m, n, k, turned_a, true, b, c, pack);
    expect_near("a' b", c, expected, m * n, 1e-4);
    memset(c, 0, (size_t)(m * n) * sizeof *c);
    l->dots(m, n, k, a, turned_b, c);
    expect_near("a b'", c, expected, m * n, 1e-4);
    free(a);
    free(turned_a);
    free(b);
    free(turned_b);
    free(c);
    free(expected);
    free(pack);
}

START_TEST(products_agree)
{
    static const int64_t shapes[][3] = {{1, 1, 1},  {1, 300, 5},  {1, 517, 33},  {13, 1, 3},   {7, 37, 19},
                                        {5, 70, 1}, {12, 64, 40}, {50, 130, 65}, {53, 64, 17}, {128, 10, 128}};
    const limits *l = limits_of(_i);
    if (!l) return;
    reel_rng *rng = reel_rng_philox_new(NULL, context, 3, "bench");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        expect_product(l, rng, shapes[i][0], shapes[i][1], shapes[i][2]);
}
END_TEST

START_TEST(adam_agrees)
{
    enum { N = 1003 };
    const limits *l = limits_of(_i);
    if (!l) return;
    const int64_t n = N;
    static float x[N], g[N], m[N], v[N];
    limit_adam state = LIMIT_ADAM(0.01);
    memset(m, 0, sizeof m);
    memset(v, 0, sizeof v);
    reel_params *params = reel_params_new(NULL, context, REEL_FLOAT);
    reel_params_add(NULL, params, "x", 1, &n);
    reel_optimizer *adam = reel_adam_new(NULL, params, 0.01);
    reel_rng *rng = reel_rng_philox_new(NULL, context, 4, "bench");
    fill(rng, x, n);
    reel_array view = reel_array_view(REEL_FLOAT, x, 1, &n), gradient = reel_array_view(REEL_FLOAT, g, 1, &n);
    reel_params_write(NULL, params, &view);
    for (int step = 0; step < 5; step++) {
        fill(rng, g, n);
        reel_params_set_gradient(NULL, params, &gradient);
        reel_optimizer_step(NULL, adam);
        l->adam(n, x, g, m, v, &state);
    }
    expect_fine();
    reel_array flat = reel_params_flat(params);
    expect_near("parameter", x, flat.data, n, 1e-6);
}
END_TEST

START_TEST(best_is_the_last)
{
    const limits *best = limits_best();
    int count = 0;
    while (limits_at(count)) count++;
    ck_assert_int_ge(count, 1);
    ck_assert_ptr_eq(best, limits_at(count - 1));
    ck_assert_str_eq(limits_at(0)->isa, "generic");
    ck_assert(best->peak(10) > 0);
}
END_TEST

/* ---- the command ---- */

static cJSON *bench_report(const char *folder, const char *workload)
{
    const char *const argv[] = {REEL, "bench", workload, "--quick", "--rounds", "3", "--json", "bench.json", NULL};
    ck_assert_int_eq(spawn_run(folder, argv, "out.txt", "err.txt"), 0);
    return read_json(folder, "bench.json");
}

START_TEST(report_is_whole)
{
    char folder[64];
    folder_fresh(folder);
    cJSON *document = bench_report(folder, "w4");
    member(member(document, "fingerprint"), "cpu");
    member(member(document, "fingerprint"), "kernels");
    member(member(document, "fingerprint"), "compiler");
    ck_assert_str_eq(member(document, "limits")->valuestring, limits_best()->isa);
    ck_assert_double_eq(number(document, "rounds"), 3);
    ck_assert_int_eq(cJSON_GetArraySize(member(document, "workloads")), 1);
    const cJSON *w4 = cJSON_GetArrayItem(member(document, "workloads"), 0);
    ck_assert_str_eq(member(w4, "name")->valuestring, "w4");
    ck_assert_double_gt(number(w4, "peak_bytes"), 0);
    const cJSON *line = cJSON_GetArrayItem(member(w4, "lines"), 0);
    ck_assert_double_eq(number(line, "allocations"), 0);
    ck_assert_double_gt(number(member(line, "times_limit"), "median"), 0);
    for (int i = 0; i < 2; i++) {
        const cJSON *side = member(line, i ? "limit" : "reel");
        ck_assert_double_gt(number(side, "least"), 0);
        ck_assert_double_le(number(side, "least"), number(side, "median"));
        ck_assert_double_le(number(side, "median"), number(side, "most"));
        ck_assert_int_eq(cJSON_GetArraySize(member(side, "rounds_seconds")), 3);
    }
    const cJSON *goal = cJSON_GetArrayItem(member(line, "goals"), 0);
    bool met = number(goal, "value") <= number(goal, "at_most");
    ck_assert_int_eq(cJSON_IsTrue(member(goal, "met")), met);
    ck_assert_double_eq(number(document, "goals"), 2);
    cJSON_Delete(document);
    folder_remove_deep(folder);
}
END_TEST

START_TEST(process_tells_its_memory)
{
    char folder[64];
    folder_fresh(folder);
    cJSON *document = bench_report(folder, "w1-process");
    const cJSON *lines = member(cJSON_GetArrayItem(member(document, "workloads"), 0), "lines"), *line;
    int found = 0;
    cJSON_ArrayForEach(line, lines)
    {
        if (strcmp(member(line, "unit")->valuestring, "MB") != 0) continue;
        ck_assert_double_gt(number(member(line, "figure"), "median"), 0.5);
        found++;
    }
    ck_assert_int_eq(found, 3);
    cJSON_Delete(document);
    folder_remove_deep(folder);
}
END_TEST

START_TEST(unknown_workload)
{
    const char *const argv[] = {REEL, "bench", "w44", NULL};
    char folder[64];
    size_t size;
    folder_fresh(folder);
    ck_assert_int_eq(spawn_run(folder, argv, "out.txt", "err.txt"), 2);
    char *text = slurp(folder, "err.txt", &size);
    ck_assert_str_eq(text, "reel bench: there is no workload \"w44\"; did you mean w4? (see reel bench --help)\n");
    free(text);
    folder_remove_deep(folder);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("bench");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, w1_agrees, 0, 2 * ISAS);
    tcase_add_loop_test(tests, w2_agrees, 0, 4 * ISAS);
    tcase_add_loop_test(tests, w3_agrees, 0, ISAS);
    tcase_add_loop_test(tests, w4_agrees, 0, ISAS + 1);
    tcase_add_loop_test(tests, products_agree, 0, ISAS);
    tcase_add_loop_test(tests, adam_agrees, 0, ISAS);
    tcase_add_test(tests, best_is_the_last);
    tcase_add_test(tests, report_is_whole);
    tcase_add_test(tests, process_tells_its_memory);
    tcase_add_test(tests, unknown_workload);
    return run_case(tests, "bench");
}
