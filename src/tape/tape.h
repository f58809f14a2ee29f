/* SPDX-License-Identifier: MIT
 *
 * Inside of the tape.
 */
#ifndef REEL_TAPE_TAPE_H
#define REEL_TAPE_TAPE_H

#include "core/core.h"
#include "kernels/elementwise.h"
#include "tape/params.h"
#include <reel/op.h>

/* A number is an element-wise operation on values of rank 0, which programs written in scalars record by the thousand. */
typedef enum node_kind { NODE_OPERATION, NODE_NUMBER, NODE_INPUT, NODE_VARIABLE, NODE_PARAMETER } node_kind;

/* What a value of rank 0 keeps where others have their shape. */
typedef struct tape_number {
    double value, gradient; /* a float or a double each, as the tape's type says */
    double p[2];
    const number_kernel *kernel;
} tape_number;

/* One recorded value. Two cache lines. */
typedef struct node {
    union {
        reel_array array;
        struct {
            void *data;
            int64_t size;
            tape_number number;
        } scalar;
    };
    void *gradient;    /* NULL until something contributes to it */
    const reel_op *op; /* NULL for a leaf */
    const char *site;
    void *payload; /* operation: its attributes; parameter: its store */
    union {
        uint32_t few[2]; /* up to two operands, */
        uint32_t *many;  /* or more, in the arena */
    } operand;
    uint32_t generation;
    uint32_t pass;  /* the walk back that last wrote the gradient; parameter: its store's version */
    uint16_t count; /* operands */
    uint8_t kind;
    bool wants;    /* a gradient flows in */
    uint32_t base; /* the node whose gradient this one shares: itself, unless it is a reshape; parameter: its slice */
} node;

_Static_assert(sizeof(node) <= 128, "a node is two cache lines");
_Static_assert(offsetof(node, scalar.number) == offsetof(reel_array, shape) &&
                   sizeof(tape_number) <= sizeof((reel_array){0}.shape),
               "a number stands where the shape does");

#define NODE_CHUNK 512 /* nodes; a chunk is 64 KB and never moves */
#define NO_OPERAND UINT32_MAX

struct reel_tape {
    reel_object object;
    reel_dtype dtype;
    const kernels *kernels;
    bool gradients, training;
    uint32_t generation;
    uint32_t rewinds;
    uint32_t pass;
    uint32_t count;
    uint32_t newest_param; /* the node of the last parameter recorded, NO_OPERAND when none; operand.few[0] of each one
                              is the one before it */
    node **chunks;
    uint32_t chunk_count, chunk_capacity;
    arena memory;
    reel_rng *rng;
};

static inline node *tape_node(const reel_tape *tape, uint32_t index)
{
    return &tape->chunks[index / NODE_CHUNK][index % NODE_CHUNK];
}

/* The node behind a handle; NULL for nil and for a handle that is stale or of another tape. */
static inline node *value_node(reel_value value)
{
    if (!value.tape || value.index >= value.tape->count) return NULL;
    node *n = tape_node(value.tape, value.index);
    return n->generation == value.generation ? n : NULL;
}

static inline const uint32_t *node_operands(const node *n)
{
    return n->count <= 2 ? n->operand.few : n->operand.many;
}

/* Records an element-wise operation of one operand (b nil) or two when all of them are single numbers of the tape's type;
 * nil when they are not, or anything else is in the way: reel_record finds out what. p (2): parameters, or NULL. */
reel_value tape_record_number(const char *site, const reel_op *op, const number_kernel *kernel, reel_value a,
                              reel_value b, const double *p);

/* The next free node, not cleared; NULL with an error when memory is short. It counts once tape->count is raised. */
node *tape_grow(reel_tape *tape, const char *site);
static inline node *tape_next_node(reel_tape *tape, const char *site)
{
    if (tape->count / NODE_CHUNK == tape->chunk_count) return tape_grow(tape, site);
    return tape_node(tape, tape->count);
}

/* The kernels of the tape that an operation is recorded on. */
static inline const kernels *call_kernels(const reel_call *call)
{
    return call->tape->kernels;
}

#endif
