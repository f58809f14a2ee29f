/* SPDX-License-Identifier: MIT
 *
 * Visitors: objects, lists, paths and faults.
 */
#include "io/visit_inside.h"

#include <reel/checkpoint.h>

#include <cjson/cJSON.h>

#include <stdio.h>
#include <string.h>

static size_t visitor_size(void)
{
    return sizeof(visitor) + visitor_hash_size();
}

static void visitor_destroy(reel_object *object)
{
    object_release(object, visitor_size());
}

static visitor *visitor_new(reel_context *context, visit_mode mode)
{
    visitor *v = object_new(context, NULL, "visitor", visitor_size(), visitor_destroy);
    if (!v) return NULL;
    v->mode = mode;
    if (mode == VISIT_HASH) visitor_hash_start(v, v + 1);
    return v;
}

void visitor_free(visitor *v)
{
    if (v) object_free(v);
}

visitor *visitor_save(reel_context *context, json_writer *w, const visit_options *options)
{
    visitor *v = visitor_new(context, VISIT_SAVE);
    if (!v) return NULL;
    v->writer = w;
    visitor_again(v, options);
    return v;
}

void visitor_again(visitor *v, const visit_options *options)
{
    int64_t from = options ? options->base64_from : 0;
    v->base64_from = options && options->base64 ? -1 : from < 0 ? INT64_MAX : from ? from : REEL_BASE64_ABOVE;
    v->depth = v->apart = 0;
    v->frames[0] = (frame){.node = NULL};
    v->path[0] = '\0';
}

visitor *visitor_draft(reel_context *context, draft *d, const visit_options *options)
{
    visitor *v = visitor_save(context, &d->w, options);
    if (v) v->draft = d;
    return v;
}

visitor *visitor_hash(reel_context *context)
{
    return visitor_new(context, VISIT_HASH);
}

/* ---- faults and paths ---- */

visit_mode visit_mode_of(const visitor *v)
{
    return v ? v->mode : VISIT_HASH;
}

reel_context *visit_context(const visitor *v)
{
    return v ? v->object.context : NULL;
}

bool visit_failed(const visitor *v)
{
    return !v || reel_failed(v->object.context);
}

void visitor_path_add(visitor *v, const char *name, int64_t item)
{
    size_t n = strlen(v->path);
    if (name)
        snprintf(v->path + n, PATH_SIZE - n, "%s%s", n ? "." : "", name);
    else
        snprintf(v->path + n, PATH_SIZE - n, "[%lld]", (long long)item);
}

void visitor_mismatch(visitor *v, reel_status status, const char *member, const char *found, const char *expected)
{
    size_t n = strlen(v->path);
    if (member) visitor_path_add(v, member, 0);
    reel_error_set(v->object.context, status, json_document_name(v->document), v->path, "found %s, expected %s", found,
                   expected);
    v->path[n] = '\0';
}

void visitor_unexpected(visitor *v, const char *member, const json_node *node, const char *expected)
{
    char found[JSON_FOUND_SIZE];
    visitor_mismatch(v, REEL_BAD_FILE, member, json_found(v->document, node, found), expected);
}

void visit_reject(visitor *v, reel_status status, const char *format, ...)
{
    if (visit_failed(v)) return;
    char sentence[ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    reel_error_set(v->object.context, status, v->document ? json_document_name(v->document) : NULL, v->path, "%s",
                   sentence);
}

/* ---- members of the file ----
 *
 * cJSON does not use valueint of nodes made here (every number of the document is an index, read from valuedouble), so
 * it holds whether a member was asked for. */
enum { NOT_ASKED, ASKED };

static void mark(const json_node *node, int asked)
{
    ((cJSON *)(uintptr_t)node)->valueint = asked;
}

void visitor_mark_all(const json_node *object)
{
    for (const json_node *child = json_first(object); child; child = json_next(child)) mark(child, NOT_ASKED);
}

/* The member of this name in the innermost object, searched from behind the last one found. */
static const json_node *find(visitor *v, const char *name)
{
    frame *f = &v->frames[v->depth];
    const json_node *node = f->next;
    if (!node || !json_key(node) || strcmp(json_key(node), name) != 0) node = json_member(f->node, name);
    if (node) f->next = json_next(node);
    return node;
}

const json_node *visitor_take(visitor *v, const char *name, const char *expected)
{
    const json_node *node = find(v, name);
    if (node)
        mark(node, ASKED);
    else
        visitor_mismatch(v, REEL_BAD_FILE, name, "nothing", expected);
    return node;
}

static void refuse_unknown(visitor *v, const json_node *object)
{
    for (const json_node *child = json_first(object); child && !visit_failed(v); child = json_next(child)) {
        const char *name = json_key(child);
        if (!name || child->valueint == ASKED || strncmp(name, "x-", 2) == 0) continue;
        visitor_unexpected(v, name, child, "no such member");
    }
}

static visitor *reader_new(reel_context *context, const json_document *document, const json_node *node, visit_mode mode)
{
    visitor *v = visitor_new(context, mode);
    if (!v) return NULL;
    v->document = document;
    v->frames[0] = (frame){.node = node, .next = json_first(node)};
    if (json_kind_of(document, node) == JSON_OBJECT)
        visitor_mark_all(node);
    else
        visitor_unexpected(v, NULL, node, "an object");
    return v;
}

visitor *visitor_check(reel_context *context, const json_document *document, const json_node *node)
{
    return reader_new(context, document, node, VISIT_CHECK);
}

visitor *visitor_load(reel_context *context, const json_document *document, const json_node *node)
{
    return reader_new(context, document, node, VISIT_LOAD);
}

void visitor_known(visitor *v, const char *name)
{
    if (visit_failed(v) || v->mode != VISIT_CHECK) return;
    const json_node *node = json_member(v->frames[0].node, name);
    if (node) mark(node, ASKED);
}

void visit_skip(visitor *v, const char *name)
{
    if (visit_failed(v) || v->mode != VISIT_CHECK) return;
    const json_node *node = json_member(v->frames[v->depth].node, name);
    if (node) mark(node, ASKED);
}

void visitor_finish(visitor *v)
{
    if (visit_failed(v) || v->mode != VISIT_CHECK) return;
    refuse_unknown(v, v->frames[0].node);
}

/* ---- objects and lists ---- */

void visitor_push(visitor *v, const json_node *node, bool list, const char *name, int64_t item)
{
    if (v->depth == JSON_DEPTH_LIMIT) {
        visit_reject(v, REEL_BAD_STATE, "more than 64 levels of objects and lists");
        return;
    }
    size_t n = strlen(v->path);
    visitor_path_add(v, name, item);
    v->frames[++v->depth] = (frame){.node = node, .next = json_first(node), .list = list, .path_length = n};
}

static void pop(visitor *v)
{
    v->path[v->frames[v->depth].path_length] = '\0';
    v->depth--;
}

bool visitor_misplaced(visitor *v, bool within_list)
{
    if (visit_failed(v) || (v->mode == VISIT_HASH && v->apart > 0)) return true;
    if (v->frames[v->depth].list == within_list) return false;
    visit_reject(v, REEL_BAD_STATE,
                 within_list ? "an item or the end of a list, but no list is open"
                             : "a field directly within a list, expected an item");
    return true;
}

void visit_begin(visitor *v, const char *name)
{
    if (visitor_misplaced(v, false)) return;
    const json_node *node = NULL;
    if (v->mode == VISIT_SAVE) json_write_object_begin(v->writer, name);
    if (visitor_hashing(v)) visitor_mix_tag(v, HASH_OBJECT, name);
    if (visitor_reading(v)) {
        node = visitor_take(v, name, "an object");
        if (!node) return;
        if (json_kind_of(v->document, node) != JSON_OBJECT) {
            visitor_unexpected(v, name, node, "an object");
            return;
        }
        visitor_mark_all(node);
    }
    visitor_push(v, node, false, name, 0);
}

void visitor_pop_object(visitor *v)
{
    if (v->depth == 0) {
        visit_reject(v, REEL_BAD_STATE, "the end of an object that is not open");
        return;
    }
    if (v->mode == VISIT_SAVE) json_write_object_end(v->writer);
    if (visitor_hashing(v)) visitor_mix_tag(v, HASH_END, NULL);
    if (v->mode == VISIT_CHECK) refuse_unknown(v, v->frames[v->depth].node);
    pop(v);
}

void visit_end(visitor *v)
{
    if (!visitor_misplaced(v, false)) visitor_pop_object(v);
}

void visit_list_begin(visitor *v, const char *name, int64_t *count)
{
    bool skip = visitor_misplaced(v, false);
    const json_node *node = NULL;
    if (!skip && v->mode == VISIT_SAVE) json_write_list_begin(v->writer, name);
    if (!skip && visitor_hashing(v)) {
        visitor_mix_tag(v, HASH_LIST, name);
        visitor_mix_uint64(v, (uint64_t)*count);
    }
    if (!skip && visitor_reading(v)) {
        node = visitor_take(v, name, "a list of objects");
        if (node && json_kind_of(v->document, node) != JSON_LIST) {
            visitor_unexpected(v, name, node, "a list of objects");
            node = NULL;
        }
        *count = node ? json_count(v->document, node) : 0;
        skip = !node;
    }
    if (!skip)
        visitor_push(v, node, true, name, 0);
    else if (v && visitor_reading(v))
        *count = 0; /* so that the caller's loop does nothing */
}

void visit_item_begin(visitor *v)
{
    if (visitor_misplaced(v, true)) return;
    frame *list = &v->frames[v->depth];
    int64_t item = list->item++;
    const json_node *node = list->next;
    if (v->mode == VISIT_SAVE) json_write_object_begin(v->writer, NULL);
    if (visitor_hashing(v)) visitor_mix_tag(v, HASH_ITEM, NULL);
    list->next = json_next(node);
    visitor_push(v, node, false, NULL, item);
    if (!visitor_reading(v) || visit_failed(v)) return;
    if (json_kind_of(v->document, node) == JSON_OBJECT)
        visitor_mark_all(node);
    else
        visitor_unexpected(v, NULL, node, "an object");
}

void visit_item_end(visitor *v)
{
    visit_end(v);
}

void visit_list_end(visitor *v)
{
    if (visitor_misplaced(v, true)) return;
    const frame *list = &v->frames[v->depth];
    if (v->mode == VISIT_SAVE) json_write_list_end(v->writer);
    if (visitor_hashing(v)) visitor_mix_tag(v, HASH_END, NULL);
    if (visitor_reading(v) && list->next) {
        char found[64], expected[64];
        snprintf(found, sizeof found, "%lld items", (long long)json_count(v->document, list->node));
        snprintf(expected, sizeof expected, "%lld", (long long)list->item);
        visitor_mismatch(v, REEL_MISMATCH, NULL, found, expected);
    }
    pop(v);
}

void visit_apart_begin(visitor *v)
{
    if (v) v->apart++;
}

void visit_apart_end(visitor *v)
{
    if (v) v->apart--;
}

bool visit_has(visitor *v, const char *name)
{
    if (!v || !visitor_reading(v)) return true;
    return !visit_failed(v) && json_member(v->frames[v->depth].node, name) != NULL;
}
