/* SPDX-License-Identifier: MIT
 *
 * The linear layer.
 */
#include "nn/module.h"
#include <reel/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static reel_value forward(const char *site, reel_module *module, reel_value x,
                          reel_value (*layer)(const char *site, reel_value x, reel_value weight, reel_value bias))
{
    reel_value weight = reel_param(site, x.tape, module->params, module->weight);
    reel_value bias = module->bias >= 0 ? reel_param(site, x.tape, module->params, module->bias) : REEL_NIL;
    if (!weight.tape || (module->bias >= 0 && !bias.tape)) return REEL_NIL;
    return layer(site, x, weight, bias);
}

static reel_value linear_forward(const char *site, reel_module *module, reel_value x)
{
    return forward(site, module, x, reel_linear);
}

reel_value linear_forward_with(const char *site, reel_module *module, const reel_module *next, reel_value x)
{
    if (module->kind != &linear_kind || next->kind != &activation_kind || next->activate != reel_relu) return REEL_NIL;
    return forward(site, module, x, reel_linear_relu);
}

static void linear_describe(const char *site, visitor *v, module_fields *fields, reel_params *params)
{
    (void)site;
    (void)params;
    describe_text(v, "name", &fields->name);
    describe_int64(v, "in", &fields->in);
    describe_int64(v, "out", &fields->out);
    describe_bool(v, "bias", &fields->bias);
}

/* Adds "name.part" to the store. */
static int add_parameter(const char *site, reel_params *params, const char *name, const char *part, int rank,
                         const int64_t *shape)
{
    reel_context *context = reel_params_context(params);
    size_t size = strlen(name) + strlen(part) + 2;
    char *full = memory_new(context, site, "linear_new", size);
    if (!full) return -1;
    snprintf(full, size, "%s.%s", name, part);
    int index = reel_params_add(site, params, full, rank, shape);
    memory_free(context, full, size);
    return index;
}

static reel_module *linear_make(const char *site, reel_params *params, module_fields *fields)
{
    reel_context *context = reel_params_context(params);
    if (!context || reel_failed(context)) return NULL;
    if (!fields->name || !*fields->name || fields->in < 1 || fields->out < 1) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "linear_new",
                       "found a layer \"%s\" from %lld to %lld, expected a name and sizes of 1 or more",
                       fields->name ? fields->name : "", (long long)fields->in, (long long)fields->out);
        return NULL;
    }
    reel_module *module = module_alloc(site, context, "linear_new", &linear_kind);
    if (!module) return NULL;
    module->params = params;
    module->fields.in = fields->in;
    module->fields.out = fields->out;
    module->fields.bias = fields->bias;
    const int64_t shape[] = {fields->out, fields->in};
    module->bias = -1;
    module->weight = -1;
    if (module_text(site, context, &module->fields.name, fields->name))
        module->weight = add_parameter(site, params, fields->name, "weight", 2, shape);
    if (module->weight >= 0 && fields->bias) module->bias = add_parameter(site, params, fields->name, "bias", 1, shape);
    if (module->weight < 0 || (fields->bias && module->bias < 0)) {
        object_free(module);
        return NULL;
    }
    return module;
}

reel_module *linear_new(const char *site, reel_params *params, const char *name, int64_t in, int64_t out, bool bias,
                        reel_rng *rng)
{
    module_fields fields = {.name = (char *)(uintptr_t)name, .in = in, .out = out, .bias = bias};
    reel_module *module = linear_make(site, params, &fields);
    if (!module || !rng) return module;
    reel_array weight = reel_params_value(params, module->weight);
    reel_status status = reel_init_kaiming_uniform(site, rng, &weight, sqrt(5));
    if (status == REEL_OK && bias) {
        reel_array b = reel_params_value(params, module->bias);
        double bound = 1 / sqrt((double)in);
        status = reel_rng_uniform(site, rng, &b, -bound, bound);
    }
    if (status == REEL_OK) return module;
    object_free(module);
    return NULL;
}

reel_module *reel_linear_new(const char *site, reel_params *params, const char *name, int64_t in, int64_t out,
                             reel_rng *rng)
{
    return linear_new(site, params, name, in, out, true, rng);
}

reel_module *reel_linear_plain_new(const char *site, reel_params *params, const char *name, int64_t in, int64_t out,
                                   reel_rng *rng)
{
    return linear_new(site, params, name, in, out, false, rng);
}

const module_kind linear_kind = {"linear", linear_forward, linear_describe, linear_make};
