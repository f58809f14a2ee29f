/* SPDX-License-Identifier: MIT
 *
 * The full study: what is done, job by job, each a file of numbers in the folder. A job whose file is there is done, so
 * that the study goes on where it was killed.
 */
#ifndef TOOLS_STUDY_PLAN_H
#define TOOLS_STUDY_PLAN_H

#include "arms.h"
#include "run.h"

enum { STUDY_PERTURBED_MOST = 16, STUDY_SEEDS_MOST = 8 };

typedef struct study_plan {
    const char *who, *out;
    int64_t iterations; /* of a run */
    int64_t start;      /* the checkpoint the note's experiments go on from */
    int gaussians;
    int perturbed; /* starts of the first seed that differ in one last bit */
    int seeds, seed[STUDY_SEEDS_MOST];
    int jobs;
    bool quiet, quick;
    bool is_the_note; /* the settings of the run the note is about */
    study_arms arms;
} study_plan;

/* A job: `run` measures and fills the document, in a process of its own. */
typedef struct study_job {
    const char *name; /* file NAME.json below the folder */
    const char *text; /* for the progress display */
    int (*run)(const study_plan *plan, const struct study_job *job, cJSON *document);
    const void *of; /* an arm, ... */
    char key[512];  /* what was measured; a file with another key is measured again */
} study_job;

/* Runs all jobs that are not done. Returns the exit status. */
int study_jobs_run(const study_plan *plan, study_job *jobs, int count, const char *phase);

/* Settings of one run: flags, seed, perturbation (0: none), and the checkpoint to go on from (NULL: none). The words in
 * `line` (freed by study_line_free) must outlive the settings. Exit status, or -1. */
enum { LINE_WORDS = 64 };
typedef struct study_line {
    char *text;
    char resume_flag[12];
    char *words[LINE_WORDS];
    int count;
} study_line;
int study_line_read(const study_plan *plan, study_line *line, study_settings *settings, const char *flags, int seed,
                    int perturb, char *resume);
void study_line_free(study_line *line);

/* How many Gaussians an arm has. */
int study_arm_gaussians(const study_plan *plan, const study_arm *arm);

/* The jobs. */
int study_job_start(const study_plan *plan, const study_job *job, cJSON *document);
int study_job_arm(const study_plan *plan, const study_job *job, cJSON *document);
int study_job_mechanism(const study_plan *plan, const study_job *job, cJSON *document);
int study_job_guards(const study_plan *plan, const study_job *job, cJSON *document);

/* report.md, report.html and their pictures, from the documents alone. */
int study_report(const study_plan *plan);

#endif
