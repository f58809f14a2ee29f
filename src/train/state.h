/* SPDX-License-Identifier: MIT
 *
 * Inside of a state.
 */
#ifndef REEL_TRAIN_STATE_H
#define REEL_TRAIN_STATE_H

#include "core/core.h"
#include "core/fingerprint.h"
#include "core/visit.h"
#include "io/draft.h"
#include "io/file.h"
#include "io/json_read.h"
#include <reel/checkpoint.h>

typedef void (*state_visit)(void *object, visitor *v, const char *name);

typedef struct state_entry {
    char *name;
    void *object;
    state_visit visit;
} state_entry;

struct reel_state {
    reel_object object;
    char *program;
    state_entry *entries;
    int count, capacity;
    fingerprint_row fingerprint[FINGERPRINT_ROWS];
    int fingerprint_count; /* 0: not asked for yet */
    const file_ops *files; /* NULL: the system's; tests make them fail */
};

/* Adds whatever a visit function understands. */
reel_status state_add_visit(const char *site, reel_state *state, const char *name, void *object, state_visit visit);

/* Reads the document of a checkpoint and its verdict; unless accept_edited, a verdict other than right is an error. */
reel_status state_read_document(const char *site, reel_context *context, const char *path, bool accept_edited,
                                json_document **document, reel_hash_verdict *verdict);

/* Reads the objects from a document; `verify`: their state hash must then be the file's. */
reel_status state_load_document(const char *site, reel_state *state, const char *path, const json_document *document,
                                bool verify);
/* A checkpoint to look into, of a document that it takes over. */
reel_checkpoint *checkpoint_of(const char *site, reel_context *context, json_document *document,
                               reel_hash_verdict verdict);

#define CHECKPOINT_FORMAT "reel checkpoint"

/* Takes down the state as it is now in a draft that has begun; false with an error kept. `v` is a visitor of the draft. */
bool state_draft(const char *site, reel_state *state, draft *d, visitor *v, int64_t base64_above);
/* Reads the file again and compares its size and the hash of all its bytes. */
reel_status state_verify(const char *site, reel_state *state, const char *path, const draft_sums *sums);

#endif
