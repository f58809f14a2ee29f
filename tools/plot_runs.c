/* SPDX-License-Identifier: MIT
 *
 * `reel plot`: draws and compares the logs of runs.
 */
#include "options.h"
#include "runlog.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MOST 64
#define NAME_SIZE 64

static const char who[] = "reel plot";

static const reel_hyper smooth_row = {.name = "smooth",
                                      .value = 0,
                                      .most = 1,
                                      .open_most = true,
                                      .text = "weight of the past in an exponential mean, 0.9 or so, see below"};

typedef struct settings {
    const option_set *set;
    const char *x, *y, *log, *out, *csv, *json;
    double smooth;
    bool terminal, quiet;
    char names[PANELS_MOST][NAME_SIZE];
} settings;

/* ---- what was asked for ---- */

static bool read_names(settings *s, chart *c)
{
    for (const char *at = s->y;; at++) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= NAME_SIZE || c->panels == PANELS_MOST) {
            option_fail(s->set, "--y: found \"%s\", expected up to %d keys separated by commas", s->y, PANELS_MOST);
            return false;
        }
        snprintf(s->names[c->panels], NAME_SIZE, "%.*s", (int)length, at);
        for (int p = 0; p < c->panels; p++)
            if (strcmp(c->y[p], s->names[c->panels]) == 0) {
                option_fail(s->set, "--y: %s is there twice", c->y[p]);
                return false;
            }
        c->y[c->panels] = s->names[c->panels];
        c->panels++;
        at += length;
        if (*at == '\0') break;
    }
    const char *axes = s->log ? s->log : "";
    if (s->log && strcmp(axes, "x") != 0 && strcmp(axes, "y") != 0 && strcmp(axes, "xy") != 0) {
        option_fail(s->set, "--log: found \"%s\", expected x, y or xy", axes);
        return false;
    }
    c->log_x = strchr(axes, 'x') != NULL;
    c->log_y = strchr(axes, 'y') != NULL;
    return true;
}

/* ---- keys ---- */

static bool has_numbers(const log_column *c, int64_t lines)
{
    for (int64_t i = 0; c && i < lines; i++)
        if (c->numbers[i] != ABSENT) return true;
    return false;
}

/* All keys with numbers, a log after the other. */
static const char *key_at(const void *list, int index)
{
    const runlog_list *logs = list;
    for (int k = 0; k < logs->count; k++)
        for (int i = 0; i < logs->items[k].count; i++)
            if (has_numbers(&logs->items[k].columns[i], logs->items[k].lines) && index-- == 0)
                return logs->items[k].columns[i].name;
    return NULL;
}

/* The key is in none of the logs. */
static bool refuse_key(const runlog_list *logs, const char *flag, const char *key)
{
    const char *near = nearest_name(key, key_at, logs), *one;
    char names[512] = "";
    size_t used = 0;
    for (int i = 0; (one = key_at(logs, i)) != NULL && used < sizeof names; i++) {
        bool told = false;
        for (int j = 0; j < i; j++) told = told || strcmp(key_at(logs, j), one) == 0;
        if (!told) used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", one);
    }
    if (!*names)
        complain(who, "--%s: no line has a number yet", flag);
    else
        complain(who, "--%s: no line has a \"%s\"%s%s%s; there are %s", flag, key, near ? ", did you mean " : "",
                 near ? near : "", near ? "?" : "", names);
    return false;
}

/* Every key is in some log; a log without one is told of. */
static bool check_key(const settings *s, const runlog_list *logs, const char *flag, const char *key)
{
    int with = 0;
    for (int k = 0; k < logs->count; k++)
        with += has_numbers(runlog_column(&logs->items[k], key), logs->items[k].lines);
    if (with == 0) return refuse_key(logs, flag, key);
    for (int k = 0; k < logs->count && !s->quiet; k++)
        if (!has_numbers(runlog_column(&logs->items[k], key), logs->items[k].lines))
            complain(who, "%s: no line has a \"%s\": it has no such curve", logs->items[k].name, key);
    return true;
}

/* ---- curves ---- */

/* x of every line; false when this log has no such axis. */
static bool fill_x(const settings *s, const runlog *log, double *x)
{
    const log_column *own = runlog_column(log, s->x), *step = runlog_column(log, "step");
    double per_epoch = strcmp(s->x, "epoch") == 0 ? runlog_steps_per_epoch(log) : 0;
    if (!own && strcmp(s->x, "seconds") == 0) return runlog_seconds(log, x);
    for (int64_t i = 0; i < log->lines; i++)
        x[i] = per_epoch > 0 ? step->numbers[i] / per_epoch : own ? own->numbers[i] : ABSENT;
    return own != NULL;
}

static bool fill(const settings *s, chart *c, const runlog *log, const char *name)
{
    double *x = malloc(((size_t)log->lines + 1) * sizeof *x);
    series *to = x ? chart_add(c, name) : NULL;
    bool right = to != NULL, axis = right && fill_x(s, log, x);
    for (int64_t i = 0; axis && right && i < log->lines; i++) {
        double values[PANELS_MOST];
        bool any = false;
        for (int p = 0; p < c->panels; p++) {
            const log_column *column = runlog_column(log, c->y[p]);
            values[p] = column ? column->numbers[i] : ABSENT;
            any = any || values[p] != ABSENT;
        }
        if (any && x[i] != ABSENT) right = series_add(c, to, x[i], values);
    }
    if (right && s->smooth > 0) right = series_smooth(c, to, s->smooth);
    free(x);
    if (!right)
        complain(who, "out of memory");
    else if (!axis && !s->quiet)
        complain(who,
                 strcmp(s->x, "seconds") ? "%s: no line has a \"%s\": it is left out"
                                         : "%s: has no times.jsonl: --x %s leaves it out",
                 name, s->x);
    return right;
}

/* Names of runs that several have are told apart by their paths. */
static const char *legend(const runlog_list *logs, int k)
{
    const runlog *log = &logs->items[k];
    for (int i = 0; i < logs->count; i++)
        if (i != k && strcmp(logs->items[i].name, log->name) == 0 && strcmp(logs->items[i].path, log->path) != 0)
            return log->folder ? log->folder : log->path;
    return log->name;
}

/* ---- what is told ---- */

static void tell_curve(const settings *s, const chart *c, const series *y, int panel, FILE *file)
{
    double least = INFINITY, most = -INFINITY, least_at = 0, last = ABSENT, last_at = 0;
    int64_t points = 0, wrong = 0, below = 0;
    for (int64_t i = 0; i < y->count; i++) {
        double x = series_x(c, y, i), value = series_y(c, y, i, panel);
        if (value == ABSENT) continue;
        points++;
        last = value, last_at = x;
        wrong += !isfinite(value);
        below += isfinite(value) && ((c->log_y && value <= 0) || (c->log_x && x <= 0));
        if (value < least) least = value, least_at = x;
        if (value > most) most = value;
    }
    if (points == 0) return;
    fprintf(file, "%-24s %-14s %9lld %12.9g %12.6g %12.6g %12.9g %12.6g\n", y->name, c->y[panel], (long long)points,
            last_at, last, least, least_at, most);
    if (wrong > 0 && !s->quiet)
        complain(who, "%s: %lld of %lld values of %s are not finite: the curve has gaps there", y->name,
                 (long long)wrong, (long long)points, c->y[panel]);
    if (below > 0 && !s->quiet)
        complain(who, "%s: %lld of %lld points of %s have no place on a logarithmic axis: not above 0", y->name,
                 (long long)below, (long long)points, c->y[panel]);
}

static void tell(const settings *s, const chart *c, FILE *file)
{
    fprintf(file, "%-24s %-14s %9s %12s %12s %12s %12s %12s\n", "run", "key", "points", c->x, "last", "lowest", "at",
            "highest");
    for (int p = 0; p < c->panels; p++)
        for (int k = 0; k < c->count; k++) tell_curve(s, c, &c->series[k], p, file);
}

static cJSON *document_of(const settings *s, const chart *c, const runlog_list *logs)
{
    cJSON *document = cJSON_CreateObject();
    json_add_text(document, "command", "plot");
    json_add_text(document, "version", reel_version());
    json_add_text(document, "x", c->x);
    json_add_number(document, "smooth", s->smooth, REEL_DOUBLE);
    cJSON *runs = cJSON_AddArrayToObject(document, "runs");
    for (int k = 0; k < c->count; k++) {
        cJSON *o = cJSON_CreateObject();
        json_add_text(o, "name", c->series[k].name);
        json_add_text(o, "file", logs->items[k].path);
        json_add_whole(o, "lines", logs->items[k].lines);
        cJSON_AddBoolToObject(o, "half_written_line", logs->items[k].half);
        chart_json(c, &c->series[k], o);
        cJSON_AddItemToArray(runs, o);
    }
    return document;
}

/* Curves to where they were asked for; the text goes to `file`. */
static int show(const settings *s, const chart *c, const runlog_list *logs, FILE *file)
{
    bool right = true, terminal = s->terminal || !(s->out || s->json || s->csv);
    plot_result drawn = s->out ? chart_draw(c, who, s->out, "plot") : PLOT_DRAWN;
    tell(s, c, file);
    if (s->out && plot_tell(file, drawn, s->out, (const char *const[]){"plot"}, 1, false, "plot.gp, plot.dat"))
        right = false;
    if (terminal || drawn == PLOT_NO_GNUPLOT) chart_print(c, file);
    if (s->csv && !chart_csv(c, who, s->csv)) right = false;
    cJSON *document = s->json ? document_of(s, c, logs) : NULL;
    if (s->json && !json_write(who, s->json, document)) right = false;
    cJSON_Delete(document);
    return right ? EXIT_DONE : EXIT_FAILED;
}

static bool fill_all(const settings *s, chart *c, const runlog_list *logs)
{
    chart_extent extent;
    for (int p = 0; p < c->panels; p++)
        if (!check_key(s, logs, "y", c->y[p])) return false;
    if (strcmp(s->x, "seconds") != 0 && !check_key(s, logs, "x", s->x)) return false;
    for (int k = 0; k < logs->count; k++) {
        if (logs->items[k].half && !s->quiet)
            complain(who, "%s: its last line is not whole yet and is left out", logs->items[k].name);
        if (!fill(s, c, &logs->items[k], legend(logs, k))) return false;
    }
    if (chart_extent_of(c, -1, &extent)) return true;
    complain(who, "there is nothing to draw: no point is finite%s", c->log_x || c->log_y ? " and above 0" : "");
    return false;
}

static int run(const settings *s, chart *c, int count, char **paths)
{
    runlog_list logs = {NULL, 0};
    bool right = true, plain = (s->json && !strcmp(s->json, "-")) || (s->csv && !strcmp(s->csv, "-"));
    char title[256];
    if (s->out && !make_folder(who, s->out)) return EXIT_FAILED;
    if (s->json && !json_probe(who, s->json)) return EXIT_FAILED;
    for (int k = 0; right && k < count; k++) right = runlog_read(&logs, who, paths[k]);
    if (right) right = fill_all(s, c, &logs);
    if (right) {
        if (c->count == 1)
            snprintf(title, sizeof title, "%.100s: %.100s", c->series[0].name, s->y);
        else
            snprintf(title, sizeof title, "%.100s of %d runs", s->y, c->count);
        if (s->smooth > 0)
            snprintf(title + strlen(title), sizeof title - strlen(title),
                     ", as logged (thin) and smoothed with weight %g", s->smooth);
        c->title = title;
    }
    FILE *file = plain ? fopen("/dev/null", "w") : stdout;
    int status = right && file ? show(s, c, &logs, file) : EXIT_FAILED;
    if (file && file != stdout) fclose(file);
    chart_free(c);
    runlog_list_free(&logs);
    return status;
}

/* ---- the command ---- */

static void more(FILE *file)
{
    fprintf(
        file,
        "\nRUN: a folder of a run (with log.jsonl), a folder of such folders, a file of JSON objects, one a line, or "
        "a\n"
        "CSV file with names in its first line. A run that goes on is drawn as far as its log is written; a\n"
        "half-written last line is left out. A key some run lacks, and values that are not finite, are told of.\n"
        "--x epoch: passes over the data, as a fraction. --x seconds: training time, from times.jsonl.\n"
        "--smooth W: s_t = W s_{t-1} + (1 - W) y_t from s_0 = 0, divided by 1 - W^t, so that the first values are not\n"
        "pulled towards 0; y itself stays in the picture as a thin line. Values that are not finite are passed over.\n"
        "Without --out, --json and --csv the curves are drawn in characters.\n");
}

int command_plot(int argc, char **argv)
{
    settings s = {.x = "step", .y = "loss"};
    const option_row axis_rows[] = {
        {"x", "KEY", "step (default), epoch, seconds, or any key of the lines with numbers.", .word = &s.x},
        {"y", "KEY[,KEY...]", "loss (default), rate, gradient_norm, or any other key; a panel each.", .word = &s.y},
        {"log", "AXES", "Logarithmic axes: x, y or xy.", .word = &s.log},
        {.name = "smooth", .number = &s.smooth, .hyper = &smooth_row},
    };
    const option_row output_rows[] = {
        {"out", "DIR", "Write plot.png here, with its gnuplot script and data.", .word = &s.out},
        {"terminal", NULL, "Draw the curves in characters.", .set = &s.terminal},
        {"csv", "FILE", "Write run,x,y... a line a point; -: to standard output, instead of the text.", .word = &s.csv},
        {"json", "FILE", "Write every number in full precision; -: to standard output, instead of the text.",
         .word = &s.json},
        {"quiet", NULL, "No remarks about gaps, missing keys and half-written lines.", .set = &s.quiet},
    };
    const option_group groups[] = {{"axes", axis_rows, 4}, {"output", output_rows, 5}};
    const option_set set = {.command = who,
                            .operands = "RUN...",
                            .least = 1,
                            .most = RUNS_MOST,
                            .text = "Draws and compares the logs of runs, also while they run.",
                            .example = "reel plot out/checkpoints --y loss,rate --log y --smooth 0.9 --out out",
                            .groups = groups,
                            .group_count = 2,
                            .more = more};
    s.set = &set;
    reel_context *context = reel_context_new(NULL);
    chart c = {.kind = "run", .log_x = false};
    int first = options_parse(&set, context, argc, argv), status = EXIT_USAGE;
    c.x = s.x;
    c.x_label = strcmp(s.x, "epoch") == 0     ? "passes over the data"
                : strcmp(s.x, "seconds") == 0 ? "seconds of training"
                : strcmp(s.x, "step") == 0    ? "updates made"
                                              : s.x;
    if (first < 0)
        status = -1 - first;
    else if (s.csv && s.json && strcmp(s.csv, "-") == 0 && strcmp(s.json, "-") == 0)
        option_fail(&set, "--csv - and --json - both want standard output");
    else if (read_names(&s, &c))
        status = run(&s, &c, argc - first, argv + first);
    reel_context_free(context);
    return finish_output(who, status);
}
