/* SPDX-License-Identifier: MIT
 *
 * The parameter store: all parameters of a model packed in one flat vector, their gradients in a second one of the same
 * layout. A named parameter is a slice of it. Buffers (running statistics) are one more vector, saved but not trained.
 */
#ifndef REEL_PARAMS_H
#define REEL_PARAMS_H

#include <reel/array.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_params reel_params;

/* An empty store of float or double, owned by the context. */
REEL_API reel_params *reel_params_new(REEL_SITE reel_context *context, reel_dtype dtype);
REEL_API void reel_params_free(reel_params *params);
REEL_API reel_dtype reel_params_dtype(const reel_params *params);
REEL_API reel_context *reel_params_context(const reel_params *params);

/* Adds a parameter of zeros (a buffer: of zeros, untrained) and returns its index, counted from 0, parameters and
 * buffers apart; -1 on error: a name used already or empty, a bad shape, a store already sealed. Names are copied. */
REEL_API int reel_params_add(REEL_SITE reel_params *params, const char *name, int rank, const int64_t *shape);
REEL_API int reel_params_add_buffer(REEL_SITE reel_params *params, const char *name, int rank, const int64_t *shape);

/* Ends adding: gradients are laid out and slices no longer move. The first optimizer or recording does it by itself. */
REEL_API reel_status reel_params_seal(REEL_SITE reel_params *params);

/* Number of parameters and of buffers; number of elements of all parameters together. */
REEL_API int reel_params_count(const reel_params *params);
REEL_API int reel_params_buffer_count(const reel_params *params);
REEL_API int64_t reel_params_size(const reel_params *params);
/* Index of a name; -1 when there is none. */
REEL_API int reel_params_find(const reel_params *params, const char *name);
/* Name of a parameter or buffer; NULL outside the range. */
REEL_API const char *reel_params_name(const reel_params *params, int index);
REEL_API const char *reel_params_buffer_name(const reel_params *params, int index);

/* Views of one parameter, its gradient, one buffer. Until the store is sealed, the next add may move the data. Writing
 * through a view is allowed between steps; call reel_params_touch afterwards. The gradient's data are NULL until a walk
 * back has written it. */
REEL_API reel_array reel_params_value(const reel_params *params, int index);
REEL_API reel_array reel_params_gradient(const reel_params *params, int index);
REEL_API reel_array reel_params_buffer(const reel_params *params, int index);
/* Views (size) of all parameters and of their gradients, flat, in order of adding. */
REEL_API reel_array reel_params_flat(const reel_params *params);
REEL_API reel_array reel_params_flat_gradient(const reel_params *params);

/* Copies all parameters out to, and in from, a flat array (size), converting between float and double. */
REEL_API reel_status reel_params_read(REEL_SITE const reel_params *params, reel_array *out);
REEL_API reel_status reel_params_write(REEL_SITE reel_params *params, const reel_array *values);
/* Copies parameters and buffers of `from` into those of the same names and shapes of `to`, converting between float and
 * double. Error: a name that `to` has and `from` has not, another shape. */
REEL_API reel_status reel_params_copy(REEL_SITE reel_params *to, const reel_params *from);
/* Tells that values were changed from outside: what was recorded before cannot be walked back any more. */
REEL_API void reel_params_touch(reel_params *params);

/* Trainable (default): gradients flow in and optimizers move it. */
REEL_API reel_status reel_params_set_trainable(REEL_SITE reel_params *params, int index, bool trainable);
REEL_API bool reel_params_trainable(const reel_params *params, int index);

/* Bounds of a parameter (default: none; an infinite one is none): every optimizer's step ends with p = min(max(p, low),
 * high), element by element, which makes it a projected one (Bertsekas, Nonlinear Programming, 1999, section 2.3); NaN
 * stays. Moments are left as they are. A parameter that is not trained is left alone, and so are values written by hand.
 * Checkpoints tell the bounds; a resumed run keeps the program's. Error: an index outside the range; low > high or NaN. */
REEL_API reel_status reel_params_set_bounds(REEL_SITE reel_params *params, int index, double low, double high);
REEL_API void reel_params_bounds(const reel_params *params, int index, double *low, double *high);

/* Is there a gradient that no step has consumed? */
REEL_API bool reel_params_has_gradient(const reel_params *params);
/* Drops the gradient: the next walk back starts from nothing. */
REEL_API void reel_params_drop_gradient(reel_params *params);
/* Sets the whole gradient by hand from a flat array (size), converting between float and double, as if a walk back had
 * written it; for gradients that come from elsewhere. Seals the store. */
REEL_API reel_status reel_params_set_gradient(REEL_SITE reel_params *params, const reel_array *flat);

#ifndef REEL_NO_SITE_MACROS
#define reel_params_new(...) reel_params_new(REEL_HERE, __VA_ARGS__)
#define reel_params_add(...) reel_params_add(REEL_HERE, __VA_ARGS__)
#define reel_params_add_buffer(...) reel_params_add_buffer(REEL_HERE, __VA_ARGS__)
#define reel_params_seal(...) reel_params_seal(REEL_HERE, __VA_ARGS__)
#define reel_params_read(...) reel_params_read(REEL_HERE, __VA_ARGS__)
#define reel_params_write(...) reel_params_write(REEL_HERE, __VA_ARGS__)
#define reel_params_copy(...) reel_params_copy(REEL_HERE, __VA_ARGS__)
#define reel_params_set_gradient(...) reel_params_set_gradient(REEL_HERE, __VA_ARGS__)
#define reel_params_set_trainable(...) reel_params_set_trainable(REEL_HERE, __VA_ARGS__)
#define reel_params_set_bounds(...) reel_params_set_bounds(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
