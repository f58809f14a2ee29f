/* SPDX-License-Identifier: MIT
 *
 * Arena of chunks that never move.
 */
#include "core/core.h"

#ifdef REEL_POISON
#include <sanitizer/asan_interface.h>
#endif

struct arena_chunk {
    arena_chunk *older;
    size_t size; /* bytes of the whole block, this header included */
};

#define FIRST_CHUNK ((size_t)1 << 16)

void arena_poison(void *from, size_t size)
{
#ifdef REEL_POISON
    ASAN_POISON_MEMORY_REGION(from, size);
#else
    (void)from;
    (void)size;
#endif
}

void arena_unpoison(void *from, size_t size)
{
#ifdef REEL_POISON
    ASAN_UNPOISON_MEMORY_REGION(from, size);
#else
    (void)from;
    (void)size;
#endif
}

void arena_init(arena *a, reel_context *context)
{
    *a = (arena){.context = context};
}

static void chunk_free(arena *a, arena_chunk *chunk)
{
    arena_unpoison(chunk, chunk->size);
    memory_free(a->context, chunk, chunk->size);
}

static void arena_free_chunks(arena *a)
{
    while (a->current) {
        arena_chunk *older = a->current->older;
        chunk_free(a, a->current);
        a->current = older;
    }
    if (a->spare) chunk_free(a, a->spare);
    a->spare = NULL;
    a->next = a->end = NULL;
}

void arena_free(arena *a)
{
    arena_free_chunks(a);
    arena_init(a, a->context);
}

static char *chunk_start(const arena_chunk *chunk)
{
    return (char *)(uintptr_t)(chunk + 1);
}

/* The last place in it that is aligned as far as anything is. */
static char *chunk_end(arena_chunk *chunk)
{
    char *end = (char *)chunk + chunk->size;
    return end - ((uintptr_t)end & (ARENA_ALIGN - 1));
}

size_t arena_used(const arena *a)
{
    return a->older + (a->current ? (size_t)(a->next - chunk_start(a->current)) : 0);
}

bool arena_holds(const arena *a, const void *memory)
{
    const uintptr_t at = (uintptr_t)memory;
    for (arena_chunk *chunk = a->current; chunk; chunk = chunk->older) {
        const char *end = chunk == a->current ? a->next : chunk_end(chunk);
        if (at >= (uintptr_t)chunk_start(chunk) && at < (uintptr_t)end) return true;
    }
    return false;
}

/* older: bytes in use in the chunks before it. */
static void open_chunk(arena *a, arena_chunk *chunk, size_t older)
{
    a->older = older;
    a->current = chunk;
    a->next = chunk_start(chunk);
    a->end = chunk_end(chunk);
    arena_poison(a->next, (size_t)(a->end - a->next));
}

/* Opens a chunk that holds at least `size` bytes: twice the last one, or more. */
void *arena_grow(arena *a, size_t size)
{
    size_t chunk_size = a->current ? 2 * a->current->size : FIRST_CHUNK;
    size_t needed = size + sizeof(arena_chunk) + 2 * ARENA_ALIGN;
    if (needed < size) needed = SIZE_MAX / 2;
    while (chunk_size < needed) chunk_size = chunk_size > SIZE_MAX / 4 ? needed : 2 * chunk_size;
    arena_chunk *chunk = a->spare;
    if (chunk && chunk->size >= needed) {
        chunk_size = chunk->size;
        a->spare = NULL;
        arena_unpoison(chunk, chunk_size);
    } else {
        chunk = memory_new(a->context, NULL, "tape", chunk_size);
        if (!chunk) return NULL;
    }
    *chunk = (arena_chunk){.older = a->current, .size = chunk_size};
    open_chunk(a, chunk, arena_used(a));
    return arena_take(a, size);
}

arena_mark arena_mark_here(const arena *a)
{
    return (arena_mark){a->current, a->next, arena_used(a)};
}

static void note_use(arena *a)
{
    if (arena_used(a) > a->largest) a->largest = arena_used(a);
}

/* Gives back everything taken since the mark. The largest chunk that falls free is kept as a spare, so that a loop of
 * mark and release does not allocate. */
void arena_release(arena *a, arena_mark mark)
{
    note_use(a);
    while (a->current && a->current != mark.chunk) {
        arena_chunk *chunk = a->current;
        a->current = chunk->older;
        if (a->spare && a->spare->size >= chunk->size) {
            chunk_free(a, chunk);
            continue;
        }
        if (a->spare) chunk_free(a, a->spare);
        a->spare = chunk;
    }
    a->next = mark.next;
    a->end = a->current ? chunk_end(a->current) : NULL;
    if (a->current) arena_poison(a->next, (size_t)(a->end - a->next));
    a->older = 0;
    a->older = mark.used - arena_used(a);
}

void arena_rewind(arena *a)
{
    note_use(a);
    a->older = 0;
    if (!a->current) return;
    if (a->current->older) {
        /* One chunk for the most ever used; padding at chunk borders can differ, so leave some room. */
        size_t size = a->largest + a->largest / 16 + sizeof(arena_chunk) + 64 * ARENA_ALIGN;
        arena_free_chunks(a);
        a->current = memory_new(a->context, NULL, "tape", size);
        if (!a->current) return;
        *a->current = (arena_chunk){.size = size};
    }
    open_chunk(a, a->current, 0);
}
