/* SPDX-License-Identifier: MIT
 *
 * Saving and loading are one function per object, which visits its fields in order. What a visit does depends on the
 * visitor: write the field to a checkpoint, check that the file has it in the right form (changing nothing), take it
 * over, or mix it into the state hash. So the four cannot disagree.
 */
#ifndef REEL_VISIT_H
#define REEL_VISIT_H

#include <reel/array.h>

typedef enum visit_mode { VISIT_SAVE, VISIT_CHECK, VISIT_LOAD, VISIT_HASH } visit_mode;

typedef struct visitor visitor;

/* In SAVE and HASH mode fields are read; in LOAD mode they are written; in CHECK mode the file is compared with what
 * the object expects and nothing is written. A failure is kept in the context and makes the rest do nothing. */
visit_mode visit_mode_of(const visitor *v);
bool visit_failed(const visitor *v);
reel_context *visit_context(const visitor *v);

/* Opens and closes an object (a JSON member `name` that holds further members), and the same for a list of objects:
 * *count is given when saving and hashing, and set to what the file holds when checking and loading (0 after a failure):
 * pass a local variable. Then one visit_item_begin ... visit_item_end for each. */
void visit_begin(visitor *v, const char *name);
void visit_end(visitor *v);
void visit_list_begin(visitor *v, const char *name, int64_t *count);
void visit_item_begin(visitor *v);
void visit_item_end(visitor *v);
void visit_list_end(visitor *v);

/* One field each. */
void visit_bool(visitor *v, const char *name, bool *value);
void visit_int64(visitor *v, const char *name, int64_t *value);
void visit_uint64(visitor *v, const char *name, uint64_t *value);
void visit_double(visitor *v, const char *name, double *value); /* exact, NaN and infinities too */
/* A text that belongs to the context (memory_string); *value is replaced when loading. */
void visit_text(visitor *v, const char *name, char **value);
/* A text that must be the same in the file: a kind, a name. A difference is REEL_MISMATCH: "...found X, expected Y". */
void visit_same_text(visitor *v, const char *name, const char *value);
void visit_same_int64(visitor *v, const char *name, int64_t value);
void visit_same_double(visitor *v, const char *name, double value);
/* A short list of integers, [2, 8, 1]; at most `room` when loading, and never more than INT64_LIST_MOST. */
#define INT64_LIST_MOST 256
void visit_int64_list(visitor *v, const char *name, int64_t *values, int64_t room, int64_t *count);
void visit_same_int64_list(visitor *v, const char *name, const int64_t *values, int64_t count);
/* Numbers with their shape and dtype, which must be the same in the file; the data are written when loading. More than
 * 1024 of them (DRAFT_BORROWED) stand in memory of the object, not in that of its visit function. */
void visit_array(visitor *v, const char *name, const reel_array *array);
/* What is visited between them is in the file but no part of the state hash. */
void visit_apart_begin(visitor *v);
void visit_apart_end(visitor *v);
/* A number that is read when the file is written, which for a save in the background is later; an integer only in such a
 * part. It is in an object whose text is longer than a line. */
void visit_late_int64(visitor *v, const char *name, int64_t *value);
void visit_late_double(visitor *v, const char *name, double *value);
/* Does the file hold a member of this name here? Always true when saving and hashing. For optional parts. */
bool visit_has(visitor *v, const char *name);
/* CHECK: a member that is left out on purpose is no fault. */
void visit_skip(visitor *v, const char *name);
/* CHECK and LOAD: what the file holds in a field that is not visited yet, for those that must look at a value before
 * anything is written. False when there is no such field or it is something else (visiting it will say so), and when
 * saving and hashing; also for a text of `size` characters or more. */
bool visit_peek_double(visitor *v, const char *name, double *value);
bool visit_peek_int64(visitor *v, const char *name, int64_t *value);
bool visit_peek_text(visitor *v, const char *name, char *text, size_t size);
/* CHECK: the numbers of an array that has just been visited; the shape and type of `array` are what is expected. */
bool visit_peek_array(visitor *v, const char *name, const reel_array *array);
/* In CHECK mode: what the file holds in the field just named by its parts is wrong; keeps `status` with the sentence,
 * after the path of the current object. */
void visit_reject(visitor *v, reel_status status, const char *format, ...) REEL_PRINTF(3, 4);

#endif
