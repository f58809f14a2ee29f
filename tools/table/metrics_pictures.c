/* SPDX-License-Identifier: MIT
 *
 * Confusion matrix and residuals as pictures.
 */
#include "plot.h"
#include "table/metrics.h"

#include <math.h>
#include <string.h>

const char *metrics_picture_name(const metrics *m)
{
    return m->classes ? "confusion" : "residuals";
}

static void write_classes(FILE *script, const metrics *m, const char *axis, const char *more)
{
    fprintf(script, "set %stics %s(", axis, more);
    for (int c = 0; c < m->classes; c++) {
        if (c) fputs(", ", script);
        plot_quote(script, reel_preparation_class(m->preparation, c), 18);
        fprintf(script, " %d", c);
    }
    fprintf(script, ")\n");
}

/* Share of the class in colour, number of rows as text. */
static bool write_cells(const plot *p, const metrics *m)
{
    FILE *data = plot_data(p, "confusion.dat");
    if (!data) return false;
    fprintf(data, "# taken for, class, share of the class, rows\n");
    for (int c = 0; c < m->classes; c++)
        for (int k = 0; k < m->classes; k++) {
            int64_t rows = m->confusion[c * m->classes + k];
            fprintf(data, "%d %d %.6f %lld\n", k, c, m->class[c].rows ? (double)rows / (double)m->class[c].rows : 0.0,
                    (long long)rows);
        }
    return plot_close(p, data, "confusion.dat");
}

static plot_result draw_confusion(const metrics *m, const char *who, const char *folder, const char *title)
{
    plot p;
    int side = m->classes < 6 ? 360 : 60 * m->classes;
    if (side > 1400) side = 1400;
    if (!plot_begin(&p, who, folder, "confusion", side + 320, side + 220)) return PLOT_FAILED;
    if (!write_cells(&p, m)) return plot_give_up(&p);
    fprintf(p.script, "set title 'Confusion matrix, %s: accuracy %.2f %% of %lld rows'\n", title, 100 * m->accuracy,
            (long long)m->rows);
    write_classes(p.script, m, "x", m->classes > 4 ? "rotate by -40 " : "");
    write_classes(p.script, m, "y", "");
    fprintf(p.script,
            "set xlabel 'taken for'\nset ylabel 'class'\nset cblabel 'share of the class'\nset cbrange [0:1]\n"
            "set xrange [-0.5:%.1f]\nset yrange [%.1f:-0.5]\nset size ratio 1\nunset grid\nunset key\n"
            "set palette defined (0 '#ffffff', 0.5 '#8cc1e0', 1 '#0072B2')\n"
            "plot 'confusion.dat' using 1:2:3 with image, \\\n"
            "    '' using ($3 > 0.6 ? 1/0 : $1):2:4 with labels textcolor rgb '#000000', \\\n"
            "    '' using ($3 > 0.6 ? $1 : 1/0):2:4 with labels textcolor rgb '#ffffff'\n",
            m->classes - 0.5, m->classes - 0.5);
    return plot_draw(&p);
}

static bool write_residuals(const plot *p, const metrics *m)
{
    char a[NUMBER_SIZE], b[NUMBER_SIZE], c[NUMBER_SIZE];
    FILE *data = plot_data(p, "residuals.dat");
    if (!data) return false;
    fprintf(data, "# target, prediction, prediction - target\n");
    for (int64_t i = 0; i < m->rows; i++)
        fprintf(data, "%s %s %s\n", number_text(m->actual[i], REEL_DOUBLE, a),
                number_text(m->predicted[i], REEL_DOUBLE, b),
                number_text(m->predicted[i] - m->actual[i], REEL_DOUBLE, c));
    return plot_close(p, data, "residuals.dat");
}

/* A step of 1, 2 or 5 times a power of 10 that makes four or a few labels of an axis over these values. */
static double label_step(const double *values, int64_t count)
{
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        least = fmin(least, values[i]);
        most = fmax(most, values[i]);
    }
    if (!(most > least)) return 1;
    double power = pow(10, floor(log10((most - least) / 3))), times = (most - least) / 3 / power;
    return power * (times < 2 ? 1 : times < 5 ? 2 : 5);
}

static plot_result draw_residuals(const metrics *m, const char *who, const char *folder, const char *title)
{
    plot p;
    if (!plot_begin(&p, who, folder, "residuals", 1160, 520)) return PLOT_FAILED;
    if (!write_residuals(&p, m)) return plot_give_up(&p);
    double size = m->rows > 2000 ? 0.4 : m->rows > 300 ? 0.6 : 0.9;
    fprintf(p.script,
            "set multiplot layout 1,2\nunset key\nset rmargin 5\n"
            "set offsets graph 0.03, graph 0.03, graph 0.04, graph 0.04\nset xtics %g\n"
            "set title 'Predictions, %s: RMSE %.4g, R2 %.4f'\nset xlabel ",
            label_step(m->actual, m->rows), title, m->rmse, m->r2);
    plot_quote(p.script, reel_preparation_target(m->preparation), 30);
    fprintf(p.script,
            "\nset ylabel 'prediction'\n"
            "plot 'residuals.dat' using 1:2 with points pointtype 7 pointsize %g linecolor rgb '%s', \\\n"
            "    x with lines linewidth 1.5 linecolor rgb '#000000'\n"
            "set title 'Residuals: mean absolute error %.4g'\nset xlabel 'prediction'\nset xtics %g\n"
            "set ylabel 'prediction - target'\n"
            "plot 'residuals.dat' using 2:3 with points pointtype 7 pointsize %g linecolor rgb '%s', \\\n"
            "    0 with lines linewidth 1.5 linecolor rgb '#000000'\n"
            "unset multiplot\n",
            size, plot_colour[0], m->mae, label_step(m->predicted, m->rows), size, plot_colour[1]);
    return plot_draw(&p);
}

plot_result metrics_draw(const metrics *m, const char *who, const char *folder, const char *title)
{
    return m->classes ? draw_confusion(m, who, folder, title) : draw_residuals(m, who, folder, title);
}
