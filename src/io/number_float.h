/* SPDX-License-Identifier: MIT
 *
 * A float as text without a branch that depends on its digits: in a list of numbers their count, the zeros behind them
 * and the sign are as good as random, and a wrong guess of the processor costs as much as the rest. Letters are kept in
 * words, the first in the lowest byte, and stored 16 at a time.
 */
#ifndef REEL_NUMBER_FLOAT_H
#define REEL_NUMBER_FLOAT_H

#include "io/number.h"

#include <string.h>

/* A finite float without its sign: nine digits, of which those at the end may be zeros, and where the point stands, counted
 * from the first of them. */
typedef struct number_digits {
    uint64_t rest; /* behind the first, one a byte */
    uint32_t first;
    int32_t point;
} number_digits;

#define NUMBER_NOT_FINITE INT32_MAX /* `point` of nan and infinity */

/* Letters without the sign, of which `length` count; 0 for what needs more than 16. */
typedef struct number_letters {
    uint64_t low, high;
    size_t length;
} number_letters;

/* Where the point stands among nine digits, by its place counted from the first digit, -3 to 8: the digits of `mask` stay,
 * those behind them move up by `shift` bits, and `extra` is put in between: the point, or zeros with the point. Of n
 * digits that count the text has n + more letters, at least `least`. */
typedef struct number_layout {
    uint64_t mask, extra_low, extra_high;
    uint8_t shift, more, least;
} number_layout;

#define NUMBER_POINT_FIRST (-3)
#define NUMBER_POINT_LAST 8
extern const number_layout number_layouts[NUMBER_POINT_LAST - NUMBER_POINT_FIRST + 1];

static inline void number_store(char *text, uint64_t letters)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    letters = __builtin_bswap64(letters);
#endif
    memcpy(text, &letters, 8);
}

/* The eight digits of x < 10^8, one a byte: halves of four, of two, of one, each divided by a multiplication. */
static inline uint64_t number_eight_digits(uint32_t x)
{
    uint64_t four = x / 10000 | (uint64_t)(x % 10000) << 32;
    uint64_t hundreds = (four * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t two = hundreds | (four - hundreds * 100) << 16;
    uint64_t tens = (two * 103 >> 10) & 0x000f000f000f000f;
    return tens | (two - tens * 10) << 8;
}

static inline number_digits number_nine_digits(uint32_t x, int point)
{
    return (number_digits){number_eight_digits(x % 100000000), x / 100000000, point};
}

/* Of powers of two, tiny numbers, 0 and what is not finite. */
number_digits number_float_seldom(uint32_t bits);

#define NUMBER_ONE ((uint64_t)1 << 59) /* units in which f is held */
#define NUMBER_NEAR ((uint64_t)1 << 25)

/* The fewest digits that read back to the float with these bits, c 2^q. With 2^23 < c < 2^24 its neighbours are 2^q away.
 *
 * With k = floor(log10(2^q)) the float is s + f in units of 10^k, and half the distance to its neighbours is at least 0.5
 * and below 5 of them: the nearer of s and s + 1, 7 to 9 digits, reads back to the float, and of the multiples of ten at
 * most one, which is shorter (Giulietti, see number_print.c). All candidates are computed and one is chosen.
 *
 * The power of ten, g, is rounded up to 64 bits, which makes s + f too large by less than 2^-36. When the distance to a
 * multiple of ten is half the distance of neighbours, or f is 0.5, up to 2^-34, it is so exactly, and an even c, or the
 * even one of s and s + 1, is taken. (There are few enough floats to have tried them all.) */
static inline number_digits number_float_digits(uint32_t bits)
{
    static const uint32_t scale[] = {100, 10, 1};
    const uint64_t one = NUMBER_ONE, near = NUMBER_NEAR;
    uint32_t fraction = bits & 0x7fffff, field = bits >> 23 & 0xff, c = fraction | 0x800000;
    if (field - 1 >= 0xfe || fraction == 0) return number_float_seldom(bits);
    int q = (int)field - 150, k = q * 1262611 >> 22;
    uint64_t g = number_powers[-k - NUMBER_POWER_FIRST][0] + 1;
    int h = q + number_floor_log2_power(-k) + 1; /* 1 to 4 */
    number_uint128 p = (number_uint128)g * (c << h);
    uint32_t s = (uint32_t)(p >> 64), tens = s / 10;
    uint64_t f = (uint64_t)p >> 5, rest = (s - 10 * tens) * one + f;
    uint64_t half = (g >> (6 - h)) + near - (c & 1) * 2 * near;
    uint32_t down = rest < half;
    uint32_t up = 10 * one - half < rest;
    uint32_t mask = 0 - (down | up);
    uint32_t nearest = s + (f + (s & 1) * 2 * near > one / 2 + near);
    uint32_t digits = ((10 * (tens + up)) & mask) | (nearest & ~mask);
    uint32_t more = (digits >= 10000000) + (digits >= 100000000);
    return number_nine_digits(digits * scale[more], k + 7 + (int)more);
}

/* d.ddde-07 of the nine digits `first`, `rest`, n of which count, for the decimal exponent e. */
static inline number_letters number_scientific(uint64_t first, uint64_t rest, size_t n, int e)
{
    unsigned size = (unsigned)(e < 0 ? -e : e);
    uint64_t suffix = 'e' | (uint64_t)(e < 0 ? '-' : '+') << 8 | (uint64_t)('0' + size / 10) << 16 |
                      (uint64_t)('0' + size % 10) << 24;
    size_t point = n > 1, at = n + point; /* letters before the suffix: 1 to 10 */
    uint64_t low = first | (uint64_t)'.' << 8 | rest << 16, high = rest >> 48;
    if (at < 8) {
        low = (low & (((uint64_t)1 << 8 * at) - 1)) | suffix << 8 * at;
        high = at > 4 ? suffix >> (64 - 8 * at) : 0;
    } else {
        high = (high & (((uint64_t)1 << 8 * (at - 8)) - 1)) | suffix << 8 * (at - 8);
    }
    return (number_letters){low, high, at + 4};
}

/* The same of many: returns of how many, as many as go into whole vectors, where the processor has them. */
size_t number_digits_avx2(const uint32_t *bits, size_t count, number_digits *digits);

static inline number_letters number_float_letters(number_digits d)
{
    uint64_t first = d.first + '0', rest = d.rest;
    /* without the zeros behind, found as the lowest bytes when the last digit comes first */
    size_t n = 9 - (((unsigned)__builtin_ctzll(__builtin_bswap64(rest) << 3 | (uint64_t)1 << 63) + 1) >> 3);
    rest |= 0x3030303030303030;
    if (d.point < NUMBER_POINT_FIRST || d.point > NUMBER_POINT_LAST) {
        bool wide = d.point > NUMBER_POINT_LAST && (d.point <= 16 || d.point == NUMBER_NOT_FINITE);
        return wide ? (number_letters){0, 0, 0} : number_scientific(first, rest, n, d.point - 1);
    }
    const number_layout *l = &number_layouts[d.point - NUMBER_POINT_FIRST];
    uint64_t low = first | rest << 8, high = rest >> 56, moved = low & ~l->mask;
    size_t length = n + l->more;
    return (number_letters){
        (low & l->mask) | moved << l->shift | l->extra_low,
        high << l->shift | moved >> (64 - l->shift) | l->extra_high,
        length < l->least ? l->least : length,
    };
}

#endif
