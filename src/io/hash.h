/* SPDX-License-Identifier: MIT
 *
 * XXH3-128 of bytes and of the elements of arrays, as text.
 */
#ifndef REEL_IO_HASH_H
#define REEL_IO_HASH_H

#include <reel/array.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Aligned to 64 bytes. */
typedef XXH3_state_t hash_stream;

void hash_start(hash_stream *h);
void hash_bytes(hash_stream *h, const void *data, size_t size);
/* Elements as little-endian bits, all NaNs as one. */
void hash_elements(hash_stream *h, reel_dtype dtype, const void *data, int64_t count);
/* 32 hexadecimal digits and a NUL, of all so far. */
void hash_digits(const hash_stream *h, char hex[33]);

/* The same of one block of bytes. */
void hash_text(const void *data, size_t size, char hex[33]);

/* At most HASH_BLOCK elements as they are hashed: little-endian, all NaNs as one. Returns their bytes. */
#define HASH_BLOCK 1024
size_t hash_canonical(uint8_t bytes[8 * HASH_BLOCK], reel_dtype dtype, const void *data, int64_t count);

/* The loops over many bytes (hash_loops.c), built for what every processor has and for AVX2. */
#define HASH_LOOPS(isa)                                                                                                \
    void hash_bytes_##isa(hash_stream *h, const void *data, size_t size);                                              \
    void hash_elements_##isa(hash_stream *h, reel_dtype dtype, const void *data, int64_t count);                       \
    XXH128_hash_t hash_block_##isa(const void *data, size_t size);
HASH_LOOPS(generic)
HASH_LOOPS(avx2)

#endif
