/* SPDX-License-Identifier: MIT
 *
 * The tape: record a computation, play it backwards for the gradient, rewind, record again.
 *
 * Recording follows the program (define by run). Values recorded live until the tape is rewound; nobody frees them.
 * The walk backwards is reverse accumulation (Linnainmaa 1976; Griewank and Walther, Evaluating Derivatives, 2008): one
 * vector-Jacobian product for each operation, newest first.
 */
#ifndef REEL_TAPE_H
#define REEL_TAPE_H

#include <reel/params.h>
#include <reel/random.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_tape reel_tape;

/* A handle to a recorded value, passed by value. A nil one (tape NULL) comes from whatever failed; operations on it do
 * nothing and give nil again. One kept past a rewind or release, or used on another tape, is REEL_BAD_HANDLE. */
typedef struct reel_value {
    reel_tape *tape;
    uint32_t index;
    uint32_t generation;
} reel_value;

#ifdef __cplusplus
#define REEL_NIL (reel_value{nullptr, 0, 0})
#else
#define REEL_NIL ((reel_value){NULL, 0, 0})
#endif

/* A tape whose differentiable values are of `dtype`, float or double. Owned by the context. */
REEL_API reel_tape *reel_tape_new(REEL_SITE reel_context *context, reel_dtype dtype);
REEL_API void reel_tape_free(reel_tape *tape);
REEL_API reel_dtype reel_tape_dtype(const reel_tape *tape);
REEL_API reel_context *reel_tape_context(const reel_tape *tape);

/* Forgets everything recorded; memory is kept, so that from the second step of equal size on nothing is allocated. */
REEL_API void reel_tape_rewind(reel_tape *tape);

/* Marks a place on the tape, and gives back everything recorded since. Values of before the mark stay, and so do the
 * gradients of variables and parameters; those of intermediate values go where a walk back since the mark made them. The
 * walk backwards does not see what was released; meant for evaluation without gradients. */
typedef struct reel_mark {
    uint32_t count;
    uint32_t rewinds;
    void *chunk;
    char *next;
    size_t used;
    uint32_t generation;
    uint32_t walks;
} reel_mark;
REEL_API reel_mark reel_tape_mark(const reel_tape *tape);
REEL_API reel_status reel_tape_release(REEL_SITE reel_tape *tape, reel_mark mark);

/* Gradient mode (default on): off, nothing recorded wants a gradient. Returns the mode before. */
REEL_API bool reel_tape_set_gradients(reel_tape *tape, bool on);
/* Training mode (default on): what dropout and normalisation look at. Returns the mode before. */
REEL_API bool reel_tape_set_training(reel_tape *tape, bool on);
REEL_API bool reel_tape_training(const reel_tape *tape);
/* The stream random operations (dropout) draw from; borrowed. */
REEL_API void reel_tape_set_rng(reel_tape *tape, reel_rng *rng);

/* Leaves. An input is borrowed until rewind and copied only to convert between float and double; int64 and uint8 arrays
 * stay what they are and are never differentiated. A variable is an input whose gradient is kept (reel_gradient), adding
 * up over backward passes until rewind. A parameter's value and gradient stand in its store. */
REEL_API reel_value reel_input(REEL_SITE reel_tape *tape, const reel_array *array);
REEL_API reel_value reel_variable(REEL_SITE reel_tape *tape, const reel_array *array);
REEL_API reel_value reel_scalar(REEL_SITE reel_tape *tape, double number);
REEL_API reel_value reel_param(REEL_SITE reel_tape *tape, reel_params *params, int index);

/* Walks back from `loss`, which has one element: d loss / d p is written for everything that wants a gradient and that
 * loss depends on. Parameters: the first walk after a step overwrites their gradient, further ones before the next step
 * add. Intermediate values: each walk overwrites. Error: a value with several elements, one that wants no gradient,
 * parameters that were changed since they were recorded. */
REEL_API reel_status reel_backward(REEL_SITE reel_value loss);
/* The same from any value with the gradient `seed` (its shape; float or double) instead of 1: the vector-Jacobian
 * product seed' J. */
REEL_API reel_status reel_backward_from(REEL_SITE reel_value value, const reel_array *seed);

/* The one element of a value as a double. NaN, and REEL_BAD_SHAPE unless nil, when it has another number of elements. */
REEL_API double reel_item(REEL_SITE reel_value value);
/* A view of a value's elements, and of its gradient after a walk back; data NULL for nil, and where there is no gradient.
 * Valid until rewind. */
REEL_API reel_array reel_data(reel_value value);
REEL_API reel_array reel_gradient(reel_value value);
REEL_API bool reel_is_nil(reel_value value);
/* Does a gradient flow into this value? */
REEL_API bool reel_wants_gradient(reel_value value);
/* Number of values on the tape. */
REEL_API int64_t reel_tape_length(const reel_tape *tape);

/* Writes the tape to a file of the caller's, a line a value: index, operation and operands, shape, smallest, largest
 * and root mean square of value and gradient, source line. */
REEL_API reel_status reel_tape_print(REEL_SITE const reel_tape *tape, FILE *file);
/* Writes the recorded graph in the DOT language (`dot -Tsvg`). */
REEL_API reel_status reel_tape_dot(REEL_SITE const reel_tape *tape, FILE *file);

#ifndef REEL_NO_SITE_MACROS
#define reel_tape_new(...) reel_tape_new(REEL_HERE, __VA_ARGS__)
#define reel_tape_release(...) reel_tape_release(REEL_HERE, __VA_ARGS__)
#define reel_input(...) reel_input(REEL_HERE, __VA_ARGS__)
#define reel_variable(...) reel_variable(REEL_HERE, __VA_ARGS__)
#define reel_scalar(...) reel_scalar(REEL_HERE, __VA_ARGS__)
#define reel_param(...) reel_param(REEL_HERE, __VA_ARGS__)
#define reel_backward(...) reel_backward(REEL_HERE, __VA_ARGS__)
#define reel_backward_from(...) reel_backward_from(REEL_HERE, __VA_ARGS__)
#define reel_item(...) reel_item(REEL_HERE, __VA_ARGS__)
#define reel_tape_print(...) reel_tape_print(REEL_HERE, __VA_ARGS__)
#define reel_tape_dot(...) reel_tape_dot(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
