/* SPDX-License-Identifier: MIT
 *
 * Context: first error, memory, owned objects.
 */
#include "core/core.h"
#include "core/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *reel_status_text(reel_status status)
{
    static const char *const texts[] = {
#define STATUS_ROW(name, text) [REEL_##name] = text,
        REEL_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
    };
    return (unsigned)status < REEL_STATUS_COUNT ? texts[status] : "unknown status";
}

const char *reel_version(void)
{
    return REEL_VERSION;
}

static void *libc_resize(void *user, void *pointer, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, new_size);
}

reel_context *reel_context_new(const reel_allocator *allocator)
{
    reel_allocator a = {libc_resize, NULL};
    if (allocator && allocator->resize) a = *allocator;
    reel_context *context = a.resize(a.user, NULL, 0, sizeof *context);
    if (!context) return NULL;
    memset(context, 0, sizeof *context);
    context->allocator = a;
    context->threads = threads_default();
    return context;
}

void reel_context_free(reel_context *context)
{
    if (!context) return;
    while (context->objects) object_free(context->objects);
    reel_allocator a = context->allocator;
    a.resize(a.user, context, sizeof *context, 0);
}

bool reel_failed(const reel_context *context)
{
    return !context || context->status != REEL_OK;
}

reel_status reel_error_status(const reel_context *context)
{
    return context ? context->status : REEL_NO_MEMORY;
}

const char *reel_error_text(const reel_context *context)
{
    return context ? context->error : "out of memory: there is no context";
}

void reel_error_clear(reel_context *context)
{
    if (!context) return;
    context->status = REEL_OK;
    context->error[0] = '\0';
}

/* Every error of the library passes here: the place for a breakpoint. */
reel_status reel_error_set(reel_context *context, reel_status status, const char *site, const char *who,
                           const char *format, ...)
{
    if (!context || context->status != REEL_OK || status == REEL_OK) return status;
    context->status = status;
    size_t used = 0;
    const char *parts[] = {site, who};
    for (int i = 0; i < 2; i++) {
        if (!parts[i] || !*parts[i]) continue;
        int n = snprintf(context->error + used, ERROR_TEXT_SIZE - used, "%s: ", parts[i]);
        if (n > 0) used += (size_t)n;
        if (used >= ERROR_TEXT_SIZE) used = ERROR_TEXT_SIZE - 1;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context->error + used, ERROR_TEXT_SIZE - used, format, arguments);
    va_end(arguments);
    return status;
}

void reel_context_set_threads(reel_context *context, int threads)
{
    if (!context) return;
    context->threads = threads <= 0 ? threads_default() : threads < THREADS_MOST ? threads : THREADS_MOST;
}

int reel_context_threads(const reel_context *context)
{
    return context ? context->threads : 1;
}

reel_memory reel_context_memory(const reel_context *context)
{
    return context ? context->memory : (reel_memory){0, 0, 0};
}

void *memory_resize(reel_context *context, const char *site, const char *who, void *old, size_t old_size,
                    size_t new_size)
{
    if (!context) return NULL;
    if (new_size == 0) {
        memory_free(context, old, old_size);
        return NULL;
    }
    void *p = context->allocator.resize(context->allocator.user, old, old_size, new_size);
    if (!p) {
        reel_error_set(context, REEL_NO_MEMORY, site, who, "out of memory, %zu bytes asked for", new_size);
        return NULL;
    }
    context->memory.allocations++;
    context->memory.in_use += new_size - old_size;
    if (context->memory.in_use > context->memory.peak) context->memory.peak = context->memory.in_use;
    return p;
}

void *memory_new(reel_context *context, const char *site, const char *who, size_t size)
{
    return memory_resize(context, site, who, NULL, 0, size ? size : 1);
}

void *memory_zero(reel_context *context, const char *site, const char *who, size_t size)
{
    void *p = memory_new(context, site, who, size);
    if (p) memset(p, 0, size);
    return p;
}

void memory_free(reel_context *context, void *pointer, size_t size)
{
    if (!context || !pointer) return;
    context->allocator.resize(context->allocator.user, pointer, size ? size : 1, 0);
    context->memory.in_use -= size ? size : 1;
}

char *memory_string(reel_context *context, const char *site, const char *who, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_new(context, site, who, size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

void memory_string_free(reel_context *context, char *text)
{
    if (text) memory_free(context, text, strlen(text) + 1);
}

void *object_new(reel_context *context, const char *site, const char *who, size_t size,
                 void (*destroy)(reel_object *object))
{
    if (reel_failed(context)) return NULL;
    reel_object *object = memory_zero(context, site, who, size);
    if (!object) return NULL;
    object->context = context;
    object->destroy = destroy;
    object->next = context->objects;
    if (object->next) object->next->previous = object;
    context->objects = object;
    return object;
}

void object_release(reel_object *object, size_t size)
{
    reel_context *context = object->context;
    if (object->previous)
        object->previous->next = object->next;
    else
        context->objects = object->next;
    if (object->next) object->next->previous = object->previous;
    memory_free(context, object, size);
}

void object_raise(void *pointer)
{
    reel_object *object = pointer;
    if (!object || !object->previous) return;
    reel_context *context = object->context;
    object->previous->next = object->next;
    if (object->next) object->next->previous = object->previous;
    object->previous = NULL;
    object->next = context->objects;
    object->next->previous = object;
    context->objects = object;
}

void object_free(void *object)
{
    if (object) ((reel_object *)object)->destroy(object);
}
