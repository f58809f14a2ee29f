/* SPDX-License-Identifier: MIT
 *
 * One neuron on two samples, and on XOR.
 */
#include "course.h"

#include "neuron.h"

#include <math.h>

#define LONG_RUN 10000
#define NEAR 0.05 /* how near a prediction is to be to its target */

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

static void draw(course *c, int steps, const double *path, const double *loss, const double *loss_xor)
{
    plot p;
    if (!course_picture(
            c, &p, "neuron", 1200, 520,
            "Left: what the neuron gives for x, and the two samples. Right: the loss on the lesson's samples and on "
            "XOR, where it stays at 0.25."))
        return;
    double *rows = course_numbers(c, 3 * (steps + 1));
    for (int k = 0; k <= steps; k++) {
        rows[3 * k] = k ? k : NAN;
        rows[3 * k + 1] = loss[k];
        rows[3 * k + 2] = loss_xor[k];
    }
    course_data(c, &p, 2, 2, (const double[]){0, 0, 1, 1});
    course_data(c, &p, steps + 1, 3, rows);
    fprintf(p.script,
            "set multiplot layout 1,2\nset key top left\nset xlabel 'x'\nset ylabel 'prediction'\n"
            "set title 'sigmoid(w x + b) after so many steps'\nset xrange [-0.5:1.5]\nset yrange [-0.05:1.05]\nplot ");
    const int after[] = {0, 10, c->steps, steps};
    for (int k = 0; k < 4; k++)
        fprintf(p.script,
                "1/(1+exp(-(%.9g*x + %.9g))) with lines linewidth 2 linecolor rgb '%s' title 'after %d', \\\n    ",
                path[2 * after[k]], path[2 * after[k] + 1], plot_colour[(const int[]){4, 3, 5, 0}[k]], after[k]);
    fprintf(
        p.script,
        "'neuron.dat' index 0 using 1:2 with points pointtype 7 pointsize 1.6 linecolor rgb '%s' title 'samples'\n"
        "set title 'Mean squared error'\nset xlabel 'step'\nset ylabel ''\nset xrange [1:%d]\nset yrange [*:1]\n"
        "set logscale xy\nset format y '%%g'\nset key bottom left\n"
        "plot 'neuron.dat' index 1 using 1:2 with lines linewidth 2 linecolor rgb '%s' title 'the lesson, 0 to 0 and 1 "
        "to 1', \\\n"
        "    'neuron.dat' index 1 using 1:3 with lines linewidth 2 dashtype 2 linecolor rgb '%s' title 'XOR'\n"
        "unset multiplot\n",
        plot_colour[6], steps, plot_colour[0], plot_colour[1]);
    course_draw(c, &p);
}

static void run(course *c)
{
    neuron_data lesson = {2, 1, (const double[]){0, 1}, (const double[]){0, 1}};
    neuron_data exclusive = {4, 2, (const double[]){0, 0, 0, 1, 1, 0, 1, 1}, (const double[]){0, 1, 1, 0}};
    int steps = c->steps < LONG_RUN ? LONG_RUN : c->steps;
    double *path = course_numbers(c, 2 * (steps + 1)), *loss = course_numbers(c, steps + 1);
    double *loss_xor = course_numbers(c, steps + 1);
    const double start[] = {c->start.at[0], c->start.at[0], c->start.at[1]};
    course_descend(c, neuron_loss, &lesson, 2, c->start.at, c->lr.at[0], steps, path, loss);
    course_descend(c, neuron_loss, &exclusive, 3, start, c->lr.at[0], steps, NULL, loss_xor);
    if (reel_failed(c->reel)) return;
    double w = path[2 * c->steps], b = path[2 * c->steps + 1], p0 = sigmoid(b), p1 = sigmoid(w + b);
    double w_long = path[2 * steps], b_long = path[2 * steps + 1];
    fprintf(c->table, "Training Neural Network...\nFinal Weights: w=%.2f, b=%.2f\n", w, b);
    fprintf(c->table, "Prediction for 0: %.2f\nPrediction for 1: %.2f\n", p0, p1);

    json_add_number(c->json, "w", w, REEL_DOUBLE);
    json_add_number(c->json, "b", b, REEL_DOUBLE);
    json_add_number(c->json, "p0", p0, REEL_DOUBLE);
    json_add_number(c->json, "p1", p1, REEL_DOUBLE);
    json_add_number(c->json, "p0_long", sigmoid(b_long), REEL_DOUBLE);
    json_add_number(c->json, "p1_long", sigmoid(w_long + b_long), REEL_DOUBLE);
    json_add_number(c->json, "loss_xor", loss_xor[steps], REEL_DOUBLE);
    json_add_numbers(c->json, "loss", loss, steps + 1, REEL_DOUBLE, NULL);
    course_claim(c, "solved", p0 < NEAR && p1 > 1 - NEAR,
                 "Train a simple neural network to solve a problem: 0 to 0, 1 to 1.",
                 "After %d steps it gives %.2f and %.2f, after %d %.4f and %.4f.", c->steps, p0, p1, steps,
                 sigmoid(b_long), sigmoid(w_long + b_long));
    course_claim(
        c, "xor", loss_xor[steps] < 0.1, "The training data are XOR-like.",
        "Each target equals its input, which one neuron can learn (loss %.2g after %d steps). XOR it cannot: on the "
        "four samples of XOR the loss goes from %.4f to %.4f, that of answering 0.5 to everything.",
        loss[steps], steps, loss_xor[0], loss_xor[steps]);
    draw(c, steps, path, loss, loss_xor);
}

const exercise exercise_neuron = {
    .name = "neuron",
    .text = "Train one neuron on two samples, and see what it cannot learn.",
    .lr = "1",
    .start = "0.5,0",
    .steps = "100",
    .momentum = "0",
    .optimizer = "sgd",
    .meaning = "--start W,B. The run goes on to step 10000 at least.",
    .json = "w, b, p0, p1  after the steps of the table, with what is predicted for 0 and 1\n"
            "p0_long, p1_long  after all steps\n"
            "loss  on the samples, before the first and after each step\n"
            "loss_xor  on XOR, after all steps",
    .run = run,
};
