/* SPDX-License-Identifier: MIT
 *
 * A preparation in checkpoint and state hash.
 */
#include "preparation.h"

#include <math.h>
#include <string.h>

#define CATEGORIES_FILED ((int64_t)1 << 24)

static const char *const tasks[] = {"auto", "classification", "regression", NULL};
static const char *const imputations[] = {"mean", "median", "most frequent", "constant", "none", NULL};
static const char *const roles[] = {"auto", "numeric", "categorical", NULL};

/* Reading: what is fitted must be what the file has; what is not becomes it. */
typedef struct visiting {
    reel_preparation *p;
    visitor *v;
    bool reading, loading, same;
} visiting;

static void choice(const visiting *s, const char *name, const char *const *names, int *value)
{
    char found[32] = "";
    if (!s->reading || s->same) {
        visit_same_text(s->v, name, names[*value]);
        return;
    }
    if (!visit_peek_text(s->v, name, found, sizeof found)) *found = '\0';
    int i = 0;
    while (names[i] && strcmp(names[i], found) != 0) i++;
    visit_same_text(s->v, name, names[i] ? names[i] : names[0]);
    if (s->loading && names[i]) *value = i;
}

static void number(const visiting *s, const char *name, double *value)
{
    if (s->same)
        visit_same_double(s->v, name, *value);
    else
        visit_double(s->v, name, value);
}

static void whole(const visiting *s, const char *name, int64_t *value)
{
    if (s->same)
        visit_same_int64(s->v, name, *value);
    else
        visit_int64(s->v, name, value);
}

static void text(const visiting *s, const char *name, char **value)
{
    if (s->same)
        visit_same_text(s->v, name, *value);
    else
        visit_text(s->v, name, value);
}

/* The file's count against the object's; false when the items are not to be visited. */
static bool counted(const visiting *s, const char *what, int64_t found, int64_t expected)
{
    if (s->same && found != expected)
        visit_reject(s->v, REEL_MISMATCH, "%s: found %lld, expected %lld", what, (long long)found, (long long)expected);
    return !visit_failed(s->v);
}

static void visit_categories(const visiting *s, prepared *c, const char *name)
{
    int64_t count = c->count, rows = 0;
    visit_list_begin(s->v, name, &count);
    bool right = counted(s, name, count, c->count);
    if (right && count > CATEGORIES_FILED)
        visit_reject(s->v, REEL_BAD_FILE, "%s: found %lld, expected %lld at most", name, (long long)count,
                     (long long)CATEGORIES_FILED);
    if (right && s->loading && !s->same) right = prepared_room(s->p->object.context, NULL, c, count);
    for (int64_t i = 0; i < count && right && !visit_failed(s->v); i++) {
        bool there = c->names != NULL;
        char *nothing = NULL;
        visit_item_begin(s->v);
        text(s, "name", there ? &c->names[i] : &nothing);
        whole(s, "rows", there ? &c->rows[i] : &rows);
        visit_item_end(s->v);
    }
    visit_list_end(s->v);
}

static void visit_prepared(const visiting *s, prepared *c, const char *categories)
{
    text(s, "name", &c->name);
    choice(s, "role", roles, &c->role);
    number(s, "mean", &c->mean);
    number(s, "deviation", &c->deviation);
    number(s, "fill", &c->fill);
    whole(s, "missing", &c->missing);
    whole(s, "fill_category", &c->fill_category);
    visit_categories(s, c, categories);
}

static void visit_columns(const visiting *s)
{
    reel_preparation *p = s->p;
    int64_t count = p->columns;
    visit_list_begin(s->v, "columns", &count);
    bool right = counted(s, "columns", count, p->columns);
    if (right && s->loading && !s->same && count > 0) {
        p->column = memory_zero(p->object.context, NULL, "preparation", (size_t)count * sizeof *p->column);
        if (p->column) p->columns = count;
        right = p->column != NULL;
    }
    for (int64_t i = 0; i < count && right && !visit_failed(s->v); i++) {
        prepared nothing = {.name = NULL};
        visit_item_begin(s->v);
        visit_prepared(s, p->column ? &p->column[i] : &nothing, "categories");
        visit_item_end(s->v);
    }
    visit_list_end(s->v);
}

void preparation_visit(reel_preparation *p, visitor *v, const char *name)
{
    if (!p || !v) return;
    visit_mode mode = visit_mode_of(v);
    visiting s = {.p = p, .v = v, .reading = mode == VISIT_CHECK || mode == VISIT_LOAD, .loading = mode == VISIT_LOAD};
    s.same = s.reading && p->fitted;
    visit_begin(v, name);
    choice(&s, "task", tasks, &p->task);
    choice(&s, "imputation", imputations, &p->imputation);
    visit_begin(v, "target");
    visit_prepared(&s, &p->target, "classes");
    visit_end(v);
    visit_columns(&s);
    visit_end(v);
    if (s.loading && !s.same && !visit_failed(v)) p->fitted = preparation_fault(p) == NULL;
}

static const char *prepared_fault(const prepared *c, bool target)
{
    bool numeric = c->role == REEL_ROLE_NUMERIC;
    if (!c->name || !*c->name) return "a column has no name";
    if (!numeric && c->role != REEL_ROLE_CATEGORICAL) return "a column is neither numeric nor categorical";
    if (numeric && c->count > 0) return "a numeric column has categories";
    if (numeric && !(isfinite(c->mean) && isfinite(c->deviation) && c->deviation >= 0 && !isinf(c->fill)))
        return "a mean, deviation or filling is not finite";
    if (!numeric && c->count < (target ? 2 : 1)) return "a categorical column has too few categories";
    if (c->fill_category < -1 || c->fill_category >= (c->count > 0 ? c->count : 1))
        return "a filling is of no category";
    for (int64_t i = 0; i < c->count; i++)
        if (!c->names[i]) return "a category has no name";
    return NULL;
}

const char *preparation_fault(const reel_preparation *p)
{
    const char *fault = prepared_fault(&p->target, true);
    if (!fault && p->task == REEL_TASK_AUTO) fault = "the task is neither classification nor regression";
    if (!fault && is_classification(p) != (p->target.role == REEL_ROLE_CATEGORICAL))
        fault = "the target does not fit the task";
    if (!fault && p->columns == 0) fault = "there are no columns";
    for (int64_t i = 0; i < p->columns && !fault; i++) fault = prepared_fault(&p->column[i], false);
    return fault;
}
