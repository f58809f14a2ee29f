/* SPDX-License-Identifier: MIT
 *
 * Numbers as text and base64. With REEL_SLOW=1 in the environment: tens of millions of random bit patterns.
 */
#include "common.h"
#include "io/base64.h"
#include "io/number.h"

#include <fenv.h>
#include <float.h>
#include <locale.h>
#include <unistd.h>

static uint64_t next_random(uint64_t *state) /* SplitMix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t float_bits_of(float x)
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
static void read_like_libc(const char *text)
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

/* What is printed must read back, by the C library and by us; with x finite. */
static void round_trip_double(double x)
{
    char text[NUMBER_TEXT_SIZE];
    size_t length = number_print_double(text, x);
    expect(length == strlen(text) && length < NUMBER_TEXT_SIZE, "%a: length %zu", x, length);
    double back = strtod(text, NULL), own = 0;
    const char *at = text;
    number_status status = number_read_double(&at, text + length, &own);
    expect(status == NUMBER_OK && at == text + length, "%s is not read", text);
    expect(bits_of(back) == bits_of(x), "%a printed as %s, which is %a", x, text, back);
    expect(bits_of(own) == bits_of(x), "%a printed as %s, read as %a", x, text, own);
}

static void round_trip_float(float x)
{
    char text[NUMBER_TEXT_SIZE];
    size_t length = number_print_float(text, x);
    expect(length == strlen(text) && length < NUMBER_TEXT_SIZE, "%a: length %zu", (double)x, length);
    float back = strtof(text, NULL), own = 0;
    const char *at = text;
    number_status status = number_read_float(&at, text + length, &own);
    expect(status == NUMBER_OK && at == text + length, "%s is not read", text);
    expect(float_bits_of(back) == float_bits_of(x), "%a printed as %s", (double)x, text);
    expect(float_bits_of(own) == float_bits_of(x), "%a printed as %s, read as %a", (double)x, text, (double)own);
}

/* The significant digits of a printed number, without leading and closing zeros. */
static int digits_of(const char *text, char *digits)
{
    int n = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (n || *text != '0')) digits[n++] = *text;
    while (n && digits[n - 1] == '0') n--;
    digits[n] = '\0';
    return n;
}

/* No decimal with fewer digits reads back, and of those with as many ours is the nearest. Where the neighbours are not
 * equally far (powers of two) the nearest one of that length need not read back; then only the length is compared. */
static void shortest_like_search(double x, bool as_float)
{
    char text[NUMBER_TEXT_SIZE], ours[NUMBER_TEXT_SIZE], other[64], digits[64];
    if (as_float)
        number_print_float(text, (float)x);
    else
        number_print_double(text, x);
    int n = digits_of(text, ours), shorter = 1;
    for (;; shorter++) {
        snprintf(other, sizeof other, "%.*e", shorter - 1, x);
        if (as_float ? strtof(other, NULL) == (float)x : strtod(other, NULL) == x) break;
    }
    expect(n <= shorter, "%a printed as %s, but %s reads back too", x, text, other);
    int exponent;
    if (fabs(frexp(x, &exponent)) == 0.5) return;
    digits_of(other, digits);
    expect(strcmp(ours, digits) == 0, "%a printed as %s, but %s is shorter or nearer", x, text, other);
}

static int how_many(int normal, int slow)
{
    const char *flag = getenv("REEL_SLOW");
    return flag && *flag == '1' ? slow : normal;
}

START_TEST(prints_as_people_read)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-3.0, "-3.0"},
        {0.1, "0.1"},
        {0.001, "0.001"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1e-7, "1e-07"},
        {-1.5e-7, "-1.5e-07"},
        {123456.0, "123456.0"},
        {123456.789, "123456.789"},
        {9007199254740992.0, "9007199254740992.0"},
        {9999999999999998.0, "9999999999999998.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1.2345e16, "1.2345e+16"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {9e22, "9e+22"},
        {5e-324, "5e-324"},
        {1e-323, "1e-323"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {-1.7976931348623157e308, "-1.7976931348623157e+308"},
        {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"},
        {2.0 / 3.0, "0.6666666666666666"},
        {HUGE_VAL, "\"inf\""},
        {-HUGE_VAL, "\"-inf\""},
    };
    char text[NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = number_print_double(text, cases[i].x);
        ck_assert_str_eq(text, cases[i].text);
        ck_assert_uint_eq(length, strlen(text));
    }
    number_print_double(text, double_of(0xfff8000000000001));
    ck_assert_str_eq(text, "\"nan\"");
    number_print_float(text, 0.1f);
    ck_assert_str_eq(text, "0.1");
    number_print_float(text, 16777216.0f);
    ck_assert_str_eq(text, "16777216.0");
    number_print_float(text, 3.4028235e38f);
    ck_assert_str_eq(text, "3.4028235e+38");
    number_print_float(text, 1e-45f);
    ck_assert_str_eq(text, "1e-45");
    number_print_float(text, -0.0f);
    ck_assert_str_eq(text, "-0.0");
    number_print_float(text, float_of(0x7fc00001));
    ck_assert_str_eq(text, "\"nan\"");
    number_print_float(text, -HUGE_VALF);
    ck_assert_str_eq(text, "\"-inf\"");
    number_print_int64(text, INT64_MIN);
    ck_assert_str_eq(text, "-9223372036854775808");
    number_print_uint64(text, UINT64_MAX);
    ck_assert_str_eq(text, "18446744073709551615");
    number_print_int64(text, 0);
    ck_assert_str_eq(text, "0");
}
END_TEST

START_TEST(random_doubles_round_trip)
{
    uint64_t state = 1;
    for (int i = how_many(200000, 10000000); i > 0; i--) {
        double x = double_of(next_random(&state));
        if (isfinite(x)) round_trip_double(x);
        round_trip_double((double)(int64_t)(next_random(&state) >> (i % 64)) / (double)(1 << i % 30));
    }
}
END_TEST

START_TEST(random_floats_round_trip)
{
    uint64_t state = 2;
    for (int i = how_many(200000, 20000000); i > 0; i--) {
        float x = float_of((uint32_t)next_random(&state));
        if (isfinite(x)) round_trip_float(x);
    }
}
END_TEST

START_TEST(boundaries_round_trip)
{
    for (uint64_t field = 0; field < 0x7ff; field++)
        for (int64_t near = -3; near <= 3; near++) {
            uint64_t bits = (field << 52) + (uint64_t)near;
            if (bits >> 63 || bits >= (uint64_t)0x7ff << 52) continue;
            round_trip_double(double_of(bits));
            round_trip_double(-double_of(bits));
        }
    for (uint32_t field = 0; field < 0xff; field++)
        for (int32_t near = -3; near <= 3; near++) {
            uint32_t bits = (field << 23) + (uint32_t)near;
            if (bits >> 31 || bits >= (uint32_t)0xff << 23) continue;
            round_trip_float(float_of(bits));
        }
    for (int e = -330; e <= 310; e++)
        for (int near = -2; near <= 2; near++) {
            char text[32];
            snprintf(text, sizeof text, "1e%d", e);
            read_like_libc(text);
            double x = double_of(bits_of(strtod(text, NULL)) + (uint64_t)near);
            if (isfinite(x)) round_trip_double(x);
        }
    for (uint32_t bits = 0; bits < 3000; bits++) {
        round_trip_float(float_of(bits));
        round_trip_double(double_of(bits));
    }
}
END_TEST

START_TEST(digits_are_fewest_and_nearest)
{
    uint64_t state = 3;
    for (int i = how_many(20000, 1000000); i > 0; i--) {
        double x = double_of(next_random(&state) & ~((uint64_t)1 << 63));
        if (isfinite(x)) shortest_like_search(x, false);
        float y = float_of((uint32_t)next_random(&state) & 0x7fffffff);
        if (isfinite(y)) shortest_like_search((double)y, true);
        double z = (double)(next_random(&state) % 100000000) / 1000.0; /* decimals as people write them */
        shortest_like_search(z + 0.001, false);
    }
    for (int e = -1074; e < 1024; e++) shortest_like_search(ldexp(1.0, e), false);
    for (int e = -149; e < 128; e++) shortest_like_search(ldexp(1.0, e), true);
}
END_TEST

/* Doubles of which one end of the rounding interval is a short decimal: (2 m + 1) 2^e = 5^k r 2^e. It belongs to the
 * interval when m is even, and must not be printed when m is odd. */
START_TEST(ends_of_intervals)
{
    uint64_t state = 8;
    for (int i = how_many(20000, 500000); i > 0; i--) {
        uint64_t power = 1, least = (uint64_t)1 << 53;
        int k = 1 + (int)(next_random(&state) % 22);
        for (int j = 0; j < k; j++) power *= 5;
        uint64_t r = (least / power + next_random(&state) % (least / power + 1)) | 1, odd = power * r;
        if (odd < least || odd >= 2 * least) continue;
        double below = ldexp((double)(odd / 2), 1 + k), above = ldexp((double)(odd / 2 + 1), 1 + k);
        shortest_like_search(below, false);
        shortest_like_search(above, false);
        round_trip_double(below);
        round_trip_double(above);
    }
}
END_TEST

START_TEST(random_decimals_read)
{
    uint64_t state = 4;
    char text[128];
    for (int i = how_many(200000, 5000000); i > 0; i--) {
        uint64_t r = next_random(&state), a = next_random(&state), b = next_random(&state);
        int exponent = (int)(r % 700) - 360;
        switch (r >> 60) {
        case 0: snprintf(text, sizeof text, "%lluE%d", (unsigned long long)a, exponent); break;
        case 1:
            snprintf(text, sizeof text, "-%llu%020llue%+d", (unsigned long long)a, (unsigned long long)b, exponent);
            break;
        case 2: snprintf(text, sizeof text, "0.%020llu%llu", (unsigned long long)a, (unsigned long long)b); break;
        case 3:
            snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)(a >> 40), (unsigned long long)b,
                     exponent / 8);
            break;
        case 4:
            snprintf(text, sizeof text, "%.17g", double_of((a & ~((uint64_t)0x7ff << 52)) | (r >> 20 & 0x7fe) << 52));
            break;
        case 5: snprintf(text, sizeof text, "%.9g", (double)float_of((uint32_t)a & 0xff7fffff)); break;
        case 6: snprintf(text, sizeof text, "%llue%d", (unsigned long long)(a >> (r >> 8 & 63)), exponent / 10); break;
        default:
            snprintf(text, sizeof text, "%s%.*f", r & 1 && (int64_t)a >= 0 ? "+" : "", (int)(r >> 8 & 31),
                     (double)(int64_t)a * 1e-12);
        }
        read_like_libc(text);
    }
}
END_TEST

/* The exact decimal of a point half way between two neighbours, and the decimals just above and below it. */
static void halfway(long double middle, int places)
{
    static char text[2400];
    int n = snprintf(text, sizeof text - 8, "%.*Le", places, middle);
    char *e = strchr(text, 'e');
    ck_assert(n > 0 && e);
    read_like_libc(text);
    char tail[16];
    strcpy(tail, e);
    snprintf(e, 32, "0000001%s", tail);
    read_like_libc(text);
    for (char *digit = e - 1; digit >= text; digit--) { /* one unit of the last place less */
        if (*digit == '.') continue;
        if (*digit > '0') {
            (*digit)--;
            break;
        }
        *digit = '9';
    }
    strcpy(e, tail);
    read_like_libc(text);
}

START_TEST(halfway_cases_read)
{
    uint64_t state = 5;
#if LDBL_MANT_DIG >= 64
    for (int i = how_many(2000, 100000); i > 0; i--) {
        uint64_t bits = next_random(&state) & ~((uint64_t)1 << 63);
        if (i % 4 == 0) bits &= ~((uint64_t)0x7ff << 52); /* denormal */
        if (i % 4 == 1) bits = (bits & ~((uint64_t)0x7ff << 52)) | (uint64_t)(960 + i % 128) << 52;
        if (bits >= ((uint64_t)0x7ff << 52) - 1) continue;
        halfway(((long double)double_of(bits) + (long double)double_of(bits + 1)) / 2, 800);
    }
    halfway((long double)DBL_MIN / 2 + (long double)double_of(1) / 2, 800);
    halfway((long double)double_of(1) / 2, 800); /* half the least denormal: to 0, and just above it not */
    halfway((long double)DBL_MAX + ldexpl(1, 970), 800);
#else
    printf("half-way cases of doubles are left out: long double has no more bits than double\n");
#endif
    for (int i = how_many(5000, 200000); i > 0; i--) {
        uint32_t bits = (uint32_t)next_random(&state) & 0x7fffffff;
        if (i % 4 == 0) bits &= 0x7fffff;
        if (bits >= 0x7f7fffff) continue;
        halfway(((long double)float_of(bits) + (long double)float_of(bits + 1)) / 2, 160);
    }
    halfway((long double)float_of(1) / 2, 160);
    halfway((long double)FLT_MAX + ldexpl(1, 103), 160);
}
END_TEST

START_TEST(known_hard_cases_read)
{
    /* Vern Paxson, "A program for testing IEEE decimal-binary conversion" (1991): decimals near half-way points; the
     * two that hung PHP and Java; ties at 2^53; zeros of every length. */
    static const char *const cases[] = {
        "5e125",
        "69e267",
        "999e-026",
        "7861e-034",
        "75569e-254",
        "928609e-261",
        "9210917e080",
        "84863171e114",
        "653777767e273",
        "5232604057e-298",
        "27235667517e-109",
        "653532977297e-123",
        "3142213164987e-294",
        "46202199371337e-072",
        "231010996856685e-073",
        "9324754620109615e212",
        "78459735791271921e049",
        "272104041512242479e200",
        "6802601037806061975e198",
        "20505426358836677347e-221",
        "836168422905420598437e-234",
        "4891559871276714924261e222",
        "9e-265",
        "85e-037",
        "623e100",
        "3571e263",
        "81661e153",
        "920657e-023",
        "4603285e-024",
        "87575437e-309",
        "245540327e122",
        "6138508175e120",
        "83356057653e193",
        "619534293513e124",
        "2335141086879e218",
        "36167929443327e-159",
        "609610927149051e-255",
        "3743626360493413e-165",
        "94080055902682397e-242",
        "899810892172646163e283",
        "7120190517612959703e120",
        "25188282901709339043e-252",
        "308984926168550152811e-052",
        "6372891218502368041059e064",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "9007199254740993",
        "9007199254740993.0000000000000000000001",
        "9007199254740992.9999999999999999999999",
        "1.00000005960464477539062500000001",
        "16777217",
        "16777217.00000001",
        "1e400",
        "-1e400",
        "1e-400",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "0e99999999999999999999",
        "0.0000000000000000000000000000000000000000000000000000000000000000000000000000001e79",
        "-0",
        "-0.0e5",
        "1.",
        ".5",
        "+.5e1",
        "0000000000000000000000000000001.5",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "3.4028235677973366e38",
        "3.4028235677973365e38",
        "7.006492321624085354618e-46",
        "7.0064923216240853546186e-46",
        "12345678901234567890123456789012345678901234567890e-40",
        "0.5",
        "1.25",
        "3.0",
        "100",
        "1e0",
        "18446744073709551616",
        "18446744073709551615",
        "9999999999999999999e-350",
        "8.5899345932e9",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) read_like_libc(cases[i]);
    static char text[4000];
    for (int zeros = 0; zeros < 3000; zeros += 37) { /* 0.00..01e(zeros) and 100..0e-(zeros) */
        memset(text, '0', sizeof text);
        text[1] = '.';
        snprintf(text + 2 + zeros, 64, "123456789012345678901e%d", zeros);
        read_like_libc(text);
        memset(text, '0', sizeof text);
        text[0] = '1';
        snprintf(text + 1 + zeros, 64, "e-%d", zeros);
        read_like_libc(text);
    }
}
END_TEST

START_TEST(words_faults_and_ends)
{
    double x = 7;
    const char *text = "nan", *at = text;
    ck_assert_int_eq(number_read_double(&at, text + 3, &x), NUMBER_OK);
    ck_assert_uint_eq(bits_of(x), 0x7ff8000000000000);
    text = at = "-Infinity";
    ck_assert_int_eq(number_read_double(&at, text + 9, &x), NUMBER_OK);
    ck_assert(x == -HUGE_VAL && at == text + 9);
    float y = 7;
    text = at = "Inf";
    ck_assert_int_eq(number_read_float(&at, text + 3, &y), NUMBER_OK);
    ck_assert(y == HUGE_VALF && at == text + 3);
    static const char *const bad[] = {"", "-", "+", ".", "e5", "-.e5", "na", "in", "x1", " 1", "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        at = bad[i];
        x = 7;
        ck_assert_msg(number_read_double(&at, bad[i] + strlen(bad[i]), &x) == NUMBER_BAD && x == 7, "%s", bad[i]);
    }
    text = at = "1e+x"; /* no exponent: the number ends before the e */
    ck_assert_int_eq(number_read_double(&at, text + 4, &x), NUMBER_OK);
    ck_assert(x == 1 && at == text + 1);
    text = at = "12345678901234567"; /* never past the end given */
    ck_assert_int_eq(number_read_double(&at, text + 9, &x), NUMBER_OK);
    ck_assert(x == 123456789 && at == text + 9);
}
END_TEST

START_TEST(integers_read)
{
    static const struct {
        const char *text;
        number_status status;
        int64_t value;
    } cases[] = {
        {"0", NUMBER_OK, 0},
        {"-0", NUMBER_OK, 0},
        {"+12", NUMBER_OK, 12},
        {"9223372036854775807", NUMBER_OK, INT64_MAX},
        {"9223372036854775808", NUMBER_RANGE, INT64_MAX},
        {"-9223372036854775808", NUMBER_OK, INT64_MIN},
        {"-9223372036854775809", NUMBER_RANGE, INT64_MIN},
        {"99999999999999999999999", NUMBER_RANGE, INT64_MAX},
        {"", NUMBER_BAD, 5},
        {"-", NUMBER_BAD, 5},
        {"x", NUMBER_BAD, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t x = 5;
        const char *at = cases[i].text;
        ck_assert_int_eq(number_read_int64(&at, at + strlen(at), &x), cases[i].status);
        ck_assert_int_eq(x, cases[i].value);
    }
    uint64_t u = 5;
    const char *at = "18446744073709551615";
    ck_assert_int_eq(number_read_uint64(&at, at + 20, &u), NUMBER_OK);
    ck_assert_uint_eq(u, UINT64_MAX);
    at = "18446744073709551616";
    ck_assert_int_eq(number_read_uint64(&at, at + 20, &u), NUMBER_RANGE);
    at = "-1";
    ck_assert_int_eq(number_read_uint64(&at, at + 2, &u), NUMBER_BAD);
}
END_TEST

START_TEST(json_grammar_of_numbers)
{
    static const char *const good[] = {"0", "-0", "10", "1.5", "0.5", "1e5", "1E-5", "-1.25e+300", "123456789"};
    static const char *const bad[] = {"", "-", "+1", "01", "-01", ".5", "1.", "1.e5", "1e", "1e+", "e5", "nan"};
    bool integer;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *end = good[i] + strlen(good[i]);
        ck_assert_msg(number_skip_json(good[i], end, &integer) == end, "%s", good[i]);
        ck_assert_msg(integer == !strpbrk(good[i], ".eE"), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!number_skip_json(bad[i], bad[i] + strlen(bad[i]), &integer), "%s", bad[i]);
}
END_TEST

START_TEST(rounding_mode_of_the_caller_does_not_matter)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    for (size_t m = 0; m < 3; m++) {
        uint64_t state = 6;
        for (int i = 0; i < 3000; i++) {
            double x = double_of(next_random(&state));
            if (i % 2) x = (double)(i / 2) / 8;
            if (!isfinite(x)) continue;
            char usual[NUMBER_TEXT_SIZE], text[NUMBER_TEXT_SIZE];
            number_print_double(usual, x);
            fesetround(modes[m]);
            double back = 0;
            size_t length = number_print_double(text, x);
            const char *at = text;
            number_read_double(&at, text + length, &back);
            fesetround(FE_TONEAREST);
            ck_assert_str_eq(text, usual);
            ck_assert_uint_eq(bits_of(back), bits_of(x));
        }
    }
}
END_TEST

/* Makes and sets a locale with a decimal comma in `folder`; false when that is not possible here. */
static bool comma_locale(char folder[])
{
    if (!mkdtemp(folder)) return false;
    char name[256], command[1024];
    snprintf(name, sizeof name, "%s/source", folder);
    FILE *source = fopen(name, "w");
    if (!source) return false;
    fprintf(source, "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\nEND LC_NUMERIC\n");
    fclose(source);
    snprintf(command, sizeof command, "localedef -c -i %s -f ANSI_X3.4-1968 %s/comma >%s/log 2>&1", name, folder,
             folder);
    if (system(command) < 0) return false;
    setenv("LOCPATH", folder, 1);
    return setlocale(LC_NUMERIC, "comma") != NULL;
}

START_TEST(locale_of_the_caller_does_not_matter)
{
    char folder[] = "/tmp/reel-locale-XXXXXX", text[NUMBER_TEXT_SIZE];
    if (comma_locale(folder)) {
        snprintf(text, sizeof text, "%.1f", 1.5);
        ck_assert_str_eq(text, "1,5");
    } else {
        printf("left out: localedef cannot make a locale with a decimal comma\n");
    }
    number_print_double(text, 1234567.5);
    ck_assert_str_eq(text, "1234567.5");
    double x = 0;
    const char *at = "2.5e3,7";
    ck_assert_int_eq(number_read_double(&at, at + 7, &x), NUMBER_OK);
    ck_assert(x == 2500 && *at == ',');
    setlocale(LC_NUMERIC, "C");
    if (folder[strlen(folder) - 1] != 'X') {
        char command[256];
        snprintf(command, sizeof command, "rm -r %s", folder);
        ck_assert_int_eq(system(command), 0);
    }
}
END_TEST

START_TEST(base64_of_the_rfc)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[16] = "", back[16] = "";
        size_t size = strlen(pairs[i][0]), length = base64_encoded_size(size), position;
        ck_assert_uint_eq(length, strlen(pairs[i][1]));
        base64_encode(text, pairs[i][0], size);
        ck_assert_str_eq(text, pairs[i][1]);
        ck_assert_uint_eq(base64_decoded_size(text, length), size);
        ck_assert_ptr_null(base64_decode(back, text, length, &position));
        ck_assert_str_eq(back, pairs[i][0]);
    }
}
END_TEST

START_TEST(base64_every_length)
{
    uint64_t state = 7;
    for (size_t size = 0; size < 300; size++) {
        uint8_t *data = malloc(size ? size : 1), *back = malloc(size + 1); /* so that reading on shows */
        size_t length = base64_encoded_size(size), position;
        char *text = malloc(length + 1);
        for (size_t i = 0; i < size; i++) data[i] = (uint8_t)next_random(&state);
        back[size] = 0x5a;
        text[length] = '!';
        base64_encode(text, data, size);
        ck_assert(text[length] == '!');
        ck_assert_uint_eq(base64_decoded_size(text, length), size);
        ck_assert_ptr_null(base64_decode(back, text, length, &position));
        ck_assert(memcmp(data, back, size) == 0 && back[size] == 0x5a);
        ck_assert_ptr_null(base64_decode(NULL, text, length, &position)); /* only checked */
        for (int i = 0; i < 20 && length; i++) { /* one bad character anywhere is found where it stands */
            size_t at = next_random(&state) % length;
            char kept = text[at];
            text[at] = "\0\n-_ \x80\xff="[next_random(&state) % 7];
            ck_assert_ptr_nonnull(base64_decode(back, text, length, &position));
            if (kept != '=') ck_assert_uint_eq(position, at);
            size_t found = position;
            ck_assert_ptr_nonnull(base64_decode(NULL, text, length, &position));
            ck_assert_uint_eq(position, found);
            text[at] = kept;
        }
        free(data);
        free(back);
        free(text);
    }
}
END_TEST

START_TEST(base64_is_strict)
{
    static const struct {
        const char *text;
        size_t position;
        const char *part;
    } cases[] = {
        {"Zg=", 3, "multiple of 4"},    {"Zh==", 1, "not 0"},    {"Zm9=", 2, "not 0"},
        {"Zm9v=m9v", 4, "padding"},     {"Z===", 1, "padding"},  {"====", 0, "padding"},
        {"Zm9vZg==Zm9v", 6, "padding"}, {"Zm 9", 2, "alphabet"}, {"Zm9\n", 3, "alphabet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char back[16];
        size_t position = 99;
        const char *fault = base64_decode(back, cases[i].text, strlen(cases[i].text), &position);
        ck_assert_msg(fault && strstr(fault, cases[i].part), "%s: %s", cases[i].text, fault ? fault : "no fault");
        ck_assert_uint_eq(position, cases[i].position);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("number");
    tcase_set_timeout(tests, how_many(60, 1000));
    tcase_add_test(tests, prints_as_people_read);
    tcase_add_test(tests, random_doubles_round_trip);
    tcase_add_test(tests, random_floats_round_trip);
    tcase_add_test(tests, boundaries_round_trip);
    tcase_add_test(tests, digits_are_fewest_and_nearest);
    tcase_add_test(tests, ends_of_intervals);
    tcase_add_test(tests, random_decimals_read);
    tcase_add_test(tests, halfway_cases_read);
    tcase_add_test(tests, known_hard_cases_read);
    tcase_add_test(tests, words_faults_and_ends);
    tcase_add_test(tests, integers_read);
    tcase_add_test(tests, json_grammar_of_numbers);
    tcase_add_test(tests, rounding_mode_of_the_caller_does_not_matter);
    tcase_add_test(tests, locale_of_the_caller_does_not_matter);
    tcase_add_test(tests, base64_of_the_rfc);
    tcase_add_test(tests, base64_every_length);
    tcase_add_test(tests, base64_is_strict);
    return run_case(tests, "number");
}
