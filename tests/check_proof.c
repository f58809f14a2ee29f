/* SPDX-License-Identifier: MIT
 *
 * The proof that a checkpoint is complete, and what it finds when one is not.
 */
#include "noted_run.h"

static const double *own_noise; /* what a program keeps to itself */
static double hidden;

static reel_value loss_with_memory(const reel_batch *batch, void *user)
{
    const moons_run *r = user;
    reel_value loss = reel_bce_with_logits(NULL, reel_forward(NULL, r->net, batch->x), batch->y);
    hidden += own_noise ? *own_noise : 0;
    return reel_mul_scalar(NULL, loss, 1 + hidden);
}

START_TEST(test_proof)
{
    for (int background = 0; background < 2; background++) {
        char folder[64];
        folder_fresh(folder);
        run_setup s = {.epochs = 4, .batch = 32, .dropout = 0.3, .schedule = "cosine", .every = 1, .sampler = "torch"};
        moons_run r = run_in(folder, REEL_START, &s);
        reel_trainer_set(NULL, r.trainer, "background", background);
        reel_trainer_set(NULL, r.trainer, "prove", 5);
        reel_average *average = reel_average_ema_new(NULL, r.params, 0.9);
        ck_assert_int_eq(reel_trainer_set_average(NULL, r.trainer, average), REEL_OK);
        expect_run(&r, REEL_OK);
        expect_note("proved: 5 steps after step 16 are bit for bit those of the run\n");
        ck_assert_int_eq(reel_average_count(average), 16);
        /* The run itself stands where it stood. */
        ck_assert_int_eq(reel_trainer_step(r.trainer), 16);
        char hash[33], again[33];
        reel_state_hash(NULL, reel_trainer_state(r.trainer), hash);
        reel_proof proof;
        ck_assert_int_eq(reel_trainer_prove(NULL, r.trainer, 9, &proof), REEL_OK);
        ck_assert(proof.same);
        ck_assert_int_eq(proof.from, 16);
        reel_state_hash(NULL, reel_trainer_state(r.trainer), again);
        ck_assert_str_eq(hash, again);

        /* A parameter that is not what the file says. */
        reel_array w = reel_params_value(r.params, 2);
        ((float *)w.data)[0] += 1;
        ck_assert_int_eq(reel_trainer_prove(NULL, r.trainer, 2, &proof), REEL_MISMATCH);
        ck_assert(!proof.same);
        ck_assert_int_eq(proof.differs_at, 0);
        ck_assert_str_eq(proof.tensor, "parameters/last.weight");
        reel_context_free(r.context);
        folder_remove(folder);
    }
}
END_TEST

START_TEST(test_proof_finds_what_is_not_saved)
{
    static const double by = 0.125;
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 6};
    for (int leaks = 0; leaks < 2; leaks++) {
        moons_run r = run_new(reel_context_new(NULL), &s);
        reel_trainer *own = reel_trainer_custom_new(NULL, r.optimizer, r.net, r.data, loss_with_memory, &r);
        reel_trainer_set(NULL, own, "epochs", 6);
        reel_trainer_set_folder(NULL, own, folder, REEL_FORCE);
        own_noise = leaks ? &by : NULL;
        hidden = 0;
        ck_assert_int_eq(reel_trainer_run(NULL, own), REEL_OK);
        double before = hidden;
        reel_proof proof;
        reel_status status = reel_trainer_prove(NULL, own, 4, &proof);
        ck_assert_int_eq(status, leaks ? REEL_MISMATCH : REEL_OK);
        ck_assert_double_eq(hidden, before);
        if (leaks) {
            ck_assert_int_eq(proof.differs_at, 1);
            ck_assert_ptr_nonnull(strstr(proof.text, "not proved: step 7, 1 after the checkpoint"));
        }
        reel_context_free(r.context);
    }
    folder_remove(folder);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("proof");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_proof);
    tcase_add_test(tests, test_proof_finds_what_is_not_saved);
    return run_case(tests, "proof");
}
