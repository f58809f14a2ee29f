/* SPDX-License-Identifier: MIT
 *
 * Activations by name.
 */
#include "nn/module.h"
#include <reel/ops.h>

#include <string.h>

typedef reel_value (*activation)(const char *site, reel_value x);

static reel_value identity(const char *site, reel_value x)
{
    (void)site;
    return x;
}

static reel_value leaky_relu(const char *site, reel_value x)
{
    return reel_leaky_relu(site, x, 0.01);
}

static reel_value elu(const char *site, reel_value x)
{
    return reel_elu(site, x, 1);
}

static reel_value softplus(const char *site, reel_value x)
{
    return reel_softplus(site, x, 1, 20);
}

#define ACTIVATIONS(X)                                                                                                 \
    X("relu", reel_relu)                                                                                               \
    X("tanh", reel_tanh)                                                                                               \
    X("sigmoid", reel_sigmoid)                                                                                         \
    X("leaky_relu", leaky_relu)                                                                                        \
    X("elu", elu)                                                                                                      \
    X("gelu", reel_gelu)                                                                                               \
    X("silu", reel_silu)                                                                                               \
    X("softplus", softplus)                                                                                            \
    X("identity", identity)

static const struct {
    const char *name;
    activation function;
} table[] = {
#define ROW(text, function) {text, function},
    ACTIVATIONS(ROW)
#undef ROW
};

/* The plain function of an activation by name; NULL when there is none. */
static reel_value (*activation_find(const char *name))(const char *site, reel_value x)
{
    for (size_t i = 0; name && i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0) return table[i].function;
    return NULL;
}

/* "relu, tanh, ..." */
static const char *activation_names(void)
{
#define NAME(text, function) " " text
    static const char names[] = ACTIVATIONS(NAME);
    return names + 1;
#undef NAME
}

static reel_value activation_forward(const char *site, reel_module *module, reel_value x)
{
    return module->activate(site, x);
}

static void activation_describe(const char *site, visitor *v, module_fields *fields, reel_params *params)
{
    (void)site;
    (void)params;
    describe_text(v, "function", &fields->activation);
}

static reel_module *make(const char *site, reel_context *context, const char *name)
{
    activation function = activation_find(name);
    if (!function) {
        reel_error_set(context, REEL_NOT_FOUND, site, "activation_new", "found \"%s\", expected one of: %s",
                       name ? name : "", activation_names());
        return NULL;
    }
    reel_module *module = module_alloc(site, context, "activation_new", &activation_kind);
    if (!module) return NULL;
    module->activate = function;
    if (!module_text(site, context, &module->fields.activation, name)) {
        object_free(module);
        return NULL;
    }
    return module;
}

static reel_module *activation_make(const char *site, reel_params *params, module_fields *fields)
{
    return make(site, reel_params_context(params), fields->activation);
}

reel_module *reel_activation_new(const char *site, reel_context *context, const char *name)
{
    return make(site, context, name);
}

const module_kind activation_kind = {"activation", activation_forward, activation_describe, activation_make};
