/* SPDX-License-Identifier: MIT
 *
 * Base64.
 */
#include "io/base64.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of each character below 128; 64 for those that are no letters of the alphabet. */
/* clang-format off */
static const uint8_t values[128] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64, 64, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64,
    64,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64,
    64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
};
/* clang-format on */

static inline unsigned value_of(char c)
{
    return values[c & 0x7f] | ((unsigned)c & 0x80); /* above 63: no letter */
}

void base64_encode(char *text, const void *data, size_t size)
{
    const uint8_t *from = data;
    size_t whole = size / 3, i = base64_has_avx2() ? base64_encode_avx2(text, from, size) / 3 : 0;
    for (; i < whole; i++) {
        uint32_t a = from[3 * i], b = from[3 * i + 1], c = from[3 * i + 2];
        char four[4] = {letters[a >> 2], letters[(a << 4 | b >> 4) & 63], letters[(b << 2 | c >> 6) & 63],
                        letters[c & 63]};
        memcpy(text + 4 * i, four, 4);
    }
    from += 3 * whole;
    text += 4 * whole;
    if (size % 3 == 0) return;
    uint32_t a = from[0], b = size % 3 == 2 ? from[1] : 0;
    text[0] = letters[a >> 2];
    text[1] = letters[(a << 4 | b >> 4) & 63];
    text[2] = '=';
    if (size % 3 == 2) text[2] = letters[b << 2 & 63];
    text[3] = '=';
}

static size_t padding(const char *text, size_t length)
{
    return length == 0 || text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1 : 2;
}

size_t base64_decoded_size(const char *text, size_t length)
{
    return length % 4 ? 0 : length / 4 * 3 - padding(text, length);
}

/* The first character outside the alphabet of the four at `from`. */
static const char *bad_letter(const char *text, size_t from, size_t *position)
{
    for (*position = from; value_of(text[*position]) < 64; (*position)++) {
    }
    return text[*position] == '=' ? "padding before the end" : "a character outside the base64 alphabet";
}

/* The last four letters when they hold one or two bytes; `to` NULL: only checked. */
static const char *decode_tail(uint8_t *to, const char *text, size_t from, size_t bytes, size_t *position)
{
    uint32_t v = 0;
    for (size_t i = 0; i <= bytes; i++) {
        unsigned letter = value_of(text[from + i]);
        if (letter > 63) return bad_letter(text, from, position);
        v |= letter << (18 - 6 * i);
    }
    *position = from + bytes;
    if (v & (0xffffffu >> 8 * bytes)) return "bits behind the last byte that are not 0";
    for (size_t i = 0; to && i < bytes; i++) to[i] = (uint8_t)(v >> (16 - 8 * i));
    return NULL;
}

const char *base64_decode(void *data, const char *text, size_t length, size_t *position)
{
    *position = length;
    if (length % 4) return "a number of letters that is no multiple of 4";
    uint8_t *to = data;
    size_t pad = padding(text, length), whole = length / 4 - (pad != 0);
    size_t done = !base64_has_avx2() ? 0 : to ? base64_decode_avx2(to, text, length) : base64_check_avx2(text, length);
    size_t i = done / 4;
    for (; i < whole; i++) {
        const char *four = text + 4 * i;
        unsigned a = value_of(four[0]), b = value_of(four[1]), c = value_of(four[2]), d = value_of(four[3]);
        if ((a | b | c | d) > 63) return bad_letter(text, 4 * i, position);
        if (!to) continue;
        uint32_t v = a << 18 | b << 12 | c << 6 | d;
        to[3 * i] = (uint8_t)(v >> 16);
        to[3 * i + 1] = (uint8_t)(v >> 8);
        to[3 * i + 2] = (uint8_t)v;
    }
    return pad ? decode_tail(to ? to + 3 * whole : NULL, text, 4 * whole, 3 - pad, position) : NULL;
}
