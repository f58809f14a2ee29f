/* SPDX-License-Identifier: MIT
 *
 * PyTorch's CPU generator, bit for bit as on an x86-64 machine with AVX2 or AVX-512: where those kernels fuse a multiply
 * and an add, fma and fmaf stand here, which round once on any machine.
 */
#include "core/random.h"

#include <math.h>

#define TWO_PI 6.283185307179586

static void torch_seed(reel_rng *rng)
{
    mt19937_seed(&rng->mt, (uint32_t)rng->seed);
}

void rng_torch_private(reel_rng *rng, uint64_t seed)
{
    rng->object = (reel_object){0};
    rng->methods = &rng_torch;
    rng->seed = seed;
    rng->name = NULL;
    rng_drop_kept(rng);
    torch_seed(rng);
}

static uint32_t torch_bits32(reel_rng *rng)
{
    return mt19937_next(&rng->mt);
}

static uint64_t torch_bits64(reel_rng *rng)
{
    return mt19937_next64(&rng->mt);
}

/* The low 24 bits of one word. */
static float uniform_float(reel_rng *rng)
{
    return (float)(mt19937_next(&rng->mt) & 0xffffffu) * 0x1p-24f;
}

/* The low 53 bits of two words. */
static double torch_uniform_one(reel_rng *rng)
{
    return (double)(mt19937_next64(&rng->mt) & (((uint64_t)1 << 53) - 1)) * 0x1p-53;
}

/* Box and Muller (1958) in double; the sine is kept for the next call. */
static double torch_normal_one(reel_rng *rng)
{
    if (rng->has_kept) {
        double kept = rng->kept;
        rng_drop_kept(rng);
        return kept;
    }
    double u1 = torch_uniform_one(rng);
    double u2 = torch_uniform_one(rng);
    double radius = sqrt(-2 * log(1 - u2)), angle = TWO_PI * u1;
    rng->has_kept = true;
    rng->kept = radius * sin(angle);
    return radius * cos(angle);
}

/* x (high - low) + low in the type of the array, rounded once. */
static void torch_uniform(reel_rng *rng, reel_array *out, double low, double high)
{
    if (out->dtype == REEL_FLOAT) {
        float *x = out->data, from = (float)low, width = (float)high - (float)low;
        for (int64_t i = 0; i < out->size; i++) x[i] = fmaf(uniform_float(rng), width, from);
    } else {
        double *x = out->data, width = high - low;
        for (int64_t i = 0; i < out->size; i++) x[i] = fma(torch_uniform_one(rng), width, low);
    }
}

/* ln x of a positive normal number, by the rational scheme of the Cephes library (Moshier 1989): x = m 2^e with m in
 * [1/sqrt 2, sqrt 2), a polynomial in m - 1, and ln 2 in two parts. Each multiply before an add is fused. */
static float cephes_log(float x)
{
    static const float c[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                              -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                              2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    int exponent;
    float m = frexpf(x, &exponent);
    if (m < 0.70710677f) {
        exponent--;
        x = (m - 1) + m;
    } else {
        x = m - 1;
    }
    float e = (float)exponent, z = x * x, y = c[0];
    for (int i = 1; i < 9; i++) y = fmaf(y, x, c[i]);
    y = y * x;
    y = fmaf(y, z, e * -2.12194440e-4f);
    y = y - z * 0.5f;
    return fmaf(e, 0.693359375f, x + y);
}

/* Sine and cosine of t >= 0, Cephes again: t is reduced to [-pi/4, pi/4] by pi/4 in three parts. */
static void cephes_sincos(float t, float *sine, float *cosine)
{
    int j = ((int)(t * 1.27323954473516f) + 1) & ~1;
    float y = (float)j;
    float x = fmaf(y, -0.78515625f, t);
    x = fmaf(y, -2.4187564849853515625e-4f, x);
    x = fmaf(y, -3.77489497744594108e-8f, x);
    float z = x * x;
    float c = fmaf(fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f);
    c = c * z;
    c = fmaf(c, z, -(z * 0.5f)) + 1;
    float s = fmaf(fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f);
    s = s * z;
    s = fmaf(s, x, x);
    if (j & 2) {
        float held = s;
        s = c;
        c = held;
    }
    *sine = j & 4 ? -s : s;
    *cosine = (j - 2) & 4 ? c : -c;
}

/* Sixteen uniform numbers become normal ones: number j gives the radius, number j + 8 the angle. */
static void normal16_float(float d[16], float mean, float deviation)
{
    for (int j = 0; j < 8; j++) {
        float radius = sqrtf(-2 * cephes_log(1 - d[j])), sine, cosine;
        cephes_sincos((float)TWO_PI * d[j + 8], &sine, &cosine);
        d[j] = fmaf(radius * cosine, deviation, mean);
        d[j + 8] = fmaf(radius * sine, deviation, mean);
    }
}

static void normal16_double(double d[16], double mean, double deviation)
{
    for (int j = 0; j < 8; j++) {
        double radius = sqrt(-2 * log(1 - d[j])), angle = TWO_PI * d[j + 8];
        d[j] = fma(radius * cos(angle), deviation, mean);
        d[j + 8] = fma(radius * sin(angle), deviation, mean);
    }
}

/* Sixteen or more: the array is filled with uniform numbers of its type, and each sixteen of them transformed. When the
 * size is no multiple of 16, the last sixteen elements are drawn afresh. The kept number is left alone. */
static void normal_blocks_float(reel_rng *rng, int64_t n, float *x, float mean, float deviation)
{
    for (int64_t i = 0; i < n; i++) x[i] = uniform_float(rng);
    for (int64_t i = 0; i + 16 <= n; i += 16) normal16_float(x + i, mean, deviation);
    if (n % 16 == 0) return;
    for (int64_t i = n - 16; i < n; i++) x[i] = uniform_float(rng);
    normal16_float(x + n - 16, mean, deviation);
}

static void normal_blocks_double(reel_rng *rng, int64_t n, double *x, double mean, double deviation)
{
    for (int64_t i = 0; i < n; i++) x[i] = torch_uniform_one(rng);
    for (int64_t i = 0; i + 16 <= n; i += 16) normal16_double(x + i, mean, deviation);
    if (n % 16 == 0) return;
    for (int64_t i = n - 16; i < n; i++) x[i] = torch_uniform_one(rng);
    normal16_double(x + n - 16, mean, deviation);
}

static void torch_normal(reel_rng *rng, reel_array *out, double mean, double deviation)
{
    if (out->size >= 16) {
        if (out->dtype == REEL_FLOAT)
            normal_blocks_float(rng, out->size, out->data, (float)mean, (float)deviation);
        else
            normal_blocks_double(rng, out->size, out->data, mean, deviation);
        return;
    }
    for (int64_t i = 0; i < out->size; i++) {
        double x = fma(torch_normal_one(rng), deviation, mean);
        if (out->dtype == REEL_FLOAT)
            ((float *)out->data)[i] = (float)x;
        else
            ((double *)out->data)[i] = x;
    }
}

/* Remainder of a word, or of 64 bits when the range is 2^32 or more; nothing is rejected. */
static void torch_integers(reel_rng *rng, int64_t count, int64_t *out, int64_t low, uint64_t range)
{
    for (int64_t i = 0; i < count; i++) {
        uint64_t value = range >> 32 ? mt19937_next64(&rng->mt) : mt19937_next(&rng->mt);
        out[i] = (int64_t)((uint64_t)low + value % range);
    }
}

/* Fisher and Yates from the front, by remainders. */
static void torch_permutation(reel_rng *rng, int64_t n, int64_t count, int64_t *out)
{
    (void)count;
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = 0; i < n - 1; i++) {
        int64_t j = i + mt19937_next(&rng->mt) % (n - i);
        int64_t held = out[i];
        out[i] = out[j];
        out[j] = held;
    }
}

static void torch_keep_mask(reel_rng *rng, int64_t count, uint8_t *mask, double p)
{
    for (int64_t i = 0; i < count; i++) mask[i] = torch_uniform_one(rng) < 1 - p;
}

const rng_methods rng_torch = {
    .kind = "torch",
    .seed = torch_seed,
    .bits32 = torch_bits32,
    .bits64 = torch_bits64,
    .uniform_one = torch_uniform_one,
    .normal_one = torch_normal_one,
    .uniform = torch_uniform,
    .normal = torch_normal,
    .integers = torch_integers,
    .permutation = torch_permutation,
    .keep_mask = torch_keep_mask,
};
