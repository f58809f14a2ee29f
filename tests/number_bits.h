/* SPDX-License-Identifier: MIT
 *
 * Bits of numbers, random ones, and how many of them: with REEL_SLOW=1 in the environment tens of millions.
 */
#ifndef TESTS_NUMBER_BITS_H
#define TESTS_NUMBER_BITS_H

#include "common.h"
#include "io/number.h"

static inline uint64_t next_random(uint64_t *state) /* SplitMix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t float_bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* ck_assert writes a mark to a file each time: too slow for millions. */
#define expect(condition, ...)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) ck_abort_msg(__VA_ARGS__);                                                                   \
    } while (0)

/* Both readers against the C library's, which round correctly; the whole text must be taken. */
static inline void read_like_libc(const char *text)
{
    size_t length = strlen(text);
    const char *at = text;
    double x = -1.5, expected = strtod(text, NULL);
    number_status status = number_read_double(&at, text + length, &x);
    expect(at == text + length, "%.60s: stopped after %d characters", text, (int)(at - text));
    expect(bits_of(x) == bits_of(expected), "%.60s...: %a, expected %a", text, x, expected);
    expect(status == (isinf(expected) ? NUMBER_RANGE : NUMBER_OK), "%s: status %d", text, status);

    at = text;
    float y = -1.5f, expected_float = strtof(text, NULL);
    status = number_read_float(&at, text + length, &y);
    expect(at == text + length, "%.60s: stopped after %d characters", text, (int)(at - text));
    expect(float_bits_of(y) == float_bits_of(expected_float), "%.60s...: float %a, expected %a", text, (double)y,
           (double)expected_float);
    expect(status == (isinf(expected_float) ? NUMBER_RANGE : NUMBER_OK), "%s: float status %d", text, status);
}

static inline int how_many(int normal, int slow)
{
    const char *flag = getenv("REEL_SLOW");
    return flag && *flag == '1' ? slow : normal;
}

#endif
