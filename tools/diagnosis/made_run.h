/* SPDX-License-Identifier: MIT
 *
 * Trainings made on purpose, of which is known what is wrong with them: `reel diagnose --self-test` holds the diagnosis
 * against them.
 *
 * Data, net, loss, optimizer, batch size and type of numbers are drawn from a seed. What is right or wrong with a run is
 * known from how it is made and from how it turns out when it is trained on (made_outcome): a rate is too high when training at
 * it fails where a lower one succeeds, and so on. None of the figures that the diagnosis looks at is asked.
 */
#ifndef TOOLS_DIAGNOSIS_MADE_RUN_H
#define TOOLS_DIAGNOSIS_MADE_RUN_H

#include <reel/reel.h>

typedef enum made_task {
    MADE_MOONS,   /* two classes, 2 columns: half circles */
    MADE_CIRCLES, /* two classes, 2 columns: one within the other */
    MADE_SPIRALS, /* two classes, 2 columns */
    MADE_PARITY,  /* two classes, 3 columns: sign of the product of the first two */
    MADE_BLOBS,   /* 3 to 5 classes, 2 columns: several heaps each */
    MADE_CURVE,   /* regression, 3 columns */
    MADE_WAVES,   /* regression, 1 column */
    MADE_PRODUCTS /* regression, 6 columns */
} made_task;
#define MADE_TASKS 8

#define MADE_DEPTH_MOST 4

/* What is drawn. */
typedef struct made_plan {
    reel_cause cause;
    int way; /* of having the cause */
    made_task task;
    int64_t rows, columns, classes; /* classes 0: regression */
    double noise, wrong;            /* spread of the points; share of wrong labels, or strength of false targets */
    uint64_t data_seed, init_seed;
    int depth, widths[MADE_DEPTH_MOST]; /* hidden layers */
    const char *activation;
    double dropout;
    reel_dtype dtype;
    reel_loss_of loss;
    const char *optimizer;
    double momentum, clip;
    int64_t batch; /* 0: all rows */
    double rate;
    int epochs;    /* trained before the diagnosis looks */
    double amount; /* of what is wrong, as the way has it */
    bool validated;
} made_plan;

typedef struct made_run {
    made_plan plan;
    reel_context *context;
    reel_dataset data, validation;
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
} made_run;

/* Draws a plan with this cause; the same for the same seed. False: none was found in many tries. */
bool made_draw(made_plan *plan, reel_cause cause, uint64_t seed);
/* Makes the run, trained for the epochs of its plan, in a context that the caller frees. An error is kept there. `run` stays
 * where it is as long as the context is used. */
void made_begin(made_run *run, reel_context *context, const made_plan *plan);
/* "spirals, 2-24-24-1 tanh, adam, lr 0.01, batch 32, float" */
void made_describe(const made_plan *plan, char *text, size_t size);

/* Points of a task from a seed. */
reel_dataset made_data(const made_plan *plan, reel_context *context, int64_t rows, uint64_t seed);
/* Spoils the data in the plan's way. */
void made_spoil(const made_plan *plan, reel_dataset *data);
/* Loss of the best constant prediction. */
double made_baseline(const made_plan *plan, const reel_dataset *data);
const char *made_task_name(made_task task);

#endif
