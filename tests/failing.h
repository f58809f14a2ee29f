/* SPDX-License-Identifier: MIT
 *
 * An allocator of which so many allocations succeed and then none, and that counts what is in use.
 */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define FAIL_NEVER UINT64_MAX

typedef struct failing {
    uint64_t left; /* allocations that succeed */
    size_t in_use;
    bool idle; /* meanwhile all succeed, and none counts */
} failing;

static inline void *fail_after(void *user, void *pointer, size_t old_size, size_t new_size)
{
    failing *f = user;
    if (new_size == 0) {
        f->in_use -= old_size;
        free(pointer);
        return NULL;
    }
    if (!f->idle && f->left == 0) return NULL;
    if (!f->idle) f->left--;
    void *p = realloc(pointer, new_size);
    if (p) f->in_use += new_size - old_size;
    return p;
}

#endif
