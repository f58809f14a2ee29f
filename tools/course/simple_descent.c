/* SPDX-License-Identifier: MIT
 *
 * Steps down a parabola.
 */
#include "course.h"

#include "valley.h"

#include <math.h>

#define FRAMES 8

/* The first step from which on every one stays within `distance` of the minimum; -1: none. */
static int arrival(const double *x, int steps, double distance)
{
    int first = -1;
    for (int k = steps; k >= 0 && fabs(x[k] - 2) <= distance; k--) first = k;
    return first;
}

static void print_steps(const course *c, const double *x, const double *height)
{
    fprintf(c->table, "Start at x=%g\n", x[0]);
    for (int k = 1; k <= c->steps; k++)
        fprintf(c->table, "Step %d: Moved to x=%.4f, Height=%.4f\n", k, x[k], height[k]);
    fprintf(c->table, "\nReached bottom at x=%.4f\n", x[c->steps]);
}

/* Frames of the walk, left to right and down: those after each of these steps. */
static void draw_frames(course *c, int steps, const double *x, const double *height)
{
    plot p;
    if (!course_picture(c, &p, "simple-descent", 1400, 720,
                        "The walk down x^2 - 4 x + 5, frame by frame: where it stands (orange) and where it was."))
        return;
    double path[2 * 1001];
    double low = -1, high = 5;
    int shown = steps < 1000 ? steps : 1000;
    for (int k = 0; k <= shown; k++) {
        path[2 * k] = x[k];
        path[2 * k + 1] = height[k];
        if (fabs(x[k]) < 1e6) low = fmin(low, x[k] - 1), high = fmax(high, x[k] + 1);
    }
    course_data(c, &p, shown + 1, 2, path);
    double top = fmax((low - 2) * (low - 2), (high - 2) * (high - 2)) + 1;
    fprintf(p.script,
            "f(x) = x**2 - 4*x + 5\nset samples 300\nunset key\nset xrange [%g:%g]\nset yrange [0:%g]\n"
            "set multiplot layout 2,%d title 'Gradient descent on x^2 - 4 x + 5, rate %g, from %g'\n",
            low, high, top, FRAMES / 2, c->lr.at[0], c->start.at[0]);
    for (int frame = 0; frame < FRAMES; frame++) {
        int step = frame < 4 ? frame : (int)lround(3 + (shown - 3) * (pow(2, frame - 3) - 1) / 15);
        if (step > shown) step = shown;
        fprintf(
            p.script,
            "set title 'step %d: x = %.4f, f(x) = %.4f'\nset xlabel '%s'\nset ylabel '%s'\n"
            "plot f(x) with lines linewidth 2 linecolor rgb '%s', \\\n"
            "    'simple-descent.dat' every ::0::%d using 1:2 with linespoints pointtype 7 pointsize 0.6 dashtype 2 "
            "linecolor rgb '%s', \\\n"
            "    'simple-descent.dat' every ::%d::%d using 1:2 with points pointtype 7 pointsize 1.8 linecolor rgb "
            "'%s'\n",
            step, x[step], height[step], frame >= 4 ? "x" : "", frame % 4 ? "" : "f(x)", plot_colour[0], step,
            plot_colour[6], step, step, plot_colour[1]);
    }
    fprintf(p.script, "unset multiplot\n");
    course_draw(c, &p);
}

static void run(course *c)
{
    /* The lesson's picture goes on to step 24. */
    int steps = c->steps < 24 ? 24 : c->steps;
    double *x = course_numbers(c, steps + 1), *height = course_numbers(c, steps + 1);
    course_descend(c, valley_parabola, NULL, 1, c->start.at, c->lr.at[0], steps, x, height);
    if (reel_failed(c->reel)) return;
    print_steps(c, x, height);
    json_add_numbers(c->json, "x", x, steps + 1, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "height", height, steps + 1, REEL_DOUBLE, NULL);

    double left = fabs(x[c->steps] - 2);
    int within = arrival(x, steps, 0.01);
    char when[80] = "No step up to the last frame comes within 0.01.";
    if (within >= 0) snprintf(when, sizeof when, "From step %d on it is within 0.01.", within);
    json_add_number(c->json, "distance", left, REEL_DOUBLE);
    json_add_whole(c->json, "arrival", within);
    course_claim(c, "reached", left <= 0.01, "You walked your way to the true minimum (\"Reached bottom\").",
                 "After %d steps x = %.6f, %.6f from the minimum 2. %s", c->steps, x[c->steps], left, when);
    int rises = 0;
    for (int k = 1; k <= c->steps; k++) rises += height[k] > height[k - 1];
    json_add_whole(c->json, "rises", rises);
    course_claim(c, "downhill", rises == 0, "You take a step downhill, and repeat this: every step goes down.",
                 "%d of %d steps end higher than they began; the first one multiplies the distance to 2 by %.6f "
                 "(1 - 2 rate = %.6f).",
                 rises, c->steps, (x[1] - 2) / (x[0] - 2), 1 - 2 * c->lr.at[0]);
    draw_frames(c, steps, x, height);
}

const exercise exercise_simple_descent = {
    .name = "simple-descent",
    .text = "Walk down x^2 - 4 x + 5 by its slope, step by step.",
    .lr = "0.1",
    .start = "0",
    .steps = "20",
    .momentum = "0",
    .optimizer = "sgd",
    .meaning = "One rate and one start. The picture goes on to step 24 at least.",
    .json = "x, height  after 0, 1, ... steps, 24 at least\n"
            "distance  from the minimum after the last step of the table\n"
            "arrival  step from which on it is within 0.01; -1: none\n"
            "rises  steps that end higher than they began",
    .run = run,
};
