/* SPDX-License-Identifier: MIT
 *
 * An allocator whose n-th allocation fails, and that counts what is in use.
 */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include <stdint.h>
#include <stdlib.h>

typedef struct failing {
    uint64_t left;
    size_t in_use;
} failing;

static void *fail_after(void *user, void *pointer, size_t old_size, size_t new_size)
{
    failing *f = user;
    if (new_size == 0) {
        f->in_use -= old_size;
        free(pointer);
        return NULL;
    }
    if (f->left == 0) return NULL;
    f->left--;
    void *p = realloc(pointer, new_size);
    if (p) f->in_use += new_size - old_size;
    return p;
}

#endif
