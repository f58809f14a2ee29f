/* SPDX-License-Identifier: MIT
 *
 * The statements of the note about Baseline 1, each with the function that judges it from what was measured.
 */
#ifndef TOOLS_STUDY_CLAIMS_H
#define TOOLS_STUDY_CLAIMS_H

#include "history.h"
#include "stats.h"

/* What an arm has shown. A member diverged when its last loss is more than CLAIM_DIVERGED times its best or not finite. */
typedef struct arm_facts {
    int members, diverged; /* members 0: the arm was not run */
    study_range best, final, onset, overshoot;
} arm_facts;

typedef enum claim_arm {
    ARM_N45,
    ARM_N55,
    ARM_CONTROL,
    ARM_HALF_RATE,
    ARM_EXPONENTIAL,
    ARM_STEP_DECAY,
    ARM_PATIENCE,
    ARM_CLIP,
    ARM_FRESH_MOMENTS,
    ARM_FRESH_ADAM,
    ARM_SGD,
    ARM_SGD_MOVING,
    ARM_COSINE_START,
    ARM_COSINE_HERE,
    ARM_WHOLE_GRADIENT,
    CLAIM_ARMS
} claim_arm;
/* The arm's name in the table of arms. */
extern const char *const claim_arm_names[CLAIM_ARMS];

/* Everything the judges look at. NaN: not measured. */
typedef struct study_facts {
    study_history run;     /* of the run the note is about */
    double gradient_error; /* largest relative difference to the published gradient */
    arm_facts arm[CLAIM_ARMS];
    double step_before, step_at;         /* median length of updates well before the onset, and around it */
    double momentum_before, momentum_at; /* of Adam's first moment */
    double largest_gradient;             /* norm, over the whole run */
    double rate_over_limit;              /* largest quotient of rate and sharpness limit measured before the onset */
    int steps_measured, steps_settled;   /* along the step around and after the onset; ratio towards 1 as it is cut */
    double speed;                        /* iterations per second here, median over the constant-rate runs */
    double squares_rise;                 /* last L2 over the L2 of the best iteration */
    double share;                        /* of the rise of L2 that lost and regained pixels explain */
} study_facts;

typedef enum claim_verdict { CLAIM_HOLDS, CLAIM_FAILS, CLAIM_OPEN } claim_verdict;
/* "holds", "does not hold", "not decidable". */
const char *claim_verdict_text(claim_verdict verdict);

/* Bounds of the judges, all stated in the report. */
#define CLAIM_DIGITS 1.5e-6    /* a loss printed with six digits */
#define CLAIM_DIVERGED 1.1     /* of the best loss */
#define CLAIM_LEVEL 0.1        /* relative: "back at the level of" */
#define CLAIM_SUDDEN 0.1       /* share of the whole rise within one interval */
#define CLAIM_EXPONENTIAL 0.95 /* share of the variance of log(loss - best) that a line explains */
#define CLAIM_PLATEAU 0.02     /* relative spread */
#define CLAIM_GROWTH 1.1       /* a length that has grown */
#define CLAIM_GRADIENT 1e-5    /* relative difference of gradients */

#define CLAIM_TEXT 300
typedef struct study_claim {
    const char *section; /* of the note */
    const char *text;
    claim_verdict (*judge)(const struct study_claim *claim, const study_facts *facts, char measured[CLAIM_TEXT]);
    double a, b, c; /* of the judge */
    bool of_run;    /* judged from the history of the run alone */
} study_claim;

extern const study_claim study_claims[];
extern const int study_claim_count;
/* The statement's judgement. */
claim_verdict study_claim_judge(const study_claim *claim, const study_facts *facts, char measured[CLAIM_TEXT]);

#endif
