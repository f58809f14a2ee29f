/* SPDX-License-Identifier: MIT
 *
 * Revenue made as large as it gets.
 */
#include "course.h"

#include "revenue.h"

#include <math.h>
#include <string.h>

/* What the lesson shows as its program's output. */
static const char shown[] = "Optimal Strategy: Ads=$50.00k, Discount=$25.00%";

static void draw(course *c, const double *path, const double *loss)
{
    plot p;
    if (!course_picture(c, &p, "revenue", 1200, 520,
                        "Left: revenue over advertising and discount, and the walk to its top (cross). Right: how much "
                        "revenue is still missing."))
        return;
    double *rows = course_numbers(c, 4 * (c->steps + 1));
    for (int k = 0; k <= c->steps; k++) {
        double *row = rows + 4 * k;
        row[0] = k;
        row[1] = path[2 * k];
        row[2] = path[2 * k + 1];
        row[3] = 3125 + loss[k] > 0 ? 3125 + loss[k] : NAN;
    }
    course_data(c, &p, c->steps + 1, 4, rows);
    fprintf(
        p.script,
        "set multiplot layout 1,2\nset title 'Revenue, and the walk'\nset xlabel 'advertising in $1000'\n"
        "set ylabel 'discount in per cent'\nset cblabel 'revenue'\nset cbtics 1000\nset cbrange [-1000:3125]\nset "
        "xrange [-10:110]\nset yrange [-10:60]\n"
        "set palette defined (0 '#00204d', 0.25 '#414d6b', 0.5 '#7c7b78', 0.75 '#bcae6c', 1 '#ffea46')\n"
        "set urange [-10:110]\nset vrange [-10:60]\nset isosamples 140\nset samples 140\nunset key\nset lmargin at "
        "screen 0.07\nset rmargin at screen 0.40\n"
        "plot '++' using 1:2:(100*$1 + 50*$2 - $1**2 - $2**2) with image, \\\n"
        "    'revenue.dat' using 2:3 with linespoints pointtype 7 pointsize 0.9 linewidth 1.5 linecolor rgb '%s', \\\n"
        "    '+' using (50):(25) every ::0::0 with points pointtype 2 pointsize 2.5 linewidth 3 linecolor rgb "
        "'#D55E00'\n"
        "unset colorbox\nset lmargin at screen 0.63\nset rmargin at screen 0.98\n"
        "set title 'Revenue still missing'\nset xlabel 'step'\nset ylabel '3125 - revenue'\nset xrange [0:%d]\n"
        "set yrange [*:*]\nset logscale y\nset format y '%%g'\n"
        "plot 'revenue.dat' using 1:4 with lines linewidth 2 linecolor rgb '%s'\nunset multiplot\n",
        plot_colour[6], c->steps, plot_colour[0]);
    course_draw(c, &p);
}

static void run(course *c)
{
    double *path = course_numbers(c, 2 * (c->steps + 1)), *loss = course_numbers(c, c->steps + 1);
    course_descend(c, revenue_loss, NULL, 2, c->start.at, c->lr.at[0], c->steps, path, loss);
    if (reel_failed(c->reel)) return;
    for (int k = 0; k < c->steps; k += 10) /* after the update of that number */
        fprintf(c->table, "Step %d: Ads=$%.2fk, Discount=%.2f%%\n", k, path[2 * k + 2], path[2 * k + 3]);
    char line[100];
    double ads = path[2 * c->steps], discount = path[2 * c->steps + 1], revenue = -loss[c->steps];
    snprintf(line, sizeof line, "Optimal Strategy: Ads=$%.2fk, Discount=%.2f%%", ads, discount);
    fprintf(c->table, "\n%s\n", line);

    int before = (c->steps + 9) / 10;
    json_add_number(c->json, "ads", ads, REEL_DOUBLE);
    json_add_number(c->json, "discount", discount, REEL_DOUBLE);
    json_add_number(c->json, "revenue", revenue, REEL_DOUBLE);
    json_add_whole(c->json, "lines_before", before);
    json_add_numbers(c->json, "loss", loss, c->steps + 1, REEL_DOUBLE, NULL);
    course_claim(c, "output", before == 0 && strcmp(line, shown) == 0, shown,
                 "The program prints \"%s\", after %d lines of steps. A discount is per cent, not dollars.", line,
                 before);
    bool best = fabs(ads - 50) < 0.005 && fabs(discount - 25) < 0.005;
    course_claim(c, "optimal", best, "You found the optimal business strategy just by following the gradient.",
                 "After %d steps (%.4f, %.4f) brings %.6f; the most is 3125, at (50, 25). %s", c->steps, ads, discount,
                 revenue, best ? "Both print as they should." : "They do not print as 50.00 and 25.00.");
    draw(c, path, loss);
}

const exercise exercise_revenue = {
    .name = "revenue",
    .text = "Choose advertising and discount by walking up the revenue.",
    .lr = "0.1",
    .start = "0,0",
    .steps = "50",
    .momentum = "0",
    .optimizer = "sgd",
    .meaning = "--start ADVERTISING,DISCOUNT.",
    .json = "ads, discount, revenue  at the end\n"
            "lines_before  lines printed before the last one\n"
            "loss  minus the revenue, before the first and after each step",
    .run = run,
};
