/* SPDX-License-Identifier: MIT
 *
 * What is made of a training on a table: text, numbers, pictures.
 */
#include "table/csv_run.h"

#include "chart.h"
#include "optimizer_flags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const metrics *csv_judged(const csv_results *r, const char **title)
{
    *title = r->test.preparation ? "test" : r->validation.preparation ? "validation" : "training";
    return r->test.preparation ? &r->test : r->validation.preparation ? &r->validation : &r->train;
}

/* ---- text ---- */

static void print_notes(const csv_run *r, FILE *file)
{
    const reel_preparation *p = r->preparation;
    reel_prepared_column c;
    if (r->split->left_out > 0) fprintf(file, "left out for want of a target: %lld\n", (long long)r->split->left_out);
    for (int i = 0; reel_preparation_column(p, i, &c); i++) {
        if (c.missing > 0 && c.role == REEL_ROLE_NUMERIC)
            fprintf(file, "\"%s\": %lld missing in training, filled with %g\n", c.name, (long long)c.missing, c.fill);
        else if (c.missing > 0)
            fprintf(file, "\"%s\": %lld missing in training, filled with %s\n", c.name, (long long)c.missing,
                    c.fill_category < 0 ? "nothing" : reel_preparation_category(p, i, c.fill_category));
        if (c.role == REEL_ROLE_NUMERIC ? c.deviation == 0 : c.inputs == 1)
            fprintf(file, "\"%s\" is constant in training: it tells nothing\n", c.name);
    }
    const char *name;
    for (int k = 0; r->validation && (name = reel_preparation_class(p, k)) != NULL; k++) {
        int64_t there = 0;
        for (int64_t i = 0; i < r->validation->y->size; i++) there += reel_array_get(r->validation->y, i) == k;
        if (there == 0) fprintf(file, "class \"%s\" has no row in validation\n", name);
    }
}

void csv_report(const csv_results *r, FILE *file)
{
    char text[64];
    const char *title;
    const csv_run *run = r->run;
    const metrics *judged = csv_judged(r, &title);
    print_notes(run, file);
    fprintf(file, "%s of \"%s\", %d inputs of %lld rows, %s\n", judged->classes ? "classification" : "regression",
            reel_preparation_target(run->preparation), reel_preparation_input_count(run->preparation),
            (long long)run->train->x->shape[0], csv_loss_text(run, text));
    fprintf(file, "%lld updates%s%s\n", (long long)r->steps, *r->ended ? ": " : "", r->ended);
    if (r->judged_epoch > 0)
        fprintf(file, "the net after epoch %lld, whose validation loss was the smallest, %.6f (--last: the last one)\n",
                (long long)r->judged_epoch, run->best_loss);
    metrics_print_short(&r->train, "training", file);
    if (r->validation.preparation) metrics_print_short(&r->validation, "validation", file);
    if (r->test.preparation) metrics_print_short(&r->test, "test", file);
    metrics_print(judged, title, file);
    if (*r->proof.text) fprintf(file, "%s\n", r->proof.text);
}

/* ---- numbers ---- */

static void add_optimizer(cJSON *document, const csv_run *r)
{
    char text[1024] = "";
    const reel_optimizer_type *kind = reel_optimizer_kind(r->optimizer);
    const reel_hyper *h;
    cJSON *o = cJSON_AddObjectToObject(document, "optimizer");
    json_add_text(o, "kind", kind->name);
    for (int i = 0; (h = reel_optimizer_hyper_at(kind, i)) != NULL; i++)
        json_add_number(o, h->name, reel_optimizer_get(r->optimizer, h->name), REEL_DOUBLE);
    reel_schedule *schedule = reel_optimizer_schedule(r->optimizer, 0);
    if (schedule) reel_schedule_describe(schedule, text, sizeof text);
    json_add_text(document, "schedule", schedule ? text : NULL);
    cJSON *settings = cJSON_AddObjectToObject(document, "trainer");
    for (int i = 0; (h = reel_trainer_setting(i)) != NULL; i++)
        json_add_number(settings, h->name, reel_trainer_get(r->trainer, h->name), REEL_DOUBLE);
}

static void add_columns(cJSON *document, const reel_preparation *p)
{
    reel_prepared_column c;
    cJSON *list = cJSON_AddArrayToObject(document, "columns");
    for (int i = 0; reel_preparation_column(p, i, &c); i++) {
        cJSON *one = cJSON_CreateObject();
        json_add_text(one, "name", c.name);
        json_add_text(one, "role", c.role == REEL_ROLE_NUMERIC ? "numeric" : "categorical");
        json_add_whole(one, "missing", c.missing);
        if (c.role == REEL_ROLE_NUMERIC) {
            json_add_number(one, "mean", c.mean, REEL_DOUBLE);
            json_add_number(one, "deviation", c.deviation, REEL_DOUBLE);
            json_add_number(one, "fill", c.fill, REEL_DOUBLE);
        } else {
            cJSON *names = cJSON_AddArrayToObject(one, "categories");
            for (int k = 0; k < c.inputs; k++)
                cJSON_AddItemToArray(names, cJSON_CreateString(reel_preparation_category(p, i, k)));
            json_add_text(one, "fill", c.fill_category < 0 ? NULL : reel_preparation_category(p, i, c.fill_category));
        }
        cJSON_AddItemToArray(list, one);
    }
}

/* Row numbers of a part, from 0. */
static void add_rows(cJSON *object, const char *name, const reel_array *rows)
{
    double *numbers = malloc(((size_t)rows->size + 1) * sizeof *numbers);
    for (int64_t i = 0; numbers && i < rows->size; i++) numbers[i] = reel_array_get(rows, i);
    if (numbers) json_add_numbers(object, name, numbers, rows->size, REEL_DOUBLE, NULL);
    free(numbers);
}

cJSON *csv_numbers(const csv_results *r)
{
    const csv_run *run = r->run;
    const csv_settings *s = run->settings;
    char text[64];
    cJSON *document = cJSON_CreateObject();
    json_add_text(document, "command", "train csv");
    json_add_text(document, "version", reel_version());
    json_add_fingerprint(document);
    json_add_text(document, "csv", s->table.csv);
    json_add_text(document, "target", reel_preparation_target(run->preparation));
    json_add_text(document, "task", run->loss == CSV_CROSS_ENTROPY ? "classification" : "regression");
    json_add_text(document, "hidden", s->hidden);
    json_add_text(document, "activation", s->activation);
    json_add_text(document, "loss_function", csv_loss_text(run, text));
    json_add_text(document, "precision", s->precision);
    json_add_number(document, "seed", s->seed, REEL_DOUBLE);
    add_optimizer(document, run);
    json_add_text(document, "ended", r->ended);
    json_add_whole(document, "steps", r->steps);
    json_add_whole(document, "judged_epoch", r->judged_epoch);
    if (run->best) json_add_number(document, "best_validation_loss", run->best_loss, REEL_DOUBLE);
    json_add_whole(document, "inputs", reel_preparation_input_count(run->preparation));
    add_columns(document, run->preparation);
    cJSON *split = cJSON_AddObjectToObject(document, "split");
    json_add_whole(split, "left_out", run->split->left_out);
    add_rows(split, "training", run->split->train);
    add_rows(split, "validation", run->split->validation);
    add_rows(split, "test", run->split->test);
    json_add_numbers(document, "epoch_loss", r->curve.loss, r->curve.count, REEL_DOUBLE, "null");
    json_add_numbers(document, "epoch_validation_loss", r->curve.validation, r->curve.count, REEL_DOUBLE, "null");
    metrics_json(&r->train, cJSON_AddObjectToObject(document, "training"));
    if (r->validation.preparation) metrics_json(&r->validation, cJSON_AddObjectToObject(document, "validation"));
    if (r->test.preparation) metrics_json(&r->test, cJSON_AddObjectToObject(document, "test"));
    if (*r->proof.text) json_add_text(document, "proof", r->proof.text);
    return document;
}

/* ---- pictures ---- */

static bool add_series(chart *c, const char *name, const double *values, int64_t count)
{
    bool any = false;
    for (int64_t i = 0; i < count; i++) any |= isfinite(values[i]);
    series *s = any ? chart_add(c, name) : NULL;
    for (int64_t i = 0; s && i < count; i++) {
        double value = isnan(values[i]) ? ABSENT : values[i];
        if (!series_add(c, s, (double)i + 1, &value)) return false;
    }
    return !any || s;
}

static plot_result draw_losses(const csv_results *r)
{
    char text[64], title[320];
    const csv_run *run = r->run;
    const char *slash = strrchr(run->settings->table.csv, '/');
    snprintf(title, sizeof title, "Training on %.200s: mean of each epoch",
             slash ? slash + 1 : run->settings->table.csv);
    chart c = {
        .title = title, .kind = "rows", .x = "epoch", .x_label = "epoch", .y = {csv_loss_text(run, text)}, .panels = 1};
    chart_extent e;
    bool right = add_series(&c, "training", r->curve.loss, r->curve.count) &&
                 add_series(&c, "validation", r->curve.validation, r->curve.count);
    c.log_y = right && chart_extent_of(&c, 0, &e) && e.bottom > 0 && e.top > 10 * e.bottom;
    plot_result drawn = right ? chart_draw(&c, run->settings->who, run->settings->out, "losses") : PLOT_FAILED;
    chart_free(&c);
    return drawn;
}

plot_result csv_draw(const csv_results *r)
{
    const char *title;
    const metrics *judged = csv_judged(r, &title);
    const csv_settings *s = r->run->settings;
    plot_result first = metrics_draw(judged, s->who, s->out, title), second = draw_losses(r);
    return first > second ? first : second;
}
