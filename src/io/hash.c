/* SPDX-License-Identifier: MIT
 *
 * XXH3-128.
 */
#include "io/hash.h"

#include "core/core.h"

#include <stdio.h>
#include <string.h>

static void print_digits(XXH128_hash_t hash, char hex[33])
{
    snprintf(hex, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}

void hash_start(hash_stream *h)
{
    XXH3_128bits_reset(h);
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

#define LOOP(name) (has_avx2() ? name##_avx2 : name##_generic)
#else
#define LOOP(name) name##_generic
#endif

void hash_bytes(hash_stream *h, const void *data, size_t size)
{
    LOOP(hash_bytes)(h, data, size);
}

void hash_elements(hash_stream *h, reel_dtype dtype, const void *data, int64_t count)
{
    LOOP(hash_elements)(h, dtype, data, count);
}

void hash_digits(const hash_stream *h, char hex[33])
{
    print_digits(XXH3_128bits_digest(h), hex);
}

void hash_text(const void *data, size_t size, char hex[33])
{
    print_digits(LOOP(hash_block)(data, size), hex);
}

size_t hash_canonical(uint8_t bytes[8 * HASH_BLOCK], reel_dtype dtype, const void *data, int64_t count)
{
    size_t size = element_size(dtype), n = (size_t)count;
    if (dtype == REEL_FLOAT) {
        uint32_t x[HASH_BLOCK];
        memcpy(x, data, n * 4);
        for (size_t i = 0; i < n; i++) x[i] = (x[i] & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : x[i];
        memcpy(bytes, x, n * 4);
    } else if (dtype == REEL_DOUBLE) {
        uint64_t x[HASH_BLOCK], infinity = (uint64_t)0x7ff << 52;
        memcpy(x, data, n * 8);
        for (size_t i = 0; i < n; i++) x[i] = x[i] << 1 > infinity << 1 ? (uint64_t)0x7ff8 << 48 : x[i];
        memcpy(bytes, x, n * 8);
    } else {
        memcpy(bytes, data, n * size);
    }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < size / 2; j++) {
            uint8_t kept = bytes[i * size + j];
            bytes[i * size + j] = bytes[i * size + size - 1 - j];
            bytes[i * size + size - 1 - j] = kept;
        }
#endif
    return n * size;
}
