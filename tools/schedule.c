/* SPDX-License-Identifier: MIT
 *
 * `reel schedule`: the learning rate of a schedule, and the momentum where it moves one, before a step is taken.
 */
#include "chart.h"
#include "options.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SPECS_MOST 32
#define SPEC_TEXT 1024

static const char who[] = "reel schedule";

static const reel_hyper steps_row = {.name = "steps",
                                     .value = NAN,
                                     .least = 1,
                                     .most = 1e7,
                                     .kind = REEL_HYPER_WHOLE,
                                     .text = "updates of the whole run"},
                        epochs_row = {.name = "epochs",
                                      .value = NAN,
                                      .least = 1,
                                      .most = 1e9,
                                      .kind = REEL_HYPER_WHOLE,
                                      .text = "instead of --steps: passes over the data"},
                        batch_row = {.name = "batch",
                                     .value = 0,
                                     .most = 1e15,
                                     .kind = REEL_HYPER_WHOLE,
                                     .text = "rows an update, with --epochs; 0: all of them"},
                        rows_row = {.name = "rows",
                                    .value = NAN,
                                    .least = 1,
                                    .most = 1e15,
                                    .kind = REEL_HYPER_WHOLE,
                                    .text = "rows of the data, with --epochs and --batch"};

typedef struct settings {
    const option_set *set;
    const char *optimizer, *out, *json, *csv, *lr_text, *momentum_text;
    double lr, momentum, steps, epochs, batch, rows;
    bool terminal, list, log;
    const reel_optimizer_type *kind;
    const reel_hyper *momentum_row; /* of the optimizer; NULL: it has none */
} settings;

/* ---- what was asked for ---- */

static const char *kind_name_at(const void *list, int index)
{
    (void)list;
    const reel_optimizer_type *kind = reel_optimizer_at(index);
    return kind ? kind->name : NULL;
}

static const reel_hyper *row_of(const reel_optimizer_type *kind, const char *name)
{
    int row = reel_hyper_find(kind->hypers, kind->hyper_count, name);
    return row >= 0 ? &kind->hypers[row] : NULL;
}

/* The optimizer's rate and momentum, and what was typed instead. */
static bool read_optimizer(settings *s, reel_context *context)
{
    s->kind = reel_optimizer_find(s->optimizer);
    if (!s->kind) {
        const char *near = nearest_name(s->optimizer, kind_name_at, NULL);
        option_fail(s->set, "--optimizer: there is no %s%s%s%s", s->optimizer, near ? "; did you mean " : "",
                    near ? near : "; reel train two-moons --help lists them", near ? "?" : "");
        return false;
    }
    const reel_hyper *lr = row_of(s->kind, "lr");
    s->momentum_row = row_of(s->kind, "momentum");
    if (!s->momentum_row) s->momentum_row = row_of(s->kind, "beta1");
    s->lr = lr->value;
    s->momentum = s->momentum_row ? s->momentum_row->value : NAN;
    if (s->lr_text && !option_read(s->set, context, "lr", lr, s->lr_text, &s->lr)) return false;
    if (!s->momentum_text) return true;
    if (!s->momentum_row) {
        option_fail(s->set, "--momentum: %s has none", s->kind->name);
        return false;
    }
    return option_read(s->set, context, "momentum", s->momentum_row, s->momentum_text, &s->momentum);
}

/* Updates of the run, as the trainer counts them: the last batch of an epoch may be a smaller one. */
static bool read_length(settings *s)
{
    const char *wrong = NULL;
    if (!isnan(s->steps) && (!isnan(s->epochs) || !isnan(s->rows) || s->batch > 0))
        wrong = "--steps says it all: leave --epochs, --batch and --rows out";
    else if (isnan(s->steps) && isnan(s->epochs))
        wrong = "how long is the run? --steps N, or --epochs E --batch B --rows R, is missing";
    else if (isnan(s->steps) && s->batch > 0 && isnan(s->rows))
        wrong = "--batch needs --rows, the rows of the data";
    if (wrong) {
        option_fail(s->set, "%s", wrong);
        return false;
    }
    if (isnan(s->steps)) s->steps = s->epochs * (s->batch > 0 ? ceil(s->rows / s->batch) : 1);
    if (s->steps <= steps_row.most) return true;
    option_fail(s->set, "%.0f updates, expected at most %.0f", s->steps, steps_row.most);
    return false;
}

static const char *schedule_name_at(const void *list, int index)
{
    (void)list;
    const reel_schedule_type *type = reel_schedule_at(index);
    return type ? type->name : NULL;
}

/* The first name in a spec that no schedule has: `, did you mean cosine?`, or nothing. */
static void suggest(const char *spec, char *text, size_t size)
{
    text[0] = '\0';
    while (*spec) {
        char name[64];
        spec += strspn(spec, "(,* ");
        size_t length = strcspn(spec, ":,*@()");
        if (length >= sizeof name) length = sizeof name - 1;
        memcpy(name, spec, length);
        name[length] = '\0';
        const char *near = *name && !reel_schedule_find(name) ? nearest_name(name, schedule_name_at, NULL) : NULL;
        if (near) {
            snprintf(text, size, "; did you mean %s?", near);
            return;
        }
        spec += strcspn(spec, "(,*");
    }
}

/* Parses one; NULL after a line that says what was wrong. */
static reel_schedule *read_spec(const settings *s, reel_context *context, const char *spec)
{
    reel_schedule *schedule = reel_schedule_parse(NULL, context, spec, (int64_t)s->steps);
    if (!schedule) {
        char near[96];
        suggest(spec, near, sizeof near);
        option_fail(s->set, "%s%s", context ? reel_error_text(context) : "out of memory", near);
        reel_error_clear(context);
    } else if (reel_schedule_watches(schedule)) {
        option_fail(s->set, "\"%s\": plateau follows a metric that only a run has; there is no curve before it", spec);
    } else if (reel_schedule_cycles_momentum(schedule) && !s->momentum_row) {
        option_fail(s->set,
                    "\"%s\" moves a momentum, and %s has none; add cycle_momentum=0 or choose another --optimizer",
                    spec, s->kind->name);
    } else {
        return schedule;
    }
    return NULL;
}

/* ---- the curves ---- */

/* Step t of the schedule is update t + 1, as in the log of a run. */
static bool fill(const settings *s, chart *c, const char *spec, const reel_schedule *schedule)
{
    series *to = chart_add(c, spec);
    for (int64_t t = 0; to && t < (int64_t)s->steps; t++) {
        double values[] = {reel_schedule_rate(schedule, t, s->lr), reel_schedule_momentum(schedule, t, s->momentum)};
        if (!series_add(c, to, (double)(t + 1), values)) to = NULL;
    }
    if (!to) complain(who, "out of memory");
    return to != NULL;
}

typedef struct summary {
    double first, last, least, most;
    int64_t least_at, most_at, wrong_at; /* updates; wrong: the first that is not finite, 0: none */
} summary;

static summary summary_of(const chart *c, const series *s)
{
    summary y = {series_y(c, s, 0, 0), series_y(c, s, s->count - 1, 0), INFINITY, -INFINITY, 0, 0, 0};
    for (int64_t i = 0; i < s->count; i++) {
        double rate = series_y(c, s, i, 0);
        if (!isfinite(rate) && !y.wrong_at) y.wrong_at = i + 1;
        if (rate < y.least) y.least = rate, y.least_at = i + 1;
        if (rate > y.most) y.most = rate, y.most_at = i + 1;
    }
    return y;
}

static bool report(const settings *s, const chart *c, reel_schedule *const *schedules, FILE *file, cJSON *document)
{
    bool right = true;
    cJSON *list = cJSON_AddArrayToObject(document, "schedules");
    fprintf(file, "%s, lr %g", s->kind->name, s->lr);
    if (c->panels > 1) fprintf(file, ", %s %g", s->momentum_row ? s->momentum_row->name : "momentum", s->momentum);
    fprintf(file, ", %.0f updates\n", s->steps);
    for (int k = 0; k < c->count; k++) {
        char canonical[SPEC_TEXT];
        summary y = summary_of(c, &c->series[k]);
        cJSON *o = cJSON_CreateObject();
        reel_schedule_describe(schedules[k], canonical, sizeof canonical);
        json_add_text(o, "spec", c->series[k].name);
        json_add_text(o, "canonical", canonical);
        cJSON_AddBoolToObject(o, "uses_horizon", reel_schedule_uses_horizon(schedules[k]));
        cJSON_AddBoolToObject(o, "cycles_momentum", reel_schedule_cycles_momentum(schedules[k]));
        chart_json(c, &c->series[k], o);
        cJSON_AddItemToArray(list, o);
        fprintf(file, "%s\n    first %.6g, highest %.6g at update %lld, lowest %.6g at update %lld, last %.6g%s\n",
                c->series[k].name, y.first, y.most, (long long)y.most_at, y.least, (long long)y.least_at, y.last,
                reel_schedule_uses_horizon(schedules[k]) ? "; stretches with the length of the run" : "");
        if (y.wrong_at) {
            complain(who, "%s: the rate is not finite at update %lld, where an optimizer would stop", c->series[k].name,
                     (long long)y.wrong_at);
            right = false;
        }
    }
    return right;
}

static bool draw(const settings *s, const chart *c, FILE *file, bool *terminal)
{
    if (!s->out) return true;
    plot_result drawn = chart_draw(c, who, s->out, "schedule");
    if (drawn == PLOT_NO_GNUPLOT) *terminal = true;
    return plot_tell(file, drawn, s->out, (const char *const[]){"schedule"}, 1, false, "schedule.gp, schedule.dat") ==
           EXIT_DONE;
}

/* Curve, then files; the text goes to `file`. */
static int show(const settings *s, const chart *c, reel_schedule *const *schedules, FILE *file)
{
    cJSON *document = cJSON_CreateObject();
    bool terminal = s->terminal || !(s->out || s->json || s->csv);
    json_add_text(document, "command", "schedule");
    json_add_text(document, "version", reel_version());
    json_add_text(document, "optimizer", s->kind->name);
    json_add_number(document, "lr", s->lr, REEL_DOUBLE);
    json_add_number(document, "momentum", s->momentum, REEL_DOUBLE);
    json_add_number(document, "steps", s->steps, REEL_DOUBLE);
    bool right = report(s, c, schedules, file, document);
    if (!draw(s, c, file, &terminal)) right = false;
    if (terminal) chart_print(c, file);
    if (s->csv && !chart_csv(c, who, s->csv)) right = false;
    if (s->json && !json_write(who, s->json, document)) right = false;
    cJSON_Delete(document);
    return right ? EXIT_DONE : EXIT_FAILED;
}

static int run(settings *s, reel_context *context, int count, char **specs)
{
    reel_schedule *schedules[SPECS_MOST];
    chart c = {
        .kind = "schedule", .x = "step", .x_label = "update", .y = {"rate", "momentum"}, .panels = 1, .log_y = s->log};
    char title[128];
    for (int k = 0; k < count; k++) {
        schedules[k] = read_spec(s, context, specs[k]);
        if (!schedules[k]) return EXIT_USAGE;
        if (reel_schedule_cycles_momentum(schedules[k])) c.panels = 2;
    }
    snprintf(title, sizeof title, "%.90s%slearning rate from lr %g", count == 1 ? specs[0] : "", count == 1 ? ": " : "",
             s->lr);
    c.title = title;
    if (s->out && !make_folder(who, s->out)) return EXIT_FAILED;
    if (s->json && !json_probe(who, s->json)) return EXIT_FAILED;
    bool right = true, quiet = (s->json && !strcmp(s->json, "-")) || (s->csv && !strcmp(s->csv, "-"));
    for (int k = 0; right && k < count; k++) right = fill(s, &c, specs[k], schedules[k]);
    chart_extent extent;
    if (right && !chart_extent_of(&c, 0, &extent)) {
        complain(who, "there is nothing to draw: no rate is finite%s", s->log ? " and above 0" : "");
        right = false;
    }
    FILE *file = quiet ? fopen("/dev/null", "w") : stdout;
    int status = right && file ? show(s, &c, schedules, file) : EXIT_FAILED;
    if (file && file != stdout) fclose(file);
    chart_free(&c);
    return status;
}

/* ---- --list ---- */

static cJSON *list_row(const reel_schedule_type *type)
{
    cJSON *o = cJSON_CreateObject(), *rows = cJSON_AddArrayToObject(o, "parameters");
    json_add_text(o, "name", type->name);
    json_add_text(o, "text", type->text);
    json_add_text(o, "source", type->source);
    for (int i = 0; i < type->hyper_count; i++) {
        const reel_hyper *h = &type->hypers[i];
        char range[REEL_HYPER_TEXT];
        cJSON *row = cJSON_CreateObject();
        json_add_text(row, "name", h->name);
        json_add_text(row, "text", h->text);
        json_add_text(row, "range", reel_hyper_range(h, range));
        if (isnan(h->value))
            cJSON_AddNullToObject(row, "default");
        else
            json_add_number(row, "default", h->value, REEL_DOUBLE);
        cJSON_AddBoolToObject(row, "required", h->required);
        cJSON_AddItemToArray(rows, row);
    }
    return o;
}

static void list_type(FILE *file, const reel_schedule_type *type)
{
    fprintf(file, "%s", type->name);
    for (int i = 0; i < type->hyper_count; i++)
        fprintf(file, type->hypers[i].required ? ":%s" : "[:%s]", type->hypers[i].name);
    fprintf(file, "\n");
    option_words(file, 0, 4, type->text);
    fprintf(file, "    %s\n", type->source);
    if (type->observe) fprintf(file, "    follows a metric: for runs, not drawn\n");
    if (strcmp(type->name, "lambda") == 0) fprintf(file, "    a function of a program: has no text form\n");
    for (int i = 0; i < type->hyper_count; i++) {
        const reel_hyper *h = &type->hypers[i];
        char sentence[3 * REEL_HYPER_TEXT], range[REEL_HYPER_TEXT], number[REEL_HYPER_TEXT];
        snprintf(sentence, sizeof sentence, "%s; %s%s%s", h->text, reel_hyper_range(h, range),
                 h->required       ? ", must be given"
                 : isnan(h->value) ? ""
                                   : ", default ",
                 h->required || isnan(h->value) ? "" : reel_hyper_print(h, h->value, number));
        option_words(file, fprintf(file, "        %s", h->name), 24, sentence);
    }
    fprintf(file, "\n");
}

static int list(const settings *s)
{
    FILE *file = s->json && strcmp(s->json, "-") == 0 ? fopen("/dev/null", "w") : stdout;
    cJSON *document = cJSON_CreateObject(), *types = cJSON_AddArrayToObject(document, "schedules");
    if (!file) return complain(who, "/dev/null: %s", strerror(errno)), EXIT_FAILED;
    fprintf(file, "Values in this order, or by name; those in brackets may be left out. base: the rate, --lr.\n\n");
    for (int i = 0; reel_schedule_at(i); i++) {
        list_type(file, reel_schedule_at(i));
        cJSON_AddItemToArray(types, list_row(reel_schedule_at(i)));
    }
    bool right = !s->json || json_write(who, s->json, document);
    cJSON_Delete(document);
    if (file != stdout) fclose(file);
    return right ? EXIT_DONE : EXIT_FAILED;
}

/* ---- the command ---- */

static void more(FILE *file)
{
    fprintf(
        file,
        "\nSPEC: parts joined by commas follow each other, by * they are multiplied; @N: for N updates. A part is a\n"
        "name and its values: cosine, step:30:0.5, warmup:20,cosine:1e-4, linear:end=0.1@100,constant:0.1.\n"
        "--list tells the names. Update 1 is the first; the numbers are those a training logs as \"rate\".\n"
        "Without --out, --json and --csv the curve is drawn in characters.\n");
}

int command_schedule(int argc, char **argv)
{
    settings s = {.optimizer = "sgd", .steps = NAN, .epochs = NAN, .rows = NAN};
    const option_row run_rows[] = {
        {"lr", "X", "The base rate; default: that of the optimizer.", .word = &s.lr_text},
        {"optimizer", "NAME", "Whose rate and momentum (or beta1) are meant; default sgd.", .word = &s.optimizer},
        {"momentum", "X", "Base momentum, or beta1 of Adam; default: that of the optimizer.", .word = &s.momentum_text},
        {.name = "steps", .number = &s.steps, .hyper = &steps_row},
        {.name = "epochs", .number = &s.epochs, .hyper = &epochs_row},
        {.name = "batch", .number = &s.batch, .hyper = &batch_row},
        {.name = "rows", .number = &s.rows, .hyper = &rows_row},
    };
    const option_row output_rows[] = {
        {"out", "DIR", "Write schedule.png here, with its gnuplot script and data.", .word = &s.out},
        {"terminal", NULL, "Draw the curve in characters.", .set = &s.terminal},
        {"log", NULL, "A logarithmic axis for the rate.", .set = &s.log},
        {"csv", "FILE", "Write schedule,step,rate a line an update; -: to standard output, instead of the text.",
         .word = &s.csv},
        {"json", "FILE", "Write every number in full precision; -: to standard output, instead of the text.",
         .word = &s.json},
        {"list", NULL, "List the schedules with their formulas and parameters.", .set = &s.list},
    };
    const option_group groups[] = {{"the run", run_rows, 7}, {"output", output_rows, 6}};
    const option_set set = {
        .command = who,
        .operands = "SPEC...",
        .most = SPECS_MOST,
        .text = "Draws the learning rate of schedules before a step is taken, and the momentum where one moves it.",
        .example =
            "reel schedule warmup:20,cosine:1e-4 step:60:0.5 --lr 0.05 --epochs 50 --batch 50 --rows 200 --out out",
        .groups = groups,
        .group_count = 2,
        .more = more};
    s.set = &set;
    reel_context *context = reel_context_new(NULL);
    int first = options_parse(&set, context, argc, argv), status = EXIT_USAGE;
    if (first < 0)
        status = -1 - first;
    else if (s.list && first < argc)
        option_fail(&set, "--list lists all of them, found %s as well", argv[first]);
    else if (s.list)
        status = list(&s);
    else if (first == argc)
        option_fail(&set, "SPEC is missing; --list lists the schedules");
    else if (s.csv && s.json && strcmp(s.csv, "-") == 0 && strcmp(s.json, "-") == 0)
        option_fail(&set, "--csv - and --json - both want standard output");
    else if (read_optimizer(&s, context) && read_length(&s))
        status = run(&s, context, argc - first, argv + first);
    reel_context_free(context);
    return finish_output(who, status);
}
