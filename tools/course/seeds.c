/* SPDX-License-Identifier: MIT
 *
 * Ranges over seeds.
 */
#include "seeds.h"

#include <math.h>

fit_recipe seeds_recipe(const course *c, double rate, int64_t rows, int s)
{
    int64_t per_epoch = (rows + c->batch - 1) / c->batch;
    return (fit_recipe){.optimizer = c->optimizer,
                        .lr = rate,
                        .momentum = c->momentum,
                        .epochs = (c->steps + per_epoch - 1) / per_epoch,
                        .batch = c->batch,
                        .seed = c->seed + (uint64_t)s};
}

spread spread_of(const double *values)
{
    spread s = {0, INFINITY, -INFINITY};
    for (int k = 0; k < SEEDS; k++) {
        s.mean += values[k] / SEEDS;
        s.least = fmin(s.least, values[k]);
        s.most = fmax(s.most, values[k]);
    }
    return s;
}

int seeds_compare(const double *a, const double *b)
{
    int smaller = 0, larger = 0;
    for (int k = 0; k < SEEDS; k++) {
        smaller += a[k] < b[k];
        larger += a[k] > b[k];
    }
    return smaller == SEEDS ? 1 : larger == SEEDS ? -1 : 0;
}

const char *seeds_word(const double *a, const double *b)
{
    int found = seeds_compare(a, b);
    return found > 0 ? "smaller" : found < 0 ? "larger" : "no difference found";
}

char *seeds_text(const double *values, int digits, char text[SEEDS_TEXT])
{
    spread s = spread_of(values);
    snprintf(text, SEEDS_TEXT, "%.*g (%.*g to %.*g)", digits, s.mean, digits, s.least, digits, s.most);
    return text;
}

void seeds_json(cJSON *object, const char *name, const double *values)
{
    json_add_numbers(object, name, values, SEEDS, REEL_DOUBLE, NULL);
}

/* A step of 1, 2 or 5 times a power of ten that cuts a length into five parts at most. */
static double nice_step(double length)
{
    double power = pow(10, floor(log10(length / 5)));
    for (int k = 0; k < 3; k++)
        if (length / (power * (const double[]){1, 2, 5}[k]) <= 5) return power * (const double[]){1, 2, 5}[k];
    return 10 * power;
}

/* The axis of a panel: a little wider than its numbers, with few labels. */
static void write_axis(FILE *script, int methods, const seeds_panel *panel)
{
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < methods * SEEDS; i++) {
        if (!isfinite(panel->values[i]) || (panel->log && panel->values[i] <= 0)) continue;
        least = fmin(least, panel->values[i]);
        most = fmax(most, panel->values[i]);
    }
    if (!(least <= most)) least = 1, most = 2;
    if (panel->log) {
        /* Of each decade these labels, fewer where there are many decades. */
        double air = fmax(1.15, pow(most / least, 0.05)), left = least / air, right = most * air;
        fprintf(script, "set logscale x\nset format x '%%g'\nset xrange [%.9g:%.9g]\n", left, right);
        const char *digits = right / left < 12 ? "1235" : right / left < 200 ? "125" : "1";
        int decades = (int)ceil(log10(right / left) / 6), begun = 0;
        fprintf(script, "set xtics (");
        for (int d = (int)floor(log10(left)); d <= (int)ceil(log10(right)); d++)
            for (const char *digit = digits; *digit; digit++)
                if (d % (decades > 1 && digits[1] == '\0' ? decades : 1) == 0)
                    fprintf(script, "%s%g", begun++ ? ", " : "", (*digit - '0') * pow(10, d));
        fprintf(script, ")\n");
        return;
    }
    double air = most > least ? 0.06 * (most - least) : 0.5;
    fprintf(script, "unset logscale x\nset format x '%%g'\nset xrange [%.9g:%.9g]\nset xtics %.9g\n", least - air,
            most + air, nice_step(most - least + 2 * air));
}

static void write_panel(const plot *p, int index, int methods, const seeds_panel *panel)
{
    fprintf(p->script, "set title '%s'\n", panel->title);
    write_axis(p->script, methods, panel);
    fprintf(p->script,
            "plot '%s.dat' index %d using 1:2 with points pointtype 7 pointsize 0.9 linecolor rgb '%s' notitle, \\\n"
            "    '%s.dat' index %d using 1:2:(0):(0.3) with vectors nohead linewidth 3 linecolor rgb '%s' notitle, \\\n"
            "    '%s.dat' index %d using 1:2:(0):(-0.3) with vectors nohead linewidth 3 linecolor rgb '%s' notitle\n",
            p->name, 2 * index, plot_colour[0], p->name, 2 * index + 1, plot_colour[1], p->name, 2 * index + 1,
            plot_colour[1]);
}

/* The names of the rows, or marks without them. */
static void write_names(FILE *script, int methods, const char *const *labels)
{
    fprintf(script, "set ytics (");
    for (int m = 0; m < methods; m++) fprintf(script, "%s'%s' %d", m ? ", " : "", labels ? labels[m] : "", methods - m);
    fprintf(script, ")\n");
}

void seeds_picture(course *c, const char *name, const char *caption, int methods, const char *const *labels, int panels,
                   const seeds_panel *panel)
{
    plot p;
    if (!course_picture(c, &p, name, 230 + 420 * panels, 130 + 50 * methods, caption)) return;
    double *rows = course_numbers(c, (int64_t)2 * methods * SEEDS), *means = course_numbers(c, (int64_t)2 * methods);
    for (int k = 0; k < panels; k++) {
        for (int m = 0; m < methods; m++) {
            for (int s = 0; s < SEEDS; s++) {
                rows[2 * (m * SEEDS + s)] = panel[k].values[m * SEEDS + s];
                rows[2 * (m * SEEDS + s) + 1] = methods - m + 0.08 * (s - (SEEDS - 1) / 2.0);
            }
            means[2 * m] = spread_of(panel[k].values + m * SEEDS).mean;
            means[2 * m + 1] = methods - m;
        }
        course_data(c, &p, (int64_t)methods * SEEDS, 2, rows);
        course_data(c, &p, methods, 2, means);
    }
    fprintf(p.script,
            "set yrange [0.4:%g]\nunset grid\nset grid xtics linecolor rgb '#dddddd' linetype 1\n"
            "set multiplot layout 1,%d\n",
            methods + 0.6, panels);
    double left = 230.0 / (230 + 420 * panels), width = 420.0 / (230 + 420 * panels);
    for (int k = 0; k < panels; k++) {
        fprintf(p.script, "set lmargin at screen %.4f\nset rmargin at screen %.4f\n", left + k * width + (k ? 0.02 : 0),
                left + (k + 1) * width - 0.02);
        if (k < 2) write_names(p.script, methods, k ? NULL : labels);
        write_panel(&p, k, methods, &panel[k]);
    }
    fprintf(p.script, "unset multiplot\n");
    course_draw(c, &p);
}
