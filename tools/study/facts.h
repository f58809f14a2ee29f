/* SPDX-License-Identifier: MIT
 *
 * From the documents of the jobs to what the judges look at.
 */
#ifndef TOOLS_STUDY_FACTS_H
#define TOOLS_STUDY_FACTS_H

#include "claims.h"
#include "plan.h"

/* The documents of the full study; a job that was not run is NULL. */
typedef struct study_documents {
    cJSON *published, *gradient, *constant, *smooth;
    cJSON **arms;   /* (plan->arms.count) */
    cJSON **guards; /* (study_guard_count) */
} study_documents;

bool study_documents_read(study_documents *documents, const study_plan *plan);
void study_documents_free(study_documents *documents, const study_plan *plan);

double study_number(const cJSON *object, const char *name);
arm_facts study_arm_facts(const cJSON *arm);

/* Of a step measured in a mechanism document: is the ratio of actual to promised change within STUDY_SETTLED, and what
 * rounding may do, of 1 for the shortest part of the step on which rounding does no more than that? */
typedef enum step_verdict { STEP_SETTLES, STEP_JUMPS, STEP_UNSEEN } step_verdict;
step_verdict study_step_verdict(const cJSON *step);
#define STUDY_SETTLED 0.1

/* The facts of the run in `history_of` (the published one, or another), the rest from the constant-rate run. False without
 * memory. */
bool study_facts_read(study_facts *facts, const study_plan *plan, const study_documents *documents,
                      const cJSON *history_of);
void study_facts_free(study_facts *facts);

#endif
