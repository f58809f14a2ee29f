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

/* What {"op": name, argument: value, ...} describes, by PyTorch's names. NULL, with the reason in `note`, when Reel has no
 * such thing. */
reel_optimizer *optim_cases_optimizer(reel_params *params, const cJSON *description, char note[CASE_NOTE]);
reel_schedule *optim_cases_schedule(reel_context *context, const cJSON *description, char note[CASE_NOTE]);

#endif
