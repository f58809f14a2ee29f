/* SPDX-License-Identifier: MIT
 *
 * The philox stream: its words, its statistics, its permutations.
 */
#include "core/random.h"
#include "random_checks.h"

START_TEST(philox_known_answers)
{
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        philox4x32(known[i] + 4, known[i], out);
        for (int j = 0; j < 4; j++) ck_assert_uint_eq(out[j], known[i][6 + j]);
    }
}
END_TEST

/* The same words one by one and many at a time, from any start. */
START_TEST(philox_words)
{
    enum { N = 700 };
    static uint32_t word[N];
    reel_rng *rng = reel_rng_philox_new(NULL, context, 7, "words");
    reel_array *out = vector(REEL_FLOAT, N);
    for (int i = 0; i < N; i++) word[i] = reel_rng_bits32(rng);
    for (int start = 0; start < 9; start++) {
        reel_rng_seek(NULL, rng, 0);
        for (int i = 0; i < start; i++) reel_rng_bits32(rng);
        out->size = N - start;
        reel_rng_uniform(NULL, rng, out, 0, 1);
        for (int i = start; i < N; i++) ck_assert(((float *)out->data)[i - start] == (float)(word[i] >> 8) * 0x1p-24f);
    }
    out->size = N;
    /* A block's counter is (index / 4, position). */
    uint32_t expected[4], counter[4] = {3, 0, 5, 1};
    philox4x32(rng->philox.key, counter, expected);
    reel_rng_seek(NULL, rng, ((uint64_t)1 << 32) + 5);
    for (int i = 0; i < 12; i++) reel_rng_bits32(rng);
    for (int i = 0; i < 4; i++) ck_assert_uint_eq(reel_rng_bits32(rng), expected[i]);
    expect_fine();
}
END_TEST

START_TEST(philox_streams_differ)
{
    reel_rng *a = reel_rng_philox_new(NULL, context, 1, "dropout"),
             *b = reel_rng_philox_new(NULL, context, 1, "shuffle");
    reel_rng *c = reel_rng_philox_new(NULL, context, 2, "dropout"),
             *d = reel_rng_philox_new(NULL, context, 1, "dropout");
    int same_name = 0, same_seed = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t x = reel_rng_bits32(a);
        same_name += x == reel_rng_bits32(c);
        same_seed += x == reel_rng_bits32(b);
        ck_assert_uint_eq(x, reel_rng_bits32(d));
    }
    ck_assert_int_eq(same_name + same_seed, 0);
    /* Seek and seed start over, and drop the kept normal number. */
    reel_rng_seek(NULL, a, 0);
    double first = reel_rng_normal_one(a), second = reel_rng_normal_one(a);
    reel_rng_seek(NULL, a, 0);
    ck_assert(reel_rng_normal_one(a) == first);
    reel_rng_seek(NULL, a, 0);
    ck_assert(reel_rng_normal_one(a) == first && reel_rng_normal_one(a) == second);
    reel_rng_normal_one(a);
    reel_rng_seed(a, 1);
    ck_assert(reel_rng_normal_one(a) == first);
    reel_rng_seek(NULL, a, 1);
    ck_assert(reel_rng_normal_one(a) != first);
    expect_fine();
}
END_TEST

/* Normal numbers do not depend on the size of the requests nor on the type. */
START_TEST(philox_normal_in_pieces)
{
    enum { N = 101 };
    reel_rng *rng = reel_rng_philox_new(NULL, context, 3, "normal");
    reel_array *whole = vector(REEL_DOUBLE, N), *single = vector(REEL_FLOAT, N), *pieces = vector(REEL_DOUBLE, N);
    reel_rng_normal(NULL, rng, whole, 0, 1);
    reel_rng_seek(NULL, rng, 0);
    reel_rng_normal(NULL, rng, single, 0, 1);
    reel_rng_seek(NULL, rng, 0);
    for (int64_t at = 0, step = 1; at < N; at += step, step = step % 7 + 1) {
        if (at + step > N) step = N - at;
        reel_array piece = reel_array_view(REEL_DOUBLE, (double *)pieces->data + at, 1, &step);
        reel_rng_normal(NULL, rng, &piece, 0, 1);
    }
    for (int64_t i = 0; i < N; i++) {
        ck_assert(reel_array_get(whole, i) == reel_array_get(pieces, i));
        ck_assert(reel_array_get(single, i) == (double)(float)reel_array_get(whole, i));
    }
    expect_fine();
}
END_TEST

START_TEST(philox_statistics)
{
    enum { N = 200000, BINS = 100 };
    reel_rng *rng = reel_rng_philox_new(NULL, context, 11, "statistics");
    for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
        reel_array *x = vector((reel_dtype)dtype, N);
        reel_rng_uniform(NULL, rng, x, 2, 4);
        check_moments(x, 3, 1.0 / 3, 1.0 / 5);
        double chi2 = 0, expected = (double)N / BINS;
        int bin[BINS] = {0};
        for (int64_t i = 0; i < N; i++) {
            double u = reel_array_get(x, i);
            ck_assert(u >= 2 && u < 4);
            bin[(int)((u - 2) / 2 * BINS)]++;
        }
        for (int i = 0; i < BINS; i++) chi2 += pow(bin[i] - expected, 2) / expected;
        ck_assert_double_lt(fabs(chi2 - (BINS - 1)), 5 * sqrt(2.0 * (BINS - 1)));
        reel_rng_normal(NULL, rng, x, 1, 3);
        check_moments(x, 1, 9, 3 * 81);
        int64_t inside = 0;
        for (int64_t i = 0; i < N; i++) inside += fabs(reel_array_get(x, i) - 1) < 3;
        ck_assert_double_lt(fabs((double)inside / N - 0.6826894921370859), 5 * sqrt(0.2166 / N));
        reel_array_free(x);
    }
    reel_array *mask = vector(REEL_UINT8, N);
    reel_rng_keep_mask(NULL, rng, mask, 0.3);
    double kept = 0;
    for (int64_t i = 0; i < N; i++) kept += reel_array_get(mask, i);
    ck_assert_double_lt(fabs(kept / N - 0.7), 5 * sqrt(0.21 / N));
    expect_fine();
}
END_TEST

START_TEST(philox_integers)
{
    enum { N = 70000 };
    reel_rng *rng = reel_rng_philox_new(NULL, context, 5, "integers");
    reel_array *x = vector(REEL_INT64, N);
    const int64_t *v = x->data;
    reel_rng_integers(NULL, rng, x, -3, 4);
    int count[7] = {0};
    for (int i = 0; i < N; i++) {
        ck_assert(v[i] >= -3 && v[i] < 4);
        count[v[i] + 3]++;
    }
    double chi2 = 0;
    for (int i = 0; i < 7; i++) chi2 += pow(count[i] - N / 7.0, 2) / (N / 7.0);
    ck_assert_double_lt(chi2, 30);
    /* The widest range, ranges about 2^32, and a single value. */
    int64_t bounds[][2] = {
        {INT64_MIN, INT64_MAX}, {0, (int64_t)1 << 32}, {-5, ((int64_t)1 << 32) + 7}, {9, 10}, {0, UINT32_MAX}};
    for (int k = 0; k < 5; k++) {
        reel_rng_integers(NULL, rng, x, bounds[k][0], bounds[k][1]);
        double mean = 0, middle = ((double)bounds[k][0] + (double)bounds[k][1]) / 2;
        double width = (double)bounds[k][1] - (double)bounds[k][0];
        for (int i = 0; i < N; i++) {
            ck_assert(v[i] >= bounds[k][0] && v[i] < bounds[k][1]);
            mean += (double)v[i] / N;
        }
        if (width > 1) ck_assert_double_lt(fabs(mean - middle), 5 * width / sqrt(12.0 * N));
    }
    expect_fine();
}
END_TEST

/* Permutations */

START_TEST(philox_permutation_bijective)
{
    enum { MOST = 10007 };
    static int64_t p[MOST];
    static const int64_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 24, 25, 26, 60, 64, 100, 1000, 4096, MOST};
    reel_rng *rng = reel_rng_philox_new(NULL, context, 5, "order");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (uint64_t position = 0; position < 5; position++) {
            reel_rng_seek(NULL, rng, position);
            reel_rng_permutation(NULL, rng, sizes[s], p);
            check_bijective(p, sizes[s]);
            for (int64_t i = 0; i < sizes[s]; i += 1 + sizes[s] / 50)
                ck_assert_int_eq(p[i], reel_rng_permuted(rng, position, sizes[s], i));
        }
    }
    /* The second permutation of a position is another one. */
    static int64_t q[MOST];
    reel_rng_permutation(NULL, rng, MOST, q);
    ck_assert(memcmp(p, q, sizeof q) != 0);
    check_bijective(q, MOST);
    /* Far ends of huge ranges. */
    for (int k = 40; k < 63; k++) {
        int64_t n = ((int64_t)1 << k) + k, a = reel_rng_permuted(rng, 1, n, 0), b = reel_rng_permuted(rng, 1, n, n - 1);
        ck_assert(a >= 0 && a < n && b >= 0 && b < n && a != b);
    }
    int64_t last = reel_rng_permuted(rng, 1, INT64_MAX, INT64_MAX - 1);
    ck_assert(last >= 0 && last < INT64_MAX);
    ck_assert_int_eq(reel_rng_permuted(rng, 0, 10, 10), -1);
    ck_assert_int_eq(reel_rng_permuted(rng, 0, 10, -1), -1);
    ck_assert_int_eq(reel_rng_permuted(rng, 0, 0, 0), -1);
    ck_assert_int_eq(reel_rng_permuted(NULL, 0, 10, 0), -1);
    expect_fine();
}
END_TEST

/* All n! orders of a few elements come equally often (chi square, five deviations). */
START_TEST(philox_permutation_orders)
{
    static int count[5040];
    reel_rng *rng = reel_rng_philox_new(NULL, context, 1, "orders");
    for (int64_t n = 2; n <= 7; n++) {
        int orders = 1;
        for (int64_t i = 2; i <= n; i++) orders *= (int)i;
        int64_t p[7], rounds = 40 * orders < 40000 ? 40000 : 40 * orders;
        memset(count, 0, sizeof count);
        for (int64_t k = 0; k < rounds; k++) {
            reel_rng_seek(NULL, rng, (uint64_t)k);
            reel_rng_permutation(NULL, rng, n, p);
            int rank = 0;
            for (int64_t i = 0; i < n; i++) {
                int smaller = 0;
                for (int64_t j = i + 1; j < n; j++) smaller += p[j] < p[i];
                rank = rank * (int)(n - i) + smaller;
            }
            count[rank]++;
        }
        double chi2 = 0, expected = (double)rounds / orders;
        for (int i = 0; i < orders; i++) chi2 += pow(count[i] - expected, 2) / expected;
        double deviations = (chi2 - (orders - 1)) / sqrt(2.0 * (orders - 1));
        ck_assert_msg(fabs(deviations) < 5, "n = %d: chi square %g", (int)n, chi2);
    }
}
END_TEST

/* Every element visits every place equally often, and neighbours part: 48 and 49 elements, even and odd factors. */
START_TEST(philox_permutation_places)
{
    enum { ROUNDS = 20000 };
    static int place[49][49], follows[49];
    reel_rng *rng = reel_rng_philox_new(NULL, context, 2, "places");
    for (int64_t n = 48; n <= 49; n++) {
        memset(place, 0, sizeof place);
        memset(follows, 0, sizeof follows);
        int64_t p[49];
        for (int64_t k = 0; k < ROUNDS; k++) {
            reel_rng_permutation(NULL, rng, n, p);
            for (int64_t i = 0; i < n; i++) {
                place[i][p[i]]++;
                if (i) follows[(p[i] - p[i - 1] + n) % n]++;
            }
        }
        double chi2 = 0, expected = (double)ROUNDS / (double)n, cells = (double)((n - 1) * (n - 1)), gaps = 0;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) chi2 += pow(place[i][j] - expected, 2) / expected;
        ck_assert_msg(fabs(chi2 - cells) < 5 * sqrt(2 * cells), "places: chi square %g of %g", chi2, cells);
        for (int i = 1; i < n; i++) gaps += pow(follows[i] - ROUNDS, 2) / ROUNDS;
        ck_assert_int_eq(follows[0], 0);
        ck_assert_msg(fabs(gaps - (double)(n - 2)) < 6 * sqrt(2.0 * (double)(n - 2)), "gaps: chi square %g", gaps);
    }
}
END_TEST

/* Pairs of neighbours and of the two ends take all n (n-1) values equally often, for the smallest networks. */
START_TEST(philox_permutation_pairs)
{
    enum { ROUNDS = 100000 };
    static int near[26][26], far[26][26];
    static const int sizes[] = {17, 20, 21, 25, 26};
    reel_rng *rng = reel_rng_philox_new(NULL, context, 6, "pairs");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int n = sizes[s];
        int64_t p[26];
        memset(near, 0, sizeof near);
        memset(far, 0, sizeof far);
        for (int k = 0; k < ROUNDS; k++) {
            reel_rng_permutation(NULL, rng, n, p);
            near[p[0]][p[1]]++;
            far[p[0]][p[n - 1]]++;
        }
        double cells = n * (n - 1), expected = ROUNDS / cells, chi2[2] = {0, 0};
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                if (i == j) continue;
                chi2[0] += pow(near[i][j] - expected, 2) / expected;
                chi2[1] += pow(far[i][j] - expected, 2) / expected;
            }
        }
        for (int i = 0; i < 2; i++)
            ck_assert_msg(fabs(chi2[i] - (cells - 1)) < 5 * sqrt(2 * cells), "n = %d: chi square %g", n, chi2[i]);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("philox");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, philox_known_answers);
    tcase_add_test(tests, philox_words);
    tcase_add_test(tests, philox_streams_differ);
    tcase_add_test(tests, philox_normal_in_pieces);
    tcase_add_test(tests, philox_statistics);
    tcase_add_test(tests, philox_integers);
    tcase_add_test(tests, philox_permutation_bijective);
    tcase_add_test(tests, philox_permutation_orders);
    tcase_add_test(tests, philox_permutation_places);
    tcase_add_test(tests, philox_permutation_pairs);
    return run_case(tests, "philox");
}
