/* SPDX-License-Identifier: MIT
 *
 * The flags of a program of its own: what is read, what wins over the checkpoint, what is refused.
 */
#include "failing.h"
#include "noted_run.h"

static const reel_hyper own_flags[] = {{.name = "spread", .text = "deviation", .value = 0.15, .most = 10},
                                       {.name = "shuffle", .text = "shuffle", .kind = REEL_HYPER_SWITCH}};

/* Argument lists are put into another order, so each reading has its own. */
static reel_args *args_of(reel_context *own, int count, const char *const *words, char *room[16])
{
    room[0] = (char *)(uintptr_t) "folder/program";
    for (int i = 0; i < count; i++) room[1 + i] = (char *)(uintptr_t)words[i];
    room[1 + count] = NULL;
    return reel_args_new(NULL, own, 1 + count, room, "Trains.");
}

START_TEST(test_flags)
{
    char *room[16];
    double values[] = {0.15, 0};
    const char *const words[] = {"file", "--spread", "0.25", "--shuffle", "--epochs=7", "--beta1", "0.5", "other"};
    reel_args *a = args_of(context, 8, words, room);
    ck_assert_int_eq(reel_args_add(NULL, a, own_flags, 2, values), REEL_OK);
    reel_args_set_operands(a, "FILE", 1, 2);
    ck_assert_int_eq(reel_args_read(NULL, a), REEL_ARGS_GO);
    ck_assert_str_eq(reel_args_text(a), "");
    ck_assert_int_eq(reel_args_status(a), 0);
    ck_assert_double_eq(values[0], 0.25);
    ck_assert_double_eq(values[1], 1);
    ck_assert_str_eq(reel_args_operand(a, 0), "file");
    ck_assert_str_eq(reel_args_operand(a, 1), "other");
    ck_assert_ptr_null(reel_args_operand(a, 2));
    ck_assert_str_eq(reel_args_given(a, "epochs"), "7");
    ck_assert_str_eq(reel_args_given(a, "spread"), "");
    ck_assert_ptr_null(reel_args_given(a, "batch"));
    ck_assert_ptr_null(reel_args_given(a, "nothing"));

    run_setup s = {.epochs = 1};
    moons_run r = run_new(context, &s);
    reel_optimizer *o = reel_args_optimizer(NULL, a, r.params, "adamw", 0.125);
    ck_assert_ptr_nonnull(o);
    ck_assert_str_eq(reel_optimizer_kind(o)->name, "adamw");
    ck_assert_double_eq(reel_optimizer_get(o, "lr"), 0.125);
    ck_assert_double_eq(reel_optimizer_get(o, "beta1"), 0.5);
    reel_trainer *t = reel_trainer_new(NULL, r.net, r.data, reel_bce_with_logits, o);
    reel_optimizer_set(NULL, o, "beta1", 0.75); /* a flag wins over the program */
    ck_assert_int_eq(reel_args_apply(NULL, a, t), REEL_OK);
    ck_assert_double_eq(reel_optimizer_get(o, "beta1"), 0.5);
    ck_assert_double_eq(reel_trainer_get(t, "epochs"), 7);

    const reel_hyper taken = {.name = "clip_norm", .text = "taken"};
    ck_assert_int_eq(reel_args_add(NULL, a, &taken, 1, values), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "--clip-norm is taken");
    reel_args_add(NULL, a, own_flags, 1, values);
    expect_error(REEL_BAD_ARGUMENT, "--spread is taken");

    const char *const wrong[] = {"--spread", "11"};
    a = args_of(context, 2, wrong, room);
    reel_args_add(NULL, a, own_flags, 2, values);
    ck_assert_int_eq(reel_args_read(NULL, a), REEL_ARGS_WRONG);
    ck_assert_int_eq(reel_args_status(a), 2);
    ck_assert_str_eq(reel_args_text(a), "program: --spread: found 11, expected from 0 to 10 (see program --help)\n");
    expect_fine();
    ck_assert_int_eq(reel_args_read(NULL, NULL), REEL_ARGS_FAILED);
    ck_assert_ptr_null(reel_args_optimizer(NULL, NULL, r.params, "sgd", 1));
    ck_assert_int_eq(reel_args_apply(NULL, NULL, t), REEL_BAD_ARGUMENT);
}
END_TEST

static const reel_schedule_type own_schedule = {
    .size = sizeof own_schedule, .name = "own", .text = "own", .rate = NULL};

START_TEST(test_own_kinds)
{
    reel_schedule_type named = *reel_schedule_find("exponential");
    ck_assert_int_eq(reel_schedule_register(NULL, context, reel_schedule_find("cosine")), REEL_OK);
    ck_assert_int_eq(reel_schedule_register(NULL, context, &named), REEL_BAD_ARGUMENT);
    expect_error(REEL_BAD_ARGUMENT, "\"exponential\" is taken");
    named.name = "a:b";
    reel_schedule_register(NULL, context, &named);
    expect_error(REEL_BAD_ARGUMENT, "without :,*@()=");
    reel_schedule_register(NULL, context, &own_schedule);
    expect_error(REEL_BAD_ARGUMENT, "no rate");
    named.name = "mine";
    ck_assert_int_eq(reel_schedule_register(NULL, context, &named), REEL_OK);
    reel_schedule *s = reel_schedule_parse(NULL, context, "mine:gamma=0.5@3,constant:0.25", 9);
    expect_fine();
    ck_assert_double_eq(reel_schedule_rate(s, 2, 1), 0.25);
    reel_context *second = reel_context_new(NULL);
    ck_assert_ptr_null(reel_schedule_parse(NULL, second, "mine:0.5", 9));
    reel_context_free(second);
    reel_optimizer_type kind = *reel_optimizer_find("adam");
    reel_optimizer_register(NULL, context, &kind);
    expect_error(REEL_BAD_ARGUMENT, "\"adam\" is taken");
    kind.name = "my_adam";
    ck_assert_int_eq(reel_optimizer_register(NULL, context, &kind), REEL_OK);
    int count = 0;
    while (reel_optimizer_known(context, count)) count++;
    ck_assert_ptr_eq(reel_optimizer_known(context, count - 1), &kind);
}
END_TEST

/* The n-th allocation of a resume with flags fails, of help, of a proof. */
static bool resume_with_memory(reel_context *own, const char *folder)
{
    char *room[16], from[96];
    double values[] = {0.15, 0};
    snprintf(from, sizeof from, "--checkpoint-dir=%s", folder);
    const char *const words[] = {from,
                                 "--resume",
                                 "--lr",
                                 "0.01",
                                 "--clip-norm=2",
                                 "--schedule=step:3",
                                 "--keep",
                                 "5",
                                 "--reset-moments=steps",
                                 "--schedule-origin=here"};
    const char *const help[] = {"--help"};
    run_setup s = {.epochs = 3, .schedule = "cosine"};
    moons_run r = run_new(own, &s);
    reel_args *a = args_of(own, 10, words, room);
    reel_args_add(NULL, a, own_flags, 2, values);
    reel_args_read(NULL, a);
    reel_optimizer *o = reel_args_optimizer(NULL, a, r.params, "adam", 0.5);
    reel_trainer *t = reel_trainer_new(NULL, r.net, r.data, reel_bce_with_logits, o);
    reel_trainer_set(NULL, t, "seed", 5);
    reel_args_apply(NULL, a, t);
    bool good = reel_trainer_run(NULL, t) == REEL_OK;
    a = args_of(own, 1, help, room);
    return reel_args_read(NULL, a) == REEL_ARGS_HELP && good;
}

START_TEST(test_every_allocation_may_fail)
{
    char folder[64];
    folder_fresh(folder);
    run_setup s = {.epochs = 3, .schedule = "cosine"};
    make_run(folder, &s);
    bool whole = false;
    uint64_t n = 0;
    for (; !whole; n++) {
        failing f = {.left = n};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &f});
        whole = own && resume_with_memory(own, folder);
        if (own && !whole)
            ck_assert_msg(reel_error_status(own) == REEL_NO_MEMORY, "%d: %s", (int)n, reel_error_text(own));
        reel_context_free(own);
        ck_assert_uint_eq(f.in_use, 0);
    }
    ck_assert_uint_gt(n, 150);
    folder_remove(folder);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("args");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_flags);
    tcase_add_test(tests, test_own_kinds);
    tcase_add_test(tests, test_every_allocation_may_fail);
    return run_case(tests, "args");
}
