/* SPDX-License-Identifier: MIT
 *
 * A draft: a document as it is at one moment, to be written later and by any thread. Its text is made at once but for
 * holes: the elements of large arrays, which are copied and converted when the document is written, and what is known
 * only then. So a moment costs little more than the copy of its bytes.
 *
 * It also records what goes into the state hash, so that the hash is computed when the document is written.
 */
#ifndef REEL_DRAFT_H
#define REEL_DRAFT_H

#include "io/file.h"
#include "io/json_write.h"

/* Arrays of at least this many elements are held back. Their text is longer than a line, so that no object they are in
 * could have been joined to one line. */
#define DRAFT_HELD 64

/* Room for draft_write: the file's pages come in pieces as large as a call of the system writes, which are cheaper than as
 * many small ones, while more than this leaves the caches between printing, hashing and writing. */
#define DRAFT_BUFFER ((size_t)1 << 19)

typedef struct draft_bytes {
    uint8_t *data;
    size_t length, capacity;
} draft_bytes;

typedef enum draft_form {
    DRAFT_ARRAY,
    DRAFT_INTEGER,
    DRAFT_DOUBLE,
    DRAFT_STATE_HASH,
    DRAFT_TEXT_END,
    DRAFT_TEXT_HASH
} draft_form;

/* Instead of the `skip` characters at `at` something else is written. */
typedef struct draft_hole {
    draft_form form;
    size_t at, skip;
    json_array_text array; /* its data are at `from` of the copies */
    size_t from;
    const void *live; /* they are there still, to be copied by draft_take; NULL: they are copied */
    bool hashed;      /* the elements, or the double, belong into the hashed bytes at hash_at */
    size_t hash_at;
    const void *late; /* the number */
} draft_hole;

/* Of arrays of more elements than this the memory outlives the visit (core/visit.h), so that a draft may borrow it. */
#define DRAFT_BORROWED 1024

/* Memory that does not change until draft_take. */
typedef struct draft_still {
    const void *from;
    size_t size;
} draft_still;

#define DRAFT_STILL_MOST 8

typedef struct draft {
    json_writer w; /* open for members: everything that a json_writer can do */
    draft_bytes copies, hashed;
    draft_hole *holes;
    size_t count, capacity;
    draft_still still[DRAFT_STILL_MOST];
    size_t still_count;
    size_t live;  /* arrays that draft_take has to copy */
    bool borrows; /* it need not: nothing changes until the document is written */
} draft;

/* The hashes of a document that was written, as hexadecimal digits and NUL: of the state, of the text before the member
 * "hash", of the whole file; and its size. */
typedef struct draft_sums {
    char state[33], text[33], file[33];
    size_t size;
} draft_sums;

/* Memory is the context's and is kept from document to document. A failure is kept in the context. */
void draft_init(draft *d, reel_context *context);
void draft_free(draft *d);
/* Begins a document and opens its outermost object. */
void draft_begin(draft *d);
/* Closes the outermost object, after the members "state_hash" and "hash". False after a failure. */
bool draft_end(draft *d);

/* A number that is read when the document is written. */
void draft_late_int64(draft *d, const char *key, const int64_t *value);
void draft_late_double(draft *d, const char *key, const double *value);
/* Called by the writer where the elements would stand. */
void draft_hold(draft *d, const json_array_text *array);
/* Adds to what is hashed: bytes, or what was written last and is known later (a double, or an array:
 * false when that was not held back). */
void draft_mix(draft *d, const void *data, size_t size);
void draft_mix_late(draft *d);
bool draft_mix_held(draft *d, const reel_array *array);

/* Arrays in this memory are copied by draft_take, which must be called before they change, rather than at once. Said
 * after draft_begin; false when there are too many. */
bool draft_holds_still(draft *d, const void *from, size_t size);
/* Copies them; of any thread. */
void draft_take(draft *d);
/* All arrays stay as they are until the document is written: the large ones are read where they stand. Said after
 * draft_begin. */
void draft_borrow(draft *d);

/* Writes the document through `buffer`, DRAFT_BUFFER bytes, without any context. The stream knows of failures. */
void draft_write(draft *d, file_stream *file, char *buffer, draft_sums *sums);

#endif
