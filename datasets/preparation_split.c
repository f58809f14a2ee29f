/* SPDX-License-Identifier: MIT
 *
 * Rows for training, validation and test.
 */
#include "preparation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRAIN, VALIDATION, TEST, PARTS };

typedef struct owned_split {
    reel_object object;
    reel_split split;
} owned_split;

static void split_destroy(reel_object *object)
{
    reel_split *s = &((owned_split *)object)->split;
    reel_array_free(s->train);
    reel_array_free(s->validation);
    reel_array_free(s->test);
    object_release(object, sizeof(owned_split));
}

/* A class, or all rows of a regression. */
typedef struct stratum {
    int64_t rows, wanted[PARTS], given[PARTS];
    double rest; /* of the share that whole rows cannot have */
    int64_t number;
} stratum;

static int by_rest(const void *a, const void *b)
{
    const stratum *x = a, *y = b;
    if (x->rest != y->rest) return x->rest < y->rest ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_number(const void *a, const void *b)
{
    const stratum *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* A share of every stratum: the whole rows in it, and what is left to share to the largest remainders. */
static void share(stratum *s, int64_t count, int64_t rows, int part, double fraction)
{
    int64_t left = (int64_t)floor(fraction * (double)rows + 0.5);
    for (int64_t i = 0; i < count; i++) {
        double exact = fraction * (double)s[i].rows;
        s[i].wanted[part] = (int64_t)floor(exact);
        s[i].rest = exact - floor(exact);
        left -= s[i].wanted[part];
    }
    qsort(s, (size_t)count, sizeof *s, by_rest);
    for (int64_t i = 0; i < count && left > 0; i++) {
        if (s[i].wanted[VALIDATION] + s[i].wanted[TEST] + 1 >= s[i].rows) continue;
        s[i].wanted[part]++;
        left--;
    }
    qsort(s, (size_t)count, sizeof *s, by_number);
}

/* Numbers of the strata, by row; -1: the target is missing. Returns how many there are, -1 without memory. */
static int64_t number_strata(reel_context *context, const reel_table *t, int column, bool classes, int64_t *of_row)
{
    text_set names = {NULL, 0, 0, NULL, 0, 0, NULL, 0};
    int64_t count = classes ? 0 : 1;
    char number[CATEGORY_NUMBER];
    for (int64_t row = 0; row < t->rows && count >= 0; row++) {
        const char *name = table_category(t, row, column, number);
        of_row[row] = !name ? -1 : classes ? text_set_add(context, &names, name, strlen(name)) : 0;
        if (classes) count = reel_failed(context) ? -1 : names.count;
    }
    text_set_free(context, &names);
    return count;
}

/* Goes through the rows in a random order and gives each to the first part of its stratum that wants one more. */
static void deal(const int64_t *of_row, const int64_t *order, int64_t rows, stratum *s, uint8_t *part_of)
{
    for (int64_t i = 0; i < rows; i++) {
        int64_t row = order[i];
        if (of_row[row] < 0) continue;
        stratum *mine = &s[of_row[row]];
        int part = mine->given[TEST] < mine->wanted[TEST]               ? TEST
                   : mine->given[VALIDATION] < mine->wanted[VALIDATION] ? VALIDATION
                                                                        : TRAIN;
        mine->given[part]++;
        part_of[row] = (uint8_t)part;
    }
}

static reel_array *rows_of(reel_context *context, const char *site, int part, const int64_t *of_row,
                           const uint8_t *part_of, int64_t rows)
{
    int64_t count = 0;
    for (int64_t row = 0; row < rows; row++) count += of_row[row] >= 0 && part_of[row] == part;
    reel_array *array = reel_array_new(site, context, REEL_INT64, 1, &count);
    int64_t *at = array ? array->data : NULL;
    for (int64_t row = 0; array && row < rows; row++)
        if (of_row[row] >= 0 && part_of[row] == part) *at++ = row;
    return array;
}

typedef struct dealing {
    double shares[PARTS];
    uint64_t seed;
    bool classes;
    int column;
} dealing;

static reel_split *divide(const char *site, const reel_table *t, const dealing *d, int64_t *of_row, int64_t *order,
                          uint8_t *part_of)
{
    const char *who = "preparation_split";
    reel_context *context = t->object.context;
    int64_t strata = number_strata(context, t, d->column, d->classes, of_row), usable = 0;
    stratum *s = strata >= 0 ? memory_zero(context, site, who, (size_t)strata * sizeof *s) : NULL;
    reel_rng *rng = reel_rng_philox_new(site, context, d->seed, "split");
    reel_rng_permutation(site, rng, t->rows, order);
    reel_rng_free(rng);
    if (!reel_failed(context)) {
        for (int64_t row = 0; row < t->rows; row++)
            if (of_row[row] >= 0) s[of_row[row]].rows++, usable++;
        for (int64_t i = 0; i < strata; i++) s[i].number = i;
        share(s, strata, usable, TEST, d->shares[TEST]);
        share(s, strata, usable, VALIDATION, d->shares[VALIDATION]);
        deal(of_row, order, t->rows, s, part_of);
    }
    memory_free(context, s, (size_t)(strata > 0 ? strata : 0) * sizeof *s);
    reel_array *part[PARTS] = {NULL, NULL, NULL};
    for (int i = 0; i < PARTS && !reel_failed(context); i++)
        part[i] = rows_of(context, site, i, of_row, part_of, t->rows);
    for (int i = 0; i < PARTS && !reel_failed(context); i++)
        if (part[i]->size == 0 && (i == TRAIN || d->shares[i] > 0))
            reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                           "%s: found no row for the %s among %lld with a target, expected one at least: too few rows "
                           "for these shares",
                           t->path,
                           i == TRAIN  ? "training"
                           : i == TEST ? "test"
                                       : "validation",
                           (long long)usable);
    owned_split *owned = reel_failed(context) ? NULL : object_new(context, site, who, sizeof *owned, split_destroy);
    if (!owned) {
        for (int i = 0; i < PARTS; i++) reel_array_free(part[i]);
        return NULL;
    }
    owned->split = (reel_split){part[TRAIN], part[VALIDATION], part[TEST], t->rows - usable};
    return &owned->split;
}

reel_split *reel_preparation_split(const char *site, reel_preparation *p, const reel_table *t, double validation,
                                   double test, uint64_t seed)
{
    const char *who = "preparation_split";
    if (!p || !t || reel_failed(t->object.context)) return NULL;
    reel_context *context = t->object.context;
    if (!(validation >= 0 && test >= 0 && validation + test < 1))
        return reel_error_set(
                   context, REEL_BAD_ARGUMENT, site, who,
                   "found the shares %g of validation and %g of test, expected 0 or more and together below 1",
                   validation, test),
               NULL;
    dealing d = {
        .shares = {1 - validation - test, validation, test}, .seed = seed, .column = target_column(site, who, p, t)};
    if (d.column < 0) return NULL;
    d.classes = target_task(p, t, d.column) == REEL_TASK_CLASSIFICATION;
    size_t rows = (size_t)t->rows;
    int64_t *of_row = memory_new(context, site, who, rows * sizeof *of_row);
    int64_t *order = memory_new(context, site, who, rows * sizeof *order);
    uint8_t *part_of = memory_zero(context, site, who, rows);
    reel_split *split = of_row && order && part_of ? divide(site, t, &d, of_row, order, part_of) : NULL;
    memory_free(context, of_row, rows * sizeof *of_row);
    memory_free(context, order, rows * sizeof *order);
    memory_free(context, part_of, rows);
    return split;
}
