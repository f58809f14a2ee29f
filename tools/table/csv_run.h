/* SPDX-License-Identifier: MIT
 *
 * `reel train csv`: what was asked for, and one training on a table.
 */
#ifndef TOOLS_CSV_RUN_H
#define TOOLS_CSV_RUN_H

#include "table/metrics.h"
#include "table/table_flags.h"

#define CSV_LAYERS_MOST 62
#define CSV_RATE 0.01 /* of Adam, unless another is given */

/* Every word as typed, or its default; NULL: not given. */
typedef struct csv_settings {
    const char *who;
    table_flags table;
    const char *target, *ignore, *categorical, *numeric, *task, *impute;
    double validation, test, seed;
    const char *hidden, *activation, *loss, *class_weights, *precision;
    const char *out, *json;
    bool quiet, last;
} csv_settings;

/* Back to the defaults. */
void csv_settings_init(csv_settings *settings, const char *who);
/* Groups of the flags that make data and model; they write to these settings, of which there is one. */
#define CSV_GROUPS 2
void csv_groups(csv_settings *settings, option_group groups[CSV_GROUPS]);
extern const reel_hyper csv_seed_row;
/* NULL, or what is wrong with the words, in memory that stays. */
const char *csv_settings_check(const csv_settings *settings);

typedef enum csv_loss_kind { CSV_CROSS_ENTROPY, CSV_MSE, CSV_HUBER } csv_loss_kind;

/* One training; the context owns everything. */
typedef struct csv_run {
    const csv_settings *settings;
    reel_context *context;
    reel_dtype precision;
    reel_table *table;
    reel_preparation *preparation;
    reel_split *split;
    reel_dataset *train, *validation, *test; /* the last two may be NULL */
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
    csv_loss_kind loss;
    double delta;        /* of Huber's loss */
    reel_array *weights; /* of the classes; NULL: none */
    /* With validation rows: the parameters with the smallest validation loss so far, the loss, and the epoch it comes
     * after. They stand in every checkpoint, as CSV_BEST and the like. */
    reel_params *best;
    double best_loss;
    int64_t best_epoch;
} csv_run;

#define CSV_BEST "best_parameters"

/* Table, preparation, split and data, and the net. `preparation`: the checkpoint whose preparation is used instead of a
 * new one; NULL: none. False with an error kept in r->context. */
bool csv_run_build(csv_run *r, const csv_settings *settings, reel_context *context, const char *preparation);
/* The trainer, once r->optimizer is there. */
bool csv_run_trainer(csv_run *r);
/* Called at the end of each epoch with its validation loss: is it the best? */
void csv_run_watch(csv_run *r, int64_t epoch, double validation);
/* "cross-entropy, weighted" */
const char *csv_loss_text(const csv_run *r, char text[64]);

/* The losses of each epoch, means over its steps; validation NaN where it was not measured. */
typedef struct csv_curve {
    double *loss, *validation;
    int64_t *steps;
    int64_t count, room;
} csv_curve;
bool csv_curve_add(csv_curve *c, int64_t epoch, double loss, double validation);
/* From the log of a run's folder. */
bool csv_curve_read(csv_curve *c, const char *who, const char *folder);
void csv_curve_free(csv_curve *c);

/* What is made of a training. */
typedef struct csv_results {
    const csv_run *run;
    metrics train, validation, test; /* preparation NULL: not measured */
    csv_curve curve;
    const char *ended;
    int64_t steps, judged_epoch; /* the net that was measured is the one after this epoch; 0: the last one */
    reel_proof proof;
} csv_results;
void csv_report(const csv_results *r, FILE *file);
cJSON *csv_numbers(const csv_results *r);
plot_result csv_draw(const csv_results *r);
/* The rows that the report is about: those of the test, else of validation, else of training. */
const metrics *csv_judged(const csv_results *r, const char **title);

#endif
