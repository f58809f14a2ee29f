/* SPDX-License-Identifier: MIT
 *
 * A quartic with one minimum and a flat place that is none, from several starts at several rates.
 */
#include "course.h"

#include "valley.h"

#include <math.h>

#define MINIMUM 2.25
#define FAR 1e6 /* beyond, the walk has left */

/* One walk. */
typedef struct walk {
    double start, rate, end, slope; /* slope: |f'| at the end */
    int steps;                      /* fewer than asked for: it has left */
    double *x;                      /* (steps + 1) */
} walk;

static double height_at(double x)
{
    return x * x * x * (x - 3) + 2;
}

static walk walk_from(course *c, double start, double rate)
{
    walk w = {.start = start, .rate = rate, .x = course_numbers(c, c->steps + 1)};
    course_descend(c, valley_quartic, NULL, 1, &start, rate, c->steps, w.x, NULL);
    while (w.steps < c->steps && fabs(w.x[w.steps]) <= FAR) w.steps++;
    w.end = w.x[w.steps];
    w.slope = fabs(w.end * w.end * (4 * w.end - 9));
    return w;
}

static bool arrived(const walk *w)
{
    return fabs(w->end - MINIMUM) < 1e-3;
}

static void print_walks(const course *c, const walk *walks, int count)
{
    for (int i = 0; i < count; i++) {
        const walk *w = &walks[i];
        fprintf(c->table, "start %4.1f, lr %g: ", w->start, w->rate);
        if (fabs(w->end) <= FAR)
            fprintf(c->table, "x after %d steps %.6f\n", w->steps, w->end);
        else
            fprintf(c->table, "x passes %g in step %d\n", FAR, w->steps);
    }
}

/* f with where the walks at one rate end, and x over the steps. */
static void draw(course *c, const walk *walks, int count)
{
    plot p;
    double rate = c->lr.at[c->lr.count > 1], last = c->lr.at[c->lr.count - 1];
    if (!course_picture(c, &p, "quartic", 1200, 520,
                        "Left: x^4 - 3 x^3 + 2 and where the walks end: at the minimum, or at the flat place 0. Right: "
                        "the walks."))
        return;
    double *rows = course_numbers(c, 2 * (c->steps + 1));
    for (int i = 0; i < count; i++) {
        for (int k = 0; k <= c->steps; k++) {
            bool there = k <= walks[i].steps && fabs(walks[i].x[k]) <= 10;
            rows[2 * k] = k;
            rows[2 * k + 1] = there ? walks[i].x[k] : NAN;
        }
        course_data(c, &p, c->steps + 1, 2, rows);
    }
    for (int i = 0; i < count; i++) course_data(c, &p, 1, 2, (const double[]){walks[i].end, height_at(walks[i].end)});
    fprintf(p.script,
            "f(x) = x**4 - 3*x**3 + 2\nset multiplot layout 1,2\nset samples 400\nset xrange [-1.4:3.3]\nset yrange "
            "[-8:8]\n"
            "set xlabel 'x'\nset ylabel 'x^4 - 3 x^3 + 2'\nset title 'Where the walks at rate %g end after %d steps'\n"
            "set key top center\nplot f(x) with lines linewidth 2 linecolor rgb '%s' notitle",
            rate, c->steps, plot_colour[6]);
    int shown = 0, begun = 0, shown_steps = c->steps < 60 ? c->steps : 60;
    for (int i = 0; i < count; i++)
        if (walks[i].rate == rate)
            fprintf(p.script,
                    ", \\\n    'quartic.dat' index %d using 1:2 with points pointtype %d pointsize %g linewidth 2 "
                    "linecolor "
                    "rgb '%s' title 'from %g'",
                    count + i, (const int[]){7, 4, 6, 8, 12}[shown % 5], 1.2 + 0.4 * shown, plot_colour[shown % 6],
                    walks[i].start),
                shown++;
    fprintf(p.script,
            "\nset title \"The walks' first steps; dashed: at rate %g\"\nset xlabel 'step'\nset ylabel 'x'\nset xrange "
            "[0:%d]\n"
            "set yrange [-2:5]\nunset key\nset arrow from 0, 2.25 to %d, 2.25 nohead linecolor rgb '#888888'\nplot ",
            last, shown_steps, shown_steps);
    for (int i = 0; i < count; i++)
        if (walks[i].rate == rate || walks[i].rate == last)
            fprintf(p.script,
                    "%s'quartic.dat' index %d using 1:2 with lines linewidth %s dashtype %d linecolor rgb '%s'",
                    begun++ ? ", \\\n    " : "", i, walks[i].rate == rate ? "2.5" : "1", walks[i].rate == rate ? 1 : 2,
                    plot_colour[i % c->start.count % 6]);
    fprintf(p.script, "\nunset multiplot\n");
    course_draw(c, &p);
}

static void claims(course *c, const walk *walks, int count)
{
    int there = 0, flat = 0, small = 0;
    const walk *stalled = NULL;
    double curvature;
    course_curvature(c, valley_quartic, NULL, 1, &(double){MINIMUM}, &curvature);
    for (int i = 0; i < count; i++) {
        there += arrived(&walks[i]);
        if (walks[i].slope >= 0.05) continue;
        small++;
        if (arrived(&walks[i])) continue;
        flat++;
        if (!stalled) stalled = &walks[i];
    }
    json_add_whole(c->json, "arrived", there);
    json_add_whole(c->json, "stalled", flat);
    json_add_number(c->json, "minimum", height_at(MINIMUM), REEL_DOUBLE);
    json_add_number(c->json, "curvature", curvature, REEL_DOUBLE);
    json_add_number(c->json, "critical_rate", 2 / curvature, REEL_DOUBLE);
    course_claim(
        c, "minimum", there == count, "Gradient descent works for any differentiable function: it finds the minimum.",
        "%d of %d walks end within 0.001 of the minimum %.8f at 9/4. Its second derivative is %.2f, so that no "
        "rate above 2 / %.2f = %.6f stays there.",
        there, count, height_at(MINIMUM), curvature, curvature, 2 / curvature);
    char example[160] = "None stalls elsewhere.";
    if (stalled)
        snprintf(example, sizeof example,
                 "From %g at rate %g the walk is at %.6f, with the slope %.2g: near 0, which is flat and no minimum.",
                 stalled->start, stalled->rate, stalled->end, stalled->slope);
    course_claim(c, "gradient", flat == 0, "Check if converged: the gradient is about 0.",
                 "%d of %d walks end where the slope is below 0.05, %d of them away from the minimum. %s", small, count,
                 flat, example);
}

static void run(course *c)
{
    walk walks[COURSE_LIST * COURSE_LIST];
    int count = 0;
    for (int r = 0; r < c->lr.count; r++)
        for (int s = 0; s < c->start.count; s++) walks[count++] = walk_from(c, c->start.at[s], c->lr.at[r]);
    if (reel_failed(c->reel)) return;
    print_walks(c, walks, count);
    double *ends = course_numbers(c, count);
    for (int i = 0; i < count; i++) ends[i] = walks[i].end;
    json_add_numbers(c->json, "end", ends, count, REEL_DOUBLE, NULL);
    claims(c, walks, count);
    draw(c, walks, count);
}

const exercise exercise_quartic = {
    .name = "quartic",
    .text = "Find the minimum of x^4 - 3 x^3 + 2 from several starts at several rates.",
    .lr = "0.001,0.01,0.05,0.1",
    .start = "-1,0,1,3,4",
    .steps = "200",
    .momentum = "0",
    .optimizer = "sgd",
    .any_lr = true,
    .any_start = true,
    .meaning = "Every start is tried at every rate. The picture stresses the second rate.",
    .json = "end  x at the end of each walk, start by start at the first rate, then at the second, ...\n"
            "arrived  walks that end within 0.001 of the minimum\n"
            "stalled  walks that end on a slope below 0.05 elsewhere\n"
            "minimum, curvature  f and f'' at 9/4\n"
            "critical_rate  2 over the curvature",
    .run = run,
};
