/* SPDX-License-Identifier: MIT
 *
 * An entry of a reference stream while it runs: what its name says, and how its comparison goes.
 */
#ifndef TESTS_RNG_CASE_RUN_H
#define TESTS_RNG_CASE_RUN_H

#include <cjson/cJSON.h>
#include <reel/random.h>

#define MAX_NUMBERS 4

/* What the name of an entry says, and how its comparison went. */
typedef struct run {
    reel_context *context;
    reel_rng *rng;
    const cJSON *expected;
    long double number[MAX_NUMBERS];
    int numbers;
    int64_t shape[REEL_MAX_RANK];
    int rank;
    reel_dtype dtype; /* the library's default unless the name has one */
    double tolerance, deviation;
    int64_t compared;
    bool not_covered;
    char reason[256];
} run;

typedef struct pattern {
    const char *text; /* %n a number (2p40: 2^40, 2p32m1: 2^32 - 1), %d dimensions (4x5), %t float32 or float64 */
    void (*function)(run *r);
} pattern;

/* The first problem is the reason. */
void rng_case_fail(run *r, const char *text);
/* Every number of `tree`, in order, against the elements of `got`. */
void rng_case_compare(run *r, const cJSON *tree, const reel_array *got);
/* The row of the table that the name fits; false: there is none. */
bool rng_case_by_name(run *r, const pattern *table, const char *name);
/* What the streams of NumPy and of PyTorch are asked for. */
extern const pattern rng_case_numpy[], rng_case_torch[];

#endif
