/* SPDX-License-Identifier: MIT
 *
 * Runs the cases of a reference file of the families optimizers, clip, schedulers and averaging.
 */
#ifndef TESTS_OPTIM_CASES_H
#define TESTS_OPTIM_CASES_H

#include "cases.h"

#include <cjson/cJSON.h>
#include <reel/reel.h>

/* Reports every case of the document (an object with "family" and "cases"). Returns the number of failed ones, or -1 when
 * the document is of no such family. */
int optim_cases_run(const cJSON *document, case_report report, void *user);

#endif
