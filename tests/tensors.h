/* SPDX-License-Identifier: MIT
 *
 * Numbers and tensors of reference files: reading, comparing. A tensor is {"shape": [...], "data": [...]}, row-major, of
 * the case's type unless it has a "dtype" (int64 or bool); the strings nan, inf and -inf are numbers too.
 */
#ifndef TESTS_TENSORS_H
#define TESTS_TENSORS_H

#include "cases.h"

#include <cjson/cJSON.h>
#include <reel/reel.h>

/* How far from the reference x a number may be: relative * |x| + absolute. */
typedef struct allowance {
    double relative, absolute;
} allowance;

/* How one case goes. The first problem decides the verdict and its note. */
typedef struct outcome {
    int verdict;      /* CASE_PASSED until decided otherwise */
    double deviation; /* the largest difference from the reference */
    char note[CASE_NOTE];
} outcome;

void decide(outcome *o, int verdict, const char *format, ...) REEL_PRINTF(3, 4);

/* A whole file with a NUL at its end; NULL with one line on stderr. Free it. */
char *file_text(const char *path);
/* A whole file as a document; NULL with one line on stderr that names the fault. Free with cJSON_Delete. */
cJSON *document_load(const char *path);

const cJSON *member(const cJSON *object, const char *name);
/* The text of a member, "" when there is none. */
const char *member_text(const cJSON *object, const char *name);
bool is_number(const cJSON *item);
/* A number, a boolean as 0 or 1, the strings nan, inf and -inf; NaN for anything else. */
double number_of(const cJSON *item);
/* The type of a case's real tensors. */
reel_dtype case_dtype(const cJSON *test);

/* A new array of the context with the tensor's elements, real ones as `real`, bool as uint8. NULL, with a note that starts
 * with `name`, when the tensor is not well formed. */
reel_array *tensor_read(outcome *o, reel_context *context, const cJSON *tensor, reel_dtype real, const char *name);

/* One number against its reference: nan is nan, an infinity is itself, -0 is 0. */
void compare_number(outcome *o, double found, double expected, allowance allowed, const char *name, int64_t index);
/* Shape, kind of type and every element; `found` without data counts as zeros (no path leads back to that input). */
void compare_tensor(outcome *o, const reel_array *found, const cJSON *expected, allowance allowed, const char *name);

#endif
