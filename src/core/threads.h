/* SPDX-License-Identifier: MIT
 *
 * The thread pool. There is one in a process, made when it is first used; contexts take turns.
 */
#ifndef REEL_THREADS_H
#define REEL_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#define THREADS_MOST 64
#define THREADS_CHUNKS_MOST (((int64_t)1 << 28) - 1)

/* One chunk of a request. `thread` is below the number of threads asked for and differs between chunks that run at the
 * same time: for memory to work in. Chunks must not depend on each other. */
typedef void threads_work(void *argument, int64_t chunk, int thread);

/* Runs chunks 0 ... chunks - 1, each once, on at most `threads` threads, of which the caller is one, and returns when all
 * are done. The bits are the same for any number of threads when neither the cutting into chunks nor what a chunk computes
 * depends on it. The caller runs everything itself, in order, when the pool is busy with another request (of another
 * context, or the one this call is nested in), when no thread can be made, when there are more than THREADS_CHUNKS_MOST
 * chunks, and while threads make the program slower. Thread i of n begins with its n-th part of the chunks, every
 * time: requests that cut the same data alike find them in their caches. Workers take over the caller's floating-point
 * mode, and the exceptions they raise are raised in the caller. A forked child makes a pool of its own; a chunk does not
 * fork. */
void threads_run(int threads, int64_t chunks, threads_work *work, void *argument);

/* How many threads a context uses that does not say: the value of REEL_THREADS, else the processors available. */
int threads_default(void);
/* The same for a given value of REEL_THREADS, or NULL. A number above THREADS_MOST counts as that, and a text that is not a
 * number from 1 up counts as none. */
int threads_choose(const char *wanted, int available);

/* For tests: workers that the pool has now; and, while `always` is set, no request runs in its caller alone for the sake
 * of speed. */
int threads_workers(void);
void threads_test_always(bool always);

#endif
