/* SPDX-License-Identifier: MIT
 *
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef REEL_UTF8_H
#define REEL_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `text` (1 to 4), or 0 when there is no good one before `end`. */
static inline int utf8_length(const char *text, const char *end)
{
    const uint8_t *t = (const uint8_t *)text;
    if (text >= end) return 0;
    if (t[0] < 0x80) return 1;
    int length = t[0] < 0xc2 ? 0 : t[0] < 0xe0 ? 2 : t[0] < 0xf0 ? 3 : t[0] < 0xf5 ? 4 : 0;
    if (length == 0 || end - text < length) return 0;
    for (int i = 1; i < length; i++)
        if ((t[i] & 0xc0) != 0x80) return 0;
    if ((t[0] == 0xe0 && t[1] < 0xa0) || (t[0] == 0xed && t[1] > 0x9f)) return 0;
    if ((t[0] == 0xf0 && t[1] < 0x90) || (t[0] == 0xf4 && t[1] > 0x8f)) return 0;
    return length;
}

#endif
