/* SPDX-License-Identifier: MIT
 *
 * Runs the entries of a file of reference streams, such as reference/rng/numpy.json, with any seeds:
 *     {"numpy" or "torch": version, "seeds": {seed: {entry: numbers, ...}, ...}}
 * The call is read from the name of the entry, so that files with other parameters work too.
 */
#ifndef TESTS_RNG_CASES_H
#define TESTS_RNG_CASES_H

#include <cjson/cJSON.h>
#include <reel/context.h>

typedef enum rng_case_outcome { RNG_CASE_PASSED, RNG_CASE_FAILED, RNG_CASE_NOT_COVERED } rng_case_outcome;

typedef struct rng_case {
    const char *library, *seed, *name;
    rng_case_outcome outcome;
    int64_t compared;   /* numbers */
    double deviation;   /* largest difference from the reference */
    double tolerance;   /* 0: bit for bit */
    const char *reason; /* of a failure, else "" */
} rng_case;

typedef void (*rng_case_report)(void *user, const rng_case *result);

/* Reads such a file; integers of more than 15 digits become strings, which cJSON would round to doubles. NULL when it
 * cannot be read. Free with cJSON_Delete. */
cJSON *rng_cases_load(const char *path);

/* Runs every entry of every seed and reports each. Returns the number of failed ones, -1 when `document` is no such
 * file. */
int rng_cases_run(reel_context *context, const cJSON *document, rng_case_report report, void *user);

#endif
