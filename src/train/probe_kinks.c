/* SPDX-License-Identifier: MIT
 *
 * On which side of their kinks the operations on a tape stand.
 */
#include "train/probe_kinks.h"

#include <string.h>

/* What tells the side: the operand's sign, the sign of the result, whether the result is the operand itself or a bound
 * below or above it, which of two operands is the result or the larger. */
typedef enum side_of { SIDE_SIGN, SIDE_RESULT, SIDE_BOUND, SIDE_CHOICE, SIDE_LARGER } side_of;

static const struct {
    const char *operation;
    side_of side;
} kinds[] = {
    {"relu", SIDE_SIGN},      {"linear_relu", SIDE_RESULT}, {"leaky_relu", SIDE_SIGN}, {"abs", SIDE_SIGN},
    {"elu", SIDE_SIGN},       {"clamp", SIDE_BOUND},        {"hardtanh", SIDE_BOUND},  {"maximum", SIDE_CHOICE},
    {"minimum", SIDE_CHOICE}, {"l1", SIDE_LARGER},
};

static double element_of(const reel_array *a, int64_t i)
{
    return a->dtype == REEL_DOUBLE ? ((const double *)a->data)[i] : (double)((const float *)a->data)[i];
}

static bool is_real(const reel_array *a)
{
    return a->dtype == REEL_FLOAT || a->dtype == REEL_DOUBLE;
}

static bool reserve(probe *p, int64_t count)
{
    probe_kinks *k = &p->kinks;
    if (k->count + count <= k->room) return true;
    int64_t room = 2 * (k->count + count);
    uint8_t *grown = memory_resize(p->context, p->site, p->who, k->sides, (size_t)k->room, (size_t)room);
    if (!grown) return false;
    k->sides = grown;
    k->room = room;
    return true;
}

static uint8_t side(side_of kind, const reel_array *out, const reel_array *a, const reel_array *b, int64_t i)
{
    double x, y;
    switch (kind) {
    case SIDE_SIGN: return element_of(a, i) > 0;
    case SIDE_RESULT: return element_of(out, i) > 0;
    case SIDE_BOUND: x = element_of(a, i), y = element_of(out, i); return y > x ? 0 : y < x ? 2 : 1;
    case SIDE_CHOICE: return element_of(a, i) == element_of(out, i);
    case SIDE_LARGER: return element_of(a, i) > element_of(b, i);
    }
    return 0;
}

static bool look_at(probe *p, const reel_tape *tape, const node *n, side_of kind)
{
    const uint32_t *operands = node_operands(n);
    reel_array rooms[3];
    const reel_array *a = node_array_at(tape, tape_node(tape, operands[0]), &rooms[0]), *b = NULL;
    const reel_array *out = node_array_at(tape, n, &rooms[2]);
    if (node_count(n) > 1 && operands[1] != NO_OPERAND)
        b = node_array_at(tape, tape_node(tape, operands[1]), &rooms[1]);
    int64_t count = out->size;
    /* Of two operands that are stretched over each other, look at one that is not. */
    if (kind == SIDE_CHOICE && a->size != count) a = b;
    if (kind == SIDE_LARGER) count = a->size;
    if (kind == SIDE_LARGER && (!b || b->size != count || !is_real(b))) return true;
    if (kind != SIDE_RESULT && (!a || a->size != count || !is_real(a))) return true;
    if (!reserve(p, count)) return false;
    for (int64_t i = 0; i < count; i++) p->kinks.sides[p->kinks.count++] = side(kind, out, a, b, i);
    return true;
}

bool kinks_note(probe *p, const reel_tape *tape)
{
    p->kinks.count = 0;
    for (uint32_t i = 0; i < tape->count; i++) {
        const node *n = tape_node(tape, i);
        const reel_op *op = node_op(n);
        if (!op) continue;
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            if (strcmp(op->name, kinds[k].operation) == 0 && !look_at(p, tape, n, kinds[k].side)) return false;
    }
    return true;
}

int64_t probe_kinks_between(const uint8_t *a, const uint8_t *b, int64_t count)
{
    int64_t different = 0;
    for (int64_t i = 0; i < count; i++) different += a[i] != b[i];
    return different;
}
