/* SPDX-License-Identifier: MIT
 *
 * Training on a table, run as people run it: Iris against scikit-learn's figure, a run that was stopped against one
 * that was not, what is predicted against what was measured, and the program of models/.
 */
#include "json_file.h"
#include "spawn.h"

#define IRIS DATA "/iris.csv"

static char folder[64];

static void folder_setup(void)
{
    setup();
    strcpy(folder, "/tmp/reel-csv-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void folder_teardown(void)
{
    folder_remove_deep(folder);
    teardown();
}

static void run(const char *const *argv, const char *out)
{
    int status = spawn_run(folder, argv, out, "err");
    if (status == 0) return;
    size_t size;
    char *text = slurp(folder, "err", &size);
    ck_abort_msg("%s %s: status %d: %s", argv[0], argv[1], status, text ? text : "");
}

/* ---- Iris ---- */

/* On each of the ten splits both are trained on the same rows and judged on the same others. */
START_TEST(iris_is_learned_as_by_scikit_learn)
{
    cJSON *reference = read_json(REFERENCE "/sklearn", "iris.json"), *split;
    double hits = 0;
    int count = 0;
    cJSON_ArrayForEach(split, cJSON_GetObjectItem(reference, "seeds"))
    {
        char seed[16];
        snprintf(seed, sizeof seed, "%.0f", number(split, "seed"));
        run((const char *const[]){REEL, "train", "--csv", IRIS, "--target", "species", "--hidden", "32,16", "--seed",
                                  seed, "--quiet", "--json", "iris.json", NULL},
            NULL);
        cJSON *found = read_json(folder, "iris.json");
        const cJSON *test = cJSON_GetObjectItem(found, "test");
        ck_assert(cJSON_Compare(cJSON_GetObjectItem(cJSON_GetObjectItem(found, "split"), "test"),
                                cJSON_GetObjectItem(split, "test"), true));
        hits += number(test, "accuracy") * number(test, "rows");
        count++;
        cJSON_Delete(found);
    }
    ck_assert_int_eq(count, 10);
    ck_assert_msg(hits > number(reference, "hits") - 0.5, "%.0f of %.0f rows are right, scikit-learn has %.0f", hits,
                  number(reference, "rows"), number(reference, "hits"));
    cJSON_Delete(reference);
}
END_TEST

/* ---- resume ---- */

#define LONG_RUN "--csv", IRIS, "--target", "species", "--patience", "0", "--quiet", "--class-weights", "balanced"

START_TEST(resumed_is_as_not_stopped)
{
    run((const char *const[]){REEL, "train", LONG_RUN, "--epochs", "40", "--checkpoint-dir", "whole", "--json",
                              "whole.json", NULL},
        NULL);
    run((const char *const[]){REEL, "train", LONG_RUN, "--epochs", "17", "--checkpoint-dir", "parts", NULL}, NULL);
    /* The recipe in the checkpoint has the flags of table and model. */
    run((const char *const[]){REEL, "train", "csv", "--epochs", "40", "--quiet", "--checkpoint-dir", "parts",
                              "--resume", "auto", "--prove", "3", "--json", "parts.json", NULL},
        NULL);
    char first[80], second[80];
    snprintf(first, sizeof first, "%s/whole", folder);
    snprintf(second, sizeof second, "%s/parts", folder);
    expect_same_file(first, second, "log.jsonl");
    cJSON *whole = read_json(folder, "whole.json"), *parts = read_json(folder, "parts.json");
    const char *const same[] = {"training", "validation", "test",         "split",
                                "columns",  "epoch_loss", "judged_epoch", "epoch_validation_loss",
                                "steps"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        ck_assert_msg(cJSON_Compare(cJSON_GetObjectItem(whole, same[i]), cJSON_GetObjectItem(parts, same[i]), true),
                      "%s differs", same[i]);
    ck_assert_ptr_nonnull(strstr(cJSON_GetObjectItem(parts, "proof")->valuestring, "bit for bit"));
    cJSON_Delete(whole);
    cJSON_Delete(parts);
}
END_TEST

/* ---- evaluate, predict ---- */

/* What was learned of the first column is its mean and deviation over the rows of training, and no others. */
static void expect_training_rows(const cJSON *trained)
{
    const cJSON *rows = cJSON_GetObjectItem(cJSON_GetObjectItem(trained, "split"), "training"), *row;
    const cJSON *column = cJSON_GetArrayItem(cJSON_GetObjectItem(trained, "columns"), 0);
    reel_table *t = reel_table_read(NULL, context, IRIS, NULL);
    double sum = 0, squares = 0, n = cJSON_GetArraySize(rows);
    ck_assert_double_eq(n, 90);
    cJSON_ArrayForEach(row, rows) sum += reel_table_number(t, (int64_t)row->valuedouble, 0);
    cJSON_ArrayForEach(row, rows) squares += pow(reel_table_number(t, (int64_t)row->valuedouble, 0) - sum / n, 2);
    ck_assert_double_eq_tol(number(column, "mean"), sum / n, 1e-12);
    ck_assert_double_eq_tol(number(column, "deviation"), sqrt(squares / n), 1e-12);
}

/* Evaluating all rows of the file gives what the training measured on its parts; predicting them the same classes. */
START_TEST(evaluate_and_predict_agree_with_the_training)
{
    run((const char *const[]){REEL, "train", "--csv", IRIS, "--target", "species", "--quiet", "--checkpoint-dir", "run",
                              "--json", "train.json", NULL},
        NULL);
    run((const char *const[]){REEL, "evaluate", "run", "--csv", IRIS, "--json", "evaluate.json", NULL}, NULL);
    run((const char *const[]){REEL, "predict", "run", "--csv", IRIS, "--json", "predict.json", "--out", "p.csv", NULL},
        NULL);
    cJSON *trained = read_json(folder, "train.json"), *evaluated = read_json(folder, "evaluate.json"),
          *predicted = read_json(folder, "predict.json");
    expect_training_rows(trained);
    run((const char *const[]){REEL, "evaluate", "run", "--csv", IRIS, "--last", "--json", "last.json", NULL}, NULL);
    cJSON *last = read_json(folder, "last.json");
    ck_assert_double_ne(number(last, "loss"), number(evaluated, "loss"));
    cJSON_Delete(last);
    double hits = 0, loss = 0;
    const char *const parts[] = {"training", "validation", "test"};
    for (int i = 0; i < 3; i++) {
        const cJSON *part = cJSON_GetObjectItem(trained, parts[i]);
        hits += number(part, "accuracy") * number(part, "rows");
        loss += number(part, "loss") * number(part, "rows");
    }
    ck_assert_double_eq_tol(number(evaluated, "accuracy") * 150, hits, 1e-9);
    ck_assert_double_eq_tol(number(evaluated, "loss") * 150, loss, 1e-6);
    const cJSON *classes = cJSON_GetObjectItem(predicted, "predictions");
    double right = 0;
    ck_assert_int_eq(cJSON_GetArraySize(classes), 150);
    for (int i = 0; i < 150; i++) {
        double sum = 0;
        const cJSON *list;
        right += cJSON_GetArrayItem(classes, i)->valuedouble == i / 50;
        cJSON_ArrayForEach(list, cJSON_GetObjectItem(predicted, "probabilities")) sum +=
            cJSON_GetArrayItem(list, i)->valuedouble;
        ck_assert_double_eq_tol(sum, 1, 1e-12);
    }
    ck_assert_double_eq_tol(right, hits, 1e-9);
    size_t size;
    char *csv = slurp(folder, "p.csv", &size);
    ck_assert(csv && strncmp(csv, "prediction,p:setosa,p:versicolor,p:virginica\nsetosa,", 52) == 0);
    free(csv);
    /* Columns in another order, others between them, no target: the same. */
    spill_text(folder, "other.csv", "petal width;note;sepal width;petal length;sepal length\n0.2;x;3.5;1.4;5.1\n");
    run((const char *const[]){REEL, "predict", "run", "--csv", "other.csv", "--json", "other.json", NULL}, NULL);
    cJSON *other = read_json(folder, "other.json");
    for (int c = 0; c < 3; c++) {
        const cJSON *a = cJSON_GetArrayItem(cJSON_GetObjectItem(predicted, "probabilities"), c),
                    *b = cJSON_GetArrayItem(cJSON_GetObjectItem(other, "probabilities"), c);
        ck_assert_double_eq(cJSON_GetArrayItem(a, 0)->valuedouble, cJSON_GetArrayItem(b, 0)->valuedouble);
    }
    cJSON_Delete(trained);
    cJSON_Delete(evaluated);
    cJSON_Delete(predicted);
    cJSON_Delete(other);
}
END_TEST

/* y = 3 a - 2 b + 100 with a gap and a text column: found to a hundredth of its deviation. */
START_TEST(a_line_is_learned)
{
    char text[32768] = "a,b,side,y\n", *to = text + strlen(text);
    double spread = 0;
    for (int i = 0; i < 240; i++) {
        int a = i * 37 % 101, b = i * 53 % 97;
        double y = 3 * a - 2 * b + (i % 2 ? 100 : 200.5);
        spread += (y - 205) * (y - 205) / 240;
        to += sprintf(to, "%d,%d,%s,%.1f\n", a, b, i % 2 ? "\"left, low\"" : "right", y);
    }
    spill_text(folder, "line.csv", text);
    run((const char *const[]){REEL,         "train",  "--csv",    "line.csv", "--target",  "y",
                              "--hidden",   "0",      "--epochs", "300",      "--lr",      "0.05",
                              "--schedule", "cosine", "--quiet",  "--json",   "line.json", "--checkpoint-dir",
                              "line",       NULL},
        NULL);
    cJSON *found = read_json(folder, "line.json");
    const cJSON *test = cJSON_GetObjectItem(found, "test");
    ck_assert_str_eq(cJSON_GetObjectItem(found, "task")->valuestring, "regression");
    ck_assert_double_lt(number(test, "rmse"), 0.01 * sqrt(spread));
    ck_assert_double_gt(number(test, "r2"), 0.9999);
    cJSON_Delete(found);
    /* In the unit of the target. */
    spill_text(folder, "one.csv", "side,b,a\nright,10,50\n\"left, low\",0,0\n");
    run((const char *const[]){REEL, "predict", "line", "--csv", "one.csv", "--json", "one.json", NULL}, NULL);
    cJSON *one = read_json(folder, "one.json");
    const cJSON *values = cJSON_GetObjectItem(one, "predictions");
    ck_assert_double_eq_tol(cJSON_GetArrayItem(values, 0)->valuedouble, 330.5, 2);
    ck_assert_double_eq_tol(cJSON_GetArrayItem(values, 1)->valuedouble, 100, 2);
    cJSON_Delete(one);
}
END_TEST

/* ---- the program ---- */

START_TEST(the_program_trains_and_its_checkpoint_predicts)
{
    size_t size;
    run((const char *const[]){PROGRAMS "/csv_net", IRIS, "species", "--checkpoint-dir", "net", NULL}, "first");
    run((const char *const[]){PROGRAMS "/csv_net", IRIS, "species", "--checkpoint-dir", "net", "--resume", NULL},
        "second");
    char *first = slurp(folder, "first", &size), *second = slurp(folder, "second", &size);
    ck_assert(first && second);
    ck_assert_str_eq(first, second);
    int right = 0;
    const char *line = strstr(first, "test: ");
    ck_assert(line && sscanf(line, "test: %d of 30 rows are right", &right) == 1);
    ck_assert_int_ge(right, 27);
    run((const char *const[]){REEL, "evaluate", "net", "--csv", IRIS, "--json", "net.json", NULL}, NULL);
    cJSON *found = read_json(folder, "net.json");
    ck_assert_double_gt(number(found, "accuracy"), 0.93);
    cJSON_Delete(found);
    free(first);
    free(second);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("csv");
    tcase_add_checked_fixture(tests, folder_setup, folder_teardown);
    tcase_add_test(tests, iris_is_learned_as_by_scikit_learn);
    tcase_add_test(tests, resumed_is_as_not_stopped);
    tcase_add_test(tests, evaluate_and_predict_agree_with_the_training);
    tcase_add_test(tests, a_line_is_learned);
    tcase_add_test(tests, the_program_trains_and_its_checkpoint_predicts);
    return run_case(tests, "csv");
}
