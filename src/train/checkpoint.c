/* SPDX-License-Identifier: MIT
 *
 * Looking into a checkpoint, and building its model.
 */
#include "train/state.h"

#include "io/base64.h"
#include "io/visit_io.h"
#include "nn/module.h"
#include "tape/params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reel_checkpoint {
    reel_object object;
    json_document *document;
    reel_hash_verdict verdict;
};

static void checkpoint_destroy(reel_object *object)
{
    json_document_free(((reel_checkpoint *)object)->document);
    object_release(object, sizeof(reel_checkpoint));
}

reel_checkpoint *reel_checkpoint_open(const char *site, reel_context *context, const char *path)
{
    if (reel_failed(context)) return NULL;
    if (!path || !*path)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, "checkpoint_open", "there is no path"), NULL;
    reel_checkpoint *c = object_new(context, site, "checkpoint_open", sizeof *c, checkpoint_destroy);
    if (!c) return NULL;
    if (state_read_document(site, context, path, true, &c->document, &c->verdict) == REEL_OK) {
        object_raise(c);
        return c;
    }
    object_free(c);
    return NULL;
}

reel_checkpoint *checkpoint_of(const char *site, reel_context *context, json_document *document,
                               reel_hash_verdict verdict)
{
    reel_checkpoint *c = object_new(context, site, "checkpoint_open", sizeof *c, checkpoint_destroy);
    if (!c) {
        json_document_free(document);
        return NULL;
    }
    c->document = document;
    c->verdict = verdict;
    return c;
}

void reel_checkpoint_free(reel_checkpoint *checkpoint)
{
    object_free(checkpoint);
}

reel_hash_verdict reel_checkpoint_hash_verdict(const reel_checkpoint *checkpoint)
{
    return checkpoint ? checkpoint->verdict : REEL_HASH_MISSING;
}

/* The child that the start of `path` names, *length characters of it: a member of an object, whose name may hold a '/'
 * itself, or an item of a list by its number. */
static const json_node *child_of(const reel_checkpoint *c, const json_node *node, const char *path, size_t *length)
{
    json_kind kind = json_kind_of(c->document, node);
    const json_node *child = kind == JSON_OBJECT || kind == JSON_LIST ? json_first(node) : NULL;
    if (kind == JSON_LIST) {
        *length = strcspn(path, "/");
        if (*length == 0 || *length > 9 || strspn(path, "0123456789") != *length) return NULL;
        for (long i = strtol(path, NULL, 10); child && i > 0; i--) child = json_next(child);
        return child;
    }
    for (; child; child = json_next(child)) {
        *length = strlen(json_key(child));
        if (strncmp(json_key(child), path, *length) == 0 && (path[*length] == '/' || path[*length] == '\0')) break;
    }
    return child;
}

static const json_node *find(const reel_checkpoint *c, const char *path)
{
    const json_node *node = c ? json_root(c->document) : NULL;
    while (node && path && *path) {
        size_t length = 0;
        node = child_of(c, node, path, &length);
        if (node) path += length + (path[length] == '/');
    }
    return node;
}

double reel_checkpoint_number(const reel_checkpoint *c, const char *path)
{
    double value = NAN;
    const json_node *node = find(c, path);
    if (node) json_get_double(c->document, node, &value);
    return value;
}

bool reel_checkpoint_text(const reel_checkpoint *c, const char *path, char *text, size_t size)
{
    const json_node *node = find(c, path);
    size_t length;
    const char *found = node ? json_get_text(c->document, node, &length) : NULL;
    if (!found || !text || size == 0) return false;
    if (length > size - 1) length = size - 1;
    memcpy(text, found, length);
    text[length] = '\0';
    return true;
}

const char *reel_checkpoint_member(const reel_checkpoint *c, const char *path, int index)
{
    const json_node *node = find(c, path);
    if (!node || json_kind_of(c->document, node) != JSON_OBJECT) return NULL;
    const json_node *child = json_first(node);
    while (child && index-- > 0) child = json_next(child);
    return child ? json_key(child) : NULL;
}

/* A plain list of numbers, such as the sizes of an mlp. */
static reel_array *plain_list(const char *site, const reel_checkpoint *c, const json_node *node, const char *path)
{
    int64_t count = json_count(c->document, node);
    reel_array *array = reel_array_new(site, c->object.context, REEL_DOUBLE, 1, &count);
    json_fault fault;
    if (!array || json_decode(c->document, node, REEL_DOUBLE, array->data, &fault)) return array;
    reel_array_free(array);
    return reel_error_set(c->object.context, REEL_BAD_FILE, site, "checkpoint_array", "%s: %s: the data cannot be read",
                          json_document_name(c->document), path),
           NULL;
}

/* Shape and element type of a tensor as the file has it; data NULL. */
static bool tensor_head(const reel_checkpoint *c, const json_node *node, reel_array *head)
{
    size_t length;
    const char *dtype = json_get_text(c->document, json_member(node, "dtype"), &length);
    const json_node *shape = json_member(node, "shape");
    int64_t rank = json_count(c->document, shape), dims[REEL_MAX_RANK];
    json_fault fault;
    if (!dtype || rank < 0 || rank > REEL_MAX_RANK) return false;
    if (!json_decode(c->document, shape, REEL_INT64, dims, &fault)) return false;
    for (int d = REEL_FLOAT; d <= REEL_UINT8; d++) {
        const char *name = reel_dtype_name((reel_dtype)d);
        if (strlen(name) != length || memcmp(name, dtype, length) != 0) continue;
        if (shape_size((reel_dtype)d, (int)rank, dims) < 0) return false;
        *head = reel_array_view((reel_dtype)d, NULL, (int)rank, dims);
        return true;
    }
    return false;
}

reel_array *reel_checkpoint_array(const char *site, const reel_checkpoint *c, const char *path)
{
    if (!c) return NULL;
    reel_context *context = c->object.context;
    const json_node *node = find(c, path);
    reel_array head;
    if (node && json_kind_of(c->document, node) == JSON_NUMBERS) return plain_list(site, c, node, path);
    if (!node || json_kind_of(c->document, node) != JSON_OBJECT || !tensor_head(c, node, &head))
        return reel_error_set(context, REEL_NOT_FOUND, site, "checkpoint_array", "%s: there is no array \"%s\"",
                              json_document_name(c->document), path ? path : ""),
               NULL;
    const json_node *data = json_member(node, "data"), *base64 = json_member(node, "base64");
    /* The numbers are counted before memory is asked for: a damaged shape must not cost gigabytes. */
    size_t length = 0, bytes = (size_t)head.size * reel_dtype_size(head.dtype), position;
    const char *letters = json_get_text(c->document, base64, &length);
    bool fits =
        data ? json_count(c->document, data) == head.size : letters && base64_decoded_size(letters, length) == bytes;
    if (!fits)
        return reel_error_set(context, REEL_BAD_FILE, site, "checkpoint_array",
                              "%s: %s: the data do not fill the shape", json_document_name(c->document), path),
               NULL;
    reel_array *array = reel_array_new(site, context, head.dtype, head.rank, head.shape);
    if (!array) return NULL;
    json_fault fault;
    bool good = data ? json_decode(c->document, data, head.dtype, array->data, &fault)
                     : base64_decode(array->data, letters, length, &position) == NULL;
    if (good) return array;
    reel_array_free(array);
    return reel_error_set(context, REEL_BAD_FILE, site, "checkpoint_array", "%s: %s: the data cannot be read",
                          json_document_name(c->document), path),
           NULL;
}

/* ---- the model of a checkpoint ---- */

/* The first member of "state" that has a member `key`: the model has "module", the parameters have "values". */
static const char *member_with(const reel_checkpoint *c, const char *key)
{
    const json_node *state = find(c, "state");
    const json_node *child = state && json_kind_of(c->document, state) == JSON_OBJECT ? json_first(state) : NULL;
    for (; child; child = json_next(child))
        if (json_kind_of(c->document, child) == JSON_OBJECT && json_member(child, key)) return json_key(child);
    return NULL;
}

static reel_module *build(const char *site, const reel_checkpoint *c, reel_params *params, const char *model,
                          const char *values)
{
    reel_context *context = c->object.context;
    const json_node *state = find(c, "state");
    visitor *v = visitor_load(context, c->document, state);
    reel_module *module = module_from_description(site, params, v, model);
    visitor_free(v);
    if (!module) return NULL;
    reel_params_seal(site, params);
    v = visitor_check(context, c->document, state);
    params_visit(params, v, values);
    visitor_free(v);
    v = visitor_load(context, c->document, state);
    params_visit(params, v, values);
    visitor_free(v);
    if (!reel_failed(context)) return module;
    object_free(module);
    return NULL;
}

/* Element type of the first parameter. */
static reel_dtype params_dtype(const reel_checkpoint *c, const char *values)
{
    const json_node *list = json_member(json_member(find(c, "state"), values), "values");
    const json_node *first = list && json_kind_of(c->document, list) == JSON_OBJECT ? json_first(list) : NULL;
    reel_array head = {.dtype = REEL_FLOAT};
    if (first && json_kind_of(c->document, first) == JSON_OBJECT) tensor_head(c, first, &head);
    return head.dtype;
}

reel_module *reel_model_load(const char *site, reel_context *context, const char *path, reel_params **params)
{
    if (params) *params = NULL;
    if (reel_failed(context)) return NULL;
    if (!params) return reel_error_set(context, REEL_BAD_ARGUMENT, site, "model_load", "params is NULL"), NULL;
    reel_checkpoint *c = reel_checkpoint_open(site, context, path);
    if (!c) return NULL;
    reel_module *module = NULL;
    const char *model = member_with(c, "module"), *values = member_with(c, "values");
    if (c->verdict != REEL_HASH_RIGHT)
        reel_error_set(context, REEL_BAD_FILE, site, "model_load", "%s: the hash is %s", path,
                       c->verdict == REEL_HASH_WRONG ? "wrong: the file was damaged or edited" : "missing");
    else if (!model || !values)
        reel_error_set(context, REEL_BAD_FILE, site, "model_load", "%s: the file describes no model", path);
    else
        *params = reel_params_new(site, context, params_dtype(c, values));
    if (*params) module = build(site, c, *params, model, values);
    if (!module) {
        reel_params_free(*params);
        *params = NULL;
    }
    reel_checkpoint_free(c);
    return module;
}
