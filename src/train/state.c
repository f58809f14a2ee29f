/* SPDX-License-Identifier: MIT
 *
 * A state, and saving and loading it.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "train/state.h"

#include "core/random.h"
#include "io/hash.h"
#include "io/visit_io.h"
#include "nn/module.h"
#include "optim/average.h"
#include "optim/optim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void state_destroy(reel_object *object)
{
    reel_state *state = (reel_state *)object;
    for (int i = 0; i < state->count; i++) memory_string_free(object->context, state->entries[i].name);
    memory_free(object->context, state->entries, (size_t)state->capacity * sizeof *state->entries);
    memory_string_free(object->context, state->program);
    object_release(object, sizeof *state);
}

reel_state *reel_state_new(const char *site, reel_context *context, const char *program)
{
    reel_state *state = object_new(context, site, "state_new", sizeof *state, state_destroy);
    if (!state) return NULL;
#if defined(__GLIBC__)
    if (!program) program = program_invocation_short_name;
#endif
    state->program = memory_string(context, site, "state_new", program ? program : "");
    if (state->program) return state;
    object_free(state);
    return NULL;
}

void reel_state_free(reel_state *state)
{
    object_free(state);
}

reel_status state_add_visit(const char *site, reel_state *state, const char *name, void *object, state_visit visit)
{
    if (!state) return REEL_BAD_ARGUMENT;
    reel_context *context = state->object.context;
    const char *who = "state_add";
    if (reel_failed(context)) return reel_error_status(context);
    if (!name || !*name || !object)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "a name and an object are needed");
    for (int i = 0; i < state->count; i++)
        if (strcmp(state->entries[i].name, name) == 0)
            return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "the name \"%s\" is taken", name);
    if (state->count == state->capacity) {
        int capacity = state->capacity ? 2 * state->capacity : 8;
        state_entry *grown = memory_resize(context, site, who, state->entries, (size_t)state->capacity * sizeof *grown,
                                           (size_t)capacity * sizeof *grown);
        if (!grown) return REEL_NO_MEMORY;
        state->entries = grown;
        state->capacity = capacity;
    }
    char *copy = memory_string(context, site, who, name);
    if (!copy) return REEL_NO_MEMORY;
    state->entries[state->count++] = (state_entry){copy, object, visit};
    return REEL_OK;
}

static void visit_params(void *object, visitor *v, const char *name)
{
    params_visit(object, v, name);
}

static void visit_module(void *object, visitor *v, const char *name)
{
    module_visit(object, v, name);
}

static void visit_optimizer(void *object, visitor *v, const char *name)
{
    optimizer_visit(object, v, name);
}

static void visit_average(void *object, visitor *v, const char *name)
{
    average_visit(object, v, name);
}

static void visit_rng(void *object, visitor *v, const char *name)
{
    rng_visit(object, v, name);
}

static void visit_whole_array(void *object, visitor *v, const char *name)
{
    visit_array(v, name, object);
}

static void visit_one_int64(void *object, visitor *v, const char *name)
{
    visit_int64(v, name, object);
}

static void visit_one_double(void *object, visitor *v, const char *name)
{
    visit_double(v, name, object);
}

#define DEFINE_ADD(WHAT, TYPE, VISIT)                                                                                  \
    reel_status reel_state_add_##WHAT(const char *site, reel_state *state, const char *name, TYPE *object)             \
    {                                                                                                                  \
        return state_add_visit(site, state, name, object, VISIT);                                                      \
    }

DEFINE_ADD(params, reel_params, visit_params)
DEFINE_ADD(module, reel_module, visit_module)
DEFINE_ADD(optimizer, reel_optimizer, visit_optimizer)
DEFINE_ADD(average, reel_average, visit_average)
DEFINE_ADD(rng, reel_rng, visit_rng)
DEFINE_ADD(array, reel_array, visit_whole_array)
DEFINE_ADD(int64, int64_t, visit_one_int64)
DEFINE_ADD(double, double, visit_one_double)

static void visit_all(reel_state *state, visitor *v)
{
    visit_begin(v, "state");
    for (int i = 0; i < state->count; i++) state->entries[i].visit(state->entries[i].object, v, state->entries[i].name);
    visit_end(v);
}

/* ---- hashes ---- */

/* The file ends with `,` blanks `"hash": "` 32 digits `"` newline `}` newline; the hash is of all before that comma. */
static reel_hash_verdict checkpoint_verdict(const char *text, size_t size)
{
    static const char key[] = "\"hash\": \"", close[] = "\"\n}\n";
    size_t tail = sizeof key - 1 + 32 + sizeof close - 1;
    if (size < tail) return REEL_HASH_MISSING;
    const char *start = text + size - tail;
    if (memcmp(start, key, sizeof key - 1) != 0 ||
        memcmp(text + size - (sizeof close - 1), close, sizeof close - 1) != 0)
        return REEL_HASH_MISSING;
    size_t end = size - tail;
    while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\n')) end--;
    if (end == 0 || text[end - 1] != ',') return REEL_HASH_MISSING;
    char hex[33];
    hash_text(text, end - 1, hex);
    return memcmp(hex, start + sizeof key - 1, 32) == 0 ? REEL_HASH_RIGHT : REEL_HASH_WRONG;
}

reel_status reel_state_hash(const char *site, reel_state *state, char text[33])
{
    text[0] = '\0';
    if (!state) return REEL_BAD_ARGUMENT;
    reel_context *context = state->object.context;
    (void)site;
    if (reel_failed(context)) return reel_error_status(context);
    visitor *v = visitor_hash(context);
    visit_all(state, v);
    visitor_hash_finish(v, text);
    visitor_free(v);
    return reel_error_status(context);
}

/* ---- saving ---- */

static void write_fingerprint(json_writer *w, reel_state *state)
{
    int threads = reel_context_threads(state->object.context);
    if (state->fingerprint_count == 0)
        state->fingerprint_count = fingerprint_rows(threads, state->fingerprint);
    else
        fingerprint_renew(threads, state->fingerprint, state->fingerprint_count);
    json_write_object_begin(w, "fingerprint");
    if (*state->program) json_write_text(w, "program", state->program);
    for (int i = 0; i < state->fingerprint_count; i++)
        json_write_text(w, state->fingerprint[i].name, state->fingerprint[i].value);
    json_write_object_end(w);
}

bool state_draft(const char *site, reel_state *state, draft *d, visitor *v, int64_t base64_above)
{
    reel_context *context = state->object.context;
    if (base64_above == 0) base64_above = REEL_BASE64_ABOVE;
    visit_options options = {.base64 = base64_above == 1, .base64_from = base64_above};
    (void)site;
    json_write_text(&d->w, "format", CHECKPOINT_FORMAT);
    json_write_int64(&d->w, "version", REEL_CHECKPOINT_VERSION);
    write_fingerprint(&d->w, state);
    visitor_again(v, &options);
    visit_all(state, v);
    return draft_end(d) && !reel_failed(context);
}

reel_status state_verify(const char *site, reel_state *state, const char *path, const draft_sums *sums)
{
    reel_context *context = state->object.context;
    size_t size;
    char *found = file_read(site, context, state->files, path, sums->size + 1, &size), hex[33];
    if (!found) return reel_error_status(context);
    hash_text(found, size, hex);
    memory_free(context, found, size + 1);
    if (size == sums->size && memcmp(hex, sums->file, sizeof hex) == 0) return REEL_OK;
    return reel_error_set(context, REEL_IO, site, "state_save", "%s: what was written does not read back the same",
                          path);
}

static reel_status write_draft(reel_state *state, const char *site, draft *d, const char *path,
                               const reel_save_options *o)
{
    reel_context *context = state->object.context;
    size_t names = file_stream_names(path), room = names + DRAFT_BUFFER;
    char *memory = memory_new(context, site, "state_save", room);
    if (!memory) return REEL_NO_MEMORY;
    file_stream file;
    draft_sums sums;
    file_stream_start(&file, state->files, path, o->durable ? FILE_SYNC_CONTENT | FILE_SYNC_FOLDER : 0, memory);
    draft_write(d, &file, memory + names, &sums);
    file_stream_end(&file);
    reel_status status = file_refuse(site, context, &file.fault);
    memory_free(context, memory, room);
    return status == REEL_OK && o->verify ? state_verify(site, state, path, &sums) : status;
}

reel_status reel_state_save(const char *site, reel_state *state, const char *path, const reel_save_options *options)
{
    if (!state) return REEL_BAD_ARGUMENT;
    reel_context *context = state->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (!path || !*path) return reel_error_set(context, REEL_BAD_ARGUMENT, site, "state_save", "there is no path");
    reel_save_options o = options ? *options : (reel_save_options){false, false, 0};
    draft d;
    draft_init(&d, context);
    visitor *v = visitor_draft(context, &d, NULL);
    draft_begin(&d);
    draft_borrow(&d);
    bool good = v && state_draft(site, state, &d, v, o.base64_above);
    visitor_free(v);
    reel_status status = good ? write_draft(state, site, &d, path, &o) : reel_error_status(context);
    draft_free(&d);
    return status;
}

/* ---- loading ---- */

static reel_status check_head(reel_context *context, const char *site, const json_document *document)
{
    const json_node *root = json_root(document);
    const char *name = json_document_name(document), *who = "state_load";
    size_t length = 0;
    const char *format = json_get_text(document, json_member(root, "format"), &length);
    int64_t version = 0;
    if (!format || length != strlen(CHECKPOINT_FORMAT) || memcmp(format, CHECKPOINT_FORMAT, length) != 0)
        return reel_error_set(context, REEL_BAD_FILE, site, who, "%s: this is not a checkpoint of Reel", name);
    if (!json_get_int64(document, json_member(root, "version"), &version) || version < 1)
        return reel_error_set(context, REEL_BAD_FILE, site, who, "%s: the format version is missing", name);
    if (version > REEL_CHECKPOINT_VERSION)
        return reel_error_set(context, REEL_BAD_FILE, site, who,
                              "%s: found format version %lld, this version of Reel (%s) reads up to %d", name,
                              (long long)version, REEL_VERSION, REEL_CHECKPOINT_VERSION);
    return REEL_OK;
}

reel_status state_read_document(const char *site, reel_context *context, const char *path, bool accept_edited,
                                json_document **document, reel_hash_verdict *verdict)
{
    *document = NULL;
    size_t size;
    char *text = file_read(site, context, NULL, path, JSON_TEXT_LIMIT, &size);
    if (!text) return reel_error_status(context);
    *verdict = checkpoint_verdict(text, size);
    const char *base = strrchr(path, '/');
    if (*verdict != REEL_HASH_RIGHT && !accept_edited) {
        bool empty = size == 0, missing = *verdict == REEL_HASH_MISSING;
        memory_free(context, text, size + 1);
        return reel_error_set(context, REEL_BAD_FILE, site, "state_load", "%s: %s", path,
                              empty     ? "the file is empty"
                              : missing ? "the file does not end with its hash: cut off, or not a checkpoint of Reel"
                                        : "the hash is wrong: the file was damaged or edited");
    }
    *document = json_document_take(site, context, base ? base + 1 : path, text, size);
    if (!*document) return reel_error_status(context);
    reel_status status = check_head(context, site, *document);
    if (status != REEL_OK) {
        json_document_free(*document);
        *document = NULL;
    }
    return status;
}

static reel_status check_and_load(reel_state *state, const json_document *document)
{
    reel_context *context = state->object.context;
    static const char *const others[] = {"format", "version", "fingerprint", "state_hash", "hash"};
    visitor *v = visitor_check(context, document, json_root(document));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) visitor_known(v, others[i]);
    visit_all(state, v);
    visitor_finish(v);
    visitor_free(v);
    if (reel_failed(context)) return reel_error_status(context);
    v = visitor_load(context, document, json_root(document));
    visit_all(state, v);
    visitor_free(v);
    return reel_error_status(context);
}

reel_status state_load_document(const char *site, reel_state *state, const char *path, const json_document *document,
                                bool verify)
{
    reel_status status = check_and_load(state, document);
    char hex[33];
    size_t length = 0;
    const char *expected = json_get_text(document, json_member(json_root(document), "state_hash"), &length);
    if (status == REEL_OK && verify) status = reel_state_hash(site, state, hex);
    if (status == REEL_OK && verify && (!expected || length != 32 || memcmp(expected, hex, 32) != 0))
        status = reel_error_set(state->object.context, REEL_BAD_FILE, site, "state_load",
                                "%s: the state read has the hash %s, the file says %.*s", path, hex, (int)length,
                                expected ? expected : "");
    return status;
}

reel_status reel_state_load(const char *site, reel_state *state, const char *path, bool accept_edited)
{
    if (!state) return REEL_BAD_ARGUMENT;
    reel_context *context = state->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (!path || !*path) return reel_error_set(context, REEL_BAD_ARGUMENT, site, "state_load", "there is no path");
    json_document *document;
    reel_hash_verdict verdict;
    reel_status status = state_read_document(site, context, path, accept_edited, &document, &verdict);
    if (status != REEL_OK) return status;
    status = state_load_document(site, state, path, document, verdict == REEL_HASH_RIGHT);
    json_document_free(document);
    return status;
}
