/* SPDX-License-Identifier: MIT
 *
 * A probe: loss and gradient of a trainer's model at any point, on rows that stay the same, and afterwards everything is
 * as it was, bit for bit: parameters, gradients, buffers, optimizer, random streams, sampler. It records on a tape of its
 * own, so that what stands on the trainer's stays valid.
 */
#ifndef REEL_TRAIN_PROBE_H
#define REEL_TRAIN_PROBE_H

#include "optim/optim.h"
#include "train/trainer.h"
#include <reel/diagnose.h>

typedef struct probe_stream probe_stream;       /* a random stream, and its state when the probe was made */
typedef struct probe_params probe_params;       /* the same of a parameter store */
typedef struct probe_shadow probe_shadow;       /* a copy of the model in double */
typedef struct probe_optimizer probe_optimizer; /* the same of an optimizer */

typedef struct probe_kinks {
    uint8_t *sides; /* (room) of every place where an operation has a kink: which side the last evaluation was on */
    int64_t count, room;
} probe_kinks;

typedef struct probe {
    reel_trainer *trainer;
    reel_context *context;
    const char *site, *who;
    int64_t n;        /* parameters */
    reel_dtype dtype; /* what losses and gradients are computed in */
    double epsilon;   /* of that type */
    bool training;    /* mode of the evaluations */
    bool steady;      /* every evaluation starts from the streams and buffers the probe found; default */
    bool watch_kinks; /* keep the sides in `kinks` */
    probe_kinks kinks;
    reel_rng *dropout; /* what random operations draw from */
    bool own_dropout;  /* dropout is the probe's and stands at position `position` in each evaluation */
    uint64_t position;
    int64_t rows;     /* of the batch */
    int64_t *indices; /* (rows) or NULL: all in order */
    int64_t index_room;
    int64_t step; /* what the batch is told */

    /* inside */
    reel_params *params; /* the trainer's, or the shadow's */
    reel_tape *tape;
    reel_rng *own;     /* philox "dropout" of the trainer's seed */
    reel_array *x, *y; /* gathered rows, or NULL */
    probe_shadow *shadow;
    probe_params *kept;
    probe_optimizer *optimizer;
    probe_stream *streams;
    int64_t stream_count;
    uint32_t version; /* of the parameters when the probe was made */
    reel_value loss;  /* of the last evaluation, on `tape` */
} probe;

/* How a probe evaluates: on the next step's batch, on all rows, or on the first so many. `as_double`: computed in double
 * even when the model is float, where the model can be made again from its description; otherwise in the model's type. */
typedef struct probe_options {
    int64_t rows; /* REEL_ROWS_BATCH, REEL_ROWS_ALL, or a number */
    bool training, as_double;
} probe_options;

/* Takes everything down. False with an error kept; probe_end in any case. */
bool probe_begin(probe *p, const char *site, const char *who, reel_trainer *trainer, const probe_options *options);
/* Puts everything back and gives the memory back. */
void probe_end(probe *p);
/* Puts parameters, buffers, gradients, streams and optimizer back, and goes on. */
void probe_restore(probe *p);

/* The parameters as the probe found them, in double. */
void probe_origin(const probe *p, double *point);
/* Loss at `point` (n), NULL: where the parameters are; and its gradient unless `gradient` (n) is NULL. What is not
 * trainable has gradient 0. NaN with an error kept; a loss that is not finite is none. */
double probe_loss(probe *p, const double *point, double *gradient);
/* How many of the places `watch_kinks` looks at are on another side in a than in b. */
int64_t probe_kinks_between(const uint8_t *a, const uint8_t *b, int64_t count);

/* Rows of an update: those of its batches together, when it is made of several. */
int64_t probe_step_rows(const reel_trainer *trainer);
/* Rows `indices` (count, copied) of the data set are the batch from now on. */
bool probe_set_rows(probe *p, const int64_t *indices, int64_t count);

/* One step of the trainer's optimizer from the gradient that probe_loss left in the trainer's own parameters; not for a
 * probe with a shadow. probe_restore takes it back. */
reel_status probe_step(probe *p);

/* Fills trainable (n) with 1 where a parameter is trainable, else 0. */
void probe_trainable(const probe *p, double *trainable);

#endif
