/* SPDX-License-Identifier: MIT
 *
 * Preparations of tables in checkpoints.
 */
#include "train/state.h"

#include "../datasets/preparation.h"
#include "io/visit_io.h"

static void visit(void *object, visitor *v, const char *name)
{
    preparation_visit(object, v, name);
}

reel_status reel_state_add_preparation(const char *site, reel_state *state, const char *name,
                                       reel_preparation *preparation)
{
    return state_add_visit(site, state, name, preparation, visit);
}

/* The member of "state" with a target and columns. */
static const char *find(const json_node *state, const json_document *document)
{
    const json_node *child = state && json_kind_of(document, state) == JSON_OBJECT ? json_first(state) : NULL;
    for (; child; child = json_next(child))
        if (json_kind_of(document, child) == JSON_OBJECT && json_member(child, "target") &&
            json_member(child, "columns"))
            return json_key(child);
    return NULL;
}

static void read(const char *site, reel_preparation *p, const json_document *document, const char *path)
{
    reel_context *context = p->object.context;
    const json_node *state = json_member(json_root(document), "state");
    const char *name = find(state, document), *fault;
    if (!name) {
        reel_error_set(context, REEL_BAD_FILE, site, "preparation_load",
                       "%s: found no preparation in the checkpoint, expected that of a run on a table", path);
        return;
    }
    visitor *v = visitor_check(context, document, state);
    preparation_visit(p, v, name);
    visitor_free(v);
    v = visitor_load(context, document, state);
    preparation_visit(p, v, name);
    visitor_free(v);
    if (!reel_failed(context) && (fault = preparation_fault(p)) != NULL)
        reel_error_set(context, REEL_BAD_FILE, site, "preparation_load", "%s: state.%s: %s", path, name, fault);
}

reel_preparation *reel_preparation_load(const char *site, reel_context *context, const char *path)
{
    json_document *document = NULL;
    reel_hash_verdict verdict;
    if (reel_failed(context)) return NULL;
    if (!path || !*path)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, "preparation_load", "there is no path"), NULL;
    reel_preparation *p = reel_preparation_new(site, context);
    if (p && state_read_document(site, context, path, false, &document, &verdict) == REEL_OK)
        read(site, p, document, path);
    json_document_free(document);
    if (!reel_failed(context)) return p;
    reel_preparation_free(p);
    return NULL;
}
