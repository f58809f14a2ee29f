/* SPDX-License-Identifier: MIT
 *
 * Numbers as text: what is printed is short and reads back to the same bits.
 */
#include "number_bits.h"

#include <fenv.h>
#include <float.h>
#include <locale.h>
#include <unistd.h>

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

int main(void)
{
    TCase *tests = tcase_create("number");
    tcase_add_test(tests, prints_as_people_read);
    tcase_add_test(tests, random_doubles_round_trip);
    tcase_add_test(tests, random_floats_round_trip);
    tcase_add_test(tests, boundaries_round_trip);
    tcase_add_test(tests, digits_are_fewest_and_nearest);
    tcase_add_test(tests, ends_of_intervals);
    tcase_add_test(tests, rounding_mode_of_the_caller_does_not_matter);
    tcase_add_test(tests, locale_of_the_caller_does_not_matter);
    return run_case_within(tests, "number", how_many(60, 1000));
}
