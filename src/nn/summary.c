/* SPDX-License-Identifier: MIT
 *
 * Tables of parameters and modules.
 */
#include "nn/module.h"

#include <math.h>
#include <string.h>

static double norm_of(const reel_array *a)
{
    double sum = 0;
    for (int64_t i = 0; i < a->size; i++) sum += reel_array_get(a, i) * reel_array_get(a, i);
    return sqrt(sum);
}

static reel_status finish(const char *site, reel_context *context, const char *who, FILE *file)
{
    if (fflush(file) == 0 && !ferror(file)) return REEL_OK;
    return reel_error_set(context, REEL_IO, site, who, "writing failed");
}

static int name_width(const reel_params *params)
{
    size_t width = strlen("parameter");
    for (int i = 0; i < reel_params_count(params); i++) {
        size_t n = strlen(reel_params_name(params, i));
        width = n > width ? n : width;
    }
    return (int)width;
}

reel_status reel_params_summary(const char *site, const reel_params *params, FILE *file)
{
    if (!params) return REEL_BAD_ARGUMENT;
    reel_context *context = reel_params_context(params);
    if (!file) return reel_error_set(context, REEL_BAD_ARGUMENT, site, "params_summary", "there is no file");
    int width = name_width(params);
    int64_t trainable = 0;
    fprintf(file, "%-*s  %-14s  %10s  %10s  trainable\n", width, "parameter", "shape", "numbers", "norm");
    for (int i = 0; i < reel_params_count(params); i++) {
        reel_array a = reel_params_value(params, i);
        char text[SHAPE_TEXT_SIZE];
        bool moves = reel_params_trainable(params, i);
        trainable += moves ? a.size : 0;
        fprintf(file, "%-*s  %-14s  %10lld  %10.4g  %s\n", width, reel_params_name(params, i), shape_text(text, &a),
                (long long)a.size, norm_of(&a), moves ? "yes" : "no");
    }
    fprintf(file, "%-*s  %-14s  %10lld\n", width, "all", "", (long long)reel_params_size(params));
    if (trainable != reel_params_size(params))
        fprintf(file, "%-*s  %-14s  %10lld\n", width, "trainable", "", (long long)trainable);
    return finish(site, context, "params_summary", file);
}

static int64_t own_numbers(const reel_module *module)
{
    const module_fields *f = &module->fields;
    return module->kind == &linear_kind ? f->in * f->out + (f->bias ? f->out : 0) : 0;
}

static int64_t all_numbers(const reel_module *module)
{
    int64_t sum = own_numbers(module);
    for (int64_t i = 0; i < module->fields.child_count; i++) sum += all_numbers(module->fields.children[i]);
    return sum;
}

static void print_module(const reel_module *module, FILE *file, int depth)
{
    const module_fields *f = &module->fields;
    fprintf(file, "%*s", 2 * depth, "");
    if (module->kind == &user_kind)
        fprintf(file, "%s", module->user_kind);
    else if (module->kind == &activation_kind)
        fprintf(file, "%s", f->activation);
    else
        fprintf(file, "%s", module->kind->name);
    if (f->name) fprintf(file, " \"%s\"", f->name);
    if (module->kind == &linear_kind)
        fprintf(file, " %lld -> %lld%s", (long long)f->in, (long long)f->out, f->bias ? "" : ", no bias");
    if (module->kind == &dropout_kind) fprintf(file, " p = %g", f->p);
    int64_t numbers = all_numbers(module);
    if (numbers) fprintf(file, ", %lld numbers", (long long)numbers);
    fprintf(file, "\n");
    for (int64_t i = 0; i < f->child_count; i++) print_module(f->children[i], file, depth + 1);
}

reel_status reel_module_summary(const char *site, const reel_module *module, FILE *file)
{
    if (!module) return REEL_BAD_ARGUMENT;
    if (!file)
        return reel_error_set(module->object.context, REEL_BAD_ARGUMENT, site, "module_summary", "there is no file");
    print_module(module, file, 0);
    return finish(site, module->object.context, "module_summary", file);
}
