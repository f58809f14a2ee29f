/* SPDX-License-Identifier: MIT
 *
 * What running the cases of a reference file reports.
 */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#define CASE_NOTE 512 /* room for a note */

enum { CASE_NOT_COVERED = -1, CASE_FAILED = 0, CASE_PASSED = 1 };

/* Once a case: `deviation` is the largest difference from the reference, as a share of what is allowed for cases with
 * several tolerances, `note` says why a case failed or is not covered, else "". */
typedef void (*case_report)(void *user, const char *family, const char *name, int verdict, double deviation,
                            const char *note);

#endif
