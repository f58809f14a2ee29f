/* SPDX-License-Identifier: MIT
 *
 * `reel train two-moons`: what was asked for, one training, and what is made of it.
 */
#ifndef TOOLS_TWO_MOONS_H
#define TOOLS_TWO_MOONS_H

#include "output.h"
#include "plot.h"
#include "run_flags.h"
#include "trainer_flags.h"

#define LAYERS_MOST 62 /* of an mlp, besides input and output */
#define RUNS_MOST 4

typedef struct moons_settings {
    const char *who; /* "reel train two-moons" */
    const option_set *set;
    double samples, noise, data_seed;
    double validation; /* points; 0: none */
    int hidden[LAYERS_MOST], hidden_count;
    reel_dtype precision;
    double seed, epochs, batch;
    trainer_flags trainer;
    run_flags run;
    const char *average; /* or NULL */
    bool quiet, compare;
    const char *out, *json;
} moons_settings;

/* One training, with a context of its own. */
typedef struct moons_run {
    const moons_settings *settings;
    optimizer_choice choice;
    char *folder; /* of its checkpoints; NULL: none */
    reel_context *context;
    reel_dataset *data, *validation; /* NULL: none */
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
    reel_progress *progress;
    char resume_path[4096]; /* checkpoint to start from; "": the folder's newest */
    /* losses[e]: before update e + 1; the last one: of all points after the last update. NaN: not known, since the log
     * of an earlier part of the run is missing. Kept only when something is written. */
    double *losses;
    int64_t loss_count, loss_room;
    int64_t steps;                         /* updates made, those before a resume included */
    double loss;                           /* of all points, after the last update */
    double accuracy;                       /* share of the points on the right side */
    double average_loss, average_accuracy; /* with the average of the parameters in their place; NaN: there is none */
    double validation_loss;                /* NaN: there are no such points */
    reel_proof proof;
    double best; /* smallest loss, and the number of updates it comes after */
    int64_t best_step;
    char title[256]; /* "sgd lr 0.5 momentum 0.9" */
} moons_run;

/* Trains. Returns the exit status; on EXIT_DONE everything is filled in. Free in any case. */
int moons_train(moons_run *run, const moons_settings *settings, const optimizer_choice *choice, const char *folder);
void moons_free(moons_run *run);

/* Writes the flags that make data, model and optimizer into the checkpoints. */
void moons_recipe(reel_trainer *trainer, const char *optimizer);

/* For other commands: data, net, optimizer and trainer, before the first update. Returns the exit status; free in any
 * case. */
int moons_build(moons_run *run, const moons_settings *settings, const optimizer_choice *choice);
/* The flags of the training that make data, model and optimizer, and two groups of the command's own. Returns -1 when all
 * is well, else the exit status. `set` must outlive the settings. */
int moons_flags(option_set *set, const option_group *own, int argc, char **argv, moons_settings *settings,
                optimizer_choice *choice);

/* Logits of `count` points (x, y) by the trained net; false with an error kept. */
bool moons_logits(moons_run *run, const double *points, int64_t count, double *logits);

/* All numbers, as one JSON document; NULL without memory. */
cJSON *moons_numbers(const moons_settings *settings, const moons_run *runs, int count);
/* losses.png and boundary.png in the folder. */
plot_result moons_draw(const moons_settings *settings, moons_run *runs, int count);

#endif
