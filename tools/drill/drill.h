/* SPDX-License-Identifier: MIT
 *
 * `reel drill`: gradient descent on a quadratic with a rate that is too high, and what explains it.
 */
#ifndef TOOLS_DRILL_H
#define TOOLS_DRILL_H

#include "options.h"
#include "output.h"
#include "plot.h"

#define DRILL_SIZE_MOST 16
#define DRILL_RUNS_MOST 7

typedef struct drill_settings {
    const char *who;
    int size; /* n */
    double eigenvalues[DRILL_SIZE_MOST], start[DRILL_SIZE_MOST];
    int rates;
    double rate[DRILL_RUNS_MOST];
    double steps; /* NaN: 20 for a run that diverges, 50 for another */
    double momentum;
    const reel_optimizer_type *kind;
    bool exercise, svg;
    const char *out, *json;
} drill_settings;

/* The loss f(x) = sum of lambda_i / 2 x_i^2 on a tape, its optimizer, in double. */
typedef struct drill_model {
    reel_context *context;
    reel_params *params; /* x (n) */
    reel_array *half;    /* lambda / 2 (n) */
    reel_tape *tape;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
} drill_model;

bool drill_model_new(drill_model *m, const drill_settings *s, double rate);
void drill_model_free(drill_model *m);
/* Loss where x is; `walk`: with the gradient. */
double drill_loss(drill_model *m, bool walk);
/* The same from the gradient of the last drill_loss. */
void drill_step(drill_model *m);

/* losses[k], points[k]: after k steps. */
typedef struct drill_run {
    double rate;
    int steps;
    double *losses; /* (steps + 1) */
    double *points; /* (steps + 1, n) */
    /* first step after which the loss rises, is infinite, x is infinite, NaN; -1: none of these (of overflows: within
     * OVERFLOW_STEPS) */
    int64_t rises, loss_infinite, x_infinite, x_nan;
} drill_run;
#define OVERFLOW_STEPS 100000

/* False: complained. Free in any case. */
bool drill_train(drill_run *run, const drill_settings *s, double rate, int steps);
void drill_run_free(drill_run *run);
/* Ends above where it began, or not finite. */
static inline bool drill_diverges(const drill_run *r)
{
    return !(r->losses[r->steps] < r->losses[0]);
}

/* What is found out after the accident. */
typedef enum drill_course { COURSE_LANDS, COURSE_FALLS, COURSE_OVERSHOOTS, COURSE_STAYS, COURSE_GROWS } drill_course;
typedef struct drill_rate {
    double rate, share; /* of the limit */
    double factor; /* of the largest eigenvalue's coordinate in one step, 1 - rate lambda; NaN: not plain descent */
    double loss;   /* after `steps` steps */
    int steps;
    int64_t landed; /* first step with loss 0; -1 */
    int64_t turns;  /* steps in which that coordinate changed its sign */
    drill_course course;
} drill_rate;

/* A way to prevent it: run from the same start. */
typedef enum rescue_kind { RESCUE_RATE, RESCUE_TENTH, RESCUE_SCHEDULE, RESCUE_MONITOR } rescue_kind;
typedef struct drill_rescue {
    rescue_kind kind;
    char advice[160];
    const char *schedule; /* or NULL */
    int64_t acts;         /* step at which something is done or said; -1: never */
    int64_t peak;         /* step of the largest loss */
    double highest;       /* that loss */
    int64_t below; /* first step from which on the loss stays below the start's: the run is saved; -1: it is not */
    double loss;   /* after the last step */
    int steps;
} drill_rescue;

#define DRILL_RATES_MOST 12
#define DRILL_RESCUES_MOST 12
typedef struct drill_findings {
    reel_curvature curvature;
    drill_rate rates[DRILL_RATES_MOST];
    int rate_count;
    drill_rescue rescues[DRILL_RESCUES_MOST];
    int rescue_count;
} drill_findings;

/* False: complained. */
bool drill_examine(const drill_settings *s, drill_findings *f);
/* The stability limit of the rate, by reel_sharpness, to nine digits; false: complained. */
bool drill_curvature(const drill_settings *s, reel_curvature *curvature);
/* One run in detail at a rate; false: complained. */
bool drill_rate_at(const drill_settings *s, double rate, double limit, int steps, drill_rate *out);

/* Text: what the notebook prints; then what is found. */
void drill_print_notebook(FILE *file, const drill_settings *s, const drill_run *runs);
void drill_print_findings(FILE *file, const drill_findings *f);
/* The notebook's claims, computed; false: complained. */
bool drill_claims(FILE *file, cJSON *list, const drill_settings *s, const drill_run *runs, const drill_findings *f);
/* `f` NULL: without findings. */
cJSON *drill_numbers(const drill_settings *s, const drill_run *runs, const drill_findings *f, cJSON *claims);
const char *drill_course_text(drill_course course);
/* drill.png, with settings->svg also drill.svg. */
plot_result drill_draw(const drill_settings *s, const drill_run *runs);

#endif
