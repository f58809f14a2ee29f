/* SPDX-License-Identifier: MIT
 *
 * Recording an operation.
 */
#include "tape/tape.h"

#include <stdio.h>
#include <string.h>

#define FEW_OPERANDS 16 /* operand tables up to this size stand on the stack */

static void handle_error(reel_tape *tape, const reel_op *op, const char *site, int i, reel_value v)
{
    const char *what = v.tape != tape ? "belongs to another tape" : "is older than the last rewind or release";
    reel_error_set(tape->object.context, REEL_BAD_HANDLE, site, op->name, "operand %d %s", i + 1, what);
}

/* The tape of the first operand that is not nil; NULL when a required one is nil. */
static inline reel_tape *tape_of(const reel_op *op, int count, const reel_value *operands)
{
    const int required = op->least < count ? op->least : count;
    for (int i = 0; i < required; i++)
        if (!operands[i].tape) return NULL;
    for (int i = 0; i < count; i++)
        if (operands[i].tape) return operands[i].tape;
    return NULL;
}

/* Result memory: its own, or operand 0's. */
static inline bool place_result(reel_tape *tape, node_rest *own, const reel_array *in)
{
    if (own->op->flags & REEL_OP_SHARES_VALUE) {
        own->array.data = in->data;
        if (own->op->flags & REEL_OP_SHARES_GRADIENT) {
            const node *of = tape_node(tape, own->operand.few[0]);
            own->base = of->kind == NODE_OPERATION ? of->rest->base : own->operand.few[0];
        }
        return true;
    }
    own->array.data = arena_take(&tape->memory, (size_t)own->array.size * element_size(own->array.dtype));
    return own->array.data != NULL;
}

/* Where operands are looked up; tables up to FEW_OPERANDS stand on the stack. */
typedef struct operands {
    const reel_array **in;
    reel_array *rooms; /* for those that have no array of their own */
    uint32_t *indices;
    unsigned flags; /* of all of them, together */
} operands;

/* Looks the operands up. False with an error when a handle is stale or of another tape. */
static inline bool take_operands(reel_tape *tape, const char *site, const reel_op *op, int count,
                                 const reel_value *values, operands *o)
{
    for (int i = 0; i < count; i++) {
        reel_value v = values[i];
        if (!v.tape) {
            o->in[i] = NULL;
            o->indices[i] = NO_OPERAND;
            continue;
        }
        const node *n = v.tape == tape ? value_node(v) : NULL;
        if (!n) {
            handle_error(tape, op, site, i, v);
            return false;
        }
        o->in[i] = node_array_at(tape, n, &o->rooms[i]);
        o->indices[i] = v.index;
        o->flags |= n->flags;
    }
    return true;
}

/* The shape rule, memory for the result, forward. */
static inline bool compute(reel_call *call, node_rest *own)
{
    const reel_op *op = own->op;
    reel_status status = op->shape(call);
    if (status != REEL_OK) goto failed;
    if (own->array.rank > 0) {
        own->array.size = shape_size(own->array.dtype, own->array.rank, own->array.shape);
        if (own->array.size < 0) {
            reel_call_fail(call, REEL_BAD_SHAPE, "the result would have too many elements");
            return false;
        }
    }
    if (!place_result(call->tape, own, call->in[0])) return false;
    if (op->flags & REEL_OP_SHARES_VALUE) return true;
    status = op->forward(call);
    if (status == REEL_OK) return true;
failed:
    /* A rule that failed without a sentence still leaves an error. */
    reel_error_set(call->tape->object.context, status, call->site, op->name, "%s", reel_status_text(status));
    return false;
}

reel_value reel_record(const char *site, const reel_op *op, int count, const reel_value *values, const void *attributes)
{
    reel_tape *tape = tape_of(op, count, values);
    if (!tape) return REEL_NIL;
    reel_context *context = tape->object.context;
    if (context->status != REEL_OK) return REEL_NIL;
    if (count < op->least || count > op->most)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, op->name, "found %d operands, expected %d to %d", count,
                              op->least, op->most),
               REEL_NIL;
    if (!tape_has_room(tape, site)) return REEL_NIL;
    node_rest *own = arena_take(&tape->memory, sizeof *own + op->attributes_size);
    if (!own) return REEL_NIL;
    const reel_array *few_in[FEW_OPERANDS];
    reel_array few_rooms[FEW_OPERANDS];
    operands o;
    o.in = few_in;
    o.rooms = few_rooms;
    o.indices = own->operand.few;
    o.flags = 0;
    if (count > FEW_OPERANDS) {
        o.in = arena_take(&tape->memory, (size_t)count * sizeof *o.in);
        o.rooms = arena_take(&tape->memory, (size_t)count * sizeof *o.rooms);
    }
    if (count > REST_OPERANDS)
        o.indices = own->operand.many = arena_take(&tape->memory, (size_t)count * sizeof *o.indices);
    if (!o.in || !o.rooms || !o.indices) return REEL_NIL;
    if (!take_operands(tape, site, op, count, values, &o)) return REEL_NIL;
    own->array.size = 1;
    own->array.rank = 0;
    own->array.dtype = tape->dtype;
    own->op = op;
    own->site = site;
    own->payload = op->attributes_size ? own + 1 : NULL;
    own->base = tape->count;
    own->count = count;
    unsigned wants = op->backward || op->flags & REEL_OP_SHARES_GRADIENT ? o.flags & tape->wants : 0;
    if (op->attributes_size) memcpy(own->payload, attributes, op->attributes_size);
    reel_call call;
    call.op = op;
    call.tape = tape;
    call.site = site;
    call.attributes = own->payload;
    call.out = &own->array;
    call.in = o.in;
    call.count = count;
    call.training = tape->training;
    call.wants_gradient = wants;
    call.rng = tape->rng;
    call.out_gradient = NULL;
    call.in_gradient = NULL;
    call.add = NULL;
    if (!compute(&call, own)) return REEL_NIL;
    node *n = tape->next;
    n->rest = own;
    n->kind = NODE_OPERATION;
    return node_finish(tape, n, wants);
}

void *reel_call_scratch(reel_call *call, size_t bytes)
{
    return arena_take(&call->tape->memory, bytes < ARENA_ALIGN ? ARENA_ALIGN : bytes);
}

reel_status reel_call_fail(reel_call *call, reel_status status, const char *format, ...)
{
    char sentence[ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return reel_error_set(call->tape->object.context, status, call->site, call->op->name, "%s", sentence);
}
