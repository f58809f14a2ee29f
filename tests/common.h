/* SPDX-License-Identifier: MIT
 *
 * What the suites share: one context a test, checks of errors, running.
 */
#ifndef TESTS_COMMON_H
#define TESTS_COMMON_H

#include "core/core.h"
#include <reel/reel.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static reel_context *context;

static inline void setup(void)
{
    context = reel_context_new(NULL);
    ck_assert_ptr_nonnull(context);
}

static inline void teardown(void)
{
    reel_context_free(context);
    context = NULL;
}

static inline void expect_fine(void)
{
    ck_assert_msg(!reel_failed(context), "%s", reel_error_text(context));
}

/* The kept error has this status and its text holds `part`; it is cleared. */
static inline void expect_error(reel_status status, const char *part)
{
    ck_assert_msg(reel_error_status(context) == status, "status %d (%s), expected %d", reel_error_status(context),
                  reel_error_text(context), status);
    ck_assert_msg(strstr(reel_error_text(context), part), "\"%s\" lacks \"%s\"", reel_error_text(context), part);
    reel_error_clear(context);
}

/* An array of doubles with the elements given. */
static inline reel_array *doubles(int rank, const int64_t *shape, const double *elements)
{
    reel_array *a = reel_array_new(NULL, context, REEL_DOUBLE, rank, shape);
    ck_assert_ptr_nonnull(a);
    if (elements && a->size) memcpy(a->data, elements, (size_t)a->size * sizeof *elements);
    return a;
}

static inline double at(reel_array a, int64_t i)
{
    return reel_array_get(&a, i);
}

/* The exit status of a suite; `seconds` for a test. */
static inline int run_case_within(TCase *tests, const char *name, int seconds)
{
    Suite *suite = suite_create(name);
    tcase_set_timeout(tests, seconds);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int run_case(TCase *tests, const char *name)
{
    return run_case_within(tests, name, 280);
}

#endif
