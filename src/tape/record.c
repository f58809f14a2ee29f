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
static reel_tape *tape_of(const reel_op *op, int count, const reel_value *operands)
{
    reel_tape *tape = NULL;
    for (int i = 0; i < count; i++) {
        if (operands[i].tape)
            tape = tape ? tape : operands[i].tape;
        else if (i < op->least)
            return NULL;
    }
    return tape;
}

/* Result memory: its own, or operand 0's. */
static inline bool place_result(reel_tape *tape, node *n, const node *first)
{
    if (n->op->flags & REEL_OP_SHARES_VALUE) {
        n->array.data = first->array.data;
        if (n->op->flags & REEL_OP_SHARES_GRADIENT) n->base = first->op ? first->base : node_operands(n)[0];
        return true;
    }
    n->array.data = arena_take(&tape->memory, (size_t)n->array.size * element_size(n->array.dtype));
    return n->array.data != NULL;
}

/* Looks the operands up: arrays, indices, the first one's node; *wants: does any of them want a gradient? False with an
 * error when a handle is stale or of another tape. */
static inline bool take_operands(reel_tape *tape, const char *site, const reel_op *op, int count,
                                 const reel_value *operands, const reel_array **in, uint32_t *indices,
                                 const node **first, bool *wants)
{
    for (int i = 0; i < count; i++) {
        reel_value v = operands[i];
        if (!v.tape) {
            in[i] = NULL;
            indices[i] = NO_OPERAND;
            continue;
        }
        node *operand = v.tape == tape ? value_node(v) : NULL;
        if (!operand) {
            handle_error(tape, op, site, i, v);
            return false;
        }
        if (!*first) *first = operand;
        in[i] = &operand->array;
        indices[i] = v.index;
        *wants |= operand->wants;
    }
    return true;
}

/* The shape rule, memory for the result, forward. */
static bool compute(reel_call *call, node *n, const node *first)
{
    const reel_op *op = n->op;
    reel_status status = op->shape(call);
    if (status != REEL_OK) goto failed;
    if (n->array.rank > 0) {
        n->array.size = shape_size(n->array.dtype, n->array.rank, n->array.shape);
        if (n->array.size < 0) {
            reel_call_fail(call, REEL_BAD_SHAPE, "the result would have too many elements");
            return false;
        }
    }
    if (!place_result(call->tape, n, first)) return false;
    if (op->flags & REEL_OP_SHARES_VALUE) return true;
    status = op->forward(call);
    if (status == REEL_OK) return true;
failed:
    /* A rule that failed without a sentence still leaves an error. */
    reel_error_set(call->tape->object.context, status, call->site, op->name, "%s", reel_status_text(status));
    return false;
}

reel_value reel_record(const char *site, const reel_op *op, int count, const reel_value *operands,
                       const void *attributes)
{
    reel_tape *tape = tape_of(op, count, operands);
    if (!tape) return REEL_NIL;
    reel_context *context = tape->object.context;
    if (context->status != REEL_OK) return REEL_NIL;
    if (count < op->least || count > op->most)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, op->name, "found %d operands, expected %d to %d", count,
                              op->least, op->most),
               REEL_NIL;
    if (!tape_has_room(tape, site)) return REEL_NIL;
    node *n = tape_node(tape, tape->count);
    const reel_array *few[FEW_OPERANDS], **in = few;
    uint32_t *indices = n->operand.few;
    if (count > FEW_OPERANDS) in = arena_take(&tape->memory, (size_t)count * sizeof *in);
    if (count > 2) indices = n->operand.many = arena_take(&tape->memory, (size_t)count * sizeof *indices);
    if (!in || !indices) return REEL_NIL;
    const node *first = NULL;
    bool wants = false;
    if (!take_operands(tape, site, op, count, operands, in, indices, &first, &wants)) return REEL_NIL;
    n->array.size = 1;
    n->array.rank = 0;
    n->array.dtype = tape->dtype;
    n->gradient = NULL;
    n->op = op;
    n->site = site;
    n->payload = NULL;
    n->generation = tape->generation;
    n->pass = 0;
    n->count = (uint16_t)count;
    n->kind = NODE_OPERATION;
    wants = wants && tape->gradients && (op->backward || op->flags & REEL_OP_SHARES_GRADIENT);
    n->base = tape->count;
    if (op->attributes_size) {
        n->payload = arena_take(&tape->memory, op->attributes_size);
        if (!n->payload) return REEL_NIL;
        memcpy(n->payload, attributes, op->attributes_size);
    }
    reel_call call;
    call.op = op;
    call.tape = tape;
    call.site = site;
    call.attributes = n->payload;
    call.out = &n->array;
    call.in = in;
    call.count = count;
    call.training = tape->training;
    call.wants_gradient = wants;
    call.rng = tape->rng;
    call.out_gradient = NULL;
    call.in_gradient = NULL;
    call.add = NULL;
    if (!compute(&call, n, first)) return REEL_NIL;
    n->wants = wants;
    n->rest = 0;
    n->single = n->array.rank == 0 && n->array.dtype == tape->dtype;
    return (reel_value){tape, tape->count++, n->generation};
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
