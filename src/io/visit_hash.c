/* SPDX-License-Identifier: MIT
 *
 * The state hash: XXH3-128 over what a visitor is shown.
 */
#include "io/hash.h"
#include "io/visit_inside.h"

#include <string.h>

#define HASH_ALIGN 64 /* of hash_stream */

size_t visitor_hash_size(void)
{
    return sizeof(hash_stream) + HASH_ALIGN;
}

void visitor_hash_start(visitor *v, void *memory)
{
    v->hash = (void *)(((uintptr_t)memory + HASH_ALIGN - 1) & ~(uintptr_t)(HASH_ALIGN - 1));
    hash_start(v->hash);
}

static void mix(visitor *v, const void *data, size_t size)
{
    if (v->draft)
        draft_mix(v->draft, data, size);
    else
        hash_bytes(v->hash, data, size);
}

void visitor_mix_uint64(visitor *v, uint64_t x)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(x >> 8 * i);
    mix(v, bytes, 8);
}

void visitor_mix_text(visitor *v, const char *text, size_t size)
{
    visitor_mix_uint64(v, size);
    mix(v, text, size);
}

void visitor_mix_tag(visitor *v, hash_tag tag, const char *name)
{
    uint8_t byte = (uint8_t)tag;
    mix(v, &byte, 1);
    if (name) visitor_mix_text(v, name, strlen(name));
}

void visitor_mix_double(visitor *v, double x)
{
    uint64_t bits = (uint64_t)0x7ff8 << 48;
    if (x == x) memcpy(&bits, &x, sizeof bits);
    visitor_mix_uint64(v, bits);
}

void visitor_mix_elements(visitor *v, const reel_array *array)
{
    if (!v->draft) {
        hash_elements(v->hash, array->dtype, array->data, array->size);
        return;
    }
    uint8_t bytes[8 * HASH_BLOCK];
    for (int64_t from = 0; from < array->size; from += HASH_BLOCK) {
        int64_t n = array->size - from < HASH_BLOCK ? array->size - from : HASH_BLOCK;
        const char *data = (const char *)array->data + (size_t)from * element_size(array->dtype);
        mix(v, bytes, hash_canonical(bytes, array->dtype, data, n));
    }
}

void visitor_hash_finish(visitor *v, char hex[33])
{
    hex[0] = '\0';
    if (visit_failed(v) || v->mode != VISIT_HASH) return;
    hash_digits(v->hash, hex);
}
