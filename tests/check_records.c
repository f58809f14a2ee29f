/* SPDX-License-Identifier: MIT
 *
 * What a run records for comparisons: a hash of every tensor of every step, the gradient of the last one; and the gradient
 * where a trainer stands.
 */
#include "moons_run.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

enum { STEPS = 40, FLIP_STEP = 27, NO_FLIP = 0 };

static int64_t flip_at;

/* Descent that in one step changes the lowest bit of one parameter, the only one of a single number. */
static reel_status flipping_update(const reel_update *u)
{
    float *x = u->parameter;
    const float *g = u->gradient;
    uint32_t bits;
    for (int64_t i = 0; i < u->n; i++) x[i] -= (float)u->hyper[0] * g[i];
    if (u->n != 1 || u->t != flip_at) return REEL_OK;
    memcpy(&bits, x, sizeof bits);
    bits ^= 1;
    memcpy(x, &bits, sizeof bits);
    return REEL_OK;
}

static const reel_hyper flip_hypers[] = {{.name = "lr", .text = "learning rate", .value = 0.5, .most = 1}};
static const reel_optimizer_type flipping = {.size = sizeof flipping,
                                             .name = "flipping",
                                             .formula = "x -= lr g",
                                             .source = "definition",
                                             .hypers = flip_hypers,
                                             .hyper_count = 1,
                                             .per_parameter = true,
                                             .update = flipping_update};

/* A run of descent in a folder, not yet begun. */
static moons_run descent(const char *folder, int64_t flip, int hashes)
{
    run_setup s = {.epochs = STEPS / 4, .batch = 25, .dropout = 0.2, .every = 8};
    moons_run r = run_new(reel_context_new(NULL), &s);
    reel_optimizer_free(r.optimizer);
    reel_optimizer_register(NULL, r.context, &flipping);
    r.optimizer = reel_optimizer_new(NULL, r.params, &flipping);
    r.trainer = reel_trainer_new(NULL, r.net, r.data, reel_bce_with_logits, r.optimizer);
    reel_trainer_set(NULL, r.trainer, "epochs", s.epochs);
    reel_trainer_set(NULL, r.trainer, "batch", s.batch);
    reel_trainer_set(NULL, r.trainer, "seed", 5);
    reel_trainer_set(NULL, r.trainer, "checkpoint_every", s.every);
    reel_trainer_set(NULL, r.trainer, "hashes", hashes);
    reel_trainer_set_folder(NULL, r.trainer, folder, REEL_AUTO);
    flip_at = flip;
    return r;
}

static void run(const char *folder, int64_t flip, int hashes)
{
    moons_run r = descent(folder, flip, hashes);
    ck_assert_msg(reel_trainer_run(NULL, r.trainer) == REEL_OK, "%s", reel_error_text(r.context));
    reel_context_free(r.context);
}

/* Line `number` of the hashes, counted from 0; NULL past the end. */
static cJSON *line_of(const char *folder, int number)
{
    size_t size;
    char *text = slurp(folder, "hashes.jsonl", &size), *at = text;
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < number && *at; i++) at += strcspn(at, "\n") + 1;
    cJSON *line = *at ? cJSON_ParseWithLength(at, strcspn(at, "\n")) : NULL;
    ck_assert(line || !*at);
    free(text);
    return line;
}

static const char *hash_in(const cJSON *line, const char *kind, int index)
{
    const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetObjectItem(line, kind), index));
    ck_assert_msg(text && strlen(text) == 16, "%s %d", kind, index);
    return text;
}

START_TEST(test_one_bit_is_found)
{
    static const char *const names[] = {"first.weight", "first.bias", "last.weight", "last.bias"};
    char a[64], b[64];
    folder_fresh(a);
    folder_fresh(b);
    run(a, NO_FLIP, 1);
    run(b, FLIP_STEP, 1);
    cJSON *first = line_of(a, 0);
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetObjectItem(first, "parameters"), i)),
                         names[i]);
    cJSON_Delete(first);
    for (int step = 1; step <= FLIP_STEP; step++) {
        cJSON *x = line_of(a, step), *y = line_of(b, step);
        ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(x, "step")), step);
        for (int i = 0; i < 4; i++) {
            bool flipped = step == FLIP_STEP && i == 3;
            ck_assert_str_eq(hash_in(x, "gradients", i), hash_in(y, "gradients", i));
            ck_assert_int_eq(strcmp(hash_in(x, "parameters", i), hash_in(y, "parameters", i)) != 0, flipped);
        }
        cJSON_Delete(x);
        cJSON_Delete(y);
    }
    cJSON *end = line_of(a, STEPS + 1);
    ck_assert_ptr_null(end);
    folder_remove(a);
    folder_remove(b);
}
END_TEST

/* Every k steps; and a run that begins them late names its tensors all the same. */
START_TEST(test_every_some_steps)
{
    char folder[64];
    folder_fresh(folder);
    moons_run r = descent(folder, NO_FLIP, 0);
    reel_trainer_set(NULL, r.trainer, "epochs", 2);
    ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
    reel_context_free(r.context);
    run(folder, NO_FLIP, 5);
    for (int i = 0; i <= (STEPS - 8) / 5 + 1; i++) {
        cJSON *line = line_of(folder, i);
        if (i == 0)
            ck_assert(cJSON_IsArray(cJSON_GetObjectItem(line, "buffers")));
        else
            ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(line, "step")), 5 * (i + 1));
        cJSON_Delete(line);
    }
    folder_remove(folder);
}
END_TEST

/* ---- the gradient ---- */

static double number_at(reel_context *own, const char *folder, int64_t step, const char *where, int64_t i)
{
    char path[128];
    snprintf(path, sizeof path, "%s/step-%09" PRId64 ".json", folder, step);
    reel_checkpoint *c = reel_checkpoint_open(NULL, own, path);
    reel_array *values = reel_checkpoint_array(NULL, c, where);
    ck_assert_msg(values != NULL, "%s: %s", where, reel_error_text(own));
    double x = reel_array_get(values, i);
    reel_array_free(values);
    reel_checkpoint_free(c);
    return x;
}

/* The step that descent made is its rate times the gradient in the checkpoint after it. */
START_TEST(test_last_gradient)
{
    static const char *const names[] = {"first.weight", "first.bias", "last.weight", "last.bias"};
    char folder[64], value[64], gradient[64];
    folder_fresh(folder);
    moons_run r = descent(folder, NO_FLIP, 0);
    reel_trainer_set(NULL, r.trainer, "save_gradient", 1);
    reel_trainer_set(NULL, r.trainer, "checkpoint_every", 1);
    reel_trainer_set(NULL, r.trainer, "keep", 0);
    ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
    reel_context_free(r.context);
    for (int64_t step = 1; step <= STEPS; step += 3)
        for (int k = 0; k < 4; k++) {
            snprintf(value, sizeof value, "state/parameters/values/%s", names[k]);
            snprintf(gradient, sizeof gradient, "state/last_gradient/%s", names[k]);
            float before = (float)number_at(context, folder, step - 1, value, 0),
                  after = (float)number_at(context, folder, step, value, 0),
                  g = (float)number_at(context, folder, step, gradient, 0);
            ck_assert_msg(after == before - 0.5f * g, "step %" PRId64 ", %s: %g - 0.5 %g is not %g", step, names[k],
                          (double)before, (double)g, (double)after);
        }
    char path[128];
    snprintf(path, sizeof path, "%s/step-000000000.json", folder);
    reel_checkpoint *start = reel_checkpoint_open(NULL, context, path);
    ck_assert_ptr_nonnull(start);
    ck_assert_ptr_null(reel_checkpoint_member(start, "state/last_gradient", 0)); /* there was no step */
    folder_remove(folder);
}
END_TEST

/* A program without the setting reads such a file, and one with it reads a file without a gradient. */
START_TEST(test_gradient_is_optional)
{
    char folder[64];
    for (int first = 0; first < 2; first++) {
        folder_fresh(folder);
        for (int part = 0; part < 2; part++) {
            moons_run r = descent(folder, NO_FLIP, 0);
            reel_trainer_set(NULL, r.trainer, "epochs", part ? 10 : 5);
            reel_trainer_set(NULL, r.trainer, "save_gradient", part ? !first : first);
            ck_assert_msg(reel_trainer_run(NULL, r.trainer) == REEL_OK, "%s", reel_error_text(r.context));
            reel_context_free(r.context);
        }
        folder_remove(folder);
    }
}
END_TEST

START_TEST(test_gradient_where_it_stands)
{
    run_setup s = {.optimizer = "sgd", .epochs = 6};
    moons_run r = run_new(context, &s);
    char hash[2][33];
    ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
    reel_state_hash(NULL, reel_trainer_state(r.trainer), hash[0]);
    int64_t size = reel_params_size(r.params);
    double values[64], loss, losses[2];
    ck_assert_int_le(size, 64);
    reel_array all = reel_array_view(REEL_DOUBLE, values, 1, &size);
    ck_assert_int_eq(reel_trainer_gradient(NULL, r.trainer, REEL_ROWS_ALL, &all, &loss), REEL_OK);
    ck_assert_double_eq_tol(loss, reel_trainer_evaluate(NULL, r.trainer, r.data), 1e-6);
    reel_array flat = reel_params_flat(r.params);
    for (int64_t i = 0; i < size; i += 5) { /* against differences of the loss, in float */
        float *x = (float *)flat.data + i, kept = *x, step = 0.02f;
        for (int side = 0; side < 2; side++) {
            *x = side ? kept - step : kept + step;
            reel_params_touch(r.params);
            ck_assert_int_eq(reel_trainer_gradient(NULL, r.trainer, REEL_ROWS_ALL, NULL, &losses[side]), REEL_OK);
        }
        *x = kept;
        ck_assert_double_eq_tol((losses[0] - losses[1]) / (2 * (double)step), values[i], 2e-3);
    }
    reel_params_touch(r.params);
    reel_state_hash(NULL, reel_trainer_state(r.trainer), hash[1]);
    ck_assert_str_eq(hash[0], hash[1]);
    size--;
    all = reel_array_view(REEL_DOUBLE, values, 1, &size);
    ck_assert_int_eq(reel_trainer_gradient(NULL, r.trainer, REEL_ROWS_ALL, &all, NULL), REEL_BAD_SHAPE);
    expect_error(REEL_BAD_SHAPE, "elements of type float64, expected");
}
END_TEST

/* A recipe is in the file, and no part of the state. */
START_TEST(test_recipe)
{
    char folder[64], text[64], path[128], hash[2][33];
    folder_fresh(folder);
    for (int k = 0; k < 2; k++) {
        moons_run r = descent(folder, NO_FLIP, 0);
        if (k == 0) ck_assert_int_eq(reel_trainer_set_recipe(NULL, r.trainer, "cake --eggs 'two, or 3'"), REEL_OK);
        if (k == 1) reel_trainer_set_recipe(NULL, r.trainer, NULL);
        ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK); /* the second finds the end of the first */
        reel_state_hash(NULL, reel_trainer_state(r.trainer), hash[k]);
        reel_context_free(r.context);
    }
    ck_assert_str_eq(hash[0], hash[1]);
    snprintf(path, sizeof path, "%s/step-%09d.json", folder, STEPS);
    reel_checkpoint *c = reel_checkpoint_open(NULL, context, path);
    ck_assert(reel_checkpoint_text(c, "state/trainer/recipe", text, sizeof text));
    ck_assert_str_eq(text, "cake --eggs 'two, or 3'");
    folder_remove(folder);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("records");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_one_bit_is_found);
    tcase_add_test(tests, test_every_some_steps);
    tcase_add_test(tests, test_last_gradient);
    tcase_add_test(tests, test_gradient_is_optional);
    tcase_add_test(tests, test_gradient_where_it_stands);
    tcase_add_test(tests, test_recipe);
    return run_case(tests, "records");
}
