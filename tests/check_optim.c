/* SPDX-License-Identifier: MIT
 *
 * Optimizers, hyper-parameter tables, the reference files.
 */
#include "failing.h"
#include "optim_cases.h"
#include "optim_params.h"
#include "tensors.h"

/* --------------------------------------------------------------------------------------------------- reference files */

typedef struct tally {
    int passed, failed, uncovered;
    double worst;
} tally;

static void count_case(void *user, const char *family, const char *name, int verdict, double deviation,
                       const char *note)
{
    tally *t = user;
    t->passed += verdict == CASE_PASSED;
    t->failed += verdict == CASE_FAILED;
    t->uncovered += verdict == CASE_NOT_COVERED;
    if (deviation > t->worst) t->worst = deviation;
    if (verdict != CASE_PASSED)
        fprintf(stderr, "%s: %s: %s (%s)\n", family, name, verdict == CASE_FAILED ? "failed" : "not covered", note);
}

static tally run_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/torch/%s", REFERENCE, name);
    cJSON *document = document_load(path);
    ck_assert_ptr_nonnull(document);
    tally t = {0};
    int failed = optim_cases_run(document, count_case, &t);
    ck_assert_int_eq(failed, t.failed);
    ck_assert_int_eq(t.passed + t.failed + t.uncovered,
                     (int)cJSON_GetNumberValue(cJSON_GetObjectItem(document, "count")));
    cJSON_Delete(document);
    printf("%s: %d passed, %d failed, %d not covered, largest deviation %.3g\n", name, t.passed, t.failed, t.uncovered,
           t.worst);
    return t;
}

START_TEST(reference_files)
{
    static const char *const files[] = {"optimizers.json", "clip.json", "schedulers.json", "averaging.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        tally t = run_file(files[i]);
        ck_assert_int_eq(t.failed, 0);
        ck_assert_int_eq(t.uncovered, 0);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------ tables */

START_TEST(tables_are_complete)
{
    for (int i = 0; reel_optimizer_at(i); i++) {
        const reel_optimizer_type *type = reel_optimizer_at(i);
        ck_assert_ptr_eq(reel_optimizer_find(type->name), type);
        ck_assert(type->formula && type->source && type->size == sizeof *type);
        for (int k = 0; k < type->hyper_count; k++) {
            const reel_hyper *h = &type->hypers[k];
            ck_assert(h->name && h->text && h->text[0]);
            ck_assert_int_eq(reel_hyper_find(type->hypers, type->hyper_count, h->name), k);
            ck_assert_msg(reel_hyper_check(NULL, NULL, "", h, h->value) == REEL_OK, "%s: default of %s", type->name,
                          h->name);
        }
    }
    for (int i = 0; reel_schedule_at(i); i++) {
        const reel_schedule_type *type = reel_schedule_at(i);
        ck_assert_ptr_eq(reel_schedule_find(type->name), type);
        ck_assert(type->text && type->source && type->size == sizeof *type);
        for (int k = 0; k < type->hyper_count; k++) {
            const reel_hyper *h = &type->hypers[k];
            ck_assert(h->name && h->text && h->text[0]);
            ck_assert_int_eq(reel_hyper_find(type->hypers, type->hyper_count, h->name), k);
            ck_assert(isnan(h->value) || reel_hyper_check(NULL, NULL, "", h, h->value) == REEL_OK);
            ck_assert(!h->repeats || k == type->hyper_count - 1);
        }
    }
    ck_assert_ptr_null(reel_optimizer_find("nothing"));
    ck_assert_ptr_null(reel_schedule_find("nothing"));
}
END_TEST

START_TEST(hyper_sentences)
{
    static const char *const words[] = {"cos", "linear", "none", NULL};
    const struct {
        reel_hyper hyper;
        const char *range;
    } rows[] = {
        {{.name = "a", .most = INFINITY, .open_most = true}, "0 or above"},
        {{.name = "a", .open_least = true, .most = INFINITY, .open_most = true}, "above 0"},
        {{.name = "a", .open_least = true, .most = INFINITY}, "above 0, inf too"},
        {{.name = "a", .most = 1, .open_most = true}, "from 0 to below 1"},
        {{.name = "a", .least = -2.5, .most = 1, .open_least = true}, "above -2.5 to 1"},
        {{.name = "a", .least = -INFINITY, .most = 3, .open_least = true}, "at most 3"},
        {{.name = "a", .least = -INFINITY, .most = INFINITY, .open_least = true, .open_most = true}, "a finite number"},
        {{.name = "a", .kind = REEL_HYPER_SWITCH}, "0 or 1"},
        {{.name = "a", .kind = REEL_HYPER_CHOICE, .choices = words}, "cos, linear or none"},
        {{.name = "a", .kind = REEL_HYPER_WHOLE, .least = 1, .most = INFINITY}, "a whole number 1 or above"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[REEL_HYPER_TEXT];
        ck_assert_str_eq(reel_hyper_range(&rows[i].hyper, text), rows[i].range);
    }
    const double nan_value = NAN;
    const struct {
        int row;
        double value;
        bool good;
    } values[] = {{0, 0, true},     {0, -1, false},      {0, INFINITY, false}, {0, nan_value, false},
                  {1, 0, false},    {2, INFINITY, true}, {3, 1, false},        {3, 0.999, true},
                  {4, -2.5, false}, {4, 1, true},        {6, -1e300, true},    {7, 0.5, false},
                  {7, 1, true},     {7, 2, false},       {8, 2, true},         {8, 3, false},
                  {8, 1.5, false},  {9, 2.5, false},     {9, 7, true},         {9, INFINITY, false},
                  {9, 0, false},    {5, -1e30, true},    {5, -INFINITY, false}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        reel_status status = reel_hyper_check(NULL, context, "test", &rows[values[i].row].hyper, values[i].value);
        ck_assert_msg((status == REEL_OK) == values[i].good, "row %zu", i);
        ck_assert(reel_failed(context) == !values[i].good);
        reel_error_clear(context);
    }
    double value = 7;
    ck_assert_int_eq(reel_hyper_read(NULL, context, "t", &rows[8].hyper, "linear", 6, &value), REEL_OK);
    ck_assert_double_eq(value, 1);
    ck_assert_int_eq(reel_hyper_read(NULL, context, "t", &rows[7].hyper, "on", 2, &value), REEL_OK);
    ck_assert_int_eq(reel_hyper_read(NULL, context, "t", &rows[0].hyper, "1e-4x", 5, &value), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "t: a: found \"1e-4x\", expected 0 or above");
    ck_assert_double_eq(value, 1);
}
END_TEST

/* -------------------------------------------------------------------------------------------------------- optimizers */

START_TEST(set_and_get)
{
    reel_params *params = one_param(REEL_FLOAT, 3);
    reel_optimizer *adam = reel_adam_new(NULL, params, 0.05);
    ck_assert_double_eq(reel_optimizer_get(adam, "lr"), 0.05);
    ck_assert_int_eq(reel_optimizer_set(NULL, adam, "beta1", 0), REEL_OK);
    ck_assert_double_eq(reel_optimizer_get(adam, "beta1"), 0);
    ck_assert_int_eq(reel_optimizer_set("train.c:7", adam, "lr", -1), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "train.c:7: optimizer_set: lr: found -1, expected 0 or above");
    ck_assert_double_eq(reel_optimizer_get(adam, "lr"), 0.05);
    ck_assert_int_eq(reel_optimizer_set(NULL, adam, "betta1", 0.5), REEL_NOT_FOUND);
    expect_error(REEL_NOT_FOUND, "no hyper-parameter \"betta1\"; there are lr, beta1, beta2, eps");
    ck_assert_int_eq(reel_optimizer_set(NULL, adam, "clip_norm", 2), REEL_OK);
    ck_assert_double_eq(reel_optimizer_get(adam, "clip_norm"), 2);
    ck_assert(isnan(reel_optimizer_get(adam, "nothing")) && isnan(reel_optimizer_get(NULL, "lr")));
    ck_assert_int_eq(reel_optimizer_group_set(NULL, adam, 0, "clip_norm", 1), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "whole optimizer");
    ck_assert_ptr_null(reel_sgd_new(NULL, params, NAN));
    expect_error(REEL_BAD_ARGUMENT, "lr: found nan");
    ck_assert_int_eq(reel_params_add(NULL, params, "late", 0, NULL), -1);
    expect_error(REEL_BAD_STATE, "sealed");
}
END_TEST

START_TEST(step_wants_a_fresh_gradient)
{
    reel_params *params = one_param(REEL_DOUBLE, 4);
    reel_optimizer *sgd = reel_sgd_new(NULL, params, 1);
    ck_assert_int_eq(reel_optimizer_step("a.c:1", sgd), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "a.c:1: optimizer_step: there is no gradient");
    set_gradient(params, one);
    ck_assert_int_eq(reel_optimizer_step(NULL, sgd), REEL_OK);
    reel_array x = reel_params_flat(params);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(reel_array_get(&x, i), -1);
    ck_assert(!reel_params_has_gradient(params));
    ck_assert_int_eq(reel_optimizer_step(NULL, sgd), REEL_BAD_STATE);
    ck_assert_int_eq(reel_optimizer_steps(sgd), 1);
    /* A failed context: nothing happens and its status comes back. */
    ck_assert_int_eq(reel_optimizer_step(NULL, sgd), REEL_BAD_STATE);
    reel_error_clear(context);
    set_gradient(params, one);
    reel_error_set(context, REEL_BAD_SHAPE, NULL, "test", "earlier");
    ck_assert_int_eq(reel_optimizer_step(NULL, sgd), REEL_BAD_SHAPE);
    ck_assert(reel_params_has_gradient(params));
    ck_assert_double_eq(reel_array_get(&x, 0), -1);
    ck_assert_int_eq(reel_optimizer_step(NULL, NULL), REEL_BAD_ARGUMENT);
}
END_TEST

/* A frozen parameter between two others keeps every bit, weight decay or not; the others move as if it were not there. */
START_TEST(frozen_parameters_stay)
{
    for (int k = 0; reel_optimizer_at(k); k++) {
        reel_params *params = params_of(REEL_FLOAT, 3, (const int64_t[]){3, 4, 2});
        set_all(reel_params_flat(params), wave);
        reel_params_set_trainable(NULL, params, 1, false);
        reel_optimizer *o = reel_optimizer_new(NULL, params, reel_optimizer_at(k));
        ck_assert_int_eq(reel_optimizer_set(NULL, o, "weight_decay", 0.1), REEL_OK);
        for (int t = 0; t < 3; t++) {
            set_gradient(params, wave);
            ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
        }
        reel_array flat = reel_params_flat(params);
        for (int i = 0; i < 9; i++)
            ck_assert_msg((reel_array_get(&flat, i) == (float)wave(i)) == (i >= 3 && i < 7), "%s moved element %d: %g",
                          reel_optimizer_kind(o)->name, i, reel_array_get(&flat, i));
    }
}
END_TEST

/* The bits of ten steps of type k over slices of these sizes. */
static void trajectory(int k, int count, const int64_t *sizes, bool grouped, float out[64])
{
    reel_params *params = params_of(REEL_FLOAT, count, sizes);
    set_all(reel_params_flat(params), wave);
    reel_optimizer *o = reel_optimizer_new(NULL, params, reel_optimizer_at(k));
    for (int i = 1; grouped && i < count; i++) ck_assert_int_eq(reel_optimizer_group(NULL, o, 1, &i), i);
    for (int t = 0; t < 10; t++) {
        set_gradient(params, wave);
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    }
    reel_array flat = reel_params_flat(params);
    ck_assert_int_eq(flat.size, 64);
    memcpy(out, flat.data, 64 * sizeof(float));
}

/* Runs are merged over slices: how the parameters are cut, and grouped, does not change a bit. */
START_TEST(slices_do_not_matter)
{
    for (int k = 0; reel_optimizer_at(k); k++) {
        if (reel_optimizer_at(k)->per_parameter) continue;
        float whole[64], cut[64], grouped[64];
        trajectory(k, 1, (const int64_t[]){64}, false, whole);
        trajectory(k, 6, (const int64_t[]){1, 17, 0, 8, 31, 7}, false, cut);
        trajectory(k, 6, (const int64_t[]){1, 17, 0, 8, 31, 7}, true, grouped);
        ck_assert_msg(memcmp(whole, cut, sizeof whole) == 0, "%s", reel_optimizer_at(k)->name);
        ck_assert_msg(memcmp(whole, grouped, sizeof whole) == 0, "%s", reel_optimizer_at(k)->name);
    }
}
END_TEST

START_TEST(groups)
{
    reel_params *params = params_of(REEL_DOUBLE, 3, (const int64_t[]){1, 1, 1});
    reel_optimizer *o = reel_sgd_new(NULL, params, 0.5);
    ck_assert_int_eq(reel_optimizer_group(NULL, o, 2, (const int[]){1, 1}), -1);
    expect_error(REEL_BAD_ARGUMENT, "\"p1\" is listed twice");
    ck_assert_int_eq(reel_optimizer_group(NULL, o, 1, (const int[]){3}), -1);
    expect_error(REEL_BAD_INDEX, "found parameter 3, expected 0 to 2");
    ck_assert_int_eq(reel_optimizer_group(NULL, o, 1, (const int[]){1}), 1);
    ck_assert_int_eq(reel_optimizer_group_set(NULL, o, 1, "lr", 0.25), REEL_OK);
    ck_assert_int_eq(reel_optimizer_group_set(NULL, o, 2, "lr", 0.25), REEL_BAD_INDEX);
    expect_error(REEL_BAD_INDEX, "found group 2, expected 0 to 1");
    ck_assert_int_eq(reel_optimizer_group_of(o, 1), 1);
    set_gradient(params, one);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    reel_array x = reel_params_flat(params);
    ck_assert_double_eq(reel_array_get(&x, 0), -0.5);
    ck_assert_double_eq(reel_array_get(&x, 1), -0.25);
    ck_assert_double_eq(reel_array_get(&x, 2), -0.5);
    ck_assert_int_eq(reel_optimizer_group(NULL, o, 1, (const int[]){0}), -1);
    expect_error(REEL_BAD_STATE, "before the first step");
}
END_TEST

/* A moment that decays under a gradient of 0 ends in 0 and never becomes subnormal. */
START_TEST(moments_do_not_linger)
{
    for (int k = 0; reel_optimizer_at(k); k++) {
        const reel_optimizer_type *type = reel_optimizer_at(k);
        reel_params *params = one_param(REEL_FLOAT, 2);
        reel_optimizer *o = reel_optimizer_new(NULL, params, type);
        if (reel_hyper_find(type->hypers, type->hyper_count, "momentum") >= 0)
            ck_assert_int_eq(reel_optimizer_set(NULL, o, "momentum", 0.9), REEL_OK);
        for (int t = 0; t < 1200; t++) {
            set_gradient(params, t == 0 ? wave : zero);
            ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
            for (int i = 0; i < type->state_count; i++) {
                reel_array s = reel_optimizer_state(o, type->state_names[i], 0);
                for (int64_t j = 0; j < s.size && s.data; j++)
                    ck_assert_msg(fpclassify(((float *)s.data)[j]) != FP_SUBNORMAL, "%s: %s at step %d", type->name,
                                  type->state_names[i], t);
            }
        }
        const char *fast = k == 0 ? "momentum" : k < 3 ? "mean" : NULL;
        reel_array s = reel_optimizer_state(o, fast, 0);
        if (fast) ck_assert_double_eq(reel_array_get(&s, 0), 0);
    }
}
END_TEST

/* With eps 0 the ratio of small moments is all there is: the step is lr whatever the size of the gradient. */
static double faint(int64_t i)
{
    return i % 2 ? 1e-20 : -1e-20;
}

START_TEST(small_gradients_count_without_eps)
{
    reel_params *params = one_param(REEL_FLOAT, 2);
    reel_optimizer *o = reel_adam_new(NULL, params, 0.5);
    reel_optimizer_set(NULL, o, "eps", 0);
    set_gradient(params, faint);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    reel_array x = reel_params_flat(params);
    ck_assert_double_eq_tol(reel_array_get(&x, 0), 0.5, 0.02); /* the square is subnormal: few bits */
    ck_assert_double_eq_tol(reel_array_get(&x, 1), -0.5, 0.02);
}
END_TEST

START_TEST(steps_allocate_nothing)
{
    for (int k = 0; reel_optimizer_at(k); k++) {
        reel_params *params = params_of(REEL_FLOAT, 2, (const int64_t[]){5, 3});
        reel_optimizer *o = reel_optimizer_new(NULL, params, reel_optimizer_at(k));
        reel_optimizer_set(NULL, o, "clip_norm", 1);
        reel_optimizer_set_schedule(NULL, o, reel_schedule_parse(NULL, context, "warmup:2,cosine", 9));
        set_gradient(params, wave);
        uint64_t before = reel_context_memory(context).allocations;
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
        ck_assert_uint_eq(reel_context_memory(context).allocations, before);
    }
}
END_TEST

START_TEST(reset_forgets)
{
    reel_params *params = one_param(REEL_DOUBLE, 1);
    reel_optimizer *o = reel_adam_new(NULL, params, 0.1);
    for (int t = 0; t < 3; t++) {
        set_gradient(params, one);
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    }
    reel_array m = reel_optimizer_state(o, "mean", 0);
    ck_assert_double_gt(reel_array_get(&m, 0), 0.2);
    reel_optimizer_reset(o, false);
    ck_assert_double_eq(reel_array_get(&m, 0), 0);
    ck_assert_int_eq(reel_optimizer_steps(o), 3);
    reel_optimizer_reset(o, true);
    ck_assert_int_eq(reel_optimizer_steps(o), 0);
}
END_TEST

/* A program's own optimizer: the sign of the gradient, with a counter as scalar. */
static void count_steps(const double *hyper, int64_t t, double *scalars)
{
    (void)hyper;
    scalars[0] += (double)t;
}

static reel_status sign_update(const reel_update *u)
{
    if (u->scalars[0] > 3) return REEL_BAD_STATE;
    for (int64_t i = 0; i < u->n; i++) {
        double g = ((const double *)u->gradient)[i];
        ((double *)u->parameter)[i] -= u->hyper[0] * ((g > 0) - (g < 0));
        ((double *)u->state[0])[i] += 1;
    }
    return REEL_OK;
}

static double start_of_state(const double *hyper, int i)
{
    return 10 * hyper[0] + i;
}

START_TEST(own_optimizer)
{
    static const reel_hyper table[] = {
        {.name = "lr", .value = 0.5, .most = INFINITY, .open_most = true, .text = "rate"}};
    static const char *const states[] = {"visits"}, *const sums[] = {"sum"};
    static const reel_optimizer_type type = {.size = sizeof type,
                                             .name = "sign",
                                             .hypers = table,
                                             .hyper_count = 1,
                                             .state_names = states,
                                             .state_count = 1,
                                             .scalar_names = sums,
                                             .scalar_count = 1,
                                             .initial = start_of_state,
                                             .begin = count_steps,
                                             .update = sign_update};
    reel_params *params = one_param(REEL_DOUBLE, 3);
    reel_optimizer *o = reel_optimizer_new(NULL, params, &type);
    reel_optimizer_set(NULL, o, "lr", 0.25);
    for (int t = 0; t < 2; t++) {
        set_gradient(params, wave);
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    }
    reel_array x = reel_params_flat(params), visits = reel_optimizer_state(o, "visits", 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq(reel_array_get(&x, i), wave(i) > 0 ? -0.5 : 0.5);
        ck_assert_double_eq(reel_array_get(&visits, i), 4.5);
    }
    set_gradient(params, wave);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "the update of sign failed");
    reel_optimizer_type bad = type;
    bad.size = 8;
    ck_assert_ptr_null(reel_optimizer_new(NULL, params, &bad));
    expect_error(REEL_BAD_ARGUMENT, "descriptor");
}
END_TEST

START_TEST(nesterov_wants_no_dampening)
{
    reel_params *params = one_param(REEL_FLOAT, 1);
    reel_optimizer *o = reel_sgd_new(NULL, params, 0.1);
    reel_optimizer_set(NULL, o, "momentum", 0.9);
    reel_optimizer_set(NULL, o, "nesterov", 1);
    reel_optimizer_set(NULL, o, "dampening", 0.1);
    set_gradient(params, one);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "sgd: nesterov needs dampening 0");
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------ memory */

static bool build_and_step(reel_context *own)
{
    reel_params *params = reel_params_new(NULL, own, REEL_FLOAT);
    int64_t size = 4;
    reel_params_add(NULL, params, "w", 1, &size);
    reel_params_add(NULL, params, "b", 1, &size);
    reel_optimizer *o = reel_adam_new(NULL, params, 0.1);
    int b = 1;
    reel_optimizer_group(NULL, o, 1, &b);
    reel_optimizer_set(NULL, o, "amsgrad", 1);
    reel_schedule *s = reel_schedule_parse(NULL, own, "warmup:3,(cosine*step:9)@20,constant:0.1", 50);
    reel_optimizer_set_schedule(NULL, o, s);
    float zeros[8] = {0};
    int64_t all = 8;
    reel_array g = reel_array_view(REEL_FLOAT, zeros, 1, &all);
    reel_params_set_gradient(NULL, params, &g);
    return reel_optimizer_step(NULL, o) == REEL_OK && reel_optimizer_steps(o) == 1;
}

START_TEST(every_allocation_may_fail)
{
    int failures = 0;
    for (long n = 0;; n++) {
        failing l = {.left = (uint64_t)n};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &l});
        bool done = build_and_step(own);
        if (!done && own) ck_assert_int_eq(reel_error_status(own), REEL_NO_MEMORY);
        reel_context_free(own);
        ck_assert_uint_eq(l.in_use, 0);
        if (done) break;
        failures++;
    }
    ck_assert_int_gt(failures, 20);
}
END_TEST

/* In any order of freeing. */
START_TEST(store_may_go_first)
{
    failing l = {.left = FAIL_NEVER};
    reel_context *own = reel_context_new(&(reel_allocator){fail_after, &l});
    reel_params *params = reel_params_new(NULL, own, REEL_FLOAT);
    ck_assert_int_eq(reel_params_add(NULL, params, "w", 1, (const int64_t[]){1000}), 0);
    reel_optimizer *o = reel_adam_new(NULL, params, 0.1);
    reel_params_free(params);
    reel_optimizer_free(o);
    reel_context_free(own);
    ck_assert_uint_eq(l.in_use, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("optim");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, reference_files);
    tcase_add_test(tests, tables_are_complete);
    tcase_add_test(tests, hyper_sentences);
    tcase_add_test(tests, set_and_get);
    tcase_add_test(tests, step_wants_a_fresh_gradient);
    tcase_add_test(tests, frozen_parameters_stay);
    tcase_add_test(tests, slices_do_not_matter);
    tcase_add_test(tests, groups);
    tcase_add_test(tests, moments_do_not_linger);
    tcase_add_test(tests, small_gradients_count_without_eps);
    tcase_add_test(tests, steps_allocate_nothing);
    tcase_add_test(tests, reset_forgets);
    tcase_add_test(tests, own_optimizer);
    tcase_add_test(tests, nesterov_wants_no_dampening);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, store_may_go_first);
    return run_case(tests, "optim");
}
