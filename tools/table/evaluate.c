/* SPDX-License-Identifier: MIT
 *
 * `reel evaluate`: a trained net on the rows of a table whose targets are known.
 */
#include "signals.h"
#include "table/trained.h"

#include <string.h>

static const char who[] = "reel evaluate";
static const char *out, *json;

static void print_more(FILE *file)
{
    fputc('\n', file);
    option_words(
        file, 0, 0,
        "Standardisation, fillings, categories and classes are those of the training; columns are found by name.");
    fputc('\n', file);
    metrics_help(file, "\"checkpoint\", \"csv\", \"target\", \"task\", \"left_out\" (rows without a target), and the");
}

/* The rows whose target is there. */
static reel_array *rows_with_target(const trained *t, int64_t *left_out)
{
    int column = reel_table_find(NULL, t->table, reel_preparation_target(t->preparation));
    if (column < 0) return NULL;
    int64_t rows = reel_table_rows(t->table), count = 0;
    for (int64_t row = 0; row < rows; row++) count += !reel_table_missing(t->table, row, column);
    *left_out = rows - count;
    if (count == 0)
        return reel_error_set(t->context, REEL_BAD_FILE, NULL, NULL, "%s: found no row with a value in \"%s\"",
                              reel_table_path(t->table), reel_preparation_target(t->preparation)),
               NULL;
    reel_array *array = reel_array_new(NULL, t->context, REEL_INT64, 1, &count);
    int64_t *at = array ? array->data : NULL;
    for (int64_t row = 0; array && row < rows; row++)
        if (!reel_table_missing(t->table, row, column)) *at++ = row;
    return array;
}

static int report(const trained *t, const metrics *m, int64_t left_out)
{
    FILE *file = json && strcmp(json, "-") == 0 ? stderr : stdout;
    const char *slash = strrchr(reel_table_path(t->table), '/'), *name = slash ? slash + 1 : reel_table_path(t->table);
    if (left_out > 0) fprintf(file, "left out for want of a target: %lld\n", (long long)left_out);
    metrics_print(m, name, file);
    cJSON *document = json ? cJSON_CreateObject() : NULL;
    bool right = !json || document;
    if (document) {
        trained_json(t, "evaluate", document);
        json_add_whole(document, "left_out", left_out);
        metrics_json(m, document);
        right = json_write(who, json, document);
    }
    cJSON_Delete(document);
    if (!right || !out) return right ? EXIT_DONE : EXIT_FAILED;
    if (!make_folder(who, out)) return EXIT_FAILED;
    const char *const pictures[] = {metrics_picture_name(m)};
    return plot_tell(file, metrics_draw(m, who, out, name), out, pictures, 1, false, NULL);
}

int command_evaluate(int argc, char **argv)
{
    static const option_row output[] = {
        {"out", "DIR", "Write confusion.png, or residuals.png of a regression, here.", .word = &out},
        {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &json},
    };
    static const option_set words = {
        .command = who,
        .text = "Measures the net of a checkpoint, or of the newest in a folder, on the rows of a table: accuracy, "
                "precision and recall of each class, confusion matrix; or RMSE, MAE and R2.",
        .example = "reel evaluate out --csv datasets/iris.csv",
        .more = print_more};
    trained t;
    metrics m = {.preparation = NULL};
    int64_t left_out = 0;
    int status = trained_open(&t, &words, output, &json, argc, argv);
    if (status < 0) {
        reel_array *rows = rows_with_target(&t, &left_out);
        reel_dataset *data = rows ? reel_preparation_data(NULL, t.preparation, t.table, rows, t.precision) : NULL;
        bool right = data && metrics_measure(&m, t.context, t.preparation, t.net, data, t.precision);
        status = right ? report(&t, &m, left_out) : complain_of(who, t.context);
    }
    metrics_free(&m);
    trained_free(&t);
    return finish_output(who, status);
}
