/* SPDX-License-Identifier: MIT
 *
 * Linear layers: the kernels for small ones against plain loops in double, between instruction sets, row by row; the
 * operation with a relu against the two operations it stands for.
 */
#include "common.h"
#include "kernels/kernels.h"
#include "kernels/layer.h"

#define MOST_ROWS 29
#define MOST (MOST_ROWS * LAYER_MOST)

enum { X, WEIGHT, BIAS, G, Y, X_GRADIENT, WEIGHT_GRADIENT, BIAS_GRADIENT, ARRAYS };

/* One layer with its numbers as doubles, all of them floats. */
typedef struct layer {
    int64_t rows, out, in;
    bool relu, biased, add;
    double a[ARRAYS][MOST];
} layer;

static uint64_t state = 1;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's linear congruential generator */
    return (float)((double)(state >> 11) * 0x1p-52 - 1);
}

static int64_t size_of(const layer *l, int which)
{
    switch (which) {
    case X:
    case X_GRADIENT: return l->rows * l->in;
    case WEIGHT:
    case WEIGHT_GRADIENT: return l->out * l->in;
    case BIAS:
    case BIAS_GRADIENT: return l->out;
    default: return l->rows * l->out;
    }
}

/* The numbers in the type of the kernels, and one more behind each array that nothing may touch. */
typedef struct memory {
    reel_dtype dtype;
    double a[ARRAYS][MOST + 1];
} memory;

static double get(const memory *m, int which, int64_t i)
{
    return m->dtype == REEL_FLOAT ? ((const float *)m->a[which])[i] : m->a[which][i];
}

static void put(memory *m, int which, int64_t i, double value)
{
    if (m->dtype == REEL_FLOAT)
        ((float *)m->a[which])[i] = (float)value;
    else
        m->a[which][i] = value;
}

#define GUARD 12345

static void run(const kernels *k, const layer *l, memory *m)
{
    m->dtype = k->dtype;
    for (int which = 0; which < ARRAYS; which++) {
        for (int64_t i = 0; i < size_of(l, which); i++) put(m, which, i, l->a[which][i]);
        put(m, which, size_of(l, which), GUARD);
    }
    layer_task t = {
        .rows = l->rows,
        .out = l->out,
        .in = l->in,
        .x = m->a[X],
        .weight = m->a[WEIGHT],
        .bias = l->biased ? m->a[BIAS] : NULL,
        .y = m->a[Y],
        .relu = l->relu,
        .g = m->a[G],
        .x_gradient = m->a[X_GRADIENT],
        .weight_gradient = m->a[WEIGHT_GRADIENT],
        .bias_gradient = l->biased ? m->a[BIAS_GRADIENT] : NULL,
        .add_x = l->add,
        .add_weight = l->add,
        .add_bias = l->add,
    };
    k->layer->forward(&t);
    k->layer->backward(&t);
}

/* to = value, or what was there plus value. */
static void collect(const layer *l, double *to, double value)
{
    *to = value + (l->add ? *to : 0);
}

static void reference(const layer *l, double y[], double x[], double weight[], double bias[])
{
    memcpy(x, l->a[X_GRADIENT], MOST * sizeof *x);
    memcpy(weight, l->a[WEIGHT_GRADIENT], MOST * sizeof *weight);
    memcpy(bias, l->a[BIAS_GRADIENT], MOST * sizeof *bias);
    double g[MOST];
    for (int64_t r = 0; r < l->rows; r++)
        for (int64_t o = 0; o < l->out; o++) {
            double sum = l->biased ? l->a[BIAS][o] : 0;
            for (int64_t i = 0; i < l->in; i++) sum += l->a[X][r * l->in + i] * l->a[WEIGHT][o * l->in + i];
            y[r * l->out + o] = l->relu && sum < 0 ? 0 : sum;
            g[r * l->out + o] = l->relu && sum <= 0 ? 0 : l->a[G][r * l->out + o];
        }
    for (int64_t r = 0; r < l->rows; r++)
        for (int64_t i = 0; i < l->in; i++) {
            double sum = 0;
            for (int64_t o = 0; o < l->out; o++) sum += g[r * l->out + o] * l->a[WEIGHT][o * l->in + i];
            collect(l, &x[r * l->in + i], sum);
        }
    for (int64_t o = 0; o < l->out; o++) {
        double total = 0;
        for (int64_t r = 0; r < l->rows; r++) total += g[r * l->out + o];
        if (l->biased) collect(l, &bias[o], total);
        for (int64_t i = 0; i < l->in; i++) {
            double sum = 0;
            for (int64_t r = 0; r < l->rows; r++) sum += g[r * l->out + o] * l->a[X][r * l->in + i];
            collect(l, &weight[o * l->in + i], sum);
        }
    }
}

static void expect_near(const kernels *k, const layer *l, const memory *m, int which, const double *expected)
{
    double most = k->dtype == REEL_FLOAT ? 40 * 0x1p-24 : 40 * 0x1p-53;
    for (int64_t i = 0; i < size_of(l, which); i++)
        ck_assert_msg(fabs(get(m, which, i) - expected[i]) <= most * (1 + fabs(expected[i])),
                      "%s %lld rows, %lld to %lld, array %d at %lld: %.9g, expected %.9g", k->isa, (long long)l->rows,
                      (long long)l->in, (long long)l->out, which, (long long)i, get(m, which, i), expected[i]);
    ck_assert_double_eq(get(m, which, size_of(l, which)), GUARD);
}

static void expect_same(const layer *l, const memory *m, const memory *other)
{
    for (int which = Y; which < ARRAYS; which++)
        for (int64_t i = 0; i < size_of(l, which); i++)
            ck_assert_msg(get(m, which, i) == get(other, which, i), "array %d at %lld", which, (long long)i);
}

/* Each row alone gives its row of y and x'. */
static void expect_rows(const kernels *k, const layer *l, const memory *whole)
{
    static layer one;
    static memory m;
    for (int64_t r = 0; r < l->rows; r++) {
        one = *l;
        one.rows = 1;
        for (int which = 0; which < ARRAYS; which++) {
            if (which != X && which != X_GRADIENT && which != G && which != Y) continue;
            int64_t row = size_of(&one, which);
            memcpy(one.a[which], l->a[which] + r * row, (size_t)row * sizeof(double));
        }
        run(k, &one, &m);
        for (int64_t i = 0; i < l->out; i++) ck_assert(get(&m, Y, i) == get(whole, Y, r * l->out + i));
        for (int64_t i = 0; i < l->in; i++) ck_assert(get(&m, X_GRADIENT, i) == get(whole, X_GRADIENT, r * l->in + i));
    }
}

static void one_layer(layer *l, reel_dtype dtype)
{
    static memory found[ISA_COUNT];
    static double y[MOST], x[MOST], weight[MOST], bias[MOST];
    for (int which = 0; which < ARRAYS; which++)
        for (int64_t i = 0; i < size_of(l, which); i++) l->a[which][i] = uniform();
    reference(l, y, x, weight, bias);
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        const kernels *k = kernels_get_isa((kernels_isa)isa, dtype);
        if (!k) continue;
        run(k, l, &found[isa]);
        expect_near(k, l, &found[isa], Y, y);
        expect_near(k, l, &found[isa], X_GRADIENT, x);
        expect_near(k, l, &found[isa], WEIGHT_GRADIENT, weight);
        expect_near(k, l, &found[isa], BIAS_GRADIENT, bias);
        if (isa == ISA_AVX512) expect_same(l, &found[isa], &found[ISA_AVX2]);
        expect_rows(k, l, &found[isa]);
    }
}

START_TEST(test_kernels)
{
    static const int64_t sides[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 24, 31, 32}, rows[] = {0, 1, 3, 8, MOST_ROWS};
    const int count = sizeof sides / sizeof *sides;
    static layer l;
    int kind = 0;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++)
            for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
                if (!layer_is_small(sides[i], sides[j])) continue;
                kind++;
                l.rows = rows[r], l.out = sides[i], l.in = sides[j];
                l.relu = kind & 1, l.biased = kind % 3 > 0, l.add = kind % 5 > 2;
                one_layer(&l, REEL_FLOAT);
                one_layer(&l, REEL_DOUBLE);
            }
    ck_assert(!layer_is_small(5, 5) && !layer_is_small(33, 1) && !layer_is_small(0, 3) && layer_is_small(1, 32));
}
END_TEST

/* y and all gradients of relu(linear(x)) in one operation, and in two. */
static void compare_relu(reel_dtype dtype, int64_t rows, int64_t in, int64_t out)
{
    reel_array *arrays[3];
    const int64_t shapes[3][2] = {{rows, in}, {out, in}, {out, 0}};
    for (int i = 0; i < 3; i++) {
        arrays[i] = reel_array_new(NULL, context, dtype, i < 2 ? 2 : 1, shapes[i]);
        for (int64_t e = 0; e < arrays[i]->size; e++) {
            double u = e % 11 == 3 ? 0 : uniform();
            if (dtype == REEL_FLOAT)
                ((float *)arrays[i]->data)[e] = (float)u;
            else
                ((double *)arrays[i]->data)[e] = u;
        }
    }
    reel_tape *tape = reel_tape_new(NULL, context, dtype);
    reel_value v[2][3], y[2];
    for (int two = 0; two < 2; two++) {
        for (int i = 0; i < 3; i++) v[two][i] = reel_variable(NULL, tape, arrays[i]);
        reel_value *o = v[two];
        y[two] = two ? reel_relu(NULL, reel_linear(NULL, o[0], o[1], o[2])) : reel_linear_relu(NULL, o[0], o[1], o[2]);
        ck_assert_int_eq(reel_backward(NULL, reel_mean(NULL, reel_square(NULL, y[two]))), REEL_OK);
    }
    reel_array one = reel_data(y[0]), other = reel_data(y[1]);
    size_t element = reel_dtype_size(dtype);
    ck_assert_mem_eq(one.data, other.data, (size_t)one.size * element);
    for (int i = 0; i < 3; i++) {
        one = reel_gradient(v[0][i]);
        other = reel_gradient(v[1][i]);
        for (int64_t e = 0; e < one.size; e++)
            ck_assert_msg(at(one, e) == at(other, e), "%lld to %lld, operand %d at %lld", (long long)in, (long long)out,
                          i, (long long)e);
    }
    reel_tape_free(tape);
    for (int i = 0; i < 3; i++) reel_array_free(arrays[i]);
}

START_TEST(test_with_relu)
{
    for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
        compare_relu((reel_dtype)dtype, 200, 2, 8);
        compare_relu((reel_dtype)dtype, 9, 8, 1);
        compare_relu((reel_dtype)dtype, 1, 3, 3);
        compare_relu((reel_dtype)dtype, 33, 40, 25);
        compare_relu((reel_dtype)dtype, 0, 6, 6);
    }
    expect_fine();
}
END_TEST

/* A NaN is not cut off to 0, and comes back as a gradient. */
START_TEST(test_nan)
{
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    for (int64_t in = 2; in <= 40; in += 19) {
        double x[40] = {0}, w[40];
        for (int i = 0; i < 40; i++) w[i] = 1;
        x[1] = NAN;
        reel_value weight = reel_variable(NULL, tape, doubles(2, (const int64_t[]){1, in}, w));
        reel_value y =
            reel_linear_relu(NULL, reel_input(NULL, tape, doubles(2, (const int64_t[]){1, in}, x)), weight, REEL_NIL);
        ck_assert(isnan(at(reel_data(y), 0)));
        ck_assert_int_eq(reel_backward(NULL, reel_sum(NULL, y)), REEL_OK);
        ck_assert_double_eq(at(reel_gradient(weight), 0), 0);
        ck_assert(isnan(at(reel_gradient(weight), 1)));
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("linear");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_kernels);
    tcase_add_test(tests, test_with_relu);
    tcase_add_test(tests, test_nan);
    return run_case(tests, "linear");
}
