/* SPDX-License-Identifier: MIT
 *
 * What explains a training: does the gradient describe the loss, how sharply is the loss curved, which rate suits it.
 *
 * All of these look at a trainer between two steps, or before the first, and leave it as it was, bit for bit: optimizer,
 * sampler, what is recorded on its tape, and all parameter stores (values, gradients, buffers) and random streams of its
 * context. They may be called from an observer. A loss function of the program's own is called again and again; what else
 * it writes to is its own affair.
 */
#ifndef REEL_DIAGNOSE_H
#define REEL_DIAGNOSE_H

#include <reel/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The rows that a measurement is made on: a number for the first so many of the data set, or one of these. */
enum {
    REEL_ROWS_ALL = 0,   /* the whole data set */
    REEL_ROWS_BATCH = -1 /* those of the next step */
};

/* Loss and gradient where the trainer stands, in evaluation mode, on `rows` (REEL_ROWS_ALL, ..., or a number). `gradient`: all
 * parameters flat in the order of the store, float or double; 0 for those that are not trainable; NULL: only the loss.
 * `loss` may be NULL. Error: REEL_BAD_SHAPE for another size. */
REEL_API reel_status reel_trainer_gradient(REEL_SITE reel_trainer *trainer, int64_t rows, reel_array *gradient,
                                           double *loss);

/* ---- step fidelity ---- */

#define REEL_FIDELITY_MOST 32 /* halvings */

/* One row: the optimizer's next step times `fraction`. */
typedef struct reel_fidelity_row {
    double fraction; /* 1, 1/2, 1/4, ... */
    double loss;     /* at the end of it */
    double change;   /* loss minus the loss at its start */
    double promised; /* fraction (gradient . step) */
    double ratio;    /* change / promised; NaN when nothing is promised */
    double error;    /* what rounding of the two losses may have done to the ratio: 2 epsilon |loss| / |promised| */
    int64_t kinks;   /* places (relu, abs, maximum, ...) that are on another side at the end of it than at its start */
} reel_fidelity_row;

typedef struct reel_fidelity {
    int64_t rows;         /* of the data, 0 without */
    reel_dtype dtype;     /* that the losses were computed in */
    double loss;          /* where the step starts */
    double gradient_norm; /* there, before clipping */
    double step_norm;     /* length of the whole step */
    double rate;          /* learning rate of the step */
    double cosine;        /* of the step with the negative gradient: 1 for plain descent */
    int count;            /* rows of the table */
    reel_fidelity_row table[REEL_FIDELITY_MOST + 1];
} reel_fidelity;

/* rows REEL_ROWS_BATCH: the gradient the next step would use. halvings 0: 10. */
typedef struct reel_fidelity_options {
    int64_t rows;
    int halvings; /* at most REEL_FIDELITY_MOST */
    bool
        evaluation; /* modules in evaluation mode; else as they train, with the same random numbers in every evaluation */
} reel_fidelity_options;

/* Compares the loss change that happens over the optimizer's next step s with the change the gradient g promises, for s
 * and for shorter steps along it:
 *     ratio(c) = (L(w + c s) - L(w)) / (c g . s),   c = 1, 1/2, 1/4, ...
 * By Taylor's theorem ratio(c) = 1 + c (s' H s) / (2 g . s) + O(c^2) where the loss is smooth: nearer to 1 the shorter the
 * step, the distance halving with it. So a ratio that goes to 1 says that the gradient is right and the length of the step
 * is the question; one that does not, beyond `error` and without kinks, says that the loss is not what the gradient
 * describes: a discontinuity, a missing term, a wrong backward. The step is what reel_optimizer_step would do now, moments,
 * schedule, clipping and noise included, and is taken back. Losses are computed in double where the model is made of
 * built-in modules and the loss is one of the library, else in the model's type. options NULL: the next step's batch, 10
 * halvings, training mode. Error: REEL_NOT_FINITE for a loss or gradient that is not finite, and what the loss function
 * and the optimizer say. */
REEL_API reel_status reel_step_fidelity(REEL_SITE reel_trainer *trainer, const reel_fidelity_options *options,
                                        reel_fidelity *fidelity);

/* ---- sharpness ---- */

typedef struct reel_sharpness_options {
    int64_t rows;     /* REEL_ROWS_ALL, ... */
    int iterations;   /* at most; 0: 200, and never more than there are trainable parameters */
    double tolerance; /* on the residual, relative to the largest |eigenvalue| seen; 0: 1e-7, in float 1e-4 */
    bool training;    /* modules in training mode; default: evaluation */
} reel_sharpness_options;

/* An eigenvalue of a symmetric operator, and what is known of its error. */
typedef struct reel_eigenvalue {
    double value;
    double residual; /* |A v - value v|, |v| = 1: some eigenvalue of A is as near as this */
} reel_eigenvalue;

typedef struct reel_curvature {
    int64_t rows;               /* of the data, 0 without */
    int64_t parameters;         /* trainable ones */
    reel_dtype dtype;           /* that the gradients were computed in */
    double loss, gradient_norm; /* at the point, on these rows */
    reel_eigenvalue largest;    /* largest algebraic eigenvalue of the Hessian H of the loss: the sharpness */
    reel_eigenvalue
        smallest;        /* a by-product, with the root of the tolerance: its error goes with the residual's square */
    int iterations;      /* of Lanczos, for H */
    int64_t products;    /* Hessian-vector products made, two gradients each, all in all */
    double difference;   /* distance |w+ - w| of the differences, the largest used */
    int64_t kinks;       /* places that were on different sides in the two gradients of a product, summed up */
    int64_t kink_places; /* places looked at in one gradient */
    reel_eigenvalue scaled; /* that of the optimizer's own operator, S (H + W) S: what the limit is computed from */
    double rate;            /* of the next update */
    double limit;     /* largest rate at which the optimizer is stable here; NaN when `why` says so; INFINITY where
                                 the curvature is nowhere positive */
    char formula[96]; /* "2 (1 + momentum) / lambda" */
    char why[160];    /* "" or the reason why there is no limit, or what it stands on */
} reel_curvature;

/* Sharpness: the largest algebraic eigenvalue lambda of the Hessian H of the loss over fixed rows, by the method of Lanczos
 * (J. Res. Nat. Bur. Standards 45, 1950) with full reorthogonalisation, and the stability limit of the optimizer.
 *
 * Products are central differences of exact gradients, H v = (g(w + h v) - g(w - h v)) / (2 h) with |v| = 1 and
 * h = eps^(1/3) (1 + |w|). Error: h^2 |g'''| / 6 + eps |g| / h, in double about 1e-10 relative, well within 1e-6. Where the
 * two gradients are on different sides of a kink (relu, ...) the product holds a share of the jump: h is then made 16 times
 * smaller, at most three times (in double), after which rounding is still below 1e-6; `kinks` counts what was crossed all
 * the same, of relu, linear_relu, leaky_relu, elu, abs, clamp, hardtanh, maximum, minimum and l1. A model in float is computed in double where it is made of built-in modules and the loss is one of the library;
 * else the gradients are floats, and lambda is right to about 1e-4.
 *
 * Limits (of a quadratic; Cohen et al., "Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability",
 * 2021, and for the adaptive ones Cohen et al., "Adaptive Gradient Methods at the Edge of Stability", 2022): descent
 * 2 / lambda; heavy ball 2 (1 + momentum) / ((1 - dampening) lambda); Nesterov's 2 (1 + momentum) / ((1 + 2 momentum) lambda);
 * Adam and AdamW 2 (1 + beta1) / ((1 - beta1) lambda'), where lambda' is the largest eigenvalue of D^-1/2 H D^-1/2 with
 * D = sqrt(v / (1 - beta2^t)) + eps from the second moments as they are, before the first step from the gradient; RMSprop
 * and Adagrad with their own D. L2 weight decay adds to H. Groups of different rates scale D; the limit is on the first
 * group's rate. Above the limit the step grows along the eigenvector on the quadratic; a net may hover at it for long.
 *
 * options NULL: all rows, evaluation mode. Error: REEL_NOT_FINITE for a loss, gradient or moment that is not finite. */
REEL_API reel_status reel_sharpness(REEL_SITE reel_trainer *trainer, const reel_sharpness_options *options,
                                    reel_curvature *curvature);

/* ---- learning-rate range test ---- */

#define REEL_LR_CURVES 3

/* Zero fields take the defaults. */
typedef struct reel_lr_options {
    double least, most;     /* rates at the ends; 1e-7, 10 */
    int steps;              /* from least to most, at least 10; 200 */
    double smoothing;       /* share of the average that stays, below 1; 0.8; negative: none */
    double stop;            /* stops where the smoothed loss is above this times its best, above 1; 4 */
    uint64_t seed;          /* curve k draws order of the rows and dropout from seed + k */
    bool without_sharpness; /* measure the curves only */
} reel_lr_options;

typedef struct reel_lr_curve {
    uint64_t seed;
    int64_t count;          /* points */
    double *rate;           /* (count) that step i uses */
    double *loss;           /* (count) of its rows, before it */
    double *smoothed;       /* (count) exponential average of the losses, corrected for its start */
    double best, best_rate; /* smallest smoothed loss, and the rate it is reached at */
    double fall;            /* share of the first loss that the best one is below it */
    double steepest;        /* rate at which the smoothed loss falls fastest per log(rate); NaN: nowhere */
    double blow_up;         /* rate at which the test stopped; NaN: it went through to `most` */
} reel_lr_curve;

typedef struct reel_lr_test {
    reel_lr_curve curves[REEL_LR_CURVES];
    int count;
    bool same;                /* the curves are one: nothing is drawn at random */
    double suggestion;        /* a rate; NaN: no reliable one */
    double low, high;         /* its range: over the curves, steepest descent and a tenth of the blow-up; NaN: none */
    char why[400];            /* what the suggestion stands on, or why there is no reliable one */
    reel_curvature curvature; /* at the start, on the first 4096 rows at most; limit NaN when there is none */
} reel_lr_test;

/* Learning-rate range test (Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017): trains with a rate
 * that grows by the same factor each step,
 *     rate_i = least (most / least)^(i / (steps - 1)),
 * from where the trainer stands, with its optimizer, batch size and loss (schedules are left out; groups keep the ratio of
 * their rates), until the smoothed loss is above `stop` times its best or not finite; three times, with other orders of the
 * rows and other dropout. Then everything is put back.
 *
 * The suggestion is the rate of steepest descent, the geometric mean over the curves. It is reliable when every curve falls
 * by 5 % at least, the steepest points are within a factor of 10, and none is above the stability limit from the sharpness
 * at the start, which is measured besides because the test alone misleads: while the rate grows, a step that is too long has
 * no time to do its harm, so that the test runs on well past the limit. Errors: of the loss function and the optimizer;
 * REEL_NOT_FINITE when the loss at the start is not finite. NULL then. Owned by the context. */
REEL_API reel_lr_test *reel_lr_find(REEL_SITE reel_trainer *trainer, const reel_lr_options *options);
REEL_API void reel_lr_test_free(reel_lr_test *test);

/* ---- diagnosis ---- */

/* What explains a run. */
typedef enum reel_cause {
    REEL_CAUSE_NOTHING,     /* nothing wrong was found */
    REEL_CAUSE_NOT_FINITE,  /* an operation makes a NaN or infinity */
    REEL_CAUSE_GRADIENT,    /* the gradient does not describe the loss */
    REEL_CAUSE_INPUT,       /* unfit input: not finite, constant, contradictory, badly scaled */
    REEL_CAUSE_RATE_HIGH,   /* rate too high for the curvature */
    REEL_CAUSE_RATE_LOW,    /* rate too low */
    REEL_CAUSE_PLATEAU,     /* hardly a gradient, far from what the model can reach */
    REEL_CAUSE_DEAD_UNITS,  /* relu units that are 0 in every row */
    REEL_CAUSE_OVERFITTING, /* validation loss far above the training loss */
    REEL_CAUSE_TOO_SMALL    /* the model cannot learn a few rows by heart */
} reel_cause;
#define REEL_CAUSE_COUNT 10
/* "rate too high"; NULL for what is no cause. */
REEL_API const char *reel_cause_name(reel_cause cause);

typedef struct reel_finding {
    reel_cause cause;
    double weight;              /* the findings are ordered by it, largest first */
    double measured, threshold; /* the figure it rests on, and the bound it is past */
    char text[400];             /* a sentence with its figures */
    char remedy[320];           /* what to do about it */
} reel_finding;

#define REEL_FINDING_MOST 12
#define REEL_TRIAL_MOST 9

/* Steps rehearsed from where the trainer stands, at its rate times `factor`. */
typedef struct reel_trial {
    double factor;
    double loss; /* after them, on the rows measured; NaN: not finite */
} reel_trial;

typedef struct reel_diagnosis {
    int count; /* at least 1 unless it failed */
    reel_finding findings[REEL_FINDING_MOST];

    /* What was measured; NaN: it was not. */
    int64_t step, rows;
    double loss, gradient_norm, parameter_norm;
    double baseline;          /* loss of the best constant prediction; NaN with a loss function of the program's own */
    double best;              /* smallest loss the trainer has seen */
    double validation;        /* loss of the validation set */
    int64_t units, dead;      /* of relus */
    int64_t dead_layer;       /* units of the largest relu all of whose units are dead, two at least; else 0 */
    double fidelity;          /* change that happens over the change promised, where it is worst */
    double fidelity_error;    /* of that, from rounding and step length */
    reel_curvature curvature; /* limit NaN: none */
    int trial_count, trial_steps;
    reel_trial trials[REEL_TRIAL_MOST];
    int64_t subset;        /* rows of the memory test, 0: not made */
    double memorised;      /* loss it reached, from a fresh start */
    double fresh_gradient; /* gradient norm at that start */
    double fresh_loss;     /* and the loss */
    double fresh_after; /* where units are dead: the loss after trial_steps at the present rate from a fresh start, */
    int64_t fresh_dead; /* and the units that are dead then */
} reel_diagnosis;

/* Says what explains a training, in the state it stands in: looks for numbers that are not finite and where they are born,
 * at the data, at the gradient against differences of the loss, at units, curvature and validation loss; rehearses 50
 * steps at the present rate and at 1/100 to 1000 times it, further up while that gains little; and trains a fresh copy of the model on at most 100 rows to see
 * whether it can learn them by heart. Then everything is put back, bit for bit. Findings come with what was measured and
 * the bound it is past; when there is none the first is REEL_CAUSE_NOTHING. Errors: of the loss function and the optimizer,
 * no memory; that something is not finite is a finding and no error. A context that has failed is to be cleared first. */
REEL_API reel_status reel_diagnose(REEL_SITE reel_trainer *trainer, reel_diagnosis *diagnosis);

#ifndef REEL_NO_SITE_MACROS
#define reel_diagnose(...) reel_diagnose(REEL_HERE, __VA_ARGS__)
#define reel_trainer_gradient(...) reel_trainer_gradient(REEL_HERE, __VA_ARGS__)
#define reel_step_fidelity(...) reel_step_fidelity(REEL_HERE, __VA_ARGS__)
#define reel_sharpness(...) reel_sharpness(REEL_HERE, __VA_ARGS__)
#define reel_lr_find(...) reel_lr_find(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
