/* SPDX-License-Identifier: MIT
 *
 * Fuzz target: any bytes as a JSON text. A text is refused with one sentence or can be read to its last element. The
 * unit test of the reader runs it over tests/corpus/json.
 */
#include "core/core.h"
#include "io/base64.h"
#include "io/json_read.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) abort();                                                                                     \
    } while (0)

static void read_text(const json_document *document, const json_node *node)
{
    size_t length, position;
    const char *text = json_get_text(document, node, &length);
    REQUIRE(text && memchr(text, '\0', length) == NULL);
    uint8_t *bytes = malloc(length + 1);
    if (bytes && !base64_decode(bytes, text, length, &position)) {
        size_t count = base64_decoded_size(text, length);
        char *again = malloc(length + 1);
        if (again) {
            base64_encode(again, bytes, count);
            REQUIRE(base64_encoded_size(count) == length && memcmp(again, text, length) == 0);
        }
        free(again);
    }
    free(bytes);
}

static void read_node(const json_document *document, const json_node *node)
{
    bool truth;
    int64_t integer;
    uint64_t natural;
    double number;
    char found[JSON_FOUND_SIZE];
    json_kind kind = json_kind_of(document, node);
    REQUIRE(kind != JSON_NONE);
    REQUIRE(strlen(json_found(document, node, found)) < JSON_FOUND_SIZE);
    json_get_bool(document, node, &truth);
    json_get_int64(document, node, &integer);
    json_get_uint64(document, node, &natural);
    json_get_double(document, node, &number);
    if (kind == JSON_TEXT) read_text(document, node);
    int64_t count = json_count(document, node);
    if (kind == JSON_NUMBERS || kind == JSON_LIST) {
        json_fault fault;
        double *out = malloc((size_t)count * sizeof *out + 1);
        for (int dtype = REEL_FLOAT; out && dtype <= REEL_UINT8; dtype++) {
            bool decoded = json_decode(document, node, (reel_dtype)dtype, out, &fault);
            REQUIRE(decoded == json_decode(document, node, (reel_dtype)dtype, NULL, &fault));
            REQUIRE(decoded || (fault.index >= 0 && fault.index < count));
        }
        free(out);
    }
    if (kind == JSON_NUMBERS) return;
    int64_t children = 0;
    for (const json_node *child = json_first(node); child; child = json_next(child), children++) {
        if (kind == JSON_OBJECT) REQUIRE(json_key(child) && json_member(node, json_key(child)) == child);
        read_node(document, child);
    }
    REQUIRE(count == -1 || count == children);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reel_context *context = reel_context_new(NULL);
    char *text = malloc(size ? size : 1); /* exactly as large, so that reading past its end shows */
    if (text && context) {
        if (size) memcpy(text, data, size);
        json_document *document = json_document_new(NULL, context, "fuzz", text, size);
        REQUIRE((document != NULL) == !reel_failed(context));
        if (document)
            read_node(document, json_root(document));
        else
            REQUIRE(strncmp(reel_error_text(context), "fuzz: line ", 11) == 0);
        json_document_free(document);
    }
    REQUIRE(!context || reel_context_memory(context).in_use == 0);
    free(text);
    reel_context_free(context);
    return 0;
}
