/* SPDX-License-Identifier: MIT
 *
 * Hand-written limits: each workload of the benchmark written for its one shape, differentiated by hand, without tape or
 * framework. They say what the machine can do, so they share nothing with Reel's kernels. The loops are built for
 * every instruction set; the best one the processor has is taken, whatever REEL_ISA says.
 */
#ifndef TOOLS_LIMIT_H
#define TOOLS_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Adam's constants, and the powers of its betas after t steps. */
typedef struct limit_adam {
    double rate, power1, power2;
} limit_adam;
#define LIMIT_ADAM(rate) ((limit_adam){rate, 1, 1})

/* ---- W1: two moons, 2-8-1 relu, binary cross entropy with logits ---- */

enum { W1_POINTS = 200, W1_PADDED = 208, W1_HIDDEN = 8, W1_PARAMETERS = 33, W1_SLOTS = 48 };
/* Slots of the four vectors: 8 weights of x0, 8 of x1, 8 biases, 8 output weights, output bias; the rest stay 0. */
typedef struct limit_w1 {
    _Alignas(64) float x0[W1_PADDED];
    _Alignas(64) float x1[W1_PADDED];
    _Alignas(64) float y[W1_PADDED];
    _Alignas(64) float inside[W1_PADDED]; /* 1, and 0 in the padding */
    _Alignas(64) float parameter[W1_SLOTS];
    _Alignas(64) float gradient[W1_SLOTS];
    _Alignas(64) float m[W1_SLOTS];
    _Alignas(64) float v[W1_SLOTS];
    limit_adam adam;
} limit_w1;

/* `x` (200, 2), `y` (200), `parameters` (33) in the order of reel_mlp_new: weight (8, 2), bias, weight (1, 8), bias. */
void limit_w1_start(limit_w1 *w, const float *x, const float *y, const float *parameters, double rate);
/* The slots in the order of reel_mlp_new. */
void limit_w1_order(const float slots[W1_SLOTS], float parameters[W1_PARAMETERS]);

/* ---- W2: MLP 784-256-128-10, cross entropy, Adam ---- */

enum { W2_IN = 784, W2_FIRST = 256, W2_SECOND = 128, W2_OUT = 10, W2_STRIDE = 16, W2_BATCH = 128 };
#define W2_PARAMETERS (W2_IN * W2_FIRST + W2_FIRST + W2_FIRST * W2_SECOND + W2_SECOND + W2_SECOND * W2_OUT + W2_OUT)
/* Weights stand as (in, out), layer by layer, each followed by its bias. The last layer's rows are 16 wide. */
typedef struct limit_w2 {
    int64_t batch;
    const float *x; /* (batch, 784) */
    const int64_t *classes;
    float *parameter, *gradient, *m, *v; /* (W2_PARAMETERS) */
    float *h1, *h2, *z, *d1, *d2, *d3;   /* activations and their gradients */
    float *turned, *pack;                /* a transposed weight; columns of a factor side by side */
    limit_adam adam;
    void *memory;
} limit_w2;

/* False when there is no memory. x and classes are borrowed; `parameters` in the order of reel_mlp_new. */
bool limit_w2_start(limit_w2 *w, int64_t batch, const float *x, const int64_t *classes, const float *parameters,
                    double rate);
/* From these parameters again, with a new optimizer. */
void limit_w2_restart(limit_w2 *w, const float *parameters);
void limit_w2_end(limit_w2 *w);
/* A vector in the order of reel_mlp_new. */
void limit_w2_order(const float *own, float *parameters);

/* ---- W3: 50 Gaussians on 64 x 64 pixels, normalised blending, cut-off 3.5, Adam, the study's loss reported ---- */

enum { W3_SIDE = 64, W3_COUNT = 50, W3_WINDOWS = 56 };
/* Cosine and sine, 1 / s^2, the parabola along a row, and the rows reached. */
typedef struct limit_w3_shape {
    float c, s, x, y, a, slant, k;
    int first, last;
} limit_w3_shape;
/* A Gaussian is x, y, scales, rotation, red, green, blue. */
typedef struct limit_w3 {
    _Alignas(64) float parameter[W3_COUNT][8];
    _Alignas(64) float gradient[W3_COUNT][8];
    _Alignas(64) float m[W3_COUNT][8];
    _Alignas(64) float v[W3_COUNT][8];
    _Alignas(64) float low[16];
    _Alignas(64) float high[16];
    _Alignas(64) float columns[W3_SIDE];
    _Alignas(64) float inside[W3_SIDE]; /* all bits set where a window begins */
    _Alignas(64) float target[3][W3_SIDE * W3_SIDE];
    _Alignas(64) float out[3][W3_SIDE * W3_SIDE];
    _Alignas(64) float sums[4 * W3_SIDE * W3_SIDE]; /* weights and colours of LANES pixels, each side by side */
    _Alignas(64) float slopes[4 * W3_SIDE * W3_SIDE];
    _Alignas(64) float mean[3][W3_WINDOWS * W3_SIDE]; /* of the target, window by window */
    _Alignas(64) float variance[3][W3_WINDOWS * W3_SIDE];
    _Alignas(64) float filtered[3][W3_WINDOWS * W3_SIDE];
    _Alignas(64) float weight[W3_COUNT * W3_SIDE * W3_SIDE];
    int16_t span[W3_COUNT][W3_SIDE][2];
    limit_w3_shape shape[W3_COUNT];
    limit_adam adam;
} limit_w3;

/* target (3, 64, 64); position (50, 2), scale (50, 2), colour (50, 3); rotation 0 and opacity 1, not trained. */
void limit_w3_start(limit_w3 *w, const float *target, const float *position, const float *scale, const float *colour,
                    double rate);

/* ---- W4: 2-16-16-1 tanh in scalars, 100 points, sum of squares ---- */

enum { W4_POINTS = 100, W4_HIDDEN = 16, W4_PARAMETERS = 337, W4_OPERATIONS = 64400 };
/* Parameters unit by unit: bias, then weights. */
typedef struct limit_w4 {
    float x[W4_POINTS][2], y[W4_POINTS];
    float parameter[W4_PARAMETERS], gradient[W4_PARAMETERS];
} limit_w4;

/* A tape as small as one can be in C: an opcode and two indices, one switch forward, one backward. Returns the loss. */
float limit_opcode_w4(limit_w4 *w);

/* ---- what is built for every instruction set ---- */

enum { LIMIT_PACK = 64 }; /* columns at most of the packed strip of a matrix product */

typedef struct limits {
    const char *isa;
    /* Independent multiply-adds in registers; returns how many floating-point operations that was. */
    double (*peak)(int64_t repeat);
    /* Returns the loss before the step. */
    double (*w1_adam)(limit_w1 *w);
    double (*w1_sgd)(limit_w1 *w);
    double (*w2_step)(limit_w2 *w);
    double (*w3_step)(limit_w3 *w);
    double (*w4)(limit_w4 *w);
    /* c (m, n) = a b with a (m, k), or (k, m) when turned, b (k, n). `pack` holds 64 k floats. */
    void (*product)(int64_t m, int64_t n, int64_t k, const float *a, bool turned, const float *b, float *c,
                    float *pack);
    /* The same with b (n, k), for a few rows: dot products. */
    void (*dots)(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c);
    void (*adam)(int64_t n, float *restrict parameter, const float *restrict gradient, float *restrict m,
                 float *restrict v, limit_adam *state);
} limits;

/* The best one this processor can run; all of them by index, NULL past those it can run. */
const limits *limits_best(void);
const limits *limits_at(int index);

/* b (k, n) = a' with a (n, k). */
void limit_turn(int64_t n, int64_t k, const float *a, float *b);

#endif
