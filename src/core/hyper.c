/* SPDX-License-Identifier: MIT
 *
 * Hyper-parameter tables: looking up, checking, reading and printing a value.
 */
#include "core/core.h"
#include "io/number.h"

#include <math.h>
#include <reel/hyper.h>
#include <stdio.h>
#include <string.h>

int reel_hyper_find(const reel_hyper *table, int count, const char *name)
{
    for (int i = 0; name && i < count; i++)
        if (strcmp(table[i].name, name) == 0) return i;
    return -1;
}

/* Appends to text, of which *used characters stand. */
static void append(char text[REEL_HYPER_TEXT], size_t *used, const char *more)
{
    size_t length = strlen(more), room = REEL_HYPER_TEXT - 1 - *used;
    if (length > room) length = room;
    memcpy(text + *used, more, length);
    *used += length;
    text[*used] = '\0';
}

/* 3 rather than 3.0, inf without the quotes of JSON. */
static void append_number(char text[REEL_HYPER_TEXT], size_t *used, double value)
{
    if (!isfinite(value)) {
        append(text, used, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    char number[NUMBER_TEXT_SIZE];
    size_t length = number_print_double(number, value);
    if (length > 2 && strcmp(number + length - 2, ".0") == 0) number[length - 2] = '\0';
    append(text, used, number);
}

static void append_choices(const reel_hyper *h, char text[REEL_HYPER_TEXT], size_t *used)
{
    for (int i = 0; h->choices && h->choices[i]; i++) {
        if (i > 0) append(text, used, h->choices[i + 1] ? ", " : " or ");
        append(text, used, h->choices[i]);
    }
}

char *reel_hyper_range(const reel_hyper *h, char text[REEL_HYPER_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    if (!h) return text;
    if (h->kind == REEL_HYPER_SWITCH) {
        append(text, &used, "0 or 1");
        return text;
    }
    if (h->kind == REEL_HYPER_CHOICE) {
        append_choices(h, text, &used);
        return text;
    }
    if (h->kind != REEL_HYPER_NUMBER) append(text, &used, "a whole number ");
    /* a bound that nobody counts to is not worth a word */
    bool below = h->least > -INFINITY, above = h->most < (h->kind == REEL_HYPER_NUMBER ? INFINITY : 1e15);
    if (below && above) {
        append(text, &used, h->open_least ? "above " : "from ");
        append_number(text, &used, h->least);
        append(text, &used, h->open_most ? " to below " : " to ");
        append_number(text, &used, h->most);
    } else if (below) {
        append(text, &used, h->open_least ? "above " : "");
        append_number(text, &used, h->least);
        append(text, &used, h->open_least ? "" : " or above");
    } else if (above) {
        append(text, &used, h->open_most ? "below " : "at most ");
        append_number(text, &used, h->most);
    } else {
        append(text, &used, h->kind == REEL_HYPER_NUMBER ? "a finite number" : "");
    }
    if (h->kind == REEL_HYPER_NUMBER && !above && !h->open_most) append(text, &used, ", inf too");
    return text;
}

char *reel_hyper_print(const reel_hyper *h, double value, char text[REEL_HYPER_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    if (!h) return text;
    if (h->kind == REEL_HYPER_CHOICE && h->choices)
        for (int i = 0; h->choices[i]; i++)
            if (value == i) {
                append(text, &used, h->choices[i]);
                return text;
            }
    append_number(text, &used, value);
    return text;
}

static bool accepts(const reel_hyper *h, double value)
{
    double least = h->least, most = h->most;
    bool whole = h->kind != REEL_HYPER_NUMBER;
    if (h->kind == REEL_HYPER_SWITCH) least = 0, most = 1;
    if (h->kind == REEL_HYPER_CHOICE) {
        least = most = 0;
        while (h->choices && h->choices[(int)most]) most++;
        most--;
    }
    if (isnan(value) || value < least || value > most) return false;
    if (isinf(value)) return !whole && !(value < 0 ? h->open_least : h->open_most);
    if (whole && (value != floor(value) || fabs(value) > 0x1p53)) return false;
    return !(h->open_least && value == least) && !(h->open_most && value == most);
}

reel_status reel_hyper_check(const char *site, reel_context *context, const char *who, const reel_hyper *h,
                             double value)
{
    if (!h) return REEL_BAD_ARGUMENT;
    if (accepts(h, value)) return REEL_OK;
    char range[REEL_HYPER_TEXT], found[REEL_HYPER_TEXT];
    return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "%s: found %s, expected %s", h->name,
                          reel_hyper_print(h, value, found), reel_hyper_range(h, range));
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

static bool read_value(const reel_hyper *h, const char *text, size_t length, double *value)
{
    if (h->kind == REEL_HYPER_CHOICE) {
        for (int i = 0; h->choices && h->choices[i]; i++)
            if (is_word(text, length, h->choices[i])) return *value = i, true;
        return false;
    }
    if (h->kind == REEL_HYPER_SWITCH) {
        static const char *const words[] = {"0", "1", "off", "on", "false", "true", "no", "yes"};
        for (int i = 0; i < 8; i++)
            if (is_word(text, length, words[i])) return *value = i % 2, true;
        return false;
    }
    const char *at = text;
    return length > 0 && number_read_double(&at, text + length, value) == NUMBER_OK && at == text + length;
}

reel_status reel_hyper_read(const char *site, reel_context *context, const char *who, const reel_hyper *h,
                            const char *text, size_t length, double *value)
{
    if (!h || !text || !value) return REEL_BAD_ARGUMENT;
    double found;
    if (!read_value(h, text, length, &found)) {
        char range[REEL_HYPER_TEXT];
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "%s: found \"%.*s\", expected %s", h->name,
                              length > 80 ? 80 : (int)length, text, reel_hyper_range(h, range));
    }
    reel_status status = reel_hyper_check(site, context, who, h, found);
    if (status == REEL_OK) *value = found;
    return status;
}

reel_status reel_hyper_unknown(const char *site, reel_context *context, const char *who, const char *name,
                               size_t length, const reel_hyper *table, int count, const reel_hyper *more,
                               int more_count)
{
    char names[REEL_HYPER_TEXT] = "";
    size_t used = 0;
    for (int i = 0; i < count + more_count; i++) {
        if (i > 0) append(names, &used, ", ");
        append(names, &used, i < count ? table[i].name : more[i - count].name);
    }
    if (!name) name = "", length = 0;
    return reel_error_set(context, REEL_NOT_FOUND, site, who, "no hyper-parameter \"%.*s\"; %s%s",
                          length > 80 ? 80 : (int)length, name, used ? "there are " : "there is none", names);
}
