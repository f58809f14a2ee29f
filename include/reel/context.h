/* SPDX-License-Identifier: MIT
 *
 * The context: owner of every object, keeper of the first error.
 */
#ifndef REEL_CONTEXT_H
#define REEL_CONTEXT_H

#include <reel/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_context reel_context;

/* One function for all memory: allocate (pointer NULL), resize, or free (new_size 0). Returns NULL when there is none;
 * a failed resize leaves the old block as it was. Memory returned is aligned as malloc aligns. */
typedef struct reel_allocator {
    void *(*resize)(void *user, void *pointer, size_t old_size, size_t new_size);
    void *user;
} reel_allocator;

/* What a context holds. Unit: bytes, except `allocations`, the number of calls that asked for new or more memory. */
typedef struct reel_memory {
    size_t in_use;
    size_t peak;
    uint64_t allocations;
} reel_memory;

/* Makes a context. `allocator` NULL: the C library's. Returns NULL when there is no memory; every function of Reel
 * accepts that NULL, does nothing, and reel_failed(NULL) is true. One context belongs to one thread at a time; several
 * may run at once. Free with reel_context_free, which frees every object made from it. */
REEL_API reel_context *reel_context_new(const reel_allocator *allocator);
REEL_API void reel_context_free(reel_context *context);

/* True when an error was kept. */
REEL_API bool reel_failed(const reel_context *context);
/* The first error's code, REEL_OK when there is none. */
REEL_API reel_status reel_error_status(const reel_context *context);
/* The first error as a sentence, `train.c:41: matmul: inner sizes differ, (32,784) x (128,10)`; "" when there is none.
 * Belongs to the context, valid until reel_error_clear. */
REEL_API const char *reel_error_text(const reel_context *context);
/* Forgets the error, so that work can go on. */
REEL_API void reel_error_clear(reel_context *context);
/* Keeps an error of the caller's own, unless one is kept already: `site`: `who`: sentence. Returns `status`. For
 * operations, optimizers and data readers that a program adds. */
REEL_API reel_status reel_error_set(reel_context *context, reel_status status, const char *site, const char *who,
                                    const char *format, ...) REEL_PRINTF(5, 6);

/* How many threads large products, element-wise operations and optimizer steps of this context may use, the calling one
 * included: 1 ... 64, more counts as 64. 0 or less, and a new context: the value of the environment variable REEL_THREADS,
 * else the number of processors available to the process. The results have the same bits for any number. Small
 * work stays in the calling thread, and so does everything while another context uses the threads or they do not pay
 * because other programs keep the processors busy. The threads are Reel's own: they are started by the first work that is
 * worth it, shared by all contexts, sleep when there is nothing to do, take over the floating-point mode of the
 * calling thread, handle no signals of the process, and end with it. A forked child starts its own. */
REEL_API void reel_context_set_threads(reel_context *context, int threads);
/* The number in force, 1 ... 64; 1 for NULL. */
REEL_API int reel_context_threads(const reel_context *context);

/* Memory in use, its peak, and how often memory was asked for. */
REEL_API reel_memory reel_context_memory(const reel_context *context);

#ifdef __cplusplus
}
#endif

#endif
