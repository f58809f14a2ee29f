/* SPDX-License-Identifier: MIT
 *
 * The loops of the Gaussian renderer, built for each instruction set and element type as those of the library are.
 * A rendering is prepare, measure, render; its walk back gather.
 */
#ifndef GAUSSIAN_KERNEL_H
#define GAUSSIAN_KERNEL_H

#include "gaussian_image.h"

/* Pixels where W is at most this are black in normalised blending, and have no gradient. */
#define GAUSSIAN_LEAST_WEIGHT 1e-10

/* What is rendered, and the numbers that all rows share. Pointers are to float or double, as the kernel says. */
typedef struct gaussian_scene {
    int64_t count, width, height;
    double cutoff, eps;
    bool log_scale;
    bool divides;          /* normalised or smooth: C is divided by W + eps */
    bool least;            /* normalised: black where W <= GAUSSIAN_LEAST_WEIGHT */
    const void *part[5];   /* position, scale, rotation, colour, opacity */
    int64_t tile_rows;     /* most rows that are worked on together */
    int64_t rows, columns; /* as `prepare` counts them: those of all Gaussians, rounded up to whole vectors */
    void *axes;            /* x / width of every column, then y / height of every row and a vector more */
    void *shapes, *bounds; /* what is computed once for each Gaussian, and where it is */
    int32_t *spans;        /* 2 x columns / lanes: the first rows that a Gaussian reaches, then those after the last */
    void *row_factors;     /* 3 x rows */
    void *column_factors;  /* 2 x columns */
    void *sums;            /* of tile_rows: W and C of every pixel, a vector of each in turn; or the gradient by them */
    void *weight_sums;     /* W of every pixel */
    void *weights;         /* exp(-q/2) of every pixel of a span, unless two factors give it; NULL: computed again */
    void *moments;         /* the gradients by the Gaussians while they are summed */
} gaussian_scene;

typedef struct gaussian_kernels {
    const char *isa;
    bool wide;                                        /* double */
    int64_t lanes;                                    /* columns that are worked on together */
    int64_t shape_bytes, bounds_bytes, moments_bytes; /* of one Gaussian */
    /* Fills axes, shapes, bounds, rows and columns. False when a parameter is not finite. */
    bool (*prepare)(gaussian_scene *scene);
    /* Fills spans and factors, and returns the number of weights. */
    int64_t (*measure)(const gaussian_scene *scene);
    /* Makes weight_sums, weights and the image (3, height, width) unless it is NULL. */
    void (*render)(const gaussian_scene *scene, void *image);
    /* From the image and the gradient by it the gradients of the five parts, written or added to; NULL: not wanted. */
    void (*gather)(const gaussian_scene *scene, const void *image, const void *by_image, void *const gradient[5],
                   const bool add[5]);
    /* Number of pixels where W <= GAUSSIAN_LEAST_WEIGHT; they are 1 in `mask` (height, width) unless it is NULL, the others
     * 0. */
    int64_t (*uncovered)(const gaussian_scene *scene, uint8_t *mask);
} gaussian_kernels;

/* The scene that attributes and the five parts describe; its memory is still to be had. */
gaussian_scene gaussian_scene_of(const gaussian_attributes *attributes, const reel_array *const parts[GAUSSIAN_PARTS]);
/* Where the memory of a scene comes from: NULL when there is none. */
typedef struct gaussian_memory {
    void *(*get)(void *user, size_t bytes);
    void *user;
} gaussian_memory;
/* Fills the scene with all that a rendering needs, and with `keeps` what the walk back does. Returns REEL_OK,
 * REEL_NO_MEMORY, or REEL_NOT_FINITE when a parameter is not finite. */
reel_status gaussian_scene_build(const gaussian_kernels *k, gaussian_scene *scene, gaussian_memory memory, bool keeps);

/* Those for float or double on the instruction set that the library has chosen. */
const gaussian_kernels *gaussian_kernels_get(bool wide);
/* Of a given instruction set; NULL when the build has none of this name. The processor must have it. */
const gaussian_kernels *gaussian_kernels_of(const char *isa, bool wide);

#endif
