/* SPDX-License-Identifier: MIT
 *
 * Flags and help, from tables.
 */
#include "core/core.h"

#include <getopt.h>
#include <math.h>
#include <reel/args.h>
#include <stdarg.h>
#include <stdio.h>
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

const char *reel_nearest_name(const char *typed, const char *(*at)(const void *list, int index), const void *list)
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

static const reel_flag help_row = {.name = "help", .text = "Print this."};

static const reel_flag *row_at(const reel_flag_set *set, int index)
{
    for (int g = 0; g < set->group_count; g++) {
        if (index < set->groups[g].count) return &set->groups[g].rows[index];
        index -= set->groups[g].count;
    }
    return index == 0 ? &help_row : NULL;
}

static const char *row_name_at(const void *set, int index)
{
    const reel_flag *row = row_at(set, index);
    return row ? row->name : NULL;
}

void reel_flag_name(const char *hyper_name, char *name, size_t size)
{
    snprintf(name, size, "%s", hyper_name);
    for (char *c = name; *c; c++)
        if (*c == '_') *c = '-';
}

void reel_hyper_flag(const reel_hyper *hyper, char *name, size_t size)
{
    reel_flag_name(hyper->flag ? hyper->flag : hyper->name, name, size);
}

/* ---- help ---- */

void reel_help_words(reel_text_sink sink, void *user, int column, int left, const char *text)
{
    char piece[2 * HELP_WIDTH];
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > left && column + 1 + length > HELP_WIDTH) {
            sink(user, "\n");
            column = 0;
        }
        int blanks = column < left ? left - column : column > left ? 1 : 0;
        for (int at = 0; at < length; at += HELP_WIDTH) { /* a word may be longer than a line */
            int part = length - at < HELP_WIDTH ? length - at : HELP_WIDTH;
            snprintf(piece, sizeof piece, "%*s%.*s", at ? 0 : blanks, "", part, text + at);
            sink(user, piece);
        }
        column += blanks + length;
        text += length;
        while (*text == ' ') text++;
    }
    sink(user, "\n");
}

void reel_help_flag(reel_text_sink sink, void *user, const char *flag, const char *argument, const char *text)
{
    char piece[2 * HELP_WIDTH];
    int column = snprintf(piece, sizeof piece, "  --%s%s%s", flag, argument && *argument != '[' ? " " : "",
                          argument ? argument : "");
    sink(user, piece);
    if (column >= HELP_COLUMN - 1) {
        sink(user, "\n");
        column = 0;
    }
    reel_help_words(sink, user, column, HELP_COLUMN, text);
}

void reel_help_hyper(reel_text_sink sink, void *user, const char *flag, const reel_hyper *hyper, double value)
{
    char sentence[3 * REEL_HYPER_TEXT], range[REEL_HYPER_TEXT], number[REEL_HYPER_TEXT];
    reel_hyper_range(hyper, range);
    int n = snprintf(sentence, sizeof sentence, "%s; %s", hyper->text, range);
    if (!isnan(value) && n > 0 && n < (int)sizeof sentence)
        snprintf(sentence + n, sizeof sentence - (size_t)n, ", default %s", reel_hyper_print(hyper, value, number));
    reel_help_flag(sink, user, flag,
                   hyper->kind == REEL_HYPER_SWITCH   ? "[=0]"
                   : hyper->kind == REEL_HYPER_CHOICE ? "WORD"
                   : hyper->kind == REEL_HYPER_NUMBER ? "X"
                                                      : "N",
                   sentence);
}

void reel_help_schedules(const reel_context *context, reel_text_sink sink, void *user)
{
    sink(user,
         "\n--schedule SPEC, parts joined by commas follow each other, by * they are multiplied; @N: for N updates.\n"
         "A part is a name and its values, as cosine, step:30:0.5, warmup:20,cosine or linear:end=0.1@100:\n");
    const reel_schedule_type *type;
    for (int i = 0; (type = reel_schedule_known(context, i)) != NULL; i++) {
        char piece[4 * HELP_WIDTH];
        if (strcmp(type->name, "lambda") == 0) continue; /* has no text form */
        int column = snprintf(piece, sizeof piece, "  %s", type->name);
        for (int j = 0; j < type->hyper_count && column < 3 * HELP_WIDTH; j++)
            column += snprintf(piece + column, sizeof piece - (size_t)column, ":%.40s", type->hypers[j].name);
        sink(user, piece);
        if (column > 33) column = (sink(user, "\n"), 0);
        reel_help_words(sink, user, column, 34, type->text);
    }
}

void reel_help_averages(reel_text_sink sink, void *user)
{
    const reel_average_type *type;
    int shared;
    const reel_hyper *common = reel_average_shared_hypers(&shared);
    sink(user, "\n--average SPEC, a name and its values, as ema:0.99 or swa:start=100:every=5:\n");
    for (int i = 0; (type = reel_average_at(i)) != NULL; i++) {
        char piece[4 * HELP_WIDTH];
        int column = snprintf(piece, sizeof piece, "  %s", type->name);
        for (int j = 0; j < type->hyper_count && column < 3 * HELP_WIDTH; j++)
            column += snprintf(piece + column, sizeof piece - (size_t)column, ":%.40s", type->hypers[j].name);
        for (int j = 0; j < shared && column < 3 * HELP_WIDTH; j++)
            column += snprintf(piece + column, sizeof piece - (size_t)column, ":%.40s=", common[j].name);
        sink(user, piece);
        if (column > 33) column = (sink(user, "\n"), 0);
        reel_help_words(sink, user, column, 34, type->formula);
    }
}

static void help_row_of(reel_text_sink sink, void *user, const reel_flag *row)
{
    if (row->hidden) return;
    if (row->number && !row->text)
        reel_help_hyper(sink, user, row->name, row->hyper, *row->number);
    else
        reel_help_flag(sink, user, row->name, row->argument, row->text);
}

void reel_flags_help(const reel_flag_set *set, reel_text_sink sink, void *user)
{
    const char *usage[] = {
        "usage: ", set->command, " [FLAG...]", set->operands ? " " : "", set->operands ? set->operands : "", "\n\n"};
    for (int i = 0; i < 6; i++) sink(user, usage[i]);
    reel_help_words(sink, user, 0, 0, set->text);
    for (int g = 0; g < set->group_count; g++) {
        if (set->groups[g].count > 0 && set->groups[g].rows[0].hidden) continue;
        const char *title[] = {"\n", set->groups[g].title, ":\n"};
        for (int i = 0; i < 3; i++) sink(user, title[i]);
        for (int i = 0; i < set->groups[g].count; i++) help_row_of(sink, user, &set->groups[g].rows[i]);
        if (g == set->group_count - 1) help_row_of(sink, user, &help_row);
    }
}

/* ---- reading ---- */

enum { READ_HELP = -1, READ_WRONG = -2, READ_NO_MEMORY = -3 };

static int fail(char text[REEL_FLAGS_TEXT], const char *format, ...) REEL_PRINTF(2, 3);
static int fail(char text[REEL_FLAGS_TEXT], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, REEL_FLAGS_TEXT, format, arguments);
    va_end(arguments);
    return READ_WRONG;
}

bool reel_flag_read(reel_context *context, const char *flag, const reel_hyper *hyper, const char *typed, double *value,
                    char text[REEL_FLAGS_TEXT])
{
    char name[64];
    reel_hyper row = *hyper;
    snprintf(name, sizeof name, "--%s", flag);
    row.name = name;
    if (reel_hyper_read(NULL, context, NULL, &row, typed, strlen(typed), value) == REEL_OK) return true;
    fail(text, "%s", reel_error_text(context));
    reel_error_clear(context);
    return false;
}

static bool take_value(reel_context *context, const reel_flag *row, const char *typed, char text[REEL_FLAGS_TEXT])
{
    if (!typed) typed = row->without;
    if (row->given) *row->given = true;
    if (row->set)
        *row->set = true;
    else if (row->word)
        *row->word = typed;
    else if (row->number)
        return reel_flag_read(context, row->name, row->hyper, typed, row->number, text);
    return true;
}

/* What was wrong with `argument`, which getopt_long has just refused. */
static int refuse(const reel_flag_set *set, int code, const struct option *table, const char *argument,
                  char text[REEL_FLAGS_TEXT])
{
    bool is_long = strncmp(argument, "--", 2) == 0;
    if (code == ':') return fail(text, "--%s needs a value", table[optopt - CODE_FIRST].name);
    if (!is_long) return fail(text, "there is no flag -%c; flags are long, as --help", optopt);
    if (optopt > 0) return fail(text, "--%s takes no value, found %s", table[optopt - CODE_FIRST].name, argument);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    for (int i = 0, hits = 0; table[i].name; i++)
        if (strncmp(table[i].name, name, strlen(name)) == 0 && ++hits > 1)
            return fail(text, "--%s is short for several flags", name);
    const char *near = reel_nearest_name(name, row_name_at, set);
    if (near) return fail(text, "there is no flag --%s; did you mean --%s?", name, near);
    return fail(text, "there is no flag --%s", name);
}

static int refuse_operands(const reel_flag_set *set, int argc, char **argv, char text[REEL_FLAGS_TEXT])
{
    int operands = argc - optind;
    if (operands < set->least && set->least == 1) return fail(text, "%s is missing", set->operands);
    if (operands < set->least) return fail(text, "expected %s, found %d of them", set->operands, operands);
    if (operands <= set->most) return optind;
    if (set->most == 0) return fail(text, "takes flags only, found %s", argv[optind]);
    return fail(text, set->most > 1 ? "takes %s, found %s as well" : "takes one %s, found %s as well", set->operands,
                argv[optind + set->most]);
}

int reel_flags_read(reel_context *context, const reel_flag_set *set, int argc, char **argv, char text[REEL_FLAGS_TEXT])
{
    int count = 0, code;
    text[0] = '\0';
    while (row_at(set, count)) count++;
    size_t bytes = ((size_t)count + 1) * sizeof(struct option);
    struct option *table = memory_zero(context, NULL, "flags_read", bytes);
    if (!table) return fail(text, "out of memory"), READ_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        const reel_flag *row = row_at(set, i);
        bool takes = row->word || row->number;
        int argument = row->without ? optional_argument : takes ? required_argument : no_argument;
        table[i] = (struct option){row->name, argument, NULL, CODE_FIRST + i};
    }
    int result = 0;
    optind = 0; /* a new scan */
    while (result == 0 && (code = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        const reel_flag *row = code == 'h'                  ? &help_row
                               : code == '?' || code == ':' ? NULL
                                                            : row_at(set, code - CODE_FIRST);
        if (!row)
            result = refuse(set, code, table, argv[optind - 1], text);
        else if (row == &help_row)
            result = READ_HELP;
        else if (!take_value(context, row, optarg, text))
            result = READ_WRONG;
    }
    memory_free(context, table, bytes);
    return result ? result : refuse_operands(set, argc, argv, text);
}
