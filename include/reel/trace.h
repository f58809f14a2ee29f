/* SPDX-License-Identifier: MIT
 *
 * The tracer: which operation made the first number that is not finite. It looks at what stands on the tape after the
 * fact, so it costs nothing while all is well.
 */
#ifndef REEL_TRACE_H
#define REEL_TRACE_H

#include <reel/tape.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the first NaN or infinity stands, and what it came from. Texts are valid until the tape is rewound. */
typedef struct reel_origin {
    bool backward;         /* made by the walk back; else it is among the recorded values */
    reel_value value;      /* the value that holds it, or, backward, whose operand's gradient does */
    const char *operation; /* that made it from finite numbers; NULL for a leaf, which brought it along */
    const char *parameter; /* name of the parameter that brought it, or, backward, whose gradient got it; or NULL */
    const char *site;      /* file and line of the program */
    int operand;           /* backward: number of the operand, from 0; -1: adding the gradient to others overflowed */
    int64_t element;       /* flattened index of the first one */
    double number;         /* NaN, inf or -inf */
    char text[512];        /* the whole of it as a sentence */
} reel_origin;

/* Follows the operands of `loss` that are not finite to the operation that made such a number from finite ones, or to the
 * leaf that brought it. If `loss` is finite and a walk back was made, goes through the gradients it left, newest value
 * first, and computes each operation's share in them again. False when everything is finite, when loss is nil, and with an
 * error when memory is short. */
REEL_API bool reel_trace_not_finite(REEL_SITE reel_value loss, reel_origin *origin);

#ifndef REEL_NO_SITE_MACROS
#define reel_trace_not_finite(...) reel_trace_not_finite(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
