/* SPDX-License-Identifier: MIT
 *
 * Structural similarity of two planes of numbers, and its gradient.
 */
#ifndef REEL_KERNELS_SSIM_H
#define REEL_KERNELS_SSIM_H

#include <stdbool.h>
#include <stdint.h>

/* Windows are size x size, with weights weight[i] weight[j]; their corners are 0 ... rows-1 and 0 ... columns-1. Weights are
 * symmetric, and NULL for equal ones of a window of 8. */
#define SSIM_SIZE_MOST 11
typedef struct ssim_plane {
    int64_t height, width, rows, columns;
    int size;
    const double *weight;
    const void *x, *y; /* (height, width) */
    void *work;        /* ssim_work_size elements */
    void *slopes;      /* ssim_slopes_size elements: what `total` keeps for `gradient`; NULL: nothing */
} ssim_plane;

/* Elements after a row that a vector may reach, rows of the filter's memory, and elements of work and slopes. */
#define SSIM_PAD 32
#define SSIM_WORK_ROWS 112
static inline int64_t ssim_work_size(const ssim_plane *p)
{
    return SSIM_WORK_ROWS * (p->width + 2 * SSIM_SIZE_MOST + SSIM_PAD) + p->rows * p->columns;
}

static inline int64_t ssim_slopes_size(const ssim_plane *p)
{
    return 4 * p->rows * p->columns;
}

struct ssim_kernels {
    /* The sum over all windows, in an order that the shape alone decides. */
    double (*total)(const ssim_plane *p);
    /* to (height, width) = or += scale times the gradient of that sum by x, or by y. */
    void (*gradient)(const ssim_plane *p, double scale, bool by_y, void *to, bool add);
};

#endif
