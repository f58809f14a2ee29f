/* SPDX-License-Identifier: MIT
 *
 * Numbers: recording, and the walk back over them.
 */
#include "tape/numbers.h"
#include "kernels/activations.h"

extern const struct number_kernels KERNEL(number_table);

#define STRIDE (NODE_HEAD + 2 * sizeof(real))

/* tape_node with the distance of nodes known. */
KERNEL_INLINE node *node_at(const uintptr_t *chunks, uint32_t index)
{
    return (node *)(chunks[index / NODE_CHUNK] + index * STRIDE);
}

/* Value and gradient of a number or a scalar. */
KERNEL_INLINE real *own(node *n)
{
    return (real *)(void *)((char *)n + NODE_HEAD);
}

KERNEL_INLINE V value_of(node *n)
{
    return v_set(*(const real *)node_data(n));
}

KERNEL_INLINE void put(target t, V v)
{
    real *to = t.to;
    *to = t.add ? *to + v[0] : v[0];
}

/* All of a number's node but its value. The first operand and the generation are written apart from their neighbours:
 * joining them in a vector register, as compilers like to, costs more than the second store. */
KERNEL_INLINE void fill(const reel_tape *tape, node *n, const char *site, unsigned flags, node_kind kind, int which,
                        uint32_t a, uint32_t b)
{
    *(volatile uint32_t *)&n->operand[0] = a;
    n->operand[1] = b;
    n->site = site;
    *(volatile uint32_t *)&n->generation = tape->generation;
    n->state = NODE_STATE((flags & tape->wants) | NODE_SINGLE | NODE_COMPACT, kind, which);
}

/* ---- two operands ---- */

/* Makes room and tries again, or leaves it to reel_record, which finds out what is in the way. */
static __attribute__((noinline)) reel_value record_any(const char *site, reel_value a, reel_value b, int which)
{
    reel_tape *tape = a.tape;
    if (tape->count == tape->limit && tape->object.context->status == REEL_OK && tape_grow(tape, site))
        return KERNEL(number_table).binary[which](site, a, b);
    return reel_record(site, number_op(NODE_BINARY, which), 2, (const reel_value[]){a, b}, NULL);
}

#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, forward, a_gradient, b_gradient)                     \
    static reel_value name##_record(const char *site, reel_value va, reel_value vb)                                    \
    {                                                                                                                  \
        reel_tape *tape = va.tape;                                                                                     \
        const uint32_t count = tape->count;                                                                            \
        const uintptr_t *chunks = tape->chunks;                                                                        \
        if (vb.tape != tape || tape->object.context->status != REEL_OK) goto other;                                    \
        if (va.index >= count || vb.index >= count || count == tape->limit) goto other;                                \
        node *na = node_at(chunks, va.index), *nb = node_at(chunks, vb.index), *n = tape->next;                        \
        if (na->generation != va.generation || nb->generation != vb.generation) goto other;                            \
        if (!(na->flags & nb->flags & NODE_SINGLE)) goto other;                                                        \
        const V a = value_of(na), b = value_of(nb);                                                                    \
        own(n)[0] = (forward)[0];                                                                                      \
        fill(tape, n, site, na->flags | nb->flags, NODE_BINARY, BINARY_##name, va.index, vb.index);                    \
        tape->count = count + 1;                                                                                       \
        tape->next = (char *)n + STRIDE;                                                                               \
        return (reel_value){tape, count, tape->generation};                                                            \
    other:                                                                                                             \
        return record_any(site, va, vb, BINARY_##name);                                                                \
    }                                                                                                                  \
    KERNEL_INLINE void name##_inline(node * n, node * na, node * nb, target to_a, target to_b)                         \
    {                                                                                                                  \
        const V a = value_of(na), b = value_of(nb), y = v_set(own(n)[0]), g = v_set(own(n)[1]);                        \
        (void)a, (void)b, (void)y;                                                                                     \
        if (to_a.to) put(to_a, a_gradient);                                                                            \
        if (to_b.to) put(to_b, b_gradient);                                                                            \
    }                                                                                                                  \
    static __attribute__((noinline, unused)) void name##_apart(node *n, node *na, node *nb, target to_a, target to_b)  \
    {                                                                                                                  \
        name##_inline(n, na, nb, to_a, to_b);                                                                          \
    }
#include "kernels/elementwise.def"

/* pow is a function of its own, so that the others keep the registers. */
KERNEL_INLINE void back_binary(node *n, node *a, node *b, target to_a, target to_b)
{
    switch (n->which) {
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, forward, a_gradient, b_gradient)                     \
    case BINARY_##name:                                                                                                \
        (BINARY_##name == BINARY_pow ? name##_apart : name##_inline)(n, a, b, to_a, to_b);                             \
        break;
#include "kernels/elementwise.def"
    default: __builtin_unreachable();
    }
}

/* ---- one operand ---- */

#define UNARY(name, parameters, formula, low, high, kink, q0, q1, of, of_gradient)                                     \
    static void name##_forward(const real *xs, real *ys, const double *p)                                              \
    {                                                                                                                  \
        const real p0 = (parameters) ? (real)p[0] : 0, p1 = (parameters) ? (real)p[1] : 0;                             \
        const V x = v_set(*xs);                                                                                        \
        (void)p0, (void)p1;                                                                                            \
        *ys = (of)[0];                                                                                                 \
    }                                                                                                                  \
    static void name##_back(const real *xs, const real *ys, const double *p, target to)                                \
    {                                                                                                                  \
        const real p0 = (parameters) ? (real)p[0] : 0, p1 = (parameters) ? (real)p[1] : 0;                             \
        const V x = v_set(*xs), y = v_set(ys[0]), g = v_set(ys[1]);                                                    \
        (void)p0, (void)p1, (void)x, (void)y, (void)g;                                                                 \
        put(to, of_gradient);                                                                                          \
    }
#include "kernels/elementwise.def"

static void (*const forward[])(const real *x, real *y, const double *p) = {
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, of, of_gradient) name##_forward,
#include "kernels/elementwise.def"
};

static void (*const back[])(const real *x, const real *y, const double *p, target to) = {
#define UNARY(name, parameters, formula, low, high, kink, q0, q1, of, of_gradient) name##_back,
#include "kernels/elementwise.def"
};

static reel_value record_unary(const char *site, int which, reel_value x, const double *p)
{
    reel_tape *tape = x.tape;
    const uint32_t count = tape->count;
    if (tape->object.context->status != REEL_OK || x.index >= count || !tape_has_room(tape, site)) return REEL_NIL;
    node *nx = node_at(tape->chunks, x.index), *n = tape->next;
    if (nx->generation != x.generation || !(nx->flags & NODE_SINGLE)) return REEL_NIL;
    number_parameters *parameters = p ? arena_take(&tape->memory, sizeof *parameters) : NULL;
    if (p && !parameters) return REEL_NIL;
    fill(tape, n, site, nx->flags, NODE_UNARY, which, x.index, x.index);
    if (p) {
        *parameters = (number_parameters){{p[0], p[1]}, site};
        n->parameters = parameters;
        n->flags |= NODE_PARAMETERS;
    }
    const reel_value value = {tape, count, tape->generation};
    tape->count = count + 1;
    tape->next = (char *)n + STRIDE;
    forward[which](node_data(nx), own(n), p);
    return value;
}

/* ---- the walk back ---- */

/* One number; false when memory is short. */
KERNEL_INLINE bool walk_binary(reel_tape *tape, const uintptr_t *chunks, node *n, uint8_t pass, reel_params **open)
{
    node *a = node_at(chunks, n->operand[0]), *b = node_at(chunks, n->operand[1]);
    target to_a = {NULL, false}, to_b = {NULL, false};
    if (node_wants(a) && !(to_a = target_of(tape, a, pass, sizeof(real), open)).to) return false;
    if (node_wants(b) && !(to_b = target_of(tape, b, pass, sizeof(real), open)).to) return false;
    back_binary(n, a, b, to_a, to_b);
    return true;
}

static __attribute__((noinline)) bool walk_unary(reel_tape *tape, node *n, reel_params **open)
{
    node *a = node_at(tape->chunks, n->operand[0]);
    target to = target_of(tape, a, (uint8_t)tape->pass, sizeof(real), open); /* wanted, as the number's own is */
    if (!to.to) return false;
    back[n->which](node_data(a), own(n), n->flags & NODE_PARAMETERS ? n->parameters->p : NULL, to);
    return true;
}

static uint32_t walk(reel_tape *tape, uint32_t left, reel_params **open)
{
    const uintptr_t *chunks = tape->chunks;
    const uint8_t pass = (uint8_t)tape->pass;
    while (left > 0) {
        const uint32_t first = (left - 1) / NODE_CHUNK * NODE_CHUNK;
        node *lowest = node_at(chunks, first), *n = node_at(chunks, left - 1);
        for (; n >= lowest; n = (node *)(void *)((char *)n - STRIDE)) {
            if (n->pass != pass) continue;
            bool done = false;
            if (n->kind == NODE_BINARY)
                done = walk_binary(tape, chunks, n, pass, open);
            else if (n->kind == NODE_UNARY)
                done = walk_unary(tape, n, open);
            if (!done) return first + (uint32_t)((size_t)((char *)n - (char *)lowest) / STRIDE) + 1;
        }
        left = first;
    }
    return 0;
}

const struct number_kernels KERNEL(number_table) = {
    .binary =
        {
#define BINARY(name, formula, a_low, a_high, b_low, b_high, kink, forward, a_gradient, b_gradient) name##_record,
#include "kernels/elementwise.def"
        },
    .unary = record_unary,
    .walk = walk,
};
