/* SPDX-License-Identifier: MIT
 *
 * The smallest tape for scalars in C: three arrays, an opcode and two indices an entry, one switch each way.
 */
#include "limit.h"

#include <math.h>
#include <string.h>

enum { ADD, SUB, MUL, TANH, LEAF };
enum { ENTRIES = 1 + W4_PARAMETERS + W4_OPERATIONS + 3 * W4_POINTS };

typedef struct entry {
    int32_t code, a, b;
} entry;

static struct {
    int32_t count;
    entry entry[ENTRIES];
    float value[ENTRIES], gradient[ENTRIES];
} tape;

static int32_t push(int32_t code, int32_t a, int32_t b, float value)
{
    tape.value[tape.count] = value;
    tape.gradient[tape.count] = 0;
    tape.entry[tape.count] = (entry){code, a, b};
    return tape.count++;
}

static __attribute__((noinline)) int32_t record(int32_t code, int32_t a, int32_t b)
{
    const float *v = tape.value;
    switch (code) {
    case ADD: return push(code, a, b, v[a] + v[b]);
    case SUB: return push(code, a, b, v[a] - v[b]);
    case MUL: return push(code, a, b, v[a] * v[b]);
    default: return push(code, a, b, tanhf(v[a]));
    }
}

static void walk_back(int32_t from)
{
    const float *v = tape.value;
    float *g = tape.gradient;
    g[from] = 1;
    for (int32_t i = from; i >= 0; i--) {
        entry e = tape.entry[i];
        float d = g[i];
        switch (e.code) {
        case ADD:
            g[e.a] += d;
            g[e.b] += d;
            break;
        case SUB:
            g[e.a] += d;
            g[e.b] -= d;
            break;
        case MUL: {
            float a = v[e.a], b = v[e.b];
            g[e.a] += d * b;
            g[e.b] += d * a;
            break;
        }
        case TANH: g[e.a] += d * (1 - v[i] * v[i]); break;
        default: break;
        }
    }
}

/* One layer: s = bias + sum of weight input, unit by unit. */
static int32_t layer(int32_t parameter, int in, int out, const int32_t *x, int32_t *h)
{
    for (int j = 0; j < out; j++) {
        int32_t s = parameter++;
        for (int i = 0; i < in; i++) s = record(ADD, s, record(MUL, parameter++, x[i]));
        h[j] = record(TANH, s, 0);
    }
    return parameter;
}

float limit_opcode_w4(limit_w4 *w)
{
    tape.count = 0;
    for (int i = 0; i < W4_PARAMETERS; i++) push(LEAF, 0, 0, w->parameter[i]);
    int32_t loss = push(LEAF, 0, 0, 0);
    for (int p = 0; p < W4_POINTS; p++) {
        int32_t x[2] = {push(LEAF, 0, 0, w->x[p][0]), push(LEAF, 0, 0, w->x[p][1])}, first[W4_HIDDEN],
                second[W4_HIDDEN];
        int32_t next = layer(0, 2, W4_HIDDEN, x, first), out;
        next = layer(next, W4_HIDDEN, W4_HIDDEN, first, second);
        layer(next, W4_HIDDEN, 1, second, &out);
        int32_t away = record(SUB, out, push(LEAF, 0, 0, w->y[p]));
        loss = record(ADD, loss, record(MUL, away, away));
    }
    walk_back(loss);
    memcpy(w->gradient, tape.gradient, sizeof w->gradient);
    return tape.value[loss];
}
