/* SPDX-License-Identifier: MIT
 *
 * The parabola at many rates: which converge, which overshoot, which leave, and where the limit is.
 */
#include "course.h"

#include "valley.h"

#include <math.h>
#include <string.h>

#define LEFT 1000 /* the lesson's walk ends beyond */

typedef enum outcome { FALLS, OVERSHOOTS, CYCLES, DIVERGES } outcome;
static const char *const outcome_text[] = {"converges from one side", "converges, overshooting each time",
                                           "stays at the same distance for ever", "moves away"};

typedef struct walk {
    double rate;
    double *x; /* (steps + 1) */
    int steps; /* until beyond LEFT */
    outcome found;
    const char *status; /* by the lesson's rule */
} walk;

/* What the lesson's program calls a walk. */
static const char *lesson_status(const walk *w)
{
    double final = w->x[w->steps];
    if (fabs(final) > LEFT) return "DIVERGED";
    if (fabs(final - 2) < 0.01) return "Converged";
    bool moves = false;
    for (int k = w->steps - 4 > 0 ? w->steps - 4 : 0; k < w->steps; k++)
        moves = moves || rint(1e4 * w->x[k]) != rint(1e4 * w->x[w->steps]);
    return moves && fabs(final - 2) < 1 ? "Oscillating" : "Still converging";
}

/* What it does: from how the distances to 2 go and how often x changes sides. */
static outcome outcome_of(const walk *w)
{
    double first = fabs(w->x[0] - 2), last = fabs(w->x[w->steps] - 2);
    int crossings = 0;
    for (int k = 1; k <= w->steps; k++) crossings += (w->x[k] - 2) * (w->x[k - 1] - 2) < 0;
    if (!(last <= first * (1 + 1e-9))) return DIVERGES;
    if (last >= first * (1 - 1e-9)) return CYCLES;
    return crossings > 0 ? OVERSHOOTS : FALLS;
}

/* The status that tells as much as the outcome does. */
static bool fits(const walk *w)
{
    bool near = fabs(w->x[w->steps] - 2) < 0.01;
    switch (w->found) {
    case FALLS: return strcmp(w->status, near ? "Converged" : "Still converging") == 0;
    case OVERSHOOTS: return strcmp(w->status, near ? "Converged" : "Oscillating") == 0;
    case CYCLES: return strcmp(w->status, "Oscillating") == 0;
    default: return strcmp(w->status, "DIVERGED") == 0;
    }
}

static walk walk_at(course *c, double rate)
{
    walk w = {.rate = rate, .x = course_numbers(c, c->steps + 1)};
    course_descend(c, valley_parabola, NULL, 1, c->start.at, rate, c->steps, w.x, NULL);
    while (w.steps < c->steps && fabs(w.x[w.steps]) <= LEFT) w.steps++;
    w.status = lesson_status(&w);
    w.found = outcome_of(&w);
    return w;
}

/* Does a long walk at this rate come nearer to the minimum? By the largest distance in its third and in its last
 * quarter, so that what momentum does at the start is over. */
static bool approaches(course *c, double rate, double *x, int steps)
{
    double third = 0, last = 0;
    course_descend(c, valley_parabola, NULL, 1, c->start.at, rate, steps, x, NULL);
    for (int k = steps / 2; k < steps * 3 / 4; k++) third = fmax(third, fabs(x[k] - 2));
    for (int k = steps * 3 / 4; k <= steps; k++) last = fmax(last, fabs(x[k] - 2));
    return last < third || last < 1e-9 * fabs(x[0] - 2);
}

/* The rate between two that approach and do not, halved until the doubles meet. */
static double critical_rate(course *c)
{
    enum { LONG = 400 };
    double *x = course_numbers(c, LONG + 1), low = 0, high = 1.0 / 64;
    while (high < 1e6 && approaches(c, high, x, LONG)) low = high, high *= 2;
    for (int k = 0; k < 60 && low < high; k++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) break;
        *(approaches(c, middle, x, LONG) ? &low : &high) = middle;
    }
    return high;
}

/* The lesson's mark of an explosion: |x| above 100 after ten steps. */
static bool marked(const walk *w)
{
    return fabs(w->x[w->steps < 10 ? w->steps : 10]) > 100;
}

/* Python's way to print a rate: with a point. */
static const char *rate_text(double rate, char text[NUMBER_SIZE])
{
    number_text(rate, REEL_DOUBLE, text);
    if (!strpbrk(text, ".e")) strcat(text, ".0");
    return text;
}

static void print_results(const course *c, const walk *walks, int count)
{
    char rate[NUMBER_SIZE];
    fprintf(c->table, "Learning Rate Experiments\n=======================================================\n");
    fprintf(c->table, "Target: x* = 2.0 (minimum of f(x) = x² - 4x + 5)\n\nResults after %d steps:\n", c->steps);
    fprintf(c->table, "%-8s %-12s %-20s %s\n", "LR", "Final x", "Distance to optimal", "Status");
    fprintf(c->table, "------------------------------------------------------------\n");
    for (int i = 0; i < count; i++) {
        double x = walks[i].x[walks[i].steps];
        fprintf(c->table, "%-8s ", rate_text(walks[i].rate, rate));
        if (fabs(x) < LEFT)
            fprintf(c->table, "%-12.4f %-20.6f %s\n", x, fabs(x - 2), walks[i].status);
        else
            fprintf(c->table, "%12s %22s %s\n", "inf", "∞", walks[i].status);
    }
    fprintf(c->table, "\nDetailed Trajectories (first 10 steps):\n");
    for (int i = 0; i < count; i++) {
        /* The lesson shows these. */
        if (!c->changed && walks[i].rate != 0.1 && walks[i].rate != 0.9 && walks[i].rate != 1.1) continue;
        fprintf(c->table, "\n   LR = %s:\n   ", rate_text(walks[i].rate, rate));
        int shown = walks[i].steps < 7 ? walks[i].steps : 7;
        for (int k = 0; k <= shown; k++) fprintf(c->table, "%s%.2f", k ? " → " : "", walks[i].x[k]);
        fprintf(c->table, "%s\n", marked(&walks[i]) ? " → (explodes)" : "");
    }
}

static void print_critical(course *c, double curvature)
{
    double edge[5];
    course_descend(c, valley_parabola, NULL, 1, c->start.at, 2 / curvature, 4, edge, NULL);
    fprintf(c->table, "\nCritical Learning Rate Analysis:\n   For f(x) = x², the 2nd derivative f''(x) = %.0f\n",
            curvature);
    fprintf(c->table, "   Critical LR = 2/f''(x) = 2/%.0f = %.1f\n   - LR < %.1f: Converges\n", curvature,
            2 / curvature, 2 / curvature);
    fprintf(c->table,
            "   - LR = %.1f: Oscillates forever (x → %.0f → %.0f → %.0f → %.0f...)\n"
            "   - LR > %.1f: Diverges!\n",
            2 / curvature, rint(edge[0]) + 0.0, rint(edge[1]) + 0.0, rint(edge[2]) + 0.0, rint(edge[3]) + 0.0,
            2 / curvature);
}

static void draw(course *c, const walk *walks, int count, double critical)
{
    plot p;
    if (!course_picture(
            c, &p, "learning-rates", 1200, 590,
            "Left: the distance to the minimum over the steps, at each rate. Right: what one step multiplies it by, "
            "|1 - 2 rate|, and the rate found by bisection beyond which it grows."))
        return;
    double *rows = course_numbers(c, 2 * (c->steps + 1));
    for (int i = 0; i < count; i++) {
        for (int k = 0; k <= c->steps; k++) {
            double distance = k <= walks[i].steps ? fabs(walks[i].x[k] - 2) : NAN;
            bool arrives = k > 0 && distance < 1e-4 && fabs(walks[i].x[k - 1] - 2) >= 1e-4;
            rows[2 * k] = k;
            rows[2 * k + 1] = arrives ? 1e-4 : distance < 1e-4 ? NAN : distance;
        }
        course_data(c, &p, c->steps + 1, 2, rows);
    }
    for (int i = 0; i < count; i++)
        course_data(c, &p, 1, 2, (const double[]){walks[i].rate, fabs(walks[i].x[1] - 2) / fabs(walks[i].x[0] - 2)});
    fprintf(p.script,
            "set multiplot layout 1,2\nset title 'Distance to the minimum (at the bottom: below 0.0001)'\n"
            "set xlabel 'step'\nset ylabel '|x - 2|'\nset logscale y\nset format y '%%g'\nset yrange [1e-4:1e3]\n"
            "set xrange [0:%d]\nset key outside below horizontal width 1\nplot ",
            c->steps);
    for (int i = 0; i < count; i++)
        fprintf(p.script,
                "%s'learning-rates.dat' index %d using 1:2 with linespoints dashtype %d pointtype %d pointsize 0.8 "
                "linewidth 2 "
                "linecolor rgb '%s' title '%g'",
                i ? ", \\\n    " : "", i, 1 + i % 3, (const int[]){7, 5, 9, 11, 13, 6, 4}[i % 7],
                plot_colour[i % PLOT_COLOURS], walks[i].rate);
    double most = critical * 1.6;
    fprintf(p.script,
            "\nset title 'Factor of the distance in the first step'\nset xlabel 'learning rate'\nset ylabel ''\nunset "
            "logscale\nset yrange [0:*]\nset xrange [0:%g]\nunset key\nset samples 600\n"
            "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead dashtype 2 linewidth 1.5 linecolor rgb '%s'\n"
            "set arrow from graph 0, first 1 to graph 1, first 1 nohead linecolor rgb '#888888'\n"
            "set label 'critical rate %.6g' at %.9g, graph 0.95 right offset -1, 0\nplot abs(1 - 2*x) with lines "
            "linewidth 2 linecolor rgb '#888888'",
            most, critical, critical, plot_colour[6], critical, critical);
    for (int i = 0; i < count; i++)
        fprintf(p.script,
                ", \\\n    'learning-rates.dat' index %d using 1:2 with points pointtype %d pointsize 1.6 linecolor "
                "rgb '%s'",
                count + i, (const int[]){7, 5, 9, 11, 13, 6, 4}[i % 7], plot_colour[i % PLOT_COLOURS]);
    fprintf(p.script, "\nunset multiplot\n");
    course_draw(c, &p);
}

/* The distance that Adam's walk leaves at each rate, and the largest of them. */
static double adam_leaves(course *c, double *distance)
{
    double *x = course_numbers(c, c->steps + 1), worst = 0;
    for (int i = 0; i < c->lr.count; i++) {
        reel_params *params = descent_params(c->reel, "x", 1, c->start.at);
        descend(reel_adam_new(params, c->lr.at[i]), valley_parabola, NULL, c->steps, x, NULL);
        distance[i] = fabs(x[c->steps] - 2);
        worst = fmax(worst, distance[i]);
    }
    return worst;
}

static void claims(course *c, const walk *walks, int count, double critical, double curvature)
{
    int wrong = 0, infinite = 0, printed = 0, away = 0, missed = 0;
    char list[300] = "";
    double ends = NAN, distance[COURSE_LIST], worst = adam_leaves(c, distance);
    for (int i = 0; i < count; i++) {
        double x = walks[i].x[walks[i].steps];
        if (fabs(x) >= LEFT) printed++, infinite += isinf(x), ends = x;
        if (walks[i].found == DIVERGES) away++, missed += !marked(&walks[i]);
        if (fits(&walks[i])) continue;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%g %s", wrong ? ", " : ": ", walks[i].rate,
                 outcome_text[walks[i].found]);
        wrong++;
    }
    json_add_whole(c->json, "statuses_wrong", wrong);
    json_add_numbers(c->json, "adam_distance", distance, count, REEL_DOUBLE, NULL);
    course_claim(c, "status", wrong == 0, "The status column: Converged, Oscillating, Still converging, DIVERGED.",
                 "%d of %d rates have a status that does not say what the walk does%s.", wrong, count, list);
    if (printed)
        course_claim(c, "infinite", infinite == printed, "The final x of a diverged walk is inf.",
                     "%d of %d are. The walk is stopped once |x| > %d, the last one at x = %g.", infinite, printed,
                     LEFT, ends);
    if (away > 0)
        course_claim(c, "mark", missed == 0, "A trajectory that explodes is marked as such.",
                     "%d of %d walks that move away are not marked: they have not passed |x| = 100 after ten steps.",
                     missed, away);
    course_claim(
        c, "critical", fabs(critical - 2 / curvature) < 1e-6, "The critical rate is 2 / f'' = 1.0 (for f(x) = x^2).",
        "By bisection the walk stops approaching at the rate %.9f; 2 / lambda = %.9f, with lambda = %.6f the second "
        "derivative of x^2 - 4 x + 5, which is the function here.",
        critical, 2 / curvature, curvature);
    course_claim(c, "adam", worst < 0.01, "That is why Adam adapts the learning rate by itself.",
                 "After %d steps Adam is %.3g to %.3g from the minimum, depending on the rate: it needs one as well.",
                 c->steps, fmin(distance[0], distance[count / 2]), worst);
}

static void run(course *c)
{
    walk walks[COURSE_LIST];
    double curvature, at = 2;
    for (int i = 0; i < c->lr.count; i++) walks[i] = walk_at(c, c->lr.at[i]);
    course_curvature(c, valley_parabola, NULL, 1, &at, &curvature);
    double critical = critical_rate(c);
    if (reel_failed(c->reel)) return;
    print_results(c, walks, c->lr.count);
    print_critical(c, curvature);
    double final[COURSE_LIST];
    fprintf(c->more, "%-8s %-12s %s\n", "rate", "x", "what it does");
    for (int i = 0; i < c->lr.count; i++) {
        final[i] = walks[i].x[walks[i].steps];
        fprintf(c->more, "%-8g %-12.6g %s\n", walks[i].rate, final[i], outcome_text[walks[i].found]);
    }
    fprintf(c->more, "\ncritical rate by bisection  %.12f\n2 / lambda                  %.12f\n", critical,
            2 / curvature);
    json_add_numbers(c->json, "final", final, c->lr.count, REEL_DOUBLE, NULL);
    json_add_number(c->json, "curvature", curvature, REEL_DOUBLE);
    json_add_number(c->json, "critical_rate", critical, REEL_DOUBLE);
    json_add_number(c->json, "limit", 2 / curvature, REEL_DOUBLE);
    claims(c, walks, c->lr.count, critical, curvature);
    draw(c, walks, c->lr.count, critical);
}

const exercise exercise_learning_rates = {
    .name = "learning-rates",
    .text = "Compare learning rates on x^2 - 4 x + 5 and find the critical one by bisection.",
    .lr = "0.01,0.1,0.5,0.9,1,1.1,1.5",
    .start = "0",
    .steps = "20",
    .momentum = "0",
    .optimizer = "sgd",
    .any_lr = true,
    .json = "final  x at the end of each walk\n"
            "curvature  the second derivative\n"
            "critical_rate  found by bisection, with 400 steps each\n"
            "limit  2 over the curvature\n"
            "statuses_wrong  rates whose status does not say what the walk does\n"
            "adam_distance  that Adam leaves, rate by rate",
    .run = run,
};
