/* SPDX-License-Identifier: MIT
 *
 * What the command writes: numbers in full precision, JSON files, folders.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include "command.h"

#include <cjson/cJSON.h>

#define NUMBER_SIZE 32

/* The shortest decimal that reads back to the same bits, of a float or a double; nan, inf and -inf as they are. */
char *number_text(double value, reel_dtype dtype, char text[NUMBER_SIZE]);

/* Members of a JSON object. What is not finite becomes a text, "nan", as in checkpoints. */
void json_add_number(cJSON *object, const char *name, double value, reel_dtype dtype);
void json_add_whole(cJSON *object, const char *name, int64_t value);
void json_add_text(cJSON *object, const char *name, const char *value); /* NULL: null */
/* `nan`: what stands for NaN instead, "null" where it means that a value is not known; or NULL. */
void json_add_numbers(cJSON *object, const char *name, const double *values, int64_t count, reel_dtype dtype,
                      const char *nan);
/* "fingerprint": {...} */
void json_add_fingerprint(cJSON *object);

/* Writes the document to a file, `-` for standard output: whole, or what was there stays. Complains and returns false on
 * failure. */
bool json_write(const char *who, const char *path, const cJSON *document);

/* The same to NAME in the folder `out` and to the file `json`, where they are not NULL. NULL for a document: no memory. */
bool json_write_results(const char *who, const char *out, const char *name, const char *json, const cJSON *document);

/* Can this file be written? Asked before the work whose numbers it is to hold; complains when it cannot. */
bool json_probe(const char *who, const char *path);

/* A whole file, with a NUL at its end; the caller's to free. NULL: complained. */
char *read_text(const char *who, const char *path);

/* Makes a folder and those above it; complains on failure. */
bool make_folder(const char *who, const char *path);
/* "folder/name" in memory of the caller's; NULL when there is none. */
char *path_join(const char *folder, const char *name);

#endif
