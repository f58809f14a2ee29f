/* SPDX-License-Identifier: MIT
 *
 * The thread pool: every chunk once, on threads that really run side by side; nested requests; fork and exit; the
 * caller's floating-point mode; how many threads; threads that do not pay.
 */
#include "common.h"

#include "core/threads.h"

#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#define MOST 8 /* threads tried */

/* ---- the pool ---- */

#define CHUNKS 5000

typedef struct tally {
    atomic_int runs[CHUNKS];
    atomic_int wrong; /* thread numbers outside, or two chunks at a time under one */
    atomic_int inside[THREADS_MOST];
    int threads;
} tally;

static void count_chunk(void *argument, int64_t chunk, int thread)
{
    tally *t = argument;
    if (thread < 0 || thread >= t->threads || atomic_fetch_add(&t->inside[thread], 1) != 0) {
        atomic_fetch_add(&t->wrong, 1);
        return;
    }
    atomic_fetch_add(&t->runs[chunk], 1);
    atomic_fetch_sub(&t->inside[thread], 1);
}

START_TEST(test_every_chunk_once)
{
    static const int64_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 100, CHUNKS};
    static tally t;
    for (int round = 0; round < 4; round++)
        for (int threads = 1; threads <= MOST; threads++)
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
                memset(&t, 0, sizeof t);
                t.threads = threads;
                threads_run(threads, sizes[k], count_chunk, &t);
                ck_assert_int_eq(atomic_load(&t.wrong), 0);
                for (int64_t i = 0; i < CHUNKS; i++) ck_assert_int_eq(atomic_load(&t.runs[i]), i < sizes[k]);
            }
    ck_assert_int_eq(threads_workers(), MOST - 1);
}
END_TEST

/* Every chunk waits for all the others: only threads that run at the same time get through. */
typedef struct meeting {
    atomic_int arrived;
    atomic_int late;
    int expected;
} meeting;

static void wait_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void meet(void *argument, int64_t chunk, int thread)
{
    (void)chunk;
    (void)thread;
    meeting *m = argument;
    double end = seconds() + 60;
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < m->expected && seconds() < end) wait_us(100);
    if (atomic_load(&m->arrived) < m->expected) atomic_fetch_add(&m->late, 1);
}

static void expect_meeting(int threads)
{
    meeting m = {.expected = threads};
    threads_run(threads, threads, meet, &m);
    ck_assert_int_eq(atomic_load(&m.arrived), threads);
    ck_assert_int_eq(atomic_load(&m.late), 0);
}

START_TEST(test_threads_run_side_by_side)
{
    for (int threads = 2; threads <= MOST; threads++) expect_meeting(threads);
    wait_us(20000); /* longer than workers spin: now they must be woken */
    for (int threads = 2; threads <= MOST; threads++) {
        expect_meeting(threads);
        wait_us(2000);
    }
}
END_TEST

typedef struct nest {
    atomic_int inner[16][16];
    pthread_t caller[16];
    atomic_int elsewhere; /* inner chunks on another thread than their outer one */
} nest;

typedef struct nest_inner {
    nest *all;
    int64_t outer;
} nest_inner;

static void inner_chunk(void *argument, int64_t chunk, int thread)
{
    nest_inner *i = argument;
    if (thread != 0 || !pthread_equal(i->all->caller[i->outer], pthread_self()))
        atomic_fetch_add(&i->all->elsewhere, 1);
    atomic_fetch_add(&i->all->inner[i->outer][chunk], 1);
}

static void outer_chunk(void *argument, int64_t chunk, int thread)
{
    (void)thread;
    nest *n = argument;
    n->caller[chunk] = pthread_self();
    threads_run(4, 16, inner_chunk, &(nest_inner){n, chunk});
}

START_TEST(test_nested_request_runs_in_its_caller)
{
    static nest n;
    memset(&n, 0, sizeof n);
    threads_run(4, 16, outer_chunk, &n);
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) ck_assert_int_eq(atomic_load(&n.inner[i][j]), 1);
    ck_assert_int_eq(atomic_load(&n.elsewhere), 0);
}
END_TEST

START_TEST(test_how_many)
{
    ck_assert_int_eq(threads_choose(NULL, 3), 3);
    ck_assert_int_eq(threads_choose("2", 3), 2);
    ck_assert_int_eq(threads_choose("64", 3), 64);
    ck_assert_int_eq(threads_choose("65", 3), 64);
    ck_assert_int_eq(threads_choose("99999999999999999999999", 3), 64);
    const char *const none[] = {"", "0", "-1", "+2", " 2", "2 ", "two", "2.0", "0x2", "1e1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) ck_assert_int_eq(threads_choose(none[i], 3), 3);
    ck_assert_int_eq(threads_choose(NULL, 0), 1);
    ck_assert_int_eq(threads_choose(NULL, 1000), 64);

    char *kept = getenv("REEL_THREADS") ? strdup(getenv("REEL_THREADS")) : NULL;
    unsetenv("REEL_THREADS");
    int available = threads_default();
    ck_assert_int_ge(available, 1);
    setenv("REEL_THREADS", "5", 1);
    reel_context *c = reel_context_new(NULL);
    ck_assert_int_eq(reel_context_threads(c), 5);
    char text[8];
    bool found = false;
    for (int i = 0; reel_fingerprint(i, text, sizeof text); i++)
        if (strcmp(reel_fingerprint(i, NULL, 0), "threads") == 0) found = strcmp(text, "5") == 0;
    ck_assert(found);
    reel_context_set_threads(c, 3);
    ck_assert_int_eq(reel_context_threads(c), 3);
    reel_context_set_threads(c, 1000);
    ck_assert_int_eq(reel_context_threads(c), 64);
    reel_context_set_threads(c, 0);
    ck_assert_int_eq(reel_context_threads(c), 5);
    setenv("REEL_THREADS", "many", 1);
    reel_context_set_threads(c, 0);
    ck_assert_int_eq(reel_context_threads(c), available);
    reel_context_free(c);
    reel_context_set_threads(NULL, 2);
    ck_assert_int_eq(reel_context_threads(NULL), 1);
    if (kept)
        setenv("REEL_THREADS", kept, 1);
    else
        unsetenv("REEL_THREADS");
    free(kept);
}
END_TEST

/* ---- fork ---- */

static int child_status(pid_t child)
{
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Sanitizers lose count of threads in a child that had several before the fork and makes more. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CHILDREN_EXIT false
#elif defined(__has_feature)
#define CHILDREN_EXIT !(__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define CHILDREN_EXIT true
#endif

/* A child that ends by exit runs what the library does at exit. */
START_TEST(test_child_exits)
{
    expect_meeting(4);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(100);
        meeting m = {.expected = 2};
        threads_run(2, 2, meet, &m);
        if (atomic_load(&m.late)) _exit(1);
        exit(0);
    }
    ck_assert_int_eq(child_status(child), 0);
    expect_meeting(4);
}
END_TEST

/* ---- floating-point mode, signals ---- */

typedef struct mode_found {
    atomic_int arrived;
    double third[MOST];
    float tiny[MOST];
    bool blocked[MOST];
} mode_found;

static void look_at_mode(void *argument, int64_t chunk, int thread)
{
    mode_found *m = argument;
    double end = seconds() + 60;
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < MOST && seconds() < end) wait_us(100);
    volatile double one = 1, three = 3;
    volatile float small = 1e-38f, factor = 1e-3f;
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    m->third[chunk] = one / three;
    m->tiny[chunk] = small * factor;
    m->blocked[chunk] = thread == 0 || (sigismember(&set, SIGINT) && sigismember(&set, SIGALRM) &&
                                        sigismember(&set, SIGCHLD) && !sigismember(&set, SIGSEGV));
}

static void expect_mode(double third, bool flushed)
{
    mode_found m = {.arrived = 0};
    threads_run(MOST, MOST, look_at_mode, &m);
    for (int i = 0; i < MOST; i++) {
        ck_assert_double_eq(m.third[i], third);
        ck_assert_int_eq(m.tiny[i] == 0, flushed);
        ck_assert(m.blocked[i]);
    }
}

START_TEST(test_mode_of_the_caller)
{
    const double third = 1.0 / 3; /* rounded down */
    expect_mode(third, false);
    fesetround(FE_UPWARD);
    expect_mode(nextafter(third, 1), false);
    fesetround(FE_TONEAREST);
#if defined(__x86_64__)
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u);
    expect_mode(third, true);
    _mm_setcsr(before);
#endif
    expect_mode(third, false);
}
END_TEST

static void divide_by_zero(void *argument, int64_t chunk, int thread)
{
    meet(argument, chunk, thread);
    volatile double zero = 0, one = 1;
    if (thread == 1) one /= zero;
    (void)one;
}

START_TEST(test_exceptions_reach_the_caller)
{
    feclearexcept(FE_ALL_EXCEPT);
    expect_meeting(2);
    ck_assert_int_eq(fetestexcept(FE_DIVBYZERO), 0);
    meeting m = {.expected = 2};
    threads_run(2, 2, divide_by_zero, &m);
    ck_assert_int_eq(atomic_load(&m.late), 0);
    ck_assert_int_ne(fetestexcept(FE_DIVBYZERO), 0);
    feclearexcept(FE_ALL_EXCEPT);
    m = (meeting){.expected = 2};
    threads_run(2, 2, meet, &m);
    ck_assert_int_eq(fetestexcept(FE_DIVBYZERO), 0);
}
END_TEST

/* Without the tests' switch: where threads lose, requests run in the caller, with the same bits. */
static void drag(void *argument, int64_t chunk, int thread)
{
    (void)chunk;
    atomic_fetch_add((atomic_int *)argument, thread != 0);
    double end = seconds() + (thread == 0 ? 1e-5 : 4e-3);
    while (seconds() < end) {
    }
}

START_TEST(test_threads_that_lose_are_not_used)
{
    atomic_int elsewhere = 0;
    threads_test_always(false);
    double start = seconds();
    for (int i = 0; i < 20000; i++) threads_run(2, 4, drag, &elsewhere);
    double took = seconds() - start;
    threads_test_always(true);
    ck_assert_int_lt(atomic_load(&elsewhere), 2000);
    ck_assert_double_lt(took, 20);
}
END_TEST

/* Before every test: one that failed may have left another mode. */
static void plain_mode(void)
{
    fesetround(FE_TONEAREST);
}

int main(void)
{
    TCase *tests = tcase_create("threads");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(tests, plain_mode, NULL);
    threads_test_always(true);
    tcase_add_test(tests, test_how_many);
    tcase_add_test(tests, test_every_chunk_once);
    tcase_add_test(tests, test_threads_run_side_by_side);
    tcase_add_test(tests, test_nested_request_runs_in_its_caller);
    if (CHILDREN_EXIT) tcase_add_test(tests, test_child_exits);
    tcase_add_test(tests, test_mode_of_the_caller);
    tcase_add_test(tests, test_exceptions_reach_the_caller);
    tcase_add_test(tests, test_threads_that_lose_are_not_used);
    return run_case(tests, "threads");
}
