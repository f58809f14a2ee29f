/* SPDX-License-Identifier: MIT
 *
 * CSV, field by field.
 */
#include "csv.h"

#include "io/utf8.h"

#include <string.h>

const char *csv_bad_byte(const char *text, const char *end)
{
    while (text < end) {
        uint64_t eight;
        if (end - text >= 8) {
            memcpy(&eight, text, 8);
            bool plain = !(eight & 0x8080808080808080u);
            bool nul = (eight - 0x0101010101010101u) & ~eight & 0x8080808080808080u;
            if (plain && !nul) {
                text += 8;
                continue;
            }
        }
        int length = utf8_length(text, end);
        if (length == 0 || *text == '\0') return text;
        text += length;
    }
    return end;
}

void csv_start(csv_scan *s, const char *text, const char *end, const char *bad, char delimiter)
{
    *s = (csv_scan){.at = text, .end = end, .bad = bad, .line = 1, .delimiter = delimiter};
    if (end - text >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) s->at += 3;
    s->stops[(uint8_t)delimiter] = s->stops['\n'] = s->stops['\r'] = true;
}

static inline bool is_blank(const csv_scan *s, char c)
{
    return (c == ' ' || c == '\t') && c != s->delimiter;
}

/* Past a line end, if there is one. */
static inline bool take_line_end(csv_scan *s)
{
    if (s->at < s->end && *s->at == '\r') {
        s->at += s->at + 1 < s->end && s->at[1] == '\n' ? 2 : 1;
        s->line++;
        return true;
    }
    if (s->at < s->end && *s->at == '\n') {
        s->at++;
        s->line++;
        return true;
    }
    return false;
}

bool csv_row(csv_scan *s)
{
    while (s->at < s->end) {
        const char *start = s->at;
        while (s->at < s->end && is_blank(s, *s->at)) s->at++;
        if (s->at < s->end && !take_line_end(s)) {
            s->at = start;
            return true;
        }
    }
    return false;
}

static bool fail(csv_scan *s, csv_fault fault, char byte)
{
    s->fault = fault;
    s->byte = byte;
    return false;
}

/* Delimiter, line end or end of the file. */
static bool finish(csv_scan *s, csv_field *f)
{
    if (s->at > s->bad) return fail(s, *s->bad ? CSV_BAD_BYTE : CSV_NUL, *s->bad);
    f->last = true;
    if (s->at < s->end && *s->at == s->delimiter) {
        s->at++;
        f->last = false;
        return true;
    }
    if (s->at < s->end && !take_line_end(s)) return fail(s, CSV_BEHIND_QUOTE, *s->at);
    return true;
}

/* At an opening quote. */
static bool quoted(csv_scan *s, csv_field *f)
{
    f->text = ++s->at;
    while (true) {
        const char *quote = memchr(s->at, '"', (size_t)(s->end - s->at));
        const char *part = s->at, *stop = quote ? quote : s->end;
        for (const char *c = part; c < stop; c++)
            s->line += *c == '\n' || (*c == '\r' && !(c + 1 < stop && c[1] == '\n'));
        if (!quote) {
            s->at = s->end;
            if (s->bad < s->end) return fail(s, *s->bad ? CSV_BAD_BYTE : CSV_NUL, *s->bad);
            return fail(s, CSV_OPEN_QUOTE, '"');
        }
        s->at = quote + 1;
        if (s->at == s->end || *s->at != '"') break;
        f->doubled = true;
        s->at++;
    }
    f->length = (size_t)(s->at - 1 - f->text);
    while (s->at < s->end && is_blank(s, *s->at)) s->at++;
    return finish(s, f);
}

bool csv_next(csv_scan *s, csv_field *f)
{
    if (s->fault) return false;
    while (s->at < s->end && is_blank(s, *s->at)) s->at++;
    *f = (csv_field){.text = s->at, .line = s->line};
    if (s->at < s->end && *s->at == '"') return quoted(s, f);
    const char *at = s->at, *end = s->end;
    while (at < end && !s->stops[(uint8_t)*at]) at++;
    s->at = at;
    while (at > f->text && is_blank(s, at[-1])) at--;
    f->length = (size_t)(at - f->text);
    return finish(s, f);
}

size_t csv_copy(const csv_field *f, char *to)
{
    if (!f->doubled) {
        memcpy(to, f->text, f->length);
        return f->length;
    }
    size_t length = 0;
    for (size_t i = 0; i < f->length; i++) {
        to[length++] = f->text[i];
        if (f->text[i] == '"') i++; /* the second of two */
    }
    return length;
}

/* ---- the delimiter ---- */

#define LINES_LOOKED_AT 20

/* Fields in each of the first rows; 0: they differ. *first: in the first. */
static int64_t fields_with(const char *text, const char *end, const char *bad, char delimiter, int64_t *first)
{
    csv_scan s;
    csv_field f;
    *first = 0;
    csv_start(&s, text, end, bad, delimiter);
    for (int row = 0; row < LINES_LOOKED_AT && csv_row(&s); row++) {
        int64_t count = 0;
        bool more = true;
        while (more && csv_next(&s, &f)) {
            count++;
            more = !f.last;
        }
        if (row == 0) *first = count;
        if (s.fault || count != *first) return 0;
    }
    return *first;
}

char csv_guess(const char *text, const char *end, const char *bad)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    char best = ',', most_first = ',';
    int64_t best_count = 1, most = 1;
    for (size_t i = 0; i < sizeof candidates; i++) {
        int64_t first, count = fields_with(text, end, bad, candidates[i], &first);
        if (count > best_count) best = candidates[i], best_count = count;
        if (first > most) most_first = candidates[i], most = first;
    }
    return best_count > 1 ? best : most_first;
}

char *csv_quote(char quoted_text[CSV_QUOTE_SIZE], const char *text, size_t length)
{
    const size_t most = 40;
    size_t used = 0;
    while (used < length && used < most) {
        int bytes = utf8_length(text + used, text + length);
        if (bytes == 0 || used + (size_t)bytes > most) break;
        for (int i = 0; i < bytes; i++)
            quoted_text[used + (size_t)i] = (uint8_t)text[used + (size_t)i] < 0x20 ? '.' : text[used + (size_t)i];
        used += (size_t)bytes;
    }
    strcpy(quoted_text + used, used < length ? "..." : "");
    return quoted_text;
}
