/* SPDX-License-Identifier: MIT
 *
 * Base64: the cases of its RFC, every length, and what is refused.
 */
#include "io/base64.h"
#include "number_bits.h"

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
    TCase *tests = tcase_create("base64");
    tcase_add_test(tests, base64_of_the_rfc);
    tcase_add_test(tests, base64_every_length);
    tcase_add_test(tests, base64_is_strict);
    return run_case(tests, "base64");
}
