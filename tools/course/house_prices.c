/* SPDX-License-Identifier: MIT
 *
 * A line through five house prices.
 */
#include "course.h"

#include "line.h"

#include <math.h>

#define LONG_RUN 5000

static const double size[] = {1.0, 1.5, 2.0, 2.5, 3.0};  /* in 1000 square feet */
static const double price[] = {200, 250, 300, 350, 400}; /* in $1000 */

static void print_epochs(const course *c, const double *path, const double *loss)
{
    fprintf(c->table, "Training started...\n");
    for (int epoch = 0; epoch < c->steps; epoch += 100) /* after the update of that number */
        fprintf(c->table, "Epoch %d: Loss=%.2f, w=%.2f, b=%.2f\n", epoch, loss[epoch + 1], path[2 * epoch + 2],
                path[2 * epoch + 3]);
    fprintf(c->table, "\nFinal Model: Price = %.2f * sqft + %.2f\n", path[2 * c->steps], path[2 * c->steps + 1]);
    fprintf(c->table, "True Answer: Price = 100 * sqft + 100\n");
}

static void draw(course *c, int steps, const double *path, const double *loss)
{
    plot p;
    if (!course_picture(
            c, &p, "house-prices", 1200, 520,
            "Left: the line after 0, 10, 100 and all steps of the table, and the five houses. Right: the loss; the "
            "lesson stops at the vertical line, where the error still falls."))
        return;
    double *curve = course_numbers(c, 2 * (steps + 1));
    for (int k = 0; k <= steps; k++) curve[2 * k] = k, curve[2 * k + 1] = loss[k];
    double houses[10];
    for (int i = 0; i < 5; i++) houses[2 * i] = size[i], houses[2 * i + 1] = price[i];
    course_data(c, &p, 5, 2, houses);
    course_data(c, &p, steps + 1, 2, curve);
    fprintf(p.script, "set multiplot layout 1,2\nset key top left\nset xlabel 'size in 1000 square feet'\n"
                      "set ylabel 'price in $1000'\nset title 'The line after so many steps'\n"
                      "set xrange [0.8:3.2]\nset yrange [-20:450]\nplot ");
    const int shown[] = {0, 10, 100, c->steps};
    for (int k = 0; k < 4; k++)
        if (k == 3 || shown[k] < c->steps)
            fprintf(p.script,
                    "%.9g*x + %.9g with lines linewidth 2 linecolor rgb '%s' title 'after %d steps', \\\n    ",
                    path[2 * shown[k]], path[2 * shown[k] + 1], plot_colour[(const int[]){4, 3, 5, 0}[k]], shown[k]);
    fprintf(p.script,
            "'house-prices.dat' index 0 using 1:2 with points pointtype 7 pointsize 1.5 linecolor rgb '%s' title "
            "'houses'\n",
            plot_colour[6]);
    fprintf(p.script,
            "set title 'Mean squared error'\nset xlabel 'step'\nset ylabel ''\nset xrange [0:%d]\nset yrange [*:*]\n"
            "set logscale y\nset format y '1e%%L'\nunset key\n"
            "set arrow from %d, graph 0 to %d, graph 1 nohead dashtype 2 linewidth 1.5 linecolor rgb '%s'\n"
            "plot 'house-prices.dat' index 1 using 1:2 with lines linewidth 2 linecolor rgb '%s'\nunset multiplot\n",
            steps, c->steps, c->steps, plot_colour[6], plot_colour[0]);
    course_draw(c, &p);
}

static void run(course *c)
{
    line_data houses = {5, size, price};
    int steps = c->steps < LONG_RUN ? LONG_RUN : c->steps, exact = -1;
    double *path = course_numbers(c, 2 * (steps + 1)), *loss = course_numbers(c, steps + 1), curvature[2];
    course_descend(c, line_loss, &houses, 2, c->start.at, c->lr.at[0], steps, path, loss);
    course_curvature(c, line_loss, &houses, 2, c->start.at, curvature);
    if (reel_failed(c->reel)) return;
    print_epochs(c, path, loss);

    for (int k = steps; k >= 0 && fabs(path[2 * k] - 100) < 0.005 && fabs(path[2 * k + 1] - 100) < 0.005; k--)
        exact = k;
    double w = path[2 * c->steps], b = path[2 * c->steps + 1];
    json_add_number(c->json, "w", w, REEL_DOUBLE);
    json_add_number(c->json, "b", b, REEL_DOUBLE);
    json_add_number(c->json, "final_loss", loss[c->steps], REEL_DOUBLE);
    json_add_number(c->json, "w_long", path[2 * steps], REEL_DOUBLE);
    json_add_number(c->json, "b_long", path[2 * steps + 1], REEL_DOUBLE);
    json_add_whole(c->json, "exact", exact);
    json_add_numbers(c->json, "curvature", curvature, 2, REEL_DOUBLE, NULL);
    json_add_number(c->json, "critical_rate", 2 / curvature[1], REEL_DOUBLE);
    json_add_numbers(c->json, "loss", loss, steps + 1, REEL_DOUBLE, NULL);

    char when[80] = "None of these steps prints 100.00 for both.";
    if (exact >= 0) snprintf(when, sizeof when, "From step %d on both print as 100.00.", exact);
    course_claim(c, "perfect", exact >= 0 && exact <= c->steps, "Your model learned the relationship perfectly.",
                 "After %d steps w = %.2f, b = %.2f, loss %.2f; after %d w = %.3f, b = %.3f. %s", c->steps, w, b,
                 loss[c->steps], steps, path[2 * steps], path[2 * steps + 1], when);
    course_claim(
        c, "rate", c->lr.at[0] < 2 / curvature[1], "The rate 0.01 suits: the loss falls.",
        "The second derivatives have the eigenvalues %.4f and %.4f: gradient descent needs a rate below 2 / %.4f = "
        "%.4f, and along the flat direction a step at the rate %g removes %.2g of the error.",
        curvature[0], curvature[1], curvature[1], 2 / curvature[1], c->lr.at[0], c->lr.at[0] * curvature[0]);
    draw(c, steps, path, loss);
}

const exercise exercise_house_prices = {
    .name = "house-prices",
    .text = "Fit a line to five house prices by a thousand steps.",
    .lr = "0.01",
    .start = "0,0",
    .steps = "1000",
    .momentum = "0",
    .optimizer = "sgd",
    .meaning = "One rate; --start W,B. The run goes on to step 5000 at least.",
    .json = "w, b, final_loss  after the steps of the table\n"
            "w_long, b_long  after all steps\n"
            "exact  step from which on w and b print as 100.00; -1: none\n"
            "curvature  eigenvalues of the second derivatives\n"
            "critical_rate  2 over the larger one\n"
            "loss  before the first and after each step",
    .run = run,
};
