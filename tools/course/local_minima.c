/* SPDX-License-Identifier: MIT
 *
 * Two minima: which one is the lower, who ends in which, and what helps.
 */
#include "course.h"

#include "escape.h"
#include "valley.h"

#include <math.h>
#include <string.h>

#define RESTARTS 10
#define TRIALS 60
#define GRID 161 /* starts between -4 and 4 */

typedef struct place {
    double x, height, curvature;
} place;

/* What the runs show. */
typedef struct findings {
    place flat[3];                               /* from left to right */
    int lowest;                                  /* of them */
    double basic, momentum, restarts, shaken[3]; /* shares that reach the lowest place */
    int escaped, caught;                         /* starts that momentum takes to the lowest place, or away from it */
    double ends[2][GRID];
} findings;

static const double deviation[3] = {0.5, 1, 2};

static double height_at(double x)
{
    return x * x * x * x - 8 * x * x + x;
}

/* The slope at x, by the tape. */
static double slope_at(course *c, double x)
{
    reel_params *params = descent_params(c->reel, "x", 1, &x);
    reel_tape *tape = reel_tape_new(c->reel, REEL_DOUBLE);
    reel_backward(valley_two(tape, params, NULL));
    reel_array gradient = reel_params_flat_gradient(params);
    double slope = reel_array_get(&gradient, 0);
    reel_tape_free(tape);
    reel_params_free(params);
    return slope;
}

/* Flat places between -4 and 4: where the slope changes sign, halved down to the last bits. */
static int flat_places(course *c, place *found)
{
    int count = 0;
    double step = 8.0 / 127, before = slope_at(c, -4);
    for (int k = 1; k <= 127 && count < 3; k++) {
        double low = -4 + (k - 1) * step, high = -4 + k * step, after = slope_at(c, high);
        if (before * after < 0) {
            for (int i = 0; i < 60; i++) {
                double middle = (low + high) / 2;
                *(slope_at(c, middle) * before > 0 ? &low : &high) = middle;
            }
            found[count] = (place){.x = low, .height = height_at(low)};
            course_curvature(c, valley_two, NULL, 1, &low, &found[count].curvature);
            count++;
        }
        before = after;
    }
    return count;
}

static double walk(course *c, double start, double momentum)
{
    double *x = course_numbers(c, c->steps + 1), kept = c->momentum;
    c->momentum = momentum;
    course_descend(c, valley_two, NULL, 1, &start, c->lr.at[0], c->steps, x, NULL);
    c->momentum = kept;
    return x[c->steps];
}

/* ---- the lesson's table ---- */

static void print_method(const course *c, const char *name, double x)
{
    /* The lesson's mark: above 0 it says global. */
    fprintf(c->table, "   %s x = %.4f, f(x) = %.4f %s\n", name, x, height_at(x), x > 0 ? "Global!" : "Stuck local");
}

static void print_lesson(course *c, double *methods)
{
    double local = -3, global = -3, lowest;
    for (int k = 0; k < 1000; k++) {
        double x = -3 + 6.0 * k / 999;
        if (k < 500 && height_at(x) < height_at(local)) local = x;
        if (height_at(x) < height_at(global)) global = x;
    }
    fprintf(c->table,
            "Escaping Local Minima\n=======================================================\n\nFunction Analysis:\n");
    fprintf(c->table, "   Local minimum: x ≈ %.2f, f(x) = %.2f\n", local, height_at(local));
    fprintf(c->table, "   Global minimum: x ≈ %.2f, f(x) = %.2f\n", global, height_at(global));
    fprintf(c->table, "\nExperiment Results (starting at x = %g):\n", c->start.at[0]);
    fprintf(c->table, "-------------------------------------------------------\n");
    methods[0] = walk(c, c->start.at[0], 0);
    methods[1] = walk(c, c->start.at[0], c->momentum);
    methods[2] = escape_by_restarts(c->reel, valley_two, c->lr.at[0], c->steps, reel_rng_numpy_new(c->reel, c->seed),
                                    RESTARTS, -4, 4, &lowest);
    print_method(c, "Basic GD:     ", methods[0]);
    print_method(c, "With Momentum:", methods[1]);
    print_method(c, "Random Restart:", methods[2]);
    fprintf(c->table, "\nImpact of Starting Position:\n   %-8s %-15s %-15s\n", "Start", "Basic GD", "Momentum");
    fprintf(c->table, "----------------------------------------\n");
    for (int i = 0; i < c->start.count; i++) {
        double basic = walk(c, c->start.at[i], 0), moved = walk(c, c->start.at[i], c->momentum);
        fprintf(c->table, "   %-8g x=%6.2f (%6.2f)   x=%6.2f (%6.2f)\n", c->start.at[i], basic, height_at(basic), moved,
                height_at(moved));
    }
}

/* ---- what helps ---- */

static bool reaches(const findings *f, double x)
{
    return fabs(x - f->flat[f->lowest].x) < 0.05;
}

static void compare(course *c, findings *f)
{
    double lowest;
    for (int k = 0; k < GRID; k++) {
        double start = -4 + 8.0 * k / (GRID - 1);
        f->ends[0][k] = walk(c, start, 0);
        f->ends[1][k] = walk(c, start, c->momentum);
        bool basic = reaches(f, f->ends[0][k]), moved = reaches(f, f->ends[1][k]);
        f->basic += (double)basic / GRID;
        f->momentum += (double)moved / GRID;
        f->escaped += moved && !basic;
        f->caught += basic && !moved;
    }
    reel_rng *rng = reel_rng_numpy_new(c->reel, c->seed + 1);
    for (int k = 0; k < TRIALS; k++) {
        f->restarts += (double)reaches(f, escape_by_restarts(c->reel, valley_two, c->lr.at[0], c->steps, rng, RESTARTS,
                                                             -4, 4, &lowest)) /
                       TRIALS;
        for (int i = 0; i < 3; i++)
            f->shaken[i] += (double)reaches(f, escape_by_shaking(c->reel, valley_two, c->lr.at[0], c->steps, rng,
                                                                 RESTARTS, 3, deviation[i], &lowest)) /
                            TRIALS;
    }
}

static void print_findings(const course *c, const findings *f)
{
    fprintf(c->more, "%-10s %-12s %-12s %s\n", "flat at", "f", "f''", "");
    for (int i = 0; i < 3; i++)
        fprintf(c->more, "%-10.4f %-12.4f %-12.4f %s\n", f->flat[i].x, f->flat[i].height, f->flat[i].curvature,
                f->flat[i].curvature < 0 ? "maximum"
                : i == f->lowest         ? "global minimum"
                                         : "local minimum");
    fprintf(c->more, "\nreach the global minimum           share\n");
    fprintf(c->more, "%-3d starts in [-4, 4]              %.4f\n", GRID, f->basic);
    fprintf(c->more, "the same with momentum %-11g%.4f\n", c->momentum, f->momentum);
    fprintf(c->more, "best of %d starts, %d trials      %.4f\n", RESTARTS, TRIALS, f->restarts);
    for (int i = 0; i < 3; i++)
        fprintf(c->more, "from 3, shaken %d x by N(0, %g^2)%s %.4f\n", RESTARTS, deviation[i],
                deviation[i] < 1 ? "" : "  ", f->shaken[i]);
}

static void add_numbers(course *c, const findings *f)
{
    cJSON *list = cJSON_AddArrayToObject(c->json, "flat");
    for (int i = 0; i < 3; i++) {
        cJSON *o = cJSON_CreateObject();
        json_add_number(o, "x", f->flat[i].x, REEL_DOUBLE);
        json_add_number(o, "height", f->flat[i].height, REEL_DOUBLE);
        json_add_number(o, "curvature", f->flat[i].curvature, REEL_DOUBLE);
        cJSON_AddItemToArray(list, o);
    }
    json_add_number(c->json, "basic", f->basic, REEL_DOUBLE);
    json_add_number(c->json, "with_momentum", f->momentum, REEL_DOUBLE);
    json_add_number(c->json, "restarts", f->restarts, REEL_DOUBLE);
    json_add_numbers(c->json, "shaken", f->shaken, 3, REEL_DOUBLE, NULL);
}

static void claims(course *c, const findings *f, const double *methods)
{
    int wrong = 0;
    for (int i = 0; i < 3; i++) wrong += (methods[i] > 0) != reaches(f, methods[i]);
    const place *left = &f->flat[0], *right = &f->flat[2];
    json_add_whole(c->json, "marks_wrong", wrong);
    course_claim(
        c, "minima", right->height < left->height, "Local minimum near x = -2, global minimum near x = 2.",
        "The other way round: f(%.4f) = %.4f on the left, f(%.4f) = %.4f on the right; maximum f(%.4f) = %.4f.",
        left->x, left->height, right->x, right->height, f->flat[1].x, f->flat[1].height);
    course_claim(c, "marks", wrong == 0, "The marks: Global! where x > 0, Stuck local elsewhere.",
                 "%d of the 3 marks are wrong; the methods end at %.4f, %.4f and %.4f.", wrong, methods[0], methods[1],
                 methods[2]);
    course_claim(
        c, "momentum", f->momentum > f->basic, "Momentum helps escape shallow local minima.",
        "Of %d starts in [-4, 4] a share of %.3f reaches the lower minimum without momentum and %.3f with %g: it "
        "takes %d starts there and %d away from there.",
        GRID, f->basic, f->momentum, c->momentum, f->escaped, f->caught);
    course_claim(c, "restarts", f->restarts > 0.5, "Random restarts are simple but effective.",
                 "The best of %d starts is the lower minimum in %.1f %% of %d trials; a start alone in %.1f %%.",
                 RESTARTS, 100 * f->restarts, TRIALS, 100 * f->basic);
    double best = fmax(f->shaken[0], fmax(f->shaken[1], f->shaken[2]));
    course_claim(
        c, "noise", best > 0.5, "Noise on the parameters shakes the walk out of a basin.",
        "From 3, shaken %d times, the lower minimum is found in %.1f, %.1f and %.1f %% of %d trials at the deviations "
        "%g, %g and %g.",
        RESTARTS, 100 * f->shaken[0], 100 * f->shaken[1], 100 * f->shaken[2], TRIALS, deviation[0], deviation[1],
        deviation[2]);
}

static void draw(course *c, const findings *f)
{
    plot p;
    if (!course_picture(c, &p, "local-minima", 1000, 760,
                        "Above: x^4 - 8 x^2 + x; the minima. Below: where each start ends, without and with "
                        "momentum."))
        return;
    double rows[3 * GRID];
    for (int k = 0; k < GRID; k++) {
        rows[3 * k] = -4 + 8.0 * k / (GRID - 1);
        rows[3 * k + 1] = f->ends[0][k];
        rows[3 * k + 2] = f->ends[1][k];
    }
    course_data(c, &p, GRID, 3, rows);
    fprintf(
        p.script,
        "set multiplot layout 2,1\nset lmargin 10\nset xrange [-4:4]\nset yrange [-27:25]\nset samples 400\nunset key\n"
        "set ylabel 'x^4 - 8 x^2 + x'\nset title 'Two minima: the lower one is on the %s'\n",
        f->lowest ? "right" : "left");
    for (int i = 0; i < 3; i++) {
        bool top = f->flat[i].curvature < 0;
        fprintf(p.script,
                "set label %d '%s (%.4f, %.4f)' at %.9g, %.9g center offset 0, %s point pointtype 7 pointsize 1.4 "
                "linecolor "
                "rgb '%s'\n",
                i + 1,
                top              ? "maximum"
                : i == f->lowest ? "global minimum"
                                 : "local minimum",
                f->flat[i].x, f->flat[i].height, f->flat[i].x, f->flat[i].height, top ? "1.2" : "-1.2", plot_colour[1]);
    }
    fprintf(
        p.script,
        "plot x**4 - 8*x**2 + x with lines linewidth 2 linecolor rgb '%s'\nunset label\n"
        "set title 'Where each start ends (rate %g, %d steps)'\nset xlabel 'start'\nset ylabel 'end'\nset yrange "
        "[-3:3]\n"
        "set key center right opaque\n"
        "plot 'local-minima.dat' using 1:2 with points pointtype 7 pointsize 0.7 linecolor rgb '%s' title 'no "
        "momentum', "
        "\\\n    'local-minima.dat' using 1:3 with points pointtype 4 pointsize 1.3 linecolor rgb '%s' title 'momentum "
        "%g'\nunset multiplot\n",
        plot_colour[0], c->lr.at[0], c->steps, plot_colour[0], plot_colour[1], c->momentum);
    course_draw(c, &p);
}

static void run(course *c)
{
    findings f = {0};
    double methods[3];
    if (flat_places(c, f.flat) != 3) {
        reel_error_set(c->reel, REEL_NOT_FOUND, "", "local-minima", "found fewer than 3 flat places");
        return;
    }
    f.lowest = f.flat[0].height < f.flat[2].height ? 0 : 2;
    print_lesson(c, methods);
    compare(c, &f);
    if (reel_failed(c->reel)) return;
    print_findings(c, &f);
    add_numbers(c, &f);
    claims(c, &f, methods);
    draw(c, &f);
}

const exercise exercise_local_minima = {
    .name = "local-minima",
    .text = "Find the lower of two minima: by momentum, by many starts, by shaking.",
    .lr = "0.01",
    .start = "-3,-1,0,1,3",
    .steps = "200",
    .momentum = "0.9",
    .optimizer = "sgd",
    .seed = "42",
    .any_start = true,
    .meaning = "The three methods begin at the first start; --seed draws those of the restarts, and the noise. "
               "--momentum is that "
               "of the second column.",
    .json = "flat  of each flat place, from left to right: x, height, curvature\n"
            "basic, with_momentum  share of the starts in [-4, 4] that reach the lower minimum\n"
            "restarts  the same of 60 trials with 10 starts each\n"
            "shaken  of 60 trials from 3 with 10 shakes, by deviation: 0.5, 1, 2\n"
            "marks_wrong  of the lesson's three",
    .run = run,
};
