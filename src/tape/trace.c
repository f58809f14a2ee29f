/* SPDX-License-Identifier: MIT
 *
 * The first number that is not finite, and the operation that made it.
 */
#include "tape/tape.h"
#include <reel/trace.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Index of the first element that is not finite; -1 when all are. */
static int64_t first_odd(const reel_array *a)
{
    if (!a || !a->data || (a->dtype != REEL_FLOAT && a->dtype != REEL_DOUBLE)) return -1;
    for (int64_t i = 0; i < a->size; i++)
        if (!isfinite(reel_array_get(a, i))) return i;
    return -1;
}

typedef struct sentence {
    char *text;
    size_t size, used;
} sentence;

static void say(sentence *s, const char *format, ...) REEL_PRINTF(2, 3);
static void say(sentence *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(s->text + s->used, s->size - s->used, format, arguments);
    va_end(arguments);
    if (n > 0) s->used = s->used + (size_t)n < s->size ? s->used + (size_t)n : s->size - 1;
}

/* "(3,4) -1.5 .. 2". */
static void say_range(sentence *s, const reel_array *a)
{
    char shape[SHAPE_TEXT_SIZE];
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < a->size; i++) {
        double x = reel_array_get(a, i);
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    say(s, "%s", shape_text(shape, a));
    if (a->size == 1)
        say(s, " %.6g", least);
    else if (a->size > 0)
        say(s, " %.6g .. %.6g", least, most);
}

static const char *param_name(const node *n)
{
    return n->kind == NODE_PARAMETER ? ((reel_params *)n->rest->payload)->values.slices[n->rest->base].name : NULL;
}

static void say_operands(sentence *s, const reel_tape *tape, const node *n)
{
    for (int i = 0; i < node_count(n); i++) {
        if (node_operands(n)[i] == NO_OPERAND) continue;
        const node *operand = tape_node(tape, node_operands(n)[i]);
        const reel_array a = node_array(tape, operand);
        say(s, "%s operand %d ", i ? "," : "", i + 1);
        if (param_name(operand)) say(s, "\"%s\" ", param_name(operand));
        say_range(s, &a);
    }
}

static sentence start(reel_origin *o, const reel_tape *tape, uint32_t index, const reel_array *where, int64_t element)
{
    const node *n = tape_node(tape, index);
    double number = reel_array_get(where, element);
    *o = (reel_origin){
        .value = {(reel_tape *)(uintptr_t)tape, index, n->generation},
        .operation = node_op(n) ? node_op(n)->name : NULL,
        .site = node_site(n),
        .element = element,
        .number = isnan(number) ? (double)NAN : number, /* whatever its sign */
    };
    return (sentence){o->text, sizeof o->text, 0};
}

static void tell_value(reel_origin *o, const reel_tape *tape, uint32_t index, int64_t element)
{
    const node *n = tape_node(tape, index);
    const reel_op *op = node_op(n);
    const reel_array own = node_array(tape, n);
    char shape[SHAPE_TEXT_SIZE];
    sentence s = start(o, tape, index, &own, element);
    shape_text(shape, &own);
    o->parameter = param_name(n);
    const char *site = node_site(n) ? node_site(n) : "?";
    if (op) {
        say(&s, "%s at %s made %g (element %lld of %s) from finite numbers:", op->name, site, o->number,
            (long long)element, shape);
        say_operands(&s, tape, n);
    } else if (o->parameter) {
        say(&s, "parameter \"%s\", recorded at %s, holds %g (element %lld of %s)", o->parameter, site, o->number,
            (long long)element, shape);
    } else {
        say(&s, "the %s recorded at %s holds %g (element %lld of %s)", n->kind == NODE_VARIABLE ? "variable" : "input",
            site, o->number, (long long)element, shape);
    }
}

static int64_t first_odd_of(const reel_tape *tape, uint32_t index)
{
    if (index == NO_OPERAND) return -1;
    const reel_array a = node_array(tape, tape_node(tape, index));
    return first_odd(&a);
}

/* From a value that is not finite down its operands that are not, to the one that has no such operand. */
static bool in_values(const reel_tape *tape, uint32_t index, reel_origin *o)
{
    int64_t element = first_odd_of(tape, index);
    if (element < 0) return false;
    for (bool further = true; further;) {
        const node *n = tape_node(tape, index);
        further = false;
        for (int k = 0; k < node_count(n) && !further; k++) {
            uint32_t operand = node_operands(n)[k];
            int64_t brought = first_odd_of(tape, operand);
            further = brought >= 0;
            if (!further) continue;
            index = operand;
            element = brought;
        }
    }
    tell_value(o, tape, index, element);
    return true;
}

static void tell_gradient(reel_origin *o, const reel_tape *tape, uint32_t index, int operand, const reel_array *where,
                          int64_t element)
{
    const node *n = tape_node(tape, index);
    const node *to = tape_node(tape, node_operands(n)[operand < 0 ? 0 : operand]);
    char shape[SHAPE_TEXT_SIZE];
    sentence s = start(o, tape, index, where, element);
    o->backward = true;
    o->operand = operand;
    o->parameter = param_name(to);
    say(&s, "%s at %s made %g (element %lld of %s) on the way back, in the gradient of operand %d", node_op(n)->name,
        node_site(n) ? node_site(n) : "?", o->number, (long long)element, shape_text(shape, where), operand + 1);
    if (o->parameter) say(&s, " \"%s\"", o->parameter);
    reel_array g = node_array(tape, n);
    g.data = node_gradient(tape, n);
    say(&s, ", from finite numbers: gradient of the result ");
    say_range(&s, &g);
    say(&s, ",");
    say_operands(&s, tape, n);
}

/* Does this node's share in the gradients of its operands, computed again apart from the others', hold such a number? */
static reel_status share_of(reel_tape *tape, uint32_t index, reel_origin *o, bool *found)
{
    const node *n = tape_node(tape, index);
    const int count = node_count(n);
    const reel_array **in = arena_take(&tape->memory, (size_t)count * sizeof *in);
    reel_array *rooms = arena_take(&tape->memory, ((size_t)count + 1) * sizeof *rooms);
    void **gradient = arena_take(&tape->memory, (size_t)count * sizeof *gradient);
    bool *add = arena_take(&tape->memory, (size_t)count * sizeof *add);
    if (!in || !rooms || !gradient || !add) return REEL_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        const node *operand = node_operands(n)[i] == NO_OPERAND ? NULL : tape_node(tape, node_operands(n)[i]);
        in[i] = operand ? node_array_at(tape, operand, &rooms[i]) : NULL;
        add[i] = false;
        gradient[i] = NULL;
        if (!operand || !node_wants(operand)) continue;
        gradient[i] = arena_take(&tape->memory, (size_t)in[i]->size * element_size(tape->dtype));
        if (!gradient[i]) return REEL_NO_MEMORY;
    }
    reel_call call = {.op = node_op(n),
                      .tape = tape,
                      .site = node_site(n),
                      .attributes = node_attributes(n),
                      .out = node_array_at(tape, n, &rooms[count]),
                      .in = in,
                      .count = count,
                      .training = tape->training,
                      .wants_gradient = true,
                      .rng = tape->rng,
                      .out_gradient = node_gradient(tape, n),
                      .in_gradient = gradient,
                      .add = add};
    reel_status status = call.op->backward(&call);
    for (int i = 0; status == REEL_OK && i < count && !*found; i++) {
        if (!gradient[i]) continue;
        reel_array share = *in[i];
        share.data = gradient[i];
        int64_t odd = first_odd(&share);
        *found = odd >= 0;
        if (*found) tell_gradient(o, tape, index, i, &share, odd);
    }
    return status;
}

static void tell_sum(reel_origin *o, const reel_tape *tape, uint32_t index, const reel_array *g, int64_t odd)
{
    char shape[SHAPE_TEXT_SIZE];
    const node *n = tape_node(tape, index);
    sentence s = start(o, tape, index, g, odd);
    o->backward = true;
    o->operand = -1;
    o->parameter = param_name(n);
    if (o->parameter)
        say(&s, "the gradients that reach parameter \"%s\"", o->parameter);
    else
        say(&s, "the gradients that reach the result of %s at %s", node_op(n)->name, node_site(n) ? node_site(n) : "?");
    say(&s, ", %s, are finite but add up to %g (element %lld)", shape_text(shape, g), o->number, (long long)odd);
}

/* The gradients of recorded values stand as the last walk left them: newest first, the first value whose own gradient
 * is finite while what it passes on is not. Values that share another's gradient pass nothing on. */
static bool in_gradients(reel_tape *tape, reel_origin *o)
{
    bool found = false;
    reel_status status = REEL_OK;
    for (uint32_t i = tape->count; i-- > 0 && !found && status == REEL_OK && tape->pass > 0;) {
        const node *n = tape_node(tape, i);
        const reel_op *op = node_op(n);
        if (!op || n->pass != tape->pass || !op->backward || op->flags & REEL_OP_SHARES_GRADIENT) continue;
        reel_array g = node_array(tape, n);
        g.data = node_gradient(tape, n);
        int64_t odd = first_odd(&g);
        if (odd >= 0) { /* none of the newer values passed it on: their shares overflowed when they were added up */
            tell_sum(o, tape, i, &g, odd);
            return true;
        }
        arena_mark mark = arena_mark_here(&tape->memory);
        status = share_of(tape, i, o, &found);
        arena_release(&tape->memory, mark);
    }
    for (uint32_t i = tape->newest_param; i != NO_OPERAND && !found; i = tape_node(tape, i)->rest->operand.few[0]) {
        const node *n = tape_node(tape, i);
        const reel_params *params = n->rest->payload;
        if (!node_wants(n) || params->state != GRADIENT_FRESH) continue;
        reel_array g = reel_params_gradient(params, (int)n->rest->base);
        int64_t odd = first_odd(&g);
        found = odd >= 0;
        if (found) tell_sum(o, tape, i, &g, odd);
    }
    return found;
}

bool reel_trace_not_finite(const char *site, reel_value loss, reel_origin *origin)
{
    (void)site;
    if (!value_node(loss) || !origin) return false;
    *origin = (reel_origin){.value = REEL_NIL};
    return in_values(loss.tape, loss.index, origin) || in_gradients(loss.tape, origin);
}
