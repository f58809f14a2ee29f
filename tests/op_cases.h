/* SPDX-License-Identifier: MIT
 *
 * Runs the cases of a reference file of the families ops and losses: one operation, or a few, on given operands; value
 * and gradients are compared. Which operation of Reel a case means is one row of a table (op_rows.c, loss_rows.c).
 */
#ifndef TESTS_OP_CASES_H
#define TESTS_OP_CASES_H

#include "tensors.h"

/* Reports every case of the document (an object with "family" and "cases"). Returns the number of failed ones, or -1 when
 * the document is of no such family. */
int op_cases_run(const cJSON *document, case_report report, void *user);

/* ---- what the rows see ---- */

#define OP_OPERANDS 8
#define OP_LIST 16

typedef struct op_run {
    reel_context *context;
    reel_tape *tape;
    const cJSON *test, *params;
    outcome outcome;
    const char *names[OP_OPERANDS]; /* the case's inputs, recorded as leaves before the row's function is called */
    reel_array *arrays[OP_OPERANDS];
    reel_value values[OP_OPERANDS];
    int count;
    uint64_t params_read; /* bit i: parameter i of the case has been looked at */
    uint32_t inputs_read;
    const char *extra_names[2]; /* further results, by their names in "expected" */
    reel_array extras[2];
    int extra_count;
} op_run;

/* Records the case from its inputs and parameters. */
typedef reel_value (*op_record)(op_run *r);

typedef struct op_row {
    const char *name;
    op_record record;
} op_row;

/* Ended by a row without name. */
extern const op_row op_rows[], loss_rows[];

/* An input by name, nil when the case has none. A case with an input that no row's function asks for is not covered, and
 * so is one with a parameter that none asks for: nothing is left out silently. */
reel_value operand(op_run *r, const char *name);
bool has_operand(const op_run *r, const char *name);

/* Parameters: `otherwise` when absent or null. */
double real_param(op_run *r, const char *name, double otherwise);
bool flag_param(op_run *r, const char *name, bool otherwise);
/* A text, "" when absent. */
const char *text_param(op_run *r, const char *name);
/* A whole number or a list of such into list; returns how many, -1 when absent or null. */
int list_param(op_run *r, const char *name, int64_t list[OP_LIST]);
/* The parameter itself; NULL when absent. */
const cJSON *param(op_run *r, const char *name);

/* Names a further result, which is compared with that entry of "expected". */
void also(op_run *r, const char *name, reel_array array);
/* What the row's function cannot do; returns nil. */
reel_value not_covered(op_run *r, const char *reason);

#endif
