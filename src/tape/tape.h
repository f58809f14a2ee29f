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

/* One recorded value. Two cache lines, the first of them with all that a walk back over numbers looks at. */
typedef struct node {
    union {
        uint32_t few[2]; /* up to two operands, */
        uint32_t *many;  /* or more, in the arena */
    } operand;
    uint32_t generation;
    uint32_t pass;   /* the walk back that last wrote the gradient; parameter: its store's version */
    uint32_t base;   /* the node whose gradient this one shares: itself, unless it is a reshape; parameter: its slice */
    uint16_t count;  /* operands */
    uint8_t kind;    /* node_kind */
    bool wants : 1;  /* a gradient flows in */
    bool single : 1; /* one number of the tape's type, of rank 0 */
    uint8_t rest : 6; /* 0: so that the byte is written without reading it */
    union {
        reel_array array;
        struct {
            void *data;
            int64_t size;
            tape_number number; /* NODE_NUMBER, and the value of reel_scalar: where others have their shape */
        } scalar;
    };
    void *gradient;    /* NULL until something contributes to it; not of a NODE_NUMBER: node_gradient */
    const reel_op *op; /* NULL for a leaf */
    const char *site;
    void *payload; /* operation: its attributes; parameter: its store */
} node;

#define NODE_ALIGN 64

_Static_assert(sizeof(node) == 2 * NODE_ALIGN, "a node is two cache lines");
_Static_assert(offsetof(node, scalar.number.p) <= NODE_ALIGN, "and what is walked stands in the first");
_Static_assert(offsetof(node, scalar.number) == offsetof(node, array.shape) &&
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

/* Room for one more node; false with an error when memory is short. The node is not cleared, and counts once tape->count is
 * raised. */
bool tape_grow(reel_tape *tape, const char *site);
static inline bool tape_has_room(reel_tape *tape, const char *site)
{
    return tape->count / NODE_CHUNK < tape->chunk_count || tape_grow(tape, site);
}

/* Where the gradient stands, or would when anything has contributed to it. */
static inline void *node_gradient(const node *n)
{
    return n->kind == NODE_NUMBER ? (void *)(uintptr_t)&n->scalar.number.gradient : n->gradient;
}

/* The node behind a handle when it is a single number of the tape's type. */
static inline const node *single_node(const reel_tape *tape, reel_value value)
{
    if (value.tape != tape || value.index >= tape->count) return NULL;
    const node *n = tape_node(tape, value.index);
    return n->generation == value.generation && n->single ? n : NULL;
}

/* Records an element-wise operation of `count` operands, one (b is not looked at) or two, when all of them are single
 * numbers of the tape's type; nil when they are not, or anything else is in the way: reel_record finds out what. p (2):
 * parameters, or NULL. */
static inline reel_value tape_record_number(const char *site, const reel_op *op, const number_kernel *kernel, int count,
                                            reel_value a, reel_value b, const double *p)
{
    reel_tape *tape = a.tape;
    if (tape->object.context->status != REEL_OK) return REEL_NIL;
    const node *first = single_node(tape, a);
    if (!first) return REEL_NIL;
    const node *second = count == 2 ? single_node(tape, b) : first;
    if (!second || !tape_has_room(tape, site)) return REEL_NIL;
    node *n = tape_node(tape, tape->count);
    tape_number *y = &n->scalar.number;
    n->operand.few[0] = a.index;
    n->operand.few[1] = count == 2 ? b.index : a.index;
    n->generation = tape->generation;
    n->pass = 0;
    n->base = tape->count;
    n->count = (uint16_t)count;
    n->kind = NODE_NUMBER;
    n->wants = (first->wants | second->wants) & tape->gradients;
    n->single = true;
    n->rest = 0;
    n->array.data = &y->value;
    n->array.size = 1;
    n->array.rank = 0;
    n->array.dtype = tape->dtype;
    y->backward = kernel->backward;
    if (p) {
        y->p[0] = p[0];
        y->p[1] = p[1];
    }
    n->op = op;
    n->site = site;
    n->payload = p ? y->p : NULL;
    const reel_value value = {tape, tape->count++, tape->generation};
    kernel->forward(first->array.data, second->array.data, y);
    return value;
}

/* The kernels of the tape that an operation is recorded on. */
static inline const kernels *call_kernels(const reel_call *call)
{
    return call->tape->kernels;
}

#endif
