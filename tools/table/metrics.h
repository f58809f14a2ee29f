/* SPDX-License-Identifier: MIT
 *
 * How right a trained net is on the rows of a table.
 */
#ifndef TOOLS_METRICS_H
#define TOOLS_METRICS_H

#include "output.h"
#include "plot.h"

/* Of one class. What is not defined (no row of the class, none taken for it) is NaN. */
typedef struct class_metrics {
    double precision, recall, f1;
    int64_t rows, predicted;
} class_metrics;

typedef struct metrics {
    const reel_preparation *preparation;
    int64_t rows;
    double loss; /* mean cross-entropy; of a regression mean squared error in units of the target's deviation */
    /* classification */
    int classes;
    int64_t *confusion; /* (classes, classes): rows of a class, columns what they were taken for */
    class_metrics *class;
    double accuracy, balanced_accuracy, macro_f1; /* the last two over the classes that have rows */
    /* regression, in the unit of the target */
    double rmse, mae, r2, largest; /* r2: NaN when the target does not vary; largest |error| */
    double *predicted, *actual;    /* (rows) */
} metrics;

/* What the net says of x (rows, inputs), as doubles (rows, outputs of the preparation): logits or standardised values.
 * The caller's to free; NULL with an error kept, or after a signal. */
double *net_outputs(reel_context *context, const reel_preparation *preparation, reel_module *net, const reel_array *x,
                    reel_dtype precision);
/* softmax of `count` logits, in place */
void softmax_of(double *logits, int count);
int largest_of(const double *values, int count);

/* Measures the net on data of this preparation. False with an error kept, or after a signal. Free in any case. */
bool metrics_measure(metrics *m, reel_context *context, const reel_preparation *preparation, reel_module *net,
                     const reel_dataset *data, reel_dtype precision);
void metrics_free(metrics *m);

/* Accuracy, table of classes and confusion matrix; or RMSE, MAE, R2. `title`: "test". */
void metrics_print(const metrics *m, const char *title, FILE *file);
/* One line. */
void metrics_print_short(const metrics *m, const char *title, FILE *file);
/* Members of an object: rows, loss, accuracy, balanced_accuracy, macro_f1, classes, confusion; or rows, loss, rmse,
 * mae, r2, largest_error. */
void metrics_json(const metrics *m, cJSON *object);
/* Confusion matrix, or residuals, as FOLDER/NAME.png. */
plot_result metrics_draw(const metrics *m, const char *who, const char *folder, const char *title);
/* "confusion" or "residuals" */
const char *metrics_picture_name(const metrics *m);
/* Help on the JSON file: `In the JSON file are ` before ` numbers of rows that were measured: ...` */
void metrics_help(FILE *file, const char *before);

#endif
