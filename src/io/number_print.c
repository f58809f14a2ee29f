/* SPDX-License-Identifier: MIT
 *
 * Shortest decimals. Raffaello Giulietti, "The Schubfach way to render doubles" (2020).
 */
#include "io/number_float.h"

#include <string.h>

/* clang-format off */
const number_layout number_layouts[NUMBER_POINT_LAST - NUMBER_POINT_FIRST + 1] = {
    {0, 0x3030302e30, 0, 40, 5, 0},
    {0, 0x30302e30, 0, 32, 4, 0},
    {0, 0x302e30, 0, 24, 3, 0},
    {0, 0x2e30, 0, 16, 2, 0},
    {0xff, 0x2e00, 0, 8, 1, 3},
    {0xffff, 0x2e0000, 0, 8, 1, 4},
    {0xffffff, 0x2e000000, 0, 8, 1, 5},
    {0xffffffff, 0x2e00000000, 0, 8, 1, 6},
    {0xffffffffff, 0x2e0000000000, 0, 8, 1, 7},
    {0xffffffffffff, 0x2e000000000000, 0, 8, 1, 8},
    {0xffffffffffffff, 0x2e00000000000000, 0, 8, 1, 9},
    {0xffffffffffffffff, 0, 0x2e, 8, 1, 10},
};
/* clang-format on */

typedef struct decimal {
    uint64_t digits;
    int exponent; /* the value is digits * 10^exponent */
} decimal;

/* floor(g cp / 2^128) with its lowest bit set when something was cut off ("round to odd"), g = (high, low). g is above
 * the true power by less than 1, so a fraction of one unit of the middle word may be that excess and counts as none. */
static inline uint64_t multiply_to_odd(uint64_t high, uint64_t low, uint64_t cp)
{
    uint64_t carry = (uint64_t)(((number_uint128)low * cp) >> 64);
    number_uint128 p = (number_uint128)high * cp + carry;
    return (uint64_t)(p >> 64) | ((uint64_t)p > 1);
}

/* The shortest decimal in the rounding interval of c * 2^q, c > 0. Reals are held times 4, so that the value and both
 * ends of its interval (half way to the neighbours; a quarter below a power of two, `closer`) are integers before
 * scaling. With k = floor(log10(width of the interval)) there is a multiple of 10^k in it, and at most one multiple of
 * 10^(k+1), which is preferred. An end belongs to the interval when c is even, as ties are read to even. */
static decimal shortest(uint64_t c, int q, bool closer)
{
    int k = (q * 1262611 - (closer ? 524031 : 0)) >> 22; /* floor(log10(2^q)), floor(log10(3/4 2^q)) */
    const uint64_t *g = number_powers[-k - NUMBER_POWER_FIRST];
    uint64_t inexact = k > 0 || k < -55;
    uint64_t low = g[1] + inexact, high = g[0] + (low < inexact);
    int h = q + number_floor_log2_power(-k) + 1;

    uint64_t value = multiply_to_odd(high, low, (4 * c) << h);
    uint64_t lower = multiply_to_odd(high, low, (4 * c - 2 + closer) << h) + (c & 1);
    uint64_t upper = multiply_to_odd(high, low, (4 * c + 2) << h) - (c & 1);

    uint64_t s = value / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
        if (below != above) return (decimal){tens + above, k + 1};
    }
    bool below = lower <= 4 * s, above = 4 * s + 4 <= upper;
    if (below != above) return (decimal){s + above, k};
    uint64_t middle = 4 * s + 2;
    return (decimal){s + (value > middle || (value == middle && (s & 1))), k};
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                  "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

/* Writes x so that it ends before `end`; returns its first digit. */
static char *digits_before(char *end, uint64_t x)
{
    while (x >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + 2 * (x % 100), 2);
        x /= 100;
    }
    if (x >= 10) {
        end -= 2;
        memcpy(end, digit_pairs + 2 * x, 2);
    } else {
        *--end = (char)('0' + x);
    }
    return end;
}

static size_t print_word(char *text, bool negative, const char *word)
{
    size_t n = 0;
    text[n++] = '"';
    if (negative) text[n++] = '-';
    memcpy(text + n, word, 3);
    n += 3;
    text[n++] = '"';
    text[n] = '\0';
    return n;
}

/* An integer below 2^53 stands as it is: its neighbours are 1 apart or nearer, so no shorter decimal reads back to it
 * except by dropping zeros, which this layout writes anyway. */
static size_t print_whole(char *text, bool negative, uint64_t x)
{
    char buffer[24], *end = buffer + sizeof buffer, *first = digits_before(end, x);
    char *at = text;
    if (negative) *at++ = '-';
    memcpy(at, first, (size_t)(end - first));
    at += end - first;
    memcpy(at, ".0", 3);
    return (size_t)(at + 2 - text);
}

static char *print_exponent(char *at, int exponent)
{
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (size >= 100) *at++ = (char)('0' + size / 100);
    memcpy(at, digit_pairs + 2 * (size % 100), 2);
    return at + 2;
}

/* Python's layout: with `point` the place of the decimal point counted from the first digit, fixed for -4 < point <= 16
 * and otherwise one digit, the point, the rest and an exponent of at least two digits. */
static size_t print_decimal(char *text, bool negative, decimal d)
{
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    char buffer[24], *end = buffer + sizeof buffer, *first = digits_before(end, d.digits);
    size_t n = (size_t)(end - first);
    int point = (int)n + d.exponent;
    char *at = text;
    if (negative) *at++ = '-';
    if (point > 16 || point <= -4) {
        *at++ = *first;
        if (n > 1) *at++ = '.';
        memcpy(at, first + 1, n - 1);
        at = print_exponent(at + n - 1, point - 1);
    } else if (point <= 0) {
        memcpy(at, "0.000", 5);
        at += 2 - point;
        memcpy(at, first, n);
        at += n;
    } else if ((size_t)point < n) {
        memcpy(at, first, (size_t)point);
        at[point] = '.';
        memcpy(at + point + 1, first + point, n - (size_t)point);
        at += n + 1;
    } else {
        memcpy(at, first, n);
        memset(at + n, '0', (size_t)point - n);
        memcpy(at + point, ".0", 2);
        at += point + 2;
    }
    *at = '\0';
    return (size_t)(at - text);
}

size_t number_print_double(char text[NUMBER_TEXT_SIZE], double x)
{
    uint64_t bits, hidden = (uint64_t)1 << 52;
    memcpy(&bits, &x, sizeof bits);
    bool negative = bits >> 63;
    uint64_t fraction = bits & (hidden - 1);
    unsigned field = (unsigned)(bits >> 52) & 0x7ff;
    if (field == 0x7ff) return print_word(text, negative && !fraction, fraction ? "nan" : "inf");
    double size = negative ? -x : x;
    bool whole = field >= 1023 ? size < 0x1p53 && (double)(uint64_t)size == size : (field | fraction) == 0;
    if (whole) return print_whole(text, negative, (uint64_t)size);
    uint64_t c = field ? fraction | hidden : fraction;
    return print_decimal(text, negative, shortest(c, (field ? (int)field : 1) - 1075, fraction == 0 && field > 1));
}

/* The finite float with these bits, not 0. */
static decimal shortest_float(uint32_t bits)
{
    uint32_t fraction = bits & 0x7fffff, field = bits >> 23 & 0xff, c = field ? fraction | 0x800000 : fraction;
    return shortest(c, (field ? (int)field : 1) - 150, fraction == 0 && field > 1);
}

number_digits number_float_seldom(uint32_t bits)
{
    if ((bits >> 23 & 0xff) == 0xff) return (number_digits){.point = NUMBER_NOT_FINITE};
    if (bits << 1 == 0) return number_nine_digits(0, 1);
    decimal d = shortest_float(bits);
    for (; d.digits < 100000000; d.exponent--) d.digits *= 10;
    return number_nine_digits((uint32_t)d.digits, d.exponent + 9);
}

size_t number_print_float(char text[NUMBER_TEXT_SIZE], float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bool negative = bits >> 31, nan = bits << 9;
    number_digits d = number_float_digits(bits);
    if (d.point == NUMBER_NOT_FINITE) return print_word(text, negative && !nan, nan ? "nan" : "inf");
    number_letters letters = number_float_letters(d);
    if (letters.length == 0) return print_decimal(text, negative, shortest_float(bits));
    *text = '-';
    number_store(text + negative, letters.low);
    number_store(text + negative + 8, letters.high);
    text[negative + letters.length] = '\0';
    return negative + letters.length;
}

static size_t print_integer(char *text, bool negative, uint64_t x)
{
    char buffer[24], *end = buffer + sizeof buffer, *first = digits_before(end, x);
    size_t n = (size_t)(end - first);
    if (negative) *text = '-';
    memcpy(text + negative, first, n);
    text[negative + n] = '\0';
    return negative + n;
}

size_t number_print_uint64(char text[NUMBER_TEXT_SIZE], uint64_t x)
{
    return print_integer(text, false, x);
}

size_t number_print_int64(char text[NUMBER_TEXT_SIZE], int64_t x)
{
    return print_integer(text, x < 0, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
}
