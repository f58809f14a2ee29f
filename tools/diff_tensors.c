/* SPDX-License-Identifier: MIT
 *
 * Norms, cosines and single changes.
 */
#include "diff_tensors.h"

#include "diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* State vectors that hold a mean of gradients, the likelier first. */
static const char *const moments[] = {"mean", "momentum"};
/* Where a gradient may be: of the trainer's last step, or a program's own beside its parameters. */
static const char *const gradients[] = {"state/last_gradient", "%s/gradient", "%s/gradients"};
enum { GRADIENT_PLACES = 3 };

/* ---- one tensor ---- */

/* The part of `path` behind the parameters' "values/" or "buffers/"; NULL: no parameter. */
static const char *parameter_name(const checkpoint_view *a, const char *path)
{
    static const char *const parts[] = {"/values/", "/buffers/"};
    if (!*a->parameters) return NULL;
    const char *base = a->parameters + strlen("state/");
    size_t length = strlen(base);
    if (strncmp(path, base, length) != 0) return NULL;
    for (int i = 0; i < 2; i++)
        if (strncmp(path + length, parts[i], strlen(parts[i])) == 0) return path + length + strlen(parts[i]);
    return NULL;
}

static const char *short_name(const checkpoint_view *a, const tensor_change *c)
{
    const char *name = parameter_name(a, c->path);
    return name ? name : c->path;
}

static reel_array *array_at(const checkpoint_view *a, const char *format, const char *base, const char *part,
                            const char *name, int64_t size)
{
    char path[3 * PATH_SIZE];
    int n = snprintf(path, sizeof path, format, base, part, name);
    reel_array *found = n < (int)sizeof path ? reel_checkpoint_array(NULL, a->checkpoint, path) : NULL;
    reel_error_clear(a->context);
    if (!found || found->size == size) return found;
    reel_array_free(found);
    return NULL;
}

bool tensor_gradient_saved(const checkpoint_view *a)
{
    char base[PATH_SIZE];
    for (int i = 0; i < GRADIENT_PLACES; i++) {
        snprintf(base, sizeof base, gradients[i], a->parameters);
        if (reel_checkpoint_member(a->checkpoint, base, 0)) return true;
    }
    return false;
}

/* Sum of change times other, and other's sum of squares. */
static void multiply(const reel_array *x, const reel_array *y, const reel_array *other, double *product,
                     double *squares)
{
    *product = 0, *squares = -1;
    if (!other || other->size != x->size) return;
    *squares = 0;
    for (int64_t i = 0; i < x->size; i++) {
        double m = reel_array_get(other, i), change = reel_array_get(y, i) - reel_array_get(x, i);
        *product += change * m;
        *squares += m * m;
    }
}

/* A parameter's part of a gradient that was computed again. */
static bool part_of(const gradient_again *again, const char *name, reel_array *part)
{
    int64_t offset = 0, index = reel_params_find(again->params, name);
    for (int i = 0; i < index; i++) offset += reel_params_value(again->params, i).size;
    if (index < 0) return false;
    reel_array value = reel_params_value(again->params, (int)index);
    *part = reel_array_view(REEL_DOUBLE, (void *)(uintptr_t)(again->flat + offset), value.rank, value.shape);
    return true;
}

static void add_directions(tensor_change *c, const tensor_table *t, const checkpoint_view *a, const char *name,
                           const reel_array *x, const reel_array *y)
{
    reel_array *moment = NULL, *gradient = NULL, again;
    char base[PATH_SIZE];
    for (int i = 0; i < 2 && !moment && *a->optimizer; i++)
        moment = array_at(a, "%s/state/%s/values/%s", a->optimizer, moments[i], name, x->size);
    for (int i = 0; i < GRADIENT_PLACES && !gradient; i++) {
        snprintf(base, sizeof base, gradients[i], a->parameters);
        gradient = array_at(a, "%s%s/%s", base, "", name, x->size);
    }
    multiply(x, y, moment, &c->with_moment, &c->moment);
    if (t->again && !gradient && part_of(t->again, name, &again))
        multiply(x, y, &again, &c->with_gradient, &c->gradient);
    else
        multiply(x, y, gradient, &c->with_gradient, &c->gradient);
    reel_array_free(moment);
    reel_array_free(gradient);
}

static bool equal(const reel_array *x, const reel_array *y, int64_t i)
{
    if (x->dtype == REEL_FLOAT || x->dtype == REEL_DOUBLE)
        return diff_equal(reel_array_get(x, i), reel_array_get(y, i));
    size_t size = reel_dtype_size(x->dtype);
    return memcmp((const char *)x->data + (size_t)i * size, (const char *)y->data + (size_t)i * size, size) == 0;
}

/* What is not finite counts as larger than anything that is. */
static double size_of(double from, double to)
{
    double change = fabs(to - from);
    return isnan(change) ? INFINITY : change;
}

static void rank_change(tensor_table *t, single_change one)
{
    int at = t->largest_count;
    while (at > 0 && size_of(t->largest[at - 1].from, t->largest[at - 1].to) < size_of(one.from, one.to)) at--;
    if (at == CHANGES_MOST) return;
    if (t->largest_count < CHANGES_MOST) t->largest_count++;
    memmove(&t->largest[at + 1], &t->largest[at], (size_t)(t->largest_count - 1 - at) * sizeof one);
    t->largest[at] = one;
}

bool tensor_table_add(tensor_table *t, const checkpoint_view *a, const char *path, const reel_array *x,
                      const reel_array *y)
{
    const char *name = parameter_name(a, path);
    tensor_change c = {.parameter = name != NULL, .size = x->size, .moment = -1, .gradient = -1};
    for (int64_t i = 0; i < x->size; i++) {
        double from = reel_array_get(x, i), to = reel_array_get(y, i);
        c.before += from * from;
        if (equal(x, y, i)) continue;
        c.squares += (to - from) * (to - from);
        if (c.differing++ == 0) c.first = i, c.from = from, c.to = to;
        if (name) rank_change(t, (single_change){t->count, i, from, to});
    }
    if (c.differing == 0) return true;
    tensor_change *grown = realloc(t->items, ((size_t)t->count + 1) * sizeof *grown);
    c.path = strdup(path);
    if (grown) t->items = grown;
    if (!grown || !c.path) return free(c.path), false;
    shape_text(x, c.shape);
    if (name) t->dtype = x->dtype;
    if (name) add_directions(&c, t, a, name, x, y);
    grown[t->count++] = c;
    return true;
}

void tensor_table_free(tensor_table *t)
{
    for (int i = 0; i < t->count; i++) free(t->items[i].path);
    free(t->items);
}

/* ---- telling ---- */

/* cos(change, -direction); NaN: there is no direction. */
static double cosine(double product, double squares, double change)
{
    return squares > 0 && change > 0 ? -product / sqrt(squares * change) : NAN;
}

/* |change| / |a|; infinite where a was 0. */
static double share_of(const tensor_change *c)
{
    return sqrt(c->squares / c->before);
}

static const char *cosine_text(double value, char text[16])
{
    snprintf(text, 16, isnan(value) ? "-" : "%.4f", value);
    return text;
}

/* "(3, 1)" of element i in a tensor of this shape, written "(8, 2)". */
static void index_text(const char *shape, int64_t element, char text[128])
{
    int64_t sizes[REEL_MAX_RANK], at[REEL_MAX_RANK];
    int rank = 0;
    for (const char *c = shape; *c && rank < REEL_MAX_RANK;) {
        char *end;
        c += strcspn(c, "0123456789");
        if (!*c) break;
        sizes[rank++] = strtoll(c, &end, 10);
        c = end;
    }
    for (int d = rank - 1; d >= 0; d--) at[d] = element % sizes[d], element /= sizes[d];
    size_t used = 1;
    strcpy(text, "(");
    for (int d = 0; d < rank && used < 100; d++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%lld", d ? ", " : "", (long long)at[d]);
    snprintf(text + used, 128 - used, ")");
}

static void add_known(cJSON *o, const char *name, double value)
{
    if (isnan(value))
        cJSON_AddNullToObject(o, name);
    else
        json_add_number(o, name, value, REEL_DOUBLE);
}

static void tell_change(const tensor_change *c, const char *name, int width, FILE *file, cJSON *list)
{
    char one[16], other[16], count[48], index[128];
    double with_moment = cosine(c->with_moment, c->moment, c->squares),
           with_gradient = cosine(c->with_gradient, c->gradient, c->squares);
    snprintf(count, sizeof count, "%lld/%lld", (long long)c->differing, (long long)c->size);
    fprintf(file, "  %-*s %-14s %13s %12.5g %12.5g", width, name, c->shape, count, sqrt(c->squares), share_of(c));
    if (c->parameter) fprintf(file, " %11s %13s", cosine_text(with_moment, one), cosine_text(with_gradient, other));
    fprintf(file, "\n");
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "path", c->path);
    json_add_text(o, "name", name);
    json_add_text(o, "shape", c->shape);
    json_add_whole(o, "size", c->size);
    json_add_whole(o, "differing", c->differing);
    json_add_number(o, "change", sqrt(c->squares), REEL_DOUBLE);
    add_known(o, "share", share_of(c));
    if (c->parameter) add_known(o, "cosine_negative_moment", with_moment);
    if (c->parameter) add_known(o, "cosine_negative_gradient", with_gradient);
    index_text(c->shape, c->first, index);
    json_add_text(o, "first_index", index);
    json_add_number(o, "first_a", c->from, REEL_DOUBLE);
    json_add_number(o, "first_b", c->to, REEL_DOUBLE);
    cJSON_AddItemToArray(list, o);
}

static int name_width(const tensor_table *t, const checkpoint_view *a, bool parameters)
{
    int width = 14;
    for (int i = 0; i < t->count; i++) {
        int length = (int)strlen(short_name(a, &t->items[i]));
        if (t->items[i].parameter == parameters && length > width) width = length;
    }
    return width < 60 ? width : 60;
}

/* The tensors of one kind; of parameters, all of them as one vector as well. */
static void tell_kind(const tensor_table *t, const checkpoint_view *a, bool parameters, FILE *file, cJSON *list)
{
    tensor_change all = {.path = NULL, .parameter = true, .moment = 0, .gradient = 0};
    int count = 0, width = name_width(t, a, parameters);
    for (int i = 0; i < t->count; i++) {
        const tensor_change *c = &t->items[i];
        if (c->parameter != parameters) continue;
        if (count++ == 0)
            fprintf(file, "\n%-*s %-14s %13s %12s %12s%s\n", width + 2, parameters ? "parameter" : "other tensor",
                    "shape", "differ", "|b - a|", "share of a", parameters ? " cos -moment cos -gradient" : "");
        tell_change(c, short_name(a, c), width, file, list);
        all.size += c->size, all.differing += c->differing;
        all.squares += c->squares, all.before += c->before;
        all.with_moment += c->with_moment, all.with_gradient += c->with_gradient;
        all.moment = c->moment < 0 || all.moment < 0 ? -1 : all.moment + c->moment;
        all.gradient = c->gradient < 0 || all.gradient < 0 ? -1 : all.gradient + c->gradient;
    }
    cJSON *unused = cJSON_CreateArray();
    if (parameters && count > 1) tell_change(&all, "these together", width, file, unused);
    cJSON_Delete(unused);
}

static void tell_largest(const tensor_table *t, const checkpoint_view *a, FILE *file, cJSON *list)
{
    reel_dtype dtype = t->dtype == REEL_FLOAT ? REEL_FLOAT : REEL_DOUBLE;
    int width = name_width(t, a, true), digits = dtype == REEL_FLOAT ? 16 : 24;
    if (t->largest_count > 0)
        fprintf(file, "\n%-*s %-14s %*s %*s %14s\n", width + 2, "largest changes", "index", digits, "a", digits, "b",
                "b - a");
    for (int i = 0; i < t->largest_count; i++) {
        const single_change *s = &t->largest[i];
        const tensor_change *c = &t->items[s->tensor];
        char index[128], from[NUMBER_SIZE], to[NUMBER_SIZE];
        index_text(c->shape, s->element, index);
        fprintf(file, "  %-*s %-14s %*s %*s %14.6g\n", width, short_name(a, c), index, digits,
                number_text(s->from, dtype, from), digits, number_text(s->to, dtype, to), s->to - s->from);
        cJSON *o = cJSON_CreateObject();
        json_add_text(o, "name", short_name(a, c));
        json_add_text(o, "index", index);
        json_add_number(o, "a", s->from, dtype);
        json_add_number(o, "b", s->to, dtype);
        cJSON_AddItemToArray(list, o);
    }
}

void tensor_table_tell(const tensor_table *t, const checkpoint_view *a, FILE *file, cJSON *report)
{
    char index[128], from[NUMBER_SIZE], to[NUMBER_SIZE];
    cJSON *parameters = cJSON_AddArrayToObject(report, "parameters"),
          *largest = cJSON_AddArrayToObject(report, "largest"), *others = cJSON_AddArrayToObject(report, "tensors");
    json_add_text(report, "first_tensor", t->count > 0 ? t->items[0].path : NULL);
    if (t->count == 0) return;
    tell_kind(t, a, true, file, parameters);
    tell_largest(t, a, file, largest);
    tell_kind(t, a, false, file, others);
    const tensor_change *c = &t->items[0];
    index_text(c->shape, c->first, index);
    fprintf(file, "\nthe first tensor that differs is %s, first at %s: %s in a, %s in b\n", c->path, index,
            number_text(c->from, t->dtype == REEL_FLOAT ? REEL_FLOAT : REEL_DOUBLE, from),
            number_text(c->to, t->dtype == REEL_FLOAT ? REEL_FLOAT : REEL_DOUBLE, to));
}
