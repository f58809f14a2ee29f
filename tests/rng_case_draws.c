/* SPDX-License-Identifier: MIT
 *
 * What the entries of reference streams are: draws, orders, modules, initialisers, dropout.
 */
#include "rng_case_run.h"
#include "sha256.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arguments */

static int64_t integer(const run *r, int i)
{
    return (int64_t)r->number[i];
}

static double real(const run *r, int i)
{
    return (double)r->number[i];
}

static reel_array *new_array(run *r, reel_dtype dtype)
{
    return reel_array_new(NULL, r->context, dtype, r->rank, r->shape);
}

static reel_array *new_vector(run *r, reel_dtype dtype, int64_t n)
{
    return reel_array_new(NULL, r->context, dtype, 1, &n);
}

static void finish(run *r, reel_array *got)
{
    rng_case_compare(r, r->expected, got);
    reel_array_free(got);
}

static reel_array *new_arange(run *r, int64_t n)
{
    reel_array *a = new_vector(r, REEL_INT64, n);
    for (int64_t i = 0; a && i < n; i++) ((int64_t *)a->data)[i] = i;
    return a;
}

/* Draws */

static void run_raw(run *r)
{
    reel_array *got = new_vector(r, REEL_INT64, integer(r, 0));
    for (int64_t i = 0; got && i < got->size; i++) ((int64_t *)got->data)[i] = reel_rng_bits32(r->rng);
    finish(r, got);
}

static void run_random63(run *r)
{
    reel_array *got = new_vector(r, REEL_INT64, integer(r, 0));
    for (int64_t i = 0; got && i < got->size; i++)
        ((int64_t *)got->data)[i] = (int64_t)(reel_rng_bits64(r->rng) & INT64_MAX);
    finish(r, got);
}

static void run_random_modulo(run *r)
{
    reel_array *got = new_vector(r, REEL_INT64, integer(r, 1));
    reel_rng_integers(NULL, r->rng, got, 0, integer(r, 0));
    finish(r, got);
}

static void uniform(run *r, double low, double high)
{
    reel_array *got = new_array(r, r->dtype);
    reel_rng_uniform(NULL, r->rng, got, low, high);
    finish(r, got);
}

static void run_rand(run *r)
{
    uniform(r, 0, 1);
}

static void run_uniform(run *r)
{
    uniform(r, real(r, 0), real(r, 1));
}

/* The step of numpy's sequence_mixed; its bounds are not in the name. */
static void run_uniform_pm4(run *r)
{
    uniform(r, -4, 4);
}

static void normal(run *r, double mean, double deviation)
{
    reel_array *got = new_array(r, r->dtype);
    reel_rng_normal(NULL, r->rng, got, mean, deviation);
    finish(r, got);
}

static void run_randn(run *r)
{
    normal(r, 0, 1);
}

static void run_normal(run *r)
{
    normal(r, real(r, 0), real(r, 1));
}

static void run_randint(run *r)
{
    reel_array *got = new_array(r, REEL_INT64);
    reel_rng_integers(NULL, r->rng, got, integer(r, 0), integer(r, 1));
    finish(r, got);
}

/* Orders and choices */

static void permutation_start(run *r, int64_t count)
{
    reel_array *whole = new_vector(r, REEL_INT64, integer(r, 0));
    if (!whole) return;
    reel_rng_permutation(NULL, r->rng, whole->size, whole->data);
    if (count > whole->size) count = whole->size;
    reel_array start = reel_array_view(REEL_INT64, whole->data, 1, &count);
    rng_case_compare(r, r->expected, &start);
    reel_array_free(whole);
}

static void run_permutation(run *r)
{
    permutation_start(r, integer(r, 0));
}

static void run_permutation_first(run *r)
{
    permutation_start(r, integer(r, 1));
}

/* The array that was permuted is not in the name; this one is what the seeds' results agree on. */
static void run_permutation_of_array(run *r)
{
    double values[] = {3.0, 1.0, 4.0, 1.5, 9.0, 2.6};
    int64_t n = 6;
    reel_array array = reel_array_view(REEL_DOUBLE, values, 1, &n);
    reel_rng_shuffle(NULL, r->rng, &array);
    rng_case_compare(r, r->expected, &array);
}

static void run_shuffle_first(run *r)
{
    reel_array *a = new_arange(r, integer(r, 0));
    reel_rng_shuffle(NULL, r->rng, a);
    int64_t count = integer(r, 1);
    if (!a || count > a->size) {
        rng_case_fail(r, "the name does not make sense");
    } else {
        reel_array start = reel_array_view(REEL_INT64, a->data, 1, &count);
        rng_case_compare(r, r->expected, &start);
    }
    reel_array_free(a);
}

static void run_shuffle_sha256(run *r)
{
    reel_array *a = new_arange(r, integer(r, 0));
    reel_rng_shuffle(NULL, r->rng, a);
    size_t room = a ? (size_t)a->size * 21 + 1 : 1, used = 0;
    char *text = malloc(room), hex[65];
    for (int64_t i = 0; text && a && i < a->size; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%lld", i ? "," : "",
                                 (long long)((const int64_t *)a->data)[i]);
    if (text) sha256_hex(text, used, hex);
    if (!text || !cJSON_IsString(r->expected) || strcmp(hex, r->expected->valuestring) != 0)
        rng_case_fail(r, "the hash of the whole list differs");
    r->compared += a ? a->size : 0;
    free(text);
    reel_array_free(a);
}

static void run_shuffle_rows(run *r)
{
    reel_array *flat = new_arange(r, integer(r, 0));
    if (!flat) return;
    reel_array rows = reel_array_view(REEL_INT64, flat->data, r->rank, r->shape);
    if (rows.size != flat->size) {
        rng_case_fail(r, "the name does not make sense");
    } else {
        reel_rng_shuffle(NULL, r->rng, &rows);
        rng_case_compare(r, r->expected, &rows);
    }
    reel_array_free(flat);
}

static void choice(run *r, bool replace, const double *weights)
{
    reel_array *got = new_vector(r, REEL_INT64, integer(r, 1));
    reel_rng_choice(NULL, r->rng, got, integer(r, 0), replace, weights);
    finish(r, got);
}

static void run_choice(run *r)
{
    choice(r, true, NULL);
}

static void run_choice_noreplace(run *r)
{
    choice(r, false, NULL);
}

/* The weights are not in the name; for five elements these are the ones the results fit. */
static void run_choice_weighted(run *r)
{
    static const double weights[] = {0.1, 0.2, 0.3, 0.25, 0.15};
    if (integer(r, 0) != 5)
        r->not_covered = true;
    else
        choice(r, true, weights);
}

static void run_loader(run *r)
{
    int64_t n = integer(r, 0), batch = integer(r, 1), two = 2 * n;
    reel_array *got = new_vector(r, REEL_INT64, two);
    if (!got) return;
    reel_rng_epoch_order(NULL, r->rng, n, got->data);
    reel_rng_epoch_order(NULL, r->rng, n, (int64_t *)got->data + n);
    int batches = cJSON_GetArraySize(cJSON_GetArrayItem(r->expected, 0));
    if (batch < 1 || batches != (n + batch - 1) / batch) rng_case_fail(r, "another number of batches");
    finish(r, got);
}

/* Modules */

static reel_array *new_weight(run *r, int64_t out, int64_t in, int64_t k)
{
    int64_t shape[] = {out, in, k, k};
    return reel_array_new(NULL, r->context, REEL_FLOAT, k > 0 ? 4 : 2, shape);
}

/* Weight and, when `bias` names one, bias of a Linear (k = 0) or Conv2d module. */
static void module(run *r, const char *weight_name, const char *bias_name, int64_t in, int64_t out, int64_t k)
{
    reel_array *weight = new_weight(r, out, in, k);
    reel_init_kaiming_uniform(NULL, r->rng, weight, sqrt(5));
    rng_case_compare(r, cJSON_GetObjectItemCaseSensitive(r->expected, weight_name), weight);
    reel_array_free(weight);
    if (!bias_name) return;
    reel_array *bias = new_vector(r, REEL_FLOAT, out);
    double bound = 1 / sqrt((double)(in * (k > 0 ? k * k : 1)));
    reel_rng_uniform(NULL, r->rng, bias, -bound, bound);
    rng_case_compare(r, cJSON_GetObjectItemCaseSensitive(r->expected, bias_name), bias);
    reel_array_free(bias);
}

static void run_linear(run *r)
{
    module(r, "weight", "bias", integer(r, 0), integer(r, 1), 0);
}

static void run_linear_nobias(run *r)
{
    module(r, "weight", NULL, integer(r, 0), integer(r, 1), 0);
}

static void run_simple_net(run *r)
{
    module(r, "fc1.weight", "fc1.bias", integer(r, 0), integer(r, 1), 0);
    module(r, "fc2.weight", "fc2.bias", integer(r, 1), integer(r, 2), 0);
}

static void run_conv2d(run *r)
{
    module(r, "weight", "bias", integer(r, 0), integer(r, 1), integer(r, 2));
}

static void run_embedding(run *r)
{
    r->rank = 2;
    r->shape[0] = integer(r, 0);
    r->shape[1] = integer(r, 1);
    run_randn(r);
}

/* Initialisers */

static void initialiser(run *r, reel_status (*init)(const char *, reel_rng *, reel_array *, double), double argument)
{
    reel_array *got = new_array(r, r->dtype);
    init(NULL, r->rng, got, argument);
    finish(r, got);
}

static void run_kaiming_uniform(run *r)
{
    initialiser(r, reel_init_kaiming_uniform, 0);
}

static void run_kaiming_uniform_fan_out(run *r)
{
    initialiser(r, reel_init_kaiming_uniform_fan_out, 0);
}

static void run_kaiming_normal(run *r)
{
    initialiser(r, reel_init_kaiming_normal, 0);
}

static void run_xavier_uniform(run *r)
{
    initialiser(r, reel_init_xavier_uniform, 1);
}

static void run_xavier_uniform_tanh(run *r)
{
    initialiser(r, reel_init_xavier_uniform, 5.0 / 3);
}

static void run_xavier_normal(run *r)
{
    initialiser(r, reel_init_xavier_normal, 1);
}

static void run_orthogonal(run *r)
{
    r->tolerance = r->dtype == REEL_FLOAT ? 3e-5 : 1e-13;
    initialiser(r, reel_init_orthogonal, r->numbers ? real(r, 0) : 1);
}

/* Cut at two deviations. */
static void run_truncated_normal(run *r)
{
    double s = real(r, 0);
    r->tolerance = r->dtype == REEL_FLOAT ? 1e-6 : 1e-13;
    reel_array *got = new_array(r, r->dtype);
    reel_init_truncated_normal(NULL, r->rng, got, 0, s, -2 * s, 2 * s);
    finish(r, got);
}

/* Dropout */

/* Input 1, 2, 3, ... or ones; dropped elements become 0, kept ones are multiplied by 1/(1-p) in the type. */
static reel_array *dropout(run *r, reel_dtype dtype, int64_t n, double p, bool counting)
{
    reel_array *mask = new_vector(r, REEL_UINT8, n), *got = new_vector(r, dtype, n);
    reel_rng_keep_mask(NULL, r->rng, mask, p);
    for (int64_t i = 0; mask && got && i < n; i++) {
        double keep = reel_array_get(mask, i), x = counting ? (double)(i + 1) : 1;
        if (dtype == REEL_FLOAT)
            ((float *)got->data)[i] = (float)x * ((float)keep * (1 / (float)(1 - p)));
        else
            ((double *)got->data)[i] = x * (keep * (1 / (1 - p)));
    }
    reel_array_free(mask);
    return got;
}

static void run_dropout_ones(run *r)
{
    finish(r, dropout(r, r->dtype, integer(r, 0), real(r, 1), false));
}

static void run_dropout_counting(run *r)
{
    finish(r, dropout(r, r->dtype, integer(r, 1), real(r, 0), true));
}

static void run_two_dropouts(run *r)
{
    for (int i = 0; i < 2; i++) {
        reel_array *got = dropout(r, REEL_FLOAT, integer(r, 0), real(r, 1), false);
        rng_case_compare(r, cJSON_GetArrayItem(r->expected, i), got);
        reel_array_free(got);
    }
}

static void bernoulli(run *r, reel_dtype dtype, double p, int64_t n, bool tensor)
{
    reel_array *got = new_vector(r, REEL_UINT8, n), *probability = new_vector(r, dtype, tensor ? n : 1);
    for (int64_t i = 0; probability && i < probability->size; i++) {
        if (dtype == REEL_FLOAT)
            ((float *)probability->data)[i] = (float)p;
        else
            ((double *)probability->data)[i] = p;
    }
    reel_rng_bernoulli(NULL, r->rng, got, probability);
    reel_array_free(probability);
    finish(r, got);
}

static void run_bernoulli_scalar(run *r)
{
    bernoulli(r, REEL_DOUBLE, real(r, 0), integer(r, 1), false);
}

static void run_bernoulli_tensor(run *r)
{
    bernoulli(r, r->dtype, real(r, 0), integer(r, 1), true);
}

/* Tables */

/* Steps of a sequence; a name is a letter for the order, an underline, and the step. */
static const pattern steps[] = {
    {"randn%d", run_randn},          {"randn%d_%t", run_randn},         {"rand%d", run_rand},
    {"rand_%t_%d", run_rand},        {"randint_%n_%n_%d", run_randint}, {"permutation%n", run_permutation},
    {"randperm%n", run_permutation}, {"uniform_%d", run_uniform_pm4},   {NULL, NULL},
};

static void run_sequence(run *r)
{
    const cJSON *all = r->expected;
    reel_dtype dtype = r->dtype;
    for (const cJSON *step = all->child; step; step = step->next) {
        const char *name = step->string ? strchr(step->string, '_') : NULL;
        r->expected = step;
        r->dtype = dtype;
        if (!name || !rng_case_by_name(r, steps, name + 1)) {
            r->not_covered = true;
            return;
        }
    }
}

const pattern rng_case_numpy[] = {
    {"raw_uint32_%n", run_raw},
    {"rand_%d", run_rand},
    {"randn_%d", run_randn},
    {"normal_%n_%n_%d", run_normal},
    {"uniform_%n_%n_%d", run_uniform},
    {"randint_%n_%n_%d", run_randint},
    {"permutation_%n", run_permutation},
    {"permutation_of_array", run_permutation_of_array},
    {"shuffle_arange%n_first%n", run_shuffle_first},
    {"shuffle_arange%n_sha256_of_comma_joined", run_shuffle_sha256},
    {"shuffle_rows_arange%n_%d", run_shuffle_rows},
    {"choice_%n_size%n", run_choice},
    {"choice_%n_size%n_noreplace", run_choice_noreplace},
    {"choice_%n_size%n_p", run_choice_weighted},
    {"sequence_mixed", run_sequence},
    {NULL, NULL},
};

const pattern rng_case_torch[] = {
    {"random_mod_%n_%n", run_random_modulo},
    {"random__int64_%n", run_random63},
    {"rand_%t_%d", run_rand},
    {"randn_%t_%d", run_randn},
    {"uniform_%n_%n_%t_%d", run_uniform},
    {"normal_%n_%n_%t_%d", run_normal},
    {"randint_%n_%n_%d", run_randint},
    {"randperm_%n", run_permutation},
    {"randperm_%n_first%n", run_permutation_first},
    {"Linear_%n_%n", run_linear},
    {"Linear_%n_%n_nobias", run_linear_nobias},
    {"Conv2d_%n_%n_k%n", run_conv2d},
    {"Embedding_%n_%n", run_embedding},
    {"kaiming_uniform_default_%d_%t", run_kaiming_uniform},
    {"kaiming_uniform_relu_fanout_%d_%t", run_kaiming_uniform_fan_out},
    {"kaiming_normal_relu_%d_%t", run_kaiming_normal},
    {"xavier_uniform_%d_%t", run_xavier_uniform},
    {"xavier_uniform_tanhgain_%d_%t", run_xavier_uniform_tanh},
    {"xavier_normal_%d_%t", run_xavier_normal},
    {"orthogonal_%d_%t", run_orthogonal},
    {"orthogonal_gain%n_%d_%t", run_orthogonal},
    {"trunc_normal_std%n_%d_%t", run_truncated_normal},
    {"dropout_ones%n_p%n_%t", run_dropout_ones},
    {"dropout_%d_p%n_%t_input1to%n", run_dropout_counting},
    {"bernoulli_scalar_keep%n_%n", run_bernoulli_scalar},
    {"bernoulli_tensor_%t_p%n_%n", run_bernoulli_tensor},
    {"sequence_mixed", run_sequence},
    {"sequence_SimpleNet_%n_%n_%n", run_simple_net},
    {"sequence_two_dropouts_ones%n_p%n", run_two_dropouts},
    {"sequence_DataLoader_shuffle_arange%n_bs%n_two_epochs", run_loader},
    {NULL, NULL},
};
