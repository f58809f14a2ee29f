/* SPDX-License-Identifier: MIT
 *
 * `reel diff` of two checkpoints.
 */
#include "diff.h"

#include "checkpoint_view.h"
#include "diff_tensors.h"
#include "model/models.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MOST 40 /* of one list in the text; the JSON file has all */
#define LIST_LONG 16  /* numbers of a list that are written out */
#define STATE "state/"

typedef struct side {
    checkpoint_view view;
    const char *path;
    cJSON *tree;
} side;

typedef struct pair {
    side a, b;
    FILE *file;
    cJSON *report;
    cJSON *values;    /* [{path, a, b}]: what is no tensor */
    cJSON *structure; /* [{path, a, b}]: names and shapes; null: missing */
    tensor_table tensors;
    bool trouble;
} pair;

/* ---- one side ---- */

static bool open_side(side *s, const char *path)
{
    s->path = path;
    if (!view_open(&s->view, path)) {
        complain_of(diff_who, s->view.context);
        return false;
    }
    char *text = read_text(diff_who, path);
    s->tree = text ? cJSON_Parse(text) : NULL;
    if (text && !s->tree) complain(diff_who, "%s: cannot be parsed, or out of memory", path);
    free(text);
    return s->tree != NULL;
}

static void close_side(side *s)
{
    cJSON_Delete(s->tree);
    reel_context_free(s->view.context);
}

verdict diff_hashes(const char *a, const char *b)
{
    const char *const paths[] = {a, b};
    char hashes[2][TEXT_SIZE];
    bool known = true;
    for (int k = 0; k < 2; k++) {
        checkpoint_view v = {.context = NULL};
        bool whole = view_open(&v, paths[k]);
        if (!whole) complain_of(diff_who, v.context);
        known = known && whole && reel_checkpoint_hash_verdict(v.checkpoint) == REEL_HASH_RIGHT &&
                view_text(&v, "", "state_hash", hashes[k]);
        reel_context_free(v.context);
        if (!whole) return DIFF_TROUBLE;
    }
    return known && strcmp(hashes[0], hashes[1]) == 0 ? DIFF_SAME : DIFF_DIFFERENT;
}

/* ---- the walk ---- */

static bool is_tensor(const cJSON *node)
{
    return cJSON_IsObject(node) && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(node, "dtype")) &&
           cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(node, "shape"));
}

static bool is_numbers(const cJSON *node)
{
    if (!cJSON_IsArray(node)) return false;
    for (const cJSON *item = node->child; item; item = item->next)
        if (!cJSON_IsNumber(item)) return false;
    return true;
}

/* What a difference says of one side; the caller's to free. */
static char *describe(const cJSON *node)
{
    char text[256], number[NUMBER_SIZE];
    if (!node) return NULL;
    if (cJSON_IsString(node)) return strdup(node->valuestring);
    if (cJSON_IsNumber(node)) return strdup(number_text(node->valuedouble, REEL_DOUBLE, number));
    if (is_tensor(node)) {
        char *shape = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(node, "shape"));
        snprintf(text, sizeof text, "%s %s", shape ? shape : "?",
                 cJSON_GetObjectItemCaseSensitive(node, "dtype")->valuestring);
        cJSON_free(shape);
        return strdup(text);
    }
    if (cJSON_IsArray(node) && cJSON_GetArraySize(node) > LIST_LONG) {
        snprintf(text, sizeof text, "a list of %d", cJSON_GetArraySize(node));
        return strdup(text);
    }
    if (cJSON_IsObject(node) && node->child) return strdup("there");
    char *printed = cJSON_PrintUnformatted(node), *copy = printed ? strdup(printed) : NULL;
    cJSON_free(printed);
    return copy;
}

static void note(cJSON *list, const char *path, const cJSON *a, const cJSON *b)
{
    char *one = describe(a), *other = describe(b);
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "path", path);
    json_add_text(o, "a", one);
    json_add_text(o, "b", other);
    cJSON_AddItemToArray(list, o);
    free(one);
    free(other);
}

/* Long lists of numbers: how many differ, and the first. */
static void note_numbers(cJSON *list, const char *path, const cJSON *a, const cJSON *b)
{
    int count = 0, first = -1, i = 0;
    const cJSON *x = a->child, *y = b->child;
    char from[64] = "", to[64] = "", one[NUMBER_SIZE], other[NUMBER_SIZE], text[PATH_SIZE + 64];
    for (; x && y; x = x->next, y = y->next, i++) {
        if (diff_equal(x->valuedouble, y->valuedouble) || count++ > 0) continue;
        first = i;
        snprintf(from, sizeof from, "%s", number_text(x->valuedouble, REEL_DOUBLE, one));
        snprintf(to, sizeof to, "%s", number_text(y->valuedouble, REEL_DOUBLE, other));
    }
    if (count == 0) return;
    snprintf(text, sizeof text, "%s (%d of %d differ, the first is number %d)", path, count, i, first);
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "path", text);
    json_add_text(o, "a", from);
    json_add_text(o, "b", to);
    cJSON_AddItemToArray(list, o);
}

static void compare_tensors(pair *p, const char *path, const cJSON *a, const cJSON *b)
{
    char full[PATH_SIZE + 16];
    snprintf(full, sizeof full, STATE "%s", path);
    reel_array *x = reel_checkpoint_array(NULL, p->a.view.checkpoint, full),
               *y = reel_checkpoint_array(NULL, p->b.view.checkpoint, full);
    if (!x || !y) {
        complain_of(diff_who, x ? p->b.view.context : p->a.view.context);
        p->trouble = true;
    } else if (x->dtype != y->dtype || x->rank != y->rank ||
               memcmp(x->shape, y->shape, (size_t)x->rank * sizeof *x->shape) != 0) {
        note(p->structure, path, a, b);
    } else if (!tensor_table_add(&p->tensors, &p->a.view, path, x, y)) {
        complain(diff_who, "out of memory");
        p->trouble = true;
    }
    reel_array_free(x);
    reel_array_free(y);
}

static void compare_nodes(pair *p, const char *path, const cJSON *a, const cJSON *b);

/* The members of both, in the order of a, then those that b alone has. */
static void compare_members(pair *p, const char *path, const cJSON *a, const cJSON *b)
{
    char inner[PATH_SIZE];
    int i = 0;
    for (const cJSON *m = a->child; m; m = m->next, i++) {
        const cJSON *n = m->string ? cJSON_GetObjectItemCaseSensitive(b, m->string) : cJSON_GetArrayItem(b, i);
        int length = m->string ? snprintf(inner, sizeof inner, "%s%s%s", path, *path ? "/" : "", m->string)
                               : snprintf(inner, sizeof inner, "%s/%d", path, i);
        if (length < (int)sizeof inner) compare_nodes(p, inner, m, n);
    }
    i = 0;
    for (const cJSON *n = b->child; n; n = n->next, i++) {
        if (n->string ? cJSON_GetObjectItemCaseSensitive(a, n->string) : cJSON_GetArrayItem(a, i)) continue;
        int length = n->string ? snprintf(inner, sizeof inner, "%s%s%s", path, *path ? "/" : "", n->string)
                               : snprintf(inner, sizeof inner, "%s/%d", path, i);
        if (length < (int)sizeof inner) compare_nodes(p, inner, NULL, n);
    }
}

static void compare_nodes(pair *p, const char *path, const cJSON *a, const cJSON *b)
{
    bool structure = is_tensor(a) || is_tensor(b) || (cJSON_IsObject(a ? a : b) && (a ? a : b)->child);
    if (!a || !b)
        note(structure ? p->structure : p->values, path, a, b);
    else if (is_tensor(a) && is_tensor(b))
        compare_tensors(p, path, a, b);
    else if (is_numbers(a) && is_numbers(b) && cJSON_GetArraySize(a) == cJSON_GetArraySize(b) &&
             cJSON_GetArraySize(a) > LIST_LONG)
        note_numbers(p->values, path, a, b);
    else if (cJSON_IsNumber(a) && cJSON_IsNumber(b)) {
        if (!diff_equal(a->valuedouble, b->valuedouble)) note(p->values, path, a, b);
    } else if ((cJSON_IsObject(a) && cJSON_IsObject(b)) ||
               (cJSON_IsArray(a) && cJSON_IsArray(b) && !is_numbers(a) && !is_numbers(b)))
        compare_members(p, path, a, b);
    else if (!cJSON_Compare(a, b, true))
        note(p->values, path, a, b);
}

/* ---- telling ---- */

static const char *item_text(const cJSON *row, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);
    return cJSON_IsString(item) ? item->valuestring : "none";
}

static void tell_list(const pair *p, const cJSON *list, const char *title)
{
    int width = 24, count = 0;
    if (cJSON_GetArraySize(list) == 0) return;
    for (const cJSON *row = list->child; row; row = row->next) {
        int length = (int)strlen(item_text(row, "path"));
        if (length > width && length <= 64) width = length;
    }
    fprintf(p->file, "\n%-*s   %-24s b\n", width, title, "a");
    for (const cJSON *row = list->child; row && count < LINES_MOST; row = row->next, count++)
        fprintf(p->file, "  %-*s %-24s %s\n", width, item_text(row, "path"), item_text(row, "a"), item_text(row, "b"));
    if (cJSON_GetArraySize(list) > LINES_MOST)
        fprintf(p->file, "  and %d more: --json has them all\n", cJSON_GetArraySize(list) - LINES_MOST);
}

static void tell_side(const pair *p, const char *name, const side *s, cJSON *report)
{
    double step = view_number(&s->view, s->view.trainer, "step");
    if (isnan(step)) step = view_number(&s->view, s->view.optimizer, "steps");
    const char *hash = verdict_text(reel_checkpoint_hash_verdict(s->view.checkpoint));
    char number[NUMBER_SIZE];
    fprintf(p->file, "%s  %s: step %s, hash %s\n", name, s->path, number_text(step, REEL_DOUBLE, number), hash);
    cJSON *o = cJSON_AddObjectToObject(report, name);
    json_add_text(o, "file", s->path);
    json_add_number(o, "step", step, REEL_DOUBLE);
    json_add_text(o, "hash", hash);
}

static void compare_fingerprints(pair *p)
{
    cJSON *list = cJSON_AddArrayToObject(p->report, "fingerprint"), *keep = p->values, *empty = cJSON_CreateObject();
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(p->a.tree, "fingerprint"),
                *b = cJSON_GetObjectItemCaseSensitive(p->b.tree, "fingerprint");
    p->values = list;
    compare_members(p, "", a ? a : empty, b ? b : empty);
    p->values = keep;
    cJSON_Delete(empty);
    tell_list(p, list, "written by");
}

/* ---- the gradient in a ---- */

/* The model of a, built again for its gradient. */
typedef struct gradient_source {
    built_model model;
    gradient_again again;
    double *flat;
    char text[TEXT_SIZE + 200]; /* where the gradient is from, or why there is none */
} gradient_source;

static void measure_gradient(gradient_source *g, char why[TEXT_SIZE])
{
    reel_params *params = reel_optimizer_params(g->model.optimizer);
    int64_t size = reel_params_size(params);
    g->flat = calloc((size_t)size + 1, sizeof *g->flat);
    reel_array view = reel_array_view(REEL_DOUBLE, g->flat, 1, &size);
    if (g->flat && reel_trainer_gradient(NULL, g->model.trainer, REEL_ROWS_ALL, &view, NULL) == REEL_OK)
        g->again = (gradient_again){params, g->flat};
    else
        snprintf(why, TEXT_SIZE, "%s", g->flat ? reel_error_text(g->model.context) : "out of memory");
}

/* Of the last step, when a holds it; else of all rows where a stands, when the model can be built again. */
static void find_gradient(pair *p, gradient_source *g)
{
    char why[TEXT_SIZE] = "";
    *g = (gradient_source){.flat = NULL};
    if (tensor_gradient_saved(&p->a.view)) {
        snprintf(g->text, sizeof g->text, "that of the last step before a, which a holds");
        return;
    }
    if (model_rebuild(&p->a.view, diff_who, p->a.path, NULL, &g->model, why) == REBUILT) measure_gradient(g, why);
    if (g->again.params)
        snprintf(g->text, sizeof g->text, "that of all %s where a stands, computed again", g->model.rows);
    else
        snprintf(
            g->text, sizeof g->text,
            "a holds none (a training with --save-gradient 1, the trainer's setting save_gradient, saves that of the "
            "last step), and it cannot be computed again: %s",
            *why ? why : "the model cannot be built");
    p->tensors.again = g->again.params ? &g->again : NULL;
}

static void free_gradient(gradient_source *g)
{
    model_free(&g->model);
    free(g->flat);
}

static verdict compare_all(pair *p)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(p->a.tree, "state"),
                *b = cJSON_GetObjectItemCaseSensitive(p->b.tree, "state");
    if (!a || !b) return complain(diff_who, "%s: holds no state", a ? p->b.path : p->a.path), DIFF_TROUBLE;
    tell_side(p, "a", &p->a, p->report);
    tell_side(p, "b", &p->b, p->report);
    p->values = cJSON_AddArrayToObject(p->report, "state");
    p->structure = cJSON_AddArrayToObject(p->report, "structure");
    compare_fingerprints(p);
    gradient_source gradient;
    find_gradient(p, &gradient);
    compare_members(p, "", a, b);
    free_gradient(&gradient);
    p->tensors.again = NULL;
    if (p->trouble) return DIFF_TROUBLE;
    tell_list(p, p->values, "state");
    tell_list(p, p->structure, "names and shapes");
    tensor_table_tell(&p->tensors, &p->a.view, p->file, p->report);
    json_add_text(p->report, "gradient", gradient.text);
    if (p->tensors.count > 0) fprintf(p->file, "gradient: %s\n", gradient.text);
    bool same = cJSON_GetArraySize(p->values) == 0 && cJSON_GetArraySize(p->structure) == 0 && p->tensors.count == 0;
    if (same) fprintf(p->file, "\nthe state is the same, bit for bit\n");
    return same ? DIFF_SAME : DIFF_DIFFERENT;
}

verdict diff_checkpoints(const char *a, const char *b, FILE *file, cJSON *report)
{
    pair p = {.file = file, .report = cJSON_AddObjectToObject(report, "checkpoints")};
    bool right = open_side(&p.a, a) && open_side(&p.b, b);
    verdict found = right ? compare_all(&p) : DIFF_TROUBLE;
    tensor_table_free(&p.tensors);
    close_side(&p.a);
    close_side(&p.b);
    return found;
}
