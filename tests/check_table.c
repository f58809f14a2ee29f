/* SPDX-License-Identifier: MIT
 *
 * CSV files: what is read, and every sentence of what is refused.
 */
#include "failing.h"
#include "table_text.h"

#include <dirent.h>
#include <locale.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_text(const reel_table *t, int64_t row, int column, const char *text)
{
    const char *found = reel_table_text(t, row, column);
    ck_assert_msg(found && strcmp(found, text) == 0, "field %lld, %d is \"%s\", expected \"%s\"", (long long)row,
                  column, found ? found : "(none)", text);
}

/* ---- reading ---- */

START_TEST(reads_fields)
{
    reel_table *t = parse("\xef\xbb\xbfname, size ,\"a \"\"b\"\"\"\r\n"
                          "\"x, y\", 1.5 ,\"two\nlines\"\r\n"
                          "\r\n"
                          " z ,-2e-3,  \"q\"  \r\n"
                          "5\" pipe,.5,w");
    ck_assert_int_eq(reel_table_rows(t), 3);
    ck_assert_int_eq(reel_table_columns(t), 3);
    ck_assert(reel_table_has_header(t) && reel_table_delimiter(t) == ',');
    ck_assert_str_eq(reel_table_name(t, 1), "size");
    ck_assert_str_eq(reel_table_name(t, 2), "a \"b\"");
    ck_assert_ptr_null(reel_table_name(t, 3));
    expect_text(t, 0, 0, "x, y");
    expect_text(t, 0, 2, "two\nlines");
    expect_text(t, 1, 0, "z");
    expect_text(t, 1, 2, "q");
    expect_text(t, 2, 0, "5\" pipe");
    ck_assert_double_eq(reel_table_number(t, 0, 1), 1.5);
    ck_assert_double_eq(reel_table_number(t, 1, 1), -2e-3);
    ck_assert_double_eq(reel_table_number(t, 2, 1), 0.5);
    ck_assert_int_eq(reel_table_line(t, 0), 2);
    ck_assert_int_eq(reel_table_line(t, 1), 5);
    ck_assert_int_eq(reel_table_line(t, 2), 6);
    ck_assert_int_eq(reel_table_find(NULL, t, "size"), 1);
    ck_assert_int_eq(reel_table_find(NULL, t, "3"), 2);
}
END_TEST

START_TEST(finds_delimiter_and_header)
{
    static const struct {
        const char *text;
        char delimiter;
        bool header;
        int columns;
        const char *first;
    } cases[] = {
        {"a,b\n1,2\n", ',', true, 2, "a"},
        {"a;b\n1,5;2\n", ';', true, 2, "a"},
        {"a\tb\tc\n1\t2\t3\n", '\t', true, 3, "a"},
        {"a|b\nx|y\n", '|', true, 2, "a"},
        {"1,2\n3,4\n", ',', false, 2, "column1"},
        {"5.1,3.5,setosa\n4.9,3.0,setosa\n", ',', false, 3, "column1"},
        {"a\n1\n", ',', true, 1, "a"},
        {"\"a,b\";c\n\"1,2\";3\n", ';', true, 2, "a,b"},
        {",b\n1,2\n", ',', true, 2, "column1"},
        {"a\r1\r2\r", ',', true, 1, "a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reel_table *t = parse(cases[i].text);
        ck_assert_msg(reel_table_delimiter(t) == cases[i].delimiter, "case %zu: delimiter %c", i,
                      reel_table_delimiter(t));
        ck_assert_msg(reel_table_has_header(t) == cases[i].header, "case %zu", i);
        ck_assert_int_eq(reel_table_columns(t), cases[i].columns);
        ck_assert_str_eq(reel_table_name(t, 0), cases[i].first);
    }
    const char *years = "2019,2020\n1,2\n";
    reel_csv_options o = {.header = REEL_HEADER_YES};
    reel_table *t = reel_table_parse(NULL, context, "t.csv", years, strlen(years), &o);
    ck_assert_str_eq(reel_table_name(t, 1), "2020");
    ck_assert_int_eq(reel_table_rows(t), 1);
    o = (reel_csv_options){.header = REEL_HEADER_NO, .delimiter = ';'};
    t = reel_table_parse(NULL, context, "t.csv", "a,b\n1,2\n", 8, &o);
    ck_assert_int_eq(reel_table_columns(t), 1);
    expect_text(t, 0, 0, "a,b");
}
END_TEST

START_TEST(knows_missing_values)
{
    reel_csv_options o = {.missing = "-999,unknown"};
    const char *text = "a,b,c\n1,x,\n,?,\nNA,N/A,\nnan,NaN,\nNULL,null,\"\"\n-999,unknown,\n2,y,\n";
    reel_table *t = reel_table_parse(NULL, context, "t.csv", text, strlen(text), &o);
    expect_fine();
    ck_assert_int_eq(reel_table_kind(t, 0), REEL_COLUMN_NUMBERS);
    ck_assert_int_eq(reel_table_kind(t, 1), REEL_COLUMN_TEXTS);
    ck_assert_int_eq(reel_table_kind(t, 2), REEL_COLUMN_EMPTY);
    for (int64_t row = 1; row < 5; row++)
        for (int c = 0; c < 3; c++) ck_assert(reel_table_missing(t, row, c));
    ck_assert(reel_table_missing(t, 5, 1));
    ck_assert(reel_table_missing(t, 5, 0));
    ck_assert_double_eq(reel_table_number(t, 6, 0), 2);
    expect_text(t, 6, 1, "y");
    /* Words that look like markers and are none. */
    t = parse("a\nNAN\nna\nNone\n??\n");
    ck_assert_int_eq(reel_table_kind(t, 0), REEL_COLUMN_TEXTS);
    ck_assert(reel_table_missing(t, 0, 0));
    expect_text(t, 1, 0, "na");
    expect_text(t, 2, 0, "None");
    expect_text(t, 3, 0, "??");
}
END_TEST

/* A column of numbers that turns out to be one of texts keeps the spelling of what came before. */
START_TEST(reads_mixed_columns_again)
{
    reel_table *t = parse("a,b\n01,1\n1.50,2\n,3\nx,4\n2,y\n");
    expect_text(t, 0, 0, "01");
    expect_text(t, 1, 0, "1.50");
    ck_assert(reel_table_missing(t, 2, 0));
    expect_text(t, 3, 0, "x");
    expect_text(t, 4, 0, "2");
    expect_text(t, 3, 1, "4");
    expect_text(t, 4, 1, "y");
    ck_assert_int_eq(reel_table_code(t, 4, 0), 3);
}
END_TEST

START_TEST(does_not_depend_on_the_locale)
{
    const char *names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"};
    for (int i = 0; i < 3; i++) setlocale(LC_ALL, names[i]);
    reel_table *t = parse("a;b\n1.5;2,5\n");
    setlocale(LC_ALL, "C");
    ck_assert_double_eq(reel_table_number(t, 0, 0), 1.5);
    expect_text(t, 0, 1, "2,5");
}
END_TEST

START_TEST(refuses_with_line_and_column)
{
    static const struct {
        const char *text;
        size_t size; /* 0: strlen */
        const char *sentence;
    } cases[] = {
        {"", 0, "t.csv: the file is empty"},
        {"\n \n", 0, "t.csv: the file is empty"},
        {"a,b\n", 0, "t.csv: line 2: found the end of the file after the names, expected rows"},
        {"a,b\n1,2\n\n3\n", 0,
         "t.csv: line 4, column 2 (\"b\"): found the end of the line after 1 field, expected 2 fields as in the first "
         "line"},
        {"a,b\n1,2\n3,4,5\n", 0,
         "t.csv: line 3, column 3: found 3 fields in the line, expected 2 as in the first line"},
        {"a,b\n\"1\n2\",3\n4,\"5\n6\n", 0,
         "t.csv: line 4, column 2 (\"b\"): found a quote that is not closed, expected a second one before the end of "
         "the "
         "file"},
        {"a,b\n1,\"2\"x\n", 0,
         "t.csv: line 2, column 2 (\"b\"): found \"x\" behind the closing quote, expected a delimiter or the end of "
         "the "
         "line"},
        {"a,b\n1,2\n1,\xe9t\xe9\n", 0,
         "t.csv: line 3, column 2 (\"b\"): found the byte 0xe9, which is no UTF-8, expected a text in UTF-8"},
        {"\xff\xfe"
         "a\n",
         0, "t.csv: line 1, column 1: found the byte 0xff, which is no UTF-8, expected a text in UTF-8"},
        {"a,b\n1,x\0y\n", 10, "t.csv: line 2, column 2 (\"b\"): found a NUL byte, expected a text"},
        {"a,b,a\n1,2,3\n", 0,
         "t.csv: line 1, column 3 (\"a\"): found the name of column 1 again, expected names that differ (or a table "
         "without names: header no)"},
        {"a,b\n1,1e999\n", 0,
         "t.csv: line 2, column 2 (\"b\"): found \"1e999\", expected a finite number of at most 1.8e308"},
        {"a,b\n1,2\n-inf,2\n", 0,
         "t.csv: line 3, column 1 (\"a\"): found \"-inf\", expected a finite number of at most 1.8e308"},
        {"gr\xc3\xb6\xc3\x9f"
         "e,b\n\"x\"y,2\n",
         0,
         "t.csv: line 2, column 1 (\"gr\xc3\xb6\xc3\x9f"
         "e\"): found \"y\" behind the closing quote, expected a delimiter "
         "or the end of the line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = cases[i].size ? cases[i].size : strlen(cases[i].text),
               before = reel_context_memory(context).in_use;
        ck_assert_ptr_null(reel_table_parse(NULL, context, "t.csv", cases[i].text, size, NULL));
        ck_assert_int_eq(reel_error_status(context), REEL_BAD_FILE);
        expect_sentence(cases[i].sentence);
        ck_assert_uint_eq(reel_context_memory(context).in_use, before);
    }
    reel_table *t = parse("alpha,beta\n1,2\n");
    ck_assert_int_eq(reel_table_find(NULL, t, "alpa"), -1);
    expect_sentence("t.csv: there is no column \"alpa\"; did you mean \"alpha\"?");
    ck_assert_int_eq(reel_table_find(NULL, t, "zzzzzz"), -1);
    expect_sentence("t.csv: there is no column \"zzzzzz\"; there are \"alpha\", \"beta\"");
    ck_assert_int_eq(reel_table_find(NULL, t, "3"), -1);
    expect_sentence("t.csv: there is no column 3, there are 2");
    reel_csv_options o = {.delimiter = '"'};
    ck_assert_ptr_null(reel_table_parse(NULL, context, "t.csv", "a\n1\n", 4, &o));
    expect_error(REEL_BAD_ARGUMENT, "found the delimiter 0x22");
    ck_assert_ptr_null(reel_table_read(NULL, context, "/nowhere/t.csv", NULL));
    expect_error(REEL_IO, "/nowhere/t.csv");
}
END_TEST

START_TEST(larger_files_are_refused)
{
    reel_csv_options o = {.most_bytes = 100};
    ck_assert_ptr_null(reel_table_read(NULL, context, DATA "/iris.csv", &o));
    expect_error(REEL_BAD_FILE, "iris.csv");
}
END_TEST

START_TEST(corpus_is_read_or_refused)
{
    DIR *folder = opendir(TEST_FOLDER "/corpus/csv");
    ck_assert_ptr_nonnull(folder);
    int good = 0, bad = 0;
    for (struct dirent *e; (e = readdir(folder));) {
        char path[512];
        size_t size = 0;
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, TEST_FOLDER "/corpus/csv/%.200s", e->d_name);
        FILE *file = fopen(path, "rb");
        static char bytes[1 << 16];
        ck_assert_ptr_nonnull(file);
        size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
        bool fine = reel_table_parse(NULL, context, "c", bytes, size, NULL) != NULL;
        ck_assert_msg(fine == (strncmp(e->d_name, "good", 4) == 0), "%s: %s", e->d_name, reel_error_text(context));
        reel_error_clear(context);
        fine ? good++ : bad++;
    }
    closedir(folder);
    ck_assert_int_ge(good, 8);
    ck_assert_int_ge(bad, 12);
}
END_TEST

/* Whatever is cut off or overwritten: refused or read, and nothing is read past the end. */
START_TEST(mangled_texts_are_read_or_refused)
{
    static const char text[] = "a,\"b\"\"c\",d\r\n1,\"x\ny\",\xc3\xb6\n2,,\"\"\nNA,?,z\n";
    static const char bytes[] = "\",;\n\r\t \0\xff\xc3"
                                "1e.-";
    char changed[sizeof text];
    for (size_t cut = 0; cut < sizeof text; cut++) LLVMFuzzerTestOneInput((const uint8_t *)text, cut);
    for (size_t at = 0; at + 1 < sizeof text; at++)
        for (size_t k = 0; k < sizeof bytes; k++) {
            memcpy(changed, text, sizeof text);
            changed[at] = bytes[k];
            LLVMFuzzerTestOneInput((const uint8_t *)changed, sizeof text - 1);
        }
}
END_TEST

START_TEST(wide_tables)
{
    enum { COLUMNS = 1000, ROWS = 30 };
    char *text = malloc(COLUMNS * (ROWS + 1) * 12), *at = text;
    for (int c = 0; c < COLUMNS; c++) at += sprintf(at, "%sx%d", c ? "," : "", c);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++) at += sprintf(at, "%s%d", c ? "," : "\n", r * COLUMNS + c);
    reel_table *t = parse(text);
    ck_assert_int_eq(reel_table_columns(t), COLUMNS);
    ck_assert_int_eq(reel_table_rows(t), ROWS);
    ck_assert_double_eq(reel_table_number(t, 29, 999), 29999);
    ck_assert_int_eq(reel_table_find(NULL, t, "x500"), 500);
    reel_preparation *p = reel_preparation_new(NULL, context);
    reel_preparation_set_role(NULL, p, "x999", REEL_ROLE_TARGET);
    reel_preparation_set_task(NULL, p, REEL_TASK_REGRESSION);
    ck_assert_int_eq(reel_preparation_fit(NULL, p, t, NULL), REEL_OK);
    ck_assert_int_eq(reel_preparation_input_count(p), 999);
    free(text);
}
END_TEST

/* 100,000 rows: 8 bytes a field and a line, twice at most while the table grows; and at a speed that only a mistake in
 * how it grows would miss by far. */
START_TEST(long_tables_cost_what_they_should)
{
    enum { ROWS = 100000, COLUMNS = 10 };
    size_t room = (size_t)ROWS * COLUMNS * 10 + 200, used = 0;
    char *text = malloc(room);
    ck_assert_ptr_nonnull(text);
    for (int c = 0; c < COLUMNS; c++) used += (size_t)sprintf(text + used, "%sx%d", c ? "," : "", c);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++)
            used += (size_t)(c == 9 ? sprintf(text + used, ",%s", r % 3 ? "left" : "right")
                                    : sprintf(text + used, "%c%.5f", c ? ',' : '\n', (r * 31 + c * 17) % 9973 / 997.0));
    size_t before = reel_context_memory(context).peak;
    clock_t start = clock();
    reel_table *t = reel_table_parse(NULL, context, "t.csv", text, used, NULL);
    double spent = (double)(clock() - start) / CLOCKS_PER_SEC;
    expect_fine();
    ck_assert_int_eq(reel_table_rows(t), ROWS);
    ck_assert_uint_le(reel_context_memory(context).peak - before, (size_t)2 * 8 * ROWS * (COLUMNS + 1) + 65536);
    ck_assert_double_eq_tol(reel_table_number(t, ROWS - 1, 3), ((ROWS - 1) * 31 + 51) % 9973 / 997.0, 1e-5);
    expect_text(t, 3, 9, "right");
    if (!getenv("ASAN_OPTIONS"))
        ck_assert_msg((double)used / 1e6 / spent > 10, "%.1f MB/s", (double)used / 1e6 / spent);
    free(text);
}
END_TEST

/* ---- memory ---- */

static void whole(reel_context *c)
{
    static const char text[] = "x,\"a \"\"b\"\"\",w,y\n1,red,p,a\n3,\"bl\"\"ue\",1,b\n,red,q,b\n4,red,q,a\n";
    reel_table *t = reel_table_parse(NULL, c, "t", text, sizeof text - 1, NULL);
    reel_preparation *p = reel_preparation_new(NULL, c);
    reel_preparation_set_role(NULL, p, "y", REEL_ROLE_TARGET);
    reel_preparation_set_role(NULL, p, "w", REEL_ROLE_CATEGORICAL);
    reel_split *s = reel_preparation_split(NULL, p, t, 0.25, 0, 1);
    reel_preparation_fit(NULL, p, t, NULL);
    if (s) reel_preparation_data(NULL, p, t, s->train, REEL_FLOAT);
}

START_TEST(no_memory_is_an_error)
{
    int failures = 0;
    for (uint64_t n = 0;; n++) {
        failing f = {.left = n};
        reel_allocator allocator = {fail_after, &f};
        reel_context *c = reel_context_new(&allocator);
        if (!c) continue;
        whole(c);
        bool fine = !reel_failed(c);
        if (!fine) ck_assert_msg(reel_error_status(c) == REEL_NO_MEMORY, "%s", reel_error_text(c));
        failures += !fine;
        reel_context_free(c);
        ck_assert_uint_eq(f.in_use, 0);
        if (fine) break;
        ck_assert_uint_lt(n, 1000);
    }
    ck_assert_int_gt(failures, 20);
}
END_TEST

START_TEST(nothing_is_accepted)
{
    ck_assert_ptr_null(reel_table_parse(NULL, NULL, "t", "a\n1\n", 4, NULL));
    ck_assert_int_eq(reel_table_rows(NULL), 0);
    ck_assert_int_eq(reel_table_find(NULL, NULL, "a"), -1);
    ck_assert(isnan(reel_table_number(NULL, 0, 0)) && reel_table_missing(NULL, 0, 0));
    ck_assert_ptr_null(reel_preparation_new(NULL, NULL));
    ck_assert_int_ne(reel_preparation_fit(NULL, NULL, NULL, NULL), REEL_OK);
    ck_assert_ptr_null(reel_preparation_inputs(NULL, NULL, NULL, NULL, REEL_FLOAT));
    ck_assert_ptr_null(reel_preparation_data(NULL, NULL, NULL, NULL, REEL_FLOAT));
    reel_table_free(NULL);
    reel_preparation_free(NULL);
    reel_preparation *p = for_target("y");
    ck_assert_ptr_null(reel_preparation_inputs(NULL, p, parse("x\n1\n"), NULL, REEL_FLOAT));
    expect_error(REEL_BAD_STATE, "it is not fitted");
    ck_assert_int_ne(reel_preparation_fit(NULL, p, NULL, NULL), REEL_OK);
    expect_error(REEL_BAD_ARGUMENT, "a table of the same context is needed");
}
END_TEST

/* Fisher's figures as they should be in the two rows that are wrong in the copy of the UCI repository. */
START_TEST(iris_is_fishers)
{
    reel_table *t = reel_table_read(NULL, context, DATA "/iris.csv", NULL);
    expect_fine();
    ck_assert_int_eq(reel_table_rows(t), 150);
    const double row_35[] = {4.9, 3.1, 1.5, 0.2}, row_38[] = {4.9, 3.6, 1.4, 0.1},
                 sums[] = {876.5, 458.6, 563.7, 179.9};
    for (int c = 0; c < 4; c++) {
        double sum = 0;
        ck_assert_double_eq(reel_table_number(t, 34, c), row_35[c]);
        ck_assert_double_eq(reel_table_number(t, 37, c), row_38[c]);
        for (int64_t row = 0; row < 150; row++) sum += reel_table_number(t, row, c);
        ck_assert_double_eq_tol(sum, sums[c], 1e-9);
    }
    for (int64_t row = 0; row < 150; row++)
        expect_text(t, row, 4, row < 50 ? "setosa" : row < 100 ? "versicolor" : "virginica");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("table");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, reads_fields);
    tcase_add_test(tests, finds_delimiter_and_header);
    tcase_add_test(tests, knows_missing_values);
    tcase_add_test(tests, reads_mixed_columns_again);
    tcase_add_test(tests, does_not_depend_on_the_locale);
    tcase_add_test(tests, refuses_with_line_and_column);
    tcase_add_test(tests, larger_files_are_refused);
    tcase_add_test(tests, corpus_is_read_or_refused);
    tcase_add_test(tests, mangled_texts_are_read_or_refused);
    tcase_add_test(tests, wide_tables);
    tcase_add_test(tests, long_tables_cost_what_they_should);
    tcase_add_test(tests, no_memory_is_an_error);
    tcase_add_test(tests, nothing_is_accepted);
    tcase_add_test(tests, iris_is_fishers);
    return run_case(tests, "table");
}
