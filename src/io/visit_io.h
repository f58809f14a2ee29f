/* SPDX-License-Identifier: MIT
 *
 * The four visitors of core/visit.h.
 */
#ifndef REEL_VISIT_IO_H
#define REEL_VISIT_IO_H

#include "core/visit.h"
#include "io/json_read.h"
#include "io/json_write.h"

typedef struct visit_options {
    bool base64;         /* every tensor in base64 */
    int64_t base64_from; /* otherwise those of more elements than this; 0: REEL_BASE64_ABOVE, negative: none */
} visit_options;

/* Owned by the context; visitor_free frees them. What they stand on must outlive them. */

/* Fields become members of the object that is open in `w`. `options` NULL: the defaults. */
visitor *visitor_save(reel_context *context, json_writer *w, const visit_options *options);
/* The same of a draft, which also gets what the state hash is made of. */
visitor *visitor_draft(reel_context *context, struct draft *d, const visit_options *options);
/* A visitor that saves begins anew. */
void visitor_again(visitor *v, const visit_options *options);
/* Fields are members of the object `node` of the document. A fault gives an error with file and path, like
 * `step-000000010.json: optimizer.state[1].shape: found [8,2], expected [2,8]`: REEL_MISMATCH when the file is good
 * but of something else, REEL_BAD_FILE otherwise. CHECK also refuses a member that nobody asked for, unless its name
 * starts with "x-". */
visitor *visitor_check(reel_context *context, const json_document *document, const json_node *node);
visitor *visitor_load(reel_context *context, const json_document *document, const json_node *node);
/* XXH3-128 over structure, names, types and the bits of values: the same for any spelling of a file. All NaNs count as
 * one, -0.0 and 0.0 as two. */
visitor *visitor_hash(reel_context *context);
void visitor_free(visitor *v);

/* CHECK: a member of the outermost object that others read, and the end of that object, where one nobody asked for
 * is an error. No-ops in the other modes. */
void visitor_known(visitor *v, const char *name);
void visitor_finish(visitor *v);
/* The hash so far as 32 hexadecimal digits; "" after a failure. */
void visitor_hash_finish(visitor *v, char hex[33]);

#endif
