/* SPDX-License-Identifier: MIT
 *
 * Base64 (RFC 4648, section 4): bytes as text of 64 letters, four for each three bytes, padded with '='.
 */
#ifndef REEL_BASE64_H
#define REEL_BASE64_H

#include <reel/base.h>

/* Letters for `size` bytes. */
static inline size_t base64_encoded_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

/* Writes base64_encoded_size(size) letters, no closing NUL. */
void base64_encode(char *text, const void *data, size_t size);

/* Bytes that `length` letters hold, when they are good; 0 for a length that is no multiple of 4. */
size_t base64_decoded_size(const char *text, size_t length);

/* Writes base64_decoded_size(text, length) bytes, or (data NULL) only checks. Strict: returns NULL when all is well and otherwise a sentence on the
 * first fault, at letter *position: a length that is no multiple of 4, a character outside the alphabet, misplaced
 * padding, or bits behind the last byte that are not 0. */
const char *base64_decode(void *data, const char *text, size_t length, size_t *position);

/* The long middle part in vectors, where the processor has them: return how many bytes (a multiple of 3) or letters (a
 * multiple of 4) are done. Decoding stops before a fault. */
bool base64_has_avx2(void);
size_t base64_encode_avx2(char *text, const uint8_t *from, size_t size);
size_t base64_decode_avx2(uint8_t *to, const char *text, size_t length);
size_t base64_check_avx2(const char *text, size_t length);

#endif
