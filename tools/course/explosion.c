/* SPDX-License-Identifier: MIT
 *
 * From a large weight to infinity to NaN, and what brings a training back.
 */
#include "course.h"

#include "../options.h"
#include "explosion.h"

#include <math.h>

_Static_assert(sizeof(explosion_step) == 3 * sizeof(double), "a log is a list of numbers");
enum { HOUSES = 5, HIDDEN = 8, COPY_EVERY = 10 };

static double size[HOUSES] = {1.0, 1.5, 2.0, 2.5, 3.0};  /* in 1000 square feet */
static double price[HOUSES] = {2.0, 2.8, 3.5, 4.0, 4.8}; /* in $100,000 */

/* One training. */
typedef struct training {
    const char *name;
    explosion_step *log; /* (steps + 1) */
    double last;         /* loss at the end */
} training;

enum { ALONE, SINGLE, SLOWER, CLIPPED, LATE, COPIES, TRAININGS };

typedef struct findings {
    training all[TRAININGS];
    explosion_origin origins[2];
    int returns;
    int weight, gradient, loss,
        nan;       /* first step with a weight above 1e6, a gradient above it, an infinite loss, a NaN */
    int beyond[3]; /* first step with a loss that float16, float and double cannot hold */
} findings;

/* A network as it starts, in float or double, and its optimizer. */
static reel_optimizer *start(course *c, reel_dtype dtype, double rate, explosion_net *net)
{
    reel_params *params = reel_params_new(c->reel, dtype);
    *net = explosion_net_new(params, 1, HIDDEN, reel_rng_numpy_new(c->reel, c->seed));
    return course_optimizer(c, params, rate);
}

static void train_all(course *c, findings *f)
{
    double rate = c->lr.at[0];
    const int64_t shape[] = {HOUSES, 1};
    reel_array x = reel_array_view(REEL_DOUBLE, size, 2, shape), y = reel_array_view(REEL_DOUBLE, price, 2, shape);
    const char *const names[] = {"alone",
                                 "alone, in float",
                                 "a tenth of the rate",
                                 "gradients clipped to norm 1",
                                 "clipped once it is NaN",
                                 "back to a copy, a tenth of the rate"};
    for (int k = 0; k < TRAININGS; k++)
        f->all[k] = (training){names[k], (explosion_step *)course_numbers(c, 3 * ((int64_t)c->steps + 1)), 0};
    explosion_net net;
    reel_optimizer *alone = start(c, REEL_DOUBLE, rate, &net), *optimizer;
    explosion_train(net, alone, &x, &y, c->steps, f->all[ALONE].log, f->origins);
    /* The same parameters, clipped from here on; gradients that are not finite are left out, nothing else being
     * possible. */
    reel_optimizer_set(alone, "clip_norm", 1);
    reel_optimizer_set(alone, "clip_nonfinite", 1);
    explosion_train(net, alone, &x, &y, c->steps, f->all[LATE].log, NULL);
    optimizer = start(c, REEL_FLOAT, rate, &net);
    explosion_train(net, optimizer, &x, &y, c->steps, f->all[SINGLE].log, NULL);
    optimizer = start(c, REEL_DOUBLE, rate / 10, &net);
    explosion_train(net, optimizer, &x, &y, c->steps, f->all[SLOWER].log, NULL);
    optimizer = start(c, REEL_DOUBLE, rate, &net);
    reel_optimizer_set(optimizer, "clip_norm", 1);
    explosion_train(net, optimizer, &x, &y, c->steps, f->all[CLIPPED].log, NULL);
    optimizer = start(c, REEL_DOUBLE, rate, &net);
    f->returns = explosion_train_with_copies(net, optimizer, &x, &y, c->steps, COPY_EVERY, f->all[COPIES].log);
    for (int k = 0; k < TRAININGS; k++) f->all[k].last = f->all[k].log[c->steps].loss;
}

static int first(const training *t, int steps, bool (*is)(const explosion_step *))
{
    for (int k = 0; k <= steps; k++)
        if (is(&t->log[k])) return k;
    return -1;
}

static bool weight_large(const explosion_step *s)
{
    return s->weight > 1e6;
}
static bool gradient_large(const explosion_step *s)
{
    return s->gradient > 1e6;
}
static bool loss_infinite(const explosion_step *s)
{
    return isinf(s->loss);
}
static bool is_nan(const explosion_step *s)
{
    return isnan(s->loss) || isnan(s->gradient);
}
static bool not_finite(const explosion_step *s)
{
    return !isfinite(s->loss);
}
static bool beyond_half(const explosion_step *s)
{
    return !(s->loss <= 65504);
}

static void find_steps(const course *c, findings *f)
{
    const training *alone = &f->all[ALONE];
    f->weight = first(alone, c->steps, weight_large);
    f->gradient = first(alone, c->steps, gradient_large);
    f->loss = first(alone, c->steps, loss_infinite);
    f->nan = first(alone, c->steps, is_nan);
    f->beyond[0] = first(alone, c->steps, beyond_half);
    f->beyond[1] = first(&f->all[SINGLE], c->steps, not_finite);
    f->beyond[2] = first(alone, c->steps, not_finite);
}

/* ---- what is printed ---- */

/* Six digits; a NaN has no sign. */
static const char *short_text(double value, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, isnan(value) ? "nan" : "%.6g", value);
    return text;
}

static void print_log(const course *c, const findings *f)
{
    const explosion_step *log = f->all[ALONE].log;
    int end = f->nan >= 0 ? f->nan : c->steps;
    fprintf(c->table, "%-8s %-16s %-16s %s\n", "step", "largest weight", "gradient norm", "loss");
    for (int k = 0; k <= end; k++) {
        bool shown =
            k < 4 || k == f->loss || k == f->nan || k + 1 == f->nan || k % (end < 100 ? 10 : 50) == 0 || k == end;
        if (!shown) continue;
        char text[3][NUMBER_SIZE];
        fprintf(c->table, "%-8d %-16s %-16s %s\n", k, short_text(log[k].weight, text[0]),
                short_text(log[k].gradient, text[1]), short_text(log[k].loss, text[2]));
    }
    for (int k = 0; k < 2; k++) {
        if (f->origins[k].step < 0) continue;
        fprintf(c->table, "\nthe first %s, step %d:\n  ", k ? "NaN" : "number that is not finite", f->origins[k].step);
        option_words(c->table, 2, 2, f->origins[k].text);
    }
    char text[NUMBER_SIZE];
    fprintf(c->more, "loss after %d steps\n", c->steps);
    for (int k = 0; k < TRAININGS; k++)
        fprintf(c->more, "%-40s %s\n", f->all[k].name, short_text(f->all[k].last, text));
}

static void claims(course *c, const findings *f)
{
    const training *all = f->all;
    double begin = all[ALONE].log[0].loss;
    bool order = f->nan >= 0 && f->weight >= 0 && f->gradient >= 0 && f->weight <= f->loss && f->gradient <= f->loss &&
                 f->loss <= f->nan;
    course_claim(c, "sequence", order, "A huge weight, an even larger gradient, infinity, NaN: in this order.",
                 "A gradient above 1e6 in step %d, a weight in step %d, an infinite loss in step %d, NaN in step %d "
                 "(-1: never).",
                 f->gradient, f->weight, f->loss, f->nan);
    const explosion_origin *nan = &f->origins[1];
    char found[200];
    if (nan->step < 0)
        snprintf(found, sizeof found, "There is no NaN in %d steps.", c->steps);
    else
        snprintf(found, sizeof found, "In step %d the walk back through %s makes an infinite gradient; %s", nan->step,
                 nan->operation,
                 nan->zero_times_infinity ? "tanh, at exactly 1 or -1, multiplies it by its derivative 0."
                                          : "tanh does not multiply it by 0.");
    course_claim(c, "zero", nan->step >= 0 && nan->zero_times_infinity,
                 "Infinity produces NaN when multiplied by zero in some activation.", "%s", found);
    course_claim(
        c, "float16", f->beyond[0] >= 0 && f->beyond[0] < f->beyond[1] && f->beyond[1] < f->beyond[2],
        "float16 overflows at 65,504, much sooner than float64.",
        "The loss passes 65,504 in step %d; it is infinite in float in step %d, in double in step %d (-1: never).",
        f->beyond[0], f->beyond[1], f->beyond[2]);
    bool lost = !isfinite(all[LATE].last), back = isfinite(all[COPIES].last) && all[COPIES].last < begin;
    char late[NUMBER_SIZE], clipped[NUMBER_SIZE], alone[NUMBER_SIZE];
    short_text(all[LATE].last, late);
    short_text(all[CLIPPED].last, clipped);
    short_text(all[ALONE].last, alone);
    course_claim(
        c, "recovery", lost && back, "With a NaN in the weights recovery is impossible without reloading a checkpoint.",
        "Clipped from then on, the loss after %d more steps is %s. Going back to a copy (%d times) and on at a tenth "
        "of the rate ends at %.6g, from %.6g.",
        c->steps, late, f->returns, all[COPIES].last, begin);
    course_claim(
        c, "clipping", isfinite(all[CLIPPED].last) && all[CLIPPED].last < 2 * fmin(all[COPIES].last, all[SLOWER].last),
        "Use gradient clipping (max norm 1.0 is a safe default).",
        "Clipped from the start at the rate %g the loss ends at %s; a tenth of the rate without clipping ends at "
        "%.6g.",
        c->lr.at[0], clipped, all[SLOWER].last);
    course_claim(c, "rate", isfinite(all[SLOWER].last) && all[SLOWER].last < begin && !(all[ALONE].last < begin),
                 "If you see NaN, do not increase the number of steps. Reduce the learning rate.",
                 "At %g the loss goes from %.6g to %s, at %g to %.6g.", c->lr.at[0], begin, alone, c->lr.at[0] / 10,
                 all[SLOWER].last);
}

static void add_numbers(course *c, const findings *f)
{
    cJSON *o = cJSON_AddObjectToObject(c->json, "final_loss");
    const char *const names[] = {"alone", "single", "slower", "clipped", "late", "copies"};
    double *loss = course_numbers(c, c->steps + 1);
    for (int k = 0; k < TRAININGS; k++) json_add_number(o, names[k], f->all[k].last, REEL_DOUBLE);
    json_add_whole(c->json, "step_weight", f->weight);
    json_add_whole(c->json, "step_gradient", f->gradient);
    json_add_whole(c->json, "step_infinite", f->loss);
    json_add_whole(c->json, "step_nan", f->nan);
    json_add_whole(c->json, "step_float16", f->beyond[0]);
    json_add_whole(c->json, "step_float", f->beyond[1]);
    json_add_whole(c->json, "returns", f->returns);
    json_add_text(c->json, "infinite_by", f->origins[0].step < 0 ? NULL : f->origins[0].operation);
    json_add_text(c->json, "nan_by", f->origins[1].step < 0 ? NULL : f->origins[1].operation);
    for (int k = 0; k <= c->steps; k++) loss[k] = f->all[ALONE].log[k].loss;
    json_add_numbers(c->json, "loss", loss, c->steps + 1, REEL_DOUBLE, NULL);
}

static void draw(course *c, const findings *f)
{
    plot p;
    if (!course_picture(
            c, &p, "explosion", 1200, 520,
            "Left: the largest weight, the norm of the gradient and the loss until the NaN. Right: the losses of the "
            "trainings that stay finite."))
        return;
    double *rows = course_numbers(c, 4 * (c->steps + 1));
    for (int k = 0; k <= c->steps; k++) {
        const explosion_step *s = &f->all[ALONE].log[k];
        rows[4 * k] = k;
        rows[4 * k + 1] = s->weight;
        rows[4 * k + 2] = s->gradient;
        rows[4 * k + 3] = s->loss < 1e300 ? s->loss : NAN; /* gnuplot's axes end there */
    }
    course_data(c, &p, c->steps + 1, 4, rows);
    for (int k = 0; k <= c->steps; k++) {
        rows[4 * k] = k;
        rows[4 * k + 1] = f->all[SLOWER].log[k].loss;
        rows[4 * k + 2] = f->all[CLIPPED].log[k].loss;
        rows[4 * k + 3] = f->all[COPIES].log[k].loss;
    }
    course_data(c, &p, c->steps + 1, 4, rows);
    int end = f->nan >= 0 ? f->nan + 5 : c->steps;
    fprintf(p.script,
            "set multiplot layout 1,2\nset lmargin 12\nset title 'Alone, at the rate %g'\nset xlabel 'step'\nset "
            "logscale y\n"
            "set format y '%%g'\nset xrange [0:%d]\nset key bottom right\n",
            c->lr.at[0], end);
    const struct {
        int step;
        const char *text;
    } marks[] = {{f->beyond[0], "float16 ends"}, {f->beyond[1], "float ends"}, {f->nan, "NaN"}};
    for (int k = 0; k < 3; k++)
        if (marks[k].step >= 0)
            fprintf(p.script,
                    "set arrow from %d, graph 0 to %d, graph 1 nohead dashtype 2 linecolor rgb '#666666'\n"
                    "set label '%s' at %d, graph %g %s offset %s, 0\n",
                    marks[k].step, marks[k].step, marks[k].text, marks[k].step, (const double[]){0.95, 0.88, 0.3}[k],
                    2 * marks[k].step < end ? "left" : "right", 2 * marks[k].step < end ? "0.6" : "-0.6");
    fprintf(
        p.script,
        "plot 'explosion.dat' index 0 using 1:4 with lines linewidth 2 linecolor rgb '%s' title 'loss', \\\n"
        "    'explosion.dat' index 0 using 1:3 with lines linewidth 2 linecolor rgb '%s' title 'gradient norm', \\\n"
        "    'explosion.dat' index 0 using 1:2 with lines linewidth 2 linecolor rgb '%s' title 'largest weight'\n"
        "unset arrow\nunset label\nset yrange [*:*]\nset title 'What stays finite'\nset ylabel 'loss'\nset xrange "
        "[0:%d]\nset key top "
        "right\n"
        "plot 'explosion.dat' index 1 using 1:3 with lines linewidth 0.7 linecolor rgb '%s' title 'clipped to norm 1', "
        "\\\n"
        "    'explosion.dat' index 1 using 1:4 with lines linewidth 3 linecolor rgb '%s' title 'back to a copy', \\\n"
        "    'explosion.dat' index 1 using 1:2 with lines linewidth 2 dashtype 2 linecolor rgb '%s' title 'a tenth of "
        "the "
        "rate'\nunset multiplot\n",
        plot_colour[1], plot_colour[0], plot_colour[2], c->steps, plot_colour[3], plot_colour[5], plot_colour[6]);
    course_draw(c, &p);
}

static void run(course *c)
{
    findings f = {0};
    train_all(c, &f);
    if (reel_failed(c->reel)) return;
    find_steps(c, &f);
    print_log(c, &f);
    add_numbers(c, &f);
    claims(c, &f);
    draw(c, &f);
}

const exercise exercise_explosion = {
    .name = "explosion",
    .text = "Follow a training from a large weight to infinity to NaN, and bring it back.",
    .lr = "0.3",
    .steps = "400",
    .momentum = "0",
    .optimizer = "sgd",
    .seed = "42",
    .meaning = "A network 1-8-1 with tanh on five house prices; --seed draws its weights.",
    .json = "final_loss  of: alone, single (in float), slower (a tenth of the rate), clipped, late (clipped after the "
            "NaN), copies\n"
            "step_weight, step_gradient  first with one above 1e6; -1: none\n"
            "step_infinite, step_nan  first with an infinite loss, a NaN\n"
            "step_float16, step_float  first whose loss float16 and float cannot hold\n"
            "returns  to a copy\n"
            "infinite_by, nan_by  operations that made the first infinity, and the first infinite gradient of the NaN\n"
            "loss  of the training alone",
    .run = run,
};
