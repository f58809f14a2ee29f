/* SPDX-License-Identifier: MIT
 *
 * Modules made of modules: sequential, mlp; and dropout.
 */
#include "nn/module.h"
#include <reel/ops.h>

#include <stdio.h>
#include <string.h>

/* ---- dropout ---- */

static reel_value dropout_forward(const char *site, reel_module *module, reel_value x)
{
    return reel_dropout(site, x, module->fields.p);
}

static void dropout_describe(const char *site, visitor *v, module_fields *fields, reel_params *params)
{
    (void)site;
    (void)params;
    describe_double(v, "p", &fields->p);
}

static reel_module *dropout_new(const char *site, reel_context *context, double p)
{
    if (!(p >= 0 && p <= 1)) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "dropout_new", "found p = %g, expected 0 to 1", p);
        return NULL;
    }
    reel_module *module = module_alloc(site, context, "dropout_new", &dropout_kind);
    if (module) module->fields.p = p;
    return module;
}

static reel_module *dropout_make(const char *site, reel_params *params, module_fields *fields)
{
    return dropout_new(site, reel_params_context(params), fields->p);
}

reel_module *reel_dropout_new(const char *site, reel_context *context, double p)
{
    return dropout_new(site, context, p);
}

const module_kind dropout_kind = {"dropout", dropout_forward, dropout_describe, dropout_make};

/* ---- sequential ---- */

static reel_value children_forward(const char *site, reel_module *module, reel_value x)
{
    reel_module *const *child = module->fields.children;
    for (int64_t i = 0, count = module->fields.child_count; i < count && x.tape; i++) {
        bool pair = child[i]->kind == &linear_kind && i + 1 < count;
        reel_value both = pair ? linear_forward_with(site, child[i], child[i + 1], x) : REEL_NIL;
        i += both.tape != NULL;
        x = both.tape ? both : reel_forward(site, child[i], x);
    }
    return x;
}

static bool children_new(const char *site, reel_module *module, int64_t count)
{
    module->fields.children =
        memory_zero(module->object.context, site, "sequential_new", (size_t)count * sizeof(reel_module *));
    module->fields.child_count = module->fields.children ? count : 0;
    return module->fields.children != NULL;
}

static void sequential_describe(const char *site, visitor *v, module_fields *fields, reel_params *params)
{
    int64_t count = fields->child_count;
    bool build = visit_mode_of(v) == VISIT_LOAD;
    visit_list_begin(v, "modules", &count);
    if (visit_mode_of(v) == VISIT_CHECK && count != fields->child_count)
        visit_reject(v, REEL_MISMATCH, "found %lld modules, expected %lld", (long long)count,
                     (long long)fields->child_count);
    if (build && !visit_failed(v)) {
        fields->children = memory_zero(reel_params_context(params), site, "model_load",
                                       (size_t)(count > 0 ? count : 1) * sizeof(reel_module *));
        fields->child_count = fields->children ? count : 0;
    }
    for (int64_t i = 0; i < fields->child_count && !visit_failed(v); i++) {
        visit_item_begin(v);
        if (build)
            fields->children[i] = module_from_description(site, params, v, NULL);
        else
            module_visit(fields->children[i], v, NULL);
        visit_item_end(v);
    }
    visit_list_end(v);
}

static reel_module *sequential_new(const char *site, reel_context *context, int64_t count, reel_module *const *modules)
{
    bool good = count >= 1 && modules;
    for (int64_t i = 0; good && i < count; i++) good = modules[i] != NULL;
    if (!good) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "sequential_new",
                       "found %lld modules, expected 1 or more, none of them missing", (long long)count);
        return NULL;
    }
    reel_module *module = module_alloc(site, context, "sequential_new", &sequential_kind);
    if (!module) return NULL;
    if (!children_new(site, module, count)) {
        object_free(module);
        return NULL;
    }
    memcpy(module->fields.children, modules, (size_t)count * sizeof *modules);
    return module;
}

static reel_module *sequential_make(const char *site, reel_params *params, module_fields *fields)
{
    reel_module *module = sequential_new(site, reel_params_context(params), fields->child_count, fields->children);
    if (module) module->owns_children = true;
    return module;
}

reel_module *reel_sequential_new(const char *site, reel_context *context, int count, reel_module *const *modules)
{
    return sequential_new(site, context, count, modules);
}

const module_kind sequential_kind = {"sequential", children_forward, sequential_describe, sequential_make};

/* ---- mlp ---- */

static void mlp_describe(const char *site, visitor *v, module_fields *fields, reel_params *params)
{
    (void)site;
    (void)params;
    describe_text(v, "name", &fields->name);
    describe_int64_list(v, "sizes", fields->sizes, MODULE_SIZES, &fields->size_count);
    describe_text(v, "activation", &fields->activation);
}

/* Linear layers at even places, the activation between them. */
static bool mlp_layers(const char *site, reel_module *module, reel_params *params, reel_rng *rng)
{
    module_fields *f = &module->fields;
    int64_t layers = f->size_count - 1;
    if (!children_new(site, module, 2 * layers - 1)) return false;
    size_t size = strlen(f->name) + 24;
    char *name = memory_new(module->object.context, site, "mlp_new", size);
    bool good = name != NULL;
    for (int64_t i = 0; i < layers && good; i++) {
        snprintf(name, size, "%s.%lld", f->name, (long long)i);
        f->children[2 * i] = linear_new(site, params, name, f->sizes[i], f->sizes[i + 1], true, rng);
        good = f->children[2 * i] != NULL;
        if (!good || i + 1 == layers) break;
        f->children[2 * i + 1] = reel_activation_new(site, module->object.context, f->activation);
        good = f->children[2 * i + 1] != NULL;
    }
    memory_free(module->object.context, name, size);
    return good;
}

static reel_module *mlp_new(const char *site, reel_params *params, module_fields *fields, reel_rng *rng)
{
    reel_context *context = reel_params_context(params);
    if (!context || reel_failed(context)) return NULL;
    if (!fields->name || !*fields->name || fields->size_count < 2 || fields->size_count > MODULE_SIZES) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "mlp_new",
                       "found %lld sizes, expected a name and 2 to %d sizes", (long long)fields->size_count,
                       MODULE_SIZES);
        return NULL;
    }
    reel_module *module = module_alloc(site, context, "mlp_new", &mlp_kind);
    if (!module) return NULL;
    module->owns_children = true;
    module->params = params;
    memcpy(module->fields.sizes, fields->sizes, sizeof fields->sizes);
    module->fields.size_count = fields->size_count;
    if (module_text(site, context, &module->fields.name, fields->name) &&
        module_text(site, context, &module->fields.activation, fields->activation ? fields->activation : "") &&
        mlp_layers(site, module, params, rng)) {
        object_raise(module);
        return module;
    }
    object_free(module);
    return NULL;
}

static reel_module *mlp_make(const char *site, reel_params *params, module_fields *fields)
{
    return mlp_new(site, params, fields, NULL);
}

reel_module *reel_mlp_new(const char *site, reel_params *params, const char *name, int count, const int *sizes,
                          const char *activation, reel_rng *rng)
{
    module_fields fields = {
        .name = (char *)(uintptr_t)name, .activation = (char *)(uintptr_t)activation, .size_count = sizes ? count : 0};
    for (int i = 0; sizes && i < count && i < MODULE_SIZES; i++) fields.sizes[i] = sizes[i];
    return mlp_new(site, params, &fields, rng);
}

const module_kind mlp_kind = {"mlp", children_forward, mlp_describe, mlp_make};
