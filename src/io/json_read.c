/* SPDX-License-Identifier: MIT
 *
 * JSON documents.
 */
#include "io/json_read.h"

#include "core/core.h"
#include "io/json_scan.h"
#include "io/number.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <string.h>

struct json_document {
    reel_object object;
    char *name;
    const char *text;
    char *owned; /* the text, when the document frees it */
    size_t size;
    json_buffer spans;
    cJSON *root;
};

static void document_destroy(reel_object *object)
{
    json_document *d = (json_document *)object;
    cJSON_Delete(d->root);
    json_buffer_free(object->context, &d->spans);
    memory_string_free(object->context, d->name);
    if (d->owned) memory_free(object->context, d->owned, d->size + 1);
    object_release(object, sizeof *d);
}

/* Scans the text and hands the rewritten one, which is good JSON, to cJSON. */
static bool parse(json_document *d, const char *site)
{
    reel_context *context = d->object.context;
    json_scan scan = {.context = context, .site = site, .name = d->name, .text = d->text, .end = d->text + d->size};
    if (json_scan_text(&scan)) {
        d->root = cJSON_ParseWithLengthOpts(scan.rewritten.items, scan.rewritten.count, NULL, false);
        if (!d->root) reel_error_set(context, REEL_NO_MEMORY, site, d->name, "no memory for the document");
    }
    if (d->root) {
        d->spans = scan.spans;
        scan.spans = (json_buffer){.items = NULL};
    }
    json_scan_free(&scan);
    return d->root != NULL;
}

static json_document *document_new(const char *site, reel_context *context, const char *name, const char *text,
                                   char *owned, size_t size)
{
    json_document *d = object_new(context, site, "json", sizeof *d, document_destroy);
    if (!d) {
        if (owned) memory_free(context, owned, size + 1);
        return NULL;
    }
    d->text = text;
    d->owned = owned;
    d->size = size;
    d->name = memory_string(context, site, "json", name ? name : "JSON text");
    bool good = d->name != NULL;
    if (good && (!text || size > JSON_TEXT_LIMIT)) {
        reel_error_set(context, REEL_BAD_FILE, site, d->name, "found a text of %zu bytes, expected at most %zu", size,
                       JSON_TEXT_LIMIT);
        good = false;
    }
    if (good && parse(d, site)) return d;
    json_document_free(d);
    return NULL;
}

json_document *json_document_new(const char *site, reel_context *context, const char *name, const char *text,
                                 size_t size)
{
    return document_new(site, context, name, text, NULL, size);
}

json_document *json_document_take(const char *site, reel_context *context, const char *name, char *text, size_t size)
{
    return document_new(site, context, name, text, text, size);
}

void json_document_free(json_document *document)
{
    if (document) object_free(document);
}

const char *json_document_name(const json_document *document)
{
    return document ? document->name : "";
}

const json_node *json_root(const json_document *document)
{
    return document ? document->root : NULL;
}

/* Every number that cJSON read is the index of a span. */
static const json_span *span_of(const json_document *d, const json_node *node)
{
    if (!d || !cJSON_IsNumber(node) || !(node->valuedouble >= 0 && node->valuedouble < (double)d->spans.count))
        return NULL;
    return (const json_span *)d->spans.items + (size_t)node->valuedouble;
}

json_kind json_kind_of(const json_document *document, const json_node *node)
{
    if (cJSON_IsNull(node)) return JSON_NULL;
    if (cJSON_IsBool(node)) return JSON_BOOL;
    if (cJSON_IsString(node)) return JSON_TEXT;
    if (cJSON_IsArray(node)) return JSON_LIST;
    if (cJSON_IsObject(node)) return JSON_OBJECT;
    const json_span *span = span_of(document, node);
    if (!span) return JSON_NONE;
    return span->count == SPAN_NUMBER ? JSON_NUMBER : span->count == SPAN_TEXT ? JSON_TEXT : JSON_NUMBERS;
}

const char *json_key(const json_node *node)
{
    return node ? node->string : NULL;
}

const json_node *json_member(const json_node *object, const char *name)
{
    return cJSON_IsObject(object) && name ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const json_node *json_first(const json_node *node)
{
    return node ? node->child : NULL;
}

const json_node *json_next(const json_node *node)
{
    return node ? node->next : NULL;
}

int64_t json_count(const json_document *document, const json_node *node)
{
    switch (json_kind_of(document, node)) {
    case JSON_NUMBERS: return span_of(document, node)->count;
    case JSON_LIST:
    case JSON_OBJECT: break;
    default: return -1;
    }
    int64_t count = 0;
    for (const json_node *child = node->child; child; child = child->next) count++;
    return count;
}

const char *json_get_text(const json_document *document, const json_node *node, size_t *length)
{
    *length = 0;
    if (cJSON_IsString(node)) {
        *length = strlen(node->valuestring);
        return node->valuestring;
    }
    const json_span *span = span_of(document, node);
    if (!span || span->count != SPAN_TEXT) return NULL;
    *length = span->end - span->begin - 2;
    return document->text + span->begin + 1;
}

/* The characters of a number, or of a text without its quotes; NULL for other nodes. */
static const char *scalar_text(const json_document *d, const json_node *node, const char **end)
{
    const json_span *span = span_of(d, node);
    if (span && span->count == SPAN_NUMBER) {
        *end = d->text + span->end;
        return d->text + span->begin;
    }
    size_t length;
    const char *text = json_get_text(d, node, &length);
    *end = text ? text + length : NULL;
    return text;
}

bool json_get_bool(const json_document *document, const json_node *node, bool *value)
{
    (void)document;
    if (cJSON_IsBool(node)) *value = cJSON_IsTrue(node);
    return cJSON_IsBool(node);
}

/* '+' is not JSON, in texts either. */
static bool starts_well(const char *text, const char *end)
{
    return text && text < end && *text != '+';
}

bool json_get_int64(const json_document *document, const json_node *node, int64_t *value)
{
    int64_t x;
    const char *end, *text = scalar_text(document, node, &end);
    if (!starts_well(text, end) || number_read_int64(&text, end, &x) != NUMBER_OK || text != end) return false;
    *value = x;
    return true;
}

bool json_get_uint64(const json_document *document, const json_node *node, uint64_t *value)
{
    uint64_t x;
    const char *end, *text = scalar_text(document, node, &end);
    if (!starts_well(text, end) || number_read_uint64(&text, end, &x) != NUMBER_OK || text != end) return false;
    *value = x;
    return true;
}

bool json_get_double(const json_document *document, const json_node *node, double *value)
{
    double x;
    const char *end, *text = scalar_text(document, node, &end);
    json_kind kind = json_kind_of(document, node);
    size_t n = text ? (size_t)(end - text) : 0;
    bool word = kind == JSON_TEXT && ((n == 3 && (memcmp(text, "nan", 3) == 0 || memcmp(text, "inf", 3) == 0)) ||
                                      (n == 4 && memcmp(text, "-inf", 4) == 0));
    if (kind != JSON_NUMBER && !word) return false;
    if (number_read_double(&text, end, &x) != NUMBER_OK || text != end) return false;
    *value = x;
    return true;
}

/* A text may hold anything: what cannot be shown on one line is cut. */
static int shown_length(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && n < 40 && (unsigned char)text[n] >= 0x20 && (unsigned char)text[n] != 0x7f) n++;
    while (n > 0 && n < length && ((unsigned char)text[n] & 0xc0) == 0x80) n--; /* not within a character */
    return (int)n;
}

const char *json_found(const json_document *document, const json_node *node, char found[JSON_FOUND_SIZE])
{
    int64_t count = json_count(document, node);
    const char *end, *text = scalar_text(document, node, &end), *s = count == 1 ? "" : "s";
    size_t length = text ? (size_t)(end - text) : 0;
    int shown = text ? shown_length(text, length) : 0;
    const char *rest = (size_t)shown < length ? "..." : "";
    switch (json_kind_of(document, node)) {
    case JSON_NONE: snprintf(found, JSON_FOUND_SIZE, "nothing"); break;
    case JSON_NULL: snprintf(found, JSON_FOUND_SIZE, "null"); break;
    case JSON_BOOL: snprintf(found, JSON_FOUND_SIZE, "%s", cJSON_IsTrue(node) ? "true" : "false"); break;
    case JSON_NUMBER: snprintf(found, JSON_FOUND_SIZE, "the number %.*s%s", shown, text, rest); break;
    case JSON_TEXT: snprintf(found, JSON_FOUND_SIZE, "the text \"%.*s%s\"", shown, text, rest); break;
    case JSON_NUMBERS: snprintf(found, JSON_FOUND_SIZE, "a list of %lld number%s", (long long)count, s); break;
    case JSON_LIST: snprintf(found, JSON_FOUND_SIZE, "a list of %lld element%s", (long long)count, s); break;
    case JSON_OBJECT: snprintf(found, JSON_FOUND_SIZE, "an object of %lld member%s", (long long)count, s); break;
    }
    return found;
}

static const char *expected_of(reel_dtype dtype)
{
    switch (dtype) {
    case REEL_FLOAT: return "a number within the range of float32";
    case REEL_DOUBLE: return "a number within the range of float64";
    case REEL_INT64: return "an integer from -2^63 to 2^63 - 1";
    case REEL_UINT8: return "an integer from 0 to 255";
    }
    return "a number";
}

/* One element from its characters [text, end), where a text has its quotes. */
static inline bool decode_element(const char *text, const char *end, reel_dtype dtype, void *out, int64_t i)
{
    bool quoted = *text == '"', integer = dtype == REEL_INT64 || dtype == REEL_UINT8;
    if (quoted && !integer && !json_skip_word(text, end)) return false;
    if (quoted) {
        text++;
        end--;
    }
    number_status status = NUMBER_BAD;
    if (dtype == REEL_FLOAT) {
        float x = 0;
        status = number_read_float(&text, end, &x);
        if (out) ((float *)out)[i] = x;
    } else if (dtype == REEL_DOUBLE) {
        double x = 0;
        status = number_read_double(&text, end, &x);
        if (out) ((double *)out)[i] = x;
    } else {
        int64_t x = 0;
        if (text == end || *text == '+') return false;
        status = number_read_int64(&text, end, &x);
        if (dtype == REEL_UINT8 && (x < 0 || x > 255)) return false;
        if (out && dtype == REEL_UINT8)
            ((uint8_t *)out)[i] = (uint8_t)x;
        else if (out)
            ((int64_t *)out)[i] = x;
    }
    return status == NUMBER_OK && text == end;
}

static bool bad_element(json_fault *fault, int64_t index, const char *text, const char *end, reel_dtype dtype)
{
    fault->index = index;
    fault->expected = expected_of(dtype);
    int length = end - text > 40 ? 40 : (int)(end - text);
    snprintf(fault->found, sizeof fault->found, "%.*s%s", length, text, end - text > 40 ? "..." : "");
    return false;
}

/* The end of the element at `at` of a list of numbers. *plain: a number of at most 38 characters without exponent, which
 * is within the range of float32 (and so need not be read in order to be checked). */
static inline const char *element_end(const char *at, bool *plain)
{
    *plain = false;
    if (*at == '"') return json_skip_text(at);
    const char *after = at;
    bool exponent = false;
    for (; *after != ',' && *after != ']' && *after > ' '; after++) exponent |= (*after | 0x20) == 'e';
    *plain = !exponent && after - at <= 38;
    return after;
}

/* Elements of a list of numbers, which is known to be good. */
static bool decode_span(const json_document *d, const json_span *span, reel_dtype dtype, void *out, json_fault *fault)
{
    const char *at = d->text + span->begin + 1, *end = d->text + span->end;
    bool floating = dtype == REEL_FLOAT || dtype == REEL_DOUBLE;
    if (!out && floating && span->length <= (dtype == REEL_FLOAT ? JSON_SHORT : JSON_MEDIUM)) return true;
    for (int64_t i = 0; i < span->count; i++) {
        bool plain, good;
        at = json_skip_blanks(at, end);
        if (out && dtype == REEL_FLOAT) {
            i += number_read_floats(&at, end, span->count - 1 - i, (float *)out + i);
        }
        const char *after = at;
        if (out && floating && *at != '"') { /* the commonest: the reader finds the end by itself */
            good = dtype == REEL_FLOAT ? number_read_float(&after, end, (float *)out + i) == NUMBER_OK
                                       : number_read_double(&after, end, (double *)out + i) == NUMBER_OK;
        } else {
            after = element_end(at, &plain);
            good = (!out && floating && plain) || decode_element(at, after, dtype, out, i);
        }
        if (!good) return bad_element(fault, i, at, element_end(at, &plain), dtype);
        at = json_skip_blanks(after, end) + 1; /* behind the comma or bracket */
    }
    return true;
}

/* Elements of any other list, one node each. */
static bool decode_list(const json_document *d, const json_node *list, reel_dtype dtype, void *out, json_fault *fault)
{
    int64_t i = 0;
    for (const json_node *node = list->child; node; node = node->next, i++) {
        const char *end, *text = scalar_text(d, node, &end);
        char quoted[32];
        if (text && json_kind_of(d, node) == JSON_TEXT && end - text < 30) {
            int n = snprintf(quoted, sizeof quoted, "\"%.*s\"", (int)(end - text), text);
            text = quoted;
            end = quoted + n;
        }
        if (text && text < end && decode_element(text, end, dtype, out, i)) continue;
        fault->index = i;
        fault->expected = expected_of(dtype);
        json_found(d, node, fault->found);
        return false;
    }
    return true;
}

bool json_decode(const json_document *document, const json_node *node, reel_dtype dtype, void *out, json_fault *fault)
{
    json_kind kind = json_kind_of(document, node);
    if (kind == JSON_NUMBERS) return decode_span(document, span_of(document, node), dtype, out, fault);
    if (kind == JSON_LIST) return decode_list(document, node, dtype, out, fault);
    fault->index = -1;
    fault->expected = "a list of numbers";
    json_found(document, node, fault->found);
    return false;
}
