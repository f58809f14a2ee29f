/* SPDX-License-Identifier: MIT
 *
 * The grammar of a list of numbers, 64 characters at a time: each class of characters is a word of 64 bits, and a rule is
 * one operation on all of them (after Geoff Langdale and Daniel Lemire, "Parsing gigabytes of JSON per second", VLDB
 * Journal 2019). A number at a time, the processor guesses wrong where each ends.
 */
#include "io/json_scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#include <string.h>

#define BLOCK 64

/* Which of 64 characters are of a class, the first in the lowest bit. */
typedef struct classes {
    uint64_t digit, zero, point, minus, plus, exponent, comma, blank;
} classes;

static inline uint64_t join(const __m128i match[4])
{
    uint64_t low = (uint32_t)_mm_movemask_epi8(match[0]) | (uint32_t)_mm_movemask_epi8(match[1]) << 16;
    uint64_t high = (uint32_t)_mm_movemask_epi8(match[2]) | (uint32_t)_mm_movemask_epi8(match[3]) << 16;
    return low | high << 32;
}

static inline uint64_t equal(const __m128i text[4], char c)
{
    __m128i match[4], all = _mm_set1_epi8(c);
    for (int i = 0; i < 4; i++) match[i] = _mm_cmpeq_epi8(text[i], all);
    return join(match);
}

static inline classes classify(const char *text)
{
    __m128i x[4], small[4], digit[4], blank[4];
    for (int i = 0; i < 4; i++) {
        x[i] = _mm_loadu_si128((const __m128i *)(text + 16 * i));
        small[i] = _mm_or_si128(x[i], _mm_set1_epi8(0x20));
        /* '0' to '9' become the largest of signed bytes */
        digit[i] = _mm_cmpgt_epi8(_mm_add_epi8(x[i], _mm_set1_epi8(127 - '9')), _mm_set1_epi8(127 - 10));
        blank[i] = _mm_or_si128(_mm_cmpeq_epi8(x[i], _mm_set1_epi8(' ')), _mm_cmpeq_epi8(x[i], _mm_set1_epi8('\n')));
    }
    return (classes){join(digit),   equal(x, '0'),     equal(x, '.'), equal(x, '-'),
                     equal(x, '+'), equal(small, 'e'), equal(x, ','), join(blank)};
}

/* What a block leaves for the next: the classes of its last character in their highest bits, and whether the digits of
 * a fraction or an exponent, or an exponent, go on. */
typedef struct carry {
    uint64_t digit, gap, exponent, point, before_exponent, sign, lone_zero;
    bool tail, exponent_tail;
} carry;

/* The character before each. */
static inline uint64_t before(uint64_t class, uint64_t *last)
{
    uint64_t shifted = class << 1 | *last >> 63;
    *last = class;
    return shifted;
}

/* The characters behind the digits that begin at `first`, by the carry of an addition through them. */
static inline uint64_t behind(uint64_t first, uint64_t digits, bool *goes_on)
{
    uint64_t sum, with_carry;
    bool over = __builtin_add_overflow(digits, first, &sum);
    over |= __builtin_add_overflow(sum, (uint64_t)*goes_on, &with_carry);
    *goes_on = over;
    return with_carry & ~digits;
}

/* Are these 64 characters numbers as JSON has them, each with a comma at once behind it, and blanks or newlines before it? */
static inline bool good(const classes *c, carry *last)
{
    uint64_t gap = c->comma | c->blank, sign = c->minus | c->plus;
    uint64_t all = c->digit | c->point | sign | c->exponent | gap;
    uint64_t behind_digit = before(c->digit, &last->digit), behind_gap = before(gap, &last->gap);
    uint64_t behind_exponent = before(c->exponent, &last->exponent), behind_point = before(c->point, &last->point);
    uint64_t exponent_sign = sign & behind_exponent, leading_sign = c->minus & behind_gap;

    uint64_t wrong = ~all | (c->blank & ~behind_gap) | (sign & ~(exponent_sign | leading_sign));
    wrong |= (c->point | c->exponent | c->comma) & ~behind_digit;
    /* A number begins behind a gap or its sign; a 0 there has no further digit. */
    uint64_t begins = c->digit & (behind_gap | before(leading_sign, &last->sign));
    wrong |= before(begins & c->zero, &last->lone_zero) & c->digit;
    /* One point at most, then one exponent at most. */
    uint64_t in_exponent = c->digit & (behind_exponent | before(exponent_sign, &last->before_exponent));
    uint64_t after_exponent = behind(in_exponent, c->digit, &last->exponent_tail);
    uint64_t after_tail = behind(in_exponent | (c->digit & behind_point), c->digit, &last->tail);
    return (wrong | (after_tail & c->point) | (after_exponent & c->exponent)) == 0;
}

static inline int count_bits(uint64_t x)
{
    x -= (x >> 1) & 0x5555555555555555;
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
    return (int)(((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
}

/* How long a number may be, when exponents are negative: one of more than 30 characters fills 16 from a multiple of 16
 * on, one of more than 62 fills 32. */
static inline int longest(const classes *c, uint64_t behind_exponent)
{
    uint64_t gap = c->comma | c->blank, two = gap | gap >> 1, four = two | two >> 2, eight = four | four >> 4;
    uint64_t sixteen = (eight | eight >> 8) & 0x0001000100010001;
    if (behind_exponent & ~c->minus) return JSON_ANY_LENGTH;
    if (sixteen == 0x0001000100010001) return JSON_SHORT;
    return (sixteen & 0x0000000000010001) && (sixteen & 0x0001000100000000) ? JSON_MEDIUM : JSON_ANY_LENGTH;
}

const char *json_skip_numbers(const char *text, const char *end, int64_t *count, int *length)
{
    const char *done = text;
    carry last = {.gap = UINT64_MAX}; /* as behind a comma */
    for (const char *at = text; end - at >= BLOCK; at += BLOCK) {
        classes c = classify(at);
        uint64_t behind_exponent = c.exponent << 1 | last.exponent >> 63;
        if (!good(&c, &last)) break;
        int found = longest(&c, behind_exponent);
        if (found > *length) *length = found;
        *count += count_bits(c.comma);
        if (c.comma) done = at + 64 - __builtin_clzll(c.comma);
    }
    return done;
}

#else

const char *json_skip_numbers(const char *text, const char *end, int64_t *count, int *length)
{
    (void)end, (void)count, (void)length;
    return text;
}

#endif
