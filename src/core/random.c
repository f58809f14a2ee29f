/* SPDX-License-Identifier: MIT
 *
 * Random streams: making them, checking arguments, and what is the same for every kind.
 */
#include "core/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void rng_destroy(reel_object *object)
{
    reel_rng *rng = (reel_rng *)object;
    memory_string_free(object->context, rng->name);
    object_release(object, sizeof *rng);
}

static reel_rng *rng_new(const char *site, const char *who, reel_context *context, const rng_methods *methods,
                         uint64_t seed, const char *name)
{
    reel_rng *rng = object_new(context, site, who, sizeof *rng, rng_destroy);
    if (!rng) return NULL;
    rng->methods = methods;
    if (name) {
        rng->name = memory_string(context, site, who, name);
        if (!rng->name) {
            object_free(rng);
            return NULL;
        }
    }
    reel_rng_seed(rng, seed);
    return rng;
}

reel_rng *reel_rng_philox_new(const char *site, reel_context *context, uint64_t seed, const char *name)
{
    return rng_new(site, "rng_philox_new", context, &rng_philox, seed, name ? name : "");
}

reel_rng *reel_rng_numpy_new(const char *site, reel_context *context, uint64_t seed)
{
    return rng_new(site, "rng_numpy_new", context, &rng_numpy, seed, NULL);
}

reel_rng *reel_rng_torch_new(const char *site, reel_context *context, uint64_t seed)
{
    return rng_new(site, "rng_torch_new", context, &rng_torch, seed, NULL);
}

reel_rng *reel_rng_rust_new(const char *site, reel_context *context, uint64_t seed)
{
    return rng_new(site, "rng_rust_new", context, &rng_rust, seed, NULL);
}

void reel_rng_free(reel_rng *rng)
{
    object_free(rng);
}

const char *reel_rng_kind(const reel_rng *rng)
{
    return rng ? rng->methods->kind : "none";
}

void reel_rng_seed(reel_rng *rng, uint64_t seed)
{
    if (!rng) return;
    rng->seed = seed;
    rng_drop_kept(rng);
    rng->methods->seed(rng);
}

uint32_t reel_rng_bits32(reel_rng *rng)
{
    return rng ? rng->methods->bits32(rng) : 0;
}

uint64_t reel_rng_bits64(reel_rng *rng)
{
    return rng ? rng->methods->bits64(rng) : 0;
}

double reel_rng_uniform_one(reel_rng *rng)
{
    return rng ? rng->methods->uniform_one(rng) : NAN;
}

double reel_rng_normal_one(reel_rng *rng)
{
    return rng ? rng->methods->normal_one(rng) : NAN;
}

/* REEL_OK when a call may go on: there is a stream and its context has not failed. */
static reel_status rng_ready(const reel_rng *rng)
{
    return rng ? reel_error_status(rng->object.context) : REEL_BAD_ARGUMENT;
}

reel_status rng_check(const char *site, const char *who, const reel_rng *rng, const reel_array *out, unsigned types)
{
    reel_status status = rng_ready(rng);
    if (status != REEL_OK) return status;
    if (!out || out->size < 0 || (out->size > 0 && !out->data))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "there is no array to write to");
    if ((unsigned)out->dtype > REEL_UINT8 || !(types & 1u << out->dtype)) {
        const char *expected = types == RNG_REAL ? "float32 or float64" : types == 1u << REEL_INT64 ? "int64" : "uint8";
        return rng_fail(rng, REEL_BAD_DTYPE, site, who, "the array holds %s, expected %s", reel_dtype_name(out->dtype),
                        expected);
    }
    return REEL_OK;
}

reel_status reel_rng_seek(const char *site, reel_rng *rng, uint64_t position)
{
    reel_status status = rng_ready(rng);
    if (status != REEL_OK) return status;
    if (rng->methods != &rng_philox)
        return rng_fail(rng, REEL_BAD_STATE, site, "rng_seek", "a %s stream has no positions, only a philox one has",
                        rng->methods->kind);
    rng_philox_seek(rng, position);
    return REEL_OK;
}

/* Is x finite in the type of the array? */
static bool fits(const reel_array *out, double x)
{
    return isfinite(x) && (out->dtype != REEL_FLOAT || fabs(x) <= (double)FLT_MAX);
}

reel_status reel_rng_uniform(const char *site, reel_rng *rng, reel_array *out, double low, double high)
{
    const char *who = "rng_uniform";
    reel_status status = rng_check(site, who, rng, out, RNG_REAL);
    if (status != REEL_OK) return status;
    if (!(low <= high))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "bounds are out of order, low %g, high %g", low, high);
    if (!fits(out, low) || !fits(out, high) || !fits(out, high - low))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "bounds %g and %g, or their distance, are not finite in %s",
                        low, high, reel_dtype_name(out->dtype));
    rng->methods->uniform(rng, out, low, high);
    return REEL_OK;
}

reel_status reel_rng_normal(const char *site, reel_rng *rng, reel_array *out, double mean, double deviation)
{
    const char *who = "rng_normal";
    reel_status status = rng_check(site, who, rng, out, RNG_REAL);
    if (status != REEL_OK) return status;
    if (!fits(out, mean) || !fits(out, deviation) || deviation < 0)
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who,
                        "mean %g and deviation %g must be finite in %s and the deviation not negative", mean, deviation,
                        reel_dtype_name(out->dtype));
    rng->methods->normal(rng, out, mean, deviation);
    return REEL_OK;
}

reel_status reel_rng_integers(const char *site, reel_rng *rng, reel_array *out, int64_t low, int64_t high)
{
    const char *who = "rng_integers";
    reel_status status = rng_check(site, who, rng, out, 1u << REEL_INT64);
    if (status != REEL_OK) return status;
    if (low >= high)
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "low %lld must be below high %lld", (long long)low,
                        (long long)high);
    rng->methods->integers(rng, out->size, out->data, low, (uint64_t)high - (uint64_t)low);
    return REEL_OK;
}

reel_status reel_rng_keep_mask(const char *site, reel_rng *rng, reel_array *mask, double p)
{
    const char *who = "rng_keep_mask";
    reel_status status = rng_check(site, who, rng, mask, 1u << REEL_UINT8);
    if (status != REEL_OK) return status;
    if (!(p >= 0 && p <= 1))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "the probability is %g, expected 0 to 1", p);
    if (mask->size == 0) return REEL_OK;
    if (p == 0 || p == 1)
        memset(mask->data, p == 0, (size_t)mask->size);
    else
        rng->methods->keep_mask(rng, mask->size, mask->data, p);
    return REEL_OK;
}

static reel_status check_probabilities(const char *site, const char *who, const reel_rng *rng, const reel_array *out,
                                       const reel_array *p)
{
    if (!p || p->size < 0 || (p->size > 0 && !p->data) || !(RNG_REAL & 1u << p->dtype))
        return rng_fail(rng, REEL_BAD_DTYPE, site, who, "probabilities must be an array of float32 or float64");
    if (p->size != out->size && p->size != 1) {
        char a[SHAPE_TEXT_SIZE], b[SHAPE_TEXT_SIZE];
        return rng_fail(rng, REEL_BAD_SHAPE, site, who, "probabilities are %s, expected one element or as many as %s",
                        shape_text(a, p), shape_text(b, out));
    }
    for (int64_t i = 0; i < p->size; i++) {
        double x = reel_array_get(p, i);
        if (!(x >= 0 && x <= 1))
            return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "probability %lld is %g, expected 0 to 1", (long long)i,
                            x);
    }
    return REEL_OK;
}

reel_status reel_rng_bernoulli(const char *site, reel_rng *rng, reel_array *out, const reel_array *p)
{
    const char *who = "rng_bernoulli";
    reel_status status = rng_check(site, who, rng, out, 1u << REEL_UINT8);
    if (status == REEL_OK) status = check_probabilities(site, who, rng, out, p);
    if (status != REEL_OK) return status;
    uint8_t *to = out->data;
    for (int64_t i = 0; i < out->size; i++) {
        double u;
        if (p->dtype == REEL_FLOAT) {
            float one;
            int64_t unit = 1;
            reel_array single = reel_array_view(REEL_FLOAT, &one, 1, &unit);
            rng->methods->uniform(rng, &single, 0, 1);
            u = (double)one;
        } else {
            u = rng->methods->uniform_one(rng);
        }
        to[i] = u < reel_array_get(p, p->size == 1 ? 0 : i);
    }
    return REEL_OK;
}

/* The first `count` elements of a permutation of n; a stream that can only make it whole needs memory for n. */
static reel_status permutation_start(const char *site, const char *who, reel_rng *rng, int64_t n, int64_t count,
                                     int64_t *out)
{
    if (n == 0 || count == 0) return REEL_OK;
    if (count == n || rng->methods->permutes_in_part) {
        rng->methods->permutation(rng, n, count, out);
        return REEL_OK;
    }
    reel_context *context = rng->object.context;
    if (n > INT64_MAX / 16)
        return rng_fail(rng, REEL_NO_MEMORY, site, who, "no memory for a permutation of %lld", (long long)n);
    size_t bytes = (size_t)n * sizeof *out;
    int64_t *whole = memory_new(context, site, who, bytes);
    if (!whole) return reel_error_status(context);
    rng->methods->permutation(rng, n, n, whole);
    memcpy(out, whole, (size_t)count * sizeof *out);
    memory_free(context, whole, bytes);
    return REEL_OK;
}

reel_status reel_rng_permutation(const char *site, reel_rng *rng, int64_t n, int64_t *out)
{
    const char *who = "rng_permutation";
    reel_status status = rng_ready(rng);
    if (status != REEL_OK) return status;
    if (n < 0 || (n > 0 && !out))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "a permutation of %lld elements %s", (long long)n,
                        n < 0 ? "does not exist" : "needs an array to write to");
    return permutation_start(site, who, rng, n, n, out);
}

reel_status reel_rng_epoch_order(const char *site, reel_rng *rng, int64_t n, int64_t *out)
{
    if (!rng || rng->methods != &rng_torch) return (reel_rng_permutation)(site, rng, n, out);
    reel_status status = rng_ready(rng);
    if (status != REEL_OK) return status;
    if (n < 0 || (n > 0 && !out))
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, "rng_epoch_order", "%lld samples and no array to write to",
                        (long long)n);
    reel_rng sampler;
    rng->methods->bits64(rng); /* the base seed of the loader's workers */
    rng_torch_private(&sampler, rng->methods->bits64(rng) & INT64_MAX);
    if (n > 0) sampler.methods->permutation(&sampler, n, n, out);
    return REEL_OK;
}

/* rows[i] = old rows[order[i]], along the cycles of `order`, which is overwritten; `held` is room for one row. */
static void permute_rows(char *rows, size_t row, int64_t n, int64_t *order, char *held)
{
    for (int64_t start = 0; start < n; start++) {
        if (order[start] == start) continue;
        memcpy(held, rows + (size_t)start * row, row);
        int64_t i = start;
        while (order[i] != start) {
            int64_t next = order[i];
            memcpy(rows + (size_t)i * row, rows + (size_t)next * row, row);
            order[i] = i;
            i = next;
        }
        memcpy(rows + (size_t)i * row, held, row);
        order[i] = i;
    }
}

reel_status reel_rng_shuffle(const char *site, reel_rng *rng, reel_array *array)
{
    const char *who = "rng_shuffle";
    unsigned any = RNG_REAL | 1u << REEL_INT64 | 1u << REEL_UINT8;
    reel_status status = rng_check(site, who, rng, array, any);
    if (status != REEL_OK) return status;
    if (array->rank < 1) return rng_fail(rng, REEL_BAD_SHAPE, site, who, "a scalar has no first dimension to shuffle");
    int64_t n = array->shape[0];
    if (n == 0 || array->size == 0) return REEL_OK;
    size_t row = (size_t)(array->size / n) * reel_dtype_size(array->dtype);
    size_t order_bytes = (size_t)n * sizeof(int64_t);
    char *memory = memory_new(rng->object.context, site, who, order_bytes + row);
    if (!memory) return reel_error_status(rng->object.context);
    rng->methods->permutation(rng, n, n, (int64_t *)(void *)memory);
    permute_rows(array->data, row, n, (int64_t *)(void *)memory, memory + order_bytes);
    memory_free(rng->object.context, memory, order_bytes + row);
    return REEL_OK;
}

/* Sums of the weights up to each, divided by the last; the sum is 0 or not finite when they are no good. */
static double cumulate(int64_t n, const double *weights, double *sums)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(weights[i] >= 0)) return NAN;
        sums[i] = sum += weights[i];
    }
    for (int64_t i = 0; i < n; i++) sums[i] /= sum;
    return sum;
}

/* The number of sums that are <= u. */
static int64_t count_up_to(int64_t n, const double *sums, double u)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sums[middle] <= u)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static reel_status choice_weighted(const char *site, const char *who, reel_rng *rng, reel_array *out, int64_t n,
                                   const double *weights)
{
    reel_context *context = rng->object.context;
    size_t bytes = n > INT64_MAX / 16 ? SIZE_MAX / 2 : (size_t)n * sizeof(double);
    double *sums = memory_new(context, site, who, bytes);
    if (!sums) return reel_error_status(context);
    double sum = cumulate(n, weights, sums);
    reel_status status = REEL_OK;
    if (!(sum > 0) || !isfinite(sum)) {
        status = rng_fail(rng, REEL_BAD_ARGUMENT, site, who,
                          "weights must be finite and not negative, with a finite sum above 0");
    } else {
        int64_t *to = out->data;
        for (int64_t i = 0; i < out->size; i++) to[i] = count_up_to(n, sums, rng->methods->uniform_one(rng));
    }
    memory_free(context, sums, bytes);
    return status;
}

reel_status reel_rng_choice(const char *site, reel_rng *rng, reel_array *out, int64_t n, bool replace,
                            const double *weights)
{
    const char *who = "rng_choice";
    reel_status status = rng_check(site, who, rng, out, 1u << REEL_INT64);
    if (status != REEL_OK || out->size == 0) return status;
    if (n < 1) return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "a choice from %lld elements", (long long)n);
    if (weights && !replace) return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "weights go only with replacement");
    if (weights) return choice_weighted(site, who, rng, out, n, weights);
    if (replace) {
        rng->methods->integers(rng, out->size, out->data, 0, (uint64_t)n);
        return REEL_OK;
    }
    if (out->size > n)
        return rng_fail(rng, REEL_BAD_ARGUMENT, site, who, "%lld of %lld elements cannot be chosen without replacement",
                        (long long)out->size, (long long)n);
    return permutation_start(site, who, rng, n, out->size, out->data);
}
