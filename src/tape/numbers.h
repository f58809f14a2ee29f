/* SPDX-License-Identifier: MIT
 *
 * Recording and walking back over numbers: the part of the tape that is compiled for every instruction set and element
 * type, as the kernels are, so that an operation's arithmetic and its place on the tape are one piece of code.
 */
#ifndef REEL_TAPE_NUMBERS_H
#define REEL_TAPE_NUMBERS_H

#include "kernels/elementwise.h"
#include "tape/tape.h"

typedef reel_value record_binary(const char *site, reel_value a, reel_value b);

struct number_kernels {
    /* Records one on a.tape, which is there: as a number when both operands are single numbers of the tape's type, else
     * through reel_record. */
    record_binary *binary[BINARY_COUNT];
    /* Nil when it cannot be a number. p (2): parameters, or NULL. */
    reel_value (*unary)(const char *site, int which, reel_value x, const double *p);
    /* Walks back over numbers, from the node before `left` down to the first node that the walk has reached and that is
     * none. Returns how many nodes are left, that one included; 0 at the end. It stops at a number when memory is
     * short, with the error kept. */
    uint32_t (*walk)(reel_tape *tape, uint32_t left, reel_params **open);
};

/* Where a contribution to a gradient goes, and whether it is added to what stands there. `to` is NULL with an error kept
 * when memory is short. */
typedef struct target {
    void *to;
    bool add;
} target;

/* The first contribution of a walk to a node that is more than a number. */
target first_target(reel_tape *tape, node *n, reel_params **open);

/* Any contribution of walk `pass`. element: bytes of one. */
static inline __attribute__((always_inline)) target target_of(reel_tape *tape, node *n, uint8_t pass, size_t element,
                                                              reel_params **open)
{
    const bool add = n->pass == pass;
    if (n->flags & NODE_COMPACT) {
        n->pass = pass;
        return (target){(char *)n + NODE_HEAD + element, add};
    }
    return add ? (target){n->gradient, true} : first_target(tape, n, open);
}

#endif
