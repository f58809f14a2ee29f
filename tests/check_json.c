/* SPDX-License-Identifier: MIT
 *
 * JSON: the writer, the reader, its sentences, and the corpus of good and bad texts.
 */
#include "common.h"
#include "failing.h"
#include "io/json_read.h"
#include "io/json_write.h"
#include "io/number.h"

#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- writer ---- */

static void write_sample(json_writer *w, const reel_array *matrix)
{
    json_write_object_begin(w, NULL);
    json_write_text(w, "name", "a \"quoted\" \\ text\n\x01 \xc3\xa9");
    json_write_text(w, "none", NULL);
    json_write_bool(w, "yes", true);
    json_write_int64(w, "small", -9007199254740992);
    json_write_int64(w, "large", 9007199254740993);
    json_write_int64(w, "least", INT64_MIN);
    json_write_uint64(w, "most", UINT64_MAX);
    json_write_double(w, "third", 1.0 / 3);
    json_write_double(w, "zero", -0.0);
    json_write_double(w, "nan", NAN);
    json_write_object_begin(w, "adam");
    json_write_double(w, "beta1", 0.9);
    json_write_double(w, "beta2", 0.999);
    json_write_object_end(w);
    json_write_list_begin(w, "empty");
    json_write_list_end(w);
    json_write_list_begin(w, "groups");
    for (int i = 0; i < 2; i++) {
        json_write_object_begin(w, NULL);
        json_write_int64(w, "id", i);
        json_write_text(w, "text", "long enough that two such objects do not stand on one line of a hundred");
        json_write_object_end(w);
    }
    json_write_list_end(w);
    json_write_tensor(w, "w", matrix, false);
    json_write_tensor(w, "v", matrix, true);
    json_write_object_end(w);
}

static const char sample_text[] =
    "{\n"
    " \"name\": \"a \\\"quoted\\\" \\\\ text\\n\\u0001 \xc3\xa9\",\n"
    " \"none\": null,\n"
    " \"yes\": true,\n"
    " \"small\": -9007199254740992,\n"
    " \"large\": \"9007199254740993\",\n"
    " \"least\": \"-9223372036854775808\",\n"
    " \"most\": \"18446744073709551615\",\n"
    " \"third\": 0.3333333333333333,\n"
    " \"zero\": -0.0,\n"
    " \"nan\": \"nan\",\n"
    " \"adam\": {\"beta1\": 0.9, \"beta2\": 0.999},\n"
    " \"empty\": [],\n"
    " \"groups\": [\n"
    "  {\"id\": 0, \"text\": \"long enough that two such objects do not stand on one line of a hundred\"},\n"
    "  {\"id\": 1, \"text\": \"long enough that two such objects do not stand on one line of a hundred\"}\n"
    " ],\n"
    " \"w\": {\"dtype\": \"float32\", \"shape\": [2, 3], \"data\": [0.1, -0.0, 1e-07, \"nan\", \"-inf\", 3.0]},\n"
    " \"v\": {\"dtype\": \"float32\", \"shape\": [2, 3], \"base64\": \"zczMPQAAAICVv9YzAADAfwAAgP8AAEBA\"}\n"
    "}\n";

START_TEST(writer_layout)
{
    reel_context *own = reel_context_new(NULL);
    float data[6] = {0.1f, -0.0f, 1e-7f, NAN, -INFINITY, 3.0f};
    uint32_t canonical = 0x7fc00000;
    memcpy(data + 3, &canonical, 4);
    reel_array matrix = reel_array_view(REEL_FLOAT, data, 2, (const int64_t[]){2, 3});
    json_writer w;
    json_writer_init(&w, own, 1);
    write_sample(&w, &matrix);
    size_t length;
    const char *text = json_writer_text(&w, &length);
    ck_assert_msg(text != NULL, "%s", reel_error_text(own));
    ck_assert_str_eq(text, sample_text);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_ptr_eq(json_writer_text(&w, &length), text); /* twice the same */
    ck_assert_uint_eq(length, strlen(text));
    json_writer_free(&w);
    ck_assert_uint_eq(reel_context_memory(own).in_use, 0);
    reel_context_free(own);
}
END_TEST

START_TEST(writer_wraps_numbers)
{
    reel_context *own = reel_context_new(NULL);
    double data[500];
    for (int i = 0; i < 500; i++) data[i] = sqrt(i) - 11;
    reel_array array = reel_array_view(REEL_DOUBLE, data, 1, (const int64_t[]){500});
    json_writer w;
    json_writer_init(&w, own, 2);
    json_write_object_begin(&w, NULL);
    json_write_numbers(&w, "x", &array);
    json_write_tensor(&w, "t", &array, false);
    json_write_object_end(&w);
    const char *text = json_writer_text(&w, NULL), *end;
    int lines = 0;
    for (const char *line = text; *line; line = end + 1, lines++) {
        end = strchr(line, '\n');
        ck_assert_msg(end - line <= JSON_COLUMNS + 3, "%.*s", (int)(end - line), line);
        if (lines > 1)
            ck_assert_msg(end - line > 70 || end[-1] == '}' || strchr(line, ']') < end, "%.*s", (int)(end - line),
                          line);
    }
    ck_assert_int_gt(lines, 100);
    json_document *d = json_document_new(NULL, own, "x", text, strlen(text));
    double back[500];
    json_fault fault;
    ck_assert(json_decode(d, json_member(json_root(d), "x"), REEL_DOUBLE, back, &fault));
    ck_assert(memcmp(data, back, sizeof data) == 0);
    json_writer_free(&w);
    reel_context_free(own);
}
END_TEST

/* Numbers of all lengths and layouts: of each fourth element all bits, zeros, powers of two and words among them. */
static float sample_float(int i)
{
    static const float special[] = {
        0, -0.0f, 1, 0.5f, INFINITY, NAN, -INFINITY, 1e-45f, 1.17549435e-38f, 3.4028235e38f};
    uint32_t bits = (uint32_t)i * 2654435761u;
    if (i % 4 == 1) bits = (bits & 0x83ffffff) | 0x3c000000;
    if (i % 4 == 2) bits = (bits & 0x80ffffff) | 0x3f000000;
    float x;
    memcpy(&x, &bits, sizeof x);
    return i % 4 == 3 ? special[i / 4 % 10] : i % 97 < 40 ? (float)(i % 13) * 0.125f - 1 : x;
}

/* A list is printed and read in loops of its own, which must agree with one number at a time. */
START_TEST(lists_of_floats_are_their_elements)
{
    enum { COUNT = 6000 };
    static const size_t blanks[] = {0, 1, 13, 14, 15, 60};
    static float values[COUNT], back[COUNT];
    static char expected[COUNT * (NUMBER_TEXT_SIZE + 62)], text[sizeof expected + 2 * JSON_ARRAY_ROOM];
    for (int i = 0; i < COUNT; i++) values[i] = sample_float(i);
    reel_array array = reel_array_view(REEL_FLOAT, values, 1, (const int64_t[]){COUNT});
    size_t b = blanks[_i], column = 7, n = 0, length = 1;
    for (int i = 0; i < COUNT; i++) {
        char number[NUMBER_TEXT_SIZE];
        size_t digits = number_print_float(number, values[i]);
        bool wrap = i && column + 2 + digits + 1 > JSON_COLUMNS;
        if (wrap) n += (size_t)sprintf(expected + n, ",\n%*s%s", (int)b, "", number);
        if (!wrap) n += (size_t)sprintf(expected + n, "%s%s", i ? ", " : "", number);
        column = wrap ? b + digits : column + digits + (i ? 2 : 0);
    }
    json_array_text t = json_array_start(&array, false, 7, b);
    for (size_t room = 0; !json_array_ended(&t); room = (room + 59) % 997)
        length += json_array_print(&t, text + length, JSON_ARRAY_ROOM + room);
    ck_assert_uint_eq(length - 1, n);
    ck_assert_int_eq(memcmp(text + 1, expected, n), 0);
    ck_assert_uint_eq(t.column, column);

    reel_context *own = reel_context_new(NULL);
    text[0] = '[';
    text[length] = ']';
    json_document *d = json_document_new(NULL, own, "list", text, length + 1);
    json_fault fault;
    ck_assert_msg(d != NULL, "%s", reel_error_text(own));
    ck_assert_int_eq(json_count(d, json_root(d)), COUNT);
    ck_assert(json_decode(d, json_root(d), REEL_FLOAT, NULL, &fault));
    ck_assert(json_decode(d, json_root(d), REEL_FLOAT, back, &fault));
    for (int i = 0; i < COUNT; i++)
        ck_assert_msg(isnan(values[i]) ? isnan(back[i]) : memcmp(&back[i], &values[i], sizeof *back) == 0,
                      "%d: %a read as %a", i, (double)values[i], (double)back[i]);
    reel_context_free(own);
}
END_TEST

START_TEST(writer_joins_what_fits)
{
    int joined = 0;
    for (int n = 1; n < 130; n++) {
        reel_context *own = reel_context_new(NULL);
        char value[131];
        memset(value, 'v', sizeof value);
        value[n] = '\0';
        json_writer w;
        json_writer_init(&w, own, 2);
        json_write_object_begin(&w, NULL);
        json_write_object_begin(&w, "key");
        json_write_text(&w, "text", value);
        json_write_object_end(&w);
        json_write_null(&w, "next");
        json_write_object_end(&w);
        const char *text = json_writer_text(&w, NULL), *line = strchr(text, '\n') + 1;
        bool one = strncmp(line, "  \"key\": {\"text\"", 16) == 0;
        ck_assert_msg(one == (22 + n <= JSON_COLUMNS), "%s", text); /* `  "key": {"text": "v"},` is 22 + n long */
        joined += one;
        json_writer_free(&w);
        reel_context_free(own);
    }
    ck_assert_int_gt(joined, 50);
}
END_TEST

static void write_bad(int which, json_writer *w)
{
    json_write_object_begin(w, NULL);
    switch (which) {
    case 0: json_write_bool(w, NULL, true); break;
    case 1: json_write_list_end(w); break;
    case 2:
        json_write_list_begin(w, "l");
        json_write_bool(w, "name", true);
        break;
    case 3: json_write_text(w, "t", "\xff"); break;
    case 4: json_write_text(w, "t", "\xc3"); break;
    case 5:
        json_write_object_end(w);
        json_write_object_end(w);
        break;
    case 6:
        json_write_object_end(w);
        json_write_null(w, NULL);
        break;
    case 7: break; /* never closed */
    case 8:
        for (int i = 0; i < 100; i++) json_write_object_begin(w, "deeper");
        break;
    default: json_write_tensor(w, "w", NULL, false);
    }
}

START_TEST(writer_refuses)
{
    for (int which = 0; which < 10; which++) {
        reel_context *own = reel_context_new(NULL);
        json_writer w;
        json_writer_init(&w, own, 1);
        write_bad(which, &w);
        ck_assert_ptr_null(json_writer_text(&w, NULL));
        ck_assert_msg(reel_error_status(own) == REEL_BAD_STATE, "case %d", which);
        json_writer_free(&w);
        reel_context_free(own);
    }
}
END_TEST

/* ---- reader ---- */

START_TEST(reader_reads_what_the_writer_wrote)
{
    reel_context *own = reel_context_new(NULL);
    float data[6] = {0.1f, -0.0f, 1e-7f, NAN, -INFINITY, 3.0f}, back[6];
    reel_array matrix = reel_array_view(REEL_FLOAT, data, 2, (const int64_t[]){2, 3});
    json_writer w;
    json_writer_init(&w, own, 1);
    write_sample(&w, &matrix);
    size_t length;
    const char *text = json_writer_text(&w, &length);
    json_document *d = json_document_new(NULL, own, "sample", text, length);
    ck_assert_msg(d != NULL, "%s", reel_error_text(own));
    const json_node *root = json_root(d);
    const char *name = json_get_text(d, json_member(root, "name"), &length);
    ck_assert_str_eq(name, "a \"quoted\" \\ text\n\x01 \xc3\xa9");
    int64_t i = 0;
    uint64_t u = 0;
    double x = 0;
    bool b = false;
    ck_assert(json_get_int64(d, json_member(root, "small"), &i) && i == -9007199254740992);
    ck_assert(json_get_int64(d, json_member(root, "large"), &i) && i == 9007199254740993);
    ck_assert(json_get_int64(d, json_member(root, "least"), &i) && i == INT64_MIN);
    ck_assert(!json_get_int64(d, json_member(root, "most"), &i));
    ck_assert(json_get_uint64(d, json_member(root, "most"), &u) && u == UINT64_MAX);
    ck_assert(json_get_double(d, json_member(root, "third"), &x) && x == 1.0 / 3);
    ck_assert(json_get_double(d, json_member(root, "zero"), &x) && x == 0 && signbit(x));
    ck_assert(json_get_double(d, json_member(root, "nan"), &x) && x != x);
    ck_assert(!json_get_double(d, json_member(root, "name"), &x));
    ck_assert(!json_get_double(d, json_member(root, "most"), &x)); /* a text of digits is no double */
    ck_assert(json_get_bool(d, json_member(root, "yes"), &b) && b);
    ck_assert(!json_get_bool(d, json_member(root, "small"), &b));
    ck_assert_int_eq(json_kind_of(d, json_member(root, "none")), JSON_NULL);
    ck_assert_int_eq(json_kind_of(d, json_member(root, "nothing")), JSON_NONE);
    ck_assert_int_eq(json_count(d, json_member(root, "empty")), 0);
    ck_assert_int_eq(json_count(d, json_member(root, "groups")), 2);
    ck_assert_int_eq(json_count(d, root), 15);
    json_fault fault;
    ck_assert(json_decode(d, json_member(json_member(root, "w"), "data"), REEL_FLOAT, back, &fault));
    data[3] = back[3]; /* any NaN */
    ck_assert(back[3] != back[3] && memcmp(data, back, sizeof data) == 0);
    json_writer_free(&w);
    reel_context_free(own);
}
END_TEST

START_TEST(reader_sentences)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "t.json: line 1, column 1: found the end of the text, expected a value"},
        {"{\n \"a\": [1, 2,\n  3 4]}", "t.json: line 3, column 5: found 4, expected ',' or ']'"},
        {"{\"a\": 1\n,}", "t.json: line 2, column 2: found '}', expected a name in quotes"},
        {"{\"\xc3\xa9\": tru}", "t.json: line 1, column 7: found tru, expected a value"},
        {"{\"a\": 1,\n\"a\": 2}",
         "t.json: line 2, column 1: found the name \"a\" again, expected each name once in an object"},
        {"[1, NaN]", "t.json: line 1, column 5: found NaN, expected a value (what is not finite is written \"nan\", "
                     "\"inf\" or \"-inf\", with quotes)"},
        {"[-Infinity]", "t.json: line 1, column 2: found -Infinity, expected a value (what is not finite is written "
                        "\"nan\", \"inf\" or \"-inf\", with quotes)"},
        {"[01]", "t.json: line 1, column 2: found 01, expected a number as JSON has them, like -0.5 or 1e-05"},
        {"{\"a\": \"b", "t.json: line 1, column 7: found a text that does not end, expected a closing quote"},
        {"\"a\tb\"",
         "t.json: line 1, column 3: found the control character 0x09, expected an escape like \\t in its place"},
        {"\"\xff\"", "t.json: line 1, column 2: found the byte 0xff, expected UTF-8"},
        {"{} x", "t.json: line 1, column 4: found x, expected the end of the text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reel_context *own = reel_context_new(NULL);
        ck_assert_ptr_null(json_document_new(NULL, own, "t.json", cases[i].text, strlen(cases[i].text)));
        ck_assert_str_eq(reel_error_text(own), cases[i].sentence);
        ck_assert_int_eq(reel_error_status(own), REEL_BAD_FILE);
        reel_context_free(own);
    }
}
END_TEST

static void decode_fails(const char *text, reel_dtype dtype, int64_t index, const char *found)
{
    reel_context *own = reel_context_new(NULL);
    json_document *d = json_document_new(NULL, own, "t", text, strlen(text));
    ck_assert_msg(d != NULL, "%s: %s", text, reel_error_text(own));
    double out[16];
    json_fault fault = {.index = -7};
    ck_assert_msg(!json_decode(d, json_root(d), dtype, out, &fault), "%s", text);
    ck_assert_int_eq(fault.index, index);
    ck_assert_str_eq(fault.found, found);
    reel_context_free(own);
}

START_TEST(reader_checks_elements)
{
    decode_fails("[1, 2, 256]", REEL_UINT8, 2, "256");
    decode_fails("[1, -1]", REEL_UINT8, 1, "-1");
    decode_fails("[1, 2.5]", REEL_INT64, 1, "2.5");
    decode_fails("[9223372036854775808]", REEL_INT64, 0, "9223372036854775808");
    decode_fails("[1, \"nan\"]", REEL_INT64, 1, "\"nan\"");
    decode_fails("[0, 1e39]", REEL_FLOAT, 1, "1e39");
    decode_fails("[0, -1e309, 2]", REEL_DOUBLE, 1, "-1e309");
    decode_fails("[1, \"x\"]", REEL_DOUBLE, 1, "the text \"x\"");
    decode_fails("[1, \"NaN\"]", REEL_DOUBLE, 1, "the text \"NaN\"");
    decode_fails("[1, [2]]", REEL_DOUBLE, 1, "a list of 1 number");
    decode_fails("{}", REEL_DOUBLE, -1, "an object of 0 members");
    reel_context *own = reel_context_new(NULL);
    const char *text = "[[\"nan\", \"inf\"], [1, \"9223372036854775807\"], [ 1.5 ,\n\"-inf\" , 2]]";
    json_document *d = json_document_new(NULL, own, "t", text, strlen(text));
    const json_node *node = json_first(json_root(d));
    double x[3];
    int64_t i[2];
    json_fault fault;
    ck_assert_int_eq(json_kind_of(d, node), JSON_LIST); /* could be names, and can be read as such */
    ck_assert_int_eq(json_kind_of(d, json_first(node)), JSON_TEXT);
    ck_assert(json_decode(d, node, REEL_DOUBLE, x, &fault) && x[0] != x[0] && x[1] == HUGE_VAL);
    node = json_next(node);
    ck_assert(json_decode(d, node, REEL_INT64, i, &fault) && i[0] == 1 && i[1] == INT64_MAX);
    node = json_next(node);
    ck_assert(json_decode(d, node, REEL_DOUBLE, x, &fault) && x[0] == 1.5 && x[1] == -HUGE_VAL && x[2] == 2);
    reel_context_free(own);
}
END_TEST

/* Every file of the corpus through the fuzz target; its name says whether it is JSON. */
/* A list of numbers by the grammar, one after the other. */
static bool good_list(const char *text, const char *end)
{
    const char *at = text;
    bool integer;
    do {
        at += 1 + strspn(at + 1, " \n\r\t");
        at = number_skip_json(at, end, &integer);
        if (at) at += strspn(at, " \n\r\t");
    } while (at && *at == ',');
    return at && *at == ']' && at + 1 == end;
}

/* Many characters of a list are judged together: each fault at each place is found, and nothing else is taken for one. */
START_TEST(each_character_of_a_list_counts)
{
    static const char good[] =
        "[1.5, -0.25,0.0, 10,\n  -0, 1e-07, -1.25e+10, 0.1E5, 123456789012345678901234567890.5, 1e0,"
        " 0.125, 7, -8.5e-05, 0.33333334, 100, 2.5, -3.75, 1, 2, 3, 4.0625, 1.17549435e-38, 0.5,"
        "\t-6.0, 3.4028235e+38, 0.1,\r\n0.2, 0e0, -1e-1 , 12.5]";
    static const char put[] = "019.-+eE, \n\r\t]x/:";
    char text[sizeof good + 1];
    reel_context *own = reel_context_new(NULL);
    ck_assert(good_list(good, good + sizeof good - 1));
    for (size_t at = 1; at < sizeof good - 1; at++)
        for (int i = 0; put[i]; i++)
            for (size_t insert = 0; insert < 2; insert++) {
                size_t length = sizeof good - 1 + insert;
                snprintf(text, sizeof text, "%.*s%c%s", (int)at, good, put[i], good + at + 1 - insert);
                json_document *d = json_document_new(NULL, own, "list", text, length);
                ck_assert_msg((d != NULL) == good_list(text, text + length), "%s", text);
                json_document_free(d);
                reel_error_clear(own);
            }
    reel_context_free(own);
}
END_TEST

/* One number beyond the range, wherever it stands among numbers of other lengths. */
START_TEST(range_is_checked_before_anything_is_loaded)
{
    static const char *const numbers[] = {"0.5", "0.1234567890123456", "12345678901234567890123456789.5e-05",
                                          "100000000000000000000000000000000000000"};
    static const char *const large[] = {"3.5e38", "1e400", "340300000000000000000000000000000000000.0"};
    enum { COUNT = 90 };
    char text[COUNT * 48];
    double values[COUNT];
    json_fault fault;
    reel_context *own = reel_context_new(NULL);
    for (int variant = 0; variant < 12; variant++)
        for (int64_t place = 0; place < COUNT; place++) {
            size_t n = 0;
            for (int64_t i = 0; i < COUNT; i++)
                n += (size_t)sprintf(text + n, "%s%s", i ? ", " : "[",
                                     i == place ? large[variant % 3] : numbers[variant / 3 == 3 ? i % 4 : variant / 3]);
            n += (size_t)sprintf(text + n, "]");
            json_document *d = json_document_new(NULL, own, "list", text, n);
            ck_assert(d != NULL);
            for (int load = 0; load < 2; load++) {
                bool is_double = json_decode(d, json_root(d), REEL_DOUBLE, load ? values : NULL, &fault);
                ck_assert_int_eq(is_double, variant % 3 != 1);
                if (!is_double) ck_assert_int_eq(fault.index, place);
                ck_assert(!json_decode(d, json_root(d), REEL_FLOAT, load ? values : NULL, &fault));
                ck_assert_int_eq(fault.index, place);
                ck_assert(strncmp(fault.found, large[variant % 3], 39) == 0);
            }
            json_document_free(d);
        }
    reel_context_free(own);
}
END_TEST

START_TEST(corpus_is_read_or_refused)
{
    DIR *folder = opendir(TEST_FOLDER "/corpus/json");
    ck_assert(folder != NULL);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/corpus/json/%s", TEST_FOLDER, entry->d_name);
        FILE *file = fopen(path, "rb");
        ck_assert(file != NULL);
        static char text[1 << 17];
        size_t size = fread(text, 1, sizeof text, file);
        fclose(file);
        LLVMFuzzerTestOneInput((const uint8_t *)text, size);
        reel_context *own = reel_context_new(NULL);
        json_document *d = json_document_new(NULL, own, entry->d_name, text, size);
        bool good = strncmp(entry->d_name, "bad_", 4) != 0;
        ck_assert_msg(good == (d != NULL), "%s: %s", entry->d_name, reel_error_text(own));
        reel_context_free(own);
        files++;
        for (size_t cut = 0; good && cut < size && cut < 300; cut++) /* and every beginning of it */
            LLVMFuzzerTestOneInput((const uint8_t *)text, cut);
    }
    closedir(folder);
    ck_assert_int_ge(files, 60);
}
END_TEST

/* ---- memory ---- */

START_TEST(no_memory_is_an_error)
{
    float data[3000];
    for (int i = 0; i < 3000; i++) data[i] = (float)i / 7;
    reel_array array = reel_array_view(REEL_FLOAT, data, 1, (const int64_t[]){3000});
    int failures = 0;
    for (int n = 1;; n++) {
        failing memory = {.left = (uint64_t)n};
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &memory});
        json_writer w;
        json_writer_init(&w, own, 1);
        write_sample(&w, &array);
        size_t length;
        const char *text = json_writer_text(&w, &length);
        json_document *d = text ? json_document_new(NULL, own, "t", text, length) : NULL;
        ck_assert(d || reel_error_status(own) == REEL_NO_MEMORY);
        bool done = d != NULL;
        failures += !done;
        json_document_free(d);
        json_writer_free(&w);
        ck_assert_uint_eq(reel_context_memory(own).in_use, 0);
        reel_context_free(own);
        if (done) break;
    }
    ck_assert_int_gt(failures, 8);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("json");
    tcase_add_test(tests, writer_layout);
    tcase_add_test(tests, writer_wraps_numbers);
    tcase_add_loop_test(tests, lists_of_floats_are_their_elements, 0, 6);
    tcase_add_test(tests, writer_joins_what_fits);
    tcase_add_test(tests, writer_refuses);
    tcase_add_test(tests, reader_reads_what_the_writer_wrote);
    tcase_add_test(tests, reader_sentences);
    tcase_add_test(tests, reader_checks_elements);
    tcase_add_test(tests, each_character_of_a_list_counts);
    tcase_add_test(tests, range_is_checked_before_anything_is_loaded);
    tcase_add_test(tests, corpus_is_read_or_refused);
    tcase_add_test(tests, no_memory_is_an_error);
    return run_case(tests, "json");
}
