/* SPDX-License-Identifier: MIT
 *
 * `reel diff` of logs.
 */
#include "diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MOST 512

bool diff_equal(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* What is known of one key. */
typedef struct key {
    const log_column *a, *b;
    int64_t count;            /* steps at which it differs */
    int64_t first_a, first_b; /* lines where it does first */
    double first_at;
    double largest, largest_at; /* of finite differences */
} key;

/* Lines are matched by their step; by their number in logs without one. */
typedef struct comparison {
    const runlog *a, *b;
    const log_column *step_a, *step_b;
    key keys[KEYS_MOST];
    int count;
    int64_t common, differing, only_a, only_b;
    double first; /* step of the first difference among common steps */
    double first_only_a, first_only_b;
} comparison;

/* "step", where it never decreases. */
static const log_column *step_of(const runlog *log)
{
    const log_column *step = runlog_column(log, "step");
    for (int64_t i = 0; step && i < log->lines; i++)
        if (step->numbers[i] == ABSENT || (i > 0 && !(step->numbers[i - 1] < step->numbers[i]))) return NULL;
    return step;
}

static void pair_keys(comparison *c)
{
    for (int i = 0; i < c->a->count && c->count < KEYS_MOST; i++)
        c->keys[c->count++] = (key){.a = &c->a->columns[i], .b = runlog_column(c->b, c->a->columns[i].name)};
    for (int i = 0; i < c->b->count && c->count < KEYS_MOST; i++)
        if (!runlog_column(c->a, c->b->columns[i].name)) c->keys[c->count++] = (key){.b = &c->b->columns[i]};
}

static double number_of(const log_column *column, int64_t line)
{
    return column ? column->numbers[line] : ABSENT;
}

static const char *text_of(const log_column *column, int64_t line)
{
    return column && column->texts ? column->texts[line] : NULL;
}

static void compare_lines(comparison *c, int64_t i, int64_t j, double at)
{
    bool differs = false;
    for (int k = 0; k < c->count; k++) {
        key *y = &c->keys[k];
        double a = number_of(y->a, i), b = number_of(y->b, j);
        const char *s = text_of(y->a, i), *t = text_of(y->b, j);
        if (diff_equal(a, b) && (s == t || (s && t && strcmp(s, t) == 0))) continue;
        differs = true;
        if (y->count++ == 0) y->first_a = i, y->first_b = j, y->first_at = at;
        double difference = a != ABSENT && b != ABSENT ? fabs(b - a) : NAN;
        if (isfinite(difference) && difference > y->largest) y->largest = difference, y->largest_at = at;
    }
    c->common++;
    if (differs && c->differing++ == 0) c->first = at;
}

static void compare(comparison *c)
{
    int64_t i = 0, j = 0;
    while (i < c->a->lines || j < c->b->lines) {
        double a = i == c->a->lines ? INFINITY : c->step_a ? c->step_a->numbers[i] : (double)(i + 1);
        double b = j == c->b->lines ? INFINITY : c->step_b ? c->step_b->numbers[j] : (double)(j + 1);
        if (a < b) {
            if (c->only_a++ == 0) c->first_only_a = a;
            i++;
        } else if (b < a) {
            if (c->only_b++ == 0) c->first_only_b = b;
            j++;
        } else {
            compare_lines(c, i++, j++, a);
        }
    }
}

/* ---- telling ---- */

static const char *value_text(const log_column *column, int64_t line, char text[NUMBER_SIZE])
{
    double value = number_of(column, line);
    const char *word = text_of(column, line);
    return word ? word : value == ABSENT ? "none" : number_text(value, REEL_DOUBLE, text);
}

static void add_value(cJSON *o, const char *name, const log_column *column, int64_t line)
{
    double value = number_of(column, line);
    if (value == ABSENT)
        json_add_text(o, name, text_of(column, line));
    else
        json_add_number(o, name, value, REEL_DOUBLE);
}

static void tell_key(const key *y, FILE *file, cJSON *list)
{
    char a[NUMBER_SIZE], b[NUMBER_SIZE];
    double from = number_of(y->a, y->first_a), to = number_of(y->b, y->first_b);
    const char *name = y->a ? y->a->name : y->b->name;
    fprintf(file, "  %-16s %10.0f %22.22s %22.22s", name, y->first_at, value_text(y->a, y->first_a, a),
            value_text(y->b, y->first_b, b));
    if (from != ABSENT && to != ABSENT)
        fprintf(file, " %12.4g %10lld %12.4g %10.0f\n", to - from, (long long)y->count, y->largest, y->largest_at);
    else
        fprintf(file, " %12s %10lld\n", "-", (long long)y->count);
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "key", name);
    json_add_number(o, "first_step", y->first_at, REEL_DOUBLE);
    add_value(o, "a", y->a, y->first_a);
    add_value(o, "b", y->b, y->first_b);
    json_add_whole(o, "steps", y->count);
    json_add_number(o, "largest", y->largest, REEL_DOUBLE);
    json_add_number(o, "largest_at", y->largest_at, REEL_DOUBLE);
    cJSON_AddItemToArray(list, o);
}

/* Steps that only one of them has: behind its end, or gaps. */
static void tell_alone(const comparison *c, FILE *file)
{
    const char *const names[] = {"a", "b"};
    const int64_t counts[] = {c->only_a, c->only_b};
    const double firsts[] = {c->first_only_a, c->first_only_b};
    for (int k = 0; k < 2; k++)
        if (counts[k] > 0)
            fprintf(file, "  %lld %s only %s has, the first is %.0f\n", (long long)counts[k],
                    c->step_a && c->step_b ? "steps" : "lines", names[k], firsts[k]);
}

static void tell(const comparison *c, FILE *file, cJSON *report)
{
    const char *unit = c->step_a && c->step_b ? "step" : "line";
    cJSON *o = cJSON_AddObjectToObject(report, "log"), *list;
    json_add_text(o, "a", c->a->path);
    json_add_text(o, "b", c->b->path);
    json_add_whole(o, "common", c->common);
    json_add_whole(o, "differing", c->differing);
    json_add_whole(o, "only_a", c->only_a);
    json_add_whole(o, "only_b", c->only_b);
    if (c->differing > 0)
        json_add_number(o, "first", c->first, REEL_DOUBLE);
    else
        cJSON_AddNullToObject(o, "first");
    list = cJSON_AddArrayToObject(o, "keys");
    if (c->differing == 0)
        fprintf(file, "log: %lld %ss in both, all the same\n", (long long)c->common, unit);
    else
        fprintf(file, "log: %s %.0f is the first that differs; %lld of %lld do\n", unit, c->first,
                (long long)c->differing, (long long)c->common);
    tell_alone(c, file);
    if (c->differing == 0) return;
    fprintf(file, "\n  %-16s %10s %22s %22s %12s %10s %12s %10s\n", "key", "first at", "a", "b", "b - a", "differs",
            "largest", "at");
    for (int k = 0; k < c->count; k++)
        if (c->keys[k].count > 0) tell_key(&c->keys[k], file, list);
}

verdict diff_logs(const runlog *a, const runlog *b, FILE *file, cJSON *report)
{
    comparison *c = calloc(1, sizeof *c);
    if (!c) return complain(diff_who, "out of memory"), DIFF_TROUBLE;
    *c = (comparison){.a = a, .b = b, .step_a = step_of(a), .step_b = step_of(b)};
    if (!c->step_a || !c->step_b) c->step_a = c->step_b = NULL;
    pair_keys(c);
    compare(c);
    tell(c, file, report);
    bool same = c->differing == 0 && c->only_a == 0 && c->only_b == 0;
    free(c);
    return same ? DIFF_SAME : DIFF_DIFFERENT;
}
