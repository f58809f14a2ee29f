/* SPDX-License-Identifier: MIT
 *
 * A state: the named list of what makes up a run, and its checkpoint, one JSON file. The trainer has one inside; a
 * program with its own loop makes one, adds its objects and calls save and load.
 *
 * The file (format version 1; every field is described in README.md) holds the fingerprint of the program that wrote it,
 * each object under its name, the hash of the state (XXH3-128 over names, types and bits, whatever the spelling of
 * numbers) and the hash of the text before it. Saving writes a temporary file in the same folder and renames it, so that
 * whatever stood there before is whole until the new one is. Loading first checks everything and changes nothing until
 * all of it fits.
 */
#ifndef REEL_CHECKPOINT_H
#define REEL_CHECKPOINT_H

#include <reel/average.h>
#include <reel/nn.h>
#include <reel/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEL_CHECKPOINT_VERSION 1
/* Arrays above this many elements are written as base64 of little-endian bytes instead of decimals. */
#define REEL_BASE64_ABOVE 16384

typedef struct reel_state reel_state;

/* An empty state, owned by the context; `program` (copied) goes into the fingerprint; NULL: the name the
 * program was started under. */
REEL_API reel_state *reel_state_new(REEL_SITE reel_context *context, const char *program);
REEL_API void reel_state_free(reel_state *state);

/* Add an object under a name of its own (copied). The object is borrowed and must outlive the state. An int64 or double
 * is read and written in place. */
REEL_API reel_status reel_state_add_params(REEL_SITE reel_state *state, const char *name, reel_params *params);
REEL_API reel_status reel_state_add_module(REEL_SITE reel_state *state, const char *name, reel_module *module);
REEL_API reel_status reel_state_add_optimizer(REEL_SITE reel_state *state, const char *name, reel_optimizer *optimizer);
REEL_API reel_status reel_state_add_average(REEL_SITE reel_state *state, const char *name, reel_average *average);
REEL_API reel_status reel_state_add_rng(REEL_SITE reel_state *state, const char *name, reel_rng *rng);
REEL_API reel_status reel_state_add_array(REEL_SITE reel_state *state, const char *name, reel_array *array);
REEL_API reel_status reel_state_add_int64(REEL_SITE reel_state *state, const char *name, int64_t *value);
REEL_API reel_status reel_state_add_double(REEL_SITE reel_state *state, const char *name, double *value);

/* How to save: flush file and folder to the disk before returning (survives a power cut, about 0.4 ms), read the file
 * again and compare; arrays as base64 above this size (0: REEL_BASE64_ABOVE, -1: never, 1: always). */
typedef struct reel_save_options {
    bool durable;
    bool verify;
    int64_t base64_above;
} reel_save_options;

/* Writes the checkpoint; options NULL: all zero. Error: REEL_IO; what stood under the name is unharmed. */
REEL_API reel_status reel_state_save(REEL_SITE reel_state *state, const char *path, const reel_save_options *options);
/* Reads a checkpoint into the objects. Error: REEL_IO, REEL_BAD_FILE (damaged, edited, not a checkpoint), REEL_MISMATCH
 * (another model: names, shapes, kinds); then nothing has changed. `accept_edited`: a wrong hash is no error. */
REEL_API reel_status reel_state_load(REEL_SITE reel_state *state, const char *path, bool accept_edited);
/* Writes the state hash, 32 hexadecimal digits and a NUL, to text. */
REEL_API reel_status reel_state_hash(REEL_SITE reel_state *state, char text[33]);

/* Builds the model of a checkpoint whose modules are all built in: fills *params with a new store of the checkpoint's
 * parameters and buffers and returns the module. Both belong to the context. NULL on error. */
REEL_API reel_module *reel_model_load(REEL_SITE reel_context *context, const char *path, reel_params **params);

/* A checkpoint opened for reading, without any of its objects: for tools that look into a file. */
typedef struct reel_checkpoint reel_checkpoint;
typedef enum reel_hash_verdict { REEL_HASH_RIGHT, REEL_HASH_WRONG, REEL_HASH_MISSING } reel_hash_verdict;

/* Reads a file; a wrong or missing hash is no error here but a verdict. Owned by the context. */
REEL_API reel_checkpoint *reel_checkpoint_open(REEL_SITE reel_context *context, const char *path);
REEL_API void reel_checkpoint_free(reel_checkpoint *checkpoint);
REEL_API reel_hash_verdict reel_checkpoint_hash_verdict(const reel_checkpoint *checkpoint);
/* A member by its path, names joined by '/', items of lists by their number: "state/trainer/step",
 * "state/optimizer/groups/0/hypers/lr". Numbers: NaN when there is none. Texts: copied to
 * `text` (size) with a NUL, cut when too long; false when there is none. */
REEL_API double reel_checkpoint_number(const reel_checkpoint *checkpoint, const char *path);
REEL_API bool reel_checkpoint_text(const reel_checkpoint *checkpoint, const char *path, char *text, size_t size);
/* Name of the index-th member of the object at `path`, in the order of the file; NULL past the end. */
REEL_API const char *reel_checkpoint_member(const reel_checkpoint *checkpoint, const char *path, int index);
/* A new array with the numbers of a tensor, or of a plain list as doubles, owned by the context; NULL with an error when
 * there is none. */
REEL_API reel_array *reel_checkpoint_array(REEL_SITE const reel_checkpoint *checkpoint, const char *path);

#ifndef REEL_NO_SITE_MACROS
#define reel_state_new(...) reel_state_new(REEL_HERE, __VA_ARGS__)
#define reel_state_add_params(...) reel_state_add_params(REEL_HERE, __VA_ARGS__)
#define reel_state_add_module(...) reel_state_add_module(REEL_HERE, __VA_ARGS__)
#define reel_state_add_optimizer(...) reel_state_add_optimizer(REEL_HERE, __VA_ARGS__)
#define reel_state_add_average(...) reel_state_add_average(REEL_HERE, __VA_ARGS__)
#define reel_state_add_rng(...) reel_state_add_rng(REEL_HERE, __VA_ARGS__)
#define reel_state_add_array(...) reel_state_add_array(REEL_HERE, __VA_ARGS__)
#define reel_state_add_int64(...) reel_state_add_int64(REEL_HERE, __VA_ARGS__)
#define reel_state_add_double(...) reel_state_add_double(REEL_HERE, __VA_ARGS__)
#define reel_state_save(...) reel_state_save(REEL_HERE, __VA_ARGS__)
#define reel_state_load(...) reel_state_load(REEL_HERE, __VA_ARGS__)
#define reel_state_hash(...) reel_state_hash(REEL_HERE, __VA_ARGS__)
#define reel_checkpoint_open(...) reel_checkpoint_open(REEL_HERE, __VA_ARGS__)
#define reel_checkpoint_array(...) reel_checkpoint_array(REEL_HERE, __VA_ARGS__)
#define reel_model_load(...) reel_model_load(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
