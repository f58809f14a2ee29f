/* SPDX-License-Identifier: MIT
 *
 * Runs the cases of a reference file of the family nets: small nets, built from modules and operations, trained for some
 * steps; losses, rates, gradients, parameters and the final output are compared.
 */
#ifndef TESTS_NET_CASES_H
#define TESTS_NET_CASES_H

#include "tensors.h"

/* Reports every case of the document (an object with "family" and "cases"). Returns the number of failed ones, or -1 when
 * the document is of no such family. */
int net_cases_run(const cJSON *document, case_report report, void *user);

#endif
