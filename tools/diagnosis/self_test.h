/* SPDX-License-Identifier: MIT
 *
 * `reel diagnose --self-test`: the diagnosis held against trainings made on purpose.
 */
#ifndef TOOLS_DIAGNOSIS_SELF_TEST_H
#define TOOLS_DIAGNOSIS_SELF_TEST_H

#include "output.h"

typedef struct self_test_settings {
    const char *who;
    int64_t runs;
    uint64_t seed; /* run i has seed + i */
    bool all;      /* every run's findings, not only those that are wrong */
    bool quiet;
} self_test_settings;

/* Makes the runs and diagnoses each. The text goes to `file`, the numbers into `document`. EXIT_DONE when at least 95 % of the
 * first findings are right and at most 2 % of the healthy runs have one, else EXIT_FAILED. */
int self_test(const self_test_settings *settings, FILE *file, cJSON *document);

#endif
