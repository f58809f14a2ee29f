/* SPDX-License-Identifier: MIT
 *
 * Cases of operations and losses: record, compare, walk back, compare.
 */
#include "op_cases.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Relative 1e-12 and absolute 1e-14, as the schema suggests for float64; bce_with_logits 1e-15 more, because PyTorch's own
 * formula loses its tiny values. In float32 a result is a few roundings of 6e-8 away from the reference. */
static allowance allowance_of(const cJSON *test)
{
    if (case_dtype(test) == REEL_FLOAT) return (allowance){1e-5, 1e-6};
    bool logits = strcmp(member_text(test, "op"), "bce_with_logits") == 0;
    return (allowance){1e-12, 1e-14 + (logits ? 1e-15 : 0)};
}

/* ---- what the rows see ---- */

static int operand_index(const op_run *r, const char *name)
{
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->names[i], name) == 0) return i;
    return -1;
}

bool has_operand(const op_run *r, const char *name)
{
    return operand_index(r, name) >= 0;
}

reel_value operand(op_run *r, const char *name)
{
    int i = operand_index(r, name);
    if (i < 0) return REEL_NIL;
    r->inputs_read |= UINT32_C(1) << i;
    return r->values[i];
}

const cJSON *param(op_run *r, const char *name)
{
    int i = 0;
    for (const cJSON *item = r->params ? r->params->child : NULL; item; item = item->next, i++)
        if (strcmp(item->string, name) == 0) {
            r->params_read |= UINT64_C(1) << (i & 63);
            return item;
        }
    return NULL;
}

double real_param(op_run *r, const char *name, double otherwise)
{
    const cJSON *item = param(r, name);
    if (!item || cJSON_IsNull(item)) return otherwise;
    if (!is_number(item)) decide(&r->outcome, CASE_NOT_COVERED, "parameter %s is not a number", name);
    return number_of(item);
}

bool flag_param(op_run *r, const char *name, bool otherwise)
{
    return real_param(r, name, otherwise) != 0;
}

const char *text_param(op_run *r, const char *name)
{
    const char *text = cJSON_GetStringValue(param(r, name));
    return text ? text : "";
}

int list_param(op_run *r, const char *name, int64_t list[OP_LIST])
{
    const cJSON *item = param(r, name), *entry;
    if (!item || cJSON_IsNull(item)) return -1;
    int count = 0;
    if (!cJSON_IsArray(item)) {
        list[count++] = (int64_t)real_param(r, name, 0);
        return count;
    }
    cJSON_ArrayForEach(entry, item)
    {
        if (count == OP_LIST || !cJSON_IsNumber(entry)) {
            decide(&r->outcome, CASE_NOT_COVERED, "parameter %s is not a list of up to %d numbers", name, OP_LIST);
            return -1;
        }
        list[count++] = (int64_t)number_of(entry);
    }
    return count;
}

void also(op_run *r, const char *name, reel_array array)
{
    if (r->extra_count == (int)(sizeof r->extras / sizeof *r->extras)) return;
    r->extra_names[r->extra_count] = name;
    r->extras[r->extra_count++] = array;
}

reel_value not_covered(op_run *r, const char *reason)
{
    decide(&r->outcome, CASE_NOT_COVERED, "%s", reason);
    return REEL_NIL;
}

/* ---- one case ---- */

static void read_operands(op_run *r)
{
    const cJSON *inputs = member(r->test, "inputs"), *wanted = member(member(r->test, "expected"), "grad");
    for (const cJSON *item = inputs ? inputs->child : NULL; item; item = item->next) {
        if (r->count == OP_OPERANDS) {
            decide(&r->outcome, CASE_NOT_COVERED, "more than %d inputs", OP_OPERANDS);
            return;
        }
        reel_array *array = tensor_read(&r->outcome, r->context, item, case_dtype(r->test), item->string);
        r->names[r->count] = item->string;
        r->arrays[r->count] = array;
        r->values[r->count++] = !array                         ? REEL_NIL
                                : member(wanted, item->string) ? reel_variable(item->string, r->tape, array)
                                                               : reel_input(item->string, r->tape, array);
    }
}

/* Was everything the case says asked for? */
static void check_read(op_run *r)
{
    for (int i = 0; i < r->count; i++)
        if (!(r->inputs_read >> i & 1))
            decide(&r->outcome, CASE_NOT_COVERED, "input %s is not understood", r->names[i]);
    int i = 0;
    for (const cJSON *item = r->params ? r->params->child : NULL; item; item = item->next, i++)
        if (!(r->params_read >> (i & 63) & 1))
            decide(&r->outcome, CASE_NOT_COVERED, "parameter %s is not understood", item->string);
}

static void check_context(op_run *r)
{
    if (reel_failed(r->context)) decide(&r->outcome, CASE_FAILED, "%s", reel_error_text(r->context));
}

static void compare_gradients(op_run *r, reel_value y, allowance allowed)
{
    const cJSON *wanted = member(member(r->test, "expected"), "grad"), *seed = member(r->test, "grad_output");
    if (!wanted || !seed) return;
    reel_array *g = tensor_read(&r->outcome, r->context, seed, case_dtype(r->test), "grad_output");
    if (!g) return;
    if (reel_wants_gradient(y)) reel_backward_from("grad_output", y, g);
    check_context(r);
    for (const cJSON *item = wanted->child; item; item = item->next) {
        int i = operand_index(r, item->string);
        if (i < 0) {
            decide(&r->outcome, CASE_NOT_COVERED, "a gradient of %s, which is no input", item->string);
            return;
        }
        reel_array gradient = reel_gradient(r->values[i]);
        if (!gradient.data) { /* y does not depend on it */
            gradient = *r->arrays[i];
            gradient.data = NULL;
        }
        char name[64];
        snprintf(name, sizeof name, "gradient of %.40s", item->string);
        compare_tensor(&r->outcome, &gradient, item, allowed, name);
    }
}

static void compare_values(op_run *r, reel_value y, allowance allowed)
{
    const cJSON *expected = member(r->test, "expected");
    reel_array value = reel_data(y);
    for (const cJSON *item = expected ? expected->child : NULL; item; item = item->next) {
        int extra = 0;
        while (extra < r->extra_count && strcmp(r->extra_names[extra], item->string) != 0) extra++;
        if (strcmp(item->string, "output") == 0)
            compare_tensor(&r->outcome, &value, item, allowed, "output");
        else if (extra < r->extra_count)
            compare_tensor(&r->outcome, &r->extras[extra], item, allowed, item->string);
        else if (strcmp(item->string, "grad") != 0)
            decide(&r->outcome, CASE_NOT_COVERED, "expected %s is not understood", item->string);
    }
}

static op_record row_of(const op_row *rows, const char *name)
{
    while (rows->name && strcmp(rows->name, name) != 0) rows++;
    return rows->record;
}

static void run_case(op_run *r, const op_row *rows)
{
    const char *name = member_text(r->test, "op");
    op_record record = row_of(rows, name);
    if (!record) {
        decide(&r->outcome, CASE_NOT_COVERED, "there is no operation %s", name);
        return;
    }
    read_operands(r);
    if (r->outcome.verdict != CASE_PASSED) return;
    reel_value y = record(r);
    if (r->outcome.verdict == CASE_PASSED) check_read(r);
    if (r->outcome.verdict == CASE_PASSED) check_context(r);
    if (r->outcome.verdict == CASE_PASSED && reel_is_nil(y)) decide(&r->outcome, CASE_FAILED, "no value");
    if (r->outcome.verdict != CASE_PASSED) return;
    allowance allowed = allowance_of(r->test);
    compare_values(r, y, allowed);
    compare_gradients(r, y, allowed);
}

int op_cases_run(const cJSON *document, case_report report, void *user)
{
    const char *family = member_text(document, "family");
    const op_row *rows = strcmp(family, "ops") == 0 ? op_rows : strcmp(family, "losses") == 0 ? loss_rows : NULL;
    if (!rows) return -1;
    int failed = 0;
    const cJSON *test;
    cJSON_ArrayForEach(test, member(document, "cases"))
    {
        op_run r = {.test = test, .params = member(test, "params"), .outcome.verdict = CASE_PASSED};
        r.context = reel_context_new(NULL);
        r.tape = reel_tape_new(NULL, r.context, case_dtype(test));
        run_case(&r, rows);
        reel_context_free(r.context);
        failed += r.outcome.verdict == CASE_FAILED;
        report(user, family, member_text(test, "name"), r.outcome.verdict, r.outcome.deviation, r.outcome.note);
    }
    return failed;
}
