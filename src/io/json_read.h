/* SPDX-License-Identifier: MIT
 *
 * Reads JSON. cJSON holds the document; numbers, lists of numbers and long texts stay where they are in the text and
 * are read from there when asked for, exactly and in any locale.
 */
#ifndef REEL_JSON_READ_H
#define REEL_JSON_READ_H

#include <reel/array.h>

#define JSON_TEXT_LIMIT ((size_t)1 << 36) /* bytes of a text */

typedef struct json_document json_document;
typedef struct cJSON json_node;

/* JSON_NUMBERS: a list of numbers (and "nan", "inf", "-inf"), at least one. An empty list, and one with only such
 * texts, is a JSON_LIST, whose elements json_decode reads too. JSON_NONE: no node. */
typedef enum json_kind {
    JSON_NONE,
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_NUMBERS,
    JSON_TEXT,
    JSON_LIST,
    JSON_OBJECT
} json_kind;

/* Reads `text` (size), which must outlive the document. `name` (copied) stands before every sentence: the file's. RFC
 * 8259, UTF-8, at most 64 levels, no name twice in an object, no \u0000. A fault gives NULL and an error like
 * `run.json: line 12, column 8: found ']', expected a value`. Owned by the context; json_document_free frees it. */
json_document *json_document_new(const char *site, reel_context *context, const char *name, const char *text,
                                 size_t size);
/* The same for a text from memory_new(size + 1), which the document frees, also when it cannot be made. */
json_document *json_document_take(const char *site, reel_context *context, const char *name, char *text, size_t size);
void json_document_free(json_document *document);

const char *json_document_name(const json_document *document);
const json_node *json_root(const json_document *document);

json_kind json_kind_of(const json_document *document, const json_node *node);
/* The name of a member; NULL in a list. */
const char *json_key(const json_node *node);
/* The member of an object with this name; the first child of an object or list and the one after a child; or NULL. */
const json_node *json_member(const json_node *object, const char *name);
const json_node *json_first(const json_node *node);
const json_node *json_next(const json_node *node);
/* Members of an object, elements of a list of any kind; -1 for other nodes. */
int64_t json_count(const json_document *document, const json_node *node);

/* False, leaving *value, when the node does not hold such a value. Integers may be texts of digits (beyond 2^53 they
 * must be for most programs), doubles "nan", "inf" or "-inf"; one outside the range is not taken. */
bool json_get_bool(const json_document *document, const json_node *node, bool *value);
bool json_get_int64(const json_document *document, const json_node *node, int64_t *value);
bool json_get_uint64(const json_document *document, const json_node *node, uint64_t *value);
bool json_get_double(const json_document *document, const json_node *node, double *value);
/* Not closed by a NUL; belongs to the document. NULL when the node is no text. */
const char *json_get_text(const json_document *document, const json_node *node, size_t *length);

/* What a node is, for a sentence: `the text "adam"`, `the number 1.5`, `a list of 3 numbers`, `nothing`. */
#define JSON_FOUND_SIZE 80
const char *json_found(const json_document *document, const json_node *node, char found[JSON_FOUND_SIZE]);

/* Reads a list of numbers into out (json_count elements of dtype); NULL only checks. Floating point: rounded to the
 * type, "nan" is the quiet NaN; a finite number beyond the type's range is a fault. Integers: digits, in range, alone or
 * as a text. False with the first fault. */
typedef struct json_fault {
    int64_t index;
    char found[JSON_FOUND_SIZE];
    const char *expected;
} json_fault;
bool json_decode(const json_document *document, const json_node *node, reel_dtype dtype, void *out, json_fault *fault);

#endif
