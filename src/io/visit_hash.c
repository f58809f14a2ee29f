/* SPDX-License-Identifier: MIT
 *
 * The state hash: XXH3-128 over what a visitor is shown.
 */
#include "io/visit_inside.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>
#include <string.h>

#define HASH_ALIGN 64 /* of XXH3_state_t */

size_t visitor_hash_size(void)
{
    return sizeof(XXH3_state_t) + HASH_ALIGN;
}

void visitor_hash_start(visitor *v, void *memory)
{
    v->hash = (void *)(((uintptr_t)memory + HASH_ALIGN - 1) & ~(uintptr_t)(HASH_ALIGN - 1));
    XXH3_128bits_reset(v->hash);
}

void visitor_mix_uint64(visitor *v, uint64_t x)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(x >> 8 * i);
    XXH3_128bits_update(v->hash, bytes, 8);
}

void visitor_mix_text(visitor *v, const char *text, size_t size)
{
    visitor_mix_uint64(v, size);
    XXH3_128bits_update(v->hash, text, size);
}

void visitor_mix_tag(visitor *v, hash_tag tag, const char *name)
{
    uint8_t byte = (uint8_t)tag;
    XXH3_128bits_update(v->hash, &byte, 1);
    if (name) visitor_mix_text(v, name, strlen(name));
}

void visitor_mix_double(visitor *v, double x)
{
    uint64_t bits = (uint64_t)0x7ff8 << 48;
    if (x == x) memcpy(&bits, &x, sizeof bits);
    visitor_mix_uint64(v, bits);
}

#define HASH_BLOCK 1024

/* Elements as little-endian bits, NaNs made one. */
void visitor_mix_elements(visitor *v, const reel_array *array)
{
    size_t size = reel_dtype_size(array->dtype);
    if (size == 1) {
        XXH3_128bits_update(v->hash, array->data, (size_t)array->size);
        return;
    }
    uint8_t bytes[8 * HASH_BLOCK];
    for (int64_t from = 0; from < array->size; from += HASH_BLOCK) {
        int64_t n = array->size - from < HASH_BLOCK ? array->size - from : HASH_BLOCK;
        memcpy(bytes, (const char *)array->data + (size_t)from * size, (size_t)n * size);
        if (array->dtype == REEL_FLOAT) {
            uint32_t x[HASH_BLOCK];
            memcpy(x, bytes, (size_t)n * 4);
            for (int64_t i = 0; i < n; i++) x[i] = (x[i] & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : x[i];
            memcpy(bytes, x, (size_t)n * 4);
        } else if (array->dtype == REEL_DOUBLE) {
            uint64_t x[HASH_BLOCK], infinity = (uint64_t)0x7ff << 52;
            memcpy(x, bytes, (size_t)n * 8);
            for (int64_t i = 0; i < n; i++) x[i] = x[i] << 1 > infinity << 1 ? (uint64_t)0x7ff8 << 48 : x[i];
            memcpy(bytes, x, (size_t)n * 8);
        }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        for (int64_t i = 0; i < n; i++)
            for (size_t j = 0; j < size / 2; j++) {
                uint8_t kept = bytes[(size_t)i * size + j];
                bytes[(size_t)i * size + j] = bytes[(size_t)i * size + size - 1 - j];
                bytes[(size_t)i * size + size - 1 - j] = kept;
            }
#endif
        XXH3_128bits_update(v->hash, bytes, (size_t)n * size);
    }
}

void visitor_hash_finish(visitor *v, char hex[33])
{
    hex[0] = '\0';
    if (visit_failed(v) || v->mode != VISIT_HASH) return;
    XXH128_hash_t hash = XXH3_128bits_digest(v->hash);
    snprintf(hex, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}
