/* SPDX-License-Identifier: MIT
 *
 * `reel predict`: what a trained net says of the rows of a table.
 */
#include "signals.h"
#include "table/trained.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char who[] = "reel predict";
static const char *out, *json;

static void print_more(FILE *file)
{
    fputc('\n', file);
    option_words(file, 0, 0,
                 "The CSV has a line for each row of the table, in its order: prediction, the class, and p:CLASS, the "
                 "probability of each; of a regression prediction alone, in the unit of the target. Standardisation, "
                 "fillings, categories and classes are those of the training; columns are found by name, others are no "
                 "matter.");
    fputc('\n', file);
    option_words(
        file, 0, 0,
        "In the JSON file are \"checkpoint\", \"csv\", \"target\", \"task\", \"rows\", \"classes\", \"predictions\" "
        "(numbers of the classes, from 0, or values) and \"probabilities\", a list for each class.");
}

/* What the net says, row by row: probabilities of the classes, or the value in the unit of the target. */
static double *predictions_of(trained *t)
{
    reel_array *x = reel_preparation_inputs(NULL, t->preparation, t->table, NULL, t->precision);
    double *z = x ? net_outputs(t->context, t->preparation, t->net, x, t->precision) : NULL;
    int width = reel_preparation_output_count(t->preparation);
    bool classes = reel_preparation_task(t->preparation) == REEL_TASK_CLASSIFICATION;
    for (int64_t i = 0; z && i < reel_table_rows(t->table); i++)
        if (classes)
            softmax_of(z + i * width, width);
        else
            z[i] = reel_preparation_value(t->preparation, z[i]);
    return z;
}

static void write_csv(const trained *t, const double *z, FILE *file)
{
    const reel_preparation *p = t->preparation;
    int width = reel_preparation_output_count(p);
    char number[NUMBER_SIZE], head[1024];
    const char *class;
    fprintf(file, "prediction");
    for (int c = 0; (class = reel_preparation_class(p, c)) != NULL; c++) {
        snprintf(head, sizeof head, "p:%.1000s", class);
        fputc(',', file);
        csv_write_field(file, head);
    }
    fputc('\n', file);
    for (int64_t i = 0; i < reel_table_rows(t->table); i++) {
        const double *row = z + i * width;
        class = reel_preparation_class(p, largest_of(row, width));
        if (class)
            csv_write_field(file, class);
        else
            fputs(number_text(row[0], REEL_DOUBLE, number), file);
        for (int c = 0; class && c < width; c++) fprintf(file, ",%s", number_text(row[c], REEL_DOUBLE, number));
        fputc('\n', file);
    }
}

static void add_json(const trained *t, const double *z, cJSON *document)
{
    const reel_preparation *p = t->preparation;
    int width = reel_preparation_output_count(p);
    int64_t rows = reel_table_rows(t->table);
    double *list = malloc((size_t)rows * sizeof *list);
    const char *class;
    trained_json(t, "predict", document);
    json_add_whole(document, "rows", rows);
    cJSON *names = reel_preparation_class(p, 0) ? cJSON_AddArrayToObject(document, "classes") : NULL;
    for (int c = 0; names && (class = reel_preparation_class(p, c)) != NULL; c++)
        cJSON_AddItemToArray(names, cJSON_CreateString(class));
    for (int64_t i = 0; list && i < rows; i++) list[i] = names ? largest_of(z + i * width, width) : z[i];
    if (list) json_add_numbers(document, "predictions", list, rows, REEL_DOUBLE, NULL);
    cJSON *probabilities = names ? cJSON_AddObjectToObject(document, "probabilities") : NULL;
    for (int c = 0; probabilities && list && c < width; c++) {
        for (int64_t i = 0; i < rows; i++) list[i] = z[i * width + c];
        json_add_numbers(probabilities, reel_preparation_class(p, c), list, rows, REEL_DOUBLE, NULL);
    }
    free(list);
}

static int write_all(const trained *t, const double *z)
{
    bool right = true, to_output = json && strcmp(json, "-") == 0;
    FILE *file = out ? fopen(out, "w") : to_output ? NULL : stdout;
    if (out && !file) {
        complain(who, "%s: cannot be written: %s", out, strerror(errno));
        return EXIT_FAILED;
    }
    if (file) write_csv(t, z, file);
    if (out) right = !ferror(file);
    if (out && fclose(file) != 0) right = false;
    if (!right) complain(who, "%s: not all could be written", out);
    cJSON *document = json ? cJSON_CreateObject() : NULL;
    if (document) {
        add_json(t, z, document);
        right = json_write(who, json, document) && right;
    }
    cJSON_Delete(document);
    return right && (!json || document) ? EXIT_DONE : EXIT_FAILED;
}

int command_predict(int argc, char **argv)
{
    static const option_row output[] = {
        {"out", "FILE", "Write the CSV here; default: to standard output.", .word = &out},
        {"json", "FILE", "Write every number in full precision; -: to standard output, instead of the CSV.",
         .word = &json},
    };
    static const option_set words = {.command = who,
                                     .text =
                                         "Lets the net of a checkpoint, or of the newest in a folder, predict the rows "
                                         "of a table: class and probabilities, or the value.",
                                     .example = "reel predict out --csv datasets/iris.csv --out predictions.csv",
                                     .more = print_more};
    trained t;
    int status = trained_open(&t, &words, output, &json, argc, argv);
    if (status < 0) {
        double *z = predictions_of(&t);
        status = z ? write_all(&t, z) : complain_of(who, t.context);
        free(z);
    }
    trained_free(&t);
    return finish_output(who, status);
}
