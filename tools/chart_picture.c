/* SPDX-License-Identifier: MIT
 *
 * Curves by gnuplot.
 */
#include "chart.h"

#include <math.h>
#include <stdlib.h>

/* More points than the picture has columns are thinned: of each of so many groups the least and the largest are kept. */
#define GROUPS 4000

static void write_row(FILE *data, const chart *c, const series *s, int64_t i, int panel)
{
    double numbers[] = {series_x(c, s, i), series_shown(c, s, i, panel), series_y(c, s, i, panel)};
    char text[NUMBER_SIZE];
    for (int k = 0; k < 3; k++) /* NaN ends a line and begins another */
        fprintf(data, "%s%s", k ? " " : "", isfinite(numbers[k]) ? number_text(numbers[k], REEL_DOUBLE, text) : "NaN");
    fputc('\n', data);
}

static void write_curve(FILE *data, const chart *c, const series *s, int panel)
{
    int64_t size = s->count / GROUPS > 1 ? s->count / GROUPS : 1;
    for (int64_t first = 0; first < s->count; first += size) {
        int64_t least = -1, most = -1, wrong = -1;
        for (int64_t i = first; i < first + size && i < s->count; i++) {
            double x = series_x(c, s, i), y = series_shown(c, s, i, panel);
            if (x == ABSENT || y == ABSENT) continue;
            if (!chart_fits(c, x, y))
                wrong = i;
            else if (least < 0)
                least = most = i;
            else if (y < series_shown(c, s, least, panel))
                least = i;
            else if (y > series_shown(c, s, most, panel))
                most = i;
        }
        if (wrong >= 0) write_row(data, c, s, wrong, panel);
        if (least >= 0) write_row(data, c, s, least < most ? least : most, panel);
        if (least != most) write_row(data, c, s, least < most ? most : least, panel);
    }
}

static bool write_data(const plot *p, const chart *c, const char *name)
{
    FILE *data = plot_data(p, name);
    if (!data) return false;
    for (int panel = 0; panel < c->panels; panel++)
        for (int k = 0; k < c->count; k++) {
            const series *s = &c->series[k];
            if (panel || k) fprintf(data, "\n\n");
            fprintf(data, "# %s of %s: %s, %s, as it was before smoothing%s\n", c->y[panel], s->name, c->x, c->y[panel],
                    s->count / GROUPS > 1 ? "; least and largest of each group of points" : "");
            write_curve(data, c, s, panel);
            if (s->count == 0) fprintf(data, "NaN NaN NaN\n");
        }
    return plot_close(p, data, name);
}

/* An axis from the least to the largest number with a little air; logarithmic ones get labels of their own. */
static void write_ranges(FILE *script, const chart *c, int panel)
{
    chart_extent all, e;
    chart_extent_of(c, -1, &all);
    if (!chart_extent_of(c, panel, &e)) e = (chart_extent){all.left, all.right, c->log_y ? 0.1 : 0, 1};
    double air = e.top > e.bottom ? 0.05 * (e.top - e.bottom) : e.top != 0 ? 0.1 * fabs(e.top) : 1;
    fprintf(script, "unset logscale\nset xtics auto\nset ytics auto\n");
    if (all.right > all.left) fprintf(script, "set xrange [%.17g:%.17g]\n", all.left, all.right);
    if (c->log_x) {
        fprintf(script, "set logscale x\n");
        plot_log_labels(script, "x", all.left, all.right);
    }
    if (c->log_y) {
        fprintf(script, "set logscale y\nset yrange [%.9g:%.9g]\n", e.bottom / 1.3, e.top * 1.3);
        plot_log_labels(script, "y", e.bottom, e.top);
    } else {
        double bottom = e.bottom >= 0 && e.bottom - air < 0 ? 0 : e.bottom - air;
        fprintf(script, "set yrange [%.9g:%.9g]\n", bottom, e.top + air);
    }
}

static int64_t points_of(const chart *c, const series *s, int panel)
{
    int64_t points = 0;
    for (int64_t i = 0; i < s->count; i++) points += chart_fits(c, series_x(c, s, i), series_shown(c, s, i, panel));
    return points;
}

/* The style of a curve: thin and pale for what was smoothed. */
static void write_style(FILE *script, const char *with, int k, bool pale)
{
    fprintf(script, "with %s linewidth %s linecolor rgb '%s'%s", with, pale ? "0.5" : "2",
            pale ? plot_tint[k % PLOT_COLOURS] : plot_colour[k % PLOT_COLOURS],
            !pale && k >= PLOT_COLOURS ? " dashtype 2" : "");
}

static void write_panel(FILE *script, const chart *c, int panel, const char *name)
{
    bool smoothed = c->count > 0 && c->series[0].smooth, key = panel == c->panels - 1 && c->count > 1, begun = false;
    write_ranges(script, c, panel);
    fprintf(script, "set ylabel ");
    plot_quote(script, c->y[panel], 0);
    fprintf(script, "\nset xlabel ");
    plot_quote(script, panel == c->panels - 1 ? c->x_label : "", 0);
    fprintf(script, "\n%s\nplot", key ? "set key outside below left Left reverse vertical maxrows 12" : "unset key");
    for (int pale = smoothed; pale >= 0; pale--)
        for (int k = 0; k < c->count; k++) {
            int64_t points = points_of(c, &c->series[k], panel);
            if (points == 0) continue;
            fprintf(script, "%s \\\n    '%s.dat' index %d using 1:%d ", begun ? "," : "", name, panel * c->count + k,
                    pale ? 3 : 2);
            write_style(script, points <= 30 ? "linespoints pointtype 7 pointsize 0.7" : "lines", k, pale);
            fprintf(script, " notitle");
            begun = true;
        }
    if (!begun) fprintf(script, " NaN notitle");
    /* Entries of their own: a curve without a point in this panel has one as well. */
    for (int k = 0; key && k < c->count; k++) {
        fprintf(script, ", \\\n    NaN ");
        write_style(script, "lines", k, false);
        fprintf(script, " title ");
        plot_quote(script, c->series[k].name, 0);
    }
    fprintf(script, "\n");
}

plot_result chart_draw(const chart *c, const char *who, const char *folder, const char *name)
{
    plot p;
    char data[80];
    snprintf(data, sizeof data, "%.60s.dat", name);
    int lines = c->count > 1 ? (c->count > 12 ? 12 : c->count) : 0;
    if (!plot_begin(&p, who, folder, name, 1000, 260 + 340 * c->panels + 20 * lines)) return PLOT_FAILED;
    if (!write_data(&p, c, data)) return plot_give_up(&p);
    p.svg = c->svg;
    fprintf(p.script, "set format y '%%g'\n");
    if (c->panels > 1) {
        fprintf(p.script, "set lmargin 12\nset multiplot layout %d,1 title ", c->panels);
        plot_quote(p.script, c->title, 0);
    } else {
        fprintf(p.script, "set title ");
        plot_quote(p.script, c->title, 0);
    }
    fprintf(p.script, "\n");
    for (int panel = 0; panel < c->panels; panel++) write_panel(p.script, c, panel, name);
    if (c->panels > 1) fprintf(p.script, "unset multiplot\n");
    return plot_draw(&p);
}
