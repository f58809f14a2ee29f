/* SPDX-License-Identifier: MIT
 *
 * The walk back: reverse accumulation over the tape, newest value first.
 */
#include "tape/numbers.h"

#include <string.h>

#define FEW_OPERANDS 16

/* Opens a store the first time a walk reaches it. What a step has consumed is not marked as written any more. */
static void open_params(reel_params *params, reel_params **open)
{
    if (params->state == GRADIENT_OPEN) return;
    params->state = GRADIENT_OPEN;
    params->next_open = *open;
    *open = params;
}

/* Ends the walk: what nothing contributed to is zero. A failed walk leaves no gradient. */
static void close_params(reel_params *open, bool good)
{
    for (reel_params *next; open; open = next) {
        next = open->next_open;
        open->next_open = NULL;
        if (!good) {
            reel_params_drop_gradient(open);
            continue;
        }
        size_t element = element_size(open->dtype);
        for (int i = 0; i < open->values.count; i++) {
            slice *s = &open->values.slices[i];
            if (s->written) continue;
            memset((char *)open->gradient + (size_t)s->offset * element, 0, (size_t)s->size * element);
            s->written = true;
        }
        open->state = GRADIENT_FRESH;
    }
}

static inline target first_of(reel_tape *tape, node *n, reel_params **open)
{
    if (n->kind == NODE_OPERATION) n = tape_node(tape, n->rest->base);
    bool add = n->pass == tape->pass;
    if (n->kind == NODE_PARAMETER) {
        reel_params *params = n->rest->payload;
        open_params(params, open);
        slice *s = &params->values.slices[n->rest->base];
        add = s->written;
        s->written = true;
        n->gradient = (char *)params->gradient + (size_t)s->offset * element_size(params->dtype);
    } else if (n->kind == NODE_VARIABLE) {
        add = n->pass != 0; /* adds up over walks; everything else starts anew in each */
    }
    void *to = node_gradient(tape, n);
    if (!to) to = n->gradient = arena_take(&tape->memory, (size_t)n->rest->array.size * tape->element);
    if (to) n->pass = (uint8_t)tape->pass; /* what has none was not written by this walk */
    return (target){to, add};
}

target first_target(reel_tape *tape, node *n, reel_params **open)
{
    return first_of(tape, n, open);
}

static reel_status check_versions(const reel_tape *tape, const char *site, uint32_t last)
{
    const node *n;
    for (uint32_t i = tape->newest_param; i != NO_OPERAND; i = n->rest->operand.few[0]) {
        n = tape_node(tape, i);
        const reel_params *params = n->rest->payload;
        if (i <= last && node_wants(n) && n->rest->version != params->version)
            return reel_error_set(tape->object.context, REEL_BAD_STATE, site, "backward",
                                  "parameter \"%s\" was changed after it was recorded at %s: record again first",
                                  params->values.slices[n->rest->base].name, n->rest->site ? n->rest->site : "?");
    }
    return REEL_OK;
}

static reel_status walk_node(reel_tape *tape, node *n, reel_params **open)
{
    const reel_array *few_in[FEW_OPERANDS], **in = few_in;
    reel_array few_rooms[FEW_OPERANDS], *rooms = few_rooms;
    void *few_gradient[FEW_OPERANDS], **gradient = few_gradient;
    bool few_add[FEW_OPERANDS], *add = few_add;
    const node_rest *own = n->rest;
    int count = own->count;
    if (count > FEW_OPERANDS) {
        in = arena_take(&tape->memory, (size_t)count * sizeof *in);
        rooms = arena_take(&tape->memory, (size_t)count * sizeof *rooms);
        gradient = arena_take(&tape->memory, (size_t)count * sizeof *gradient);
        add = arena_take(&tape->memory, (size_t)count * sizeof *add);
        if (!in || !rooms || !gradient || !add) return REEL_NO_MEMORY;
    }
    const uint32_t *indices = node_operands(n);
    for (int i = 0; i < count; i++) {
        in[i] = NULL;
        gradient[i] = NULL;
        add[i] = false;
        if (indices[i] == NO_OPERAND) continue;
        node *operand = tape_node(tape, indices[i]);
        in[i] = node_array_at(tape, operand, &rooms[i]);
        if (!node_wants(operand)) continue;
        const uint8_t pass = (uint8_t)tape->pass;
        const bool first = !(operand->flags & NODE_COMPACT) && operand->pass != pass;
        target t = first ? first_of(tape, operand, open) : target_of(tape, operand, pass, tape->element, open);
        if (!t.to) return REEL_NO_MEMORY;
        gradient[i] = t.to;
        add[i] = t.add;
    }
    reel_call call;
    call.op = own->op;
    call.tape = tape;
    call.site = own->site;
    call.attributes = own->payload;
    call.out = &n->rest->array;
    call.in = in;
    call.count = count;
    call.training = tape->training;
    call.wants_gradient = true;
    call.rng = tape->rng;
    call.out_gradient = n->gradient;
    call.in_gradient = gradient;
    call.add = add;
    reel_status status = own->op->backward(&call);
    if (status != REEL_OK && !context_failed(tape->object.context))
        reel_error_set(tape->object.context, status, own->site, own->op->name, "backward: %s",
                       reel_status_text(status));
    return tape->object.context->status;
}

/* A node notes the walk that wrote its gradient in a byte: when they have all been used, older walks become one. */
static void begin_pass(reel_tape *tape)
{
    tape->walks++;
    if (tape->pass == PASS_MOST) {
        for (uint32_t i = 0; i < tape->count; i++) {
            node *n = tape_node(tape, i);
            n->pass = n->pass != 0;
        }
        tape->pass = 1;
    }
    tape->pass++;
}

/* All that is recorded up to node `last`, newest first. */
static reel_status walk_nodes(reel_tape *tape, uint32_t last, reel_params **open)
{
    for (uint32_t left = last + 1; left > 0; left--) {
        node *n = tape_node(tape, left - 1);
        if (n->pass != tape->pass) continue;
        if (node_is_number(n)) {
            left = tape->numbers->walk(tape, left, open);
            if (left == 0) break;
            n = tape_node(tape, left - 1);
            if (node_is_number(n)) return REEL_NO_MEMORY;
        }
        if (n->kind != NODE_OPERATION || n->rest->op->flags & REEL_OP_SHARES_GRADIENT) continue;
        reel_status status = walk_node(tape, n, open);
        if (status != REEL_OK) return status;
    }
    return REEL_OK;
}

/* The gradient the walk starts with: the seed's, or 1. False with an error kept when memory is short. */
static bool start_gradient(reel_tape *tape, node *root, const reel_array *seed, reel_params **open)
{
    const target start = target_of(tape, root, (uint8_t)tape->pass, tape->element, open);
    const bool add = start.add;
    reel_array room, to = {.data = start.to, .dtype = tape->dtype};
    if (!to.data) return false;
    to.size = node_array_at(tape, root, &room)->size;
    for (int64_t i = 0; add && i < to.size; i++) {
        double x = seed ? reel_array_get(seed, i) : 1;
        if (to.dtype == REEL_FLOAT)
            ((float *)to.data)[i] += (float)x;
        else
            ((double *)to.data)[i] += x;
    }
    if (!add && seed && to.size) array_convert(&to, seed);
    if (!add && !seed && to.dtype == REEL_FLOAT) *(float *)to.data = 1;
    if (!add && !seed && to.dtype == REEL_DOUBLE) *(double *)to.data = 1;
    return true;
}

static reel_status walk(const char *site, reel_value from, const reel_array *seed)
{
    reel_tape *tape = from.tape;
    if (check_versions(tape, site, from.index) != REEL_OK) return tape->object.context->status;
    begin_pass(tape);
    reel_params *open = NULL;
    reel_status status = REEL_NO_MEMORY;
    if (start_gradient(tape, tape_node(tape, from.index), seed, &open)) status = walk_nodes(tape, from.index, &open);
    close_params(open, status == REEL_OK);
    return status;
}

reel_status reel_backward_from(const char *site, reel_value value, const reel_array *seed)
{
    if (!value.tape) return REEL_BAD_HANDLE;
    reel_context *context = value.tape->object.context;
    if (context_failed(context)) return context->status;
    const node *n = value_node(value);
    if (!n)
        return reel_error_set(context, REEL_BAD_HANDLE, site, "backward",
                              "the value is older than the last rewind or release");
    char text[SHAPE_TEXT_SIZE], seed_text[SHAPE_TEXT_SIZE];
    reel_array room;
    const reel_array *own = node_array_at(value.tape, n, &room);
    if (!node_wants(n))
        return reel_error_set(context, REEL_BAD_STATE, site, "backward",
                              "the value %s depends on no parameter or variable, or was recorded without gradients",
                              shape_text(text, own));
    if (!seed && own->size != 1)
        return reel_error_set(context, REEL_BAD_SHAPE, site, "backward",
                              "found shape %s, expected one element (a loss; sum or mean makes one)",
                              shape_text(text, own));
    if (seed &&
        ((seed->dtype != REEL_FLOAT && seed->dtype != REEL_DOUBLE) || seed->size != own->size ||
         seed->rank != own->rank || memcmp(seed->shape, own->shape, (size_t)seed->rank * sizeof *seed->shape) != 0))
        return reel_error_set(context, REEL_BAD_SHAPE, site, "backward", "found a seed of %s %s, expected %s of reals",
                              reel_dtype_name(seed->dtype), shape_text(seed_text, seed), shape_text(text, own));
    return walk(site, value, seed);
}

reel_status reel_backward(const char *site, reel_value loss)
{
    return reel_backward_from(site, loss, NULL);
}
