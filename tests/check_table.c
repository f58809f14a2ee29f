/* SPDX-License-Identifier: MIT
 *
 * CSV files and preparations: what is read, every sentence of what is refused, what is learned and how it is applied.
 */
#include "common.h"
#include "failing.h"
#include "table.h"

#include <dirent.h>
#include <locale.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A table of a text that must be fine. */
static reel_table *parse(const char *text)
{
    reel_table *t = reel_table_parse(NULL, context, "t.csv", text, strlen(text), NULL);
    expect_fine();
    ck_assert_ptr_nonnull(t);
    return t;
}

static void expect_text(const reel_table *t, int64_t row, int column, const char *text)
{
    const char *found = reel_table_text(t, row, column);
    ck_assert_msg(found && strcmp(found, text) == 0, "field %lld, %d is \"%s\", expected \"%s\"", (long long)row,
                  column, found ? found : "(none)", text);
}

/* The whole sentence. */
static void expect_sentence(const char *sentence)
{
    ck_assert_str_eq(reel_error_text(context), sentence);
    reel_error_clear(context);
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

/* ---- learning ---- */

static reel_preparation *for_target(const char *target)
{
    reel_preparation *p = reel_preparation_new(NULL, context);
    ck_assert_int_eq(reel_preparation_set_role(NULL, p, target, REEL_ROLE_TARGET), REEL_OK);
    return p;
}

static reel_array *rows_of(int64_t count, const int64_t *rows)
{
    reel_array *a = reel_array_new(NULL, context, REEL_INT64, 1, &count);
    memcpy(a->data, rows, (size_t)count * sizeof *rows);
    return a;
}

START_TEST(learns_of_the_rows_of_training_alone)
{
    reel_table *t = parse("x,colour,y\n1,red,a\n3,blue,b\n,red,a\n1000,green,b\n");
    reel_preparation *p = for_target("y");
    reel_prepared_column c;
    ck_assert_int_eq(reel_preparation_fit(NULL, p, t, rows_of(3, (const int64_t[]){0, 1, 2})), REEL_OK);
    ck_assert(reel_preparation_fitted(p));
    ck_assert_int_eq(reel_preparation_input_count(p), 3);
    ck_assert_int_eq(reel_preparation_output_count(p), 2);
    ck_assert(reel_preparation_column(p, 0, &c));
    ck_assert_double_eq(c.mean, 2);
    ck_assert_double_eq(c.deviation, 1);
    ck_assert_double_eq(c.fill, 2);
    ck_assert_int_eq(c.missing, 1);
    ck_assert(reel_preparation_column(p, 1, &c));
    ck_assert_int_eq(c.inputs, 2);
    ck_assert_str_eq(reel_preparation_category(p, 1, 0), "blue");
    ck_assert_str_eq(reel_preparation_category(p, 1, c.fill_category), "red");
    ck_assert(!reel_preparation_column(p, 2, &c));
    ck_assert_str_eq(reel_preparation_class(p, 1), "b");
    ck_assert_int_eq(reel_preparation_class_rows(p, 0), 2);
    reel_dataset *d = reel_preparation_data(NULL, p, t, rows_of(3, (const int64_t[]){0, 1, 2}), REEL_DOUBLE);
    expect_fine();
    const double x[] = {-1, 0, 1, 1, 1, 0, 0, 0, 1};
    for (int i = 0; i < 9; i++) ck_assert_double_eq(at(*d->x, i), x[i]);
    ck_assert_int_eq(d->y->dtype, REEL_INT64);
    ck_assert_double_eq(at(*d->y, 1), 1);
    /* The row that training had not has a category of its own. */
    ck_assert_ptr_null(reel_preparation_data(NULL, p, t, NULL, REEL_DOUBLE));
    expect_sentence("t.csv: line 5, column 2 (\"colour\"): found the category \"green\", which training had not, "
                    "expected one of \"blue\", \"red\"");
}
END_TEST

START_TEST(fills_in)
{
    static const struct {
        reel_imputation how;
        double constant, fill;
    } cases[] = {{REEL_IMPUTE_MEAN, 0, 4},
                 {REEL_IMPUTE_MEDIAN, 0, 2},
                 {REEL_IMPUTE_MOST_FREQUENT, 0, 1},
                 {REEL_IMPUTE_CONSTANT, 7, 7}};
    reel_table *t = parse("x,y\n1,0.5\n1,1.5\n3,2.5\n11,3.5\n,4.5\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reel_preparation *p = for_target("y");
        reel_preparation_set_imputation(NULL, p, cases[i].how, cases[i].constant);
        ck_assert_int_eq(reel_preparation_fit(NULL, p, t, NULL), REEL_OK);
        ck_assert_int_eq(reel_preparation_task(p), REEL_TASK_REGRESSION);
        reel_array *x = reel_preparation_inputs(NULL, p, t, NULL, REEL_DOUBLE);
        reel_prepared_column c;
        reel_preparation_column(p, 0, &c);
        ck_assert_double_eq(c.fill, cases[i].fill);
        ck_assert_double_eq_tol(at(*x, 4) * c.deviation + c.mean, cases[i].fill, 1e-12);
        ck_assert_double_eq_tol(c.mean, 4, 1e-15);
    }
    reel_preparation *p = for_target("y");
    reel_preparation_set_imputation(NULL, p, REEL_IMPUTE_NONE, 0);
    reel_preparation_fit(NULL, p, t, NULL);
    ck_assert_ptr_null(reel_preparation_inputs(NULL, p, t, NULL, REEL_FLOAT));
    expect_sentence("t.csv: line 6, column 1 (\"x\"): found no value, expected one");
    /* The target comes back in its own unit. */
    reel_dataset *d = reel_preparation_data(NULL, p, t, rows_of(1, (const int64_t[]){3}), REEL_DOUBLE);
    ck_assert_double_eq_tol(reel_preparation_value(p, at(*d->y, 0)), 3.5, 1e-15);
    /* Categories: the most frequent, or none. */
    t = parse("c,y\nb,1\na,2\nb,1\n,2\n");
    p = for_target("y");
    reel_preparation_fit(NULL, p, t, NULL);
    reel_array *x = reel_preparation_inputs(NULL, p, t, NULL, REEL_FLOAT);
    ck_assert(at(*x, 6) == 0 && at(*x, 7) == 1);
    p = for_target("y");
    reel_preparation_set_imputation(NULL, p, REEL_IMPUTE_CONSTANT, 0);
    reel_preparation_fit(NULL, p, t, NULL);
    x = reel_preparation_inputs(NULL, p, t, NULL, REEL_FLOAT);
    ck_assert(at(*x, 6) == 0 && at(*x, 7) == 0);
}
END_TEST

START_TEST(applies_by_name)
{
    reel_table *t = parse("x,colour,y\n1,red,a\n3,blue,b\n");
    reel_preparation *p = for_target("y");
    reel_preparation_fit(NULL, p, t, NULL);
    reel_array *x = reel_preparation_inputs(NULL, p, t, NULL, REEL_DOUBLE);
    reel_array *same =
        reel_preparation_inputs(NULL, p, parse("more,y,colour,x\n9,?,red,1\n8,?,blue,3\n"), NULL, REEL_DOUBLE);
    expect_fine();
    ck_assert_mem_eq(x->data, same->data, 6 * sizeof(double));
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"x,color\n1,red\n", "t.csv: there is no column \"colour\"; did you mean \"color\"?"},
        {"colour,x\nred,1\nblue,two\n", "t.csv: line 3, column 2 (\"x\"): found \"two\", expected a number"},
        {"colour,x\nred,1\n\n7,2\n",
         "t.csv: line 4, column 1 (\"colour\"): found the category \"7\", which training had not, expected one of "
         "\"blue\", \"red\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reel_table *other = parse(cases[i].text);
        ck_assert_ptr_null(reel_preparation_inputs(NULL, p, other, NULL, REEL_DOUBLE));
        expect_sentence(cases[i].sentence);
    }
    ck_assert_ptr_null(reel_preparation_data(NULL, p, parse("colour,x,y\nred,1,c\n"), NULL, REEL_FLOAT));
    expect_sentence("t.csv: line 2, column 3 (\"y\"): found the class \"c\", which training had not, expected one of "
                    "\"a\", \"b\"");
    ck_assert_ptr_null(reel_preparation_data(NULL, p, parse("colour,x,y\nred,1,\nred,1,a\n"), NULL, REEL_FLOAT));
    expect_sentence("t.csv: line 2, column 3 (\"y\"): found no target, expected one");
    ck_assert_ptr_null(reel_preparation_data(NULL, p, parse("colour,x\nred,1\n"), NULL, REEL_FLOAT));
    expect_error(REEL_NOT_FOUND, "there is no column \"y\"");
}
END_TEST

START_TEST(refuses_what_cannot_be_learned)
{
    char many[4096] = "id,y\n", *at_text = many + strlen(many);
    for (int i = 0; i < 150; i++) at_text += sprintf(at_text, "id%d,%d\n", i, i % 2);
    const struct {
        const char *text, *target;
        reel_task task;
        const char *role_of;
        reel_role role;
        const char *sentence;
    } cases[] = {
        {"x,y\n1,a\n2,a\n", "y", REEL_TASK_AUTO, NULL, 0,
         "t.csv: line 2, column 2 (\"y\"): found the class \"a\" alone in the rows of training, expected two classes "
         "at "
         "least"},
        {"x,y\n1,2\n2,2\n", "y", REEL_TASK_REGRESSION, NULL, 0,
         "t.csv: line 2, column 2 (\"y\"): found the value 2 alone in the rows of training, expected values that "
         "differ"},
        {"x,y\n1,2\n2,b\n", "y", REEL_TASK_REGRESSION, NULL, 0,
         "t.csv: line 3, column 2 (\"y\"): found \"b\", expected a number (or a column that is categorical or "
         "ignored)"},
        {"x,y\n1,a\n2,\n", "y", REEL_TASK_AUTO, NULL, 0,
         "t.csv: line 3, column 2 (\"y\"): found no target, expected one"},
        {"x,z,y\n,1,a\n,2,b\n", "y", REEL_TASK_AUTO, NULL, 0,
         "t.csv: line 2, column 1 (\"x\"): found no value in any row of training, expected one at least (or a column "
         "that "
         "is ignored)"},
        {"x,y\n1,a\n2,b\nthree,a\n4,b\n", "y", REEL_TASK_AUTO, NULL, 0,
         "t.csv: line 4, column 1 (\"x\"): found \"three\", expected a number as in most rows (or a column that is "
         "categorical or ignored)"},
        {"x,y\nlow,a\n2,b\n", "y", REEL_TASK_AUTO, "x", REEL_ROLE_NUMERIC,
         "t.csv: line 2, column 1 (\"x\"): found \"low\", expected a number (or a column that is categorical or "
         "ignored)"},
        {many, "y", REEL_TASK_AUTO, NULL, 0,
         "t.csv: line 2, column 1 (\"id\"): found 150 different texts in the column, expected 100 at most (or a column "
         "that is categorical or ignored)"},
        {"x,y\n1,a\n2,b\n", "y", REEL_TASK_AUTO, "x", REEL_ROLE_IGNORED,
         "preparation_fit: t.csv: found no column but the target, expected inputs"},
        {"x,y\n1,a\n2,b\n", "z", REEL_TASK_AUTO, NULL, 0, "t.csv: there is no column \"z\"; there are \"x\", \"y\""},
        {"x,y\n1,a\n2,b\n", "y", REEL_TASK_AUTO, "w", REEL_ROLE_IGNORED,
         "t.csv: there is no column \"w\"; there are \"x\", \"y\""},
        {"x,y\n1,a\n2,b\n", "y", REEL_TASK_AUTO, "2", REEL_ROLE_IGNORED,
         "preparation_fit: t.csv: column \"y\" is the target, and is named as something else too"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reel_table *t = parse(cases[i].text);
        reel_preparation *p = for_target(cases[i].target);
        reel_preparation_set_task(NULL, p, cases[i].task);
        if (cases[i].role_of) reel_preparation_set_role(NULL, p, cases[i].role_of, cases[i].role);
        ck_assert_int_ne(reel_preparation_fit(NULL, p, t, NULL), REEL_OK);
        ck_assert(!reel_preparation_fitted(p));
        expect_sentence(cases[i].sentence);
    }
    /* As the sentences say. */
    reel_preparation *p = for_target("y");
    reel_preparation_set_role(NULL, p, "id", REEL_ROLE_CATEGORICAL);
    ck_assert_int_eq(reel_preparation_fit(NULL, p, parse(many), NULL), REEL_OK);
    ck_assert_int_eq(reel_preparation_input_count(p), 150);
    ck_assert_int_ne(reel_preparation_set_role(NULL, p, "id", REEL_ROLE_IGNORED), REEL_OK);
    expect_error(REEL_BAD_STATE, "fitted already");
    p = for_target("y");
    ck_assert_int_ne(reel_preparation_set_role(NULL, p, "x", REEL_ROLE_TARGET), REEL_OK);
    expect_error(REEL_BAD_ARGUMENT, "found a second target \"x\" beside \"y\"");
}
END_TEST

/* Deviations of constants, of huge and of tiny numbers. */
START_TEST(moments_of_any_size)
{
    static const struct {
        const char *text;
        double mean, deviation;
    } cases[] = {
        {"x,y\n0.1,1\n0.1,2\n0.1,3.5\n", 0.1, 0},
        {"x,y\n1.7e308,1\n-1.7e308,2.5\n", 0, 1.7e308},
        {"x,y\n1e-300,1\n3e-300,2.5\n", 2e-300, 1e-300},
        {"x,y\n1000000001,1\n1000000003,2.5\n", 1000000002, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reel_table *t = parse(cases[i].text);
        reel_preparation *p = for_target("y");
        reel_prepared_column c;
        reel_preparation_set_task(NULL, p, REEL_TASK_REGRESSION);
        ck_assert_int_eq(reel_preparation_fit(NULL, p, t, NULL), REEL_OK);
        reel_preparation_column(p, 0, &c);
        ck_assert_msg(fabs(c.mean - cases[i].mean) <= 1e-15 * fabs(cases[i].mean), "case %zu: mean %g", i, c.mean);
        ck_assert_msg(fabs(c.deviation - cases[i].deviation) <= 1e-14 * cases[i].deviation, "case %zu: deviation %g", i,
                      c.deviation);
        reel_array *x = reel_preparation_inputs(NULL, p, t, NULL, REEL_FLOAT);
        expect_fine();
        for (int64_t k = 0; k < x->size; k++) ck_assert(fabs(at(*x, k)) < 1.0001);
    }
    reel_table *t = parse("x,y\n1e-300,1\n3e-300,2.5\n");
    reel_preparation *p = for_target("y");
    reel_preparation_set_task(NULL, p, REEL_TASK_REGRESSION);
    reel_preparation_fit(NULL, p, t, NULL);
    ck_assert_ptr_null(reel_preparation_inputs(NULL, p, parse("x\n1\n1e300\n"), NULL, REEL_FLOAT));
    expect_error(REEL_BAD_FILE,
                 "t.csv: line 2, column 1 (\"x\"): found 1, which is (x - 2e-300) / 1e-300 too large for a");
}
END_TEST

START_TEST(tasks_are_found_out)
{
    static const struct {
        const char *text;
        reel_task task;
        const char *first;
    } cases[] = {
        {"x,y\n1,b\n2,a\n", REEL_TASK_CLASSIFICATION, "a"},
        {"x,y\n1,10\n2,9\n3,10\n4,10\n", REEL_TASK_CLASSIFICATION, "9"},
        {"x,y\n1,10\n2,9\n3,10\n", REEL_TASK_REGRESSION, NULL},
        {"x,y\n1,0.5\n2,1\n", REEL_TASK_REGRESSION, NULL},
        {"x,y\n1,\xe4\xb8\xad\xe6\x96\x87\n2,\xf0\x9f\x8c\xb8 a\n", REEL_TASK_CLASSIFICATION,
         "\xe4\xb8\xad\xe6\x96\x87"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reel_preparation *p = for_target("y");
        ck_assert_int_eq(reel_preparation_fit(NULL, p, parse(cases[i].text), NULL), REEL_OK);
        ck_assert_int_eq(reel_preparation_task(p), cases[i].task);
        if (cases[i].first) ck_assert_str_eq(reel_preparation_class(p, 0), cases[i].first);
    }
    /* A column of numbers as names: by value, whatever their spelling. */
    reel_table *t = parse("x,y\n10,a\n2,b\n2.0,a\n");
    reel_preparation *p = for_target("y");
    reel_preparation_set_role(NULL, p, "x", REEL_ROLE_CATEGORICAL);
    reel_preparation_fit(NULL, p, t, NULL);
    ck_assert_int_eq(reel_preparation_input_count(p), 2);
    ck_assert_str_eq(reel_preparation_category(p, 0, 0), "2");
}
END_TEST

/* ---- dividing ---- */

START_TEST(divides_by_class)
{
    char text[8192] = "x,y\n", *to = text + strlen(text);
    for (int i = 0; i < 100; i++) to += sprintf(to, "%d,%s\n", i, i < 60 ? "a" : i < 95 ? "b" : i < 99 ? "c" : "d");
    sprintf(to, "7,\n8,?\n");
    reel_table *t = parse(text);
    reel_preparation *p = for_target("y");
    reel_split *s = reel_preparation_split(NULL, p, t, 0.2, 0.25, 3);
    expect_fine();
    ck_assert_int_eq(s->left_out, 2);
    ck_assert_int_eq(s->test->size, 25);
    ck_assert_int_eq(s->validation->size, 20);
    ck_assert_int_eq(s->train->size, 55);
    int seen[102] = {0}, classes[3][4] = {{0}};
    const reel_array *parts[] = {s->train, s->validation, s->test};
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < parts[k]->size; i++) {
            int64_t row = ((const int64_t *)parts[k]->data)[i];
            ck_assert(i == 0 || row > ((const int64_t *)parts[k]->data)[i - 1]);
            seen[row]++;
            classes[k][row < 60 ? 0 : row < 95 ? 1 : row < 99 ? 2 : 3]++;
        }
    for (int i = 0; i < 102; i++) ck_assert_int_eq(seen[i], i < 100);
    ck_assert_int_eq(classes[2][0], 15);
    ck_assert_int_eq(classes[1][0], 12);
    ck_assert_int_eq(classes[1][1], 7);
    ck_assert_int_eq(classes[2][2], 1);
    ck_assert_int_eq(classes[0][3], 1); /* the only one is for training */
    reel_split *again = reel_preparation_split(NULL, p, t, 0.2, 0.25, 3);
    ck_assert_mem_eq(again->test->data, s->test->data, 25 * sizeof(int64_t));
    again = reel_preparation_split(NULL, p, t, 0.2, 0.25, 4);
    ck_assert_mem_ne(again->test->data, s->test->data, 25 * sizeof(int64_t));
    s = reel_preparation_split(NULL, p, t, 0, 0, 3);
    ck_assert(s->train->size == 100 && s->validation->size == 0 && s->test->size == 0);
    ck_assert_ptr_null(reel_preparation_split(NULL, p, t, 0.5, 0.5, 3));
    expect_error(REEL_BAD_ARGUMENT, "found the shares 0.5 of validation and 0.5 of test");
    ck_assert_ptr_null(reel_preparation_split(NULL, p, parse("x,y\n1,a\n2,b\n"), 0.4, 0, 3));
    expect_error(REEL_BAD_ARGUMENT, "found no row for the validation among 2");
}
END_TEST

/* ---- checkpoints ---- */

static const char saved[] = "check_table.json";

START_TEST(is_saved_and_loaded)
{
    reel_table *t = parse("x,\"the colour\",z,y\n1,red,5,\xc3\xa4\n3,\"bl\"\"ue\",5,b\n,red,5,b\n");
    reel_preparation *p = for_target("y");
    reel_preparation_fit(NULL, p, t, NULL);
    reel_state *state = reel_state_new(NULL, context, "check_table");
    ck_assert_int_eq(reel_state_add_preparation(NULL, state, "preparation", p), REEL_OK);
    ck_assert_int_eq(reel_state_save(NULL, state, saved, NULL), REEL_OK);
    reel_preparation *q = reel_preparation_load(NULL, context, saved);
    expect_fine();
    reel_array *x = reel_preparation_inputs(NULL, p, t, NULL, REEL_DOUBLE);
    reel_array *same = reel_preparation_inputs(NULL, q, t, NULL, REEL_DOUBLE);
    ck_assert_mem_eq(x->data, same->data, (size_t)x->size * sizeof(double));
    ck_assert_str_eq(reel_preparation_class(q, 1), "\xc3\xa4");
    ck_assert_str_eq(reel_preparation_target(q), "y");
    /* One that is not fitted becomes it, one that is must be it. */
    char hash[33], other[33];
    reel_state_hash(NULL, state, hash);
    reel_preparation *empty = reel_preparation_new(NULL, context);
    reel_state *second = reel_state_new(NULL, context, "check_table");
    reel_state_add_preparation(NULL, second, "preparation", empty);
    ck_assert_int_eq(reel_state_load(NULL, second, saved, false), REEL_OK);
    reel_state_hash(NULL, second, other);
    ck_assert_str_eq(hash, other);
    ck_assert(reel_preparation_fitted(empty));
    ck_assert_int_eq(reel_state_load(NULL, second, saved, false), REEL_OK);
    reel_table *more = parse("x,\"the colour\",z,y\n1,red,5,\xc3\xa4\n4,\"bl\"\"ue\",5,b\n,red,5,b\n");
    reel_preparation *r = for_target("y");
    reel_preparation_fit(NULL, r, more, NULL);
    reel_state *third = reel_state_new(NULL, context, "check_table");
    reel_state_add_preparation(NULL, third, "preparation", r);
    ck_assert_int_eq(reel_state_load(NULL, third, saved, false), REEL_MISMATCH);
    expect_error(REEL_MISMATCH, "preparation.columns[0].mean: found the number 2.0, expected 2.5");
    remove(saved);
}
END_TEST

/* The file with `from` replaced by `to` and right hashes is refused for what it says. */
static void expect_edited(const char *from, const char *to, const char *sentence)
{
    char text[16384], changed[16384 + 256];
    FILE *file = fopen(saved, "rb");
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    char *place = strstr(text, from);
    ck_assert_msg(place, "%s is not there", from);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
    reel_preparation *p = reel_preparation_new(NULL, context);
    reel_state *state = reel_state_new(NULL, context, "check_table");
    reel_state_add_preparation(NULL, state, "preparation", p);
    file = fopen("check_table_edited.json", "wb");
    fwrite(changed, 1, strlen(changed), file);
    fclose(file);
    reel_status status = reel_state_load(NULL, state, "check_table_edited.json", true);
    if (sentence) {
        ck_assert_msg(status != REEL_OK, "%s: accepted", to);
        ck_assert_msg(strstr(reel_error_text(context), sentence), "\"%s\" lacks \"%s\"", reel_error_text(context),
                      sentence);
        reel_error_clear(context);
    } else {
        ck_assert_msg(!reel_preparation_fitted(p), "%s: fitted", to);
        reel_error_clear(context);
    }
    remove("check_table_edited.json");
}

START_TEST(edited_files_are_refused)
{
    reel_table *t = parse("x,c,y\n1,red,a\n3,blue,b\n");
    reel_preparation *p = for_target("y");
    reel_preparation_fit(NULL, p, t, NULL);
    reel_state *state = reel_state_new(NULL, context, "check_table");
    reel_state_add_preparation(NULL, state, "preparation", p);
    reel_state_save(NULL, state, saved, NULL);
    expect_edited("\"classification\"", "\"divination\"", "preparation.task");
    expect_edited("\"classification\"", "\"regression\"", NULL);
    expect_edited("\"deviation\": 1.0", "\"deviation\": -1.0", NULL);
    expect_edited("\"mean\": 2.0", "\"mean\": \"inf\"", NULL);
    expect_edited("\"mean\": 2.0", "\"mean\": \"two\"", "mean");
    expect_edited("\"fill_category\": 0", "\"fill_category\": 9", NULL);
    expect_edited("\"name\": \"red\"", "\"name\": null", NULL);
    expect_edited("\"name\": \"red\"", "\"name\": 7", "name");
    expect_edited("\"columns\"", "\"pillars\"", "columns");
    reel_preparation *none = reel_preparation_load(NULL, context, REFERENCE "/trainer-version-1.json");
    ck_assert_ptr_null(none);
    expect_error(REEL_BAD_FILE, "found no preparation in the checkpoint");
    remove(saved);
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
    tcase_add_test(tests, learns_of_the_rows_of_training_alone);
    tcase_add_test(tests, fills_in);
    tcase_add_test(tests, applies_by_name);
    tcase_add_test(tests, refuses_what_cannot_be_learned);
    tcase_add_test(tests, moments_of_any_size);
    tcase_add_test(tests, tasks_are_found_out);
    tcase_add_test(tests, divides_by_class);
    tcase_add_test(tests, is_saved_and_loaded);
    tcase_add_test(tests, edited_files_are_refused);
    tcase_add_test(tests, no_memory_is_an_error);
    tcase_add_test(tests, nothing_is_accepted);
    tcase_add_test(tests, iris_is_fishers);
    return run_case(tests, "table");
}
