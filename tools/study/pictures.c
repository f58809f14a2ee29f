/* SPDX-License-Identifier: MIT
 *
 * Pictures of the report.
 */
#include "pictures.h"

#include "../chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- curves ---- */

static bool add_course(chart *c, const char *name, const cJSON *document)
{
    study_history h = {NULL, 0, 0};
    if (!document) return true;
    bool right = history_read(&h, document);
    series *s = right ? chart_add(c, name) : NULL;
    for (int64_t i = 0; s && i < h.count; i++) {
        const study_point *p = &h.points[i];
        double values[] = {p->loss, (double)p->uncovered, isnan(p->scale) ? ABSENT : p->scale};
        if (!series_add(c, s, (double)p->iteration, values)) right = false;
    }
    history_free(&h);
    return right && s;
}

plot_result study_draw_course(const study_plan *plan, const study_documents *d)
{
    chart c = {.title = "Loss, coverage and scale",
               .kind = "run",
               .x = "iteration",
               .x_label = "iteration",
               .y = {"loss", "pixels without a Gaussian", "mean scale"},
               .panels = 3};
    bool right = add_course(&c, "published arithmetic", d->published) &&
                 add_course(&c, "Reel, constant rate", d->constant) &&
                 add_course(&c, "Reel, smooth blending", d->smooth);
    plot_result result = right ? chart_draw(&c, plan->who, plan->out, "course") : PLOT_FAILED;
    chart_free(&c);
    return result;
}

plot_result study_draw_parts(const study_plan *plan, const study_documents *d)
{
    chart c = {.title = "Mean square error of the constant-rate run, by pixels",
               .kind = "pixels",
               .x = "iteration",
               .x_label = "iteration",
               .y = {"part of L2"},
               .panels = 1};
    static const char *const names[] = {"pixels that a Gaussian reaches", "pixels that none reaches"};
    bool right = true;
    for (int k = 0; k < 2 && right; k++) {
        series *s = chart_add(&c, names[k]);
        const cJSON *row;
        right = s != NULL;
        cJSON_ArrayForEach(row, cJSON_GetObjectItem(d->constant, "parts"))
        {
            const cJSON *x = cJSON_GetArrayItem(row, 0), *y = cJSON_GetArrayItem(row, 1 + k);
            if (right && x && y) right = series_add(&c, s, x->valuedouble, &y->valuedouble);
        }
    }
    plot_result result = right ? chart_draw(&c, plan->who, plan->out, "parts") : PLOT_FAILED;
    chart_free(&c);
    return result;
}

/* ---- renderings ---- */

static const cJSON *rendering_at(const cJSON *document, int index)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(document, "renderings"), index);
}

/* x y red green blue of the picture, then the same pixels with the uncovered ones in the mark's colour. */
static void write_pixels(FILE *data, const cJSON *rendering)
{
    int64_t width = (int64_t)study_number(rendering, "width"),
            pixels = width * (int64_t)study_number(rendering, "height");
    const cJSON *red = cJSON_GetObjectItem(rendering, "rgb")->child, *green = red, *blue = red,
                *mask = cJSON_GetObjectItem(rendering, "uncovered")->child;
    for (int64_t i = 0; i < pixels && green; i++) green = green->next;
    for (int64_t i = 0; i < 2 * pixels && blue; i++) blue = blue->next;
    for (int64_t p = 0; p < pixels && red && green && blue && mask; p++) {
        bool lost = mask->valuedouble != 0;
        fprintf(data, "%lld %lld %.0f %.0f %.0f\n", (long long)(p % width), (long long)(p / width),
                lost ? 213 : red->valuedouble, lost ? 94 : green->valuedouble, lost ? 0 : blue->valuedouble);
        red = red->next, green = green->next, blue = blue->next, mask = mask->next;
    }
}

static int lost_in(const cJSON *rendering)
{
    int lost = 0;
    const cJSON *mask = cJSON_GetObjectItem(rendering, "uncovered"), *one;
    cJSON_ArrayForEach(one, mask) lost += one->valuedouble != 0;
    return lost;
}

plot_result study_draw_renderings(const study_plan *plan, const study_documents *d)
{
    const struct {
        const char *name;
        const cJSON *document;
    } rows[] = {{"as published", d->constant}, {"smooth blending", d->smooth}};
    plot p;
    int columns = cJSON_GetArraySize(cJSON_GetObjectItem(d->constant, "renderings"));
    if (columns == 0 || !plot_begin(&p, plan->who, plan->out, "renderings", 1250, 620)) return PLOT_FAILED;
    FILE *data = plot_data(&p, "renderings.dat");
    if (!data) return plot_give_up(&p);
    fprintf(p.script,
            "set multiplot layout 2,%d title 'Renderings by iteration; pixels that no Gaussian reaches are orange' "
            "margins 0.01,0.99,0.02,0.84 spacing 0.01,0.14\n"
            "unset key\nunset tics\nunset grid\nset size ratio -1\nset yrange [:] reverse\n",
            columns);
    int index = 0;
    for (int r = 0; r < 2; r++)
        for (int k = 0; k < columns; k++) {
            const cJSON *rendering = rendering_at(rows[r].document, k);
            if (!rendering) continue;
            if (index > 0) fprintf(data, "\n\n");
            fprintf(data, "# %s, iteration %s\n", rows[r].name, rendering->string);
            write_pixels(data, rendering);
            fprintf(p.script, "set title \"%s\\n%s: %d not reached\" offset 0,-0.5\n", rows[r].name, rendering->string,
                    lost_in(rendering));
            fprintf(p.script, "plot 'renderings.dat' index %d using 1:2:3:4:5 with rgbimage\n", index++);
        }
    fprintf(p.script, "unset multiplot\n");
    if (!plot_close(&p, data, "renderings.dat")) return PLOT_FAILED;
    return plot_draw(&p);
}

/* ---- arms ---- */

plot_result study_draw_arms(const study_plan *plan, const study_documents *d)
{
    plot p;
    int count = 0;
    for (int i = 0; i < plan->arms.count; i++) count += d->arms[i] != NULL;
    if (!plot_begin(&p, plan->who, plan->out, "arms", 1000, 140 + 26 * count)) return PLOT_FAILED;
    FILE *data = plot_data(&p, "arms.dat");
    if (!data) return plot_give_up(&p);
    fprintf(data, "# row, final loss: median least most, best loss: median least most, arm\n");
    fprintf(p.script, "set title 'Losses of the arms: median and range over the ensemble'\nset ytics (");
    int row = 0;
    for (int i = 0; i < plan->arms.count; i++) {
        if (!d->arms[i]) continue;
        arm_facts a = study_arm_facts(d->arms[i]);
        fprintf(data, "%d %.9g %.9g %.9g %.9g %.9g %.9g \"%s\"\n", row, a.final.median, a.final.least, a.final.most,
                a.best.median, a.best.least, a.best.most, plan->arms.rows[i].name);
        fprintf(p.script, "%s'%s' %d", row ? ", " : "", plan->arms.rows[i].name, row);
        row++;
    }
    fprintf(
        p.script,
        ")\nset lmargin 26\nset yrange [%d:-1]\nset xrange [0.01:1]\nset logscale x\n"
        "set xtics (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)\nset xlabel 'loss'\nset key outside below horizontal\n"
        "plot 'arms.dat' using 2:1:3:4 with xerrorbars pointtype 7 linewidth 2 linecolor rgb '%s' title 'last', \\\n"
        "    'arms.dat' using 5:($1-0.25):6:7 with xerrorbars pointtype 5 pointsize 0.7 linewidth 2 linecolor rgb '%s' "
        "title 'best'\n",
        row, plot_colour[1], plot_colour[0]);
    if (!plot_close(&p, data, "arms.dat")) return PLOT_FAILED;
    return plot_draw(&p);
}
