/* SPDX-License-Identifier: MIT
 *
 * SHA-256 (FIPS 180-4). The constants are the first 32 bits of the fractional parts of the cube roots of the first 64
 * primes, and of the square roots of the first 8.
 */
#include "sha256.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* floor(frac(x) 2^32) of a root whose integer part is `whole`; 64 bits of mantissa are enough. */
static uint32_t fraction(long double root)
{
    return (uint32_t)((root - floorl(root)) * 0x1p32L);
}

static void constants(uint32_t k[64], uint32_t h[8])
{
    int count = 0;
    for (int candidate = 2; count < 64; candidate++) {
        int divisor = 2;
        while (divisor * divisor <= candidate && candidate % divisor) divisor++;
        if (divisor * divisor <= candidate) continue;
        k[count] = fraction(cbrtl(candidate));
        if (count < 8) h[count] = fraction(sqrtl(candidate));
        count++;
    }
}

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void block(const uint32_t k[64], uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t choose = (s[4] & s[5]) ^ (~s[4] & s[6]), majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) + choose + k[i] + w[i];
        uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + majority;
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

void sha256_hex(const void *data, size_t size, char hex[65])
{
    uint32_t k[64], h[8];
    constants(k, h);
    const uint8_t *p = data;
    size_t whole = size / 64;
    for (size_t i = 0; i < whole; i++) block(k, h, p + 64 * i);
    uint8_t tail[128] = {0};
    size_t rest = size - 64 * whole, length = rest < 56 ? 64 : 128;
    memcpy(tail, p + 64 * whole, rest);
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++) tail[length - 1 - (size_t)i] = (uint8_t)((uint64_t)size * 8 >> 8 * i);
    for (size_t i = 0; i < length; i += 64) block(k, h, tail + i);
    for (int i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08x", h[i]);
}
