/* SPDX-License-Identifier: MIT
 *
 * Inside of a preparation.
 */
#ifndef DATASETS_PREPARATION_H
#define DATASETS_PREPARATION_H

#include "core/visit.h"
#include "table.h"

/* What was learned of a column. */
typedef struct prepared {
    char *name;
    int role;               /* reel_role: NUMERIC or CATEGORICAL */
    double mean, deviation; /* of the values that are there */
    double fill;            /* NaN: none */
    int64_t missing;
    int64_t fill_category; /* -1: none */
    int64_t count;         /* categories or classes, in their order; 0 of a numeric one */
    char **names;          /* (count) */
    int64_t *rows;         /* (count) rows of training */
} prepared;

typedef struct asked_role {
    char *column;
    reel_role role;
} asked_role;

struct reel_preparation {
    reel_object object;
    asked_role *asked;
    int asked_count;
    int task, imputation; /* reel_task, reel_imputation */
    double constant;
    bool fitted;
    int64_t columns; /* of inputs */
    prepared *column;
    prepared target;
};

static inline bool is_classification(const reel_preparation *p)
{
    return p->task == REEL_TASK_CLASSIFICATION;
}

/* Inputs of the network that a column is. */
static inline int64_t prepared_inputs(const prepared *c)
{
    return c->role == REEL_ROLE_NUMERIC ? 1 : c->count;
}

/* Row i of those meant: `rows` NULL means all. */
static inline int64_t row_at(const reel_array *rows, int64_t i)
{
    return rows ? ((const int64_t *)rows->data)[i] : i;
}

static inline int64_t row_count(const reel_array *rows, const reel_table *t)
{
    return rows ? rows->size : t->rows;
}

/* int64 of one dimension, and every row of the table? */
reel_status rows_check(const char *site, const char *who, const reel_table *t, const reel_array *rows);
/* Column of the target in a table, -1 with an error. */
int target_column(const char *site, const char *who, const reel_preparation *p, const reel_table *t);
/* The task, found out from the target of the table when it is AUTO. */
reel_task target_task(const reel_preparation *p, const reel_table *t, int column);
/* Room for `count` categories; false with an error. */
bool prepared_room(reel_context *context, const char *site, prepared *c, int64_t count);
void prepared_free(reel_context *context, prepared *c);

void preparation_visit(reel_preparation *p, visitor *v, const char *name);
/* Does what was read make sense? Else a sentence. */
const char *preparation_fault(const reel_preparation *p);

#endif
