/* SPDX-License-Identifier: MIT
 *
 * Gradient check: the tape's gradient against differences of the function's values.
 */
#ifndef REEL_CHECK_H
#define REEL_CHECK_H

#include <reel/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Any function of a tape: records from `inputs` and returns its value, of any shape. Called many times; a function that
 * draws random numbers has to seed its stream anew in every call. */
typedef reel_value (*reel_function)(reel_tape *tape, const reel_value *inputs, int count, void *user);

/* Zero fields take the defaults: step 1e-5 (times max(1, |x|)), relative tolerance 1e-6, absolute 1e-7, both of
 * the derivative. */
typedef struct reel_check_options {
    double step;
    double relative, absolute;
} reel_check_options;

typedef struct reel_check_report {
    int64_t checked; /* derivatives compared */
    int64_t failed;  /* where they differ */
    int64_t kinks; /* where the function has no derivative: the slopes to both sides do not meet as the step shrinks */
    int operand;   /* the worst difference: input, counted from 0; parameters follow the inputs */
    int64_t index; /* element of it */
    double analytic, numeric;
    char text[256]; /* the result as a sentence */
} reel_check_report;

/* Compares the gradient of sum(w * f), w fixed random weights, by the tape with (L(x + h) - L(x - h)) / 2h, element by
 * element, in double. `points`: float and double arrays are differentiated, int64 and uint8 ones are not. `params`
 * (double; may be NULL) is differentiated as well and left as it was. With steps h, h/8 and h/64 a kink is told from an
 * error: where the two one-sided slopes differ by as much at a smaller step, there is no derivative, and the element
 * counts as a kink instead. Returns REEL_OK when the check could be made, whatever it found; REEL_NOT_FINITE when
 * f itself is not finite at the points. */
REEL_API reel_status reel_check_gradient(REEL_SITE reel_context *context, reel_function function, void *user, int count,
                                         const reel_array *const *points, reel_params *params,
                                         const reel_check_options *options, reel_check_report *report);

/* Checks an operation on all its samples, written and added gradients both; a sample must show kinks where it declares
 * them and nowhere else. Returns REEL_OK when the check could be made; report->failed tells what it found. */
REEL_API reel_status reel_check_operation(REEL_SITE reel_context *context, const reel_op *op,
                                          reel_check_report *report);

#ifndef REEL_NO_SITE_MACROS
#define reel_check_gradient(...) reel_check_gradient(REEL_HERE, __VA_ARGS__)
#define reel_check_operation(...) reel_check_operation(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
