/* SPDX-License-Identifier: MIT
 *
 * One pass over a JSON text: RFC 8259, with the faults that cJSON lets pass or cannot place.
 */
#include "io/json_scan.h"

#include "io/json_write.h"
#include "io/number.h"
#include "io/utf8.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_TEXT 512 /* texts of more bytes than this stay where they are */

static const char who[] = "json";

/* A name of an open object: the hash of what it says, escapes resolved, and where it stands. */
typedef struct key {
    XXH128_hash_t hash;
    size_t at;
} key;

void json_buffer_free(reel_context *context, json_buffer *b)
{
    memory_free(context, b->items, b->capacity * b->item_size);
    b->items = NULL;
    b->count = b->capacity = 0;
}

/* Room for `more` items behind those there; returns the first of them, not counted yet. */
static void *buffer_room(json_scan *s, json_buffer *b, size_t more)
{
    if (b->capacity - b->count < more) {
        size_t capacity = b->capacity ? b->capacity : 64;
        while (capacity - b->count < more) capacity *= 2;
        void *items =
            memory_resize(s->context, s->site, who, b->items, b->capacity * b->item_size, capacity * b->item_size);
        if (!items) return NULL;
        b->items = items;
        b->capacity = capacity;
    }
    return (char *)b->items + b->count * b->item_size;
}

static bool put(json_scan *s, const char *text, size_t size)
{
    void *to = buffer_room(s, &s->rewritten, size);
    if (!to) return false;
    memcpy(to, text, size);
    s->rewritten.count += size;
    return true;
}

/* Leaves [begin, end) in the text: its index goes to the rewritten one. */
static bool put_span(json_scan *s, const char *begin, const char *end, int64_t count, int length)
{
    json_span *span = buffer_room(s, &s->spans, 1);
    if (!span) return false;
    *span = (json_span){(size_t)(begin - s->text), (size_t)(end - s->text), count, length};
    char index[NUMBER_TEXT_SIZE];
    return put(s, index, number_print_uint64(index, s->spans.count++));
}

static bool in_token(unsigned char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
}

/* What stands at `at`, in words. */
static void describe(const json_scan *s, const char *at, char found[64])
{
    unsigned char c = at < s->end ? (unsigned char)*at : 0;
    int n = 0;
    if (at >= s->end) {
        snprintf(found, 64, "the end of the text");
    } else if (c < 0x20 || c == 0x7f) {
        snprintf(found, 64, "the control character 0x%02x", c);
    } else if (c >= 0x80) {
        snprintf(found, 64, "the byte 0x%02x", c);
    } else if (in_token(c)) {
        while (n < 24 && at + n < s->end && in_token((unsigned char)at[n])) n++;
        snprintf(found, 64, "%.*s", n, at);
    } else {
        snprintf(found, 64, "'%c'", c);
    }
}

/* Keeps the error; lines and columns count from 1, columns in characters. Returns NULL. */
static const char *fault(json_scan *s, const char *at, const char *found, const char *expected)
{
    char described[64];
    if (!found) {
        describe(s, at, described);
        found = described;
    }
    size_t line = 1, column = 1;
    for (const char *t = s->text; t < at; t++) {
        if (*t == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*t & 0xc0) != 0x80) {
            column++;
        }
    }
    reel_error_set(s->context, REEL_BAD_FILE, s->site, s->name, "line %zu, column %zu: found %s, expected %s", line,
                   column, found, expected);
    return NULL;
}

const char *json_skip_blanks(const char *text, const char *end)
{
    while (text < end && (*text == ' ' || *text == '\n' || *text == '\r' || *text == '\t')) text++;
    return text;
}

const char *json_skip_word(const char *text, const char *end)
{
    static const char *const words[] = {"\"nan\"", "\"inf\"", "\"-inf\""};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(end - text) >= n && memcmp(text, words[i], n) == 0) return text + n;
    }
    return NULL;
}

const char *json_skip_text(const char *text)
{
    for (text++; *text != '"'; text++) text += *text == '\\';
    return text + 1;
}

#define PLAIN_BLOCK 256

/* Is there a quote, backslash, control character or byte above 0x7f in the block? A loop that the compiler turns into
 * vectors. */
static bool any_special(const char *text)
{
    unsigned char found = 0;
    for (int i = 0; i < PLAIN_BLOCK; i++) {
        signed char c = (signed char)text[i];
        found |= (unsigned char)(c < 0x20) | (unsigned char)(c == '"') | (unsigned char)(c == '\\');
    }
    return found;
}

/* Eight bytes at a time while there is no quote, backslash, control character or byte above 0x7f: a byte of x is below
 * n (up to 128) when subtracting n borrows, which shows in its top bit if that was clear; the lowest such is exact. */
static const char *skip_plain(const char *text, const char *end)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    while (end - text >= PLAIN_BLOCK && !any_special(text)) text += PLAIN_BLOCK;
    for (uint64_t x; end - text >= 8; text += 8) {
        memcpy(&x, text, 8);
        uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\';
        if ((((x - ones * 0x20) | (quote - ones) | (backslash - ones)) | x) & tops) break;
    }
    return text;
}

static int hex_value(const char *text, const char *end)
{
    if (end - text < 4) return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i], letter = (char)(c | 0x20);
        int digit = c >= '0' && c <= '9' ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
        if (digit < 0) return -1;
        value = 16 * value + digit;
    }
    return value;
}

/* The code point of \uXXXX (or two of them, for one above U+FFFF) whose backslash is at *text; moves *text behind it.
 * -1: not such a thing, -2: half a pair, -3: U+0000. */
static int code_point(const char **text, const char *end)
{
    int value = hex_value(*text + 2, end);
    if (value <= 0) return value < 0 ? -1 : -3;
    if (value >= 0xdc00 && value < 0xe000) return -2;
    if (value >= 0xd800 && value < 0xdc00) {
        const char *second = *text + 6;
        int low = end - second >= 6 && second[0] == '\\' && second[1] == 'u' ? hex_value(second + 2, end) : -1;
        if (low < 0xdc00 || low >= 0xe000) return -2;
        *text += 12;
        return 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
    }
    *text += 6;
    return value;
}

/* One escape. Returns what follows or NULL with an error. */
static const char *escape(json_scan *s, const char *text)
{
    const char *at = text;
    if (s->end - at >= 2 && at[1] && strchr("\"\\/bfnrt", at[1])) return at + 2;
    int code = s->end - at >= 2 && at[1] == 'u' ? code_point(&at, s->end) : -4;
    if (code > 0) return at;
    if (code == -3) return fault(s, text, "\\u0000", "a text without NUL");
    if (code == -2) return fault(s, text, "half of a surrogate pair", "both halves, like \\ud83d\\ude00");
    if (code == -1) return fault(s, text, "a bad \\u escape", "four hexadecimal digits");
    return fault(s, text, "a backslash with nothing it can escape", "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
}

/* A text from its opening quote; returns what follows the closing one, or NULL with an error. */
static const char *scan_text(json_scan *s, const char *text, bool *escapes)
{
    const char *at = text + 1;
    *escapes = false;
    for (;;) {
        at = skip_plain(at, s->end);
        unsigned char c = at < s->end ? (unsigned char)*at : 0;
        if (at == s->end) return fault(s, text, "a text that does not end", "a closing quote");
        if (c == '"') return at + 1;
        if (c == '\n') return fault(s, at, "the end of the line within a text", "a closing quote, or \\n");
        if (c < 0x20) return fault(s, at, NULL, "an escape like \\t in its place");
        if (c == '\\') {
            *escapes = true;
            at = escape(s, at);
            if (!at) return NULL;
            continue;
        }
        int length = utf8_length(at, s->end);
        if (length == 0) return fault(s, at, NULL, "UTF-8");
        at += length;
    }
}

/* Writes a code point as UTF-8; returns what follows. */
static char *put_code_point(char *to, int code)
{
    static const int first[] = {0, 0xc0, 0xe0, 0xf0};
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    *to++ = (char)(first[more] | code >> 6 * more);
    while (more-- > 0) *to++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return to;
}

/* What the good text [text, end), quotes excluded, says, in the scratch buffer; its length. NULL: no memory. */
static const char *resolve(json_scan *s, const char *text, const char *end, size_t *length)
{
    static const char letters[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
    char *to = buffer_room(s, &s->scratch, (size_t)(end - text) + 1), *start = to;
    if (!to) return NULL;
    while (text < end) {
        if (*text != '\\') {
            *to++ = *text++;
        } else if (text[1] == 'u') {
            to = put_code_point(to, code_point(&text, end));
        } else {
            *to++ = plain[strchr(letters, text[1]) - letters];
            text += 2;
        }
    }
    *length = (size_t)(to - start);
    return start;
}

/* A name from its quote on: copied, and remembered for the object's end. */
static const char *scan_key(json_scan *s, const char *text)
{
    bool escapes;
    const char *after = scan_text(s, text, &escapes);
    if (!after || !put(s, text, (size_t)(after - text))) return NULL;
    const char *says = text + 1;
    size_t length = (size_t)(after - text) - 2;
    if (escapes) says = resolve(s, text + 1, after - 1, &length);
    key *k = says ? buffer_room(s, &s->keys, 1) : NULL;
    if (!k) return NULL;
    *k = (key){XXH3_128bits(says, length), (size_t)(text - s->text)};
    s->keys.count++;
    return after;
}

static int compare_keys(const void *a, const void *b)
{
    const key *x = a, *y = b;
    if (x->hash.high64 != y->hash.high64) return x->hash.high64 < y->hash.high64 ? -1 : 1;
    if (x->hash.low64 != y->hash.low64) return x->hash.low64 < y->hash.low64 ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Are the names from `first` on all different? They are dropped. */
static bool keys_differ(json_scan *s, size_t first)
{
    key *keys = s->keys.items;
    size_t count = s->keys.count - first, twice = 0;
    s->keys.count = first;
    if (count < 2) return true;
    qsort(keys + first, count, sizeof *keys, compare_keys);
    for (size_t i = first + 1; i < first + count; i++)
        if (XXH128_isEqual(keys[i].hash, keys[i - 1].hash) && (!twice || keys[i].at < twice)) twice = keys[i].at;
    if (!twice) return true;
    const char *text = s->text + twice;
    char found[64];
    int length = (int)(json_skip_text(text) - text);
    snprintf(found, sizeof found, "the name %.*s%s again", length > 40 ? 40 : length, text, length > 40 ? "..." : "");
    fault(s, text, found, "each name once in an object");
    return false;
}

static const char *scan_value(json_scan *s, const char *text);

/* Counts a level; false with an error when there are too many. */
static bool deeper(json_scan *s, const char *text)
{
    if (s->depth == JSON_DEPTH_LIMIT) {
        fault(s, text, "a 65th level of objects and lists", "at most 64");
        return false;
    }
    s->depth++;
    return true;
}

static const char *scan_object(json_scan *s, const char *text)
{
    size_t first_key = s->keys.count;
    if (!deeper(s, text) || !put(s, "{", 1)) return NULL;
    const char *at = json_skip_blanks(text + 1, s->end);
    for (bool first = true; at == s->end || *at != '}'; first = false) {
        if (!first) {
            if (at == s->end || *at != ',') return fault(s, at, NULL, "',' or '}'");
            at = json_skip_blanks(at + 1, s->end);
            if (!put(s, ",", 1)) return NULL;
        }
        if (at == s->end || *at != '"')
            return fault(s, at, NULL, first ? "a name in quotes or '}'" : "a name in quotes");
        at = scan_key(s, at);
        if (!at) return NULL;
        at = json_skip_blanks(at, s->end);
        if (at == s->end || *at != ':') return fault(s, at, NULL, "':'");
        at = put(s, ":", 1) ? scan_value(s, at + 1) : NULL;
        if (!at) return NULL;
        at = json_skip_blanks(at, s->end);
    }
    s->depth--;
    return put(s, "}", 1) && keys_differ(s, first_key) ? at + 1 : NULL;
}

/* JSON_SHORT or JSON_ANY_LENGTH of one number. */
static int length_of(const char *text, const char *end)
{
    if (end - text > 30) return JSON_ANY_LENGTH;
    for (; text < end; text++)
        if ((*text | 0x20) == 'e' && text[1] != '-') return JSON_ANY_LENGTH;
    return JSON_SHORT;
}

#define NUMBERS_AGAIN 256 /* characters to go one number at a time before many are tried again */

/* A list of nothing but numbers, at least one of them a real one: what follows it, and how many. NULL for any other,
 * which scan_list then reads from its start: elements are no lists, so each byte is seen at most three times. */
static const char *scan_numbers(const json_scan *s, const char *text, int64_t *count, int *length)
{
    int64_t n = 0, words = 0;
    const char *at = text + 1, *again = at;
    *length = JSON_SHORT;
    for (;; at++) {
        bool integer;
        if (at >= again) {
            at = json_skip_numbers(at, s->end, &n, length);
            again = at + NUMBERS_AGAIN;
        }
        at = json_skip_blanks(at, s->end);
        const char *after = number_skip_json(at, s->end, &integer);
        if (after && *length != JSON_ANY_LENGTH && length_of(at, after) != JSON_SHORT) *length = JSON_ANY_LENGTH;
        if (!after) {
            after = json_skip_word(at, s->end);
            words++;
        }
        if (!after) return NULL;
        n++;
        at = json_skip_blanks(after, s->end);
        if (at == s->end || *at != ',') break;
    }
    *count = n;
    return at < s->end && *at == ']' && words < n ? at + 1 : NULL;
}

static const char *scan_list(json_scan *s, const char *text)
{
    int64_t count;
    int length;
    const char *after = scan_numbers(s, text, &count, &length);
    if (!deeper(s, text)) return NULL;
    s->depth -= after != NULL;
    if (after) return put_span(s, text, after, count, length) ? after : NULL;
    if (!put(s, "[", 1)) return NULL;
    const char *at = json_skip_blanks(text + 1, s->end);
    for (bool first = true; at == s->end || *at != ']'; first = false) {
        if (!first) {
            if (at == s->end || *at != ',') return fault(s, at, NULL, "',' or ']'");
            at++;
            if (!put(s, ",", 1)) return NULL;
        } else if (at == s->end) {
            return fault(s, at, NULL, "a value or ']'");
        }
        at = scan_value(s, at);
        if (!at) return NULL;
        at = json_skip_blanks(at, s->end);
    }
    s->depth--;
    return put(s, "]", 1) ? at + 1 : NULL;
}

static const char *scan_literal(json_scan *s, const char *text)
{
    static const char *const literals[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(literals[i]);
        if ((size_t)(s->end - text) >= n && memcmp(text, literals[i], n) == 0 &&
            (text + n == s->end || (text[n] | 0x20) < 'a' || (text[n] | 0x20) > 'z'))
            return put(s, literals[i], n) ? text + n : NULL;
    }
    if (text < s->end && strchr("NnIi-", *text) && *text)
        return fault(s, text, NULL,
                     "a value (what is not finite is written \"nan\", \"inf\" or \"-inf\", with quotes)");
    return fault(s, text, NULL, "a value");
}

static const char *scan_value(json_scan *s, const char *text)
{
    const char *at = json_skip_blanks(text, s->end), *after;
    bool escapes, integer;
    char c = at < s->end ? *at : '\0';
    bool infinity = c == '-' && s->end - at > 1 && (at[1] | 0x20) == 'i';
    if (c == '{') return scan_object(s, at);
    if (c == '[') return scan_list(s, at);
    if (c == '"') {
        after = scan_text(s, at, &escapes);
        if (!after) return NULL;
        size_t size = (size_t)(after - at);
        bool stays = size > LONG_TEXT && !escapes;
        return (stays ? put_span(s, at, after, SPAN_TEXT, 0) : put(s, at, size)) ? after : NULL;
    }
    if (!infinity && (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9'))) {
        after = number_skip_json(at, s->end, &integer);
        if (!after) return fault(s, at, NULL, "a number as JSON has them, like -0.5 or 1e-05");
        return put_span(s, at, after, SPAN_NUMBER, 0) ? after : NULL;
    }
    return scan_literal(s, at);
}

bool json_scan_text(json_scan *s)
{
    s->rewritten.item_size = s->scratch.item_size = 1;
    s->spans.item_size = sizeof(json_span);
    s->keys.item_size = sizeof(key);
    const char *after = scan_value(s, s->text);
    if (!after) return false;
    after = json_skip_blanks(after, s->end);
    if (after < s->end) fault(s, after, NULL, "the end of the text");
    return after == s->end;
}

void json_scan_free(json_scan *s)
{
    json_buffer_free(s->context, &s->rewritten);
    json_buffer_free(s->context, &s->spans);
    json_buffer_free(s->context, &s->keys);
    json_buffer_free(s->context, &s->scratch);
}
