/* SPDX-License-Identifier: MIT
 *
 * Preparations: what is learned of a table, how it is applied and saved, every sentence of what is refused.
 */
#include "table_text.h"

/* ---- learning ---- */

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

int main(void)
{
    TCase *tests = tcase_create("preparation");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, learns_of_the_rows_of_training_alone);
    tcase_add_test(tests, fills_in);
    tcase_add_test(tests, applies_by_name);
    tcase_add_test(tests, refuses_what_cannot_be_learned);
    tcase_add_test(tests, moments_of_any_size);
    tcase_add_test(tests, tasks_are_found_out);
    tcase_add_test(tests, divides_by_class);
    tcase_add_test(tests, is_saved_and_loaded);
    tcase_add_test(tests, edited_files_are_refused);
    return run_case(tests, "preparation");
}
