/* SPDX-License-Identifier: MIT
 *
 * `reel diff`: how the tensors of two checkpoints differ.
 */
#ifndef TOOLS_DIFF_TENSORS_H
#define TOOLS_DIFF_TENSORS_H

#include "checkpoint_view.h"
#include "output.h"

#define CHANGES_MOST 10

/* One tensor that differs. The change is b - a. */
typedef struct tensor_change {
    char *path; /* below "state" */
    char shape[128];
    bool parameter;
    int64_t size, differing; /* elements; those whose bits differ */
    double squares, before;  /* sums of squares: of the change, of the elements in a */
    /* Of a parameter: products with the first moment and with the gradient of a, and their sums of squares; -1: none. */
    double with_moment, moment, with_gradient, gradient;
    int64_t first; /* element */
    double from, to;
} tensor_change;

typedef struct single_change {
    int tensor;
    int64_t element;
    double from, to;
} single_change;

/* Gradients computed again where a stands; NULL: none. */
typedef struct gradient_again {
    const reel_params *params;
    const double *flat; /* all of them, in the order of the store */
} gradient_again;

typedef struct tensor_table {
    const gradient_again *again; /* for parameters whose gradient the file does not hold; or NULL */
    tensor_change *items;
    int count;
    single_change largest[CHANGES_MOST]; /* of parameters, by size */
    int largest_count;
    reel_dtype dtype; /* of the parameters */
} tensor_table;

/* Does the checkpoint hold the gradient of its last step? */
bool tensor_gradient_saved(const checkpoint_view *a);
/* Compares two arrays of one shape; adds them when they differ. False: no memory. */
bool tensor_table_add(tensor_table *t, const checkpoint_view *a, const char *path, const reel_array *x,
                      const reel_array *y);
void tensor_table_tell(const tensor_table *t, const checkpoint_view *a, FILE *file, cJSON *report);
void tensor_table_free(tensor_table *t);

#endif
