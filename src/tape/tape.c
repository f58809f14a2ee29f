/* SPDX-License-Identifier: MIT
 *
 * The tape: life, leaves, marks, and what can be read from a value.
 */
#include "tape/tape.h"

#include <math.h>
#include <string.h>

/* Nodes begin at a cache line of the block that holds them. This stands behind them. */
typedef struct node_chunk {
    void *block;
    struct node_chunk *older;
} node_chunk;

static size_t nodes_bytes(const reel_tape *tape)
{
    return NODE_CHUNK * tape->stride;
}

static size_t block_bytes(const reel_tape *tape)
{
    return nodes_bytes(tape) + NODE_ALIGN + sizeof(node_chunk);
}

static void tape_destroy(reel_object *object)
{
    reel_tape *tape = (reel_tape *)object;
    for (node_chunk *chunk = tape->newest_chunk, *older; chunk; chunk = older) {
        older = chunk->older;
        memory_free(object->context, chunk->block, block_bytes(tape));
    }
    memory_free(object->context, tape->chunks, tape->chunk_capacity * sizeof *tape->chunks);
    arena_free(&tape->memory);
    object_release(object, sizeof *tape);
}

reel_tape *reel_tape_new(const char *site, reel_context *context, reel_dtype dtype)
{
    if (dtype != REEL_FLOAT && dtype != REEL_DOUBLE) {
        reel_error_set(context, REEL_BAD_DTYPE, site, "tape_new", "found %s, expected float32 or float64",
                       reel_dtype_name(dtype));
        return NULL;
    }
    reel_tape *tape = object_new(context, site, "tape_new", sizeof *tape, tape_destroy);
    if (!tape) return NULL;
    tape->dtype = dtype;
    tape->element = (uint32_t)element_size(dtype);
    tape->stride = NODE_HEAD + 2 * (size_t)tape->element;
    tape->kernels = kernels_get(dtype);
    tape->numbers = tape->kernels->number;
    tape->wants = NODE_WANTS;
    tape->training = true;
    tape->generation = 1;
    tape->newest_param = NO_OPERAND;
    arena_init(&tape->memory, context);
    return tape;
}

void reel_tape_free(reel_tape *tape)
{
    object_free(tape);
}

reel_dtype reel_tape_dtype(const reel_tape *tape)
{
    return tape ? tape->dtype : REEL_FLOAT;
}

reel_context *reel_tape_context(const reel_tape *tape)
{
    return tape ? tape->object.context : NULL;
}

int64_t reel_tape_length(const reel_tape *tape)
{
    return tape ? tape->count : 0;
}

/* To be called when the tape gets shorter. */
static void seek(reel_tape *tape)
{
    const uint32_t chunk = tape->count / NODE_CHUNK;
    tape->limit = chunk < tape->chunk_count ? (chunk + 1) * NODE_CHUNK : tape->count;
    if (tape->count < tape->limit) tape->next = tape_node(tape, tape->count);
}

void reel_tape_rewind(reel_tape *tape)
{
    if (!tape) return;
    tape->count = 0;
    tape->pass = 0;
    tape->newest_param = NO_OPERAND;
    tape->generation++;
    tape->rewinds++;
    seek(tape);
    arena_rewind(&tape->memory);
}

reel_mark reel_tape_mark(const reel_tape *tape)
{
    if (!tape) return (reel_mark){0};
    arena_mark m = arena_mark_here(&tape->memory);
    return (reel_mark){tape->count, tape->rewinds, m.chunk, m.next, m.used, tape->generation, tape->walks};
}

/* Generations only grow along the tape: is all that stands before the mark what stood there when it was taken? */
static bool mark_is_good(const reel_tape *tape, const reel_mark *mark)
{
    if (mark->rewinds != tape->rewinds || mark->count > tape->count || mark->used > arena_used(&tape->memory))
        return false;
    return mark->count == 0 || tape_node(tape, mark->count - 1)->generation <= mark->generation;
}

/* Gradients of recorded values whose memory a release has given back. */
static void drop_gradients(reel_tape *tape)
{
    for (uint32_t i = 0; i < tape->count; i++) {
        node *n = tape_node(tape, i);
        if (n->kind != NODE_OPERATION || !n->gradient || arena_holds(&tape->memory, n->gradient)) continue;
        n->gradient = NULL;
        n->pass = 0;
    }
}

reel_status reel_tape_release(const char *site, reel_tape *tape, reel_mark mark)
{
    if (!tape) return REEL_BAD_ARGUMENT;
    if (!mark_is_good(tape, &mark))
        return reel_error_set(tape->object.context, REEL_BAD_STATE, site, "tape_release",
                              "the mark was taken after what is on the tape now; marks are released newest first, and "
                              "not across a rewind");
    while (tape->newest_param != NO_OPERAND && tape->newest_param >= mark.count)
        tape->newest_param = tape_node(tape, tape->newest_param)->rest->operand.few[0];
    tape->count = mark.count;
    seek(tape);
    tape->generation++;
    arena_release(&tape->memory, (arena_mark){mark.chunk, mark.next, mark.used});
    if (mark.walks != tape->walks) drop_gradients(tape);
    return REEL_OK;
}

bool reel_tape_set_gradients(reel_tape *tape, bool on)
{
    if (!tape) return false;
    bool before = tape->wants;
    tape->wants = on ? NODE_WANTS : 0;
    return before;
}

bool reel_tape_set_training(reel_tape *tape, bool on)
{
    if (!tape) return false;
    bool before = tape->training;
    tape->training = on;
    return before;
}

bool reel_tape_training(const reel_tape *tape)
{
    return tape && tape->training;
}

void reel_tape_set_rng(reel_tape *tape, reel_rng *rng)
{
    if (tape) tape->rng = rng;
}

static bool add_chunk(reel_tape *tape, const char *site)
{
    reel_context *context = tape->object.context;
    if (tape->chunk_count == tape->chunk_capacity) {
        uint32_t capacity = tape->chunk_capacity ? 2 * tape->chunk_capacity : 8;
        uintptr_t *grown = memory_resize(context, site, "tape", tape->chunks, tape->chunk_capacity * sizeof *grown,
                                         capacity * sizeof *grown);
        if (!grown) return false;
        tape->chunks = grown;
        tape->chunk_capacity = capacity;
    }
    char *block = memory_new(context, site, "tape", block_bytes(tape));
    if (!block) return false;
    char *nodes = block + (-(uintptr_t)block & (NODE_ALIGN - 1));
    node_chunk *chunk = (node_chunk *)(void *)(nodes + nodes_bytes(tape));
    *chunk = (node_chunk){block, tape->newest_chunk};
    tape->newest_chunk = chunk;
    tape->chunks[tape->chunk_count] = (uintptr_t)nodes - tape->chunk_count * nodes_bytes(tape);
    tape->chunk_count++;
    return true;
}

bool tape_grow(reel_tape *tape, const char *site)
{
    if (tape->count >= NO_OPERAND - NODE_CHUNK) {
        reel_error_set(tape->object.context, REEL_NO_MEMORY, site, "tape", "more than 2^32 values recorded");
        return false;
    }
    if (tape->count / NODE_CHUNK == tape->chunk_count && !add_chunk(tape, site)) return false;
    seek(tape);
    return true;
}

/* A leaf with a `rest`; the caller sets its array. */
static inline node *leaf(reel_tape *tape, const char *site, node_kind kind)
{
    if (!tape_has_room(tape, site)) return NULL;
    node_rest *rest = arena_take(&tape->memory, sizeof *rest);
    if (!rest) return NULL;
    rest->op = NULL;
    rest->site = site;
    rest->payload = NULL;
    rest->base = tape->count;
    rest->count = 0;
    node *n = tape->next;
    n->rest = rest;
    n->kind = (uint8_t)kind;
    return n;
}

static inline reel_value finish(reel_tape *tape, node *n, bool wants)
{
    return node_finish(tape, n, wants ? tape->wants : 0);
}

static reel_value leaf_of_array(const char *site, reel_tape *tape, const reel_array *array, bool variable)
{
    const char *who = variable ? "variable" : "input";
    if (!tape || context_failed(tape->object.context)) return REEL_NIL;
    reel_context *context = tape->object.context;
    if (!array || (!array->data && array->size > 0) || array->rank < 0 || array->rank > REEL_MAX_RANK ||
        shape_size(array->dtype, array->rank, array->shape) != array->size)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there is no valid array"), REEL_NIL;
    bool real = array->dtype == REEL_FLOAT || array->dtype == REEL_DOUBLE;
    if (variable && !real)
        return reel_error_set(context, REEL_BAD_DTYPE, site, who, "found %s, expected float32 or float64",
                              reel_dtype_name(array->dtype)),
               REEL_NIL;
    node *n = leaf(tape, site, variable ? NODE_VARIABLE : NODE_INPUT);
    if (!n) return REEL_NIL;
    reel_array *own = &n->rest->array;
    *own = *array;
    if (real && array->dtype != tape->dtype) {
        own->dtype = tape->dtype;
        own->data = arena_take(&tape->memory, (size_t)array->size * reel_dtype_size(tape->dtype));
        if (!own->data) return REEL_NIL;
        array_convert(own, array);
    }
    /* The gradient of a variable stays as long as the variable, whatever is released after a walk back. */
    void *gradient = NULL;
    if (variable && tape->wants) {
        gradient = arena_take(&tape->memory, (size_t)own->size * tape->element);
        if (!gradient) return REEL_NIL;
    }
    const reel_value value = finish(tape, n, variable);
    n->gradient = gradient;
    return value;
}

reel_value reel_input(const char *site, reel_tape *tape, const reel_array *array)
{
    return leaf_of_array(site, tape, array, false);
}

reel_value reel_variable(const char *site, reel_tape *tape, const reel_array *array)
{
    return leaf_of_array(site, tape, array, true);
}

reel_value reel_scalar(const char *site, reel_tape *tape, double number)
{
    if (!tape || context_failed(tape->object.context) || !tape_has_room(tape, site)) return REEL_NIL;
    node *n = tape->next;
    n->site = site;
    n->generation = tape->generation;
    n->state = NODE_STATE(NODE_SINGLE | NODE_COMPACT, NODE_SCALAR, 0);
    if (tape->dtype == REEL_FLOAT)
        n->single[0] = (float)number;
    else
        n->twice[0] = number;
    return tape_push(tape);
}

reel_value reel_param(const char *site, reel_tape *tape, reel_params *params, int index)
{
    if (!tape || !params || context_failed(tape->object.context)) return REEL_NIL;
    reel_context *context = tape->object.context;
    if (params->dtype != tape->dtype)
        return reel_error_set(context, REEL_BAD_DTYPE, site, "param", "found parameters of %s on a tape of %s",
                              reel_dtype_name(params->dtype), reel_dtype_name(tape->dtype)),
               REEL_NIL;
    if (index < 0 || index >= params->values.count)
        return reel_error_set(context, REEL_BAD_INDEX, site, "param", "found parameter %d, expected 0 to %d", index,
                              params->values.count - 1),
               REEL_NIL;
    if (!params->sealed && reel_params_seal(site, params) != REEL_OK) return REEL_NIL;
    node *n = leaf(tape, site, NODE_PARAMETER);
    if (!n) return REEL_NIL;
    const slice *s = &params->values.slices[index];
    node_rest *rest = n->rest;
    rest->array.size = s->size;
    rest->array.rank = s->rank;
    rest->array.dtype = params->dtype;
    rest->array.data = (char *)params->values.data + (size_t)s->offset * element_size(params->dtype);
    memcpy(rest->array.shape, s->shape, sizeof s->shape);
    rest->payload = params;
    rest->version = params->version;
    rest->base = (uint32_t)index;
    rest->operand.few[0] = tape->newest_param;
    tape->newest_param = tape->count;
    return finish(tape, n, s->trainable);
}

bool reel_is_nil(reel_value value)
{
    return !value_node(value);
}

bool reel_wants_gradient(reel_value value)
{
    const node *n = value_node(value);
    return n && node_wants(n);
}

double reel_item(const char *site, reel_value value)
{
    const node *n = value_node(value);
    if (!n) return NAN;
    reel_array room, *a = node_array_at(value.tape, n, &room);
    if (a->size != 1) {
        char text[SHAPE_TEXT_SIZE];
        reel_error_set(value.tape->object.context, REEL_BAD_SHAPE, site, "item", "found shape %s, expected one element",
                       shape_text(text, a));
        return NAN;
    }
    return reel_array_get(a, 0);
}

reel_array reel_data(reel_value value)
{
    const node *n = value_node(value);
    return n ? node_array(value.tape, n) : (reel_array){0};
}

reel_array reel_gradient(reel_value value)
{
    const node *n = value_node(value);
    if (!n) return (reel_array){0};
    if (n->kind == NODE_PARAMETER) return reel_params_gradient(n->rest->payload, (int)n->rest->base);
    const reel_tape *tape = value.tape;
    reel_array gradient = node_array(tape, n);
    const node *base = n->flags & NODE_COMPACT ? n : tape_node(tape, n->rest->base);
    if (base->kind == NODE_PARAMETER) {
        gradient.data = reel_params_gradient(base->rest->payload, (int)base->rest->base).data;
    } else {
        bool written = base->pass && (base->kind == NODE_VARIABLE || base->pass == tape->pass);
        gradient.data = node_wants(n) && written ? node_gradient(tape, base) : NULL;
    }
    return gradient;
}

const reel_op *node_op(const node *n)
{
    if (node_is_number(n)) return number_op((node_kind)n->kind, n->which);
    return n->flags & NODE_COMPACT ? NULL : n->rest->op;
}

const char *node_site(const node *n)
{
    if (!(n->flags & NODE_COMPACT)) return n->rest->site;
    return n->flags & NODE_PARAMETERS ? n->parameters->site : n->site;
}

void *node_attributes(const node *n)
{
    if (!(n->flags & NODE_COMPACT)) return n->rest->payload;
    return n->flags & NODE_PARAMETERS ? n->parameters->p : NULL;
}

reel_array node_array(const reel_tape *tape, const node *n)
{
    if (!(n->flags & NODE_COMPACT)) return n->rest->array;
    return (reel_array){.data = node_data(n), .size = 1, .rank = 0, .dtype = tape->dtype};
}
