/* SPDX-License-Identifier: MIT
 *
 * `reel fit`: Gaussians fitted to an image.
 */
#ifndef TOOLS_FIT_H
#define TOOLS_FIT_H

#include "chart.h"
#include "gaussian_image.h"
#include "model/recipe.h"

#define FIT_SIDE_MOST 1024 /* pixels of an image each way */
#define FIT_RATE 0.003     /* of Adam */

typedef struct fit_settings {
    const char *image; /* a file, or test:NAME or test:NAME:WIDTHxHEIGHT */
    double gaussians, eps, least_scale, most_scale, start_scale, iterations, seed;
    const char *blending, *cutoff, *scale_form, *train, *start, *loss, *window, *precision;
    const char *out, *json;
    bool quiet;
    bool iterations_given, seed_given;
} fit_settings;

/* What the words of the settings say. */
typedef struct fit_choice {
    gaussian_settings model;
    gaussian_loss loss;
    reel_dtype precision;
    bool colours_from_image;
} fit_choice;

/* The settings, and the rows of flags that set them: those that make image, model and loss, and the others. */
extern fit_settings image_fit_asked;
#define FIT_GROUPS 3
void image_fit_flags_init(void);
void image_fit_groups(option_group groups[FIT_GROUPS]);
option_row image_fit_seed_row(void);
void image_fit_more_help(void);
/* NULL, or a sentence. */
const char *image_fit_read(const fit_settings *s, fit_choice *choice);
/* Takes the settings that a checkpoint's recipe has; false: it is of another command. */
bool image_fit_recipe_read(reel_context *context, const char *recipe);

typedef struct fit_run {
    const fit_settings *settings;
    fit_choice choice;
    reel_context *context;
    reel_array *target; /* (3, height, width), in the precision of the run */
    reel_dataset data;  /* one row, the target; so that a checkpoint knows its image */
    reel_params *params;
    gaussian_image image;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
    chart losses; /* before each update */
    /* after the last update: */
    reel_array *rendering;
    double loss, psnr, ssim, largest; /* largest: error of a channel of a pixel */
    int64_t uncovered;
} fit_run;

/* Image, model, start. False with an error kept. */
bool image_fit_build(fit_run *run, const fit_settings *settings, const fit_choice *choice, reel_context *context);
/* The trainer of run->optimizer; and both with what was given. */
void image_fit_trainer_new(fit_run *run);
bool image_fit_trainer(fit_run *run, reel_args *args);
/* Renders and measures. */
bool image_fit_measure(fit_run *run);
/* PSNR and SSIM (11 x 11; 8 x 8 for small images, NaN for the smallest) of the parameters as they are. */
bool image_fit_quality(const fit_run *run, double *psnr, double *ssim);

/* Progress on stderr, with PSNR and SSIM. */
typedef struct fit_progress {
    fit_run *run;
    bool quiet, terminal, open; /* open: a line on the terminal is not ended */
    double shown, began;        /* seconds */
    int64_t first, told;        /* steps */
    bool keep;                  /* losses */
} fit_progress;
fit_progress image_fit_progress_new(fit_run *run, bool keep);
void image_fit_observe(const reel_event *event, void *progress);
void image_fit_progress_end(fit_progress *progress);

/* rendering.png, error.png, ellipses.png. False with an error kept. */
bool image_fit_draw(const fit_run *run, const char *folder);
/* What is printed, and all numbers; NULL without memory. */
void image_fit_print(const fit_run *run, FILE *file);
cJSON *image_fit_numbers(const fit_run *run);

#endif
