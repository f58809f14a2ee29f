/* SPDX-License-Identifier: MIT
 *
 * Numbers from text, as the C library reads them, and as JSON has them.
 */
#include "number_bits.h"

#include <float.h>

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

int main(void)
{
    TCase *tests = tcase_create("number_read");
    tcase_add_test(tests, random_decimals_read);
    tcase_add_test(tests, halfway_cases_read);
    tcase_add_test(tests, known_hard_cases_read);
    tcase_add_test(tests, words_faults_and_ends);
    tcase_add_test(tests, integers_read);
    tcase_add_test(tests, json_grammar_of_numbers);
    return run_case_within(tests, "number_read", how_many(60, 1000));
}
