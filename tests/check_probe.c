/* SPDX-License-Identifier: MIT
 *
 * What looks at a trainer from outside leaves no trace: state, gradients, buffers, streams, tape, memory.
 */
#include "failing.h"
#include "moons_run.h"
#include "core/random.h"
#include "train/probe.h"

static void look(reel_trainer *trainer, bool all)
{
    reel_curvature c;
    reel_fidelity f;
    ck_assert_msg(reel_step_fidelity(NULL, trainer, NULL, &f) == REEL_OK, "%s", reel_error_text(context));
    const reel_sharpness_options few = {.rows = all ? REEL_ROWS_ALL : 7, .iterations = 5, .training = !all};
    ck_assert_msg(reel_sharpness(NULL, trainer, &few, &c) == REEL_OK, "%s", reel_error_text(context));
}

/* ---- no trace ---- */

static void look_along(const reel_event *event, void *user)
{
    if (event->kind == REEL_EVENT_STEP && event->step % 3 == 0) look(user, event->step % 2);
    if (event->kind == REEL_EVENT_BEGIN) look(user, true);
}

START_TEST(test_no_trace)
{
    static const char *const samplers[] = {NULL, "numpy", "torch"};
    for (int o = 0; reel_optimizer_at(o); o++) {
        char hashes[2][33];
        for (int looks = 0; looks < 2; looks++) {
            run_setup s = {.optimizer = reel_optimizer_at(o)->name,
                           .schedule = "warmup:4,cosine:1e-3",
                           .sampler = samplers[o % 3],
                           .dtype = o % 2 ? REEL_DOUBLE : REEL_FLOAT,
                           .batch = 32,
                           .dropout = 0.3,
                           .clip_norm = 0.5,
                           .epochs = 4};
            char folder[64], before[33], after[33];
            folder_fresh(folder);
            moons_run r = run_new(context, &s);
            reel_optimizer_set(NULL, r.optimizer, "noise", 0.01);
            reel_trainer_set_folder(NULL, r.trainer, folder, REEL_START);
            reel_trainer_set(NULL, r.trainer, "checkpoint_every", 2);
            if (looks) {
                look(r.trainer, true); /* before anything is prepared */
                reel_trainer_set_observer(r.trainer, look_along, r.trainer);
            }
            ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
            trainer_hash(r.trainer, before);
            if (looks) look(r.trainer, false);
            trainer_hash(r.trainer, after);
            ck_assert_str_eq(before, after);
            memcpy(hashes[looks], after, sizeof after);
            reel_trainer_free(r.trainer);
            folder_remove(folder);
        }
        ck_assert_msg(strcmp(hashes[0], hashes[1]) == 0, "%s: looking changed the run", reel_optimizer_at(o)->name);
    }
}
END_TEST

START_TEST(test_range_test_draws)
{
    for (int dropout = 0; dropout < 2; dropout++) {
        run_setup s = {.optimizer = "sgd", .dtype = REEL_FLOAT, .dropout = dropout ? 0.2 : 0, .epochs = 1};
        moons_run r = run_new(context, &s);
        char before[33], after[33];
        trainer_hash(r.trainer, before); /* before the first step: no moments, no streams yet */
        reel_lr_test *t = reel_lr_find(NULL, r.trainer, &(reel_lr_options){.steps = 60});
        ck_assert_msg(t != NULL, "%s", reel_error_text(context));
        ck_assert_int_eq(t->same, !dropout);
        look(r.trainer, true);
        trainer_hash(r.trainer, after);
        ck_assert_str_eq(before, after);
        ck_assert(!reel_params_has_gradient(r.params));
        ck_assert_int_eq(reel_trainer_set_sampler(NULL, r.trainer, reel_rng_numpy_new(NULL, context, 3)), REEL_OK);
    }
}
END_TEST

/* Gradients, tape and buffers are no part of the hash. */
typedef struct normed {
    reel_params *params;
    int weight, bias, mean, variance;
    reel_dataset *data;
    reel_rng *noise;    /* a stream of the program's own */
    reel_params *other; /* a second store, which has no optimizer */
} normed;

static reel_value normed_loss(const reel_batch *batch, void *user)
{
    normed *n = user;
    reel_array mean = reel_params_buffer(n->params, n->mean), variance = reel_params_buffer(n->params, n->variance);
    reel_value w = reel_param(NULL, batch->tape, n->params, n->weight),
               b = reel_param(NULL, batch->tape, n->params, n->bias);
    double seen_before = at(mean, 0);
    reel_value y = reel_batch_norm(NULL, batch->x, w, b, &mean, &variance, 0.1, 1e-5);
    y = reel_mul_scalar(NULL, y, 1 + 0.1 * reel_rng_uniform_one(n->noise) + seen_before);
    return reel_mse(NULL, y, reel_mul(NULL, batch->x, reel_param(NULL, batch->tape, n->other, 0)));
}

START_TEST(test_no_trace_outside_the_hash)
{
    normed n = {.params = reel_params_new(NULL, context, REEL_FLOAT)};
    n.weight = reel_params_add(NULL, n.params, "w", 1, &(int64_t){2});
    n.bias = reel_params_add(NULL, n.params, "b", 1, &(int64_t){2});
    n.mean = reel_params_add_buffer(NULL, n.params, "mean", 1, &(int64_t){2});
    n.variance = reel_params_add_buffer(NULL, n.params, "variance", 1, &(int64_t){2});
    n.data = reel_moons_new(NULL, context, 40, 0.15, reel_rng_numpy_new(NULL, context, 42));
    n.noise = reel_rng_torch_new(NULL, context, 1);
    n.other = reel_params_new(NULL, context, REEL_FLOAT);
    reel_params_add(NULL, n.other, "scale", 1, &(int64_t){2});
    double halves[2] = {0.5, 0.5};
    reel_array half = reel_array_view(REEL_DOUBLE, halves, 1, &(int64_t){2});
    reel_params_write(NULL, n.other, &half);
    reel_optimizer *adam = reel_adam_new(NULL, n.params, 0.1);
    reel_trainer *trainer = reel_trainer_custom_new(NULL, adam, NULL, n.data, normed_loss, &n);
    reel_trainer_set(NULL, trainer, "batch", 16);
    reel_trainer_set(NULL, trainer, "epochs", 2);
    ck_assert_int_eq(reel_trainer_run(NULL, trainer), REEL_OK);
    reel_tape *tape = reel_trainer_tape(trainer);
    reel_tape_rewind(tape);
    reel_value w = reel_param(NULL, tape, n.params, n.weight), loss = reel_sum(NULL, reel_square(NULL, w));
    ck_assert_int_eq(reel_backward(NULL, loss), REEL_OK);
    reel_array flat = reel_params_flat(n.params), gradient = reel_params_flat_gradient(n.params);
    reel_array buffer = reel_params_buffer(n.params, n.mean);
    float values[4], slopes[4], means[2];
    memcpy(values, flat.data, sizeof values);
    memcpy(slopes, gradient.data, sizeof slopes);
    memcpy(means, buffer.data, sizeof means);
    reel_rng stream = *n.noise;
    reel_array others = reel_params_flat_gradient(n.other);
    float other[2];
    memcpy(other, others.data, sizeof other);
    probe p;
    ck_assert(probe_begin(&p, NULL, "test", trainer, &(probe_options){.rows = REEL_ROWS_ALL, .training = true}));
    double first = probe_loss(&p, NULL, NULL);
    ck_assert_double_eq(probe_loss(&p, NULL, NULL), first); /* streams and buffers start from the same state */
    p.steady = false;
    ck_assert_double_ne(probe_loss(&p, NULL, NULL), first);
    probe_end(&p);
    ck_assert(reel_params_has_gradient(n.params));
    look(trainer, true);
    look(trainer, false);
    ck_assert(reel_params_has_gradient(n.params));
    ck_assert_mem_eq(flat.data, values, sizeof values);
    ck_assert_mem_eq(gradient.data, slopes, sizeof slopes);
    ck_assert_mem_eq(buffer.data, means, sizeof means);
    ck_assert(reel_params_has_gradient(n.other));
    ck_assert_mem_eq(others.data, other, sizeof other);
    ck_assert_mem_eq(&n.noise->mt, &stream.mt, sizeof stream.mt);
    /* The value on the trainer's tape is still good, for another walk back that adds, too. */
    ck_assert_int_eq(reel_backward(NULL, loss), REEL_OK);
    gradient = reel_params_flat_gradient(n.params);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(at(gradient, i), 2 * (double)slopes[i]);
}
END_TEST

/* The rows of REEL_ROWS_BATCH are those of the step that follows. */
typedef struct seen {
    int64_t rows[64], count;
    normed *user;
} seen;

static reel_value seeing_loss(const reel_batch *batch, void *user)
{
    seen *s = user;
    s->count = batch->size;
    if (batch->indices) memcpy(s->rows, batch->indices, (size_t)batch->size * sizeof *s->rows);
    return reel_sum(NULL, reel_square(NULL, reel_param(NULL, batch->tape, s->user->params, 0)));
}

static void stop_each(const reel_event *event, void *trainer)
{
    if (event->kind == REEL_EVENT_STEP) reel_trainer_request_stop(trainer);
}

START_TEST(test_rows_of_the_next_step)
{
    for (int i = 0; i < 3; i++) {
        normed n = {.params = reel_params_new(NULL, context, REEL_DOUBLE)};
        seen s = {.user = &n}, next;
        reel_params_add(NULL, n.params, "w", 1, &(int64_t){2});
        n.data = reel_moons_new(NULL, context, 40, 0.15, reel_rng_numpy_new(NULL, context, 42));
        reel_trainer *trainer =
            reel_trainer_custom_new(NULL, reel_sgd_new(NULL, n.params, 0.1), NULL, n.data, seeing_loss, &s);
        if (i > 0)
            reel_trainer_set_sampler(
                NULL, trainer, i == 1 ? reel_rng_numpy_new(NULL, context, 3) : reel_rng_torch_new(NULL, context, 3));
        reel_trainer_set(NULL, trainer, "batch", 16);
        reel_trainer_set(NULL, trainer, "epochs", 3);
        reel_trainer_set_observer(trainer, stop_each, trainer);
        for (int step = 0; step < 8; step++) { /* three an epoch, the last of 8 rows */
            probe p;
            ck_assert(probe_begin(&p, NULL, "test", trainer, &(probe_options){.rows = REEL_ROWS_BATCH}));
            probe_loss(&p, NULL, NULL);
            probe_end(&p);
            next = s;
            memset(s.rows, 0, sizeof s.rows);
            ck_assert_int_eq(reel_trainer_run(NULL, trainer), REEL_STOPPED);
            ck_assert_int_eq(s.count, step % 3 == 2 ? 8 : 16);
            ck_assert_int_eq(next.count, s.count);
            ck_assert_msg(memcmp(next.rows, s.rows, (size_t)s.count * sizeof *s.rows) == 0, "sampler %d, step %d", i,
                          step);
        }
    }
}
END_TEST

/* ---- memory ---- */

START_TEST(test_memory)
{
    for (int64_t n = 0, fine = 0; !fine; n++) {
        failing l = {.left = FAIL_NEVER};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &l});
        run_setup s = {.dtype = REEL_FLOAT, .batch = 32, .epochs = 1};
        moons_run r = run_new(own, &s);
        ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
        char before[33], after[33];
        trainer_hash(r.trainer, before);
        reel_curvature c;
        reel_fidelity f;
        l.left = (uint64_t)n;
        reel_step_fidelity(NULL, r.trainer, NULL, &f);
        reel_sharpness(NULL, r.trainer, &(reel_sharpness_options){.rows = 50, .iterations = 3}, &c);
        reel_lr_find(NULL, r.trainer, &(reel_lr_options){.steps = 10, .without_sharpness = true});
        fine = !reel_failed(own);
        if (!fine) ck_assert_int_eq(reel_error_status(own), REEL_NO_MEMORY);
        l.left = FAIL_NEVER;
        reel_error_clear(own);
        trainer_hash(r.trainer, after);
        ck_assert_str_eq(before, after);
        reel_context_free(own);
        ck_assert_uint_eq(l.in_use, 0);
        ck_assert_int_lt(n, 5000);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("probe");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_no_trace);
    tcase_add_test(tests, test_range_test_draws);
    tcase_add_test(tests, test_no_trace_outside_the_hash);
    tcase_add_test(tests, test_rows_of_the_next_step);
    tcase_add_test(tests, test_memory);
    return run_case(tests, "probe");
}
