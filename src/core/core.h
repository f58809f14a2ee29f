/* SPDX-License-Identifier: MIT
 *
 * What all of src shares: the context's inside, owned objects, memory, errors, arena.
 */
#ifndef REEL_CORE_H
#define REEL_CORE_H

#include <reel/array.h>
#include <stdarg.h>

/* Every object a context owns starts with this. `destroy` frees what the object holds and the object itself. */
typedef struct reel_object {
    struct reel_object *previous, *next;
    reel_context *context;
    void (*destroy)(struct reel_object *object);
} reel_object;

#define ERROR_TEXT_SIZE 1024

#define OWN_KINDS 32
struct reel_context {
    reel_allocator allocator;
    reel_object *objects; /* newest first */
    reel_memory memory;
    int threads; /* 1 ... THREADS_MOST */
    reel_status status;
    char error[ERROR_TEXT_SIZE];
    /* kinds of the program's own: reel_schedule_type, reel_optimizer_type */
    const void *own_schedules[OWN_KINDS], *own_optimizers[OWN_KINDS];
    int own_schedule_count, own_optimizer_count;
};

/* Memory of the context. They keep REEL_NO_MEMORY (named `who`) and return NULL when there is none; release accepts
 * NULL. Sizes are given back by the caller, who knows them. */
void *memory_new(reel_context *context, const char *site, const char *who, size_t size); /* not cleared */
void *memory_zero(reel_context *context, const char *site, const char *who, size_t size);
void *memory_resize(reel_context *context, const char *site, const char *who, void *old, size_t old_size,
                    size_t new_size);
void memory_free(reel_context *context, void *pointer, size_t size);
char *memory_string(reel_context *context, const char *site, const char *who, const char *text);
void memory_string_free(reel_context *context, char *text);

/* Allocates a cleared object of `size` bytes that starts with a reel_object, and enters it in the context. NULL with
 * an error when the context is NULL or has failed already, or memory is short. */
void *object_new(reel_context *context, const char *site, const char *who, size_t size,
                 void (*destroy)(reel_object *object));
/* Takes the object out of its context and returns its memory; called last by every destroy function. */
void object_release(reel_object *object, size_t size);
/* A context frees its newest object first. One that frees objects made after itself calls this when it has made them:
 * it then comes before them. */
void object_raise(void *object);
/* Calls destroy; accepts NULL. */
void object_free(void *object);

/* reel_failed, in place. */
static inline bool context_failed(const reel_context *context)
{
    return !context || context->status != REEL_OK;
}

/* reel_dtype_size of a valid element type, in place. */
static inline size_t element_size(reel_dtype dtype)
{
    return dtype == REEL_FLOAT ? 4 : dtype == REEL_UINT8 ? 1 : 8;
}

/* Writes `(3,4)` to text. Returns text. */
#define SHAPE_TEXT_SIZE 160
char *shape_text(char text[SHAPE_TEXT_SIZE], const reel_array *array);
/* product of the dimensions, or -1 for a bad rank, a negative dimension, or one past 2^62 bytes. */
int64_t shape_size(reel_dtype dtype, int rank, const int64_t *shape);

/* to[i] = from[i], converted; both of one size. */
void array_convert(reel_array *to, const reel_array *from);

/* Arena: chunks that never move. mark/release give back in reverse order; rewind gives back all and merges the chunks
 * into one of the largest size seen, so that the next round of the same size asks for nothing. */
typedef struct arena_chunk arena_chunk;
typedef struct arena {
    reel_context *context;
    arena_chunk *current; /* the newest; older ones hang behind it */
    arena_chunk *spare;   /* one that a release gave back, or NULL */
    char *next, *end;     /* free bytes of the current chunk; the end is aligned as far as anything is */
    size_t older;         /* bytes handed out since the last rewind in older chunks, padding included */
    size_t largest;       /* the most bytes ever used between two rewinds */
} arena;

typedef struct arena_mark {
    arena_chunk *chunk;
    char *next;
    size_t used;
} arena_mark;

#define ARENA_ALIGN 64

/* Bytes handed out since the last rewind, padding included. */
size_t arena_used(const arena *a);
/* Has it been handed out since the last rewind, and not been given back? */
bool arena_holds(const arena *a, const void *memory);
void arena_init(arena *a, reel_context *context);
void arena_free(arena *a);
void *arena_grow(arena *a, size_t size);
arena_mark arena_mark_here(const arena *a);
void arena_release(arena *a, arena_mark mark);
void arena_rewind(arena *a);
void arena_poison(void *from, size_t size);
void arena_unpoison(void *from, size_t size);

#if defined(__SANITIZE_ADDRESS__)
#define REEL_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REEL_POISON 1
#endif
#endif

/* `size` bytes, aligned to 16 below 64 bytes and to 64 from there on; NULL with an error when memory is short. */
static inline void *arena_take(arena *a, size_t size)
{
    size_t align = size < ARENA_ALIGN ? 16 : ARENA_ALIGN;
    size += size == 0; /* an arena without memory must not give NULL */
    uintptr_t at = ((uintptr_t)a->next + align - 1) & ~(uintptr_t)(align - 1);
    if (size > (uintptr_t)a->end - at) return arena_grow(a, size);
    a->next = (char *)at + size;
#ifdef REEL_POISON
    arena_unpoison((void *)at, size);
#endif
    return (void *)at;
}

#endif
