/* SPDX-License-Identifier: MIT
 *
 * The walk back: reverse accumulation over the tape, newest value first.
 */
#include "tape/tape.h"

#include <string.h>

#define FEW_OPERANDS 16

/* Opens a store the first time a walk reaches it: gradients a step has consumed will be written over. */
static void open_params(reel_params *params, reel_params **open)
{
    if (params->state == GRADIENT_OPEN) return;
    if (params->state == GRADIENT_NONE)
        for (int i = 0; i < params->values.count; i++) params->values.slices[i].written = false;
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

/* Where a contribution to node n goes, and whether it is added. NULL with an error kept when memory is short. */
static inline void *gradient_target(reel_tape *tape, node *n, bool *add, reel_params **open)
{
    if (n->kind == NODE_NUMBER) {
        *add = n->pass == tape->pass;
        n->pass = tape->pass;
        return &n->scalar.number.gradient;
    }
    if (n->kind == NODE_OPERATION) n = tape_node(tape, n->base);
    if (n->kind == NODE_PARAMETER) {
        reel_params *params = n->payload;
        open_params(params, open);
        slice *s = &params->values.slices[n->base];
        *add = s->written;
        s->written = true;
        return (char *)params->gradient + (size_t)s->offset * element_size(params->dtype);
    }
    if (n->kind != NODE_NUMBER && !n->gradient) {
        n->gradient = arena_take(&tape->memory, (size_t)n->array.size * element_size(tape->dtype));
        if (!n->gradient) return NULL;
    }
    /* A variable adds up over walks, everything else starts anew in each. */
    *add = n->kind == NODE_VARIABLE ? n->pass != 0 : n->pass == tape->pass;
    n->pass = tape->pass;
    return node_gradient(n);
}

static reel_status check_versions(const reel_tape *tape, const char *site, uint32_t last)
{
    const node *n;
    for (uint32_t i = tape->newest_param; i != NO_OPERAND; i = n->operand.few[0]) {
        n = tape_node(tape, i);
        const reel_params *params = n->payload;
        if (i <= last && n->wants && n->pass != params->version)
            return reel_error_set(tape->object.context, REEL_BAD_STATE, site, "backward",
                                  "parameter \"%s\" was changed after it was recorded at %s: record again first",
                                  params->values.slices[n->base].name, n->site ? n->site : "?");
    }
    return REEL_OK;
}

static inline reel_status walk_number(reel_tape *tape, const node *n, reel_params **open)
{
    node *a = tape_node(tape, n->operand.few[0]), *b = tape_node(tape, n->operand.few[1]);
    void *to_a = NULL, *to_b = NULL;
    bool add_a = false, add_b = false;
    if (a->wants && !(to_a = gradient_target(tape, a, &add_a, open))) return REEL_NO_MEMORY;
    if (n->count == 2 && b->wants && !(to_b = gradient_target(tape, b, &add_b, open))) return REEL_NO_MEMORY;
    n->scalar.number.backward(&n->scalar.number, a->array.data, b->array.data, to_a, to_b,
                              add_a | (unsigned)add_b << 1);
    return REEL_OK;
}

static inline reel_status walk_node(reel_tape *tape, node *n, reel_params **open)
{
    const reel_array *few_in[FEW_OPERANDS], **in = few_in;
    void *few_gradient[FEW_OPERANDS], **gradient = few_gradient;
    bool few_add[FEW_OPERANDS], *add = few_add;
    int count = n->count;
    if (count > FEW_OPERANDS) {
        in = arena_take(&tape->memory, (size_t)count * sizeof *in);
        gradient = arena_take(&tape->memory, (size_t)count * sizeof *gradient);
        add = arena_take(&tape->memory, (size_t)count * sizeof *add);
        if (!in || !gradient || !add) return REEL_NO_MEMORY;
    }
    const uint32_t *indices = node_operands(n);
    for (int i = 0; i < count; i++) {
        in[i] = NULL;
        gradient[i] = NULL;
        add[i] = false;
        if (indices[i] == NO_OPERAND) continue;
        node *operand = tape_node(tape, indices[i]);
        in[i] = &operand->array;
        if (!operand->wants) continue;
        gradient[i] = gradient_target(tape, operand, &add[i], open);
        if (!gradient[i]) return REEL_NO_MEMORY;
    }
    reel_call call;
    call.op = n->op;
    call.tape = tape;
    call.site = n->site;
    call.attributes = n->payload;
    call.out = &n->array;
    call.in = in;
    call.count = count;
    call.training = tape->training;
    call.wants_gradient = true;
    call.rng = tape->rng;
    call.out_gradient = n->gradient;
    call.in_gradient = gradient;
    call.add = add;
    reel_status status = n->op->backward(&call);
    if (status != REEL_OK && !context_failed(tape->object.context))
        reel_error_set(tape->object.context, status, n->site, n->op->name, "backward: %s", reel_status_text(status));
    return tape->object.context->status;
}

static reel_status walk(const char *site, reel_value from, const reel_array *seed)
{
    reel_tape *tape = from.tape;
    node *root = tape_node(tape, from.index);
    if (check_versions(tape, site, from.index) != REEL_OK) return tape->object.context->status;
    tape->pass++;
    reel_params *open = NULL;
    bool add = false;
    void *target = gradient_target(tape, root, &add, &open);
    reel_status status = target ? REEL_OK : REEL_NO_MEMORY;
    if (target) {
        reel_array to = root->array;
        to.data = target;
        for (int64_t i = 0; add && i < to.size; i++) {
            double x = seed ? reel_array_get(seed, i) : 1;
            if (to.dtype == REEL_FLOAT)
                ((float *)target)[i] += (float)x;
            else
                ((double *)target)[i] += x;
        }
        if (!add && seed && to.size) array_convert(&to, seed);
        if (!add && !seed && to.dtype == REEL_FLOAT) *(float *)target = 1;
        if (!add && !seed && to.dtype == REEL_DOUBLE) *(double *)target = 1;
    }
    const uint32_t pass = tape->pass;
    for (uint32_t left = from.index + 1; status == REEL_OK && left > 0;) {
        node *first = tape_node(tape, (left - 1) / NODE_CHUNK * NODE_CHUNK), *n = tape_node(tape, left - 1);
        left = (left - 1) / NODE_CHUNK * NODE_CHUNK;
        for (; n >= first && status == REEL_OK; n--) {
            if (n->pass != pass) continue;
            if (n->kind == NODE_NUMBER)
                status = walk_number(tape, n, &open);
            else if (n->kind == NODE_OPERATION && !(n->op->flags & REEL_OP_SHARES_GRADIENT))
                status = walk_node(tape, n, &open);
        }
    }
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
    if (!n->wants)
        return reel_error_set(context, REEL_BAD_STATE, site, "backward",
                              "the value %s depends on no parameter or variable, or was recorded without gradients",
                              shape_text(text, &n->array));
    if (!seed && n->array.size != 1)
        return reel_error_set(context, REEL_BAD_SHAPE, site, "backward",
                              "found shape %s, expected one element (a loss; sum or mean makes one)",
                              shape_text(text, &n->array));
    if (seed && ((seed->dtype != REEL_FLOAT && seed->dtype != REEL_DOUBLE) || seed->size != n->array.size ||
                 seed->rank != n->array.rank ||
                 memcmp(seed->shape, n->array.shape, (size_t)seed->rank * sizeof *seed->shape) != 0))
        return reel_error_set(context, REEL_BAD_SHAPE, site, "backward", "found a seed of %s %s, expected %s of reals",
                              reel_dtype_name(seed->dtype), shape_text(seed_text, seed), shape_text(text, &n->array));
    return walk(site, value, seed);
}

reel_status reel_backward(const char *site, reel_value loss)
{
    return reel_backward_from(site, loss, NULL);
}
