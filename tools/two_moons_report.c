/* SPDX-License-Identifier: MIT
 *
 * What is made of trainings on two moons: numbers and pictures.
 */
#include "two_moons.h"

#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

static void add_hypers(cJSON *object, const moons_run *r)
{
    const reel_optimizer_type *kind = r->choice.kind;
    cJSON *o = cJSON_AddObjectToObject(object, "optimizer");
    json_add_text(o, "name", r->choice.name);
    json_add_text(o, "kind", kind->name);
    int shared;
    const reel_hyper *table = reel_optimizer_shared_hypers(&shared);
    for (int i = 0; i < kind->hyper_count + shared; i++) {
        const reel_hyper *h = i < kind->hyper_count ? &kind->hypers[i] : &table[i - kind->hyper_count];
        double value = reel_optimizer_get(r->optimizer, h->name);
        char text[REEL_HYPER_TEXT];
        if (h->kind == REEL_HYPER_CHOICE)
            json_add_text(o, h->name, reel_hyper_print(h, value, text));
        else
            json_add_number(o, h->name, value, REEL_DOUBLE);
    }
}

static void add_schedule(cJSON *object, const moons_run *r)
{
    char text[1024];
    reel_schedule *schedule = reel_optimizer_schedule(r->optimizer, 0);
    if (schedule) reel_schedule_describe(schedule, text, sizeof text);
    json_add_text(object, "schedule", schedule ? text : NULL);
}

/* [{"name": "net.0.weight", "shape": [8, 2]}, ...], in the order of "parameters" */
static void add_layout(cJSON *object, const moons_run *r)
{
    cJSON *layout = cJSON_AddArrayToObject(object, "layout");
    for (int i = 0; i < reel_params_count(r->params); i++) {
        cJSON *one = cJSON_CreateObject();
        reel_array value = reel_params_value(r->params, i);
        double shape[REEL_MAX_RANK];
        for (int d = 0; d < value.rank; d++) shape[d] = (double)value.shape[d];
        json_add_text(one, "name", reel_params_name(r->params, i));
        json_add_numbers(one, "shape", shape, value.rank, REEL_DOUBLE, NULL);
        cJSON_AddItemToArray(layout, one);
    }
}

static void add_trainer(cJSON *object, const moons_run *r)
{
    cJSON *settings = cJSON_AddObjectToObject(object, "trainer");
    const trainer_flags *f = &r->settings->trainer;
    for (int i = 0; i < f->count; i++)
        json_add_number(settings, f->settings[i]->name, reel_trainer_get(r->trainer, f->settings[i]->name),
                        REEL_DOUBLE);
    const char *reason;
    reel_trainer_stop_reason(r->trainer, &reason);
    json_add_text(object, "ended", reason);
}

/* What a resume has changed, and the proof. A run that was stopped and went on as it was has the numbers of one that was
 * not stopped, and nothing else. */
static void add_resume(cJSON *object, const moons_run *r)
{
    static const char *const kinds[] = {"asked", "kept", "setting", "machine", "same"};
    const reel_resume_report *report = reel_trainer_report(r->trainer);
    bool changed = false;
    for (int i = 0; report && i < report->count; i++) {
        reel_change_kind kind = report->changes[i].kind;
        changed |= kind != REEL_CHANGE_SAME && kind != REEL_CHANGE_KEPT;
    }
    cJSON *resume = changed ? cJSON_AddObjectToObject(object, "resume") : NULL;
    if (resume) {
        json_add_text(resume, "checkpoint", report->path);
        json_add_whole(resume, "step", report->step);
        cJSON *changes = cJSON_AddArrayToObject(resume, "changes");
        for (int i = 0; changes && i < report->count; i++) {
            const reel_change *c = &report->changes[i];
            cJSON *one = cJSON_CreateObject();
            json_add_text(one, "name", c->name);
            json_add_text(one, "kind", kinds[c->kind]);
            json_add_text(one, "before", c->before);
            json_add_text(one, "now", c->now);
            json_add_text(one, "text", c->text);
            cJSON_AddItemToArray(changes, one);
        }
    }
    if (*r->proof.text) json_add_text(object, "proof", r->proof.text);
}

/* Kind, hyper-parameters, and what the averaged parameters come to. */
static void add_average(cJSON *object, const moons_run *r)
{
    const reel_average *average = reel_trainer_average(r->trainer);
    if (!average) return;
    const reel_average_type *kind = reel_average_kind(average);
    int shared;
    const reel_hyper *common = reel_average_shared_hypers(&shared);
    cJSON *o = cJSON_AddObjectToObject(object, "average");
    json_add_text(o, "kind", kind->name);
    for (int i = 0; i < kind->hyper_count; i++)
        json_add_number(o, kind->hypers[i].name, reel_average_get(average, kind->hypers[i].name), REEL_DOUBLE);
    for (int i = 0; i < shared; i++)
        json_add_number(o, common[i].name, reel_average_get(average, common[i].name), REEL_DOUBLE);
    json_add_whole(o, "count", reel_average_count(average));
    json_add_number(o, "loss", r->average_loss, r->settings->precision);
    json_add_number(o, "accuracy", r->average_accuracy, REEL_DOUBLE);
}

static void add_run(cJSON *object, const moons_run *r)
{
    const moons_settings *s = r->settings;
    reel_array flat = reel_params_flat(r->params);
    double *values = malloc(((size_t)flat.size + 1) * sizeof *values);
    add_hypers(object, r);
    add_schedule(object, r);
    add_trainer(object, r);
    add_resume(object, r);
    json_add_whole(object, "steps", r->steps);
    json_add_numbers(object, "loss", r->losses, r->loss_count, s->precision, "null");
    json_add_number(object, "final_loss", r->loss, s->precision);
    json_add_number(object, "best_loss", r->best, s->precision);
    json_add_whole(object, "best_step", r->best_step);
    json_add_number(object, "accuracy", r->accuracy, REEL_DOUBLE);
    if (r->validation) json_add_number(object, "validation_loss", r->validation_loss, s->precision);
    add_average(object, r);
    for (int64_t i = 0; values && i < flat.size; i++) values[i] = reel_array_get(&flat, i);
    if (values) json_add_numbers(object, "parameters", values, flat.size, s->precision, NULL);
    add_layout(object, r);
    free(values);
}

cJSON *moons_numbers(const moons_settings *s, const moons_run *runs, int count)
{
    cJSON *document = cJSON_CreateObject();
    double hidden[LAYERS_MOST];
    for (int i = 0; i < s->hidden_count; i++) hidden[i] = s->hidden[i];
    json_add_text(document, "command", "train two-moons");
    json_add_text(document, "version", reel_version());
    json_add_fingerprint(document);
    json_add_number(document, "samples", s->samples, REEL_DOUBLE);
    json_add_number(document, "noise", s->noise, REEL_DOUBLE);
    json_add_number(document, "validation", s->validation, REEL_DOUBLE);
    json_add_number(document, "data_seed", s->data_seed, REEL_DOUBLE);
    json_add_numbers(document, "hidden", hidden, s->hidden_count, REEL_DOUBLE, NULL);
    json_add_text(document, "precision", s->precision == REEL_FLOAT ? "float" : "double");
    json_add_number(document, "seed", s->seed, REEL_DOUBLE);
    json_add_number(document, "epochs", s->epochs, REEL_DOUBLE);
    json_add_number(document, "batch", s->batch, REEL_DOUBLE);
    if (!s->compare) {
        add_run(document, &runs[0]);
        return document;
    }
    cJSON *all = cJSON_AddObjectToObject(document, "runs");
    for (int i = 0; i < count; i++) add_run(cJSON_AddObjectToObject(all, runs[i].choice.name), &runs[i]);
    return document;
}

/* ---- the loss curves ---- */

/* What the axes have to hold. */
typedef struct extent {
    double least, most;
    int64_t longest; /* updates */
} extent;

static extent extent_of(const moons_run *runs, int count)
{
    extent e = {INFINITY, 0, 1};
    for (int k = 0; k < count; k++) {
        if (runs[k].loss_count - 1 > e.longest) e.longest = runs[k].loss_count - 1;
        for (int64_t i = 0; i < runs[k].loss_count; i++) {
            double loss = runs[k].losses[i];
            if (loss > 0 && loss < e.least) e.least = loss;
            if (loss > e.most) e.most = loss;
        }
    }
    return e;
}

/* Updates an epoch. */
static int64_t epoch_steps(const moons_settings *s)
{
    return s->batch > 0 && s->batch < s->samples ? (int64_t)ceil(s->samples / s->batch) : 1;
}

/* Means over groups of `span` entries, those of `first`, `first + span`, ... to the file, a column a run. */
static void write_means(FILE *data, const moons_run *runs, int count, int64_t longest, int64_t span)
{
    for (int64_t first = 0; first <= longest; first += span) {
        fprintf(data, "%g", (double)first + 0.5 * (double)(span - 1));
        for (int k = 0; k < count; k++) {
            char text[NUMBER_SIZE];
            double sum = 0;
            int64_t n = 0;
            for (int64_t e = first; e < first + span && e < runs[k].loss_count; e++, n++) sum += runs[k].losses[e];
            fprintf(data, " %s", number_text(n ? sum / (double)n : NAN, runs[k].settings->precision, text));
        }
        fprintf(data, "\n");
    }
}

/* Every loss; then, when an epoch has several updates, the mean of each epoch. */
static bool write_losses(plot *p, const moons_settings *s, const moons_run *runs, int count, int64_t longest)
{
    FILE *data = plot_data(p, "losses.dat");
    if (!data) return false;
    fprintf(data, "# updates made, loss of each run\n");
    write_means(data, runs, count, longest, 1);
    if (epoch_steps(s) > 1) {
        fprintf(data, "\n\n# middle of an epoch, mean loss of each run\n");
        write_means(data, runs, count, longest - 1, epoch_steps(s));
    }
    return plot_close(p, data, "losses.dat");
}

static plot_result draw_losses(const moons_settings *s, const moons_run *runs, int count)
{
    plot p;
    extent e = extent_of(runs, count);
    bool means = epoch_steps(s) > 1;
    if (!plot_begin(&p, s->who, s->out, "losses", 1000, 640)) return PLOT_FAILED;
    if (!write_losses(&p, s, runs, count, e.longest)) return plot_give_up(&p);
    fprintf(p.script, "set title 'Two moons%s%s: loss of %s'\nset xlabel 'updates made'\n", count == 1 ? ", " : "",
            count == 1 ? runs[0].title : "", means ? "each batch (thin) and mean of each epoch" : "all points");
    fprintf(p.script, "set ylabel 'binary cross-entropy'\nset format y '%%g'\nset xrange [0:%lld]\n",
            (long long)e.longest);
    /* A loss that hardly changes is no case for logarithms. */
    if (e.most > 1.5 * e.least) {
        fprintf(p.script, "set logscale y\nset yrange [%g:%g]\n", e.least / 1.3, e.most * 1.3);
        plot_log_labels(p.script, "y", e.least, e.most);
    } else {
        fprintf(p.script, "set yrange [0:%g]\n", e.most > 0 ? e.most * 1.1 : 1);
    }
    fprintf(p.script, "%s\nplot \\\n", count == 1 ? "unset key" : "set key top right opaque");
    for (int k = 0; means && k < count; k++)
        fprintf(p.script,
                "    'losses.dat' index 0 using 1:%d with lines linewidth 0.5 linecolor rgb '%s' notitle, \\\n", k + 2,
                plot_tint[k % PLOT_COLOURS]);
    for (int k = 0; k < count; k++)
        fprintf(p.script,
                "    'losses.dat' index %d using 1:%d with lines linewidth 2.5 linecolor rgb '%s' title '%s'%s\n",
                means, k + 2, plot_colour[k % PLOT_COLOURS], runs[k].title, k + 1 < count ? ", \\" : "");
    return plot_draw(&p);
}

/* ---- the decision boundary ---- */

enum { GRID_X = 161, GRID_Y = 121 };

typedef struct frame {
    double left, right, bottom, top;
} frame;

/* All points, with a margin. */
static frame frame_of(const reel_array *x)
{
    frame f = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (int64_t i = 0; i < x->size; i += 2) {
        f.left = fmin(f.left, reel_array_get(x, i));
        f.right = fmax(f.right, reel_array_get(x, i));
        f.bottom = fmin(f.bottom, reel_array_get(x, i + 1));
        f.top = fmax(f.top, reel_array_get(x, i + 1));
    }
    double margin = 0.1 * fmax(f.right - f.left, f.top - f.bottom) + 1e-6;
    return (frame){f.left - margin, f.right + margin, f.bottom - margin, f.top + margin};
}

static bool write_points(plot *p, const reel_dataset *data)
{
    FILE *file = plot_data(p, "points.dat");
    if (!file) return false;
    fprintf(file, "# x, y; the classes one after the other\n");
    for (int class = 0; class < 2; class ++) {
        if (class) fprintf(file, "\n\n");
        for (int64_t i = 0; i < data->y->size; i++)
            if ((reel_array_get(data->y, i) > 0.5) == class)
                fprintf(file, "%.9g %.9g\n", reel_array_get(data->x, 2 * i), reel_array_get(data->x, 2 * i + 1));
    }
    return plot_close(p, file, "points.dat");
}

/* Logits of every run on the grid. */
static double *grid_logits(moons_run *runs, int count, const frame *f)
{
    size_t cells = (size_t)GRID_X * GRID_Y;
    double *points = malloc(2 * cells * sizeof *points), *logits = malloc((size_t)count * cells * sizeof *logits);
    bool right = points && logits;
    for (int j = 0; right && j < GRID_Y; j++)
        for (int i = 0; i < GRID_X; i++) {
            points[2 * (j * GRID_X + i)] = f->left + (f->right - f->left) * i / (GRID_X - 1);
            points[2 * (j * GRID_X + i) + 1] = f->bottom + (f->top - f->bottom) * j / (GRID_Y - 1);
        }
    for (int k = 0; right && k < count; k++)
        right = moons_logits(&runs[k], points, (int64_t)cells, logits + (size_t)k * cells);
    free(points);
    if (right) return logits;
    free(logits);
    return NULL;
}

static bool write_grid(plot *p, moons_run *runs, int count, const frame *f)
{
    size_t cells = (size_t)GRID_X * GRID_Y;
    double *logits = grid_logits(runs, count, f);
    FILE *file = logits ? plot_data(p, "boundary.dat") : NULL;
    if (file) fprintf(file, "# x, y, probability of class 1 by each run\n");
    for (size_t c = 0; file && c < cells; c++) {
        size_t i = c % GRID_X, j = c / GRID_X;
        if (i == 0 && j > 0) fprintf(file, "\n");
        fprintf(file, "%.6g %.6g", f->left + (f->right - f->left) * (double)i / (GRID_X - 1),
                f->bottom + (f->top - f->bottom) * (double)j / (GRID_Y - 1));
        for (int k = 0; k < count; k++) fprintf(file, " %.6g", 1 / (1 + exp(-logits[(size_t)k * cells + c])));
        fprintf(file, "\n");
    }
    free(logits);
    return plot_close(p, file, "boundary.dat");
}

/* One panel: probability as colour, the line where it is 1/2, the points. */
static void draw_panel(FILE *script, const moons_run *r, int column)
{
    fprintf(script,
            "unset colorbox\n"
            "set title \"%s\\nloss %.4f, accuracy %.1f %%\"\n"
            "set table $boundary\nset contour base\nset cntrparam levels discrete 0.5\nunset surface\n"
            "splot 'boundary.dat' using 1:2:%d\n"
            "unset table\nunset contour\nset surface\n",
            r->title, r->loss, 100 * r->accuracy, column);
    fprintf(
        script,
        "plot 'boundary.dat' using 1:2:%d with image notitle, \\\n"
        "    $boundary using 1:2 with lines linewidth 2 linecolor rgb '#000000' title 'boundary', \\\n"
        "    'points.dat' index 0 using 1:2 with points pointtype 7 pointsize 1.1 linecolor rgb '#ffffff' notitle, \\\n"
        "    'points.dat' index 0 using 1:2 with points pointtype 7 pointsize 0.8 linecolor rgb '%s' title 'class 0', "
        "\\\n"
        "    'points.dat' index 1 using 1:2 with points pointtype 9 pointsize 1.3 linecolor rgb '#ffffff' notitle, \\\n"
        "    'points.dat' index 1 using 1:2 with points pointtype 9 pointsize 0.9 linecolor rgb '%s' title 'class 1'\n",
        column, plot_colour[0], plot_colour[1]);
}

static plot_result draw_boundary(const moons_settings *s, moons_run *runs, int count)
{
    plot p;
    frame f = frame_of(runs[0].data->x);
    if (!plot_begin(&p, s->who, s->out, "boundary", count > 1 ? 560 * count : 800, count > 1 ? 500 : 680))
        return PLOT_FAILED;
    if (!write_points(&p, runs[0].data) || !write_grid(&p, runs, count, &f)) return plot_give_up(&p);
    fprintf(p.script,
            "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\nset size ratio -1\nset cbrange [0:1]\n"
            "set palette defined (0 '#6db0d9', 0.5 '#ffffff', 1 '#eda57a')\n"
            "set key below horizontal\nset multiplot layout 1,%d\n",
            f.left, f.right, f.bottom, f.top, count);
    for (int k = 0; k < count; k++) draw_panel(p.script, &runs[k], k + 3);
    fprintf(p.script, "unset multiplot\n");
    return plot_draw(&p);
}

plot_result moons_draw(const moons_settings *s, moons_run *runs, int count)
{
    plot_result first = draw_losses(s, runs, count), second = draw_boundary(s, runs, count);
    for (int k = 0; k < count; k++)
        if (reel_failed(runs[k].context)) complain_of(s->who, runs[k].context);
    return first > second ? first : second;
}
