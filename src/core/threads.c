/* SPDX-License-Identifier: MIT
 *
 * The thread pool.
 *
 * Each thread has a ticket, one word: the chunks of its own share that nobody has taken yet, [front, back), and how many
 * threads take part. Taking a chunk is one compare-and-swap of it: a thread takes from the front of its own, then from the
 * back of the others'. So request after request the same thread works on the same part, which its caches hold, and
 * still whoever has time helps. Whoever has taken a chunk may read the request, for the caller does not return before
 * all chunks are done; nobody else reads it. So a worker that wakes late, or never, holds up nothing: the caller
 * takes what is left.
 *
 * Workers without work spin for SPIN_NS, then sleep each on its own condition until a caller wants them.
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include "core/threads.h"

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* A wake-up takes 10 to 50 us; parts of a training step that are not worth sharing are rarely longer than this. */
#define SPIN_NS 100000
#define SPIN_ROUNDS 32 /* looks at the ticket between two at the clock */

/* Where other programs have the other processor, a thread can stop in the middle of a chunk for milliseconds, and sharing
 * loses. What each request gains against running in the caller alone, or loses, is added up. Below -LOSS_MOST_NS (a few
 * requests that found the workers asleep) requests do run in the caller alone, for REST_FACTOR times what was lost: so
 * losses stay below one part in REST_FACTOR of the time. */
#define LOSS_MOST_NS 50000
#define REST_FACTOR 50
#define REST_MOST_NS 500000000
#define GAIN_MOST_NS 3000000 /* how much is remembered of gains */
#define CHUNK_MOST_NS 200000 /* a single chunk that took longer was interrupted */

/* Where cores are far apart (a round trip of a cache line between the two of one virtual machine was seen to take 60 ns at
 * one time and 320 at another), sharing also slows down what runs between the requests and finds its data in the other
 * core's cache. So the time of whole stretches of the program is compared, with the work shared and not: in turns,
 * WINDOW requests each, TRIALS times; then the faster way is kept for KEPT such windows. */
#define WINDOW 64
#define TRIALS 4
#define KEPT 128
#define MARGIN 0.97         /* running alone must be this much faster */
#define GAP_MOST_NS 1000000 /* longer ones between requests are the program's own affair */

#if defined(__x86_64__)
typedef unsigned float_mode; /* MXCSR */
#define FLOAT_FLAGS 0x3fu
#else
typedef fenv_t float_mode;
#endif

typedef struct worker {
    pthread_t id;
    pthread_cond_t wake;
    atomic_bool asleep;
    char apart[64]; /* what one spins on is not in the cache line of the next */
} worker;

typedef struct trial {
    int64_t last;    /* when the last request ended */
    int64_t time;    /* of this window, gaps included */
    int64_t best[2]; /* of the windows shared, and alone */
    int count, window;
    bool alone;
} trial;

typedef struct ticket {
    _Alignas(64) _Atomic uint64_t word;
} ticket;

static struct pool {
    ticket ticket[THREADS_MOST];
    _Alignas(
        64) _Atomic uint64_t call; /* count of requests (56 bits), threads that take part: what idle workers watch */
    /* the request; read by those who have taken a chunk */
    threads_work *work;
    void *argument;
    int64_t chunks;
    float_mode mode;
    _Alignas(64) _Atomic int64_t done; /* chunks */
    atomic_int raised;                 /* floating-point exceptions */
    atomic_bool waiting;               /* the caller sleeps until all are done */
    _Alignas(64) atomic_bool busy;     /* somebody's request runs; what follows belongs to it */
    bool refused;                      /* a thread could not be made: do not ask again */
    int64_t gain;
    trial trial;
    _Atomic int64_t rest_until;
    atomic_bool always;
    /* with the lock */
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool prepared; /* handlers of fork are installed */
    atomic_bool stop;
    atomic_int workers;
    worker worker[THREADS_MOST - 1];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .finished = PTHREAD_COND_INITIALIZER};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void pause_a_little(void)
{
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---- tickets: threads (8 bits), front (28), back (28) ---- */

static uint64_t word_of(int threads, int64_t front, int64_t back)
{
    return (uint64_t)threads << 56 | (uint64_t)front << 28 | (uint64_t)back;
}

static int64_t front_of(uint64_t word)
{
    return (int64_t)(word >> 28) & THREADS_CHUNKS_MOST;
}

static int64_t back_of(uint64_t word)
{
    return (int64_t)word & THREADS_CHUNKS_MOST;
}

/* A chunk of ticket `of` for this thread, or -1. A word that looks the same but is of a later request does no harm: what
 * is taken is a chunk of that one, in which the thread takes part. */
static int64_t take_from(int of, int thread)
{
    _Atomic uint64_t *at = &pool.ticket[of].word;
    uint64_t word = atomic_load_explicit(at, memory_order_acquire);
    while (thread < (int)(word >> 56) && front_of(word) < back_of(word)) {
        uint64_t rest = thread == of ? word + ((uint64_t)1 << 28) : word - 1;
        if (atomic_compare_exchange_weak_explicit(at, &word, rest, memory_order_acq_rel, memory_order_acquire))
            return thread == of ? front_of(word) : back_of(rest);
    }
    return -1;
}

static int64_t take(int thread, int threads)
{
    int64_t chunk = take_from(thread, thread);
    for (int i = 1; chunk < 0 && i < threads; i++) chunk = take_from((thread + i) % threads, thread);
    return chunk;
}

static void publish(int threads, int64_t chunks)
{
    for (int i = 0; i < threads; i++)
        atomic_store_explicit(&pool.ticket[i].word, word_of(threads, chunks * i / threads, chunks * (i + 1) / threads),
                              memory_order_release);
    uint64_t count = atomic_load_explicit(&pool.call, memory_order_relaxed) >> 8;
    atomic_store(&pool.call, (count + 1) << 8 | (uint64_t)threads);
}

static bool takes_part(uint64_t call, int thread)
{
    return thread < (int)(call & 0xff);
}

/* ---- floating-point mode ---- */

#if defined(__x86_64__)
static float_mode mode_get(void)
{
    return _mm_getcsr() & ~FLOAT_FLAGS;
}

static void chunk_in_mode(int64_t chunk, int thread)
{
    unsigned own = _mm_getcsr();
    _mm_setcsr(pool.mode);
    pool.work(pool.argument, chunk, thread);
    unsigned flags = _mm_getcsr() & FLOAT_FLAGS;
    _mm_setcsr(own);
    if (flags) atomic_fetch_or_explicit(&pool.raised, (int)flags, memory_order_relaxed);
}

static void raise_flags(int flags)
{
    if (flags & ~(int)_mm_getcsr()) _mm_setcsr(_mm_getcsr() | (unsigned)flags);
}
#else
static float_mode mode_get(void)
{
    fenv_t mode;
    fegetenv(&mode);
    return mode;
}

static void chunk_in_mode(int64_t chunk, int thread)
{
    fenv_t own;
    fegetenv(&own);
    fesetenv(&pool.mode);
    pool.work(pool.argument, chunk, thread);
    int flags = fetestexcept(FE_ALL_EXCEPT);
    fesetenv(&own);
    if (flags) atomic_fetch_or_explicit(&pool.raised, flags, memory_order_relaxed);
}

static void raise_flags(int flags)
{
    if (flags) feraiseexcept(flags);
}
#endif

/* ---- workers ---- */

static void work_on(int64_t chunk, int thread)
{
    int64_t chunks = pool.chunks;
    chunk_in_mode(chunk, thread);
    /* from here on the request may be over */
    if (atomic_fetch_add(&pool.done, 1) + 1 < chunks || !atomic_load(&pool.waiting)) return;
    pthread_mutex_lock(&pool.lock);
    pthread_cond_signal(&pool.finished);
    pthread_mutex_unlock(&pool.lock);
}

/* Waits for a request after `seen`, for SPIN_NS at most, and helps with it. Returns the last request seen. */
static uint64_t spin(int thread, uint64_t seen)
{
    int64_t start = now();
    do {
        for (int i = 0; i < SPIN_ROUNDS; i++) {
            uint64_t call = atomic_load_explicit(&pool.call, memory_order_acquire);
            if (call == seen) {
                pause_a_little();
                continue;
            }
            seen = call;
            if (!takes_part(call, thread)) continue;
            for (int64_t chunk; (chunk = take(thread, (int)(call & 0xff))) >= 0;) work_on(chunk, thread);
            return seen;
        }
    } while (now() - start < SPIN_NS && !atomic_load_explicit(&pool.stop, memory_order_relaxed));
    return seen;
}

/* The caller publishes a request and then looks at `asleep`; a worker sets that and then looks for a request: one of them
 * sees the other. */
static void sleep_until_wanted(worker *me, int thread, uint64_t seen)
{
    pthread_mutex_lock(&pool.lock);
    atomic_store(&me->asleep, true);
    uint64_t call = atomic_load(&pool.call);
    if (call != seen && takes_part(call, thread)) atomic_store(&me->asleep, false);
    while (atomic_load(&me->asleep) && !atomic_load(&pool.stop)) pthread_cond_wait(&me->wake, &pool.lock);
    atomic_store(&me->asleep, false);
    pthread_mutex_unlock(&pool.lock);
}

static void *worker_main(void *argument)
{
    worker *me = argument;
    int thread = (int)(me - pool.worker) + 1;
    uint64_t seen = 0;
    while (!atomic_load(&pool.stop)) {
        uint64_t before = seen;
        seen = spin(thread, before);
        if (seen == before || !takes_part(seen, thread)) sleep_until_wanted(me, thread, seen);
    }
    return NULL;
}

static void wake(int threads)
{
    bool locked = false;
    for (int i = 0; i < threads - 1; i++) {
        worker *w = &pool.worker[i];
        if (!atomic_load(&w->asleep)) continue;
        if (!locked) pthread_mutex_lock(&pool.lock);
        locked = true;
        atomic_store(&w->asleep, false);
        pthread_cond_signal(&w->wake);
    }
    if (locked) pthread_mutex_unlock(&pool.lock);
}

/* ---- fork and exit ---- */

static void before_fork(void)
{
    pthread_mutex_lock(&pool.lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&pool.lock);
}

/* The child has one thread: no workers, and no request but its own, if it forks in the middle of one. */
static void after_fork_in_child(void)
{
    static const pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pool.finished = condition;
    atomic_store(&pool.workers, 0);
    for (int i = 0; i < THREADS_MOST; i++) atomic_store(&pool.ticket[i].word, 0);
    atomic_store(&pool.waiting, false);
    atomic_store(&pool.rest_until, 0);
    pool.gain = 0;
    pool.trial = (trial){.last = 0};
    pool.refused = false;
    atomic_store(&pool.busy, false);
    pthread_mutex_unlock(&pool.lock);
}

/* At exit, and when the library is unloaded. Later requests run in their callers. */
__attribute__((destructor)) static void stop(void)
{
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.stop, true);
    int workers = atomic_exchange(&pool.workers, 0);
    for (int i = 0; i < workers; i++) pthread_cond_signal(&pool.worker[i].wake);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < workers; i++) pthread_join(pool.worker[i].id, NULL);
}

/* Signals go to the program's own threads, but for those that a thread brings upon itself. */
static void signals_of_workers(sigset_t *set)
{
    static const int own[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT};
    sigfillset(set);
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++) sigdelset(set, own[i]);
}

/* Makes workers until there are `wanted`; returns how many there are. */
static int grow(int wanted)
{
    static const pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    sigset_t blocked, before;
    pthread_mutex_lock(&pool.lock);
    int workers = atomic_load(&pool.workers);
    if (atomic_load(&pool.stop)) wanted = workers;
    if (!pool.prepared) pool.prepared = !pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    if (!pool.prepared) wanted = workers;
    signals_of_workers(&blocked);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    for (; workers < wanted; workers++) {
        worker *w = &pool.worker[workers];
        w->wake = condition;
        atomic_store(&w->asleep, false);
        pool.refused = pthread_create(&w->id, NULL, worker_main, w) != 0;
        if (pool.refused) break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    atomic_store(&pool.workers, workers);
    pthread_mutex_unlock(&pool.lock);
    return workers;
}

/* ---- requests ---- */

static bool all_done(void)
{
    return atomic_load_explicit(&pool.done, memory_order_acquire) == pool.chunks;
}

static void wait_for_workers(void)
{
    int64_t start = now();
    do {
        for (int i = 0; i < SPIN_ROUNDS; i++) {
            if (all_done()) return;
            pause_a_little();
        }
    } while (now() - start < SPIN_NS);
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.waiting, true);
    while (atomic_load(&pool.done) < pool.chunks) pthread_cond_wait(&pool.finished, &pool.lock);
    atomic_store(&pool.waiting, false);
    pthread_mutex_unlock(&pool.lock);
}

/* Chunks that the caller ran: how many, how long altogether, the longest. */
typedef struct share {
    int64_t chunks, total, longest;
} share;

static share run_share(int threads, threads_work *work, void *argument)
{
    share s = {0, 0, 0};
    int64_t last = now();
    for (int64_t chunk; (chunk = take(0, threads)) >= 0; s.chunks++) {
        work(argument, chunk, 0);
        int64_t end = now(), took = end - last;
        s.total += took;
        if (took > s.longest) s.longest = took;
        last = end;
    }
    return s;
}

/* The pace of the caller alone is that of its chunks without the longest, which an interruption may have stretched. A
 * caller that came to run none had to give its processor to a worker: nothing ran side by side. */
static void account(int64_t chunks, share own, int64_t start)
{
    int64_t end = now(), pace = own.chunks > 1 ? (own.total - own.longest) / (own.chunks - 1) : own.total;
    if (own.chunks == 1 && pace > CHUNK_MOST_NS) pace = CHUNK_MOST_NS;
    if (own.chunks > 0)
        pool.gain += pace * chunks - (end - start);
    else
        pool.gain -= (end - start) / 2;
    if (pool.gain > GAIN_MOST_NS) pool.gain = GAIN_MOST_NS;
    if (pool.gain >= -LOSS_MOST_NS) return;
    int64_t rest = -pool.gain < REST_MOST_NS / REST_FACTOR ? -pool.gain * REST_FACTOR : REST_MOST_NS;
    atomic_store_explicit(&pool.rest_until, end + rest, memory_order_relaxed);
    pool.gain = 0;
}

static void run_shared(int threads, int64_t chunks, threads_work *work, void *argument)
{
    int64_t start = now();
    pool.work = work;
    pool.argument = argument;
    pool.chunks = chunks;
    pool.mode = mode_get();
    atomic_store_explicit(&pool.raised, 0, memory_order_relaxed);
    atomic_store_explicit(&pool.done, 0, memory_order_relaxed);
    publish(threads, chunks);
    wake(threads);
    share own = run_share(threads, work, argument);
    atomic_fetch_add(&pool.done, own.chunks);
    if (!all_done()) wait_for_workers();
    raise_flags(atomic_load_explicit(&pool.raised, memory_order_relaxed));
    account(chunks, own, start);
}

static bool always(void)
{
    return atomic_load_explicit(&pool.always, memory_order_relaxed);
}

static bool resting(void)
{
    int64_t until = atomic_load_explicit(&pool.rest_until, memory_order_relaxed);
    return until && now() < until && !always();
}

/* A request ran from start to end. */
static void compare_ways(trial *t, int64_t start, int64_t end)
{
    t->time += end - start + (start - t->last < GAP_MOST_NS ? start - t->last : 0);
    t->last = end;
    if (++t->count < WINDOW) return;
    if (t->window < TRIALS && (t->window < 2 || t->time < t->best[t->alone])) t->best[t->alone] = t->time;
    t->count = 0;
    t->time = 0;
    t->window = (t->window + 1) % (TRIALS + KEPT);
    if (t->window < TRIALS)
        t->alone = t->window % 2;
    else if (t->window == TRIALS)
        t->alone = (double)t->best[true] < MARGIN * (double)t->best[false];
}

static bool enter(int threads)
{
    if (resting() || atomic_load_explicit(&pool.busy, memory_order_relaxed)) return false;
    if (atomic_exchange_explicit(&pool.busy, true, memory_order_acquire)) return false;
    int workers = atomic_load(&pool.workers);
    if (workers < threads - 1 && !pool.refused) workers = grow(threads - 1);
    if (workers > 0 && !atomic_load(&pool.stop)) return true;
    atomic_store_explicit(&pool.busy, false, memory_order_release);
    return false;
}

static void run_alone(int64_t chunks, threads_work *work, void *argument)
{
    for (int64_t chunk = 0; chunk < chunks; chunk++) work(argument, chunk, 0);
}

void threads_run(int threads, int64_t chunks, threads_work *work, void *argument)
{
    if (threads > THREADS_MOST) threads = THREADS_MOST;
    if (threads > chunks) threads = (int)chunks;
    if (threads > 1 && chunks <= THREADS_CHUNKS_MOST && enter(threads)) {
        int64_t start = now();
        if (!pool.trial.alone || always())
            run_shared(threads, chunks, work, argument);
        else
            run_alone(chunks, work, argument);
        compare_ways(&pool.trial, start, now());
        atomic_store_explicit(&pool.busy, false, memory_order_release);
        return;
    }
    run_alone(chunks, work, argument);
}

/* ---- how many ---- */

static int processors_available(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online < THREADS_MOST ? (int)online : online > 0 ? THREADS_MOST : 1;
}

int threads_choose(const char *wanted, int available)
{
    if (wanted && *wanted >= '0' && *wanted <= '9') {
        char *end;
        errno = 0;
        long count = strtol(wanted, &end, 10);
        if (*end == '\0' && count > 0) available = errno == ERANGE || count > THREADS_MOST ? THREADS_MOST : (int)count;
    }
    return available < 1 ? 1 : available > THREADS_MOST ? THREADS_MOST : available;
}

int threads_default(void)
{
    return threads_choose(getenv("REEL_THREADS"), processors_available());
}

/* ---- for tests ---- */

int threads_workers(void)
{
    return atomic_load(&pool.workers);
}

void threads_test_always(bool always)
{
    atomic_store(&pool.always, always);
}
