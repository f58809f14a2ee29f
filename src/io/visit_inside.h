/* SPDX-License-Identifier: MIT
 *
 * The visitor's inside, shared by visit.c (structure), visit_field.c (fields) and visit_hash.c.
 */
#ifndef REEL_VISIT_INSIDE_H
#define REEL_VISIT_INSIDE_H

#include "core/core.h"
#include "io/draft.h"
#include "io/visit_io.h"

/* An object or list that is open. */
typedef struct frame {
    const json_node *node; /* CHECK, LOAD: it, or NULL when it is missing */
    const json_node *next; /* list: the item to come; object: where to look first, as members come in order */
    bool list;
    int64_t item;       /* list: items begun */
    size_t path_length; /* of the path up to here */
} frame;

#define PATH_SIZE 512

struct visitor {
    reel_object object;
    visit_mode mode;
    json_writer *writer;
    int64_t base64_from; /* tensors of more elements are base64 */
    const json_document *document;
    struct draft *draft; /* SAVE: into a draft, which also records what is hashed; else NULL */
    int apart;           /* parts open that are not hashed */
    void *hash;          /* HASH: a hash_stream, in the visitor's memory behind this struct */
    int depth;           /* frames[depth] is the innermost */
    frame frames[JSON_DEPTH_LIMIT + 1];
    char path[PATH_SIZE]; /* for sentences; cut when longer */
};

/* CHECK or LOAD? */
static inline bool visitor_reading(const visitor *v)
{
    return v->mode == VISIT_CHECK || v->mode == VISIT_LOAD;
}

/* Does what is visited go into the state hash? */
static inline bool visitor_hashing(const visitor *v)
{
    return (v->mode == VISIT_HASH || v->draft) && v->apart == 0;
}

/* Bytes of a hash state and its alignment; makes `v->hash`, within `room` bytes at `memory`, ready. */
size_t visitor_hash_size(void);
void visitor_hash_start(visitor *v, void *memory);

/* Appends `.name` to the path, or `[item]` when name is NULL. */
void visitor_path_add(visitor *v, const char *name, int64_t item);
/* `file: path.member: found X, expected Y`; member may be NULL. */
void visitor_mismatch(visitor *v, reel_status status, const char *member, const char *found, const char *expected);
/* The same for what a node is, with REEL_BAD_FILE. */
void visitor_unexpected(visitor *v, const char *member, const json_node *node, const char *expected);
/* The member of the innermost object, marked as asked for, or NULL with an error. */
const json_node *visitor_take(visitor *v, const char *name, const char *expected);
/* Is this no place for a field, an object or a list (within_list: for an item)? Also true after a failure. */
bool visitor_misplaced(visitor *v, bool within_list);
/* Opens a frame on `node` (NULL when writing); `name` NULL: item of a list. */
void visitor_push(visitor *v, const json_node *node, bool list, const char *name, int64_t item);
/* Closes an object: a member nobody asked for is an error of CHECK. */
void visitor_pop_object(visitor *v);
void visitor_mark_all(const json_node *object);

/* One byte says what follows; names and texts carry their length, so that no two states give one stream of bytes. */
typedef enum hash_tag {
    HASH_OBJECT = 'O',
    HASH_LIST = 'L',
    HASH_ITEM = 'I',
    HASH_END = 'E',
    HASH_BOOL = 'b',
    HASH_INT64 = 'i',
    HASH_UINT64 = 'u',
    HASH_DOUBLE = 'd',
    HASH_TEXT = 't',
    HASH_NO_TEXT = 'n',
    HASH_ARRAY = 'a'
} hash_tag;
void visitor_mix_tag(visitor *v, hash_tag tag, const char *name);
void visitor_mix_uint64(visitor *v, uint64_t x);
void visitor_mix_double(visitor *v, double x);
void visitor_mix_text(visitor *v, const char *text, size_t size);
void visitor_mix_elements(visitor *v, const reel_array *array);

#endif
