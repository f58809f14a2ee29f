/* SPDX-License-Identifier: MIT
 *
 * The digits of four floats at a time: number_float_digits in vectors.
 */
#include "io/number_float.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* Words of 64 bits with such a number each. */
AVX2 static inline __m256i all(uint64_t x)
{
    return _mm256_set1_epi64x((int64_t)x);
}

/* Of words below 2^32. */
AVX2 static inline __m256i times(__m256i x, uint64_t factor)
{
    return _mm256_mul_epu32(x, all(factor));
}

/* c 2^h in units of 10^k, rounded to nine digits at most, for g, the power of ten. Comparisons have signs, so the largest
 * number here, ten times NUMBER_ONE, is below 2^63. */
AVX2 static inline __m256i choose(__m256i g, __m256i c, __m256i h)
{
    const __m256i low_half = all(UINT32_MAX), near2 = all(2 * NUMBER_NEAR);
    __m256i cp = _mm256_sllv_epi64(c, h), low = _mm256_mul_epu32(g, cp);
    __m256i high = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(g, 32), cp), _mm256_srli_epi64(low, 32));
    __m256i s = _mm256_srli_epi64(high, 32), tens = _mm256_srli_epi64(times(s, 0xcccccccd), 35);
    __m256i f = _mm256_or_si256(_mm256_slli_epi64(_mm256_and_si256(high, low_half), 27),
                                _mm256_srli_epi64(_mm256_and_si256(low, low_half), 5));
    __m256i ones = _mm256_sub_epi64(s, times(tens, 10));
    __m256i rest = _mm256_add_epi64(_mm256_slli_epi64(ones, 59), f);

    __m256i odd = _mm256_sub_epi64(_mm256_setzero_si256(), _mm256_and_si256(c, all(1)));
    __m256i half = _mm256_add_epi64(_mm256_srlv_epi64(g, _mm256_sub_epi64(all(6), h)), all(NUMBER_NEAR));
    half = _mm256_sub_epi64(half, _mm256_and_si256(odd, near2));
    __m256i down = _mm256_cmpgt_epi64(half, rest);
    __m256i up = _mm256_cmpgt_epi64(rest, _mm256_sub_epi64(all(10 * NUMBER_ONE), half));

    __m256i odd_s = _mm256_sub_epi64(_mm256_setzero_si256(), _mm256_and_si256(s, all(1)));
    __m256i above =
        _mm256_cmpgt_epi64(_mm256_add_epi64(f, _mm256_and_si256(odd_s, near2)), all(NUMBER_ONE / 2 + NUMBER_NEAR));
    __m256i nearest = _mm256_sub_epi64(s, above), shorter = times(_mm256_sub_epi64(tens, up), 10);
    return _mm256_blendv_epi8(nearest, shorter, _mm256_or_si256(down, up));
}

/* number_eight_digits. */
AVX2 static inline __m256i eight_digits(__m256i x)
{
    __m256i four = _mm256_srli_epi64(times(x, 0xd1b71759), 45);
    four = _mm256_or_si256(four, _mm256_slli_epi64(_mm256_sub_epi64(x, times(four, 10000)), 32));
    __m256i hundreds = _mm256_srli_epi16(_mm256_mulhi_epu16(four, _mm256_set1_epi16(5243)), 3);
    __m256i two = _mm256_sub_epi16(four, _mm256_mullo_epi16(hundreds, _mm256_set1_epi16(100)));
    two = _mm256_or_si256(hundreds, _mm256_slli_epi32(two, 16));
    __m256i tens = _mm256_mulhi_epu16(two, _mm256_set1_epi16(6554));
    __m256i one = _mm256_sub_epi16(two, _mm256_mullo_epi16(tens, _mm256_set1_epi16(10)));
    return _mm256_or_si256(tens, _mm256_slli_epi16(one, 8));
}

AVX2 static inline void four_floats(const uint32_t *bits, number_digits *digits)
{
    __m128i x = _mm_loadu_si128((const __m128i *)bits);
    __m128i fraction = _mm_and_si128(x, _mm_set1_epi32(0x7fffff));
    __m128i field = _mm_and_si128(_mm_srli_epi32(x, 23), _mm_set1_epi32(0xff));
    __m128i q = _mm_sub_epi32(field, _mm_set1_epi32(150));
    __m128i k = _mm_srai_epi32(_mm_mullo_epi32(q, _mm_set1_epi32(1262611)), 22);
    __m128i minus_k = _mm_sub_epi32(_mm_setzero_si128(), k);
    __m128i log2 = _mm_srai_epi32(_mm_mullo_epi32(minus_k, _mm_set1_epi32(1741647)), 19);
    __m128i h = _mm_add_epi32(_mm_add_epi32(q, log2), _mm_set1_epi32(1));
    __m128i row = _mm_slli_epi32(_mm_sub_epi32(minus_k, _mm_set1_epi32(NUMBER_POWER_FIRST)), 1);
    __m256i g = _mm256_i32gather_epi64((const long long *)number_powers, row, 8);
    __m256i c = _mm256_cvtepu32_epi64(_mm_or_si128(fraction, _mm_set1_epi32(0x800000)));
    __m256i n = choose(_mm256_add_epi64(g, all(1)), c, _mm256_cvtepu32_epi64(h));

    __m256i over7 = _mm256_cmpgt_epi64(n, all(9999999)), over8 = _mm256_cmpgt_epi64(n, all(99999999));
    __m256i point =
        _mm256_sub_epi64(_mm256_add_epi64(_mm256_cvtepi32_epi64(k), all(7)), _mm256_add_epi64(over7, over8));
    __m256i less = _mm256_add_epi64(_mm256_and_si256(over7, all(90)), _mm256_and_si256(over8, all(9)));
    n = _mm256_mul_epu32(n, _mm256_sub_epi64(all(100), less));
    __m256i first = _mm256_srli_epi64(times(n, 0x55e63b89), 57);
    __m256i rest = eight_digits(_mm256_sub_epi64(n, times(first, 100000000)));
    __m256i behind = _mm256_or_si256(first, _mm256_slli_epi64(point, 32));
    __m256i even = _mm256_unpacklo_epi64(rest, behind), odd = _mm256_unpackhi_epi64(rest, behind);
    _mm_storeu_si128((__m128i *)digits, _mm256_castsi256_si128(even));
    _mm_storeu_si128((__m128i *)(digits + 1), _mm256_castsi256_si128(odd));
    _mm_storeu_si128((__m128i *)(digits + 2), _mm256_extracti128_si256(even, 1));
    _mm_storeu_si128((__m128i *)(digits + 3), _mm256_extracti128_si256(odd, 1));

    __m128i seldom =
        _mm_or_si128(_mm_cmpeq_epi32(fraction, _mm_setzero_si128()), _mm_cmpeq_epi32(field, _mm_setzero_si128()));
    seldom = _mm_or_si128(seldom, _mm_cmpeq_epi32(field, _mm_set1_epi32(0xff)));
    if (_mm_testz_si128(seldom, seldom)) return;
    for (int i = 0; i < 4; i++) digits[i] = number_float_digits(bits[i]);
}

AVX2 static size_t floats(const uint32_t *bits, size_t count, number_digits *digits)
{
    size_t i = 0;
    for (; i + 4 <= count; i += 4) four_floats(bits + i, digits + i);
    return i;
}

size_t number_digits_avx2(const uint32_t *bits, size_t count, number_digits *digits)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") ? floats(bits, count, digits) : 0;
}

#else

size_t number_digits_avx2(const uint32_t *bits, size_t count, number_digits *digits)
{
    (void)bits, (void)count, (void)digits;
    return 0;
}

#endif
