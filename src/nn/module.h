/* SPDX-License-Identifier: MIT
 *
 * Inside of a module. A built-in kind is one row of the table in module.c: how it runs, which fields describe it, how it
 * is made again from them.
 */
#ifndef REEL_NN_MODULE_H
#define REEL_NN_MODULE_H

#include "core/core.h"
#include "core/visit.h"
#include <reel/nn.h>

typedef struct module_kind module_kind;

#define MODULE_SIZES 64 /* the most layers of an mlp, plus one */

/* What describes a module of any built-in kind; a kind uses the fields it needs. */
typedef struct module_fields {
    char *name; /* of its parameters */
    char *activation;
    int64_t in, out; /* linear */
    bool bias;
    double p;                                /* dropout */
    int64_t sizes[MODULE_SIZES], size_count; /* mlp */
    reel_module **children;
    int64_t child_count;
} module_fields;

struct module_kind {
    const char *name;
    reel_value (*forward)(const char *site, reel_module *module, reel_value x);
    /* Visits the fields that describe the module. When loading it fills them and, for a tree, makes the children. */
    void (*describe)(const char *site, visitor *v, module_fields *fields, reel_params *params);
    /* Makes a module from its fields, which it copies; parameters are zero. */
    reel_module *(*make)(const char *site, reel_params *params, module_fields *fields);
};

struct reel_module {
    reel_object object;
    const module_kind *kind;
    module_fields fields;
    reel_params *params;
    int weight, bias; /* linear: indices in the store, bias -1 when there is none */
    reel_value (*activate)(const char *site, reel_value x);
    bool owns_children; /* made with the module, freed with it */
    reel_module_forward user_forward;
    const char *user_kind;
    void *user;
};

extern const module_kind linear_kind, activation_kind, dropout_kind, sequential_kind, mlp_kind, user_kind;

reel_module *module_alloc(const char *site, reel_context *context, const char *who, const module_kind *kind);
/* Takes a copy of text into *field; false with an error when there is no memory. */
bool module_text(const char *site, reel_context *context, char **field, const char *text);

/* Describes the module in a checkpoint (SAVE, HASH), and compares it with the description there (CHECK, LOAD). */
void module_visit(reel_module *module, visitor *v, const char *name);
/* Makes a module from the description the visitor (LOAD mode) stands on; NULL with an error. */
reel_module *module_from_description(const char *site, reel_params *params, visitor *v, const char *name);

/* A field of a description: taken over when a module is built, compared when there is one. */
void describe_text(visitor *v, const char *name, char **value);
void describe_int64(visitor *v, const char *name, int64_t *value);
void describe_bool(visitor *v, const char *name, bool *value);
void describe_double(visitor *v, const char *name, double *value);
void describe_int64_list(visitor *v, const char *name, int64_t *values, int64_t room, int64_t *count);

reel_module *linear_new(const char *site, reel_params *params, const char *name, int64_t in, int64_t out, bool bias,
                        reel_rng *rng);
/* A layer and what follows it, where one operation does both; nil where none does. */
reel_value linear_forward_with(const char *site, reel_module *module, const reel_module *next, reel_value x);

#endif
