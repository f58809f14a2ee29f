/* SPDX-License-Identifier: MIT
 *
 * `reel lr-find`: the learning-rate range test on a built-in model, with the limit from the sharpness beside it.
 */
#include "model/models.h"
#include "optimizer_flags.h"
#include "output.h"
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the flags of its own ---- */

#define RATE .open_least = true, .most = INFINITY, .open_most = true
static const reel_hyper least_row = {.name = "least", .value = 1e-5, .text = "rate of the first step", RATE};
static const reel_hyper most_row = {.name = "most", .value = 100, .text = "rate of the last step", RATE};
static const reel_hyper steps_row = {.name = "steps",
                                     .value = 200,
                                     .text = "steps from one to the other",
                                     .least = 10,
                                     .most = 1e5,
                                     .kind = REEL_HYPER_WHOLE};
static const reel_hyper smoothing_row = {
    .name = "smoothing", .value = 0.8, .text = "share of the average that stays", .most = 1, .open_most = true};
static const reel_hyper stop_row = {.name = "stop",
                                    .value = 4,
                                    .text = "stop where the smoothed loss is this many times its best",
                                    .least = 1,
                                    .open_least = true,
                                    .most = INFINITY,
                                    .open_most = true};

static char who[64], example[128]; /* "reel lr-find two-moons" */

static struct {
    double least, most, steps, smoothing, stop;
    const char *out, *json;
} asked;

static const struct {
    double *to;
    const reel_hyper *row;
} defaults[] = {{&asked.least, &least_row},
                {&asked.most, &most_row},
                {&asked.steps, &steps_row},
                {&asked.smoothing, &smoothing_row},
                {&asked.stop, &stop_row}};

static const option_row test_rows[] = {
    {.name = "least", .number = &asked.least, .hyper = &least_row},
    {.name = "most", .number = &asked.most, .hyper = &most_row},
    {.name = "steps", .number = &asked.steps, .hyper = &steps_row},
    {.name = "smoothing", .number = &asked.smoothing, .hyper = &smoothing_row},
    {.name = "stop", .number = &asked.stop, .hyper = &stop_row},
};
static const option_row output_rows[] = {
    {"out", "DIR", "Write lr-find.png and lr-find.json here.", .word = &asked.out},
    {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &asked.json},
};

/* ---- text ---- */

static void print_curvature(FILE *file, const reel_curvature *c)
{
    fprintf(file, "sharpness at the start  %.9g  (residual %.1g, %d iterations, %lld of %lld kinks crossed)\n",
            c->largest.value, c->largest.residual, c->iterations, (long long)c->kinks,
            (long long)(c->kink_places * c->products));
    if (!isnan(c->limit)) fprintf(file, "stability limit         %.6g = %s\n", c->limit, c->formula);
    if (c->why[0]) fprintf(file, "                        %s\n", c->why);
}

static void print_rate(FILE *file, double rate, const char *none)
{
    if (isnan(rate))
        fprintf(file, "  %-12s", none);
    else
        fprintf(file, "  %-12.4g", rate);
}

static void print_test(FILE *file, const reel_lr_test *t)
{
    fprintf(file, "%-8s  %-12s  %-12s  %-12s  %-12s  %s\n", "seed", "steepest at", "best at", "blow-up at", "best loss",
            "steps");
    for (int k = 0; k < (t->same ? 1 : t->count); k++) {
        const reel_lr_curve *c = &t->curves[k];
        fprintf(file, "%-8llu", (unsigned long long)c->seed);
        print_rate(file, c->steepest, "nowhere");
        print_rate(file, c->best_rate, "");
        print_rate(file, c->blow_up, "none");
        fprintf(file, "  %-12.6g  %lld\n", c->best, (long long)c->count);
    }
    if (t->same) fprintf(file, "          the other seeds give the same: nothing is drawn at random\n");
    print_curvature(file, &t->curvature);
    if (!isnan(t->suggestion))
        fprintf(file, "suggestion              %.3g  (%.3g to %.3g)\n", t->suggestion, t->low, t->high);
    fprintf(file, "%s\n", t->why);
}

/* ---- numbers ---- */

static void add_eigenvalue(cJSON *object, const char *name, const reel_eigenvalue *e)
{
    cJSON *o = cJSON_AddObjectToObject(object, name);
    json_add_number(o, "value", e->value, REEL_DOUBLE);
    json_add_number(o, "residual", e->residual, REEL_DOUBLE);
}

static void add_curvature(cJSON *object, const reel_curvature *c)
{
    cJSON *o = cJSON_AddObjectToObject(object, "sharpness");
    json_add_whole(o, "rows", c->rows);
    json_add_whole(o, "parameters", c->parameters);
    json_add_text(o, "arithmetic", reel_dtype_name(c->dtype));
    json_add_number(o, "loss", c->loss, REEL_DOUBLE);
    json_add_number(o, "gradient_norm", c->gradient_norm, REEL_DOUBLE);
    add_eigenvalue(o, "largest", &c->largest);
    add_eigenvalue(o, "smallest", &c->smallest);
    add_eigenvalue(o, "scaled", &c->scaled);
    json_add_whole(o, "iterations", c->iterations);
    json_add_whole(o, "products", c->products);
    json_add_number(o, "difference", c->difference, REEL_DOUBLE);
    json_add_whole(o, "kinks", c->kinks);
    json_add_whole(o, "kink_places", c->kink_places);
    json_add_number(o, "limit", c->limit, REEL_DOUBLE);
    json_add_text(o, "formula", c->formula);
    json_add_text(o, "why", c->why);
}

static cJSON *numbers_of(const built_model *m, const reel_lr_test *t)
{
    cJSON *o = cJSON_CreateObject(), *curves;
    char how[200];
    optimizer_describe(m->optimizer, how, sizeof how);
    json_add_text(o, "command", who + strlen("reel "));
    json_add_text(o, "version", reel_version());
    json_add_fingerprint(o);
    json_add_text(o, "optimizer", m->choice);
    json_add_text(o, "hyper_parameters", how);
    json_add_number(o, "batch", reel_trainer_get(m->trainer, "batch"), REEL_DOUBLE);
    json_add_number(o, "smoothing", asked.smoothing, REEL_DOUBLE);
    json_add_number(o, "stop", asked.stop, REEL_DOUBLE);
    json_add_number(o, "suggestion", t->suggestion, REEL_DOUBLE);
    json_add_number(o, "low", t->low, REEL_DOUBLE);
    json_add_number(o, "high", t->high, REEL_DOUBLE);
    json_add_text(o, "why", t->why);
    add_curvature(o, &t->curvature);
    curves = cJSON_AddArrayToObject(o, "curves");
    for (int k = 0; k < t->count; k++) {
        const reel_lr_curve *c = &t->curves[k];
        cJSON *one = cJSON_CreateObject();
        json_add_whole(one, "seed", (int64_t)c->seed);
        json_add_number(one, "steepest", c->steepest, REEL_DOUBLE);
        json_add_number(one, "best", c->best, REEL_DOUBLE);
        json_add_number(one, "best_rate", c->best_rate, REEL_DOUBLE);
        json_add_number(one, "blow_up", c->blow_up, REEL_DOUBLE);
        json_add_numbers(one, "rate", c->rate, c->count, REEL_DOUBLE, NULL);
        json_add_numbers(one, "loss", c->loss, c->count, REEL_DOUBLE, NULL);
        json_add_numbers(one, "smoothed", c->smoothed, c->count, REEL_DOUBLE, NULL);
        cJSON_AddItemToArray(curves, one);
    }
    return o;
}

/* ---- the picture ---- */

static bool write_curves(plot *p, const reel_lr_test *t)
{
    FILE *data = plot_data(p, "lr-find.dat");
    if (!data) return false;
    fprintf(data, "# rate, loss, smoothed loss; the seeds one after the other\n");
    for (int k = 0; k < t->count; k++) {
        const reel_lr_curve *c = &t->curves[k];
        if (k) fprintf(data, "\n\n");
        for (int64_t i = 0; i < c->count; i++)
            if (isfinite(c->loss[i])) fprintf(data, "%.9g %.9g %.9g\n", c->rate[i], c->loss[i], c->smoothed[i]);
    }
    return plot_close(p, data, "lr-find.dat");
}

static void draw_line(FILE *script, double rate, int colour, int row, const char *text)
{
    if (!(rate >= asked.least && rate <= asked.most)) return;
    bool left = log(rate / asked.least) > 0.5 * log(asked.most / asked.least); /* where there is room for the text */
    fprintf(script,
            "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead linewidth 1.5 dashtype 2 linecolor rgb '%s'\n"
            "set label '%s %.3g' at %.9g, graph %g %s textcolor rgb '%s'\n",
            rate, rate, plot_colour[colour], text, rate, rate, 0.96 - 0.05 * row,
            left ? "right offset -0.6, 0" : "left offset 0.6, 0", plot_colour[colour]);
}

static plot_result draw(const built_model *m, const reel_lr_test *t)
{
    plot p;
    double least = INFINITY, most = -INFINITY;
    int shown = t->same ? 1 : t->count;
    if (!plot_begin(&p, who, asked.out, "lr-find", 1000, 640)) return PLOT_FAILED;
    if (!write_curves(&p, t)) return plot_give_up(&p);
    for (int k = 0; k < shown; k++) {
        least = fmin(least, t->curves[k].best);
        most = fmax(most, fmax(t->curves[k].smoothed[0], t->curves[k].best));
    }
    double room = fmax(most - least, 1e-9);
    fprintf(p.script,
            "set title '%s, %s: range test of the rate, smoothed loss (thin: of each batch)'\n"
            "set xlabel 'learning rate'\nset ylabel '%s'\nset logscale x\nset format x '%%g'\n"
            "set xrange [%g:%g]\nset yrange [%g:%g]\nset key bottom left opaque\n",
            m->title, m->choice, m->loss, asked.least, asked.most, least - 0.2 * room, most + 0.6 * room);
    draw_line(p.script, t->suggestion, 2, 0, "suggestion");
    draw_line(p.script, t->curvature.limit, 1, 1, "limit from the sharpness");
    fprintf(p.script, "plot \\\n");
    for (int k = 0; k < shown; k++)
        fprintf(p.script,
                "    'lr-find.dat' index %d using 1:2 with lines linewidth 0.5 linecolor rgb '%s' notitle, \\\n", k,
                plot_tint[(3 + k) % PLOT_COLOURS]);
    for (int k = 0; k < shown; k++)
        fprintf(p.script,
                "    'lr-find.dat' index %d using 1:3 with lines linewidth 2.5 linecolor rgb '%s' title '%s%llu'%s\n",
                k, plot_colour[(3 + k) % PLOT_COLOURS], t->same ? "every seed, as " : "seed ",
                (unsigned long long)t->curves[k].seed, k + 1 < shown ? ", \\" : "");
    return plot_draw(&p);
}

/* ---- the command ---- */

static int write_results(const built_model *m, const reel_lr_test *t, FILE *report)
{
    if (!asked.json && !asked.out) return EXIT_DONE;
    cJSON *numbers = numbers_of(m, t);
    bool right = json_write_results(who, asked.out, "lr-find.json", asked.json, numbers);
    cJSON_Delete(numbers);
    if (!right) return EXIT_FAILED;
    if (!asked.out) return EXIT_DONE;
    return plot_tell(report, draw(m, t), asked.out, (const char *const[]){"lr-find"}, 1, false, "lr-find.json");
}

static int find(const built_model *m)
{
    FILE *report = asked.json && strcmp(asked.json, "-") == 0 ? stderr : stdout;
    if (asked.out && !make_folder(who, asked.out)) return EXIT_FAILED;
    if (asked.json && !json_probe(who, asked.json)) return EXIT_FAILED;
    const reel_lr_options options = {.least = asked.least,
                                     .most = asked.most,
                                     .steps = (int)asked.steps,
                                     .smoothing = asked.smoothing > 0 ? asked.smoothing : -1,
                                     .stop = asked.stop,
                                     .seed = (uint64_t)reel_trainer_get(m->trainer, "seed")};
    reel_lr_test *t = reel_lr_find(NULL, m->trainer, &options);
    if (!t) return complain_of(who, m->context);
    print_test(report, t);
    return write_results(m, t, report);
}

static int lr_find_model(int argc, char **argv)
{
    built_model m = {.context = NULL};
    snprintf(who, sizeof who, "reel lr-find %s", argv[0]);
    snprintf(example, sizeof example, "%s --optimizer adam --batch 20 --out out", who);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) *defaults[i].to = defaults[i].row->value;
    option_set set = {.command = who,
                      .text =
                          "Trains with a rate that grows from step to step, from three seeds, and says where the loss "
                          "falls fastest and where it blows up; measures the sharpness at the start, and the largest "
                          "stable rate that follows from it.",
                      .example = example};
    const option_group own[] = {{"test", test_rows, sizeof test_rows / sizeof *test_rows},
                                {"output", output_rows, sizeof output_rows / sizeof *output_rows}};
    int status = model_find(argv[0])->build(&(build_request){&set, own, argc, argv}, &m);
    if (status < 0 && !(asked.least < asked.most)) status = option_fail(&set, "--least must be below --most");
    if (status < 0) status = find(&m);
    model_free(&m);
    return finish_output(who, status);
}

int command_lr_find(int argc, char **argv)
{
    enum { MODELS_MOST = 32 };
    command models[MODELS_MOST + 1] = {{NULL, NULL, NULL}};
    for (int i = 0; i < MODELS_MOST && model_rows[i].name; i++)
        models[i] = (command){model_rows[i].name, model_rows[i].text, lr_find_model};
    return command_of_model(models, "reel lr-find", "Finds a learning rate for a built-in model.",
                            "reel lr-find two-moons --optimizer adam --out out", argc, argv);
}
