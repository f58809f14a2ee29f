/* SPDX-License-Identifier: MIT
 *
 * An image as a sum of N two-dimensional Gaussians, after 3D Gaussian splatting (Kerbl et al., SIGGRAPH 2023) and
 * GaussianImage (Zhang et al., ECCV 2024). Images are (3, height, width), red, green and blue planes of numbers in
 * [0, 1].
 *
 * Pixel (x, y) stands at p = (x / width, y / height). For Gaussian i, with position m, scale s, rotation t:
 *     d = p - m,  a = d_x cos t + d_y sin t,  b = -d_x sin t + d_y cos t,  q = (a / s_x)^2 + (b / s_y)^2,
 *     w = opacity exp(-q / 2), and 0 where q > cutoff^2.
 * With sums over Gaussians, W = sum w and C = sum w colour, the colour of the pixel is
 *     normalised   C / W, and black where W <= 1e-10,
 *     smooth       C / (W + eps),
 *     additive     C.
 */
#ifndef GAUSSIAN_IMAGE_H
#define GAUSSIAN_IMAGE_H

#include <reel/reel.h>

#define GAUSSIAN_MOST_COUNT 1000000 /* Gaussians */
#define GAUSSIAN_MOST_SIDE 16384    /* pixels */

/* The parameters of a Gaussian; each is one parameter of the store, named as in gaussian_part_names. */
typedef enum gaussian_part {
    GAUSSIAN_POSITION, /* "position" (N,2): x, y; kept in [0,1] */
    GAUSSIAN_SCALE,    /* "scale" (N,2): s_x, s_y, kept in [least_scale, most_scale]; with log_scale their logarithms */
    GAUSSIAN_ROTATION, /* "rotation" (N,1): radians */
    GAUSSIAN_COLOUR,   /* "colour" (N,3): red, green, blue; kept in [0,1] unless blending is additive */
    GAUSSIAN_OPACITY,  /* "opacity" (N,1); kept in [0,1] */
    GAUSSIAN_PARTS
} gaussian_part;
extern const char *const gaussian_part_names[GAUSSIAN_PARTS];

typedef enum gaussian_blending { GAUSSIAN_NORMALISED, GAUSSIAN_SMOOTH, GAUSSIAN_ADDITIVE } gaussian_blending;
/* "normalised", "smooth", "additive". */
extern const char *const gaussian_blending_names[3];

/* What an image is made of; gaussian_settings_new gives the defaults in parentheses, which are those of the study. */
typedef struct gaussian_settings {
    int64_t count;                  /* N (50) */
    int64_t width, height;          /* of the image (64, 64) */
    gaussian_blending blending;     /* (normalised) */
    double cutoff;                  /* in standard deviations (3.5); INFINITY: none */
    double eps;                     /* of smooth blending (0.001) */
    bool log_scale;                 /* the parameter "scale" holds logarithms (false) */
    double least_scale, most_scale; /* bounds of s_x and s_y (0.001, 0.5) */
    double start_low, start_high;   /* scales start uniform in [low, high) (0.01, 0.1) */
    bool train[GAUSSIAN_PARTS];     /* which parts are trained (position, scale, colour) */
} gaussian_settings;
gaussian_settings gaussian_settings_new(void);

/* The model: settings, the store its parameters stand in (borrowed) and their indices there. A plain value; nothing in it
 * has to be freed. */
typedef struct gaussian_image {
    gaussian_settings settings;
    reel_params *params;
    int index[GAUSSIAN_PARTS];
} gaussian_image;

/* Adds the parameters of N Gaussians to an unsealed store, marks those that are not trained, and gives them their bounds
 * (reel_params_set_bounds), which every optimizer's step keeps. They are 0 until gaussian_image_start. Errors: a size,
 * count, cut-off, eps or scale outside what is sensible; a store that has such parameters already. */
reel_status gaussian_image_init(gaussian_image *image, reel_params *params, const gaussian_settings *settings);

/* Draws the start from a stream, for each Gaussian in turn x and y in [0,1), one scale in [start_low, start_high) for both
 * axes, red, green and blue in [0,1), each as a float; rotation 0, opacity 1. With reel_rng_rust_new(context, 42) it is the
 * start of the study. */
reel_status gaussian_image_start(gaussian_image *image, reel_rng *rng);
/* Gives every Gaussian the colour that `target` (3, height, width) has at its position. */
reel_status gaussian_image_colours_from(gaussian_image *image, const reel_array *target);

/* Records the rendering (3, height, width) by one operation, `gaussian_render`. */
reel_value gaussian_image_render(const gaussian_image *image, reel_tape *tape);
/* That operation on any five values of the shapes above: position, scale, rotation, colour, opacity. The attributes are
 * those fields of the settings that a rendering depends on. */
typedef struct gaussian_attributes {
    int64_t width, height;
    gaussian_blending blending;
    bool log_scale;
    double cutoff, eps;
    void *kept; /* for the walk back; NULL when recording */
} gaussian_attributes;
extern const reel_op gaussian_render;
gaussian_attributes gaussian_attributes_of(const gaussian_settings *settings);

/* Number of pixels where W <= 1e-10 with the parameters as they are now; with `mask` (height, width) they are 1 there, the
 * others 0. -1 on error. */
int64_t gaussian_image_uncovered(const gaussian_image *image, uint8_t *mask);
/* Mean of s_x and s_y over all Gaussians. */
double gaussian_image_mean_scale(const gaussian_image *image);

/* l1 mean|y - t| + l2 mean(y - t)^2 + ssim (1 - SSIM(y, t)); terms of weight 0 are not computed. The study reports
 * {0.2, 0.8, 0.1} with REEL_SSIM_UNIFORM and follows the gradient of mean(y - t)^2 alone. */
typedef struct gaussian_loss {
    double l1, l2, ssim;
    reel_ssim_window window;
} gaussian_loss;
extern const gaussian_loss gaussian_loss_reported;
reel_value gaussian_loss_record(const gaussian_loss *loss, reel_value rendering, reel_value target);
/* The same where mean(y - t)^2 has been recorded already. */
reel_value gaussian_loss_record_with(const gaussian_loss *loss, reel_value rendering, reel_value target,
                                     reel_value squares);

#endif
