/* SPDX-License-Identifier: MIT
 *
 * A preparation: what it is told before it learns, and what it says afterwards.
 */
#include "preparation.h"

#include <math.h>
#include <string.h>

void prepared_free(reel_context *context, prepared *c)
{
    memory_string_free(context, c->name);
    for (int64_t i = 0; c->names && i < c->count; i++) memory_string_free(context, c->names[i]);
    memory_free(context, c->names, (size_t)c->count * sizeof *c->names);
    memory_free(context, c->rows, (size_t)c->count * sizeof *c->rows);
    *c = (prepared){.name = NULL};
}

bool prepared_room(reel_context *context, const char *site, prepared *c, int64_t count)
{
    if (count == 0) return true;
    char **names = memory_zero(context, site, "preparation", (size_t)count * sizeof *names);
    int64_t *rows = memory_zero(context, site, "preparation", (size_t)count * sizeof *rows);
    if (names && rows) {
        c->names = names;
        c->rows = rows;
        c->count = count;
        return true;
    }
    memory_free(context, names, (size_t)count * sizeof *names);
    memory_free(context, rows, (size_t)count * sizeof *rows);
    return false;
}

static void preparation_destroy(reel_object *object)
{
    reel_preparation *p = (reel_preparation *)object;
    reel_context *context = object->context;
    for (int i = 0; i < p->asked_count; i++) memory_string_free(context, p->asked[i].column);
    memory_free(context, p->asked, (size_t)p->asked_count * sizeof *p->asked);
    for (int64_t i = 0; p->column && i < p->columns; i++) prepared_free(context, &p->column[i]);
    memory_free(context, p->column, (size_t)p->columns * sizeof *p->column);
    prepared_free(context, &p->target);
    object_release(object, sizeof *p);
}

reel_preparation *reel_preparation_new(const char *site, reel_context *context)
{
    return object_new(context, site, "preparation_new", sizeof(reel_preparation), preparation_destroy);
}

void reel_preparation_free(reel_preparation *preparation)
{
    object_free(preparation);
}

/* ---- what it is told ---- */

static reel_status may_be_told(const char *site, const char *who, const reel_preparation *p)
{
    if (!p) return REEL_BAD_ARGUMENT;
    if (reel_failed(p->object.context)) return reel_error_status(p->object.context);
    if (p->fitted)
        return reel_error_set(p->object.context, REEL_BAD_STATE, site, who,
                              "the preparation is fitted already, expected a new one");
    return REEL_OK;
}

reel_status reel_preparation_set_role(const char *site, reel_preparation *p, const char *column, reel_role role)
{
    const char *who = "preparation_set_role";
    reel_status status = may_be_told(site, who, p);
    if (status != REEL_OK) return status;
    reel_context *context = p->object.context;
    if (!column || !*column || (unsigned)role > REEL_ROLE_TARGET)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "a column and a role are needed");
    for (int i = 0; i < p->asked_count; i++) {
        bool same = strcmp(p->asked[i].column, column) == 0;
        if (!same && role == REEL_ROLE_TARGET && p->asked[i].role == REEL_ROLE_TARGET)
            return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                                  "found a second target \"%s\" beside \"%s\", expected one", column,
                                  p->asked[i].column);
        if (same) p->asked[i].role = role;
        if (same) return REEL_OK;
    }
    size_t count = (size_t)p->asked_count;
    asked_role *grown = memory_resize(context, site, who, p->asked, count * sizeof *grown, (count + 1) * sizeof *grown);
    if (!grown) return REEL_NO_MEMORY;
    p->asked = grown;
    p->asked[count] = (asked_role){memory_string(context, site, who, column), role};
    p->asked_count++; /* as large as the memory, also without the name */
    return reel_error_status(context);
}

reel_status reel_preparation_set_task(const char *site, reel_preparation *p, reel_task task)
{
    const char *who = "preparation_set_task";
    reel_status status = may_be_told(site, who, p);
    if (status != REEL_OK) return status;
    if ((unsigned)task > REEL_TASK_REGRESSION)
        return reel_error_set(p->object.context, REEL_BAD_ARGUMENT, site, who, "found the task %d, expected 0 to 2",
                              (int)task);
    p->task = task;
    return REEL_OK;
}

reel_status reel_preparation_set_imputation(const char *site, reel_preparation *p, reel_imputation imputation,
                                            double value)
{
    const char *who = "preparation_set_imputation";
    reel_status status = may_be_told(site, who, p);
    if (status != REEL_OK) return status;
    bool constant = imputation == REEL_IMPUTE_CONSTANT;
    if ((unsigned)imputation > REEL_IMPUTE_NONE || (constant && !isfinite(value)))
        return reel_error_set(p->object.context, REEL_BAD_ARGUMENT, site, who,
                              "found imputation %d with the value %g, expected 0 to 4 and a finite value",
                              (int)imputation, value);
    p->imputation = imputation;
    p->constant = constant ? value : 0;
    return REEL_OK;
}

/* ---- rows and the target ---- */

reel_status rows_check(const char *site, const char *who, const reel_table *t, const reel_array *rows)
{
    reel_context *context = t->object.context;
    if (!rows) return REEL_OK;
    if (rows->dtype != REEL_INT64 || rows->rank != 1)
        return reel_error_set(context, REEL_BAD_DTYPE, site, who, "found rows as %s of rank %d, expected int64 (count)",
                              reel_dtype_name(rows->dtype), (int)rows->rank);
    for (int64_t i = 0; i < rows->size; i++)
        if (row_at(rows, i) < 0 || row_at(rows, i) >= t->rows)
            return reel_error_set(context, REEL_BAD_INDEX, site, who, "rows[%lld]: found %lld, expected 0 to %lld",
                                  (long long)i, (long long)row_at(rows, i), (long long)t->rows - 1);
    return REEL_OK;
}

int target_column(const char *site, const char *who, const reel_preparation *p, const reel_table *t)
{
    if (p->fitted && p->target.name) return reel_table_find(site, t, p->target.name);
    for (int i = 0; i < p->asked_count; i++)
        if (p->asked[i].role == REEL_ROLE_TARGET) return reel_table_find(site, t, p->asked[i].column);
    reel_error_set(t->object.context, REEL_BAD_STATE, site, who, "no column is the target, expected one");
    return -1;
}

/* At most `most` different values, all whole, that come twice each on average? */
static bool few_whole_values(const reel_table *t, int column, int most)
{
    double known[64];
    int count = 0;
    int64_t there = 0;
    for (int64_t row = 0; row < t->rows; row++) {
        double value = table_cell(t, row, column);
        int i = 0;
        if (isnan(value)) continue;
        if (value != floor(value)) return false;
        while (i < count && known[i] != value) i++;
        if (i == most) return false;
        if (i == count) known[count++] = value;
        there++;
    }
    return there >= 2 * count;
}

reel_task target_task(const reel_preparation *p, const reel_table *t, int column)
{
    if (p->task != REEL_TASK_AUTO) return (reel_task)p->task;
    return t->column[column].is_text || few_whole_values(t, column, 20) ? REEL_TASK_CLASSIFICATION
                                                                        : REEL_TASK_REGRESSION;
}

/* ---- what it says ---- */

bool reel_preparation_fitted(const reel_preparation *p)
{
    return p && p->fitted;
}

reel_task reel_preparation_task(const reel_preparation *p)
{
    return p ? (reel_task)p->task : REEL_TASK_AUTO;
}

const char *reel_preparation_target(const reel_preparation *p)
{
    return p ? p->target.name : NULL;
}

int reel_preparation_input_count(const reel_preparation *p)
{
    int64_t count = 0;
    for (int64_t i = 0; p && i < p->columns; i++) count += prepared_inputs(&p->column[i]);
    return (int)count;
}

int reel_preparation_output_count(const reel_preparation *p)
{
    return !p || !p->fitted ? 0 : is_classification(p) ? (int)p->target.count : 1;
}

const char *reel_preparation_class(const reel_preparation *p, int index)
{
    return p && index >= 0 && index < p->target.count ? p->target.names[index] : NULL;
}

int64_t reel_preparation_class_rows(const reel_preparation *p, int index)
{
    return p && index >= 0 && index < p->target.count ? p->target.rows[index] : 0;
}

double reel_preparation_value(const reel_preparation *p, double y)
{
    return p ? p->target.mean + (p->target.deviation > 0 ? p->target.deviation : 1) * y : NAN;
}

bool reel_preparation_column(const reel_preparation *p, int index, reel_prepared_column *column)
{
    if (!p || index < 0 || index >= p->columns) return false;
    const prepared *c = &p->column[index];
    int64_t first = 0;
    for (int i = 0; i < index; i++) first += prepared_inputs(&p->column[i]);
    *column = (reel_prepared_column){.name = c->name,
                                     .role = (reel_role)c->role,
                                     .mean = c->mean,
                                     .deviation = c->deviation,
                                     .fill = c->fill,
                                     .missing = c->missing,
                                     .first = (int)first,
                                     .inputs = (int)prepared_inputs(c),
                                     .fill_category = (int)c->fill_category};
    return true;
}

const char *reel_preparation_category(const reel_preparation *p, int column, int index)
{
    if (!p || column < 0 || column >= p->columns || index < 0 || index >= p->column[column].count) return NULL;
    return p->column[column].names[index];
}
