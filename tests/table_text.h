/* SPDX-License-Identifier: MIT
 *
 * Tables from a text.
 */
#ifndef TESTS_TABLE_TEXT_H
#define TESTS_TABLE_TEXT_H

#include "common.h"
#include "table.h"

/* A table of a text that must be fine. */
static inline reel_table *parse(const char *text)
{
    reel_table *t = reel_table_parse(NULL, context, "t.csv", text, strlen(text), NULL);
    expect_fine();
    ck_assert_ptr_nonnull(t);
    return t;
}

/* The whole sentence. */
static inline void expect_sentence(const char *sentence)
{
    ck_assert_str_eq(reel_error_text(context), sentence);
    reel_error_clear(context);
}

static inline reel_preparation *for_target(const char *target)
{
    reel_preparation *p = reel_preparation_new(NULL, context);
    ck_assert_int_eq(reel_preparation_set_role(NULL, p, target, REEL_ROLE_TARGET), REEL_OK);
    return p;
}

#endif
