/* SPDX-License-Identifier: MIT
 *
 * Decimals to binary, correctly rounded. Daniel Lemire, "Number parsing at a gigabyte per second" (Software: Practice
 * and Experience 51, 2021), after Michael Eisel; where 128 bits of a power of ten or 19 digits do not decide, the
 * comparison with the point half way between two neighbours is made in integers of full length.
 */
#include "io/number.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* A binary format: p bits of precision, exponents of normal numbers emin .. emax = 1 - emin. */
typedef struct format {
    int p, emin;
} format;

static const format format_double = {53, -1022};
static const format format_float = {24, -126};

/* What the text says: digits * 10^exponent, at most 19 digits; `truncated`: further digits, not all zero, follow. */
typedef struct decimal {
    const char *first, *last; /* the digits with their point */
    uint64_t digits;
    int64_t exponent, written; /* `written`: as the text has it, for all digits taken as they stand */
    bool truncated;
} decimal;

#define DIGITS_KEPT 19
#define EXPONENT_LIMIT 100000000000000000 /* stop counting: further than any text can move the point back */

static inline bool is_digit(char c)
{
    return (unsigned)(c - '0') < 10;
}

/* Eight characters, the first in the lowest byte. */
static inline uint64_t load_eight(const char *text)
{
    uint64_t x;
    memcpy(&x, text, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* The number of eight digits, one a byte: three steps that each join neighbours. */
static inline uint64_t join_eight(uint64_t x)
{
    x = (x * (1 + (10 << 8)) >> 8) & 0x00ff00ff00ff00ff;
    x = (x * (1 + (100 << 16)) >> 16) & 0x0000ffff0000ffff;
    return x * (1 + ((uint64_t)10000 << 32)) >> 32;
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The 8 digits at `text` as a number, or -1 when they are not all digits. */
static inline int64_t eight_digits(const char *text)
{
    uint64_t x = load_eight(text), low = x - 0x3030303030303030, high = x + 0x4646464646464646;
    if ((low | high) & 0x8080808080808080) return -1;
    return (int64_t)join_eight(low);
}

static inline const char *skip_digits(const char *text, const char *end, uint64_t *digits)
{
    uint64_t w = *digits;
    for (int64_t eight; end - text >= 8 && (eight = eight_digits(text)) >= 0; text += 8)
        w = w * 100000000 + (uint64_t)eight;
    for (; text < end && is_digit(*text); text++) w = w * 10 + (uint64_t)(*text - '0');
    *digits = w;
    return text;
}

/* Keeps the first 19 significant digits of a longer number. `places`: digits behind the point. */
static void keep_first_digits(decimal *d)
{
    const char *at = d->first;
    bool point = false;
    int64_t kept = 0, places = 0, whole_dropped = 0;
    d->digits = 0;
    for (; at < d->last; at++) {
        if (*at == '.') {
            point = true;
        } else if (kept < DIGITS_KEPT) {
            d->digits = d->digits * 10 + (uint64_t)(*at - '0');
            kept += d->digits != 0;
            places += point;
        } else {
            whole_dropped += !point;
            d->truncated |= *at != '0';
        }
    }
    d->exponent = whole_dropped - places;
}

/* Reads an exponent, if there is one, and returns what follows it. */
static inline const char *scan_exponent(const char *text, const char *end, int64_t *exponent)
{
    const char *at = text;
    if (at == end || (*at != 'e' && *at != 'E')) return text;
    at++;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end || !is_digit(*at)) return text;
    int64_t e = 0;
    for (; at < end && is_digit(*at); at++)
        if (e < EXPONENT_LIMIT) e = e * 10 + (*at - '0');
    *exponent = negative ? -e : e;
    return at;
}

/* Digits, point, exponent. Returns what follows, or NULL when there is no digit. */
static inline const char *scan_decimal(const char *text, const char *end, decimal *d)
{
    *d = (decimal){.first = text};
    const char *at = skip_digits(text, end, &d->digits);
    int64_t count = at - text;
    if (at < end && *at == '.') {
        const char *point = at++;
        at = skip_digits(at, end, &d->digits);
        d->exponent = point + 1 - at;
        count += at - point - 1;
    }
    if (count == 0) return NULL;
    d->last = at;
    if (count > DIGITS_KEPT) keep_first_digits(d);
    at = scan_exponent(at, end, &d->written);
    d->exponent += d->written;
    return at;
}

/* A non-negative number between two neighbours: the bits of the lower one (the format's, without sign) and whether the
 * upper one is nearer. `unsure`: 128 bits of the power did not tell. */
typedef struct rounding {
    uint64_t lower;
    bool up, unsure;
} rounding;

static inline uint64_t infinity_bits(format f)
{
    return (uint64_t)(3 - 2 * f.emin) << (f.p - 1);
}

/* w * 10^q, w > 0. With w shifted left by l until its top bit is set and t the 128-bit power, P = w t has 191 or 192
 * bits and the number is X = P 2^(e - 127 - l), where true and computed product differ by less than 2^64 (the error
 * of t is below 1): X is below P for the powers -27 .. -1, whose t is rounded up here, exact for 0 .. 55, above P for all others.
 *
 * Where the bits of the high word below the rounding bit are neither all 0 nor all 1 they decide: the low word
 * of t adds at most one to them. (When that carries into the top bit, m is 2^p, which the sum of exponent and m below
 * takes for the next power of two.) Otherwise the second product is needed, and:
 * - all 0, rounding bit 1, might be a tie. -27 .. -1: a tie B is a multiple of 2^137 and X = w 2^s / 5^-q with s >= 128,
 *   so X differs from B by 0 or at least 2^128 / 5^27 > 2^65: P within 2^64 of B means a tie. 0 .. 55: a tie when
 *   all lower words are 0. Otherwise never a tie: X would be a multiple of 5^56, or w one of 5^28 > 2^64.
 * - all 1, rounding bit 0, middle word all 1: X may reach the tie above it, for the other powers only. */
static inline rounding round_product(uint64_t w, int64_t q64, format f)
{
    if (q64 < NUMBER_POWER_FIRST) return (rounding){0, false, false};
    if (q64 > 308) return (rounding){infinity_bits(f), false, false};
    int q = (int)q64, l = __builtin_clzll(w);
    w <<= l;
    const uint64_t *t = number_powers[q - NUMBER_POWER_FIRST];
    number_uint128 product = (number_uint128)w * t[0];
    uint64_t high = (uint64_t)(product >> 64), middle = (uint64_t)product, low = 0;

    int top = (int)(high >> 63);
    int exponent = 63 + top + number_floor_log2_power(q) - l; /* floor(log2 X) */
    int shift = 63 + top - f.p;
    if (exponent < f.emin) shift += f.emin - exponent;
    if (shift > 64) return (rounding){0, false, false};
    uint64_t mask = ((uint64_t)1 << (shift - 1)) - 1;

    if ((high & mask) == mask || (high & mask) == 0) {
        bool rounded_up = q < 0 && q >= -27;
        number_uint128 second = (number_uint128)w * t[1] + (rounded_up ? w : 0);
        middle += (uint64_t)(second >> 64);
        high += middle < (uint64_t)(second >> 64);
        low = (uint64_t)second;
        if (rounded_up) low = 0;
    }
    uint64_t m = shift < 64 ? high >> shift : 0;
    bool half = high >> (shift - 1) & 1, rest = (high & mask) | middle | low;
    if (q < -27 || q > 55) rest = true;
    bool unsure = !half && (high & mask) == mask && middle == UINT64_MAX && (q < -27 || q > 55);

    rounding r = {m, half && (rest || (m & 1)), unsure};
    if (exponent >= f.emin) {
        if (exponent > 1 - f.emin) return (rounding){infinity_bits(f), false, false};
        r.lower = ((uint64_t)(exponent - f.emin) << (f.p - 1)) + m;
    }
    return r;
}

/* Integers of full length. The most digits that matter, 770, are below 2^2562; five to the power 1100 times a midpoint
 * of 54 bits is below 2^2612; the shift of either brings it no further than the other. */
#define BIG_WORDS 64
#define BIG_DIGITS 770

typedef struct big {
    uint64_t word[BIG_WORDS];
    int used;
} big;

static void big_multiply_add(big *b, uint64_t factor, uint64_t addend)
{
    uint64_t carry = addend;
    for (int i = 0; i < b->used; i++) {
        number_uint128 p = (number_uint128)b->word[i] * factor + carry;
        b->word[i] = (uint64_t)p;
        carry = (uint64_t)(p >> 64);
    }
    if (carry && b->used < BIG_WORDS) b->word[b->used++] = carry;
}

static void big_times_power_of_5(big *b, int64_t n)
{
    for (; n >= 27; n -= 27) big_multiply_add(b, 7450580596923828125u, 0);
    for (; n > 0; n--) big_multiply_add(b, 5, 0);
}

static void big_shift_left(big *b, int64_t n)
{
    int words = (int)(n / 64), bits = (int)(n % 64);
    if (bits) big_multiply_add(b, (uint64_t)1 << bits, 0);
    if (words == 0 || b->used == 0 || words > BIG_WORDS - b->used) return;
    memmove(b->word + words, b->word, (size_t)b->used * sizeof b->word[0]);
    memset(b->word, 0, (size_t)words * sizeof b->word[0]);
    b->used += words;
}

static int big_compare(const big *a, const big *b)
{
    if (a->used != b->used) return a->used < b->used ? -1 : 1;
    for (int i = a->used - 1; i >= 0; i--)
        if (a->word[i] != b->word[i]) return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

/* The digits as an integer, returning its power of ten. Half-way points have at most 768 significant digits, so that of
 * what follows the first 770 only matters whether it is zero: if not, one more digit, 1, stands for it. */
static int64_t big_from_digits(big *b, const decimal *d)
{
    int64_t kept = 0, places = 0, whole_dropped = 0;
    bool point = false, more = false;
    b->used = 0;
    for (const char *at = d->first; at < d->last; at++) {
        if (*at == '.') {
            point = true;
        } else if (kept < BIG_DIGITS) {
            big_multiply_add(b, 10, (uint64_t)(*at - '0'));
            kept += b->used != 0;
            places += point;
        } else {
            whole_dropped += !point;
            more |= *at != '0';
        }
    }
    if (more) big_multiply_add(b, 10, 1);
    return d->written + whole_dropped - places - more;
}

/* Is the decimal above (1), at (0) or below (-1) the point half way between the number of these bits and the next? */
static int compare_with_midpoint(const decimal *d, uint64_t lower, format f)
{
    uint64_t field = lower >> (f.p - 1), fraction = lower & (((uint64_t)1 << (f.p - 1)) - 1);
    uint64_t m = field ? fraction | (uint64_t)1 << (f.p - 1) : fraction;
    int64_t two = (int64_t)(field ? field : 1) - 1 + f.emin - (f.p - 1) - 1; /* midpoint: (2 m + 1) 2^two */
    big left, right = {.word = {2 * m + 1}, .used = 1};
    int64_t ten = big_from_digits(&left, d);
    if (ten >= 0)
        big_times_power_of_5(&left, ten);
    else
        big_times_power_of_5(&right, -ten);
    if (ten >= two)
        big_shift_left(&left, ten - two);
    else
        big_shift_left(&right, two - ten);
    return big_compare(&left, &right);
}

/* The number with fewer than 20 digits lies below that of d, with 1 added to the last above it; when both round to one
 * number that is the answer. The lower neighbour of the first is at most one rounding away. */
static uint64_t round_long(const decimal *d, rounding below, format f)
{
    if (d->truncated && !below.unsure) {
        rounding above = round_product(d->digits + 1, d->exponent, f);
        if (!above.unsure && below.lower + below.up == above.lower + above.up) return below.lower + below.up;
    }
    if (below.lower >= infinity_bits(f)) return infinity_bits(f);
    int c = compare_with_midpoint(d, below.lower, f);
    return below.lower + (c > 0 || (c == 0 && (below.lower & 1)));
}

static inline uint64_t round_decimal(const decimal *d, format f)
{
    if (d->digits == 0) return 0;
    rounding r = round_product(d->digits, d->exponent, f);
    if (d->truncated || r.unsure) return round_long(d, r, f);
    return r.lower + r.up;
}

/* Case-blind comparison with a word in small letters. */
static bool word_here(const char *text, const char *end, const char *word)
{
    for (; *word; text++, word++)
        if (text == end || (*text | 0x20) != *word) return false;
    return true;
}

/* nan, inf and infinity: returns what follows and sets the bits without sign, or NULL. */
static const char *read_word(const char *text, const char *end, format f, uint64_t *bits)
{
    *bits = infinity_bits(f);
    if (word_here(text, end, "infinity")) return text + 8;
    if (word_here(text, end, "inf")) return text + 3;
    *bits |= (uint64_t)1 << (f.p - 2);
    return word_here(text, end, "nan") ? text + 3 : NULL;
}

static inline number_status read_bits(const char **text, const char *end, format f, uint64_t *bits, bool *negative)
{
    const char *at = *text;
    *negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    decimal d;
    const char *after = scan_decimal(at, end, &d);
    if (after) {
        *text = after;
        *bits = round_decimal(&d, f);
        return *bits < infinity_bits(f) ? NUMBER_OK : NUMBER_RANGE;
    }
    after = read_word(at, end, f, bits);
    *text = after ? after : at;
    return after ? NUMBER_OK : NUMBER_BAD;
}

number_status number_read_double(const char **text, const char *end, double *value)
{
    uint64_t bits;
    bool negative;
    number_status status = read_bits(text, end, format_double, &bits, &negative);
    if (status == NUMBER_BAD) return status;
    bits |= (uint64_t)negative << 63;
    memcpy(value, &bits, sizeof bits);
    return status;
}

number_status number_read_float(const char **text, const char *end, float *value)
{
    uint64_t bits;
    bool negative;
    number_status status = read_bits(text, end, format_float, &bits, &negative);
    if (status == NUMBER_BAD) return status;
    uint32_t bits32 = (uint32_t)bits | (uint32_t)negative << 31;
    memcpy(value, &bits32, sizeof bits32);
    return status;
}

/* ---- a list of floats ----
 *
 * As in printing (number_float.h), what is as good as random is computed without branches: the digits are taken from two
 * words of eight characters, shifted by how many there are. */

/* How many digits there are at `text`, at most 16. */
static inline unsigned digits_here(const char *text)
{
#if defined(__SSE2__)
    __m128i x = _mm_loadu_si128((const __m128i *)text);
    /* '0' to '9' become the largest of signed bytes */
    __m128i digit = _mm_cmpgt_epi8(_mm_add_epi8(x, _mm_set1_epi8(127 - '9')), _mm_set1_epi8(127 - 10));
    return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(digit));
#else
    const uint64_t zeros = 0x3030303030303030, over = 0x7676767676767676, tops = 0x8080808080808080;
    const uint64_t gather = 0x0002040810204081; /* the highest bits of eight bytes, in the highest byte */
    uint64_t first = load_eight(text) ^ zeros, second = load_eight(text + 8) ^ zeros;
    first = ((first + over) | first) & tops;
    second = ((second + over) | second) & tops;
    return (unsigned)__builtin_ctz((unsigned)(first * gather >> 56) | (unsigned)(second * gather >> 48 & 0xff00) |
                                   1 << 16);
#endif
}

/* The number of the first n of 16 digits (one a byte), 0 < n < 16; what is behind them may be anything. */
static inline uint64_t join_digits(uint64_t first, uint64_t second, unsigned n)
{
    number_uint128 all = ((number_uint128)second << 64 | first) << (128 - 8 * n);
    return join_eight((uint64_t)all) * 100000000 + join_eight((uint64_t)(all >> 64));
}

/* The exponent at `text`, behind its e; returns what follows. */
static inline const char *list_exponent(const char *text, const char *end, int64_t *exponent)
{
    bool negative = *text == '-';
    int64_t e = 0;
    for (text += negative || *text == '+'; text < end && is_digit(*text); text++)
        if (e < EXPONENT_LIMIT) e = e * 10 + (*text - '0');
    *exponent += negative ? -e : e;
    return text;
}

#define NOT_READ UINT32_MAX

static __attribute__((noinline)) uint32_t round_float_seldom(uint64_t w, int64_t q)
{
    if (w == 0) return 0;
    rounding r = round_product(w, q, format_float);
    return r.unsure || r.lower + r.up >= infinity_bits(format_float) ? NOT_READ : (uint32_t)(r.lower + r.up);
}

/* The bits of w 10^q as a float: as round_product, where the first product decides and the float is normal. NOT_READ: it
 * is not known, or too large. */
static inline uint32_t round_float(uint64_t w, int64_t q)
{
    if (w == 0 || q < -60 || q > 38) return round_float_seldom(w, q);
    int l = __builtin_clzll(w);
    uint64_t high = (uint64_t)(((number_uint128)(w << l) * number_powers[q - NUMBER_POWER_FIRST][0]) >> 64);
    int top = (int)(high >> 63), shift = 38 + top; /* to the rounding bit */
    int exponent = 63 + top + number_floor_log2_power((int)q) - l;
    uint64_t mask = ((uint64_t)1 << shift) - 1, below = high & mask;
    if (below == 0 || below == mask || exponent < -126 || exponent > 126) return round_float_seldom(w, q);
    return (uint32_t)(exponent + 126) * 0x800000 + (uint32_t)(((high >> shift) + 1) >> 1);
}

int64_t number_read_floats(const char **text, const char *end, int64_t count, float *values)
{
    static const uint64_t power[] = {1,           10,           100,           1000,          10000,
                                     100000,      1000000,      10000000,      100000000,     1000000000,
                                     10000000000, 100000000000, 1000000000000, 10000000000000};
    const uint64_t zeros = 0x3030303030303030;
    const char *at = *text;
    int64_t i = 0;
    for (; i < count && end - at >= 64; i++) {
        uint32_t negative = *at == '-';
        const char *digits = at + negative;
        uint64_t whole = (uint64_t)(*digits - '0');
        if (digits[1] != '.') {
            unsigned n = digits_here(digits);
            if (n - 1 >= 6 || digits[n] != '.') break;
            whole = join_eight((load_eight(digits) ^ zeros) << (64 - 8 * n));
            digits += n - 1;
        }
        digits += 2;
        unsigned n = digits_here(digits);
        if (n - 1 > 12) break;
        uint64_t w = whole * power[n] + join_digits(load_eight(digits) ^ zeros, load_eight(digits + 8) ^ zeros, n);
        int64_t q = -(int64_t)n;
        const char *after = digits + n;
        if (*after != ',') {
            if ((*after | 0x20) == 'e') after = list_exponent(after + 1, end, &q);
            if (*after != ',') break;
        }
        uint32_t bits = round_float(w, q);
        if (bits == NOT_READ) break;
        bits |= negative << 31;
        memcpy(values + i, &bits, sizeof bits);
        at = after + 1;
        if (at[0] == ' ' && at[1] > ' ')
            at++;
        else
            while (at < end && is_blank(*at)) at++;
    }
    *text = at;
    return i;
}

/* Digits up to `limit`. */
static number_status read_digits(const char **text, const char *end, uint64_t limit, uint64_t *value)
{
    const char *at = *text;
    uint64_t x = 0;
    bool over = false;
    for (; at < end && is_digit(*at); at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (x > (limit - digit) / 10)
            over = true;
        else
            x = x * 10 + digit;
    }
    if (at == *text) return NUMBER_BAD;
    *text = at;
    *value = over ? limit : x;
    return over ? NUMBER_RANGE : NUMBER_OK;
}

number_status number_read_uint64(const char **text, const char *end, uint64_t *value)
{
    const char *at = *text;
    if (at < end && *at == '+') at++;
    number_status status = read_digits(&at, end, UINT64_MAX, value);
    *text = at;
    return status;
}

number_status number_read_int64(const char **text, const char *end, int64_t *value)
{
    const char *at = *text;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    uint64_t size;
    number_status status = read_digits(&at, end, (uint64_t)INT64_MAX + negative, &size);
    *text = at;
    if (status == NUMBER_BAD) return status;
    if (!negative)
        *value = (int64_t)size;
    else
        *value = size ? -(int64_t)(size - 1) - 1 : 0;
    return status;
}

const char *number_skip_json(const char *text, const char *end, bool *integer)
{
    const char *at = text;
    *integer = true;
    if (at < end && *at == '-') at++;
    if (at == end || !is_digit(*at)) return NULL;
    if (*at == '0')
        at++;
    else
        while (at < end && is_digit(*at)) at++;
    if (at < end && *at == '.') {
        *integer = false;
        const char *first = ++at;
        while (at < end && is_digit(*at)) at++;
        if (at == first) return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        *integer = false;
        at++;
        if (at < end && (*at == '-' || *at == '+')) at++;
        const char *first = at;
        while (at < end && is_digit(*at)) at++;
        if (at == first) return NULL;
    }
    if (at < end && is_digit(*at)) return NULL; /* a leading zero */
    return at;
}
