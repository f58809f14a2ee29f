/* SPDX-License-Identifier: MIT
 *
 * SHA-256 (FIPS 180-4), for entries of reference files that give only a hash of a long list.
 */
#ifndef TESTS_SHA256_H
#define TESTS_SHA256_H

#include <stddef.h>

/* Writes the hash of `size` bytes as 64 hexadecimal digits and a zero. */
void sha256_hex(const void *data, size_t size, char hex[65]);

#endif
