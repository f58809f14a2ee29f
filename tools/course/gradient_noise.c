/* SPDX-License-Identifier: MIT
 *
 * The noise of mini-batch gradients: how it falls with the batch, where it points, and noise that is added on purpose.
 */
#include "course.h"

#include "batches.h"
#include "langevin.h"
#include "valley.h"

#include <math.h>

enum { ROWS = 1000, FEATURES = 3, DRAWS = 1000, SIZES_MOST = 11, BINS = 80 };

#define TEMPERATURE 6.0
#define WELL_RATE 0.005
#define LOW (-4.0)
#define HIGH 4.0

typedef struct findings {
    int sizes, size[SIZES_MOST];
    double variance[SIZES_MOST], predicted[SIZES_MOST]; /* summed over the weights; of a draw without replacement */
    double slope;                                       /* of log variance over log batch */
    double curvature[FEATURES], noise[FEATURES];        /* along each weight, at the least-squares solution */
    double fixed[COURSE_LIST],
        scaled[COURSE_LIST]; /* temperature found at each rate: same noise, noise sqrt(2 / rate) */
    double found[BINS], expected[BINS], apart, left, left_expected; /* shares of the double well */
} findings;

/* ---- mini-batches ---- */

/* Features of different scales, so that the curvatures differ. */
static batches_data samples(course *c, reel_rng *rng)
{
    static const double scale[FEATURES] = {3, 1, 1.0 / 3};
    batches_data data = batches_samples(c->reel, ROWS, FEATURES, (const double[]){2, -1.5, 0.5}, 0.5, rng);
    for (int i = 0; i < ROWS && data.x; i++)
        for (int j = 0; j < FEATURES; j++) data.x[i * FEATURES + j] *= scale[j];
    return data;
}

/* The gradient of the loss on some rows. */
static void gradient_of(reel_tape *tape, reel_params *params, batches_data *part, double *gradient)
{
    reel_tape_rewind(tape);
    reel_params_drop_gradient(params);
    reel_backward(batches_loss(tape, params, part));
    reel_array found = reel_params_flat_gradient(params);
    for (int j = 0; j < FEATURES; j++) gradient[j] = reel_array_get(&found, j);
}

/* The variance of each element of the gradient over batches of a size, drawn without replacement as an epoch draws
 * them. */
static void variance_of(course *c, const batches_data *data, reel_tape *tape, reel_params *params, int batch,
                        reel_rng *rng, double *variance)
{
    double sum[FEATURES] = {0}, squares[FEATURES] = {0}, gradient[FEATURES];
    batches_data part = {batch, FEATURES, course_numbers(c, (int64_t)batch * FEATURES), course_numbers(c, batch)};
    int64_t picked[ROWS];
    reel_array out = reel_array_view(REEL_INT64, picked, 1, (const int64_t[]){batch});
    for (int k = 0; k < DRAWS; k++) {
        reel_rng_choice(rng, &out, ROWS, false, NULL);
        for (int i = 0; i < batch; i++) {
            for (int j = 0; j < FEATURES; j++) part.x[i * FEATURES + j] = data->x[picked[i] * FEATURES + j];
            part.y[i] = data->y[picked[i]];
        }
        gradient_of(tape, params, &part, gradient);
        for (int j = 0; j < FEATURES; j++) sum[j] += gradient[j], squares[j] += gradient[j] * gradient[j];
    }
    for (int j = 0; j < FEATURES; j++) variance[j] = fmax(0, squares[j] / DRAWS - sum[j] / DRAWS * (sum[j] / DRAWS));
}

/* Covariance of the gradients of single samples, its diagonal, over all of them. */
static void sample_noise(const batches_data *data, reel_tape *tape, reel_params *params, double *noise)
{
    double sum[FEATURES] = {0}, squares[FEATURES] = {0}, gradient[FEATURES];
    for (int i = 0; i < ROWS; i++) {
        batches_data one = {1, FEATURES, data->x + i * FEATURES, data->y + i};
        gradient_of(tape, params, &one, gradient);
        for (int j = 0; j < FEATURES; j++) sum[j] += gradient[j], squares[j] += gradient[j] * gradient[j];
    }
    for (int j = 0; j < FEATURES; j++) noise[j] = squares[j] / ROWS - sum[j] / ROWS * (sum[j] / ROWS);
}

static void measure_batches(course *c, findings *f)
{
    reel_rng *rng = reel_rng_numpy_new(c->reel, c->seed);
    batches_data data = samples(c, rng);
    if (!data.x) return;
    reel_tape *tape = reel_tape_new(c->reel, REEL_DOUBLE);
    reel_params *params = descent_params(c->reel, "weights", FEATURES, (const double[FEATURES]){0});
    double noise[FEATURES], sum = 0, x = 0, y = 0, xx = 0, xy = 0;
    sample_noise(&data, tape, params, noise);
    for (int j = 0; j < FEATURES; j++) sum += noise[j];
    for (int batch = 1; f->sizes < SIZES_MOST && batch <= c->batch && batch <= ROWS; batch *= 2)
        f->size[f->sizes++] = batch;
    if (f->size[f->sizes - 1] < c->batch && f->sizes < SIZES_MOST)
        f->size[f->sizes++] = c->batch < ROWS ? c->batch : ROWS;
    for (int i = 0; i < f->sizes; i++) {
        double variance[FEATURES];
        variance_of(c, &data, tape, params, f->size[i], rng, variance);
        for (int j = 0; j < FEATURES; j++) f->variance[i] += variance[j];
        f->predicted[i] = sum / f->size[i] * (ROWS - f->size[i]) / (ROWS - 1);
        double at = log(f->size[i]), seen = log(f->variance[i]);
        x += at, y += seen, xx += at * at, xy += at * seen;
    }
    f->slope = (f->sizes * xy - x * y) / (f->sizes * xx - x * x);
    /* At the least-squares solution, by many steps at the rate 1 / lambda. */
    course_curvature(c, batches_loss, &data, FEATURES, (const double[FEATURES]){0}, f->curvature);
    descend(reel_sgd_new(params, 1 / f->curvature[FEATURES - 1]), batches_loss, &data, 4000, NULL, NULL);
    sample_noise(&data, tape, params, f->noise);
}

/* ---- noise that is added ---- */

/* 2 times the variance of a walk on x^2 - 4 x + 5: its temperature. */
static double temperature_of(course *c, reel_optimizer *optimizer, int steps)
{
    double *x = course_numbers(c, steps + 1), sum = 0;
    descend(optimizer, valley_parabola, NULL, steps, x, NULL);
    for (int k = 0; k <= steps; k++) sum += (x[k] - 2) * (x[k] - 2);
    return 2 * sum / (steps + 1);
}

static void measure_langevin(course *c, findings *f)
{
    const double two = 2;
    for (int i = 0; i < c->lr.count; i++) {
        double rate = c->lr.at[i];
        reel_params *a = descent_params(c->reel, "x", 1, &two), *b = descent_params(c->reel, "x", 1, &two);
        /* The noise that has the temperature 1 at the first rate, and keeps its size. */
        reel_optimizer *fixed = langevin_new(a, rate, 1, c->seed);
        reel_optimizer_set(fixed, "noise", sqrt(2 / c->lr.at[0]));
        f->fixed[i] = temperature_of(c, fixed, c->steps);
        f->scaled[i] = temperature_of(c, langevin_new(b, rate, 1, c->seed), c->steps);
    }
}

/* Where a walk on the double well spends its time, beside exp(-f / T). */
static void measure_well(course *c, findings *f)
{
    const double start = -2;
    double *x = course_numbers(c, c->steps + 1), sum = 0, width = (HIGH - LOW) / BINS;
    reel_params *params = descent_params(c->reel, "x", 1, &start);
    descend(langevin_new(params, WELL_RATE, TEMPERATURE, c->seed), valley_two, NULL, c->steps, x, NULL);
    for (int k = 0; k <= c->steps; k++) {
        int bin = (int)floor((x[k] - LOW) / width);
        if (bin >= 0 && bin < BINS) f->found[bin] += 1.0 / (c->steps + 1);
    }
    for (int b = 0; b < BINS; b++)
        for (int k = 0; k < 20; k++) {
            double at = LOW + (b + (k + 0.5) / 20) * width, height = at * at * at * at - 8 * at * at + at;
            f->expected[b] += exp(-height / TEMPERATURE);
            sum += exp(-height / TEMPERATURE);
        }
    for (int b = 0; b < BINS; b++) {
        f->expected[b] /= sum;
        f->apart += fabs(f->found[b] - f->expected[b]) / 2;
        if (LOW + (b + 0.5) * width < 0.0626) f->left += f->found[b], f->left_expected += f->expected[b];
    }
}

/* ---- what is printed ---- */

static void print_findings(const course *c, const findings *f)
{
    fprintf(c->table, "variance of the gradient at w = 0, over %d batches drawn without replacement\n", DRAWS);
    fprintf(c->table, "%-8s %-14s %-14s %s\n", "batch", "variance", "times batch", "predicted");
    for (int i = 0; i < f->sizes; i++)
        fprintf(c->table, "%-8d %-14.6g %-14.6g %.6g\n", f->size[i], f->variance[i], f->variance[i] * f->size[i],
                f->predicted[i]);
    fprintf(c->table, "slope of the logarithms %.4f\n\n", f->slope);
    fprintf(c->table, "at the least-squares solution\n%-12s %-16s %s\n", "curvature", "noise variance", "ratio");
    for (int j = 0; j < FEATURES; j++)
        fprintf(c->table, "%-12.4f %-16.5f %.4f\n", f->curvature[FEATURES - 1 - j], f->noise[j],
                f->noise[j] / f->curvature[FEATURES - 1 - j]);
    fprintf(c->table, "\ntemperature of the walk on x^2 - 4 x + 5 with noise added to the gradient\n");
    fprintf(c->table, "%-10s %-24s %s\n", "rate", "noise of the first rate", "noise sqrt(2 / rate)");
    for (int i = 0; i < c->lr.count; i++)
        fprintf(c->table, "%-10g %-24.4f %.4f\n", c->lr.at[i], f->fixed[i], f->scaled[i]);
    fprintf(c->table,
            "\ndouble well x^4 - 8 x^2 + x at temperature %g, rate %g: %.4f of the time on the left, of exp(-f / %g) "
            "%.4f\n",
            TEMPERATURE, WELL_RATE, f->left, TEMPERATURE, f->left_expected);
}

static void claims(course *c, const findings *f)
{
    if (f->sizes > 1)
        course_claim(
            c, "variance", fabs(f->slope + 1) < 0.05, "The gradient variance decreases as 1/B.",
            "Up to batch %d it falls as B^%.3f; without replacement it is s^2 / B (N - B) / (N - 1), with N = %d.",
            f->size[f->sizes - 1], f->slope, ROWS);
    bool sharp = f->noise[0] > f->noise[1] && f->noise[1] > f->noise[2];
    double ratio[FEATURES];
    for (int j = 0; j < FEATURES; j++) ratio[j] = f->noise[j] / f->curvature[FEATURES - 1 - j];
    course_claim(
        c, "sharp", sharp, "The noise tends to be larger in sharp directions of the loss.",
        "The variance is %.3g, %.3g and %.3g along the curvatures %.3g, %.3g and %.3g; the ratios are %.3f, %.3f and "
        "%.3f.",
        f->noise[0], f->noise[1], f->noise[2], f->curvature[2], f->curvature[1], f->curvature[0], ratio[0], ratio[1],
        ratio[2]);
    double low = INFINITY, high = 0, low_scaled = INFINITY, high_scaled = 0;
    for (int i = 0; i < c->lr.count; i++) {
        low = fmin(low, f->fixed[i]), high = fmax(high, f->fixed[i]);
        low_scaled = fmin(low_scaled, f->scaled[i]), high_scaled = fmax(high_scaled, f->scaled[i]);
    }
    json_add_number(c->json, "fixed_ratio", high / low, REEL_DOUBLE);
    course_claim(
        c, "langevin", high < 1.25 * low, "Add N(0, sigma^2) to the gradient: this is Langevin dynamics.",
        "With one sigma the temperature of the walk differs by the factor %.3g between the rates; with sigma = "
        "sqrt(2 T / rate) by %.3g.",
        high / low, high_scaled / low_scaled);
    course_claim(c, "posterior", f->apart < 0.05, "Calibrated noise samples from exp(-loss / T).",
                 "On the double well %d steps spend %.3f of the time on the left, exp(-f / T) has %.3f there; the two "
                 "distributions are %.3f apart (total variation).",
                 c->steps, f->left, f->left_expected, f->apart);
}

static void draw(course *c, const findings *f)
{
    plot p;
    if (!course_picture(
            c, &p, "gradient-noise", 1200, 520,
            "Left: the variance of a mini-batch's gradient over its size, and what is predicted. Right: where a walk "
            "with Langevin noise spends its time on a double well, and exp(-f / T)."))
        return;
    double rows[3 * SIZES_MOST], bins[3 * BINS], width = (HIGH - LOW) / BINS;
    for (int i = 0; i < f->sizes; i++) {
        rows[3 * i] = f->size[i];
        rows[3 * i + 1] = f->variance[i] > 0 ? f->variance[i] : NAN;
        rows[3 * i + 2] = f->predicted[i] > 0 ? f->predicted[i] : NAN;
    }
    for (int b = 0; b < BINS; b++) {
        bins[3 * b] = LOW + (b + 0.5) * width;
        bins[3 * b + 1] = f->found[b] / width;
        bins[3 * b + 2] = f->expected[b] / width;
    }
    course_data(c, &p, f->sizes, 3, rows);
    course_data(c, &p, BINS, 3, bins);
    fprintf(
        p.script,
        "set multiplot layout 1,2\nset title 'Variance of the gradient of a mini-batch'\nset xlabel 'batch'\nset "
        "logscale "
        "xy\nset format '%%g'\nset xrange [0.8:%g]\nset key top right\n"
        "plot %.9g/x with lines dashtype 2 linewidth 1.5 linecolor rgb '#888888' title '1/B', \\\n"
        "    'gradient-noise.dat' index 0 using 1:3 with lines linewidth 2 linecolor rgb '%s' title 'predicted', \\\n"
        "    'gradient-noise.dat' index 0 using 1:2 with points pointtype 7 pointsize 1.3 linecolor rgb '%s' title "
        "'measured'\n",
        1.25 * f->size[f->sizes - 1], f->predicted[0], plot_colour[0], plot_colour[1]);
    fprintf(p.script,
            "unset logscale\nset title 'A walk with Langevin noise, T = %g'\nset xlabel 'x'\nset ylabel 'density'\n"
            "set xrange [%g:%g]\nset yrange [0:*]\nset style fill solid 0.6 noborder\nset boxwidth %.9g\n"
            "plot 'gradient-noise.dat' index 1 using 1:2 with boxes linecolor rgb '%s' title 'time spent', \\\n"
            "    'gradient-noise.dat' index 1 using 1:3 with lines linewidth 2 linecolor rgb '%s' title 'exp(-f / T)'\n"
            "unset multiplot\n",
            TEMPERATURE, LOW, HIGH, 0.9 * width, plot_colour[5], plot_colour[6]);
    course_draw(c, &p);
}

static void run(course *c)
{
    findings f = {0};
    measure_batches(c, &f);
    measure_langevin(c, &f);
    measure_well(c, &f);
    if (reel_failed(c->reel)) return;
    print_findings(c, &f);
    double sizes[SIZES_MOST];
    for (int i = 0; i < f.sizes; i++) sizes[i] = f.size[i];
    json_add_numbers(c->json, "batch", sizes, f.sizes, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "variance", f.variance, f.sizes, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "predicted", f.predicted, f.sizes, REEL_DOUBLE, NULL);
    json_add_number(c->json, "slope", f.slope, REEL_DOUBLE);
    json_add_numbers(c->json, "curvature", f.curvature, FEATURES, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "noise", f.noise, FEATURES, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "temperature_fixed", f.fixed, c->lr.count, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "temperature_scaled", f.scaled, c->lr.count, REEL_DOUBLE, NULL);
    json_add_number(c->json, "left", f.left, REEL_DOUBLE);
    json_add_number(c->json, "left_expected", f.left_expected, REEL_DOUBLE);
    json_add_number(c->json, "apart", f.apart, REEL_DOUBLE);
    claims(c, &f);
    draw(c, &f);
}

const exercise exercise_gradient_noise = {
    .name = "gradient-noise",
    .text = "Measure the noise of mini-batch gradients, and add noise that makes descent a sampler.",
    .lr = "0.1,0.03,0.01",
    .steps = "200000",
    .seed = "42",
    .batch = "64",
    .any_lr = true,
    .meaning = "--batch is the largest batch; --lr and --steps are of the walks with noise.",
    .json = "batch, variance, predicted  batches, their gradient's variance, and that of a draw without replacement\n"
            "slope  of log variance over log batch\n"
            "curvature, noise  eigenvalues ascending; variance of a sample's gradient by weight\n"
            "temperature_fixed, temperature_scaled  at each rate: noise of the first, noise sqrt(2 / rate)\n"
            "fixed_ratio  of the highest and lowest of the former\n"
            "left, left_expected, apart  on the double well: share on the left, of exp(-f / T), total variation",
    .run = run,
};
