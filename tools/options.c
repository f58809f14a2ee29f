/* SPDX-License-Identifier: MIT
 *
 * Flags and help.
 */
#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 26 /* where sentences begin */
#define HELP_WIDTH 100
#define CODE_FIRST 256 /* what getopt_long returns for the first row, above all letters */

/* ---- names ---- */

/* Levenshtein distance of two names of at most 63 letters. */
static int distance(const char *a, const char *b)
{
    int row[64], n = (int)strlen(b);
    if (n > 63 || strlen(a) > 63) return 64;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]), other = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = change < other ? change : other;
        }
    }
    return row[n];
}

const char *nearest_name(const char *typed, name_at at, const void *list)
{
    const char *best = NULL;
    int least = ((int)strlen(typed) + 1) / 3 + 1;
    for (int i = 0;; i++) {
        const char *name = at(list, i);
        if (!name) return best;
        int d = strncmp(name, typed, strlen(typed)) == 0 ? 0 : distance(typed, name);
        if (d < least) {
            least = d;
            best = name;
        }
    }
}

static const option_row help_row = {.name = "help", .text = "Print this."};

static const option_row *row_at(const option_set *set, int index)
{
    for (int g = 0; g < set->group_count; g++) {
        if (index < set->groups[g].count) return &set->groups[g].rows[index];
        index -= set->groups[g].count;
    }
    return index == 0 ? &help_row : NULL;
}

static const char *row_name_at(const void *set, int index)
{
    const option_row *row = row_at(set, index);
    return row ? row->name : NULL;
}

void option_name(const char *hyper_name, char *name, size_t size)
{
    snprintf(name, size, "%s", hyper_name);
    for (char *c = name; *c; c++)
        if (*c == '_') *c = '-';
}

/* ---- help ---- */

void option_words(FILE *file, int column, int left, const char *text)
{
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > left && column + 1 + length > HELP_WIDTH) {
            fprintf(file, "\n");
            column = 0;
        }
        int blanks = column < left ? left - column : column > left ? 1 : 0;
        fprintf(file, "%*s%.*s", blanks, "", length, text);
        column += blanks + length;
        text += length;
        while (*text == ' ') text++;
    }
    fprintf(file, "\n");
}

void option_help(FILE *file, const char *flag, const char *argument, const char *text)
{
    int column = fprintf(file, "  --%s%s%s", flag, argument && *argument != '[' ? " " : "", argument ? argument : "");
    if (column >= HELP_COLUMN - 1) {
        fprintf(file, "\n");
        column = 0;
    }
    option_words(file, column, HELP_COLUMN, text);
}

void option_help_hyper(FILE *file, const char *flag, const reel_hyper *hyper, double value)
{
    char sentence[3 * REEL_HYPER_TEXT], range[REEL_HYPER_TEXT], number[REEL_HYPER_TEXT];
    reel_hyper_range(hyper, range);
    int n = snprintf(sentence, sizeof sentence, "%s; %s", hyper->text, range);
    if (!isnan(value) && n > 0 && n < (int)sizeof sentence)
        snprintf(sentence + n, sizeof sentence - (size_t)n, ", default %s", reel_hyper_print(hyper, value, number));
    option_help(file, flag,
                hyper->kind == REEL_HYPER_SWITCH   ? "[=0]"
                : hyper->kind == REEL_HYPER_CHOICE ? "WORD"
                : hyper->kind == REEL_HYPER_NUMBER ? "X"
                                                   : "N",
                sentence);
}

static void print_row(FILE *file, const option_row *row)
{
    if (row->hidden) return;
    if (row->number && !row->text)
        option_help_hyper(file, row->name, row->hyper, *row->number);
    else
        option_help(file, row->name, row->argument, row->text);
}

static void print_help(const option_set *set, FILE *file)
{
    fprintf(file, "usage: %s [FLAG...]%s%s\n\n", set->command, set->operands ? " " : "",
            set->operands ? set->operands : "");
    option_words(file, 0, 0, set->text);
    for (int g = 0; g < set->group_count; g++) {
        if (set->groups[g].count > 0 && set->groups[g].rows[0].hidden) continue;
        fprintf(file, "\n%s:\n", set->groups[g].title);
        for (int i = 0; i < set->groups[g].count; i++) print_row(file, &set->groups[g].rows[i]);
        if (g == set->group_count - 1) print_row(file, &help_row);
    }
    if (set->more) set->more(file);
    fprintf(file, "\nexample: %s\n", set->example);
}

/* ---- parsing ---- */

int option_fail(const option_set *set, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", set->command);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, " (see %s --help)\n", set->command);
    va_end(arguments);
    return EXIT_USAGE;
}

bool option_read(const option_set *set, reel_context *context, const char *flag, const reel_hyper *hyper,
                 const char *text, double *value)
{
    char name[64];
    reel_hyper row = *hyper;
    snprintf(name, sizeof name, "--%s", flag);
    row.name = name;
    if (reel_hyper_read(NULL, context, NULL, &row, text, strlen(text), value) == REEL_OK) return true;
    option_fail(set, "%s", reel_error_text(context));
    reel_error_clear(context);
    return false;
}

static bool take_value(const option_set *set, reel_context *context, const option_row *row, const char *text)
{
    if (!text) text = row->without;
    if (row->set)
        *row->set = true;
    else if (row->word)
        *row->word = text;
    else
        return option_read(set, context, row->name, row->hyper, text, row->number);
    return true;
}

/* What was wrong with `argument`, which getopt_long has just refused. */
static int refuse(const option_set *set, int code, const struct option *table, const char *argument)
{
    bool is_long = strncmp(argument, "--", 2) == 0;
    if (code == ':') return option_fail(set, "--%s needs a value", table[optopt - CODE_FIRST].name);
    if (!is_long) return option_fail(set, "there is no flag -%c; flags are long, as --help", optopt);
    if (optopt > 0) return option_fail(set, "--%s takes no value, found %s", table[optopt - CODE_FIRST].name, argument);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    for (int i = 0, hits = 0; table[i].name; i++)
        if (strncmp(table[i].name, name, strlen(name)) == 0 && ++hits > 1)
            return option_fail(set, "--%s is short for several flags", name);
    const char *near = nearest_name(name, row_name_at, set);
    if (near) return option_fail(set, "there is no flag --%s; did you mean --%s?", name, near);
    return option_fail(set, "there is no flag --%s", name);
}

static int refuse_operands(const option_set *set, int argc, char **argv)
{
    int operands = argc - optind;
    if (operands < set->least && set->least == 1) return option_fail(set, "%s is missing", set->operands);
    if (operands < set->least) return option_fail(set, "expected %s, found %d of them", set->operands, operands);
    if (operands <= set->most) return EXIT_DONE;
    if (set->most == 0) return option_fail(set, "takes flags only, found %s", argv[optind]);
    return option_fail(set, set->most > 1 ? "takes %s, found %s as well" : "takes one %s, found %s as well",
                       set->operands, argv[optind + set->most]);
}

int options_parse(const option_set *set, reel_context *context, int argc, char **argv)
{
    int count = 0, code;
    while (row_at(set, count)) count++;
    struct option *table = calloc((size_t)count + 1, sizeof *table);
    if (!table) return -1 - (complain(set->command, "out of memory"), EXIT_FAILED);
    for (int i = 0; i < count; i++) {
        const option_row *row = row_at(set, i);
        bool takes = row->word || row->number;
        int argument = row->without ? optional_argument : takes ? required_argument : no_argument;
        table[i] = (struct option){row->name, argument, NULL, CODE_FIRST + i};
    }
    int result = 0;
    optind = 0; /* a new scan */
    while (result == 0 && (code = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        const option_row *row = code == 'h'                  ? &help_row
                                : code == '?' || code == ':' ? NULL
                                                             : row_at(set, code - CODE_FIRST);
        if (!row) {
            result = -1 - refuse(set, code, table, argv[optind - 1]);
        } else if (row == &help_row) {
            print_help(set, stdout);
            result = -1 - EXIT_DONE;
        } else if (!take_value(set, context, row, optarg)) {
            result = -1 - EXIT_USAGE;
        }
    }
    free(table);
    if (result) return result;
    int status = refuse_operands(set, argc, argv);
    return status == EXIT_DONE ? optind : -1 - status;
}
