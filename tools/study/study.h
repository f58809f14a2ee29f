/* SPDX-License-Identifier: MIT
 *
 * `reel study baseline1`: settings of one run, and their flags. An arm of the full study is such a line of flags too.
 */
#ifndef TOOLS_STUDY_STUDY_H
#define TOOLS_STUDY_STUDY_H

#include "../output.h"
#include "../run_flags.h"
#include "../trainer_flags.h"

#include "../../models/gaussian_image.h"

enum { ARITHMETIC_REEL, ARITHMETIC_PUBLISHED };

/* Choices are numbers here, the index of the name in the table of the flag. */
typedef struct study_settings {
    const char *who;
    const option_set *set;
    double arithmetic;
    double gaussians, seed, iterations;
    double blending, cutoff, eps, least_scale, log_scale, train, gradient, precision;
    double log_every, perturb;
    const char *image; /* a file, or NULL: the study's */
    const char *optimizer;
    const char *out, *json, *arms;
    double jobs;
    bool quiet, full, quick;
    run_flags run;
    optimizer_choice choice;
    trainer_flags trainer;
} study_settings;

/* What a checkpoint keeps of the settings, so that a resume goes on with the same ones unless a flag says otherwise. */
typedef struct study_kept {
    const char *name; /* in the checkpoint, and of the flag */
    size_t offset;    /* of the double in study_settings */
    const reel_hyper *hyper;
    const bool *given; /* on the command line */
} study_kept;
extern const study_kept study_kept_settings[];
extern const int study_kept_count;

/* Reads a line of flags, argv[0] is skipped. Returns -1 when all is well, else the exit status, a line was printed. The
 * words belong to argv. */
int study_settings_read(study_settings *settings, int argc, char **argv);
gaussian_settings study_model(const study_settings *settings);

int study_baseline1(int argc, char **argv);
/* The run of the published arithmetic; the run on Reel's tape; everything. Return the exit status. */
int study_run_published(const study_settings *settings);
int study_run_reel(const study_settings *settings);
int study_run_full(const study_settings *settings);

#endif
