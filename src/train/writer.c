/* SPDX-License-Identifier: MIT
 *
 * The thread that writes.
 */
#include "train/writer.h"

#include <signal.h>

void writer_init(writer *w, void (*work)(void *user), void *user)
{
    *w = (writer){.work = work, .user = user, .create = pthread_create};
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
}

/* Called with the mutex held. */
static void change(writer *w, writer_state state)
{
    atomic_store_explicit(&w->state, state, memory_order_release);
    pthread_cond_broadcast(&w->changed);
}

static void *run(void *self)
{
    writer *w = self;
    pthread_mutex_lock(&w->mutex);
    while (true) {
        while (!w->quit && !writer_busy(w)) pthread_cond_wait(&w->changed, &w->mutex);
        if (!writer_busy(w)) break;
        pthread_mutex_unlock(&w->mutex);
        w->work(w->user);
        pthread_mutex_lock(&w->mutex);
        change(w, WRITER_ENDED);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

bool writer_start(writer *w)
{
    if (w->running) return true;
    sigset_t all, before;
    sigfillset(&all);
    w->quit = false;
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a new thread has the mask of the one that makes it */
    w->running = w->create(&w->thread, NULL, run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->running;
}

void writer_give(writer *w, bool taking)
{
    pthread_mutex_lock(&w->mutex);
    change(w, taking ? WRITER_TAKING : WRITER_BUSY);
    pthread_mutex_unlock(&w->mutex);
}

void writer_took(writer *w)
{
    if (!writer_taking(w)) return;
    pthread_mutex_lock(&w->mutex);
    change(w, WRITER_BUSY);
    pthread_mutex_unlock(&w->mutex);
}

void writer_wait_took(writer *w)
{
    if (!writer_taking(w)) return;
    pthread_mutex_lock(&w->mutex);
    while (writer_taking(w)) pthread_cond_wait(&w->changed, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
}

void writer_wait(writer *w)
{
    if (!writer_busy(w)) return;
    pthread_mutex_lock(&w->mutex);
    while (writer_busy(w)) pthread_cond_wait(&w->changed, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
}

void writer_taken(writer *w)
{
    pthread_mutex_lock(&w->mutex);
    atomic_store_explicit(&w->state, WRITER_FREE, memory_order_release);
    pthread_mutex_unlock(&w->mutex);
}

void writer_stop(writer *w)
{
    if (!w->running) return;
    pthread_mutex_lock(&w->mutex);
    w->quit = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    w->running = false;
}

void writer_free(writer *w)
{
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
}
