/* SPDX-License-Identifier: MIT
 *
 * Optimizers, schedules, clipping, hyper-parameter tables.
 */
#include "common.h"
#include "failing.h"
#include "optim_cases.h"

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

static cJSON *load(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    ck_assert(text != NULL);
    ck_assert_int_eq((long)fread(text, 1, (size_t)size, file), size);
    text[size] = '\0';
    fclose(file);
    cJSON *document = cJSON_Parse(text);
    free(text);
    ck_assert_msg(document != NULL, "%s is no JSON", path);
    return document;
}

static tally run_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/torch/%s", REFERENCE, name);
    cJSON *document = load(path);
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

/* --------------------------------------------------------------------------------------------------------- fixtures */

static reel_params *params_of(reel_dtype dtype, int count, const int64_t *sizes)
{
    reel_params *params = reel_params_new(NULL, context, dtype);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        ck_assert_int_eq(reel_params_add(NULL, params, name, 1, &sizes[i]), i);
    }
    return params;
}

static reel_params *one_param(reel_dtype dtype, int64_t size)
{
    return params_of(dtype, 1, &size);
}

static void set_all(reel_array array, double (*f)(int64_t i))
{
    for (int64_t i = 0; i < array.size; i++)
        if (array.dtype == REEL_DOUBLE)
            ((double *)array.data)[i] = f(i);
        else
            ((float *)array.data)[i] = (float)f(i);
}

static double wave(int64_t i)
{
    return sin(1 + 0.7 * (double)i) * (1 + (double)(i % 5));
}

static double one(int64_t i)
{
    (void)i;
    return 1;
}

static double cosine_wave(int64_t i)
{
    return cos(0.3 + 1.1 * (double)i);
}

static double zero(int64_t i)
{
    (void)i;
    return 0;
}

static void set_gradient(reel_params *params, double (*f)(int64_t i))
{
    int64_t size = reel_params_size(params);
    reel_array *g = reel_array_new(NULL, reel_params_context(params), reel_params_dtype(params), 1, &size);
    ck_assert(g != NULL);
    set_all(*g, f);
    ck_assert_int_eq(reel_params_set_gradient(NULL, params, g), REEL_OK);
    reel_array_free(g);
}

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

/* ---------------------------------------------------------------------------------------------------------- clipping */

static double huge_float(int64_t i)
{
    return i % 2 ? 3e30 : -4e30;
}

static double with_nan(int64_t i)
{
    return i == 4 ? NAN : 1;
}

START_TEST(clip_does_not_overflow)
{
    reel_params *params = one_param(REEL_FLOAT, 2);
    set_gradient(params, huge_float);
    double total;
    ck_assert_int_eq(reel_clip_norm(NULL, params, 1, 2, REEL_NONFINITE_ERROR, &total), REEL_OK);
    ck_assert_double_eq_tol(total, 5e30, 1e24);
    reel_array g = reel_params_flat_gradient(params);
    ck_assert_double_eq_tol(reel_array_get(&g, 0), -0.8, 1e-6);
    ck_assert_double_eq_tol(reel_array_get(&g, 1), 0.6, 1e-6);
}
END_TEST

START_TEST(clip_policies)
{
    reel_params *params = params_of(REEL_DOUBLE, 2, (const int64_t[]){3, 3});
    reel_optimizer *o = reel_sgd_new(NULL, params, 1);
    reel_optimizer_set(NULL, o, "clip_norm", 1);
    set_gradient(params, with_nan);
    ck_assert_int_eq(reel_optimizer_step("a.c:3", o), REEL_NOT_FINITE);
    expect_error(REEL_NOT_FINITE, "a.c:3: optimizer_step: the gradient norm is nan: \"p1\" has the gradient nan "
                                  "at element 1");
    reel_array x = reel_params_flat(params);
    ck_assert_double_eq(reel_array_get(&x, 0), 0);
    ck_assert(reel_params_has_gradient(params));
    reel_optimizer_set(NULL, o, "clip_nonfinite", REEL_NONFINITE_SKIP);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    ck_assert_int_eq(reel_optimizer_skipped(o), 1);
    ck_assert_int_eq(reel_optimizer_steps(o), 0);
    ck_assert(!reel_params_has_gradient(params));
    ck_assert_double_eq(reel_array_get(&x, 0), 0);
    reel_optimizer_set(NULL, o, "clip_nonfinite", REEL_NONFINITE_PASS);
    set_gradient(params, with_nan);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
    ck_assert(isnan(reel_array_get(&x, 0)) && isnan(reel_optimizer_gradient_norm(o)));
    double total = 0;
    ck_assert_int_eq(reel_clip_norm(NULL, params, 1, 2, REEL_NONFINITE_ERROR, &total), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "no gradient to clip");
    set_gradient(params, one);
    ck_assert_int_eq(reel_clip_norm(NULL, params, 0, 2, REEL_NONFINITE_ERROR, &total), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "found the limit 0, expected one above 0");
    ck_assert_int_eq(reel_clip_value(NULL, params, NAN), REEL_BAD_ARGUMENT);
    reel_error_clear(context);
    /* What is frozen counts for nothing. */
    reel_params_set_trainable(NULL, params, 1, false);
    ck_assert_double_eq_tol(reel_gradient_norm(params, 2), sqrt(3), 1e-15);
    ck_assert_double_eq(reel_gradient_norm(params, 1), 3);
    ck_assert_double_eq(reel_gradient_norm(params, INFINITY), 1);
    ck_assert(isnan(reel_gradient_norm(params, 0)));
}
END_TEST

/* LAMB and LARS by hand: one step of two parameters, each with its own ratio of norms; one that is 0 moves at ratio 1. */
START_TEST(ratio_of_norms)
{
    for (int lars = 0; lars < 2; lars++) {
        reel_params *params = params_of(REEL_DOUBLE, 3, (const int64_t[]){3, 10, 2});
        reel_params_seal(NULL, params); /* from here on views stay */
        reel_array x = reel_params_flat(params);
        set_all(x, wave);
        ((double *)x.data)[13] = ((double *)x.data)[14] = 0;
        double old[15];
        memcpy(old, x.data, sizeof old);
        reel_optimizer *o = lars ? reel_lars_new(NULL, params, 0.5) : reel_lamb_new(NULL, params, 0.5);
        reel_optimizer_set(NULL, o, "weight_decay", 0.1);
        set_gradient(params, cosine_wave);
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
        const int starts[] = {0, 3, 13, 15};
        for (int p = 0; p < 3; p++) {
            double xx = 0, rr = 0, gg = 0;
            for (int i = starts[p]; i < starts[p + 1]; i++) {
                double g = cosine_wave(i), r = g / (fabs(g) + 1e-6) + 0.1 * old[i];
                xx += old[i] * old[i], rr += r * r, gg += g * g;
            }
            for (int i = starts[p]; i < starts[p + 1]; i++) {
                double g = cosine_wave(i), r = g / (fabs(g) + 1e-6) + 0.1 * old[i], step;
                if (lars)
                    step = (xx > 0 ? 1e-3 * sqrt(xx) / (sqrt(gg) + 0.1 * sqrt(xx) + 1e-8) : 1) * (g + 0.1 * old[i]);
                else
                    step = (xx > 0 ? sqrt(xx / rr) : 1) * r;
                ck_assert_double_eq_tol(reel_array_get(&x, i), old[i] - 0.5 * step, 1e-14);
            }
        }
    }
}
END_TEST

/* Noise alone: the right spread, the same whatever came before, another one each step and seed, none when frozen. */
START_TEST(gradient_noise_is_reproducible)
{
    double point[3][1000];
    for (int k = 0; k < 3; k++) {
        reel_params *params = params_of(REEL_DOUBLE, 2, (const int64_t[]){999, 1});
        reel_params_set_trainable(NULL, params, 1, false);
        reel_optimizer *o = reel_sgd_new(NULL, params, 1);
        reel_optimizer_set(NULL, o, "noise", 0.5);
        reel_optimizer_set(NULL, o, "noise_decay", 0.5);
        reel_optimizer_set(NULL, o, "noise_seed", k == 2 ? 7 : 3);
        double before[1000] = {0};
        for (int t = 0; t < 4; t++) {
            reel_array x = reel_params_flat(params);
            memcpy(before, x.data, sizeof before);
            set_gradient(params, zero);
            ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
            double mean = 0, square = 0, sigma = 0.5 / sqrt(1 + t);
            for (int i = 0; i < 999; i++) {
                double d = ((double *)x.data)[i] - before[i];
                mean += d / 999, square += d * d / 999;
            }
            ck_assert_double_lt(fabs(mean), 4 * sigma / sqrt(999));
            ck_assert_double_eq_tol(sqrt(square), sigma, 4 * sigma / sqrt(2 * 999));
            ck_assert_double_eq(((double *)x.data)[999], 0);
        }
        memcpy(point[k], reel_params_flat(params).data, sizeof point[k]);
    }
    ck_assert_mem_eq(point[0], point[1], sizeof point[0]);
    ck_assert_mem_ne(point[0], point[2], sizeof point[0]);
}
END_TEST

START_TEST(cycled_momentum)
{
    reel_params *params = one_param(REEL_DOUBLE, 1);
    reel_schedule *s = reel_schedule_parse(NULL, context, "onecycle:0.5:10", 0);
    reel_optimizer *none = reel_optimizer_new(NULL, params, reel_optimizer_find("adagrad"));
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, none, s), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "adagrad has neither momentum nor beta1");
    reel_optimizer *sgd = reel_sgd_new(NULL, params, 0.1);
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, sgd, s), REEL_OK);
    double x = 0, buffer = 0;
    for (int t = 0; t < 10; t++) {
        set_gradient(params, one);
        ck_assert_int_eq(reel_optimizer_step(NULL, sgd), REEL_OK);
        buffer = t == 0 ? 1 : reel_schedule_momentum(s, t, 0) * buffer + 1;
        x -= reel_schedule_rate(s, t, 0.1) * buffer;
        reel_array flat = reel_params_flat(params);
        ck_assert_double_eq_tol(reel_array_get(&flat, 0), x, 1e-14);
    }
    ck_assert_double_eq_tol(reel_schedule_rate(s, 2, 0.1), 0.5, 1e-15);
    ck_assert_double_eq_tol(reel_schedule_momentum(s, 2, 0.1), 0.85, 1e-15);
}
END_TEST

START_TEST(plateau_through_optimizer)
{
    reel_params *params = params_of(REEL_FLOAT, 2, (const int64_t[]){1, 1});
    reel_optimizer *o = reel_sgd_new(NULL, params, 1);
    reel_optimizer_group(NULL, o, 1, (const int[]){1}); /* two groups, one schedule: told once */
    reel_schedule *s = reel_schedule_parse(NULL, context, "plateau:0.5:1", 0);
    ck_assert(reel_schedule_watches(s));
    reel_optimizer_set_schedule(NULL, o, s);
    const double rates[] = {1, 1, 0.5, 0.5, 0.25};
    for (int t = 0; t < 5; t++) {
        reel_optimizer_observe(o, 3.0);
        ck_assert_double_eq(reel_optimizer_rate(o), rates[t]);
    }
}
END_TEST

START_TEST(averages)
{
    reel_params *params = one_param(REEL_DOUBLE, 300);
    reel_average *a = reel_average_swa_new(NULL, params);
    ck_assert_int_eq(reel_average_swap(NULL, a), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "nothing was taken in yet");
    ck_assert_int_eq(reel_average_set(NULL, a, "every", 0.5), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "every: found 0.5, expected a whole number 1 or above");
    ck_assert_int_eq(reel_average_set(NULL, a, "decay", 0.5), REEL_NOT_FOUND);
    expect_error(REEL_NOT_FOUND, "no hyper-parameter \"decay\"; there are start, every");
    reel_average_set(NULL, a, "every", 2);
    set_all(reel_params_flat(params), zero);
    for (int step = 1; step <= 4; step++) {
        ck_assert_int_eq(reel_average_step(NULL, a, step), REEL_OK);
        if (step == 2) set_all(reel_params_flat(params), one);
    }
    ck_assert_int_eq(reel_average_count(a), 2);
    ck_assert_int_eq(reel_average_swap(NULL, a), REEL_OK);
    reel_array x = reel_params_flat(params), y = reel_average_flat(a);
    for (int i = 0; i < 300; i++) ck_assert(reel_array_get(&x, i) == 0.5 && reel_array_get(&y, i) == 1);
    ck_assert_int_eq(reel_average_update(NULL, a), REEL_BAD_STATE);
    expect_error(REEL_BAD_STATE, "swap it back");
    ck_assert_int_eq(reel_average_swap(NULL, a), REEL_OK);
    ck_assert(reel_array_get(&x, 299) == 1 && reel_array_get(&y, 299) == 0.5 && !reel_average_swapped(a));
    ck_assert_ptr_null(reel_average_ema_new(NULL, params, 1));
    expect_error(REEL_BAD_ARGUMENT, "decay: found 1, expected from 0 to below 1");
}
END_TEST

/* --------------------------------------------------------------------------------------------------------- schedules */

START_TEST(schedule_text)
{
    const struct {
        const char *spec, *canonical;
        int64_t horizon;
        bool uses_horizon;
    } rows[] = {
        {"constant", "constant", 0, false},
        {"step:30", "step:30", 0, false},
        {"step:gamma=0.5:every=30", "step:30:0.5", 0, false},
        {"multistep:0.5:10:10:50", "multistep:0.5:10:10:50", 0, false},
        {"onecycle:anneal=linear:most=0.5", "onecycle:0.5:anneal=linear", 100, true},
        {"cyclic:0.5:mode=exp_range:gamma=0.9:least=0.1", "cyclic:0.5:2000:mode=exp_range:gamma=0.9:least=0.1", 0,
         false},
        {"multistep:milestone=30:milestone=80", "multistep:0.1:30:80", 0, false},
        {"cosine", "cosine", 100, true},
        {"cosine:1e-4:80", "cosine:0.0001:80", 0, false},
        {"cosine:climb=on:least=1e-4", "cosine:0.0001:climb=1", 100, true},
        {"warmup:20,cosine:1e-4", "warmup:20,cosine:0.0001", 200, true},
        {"warmup:20,cosine@100", "warmup:20,cosine@100", 0, false},
        {"warmup:20@20,cosine:0:80", "warmup:20,cosine:0:80", 0, false},
        {"warmup:5,cosine,constant:0.01@50", "warmup:5,cosine,constant:0.01@50", 200, true},
        {"linear:0.1:1:9*step:30", "linear:0.1:1:9*step:30", 0, false},
        {"(warmup:5,constant)*exponential:0.9", "(warmup:5,constant)*exponential:0.9", 0, false},
        {"constant:0.5:40,exponential:0.9", "constant:0.5:40,exponential:0.9", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reel_schedule *s = reel_schedule_parse(NULL, context, rows[i].spec, rows[i].horizon);
        ck_assert_msg(s != NULL, "%s: %s", rows[i].spec, reel_error_text(context));
        char text[200], again[200];
        ck_assert_uint_eq(reel_schedule_describe(s, text, sizeof text), strlen(rows[i].canonical));
        ck_assert_str_eq(text, rows[i].canonical);
        ck_assert_msg(reel_schedule_uses_horizon(s) == rows[i].uses_horizon, "%s", rows[i].spec);
        reel_schedule *t = reel_schedule_parse(NULL, context, text, rows[i].horizon);
        reel_schedule_describe(t, again, sizeof again);
        ck_assert_str_eq(again, text);
        for (int64_t step = 0; step < 300; step++)
            ck_assert_double_eq(reel_schedule_rate(s, step, 0.3), reel_schedule_rate(t, step, 0.3));
        char small[4];
        ck_assert_uint_eq(reel_schedule_describe(s, small, sizeof small), strlen(text));
        ck_assert_int_eq(strncmp(small, text, 3), 0);
        ck_assert_int_eq(small[3], 0);
        reel_schedule_free(s);
        reel_schedule_free(t);
    }
}
END_TEST

START_TEST(schedule_text_errors)
{
    size_t before = reel_context_memory(context).in_use;
    const struct {
        const char *spec;
        int64_t horizon;
        const char *text;
    } rows[] = {
        {"", 100, "expected the name of a schedule"},
        {"cosin", 100, "no schedule \"cosin\"; there are constant, step"},
        {"warmup:20,,cosine", 100, "found \",cosine\" at character 11"},
        {"cosine:-1", 100, "cosine: least: found -1, expected 0 or above"},
        {"cosine:1e-4x", 100, "cosine: least: found \"1e-4x\""},
        {"cosine:0:10:0:0:1", 100, "found more than 4 values"},
        {"cosine:0:least=1", 100, "least is given twice"},
        {"cosine:speed=1", 100, "no hyper-parameter \"speed\"; there are least, steps"},
        {"cosine", 0, "a part has no length"},
        {"warmup,cosine", 100, "warmup is one of several parts without a length"},
        {"warmup:100,cosine", 100, "nothing is left for cosine: the other parts last 100 steps of 100"},
        {"step", 100, "step needs a value for every"},
        {"step:0.5", 100, "every: found 0.5, expected a whole number"},
        {"step:inf", 100, "every: found inf"},
        {"warmup:20)", 100, "expected a comma"},
        {"(warmup:20", 100, "expected )"},
        {"warmup:20@0", 100, "expected a number of steps"},
        {"warmup:20@x", 100, "expected a number of steps"},
        {"lambda", 100, "no function of a program"},
        {"((((((((((((((((((constant))))))))))))))))))", 100, "fewer parentheses"},
        {"onecycle:rise=0.05", 10, "the rise takes less than one step"},
        {"onecycle:three_phase=1:rise=0.6", 10, "three phases need"},
        {"constant:nan", 100, "factor: found nan"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_ptr_null(reel_schedule_parse(NULL, context, rows[i].spec, rows[i].horizon));
        expect_error(i == 1 || i == 7 ? REEL_NOT_FOUND : REEL_BAD_ARGUMENT, rows[i].text);
        ck_assert_msg(reel_context_memory(context).in_use == before, "\"%s\" leaves memory", rows[i].spec);
    }
    char many[200 * 9 + 1] = "";
    for (int i = 0; i < 200; i++) memcpy(many + 9 * i, "constant,", 10);
    many[200 * 9 - 1] = '\0';
    ck_assert_ptr_null(reel_schedule_parse(NULL, context, many, 100));
    expect_error(REEL_BAD_ARGUMENT, "at most 64 parts");
    ck_assert_uint_eq(reel_context_memory(context).in_use, before);
}
END_TEST

START_TEST(schedule_composition)
{
    reel_schedule *s = reel_schedule_parse(NULL, context, "warmup:10,cosine:0.01,constant:0.1@30", 100);
    for (int t = 0; t < 150; t++) {
        double expected = t < 10   ? 0.5 * (t + 1) / 10
                          : t < 70 ? 0.01 + 0.49 * (1 + cos(acos(-1) * (t - 10) / 60)) / 2
                                   : 0.05;
        ck_assert_double_eq_tol(reel_schedule_rate(s, t, 0.5), expected, 1e-15);
    }
    /* A longer run stretches the cosine; a horizon that is too short leaves everything as it was. */
    ck_assert_int_eq(reel_schedule_set_horizon(NULL, s, 140), REEL_OK);
    ck_assert_double_eq_tol(reel_schedule_rate(s, 60, 0.5), 0.255, 1e-15);
    ck_assert_int_eq(reel_schedule_set_horizon(NULL, s, 40), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "nothing is left for cosine: the other parts last 40 steps of 40");
    ck_assert_double_eq_tol(reel_schedule_rate(s, 60, 0.5), 0.255, 1e-15);
    ck_assert_int_eq(reel_schedule_horizon(s), 140);
    /* Built in C: the same, and a member belongs to its whole. */
    reel_schedule *members[] = {reel_schedule_warmup_new(NULL, context, 10),
                                reel_schedule_cosine_new(NULL, context, 0.01, 0)};
    reel_schedule *c = reel_schedule_sequence_new(NULL, context, 2, members, (const int64_t[]){10});
    ck_assert(c && isnan(reel_schedule_rate(c, 5, 0.5)));
    ck_assert_int_eq(reel_schedule_set_horizon(NULL, c, 70), REEL_OK);
    ck_assert_double_eq_tol(reel_schedule_rate(c, 40, 0.5), 0.255, 1e-15);
    reel_schedule_free(members[1]);
    ck_assert_double_eq_tol(reel_schedule_rate(c, 40, 0.5), 0.255, 1e-15);
    ck_assert_ptr_null(reel_schedule_chained_new(NULL, context, 1, &members[1]));
    expect_error(REEL_BAD_ARGUMENT, "a member already");
    reel_schedule *twice[] = {reel_schedule_constant_new(NULL, context, 1), NULL};
    twice[1] = twice[0];
    ck_assert_ptr_null(reel_schedule_sequence_new(NULL, context, 2, twice, (const int64_t[]){3}));
    expect_error(REEL_BAD_ARGUMENT, "listed twice");
    reel_schedule *back[] = {reel_schedule_constant_new(NULL, context, 1), reel_schedule_constant_new(NULL, context, 1),
                             reel_schedule_constant_new(NULL, context, 1)};
    ck_assert_ptr_null(reel_schedule_sequence_new(NULL, context, 3, back, (const int64_t[]){5, 5}));
    expect_error(REEL_BAD_ARGUMENT, "found step 5 after 5");
}
END_TEST

START_TEST(schedule_drives_optimizer)
{
    reel_params *params = params_of(REEL_DOUBLE, 2, (const int64_t[]){1, 1});
    reel_optimizer *o = reel_sgd_new(NULL, params, 1);
    ck_assert_int_eq(reel_optimizer_group(NULL, o, 1, (const int[]){1}), 1);
    reel_optimizer_group_set(NULL, o, 1, "lr", 0.5);
    reel_schedule *s = reel_schedule_step_new(NULL, context, 2, 0.5);
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, o, s), REEL_OK);
    reel_array x = reel_params_flat(params);
    const double rates[] = {1, 1, 0.5, 0.5, 0.25};
    double sum = 0;
    for (int t = 0; t < 5; t++) {
        ck_assert_double_eq(reel_optimizer_rate(o), rates[t]);
        ck_assert_double_eq(reel_optimizer_group_rate(o, 1), rates[t] / 2);
        set_gradient(params, one);
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
        sum += rates[t];
        ck_assert_double_eq(reel_array_get(&x, 0), -sum);
        ck_assert_double_eq(reel_array_get(&x, 1), -sum / 2);
    }
    reel_optimizer_set_origin(o, 5);
    ck_assert_double_eq(reel_optimizer_rate(o), 1);
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, o, reel_schedule_cosine_new(NULL, context, 0, 0)), REEL_OK);
    set_gradient(params, one);
    ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_NOT_FINITE);
    expect_error(REEL_NOT_FINITE, "the schedule gives the rate nan");
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
    tcase_add_test(tests, clip_does_not_overflow);
    tcase_add_test(tests, clip_policies);
    tcase_add_test(tests, schedule_text);
    tcase_add_test(tests, schedule_text_errors);
    tcase_add_test(tests, schedule_composition);
    tcase_add_test(tests, schedule_drives_optimizer);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, store_may_go_first);
    tcase_add_test(tests, ratio_of_norms);
    tcase_add_test(tests, gradient_noise_is_reproducible);
    tcase_add_test(tests, cycled_momentum);
    tcase_add_test(tests, plateau_through_optimizer);
    tcase_add_test(tests, averages);
    return run_case(tests, "optim");
}
