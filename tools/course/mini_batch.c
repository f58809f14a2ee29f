/* SPDX-License-Identifier: MIT
 *
 * Whole data set, mini-batches and single samples: by epoch, by update, by second; rules for the rate.
 */
#include "course.h"

#include "batches.h"

#include <math.h>

enum { ROWS = 1000, FEATURES = 3, TRACED = 2000, SIZES = 6 };

static const double weights[FEATURES] = {2, -1.5, 0.5};

typedef struct training {
    int batch, updates;
    double rate, seconds; /* seconds for all updates */
    double w[FEATURES];
    double *history; /* (epochs) loss after each */
    double *traced;  /* (TRACED) after each update; NULL: not asked for */
    int below;       /* updates until the loss is below 1; 0: not within those traced */
} training;

typedef struct findings {
    training full, mini, single;
    training rule[3][SIZES]; /* one epoch with the rate kept, grown as the batch, as its root */
    double first, best, curvature[FEATURES];
    double memory[2]; /* bytes of a tape with the whole data set, with a batch */
} findings;

static training train(course *c, const batches_data *data, int batch, double rate, int epochs, reel_rng *rng)
{
    training t = {.batch = batch, .rate = rate, .history = course_numbers(c, epochs)};
    reel_params *params = descent_params(c->reel, "weights", FEATURES, (const double[FEATURES]){0});
    double start = seconds_now();
    t.updates = batches_train(course_optimizer(c, params, rate), data, batch, epochs, rng, t.history, NULL, 0);
    t.seconds = seconds_now() - start;
    for (int j = 0; j < FEATURES; j++) {
        reel_array w = reel_params_flat(params);
        t.w[j] = reel_array_get(&w, j);
    }
    return t;
}

/* The loss after each of the first updates, by an order of its own that has no part in the lesson's numbers. */
static void trace(course *c, const batches_data *data, training *t, reel_rng *rng)
{
    int each = (data->rows + t->batch - 1) / t->batch, epochs = (200 + each - 1) / each;
    double *history = course_numbers(c, epochs);
    reel_params *params = descent_params(c->reel, "weights", FEATURES, (const double[FEATURES]){0});
    t->traced = course_numbers(c, TRACED);
    int made =
        batches_train(course_optimizer(c, params, t->rate), data, t->batch, epochs, rng, history, t->traced, TRACED);
    for (int k = 0; k < TRACED; k++) {
        if (k >= made) t->traced[k] = NAN;
        if (!t->below && t->traced[k] < 1) t->below = k + 1;
    }
}

/* Bytes that a step on a batch records and computes on the tape. */
static double memory_of(course *c, const batches_data *data, int batch)
{
    batches_data part = *data;
    part.rows = batch;
    reel_params *params = descent_params(c->reel, "weights", FEATURES, (const double[FEATURES]){0});
    reel_tape *tape = reel_tape_new(c->reel, REEL_DOUBLE);
    reel_backward(batches_loss(tape, params, &part));
    double used = (double)reel_tape_mark(tape).used;
    reel_tape_free(tape);
    return used;
}

/* The loss at the start and the least one, by many steps at the rate 1 / lambda; the loss is a quadratic. */
static void ends_of_loss(course *c, batches_data *data, const double *curvature, double *first, double *least)
{
    enum { STEPS = 2000 };
    double *loss = course_numbers(c, STEPS + 1);
    reel_params *params = descent_params(c->reel, "weights", FEATURES, (const double[FEATURES]){0});
    descend(reel_sgd_new(params, 1 / curvature[FEATURES - 1]), batches_loss, data, STEPS, NULL, loss);
    *first = loss[0];
    *least = loss[STEPS];
}

static int batch_at(const course *c, int i)
{
    int batch = c->batch << i;
    return batch < ROWS ? batch : ROWS;
}

/* ---- what is printed ---- */

/* As NumPy prints three numbers rounded to three places. */
static void print_weights(FILE *file, const double *w)
{
    fprintf(file, "[%6.3f %6.3f %6.3f]\n", w[0], w[1], w[2]);
}

static int epochs_below(const training *t, int epochs)
{
    for (int k = 0; k < epochs; k++)
        if (t->history[k] < 1) return k + 1;
    return epochs;
}

static void print_lesson(const course *c, const findings *f)
{
    int epochs = c->steps;
    const char *line = "-------------------------------------------------------";
    fprintf(c->table, "Mini-Batch vs Full-Batch Gradient Descent\n%.55s\n\nResults after %d epochs:\n%s\n",
            "=======================================================", epochs, line);
    fprintf(c->table, "%-15s %-12s %-10s %s\n%s\n", "Method", "Final Loss", "Time (s)", "Weights", line);
    fprintf(c->table, "%-15s %-12.4f %-10.4f ", "Full Batch", f->full.history[epochs - 1], f->full.seconds);
    print_weights(c->table, f->full.w);
    fprintf(c->table, "%-15s %-12.4f %-10.4f ", "Mini-Batch", f->mini.history[epochs - 1], f->mini.seconds);
    print_weights(c->table, f->mini.w);
    fprintf(c->table, "%-15s %-12s %-10s [ 2.  -1.5  0.5]\n", "True Weights", "-", "-");
    fprintf(c->table, "\nEpochs to reach loss < 1.0:\n   Full Batch: %d epochs\n   Mini-Batch: %d epochs\n",
            epochs_below(&f->full, epochs), epochs_below(&f->mini, epochs));
    fprintf(c->table, "\nLoss at key epochs:\n   %-8s %-15s %-15s\n%.40s\n", "Epoch", "Full Batch", "Mini-Batch", line);
    const int key[] = {1, 5, 10, 25, 50, 100};
    for (int i = 0; i < 6 && key[i] <= epochs; i++)
        fprintf(c->table, "   %-8d %-15.4f %-15.4f\n", key[i], f->full.history[key[i] - 1],
                f->mini.history[key[i] - 1]);
}

static void print_more(const course *c, const findings *f)
{
    const training *all[] = {&f->full, &f->mini, &f->single};
    fprintf(c->more, "until the loss is below 1:\n%-8s %-9s %-9s %-9s %-14s %s\n", "batch", "updates", "samples",
            "epochs", "us an update", "us in all");
    for (int i = 0; i < 3; i++) {
        double each = 1e6 * all[i]->seconds / all[i]->updates;
        fprintf(c->more, "%-8d %-9d %-9d %-9.2f %-14.2f %.0f\n", all[i]->batch, all[i]->below,
                all[i]->below * all[i]->batch, (double)all[i]->below * all[i]->batch / ROWS, each,
                each * all[i]->below);
    }
    fprintf(c->more, "\nloss after one epoch (%.4f before it), the rate\n%-8s %-18s %-18s %s\n", f->first, "batch",
            "kept", "times the batch", "times its root");
    for (int i = 0; i < SIZES; i++) {
        fprintf(c->more, "%-8d", batch_at(c, i));
        for (int r = 0; r < 3; r++) {
            char text[40];
            snprintf(text, sizeof text, "%.4f (%.3g)", f->rule[r][i].history[0], f->rule[r][i].rate);
            fprintf(c->more, r < 2 ? " %-18s" : " %s\n", text);
        }
    }
    fprintf(c->more, "\nleast loss of any weights %.8f\n", f->best);
}

static void add_numbers(course *c, const findings *f)
{
    int epochs = c->steps;
    json_add_numbers(c->json, "full", f->full.history, epochs, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "mini", f->mini.history, epochs, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "full_weights", f->full.w, FEATURES, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "mini_weights", f->mini.w, FEATURES, REEL_DOUBLE, NULL);
    json_add_number(c->json, "full_seconds", f->full.seconds, REEL_DOUBLE);
    json_add_number(c->json, "mini_seconds", f->mini.seconds, REEL_DOUBLE);
    json_add_number(c->json, "single_seconds", f->single.seconds, REEL_DOUBLE);
    json_add_whole(c->json, "full_updates_below", f->full.below);
    json_add_whole(c->json, "mini_updates_below", f->mini.below);
    json_add_whole(c->json, "single_updates_below", f->single.below);
    json_add_numbers(c->json, "full_traced", f->full.traced, 100, REEL_DOUBLE, NULL);
    json_add_number(c->json, "least", f->best, REEL_DOUBLE);
    json_add_numbers(c->json, "curvature", f->curvature, FEATURES, REEL_DOUBLE, NULL);
    json_add_numbers(c->json, "bytes", f->memory, 2, REEL_DOUBLE, NULL);
    cJSON *rules = cJSON_AddArrayToObject(c->json, "rules");
    for (int r = 0; r < 3; r++) {
        cJSON *o = cJSON_CreateObject();
        double loss[SIZES], rate[SIZES];
        for (int i = 0; i < SIZES; i++) loss[i] = f->rule[r][i].history[0], rate[i] = f->rule[r][i].rate;
        json_add_text(o, "rule", (const char *const[]){"kept", "linear", "root"}[r]);
        json_add_numbers(o, "rate", rate, SIZES, REEL_DOUBLE, NULL);
        json_add_numbers(o, "loss", loss, SIZES, REEL_DOUBLE, NULL);
        cJSON_AddItemToArray(rules, o);
    }
}

static void claims(course *c, const findings *f)
{
    int epochs = c->steps, full = epochs_below(&f->full, epochs), mini = epochs_below(&f->mini, epochs);
    int each = (ROWS + c->batch - 1) / c->batch, at = 2 * each < 200 ? 2 * each : 200;
    double after_full = f->full.traced[at - 1],
           after_mini = epochs > 1 && 2 * each == at ? f->mini.history[1] : f->mini.traced[at - 1];
    json_add_whole(c->json, "compared_updates", at);
    json_add_number(c->json, "full_compared", after_full, REEL_DOUBLE);
    json_add_number(c->json, "mini_compared", after_mini, REEL_DOUBLE);
    course_claim(c, "epochs", mini < full, "Mini-batch has noisier updates but often converges faster.",
                 "Below 1 after %d epochs, the whole data set after %d; an epoch is %d updates, and 1.", mini, full,
                 each);
    course_claim(c, "updates", after_mini < 0.98 * after_full,
                 "It converges faster: counted by updates instead of epochs.",
                 "After %d updates each the loss is %.4f with mini-batches and %.4f with the whole data set: %s.", at,
                 after_mini, after_full,
                 after_mini < 0.98 * after_full   ? "mini-batches are ahead"
                 : after_mini > 1.02 * after_full ? "mini-batches are behind"
                                                  : "no difference found beyond 2 %");
    course_claim(c, "memory", f->memory[1] < f->memory[0], "Mini-batch uses less memory.",
                 "A step on a batch takes %.0f bytes of tape, one on the whole data set %.0f.", f->memory[1],
                 f->memory[0]);
    course_claim(c, "escape", f->curvature[0] <= 0, "The noise in mini-batch can help escape local minima.",
                 "The second derivatives have the eigenvalues %.3f, %.3f and %.3f everywhere: %s.", f->curvature[0],
                 f->curvature[1], f->curvature[2],
                 f->curvature[0] > 0 ? "there is one minimum and nothing to escape from" : "not convex");
    double ratio = f->rule[1][1].history[0] / f->rule[1][0].history[0];
    int last = 0;
    while (last + 1 < SIZES && fabs(log(f->rule[1][last + 1].history[0] / f->rule[1][0].history[0])) < 0.1) last++;
    json_add_number(c->json, "linear_ratio", ratio, REEL_DOUBLE);
    course_claim(
        c, "linear", fabs(log(ratio)) < 0.1, "Double the batch, double the learning rate.",
        "After one epoch the loss is %.4f at batch %d and %.4f at batch %d with twice the rate, %.4f with the rate "
        "kept. Within 10 %% the rule holds up to batch %d.",
        f->rule[1][0].history[0], batch_at(c, 0), f->rule[1][1].history[0], batch_at(c, 1), f->rule[0][1].history[0],
        batch_at(c, last));
}

static void draw(course *c, const findings *f)
{
    plot p;
    if (!course_picture(c, &p, "mini-batch", 1200, 520,
                        "The loss on all samples: left by update, right by "
                        "samples seen."))
        return;
    const training *all[] = {&f->full, &f->mini, &f->single};
    double *rows = course_numbers(c, 3 * TRACED);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < TRACED; k++) {
            rows[3 * k] = k + 1;
            rows[3 * k + 1] = (double)(k + 1) * all[i]->batch;
            rows[3 * k + 2] = all[i]->traced[k];
        }
        course_data(c, &p, TRACED, 3, rows);
    }
    fprintf(p.script,
            "set multiplot layout 1,2\nset logscale xy\nset format '%%g'\nset ylabel 'loss on all samples'\n");
    for (int side = 0; side < 2; side++) {
        fprintf(
            p.script,
            "set xlabel '%s'\nset title '%s'\nset xrange [%s]\nset yrange [0.2:10]\nset key bottom left opaque\nplot ",
            side ? "samples seen" : "updates", side ? "By samples seen" : "By update", side ? "1:200000" : "1:2000");
        for (int i = 2; i >= 0; i--)
            fprintf(p.script,
                    "%s'mini-batch.dat' index %d using %d:3 with lines linewidth %s dashtype %d linecolor rgb '%s' "
                    "title 'batch %d'",
                    i < 2 ? ", \\\n    " : "", i, 1 + side, (const char *const[]){"3", "2", "1"}[i],
                    (const int[]){2, 1, 1}[i], plot_colour[(const int[]){6, 1, 5}[i]], all[i]->batch);
        fprintf(p.script, "\n");
    }
    fprintf(p.script, "unset multiplot\n");
    course_draw(c, &p);
}

static void run(course *c)
{
    findings f = {0};
    reel_rng *rng = reel_rng_numpy_new(c->reel, c->seed);
    batches_data data = batches_samples(c->reel, ROWS, FEATURES, weights, 0.5, rng);
    if (!data.x) return;
    if (c->batch > ROWS) c->batch = ROWS;
    double rate = c->lr.at[0];
    f.full = train(c, &data, ROWS, rate, c->steps, NULL);
    f.mini = train(c, &data, c->batch, rate, c->steps, rng);
    f.single = train(c, &data, 1, rate, 1, rng);
    trace(c, &data, &f.full, NULL);
    trace(c, &data, &f.mini, rng);
    trace(c, &data, &f.single, rng);
    for (int r = 0; r < 3; r++)
        for (int i = 0; i < SIZES; i++) {
            double more = (double)batch_at(c, i) / c->batch;
            f.rule[r][i] = train(c, &data, batch_at(c, i), rate * (r == 0 ? 1 : r == 1 ? more : sqrt(more)), 1, rng);
        }
    course_curvature(c, batches_loss, &data, FEATURES, (const double[FEATURES]){0}, f.curvature);
    ends_of_loss(c, &data, f.curvature, &f.first, &f.best);
    f.memory[0] = memory_of(c, &data, ROWS);
    f.memory[1] = memory_of(c, &data, c->batch);
    if (reel_failed(c->reel)) return;
    print_lesson(c, &f);
    print_more(c, &f);
    add_numbers(c, &f);
    claims(c, &f);
    draw(c, &f);
}

const exercise exercise_mini_batch = {
    .name = "mini-batch",
    .text = "Compare the whole data set, mini-batches and single samples, by epoch, update and second.",
    .lr = "0.01",
    .steps = "100",
    .momentum = "0",
    .optimizer = "sgd",
    .seed = "42",
    .batch = "32",
    .meaning = "--steps counts epochs. The samples come from --seed.",
    .json =
        "full, mini  loss on all samples after each epoch, of the whole data set and of mini-batches\n"
        "full_weights, mini_weights  at the end\n"
        "full_seconds, mini_seconds, single_seconds  that the training took, single for one epoch\n"
        "full_updates_below, mini_updates_below, single_updates_below  updates until the loss is below 1; 0: more than "
        "were looked at\n"
        "full_traced  loss after each of the first 100 updates\n"
        "compared_updates, full_compared, mini_compared  loss of both after as many updates\n"
        "least  loss of any weights\n"
        "curvature  eigenvalues of the second derivatives\n"
        "bytes  of a tape with the whole data set, with a batch\n"
        "rules  of the rate kept, times the batch, times its root: rate and loss after one epoch, batch doubled each "
        "time\n"
        "linear_ratio  of the losses after one epoch with twice the batch and twice the rate",
    .run = run,
};
