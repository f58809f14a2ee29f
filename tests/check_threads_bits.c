/* SPDX-License-Identifier: MIT
 *
 * What runs on threads has the same bits for any number of them: products, element-wise operations, optimizers, norms
 * and whole trainings; with contexts at the same time, after a fork, in another floating-point mode, and when no thread
 * can be made.
 */
#define _GNU_SOURCE /* pthread_setattr_default_np */
#include "common.h"

#include "core/threads.h"
#include "ops/product.h"
#include "tape/tape.h"

#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 8 /* threads tried */

static void fill(reel_array *a, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (int64_t i = 0; i < a->size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double x = (double)(int64_t)state * 0x1p-63;
        if (a->dtype == REEL_FLOAT)
            ((float *)a->data)[i] = (float)x;
        else
            ((double *)a->data)[i] = x;
    }
}

static reel_array *noise(reel_context *c, reel_dtype dtype, int rank, const int64_t *shape, uint64_t seed)
{
    reel_array *a = reel_array_new(NULL, c, dtype, rank, shape);
    ck_assert_ptr_nonnull(a);
    fill(a, seed);
    return a;
}

static bool same_bits(const reel_array *a, const reel_array *b)
{
    return a->size == b->size && memcmp(a->data, b->data, (size_t)a->size * reel_dtype_size(a->dtype)) == 0;
}

/* ---- the same bits: products ---- */

typedef struct product_case {
    int64_t m, n, k;
} product_case;

/* One of the products for each way of cutting: columns, rows, both, few rows, few columns, one. */
static const product_case products[] = {{131, 257, 61}, {1, 2049, 300}, {3, 701, 300},  {2003, 3, 101}, {7001, 1, 97},
                                        {129, 65, 97},  {33, 1001, 17}, {1027, 64, 23}, {515, 7, 300},  {4, 5, 40001}};

static void run_product(reel_tape *tape, const matmul_task *task, const reel_array *start, reel_array *c, int threads)
{
    matmul_task t = *task;
    reel_call call = {.tape = tape, .out = c};
    memcpy(c->data, start->data, (size_t)c->size * reel_dtype_size(c->dtype));
    t.c = c->data;
    reel_context_set_threads(context, threads);
    ck_assert_int_eq(product_run(&call, &t), REEL_OK);
}

static void check_product(reel_dtype dtype, product_case p, bool transpose_a, bool transpose_b, int variant)
{
    const int64_t gap = variant; /* columns behind each row */
    int64_t rows_a = transpose_a ? p.k : p.m, lda = (transpose_a ? p.m : p.k) + gap;
    int64_t rows_b = transpose_b ? p.n : p.k, ldb = (transpose_b ? p.k : p.n) + gap, ldc = p.n + gap;
    reel_array *a = noise(context, dtype, 2, (const int64_t[]){rows_a, lda}, 1);
    reel_array *b = noise(context, dtype, 2, (const int64_t[]){rows_b, ldb}, 2);
    reel_array *bias = noise(context, dtype, 1, &p.n, 3);
    reel_array *start = noise(context, dtype, 2, (const int64_t[]){p.m, ldc}, 4);
    reel_array *expected = noise(context, dtype, 2, (const int64_t[]){p.m, ldc}, 5);
    reel_array *c = noise(context, dtype, 2, (const int64_t[]){p.m, ldc}, 6);
    reel_tape *tape = reel_tape_new(NULL, context, dtype);
    matmul_task task = {.m = p.m, .n = p.n, .k = p.k, .a = a->data, .b = b->data, .lda = lda, .ldb = ldb, .ldc = ldc};
    task.transpose_a = transpose_a;
    task.transpose_b = transpose_b;
    task.add = variant == 1;
    task.bias = variant == 2 ? bias->data : NULL;
    task.activation = variant == 2 ? MATMUL_RELU : MATMUL_LINEAR;
    run_product(tape, &task, start, expected, 1);
    for (int threads = 2; threads <= MOST; threads += threads == 3 ? 2 : 1) {
        run_product(tape, &task, start, c, threads);
        ck_assert_msg(same_bits(c, expected), "%s (%lld,%lld) x (%lld,%lld), transposed %d %d, variant %d, %d threads",
                      reel_dtype_name(dtype), (long long)p.m, (long long)p.k, (long long)p.k, (long long)p.n,
                      transpose_a, transpose_b, variant, threads);
    }
    reel_tape_free(tape);
    reel_array *const all[] = {a, b, bias, start, expected, c};
    for (int i = 0; i < 6; i++) reel_array_free(all[i]);
    expect_fine();
}

START_TEST(test_products)
{
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        for (int form = 0; form < 4; form++)
            for (int dtype = 0; dtype < 2; dtype++)
                check_product((reel_dtype)dtype, products[i], form & 1, form >> 1, (int)(i + (size_t)form) % 3);
}
END_TEST

/* ---- the same bits: element-wise ---- */

#define LARGE 200003

/* Result and gradients of a few operations on large operands, one after another in `out` (10, LARGE). */
static void elementwise(reel_dtype dtype, int threads, reel_array *out)
{
    reel_context *c = reel_context_new(NULL);
    reel_context_set_threads(c, threads);
    reel_tape *tape = reel_tape_new(NULL, c, dtype);
    const int64_t size = LARGE;
    reel_array *xs = noise(c, dtype, 1, &size, 7), *ys = noise(c, dtype, 1, &size, 8);
    reel_array *ones = noise(c, dtype, 0, NULL, 9);
    reel_value x = reel_variable(NULL, tape, xs), y = reel_variable(NULL, tape, ys),
               s = reel_variable(NULL, tape, ones);
    reel_value z[6];
    z[0] = reel_tanh(NULL, x);
    z[1] = reel_mul(NULL, z[0], reel_exp(NULL, y));
    z[2] = reel_div(NULL, z[1], s);
    z[3] = reel_sub(NULL, s, z[2]);
    z[4] = reel_softplus(NULL, z[3], 2, 20);
    z[5] = reel_mul(NULL, z[4], z[4]);
    reel_backward(NULL, reel_sum(NULL, z[5]));
    ck_assert_msg(!reel_failed(c), "%s", reel_error_text(c));
    const size_t bytes = (size_t)size * reel_dtype_size(dtype);
    char *to = out->data;
    memset(to, 0, 10 * bytes);
    for (int i = 0; i < 6; i++) memcpy(to + (size_t)i * bytes, reel_data(z[i]).data, bytes);
    memcpy(to + 6 * bytes, reel_gradient(x).data, bytes);
    memcpy(to + 7 * bytes, reel_gradient(y).data, bytes);
    memcpy(to + 8 * bytes, reel_gradient(s).data, reel_dtype_size(dtype));
    reel_context_free(c);
}

START_TEST(test_elementwise)
{
    for (int dtype = 0; dtype < 2; dtype++) {
        const int64_t shape[] = {10, LARGE};
        reel_array *expected = reel_array_new(NULL, context, (reel_dtype)dtype, 2, shape);
        reel_array *found = reel_array_new(NULL, context, (reel_dtype)dtype, 2, shape);
        elementwise((reel_dtype)dtype, 1, expected);
        for (int threads = 2; threads <= MOST; threads++) {
            elementwise((reel_dtype)dtype, threads, found);
            ck_assert_msg(same_bits(found, expected), "%d threads", threads);
        }
        reel_array_free(expected);
        reel_array_free(found);
    }
}
END_TEST

/* ---- the same bits: optimizers, norms ---- */

#define PARAMETERS 100003

/* Three steps with clipping; parameters, then every state vector, in out (9, sum of sizes). */
static void optimize(int kind, reel_dtype dtype, int threads, reel_array *out, double *norms)
{
    static const int64_t sizes[] = {5, 70001, 29997};
    reel_context *c = reel_context_new(NULL);
    reel_context_set_threads(c, threads);
    reel_params *params = reel_params_new(NULL, c, dtype);
    const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) ck_assert_int_eq(reel_params_add(NULL, params, names[i], 1, &sizes[i]), i);
    reel_optimizer *o = reel_optimizer_new(NULL, params, reel_optimizer_at(kind));
    reel_array flat = reel_params_flat(params);
    fill(&flat, 10);
    reel_params_touch(params);
    ck_assert_int_eq(reel_optimizer_set(NULL, o, "clip_norm", 100), REEL_OK);
    ck_assert_int_eq(reel_optimizer_set(NULL, o, "clip_value", 0.9), REEL_OK);
    const int64_t size = PARAMETERS;
    for (int t = 0; t < 3; t++) {
        reel_array *g = noise(c, dtype, 1, &size, 20 + (uint64_t)t);
        ck_assert_int_eq(reel_params_set_gradient(NULL, params, g), REEL_OK);
        norms[3 * t] = reel_gradient_norm(params, 2);
        norms[3 * t + 1] = reel_gradient_norm(params, INFINITY);
        norms[3 * t + 2] = reel_gradient_norm(params, 1.5);
        ck_assert_int_eq(reel_optimizer_step(NULL, o), REEL_OK);
        reel_array_free(g);
    }
    const size_t bytes = (size_t)size * reel_dtype_size(dtype), unit = reel_dtype_size(dtype);
    char *to = out->data;
    memset(to, 0, (size_t)out->size * unit);
    memcpy(to, flat.data, bytes);
    const reel_optimizer_type *type = reel_optimizer_at(kind);
    for (int i = 0; i < type->state_count; i++)
        for (int p = 0; p < 3; p++) {
            reel_array s = reel_optimizer_state(o, type->state_names[i], p);
            size_t offset = (size_t)(p == 0 ? 0 : p == 1 ? sizes[0] : sizes[0] + sizes[1]) * unit;
            if (s.data) memcpy(to + (size_t)(i + 1) * bytes + offset, s.data, (size_t)s.size * unit);
        }
    ck_assert_msg(!reel_failed(c), "%s", reel_error_text(c));
    reel_context_free(c);
}

START_TEST(test_optimizers)
{
    const int64_t shape[] = {9, PARAMETERS};
    for (int kind = 0; reel_optimizer_at(kind); kind++)
        for (int dtype = 0; dtype < 2; dtype++) {
            reel_array *expected = reel_array_new(NULL, context, (reel_dtype)dtype, 2, shape);
            reel_array *found = reel_array_new(NULL, context, (reel_dtype)dtype, 2, shape);
            double norms[9], norms_found[9];
            optimize(kind, (reel_dtype)dtype, 1, expected, norms);
            for (int threads = 2; threads <= MOST; threads += threads == 3 ? 5 : 1) {
                optimize(kind, (reel_dtype)dtype, threads, found, norms_found);
                ck_assert_msg(same_bits(found, expected), "%s, %d threads", reel_optimizer_at(kind)->name, threads);
                ck_assert_int_eq(memcmp(norms, norms_found, sizeof norms), 0);
            }
            reel_array_free(expected);
            reel_array_free(found);
        }
}
END_TEST

/* An optimizer of a program's own that does not say that it is element-wise is called once for the whole run. */
static reel_status own_update(const reel_update *u)
{
    ((float *)u->parameter)[0] += (float)u->n;
    return REEL_OK;
}

static atomic_int own_calls;

static reel_status own_part(const reel_update *u)
{
    atomic_fetch_add(&own_calls, 1);
    for (int64_t i = 0; i < u->n; i++)
        if (((const float *)u->gradient)[i] == 2) return REEL_STOPPED;
    return REEL_OK;
}

START_TEST(test_own_optimizer)
{
    static const reel_hyper lr[] = {{.name = "lr", .value = 1, .most = INFINITY, .text = "rate"}};
    reel_optimizer_type type = {.size = sizeof type, .name = "own", .formula = "x", .hypers = lr, .hyper_count = 1};
    const int64_t size = PARAMETERS;
    reel_context_set_threads(context, 4);
    reel_params *params = reel_params_new(NULL, context, REEL_FLOAT);
    reel_params_add(NULL, params, "a", 1, &size);
    reel_array *g = noise(context, REEL_FLOAT, 1, &size, 1);
    type.update = own_update;
    reel_optimizer *whole = reel_optimizer_new(NULL, params, &type);
    ck_assert_int_eq(reel_params_set_gradient(NULL, params, g), REEL_OK);
    ck_assert_int_eq(reel_optimizer_step(NULL, whole), REEL_OK);
    ck_assert_float_eq(((float *)reel_params_flat(params).data)[0], (float)PARAMETERS);
    /* the error of a part is the error of the step */
    reel_optimizer_type parts = type;
    parts.update = own_part;
    parts.elementwise = true;
    reel_optimizer *cut = reel_optimizer_new(NULL, params, &parts);
    atomic_store(&own_calls, 0);
    ck_assert_int_eq(reel_params_set_gradient(NULL, params, g), REEL_OK);
    ck_assert_int_eq(reel_optimizer_step(NULL, cut), REEL_OK);
    ck_assert_int_gt(atomic_load(&own_calls), 1);
    ((float *)g->data)[PARAMETERS - 1] = 2;
    ck_assert_int_eq(reel_params_set_gradient(NULL, params, g), REEL_OK);
    ck_assert_int_eq(reel_optimizer_step("o.c:1", cut), REEL_STOPPED);
    expect_error(REEL_STOPPED, "o.c:1: optimizer_step: the update of own failed");
}
END_TEST

/* ---- whole trainings ---- */

typedef struct training {
    reel_context *context;
    reel_params *params;
    reel_module *net;
    reel_optimizer *adam;
    reel_tape *tape;
    reel_state *state;
    reel_array *x, *classes;
} training;

static training training_new(int threads, uint64_t seed)
{
    training t = {.context = reel_context_new(NULL)};
    reel_context_set_threads(t.context, threads);
    t.params = reel_params_new(NULL, t.context, REEL_FLOAT);
    t.net = reel_mlp_new(NULL, t.params, "net", 4, (const int[]){784, 256, 128, 10}, "relu",
                         reel_rng_torch_new(NULL, t.context, seed));
    t.adam = reel_adam_new(NULL, t.params, 1e-3);
    ck_assert_int_eq(reel_optimizer_set(NULL, t.adam, "clip_norm", 1), REEL_OK);
    t.tape = reel_tape_new(NULL, t.context, REEL_FLOAT);
    t.state = reel_state_new(NULL, t.context, "threads");
    reel_state_add_params(NULL, t.state, "parameters", t.params);
    reel_state_add_optimizer(NULL, t.state, "optimizer", t.adam);
    const int64_t shape[] = {128, 784};
    t.x = noise(t.context, REEL_FLOAT, 2, shape, seed);
    t.classes = reel_array_new(NULL, t.context, REEL_INT64, 1, shape);
    for (int64_t i = 0; i < 128; i++) ((int64_t *)t.classes->data)[i] = (int64_t)((uint64_t)i * (seed + 3) % 10);
    ck_assert_msg(!reel_failed(t.context), "%s", reel_error_text(t.context));
    return t;
}

static void train(training *t, int steps)
{
    for (int i = 0; i < steps; i++) {
        reel_tape_rewind(t->tape);
        reel_value logits = reel_forward(NULL, t->net, reel_input(NULL, t->tape, t->x));
        reel_backward(NULL, reel_cross_entropy(NULL, logits, reel_input(NULL, t->tape, t->classes)));
        reel_optimizer_step(NULL, t->adam);
    }
}

/* Frees it, too. */
static void training_hash(training *t, char hash[33])
{
    memset(hash, 0, 33);
    reel_state_hash(NULL, t->state, hash);
    if (reel_failed(t->context)) hash[0] = '\0';
    reel_context_free(t->context);
}

static void hash_after(int threads, uint64_t seed, int steps, char hash[33])
{
    training t = training_new(threads, seed);
    train(&t, steps);
    training_hash(&t, hash);
}

#define STEPS 6

START_TEST(test_training)
{
    char expected[33], found[33];
    hash_after(1, 42, STEPS, expected);
    ck_assert_int_eq((int)strlen(expected), 32);
    for (int threads = 2; threads <= MOST; threads++) {
        hash_after(threads, 42, STEPS, found);
        ck_assert_str_eq(found, expected);
    }
}
END_TEST

START_TEST(test_resume_with_another_number)
{
    char expected[33], found[33], text[8], folder[] = "/tmp/reel-threads-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/half.json", folder);
    hash_after(1, 42, STEPS, expected);
    training first = training_new(4, 42), second = training_new(2, 5);
    train(&first, STEPS / 2);
    ck_assert_int_eq(reel_state_save(NULL, first.state, path, NULL), REEL_OK);
    reel_context_free(first.context);
    fill(second.x, 42); /* the data of seed 42, and another network to be overwritten */
    for (int64_t i = 0; i < 128; i++) ((int64_t *)second.classes->data)[i] = (int64_t)((uint64_t)i * 45 % 10);
    ck_assert_msg(reel_state_load(NULL, second.state, path, false) == REEL_OK, "%s", reel_error_text(second.context));
    reel_checkpoint *saved = reel_checkpoint_open(NULL, second.context, path);
    ck_assert(reel_checkpoint_text(saved, "fingerprint/threads", text, sizeof text));
    ck_assert_str_eq(text, "4");
    reel_checkpoint_free(saved);
    train(&second, STEPS - STEPS / 2);
    training_hash(&second, found);
    ck_assert_str_eq(found, expected);
    unlink(path);
    rmdir(folder);
}
END_TEST

/* A steady step asks for no memory, with threads as without. */
START_TEST(test_no_allocations)
{
    training t = training_new(4, 1);
    train(&t, 3);
    uint64_t before = reel_context_memory(t.context).allocations;
    train(&t, 3);
    ck_assert_uint_eq(reel_context_memory(t.context).allocations, before);
    reel_context_free(t.context);
}
END_TEST

typedef struct rival {
    uint64_t seed;
    char hash[33];
} rival;

static void *compete(void *argument)
{
    rival *r = argument;
    hash_after(3, r->seed, STEPS, r->hash);
    return NULL;
}

START_TEST(test_contexts_at_the_same_time)
{
    enum { RIVALS = 3 };
    rival rivals[RIVALS];
    pthread_t ids[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        rivals[i].seed = (uint64_t)i;
        ck_assert_int_eq(pthread_create(&ids[i], NULL, compete, &rivals[i]), 0);
    }
    for (int i = 0; i < RIVALS; i++) ck_assert_int_eq(pthread_join(ids[i], NULL), 0);
    for (int i = 0; i < RIVALS; i++) {
        char expected[33];
        hash_after(1, (uint64_t)i, STEPS, expected);
        ck_assert_str_eq(rivals[i].hash, expected);
    }
}
END_TEST

/* ---- fork ---- */

static int child_status(pid_t child)
{
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* In a forked child: an exit status instead of assertions, and an end if it hangs. */
static _Noreturn void be_child(training *t, const char *expected)
{
    char found[33];
    alarm(200);
    if (threads_workers() != 0) _exit(2);
    train(t, STEPS - STEPS / 2);
    if (threads_workers() != 3) _exit(3);
    training_hash(t, found);
    _exit(strcmp(found, expected) != 0);
}

START_TEST(test_fork_in_the_middle)
{
    char expected[33], found[33];
    hash_after(1, 42, STEPS, expected);
    training t = training_new(4, 42);
    train(&t, STEPS / 2);
    ck_assert_int_ge(threads_workers(), 3);
    signal(SIGALRM, SIG_DFL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) be_child(&t, expected);
    train(&t, STEPS - STEPS / 2);
    training_hash(&t, found);
    ck_assert_str_eq(found, expected);
    ck_assert_int_eq(child_status(child), 0);
}
END_TEST

static atomic_bool enough;

static void *train_until_enough(void *argument)
{
    training *t = argument;
    while (!atomic_load(&enough)) train(t, 1);
    return NULL;
}

/* Forks while another thread's request is running. */
START_TEST(test_fork_while_busy)
{
    char expected[33];
    hash_after(1, 42, STEPS / 2, expected);
    training other = training_new(4, 7);
    pthread_t id;
    atomic_store(&enough, false);
    ck_assert_int_eq(pthread_create(&id, NULL, train_until_enough, &other), 0);
    signal(SIGALRM, SIG_DFL);
    int failures = 0; /* looked at when the other thread has ended */
    for (int i = 0; i < 10; i++) {
        training t = training_new(4, 42);
        pid_t child = fork();
        if (child == 0) be_child(&t, expected);
        reel_context_free(t.context);
        failures += child < 0 || child_status(child) != 0;
    }
    atomic_store(&enough, true);
    ck_assert_int_eq(pthread_join(id, NULL), 0);
    reel_context_free(other.context);
    ck_assert_int_eq(failures, 0);
}
END_TEST

/* The state after training in another mode is another one, and the same for any number of threads. */
START_TEST(test_training_in_another_mode)
{
    char nearest[33], expected[33], found[33];
    hash_after(1, 42, 2, nearest);
    fesetround(FE_UPWARD);
    hash_after(1, 42, 2, expected);
    hash_after(5, 42, 2, found);
    fesetround(FE_TONEAREST);
    ck_assert_str_eq(found, expected);
    ck_assert_str_ne(found, nearest);
}
END_TEST

/* ---- no threads to be had ---- */

/* In a forked child, where the pool is new: stacks that no address space holds. */
static _Noreturn void be_child_without_threads(const char *expected)
{
    char found[33];
    pthread_attr_t attributes;
    alarm(200);
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, (size_t)1 << 50) != 0) _exit(4);
    if (pthread_setattr_default_np(&attributes) != 0) _exit(5);
    hash_after(4, 42, 2, found);
    if (threads_workers() != 0) _exit(6);
    _exit(strcmp(found, expected) != 0);
}

START_TEST(test_no_thread_can_be_made)
{
    char expected[33];
    hash_after(1, 42, 2, expected);
    signal(SIGALRM, SIG_DFL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) be_child_without_threads(expected);
    ck_assert_int_eq(child_status(child), 0);
}
END_TEST

/* Before every test: one that failed may have left another mode. */
static void plain_mode(void)
{
    fesetround(FE_TONEAREST);
}

int main(void)
{
    TCase *tests = tcase_create("threads_bits");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(tests, plain_mode, NULL);
    threads_test_always(true);
    tcase_add_test(tests, test_no_thread_can_be_made);
    tcase_add_test(tests, test_products);
    tcase_add_test(tests, test_elementwise);
    tcase_add_test(tests, test_optimizers);
    tcase_add_test(tests, test_own_optimizer);
    tcase_add_test(tests, test_training);
    tcase_add_test(tests, test_resume_with_another_number);
    tcase_add_test(tests, test_no_allocations);
    tcase_add_test(tests, test_contexts_at_the_same_time);
    tcase_add_test(tests, test_fork_in_the_middle);
    tcase_add_test(tests, test_fork_while_busy);
    tcase_add_test(tests, test_training_in_another_mode);
    return run_case(tests, "threads_bits");
}
