/* SPDX-License-Identifier: MIT
 *
 * Fuzz target: any bytes as a CSV file. It is refused with one sentence that has its line, or can be asked for every
 * field, prepared and divided. The unit test of tables runs it over tests/corpus/csv.
 */
#include "core/core.h"
#include <reel/table.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) abort();                                                                                     \
    } while (0)

static void ask(const reel_table *t)
{
    int64_t line = 0;
    REQUIRE(reel_table_columns(t) > 0 && reel_table_rows(t) > 0);
    for (int64_t row = 0; row < reel_table_rows(t); row++) {
        REQUIRE(reel_table_line(t, row) > line);
        line = reel_table_line(t, row);
        for (int column = 0; column < reel_table_columns(t); column++) {
            const char *text = reel_table_text(t, row, column);
            bool number = !isnan(reel_table_number(t, row, column));
            REQUIRE(reel_table_missing(t, row, column) == (!text && !number));
            REQUIRE((text != NULL) == (reel_table_code(t, row, column) >= 0) && !(text && number));
            REQUIRE(!number || isfinite(reel_table_number(t, row, column)));
        }
    }
}

/* The last column is the target. */
static void prepare(reel_context *context, const reel_table *t)
{
    const char *last = reel_table_name(t, reel_table_columns(t) - 1);
    REQUIRE(*last);
    reel_preparation *p = reel_preparation_new(NULL, context);
    reel_preparation_set_role(NULL, p, last, REEL_ROLE_TARGET);
    reel_split *split = reel_preparation_split(NULL, p, t, 0.25, 0, 1);
    if (split && reel_preparation_fit(NULL, p, t, split->train) == REEL_OK) {
        reel_dataset *d = reel_preparation_data(NULL, p, t, split->train, REEL_DOUBLE);
        REQUIRE(!d || d->x->shape[1] == reel_preparation_input_count(p));
        for (int64_t i = 0; d && i < d->x->size; i++) REQUIRE(isfinite(reel_array_get(d->x, i)));
    }
    REQUIRE(!reel_failed(context) || *reel_error_text(context));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reel_context *context = reel_context_new(NULL);
    char *text = malloc(size ? size : 1); /* exactly as large, so that reading past its end shows */
    if (text && context) {
        if (size) memcpy(text, data, size);
        reel_table *t = reel_table_parse(NULL, context, "fuzz", text, size, NULL);
        REQUIRE((t != NULL) == !reel_failed(context));
        if (t) {
            ask(t);
            prepare(context, t);
        } else {
            REQUIRE(strncmp(reel_error_text(context), "fuzz: line ", 11) == 0 ||
                    strcmp(reel_error_text(context), "fuzz: the file is empty") == 0);
            REQUIRE(reel_context_memory(context).in_use == 0);
        }
    }
    free(text);
    reel_context_free(context);
    return 0;
}
