/* SPDX-License-Identifier: MIT
 *
 * A thread that does one piece of work at a time while its owner goes on. What the work needs belongs to the thread from
 * writer_give until the owner sees that it has ended.
 */
#ifndef REEL_TRAIN_WRITER_H
#define REEL_TRAIN_WRITER_H

#include <reel/base.h>

#include <pthread.h>
#include <stdatomic.h>

/* TAKING: it is busy and still needs what belongs to the owner. */
typedef enum writer_state { WRITER_FREE, WRITER_TAKING, WRITER_BUSY, WRITER_ENDED } writer_state;

typedef struct writer {
    void (*work)(void *user);
    void *user;
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *); /* tests make it fail */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* given, ended or quit */
    _Atomic int state;      /* writer_state; changed under the mutex */
    bool running, quit;
} writer;

void writer_init(writer *w, void (*work)(void *user), void *user);
/* Starts the thread unless it runs, all signals blocked in it. False when it cannot be made. */
bool writer_start(writer *w);
/* Has it do the work; it must run and be free. `taking`: the work will call writer_took, and until then the owner leaves
 * as it is what the work copies. */
void writer_give(writer *w, bool taking);
void writer_took(writer *w);
/* Waits until that is so. */
void writer_wait_took(writer *w);
/* Has it ended what it was given? Costs one load. */
static inline bool writer_ended(writer *w)
{
    return atomic_load_explicit(&w->state, memory_order_acquire) == WRITER_ENDED;
}
static inline bool writer_busy(writer *w)
{
    int state = atomic_load_explicit(&w->state, memory_order_acquire);
    return state == WRITER_TAKING || state == WRITER_BUSY;
}
static inline bool writer_taking(writer *w)
{
    return atomic_load_explicit(&w->state, memory_order_acquire) == WRITER_TAKING;
}
/* Waits until it is not busy. */
void writer_wait(writer *w);
/* The owner has seen the outcome: it is free again. */
void writer_taken(writer *w);
/* Waits for the work and ends the thread. */
void writer_stop(writer *w);
/* After writer_stop. */
void writer_free(writer *w);

#endif
