/* SPDX-License-Identifier: MIT
 *
 * Schedules as text: reading and writing.
 *
 *     sequence  part { "," part }
 *     part      factor { "*" factor } [ "@" steps ]
 *     factor    "(" sequence ")" | name { ":" [ key "=" ] value }
 */
#include "optim/schedule.h"
#include "io/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEEPEST 16
#define VALUES_MOST 64

typedef struct reader {
    const char *site;
    reel_context *context;
    const char *spec, *at;
    int depth;
} reader;

static const char who[] = "schedule_parse";

static reel_schedule *read_sequence(reader *r);

/* Length of the word at `text`: up to a character that means something. */
static size_t word_length(const char *text)
{
    return strcspn(text, ":,*@()=");
}

static void refuse(const reader *r, const char *expected)
{
    reel_error_set(r->context, REEL_BAD_ARGUMENT, r->site, who,
                   "\"%.200s\": found \"%.40s\" at character %d, expected %s", r->spec, r->at,
                   (int)(r->at - r->spec) + 1, expected);
}

static const reel_schedule_type *read_name(reader *r)
{
    size_t length = word_length(r->at);
    char names[512] = "";
    for (int i = 0;; i++) {
        const reel_schedule_type *type = reel_schedule_known(r->context, i);
        if (!type) break;
        if (strlen(type->name) == length && memcmp(type->name, r->at, length) == 0) {
            if (type != &lambda_schedule) return r->at += length, type;
            refuse(r, "a schedule that is no function of a program");
            return NULL;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", type->name);
    }
    if (length == 0)
        refuse(r, "the name of a schedule");
    else
        reel_error_set(r->context, REEL_NOT_FOUND, r->site, who, "no schedule \"%.*s\"; there are %s",
                       length > 80 ? 80 : (int)length, r->at, names);
    return NULL;
}

/* Reads one ":value" or ":key=value" (r->at stands behind the colon) into values; *next is the place of the next value
 * without a key. */
static bool read_argument(reader *r, const reel_schedule_type *type, double *values, int *count, int *next)
{
    char context_name[96];
    snprintf(context_name, sizeof context_name, "%s: %.60s", who, type->name);
    size_t length = word_length(r->at);
    int row = *next;
    if (r->at[length] == '=') {
        for (row = 0; row < type->hyper_count; row++)
            if (strlen(type->hypers[row].name) == length && memcmp(type->hypers[row].name, r->at, length) == 0) break;
        if (row == type->hyper_count) {
            reel_hyper_unknown(r->site, r->context, context_name, r->at, length, type->hypers, type->hyper_count, NULL,
                               0);
            return false;
        }
        r->at += length + 1;
        length = word_length(r->at);
    } else {
        *next = row + 1;
    }
    const reel_hyper *last = type->hyper_count ? &type->hypers[type->hyper_count - 1] : NULL;
    if (row >= type->hyper_count && !(last && last->repeats)) {
        reel_error_set(r->context, REEL_BAD_ARGUMENT, r->site, context_name, "found more than %d values",
                       type->hyper_count);
        return false;
    }
    const reel_hyper *h = row < type->hyper_count ? &type->hypers[row] : last;
    if (h->repeats && *count >= type->hyper_count && !isnan(values[*count - 1])) row = *count;
    if (row >= VALUES_MOST || (row < *count && !isnan(values[row]))) {
        reel_error_set(r->context, REEL_BAD_ARGUMENT, r->site, context_name, "%s is given %s", h->name,
                       row < VALUES_MOST ? "twice" : "too often");
        return false;
    }
    if (row >= *count) *count = row + 1;
    if (reel_hyper_read(r->site, r->context, context_name, h, r->at, length, &values[row]) != REEL_OK) return false;
    r->at += length;
    return true;
}

static reel_schedule *read_factor(reader *r)
{
    if (*r->at == '(') {
        if (r->depth == DEEPEST) return refuse(r, "fewer parentheses"), NULL;
        r->depth++;
        r->at++;
        reel_schedule *inner = read_sequence(r);
        r->depth--;
        if (!inner) return NULL;
        if (*r->at == ')') return r->at++, inner;
        refuse(r, ")");
        object_free(inner);
        return NULL;
    }
    const reel_schedule_type *type = read_name(r);
    if (!type) return NULL;
    double values[VALUES_MOST];
    for (int i = 0; i < VALUES_MOST; i++) values[i] = NAN;
    int count = type->hyper_count, next = 0;
    while (*r->at == ':') {
        r->at++;
        if (!read_argument(r, type, values, &count, &next)) return NULL;
    }
    return reel_schedule_new(r->site, r->context, type, count, values, NULL);
}

/* Reads "@N" if it stands here; *length 0 when it does not. */
static bool read_length(reader *r, int64_t *length)
{
    *length = 0;
    if (*r->at != '@') return true;
    r->at++;
    const char *end = r->at + word_length(r->at), *at = r->at;
    if (number_read_int64(&at, end, length) != NUMBER_OK || at != end || *length < 1 || *length > (int64_t)1 << 53) {
        refuse(r, "a number of steps");
        return false;
    }
    r->at = end;
    return true;
}

typedef struct list {
    reel_schedule *items[MEMBERS_MOST];
    int64_t lengths[MEMBERS_MOST];
    int count;
} list;

static reel_schedule *list_fail(list *l)
{
    for (int i = 0; i < l->count; i++) object_free(l->items[i]);
    return NULL;
}

static bool list_add(reader *r, list *l, reel_schedule *s)
{
    if (s && l->count < MEMBERS_MOST) return l->items[l->count++] = s, true;
    if (s) refuse(r, "at most 64 parts");
    object_free(s);
    return false;
}

static reel_schedule *read_part(reader *r)
{
    list l = {.count = 0};
    do {
        if (l.count > 0) r->at++;
        if (!list_add(r, &l, read_factor(r))) return list_fail(&l);
    } while (*r->at == '*');
    if (l.count == 1) return l.items[0];
    return schedule_compose(r->site, r->context, who, l.count, l.items, NULL, true);
}

static reel_schedule *read_sequence(reader *r)
{
    list l = {.count = 0};
    do {
        if (l.count > 0) r->at++;
        if (!list_add(r, &l, read_part(r)) || !read_length(r, &l.lengths[l.count - 1])) return list_fail(&l);
    } while (*r->at == ',');
    if (l.count == 1 && l.lengths[0] == 0) return l.items[0];
    return schedule_compose(r->site, r->context, who, l.count, l.items, l.lengths, false);
}

reel_schedule *reel_schedule_parse(const char *site, reel_context *context, const char *spec, int64_t horizon)
{
    if (reel_failed(context)) return NULL;
    if (!spec || horizon < 0) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there is no text, or the horizon is negative");
        return NULL;
    }
    reader r = {site, context, spec, spec, 0};
    reel_schedule *s = read_sequence(&r);
    if (s && *r.at)
        refuse(&r, "a comma, *, @ or the end");
    else if (s && schedule_fit(s, site, who, horizon) == REEL_OK && s->open)
        reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                       "\"%.200s\": a part has no length: give it, or the number of steps of the run", spec);
    if (!reel_failed(context)) return s;
    object_free(s);
    return NULL;
}

/* ----------------------------------------------------------------------------------------------------------- writing */

typedef struct writer {
    char *text;
    size_t size, used;
} writer;

static void put(writer *w, const char *more)
{
    size_t length = strlen(more);
    if (w->used < w->size) {
        size_t room = w->size - w->used - 1, n = length < room ? length : room;
        memcpy(w->text + w->used, more, n);
        w->text[w->used + n] = '\0';
    }
    w->used += length;
}

/* Values in table order as long as there is no gap, by name behind one; what equals its default stays out. */
static void write_values(writer *w, const reel_schedule *s)
{
    const reel_schedule_type *type = s->type;
    int last = -1;
    for (int i = 0; i < s->count; i++) {
        bool same = i < type->hyper_count && s->given[i] == type->hypers[i].value;
        if (!isnan(s->given[i]) && !same) last = i;
    }
    bool gap = false;
    for (int i = 0; i <= last; i++) {
        const reel_hyper *h = &type->hypers[i < type->hyper_count ? i : type->hyper_count - 1];
        double value = isnan(s->given[i]) ? h->value : s->given[i];
        if (isnan(value)) {
            gap = true;
            continue;
        }
        if (gap && value == h->value) continue;
        char text[REEL_HYPER_TEXT];
        put(w, ":");
        if (gap) put(w, h->name), put(w, "=");
        put(w, reel_hyper_print(h, value, text));
    }
}

static void write_schedule(writer *w, const reel_schedule *s)
{
    if (s->type) {
        put(w, s->type->name);
        write_values(w, s);
        return;
    }
    for (int i = 0; i < s->member_count; i++) {
        const reel_schedule *m = s->members[i];
        bool group = !m->type && (s->chained || !m->chained);
        if (i > 0) put(w, s->chained ? "*" : ",");
        if (group) put(w, "(");
        write_schedule(w, m);
        if (group) put(w, ")");
        if (!s->lengths[i] || s->lengths[i] == schedule_length(m)) continue;
        char length[NUMBER_TEXT_SIZE];
        number_print_int64(length, s->lengths[i]);
        put(w, "@");
        put(w, length);
    }
}

size_t reel_schedule_describe(const reel_schedule *schedule, char *text, size_t size)
{
    writer w = {text, text ? size : 0, 0};
    if (w.size) text[0] = '\0';
    if (schedule) write_schedule(&w, schedule);
    return w.used;
}
