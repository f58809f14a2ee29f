/* SPDX-License-Identifier: MIT
 *
 * Modules: life, running, description.
 */
#include "nn/module.h"

#include <string.h>

/* The built-in kinds: a new one is a row here and a file of its own. */
static const module_kind *const kinds[] = {&linear_kind, &activation_kind, &dropout_kind, &sequential_kind, &mlp_kind};

static void fields_free(reel_context *context, module_fields *f)
{
    memory_string_free(context, f->name);
    memory_string_free(context, f->activation);
    memory_free(context, f->children, (size_t)(f->child_count > 0 ? f->child_count : 1) * sizeof(reel_module *));
}

static void module_destroy(reel_object *object)
{
    reel_module *module = (reel_module *)object;
    for (int64_t i = 0; module->owns_children && i < module->fields.child_count; i++)
        object_free(module->fields.children[i]);
    fields_free(object->context, &module->fields);
    object_release(object, sizeof *module);
}

reel_module *module_alloc(const char *site, reel_context *context, const char *who, const module_kind *kind)
{
    reel_module *module = object_new(context, site, who, sizeof *module, module_destroy);
    if (module) module->kind = kind;
    return module;
}

bool module_text(const char *site, reel_context *context, char **field, const char *text)
{
    *field = memory_string(context, site, "module", text);
    return *field != NULL;
}

void reel_module_free(reel_module *module)
{
    object_free(module);
}

reel_value reel_forward(const char *site, reel_module *module, reel_value x)
{
    if (!module || !x.tape) return REEL_NIL;
    return module->kind->forward(site, module, x);
}

/* ---- a program's own module ---- */

static reel_value user_forward(const char *site, reel_module *module, reel_value x)
{
    return module->user_forward(site, module->user, x);
}

const module_kind user_kind = {"user", user_forward, NULL, NULL};

reel_module *reel_module_new(const char *site, reel_context *context, const char *kind, reel_module_forward forward,
                             void *user)
{
    if (!forward || !kind || !*kind) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "module_new", "a module needs a kind and a forward function");
        return NULL;
    }
    reel_module *module = module_alloc(site, context, "module_new", &user_kind);
    if (!module) return NULL;
    module->user_forward = forward;
    module->user_kind = kind;
    module->user = user;
    return module;
}

/* ---- description ---- */

void describe_text(visitor *v, const char *name, char **value)
{
    if (visit_mode_of(v) == VISIT_CHECK)
        visit_same_text(v, name, *value);
    else
        visit_text(v, name, value);
}

void describe_int64(visitor *v, const char *name, int64_t *value)
{
    if (visit_mode_of(v) == VISIT_CHECK)
        visit_same_int64(v, name, *value);
    else
        visit_int64(v, name, value);
}

void describe_bool(visitor *v, const char *name, bool *value)
{
    bool found = *value;
    visit_bool(v, name, &found);
    if (visit_mode_of(v) == VISIT_LOAD) *value = found;
}

void describe_double(visitor *v, const char *name, double *value)
{
    if (visit_mode_of(v) == VISIT_CHECK)
        visit_same_double(v, name, *value);
    else
        visit_double(v, name, value);
}

void describe_int64_list(visitor *v, const char *name, int64_t *values, int64_t room, int64_t *count)
{
    if (visit_mode_of(v) != VISIT_CHECK) {
        visit_int64_list(v, name, values, room, count);
        return;
    }
    visit_same_int64_list(v, name, values, *count);
}

void module_visit(reel_module *module, visitor *v, const char *name)
{
    /* The description of a module that exists does not change: there is nothing to load. */
    if (!module || visit_mode_of(v) == VISIT_LOAD) return;
    if (name) visit_begin(v, name);
    visit_same_text(v, "module", module->kind == &user_kind ? module->user_kind : module->kind->name);
    if (module->kind->describe) module->kind->describe(NULL, v, &module->fields, module->params);
    if (name) visit_end(v);
}

reel_module *module_from_description(const char *site, reel_params *params, visitor *v, const char *name)
{
    reel_context *context = reel_params_context(params);
    module_fields fields = {0};
    char *kind_name = NULL;
    reel_module *module = NULL;
    const module_kind *kind = NULL;
    if (name) visit_begin(v, name);
    visit_text(v, "module", &kind_name);
    for (size_t i = 0; kind_name && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, kind_name) == 0) kind = kinds[i];
    if (kind_name && !kind)
        visit_reject(v, REEL_NOT_FOUND,
                     "the model has a module of the kind \"%s\", which is not a built-in one: load it with its program",
                     kind_name);
    if (kind) kind->describe(site, v, &fields, params);
    if (kind && !visit_failed(v)) module = kind->make(site, params, &fields);
    if (!module)
        for (int64_t i = 0; i < fields.child_count; i++) object_free(fields.children[i]);
    if (name) visit_end(v);
    fields_free(context, &fields);
    memory_string_free(context, kind_name);
    return module;
}
