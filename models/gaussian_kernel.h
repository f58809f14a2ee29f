/* SPDX-License-Identifier: MIT
 *
 * The loops of the Gaussian renderer, built for each instruction set and element type as those of the library are.
 * A rendering is prepare, spans, splat, blend; its walk back unblend, gather.
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
    bool divides;        /* normalised or smooth: C is divided by W + eps */
    bool least;          /* normalised: black where W <= GAUSSIAN_LEAST_WEIGHT */
    const void *part[5]; /* position, scale, rotation, colour, opacity */
    void *axes;          /* x / width of every column, then y / height of every row */
    void *shapes;        /* what is computed once for each Gaussian */
    int32_t *spans;      /* for each row that a Gaussian reaches the first pixel and the one after the last */
    void *sums;          /* W and C of every pixel, a vector of each in turn */
    void *by_sums;       /* the gradients by them */
    void *weights;       /* exp(-q/2) of every pixel of every span; NULL: computed again by gather */
} gaussian_scene;

typedef struct gaussian_kernels {
    const char *isa;
    bool wide;           /* double */
    int64_t lanes;       /* spans begin and end at multiples of it */
    int64_t shape_bytes; /* of one Gaussian in `shapes` */
    /* Fills axes and shapes. Returns the number of rows of all Gaussians together, -1 when a parameter is not finite. */
    int64_t (*prepare)(const gaussian_scene *scene);
    /* Fills spans and returns the number of weights. */
    int64_t (*spans)(const gaussian_scene *scene);
    /* Makes the sums of all Gaussians, and keeps their weights. */
    void (*splat)(const gaussian_scene *scene);
    /* image (3, height, width) from the sums. */
    void (*blend)(const gaussian_scene *scene, void *image);
    /* by_sums from the gradient by the image. */
    void (*unblend)(const gaussian_scene *scene, const void *image, const void *gradient);
    /* The gradients of the five parts, written or added to; NULL: not wanted. */
    void (*gather)(const gaussian_scene *scene, void *const gradient[5], const bool add[5]);
    /* Number of pixels where W <= GAUSSIAN_LEAST_WEIGHT; they are 1 in `mask` (height, width) unless it is NULL, the others
     * 0. */
    int64_t (*uncovered)(const gaussian_scene *scene, uint8_t *mask);
} gaussian_kernels;

/* The scene that attributes and the five parts describe; its memory is still to be had. */
gaussian_scene gaussian_scene_of(const gaussian_attributes *attributes, const reel_array *const parts[GAUSSIAN_PARTS]);
/* Elements of axes, and of sums and by_sums. */
int64_t gaussian_axes_size(const gaussian_kernels *k, const gaussian_scene *scene);
int64_t gaussian_sums_size(const gaussian_kernels *k, const gaussian_scene *scene);

/* Those for float or double on the instruction set that the library has chosen. */
const gaussian_kernels *gaussian_kernels_get(bool wide);
/* Of a given instruction set; NULL when the build has none of this name. The processor must have it. */
const gaussian_kernels *gaussian_kernels_of(const char *isa, bool wide);

#endif
