/* SPDX-License-Identifier: MIT
 *
 * A line through sizes in square feet, whose scale is the difficulty.
 */
#include "course.h"

#include "line.h"

#include <math.h>

#define HOUSES 5

static const double size[HOUSES] = {1000, 1500, 2000, 2500, 3000}; /* square feet */
static const double price[HOUSES] = {200, 280, 350, 400, 480};     /* in $1000 */

/* What is compared: the run, least squares, and the same descent with the size in thousands. */
typedef struct lines {
    double w, b, loss;                      /* at the end of the run */
    double w_best, b_best, loss_best;       /* least squares */
    double w_scaled, b_scaled, loss_scaled; /* with sizes in thousands; w for square feet */
    double curvature[2], curvature_scaled[2];
    double rate_scaled, needed; /* steps that b needs at the lesson's rate */
    int settled;                /* step from which on the loss stays within 1 % of where it ends */
} lines;

static double loss_of(double w, double b)
{
    double sum = 0;
    for (int i = 0; i < HOUSES; i++) sum += (w * size[i] + b - price[i]) * (w * size[i] + b - price[i]);
    return sum / HOUSES;
}

/* Least squares, as a solver finds it: the normal equations of two unknowns. */
static void least_squares(lines *l)
{
    double mean_x = 0, mean_y = 0, xy = 0, xx = 0;
    for (int i = 0; i < HOUSES; i++) mean_x += size[i] / HOUSES, mean_y += price[i] / HOUSES;
    for (int i = 0; i < HOUSES; i++) {
        xy += (size[i] - mean_x) * (price[i] - mean_y);
        xx += (size[i] - mean_x) * (size[i] - mean_x);
    }
    l->w_best = xy / xx;
    l->b_best = mean_y - l->w_best * mean_x;
    l->loss_best = loss_of(l->w_best, l->b_best);
}

/* The lesson's program prints before each update, and after the last one its model. */
static void print_progress(const course *c, const double *path, const double *loss)
{
    fprintf(c->table,
            "Linear Regression with Gradient Descent\n=======================================================\n");
    fprintf(c->table, "\nTraining Progress:\n%-8s %-12s %-12s %-12s\n", "Step", "w", "b", "Loss");
    fprintf(c->table, "--------------------------------------------\n");
    for (int k = 0; k < c->steps; k += 200)
        fprintf(c->table, "%-8d %-12.6f %-12.2f %-12.2f\n", k, path[2 * k], path[2 * k + 1], loss[k]);
}

static void print_model(const course *c, const lines *l, const double *loss)
{
    fprintf(c->table, "\nFinal Model:\n   price = %.4f × size + %.2f\n   Final loss: %.2f\n", l->w, l->b, l->loss);
    fprintf(c->table, "\nPredictions vs Actual:\n   %-8s %-10s %-10s %-10s\n", "Size", "Actual", "Predicted", "Error");
    fprintf(c->table, "----------------------------------------\n");
    for (int i = 0; i < HOUSES; i++) {
        double found = l->w * size[i] + l->b;
        fprintf(c->table, "   %-8.0f $%6.0fk    $%6.1fk    %6.1fk\n", size[i], price[i], found, fabs(price[i] - found));
    }
    fprintf(c->table, "\nLoss Reduction:\n");
    const int shown[] = {0, 200, 500, 1000};
    for (int i = 0; i < 4 && shown[i] < c->steps; i++) {
        char bar[201] = "";
        int length = (int)fmin(50, 50 * loss[shown[i]] / loss[0]), used = 0;
        for (int k = 0; k < length; k++) used += snprintf(bar + used, sizeof bar - (size_t)used, "█");
        fprintf(c->table, "   Step %4d: %s %.1f\n", shown[i], bar, loss[shown[i]]);
    }
}

static void print_compared(const course *c, const lines *l)
{
    fprintf(c->more, "%-42s %-10s %-10s %s\n", "after as many steps", "w", "b", "loss");
    fprintf(c->more, "%-42s %-10.6f %-10.4f %.4f\n", "the lesson", l->w, l->b, l->loss);
    fprintf(c->more, "sizes in thousands, at the rate %-10.3g %-10.6f %-10.4f %.4f\n", l->rate_scaled, l->w_scaled,
            l->b_scaled, l->loss_scaled);
    fprintf(c->more, "%-42s %-10.6f %-10.4f %.4f\n", "least squares", l->w_best, l->b_best, l->loss_best);
}

static void draw(course *c, const lines *l, const double *loss, const double *scaled)
{
    plot p;
    if (!course_picture(
            c, &p, "linear-by-hand", 1200, 520,
            "Left: the lesson's line after its steps and that of least squares. Right: how much of the loss is "
            "above that of least squares; with sizes in thousands it falls, with square feet it stops."))
        return;
    double *rows = course_numbers(c, 3 * (c->steps + 1)), houses[2 * HOUSES];
    for (int k = 0; k <= c->steps; k++) {
        rows[3 * k] = k ? k : NAN;
        rows[3 * k + 1] = loss[k] - l->loss_best;
        rows[3 * k + 2] = scaled[k] - l->loss_best > 1e-9 ? scaled[k] - l->loss_best : NAN;
    }
    for (int i = 0; i < HOUSES; i++) houses[2 * i] = size[i], houses[2 * i + 1] = price[i];
    course_data(c, &p, HOUSES, 2, houses);
    course_data(c, &p, c->steps + 1, 3, rows);
    fprintf(
        p.script,
        "set multiplot layout 1,2\nset key top left\nset xlabel 'size in square feet'\nset ylabel 'price in $1000'\n"
        "set title 'The lines'\nset xrange [0:3200]\nset yrange [0:520]\n"
        "plot %.9g*x + %.9g with lines linewidth 2 linecolor rgb '%s' title 'the lesson', \\\n"
        "    %.9g*x + %.9g with lines linewidth 2 dashtype 2 linecolor rgb '%s' title 'least squares', \\\n"
        "    'linear-by-hand.dat' index 0 using 1:2 with points pointtype 7 pointsize 1.5 linecolor rgb '%s' title "
        "'houses'\n",
        l->w, l->b, plot_colour[0], l->w_best, l->b_best, plot_colour[1], plot_colour[6]);
    fprintf(p.script,
            "set title 'Loss above that of least squares'\nset xlabel 'step'\nset ylabel ''\nset xrange [1:%d]\n"
            "set yrange [*:*]\nset logscale xy\nset format y '%%g'\nset key bottom left\n"
            "plot 'linear-by-hand.dat' index 1 using 1:2 with lines linewidth 2 linecolor rgb '%s' title 'square feet, "
            "rate "
            "%g', \\\n"
            "    'linear-by-hand.dat' index 1 using 1:3 with lines linewidth 2 dashtype 2 linecolor rgb '%s' title "
            "'thousands of square feet, rate %.2g'\nunset multiplot\n",
            c->steps, plot_colour[0], c->lr.at[0], plot_colour[2], l->rate_scaled);
    course_draw(c, &p);
}

static void claims(course *c, const lines *l)
{
    bool fitted = l->loss < 1.01 * l->loss_best;
    course_claim(
        c, "fitted", fitted, "Run gradient descent for 1000 steps to fit a line to the data.",
        "The loss is %.4f, of least squares %.4f. After step %d it moves by less than 1 %%: the slope is fitted, b has "
        "gone from %g to %.4f. The eigenvalues of the second derivatives are %.4f and %.4g: the rate must stay below "
        "2 / %.4g = %.4g, and b would need about %.2g steps at this one for its last per cent.",
        l->loss, l->loss_best, l->settled, c->start.at[1], l->b, l->curvature[0], l->curvature[1], l->curvature[1],
        2 / l->curvature[1], l->needed);
    course_claim(c, "scikit-learn",
                 fabs(l->w - l->w_best) < 1e-3 * l->w_best && fabs(l->b - l->b_best) < 1e-3 * l->b_best,
                 "This is how scikit-learn's LinearRegression.fit() works under the hood.",
                 "It solves least squares: w = %.6f, b = %.4f, loss %.4f. The descent ends at w = %.6f, b = %.4f.",
                 l->w_best, l->b_best, l->loss_best, l->w, l->b);
    course_claim(
        c, "scale", l->loss <= 1.01 * l->loss_scaled, "A small learning rate, since sizes are big numbers.",
        "With sizes in thousands the eigenvalues are %.4f and %.4f; at the rate %.3g as many steps give w = %.6f, b = "
        "%.4f, loss %.4f. The sizes are to be scaled, not the rate.",
        l->curvature_scaled[0], l->curvature_scaled[1], l->rate_scaled, l->w_scaled, l->b_scaled, l->loss_scaled);
}

static void add_numbers(course *c, const lines *l, const double *loss)
{
    const struct {
        const char *name;
        double value;
    } all[] = {{"w", l->w},
               {"b", l->b},
               {"final_loss", l->loss},
               {"w_best", l->w_best},
               {"b_best", l->b_best},
               {"loss_best", l->loss_best},
               {"w_scaled", l->w_scaled},
               {"b_scaled", l->b_scaled},
               {"loss_scaled", l->loss_scaled},
               {"critical_rate", 2 / l->curvature[1]},
               {"steps_needed", l->needed}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        json_add_number(c->json, all[i].name, all[i].value, REEL_DOUBLE);
    json_add_whole(c->json, "settled", l->settled);
    json_add_numbers(c->json, "curvature", l->curvature, 2, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "loss", loss, c->steps + 1, REEL_DOUBLE, NULL);
}

static void run(course *c)
{
    lines l = {0};
    double thousands[HOUSES];
    for (int i = 0; i < HOUSES; i++) thousands[i] = size[i] / 1000;
    line_data feet = {HOUSES, size, price}, scaled = {HOUSES, thousands, price};
    const double start_scaled[] = {1000 * c->start.at[0], c->start.at[1]};
    double *path = course_numbers(c, 2 * (c->steps + 1)), *loss = course_numbers(c, c->steps + 1);
    double *path_scaled = course_numbers(c, 2 * (c->steps + 1)), *loss_scaled = course_numbers(c, c->steps + 1);
    least_squares(&l);
    course_curvature(c, line_loss, &feet, 2, c->start.at, l.curvature);
    course_curvature(c, line_loss, &scaled, 2, start_scaled, l.curvature_scaled);
    l.rate_scaled = 1 / l.curvature_scaled[1];
    course_descend(c, line_loss, &feet, 2, c->start.at, c->lr.at[0], c->steps, path, loss);
    course_descend(c, line_loss, &scaled, 2, start_scaled, l.rate_scaled, c->steps, path_scaled, loss_scaled);
    if (reel_failed(c->reel)) return;
    l.w = path[2 * c->steps];
    l.b = path[2 * c->steps + 1];
    l.loss = loss[c->steps];
    l.w_scaled = path_scaled[2 * c->steps] / 1000;
    l.b_scaled = path_scaled[2 * c->steps + 1];
    l.loss_scaled = loss_scaled[c->steps];
    l.needed = log(0.01) / log1p(-c->lr.at[0] * l.curvature[0]);
    l.settled = c->steps;
    while (l.settled > 0 && fabs(loss[l.settled - 1] - l.loss) < 0.01 * l.loss) l.settled--;
    print_progress(c, path, loss);
    print_model(c, &l, loss);
    print_compared(c, &l);
    add_numbers(c, &l, loss);
    claims(c, &l);
    draw(c, &l, loss, loss_scaled);
}

const exercise exercise_linear_by_hand = {
    .name = "linear-by-hand",
    .text = "Fit a line to sizes in square feet, and see what their scale does.",
    .lr = "1e-7",
    .start = "0.1,50",
    .steps = "1001",
    .momentum = "0",
    .optimizer = "sgd",
    .meaning = "--start W,B. With sizes in thousands the rate is 1 over the largest second derivative.",
    .json = "w, b, final_loss  after the last step\n"
            "w_best, b_best, loss_best  of least squares\n"
            "w_scaled, b_scaled, loss_scaled  with sizes in thousands; w for square feet\n"
            "curvature  eigenvalues of the second derivatives\n"
            "critical_rate  2 over the larger one\n"
            "steps_needed  for the last per cent of the flat direction\n"
            "settled  step from which on the loss stays within 1 % of where it ends\n"
            "loss  before the first and after each step",
    .run = run,
};
