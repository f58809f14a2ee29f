/* SPDX-License-Identifier: MIT
 *
 * The drill's picture: the paths over the contours, and the losses.
 */
#include "drill/drill.h"

#include <math.h>
#include <string.h>

/* The axes that are drawn: the flattest and the sharpest one; of two, both in their order. */
static void axes_of(const drill_settings *s, int axis[2])
{
    axis[0] = axis[1] = 0;
    for (int i = 1; i < s->size; i++) {
        if (s->eigenvalues[i] < s->eigenvalues[axis[0]]) axis[0] = i;
        if (s->eigenvalues[i] >= s->eigenvalues[axis[1]]) axis[1] = i;
    }
    if (s->size == 2) axis[0] = 0, axis[1] = 1;
}

/* Half the width of the frame: 2.5 times the start. */
static double frame_of(const drill_settings *s, const int axis[2])
{
    double most = fmax(fabs(s->start[axis[0]]), fabs(s->start[axis[1]]));
    return most > 0 ? 2.5 * most : 1;
}

static int first_outside(const drill_settings *s, const drill_run *r, const int axis[2], double frame)
{
    for (int k = 0; k <= r->steps; k++)
        for (int i = 0; i < 2; i++)
            if (!(fabs(r->points[k * s->size + axis[i]]) <= frame)) return k;
    return -1;
}

static bool write_runs(plot *p, const drill_settings *s, const drill_run *runs, const int axis[2])
{
    FILE *data = plot_data(p, "drill.dat");
    char numbers[3][NUMBER_SIZE];
    if (!data) return false;
    fprintf(data, "# step, x, y, loss; a run after the other\n");
    for (int r = 0; r < s->rates; r++) {
        if (r) fprintf(data, "\n\n");
        for (int k = 0; k <= runs[r].steps; k++) {
            const double *x = runs[r].points + k * s->size;
            fprintf(data, "%d %s %s %s\n", k, number_text(x[axis[0]], REEL_DOUBLE, numbers[0]),
                    s->size > 1 ? number_text(x[axis[1]], REEL_DOUBLE, numbers[1])
                                : number_text(runs[r].losses[k], REEL_DOUBLE, numbers[1]),
                    number_text(runs[r].losses[k], REEL_DOUBLE, numbers[2]));
        }
    }
    return plot_close(p, data, "drill.dat");
}

/* Contours of the loss where the other coordinates are 0; of one coordinate, its curve. */
static void draw_loss(FILE *script, const drill_settings *s, const int axis[2], double frame)
{
    double a = s->eigenvalues[axis[0]] / 2, b = s->eigenvalues[axis[1]] / 2;
    if (s->size == 1) {
        fprintf(script,
                "set yrange [*:*]\nset ylabel 'loss'\n"
                "plot %.17g * x**2 with lines linewidth 1.5 linecolor rgb '#888888' notitle",
                a);
        return;
    }
    double least = fmin(fmin(a, 0), fmin(b, 0)) * frame * frame, most = fmax(a, 0) + fmax(b, 0);
    most *= frame * frame;
    fprintf(script,
            "set table $contours\nset contour base\nunset surface\nset isosamples 101\n"
            "set cntrparam levels incremental %.9g,%.9g,%.9g\n"
            "splot [-%.9g:%.9g] [-%.9g:%.9g] %.17g * x**2 + %.17g * y**2\n"
            "unset table\nunset contour\nset surface\n"
            "%s"
            "plot $contours using 1:2:3 with lines linewidth 1 linecolor palette notitle",
            least, (most - least) / 20, most, frame, frame, frame, frame, a, b, plot_viridis);
}

static void draw_paths(FILE *script, const drill_settings *s, const drill_run *runs, const int axis[2], double frame)
{
    for (int r = 0; r < s->rates; r++) {
        char title[160];
        int out = first_outside(s, &runs[r], axis, frame);
        if (s->exercise)
            snprintf(title, sizeof title, "%d steps", runs[r].steps);
        else
            snprintf(title, sizeof title, "rate %g, %s", runs[r].rate,
                     drill_diverges(&runs[r]) ? "diverges" : "converges");
        if (out >= 0 && s->size > 1)
            snprintf(title + strlen(title), sizeof title - strlen(title), "; outside from step %d on", out);
        fprintf(script,
                ", \\\n    'drill.dat' index %d using 2:3 with linespoints pointtype 7 pointsize 0.8 linewidth 1.5 "
                "linecolor rgb '%s' title '%s'",
                r, plot_colour[(r + 1) % 2 + 2 * (r / 2)], title);
        if (drill_diverges(&runs[r]))
            fprintf(script,
                    ", \\\n    'drill.dat' index %d every ::0::5 using 2:3:1 with labels offset 1.2,0.8 textcolor rgb "
                    "'%s' notitle",
                    r, plot_colour[(r + 1) % 2 + 2 * (r / 2)]);
    }
    fprintf(script,
            ", \\\n    '+' using (%.17g):(%.17g) every ::0::0 with points pointtype 6 pointsize 2 linewidth 2 "
            "linecolor rgb "
            "'black' title 'start'",
            s->start[axis[0]], s->size > 1 ? s->start[axis[1]] : runs[0].losses[0]);
    fprintf(script,
            ", \\\n    '+' using (0):(0) every ::0::0 with points pointtype 3 pointsize 2 linewidth 2 linecolor rgb "
            "'#009E73' "
            "title '%s'\n",
            s->eigenvalues[axis[0]] > 0 && s->eigenvalues[axis[1]] > 0 ? "minimum" : "stationary point");
}

static void draw_left(FILE *script, const drill_settings *s, const drill_run *runs)
{
    int axis[2];
    axes_of(s, axis);
    double frame = frame_of(s, axis);
    fprintf(script,
            "set title 'Paths of the descent'\nset xlabel 'x%d'\nset ylabel 'x%d'\n"
            "set xrange [-%.9g:%.9g]\nset yrange [-%.9g:%.9g]\nunset colorbox\nset clip two\n"
            "set key below horizontal maxcols 1\n",
            axis[0] + 1, axis[1] + 1, frame, frame, frame, frame);
    draw_loss(script, s, axis, frame);
    draw_paths(script, s, runs, axis, frame);
}

/* On a logarithmic scale both are seen; 0 and what is not finite are gaps. */
static void draw_right(FILE *script, const drill_settings *s, const drill_run *runs)
{
    fprintf(script, "set title 'Loss, on a logarithmic scale'\nset xlabel 'steps'\nset ylabel 'loss'\n"
                    "set xrange [0:*]\nset yrange [*:*]\nset logscale y\nset format y '%%.0e'\n"
                    "set key below horizontal maxcols 1\nplot ");
    for (int r = 0; r < s->rates; r++) {
        if (s->exercise)
            fprintf(script,
                    "'drill.dat' index %d using 1:4 with linespoints pointtype 7 pointsize 0.6 linewidth 2 "
                    "linecolor rgb '%s' title 'loss'",
                    r, plot_colour[1]);
        else
            fprintf(
                script,
                "'drill.dat' index %d using 1:4 with linespoints pointtype 7 pointsize 0.6 linewidth 2 linecolor rgb "
                "'%s' title 'rate %g'",
                r, plot_colour[(r + 1) % 2 + 2 * (r / 2)], runs[r].rate);
        fprintf(script, "%s", r + 1 < s->rates ? ", \\\n    " : "\n");
    }
}

plot_result drill_draw(const drill_settings *s, const drill_run *runs)
{
    plot p;
    int axis[2];
    axes_of(s, axis);
    if (!plot_begin(&p, s->who, s->out, "drill", 1280, 640)) return PLOT_FAILED;
    p.svg = s->svg;
    if (!write_runs(&p, s, runs, axis)) return plot_give_up(&p);
    fprintf(p.script, "set multiplot layout 1,2 margins 0.06,0.98,0.22,0.93 spacing 0.09\n");
    draw_left(p.script, s, runs);
    draw_right(p.script, s, runs);
    fprintf(p.script, "unset multiplot\n");
    return plot_draw(&p);
}
