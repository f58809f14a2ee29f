/* SPDX-License-Identifier: MIT
 *
 * The tape: life, leaves, marks, and what can be read from a value.
 */
#include "tape/tape.h"

#include <math.h>
#include <string.h>

/* A chunk begins at a cache line of the block it is in, which is noted behind it. */
#define CHUNK_BYTES (NODE_CHUNK * sizeof(node) + NODE_ALIGN)

static void **block_of(node *chunk)
{
    return (void **)(void *)(chunk + NODE_CHUNK);
}

static void tape_destroy(reel_object *object)
{
    reel_tape *tape = (reel_tape *)object;
    for (uint32_t i = 0; i < tape->chunk_count; i++)
        memory_free(object->context, *block_of(tape->chunks[i]), CHUNK_BYTES);
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
    tape->kernels = kernels_get(dtype);
    tape->gradients = tape->training = true;
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

void reel_tape_rewind(reel_tape *tape)
{
    if (!tape) return;
    tape->count = 0;
    tape->newest_param = NO_OPERAND;
    tape->generation++;
    tape->rewinds++;
    arena_rewind(&tape->memory);
}

reel_mark reel_tape_mark(const reel_tape *tape)
{
    if (!tape) return (reel_mark){0, 0, NULL, NULL, 0};
    arena_mark m = arena_mark_here(&tape->memory);
    return (reel_mark){tape->count, tape->rewinds, m.chunk, m.next, m.used};
}

reel_status reel_tape_release(const char *site, reel_tape *tape, reel_mark mark)
{
    if (!tape) return REEL_BAD_ARGUMENT;
    if (mark.rewinds != tape->rewinds || mark.count > tape->count || mark.used > tape->memory.used)
        return reel_error_set(tape->object.context, REEL_BAD_STATE, site, "tape_release",
                              "the mark was taken after what is on the tape now; marks are released newest first, and "
                              "not across a rewind");
    while (tape->newest_param != NO_OPERAND && tape->newest_param >= mark.count)
        tape->newest_param = tape_node(tape, tape->newest_param)->operand.few[0];
    tape->count = mark.count;
    tape->generation++;
    arena_release(&tape->memory, (arena_mark){mark.chunk, mark.next, mark.used});
    return REEL_OK;
}

bool reel_tape_set_gradients(reel_tape *tape, bool on)
{
    if (!tape) return false;
    bool before = tape->gradients;
    tape->gradients = on;
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
        node **grown = memory_resize(context, site, "tape", tape->chunks, tape->chunk_capacity * sizeof *grown,
                                     capacity * sizeof *grown);
        if (!grown) return false;
        tape->chunks = grown;
        tape->chunk_capacity = capacity;
    }
    char *block = memory_new(context, site, "tape", CHUNK_BYTES);
    if (!block) return false;
    node *chunk = (node *)(void *)(block + (-(uintptr_t)block & (NODE_ALIGN - 1)));
    *block_of(chunk) = block;
    tape->chunks[tape->chunk_count++] = chunk;
    return true;
}

bool tape_grow(reel_tape *tape, const char *site)
{
    if (tape->count < NO_OPERAND - NODE_CHUNK) return add_chunk(tape, site);
    reel_error_set(tape->object.context, REEL_NO_MEMORY, site, "tape", "more than 2^32 values recorded");
    return false;
}

static inline node *leaf(reel_tape *tape, const char *site, node_kind kind)
{
    if (!tape || context_failed(tape->object.context)) return NULL;
    if (!tape_has_room(tape, site)) return NULL;
    node *n = tape_node(tape, tape->count);
    n->gradient = NULL;
    n->op = NULL;
    n->site = site;
    n->payload = NULL;
    n->generation = tape->generation;
    n->pass = 0;
    n->count = 0;
    n->kind = (uint8_t)kind;
    n->base = tape->count;
    return n; /* the caller sets the array */
}

static inline reel_value finish(reel_tape *tape, node *n, bool wants)
{
    n->wants = wants;
    n->rest = 0;
    n->single = n->array.rank == 0 && n->array.dtype == tape->dtype;
    return (reel_value){tape, tape->count++, n->generation};
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
    n->array = *array;
    if (real && array->dtype != tape->dtype) {
        n->array.dtype = tape->dtype;
        n->array.data = arena_take(&tape->memory, (size_t)array->size * reel_dtype_size(tape->dtype));
        if (!n->array.data) return REEL_NIL;
        array_convert(&n->array, array);
    }
    return finish(tape, n, variable && tape->gradients);
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
    node *n = leaf(tape, site, NODE_INPUT);
    if (!n) return REEL_NIL;
    n->array.size = 1;
    n->array.rank = 0;
    n->array.dtype = tape->dtype;
    n->array.data = &n->scalar.number.value;
    if (tape->dtype == REEL_FLOAT)
        *(float *)n->array.data = (float)number;
    else
        *(double *)n->array.data = number;
    return finish(tape, n, false);
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
    n->array.size = s->size;
    n->array.rank = s->rank;
    n->array.dtype = params->dtype;
    n->array.data = (char *)params->values.data + (size_t)s->offset * element_size(params->dtype);
    memcpy(n->array.shape, s->shape, sizeof s->shape);
    n->payload = params;
    n->pass = params->version;
    n->base = (uint32_t)index;
    n->operand.few[0] = tape->newest_param;
    tape->newest_param = tape->count;
    return finish(tape, n, tape->gradients && s->trainable);
}

bool reel_is_nil(reel_value value)
{
    return !value_node(value);
}

bool reel_wants_gradient(reel_value value)
{
    const node *n = value_node(value);
    return n && n->wants;
}

double reel_item(const char *site, reel_value value)
{
    const node *n = value_node(value);
    if (!n) return NAN;
    if (n->array.size != 1) {
        char text[SHAPE_TEXT_SIZE];
        reel_error_set(value.tape->object.context, REEL_BAD_SHAPE, site, "item", "found shape %s, expected one element",
                       shape_text(text, &n->array));
        return NAN;
    }
    return reel_array_get(&n->array, 0);
}

reel_array reel_data(reel_value value)
{
    const node *n = value_node(value);
    return n ? n->array : (reel_array){0};
}

reel_array reel_gradient(reel_value value)
{
    const node *n = value_node(value);
    if (!n) return (reel_array){0};
    if (n->kind == NODE_PARAMETER) return reel_params_gradient(n->payload, (int)n->base);
    reel_array gradient = n->array;
    const node *base = tape_node(value.tape, n->base);
    if (n->op && base->kind == NODE_PARAMETER) {
        reel_array whole = reel_params_gradient(base->payload, (int)base->base);
        gradient.data = whole.data;
    } else {
        bool written = base->kind == NODE_VARIABLE ? base->pass != 0 : base->pass == value.tape->pass;
        gradient.data = n->wants && written ? node_gradient(base) : NULL;
    }
    return gradient;
}
