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

/* A number is an element-wise operation on values of rank 0, of one operand or two. Programs written in scalars record
 * them by the thousand. */
typedef enum node_kind {
    NODE_BINARY, /* numbers */
    NODE_UNARY,
    NODE_SCALAR, /* leaves */
    NODE_INPUT,
    NODE_VARIABLE,
    NODE_PARAMETER,
    NODE_OPERATION
} node_kind;

/* What a value has besides, unless it is a number or a scalar: in the tape's arena, the attributes behind it. */
#define REST_OPERANDS 4
typedef struct node_rest {
    reel_array array;
    const reel_op *op; /* NULL for a leaf */
    const char *site;
    void *payload; /* operation: its attributes; parameter: its store */
    union {
        uint32_t few[REST_OPERANDS]; /* up to so many, */
        uint32_t *many;              /* or more, in the arena */
    } operand;
    uint32_t base; /* the node whose gradient this one shares: itself, unless it is a reshape; parameter: its slice */
    uint32_t version; /* parameter: its store's when it was recorded */
    int count;        /* operands */
} node_rest;
_Static_assert(sizeof(node_rest) == 2 * ARENA_ALIGN, "what stands behind it is aligned as the arena's memory is");

/* The parameters of a unary number that has any, in the tape's arena. */
typedef struct number_parameters {
    double p[2];
    const char *site;
} number_parameters;

/* One recorded value: 32 bytes on a tape of floats, 40 on one of doubles, so that the values a program in scalars works
 * with stay in the nearest cache. A number and a scalar hold all they are, value and gradient included. */
typedef struct node {
    union {
        uint32_t operand[2]; /* of a number */
        void *data;          /* others: where the elements stand */
    };
    union {
        const char *site;              /* of a number or a scalar, */
        number_parameters *parameters; /* of a number that has some, which holds the site then */
        void *gradient;                /* others: NULL until something contributes to it */
    };
    uint32_t generation;
    union {
        struct {
            uint8_t flags;
            uint8_t kind;  /* node_kind */
            uint8_t which; /* of a number: its row in kernels/elementwise.def */
            uint8_t pass;  /* the walk back that last wrote the gradient; 0: none since it was recorded */
        };
        uint32_t state; /* these four at once: NODE_STATE */
    };
    union {
        float single[2]; /* of a number or a scalar: value and gradient, in the tape's type */
        double twice[2];
        node_rest *rest; /* others */
    };
} node;

enum {
    NODE_WANTS = 1,     /* a gradient flows in */
    NODE_SINGLE = 2,    /* one number of the tape's type, of rank 0 */
    NODE_COMPACT = 4,   /* a number or a scalar: there is no `rest` */
    NODE_PARAMETERS = 8 /* a number with parameters */
};

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define NODE_STATE(flags, kind, which) ((uint32_t)(flags) << 24 | (uint32_t)(kind) << 16 | (uint32_t)(which) << 8)
#else
#define NODE_STATE(flags, kind, which) ((uint32_t)(flags) | (uint32_t)(kind) << 8 | (uint32_t)(which) << 16)
#endif

#define NODE_ALIGN 64 /* of a chunk, so that a node of a tape of floats does not straddle cache lines */
#define NODE_HEAD offsetof(node, single)
_Static_assert(NODE_HEAD == 24 && sizeof(node) == 40, "a node is as small as the text above says");

#define NODE_CHUNK 2048 /* nodes; a chunk is 64 or 80 KB and never moves */
#define NO_OPERAND UINT32_MAX
#define PASS_MOST UINT8_MAX

struct reel_tape {
    reel_object object;
    reel_dtype dtype;
    uint32_t element; /* bytes of a real number */
    size_t stride;    /* bytes of a node */
    uint32_t generation;
    uint32_t count;
    uint32_t limit; /* end of the chunk that is being filled: with so many nodes there is no room for another one */
    uint32_t pass;
    uint8_t wants; /* NODE_WANTS in gradient mode */
    bool training;
    void *next;        /* the node to be filled, while there is room */
    uintptr_t *chunks; /* where node 0 would stand, were all nodes as far apart as those of this chunk */
    const struct number_kernels *numbers;
    const kernels *kernels;
    arena memory;
    uint32_t rewinds;
    uint32_t walks;        /* back, ever */
    uint32_t newest_param; /* the node of the last parameter recorded, NO_OPERAND when none; operand.few[0] of each one
                              is the one before it */
    uint32_t chunk_count, chunk_capacity;
    struct node_chunk *newest_chunk;
    reel_rng *rng;
};

static inline node *tape_node(const reel_tape *tape, uint32_t index)
{
    return (node *)(tape->chunks[index / NODE_CHUNK] + index * tape->stride);
}

/* The node behind a handle; NULL for nil and for a handle that is stale or of another tape. */
static inline node *value_node(reel_value value)
{
    if (!value.tape || value.index >= value.tape->count) return NULL;
    node *n = tape_node(value.tape, value.index);
    return n->generation == value.generation ? n : NULL;
}

/* Room for one more node, at tape->next; false with an error when memory is short. */
bool tape_grow(reel_tape *tape, const char *site);
static inline bool tape_has_room(reel_tape *tape, const char *site)
{
    return tape->count < tape->limit || tape_grow(tape, site);
}

/* The node at tape->next is complete. */
static inline reel_value tape_push(reel_tape *tape)
{
    tape->next = (char *)tape->next + tape->stride;
    return (reel_value){tape, tape->count++, tape->generation};
}

static inline bool node_wants(const node *n)
{
    return n->flags & NODE_WANTS;
}

static inline bool node_is_number(const node *n)
{
    return n->kind <= NODE_UNARY;
}

/* The number of its operands, and their nodes' indices. */
static inline int node_count(const node *n)
{
    if (n->flags & NODE_COMPACT) return n->kind == NODE_BINARY ? 2 : n->kind == NODE_UNARY ? 1 : 0;
    return n->rest->count;
}

static inline const uint32_t *node_operands(const node *n)
{
    if (n->flags & NODE_COMPACT) return n->operand;
    return n->rest->count <= REST_OPERANDS ? n->rest->operand.few : n->rest->operand.many;
}

/* Where the first element stands. */
static inline void *node_data(const node *n)
{
    return n->flags & NODE_COMPACT ? (char *)(uintptr_t)n + NODE_HEAD : n->data;
}

/* Where the gradient stands, or would when anything has contributed to it. */
static inline void *node_gradient(const reel_tape *tape, const node *n)
{
    return n->flags & NODE_COMPACT ? (char *)(uintptr_t)n + NODE_HEAD + tape->element : n->gradient;
}

/* The operation, NULL for a leaf; the call that recorded it; the operation's attributes; the array of its elements. */
const reel_op *node_op(const node *n);
const char *node_site(const node *n);
void *node_attributes(const node *n);
reel_array node_array(const reel_tape *tape, const node *n);

/* The same array where it stands. One that a number does not have is made in `room`. */
static inline reel_array *node_array_at(const reel_tape *tape, const node *n, reel_array *room)
{
    if (!(n->flags & NODE_COMPACT)) return &n->rest->array;
    *room = node_array(tape, n);
    return room;
}

/* The operation of a number; ops/registry.c has it. */
const reel_op *number_op(node_kind kind, int which);

/* Puts a node with a `rest`, whose kind is set, on the tape. wants: NODE_WANTS or 0. */
static inline reel_value node_finish(reel_tape *tape, node *n, unsigned wants)
{
    const reel_array *a = &n->rest->array;
    n->data = a->data;
    n->gradient = NULL;
    n->generation = tape->generation;
    n->flags = (uint8_t)(wants | (a->rank == 0 && a->dtype == tape->dtype ? NODE_SINGLE : 0));
    n->pass = 0;
    return tape_push(tape);
}

/* The kernels of the tape that an operation is recorded on. */
static inline const kernels *call_kernels(const reel_call *call)
{
    return call->tape->kernels;
}

#endif
