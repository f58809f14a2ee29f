/* SPDX-License-Identifier: MIT
 *
 * `reel describe`: what is in a table.
 */
#include "table/describe.h"
#include "table/table_flags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char who[] = "reel describe";
static table_flags table;
static const char *target, *json;

enum { VALUES_SHOWN = 8, NAME_WIDTH = 24 };

typedef struct facts {
    const reel_table *table;
    column_facts *column;
    int columns, target; /* -1: none */
    int64_t duplicates, contradictions;
} facts;

static void print_more(FILE *file)
{
    fputc('\n', file);
    option_words(
        file, 0, 0,
        "sd is over n - 1; quartiles are interpolated linearly; an outlier is beyond 1.5 times the distance of the "
        "quartiles from them (Tukey 1977). The histogram has 12 equal parts from the least to the greatest.");
    fputc('\n', file);
    option_words(file, 0, 0,
                 "In the JSON file are \"csv\", \"rows\", \"columns\", \"delimiter\", \"header\", \"duplicates\" (rows "
                 "equal to one "
                 "before), with --target \"contradictions\" (rows equal to others in all but the target); and in "
                 "\"column\" for each "
                 "\"name\", \"type\" (numbers, texts, empty), \"missing\", \"distinct\", \"constant\"; of numbers "
                 "\"least\", \"most\", "
                 "\"mean\", \"sd\", \"quartiles\", \"fences\", \"outliers\", \"histogram\"; of texts, and few numbers, "
                 "\"values\" with "
                 "\"value\" and \"rows\"; of texts \"numbers\", how many of them are numbers.");
}

/* ---- text ---- */

/* Eighths of a block, the highest bar full; what has a row at all is not empty. */
static void print_histogram(FILE *file, const column_facts *f)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int64_t most = 0;
    for (int i = 0; i < BINS; i++)
        if (f->histogram[i] > most) most = f->histogram[i];
    fputs("|", file);
    for (int i = 0; i < BINS; i++) {
        int height = (int)(8 * (double)f->histogram[i] / (double)most);
        fputs(blocks[height == 0 && f->histogram[i] > 0 ? 1 : height], file);
    }
    fputs("|", file);
}

static const char *value_name(const value_count *v, char number[NUMBER_SIZE])
{
    return v->text ? v->text : number_text(v->number, REEL_DOUBLE, number);
}

/* The different values with their rows; of a target each with its share. */
static void print_values(FILE *file, const column_facts *f, bool classes)
{
    char number[NUMBER_SIZE];
    int64_t shown = f->distinct < VALUES_SHOWN || (classes && f->distinct <= 100) ? f->distinct : VALUES_SHOWN;
    int64_t there = f->rows - f->missing;
    if (!classes) {
        fprintf(file, "    ");
        for (int64_t i = 0; i < shown; i++) {
            const char *name = value_name(&f->values[i], number);
            int length = text_width(name);
            fputs(i ? ", " : "", file);
            print_padded(file, name, length < NAME_WIDTH ? length : NAME_WIDTH);
            fprintf(file, " %lld", (long long)f->values[i].rows);
        }
        fprintf(file, "%s\n", shown < f->distinct ? ", ..." : "");
        return;
    }
    for (int64_t i = 0; i < shown; i++) {
        double part = (double)f->values[i].rows / (double)there;
        fprintf(file, "    ");
        print_padded(file, value_name(&f->values[i], number), NAME_WIDTH);
        fprintf(file, " %7lld  %5.1f %%  ", (long long)f->values[i].rows, 100 * part);
        for (int k = 0; k < (int)(40 * part + 0.5); k++) fputs("█", file);
        fputc('\n', file);
    }
    if (shown < f->distinct) fprintf(file, "    ... %lld more\n", (long long)(f->distinct - shown));
}

static void print_column(FILE *file, const column_facts *f, int width, bool is_target)
{
    print_padded(file, f->name, width);
    if (f->kind == REEL_COLUMN_EMPTY) {
        fprintf(file, "  empty      every field is missing\n");
        return;
    }
    bool texts = f->kind == REEL_COLUMN_TEXTS;
    fprintf(file, "  %-9s  %lld missing, %lld different%s",
            texts      ? "texts"
            : f->whole ? "whole"
                       : "numbers",
            (long long)f->missing, (long long)f->distinct, f->constant ? ", CONSTANT" : "");
    if (texts && f->numbers > 0)
        fprintf(file, ", %lld of them numbers; the first that is not in line %lld", (long long)f->numbers,
                (long long)f->first_text_line);
    fputc('\n', file);
    if (!texts && !f->constant) {
        fprintf(file, "    %.6g .. %.6g  ", f->least, f->most);
        print_histogram(file, f);
        fprintf(file, "  mean %.6g  sd %.6g  quartiles %.6g %.6g %.6g", f->mean, f->deviation, f->quartiles[0],
                f->quartiles[1], f->quartiles[2]);
        if (f->outliers > 0)
            fprintf(file, "  %lld outlier%s outside %.6g .. %.6g", (long long)f->outliers, f->outliers == 1 ? "" : "s",
                    f->fences[0], f->fences[1]);
        fputc('\n', file);
    }
    if (f->values && (texts || is_target)) print_values(file, f, is_target);
}

static void print_facts(FILE *file, const facts *f)
{
    int width = 6, constant = 0;
    int64_t missing = 0;
    for (int i = 0; i < f->columns; i++) {
        int name = text_width(f->column[i].name);
        if (name > width) width = name < NAME_WIDTH ? name : NAME_WIDTH;
        missing += f->column[i].missing;
        constant += f->column[i].constant || f->column[i].kind == REEL_COLUMN_EMPTY;
    }
    char delimiter = reel_table_delimiter(f->table);
    fprintf(file, "%s: %lld rows, %d columns, separated by %s%c%s, %s\n", reel_table_path(f->table),
            (long long)reel_table_rows(f->table), f->columns, delimiter == '\t' ? "tab" : "\"",
            delimiter == '\t' ? 's' : delimiter, delimiter == '\t' ? "" : "\"",
            reel_table_has_header(f->table) ? "names in the first line" : "no names");
    fprintf(file, "%lld missing values, %d constant or empty column%s, %lld duplicate row%s", (long long)missing,
            constant, constant == 1 ? "" : "s", (long long)f->duplicates, f->duplicates == 1 ? "" : "s");
    if (f->target >= 0)
        fprintf(file, ", %lld rows that contradict others in \"%s\"", (long long)f->contradictions,
                f->column[f->target].name);
    fprintf(file, "\n\n");
    for (int i = 0; i < f->columns; i++) print_column(file, &f->column[i], width, i == f->target);
}

/* ---- JSON ---- */

static void numbers_json(const column_facts *f, cJSON *o)
{
    double histogram[BINS];
    json_add_number(o, "least", f->least, REEL_DOUBLE);
    json_add_number(o, "most", f->most, REEL_DOUBLE);
    json_add_number(o, "mean", f->mean, REEL_DOUBLE);
    json_add_number(o, "sd", f->deviation, REEL_DOUBLE);
    json_add_numbers(o, "quartiles", f->quartiles, 3, REEL_DOUBLE, NULL);
    json_add_numbers(o, "fences", f->fences, 2, REEL_DOUBLE, NULL);
    json_add_whole(o, "outliers", f->outliers);
    for (int i = 0; i < BINS; i++) histogram[i] = (double)f->histogram[i];
    json_add_numbers(o, "histogram", histogram, BINS, REEL_DOUBLE, NULL);
}

static void column_json(const column_facts *f, cJSON *o)
{
    static const char *const kinds[] = {"numbers", "texts", "empty"};
    json_add_text(o, "name", f->name);
    json_add_text(o, "type", kinds[f->kind]);
    json_add_whole(o, "missing", f->missing);
    json_add_whole(o, "distinct", f->distinct);
    cJSON_AddBoolToObject(o, "constant", f->constant);
    if (f->kind == REEL_COLUMN_NUMBERS) numbers_json(f, o);
    if (f->kind == REEL_COLUMN_TEXTS) json_add_whole(o, "numbers", f->numbers);
    cJSON *list = f->values ? cJSON_AddArrayToObject(o, "values") : NULL;
    for (int64_t i = 0; list && i < f->distinct; i++) {
        cJSON *one = cJSON_CreateObject();
        if (f->values[i].text)
            json_add_text(one, "value", f->values[i].text);
        else
            json_add_number(one, "value", f->values[i].number, REEL_DOUBLE);
        json_add_whole(one, "rows", f->values[i].rows);
        cJSON_AddItemToArray(list, one);
    }
}

static bool write_json(const facts *f)
{
    cJSON *document = cJSON_CreateObject();
    char delimiter[2] = {reel_table_delimiter(f->table), '\0'};
    json_add_text(document, "command", "describe");
    json_add_text(document, "version", reel_version());
    json_add_text(document, "csv", reel_table_path(f->table));
    json_add_whole(document, "rows", reel_table_rows(f->table));
    json_add_whole(document, "columns", f->columns);
    json_add_text(document, "delimiter", delimiter);
    cJSON_AddBoolToObject(document, "header", reel_table_has_header(f->table));
    json_add_whole(document, "duplicates", f->duplicates);
    if (f->target >= 0) json_add_whole(document, "contradictions", f->contradictions);
    cJSON *list = cJSON_AddArrayToObject(document, "column");
    for (int i = 0; i < f->columns; i++) {
        cJSON *one = cJSON_CreateObject();
        column_json(&f->column[i], one);
        cJSON_AddItemToArray(list, one);
    }
    bool right = json_write(who, json, document);
    cJSON_Delete(document);
    return right;
}

static int describe(const char *path)
{
    reel_context *context = reel_context_new(NULL);
    table.csv = path;
    facts f = {.table = table_flags_read(context, &table), .target = -1};
    if (f.table && target) f.target = reel_table_find(NULL, f.table, target);
    int status = reel_failed(context) ? complain_of(who, context) : EXIT_DONE;
    if (status == EXIT_DONE && json && !json_probe(who, json)) status = EXIT_FAILED;
    f.columns = status == EXIT_DONE ? reel_table_columns(f.table) : 0;
    f.column = calloc((size_t)f.columns + 1, sizeof *f.column);
    bool right = f.column != NULL;
    for (int i = 0; right && i < f.columns; i++) right = column_describe(&f.column[i], f.table, i);
    if (right && status == EXIT_DONE) right = table_duplicates(f.table, f.target, &f.duplicates, &f.contradictions);
    if (!right) complain(who, "out of memory");
    if (right && status == EXIT_DONE) {
        print_facts(json && strcmp(json, "-") == 0 ? stderr : stdout, &f);
        right = !json || write_json(&f);
    }
    for (int i = 0; f.column && i < f.columns; i++) column_facts_free(&f.column[i]);
    free(f.column);
    reel_context_free(context);
    return right ? status : EXIT_FAILED;
}

int command_describe(int argc, char **argv)
{
    option_row rows[TABLE_FLAG_ROWS];
    const option_row output[] = {
        {"target", "COLUMN", "Show this column's classes with their shares, and rows that contradict each other in it.",
         .word = &target},
        {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &json},
    };
    table_flags_rows(&table, rows);
    const option_group groups[] = {{"table", rows + 1, TABLE_FLAG_ROWS - 1}, {"output", output, 2}};
    const option_set set = {.command = who,
                            .operands = "FILE",
                            .least = 1,
                            .most = 1,
                            .text =
                                "Tells what is in a table, a CSV file: for each column type, range, mean, quartiles, "
                                "missing values, outliers, different values and a small histogram; constant columns, "
                                "duplicate rows, contradictions.",
                            .example = "reel describe datasets/iris.csv --target species",
                            .groups = groups,
                            .group_count = 2,
                            .more = print_more};
    int first = options_parse(&set, NULL, argc, argv);
    if (first < 0) return finish_output(who, -1 - first);
    const char *wrong = table_flags_check(&table);
    return finish_output(who, wrong ? option_fail(&set, "%s", wrong) : describe(argv[first]));
}
