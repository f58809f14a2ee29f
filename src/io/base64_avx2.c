/* SPDX-License-Identifier: MIT
 *
 * Base64 in vectors of 32 letters (Mula and Lemire, "Faster Base64 encoding and decoding using AVX2 instructions", ACM
 * Transactions on the Web 2018).
 */
#include "io/base64.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

bool base64_has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

/* Three bytes a b c to the four numbers of six bits in the bytes of a 32-bit word: b a c b, then two multiplications that
 * move a field each to its place. */
AVX2 static __m256i split(__m256i bytes)
{
    __m256i words = _mm256_shuffle_epi8(bytes, TWICE(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
    __m256i odd = _mm256_and_si256(words, _mm256_set1_epi32(0x0fc0fc00));
    __m256i even = _mm256_and_si256(words, _mm256_set1_epi32(0x003f03f0));
    return _mm256_or_si256(_mm256_mulhi_epu16(odd, _mm256_set1_epi32(0x04000040)),
                           _mm256_mullo_epi16(even, _mm256_set1_epi32(0x01000010)));
}

/* What is added to a number to make its letter, by class: 0 a-z, 1 to 10 the digits, 11 +, 12 /, 13 A-Z. */
AVX2 static __m256i letters_of(__m256i numbers)
{
    const __m256i shift = TWICE('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                                '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
    __m256i class = _mm256_subs_epu8(numbers, _mm256_set1_epi8(51));
    __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), numbers);
    class = _mm256_or_si256(class, _mm256_and_si256(upper, _mm256_set1_epi8(13)));
    return _mm256_add_epi8(numbers, _mm256_shuffle_epi8(shift, class));
}

AVX2 size_t base64_encode_avx2(char *text, const uint8_t *from, size_t size)
{
    size_t done = 0;
    for (; done + 28 <= size; done += 24, text += 32) {
        __m128i low = _mm_loadu_si128((const __m128i *)(from + done));
        __m128i high = _mm_loadu_si128((const __m128i *)(from + done + 12));
        __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        _mm256_storeu_si256((__m256i *)text, letters_of(split(bytes)));
    }
    return done;
}

/* A letter is valid when the classes that its upper and its lower half allow have nothing in common: what they have. */
AVX2 static inline __m256i faults(__m256i letters, __m256i high)
{
    const __m256i low_allows =
        TWICE(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
    const __m256i high_allows =
        TWICE(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    __m256i low = _mm256_and_si256(letters, _mm256_set1_epi8(0x0f));
    return _mm256_and_si256(_mm256_shuffle_epi8(low_allows, low), _mm256_shuffle_epi8(high_allows, high));
}

AVX2 static inline __m256i high_halves(__m256i letters)
{
    return _mm256_and_si256(_mm256_srli_epi32(letters, 4), _mm256_set1_epi8(0x0f));
}

AVX2 size_t base64_check_avx2(const char *text, size_t length)
{
    size_t done = 0;
    for (; done + 128 <= length; done += 128) {
        __m256i wrong = _mm256_setzero_si256();
        for (size_t i = 0; i < 128; i += 32) {
            __m256i letters = _mm256_loadu_si256((const __m256i *)(text + done + i));
            wrong = _mm256_or_si256(wrong, faults(letters, high_halves(letters)));
        }
        if (!_mm256_testz_si256(wrong, wrong)) break;
    }
    return done;
}

AVX2 size_t base64_decode_avx2(uint8_t *to, const char *text, size_t length)
{
    const __m256i shift = TWICE(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i slash = _mm256_set1_epi8('/');
    size_t done = 0;
    for (; done + 48 <= length;
         done += 32, to += 24) { /* 8 bytes behind the 24 are written, and again by the next round */
        __m256i letters = _mm256_loadu_si256((const __m256i *)(text + done));
        __m256i high = high_halves(letters), wrong = faults(letters, high);
        if (!_mm256_testz_si256(wrong, wrong)) break;
        __m256i class = _mm256_add_epi8(_mm256_cmpeq_epi8(letters, slash), high);
        __m256i numbers = _mm256_add_epi8(letters, _mm256_shuffle_epi8(shift, class));
        __m256i pairs = _mm256_maddubs_epi16(numbers, _mm256_set1_epi32(0x01400140));
        __m256i words = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
        __m256i bytes = _mm256_shuffle_epi8(words, TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
        bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
        _mm256_storeu_si256((__m256i *)to, bytes);
    }
    return done;
}

#else

bool base64_has_avx2(void)
{
    return false;
}

size_t base64_encode_avx2(char *text, const uint8_t *from, size_t size)
{
    (void)text, (void)from, (void)size;
    return 0;
}

size_t base64_check_avx2(const char *text, size_t length)
{
    (void)text, (void)length;
    return 0;
}

size_t base64_decode_avx2(uint8_t *to, const char *text, size_t length)
{
    (void)to, (void)text, (void)length;
    return 0;
}

#endif
