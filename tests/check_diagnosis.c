/* SPDX-License-Identifier: MIT
 *
 * Generated runs with a known cause: the first finding is that cause; healthy ones have none. No trace is left, and every
 * allocation may fail.
 */
#include "failing.h"
#include "moons_run.h"
#include "diagnosis/made_run.h"

#define SEEDS 3 /* a cause */

static bool has_figure(const char *text)
{
    return strpbrk(text, "0123456789") != NULL;
}

/* Every sentence has its figures, and the findings are in their order. */
static void check_sentences(const reel_diagnosis *found)
{
    ck_assert_int_ge(found->count, 1);
    for (int i = 0; i < found->count; i++) {
        const reel_finding *f = &found->findings[i];
        ck_assert_msg(has_figure(f->text), "%s", f->text);
        ck_assert_msg(has_figure(f->remedy), "%s", f->remedy);
        ck_assert_uint_lt(strlen(f->text), sizeof f->text - 1); /* nothing was cut off */
        ck_assert_uint_lt(strlen(f->remedy), sizeof f->remedy - 1);
        if (i > 0) ck_assert_double_le(f->weight, found->findings[i - 1].weight);
    }
}

START_TEST(test_first_finding)
{
    reel_cause cause = (reel_cause)_i;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        made_plan plan;
        made_run run;
        reel_diagnosis found;
        char before[33], after[33];
        ck_assert(made_draw(&plan, cause, seed));
        reel_context *own = reel_context_new(NULL);
        made_begin(&run, own, &plan);
        trainer_hash(run.trainer, before);
        ck_assert_msg(reel_diagnose(NULL, run.trainer, &found) == REEL_OK, "%s", reel_error_text(own));
        trainer_hash(run.trainer, after);
        ck_assert_str_eq(before, after);
        check_sentences(&found);
        ck_assert_msg(found.findings[0].cause == cause, "%s, seed %d: %s: %s", reel_cause_name(cause), (int)seed,
                      reel_cause_name(found.findings[0].cause), found.findings[0].text);
        reel_context_free(own);
    }
}
END_TEST

/* The state goes on as if nobody had looked. */
static void look(const reel_event *event, void *trainer)
{
    reel_diagnosis found;
    if (event->kind == REEL_EVENT_STEP && event->step % 3 == 1)
        ck_assert_msg(reel_diagnose(NULL, trainer, &found) == REEL_OK, "%s", reel_error_text(context));
}

START_TEST(test_no_trace)
{
    static const char *const samplers[] = {NULL, "numpy", "torch"};
    for (int i = 0; i < 3; i++) {
        char hashes[2][33];
        for (int looks = 0; looks < 2; looks++) {
            const run_setup s = {.optimizer = i ? "adam" : "sgd",
                                 .schedule = "warmup:2,cosine:1e-3",
                                 .sampler = samplers[i],
                                 .dtype = i % 2 ? REEL_DOUBLE : REEL_FLOAT,
                                 .batch = 32,
                                 .dropout = 0.3,
                                 .clip_norm = 0.5,
                                 .epochs = 2};
            moons_run r = run_new(context, &s);
            reel_trainer_set_validation(NULL, r.trainer, r.data);
            if (looks) reel_trainer_set_observer(r.trainer, look, r.trainer);
            ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
            trainer_hash(r.trainer, hashes[looks]);
        }
        ck_assert_str_eq(hashes[0], hashes[1]);
    }
}
END_TEST

/* What the sentences name: row, column, operation, parameter. */
START_TEST(test_names)
{
    const run_setup s = {.optimizer = "sgd", .dtype = REEL_FLOAT, .epochs = 1};
    moons_run r = run_new(context, &s);
    reel_diagnosis found;
    float *x = r.data->x->data, kept = x[2 * 17 + 1];
    x[2 * 17 + 1] = NAN;
    ck_assert_int_eq(reel_diagnose(NULL, r.trainer, &found), REEL_OK);
    ck_assert_int_eq(found.findings[0].cause, REEL_CAUSE_INPUT);
    ck_assert_ptr_nonnull(strstr(found.findings[0].text, "row 17, column 1"));
    x[2 * 17 + 1] = kept;
    reel_array weight = reel_params_value(r.params, reel_params_find(r.params, "last.weight"));
    float held = ((float *)weight.data)[3];
    ((float *)weight.data)[3] = INFINITY;
    reel_params_touch(r.params);
    ck_assert_int_eq(reel_diagnose(NULL, r.trainer, &found), REEL_OK);
    ck_assert_int_eq(found.findings[0].cause, REEL_CAUSE_NOT_FINITE);
    ck_assert_msg(strstr(found.findings[0].text, "last.weight"), "%s", found.findings[0].text);
    ((float *)weight.data)[3] = held;
    reel_params_touch(r.params);
    for (int i = 0; i < 40; i++) { /* every row of one class again with the other label */
        x[2 * (50 + i)] = x[2 * i];
        x[2 * (50 + i) + 1] = x[2 * i + 1];
    }
    ck_assert_int_eq(reel_diagnose(NULL, r.trainer, &found), REEL_OK);
    ck_assert_int_eq(found.findings[0].cause, REEL_CAUSE_INPUT);
    ck_assert_msg(strstr(found.findings[0].text, "40 of 100 rows"), "%s", found.findings[0].text);
    ck_assert_double_eq(found.findings[0].measured, 0.4);
}
END_TEST

/* A program without data and model. */
static reel_value circle_loss(const reel_batch *batch, void *user)
{
    return reel_sum(NULL, reel_square(NULL, reel_param(NULL, batch->tape, user, 0)));
}

START_TEST(test_circle)
{
    static const struct {
        double rate;
        reel_cause cause;
    } rows[] = {{0.1, REEL_CAUSE_NOTHING}, {1.2, REEL_CAUSE_RATE_HIGH}, {1e-6, REEL_CAUSE_RATE_LOW}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
        reel_params_add(NULL, params, "xy", 1, &(int64_t){2});
        reel_array values = reel_array_view(REEL_DOUBLE, (double[]){5, -3}, 1, &(int64_t){2});
        reel_params_write(NULL, params, &values);
        reel_optimizer *sgd = reel_sgd_new(NULL, params, rows[i].rate);
        reel_trainer *trainer = reel_trainer_custom_new(NULL, sgd, NULL, NULL, circle_loss, params);
        reel_diagnosis found;
        ck_assert_int_eq(reel_diagnose(NULL, trainer, &found), REEL_OK);
        ck_assert_msg(found.findings[0].cause == rows[i].cause, "rate %g: %s", rows[i].rate, found.findings[0].text);
        ck_assert_double_eq_tol(found.curvature.limit, 1, 1e-6);
        ck_assert_double_eq_tol(found.fidelity, 1, 1e-6);
        check_sentences(&found);
    }
    reel_diagnosis found;
    ck_assert_int_eq(reel_diagnose(NULL, NULL, &found), REEL_BAD_ARGUMENT);
    ck_assert_str_eq(reel_cause_name(REEL_CAUSE_PLATEAU), "plateau");
    ck_assert_ptr_null(reel_cause_name((reel_cause)REEL_CAUSE_COUNT));
    ck_assert_ptr_null(reel_cause_name((reel_cause)-1));
}
END_TEST

/* ---- memory ---- */

START_TEST(test_memory)
{
    int64_t stride = 1;
    for (int64_t n = 0, fine = 0; !fine; n += stride) {
        failing l = {.left = FAIL_NEVER};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &l});
        const run_setup s = {.dtype = REEL_FLOAT, .batch = 32, .epochs = 1};
        moons_run r = run_new(own, &s);
        reel_diagnosis found;
        char before[33], after[33];
        trainer_hash(r.trainer, before);
        l.left = (uint64_t)n;
        fine = reel_diagnose(NULL, r.trainer, &found) == REEL_OK;
        if (!fine) ck_assert_int_eq(reel_error_status(own), REEL_NO_MEMORY);
        l.left = FAIL_NEVER;
        reel_error_clear(own);
        trainer_hash(r.trainer, after);
        ck_assert_str_eq(before, after);
        reel_context_free(own);
        ck_assert_uint_eq(l.in_use, 0);
        ck_assert_int_lt(n, 20000);
        stride = 1 + n / 50; /* later ones are much alike */
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("diagnosis");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_first_finding, 0, REEL_CAUSE_COUNT);
    tcase_add_test(tests, test_no_trace);
    tcase_add_test(tests, test_names);
    tcase_add_test(tests, test_circle);
    tcase_add_test(tests, test_memory);
    return run_case(tests, "diagnosis");
}
