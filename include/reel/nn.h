/* SPDX-License-Identifier: MIT
 *
 * Modules: a model is a tree of them; what they learn stands in a parameter store.
 */
#ifndef REEL_NN_H
#define REEL_NN_H

#include <reel/tape.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_module reel_module;

/* Applies a module to a recorded value. x (..., in) for layers that have sizes. */
REEL_API reel_value reel_forward(REEL_SITE reel_module *module, reel_value x);

/* y = x W' + b with W (out, in) as parameter "name.weight" and b (out) as "name.bias", both uniform in +-1/sqrt(in)
 * from the stream, weight first, as torch.nn.Linear does it (He et al. 2015 with a = sqrt(5)). rng NULL: zeros. */
REEL_API reel_module *reel_linear_new(REEL_SITE reel_params *params, const char *name, int64_t in, int64_t out,
                                      reel_rng *rng);
/* The same without b. */
REEL_API reel_module *reel_linear_plain_new(REEL_SITE reel_params *params, const char *name, int64_t in, int64_t out,
                                            reel_rng *rng);
/* An activation by name: "relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "softplus", "identity"; with
 * the parameters PyTorch has by default. */
REEL_API reel_module *reel_activation_new(REEL_SITE reel_context *context, const char *name);
/* Dropout with probability p in training mode; see reel_dropout. */
REEL_API reel_module *reel_dropout_new(REEL_SITE reel_context *context, double p);
/* One module after the other (count >= 1). They keep belonging to whoever made them, and must outlive this one. */
REEL_API reel_module *reel_sequential_new(REEL_SITE reel_context *context, int count, reel_module *const *modules);
/* Linear layers "name.0", "name.1", ... between sizes[0], ..., sizes[count-1], with the activation after each but the
 * last. */
REEL_API reel_module *reel_mlp_new(REEL_SITE reel_params *params, const char *name, int count, const int *sizes,
                                   const char *activation, reel_rng *rng);
REEL_API void reel_module_free(reel_module *module);

/* A module of the program's own: `forward` records what it does. A model with such a module is not rebuilt by
 * reel_model_load; its parameters are saved and filled by name all the same. `kind` and `user` are borrowed. */
typedef reel_value (*reel_module_forward)(const char *site, void *user, reel_value x);
REEL_API reel_module *reel_module_new(REEL_SITE reel_context *context, const char *kind, reel_module_forward forward,
                                      void *user);

/* Writes a table of a store: name, shape, number, norm, trainable, and the total. */
REEL_API reel_status reel_params_summary(REEL_SITE const reel_params *params, FILE *file);
/* Writes the tree of modules with their sizes and numbers of parameters. */
REEL_API reel_status reel_module_summary(REEL_SITE const reel_module *module, FILE *file);

#ifndef REEL_NO_SITE_MACROS
#define reel_forward(...) reel_forward(REEL_HERE, __VA_ARGS__)
#define reel_linear_new(...) reel_linear_new(REEL_HERE, __VA_ARGS__)
#define reel_linear_plain_new(...) reel_linear_plain_new(REEL_HERE, __VA_ARGS__)
#define reel_activation_new(...) reel_activation_new(REEL_HERE, __VA_ARGS__)
#define reel_dropout_new(...) reel_dropout_new(REEL_HERE, __VA_ARGS__)
#define reel_sequential_new(...) reel_sequential_new(REEL_HERE, __VA_ARGS__)
#define reel_mlp_new(...) reel_mlp_new(REEL_HERE, __VA_ARGS__)
#define reel_module_new(...) reel_module_new(REEL_HERE, __VA_ARGS__)
#define reel_params_summary(...) reel_params_summary(REEL_HERE, __VA_ARGS__)
#define reel_module_summary(...) reel_module_summary(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
