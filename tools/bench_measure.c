/* SPDX-License-Identifier: MIT
 *
 * Timing in rounds, figures, goals.
 */
#include "bench.h"
#include "output.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- clocks ---- */

static double read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_wall(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double bench_cpu(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static double bench_now(bench_clock clock)
{
    return clock == BENCH_CPU ? bench_cpu() : bench_wall();
}

/* ---- sides in alternation ---- */

static double timed(bench_clock clock, const bench_side *side, int64_t repeat)
{
    if (side->prepare) side->prepare(side->user);
    if (side->clocked) return side->clocked(side->user);
    double start = bench_now(clock);
    side->run(side->user, repeat);
    return bench_now(clock) - start;
}

/* As many repeats as fill the share; the first run warms up and is not trusted. */
static void choose_repeat(const bench *b, bench_clock clock, bench_side *side)
{
    timed(clock, side, 1);
    int64_t repeat = side->repeat = 1;
    if (side->clocked) return;
    double most = side->most ? (double)side->most : 1e9;
    for (;;) {
        double taken =
            fmin(timed(clock, side, repeat), timed(clock, side, repeat)); /* another program may come between */
        double fit = taken > 0 ? (double)repeat * b->share / taken : (double)repeat * 100;
        if (fit < 2 * (double)repeat || (double)repeat >= most) {
            side->repeat = (int64_t)fmax(1, fmin(fit, most));
            return;
        }
        repeat = (int64_t)fmin(fmin(fit, (double)repeat * 100), most);
    }
}

bool bench_alternate(bench *b, bench_clock clock, bench_side *sides, int count)
{
    for (int i = 0; i < count; i++) {
        sides[i].seconds = calloc((size_t)b->rounds, sizeof(double));
        if (!sides[i].seconds) {
            complain(b->who, "out of memory");
            b->failed = true;
            return false;
        }
        choose_repeat(b, clock, &sides[i]);
    }
    for (int r = 0; r < b->rounds; r++) {
        for (int i = 0; i < count; i++) {
            bench_side *side = &sides[(i + r) % count];
            side->seconds[r] = timed(clock, side, side->repeat) / (double)side->repeat;
        }
    }
    return true;
}

void bench_sides_free(bench_side *sides, int count)
{
    for (int i = 0; i < count; i++) {
        free(sides[i].seconds);
        sides[i].seconds = NULL;
    }
}

enum { PEAK_LOOPS = 1000 };

static void run_peak(void *user, int64_t repeat)
{
    const limits *l = user;
    l->peak(repeat * PEAK_LOOPS);
}

bench_side bench_peak(const bench *b)
{
    return (bench_side){.name = "peak",
                        .run = run_peak,
                        .user = (void *)(uintptr_t)b->limits,
                        .operations = b->limits->peak(PEAK_LOOPS)};
}

double bench_allocations(const bench_side *side, const bench_heap *heap, int64_t repeat)
{
    if (side->prepare) side->prepare(side->user);
    uint64_t before = heap->allocations;
    side->run(side->user, repeat);
    return (double)(heap->allocations - before) / (double)repeat;
}

/* ---- figures ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the ranks, as in the usual definition of quantiles. */
static double quantile(const double *sorted, int count, double q)
{
    double at = q * (count - 1);
    int i = (int)at;
    return i + 1 < count ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[count - 1];
}

static bench_figure bench_figure_of(const double *values, int count)
{
    bench_figure f = {NAN, NAN, NAN, NAN, NAN};
    double *sorted = count > 0 ? malloc((size_t)count * sizeof *sorted) : NULL;
    if (!sorted) return f;
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    f = (bench_figure){quantile(sorted, count, 0.5), quantile(sorted, count, 0.25), quantile(sorted, count, 0.75),
                       sorted[0], sorted[count - 1]};
    free(sorted);
    return f;
}

static bench_figure quotient(const bench *b, const bench_side *a, const bench_side *c, double scale)
{
    double *values = malloc((size_t)b->rounds * sizeof *values);
    for (int r = 0; values && r < b->rounds; r++) values[r] = scale * a->seconds[r] / (c ? c->seconds[r] : 1);
    bench_figure f = bench_figure_of(values, values ? b->rounds : 0);
    free(values);
    return f;
}

bench_figure bench_time(const bench *b, const bench_side *a, double scale)
{
    return quotient(b, a, NULL, scale);
}

bench_figure bench_ratio(const bench *b, const bench_side *a, const bench_side *c)
{
    return quotient(b, a, c, 1);
}

bench_figure bench_share(const bench *b, const bench_side *a, const bench_side *peak)
{
    return quotient(b, peak, a, a->operations / peak->operations);
}

/* ---- the report ---- */

void bench_add_figure(cJSON *object, const char *name, bench_figure f)
{
    cJSON *o = cJSON_AddObjectToObject(object, name);
    json_add_number(o, "median", f.median, REEL_DOUBLE);
    json_add_number(o, "lower_quartile", f.lower, REEL_DOUBLE);
    json_add_number(o, "upper_quartile", f.upper, REEL_DOUBLE);
    json_add_number(o, "least", f.least, REEL_DOUBLE);
    json_add_number(o, "most", f.most, REEL_DOUBLE);
}

static void add_side(const bench *b, cJSON *line, const char *name, const bench_side *side, double scale)
{
    cJSON *o = cJSON_AddObjectToObject(line, name);
    bench_figure f = bench_time(b, side, scale);
    json_add_number(o, "median", f.median, REEL_DOUBLE);
    json_add_number(o, "lower_quartile", f.lower, REEL_DOUBLE);
    json_add_number(o, "upper_quartile", f.upper, REEL_DOUBLE);
    json_add_number(o, "least", f.least, REEL_DOUBLE);
    json_add_number(o, "most", f.most, REEL_DOUBLE);
    json_add_whole(o, "repeats_a_round", side->repeat);
    if (side->operations > 0) json_add_number(o, "operations", side->operations, REEL_DOUBLE);
    json_add_numbers(o, "rounds_seconds", side->seconds, b->rounds, REEL_DOUBLE, NULL);
}

void bench_title(bench *b, const char *text, bench_clock clock)
{
    const char *clock_text = clock == BENCH_CPU ? "processor time" : "time on the clock";
    printf("%s\n  (%s; median and quartiles of %d rounds)\n", text, clock_text, b->rounds);
    json_add_text(b->report, "clock", clock_text);
}

/* "1.234 (1.2-1.3)", three digits that count. */
static const char *figure_text(bench_figure f, char text[64])
{
    int places = f.median >= 100 ? 0 : f.median >= 10 ? 1 : f.median >= 1 ? 2 : 3;
    snprintf(text, 64, "%.*f (%.*f-%.*f)", places, f.median, places, f.lower, places, f.upper);
    return text;
}

cJSON *bench_print(bench *b, const bench_line *line)
{
    char text[64];
    const char *limit_name = line->limit_name ? line->limit_name : "limit";
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(b->lines, o);
    json_add_text(o, "name", line->name);
    json_add_text(o, "unit", line->unit);
    add_side(b, o, "reel", line->reel, line->scale);
    printf("  %-22s %-20s %s", line->name, figure_text(bench_time(b, line->reel, line->scale), text), line->unit);
    if (line->limit) {
        bench_figure ratio = bench_ratio(b, line->reel, line->limit);
        add_side(b, o, "limit", line->limit, line->scale);
        json_add_text(o, "limit_name", limit_name);
        bench_add_figure(o, "times_limit", ratio);
        printf("; %s %s", limit_name, figure_text(bench_time(b, line->limit, line->scale), text));
        printf("; %s x", figure_text(ratio, text));
    }
    if (line->peak) {
        const bench_side *sides[] = {line->reel, line->limit};
        static const char *const names[] = {"reel", "limit"}, *const keys[] = {"reel_of_peak", "limit_of_peak"};
        add_side(b, o, "peak", line->peak, 1e6);
        for (int i = 0, told = 0; i < 2; i++) {
            if (!sides[i] || !(sides[i]->operations > 0)) continue;
            bench_figure share = bench_share(b, sides[i], line->peak);
            bench_add_figure(o, keys[i], share);
            printf("%s%s %.1f %%", told++ ? ", " : "; of peak: ", names[i], 100 * share.median);
        }
    }
    if (line->allocations) {
        json_add_number(o, "allocations", *line->allocations, REEL_DOUBLE);
        printf("; %.6g allocations", *line->allocations);
    }
    printf("\n");
    return o;
}

cJSON *bench_print_figure(bench *b, const char *name, const char *unit, bench_figure figure)
{
    char text[64];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(b->lines, o);
    json_add_text(o, "name", name);
    json_add_text(o, "unit", unit);
    bench_add_figure(o, "figure", figure);
    printf("  %-22s %-20s %s\n", name, figure_text(figure, text), unit);
    return o;
}

void bench_note(bench *b, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("  %s\n", text);
    cJSON *notes = cJSON_GetObjectItem(b->report, "notes");
    if (!notes) notes = cJSON_AddArrayToObject(b->report, "notes");
    cJSON_AddItemToArray(notes, cJSON_CreateString(text));
}

static bool judge(bench *b, cJSON *line, const char *text, double value, double bound, bool at_most)
{
    bool met = at_most ? value <= bound : value >= bound;
    cJSON *goals = cJSON_GetObjectItem(line, "goals"), *o = cJSON_CreateObject();
    if (!goals) goals = cJSON_AddArrayToObject(line, "goals");
    cJSON_AddItemToArray(goals, o);
    json_add_text(o, "text", text);
    json_add_number(o, "value", value, REEL_DOUBLE);
    json_add_number(o, at_most ? "at_most" : "at_least", bound, REEL_DOUBLE);
    cJSON_AddBoolToObject(o, "met", met);
    b->goals++;
    b->missed += !met;
    return met;
}

void bench_goal(bench *b, cJSON *line, const char *text, double value, double bound, bool at_most)
{
    bool met = judge(b, line, text, value, bound, at_most);
    printf("    goal: %s: %s (%.4g)\n", text, met ? "met" : "missed", value);
}

void bench_goal_allocations(bench *b, cJSON *line, double allocations)
{
    if (!judge(b, line, "no allocation in a step", allocations, 0, true))
        printf("    goal: no allocation in a step: missed (%.6g)\n", allocations);
}

void bench_add_heap(bench *b, const bench_heap *heap)
{
    json_add_whole(b->report, "peak_bytes", (int64_t)heap->peak);
    printf("  peak memory of Reel's objects %.2f MB\n", (double)heap->peak / 1e6);
}
