/* SPDX-License-Identifier: MIT
 *
 * Random streams: reference numbers, what is drawn with them, errors, and two moons.
 */
#include "failing.h"
#include "core/random.h"
#include "dataset.h"
#include "random_checks.h"
#include "rng_cases.h"

/* Reference files */

typedef struct tally {
    int passed, failed, not_covered;
} tally;

static void count_quietly(void *user, const rng_case *result)
{
    tally *t = user;
    t->passed += result->outcome == RNG_CASE_PASSED;
    t->failed += result->outcome == RNG_CASE_FAILED;
    t->not_covered += result->outcome == RNG_CASE_NOT_COVERED;
}

static void count_case(void *user, const rng_case *result)
{
    count_quietly(user, result);
    if (result->outcome != RNG_CASE_PASSED)
        fprintf(stderr, "%s seed %s %s: %s, largest deviation %g: %s\n", result->library, result->seed, result->name,
                result->outcome == RNG_CASE_FAILED ? "failed" : "not covered", result->deviation, result->reason);
}

static void run_file(const char *path, int entries)
{
    cJSON *document = rng_cases_load(path);
    ck_assert_msg(document, "cannot read %s", path);
    tally t = {0, 0, 0};
    int failed = rng_cases_run(context, document, count_case, &t);
    cJSON_Delete(document);
    ck_assert_int_eq(failed, 0);
    ck_assert_int_eq(t.failed, 0);
    ck_assert_int_eq(t.not_covered, 0);
    ck_assert_int_eq(t.passed, entries);
}

START_TEST(reference_numpy)
{
    run_file(REFERENCE "/rng/numpy.json", 2 * 21);
}
END_TEST

START_TEST(reference_torch)
{
    run_file(REFERENCE "/rng/torch.json", 2 * 142);
}
END_TEST

/* The runner itself sees differences, missing numbers and names it does not know. */
START_TEST(runner_sees_faults)
{
    cJSON *document = cJSON_Parse("{\"numpy\":\"x\",\"seeds\":{\"0\":{"
                                  "\"rand_2\":[0.5488135039273248,0.7151893663724195],"
                                  "\"rand_1\":[0.5488135039273249],"
                                  "\"rand_3\":[0.5488135039273248,0.7151893663724195],"
                                  "\"weibull_2\":[1,2]}}}");
    tally t = {0, 0, 0};
    ck_assert_int_eq(rng_cases_run(context, document, NULL, NULL), 2);
    ck_assert_int_eq(rng_cases_run(context, document, count_quietly, &t), 2);
    ck_assert_int_eq(t.passed, 1);
    ck_assert_int_eq(t.not_covered, 1);
    cJSON_Delete(document);
    document = cJSON_Parse("{\"seeds\":{}}");
    ck_assert_int_eq(rng_cases_run(context, document, NULL, NULL), -1);
    cJSON_Delete(document);
}
END_TEST

START_TEST(shuffle_and_choice)
{
    reel_rng *streams[] = {reel_rng_philox_new(NULL, context, 4, "s"), reel_rng_numpy_new(NULL, context, 4),
                           reel_rng_torch_new(NULL, context, 4), reel_rng_rust_new(NULL, context, 4)};
    for (int s = 0; s < 4; s++) {
        reel_rng *rng = streams[s];
        int64_t shape[] = {10, 3}, p[10], bytes[] = {10, 1, 2};
        reel_array *rows = reel_array_new(NULL, context, REEL_FLOAT, 2, shape);
        reel_array *small = reel_array_new(NULL, context, REEL_UINT8, 3, bytes);
        for (int i = 0; i < 30; i++) ((float *)rows->data)[i] = (float)i;
        for (int i = 0; i < 20; i++) ((uint8_t *)small->data)[i] = (uint8_t)i;
        reel_rng_seed(rng, 9);
        reel_rng_permutation(NULL, rng, 10, p);
        reel_rng_seed(rng, 9);
        reel_rng_shuffle(NULL, rng, rows);
        reel_rng_seed(rng, 9);
        reel_rng_shuffle(NULL, rng, small);
        for (int i = 0; i < 30; i++) ck_assert(((float *)rows->data)[i] == (float)(3 * p[i / 3] + i % 3));
        for (int i = 0; i < 20; i++) ck_assert_int_eq(((uint8_t *)small->data)[i], 2 * p[i / 2] + i % 2);
        /* Without replacement: the start of the permutation; in all, a permutation. */
        reel_array *few = vector(REEL_INT64, 4), *all = vector(REEL_INT64, 10);
        reel_rng_seed(rng, 9);
        reel_rng_choice(NULL, rng, few, 10, false, NULL);
        for (int i = 0; i < 4; i++) ck_assert_int_eq(((int64_t *)few->data)[i], p[i]);
        reel_rng_choice(NULL, rng, all, 10, false, NULL);
        check_bijective(all->data, 10);
        /* Weights 1:0:3, not summing to one. */
        double weights[] = {1, 0, 3};
        reel_array *many = vector(REEL_INT64, 20000);
        reel_rng_choice(NULL, rng, many, 3, true, weights);
        int count[3] = {0};
        for (int i = 0; i < 20000; i++) count[((int64_t *)many->data)[i]]++;
        ck_assert_int_eq(count[1], 0);
        ck_assert_int_lt(abs(count[0] - 5000), 5 * 62);
        reel_rng_epoch_order(NULL, rng, 10, p);
        check_bijective(p, 10);
        expect_fine();
    }
}
END_TEST

/* Masks */

START_TEST(masks)
{
    reel_rng *streams[] = {reel_rng_philox_new(NULL, context, 4, "s"), reel_rng_numpy_new(NULL, context, 4),
                           reel_rng_torch_new(NULL, context, 4), reel_rng_rust_new(NULL, context, 4)};
    reel_array *mask = vector(REEL_UINT8, 50), *p = vector(REEL_DOUBLE, 50);
    for (int s = 0; s < 4; s++) {
        reel_rng *rng = streams[s];
        reel_rng_seed(rng, 1);
        uint32_t first = reel_rng_bits32(rng);
        reel_rng_seed(rng, 1);
        reel_rng_keep_mask(NULL, rng, mask, 0);
        for (int i = 0; i < 50; i++) ck_assert_int_eq(((uint8_t *)mask->data)[i], 1);
        reel_rng_keep_mask(NULL, rng, mask, 1);
        for (int i = 0; i < 50; i++) ck_assert_int_eq(((uint8_t *)mask->data)[i], 0);
        ck_assert_uint_eq(reel_rng_bits32(rng), first);
        for (int i = 0; i < 50; i++) ((double *)p->data)[i] = i % 2;
        reel_rng_bernoulli(NULL, rng, mask, p);
        for (int i = 0; i < 50; i++) ck_assert_int_eq(((uint8_t *)mask->data)[i], i % 2);
        expect_fine();
    }
}
END_TEST

/* Initialisers */

START_TEST(orthogonal_properties)
{
    static const int64_t shapes[][4] = {{150, 150, 1, 1}, {7, 3, 2, 2}, {64, 5, 1, 1}, {3, 50, 1, 1}, {1, 1, 1, 1}};
    reel_rng *rng = reel_rng_philox_new(NULL, context, 1, "q");
    for (int s = 0; s < 5; s++) {
        reel_array *w = reel_array_new(NULL, context, REEL_DOUBLE, 4, shapes[s]);
        ck_assert_int_eq(reel_init_orthogonal(NULL, rng, w, 3), REEL_OK);
        int64_t rows = w->shape[0], columns = w->size / rows, few = rows < columns ? rows : columns;
        for (int64_t a = 0; a < few; a++) {
            for (int64_t b = 0; b <= a; b++) {
                double sum = 0;
                for (int64_t k = 0; k < w->size / few; k++)
                    sum += rows < columns ? reel_array_get(w, a * columns + k) * reel_array_get(w, b * columns + k)
                                          : reel_array_get(w, k * columns + a) * reel_array_get(w, k * columns + b);
                ck_assert_double_lt(fabs(sum - (a == b ? 9 : 0)), 3e-14);
            }
        }
        reel_array_free(w);
    }
}
END_TEST

/* Standard deviations are what the formulas say; a truncated normal stays inside and has the right spread. */
START_TEST(initialiser_spread)
{
    enum { OUT = 200, IN = 300 };
    int64_t shape[] = {OUT, IN};
    reel_rng *rng = reel_rng_philox_new(NULL, context, 8, "w");
    reel_array *w = reel_array_new(NULL, context, REEL_FLOAT, 2, shape);
    double s = sqrt(2.0 / IN);
    reel_init_kaiming_normal(NULL, rng, w, 0);
    check_moments(w, 0, s * s, 3 * pow(s, 4));
    s = sqrt(2.0 / OUT / (1 + 0.25));
    reel_init_kaiming_normal_fan_out(NULL, rng, w, 0.5);
    check_moments(w, 0, s * s, 3 * pow(s, 4));
    s = 2 * sqrt(2.0 / (IN + OUT));
    reel_init_xavier_uniform(NULL, rng, w, 2);
    check_moments(w, 0, s * s, 9.0 / 5 * pow(s, 4));
    /* Cut at one deviation: variance 1 - 2 phi(1) / (2 Phi(1) - 1), fourth moment 3 - 2 phi(1) (1 + 3) / (...). */
    double mass = erf(sqrt(0.5)), density = exp(-0.5) / sqrt(2 * 3.141592653589793);
    reel_init_truncated_normal(NULL, rng, w, 5, 1, 4, 6);
    for (int64_t i = 0; i < w->size; i++) ck_assert(reel_array_get(w, i) >= 4 && reel_array_get(w, i) <= 6);
    check_moments(w, 5, 1 - 2 * density / mass, 3 - 8 * density / mass);
    /* Far out: the inverse keeps its digits. */
    reel_init_truncated_normal(NULL, rng, w, 0, 1, -8, 8);
    check_moments(w, 0, 1, 3);
    expect_fine();
}
END_TEST

/* Errors */

START_TEST(errors)
{
    reel_rng *rng = reel_rng_philox_new("here.c:1", context, 1, NULL), *numpy = reel_rng_numpy_new(NULL, context, 1);
    reel_rng *torch = reel_rng_torch_new(NULL, context, 1);
    reel_array *f = vector(REEL_FLOAT, 4), *i = vector(REEL_INT64, 4), *m = vector(REEL_UINT8, 4);
    const char *site = "here.c:7";
    reel_rng_seek(site, numpy, 3);
    expect_error(REEL_BAD_STATE, "here.c:7: rng_seek: a numpy stream");
    reel_rng_seek(site, torch, 3);
    expect_error(REEL_BAD_STATE, "a torch stream");
    reel_rng_uniform(site, rng, i, 0, 1);
    expect_error(REEL_BAD_DTYPE, "the array holds int64, expected float32 or float64");
    reel_rng_uniform(site, rng, f, 1, 0);
    expect_error(REEL_BAD_ARGUMENT, "out of order");
    reel_rng_uniform(site, rng, f, NAN, 0);
    expect_error(REEL_BAD_ARGUMENT, "out of order");
    reel_rng_uniform(site, rng, f, 0, INFINITY);
    expect_error(REEL_BAD_ARGUMENT, "not finite");
    reel_rng_uniform(site, rng, f, 0, 1e39);
    expect_error(REEL_BAD_ARGUMENT, "not finite in float32");
    reel_rng_uniform(site, rng, NULL, 0, 1);
    expect_error(REEL_BAD_ARGUMENT, "no array");
    reel_rng_normal(site, rng, f, 0, -1);
    expect_error(REEL_BAD_ARGUMENT, "deviation");
    reel_rng_normal(site, rng, f, NAN, 1);
    expect_error(REEL_BAD_ARGUMENT, "mean");
    reel_rng_integers(site, rng, f, 0, 1);
    expect_error(REEL_BAD_DTYPE, "expected int64");
    reel_rng_integers(site, rng, i, 1, 1);
    expect_error(REEL_BAD_ARGUMENT, "low 1 must be below high 1");
    reel_rng_keep_mask(site, rng, f, 0.5);
    expect_error(REEL_BAD_DTYPE, "expected uint8");
    reel_rng_keep_mask(site, rng, m, 1.5);
    expect_error(REEL_BAD_ARGUMENT, "probability is 1.5");
    reel_rng_keep_mask(site, rng, m, NAN);
    expect_error(REEL_BAD_ARGUMENT, "probability");
    reel_rng_bernoulli(site, rng, m, i);
    expect_error(REEL_BAD_DTYPE, "probabilities");
    ((float *)f->data)[2] = 2;
    reel_rng_bernoulli(site, rng, m, f);
    expect_error(REEL_BAD_ARGUMENT, "probability 2 is 2");
    reel_rng_bernoulli(site, rng, m, vector(REEL_FLOAT, 3));
    expect_error(REEL_BAD_SHAPE, "(3)");
    reel_rng_permutation(site, numpy, -1, i->data);
    expect_error(REEL_BAD_ARGUMENT, "-1");
    reel_rng_permutation(site, numpy, 3, NULL);
    expect_error(REEL_BAD_ARGUMENT, "3");
    reel_array scalar = reel_array_view(REEL_FLOAT, f->data, 0, NULL);
    reel_rng_shuffle(site, numpy, &scalar);
    expect_error(REEL_BAD_SHAPE, "scalar");
    reel_rng_choice(site, numpy, i, 0, true, NULL);
    expect_error(REEL_BAD_ARGUMENT, "0 elements");
    reel_rng_choice(site, numpy, i, 3, false, NULL);
    expect_error(REEL_BAD_ARGUMENT, "without replacement");
    double weights[] = {1, -1};
    reel_rng_choice(site, numpy, i, 2, true, weights);
    expect_error(REEL_BAD_ARGUMENT, "weights");
    weights[0] = weights[1] = 0;
    reel_rng_choice(site, numpy, i, 2, true, weights);
    expect_error(REEL_BAD_ARGUMENT, "weights");
    reel_rng_choice(site, numpy, i, 9, false, weights);
    expect_error(REEL_BAD_ARGUMENT, "replacement");
    reel_init_kaiming_uniform(site, torch, f, 0);
    expect_error(REEL_BAD_SHAPE, "(4)");
    reel_init_orthogonal(site, torch, f, 1);
    expect_error(REEL_BAD_SHAPE, "init_orthogonal");
    reel_init_truncated_normal(site, torch, f, 0, 1, 1, -1);
    expect_error(REEL_BAD_ARGUMENT, "bounds");
    int64_t square[] = {2, 2};
    reel_array w = reel_array_view(REEL_FLOAT, f->data, 2, square);
    reel_init_xavier_normal(site, torch, &w, NAN);
    expect_error(REEL_BAD_ARGUMENT, "gain");
}
END_TEST

/* A failed context: nothing is drawn or written. No stream: the same. */
START_TEST(failed_and_null)
{
    reel_rng *rng = reel_rng_philox_new(NULL, context, 1, "x");
    reel_array *f = vector(REEL_FLOAT, 4);
    uint64_t index = rng->philox.index;
    reel_error_set(context, REEL_IO, NULL, NULL, "full");
    ck_assert_int_eq(reel_rng_uniform(NULL, rng, f, 0, 1), REEL_IO);
    ck_assert(((float *)f->data)[0] == 0 && rng->philox.index == index);
    ck_assert_ptr_null(reel_rng_torch_new(NULL, context, 1));
    reel_error_clear(context);

    int64_t order[2] = {5, 6};
    ck_assert_str_eq(reel_rng_kind(NULL), "none");
    ck_assert_int_eq(reel_rng_seek(NULL, NULL, 0), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_uniform(NULL, NULL, f, 0, 1), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_normal(NULL, NULL, f, 0, 1), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_integers(NULL, NULL, f, 0, 1), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_permutation(NULL, NULL, 2, order), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_epoch_order(NULL, NULL, 2, order), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_shuffle(NULL, NULL, f), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_choice(NULL, NULL, f, 2, true, NULL), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_keep_mask(NULL, NULL, f, 0.5), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_rng_bernoulli(NULL, NULL, f, f), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_init_kaiming_normal(NULL, NULL, f, 0), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_init_xavier_normal(NULL, NULL, f, 1), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_init_orthogonal(NULL, NULL, f, 1), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_init_truncated_normal(NULL, NULL, f, 0, 1, -2, 2), REEL_BAD_ARGUMENT);
    ck_assert(isnan(reel_rng_uniform_one(NULL)) && isnan(reel_rng_normal_one(NULL)));
    ck_assert_uint_eq(reel_rng_bits32(NULL), 0);
    ck_assert(reel_rng_bits64(NULL) == 0 && order[0] == 5);
    reel_rng_seed(NULL, 1);
    reel_rng_free(NULL);
    ck_assert_ptr_null(reel_rng_philox_new(NULL, NULL, 1, "x"));
    expect_fine();
}
END_TEST

/* Seeding again starts over: engine and kept normal number. */
START_TEST(seed_again)
{
    reel_rng *streams[] = {reel_rng_philox_new(NULL, context, 4, "s"), reel_rng_numpy_new(NULL, context, 4),
                           reel_rng_torch_new(NULL, context, 4), reel_rng_rust_new(NULL, context, 4)};
    for (int s = 0; s < 4; s++) {
        double first = reel_rng_normal_one(streams[s]), second = reel_rng_normal_one(streams[s]);
        reel_rng_normal_one(streams[s]);
        reel_rng_seed(streams[s], 4);
        ck_assert(reel_rng_normal_one(streams[s]) == first);
        ck_assert(reel_rng_normal_one(streams[s]) == second);
        reel_rng_seed(streams[s], 5);
        ck_assert(reel_rng_normal_one(streams[s]) != first);
    }
}
END_TEST

/* Empty arrays are no errors; low = high gives that number. */
START_TEST(edges)
{
    reel_rng *streams[] = {reel_rng_philox_new(NULL, context, 4, "s"), reel_rng_numpy_new(NULL, context, 4),
                           reel_rng_torch_new(NULL, context, 4), reel_rng_rust_new(NULL, context, 4)};
    int64_t none[] = {0, 5};
    reel_array *empty = reel_array_new(NULL, context, REEL_FLOAT, 2, none);
    reel_array *empty_mask = reel_array_new(NULL, context, REEL_UINT8, 2, none), *f = vector(REEL_DOUBLE, 20);
    for (int s = 0; s < 4; s++) {
        reel_rng *rng = streams[s];
        reel_rng_uniform(NULL, rng, empty, 0, 1);
        reel_rng_normal(NULL, rng, empty, 0, 1);
        reel_rng_shuffle(NULL, rng, empty);
        reel_rng_keep_mask(NULL, rng, empty_mask, 0.5);
        reel_rng_permutation(NULL, rng, 0, NULL);
        reel_rng_epoch_order(NULL, rng, 0, NULL);
        reel_init_kaiming_uniform(NULL, rng, empty, 0);
        reel_init_orthogonal(NULL, rng, empty, 1);
        reel_rng_uniform(NULL, rng, f, 2.5, 2.5);
        for (int i = 0; i < 20; i++) ck_assert(reel_array_get(f, i) == 2.5);
        reel_rng_normal(NULL, rng, f, 1.5, 0);
        for (int i = 0; i < 20; i++) ck_assert(reel_array_get(f, i) == 1.5);
        expect_fine();
    }
    /* A float range whose sum rounds up: the upper bound is never reached. */
    reel_array *many = vector(REEL_FLOAT, 100000);
    double high = 1 + 0x1p-23;
    reel_rng_uniform(NULL, streams[0], many, 1, high);
    for (int i = 0; i < 100000; i++) ck_assert(reel_array_get(many, i) == 1);
    expect_fine();
}
END_TEST

/* The stream of Rust's rand 0.8. */

/* ChaCha12 with a key of zeros (the first test vector of Strombergson's collection), and the two numbers that the test
 * test_stdrng_construction of rand 0.8 expects of StdRng::from_seed. */
START_TEST(rust_known_blocks)
{
    static const uint8_t zeros[16] = {0x9b, 0xf4, 0x9a, 0x6a, 0x07, 0x55, 0xf9, 0x53,
                                      0x81, 0x1f, 0xce, 0x12, 0x5f, 0x26, 0x83, 0xd5};
    static const uint32_t key[8] = {1, 23, 456, 7890};
    reel_rng *rng = reel_rng_rust_new(NULL, context, 0);
    memset(rng->chacha.key, 0, sizeof rng->chacha.key);
    for (int i = 0; i < 4; i++) {
        uint32_t word = reel_rng_bits32(rng);
        for (int j = 0; j < 4; j++) ck_assert_uint_eq(word >> 8 * j & 0xff, zeros[4 * i + j]);
    }
    memcpy(rng->chacha.key, key, sizeof key);
    rng_rust_seek(rng, 0);
    uint64_t low = reel_rng_bits32(rng);
    ck_assert_uint_eq((uint64_t)reel_rng_bits32(rng) << 32 | low, UINT64_C(10719222850664546238));
    reel_rng_seed(rng, 7);
    low = reel_rng_bits32(rng);
    for (int i = 1; i < 1000; i++) reel_rng_bits32(rng);
    uint64_t high = reel_rng_bits32(rng);
    rng_rust_seek(rng, 1000);
    ck_assert_uint_eq(reel_rng_bits32(rng), high);
    reel_rng_seed(rng, 7);
    ck_assert_uint_eq(reel_rng_bits32(rng), low);
    expect_fine();
}
END_TEST

/* gen_range of floats: 23 bits of a word each, and never the upper bound, though rounding would reach it. */
START_TEST(rust_uniform_bits)
{
    reel_rng *rng = reel_rng_rust_new(NULL, context, 42), *twin = reel_rng_rust_new(NULL, context, 42);
    reel_array *f = vector(REEL_FLOAT, 1000), *d = vector(REEL_DOUBLE, 1000);
    reel_rng_uniform(NULL, rng, f, -1, 3);
    for (int i = 0; i < 1000; i++)
        ck_assert(((float *)f->data)[i] == (float)(reel_rng_bits32(twin) >> 9) * 0x1p-23f * 4 - 1);
    reel_rng_uniform(NULL, rng, d, 0, 1);
    for (int i = 0; i < 1000; i++) {
        uint64_t low = reel_rng_bits32(twin), word = (uint64_t)reel_rng_bits32(twin) << 32 | low;
        ck_assert(((double *)d->data)[i] == (double)(word >> 12) * 0x1p-52);
    }
    reel_array *many = vector(REEL_FLOAT, 100000);
    reel_rng_uniform(NULL, rng, many, 1, 1 + 0x1p-23);
    for (int i = 0; i < 100000; i++) ck_assert(reel_array_get(many, i) == 1);
    expect_fine();
}
END_TEST

/* Integers and permutations are even: chi square of a die and of the first element of permutations of five. */
START_TEST(rust_integers_even)
{
    reel_rng *rng = reel_rng_rust_new(NULL, context, 3);
    int die[6] = {0}, first[5] = {0};
    reel_array *i = vector(REEL_INT64, 60000);
    reel_rng_integers(NULL, rng, i, -2, 4);
    for (int k = 0; k < 60000; k++) {
        int64_t x = ((int64_t *)i->data)[k];
        ck_assert(x >= -2 && x < 4);
        die[x + 2]++;
    }
    for (int k = 0; k < 6; k++) ck_assert_int_lt(abs(die[k] - 10000), 5 * 92);
    for (int k = 0; k < 50000; k++) {
        int64_t p[5];
        reel_rng_permutation(NULL, rng, 5, p);
        first[p[0]]++;
    }
    for (int k = 0; k < 5; k++) ck_assert_int_lt(abs(first[k] - 10000), 5 * 90);
    reel_rng_integers(NULL, rng, i, INT64_MIN, INT64_MAX);
    int negative = 0;
    for (int k = 0; k < 60000; k++) negative += ((int64_t *)i->data)[k] < 0;
    ck_assert_int_lt(abs(negative - 30000), 5 * 123);
    expect_fine();
}
END_TEST

/* Memory: the n-th request fails. */

static void use_everything(reel_context *c)
{
    int64_t shape[] = {6, 4}, few = 3;
    double weights[] = {1, 2, 3};
    reel_rng *streams[] = {reel_rng_philox_new(NULL, c, 4, "s"), reel_rng_numpy_new(NULL, c, 4),
                           reel_rng_torch_new(NULL, c, 4), reel_rng_rust_new(NULL, c, 4)};
    reel_array *w = reel_array_new(NULL, c, REEL_FLOAT, 2, shape), *i = reel_array_new(NULL, c, REEL_INT64, 1, &few);
    for (int s = 0; s < 4; s++) {
        reel_init_orthogonal(NULL, streams[s], w, 1);
        reel_rng_shuffle(NULL, streams[s], w);
        reel_rng_choice(NULL, streams[s], i, 3, true, weights);
        reel_rng_choice(NULL, streams[s], i, 9, false, NULL);
    }
    reel_dataset *moons = reel_moons_new(NULL, c, 10, 0.1, streams[0]);
    reel_dataset_free(reel_moons_new(NULL, c, 10, 0.1, streams[1]));
    (void)moons;
}

START_TEST(memory_faults)
{
    int n = 0;
    for (bool done = false; !done; n++) {
        failing f = {.left = (uint64_t)n};
        reel_allocator allocator = {fail_after, &f};
        reel_context *c = reel_context_new(&allocator);
        use_everything(c);
        done = c && !reel_failed(c);
        if (!done) ck_assert_int_eq(reel_error_status(c), REEL_NO_MEMORY);
        reel_context_free(c);
        ck_assert_uint_eq(f.in_use, 0);
        ck_assert_int_lt(n, 200);
    }
    ck_assert_int_gt(n, 20);
}
END_TEST

/* Two moons */

static double cell(const cJSON *rows, int i, int j)
{
    return cJSON_GetArrayItem(cJSON_GetArrayItem(rows, i), j)->valuedouble;
}

START_TEST(moons_reference)
{
    cJSON *document = rng_cases_load(REFERENCE "/moons/data.json");
    ck_assert_ptr_nonnull(document);
    const cJSON *single = cJSON_GetObjectItem(document, "X_float32"), *y = cJSON_GetObjectItem(document, "y");
    const cJSON *exact = cJSON_GetObjectItem(document, "X_float64_libm");
    reel_dataset *moons = reel_moons_new(NULL, context, 200, 0.15, reel_rng_numpy_new(NULL, context, 42));
    ck_assert_ptr_nonnull(moons);
    ck_assert_int_eq(moons->x->shape[0], 200);
    ck_assert_int_eq(moons->x->shape[1], 2);
    ck_assert_int_eq(moons->y->shape[1], 1);
    ck_assert_int_eq(cJSON_GetArraySize(single), 200);
    reel_array *points = vector(REEL_DOUBLE, 400);
    reel_rng_normal(NULL, reel_rng_numpy_new(NULL, context, 42), points, 0, 1);
    moons_fill(200, 0.15, points->data);
    for (int i = 0; i < 200; i++) {
        for (int j = 0; j < 2; j++) {
            ck_assert(reel_array_get(moons->x, 2 * i + j) == cell(single, i, j));
            ck_assert_double_le(fabs(reel_array_get(points, 2 * i + j) - cell(exact, i, j)), 1e-15);
        }
        ck_assert(reel_array_get(moons->y, i) == cJSON_GetArrayItem(y, i)->valuedouble);
    }
    cJSON_Delete(document);
    reel_dataset_free(moons);
    reel_dataset_free(NULL);
    expect_fine();
}
END_TEST

START_TEST(moons_errors)
{
    reel_rng *rng = reel_rng_torch_new(NULL, context, 1);
    ck_assert_ptr_null(reel_moons_new("a.c:1", context, 7, 0.1, rng));
    expect_error(REEL_BAD_ARGUMENT, "a.c:1: moons_new: 7 points");
    ck_assert_ptr_null(reel_moons_new(NULL, context, 0, 0.1, rng));
    expect_error(REEL_BAD_ARGUMENT, "0 points");
    ck_assert_ptr_null(reel_moons_new(NULL, context, 8, NAN, rng));
    expect_error(REEL_BAD_ARGUMENT, "noise is");
    ck_assert_ptr_null(reel_moons_new(NULL, context, 8, 0.1, NULL));
    expect_error(REEL_BAD_ARGUMENT, "noise needs");
    reel_dataset *clean = reel_moons_new(NULL, context, 2, 0, NULL);
    ck_assert_ptr_nonnull(clean);
    const float expected[] = {1, 0, 0, 0.5f};
    for (int i = 0; i < 4; i++) ck_assert(((float *)clean->x->data)[i] == expected[i]);
    expect_fine();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("random");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, reference_numpy);
    tcase_add_test(tests, reference_torch);
    tcase_add_test(tests, runner_sees_faults);
    tcase_add_test(tests, shuffle_and_choice);
    tcase_add_test(tests, masks);
    tcase_add_test(tests, orthogonal_properties);
    tcase_add_test(tests, initialiser_spread);
    tcase_add_test(tests, errors);
    tcase_add_test(tests, failed_and_null);
    tcase_add_test(tests, seed_again);
    tcase_add_test(tests, edges);
    tcase_add_test(tests, rust_known_blocks);
    tcase_add_test(tests, rust_uniform_bits);
    tcase_add_test(tests, rust_integers_even);
    tcase_add_test(tests, memory_faults);
    tcase_add_test(tests, moons_reference);
    tcase_add_test(tests, moons_errors);
    return run_case(tests, "random");
}
