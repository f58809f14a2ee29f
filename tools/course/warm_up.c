/* SPDX-License-Identifier: MIT
 *
 * Adam's first steps.
 */
#include "seeds.h"

#include "warm_up.h"

#include <math.h>

#define FIRST_STEPS 100

static const int shown[] = {1, 2, 3, 5, 10, 20, 50, 100};

typedef struct first_steps {
    double corrected[FIRST_STEPS], uncorrected[FIRST_STEPS], largest[FIRST_STEPS], further[FIRST_STEPS];
} first_steps;

static void look_at_first_steps(course *c, first_steps *f)
{
    const reel_optimizer_type *adam = reel_optimizer_find("adam");
    warm_up_first_steps(c->reel, adam, 1, c->seed, FIRST_STEPS, f->corrected, f->largest);
    warm_up_first_steps(c->reel, &warm_up_uncorrected, 1, c->seed, FIRST_STEPS, f->uncorrected, f->further);
    if (reel_failed(c->reel)) return;
    fprintf(c->more,
            "Size of an update in units of the rate, root mean square, gradients of pure noise\n%-8s %-22s %s\n",
            "step", "Adam", "without its correction");
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++)
        fprintf(c->more, "%-8d %-22.4f %.4f\n", shown[k], f->corrected[shown[k] - 1], f->uncorrected[shown[k] - 1]);
    json_add_numbers(c->json, "corrected", f->corrected, FIRST_STEPS, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "uncorrected", f->uncorrected, FIRST_STEPS, REEL_DOUBLE, NULL);
    course_claim(
        c, "amplified", f->corrected[0] > f->uncorrected[0], "The bias correction amplifies the first updates.",
        "It makes the first one %.2f times smaller: %.4f of the rate with it, %.4f without, (1 - beta1) / sqrt(1 - "
        "beta2) = %.4f; at step %d %.2f and %.2f.",
        f->uncorrected[0] / f->corrected[0], f->corrected[0], f->uncorrected[0], 0.1 / sqrt(0.001), 10, f->corrected[9],
        f->uncorrected[9]);
}

/* What the first update of Adam is when all gradients are 10^-6, 1 or 10^6 times as large. */
static void claim_of_scale(course *c)
{
    double sizes[3], largest[3];
    for (int k = 0; k < 3; k++)
        warm_up_first_steps(c->reel, reel_optimizer_find("adam"), pow(10, 6 * (k - 1)), c->seed, 1, &sizes[k],
                            &largest[k]);
    json_add_numbers(c->json, "scaled", largest, 3, REEL_DOUBLE, NULL);
    course_claim(
        c, "large", fabs(largest[2] / largest[1] - 1) > 0.01,
        "At the start Adam takes huge steps where the gradient is large.",
        "With gradients a million times larger the largest first update is %.6f of the rate, as it stands %.6f, a "
        "million times smaller %.6f: the rate, whatever the gradient.",
        largest[2], largest[1], largest[0]);
}

/* Trains at every rate with and without a warm-up over a sixth of the updates. */
static void train_all(course *c, double *losses, double *peaks)
{
    int warmup = c->steps / 6;
    fprintf(
        c->more,
        "\nA network 2-32-32-32-1, %s, %d updates: loss of the last tenth, and (highest on the way), over %d seeds\n"
        "%-8s %-32s %-32s %s\n",
        c->optimizer, c->steps, SEEDS, "rate", "constant rate", "warm-up over a sixth", "with the warm-up");
    cJSON *list = cJSON_AddArrayToObject(c->json, "trained");
    for (int r = 0; r < c->lr.count && !reel_failed(c->reel); r++) {
        char text[2][SEEDS_TEXT];
        double *loss[2], *peak[2];
        for (int w = 0; w < 2; w++) {
            loss[w] = losses + (2 * r + w) * SEEDS;
            peak[w] = peaks + (2 * r + w) * SEEDS;
            for (int s = 0; s < SEEDS; s++) {
                fit_recipe how = seeds_recipe(c, c->lr.at[r], WARM_UP_ROWS, s);
                loss[w][s] = warm_up_train(c->reel, w ? warmup : 0, &how, &peak[w][s]);
            }
        }
        fprintf(c->more, "%-8g %-26s (%.2f) %-26s (%.2f) %s\n", c->lr.at[r], seeds_text(loss[0], 2, text[0]),
                spread_of(peak[0]).mean, seeds_text(loss[1], 2, text[1]), spread_of(peak[1]).mean,
                seeds_word(loss[1], loss[0]));
        cJSON *o = cJSON_CreateObject();
        json_add_number(o, "rate", c->lr.at[r], REEL_DOUBLE);
        seeds_json(o, "constant", loss[0]);
        seeds_json(o, "warm_up", loss[1]);
        seeds_json(o, "constant_peak", peak[0]);
        seeds_json(o, "warm_up_peak", peak[1]);
        cJSON_AddItemToArray(list, o);
    }
}

static void claims_of_training(course *c, const double *losses, const double *peaks)
{
    int best[2] = {0}, helped = 0;
    for (int w = 0; w < 2; w++)
        for (int r = 1; r < c->lr.count; r++)
            if (spread_of(losses + (2 * r + w) * SEEDS).mean < spread_of(losses + (2 * best[w] + w) * SEEDS).mean)
                best[w] = r;
    for (int r = 0; r < c->lr.count; r++)
        helped += seeds_compare(losses + (2 * r + 1) * SEEDS, losses + 2 * r * SEEDS) > 0;
    const double *without = losses + 2 * best[0] * SEEDS, *with = losses + (2 * best[1] + 1) * SEEDS;
    char text[2][SEEDS_TEXT];
    course_claim(
        c, "needed", seeds_compare(with, without) > 0, "Without a warm-up training is worse.",
        "Each at its best rate: %s without (%g), %s with it (%g): %s. At %d of %d rates it helps with every seed.",
        seeds_text(without, 2, text[0]), c->lr.at[best[0]], seeds_text(with, 2, text[1]), c->lr.at[best[1]],
        seeds_word(with, without), helped, c->lr.count);
    int high = c->lr.count - 1;
    const double *jump = peaks + 2 * high * SEEDS, *calm = peaks + (2 * high + 1) * SEEDS;
    course_claim(c, "start", seeds_compare(calm, jump) > 0,
                 "A high rate at the start takes the weights to unstable regions; a warm-up prevents it.",
                 "At the rate %g the highest loss on the way is %s without and %s with it: %s.", c->lr.at[high],
                 seeds_text(jump, 3, text[0]), seeds_text(calm, 3, text[1]), seeds_word(calm, jump));
}

static void draw(course *c, const first_steps *f, const double *losses)
{
    plot p;
    if (!course_picture(
            c, &p, "warm-up", 1200, 520,
            "Left: size of Adam's updates in units of the rate, with and without its bias correction, from "
            "gradients of pure noise. Right: loss after training against the rate, with and without a warm-up; "
            "the lines are means over the seeds, the bars go from the least to the largest."))
        return;
    double steps[3 * FIRST_STEPS], rows[COURSE_LIST][7];
    for (int k = 0; k < FIRST_STEPS; k++) {
        steps[3 * k] = k + 1;
        steps[3 * k + 1] = f->corrected[k];
        steps[3 * k + 2] = f->uncorrected[k];
    }
    for (int r = 0; r < c->lr.count; r++) {
        rows[r][0] = c->lr.at[r];
        for (int w = 0; w < 2; w++) {
            spread s = spread_of(losses + (2 * r + w) * SEEDS);
            rows[r][1 + 3 * w] = s.mean;
            rows[r][2 + 3 * w] = s.least;
            rows[r][3 + 3 * w] = s.most;
        }
    }
    course_data(c, &p, FIRST_STEPS, 3, steps);
    course_data(c, &p, c->lr.count, 7, rows[0]);
    fprintf(
        p.script,
        "set multiplot layout 1,2\nset logscale x\nset format x '%%g'\nset key top right\nset xlabel 'step'\n"
        "set ylabel 'update / rate, root mean square'\nset title 'The first updates'\nset yrange [0:*]\n"
        "plot 'warm-up.dat' index 0 using 1:2 with lines linewidth 2 linecolor rgb '%s' title 'Adam', \\\n"
        "    '' index 0 using 1:3 with lines linewidth 2 linecolor rgb '%s' title 'without correction'\n"
        "set xlabel 'learning rate'\nset ylabel 'loss'\nset title 'After training'\nset key top left\n"
        "set logscale y\nset format y '%%g'\nset yrange [*:*]\n"
        "plot 'warm-up.dat' index 1 using ($1*0.96):2:3:4 with yerrorlines pointtype 7 linewidth 2 linecolor rgb '%s' "
        "title 'constant rate', \\\n"
        "    '' index 1 using ($1*1.04):5:6:7 with yerrorlines pointtype 9 linewidth 2 dashtype 2 linecolor rgb '%s' "
        "title 'warm-up'\nunset multiplot\n",
        plot_colour[0], plot_colour[1], plot_colour[0], plot_colour[1]);
    course_draw(c, &p);
}

static void run(course *c)
{
    first_steps f = {0};
    double *losses = course_numbers(c, 2 * SEEDS * COURSE_LIST), *peaks = course_numbers(c, 2 * SEEDS * COURSE_LIST);
    look_at_first_steps(c, &f);
    claim_of_scale(c);
    train_all(c, losses, peaks);
    if (reel_failed(c->reel)) return;
    claims_of_training(c, losses, peaks);
    draw(c, &f, losses);
}

const exercise exercise_warm_up = {
    .name = "warm-up",
    .text = "Warm the learning rate up, or not: Adam's first updates and what comes of them.",
    .lr = "0.003,0.01,0.03,0.1,0.3",
    .any_lr = true,
    .steps = "300",
    .momentum = "0",
    .optimizer = "adam",
    .seed = "42",
    .batch = "20",
    .meaning =
        "Every rate is trained with and without a warm-up; the first updates do not depend on the flags but for the "
        "seed, which is the first of six.",
    .json = "corrected, uncorrected  size of the first 100 updates of Adam in units of the rate\n"
            "scaled  largest first update with gradients of size 1e-6, 1, 1e6\n"
            "trained  of each rate, a number a seed: constant, warm_up, the loss at the end; constant_peak, "
            "warm_up_peak, the "
            "highest on the way",
    .run = run,
};
